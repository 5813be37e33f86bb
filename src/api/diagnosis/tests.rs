use super::diagnose;
use crate::api::Diagnosis;
use crate::http::Response;
use crate::providers::answers::Word;
use crate::providers::catalog::{PRODUCTS, Product};
use crate::providers::presets::Preset;
use crate::providers::{Dialect, standard, zoho};
use crate::secret::{Known, Secret};

fn product(key: &str) -> Option<&'static Product> {
    (!key.is_empty()).then(|| Product::known_as(key).expect(key))
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

fn found(key: &str, status: u16, body: &str) -> Option<Diagnosis> {
    diagnose(&zoho::DIALECT, product(key), &response(status, &[], body)).map(|finding| finding.diagnosis)
}

fn words(product: &Product) -> impl Iterator<Item = Word> {
    product.answers.words.iter().chain(zoho::DIALECT.api.answers.words.iter())
}

#[test]
fn every_word_is_known_at_its_product_wherever_it_stands_and_however_it_is_written() {
    for product in PRODUCTS.iter() {
        for word in words(product) {
            let quoted = format!("{:?}", word.word);
            let is_number = word.word.parse::<i64>().is_ok();
            let mut written = vec![quoted.to_lowercase(), quoted.to_uppercase(), quoted];
            written.extend(is_number.then(|| word.word.to_owned()));
            for word_written in written {
                for body in [
                    format!(r#"{{"code":{word_written},"message":"x"}}"#),
                    format!(r#"{{"status":"failure","data":{{"errorCode":{word_written}}}}}"#),
                    format!(r#"{{"response":{{"status":1,"errors":[{{"code":{word_written}}}]}}}}"#),
                    format!(r#"[2,{{"errorCode":{word_written},"status":"401"}}]"#),
                    format!(r#"{{"error":{{"details":{{"inner":[{{"error_code":{word_written}}}]}}}}}}"#),
                    format!(r#"{{"code":{word_written},"data":[{{"a":"cut o"#),
                    format!("\u{feff} {{\"title\":{word_written}}}"),
                ] {
                    assert_eq!(found(product.key, 400, &body), Some(word.means), "{} {body}", product.key);
                }
            }
        }
    }
}

/// Product, status and body of an answer that failed, and what it failed of; of `None` nothing is said.
const FAILED: &[(&str, u16, &str, Option<Diagnosis>)] = &[
    ("accounts", 200, r#"{"response":"error","cause":"INVALID_OAUTHSCOPE"}"#, Some(Diagnosis::MissingScope)),
    ("accounts", 200, r#"{"response":"error","cause":"INVALID_OAUTHTOKEN"}"#, Some(Diagnosis::BadToken)),
    ("accounts", 401, r#"{"error":"invalid_token"}"#, Some(Diagnosis::BadToken)),
    ("workdrive", 401, r#"{"errors":[{"id":"F7003","title":"Invalid OAuth token."}]}"#, Some(Diagnosis::BadToken)),
    ("sign", 401, r#"{"code":9041,"message":"Invalid Oauth token","status":"failure"}"#, Some(Diagnosis::BadToken)),
    (
        "crm",
        401,
        r#"{"code":"INVALID_TOKEN","details":{},"message":"invalid oauth token","status":"error"}"#,
        Some(Diagnosis::BadToken),
    ),
    (
        "crm",
        401,
        r#"{"code":"AUTHENTICATION_FAILURE","details":{},"message":"x","status":"error"}"#,
        Some(Diagnosis::BadToken),
    ),
    (
        "crm",
        401,
        r#"{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"Unauthorized","status":"error"}"#,
        Some(Diagnosis::MissingScope),
    ),
    (
        "crm",
        403,
        r#"{"code":"NO_PERMISSION","details":{"permissions":["Crm_Implied_Api_Access"]},"message":"permission denied"}"#,
        Some(Diagnosis::ApiAccessOff),
    ),
    (
        "crm",
        403,
        r#"{"code":"NO_PERMISSION","details":{},"message":"permission denied"}"#,
        Some(Diagnosis::NoPermission),
    ),
    ("crm", 404, r#"{"code":"INVALID_URL_PATTERN","message":"Please check"}"#, Some(Diagnosis::WrongAddress)),
    (
        "crm",
        200,
        r#"{"data":[{"code":"SUCCESS","details":{"id":"1"},"message":"record added","status":"success"},{"code":"INVALID_DATA","details":{"api_name":"Email"},"message":"invalid data","status":"error"}]}"#,
        Some(Diagnosis::Unclear),
    ),
    (
        "bigin",
        207,
        r#"{"data":[{"code":"NO_PERMISSION","details":{},"message":"denied","status":"error"}]}"#,
        Some(Diagnosis::NoPermission),
    ),
    (
        "crm",
        200,
        r#"{"users":[{"code":"LIMIT_EXCEEDED","details":{},"message":"x","status":"error"}]}"#,
        Some(Diagnosis::RateLimited),
    ),
    (
        "crm",
        200,
        r#"{"actions":{"x":{"code":"NOT_ALLOWED","details":{},"message":"x","status":"Error"}}}"#,
        Some(Diagnosis::NoPermission),
    ),
    ("recruit", 401, r#"{"code":"INVALID_TOKEN","message":"x","status":"error"}"#, Some(Diagnosis::BadToken)),
    (
        "books",
        401,
        r#"{"code":57,"message":"You are not authorized to perform this operation"}"#,
        Some(Diagnosis::MissingScope),
    ),
    (
        "invoice",
        400,
        r#"{"code":57,"message":"You are not authorized to perform this operation"}"#,
        Some(Diagnosis::MissingScope),
    ),
    ("books", 401, r#"{"code":14,"message":"Invalid value passed for authtoken."}"#, Some(Diagnosis::BadToken)),
    (
        "books",
        400,
        r#"{"code":6041,"message":"This user is not associated with the CompanyID/CompanyName:1."}"#,
        Some(Diagnosis::MissingOrganization),
    ),
    (
        "books",
        400,
        r#"{"code":4,"message":"Invalid value passed for organization_id"}"#,
        Some(Diagnosis::MissingOrganization),
    ),
    (
        "inventory",
        200,
        r#"{"code":45,"message":"exceeded the maximum call rate limit of 1000."}"#,
        Some(Diagnosis::RateLimited),
    ),
    ("billing", 200, r#"{"code":"1070","message":"x"}"#, Some(Diagnosis::RateLimited)),
    ("expense", 200, r#"{"code":1002,"message":"Expense does not exist."}"#, Some(Diagnosis::Unclear)),
    ("creator", 200, r#"{"code":4000,"description":"Developer API limit reached."}"#, Some(Diagnosis::RateLimited)),
    ("creator", 429, r#"{"code":2955}"#, Some(Diagnosis::RateLimited)),
    ("creator", 401, r#"{"code":1000,"description":"parameter missing"}"#, Some(Diagnosis::Unclear)),
    ("creator", 401, r#"{"code":1030,"description":"Authorization Failure."}"#, Some(Diagnosis::BadToken)),
    ("creator", 401, r#"{"code":2945,"description":"INVALID_OAUTHSCOPE"}"#, Some(Diagnosis::MissingScope)),
    ("creator", 400, r#"{"code":2945,"description":"MORE_THAN_MAX_LENGTH"}"#, Some(Diagnosis::Unclear)),
    (
        "creator",
        200,
        r#"{"code":2898,"description":"Permission denied to view record(s)."}"#,
        Some(Diagnosis::NoPermission),
    ),
    (
        "creator",
        200,
        r#"{"result":[{"code":3000,"data":{"ID":"1"}},{"code":3002,"error":{"Email":"x"}}]}"#,
        Some(Diagnosis::Unclear),
    ),
    (
        "bookings",
        200,
        r#"{"response":{"returnvalue":{"message":"x","status":"failure"},"status":"success"}}"#,
        Some(Diagnosis::Unclear),
    ),
    ("bookings", 401, "<html><body>Zoho Creator - Error Page</body></html>", Some(Diagnosis::NotAuthorized)),
    ("bookings", 400, "<html><b>INVALID_TICKET</b></html>", Some(Diagnosis::WrongScheme)),
    ("writer", 200, r#"{"error":{"errorcode":"R4001","message":"x"}}"#, Some(Diagnosis::Unclear)),
    (
        "desk",
        401,
        r#"{"errorCode":"INVALID_OAUTH","message":"The OAuth Token you provided is invalid."}"#,
        Some(Diagnosis::BadToken),
    ),
    ("desk", 403, r#"{"errorCode":"SCOPE_MISMATCH","message":"Unauthorized"}"#, Some(Diagnosis::MissingScope)),
    ("desk", 403, r#"{"errorCode":"OAUTH_ORG_MISMATCH","message":"x"}"#, Some(Diagnosis::WrongOrganization)),
    ("desk", 429, r#"{"errorCode":"THRESHOLD_EXCEEDED"}"#, Some(Diagnosis::RateLimited)),
    (
        "desk",
        422,
        r#"{"errorCode":"INVALID_DATA","errors":[{"fieldName":"orgId","errorType":"missing"}]}"#,
        Some(Diagnosis::MissingOrganization),
    ),
    (
        "desk",
        200,
        r#"{"results":[{"success":true,"id":"1"},{"success":false,"id":"2","errors":"x"}]}"#,
        Some(Diagnosis::Unclear),
    ),
    (
        "projects",
        401,
        r#"{"error":{"status_code":"401","title":"INVALID_OAUTHTOKEN","details":[{"message":"x"}]}}"#,
        Some(Diagnosis::BadToken),
    ),
    (
        "projects",
        400,
        r#"{"error":{"status_code":400,"title":"URL_ROLLING_THROTTLES_LIMIT_EXCEEDED","details":{"message":"Try again after 22 minutes."}}}"#,
        Some(Diagnosis::RateLimited),
    ),
    ("projects", 200, r#"{"error":{"title":"URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"}}"#, Some(Diagnosis::RateLimited)),
    ("projects", 400, r#"{"error":{"title":"URL_RULE_NOT_CONFIGURED"}}"#, Some(Diagnosis::WrongAddress)),
    ("projects", 200, r#"{"error":{"code":6404,"message":"x"}}"#, Some(Diagnosis::WrongAddress)),
    (
        "analytics",
        401,
        r#"{"status":"failure","summary":"INVALID_OAUTHTOKEN","data":{"errorCode":8535,"errorMessage":"x"}}"#,
        Some(Diagnosis::BadToken),
    ),
    (
        "analytics",
        400,
        r#"{"status":"failure","summary":"INVALID_TICKET","data":{"errorCode":8518}}"#,
        Some(Diagnosis::WrongScheme),
    ),
    (
        "analytics",
        400,
        r#"{"status":"failure","summary":"ORGID_NOT_PRESENT_IN_THE_HEADER","data":{"errorCode":8083}}"#,
        Some(Diagnosis::MissingOrganization),
    ),
    (
        "analytics",
        400,
        r#"{"status":"failure","data":{"errorMessage":"The header ZANALYTICS-ORGID is missing"}}"#,
        Some(Diagnosis::MissingOrganization),
    ),
    ("analytics", 200, r#"{"status":"failure","data":{"errorCode":7301}}"#, Some(Diagnosis::NoPermission)),
    ("mail", 401, r#"[2,{"errorCode":"INVALID_OAUTHSCOPE","status":"401"}]"#, Some(Diagnosis::MissingScope)),
    ("mail", 200, r#"[2,{"errorCode":"INVALID_OAUTHSCOPE","status":"401"}]"#, Some(Diagnosis::MissingScope)),
    ("mail", 404, r#"{"status":{"code":404},"data":{"errorCode":"INVALID_OAUTHTOKEN"}}"#, Some(Diagnosis::BadToken)),
    (
        "mail",
        200,
        r#"{"status":{"code":400,"description":"Invalid Input"},"data":{"moreInfo":"x"}}"#,
        Some(Diagnosis::Unclear),
    ),
    ("people", 401, r#"{"response":{"errors":{"code":7202,"message":"x"},"status":1}}"#, Some(Diagnosis::WrongScheme)),
    ("people", 401, r#"{"response":{"errors":{"code":7213,"message":"x"},"status":1}}"#, Some(Diagnosis::BadToken)),
    (
        "people",
        200,
        r#"{"response":{"message":"Error","errors":[{"code":7218}],"status":1}}"#,
        Some(Diagnosis::MissingScope),
    ),
    ("people", 200, r#"{"response":{"status":1,"message":"x"}}"#, Some(Diagnosis::Unclear)),
    ("people", 200, r#"{"response":{"status":"1"}}"#, Some(Diagnosis::Unclear)),
    ("people", 200, r#"{"error":{"code":7218,"message":"Invalid OAuth Scope"}}"#, Some(Diagnosis::MissingScope)),
    ("people", 200, r#"{"error":{"message":"x"}}"#, Some(Diagnosis::Unclear)),
    ("cliq", 401, r#"{"code":"oauthtoken_scope_invalid","message":"scope invalid"}"#, Some(Diagnosis::MissingScope)),
    ("sign", 200, r#"{"code":9041,"message":"x","status":"failure"}"#, Some(Diagnosis::Unclear)),
    ("sprints", 200, r#"{"status":"failed","message":"x"}"#, Some(Diagnosis::Unclear)),
    ("campaigns", 200, r#"{"status":"error","code":"903","message":"x"}"#, Some(Diagnosis::Unclear)),
    ("sheet", 200, r#"{"status":"failure","error_code":2403,"error_message":"x"}"#, Some(Diagnosis::MissingScope)),
    ("sheet", 400, r#"{"status":"failure","error_code":"2873"}"#, Some(Diagnosis::RateLimited)),
    (
        "workdrive",
        401,
        r#"{"errors":[{"id":"F6016","title":"URL_RULE_NOT_CONFIGURED"}]}"#,
        Some(Diagnosis::WrongAddress),
    ),
    ("workdrive", 200, r#"{"errors":[{"id":"R008","title":"x"}]}"#, Some(Diagnosis::Unclear)),
    // Of whose answer it is nothing is known.
    ("", 200, r#"{"error":{"code":401,"requestURI":"/x","message":"INVALID_OAUTHTOKEN"}}"#, None),
    ("", 401, r#"{"error":{"code":401,"requestURI":"/x","message":"INVALID_OAUTHTOKEN"}}"#, Some(Diagnosis::BadToken)),
    (
        "",
        200,
        r#"{"code":"INVALID_TOKEN","details":{},"message":"invalid oauth token","status":"error"}"#,
        Some(Diagnosis::BadToken),
    ),
    ("", 200, r#"[2,{"errorCode":"INVALID_OAUTHSCOPE","status":"401"}]"#, Some(Diagnosis::MissingScope)),
    ("", 401, "", Some(Diagnosis::NotAuthorized)),
    ("", 401, r#"{"code":7202}"#, Some(Diagnosis::NotAuthorized)),
    ("", 404, "", Some(Diagnosis::WrongAddress)),
    ("books", 404, r#"{"code":1002,"message":"Invoice does not exist."}"#, Some(Diagnosis::Unclear)),
    ("", 429, "", Some(Diagnosis::RateLimited)),
    ("crm", 502, "<html>", Some(Diagnosis::ProviderFault)),
    ("crm", 500, r#"{"code":"INVALID_TOKEN"}"#, Some(Diagnosis::BadToken)),
    ("", 400, "{}", Some(Diagnosis::Unclear)),
];

#[test]
fn an_answer_that_failed_is_told_by_what_its_product_says() {
    for (key, status, body, expected) in FAILED {
        assert_eq!(found(key, *status, body), *expected, "{key} {status} {body}");
    }
}

/// Records as customers have them, with all that an error could be told by.
const RECORD: &str = r#"{"id":"1","ID":"1","code":"INVALID_TOKEN","Code":57,"errorCode":"INVALID_OAUTH","error_code":2401,
    "status":"error","Status":"failure","error":{"code":7213},"errors":[{"code":14}],"response":"error","cause":"INVALID_OAUTHSCOPE",
    "message":"URL_ROLLING_THROTTLES_LIMIT_EXCEEDED","details":{},"title":"INVALID_TICKET","description":"TOO_MANY_REQUESTS",
    "success":false,"result":[{"code":1}],"permissions":["Crm_Implied_Api_Access"],"note":"organization_id orgId ZANALYTICS-ORGID"}"#;

/// Product and answers with such records in them.
const KEPT: &[(&str, &[&str])] = &[
    ("accounts", &[r#"{"ZUID":1,"Display_Name":"error","record":RECORD}"#]),
    (
        "crm",
        &[
            r#"{"data":[RECORD,RECORD],"info":{"count":2}}"#,
            r#"{"users":[RECORD]}"#,
            r#"{"data":[{"id":"1","Subform":[RECORD]}]}"#,
        ],
    ),
    (
        "crm",
        &[
            r#"{"data":[{"code":"SUCCESS","details":{"id":"1","status":"error"},"message":"record added","status":"success"}]}"#,
        ],
    ),
    ("crm", &[r#"{"data":[{"COUNT(id)":1,"code":"INVALID_TOKEN","status":"error"}]}"#]),
    ("bigin", &[r#"{"data":[RECORD]}"#]),
    ("recruit", &[r#"{"data":[RECORD]}"#, r#"{"response":{"result":{"Candidates":RECORD}}}"#]),
    (
        "books",
        &[
            r#"{"code":0,"message":"success","contacts":[RECORD]}"#,
            r#"{"code":0,"message":"success","contact":RECORD}"#,
        ],
    ),
    ("invoice", &[r#"{"code":"0","invoice":RECORD}"#]),
    ("inventory", &[r#"{"code":0,"item":RECORD}"#]),
    ("billing", &[r#"{"code":0,"message":"success","subscription":RECORD}"#]),
    ("expense", &[r#"{"code":0,"expense":RECORD}"#]),
    (
        "creator",
        &[
            r#"{"code":3000,"data":[RECORD]}"#,
            r#"{"code":3000,"data":RECORD}"#,
            r#"{"code":"3000","data":{"code":"INVALID_TOKEN"}}"#,
            r#"{"result":[{"code":3000,"data":RECORD}]}"#,
            r#"{"code":3100,"description":"No records"}"#,
        ],
    ),
    (
        "bookings",
        &[
            r#"{"response":{"returnvalue":{"status":"upcoming","customer":RECORD},"status":"success"}}"#,
            r#"{"response":{"returnvalue":{"data":[RECORD]},"status":"success"}}"#,
        ],
    ),
    ("writer", &[r#"{"documents":[RECORD]}"#]),
    (
        "desk",
        &[
            r#"{"data":[RECORD]}"#,
            r#"{"id":"1","status":"error","cf":RECORD,"customFields":RECORD}"#,
            r#"{"results":[{"success":true,"errors":null}]}"#,
        ],
    ),
    ("projects", &[r#"{"projects":[RECORD]}"#, "[RECORD]", r#"{"tasks":[RECORD],"page_info":{}}"#]),
    (
        "mail",
        &[
            r#"{"status":{"code":200,"description":"success"},"data":[RECORD]}"#,
            r#"{"status":{"code":201},"data":{"subject":"INVALID_OAUTHTOKEN","status":"error"}}"#,
        ],
    ),
    (
        "people",
        &[
            r#"{"response":{"result":[{"1":[RECORD]}],"message":"Data fetched successfully","status":0}}"#,
            "[RECORD]",
            r#"{"response":{"status":0,"errors":[],"result":RECORD}}"#,
        ],
    ),
    ("cliq", &[r#"{"data":[RECORD]}"#, r#"{"url":"/x","type":"channel","data":RECORD}"#]),
    ("sign", &[r#"{"code":0,"status":"success","requests":RECORD}"#]),
    ("sheet", &[r#"{"status":"success","method":"worksheet.records.fetch","records":[RECORD]}"#]),
    ("workdrive", &[r#"{"data":[{"id":"1","type":"files","attributes":RECORD}]}"#]),
    ("analytics", &[r#"{"status":"success","summary":"x","data":{"rows":[RECORD]}}"#]),
    ("sprints", &[r#"{"status":"success","items":RECORD}"#]),
    ("campaigns", &[r#"{"status":"success","code":"0","list_of_details":[RECORD]}"#]),
    ("vault", &[r#"{"operation":{"Details":[RECORD]}}"#, "RECORD"]),
    ("", &["RECORD", r#"{"data":[RECORD]}"#, "[RECORD]", r#"{"code":57,"response":"fine"}"#, r#"{"code":0}"#]),
];

#[test]
fn what_customers_keep_in_their_records_is_no_failure() {
    for (key, envelopes) in KEPT {
        for envelope in *envelopes {
            let body = envelope.replace("RECORD", RECORD);
            // At an unknown product's top anything may stand; only the accounts server's word counts there.
            let body = if *envelope == "RECORD" {
                body.replace(r#""response":"error""#, r#""response":"fine""#)
            } else {
                body
            };
            assert_eq!(found(key, 200, &body), None, "{key} {envelope}");
            let cut = &body[..body.len() - body.len() / 4];
            assert_eq!(found(key, 200, cut), None, "{key} {cut}");
        }
    }
    for body in [
        "",
        "INVALID_TOKEN",
        "<html>INVALID_OAUTHTOKEN</html>",
        "null",
        "[]",
        "57",
        "\"error\"",
        "%PDF-1.4 INVALID_TOKEN",
    ] {
        for product in PRODUCTS.iter() {
            assert_eq!(found(product.key, 200, body), None, "{} {body}", product.key);
        }
        assert_eq!(found("", 204, body), None, "{body}");
    }
}

#[test]
fn a_failure_is_told_with_the_products_word_and_its_own_remedy() {
    for (key, status, body, said, next) in [
        (
            "analytics",
            400,
            r#"{"status":"failure","summary":"ORGID_NOT_PRESENT_IN_THE_HEADER","data":{"errorCode":8083}}"#,
            Some("ORGID_NOT_PRESENT_IN_THE_HEADER"),
            "give the header `ZANALYTICS-ORGID`",
        ),
        (
            "books",
            400,
            r#"{"code":6041,"message":"This user is not associated"}"#,
            Some("6041: This user is not associated"),
            "give `organization_id` in the query",
        ),
        (
            "desk",
            422,
            r#"{"errorCode":"INVALID_DATA","errors":[{"fieldName":"orgId"}]}"#,
            Some("INVALID_DATA: orgId"),
            "give the header `orgId`",
        ),
        (
            "expense",
            400,
            r#"{"code":6041}"#,
            Some("6041"),
            "give the header `X-com-zoho-expense-organizationid` or `organization_id` in the query",
        ),
        (
            "invoice",
            400,
            r#"{"code":9017}"#,
            Some("9017"),
            "give `organization_id` in the query or the header `X-com-zoho-invoice-organizationid`",
        ),
        (
            "people",
            200,
            r#"{"response":{"status":1,"message":"Error occurred","errors":{"code":7024,"message":"No such form"}}}"#,
            Some("7024: Error occurred"),
            "read its answer, which says why",
        ),
        (
            "crm",
            200,
            r#"{"data":[{"code":"INVALID_DATA","details":{"code":1},"message":"the id given seems to be invalid","status":"error"}]}"#,
            Some("INVALID_DATA: the id given seems to be invalid"),
            "read its answer, which says why",
        ),
        (
            "projects",
            400,
            r#"{"error":{"title":"URL_ROLLING_THROTTLES_LIMIT_EXCEEDED","details":{"message":"Try again after 22 minutes."}}}"#,
            Some("URL_ROLLING_THROTTLES_LIMIT_EXCEEDED: Try again after 22 minutes."),
            "wait before the next one: some minutes for each address, a quarter of an hour at worst",
        ),
        ("", 401, "", None, "read its answer, which says why"),
        ("", 400, r#"{"message":"a\u001b[2Jb"}"#, Some("a<U+001B>[2Jb"), "read its answer, which says why"),
    ] {
        let finding = diagnose(&zoho::DIALECT, product(key), &response(status, &[], body)).expect(body);
        assert_eq!((finding.said(&Known::default()).as_deref(), finding.next().as_str()), (said, next), "{key} {body}");
    }
}

#[test]
fn what_an_api_says_is_told_without_the_token_and_in_one_short_line() {
    let token = "1000.0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef";
    let known = Known::new([&Secret::new(token)]);
    for ahead in 0..160 {
        let body = format!(r#"{{"code":"INVALID_TOKEN","message":"{} {token} is dead\n"}}"#, "x".repeat(ahead));
        let finding = diagnose(&zoho::DIALECT, None, &response(401, &[], &body)).expect("it failed");
        let said = finding.said(&known).expect("it says something");
        assert!(!said.contains("1000.0") && !said.contains('\n') && said.chars().count() < 150, "{said}");
    }
}

#[test]
fn the_words_of_rfc_6750_are_read_from_their_header() {
    for dialect in [&zoho::DIALECT, &standard::DIALECT] {
        for (status, challenge, expected) in [
            (403, "Bearer error=\"insufficient_scope\"", Diagnosis::MissingScope),
            (401, "Bearer realm=\"x\", error=\"invalid_token\", error_description=\"ended\"", Diagnosis::BadToken),
            (401, "Bearer error=invalid_token", Diagnosis::BadToken),
            (400, "Bearer error=\"invalid_request\"", Diagnosis::Unclear),
            (401, "Bearer", Diagnosis::NotAuthorized),
            (401, "Basic realm=\"invalid_token\"", Diagnosis::NotAuthorized),
        ] {
            let finding = diagnose(dialect, None, &response(status, &[("WWW-Authenticate", challenge)], ""));
            assert_eq!(finding.map(|finding| finding.diagnosis), Some(expected), "{challenge}");
        }
    }
}

#[test]
fn every_diagnosis_has_its_words_and_causes_and_speaks_of_one_provider_only_there() {
    for diagnosis in Diagnosis::ALL {
        for dialect in [&zoho::DIALECT, &standard::DIALECT] {
            let causes = diagnosis.causes(dialect);
            assert!((1..=4).contains(&causes.len()), "{diagnosis:?}");
            for text in [diagnosis.meaning(), diagnosis.next()].into_iter().chain(causes.iter().map(String::as_str)) {
                assert!(!text.is_empty() && !text.ends_with('.'), "{diagnosis:?}: {text}");
                let is_zohos = text.contains("Zoho") || text.contains("CRM") || text.contains("data center");
                let is_of_data_centers = diagnosis == Diagnosis::WrongDataCenter;
                assert!(dialect.api.has_data_centers || is_of_data_centers || !is_zohos, "{diagnosis:?}: {text}");
            }
        }
    }
}

#[test]
fn a_redirect_is_no_success() {
    let location = [("Location", "https://elsewhere.example/")];
    for (status, headers, expected) in [
        (302, &location[..], Some(Diagnosis::Redirected)),
        (308, &location, Some(Diagnosis::Redirected)),
        (304, &[], None),
        (201, &location, None),
    ] {
        let finding = diagnose(&zoho::DIALECT, None, &response(status, headers, "{}"));
        assert_eq!(finding.map(|finding| finding.diagnosis), expected, "{status}");
    }
}

#[test]
fn a_long_answer_is_judged_by_its_beginning() {
    let body = |code: &str, items: usize| format!(r#"{{"code":{code},"items":[{}0]}}"#, "0,".repeat(items));
    assert_eq!(found("books", 200, &body("57", 100_000)), Some(Diagnosis::MissingScope));
    assert_eq!(found("books", 200, &body("0", 100_000)), None);
    assert_eq!(found("creator", 401, &body("1030", 100_000)), Some(Diagnosis::BadToken));
    let behind = format!(r#"{{"items":[{}0],"code":57}}"#, "0,".repeat(100_000));
    assert_eq!(found("books", 200, &behind), None);
    assert_eq!(found("books", 401, &behind), Some(Diagnosis::NotAuthorized));
}

#[test]
fn other_providers_have_their_own_words() {
    let preset = |kind: &str| Preset::of_kind(kind).expect(kind).dialect;
    let answer = |dialect: &Dialect, status, headers: &[(&str, &str)], body: &str| {
        diagnose(dialect, None, &response(status, headers, body)).map(|finding| finding.diagnosis)
    };
    let of_rfc = |status, body: &str| answer(&standard::DIALECT, status, &[], body);
    assert_eq!(of_rfc(200, r#"{"code":57,"response":"error","error":"invalid_token"}"#), None);
    assert_eq!(of_rfc(400, r#"{"code":14,"message":"INVALID_TOKEN"}"#), Some(Diagnosis::Unclear));
    assert_eq!(of_rfc(401, ""), Some(Diagnosis::NotAuthorized));
    assert_eq!(of_rfc(401, r#"{"error":"invalid_token"}"#), Some(Diagnosis::BadToken));
    for (kind, status, headers, body, expected) in [
        ("github", 401, &[][..], r#"{"message":"Bad credentials"}"#, Diagnosis::BadToken),
        ("github", 403, &[("x-ratelimit-remaining", "0")], r#"{"message":"x"}"#, Diagnosis::RateLimited),
        ("github", 403, &[], r#"{"message":"API rate limit exceeded for user ID 1."}"#, Diagnosis::RateLimited),
        ("github", 404, &[], r#"{"message":"Not Found"}"#, Diagnosis::Unclear),
        ("google", 401, &[], r#"{"error":{"code":401,"status":"UNAUTHENTICATED"}}"#, Diagnosis::BadToken),
        (
            "google",
            403,
            &[],
            r#"{"error":{"status":"PERMISSION_DENIED","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#,
            Diagnosis::MissingScope,
        ),
        ("microsoft", 401, &[], r#"{"error":{"code":"InvalidAuthenticationToken"}}"#, Diagnosis::BadToken),
        (
            "gitlab",
            401,
            &[],
            r#"{"error":"invalid_token","error_description":"Token was revoked."}"#,
            Diagnosis::BadToken,
        ),
        ("gitlab", 403, &[], r#"{"error":"insufficient_scope"}"#, Diagnosis::MissingScope),
    ] {
        assert_eq!(answer(preset(kind), status, headers, body), Some(expected), "{kind} {body}");
    }
}
