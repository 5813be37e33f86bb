//! What holds for the flows whatever a server sends, however long it takes.

use std::time::Duration;

use device_login::clock::Moment;
use device_login::http::{ProxyVariables, Response, TlsCause, TlsFailure, TransportFailure};
use device_login::oauth::device::{DeviceEvent, DeviceFlow, Failure, Outcome};
use device_login::oauth::token::{self, TokenFlow};
use device_login::oauth::wire::{Approval, ServerError, Unreadable};
use device_login::oauth::{Client, Step};
use device_login::providers::{Provider, standard, zoho};
use device_login::secret::Secret;
use device_login::untrusted::{Untrusted, visible};
use memchr::memmem;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

const SECRET: &str = "canary-client-secret";
const DEVICE_CODE: &str = "canary-device-code";
const ACCESS_TOKEN: &str = "canary-access-token";
const REFRESH_TOKEN: &str = "canary-refresh-token";
const CANARIES: [&str; 4] = [SECRET, DEVICE_CODE, ACCESS_TOKEN, REFRESH_TOKEN];

const PROXY_VARIABLES: ProxyVariables = ProxyVariables { named_by: "HTTPS_PROXY", exempted_by: "NO_PROXY" };

type Reply = Result<Response, TransportFailure>;

fn reply(status: u16, body: &[u8]) -> Response {
    Response { status, headers: Vec::new(), body: body.to_vec() }
}

fn json(body: &Value) -> Response {
    reply(200, body.to_string().as_bytes())
}

/// A number as servers write it, or something that only looks like one.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_u64..120).prop_map(Value::from),
        (0_u64..600_000).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u32>().prop_map(|number| Value::from(number.to_string())),
        ".{0,8}".prop_map(Value::from),
        Just(Value::Null),
    ]
}

/// A code that the flow takes, with times of every kind.
fn code() -> impl Strategy<Value = Reply> {
    (number(), number()).prop_map(|(interval, expires_in)| {
        Ok(json(&json!({
            "user_code": "WLKU-4502", "device_code": DEVICE_CODE, "interval": interval, "expires_in": expires_in,
            "verification_uri": "https://accounts.zoho.com/oauth/v3/device",
        })))
    })
}

fn pending() -> Value {
    json!({ "error": "authorization_pending" })
}

