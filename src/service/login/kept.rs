//! An approval becomes a grant that is kept, and what else that calls for: the provider hands out the tokens once, and a person
//! has approved.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::attempt::Attempt;
use super::polling::{Elsewhere, still_pending};
use super::{Presence, SignedIn, empty_record};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::config::{Config, Profile};
use crate::error::{Advice, Code, Error};
use crate::oauth::Client;
use crate::oauth::wire::TokenAnswer;
use crate::profile::ProfileName;
use crate::providers::explained::Place;
use crate::providers::{ClientAuthentication, DataCenter, GrantLimit, Provider, RevocationEnds};
use crate::secret::Secret;
use crate::service::account::Unanswered;
use crate::service::{Service, account, discovery, endpoints, grants};
use crate::storage::{
    Account, Clocks, EndedSignIn, Grant, Happened, Held, LOCK_PATIENCE, Poller, Record, RevocationNote, Store,
    StoreError, UnrevokedGrant, UsedUp,
};
use crate::untrusted::Rejected;

/// How long the tries last to keep an approval in a store that is away or held by others, before somebody is asked or it is given back.
const PATIENCE: Duration = Duration::from_secs(20);
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// How long the provider is asked who approved, where that has to be known and the trouble may pass, and to revoke what is not kept then.
/// Others wait longer for the record, which is held until that is known ([`LOCK_PATIENCE`]).
const PATIENCE_FOR_ACCOUNT: Duration = Duration::from_secs(20);
/// The same where the request for the tokens took most of that under the same right.
const LEAST_PATIENCE_FOR_ACCOUNT: Duration = Duration::from_secs(5);
/// Before it is asked the second time, and twice as long before each time after that.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What helps where an account that came has no address which can be compared.
const NO_ADDRESS: &str =
    "it has no verified address, so expect its id once you know whose it is: anybody may choose a name";

/// What helps where an imported token is used up.
pub(super) const NEW_TOKEN: &str = "have a new token made where that one came from, or sign in";

/// How long the record is waited for in which a grant is noted that is given back.
const PATIENCE_TO_NOTE: Duration = Duration::from_secs(5);

/// A grant that is saved, and what it took the place of.
pub(super) struct Kept {
    pub(super) grant: Grant,
    replaced: Vec<Replaced>,
    /// The sign-in as it goes by now, where its record was under another name or in another store by then.
    moved: Option<Box<Attempt>>,
    /// It is in the spare place, and nothing is written where it belongs before that works again.
    is_aside: bool,
}

/// A grant that another one took the place of although it lives on at the provider.
#[derive(Debug)]
struct Replaced {
    approved_at: Timestamp,
    account: Option<Account>,
    /// It is to be revoked.
    is_noted: bool,
    /// It was kept of an import until it is known whose it is.
    is_of_import: bool,
}

/// Why an approval is not kept.
pub(super) enum NotKept {
    Failed(Error),
    /// The sign-in that it belongs to is over without it.
    Over(Elsewhere),
    /// Only this account may approve, and who did is yet to be found out. The grant is noted as one to be revoked, and may be kept only
    /// under this right.
    Expects(String, Box<Reserved>),
}

impl From<Error> for NotKept {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for NotKept {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The right to write the record, with room for the next one, and what it replaces.
pub(super) struct Reserved {
    held: Held,
    since: Moment,
    before: Option<Box<Record>>,
}

impl Reserved {
    /// Until when the provider may be asked who approved.
    fn end_of_asking(&self) -> Moment {
        (self.since + PATIENCE_FOR_ACCOUNT).max(clock::now() + LEAST_PATIENCE_FOR_ACCOUNT)
    }

    /// Whether the sign-in that there is lives on this refresh token of the client, or on what came in its place.
    pub(super) fn lives_on(&self, token: &Secret, provider: &Provider, client: &Client) -> bool {
        let record = self.before.as_ref().filter(|record| record.provider == provider.name);
        let grant = record.filter(|record| record.client_id == client.id).and_then(|record| record.grant.as_ref());
        grant.is_some_and(|grant| {
            grant.is_successor_of(token) || grant.refused.is_none() && grant.refresh_token.as_ref() == Some(token)
        })
    }

    /// What came in the place of an imported refresh token that was used up before.
    pub(super) fn successor_of(&self, token: &Secret, client: &Client) -> Option<&Grant> {
        self.before.as_ref()?.successor_of(token, &client.id)
    }

    /// The grant of this refresh token, which the data center gave the client.
    pub(super) fn grant_of(&self, token: &Secret, data_center: &DataCenter, client: &Client) -> Option<&Grant> {
        let issuer = data_center.accounts_server.as_str();
        let is_of = |grant: &Grant| grant.issuer == issuer && grant.refresh_token.as_ref() == Some(token);
        let mut grants = self.before.as_ref()?.grants_of_clients();
        grants.find(|(grant, client_id)| *client_id == client.id && is_of(grant)).map(|(grant, _)| grant)
    }

