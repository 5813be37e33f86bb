//! API calls with an access token: which addresses may get it, and what a failed call means.
//!
//! [`authorize`] is the only place that puts a token into a request. Sending belongs to `service::api`.

mod diagnosis;
pub mod paging;

use url::{Origin, Url};

pub use diagnosis::{Finding, diagnose, known_words};

use crate::http::{API_BODY_LIMIT, API_SILENCE, Method, Request, header_in};
pub use crate::providers::answers::Diagnosis;
use crate::providers::catalog::Product;
use crate::providers::{DataCenter, Dialect};
use crate::secret::{Secret, shown};
use crate::shell::quoted;

/// Headers that the address and the body settle.
const COMPUTED: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

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
    #[error("`{}` is no path that begins with `/` and no address", shown(.0))]
    NoAddress(String),
    #[error("the path has a control character, such as the end of a line, in it")]
    ControlCharacter,
    #[error("`{0}` begins with `//`, so it names a host, but has no `https:` before it")]
    NoScheme(String),
    #[error("addresses that begin with `{0}:` are not called")]
    NotHttp(String),
    #[error("the address has a user name or a password in it, and the token alone says who calls")]
    UserInAddress,
    #[error("{0} is not among the places to which this profile's token may go")]
    ForeignOrigin(String),
    #[error("`{}` is no known product; known are: {}", shown(.0), .1)]
    UnknownProduct(String, String),
    #[error("the provider has no products, so `{}` is none", shown(.0))]
    NoProducts(String),
    #[error("{0} has no known host in data center {1}")]
    NoHost(&'static str, String),
    #[error("the provider has no known API domain")]
    NoApiDomain,
    #[error("header `{0}` cannot be set: the program itself says who calls")]
    Authorization(String),
    #[error("header `{0}` cannot be set: it follows from the call itself")]
    Computed(String),
    #[error("`{0}` is no header")]
    NoHeader(String),
    #[error("the value of header `{0}` has characters that no header carries")]
    NoHeaderValue(String),
}

/// Resolves what `api` was given: a path below the API domain or the base of one of the provider's `products`, a path that
/// begins with that base itself, of whatever version, or a whole address.
pub fn resolve(
    path: &str,
    product: Option<&str>,
    data_center: &DataCenter,
    products: &[Product],
) -> Result<Url, Refusal> {
    if let Some(url) = whole_address(path)? {
        return Ok(url);
    }
    let (base, is_whole) = if let Some(name) = product {
        let product = named_product(name, products)?;
        let no_host = || Refusal::NoHost(product.name, data_center.code.to_uppercase());
        (product.base(data_center).ok_or_else(no_host)?, product.is_whole(path))
    } else {
        let domain = data_center.api_domain.clone().ok_or(Refusal::NoApiDomain)?;
        let is_whole = path.starts_with(&format!("{}/", domain.path().trim_end_matches('/')));
        (domain, is_whole)
    };
    // Such a path is meant from the host.
    let below = if is_whole { "" } else { base.path().trim_end_matches('/') };
    let address = format!("{}{below}{path}", base.origin().ascii_serialization());
    Url::parse(&address).map_err(|_| Refusal::NoAddress(path.to_owned()))
}

/// What is no path but an address, which is read as it stands and has to pass the list of origins; `None` for a path.
pub fn whole_address(path: &str) -> Result<Option<Url>, Refusal> {
    // The end of a line would be left out silently.
    if path.contains(char::is_control) {
        return Err(Refusal::ControlCharacter);
    }
    if path.starts_with("//") {
        return Err(Refusal::NoScheme(path.to_owned()));
    }
    if path.starts_with('/') {
        return Ok(None);
    }
    let address = Url::parse(path).ok().filter(Url::has_host);
    address.map(Some).ok_or_else(|| Refusal::NoAddress(path.to_owned()))
}

/// The one of a provider's `products` that is called so.
pub fn named_product<'a>(name: &str, products: &'a [Product]) -> Result<&'a Product, Refusal> {
    products.iter().find(|product| product.is_called(name)).ok_or_else(|| {
        let known: Vec<&str> = products.iter().map(|product| product.key).collect();
        if known.is_empty() {
            return Refusal::NoProducts(name.to_owned());
        }
        Refusal::UnknownProduct(name.to_owned(), known.join(", "))
    })
}

/// Tells why a call cannot be made with a token that may go to these origins.
pub fn check(call: &Call, origins: &[Origin]) -> Result<(), Refusal> {
    if !call.url.username().is_empty() || call.url.password().is_some() {
        return Err(Refusal::UserInAddress);
    }
    // `blob:` addresses have the origin of the address in them.
    if !matches!(call.url.scheme(), "http" | "https") {
        return Err(Refusal::NotHttp(call.url.scheme().to_owned()));
    }
    let origin = call.url.origin();
    if !origins.contains(&origin) {
        return Err(Refusal::ForeignOrigin(origin.ascii_serialization()));
    }
    check_headers(&call.headers)
}

