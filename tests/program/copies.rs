//! Copies of access tokens beside a store that several machines share: what they save, what they serve, and when there is none.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use device_login::api::Call;
use device_login::clock;
use device_login::config::{Config, Profile};
use device_login::error::Code;
use device_login::http::Method;
use device_login::http::client::Client;
use device_login::http::progress::Progress;
use device_login::secret::Secret;
use device_login::service::{FreshToken, Freshness, Service, State};
use device_login::storage::backend::watched::Watched;
use device_login::storage::{Held, Store, StoreAddress, StoreError, backend, open_over};
use jiff::{SignedDuration, Timestamp};

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, Home, ended, key_options, set_mode};

const LASTS: Duration = Duration::from_secs(60);

/// A machine that shares the store in the home's `state` with others.
struct Machine {
    home: Home,
    /// Holds the copies.
    state: PathBuf,
    lasts: Duration,
    asked: Arc<Mutex<Vec<&'static str>>>,
    is_away: Arc<AtomicBool>,
    /// It goes away in the middle of a commit.
    takes_no_record: Arc<AtomicBool>,
}

impl Machine {
    fn new() -> Self {
        Self::at(&Authority::start(|_| (503, String::new())))
    }

    fn at(authority: &Authority) -> Self {
        let home = Home::signed_in(authority);
        let (state, takes_no_record) = (home.path("copies"), Arc::default());
        Self { home, state, lasts: LASTS, asked: Arc::default(), is_away: Arc::default(), takes_no_record }
    }

    fn address(&self) -> StoreAddress {
        StoreAddress::File(self.home.path("state"))
    }

    fn store(&self) -> Store {
        let (asked, is_away) = (Arc::clone(&self.asked), Arc::clone(&self.is_away));
        let takes_no_record = Arc::clone(&self.takes_no_record);
        let watcher = move |call| {
            asked.lock().expect("nobody panics").push(call);
            let is_away = is_away.load(Ordering::SeqCst) && !matches!(call, "read spare" | "keep_spare");
            let fails = is_away || (call == "replace" && takes_no_record.load(Ordering::SeqCst));
            if fails { Err(away()) } else { Ok(()) }
        };
        let shared = Watched::new(backend(&self.address(), Some(&self.home.path("spare"))), Arc::new(watcher)).shared();
        open_over(Arc::new(shared), &self.address(), key_options(&self.home))
            .with_copies(self.state.clone(), self.lasts)
    }

    /// As a process of its own has it.
    fn service(&self) -> Service {
        let config = Config::load(&self.home.path("config.toml")).expect("it is sound");
        Service::new(config, self.store(), Client::new(None), Box::new(|_| None))
    }

    /// The stored token that a process of its own finds at this time, and what it asked the store for that.
    fn found(&self, freshness: Freshness, now: Timestamp) -> (Result<Option<FreshToken>, Code>, Vec<&'static str>) {
        self.asked.lock().expect("nobody panics").clear();
        let service = self.service();
        let found = service.stored_token(profile(&service), freshness, now).map_err(|error| error.code);
        (found, self.asked.lock().expect("nobody panics").clone())
    }

    fn copy(&self) -> PathBuf {
        self.state.join("work.copy")
    }

    #[track_caller]
    fn asks(&self, now: Timestamp) {
        let (found, asked) = self.found(Freshness::Default, now);
        assert_eq!(text(&found), Ok(Some(ACCESS_TOKEN)));
        assert!(asked.contains(&"read"), "{asked:?}");
    }

    #[track_caller]
    fn asks_nothing(&self, now: Timestamp) {
        let (found, asked) = self.found(Freshness::Default, now);
        assert_eq!((text(&found), asked), (Ok(Some(ACCESS_TOKEN)), Vec::new()));
    }
}

fn away() -> StoreError {
    let (place, problem) = ("postgres://db/x".to_owned(), "cannot be reached".to_owned());
    StoreError::Database { place, problem, advice: "see whether it runs".into(), is_away: true }
}

