//! A grant of which it is yet to be found out whose it is: until then it is noted as one to be revoked, and trouble that passes gives
//! no approval away.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use device_login::clock;
use device_login::config::Config;
use device_login::error::Advice;
use device_login::http::client::Client;
use device_login::secret::Secret;
use device_login::service::{Import, Presence, Service, SignIn};
use device_login::storage::backend::watched::Watched;
use device_login::storage::{Account, Held, StoreAddress, StoreError, UnrevokedGrant, backend, open_over};
use serde_json::{Value, json};

use super::interrupts::{send, wait_until_told};
use crate::support::authority::{Asked, Authority};
use crate::support::program::{ACCESS_TOKEN, Home, REFRESH_TOKEN, Ran, key_options, ran};

const EXPECTED: [&str; 2] = ["--expect-account", "dana@example.com"];

/// What the provider answers but for the usual, the next first.
#[derive(Default)]
struct Script {
    token: VecDeque<Value>,
    userinfo: VecDeque<(u16, String)>,
    /// Of what is answered there.
    userinfo_headers: &'static str,
    revoke: VecDeque<u16>,
    /// Which path is answered only when the test says so.
    held: Option<&'static str>,
    /// Which paths are never answered.
    silent: &'static [&'static str],
}

struct Provider {
    /// Dropped first, so that the provider does not wait for ever.
    answer: Sender<()>,
    asked: Receiver<()>,
    authority: Authority,
}

impl Provider {
    fn start(script: Script) -> Self {
        let ((ask, asked), (answer, may_answer)) = (channel(), channel::<()>());
        let (script, waits) = (Mutex::new(script), Mutex::new((ask, may_answer)));
        let authority = Authority::start_with_headers(move |asked| {
            let mut told = script.lock().expect("no answer panics");
            let silent = told.silent.iter().find(|path| **path == asked.path).copied();
            let held = told.held.take_if(|path| *path == asked.path).or(silent);
            drop(told);
            if held == Some(&*asked.path) {
                let waits = waits.lock().expect("no answer panics");
                let _ = waits.0.send(());
                let _ = waits.1.recv();
            }
            let mut script = script.lock().expect("no answer panics");
            let headers = if asked.path == "/userinfo" { script.userinfo_headers } else { "" };
            let (status, body) = script.answer(asked);
            (status, headers.to_owned(), body)
        });
        Self { answer, asked, authority }
    }

    fn wait_until_asked(&self) {
        self.asked.recv_timeout(Duration::from_secs(60)).expect("it is asked");
    }

    /// The tokens that it has revoked.
    fn revoked(&self) -> usize {
        let log = self.authority.log();
        let revoked = log.iter().filter(|asked| asked.path == "/revoke" && asked.body.contains(REFRESH_TOKEN));
        revoked.count()
    }
}

/// The refresh tokens that were sent for others.
fn sent(provider: &Provider) -> Vec<String> {
    let parameter =
        |asked: &Asked| asked.body.split('&').find_map(|part| part.strip_prefix("refresh_token=").map(str::to_owned));
    provider.authority.log().iter().filter_map(parameter).collect()
}

impl Script {
    fn answer(&mut self, asked: &Asked) -> (u16, String) {
        let body = match asked.path.as_str() {
            "/device" => json!({
                "device_code": "sentinel-device-code", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300,
                "verification_uri": format!("{}/page", asked.origin()),
            }),
            "/token" => self.token.pop_front().unwrap_or_else(|| token("Bearer")),
            "/userinfo" => {
                return self.userinfo.pop_front().unwrap_or_else(|| (200, account("dana@example.com")));
            }
            "/revoke" => return (self.revoke.pop_front().unwrap_or(200), json!({}).to_string()),
            _ => json!({}),
        };
        (200, body.to_string())
    }
}

fn token(kind: &str) -> Value {
    json!({"access_token": "AT", "token_type": kind, "expires_in": 3600, "refresh_token": REFRESH_TOKEN})
}

/// Tokens with another refresh token.
fn replacing(next: &str) -> Value {
    let mut token = token("Bearer");
    token["refresh_token"] = json!(next);
    token
}

fn account(email: &str) -> String {
    json!({"sub": "77", "email": email}).to_string()
}

/// Signs in by a device code, or by one of a console.
fn sign_in(home: &Home, way: &str) -> Ran {
    match way {
        "device" => home.run(&[&["login", "--json"][..], &EXPECTED].concat()),
        way => home.run_with(&[&["login", "--json", way][..], &EXPECTED].concat(), "code"),
    }
}

/// Nobody is told who approved.
fn refused() -> VecDeque<(u16, String)> {
    [(403, "{}".to_owned())].into()
}

const WAYS: [&str; 2] = ["device", "--grant-code"];

#[test]
fn trouble_that_passes_gives_no_approval_away() {
    for (status, body) in [(500, "down"), (503, "{}"), (429, "{}"), (200, "<html>Sign in to the network</html>")] {
        for way in WAYS {
            let provider =
                Provider::start(Script { userinfo: [(status, body.to_owned())].into(), ..Script::default() });
            let home = Home::at(&provider.authority);
            let ran = sign_in(&home, way);
            assert_eq!((ran.code, provider.revoked()), (0, 0), "{status} {body} {way}: {ran:?}");
            assert_eq!(ran.json_lines().last().expect("an event")["account"]["id"], "77", "{status} {way}: {ran:?}");
            home.run(&["token"]).worked("AT\n");
            assert!(home.record("work").to_revoke.is_empty(), "{status} {way}");
        }
    }
}

/// Why a grant is refused, and what is said then.
fn refusals() -> [(&'static str, Script, i32, &'static str); 3] {
    let wrong = || [(200, account("mallory@example.com"))].into();
    [
        ("another account", Script { userinfo: wrong(), ..Script::default() }, 1, "approved instead of"),
        ("no scope", Script { userinfo: refused(), ..Script::default() }, 1, "could not be checked"),
        ("no Bearer", Script { token: [token("DPoP")].into(), ..Script::default() }, 1, "DPoP"),
    ]
}

