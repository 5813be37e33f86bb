//! Records go to another store, and each is refreshed in one place only, whatever becomes of whoever copies.

use std::fs;
use std::str::FromStr;
use std::time::Duration;

use device_login::clock;
use device_login::error::Error;
use device_login::profile::ProfileName;
use device_login::secret::Secret;
use device_login::storage::{Grant, Held, KeyOptions, Record, StoreAddress, StoreError, open};
use jiff::SignedDuration;

use super::{NEXT, home, provider};
use crate::support::program::{ACCESS_TOKEN, Home, Ran, key_options, ran, sign_in_into};

/// The address of another store below a home.
fn other(home: &Home) -> String {
    format!("file:{}", home.path("other").display())
}

fn at_other(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["--store", &other(home)], arguments].concat())
}

#[test]
fn a_record_that_has_moved_serves_its_token_and_is_refreshed_there_only() {
    let authority = provider();
    let home = home(&authority);
    let to = other(&home);
    let said = home.run(&["store", "copy", &to]);
    assert!(said.code == 0 && said.stdout.starts_with("work: copied\n1 of 1 profiles are in file:"), "{said:?}");
    let token = home.run(&["token"]);
    token.worked(&format!("{ACCESS_TOKEN}\n"));
    assert!(token.stderr.contains("Profile `work` has moved to file:"), "{token:?}");
    at_other(&home, &["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    assert_eq!(at_other(&home, &["refresh"]).code, 0);
    at_other(&home, &["token"]).worked(&format!("{NEXT}\n"));
    assert_eq!(home.run(&["store", "info", "--json"]).json()["moved"]["work"], to.as_str());
    let status = home.run(&["status"]);
    assert!(status.stdout.contains(&format!("\nwork: has moved to {to}: let ")), "{status:?}");
    let said = home.run(&["store", "copy", &to]);
    assert!(said.code == 0 && said.stdout.starts_with("work: there already\n"), "{said:?}");
    assert_eq!(home.run(&["store", "check", "--json"]).json()["findings"][0]["kind"], "moved");
    // Versions that know of no moves see another format, and leave it alone.
    let line = fs::read(home.path("state/work.record")).expect("it stays");
    assert!(line.starts_with(b"{\"format\":2,"), "a version with format 1 would refresh it");
    // And back again.
    let said = at_other(&home, &["store", "copy", &format!("file:{}", home.path("state").display())]);
    assert!(said.code == 0 && said.stdout.starts_with("work: copied\n"), "{said:?}");
    home.run(&["token"]).worked(&format!("{NEXT}\n"));
    assert_eq!(home.run(&["refresh"]).code, 0);
    at_other(&home, &["refresh"]).failed(9, &["has moved to file:", "state"]);
}

#[test]
fn no_rekey_takes_the_key_of_the_store_to_which_records_have_moved() {
    let authority = provider();
    for is_other_first in [false, true] {
        let home = home(&authority);
        assert_eq!(home.run(&["store", "copy", &other(&home)]).code, 0);
        let [here, there] = [home.run(&["store", "info", "--json"]), at_other(&home, &["store", "info", "--json"])];
        assert_eq!(here.json()["key"]["id"], there.json()["key"]["id"]);
        let rekey = |is_other: bool| {
            if is_other { at_other(&home, &["store", "rekey"]) } else { home.run(&["store", "rekey"]) }
        };
        let said = rekey(is_other_first);
        assert!(said.code == 0 && said.stdout.contains(" stays in the key file "), "{said:?}");
        assert_eq!(home.keys(), 2, "{is_other_first}");
        let named = if is_other_first { format!("file:{}", home.path("state").display()) } else { other(&home) };
        assert!(said.stdout.contains(&format!("since `{named}` has it")), "{named}: {said:?}");
        assert_eq!(at_other(&home, &["refresh"]).code, 0);
        home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
        let said = rekey(!is_other_first);
        assert!(said.code == 0 && !said.stdout.contains(" stays in "), "{said:?}");
        assert_eq!(at_other(&home, &["refresh"]).code, 0);
        home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
        // The other one took the new key, too, and nobody has the old one.
        assert_eq!(home.keys(), 1, "{is_other_first}");
    }
}

#[test]
fn no_rekey_takes_the_key_of_a_store_to_which_records_have_moved_from_there() {
    let authority = provider();
    for is_behind_passphrase in [false, true] {
        let home = home(&authority);
        let passphrase = home.write("passphrase", "correct horse\n");
        if is_behind_passphrase {
            let said =
                home.run(&["store", "rekey", "--to", "passphrase", "--passphrase-file", &passphrase.to_string_lossy()]);
            assert_eq!(said.code, 0, "{said:?}");
        }
        let stores = ["state", "other", "third"].map(|name| format!("file:{}", home.path(name).display()));
        let run = |store: &str, arguments: &[&str]| {
            let mut command = home.command(&[&["--store", store], arguments].concat());
            if is_behind_passphrase {
                command.env("DEVICE_LOGIN_PASSPHRASE_FILE", &passphrase);
            }
            let said = ran(command.spawn().expect("the program starts"));
            assert_eq!(said.code, 0, "{store} {arguments:?}: {said:?}");
            said
        };
        drop(run(&stores[0], &["store", "copy", &stores[1]]));
        drop(run(&stores[1], &["store", "copy", &stores[2]]));
        for (number, store) in stores.iter().enumerate() {
            let said = run(store, &["store", "rekey"]);
            let shared = !is_behind_passphrase && number < 2;
            assert_eq!(said.stdout.contains(" stays in "), shared, "{store}: {said:?}");
            assert_eq!(shared && number == 0, said.stdout.contains(&stores[1]), "{store}: {said:?}");
            assert_eq!(shared, said.stdout.contains(&stores[2]), "{store}: {said:?}");
            drop(run(&stores[2], &["refresh"]));
        }
        assert_eq!(home.keys(), usize::from(!is_behind_passphrase), "{is_behind_passphrase}");
    }
}

/// Names of profiles and what happens to the sign-in at the store in which it is refreshed, before it is copied back.
const MEANWHILE: [(&str, &[&[&str]]); 6] = [
    ("a", &[]),
    ("b", &[&["refresh", "b"]]),
    ("c", &[&["refresh", "c"], &["refresh", "c"]]),
    ("d", &[&["profile", "rename", "d", "away"], &["profile", "rename", "away", "d"]]),
    ("e", &[&["logout", "e", "--local"]]),
    // Followed by a new sign-in.
    (ANEW, &[&["logout", ANEW, "--local"]]),
];
const ANEW: &str = "f";

#[test]
fn records_go_there_and_back_any_number_of_times() {
    let authority = provider();
    let home = Home::at(&authority);
    let one = home.configuration();
    let section = one[one.find("[profiles.work]").expect("a profile")..].to_owned();
    let section = section[..section[1..].find("\n[").map_or(section.len(), |end| end + 1)].to_owned();
    let others = MEANWHILE.map(|(name, _)| section.replace("[profiles.work]", &format!("[profiles.{name}]")));
    home.configure(&format!("{one}\n{}", others.join("\n")));
    let store = home.store();
    home.sign_in(&authority, |_| ());
    let name_of = |name: &str| ProfileName::from_str(name).expect("a name");
    let signed_in = store.load(&name_of("work")).expect("the store works").expect("a record");
    for (name, _) in MEANWHILE {
        let mut record = Record { profile: name_of(name), ..*signed_in.clone() };
        let commit = |held: &mut Held| held.commit(&mut record);
        store.holding(&name_of(name), Duration::from_secs(5), commit).expect("it is kept");
    }
    let stores = [format!("file:{}", home.path("state").display()), other(&home)];
    for (round, happens) in [false, false, true, false, true, true, false].into_iter().enumerate() {
        let [from, to] = [round % 2, 1 - round % 2].map(|at| stores[at].as_str());
        let at = |store: &str, arguments: &[&str]| home.run(&[&["--store", store], arguments].concat());
        for arguments in MEANWHILE.iter().filter(|_| happens).flat_map(|(_, commands)| *commands) {
            let said = at(from, arguments);
            assert_eq!(said.code, 0, "{round}: {arguments:?}: {said:?}");
        }
        if happens {
            let store = open(&StoreAddress::parse(from).expect("an address"), key_options(&home));
            let mut record = Record { profile: name_of(ANEW), ..*signed_in.clone() };
            record.grant.iter_mut().for_each(|grant| grant.approved_at = clock::wall());
            let commit = |held: &mut Held| held.commit(&mut record);
            store.holding(&name_of(ANEW), Duration::from_secs(5), commit).expect("it is kept");
        }
        let said = at(from, &["store", "copy", to]);
        let copied = said.stdout.lines().filter(|line| line.ends_with(": copied")).count();
        assert_eq!((said.code, copied), (0, MEANWHILE.len() + 1), "{round}: {said:?}");
        let [here, there] = [from, to].map(|store| at(store, &["token", "a"]));
        there.worked(&here.stdout);
        assert!(
            here.stderr.contains("has moved to file:") && !there.stderr.contains("has moved"),
            "{here:?} {there:?}"
        );
    }
}

#[test]
fn what_is_newer_or_another_sign_in_there_is_refused_by_name() {
    let authority = provider();
    let home = home(&authority);
    let to = other(&home);
    assert_eq!(home.run(&["store", "copy", &to]).code, 0);
    let moved_back = |home: &Home| {
        for name in ["work.record", "work.record.prev"] {
            let _ = fs::remove_file(home.path(&format!("state/{name}")));
        }
    };
    moved_back(&home);
    // Another sign-in here by now.
    home.sign_in(&authority, |_| ());
    let said = home.run(&["store", "copy", &to]);
    assert!(
        said.code == 1 && said.stdout.contains("work: not copied: there is another sign-in of it there"),
        "{said:?}"
    );
    assert!(
        said.stdout.contains("Not copied: `work`. This store stays in use for them: mend what is named above"),
        "{said:?}"
    );
    assert!(!said.stdout.contains("here nothing is refreshed"), "{said:?}");
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    assert_eq!(home.run(&["refresh"]).code, 0, "it stays here");
    let said = home.run(&["store", "copy", &to, "--keep-both"]);
    assert!(said.code == 1 && said.stdout.contains("another sign-in"), "{said:?}");
}

#[test]
fn what_a_clock_that_was_ahead_keeps_from_going_back_is_told_with_the_command_that_lets_it() {
    let authority = provider();
    let home = home(&authority);
    home.sign_in(&authority, |grant| grant.approved_at += SignedDuration::from_hours(72));
    assert_eq!(home.run(&["store", "copy", &other(&home)]).code, 0);
    sign_in_into(
        &open(&StoreAddress::File(home.path("other")), key_options(&home)),
        "work",
        &authority.origin(),
        |_| (),
    );
    let back = format!("file:{}", home.path("state").display());
    let said = at_other(&home, &["store", "copy", &back]);
    let told = format!("`--store {back} logout NAME --local` forgets the one there, and the same command copies it");
    assert!(said.code == 1 && said.stdout.contains("a clock was set back") && said.stdout.contains(&told), "{said:?}");
    assert_eq!(at_other(&home, &["refresh"]).code, 0);
    assert_eq!(home.run(&["--store", &back, "logout", "work", "--local"]).code, 0);
    assert_eq!(at_other(&home, &["store", "copy", &back]).code, 0);
    assert_eq!(home.run(&["refresh"]).code, 0);
    assert_eq!(authority.count("/revoke"), 0);
}

/// Gives another store the key of the store of a home.
type Share = fn(&Home);

/// How another store came to have it.
const SHARING: [(&str, Share); 5] = [
    ("it began with the same key file", |home| sign_in_into_other(home, key_options(home))),
    ("it knows the key file by a link", |home| {
        std::os::unix::fs::symlink(home.path("key"), home.path("link")).expect("a link");
        sign_in_into_other(home, KeyOptions { key_file: Some(home.path("link")), ..key_options(home) });
    }),
    ("it lost its entry, and has written since", |home| {
        sign_in_into_other(home, key_options(home));
        fs::remove_file(home.path(".key.stores")).expect("a list");
        sign_in_into_other(home, key_options(home));
    }),
    ("records were copied", |home| {
        never_rotating(home);
        assert_eq!(home.run(&["store", "copy", &other(home), "--keep-both"]).code, 0);
    }),
    ("records moved, and their marks were lost", |home| {
        assert_eq!(home.run(&["store", "copy", &other(home)]).code, 0);
        home.write("state/work.record", "damaged");
        fs::remove_file(home.path("state/work.record.prev")).expect("it is there");
    }),
];

fn sign_in_into_other(home: &Home, keys: KeyOptions) {
    let store = open(&StoreAddress::File(home.path("other")), keys);
    sign_in_into(&store, "work", "https://corp.example", |_| ());
}

#[test]
fn no_rekey_takes_the_key_of_another_store() {
    let authority = provider();
    for (how, share) in SHARING {
        let home = home(&authority);
        share(&home);
        let opens = || at_other(&home, &["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
        opens();
        let said = home.run(&["store", "rekey"]);
        let stays = said.stdout.contains(&format!("since `{}` has it", other(&home)));
        assert!(said.code == 0 && stays && home.keys() == 2, "{how}: {said:?}");
        opens();
        let said = at_other(&home, &["store", "rekey"]);
        assert!(said.code == 0 && !said.stdout.contains(" stays in ") && home.keys() == 1, "{how}: {said:?}");
        opens();
    }
}

/// What becomes of a store, and how that ends.
type Absence = (&'static str, fn(&Home), fn(&Home));

/// Ways in which another store cannot be asked whose key is in the same file.
const ABSENT: [Absence; 3] = [
    ("its directory is away", set_away, |home| {
        fs::rename(home.path("away"), home.path("other")).expect("it was moved");
    }),
    (
        "another disk is there",
        |home| {
            set_away(home);
            fs::create_dir(home.path("other")).expect("it is free");
        },
        |home| {
            fs::remove_dir(home.path("other")).expect("it is empty");
            fs::rename(home.path("away"), home.path("other")).expect("it was moved");
        },
    ),
    (
        "nobody may look into it",
        |home| {
            fs::rename(home.path("other/store.json"), home.path("pin")).expect("it has one");
            fs::create_dir(home.path("other/store.json")).expect("it is free");
        },
        |home| {
            fs::remove_dir(home.path("other/store.json")).expect("it is empty");
            fs::rename(home.path("pin"), home.path("other/store.json")).expect("it was moved");
        },
    ),
];

fn set_away(home: &Home) {
    fs::rename(home.path("other"), home.path("away")).expect("it is there");
}

#[test]
fn a_key_goes_with_the_last_store_that_may_have_it() {
    let authority = provider();
    for (how, goes, comes) in ABSENT {
        for is_gone_for_good in [false, true] {
            let home = home(&authority);
            assert_eq!(home.run(&["store", "copy", &other(&home)]).code, 0);
            goes(&home);
            for keys in [2, 3] {
                let said = home.run(&["store", "rekey"]);
                let told = format!("since `{}` had a key of that file, and is not there", other(&home));
                assert!(said.code == 0 && said.stdout.contains(&told), "{how}: {said:?}");
                assert!(said.stdout.contains(".key.stores, and the key goes with the next change"), "{how}: {said:?}");
                assert_eq!(home.keys(), keys, "{how}");
            }
            let said = if is_gone_for_good {
                let list = fs::read_to_string(home.path(".key.stores")).expect("a list");
                let left: Vec<_> = list.lines().filter(|line| !line.contains("/other")).collect();
                home.write(".key.stores", &(left.join("\n") + "\n"));
                home.run(&["store", "rekey"])
            } else {
                comes(&home);
                assert_eq!(at_other(&home, &["refresh"]).code, 0, "{how}");
                at_other(&home, &["store", "rekey"])
            };
            assert!(said.code == 0 && !said.stdout.contains(" stays in "), "{how}: {said:?}");
            assert_eq!(home.keys(), 1, "{how}: {said:?}");
            home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
        }
    }
}

#[test]
fn a_store_that_is_made_anew_at_a_place_takes_no_key_of_the_one_that_was_there() {
    let authority = provider();
    let [(_, goes, comes), ..] = ABSENT;
    for made in [&["store", "init"][..], &["store", "rekey"]] {
        for is_gone_for_good in [false, true] {
            let home = home(&authority);
            assert_eq!(home.run(&["store", "copy", &other(&home)]).code, 0);
            goes(&home);
            let said = at_other(&home, made);
            assert_eq!(said.code, 0, "{made:?}: {said:?}");
            for store in
                [home.run(&["store", "rekey"]), at_other(&home, &["store", "rekey"]), home.run(&["store", "rekey"])]
            {
                let told = format!("`{}` was made anew, and the store that was there before may have it", other(&home));
                assert!(store.code == 0 && store.stdout.contains(&told), "{made:?}: {store:?}");
            }
            if is_gone_for_good {
                let list = fs::read_to_string(home.path(".key.stores")).expect("a list");
                let left: Vec<_> = list.lines().filter(|line| !line.contains("made_anew")).collect();
                home.write(".key.stores", &(left.join("\n") + "\n"));
                let said = home.run(&["store", "rekey"]);
                assert_eq!((said.code, home.keys()), (0, 2), "{made:?}: {said:?}");
            } else {
                fs::remove_dir_all(home.path("other")).expect("it is there");
                comes(&home);
                assert_eq!(at_other(&home, &["refresh"]).code, 0, "{made:?}");
            }
        }
    }
}

#[test]
fn a_store_that_lost_what_it_says_of_its_key_is_not_taken_for_one_made_anew() {
    let authority = provider();
    let home = home(&authority);
    for missing in [false, true] {
        if missing {
            fs::remove_file(home.path("state/store.json")).expect("it has one");
        }
        assert_eq!(home.run(&["refresh"]).code, 0);
        let said = home.run(&["store", "rekey"]);
        assert!(said.code == 0 && !said.stdout.contains("made anew") && home.keys() == 1, "{missing}: {said:?}");
    }
}

#[test]
fn a_line_that_was_cut_short_takes_no_store_off_the_list() {
    let authority = provider();
    for torn in ["\"file:/else/whe", "{\"left\":\"0123", "{\"made_anew\":\"file:/x", "\"", "\u{1}"] {
        let home = home(&authority);
        assert_eq!(home.run(&["store", "copy", &other(&home)]).code, 0);
        home.write(".key.stores", &format!("\"file:{}\"\n{torn}", home.path("state").display()));
        assert_eq!(at_other(&home, &["refresh"]).code, 0, "{torn}");
        let said = home.run(&["store", "rekey"]);
        assert!(
            said.code == 0 && said.stdout.contains(&format!("since `{}` has it", other(&home))),
            "{torn}: {said:?}"
        );
        assert_eq!(at_other(&home, &["refresh"]).code, 0, "{torn}");
        let said = at_other(&home, &["store", "rekey"]);
        assert_eq!((said.code, home.keys()), (0, 1), "{torn}: {said:?}");
    }
}

/// Which way out is left where the place is gone to which a record has moved.
#[test]
fn what_has_moved_to_a_place_that_is_lost_is_forgotten_and_signed_in_anew() {
    let authority = provider();
    let home = home(&authority);
    let to = other(&home);
    assert_eq!(home.run(&["store", "copy", &to]).code, 0);
    fs::remove_dir_all(home.path("other")).expect("it is there");
    let way_out = "where it is lost for good, run `device-login logout work --local` and sign in anew";
    home.run(&["refresh"]).failed(9, &[&to, way_out]);
    let said = home.run(&["store", "copy", &format!("file:{}", home.path("third").display())]);
    assert!(said.code == 1 && said.stdout.contains("it has moved to"), "{said:?}");
    assert!(!said.stdout.contains("stays in use") && said.stdout.contains("logout NAME --local"), "{said:?}");
    let said = home.run(&["logout", "--local"]);
    assert_eq!((said.code, authority.count("/revoke")), (0, 0), "{said:?}");
    home.run(&["token"]).failed(4, &["device-login login work"]);
    home.sign_in(&authority, |_| ());
    assert_eq!(home.run(&["refresh"]).code, 0);
}

#[test]
fn no_rekey_goes_back_to_a_key_that_this_store_has_left() {
    let home = Home::new();
    let passphrase = home.write("passphrase", "correct horse\n");
    let passphrase = passphrase.to_string_lossy();
    let key = |said: &Ran| said.stdout.split_whitespace().nth(4).expect("a key").trim_end_matches(':').to_owned();
    for store in [&["store", "init"][..], &["--store", &other(&home), "store", "init"]] {
        assert_eq!(home.run(store).code, 0);
    }
    let mut keys = vec![home.run(&["store", "info", "--json"]).json()["key"]["id"].as_str().expect("a key").to_owned()];
    keys.push(key(&home.run(&["store", "rekey"])));
    keys.push(key(&home.run(&["store", "rekey", "--to", "passphrase", "--passphrase-file", &passphrase])));
    let mut back = home.command(&["store", "rekey", "--to", "key-file"]);
    back.env("DEVICE_LOGIN_PASSPHRASE_FILE", &*passphrase);
    keys.push(key(&ran(back.spawn().expect("the program starts"))));
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), 4, "{keys:?}");
    // The other store has its own still.
    assert_eq!(at_other(&home, &["store", "check"]).code, 0);
    assert_eq!(home.keys(), 2);
}

#[test]
fn a_key_stays_where_it_cannot_be_known_who_has_it() {
    let authority = provider();
    let away = "file:/nowhere/at/all";
    for (list, says) in [
        (
            format!("\"{away}\"\n"),
            Some("since `file:/nowhere/at/all` had a key of that file, and is not there or cannot be asked"),
        ),
        ("\"postgres://u@127.0.0.1:1/x\"\n".to_owned(), Some("since `postgres://u@127.0.0.1:1/x` had a key")),
        ("\"no address\"\n".to_owned(), Some("since `no address` had a key of that file")),
        // Cut short, and other things that name nothing.
        (format!("\"{away}\n\n7\n\u{1}"), None),
    ] {
        let home = home(&authority);
        home.write(".key.stores", &list);
        let said = home.run(&["store", "rekey"]);
        assert_eq!((said.code, home.keys()), (0, if says.is_some() { 2 } else { 1 }), "{list}: {said:?}");
        assert!(says.is_none_or(|says| said.stdout.contains(says)), "{list}: {said:?}");
        home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    }
    let unreadable: [fn(&Home); 2] = [
        |home| {
            let list = home.path(".key.stores");
            fs::remove_file(&list).and_then(|()| fs::create_dir(&list)).expect("something else is there");
        },
        // As one of many stores that came and went; it grows no more.
        |home| {
            let line = format!("\"file:/{}\"\n", "x".repeat(1000));
            home.write(".key.stores", &line.repeat(66));
            assert_eq!(home.run(&["refresh"]).code, 0);
            assert_eq!(fs::read_to_string(home.path(".key.stores")).expect("a list").lines().count(), 66);
        },
    ];
    for make in unreadable {
        let home = home(&authority);
        make(&home);
        let said = home.run(&["store", "rekey"]);
        let stays = said.stdout.contains("since the list of the stores that have it cannot be read");
        assert!(said.code == 0 && stays && home.keys() == 2, "{said:?}");
    }
}

/// Makes the profile one of a provider that never replaces refresh tokens.
fn never_rotating(home: &Home) {
    let origin = "http://127.0.0.1:1";
    home.configure(&format!(
        "[profiles.work]\nprovider = \"lab\"\nclient_id = \"client-1\"\nscopes = [\"A.b.READ\"]\n[providers.lab]\nkind = \
         \"zoho\"\n[providers.lab.data_centers.us]\naccounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n",
    ));
    for name in ["work.record", "work.record.prev"] {
        fs::remove_file(home.path(&format!("state/{name}"))).expect("it is there");
    }
    let store = home.store();
    let (name, now) = (ProfileName::from_str("work").expect("a name"), clock::wall());
    let end = now + SignedDuration::from_hours(1);
    let grant = Grant {
        data_center: "us".to_owned(),
        refresh_token: Some(Secret::new("refresh")),
        ..Grant::new(format!("{origin}/"), Vec::new(), Secret::new(ACCESS_TOKEN), now, end)
    };
    let mut record = Record { grant: Some(grant), ..Record::empty(name.clone(), "lab", "client-1") };
    store.holding(&name, Duration::from_secs(5), |held| held.commit(&mut record)).expect("it is kept");
}

#[test]
fn both_are_kept_only_where_no_refresh_token_is_ever_replaced() {
    let authority = provider();
    let home = home(&authority);
    let to = other(&home);
    let said = home.run(&["store", "copy", &to, "--keep-both"]);
    assert!(said.code == 1 && said.stdout.contains("its provider may replace refresh tokens"), "{said:?}");
    never_rotating(&home);
    let said = home.run(&["store", "copy", &to, "--keep-both"]);
    assert!(said.code == 0 && said.stdout.starts_with("work: copied\n"), "{said:?}");
    for token in [home.run(&["token"]), at_other(&home, &["token"])] {
        token.worked(&format!("{ACCESS_TOKEN}\n"));
    }
    let said = home.run(&["store", "copy", &to, "--keep-both"]);
    assert!(said.code == 0 && said.stdout.starts_with("work: there already\n"), "{said:?}");
}

#[test]
fn a_store_with_another_key_or_with_none_takes_nothing() {
    let authority = provider();
    let home = home(&authority);
    let elsewhere = Home::new();
    assert_eq!(elsewhere.run(&["store", "init"]).code, 0);
    let to = format!("file:{}", elsewhere.path("state").display());
    home.run(&["store", "copy", &to]).failed(9, &["it uses the key-file ", "and the records come with"]);
    home.run(&["store", "copy", &format!("plain:{}", home.path("plain").display())]).failed(9, &["it seals nothing"]);
    home.run(&["store", "copy", &format!("file:{}", home.path("state").display())])
        .failed(2, &["both are the same store"]);
    home.run(&["store", "copy"]).failed(2, &[]);
    home.run(&["store", "copy", "postgres://u:sesam@h/x"]).failed(2, &["takes no address with a password"]);
    assert_eq!(home.run(&["refresh"]).code, 0);
    assert_eq!(home.key_ids().len(), 1);
}

#[test]
fn where_a_record_has_moved_to_is_told_as_it_is_of_use() {
    let database = "postgres://u@h/x?sslmode=verify-full";
    for (to, on, says, hint, never) in [
        ("file:/srv/store", None, "has moved to file:/srv/store,", "DEVICE_LOGIN_STORE=file:/srv/store", "password"),
        ("file:/srv/store", Some("lobby1"), "file:/srv/store on lobby1,", "use that store on lobby1", "DEVICE_LOGIN"),
        (database, None, database, "with its password where it wants one", " on "),
    ] {
        let profile = ProfileName::from_str("work").expect("a name");
        let error = StoreError::Moved { profile, to: to.to_owned(), on: on.map(ToOwned::to_owned) };
        assert!(error.to_string().contains(says), "{error}");
        let told = format!("{:?}", Error::from(error).advice);
        assert!(told.contains(hint) && !told.contains(never), "{told}");
    }
}