fn profile(service: &Service) -> &Profile {
    service.config.profile(None).expect("there is one")
}

fn text(found: &Result<Option<FreshToken>, Code>) -> Result<Option<&str>, Code> {
    let token = |token: &FreshToken| -> &'static str {
        if token.access_token.expose() == ACCESS_TOKEN { ACCESS_TOKEN } else { "another" }
    };
    found.as_ref().map(|found| found.as_ref().map(token)).map_err(|code| *code)
}

fn after(seconds: i64) -> Timestamp {
    clock::wall() + SignedDuration::from_secs(seconds)
}

#[test]
fn a_token_that_was_seen_lately_costs_no_question() {
    let machine = Machine::new();
    machine.asks(after(0));
    machine.asks_nothing(after(0));
    machine.asks_nothing(after(50));
    machine.asks(after(61));
    // The clock was set back since, so nobody knows how old the copy is.
    machine.asks(after(-5));
    for freshness in [Freshness::Forced, Freshness::AtLeast(Duration::from_secs(3590))] {
        assert!(machine.found(freshness, after(30)).1.contains(&"read"), "{freshness:?}");
    }
    let never = Machine { lasts: Duration::ZERO, ..Machine::new() };
    never.asks(after(0));
    never.asks(after(0));
    assert!(!never.state.exists());
}

#[test]
fn while_the_store_is_away_the_copy_serves_until_the_tokens_end_and_that_is_said() {
    let machine = Machine::new();
    machine.asks(after(0));
    machine.is_away.store(true, Ordering::SeqCst);
    for (freshness, seconds, expected) in [
        (Freshness::Default, 61, Ok(Some(ACCESS_TOKEN))),
        (Freshness::Default, 3500, Ok(Some(ACCESS_TOKEN))),
        (Freshness::AtLeast(Duration::from_secs(60)), 600, Ok(Some(ACCESS_TOKEN))),
        (Freshness::AtLeast(Duration::from_secs(3000)), 1000, Err(Code::StoreUnavailable)),
        (Freshness::Default, 3590, Err(Code::StoreUnavailable)),
        (Freshness::Default, 3700, Err(Code::StoreUnavailable)),
        (Freshness::Forced, 61, Err(Code::StoreUnavailable)),
        // Before it was made.
        (Freshness::Default, -10, Err(Code::StoreUnavailable)),
    ] {
        let (found, _) = machine.found(freshness, after(seconds));
        assert_eq!(text(&found), expected, "{freshness:?} after {seconds} s");
    }
    let service = machine.service();
    service.stored_token(profile(&service), Freshness::Default, after(61)).expect("the copy").expect("a token");
    let said = service.store().found_damaged();
    assert!(said.len() == 1 && said[0].contains("cannot be reached") && said[0].contains("`work`"), "{said:?}");
    machine.is_away.store(false, Ordering::SeqCst);
    service.stored_token(profile(&service), Freshness::Default, after(61)).expect("the store").expect("a token");
    assert_eq!(service.store().found_damaged(), Vec::<String>::new());
}

#[test]
fn what_ends_a_sign_in_here_ends_its_copy_and_what_ends_it_elsewhere_is_noticed() {
    let machine = Machine::new();
    let work = "work".parse().expect("a name");
    let held = |change: &dyn Fn(&mut device_login::storage::Held)| {
        machine.asks(after(61));
        assert!(machine.copy().exists());
        let done: Result<(), StoreError> = machine.store().holding(&work, LASTS, |held| {
            change(held);
            Ok(())
        });
        done.expect("nobody else writes");
        assert!(!machine.copy().exists());
    };
    held(&|held| {
        let mut record = held.load().expect("it opens").expect("there is one");
        let grant = record.grant.take();
        held.commit(&mut record).expect("it is kept");
        assert!(!machine.copy().exists(), "a sign-out");
        record.grant = grant;
        held.commit(&mut record).expect("it is kept");
        machine.store().drop_copies();
    });
    held(&|held| held.forget().expect("it is gone"));
    // Elsewhere, by a machine whose copies are its own.
    let machine = Machine::new();
    machine.asks(after(0));
    let other = Machine { state: machine.home.path("other"), ..Machine::new() };
    let elsewhere = Machine { home: machine.home, ..other };
    let done: Result<(), StoreError> = elsewhere.store().holding(&work, LASTS, Held::forget);
    done.expect("nobody else writes");
    let machine = Machine { state: elsewhere.home.path("copies"), ..elsewhere };
    machine.asks_nothing(after(50));
    assert_eq!(text(&machine.found(Freshness::Default, after(61)).0), Ok(None));
    assert!(!machine.copy().exists());
}

