//! The demo server over real HTTP on loopback: what it says, word for word where Zoho's words are known.

mod authorization_code;

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use device_login::clock;
use device_login::demo::{Decision, Options};
use device_login::oauth::wire::IdToken;
use device_login::providers::zoho;
use serde_json::{Value, json};
use url::Url;

use crate::support::demo_server::{DemoServer, SCOPE, text};
use crate::support::http;

/// A server that may be polled at once.
fn patient() -> DemoServer {
    DemoServer::start(Options { interval: Duration::ZERO, ..Options::default() })
}

/// Tokens of the person who lives in the home data center.
fn sign_in(server: &DemoServer, scope: &str) -> Value {
    let code = server.device_code(scope);
    assert!(server.demo().decide(text(&code["user_code"]), Decision::Approve));
    server.poll(&server.us(""), &code).json()
}

fn token(scheme: &str, tokens: &Value) -> String {
    format!("{scheme} {}", text(&tokens["access_token"]))
}

fn call(url: &str, tokens: &Value) -> http::Answer {
    http::send("GET", url, &[("authorization", &token("Zoho-oauthtoken", tokens))], "")
}

/// What a hidden field of a page's form carries.
fn form_value(page: &str, name: &str) -> String {
    let (_, after) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("the field is there");
    after.split('"').next().expect("split yields a first part").to_owned()
}

#[test]
fn a_device_code_speaks_milliseconds_and_mixes_url_with_uri() {
    let server = DemoServer::start(Options::default());
    let code = server.device_code(SCOPE);
    assert_eq!(code["interval"], 5_000);
    assert_eq!(code["expires_in"], 300_000);
    assert_eq!(code["verification_url"], server.us("/oauth/v3/device"));
    assert_eq!(text(&code["verification_url"]), server.addresses().approval_page);
    let complete = text(&code["verification_uri_complete"]);
    let link_code = complete.strip_prefix(&server.us("/oauth/v3/device/setCode?devcode=")).expect("Zoho's path");
    assert_eq!(link_code.len(), 8);
    assert_eq!(server.poll(&server.us(""), &code).json(), json!({ "error": "slow_down" }));
}

#[test]
fn a_sign_in_brings_tokens_in_seconds_with_scopes_by_spaces() {
    let server = patient();
    let code = server.device_code(SCOPE);
    let pending = server.poll(&server.us(""), &code);
    assert_eq!((pending.status, pending.json()), (200, json!({ "error": "authorization_pending" })));
    assert!(server.demo().decide(text(&code["user_code"]), Decision::Approve));
    let tokens = server.poll(&server.us(""), &code).json();
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["api_domain"], server.us(""));
    assert_eq!(tokens["scope"], SCOPE.replace(',', " "));
    assert!(text(&tokens["refresh_token"]).starts_with("1000."));
    assert_eq!(server.poll(&server.us(""), &code).json(), json!({ "error": "invalid_code" }));
}

#[test]
fn an_id_token_says_who_approved_where_openid_is_granted() {
    let server = patient();
    for (scope, is_given) in [("openid,email", true), (SCOPE, false)] {
        let tokens = sign_in(&server, scope);
        let id_token = tokens["id_token"].as_str().and_then(IdToken::parse);
        assert_eq!(id_token.is_some(), is_given, "{scope}: {tokens}");
        let at = Url::parse(&server.us("")).expect("an address");
        let (data_center, client) = (zoho::data_center("us", &at, &at), &server.addresses().client_id);
        let name = id_token.and_then(|token| {
            let claims = token.claims(&data_center, client, clock::wall())?;
            claims.get("name").cloned()
        });
        assert_eq!(name, is_given.then(|| json!("Maya Ortiz")), "{scope}");
    }
}

#[test]
fn an_account_of_the_other_data_center_is_served_there_only() {
    let server = patient();
    let code = server.device_code(SCOPE);
    assert!(server.demo().decide(text(&code["user_code"]), Decision::ApproveFromOtherDataCenter));
    let moved = server.poll(&server.us(""), &code);
    assert_eq!((moved.status, moved.json()), (200, json!({ "error": "other_dc", "user_location": "eu" })));
    let tokens = server.poll(&server.eu(""), &code).json();
    assert_eq!(tokens["api_domain"], server.eu(""));
    assert_eq!(call(&server.eu("/oauth/user/info"), &tokens).json()["First_Name"], "Jonas");
    let wrong = call(&server.us("/crm/v8/users?type=CurrentUser"), &tokens);
    assert_eq!((wrong.status, wrong.json()["code"].clone()), (401, json!("INVALID_TOKEN")));
}

