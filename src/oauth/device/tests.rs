//! Walks the transition table in the documentation of [`DeviceFlow`], row by row.

use super::{
    Client, DeviceEvent, DeviceFlow, Duration, Failure, Moment, Outcome, Response, State, Step, TransportFailure,
    Unreadable,
};
use crate::providers::zoho;
use proptest::prelude::*;

type Expectation<'a> = &'a dyn Fn(&Outcome) -> bool;

const CODE: &str = r#"{"user_code":"WLKU-4502","device_code":"1004.code","interval":10,"expires_in":44}"#;
/// Seconds: the interval and a tenth.
const PACE: u64 = 11;
const PENDING: &str = r#"{"error":"authorization_pending"}"#;

fn at(seconds: u64) -> Moment {
    Moment::at(Duration::from_secs(seconds))
}

fn json(body: &str) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn new_flow() -> DeviceFlow {
    let provider = zoho::provider();
    let data_center = provider.default_data_center().clone();
    let client = Client::new("1000.CLIENT", None);
    DeviceFlow::new(provider, data_center, client, Vec::new())
}

/// A flow whose code came at 0; `polls` of its polls were answered with pending, and the next is due.
fn waiting_after(polls: u64) -> DeviceFlow {
    let mut flow = new_flow();
    assert!(matches!(flow.poll(at(0)), Step::Send(_)));
    flow.handle(at(0), Ok(json(CODE)));
    for poll in 1..=polls {
        assert!(matches!(flow.poll(at(PACE * poll)), Step::Send(_)));
        flow.handle(at(PACE * poll), Ok(json(PENDING)));
    }
    assert!(matches!(flow.state, State::Waiting(_)));
    flow
}

/// As above, with that next poll under way; the fourth falls on the code's end and is the last.
fn awaiting_token_after(polls: u64) -> DeviceFlow {
    let mut flow = waiting_after(polls);
    assert!(matches!(flow.poll(at(PACE * (polls + 1))), Step::Send(_)));
    assert!(matches!(flow.state, State::AwaitingToken(_)));
    flow
}

#[test]
fn start_sends_the_authorization_request_once() {
    let mut flow = new_flow();
    flow.handle(at(0), Ok(json(CODE)));
    assert!(matches!(flow.state, State::Start), "an answer to nothing changes nothing");
    assert!(
        matches!(flow.poll(at(0)), Step::Send(request) if request.url.path() == "/oauth/v3/device/code"),
        "the first request asks for a code"
    );
    assert!(matches!(flow.state, State::AwaitingCode));
    assert!(matches!(flow.poll(at(9)), Step::AwaitReply));
}

