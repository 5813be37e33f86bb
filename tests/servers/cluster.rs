//! Many machines on one PostgreSQL, with numbers that take seconds.

use std::time::Duration;

use crate::support::cluster::cuts::{Places, survive_everywhere};
use crate::support::cluster::failover::{Trouble, promote_twice, trouble_everywhere};
use crate::support::cluster::herds::herd;
use crate::support::cluster::holders::{is_lost, kill, kill_everywhere, stand_still_everywhere, stop_everywhere};
use crate::support::cluster::leaks::{assert_none, found, shown};
use crate::support::cluster::{Lab, oidc_provider, rotating};
use crate::support::fleet::{Fleet, Provider};
use crate::support::postgres::Postgres;
use crate::support::postgres::pooler::Pooler;
use crate::support::program::ran;
use crate::support::rotating::Rotating;
use crate::support::wire::Fault;

const SOME: Places = Places { messages: 7, bytes: 2003, labs: 4 };

#[test]
fn herds_on_postgresql_refresh_once_a_round() {
    let lab = Lab::new(Postgres::shared(), rotating());
    herd(&lab.fleet, 32, 5);
}

#[test]
fn a_herd_of_more_processes_than_connections_waits_for_them() {
    let server = Postgres::listening("max_connections = 15\n", None);
    let lab = Lab::new(&server, Provider::Rotating(Rotating::start(Duration::from_secs(1))));
    herd(&lab.fleet, 60, 1);
}

#[test]
fn herds_behind_a_pooler_refresh_once_a_round() {
    let server = Postgres::shared();
    let pooler = Pooler::start(server, 3);
    let database = server.database();
    let address = pooler.url(database.name());
    herd(&Fleet::new(rotating(), &database.url(), &[address.clone(), address]), 24, 3);
}

#[test]
fn herds_at_oidc_provider_refresh_once_a_round() {
    let lab = Lab::new(Postgres::shared(), oidc_provider());
    herd(&lab.fleet, 8, 3);
}

#[test]
fn a_connection_that_ends_at_any_message_is_made_anew() {
    let survived = survive_everywhere(rotating, Fault::Cut, SOME);
    println!("{survived}");
    assert_eq!(survived.without, 0);
}

#[test]
fn a_database_that_is_away_from_any_message_on_costs_no_answer() {
    println!("{}", survive_everywhere(rotating, Fault::Gone, SOME));
}

#[test]
fn an_answer_that_comes_while_the_database_is_away_is_kept_here_and_committed_later() {
    let mut lab = Lab::new(Postgres::shared(), rotating());
    let holder = lab.holder_out();
    let provider = lab.fleet.provider.rotating();
    lab.wires[0].now(Fault::Gone);
    provider.hold(false);
    let ran = ran(holder);
    assert_eq!((ran.code, ran.stdout.starts_with("sentinel-access")), (0, true), "{ran:?}");
    assert!(!ran.stderr.is_empty(), "it says that the database is away");
    lab.wires[0].open();
    lab.recovers("the database is back");
}

#[test]
fn a_holder_that_is_killed_costs_a_sign_in_only_while_its_request_is_out() {
    let mut lab = Lab::new(Postgres::shared(), rotating());
    for successor in [0, 1] {
        let (count, lost) = kill_everywhere(&mut lab, 9, successor);
        println!("killed at {count} messages: {lost} sign-ins lost, all after their request was sent");
        assert!(count > 3, "{count}");
    }
}

#[test]
fn a_holder_that_is_killed_while_the_provider_thinks_has_its_token_tried_once_more() {
    let mut lab = Lab::new(Postgres::shared(), rotating());
    let holder = lab.holder_out();
    let provider = lab.fleet.provider.rotating();
    kill(holder);
    provider.hold(false);
    let next = lab.fleet.run(0, &["token"]);
    assert!(is_lost(&lab, &next, "killed while the provider thinks"), "a strict provider ends the grant");
}

#[test]
fn a_holder_that_stands_still_is_waited_for() {
    let mut lab = Lab::new(Postgres::shared(), rotating());
    assert!(stop_everywhere(&mut lab, 13) > 2);
}

#[test]
fn a_holder_that_stands_still_for_longer_than_a_statement_may_take_finds_its_answer() {
    let held = stand_still_everywhere(Postgres::shared(), Duration::from_secs(7), 9);
    assert!(held > 8, "{held}");
}

#[test]
fn a_server_that_restarts_dies_or_stands_still_costs_no_answer() {
    for trouble in [Trouble::Restart, Trouble::Kill, Trouble::Pause] {
        let count = trouble_everywhere(rotating, trouble, 17);
        println!("{trouble:?} at {count} messages, 0 sign-ins lost");
    }
}

#[test]
fn two_promotions_in_the_middle_of_a_herd_cost_no_answer() {
    assert_eq!(promote_twice(rotating, 8), 2);
}

#[test]
fn other_peoples_provider_is_asked_once_under_each_fault() {
    let mut lab = Lab::new(Postgres::shared(), oidc_provider());
    for successor in [0, 1] {
        let (count, lost) = kill_everywhere(&mut lab, 29, successor);
        println!("killed at {count} messages: {lost} sign-ins lost");
    }
    stop_everywhere(&mut lab, 31);
    drop(lab);
    let places = Places { messages: 29, bytes: 4001, labs: 1 };
    for fault in [Fault::Cut, Fault::Gone] {
        println!("{}", survive_everywhere(oidc_provider, fault, places));
    }
    trouble_everywhere(oidc_provider, Trouble::Restart, 41);
    assert_eq!(promote_twice(oidc_provider, 4), 2);
}

#[test]
fn no_secret_reaches_the_database_its_log_or_what_the_system_shows_of_a_process() {
    let server = Postgres::listening("log_statement = 'all'\nlog_min_duration_statement = 0\n", None);
    let unlogged = "SET log_statement = 'none'; SET log_min_duration_statement = -1;\n";
    server.sql("postgres", &format!("{unlogged} CREATE ROLE guarded SUPERUSER LOGIN PASSWORD 'canary-password'"));
    let database = server.database();
    let guarded = database.url().replace("postgres@", "guarded@");
    let fleet = Fleet::new(rotating(), &database.url(), &[guarded]);
    let pass = fleet.home(0).write("pgpass", "*:*:*:guarded:canary-password\n");
    let provider = fleet.provider.rotating();
    provider.hold(true);
    let holder = fleet.command(0, &["token"]).env("PGPASSFILE", pass).spawn().expect("the program starts");
    provider.wait_for(1);
    assert_eq!(found(&shown(holder.id())), None);
    provider.hold(false);
    let ran = ran(holder);
    assert_eq!((ran.code, ran.stdout.starts_with("sentinel-access")), (0, true), "{ran:?}");
    assert_none(&server);
}
