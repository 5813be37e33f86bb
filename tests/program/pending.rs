//! Sign-ins that nobody waits for: begun by `login --no-wait` or left behind, gone on with by `--resume` and the agent.

mod keeping;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use device_login::clock::{self, Moment};
use device_login::profile::ProfileName;
use device_login::secret::Secret;
use device_login::storage::{PendingId, PendingSignIn, Record, StoreAddress, open};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::interrupts::{has_open, send};
use crate::support::authority::{Asked, Authority};
use crate::support::faults::{Act, Extent, Failures, Fault, Point, each, faults, points, strike};
use crate::support::program::{Home, REFRESH_TOKEN, Ran, configuration, key_options, ran};

const TOKEN: &str = "sentinel-access-2-0123456789";
/// Seconds between two polls.
const INTERVAL: u64 = 1;
const PATIENCE: Duration = Duration::from_secs(60);

/// A provider of which the test says what became of the codes.
struct Provider {
    authority: Authority,
    state: Arc<Mutex<State>>,
}

type Happening = Box<dyn FnOnce() + Send>;

struct State {
    /// What happens once while a request to this path is out.
    meanwhile: Option<(&'static str, Happening)>,
    /// What a poll is told, if not that a code waits.
    error: Option<&'static str>,
    /// A poll without this in its body is told that the client is unknown.
    secret: &'static str,
    /// What a poll is told cannot be read, so that the tokens may have been in it.
    loses_answers: bool,
    /// Nobody is given a code.
    gives_no_code: bool,
    is_approved: bool,
    /// The code that the last approval came for.
    used: Option<String>,
    /// What a poll for that one is told.
    used_is: &'static str,
    lifetime: u64,
    codes: u32,
    /// When it was polled, and for which code.
    polls: Vec<(Moment, String)>,
}

impl Provider {
    fn start() -> Self {
        let state = State {
            meanwhile: None,
            error: None,
            secret: "",
            loses_answers: false,
            gives_no_code: false,
            is_approved: false,
            used: None,
            used_is: "invalid_grant",
            lifetime: 300,
            codes: 0,
            polls: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let answers = Arc::clone(&state);
        let authority = Authority::start(move |asked| {
            let mut state = answers.lock().expect("no answer panics");
            let meanwhile = state.meanwhile.take_if(|(path, _)| asked.path == *path);
            if let Some((_, happens)) = meanwhile {
                drop(state);
                happens();
                state = answers.lock().expect("no answer panics");
            }
            state.answer(asked)
        });
        Self { authority, state }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no answer panics"));
    }

    fn approve(&self) {
        self.change(|state| state.is_approved = true);
    }

    /// Approves, and has this happen before the poll is answered that brings the approval.
    fn approve_while(&self, happens: impl FnOnce() + Send + 'static) {
        self.change(|state| {
            state.is_approved = true;
            state.meanwhile = Some(("/token", Box::new(happens)));
        });
    }

    /// Has this happen before a code is given out.
    fn before_the_code(&self, happens: impl FnOnce() + Send + 'static) {
        self.change(|state| state.meanwhile = Some(("/device", Box::new(happens))));
    }

    fn codes(&self) -> u32 {
        self.state.lock().expect("no answer panics").codes
    }

    fn polls(&self) -> usize {
        self.state.lock().expect("no answer panics").polls.len()
    }

    /// Waits until it was polled so often.
    #[track_caller]
    fn wait_for_polls(&self, count: usize) {
        wait_until(|| self.polls() >= count);
    }

    /// No code was asked for sooner than it may be.
    #[track_caller]
    fn was_left_alone(&self) {
        let polls = self.state.lock().expect("no answer panics").polls.clone();
        for (one, next) in polls.iter().zip(polls.iter().skip(1)).filter(|((_, one), (_, next))| one == next) {
            let apart = next.0 - one.0;
            assert!(apart >= Duration::from_secs(INTERVAL), "{apart:?} apart: {polls:?}");
        }
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> (u16, String) {
        let body = match asked.path.as_str() {
            "/device" if self.gives_no_code => return (503, "<html>".to_owned()),
            "/device" => {
                self.codes += 1;
                json!({
                    "device_code": format!("sentinel-device-code-{}", self.codes),
                    "user_code": format!("CODE-{}", self.codes), "interval": INTERVAL, "expires_in": self.lifetime,
                    "verification_uri": format!("{}/page", asked.origin()),
                })
            }
            "/token" => {
                let code = asked.body.split("device_code=").nth(1).unwrap_or_default();
                let code = code.split('&').next().unwrap_or_default();
                self.polls.push((clock::now(), code.to_owned()));
                let of_later = code.rsplit('-').next().filter(|number| *number != "1").unwrap_or_default();
                let unknown = (!asked.body.contains(self.secret)).then_some("invalid_client");
                // Codes work once.
                let used = (self.used.as_deref() == Some(code)).then_some(self.used_is);
                match unknown.or(self.error).or(used) {
                    _ if self.loses_answers => return (200, "<html>".to_owned()),
                    Some(error) => return (400, json!({"error": error}).to_string()),
                    None if self.is_approved => {
                        self.used = Some(code.to_owned());
                        let [access, refresh] = [TOKEN, REFRESH_TOKEN].map(|token| token.to_owned() + of_later);
                        json!({"access_token": access, "expires_in": 3600, "refresh_token": refresh})
                    }
                    None => return (400, json!({"error": "authorization_pending"}).to_string()),
                }
            }
            "/revoke" => return (200, String::new()),
            _ => json!({"sub": "77", "email": "dana@example.com", "name": "Dana"}),
        };
        (200, body.to_string())
    }
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let end = clock::now() + PATIENCE;
    while !is_so() {
        assert!(clock::now() < end, "it never comes");
        thread::yield_now();
    }
}

/// Waits until the program has said this. What is given back keeps it able to speak.
fn wait_until_told(child: &mut Child, part: &str) -> BufReader<ChildStderr> {
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    read_until_told(&mut stderr, part);
    stderr
}

fn read_until_told(stderr: &mut BufReader<ChildStderr>, part: &str) {
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("stderr is read") > 0, "it never says {part:?}");
    }
}

fn begun() -> (Provider, Home) {
    begun_with(|_| ())
}

fn begun_with(change: impl FnOnce(&Home)) -> (Provider, Home) {
    let provider = Provider::start();
    let home = Home::at(&provider.authority);
    change(&home);
    let ran = home.run(&["login", "--no-wait"]);
    ran.failed(8, &["Enter this code: CODE-1", "/page", "run `device-login login work --resume` to go on with it"]);
    (provider, home)
}

fn work() -> ProfileName {
    "work".parse().expect("a name")
}

fn record(home: &Home) -> Option<Box<Record>> {
    home.store().load(&work()).expect("the store can be read")
}

fn pending(home: &Home) -> Option<PendingSignIn> {
    record(home).and_then(|record| record.pending).map(|pending| *pending)
}

fn change_pending(home: &Home, change: impl FnOnce(&mut PendingSignIn)) {
    let mut held = home.store().hold(&work(), PATIENCE).expect("nobody holds it for long");
    let mut record = held.load().expect("it can be read").expect("there is one");
    change(record.pending.as_mut().expect("one is pending"));
    held.commit(&mut record).expect("it is kept");
    held.release();
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().expect("each line is an event")).collect()
}

