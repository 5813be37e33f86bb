use std::time::Duration;

use url::Url;

use super::{
    CodeReply, DeviceCode, LIFE_IF_CUT_OFF, LeftOut, PollReply, ServerError, TokenAnswer, TokenReply, Unreadable,
    Unrevoked, is_throttled, most_telling, read_device_code, read_poll, read_revocation, read_token,
};
use crate::http::Response;
use crate::http::trouble::Trouble;
use crate::providers::standard::{DIALECT, StandardEndpoints, StandardServer};
use crate::providers::{DataCenter, Dialect, Provider, zoho};
use crate::secret::Secret;

/// What servers send where something else was meant.
const ODD: [&str; 16] = [
    "null",
    r#""""#,
    r#"" ""#,
    "0",
    "-5",
    "3.7",
    "1e999",
    "true",
    "false",
    "[]",
    "{}",
    r#"["x"]"#,
    r#"{"a":{"b":[1]}}"#,
    r#""\ud800""#,
    r#""\u0000\u001b[2J""#,
    "99999999999999999999999999",
];

fn at(address: &str) -> Url {
    Url::parse(address).expect("an address")
}

fn standard() -> Provider {
    let endpoints = StandardEndpoints {
        device_authorization: Some(at("https://id.example.com/device")),
        token: Some(at("https://id.example.com/token")),
        ..StandardEndpoints::default()
    };
    let server = StandardServer {
        issuer: Some("https://id.example.com".to_owned()),
        endpoints,
        ..StandardServer::new("standard", &DIALECT)
    };
    server.provider(StandardEndpoints::default()).expect("it has a token endpoint")
}

fn zoho_us() -> DataCenter {
    zoho::provider().data_center("us").expect("us").clone()
}

fn answer(status: u16, body: &[u8]) -> Response {
    Response { status, headers: Vec::new(), body: body.to_vec() }
}

/// The answer to a poll; the one to a refresh has to read alike.
fn token_in(dialect: &Dialect, data_center: &DataCenter, body: &str) -> Result<TokenAnswer, String> {
    let response = answer(200, body.as_bytes());
    let polled = match read_poll(dialect, data_center, &response) {
        Ok(PollReply::Token(token)) => Ok(*token),
        other => Err(format!("{other:?}")),
    };
    let refreshed = match read_token(dialect, data_center, &response) {
        Ok(TokenReply::Token(token)) => Ok(*token),
        other => Err(format!("{other:?}")),
    };
    assert_eq!(polled.as_ref().ok(), refreshed.as_ref().ok(), "{body}");
    polled
}

