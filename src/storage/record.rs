//! What is kept of one grant.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use super::history::{self, Event, Happened};
use super::pending::{Booted, Clocks, EndedSignIn, PendingSignIn};
use super::seal;
use crate::clock;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::providers::ClientAuthentication;
use crate::secret::Secret;

/// A grant knows so many refresh tokens that were replaced.
const MOST_REPLACED: usize = 8;

/// Everything that one profile keeps: its client's secret, its tokens and their history.
///
/// Under the seal, what is not known here was written by a newer version, which would have raised the format if that mattered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub profile: ProfileName,
    /// The name of the provider that issued the grant.
    pub provider: String,
    pub client_id: String,
    /// As handed to `profile add`; configuration may name other sources.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_secret")]
    pub client_secret: Option<Secret>,
    /// The server that it was given for: its issuer, or where it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_for: Option<String>,
    /// Where the client's secret and tokens may be sent, by the keys of the configuration; nothing stands for what the
    /// provider does not have. Empty where this program alone says that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub client_endpoints: BTreeMap<String, Option<Url>>,
    /// Rises by one with each commit; a store that goes back was swapped.
    pub generation: u64,
    /// The record is kept elsewhere now. Versions that do not know this refuse such a record by its format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// What an approval gave, until it is signed out or replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// A sign-in whose code waits for its approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Box<PendingSignIn>>,
    /// How the last one ended, until another one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndedSignIn>,
    /// Grants that were replaced or forgotten here without being revoked, oldest first: the provider still counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrevoked: Vec<UnrevokedGrant>,
    /// Tokens of sign-ins that are over, kept only until the provider can be told to revoke them; oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_revoke: Vec<RevocationNote>,
    /// An imported refresh token that is used up, until it is known whose it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_up: Option<Box<UsedUp>>,
    /// What happened to the profile, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

impl Record {
    /// A record that has nothing yet.
    pub fn empty(profile: ProfileName, provider: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            profile,
            provider: provider.into(),
            client_id: client_id.into(),
            client_secret: None,
            client_secret_for: None,
            client_endpoints: BTreeMap::new(),
            generation: 0,
            moved: None,
            grant: None,
            pending: None,
            ended: None,
            unrevoked: Vec::new(),
            to_revoke: Vec::new(),
            used_up: None,
            events: Vec::new(),
        }
    }

    /// Takes the sign-in out, all that has a token and a code that may bring some. Gives the record as it was.
    #[must_use]
    pub fn take_sign_in(&mut self) -> Self {
        let left = Self { grant: None, pending: None, to_revoke: Vec::new(), used_up: None, ..self.clone() };
        std::mem::replace(self, left)
    }

    /// The grant that is in use, and one that is kept until it is known whose it is.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants_of_clients().map(|(grant, _)| grant)
    }

    /// The same with the id of the client that each was given to.
    pub fn grants_of_clients(&self) -> impl Iterator<Item = (&Grant, &str)> {
        let used_up = self.used_up.iter().map(|used_up| (&used_up.grant, used_up.client_id(&self.client_id)));
        self.grant.iter().map(|grant| (grant, &*self.client_id)).chain(used_up)
    }

    /// The same to be changed.
    pub fn grants_mut(&mut self) -> impl Iterator<Item = &mut Grant> {
        self.grant.iter_mut().chain(self.used_up.iter_mut().map(|used_up| &mut used_up.grant))
    }

    /// What the client got in the place of an imported refresh token that is used up, and is kept until it is known whose it is.
    pub fn successor_of(&self, imported: &Secret, client_id: &str) -> Option<&Grant> {
        let used_up = self.used_up.as_ref().filter(|used_up| used_up.token == *imported)?;
        Some(&used_up.grant).filter(|_| used_up.client_id(&self.client_id) == client_id)
    }

    /// All tokens in it, also those that are only to be revoked.
    pub fn tokens(&self) -> impl Iterator<Item = &Secret> {
        let waiting = self.to_revoke.iter().map(|note| &note.token);
        let used_up = self.used_up.iter().map(|used_up| &used_up.token);
        self.grants().flat_map(Grant::tokens).chain(waiting).chain(used_up)
    }

    /// Whether both grants are of one approval, of which no two are of the same nanosecond, or both have none.
    pub fn is_same_sign_in(&self, other: &Self) -> bool {
        self.client_id == other.client_id && self.approval() == other.approval()
    }

    /// Has the grants revoked that only an outdated copy of this record has, since nobody lives on them: this one came after that without
    /// it. Tells whether there were any.
    ///
    /// Of an approval that is known here another token may be in use, which ends with that one. A grant that others may have, or of the same
    /// code as the one here, is left to the provider.
    pub(super) fn take_over_grants(&mut self, outdated: &Record, now: Timestamp) -> bool {
        let of_code = |record: &Self| record.ended.as_ref().map(|ended| ended.id.clone());
        let here = self.grant.as_ref().and_then(|_| of_code(self));
        let is_of_another_code = here.is_none() || here != of_code(outdated);
        let living = outdated.grants_of_clients().filter(|(grant, _)| grant.refused.is_none());
        let living = living.map(|(grant, client_id)| (RevocationNote::of(grant, client_id), grant.is_own));
        let waiting = outdated.to_revoke.iter().map(|note| (note.clone(), true));
        let unknown: Vec<_> = living.chain(waiting).filter(|(note, _)| !self.knows(note)).collect();
        if unknown.is_empty() {
            return false;
        }
        for (note, is_own) in unknown {
            if is_own && is_of_another_code {
                self.to_revoke.push(note);
            } else {
                self.unrevoked.push(note.into());
            }
        }
        self.note(Happened::NotRevoked, "what was kept elsewhere came back after the record had changed", "", now);
        true
    }

    fn knows(&self, note: &RevocationNote) -> bool {
        let left = self.unrevoked.iter().map(|left| left.approved_at);
        let approvals = self.grants().map(|grant| grant.approved_at).chain(left);
        let mut approvals = approvals.chain(self.to_revoke.iter().map(|note| note.approved_at));
        approvals.any(|at| at == note.approved_at) || self.tokens().any(|token| *token == note.token)
    }

    fn approval(&self) -> Option<(Timestamp, &str)> {
        self.grant.as_ref().map(|grant| (grant.approved_at, grant.issuer.as_str()))
    }

    /// Adds to the history what happened, and by which command.
    pub fn note(&mut self, what: Happened, detail: &str, by: &str, now: Timestamp) {
        history::note(&mut self.events, what, detail, by, now);
    }

    /// Adds to the sign-in in the history whose it was, once that is known.
    pub fn note_account(&mut self, account: &str) {
        history::note_account(&mut self.events, account);
    }
}

