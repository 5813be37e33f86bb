//! What the demo's accounts servers know: one client, two people, codes of both kinds, grants and tokens.
//!
//! A plain state machine: no network, no clock. It answers as zoho.com's accounts servers are documented to answer below
//! <https://www.zoho.com/accounts/protocol/oauth/>. All its collections are bounded.

mod access;
mod authorization;
mod codes;
mod grants;
mod people;

use std::time::Duration;

pub(super) use self::access::AccessRequest;
pub(super) use self::authorization::{AuthorizationRequest, CodeExchange, Mistake};
pub(super) use self::codes::{DeviceCode, Lookup};
pub(super) use self::grants::{Session, TokenKind, Tokens};
pub(super) use self::people::{DataCenter, Person};

use self::authorization::AuthorizationCodes;
use self::codes::{Codes, State};
use self::grants::Grants;
use super::{Decision, random};
use crate::clock::Moment;

/// The two data centers' accounts servers, which share the client and the device codes.
pub(super) struct Accounts {
    pub(super) client: Client,
    pub(super) interval: Duration,
    pub(super) code_lifetime: Duration,
    pub(super) token_lifetime: Duration,
    codes: Codes,
    authorization_codes: AuthorizationCodes,
    grants: Grants,
}

/// The only client, which may do all that Zoho spreads over several types. Registered in [`DataCenter::HOME`], enabled in
/// both.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
}

/// What a request brought as its client's id and secret.
#[derive(Clone, Copy)]
pub(super) struct Credentials<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
}

/// A device authorization request (RFC 8628 §3.1) in Zoho's words.
pub(super) struct DeviceRequest<'a> {
    pub(super) client_id: &'a str,
    /// Separated by commas.
    pub(super) scope: &'a str,
    /// `access_type=offline`: the device wants a refresh token.
    pub(super) is_offline: bool,
    /// `prompt=consent`: it wants one although it has had one before.
    pub(super) asks_again: bool,
}

/// Why a request gets no code and no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    AuthorizationPending,
    SlowDown,
    OtherDataCenter(DataCenter),
    AccessDenied,
    Expired,
    InvalidClient,
    InvalidClientSecret,
    InvalidCode,
    InvalidRedirectUri,
    InvalidScope,
    /// Zoho's throttle: the refresh budget is spent, or there is no room for another device code.
    TooManyRequests,
}

impl Accounts {
    pub(super) fn new(interval: Duration, code_lifetime: Duration, token_lifetime: Duration) -> Self {
        let client = Client { id: random::client_id(), secret: format!("{}{}", random::hex(), &random::hex()[..10]) };
        Self {
            client,
            interval,
            code_lifetime,
            token_lifetime,
            codes: Codes::default(),
            authorization_codes: AuthorizationCodes::default(),
            grants: Grants::default(),
        }
    }

    /// Issues a device code. Zoho asks for no secret here, and only the client's own data center knows the client.
    pub(super) fn authorize_device(
        &mut self,
        data_center: DataCenter,
        request: &DeviceRequest<'_>,
        now: Moment,
    ) -> Result<&DeviceCode, Refusal> {
        if data_center != DataCenter::HOME || request.client_id != self.client.id {
            return Err(Refusal::InvalidClient);
        }
        let access = AccessRequest::new(request.scope, request.is_offline, request.asks_again)?;
        let code = DeviceCode::new(access, now, now + self.code_lifetime);
        self.codes.add(code, now).ok_or(Refusal::TooManyRequests)
    }

    /// Answers a poll for `device_code`, which is spent by the answer that brings tokens.
    pub(super) fn poll(
        &mut self,
        data_center: DataCenter,
        client: Credentials<'_>,
        device_code: &str,
        now: Moment,
    ) -> Result<Tokens, Refusal> {
        self.authenticate(client)?;
        let code = self.codes.by_device_code(device_code).ok_or(Refusal::InvalidCode)?;
        // Another data center hears of a code when a person who lives there has approved it.
        if data_center != DataCenter::HOME && code.approved_by().map(Person::home) != Some(data_center) {
            return Err(Refusal::InvalidCode);
        }
        if code.has_expired(now) {
            return Err(Refusal::Expired);
        }
        if code.is_polled_too_early(data_center, self.interval, now) {
            return Err(Refusal::SlowDown);
        }
        match code.state {
            State::Waiting => Err(Refusal::AuthorizationPending),
            State::Declined => Err(Refusal::AccessDenied),
            State::Approved(person) if person.home() != data_center => Err(Refusal::OtherDataCenter(person.home())),
            State::Approved(person) => {
                let code = self.codes.take(device_code).ok_or(Refusal::InvalidCode)?;
                Ok(self.grants.add(person, code.access, self.token_lifetime, now))
            }
        }
    }

