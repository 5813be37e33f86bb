//! How many grants one person has with one client, as far as this program gave them out: a provider that keeps only so
//! many silently ends the oldest, which may be the one on which a server lives.
//!
//! Counted are the grants in the store, those that later sign-ins replaced and those that wait to be revoked, over all
//! profiles with the same provider and client. What other machines were given cannot be seen from here.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Service, tokens};
use crate::config::{Profile, ProviderSource};
use crate::profile::ProfileName;
use crate::providers::{Dialect, GrantLimit, RevocationEnds};
use crate::secret::Secret;
use crate::storage::{Grant, Record, RevocationNote, UnrevokedGrant};

/// So many tokens at most wait to be revoked.
const MOST_NOTES: usize = 20;

/// No record remembers more grants, whatever the provider's limit.
const MOST_REMEMBERED: usize = 100;

/// How a profile lives on a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnToken {
    Itself,
    /// On what the provider has given in its place.
    Successor,
}

impl Service {
    /// What a person has to know of a profile before it signs in: that the provider keeps few more grants.
    pub fn sign_in_warnings(&self, profile: &Profile) -> Vec<String> {
        if self.grant_limit(profile).is_none() {
            return Vec::new();
        }
        let records: Vec<_> = self.records_of_client(profile).collect();
        let own = records.iter().find(|record| record.profile == profile.name);
        let is_signed_in = own.is_some_and(|record| record.grant.is_some());
        let counted: Vec<Counted> = records.iter().map(|record| Counted::of(record)).collect();
        self.grant_warnings(profile, is_signed_in, &Census::of(counted.iter()))
    }

    /// The same with all grants counted.
    pub(super) fn grant_warnings(&self, profile: &Profile, is_signed_in: bool, census: &Census) -> Vec<String> {
        let Ok(dialect) = self.config.provider(profile).map(ProviderSource::dialect) else { return Vec::new() };
        let Some(limit) = dialect.grant_limit else { return Vec::new() };
        // The limit holds for each person, and nobody knows yet who will approve.
        let Some((account, living)) = census.largest(profile) else { return Vec::new() };
        if living + 1 < limit.warn_from {
            return Vec::new();
        }
        vec![warning(profile, dialect, limit, living, account, is_signed_in)]
    }

    /// The provider's limit for the profile's grants.
    pub(super) fn grant_limit(&self, profile: &Profile) -> Option<GrantLimit> {
        self.config.provider(profile).ok()?.dialect().grant_limit
    }

    /// The other profiles that live on this refresh token, and how.
    pub(super) fn others_on(&self, token: &Secret, own: &ProfileName) -> Vec<(ProfileName, OnToken)> {
        let on_token = |record: &Record| match () {
            () if record.grants().any(|grant| grant.refresh_token.as_ref() == Some(token)) => Some(OnToken::Itself),
            () if record.grants().any(|grant| grant.is_successor_of(token)) => Some(OnToken::Successor),
            () => None,
        };
        let others = self.records().filter(|record| record.profile != *own);
        others.filter_map(|record| Some((record.profile.clone(), on_token(&record)?))).collect()
    }

    /// The profiles whose grant has ended with a token of the profile's client that was revoked: this one as well, where that was of
    /// another sign-in.
    pub(super) fn ended_with(
        &self,
        revoked: &RevocationNote,
        ends: RevocationEnds,
        profile: &Profile,
    ) -> Vec<ProfileName> {
        let ended = self.records_of_client(profile).filter(|record| has_ended(record, revoked, ends));
        ended.map(|record| record.profile).collect()
    }

    /// Every record that can be read.
    fn records(&self) -> impl Iterator<Item = Box<Record>> {
        self.records_of(|_| true)
    }

    /// The same of the profiles that have this one's client by now, and of those that nobody has configured: a fleet has
    /// thousands with clients of their own.
    fn records_of_client(&self, profile: &Profile) -> impl Iterator<Item = Box<Record>> {
        let is_alike = |other: &Profile| (&other.provider, &other.client_id) == (&profile.provider, &profile.client_id);
        self.records_of(move |name| self.config.profiles.get(name).is_none_or(is_alike))
    }

    fn records_of(&self, wanted: impl Fn(&ProfileName) -> bool) -> impl Iterator<Item = Box<Record>> {
        let names = self.store.profiles().unwrap_or_default();
        names.into_iter().filter(move |name| wanted(name)).filter_map(|name| self.store.load(&name).ok().flatten())
    }
}

/// Tells whether the grant of a record has ended with a token that was revoked, and nobody has noted that yet.
pub(super) fn has_ended(record: &Record, revoked: &RevocationNote, ends: RevocationEnds) -> bool {
    let Some(grant) = record.grant.as_ref().filter(|grant| grant.refused.is_none()) else { return false };
    let own = RevocationNote::of(grant, &record.client_id);
    let is_theirs = own.account.is_some()
        && (&own.account, &own.client_id, &own.issuer) == (&revoked.account, &revoked.client_id, &revoked.issuer);
    own.token == revoked.token || ends == RevocationEnds::AllOfThePerson && is_theirs
}

