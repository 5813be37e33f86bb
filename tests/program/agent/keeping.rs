//! What the agent keeps fresh, and what it takes for a reason to act. When what is due is tested beside the code, in virtual
//! time.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use device_login::clock;
use device_login::storage::Grant;
use jiff::SignedDuration;
use serde_json::json;

use super::{Running, provider, run, token};
use crate::support::authority::Authority;
use crate::support::program::{Home, configuration, ended};

/// A provider whose token endpoint answers with this status until the test wants another one.
fn moody(status: u16) -> (Authority, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(status));
    let says = status.clone();
    let authority = Authority::start_with_headers(move |_| match says.load(Ordering::SeqCst) {
        200 => (200, String::new(), json!({"access_token": token(2), "expires_in": 3600}).to_string()),
        429 => (429, "retry-after: 3600\r\n".to_owned(), json!({"error": "slow_down"}).to_string()),
        503 => (503, String::new(), String::new()),
        status => (status, String::new(), json!({"error": "invalid_grant"}).to_string()),
    });
    (authority, status)
}

/// A configuration with so many profiles more.
fn with_profiles(origin: &str, count: usize) -> String {
    (0..count).fold(configuration(origin), |mut text, number| {
        let profile =
            format!("[profiles.p{number}]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]");
        writeln!(text, "{profile}").expect("text grows");
        text
    })
}

#[test]
fn two_agents_on_one_store_mint_once() {
    let provider = provider();
    let home = Home::new();
    home.configure(&with_profiles(&provider.origin(), 20));
    let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    let sign_in =
        |change: fn(&mut Grant)| names.iter().for_each(|name| home.sign_in_as(name, &provider.origin(), change));
    sign_in(|_| ());
    let agents = [Running::start(&home, &[]), Running::start(&home, &[])];
    for agent in &agents {
        agent.says(&["ready: 21 profiles, 1 signed out"]);
    }
    sign_in(ended);
    for agent in &agents {
        let lines: Vec<String> = names.iter().map(|_| agent.says(&[" refreshed: "])).collect();
        let is_told = |name: &String| lines.iter().any(|line| line.contains(&format!(" {name} refreshed: ")));
        assert!(names.iter().all(is_told), "{lines:#?}");
    }
    assert_eq!(provider.count("/token"), 20);
    for agent in agents {
        agent.stop();
    }
    let history = home.run(&["status", "p7", "--json"]).json();
    assert_eq!(history["profiles"][0]["state"], json!("valid"), "{history}");
}

#[test]
fn a_token_is_replaced_at_half_its_life_where_that_is_short_and_not_before() {
    let provider = provider();
    let home = Home::at(&provider);
    let begun = clock::now();
    home.sign_in(&provider, |grant| {
        grant.access_token_expires_at = Some(grant.approved_at + SignedDuration::from_secs(4));
    });
    let agent = Running::start(&home, &[]);
    agent.says(&["ready: 1 profile"]);
    agent.says(&[" work refreshed: "]);
    let waited = clock::now() - begun;
    assert!(waited.as_millis() >= 1_990, "{waited:?}");
    agent.stop();
    assert_eq!(provider.count("/token"), 1);
}

#[test]
fn a_sign_in_and_a_refresh_by_others_are_noticed_and_so_is_a_sign_out() {
    let provider = provider();
    let home = Home::at(&provider);
    let agent = Running::start(&home, &[]);
    agent.says(&["ready: 1 profile, 1 signed out"]);
    home.sign_in(&provider, |_| ());
    agent.says(&[" work watching: "]);
    run(&home, &["refresh"]);
    agent.says(&[" work refreshed: "]);
    run(&home, &["logout", "--local"]);
    agent.says(&[" work signed_out: "]);
    // What is overdue when it comes is not waited for.
    home.sign_in(&provider, ended);
    agent.says(&[" work watching: "]);
    agent.says(&[" work refreshed: "]);
    agent.stop();
}

#[test]
fn the_configuration_is_followed_and_a_broken_one_changes_nothing() {
    let provider = provider();
    let home = Home::signed_in(&provider);
    let origin = provider.origin();
    let agent = Running::start(&home, &[]);
    agent.says(&["ready: "]);
    home.sign_in_as("p0", &origin, ended);
    home.write("config.toml", "profiles = 1");
    agent.says(&["not_reloaded: ", "config.toml", "the one before stays"]);
    home.configure(&with_profiles(&origin, 1));
    agent.says(&["reloaded: "]);
    agent.says(&[" p0 watching: "]);
    agent.says(&[" p0 refreshed: "]);
    home.configure(&configuration(&origin));
    agent.says(&[" p0 removed: "]);
    agent.signal("-HUP");
    agent.says(&["reloaded: the configuration is the same as before"]);
    home.configure("");
    let named = Running::start(&home, &["p0"]);
    named.says(&["ready: there is no profile yet"]);
    home.configure(&with_profiles(&origin, 2));
    named.says(&[" p0 watching: "]);
    let rest = named.stop();
    assert!(!rest.iter().any(|line| line.contains(" p1 ") || line.contains(" work ")), "{rest:#?}");
}