    /// Reads a browser's request for an approval. Only the client's own data center knows the client.
    pub(super) fn authorization<'a>(
        &self,
        data_center: DataCenter,
        value: impl Fn(&str) -> &'a str,
    ) -> Result<AuthorizationRequest, Mistake> {
        if data_center != DataCenter::HOME {
            return Err(Mistake::Client);
        }
        AuthorizationRequest::read(&self.client.id, value)
    }

    /// Issues the code that `person` sends back with the browser.
    pub(super) fn approve_authorization(
        &mut self,
        request: &AuthorizationRequest,
        person: Person,
        now: Moment,
    ) -> String {
        self.authorization_codes.approve(request, person, now)
    }

    /// Issues a code that the person who lives in `data_center` copies by hand.
    pub(super) fn issue_by_hand(&mut self, data_center: DataCenter, access: AccessRequest, now: Moment) -> String {
        self.authorization_codes.issue_by_hand(access, Person::living_in(data_center), now)
    }

    /// Turns an authorization code into tokens, once, and at the data center of its person only.
    pub(super) fn redeem(
        &mut self,
        data_center: DataCenter,
        client: Credentials<'_>,
        exchange: CodeExchange<'_>,
        now: Moment,
    ) -> Result<Tokens, Refusal> {
        self.authenticate(client)?;
        let (person, access) = self.authorization_codes.redeem(data_center, exchange, now)?;
        Ok(self.grants.add(person, access, self.token_lifetime, now))
    }

    /// Mints an access token from a refresh token, at the data center that issued it.
    pub(super) fn refresh(
        &mut self,
        data_center: DataCenter,
        client: Credentials<'_>,
        refresh_token: &str,
        now: Moment,
    ) -> Result<Tokens, Refusal> {
        self.authenticate(client)?;
        self.grants.refresh(data_center, refresh_token, self.token_lifetime, now)
    }

    /// Gives what an approval by `person` would, without asking: a refresh token, from which the first access token is minted for
    /// `first_lifetime`.
    pub(super) fn grant(
        &mut self,
        person: Person,
        scopes: &[&str],
        first_lifetime: Duration,
        now: Moment,
    ) -> Result<String, Refusal> {
        let access = AccessRequest::new(&scopes.join(","), true, true)?;
        let tokens = self.grants.add(person, access, self.token_lifetime, now);
        let refresh_token = tokens.refresh_token.ok_or(Refusal::InvalidCode)?;
        self.grants.set_next_lifetime(&refresh_token, first_lifetime);
        Ok(refresh_token)
    }

    /// Forgets a token; with a refresh token go the access tokens made from it. Tells whether there was one.
    pub(super) fn revoke(
        &mut self,
        data_center: DataCenter,
        token: &str,
        kind: Option<TokenKind>,
        now: Moment,
    ) -> bool {
        self.grants.revoke(data_center, token, kind, now)
    }

    /// Who is behind an access token of this data center, and what it allows.
    pub(super) fn session(&self, data_center: DataCenter, access_token: &str, now: Moment) -> Option<Session<'_>> {
        self.grants.session(data_center, access_token, now)
    }

    /// Looks for the device code that a person typed: case, dash and spaces do not matter. Counts wrong guesses.
    pub(super) fn by_user_code(&mut self, typed: &str, now: Moment) -> Lookup<'_> {
        let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        self.codes.look_up(now, |code| code.user_code.replace('-', "").eq_ignore_ascii_case(&typed))
    }

    /// Looks for the device code that a link stands for. Counts wrong guesses.
    pub(super) fn by_link_code(&mut self, link_code: &str, now: Moment) -> Lookup<'_> {
        self.codes.look_up(now, |code| code.link_code.eq_ignore_ascii_case(link_code))
    }

    /// Lets the person of `decision` answer for a device code that nobody has answered yet. Tells whether there was one.
    pub(super) fn decide(&mut self, user_code: &str, decision: Decision, now: Moment) -> bool {
        let Some(code) = self.codes.waiting(user_code, now) else { return false };
        code.state = decision.person().map_or(State::Declined, State::Approved);
        true
    }

    /// Whether these are the client's id and secret.
    pub(super) fn authenticate(&self, client: Credentials<'_>) -> Result<(), Refusal> {
        if client.id != self.client.id {
            return Err(Refusal::InvalidClient);
        }
        if client.secret != self.client.secret {
            return Err(Refusal::InvalidClientSecret);
        }
        Ok(())
    }
}

impl Decision {
    /// Who approves, if anybody does.
    pub(super) fn person(self) -> Option<Person> {
        match self {
            Decision::Approve => Some(Person::AMERICAN),
            Decision::ApproveFromOtherDataCenter => Some(Person::EUROPEAN),
            Decision::Decline => None,
        }
    }
}

#[cfg(test)]
mod tests;
