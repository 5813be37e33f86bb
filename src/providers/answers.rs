//! What APIs mean by their answers, as data: how an answer tells that a call failed, what its words mean, and where a list
//! goes on.
//!
//! [`crate::api`] reads answers by these tables. Each word has its source; those of Zoho's products are in [`zoho`].

pub mod paging;
pub mod zoho;

use self::paging::Paging;

/// What a failed call failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The token is expired, revoked or was never good here.
    BadToken,
    /// The token is good elsewhere, so the address is one of another data center.
    WrongDataCenter,
    /// The API does not let the call in and does not say that the token is to blame.
    NotAuthorized,
    MissingScope,
    /// The account itself may not do this.
    NoPermission,
    /// The organization is another one than the token was approved for.
    WrongOrganization,
    /// The header has the wrong word before the token, or no token reached the API.
    WrongScheme,
    /// The address is unknown, which a call to the wrong data center looks like.
    WrongAddress,
    /// The user's role does not allow API calls.
    ApiAccessOff,
    RateLimited,
    /// The call names no organization, or none of the account's.
    MissingOrganization,
    /// The provider's own fault.
    ProviderFault,
    /// The answer leads elsewhere, where nobody went with the token.
    Redirected,
    /// Nothing known; the body says it best.
    Unclear,
}

/// How one API answers.
#[derive(Debug, PartialEq)]
pub struct Answers {
    /// By what an answer with a status of success tells that the call failed all the same. Customers' data may look like
    /// anything, so these name the places that the API itself fills.
    pub failures: &'static [Failure],
    /// What its words mean; the first that an answer has decides.
    pub words: &'static [Word],
    /// How long it refuses calls after too many of them, as a clause; where answers do not say it.
    pub pause: Option<&'static str>,
    /// How it gives a list in pages; `None` where that is not known.
    pub paging: Option<&'static Paging>,
}

/// A word or number that an API uses.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    /// Compared whole and without case.
    pub word: &'static str,
    pub means: Diagnosis,
    /// Where it is documented or was seen.
    pub source: &'static str,
}

/// How a body tells of a failure.
///
/// Places are names with dots between them, from the top: `response.status`. `[]` stands for each element of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This member is one of these.
    Is(&'static str, &'static [&'static str]),
    /// This member is there and none of these.
    Not(&'static str, &'static [&'static str]),
    /// This member is there, with something in it.
    Has(&'static str),
    /// An object anywhere that is nothing but the account of a failure: `code`, `message`, `details` and the `status`
    /// `error`.
    Account,
    /// The whole body has no members but those of errors, and one of the known words.
    OnlyWords,
}

/// How a call names the organization that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organization {
    Header(&'static str),
    Query(&'static str),
}

impl Organization {
    pub fn name(self) -> &'static str {
        match self {
            Organization::Header(name) | Organization::Query(name) => name,
        }
    }

    pub fn in_words(self) -> String {
        match self {
            Organization::Header(name) => format!("the header `{name}`"),
            Organization::Query(name) => format!("`{name}` in the query"),
        }
    }
}

/// The dialect of an API: what is common to all that one provider has.
#[derive(Debug, PartialEq)]
pub struct ApiDialect {
    pub answers: Answers,
    /// Members whose values are words or numbers of errors, in lower case without `_`.
    pub code_members: &'static [&'static str],
    /// Members whose values are sentences that may have such words in them.
    pub text_members: &'static [&'static str],
    /// What may lie behind a failure beside what may at any provider.
    pub causes: &'static [(Diagnosis, &'static str)],
    /// The provider has data centers that do not know each other's tokens.
    pub has_data_centers: bool,
}

const fn word(word: &'static str, means: Diagnosis, source: &'static str) -> Word {
    Word { word, means, source }
}

/// RFC 6750 §3.1. They are in the header `WWW-Authenticate`; many servers repeat them in the body. Any API may use them
/// beside its own.
pub const RFC_WORDS: &[Word] = &[
    word("insufficient_scope", Diagnosis::MissingScope, "RFC 6750 §3.1"),
    word("invalid_token", Diagnosis::BadToken, "RFC 6750 §3.1"),
];

/// APIs that keep to RFC 6750.
pub static RFC: ApiDialect = RFC_6750;

const RFC_6750: ApiDialect = ApiDialect {
    answers: Answers { failures: &[], words: &[], pause: None, paging: Some(&paging::LINK) },
    code_members: &["error"],
    text_members: &[],
    causes: &[],
    has_data_centers: false,
};

const SEEN_AT_GITHUB: &str = "GitHub: Authenticating to the REST API, Rate limits";

pub static GITHUB: ApiDialect = ApiDialect {
    answers: Answers {
        words: &[
            word("Bad credentials", Diagnosis::BadToken, SEEN_AT_GITHUB),
            word("rate limit exceeded", Diagnosis::RateLimited, SEEN_AT_GITHUB),
            word("secondary rate limit", Diagnosis::RateLimited, SEEN_AT_GITHUB),
            word("Resource not accessible by integration", Diagnosis::MissingScope, SEEN_AT_GITHUB),
        ],
        ..RFC_6750.answers
    },
    text_members: &["message"],
    ..RFC_6750
};

const SEEN_AT_GOOGLE: &str = "Google Cloud APIs: Errors";

pub static GOOGLE: ApiDialect = ApiDialect {
    answers: Answers {
        words: &[
            word("RESOURCE_EXHAUSTED", Diagnosis::RateLimited, SEEN_AT_GOOGLE),
            word("rateLimitExceeded", Diagnosis::RateLimited, SEEN_AT_GOOGLE),
            word("userRateLimitExceeded", Diagnosis::RateLimited, SEEN_AT_GOOGLE),
            word("ACCESS_TOKEN_SCOPE_INSUFFICIENT", Diagnosis::MissingScope, SEEN_AT_GOOGLE),
            word("insufficientPermissions", Diagnosis::MissingScope, SEEN_AT_GOOGLE),
            word("CREDENTIALS_MISSING", Diagnosis::WrongScheme, SEEN_AT_GOOGLE),
            word("ACCESS_TOKEN_EXPIRED", Diagnosis::BadToken, SEEN_AT_GOOGLE),
            word("UNAUTHENTICATED", Diagnosis::BadToken, SEEN_AT_GOOGLE),
            word("PERMISSION_DENIED", Diagnosis::NoPermission, SEEN_AT_GOOGLE),
        ],
        paging: Some(&paging::GOOGLE),
        ..RFC_6750.answers
    },
    code_members: &["error", "status", "reason"],
    ..RFC_6750
};

const SEEN_AT_MICROSOFT: &str = "Microsoft Graph: Error responses";

pub static MICROSOFT: ApiDialect = ApiDialect {
    answers: Answers {
        words: &[
            word("InvalidAuthenticationToken", Diagnosis::BadToken, SEEN_AT_MICROSOFT),
            word("TokenExpired", Diagnosis::BadToken, SEEN_AT_MICROSOFT),
            word("TooManyRequests", Diagnosis::RateLimited, SEEN_AT_MICROSOFT),
            word("activityLimitReached", Diagnosis::RateLimited, SEEN_AT_MICROSOFT),
            word("Authorization_RequestDenied", Diagnosis::NoPermission, SEEN_AT_MICROSOFT),
        ],
        paging: Some(&paging::MICROSOFT),
        ..RFC_6750.answers
    },
    code_members: &["error", "code"],
    ..RFC_6750
};