    /// Has what came in the place of an imported refresh token revoked by the next login or logout, since the provider refuses it.
    pub(super) fn give_up_successor(self, limit: Option<GrantLimit>) -> Result<(), StoreError> {
        let Self { mut held, before, .. } = self;
        let given_up = before.map_or(Ok(()), |mut record| {
            grants::note_used_up(&mut record, limit);
            held.commit(&mut record)
        });
        held.release();
        given_up
    }

    pub(super) fn release(self) {
        self.held.release();
    }
}

/// Where a grant finds the room that was reserved for it.
pub(super) enum Room {
    /// The record is held.
    Held(Box<Reserved>),
    /// It lies beside the record, which others may write meanwhile.
    Beside(Arc<Poller>),
    /// It was made use of.
    Used,
}

impl Room {
    /// For one try: what lies beside is used up by the commit that takes it.
    fn take(&mut self) -> Self {
        match self {
            Self::Beside(poller) => Self::Beside(Arc::clone(poller)),
            room => std::mem::replace(room, Self::Used),
        }
    }
}

/// The record that a sign-in replaces. A commit sets aside what nobody can open.
pub(super) fn before(held: &mut Held) -> Result<Option<Box<Record>>, StoreError> {
    match held.load() {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        loaded => loaded,
    }
}

impl Attempt {
    /// Sees that a grant will find room, and reads and opens all that it takes to keep it.
    pub(super) async fn reserve(&self) -> Result<Reserved, Error> {
        let (store, name) = (self.service.store.clone(), self.profile.name.clone());
        let reserved = aside(move || {
            let mut held = store.hold(&name, LOCK_PATIENCE)?;
            match before(&mut held).and_then(|before| held.reserve().map(|()| before)) {
                Ok(before) => Ok(Reserved { held, since: clock::now(), before }),
                Err(error) => {
                    held.release();
                    Err(error)
                }
            }
        });
        reserved.await.map_err(|error| Error::from(error).adding("nothing was sent"))
    }

    /// Saves the grant, in the room that was reserved for it, or gives it back.
    pub(super) async fn keep(
        &self,
        grant: Grant,
        data_center: &DataCenter,
        mut room: Room,
        presence: &Presence,
    ) -> Result<Kept, NotKept> {
        let poller = if let Room::Beside(poller) = &room { Some(Arc::clone(poller)) } else { None };
        let (mut grant, mut checked) = (grant, None);
        let (mut is_first, end) = (true, clock::now() + PATIENCE);
        let (mut keeping, mut has_moved) = (self.clone(), false);
        loop {
            match keeping.save(grant.clone(), room.take(), checked.clone()).await {
                Ok(replaced) => {
                    let moved = has_moved.then(|| Box::new(keeping));
                    return Ok(Kept { grant, replaced, moved, is_aside: false });
                }
                Err(NotKept::Expects(account, right)) => {
                    let end = right.end_of_asking();
                    if let Err(error) = keeping.check_account(&account, &mut grant, data_center, end).await {
                        return Err(keeping.give_back(error, &grant, data_center, Some(right)).await.into());
                    }
                    (keeping.expected, checked) = (Some(account.clone()), Some(account));
                    room = Room::Held(right);
                }
                Err(NotKept::Over(over)) => match keeping.followed(&over).await {
                    Some(there) => (keeping, has_moved) = (there, true),
                    None => return Err(self.not_wanted(over, &grant, data_center).await),
                },
                // Another process or a database may be back soon.
                Err(NotKept::Failed(error)) if error.code.is_retryable() && clock::now() < end => {
                    clock::sleep_until(clock::now() + BETWEEN_TRIES).await;
                }
                // What failed once may work the next time, and nobody need be asked.
                Err(NotKept::Failed(error)) if std::mem::take(&mut is_first) && error.code == Code::Store => {}
                Err(NotKept::Failed(error)) => {
                    if let Some(poller) = poller.as_ref().filter(|_| !has_moved)
                        && let Some(kept) = keeping.keep_aside(&mut grant, data_center, poller, checked.as_ref()).await
                    {
                        return Ok(kept);
                    }
                    if !presence.saves_again(error.clone()).await {
                        let again = self.imported.is_none().then(|| Advice::SignIn(self.profile.name.clone()));
                        return Err(self.give_back(error, &grant, data_center, None).await.advise_all(again).into());
                    }
                }
            }
        }
    }

    /// Keeps the grant where only this machine has it, since the record's own place takes nothing; `None` where that may not be, or fails
    /// as well.
    async fn keep_aside(
        &self,
        grant: &mut Grant,
        data_center: &DataCenter,
        poller: &Arc<Poller>,
        checked: Option<&String>,
    ) -> Option<Kept> {
        let (attempt, of, asker) = (self.clone(), grant.clone(), Arc::clone(poller));
        let (before, expected) = aside(move || {
            let read = asker.check_in_place().and_then(|()| attempt.service.store.load(&attempt.profile.name));
            let before = read.unwrap_or_else(|_| asker.record());
            let expected = attempt.who_may_approve(before.clone(), &of).ok()?;
            Some((before, expected))
        })
        .await?;
        if let Some(expected) = expected.filter(|expected| checked != Some(expected)) {
            let end = clock::now() + PATIENCE_FOR_ACCOUNT;
            self.check_account(&expected, grant, data_center, end).await.ok()?;
        }
        let (attempt, poller, grant) = (self.clone(), Arc::clone(poller), grant.clone());
        aside(move || {
            let (mut record, replaced) = attempt.changed(grant.clone(), before).ok()?;
            poller.keep_aside(&mut record).ok()?;
            Some(Kept { grant, replaced, moved: None, is_aside: true })
        })
        .await
    }

