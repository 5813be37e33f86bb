//! What a failed API call failed of, in words and likely causes.
//!
//! Zoho's products each have error bodies of their own, so words are looked for wherever they put them; providers that
//! keep to RFC 6750 say it in a header.

use serde_json::Value;

use crate::http::Response;
use crate::providers::{ApiErrors, Dialect};

/// What a failed call failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The token is expired, revoked or was never good here.
    BadToken,
    /// The token is good elsewhere, so the address is one of another data center.
    WrongDataCenter,
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
    /// The API needs an organization id that the call did not bring.
    MissingOrganization,
    /// The provider's own fault.
    ProviderFault,
    /// The answer leads elsewhere, where nobody went with the token.
    Redirected,
    /// Nothing known; the body says it best.
    Unclear,
}

impl Diagnosis {
    pub const ALL: [Diagnosis; 13] = [
        Diagnosis::BadToken,
        Diagnosis::WrongDataCenter,
        Diagnosis::MissingScope,
        Diagnosis::NoPermission,
        Diagnosis::WrongOrganization,
        Diagnosis::WrongScheme,
        Diagnosis::WrongAddress,
        Diagnosis::ApiAccessOff,
        Diagnosis::RateLimited,
        Diagnosis::MissingOrganization,
        Diagnosis::ProviderFault,
        Diagnosis::Redirected,
        Diagnosis::Unclear,
    ];

    /// What happened.
    pub fn meaning(self) -> &'static str {
        match self {
            Diagnosis::BadToken => {
                "the API does not take this token: it ended, was revoked, or belongs to another data center"
            }
            Diagnosis::WrongDataCenter => {
                "the API refuses a token that was just minted: the address is probably one of another data center"
            }
            Diagnosis::MissingScope => "the token lacks a scope that this call needs",
            Diagnosis::NoPermission => "the account itself may not do this",
            Diagnosis::WrongOrganization => "the token was approved for another organization",
            Diagnosis::WrongScheme => "no token reached the API",
            Diagnosis::WrongAddress => "the API knows no such address",
            Diagnosis::ApiAccessOff => "API access is off for this user's role",
            Diagnosis::RateLimited => "too many calls",
            Diagnosis::MissingOrganization => "this call needs an organization",
            Diagnosis::ProviderFault => "the provider has a fault of its own",
            Diagnosis::Redirected => "the API leads to another address, where the token was not taken",
            Diagnosis::Unclear => "the API refused the call",
        }
    }

    /// What may lie behind it, the likeliest first.
    pub fn causes(self) -> &'static [&'static str] {
        match self {
            Diagnosis::BadToken => &[
                "the token ended or was revoked since it was minted",
                "the host belongs to another data center, which does not know the token",
                "newer tokens pushed it out: Zoho keeps 10 to 30 for each sign-in",
            ],
            Diagnosis::WrongDataCenter => &[
                "the host belongs to another data center than the account",
                "the product is not part of the account, or not offered in its data center",
            ],
            Diagnosis::MissingScope => &[
                "the call needs a scope of its own, as CRM's queries need `ZohoCRM.coql.READ`",
                "the scope was added to the profile after the last sign-in",
                "the product wants the scope in other letter case, as some do with `fullaccess`",
            ],
            Diagnosis::NoPermission => &[
                "the person's role lacks the permission in the product itself",
                "the record or file belongs to somebody else",
            ],
            Diagnosis::WrongOrganization => &[
                "another organization or portal was chosen when the sign-in was approved",
                "the id of the organization in the call is that of another one",
            ],
            Diagnosis::WrongScheme => &[
                "the word before the token in the header is not the one that this API wants",
                "a proxy took the header out",
            ],
            Diagnosis::WrongAddress => &[
                "the path is misspelt or of another version of the API",
                "the product has a host of its own",
                "the host belongs to another data center",
            ],
            Diagnosis::ApiAccessOff => &["the person's profile in CRM has \"API access\" switched off"],
            Diagnosis::RateLimited => &[
                "the calls of this minute, or of this day, are used up",
                "too many calls run at the same time",
                "another program calls for the same organization",
            ],
            Diagnosis::MissingOrganization => &["the account has several organizations, so each call has to name one"],
            Diagnosis::ProviderFault => &["a passing fault or maintenance at the provider"],
            Diagnosis::Redirected => &[
                "the address has moved, or belongs to another data center",
                "a proxy or captive portal wants the person first",
            ],
            Diagnosis::Unclear => &["the request itself is not what the API wants"],
        }
    }

    /// The same as an error keeps them.
    pub fn causes_in_words(self) -> Vec<String> {
        self.causes().iter().map(|cause| (*cause).to_owned()).collect()
    }

    /// What to do.
    pub fn next(self) -> &'static str {
        match self {
            Diagnosis::BadToken => "refresh the token, and check that the host is one of the account's data center",
            Diagnosis::WrongDataCenter => "use the host of the account's data center, or `--product` to have it chosen",
            Diagnosis::MissingScope => "add it to the profile and sign in again",
            Diagnosis::NoPermission => "ask an administrator of the product",
            Diagnosis::WrongOrganization => "sign in again and choose this one",
            Diagnosis::WrongScheme => "check the word before it in the header",
            Diagnosis::WrongAddress => "check the path, the product and the data center",
            Diagnosis::ApiAccessOff => "ask an administrator to allow it",
            Diagnosis::RateLimited => "wait before the next one",
            Diagnosis::MissingOrganization => "give `organization_id` in the query, or the `orgId` header for Desk",
            Diagnosis::ProviderFault => "try again later",
            Diagnosis::Redirected => "read its `location` header, which says where",
            Diagnosis::Unclear => "read its answer, which says why",
        }
    }

    /// What happened and what helps, in one sentence.
    pub fn in_words(self) -> String {
        match self {
            // These say enough by themselves for one sentence.
            Diagnosis::BadToken | Diagnosis::WrongDataCenter => self.meaning().to_owned(),
            _ => format!("{}: {}", self.meaning(), self.next()),
        }
    }
}