#[test]
fn a_code_that_nobody_waits_for_is_told_again_and_gone_on_with() {
    let (provider, home) = begun();
    let again = home.run(&["login", "--no-wait"]);
    again.failed(8, &["Enter this code: CODE-1", "The code is good for"]);
    let again = home.run(&["login", "--no-wait", "--json"]);
    let lines = again.json_lines();
    assert_eq!((again.code, events(&lines)), (8, vec!["code_issued"]), "{again:?}");
    let code = &lines[0];
    assert_eq!(
        (&code["profile"], &code["user_code"], &code["interval"]),
        (&json!("work"), &json!("CODE-1"), &json!(1))
    );
    let left = code["expires_in"].as_u64().expect("seconds");
    assert!((200..=300).contains(&left) && code["expires_at"].is_string(), "{code}");
    assert_eq!((provider.codes(), provider.polls()), (1, 0));

    let once = home.run(&["login", "--resume", "--no-wait"]);
    once.failed(8, &["CODE-1", "Not approved yet"]);
    assert_eq!(provider.polls(), 1);
    let once = home.run(&["login", "--resume", "--no-wait", "--json"]);
    assert_eq!((once.code, events(&once.json_lines())), (8, vec!["code_issued", "pending"]), "{once:?}");
    assert_eq!(provider.polls(), 2);

    provider.approve();
    let resumed = home.run(&["login", "--resume", "--json"]);
    assert_eq!((resumed.code, events(&resumed.json_lines())), (0, vec!["code_issued", "signed_in"]), "{resumed:?}");
    home.run(&["token"]).worked(&format!("{TOKEN}\n"));
    home.run(&["login", "--resume"]).failed(4, &["no sign-in of profile `work` is pending", "device-login login work"]);
    provider.was_left_alone();
    assert_eq!(provider.codes(), 1);
}

#[test]
fn a_poll_that_is_wanted_in_another_form_is_no_answer_that_nobody_has_approved() {
    for (status, body, form) in [
        (401, json!({"error": "invalid_client"}), "authorization: Basic"),
        (401, Value::Null, "authorization: Basic"),
        (415, json!({"message": "no form"}), "device_code="),
    ] {
        let is_refused = move |asked: &Asked| asked.headers.contains(form) || asked.body.contains(form);
        let pending = |error: &str| (400, json!({ "error": error }).to_string());
        let provider = Authority::start(move |asked| match asked.path.as_str() {
            "/token" if is_refused(asked) => (status, body.to_string()),
            "/token" => pending("authorization_pending"),
            _ => {
                let uri = format!("{}/page", asked.origin());
                let code = json!({"device_code": "sentinel-device-code", "user_code": "CODE", "verification_uri": uri,
                    "interval": INTERVAL, "expires_in": 300});
                (200, code.to_string())
            }
        });
        let home = Home::at(&provider);
        let run = |arguments: &[&str]| {
            let mut command = home.command(arguments);
            ran(command.env("DEVICE_LOGIN_CLIENT_SECRET", "sentinel-secret").spawn().expect("the program starts"))
        };
        assert_eq!(run(&["login", "--no-wait"]).code, 8, "{status}");
        let once = run(&["login", "--resume", "--no-wait", "--json"]);
        assert_eq!((once.code, events(&once.json_lines())), (8, vec!["code_issued", "pending"]), "{once:?}");
        assert_eq!(provider.count("/token"), 2, "{status}: each form is tried once");
    }
}

#[test]
fn nothing_pending_is_4_and_asks_nobody() {
    let provider = Provider::start();
    let home = Home::at(&provider.authority);
    for arguments in [&["login", "--resume"][..], &["login", "--resume", "--no-wait"]] {
        home.run(arguments).failed(4, &["no sign-in of profile `work` is pending"]);
    }
    let ran = home.run(&["login", "--resume", "--json"]);
    assert_eq!((ran.code, &ran.json()["error"]["code"]), (4, &json!("sign_in_needed")), "{ran:?}");
    assert_eq!(provider.authority.log().len(), 0);
}

#[test]
fn each_end_has_its_exit_code_and_is_told_once() {
    for (error, code) in [("access_denied", 5), ("expired_token", 6)] {
        let (provider, home) = begun();
        provider.change(|state| state.error = Some(error));
        assert_eq!(home.run(&["login", "--resume"]).code, code, "{error}");
        assert_eq!(home.run(&["login", "--resume"]).code, 4, "{error}");
        assert_eq!(home.run(&["login", "--no-wait"]).code, 8, "{error}");
        assert_eq!(provider.codes(), 2);
    }
}

#[test]
fn a_code_that_has_ended_is_asked_for_once_more_by_resume_and_replaced_by_others() {
    let provider = Provider::start();
    provider.change(|state| state.lifetime = 1);
    let home = Home::at(&provider.authority);
    assert_eq!(home.run(&["login", "--no-wait"]).code, 8);
    let left = || pending(&home).expect("it is kept").left(&device_login::storage::Clocks::now());
    wait_until(|| left().is_zero());
    assert_eq!(home.run(&["login", "--resume"]).code, 6);
    assert_eq!((provider.polls(), provider.codes()), (1, 1));
    assert_eq!(home.run(&["login", "--no-wait"]).code, 8);
    wait_until(|| left().is_zero());
    provider.change(|state| state.lifetime = 300);
    home.run(&["login", "--no-wait"]).failed(8, &["CODE-3"]);
    assert_eq!((provider.polls(), provider.codes()), (1, 3));
}