/// Where a record is refreshed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The address of the store, without a password.
    pub to: String,
    /// The machine that has the directory; nothing for a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// It was on its way, and whether that store has it is seen there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_under_way: bool,
}

/// What one approval gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The accounts server that issued it and takes its refreshes.
    pub issuer: String,
    /// Empty where the provider has no data centers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data_center: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Where a provider that the configuration or its issuer describes took requests when the person approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Box<IssuerEndpoints>>,
    /// How the client said who it is when that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_authentication: Option<ClientAuthentication>,
    pub scopes: Vec<String>,
    #[serde(with = "secret")]
    pub access_token: Secret,
    /// As the provider said; `None` where it named no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_secret")]
    pub refresh_token: Option<Secret>,
    /// Who approved, as the provider signed it, where `openid` was granted.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_secret")]
    pub id_token: Option<Secret>,
    pub approved_at: Timestamp,
    /// When its access token was minted, by the boot clock, which nobody sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minted: Option<Booted>,
    /// How far the wall clock was set since then, as far as that is known here.
    #[serde(skip)]
    pub clock_set: SignedDuration,
    /// Nobody else was given its refresh token, so that it may be revoked when another grant takes its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_own: bool,
    /// When access tokens were minted from this grant, as far back as the window of the provider's limit reaches; the last time
    /// where it has none.
    #[serde(default)]
    pub mints: Vec<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refresh: Option<LastRefresh>,
    /// When a new access token took the place of one that an API refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_after_401_at: Option<Timestamp>,
    /// The starts of digests of the refresh tokens that the provider has given others in the place of, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<u64>,
    /// A server that git spoke to has refused the access token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_rejected: bool,
    /// The provider asked to be left alone until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
    /// Why the provider will not refresh this grant again. The tokens stay until a new sign-in replaces them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The provider refuses to refresh, in words that do not say that the grant is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

/// The same refusal, time and again, that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doubt {
    /// Status or word, by which one refusal is told from another.
    pub answer: String,
    /// How often in a row, network failures aside.
    pub times: u32,
}