#[test]
fn a_refused_grant_that_could_not_be_revoked_is_revoked_by_the_next_logout_or_login() {
    for way in WAYS {
        for next in ["logout", "login"] {
            for (why, script, code, said) in refusals() {
                let provider = Provider::start(Script { revoke: [500].into(), ..script });
                let home = Home::at(&provider.authority);
                let refused = sign_in(&home, way);
                assert_eq!(refused.code, code, "{why} {way}: {refused:?}");
                let again = "the next login or logout of the profile tries again";
                assert!(refused.stdout.contains(said) && refused.stdout.contains(again), "{why} {way}: {refused:?}");
                assert!(refused.stdout.contains("logout work"), "{why} {way}: {refused:?}");
                assert_eq!((provider.revoked(), home.record("work").to_revoke.len()), (1, 1), "{why} {way}");
                home.run(&["token"]).failed(4, &[]);
                home.run(&["login", "--resume"]).failed(4, &["no sign-in"]);
                let ended = if next == "logout" { home.run(&["logout"]) } else { sign_in(&home, way) };
                assert_eq!((ended.code, provider.revoked()), (0, 2), "{why} {way} {next}: {ended:?}");
                assert!(home.record("work").to_revoke.is_empty(), "{why} {way} {next}");
            }
        }
    }
}

#[test]
fn a_refused_grant_that_is_revoked_leaves_nothing() {
    for way in WAYS {
        for (why, script, code, said) in refusals() {
            let provider = Provider::start(script);
            let home = Home::at(&provider.authority);
            let refused = sign_in(&home, way);
            assert_eq!((refused.code, provider.revoked()), (code, 1), "{why} {way}: {refused:?}");
            let revoked = "nothing was saved and the grant was revoked";
            assert!(refused.stdout.contains(said) && refused.stdout.contains(revoked), "{why} {way}: {refused:?}");
            assert!(home.record("work").to_revoke.is_empty(), "{why} {way}");
            home.run(&["logout"]).worked("Profile work was not signed in.\n");
            assert_eq!(provider.revoked(), 1, "{why} {way}");
        }
    }
}

#[test]
fn sign_ins_that_end_with_a_refused_grant_are_told_and_hand_out_nothing_more() {
    // Google ends all that a person granted to a client (`RevocationEnds::AllOfThePerson`), of others that is not known.
    for (kind, refresh_token, account_id, is_ended) in [
        ("google", "RT-0", "77", true),
        ("google", "RT-0", "78", false),
        ("google", REFRESH_TOKEN, "78", true),
        ("standard", "RT-0", "77", false),
        ("standard", REFRESH_TOKEN, "77", true),
    ] {
        let case = format!("{kind} {refresh_token} {account_id}");
        let wrong = (200, account("mallory@example.com"));
        let provider = Provider::start(Script { userinfo: [wrong].into(), ..Script::default() });
        let home = Home::at(&provider.authority);
        let other = "[profiles.other]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n";
        let configured = home.configuration().replace("\"standard\"", &format!("{kind:?}"));
        home.configure(&format!("default_profile = \"work\"\n{configured}{other}"));
        for name in ["work", "other"] {
            home.sign_in_as(name, &provider.authority.origin(), |grant| {
                grant.refresh_token = Some(Secret::new(refresh_token));
                grant.account = Some(Account { id: account_id.to_owned(), email: None, name: None });
            });
        }
        let left = UnrevokedGrant {
            approved_at: clock::wall(),
            client_id: "client-1".to_owned(),
            account: Some("77".to_owned()),
        };
        let remember = |held: &mut Held| {
            let mut record = held.load()?.expect("it is there");
            record.unrevoked.push(left);
            held.commit(&mut record)
        };
        home.store().holding(&"work".parse().expect("a name"), Duration::from_secs(30), remember).expect("it is kept");
        let refused = sign_in(&home, "device");
        assert_eq!((refused.code, provider.revoked()), (1, 1), "{case}: {refused:?}");
        let record = home.record("work");
        let is_all = kind == "google";
        assert_eq!((record.to_revoke.len(), record.unrevoked.is_empty()), (0, is_all), "{case}");
        for name in ["work", "other"] {
            let told = format!("the sign-in of profile `{name}` ended with it");
            assert_eq!(refused.stdout.contains(&told), is_ended, "{case}: {refused:?}");
            let token = home.run(&["token", name]);
            let why = "the refused sign-in of profile `work` ended this sign-in as well";
            assert_eq!(
                (token.code, token.stderr.contains(why)),
                (if is_ended { 4 } else { 0 }, is_ended),
                "{case}: {token:?}"
            );
        }
    }
}

#[test]
fn who_approved_is_asked_before_a_grant_is_given_back_that_ends_all_of_a_persons() {
    for (kind, token_type, account_id, asked, is_ended) in [
        ("google", "Bearer", "77", 1, true),
        ("google", "Bearer", "78", 1, false),
        ("google", "DPoP", "77", 0, false),
        ("standard", "Bearer", "77", 0, false),
    ] {
        let case = format!("{kind} {token_type} {account_id}");
        let script = Script { token: [token(token_type)].into(), held: Some("/token"), ..Script::default() };
        let provider = Provider::start(script);
        let home = Home::at(&provider.authority);
        let other = "[profiles.other]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n";
        let configured = home.configuration().replace("\"standard\"", &format!("{kind:?}"));
        home.configure(&format!("default_profile = \"work\"\n{configured}{other}"));
        home.sign_in_as("other", &provider.authority.origin(), |grant| {
            grant.refresh_token = Some(Secret::new("RT-0"));
            grant.account = Some(Account { id: account_id.to_owned(), email: None, name: None });
        });
        let left = UnrevokedGrant {
            approved_at: clock::wall(),
            client_id: "client-1".to_owned(),
            account: Some("77".to_owned()),
        };
        let login = home.spawn(&["login", "--json"]);
        provider.wait_until_asked();
        let remember = |held: &mut Held| {
            let mut record = held.load()?.expect("it is there");
            record.unrevoked.push(left);
            held.commit(&mut record)
        };
        home.store().holding(&"work".parse().expect("a name"), Duration::from_secs(30), remember).expect("it is kept");
        assert_eq!(home.run(&["logout", "work"]).code, 0, "{case}");
        provider.answer.send(()).expect("the provider still waits");
        let login = ran(login);
        assert_eq!((login.code != 0, provider.revoked()), (true, 1), "{case}: {login:?}");
        assert_eq!(provider.authority.count("/userinfo"), asked, "{case}: {login:?}");
        let told = login.stdout.contains("the sign-in of profile `other` ended with it");
        let code = if is_ended { 4 } else { 0 };
        assert_eq!((told, home.run(&["token", "other"]).code), (is_ended, code), "{case}: {login:?}");
        assert_eq!(home.record("work").unrevoked.is_empty(), asked == 1, "{case}: {login:?}");
    }
}