/// A sign-in that was polled once.
fn polled(arguments: &[&str]) -> (Provider, Home, Child) {
    let provider = Provider::start();
    let home = Home::at(&provider.authority);
    let child = home.spawn(arguments);
    provider.wait_for_polls(1);
    (provider, home, child)
}

#[test]
fn who_loses_the_terminal_or_is_killed_can_go_on_and_who_gives_up_cannot() {
    for (signal, goes_on) in [("-HUP", true), ("-TERM", true), ("-KILL", true), ("-INT", false), ("-QUIT", false)] {
        for arguments in [&["login", "--plain"][..], &["login", "--json"]] {
            let (provider, home, child) = polled(arguments);
            send(signal, &child);
            let _ = ran(child);
            provider.approve();
            let resumed = home.run(&["login", "--resume"]);
            assert_eq!(resumed.code, if goes_on { 0 } else { 4 }, "{signal} {arguments:?}: {resumed:?}");
            provider.was_left_alone();
            assert_eq!((provider.codes(), pending(&home).is_some()), (1, false), "{signal} {arguments:?}");
        }
    }
}

#[test]
fn who_goes_on_with_a_code_of_before_only_stops_waiting() {
    for signal in ["-INT", "-QUIT", "-TERM"] {
        for arguments in [&["login", "--resume", "--plain"][..], &["login", "--resume", "--json"]] {
            let (provider, home) = begun();
            let child = home.spawn(arguments);
            provider.wait_for_polls(1);
            send(signal, &child);
            let _ = ran(child);
            provider.approve();
            let resumed = home.run(&["login", "--resume"]);
            assert_eq!((resumed.code, provider.codes()), (0, 1), "{signal} {arguments:?}: {resumed:?}");
        }
    }
}

#[test]
fn a_time_limit_gives_up_the_own_code_and_leaves_a_resumed_one() {
    let (provider, home, child) = polled(&["login", "--plain", "--timeout", "10s"]);
    assert_eq!(ran(child).code, 6);
    assert_eq!(pending(&home), None);
    assert_eq!(home.run(&["login", "--no-wait"]).code, 8);
    let limited = home.run(&["login", "--resume", "--timeout", "1s"]);
    limited.failed(6, &["login work --resume` to go on with it"]);
    provider.approve();
    assert_eq!(home.run(&["login", "--resume"]).code, 0);
    assert_eq!(provider.codes(), 2);
}

#[test]
fn an_answer_that_got_lost_is_told_whatever_ends_the_sign_in() {
    const LOST: &str = "an answer of the provider got lost before that, and may have had the tokens";
    let told_at_the_end = |(arguments, is_lost, code, said): (&[&str], bool, i32, &str)| {
        let renews = arguments.contains(&"--renew");
        let provider = Provider::start();
        provider.change(|state| {
            state.loses_answers = is_lost;
            state.lifetime = if renews { 3 } else { 300 };
        });
        let home = Home::at(&provider.authority);
        let mut child = home.spawn(arguments);
        provider.wait_for_polls(1);
        if renews {
            wait_until(|| provider.codes() == 2);
            provider.change(|state| state.loses_answers = false);
        }
        let begun = (code == 130).then(|| {
            let told = if renews { "CODE-2" } else { "CODE-1" };
            let stderr = wait_until_told(&mut child, if is_lost && !renews { "Trying again" } else { told });
            send("-INT", &child);
            stderr
        });
        let ran = ran(child);
        let mut rest = String::new();
        if let Some(mut stderr) = begun {
            stderr.read_to_string(&mut rest).expect("it is text");
        }
        let told = format!("{rest}{}{}", ran.stderr, ran.stdout);
        assert_eq!(
            (ran.code, told.contains(said), told.contains(LOST)),
            (code, true, is_lost),
            "{arguments:?}: {told}"
        );
        assert!(!is_lost || !told.contains("nobody") && !told.contains("before anyone"), "{arguments:?}: {told}");
    };
    let rows = [
        (&["login", "--plain", "--timeout", "10s"][..], true, 6, "no approval came within 10 seconds"),
        (&["login", "--plain", "--timeout", "10s"], false, 6, "no approval came within 10 seconds"),
        (&["login", "--json", "--timeout", "10s"], true, 6, "no approval came within 10 seconds"),
        (&["login", "--plain"], true, 130, "cancelled"),
        (&["login", "--plain"], false, 130, "cancelled; the code is worth nothing now"),
        (&["login", "--plain", "--renew", "1"], true, 6, "CODE-1 ran out"),
        (&["login", "--plain", "--renew", "2"], true, 130, "cancelled"),
    ];
    // Some of them wait for seconds.
    thread::scope(|scope| {
        for row in rows {
            scope.spawn(move || told_at_the_end(row));
        }
    });
}

#[test]
fn without_random_numbers_no_code_is_asked_for_and_what_lacks_them_is_told() {
    let mut ends = Vec::new();
    for number in 1..=6 {
        let (provider, home) = begun();
        let fault = Fault { point: Point::anywhere(number, "getrandom"), effect: "error=EAGAIN".to_owned() };
        let (_, ran) = strike(&home, &Act::new(&["login", "--no-wait", "--new-code"]), &fault);
        ends.push(ran.code);
        match ran.code {
            8 => assert_eq!(provider.codes(), 2, "{number}: {ran:?}"),
            1 | 9 => {
                ran.failed(ran.code, &["the system gives no random numbers", "in which this runs call `getrandom`"]);
                assert_eq!((pending(&home).is_some(), provider.codes()), (true, 1), "{number}: {ran:?}");
            }
            // The standard library wants its own, and has no other way.
            _ => assert!(ran.stderr.contains("/library/std/"), "{number}: {ran:?}"),
        }
    }
    assert!(ends.contains(&1), "{ends:?}");
}

