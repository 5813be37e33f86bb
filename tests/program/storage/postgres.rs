//! A store in PostgreSQL: what is told of its troubles, who may write when, what its server has to do for it.

use std::io::Write;
use std::path::Path;

use device_login::cli::advice::said;
use device_login::storage::{Attempt, Held};
use jiff::Timestamp;

use super::{
    Duration, Home, PATIENCE, Store, StoreAddress, StoreError, client_id, commit, load, open, profile, record,
};
use crate::support::postgres::{Postgres, url};
use crate::support::program::set_mode;
use crate::support::tls::Authority;
use crate::support::wire::{Fault, Proxy};

const SHORT: Duration = Duration::from_millis(50);
const CANARY: &str = "sesam-of-the-tests";

fn opened(home: &Home, url: &str) -> Store {
    opened_with(home, url, &|_| None)
}

fn opened_with(home: &Home, url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Store {
    open(&StoreAddress::parse(url).unwrap().completed_by(variable, &home.state()), home.keys())
}

/// What is told where the store cannot be read: the error, and what to do about it.
fn told(store: &Store) -> (String, String, bool) {
    match load(store).unwrap_err() {
        StoreError::Database { place, problem, advice, is_away } => {
            (format!("{place} {problem}"), said(&advice), is_away)
        }
        error => panic!("{error:?}"),
    }
}

#[test]
fn what_is_wrong_is_told_by_what_helps_and_without_a_password() {
    let authority = Authority::new("Database");
    let (certificate, key) = authority.certificate(&["localhost"]);
    let server = Postgres::listening("", Some((&certificate, &key)));
    let plain = Postgres::listening("", None);
    for server in [&server, &plain] {
        server.sql("postgres", &format!("CREATE ROLE guarded LOGIN PASSWORD '{CANARY}'"));
    }
    server.sql("postgres", "CREATE DATABASE newer");
    server.sql("newer", &opened_script(None));
    server.sql("newer", "UPDATE device_login.store SET version = 1000");
    let home = Home::new();
    let (socket, port) = (server.directory().display().to_string(), server.port());
    let tls = |host: &str, port: u16, password: &str, roots: &Path| {
        let roots = roots.display();
        format!("postgres://guarded:{password}@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={roots}")
    };
    let stranger = Authority::new("Stranger");
    for (url, parts, is_away) in [
        ("postgres://dana@/x?host=/nowhere".to_owned(), ["no such socket", "check the address"], true),
        ("postgres://dana@127.0.0.1:1/x".to_owned(), ["was refused", "whether the server runs"], true),
        ("postgres://dana@nowhere.invalid/x".to_owned(), ["could not be resolved", "check the address"], true),
        (format!("postgres://postgres@/none?host={socket}&port={port}"), ["is not there", "createdb"], false),
        (format!("postgres://guarded:{CANARY}x@/postgres?host={socket}&port={port}"), ["28P01", "pg_hba.conf"], false),
        (format!("postgres://guarded@/postgres?host={socket}&port={port}"), ["wants a password", "PGPASSWORD"], false),
        (
            format!("postgres://postgres@/newer?host={socket}&port={port}"),
            ["newer version", "update this program"],
            false,
        ),
        (
            format!("postgres://guarded:{CANARY}@/postgres?host={socket}&port={port}"),
            ["no tables", "device-login store init"],
            false,
        ),
        (tls("localhost", port, CANARY, &stranger.file()), ["nobody whom this machine trusts", "sslrootcert"], false),
        (tls("127.0.0.1", port, CANARY, &authority.file()), ["one for other names", "certificate"], false),
        (tls("localhost", plain.port(), CANARY, &authority.file()), ["does not speak TLS", "certificate"], false),
        (tls("localhost", port, CANARY, Path::new("/nowhere.pem")), ["/nowhere.pem", "certificate"], false),
        (tls("localhost", port, CANARY, &authority.file()), ["no tables", "device-login store init"], false),
    ] {
        let (error, advice, away) = told(&opened(&home, &url));
        assert!(error.contains(parts[0]) && advice.contains(parts[1]), "{error}; {advice}");
        assert!(away == is_away && !format!("{error}{advice}").contains(CANARY), "{error}; {advice}");
    }
}

fn opened_script(role: Option<&str>) -> String {
    let address = StoreAddress::parse("postgres:///x").unwrap();
    device_login::storage::backend(&address, None).script(role).unwrap()
}

#[test]
fn a_role_that_may_not_make_tables_works_with_those_that_an_admin_has_made() {
    let server = Postgres::shared();
    let database = server.database();
    let (name, port) = (database.name(), server.port());
    database.sql(&format!("CREATE ROLE \"fleet of {name}\" LOGIN"));
    let home = Home::new();
    let store = opened(
        &home,
        &format!("postgres://fleet%20of%20{name}@/{name}?host={}&port={port}", server.directory().display()),
    );
    assert!(told(&store).1.contains("store init --print"));
    database.sql(&opened_script(None));
    let (error, advice, _) = told(&store);
    assert!(error.contains("does not let this user") && advice.contains("store init --print"), "{error}; {advice}");
    for _ in 0..2 {
        database.sql(&opened_script(Some(&format!("fleet of {name}"))));
    }
    store.init().expect("an admin has made everything");
    assert_eq!(load(&store).unwrap(), None);
    commit(&store, "one");
    store.holding(&profile("work"), PATIENCE, Held::forget).unwrap();
    store.probe().unwrap();
    database.sql(&format!("DROP OWNED BY \"fleet of {name}\"; DROP ROLE \"fleet of {name}\""));
}

/// What is done with a store.
type Use = fn(&Store) -> Result<(), StoreError>;

const LOAD: Use = |store| store.load(&profile("work")).map(drop);
const HOLD: Use = |store| store.hold(&profile("work"), PATIENCE).map(Held::release);
const PROBE: Use = |store| store.probe();
const LIST: Use = |store| store.profiles().map(drop);
const CHECK: Use = |store| store.check(&[profile("work")].into()).map(drop);
const INIT: Use = |store| store.init();

#[test]
fn what_others_have_changed_at_the_database_is_told_by_what_undoes_it() {
    const HIDDEN: [&str; 2] = ["hides rows", "DISABLE ROW LEVEL SECURITY"];
    const ALTERED: [&str; 2] = ["not as this program has made them", "who has changed the tables"];
    const DROPS: &str = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
                         CREATE TRIGGER nothing BEFORE INSERT OR UPDATE ON device_login.records \
                         FOR EACH ROW EXECUTE FUNCTION nothing()";
    let server = Postgres::shared();
    let database = server.database();
    let (name, port) = (database.name(), server.port());
    let role = format!("fleet_{name}");
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    database.sql(&opened_script(Some(&role)));
    let home = Home::new();
    let address = format!("postgres://{role}@/{name}?host={}&port={port}", server.directory().display());
    commit(&opened(&home, &address), "one");
    let everything = [LOAD, LIST, HOLD, PROBE, CHECK, INIT];
    for (change, undo, parts, fails) in [
        (
            "ALTER TABLE device_login.records ENABLE ROW LEVEL SECURITY".to_owned(),
            "ALTER TABLE device_login.records DISABLE ROW LEVEL SECURITY".to_owned(),
            HIDDEN,
            &everything[..],
        ),
        (
            "ALTER TABLE device_login.store ENABLE ROW LEVEL SECURITY".to_owned(),
            "ALTER TABLE device_login.store DISABLE ROW LEVEL SECURITY".to_owned(),
            HIDDEN,
            &[LOAD, HOLD, PROBE, CHECK, INIT],
        ),
        (
            format!("ALTER ROLE {role} SET default_transaction_read_only = on"),
            format!("ALTER ROLE {role} RESET default_transaction_read_only"),
            ["set read-only", "RESET default_transaction_read_only"],
            &[HOLD, PROBE],
        ),
        (
            "ALTER TABLE device_login.records RENAME previous TO before".to_owned(),
            "ALTER TABLE device_login.records RENAME before TO previous".to_owned(),
            ALTERED,
            &[LOAD, LIST, HOLD, CHECK],
        ),
        (
            "CREATE TABLE before AS TABLE device_login.store; DELETE FROM device_login.store".to_owned(),
            "INSERT INTO device_login.store TABLE before".to_owned(),
            ALTERED,
            &[LOAD, HOLD, PROBE, CHECK],
        ),
        (
            "UPDATE device_login.store SET version = -1".to_owned(),
            "UPDATE device_login.store SET version = 1".to_owned(),
            ["says version -1", ALTERED[1]],
            &[LOAD, HOLD, PROBE, CHECK],
        ),
        (
            DROPS.to_owned(),
            "DROP FUNCTION nothing() CASCADE".to_owned(),
            ["which nobody has", "a trigger or a rule"],
            &[HOLD],
        ),
    ] {
        database.sql(&change);
        for (number, fails) in fails.iter().enumerate() {
            match fails(&opened(&home, &address)) {
                Err(StoreError::Database { problem, advice, .. }) => {
                    let (problem, advice) = (problem, said(&advice));
                    let is_told = problem.contains(parts[0]) && advice.contains(parts[1]);
                    assert!(is_told, "{change} {number}: {problem}; {advice}");
                }
                other => panic!("{change} {number}: {other:?}"),
            }
        }
        database.sql(&undo);
        for works in everything {
            works(&opened(&home, &address)).expect(&undo);
        }
    }
    assert!(load(&opened(&home, &address)).unwrap().is_some());
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// What is claimed and not committed yet is not in sight of who asks.
#[test]
fn a_right_that_somebody_takes_at_the_same_moment_is_somebodys() {
    const TAKE: &str = "INSERT INTO device_login.records AS r (profile, attempt_id, attempt_home, attempt_holder, attempt_phase, \
                        attempt_deadline) SELECT 'work', 'theirs', 'there', 'pid 7 there', 'prepared', \
                        clock_timestamp() + interval '60 s' ON CONFLICT (profile) DO UPDATE SET attempt_id = 'theirs', \
                        attempt_home = 'there', attempt_holder = 'pid 7 there', attempt_phase = 'prepared', \
                        attempt_deadline = clock_timestamp() + interval '60 s'; ";
    const GIVE_BACK: &str = "UPDATE device_login.records SET attempt_id = NULL, attempt_holder = NULL; ";
    const MEANWHILE: &str = "SELECT pg_sleep(1.5); ";
    let server = Postgres::shared();
    for (case, has_row, before, meanwhile, patience) in [
        ("its first row", false, "", format!("BEGIN; {TAKE}{MEANWHILE}COMMIT"), SHORT),
        ("a row that nobody had", true, "", format!("BEGIN; {TAKE}{MEANWHILE}COMMIT"), SHORT),
        (
            "one gives it to another",
            true,
            TAKE,
            format!("SELECT pg_sleep(0.5); {GIVE_BACK}BEGIN; {TAKE}{MEANWHILE}COMMIT"),
            Duration::from_secs(1),
        ),
    ] {
        let database = server.database();
        let home = Home::new();
        let store = opened(&home, &database.url());
        store.init().unwrap();
        if has_row {
            commit(&store, "one");
        }
        database.sql(before);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| database.sql(&meanwhile));
            server.wait_until(&format!(
                "EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{}' AND wait_event = 'PgSleep')",
                database.name()
            ));
            let refused = store.hold(&profile("work"), patience).map(Held::release);
            let told =
                matches!(&refused, Err(StoreError::Locked { holder: Some(holder), .. }) if holder == "pid 7 there");
            assert!(told, "{case}: {refused:?}");
            other.join().unwrap();
        });
    }
}