    /// The same sign-in where it waits by now: its profile was renamed, or its record copied to another store.
    async fn followed(&self, over: &Elsewhere) -> Option<Self> {
        if !matches!(over, Elsewhere::GivenUp) {
            return None;
        }
        let attempt = self.clone();
        aside(move || attempt.moved()).await
    }

    fn moved(self) -> Option<Self> {
        let id = self.pending.as_ref()?;
        let waits = |store: &Store, name: &ProfileName| {
            let record = store.load(name).ok().flatten();
            record.is_some_and(|record| still_pending(Some(record), id, None).is_ok())
        };
        let Service { store, config, .. } = &self.service;
        if let Some(there) = store.moved_to(&self.profile.name) {
            let is_there = waits(&there, &self.profile.name);
            return is_there
                .then(|| Self { service: Service { store: there, ..self.service.clone() }, ..self.clone() });
        }
        // Under its lock the record was gone, so whoever renames it is done with the configuration.
        let config = Config::load(&config.file).ok()?;
        let profile = config.profiles.values().find(|profile| waits(store, &profile.name))?.clone();
        let service = Service { config: Arc::new(config), ..self.service.clone() };
        Some(Self { service, profile, ..self.clone() })
    }

    /// Gives an approval back that came for a sign-in which is over. Who goes along with what took its place goes on.
    async fn not_wanted(&self, over: Elsewhere, grant: &Grant, data_center: &DataCenter) -> NotKept {
        match &over {
            // It might end the one that is kept, so it waits for the logout.
            Elsewhere::SignedIn(_) if self.provider.dialect.revocation_ends != RevocationEnds::ThatGrant => {
                let (attempt, note) = (self.clone(), RevocationNote::of(grant, &self.profile.client_id));
                let failed = match aside(move || attempt.note_given_back(note, None, None)).await {
                    Ok(true) => return NotKept::Over(over),
                    Ok(false) => Error::new(Code::Store, "the grant was not revoked")
                        .because("the profile has no record any more in which it would wait for the logout"),
                    Err(error) => error.into(),
                };
                let by_hand = self.asked("", Place::Revocation, data_center).removal_by_hand();
                return not_revoked(self.given_up(), failed.advise(by_hand)).into();
            }
            Elsewhere::SignedIn(_) | Elsewhere::Replaced => {}
            Elsewhere::GivenUp | Elsewhere::Failed(_) => {
                return self.give_back(self.given_up(), grant, data_center, None).await.into();
            }
        }
        match self.revoke_new(grant, data_center, None, None).await {
            Ok(_) => NotKept::Over(over),
            Err(failed) => not_revoked(self.given_up(), failed).into(),
        }
    }

    pub(super) fn error_of(&self, not_kept: NotKept) -> Error {
        match not_kept {
            NotKept::Failed(error) => error,
            NotKept::Over(_) | NotKept::Expects(..) => self.given_up(),
        }
    }

    pub(super) fn new_grant(
        &self,
        token: TokenAnswer,
        data_center: &DataCenter,
        client_authentication: ClientAuthentication,
    ) -> Grant {
        let now = clock::wall();
        let claimed = token.id_token.as_ref();
        let claimed = claimed.and_then(|token| account::claimed_account(token, data_center, &self.client.id, now));
        let scopes = token.scopes.unwrap_or_else(|| self.scopes.clone());
        let id_token = account::id_token_to_keep(token.id_token, data_center, &self.client.id, &scopes, now);
        let issuer = data_center.accounts_server.to_string();
        let end = token.expires_in.map(|life| clock::later(now, life));
        Grant {
            account: claimed,
            client_authentication: Some(client_authentication),
            refresh_token: token.refresh_token,
            id_token,
            minted: Clocks::now().booted(),
            ..self.issued(Grant::new(issuer, scopes, token.access_token, now, end), token.api_domain, data_center)
        }
    }

    /// The same with what goes by the sign-in and the data center.
    fn issued(&self, grant: Grant, api_domain: Option<Url>, data_center: &DataCenter) -> Grant {
        let source = self.service.config.provider(&self.profile).ok();
        let api_domain = api_domain.or_else(|| data_center.api_domain.clone());
        Grant {
            data_center: data_center.code.clone(),
            api_domain: api_domain.map(|url| url.origin().ascii_serialization()),
            endpoints: source.and_then(|source| discovery::to_remember(&self.provider, source)),
            is_own: self.imported.is_none(),
            ..grant
        }
    }

