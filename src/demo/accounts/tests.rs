//! The accounts as a state machine: no network, and time as an argument.

use std::time::Duration;

use super::authorization::{self, LIFETIME, SELF_CLIENT_LIFETIME};
use super::codes::{CAPACITY, GUESS_WINDOW, GUESSES};
use super::grants::{GRANTS_PER_PERSON, MINT_WINDOW, MINTS, TOKENS_PER_GRANT};
use super::{
    AccessRequest, Accounts, CodeExchange, Credentials, DataCenter, DeviceRequest, Lookup, Person, Refusal, TokenKind,
    Tokens,
};
use crate::clock::Moment;
use crate::demo::Decision;
use crate::providers::catalog::PRODUCTS;

const INTERVAL: Duration = Duration::from_secs(5);
const CODE_LIFETIME: Duration = Duration::from_secs(300);
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const SCOPE: &str = "ZohoCRM.users.READ,AaaServer.profile.READ";
const CLIENT: &str = "http://127.0.0.1:8123/";
/// Less than [`INTERVAL`] by more than the tolerance.
const TOO_SOON: Duration = Duration::from_millis(4_979);

/// The accounts, a clock that only the test moves, and short ways to ask.
struct World {
    accounts: Accounts,
    now: Moment,
}

impl World {
    fn new() -> Self {
        let accounts = Accounts::new(INTERVAL, CODE_LIFETIME, TOKEN_LIFETIME);
        Self { accounts, now: Moment::at(Duration::from_secs(1_000)) }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    fn request(&mut self, data_center: DataCenter, scope: &str, access: &str) -> Result<(String, String), Refusal> {
        let client_id = self.accounts.client.id.clone();
        let request = DeviceRequest { client_id: &client_id, scope, is_offline: access == "offline", asks_again: true };
        let code = self.accounts.authorize_device(data_center, &request, self.now)?;
        Ok((code.device_code.clone(), code.user_code.clone()))
    }

    /// A device code and its user code.
    fn code(&mut self) -> (String, String) {
        self.request(DataCenter::Us, SCOPE, "offline").expect("there is room for a code")
    }

    fn poll(&mut self, data_center: DataCenter, device_code: &str) -> Result<Tokens, Refusal> {
        let (id, secret) = self.client();
        self.accounts.poll(data_center, Credentials { id: &id, secret: &secret }, device_code, self.now)
    }

    fn refresh(&mut self, data_center: DataCenter, refresh_token: &str) -> Result<Tokens, Refusal> {
        let (id, secret) = self.client();
        self.accounts.refresh(data_center, Credentials { id: &id, secret: &secret }, refresh_token, self.now)
    }

    /// A code that came back with a browser.
    fn authorization_code(&mut self) -> String {
        let client_id = self.accounts.client.id.clone();
        let value = |name: &str| match name {
            "client_id" => client_id.as_str(),
            "response_type" => "code",
            "redirect_uri" => CLIENT,
            "scope" => SCOPE,
            _ => "",
        };
        let request = self.accounts.authorization(DataCenter::Us, value).expect("the request is right");
        self.accounts.approve_authorization(&request, Person::AMERICAN, self.now)
    }

    /// A code that was copied by hand.
    fn grant_code(&mut self) -> String {
        let access = AccessRequest::new(SCOPE, true, true).expect("the scopes exist");
        self.accounts.issue_by_hand(DataCenter::Us, access, self.now)
    }

    fn redeem(&mut self, code: &str, redirect_uri: &str) -> Result<Tokens, Refusal> {
        let (id, secret) = self.client();
        let exchange = CodeExchange { code, redirect_uri, verifier: "" };
        self.accounts.redeem(DataCenter::Us, Credentials { id: &id, secret: &secret }, exchange, self.now)
    }

    fn client(&self) -> (String, String) {
        (self.accounts.client.id.clone(), self.accounts.client.secret.clone())
    }

    fn sign_in(&mut self) -> Tokens {
        let (device_code, user_code) = self.code();
        assert!(self.accounts.decide(&user_code, Decision::Approve, self.now));
        self.pass(INTERVAL);
        self.poll(DataCenter::Us, &device_code).expect("an approved code brings tokens")
    }

    fn is_valid(&self, access_token: &str) -> bool {
        self.accounts.session(DataCenter::Us, access_token, self.now).is_some()
    }
}

fn refusal(answer: Result<Tokens, Refusal>) -> Refusal {
    answer.expect_err("this is refused")
}

#[test]
fn a_code_is_pending_until_it_is_approved_and_works_once() {
    let mut world = World::new();
    let (device_code, user_code) = world.code();
    world.pass(INTERVAL);
    assert_eq!(refusal(world.poll(DataCenter::Us, &device_code)), Refusal::AuthorizationPending);
    assert!(world.accounts.decide(&user_code, Decision::Approve, world.now));
    assert!(!world.accounts.decide(&user_code, Decision::Decline, world.now), "a decision is final");
    world.pass(INTERVAL);
    let tokens = world.poll(DataCenter::Us, &device_code).expect("it is approved");
    assert_eq!(tokens.scopes.join(","), SCOPE);
    assert!(tokens.refresh_token.is_some());
    assert!(world.is_valid(&tokens.access_token));
    world.pass(INTERVAL);
    assert_eq!(refusal(world.poll(DataCenter::Us, &device_code)), Refusal::InvalidCode);
}

#[test]
fn a_poll_before_its_time_is_too_fast_and_starts_the_interval_again() {
    let mut world = World::new();
    let (device_code, _) = world.code();
    world.pass(TOO_SOON);
    assert_eq!(refusal(world.poll(DataCenter::Us, &device_code)), Refusal::SlowDown, "measured from the issue");
    world.pass(TOO_SOON);
    assert_eq!(refusal(world.poll(DataCenter::Us, &device_code)), Refusal::SlowDown, "measured from the last poll");
    world.pass(Duration::from_millis(4_980));
    assert_eq!(refusal(world.poll(DataCenter::Us, &device_code)), Refusal::AuthorizationPending, "20 ms are nothing");
}

#[test]
fn a_code_that_is_approved_elsewhere_is_polled_there() {
    let mut world = World::new();
    let (device_code, user_code) = world.code();
    world.pass(INTERVAL);
    assert_eq!(refusal(world.poll(DataCenter::Eu, &device_code)), Refusal::InvalidCode, "nobody has approved it there");
    assert!(world.accounts.decide(&user_code, Decision::ApproveFromOtherDataCenter, world.now));
    assert_eq!(refusal(world.poll(DataCenter::Us, &device_code)), Refusal::OtherDataCenter(DataCenter::Eu));
    let tokens = world.poll(DataCenter::Eu, &device_code).expect("it is approved there");
    let refresh_token = tokens.refresh_token.expect("it was asked for");
    assert_eq!(refusal(world.refresh(DataCenter::Us, &refresh_token)), Refusal::InvalidCode);
    assert!(world.refresh(DataCenter::Eu, &refresh_token).is_ok());
    assert!(world.accounts.session(DataCenter::Eu, &tokens.access_token, world.now).is_some());
    assert!(world.accounts.session(DataCenter::Us, &tokens.access_token, world.now).is_none());
}

#[test]
fn a_declined_code_and_an_expired_one_say_so() {
    let mut world = World::new();
    let (declined, user_code) = world.code();
    let (expired, late) = world.code();
    assert!(world.accounts.decide(&user_code, Decision::Decline, world.now));
    world.pass(INTERVAL);
    assert_eq!(refusal(world.poll(DataCenter::Us, &declined)), Refusal::AccessDenied);
    world.pass(CODE_LIFETIME.saturating_sub(INTERVAL));
    assert_eq!(refusal(world.poll(DataCenter::Us, &expired)), Refusal::Expired);
    assert!(!world.accounts.decide(&late, Decision::Approve, world.now));
}

#[test]
fn wrong_clients_secrets_scopes_and_data_centers_are_refused_by_name() {
    let mut world = World::new();
    let (id, secret) = world.client();
    let now = world.now;
    let mut poll = |id: &str, secret: &str| {
        refusal(world.accounts.poll(DataCenter::Us, Credentials { id, secret }, "1004.none", now))
    };
    assert_eq!(poll("1000.X", &secret), Refusal::InvalidClient);
    assert_eq!(poll(&id, "wrong"), Refusal::InvalidClientSecret);
    assert_eq!(poll(&id, &secret), Refusal::InvalidCode);
    assert_eq!(world.request(DataCenter::Eu, SCOPE, "offline"), Err(Refusal::InvalidClient), "not registered there");
    for scope in [
        "",
        "Made.up.READ",
        "ZohoCRM",
        "ZohoCRM.users",
        "ZohoCRM.users.READ AaaServer.profile.READ",
        "ZohoCRM.users.READ,",
    ] {
        assert_eq!(world.request(DataCenter::Us, scope, "offline"), Err(Refusal::InvalidScope), "{scope}");
    }
}

#[test]
fn each_scope_that_is_offered_is_taken() {
    let mut scopes = 0;
    for scope in PRODUCTS.iter().flat_map(|product| product.scopes) {
        let mut world = World::new();
        assert!(world.request(DataCenter::Us, scope, "offline").is_ok(), "{scope}");
        scopes += 1;
    }
    assert!(scopes > 50, "only {scopes} scopes are offered");
}

#[test]
fn an_online_session_has_no_refresh_token() {
    let mut world = World::new();
    let (device_code, user_code) = world.request(DataCenter::Us, SCOPE, "online").expect("the request is right");
    assert!(world.accounts.decide(&user_code, Decision::Approve, world.now));
    world.pass(INTERVAL);
    let tokens = world.poll(DataCenter::Us, &device_code).expect("it is approved");
    assert_eq!(tokens.refresh_token, None);
}

#[test]
fn without_consent_a_refresh_token_comes_the_first_time_only() {
    let mut world = World::new();
    let mut refresh_tokens = Vec::new();
    for _ in 0..2 {
        let (client_id, _) = world.client();
        let request = DeviceRequest { client_id: &client_id, scope: SCOPE, is_offline: true, asks_again: false };
        let code = world.accounts.authorize_device(DataCenter::Us, &request, world.now).expect("there is room");
        let (device_code, user_code) = (code.device_code.clone(), code.user_code.clone());
        assert!(world.accounts.decide(&user_code, Decision::Approve, world.now));
        world.pass(INTERVAL);
        refresh_tokens.push(world.poll(DataCenter::Us, &device_code).expect("it is approved").refresh_token);
    }
    assert!(refresh_tokens[0].is_some());
    assert_eq!(refresh_tokens[1], None);
}

#[test]
fn the_eleventh_refresh_in_ten_minutes_is_throttled_for_the_rest_of_them() {
    let mut world = World::new();
    let refresh_token = world.sign_in().refresh_token.expect("it was asked for");
    for _ in 0..MINTS {
        assert!(world.refresh(DataCenter::Us, &refresh_token).is_ok());
    }
    assert_eq!(refusal(world.refresh(DataCenter::Us, &refresh_token)), Refusal::TooManyRequests);
    world.pass(MINT_WINDOW.saturating_sub(SECOND));
    assert_eq!(refusal(world.refresh(DataCenter::Us, &refresh_token)), Refusal::TooManyRequests);
    world.pass(SECOND);
    assert!(world.refresh(DataCenter::Us, &refresh_token).is_ok());
}

#[test]
fn access_tokens_end_and_the_eleventh_pushes_out_the_oldest() {
    let mut world = World::new();
    let first = world.sign_in();
    let refresh_token = first.refresh_token.expect("it was asked for");
    for minted in 1..=TOKENS_PER_GRANT {
        assert!(world.is_valid(&first.access_token), "{minted}");
        world.refresh(DataCenter::Us, &refresh_token).expect("the budget allows ten");
    }
    assert!(!world.is_valid(&first.access_token));
    world.pass(MINT_WINDOW);
    let last = world.refresh(DataCenter::Us, &refresh_token).expect("the budget is whole again");
    world.pass(TOKEN_LIFETIME.saturating_sub(SECOND));
    assert!(world.is_valid(&last.access_token));
    world.pass(SECOND);
    assert!(!world.is_valid(&last.access_token));
}

#[test]
fn the_twenty_first_sign_in_silently_ends_the_first() {
    let mut world = World::new();
    let first = world.sign_in().refresh_token.expect("it was asked for");
    for _ in 1..GRANTS_PER_PERSON {
        world.sign_in();
    }
    assert!(world.refresh(DataCenter::Us, &first).is_ok());
    world.sign_in();
    assert_eq!(refusal(world.refresh(DataCenter::Us, &first)), Refusal::InvalidCode);
}

#[test]
fn revoking_a_refresh_token_ends_its_access_tokens_and_kinds_have_to_match() {
    let mut world = World::new();
    let tokens = world.sign_in();
    let refresh_token = tokens.refresh_token.expect("it was asked for");
    let now = world.now;
    let mut revoke = |token: &str, kind| world.accounts.revoke(DataCenter::Us, token, kind, now);
    assert!(!revoke(&refresh_token, Some(TokenKind::Access)));
    assert!(!revoke(&tokens.access_token, Some(TokenKind::Refresh)));
    assert!(!world.accounts.revoke(DataCenter::Eu, &refresh_token, None, now), "it is not from there");
    let mut revoke = |token: &str, kind| world.accounts.revoke(DataCenter::Us, token, kind, now);
    assert!(revoke(&refresh_token, Some(TokenKind::Refresh)));
    assert!(!revoke(&refresh_token, None), "it is gone");
    assert!(!world.is_valid(&tokens.access_token));

    let other = world.sign_in();
    assert!(!world.accounts.revoke(DataCenter::Eu, &other.access_token, None, world.now), "it is not from there");
    assert!(world.accounts.revoke(DataCenter::Us, &other.access_token, None, world.now));
    assert!(!world.is_valid(&other.access_token));
    assert!(world.refresh(DataCenter::Us, &other.refresh_token.expect("it was asked for")).is_ok());
}

#[test]
fn a_full_house_refuses_codes_until_one_has_expired() {
    let mut world = World::new();
    for _ in 0..CAPACITY {
        world.code();
    }
    assert_eq!(world.request(DataCenter::Us, SCOPE, "offline"), Err(Refusal::TooManyRequests));
    world.pass(CODE_LIFETIME);
    assert!(world.request(DataCenter::Us, SCOPE, "offline").is_ok());
}

#[test]
fn codes_are_found_however_they_are_typed() {
    let mut world = World::new();
    let (device_code, user_code) = world.code();
    let (letters, digits) = user_code.split_once('-').expect("it has a dash");
    for typed in [user_code.to_lowercase(), format!("{letters}{digits}"), format!(" {letters} {digits} ")] {
        let found = matches!(world.accounts.by_user_code(&typed, world.now), Lookup::Found(code) if code.device_code == device_code);
        assert!(found, "{typed}");
    }
    assert!(world.accounts.decide(&user_code, Decision::Decline, world.now));
    assert!(matches!(world.accounts.by_user_code(&user_code, world.now), Lookup::Answered));
    let (_, late) = world.code();
    world.pass(CODE_LIFETIME);
    assert!(matches!(world.accounts.by_user_code(&late, world.now), Lookup::Expired));
}

#[test]
fn after_ten_wrong_guesses_even_right_ones_wait_for_a_minute() {
    let mut world = World::new();
    let (_, user_code) = world.code();
    for _ in 0..GUESSES {
        assert!(matches!(world.accounts.by_user_code("AAAA-0000", world.now), Lookup::Unknown));
    }
    assert!(matches!(world.accounts.by_user_code(&user_code, world.now), Lookup::Locked));
    world.pass(GUESS_WINDOW);
    assert!(matches!(world.accounts.by_user_code(&user_code, world.now), Lookup::Found(_)));
}

#[test]
fn a_code_from_a_browser_lives_two_minutes_and_one_by_hand_three() {
    let mut world = World::new();
    let (in_time, too_late) = (world.authorization_code(), world.authorization_code());
    world.pass(LIFETIME.saturating_sub(SECOND));
    assert!(world.redeem(&in_time, CLIENT).is_ok());
    world.pass(SECOND);
    assert_eq!(refusal(world.redeem(&too_late, CLIENT)), Refusal::InvalidCode);

    let (in_time, too_late) = (world.grant_code(), world.grant_code());
    world.pass(SELF_CLIENT_LIFETIME.saturating_sub(SECOND));
    assert!(world.redeem(&in_time, "").is_ok());
    world.pass(SECOND);
    assert_eq!(refusal(world.redeem(&too_late, "")), Refusal::InvalidCode);
    assert_eq!((LIFETIME, SELF_CLIENT_LIFETIME), (Duration::from_secs(120), Duration::from_secs(180)));
}

#[test]
fn a_further_authorization_code_takes_the_place_of_the_oldest() {
    let mut world = World::new();
    let oldest = world.grant_code();
    let next = world.grant_code();
    for _ in 1..authorization::CAPACITY {
        world.grant_code();
    }
    assert_eq!(refusal(world.redeem(&oldest, "")), Refusal::InvalidCode);
    assert!(world.redeem(&next, "").is_ok());
}

#[test]
fn a_grant_that_was_there_before_has_one_token_of_its_own_length() {
    let mut world = World::new();
    let refresh_token = world.accounts.grant(Person::EUROPEAN, &["AaaServer.profile.READ"], SECOND, world.now);
    let refresh_token = refresh_token.expect("the scope exists");
    let first = world.refresh(DataCenter::Eu, &refresh_token).expect("it was granted");
    assert_eq!((first.lifetime, first.scopes.len()), (SECOND, 1));
    world.pass(SECOND);
    assert!(world.accounts.session(DataCenter::Eu, &first.access_token, world.now).is_none());
    let second = world.refresh(DataCenter::Eu, &refresh_token).expect("it goes on");
    assert_eq!(second.lifetime, TOKEN_LIFETIME);
    assert!(world.accounts.session(DataCenter::Eu, &second.access_token, world.now).is_some());
    assert_eq!(
        world.refresh(DataCenter::Us, &refresh_token).expect_err("of the other data center"),
        Refusal::InvalidCode
    );
    assert!(world.accounts.grant(Person::AMERICAN, &["Nobody.knows.READ"], SECOND, world.now).is_err());
}
