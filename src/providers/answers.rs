//! What APIs mean by their answers, as data: how an answer tells that a call failed, what its words mean, and where a list
//! goes on.
//!
//! [`crate::api`] reads answers by these tables. Each word has its source; those of Zoho's products are in [`zoho`].

pub mod paging;
pub mod zoho;

use serde::Deserialize;

use self::paging::Paging;
use crate::tables::{Words, named};

/// What a failed call failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    pub words: Vocabulary,
    /// How long it refuses calls after too many of them, as a clause; where answers do not say it.
    pub pause: Option<&'static str>,
    /// How it gives a list in pages; `None` where that is not known.
    pub paging: Option<&'static Paging>,
}

/// Words, one in a line, each with what it means and its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vocabulary(&'static str);

impl Vocabulary {
    pub const NONE: Vocabulary = Vocabulary("");

    pub fn iter(self) -> impl Iterator<Item = Word> + Clone {
        self.0.lines().filter_map(Word::read)
    }
}

/// A word or number that an API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Compared whole and without case.
    pub word: &'static str,
    pub means: Diagnosis,
    /// Where it is documented or was seen.
    pub source: &'static str,
}

impl Word {
    fn read(line: &'static str) -> Option<Self> {
        let (word, rest) = line.trim_ascii().split_once(": ")?;
        let (means, source) = rest.split_once(", ")?;
        Some(Self { word, means: named(means)?, source })
    }
}

/// How a body tells of a failure.
///
/// Places are names with dots between them, from the top: `response.status`. `[]` stands for each element of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This member is one of these.
    Is(&'static str, Words),
    /// This member is there and none of these.
    Not(&'static str, Words),
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
    /// Reads one as the catalogue has it.
    pub fn read(text: &'static str) -> Option<Self> {
        match text.split_once(' ')? {
            ("header", name) => Some(Organization::Header(name)),
            ("query", name) => Some(Organization::Query(name)),
            _ => None,
        }
    }

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
    pub code_members: Words,
    /// Members whose values are sentences that may have such words in them.
    pub text_members: Words,
    /// What may lie behind a failure beside what may at any provider.
    pub causes: &'static [(Diagnosis, &'static str)],
    /// The provider has data centers that do not know each other's tokens.
    pub has_data_centers: bool,
}

/// RFC 6750 §3.1. They are in the header `WWW-Authenticate`; many servers repeat them in the body. Any API may use them
/// beside its own.
pub const RFC_WORDS: Vocabulary = Vocabulary(
    "insufficient_scope: missing-scope, RFC 6750 §3.1
    invalid_token: bad-token, RFC 6750 §3.1
    slow_down: rate-limited, RFC 8628 §3.5
    rate_limit_exceeded: rate-limited, Google: limited-input devices
    too_many_requests: rate-limited, RFC 6585 §4",
);

/// APIs that keep to RFC 6750.
pub static RFC: ApiDialect = RFC_6750;

const RFC_6750: ApiDialect = ApiDialect {
    answers: Answers { failures: &[], words: Vocabulary::NONE, pause: None, paging: Some(&paging::LINK) },
    code_members: Words("error"),
    text_members: Words(""),
    causes: &[],
    has_data_centers: false,
};

pub static GITHUB: ApiDialect = ApiDialect {
    answers: Answers {
        words: Vocabulary(
            "Bad credentials: bad-token, GitHub: Authenticating to the REST API, Rate limits
            rate limit exceeded: rate-limited, GitHub: Authenticating to the REST API, Rate limits
            secondary rate limit: rate-limited, GitHub: Authenticating to the REST API, Rate limits
            Resource not accessible by integration: missing-scope, GitHub: Authenticating to the REST API, Rate limits",
        ),
        ..RFC_6750.answers
    },
    text_members: Words("message"),
    ..RFC_6750
};

pub static GOOGLE: ApiDialect = ApiDialect {
    answers: Answers {
        words: Vocabulary(
            "RESOURCE_EXHAUSTED: rate-limited, Google Cloud APIs: Errors
            rateLimitExceeded: rate-limited, Google Cloud APIs: Errors
            userRateLimitExceeded: rate-limited, Google Cloud APIs: Errors
            ACCESS_TOKEN_SCOPE_INSUFFICIENT: missing-scope, Google Cloud APIs: Errors
            insufficientPermissions: missing-scope, Google Cloud APIs: Errors
            CREDENTIALS_MISSING: wrong-scheme, Google Cloud APIs: Errors
            ACCESS_TOKEN_EXPIRED: bad-token, Google Cloud APIs: Errors
            UNAUTHENTICATED: bad-token, Google Cloud APIs: Errors
            PERMISSION_DENIED: no-permission, Google Cloud APIs: Errors",
        ),
        paging: Some(&paging::GOOGLE),
        ..RFC_6750.answers
    },
    code_members: Words("error status reason"),
    ..RFC_6750
};

pub static MICROSOFT: ApiDialect = ApiDialect {
    answers: Answers {
        words: Vocabulary(
            "InvalidAuthenticationToken: bad-token, Microsoft Graph: Error responses
            TokenExpired: bad-token, Microsoft Graph: Error responses
            TooManyRequests: rate-limited, Microsoft Graph: Error responses
            activityLimitReached: rate-limited, Microsoft Graph: Error responses
            Authorization_RequestDenied: no-permission, Microsoft Graph: Error responses",
        ),
        paging: Some(&paging::MICROSOFT),
        ..RFC_6750.answers
    },
    code_members: Words("error code"),
    ..RFC_6750
};

#[cfg(test)]
mod tests {
    use super::{Answers, GITHUB, GOOGLE, MICROSOFT, RFC_WORDS, zoho};
    use crate::providers::catalog::PRODUCTS;

    #[test]
    fn every_word_is_read() {
        let dialects = [&GITHUB, &GOOGLE, &MICROSOFT, &zoho::DIALECT].map(|dialect| &dialect.answers);
        let answers = PRODUCTS.iter().map(|product| product.answers).chain(dialects);
        for words in answers.map(|answers: &Answers| answers.words).chain([RFC_WORDS]) {
            assert_eq!(words.iter().count(), words.0.lines().count(), "{}", words.0);
        }
    }
}
