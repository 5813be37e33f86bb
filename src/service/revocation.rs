//! How access is given back: revoked at the provider, and forgotten here.
//!
//! A sign-out first turns the grant into a note, so that the sign-in is over whatever happens next, and then revokes what
//! is noted. A note goes when the provider has revoked its token, does not know it or revokes none; else it stays and is
//! tried again. No token is dropped before the provider was asked, unless a person wants just that.

use std::time::Duration;

use super::failure::{Asked, REMOVAL_BY_HAND};
use super::{Service, data_center_of_issuer, endpoints, grants, home_data_center, transport_error};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::config::{Profile, ProviderSource};
use crate::error::{Advice, Code, Error};
use crate::http::Request;
use crate::oauth::Client;
use crate::oauth::wire::{self, Unrevoked};
use crate::profile::ProfileName;
use crate::providers::explained::Place;
use crate::providers::{DataCenter, Dialect, GrantLimit, Provider, Revocation, RevocationEnds};
use crate::sorted;
use crate::storage::{Grant, Happened, Held, LOCK_PATIENCE, Record, RevocationNote, StoreError, UnrevokedGrant};

/// How long a sign-in waits for what an earlier sign-out could not revoke.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long another profile is waited for that ended as well: what was revoked has yet to be noted.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_millis(250);

/// What signing out did.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is true or false for itself")]
pub struct SignedOut {
    /// `None` where there was nothing to revoke or revoking was not wanted.
    pub revoked: Option<Result<(), Error>>,
    /// Whether a grant was there to forget.
    pub forgotten: bool,
    /// Whether a sign-in was pending, which is given up.
    pub gave_up: bool,
    /// Revoking failed for a reason that may pass: the token is kept until the next sign-out or sign-in tries again.
    pub is_noted: bool,
    /// Grants of earlier sign-ins of the profile that nobody has revoked, as far as they are known here.
    pub left_alive: usize,
    /// The provider revoked nothing since it knows no such token, which is as good as revoked.
    pub is_unknown: bool,
    /// Other profiles whose grant ended with this one.
    pub also_ended: Vec<ProfileName>,
    /// Why the grant had ended before, where nothing of what was forgotten is left at the provider for all that is known.
    pub ended: Option<String>,
}

/// Why a token was not revoked.
pub(super) struct NotRevoked {
    pub(super) error: Error,
    /// How a person takes the access back.
    by_hand: String,
    left: Left,
    /// There was no answer, so other tokens of the same issuer need not be tried now.
    is_unreachable: bool,
}

/// For what a token is revoked.
#[derive(Clone, Copy)]
enum Why {
    SignOut,
    /// A sign-in does not keep its grant.
    GivenBack,
    /// It waited for that when a sign-in began or ended.
    Earlier,
}

impl Why {
    /// Why another sign-in ended with the grant.
    fn in_words(self, profile: &ProfileName) -> String {
        let what = match self {
            Self::SignOut => "logout",
            Self::GivenBack => "refused sign-in",
            Self::Earlier => "revocation of an earlier grant",
        };
        format!("the {what} of profile `{profile}` ended this sign-in as well")
    }
}

/// What is left of a grant that was not revoked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing was said about the token, so another try may work.
    Unclear,
    /// The provider revokes no such tokens: it lives until it ends.
    Alive,
    /// The provider does not know it.
    Nothing,
}

impl NotRevoked {
    /// The error of a token that is kept.
    fn kept_for_later(self, profile: &Profile) -> Error {
        let name = || profile.name.clone();
        let forget = Advice::Forget(name()).after(format!("or {}, and ", self.by_hand));
        self.error.advise(Advice::SignOut(name()).and(" to try again")).advise(forget)
    }

    /// Nobody was asked, or nobody answered.
    fn unclear(error: Error) -> Self {
        Self { error, by_hand: REMOVAL_BY_HAND.to_owned(), left: Left::Unclear, is_unreachable: false }
    }
}

