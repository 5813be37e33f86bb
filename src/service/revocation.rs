//! How access is given back: revoked at the provider, and forgotten here.
//!
//! A sign-out first turns the grant into a note, so that the sign-in is over whatever happens next, and then revokes what
//! is noted. A note goes when the provider has revoked its token or does not know it; while the reason may pass, the note
//! stays and is tried again. No token is dropped before the provider was asked, unless a person wants just that.

use std::time::Duration;

use super::aside::aside;
use super::failure::Asked;
use super::{Service, data_center_of_issuer, grants, home_data_center, store_error, transport_error};
use crate::clock;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::http::Request;
use crate::oauth::Client;
use crate::oauth::wire::{self, Unrevoked};
use crate::providers::explained::Place;
use crate::providers::{DataCenter, Provider, Revocation};
use crate::storage::{Happened, LockedRecord, Record, RevocationNote, StoreError};

/// How long a sign-in waits for what an earlier sign-out could not revoke.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many tokens at most wait to be revoked; of more, the oldest are given up.
const MOST_NOTES: usize = 20;

/// What signing out did.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedOut {
    /// `None` where there was nothing to revoke or revoking was not wanted.
    pub revoked: Option<Result<(), Error>>,
    /// Whether a grant was there to forget.
    pub forgotten: bool,
    /// Revoking failed for a reason that may pass: the token is kept until the next sign-out or sign-in tries again.
    pub is_noted: bool,
}

/// Why a token was not revoked.
pub(super) struct NotRevoked {
    pub(super) error: Error,
    /// Nothing was said about the token, so another try may work.
    may_pass: bool,
    /// There was no answer, so other tokens of the same issuer need not be tried now.
    is_unreachable: bool,
}

impl NotRevoked {
    fn passing(error: Error) -> Self {
        Self { error, may_pass: true, is_unreachable: false }
    }
}

impl Service {
    /// Revokes the grant at the provider unless `local`, and forgets it here whether that worked or not. The client's
    /// secret stays, so that the profile can sign in again.
    pub async fn sign_out(&self, profile: &Profile, local: bool) -> Result<SignedOut, Error> {
        if local {
            let forgotten = self.forget_grant(profile).await?;
            return Ok(SignedOut { revoked: None, forgotten, is_noted: false });
        }
        let forgotten = match self.note_grant(profile).await {
            Ok(forgotten) => forgotten,
            Err(error) => return Err(self.revoke_all_the_same(profile, error).await),
        };
        let (revoked, is_noted) = self.revoke_noted(profile).await?;
        Ok(SignedOut { revoked, forgotten, is_noted })
    }

    /// Tries what earlier sign-outs could not revoke, without a word: a sign-in neither fails by it nor waits for long.
    pub(super) async fn revoke_noted_quietly(&self, profile: &Profile) {
        let _ = tokio::time::timeout(PATIENCE, self.revoke_noted(profile)).await;
    }

    /// Turns the grant into a note; tells whether there was one.
    async fn note_grant(&self, profile: &Profile) -> Result<bool, Error> {
        let limit = self.grant_limit(profile);
        self.end_sign_in(profile, |record| {
            let Some(grant) = record.grant.take() else { return false };
            record.note(Happened::SignedOut, "", &self.actor, clock::wall());
            record.to_revoke.push(RevocationNote::of(&grant, &record.client_id));
            let excess = record.to_revoke.len().saturating_sub(MOST_NOTES);
            let given_up: Vec<_> = record.to_revoke.drain(..excess).filter_map(grants::unrevoked_note).collect();
            for left in given_up {
                grants::remember(record, left, limit);
            }
            true
        })
        .await
    }

    /// Forgets the grant and all notes; tells whether there were any.
    async fn forget_grant(&self, profile: &Profile) -> Result<bool, Error> {
        let limit = self.grant_limit(profile);
        self.end_sign_in(profile, |record| {
            let grant = record.grant.take().map(|grant| grants::unrevoked(&grant, &record.client_id));
            let notes: Vec<_> = record.to_revoke.drain(..).map(grants::unrevoked_note).collect();
            let forgotten = grant.is_some() || !notes.is_empty();
            if forgotten {
                record.note(Happened::SignedOut, "without a word to the provider", &self.actor, clock::wall());
            }
            for left in notes.into_iter().chain(grant).flatten() {
                grants::remember(record, left, limit);
            }
            forgotten
        })
        .await
    }

