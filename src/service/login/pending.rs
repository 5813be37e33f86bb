//! A sign-in that is pending: gone on with by whoever comes next, or given up. What is kept of it is in the profile's record, so the
//! commit that keeps the grant ends it.

use std::time::Duration;

use super::code::issued_code;
use super::{IssuedCode, Presence, SignIn};
use crate::clock;
use crate::config::{Profile, ProviderSource};
use crate::error::{Advice, Code, Error, Way};
use crate::profile::ProfileName;
use crate::service::{Service, endpoints, home_data_center};
use crate::storage::{Clocks, EndedSignIn, Grant, Held, LastPoll, PendingId, PendingSignIn, Record, StoreError};

/// How long a store is waited for that tells only what a last sentence says.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What is to become of a sign-in of the profile that is pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// It goes on where it asks for the same; else a new code takes its place.
    #[default]
    GoOn,
    /// A new code takes its place.
    Anew,
    /// It goes on; without one there is nothing to do.
    Resume,
}

/// How long a sign-in is gone along with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// To its end.
    #[default]
    End,
    /// Until the server has been asked once.
    OneAnswer,
    /// Until the code is known.
    Code,
}

/// A sign-in that is pending, for people and scripts.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    pub code: IssuedCode,
    pub expect_account: Option<String>,
    /// The machine that asks the server, where it is another one.
    pub elsewhere: Option<String>,
    /// What the profile did, in words, where an approval of the code was not kept or may have got lost.
    pub lost_approval: Option<&'static str>,
}

impl Pending {
    /// Whether it asks for the same scopes, and for an approval of the same account where one is wanted.
    pub fn asks_for(&self, scopes: &[String], account: Option<&str>) -> bool {
        is_same(scopes, &self.code.scopes) && (account.is_none() || account == self.expect_account.as_deref())
    }

    /// What parts it from one for these scopes, in words: its own, or else who may approve it.
    pub fn difference_from(&self, scopes: &[String]) -> String {
        match &self.expect_account {
            _ if !is_same(scopes, &self.code.scopes) => format!("it is for {}", self.for_what()),
            Some(account) => format!("only {account} may approve it"),
            None => "any account may approve it".to_owned(),
        }
    }

    /// What it is for, in words.
    pub fn for_what(&self) -> String {
        let scopes = if self.code.scopes.is_empty() { "no scopes".to_owned() } else { self.code.scopes.join(", ") };
        match &self.expect_account {
            Some(account) => format!("{scopes}, as {account}"),
            None => scopes,
        }
    }
}

/// Which code is given up.
#[derive(Clone)]
pub enum GivenUp {
    Any,
    /// The one that was shown last, or is about to be.
    Shown(Presence),
    /// The same, if that sign-in has asked for it.
    New(Presence),
}

/// What a sign-in begins with.
pub(super) enum TakenUp {
    Nothing,
    Pending(Box<PendingSignIn>),
    /// It is over, and nobody has been told yet.
    SignedIn(Box<Grant>),
}

impl Service {
    /// The sign-in of the profile that is pending, if somebody can still approve it.
    pub fn pending(&self, profile: &Profile) -> Result<Option<Pending>, Error> {
        let now = Clocks::now();
        let record = match self.store.load(&profile.name) {
            Err(StoreError::Corrupt { .. }) => None,
            loaded => loaded?,
        };
        let pending = record.and_then(|record| record.pending).filter(|pending| self.fits(profile, pending));
        let alive = pending.filter(|pending| !pending.left(&now).is_zero());
        Ok(alive.map(|pending| Pending {
            code: issued_code(&pending, &now),
            lost_approval: self.lost_approval(&profile.name, &pending.id),
            elsewhere: pending.machine.clone().filter(|_| !pending.is_of(self.store.poller_home().as_deref())),
            expect_account: pending.expected,
        }))
    }

    /// Whether a sign-in of the profile has a code, or had one whose end is noted. What cannot be read may have had one.
    pub fn has_had_code(&self, profile: &Profile) -> bool {
        let has = |record: Box<Record>| record.pending.is_some() || record.ended.is_some();
        self.store.load(&profile.name).map_or(true, |record| record.is_some_and(has))
    }

    /// Whether an answer about the code that is pending got lost, in which the tokens may have been, or is out yet; for who is about to
    /// give it up: a store that does not answer soon has none.
    pub async fn has_lost_answer(&self, profile: &Profile) -> bool {
        let name = profile.name.clone();
        let looking = self.aside(move |service| {
            let pending = service.store.load(&name).ok().flatten().and_then(|record| record.pending);
            pending.is_some_and(|pending| service.store.last_poll(&name, &pending.id) == LastPoll::Out)
        });
        clock::within(LAST_LOOK, looking).await.unwrap_or_default()
    }