#[test]
fn a_sign_in_that_ended_with_another_ones_grant_tells_what_revoked_that() {
    for (next, why) in [
        ("logout", "the logout of profile `work` ended this sign-in as well"),
        ("login", "the revocation of an earlier grant of profile `work` ended this sign-in as well"),
    ] {
        let wrong = [(200, account("mallory@example.com"))].into();
        let provider = Provider::start(Script { userinfo: wrong, revoke: [500].into(), ..Script::default() });
        let home = Home::at(&provider.authority);
        let other = "[profiles.other]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n";
        home.configure(&format!("default_profile = \"work\"\n{}{other}", home.configuration()));
        home.sign_in_as("other", &provider.authority.origin(), |_| ());
        assert_eq!(sign_in(&home, "device").code, 1, "{next}");
        home.run(&["token", "other"]).worked(&format!("{ACCESS_TOKEN}\n"));
        let ended = if next == "logout" { home.run(&["logout"]) } else { sign_in(&home, "device") };
        assert_eq!((ended.code, provider.revoked()), (0, 2), "{next}: {ended:?}");
        home.run(&["token", "other"]).failed(4, &[why]);
    }
}

#[test]
fn a_provider_that_never_says_who_approved_is_told_as_trouble_of_its_own() {
    let down: VecDeque<_> = std::iter::repeat_n((500, "down".to_owned()), 20).collect();
    let provider = Provider::start(Script { userinfo: down, ..Script::default() });
    let home = Home::at(&provider.authority);
    let ran = sign_in(&home, "device");
    let asked = provider.authority.count("/userinfo");
    assert_eq!((ran.code, provider.revoked()), (7, 1), "{ran:?}");
    assert!((3..10).contains(&asked), "{asked}");
    assert!(ran.stdout.contains("whether `dana@example.com` approved could not be checked"), "{ran:?}");
    assert!(!ran.stdout.contains("scope"), "{ran:?}");
}

