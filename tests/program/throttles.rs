//! A client of which a second grant is throttled is left alone by everybody who uses the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use device_login::clock;
use device_login::secret::Secret;
use device_login::storage::{Grant, Record, StoreError};
use jiff::SignedDuration;

use crate::support::authority::Authority;
use crate::support::program::Home;

/// Four profiles at one server, of which the last one has a client of its own.
const PROFILES: [(&str, &str); 4] = [("a", "ONE"), ("b", "ONE"), ("c", "ONE"), ("d", "TWO")];

fn configuration(origin: &str) -> String {
    let profile = |(name, client)| {
        format!("[profiles.{name}]\nprovider = \"corp\"\nclient_id = \"{client}\"\nscopes = [\"x\"]\n")
    };
    let profiles = PROFILES.map(profile).concat();
    format!(
        "{profiles}[providers.corp]\nkind = \"standard\"\ndevice_authorization_endpoint = \"{origin}/device\"\n\
         token_endpoint = \"{origin}/token\"\n"
    )
}

/// Keeps a grant whose token has ended.
fn sign_in(home: &Home, origin: &str, name: &str, client: &str) {
    let store = home.store();
    let now = clock::wall();
    let ended = now - SignedDuration::from_secs(1);
    let grant = Grant::new(format!("{origin}/token"), vec!["x".to_owned()], Secret::new("old"), ended, ended);
    let profile = name.parse().expect("a name");
    let kept: Result<(), StoreError> = store.holding(&profile, Duration::from_secs(5), |held| {
        let refresh_token = Some(Secret::new(format!("refresh-{name}")));
        let grant = Some(Grant { refresh_token, ..grant });
        held.commit(&mut Record { grant, ..Record::empty(profile.clone(), "corp", client) })
    });
    kept.expect("it is kept");
}

#[test]
fn the_second_throttled_grant_pauses_its_client_and_no_other() {
    let is_busy = Arc::new(AtomicBool::new(true));
    let busy = Arc::clone(&is_busy);
    let authority = Authority::start(move |_| {
        if busy.load(Ordering::SeqCst) {
            return (429, "slow down".to_owned());
        }
        (200, r#"{"access_token":"new","token_type":"Bearer","expires_in":3600}"#.to_owned())
    });
    let home = Home::new();
    home.configure(&configuration(&authority.origin()));
    for (name, client) in PROFILES {
        sign_in(&home, &authority.origin(), name, client);
    }
    home.run(&["token", "a"]).failed(10, &["fewer requests"]);
    is_busy.store(false, Ordering::SeqCst);
    // One grant alone may have been asked for too often.
    home.run(&["token", "c"]).worked("new\n");
    sign_in(&home, &authority.origin(), "c", "ONE");
    is_busy.store(true, Ordering::SeqCst);
    home.run(&["token", "b"]).failed(10, &["fewer requests"]);
    is_busy.store(false, Ordering::SeqCst);
    let asked = authority.log().len();
    home.run(&["token", "c"]).failed(10, &["client `ONE`", "`a`, `b`", "try again after", "UTC"]);
    let refused = home.run(&["token", "c", "--format", "json"]);
    assert_eq!((refused.code, refused.json()["error"]["retryable"].as_bool()), (10, Some(true)), "{refused:?}");
    for (arguments, waiting) in
        [(&["status", "--json"][..], 3), (&["status", "c", "--json"], 1), (&["status", "d", "--json"], 0)]
    {
        let told = home.run(arguments).json();
        let profiles = told["profiles"].as_array().expect("a list").iter();
        let waits =
            profiles.filter(|one| one["refresh_not_before"].is_string()).inspect(|one| assert_ne!(one["name"], "d"));
        assert_eq!(waits.count(), waiting, "{told}");
    }
    assert_eq!(authority.log().len(), asked, "nobody was asked");
    home.run(&["token", "d"]).worked("new\n");
}