    /// What another process has kept, if it is of the right person. It stays where it is otherwise, since that process may have
    /// expected nobody in particular.
    pub(super) async fn kept_elsewhere(&self, grant: Grant) -> Result<Kept, Error> {
        if let Some(expected) = &self.expected {
            let data_center = self.provider.data_center(&grant.data_center).unwrap_or(&self.home);
            let end = clock::now() + PATIENCE_FOR_ACCOUNT;
            let checked = self.check_account(expected, &mut grant.clone(), data_center, end).await;
            checked.map_err(|error| match &self.imported {
                // The sign-in is as good as it was before.
                Some(_) => error,
                None => error.advise_only(Advice::SignOut(self.profile.name.clone())),
            })?;
        }
        Ok(Kept { grant, replaced: Vec::new(), moved: None, is_aside: false })
    }

    /// Makes sure that the right person approved (reverse phishing). Whoever did is noted in the grant.
    async fn check_account(
        &self,
        expected: &str,
        grant: &mut Grant,
        data_center: &DataCenter,
        end: Moment,
    ) -> Result<(), Error> {
        let matches = |account: &Account| {
            account.id == expected || account.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(expected))
        };
        let is_import = self.imported.is_some();
        let what = if is_import {
            format!("this refresh token belongs to `{expected}`")
        } else {
            format!("`{expected}` approved")
        };
        let unchecked = || format!("whether {what} could not be checked");
        match self.account_patiently(grant, data_center, end, matches).await {
            Ok(account) => {
                let account = grant.account.insert(account);
                if matches(account) {
                    return Ok(());
                }
                let id = if account.email.is_none() { format!(" (id `{}`)", account.id) } else { String::new() };
                let who = format!("`{}`{id}", account.label());
                let error = if is_import {
                    Error::new(Code::WrongAccount, format!("this refresh token belongs to {who}, not to `{expected}`"))
                        .advise(format!("import a token of `{expected}`, or expect no account"))
                } else {
                    Error::new(Code::WrongAccount, format!("{who} approved instead of `{expected}`"))
                        .advise("sign in again and approve with the expected account")
                };
                Err(if account.email.is_some() { error } else { error.advise(NO_ADDRESS) })
            }
            Err(error) if error.code.is_retryable() => Err(error.within(unchecked())),
            Err(error) => Err(Error { code: Code::WrongAccount, ..error.within(unchecked()) }),
        }
    }

    /// Why nobody said who approved. A refusal stands for a scope that the grant lacks, whatever its words; a token that has just
    /// come is not to be refreshed for it.
    fn unanswered(&self, unanswered: Unanswered, grant: &Grant) -> Error {
        let dialect = self.provider.dialect;
        let is_refused = matches!(unanswered, Unanswered::Refused(..));
        let error = Error::from(unanswered);
        if !is_refused || error.code.is_retryable() {
            return error;
        }
        let scope = dialect.default_scope;
        let wanted: Vec<String> = scope.split_whitespace().map(str::to_owned).collect();
        if account::missing_scopes(&dialect.scope_names, &wanted, grant).is_empty() {
            return error.advise_only("compare `userinfo_endpoint` of the provider with its documentation");
        }
        error.advise_only(format!("add the scope that lets the account be read, such as `{scope}`"))
    }

    /// Who approved, for who has to know: the provider is asked again where the trouble may pass, unless what it said beside the tokens will
    /// do.
    async fn account_patiently(
        &self,
        grant: &Grant,
        data_center: &DataCenter,
        end: Moment,
        is_wanted: impl Fn(&Account) -> bool,
    ) -> Result<Account, Error> {
        let (mut pause, mut failed) = (FIRST_PAUSE, None);
        while let Some(asked) = clock::within(end - clock::now(), self.ask_account(grant, data_center)).await {
            let (asked_pause, error) = match asked {
                Ok(account) => return Ok(account),
                Err(unanswered) => (unanswered.pause(), self.unanswered(unanswered, grant)),
            };
            let wait = asked_pause.unwrap_or_default().max(pause);
            let is_over = !error.code.is_retryable() || grant.account.as_ref().is_some_and(&is_wanted);
            failed = Some(error);
            if is_over || end - clock::now() <= wait {
                break;
            }
            clock::sleep_until(clock::now() + wait).await;
            pause *= 2;
        }
        let silent = || Error::new(Code::Network, "the account could not be asked for").because("no answer came");
        grant.account.clone().ok_or_else(|| failed.unwrap_or_else(silent))
    }

    /// Who approved: asked from the provider, or else as it said beside the tokens.
    async fn account_behind(&self, grant: &Grant, data_center: &DataCenter) -> Option<Account> {
        let asked = self.ask_account(grant, data_center).await;
        asked.ok().or_else(|| grant.account.clone())
    }

    async fn ask_account(&self, grant: &Grant, data_center: &DataCenter) -> Result<Account, Unanswered> {
        let known = self.client.known(grant.tokens());
        self.service.ask_account(grant, &self.provider, data_center, &known).await
    }

    /// Gives an approval back that brought a refresh token, and no access token that can be used; the error says what became of it.
    pub(super) async fn without_access_token(
        &self,
        refresh_token: Secret,
        rejected: Rejected,
        data_center: &DataCenter,
        right: Option<Box<Reserved>>,
    ) -> Error {
        let error = Error::new(Code::UntrustedAnswer, format!("profile `{}` could not be signed in", self.profile.name))
            .because(rejected)
            .advise("sign in again; where that is all that ever comes, have the provider give this client plain `Bearer` tokens");
        let grant = self.grant_without_access_token(refresh_token, data_center);
        self.give_back(error, &grant, data_center, right).await
    }

