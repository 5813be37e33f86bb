//! Zoho's words, and those of the RFCs that mean something else at Zoho.
//!
//! Sources are Zoho's pages "Initiation request", "Polling request", "Multi DC", "Access token", "Refresh access token",
//! "Authorization request" and "Revoke" below <https://www.zoho.com/accounts/protocol/oauth/>. Where no page names a
//! word, the entry says so.

use super::Place::{Authorization, CodeExchange, DeviceAuthorization, Poll, PollAfterMove, Refresh, Revocation};
use super::{ErrorWord, NO_REFRESH_TOKEN, THROTTLED};
use crate::error::Code;

/// In the order of a sign-in's life.
pub static WORDS: &[ErrorWord] = &[
    ErrorWord {
        words: &["other_dc"],
        places: &[Poll, PollAfterMove],
        code: None,
        meaning: "approved, but the account lives in another data center than the client",
        causes: &["the client is registered in one data center and used by an account of another"],
        next: "wait; the program goes on asking there by itself",
        source: "Polling request, Multi DC",
    },
    ErrorWord {
        words: &["other_dc"],
        places: &[DeviceAuthorization, CodeExchange, Refresh, Revocation],
        code: Some(Code::WrongDataCenter),
        meaning: "the account lives in another data center than the one that was asked",
        causes: &["the account was moved", "the tokens were brought along from another data center"],
        next: "{sign_in}",
        source: "documented for polls only",
    },
    ErrorWord {
        words: &["access_denied"],
        places: &[Poll, PollAfterMove, Authorization],
        code: Some(Code::Denied),
        meaning: "someone answered No, or the account may not use this app; nothing was saved",
        causes: &[
            "the person did not expect the request and answered No",
            "another account than the intended one was signed in to in the browser",
            "the account lives in a data center that is not switched on in the client's Multi-DC settings",
        ],
        next: "if that was a slip, {sign_in}",
        source: "Polling request, Authorization request",
    },
    ErrorWord {
        words: &["expired", "expired_token"],
        places: &[Poll, PollAfterMove],
        code: Some(Code::CodeExpired),
        meaning: "the code ran out before anyone approved it",
        causes: &[
            "nobody opened the page in time: Zoho's codes last five minutes",
            "the page was opened, but not followed to its end",
        ],
        next: "{sign_in} for a new code",
        source: "Polling request",
    },
    ErrorWord {
        words: &["invalid_client", "Invalid Client"],
        places: &[DeviceAuthorization, Poll, Authorization],
        code: Some(Code::InvalidClient),
        meaning: "{provider} does not know this client{there}",
        causes: &[
            "the client is registered in another data center: Zoho's consoles know only their own clients",
            "the client id is mistyped, or the client was deleted",
            "the client is of another type than \"Non-browser application\"",
        ],
        next: "check `client_id` and `data_center` of profile `{profile}`; {registration}",
        source: "Access token; seen when asking for codes",
    },
    ErrorWord {
        words: &["invalid_client"],
        places: &[PollAfterMove],
        code: Some(Code::WrongDataCenter),
        meaning: "the account lives in another data center than the client, and {provider} does not know this client{there}",
        causes: &[
            "that data center is not switched on in the client's Multi-DC settings",
            "the client has another secret there: Zoho gives one for each data center unless told otherwise",
        ],
        next: "switch the data center on in the client's settings; if it has a secret of its own there, name a file with \
               it in `[profiles.{profile}.client_secret_files]` as `{data_center}`",
        source: "Multi DC",
    },
    ErrorWord {
        words: &["invalid_client"],
        places: &[CodeExchange, Refresh, Revocation],
        code: Some(Code::InvalidClient),
        meaning: "{provider} does not know this client{there}",
        causes: &[
            "the client was deleted, or `client_id` of the profile was changed",
            "the tokens belong to another data center than the one that was asked",
            "the client is not switched on for the account's data center any more",
        ],
        next: "check `client_id` of profile `{profile}` against the API console; {registration}",
        source: "Access token, Refresh access token",
    },
    ErrorWord {
        words: &["invalid_client_secret"],
        places: &[DeviceAuthorization, Poll, CodeExchange, Refresh, Revocation],
        code: Some(Code::InvalidClientSecret),
        meaning: "{provider} does not take the secret of this client{there}",
        causes: &[
            "the secret is mistyped or was cut short when it was copied",
            "the secret was replaced in the API console since",
            "the client has another secret there: Zoho gives one for each data center unless told otherwise",
        ],
        next: "put the secret from the API console {secret_place}; one for this data center alone \
               goes into a file that `[profiles.{profile}.client_secret_files]` names",
        source: "Access token, Refresh access token, Multi DC",
    },
    ErrorWord {
        words: &["invalid_client_secret"],
        places: &[PollAfterMove],
        code: Some(Code::InvalidClientSecret),
        meaning: "the account lives in another data center than the client, and {provider} does not take the secret of \
                  this client{there}",
        causes: &["the client has another secret there: Zoho gives one for each data center unless told otherwise"],
        next: "name a file with the secret of that data center in `[profiles.{profile}.client_secret_files]` as \
               `{data_center}`, or let the client use one secret everywhere in the API console",
        source: "Multi DC",
    },
    ErrorWord {
        words: &["invalid_code", "invalid_grant"],
        places: &[Poll, PollAfterMove],
        code: Some(Code::CodeExpired),
        meaning: "{provider} does not take this code",
        causes: &[
            "the code was used before: each one works once",
            "the code ran out: Zoho's codes last five minutes",
            "the account's data center does not know the code",
        ],
        next: "{sign_in} for a new code",
        source: "documented for other requests only",
    },
    ErrorWord {
        words: &["invalid_code", "invalid_grant"],
        places: &[CodeExchange],
        code: Some(Code::CodeExpired),
        meaning: "{provider} does not take this code",
        causes: &[
            "the code was used before: each one works once",
            "the code ran out: it lasts one to three minutes from a browser, as long as was chosen from the console",
            "the code was made in another data center or for another client",
        ],
        next: "make a new code and give it at once",
        source: "Access token",
    },
    ErrorWord {
        words: &["invalid_code", "invalid_grant"],
        places: &[Refresh],
        code: Some(Code::SignInNeeded),
        meaning: "{provider} does not take the refresh token of this sign-in",
        causes: &[
            "the access was taken back: under Connected Apps, by an administrator, or by signing out everywhere",
            "newer sign-ins pushed it out: Zoho keeps about 20 for each account and client and drops the oldest",
            "the client was deleted, or is another one than at the sign-in",
            "the refresh token belongs to another data center than the one that was asked",
        ],
        next: "{sign_in}",
        source: "Refresh access token, Token limits",
    },
    ErrorWord {
        words: &["Access Denied", "access_denied", THROTTLED],
        places: &[DeviceAuthorization, CodeExchange, Refresh, Revocation],
        code: Some(Code::RateLimited),
        meaning: "{provider} asks for fewer requests",
        causes: &[
            "more than 10 access tokens came from this sign-in in 10 minutes",
            "another program or machine refreshes with the same client and account",
            "too many codes or sign-ins were asked for with this client",
        ],
        next: "{later}; trying sooner makes it last longer",
        source: "Refresh access token, Token limits",
    },
    ErrorWord {
        words: &["invalid_redirect_uri", "redirect_uri_mismatch", "Invalid Redirect Uri"],
        places: &[Authorization, CodeExchange],
        code: Some(Code::InvalidClient),
        meaning: "the redirect URI is not one that is registered for this client",
        causes: &[
            "it differs in a character: host, port, path and the slash at the end all count",
            "it was changed in the API console since",
            "the client is of a type that has no redirect URI",
        ],
        next: "use exactly the redirect URI that the API console shows for the client",
        source: "Access token, Authorization request",
    },
    ErrorWord {
        words: &["invalid_scope", "Invalid OAuth scope"],
        places: &[DeviceAuthorization, Poll, CodeExchange, Authorization],
        code: Some(Code::InvalidScope),
        meaning: "{provider} does not know one of the scopes",
        causes: &[
            "a scope is misspelt: one wrong scope makes Zoho refuse all of them",
            "a product spells its scopes in its own way, such as ZOHOPEOPLE in capitals",
            "the product of a scope is not offered in this data center",
        ],
        next: "check `scopes` of profile `{profile}` ({scopes}); {list_scopes}",
        source: "Authorization request; seen when asking for codes",
    },
    ErrorWord {
        words: &["Invalid response type", "invalid_response_type"],
        places: &[Authorization],
        code: Some(Code::InvalidClient),
        meaning: "{provider} gives no authorization codes to this client",
        causes: &["the client is of a type that signs in without a browser of its own"],
        next: "sign in with a code on another device instead: {sign_in}",
        source: "Authorization request",
    },
    ErrorWord {
        words: &["client_not_granted"],
        places: &[Authorization],
        code: Some(Code::SignInNeeded),
        meaning: "the account has not approved this client yet, or has taken that back",
        causes: &["the access was removed under Connected Apps", "a scope is new since the last approval"],
        next: "{sign_in} and approve",
        source: "Zoho Sheet API, renewal of client-based tokens",
    },
    ErrorWord {
        words: &["prompt_required"],
        places: &[Authorization],
        code: Some(Code::SignInNeeded),
        meaning: "{provider} wants the person there before it gives tokens",
        causes: &["the session in the browser has ended", "the approval was given for once only"],
        next: "{sign_in} and follow the page to its end",
        source: "Zoho Sheet API, renewal of client-based tokens",
    },
    ErrorWord {
        words: &["missing_org_info"],
        places: &[CodeExchange],
        code: Some(Code::Config),
        meaning: "{provider} wants to know which organization the tokens are for",
        causes: &[
            "tokens without a person (client credentials) are given for one organization of one product",
            "the product of a scope gives no such tokens",
        ],
        next: "sign in as a person instead: {sign_in}",
        source: "Client credentials flow",
    },
    ErrorWord {
        words: &["general_error"],
        places: &[DeviceAuthorization, Poll, PollAfterMove, CodeExchange, Refresh, Authorization, Revocation],
        code: Some(Code::Provider),
        meaning: "{provider} could not handle the request and does not say why",
        causes: &["a passing fault at {provider}", "a parameter that this accounts server does not take"],
        next: "try again later; if it stays, compare `client_id`, `scopes` and `data_center` of profile `{profile}` with \
               the API console",
        source: "no page names it",
    },
    ErrorWord {
        words: &["invalid_code", "invalid_grant", "invalid_token"],
        places: &[Revocation],
        code: Some(Code::Provider),
        meaning: "{provider} does not know the token that was to be revoked",
        causes: &[
            "it was revoked before, or pushed out by newer sign-ins",
            "it belongs to another client or data center",
        ],
        next: "{by_hand}",
        source: "Revoke; the page names no word",
    },
    ErrorWord {
        words: &[NO_REFRESH_TOKEN],
        places: &[Refresh],
        code: Some(Code::SignInNeeded),
        meaning: "the sign-in brought no refresh token",
        causes: &[
            "the app was approved for online use only, though `access_type=offline` and `prompt=consent` were sent",
            "the client is of a type that gets none: client-based, or a self client without a code",
        ],
        next: "{sign_in} and accept the access while you are away",
        source: "Initiation request",
    },
];