impl Service {
    /// Revokes the grant at the provider unless `local`, and forgets it here whether that worked or not. The client's
    /// secret stays, so that the profile can sign in again.
    pub async fn sign_out(&self, profile: &Profile, local: bool) -> Result<SignedOut, Error> {
        if local && self.forget_moved(profile).await? {
            return Ok(SignedOut { forgotten: true, ..SignedOut::default() });
        }
        // Another place lives on the grant.
        self.refuse_moved(&profile.name).await?;
        if local {
            return self.forget_grant(profile).await;
        }
        let (grant, gave_up) = match self.note_grant(profile).await {
            Ok(noted) => noted,
            Err(error) => return Err(self.revoke_all_the_same(profile, error).await),
        };
        let tried = self.revoke_noted(profile, grant.as_ref(), Why::SignOut).await?;
        let ended = grant.as_ref().and_then(|grant| grants::why_over(grant, clock::wall())).filter(|_| !tried.is_noted);
        // That a grant could not be revoked which had ended is no trouble.
        let revoked = tried.revoked.filter(|revoked| revoked.is_ok() || ended.is_none());
        // Where the store goes away by now, what was done is told all the same.
        let record = self.record(&profile.name).await.ok().flatten();
        let unrevoked = record.map_or_else(Vec::new, |record| record.unrevoked);
        // What became of the grant itself is told beside them.
        let is_earlier = |left: &&UnrevokedGrant| grant.as_ref().is_none_or(|own| own.approved_at != left.approved_at);
        let left_alive = unrevoked.iter().filter(is_earlier).count();
        let forgotten = grant.is_some();
        Ok(SignedOut { revoked, forgotten, gave_up, left_alive, ended, ..tried })
    }

    /// Tries what earlier sign-outs could not revoke, without a word: a sign-in neither fails by it nor waits for long.
    pub(super) async fn revoke_noted_quietly(&self, profile: &Profile) {
        let _ = clock::within(PATIENCE, Box::pin(self.revoke_noted(profile, None, Why::Earlier))).await;
    }

    /// Turns the grant into a note, and gives it if there was one; and whether a pending sign-in was given up.
    async fn note_grant(&self, profile: &Profile) -> Result<(Option<Grant>, bool), Error> {
        let limit = self.grant_limit(profile);
        let (mut noted, mut gave_up) = (None, false);
        self.end_sign_in(profile, |record| {
            // Nobody is to be signed in by a code that is still on its way.
            gave_up = record.pending.take().is_some();
            noted = record.grant.take();
            let had_import = grants::note_used_up(record, limit);
            let Some(grant) = &noted else { return gave_up || had_import };
            // It ends after it began, whatever the clock says.
            record.note(Happened::SignedOut, "", &self.actor, clock::wall().max(grant.approved_at));
            if !grants::is_revoked(grant) {
                grants::note(record, RevocationNote::of(grant, &record.client_id), limit);
            }
            true
        })
        .await?;
        Ok((noted, gave_up))
    }

    /// Forgets the grant, all notes and a pending sign-in.
    async fn forget_grant(&self, profile: &Profile) -> Result<SignedOut, Error> {
        let limit = self.grant_limit(profile);
        let mut done = SignedOut::default();
        self.end_sign_in(profile, |record| {
            done = self.forget_in(record, limit);
            done.forgotten || done.gave_up
        })
        .await?;
        Ok(done)
    }

    /// The same with what stayed of a record that has moved, since the other store may be lost. Whether there is one.
    async fn forget_moved(&self, profile: &Profile) -> Result<bool, Error> {
        let limit = self.grant_limit(profile);
        let forget = move |service: &Self, held: &mut Held| {
            Ok(held.forget_moved(|record| _ = service.forget_in(record, limit))?)
        };
        self.holding(&profile.name, forget).await
    }

    fn forget_in(&self, record: &mut Record, limit: Option<GrantLimit>) -> SignedOut {
        let before = record.take_sign_in();
        let left: Vec<_> = grants::living(&before).collect();
        let Record { grant, pending, to_revoke, used_up, .. } = before;
        let is_more = used_up.is_some() || !to_revoke.is_empty();
        let forgotten = grant.is_some() || is_more;
        let now = clock::wall();
        let ended = grant.as_ref().and_then(|grant| grants::why_over(grant, now)).filter(|_| !is_more);
        if forgotten {
            let began = grant.as_ref().map(|grant| grant.approved_at);
            let now = now.max(began.unwrap_or_default());
            record.note(Happened::SignedOut, "without a word to the provider", &self.actor, now);
        }
        for left in left {
            grants::remember(record, left, limit);
        }
        SignedOut { forgotten, gave_up: pending.is_some(), ended, ..SignedOut::default() }
    }

