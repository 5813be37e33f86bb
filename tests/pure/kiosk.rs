//! The kiosk over days: in virtual time against a provider that comes and goes.

mod world;

use device_login::error::Code;
use device_login::http::{TlsCause, TlsFailure, TransportFailure};
use device_login::service::RestReason;
use device_login::tui::Ended;
use device_login::tui::keymap::Key;
use world::{Provider, World};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Every way in which a network is lost, one after the other.
fn lost(seconds: u64) -> Provider {
    let host = || "accounts.zoho.com".to_owned();
    let failures = [
        TransportFailure::Dns(host()),
        TransportFailure::Refused(host()),
        TransportFailure::Connect(host()),
        TransportFailure::ConnectTimeout(host()),
        TransportFailure::Timeout(host()),
        TransportFailure::Tls(host(), TlsFailure { words: "it is not valid yet".to_owned(), cause: TlsCause::Clock }),
        TransportFailure::Closed(host()),
    ];
    let count = failures.len() + 3;
    match usize::try_from(seconds / MINUTE).expect("a short time") % count {
        7 => Provider::Answers(503, "<h1>Service Unavailable</h1>".to_owned()),
        8 => Provider::Answers(200, "<html>Welcome to the free Wi-Fi</html>".to_owned()),
        9 => Provider::Answers(302, String::new()),
        way => Provider::Lost(failures[way].clone()),
    }
}

#[test]
fn three_days_without_network_end_in_an_approval() {
    let mut world =
        World::new(
            11,
            |seconds| {
                if (2 * MINUTE..3 * DAY).contains(&seconds) { lost(seconds) } else { Provider::Works }
            },
        );
    world.run_until(HOUR);
    assert!(world.screen().contains("! "), "{}", world.screen());
    assert!(world.screen().contains("Trying again in "), "{}", world.screen());
    world.run_until(3 * DAY - 1);
    // One a minute, and not many more.
    let asked = world.codes_asked.len();
    assert!((3000..4400).contains(&asked), "{asked} codes were asked for in three days");
    assert!(matches!(world.rest(), Some(RestReason::Trouble { failures }) if failures > 2000), "{:?}", world.rest());
    world.run_until(3 * DAY + 80);
    assert_eq!(world.shown(), Some(world.user_code()));
    world.approves_from = Some(3 * DAY + 80);
    world.run_until(3 * DAY + 5 * MINUTE);
    assert!(matches!(world.ended, Some(Ended::SignedIn(_))), "{:?}", world.ended);
}

#[test]
fn the_first_waits_without_network_grow_from_five_seconds_to_a_minute() {
    let mut world = World::new(11, |_| Provider::Lost(TransportFailure::Dns("accounts.zoho.com".to_owned())));
    world.run_until(5 * MINUTE);
    let waits: Vec<u64> = world.codes_asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60]);
}

#[test]
fn a_code_is_never_replaced_before_its_end_nor_before_its_last_question() {
    let mut world = World::new(11, |_| Provider::Works);
    world.run_until(299);
    assert_eq!((world.codes_asked.len(), world.shown()), (1, Some("CODE-1".to_owned())));
    // An approval of the last seconds is not lost.
    world.approves_from = Some(299);
    world.run_until(HOUR);
    assert!(matches!(world.ended, Some(Ended::SignedIn(_))), "{:?}", world.ended);
    assert_eq!(world.codes_asked, [0]);
}

#[test]
fn a_new_code_follows_each_that_ran_out() {
    let mut world = World::new(11, |_| Provider::Works);
    world.run_until(10 * MINUTE);
    assert_eq!(world.shown(), Some("CODE-2".to_owned()));
    let first_gap = world.codes_asked[1] - world.codes_asked[0];
    assert!((300..=333).contains(&first_gap), "{first_gap} s");
    assert!(world.polls_of("CODE-1") > 8);
}

#[test]
fn twelve_unused_codes_are_followed_by_rest_and_then_by_one_code_each_half_hour() {
    let mut world = World::new(11, |_| Provider::Works);
    world.run_until(12 * 333);
    assert_eq!((world.codes_asked.len(), world.rest()), (12, Some(RestReason::Idle)));
    assert!(world.screen().contains("Press OK to sign in."), "{}", world.screen());
    let idle_since = world.seconds();
    world.run_until(idle_since + 30 * MINUTE);
    assert_eq!(world.shown(), Some("CODE-13".to_owned()));
    world.run_until(idle_since + 40 * MINUTE);
    assert_eq!((world.codes_asked.len(), world.rest()), (13, Some(RestReason::Idle)));
    world.run_until(idle_since + DAY);
    assert!(world.codes_asked.len() < 60, "{} codes in a day that nobody used", world.codes_asked.len());
}

#[test]
fn ok_wakes_it_for_as_many_codes_again() {
    let mut world = World::new(1, |_| Provider::Works);
    world.run_until(HOUR / 4);
    assert_eq!((world.codes_asked.len(), world.rest()), (2, Some(RestReason::Idle)));
    world.press(Key::Enter);
    world.run_until(HOUR / 4 + MINUTE);
    assert_eq!(world.shown(), Some("CODE-3".to_owned()));
    world.run_until(HOUR / 2);
    assert_eq!((world.codes_asked.len(), world.rest()), (4, Some(RestReason::Idle)));
}

#[test]
fn what_only_a_person_can_mend_is_shown_and_tried_until_it_is_mended() {
    let refused = |seconds| {
        let unknown = r#"{"error":"invalid_client"}"#.to_owned();
        if seconds < 2 * HOUR { Provider::Answers(200, unknown) } else { Provider::Works }
    };
    let mut world = World::new(11, refused);
    world.run_until(2 * HOUR - 1);
    assert!(world.screen().contains("✗ Signing in does not work."), "{}", world.screen());
    assert!((9..=12).contains(&world.codes_asked.len()), "{:?}", world.codes_asked);
    world.run_until(2 * HOUR + 13 * MINUTE);
    assert!(world.shown().is_some());
}

#[test]
fn a_declined_code_is_followed_by_another() {
    let mut world = World::new(11, |_| Provider::Works);
    world.declines_from = Some(60);
    world.run_until(70);
    assert_eq!(world.rest(), Some(RestReason::Declined));
    assert!(world.screen().contains("✗ The request was declined."), "{}", world.screen());
    world.declines_from = None;
    world.run_until(100);
    assert_eq!(world.shown(), Some("CODE-2".to_owned()));
}

#[test]
fn a_suspended_machine_goes_on_with_a_new_code() {
    let mut world = World::new(11, |_| Provider::Works);
    world.run_until(MINUTE);
    world.sleep(8 * HOUR);
    world.run_until(8 * HOUR + 2 * MINUTE);
    assert_eq!((world.codes_asked.len(), world.shown()), (2, Some("CODE-2".to_owned())));
}

#[test]
fn which_errors_pass_by_themselves() {
    let world = |answer: &'static str, status| {
        let mut world = World::new(11, move |_| Provider::Answers(status, answer.to_owned()));
        world.run_until(1);
        world.last_error
    };
    assert_eq!(world("<html></html>", 200), Some(Code::Provider));
    assert_eq!(world("", 502), Some(Code::Provider));
    assert_eq!(world("{}", 429), Some(Code::RateLimited));
}