/// What is answered for the account, with which headers and to which granted scopes; how often it is asked, how that ends, and what
/// is advised.
type Unchecked = (u16, &'static str, &'static str, usize, i32, &'static str);

#[test]
fn what_is_advised_where_nobody_says_who_approved_can_help() {
    let (compare, scope) =
        ("compare `userinfo_endpoint`", "add the scope that lets the account be read, such as `openid`");
    let rows: [Unchecked; 5] = [
        (302, "location: /login\r\n", "openid", 1, 1, compare),
        (401, "", "openid", 1, 1, compare),
        (401, "", "email", 1, 1, scope),
        (403, "", "email", 1, 1, scope),
        (429, "retry-after: 3600\r\n", "openid", 1, 10, "try again"),
    ];
    for (status, headers, granted, asked, code, advice) in rows {
        let mut token = token("Bearer");
        token["scope"] = json!(granted);
        let userinfo = std::iter::repeat_n((status, "{}".to_owned()), 20).collect();
        let script = Script { token: [token].into(), userinfo, userinfo_headers: headers, ..Script::default() };
        let provider = Provider::start(script);
        let home = Home::at(&provider.authority);
        let ran = home.run(&[&["login"][..], &EXPECTED].concat());
        let count = provider.authority.count("/userinfo");
        assert_eq!((ran.code, count, provider.revoked()), (code, asked, 1), "{status} {granted}: {ran:?}");
        assert!(ran.stderr.contains(advice), "{status} {granted}: {ran:?}");
        assert_eq!(ran.stderr.contains("scope that lets"), advice == scope, "{ran:?}");
    }
}

#[test]
fn a_kill_while_it_is_found_out_who_approved_leaves_the_grant_to_the_next_logout_or_login() {
    for way in WAYS {
        for next in ["logout", "login"] {
            let provider = Provider::start(Script { held: Some("/userinfo"), ..Script::default() });
            let home = Home::at(&provider.authority);
            let mut child = if way == "device" {
                home.spawn(&[&["login", "--json"][..], &EXPECTED].concat())
            } else {
                let code = home.write("code", "code");
                let mut command = home.command(&[&["login", "--json", way][..], &EXPECTED].concat());
                command.stdin(std::fs::File::open(code).expect("it was written"));
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().expect("the program starts")
            };
            provider.wait_until_asked();
            child.kill().expect("it runs");
            let _ = child.wait();
            provider.answer.send(()).expect("the provider still waits");
            assert_eq!(home.record("work").to_revoke.len(), 1, "{way}");
            home.run(&["token"]).failed(4, &[]);
            if way == "device" {
                home.run(&["login", "--resume"]).failed(1, &["was not found out", "dana@example.com"]);
            }
            home.run(&["login", "--resume"]).failed(4, &["no sign-in"]);
            let ended = if next == "logout" { home.run(&["logout"]) } else { sign_in(&home, way) };
            assert_eq!((ended.code, provider.revoked()), (0, 1), "{way} {next}: {ended:?}");
            assert!(home.record("work").to_revoke.is_empty(), "{way} {next}");
        }
    }
}

#[test]
fn a_profile_is_called_signed_in_also_where_another_grant_of_it_is_to_be_revoked() {
    for (is_signed_in, told) in
        [(true, "profile `work` is signed in"), (false, "is signed out, but a grant of it is not revoked yet")]
    {
        let provider = Provider::start(Script { held: Some("/userinfo"), ..Script::default() });
        let home = Home::at(&provider.authority);
        if is_signed_in {
            home.sign_in(&provider.authority, |grant| grant.refresh_token = Some(Secret::new("RT-0")));
        }
        let mut child = home.spawn(&[&["login", "--json"][..], &EXPECTED].concat());
        provider.wait_until_asked();
        child.kill().expect("it runs");
        let _ = child.wait();
        provider.answer.send(()).expect("the provider still waits");
        assert_eq!(home.record("work").to_revoke.len(), 1, "{told}");
        home.run(&["profile", "remove", "work"]).failed(2, &[told, "device-login logout work"]);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "nothing tells that they wait")]
fn others_wait_for_who_finds_out_whose_a_grant_is() {
    for (others, code) in [(&["login", "--resume"][..], 0), (&["logout"], 0)] {
        let provider = Provider::start(Script { held: Some("/userinfo"), ..Script::default() });
        let home = Home::at(&provider.authority);
        let first = home.spawn(&[&["login", "--json"][..], &EXPECTED].concat());
        provider.wait_until_asked();
        let other = home.spawn(others);
        // Long enough to see what is not to be believed yet.
        std::thread::sleep(Duration::from_secs(2));
        provider.answer.send(()).expect("the provider still waits");
        let (first, other) = (ran(first), ran(other));
        assert_eq!(first.code, 0, "{others:?}: {first:?}");
        assert_eq!(other.code, code, "{others:?}: {other:?}");
        let is_out = others == ["logout"];
        assert_eq!((home.record("work").grant.is_none(), provider.revoked()), (is_out, is_out.into()), "{others:?}");
    }
}

#[test]
fn a_provider_that_is_silent_about_the_account_keeps_nobody_from_the_record_for_as_long_as_others_wait() {
    for way in WAYS {
        let provider = Provider::start(Script { silent: &["/userinfo"], ..Script::default() });
        let home = Home::at(&provider.authority);
        let code = home.write("code", "code");
        let ways: &[&str] = if way == "device" { &[] } else { &[way] };
        let mut login = home.command(&[&["login", "--json"][..], ways, &EXPECTED].concat());
        login.stdin(std::fs::File::open(code).expect("it was written")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut login = login.spawn().expect("the program starts");
        provider.wait_until_asked();
        let asked = clock::now();
        for others in [&["store", "rekey"][..], &["logout", "--local"], &["profile", "rename", "work", "office"]]
            .map(|others| home.spawn(others))
        {
            let other = ran(others);
            assert_ne!(other.code, 9, "{way}: {other:?}");
        }
        assert!(asked.until(clock::now()) < Duration::from_secs(26), "{way}");
        let _ = login.kill();
        let _ = login.wait();
    }
}

/// One time is for both, and what is not revoked in it waits for the next login or logout.
#[test]
fn a_provider_that_is_silent_about_the_account_and_about_its_revocation_is_given_up_in_time() {
    for way in WAYS {
        let provider = Provider::start(Script { silent: &["/userinfo", "/revoke"], ..Script::default() });
        let home = Home::at(&provider.authority);
        let began = clock::now();
        let ran = sign_in(&home, way);
        let took = began.until(clock::now());
        assert!(took < Duration::from_secs(32), "{way}: {took:?}");
        let again = "the next login or logout of the profile tries again";
        assert!(ran.code == 7 && ran.stdout.contains(again), "{way}: {ran:?}");
        assert_eq!(home.record("work").to_revoke.len(), 1, "{way}");
    }
}

/// It is of nobody knows whom, and others may live on it.
#[test]
fn a_sign_in_tells_of_what_an_earlier_import_got_that_it_takes_the_place_of() {
    for is_signed_in in [false, true] {
        let token = ["RT-1", "RT-2"].map(replacing).into();
        let provider = Provider::start(Script { token, userinfo: refused(), ..Script::default() });
        let home = Home::at(&provider.authority);
        if is_signed_in {
            home.sign_in(&provider.authority, |_| ());
        }
        assert_eq!(home.run_with(&[&["login", "--import"][..], &EXPECTED].concat(), "RT-0\n").code, 1);
        let signed_in = home.run(&["login"]);
        let told = "The grant that an earlier import got stays valid at the provider until it is revoked there.";
        assert!(signed_in.code == 0 && signed_in.stderr.contains(told), "{signed_in:?}");
        let before = "The grant of the sign-in before stays valid";
        assert_eq!(signed_in.stderr.contains(before), is_signed_in, "{signed_in:?}");
        let record = home.record("work");
        let left = (record.used_up.is_none(), record.unrevoked.len(), provider.authority.count("/revoke"));
        assert_eq!(left, (true, 1 + usize::from(is_signed_in), 0));
    }
}

/// How an import is kept from finding out whose token it has.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unknown {
    Refused,
    WrongAccount,
    Killed,
}

/// To a provider that rotates, a token that it has replaced is that of a thief.
#[test]
fn an_imported_token_that_the_provider_has_replaced_is_never_sent_again() {
    let token = ["RT-1", "RT-2", "RT-3", "RT-4"].map(replacing).into();
    let provider = Provider::start(Script { token, ..Script::default() });
    let home = Home::at(&provider.authority);
    let other = home.configuration().replace("[profiles.work]", "[profiles.other]");
    let other = other.split("\n[providers").next().expect("a profile").to_owned();
    home.configure(&format!("{}\n{other}", home.configuration()));
    let import = |profile: &str| home.run_with(&["login", profile, "--import"], "RT-0\n");
    assert_eq!(import("work").code, 0);
    assert_eq!(import("work").code, 0);
    assert_eq!(home.run(&["refresh", "work"]).code, 0);
    import("other").failed(4, &["profile `work` was signed in with this refresh token", "have a new token made"]);
    assert_eq!(import("work").code, 0);
    assert_eq!(sent(&provider), ["RT-0", "RT-1", "RT-2", "RT-3"]);
    let record = home.record("work");
    assert!(record.unrevoked.is_empty() && record.to_revoke.is_empty(), "{record:?}");
}

/// What becomes of importing a token again on which the sign-in lives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Again {
    Good,
    WrongAccount,
    /// Nobody says whose it is.
    Unknown,
    Killed,
    Refused,
}

