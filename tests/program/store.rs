//! `device-login store`: what it says, what it mends, another key.

mod copy;

use std::fs;
use std::time::Duration;

use jiff::SignedDuration;

use crate::interrupts::{has_open, send, wait_until_stopped};
use crate::support::authority::Authority;
use crate::support::faults::{Act, Fault, Point, strike};
use crate::support::program::{ACCESS_TOKEN, Home, Ran, configuration, ran, set_mode};
use crate::support::rotating::Rotating;

const NEXT: &str = "sentinel-access-2";

fn provider() -> Authority {
    Authority::start(|asked| match asked.path.as_str() {
        "/token" => (200, format!(r#"{{"access_token":"{NEXT}","expires_in":3600}}"#)),
        _ => (200, r#"{"sub":"77"}"#.to_owned()),
    })
}

/// A home with two generations of a record and a list of calls.
fn home(authority: &Authority) -> Home {
    let home = Home::signed_in(authority);
    home.sign_in(authority, |_| ());
    home
}

#[test]
fn info_says_where_the_records_are_and_what_guards_them() {
    let authority = provider();
    let home = home(&authority);
    let said = home.run(&["store", "info"]);
    assert_eq!(said.code, 0, "{said:?}");
    for part in ["file: ", "key-file, ", "(L1)", "1 configured, 1 with a record"] {
        assert!(said.stdout.contains(part), "{part}: {said:?}");
    }
    let json = home.run(&["store", "info", "--json"]).json();
    assert_eq!((&json["kind"], &json["records"], &json["key"]["grade"]), (&"file".into(), &1.into(), &"L1".into()));
    assert_eq!(json["key"]["id"], home.key_ids()[0].as_str());
    fs::rename(home.path("key"), home.path("away")).expect("there is a key");
    let said = home.run(&["store", "info"]);
    assert!(said.code == 9 && said.stdout.contains("cannot be had"), "{said:?}");
    home.run(&["store", "check"]).failed(9, &["is missing, but records sealed with it exist"]);
}

#[test]
fn info_says_what_is_known_here_of_a_database_that_is_away() {
    let authority = provider();
    let home = home(&authority);
    let info = |arguments: &[&str]| home.run(&[&["--store", "postgres://u@127.0.0.1:1/x"], arguments].concat());
    let said = info(&["store", "info"]);
    assert!(said.code == 9 && said.stderr.starts_with("error: ") && said.stderr.contains("hint: "), "{said:?}");
    for part in ["postgres: the database postgres://u@127.0.0.1:1/x", "key-file, ", "(L1)", "1 configured\n"] {
        assert!(said.stdout.contains(part), "{part}: {said:?}");
    }
    let said = info(&["store", "info", "--json"]);
    assert!(said.code == 9 && said.stderr.is_empty(), "{said:?}");
    let json = said.json();
    assert_eq!((&json["kind"], &json["error"]["code"]), (&"postgres".into(), &"store_unavailable".into()));
    assert!(json["key"]["id"] == home.key_ids()[0].as_str() && json.get("records").is_none(), "{json}");
}

#[test]
fn init_makes_directory_and_key_and_prints_only_for_a_database() {
    let home = Home::new();
    let said = home.run(&["store", "init"]);
    assert!(said.code == 0 && said.stdout.ends_with("is ready to keep records.\n"), "{said:?}");
    assert_eq!((home.keys(), home.path("state/store.json").exists()), (1, true));
    home.run(&["store", "init", "--print"])
        .failed(2, &["only a database has something to print", "name a database by `--store`"]);
}

#[test]
fn a_new_key_opens_everything_and_the_old_one_nothing() {
    let authority = provider();
    let home = home(&authority);
    let old = fs::read_to_string(home.path("key")).expect("a key");
    let old_id = home.key_ids();
    let said = home.run(&["store", "rekey"]);
    assert!(said.code == 0 && said.stdout.starts_with("Sealed anew with key "), "{said:?}");
    assert!(said.stdout.contains(&format!("Key {} opens nothing here any more.", old_id[0])), "{said:?}");
    assert_eq!((home.keys(), home.key_ids().len()), (1, 1));
    assert_ne!((fs::read_to_string(home.path("key")).expect("a key"), home.key_ids()), (old, old_id));
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    home.run(&["store", "check"]).worked("1 profile with a record, 2 things read: all is well.\n");
    assert_eq!(home.run(&["refresh"]).code, 0);
    home.run(&["token"]).worked(&format!("{NEXT}\n"));
}

/// Variables and their values.
type Environment<'a> = &'a [(&'a str, &'a str)];

/// A medium that is not mounted is no place for a key.
#[test]
fn no_directory_is_made_for_a_key_that_somebody_places() {
    let authority = provider();
    let home = home(&authority);
    let before = (home.key_ids(), home.keys());
    let away = home.path("stick/keys/key").display().to_string();
    let there = home.path("own").join("key").display().to_string();
    let ran = home.run(&["store", "rekey", "--to", &format!("key-file:{away}")]);
    ran.failed(9, &["stick/keys is not there", "make the directory first"]);
    assert!(!home.path("stick").exists() && (home.key_ids(), home.keys()) == before);
    fs::create_dir(home.path("own")).expect("it is free");
    let ran = home.run(&["store", "rekey", "--to", &format!("key-file:{there}")]);
    let said = format!("comes from the key file {there}: set `DEVICE_LOGIN_KEY_FILE={there}`");
    assert!(ran.code == 0 && ran.stdout.contains(&said), "{ran:?}");
    assert!(ran.stdout.contains(": 1 profile. Key ") && !ran.stdout.contains("named by"), "{ran:?}");
}

#[test]
fn a_file_for_the_new_key_that_does_not_serve_is_told_as_what_the_command_named() {
    let authority = provider();
    let home = home(&authority);
    let path = |name: &str, text: &str| home.write(name, text).display().to_string();
    let (empty, word, missing) = (path("empty", ""), path("word", "correct horse\n"), "/nope/passphrase".to_owned());
    let (as_key, other) = (format!("key-file:{empty}"), "name another file for the new key");
    let before = home.key_ids();
    let rows: [(&[&str], i32, &[&str]); 5] = [
        (&["--to", "passphrase", "--passphrase-file", &empty], 9, &["is empty", &empty, other]),
        (&["--to", "passphrase", "--passphrase-file", &missing], 9, &["is missing", &missing, other]),
        (&["--to", &as_key], 9, &["holds no key", &empty, other]),
        (&["--to", "key-file", "--passphrase-file", &word], 2, &["has no passphrase", "leave `--passphrase-file` out"]),
        (&["--to", &as_key, "--passphrase-file", &word], 2, &["has no passphrase"]),
    ];
    for (arguments, code, parts) in rows {
        let ran = home.run(&[&["store", "rekey"], arguments].concat());
        ran.failed(code, parts);
        assert!(!ran.stderr.contains("DEVICE_LOGIN"), "{arguments:?}: {ran:?}");
        assert_eq!(home.key_ids(), before, "{arguments:?}");
    }
}

/// From one source to the next, with what each needs in the environment afterwards.
#[test]
fn the_key_goes_from_each_source_to_each_other() {
    let authority = provider();
    let home = home(&authority);
    let passphrase = home.write("passphrase", "correct horse\n").display().to_string();
    let other = home.write("other-passphrase", "battery staple\n").display().to_string();
    let key_file = home.path("own-key").display().to_string();
    let set_key_file = [("DEVICE_LOGIN_KEY_FILE", key_file.as_str())];
    let set_passphrase = [("DEVICE_LOGIN_PASSPHRASE_FILE", passphrase.as_str())];
    let set_other = [("DEVICE_LOGIN_PASSPHRASE_FILE", other.as_str())];
    let to_key_file = format!("key-file:{key_file}");
    let steps: [(Environment<'_>, &[&str], Environment<'_>, &str); 6] = [
        (&[], &["--to", &to_key_file], &set_key_file, "set `DEVICE_LOGIN_KEY_FILE="),
        (&set_key_file, &[], &set_key_file, ""),
        (&set_key_file, &["--to", "passphrase", "--passphrase-file", &passphrase], &set_passphrase, "is still in"),
        (&set_passphrase, &[], &set_passphrase, ""),
        (&set_passphrase, &["--passphrase-file", &other], &set_other, "The key stays "),
        (&set_other, &["--to", "key-file"], &[], "leave every other source out"),
    ];
    for (before, arguments, after, part) in steps {
        let run = |environment: Environment<'_>, arguments: &[&str]| {
            let child = home.command(arguments).envs(environment.iter().copied()).spawn().expect("the program starts");
            crate::support::program::ran(child)
        };
        run(before, &["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
        let said = run(before, &[&["store", "rekey"], arguments].concat());
        assert!(said.code == 0 && said.stdout.contains(part), "{arguments:?}: {said:?}");
        run(after, &["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
        let checked = run(after, &["store", "check"]);
        assert!(checked.stdout.ends_with("all is well.\n"), "{checked:?}");
        assert_eq!(home.key_ids().len(), 1, "{arguments:?}");
        if before != after {
            let refused = run(before, &["token"]);
            assert_eq!(refused.code, 9, "{arguments:?}: {refused:?}");
        }
    }
    assert!(!home.path("state/master.key").exists() && home.keys() == 1);
}

#[test]
fn a_source_that_is_not_ours_has_to_offer_the_new_key() {
    let authority = provider();
    let home = home(&authority);
    let (one, two) = ("1".repeat(64), "2".repeat(64));
    let key = home.path("printed");
    let print = |text: &str| {
        home.write("printed", text);
    };
    let command = format!("key_command = [\"cat\", \"{}\"]\n", key.display());
    home.configure(&(command.clone() + &home.configuration()));
    print(&one);
    let run = |arguments: &[&str]| {
        let child = home.command(arguments).env("PATH", "/usr/bin:/bin").spawn().expect("the program starts");
        crate::support::program::ran(child)
    };
    let said = run(&["store", "rekey", "--to", "command"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!home.path("key").exists());
    run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    run(&["store", "rekey"]).failed(9, &["the key command `cat` has no new key", "in a line before the old one"]);
    print(&format!("{two}\n{one}\n"));
    let said = run(&["store", "rekey"]);
    assert!(said.code == 0 && said.stdout.contains("is still in the key command `cat`: take it out there"), "{said:?}");
    print(&two);
    run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    print(&one);
    run(&["token"]).failed(9, &["uses the command "]);
}

#[test]
fn refreshes_go_on_while_everything_is_sealed_anew() {
    let authority = provider();
    let home = home(&authority);
    std::thread::scope(|scope| {
        let refreshing = scope.spawn(|| (0..12).map(|_| home.run(&["refresh"])).collect::<Vec<_>>());
        for _ in 0..4 {
            let said = home.run(&["store", "rekey"]);
            assert_eq!(said.code, 0, "{said:?}");
        }
        for ran in refreshing.join().expect("no panic") {
            assert_eq!(ran.code, 0, "{ran:?}");
        }
    });
    assert_eq!((home.keys(), home.key_ids().len()), (1, 1));
    home.run(&["token"]).worked(&format!("{NEXT}\n"));
}

#[test]
fn who_is_overtaken_while_it_seals_anew_seals_nothing_with_a_key_that_is_gone() {
    let authority = provider();
    for (others, code) in [(1, 0), (2, 9), (3, 9)] {
        let home = home(&authority);
        let held = home.store().hold(&"work".parse().expect("a name"), Duration::from_secs(60)).expect("nobody has it");
        let overtaken = home.spawn(&["store", "rekey"]);
        // It has begun, and waits for the profile.
        while !has_open(&overtaken, "work.lock") {
            std::thread::yield_now();
        }
        send("-STOP", &overtaken);
        wait_until_stopped(&overtaken);
        held.release();
        for _ in 0..others {
            assert_eq!(home.run(&["store", "rekey"]).code, 0);
        }
        send("-CONT", &overtaken);
        let said = ran(overtaken);
        assert_eq!(said.code, code, "{said:?}");
        assert!(code == 0 || said.stderr.contains("its key was changed by somebody else just now"), "{said:?}");
        assert_eq!((home.keys(), home.key_ids().len()), (1, 1), "{said:?}");
        home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    }
}

#[test]
fn every_flipped_byte_and_every_cut_is_named_and_mended() {
    let authority = provider();
    let home = home(&authority);
    let record = home.path("state/work.record");
    let (sound, previous) = (fs::read(&record).expect("a record"), home.path("state/work.record.prev"));
    let previous = (previous.clone(), fs::read(previous).expect("the one before"));
    let store = || home.store();
    let configured = std::iter::once("work".parse().expect("a name")).collect();
    let mut tried = 0;
    for at in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 1 << (at % 8);
        for bytes in [&flipped, &sound[..at].to_vec()] {
            home.write("state/work.record", "");
            #[expect(clippy::disallowed_methods, reason = "damages a file")]
            fs::write(&record, bytes).expect("it is written");
            let checked = store().check(&configured).expect("the store works");
            let damage: Vec<_> = checked.findings.iter().filter(|finding| finding.kind.is_damage()).collect();
            assert!(damage.len() == 1 && damage[0].place.ends_with("work.record"), "{at}: {checked:?}");
            tried += 1;
        }
    }
    println!("{tried} damaged records, all of them named");
    // What cannot be opened gives way to the one before; and what has no name any more is brought back.
    let said = home.run(&["store", "check", "--repair"]);
    assert!(said.code == 0 && said.stdout.contains("Generation 1 of profile `work` is the record again."), "{said:?}");
    assert!(said.stdout.contains("note: work: ") && said.stdout.contains("was set aside"), "{said:?}");
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    assert_eq!(fs::read(&previous.0).expect("the one before"), previous.1);
}

#[test]
fn a_store_that_was_brought_back_from_a_backup_wants_a_sign_in() {
    let authority = provider();
    let home = home(&authority);
    let backup = fs::read(home.path("state/work.record")).expect("a record");
    assert_eq!(home.run(&["refresh"]).code, 0);
    assert_eq!(home.run(&["refresh"]).code, 0);
    fs::remove_file(home.path("state/work.record.prev")).expect("the one before");
    #[expect(clippy::disallowed_methods, reason = "brings a backup back")]
    fs::write(home.path("state/work.record"), backup).expect("it is written");
    let said = home.run(&["store", "check"]);
    assert!(said.code == 1 && said.stdout.contains("a sign-in makes sure"), "{said:?}");
    let before = authority.count("/token");
    assert_eq!(home.run(&["store", "check", "--repair", "--json"]).json()["findings"][0]["kind"], "older");
    assert_eq!(authority.count("/token"), before, "nothing is refreshed");
    // This provider never replaced the refresh token, which is as good as it was.
    assert_eq!(home.run(&["refresh"]).code, 0);
}

#[test]
fn a_refresh_token_whose_successor_was_written_here_is_never_sent_again() {
    let restored = |home: &Home, backup: &[u8]| {
        let _ = fs::remove_file(home.path("state/work.record.prev"));
        #[expect(clippy::disallowed_methods, reason = "brings a backup back")]
        fs::write(home.path("state/work.record"), backup).expect("it is written");
    };
    // The newest record is damaged, so that the one before it is used.
    let damaged = |home: &Home, _: &[u8]| drop(home.write("state/work.record", "no record"));
    for (name, happens) in [("a backup", &restored as &dyn Fn(&Home, &[u8])), ("damage", &damaged)] {
        let provider = Rotating::start(Duration::ZERO);
        let home = Home::new();
        home.configure(&configuration(provider.origin()));
        home.sign_in_at(provider.origin(), |grant| provider.grant("one", grant));
        assert_eq!(home.run(&["refresh"]).code, 0, "{name}");
        let backup = fs::read(home.path("state/work.record")).expect("a record");
        assert_eq!(home.run(&["refresh"]).code, 0, "{name}");
        happens(&home, &backup);
        let refused = home.run(&["refresh"]);
        refused.failed(4, &["refresh token was replaced since", "device-login login work", "nothing was sent"]);
        assert_eq!((provider.counts().asked, provider.counts().ended), (2, 0), "{name}");
        // A new sign-in is none of that.
        home.sign_in_at(provider.origin(), |grant| provider.grant("two", grant));
        assert_eq!(home.run(&["refresh"]).code, 0, "{name}");
        assert_eq!(provider.counts().presented_twice, 0, "{name}");
    }
}

/// A clock that was ahead, or a store that is gone, must not make the next sign-in one from before.
#[test]
fn a_sign_in_counts_whatever_was_written_here_before() {
    let gone = |home: &Home, _: &[u8]| fs::remove_dir_all(home.path("state")).expect("it is there");
    let restored = |home: &Home, backup: &[u8]| {
        let _ = fs::remove_file(home.path("state/work.record.prev"));
        drop(home.write_bytes("state/work.record", backup));
    };
    for (name, happens) in [("gone", &gone as &dyn Fn(&Home, &[u8])), ("restored", &restored)] {
        let provider = Rotating::start(Duration::ZERO);
        let home = Home::new();
        home.configure(&configuration(provider.origin()));
        home.sign_in_at(provider.origin(), |grant| {
            provider.grant("one", grant);
            grant.approved_at += SignedDuration::from_hours(1);
        });
        let backup = fs::read(home.path("state/work.record")).expect("a record");
        for _ in 0..3 {
            assert_eq!(home.run(&["refresh"]).code, 0, "{name}");
        }
        happens(&home, &backup);
        let imported = home.run_with(&["login", "--import"], &provider.approve("two"));
        assert_eq!(imported.code, 0, "{name}: {imported:?}");
        let refreshed = home.run(&["refresh"]);
        assert_eq!(refreshed.code, 0, "{name}: {refreshed:?}");
        assert_eq!(home.run(&["store", "check"]).code, 0, "{name}");
        assert_eq!(provider.counts().presented_twice, 0, "{name}");
    }
}

/// A second profile, whose name comes before the other's.
fn with_an_earlier_one(home: &Home, authority: &Authority) {
    let earlier = home.configuration().replace("[profiles.work]", "[profiles.earlier]");
    let (earlier, _) = earlier.split_once("[providers").expect("it has a provider");
    home.configure(&format!("{earlier}{}", home.configuration()));
    home.sign_in_as("earlier", &authority.origin(), |_| ());
}

#[test]
fn what_keeps_writers_from_one_profile_is_damage_and_keeps_no_other_from_being_mended() {
    let authority = provider();
    let home = home(&authority);
    with_an_earlier_one(&home, &authority);
    let left = home.write("state/.earlier.record.1-0.new", "half");
    assert_eq!(home.run(&["store", "check", "--json"]).json()["findings"][0]["kind"], "left_over");
    set_mode(&left, 0o644);
    home.run(&["profile", "edit", "earlier", "--scopes", "email"]).failed(9, &["1-0.new", "chmod"]);
    home.write("state/work.record", "no record");
    let found = home.run(&["store", "check", "--json"]);
    let kinds = |found: &Ran| -> Vec<String> {
        let found = found.json();
        found["findings"].as_array().expect("a list").iter().map(|one| one["kind"].to_string()).collect()
    };
    assert_eq!((found.code, kinds(&found)), (1, vec!["\"damaged\"".to_owned(); 2]), "{found:?}");
    let backup = fs::read(home.path("state/work.record.prev")).expect("the one before");
    let mended = home.run(&["store", "check", "--repair"]);
    let told = "Generation 1 of profile `work` is the record again.";
    assert!(mended.code == 9 && mended.stdout.starts_with(told), "{mended:?}");
    assert!(mended.stdout.contains("something is damaged") && mended.stderr.contains("1-0.new"), "{mended:?}");
    home.write("state/work.record", "no record");
    home.write_bytes("state/work.record.prev", &backup);
    let mended = home.run(&["store", "check", "--repair", "--json"]);
    let json = mended.json();
    assert_eq!((mended.code, &json["repaired"][0], &json["sound"]), (9, &told.into(), &false.into()), "{mended:?}");
    assert!(json["error"].to_string().contains("1-0.new"), "{mended:?}");
    set_mode(&left, 0o600);
    let mended = home.run(&["store", "check", "--repair"]);
    assert!(mended.code == 0 && mended.stdout.contains("had left over is gone"), "{mended:?}");
}

#[test]
fn what_was_left_over_and_is_the_record_now_is_told_as_that() {
    let authority = provider();
    let home = home(&authority);
    let newest = fs::read(home.path("state/work.record")).expect("a record");
    let older = fs::read(home.path("state/work.record.prev")).expect("the one before");
    home.write_bytes("state/work.record", &older);
    home.write_bytes("state/.work.record.1-0.new", &newest);
    let said = home.run(&["store", "check", "--repair"]);
    let told = "Generation 2 of profile `work` is the record again.\n1 profile with a record";
    assert!(said.code == 0 && said.stdout.starts_with(told), "{said:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_that_fails_for_once_has_no_other_record_judged() {
    let authority = provider();
    for (call, error) in [("read", "EIO"), ("openat", "EIO"), ("openat", "EMFILE")] {
        let home = home(&authority);
        assert_eq!(home.run(&["refresh"]).code, 0);
        let fault = Fault { point: Point::first(call, "state/work.record"), effect: format!("error={error}") };
        // Each thread counts for itself: both looks and the repair between them meet it.
        let (is_struck, said) = strike(&home, &Act::new(&["store", "check", "--repair"]), &fault);
        let judgements = ["a sign-in makes sure", "is missing", "is the record again"];
        let is_judged = judgements.iter().any(|judgement| said.stdout.contains(judgement));
        let is_told = said.stdout.contains("it cannot be read") || said.code == 9;
        assert!(is_struck && is_told && !is_judged, "{call} {error}: {said:?}");
        assert_eq!(home.record("work").generation, 3, "{call} {error}: {said:?}");
    }
}

#[test]
fn check_names_what_is_of_nobody_and_what_is_left_over() {
    let authority = provider();
    let home = home(&authority);
    let configuration = home.configuration();
    home.configure(&configuration.replace("[profiles.work]", "[profiles.other]"));
    home.write("state/.work.record.1-0.new", "half");
    let json = home.run(&["store", "check", "--json"]).json();
    let kinds: Vec<_> = json["findings"].as_array().expect("a list").iter().map(|one| one["kind"].clone()).collect();
    assert_eq!((json["sound"].clone(), kinds), (true.into(), vec!["unconfigured".into(), "left_over".into()]));
    let said = home.run(&["store", "check", "--repair"]);
    assert!(said.stdout.contains("What dead writers of profile `work` had left over is gone."), "{said:?}");
    assert!(!home.path("state/.work.record.1-0.new").exists());
}

/// A logout leaves a record, and who removes a profile knows of it.
#[test]
fn a_record_that_is_gone_without_a_logout_is_told_and_keeps_nobody_from_a_sign_in() {
    let authority = provider();
    let none: &[&str] = &[];
    for (meanwhile, is_told) in
        [(none, true), (&["logout", "--local"], false), (&["profile", "remove", "work", "--force"], false)]
    {
        let home = home(&authority);
        let configuration = home.configuration();
        for command in [&["refresh"][..], meanwhile] {
            assert!(command.is_empty() || home.run(command).code == 0, "{command:?}");
        }
        home.configure(&configuration);
        for name in ["work.record", "work.record.prev"] {
            let _ = fs::remove_file(home.path("state").join(name));
        }
        let checked = home.run(&["store", "check"]);
        let says = |said: &Ran, part: &str| said.stdout.contains(part) || said.stderr.contains(part);
        assert_eq!((checked.code, says(&checked, "its record is gone")), (i32::from(is_told), is_told), "{checked:?}");
        let doctor = home.run(&["doctor"]);
        assert_eq!(says(&doctor, "its record is gone"), is_told, "{doctor:?}");
        for command in ["token", "refresh"] {
            let said = home.run(&[command]);
            assert_eq!((said.code, says(&said, "its record is gone")), (4, is_told), "{said:?}");
        }
        for status in [&["status"][..], &["status", "work"]] {
            let said = home.run(status);
            assert!(said.code == 0 && says(&said, "signed out"), "{said:?}");
            assert_eq!(says(&said, "its record is gone"), is_told, "{said:?}");
        }
        let signed_in = home.run_with(&["login", "--import"], "sentinel-refresh-2\n");
        assert_eq!(signed_in.code, 0, "{meanwhile:?}: {signed_in:?}");
        assert_eq!(home.run(&["store", "check"]).code, 0, "{meanwhile:?}");
        home.run(&["token"]).worked(&format!("{NEXT}\n"));
    }
}
