//! Signing in without a device code: a code from the console, a browser, a refresh token that exists already.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::support::authority::{Asked, Authority};
use crate::support::canaries::Canaries;
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, REFRESH_TOKEN, Ran, ran};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use device_login::storage::{Record, RevocationNote};
use ring::digest;
use serde_json::{Value, json};
use url::Url;

const CODE: &str = "sentinel-code-0123456789";

/// Two data centers of one provider. The account lives at whichever is asked, and is Ada's.
struct Zoho {
    us: Authority,
    eu: Authority,
}

impl Zoho {
    fn start() -> Self {
        Self::answering(|_| None)
    }

    /// As usual, but for the requests that `odd` answers.
    fn answering(odd: impl Fn(&Asked) -> Option<Value> + Clone + Send + 'static) -> Self {
        let data_center = || {
            let odd = odd.clone();
            Authority::start(move |asked| (200, odd(asked).unwrap_or_else(|| usual(asked)).to_string()))
        };
        Self { us: data_center(), eu: data_center() }
    }

    /// A home whose profile `work` has a client that is registered in the US, with more of it as given.
    fn home(&self, more: &str) -> Home {
        let home = Home::new();
        home.write("secret", CLIENT_SECRET);
        home.configure(&format!(
            "[profiles.work]\nprovider = \"lab\"\nclient_id = \"client-1\"\nclient_secret_file = \"secret\"\n\
             scopes = [\"AaaServer.profile.READ\"]\n{more}\n{}",
            self.providers()
        ));
        home
    }

    fn providers(&self) -> String {
        let data_center = |code: &str, at: &Authority| {
            let origin = at.origin();
            format!("[providers.lab.data_centers.{code}]\naccounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n")
        };
        format!("[providers.lab]\nkind = \"zoho\"\n{}{}", data_center("us", &self.us), data_center("eu", &self.eu))
    }
}

fn usual(asked: &Asked) -> Value {
    match asked.path.as_str() {
        "/oauth/user/info" => json!({"ZUID": 7, "Email": "ada@example.com", "Display_Name": "Ada"}),
        "/oauth/v2/token" => {
            let mut answer = json!({
                "access_token": ACCESS_TOKEN, "api_domain": asked.origin(), "token_type": "Bearer", "expires_in": 3600,
                "scope": "AaaServer.profile.READ",
            });
            if asked.body.contains("authorization_code") {
                answer["refresh_token"] = json!(REFRESH_TOKEN);
            }
            answer
        }
        _ => json!({"status": "success"}),
    }
}

/// The parameters of the only request to the token endpoint.
fn token_request(authority: &Authority) -> BTreeMap<String, String> {
    let mut asked = authority.log().into_iter().filter(|asked| asked.path == "/oauth/v2/token");
    let request = asked.next().expect("the token endpoint was asked");
    assert!(asked.next().is_none(), "it was asked once");
    url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect()
}

fn parameters(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Nothing of what is secret was said, and no grant was kept.
fn assert_nothing_kept(home: &Home, ran: &Ran) {
    for secret in [CLIENT_SECRET, REFRESH_TOKEN, ACCESS_TOKEN, CODE] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran:?}");
    }
    let status = home.run(&["status", "--json"]).json();
    let each: Vec<&Value> = status["profiles"].as_array().expect("a list").iter().map(|at| &at["state"]).collect();
    assert!(each.iter().all(|state| *state == "signed_out"), "{status}");
}

#[test]
fn a_code_of_the_console_is_read_from_stdin_and_exchanged() {
    let zoho = Zoho::start();
    let home = zoho.home("client_type = \"self-client\"");
    for arguments in [&["login", "--grant-code", "--json"][..], &["login", "--json"]] {
        let ran = home.run_with(arguments, &format!("{CODE}\n"));
        let events = ran.json_lines();
        assert_eq!((ran.code, events.len()), (0, 1), "{ran:?}");
        assert_eq!(events[0]["event"], "signed_in");
        assert_eq!(events[0]["account"]["email"], "ada@example.com");
        assert_eq!(events[0]["refreshable"], true);
    }
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("client_id", "client-1"),
        ("client_secret", CLIENT_SECRET),
    ];
    for asked in zoho.us.log().iter().filter(|asked| asked.path == "/oauth/v2/token") {
        let sent: BTreeMap<String, String> = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
        assert_eq!(sent, parameters(&expected));
    }
    assert!(zoho.eu.log().is_empty());
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
}

#[test]
fn another_account_in_the_place_of_the_first_is_told() {
    let [people, tokens] = [0, 0].map(|first| std::sync::Arc::new(std::sync::atomic::AtomicU64::new(first)));
    let next = |counter: &std::sync::atomic::AtomicU64| counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let zoho = Zoho::answering(move |asked| match asked.path.as_str() {
        "/oauth/user/info" => Some(json!({"ZUID": next(&people) / 2, "Email": "a@example.com"})),
        "/oauth/v2/token" => {
            Some(json!({"access_token": ACCESS_TOKEN, "refresh_token": format!("refresh-{}", next(&tokens))}))
        }
        _ => None,
    });
    let home = zoho.home("client_type = \"self-client\"");
    let told: Vec<bool> = (0..3)
        .map(|_| home.run_with(&["login", "--plain"], CODE).stderr.contains("was signed in as a@example.com before"))
        .collect();
    // The first two are one person's, the third is another's.
    assert_eq!(told, [false, false, true]);
}

#[test]
fn a_code_that_is_refused_is_explained_and_nothing_kept() {
    let zoho = Zoho::answering(|asked| (asked.path == "/oauth/v2/token").then(|| json!({"error": "invalid_code"})));
    let home = zoho.home("");
    let ran = home.run_with(&["login", "--grant-code"], CODE);
    assert_eq!((ran.code, ran.stdout.as_str()), (6, ""), "{ran:?}");
    assert!(ran.stderr.contains("invalid_code"), "{ran:?}");
    assert_nothing_kept(&home, &ran);
    for (input, part) in [("", "it is empty"), ("a b\n", "there is a blank"), ("a\u{1b}[2J", "characters that no code")]
    {
        let ran = home.run_with(&["login", "--grant-code"], input);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{ran:?}");
    }
}

