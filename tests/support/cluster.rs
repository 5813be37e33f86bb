//! Many processes on several machines share a sign-in through PostgreSQL while whatever is between them fails.
//!
//! Each proof takes its size: `tests/servers/cluster.rs` plays them in seconds, the benchmark `cluster` in full.

pub(crate) mod cuts;
pub(crate) mod failover;
pub(crate) mod herds;
pub(crate) mod holders;
pub(crate) mod leaks;
pub(crate) mod moves;

use std::process::Child;
use std::time::Duration;

use super::fleet::{Fleet, Provider};
use super::postgres::{Database, Postgres, url};
use super::program::Ran;
use super::rotating::{Counts, Rotating};
use super::servers::Server;
use super::wire::Proxy;

/// Starts a provider that gives another refresh token with each refresh.
pub(crate) type StartProvider = fn() -> Provider;

pub(crate) fn rotating() -> Provider {
    Provider::Rotating(Rotating::start(Duration::ZERO))
}

/// Other people's, which does the same.
pub(crate) fn oidc_provider() -> Provider {
    Provider::OidcProvider(Server::oidc_provider())
}

/// Two machines, each with a network of its own to the database.
pub(crate) struct Lab<'a> {
    pub(crate) fleet: Fleet,
    pub(crate) wires: [Proxy; 2],
    pub(crate) database: Database<'a>,
    /// What the provider had been asked when the token ended last.
    pub(crate) before: Counts,
}

impl<'a> Lab<'a> {
    pub(crate) fn new(server: &'a Postgres, provider: Provider) -> Self {
        let database = server.database();
        let wires = [(); 2].map(|()| Proxy::to_socket(&server.socket()));
        // A machine on which much else is tested stalls for longer than a connection is waited for otherwise.
        let patient = |address: String| format!("{address}&connect_timeout=30");
        let through = |wire: &Proxy| patient(url(database.name(), &[wire.directory()], server.port()));
        let fleet = Fleet::new(provider, &database.url(), &wires.each_ref().map(through));
        Self { fleet, wires, database, before: Counts::default() }
    }

    /// Ends the token and has the first home ask for the next one: its request is out, and its answer is held back.
    pub(crate) fn holder_out(&mut self) -> Child {
        self.end_token();
        let provider = self.fleet.provider.rotating();
        provider.hold(true);
        let holder = self.fleet.spawn(0, &["token"]);
        provider.wait_for(1);
        holder
    }

    /// Lets the access token end, and counts from here on. A lease that nobody gave back is not waited for.
    pub(crate) fn end_token(&mut self) {
        if self.fleet.try_to_end_token().is_err() {
            end_leases(&self.database);
            self.fleet.end_token();
        }
        self.before = self.fleet.provider.counts();
    }

    /// Whatever happened to one process before: the next ones have a token, the same on both machines, and the provider was
    /// asked once for it.
    #[track_caller]
    pub(crate) fn recovers(&self, what: &str) {
        self.recovers_on([0, 1], what);
    }

    /// The same in this order.
    #[track_caller]
    pub(crate) fn recovers_on(&self, machines: [usize; 2], what: &str) {
        let one = self.fleet.run(machines[0], &["token"]);
        self.has_spread(machines[1], &one, what);
    }

    /// A process had a token; so has the next one on some machine, and the provider was asked once for it.
    #[track_caller]
    pub(crate) fn has_spread(&self, machine: usize, one: &Ran, what: &str) {
        let other = self.fleet.run(machine, &["token"]);
        assert_eq!((one.code, other.code), (0, 0), "{what}: {one:?} {other:?}");
        assert_eq!(one.stdout, other.stdout, "{what}");
        self.was_asked_once(what);
    }

    /// A process had a token, which everybody finds in the store, and the provider was asked once for it.
    #[track_caller]
    pub(crate) fn is_stored(&self, one: &Ran, what: &str) {
        assert_eq!(one.code, 0, "{what}: {one:?}");
        assert_eq!(one.stdout.trim_end(), self.fleet.stored_token(), "{what}");
        self.was_asked_once(what);
    }

    #[track_caller]
    fn was_asked_once(&self, what: &str) {
        let counts = self.fleet.provider.counts();
        let refreshes = counts.refreshes - self.before.refreshes;
        assert_eq!((refreshes, counts.presented_twice), (1, self.before.presented_twice), "{what}");
    }
}

/// Lets all leases be over, and the time as well for which others wait with a token that may have been used. Only the database
/// knows the time of that.
pub(crate) fn end_leases(database: &Database<'_>) {
    let over = "attempt_deadline = clock_timestamp() - interval '3 min'";
    let end = format!("UPDATE device_login.records SET {over} WHERE attempt_id IS NOT NULL");
    // The tables may not have been made yet.
    database.sql(&format!("DO $$ BEGIN IF to_regclass('device_login.records') IS NOT NULL THEN {end}; END IF; END $$"));
}

/// Ended with a token, or with words about the store or the network and nothing else.
#[track_caller]
pub(crate) fn is_sound(ran: &Ran, what: &str) {
    match ran.code {
        0 => assert!(ran.stdout.len() > 16, "{what}: {ran:?}"),
        7 | 9 => assert!(ran.stdout.is_empty() && !ran.stderr.contains("sentinel"), "{what}: {ran:?}"),
        _ => panic!("{what}: {ran:?}"),
    }
}