#[test]
fn declined_and_expired_codes_say_so() {
    let server = patient();
    let code = server.device_code(SCOPE);
    assert!(server.demo().decide(text(&code["user_code"]), Decision::Decline));
    assert_eq!(server.poll(&server.us(""), &code).json(), json!({ "error": "access_denied" }));

    let server = DemoServer::start(Options { code_lifetime: Duration::ZERO, ..Options::default() });
    let code = server.device_code(SCOPE);
    assert_eq!(server.poll(&server.us(""), &code).json(), json!({ "error": "expired" }));
    assert!(!server.demo().decide(text(&code["user_code"]), Decision::Approve));
}

#[test]
fn mistakes_are_named_with_status_200_and_a_missing_grant_type_with_400() {
    let server = patient();
    let id = server.addresses().client_id.clone();
    let device = server.us("/oauth/v3/device/code");
    let ask = |client_id: &str, scope: &str| {
        http::post(&device, &[("client_id", client_id), ("grant_type", "device_request"), ("scope", scope)])
    };
    let stranger = ask("1000.STRANGER", SCOPE);
    assert_eq!((stranger.status, stranger.json()), (200, json!({ "error": "invalid_client" })));
    assert_eq!(ask(&id, "Nothing.at.ALL").json(), json!({ "error": "invalid_scope" }));
    assert_eq!(http::post(&device, &[("client_id", &id), ("scope", SCOPE)]).status, 400);

    let endpoint = server.us("/oauth/v2/token");
    assert_eq!(http::post(&endpoint, &[("client_id", &id)]).status, 400);
    assert_eq!(http::send("GET", &endpoint, &[], "").status, 400);
    let refresh = |secret: &str, refresh_token: &str| {
        let parameters = [
            ("grant_type", "refresh_token"),
            ("client_id", &id),
            ("client_secret", secret),
            ("refresh_token", refresh_token),
        ];
        http::post(&endpoint, &parameters)
    };
    assert_eq!(refresh("wrong", "1000.a").json(), json!({ "error": "invalid_client_secret" }));
    assert_eq!(refresh(&server.addresses().client_secret, "1000.a").json(), json!({ "error": "invalid_code" }));
    let alone = [("grant_type", "client_credentials"), ("client_id", &*id)];
    assert_eq!(http::post(&endpoint, &alone).json()["error"], "unsupported_grant_type");
    let unknown = [("grant_type", "password"), ("client_id", &*id)];
    assert_eq!(http::post(&endpoint, &unknown).json(), json!({ "error": "invalid_client" }));
}

#[test]
fn a_refresh_is_taken_by_form_query_or_basic_and_the_eleventh_is_throttled() {
    let server = patient();
    let tokens = sign_in(&server, SCOPE);
    let (id, secret) = (server.addresses().client_id.clone(), server.addresses().client_secret.clone());
    let endpoint = server.us("/oauth/v2/token");
    let grant = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens["refresh_token"]))];
    let mut whole = grant.to_vec();
    whole.extend([("client_id", id.as_str()), ("client_secret", secret.as_str())]);
    let basic = format!("Basic {}", encode_base64(format!("{id}:{secret}").as_bytes()));

    let by_form = http::post(&endpoint, &whole).json();
    assert!(by_form.get("refresh_token").is_none(), "a refresh never repeats it");
    assert_eq!(call(&server.us("/oauth/user/info"), &by_form).status, 200);
    let by_query = http::send("POST", &format!("{endpoint}?{}", http::form(&whole)), &[], "");
    assert_eq!(by_query.json()["expires_in"], 3600);
    let by_basic = http::post_with(&endpoint, &[("authorization", &basic)], &grant);
    assert_eq!(by_basic.json()["token_type"], "Bearer");
    assert_eq!(http::post(&server.eu("/oauth/v2/token"), &whole).json(), json!({ "error": "invalid_code" }));

    for _ in 3..10 {
        assert!(http::post(&endpoint, &whole).json().get("access_token").is_some());
    }
    let throttled = http::post(&endpoint, &whole);
    assert_eq!(throttled.status, 400);
    assert_eq!(
        throttled.text(),
        concat!(
            r#"{"error_description":"You have made too many requests continuously. "#,
            r#"Please try again after some time.","error":"Access Denied","status":"failure"}"#
        )
    );
}

