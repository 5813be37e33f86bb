//! Words that Google, Microsoft, GitHub and GitLab have of their own.

use super::Place::{Authorization, CodeExchange, DeviceAuthorization, Poll, Refresh};
use super::{ErrorWord, NO_REFRESH_TOKEN, WRONG_SECRET};
use crate::error::Code;

/// Sources are "OAuth 2.0 for TV and Limited-Input Device Applications" and the help on sign-in errors.
pub static GOOGLE: &[ErrorWord] = &[
    ErrorWord {
        words: &["rate_limit_exceeded"],
        places: &[DeviceAuthorization, Poll, CodeExchange, Refresh, Authorization],
        code: Some(Code::RateLimited),
        meaning: "{provider} asks for fewer requests",
        causes: &[
            "too many codes were asked for with this client in a short time",
            "the app has reached its limit of new people",
        ],
        next: "{later}",
        source: "Google, limited-input devices",
    },
    ErrorWord {
        words: &["admin_policy_enforced"],
        places: &[Authorization, DeviceAuthorization, Poll, CodeExchange, Refresh],
        code: Some(Code::Denied),
        meaning: "the administrator of the account does not let this app have these scopes",
        causes: &["the organization allows listed apps only", "one of the scopes is restricted in the organization"],
        next: "ask the administrator to allow the client id, or sign in with another account",
        source: "Google, limited-input devices",
    },
    ErrorWord {
        words: &["org_internal"],
        places: &[Authorization, DeviceAuthorization, Poll, CodeExchange],
        code: Some(Code::Denied),
        meaning: "the app is for accounts of one organization only",
        causes: &["another account than one of the organization was signed in to in the browser"],
        next: "sign in with an account of the organization: {sign_in}",
        source: "Google, web server applications",
    },
    ErrorWord {
        words: &["disallowed_useragent"],
        places: &[Authorization],
        code: Some(Code::Denied),
        meaning: "{provider} does not show its page in this kind of browser",
        causes: &["the page was opened inside another app instead of in a browser"],
        next: "open the address in a full browser",
        source: "Google, installed applications",
    },
    ErrorWord {
        words: &["deleted_client", "disabled_client"],
        places: &[Authorization, DeviceAuthorization, Poll, CodeExchange, Refresh],
        code: Some(Code::InvalidClient),
        meaning: "the client was deleted or switched off",
        causes: &["somebody removed the client from its project", "{provider} switched the client off"],
        next: "register a new client and give its id: {edit_client_id}",
        source: "Google, web server applications",
    },
    ErrorWord {
        words: &["redirect_uri_mismatch"],
        places: &[Authorization, CodeExchange],
        code: Some(Code::InvalidClient),
        meaning: "the redirect URI is not one that is registered for this client",
        causes: &["it differs in a character: host, port, path and the slash at the end all count"],
        next: "use exactly the redirect URI that is registered: {edit_redirect_uri}",
        source: "Google, web server applications; GitHub, troubleshooting",
    },
    ErrorWord {
        words: &[NO_REFRESH_TOKEN],
        places: &[Refresh],
        code: Some(Code::SignInNeeded),
        meaning: "the sign-in brought no refresh token",
        causes: &[
            "the account had approved the client before, and {provider} gave the refresh token then",
            "the client is of a type that gets none",
        ],
        next: "{by_hand}, then {sign_in}; if that brings none either, {registration}",
        source: "Google, web server applications",
    },
];

/// Source is "Microsoft identity platform and the OAuth 2.0 device authorization grant flow". `authorization_declined`
/// is beside RFC 8628's own word for it.
pub static MICROSOFT: &[ErrorWord] = &[
    ErrorWord {
        words: &["bad_verification_code"],
        places: &[Poll],
        code: Some(Code::CodeExpired),
        meaning: "{provider} does not know this code",
        causes: &["the code was altered on its way", "the code was made for another client or tenant"],
        next: "{sign_in} for a new code",
        source: "Microsoft, device authorization grant",
    },
    ErrorWord {
        words: &["invalid_resource"],
        places: &[DeviceAuthorization, Poll, CodeExchange, Refresh, Authorization],
        code: Some(Code::InvalidScope),
        meaning: "{provider} does not know the API that the scopes are for",
        causes: &["a scope names an API that the tenant does not have"],
        next: "look whether {scopes} are right; if not, {edit_scopes}",
        source: "Microsoft, authorization code flow",
    },
    ErrorWord {
        words: &["AADSTS90002", "AADSTS900023"],
        places: &[DeviceAuthorization, Poll, CodeExchange, Refresh, Authorization],
        code: Some(Code::Config),
        meaning: "{provider} does not know the tenant",
        causes: &[
            "`tenant` of the provider is mistyped, or names a tenant that was deleted",
            "the tenant is one of another cloud, such as that of a government",
        ],
        next: "correct `tenant` of the provider in the configuration",
        source: "Microsoft, authentication and authorization error codes",
    },
    ErrorWord {
        words: &["AADSTS7000215", "AADSTS7000222"],
        places: &[Poll, CodeExchange, Refresh],
        code: Some(Code::InvalidClientSecret),
        meaning: "{provider} does not take the secret of this client any more, or never did",
        causes: &["the secret has run out: each one has an end", "the secret's id was copied in place of its value"],
        next: "make a new secret in Microsoft Entra and put its value {secret_place}",
        source: "Microsoft, authentication and authorization error codes",
    },
];