/// The sign-in that is in use is to survive all that its own refresh survives.
#[test]
fn importing_a_token_again_refreshes_the_sign_in_that_lives_on_it() {
    for how in [Again::Good, Again::WrongAccount, Again::Unknown, Again::Killed, Again::Refused] {
        // What came in the place of the imported one, or that itself.
        for (own, is_replaced) in [("RT-1", true), ("RT-0", false)] {
            let case = format!("{how:?} {own}");
            let refusal = json!({"error": "invalid_grant"});
            let userinfo = match how {
                Again::Unknown => refused(),
                Again::WrongAccount => [(200, account("mallory@example.com"))].into(),
                _ => VecDeque::new(),
            };
            let token = match how {
                Again::Refused => [refusal].into(),
                Again::Killed => [replacing("RT-2"), refusal].into(),
                _ => ["RT-2", "RT-3"].map(replacing).into(),
            };
            let held = (how == Again::Killed).then_some("/token");
            let provider = Provider::start(Script { token, userinfo, held, ..Script::default() });
            let home = Home::at(&provider.authority);
            home.sign_in(&provider.authority, |grant| {
                (grant.refresh_token, grant.is_own) = (Some(Secret::new(own)), false);
                if is_replaced {
                    grant.note_replaced(&Secret::new("RT-0"));
                }
            });
            let given = home.write("given", "RT-0\n");
            let mut import = home.command(&[&["login", "--import"][..], &EXPECTED].concat());
            import.stdin(std::fs::File::open(given).expect("it was written"));
            let mut import = import.spawn().expect("the program starts");
            if how == Again::Killed {
                provider.wait_until_asked();
                import.kill().expect("it runs");
                provider.answer.send(()).expect("the provider still waits");
            }
            let import = ran(import);
            assert_eq!(import.code == 0, how == Again::Good, "{case}: {import:?}");
            let stays = matches!(how, Again::WrongAccount | Again::Unknown);
            assert_eq!(import.stderr.contains("stays as it is"), stays, "{case}: {import:?}");
            let record = home.record("work");
            assert!(record.used_up.is_none() && record.unrevoked.is_empty() && record.to_revoke.is_empty(), "{case}");
            let refreshed = home.run(&["refresh"]);
            let (code, told, tokens) = match how {
                Again::Good | Again::WrongAccount | Again::Unknown => (0, "", vec![own, "RT-2"]),
                Again::Killed => (4, "the answer to a refresh got lost before", vec![own, own]),
                Again::Refused => (4, "refused", vec![own]),
            };
            assert_eq!(
                (refreshed.code, sent(&provider)),
                (code, tokens.iter().map(|&token| token.into()).collect()),
                "{case}: {refreshed:?}"
            );
            assert!(refreshed.stderr.contains(told), "{case}: {refreshed:?}");
            assert_eq!(home.run(&["status", "--check"]).code, if code == 0 { 0 } else { 2 }, "{case}");
        }
    }
}

/// A provider that rotates ends a sign-in once it gets a token for the second time.
#[test]
fn no_refresh_token_is_sent_twice_whoever_signed_in_and_whatever_is_imported_again() {
    for is_own in [true, false] {
        for steps in [
            &["import RT-0", "import RT-0", "import RT-0"][..],
            &["refresh", "import RT-0", "import RT-0", "import RT-1", "import RT-2"],
            &["refresh", "refresh", "import RT-1", "import RT-1", "import RT-0"],
            &["refresh", "file RT-0", "file RT-0"],
            &["refresh", "refresh", "other RT-0", "other RT-1", "import RT-2", "other RT-2"],
        ] {
            let case = format!("{is_own} {steps:?}");
            let token = (1..9).map(|next| replacing(&format!("RT-{next}"))).collect();
            let provider = Provider::start(Script { token, ..Script::default() });
            let home = Home::at(&provider.authority);
            let other = "[profiles.other]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n";
            home.configure(&format!("{}{other}", home.configuration()));
            home.sign_in(&provider.authority, |grant| {
                (grant.refresh_token, grant.is_own) = (Some(Secret::new("RT-0")), is_own);
            });
            let mut asked = 0;
            for step in steps {
                let ran = match step.split_once(' ') {
                    None => home.run(&[step, "work"]),
                    // It brings a secret of the client.
                    Some(("file", token)) => {
                        let lines = [
                            "ZOHO_CLIENT_ID=client-1",
                            "ZOHO_CLIENT_SECRET=sentinel-secret",
                            &format!("ZOHO_REFRESH_TOKEN={token}"),
                        ];
                        let file = home.write("app.env", &lines.join("\n")).display().to_string();
                        home.run(&["login", "work", "--import", "--env-file", &file])
                    }
                    Some(("import", token)) => home.run_with(&["login", "work", "--import"], token),
                    Some((other, token)) => home.run_with(&["login", other, "--import"], token),
                };
                let is_refused = step.starts_with("other");
                assert_eq!(ran.code, if is_refused { 4 } else { 0 }, "{case}, {step}: {ran:?}");
                asked += usize::from(!is_refused);
            }
            assert_eq!(sent(&provider), (0..asked).map(|of| format!("RT-{of}")).collect::<Vec<_>>(), "{case}");
        }
    }
}

