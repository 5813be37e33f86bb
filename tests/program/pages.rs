//! `api --paginate`: servers that give their lists in every way, and break in every way between the pages.

use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, REFRESH_TOKEN, Ran, ended};

/// A server of the RFCs whose profile is signed in, with headers of its own.
fn server(answer: impl Fn(&Asked) -> (u16, String, String) + Send + 'static) -> (Authority, Home) {
    let authority = Authority::start_with_headers(answer);
    let home = Home::signed_in(&authority);
    (authority, home)
}

/// Three pages that follow one another by `Link`.
fn linked(asked: &Asked) -> (u16, String, String) {
    match asked.path.as_str() {
        "/list?a=1" => (200, link("/list?a=1&page=2"), r#"["a"]"#.to_owned()),
        "/list?a=1&page=2" => (200, link(&format!("{}/list?a=1&page=3", asked.origin())), "[\"b\"]\n".to_owned()),
        "/list?a=1&page=3" => (200, String::new(), r#"["c"]"#.to_owned()),
        _ => (404, String::new(), "{}".to_owned()),
    }
}

fn link(target: &str) -> String {
    format!("link: </list>; rel=\"first\", <{target}>; rel=\"next\"\r\n")
}

fn asked(authority: &Authority) -> Vec<String> {
    authority.log().iter().map(|asked| asked.path.clone()).collect()
}

#[test]
fn pages_follow_one_another_as_they_come_or_in_one_array() {
    let (authority, home) = server(linked);
    home.run(&["api", "--paginate", "/list", "-f", "a=1", "-H", "X-Trace: 7"]).worked("[\"a\"]\n[\"b\"]\n[\"c\"]");
    for asked in authority.log() {
        assert_eq!((asked.method.as_str(), asked.header("x-trace")), ("GET", Some("7")), "{asked:?}");
        assert!(asked.header("authorization").is_some_and(|value| value.contains(ACCESS_TOKEN)));
    }
    assert_eq!(asked(&authority), ["/list?a=1", "/list?a=1&page=2", "/list?a=1&page=3"]);
    home.run(&["api", "--paginate", "--slurp", "/list?a=1"]).worked("[[\"a\"],[\"b\"]\n,[\"c\"]]\n");
    home.run(&["api", "--paginate", "--silent", "GET", "/list?a=1"]).worked("");
    let heads = home.run(&["api", "--paginate", "--include", "/list?a=1"]).stdout;
    assert_eq!(heads.matches("HTTP/1.1 200 OK\n").count(), 3, "{heads}");
    assert!(heads.starts_with("HTTP/1.1 200 OK\n") && heads.contains("\n\n[\"a\"]\nHTTP/1.1 200 OK\n"), "{heads}");
    let silent = home.run(&["api", "--paginate", "--include", "--silent", "/list?a=1"]).stdout;
    assert!(silent.matches("HTTP/1.1 200 OK\n").count() == 3 && !silent.contains("[\"a\"]"), "{silent}");
    let single = home.run(&["api", "--silent", "--include", "/list?a=1"]);
    assert!(
        single.code == 0 && single.stdout.starts_with("HTTP/1.1 200 OK\n") && single.stdout.ends_with("\n\n"),
        "{single:?}"
    );

    let out = home.path("out").to_str().expect("UTF-8").to_owned();
    home.run(&["api", "--paginate", "--slurp", "-o", &out, "/list?a=1"]).worked("");
    assert_eq!(std::fs::read_to_string(&out).expect("it is there"), "[[\"a\"],[\"b\"]\n,[\"c\"]]\n");
    home.run(&["api", "--paginate", "-o", &out, "/list?a=1"]).worked("");
    assert_eq!(std::fs::read_to_string(&out).expect("it is there"), "[\"a\"]\n[\"b\"]\n[\"c\"]");
}

/// What comes for the third page, after two that came whole.
fn third(answer: impl Fn(&Asked) -> (u16, String, String) + Send + 'static) -> (Authority, Home) {
    server(move |asked| if asked.path == "/list?a=1&page=3" { answer(asked) } else { linked(asked) })
}

const SO_FAR: &str = "[\"a\"]\n[\"b\"]\n";
const SO_FAR_IN_ONE: &str = "[[\"a\"],[\"b\"]\n]\n";

#[test]
fn a_page_that_cannot_be_had_ends_the_list_with_what_came_before_it_whole() {
    let (code, told) = (1, "2 pages came before it");
    for (status, headers, body, code, failing, told) in [
        (429, "retry-after: 30\r\n", r#"{"message":"slow down"}"#, 10, 10, "wait 30 s before the next one"),
        (500, "", "oops", code, 22, "the provider has a fault of its own"),
        (404, "", "{}", code, 22, told),
        (302, "location: https://elsewhere.example/\r\n", "", code, 22, "leads to another address"),
    ] {
        let (_authority, home) = third(move |_| (status, headers.to_owned(), body.to_owned()));
        let ran = home.run(&["api", "--paginate", "/list?a=1"]);
        let is_told = |ran: &Ran, code| {
            let parts = [told, "2 pages came before it", &format!("HTTP {status}"), "/list?a=1&page=3"];
            assert!(ran.code == code && parts.iter().all(|part| ran.stderr.contains(part)), "{ran:?}");
        };
        is_told(&ran, code);
        assert_eq!(ran.stdout, SO_FAR);
        let one = home.run(&["api", "--paginate", "--slurp", "--fail", "/list?a=1"]);
        is_told(&one, failing);
        assert_eq!(one.stdout, SO_FAR_IN_ONE);
        let out = home.write("out", "old").to_str().expect("UTF-8").to_owned();
        let kept = home.run(&["api", "--paginate", "-o", &out, "/list?a=1"]);
        is_told(&kept, code);
        assert!(kept.stderr.contains("stays as it was"), "{kept:?}");
        assert_eq!(std::fs::read_to_string(&out).expect("it is there"), "old");
    }
}

#[test]
fn nothing_is_printed_of_a_list_whose_first_page_cannot_be_had() {
    for (status, body, code, failing) in
        [(500, "oops", 1, 22), (404, "{}", 1, 22), (429, "{}", 10, 10), (200, "<p>no JSON</p>", 1, 1)]
    {
        let (authority, home) = server(move |_| (status, String::new(), body.to_owned()));
        let out = home.path("out").to_str().expect("UTF-8").to_owned();
        for (more, code) in [(&[][..], code), (&["--fail"], failing), (&["-o", &out], code)] {
            home.run(&[&["api", "--paginate", "--slurp", "/list?a=1"], more].concat()).failed(code, &["page 1"]);
        }
        drop(authority);
        // Nobody answers at all.
        home.run(&["api", "--paginate", "--slurp", "/list?a=1"]).failed(7, &["error: "]);
        assert!(!home.path("out").exists());
    }
}

#[test]
fn links_are_followed_to_places_of_the_profile_and_in_no_circle() {
    for (target, code, told) in [
        ("https://evil.example/list", 1, "it leads from `http:` to `https:`"),
        ("//evil.example/list", 2, "http://evil.example is not among the places"),
        ("http://", 1, "what it names is no address"),
        ("http://user:pw@HOST/list", 2, "user name"),
        ("/list?a=1&page=3", 1, "the pages lead in a circle"),
        ("/list?a=1&page=2", 1, "the pages lead in a circle"),
        ("/list?a=1", 1, "the pages lead in a circle"),
    ] {
        let (authority, home) = third(move |asked| {
            let host = asked.header("host").expect("every request names its host").to_owned();
            (200, link(&target.replace("HOST", &host)), r#"["c"]"#.to_owned())
        });
        let ran = home.run(&["api", "--paginate", "/list?a=1"]);
        assert!(ran.code == code && ran.stderr.contains(told), "{target}: {ran:?}");
        assert!(ran.stdout.starts_with(&format!("{SO_FAR}[\"c\"]")), "{ran:?}");
        assert!(asked(&authority).len() <= 12, "{:?}", asked(&authority));
    }
}

#[test]
fn no_secret_is_told_that_a_server_puts_where_the_list_goes_on_and_no_token_is_led_elsewhere() {
    for (target, status, is_offered) in [
        ("http://elsewhere.example/x?t=TOKEN", 200, false),
        ("http://TOKEN.example/", 200, false),
        ("http://TOKEN:REFRESH@HOST/x", 200, false),
        ("TOKEN:x", 200, false),
        ("/x/TOKEN?t=TOKEN", 500, true),
        ("/x/TOKEN?t=REFRESH&s=SECRET", 401, true),
        ("/x/TOKEN?t=TOKEN", 200, true),
    ] {
        let (_authority, home) = server(move |asked| {
            let named = target.replace("HOST", asked.header("host").expect("every request names its host"));
            let named = named.replace("TOKEN", ACCESS_TOKEN).replace("REFRESH", REFRESH_TOKEN);
            let named = named.replace("SECRET", CLIENT_SECRET);
            match asked.path.as_str() {
                "/token" => {
                    (200, String::new(), r#"{"access_token":"another-0123456789","expires_in":3600}"#.to_owned())
                }
                "/list" => (200, link(&named), "[1]".to_owned()),
                _ => (status, "www-authenticate: Bearer error=\"invalid_token\"\r\n".to_owned(), "no JSON".to_owned()),
            }
        });
        let ran = home.run(&["api", "--paginate", "--slurp", "/list"]);
        assert!(ran.code != 0 && ran.stdout == "[[1]]\n", "{target}: {ran:?}");
        let told = ran.stderr.to_ascii_lowercase();
        assert!(!told.contains("sentinel") && !told.contains("allowed_origins"), "{target}: {ran:?}");
        assert_eq!(told.contains("goes on at"), is_offered, "{target}: {ran:?}");
        assert!(!is_offered || told.contains("/x/****?t=****"), "{target}: {ran:?}");
    }
}

#[test]
fn an_array_has_json_pages_alone_and_none_for_an_empty_one() {
    let (_authority, home) = third(|_| (200, String::new(), "<p>Sign in</p>".to_owned()));
    home.run(&["api", "--paginate", "/list?a=1"]).worked(&format!("{SO_FAR}<p>Sign in</p>"));
    let ran = home.run(&["api", "--paginate", "--slurp", "/list?a=1"]);
    assert!(ran.code == 1 && ran.stdout == SO_FAR_IN_ONE && ran.stderr.contains("it is no JSON"), "{ran:?}");

    let (_authority, home) = third(|_| (204, String::new(), String::new()));
    home.run(&["api", "--paginate", "/list?a=1"]).worked(SO_FAR);
    home.run(&["api", "--paginate", "--slurp", "/list?a=1"]).worked(SO_FAR_IN_ONE);
    let (_authority, home) = server(|_| (204, String::new(), String::new()));
    home.run(&["api", "--paginate", "--slurp", "/list"]).worked("[]\n");
    home.run(&["api", "--paginate", "/list"]).worked("");
}

#[test]
fn what_is_answered_with_no_page_is_none() {
    for (status, header, told) in [
        (301, "location: http://127.0.0.1:1/x\u{1b}[31m\r\n", "leads to another address"),
        (302, "location: /elsewhere\r\n", "leads to another address"),
        (308, "", "leads to another address"),
        (300, "", "HTTP 300, which is no page"),
        (304, "", "HTTP 304, which is no page"),
        (399, "", "HTTP 399, which is no page"),
    ] {
        let (_authority, home) = server(move |_| (status, header.to_owned(), "[1]".to_owned()));
        for more in [&[][..], &["--slurp"]] {
            let ran = home.run(&[&["api", "--paginate", "/list"], more].concat());
            ran.failed(1, &[told, &format!("HTTP {status}")]);
            assert!(!ran.stdout.contains('1'), "{status} {more:?}: {ran:?}");
        }
        let said = home.run(&["api", "/list"]).stderr;
        assert_eq!(said.contains("leads to another address"), told.starts_with("leads"), "{status}: {said}");
    }
}

#[test]
fn a_long_page_that_breaks_leaves_the_array_open() {
    let long = format!("[{}", "1,".repeat(100_000));
    let broken = long.clone();
    let (_authority, home) = third(move |_| (200, String::new(), format!("{broken}oops]")));
    let ran = home.run(&["api", "--paginate", "--slurp", "/list?a=1"]);
    let end = &ran.stdout[ran.stdout.len().saturating_sub(20)..];
    assert!(ran.stdout.starts_with("[[\"a\"],[\"b\"]\n,[1,"), "what came before is there: {}", ran.stderr);
    assert!(
        ran.code == 1 && ran.stderr.contains("does not end as such") && !end.ends_with("]\n"),
        "{end:?} {}",
        ran.stderr
    );
    let (_authority, home) = third(move |_| (200, String::new(), format!("{long}1]")));
    let ran = home.run(&["api", "--paginate", "--slurp", "/list?a=1"]);
    let value: Value = serde_json::from_str(&ran.stdout).expect("one JSON value");
    assert_eq!(value[2].as_array().map(Vec::len), Some(100_001));
}

#[test]
fn what_makes_no_sense_together_is_refused_before_anything_is_sent() {
    let (authority, home) = server(linked);
    home.write("body", "{}");
    let body = home.path("body").to_str().expect("UTF-8").to_owned();
    for (arguments, told) in [
        (&["--slurp", "/list"][..], "add `--paginate`"),
        (&["--slurp", "--paginate", "-i", "/list"], "no place for the headers"),
        (&["--slurp", "--paginate", "--silent", "/list"], "`--silent` prints none"),
        (&["--silent", "-o", "x", "/list"], "`-o` names the file"),
        (&["--paginate", "--curl", "/list"], "`--curl` prints one call"),
        (&["--paginate", "--input", &body, "/list"], "GET, which has no body"),
        (&["--paginate", "--form", "a=b", "/list"], "GET, which has no body"),
        (&["--paginate", "POST", "/list"], "not made again for each of them"),
        (&["--paginate", "HEAD", "/list"], "not made again for each of them"),
    ] {
        home.run(&[&["api"], arguments].concat()).failed(2, &["the call cannot be made", told]);
    }
    assert!(asked(&authority).is_empty());
}

/// A page of a table: the request, and what comes.
type Row = (&'static str, u16, String);

/// A server of Zoho's dialect.
fn zoho(rows: Vec<Row>) -> (Authority, Home) {
    let authority = Authority::start(move |asked| {
        if asked.path == "/oauth/v2/token" {
            let token = json!({"access_token": ACCESS_TOKEN, "api_domain": asked.origin(), "expires_in": 3600});
            return (200, token.to_string());
        }
        let row = rows.iter().find(|(path, ..)| *path == asked.path);
        row.map_or((404, "{}".to_owned()), |(_, status, body)| (*status, body.clone()))
    });
    let home = Home::new();
    let origin = authority.origin();
    home.configure(&format!(
        "[profiles.work]\nprovider = \"lab\"\nclient_id = \"client-1\"\nscopes = [\"AaaServer.profile.READ\"]\n\
         [providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\n\
         accounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n"
    ));
    let ran = home.run_with(&["login", "--import"], REFRESH_TOKEN);
    assert_eq!(ran.code, 0, "{ran:?}");
    (authority, home)
}

#[test]
fn a_rate_limit_in_the_words_of_the_product_ends_with_10_and_a_list_that_does_not_count_with_0() {
    let (_authority, home) = zoho(vec![
        ("/books/v3/items?a=1", 200, r#"{"code":0,"items":[1],"page_context":{"has_more_page":true}}"#.to_owned()),
        (
            "/books/v3/items?a=1&page=2",
            200,
            r#"{"code":45,"message":"exceeded the maximum call rate limit"}"#.to_owned(),
        ),
        ("/api/v1/channels", 200, r#"{"data":[1,2]}"#.to_owned()),
        ("/api/v1/channels?from=2", 200, r#"{"data":[1,2]}"#.to_owned()),
        ("/api/v3/portals", 200, r#"{"page_info":{"has_next_page":true}}"#.to_owned()),
        ("/api/v3/portals?page=2", 200, r#"{"page_info":{"has_next_page":true}}"#.to_owned()),
        ("/crm/v8/Leads", 200, "<html>".to_owned()),
        ("/creator/v2.1/data/x", 200, r#"{"code":3000,"data":[]}"#.to_owned()),
    ]);
    let books = home.run(&["api", "--paginate", "--slurp", "/books/v3/items?a=1"]);
    assert!(books.code == 10 && books.stderr.contains("maximum call rate limit"), "{books:?}");
    assert_eq!(
        serde_json::from_str::<Value>(&books.stdout).map(|pages| pages.as_array().map(Vec::len)).ok(),
        Some(Some(1))
    );
    home.run(&["api", "--paginate", "--product", "desk", "/channels"]).worked(r#"{"data":[1,2]}"#);
    let stuck = home.run(&["api", "--paginate", "--product", "projects", "/portals"]);
    assert!(stuck.code == 1 && stuck.stderr.contains("the same as the one before"), "{stuck:?}");
    home.run(&["api", "--paginate", "/crm/v8/Leads"]).failed(1, &["it is no JSON"]);
    let unknown = home.run(&["api", "--paginate", "/creator/v2.1/data/x"]);
    assert!(unknown.code == 0 && unknown.stderr.contains("This is one page"), "{unknown:?}");
}

#[test]
fn a_token_that_ends_between_two_pages_is_refreshed() {
    let (authority, home) = server(|asked| {
        if asked.path == "/token" {
            return (200, String::new(), r#"{"access_token":"sentinel-access-2","expires_in":3600}"#.to_owned());
        }
        let is_new = asked.header("authorization").is_some_and(|value| value.contains("sentinel-access-2"));
        match asked.path.as_str() {
            "/list" => (200, link("/more"), "[1]".to_owned()),
            _ if is_new => (200, String::new(), "[2]".to_owned()),
            _ => (401, "www-authenticate: Bearer error=\"invalid_token\"\r\n".to_owned(), "{}".to_owned()),
        }
    });
    home.run(&["api", "--paginate", "/list"]).worked("[1]\n[2]");
    assert_eq!(asked(&authority), ["/list", "/more", "/token", "/more"]);
    home.sign_in(&authority, ended);
    home.run(&["api", "--paginate", "/list"]).worked("[1]\n[2]");
}

#[cfg(target_os = "linux")]
#[test]
fn a_list_of_any_length_needs_no_room() {
    const PAGES: usize = 300;
    let piece = format!("[{}1]", "1,".repeat(200_000));
    let (_authority, home) = server(move |asked| {
        let page: usize = asked.path.rsplit('=').next().and_then(|page| page.parse().ok()).unwrap_or(1);
        let headers = if page < PAGES { link(&format!("/list?page={}", page + 1)) } else { String::new() };
        (200, headers, piece.clone())
    });
    let mut child = home.spawn(&["api", "--paginate", "/list?page=1"]);
    let mut stdout = child.stdout.take().expect("a pipe");
    let (mut peak, mut count, mut buffer) = (String::new(), 0, vec![0; 1 << 20]);
    while let Ok(read @ 1..) = std::io::Read::read(&mut stdout, &mut buffer) {
        count += read;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        peak = status.lines().find(|line| line.starts_with("VmHWM:")).map_or(peak, str::to_owned);
    }
    assert!(child.wait().is_ok_and(|status| status.success()));
    let kilobytes: usize = peak.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number");
    assert!(count > 100_000_000 && kilobytes < 64 * 1024, "{count} bytes, {kilobytes} kB");
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_gives_its_lists_as_the_products_do() {
    use std::time::Duration;

    use device_login::demo::{Decision, Options};

    use crate::support::demo_server::{DemoServer, text};

    let server = DemoServer::start(Options { interval: Duration::ZERO, ..Options::default() });
    let scope = "ZohoCRM.modules.ALL,ZohoBooks.fullaccess.all,Desk.basic.READ,Desk.tickets.READ,\
                 ZohoMail.accounts.READ,ZohoMail.messages.READ,AaaServer.profile.READ";
    let code = server.device_code(scope);
    assert!(server.demo().decide(text(&code["user_code"]), Decision::Approve));
    let tokens = server.poll(&server.us(""), &code).json();
    let home = Home::new();
    let addresses = server.addresses();
    home.write("secret", &addresses.client_secret);
    home.configure(&format!(
        "[profiles.work]\nprovider = \"lab\"\nclient_id = \"{}\"\nclient_secret_file = \"secret\"\nscopes = [\"x\"]\n\
         [providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\n\
         accounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n",
        addresses.client_id,
        origin = server.us("")
    ));
    let imported = home.run_with(&["login", "--import"], text(&tokens["refresh_token"]));
    assert_eq!(imported.code, 0, "{imported:?}");
    let pages = |arguments: &[&str]| {
        let ran = home.run(&[&["api", "--paginate", "--slurp"], arguments].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()
    };
    let sizes = |pages: &Value, name: &str| -> Vec<usize> {
        let pages = pages.as_array().expect("an array").iter();
        pages.map(|page| page[name].as_array().map_or(0, Vec::len)).collect()
    };
    let contacts = pages(&["/crm/v8/Contacts?per_page=1700"]);
    assert_eq!(sizes(&contacts, "data").iter().sum::<usize>(), 30_000);
    let ids: std::collections::HashSet<&str> = contacts
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|page| page["data"].as_array())
        .flatten()
        .map(|one| text(&one["id"]))
        .collect();
    assert_eq!(ids.len(), 30_000);
    assert_eq!(sizes(&pages(&["/crm/v8/Leads?per_page=4"]), "data"), [4, 2]);
    assert_eq!(pages(&["/crm/v8/Deals"]), json!([]));
    let by_number = home.run(&["api", "/crm/v8/Contacts?page=11"]);
    assert!(by_number.stdout.contains("DISCRETE_PAGINATION_LIMIT_EXCEEDED"), "{by_number:?}");

    let organizations = home.run(&["api", "/books/v3/organizations"]).json();
    let organization = text(&organizations["organizations"][0]["organization_id"]).to_owned();
    let address = format!("/books/v3/contacts?organization_id={organization}&per_page=2");
    assert_eq!(sizes(&pages(&[&address]), "contacts"), [2, 2, 1]);
    let desk = home.run(&["api", "--product", "desk", "/organizations"]).json();
    let header = format!("orgId: {}", desk["data"][0]["id"]);
    assert_eq!(sizes(&pages(&["--product", "desk", "-H", &header, "/tickets?limit=4"]), "data"), [4, 2]);
    let account = home.run(&["api", "/api/accounts"]).json();
    let messages = format!("/api/accounts/{}/messages/view?limit=2", text(&account["data"][0]["accountId"]));
    assert_eq!(sizes(&pages(&[&messages]), "data"), [2, 2, 1, 0]);
}