    /// Revokes every noted token, the last one that of `grant`, whose other tokens are secret as well. Tells what came of the notes.
    async fn revoke_noted(&self, profile: &Profile, grant: Option<&Grant>, why: Why) -> Result<SignedOut, Error> {
        let noted = self.record_with_notes(profile).await.map_err(|error| match grant {
            Some(_) => error.adding("the profile is signed out here, and its next login or logout revokes the grant"),
            None => error,
        })?;
        let Some(record) = noted else { return Ok(SignedOut::default()) };
        let (mut settled, mut also_ended, mut unreachable) = (Vec::new(), Vec::new(), Vec::new());
        let (mut unclear, mut refused) = (None, None);
        let dialect = self.config.provider(profile).map(ProviderSource::dialect).ok();
        let ends = dialect.map_or(RevocationEnds::Unknown, |dialect| dialect.revocation_ends);
        // The newest first: it is the one that somebody waits for.
        for note in record.to_revoke.iter().rev() {
            let waits = || matches!(why, Why::Earlier) && grants::may_end_living(&record, note, ends, clock::wall());
            if unreachable.contains(&&note.issuer) || waits() {
                continue;
            }
            match self.revoke_note(profile, note, &record, grant, why).await {
                Ok(ended) => {
                    settled.push((note, None));
                    also_ended.extend(ended);
                }
                Err(failed) if failed.left == Left::Unclear => {
                    unreachable.extend(failed.is_unreachable.then_some(&note.issuer));
                    unclear.get_or_insert_with(|| failed.kept_for_later(profile));
                }
                Err(failed) => {
                    settled.push((note, Some(failed.left)));
                    refused.get_or_insert_with(|| failed.error.advise_only(failed.by_hand));
                }
            }
        }
        let is_noted = settled.len() < record.to_revoke.len();
        let lives = |left: &Option<Left>| matches!(left, Some(Left::Alive));
        let is_unknown = unclear.is_none() && refused.is_some() && !settled.iter().any(|(_, left)| lives(left));
        let problem = unclear.or(refused);
        self.change_record(profile, |record| {
            let is_changed = settle(record, &settled, dialect) || problem.is_some();
            if is_changed {
                let (what, reason) = match &problem {
                    None => (Happened::Revoked, String::new()),
                    Some(_) if is_unknown => (Happened::Revoked, "no such token was known there any more".to_owned()),
                    Some(problem) => (Happened::NotRevoked, problem.reason()),
                };
                record.note(what, &reason, &self.actor, clock::wall());
            }
            is_changed
        })
        .await
        .map_err(|error| still_here(error, problem.as_ref()))?;
        let revoked = Some(problem.map_or(Ok(()), Err));
        Ok(SignedOut { revoked, is_noted, is_unknown, also_ended, ..SignedOut::default() })
    }

    /// A record that has something to revoke.
    async fn record_with_notes(&self, profile: &Profile) -> Result<Option<Box<Record>>, Error> {
        let with_notes = |record: Option<Box<Record>>| record.filter(|record| !record.to_revoke.is_empty());
        if with_notes(self.record(&profile.name).await?).is_none() {
            return Ok(None);
        }
        // A sign-in has the right to the record for as long as one of the notes is of a grant that it may yet keep.
        Ok(with_notes(self.holding(&profile.name, |_, held| Ok(held.load()?)).await?))
    }