/// Runs `login --no-wait` with each fault, and looks at what it came to. How many runs a fault ended.
fn with_each_fault(
    is_pending: bool,
    chosen: impl Fn(&[Point]) -> Vec<Fault>,
    is_sound: impl Fn(&Ran, Option<PendingSignIn>) -> bool + Sync,
) -> usize {
    let begin = || {
        let provider = Provider::start();
        let home = Home::in_memory();
        home.configure(&configuration(&provider.authority.origin()));
        if is_pending {
            assert_eq!(home.run(&["login", "--no-wait"]).code, 8);
        }
        let qr_file = home.path("code.png").display().to_string();
        (provider, home, Act::new(&["login", "--no-wait", "--qr-file", &qr_file]))
    };
    let (_provider, home, act) = begin();
    let points: Vec<Point> = points(&home, &act).into_iter().filter(Point::is_of_one_path).collect();
    let faults = chosen(&points);
    let (failures, struck) = (Failures::default(), AtomicUsize::new(0));
    each(&faults, |_, fault| {
        let (provider, home, act) = begin();
        let (_, ran) = strike(&home, &act, fault);
        struck.fetch_add(usize::from(ran.code != 8), Ordering::Relaxed);
        let is_sound = is_sound(&ran, pending(&home));
        // Whatever became of it, the profile can be signed in.
        let again = home.run(&["login", "--no-wait"]);
        provider.approve();
        let resumed = home.run(&["login", "--resume"]);
        if !is_sound || ran.stderr.contains("panicked") || (again.code, resumed.code) != (8, 0) {
            failures.add(format!("{fault:?}: {ran:?}, {again:?}, {resumed:?}"));
        }
    });
    failures.none(faults.len());
    struck.into_inner()
}

#[test]
fn no_fault_leaves_a_code_that_was_not_shown_or_loses_one_that_was() {
    let is_sound = |ran: &Ran, pending: Option<PendingSignIn>| match ran.code {
        8 => pending.is_some(),
        // It was killed.
        code if code < 0 => true,
        _ => pending.is_none(),
    };
    let struck = with_each_fault(false, |points| faults(points, Extent::Part), is_sound);
    assert!(struck > 7, "{struck}");
}

#[test]
fn no_fault_loses_a_code_that_was_pending() {
    let is_sound =
        |_: &Ran, pending: Option<PendingSignIn>| pending.is_some_and(|pending| pending.user_code == "CODE-1");
    let struck = with_each_fault(true, |points| faults(points, Extent::Part), is_sound);
    assert!(struck > 3, "{struck}");
}

#[test]
fn whenever_ctrl_c_comes_the_code_is_given_up() {
    let interrupt = |point: &Point| Fault { point: point.clone(), effect: "signal=INT".to_owned() };
    let interrupts = |points: &[Point]| points.iter().filter(|point| point.changes()).map(interrupt).collect();
    // 8: it came after the code was told.
    let is_sound = |ran: &Ran, pending: Option<PendingSignIn>| pending.is_some() == (ran.code == 8);
    let struck = with_each_fault(false, interrupts, is_sound);
    assert!(struck > 7, "{struck}");
}

#[test]
fn one_process_asks_and_the_others_hear_how_it_ends() {
    for (error, code) in [(None, 0), (Some("access_denied"), 5)] {
        let (provider, home) = begun();
        let resume = ["login", "--resume", "--json"];
        let others = [home.spawn(&resume), home.spawn(&resume), home.spawn(&resume)];
        provider.wait_for_polls(3);
        home.run(&["login", "--resume", "--no-wait"]).failed(8, &["Another process asks", "Pending: run"]);
        provider.approve();
        provider.change(|state| state.error = error);
        for other in others {
            let ran = ran(other);
            let word = if code == 0 { "signed_in" } else { "failed" };
            assert_eq!(
                (ran.code, ran.json_lines().last().map(|line| &line["event"])),
                (code, Some(&json!(word))),
                "{ran:?}"
            );
        }
        provider.was_left_alone();
        assert_eq!(home.run(&["login", "--resume"]).code, 4);
    }
}

#[test]
fn who_only_follows_leaves_the_code_to_the_one_that_asks() {
    for (arguments, signal) in [
        (&["login", "--plain"][..], Some("-INT")),
        (&["login", "--plain"], Some("-QUIT")),
        (&["login", "--plain", "--timeout", "10s"], None),
        (&["login", "--json"], Some("-INT")),
    ] {
        let (provider, home) = begun();
        let first = home.spawn(&["login", "--plain"]);
        provider.wait_for_polls(1);
        let mut second = home.spawn(arguments);
        let stderr = second.stderr.take().expect("stderr is a pipe");
        let mut told = BufReader::new(stderr).lines().map_while(Result::ok);
        if let Some(signal) = signal {
            // Its events say nothing of that.
            if arguments.contains(&"--plain") {
                assert!(told.any(|line| line.contains("Another process asks the server already")), "{arguments:?}");
            } else {
                provider.wait_for_polls(3);
            }
            send(signal, &second);
        }
        assert!(told.any(|line| line.contains("the sign-in goes on there")), "{arguments:?}");
        assert!(!second.wait().expect("it ends").success());
        assert!(pending(&home).is_some(), "{arguments:?}");
        // Who asks goes on, and is the one that gives up.
        send("-INT", &first);
        assert_eq!(ran(first).code, 130);
        assert!(pending(&home).is_none());
    }
}

#[test]
fn who_followed_gives_up_a_code_of_its_own() {
    let provider = Provider::start();
    provider.change(|state| state.lifetime = 12);
    let home = Arc::new(Home::at(&provider.authority));
    let first = home.spawn(&["login", "--plain"]);
    provider.wait_for_polls(1);
    let mut second = home.spawn(&["login", "--plain", "--renew", "1"]);
    let stderr = wait_until_told(&mut second, "Another process asks the server already");
    // The new code waits for the record when it is given up.
    let (hand_over, right) = std::sync::mpsc::channel();
    let holder = Arc::clone(&home);
    provider.before_the_code(move || {
        let _ = hand_over.send(holder.store().hold(&work(), PATIENCE).expect("nobody holds it for long"));
    });
    assert_eq!(ran(first).code, 6);
    let right = right.recv_timeout(PATIENCE).expect("a new code is asked for");
    wait_until(|| has_open(&second, "work.lock"));
    send("-INT", &second);
    right.release();
    assert_eq!(second.wait().expect("it ends").code(), Some(130));
    assert_eq!((provider.codes(), pending(&home)), (2, None));
    drop(stderr);
}

#[test]
fn who_follows_takes_over_from_a_process_that_dies() {
    let (provider, home) = begun();
    let first = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(1);
    let second = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(2);
    send("-KILL", &first);
    let _ = ran(first);
    provider.approve();
    assert_eq!(ran(second).code, 0);
    provider.was_left_alone();
}