#[test]
fn awaiting_code_goes_on_with_a_code_and_ends_with_anything_else() {
    let mut flow = waiting_after(0);
    assert!(matches!(flow.events().next(), Some(DeviceEvent::CodeIssued { .. })));
    for reply in [
        Ok(json("<html>")),
        Ok(json("{}")),
        Ok(json(r#"{"error":"invalid_client"}"#)),
        Ok(json(r#"{"user_code":"\u001b","device_code":"x"}"#)),
        Ok(Response { status: 429, headers: Vec::new(), body: Vec::new() }),
        Err(TransportFailure::Connect("host".to_owned())),
    ] {
        let mut flow = new_flow();
        assert!(matches!(flow.poll(at(0)), Step::Send(_)));
        flow.handle(at(0), reply);
        assert!(matches!(flow.state, State::Done(Outcome::Failed(_))), "{flow:?}");
        assert_eq!(flow.events().count(), 0);
    }
}

#[test]
fn waiting_polls_at_the_time_and_not_before() {
    let mut flow = waiting_after(0);
    for _ in 0..2 {
        assert!(matches!(flow.poll(at(PACE - 1)), Step::Wait(until) if until == at(PACE)));
        flow.handle(at(PACE - 1), Ok(json(r#"{"error":"access_denied"}"#)));
        assert!(matches!(flow.state, State::Waiting(_)), "an answer to nothing changes nothing");
    }
    assert!(
        matches!(flow.poll(at(PACE)), Step::Send(request) if request.url.path() == "/oauth/v3/device/token"),
        "a poll asks for the token"
    );
    assert!(matches!(flow.poll(at(PACE + 1)), Step::AwaitReply));
}

#[test]
fn awaiting_token_waits_on_or_expires_after_the_last_poll() {
    for reply in [
        Ok(json(PENDING)),
        Ok(json(r#"{"error":"slow_down"}"#)),
        Ok(json(r#"{"error":"other_dc","user_location":"eu"}"#)),
        Ok(json("<html>")),
        Err(TransportFailure::Timeout("host".to_owned())),
    ] {
        let mut flow = awaiting_token_after(0);
        flow.handle(at(PACE), reply.clone());
        assert!(matches!(flow.state, State::Waiting(_)), "{reply:?}");
        let mut flow = awaiting_token_after(3);
        flow.handle(at(4 * PACE), reply.clone());
        assert!(matches!(flow.state, State::Done(Outcome::Expired)), "{reply:?}");
    }
}

#[test]
fn an_answer_that_got_lost_had_no_tokens_where_the_code_waits_after_it() {
    for (next, has_lost_answer) in [(PENDING, false), (r#"{"error":"slow_down"}"#, true), ("<html>", true)] {
        let mut flow = awaiting_token_after(0);
        flow.handle(at(PACE), Ok(json("<html>")));
        assert!(flow.has_lost_answer());
        assert!(matches!(flow.poll(at(2 * PACE)), Step::Send(_)));
        flow.handle(at(2 * PACE), Ok(json(next)));
        assert_eq!(flow.has_lost_answer(), has_lost_answer, "{next}");
    }
}

#[test]
fn awaiting_token_ends_with_a_token_a_denial_an_expiry_or_another_error() {
    let is_authorized = |outcome: &Outcome| matches!(outcome, Outcome::Authorized { .. });
    let is_server = |outcome: &Outcome| matches!(outcome, Outcome::Failed(Failure::Server { .. }));
    let is_rejected =
        |outcome: &Outcome| matches!(outcome, Outcome::Failed(Failure::Unreadable(Unreadable::Rejected(_))));
    let ends: [(&str, Expectation); 6] = [
        (r#"{"access_token":"1000.a"}"#, &is_authorized),
        (r#"{"error":"access_denied"}"#, &|outcome| matches!(outcome, Outcome::Denied(_))),
        (r#"{"error":"expired"}"#, &|outcome| *outcome == Outcome::Expired),
        (r#"{"error":"invalid_client"}"#, &is_server),
        (r#"{"access_token":""}"#, &is_rejected),
        (r#"{"error":"other_dc","user_location":"mars"}"#, &|outcome| {
            *outcome == Outcome::Failed(Failure::UnknownDataCenter("mars".to_owned()))
        }),
    ];
    for (body, is_expected) in ends {
        // The last poll ends no other way than one before it.
        for polls in [0, 3] {
            let mut flow = awaiting_token_after(polls);
            flow.handle(at(4 * PACE), Ok(json(body)));
            assert!(matches!(&flow.state, State::Done(outcome) if is_expected(outcome)), "{body}: {flow:?}");
            flow.handle(at(4 * PACE + 1), Ok(json(PENDING)));
            assert!(matches!(flow.poll(at(99)), Step::Done(outcome) if is_expected(&outcome)), "done is done");
        }
    }
}

#[test]
fn a_poll_that_fell_due_while_the_machine_was_suspended_comes_at_once_and_only_once() {
    // The code still lives: one poll, then the usual pace.
    let mut flow = waiting_after(0);
    assert!(matches!(flow.poll(at(PACE + 20)), Step::Send(_)));
    flow.handle(at(PACE + 20), Ok(json(PENDING)));
    assert!(matches!(flow.poll(at(PACE + 20)), Step::Wait(until) if until == at(2 * PACE + 20)));
    // It ended meanwhile: the person may have approved, so one last poll asks.
    let mut flow = waiting_after(0);
    assert!(matches!(flow.poll(at(600)), Step::Send(_)));
    flow.handle(at(600), Ok(json(PENDING)));
    assert!(matches!(flow.poll(at(600)), Step::Done(Outcome::Expired)));
}

#[test]
fn each_slow_down_waits_for_longer_and_for_a_larger_share() {
    let mut flow = waiting_after(0);
    let mut now = at(PACE);
    // Interval plus share: 15 + 20 %, and so on to 40 %.
    for wait in [18, 26, 35, 42, 49] {
        let State::Waiting(polling) = &mut flow.state else { panic!("{flow:?}") };
        polling.expires_at = now + Duration::from_secs(900);
        assert!(matches!(flow.poll(now), Step::Send(_)));
        flow.handle(now, Ok(json(r#"{"error":"slow_down"}"#)));
        let next = now + Duration::from_secs(wait);
        assert!(matches!(flow.poll(now), Step::Wait(until) if until == next), "{wait}: {flow:?}");
        now = next;
    }
}

/// Plays replies to polls, each with the tenths of the wait before it after which somebody asks, and tells what each poll
/// came after the end of the exchange before it, and the interval then.
fn gaps(replies: Vec<(u8, u32)>) -> Vec<(Duration, Duration)> {
    let mut flow = waiting_after(0);
    let (mut now, mut ended_at, mut gaps) = (at(0), at(0), Vec::new());
    for (reply, tenths) in replies {
        let State::Waiting(polling) = &flow.state else { break };
        let (interval, planned) = (polling.interval, polling.next_poll_at);
        flow.ask_now(now + (planned - now) * tenths / 10);
        let Step::Wait(until) = flow.poll(now) else { panic!("no poll comes at once after another") };
        assert!(until <= planned, "asking puts nothing off");
        now = until;
        assert!(matches!(flow.poll(now), Step::Send(_)));
        gaps.push((now - ended_at, interval));
        flow.handle(
            now,
            match reply {
                0 => Ok(json(PENDING)),
                1 => Ok(json(r#"{"error":"slow_down"}"#)),
                2 => Ok(Response { status: 429, headers: Vec::new(), body: Vec::new() }),
                _ => Err(TransportFailure::Timeout("host".to_owned())),
            },
        );
        ended_at = now;
    }
    gaps
}

proptest! {
    #[test]
    fn whoever_asks_no_poll_comes_before_the_interval_has_passed(
        replies in proptest::collection::vec((0..4_u8, 0..=10_u32), 1..12),
    ) {
        prop_assert!(gaps(replies.clone()).iter().all(|(gap, interval)| gap >= interval), "{replies:?}");
    }
}

#[test]
fn asking_changes_nothing_unless_a_code_waits() {
    let mut flow = new_flow();
    flow.ask_now(at(0));
    assert!(matches!(flow.state, State::Start));
    let mut flow = awaiting_token_after(0);
    flow.events().for_each(drop);
    flow.ask_now(at(PACE));
    assert!(matches!(flow.poll(at(PACE)), Step::AwaitReply));
    assert_eq!(flow.events().count(), 0);
}
