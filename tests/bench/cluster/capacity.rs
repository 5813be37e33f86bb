//! What one server carries, and what a fleet would ask of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use device_login::clock;

use crate::support::cluster::{Lab, rotating};
use crate::support::fleet::Fleet;
use crate::support::postgres::{Database, Postgres};
use crate::support::wire::Passed;

const CLIENTS: usize = 16;
const TIME: Duration = Duration::from_secs(10);
const MACHINES: f64 = 10_000.0;

pub(crate) fn measure() {
    let server = Postgres::start();
    let lab = Lab::new(&server, rotating());
    let refresh = cost(&lab, "a refresh", &["refresh"]);
    let token = cost(&lab, "a valid token", &["token"]);
    lab.fleet.configure("");
    lab.fleet.run(0, &["token"]).worked(&lab.fleet.run(0, &["token"]).stdout);
    cost(&lab, "a valid token that this machine has seen within 60 s", &["token"]);

    let databases: Vec<_> = (0..CLIENTS).map(|_| server.database()).collect();
    let fleets: Vec<_> = databases.iter().map(|database| fleet(database)).collect();
    let tokens = load(&server, "valid tokens", &fleets, &["token"]);
    let refreshes = load(&server, "refreshes", &fleets, &["refresh"]);
    for fleet in &fleets {
        fleet.configure("");
    }
    load(&server, "valid tokens with `store_cache`", &fleets, &["token"]);
    asked_of(tokens, token, refreshes, refresh);
}

fn fleet(database: &Database<'_>) -> Fleet {
    let fleet = Fleet::new(rotating(), &database.url(), &[database.url()]);
    let refreshed = fleet.run(0, &["refresh"]);
    assert_eq!(refreshed.code, 0, "{refreshed:?}");
    fleet
}

/// Counts what one command exchanges with the database.
fn cost(lab: &Lab<'_>, what: &str, arguments: &[&str]) -> Passed {
    lab.wires[0].open();
    let ran = lab.fleet.run(0, arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    let passed = lab.wires[0].passed();
    println!(
        "  {what}: {} connections, {} statements, {} bytes to the server, {} back",
        passed.connections, passed.statements, passed.to_server, passed.to_client
    );
    passed
}

/// Runs a command as often as it goes, and gives how long each one keeps a core of the server busy.
fn load(server: &Postgres, what: &str, fleets: &[Fleet], arguments: &[&str]) -> Duration {
    let (count, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (idle, busy, started) = (server.processes(), server.busy(), clock::now());
    thread::scope(|scope| {
        for fleet in fleets {
            scope.spawn(|| {
                while clock::now() - started < TIME {
                    let ran = fleet.run(0, arguments);
                    assert_eq!(ran.code, 0, "{ran:?}");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while clock::now() - started < TIME {
            most.fetch_max(server.processes().saturating_sub(idle), Ordering::Relaxed);
            wait(Duration::from_millis(20));
        }
    });
    let (busy, took) = (server.busy().saturating_sub(busy), clock::now() - started);
    let (count, most) = (count.load(Ordering::Relaxed), most.load(Ordering::Relaxed));
    let each = busy / u32::try_from(count.max(1)).expect("a small number");
    println!(
        "  {what}: {:.0} a second with their {CLIENTS} clients on the same two cores, {most} connections at most;\n    \
         the server is busy for {:.2} ms with each, so two cores of its own carry {:.0} a second",
        rate(count, took),
        each.as_secs_f64() * 1000.0,
        2.0 / each.as_secs_f64().max(1e-6)
    );
    each
}

/// Nobody notifies, so it is the time that ends this.
fn wait(time: Duration) {
    let (alone, never) = (Mutex::new(()), Condvar::new());
    drop(never.wait_timeout_while(alone.lock().expect("nobody else has it"), time, |()| true));
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// What machines ask of the server that want a token each minute, and whose tokens last an hour.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn asked_of(token: Duration, per_token: Passed, refresh: Duration, per_refresh: Passed) {
    println!("  {MACHINES} machines that want a token each minute, whose tokens last an hour:");
    let calls = MACHINES / 60.0;
    for (what, tokens, refreshes) in [
        ("a sign-in for all, store_cache = 0", calls, 1.0 / 3600.0),
        ("a sign-in for every 100, store_cache = 0", calls, MACHINES / 100.0 / 3600.0),
        ("a sign-in for each, store_cache = 0", calls, MACHINES / 3600.0),
        ("a sign-in for all, a call a second on each, store_cache = 60", calls, 1.0 / 3600.0),
    ] {
        let statements = tokens * per_token.statements as f64 + refreshes * per_refresh.statements as f64;
        let busy = 100.0 * (tokens * token.as_secs_f64() + refreshes * refresh.as_secs_f64());
        println!(
            "    {what}: {statements:.0} statements and {:.0} connections a second, {busy:.0} % of a core",
            tokens + refreshes
        );
    }
}