    /// Revokes a grant that is not to be kept; the error then says what became of it.
    async fn give_back(
        &self,
        error: Error,
        grant: &Grant,
        data_center: &DataCenter,
        right: Option<Box<Reserved>>,
    ) -> Error {
        if let Some(imported) = self.imported.clone() {
            let (store, name) = (self.service.store.clone(), self.profile.name.clone());
            let client_id = self.client.id.clone();
            let kept = aside(move || {
                if let Some(right) = right {
                    right.release();
                }
                store.load(&name).ok()??.successor_of(&imported, &client_id).cloned()
            })
            .await;
            let is_kept = kept.is_some_and(|kept| kept.refresh_token == grant.refresh_token);
            // Whose it is was found out, and it is another one's each time.
            let is_of_another = error.code == Code::WrongAccount && grant.account.is_some();
            return match (self.used_up(grant), is_kept) {
                (None, _) => error.adding("nothing was saved, and nothing revoked"),
                (Some(_), true) => {
                    let again = "import the same token again, which goes on with what is kept";
                    error
                        .adding("the provider has replaced the imported token, and what came in its place is kept, but not used")
                        .advise_all((!is_of_another).then(|| again.into()))
                }
                (Some(_), false) => error
                    .adding("nothing was saved, and the imported token is used up: the provider has replaced it")
                    .advise(NEW_TOKEN),
            };
        }
        match self.revoke_new(grant, data_center, Some(error.clone()), right).await {
            Ok(ended) => {
                ended.iter().fold(error.adding("nothing was saved and the grant was revoked"), |error, other| {
                    error.adding(format!("the sign-in of profile `{other}` ended with it"))
                })
            }
            Err(failed) => not_revoked(error, failed),
        }
    }

    /// Revokes a grant that is not to be kept, and gives the profiles whose grant ended with that. It is noted before, as that of a
    /// sign-out is, and so is why it is not kept: a process may die anywhere, and a provider may refuse.
    async fn revoke_new(
        &self,
        grant: &Grant,
        data_center: &DataCenter,
        why: Option<Error>,
        right: Option<Box<Reserved>>,
    ) -> Result<Vec<ProfileName>, Error> {
        let mut note = RevocationNote::of(grant, &self.profile.client_id);
        let was_asked = right.is_some();
        // Whoever signs in has waited for the account as well.
        let end = right.as_ref().map_or_else(|| clock::now() + PATIENCE_FOR_ACCOUNT, |right| right.end_of_asking());
        let (attempt, noted) = (self.clone(), note.clone());
        let noting = aside(move || attempt.note_given_back(noted, why.as_ref(), right));
        let is_noted = matches!(clock::within(PATIENCE_TO_NOTE, noting).await, Some(Ok(true)));
        let Self { service, provider, profile, client, .. } = self;
        let ends_others = provider.dialect.revocation_ends == RevocationEnds::AllOfThePerson;
        if ends_others && note.account.is_none() && !was_asked && !grant.is_rejected {
            // Those are told.
            let asking = self.account_behind(grant, data_center);
            note.account = clock::within(LEAST_PATIENCE_FOR_ACCOUNT, asking).await.flatten().map(|account| account.id);
        }
        service.revoke_given_back(&note, is_noted.then_some(end), provider, data_center, profile, client).await
    }

    /// Notes a grant as one to be revoked, and how its sign-in ended. Tells whether the note is kept: nobody would look for it where the
    /// profile has no record.
    fn note_given_back(
        &self,
        note: RevocationNote,
        why: Option<&Error>,
        right: Option<Box<Reserved>>,
    ) -> Result<bool, StoreError> {
        let may_begin = right.is_some();
        let write = |held: &mut Held, before: Option<Box<Record>>| {
            let new = || may_begin.then(|| Box::new(empty_record(&self.profile)));
            let Some(mut record) = before.or_else(new) else { return Ok(false) };
            grants::note(&mut record, note, self.provider.dialect.grant_limit);
            if let Some(why) = why {
                self.write_end(&mut record, why, !self.for_agent);
            }
            held.commit(&mut record).map(|()| true)
        };
        match right.map(|right| *right) {
            Some(Reserved { mut held, before, .. }) => {
                let noted = write(&mut held, before);
                held.release();
                noted
            }
            None => self.service.store.holding(&self.profile.name, LOCK_PATIENCE, |held| {
                let before = before(held)?;
                write(held, before)
            }),
        }
    }

    /// The imported token, where the provider has replaced it.
    fn used_up(&self, grant: &Grant) -> Option<UsedUp> {
        let token = self.imported.clone().filter(|imported| grant.refresh_token.as_ref() != Some(imported))?;
        Some(UsedUp { token, client_id: Some(self.client.id.clone()), grant: grant.clone() })
    }

