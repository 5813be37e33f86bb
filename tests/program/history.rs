//! What a profile's history tells after its life, and that statuses are read no oftener than they change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use device_login::api::Call;
use device_login::clock;
use device_login::config::Config;
use device_login::http::Method;
use device_login::http::client::Client;
use device_login::service::{Service, State, remembered};
use device_login::storage::backend::watched::Watched;
use device_login::storage::{Event, Happened, Record, Store, StoreAddress, backend, open_over};
use serde_json::json;

use crate::support::authority::{Asked, Authority};
use crate::support::program::{Home, ended, key_options};

fn events(home: &Home) -> Vec<Event> {
    let record = home.store().load(&"work".parse().expect("a name")).expect("readable");
    record.map(|record| record.events).unwrap_or_default()
}

/// Approves, refreshes as often as `refreshes` says, and revokes once `revokes` is not zero.
fn answer(asked: &Asked, refreshes: &AtomicUsize, revokes: &AtomicUsize) -> (u16, String) {
    let token = json!({"access_token": "sentinel-access-2", "token_type": "Bearer", "expires_in": 3600});
    let left = || refreshes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match asked.path.as_str() {
        "/token" if left().is_ok() => (200, token.to_string()),
        "/token" => (400, json!({"error": "invalid_grant"}).to_string()),
        "/revoke" if revokes.load(Ordering::SeqCst) > 0 => (200, "{}".to_owned()),
        "/revoke" => (503, "{}".to_owned()),
        "/userinfo" => (200, json!({"sub": "77", "email": "dana@example.com"}).to_string()),
        _ => (404, "{}".to_owned()),
    }
}

#[test]
fn a_history_tells_what_happened_and_which_command_did_it() {
    let (refreshes, revokes) = (Arc::new(AtomicUsize::new(3)), Arc::new(AtomicUsize::new(0)));
    let (left, can_revoke) = (refreshes.clone(), revokes.clone());
    let authority = Authority::start(move |asked| answer(asked, &left, &can_revoke));
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    assert_eq!(home.run(&["token"]).code, 0);
    assert_eq!(home.run(&["refresh"]).code, 0);
    assert_eq!(home.run(&["refresh"]).code, 0);
    assert_eq!(home.run(&["whoami"]).code, 0);
    assert_eq!(home.run(&["refresh"]).code, 4);
    assert_eq!(home.run(&["logout"]).code, 7);
    revokes.store(1, Ordering::SeqCst);
    assert_eq!(home.run(&["logout"]).code, 0);
    let events = events(&home);
    let told: Vec<_> = events.iter().map(|event| (event.what, event.by.as_str(), event.repeated)).collect();
    let expected = [
        (Happened::Refreshed, "token", 0),
        (Happened::Refreshed, "refresh", 1),
        (Happened::Verified, "whoami", 0),
        (Happened::RefreshRefused, "refresh", 0),
        (Happened::SignedOut, "logout", 0),
        (Happened::NotRevoked, "logout", 0),
        (Happened::Revoked, "logout", 0),
    ];
    assert_eq!(told, expected);
    assert_eq!(events[2].detail, "dana@example.com");
    assert!(events[3].detail.contains("invalid_grant"), "{}", events[3].detail);
    let text = serde_json::to_string(&events).expect("JSON");
    assert!(!text.contains("sentinel"), "no token is in a history: {text}");
}