impl Doubt {
    /// The doubt that `answer` leaves after the one before it.
    pub fn after(before: Option<&Doubt>, answer: String) -> Self {
        let times = before.filter(|before| before.answer == answer).map_or(1, |before| before.times.saturating_add(1));
        Self { answer, times }
    }

    /// Once may be chance; from the second time on a new sign-in is what helps.
    fn is_strong(&self) -> bool {
        self.times > 1
    }
}

impl Grant {
    /// When its access token was minted, by the wall clock of then: by this one token is told from another.
    pub fn minted_at(&self) -> Timestamp {
        self.mints.last().copied().unwrap_or(self.approved_at)
    }

    /// Notes how far the wall clock was set since the access token was minted, where the machine has run on since then. The
    /// other clock is asked for only where by this one the token has ended or is yet to be minted.
    pub fn notice_set_clock(&mut self, wall: Timestamp, clocks: impl FnOnce() -> Clocks<'static>) {
        let Some(minted) = &self.minted else { return };
        let is_plain = self.minted_at() <= wall && self.access_token_expires_at.is_none_or(|end| wall < end);
        let Some(age) = (!is_plain).then(clocks).and_then(|now| minted.age(&now)) else { return };
        let set = self.minted_at().duration_until(clock::earlier(wall, age));
        if set.abs() > clock::SLACK {
            self.clock_set = set;
        }
    }

    /// Notes the refresh token before, where the provider has given another one in its place: somebody may have a copy, and import it.
    pub fn note_replaced(&mut self, before: &Secret) {
        if self.refresh_token.as_ref() == Some(before) {
            return;
        }
        let digest = seal::digest_of(before);
        if !self.replaced.contains(&digest) {
            self.replaced.push(digest);
        }
        if self.replaced.len() > MOST_REPLACED {
            // The first is the one that was imported, of which there is a copy most likely.
            self.replaced.remove(1);
        }
    }

    /// Whether it lives on what the provider has given in the place of this refresh token.
    pub fn is_successor_of(&self, token: &Secret) -> bool {
        self.refused.is_none() && !self.replaced.is_empty() && self.replaced.contains(&seal::digest_of(token))
    }

    /// Only a person can bring it back, or probably so.
    pub fn wants_sign_in(&self) -> bool {
        self.refused.is_some() || self.doubt.as_ref().is_some_and(Doubt::is_strong)
    }

    /// All tokens in it.
    pub fn tokens(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.access_token).chain(&self.refresh_token).chain(&self.id_token)
    }

    /// What every approval gives. The rest is empty: no data center, no API domain, no account, no endpoints, no way in which
    /// the client said who it is, no refresh token, no `id_token`, and nothing that
    /// happened since.
    pub fn new(
        issuer: impl Into<String>,
        scopes: Vec<String>,
        access_token: Secret,
        approved_at: Timestamp,
        expires_at: impl Into<Option<Timestamp>>,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            data_center: String::new(),
            api_domain: None,
            account: None,
            endpoints: None,
            client_authentication: None,
            scopes,
            access_token,
            access_token_expires_at: expires_at.into(),
            refresh_token: None,
            id_token: None,
            approved_at,
            minted: None,
            clock_set: SignedDuration::ZERO,
            is_own: false,
            mints: Vec::new(),
            last_refresh: None,
            replaced_after_401_at: None,
            replaced: Vec::new(),
            is_rejected: false,
            paused_until: None,
            refused: None,
            doubt: None,
        }
    }
}

/// A refresh token from elsewhere that the provider has replaced, and what it was replaced by: whoever imports it again goes on with that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsedUp {
    #[serde(with = "secret")]
    pub token: Secret,
    /// The client that it was given to, which the record need not be of yet. Older versions kept none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    pub grant: Grant,
}

impl UsedUp {
    /// The client of its tokens, where the record is of this one.
    pub fn client_id<'a>(&'a self, of_record: &'a str) -> &'a str {
        self.client_id.as_deref().unwrap_or(of_record)
    }
}

/// A grant of which no token is left here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnrevokedGrant {
    pub approved_at: Timestamp,
    /// The client that it was given to; profiles may change theirs.
    pub client_id: String,
    /// The id of the account, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl From<RevocationNote> for UnrevokedGrant {
    fn from(RevocationNote { approved_at, client_id, account, .. }: RevocationNote) -> Self {
        Self { approved_at, client_id, account }
    }
}