#[test]
fn a_token_in_the_place_of_an_argument_is_not_repeated() {
    let zoho = Zoho::start();
    let home = zoho.home("");
    let long = "1000.8278aabbccddeeff00112233445566778.c99aabbccddeeff00112233445566778";
    let short = "ghr_1B4a2e77838347a7E420";
    for (arguments, token, helps) in [
        (&["login", "--import", long][..], long, "read from stdin"),
        (&["login", "--grant-code", long, "--json"], long, "read from stdin"),
        (&["login", "work", long, "--import"], long, "read from stdin"),
        (&["login", "--import", short], short, "on stdin"),
        (&["login", "--import", "plainword"], "plainword", "on stdin"),
        (&["login", "--grant-code", "--json", "1000.ab.cd"], "1000.ab.cd", "on stdin"),
        (&["login", "--grant-code", "4/0AbCdEf"], "4/0AbCdEf", "read from stdin"),
        (&["token", short], short, "on stdin"),
        (&["token", "-p", long], long, "read from stdin"),
        (&["status", short, "--json"], short, "on stdin"),
        (&["profile", "add", long], long, "read from stdin"),
        (&[long], long, "read from stdin"),
        (&["login", "--refresh-token", long], long, "`device-login login --import` reads"),
        (&["login", "--client-secret", "hush-hush", "--json"], "hush-hush", "--client-secret-stdin` reads"),
        (&["login", "work", "--code=hush-hush"], "hush-hush", "`device-login login --grant-code` reads"),
        (&["token", "--grant-code", "hush-hush"], "hush-hush", "`device-login login --grant-code` reads"),
        (&["exec", "--access-token", "hush-hush"], "hush-hush", "read from stdin"),
        (&["exec", "--token=hush-hush"], "hush-hush", "read from stdin"),
        (&["login", "--grant-code=hush-hush", "--json"], "hush-hush", "read from stdin"),
        (&["login", "--import=hush-hush"], "hush-hush", "read from stdin"),
        (&["profile", "rename", "work", long], long, "read from stdin"),
        (&["completions", short], short, "read from stdin"),
        (&["login", "--timeout", short, "--json"], short, "read from stdin"),
        (&["login", "--plain=1000.8278aabbccddeeff00112233"], "8278aabbccddeeff00112233", "read from stdin"),
    ] {
        let ran = home.run(arguments);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.code == 2 && !told.contains(token) && told.contains(helps), "{arguments:?}: {ran:?}");
        assert!(!told.contains("-- --"), "{arguments:?}: {ran:?}");
    }
    // A name that was mistyped is still told from one that is near.
    home.run(&["login", "--import", "wrok"]).failed(2, &["no profile `wrok`", "did you mean `work`?"]);
    home.run(&["token", "web-01"]).failed(2, &["no profile `web-01`"]);
    // So is a flag or a value, and nothing is said of tokens.
    for (arguments, helps) in [
        (&["login", "--new-codee"][..], "exists: '--new-code'"),
        (&["login", "--qr-code=half"], "'--qr-code'"),
        (&["profile", "add", "x", "--client-secret-flie", "p"], "exists: '--client-secret-file'"),
        (&["exec", "--token-fil"], "'--token-fil'"),
        (&["login", "--import", "--timeout", "soon"], "'soon'"),
        (&["completions", "bsah"], "exists: 'bash'"),
    ] {
        let ran = home.run(arguments);
        ran.failed(2, &[helps]);
        let told = ["stdin", "was a real one"].into_iter().find(|tip| ran.stderr.contains(tip));
        assert_eq!(told, None, "{arguments:?}: {ran:?}");
    }
    assert!(zoho.us.log().is_empty());
}

#[test]
fn a_name_is_that_of_the_first_profile_where_there_is_none() {
    let home = Home::new();
    for way in ["--import", "--grant-code"] {
        home.run(&["login", way, "work"])
            .failed(2, &["no profile `work`", "`device-login profile add work`", "config.toml"]);
        let token = "ghr_1B4a2e77838347a7E420";
        let ran = home.run(&["login", way, token]);
        assert!(ran.code == 2 && ran.stderr.contains("not repeated") && !ran.stderr.contains(token), "{ran:?}");
    }
}

/// `login --web --json` under way.
struct Web {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    /// What the browser is to open, taken apart.
    request: BTreeMap<String, String>,
    redirect_uri: String,
    endpoint: String,
    is_listening: bool,
}

impl Web {
    fn begin(home: &Home, more: &[&str]) -> Self {
        let arguments = [&["login", "--web", "--json"], more].concat();
        let mut child = home.command(&arguments).stdin(Stdio::piped()).spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the program speaks");
        let event: Value = serde_json::from_str(&line).expect("an event");
        assert_eq!(event["event"], "browser_needed", "{event}");
        let uri = Url::parse(event["authorization_uri"].as_str().expect("text")).expect("an address");
        Self {
            child,
            stdout,
            request: uri.query_pairs().into_owned().collect(),
            redirect_uri: event["redirect_uri"].as_str().expect("text").to_owned(),
            endpoint: format!("{}{}", uri.origin().ascii_serialization(), uri.path()),
            is_listening: event["listening"] == true,
        }
    }

    /// Where a browser ends that was sent back with these parameters beside the state.
    fn way_back(&self, parameters: &[(&str, &str)]) -> String {
        let mut address = Url::parse(&self.redirect_uri).expect("an address");
        address.query_pairs_mut().append_pair("state", &self.request["state"]).extend_pairs(parameters);
        address.into()
    }

    fn paste(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is a pipe");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("the program reads");
    }

    /// Closes stdin and waits for the end.
    fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("the program speaks UTF-8");
        let ended = ran(self.child);
        Ran { stdout: rest, ..ended }
    }
}

const REDIRECT: &str = "redirect_uri = \"https://app.example.com/callback\"";

