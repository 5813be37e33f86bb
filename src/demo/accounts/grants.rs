//! Grants and the tokens made from them, within Zoho's limits.
//!
//! The limits are those of <https://www.zoho.com/accounts/protocol/oauth/token-limits.html>.

use std::collections::VecDeque;
use std::time::Duration;

use super::Refusal;
use super::access::AccessRequest;
use super::people::{DataCenter, Person};
use crate::clock::Moment;
use crate::demo::random;
use crate::providers::catalog;

/// A person has at most so many grants with one client; the next one silently ends the oldest.
pub(super) const GRANTS_PER_PERSON: usize = 20;
/// A grant has at most so many living access tokens; the next one silently ends the oldest.
pub(super) const TOKENS_PER_GRANT: usize = 10;
/// So many access tokens may be minted from one refresh token in [`MINT_WINDOW`].
pub(super) const MINTS: usize = 10;
pub(super) const MINT_WINDOW: Duration = Duration::from_secs(600);

/// What a successful answer of the token endpoints brings.
#[derive(Debug)]
pub(in crate::demo) struct Tokens {
    pub(in crate::demo) person: Person,
    pub(in crate::demo) access_token: String,
    pub(in crate::demo) refresh_token: Option<String>,
    pub(in crate::demo) scopes: Vec<String>,
    /// How long the access token is valid.
    pub(in crate::demo) lifetime: Duration,
}

/// Who is behind an access token, and what it allows.
#[derive(Clone, Copy, Debug)]
pub(in crate::demo) struct Session<'a> {
    pub(in crate::demo) person: Person,
    scopes: &'a [String],
}