/// Source is "Authorizing OAuth apps" with its pages on troubleshooting.
pub static GITHUB: &[ErrorWord] = &[
    ErrorWord {
        words: &["device_flow_disabled"],
        places: &[DeviceAuthorization, Poll],
        code: Some(Code::InvalidClient),
        meaning: "the app does not allow sign-in with a code",
        causes: &["the device flow is not enabled in the app's settings"],
        next: "enable the device flow in the app's settings, then {sign_in}",
        source: "GitHub, device flow",
    },
    ErrorWord {
        words: &["incorrect_client_credentials"],
        places: &[DeviceAuthorization, Poll, CodeExchange, Refresh],
        code: Some(Code::InvalidClient),
        meaning: "{provider} does not know this client, or does not take its secret",
        causes: &["the client id is mistyped or that of another app", WRONG_SECRET],
        next: "check `client_id` and the secret of profile `{profile}`",
        source: "GitHub, device flow",
    },
    ErrorWord {
        words: &["incorrect_device_code"],
        places: &[Poll],
        code: Some(Code::CodeExpired),
        meaning: "{provider} does not know this code",
        causes: &["the code was used before or ran out", "the code was made for another client"],
        next: "{sign_in} for a new code",
        source: "GitHub, device flow",
    },
    ErrorWord {
        words: &["bad_verification_code"],
        places: &[CodeExchange],
        code: Some(Code::CodeExpired),
        meaning: "{provider} does not take this code",
        causes: &["the code was used before: each one works once", "the code ran out after ten minutes"],
        next: "make a new code and give it at once",
        source: "GitHub, troubleshooting",
    },
    ErrorWord {
        words: &["bad_refresh_token"],
        places: &[Refresh],
        code: Some(Code::SignInNeeded),
        meaning: "{provider} does not take the refresh token of this sign-in",
        causes: &["the refresh token was used before: each one works once", "it ran out after six months of disuse"],
        next: "{sign_in}",
        source: "GitHub, refreshing user access tokens",
    },
    ErrorWord {
        words: &["application_suspended"],
        places: &[Authorization, DeviceAuthorization, Poll],
        code: Some(Code::InvalidClient),
        meaning: "{provider} has suspended the app",
        causes: &["the app was reported for abuse or spam"],
        next: "ask the app's owner to contact the provider, or use another client",
        source: "GitHub, troubleshooting",
    },
    ErrorWord {
        words: &["unverified_user_email"],
        places: &[Poll, CodeExchange],
        code: Some(Code::Denied),
        meaning: "the account has no confirmed email address",
        causes: &["the primary email address was not confirmed yet"],
        next: "confirm the address in the account's settings, then {sign_in}",
        source: "GitHub, troubleshooting",
    },
    ErrorWord {
        words: &[NO_REFRESH_TOKEN],
        places: &[Refresh],
        code: Some(Code::SignInNeeded),
        meaning: "the sign-in brought no refresh token",
        causes: &[
            "the client is an OAuth app, whose tokens do not end and are never refreshed",
            "the client is a GitHub App with \"User-to-server token expiration\" switched off",
        ],
        next: "{sign_in} for another token; only a GitHub App with expiring tokens gets refresh tokens",
        source: "GitHub, refreshing user access tokens",
    },
];

/// What GitHub alone means by words that others have for something else.
pub static GITHUB_ALONE: &[ErrorWord] = &[ErrorWord {
    words: &["Not Found"],
    places: &[DeviceAuthorization],
    code: Some(Code::InvalidClient),
    meaning: "{provider} does not know this client",
    causes: &["the client id is mistyped, or the app was deleted"],
    next: "check `client_id` of profile `{profile}`; {registration}",
    source: "seen at GitHub, HTTP 404",
}];

/// Source is "OAuth 2.0 identity provider API".
pub static GITLAB: &[ErrorWord] = &[ErrorWord {
    words: &[NO_REFRESH_TOKEN],
    places: &[Refresh],
    code: Some(Code::SignInNeeded),
    meaning: "the sign-in brought no refresh token",
    causes: &[
        "a proxy or gateway before {provider} left it out: {provider} gives one whatever the scopes",
        "the server is one of another kind than {provider}",
    ],
    next: "{sign_in}; if that brings none either, ask who runs {provider}",
    source: "GitLab, OAuth 2.0 identity provider API",
}];