#[test]
fn a_pasted_address_brings_the_code_to_the_data_center_that_it_names() {
    let zoho = Zoho::start();
    let home = zoho.home(REDIRECT);
    let mut web = Web::begin(&home, &[]);
    assert!(!web.is_listening);
    assert_eq!(web.endpoint, format!("{}/oauth/v2/auth", zoho.us.origin()));
    let verifier_hash = web.request["code_challenge"].clone();
    let mut request = web.request.clone();
    assert!(request.remove("state").is_some_and(|state| state.len() == 43));
    assert!(request.remove("code_challenge").is_some_and(|challenge| challenge.len() == 43));
    let expected = [
        ("response_type", "code"),
        ("client_id", "client-1"),
        ("redirect_uri", "https://app.example.com/callback"),
        ("scope", "AaaServer.profile.READ"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(request, parameters(&expected));

    web.paste("");
    web.paste("https://app.example.com/callback?code=x&state=another");
    web.paste("https://evil.example/callback");
    let back = web.way_back(&[("code", CODE), ("location", "eu"), ("accounts-server", &zoho.eu.origin())]);
    web.paste(&format!("  {back} "));
    let ran = web.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["data_center"], "eu");
    assert!(ran.stderr.contains("belongs to another sign-in") && ran.stderr.contains("not the address"), "{ran:?}");

    let mut sent = token_request(&zoho.eu);
    let verifier = sent.remove("code_verifier").expect("the verifier goes with the code");
    let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
    assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(hash), verifier_hash);
    // It is told to nobody but the server, and kept nowhere.
    let canaries = Canaries::and(&[verifier, CODE.to_owned()]);
    assert_eq!(canaries.found_in(format!("{}{}", ran.stdout, ran.stderr).as_bytes()), None);
    assert_eq!(canaries.found_below(&home.path(""), &[&home.path("secret")]), None);
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("redirect_uri", "https://app.example.com/callback"),
        ("client_id", "client-1"),
        ("client_secret", CLIENT_SECRET),
    ];
    assert_eq!(sent, parameters(&expected));
    assert!(zoho.us.log().is_empty());
    assert_eq!(home.run(&["refresh"]).code, 0);
    assert_eq!(zoho.eu.count("/oauth/v2/token"), 2);
}