impl Session<'_> {
    /// Tells whether one of `wanted` is covered by what was granted.
    pub(in crate::demo) fn allows(&self, wanted: &[&str]) -> bool {
        wanted.iter().any(|scope| catalog::covers(self.scopes, scope))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum TokenKind {
    Access,
    Refresh,
}

/// What one approval gave.
struct Grant {
    person: Person,
    scopes: Vec<String>,
    /// `None` after `access_type=online`.
    refresh_token: Option<String>,
    /// How long the next access token is valid, where that is not as long as others.
    next_lifetime: Option<Duration>,
    /// Oldest first.
    access_tokens: VecDeque<AccessToken>,
    /// When the last few access tokens were minted from the refresh token, oldest first.
    minted_at: VecDeque<Moment>,
}

struct AccessToken {
    token: String,
    expires_at: Moment,
}

impl Grant {
    fn mint(&mut self, lifetime: Duration, now: Moment) -> String {
        self.access_tokens.retain(|access| now < access.expires_at);
        if self.access_tokens.len() >= TOKENS_PER_GRANT {
            self.access_tokens.pop_front();
        }
        let token = random::token("1000");
        self.access_tokens.push_back(AccessToken { token: token.clone(), expires_at: now + lifetime });
        token
    }

    /// Takes one access token off the budget, if there is one left.
    fn spend(&mut self, now: Moment) -> bool {
        self.minted_at.retain(|&at| now - at < MINT_WINDOW);
        if self.minted_at.len() >= MINTS {
            return false;
        }
        self.minted_at.push_back(now);
        true
    }

    fn is_alive(&self, now: Moment) -> bool {
        self.refresh_token.is_some() || self.access_tokens.iter().any(|access| now < access.expires_at)
    }
}

/// All grants, oldest first.
#[derive(Default)]
pub(super) struct Grants {
    grants: Vec<Grant>,
}

impl Grants {
    /// Turns an approval into tokens.
    pub(super) fn add(
        &mut self,
        person: Person,
        access: AccessRequest,
        token_lifetime: Duration,
        now: Moment,
    ) -> Tokens {
        self.grants.retain(|grant| grant.is_alive(now));
        let of_person = |grant: &Grant| grant.person == person;
        // Without `prompt=consent` Zoho sends a refresh token the first time only.
        let is_first = !self.grants.iter().any(|grant| of_person(grant) && grant.refresh_token.is_some());
        let refresh_token = (access.is_offline && (access.asks_again || is_first)).then(|| random::token("1000"));
        // Grants without a refresh token are counted apart: they never push out one that has it.
        let is_rival = |grant: &Grant| of_person(grant) && grant.refresh_token.is_some() == refresh_token.is_some();
        if self.grants.iter().filter(|grant| is_rival(grant)).count() >= GRANTS_PER_PERSON
            && let Some(oldest) = self.grants.iter().position(is_rival)
        {
            self.grants.remove(oldest);
        }
        let mut grant = Grant {
            person,
            scopes: access.scopes,
            refresh_token,
            next_lifetime: None,
            access_tokens: VecDeque::new(),
            minted_at: VecDeque::new(),
        };
        let access_token = grant.mint(token_lifetime, now);
        let (refresh_token, scopes) = (grant.refresh_token.clone(), grant.scopes.clone());
        let tokens = Tokens { person, access_token, refresh_token, scopes, lifetime: token_lifetime };
        self.grants.push(grant);
        tokens
    }

    /// A new access token; the answer never repeats the refresh token.
    pub(super) fn refresh(
        &mut self,
        data_center: DataCenter,
        refresh_token: &str,
        token_lifetime: Duration,
        now: Moment,
    ) -> Result<Tokens, Refusal> {
        let grant = self.at(data_center).find(|grant| grant.refresh_token.as_deref() == Some(refresh_token));
        let grant = grant.ok_or(Refusal::InvalidCode)?;
        if !grant.spend(now) {
            return Err(Refusal::TooManyRequests);
        }
        let lifetime = grant.next_lifetime.take().unwrap_or(token_lifetime);
        let access_token = grant.mint(lifetime, now);
        Ok(Tokens { person: grant.person, access_token, refresh_token: None, scopes: grant.scopes.clone(), lifetime })
    }

    /// Has the access token that is minted next live for another time than others.
    pub(super) fn set_next_lifetime(&mut self, refresh_token: &str, lifetime: Duration) {
        let is_meant = |grant: &&mut Grant| grant.refresh_token.as_deref() == Some(refresh_token);
        if let Some(grant) = self.grants.iter_mut().find(is_meant) {
            grant.next_lifetime = Some(lifetime);
        }
    }

    pub(super) fn session(&self, data_center: DataCenter, access_token: &str, now: Moment) -> Option<Session<'_>> {
        let mut at_home = self.grants.iter().filter(|grant| grant.person.home() == data_center);
        let is_meant = |access: &AccessToken| access.token == access_token && now < access.expires_at;
        let grant = at_home.find(|grant| grant.access_tokens.iter().any(is_meant))?;
        Some(Session { person: grant.person, scopes: &grant.scopes })
    }

    /// Forgets a token of this kind, or of either; tells whether there was one.
    pub(super) fn revoke(
        &mut self,
        data_center: DataCenter,
        token: &str,
        kind: Option<TokenKind>,
        now: Moment,
    ) -> bool {
        if kind != Some(TokenKind::Access) {
            let is_meant =
                |grant: &Grant| grant.person.home() == data_center && grant.refresh_token.as_deref() == Some(token);
            if let Some(index) = self.grants.iter().position(is_meant) {
                self.grants.remove(index);
                return true;
            }
        }
        if kind == Some(TokenKind::Refresh) {
            return false;
        }
        let is_meant = |access: &AccessToken| access.token == token && now < access.expires_at;
        let found = self.at(data_center).find_map(|grant| {
            let index = grant.access_tokens.iter().position(is_meant)?;
            grant.access_tokens.remove(index)
        });
        found.is_some()
    }

    fn at(&mut self, data_center: DataCenter) -> impl Iterator<Item = &mut Grant> {
        self.grants.iter_mut().filter(move |grant| grant.person.home() == data_center)
    }
}
