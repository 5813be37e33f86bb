//! What the APIs of Zoho's products mean by their answers.
//!
//! "Seen" are reports of people who called them, and clients that handle what they got.

use super::{Answers, ApiDialect, Diagnosis, Failure, Vocabulary, paging};
use crate::tables::Words;

/// What all products share: they stand behind one filter, which refuses calls in its own words.
pub static DIALECT: ApiDialect = ApiDialect {
    answers: Answers { failures: SHARED_FAILURES, words: SHARED, pause: None, paging: None },
    code_members: Words("code errorcode error errors errortype cause title summary reason permissions"),
    text_members: Words(
        "message description errordescription errormessage errormsg msg detail details fieldname errorparam",
    ),
    causes: &[
        (Diagnosis::BadToken, "the host belongs to another data center, which does not know the token"),
        (Diagnosis::BadToken, "newer tokens pushed it out: Zoho keeps about 10 for each sign-in"),
        (Diagnosis::WrongDataCenter, "the product is not part of the account, or not offered in its data center"),
        (Diagnosis::MissingScope, "a call needs a scope of its own, as CRM's queries need `ZohoCRM.coql.READ`"),
        (Diagnosis::MissingScope, "the product wants the scope in other letter case, as some do with `fullaccess`"),
        (Diagnosis::WrongAddress, "the product has a host of its own"),
        (Diagnosis::WrongAddress, "the host belongs to another data center"),
        (
            Diagnosis::NotAuthorized,
            "the host belongs to another data center, or the product is not part of the account",
        ),
        (Diagnosis::Redirected, "the address belongs to another data center"),
    ],
    has_data_centers: true,
};

/// `{"response":"error"}`, as the accounts server has it.
const ERROR: Failure = Failure::Is("response", Words("error"));
const FAILED: Words = Words("failure failed error");

/// Products that have numbers for it say it in words beside them: the last line.
const SHARED: Vocabulary = Vocabulary(
    "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED: rate-limited, seen at Projects
    URL_FIXED_THROTTLES_LIMIT_EXCEEDED: rate-limited, seen at Projects
    THROTTLES_LIMIT_EXCEEDED: rate-limited, seen at Projects
    TOO_MANY_REQUESTS: rate-limited, CRM API: Status codes
    THRESHOLD_EXCEEDED: rate-limited, Desk API: Errors
    OAUTH_SCOPE_MISMATCH: missing-scope, CRM API: Status codes
    SCOPE_MISMATCH: missing-scope, Desk API: Errors
    INVALID_OAUTHSCOPE: missing-scope, Social API: OAuth
    oauthtoken_scope_invalid: missing-scope, seen at Cliq
    OAUTH_ORG_MISMATCH: wrong-organization, Desk API: Errors
    INVALID_TICKET: wrong-scheme, seen at several products
    INVALID_OAUTHTOKEN: bad-token, Social API: OAuth; seen at several products
    INVALID_OAUTH: bad-token, Desk API: Errors
    INVALID_TOKEN: bad-token, CRM API: Status codes
    AUTHENTICATION_FAILURE: bad-token, seen at CRM
    oauthtoken_invalid: bad-token, seen at Cliq
    NO_PERMISSION: no-permission, CRM API: Status codes
    INVALID_URL_PATTERN: wrong-address, CRM API: Status codes
    URL_RULE_NOT_CONFIGURED: wrong-address, seen at several products
    URL_NOT_FOUND: wrong-address, Desk API: Errors
    INVALID_METHOD: unclear, seen at several products
    Invalid OAuth token: bad-token, seen at WorkDrive and Sign",
);

static ACCOUNTS: Answers =
    Answers { failures: &[ERROR, Failure::Has("error")], words: ACCOUNTS_WORDS, pause: None, paging: None };
const ACCOUNTS_WORDS: Vocabulary =
    Vocabulary("You have made too many requests continuously: rate-limited, seen at the accounts server");