    /// Revokes every noted token. Gives the outcome, if there was one to revoke, and whether a note stays.
    async fn revoke_noted(&self, profile: &Profile) -> Result<(Option<Result<(), Error>>, bool), Error> {
        let Some(record) = self.record(&profile.name).await?.filter(|record| !record.to_revoke.is_empty()) else {
            return Ok((None, false));
        };
        let (mut settled, mut unreachable, mut problem) = (Vec::new(), Vec::new(), None);
        // The newest first: it is the one that somebody waits for.
        for note in record.to_revoke.iter().rev() {
            if unreachable.contains(&&note.issuer) {
                continue;
            }
            let failed = self.revoke_note(profile, note, &record).await.err();
            if failed.as_ref().is_some_and(|failed| failed.is_unreachable) {
                unreachable.push(&note.issuer);
            }
            if failed.as_ref().is_none_or(|failed| !failed.may_pass) {
                settled.push(note);
            }
            problem = problem.or(failed.map(|failed| failed.error));
        }
        let is_noted = settled.len() < record.to_revoke.len();
        self.change_record(profile, |record| {
            let before = record.to_revoke.len();
            record.to_revoke.retain(|note| !settled.contains(&note));
            let is_changed = record.to_revoke.len() < before || problem.is_some();
            if is_changed {
                let what = if problem.is_none() { Happened::Revoked } else { Happened::NotRevoked };
                let reason = problem.as_ref().map(Error::reason).unwrap_or_default();
                record.note(what, reason, &self.actor, clock::wall());
            }
            is_changed
        })
        .await?;
        Ok((Some(problem.map_or(Ok(()), Err)), is_noted))
    }

    async fn revoke_note(&self, profile: &Profile, note: &RevocationNote, record: &Record) -> Result<(), NotRevoked> {
        let provider = self.provider_at(profile, note.endpoints.as_ref()).await.map_err(NotRevoked::passing)?;
        let data_center = data_center_of_issuer(&provider, &note.data_center, &note.issuer);
        let data_center = data_center.map_err(NotRevoked::passing)?;
        let (asking, known, from) = (profile.clone(), record.clone(), provider.clone());
        let client = self.aside(move |service| service.client(&asking, Some(&known), &from)).await;
        let mut client = client.map_err(NotRevoked::passing)?;
        client.id.clone_from(&note.client_id);
        client.authentication.sort_by_key(|way| Some(*way) != note.client_authentication);
        self.revoke(note, &provider, data_center, profile, &client).await
    }