#[test]
fn a_history_tells_whether_a_token_lives_on_after_a_logout() {
    for (status, body, code, happened, detail) in [
        (200, "{}", 0, Happened::Revoked, ""),
        (400, r#"{"error":"invalid_token"}"#, 0, Happened::Revoked, "no such token was known there any more"),
        (400, r#"{"error":"unsupported_token_type"}"#, 0, Happened::NotRevoked, "does not revoke such tokens"),
        (503, "{}", 7, Happened::NotRevoked, "503"),
    ] {
        let authority = Authority::start(move |_| (status, body.to_owned()));
        let home = Home::signed_in(&authority);
        assert_eq!(home.run(&["logout"]).code, code, "{body}");
        let last = events(&home).pop().expect("it was logged out");
        assert_eq!(last.what, happened, "{body}");
        assert!(last.detail.contains(detail) && last.detail.is_empty() == detail.is_empty(), "{body}: {last:?}");
    }
}

#[test]
fn a_record_from_before_there_were_histories_opens_as_it_is() {
    let old = json!({"profile": "work", "provider": "corp", "client_id": "client-1", "generation": 1});
    let record: Record = serde_json::from_value(old.clone()).expect("a record");
    assert!(record.events.is_empty());
    assert_eq!(serde_json::to_value(&record).expect("JSON"), old);
}

/// The store of this home, which counts the records that are read.
fn counting(home: &Home, reads: Arc<AtomicUsize>) -> Store {
    let address = StoreAddress::File(home.path("state"));
    let watcher = move |call| {
        reads.fetch_add(usize::from(call == "read"), Ordering::SeqCst);
        Ok(())
    };
    open_over(Arc::new(Watched::new(backend(&address, None), Arc::new(watcher))), &address, key_options(home))
}

#[test]
fn records_are_opened_where_there_are_some_and_again_once_they_changed() {
    let authority = Authority::start(|_| (404, String::new()));
    let home = Home::at(&authority);
    let mut text = home.configuration();
    text.extend((0..200).map(|number| format!("[profiles.p{number:03}]\nprovider = \"corp\"\nclient_id = \"x\"\n")));
    home.sign_in(&authority, |_| {});
    let loads = Arc::new(AtomicUsize::new(0));
    let counting = counting(&home, loads.clone());
    let config = Config::parse(&text, &home.path("config.toml")).expect("a good configuration");
    let service = Service::new(config, counting, Client::new(None), Box::new(|_| None));
    let work = || {
        let statuses = service.statuses_by_now(clock::wall());
        assert_eq!(statuses.len(), 201);
        let work = statuses.into_iter().find(|status| status.name.as_str() == "work").expect("it is configured");
        (work.state, loads.swap(0, Ordering::SeqCst))
    };
    assert_eq!(work(), (State::Valid, 1));
    assert_eq!(work(), (State::Valid, 0));
    home.sign_in(&authority, |grant| grant.refused = Some("revoked".to_owned()));
    assert_eq!(work(), (State::NeedsLogin, 1));
    // What cannot be read is tried again each time.
    for file in ["state/work.record", "state/work.record.prev"] {
        home.write(file, "no record");
    }
    assert_eq!([work(), work()], [(State::Unknown, 1), (State::Unknown, 1)]);
    home.sign_in(&authority, |_| {});
    assert_eq!(work(), (State::Valid, 1));
}

fn calls(home: &Home, profile: &str) -> Vec<String> {
    let calls = home.store().calls(&profile.parse().expect("a name")).expect("readable");
    calls.iter().map(|call| call.url.path().to_owned()).collect()
}

/// Remembers a call of profile `work` as the app does.
fn keep(home: &Home, path: &str) {
    let config = Config::parse(&home.configuration(), &home.path("config.toml")).expect("a good configuration");
    let service = Service::new(config, home.store(), Client::new(None), Box::new(|_| None));
    let url = format!("https://api.example{path}").parse().expect("an address");
    let call = Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() };
    let past = remembered(&call, clock::wall(), None).expect("it may be kept");
    service.keep_call(&"work".parse().expect("a name"), past).expect("it is kept");
}

#[test]
fn calls_are_remembered_while_signed_in_and_go_with_the_profile() {
    let authority = Authority::start(|asked| answer(asked, &AtomicUsize::new(0), &AtomicUsize::new(1)));
    let home = Home::at(&authority);
    keep(&home, "/before-any-sign-in");
    assert_eq!(calls(&home, "work"), [""; 0]);
    home.sign_in(&authority, |_| {});
    for number in 0..60 {
        keep(&home, &format!("/{number}"));
    }
    let expected: Vec<String> = (10..60).map(|number| format!("/{number}")).collect();
    assert_eq!(calls(&home, "work"), expected);
    // Damage costs the list only.
    home.write("state/work.calls", "damaged");
    keep(&home, "/anew");
    assert_eq!(calls(&home, "work"), ["/anew"]);
    assert_eq!(home.run(&["profile", "rename", "work", "job"]).code, 0);
    assert_eq!((calls(&home, "job"), calls(&home, "work")), (vec!["/anew".to_owned()], Vec::new()));
    assert_eq!(home.run(&["profile", "rename", "job", "work"]).code, 0);
    assert_eq!(home.run(&["logout"]).code, 0);
    assert!(!home.path("state/work.calls").exists());
    home.sign_in(&authority, |_| {});
    keep(&home, "/again");
    assert_eq!(home.run(&["profile", "remove", "work", "--force"]).code, 0);
    assert!(!home.path("state/work.calls").exists());
}
