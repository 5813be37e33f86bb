use super::{Diagnosis, PRODUCT_WORDS, diagnose};
use crate::http::Response;
use crate::providers::{standard, zoho};

#[test]
fn every_word_that_is_listed_for_people_is_recognised() {
    for (product, word, expected) in PRODUCT_WORDS {
        let body = match word.parse::<i64>() {
            Ok(number) => format!(r#"{{"data":{{"errorCode":{number}}}}}"#),
            Err(_) => format!(r#"{{"code":"{word}"}}"#),
        };
        let response = Response { status: 400, headers: Vec::new(), body: body.into_bytes() };
        assert_eq!(diagnose(&zoho::DIALECT, &response), Some(*expected), "{product}: {word}");
    }
}

#[test]
fn the_words_of_rfc_6750_are_read_from_their_header() {
    let challenge = |error| vec![("WWW-Authenticate".to_owned(), format!("Bearer error=\"{error}\""))];
    for (status, error, expected) in
        [(403, "insufficient_scope", Diagnosis::MissingScope), (401, "invalid_token", Diagnosis::BadToken)]
    {
        let response = Response { status, headers: challenge(error), body: Vec::new() };
        assert_eq!(diagnose(&zoho::DIALECT, &response), Some(expected));
    }
}

#[test]
fn every_diagnosis_has_its_words_and_causes() {
    for diagnosis in Diagnosis::ALL {
        assert!((1..=4).contains(&diagnosis.causes().len()), "{diagnosis:?}");
        for text in [diagnosis.meaning(), diagnosis.next()].iter().chain(diagnosis.causes()) {
            assert!(!text.is_empty() && !text.ends_with('.'), "{diagnosis:?}: {text}");
        }
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
        assert_eq!(diagnose(&zoho::DIALECT, &response), expected, "{status} {body}");
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
        assert_eq!(diagnose(&zoho::DIALECT, &response), expected, "{status}");
    }
}

#[test]
fn long_bodies_are_not_taken_apart() {
    let body = |items: usize| format!(r#"{{"code":57,"items":[{}0]}}"#, "0,".repeat(items)).into_bytes();
    let answer = |status, items| diagnose(&zoho::DIALECT, &Response { status, headers: Vec::new(), body: body(items) });
    assert_eq!(answer(200, 10), Some(Diagnosis::MissingScope));
    assert_eq!(answer(200, 100_000), None);
    assert_eq!(answer(401, 100_000), Some(Diagnosis::BadToken));
}

#[test]
fn bodies_of_other_providers_are_their_own_affair() {
    let answer = |status, headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        diagnose(&standard::DIALECT, &Response { status, headers, body: body.as_bytes().to_vec() })
    };
    assert_eq!(answer(200, &[], r#"{"code":57,"response":"error"}"#), None);
    assert_eq!(answer(400, &[], r#"{"code":14,"message":"INVALID_TOKEN"}"#), Some(Diagnosis::Unclear));
    assert_eq!(answer(401, &[], ""), Some(Diagnosis::BadToken));
    let insufficient = [("WWW-Authenticate", "Bearer error=\"insufficient_scope\"")];
    assert_eq!(answer(403, &insufficient, ""), Some(Diagnosis::MissingScope));
}