#[test]
fn a_copy_of_anything_else_is_none() {
    let machine = Machine::new();
    machine.asks(after(0));
    let copy = fs::read(machine.copy()).expect("it is there");
    let whole = String::from_utf8_lossy(&copy);
    assert!(!whole.contains(ACCESS_TOKEN) && whole.contains("\"profile\":\"work\""), "{whole}");
    let write = |bytes: &[u8]| write(&machine.copy(), bytes);
    for at in (0..copy.len()).step_by(7).chain([copy.len() - 1]) {
        let mut damaged = copy.clone();
        damaged[at] ^= 1;
        write(&damaged);
        machine.asks(after(0));
        write(&copy[..at]);
        machine.asks(after(0));
    }
    machine.asks_nothing(after(0));
    let secrets = machine.store().last_copy(&"work".parse().expect("a name"), after(0)).expect("a copy");
    assert_eq!((secrets.grant.refresh_token, secrets.is_refreshable), (None, true));
    // Of another client, which the profile has become.
    let configuration = machine.home.configuration();
    machine.home.configure(&configuration.replace("client-1", "client-2"));
    machine.asks(after(0));
    machine.home.configure(&configuration);
    machine.asks_nothing(after(0));
    // In a directory that others can look into.
    set_mode(&machine.state, 0o755);
    machine.asks(after(0));
    set_mode(&machine.state, 0o700);
    // Under another key, of another store.
    let other = Machine::new();
    other.asks(after(0));
    fs::copy(other.copy(), machine.copy()).expect("it can be written");
    machine.asks(after(0));
    fs::copy(machine.home.path("key"), other.home.path("key")).expect("it can be written");
    fs::copy(machine.copy(), other.copy()).expect("it can be written");
    assert!(other.found(Freshness::Default, after(0)).1.contains(&"read"));
}

#[test]
fn where_no_copy_can_be_kept_there_is_none_and_no_error() {
    let mut machine = Machine::new();
    machine.home.write("file", "");
    machine.state = machine.home.path("file");
    machine.asks(after(0));
    machine.asks(after(0));
    machine.state = machine.home.path("file/below");
    machine.asks(after(0));
    machine.asks(after(0));
}

#[test]
fn a_token_that_has_ended_is_no_reason_to_believe_the_copy() {
    let machine = Machine::new();
    machine.asks(after(0));
    let authority = Authority::start(|_| (503, String::new()));
    machine.home.sign_in(&authority, ended);
    // It was good a moment ago, and is not asked for again within these seconds.
    machine.asks_nothing(after(0));
    assert_eq!(text(&machine.found(Freshness::Default, after(61)).0), Ok(None));
}

