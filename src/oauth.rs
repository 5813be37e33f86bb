//! The protocol, sans-IO: what to ask, when, and what the answers mean.
//!
//! | module | standard |
//! | --- | --- |
//! | [`authorization`] | RFC 6749 §4.1, the request that a browser opens and its way back |
//! | [`device`] | RFC 8628, the device flow as a state machine |
//! | [`token`] | RFC 6749 §4.1.3 and §6, codes and refresh tokens for access tokens, as a state machine |
//! | [`wire`] | requests as form bodies, lenient reading of answers |
//!
//! Nothing here knows a runtime, a socket, a terminal or a clock: time comes in as an argument, requests go out as data.

pub mod authorization;
pub mod device;
pub mod token;
pub mod wire;

use std::collections::BTreeMap;

use crate::clock::Moment;
use crate::http::Request;
use crate::providers::ClientAuthentication;
use crate::secret::{Known, Secret, in_form};

/// What a state machine wants next.
#[derive(Debug)]
pub enum Step<Outcome> {
    /// Send this now and hand the answer to `handle`.
    Send(Request),
    /// A request is under way.
    AwaitReply,
    /// Nothing to do before then.
    Wait(Moment),
    Done(Outcome),
}

const UNSUPPORTED_MEDIA_TYPE: u16 = 415;

/// A client as registered with the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub id: String,
    pub secret: Option<Secret>,
    /// The variable that the secret is from, where that stands in for what the profile says.
    pub secret_variable: Option<&'static str>,
    /// Secrets by data center, where Zoho gave one each.
    pub data_center_secrets: BTreeMap<String, Secret>,
    /// What else is secret about its profile: tokens that were given to it before.
    pub tokens: Vec<Secret>,
    /// How it may say who it is. The first way is the one in use.
    pub authentication: Vec<ClientAuthentication>,
    /// Parameters travel as JSON, since the server took no form.
    pub sends_json: bool,
}

impl Client {
    /// A client with one secret everywhere, or none. With one, it is in the body unless `authentication` says otherwise.
    pub fn new(id: impl Into<String>, secret: Option<Secret>) -> Self {
        Self {
            id: id.into(),
            secret,
            secret_variable: None,
            data_center_secrets: BTreeMap::new(),
            tokens: Vec::new(),
            authentication: Vec::new(),
            sends_json: false,
        }
    }

    /// The secret that holds at a data center.
    pub fn secret_at(&self, data_center: &str) -> Option<&Secret> {
        self.data_center_secrets.get(data_center).or(self.secret.as_ref())
    }

    /// What a server must not have repeated where it is shown or kept: what is secret about this client, and
    /// about a request.
    pub fn known<'a>(&'a self, of_request: impl IntoIterator<Item = &'a Secret>) -> Known {
        let own = || self.secret.iter().chain(self.data_center_secrets.values());
        let mut known = Known::new(own().chain(&self.tokens).chain(of_request));
        own().for_each(|secret| known.add_pair(&self.id, secret));
        known
    }

    /// How it says who it is at a data center: without a secret there, by its id only.
    pub fn authentication_at(&self, data_center: &str) -> ClientAuthentication {
        match self.secret_at(data_center) {
            Some(_) => self.authentication.first().copied().unwrap_or(ClientAuthentication::Body),
            None => ClientAuthentication::None,
        }
    }

    /// Turns to JSON after a server did not take a form (RFC 9110 §15.5.16); `false` when that was tried before.
    pub fn try_json(&mut self, status: u16) -> bool {
        let is_new = status == UNSUPPORTED_MEDIA_TYPE && !self.sends_json;
        self.sends_json |= is_new;
        is_new
    }

    /// Turns to the next way of saying who it is, after a server did not take the one in use; `false` when there is none.
    pub fn try_next_authentication(&mut self, data_center: &str) -> bool {
        let Some(secret) = self.secret_at(data_center) else { return false };
        let is_encoded = [self.id.as_str(), secret.expose()].iter().any(|text| *in_form(text) != *text);
        let is_new = |way: &ClientAuthentication| *way != ClientAuthentication::RawBasic || is_encoded;
        let Some(next) = self.authentication.iter().skip(1).position(is_new) else { return false };
        self.authentication.drain(..=next);
        true
    }
}