/// Tells why a call cannot have these headers.
pub fn check_headers(headers: &[(String, String)]) -> Result<(), Refusal> {
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("authorization") {
            return Err(Refusal::Authorization(name.clone()));
        }
        if COMPUTED.iter().any(|computed| name.eq_ignore_ascii_case(computed)) {
            return Err(Refusal::Computed(name.clone()));
        }
        if !is_header_name(name) {
            return Err(Refusal::NoHeader(name.clone()));
        }
        // Whatever else is in it goes out byte for byte (RFC 9110 §5.5).
        if value.chars().any(|character| character != '\t' && character.is_control()) {
            return Err(Refusal::NoHeaderValue(name.clone()));
        }
    }
    Ok(())
}

/// Adds the access token to a call, if the call goes to one of these origins.
pub fn authorize(
    call: &Call,
    access_token: &Secret,
    origins: &[Origin],
    dialect: &Dialect,
) -> Result<Request, Refusal> {
    check(call, origins)?;
    let mut request = Request {
        method: call.method,
        url: call.url.clone(),
        headers: Vec::new(),
        body: call.body.clone(),
        body_limit: API_BODY_LIMIT,
        enough: &[],
        deadline: API_SILENCE,
        send_until: None,
    };
    for (name, value) in &call.headers {
        request = request.with_header(name, Secret::new(value));
    }
    if header_in(&call.headers, "accept").is_none() {
        // WorkDrive answers 415 without it.
        request = request.with_header("accept", Secret::new("*/*"));
    }
    let token = Secret::new(format!("{} {}", dialect.api_scheme, access_token.expose()));
    Ok(request.with_header("authorization", token))
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The variable that has the access token wherever this program hands it to another one.
const ACCESS_TOKEN_VARIABLE: &str = "DEVICE_LOGIN_ACCESS_TOKEN";

/// The curl command for a call, the token replaced by its variable. A body that curl itself reads is in `body`: options and their
/// values.
pub fn as_curl(call: &Call, body: &[[String; 2]], dialect: &Dialect) -> String {
    let mut body = body.to_vec();
    let is_announced = matches!(call.method, Method::Patch | Method::Post | Method::Put);
    if !call.body.is_empty() || body.is_empty() && is_announced {
        // By itself curl tells nothing of a body that is empty, which some servers refuse (411).
        body.push(["--data-raw".to_owned(), String::from_utf8_lossy(&call.body).into_owned()]);
    }
    let has_type = header_in(&call.headers, "content-type").is_some();
    // Brackets and braces of the address mean themselves.
    let mut command = vec!["curl --globoff".to_owned()];
    match (call.method, body.is_empty()) {
        (Method::Get, true) => {}
        // By any other option curl would wait for the body that is announced.
        (Method::Head, true) => command.push("--head".to_owned()),
        // A body alone makes it a POST.
        (method, _) => command.push(format!("-X {method}")),
    }
    command.push(format!("-H \"Authorization: {} ${ACCESS_TOKEN_VARIABLE}\"", dialect.api_scheme));
    command.extend(call.headers.iter().map(|(name, value)| {
        // One without a value is left out by curl unless it is written so.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        format!("-H {}", quoted(&header))
    }));
    if !has_type && body.iter().any(|[option, _]| option.starts_with("--data")) {
        // Otherwise curl calls it a form.
        command.push("-H 'Content-Type:'".to_owned());
    }
    command.extend(body.iter().map(|[option, value]| format!("{option} {}", quoted(value))));
    command.push(quoted(call.url.as_str()));
    command.join(" ")
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Call, Refusal, as_curl, check, resolve};
    use crate::http::Method;
    use crate::providers::catalog::Product;
    use crate::providers::{standard, zoho};

    #[test]
    fn curl_makes_the_same_call() {
        let form = [["--form".to_owned(), "a=1".to_owned()]];
        for (method, headers, typed, read, options) in [
            (Method::Get, &[][..], "", &[][..], ""),
            (Method::Head, &[], "", &[], " --head"),
            (Method::Post, &[], "", &[], " -X POST -H 'Content-Type:' --data-raw ''"),
            (Method::Delete, &[], "", &[], " -X DELETE"),
            (Method::Get, &[], "", &form, " -X GET --form 'a=1'"),
            (Method::Get, &[], "it's", &[], r" -X GET -H 'Content-Type:' --data-raw 'it'\''s'"),
            (Method::Put, &[("content-type", "a/b")], "x", &[], " -X PUT -H 'content-type: a/b' --data-raw 'x'"),
            (Method::Head, &[("Content-Type", "")], "x", &[], " -X HEAD -H 'Content-Type;' --data-raw 'x'"),
            (Method::Get, &[("x-a", "b")], "", &[], " -H 'x-a: b'"),
            (Method::Get, &[("x-a", "")], "", &[], " -H 'x-a;'"),
        ] {
            let headers = headers.iter().map(|(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned()));
            let url = Url::parse("https://x.example/y").expect("an address");
            let call = Call { method, url, headers: headers.collect(), body: typed.into() };
            let curl = as_curl(&call, read, &standard::DIALECT);
            let curl = curl.replace(" -H \"Authorization: Bearer $DEVICE_LOGIN_ACCESS_TOKEN\"", "");
            assert_eq!(curl, format!("curl --globoff{options} 'https://x.example/y'"));
        }
    }

    #[test]
    fn paths_go_below_the_api_domain_or_the_product() {
        let zoho = zoho::provider();
        let eu = zoho.data_center("eu").expect("eu");
        let resolved = |path, product| resolve(path, product, eu, zoho.dialect.products()).map(|url| url.to_string());
        assert_eq!(resolved("/crm/v8/org", None), Ok("https://www.zohoapis.eu/crm/v8/org".to_owned()));
        assert_eq!(
            resolved("/organizations", Some("desk")),
            Ok("https://desk.zoho.eu/api/v1/organizations".to_owned())
        );
        assert_eq!(
            resolved("/api/v1/organizations", Some("Zoho Desk")),
            Ok("https://desk.zoho.eu/api/v1/organizations".to_owned())
        );
        assert_eq!(
            resolved("/users?type=CurrentUser", Some("crm")),
            Ok("https://www.zohoapis.eu/crm/v8/users?type=CurrentUser".to_owned())
        );
        assert!(resolved("crm/v8/org", None).is_err());
        let no_scheme = Refusal::NoScheme("//evil.example/x".to_owned());
        assert_eq!(resolved("//evil.example/x", None), Err(no_scheme));
        assert!(resolved("/x", Some("nothing")).is_err());
    }

    #[test]
    fn what_keeps_a_call_from_being_made_is_told_for_what_it_is() {
        let zoho = zoho::provider();
        let origins = zoho.data_center("eu").expect("eu").origins();
        let told = |url: &str, name: &str, value: &str| {
            let headers = vec![(name.to_owned(), value.to_owned())];
            check(&Call { method: Method::Get, url: url.parse().expect(url), headers, body: Vec::new() }, &origins)
        };
        let here = "https://www.zohoapis.eu/x";
        for value in ["1", "caf\u{e9} \"a\";\tb", "\u{65e5}\u{672c}", ""] {
            assert_eq!(told(here, "X-Trace", value), Ok(()), "{value}");
        }
        for (url, name, value, refusal) in [
            ("https://user:pw@www.zohoapis.eu/x", "a", "b", Refusal::UserInAddress),
            ("https://user@evil.example/x", "a", "b", Refusal::UserInAddress),
            ("ftp://www.zohoapis.eu/x", "a", "b", Refusal::NotHttp("ftp".to_owned())),
            ("blob:https://www.zohoapis.eu/x", "a", "b", Refusal::NotHttp("blob".to_owned())),
            ("https://evil.example/x", "a", "b", Refusal::ForeignOrigin("https://evil.example".to_owned())),
            (here, "authorization", "b", Refusal::Authorization("authorization".to_owned())),
            (here, "Content-Length", "1", Refusal::Computed("Content-Length".to_owned())),
            (here, "a b", "b", Refusal::NoHeader("a b".to_owned())),
            (here, "a", "b\r\nc: d", Refusal::NoHeaderValue("a".to_owned())),
            (here, "a", "b\u{0}", Refusal::NoHeaderValue("a".to_owned())),
            (here, "a", "b\u{7f}", Refusal::NoHeaderValue("a".to_owned())),
            (here, "a", "b\u{9b}", Refusal::NoHeaderValue("a".to_owned())),
        ] {
            assert_eq!(told(url, name, value), Err(refusal), "{url} {name}: {value}");
        }
    }

    #[test]
    fn a_path_that_is_whole_stays_as_it_is_at_every_product() {
        let zoho = zoho::provider();
        let us = zoho.default_data_center();
        let resolved = |path: &str, product: &Product| {
            let url = resolve(path, Some(product.key), us, zoho.dialect.products()).expect(path);
            (url.host_str().map(str::to_owned), url[url::Position::BeforePath..].to_owned())
        };
        for product in zoho.dialect.products() {
            let Some(base) = product.base(us) else { continue };
            let host = base.host_str().map(str::to_owned);
            let base = base.path().trim_end_matches('/');
            assert_eq!(resolved("/Leads?a=/x", product), (host.clone(), format!("{base}/Leads?a=/x")));
            let Some(word) = base.split('/').nth(1) else { continue };
            let wholes = ["", "/", "?a=1", "/v7/Leads", "/v2.1/x?y=z", "/bulk/v8/read", "/api/v9/x"];
            for whole in wholes.map(|rest| format!("/{word}{rest}")).into_iter().chain([format!("{base}/x")]) {
                assert_eq!(resolved(&whole, product), (host.clone(), whole.clone()), "{}", product.key);
            }
            let longer = format!("/{word}s/1");
            assert_eq!(resolved(&longer, product), (host, format!("{base}{longer}")), "{}", product.key);
        }
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
            let url: Url = resolve(path, None, us, zoho.dialect.products()).expect(path);
            assert_eq!(url.host_str(), Some("www.zohoapis.com"), "{path}");
        }
    }
}