#[test]
fn a_refused_grant_is_asked_for_once_and_is_well_again_after_a_sign_in() {
    let (authority, _) = moody(400);
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    let agent = Running::start(&home, &[]);
    agent.says(&[" work needs_login: ", "run `device-login login work`"]);
    agent.signal("-HUP");
    agent.says(&["reloaded: "]);
    assert_eq!(authority.count("/token"), 1);
    home.sign_in(&authority, |_| ());
    agent.says(&[" work recovered: "]);
    agent.says(&[" work refreshed: "]);
    agent.stop();
    assert_eq!(authority.count("/token"), 1);
    // It is told anew by an agent that finds it so.
    home.sign_in(&authority, |grant| grant.refused = Some("it was revoked".to_owned()));
    let agent = Running::start(&home, &[]);
    agent.says(&[" work needs_login: it was revoked"]);
    agent.stop();
}

#[test]
fn what_keeps_a_refresh_from_working_is_told_in_its_words_and_passes() {
    let (authority, status) = moody(503);
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    let agent = Running::start(&home, &[]);
    agent.says(&[" work refresh_failing: ", "503"]);
    status.store(200, Ordering::SeqCst);
    // Somebody who does not want to wait for the next try.
    run(&home, &["refresh"]);
    agent.says(&[" work recovered: "]);
    agent.says(&[" work refreshed: "]);
    agent.stop();
}

#[test]
fn a_throttled_grant_is_left_alone() {
    let (authority, _) = moody(429);
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    let agent = Running::start(&home, &[]);
    agent.says(&[" work throttled: ", "try again after"]);
    agent.signal("-HUP");
    agent.says(&["reloaded: "]);
    agent.stop();
    assert_eq!(authority.count("/token"), 1);
}

#[test]
fn a_token_that_nothing_can_refresh_is_told_before_its_end_and_at_it() {
    let provider = provider();
    let home = Home::at(&provider);
    let ends_in = |seconds| {
        move |grant: &mut Grant| {
            grant.refresh_token = None;
            grant.access_token_expires_at = Some(clock::wall() + SignedDuration::from_secs(seconds));
        }
    };
    home.sign_in(&provider, ends_in(301));
    let agent = Running::start(&home, &[]);
    agent.says(&[" work expiring: ", "run `device-login login work`"]);
    home.sign_in(&provider, ends_in(1));
    agent.says(&[" work needs_login: ", "has ended, and nothing can refresh it"]);
    agent.stop();
    assert_eq!(provider.count("/token"), 0);
}

#[cfg(all(target_os = "linux", feature = "postgres"))]
#[test]
fn agents_of_two_machines_hear_of_each_other_through_a_database_and_wait_while_it_is_away() {
    use device_login::storage::{StoreAddress, open};

    use crate::support::postgres::{Postgres, url};
    use crate::support::program::{key_options, sign_in_into};

    let server = Postgres::start();
    let url = url("postgres", &[server.directory()], server.port());
    let provider = provider();
    let homes = [Home::at(&provider), Home::at(&provider)];
    let store = open(&StoreAddress::parse(&url).expect("an address"), key_options(&homes[0]));
    let sign_in = |change: fn(&mut Grant)| sign_in_into(&store, "work", &provider.origin(), change);
    sign_in(|_| ());
    homes[1].write("key", &std::fs::read_to_string(homes[0].path("key")).expect("the first record made it"));
    let agents = homes.each_ref().map(|home| Running::spawn(home.command(&["agent"]).env("DEVICE_LOGIN_STORE", &url)));
    for agent in &agents {
        agent.says(&["ready: 1 profile"]);
    }
    sign_in(ended);
    for agent in &agents {
        agent.says(&[" work refreshed: "]);
    }
    assert_eq!(provider.count("/token"), 1);
    server.stop();
    for agent in &agents {
        agent.says(&["store_failing: ", "cannot be reached"]);
    }
    server.proceed();
    for agent in &agents {
        agent.says(&["ready: the store can be reached again: 1 profile"]);
    }
    for agent in agents {
        agent.stop();
    }
}
