//! The same commands on every kind of store, a database among them, and what becomes of them while that is away.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::authority::{Asked, Authority};
use crate::support::postgres::Postgres;
use crate::support::program::{Home, Ran, configuration, ran, set_mode};

const PASSWORD: &str = "sentinel-password";

/// A provider that approves at once and counts its tokens.
fn provider() -> Authority {
    let minted = AtomicUsize::new(1);
    Authority::start(move |asked| answer(asked, &minted))
}

fn answer(asked: &Asked, minted: &AtomicUsize) -> (u16, String) {
    let origin = asked.origin();
    let answer = match asked.path.as_str() {
        "/device" => json!({
            "device_code": "dc", "user_code": "AB-12", "verification_uri": format!("{origin}/go"),
            "expires_in": 60, "interval": 1,
        }),
        "/token" => {
            let number = minted.fetch_add(1, Ordering::SeqCst);
            let (access_token, refresh_token) = (format!("token-{number}"), format!("sentinel-refresh-{number}"));
            json!({
                "access_token": access_token, "refresh_token": refresh_token, "token_type": "Bearer", "expires_in": 3600,
            })
        }
        "/userinfo" => json!({"sub": "7", "email": "dana@example.com"}),
        "/revoke" => return (200, String::new()),
        "/x" => json!({"asked": asked.path}),
        _ => return (404, String::new()),
    };
    (200, answer.to_string())
}

/// One machine, which finds its store by the variable.
struct Machine<'a> {
    home: &'a Home,
    store: &'a str,
}

impl Machine<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env("DEVICE_LOGIN_STORE", self.store);
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).spawn().expect("the program starts"))
    }

    #[track_caller]
    fn works(&self, arguments: &[&str], parts: &[&str]) {
        let _ = self.said(arguments, parts);
    }

    /// Works, and has said that on stdout.
    #[track_caller]
    fn said(&self, arguments: &[&str], parts: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{} {arguments:?}: {ran:?}", self.store);
        for part in parts {
            assert!(ran.stdout.contains(part), "{} {arguments:?} lacks {part:?}: {ran:?}", self.store);
        }
        ran
    }
}

/// Everything that a person does with a sign-in, from its beginning to its end.
fn journey(machine: &Machine<'_>, kind: &str) {
    machine.run(&["token"]).failed(4, &["not signed in"]);
    machine.works(&["login", "--json"], &["signed_in"]);
    machine.works(&["token"], &["token-"]);
    let json = machine.said(&["token", "--format", "json"], &[]).json();
    assert_eq!((json["profile"].as_str(), json["expires_in"].as_u64().is_some()), (Some("work"), true), "{json}");
    let status = machine.said(&["status", "--json"], &[]).json();
    let work = &status["profiles"][0];
    assert_eq!((work["state"].as_str(), work["store"]["kind"].as_str()), (Some("valid"), Some(kind)), "{status}");
    let before = machine.run(&["token"]).stdout;
    machine.works(&["refresh"], &[]);
    assert_ne!(machine.said(&["token"], &["token-"]).stdout, before);
    machine.works(&["api", "/x"], &["/x"]);
    machine.works(&["whoami"], &["dana@example.com"]);
    machine.works(&["profile", "rename", "work", "lobby"], &[]);
    machine.works(&["token", "lobby"], &["token-"]);
    machine.works(&["logout", "lobby"], &[]);
    machine.run(&["token"]).failed(4, &["not signed in"]);
    machine.works(&["login", "--json"], &["signed_in"]);
    machine.run(&["profile", "remove", "lobby"]).failed(2, &["logout"]);
    machine.works(&["profile", "remove", "lobby", "--force"], &[]);
    machine.run(&["token"]).failed(2, &["no profile"]);
}