    /// Revokes a grant that a sign-in does not keep, and gives the profiles whose grant ended with that. One that is noted goes on waiting for
    /// it where the trouble may pass, or there is no answer by the time that is given.
    pub(super) async fn revoke_given_back(
        &self,
        note: &RevocationNote,
        noted_until: Option<Moment>,
        provider: &Provider,
        data_center: &DataCenter,
        profile: &Profile,
        client: &Client,
    ) -> Result<Vec<ProfileName>, Error> {
        let revoking = Box::pin(self.revoke(note, provider, data_center, profile, client, Why::GivenBack));
        let answered = match noted_until {
            Some(end) => clock::within(end - clock::now(), revoking).await,
            None => Some(revoking.await),
        };
        let silent = || Error::new(Code::Network, "the grant could not be revoked").because("no answer came");
        let revoked = match answered {
            Some(revoked) => revoked,
            None => Err(NotRevoked { is_unreachable: true, ..NotRevoked::unclear(silent()) }),
        };
        let is_noted = noted_until.is_some();
        let left = revoked.as_ref().err().map(|failed| failed.left);
        if is_noted && left != Some(Left::Unclear) {
            // Where that cannot be kept, the provider says to the next one that it does not know the token.
            let _ = self.change_record(profile, |record| settle(record, &[(note, left)], Some(provider.dialect))).await;
        }
        revoked.or_else(|failed| match failed.left {
            Left::Unclear if is_noted => {
                Err(failed.kept_for_later(profile).adding("the next login or logout of the profile tries again"))
            }
            Left::Alive | Left::Unclear => Err(failed.error.advise(failed.by_hand)),
            Left::Nothing => Ok(Vec::new()),
        })
    }

    /// Revokes one token, and gives the profiles whose grant ended with that.
    async fn revoke_note(
        &self,
        profile: &Profile,
        note: &RevocationNote,
        record: &Record,
        grant: Option<&Grant>,
        why: Why,
    ) -> Result<Vec<ProfileName>, NotRevoked> {
        let provider = self.provider_at(profile, note.endpoints.as_deref()).await.map_err(NotRevoked::unclear)?;
        let data_center = data_center_of_issuer(profile, &provider, &note.data_center, &note.issuer);
        let data_center = data_center.map_err(NotRevoked::unclear)?;
        self.check_approved(profile, note.endpoints.as_deref(), endpoints::REVOCATION).map_err(NotRevoked::unclear)?;
        let keys = [endpoints::REVOCATION];
        let what = "the grant could not be revoked";
        self.check_client_endpoints(profile, record, &provider, &keys, what).map_err(NotRevoked::unclear)?;
        let (asking, known, from) = (profile.clone(), record.clone(), provider.clone());
        let client = self.aside(move |service| service.client(&asking, Some(&known), &from, &keys)).await;
        let mut client = match client {
            Ok(client) => client,
            // Where nobody is asked, nothing that is missing for it can help.
            Err(_) if !is_asked(&provider, data_center, profile) => Client::new(&note.client_id, None),
            Err(error) => return Err(NotRevoked::unclear(error)),
        };
        client.id.clone_from(&note.client_id);
        client.tokens.extend(grant.into_iter().flat_map(Grant::tokens).cloned());
        sorted::by_key(&mut client.authentication, |way| Some(*way) != note.client_authentication);
        self.revoke(note, &provider, data_center, profile, &client, why).await
    }

    /// Has the profiles whose grant ended with a token that was revoked hand out nothing of it any more. Gives their names.
    async fn end_with(
        &self,
        revoked: &RevocationNote,
        ends: RevocationEnds,
        profile: &Profile,
        why: Why,
    ) -> Vec<ProfileName> {
        let (revoked, profile) = (revoked.clone(), profile.clone());
        self.aside(move |service| {
            let end = |held: &mut Held| {
                let record = held.load()?.filter(|record| grants::has_ended(record, &revoked, ends));
                let Some(mut record) = record else { return Ok(false) };
                let why = why.in_words(&profile.name);
                record.note(Happened::Revoked, &why, &service.actor, clock::wall());
                if let Some(grant) = &mut record.grant {
                    if let Some(last) = &mut grant.last_refresh {
                        // What is there is of an earlier trouble.
                        (last.failure, last.error) = (None, Some(why.clone()));
                    }
                    grant.refused = Some(why);
                }
                held.commit(&mut record).map(|()| true)
            };
            let mut ended = service.ended_with(&revoked, ends, &profile);
            // Where that fails, the provider tells whoever refreshes it.
            ended.retain(|other| service.store.holding(other, PATIENCE_WITH_OTHERS, end).unwrap_or(false));
            ended
        })
        .await
    }