/// The words that products are known to use, for people: product, word or number, what it means.
pub const PRODUCT_WORDS: &[(&str, &str, Diagnosis)] = &[
    ("any (RFC 6750)", "invalid_token", Diagnosis::BadToken),
    ("any (RFC 6750)", "insufficient_scope", Diagnosis::MissingScope),
    ("Accounts", "INVALID_OAUTHTOKEN", Diagnosis::BadToken),
    ("Accounts", "INVALID_OAUTHSCOPE", Diagnosis::MissingScope),
    ("CRM, Bigin", "INVALID_TOKEN", Diagnosis::BadToken),
    ("CRM, Bigin", "AUTHENTICATION_FAILURE", Diagnosis::BadToken),
    ("CRM, Bigin", "OAUTH_SCOPE_MISMATCH", Diagnosis::MissingScope),
    ("CRM, Bigin", "NO_PERMISSION", Diagnosis::NoPermission),
    ("CRM", "Crm_Implied_Api_Access", Diagnosis::ApiAccessOff),
    ("CRM, Bigin", "INVALID_URL_PATTERN", Diagnosis::WrongAddress),
    ("CRM, Bigin", "TOO_MANY_REQUESTS", Diagnosis::RateLimited),
    ("Books, Invoice, Inventory, Expense", "14", Diagnosis::BadToken),
    ("Books, Invoice, Inventory, Expense", "57", Diagnosis::MissingScope),
    ("Desk", "INVALID_OAUTH", Diagnosis::BadToken),
    ("Desk", "SCOPE_MISMATCH", Diagnosis::MissingScope),
    ("Desk", "OAUTH_ORG_MISMATCH", Diagnosis::WrongOrganization),
    ("Desk", "THRESHOLD_EXCEEDED", Diagnosis::RateLimited),
    ("Desk", "TOO_MANY_REQUESTS", Diagnosis::RateLimited),
    ("Projects", "INVALID_OAUTHTOKEN", Diagnosis::BadToken),
    ("Projects", "INVALID_TICKET", Diagnosis::WrongScheme),
    ("Analytics", "8535", Diagnosis::BadToken),
    ("Analytics", "8518", Diagnosis::WrongScheme),
    ("Analytics", "8540", Diagnosis::MissingScope),
    ("Mail, Social", "INVALID_OAUTHTOKEN", Diagnosis::BadToken),
    ("Mail, Social", "INVALID_OAUTHSCOPE", Diagnosis::MissingScope),
    ("Creator", "1030", Diagnosis::BadToken),
    ("Creator", "2945", Diagnosis::MissingScope),
    ("Sheet", "2401", Diagnosis::BadToken),
    ("Sheet", "2403", Diagnosis::MissingScope),
    ("Sheet", "2402", Diagnosis::NoPermission),
    ("Sheet", "2404", Diagnosis::NoPermission),
    ("Sheet", "2873", Diagnosis::RateLimited),
    ("Cliq", "oauthtoken_scope_invalid", Diagnosis::MissingScope),
];

/// By what an error body is recognised.
struct Signs {
    diagnosis: Diagnosis,
    /// Parts of its words, in upper case.
    words: &'static [&'static str],
    codes: &'static [i64],
    statuses: &'static [u16],
}