/// All that it takes to revoke a grant later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationNote {
    /// The refresh token, or the access token of a grant that has none.
    #[serde(with = "secret")]
    pub token: Secret,
    pub is_refresh_token: bool,
    pub client_id: String,
    /// The accounts server that issued the grant.
    pub issuer: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data_center: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Box<IssuerEndpoints>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_authentication: Option<ClientAuthentication>,
    pub approved_at: Timestamp,
    /// The id of the account, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl RevocationNote {
    /// What it takes to revoke `grant`, which was given to the client with this id.
    pub fn of(grant: &Grant, client_id: &str) -> Self {
        Self {
            token: grant.refresh_token.clone().unwrap_or_else(|| grant.access_token.clone()),
            is_refresh_token: grant.refresh_token.is_some(),
            client_id: client_id.to_owned(),
            issuer: grant.issuer.clone(),
            data_center: grant.data_center.clone(),
            endpoints: grant.endpoints.clone(),
            client_authentication: grant.client_authentication,
            approved_at: grant.approved_at,
            account: grant.account.as_ref().map(|account| account.id.clone()),
        }
    }
}

/// The endpoints that go with a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerEndpoints {
    pub token: Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo: Option<Url>,
}

/// Who approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Account {
    /// The one line by which people know the account.
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or(&self.id)
    }
}

/// A refresh whose request goes out, noted before it does. Whoever finds the note and the record as it was then knows that
/// nobody kept the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// That of the record whose refresh token is sent.
    pub generation: u64,
    /// The process that sends it.
    pub holder: u32,
    pub at: Timestamp,
    /// The answer may end the token that is sent, so that nobody may be quick to send it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_rotate: bool,
}

impl Attempt {
    /// By this process.
    pub fn new(generation: u64, at: Timestamp) -> Self {
        Self { generation, holder: std::process::id(), at, may_rotate: false }
    }

    /// The same at a provider of which that is known.
    #[must_use]
    pub fn that_may_rotate(self, may_rotate: bool) -> Self {
        Self { may_rotate, ..self }
    }

    /// Has the record tell that the answer to this attempt got lost, unless something was committed since.
    pub(super) fn show_in(self, record: &mut Record) {
        if record.generation != self.generation {
            return;
        }
        if let Some(grant) = &mut record.grant {
            let rotates = grant.last_refresh.as_ref().is_some_and(|last| last.rotates);
            let error = Some(format!("process {} ended before it had kept the answer", self.holder));
            grant.last_refresh = Some(LastRefresh { answer_lost: true, rotates, ..LastRefresh::new(self.at, error) });
        }
    }
}

/// The last attempt to mint an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastRefresh {
    pub at: Timestamp,
    /// What went wrong, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same whole, for those who ask for the same at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Error>,
    /// The server may have acted on the request although its answer never came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answer_lost: bool,
    /// The provider has replaced the refresh token in this refresh or an earlier one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rotates: bool,
    /// What of the answer was not taken, in words for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl LastRefresh {
    /// An attempt at this time, with what went wrong.
    pub fn new(at: Timestamp, error: Option<String>) -> Self {
        Self { at, error, failure: None, answer_lost: false, rotates: false, left_out: Vec::new() }
    }
}

pub(super) mod secret {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::secret::Secret;

    pub(in crate::storage) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(in crate::storage) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

mod optional_secret {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::secret::Secret;