/// Tells whether the living grant of a record may end with a token of another sign-in that is revoked: it may be the same person's.
pub(super) fn may_end_living(record: &Record, noted: &RevocationNote, ends: RevocationEnds, now: Timestamp) -> bool {
    let Some(grant) = record.grant.as_ref().filter(|grant| lives(grant, now)) else { return false };
    let own = RevocationNote::of(grant, &record.client_id);
    let is_of_client = (&own.client_id, &own.issuer) == (&noted.client_id, &noted.issuer);
    let is_other_person = own.account.is_some() && noted.account.is_some() && own.account != noted.account;
    ends != RevocationEnds::ThatGrant && is_of_client && !is_other_person
}

/// Tells whether the provider still takes a token of the grant, for all that is known.
pub(super) fn lives(grant: &Grant, now: Timestamp) -> bool {
    let has_token = || grant.refresh_token.is_some() || tokens::ends::left(grant, now) != Some(Duration::ZERO);
    grant.refused.is_none() && has_token()
}

/// Why nothing of it is good any more at the provider, where that is known.
pub(super) fn why_over(grant: &Grant, now: Timestamp) -> Option<String> {
    let ended = || "its access token had ended, and it had no refresh token".to_owned();
    (!lives(grant, now)).then(|| grant.refused.clone().unwrap_or_else(ended))
}

/// Tells whether it was revoked with another sign-in's, so that the provider has nothing left to revoke.
pub(super) fn is_revoked(grant: &Grant) -> bool {
    grant.refused.is_some() && grant.last_refresh.as_ref().is_none_or(|last| last.failure.is_none())
}

/// The grant as it is remembered once no token of it is left; `None` where the provider does not count it any more.
pub(super) fn unrevoked(grant: &Grant, client_id: &str) -> Option<UnrevokedGrant> {
    grant.refused.is_none().then(|| RevocationNote::of(grant, client_id)).and_then(unrevoked_note)
}

/// The same of a grant that was to be revoked.
pub(super) fn unrevoked_note(note: RevocationNote) -> Option<UnrevokedGrant> {
    note.is_refresh_token.then(|| note.into())
}

/// The grants of which the record has tokens, as they are remembered once it has none.
pub(super) fn living(record: &Record) -> impl Iterator<Item = UnrevokedGrant> {
    let noted = record.to_revoke.iter().cloned().filter_map(unrevoked_note);
    noted.chain(record.grants_of_clients().filter_map(|(grant, client_id)| unrevoked(grant, client_id)))
}

/// Remembers a grant that is left to the provider. Of more than the provider keeps, the oldest have ended there.
pub(super) fn remember(record: &mut Record, left: UnrevokedGrant, limit: Option<GrantLimit>) {
    let kept = limit.map_or(MOST_REMEMBERED, |limit| limit.grants);
    let is_alike = |other: &UnrevokedGrant| other.client_id == left.client_id && other.account == left.account;
    while record.unrevoked.iter().filter(|other| is_alike(other)).count() >= kept {
        let Some(oldest) = record.unrevoked.iter().position(is_alike) else { break };
        record.unrevoked.remove(oldest);
    }
    record.unrevoked.push(left);
    let excess = record.unrevoked.len().saturating_sub(MOST_REMEMBERED);
    record.unrevoked.drain(..excess);
}

/// Notes a grant as one to be revoked as soon as the provider can be told, in the place of what was noted of it before it was known
/// whose it is. Of more than can wait the oldest are given up.
pub(super) fn note(record: &mut Record, note: RevocationNote, limit: Option<GrantLimit>) {
    record.to_revoke.retain(|before| before.token != note.token);
    record.to_revoke.push(note);
    let excess = record.to_revoke.len().saturating_sub(MOST_NOTES);
    let given_up: Vec<_> = record.to_revoke.drain(..excess).filter_map(unrevoked_note).collect();
    for left in given_up {
        remember(record, left, limit);
    }
}

/// The same of the grant that is kept of an import. Tells whether there was one.
pub(super) fn note_used_up(record: &mut Record, limit: Option<GrantLimit>) -> bool {
    let Some(used_up) = record.used_up.take() else { return false };
    let kept = RevocationNote::of(&used_up.grant, used_up.client_id(&record.client_id));
    note(record, kept, limit);
    true
}

/// The grants that one record knows to live, with the provider that gave them.
#[derive(Debug, Default)]
pub(super) struct Counted {
    provider: String,
    grants: Vec<UnrevokedGrant>,
}

impl Counted {
    pub(super) fn of(record: &Record) -> Self {
        let grants = record.unrevoked.iter().cloned().chain(living(record)).collect();
        Self { provider: record.provider.clone(), grants }
    }
}

