//! What the APIs of Zoho's products mean by their answers.
//!
//! "Seen" are reports of people who called them, and clients that handle what they got.

use super::{Answers, ApiDialect, Diagnosis, Failure, Word, paging, word};

/// What all products share: they stand behind one filter, which refuses calls in its own words.
pub static DIALECT: ApiDialect = ApiDialect {
    answers: Answers { failures: SHARED_FAILURES, words: &SHARED, pause: None, paging: None },
    code_members: &[
        "code",
        "errorcode",
        "error",
        "errors",
        "errortype",
        "cause",
        "title",
        "summary",
        "reason",
        "permissions",
    ],
    text_members: &[
        "message",
        "description",
        "errordescription",
        "errormessage",
        "errormsg",
        "msg",
        "detail",
        "details",
        "fieldname",
        "errorparam",
    ],
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
const ERROR: Failure = Failure::Is("response", &["error"]);
const FAILED: &[&str] = &["failure", "failed", "error"];

const CRM_PAGE: &str = "CRM API: Status codes";
const PRODUCTS_SEEN: &str = "seen at several products";

const SHARED: [Word; 22] = [
    word("URL_ROLLING_THROTTLES_LIMIT_EXCEEDED", Diagnosis::RateLimited, "seen at Projects"),
    word("URL_FIXED_THROTTLES_LIMIT_EXCEEDED", Diagnosis::RateLimited, "seen at Projects"),
    word("THROTTLES_LIMIT_EXCEEDED", Diagnosis::RateLimited, "seen at Projects"),
    word("TOO_MANY_REQUESTS", Diagnosis::RateLimited, CRM_PAGE),
    word("THRESHOLD_EXCEEDED", Diagnosis::RateLimited, "Desk API: Errors"),
    word("OAUTH_SCOPE_MISMATCH", Diagnosis::MissingScope, CRM_PAGE),
    word("SCOPE_MISMATCH", Diagnosis::MissingScope, "Desk API: Errors"),
    word("INVALID_OAUTHSCOPE", Diagnosis::MissingScope, "Social API: OAuth"),
    word("oauthtoken_scope_invalid", Diagnosis::MissingScope, "seen at Cliq"),
    word("OAUTH_ORG_MISMATCH", Diagnosis::WrongOrganization, "Desk API: Errors"),
    word("INVALID_TICKET", Diagnosis::WrongScheme, PRODUCTS_SEEN),
    word("INVALID_OAUTHTOKEN", Diagnosis::BadToken, "Social API: OAuth; seen at several products"),
    word("INVALID_OAUTH", Diagnosis::BadToken, "Desk API: Errors"),
    word("INVALID_TOKEN", Diagnosis::BadToken, CRM_PAGE),
    word("AUTHENTICATION_FAILURE", Diagnosis::BadToken, "seen at CRM"),
    word("oauthtoken_invalid", Diagnosis::BadToken, "seen at Cliq"),
    word("NO_PERMISSION", Diagnosis::NoPermission, CRM_PAGE),
    word("INVALID_URL_PATTERN", Diagnosis::WrongAddress, CRM_PAGE),
    word("URL_RULE_NOT_CONFIGURED", Diagnosis::WrongAddress, PRODUCTS_SEEN),
    word("URL_NOT_FOUND", Diagnosis::WrongAddress, "Desk API: Errors"),
    word("INVALID_METHOD", Diagnosis::Unclear, PRODUCTS_SEEN),
    // Products that have numbers for it say it in words beside them.
    word("Invalid OAuth token", Diagnosis::BadToken, "seen at WorkDrive and Sign"),
];

pub static ACCOUNTS: Answers =
    Answers { failures: &[ERROR, Failure::Has("error")], words: &[], pause: None, paging: None };

/// CRM, Bigin and Recruit. An answer to a change has one account for each record.
pub static CRM: Answers = Answers {
    failures: &[Failure::Account, Failure::OnlyWords, Failure::Has("response.error")],
    words: &[
        word("Crm_Implied_Api_Access", Diagnosis::ApiAccessOff, "seen at CRM, in `details.permissions`"),
        word("API_SUPPORT_DISABLED", Diagnosis::ApiAccessOff, CRM_PAGE),
        word("LIMIT_EXCEEDED", Diagnosis::RateLimited, CRM_PAGE),
        word("NOT_ALLOWED", Diagnosis::NoPermission, CRM_PAGE),
    ],
    pause: None,
    paging: Some(&paging::CRM),
};

const BOOKS_PAGE: &str = "Books API: API call limit";

/// Books, Invoice, Inventory, Billing and Expense: 0 is success.
pub static FINANCE: Answers = Answers {
    failures: &[Failure::Not("code", &["0"])],
    words: &[
        word("44", Diagnosis::RateLimited, BOOKS_PAGE),
        word("45", Diagnosis::RateLimited, BOOKS_PAGE),
        word("1070", Diagnosis::RateLimited, BOOKS_PAGE),
        word("57", Diagnosis::MissingScope, "seen at Books"),
        word("14", Diagnosis::BadToken, "seen at Books"),
        word("6041", Diagnosis::MissingOrganization, "Deluge: fetch records of Books"),
        word("9017", Diagnosis::MissingOrganization, "seen at Invoice"),
    ],
    pause: Some("a minute where the calls of a minute are used up, else until the next day"),
    paging: Some(&paging::BOOKS),
};

/// 3000 is success; 3100, 9280 and those about an empty application say that nothing is there.
pub static CREATOR: Answers = Answers {
    failures: &[Failure::Not("code", CREATOR_SUCCESS), Failure::Not("result[].code", CREATOR_SUCCESS)],
    words: &[
        word("4000", Diagnosis::RateLimited, CREATOR_PAGE),
        word("2955", Diagnosis::RateLimited, CREATOR_PAGE),
        word("MORE_THAN_MAX_LENGTH", Diagnosis::Unclear, "seen at Creator, beside 2945"),
        word("LESS_THAN_MIN_OCCURANCE", Diagnosis::Unclear, "seen at Creator, beside 2945"),
        word("2945", Diagnosis::MissingScope, "seen at Creator"),
        word("1030", Diagnosis::BadToken, CREATOR_PAGE),
        word("1130", Diagnosis::ApiAccessOff, CREATOR_PAGE),
        word("2933", Diagnosis::NoPermission, CREATOR_PAGE),
        word("2896", Diagnosis::NoPermission, CREATOR_PAGE),
        word("2897", Diagnosis::NoPermission, CREATOR_PAGE),
        word("2898", Diagnosis::NoPermission, CREATOR_PAGE),
        word("2899", Diagnosis::NoPermission, CREATOR_PAGE),
        // Said with 401 as well.
        word("1000", Diagnosis::Unclear, CREATOR_PAGE),
    ],
    pause: Some("a minute, or until the next day where the calls of a day are used up (4000)"),
    paging: None,
};

const CREATOR_PAGE: &str = "Creator API v2.1: Status codes";
const CREATOR_SUCCESS: &[&str] = &["3000", "3100", "9280", "3910", "3920", "3930"];

pub static BOOKINGS: Answers = Answers {
    failures: &[Failure::Is("response.status", FAILED), Failure::Is("response.returnvalue.status", FAILED)],
    words: &[],
    pause: None,
    paging: None,
};

pub static WRITER: Answers = Answers {
    failures: &[Failure::Has("error"), Failure::Has("errorcode"), Failure::OnlyWords],
    words: &[],
    pause: None,
    paging: None,
};

const DESK_PAGE: &str = "Desk API: Errors";

pub static DESK: Answers = Answers {
    failures: &[Failure::Has("errorCode"), Failure::Is("results[].success", &["false"]), Failure::OnlyWords],
    words: &[
        word("FORBIDDEN", Diagnosis::NoPermission, DESK_PAGE),
        word("UNAUTHORIZED", Diagnosis::NotAuthorized, DESK_PAGE),
        word("LICENSE_ACCESS_LIMITED", Diagnosis::NoPermission, DESK_PAGE),
    ],
    pause: Some("until midnight in the data center where the credits of the day are gone (THRESHOLD_EXCEEDED)"),
    paging: Some(&paging::DESK),
};

pub static PROJECTS: Answers = Answers {
    failures: &[Failure::Has("error"), Failure::OnlyWords],
    words: &[word("6404", Diagnosis::WrongAddress, "seen at Projects")],
    pause: Some("some minutes for each address, a quarter of an hour at worst"),
    paging: Some(&paging::PROJECTS),
};

/// Beside its objects a list that begins with a number, as it answers for a scope.
pub static MAIL: Answers = Answers {
    failures: &[
        Failure::Not("status.code", &["200", "201", "202", "204"]),
        Failure::Has("data.errorCode"),
        Failure::Has("[].errorCode"),
    ],
    words: &[],
    pause: None,
    paging: Some(&paging::MAIL),
};

pub static PEOPLE: Answers = Answers {
    failures: &[
        Failure::Not("response.status", &["0"]),
        Failure::Has("response.errors"),
        Failure::Has("errors"),
        Failure::Has("error"),
        Failure::Has("response.error"),
    ],
    words: &[
        word("7202", Diagnosis::WrongScheme, "seen at People"),
        word("7213", Diagnosis::BadToken, "seen at People"),
        word("7218", Diagnosis::MissingScope, "seen at People"),
        word("7103", Diagnosis::MissingScope, "seen at People"),
    ],
    pause: Some("five minutes for each address"),
    paging: None,
};

pub static CLIQ: Answers = Answers {
    failures: &[Failure::OnlyWords],
    words: &[],
    pause: Some("some minutes for each address, longer with each further try"),
    paging: Some(&paging::CLIQ),
};

/// Sign and Sprints have a `status` beside it.
pub static SIGN: Answers = Answers {
    failures: &[Failure::Is("status", FAILED), Failure::Not("code", &["0"])],
    words: &[],
    pause: None,
    paging: None,
};

pub static SPRINTS: Answers = Answers {
    failures: &[Failure::Is("status", FAILED), Failure::Has("error")],
    words: &[],
    pause: None,
    paging: None,
};

pub static CAMPAIGNS: Answers =
    Answers { failures: &[Failure::Is("status", FAILED)], words: &[], pause: None, paging: None };

const SHEET_PAGE: &str = "Sheet API v2: Error codes";

pub static SHEET: Answers = Answers {
    failures: &[Failure::Is("status", FAILED)],
    words: &[
        word("2873", Diagnosis::RateLimited, SHEET_PAGE),
        word("2403", Diagnosis::MissingScope, SHEET_PAGE),
        word("2401", Diagnosis::BadToken, SHEET_PAGE),
        word("2402", Diagnosis::NoPermission, SHEET_PAGE),
        word("2404", Diagnosis::NoPermission, SHEET_PAGE),
    ],
    pause: Some("five minutes for each file"),
    paging: None,
};

pub static WORKDRIVE: Answers =
    Answers { failures: &[Failure::Has("errors"), Failure::OnlyWords], words: &[], pause: None, paging: None };

const ANALYTICS_PAGE: &str = "Analytics API v2: Error codes";

pub static ANALYTICS: Answers = Answers {
    failures: &[Failure::Is("status", FAILED)],
    words: &[
        word("8540", Diagnosis::MissingScope, "seen at Analytics"),
        word("8518", Diagnosis::WrongScheme, "seen at Analytics"),
        word("8535", Diagnosis::BadToken, ANALYTICS_PAGE),
        word("8083", Diagnosis::MissingOrganization, ANALYTICS_PAGE),
        word("7390", Diagnosis::MissingOrganization, ANALYTICS_PAGE),
        word("7301", Diagnosis::NoPermission, ANALYTICS_PAGE),
        word("8525", Diagnosis::WrongAddress, "seen at Analytics"),
        word("ORGID_NOT_PRESENT_IN_THE_HEADER", Diagnosis::MissingOrganization, ANALYTICS_PAGE),
    ],
    pause: None,
    paging: None,
};

/// Products of which nothing beyond the shared words is known.
pub static OTHER: Answers = Answers { failures: SHARED_FAILURES, words: &[], pause: None, paging: None };

const SHARED_FAILURES: &[Failure] = &[Failure::OnlyWords, Failure::Account, ERROR];
