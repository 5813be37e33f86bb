//! What the tests make of Debian's PostgreSQL does what the proofs take for granted.

use crate::support::http;
use crate::support::postgres::pooler::Pooler;
use crate::support::postgres::{Postgres, url};
use crate::support::servers::Server;
use crate::support::tls;
use crate::support::wire::{At, Fault, Proxy};

/// Runs a statement through `psql` at some address, and tells whether it was acknowledged.
fn acknowledged(url: &str, sql: &str) -> bool {
    let child = std::process::Command::new("psql").args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).output();
    child.expect("Debian's psql is there").status.success()
}

#[test]
fn what_is_acknowledged_outlives_a_kill_and_two_promotions() {
    let first = Postgres::start();
    first.sql("postgres", "CREATE TABLE kept (number int)");
    first.sql("postgres", "INSERT INTO kept VALUES (1)");
    first.kill();
    first.proceed();
    first.sql("postgres", "INSERT INTO kept VALUES (2)");
    let second = first.standby();
    let both = url("postgres", &[first.directory(), second.directory()], first.port());
    assert!(acknowledged(&both, "INSERT INTO kept VALUES (3)"));
    first.kill();
    second.promote();
    assert!(acknowledged(&both, "INSERT INTO kept VALUES (4)"));
    first.follow(&second);
    assert!(acknowledged(&both, "INSERT INTO kept VALUES (5)"));
    second.kill();
    first.promote();
    assert!(acknowledged(&both, "INSERT INTO kept VALUES (6)"));
    assert_eq!(first.sql("postgres", "SELECT string_agg(number::text, ' ' ORDER BY number) FROM kept"), "1 2 3 4 5 6");
}

#[test]
fn a_connection_is_cut_at_every_message_and_nothing_acknowledged_is_lost() {
    let server = Postgres::shared();
    let database = server.database();
    database.sql("CREATE TABLE kept (number int)");
    let proxy = Proxy::to_socket(&server.socket());
    let address = url(database.name(), &[proxy.directory()], server.port());
    let mut acknowledgements = 0;
    let mut cuts = 0;
    for number in 1.. {
        proxy.set(At::Message(number), Fault::Cut);
        acknowledgements += usize::from(acknowledged(&address, "INSERT INTO kept VALUES (1)"));
        if !proxy.has_happened() {
            break;
        }
        cuts += 1;
    }
    let kept: usize = database.sql("SELECT count(*) FROM kept").parse().expect("a number");
    assert!(cuts > 5, "{cuts}");
    assert!(kept > acknowledgements, "some were kept though nobody heard of it: {kept}, {acknowledgements}");
    proxy.open();
    assert!(acknowledged(&address, "SELECT 1"));
    assert_eq!((proxy.passed().connections, proxy.passed().statements), (1, 1));
    proxy.now(Fault::Gone);
    assert!(!acknowledged(&address, "SELECT 1"));
}

#[test]
fn it_speaks_tls_and_asks_for_passwords() {
    let authority = tls::Authority::new("Database");
    let (certificate, key) = authority.certificate(&["localhost"]);
    let server = Postgres::listening("", Some((&certificate, &key)));
    server.sql("postgres", "CREATE ROLE guarded LOGIN PASSWORD 'of-the-tests'");
    let proxy = Proxy::to_port(server.port());
    let address = |password: &str| {
        let roots = authority.file().display().to_string();
        let tls = format!("sslmode=verify-full&sslrootcert={roots}");
        format!("postgres://guarded:{password}@localhost:{}/postgres?{tls}", proxy.port())
    };
    assert!(acknowledged(&address("of-the-tests"), "SELECT 1"));
    assert!(!acknowledged(&address("another"), "SELECT 1"));
    server.says("password authentication failed for user \"guarded\"");
    proxy.set(At::ToServer(600), Fault::Cut);
    assert!(!acknowledged(&address("of-the-tests"), "SELECT 1"));
}

#[test]
fn a_paused_server_answers_when_it_goes_on_and_a_pooler_shares_its_connections() {
    let server = Postgres::start();
    let pooler = Pooler::start(&server, 1);
    let address = pooler.url("postgres");
    assert!(acknowledged(&address, "SELECT 1"));
    let paused = server.pause();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| acknowledged(&address, "SELECT 2"));
        drop(paused);
        assert!(waiting.join().expect("it does not panic"));
    });
    assert_eq!(
        server.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"),
        "2"
    );
}

#[test]
fn oidc_provider_counts_a_refresh_token_that_comes_twice_and_ends_its_grant() {
    let server = Server::oidc_provider();
    let approved = http::send("GET", &server.at("/test/approve"), &[], "").json();
    let refresh = |token: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", "public"), ("refresh_token", token)];
        http::post(&server.at("/token"), &form).json()
    };
    let first = approved["refresh_token"].as_str().expect("a token");
    let answer = refresh(first);
    let second = answer["refresh_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}"));
    assert_eq!(refresh(first)["error"], "invalid_grant");
    assert_eq!(refresh(second)["error"], "invalid_grant", "the whole grant has ended");
    let counts = http::send("GET", &server.at("/test/counts"), &[], "").json();
    assert_eq!((&counts["refreshes"], &counts["presented_twice"]), (&1.into(), &1.into()), "{counts}");
}