#[test]
fn a_password_comes_from_a_file_that_nobody_else_can_read() {
    let server = Postgres::start();
    server.sql("postgres", &format!("CREATE ROLE guarded LOGIN PASSWORD '{CANARY}'"));
    server.sql("postgres", &opened_script(Some("guarded")));
    let home = Home::new();
    std::fs::create_dir_all(home.state()).unwrap();
    let file = home.file("pgpass");
    let (socket, port) = (server.directory().display().to_string(), server.port());
    let line = format!("{socket}:{port}:postgres:guarded:{CANARY}\n");
    std::fs::File::create(&file).unwrap().write_all(line.as_bytes()).unwrap();
    set_mode(&file, 0o600);
    let url = format!("postgres://guarded@/postgres?host={socket}&port={port}");
    let named = |name: &str| (name == "PGPASSFILE").then(|| file.display().to_string());
    let given = |name: &str| (name == "PGPASSWORD").then(|| CANARY.to_owned());
    assert_eq!(load(&opened_with(&home, &url, &named)).unwrap(), None);
    set_mode(&file, 0o644);
    let (error, _, _) = told(&opened_with(&home, &url, &named));
    assert!(error.contains("wants a password") && error.contains(&file.display().to_string()), "{error}");
    assert_eq!(load(&opened_with(&home, &url, &given)).unwrap(), None);
}

