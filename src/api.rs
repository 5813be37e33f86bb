//! API calls with an access token: which addresses may get it, and what a failed call means.
//!
//! [`authorize`] is the only place that puts a token into a request. Sending belongs to `service::api`.

use serde_json::Value;
use url::Url;

use crate::http::{API_BODY_LIMIT, API_DEADLINE, Method, Request, Response};
use crate::providers::catalog::{self, Product};
use crate::providers::{DataCenter, Dialect};
use crate::secret::Secret;
use crate::storage::Grant;

/// A call as a person or script wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    /// Beside `Authorization`, which no call brings itself.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why a call was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("`{0}` is no path that begins with `/` and no address")]
    NoAddress(String),
    #[error("{0} is not among the places to which this profile's token may go")]
    ForeignOrigin(String),
    #[error("`{0}` is no known product; known are: {1}")]
    UnknownProduct(String, String),
    #[error("the provider has no known API domain")]
    NoApiDomain,
    #[error("header `{0}` cannot be set: the program itself says who calls")]
    Authorization(String),
    #[error("`{0}` is no header")]
    NoHeader(String),
}

/// Resolves what `api` was given: a path below the API domain or the product's base, or a whole address.
pub fn resolve(path: &str, product: Option<&str>, data_center: &DataCenter) -> Result<Url, Refusal> {
    let no_address = || Refusal::NoAddress(path.to_owned());
    if !path.starts_with('/') || path.starts_with("//") {
        // Any other address is read as it stands and has to pass the list of origins.
        return Url::parse(path).map_err(|_| no_address());
    }
    let base = match product {
        Some(key) => {
            let product = Product::named(key).ok_or_else(|| {
                let known: Vec<&str> = catalog::PRODUCTS.iter().map(|product| product.key).collect();
                Refusal::UnknownProduct(key.to_owned(), known.join(", "))
            })?;
            product.base(data_center).ok_or(Refusal::NoApiDomain)?
        }
        None => data_center.api_domain.clone().ok_or(Refusal::NoApiDomain)?,
    };
    let below = base.path().trim_end_matches('/');
    // A path that repeats the product's own base is meant from the host.
    let below = if path.starts_with(&format!("{below}/")) { "" } else { below };
    let address = format!("{}{below}{path}", base.origin().ascii_serialization());
    Url::parse(&address).map_err(|_| no_address())
}

/// Adds the access token to a call, if the call goes to one of the origins that the grant lists.
pub fn authorize(call: &Call, grant: &Grant, dialect: &Dialect) -> Result<Request, Refusal> {
    let origin = call.url.origin().ascii_serialization();
    let is_listed = grant.allowed_origins.contains(&origin);
    if !is_listed || !call.url.username().is_empty() || call.url.password().is_some() {
        return Err(Refusal::ForeignOrigin(origin));
    }
    let mut request = Request {
        method: call.method,
        url: call.url.clone(),
        headers: Vec::new(),
        body: call.body.clone(),
        body_limit: API_BODY_LIMIT,
        deadline: API_DEADLINE,
    };
    for (name, value) in &call.headers {
        if is_ours(name) {
            return Err(Refusal::Authorization(name.clone()));
        }
        if !is_header_name(name) || !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            return Err(Refusal::NoHeader(name.clone()));
        }
        request = request.with_header(name, Secret::new(value));
    }
    if !call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        // WorkDrive answers 415 without it.
        request = request.with_header("accept", Secret::new("*/*"));
    }
    let token = Secret::new(format!("{} {}", dialect.api_scheme, grant.access_token.expose()));
    Ok(request.with_header("authorization", token))
}

fn is_ours(header: &str) -> bool {
    ["authorization", "host", "content-length", "transfer-encoding", "connection"]
        .iter()
        .any(|name| header.eq_ignore_ascii_case(name))
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What a failed call failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The token is expired, revoked or was never good here.
    BadToken,
    MissingScope,
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
    /// What happened and what helps, in one sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            Diagnosis::BadToken => {
                "the API does not take this token: it ended, was revoked, or belongs to another data center"
            }
            Diagnosis::MissingScope => {
                "the token lacks a scope that this call needs: add it to the profile and sign in again"
            }
            Diagnosis::WrongOrganization => {
                "the token was approved for another organization: sign in again and choose this one"
            }
            Diagnosis::WrongScheme => "no token reached the API: the word before it in the header may be the wrong one",
            Diagnosis::WrongAddress => "the API knows no such address: check the path, the product and the data center",
            Diagnosis::ApiAccessOff => "API access is off for this user's role: an administrator can allow it",
            Diagnosis::RateLimited => "too many calls: wait before the next one",
            Diagnosis::MissingOrganization => {
                "this call needs an organization: `organization_id` in the query, or the `orgId` header for Desk"
            }
            Diagnosis::ProviderFault => "the provider has a fault of its own: try again later",
            Diagnosis::Redirected => {
                "the API leads to another address, where the token was not taken: its `location` header says which"
            }
            Diagnosis::Unclear => "the API refused the call: its answer says why",
        }
    }
}