/// As `multipart/form-data`: the address, the type and the body.
fn multipart(fields: &[(&str, &str)]) -> (&'static str, String) {
    let part = |(name, value): &(&str, &str)| {
        format!("--a-1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts: String = fields.iter().map(part).collect();
    ("multipart/form-data; boundary=a-1", format!("{parts}--a-1--\r\n"))
}

#[test]
fn every_endpoint_takes_forms_of_either_kind_and_credentials_that_were_encoded() {
    let server = patient();
    let (id, secret) = (server.addresses().client_id.clone(), server.addresses().client_secret.clone());
    let encoded = |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"));
    let basic = |id: &str, secret: &str| format!("Basic {}", encode_base64(format!("{id}:{secret}").as_bytes()));
    let basics = [basic(&id.replace('.', "%2E"), &secret), basic(&encoded(&id), &encoded(&secret))];
    let origin = server.us("");
    for authorization in &basics {
        let post = |path: &str, fields: &[(&str, &str)]| {
            let (kind, body) = multipart(fields);
            let headers = [("content-type", kind), ("authorization", authorization), ("origin", &origin)];
            http::send("POST", &server.us(path), &headers, &body)
        };
        let asked = [("grant_type", "device_request"), ("scope", SCOPE), ("access_type", "offline")];
        let code = post("/oauth/v3/device/code", &asked).json();
        let typed = post("/oauth/v3/device", &[("user_code", text(&code["user_code"]))]);
        assert_eq!(typed.status, 303);
        let page = http::send("GET", text(&code["verification_uri_complete"]), &[], "").text();
        let (devcode, form_token) = (form_value(&page, "devcode"), form_value(&page, "form_token"));
        let decision = [("devcode", &*devcode), ("form_token", &*form_token), ("person", "us"), ("decision", "accept")];
        assert_eq!(post("/oauth/v3/device/decision", &decision).status, 303);
        let poll = [("grant_type", "device_token"), ("code", text(&code["device_code"]))];
        let polled = post("/oauth/v3/device/token", &poll).json();
        assert!(polled["access_token"].is_string(), "{polled}");

        let page = http::send("GET", &server.us("/console/self-client"), &[], "").text();
        let form_token = form_value(&page, "form_token");
        let by_hand = [("scope", "AaaServer.profile.READ"), ("form_token", &*form_token)];
        let page = post("/console/self-client", &by_hand).text();
        let (_, after) = page.split_once("id=\"grant-code\"").expect("a code");
        let code = after.split_once('>').and_then(|(_, after)| after.split_once('<')).expect("a code").0;
        let tokens = post("/oauth/v2/token", &[("grant_type", "authorization_code"), ("code", code)]).json();
        let refresh_token = text(&tokens["refresh_token"]);
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let refreshed = post("/oauth/v2/token", &refresh).json();
        assert!(refreshed["access_token"].is_string(), "{refreshed}");
        let access = [("token", text(&refreshed["access_token"])), ("token_type", "access_token")];
        assert_eq!(post("/oauth/v2/revoke/token", &access).status, 200);
        assert_eq!(post("/oauth/v2/token/revoke", &[("token", refresh_token)]).status, 200);
    }
    let wrong = basic(&id.replace('.', "%2E"), "wrong");
    let (kind, body) = multipart(&[("grant_type", "refresh_token"), ("refresh_token", "1000.a")]);
    let headers = [("content-type", kind), ("authorization", &wrong)];
    let refused = http::send("POST", &server.us("/oauth/v2/token"), &headers, &body);
    assert_eq!(refused.json()["error"], "invalid_client_secret");
}

#[test]
fn both_forms_of_revocation_end_a_grant() {
    let server = patient();
    let (id, secret) = (server.addresses().client_id.clone(), server.addresses().client_secret.clone());
    let basic = format!("Basic {}", encode_base64(format!("{id}:{secret}").as_bytes()));
    let tokens = sign_in(&server, SCOPE);
    let form = [("token", text(&tokens["refresh_token"])), ("token_type", "refresh_token")];
    let newer = server.us("/oauth/v2/revoke/token");
    assert_eq!(http::post(&newer, &form).status, 400, "the client has to authenticate");
    let other_kind = [form[0], ("token_type", "access_token")];
    assert_eq!(http::post_with(&newer, &[("authorization", &basic)], &other_kind).status, 400);
    assert_eq!(http::post_with(&newer, &[("authorization", &basic)], &form).status, 200);
    let gone = call(&server.us("/oauth/user/info"), &tokens).json();
    assert_eq!(gone, json!({ "response": "error", "cause": "INVALID_OAUTHTOKEN" }));

    let tokens = sign_in(&server, SCOPE);
    let older = server.us("/oauth/v2/token/revoke");
    let form = [("token", text(&tokens["refresh_token"]))];
    assert_eq!(http::post(&older, &form).json(), json!({ "status": "success" }));
    assert_eq!(http::post(&older, &form).status, 400);
}

#[test]
fn the_account_and_the_list_of_data_centers_are_told() {
    let server = patient();
    let info = http::send("GET", &server.us("/oauth/serverinfo"), &[], "").json();
    let locations = json!({ "us": server.us(""), "eu": server.eu("") });
    assert_eq!(info, json!({ "result": "success", "locations": locations }));
    let tokens = sign_in(&server, SCOPE);
    let url = server.us("/oauth/user/info");
    for scheme in ["Zoho-oauthtoken", "Bearer"] {
        let account = http::send("GET", &url, &[("authorization", &token(scheme, &tokens))], "").json();
        assert_eq!(account["Display_Name"], "Maya Ortiz");
        assert!(account["ZUID"].is_u64());
    }
    let narrow = call(&url, &sign_in(&server, "ZohoCRM.users.READ")).json();
    assert_eq!(narrow, json!({ "response": "error", "cause": "INVALID_OAUTHSCOPE" }));
}

#[test]
fn crm_answers_and_refuses_in_its_own_words() {
    let server = patient();
    let tokens = sign_in(&server, SCOPE);
    let user = call(&server.us("/crm/v8/users?type=CurrentUser"), &tokens);
    assert_eq!(user.json()["users"][0]["full_name"], "Maya Ortiz");
    assert_eq!(user.header("x-api-credits-remaining"), Some("4999"));
    let leads = call(&server.us("/crm/v8/Leads?fields=Last_Name,Company&per_page=5"), &tokens);
    assert_eq!(leads.json()["data"].as_array().map(Vec::len), Some(5));
    assert_eq!(leads.header("x-api-credits-remaining"), Some("4998"));
    let deals = call(&server.us("/crm/v8/Deals"), &tokens);
    assert_eq!((deals.status, deals.body.len()), (204, 0));

    let mismatch = call(&server.us("/crm/v8/org"), &tokens);
    let expected =
        json!({ "code": "OAUTH_SCOPE_MISMATCH", "details": {}, "message": "Unauthorized", "status": "error" });
    assert_eq!((mismatch.status, mismatch.json()), (401, expected));
    let invalid = call(&server.us("/crm/v8/org"), &json!({ "access_token": "1000.a" }));
    let expected =
        json!({ "code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error" });
    assert_eq!((invalid.status, invalid.json()), (401, expected));
    let unknown = call(&server.us("/crm/v8x/org"), &tokens);
    assert_eq!((unknown.status, unknown.json()["code"].clone()), (404, json!("INVALID_URL_PATTERN")));
    let written = http::send("POST", &server.us("/crm/v8/Leads"), &[], "");
    assert_eq!((written.status, written.json()["code"].clone()), (400, json!("INVALID_REQUEST_METHOD")));
}

#[test]
fn a_list_may_be_large_but_not_endless() {
    let server = patient();
    let tokens = sign_in(&server, SCOPE);
    for (asked, sent) in [("1", 1), ("200", 200), ("201", 201), ("99999999999999999999999", 30_000)] {
        let list = call(&server.us(&format!("/crm/v8/Contacts?per_page={asked}")), &tokens);
        assert!(list.body.len() < 12_000_000, "{}", list.body.len());
        let list = list.json();
        assert_eq!(list["data"].as_array().map(Vec::len), Some(sent));
        assert_eq!(list["info"]["count"], sent);
    }
    let nonsense = call(&server.us("/crm/v8/Contacts?per_page=many"), &tokens);
    assert_eq!((nonsense.status, nonsense.json()["code"].clone()), (400, json!("INVALID_DATA")));
    let largest = call(&server.us("/crm/v8/Contacts?per_page=30000"), &tokens);
    assert!(largest.body.len() > 8_000_000, "{}", largest.body.len());
}

#[test]
fn books_and_desk_ask_for_their_organization() {
    let server = patient();
    let tokens = sign_in(&server, "ZohoBooks.fullaccess.all,Desk.basic.READ");
    let organizations = call(&server.us("/books/v3/organizations"), &tokens).json();
    let id = text(&organizations["organizations"][0]["organization_id"]).to_owned();
    assert_eq!(organizations["code"], 0);
    assert_eq!(call(&server.us("/books/v3/contacts"), &tokens).status, 400);
    let contacts = call(&server.us(&format!("/books/v3/contacts?organization_id={id}")), &tokens);
    assert_eq!((contacts.status, contacts.json()["code"].clone()), (200, json!(0)));

    let organizations = call(&server.us("/api/v1/organizations"), &tokens).json();
    let id = organizations["data"][0]["id"].to_string();
    let without = call(&server.us("/api/v1/myinfo"), &tokens);
    assert_eq!((without.status, without.json()["errorCode"].clone()), (403, json!("OAUTH_ORG_MISMATCH")));
    let authorization = token("Zoho-oauthtoken", &tokens);
    let headers = [("authorization", authorization.as_str()), ("orgId", id.as_str())];
    assert_eq!(http::send("GET", &server.us("/api/v1/myinfo"), &headers, "").json()["firstName"], "Maya");
    let tickets = http::send("GET", &server.us("/api/v1/tickets"), &headers, "");
    assert_eq!((tickets.status, tickets.json()["errorCode"].clone()), (403, json!("SCOPE_MISMATCH")));

    let wrong = json!({ "access_token": "1000.a" });
    assert_eq!(call(&server.us("/books/v3/organizations"), &wrong).json()["code"], 14);
    assert_eq!(call(&server.us("/api/v1/organizations"), &wrong).json()["errorCode"], "INVALID_OAUTH");
    let narrow = sign_in(&server, "ZohoCRM.users.READ");
    let mismatch = call(&server.us("/books/v3/organizations"), &narrow).json();
    assert_eq!(mismatch, json!({ "code": 57, "message": "You are not authorized to perform this operation" }));
}

#[test]
fn access_tokens_expire() {
    let options = Options { interval: Duration::ZERO, token_lifetime: Duration::ZERO, ..Options::default() };
    let server = DemoServer::start(options);
    let tokens = sign_in(&server, SCOPE);
    assert_eq!(call(&server.us("/crm/v8/users"), &tokens).json()["code"], "INVALID_TOKEN");
}

#[test]
fn the_approval_page_keeps_what_was_typed_and_escapes_it() {
    let server = patient();
    let page = server.us("/oauth/v3/device");
    let origin = server.us("");
    let typed = "<b>\"wlku\" & '4502'";
    let answer = http::post_with(&page, &[("origin", &origin)], &[("user_code", typed)]);
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("value=\"&lt;b&gt;&quot;wlku&quot; &amp; &#39;4502&#39;\""), "{}", answer.text());
    assert!(!answer.text().contains("<b>"));
    let policy = answer.header("content-security-policy").expect("pages have a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!answer.text().contains("<script") && !answer.text().contains("style="));
}

#[test]
fn decisions_need_the_pages_own_form_and_origin() {
    let server = patient();
    let code = server.device_code(SCOPE);
    let origin = server.us("");
    let page = http::send("GET", text(&code["verification_uri_complete"]), &[], "").text();
    assert!(page.contains(text(&code["user_code"])));
    assert!(page.contains("read CRM users"));
    let (devcode, form_token) = (form_value(&page, "devcode"), form_value(&page, "form_token"));
    let form = |form_token: &str| {
        let fields = [("devcode", &*devcode), ("form_token", form_token), ("person", "us"), ("decision", "accept")];
        fields.map(|(name, value)| (name, value.to_owned()))
    };
    let decide = |headers: &[(&str, &str)], form_token: &str| {
        let fields = form(form_token);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        http::post_with(&server.us("/oauth/v3/device/decision"), headers, &fields)
    };
    assert_eq!(decide(&[], &form_token).status, 403, "no origin");
    assert_eq!(decide(&[("origin", "http://evil.example")], &form_token).status, 403, "foreign origin");
    assert_eq!(decide(&[("origin", "null")], &form_token).status, 403, "hidden origin");
    assert_eq!(decide(&[("origin", &origin)], "0123").status, 403, "wrong form token");
    assert_eq!(http::send("GET", &server.us("/oauth/v3/device/decision"), &[], "").status, 400, "not a POST");
    assert_eq!(server.poll(&server.us(""), &code).json()["error"], "authorization_pending");
    let accepted = decide(&[("origin", &origin)], &form_token);
    assert_eq!((accepted.status, accepted.header("location")), (303, Some("/oauth/v3/device/accepted")));
    assert_eq!(decide(&[("origin", &origin)], &form_token).status, 410, "a decision is final");
    assert!(server.poll(&server.us(""), &code).json().get("access_token").is_some());
}

#[test]
fn guessing_codes_is_slowed_down() {
    let server = patient();
    let code = server.device_code(SCOPE);
    let origin = server.us("");
    let guess = |typed: &str| {
        http::post_with(&server.us("/oauth/v3/device"), &[("origin", &origin)], &[("user_code", typed)]).status
    };
    for _ in 0..10 {
        assert_eq!(guess("AAAA-0000"), 404);
    }
    assert_eq!(guess(text(&code["user_code"])), 429);
    assert_eq!(http::send("GET", text(&code["verification_uri_complete"]), &[], "").status, 429);
    assert_eq!(server.poll(&server.us(""), &code).json()["error"], "authorization_pending", "the code lives on");
}

#[test]
fn foreign_names_and_large_bodies_are_turned_away() {
    let server = patient();
    for host in ["evil.example", "evil.example:80", "127.0.0.1:1"] {
        let answer = http::send("GET", &server.us("/oauth/serverinfo"), &[("host", host)], "");
        assert_eq!(answer.status, 421, "{host}");
    }
    let large = "x".repeat(20_000);
    assert_eq!(http::post(&server.us("/oauth/v2/token"), &[("grant_type", &large)]).status, 413);
}

#[test]
fn addresses_print_as_one_line_with_steady_names() {
    let server = patient();
    let line = serde_json::to_string(server.addresses()).expect("addresses are plain text");
    assert!(!line.contains('\n'));
    let (us, eu) = (server.us(""), server.eu(""));
    let expected = json!({
        "accounts_server": us,
        "api_domain": us,
        "client_id": server.addresses().client_id,
        "client_secret": server.addresses().client_secret,
        "approval_page": server.us("/oauth/v3/device"),
        "self_client_page": server.us("/console/self-client"),
        "data_centers": {
            "us": { "accounts_server": us, "api_domain": us },
            "eu": { "accounts_server": eu, "api_domain": eu },
        },
    });
    assert_eq!(serde_json::from_str::<Value>(&line).expect("it is JSON"), expected);
}

#[test]
fn the_servers_stop_when_the_demo_is_dropped() {
    let mut server = patient();
    let hosts = [server.us(""), server.eu("")].map(|origin| origin.replace("http://", ""));
    let mut open = hosts.each_ref().map(|host| TcpStream::connect(host).expect("the server listens"));
    server.stop();
    for (connection, host) in open.iter_mut().zip(&hosts) {
        connection.set_read_timeout(Some(Duration::from_secs(30))).expect("sockets have timeouts");
        assert!(!matches!(connection.read(&mut [0]), Ok(1..)), "nothing was asked");
        // The server closes its connections and its listener in no certain order.
        assert!((0..10_000).any(|_| TcpStream::connect(host).is_err()), "it still listens");
    }
}

fn encode_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let six = (bits >> (18 - 6 * position)) as usize & 63;
            encoded.push(if position <= chunk.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    encoded
}