#[test]
fn without_a_terminal_a_login_goes_on_with_what_asks_for_the_same() {
    let (provider, home) = begun();
    for (arguments, parts) in [
        (
            &["login", "--no-wait", "--scopes", "openid,email"][..],
            &["another sign-in", "it is for openid", "--new-code"][..],
        ),
        (
            &["login", "--no-wait", "--expect-account", "dana@example.com"],
            &["another sign-in", "any account may approve it", "--resume"],
        ),
        (&["login", "--plain", "--scopes", "email"], &["another sign-in", "login work --new-code"]),
    ] {
        home.run(arguments).failed(2, parts);
    }
    home.run(&["login", "--no-wait", "--scopes", "email", "--new-code"]).failed(8, &["CODE-2"]);
    home.run(&["login", "--resume", "--no-wait", "--expect-account", "dana@example.com"]).failed(8, &["CODE-2"]);
    home.run(&["login", "--resume", "--expect-account", "erin@example.com"]).failed(2, &["waits for another account"]);
    let child = home.spawn(&["login", "--plain", "--scopes", "email"]);
    provider.approve();
    assert_eq!(ran(child).code, 0);
    assert_eq!(provider.codes(), 2);
}

#[test]
fn an_account_that_is_expected_later_counts_for_whoever_asks() {
    let (provider, home) = begun();
    assert_eq!(home.run(&["login", "--resume", "--no-wait", "--expect-account", "erin@example.com"]).code, 8);
    provider.approve();
    home.run(&["login", "--resume"]).failed(1, &["`dana@example.com` approved instead of `erin@example.com`"]);
    assert_eq!(home.run(&["login", "--resume"]).code, 4);
}

#[test]
fn of_two_accounts_that_are_expected_at_once_the_first_one_counts() {
    let (_provider, home) = begun();
    let accounts = ["dana@example.com", "erin@example.com"];
    let expecting =
        accounts.map(|account| home.spawn(&["login", "--resume", "--no-wait", "--expect-account", account]));
    let codes = expecting.map(|child| ran(child).code);
    assert!([[8, 2], [2, 8]].contains(&codes), "{codes:?}");
    let first = if codes[0] == 8 { accounts[0] } else { accounts[1] };
    assert_eq!(pending(&home).expect("it is pending").expected.as_deref(), Some(first));
}

#[test]
fn combinations_without_a_meaning_are_refused() {
    for arguments in [
        &["login", "--no-wait", "--kiosk"][..],
        &["login", "--resume", "--kiosk"],
        &["login", "--no-wait", "--timeout", "1m"],
        &["login", "--no-wait", "--renew", "2"],
        &["login", "--resume", "--scopes", "email"],
        &["login", "--resume", "--new-code"],
        &["login", "--no-wait", "--web"],
        &["login", "--resume", "--import"],
    ] {
        let ran = Home::new().run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("cannot be used with"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_clock_that_was_set_and_a_machine_that_was_started_anew_end_no_code() {
    let day = SignedDuration::from_hours(24);
    let hour = SignedDuration::from_hours(1);
    // Where the code has no time left, one last question is asked.
    for (name, is_same_boot, by, has_time) in [
        ("set forward", true, -day, true),
        ("set back", true, day, true),
        ("another start, set back", false, day, true),
        ("another start, a moment later", false, SignedDuration::from_secs(-30), true),
        ("another start, long after", false, -hour, false),
    ] {
        let (provider, home) = begun();
        change_pending(&home, |pending| {
            pending.issued_at += by;
            if let Some(booted) = pending.booted.as_mut().filter(|_| !is_same_boot) {
                booted.id = "another".to_owned();
            }
        });
        // What has no time left is not gone on with unasked.
        let again = home.run(&["login", "--resume", "--no-wait"]);
        let is_pending = pending(&home).is_some();
        assert_eq!((again.code, is_pending), if has_time { (8, true) } else { (6, false) }, "{name}: {again:?}");
        provider.approve();
        let resumed = home.run(&["login", "--resume"]);
        assert_eq!((resumed.code, provider.codes()), (if has_time { 0 } else { 4 }, 1), "{name}: {resumed:?}");
    }
    let (provider, home) = begun();
    change_pending(&home, |pending| {
        pending.issued_at -= hour;
        pending.booted = None;
    });
    provider.approve();
    assert_eq!((home.run(&["login", "--resume"]).code, provider.codes()), (0, 1), "approved in time");
}

#[test]
fn a_sign_in_of_another_machine_is_taken_over_by_a_person() {
    let (provider, home) = begun();
    let child = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(1);
    // As the other one notes it.
    change_pending(&home, |pending| pending.home = Some("elsewhere".to_owned()));
    // The one that asked has noticed, and leaves it there.
    wait_until(|| home.store().poller(&work()).is_ok());
    assert_eq!(pending(&home).expect("it is pending").home.as_deref(), Some("elsewhere"));
    let polls = provider.polls();
    let second = home.run(&["login", "--resume", "--no-wait"]);
    second.failed(8, &["Not approved yet"]);
    assert_eq!(pending(&home).expect("it is pending").home, home.store().poller_home());
    assert!(provider.polls() <= polls + 2, "two machines ask");
    provider.approve();
    assert_eq!(ran(child).code, 0);
    provider.was_left_alone();
}

#[test]
fn a_code_by_which_another_machine_replaces_one_is_left_to_that_machine() {
    let (provider, home) = begun();
    let mut child = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(1);
    change_pending(&home, |pending| {
        (pending.id, pending.home) =
            (PendingId::generate().expect("the system has random numbers"), Some("elsewhere".to_owned()));
    });
    let _stderr = wait_until_told(&mut child, "Another process asks the server already");
    assert_eq!(pending(&home).expect("it is pending").home.as_deref(), Some("elsewhere"));
    // A person may still say so.
    home.run(&["login", "--resume", "--no-wait"]).failed(8, &["Not approved yet"]);
    provider.approve();
    assert_eq!(ran(child).code, 0);
}

#[test]
fn the_agent_signs_a_machine_in_that_nobody_waits_at() {
    let (provider, home) = begun();
    let directory = tempfile::tempdir().expect("a directory");
    let token_file = directory.path().join("token");
    let named = format!("work={}", token_file.display());
    let agent = home.spawn(&["agent", "--token-file", &named]);
    provider.wait_for_polls(1);
    let follower = home.spawn(&["login", "--resume", "--json"]);
    provider.approve();
    assert_eq!(ran(follower).code, 0);
    wait_until(|| std::fs::read_to_string(&token_file).is_ok_and(|token| token == TOKEN));
    send("-TERM", &agent);
    let ran = ran(agent);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("pending until") && ran.stderr.contains("CODE-1"), "{ran:?}");
    provider.was_left_alone();
}

/// How a client is put right that the server has refused.
#[derive(Clone, Copy, Debug, PartialEq)]
enum PutRight {
    /// Its configuration names another file.
    Configuration,
    /// The file has another secret.
    File,
    /// The store has another secret, from this machine or from elsewhere.
    Edit,
    Record,
}

#[test]
fn the_agent_goes_on_with_a_code_once_it_is_put_right_why_its_client_was_refused() {
    use PutRight::{Configuration, Edit, File, Record};
    for how in [Configuration, File, Edit, Record] {
        // A poll that began with the old client may end before that is noticed, or after it.
        for is_out in [false, true] {
            let case = format!("{how:?}, {is_out}");
            let is_in_file = matches!(how, Configuration | File);
            let (provider, home) = begun_with(|home| {
                home.write("wrong", "wrong");
                home.write("right", "right");
                let file =
                    if is_in_file { format!("client_secret_file = {:?}\n", home.path("wrong")) } else { String::new() };
                let plain = home.configuration().replace(
                    "\n[providers.corp]\n",
                    &format!("{file}\n[providers.corp]\nclient_authentication = \"body\"\n"),
                );
                home.configure(&plain);
            });
            let (answer, may_answer) = std::sync::mpsc::channel::<()>();
            provider.change(|state| {
                (state.secret, state.is_approved) = ("client_secret=right", true);
                let waits = move || _ = may_answer.recv();
                state.meanwhile = is_out.then(|| ("/token", Box::new(waits) as Happening));
            });
            let mut agent = home.spawn(&["agent"]);
            let mut stderr =
                wait_until_told(&mut agent, if is_out { "signing_in" } else { "does not know this client" });
            wait_until(|| !is_out || provider.state.lock().expect("no answer panics").meanwhile.is_none());
            match how {
                Configuration => home.configure(&home.configuration().replace("/wrong\"", "/right\"")),
                File => drop(home.write("wrong", "right")),
                Edit => home
                    .run_with(&["profile", "edit", "work", "--client-secret-stdin"], "right")
                    .worked("Changed profile work.\n"),
                Record => {
                    let mut held = home.store().hold(&work(), PATIENCE).expect("nobody holds it for long");
                    let mut record = held.load().expect("it can be read").expect("there is one");
                    record.client_secret = Some(Secret::new("right"));
                    held.commit(&mut record).expect("it is kept");
                    held.release();
                }
            }
            if how == Configuration {
                read_until_told(&mut stderr, "reloaded");
            }
            drop(answer);
            wait_until(|| pending(&home).is_none());
            send("-TERM", &agent);
            assert!(agent.wait().expect("it ends").success(), "{case}");
            home.run(&["token"]).worked(&format!("{TOKEN}\n"));
        }
    }
}

#[test]
fn who_asks_later_hears_what_the_agent_heard() {
    for (error, code) in [(None, 0), (Some("access_denied"), 5)] {
        let (provider, home) = begun();
        let agent = home.spawn(&["agent"]);
        provider.wait_for_polls(1);
        provider.approve();
        provider.change(|state| state.error = error);
        wait_until(|| pending(&home).is_none());
        assert_eq!(home.run(&["login", "--resume"]).code, code, "{error:?}");
        assert_eq!(home.run(&["login", "--resume"]).code, 4, "{error:?}");
        send("-TERM", &agent);
        assert_eq!(ran(agent).code, 0);
    }
}

#[test]
fn who_can_never_ask_says_so_at_once_and_leaves_the_code() {
    let (provider, home) = begun();
    let poller = home.path("state").join("work.poller");
    std::fs::remove_file(&poller).expect("it was proved before the code came");
    std::fs::create_dir(poller).expect("it is free");
    for arguments in [&["login", "--resume"][..], &["login", "--resume", "--no-wait"]] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, 9, "{arguments:?}: {ran:?}");
    }
    assert!(pending(&home).is_some() && provider.polls() == 0);
}