fn token() -> Value {
    json!({ "access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "expires_in": 3600 })
}

/// Text with what terminals and eyes trip over.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{202e}\u{2060}-\u{206f}\u{feff}a-z]{0,320}"]
}

fn failure() -> impl Strategy<Value = Reply> {
    (0..13, text()).prop_map(|(kind, text)| {
        Err(match kind {
            0 => TransportFailure::Dns(text),
            1 => TransportFailure::Connect(text),
            2 => TransportFailure::Tls(text.clone(), TlsFailure { words: text, cause: TlsCause::Address }),
            3 => TransportFailure::Timeout(text),
            4 => TransportFailure::Truncated(text),
            5 => TransportFailure::TooLarge(text, 1),
            6 => TransportFailure::Refused(text),
            7 => TransportFailure::ConnectTimeout(text),
            8 => TransportFailure::Proxy(text.clone(), text, PROXY_VARIABLES),
            9 => TransportFailure::Closed(text),
            10 => TransportFailure::Slow(text),
            11 => TransportFailure::Garbled(text),
            _ => TransportFailure::Setup(text),
        })
    })
}

/// A reply after which a sign-in usually goes on.
fn passing() -> impl Strategy<Value = Reply> {
    let retry_after = prop_oneof!["[0-9]{0,20}", any::<String>()];
    prop_oneof![
        4 => Just(Ok(json(&pending()))),
        2 => Just(Ok(json(&json!({ "error": "slow_down" })))),
        1 => Just(Ok(reply(429, br#"{"error":"slow_down"}"#))),
        2 => "(us|eu|in|ca|cn)".prop_map(|place| Ok(json(&json!({ "error": "other_dc", "user_location": place })))),
        2 => failure(),
        1 => retry_after.prop_map(|value| Ok(Response {
            status: 429,
            headers: vec![("Retry-After".to_owned(), value)],
            body: Vec::new(),
        })),
        1 => any::<u16>().prop_map(|status| Ok(reply(status, b"<html>"))),
    ]
}

/// Any reply at all.
fn arbitrary() -> impl Strategy<Value = Reply> {
    let field = "(error|error_description|user_code|device_code|verification_url|verification_uri_complete|access_token|\
                 refresh_token|api_domain|user_location|dc|status|scope|expires_in|expires_in_sec|interval|[a-z]{1,5})";
    let word = prop_oneof!["(authorization_pending|slow_down|other_dc|access_denied|expired|failure|eu)", text()];
    let value = prop_oneof![word.prop_map(Value::from), number(), Just(json!([])), Just(json!({ "a": 1 }))];
    let object = proptest::collection::btree_map(field, value, 0..6);
    let headers = proptest::collection::vec(("(retry-after|location|[a-z]{1,5})", text()), 0..3);
    let status = prop_oneof![Just(200), Just(400), Just(429), Just(503), any::<u16>()];
    prop_oneof![
        (any::<u16>(), headers, proptest::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(status, headers, body)| Ok(Response { status, headers, body })),
        (status, object).prop_map(|(status, object)| Ok(reply(status, json!(object).to_string().as_bytes()))),
        failure(),
        Just(Ok(json(&token()))),
    ]
}

fn latency() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0_u64..500, 0_u64..20_000].prop_map(Duration::from_millis)
}

fn any_provider() -> impl Strategy<Value = Provider> {
    let at = |address| Url::parse(address).expect("an address");
    let endpoints = standard::StandardEndpoints {
        device_authorization: Some(at("https://accounts.zoho.com/code")),
        token: Some(at("https://accounts.zoho.com/token")),
        ..standard::StandardEndpoints::default()
    };
    let server = standard::StandardServer {
        issuer: Some("https://accounts.zoho.com".to_owned()),
        endpoints,
        ..standard::StandardServer::new("standard", &standard::DIALECT)
    };
    let standard = server.provider(standard::StandardEndpoints::default()).expect("it has a token endpoint");
    prop_oneof![Just(zoho::provider()), Just(standard)]
}

fn client() -> Client {
    let eu = ("eu".to_owned(), Secret::new(SECRET));
    Client {
        secret_variable: None,
        id: "client".to_owned(),
        secret: Some(Secret::new(SECRET)),
        data_center_secrets: [eu].into(),
        tokens: Vec::new(),
        authentication: Vec::new(),
        sends_json: false,
    }
}

/// Control, bidi and zero-width characters, as Unicode lists them, written apart from the program's own list.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || ['\u{ad}', '\u{61c}', '\u{feff}', '\u{2028}', '\u{2029}'].contains(&character)
        || ('\u{200b}'..='\u{200f}').contains(&character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2060}'..='\u{206f}').contains(&character)
        || ('\u{e0000}'..='\u{e007f}').contains(&character)
}

fn check_text(text: &str) {
    assert!(!text.contains(is_hidden), "{text:?}");
}

/// Looks at each step of each flow, thousands of bytes, by what is fast also where nothing is optimized.
fn check_debug(shown: &impl std::fmt::Debug) {
    let shown = format!("{shown:?}");
    let has = |canary: &str| memmem::find(shown.as_bytes(), canary.as_bytes()).is_some();
    assert!(!CANARIES.into_iter().any(has), "{shown}");
}

fn check_error(error: &ServerError) {
    check_text(&error.to_string());
}

fn check_event(event: &DeviceEvent) {
    check_debug(event);
    match event {
        DeviceEvent::CodeIssued { code, .. } => {
            check_text(&code.user_code);
            check_text(code.verification_uri.as_str());
            code.verification_uri_complete.iter().for_each(|url| check_text(url.as_str()));
        }
        DeviceEvent::Relocated { data_center, .. } => check_text(data_center),
        DeviceEvent::Retrying { reason, .. } => check_text(reason),
        DeviceEvent::Pending { .. }
        | DeviceEvent::Resting { .. }
        | DeviceEvent::Hastened { .. }
        | DeviceEvent::SlowedDown { .. } => {}
    }
}

fn check_outcome(outcome: &Outcome) {
    check_debug(outcome);
    match outcome {
        Outcome::Authorized { token, data_center, .. } => {
            check_text(data_center);
            token.scopes.iter().flatten().for_each(|scope| check_text(scope));
        }
        Outcome::Failed(Failure::Server { error, data_center }) => {
            check_error(error);
            check_text(data_center);
        }
        Outcome::Denied(error) => check_error(error),
        Outcome::Failed(Failure::UnknownDataCenter(place)) => check_text(place),
        Outcome::Failed(Failure::Unreadable(Unreadable::Rejected(rejected))) => check_text(&rejected.to_string()),
        Outcome::Failed(Failure::NoDeviceSignIn | Failure::Transport(_) | Failure::Unreadable(_))
        | Outcome::Expired => {}
    }
}

/// What the bounds are measured against.
#[derive(Default)]
struct Watch {
    /// When the code ends, and the interval that holds now.
    code: Option<(Moment, Duration)>,
    replied_at: Option<Moment>,
    /// What the exchanges took that ended after the code's end.
    late: Duration,
}

impl Watch {
    fn sent(&self, now: Moment) {
        if let (Some((_, interval)), Some(replied_at)) = (self.code, self.replied_at) {
            let pace = interval * 11 / 10;
            assert!(now - replied_at >= pace, "polled after {:?}, not {pace:?}", now - replied_at);
        }
    }

    fn replied(&mut self, now: Moment, took: Duration, events: &[DeviceEvent]) {
        self.replied_at = Some(now);
        for event in events {
            match (event, &mut self.code) {
                (DeviceEvent::CodeIssued { code, expires_at, .. }, none) => *none = Some((*expires_at, code.interval)),
                (DeviceEvent::SlowedDown { interval: told, .. }, Some((_, interval))) => {
                    *interval += Duration::from_secs(5);
                    assert_eq!(told, interval);
                }
                _ => {}
            }
        }
        if self.code.is_some_and(|(expires_at, _)| now > expires_at) {
            self.late += took;
        }
    }

    /// One interval and its margin after expiry at the latest, and what the exchanges after expiry took.
    fn ended(&self, now: Moment) {
        if let Some((expires_at, interval)) = self.code {
            assert!(now <= expires_at + interval * 14 / 10 + self.late, "ended {:?} after expiry", now - expires_at);
        }
    }
}

/// Plays `replies`, `then` the same for ever, and checks everything on the way.
fn play(provider: Provider, replies: Vec<(Reply, Duration)>, then: &Value) -> Outcome {
    let data_center = provider.default_data_center().clone();
    let mut flow = DeviceFlow::new(provider, data_center, client(), vec!["scope".to_owned()]);
    let mut now = Moment::at(Duration::from_secs(50));
    let mut watch = Watch::default();
    let mut replies = replies.into_iter();
    // An hour of polls at the shortest interval, at the most.
    for _ in 0..8_000 {
        check_debug(&flow);
        let step = flow.poll(now);
        check_debug(&step);
        match step {
            Step::Send(request) => {
                watch.sent(now);
                assert!(request.url.query().is_none());
                assert!(matches!(flow.poll(now), Step::AwaitReply), "a request is handed out once");
                let (reply, took) = replies.next().unwrap_or_else(|| (Ok(json(then)), Duration::ZERO));
                now = now + took;
                flow.handle(now, reply);
                let events: Vec<DeviceEvent> = flow.events().collect();
                events.iter().for_each(check_event);
                watch.replied(now, took, &events);
            }
            Step::AwaitReply => panic!("the reply was handed in"),
            Step::Wait(until) => {
                assert!(until > now);
                assert!(matches!(flow.poll(now), Step::Wait(again) if again == until), "poll is idempotent");
                now = until;
            }
            Step::Done(outcome) => {
                watch.ended(now);
                check_outcome(&outcome);
                flow.handle(now, Ok(json(&token())));
                let later = now + Duration::from_secs(86_400);
                assert!(matches!(flow.poll(later), Step::Done(again) if again == outcome), "done is done");
                assert_eq!(flow.events().count(), 0);
                return outcome;
            }
        }
    }
    panic!("the flow does not end");
}

/// A server that minds its interval by a clock of its own, and asks for a longer one each time that it is not kept.
struct StrictServer {
    interval: Duration,
    asked_at: Option<Duration>,
    early: u32,
}

impl StrictServer {
    fn answer(&mut self, at: Duration) -> Value {
        let is_early = self.asked_at.is_some_and(|before| at < before + self.interval);
        self.asked_at = Some(at);
        if is_early {
            self.early += 1;
            self.interval += Duration::from_secs(5);
            json!({ "error": "slow_down" })
        } else {
            pending()
        }
    }
}

/// How many polls of a sign-in are early at such a server when this machine counts `percent` seconds for 100 true ones.
fn early_polls(percent: u32, interval: u64, latencies: Vec<Duration>) -> u32 {
    let mut flow =
        DeviceFlow::new(zoho::provider(), zoho::provider().default_data_center().clone(), client(), Vec::new());
    let mut server = StrictServer { interval: Duration::from_secs(interval), asked_at: None, early: 0 };
    let (mut true_time, start) = (Duration::ZERO, Moment::at(Duration::from_secs(50)));
    let mut latencies = latencies.into_iter().cycle();
    loop {
        let now = start + true_time * percent / 100;
        match flow.poll(now) {
            Step::Send(request) if request.url.path().ends_with("code") => {
                let code = json!({
                    "user_code": "WLKU-4502", "device_code": DEVICE_CODE, "interval": interval, "expires_in": 900,
                    "verification_uri": "https://accounts.zoho.com/oauth/v3/device",
                });
                server.asked_at = Some(true_time);
                flow.handle(now, Ok(json(&code)));
            }
            Step::Send(_) => {
                let answer = server.answer(true_time);
                true_time += latencies.next().unwrap_or_default();
                flow.handle(start + true_time * percent / 100, Ok(json(&answer)));
            }
            // A hair later, so that rounding makes nothing early.
            Step::Wait(until) => true_time = (until - start) * 100 / percent + Duration::from_micros(1),
            Step::AwaitReply => panic!("the reply was handed in"),
            Step::Done(outcome) => {
                assert_eq!(outcome, Outcome::Expired);
                return server.early;
            }
        }
    }
}

/// A quarter of the usual number of cases, for speed; `PROPTEST_CASES` still scales it.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(4), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_flow_keeps_its_pace_and_ends_whatever_comes(
        provider in any_provider(),
        code in (prop_oneof![9 => code().boxed(), 1 => arbitrary().boxed()], latency()),
        replies in proptest::collection::vec((prop_oneof![3 => passing().boxed(), 1 => arbitrary().boxed()], latency()), 0..30),
    ) {
        play(provider, [vec![code], replies].concat(), &pending());
    }

    #[test]
    fn no_poll_is_early_where_the_clock_runs_a_tenth_too_fast_or_slow_by_any_amount(
        percent in 50_u32..=110, interval in 5_u64..60, latencies in proptest::collection::vec(latency(), 1..30),
    ) {
        prop_assert_eq!(early_polls(percent, interval, latencies), 0);
    }

    #[test]
    fn a_clock_that_runs_far_too_fast_is_learnt_from_three_early_polls(
        percent in 111_u32..=130, interval in 5_u64..60, latencies in proptest::collection::vec(latency(), 1..30),
    ) {
        prop_assert!(early_polls(percent, interval, latencies) <= 3);
    }

    #[test]
    fn a_flow_that_nobody_approves_expires(
        code in (code(), latency()),
        replies in proptest::collection::vec((passing(), latency()), 0..30),
    ) {
        prop_assert_eq!(play(zoho::provider(), [vec![code], replies].concat(), &pending()), Outcome::Expired);
    }

    #[test]
    fn the_last_poll_is_enough_for_an_approval(
        code in (code(), latency()),
        replies in proptest::collection::vec((passing(), latency()), 0..30),
        approved_after in 0_usize..30,
    ) {
        // From some exchange on, each poll would find the token; only a code that ended before keeps it from that.
        let mut replies = [vec![code], replies].concat();
        replies.truncate(1 + approved_after);
        let polls = replies.len() - 1;
        let outcome = play(zoho::provider(), replies, &token());
        let is_approved = matches!(outcome, Outcome::Authorized { .. });
        prop_assert!(is_approved || (outcome == Outcome::Expired && polls > 0), "{:?}", outcome);
    }

    #[test]
    fn a_refresh_sends_at_most_twice_and_shows_no_secret(
        replies in proptest::collection::vec((arbitrary(), latency()), 2),
    ) {
        let provider = zoho::provider();
        let data_center = provider.default_data_center().clone();
        let mut flow = TokenFlow::new(provider.dialect, data_center, client(), Approval::RefreshToken(Secret::new(REFRESH_TOKEN)));
        let mut now = Moment::at(Duration::from_secs(50));
        let mut replies = replies.into_iter();
        loop {
            check_debug(&flow);
            let step = flow.poll(now);
            check_debug(&step);
            match step {
                Step::Send(_) => {
                    let (reply, took) = replies.next().expect("no third try");
                    now = now + took;
                    flow.handle(now, reply);
                }
                Step::Wait(until) => now = until,
                Step::AwaitReply => panic!("the reply was handed in"),
                Step::Done(Err(token::NoToken::Refused(error) | token::NoToken::Error(error))) => {
                    check_error(&error);
                    break;
                }
                Step::Done(_) => break,
            }
        }
    }

    #[test]
    fn text_that_is_shown_hides_nothing(text in text()) {
        check_text(&Untrusted::new(text.as_str()).line());
        check_text(&visible(&text).replace('\n', ""));
        if let Ok(code) = Untrusted::new(text.as_str()).user_code() {
            check_text(&code);
        }
        if let Ok(url) = Untrusted::new(text).url("an address") {
            check_text(url.as_str());
        }
    }
}