    /// Takes out what is kept of an import. What this one does not go on with is left to the provider, and given.
    fn take_other_import(&self, record: &mut Record, issuer: &str) -> Option<UnrevokedGrant> {
        let successor = self.imported.as_ref().and_then(|token| record.successor_of(token, &self.client.id));
        let goes_on = successor.is_some_and(|kept| kept.issuer == issuer);
        let other = record.used_up.take().filter(|_| !goes_on)?;
        let left = grants::unrevoked(&other.grant, other.client_id(&record.client_id))?;
        grants::remember(record, left.clone(), self.provider.dialect.grant_limit);
        Some(left)
    }

    /// Writes how the sign-in ended, unless somebody has ended or replaced it before. Tells whether it did.
    pub(super) fn write_end(&self, record: &mut Record, why: &Error, is_told: bool) -> bool {
        let Some(id) = &self.pending else { return false };
        let waited = record.pending.take_if(|pending| pending.id == *id).is_some();
        // It was written before it was known whose the approval is.
        let is_own = waited || record.ended.as_ref().is_some_and(|ended| ended.id == *id && ended.error.is_some());
        if is_own {
            record.ended = Some(EndedSignIn { id: id.clone(), error: Some(why.clone()), is_told });
        }
        is_own
    }

    /// What can be refreshed, and has nothing yet that could be used.
    pub(super) fn grant_without_access_token(&self, refresh_token: Secret, data_center: &DataCenter) -> Grant {
        let now = clock::wall();
        let issuer = data_center.accounts_server.to_string();
        let grant = Grant::new(issuer, self.scopes.clone(), Secret::new(""), now, now);
        Grant { refresh_token: Some(refresh_token), is_rejected: true, ..self.issued(grant, None, data_center) }
    }

    /// Writes the grant of a fresh approval. The record's client secret stays unless the approval came with another.
    async fn save(&self, grant: Grant, room: Room, checked: Option<String>) -> Result<Vec<Replaced>, NotKept> {
        let attempt = self.clone();
        let (before, replaced) = aside(move || attempt.commit(grant, room, checked.as_ref())).await?;
        if let Some(before) = before {
            // The new grant is kept, whatever becomes of copies of the one before.
            let _ = self.service.forget_copies(&before).await;
        }
        Ok(replaced)
    }

    /// Commits the grant, and gives the record that it changed. The grant before is to be revoked where that ends no other
    /// one. Where an account is expected that was not `checked`, a note of the grant is committed instead.
    fn commit(
        &self,
        grant: Grant,
        room: Room,
        checked: Option<&String>,
    ) -> Result<(Option<Box<Record>>, Vec<Replaced>), NotKept> {
        let (Reserved { mut held, since, before }, expected) = match room {
            Room::Held(reserved) => (*reserved, self.expected.clone()),
            Room::Beside(poller) => self.open(&grant, Some(&poller))?,
            Room::Used => self.open(&grant, None)?,
        };
        let Some(expected) = expected.filter(|expected| checked != Some(expected)) else {
            let kept = self.commit_held(grant, before, &mut held);
            held.release();
            return Ok(kept?);
        };
        match self.note_unchecked(&grant, &expected, before, &mut held) {
            Ok(before) => Err(NotKept::Expects(expected, Box::new(Reserved { held, since, before }))),
            Err(error) => {
                held.release();
                Err(error.into())
            }
        }
    }

    /// The right to the record of a sign-in that still waits for this approval, with the room that was kept for it; and which account may
    /// approve.
    fn open(&self, grant: &Grant, room: Option<&Poller>) -> Result<(Reserved, Option<String>), NotKept> {
        if let Some(poller) = room {
            poller.check_in_place()?;
        }
        let mut held = self.service.store.hold(&self.profile.name, LOCK_PATIENCE)?;
        let opened = match held.look() {
            // Nobody can have given it up there.
            Err(StoreError::Corrupt { .. }) => Ok((None, self.expected.clone())),
            Err(error) => Err(error.into()),
            Ok(before) => self.who_may_approve(before.clone(), grant).map(|expected| (before, expected)),
        };
        match opened {
            Ok((before, expected)) => {
                if let Some(poller) = room {
                    held.use_room_of(poller);
                }
                Ok((Reserved { held, since: clock::now(), before }, expected))
            }
            Err(not_kept) => {
                held.release();
                Err(not_kept)
            }
        }
    }

    /// Makes sure that the sign-in still waits for this approval, since nobody has given it up, or begun another one in its place; gives the
    /// only account that may approve, which somebody may have said meanwhile. Called under the lock of the commit.
    fn who_may_approve(&self, record: Option<Box<Record>>, grant: &Grant) -> Result<Option<String>, NotKept> {
        let expected = self.expected.clone();
        let Some(id) = &self.pending else { return Ok(expected) };
        let token = RevocationNote::of(grant, &self.profile.client_id).token;
        let is_noted = record.as_ref().is_some_and(|record| record.to_revoke.iter().any(|note| note.token == token));
        match still_pending(record, id, self.approved_before) {
            Ok(pending) => Ok(pending.expected.or(expected)),
            // A commit whose last step failed may have kept it all the same.
            Err(Elsewhere::SignedIn(kept)) if is_same_grant(&kept, grant) => Ok(expected),
            Err(Elsewhere::Failed(_)) if is_noted => Ok(expected),
            Err(over) => Err(NotKept::Over(over)),
        }
    }