#[test]
fn a_sign_in_lives_on_every_kind_of_store() {
    let database = Postgres::shared().database();
    for kind in ["file", "plain", "postgres"] {
        let (authority, home) = (provider(), Home::new());
        home.configure(&configuration(&authority.origin()));
        let store =
            if kind == "postgres" { database.url() } else { format!("{kind}:{}", home.path("records").display()) };
        journey(&Machine { home: &home, store: &store }, kind);
    }
    assert_eq!(database.sql("SELECT count(*) FROM device_login.records"), "0");
}

#[test]
fn two_machines_with_one_key_share_a_sign_in_and_a_third_without_it_is_told_what_to_copy() {
    let database = Postgres::shared().database();
    let (authority, store) = (provider(), database.url());
    let homes = [Home::new(), Home::new(), Home::new()];
    let profile = configuration(&authority.origin());
    for home in &homes {
        home.configure(&profile);
    }
    let [one, two, three] = homes.each_ref().map(|home| Machine { home, store: &store });
    one.works(&["login", "--json"], &["signed_in"]);
    let key = fs::read_to_string(homes[0].path("key")).expect("the first record made it");
    homes[1].write("key", &key);
    let token = one.said(&["token"], &["token-"]).stdout;
    assert_eq!(two.said(&["token"], &[]).stdout, token);
    let path = homes[2].path("key").display().to_string();
    for command in [&["token"][..], &["refresh"], &["login", "--json"], &["api", "/x"]] {
        let refused = three.run(command);
        assert_eq!(refused.code, 9, "{command:?}: {refused:?}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains(&path) && said.contains("copy") && said.contains("sealed with key"), "{said}");
    }
    assert!(!homes[2].path("key").exists(), "a store with records never gets a second key");
    // What one machine ends, the other one sees as soon as it asks.
    one.works(&["logout"], &["are gone from the store, for all machines that share it."]);
    homes[1].configure(&format!("store_cache = 0\n{profile}"));
    two.run(&["token"]).failed(4, &["not signed in"]);
    let dump = Postgres::shared().dump();
    assert!(!dump.contains("sentinel-refresh") && !dump.contains("token-"), "a secret lies in the database");
}

#[test]
fn while_the_database_is_away_the_copy_serves_and_everything_else_says_so() {
    let server = Postgres::start();
    let authority = provider();
    let address = crate::support::postgres::url("postgres", &[server.directory()], server.port());
    let home = Home::new();
    let profile = configuration(&authority.origin());
    home.configure(&format!("store_cache = 1\n{profile}"));
    let machine = Machine { home: &home, store: &address };
    machine.works(&["login", "--json"], &["signed_in"]);
    let token = machine.said(&["token"], &["token-"]).stdout;
    server.stop();
    // The copy is as good as the store for one second; afterwards that is asked, and found to be away.
    let warned = loop {
        let ran = machine.said(&["token"], &[]);
        assert_eq!(ran.stdout, token);
        if !ran.stderr.is_empty() {
            break ran;
        }
    };
    for part in ["warning: ", "known here at", "cannot be reached"] {
        assert!(warned.stderr.contains(part), "{warned:?}");
    }
    assert!(machine.said(&["api", "/x"], &["/x"]).stderr.contains("known here at"));
    assert!(machine.said(&["whoami"], &["dana@example.com"]).stderr.contains("known here at"));
    let status = machine.said(&["status", "--json"], &[]).json();
    let work = &status["profiles"][0];
    assert_eq!((work["state"].as_str(), work["store"]["kind"].as_str()), (Some("valid"), Some("postgres")), "{status}");
    assert!(work["warnings"].to_string().contains("known here at"), "{status}");
    // Monitoring hears of it before the tokens end.
    let check = machine.run(&["status", "--check"]);
    assert!(
        check.code == 1 && check.stdout.starts_with("DEVICE-LOGIN WARNING - 1 of 1 wants a look: work ("),
        "{check:?}"
    );
    assert!(check.stdout.contains("the store is away"), "{check:?}");
    let metrics = machine.run(&["status", "--prometheus"]).stdout;
    assert!(metrics.contains("device_login_status_success 0\n") && metrics.contains("state=\"valid\"} 1"), "{metrics}");
    for command in ["refresh", "logout"] {
        machine.run(&[command]).failed(9, &["cannot be reached", "whether the server runs"]);
    }
    let refused = machine.run(&["token", "--force", "--format", "json"]);
    let error = &refused.json()["error"];
    let told = (refused.code, error["code"].as_str(), error["retryable"].as_bool());
    assert_eq!(told, (9, Some("store_unavailable"), Some(true)), "{refused:?}");
    server.proceed();
    machine.works(&["logout"], &[]);
    assert_eq!(fs::read_dir(home.path("state/copies")).expect("it is there").count(), 0);
}

#[test]
fn where_the_store_is_named_its_password_is_kept_to_itself() {
    let server = Postgres::start();
    server.sql("postgres", &format!("CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'"));
    let database = server.database();
    database.sql(&format!("GRANT CREATE ON DATABASE {} TO guarded", database.name()));
    let without = database.url().replace("postgres@", "guarded@");
    let with = without.replace("guarded@", &format!("guarded:{PASSWORD}@"));
    let (authority, home) = (provider(), Home::new());
    let profile = configuration(&authority.origin());
    let file = home.write("store.url", &format!("{with}\n"));
    let passwords = home.write("pgpass", &format!("*:*:*:guarded:{PASSWORD}\n"));
    home.configure(&format!("store_url_file = \"store.url\"\nstore_cache = 0\n{profile}"));
    let told = |ran: &Ran| assert!(!ran.stderr.contains(PASSWORD) && !ran.stdout.contains(PASSWORD), "{ran:?}");
    let works = |ran: Ran| {
        assert!(ran.code == 0 && ran.stdout.contains("token-"), "{ran:?}");
        told(&ran);
    };
    assert_eq!(home.run(&["login", "--json"]).code, 0);
    works(home.run(&["token"]));
    let set = |name: &str, value: &str, arguments: &[&str]| {
        ran(home.command(arguments).env(name, value).spawn().expect("the program starts"))
    };
    // Flag, variable and configuration, in this order.
    works(set("DEVICE_LOGIN_STORE", &with, &["token"]));
    works(set("PGPASSWORD", PASSWORD, &["token", "--store", &without]));
    works(set("PGPASSFILE", passwords.to_str().expect("text"), &["token", "--store", &without]));
    set("DEVICE_LOGIN_STORE", "memory:", &["token"]).failed(4, &["not signed in"]);
    home.run(&["token", "--store", &without]).failed(9, &["wants a password", "PGPASSWORD"]);
    let refused = home.run(&["token", "--store", &with]);
    refused.failed(2, &["`--store`", "password", "DEVICE_LOGIN_STORE", "store_url_file", "PGPASSFILE"]);
    told(&refused);
    home.configure(&format!("store = \"{with}\"\n{profile}"));
    let refused = home.run(&["token"]);
    refused.failed(2, &["`store`", "store_url_file"]);
    told(&refused);
    home.configure(&format!("store = \"{without}\"\nstore_url_file = \"store.url\"\n{profile}"));
    home.run(&["token"]).failed(2, &["both `store` and `store_url_file`"]);
    // A file that others can read, that is not there, that has something else in it.
    home.configure(&format!("store_url_file = \"store.url\"\n{profile}"));
    for (text, mode, part) in [
        (with.as_str(), 0o644, "chmod"),
        ("file:/x", 0o600, "not the address of a database"),
        ("x", 0o600, "a store is"),
    ] {
        home.write("store.url", text);
        set_mode(&file, mode);
        let refused = home.run(&["token"]);
        refused.failed(2, &["store.url", part]);
        told(&refused);
    }
    fs::remove_file(&file).expect("it is there");
    home.run(&["token"]).failed(2, &["store.url"]);
}