    /// Revokes the refresh token, and with it all access tokens; the access token where there is no refresh token. Gives the profiles
    /// whose grant ended with that.
    ///
    /// The server that issued it is asked first. Zoho's own pages disagree on whether that or the client's home is the
    /// right one, so where the first one refuses, the home is asked as well.
    async fn revoke(
        &self,
        note: &RevocationNote,
        provider: &Provider,
        data_center: &DataCenter,
        profile: &Profile,
        client: &Client,
        why: Why,
    ) -> Result<Vec<ProfileName>, NotRevoked> {
        let what = "the grant could not be revoked";
        let (place, scopes) = (Place::Revocation, &profile.scopes[..]);
        let home = home_data_center(profile, provider).ok().filter(|home| home.code != data_center.code);
        let asked = |data_center| Asked { what, place, provider, data_center, profile, scopes, client };
        let by_hand = asked(data_center).removal_by_hand();
        let known = client.known([&note.token]);
        let failed = |error: Error, left| NotRevoked { error, by_hand: by_hand.clone(), left, is_unreachable: false };
        let name = provider.dialect.display_name;
        let unsupported = |cause: String| {
            let stays = "the access stays valid until it ends or is taken away by hand";
            failed(Error::new(Code::Provider, what).because(cause).adding(stays), Left::Alive)
        };
        let is_elsewhere = data_center.endpoints.foreign.iter().any(|known| known.key == endpoints::REVOCATION);
        let mut refused = unsupported(if is_elsewhere {
            format!("no `{}` is given, and the one of {name} is another server's", endpoints::REVOCATION)
        } else {
            format!("{name} offers no revocation")
        });
        for data_center in [Some(data_center), home].into_iter().flatten() {
            let asked = asked(data_center);
            let mut unclear = None;
            for form in &data_center.endpoints.revocation {
                let response = match self.http.send(revocation_request(form, note, client, data_center)).await {
                    Ok(response) => response,
                    Err(failure) => {
                        let error = Error { advice: Vec::new(), ..transport_error(what, &failure) };
                        return Err(NotRevoked { is_unreachable: true, ..failed(error, Left::Unclear) });
                    }
                };
                if let Some(to) = wire::moved_to(&form.url, &response) {
                    unclear = Some(failed(asked.moved(response.status, &to), Left::Unclear));
                    continue;
                }
                let error = match wire::read_revocation(provider.dialect, &response) {
                    Ok(()) => return Ok(self.end_with(note, provider.dialect.revocation_ends, profile, why).await),
                    Err(Unrevoked::UnknownToken(answer)) => {
                        refused = failed(asked.refused(&answer.without(&known)), Left::Nothing);
                        continue;
                    }
                    Err(Unrevoked::Unsupported(answer)) => {
                        let said = answer.map(|answer| answer.without(&known).to_string());
                        let said = said.unwrap_or_else(|| format!("HTTP {}", response.status));
                        refused = unsupported(format!("{name} does not revoke such tokens ({said})"));
                        continue;
                    }
                    Err(Unrevoked::Client(answer)) => asked.refused(&answer.without(&known)),
                    Err(Unrevoked::Refused(answer)) => {
                        Error { advice: Vec::new(), ..asked.refused(&answer.without(&known)) }
                    }
                    Err(Unrevoked::Throttled(pause)) => asked.throttled_for(pause),
                    Err(Unrevoked::Garbled(trouble)) => {
                        Error { advice: Vec::new(), ..asked.garbled(trouble, response.status) }
                    }
                };
                unclear = Some(failed(error, Left::Unclear));
            }
            if let Some(unclear) = unclear {
                return Err(unclear);
            }
        }
        Err(refused)
    }

    /// Where no note can be kept, or something older cannot be deleted beside it, revoking is tried all the same; the store's error
    /// then says what came of it.
    async fn revoke_all_the_same(&self, profile: &Profile, error: Error) -> Error {
        // One that has moved meanwhile is another store's to revoke.
        let record = self.record(&profile.name).await.ok().flatten().filter(|record| record.moved.is_none());
        let Some(record) = record else { return error };
        let grant = record.grant.as_ref().filter(|grant| !grants::is_revoked(grant));
        let of_grant = grant.map(|grant| RevocationNote::of(grant, &record.client_id));
        let Some(note) = of_grant.or_else(|| record.to_revoke.last().cloned()) else { return error };
        let failed =
            self.revoke_note(profile, &note, &record, None, Why::SignOut).await.err().map(|failed| failed.error);
        still_here(error, failed.as_ref())
    }

