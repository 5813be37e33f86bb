//! What answers of APIs mean to a script, how many tokens they cost, and where tokens go.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, REFRESH_TOKEN, configuration, ran};

/// Path, status and body of what the API answers.
type Row = (&'static str, u16, &'static str);

/// A server of Zoho's dialect that hands out another token each time, with this API domain where one is given.
fn zoho(rows: &'static [Row], api_domain: Option<&'static str>) -> Authority {
    let minted = std::sync::atomic::AtomicUsize::new(0);
    Authority::start(move |asked| {
        if asked.path == "/oauth/v2/token" {
            let number = minted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let domain = api_domain.map_or_else(|| asked.origin(), str::to_owned);
            let token = format!("{ACCESS_TOKEN}-{number}");
            return (200, json!({"access_token": token, "api_domain": domain, "expires_in": 3600}).to_string());
        }
        let row = rows.iter().find(|(path, ..)| *path == asked.path);
        row.map_or((200, "{}".to_owned()), |(_, status, body)| (*status, (*body).to_owned()))
    })
}

pub(crate) fn at_zoho(origin: &str, more: &str) -> String {
    format!(
        "[profiles.work]\nprovider = \"lab\"\nclient_id = \"client-1\"\nclient_secret_file = \"secret\"\n\
         scopes = [\"AaaServer.profile.READ\"]\n{more}\n[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\n\
         accounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n"
    )
}

fn home(authority: &Authority, more: &str) -> Home {
    let home = Home::new();
    home.write("secret", CLIENT_SECRET);
    home.configure(&at_zoho(&authority.origin(), more));
    home
}

fn signed_in(authority: &Authority, more: &str) -> Home {
    let home = home(authority, more);
    let ran = home.run_with(&["login", "--import"], REFRESH_TOKEN);
    assert_eq!(ran.code, 0, "{ran:?}");
    home
}

fn minted(authority: &Authority) -> usize {
    authority.log().iter().filter(|asked| asked.path == "/oauth/v2/token").count()
}

const SCOPE: &str = r#"[2,{"errorCode":"INVALID_OAUTHSCOPE","status":"401"}]"#;
const PEOPLE: &str = r#"{"response":{"status":1,"message":"Error occurred","errors":{"code":7024,"message":"x"}}}"#;
const CRM: &str = r#"{"data":[{"code":"INVALID_DATA","details":{},"message":"the id is invalid","status":"error"}]}"#;
const THROTTLE: &str =
    r#"{"error":{"title":"URL_ROLLING_THROTTLES_LIMIT_EXCEEDED","details":{"message":"after 22 minutes"}}}"#;
const NO_ORGANIZATION: &str =
    r#"{"status":"failure","summary":"ORGID_NOT_PRESENT_IN_THE_HEADER","data":{"errorCode":8083}}"#;