    /// Revokes the refresh token, and with it all access tokens; the access token where there is no refresh token.
    ///
    /// The server that issued it is asked first. Zoho's own pages disagree on whether that or the client's home is the
    /// right one, so where the first one refuses, the home is asked as well.
    pub(super) async fn revoke(
        &self,
        note: &RevocationNote,
        provider: &Provider,
        data_center: &DataCenter,
        profile: &Profile,
        client: &Client,
    ) -> Result<(), NotRevoked> {
        let what = "the grant could not be revoked";
        let (place, scopes) = (Place::Revocation, &profile.scopes[..]);
        let home = home_data_center(profile, provider).ok().filter(|home| home.code != data_center.code);
        let mut refused = Error::new(Code::Provider, what).because(format!("{} offers no revocation", provider.name));
        let asked = |data_center| Asked { what, place, provider, data_center, profile, scopes, client };
        // Whatever the reason, the access still stands, which matters more than mending the reason.
        let by_hand = asked(data_center).removal_by_hand();
        let known = client.known([&note.token]);
        for data_center in [Some(data_center), home].into_iter().flatten() {
            let asked = asked(data_center);
            let mut passing = None;
            for form in &data_center.endpoints.revocation {
                let response = match self.http.send(revocation_request(form, note, client, data_center)).await {
                    Ok(response) => response,
                    Err(failure) => {
                        let error = transport_error(what, &failure).hint(by_hand);
                        return Err(NotRevoked { error, may_pass: true, is_unreachable: true });
                    }
                };
                if let Some(to) = wire::moved_to(&form.url, &response) {
                    passing = Some(asked.moved(response.status, &to));
                    continue;
                }
                match wire::read_revocation(provider.dialect, &response) {
                    Ok(()) => return Ok(()),
                    Err(Unrevoked::Refused(Some(answer))) => refused = asked.refused(&answer.without(&known)),
                    Err(Unrevoked::Refused(None)) => {
                        let name = provider.dialect.display_name;
                        let cause = format!("{name} answered HTTP {}", response.status);
                        refused = Error::new(Code::Provider, what).because(cause);
                    }
                    Err(Unrevoked::Client(answer)) => passing = Some(asked.refused(&answer.without(&known))),
                    Err(Unrevoked::Throttled(pause)) => passing = Some(asked.throttled_for(pause)),
                    Err(Unrevoked::Garbled(trouble)) => passing = Some(asked.garbled(trouble, response.status)),
                }
            }
            if let Some(error) = passing {
                return Err(NotRevoked::passing(error.hint(by_hand)));
            }
        }
        Err(NotRevoked { error: refused.hint(by_hand), may_pass: false, is_unreachable: false })
    }

    /// Where no note can be kept, revoking is tried all the same; the store's error then says what came of it.
    async fn revoke_all_the_same(&self, profile: &Profile, error: Error) -> Error {
        let record = self.record(&profile.name).await.ok().flatten();
        let Some((record, grant)) = record.as_ref().and_then(|record| Some((record, record.grant.as_ref()?))) else {
            return error;
        };
        let note = RevocationNote::of(grant, &record.client_id);
        match self.revoke_note(profile, &note, record).await {
            Ok(()) => error.adding("the grant was revoked at the provider, but is still here"),
            Err(failed) => error.adding(format!("{}, and is still here", failed.error)),
        }
    }

    /// The same for a change that takes the grant out of the record, and of the copies of it that there may be.
    async fn end_sign_in(&self, profile: &Profile, change: impl FnOnce(&mut Record) -> bool) -> Result<bool, Error> {
        let mut before = None;
        let is_changed = self
            .change_record(profile, |record| {
                before = Some(record.clone());
                change(record)
            })
            .await?;
        if let Some(before) = before {
            self.forget_copies(&before).await?;
        }
        Ok(is_changed)
    }

    /// Commits what `change` makes of the record, unless it says that there is nothing new; nothing older stays behind.
    async fn change_record(&self, profile: &Profile, change: impl FnOnce(&mut Record) -> bool) -> Result<bool, Error> {
        let locked = self.lock(&profile.name).await?;
        let (mut locked, record) =
            aside(move || locked.load().map(|record| (locked, record))).await.map_err(store_error)?;
        let Some(mut record) = record else { return Ok(false) };
        let is_changed = change(&mut record);
        let commit = move || {
            if record.grant.is_none() {
                // What was called belongs to the sign-in that is over.
                locked.save_calls(&[])?;
            }
            if is_changed { commit_for_good(&mut *locked, &mut record) } else { Ok(()) }
        };
        aside(commit).await.map_err(store_error)?;
        Ok(is_changed)
    }
}

/// Commits, and deletes the generation before, which still has what is now gone.
fn commit_for_good(locked: &mut dyn LockedRecord, record: &mut Record) -> Result<(), StoreError> {
    locked.commit(record).and_then(|()| locked.forget_previous())
}

fn revocation_request(form: &Revocation, note: &RevocationNote, client: &Client, data_center: &DataCenter) -> Request {
    let kind = if note.is_refresh_token { "refresh_token" } else { "access_token" };
    let mut parameters = vec![("token", note.token.expose())];
    parameters.extend(form.type_parameter.map(|name| (name, kind)));
    let own = client.authentication_at(&data_center.code);
    let authentication = form.client_authentication.unwrap_or(own);
    wire::client_form(form.url.clone(), data_center, client, authentication, &parameters)
}
