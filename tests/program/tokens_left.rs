//! What is handed out of a token whose end, or whose sign-in, is in doubt.

use std::sync::atomic::{AtomicUsize, Ordering};

use device_login::clock;
use device_login::storage::Grant;
use jiff::SignedDuration;
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, Home, ended};

const FRESH: (u16, &str) = (200, r#"{"access_token":"fresh","expires_in":3600}"#);
const REFUSAL: (u16, &str) = (400, r#"{"error":"invalid_grant"}"#);
const DOWN: (u16, &str) = (503, "");

/// A home that is signed in at a server whose token endpoint gives these answers, the last one for ever.
fn home(answers: &'static [(u16, &'static str)], change: impl FnOnce(&mut Grant)) -> (Home, Authority) {
    let asked = AtomicUsize::new(0);
    let authority = Authority::start(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        (answers[number].0, answers[number].1.to_owned())
    });
    let home = Home::at(&authority);
    home.sign_in(&authority, change);
    (home, authority)
}

/// As the clock would have noted them when it was that many hours ahead.
fn minted_ahead(grant: &mut Grant, hours: i64) {
    let then = clock::wall() + SignedDuration::from_hours(hours);
    grant.approved_at = then;
    grant.access_token_expires_at = Some(then + SignedDuration::from_hours(1));
}

/// Good for four minutes of an hour.
fn soon(grant: &mut Grant) {
    grant.approved_at = clock::wall() - SignedDuration::from_mins(56);
    grant.access_token_expires_at = Some(clock::wall() + SignedDuration::from_mins(4));
}

#[test]
fn a_token_that_was_noted_by_a_clock_that_was_ahead_is_refreshed() {
    for hours in [1, 30 * 24, 4 * 366 * 24, 60_000_000] {
        for change in [
            |grant: &mut Grant, hours: i64| minted_ahead(grant, hours),
            // At a refresh, long after the sign-in.
            |grant: &mut Grant, hours: i64| {
                let approved_at = grant.approved_at;
                minted_ahead(grant, hours);
                grant.mints = vec![grant.approved_at];
                grant.approved_at = approved_at;
            },
        ] {
            let (home, _authority) = home(&[FRESH], |grant| change(grant, hours));
            let status = home.run(&["status", "--json", "--check"]);
            let profile = &status.json()["profiles"][0];
            assert_eq!((status.code, &profile["state"]), (3, &json!("unknown")), "{hours} {status:?}");
            assert!(profile.get("access_token_expires_at").is_none(), "{status:?}");
            assert!(home.run(&["status"]).stdout.contains("clock has been set back"), "{hours}");
            home.run(&["token"]).worked("fresh\n");
            let status = home.run(&["status", "--json", "--check"]);
            assert_eq!((status.code, &status.json()["profiles"][0]["state"]), (0, &json!("valid")), "{status:?}");
            home.run(&["token"]).worked("fresh\n");
        }
    }
}

#[test]
fn a_token_whose_end_nobody_can_tell_is_handed_out_with_a_warning_where_no_new_one_can_be_had() {
    let old = format!("{ACCESS_TOKEN}\n");
    let (alone, authority) = home(&[REFUSAL], |grant| {
        minted_ahead(grant, 48);
        grant.refresh_token = None;
    });
    for arguments in [&["token"][..], &["token", "--min-ttl", "2h"]] {
        let ran = alone.run(arguments);
        assert_eq!((ran.code, &ran.stdout), (0, &old), "{ran:?}");
        assert!(ran.stderr.contains("warning: this machine's clock has been set back"), "{ran:?}");
    }
    let json = alone.run(&["token", "--format", "json"]).json();
    assert!(json.get("expires_at").is_none() && json.get("expires_in").is_none(), "{json}");
    assert_eq!((alone.run(&["token", "--force"]).code, authority.log().len()), (4, 0));

    let (down, _authority) = home(&[DOWN], |grant| minted_ahead(grant, 48));
    let ran = down.run(&["token"]);
    assert_eq!((ran.code, &ran.stdout), (0, &old), "{ran:?}");
    assert!(ran.stderr.contains("whether the token is still good is not known"), "{ran:?}");

    let (refused, _authority) = home(&[REFUSAL], |grant| minted_ahead(grant, 48));
    refused.run(&["token"]).failed(4, &[]);
    assert_eq!(refused.run(&["status", "--check"]).code, 2);
}