/// CRM, Bigin and Recruit. An answer to a change has one account for each record.
static CRM: Answers = Answers {
    failures: &[Failure::Account, Failure::OnlyWords, Failure::Has("response.error")],
    words: Vocabulary(
        "Crm_Implied_Api_Access: api-access-off, seen at CRM, in `details.permissions`
        API_SUPPORT_DISABLED: api-access-off, CRM API: Status codes
        LIMIT_EXCEEDED: rate-limited, CRM API: Status codes
        NOT_ALLOWED: no-permission, CRM API: Status codes",
    ),
    pause: None,
    paging: Some(&paging::CRM),
};

/// Books, Invoice, Inventory, Billing and Expense: 0 is success.
static FINANCE: Answers = Answers {
    failures: &[Failure::Not("code", Words("0"))],
    words: Vocabulary(
        "44: rate-limited, Books API: API call limit
        45: rate-limited, Books API: API call limit
        1070: rate-limited, Books API: API call limit
        57: missing-scope, seen at Books
        14: bad-token, seen at Books
        6041: missing-organization, Deluge: fetch records of Books
        9017: missing-organization, seen at Invoice",
    ),
    pause: Some("a minute where the calls of a minute are used up, else until the next day"),
    paging: Some(&paging::BOOKS),
};

/// 3000 is success; 3100, 9280 and those about an empty application say that nothing is there. 1000 is said with 401 as
/// well.
static CREATOR: Answers = Answers {
    failures: &[Failure::Not("code", CREATOR_SUCCESS), Failure::Not("result[].code", CREATOR_SUCCESS)],
    words: Vocabulary(
        "4000: rate-limited, Creator API v2.1: Status codes
        2955: rate-limited, Creator API v2.1: Status codes
        MORE_THAN_MAX_LENGTH: unclear, seen at Creator, beside 2945
        LESS_THAN_MIN_OCCURANCE: unclear, seen at Creator, beside 2945
        2945: missing-scope, seen at Creator
        1030: bad-token, Creator API v2.1: Status codes
        1130: api-access-off, Creator API v2.1: Status codes
        2933: no-permission, Creator API v2.1: Status codes
        2896: no-permission, Creator API v2.1: Status codes
        2897: no-permission, Creator API v2.1: Status codes
        2898: no-permission, Creator API v2.1: Status codes
        2899: no-permission, Creator API v2.1: Status codes
        1000: unclear, Creator API v2.1: Status codes",
    ),
    pause: Some("a minute, or until the next day where the calls of a day are used up (4000)"),
    paging: None,
};
const CREATOR_SUCCESS: Words = Words("3000 3100 9280 3910 3920 3930");

static BOOKINGS: Answers = Answers {
    failures: &[Failure::Is("response.status", FAILED), Failure::Is("response.returnvalue.status", FAILED)],
    words: Vocabulary::NONE,
    pause: None,
    paging: None,
};

static WRITER: Answers = Answers {
    failures: &[Failure::Has("error"), Failure::Has("errorcode"), Failure::OnlyWords],
    words: Vocabulary::NONE,
    pause: None,
    paging: None,
};

static DESK: Answers = Answers {
    failures: &[Failure::Has("errorCode"), Failure::Is("results[].success", Words("false")), Failure::OnlyWords],
    words: Vocabulary(
        "FORBIDDEN: no-permission, Desk API: Errors
        UNAUTHORIZED: not-authorized, Desk API: Errors
        LICENSE_ACCESS_LIMITED: no-permission, Desk API: Errors",
    ),
    pause: Some("until midnight in the data center where the credits of the day are gone (THRESHOLD_EXCEEDED)"),
    paging: Some(&paging::DESK),
};

static PROJECTS: Answers = Answers {
    failures: &[Failure::Has("error"), Failure::OnlyWords],
    words: Vocabulary("6404: wrong-address, seen at Projects"),
    pause: Some("some minutes for each address, a quarter of an hour at worst"),
    paging: Some(&paging::PROJECTS),
};

/// Beside its objects a list that begins with a number, as it answers for a scope.
static MAIL: Answers = Answers {
    failures: &[
        Failure::Not("status.code", Words("200 201 202 204")),
        Failure::Has("data.errorCode"),
        Failure::Has("[].errorCode"),
    ],
    words: Vocabulary::NONE,
    pause: None,
    paging: Some(&paging::MAIL),
};

