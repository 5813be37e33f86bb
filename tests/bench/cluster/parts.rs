//! What the benchmark proves and measures, in order.

use device_login::clock;

use crate::support::cluster::failover::{Trouble, promote_twice, trouble_everywhere};
use crate::support::cluster::{Lab, cuts, herds, holders, rotating};
use crate::support::fleet::{Fleet, Provider};
use crate::support::postgres::Postgres;
use crate::support::postgres::pooler::Pooler;
use crate::support::servers::Server;
use crate::support::wire::Fault;

/// Plays one of so many places or rounds.
type Part = fn(usize);

/// By name, in order.
const PARTS: [(&str, Part); 6] = [
    ("herds", run_herds),
    ("holders", lose_holders),
    ("cuts", cut_connections),
    ("servers", disturb_servers),
    ("leases", |_| hold_too_long()),
    ("capacity", |_| super::capacity::measure()),
];

pub(crate) fn run() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let step = wanted.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1);
    let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted == name);
    for (name, part) in PARTS {
        if is_wanted(name) || !PARTS.iter().any(|(name, _)| is_wanted(name)) {
            println!("{name}");
            part(step);
        }
    }
}

/// Runs a proof and prints what it says and how long it took.
fn prove(what: &str, proof: impl FnOnce() -> String) {
    let started = clock::now();
    let said = proof();
    println!("  {what}: {said} ({:.0} s)", (clock::now() - started).as_secs_f64());
}

fn run_herds(step: usize) {
    let herd = |fleet: &Fleet, processes, rounds: usize| {
        let rounds = rounds.div_ceil(step);
        herds::herd(fleet, processes, rounds);
        format!("{processes} processes, {rounds} rounds: {rounds} refreshes, 0 presented twice, 0 failed")
    };
    let server = Postgres::shared();
    let lab = Lab::new(server, rotating());
    prove("two homes", || herd(&lab.fleet, 64, 200));
    prove("two homes", || herd(&lab.fleet, 500, 5));
    let pooler = Pooler::start(server, 20);
    let database = server.database();
    let address = pooler.url(database.name());
    let fleet = Fleet::new(rotating(), &database.url(), &[address.clone(), address]);
    prove("behind a pooler", || herd(&fleet, 64, 50));
    let lab = Lab::new(server, Provider::OidcProvider(Server::oidc_provider()));
    prove("at oidc-provider", || herd(&lab.fleet, 64, 50));
}

fn lose_holders(step: usize) {
    let mut lab = Lab::new(Postgres::shared(), rotating());
    for (successor, who) in [(0, "their own machine goes on"), (1, "another machine goes on")] {
        prove("killed", || {
            let (count, lost) = holders::kill_everywhere(&mut lab, step, successor);
            format!("at {count} messages, {who}: {lost} sign-ins lost, whose request was out at a strict provider")
        });
    }
    prove("stopped and continued", || {
        let count = holders::stop_everywhere(&mut lab, step);
        format!("at {count} messages, 0 presented twice, 0 lost")
    });
}

fn cut_connections(step: usize) {
    prove("connections", || cuts::survive_everywhere(Fault::Cut, step, step));
    // A process that has to keep an answer waits six seconds for the database.
    prove("connections", || cuts::survive_everywhere(Fault::Gone, step, 32 * step));
}

fn disturb_servers(step: usize) {
    for trouble in [Trouble::Restart, Trouble::Kill, Trouble::Pause] {
        prove("server", || format!("{trouble:?} at {} messages, 0 lost", trouble_everywhere(trouble, step)));
    }
    prove("promoted", || format!("{} times in herds of 64, 0 lost", promote_twice(64)));
}

fn hold_too_long() {
    prove("stopped for longer than the lease", super::leases::outlive_leases);
}