    /// What became of the approval of the code that is pending, where it was not kept or may have got lost: what the
    /// profile did, in words.
    pub(in crate::service) fn lost_approval(&self, profile: &ProfileName, id: &PendingId) -> Option<&'static str> {
        match self.store.last_poll(profile, id) {
            LastPoll::Answered => None,
            LastPoll::NotKept => Some("got an approval that could not be kept"),
            // Whoever has the right to ask waits for that answer. Nothing is claimed where that cannot be seen.
            LastPoll::Out if self.store.is_asked_for(profile).unwrap_or(true) => None,
            LastPoll::Out => Some("may have lost an approval with an answer that did not come"),
        }
    }

    /// Whether a sign-in is pending, for who is about to end: a store that does not answer soon has none.
    pub async fn is_pending(&self, profile: &Profile) -> bool {
        let asked = profile.clone();
        let found = clock::within(LAST_LOOK, self.aside(move |service| service.pending(&asked))).await;
        found.is_some_and(|pending| pending.is_ok_and(|pending| pending.is_some()))
    }

    /// Whether another process or machine asks the server for the sign-in that is pending.
    pub fn is_asked_for_elsewhere(&self, profile: &ProfileName) -> Result<bool, Error> {
        let home = self.store.poller_home();
        match self.store.load(profile)?.and_then(|record| record.pending) {
            Some(pending) => Ok(!pending.is_of(home.as_deref()) || self.store.is_asked_for(profile)?),
            None => Ok(false),
        }
    }

    /// Gives a pending sign-in up: its code is forgotten, and whoever asks for it stops. Who only goes along leaves it to the one that
    /// asks. Where it is told by a `presence` which code is
    /// meant, one that took its place stays. Tells whether there was one. It is [unbroken](super::super::Unbroken): who gives up
    /// may be in a hurry.
    pub async fn give_up(&self, profile: &ProfileName, which: GivenUp) -> Result<bool, Error> {
        let (service, profile) = (self.clone(), profile.clone());
        let giving_up = async move {
            let (presence, is_new) = match which {
                GivenUp::Any => {
                    let name = profile.clone();
                    let is_left = service.aside(move |service| service.is_asked_for_elsewhere(&name)).await;
                    return if is_left.unwrap_or_default() {
                        Ok(false)
                    } else {
                        service.forget_code(&profile, None).await
                    };
                }
                GivenUp::Shown(presence) | GivenUp::New(presence) if presence.follows() => return Ok(false),
                GivenUp::Shown(presence) => (presence, false),
                GivenUp::New(presence) => (presence, true),
            };
            match presence.shown().await {
                Some(shown) if shown.is_new || !is_new => service.forget_code(&profile, Some(shown.id)).await,
                _ => Ok(false),
            }
        };
        self.unbroken.run(giving_up).await
    }

    pub(super) async fn forget_code(&self, profile: &ProfileName, id: Option<PendingId>) -> Result<bool, Error> {
        let forget = move |_: &Self, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(false) };
            let is_meant = |pending: &mut Box<PendingSignIn>| id.as_ref().is_none_or(|id| *id == pending.id);
            let is_forgotten = record.pending.take_if(is_meant).is_some();
            if is_forgotten {
                held.commit(&mut record)?;
            }
            Ok(is_forgotten)
        };
        self.holding(profile, forget).await
    }

    /// Whether the sign-in is one of the profile's client as it is configured today, at the server where that is.
    fn fits(&self, profile: &Profile, pending: &PendingSignIn) -> bool {
        let Ok(source) = self.config.provider(profile) else { return false };
        let issuer = match source {
            ProviderSource::Discovered(server) => server.issuer_url(),
            source => {
                let home = source.known().and_then(|provider| home_data_center(profile, &provider).ok().cloned());
                home.map(|home| home.accounts_server)
            }
        };
        profile.has_client(&pending.provider, &pending.client_id)
            && issuer.is_some_and(|issuer| issuer.as_str() == pending.issuer)
            && self.check_approved(profile, pending.endpoints.as_deref(), endpoints::TOKEN).is_ok()
    }

    /// Finds what a sign-in with these options begins with.
    pub(super) async fn take_up(&self, profile: &Profile, options: &SignIn) -> Result<TakenUp, Error> {
        if options.begin == Begin::Anew {
            return Ok(TakenUp::Nothing);
        }
        let record = match self.record(&profile.name).await {
            // A new code takes the place of what nobody can open.
            Err(error) if options.begin == Begin::GoOn && error.code == Code::Store => None,
            record => record?,
        };
        let (pending, ended, grant) =
            record.map_or((None, None, None), |record| (record.pending, record.ended, record.grant));
        if options.begin == Begin::GoOn {
            let is_alive = |pending: &PendingSignIn| {
                let is_same =
                    is_same(&options.scopes.clone().unwrap_or_else(|| profile.scopes.clone()), &pending.scopes);
                let is_expected = options.expect_account.is_none() || options.expect_account == pending.expected;
                is_same && is_expected && !pending.left(&Clocks::now()).is_zero() && self.fits(profile, pending)
            };
            let pending = pending.filter(|pending| is_alive(pending));
            return Ok(pending.map_or(TakenUp::Nothing, TakenUp::Pending));
        }
        // Who asks later is told, and not the agent.
        match (pending, ended.filter(|ended| !ended.is_told && !options.for_agent), grant) {
            (Some(pending), _, _) if self.fits(profile, &pending) => {
                check_expected(profile, options.expect_account.as_ref(), &pending)?;
                Ok(TakenUp::Pending(pending))
            }
            (Some(_), _, _) => Err(nothing_pending(profile)
                .because("the one that is pending was begun for another client, provider or data center")),
            (None, Some(ended), grant) => match self.hear(&profile.name, ended, grant).await {
                (Some(error), _) => Err(error),
                (None, Some(grant)) => Ok(TakenUp::SignedIn(Box::new(grant))),
                (None, None) => Err(nothing_pending(profile)),
            },
            (None, None, _) => Err(nothing_pending(profile)),
        }
    }

    /// Has whoever asks keep to the account that is expected by now.
    pub(super) async fn expecting(
        &self,
        profile: &Profile,
        pending: &mut PendingSignIn,
        expected: Option<String>,
    ) -> Result<(), Error> {
        let Some(expected) = expected.filter(|_| pending.expected.is_none()) else { return Ok(()) };
        let (profile, id, account) = (profile.clone(), pending.id.clone(), Some(expected));
        pending.expected.clone_from(&account);
        let name = profile.name.clone();
        let note = move |_: &Self, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            if let Some(pending) = record.pending.as_mut().filter(|pending| pending.id == id) {
                // Somebody else may have come to expect one meanwhile.
                check_expected(&profile, account.as_ref(), pending)?;
                pending.expected = account;
                held.commit(&mut record)?;
            }
            Ok(())
        };
        self.holding(&name, note).await
    }

    /// How a sign-in ended, which a person hears now. It is looked up again under the right to the record, since whoever has that may yet find
    /// out whose the approval is. Who cannot note that it is told tells it once more.
    async fn hear(
        &self,
        profile: &ProfileName,
        ended: EndedSignIn,
        grant: Option<Grant>,
    ) -> (Option<Error>, Option<Grant>) {
        let id = ended.id;
        let hear = move |_: &Self, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(None) };
            let Some(ended) = record.ended.take_if(|ended| ended.id == id) else { return Ok(None) };
            let _ = held.commit(&mut record);
            Ok(Some((ended.error, record.grant)))
        };
        self.holding(profile, hear).await.ok().flatten().unwrap_or((ended.error, grant))
    }
}

/// Both ask for the same.
pub(super) fn is_same(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|scope| other.contains(scope))
}

fn nothing_pending(profile: &Profile) -> Error {
    Error::new(Code::SignInNeeded, format!("no sign-in of profile `{}` is pending", profile.name))
        .advise(Advice::SignIn(profile.name.clone()).and(" for a new code"))
}

/// Refuses to go on with a sign-in that waits for another account.
fn check_expected(profile: &Profile, wanted: Option<&String>, pending: &PendingSignIn) -> Result<(), Error> {
    match (wanted, &pending.expected) {
        (Some(wanted), Some(expected)) if wanted != expected => {
            let name = &profile.name;
            Err(Error::new(Code::Usage, format!("the pending sign-in of profile `{name}` waits for another account"))
                .because(format!("`{expected}` is expected to approve, not `{wanted}`"))
                .advise("expect the same account, or nobody in particular")
                .advise(Advice::SignInBy(name.clone(), Way::NewCode).after("for another one, ")))
        }
        _ => Ok(()),
    }
}
