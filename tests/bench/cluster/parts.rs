//! What the benchmark proves and measures, in order.

use device_login::clock;

use crate::support::cluster::cuts::{Places, survive_everywhere};
use crate::support::cluster::failover::{Trouble, promote_twice, trouble_everywhere};
use crate::support::cluster::moves::{self, MOVES};
use crate::support::cluster::{Lab, StartProvider, herds, holders, oidc_provider, rotating};
use crate::support::faults::Extent;
use crate::support::fleet::Fleet;
use crate::support::postgres::Postgres;
use crate::support::postgres::pooler::Pooler;
use crate::support::wire::Fault;

/// Plays one of so many places or rounds, at a provider.
type Part = fn(&At, usize);

/// Plays one of so many places, at whatever provider it needs.
type OtherPart = fn(usize);

/// A provider, and its name.
struct At {
    name: &'static str,
    start: StartProvider,
}

const PROVIDERS: [At; 2] =
    [At { name: "rotating", start: rotating }, At { name: "oidc-provider", start: oidc_provider }];

/// By name, in order; the first ones at each provider.
const PARTS: [(&str, Part); 5] = [
    ("herds", run_herds),
    ("holders", lose_holders),
    ("cuts", cut_connections),
    ("servers", disturb_servers),
    ("leases", hold_too_long),
];
const OTHER_PARTS: [(&str, OtherPart); 2] = [("moves", move_records), ("capacity", |_| super::capacity::measure())];

pub(crate) fn run() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let step = wanted.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1);
    let parts: Vec<_> = PARTS.iter().map(|part| part.0).chain(OTHER_PARTS.iter().map(|part| part.0)).collect();
    let is_part = |name| is_wanted(&wanted, name, &parts);
    let is_provider = |at: &&At| is_wanted(&wanted, at.name, &PROVIDERS.each_ref().map(|at| at.name));
    for (name, part) in PARTS.iter().filter(|part| is_part(part.0)) {
        for at in PROVIDERS.iter().filter(is_provider) {
            println!("{name} at {}", at.name);
            part(at, step);
        }
    }
    for (name, part) in OTHER_PARTS.iter().filter(|part| is_part(part.0)) {
        println!("{name}");
        part(step);
    }
}

/// One of those that are named, or any where none of them is.
fn is_wanted(wanted: &[String], name: &str, all: &[&str]) -> bool {
    let is_named = |name: &str| wanted.iter().any(|wanted| wanted == name);
    is_named(name) || !all.iter().any(|name| is_named(name))
}

/// Runs a proof and prints what it says and how long it took.
fn prove(what: &str, proof: impl FnOnce() -> String) {
    let started = clock::now();
    let said = proof();
    println!("  {what}: {said} ({:.0} s)", (clock::now() - started).as_secs_f64());
}

fn run_herds(at: &At, step: usize) {
    let prove_all = |what: &str, fleet: &Fleet| {
        for (processes, rounds) in [(64, 200_usize), (500, 5)] {
            let rounds = rounds.div_ceil(step);
            prove(what, || {
                herds::herd(fleet, processes, rounds);
                format!("{processes} processes, {rounds} rounds: {rounds} refreshes, 0 presented twice, 0 failed")
            });
        }
    };
    let server = Postgres::shared();
    prove_all("two homes", &Lab::new(server, (at.start)()).fleet);
    let (pooler, database) = (Pooler::start(server, 20), server.database());
    let address = pooler.url(database.name());
    let fleet = Fleet::new((at.start)(), &database.url(), &[address.clone(), address]);
    prove_all("two homes behind a pooler", &fleet);
}

fn lose_holders(at: &At, step: usize) {
    let mut lab = Lab::new(Postgres::shared(), (at.start)());
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

fn cut_connections(at: &At, step: usize) {
    // A server of other people's is a process with a lot of memory.
    let [few, many] = if at.name == "rotating" { [16, 32] } else { [4, 12] };
    // A process that has to keep an answer waits six seconds for the database.
    for (fault, bytes, labs) in [(Fault::Cut, step, few), (Fault::Gone, 8 * step, many)] {
        prove("connections", || {
            survive_everywhere(at.start, fault, Places { messages: step, bytes, labs }).to_string()
        });
    }
}

fn disturb_servers(at: &At, step: usize) {
    for trouble in [Trouble::Restart, Trouble::Kill, Trouble::Pause] {
        prove("server", || format!("{trouble:?} at {} messages, 0 lost", trouble_everywhere(at.start, trouble, step)));
    }
    prove("promoted", || format!("{} times in herds of 64, 0 lost", promote_twice(at.start, 64)));
}

fn hold_too_long(at: &At, step: usize) {
    prove("stopped for longer than the lease", || super::leases::outlive_leases(at.start, step));
}

fn move_records(step: usize) {
    for one in MOVES {
        prove("moved", || moves::survive(one, Extent::Whole, step));
    }
}