/// The living grants of every client.
#[derive(Default)]
pub(super) struct Census<'a> {
    /// By provider and client id.
    by_client: BTreeMap<(&'a str, &'a str), Grants<'a>>,
}

/// The living grants of one client, by the account that gave them.
#[derive(Default)]
struct Grants<'a> {
    by_account: BTreeMap<&'a str, usize>,
    /// Of these, nobody knows who approved: each counts for every account.
    unknown: usize,
}

impl<'a> Census<'a> {
    pub(super) fn of(all: impl Iterator<Item = &'a Counted>) -> Self {
        let mut census = Self::default();
        for Counted { provider, grants } in all {
            for grant in grants {
                let client = census.by_client.entry((provider, &grant.client_id)).or_default();
                match &grant.account {
                    Some(account) => *client.by_account.entry(account).or_default() += 1,
                    None => client.unknown += 1,
                }
            }
        }
        census
    }

    /// The account with the most grants of the profile's client, if any is known, and how many it may have.
    fn largest(&self, profile: &Profile) -> Option<(Option<&'a str>, usize)> {
        let client = self.by_client.get(&(profile.provider.as_str(), profile.client_id.as_str()))?;
        let known = client.by_account.iter().max_by_key(|(_, count)| **count);
        let total = known.map_or(0, |(_, count)| *count) + client.unknown;
        (total > 0).then(|| (known.map(|(account, _)| *account), total))
    }
}

fn warning(
    profile: &Profile,
    dialect: &Dialect,
    limit: GrantLimit,
    living: usize,
    account: Option<&str>,
    is_signed_in: bool,
) -> String {
    let (name, kept) = (dialect.display_name, limit.grants);
    let person = account.map_or_else(|| "one person".to_owned(), |account| format!("account {account}"));
    let counted = living.min(kept);
    let fate = if living < kept {
        format!("{name} keeps {kept} for each person and silently ends the oldest of more")
    } else {
        format!("{name} keeps no more for each person, so another sign-in silently ends the oldest")
    };
    let helps = match dialect.removal_by_hand {
        _ if is_signed_in => "a logout before the next sign-in revokes its grant".to_owned(),
        Some(page) => format!("those that nobody needs can be removed by hand at {name} ({page})"),
        None => format!("those that nobody needs can be removed by hand in the account's settings at {name}"),
    };
    format!(
        "{counted} unrevoked grants of {person} for client {} are known here, and those made on other machines are not \
         seen. {fate}: {helps}.",
        profile.client_id
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{has_ended, living};
    use crate::providers::RevocationEnds::{AllOfThePerson, ThatGrant};
    use crate::secret::Secret;
    use crate::storage::{Account, Grant, Record, RevocationNote, UsedUp};

    fn record(refresh_token: &str, account: &str) -> Record {
        let name = "other".parse().expect("a name");
        let account = Account { id: account.to_owned(), email: None, name: None };
        let grant = Grant::new("https://issuer", Vec::new(), Secret::new("AT"), Timestamp::UNIX_EPOCH, None);
        let grant = Grant { refresh_token: Some(Secret::new(refresh_token)), account: Some(account), ..grant };
        Record { grant: Some(grant), ..Record::empty(name, "corp".to_owned(), "client".to_owned()) }
    }

    #[test]
    fn each_grant_of_a_record_counts_for_the_client_that_it_was_given_to() {
        let grant = |of| record(of, of).grant.expect("a grant");
        let note = RevocationNote::of(&grant("noted"), "before");
        let used_up = |client: Option<&str>| UsedUp {
            token: Secret::new("RT"),
            client_id: client.map(str::to_owned),
            grant: grant("imported"),
        };
        for (client, counted) in [(Some("after"), "after"), (None, "client")] {
            let record = Record {
                used_up: Some(Box::new(used_up(client))),
                to_revoke: vec![note.clone()],
                ..record("RT", "own")
            };
            let living: Vec<_> =
                living(&record).map(|left| (left.client_id, left.account.expect("it is known"))).collect();
            let expected = [("before", "noted"), ("client", "own"), (counted, "imported")];
            assert_eq!(living, expected.map(|(client, account)| (client.to_owned(), account.to_owned())));
        }
    }

    #[test]
    fn a_grant_ends_with_its_token_and_all_of_a_person_where_the_provider_has_it_so() {
        let grant = record("RT", "dana").grant.expect("a grant");
        let revoked = RevocationNote::of(&grant, "client");
        for (token, account, ends, has) in [
            ("RT", "dana", ThatGrant, true),
            ("RT2", "dana", ThatGrant, false),
            ("RT2", "dana", AllOfThePerson, true),
            ("RT2", "erin", AllOfThePerson, false),
        ] {
            assert_eq!(has_ended(&record(token, account), &revoked, ends), has, "{token} {account} {ends:?}");
        }
    }
}