    /// Changes the record as `change_record` does, by what takes its grant out, and forgets the copies of the record that there
    /// may be.
    async fn end_sign_in(&self, profile: &Profile, change: impl FnOnce(&mut Record) -> bool) -> Result<(), Error> {
        let mut before = None;
        self.change_record(profile, |record| {
            before = Some(record.clone());
            change(record)
        })
        .await?;
        if let Some(before) = before {
            self.forget_copies(&before).await?;
        }
        Ok(())
    }

    /// Commits what `change` makes of the record, unless it says that there is nothing new; nothing older stays behind.
    async fn change_record(&self, profile: &Profile, change: impl FnOnce(&mut Record) -> bool) -> Result<(), Error> {
        let (store, name) = (self.store.clone(), profile.name.clone());
        let begin = move || {
            let mut held = store.hold(&name, LOCK_PATIENCE)?;
            match held.load() {
                Ok(Some(record)) => Ok(Some((held, record))),
                loaded => {
                    held.release();
                    loaded.map(|_| None)
                }
            }
        };
        let Some((mut held, mut record)) = aside(begin).await? else { return Ok(()) };
        let is_changed = change(&mut record);
        let commit = move || {
            let committed = commit_for_good(&mut held, &mut record, is_changed);
            held.release();
            committed
        };
        Ok(aside(commit).await?)
    }
}

/// Takes the notes out that are settled, with what is left of each grant; tells whether there were any.
fn settle(record: &mut Record, settled: &[(&RevocationNote, Option<Left>)], dialect: Option<&Dialect>) -> bool {
    let before = record.to_revoke.len();
    let ends_all = dialect.is_some_and(|dialect| dialect.revocation_ends == RevocationEnds::AllOfThePerson);
    for (note, left) in settled {
        let Some(at) = record.to_revoke.iter().position(|noted| noted.token == note.token) else { continue };
        let noted = record.to_revoke.remove(at);
        match left {
            Some(Left::Alive) => {
                if let Some(left) = grants::unrevoked_note(noted) {
                    grants::remember(record, left, dialect.and_then(|dialect| dialect.grant_limit));
                }
            }
            None if ends_all && note.account.is_some() => {
                let is_theirs =
                    |left: &UnrevokedGrant| (&left.client_id, &left.account) == (&note.client_id, &note.account);
                record.unrevoked.retain(|left| !is_theirs(left));
            }
            _ => {}
        }
    }
    record.to_revoke.len() < before
}

/// The store's error, with what came of revoking.
fn still_here(error: Error, not_revoked: Option<&Error>) -> Error {
    match not_revoked {
        None => error.adding("the grant was revoked at the provider, but is still here"),
        Some(not_revoked) => error.adding(format!("{not_revoked}, and is still here")),
    }
}

/// Tells whether a token of the data center can be revoked there or at the client's home.
fn is_asked(provider: &Provider, data_center: &DataCenter, profile: &Profile) -> bool {
    let home = home_data_center(profile, provider).ok();
    [Some(data_center), home].into_iter().flatten().any(|place| !place.endpoints.revocation.is_empty())
}

/// Commits what is changed, and deletes the generation before, which still has what is now gone.
fn commit_for_good(held: &mut Held, record: &mut Record, is_changed: bool) -> Result<(), StoreError> {
    if record.grant.is_none() {
        // What was called belongs to the sign-in that is over.
        held.save_calls(&[])?;
    }
    match record.grant {
        _ if is_changed => held.commit_for_good(record),
        // Whoever signed it out may have died before that.
        None => held.forget_older(),
        Some(_) => Ok(()),
    }
}

fn revocation_request(form: &Revocation, note: &RevocationNote, client: &Client, data_center: &DataCenter) -> Request {
    let kind = if note.is_refresh_token { "refresh_token" } else { "access_token" };
    let mut parameters = vec![("token", note.token.expose())];
    parameters.extend(form.type_parameter.map(|name| (name, kind)));
    let own = client.authentication_at(&data_center.code);
    let authentication = form.client_authentication.unwrap_or(own);
    wire::client_form(form.url.clone(), data_center, client, authentication, &parameters)
}