#[test]
fn a_status_tells_what_was_known_here_while_the_store_is_away_and_asks_once() {
    let machine = Machine::new();
    let other = |name| format!("[profiles.{name}]\nprovider = \"corp\"\nclient_id = \"x\"\n");
    let others: String = (0..9).map(|number| other(format!("other{number}"))).collect();
    machine.home.configure(&(others + &machine.home.configuration()));
    let service = machine.service();
    let statuses = || {
        machine.asked.lock().expect("nobody panics").clear();
        let statuses = service.statuses(after(0));
        let work = statuses.iter().find(|status| status.name.as_str() == "work").expect("it is configured").clone();
        (work, statuses[0].clone(), machine.asked.lock().expect("nobody panics").len())
    };
    assert_eq!(statuses().0.warnings, Vec::<String>::new());
    machine.is_away.store(true, Ordering::SeqCst);
    let (work, other, asked) = statuses();
    assert!(asked < 9, "{asked} questions");
    assert_eq!((work.state, work.problem, work.refreshable), (State::Valid, None, true));
    assert!(work.warnings.iter().any(|warning| warning.contains("cannot be reached")), "{:?}", work.warnings);
    assert!(work.protection.is_some_and(|protection| protection.has_key));
    assert_eq!((other.state, other.problem.map(|error| error.code)), (State::Unknown, Some(Code::StoreUnavailable)));
    machine.is_away.store(false, Ordering::SeqCst);
    let (work, other, _) = statuses();
    assert_eq!((work.state, work.warnings, other.state), (State::Valid, Vec::new(), State::SignedOut));
}

#[test]
fn a_record_that_the_store_did_not_take_comes_back_with_the_next_look() {
    let machine = Machine::new();
    let work = "work".parse().expect("a name");
    let spare = || fs::read_dir(machine.home.path("spare")).map_or(0, Iterator::count);
    machine.takes_no_record.store(true, Ordering::SeqCst);
    let kept: Result<(), StoreError> = machine.store().holding(&work, LASTS, |held| {
        let mut record = held.load()?.expect("there is one");
        record.grant.as_mut().expect("it is signed in").access_token = Secret::new("kept here");
        held.commit(&mut record)
    });
    kept.expect("the spare place takes it");
    assert_eq!(spare(), 1);
    let token = |freshness| {
        let (found, _) = machine.found(freshness, after(0));
        found.expect("it can be read").map(|token| token.access_token.expose().to_owned())
    };
    let asks = Freshness::AtLeast(Duration::from_secs(3500));
    // Not while it goes on as it was, nor while the store is away.
    assert_eq!((token(asks).as_deref(), spare()), (Some("kept here"), 1));
    machine.is_away.store(true, Ordering::SeqCst);
    assert_eq!((token(asks).as_deref(), spare()), (Some("kept here"), 1));
    machine.is_away.store(false, Ordering::SeqCst);
    machine.takes_no_record.store(false, Ordering::SeqCst);
    machine.store().drop_copies();
    assert_eq!((token(asks).as_deref(), spare()), (Some("kept here"), 0));
    assert_eq!(machine.store().found_damaged(), Vec::<String>::new());
}

#[test]
fn a_call_with_a_token_that_was_seen_lately_asks_the_store_nothing_unless_the_api_refuses_it() {
    let authority = Authority::start(|asked| match asked.header("authorization") {
        _ if asked.path != "/x" => (503, String::new()),
        Some("Bearer minted-elsewhere") => (200, "{}".to_owned()),
        _ => (401, r#"{"error":"invalid_token"}"#.to_owned()),
    });
    let machine = Machine::at(&authority);
    let runtime = crate::support::runtime();
    let call = || {
        machine.asked.lock().expect("nobody panics").clear();
        let service = machine.service();
        let url = format!("{}/x", authority.origin()).parse().expect("an address");
        let call = Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() };
        let answer =
            runtime.block_on(service.call(profile(&service), &call, None, &Progress::default())).expect("an answer");
        (answer.response.status, machine.asked.lock().expect("nobody panics").clone())
    };
    machine.asks(after(0));
    // Another machine, whose copies are its own, has minted another token since.
    machine.home.sign_in(&authority, |grant| grant.access_token = Secret::new("minted-elsewhere"));
    machine.asks_nothing(after(0));
    let (status, asked) = call();
    assert!(status == 200 && asked.contains(&"hold"), "{status} {asked:?}");
    assert_eq!(call(), (200, Vec::new()));
}

fn write(path: &std::path::Path, bytes: &[u8]) {
    let mut file = fs::File::create(path).expect("it can be written");
    std::io::Write::write_all(&mut file, bytes).expect("the disk has room");
}