    /// Notes a grant as one to be revoked until it is known whose it is, so that whatever ends this process leaves it to the next logout or
    /// sign-in. Its code is used up, and nobody is to wait for it. One that was imported is left to the next import.
    fn note_unchecked(
        &self,
        grant: &Grant,
        expected: &str,
        before: Option<Box<Record>>,
        held: &mut Held,
    ) -> Result<Option<Box<Record>>, Error> {
        self.check_still_configured()?;
        let used_up = self.used_up(grant);
        if self.imported.is_some() && used_up.is_none() {
            return Ok(before);
        }
        let mut record = before.unwrap_or_else(|| Box::new(empty_record(&self.profile)));
        if let Some(used_up) = used_up {
            self.take_other_import(&mut record, &grant.issuer);
            record.used_up = Some(Box::new(used_up));
        } else {
            let note = RevocationNote::of(grant, &self.profile.client_id);
            grants::note(&mut record, note, self.provider.dialect.grant_limit);
        }
        let why = Error::new(Code::WrongAccount, format!("profile `{}` could not be signed in", self.profile.name))
            .because(format!("whether `{expected}` approved was not found out, since the process ended that asked"))
            .adding("nothing was saved, and the next login or logout of the profile revokes the grant")
            .advise(Advice::SignIn(self.profile.name.clone()).and(" for a new code"));
        self.write_end(&mut record, &why, false);
        held.commit(&mut record)?;
        // Where there is none, the commit that follows says so.
        let _ = held.reserve();
        Ok(Some(record))
    }

    fn commit_held(
        &self,
        grant: Grant,
        before: Option<Box<Record>>,
        held: &mut Held,
    ) -> Result<(Option<Box<Record>>, Vec<Replaced>), Error> {
        let (mut record, replaced) = self.changed(grant, before.clone())?;
        held.commit_sign_in(&mut record)?;
        Ok((before, replaced))
    }

    /// The record with the grant in it, and those that this takes the place of.
    fn changed(&self, grant: Grant, before: Option<Box<Record>>) -> Result<(Box<Record>, Vec<Replaced>), Error> {
        self.check_still_configured()?;
        let mut record = before.unwrap_or_else(|| Box::new(empty_record(&self.profile)));
        let own = RevocationNote::of(&grant, &self.profile.client_id);
        record.to_revoke.retain(|note| note.token != own.token);
        let lived_on = |before: &Grant| !is_same_grant(before, &grant) && grants::lives(before, clock::wall());
        let before = record.grant.take().filter(lived_on).map(|before| {
            let limit = self.provider.dialect.grant_limit;
            let is_noted = self.may_revoke(&before, &grant);
            if is_noted {
                let note = RevocationNote::of(&before, &record.client_id);
                grants::note(&mut record, note, limit);
            } else if let Some(left) = grants::unrevoked(&before, &record.client_id) {
                grants::remember(&mut record, left, limit);
            }
            Replaced { approved_at: before.approved_at, account: before.account, is_noted, is_of_import: false }
        });
        let mut replaced: Vec<_> = before.into_iter().collect();
        if let Some(UnrevokedGrant { approved_at, .. }) = self.take_other_import(&mut record, &grant.issuer) {
            replaced.push(Replaced { approved_at, account: None, is_noted: false, is_of_import: true });
        }
        if record.provider != self.provider.name || record.client_id != self.profile.client_id {
            // It belongs to the client that the record was of.
            record.client_secret = None;
        }
        record.provider.clone_from(&self.provider.name);
        record.client_id.clone_from(&self.profile.client_id);
        if let Some(secret) = &self.secret_to_keep {
            record.client_secret = Some(secret.clone());
            record.client_secret_for = Some(self.service.config.provider(&self.profile)?.identity());
        }
        record.client_endpoints = endpoints::known(self.service.config.provider(&self.profile)?, &self.provider);
        self.note(&mut record, &grant);
        record.grant = Some(grant);
        record.pending = None;
        let is_told = !self.for_agent;
        record.ended = self.pending.clone().map(|id| EndedSignIn { id, error: None, is_told });
        Ok((record, replaced))
    }

    /// Tells whether a grant may be revoked that another one takes the place of: nobody else has its refresh token, and no
    /// other grant ends with it.
    fn may_revoke(&self, before: &Grant, now: &Grant) -> bool {
        if self.provider.dialect.revocation_ends != RevocationEnds::ThatGrant || !before.is_own {
            return false;
        }
        if before.refresh_token.is_none() || now.refresh_token.is_none() {
            return false;
        }
        let store = self.service.store();
        // What cannot be read might have it.
        let has_it = |name: &ProfileName| match store.load(name) {
            Ok(record) => {
                record.is_some_and(|record| record.grants().any(|other| other.refresh_token == before.refresh_token))
            }
            Err(_) => true,
        };
        store.profiles().is_ok_and(|names| !names.iter().filter(|name| **name != self.profile.name).any(has_it))
    }