/// The answer to the import need not bring one (RFC 6749 §6), and that of a refresh may.
#[test]
fn an_imported_token_that_a_refresh_has_replaced_is_never_sent_again() {
    let mut same = token("Bearer");
    same.as_object_mut().expect("an object").remove("refresh_token");
    let token = [same, replacing("RT-1"), replacing("RT-2")].into();
    let provider = Provider::start(Script { token, ..Script::default() });
    let home = Home::at(&provider.authority);
    let other = "[profiles.other]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n";
    home.configure(&format!("{}{other}", home.configuration()));
    let import = |profile: &str| home.run_with(&["login", profile, "--import"], "RT-0\n");
    assert_eq!(import("work").code, 0);
    assert_eq!(home.run(&["refresh", "work"]).code, 0);
    import("other").failed(4, &["profile `work` was signed in with this refresh token", "have a new token made"]);
    let code = home.run(&["login", "work", "--no-wait"]);
    assert!(home.record("work").pending.is_some(), "{code:?}");
    let again = import("work");
    assert!(again.code == 0 && !again.stderr.contains("stays valid"), "{again:?}");
    assert_eq!(home.record("work").pending, None);
    assert_eq!(sent(&provider), ["RT-0", "RT-0", "RT-1"]);
}

#[test]
fn what_took_the_place_of_an_imported_token_is_kept_until_it_is_known_whose_it_is() {
    for how in [Unknown::Refused, Unknown::WrongAccount, Unknown::Killed] {
        for is_replaced in [true, false] {
            for then in ["import", "logout", "logout --local"] {
                let answer = |next| replacing(if is_replaced { next } else { "RT-0" });
                let userinfo = match how {
                    Unknown::Refused => refused(),
                    Unknown::WrongAccount => [(200, account("mallory@example.com"))].into(),
                    Unknown::Killed => VecDeque::new(),
                };
                let held = (how == Unknown::Killed).then_some("/userinfo");
                let token = [answer("RT-1"), answer("RT-2")].into();
                let provider = Provider::start(Script { token, userinfo, held, ..Script::default() });
                let home = Home::at(&provider.authority);
                let case = format!("{how:?}, {is_replaced}, {then}");
                let given = home.write("given", "RT-0\n");
                let import = || {
                    let mut command = home.command(&[&["login", "--import"][..], &EXPECTED].concat());
                    command.stdin(std::fs::File::open(&given).expect("it was written"));
                    command.spawn().expect("the program starts")
                };
                let mut child = import();
                if how == Unknown::Killed {
                    provider.wait_until_asked();
                    child.kill().expect("it runs");
                    let _ = child.wait();
                    provider.answer.send(()).expect("the provider still waits");
                } else {
                    let ran = ran(child);
                    assert_eq!(ran.code, 1, "{case}: {ran:?}");
                    // Importing it for the same account would fail anew.
                    let is_told = ran.stderr.contains("import the same token again, which goes on with what is kept");
                    assert_eq!(is_told, is_replaced && how == Unknown::Refused, "{case}: {ran:?}");
                    let other = ran.stderr.contains("import a token of `dana@example.com`, or expect no account");
                    assert_eq!(other, how == Unknown::WrongAccount, "{case}: {ran:?}");
                    assert_eq!(ran.stderr.contains("nothing was saved"), !is_replaced, "{case}: {ran:?}");
                }
                home.run(&["token"]).failed(4, &[]);
                if then != "import" {
                    assert_eq!(home.run(&then.split(' ').chain(["work"]).collect::<Vec<_>>()).code, 0, "{case}");
                    let revoked =
                        provider.authority.log().iter().filter(|asked| asked.body.contains("token=RT-1")).count();
                    let is_told = is_replaced && then == "logout";
                    assert_eq!(
                        (provider.authority.count("/revoke"), revoked),
                        (is_told.into(), is_told.into()),
                        "{case}"
                    );
                    let left = home.store().load(&"work".parse().expect("a name")).expect("it can be read");
                    assert!(left.is_none_or(|record| record.tokens().next().is_none()), "{case}");
                    continue;
                }
                if is_replaced {
                    home.run(&["profile", "remove", "work"])
                        .failed(2, &["is not revoked yet", "logout work` to revoke it"]);
                }
                let again = ran(import());
                assert_eq!(again.code, 0, "{case}: {again:?}");
                let log = provider.authority.log();
                let sent = log.iter().rfind(|asked| asked.path == "/token").expect("it was asked");
                assert!(sent.body.contains(if is_replaced { "RT-1" } else { "RT-0" }), "{case}: {}", sent.body);
                let record = home.record("work");
                assert!(
                    record.used_up.is_none() && record.unrevoked.is_empty() && record.to_revoke.is_empty(),
                    "{case}"
                );
                assert_eq!(provider.authority.count("/revoke"), 0, "{case}");
            }
        }
    }
}

#[test]
fn what_is_kept_of_an_import_counts_and_is_told_as_a_grant_that_waits() {
    let provider =
        Provider::start(Script { token: [replacing("RT-1")].into(), userinfo: refused(), ..Script::default() });
    let home = Home::at(&provider.authority);
    let other = "[profiles.other]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n";
    home.configure(&format!("default_profile = \"work\"\n{}{other}", home.configuration()));
    let import = home.run_with(&[&["login", "--import"][..], &EXPECTED].concat(), "RT-0");
    import.failed(1, &["what came in its place is kept"]);
    let elsewhere = format!("{}/revoke/2", provider.authority.origin());
    home.configure(&home.configuration().replace(&format!("{}/revoke", provider.authority.origin()), &elsewhere));
    for (arguments, stdin, code, told) in [
        (&["status"][..], "", 0, "importing the same token again goes on with it, and a logout revokes it"),
        (&["profile", "show", "work"], "", 0, "importing the same token again goes on with it"),
        (&["doctor"], "", 1, "signed out, but a grant of it is not revoked yet"),
        (&["login", "--import", "other"], "RT-1", 0, "profile `work` has the same refresh token"),
        (&["profile", "edit", "work", "--accept-endpoints"], "", 0, "/revoke/2 now"),
        (&["logout", "work"], "", 0, "Revoked"),
    ] {
        let ran = home.run_with(arguments, stdin);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(ran.stdout.contains(told) || ran.stderr.contains(told), "{arguments:?}: {ran:?}");
    }
    let revoked = provider.authority.log();
    let revoked: Vec<_> = revoked.iter().filter(|asked| asked.path.starts_with("/revoke")).collect();
    assert!(revoked.len() == 1 && revoked[0].body.contains("RT-1"), "{revoked:?}");
}