/// What a browser on this machine gets at an address.
fn open(address: &str) -> String {
    let url = Url::parse(address).expect("an address");
    let port = url.port().expect("a port");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the program listens");
    let target = &url[url::Position::BeforePath..];
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn a_browser_on_this_machine_is_heard_over_loopback() {
    let zoho = Zoho::start();
    let home = zoho.home("client_type = \"desktop\"\nredirect_uri = \"http://127.0.0.1:0/callback\"");
    let web = Web::begin(&home, &[]);
    assert!(web.is_listening && web.request["redirect_uri"] == web.redirect_uri && !web.redirect_uri.contains(":0/"));
    assert!(open(&web.redirect_uri.replace("callback", "favicon.ico")).starts_with("HTTP/1.1 404"));
    let strange = format!("{}?code=x&state=y", web.redirect_uri);
    assert!(open(&strange).contains("Not this sign-in"));
    assert!(open(&web.way_back(&[("code", CODE)])).contains("<h1>Approved</h1>"));
    let ran = web.end();
    assert_eq!((ran.code, &ran.json()["event"]), (0, &json!("signed_in")), "{ran:?}");
    assert_eq!(token_request(&zoho.us)["code"], CODE);
}

#[test]
fn a_browser_that_comes_back_without_an_approval_ends_the_sign_in() {
    let zoho = Zoho::start();
    let home = zoho.home(REDIRECT);
    let heard = zoho.home("redirect_uri = \"http://127.0.0.1:0/callback\"");
    let web = Web::begin(&heard, &[]);
    assert!(open(&web.way_back(&[("error", "access_denied")])).contains("<h1>Not signed in</h1>"));
    assert_eq!(web.end().code, 5);
    for (back, code, word) in [
        (&[("error", "access_denied")][..], 5, "denied"),
        (&[("code", CODE), ("location", "xx")], 1, "untrusted_answer"),
        (&[("code", CODE), ("accounts-server", "https://evil.example")], 1, "untrusted_answer"),
        (&[("location", "eu")], 1, "untrusted_answer"),
    ] {
        let mut web = Web::begin(&home, &[]);
        let back = web.way_back(back);
        web.paste(&back);
        let ran = web.end();
        assert_eq!((ran.code, ran.json()["error"]["code"].as_str()), (code, Some(word)), "{ran:?}");
        assert_nothing_kept(&home, &ran);
    }
    let ran = Web::begin(&home, &[]).end();
    assert!(ran.code == 2 && ran.stdout.contains("no address came back"), "{ran:?}");
    assert!(zoho.us.log().is_empty() && zoho.eu.log().is_empty());
}

#[test]
fn another_account_is_given_back_unless_others_live_on_the_same_grant() {
    let zoho = Zoho::start();
    let home = zoho.home(REDIRECT);
    let expect = ["--expect-account", "bob@example.com"];
    let mut web = Web::begin(&home, &expect);
    let back = web.way_back(&[("code", CODE)]);
    web.paste(&back);
    let by_web = web.end();
    let by_code = home.run_with(&["login", "--grant-code", "--json", expect[0], expect[1]], CODE);
    for ran in [by_web, by_code] {
        assert_eq!((ran.code, ran.json()["error"]["code"].as_str()), (1, Some("wrong_account")), "{ran:?}");
        assert!(ran.stdout.contains("the grant was revoked"), "{ran:?}");
        assert_nothing_kept(&home, &ran);
    }
    assert_eq!(zoho.us.count("/oauth/v2/revoke/token"), 2);
    let ran = home.run_with(&["login", "--import", "--json", expect[0], expect[1]], REFRESH_TOKEN);
    assert!(ran.code == 1 && ran.stdout.contains("nothing revoked"), "{ran:?}");
    assert_nothing_kept(&home, &ran);
    assert_eq!(zoho.us.count("/oauth/v2/revoke/token"), 2);
}

#[test]
fn a_refresh_token_from_stdin_is_proved_and_kept() {
    let zoho = Zoho::start();
    let home = zoho.home("");
    let ran = home.run_with(&["login", "--import", "--json"], &format!("{REFRESH_TOKEN}\n"));
    assert_eq!((ran.code, &ran.json()["refreshable"]), (0, &json!(true)), "{ran:?}");
    let expected = [
        ("grant_type", "refresh_token"),
        ("refresh_token", REFRESH_TOKEN),
        ("client_id", "client-1"),
        ("client_secret", CLIENT_SECRET),
    ];
    assert_eq!(token_request(&zoho.us), parameters(&expected));
    let status = home.run(&["status", "--json"]).json();
    assert_eq!(status["profiles"][0]["budget"]["used"], 1);
    assert_eq!(home.run(&["refresh"]).code, 0);
}

#[test]
fn an_env_file_makes_a_profile_at_the_data_center_of_its_api_domain() {
    let zoho = Zoho::start();
    let home = Home::new();
    home.configure(&zoho.providers());
    let env = home.write(
        "old.env",
        &format!(
            "# old script\nexport ZOHO_CLIENT_ID='client-1'\nZOHO_CLIENT_SECRET=\"{CLIENT_SECRET}\"\r\n\
             ZOHO_REFRESH_TOKEN={REFRESH_TOKEN}\nZOHO_API_DOMAIN={}\nOTHER=\n",
            zoho.eu.origin()
        ),
    );
    let env = env.to_str().expect("a path");
    let import = |name: &str| home.run(&["login", name, "--import", "--env-file", env]);
    home.run(&["login", "--import", "--env-file", env])
        .failed(2, &["no profile has its client", "name the new profile"]);
    let old = import("old");
    old.worked("Signed in as ada@example.com, data center EU, profile old.\n");
    assert!(old.stderr.contains(&format!("Added profile old to {}.\n", home.path("config.toml").display())), "{old:?}");
    assert_eq!(token_request(&zoho.eu)["client_secret"], CLIENT_SECRET);
    assert!(zoho.us.log().is_empty());
    let configuration = home.configuration();
    for part in ["data_center = \"eu\"", "client_id = \"client-1\"", "scopes = [\"AaaServer.profile.READ\"]"] {
        assert!(configuration.contains(part), "{configuration}");
    }
    assert!(!configuration.contains("sentinel"), "{configuration}");
    // The secret is in the store now.
    assert_eq!(home.run(&["refresh"]).code, 0);
    // The profile that has the client is found without its name.
    let again = home.run(&["login", "--import", "--env-file", env]);
    assert!(again.code == 0 && !again.stderr.contains("Added profile"), "{again:?}");
}

/// Zoho allows ten for each refresh token in ten minutes, and counts them by itself.
#[test]
fn refreshes_count_on_when_their_token_is_imported_again() {
    let zoho = Zoho::start();
    let text = |token: &str| {
        format!(
            "ZOHO_CLIENT_ID=client-1\nZOHO_CLIENT_SECRET={CLIENT_SECRET}\nZOHO_REFRESH_TOKEN={token}\n\
             ZOHO_API_DOMAIN={}\n",
            zoho.us.origin()
        )
    };
    let home = Home::new();
    home.configure(&zoho.providers());
    for (step, name, token, code, used) in [
        ("file", "app", REFRESH_TOKEN, 0, 1),
        ("file", "app", REFRESH_TOKEN, 0, 2),
        ("typed", "app", REFRESH_TOKEN, 0, 3),
        ("refresh", "app", "", 0, 4),
        ("file", "app", REFRESH_TOKEN, 0, 5),
        // Of another token nothing is spent.
        ("file", "app", "another", 0, 1),
        ("file", "app", REFRESH_TOKEN, 0, 1),
    ]
    .into_iter()
    .chain((2..=10).map(|used| ("file", "app", REFRESH_TOKEN, 0, used)))
    .chain([("file", "app", REFRESH_TOKEN, 10, 10), ("typed", "app", REFRESH_TOKEN, 10, 10)])
    {
        let before = zoho.us.count("/oauth/v2/token");
        let env = home.write("app.env", &text(token)).display().to_string();
        let ran = match step {
            "file" => home.run(&["login", name, "--import", "--env-file", &env]),
            "typed" => home.run_with(&["login", name, "--import"], token),
            _ => home.run(&[step, name]),
        };
        assert_eq!(ran.code, code, "{step} {used}: {ran:?}");
        assert_eq!(ran.stderr.contains("all 10 refreshes that Zoho allows"), code == 10, "{ran:?}");
        assert_eq!(zoho.us.count("/oauth/v2/token") - before, usize::from(code == 0), "{step} {used}");
        let status = home.run(&["status", "--json"]).json();
        assert_eq!(status["profiles"][0]["budget"]["used"], used, "{step} {used}");
    }
}

/// A provider that replaces refresh tokens takes the second use of one for a theft, at whichever of its data centers.
#[test]
fn a_token_that_was_replaced_is_known_whichever_data_center_it_is_said_to_be_of() {
    for says in ["eu", "us", ""] {
        let zoho = Zoho::answering(|asked| match asked.path.as_str() {
            "/oauth/v2/token" => {
                let next = if asked.body.contains("RT-1") { "RT-2" } else { "RT-1" };
                Some(json!({"access_token": ACCESS_TOKEN, "refresh_token": next, "expires_in": 3600}))
            }
            _ => None,
        });
        let home = zoho.home("");
        let import = |domain: &str, expected: &str| {
            let domain = match domain {
                "eu" => format!("ZOHO_API_DOMAIN={}\n", zoho.eu.origin()),
                "us" => format!("ZOHO_API_DOMAIN={}\n", zoho.us.origin()),
                _ => String::new(),
            };
            let text = format!("ZOHO_CLIENT_ID=client-1\nZOHO_REFRESH_TOKEN=RT-0\n{domain}");
            let env = home.write("app.env", &text).display().to_string();
            home.run(&["login", "work", "--import", "--env-file", &env, "--expect-account", expected])
        };
        import("eu", "bob@example.com").failed(1, &["what came in its place is kept"]);
        let again = import(says, "ada@example.com");
        assert_eq!(again.code, 0, "{says}: {again:?}");
        let sent = zoho.eu.log().into_iter().filter(|asked| asked.path == "/oauth/v2/token");
        let sent: Vec<_> = sent.map(|asked| asked.body.contains("refresh_token=RT-0")).collect();
        assert_eq!((sent, zoho.us.count("/oauth/v2/token")), (vec![true, false], 0), "{says}");
        assert!(home.record("work").unrevoked.is_empty(), "{says}");
    }
}

/// Nobody approves in an import, and a sign-in that lives on the token is good.
#[test]
fn an_import_of_another_account_says_whose_the_token_is() {
    let zoho = Zoho::start();
    let (client, domain) = (format!("ZOHO_CLIENT_SECRET={CLIENT_SECRET}\n"), zoho.us.origin());
    let text =
        format!("ZOHO_CLIENT_ID=client-1\n{client}ZOHO_REFRESH_TOKEN={REFRESH_TOKEN}\nZOHO_API_DOMAIN={domain}\n");
    for by_file in [false, true] {
        for (is_own, name, becomes) in [
            (true, "work", "the sign-in that lives on this token stays as it is"),
            (false, "work", "nothing was saved"),
            (false, "new", "nothing was saved"),
        ] {
            // A new profile takes a file.
            if name == "new" && !by_file {
                continue;
            }
            let home = zoho.home("");
            let env = home.write("x.env", &text);
            let from = if by_file { &["--env-file", env.to_str().expect("a path")][..] } else { &[] };
            let import = |expected: &[&str]| {
                home.run_with(&[&["login", name, "--import"][..], from, expected].concat(), REFRESH_TOKEN)
            };
            if is_own {
                assert_eq!(import(&[]).code, 0, "{by_file} {name}");
            }
            let ran = import(&["--expect-account", "bob@example.com"]);
            let case = format!("{by_file} {is_own} {name}: {ran:?}");
            let whose = "this refresh token belongs to `ada@example.com`, not to `bob@example.com`";
            assert!(ran.code == 1 && ran.stderr.contains(whose) && ran.stderr.contains(becomes), "{case}");
            let hint = "hint: import a token of `bob@example.com`, or expect no account\n";
            assert!(ran.stderr.ends_with(hint), "{case}");
            assert_eq!(home.run(&["token", name]).code == 0, is_own, "{case}");
        }
    }
}

#[test]
fn env_files_that_cannot_be_imported_leave_everything_as_it_was() {
    let zoho = Zoho::answering(|asked| {
        let is_bad = asked.body.contains("refresh_token=bad");
        (asked.path == "/oauth/v2/token" && is_bad).then(|| json!({"error": "invalid_code"}))
    });
    let home = zoho.home("");
    let before = home.configuration();
    let client = format!("ZOHO_CLIENT_ID=c2\nZOHO_CLIENT_SECRET={CLIENT_SECRET}\n");
    let domain = format!("ZOHO_API_DOMAIN={}\n", zoho.eu.origin());
    let token = format!("ZOHO_REFRESH_TOKEN={REFRESH_TOKEN}\n");
    for (text, name, code, part) in [
        (format!("{client}{domain}"), "new", 2, "it names no ZOHO_REFRESH_TOKEN"),
        (format!("{client}ZOHO_ACCESS_TOKEN=x\n"), "new", 2, "register a non-browser application"),
        (format!("{token}{domain}"), "new", 2, "it names no ZOHO_CLIENT_ID"),
        (format!("{client}{token}"), "new", 2, "it names no ZOHO_API_DOMAIN"),
        (
            format!("{client}{token}ZOHO_API_DOMAIN=https://evil.example\n"),
            "new",
            2,
            "no data center has the API domain",
        ),
        (format!("{client}{token}{domain}"), "work", 2, "profile `work` has another client id"),
        (format!("{client}{domain}ZOHO_REFRESH_TOKEN=bad\n"), "new", 4, "invalid_code"),
        (
            format!("ZOHO_CLIENT_ID=client-1\n{token}ZOHO_API_DOMAIN=https://www.zohoapis.jp\n"),
            "work",
            2,
            "no data center",
        ),
        ("nonsense\n".to_owned(), "new", 2, "line 1: has no `=`"),
    ] {
        let env = home.write("x.env", &text);
        let ran = home.run(&["login", name, "--import", "--env-file", env.to_str().expect("a path")]);
        assert!(ran.code == code && ran.stderr.contains(part), "{part}: {ran:?}");
        assert!(!ran.stderr.contains("added"), "{part}: {ran:?}");
        assert_eq!(home.configuration(), before);
        assert_nothing_kept(&home, &ran);
    }
    home.run(&["login", "new", "--import", "--env-file", "/nonexistent"]).failed(2, &["cannot be imported"]);
    for token in ["1//0gAbcdefGHIJKL", "ghr_aB3dEfGhIjKlMnOp"] {
        let ran = home.run(&["login", "new", "--import", "--env-file", token]);
        ran.failed(2, &["there is no such file"]);
        assert!(!ran.stderr.contains(token), "{ran:?}");
    }
    home.run(&["login", "--env-file", "x"]).failed(2, &["--import"]);
}

#[test]
fn an_import_that_brings_a_new_refresh_token_alone_keeps_that_one() {
    const NEW_TOKEN: &str = "sentinel-new-refresh-token";
    for name in ["work", "new"] {
        let zoho = Zoho::answering(|asked| {
            let is_first = asked.path == "/oauth/v2/token" && asked.body.contains(REFRESH_TOKEN);
            is_first.then(|| json!({"access_token": "A T", "refresh_token": NEW_TOKEN}))
        });
        let home = zoho.home("");
        let (client, origin) = (format!("ZOHO_CLIENT_SECRET={CLIENT_SECRET}\n"), zoho.us.origin());
        let text =
            format!("ZOHO_CLIENT_ID=client-1\n{client}ZOHO_REFRESH_TOKEN={REFRESH_TOKEN}\nZOHO_API_DOMAIN={origin}\n");
        let env = home.write("x.env", &text);
        let ran = home.run(&["login", name, "--import", "--env-file", env.to_str().expect("a path")]);
        let kept = "the refresh token that came with it was kept";
        ran.failed(1, &["not printable ASCII", kept, &format!("device-login refresh {name}")]);
        let stays = format!("profile `new` was added to {} and stays", home.path("config.toml").display());
        assert_eq!(ran.stderr.contains(&stays), name == "new", "{ran:?}");
        let status = home.run(&["status", name, "--json"]).json();
        assert_eq!(status["profiles"][0]["state"], "expired", "{status}");
        assert_eq!(home.run(&["refresh", name]).code, 0);
        assert_eq!(home.run(&["token", name]).code, 0);
        let spent = zoho.us.log().iter().filter(|asked| asked.body.contains(REFRESH_TOKEN)).count();
        assert_eq!(spent, 1, "{name}: a spent token is sent again");
    }
}

/// A profile that was taken out of the configuration by hand has left its grant, or what is yet to be revoked.
#[test]
fn an_import_drops_no_grant_of_before() {
    let refused = |asked: &Asked| {
        let is_refused = asked.body.contains("=bad") || asked.path.contains("revoke");
        is_refused
            .then(|| json!({"error": if asked.path.contains("revoke") { "server_error" } else { "invalid_code" }}))
    };
    for is_signed_out in [false, true] {
        let zoho = Zoho::answering(refused);
        let home = zoho.home("");
        let before = home.configuration();
        let import = |token: &str| {
            let (client, origin) = (format!("ZOHO_CLIENT_SECRET={CLIENT_SECRET}\n"), zoho.us.origin());
            let text =
                format!("ZOHO_CLIENT_ID=client-1\n{client}ZOHO_REFRESH_TOKEN={token}\nZOHO_API_DOMAIN={origin}\n");
            let env = home.write("x.env", &text);
            home.run(&["login", "new", "--import", "--env-file", env.to_str().expect("a path")])
        };
        if is_signed_out {
            assert_eq!(import(REFRESH_TOKEN).code, 0);
            home.change("new", |record| {
                let grant = record.grant.take().expect("it is signed in");
                record.to_revoke.push(RevocationNote::of(&grant, "client-1"));
            });
        } else {
            // Of another client.
            home.sign_in_as("new", &zoho.us.origin(), |_| {});
        }
        home.configure(&before);
        let has = |record: &Record| (record.grant.clone(), record.to_revoke.clone());
        let kept = has(&home.record("new"));
        let ran = import("bad");
        let (code, part) = if is_signed_out { (4, "was added to") } else { (2, "still holds a grant") };
        ran.failed(code, &[part]);
        assert_eq!(has(&home.record("new")), kept, "{ran:?}");
    }
}

#[test]
fn a_sign_in_is_handed_out_as_it_is_imported() {
    let zoho = Zoho::start();
    let home = zoho.home("");
    let work = home.run_with(&["login", "--import"], REFRESH_TOKEN);
    assert_eq!(work.code, 0, "{work:?}");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let file = elsewhere.path().join("zoho.env");
    let out = file.to_str().expect("a path");
    let export = |more: &[&str]| home.run(&[&["profile", "export", "--env-file", out], more].concat());
    export(&[]).failed(2, &["was not written", "no terminal at which to ask", "add `--yes`"]);
    assert!(!file.exists());
    std::fs::File::create(&file).and_then(|mut file| file.write_all(b"MINE=1\n")).expect("it can be written");
    export(&[]).failed(2, &["it is there already", "`--yes`"]);
    let ran = export(&["--yes"]);
    ran.worked(&format!("Wrote the sign-in of profile work to {out}, in the place of what was there.\n"));
    assert!(ran.stderr.contains("not in the budget here"), "{ran:?}");
    std::fs::remove_file(&file).expect("it is ours");
    export(&["--yes"]).worked(&format!("Wrote the sign-in of profile work to {out}.\n"));
    let origin = zoho.us.origin();
    assert_eq!(
        std::fs::read_to_string(out).expect("it was written"),
        format!(
            "ZOHO_CLIENT_ID=client-1\nZOHO_CLIENT_SECRET={CLIENT_SECRET}\nZOHO_REFRESH_TOKEN={REFRESH_TOKEN}\n\
             ZOHO_API_DOMAIN={origin}\n"
        )
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        assert_eq!(std::fs::metadata(out).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
    let record = home.record("work");
    let told = record.events.last().map(|event| (event.what, event.by.clone()));
    assert_eq!(told, Some((device_login::storage::Happened::Exported, "profile".to_owned())));
    assert!(!record.grant.expect("a grant").is_own);
    // A second profile that lives on the same is told of the first one.
    let twin = home.run(&["login", "twin", "--import", "--env-file", out]);
    assert!(twin.code == 0 && twin.stderr.contains("profile `work` has the same refresh token"), "{twin:?}");
    let again = home.run(&["login", "twin", "--import", "--env-file", out]);
    assert!(again.stderr.contains("`work` has the same") && !again.stderr.contains("`twin` has"), "{again:?}");
    // Another machine, which knows nothing but the provider.
    let other = Home::new();
    other.configure(&zoho.providers());
    let imported = other.run(&["login", "there", "--import", "--env-file", out]);
    imported.worked("Signed in as ada@example.com, data center US, profile there.\n");
    let asked = zoho.us.log().into_iter().rfind(|asked| asked.path == "/oauth/v2/token").expect("it was asked");
    assert!(asked.body.contains(CLIENT_SECRET) && asked.body.contains(REFRESH_TOKEN), "{asked:?}");
    let grant = other.record("there").grant.expect("a grant");
    assert_eq!(grant.refresh_token.as_ref().map(device_login::secret::Secret::expose), Some(REFRESH_TOKEN));
    for place in [home.path("state/zoho.env"), file.join("zoho.env"), elsewhere.path().to_owned()] {
        let ran = home.run(&["profile", "export", "work", "--yes", "--env-file", place.to_str().expect("a path")]);
        ran.failed(2, &["cannot be written"]);
    }
    assert_eq!(home.run(&["logout", "work", "--local"]).code, 0);
    export(&["work", "--yes"]).failed(4, &["device-login login work"]);
}

#[test]
fn what_a_second_holder_would_end_or_nobody_would_read_is_not_handed_out() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::signed_in(&authority);
    let export = |home: &Home| home.run(&["profile", "export", "work", "--yes", "--env-file", "/tmp/never"]);
    export(&home).failed(2, &["cannot be handed out", "no variables are known"]);
    let zoho = Zoho::start();
    let home = zoho.home("");
    let issuer = format!("{}/", zoho.us.origin());
    let sign_in = |rotates: bool, refused: Option<&str>| {
        home.sign_in_at(&zoho.us.origin(), |grant| {
            grant.issuer = issuer.clone();
            grant.data_center = "us".to_owned();
            let last = device_login::storage::LastRefresh::new(grant.approved_at, None);
            grant.last_refresh = Some(device_login::storage::LastRefresh { rotates, ..last });
            grant.refused = refused.map(str::to_owned);
        });
    };
    sign_in(true, None);
    export(&home).failed(2, &["cannot be handed out", "replaced with each use"]);
    sign_in(false, Some("revoked"));
    export(&home).failed(4, &["is over: revoked", "device-login login work"]);
}

#[test]
fn an_env_files_secret_takes_the_place_of_the_old_one_only_if_it_is_good() {
    let zoho = Zoho::answering(|asked| {
        let is_bad = asked.body.contains("client_secret=mistyped");
        (asked.path == "/oauth/v2/token" && is_bad).then(|| json!({"error": "invalid_client"}))
    });
    let home = Home::new();
    home.configure(&zoho.providers());
    let domain = zoho.eu.origin();
    let import = |secret: &str, domain: &str| {
        let env = home.write(
            "x.env",
            &format!(
                "ZOHO_CLIENT_ID=client-1\nZOHO_CLIENT_SECRET={secret}\nZOHO_REFRESH_TOKEN={REFRESH_TOKEN}\n\
                 ZOHO_API_DOMAIN={domain}\n"
            ),
        );
        home.run(&["login", "old", "--import", "--env-file", env.to_str().expect("a path")]).code
    };
    let secret_in_use = || {
        assert_eq!(home.run(&["refresh"]).code, 0);
        let asked = zoho.eu.log().into_iter().rfind(|asked| asked.path == "/oauth/v2/token").expect("it was asked");
        let mut form = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned();
        form.find(|(name, _)| name == "client_secret").expect("the client says who it is").1
    };
    assert_eq!(import(CLIENT_SECRET, &domain), 0);
    assert_eq!(import("mistyped", &domain), 2);
    assert_eq!(import("never-sent", "https://evil.example"), 2);
    assert_eq!(secret_in_use(), CLIENT_SECRET);
    assert_eq!(import("another", &domain), 0);
    assert_eq!(secret_in_use(), "another");
}

#[test]
fn clients_that_live_in_a_web_page_are_refused_with_the_type_to_register() {
    let zoho = Zoho::start();
    let home = zoho.home(&format!("client_type = \"client-based\"\n{REDIRECT}"));
    for way in [&["login", "--plain"][..], &["login", "--web"], &["login", "--grant-code"], &["login", "--import"]] {
        let ran = home.run_with(way, "x");
        assert!(ran.code == 2 && ran.stderr.contains("register a non-browser application"), "{ran:?}");
    }
    assert!(zoho.us.log().is_empty());
}

#[test]
fn a_profile_is_added_with_its_type_and_redirect_uri() {
    let zoho = Zoho::start();
    let home = zoho.home("");
    let add = ["profile", "add", "site", "--provider", "lab", "--client-id", "c", "--scopes", "AaaServer.profile.READ"];
    let add = [&add[..], &["--client-type", "server-based", "--redirect-uri", "https://app.example.com/cb"]].concat();
    assert_eq!(home.run(&add).code, 0);
    let shown = home.run(&["profile", "show", "site"]).stdout;
    assert!(shown.contains("server-based") && shown.contains("https://app.example.com/cb"), "{shown}");
    let other = ["profile", "add", "other", "--redirect-uri", "http://app.example.com/"];
    let ran = home.run(&[&other[..], &add[3..9]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("'--redirect-uri <ADDRESS>': it is plain http"), "{ran:?}");
    assert!(!home.configuration().contains("other"));
}

/// A provider that keeps to the RFCs, whose clients sign in through a browser.
fn plain_provider(authority: &Authority) -> String {
    let origin = authority.origin();
    format!(
        "[providers.plain]\nkind = \"standard\"\nauthorization_endpoint = \"{origin}/authorize\"\n\
         token_endpoint = \"{origin}/oauth/v2/token\"\n"
    )
}

#[test]
fn what_a_person_registered_goes_out_byte_for_byte_wherever_it_is_shown_sent_or_kept() {
    let token = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600});
    let authority = Authority::start(move |_| (200, token.to_string()));
    for (redirect_uri, client_id, secret, scope) in [
        ("https://localhost", "1000.ABC", "s", "b.READ"),
        ("https://App.Example.com:443/%7ecb/", "my app", "p+w %:\u{e9}", "z,A/b:c#d~"),
        ("https://app.example.com./cb?x=1&y=a%20b", "caf\u{e9}", "a b", "https://www.example.com/auth/x"),
        ("http://127.0.0.1:1", "a%20b+c:d", "=&", "B,a"),
        ("myapp://cb", "x", "y", "openid"),
        ("com.example:/cb", "x", "y", "openid"),
    ] {
        let home = Home::new();
        home.configure(&plain_provider(&authority));
        let secret_file = home.write("secret", &format!("{secret}\n"));
        let secret_file = secret_file.display().to_string();
        let add = ["profile", "add", "work", "--provider", "plain", "--client-id", client_id, "--scopes", scope];
        let more =
            ["--client-type", "mobile", "--redirect-uri", redirect_uri, "--client-secret-file", secret_file.as_str()];
        let added = home.run(&[&add[..], &more[..]].concat());
        assert_eq!(added.code, 0, "{added:?}");
        let scopes: Vec<&str> = scope.split(',').collect();
        let shown = home.run(&["profile", "show", "work"]).stdout;
        for text in [redirect_uri, client_id, scopes[0]] {
            assert!(home.configuration().contains(&format!("\"{text}\"")), "{}", home.configuration());
            assert!(shown.contains(text), "{shown}");
        }

        let mut web = Web::begin(&home, &[]);
        assert_eq!(web.redirect_uri, redirect_uri);
        for (name, value) in [("redirect_uri", redirect_uri), ("client_id", client_id), ("scope", &scopes.join(" "))] {
            assert_eq!(web.request[name], value);
        }
        let state = web.request["state"].clone();
        let separator = if redirect_uri.contains('?') { '&' } else { '?' };
        let before = authority.log().len();
        web.paste(&format!("{redirect_uri}{separator}code={CODE}&state={state}"));
        let ran = web.end();
        assert_eq!(ran.code, 0, "{ran:?}");
        let asked = authority.log().into_iter().skip(before).find(|asked| asked.path == "/oauth/v2/token");
        let asked = asked.expect("the code was exchanged");
        let sent: BTreeMap<String, String> = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
        assert_eq!((sent["redirect_uri"].as_str(), sent["client_id"].as_str()), (redirect_uri, client_id));
        let basic = asked.headers.lines().find_map(|line| line.strip_prefix("authorization: Basic "));
        let basic = base64::prelude::BASE64_STANDARD.decode(basic.expect("it says who it is")).expect("base64");
        let pair: Vec<String> = String::from_utf8(basic)
            .expect("form-encoded")
            .split(':')
            .map(|part| url::form_urlencoded::parse(format!("x={part}").as_bytes()).next().expect("one").1.into_owned())
            .collect();
        assert_eq!(pair, [client_id, secret]);
    }
}

#[test]
fn a_flag_that_cannot_be_used_is_told_as_the_flags_fault_and_changes_nothing() {
    let zoho = Zoho::start();
    let home = zoho.home("");
    let before = home.configuration();
    let add = ["profile", "add", "new", "--provider", "lab", "--client-id", "c", "--scopes", "A.b.READ"];
    for (flags, part) in [
        (&["--redirect-uri", "myapp://cb"][..], "`mobile`"),
        (&["--redirect-uri", "myapp://cb", "--client-type", "server-based"], "`mobile`"),
        (&["--redirect-uri", "http://app.example.com"], "'--redirect-uri <ADDRESS>': it is plain http"),
        (&["--redirect-uri", "https://a.example/#x"], "'--redirect-uri <ADDRESS>': it has a fragment"),
        (&["--redirect-uri", "https://me@a.example/"], "'--redirect-uri <ADDRESS>': it carries"),
        (&["--redirect-uri", "cb"], "'--redirect-uri <ADDRESS>': it is no address"),
        (&["--redirect-uri", ""], "'--redirect-uri <ADDRESS>'"),
        (&["--redirect-uri", "javascript:alert(1)"], "'--redirect-uri <ADDRESS>'"),
        (&["--client-type", "web"], "'--client-type <TYPE>'"),
        (&["--client-type", "client-based"], "register a non-browser application"),
        (&["--data-center", "xx"], "data center `xx`"),
        (&["--client-secret-file", "/nowhere"], "/nowhere"),
    ] {
        home.run(&[&add[..], flags].concat()).failed(2, &[part]);
        home.run(&[&["profile", "edit", "work"], flags].concat()).failed(2, &[part]);
    }
    for (flag, value, part) in [
        ("--client-id", "", "'--client-id <ID>'"),
        ("--client-id", "a\tb", "'--client-id <ID>'"),
        ("--client-id", "1000 ABC", "client id"),
        ("--scopes", "", "'--scopes <A,B>': it names no scope"),
        ("--scopes", " , ", "'--scopes <A,B>': it names no scope"),
        ("--scopes", "A.b.READ,\"", "'--scopes <A,B>'"),
    ] {
        home.run(&["profile", "edit", "work", flag, value]).failed(2, &[part]);
        let mut add = add.to_vec();
        let at = add.iter().position(|given| *given == flag).expect("it is given") + 1;
        add[at] = value;
        home.run(&add).failed(2, &[part]);
    }
    for flag in ["", ",", " "] {
        home.run(&["login", "--plain", "--scopes", flag]).failed(2, &["it names no scope"]);
    }
    home.run(&add[..7]).failed(2, &["no scope is named"]);
    assert_eq!(home.configuration(), before);
    assert!(zoho.us.log().is_empty() && zoho.eu.log().is_empty());
}

#[test]
fn without_a_right_address_on_stdin_a_new_one_is_to_be_asked_for() {
    let zoho = Zoho::start();
    let home = zoho.home(REDIRECT);
    for pasted in
        ["https://app.example.com/callback?code=abc&state=x", "https://app.example.com/callback?code=abc", CODE, "foo"]
    {
        let ran = home.run_with(&["login", "--web"], &format!("{pasted}\n"));
        ran.failed(2, &["could not be signed in", "login work", "for a new address"]);
        // The address above was for a process that has ended.
        let error = ran.stderr.rsplit_once("error:").map_or("", |(_, error)| error);
        assert!(!error.contains("open the address above"), "{ran:?}");
    }
}

#[test]
fn an_answer_without_this_sign_ins_state_is_told_with_its_word_and_waited_on() {
    let zoho = Zoho::start();
    let home = zoho.home(REDIRECT);
    let mut web = Web::begin(&home, &[]);
    web.paste("https://app.example.com/callback?code=abc");
    web.paste("https://app.example.com/callback?error=access_denied");
    web.paste("https://app.example.com/callback?error=invalid_scope");
    web.paste("https://app.example.com/callback/?error=x%1B[31m&state=another");
    web.paste(CODE);
    let back = web.way_back(&[("code", CODE)]).replace("/callback?", "/callback/?");
    web.paste(&back);
    let ran = web.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "has no `state`",
        "open the address above anew and approve",
        "invalid_scope",
        "goes on waiting",
        "belongs to another sign-in",
        "a code alone",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");

    let home = zoho.home("redirect_uri = \"http://127.0.0.1:0/callback\"");
    let web = Web::begin(&home, &[]);
    for _ in 0..3 {
        assert!(open(&format!("{}?error=invalid_scope", web.redirect_uri)).contains("Not this sign-in"));
    }
    assert!(open(&web.way_back(&[("code", CODE)]).replace("/callback?", "/callback/?")).contains("Approved"));
    let ran = web.end();
    assert_eq!((ran.code, ran.stderr.matches("invalid_scope").count()), (0, 1), "{ran:?}");

    let mut web = Web::begin(&zoho.home(REDIRECT), &[]);
    let back = web.way_back(&[("code", CODE)]);
    let (left, right) = back.split_at(back.len() - 9);
    web.paste(&format!("{left}\n  {right}"));
    assert_eq!(web.end().code, 0, "an address in two lines");

    let mut web = Web::begin(&zoho.home(REDIRECT), &[]);
    web.paste(CODE);
    let ran = web.end();
    assert!(ran.code == 2 && ran.stdout.contains("a code alone"), "{ran:?}");
}

#[test]
fn an_env_file_that_several_profiles_could_take_changes_none_that_nobody_named() {
    let zoho = Zoho::start();
    let profile = |name: &str| format!("[profiles.{name}]\nprovider = \"lab\"\nclient_id = \"client-1\"\n");
    for (default, name, taken) in [
        ("", None, None),
        ("other", None, None),
        ("", Some("beta"), Some("beta")),
        ("beta", None, Some("beta")),
        ("beta", Some("alpha"), Some("alpha")),
    ] {
        let home = Home::new();
        let default_profile =
            if default.is_empty() { String::new() } else { format!("default_profile = \"{default}\"\n") };
        let other = profile("other").replace("client-1", "client-2");
        home.configure(&[default_profile, profile("alpha"), profile("beta"), other, zoho.providers()].concat());
        let env = home.write(
            "beta.env",
            &format!(
                "ZOHO_CLIENT_ID=client-1\nZOHO_CLIENT_SECRET={CLIENT_SECRET}\nZOHO_REFRESH_TOKEN={REFRESH_TOKEN}\n\
                 ZOHO_API_DOMAIN={}\n",
                zoho.us.origin()
            ),
        );
        let asked = zoho.us.log().len();
        let ran = home.run(
            &[&["login"][..], name.as_slice(), &["--import", "--env-file", env.to_str().expect("a path")]].concat(),
        );
        if let Some(taken) = taken {
            assert!(ran.code == 0 && ran.stdout.contains(&format!("profile {taken}.")), "{default} {name:?}: {ran:?}");
        } else {
            ran.failed(2, &["which profile is meant is not clear: there are `alpha`, `beta`", "`-p NAME`"]);
            assert_eq!(zoho.us.log().len(), asked, "nobody is asked");
        }
    }
}