#[test]
fn no_optional_field_of_a_token_answer_loses_the_tokens_however_odd_it_is() {
    let fields =
        ["error", "expires_in", "expires_in_sec", "scope", "api_domain", "id_token", "token_type", "error_description"];
    for field in fields {
        for odd in ODD {
            for body in [
                format!(r#"{{"{field}":{odd},"access_token":"AT1","refresh_token":"RT1"}}"#),
                format!(r#"{{"access_token":"AT1","refresh_token":"RT1","{field}":{odd},"{field}":null}}"#),
            ] {
                let token =
                    token_in(&zoho::DIALECT, &zoho_us(), &body).unwrap_or_else(|error| panic!("{body}: {error}"));
                assert_eq!(token.access_token.expose(), "AT1", "{body}");
                assert_eq!(token.refresh_token.expect("one").expose(), "RT1", "{body}");
                assert_eq!(token.api_domain, None, "{body}");
            }
        }
    }
}

#[test]
fn a_refresh_token_that_is_none_is_as_if_absent() {
    let long = format!("\"{}\"", "x".repeat(64 * 1024 + 1));
    let silent = ["null", r#""""#, r#"" ""#, "0", "false", "[]", "{}"];
    let digits = "99999999999999999999999999";
    let odd = ODD.into_iter().filter(|odd| *odd != digits);
    for odd in odd.chain([r#""two\tparts""#, r#""caf\u00e9""#, &long]) {
        let body = format!(r#"{{"access_token":"AT1","refresh_token":{odd}}}"#);
        let token = token_in(&zoho::DIALECT, &zoho_us(), &body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(token.refresh_token, None, "{odd}");
        assert_eq!(token.left_out.is_empty(), silent.contains(&odd), "{odd}");
    }
    for (sent, expected) in [
        ("12345678", "12345678"),
        ("12345678.0", "12345678"),
        (digits, digits),
        ("0012", "0012"),
        (r#""\r\n RT1\t\n""#, "RT1"),
    ] {
        let body = format!(r#"{{"access_token":{sent},"refresh_token":{sent}}}"#);
        let token = token_in(&zoho::DIALECT, &zoho_us(), &body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(token.access_token.expose(), expected);
        assert_eq!((token.refresh_token.expect("one").expose(), token.left_out), (expected, Vec::new()));
    }
    // It travels in forms alone, where RFC 6749 (appendix A.17) has blanks as well.
    let body = r#"{"access_token":"AT1","refresh_token":"two words "}"#;
    let token = token_in(&zoho::DIALECT, &zoho_us(), body).expect("a token");
    assert_eq!(token.refresh_token.expect("one").expose(), "two words");
    let body = format!(r#"{{"access_token":"AT1","refresh_token":{long}}}"#);
    let token = token_in(&zoho::DIALECT, &zoho_us(), &body).expect("a token");
    let LeftOut::Field(rejected) = &token.left_out[0] else { panic!("{:?}", token.left_out) };
    assert_eq!(rejected.to_string(), "the server sent a refresh token that is too long: at most 64 KiB are taken");
    assert_eq!(
        token_in(&zoho::DIALECT, &zoho_us(), r#"{"access_token":"AT1","refresh_token":""}"#).expect("one").left_out,
        []
    );
}

#[test]
fn of_an_answer_that_breaks_off_behind_its_tokens_these_are_taken() {
    let body = r#"{"token_type":"Bearer","access_token":"AT1","refresh_token":"RT1","expires_in":3600,"scope":"a b"}"#;
    let tokens_end = body.find(r#","expires_in"#).expect("it is there");
    for end in 1..body.len() {
        let read = token_in(&zoho::DIALECT, &zoho_us(), &body[..end]);
        assert_eq!(read.is_ok(), end >= tokens_end, "{}", &body[..end]);
        let Ok(token) = read else { continue };
        assert_eq!(token.tokens().map(Secret::expose).collect::<Vec<_>>(), ["AT1", "RT1"]);
        // Half a number is another one.
        let life = if body[..end].contains("3600,") { Duration::from_secs(3600) } else { LIFE_IF_CUT_OFF };
        assert_eq!(token.expires_in, Some(life), "{}", &body[..end]);
    }
}

#[test]
fn times_are_read_in_every_form_in_which_they_are_sent() {
    for (sent, expected) in [
        ("3600", Some(3600)),
        (r#""3600""#, Some(3600)),
        (r#""3600.0""#, Some(3600)),
        (r#"" 3600 ""#, Some(3600)),
        ("3600.0", Some(3600)),
        ("3.6e3", Some(3600)),
        ("3600000", Some(3600)),
        ("0", None),
        ("-1", None),
        (r#""-1""#, None),
        (r#""soon""#, None),
        (r#""NaN""#, None),
        ("null", None),
        ("[3600]", None),
        ("1e999", Some(366 * 24 * 3600)),
        (r#""1e999""#, Some(366 * 24 * 3600)),
        ("99999999999999999999999", Some(366 * 24 * 3600)),
    ] {
        let body = format!(r#"{{"access_token":"AT1","expires_in":{sent}}}"#);
        let token = token_in(&zoho::DIALECT, &zoho_us(), &body).expect("a token");
        assert_eq!(token.expires_in, expected.map(Duration::from_secs), "{sent}");
    }
}

#[test]
fn tokens_that_need_more_than_a_header_are_refused_with_words() {
    let provider = standard();
    let read = |kind: &str| {
        let body = format!(r#"{{"access_token":"AT1","token_type":{kind}}}"#);
        token_in(&DIALECT, provider.default_data_center(), &body).map(|_| ())
    };
    for kind in [r#""Bearer""#, r#""bearer""#, r#""BEARER ""#, r#""""#, "null", "7", "[]"] {
        assert_eq!(read(kind), Ok(()), "{kind}");
    }
    for (kind, said) in [("DPoP", "`DPoP`"), ("dpop", "`DPoP`"), ("MAC", "`mac`"), ("pop", "not known here")] {
        assert!(read(&format!("\"{kind}\"")).is_err_and(|error| error.contains(said)), "{kind}");
    }
    let zoho = r#"{"access_token":"AT1","token_type":"Zoho-oauthtoken"}"#;
    assert!(token_in(&zoho::DIALECT, &zoho_us(), zoho).is_ok());
}

#[test]
fn tokens_of_64_kib_are_taken_and_longer_ones_told() {
    let read = |length: usize| {
        let body = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(length));
        token_in(&zoho::DIALECT, &zoho_us(), &body)
    };
    assert_eq!(read(64 * 1024).expect("a token").access_token.expose().len(), 64 * 1024);
    assert!(read(64 * 1024 + 1).is_err_and(|error| error.contains("too long: at most 64 KiB")));
    for odd in [r"AT\ud800", "A T", r"A\nT", "caf\u{e9}"] {
        let body = format!(r#"{{"access_token":"{odd}"}}"#);
        assert!(
            token_in(&zoho::DIALECT, &zoho_us(), &body).is_err_and(|error| error.contains("not printable")),
            "{odd}"
        );
    }
}

fn code_in(body: &str) -> Result<DeviceCode, String> {
    match read_device_code(&DIALECT, standard().default_data_center(), &answer(200, body.as_bytes())) {
        Ok(CodeReply::Issued(code)) => Ok(*code),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn white_space_around_a_field_means_nothing() {
    let body =
        r#"{"device_code":" DC\n","user_code":"\tAB-12 ","verification_uri":" https://accounts.zoho.com/go\r\n"}"#;
    let zoho = zoho_us();
    let reply = read_device_code(&zoho::DIALECT, &zoho, &answer(200, body.as_bytes()));
    let Ok(CodeReply::Issued(code)) = reply else { panic!("{reply:?}") };
    assert_eq!((code.device_code.expose(), code.user_code.as_str()), ("DC", "AB-12"));
    assert_eq!(code.verification_uri.as_str(), "https://accounts.zoho.com/go");
    let body = r#"{"error":" other_dc ","user_location":" eu\n"}"#;
    assert_eq!(
        read_poll(&zoho::DIALECT, &zoho, &answer(200, body.as_bytes())),
        Ok(PollReply::Relocated("eu".to_owned()))
    );
}

#[test]
fn no_optional_field_of_a_device_code_ends_the_sign_in_however_odd_it_is() {
    let needed = r#""device_code":"DC","user_code":"AB-12","verification_uri":"https://id.example.com/go""#;
    let hostile = [r#""http://id.example.com/x""#, r#""https://10.0.0.1/x""#, r#""/go""#, r#""javascript:1""#];
    for field in ["interval", "expires_in", "verification_uri_complete", "verification_url_complete", "message"] {
        for odd in ODD.into_iter().chain(hostile) {
            let code = code_in(&format!(r#"{{{needed},"{field}":{odd}}}"#)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((code.device_code.expose(), code.user_code.as_str()), ("DC", "AB-12"), "{field} {odd}");
            assert_eq!(code.verification_uri_complete, None, "{field} {odd}");
        }
    }
    for (sent, expected) in [
        ("12345678", "12345678"),
        ("1234567.0", "1234567"),
        ("0012", "0012"),
        (r#""12 34""#, "12 34"),
        (r#"" WDJB-MJHT\n""#, "WDJB-MJHT"),
    ] {
        let body =
            format!(r#"{{"device_code":4711,"user_code":{sent},"verification_url":"https://id.example.com/go"}}"#);
        let code = code_in(&body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((code.device_code.expose(), code.user_code.as_str()), ("4711", expected), "{sent}");
    }
}

#[test]
fn an_error_is_understood_however_its_body_came() {
    let (provider, utf16) =
        (standard(), |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    let denied = r#"{"error":"access_denied"}"#;
    for (case, body) in [
        ("an odd byte", b"{\"error\":\"access_denied\",\"error_description\":\"refus\xe9\"}".to_vec()),
        ("half a pair", br#"{"error":"access_denied","error_description":"x\ud800"}"#.to_vec()),
        ("a mark", format!("\u{feff}{denied}").into_bytes()),
        ("UTF-16", utf16(denied)),
        ("upper case", br#"{"error":"ACCESS_DENIED"}"#.to_vec()),
        ("blanks", br#"{"error":" access_denied\n"}"#.to_vec()),
        ("a list", br#"[{"error":["access_denied"]}]"#.to_vec()),
        ("a structure", br#"{"error":{"code":"access_denied","message":"no"}}"#.to_vec()),
        ("twice", br#"{"error":"x","error":"access_denied","error":null}"#.to_vec()),
        ("beside an empty token", br#"{"access_token":"","error":"access_denied"}"#.to_vec()),
        ("a description of another type", br#"{"error":"access_denied","error_description":{"a":1}}"#.to_vec()),
    ] {
        for status in [200, 400, 401, 403, 429, 500, 501, 503] {
            let read = read_poll(&DIALECT, provider.default_data_center(), &answer(status, &body));
            assert!(matches!(read, Ok(PollReply::Denied(_))), "{case} with {status}: {read:?}");
        }
    }
}

#[test]
fn what_an_answer_says_is_read_in_the_encoding_that_it_is_in() {
    let said = r#"{"error":"access_denied","error_description":"refusé"}"#.to_owned();
    let latin: Vec<u8> = said.chars().map(|letter| u8::try_from(u32::from(letter)).expect("Latin-1")).collect();
    let wide = |mark: &str, bytes: fn(u16) -> [u8; 2]| {
        format!("{mark}{said}").encode_utf16().flat_map(bytes).collect::<Vec<_>>()
    };
    for (content_type, body) in [
        ("application/json", said.clone().into_bytes()),
        ("application/json;charset=ISO-8859-1", said.clone().into_bytes()),
        ("application/json;charset=ISO-8859-1", latin.clone()),
        ("text/plain; charset=\"windows-1252\"", latin),
        ("application/json", wide("\u{feff}", u16::to_le_bytes)),
        ("application/json", wide("\u{feff}", u16::to_be_bytes)),
        ("application/json;charset=utf-16", wide("", u16::to_le_bytes)),
        ("application/json;charset=utf-8", wide("", u16::to_be_bytes)),
        ("text/html; charset=utf-16be", wide("", u16::to_be_bytes)),
    ] {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        let response = Response { status: 400, headers, body };
        let read = read_poll(&DIALECT, standard().default_data_center(), &response);
        let Ok(PollReply::Denied(error)) = read else { panic!("{content_type}: {read:?}") };
        assert_eq!(error.description.as_deref(), Some("refusé"), "{content_type}");
    }
}

#[test]
fn a_known_word_decides_and_the_status_only_where_there_is_none() {
    let garbled = |status, trouble| Err(Unreadable::Garbled { status, trouble });
    for (status, body, expected) in [
        (500, r#"{"error":"authorization_pending"}"#, Ok("Pending")),
        (429, r#"{"error":"slow_down"}"#, Ok("SlowDown(None)")),
        (503, r#"{"error":"expired_token"}"#, Ok("Expired")),
        (501, r#"{"error":"unsupported_grant_type"}"#, Ok("Error")),
        (500, r#"{"error":"invalid_client"}"#, Ok("Error")),
        (500, r#"{"error":"invalid_request"}"#, garbled(500, Trouble::ServerError)),
        (400, r#"{"error":"nobody_knows"}"#, Ok("Error")),
        (200, r#"{"access_token":"AT1","error":false}"#, Ok("Token")),
        (500, r#"{"access_token":"AT1"}"#, Ok("Token")),
        (503, r#"{"access_token":"AT1","error":"temporarily_unavailable"}"#, Ok("Token")),
        (200, r#"{"access_token":"AT1","error":"authorization_pending"}"#, Ok("Token")),
        (400, r#"{"access_token":"","error":"authorization_pending"}"#, Ok("Pending")),
        (500, r#"{"refresh_token":"RT1"}"#, garbled(500, Trouble::ServerError)),
        (400, r#"{"refresh_token":"RT1","error":"nobody_knows"}"#, Ok("Error")),
        (500, r#"{"error":"nobody_knows"}"#, garbled(500, Trouble::ServerError)),
        (503, r#"{"error":"temporarily_unavailable"}"#, garbled(503, Trouble::ServerError)),
        (400, r#"{"error":"server_error"}"#, garbled(400, Trouble::ServerError)),
        (502, "<html>", garbled(502, Trouble::ServerError)),
        (403, "<html>", garbled(403, Trouble::Portal)),
        (401, "", Ok("Error(ServerError { word: \"HTTP 401\", description: None })")),
        (401, "<html>", Ok("Error(ServerError { word: \"HTTP 401\", description: None })")),
        (401, r#"{"error":"Unauthorized"}"#, Ok("Error(ServerError { word: \"HTTP 401\", description: None })")),
        (401, r#"{"message":"who are you"}"#, Ok("Error(ServerError { word: \"HTTP 401\", description: Some(")),
        (401, r#"{"error":"authorization_pending"}"#, Ok("Pending")),
        (404, r#"{"status":404,"error":"Not Found"}"#, garbled(404, Trouble::Garbled)),
        (405, r#"{"error":"method_not_allowed"}"#, garbled(405, Trouble::Garbled)),
        (413, r#"{"error":"Payload Too Large"}"#, garbled(413, Trouble::Garbled)),
        (403, r#"{"error":"Not Found"}"#, Ok("Error")),
        (200, "<html>", garbled(200, Trouble::Portal)),
        (302, r#"{"error":"access_denied"}"#, garbled(302, Trouble::Portal)),
        (302, r#"{"access_token":"AT1"}"#, garbled(302, Trouble::Portal)),
        (429, r#"{"error":"nobody_knows"}"#, Err(Unreadable::Throttled(None))),
        (429, "", Err(Unreadable::Throttled(None))),
        (400, r#"{"error":"rate_limit_exceeded"}"#, Err(Unreadable::Throttled(None))),
        (500, r#"{"error":"too_many_requests"}"#, Err(Unreadable::Throttled(None))),
    ] {
        let read = read_poll(&DIALECT, standard().default_data_center(), &answer(status, body.as_bytes()));
        match (read, expected) {
            (Ok(reply), Ok(name)) => assert!(format!("{reply:?}").starts_with(name), "{status} {body}: {reply:?}"),
            (read, expected) => assert_eq!(read.err(), expected.err(), "{status} {body}"),
        }
    }
}

#[test]
fn tokens_are_taken_whatever_status_word_or_text_is_beside_them() {
    let tokens = r#""access_token":"AT1","refresh_token":"RT1""#;
    let form = "access_token=AT1&token_type=bearer&refresh_token=RT1";
    let statuses = [200, 201, 206, 400, 401, 404, 415, 418, 429, 500, 503, 599];
    let mut cases: Vec<(u16, String)> = statuses.map(|status| (status, format!("{{{tokens}}}"))).to_vec();
    for word in ["authorization_pending", "slow_down", "access_denied", "invalid_grant", "server_error", "nobody_knows"]
    {
        cases.extend([200, 400].map(|status| (status, format!(r#"{{{tokens},"error":"{word}"}}"#))));
    }
    for before in [")]}',\n", "<br />\n<b>Warning</b>: no {x} in /srv/a.php\n", "callback(", "while(1);", "\u{feff}\n"]
    {
        cases.push((200, format!("{before}{{{tokens}}}")));
    }
    cases.extend([(200, form.to_owned()), (200, format!("{form}\n")), (500, form.to_owned())]);
    for (status, body) in cases {
        let response = answer(status, body.as_bytes());
        let polled = read_poll(&DIALECT, standard().default_data_center(), &response);
        let is_whole = matches!(&polled, Ok(PollReply::Token(token)) if token.refresh_token.is_some());
        assert!(is_whole, "{status} {body}: {polled:?}");
        let refreshed = read_token(&zoho::DIALECT, &zoho_us(), &response);
        assert!(matches!(&refreshed, Ok(TokenReply::Token(_))), "{status} {body}: {refreshed:?}");
    }
    for page in [
        r#"<html><script>var x = {"access": 1}; f({"login":"please"})</script></html>"#,
        "please visit /login?error=1 first",
        "a=b&c=d",
    ] {
        let read = read_poll(&DIALECT, standard().default_data_center(), &answer(200, page.as_bytes()));
        assert!(matches!(read, Err(Unreadable::Garbled { .. })), "{page}: {read:?}");
    }
}

#[test]
fn a_throttle_is_told_by_its_status_or_by_its_word() {
    let provider = standard();
    let at = provider.default_data_center();
    let waiting = |status, body: &str| Response {
        headers: vec![("retry-after".to_owned(), "7".to_owned())],
        ..answer(status, body.as_bytes())
    };
    let pause = Some(Duration::from_secs(7));
    for (status, body) in [
        (429, ""),
        (503, ""),
        (403, "<h1>Forbidden</h1>"),
        (400, r#"{"error":"rate_limit_exceeded"}"#),
        (403, r#"{"error":"rate_limit_exceeded"}"#),
        (500, r#"{"error":"too_many_requests"}"#),
    ] {
        let response = waiting(status, body);
        let throttled = Some(Unreadable::Throttled(pause));
        assert_eq!(read_device_code(&DIALECT, at, &response).err(), throttled, "{status} {body}");
        assert_eq!(read_poll(&DIALECT, at, &response).err(), throttled, "{status} {body}");
        assert_eq!(read_token(&DIALECT, at, &response).err(), throttled, "{status} {body}");
        assert_eq!(read_revocation(&DIALECT, &response), Err(Unrevoked::Throttled(pause)), "{status} {body}");
        assert!(is_throttled(&DIALECT, &response), "{status} {body}");
    }
    assert_eq!(read_revocation(&DIALECT, &waiting(400, r#"{"error":"slow_down"}"#)), Err(Unrevoked::Throttled(pause)));
    for (status, body) in [(200, ""), (400, ""), (500, ""), (404, r#"{"error":"not_found"}"#)] {
        assert!(!is_throttled(&DIALECT, &answer(status, body.as_bytes())), "{status} {body}");
    }
}

#[test]
fn a_refresh_token_is_gone_by_the_words_of_many_servers_and_not_by_those_for_a_request_without_one() {
    let said =
        |word: &str, sentence: &str| serde_json::json!({"error": word, "error_description": sentence}).to_string();
    let provider = standard();
    let at = provider.default_data_center();
    for (status, word, sentence, is_gone) in [
        (400, "invalid_grant", "", true),
        (401, "token_inactive", "Token is inactive because it is malformed, expired or otherwise invalid.", true),
        (200, "bad_refresh_token", "The refresh token passed is incorrect or expired.", true),
        (400, "expired_token", "", true),
        (400, "invalid_request", "Refresh token is invalid or has already been claimed by another client.", true),
        (400, "invalid_request", "Refresh token expired.", true),
        (401, "invalid_request", "The refresh token is invalid.", true),
        (401, "invalid_token", "Refresh token for value x was not found", true),
        (401, "invalid_token", "Invalid refresh token (expired): x", true),
        (400, "invalid_request", "refresh_token is required", false),
        (400, "invalid_request", "Missing parameter: refresh token", false),
        (401, "invalid_token", "", false),
        (401, "access_denied", "Unauthorized", false),
        (401, "invalid_client", "the refresh token is invalid for this client", false),
    ] {
        let response = answer(status, said(word, sentence).as_bytes());
        let read = read_token(&DIALECT, at, &response);
        assert_eq!(matches!(read, Ok(TokenReply::Refused(_))), is_gone, "{status} {word} {sentence}: {read:?}");
    }
}

#[test]
fn a_401_with_a_word_for_the_persons_no_means_the_client_where_its_sentence_does() {
    let provider = standard();
    let at = provider.default_data_center();
    let said = |status, sentence: &str| {
        let body = serde_json::json!({"error": "access_denied", "error_description": sentence});
        read_poll(&DIALECT, at, &answer(status, body.to_string().as_bytes()))
    };
    let Ok(PollReply::Error(error)) = said(401, "Unauthorized") else { panic!("somebody has answered No") };
    assert_eq!((error.word.as_str(), error.to_string().contains("access_denied (Unauthorized)")), ("HTTP 401", true));
    for (status, sentence) in
        [(403, "Unauthorized"), (400, "Unauthorized"), (401, "The resource owner denied the request.")]
    {
        assert!(matches!(said(status, sentence), Ok(PollReply::Denied(_))), "{status} {sentence}");
    }
}

#[test]
fn a_redirect_names_the_address_to_write_and_is_never_followed() {
    let provider = standard();
    let data_center = provider.default_data_center();
    let redirect = |status, location: &str| Response {
        headers: vec![("location".to_owned(), location.to_owned())],
        ..answer(status, b"")
    };
    let token = "https://id.example.com/token";
    for (status, location, to) in [
        (301, "/token/", Some("https://id.example.com/token/")),
        (308, "https://id.example.com/token/?client_secret=x#y", Some("https://id.example.com/token/")),
        (302, "https://id.example.com/oauth/token", Some("https://id.example.com/oauth/token")),
        (307, "token/", Some("https://id.example.com/token/")),
        (301, "https://login.example.org/token", Some("https://login.example.org/token")),
        (302, "https://login.example.org/token", None),
        (301, "http://id.example.com/token", None),
        (301, "https://user:pw@id.example.com/token", None),
        (301, token, None),
        (304, "/token/", None),
        (301, "javascript:alert(1)", None),
    ] {
        let response = redirect(status, location);
        let expected = match to {
            Some(to) => Unreadable::Moved { status, to: at(to) },
            None => Unreadable::Garbled { status, trouble: Trouble::Portal },
        };
        assert_eq!(read_poll(&DIALECT, data_center, &response), Err(expected.clone()), "{status} {location}");
        assert_eq!(read_token(&DIALECT, data_center, &response), Err(expected), "{status} {location}");
    }
    let moved = read_device_code(&DIALECT, data_center, &redirect(301, "/device/"));
    assert_eq!(moved, Err(Unreadable::Moved { status: 301, to: at("https://id.example.com/device/") }));
}

#[test]
fn of_several_refusals_of_a_client_the_first_that_tells_something_is_told() {
    let error = |word: &str| ServerError { word: word.to_owned(), description: None };
    for (first, last, told) in [
        ("invalid_client", "invalid_client", 0),
        ("unauthorized_client", "invalid_client", 0),
        ("invalid_client", "invalid_request", 0),
        ("invalid_request", "invalid_client", 1),
        ("HTTP 401", "invalid_client", 1),
        // It was let in.
        ("invalid_client", "invalid_scope", 1),
    ] {
        let said =
            most_telling(Some(ServerError { description: Some("first".to_owned()), ..error(first) }), error(last));
        assert_eq!(said.description.is_none(), told == 1, "{first} {last}: {said}");
        assert_eq!(most_telling(None, error(last)), error(last));
    }
}