#[test]
fn an_account_that_is_expected_counts_for_what_the_agent_has_kept() {
    for (account, code) in [("dana@example.com", 0), ("erin@example.com", 1)] {
        let (provider, home) = begun();
        let agent = home.spawn(&["agent"]);
        provider.wait_for_polls(1);
        provider.approve();
        wait_until(|| pending(&home).is_none());
        let resumed = home.run(&["login", "--resume", "--expect-account", account]);
        assert_eq!(resumed.code, code, "{resumed:?}");
        let is_told =
            resumed.stderr.contains("`dana@example.com` approved instead") && resumed.stderr.contains("logout work");
        assert_eq!(is_told, code != 0, "{resumed:?}");
        send("-TERM", &agent);
        assert_eq!(ran(agent).code, 0);
    }
}

#[test]
fn what_else_is_done_with_the_profile_treats_the_code_rightly() {
    for (arguments, goes_on_as) in [
        (&["logout", "work"][..], None),
        (&["logout", "work", "--local"], None),
        (&["profile", "remove", "work"], None),
        (&["profile", "edit", "work", "--client-id", "client-2"], None),
        (&["profile", "edit", "work", "--scopes", "openid,email"], None),
        (&["profile", "rename", "work", "play"], Some("play")),
        (&["profile", "use", "work"], Some("work")),
        (&["store", "check"], Some("work")),
        (&["store", "rekey", "--to", "key-file"], Some("work")),
        (&["status"], Some("work")),
    ] {
        let (provider, home) = begun();
        let follower = home.spawn(&["login", "--resume", "--plain"]);
        provider.wait_for_polls(1);
        let changed = home.run(arguments);
        assert_eq!(changed.code, 0, "{arguments:?}: {changed:?}");
        if goes_on_as == Some("work") {
            provider.approve();
            assert_eq!(ran(follower).code, 0, "{arguments:?}");
        } else {
            ran(follower).failed(4, &["was given up"]);
            let polls = provider.polls();
            provider.approve();
            if let Some(name) = goes_on_as {
                assert_eq!(home.run(&["login", name, "--resume"]).code, 0, "{arguments:?}");
            } else {
                assert_eq!(provider.polls(), polls, "{arguments:?}");
                assert!(pending(&home).is_none(), "{arguments:?}");
            }
        }
    }
}