/// Bytes; errors are short, and taking apart a long body could need many times its size.
const LONGEST_ERROR: usize = 64 * 1024;

/// Reads what a failed call failed of; `None` for one that worked.
///
/// Zoho's products each have error bodies of their own; words are looked for wherever they put them.
pub fn diagnose(response: &Response) -> Option<Diagnosis> {
    let short = Some(&response.body).filter(|body| body.len() <= LONGEST_ERROR);
    let body: Value = short.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Value::Null);
    let says = |words: &[&str]| error_words(&body).iter().any(|word| words.iter().any(|part| word.contains(part)));
    let code = body.get("code").and_then(Value::as_i64);
    let is_redirect = (300..400).contains(&response.status) && response.header("location").is_some();
    let is_success = (response.status < 400 && !is_redirect)
        && matches!(code, None | Some(0))
        && body.get("response").is_none_or(|word| word != "error");
    if is_success {
        return None;
    }
    Some(if is_redirect {
        Diagnosis::Redirected
    } else if response.status == 429 || says(&["TOO_MANY_REQUESTS", "THRESHOLD_EXCEEDED"]) {
        Diagnosis::RateLimited
    } else if says(&["CRM_IMPLIED_API_ACCESS"]) {
        Diagnosis::ApiAccessOff
    } else if says(&["SCOPE_MISMATCH", "SCOPE_INVALID", "INVALID_OAUTHSCOPE"]) || code == Some(57) || code == Some(2403)
    {
        Diagnosis::MissingScope
    } else if says(&["ORG_MISMATCH"]) {
        Diagnosis::WrongOrganization
    } else if says(&["INVALID_TICKET"]) {
        Diagnosis::WrongScheme
    } else if says(&["INVALID_TOKEN", "INVALID_OAUTH", "AUTHENTICATION_FAILURE", "UNAUTHENTICATED"])
        || matches!(code, Some(14 | 1030 | 2401))
        || response.status == 401
    {
        Diagnosis::BadToken
    } else if says(&["ORGANIZATION_ID", "ORGID", "ORG_ID"]) {
        Diagnosis::MissingOrganization
    } else if response.status == 404 || says(&["INVALID_URL_PATTERN", "URL_NOT_FOUND"]) {
        Diagnosis::WrongAddress
    } else if response.status >= 500 {
        Diagnosis::ProviderFault
    } else {
        Diagnosis::Unclear
    })
}

/// The short texts in which an error body may name its error, in upper case.
fn error_words(body: &Value) -> Vec<String> {
    let fields = ["code", "errorCode", "error", "cause", "title", "summary", "message", "permissions"];
    let mut words = Vec::new();
    let mut level = vec![body];
    // Errors sit at the top or two levels down (`data.errorCode`, `error.title`, `details.permissions`).
    for _ in 0..3 {
        let mut below = Vec::new();
        for value in level {
            let Value::Object(object) = value else { continue };
            for (key, value) in object {
                match value {
                    Value::String(text) if fields.contains(&key.as_str()) && text.len() < 200 => {
                        words.push(text.to_ascii_uppercase());
                    }
                    Value::Array(values) if fields.contains(&key.as_str()) => {
                        words.extend(values.iter().filter_map(Value::as_str).map(str::to_ascii_uppercase));
                    }
                    Value::Object(_) => below.push(value),
                    _ => {}
                }
            }
        }
        level = below;
    }
    words
}