const ROWS: &[Row] = &[
    ("/creator/v2.1/meta/applications", 200, r#"{"code":3000,"applications":[]}"#),
    ("/creator/v2.1/data/x", 200, r#"{"code":4000,"description":"Developer API limit reached."}"#),
    ("/api/accounts", 401, SCOPE),
    ("/people/api/forms", 200, PEOPLE),
    ("/crm/v8/Leads", 200, CRM),
    ("/api/v3/portals", 400, THROTTLE),
    ("/restapi/v2/views", 400, NO_ORGANIZATION),
    ("/books/v3/contacts", 400, r#"{"code":6041,"message":"This user is not associated"}"#),
    ("/books/v3/items", 200, r#"{"code":45,"message":"exceeded the maximum call rate limit of 1000."}"#),
    ("/crm/v7/users", 401, ""),
];

#[test]
fn what_an_answer_means_is_told_and_scripts_see_it_in_the_exit_code() {
    let authority = zoho(ROWS, None);
    let home = signed_in(&authority, "");
    for (arguments, code, failing, told) in [
        (&["--product", "creator", "/meta/applications"][..], 0, 0, ""),
        (&["--product", "creator", "/data/x"], 10, 10, "too many calls (4000: Developer API limit reached.)"),
        (&["--product", "mail", "/accounts"], 0, 22, "lacks a scope that this call needs (INVALID_OAUTHSCOPE)"),
        (&["/people/api/forms"], 0, 22, "7024: Error occurred"),
        (&["/crm/v8/Leads"], 0, 22, "INVALID_DATA: the id is invalid"),
        (&["--product", "projects", "/portals"], 10, 10, "after 22 minutes"),
        (&["/restapi/v2/views"], 0, 22, "give the header `ZANALYTICS-ORGID`"),
        (&["--product", "books", "/contacts"], 0, 22, "give `organization_id` in the query"),
        (&["/books/v3/items"], 10, 10, "call rate limit of 1000"),
        (&["--product", "crm", "/crm/v7/users"], 0, 22, "does not say that the token is to blame"),
    ] {
        let plain = home.run(&[&["api"], arguments].concat());
        assert!(plain.code == code && plain.stderr.contains(told), "{arguments:?}: {plain:?}");
        assert_eq!(plain.stderr.is_empty(), told.is_empty(), "{plain:?}");
        let row = ROWS.iter().find(|(_, _, body)| *body == plain.stdout.trim_end());
        assert!(row.is_some(), "the body is on stdout: {plain:?}");
        let strict = home.run(&[&["api", "--fail"], arguments].concat());
        assert!(
            strict.code == failing && strict.stderr.contains(told.split(':').next().unwrap_or_default()),
            "{strict:?}"
        );
    }
    assert_eq!(minted(&authority), 1, "no answer blamed the token");
}

#[test]
fn a_scope_that_is_missing_is_named_with_the_command_that_is_due() {
    const MISMATCH: &str = r#"{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"x","status":"error"}"#;
    let authority = zoho(
        &[("/crm/v8/org", 401, MISMATCH), ("/crm/v8/unheard-of", 401, MISMATCH), ("/crm/v8/Deals", 401, MISMATCH)],
        None,
    );
    let home = signed_in(&authority, "");
    let told = |arguments: &[&str], part: &str| {
        let ran = home.run(&[&["api"], arguments].concat());
        assert!(ran.stderr.contains(part), "{part:?} is missing: {ran:?}");
    };
    let add = "add `ZohoCRM.org.READ` to the scopes, run `device-login profile edit work --scopes \
               AaaServer.profile.READ,ZohoCRM.org.READ`, then run `device-login login work`";
    told(&["/crm/v8/org"], add);
    told(&["/crm/v8/org", "--fail"], add);
    told(&["/org", "--product", "crm"], add);
    let unknown = "`device-login scopes crm` lists those that are known: run `device-login profile edit work --scopes A,B` \
                   with all that the profile is to have, then run `device-login login work`";
    told(&["/crm/v8/unheard-of"], unknown);
    let by_path = "add `ZohoCRM.modules.deals.READ` to the scopes, run `device-login profile edit work --scopes \
                   AaaServer.profile.READ,ZohoCRM.modules.deals.READ`, then run `device-login login work`";
    told(&["/crm/v8/Deals"], by_path);
    let edited = home.run(&["profile", "edit", "work", "--scopes", "AaaServer.profile.READ,ZohoCRM.org.READ"]);
    assert_eq!(edited.code, 0, "{edited:?}");
    told(&["/crm/v8/org"], "`ZohoCRM.org.READ` is in the profile: run `device-login login work` to have it granted");
}

#[test]
fn whoami_names_the_scope_that_it_lacks_as_a_call_does() {
    let authority = zoho(&[("/oauth/user/info", 401, r#"{"response":"error","cause":"INVALID_OAUTHSCOPE"}"#)], None);
    let home = signed_in(&authority, "");
    let edited = home.run(&["profile", "edit", "work", "--scopes", "ZohoCRM.org.READ"]);
    assert_eq!(edited.code, 0, "{edited:?}");
    let add = "add `AaaServer.profile.READ` to the scopes, run `device-login profile edit work --scopes \
               ZohoCRM.org.READ,AaaServer.profile.READ`, then run `device-login login work`";
    home.run(&["whoami"]).failed(4, &["lacks a scope that this call needs", add]);
    let called = home.run(&["api", "/oauth/user/info"]);
    assert!(called.stderr.contains(add), "{called:?}");
}

#[test]
fn whoami_takes_for_a_throttle_or_a_portal_what_a_refresh_takes_for_one() {
    const THROTTLED: &str = r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#;
    const IN_CHINESE: &str = r#"{"error_description":"请求过多","error":"拒绝访问","status":"failure"}"#;
    const PAGE: &str = "<html>Sign in to the network</html>";
    const FIRST: &str = "sentinel-first-refresh-0123456789";
    let (fewer, portal) = ("asks for fewer requests", "a network's sign-in page seems to answer for");
    for (status, headers, body, code, told) in [
        (400, "", THROTTLED, 10, fewer),
        (200, "", THROTTLED, 10, fewer),
        (400, "", IN_CHINESE, 10, fewer),
        (429, "", "", 10, fewer),
        (503, "retry-after: 90\r\n", PAGE, 10, fewer),
        (200, "", PAGE, 7, portal),
        (403, "", PAGE, 7, portal),
        (511, "", PAGE, 7, portal),
        (302, "location: https://portal.example/\r\n", "", 7, portal),
    ] {
        let authority = Authority::start_with_headers(move |asked| match asked.path.as_str() {
            "/oauth/v2/token" if asked.body.contains(FIRST) => {
                let token = json!({"access_token": ACCESS_TOKEN, "expires_in": 3600, "refresh_token": REFRESH_TOKEN});
                (200, String::new(), token.to_string())
            }
            _ => (status, headers.to_owned(), body.to_owned()),
        });
        let home = home(&authority, "");
        assert_eq!(home.run_with(&["login", "--import"], FIRST).code, 0);
        home.run(&["whoami"]).failed(code, &[told]);
        home.run(&["refresh"]).failed(code, &[told]);
    }
}

#[test]
fn an_api_that_is_down_for_a_time_says_how_long_and_asks_for_no_fewer_calls() {
    let authority = Authority::start_with_headers(|asked| match asked.path.as_str() {
        "/oauth/v2/token" => (200, String::new(), json!({"access_token": "AT1", "expires_in": 3600}).to_string()),
        "/down" => (503, String::new(), String::new()),
        "/refused" => (403, "retry-after: 5179\r\n".to_owned(), String::new()),
        "/busy" => (429, "retry-after: 5179\r\n".to_owned(), String::new()),
        _ => (503, "retry-after: 5179\r\n".to_owned(), String::new()),
    });
    let home = signed_in(&authority, "");
    let (fault, wait) = ("the provider has a fault of its own", "wait 1 h 27 min before the next one");
    for (path, code, failing, told) in [
        ("/down", 0, 22, &[fault, "try again later"]),
        ("/maintained", 0, 22, &[fault, wait]),
        ("/refused", 10, 10, &["too many calls", wait]),
        ("/busy", 10, 10, &["too many calls", wait]),
    ] {
        home.run(&["api", path]).failed(code, told);
        home.run(&["api", "--fail", path]).failed(failing, told);
    }
}

#[test]
fn calls_that_cannot_succeed_cost_one_token_at_most() {
    const DEAD: &str = r#"{"code":"INVALID_TOKEN","details":{},"message":"invalid oauth token","status":"error"}"#;
    for (path, body, most) in [
        ("/people/api/forms", r#"{"response":{"errors":{"code":7202,"message":"x"},"status":1}}"#, 0),
        ("/creator/v2.1/data/x", r#"{"code":1000,"description":"parameter missing"}"#, 0),
        ("/crm/v8/org", "", 0),
        ("/crm/v8/org", DEAD, 1),
    ] {
        let rows: &'static [Row] = Box::leak(Box::new([(path, 401, body)]));
        let authority = zoho(rows, None);
        let home = signed_in(&authority, "");
        let herd: Vec<_> = (0..7).map(|_| home.spawn(&["api", path])).collect();
        for child in herd {
            assert_eq!(ran(child).code, 0);
        }
        let told = (0..7).map(|_| home.run(&["api", path]).stderr).next_back().unwrap_or_default();
        assert!(told.contains("HTTP 401"), "{told}");
        assert_eq!(minted(&authority) - 1, most, "{path} {body}");
        // What is refused here asks nobody for anything.
        home.run(&["api", "https://elsewhere.example/x"]).failed(2, &["https://elsewhere.example"]);
        assert_eq!(minted(&authority) - 1, most);
    }
}

#[test]
fn an_api_that_takes_no_token_is_an_answer_each_time() {
    let authority = Authority::start_with_headers(|asked| match asked.path.as_str() {
        "/token" => (200, String::new(), r#"{"access_token":"AT","refresh_token":"RT","expires_in":3600}"#.to_owned()),
        _ => (401, "www-authenticate: Bearer error=\"invalid_token\"\r\n".to_owned(), String::new()),
    });
    let home = Home::signed_in(&authority);
    for _ in 0..3 {
        let ran = home.run(&["api", "/x"]);
        assert!(ran.code == 0 && ran.stderr.contains("refreshed for such an answer a short while ago"), "{ran:?}");
        assert!(ran.stderr.contains("check the host") && !ran.stderr.contains("try again after"), "{ran:?}");
    }
    assert_eq!(authority.count("/token"), 1);
    home.run(&["api", "/x", "--fail"]).failed(22, &["check the host"]);
}

#[test]
fn why_a_refused_token_was_not_replaced_is_told_and_nobody_is_told_of_a_new_one() {
    for (status, answer, cause, helps) in [
        (503, "", "http 503", "try again"),
        (400, r#"{"error":"invalid_grant"}"#, "invalid_grant", "device-login login work"),
        (429, "", "fewer requests", "try again"),
    ] {
        let authority = Authority::start_with_headers(move |asked| match asked.path.as_str() {
            "/token" | "/oauth/v2/token" => (status, String::new(), answer.to_owned()),
            _ => {
                let header = "www-authenticate: Bearer error=\"invalid_token\"\r\n";
                (401, header.to_owned(), r#"{"code":"INVALID_TOKEN","message":"x","status":"error"}"#.to_owned())
            }
        });
        let origin = authority.origin();
        for (text, issuer, data_center) in [
            (configuration(&origin), format!("{origin}/token"), ""),
            (at_zoho(&origin, ""), format!("{origin}/"), "us"),
        ] {
            let home = Home::new();
            home.write("secret", CLIENT_SECRET);
            home.configure(&text);
            home.sign_in(&authority, |grant| {
                grant.issuer = issuer;
                data_center.clone_into(&mut grant.data_center);
            });
            // The second one is as wise as the first.
            let path = "/crm/v8/org";
            for call in [&["api", path][..], &["api", path, "--fail"], &["api", path, "--paginate"], &["whoami"]] {
                let ran = home.run(call);
                let told = ran.stderr.to_lowercase();
                let has_cause = told.contains(cause) || ran.code == 4 && told.contains("refused this grant before");
                assert!(has_cause && told.contains(helps), "{status} {call:?}: {ran:?}");
                assert!(
                    !told.contains("just refreshed") && !told.contains("was refreshed for"),
                    "{status} {call:?}: {ran:?}"
                );
            }
        }
    }
}

#[test]
fn an_approval_is_kept_whatever_api_domain_comes_with_it() {
    for named in ["https://www.zohoapis.com.evil.example", "https://evil.example", "http://10.0.0.1", "nonsense", "//x"]
    {
        let authority = zoho(ROWS, Some(named));
        let home = home(&authority, "");
        let ran = home.run_with(&["login", "--import"], REFRESH_TOKEN);
        assert!(ran.code == 0 && ran.stderr.contains(named) && ran.stderr.contains("allowed_origins"), "{ran:?}");
        assert_eq!(home.run(&["token", "--format", "json"]).json()["api_domain"], json!(authority.origin()));
        home.run(&["api", "/creator/v2.1/meta/applications"]).worked("{\"code\":3000,\"applications\":[]}");
    }
    let other = Authority::start(|_| (200, "\"here\"".to_owned()));
    let named: &'static str = Box::leak(other.origin().into_boxed_str());
    let authority = zoho(ROWS, Some(named));
    let home = signed_in(&authority, &format!("allowed_origins = [\"{named}\"]"));
    home.run(&["api", "/crm/v8/org"]).worked("\"here\"");
    home.configure(&home.configuration().replace("allowed_origins", "#"));
    home.run(&["api", &format!("{named}/x")]).failed(2, &["is not among the places"]);
    home.run(&["api", "/creator/v2.1/meta/applications"]).worked("{\"code\":3000,\"applications\":[]}");
}

#[test]
fn the_curl_command_and_the_variables_fit_each_other() {
    let authority = zoho(ROWS, None);
    let home = signed_in(&authority, "");
    let variables = home.run(&["token", "--format", "env"]).stdout;
    let curl = home.run(&["api", "--curl", "/crm/v8/org"]).stdout;
    let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{variables}\n{curl}");
    let pasted = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().expect("there is a shell");
    let told = String::from_utf8_lossy(&pasted.stdout);
    assert!(told.contains(&format!("Authorization: Zoho-oauthtoken {ACCESS_TOKEN}-0")), "{told}");
}