/// A sign-in that somebody goes on with, and what happens to it while the poll is out that brings the approval.
fn approved_while(arguments: &[&str], happens: impl FnOnce(&Home) + Send + 'static) -> (Provider, Arc<Home>, Child) {
    let (provider, home) = begun();
    let home = Arc::new(home);
    let there = Arc::clone(&home);
    provider.approve_while(move || happens(&there));
    let child = home.spawn(arguments);
    (provider, home, child)
}

#[test]
fn an_approval_of_a_sign_in_that_was_given_up_is_given_back() {
    for giving_up in [&["logout", "work"][..], &["logout", "work", "--local"], &["profile", "remove", "work"]] {
        let (provider, home, child) = approved_while(&["login", "--resume", "--plain"], move |home| {
            assert_eq!(home.run(giving_up).code, 0, "{giving_up:?}");
        });
        ran(child).failed(4, &["was given up", "nothing was saved and the grant was revoked"]);
        assert_eq!(provider.authority.count("/revoke"), 1, "{giving_up:?}");
        let is_empty = |record: Box<Record>| record.grant.is_none() && record.pending.is_none();
        assert!(record(&home).is_none_or(is_empty), "{giving_up:?}");
    }
}

/// Its revocation might end the sign-in that there is.
#[test]
fn an_approval_that_comes_after_another_one_was_kept_waits_for_the_logout() {
    let (provider, home) = begun();
    let home = Arc::new(home);
    let (there, origin) = (Arc::clone(&home), provider.authority.origin());
    provider.approve_while(move || {
        there.sign_in_at(&origin, |grant| grant.refresh_token = Some(Secret::new("RT-0")));
    });
    let followed = home.run(&["login", "--resume", "--plain"]);
    assert_eq!(followed.code, 0, "{followed:?}");
    let kept = record(&home).expect("it is kept");
    assert_eq!((kept.to_revoke.len(), provider.authority.count("/revoke")), (1, 0));
    assert_eq!(kept.grant.and_then(|grant| grant.refresh_token), Some(Secret::new("RT-0")));
    assert_eq!(home.run(&["logout"]).code, 0);
    assert_eq!(provider.authority.count("/revoke"), 2);
}

#[test]
fn an_approval_follows_its_sign_in_to_another_name_and_another_store() {
    let other = tempfile::tempdir().expect("a directory");
    let there = format!("file:{}", other.path().join("store").display());
    let copied = there.clone();
    for (moving, token) in [
        (vec!["profile", "rename", "work", "play"], vec!["token", "play"]),
        (vec!["store", "copy", &copied], vec!["token", "--store", &there]),
        (vec!["store", "rekey", "--to", "key-file"], vec!["token"]),
    ] {
        let moves: Vec<String> = moving.iter().map(|&word| word.to_owned()).collect();
        let (provider, home, child) = approved_while(&["login", "--resume", "--json"], move |home| {
            let moves: Vec<&str> = moves.iter().map(String::as_str).collect();
            let ran = home.run(&moves);
            assert_eq!(ran.code, 0, "{ran:?}");
        });
        let signed_in = ran(child);
        assert_eq!(signed_in.code, 0, "{moving:?}: {signed_in:?}");
        let name = if moving.contains(&"play") { "play" } else { "work" };
        assert_eq!(signed_in.json_lines().last().map(|line| &line["profile"]), Some(&json!(name)), "{signed_in:?}");
        home.run(&token).worked(&format!("{TOKEN}\n"));
        assert_eq!((provider.polls(), provider.authority.count("/revoke")), (1, 0), "{moving:?}");
        let kept = match moving[1] {
            "copy" => open(&StoreAddress::parse(&there).expect("an address"), key_options(&home)).load(&work()),
            _ => home.store().load(&name.parse().expect("a name")),
        };
        assert_eq!(kept.expect("it can be read").expect("it is kept").pending, None, "{moving:?}");
    }
}

/// As another command asks for it with `--new-code`. The server has the same clock, and repeats its codes.
fn replace(home: &Home) {
    change_pending(home, |pending| {
        pending.id = PendingId::generate().expect("the system has random numbers");
        (pending.scopes, pending.expected) = (vec!["email".to_owned()], Some("boss@example.com".to_owned()));
    });
}

#[test]
fn an_approval_of_a_code_that_was_replaced_leaves_the_new_sign_in() {
    let (provider, home, child) = approved_while(&["login", "--resume", "--plain"], replace);
    provider.wait_for_polls(1);
    wait_until(|| provider.authority.count("/revoke") == 1);
    let waiting = pending(&home).expect("the new one");
    assert_eq!(waiting.scopes, ["email"]);
    assert!(record(&home).expect("it is kept").grant.is_none());
    // Whoever went along goes on with the new one, as that was asked for.
    provider.change(|state| state.used = None);
    ran(child).failed(1, &["`dana@example.com` approved instead of `boss@example.com`"]);
    assert!(record(&home).expect("it is kept").grant.is_none());

    let (provider, home, child) = approved_while(&["login", "--plain"], replace);
    ran(child).failed(4, &["was given up", "replaced its code"]);
    assert_eq!((provider.authority.count("/revoke"), provider.polls()), (1, 1));
    assert_eq!(pending(&home).expect("the new one").scopes, ["email"]);
}

#[test]
fn no_minutes_are_told_that_a_code_does_not_have_any_more() {
    let (provider, home) = begun();
    change_pending(&home, |pending| {
        pending.booted = None;
        pending.issued_at -= SignedDuration::from_secs(270);
    });
    let child = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(2);
    provider.approve();
    let ran = ran(child);
    assert!(ran.code == 0 && ran.stderr.contains("good for another 0:"), "{ran:?}");
    assert!(!ran.stderr.contains("left."), "{ran:?}");
}

#[test]
fn who_goes_along_hears_that_a_code_was_replaced_and_not_that_it_ran_out() {
    let (provider, home) = begun();
    let child = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(1);
    home.run(&["login", "--new-code", "--no-wait"]).failed(8, &["CODE-2"]);
    provider.approve();
    let ran = ran(child);
    assert_eq!((ran.code, ran.stderr.contains("ran out")), (0, false), "{ran:?}");
    assert!(ran.stderr.contains("Code CODE-1 was replaced. New code: CODE-2"), "{ran:?}");
}

#[test]
fn an_account_that_is_expected_since_the_poll_went_out_counts() {
    let (provider, home, child) = approved_while(&["login", "--resume", "--plain"], |home| {
        change_pending(home, |pending| pending.expected = Some("erin@example.com".to_owned()));
    });
    ran(child).failed(1, &["`dana@example.com` approved instead of `erin@example.com`"]);
    assert_eq!(provider.authority.count("/revoke"), 1);
    assert!(record(&home).expect("it is kept").grant.is_none());
}