#[test]
fn an_import_that_fails_says_whether_what_came_in_the_place_of_the_token_is_kept() {
    for (expected, held, told, next) in [
        (&EXPECTED[..], "/userinfo", "import the same token again, which goes on with what is kept", "RT-1"),
        (&[], "/token", "have a new token made where that one came from", "RT-0"),
    ] {
        let script = Script { token: [replacing("RT-1")].into(), held: Some(held), ..Script::default() };
        let provider = Provider::start(script);
        let home = Home::at(&provider.authority);
        let given = home.write("given", "RT-0\n");
        let mut import = home.command(&[&["login", "--import"][..], expected].concat());
        import.stdin(std::fs::File::open(given).expect("it was written"));
        let import = import.spawn().expect("the program starts");
        provider.wait_until_asked();
        let configured = home.configuration();
        home.configure(&configured.replace("client-1", "client-2"));
        provider.answer.send(()).expect("the provider still waits");
        ran(import).failed(2, &["cannot be kept", told]);
        home.configure(&configured);
        assert_eq!(home.run_with(&["login", "--import"], "RT-0").code, 0, "{held}");
        assert_eq!(sent(&provider), ["RT-0", next], "{held}");
    }
}

/// A token is for the server that gave it, and for the client that it was given to.
#[test]
fn what_is_kept_of_an_import_is_sent_to_its_own_server_by_its_own_client() {
    let owned = |tokens: &[&str]| tokens.iter().map(|token| (*token).to_owned()).collect::<Vec<_>>();
    // What changes before the second import, what the server gets, what another one, and how many grants are left to the provider.
    for (change, own, others, left) in [
        ("", &["RT-0", "RT-1", "RT-2"][..], &[][..], 0),
        ("the client, before the first", &["RT-9", "RT-0", "RT-2", "RT-3"], &[], 1),
        ("the server", &["RT-0"], &["RT-0", "RT-1"], 1),
        ("the client", &["RT-0", "RT-0", "RT-2"], &[], 1),
    ] {
        let start = |refusals| {
            let token = (1..5).map(|next| replacing(&format!("RT-{next}"))).collect();
            let userinfo = refused().into_iter().cycle().take(refusals).collect();
            Provider::start(Script { token, userinfo, ..Script::default() })
        };
        let has_begun = change.ends_with("first");
        let (provider, other) = (start(2 + usize::from(has_begun)), start(1));
        let home = Home::at(&provider.authority);
        let configured = home.configuration();
        let of_another_client = configured.replace("client-1", "client-2");
        if has_begun {
            assert_eq!(home.run_with(&["login", "--import"], "RT-9").code, 0);
            home.configure(&of_another_client);
        }
        let import = || home.run_with(&[&["login", "--import"][..], &EXPECTED].concat(), "RT-0");
        import().failed(1, &["what came in its place is kept"]);
        match change {
            "the server" => {
                home.configure(&configured.replace(&provider.authority.origin(), &other.authority.origin()));
            }
            "the client" => home.configure(&of_another_client),
            _ => {}
        }
        import().failed(1, &["what came in its place is kept"]);
        let last = import();
        assert_eq!(last.code, 0, "{change}: {last:?}");
        assert_eq!((sent(&provider), sent(&other)), (owned(own), owned(others)), "{change}");
        assert_eq!(home.record("work").unrevoked.len(), left, "{change}");
    }
}

#[test]
fn what_is_kept_of_an_import_is_given_up_once_the_provider_refuses_it() {
    for (word, told, next) in [
        ("invalid_grant", "have a new token made where that one came from", "RT-0"),
        ("invalid_client", "client", "RT-1"),
    ] {
        let token = [replacing("RT-1"), json!({"error": word})].into();
        let provider = Provider::start(Script { token, userinfo: refused(), ..Script::default() });
        let home = Home::at(&provider.authority);
        let configured = home.configuration();
        home.configure(&format!("{configured}client_authentication = \"body\"\n"));
        let import = || home.run_with(&[&["login", "--import"][..], &EXPECTED].concat(), "RT-0");
        import().failed(1, &["what came in its place is kept"]);
        let refused = import();
        assert!(refused.code != 0 && refused.stderr.contains(told), "{word}: {refused:?}");
        assert_eq!(import().code, 0, "{word}");
        let sent = sent(&provider);
        assert_eq!((&*sent[1], sent.last().map(|token| &**token)), ("RT-1", Some(next)), "{word}: {sent:?}");
    }
}