#[test]
fn a_record_costs_one_statement_and_a_refresh_four_more() {
    let server = Postgres::shared();
    let database = server.database();
    let proxy = Proxy::to_socket(&server.socket());
    let address = url(database.name(), &[proxy.directory()], server.port());
    let home = Home::new();
    let generation = commit(&opened(&home, &database.url()), "one").generation;
    let store = opened(&home, &address);
    assert_eq!(client_id(&store).as_deref(), Some("one"));
    assert_eq!((proxy.passed().connections, proxy.passed().statements), (1, 1));
    let refresh = |held: &mut Held| {
        let mut record = held.load()?.unwrap();
        record.client_id = "two".to_owned();
        held.claim(Attempt::new(generation, Timestamp::UNIX_EPOCH))?;
        held.commit(&mut record)
    };
    store.holding(&profile("work"), PATIENCE, refresh).unwrap();
    assert_eq!((proxy.passed().connections, proxy.passed().statements), (1, 5));
}

#[test]
fn a_right_that_has_run_out_is_taken_by_others_and_later_where_an_answer_may_come_once() {
    let server = Postgres::shared();
    for (may_rotate, over, over_at_last) in [(false, "-1 s", "-1 s"), (true, "-119 s", "-121 s")] {
        let database = server.database();
        let ends_in = |time: &str| {
            database.sql(&format!(
                "UPDATE device_login.records SET attempt_deadline = clock_timestamp() + interval '{time}'"
            ))
        };
        let (one, other) = (Home::new(), Home::new());
        std::fs::create_dir_all(other.key_file().parent().unwrap()).unwrap();
        let store = opened(&one, &database.url());
        let mut kept = commit(&store, "one");
        std::fs::copy(one.key_file(), other.key_file()).unwrap();
        let mut held = store.hold(&profile("work"), PATIENCE).unwrap();
        held.claim(Attempt::new(kept.generation, Timestamp::UNIX_EPOCH).that_may_rotate(may_rotate)).unwrap();
        let elsewhere = opened(&other, &database.url());
        let is_refused = || match elsewhere.hold(&profile("work"), SHORT).map(Held::release) {
            Err(StoreError::Locked { holder, .. }) => holder.is_some_and(|holder| holder.contains("pid ")),
            Ok(()) => false,
            Err(error) => panic!("{error}"),
        };
        assert!(is_refused());
        ends_in("1 s");
        assert!(is_refused());
        if may_rotate {
            ends_in(over);
            assert!(is_refused());
        }
        ends_in(over_at_last);
        let taken = elsewhere.hold(&profile("work"), PATIENCE).unwrap();
        kept.client_id = "late".to_owned();
        let late = held.commit(&mut kept);
        held.release();
        taken.release();
        // It is kept here, and brought back by the next one of this home.
        assert!(late.is_ok() || matches!(late, Err(StoreError::Database { .. })), "{late:?}");
        assert_eq!(client_id(&elsewhere).as_deref(), Some("one"));
    }
}