    /// Makes sure that the profile is the one for which the approval was asked. Others change profiles under the same lock,
    /// so that a grant can neither stay behind under an old name nor get to another client.
    fn check_still_configured(&self) -> Result<(), Error> {
        let file = &self.service.config.file;
        // What cannot be read tells nothing, and a grant is not given up for that.
        let Some(config) = file.exists().then(|| Config::load(file).ok()).flatten() else { return Ok(()) };
        let Profile { name, provider, data_center, client_id, .. } = &self.profile;
        let is_same =
            |now: &Profile| (&now.provider, &now.data_center, &now.client_id) == (provider, data_center, client_id);
        if config.profiles.get(name).is_some_and(is_same) {
            return Ok(());
        }
        Err(Error::new(Code::Config, format!("the sign-in of profile `{name}` cannot be kept"))
            .because("the profile was renamed, removed or given another client while the approval was waited for")
            .advise("sign in again with the profile as it is now")
            .advise(Advice::ListProfiles))
    }

    /// Adds the sign-in to the history.
    fn note(&self, record: &mut Record, grant: &Grant) {
        let actor = &self.service.actor;
        let account = grant.account.as_ref().map(Account::label).unwrap_or_default();
        record.note(Happened::SignedIn, account, actor, grant.approved_at);
        if grant.data_center != self.home.code {
            let moved = format!("{} to {}", self.home.code, grant.data_center).to_uppercase();
            record.note(Happened::Relocated, &moved.replace(" TO ", " to "), actor, grant.approved_at);
        }
    }

    /// What the sign-in came to, the account with it where that can be asked for.
    pub(super) async fn signed_in(self, mut kept: Kept) -> SignedIn {
        let service = self.service.clone();
        let (left_out, moved) = (self.left_out.clone(), kept.moved.take());
        let attempt = moved.map_or(self, |moved| Self { left_out, ..*moved });
        service.unbroken.run(attempt.describe(kept)).await
    }

    async fn describe(self, Kept { grant, replaced, is_aside, .. }: Kept) -> SignedIn {
        let data_center = self.provider.data_center(&grant.data_center).unwrap_or(&self.home);
        let account = match grant.account.clone().filter(|_| self.expected.is_some()) {
            Some(checked) => Some(checked),
            None if is_aside => self.account_behind(&grant, data_center).await,
            None => self.learn_account(&grant, data_center).await,
        };
        let mut told = Vec::new();
        for replaced in replaced.into_iter().filter(|_| !is_aside) {
            told.extend(self.settle(replaced, account.as_ref()).await);
        }
        let replaced = (!told.is_empty()).then(|| told.join(" "));
        let protection = self.service.aside(|service| service.store.protection().ok()).await;
        SignedIn {
            protection,
            replaced,
            account,
            relocated: data_center.code != self.home.code,
            data_center: Some(grant.data_center.clone()).filter(|code| !code.is_empty()),
            missing_scopes: account::missing_scopes(&self.provider.dialect.scope_names, &self.scopes, &grant),
            wanted_scopes: self.scopes,
            scopes: grant.scopes,
            api_domain: self.service.config.api_domain(&self.profile, &grant.data_center, grant.api_domain),
            access_token_expires_at: grant.access_token_expires_at,
            refreshable: grant.refresh_token.is_some(),
            warnings: self.warnings,
            left_out: self.left_out,
            profile: self.profile.name,
        }
    }

    /// Revokes what the new grant took the place of, if that may be, and says what a person should know of it.
    async fn settle(&self, replaced: Replaced, account: Option<&Account>) -> Option<String> {
        if replaced.is_noted {
            self.service.revoke_noted_quietly(&self.profile).await;
        }
        let record = self.service.record(&self.profile.name).await.ok().flatten();
        let is_waiting = record
            .as_ref()
            .is_none_or(|record| record.to_revoke.iter().any(|note| note.approved_at == replaced.approved_at));
        let is_alive = !replaced.is_noted
            || record
                .is_some_and(|record| record.unrevoked.iter().any(|left| left.approved_at == replaced.approved_at));
        let other = replaced.account.filter(|before| account.is_some_and(|account| account.id != before.id));
        let became = match (is_alive, is_waiting) {
            (true, _) => "stays valid at the provider until it is revoked there",
            (false, true) => "could not be revoked yet, which the next login or logout of the profile tries again",
            (false, false) if other.is_some() => "was revoked",
            (false, false) => return None,
        };
        Some(match other {
            Some(before) => format!("The profile was signed in as {} before; that grant {became}.", before.label()),
            None if replaced.is_of_import => format!("The grant that an earlier import got {became}."),
            None => format!("The grant of the sign-in before {became}."),
        })
    }

    /// Asks who approved and notes it. An account that cannot be asked for or kept is no reason to fail.
    async fn learn_account(&self, grant: &Grant, data_center: &DataCenter) -> Option<Account> {
        let account = self.account_behind(grant, data_center).await?;
        let _ = self.service.note_account(&self.profile, grant, &account).await;
        Some(account)
    }
}

/// Why an approval is not kept, and that it lives on.
fn not_revoked(error: Error, failed: Error) -> Error {
    error.adding(format!("nothing was saved, but {failed}")).advise_all(failed.advice)
}

fn is_same_grant(one: &Grant, other: &Grant) -> bool {
    match (&one.refresh_token, &other.refresh_token) {
        (None, None) => one.access_token == other.access_token,
        (one, other) => one == other,
    }
}