    #[expect(clippy::ref_option, reason = "serde names the signature")]
    pub(super) fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_some(secret.expose()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    use super::{Grant, Record, RevocationNote, UsedUp};
    use crate::secret::Secret;
    use crate::storage::{EndedSignIn, Happened, PendingId};

    const CLIENT: &str = "client";

    /// Of an approval in that hour.
    fn grant(hour: i64, token: &str) -> Grant {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let grant = Grant::new("https://id.example/token", Vec::new(), Secret::new(format!("AT-{token}")), at, at);
        Grant { refresh_token: Some(Secret::new(token)), is_own: true, ..grant }
    }

    fn record(grant: Option<Grant>) -> Record {
        Record { grant, ..Record::empty("work".parse().expect("a name"), "corp", CLIENT) }
    }

    #[test]
    fn a_grant_knows_the_first_refresh_token_that_was_replaced_and_the_last_ones() {
        let mut grant = grant(0, "RT-0");
        for next in 1..=20 {
            let before = grant.refresh_token.replace(Secret::new(format!("RT-{next}"))).expect("a token");
            grant.note_replaced(&before);
            grant.note_replaced(&before);
        }
        grant.note_replaced(&Secret::new("RT-20"));
        let known = (0..=20).filter(|of| grant.is_successor_of(&Secret::new(format!("RT-{of}"))));
        assert_eq!(known.collect::<Vec<_>>(), [0, 13, 14, 15, 16, 17, 18, 19]);
        let kept = json!(grant);
        assert_eq!(serde_json::from_value::<Grant>(kept.clone()).expect("a grant").replaced, grant.replaced);
        // As older versions have it.
        let mut older = kept;
        older.as_object_mut().expect("an object").remove("replaced");
        assert_eq!(serde_json::from_value::<Grant>(older).expect("a grant").replaced, Vec::<u64>::new());
    }

    #[test]
    fn of_an_outdated_copy_only_grants_are_to_be_revoked_with_which_nothing_ends_that_is_in_use() {
        let note = |hour, token| RevocationNote::of(&grant(hour, token), CLIENT);
        let ended = Some(EndedSignIn {
            id: PendingId::generate().expect("the system has random numbers"),
            error: None,
            is_told: true,
        });
        let here = || record(Some(grant(2, "RT-2")));
        let own = || record(Some(grant(1, "RT-1")));
        let kept = Some(Box::new(UsedUp {
            token: Secret::new("RT-0"),
            client_id: Some("another".to_owned()),
            grant: Grant { is_own: false, ..grant(1, "RT-1") },
        }));
        // What is here, an outdated copy of it, and what is to be revoked and left to the provider then.
        let rows: Vec<(&str, Record, Record, &[&str], usize)> = vec![
            ("another approval", here(), own(), &["RT-1"], 0),
            ("signed out here", record(None), own(), &["RT-1"], 0),
            ("two approvals", here(), Record { to_revoke: vec![note(3, "RT-3")], ..own() }, &["RT-1", "RT-3"], 0),
            (
                "without a refresh token",
                here(),
                record(Some(Grant { refresh_token: None, ..grant(1, "") })),
                &["AT-"],
                0,
            ),
            ("a token that was rotated since", here(), record(Some(grant(2, "RT-1"))), &[], 0),
            ("the same, noted there", here(), Record { to_revoke: vec![note(2, "RT-1")], ..record(None) }, &[], 0),
            ("the same token", here(), record(Some(grant(1, "RT-2"))), &[], 0),
            ("noted here", Record { to_revoke: vec![note(1, "RT-1")], ..here() }, own(), &["RT-1"], 0),
            ("left alone here", Record { unrevoked: vec![note(1, "RT-1").into()], ..here() }, own(), &[], 1),
            ("imported or exported", here(), record(Some(Grant { is_own: false, ..grant(1, "RT-1") })), &[], 1),
            ("what an import got", here(), Record { used_up: kept, ..record(None) }, &[], 1),
            ("refused", here(), record(Some(Grant { refused: Some(String::new()), ..grant(1, "RT-1") })), &[], 0),
            (
                "of the same code",
                Record { ended: ended.clone(), ..here() },
                Record { ended: ended.clone(), ..own() },
                &[],
                1,
            ),
            (
                "the same, in vain here",
                Record { ended: ended.clone(), ..record(None) },
                Record { ended: ended.clone(), ..own() },
                &["RT-1"],
                0,
            ),
            ("of no code", here(), Record { ended, ..own() }, &["RT-1"], 0),
        ];
        for (case, before, outdated, to_revoke, unrevoked) in rows {
            let mut record = before.clone();
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(4);
            let is_more = record.take_over_grants(&outdated, now);
            let waiting: Vec<_> = record.to_revoke.iter().map(|note| note.token.expose()).collect();
            assert_eq!((waiting.as_slice(), record.unrevoked.len()), (to_revoke, unrevoked), "{case}");
            let of_import = record.unrevoked.iter().filter(|left| left.client_id == "another").count();
            assert_eq!(of_import, usize::from(outdated.used_up.is_some()), "{case}");
            let events: Vec<_> = record.events.iter().map(|event| event.what).collect();
            assert_eq!(events, is_more.then_some(Happened::NotRevoked).into_iter().collect::<Vec<_>>(), "{case}");
            assert_eq!(is_more, record != before, "{case}");
            assert!(!record.take_over_grants(&outdated, now), "{case}");
        }
    }
}