#[test]
fn an_answer_that_the_database_cannot_take_is_kept_here_until_it_can() {
    let server = Postgres::shared();
    let database = server.database();
    let proxy = Proxy::to_socket(&server.socket());
    let home = Home::new();
    let store = opened(&home, &url(database.name(), &[proxy.directory()], server.port()));
    let mut kept = commit(&store, "one");
    let mut held = store.hold(&profile("work"), PATIENCE).unwrap();
    held.claim(Attempt::new(kept.generation, Timestamp::UNIX_EPOCH)).unwrap();
    proxy.now(Fault::Gone);
    kept.client_id = "two".to_owned();
    held.commit(&mut kept).unwrap();
    held.release();
    assert!(store.damage().values().any(|words| words.contains("is kept in")), "{:?}", store.damage());
    proxy.open();
    let direct = opened(&home, &database.url());
    assert_eq!(client_id(&direct).as_deref(), Some("one"));
    // Whoever looks brings it back.
    assert_eq!(client_id(&store).as_deref(), Some("two"));
    assert_eq!(client_id(&direct).as_deref(), Some("two"));
    commit(&store, "three");
    assert_eq!((client_id(&direct).as_deref(), load(&direct).unwrap().unwrap().generation), (Some("three"), 3));
}

#[test]
fn who_watches_hears_of_changes_within_a_moment_also_on_a_new_connection() {
    let server = Postgres::shared();
    let database = server.database();
    let proxy = Proxy::to_socket(&server.socket());
    let home = Home::new();
    let (watcher, writer) =
        (opened(&home, &url(database.name(), &[proxy.directory()], server.port())), opened(&home, &database.url()));
    commit(&writer, "zero");
    let mut number = 0;
    for _ in 0..2 {
        std::thread::scope(|scope| {
            let heard = scope.spawn(|| {
                loop {
                    // What ended with the connection is asked for anew.
                    match watcher.changed(PATIENCE).unwrap() {
                        changed if changed.is_empty() => {}
                        changed => return changed,
                    }
                }
            });
            while !heard.is_finished() {
                number += 1;
                let mut record = record(&number.to_string());
                writer.holding(&profile("work"), PATIENCE, |held| held.commit(&mut record)).unwrap();
            }
            assert_eq!(heard.join().unwrap(), [profile("work")]);
        });
        proxy.now(Fault::Cut);
    }
    assert!(number < 1000, "{number} commits");
}