#[test]
fn a_client_that_is_refused_ends_no_code() {
    let (provider, home) = begun();
    provider.change(|state| state.error = Some("invalid_client"));
    for arguments in [&["login", "--resume"][..], &["login", "--resume", "--no-wait"]] {
        assert_eq!(home.run(arguments).code, 2, "{arguments:?}");
    }
    provider.change(|state| state.error = None);
    provider.approve();
    assert_eq!((home.run(&["login", "--resume"]).code, provider.codes()), (0, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn who_waits_for_a_stopped_process_is_told() {
    let (provider, home) = begun();
    let first = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(1);
    send("-STOP", &first);
    let stopped = format!("pid {}, which is stopped", first.id());
    home.run(&["login", "--resume", "--no-wait"]).failed(8, &[&stopped]);
    home.run(&["login", "--resume", "--plain", "--timeout", "10s"]).failed(6, &[&stopped]);
    send("-CONT", &first);
    provider.approve();
    assert_eq!(ran(first).code, 0);
}

#[test]
fn an_account_is_expected_only_where_something_tells_of_it() {
    let provider = Provider::start();
    let home = Home::at(&provider.authority);
    let without: Vec<_> =
        home.configuration().lines().filter(|line| !line.starts_with("userinfo")).map(String::from).collect();
    home.configure(&without.join("\n"));
    let login = ["login", "--no-wait", "--expect-account", "dana@example.com", "--scopes"];
    home.run(&[&login[..], &["email"]].concat()).failed(2, &["no userinfo endpoint", "`openid`"]);
    assert_eq!(provider.codes(), 0);
    assert_eq!(home.run(&["login", "--no-wait", "--scopes", "email"]).code, 8);
    let resume = ["login", "--resume", "--no-wait", "--expect-account", "dana@example.com"];
    home.run(&resume).failed(2, &["no userinfo endpoint", "`openid`"]);
    // What was refused leaves the code as it was.
    assert_eq!(pending(&home).expect("it is pending").expected, None);
    provider.approve();
    assert_eq!(home.run(&["login", "--resume"]).code, 0);
    assert_eq!(home.run(&[&login[..], &["openid,email"]].concat()).code, 8);
}

#[test]
fn what_is_kept_is_sealed() {
    let (_provider, home) = begun();
    let kept = pending(&home).expect("it is pending");
    assert_eq!((kept.device_code.expose(), kept.user_code.as_str()), ("sentinel-device-code-1", "CODE-1"));
    let files = std::fs::read_dir(home.path("state")).expect("there is a store");
    let paths: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
    assert!(paths.iter().any(|path| path.ends_with("work.record")), "{paths:?}");
    for path in paths {
        let content = std::fs::read(&path).expect("it can be read");
        let has = |text: &str| content.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!has("sentinel-device-code") && !has("CODE-1"), "{} has it", path.display());
    }
}

#[test]
fn a_code_is_named_where_states_are_told_for_as_long_as_it_waits() {
    let (_provider, home) = begun();
    let complete = "https://corp.example/device?user_code=CODE-1";
    change_pending(&home, |pending| pending.verification_uri_complete = complete.parse().ok());
    for waits in [true, false] {
        let said = [&["status"][..], &["profile", "show"]].map(|arguments| home.run(arguments).stdout);
        let [table, show] = said;
        assert_eq!(table.contains("signed out, pending"), waits, "{table}");
        assert_eq!(table.contains("the code CODE-1 waits at"), waits, "{table}");
        assert_eq!(show.contains("pending        the code CODE-1 waits at"), waits, "{show}");
        for arguments in [&["token"][..], &["whoami"], &["api", "/x"], &["exec", "true"]] {
            let said = home.run(arguments);
            assert_eq!(said.stderr.contains("a code for it waits for approval"), waits, "{said:?}");
            assert_eq!(said.stderr.contains("device-login login work --resume"), waits, "{said:?}");
        }
        let (status, show) = (home.run(&["status", "--json"]).json(), home.run(&["profile", "show", "--json"]).json());
        for pending in [&status["profiles"][0]["pending"], &show["pending"]] {
            assert_eq!(pending["user_code"].as_str(), waits.then_some("CODE-1"), "{status}, {show}");
            assert_eq!(pending["verification_uri_complete"].as_str(), waits.then_some(complete), "{status}, {show}");
        }
        change_pending(&home, |pending| {
            pending.issued_at -= SignedDuration::from_hours(1);
            pending.booted = None;
        });
    }
}

#[cfg(all(target_os = "linux", feature = "postgres"))]
#[test]
fn machines_that_share_a_database_are_told_apart_though_they_have_one_name() {
    use crate::support::postgres::Postgres;

    let (provider, database) = (Provider::start(), Postgres::shared().database());
    let (url, homes) = (database.url(), [(); 2].map(|()| Home::at(&provider.authority)));
    let spawn = |home: &Home, arguments: &[&str]| {
        home.command(arguments).env("DEVICE_LOGIN_STORE", &url).spawn().expect("the program starts")
    };
    let run = |home: &Home, arguments: &[&str]| ran(spawn(home, arguments));
    run(&homes[0], &["login", "--no-wait"]).failed(8, &["CODE-1"]);
    homes[1].write("key", &std::fs::read_to_string(homes[0].path("key")).expect("a key"));
    let store = open(&StoreAddress::parse(&url).expect("an address"), key_options(&homes[0]));
    let asks = || store.load(&work()).expect("it can be read")?.pending?.home;
    let first = asks().expect("a home");
    run(&homes[1], &["login", "--no-wait"]).failed(8, &["CODE-1"]);
    assert_eq!((asks(), provider.polls()), (Some(first.clone()), 0));
    let follower = spawn(&homes[0], &["login", "--resume"]);
    provider.wait_for_polls(1);
    run(&homes[1], &["login", "--resume", "--no-wait"]).failed(8, &["Not approved yet"]);
    assert!(asks().is_some_and(|home| home != first));
    provider.approve();
    for ended in [run(&homes[1], &["login", "--resume"]), ran(follower)] {
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    for home in &homes {
        run(home, &["token"]).worked(&format!("{TOKEN}\n"));
    }
    provider.was_left_alone();
    assert_eq!(provider.codes(), 1);
}