#[test]
fn a_pause_or_mints_that_were_noted_by_a_clock_that_was_ahead_hold_up_nobody() {
    let far = || clock::wall() + SignedDuration::from_hours(30 * 24);
    let (home, _authority) = home(&[FRESH], |grant| {
        ended(grant);
        grant.paused_until = Some(far());
        grant.mints = vec![far(); 12];
    });
    home.run(&["token"]).worked("fresh\n");
}

#[test]
fn a_token_without_a_known_end_has_none_anywhere() {
    let (home, authority) = home(&[REFUSAL], |grant| {
        grant.refresh_token = None;
        grant.access_token_expires_at = None;
    });
    home.run(&["token", "--min-ttl", "24h"]).worked(&format!("{ACCESS_TOKEN}\n"));
    let json = home.run(&["token", "--format", "json"]).json();
    assert!(json.get("expires_at").is_none() && json.get("expires_in").is_none(), "{json}");
    let status = home.run(&["status", "--json", "--check"]);
    let profile = &status.json()["profiles"][0];
    assert_eq!((status.code, &profile["state"]), (0, &json!("valid")), "{status:?}");
    assert!(profile.get("access_token_expires_at").is_none() && profile.get("expires_in").is_none(), "{profile}");
    let status = home.run(&["status"]).stdout;
    assert!(status.contains("no end known") && !status.contains("  in "), "{status}");
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn a_token_without_a_known_end_is_refreshed_after_an_hour_where_that_can_be_done() {
    let (home, _authority) = home(&[(200, r#"{"access_token":"fresh"}"#)], |grant| {
        grant.access_token_expires_at = None;
        grant.approved_at = clock::wall() - SignedDuration::from_mins(56);
    });
    let json = home.run(&["token", "--format", "json"]).json();
    assert_eq!((&json["access_token"], json.get("expires_at")), (&json!("fresh"), None), "{json}");
    assert!(home.run(&["refresh"]).stdout.contains("the provider names no end"));
}

#[test]
fn after_a_refusal_the_token_that_has_not_ended_is_only_for_who_wants_it() {
    let (home, _authority) = home(&[REFUSAL], soon);
    // The refusal itself, and what is known of it later.
    for _ in 0..2 {
        home.run(&["token"]).failed(4, &["device-login login work"]);
    }
    for arguments in [
        &["token", "--min-ttl", "0"][..],
        &["token", "--force"],
        &["refresh"],
        &["api", "/me"],
        &["whoami"],
        &["token", "--format", "json"],
    ] {
        assert_eq!(home.run(arguments).code, 4, "{arguments:?}");
    }
    let stale = home.run(&["token", "--stale"]);
    assert_eq!((stale.code, stale.stdout), (0, format!("{ACCESS_TOKEN}\n")));
    assert!(stale.stderr.starts_with("warning: "), "{}", stale.stderr);
    let status = home.run(&["status", "--check"]);
    assert!(status.code == 2 && !status.stdout.contains("  in "), "{status:?}");
    let json = home.run(&["status", "--json"]).json();
    assert_eq!(json["profiles"][0]["state"], json!("needs_login"));
    assert_eq!(json["profiles"][0].get("expires_in"), None, "{json}");
}

#[test]
fn nothing_stale_is_printed_that_has_ended_or_was_never_there() {
    let (home, _authority) = home(&[REFUSAL], ended);
    home.run(&["token", "--stale"]).failed(4, &["has ended"]);
    let (home, _authority) = self::home(&[FRESH], ended);
    home.run(&["token", "--stale"]).worked("fresh\n");
    assert_eq!(home.run(&["logout", "--local"]).code, 0);
    home.run(&["token", "--stale"]).failed(4, &["is not signed in"]);
}

#[test]
fn refusals_that_prove_nothing_are_told_as_a_sign_in_that_is_needed_from_the_second_on() {
    for refusal in [
        (400, ""),
        (400, "not today"),
        (400, r#"{"message":"bad"}"#),
        (400, r#"{"error":"invalid_token"}"#),
        (400, r#"{"error":"access_denied"}"#),
        (401, ""),
        (401, r#"{"error":"invalid_token"}"#),
        (403, r#"{"error":"forbidden"}"#),
    ] {
        // A 401 without a word that is known asks who the client is, which is said in two ways.
        let ways = if refusal.0 == 401 { 2 } else { 1 };
        let turns = [(refusal, ways), (DOWN, 1), (refusal, ways), (refusal, ways), (FRESH, 1), (refusal, ways)];
        let answers: Vec<_> = turns.iter().flat_map(|(answer, times)| vec![*answer; *times]).collect();
        let asked = answers.len();
        let (home, authority) = home(answers.leak(), ended);
        let code_of = |word: &str| home.run(&["status", "--json", "--check"]).json()["profiles"][0][word].clone();
        let first = home.run(&["token"]);
        assert!(first.code != 0 && first.code != 4, "{refusal:?} {first:?}");
        assert_eq!(home.run(&["status", "--check"]).code, 1, "{refusal:?}");
        // What is no answer counts neither way.
        assert_eq!(home.run(&["token"]).code, 7, "{refusal:?}");
        home.run(&["token"]).failed(4, &["2 times in a row", "hint: run `device-login login work`"]);
        assert_eq!((home.run(&["status", "--check"]).code, code_of("state")), (2, json!("needs_login")), "{refusal:?}");
        home.run(&["token"]).failed(4, &["3 times in a row"]);
        home.run(&["token"]).worked("fresh\n");
        assert_eq!((home.run(&["status", "--check"]).code, code_of("state")), (0, json!("valid")), "{refusal:?}");
        assert_ne!(home.run(&["refresh"]).code, 4, "{refusal:?}: the count begins anew");
        assert_eq!(authority.count("/token"), asked, "{refusal:?}");
    }
}

#[test]
fn a_request_that_is_called_malformed_in_every_way_is_such_a_refusal() {
    let (home, _authority) = home(&[(400, r#"{"error":"invalid_request"}"#)], ended);
    home.run(&["token"]).failed(1, &[]);
    home.run(&["token"]).failed(4, &["2 times in a row"]);
}

#[test]
fn what_has_another_cause_is_no_doubt_about_the_sign_in() {
    for answer in [
        (400, r#"{"error":"invalid_client"}"#),
        (403, r#"{"error":"unauthorized_client"}"#),
        (400, r#"{"error":"invalid_scope"}"#),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (403, "<html>blocked by the firewall</html>"),
        (404, "404 page not found"),
        (404, r#"{"error":"NotFound"}"#),
        (404, "<html>nothing here</html>"),
        (405, ""),
        (407, ""),
        (410, ""),
        (429, ""),
        (500, r#"{"error":"invalid_token"}"#),
    ] {
        let (home, _authority) = home(Box::leak(Box::new([answer])), ended);
        for _ in 0..3 {
            assert_ne!(home.run(&["token"]).code, 4, "{answer:?}");
        }
        assert_eq!(home.run(&["status", "--json"]).json()["profiles"][0]["state"], json!("expired"), "{answer:?}");
    }
}

#[test]
fn refusals_that_are_not_alike_are_counted_apart_and_a_token_that_is_left_is_still_handed_out() {
    let (home, _authority) = home(&[(400, ""), (422, ""), (400, ""), (400, "")], soon);
    for number in 0..3 {
        let ran = home.run(&["token"]);
        assert_eq!((ran.code, ran.stdout), (0, format!("{ACCESS_TOKEN}\n")), "{}", ran.stderr);
        assert_eq!(home.run(&["status", "--check"]).code, 1, "{number}");
    }
    let ran = home.run(&["token"]);
    assert!(
        ran.code == 0 && ran.stderr.contains("device-login login work") || ran.stderr.contains("2 times in a row"),
        "{ran:?}"
    );
    let status = home.run(&["status", "--json", "--check"]);
    assert_eq!((status.code, status.json()["profiles"][0].get("expires_in")), (2, None), "{status:?}");
    assert!(!home.run(&["status"]).stdout.contains("  in "));
}
