//! The parameters of a request, from wherever Zoho takes them: HTTP Basic, a form of either kind, the query.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hyper::header::{self, HeaderMap, HeaderName};
use url::form_urlencoded;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of a parameter, empty where it is missing.
    pub(super) fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The number that a parameter is, or `default` where it is missing; `None` where it is something else. One that is too large
    /// for any type is still only a large number.
    pub(super) fn number(&self, name: &str, default: usize) -> Option<usize> {
        let text = self.value(name);
        if text.is_empty() {
            return Some(default);
        }
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(usize::MAX))
    }

    pub(super) fn read(headers: &HeaderMap, query: &str, body: &[u8]) -> Self {
        let mut parameters = Vec::new();
        if let Some((id, secret)) = basic_credentials(headers) {
            parameters.extend([("client_id".to_owned(), id), ("client_secret".to_owned(), secret)]);
        }
        let content_type = text(headers, &header::CONTENT_TYPE);
        let (kind, attributes) = content_type.split_once(';').unwrap_or((content_type, ""));
        match kind.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => parameters.extend(form_urlencoded::parse(body).into_owned()),
            "multipart/form-data" => parameters.extend(multipart(attributes, &String::from_utf8_lossy(body))),
            _ => {}
        }
        parameters.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
        Self(parameters)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The user and password of HTTP Basic (RFC 7617), each form-encoded before they were joined (RFC 6749 §2.3.1). What Zoho
/// gives to clients reads the same without that encoding.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = text(headers, &header::AUTHORIZATION).split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let joined = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    joined.split_once(':').map(|(id, secret)| (form_decoded(id), form_decoded(secret)))
}

fn form_decoded(value: &str) -> String {
    let one_name = value.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(one_name.as_bytes()).map(|(name, _)| name).collect()
}

/// The fields of a `multipart/form-data` body (RFC 7578).
fn multipart(attributes: &str, body: &str) -> Vec<(String, String)> {
    let Some(boundary) = attribute(attributes, "boundary").filter(|boundary| !boundary.is_empty()) else {
        return Vec::new();
    };
    // The first delimiter may lack the line end that belongs to the others.
    let (body, delimiter) = (format!("\r\n{body}"), format!("\r\n--{boundary}"));
    let parts = body.split(&delimiter).skip(1).take_while(|part| !part.starts_with("--"));
    parts.filter_map(field).collect()
}

fn field(part: &str) -> Option<(String, String)> {
    let (head, value) = part.split_once("\r\n\r\n")?;
    let mut dispositions = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let name = dispositions.find_map(|disposition| attribute(disposition.split_once(';')?.1, "name"))?;
    Some((name, value.to_owned()))
}

/// One of the attributes `name=value; name="value"` of a header.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    attributes.split(';').find_map(|attribute| {
        let (key, value) = attribute.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use hyper::header::{self, HeaderMap, HeaderValue};

    use super::{Parameters, basic_credentials};

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header"))])
    }

    #[test]
    fn basic_credentials_are_decoded_or_refused() {
        let credentials = |value: &str| basic_credentials(&headers(header::AUTHORIZATION, value));
        for (joined, id, secret) in [
            ("1000.ABC:s3cret/-_", "1000.ABC", "s3cret/-_"),
            ("1000%2EABC:s3cret", "1000.ABC", "s3cret"),
            ("1000%2eABC:s3cret%2f", "1000.ABC", "s3cret/"),
            ("a%3Ab:c%3Ad", "a:b", "c:d"),
            ("a:c:d", "a", "c:d"),
            ("a%2Bb+c%20d:%25%2B+", "a+b c d", "%+ "),
            ("100%:50%zz", "100%", "50%zz"),
            ("a&b=c:d=e&f", "a&b=c", "d=e&f"),
            ("%C3%A9:\u{e9}", "\u{e9}", "\u{e9}"),
            (":", "", ""),
        ] {
            let encoded = BASE64_STANDARD.encode(joined);
            let expected = Some((id.to_owned(), secret.to_owned()));
            assert_eq!(credentials(&format!("Basic {encoded}")), expected, "{joined}");
            assert_eq!(credentials(&format!("basic  {}", encoded.trim_end_matches('='))), expected, "{joined}");
            assert_eq!(credentials(&format!("Bearer {encoded}")), None);
        }
        for odd in ["Basic not*base64", "Basic /////w==", "Basic YQ==", "Basic", ""] {
            assert_eq!(credentials(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_form_of_either_kind_has_the_same_fields() {
        let part = |name: &str, value: &str| format!("content-disposition: form-data; {name}\r\n\r\n{value}\r\n");
        let (client, token) = (part("name=\"client_id\"", "1000.A:+% b"), part("name=refresh_token", "1000.r"));
        let file = "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"scope\"; filename=\"a;b\"\r\n\r\n\
                    a\r\n--no end\r\n";
        let multipart = format!("preamble\r\n--x1\r\n{client}--x1\r\n{token}--x1 \r\n{file}--x1--\r\n--x1\r\n{client}");
        let urlencoded = "client_id=1000.A%3A%2B%25+b&refresh_token=1000.r&scope=a%0D%0A--no%20end";
        for (kind, body) in [
            ("application/x-www-form-urlencoded", urlencoded),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", urlencoded),
            ("multipart/form-data; boundary=x1", &multipart),
            ("Multipart/Form-Data;charset=utf-8; Boundary=\"x1\"", &multipart),
            ("multipart/form-data; boundary=x1", multipart.strip_prefix("preamble\r\n").expect("it begins so")),
        ] {
            let parameters = Parameters::read(&headers(header::CONTENT_TYPE, kind), "scope=q&late=l", body.as_bytes());
            let values = ["client_id", "refresh_token", "scope", "late", "none"].map(|name| parameters.value(name));
            assert_eq!(values, ["1000.A:+% b", "1000.r", "a\r\n--no end", "l", ""], "{kind}");
        }
        for (kind, body) in [
            ("multipart/form-data", multipart.as_str()),
            ("multipart/form-data; boundary=", &multipart),
            ("multipart/form-data; boundary=other", &multipart),
            ("multipart/form-data; boundary=x1", "--x1\r\n--x1\r\n\r\n--x1"),
            ("multipart/form-data; boundary=x1", ""),
            ("text/plain", urlencoded),
            ("", urlencoded),
        ] {
            let parameters = Parameters::read(&headers(header::CONTENT_TYPE, kind), "", body.as_bytes());
            assert!(parameters.0.is_empty(), "{kind}");
        }
    }
}