/// Looked for in this order, since one body may show several: what is surer comes first.
const SIGNS: &[Signs] = &[
    signs(Diagnosis::RateLimited, &["TOO_MANY_REQUESTS", "THRESHOLD_EXCEEDED"], &[2873], &[429]),
    signs(Diagnosis::ApiAccessOff, &["CRM_IMPLIED_API_ACCESS"], &[], &[]),
    signs(
        Diagnosis::MissingScope,
        &["SCOPE_MISMATCH", "SCOPE_INVALID", "INVALID_OAUTHSCOPE", "INSUFFICIENT_SCOPE"],
        &[57, 2403, 2945, 8540],
        &[],
    ),
    signs(Diagnosis::WrongOrganization, &["ORG_MISMATCH"], &[], &[]),
    signs(Diagnosis::WrongScheme, &["INVALID_TICKET"], &[8518], &[]),
    signs(
        Diagnosis::BadToken,
        &["INVALID_TOKEN", "INVALID_OAUTH", "AUTHENTICATION_FAILURE", "UNAUTHENTICATED"],
        &[14, 1030, 2401, 8535],
        &[401],
    ),
    signs(Diagnosis::MissingOrganization, &["ORGANIZATION_ID", "ORGID", "ORG_ID"], &[], &[]),
    signs(Diagnosis::NoPermission, &["NO_PERMISSION"], &[2402, 2404], &[]),
    signs(Diagnosis::WrongAddress, &["INVALID_URL_PATTERN", "URL_NOT_FOUND"], &[], &[404]),
];

const fn signs(
    diagnosis: Diagnosis,
    words: &'static [&'static str],
    codes: &'static [i64],
    statuses: &'static [u16],
) -> Signs {
    Signs { diagnosis, words, codes, statuses }
}

/// Bytes; errors are short, and taking apart a long body could need many times its size.
const LONGEST_ERROR: usize = 64 * 1024;

/// Reads what a failed call failed of; `None` for one that worked.
pub fn diagnose(dialect: &Dialect, response: &Response) -> Option<Diagnosis> {
    let is_telling = dialect.api_errors == ApiErrors::InBody && response.body.len() <= LONGEST_ERROR;
    let short = Some(&response.body).filter(|_| is_telling);
    let body: Value = short.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Value::Null);
    let code = ["code", "error_code"].iter().find_map(|field| body.get(field)).and_then(Value::as_i64);
    let is_redirect = (300..400).contains(&response.status) && response.header("location").is_some();
    let is_success = (response.status < 400 && !is_redirect)
        && matches!(code, None | Some(0))
        && body.get("response").is_none_or(|word| word != "error");
    if is_success {
        return None;
    }
    if is_redirect {
        return Some(Diagnosis::Redirected);
    }
    let Said { mut words, codes } = Said::in_body(&body);
    // RFC 6750 §3 puts its error words here.
    words.extend(response.header("www-authenticate").filter(|text| text.len() < 1000).map(str::to_ascii_uppercase));
    let shows = |signs: &&Signs| {
        words.iter().any(|word| signs.words.iter().any(|part| word.contains(part)))
            || codes.iter().any(|code| signs.codes.contains(code))
            || signs.statuses.contains(&response.status)
    };
    let known = SIGNS.iter().find(shows).map(|signs| signs.diagnosis);
    let other = if response.status >= 500 { Diagnosis::ProviderFault } else { Diagnosis::Unclear };
    Some(known.unwrap_or(other))
}

/// What an error body says, wherever it says it.
#[derive(Default)]
struct Said {
    /// In upper case.
    words: Vec<String>,
    codes: Vec<i64>,
}

impl Said {
    /// Errors sit at the top or two levels down (`data.errorCode`, `error.title`, `details.permissions`).
    fn in_body(body: &Value) -> Self {
        let fields =
            ["code", "errorCode", "error_code", "error", "cause", "title", "summary", "message", "permissions"];
        let mut said = Self::default();
        let mut level = vec![body];
        for _ in 0..3 {
            let mut below = Vec::new();
            for (key, value) in level.into_iter().filter_map(Value::as_object).flatten() {
                let is_named = fields.contains(&key.as_str());
                match value {
                    Value::String(text) if is_named && text.len() < 200 => said.words.push(text.to_ascii_uppercase()),
                    Value::Array(values) if is_named => {
                        said.words.extend(values.iter().filter_map(Value::as_str).map(str::to_ascii_uppercase));
                    }
                    Value::Number(number) if is_named => said.codes.extend(number.as_i64()),
                    Value::Object(_) => below.push(value),
                    _ => {}
                }
            }
            level = below;
        }
        said
    }
}

#[cfg(test)]
mod tests;