static PEOPLE: Answers = Answers {
    failures: &[
        Failure::Not("response.status", Words("0")),
        Failure::Has("response.errors"),
        Failure::Has("errors"),
        Failure::Has("error"),
        Failure::Has("response.error"),
    ],
    words: Vocabulary(
        "7202: wrong-scheme, seen at People
        7213: bad-token, seen at People
        7218: missing-scope, seen at People
        7103: missing-scope, seen at People",
    ),
    pause: Some("five minutes for each address"),
    paging: None,
};

static CLIQ: Answers = Answers {
    failures: &[Failure::OnlyWords],
    words: Vocabulary::NONE,
    pause: Some("some minutes for each address, longer with each further try"),
    paging: Some(&paging::CLIQ),
};

/// Sign and Sprints have a `status` beside it.
static SIGN: Answers = Answers {
    failures: &[Failure::Is("status", FAILED), Failure::Not("code", Words("0"))],
    words: Vocabulary::NONE,
    pause: None,
    paging: None,
};

static SPRINTS: Answers = Answers {
    failures: &[Failure::Is("status", FAILED), Failure::Has("error")],
    words: Vocabulary::NONE,
    pause: None,
    paging: None,
};

static CAMPAIGNS: Answers =
    Answers { failures: &[Failure::Is("status", FAILED)], words: Vocabulary::NONE, pause: None, paging: None };

static SHEET: Answers = Answers {
    failures: &[Failure::Is("status", FAILED)],
    words: Vocabulary(
        "2873: rate-limited, Sheet API v2: Error codes
        2403: missing-scope, Sheet API v2: Error codes
        2401: bad-token, Sheet API v2: Error codes
        2402: no-permission, Sheet API v2: Error codes
        2404: no-permission, Sheet API v2: Error codes",
    ),
    pause: Some("five minutes for each file"),
    paging: None,
};

static WORKDRIVE: Answers = Answers {
    failures: &[Failure::Has("errors"), Failure::OnlyWords],
    words: Vocabulary::NONE,
    pause: None,
    paging: None,
};

static ANALYTICS: Answers = Answers {
    failures: &[Failure::Is("status", FAILED)],
    words: Vocabulary(
        "8540: missing-scope, seen at Analytics
        8518: wrong-scheme, seen at Analytics
        8535: bad-token, Analytics API v2: Error codes
        8083: missing-organization, Analytics API v2: Error codes
        7390: missing-organization, Analytics API v2: Error codes
        7301: no-permission, Analytics API v2: Error codes
        8525: wrong-address, seen at Analytics
        ORGID_NOT_PRESENT_IN_THE_HEADER: missing-organization, Analytics API v2: Error codes",
    ),
    pause: None,
    paging: None,
};

/// Products of which nothing beyond the shared words is known.
static OTHER: Answers = Answers { failures: SHARED_FAILURES, words: Vocabulary::NONE, pause: None, paging: None };

const SHARED_FAILURES: &[Failure] = &[Failure::OnlyWords, Failure::Account, ERROR];

/// Those of a product, by the name that the catalogue has for them.
pub fn answers(name: Option<&str>) -> Option<&'static Answers> {
    Some(match name {
        None => &OTHER,
        Some("accounts") => &ACCOUNTS,
        Some("analytics") => &ANALYTICS,
        Some("bookings") => &BOOKINGS,
        Some("campaigns") => &CAMPAIGNS,
        Some("cliq") => &CLIQ,
        Some("creator") => &CREATOR,
        Some("crm") => &CRM,
        Some("desk") => &DESK,
        Some("finance") => &FINANCE,
        Some("mail") => &MAIL,
        Some("people") => &PEOPLE,
        Some("projects") => &PROJECTS,
        Some("sheet") => &SHEET,
        Some("sign") => &SIGN,
        Some("sprints") => &SPRINTS,
        Some("workdrive") => &WORKDRIVE,
        Some("writer") => &WRITER,
        Some(_) => return None,
    })
}