/// A service on the store of this home, with something that hears each call of it.
fn service(home: &Home, hear: impl Fn(&'static str) -> Result<(), StoreError> + Send + Sync + 'static) -> Service {
    let address = StoreAddress::File(home.path("state"));
    let watched = Watched::new(backend(&address, None), Arc::new(hear));
    let config = Config::load(&home.path("config.toml")).expect("it is sound");
    let store = open_over(Arc::new(watched), &address, key_options(home));
    Service::new(config, store, Client::new(None), Box::new(|_| None))
}

/// Revoking it might end the sign-in that was kept instead, so it waits for the logout, and nobody would find it without a record.
#[test]
fn an_approval_that_another_sign_in_took_the_place_of_is_noted_or_told_as_one_that_lives_on() {
    for is_gone in [false, true] {
        let provider = Provider::start(Script { held: Some("/token"), ..Script::default() });
        let home = Home::at(&provider.authority);
        let kept = Arc::new(AtomicUsize::new(0));
        let (holds, state) = (Arc::clone(&kept), home.path("state"));
        let service = service(&home, move |call| {
            // First it is looked at whether the approval is still waited for.
            let is_second = || holds.fetch_add(1, Ordering::SeqCst) == 2;
            if call == "hold" && holds.load(Ordering::SeqCst) > 0 && is_second() && is_gone {
                for name in ["work.record", "work.record.prev"] {
                    let _ = std::fs::remove_file(state.join(name));
                }
            }
            Ok(())
        });
        let login = std::thread::spawn(move || {
            let profile = service.config.profile(None).expect("it is configured").clone();
            let nobody = Presence::default();
            let signing_in = service.sign_in(&profile, SignIn::default(), |_| {}, &nobody);
            crate::support::runtime().block_on(signing_in)
        });
        provider.wait_until_asked();
        home.sign_in(&provider.authority, |grant| grant.refresh_token = Some(Secret::new("RT-0")));
        kept.store(1, Ordering::SeqCst);
        provider.answer.send(()).expect("the provider still waits");
        let signed_in = login.join().expect("it does not panic");
        assert_eq!(provider.authority.count("/revoke"), 0, "{is_gone}: {signed_in:?}");
        match signed_in {
            Ok(signed_in) => {
                assert!(!is_gone && signed_in.is_some());
                let waits: Vec<_> = home.record("work").to_revoke.into_iter().map(|note| note.token).collect();
                assert_eq!(waits, [Secret::new(REFRESH_TOKEN)]);
            }
            Err(error) => {
                let why = "the grant was not revoked: the profile has no record any more in which it would wait for the logout";
                assert!(is_gone && error.to_string().contains(why), "{error:?}");
                let by_hand = |advice: &Advice| matches!(advice, Advice::Words(words) if words.contains("remove the access by hand"));
                assert!(error.advice.iter().any(by_hand), "{error:?}");
            }
        }
    }
}

/// The sign-in is good, and who goes on with the code is told.
#[test]
fn an_import_that_cannot_give_up_the_code_that_waits_is_good_and_says_so() {
    for fails in [false, true] {
        let provider = Provider::start(Script { token: [replacing("RT-1")].into(), ..Script::default() });
        let home = Home::at(&provider.authority);
        home.sign_in(&provider.authority, |grant| grant.refresh_token = Some(Secret::new("RT-0")));
        assert_eq!(home.run(&["login", "--no-wait", "work"]).code, 8);
        let has_answered = Arc::new(AtomicBool::new(false));
        let answered = Arc::clone(&has_answered);
        let service = service(&home, move |call| match call {
            // The answer is kept under a right that was there before.
            "replace" => {
                answered.store(true, Ordering::SeqCst);
                Ok(())
            }
            "hold" if fails && answered.load(Ordering::SeqCst) => {
                Err(StoreError::KeyUnavailable("it is gone".to_owned()))
            }
            _ => Ok(()),
        });
        let import = Import::into_profile(service.config.profile(None).expect("it is configured"), Secret::new("RT-0"));
        let imported = crate::support::runtime().block_on(service.import(import, SignIn::default()));
        let (_, signed_in) = imported.expect("the token is good");
        let told: Vec<_> = signed_in
            .warnings
            .iter()
            .filter(|warning| warning.contains("the code that waits could not be given up"))
            .collect();
        assert_eq!(told.len(), usize::from(fails), "{:?}", signed_in.warnings);
        let record = home.record("work");
        assert_eq!(record.pending.is_some(), fails);
        assert_eq!(record.grant.and_then(|grant| grant.refresh_token), Some(Secret::new("RT-1")));
    }
}

#[test]
fn a_signal_never_calls_a_code_waiting_that_is_used_up() {
    for path in ["/userinfo", "/revoke"] {
        let wrong = [(200, account("mallory@example.com"))].into();
        let provider = Provider::start(Script { userinfo: wrong, held: Some(path), ..Script::default() });
        let home = Home::at(&provider.authority);
        let mut child = home.spawn(&[&["login", "--json"][..], &EXPECTED].concat());
        provider.wait_until_asked();
        send("-TERM", &child);
        wait_until_told(&mut child);
        provider.answer.send(()).expect("the provider still waits");
        let ended = ran(child);
        assert_eq!((ended.code, ended.stdout.contains("approved instead of")), (1, true), "{path}: {ended:?}");
        assert!(home.record("work").pending.is_none() && provider.revoked() == 1, "{path}: {ended:?}");
    }
}

#[test]
fn an_account_is_known_by_its_id_or_a_verified_address_and_by_no_name() {
    let github = json!({"id": 583_231, "login": "octocat", "email": null});
    let named = json!({"sub": "u-1", "preferred_username": "octocat", "name": "dana@example.com"});
    let unverified = json!({"sub": "u-1", "email": "dana@example.com", "email_verified": false});
    let verified = json!({"sub": "u-1", "email": "dana@example.com", "name": "octocat"});
    for (account, expected, is_right) in [
        (&github, "583231", true),
        (&github, "octocat", false),
        (&named, "u-1", true),
        (&named, "octocat", false),
        (&named, "dana@example.com", false),
        (&unverified, "dana@example.com", false),
        (&verified, "Dana@example.com", true),
        (&verified, "octocat", false),
    ] {
        let provider = Provider::start(Script { userinfo: [(200, account.to_string())].into(), ..Script::default() });
        let ran = Home::at(&provider.authority).run(&["login", "--plain", "--expect-account", expected]);
        assert_eq!(ran.code, i32::from(!is_right), "{account} {expected}: {ran:?}");
        if !is_right && account != &verified {
            let id = account.get("id").or(account.get("sub")).map(|id| id.to_string().replace('"', ""));
            let told = format!("(id `{}`) approved instead of `{expected}`", id.expect("an id"));
            assert!(ran.stderr.contains(&told) && ran.stderr.contains("may choose a name"), "{ran:?}");
        }
    }
}