/// The curl command for a call, the token replaced by a variable.
pub fn as_curl(call: &Call, dialect: &Dialect) -> String {
    let mut command = vec!["curl".to_owned()];
    if call.method != Method::Get {
        command.push(format!("-X {}", call.method));
    }
    command.push(format!("-H \"Authorization: {} $ACCESS_TOKEN\"", dialect.api_scheme));
    command.extend(call.headers.iter().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
    if !call.body.is_empty() {
        command.push(format!("--data-binary {}", quoted(&String::from_utf8_lossy(&call.body))));
    }
    command.push(quoted(call.url.as_str()));
    command.join(" ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Diagnosis, diagnose, resolve};
    use crate::http::Response;
    use crate::providers::zoho;

    #[test]
    fn paths_go_below_the_api_domain_or_the_product() {
        let zoho = zoho::provider();
        let eu = zoho.data_center("eu").expect("eu");
        let resolved = |path, product| resolve(path, product, eu).map(|url| url.to_string());
        assert_eq!(resolved("/crm/v8/org", None), Ok("https://www.zohoapis.eu/crm/v8/org".to_owned()));
        assert_eq!(
            resolved("/organizations", Some("desk")),
            Ok("https://desk.zoho.eu/api/v1/organizations".to_owned())
        );
        assert_eq!(
            resolved("/api/v1/organizations", Some("desk")),
            Ok("https://desk.zoho.eu/api/v1/organizations".to_owned())
        );
        assert_eq!(
            resolved("/users?type=CurrentUser", Some("crm")),
            Ok("https://www.zohoapis.eu/crm/v8/users?type=CurrentUser".to_owned())
        );
        assert!(resolved("crm/v8/org", None).is_err());
        assert!(resolved("//evil.example/x", None).is_err());
        assert!(resolved("/x", Some("nothing")).is_err());
    }

    #[test]
    fn paths_never_leave_the_host() {
        let zoho = zoho::provider();
        let us = zoho.data_center("us").expect("us");
        for path in [
            "/@evil.example/",
            "/\\evil.example",
            "/..//evil.example/",
            "/%2f%2fevil.example",
            "/:80@evil.example",
            "/.evil.example",
        ] {
            let url: Url = resolve(path, None, us).expect(path);
            assert_eq!(url.host_str(), Some("www.zohoapis.com"), "{path}");
        }
    }

    #[test]
    fn each_products_errors_are_told_apart() {
        for (status, body, expected) in [
            (200, r#"{"users":[]}"#, None),
            (204, "", None),
            (200, r#"{"code":0,"message":"success"}"#, None),
            (
                401,
                r#"{"code":"INVALID_TOKEN","details":{},"message":"invalid oauth token","status":"error"}"#,
                Some(Diagnosis::BadToken),
            ),
            (
                401,
                r#"{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"Unauthorized","status":"error"}"#,
                Some(Diagnosis::MissingScope),
            ),
            (
                403,
                r#"{"code":"NO_PERMISSION","details":{"permissions":["Crm_Implied_Api_Access"]},"message":"permission denied"}"#,
                Some(Diagnosis::ApiAccessOff),
            ),
            (
                401,
                r#"{"code":57,"message":"You are not authorized to perform this operation"}"#,
                Some(Diagnosis::MissingScope),
            ),
            (401, r#"{"code":14,"message":"Invalid value passed for authtoken."}"#, Some(Diagnosis::BadToken)),
            (
                401,
                r#"{"errorCode":"INVALID_OAUTH","message":"The OAuth Token you provided is invalid."}"#,
                Some(Diagnosis::BadToken),
            ),
            (403, r#"{"errorCode":"SCOPE_MISMATCH","message":"x"}"#, Some(Diagnosis::MissingScope)),
            (403, r#"{"errorCode":"OAUTH_ORG_MISMATCH","message":"x"}"#, Some(Diagnosis::WrongOrganization)),
            (429, r#"{"errorCode":"THRESHOLD_EXCEEDED"}"#, Some(Diagnosis::RateLimited)),
            (
                401,
                r#"{"error":{"status_code":"401","title":"INVALID_OAUTHTOKEN","details":[]}}"#,
                Some(Diagnosis::BadToken),
            ),
            (
                400,
                r#"{"status":"failure","summary":"INVALID_TICKET","data":{"errorCode":8518}}"#,
                Some(Diagnosis::WrongScheme),
            ),
            (200, r#"{"response":"error","cause":"INVALID_OAUTHSCOPE"}"#, Some(Diagnosis::MissingScope)),
            (404, r#"{"code":"INVALID_URL_PATTERN","message":"Please check"}"#, Some(Diagnosis::WrongAddress)),
            (502, "<html>", Some(Diagnosis::ProviderFault)),
            (400, "{}", Some(Diagnosis::Unclear)),
        ] {
            let response = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
            assert_eq!(diagnose(&response), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_redirect_is_no_success() {
        let location = vec![("Location".to_owned(), "https://elsewhere.example/".to_owned())];
        for (status, headers, expected) in [
            (302, location.clone(), Some(Diagnosis::Redirected)),
            (308, location.clone(), Some(Diagnosis::Redirected)),
            (304, Vec::new(), None),
            (201, location, None),
        ] {
            let response = Response { status, headers, body: b"{}".to_vec() };
            assert_eq!(diagnose(&response), expected, "{status}");
        }
    }

    #[test]
    fn long_bodies_are_not_taken_apart() {
        let body = |items: usize| format!(r#"{{"code":57,"items":[{}0]}}"#, "0,".repeat(items)).into_bytes();
        let answer = |status, items| diagnose(&Response { status, headers: Vec::new(), body: body(items) });
        assert_eq!(answer(200, 10), Some(Diagnosis::MissingScope));
        assert_eq!(answer(200, 100_000), None);
        assert_eq!(answer(401, 100_000), Some(Diagnosis::BadToken));
    }
}
