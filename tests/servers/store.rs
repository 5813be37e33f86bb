//! `device-login store` over PostgreSQL: there and back, another key, and what other machines hear of it.

use std::fs;

use crate::support::authority::Authority;
use crate::support::cluster::moves::{MOVES, survive};
use crate::support::faults::Extent;
use crate::support::postgres::Postgres;
use crate::support::program::{ACCESS_TOKEN, Home, Ran, ran};

const NEXT: &str = "sentinel-access-2";

/// Runs the program over a database.
fn over(url: &str, home: &Home, arguments: &[&str]) -> Ran {
    ran(home.command(arguments).env("DEVICE_LOGIN_STORE", url).spawn().expect("the program starts"))
}

#[test]
fn records_go_there_get_another_key_and_come_back() {
    let authority = Authority::start(|asked| match asked.path.as_str() {
        "/token" => (200, format!(r#"{{"access_token":"{NEXT}","expires_in":3600}}"#)),
        _ => (200, r#"{"sub":"77"}"#.to_owned()),
    });
    let database = Postgres::shared().database();
    let (url, [home, other]) = (database.url(), [(); 2].map(|()| Home::at(&authority)));
    for home in [&home, &other] {
        home.configure(&format!("store_cache = 0\n{}", home.configuration()));
    }
    home.sign_in(&authority, |_| ());
    // There, by a file with the address, as one with a password has to be given.
    let address = home.write("url", &format!("{url}\n")).display().to_string();
    let said = home.run(&["store", "copy", "--to-file", &address]);
    assert!(said.code == 0 && said.stdout.starts_with("work: copied\n"), "{said:?}");
    home.run(&["refresh"]).failed(9, &["profile `work` has moved to postgres://"]);
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    over(&url, &home, &["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    assert_eq!(over(&url, &home, &["refresh"]).code, 0);
    let said = home.run(&["store", "copy", "--to-file", &address]);
    assert!(said.code == 0 && said.stdout.starts_with("work: there already\n"), "{said:?}");
    let info = over(&url, &home, &["store", "info", "--json"]).json();
    assert_eq!((&info["kind"], &info["records"], &info["standby"]), (&"postgres".into(), &1.into(), &false.into()));
    assert!(info["server_version"].is_string() && info["last_written"].is_string(), "{info}");
    assert_eq!((&info["tables_version"], &info["schema_version"]), (&1.into(), &1.into()));
    assert_each_name_once(&over(&url, &home, &["store", "info", "--json"]).stdout);
    over(&url, &home, &["store", "check"]).worked("1 profile with a record, 2 things read: all is well.\n");
    let script = over(&url, &home, &["store", "init", "--print", "--role", "ops"]);
    assert!(script.code == 0 && script.stdout.contains("GRANT ") && script.stdout.contains("\"ops\""), "{script:?}");
    // Another key. The old one stays in the file, since the records that were left behind have it.
    let share_key = || other.write("key", &fs::read_to_string(home.path("key")).expect("a key"));
    share_key();
    over(&url, &other, &["token"]).worked(&format!("{NEXT}\n"));
    let said = over(&url, &home, &["store", "rekey"]);
    assert!(said.code == 0 && said.stdout.contains("stays in"), "{said:?}");
    over(&url, &home, &["token"]).worked(&format!("{NEXT}\n"));
    let lacks = ["has key ", "are sealed with key ", "copy the key from a machine that has it"];
    over(&url, &other, &["token"]).failed(9, &lacks);
    over(&url, &other, &["refresh"]).failed(9, &lacks);
    share_key();
    over(&url, &other, &["token"]).worked(&format!("{NEXT}\n"));
    assert_eq!(over(&url, &other, &["refresh"]).code, 0);
    // And back: the files get the same key first.
    let state = format!("file:{}", home.path("state").display());
    over(&url, &home, &["store", "copy", &state]).failed(9, &["and the records come with"]);
    for name in ["store.json", "work.record", "work.record.prev"] {
        let _ = fs::remove_file(home.path(&format!("state/{name}")));
    }
    let said = over(&url, &home, &["store", "copy", &state]);
    assert!(said.code == 0 && said.stdout.starts_with("work: copied\n"), "{said:?}");
    assert_eq!(home.run(&["refresh"]).code, 0);
    over(&url, &other, &["refresh"]).failed(9, &["profile `work` has moved to file:"]);
}

/// Without a refresh in between, with one at the database, and with a sign-out there.
#[test]
fn records_go_there_and_back_any_number_of_times() {
    let authority = Authority::start(|asked| match asked.path.as_str() {
        "/token" => (200, format!(r#"{{"access_token":"{NEXT}","expires_in":3600}}"#)),
        _ => (200, r#"{"sub":"77"}"#.to_owned()),
    });
    let database = Postgres::shared().database();
    let (url, home) = (database.url(), Home::at(&authority));
    home.configure(&format!("store_cache = 0\n{}", home.configuration()));
    home.sign_in(&authority, |_| ());
    let address = home.write("url", &format!("{url}\n")).display().to_string();
    let state = format!("file:{}", home.path("state").display());
    let none: &[&str] = &[];
    for meanwhile in [none, none, &["refresh"], none, &["logout", "--local"], none] {
        let there = home.run(&["store", "copy", "--to-file", &address]);
        assert!(there.code == 0 && there.stdout.starts_with("work: copied\n"), "{meanwhile:?}: {there:?}");
        if !meanwhile.is_empty() {
            let said = over(&url, &home, meanwhile);
            assert_eq!(said.code, 0, "{meanwhile:?}: {said:?}");
        }
        let back = over(&url, &home, &["store", "copy", &state]);
        assert!(back.code == 0 && back.stdout.starts_with("work: copied\n"), "{meanwhile:?}: {back:?}");
    }
    home.run(&["token"]).failed(4, &["is not signed in"]);
}

/// By a role that is not the tables' owner, as an admin makes it.
#[test]
fn what_a_server_hides_or_refuses_is_told_by_every_command_that_meets_it() {
    const HIDDEN: &[&str] =
        &["hides rows of the tables", "ALTER TABLE device_login.records DISABLE ROW LEVEL SECURITY"];
    const READ_ONLY: &[&str] = &["is set read-only", "RESET default_transaction_read_only"];
    let authority = Authority::start(|_| (200, r#"{"sub":"77"}"#.to_owned()));
    let server = Postgres::shared();
    let database = server.database();
    let (name, url, home) = (database.name(), database.url(), Home::at(&authority));
    home.configure(&format!("store_cache = 0\n{}", home.configuration()));
    home.sign_in(&authority, |_| ());
    let address = home.write("url", &format!("{url}\n")).display().to_string();
    assert_eq!(home.run(&["store", "copy", "--to-file", &address]).code, 0);
    let role = format!("fleet_{name}");
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    database.sql(&over(&url, &home, &["store", "init", "--print", "--role", &role]).stdout);
    let url = url.replace("postgres@", &format!("{role}@"));
    over(&url, &home, &["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    for (change, undo, parts, commands) in [
        (
            "ALTER TABLE device_login.records ENABLE ROW LEVEL SECURITY".to_owned(),
            "ALTER TABLE device_login.records DISABLE ROW LEVEL SECURITY".to_owned(),
            HIDDEN,
            &[&["token"][..], &["status"], &["status", "work"], &["refresh"], &["store", "check"], &["store", "init"]]
                [..],
        ),
        (
            format!("ALTER ROLE {role} SET default_transaction_read_only = on"),
            format!("ALTER ROLE {role} RESET default_transaction_read_only"),
            READ_ONLY,
            &[&["refresh"], &["store", "init"]],
        ),
    ] {
        database.sql(&change);
        for command in commands {
            let said = over(&url, &home, command);
            assert!(said.code == 9 && parts.iter().all(|part| said.stderr.contains(part)), "{command:?}: {said:?}");
        }
        let doctor = over(&url, &home, &["doctor"]);
        assert!(
            doctor.code != 0
                && parts.iter().all(|part| doctor.stdout.replace("\n                       ", " ").contains(part)),
            "{doctor:?}"
        );
        database.sql(&undo);
        over(&url, &home, &["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    }
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_database_is_the_same_by_each_of_its_addresses() {
    let authority = Authority::start(|_| (200, r#"{"sub":"77"}"#.to_owned()));
    let database = Postgres::shared().database();
    let (url, home) = (database.url(), Home::at(&authority));
    home.sign_in(&authority, |_| ());
    let address = home.write("url", &format!("{url}\n")).display().to_string();
    assert_eq!(home.run(&["store", "copy", "--to-file", &address]).code, 0);
    // The same socket by another path.
    let address = home.write("url", &format!("{}\n", url.replace("&port=", "/.&port="))).display().to_string();
    over(&url, &home, &["store", "copy", "--to-file", &address]).failed(2, &["both are the same store"]);
    let said = home.run(&["store", "copy", "--to-file", &address]);
    assert!(said.code == 0 && said.stdout.starts_with("work: there already\n"), "{said:?}");
}

#[test]
fn no_fault_in_a_rekey_or_a_copy_leaves_two_places_that_refresh_or_none() {
    for one in MOVES {
        println!("{}", survive(one, Extent::Part, 17));
    }
}

/// Readers of JSON differ in which of two members of one name they take.
fn assert_each_name_once(text: &str) {
    let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
    for name in json.as_object().expect("an object").keys() {
        assert_eq!(text.matches(&format!("\"{name}\":")).count(), 1, "{name}: {text}");
    }
}
