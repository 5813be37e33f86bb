//! A sign-in that is pending: kept before its code is shown, gone on with by whoever comes next, and given up.
//!
//! What is kept is in the profile's record, so the commit that keeps the grant ends it. Of the processes of one machine one asks
//! the server ([`Poller`]); the others look at the record until it is over, and one of them takes over if that one dies.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::attempt::{Attempt, CodeEnded};
use super::{IssuedCode, Presence, ShownCode, SignIn, SignInEvent, empty_record};
use crate::clock::{self, Moment};
use crate::config::{Profile, ProviderSource};
use crate::error::{Advice, Code, Error, Way};
use crate::host;
use crate::oauth::Step;
use crate::oauth::device::{DeviceFlow, Outcome, Standing};
use crate::oauth::wire::DeviceCode;
use crate::profile::ProfileName;
use crate::providers::explained::Place;
use crate::service::aside::aside;
use crate::service::{Service, discovery, endpoints, home_data_center};
use crate::storage::{Clocks, EndedSignIn, Grant, Held, PendingSignIn, Poller, Record, Rest, Store, StoreError};

/// How often those who go along with a sign-in look whether it is over.
const LOOK_PACE: Duration = Duration::from_millis(500);
/// How long after a code's end they wait for word of that: the last poll and the commit take their time.
const LAST_WORD: Duration = Duration::from_secs(60);

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
    /// What it asks for.
    pub scopes: Vec<String>,
    pub expect_account: Option<String>,
    /// The machine that asks the server, where it is another one.
    pub elsewhere: Option<String>,
}

impl Pending {
    /// Whether it asks for the same scopes, and for an approval of the same account where one is wanted.
    pub fn asks_for(&self, scopes: &[String], account: Option<&str>) -> bool {
        is_same(scopes, &self.scopes) && (account.is_none() || account == self.expect_account.as_deref())
    }

    /// What it is for, in words.
    pub fn for_what(&self) -> String {
        let scopes = if self.scopes.is_empty() { "no scopes".to_owned() } else { self.scopes.join(", ") };
        match &self.expect_account {
            Some(account) => format!("{scopes}, as {account}"),
            None => scopes,
        }
    }
}

/// How a sign-in ended that another process went on with.
pub(super) enum Elsewhere {
    SignedIn(Box<Grant>),
    Failed(Error),
    /// Another code took its place.
    Replaced(Box<PendingSignIn>),
    /// Nobody goes on with it.
    GivenUp,
}

/// What a sign-in begins with.
pub(super) enum TakenUp {
    Nothing,
    Pending(Box<PendingSignIn>),
    /// It is over, and nobody has been told yet.
    SignedIn(Box<Grant>),
}

/// What a look at a pending sign-in tells.
pub(super) enum Look {
    /// It is this process that asks.
    Mine(Arc<Poller>, Box<PendingSignIn>),
    /// Somebody else asks.
    Theirs(Option<String>),
    Over(Elsewhere),
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
            elsewhere: pending.machine.clone().filter(|_| !pending.is_of(self.store.poller_home().as_deref())),
            scopes: pending.scopes,
            expect_account: pending.expected,
        }))
    }

    /// Gives a pending sign-in up: its code is forgotten, and whoever asks for it stops. Where the time is named at which the code
    /// was issued, one that took its place stays. Tells whether there was one.
    pub async fn give_up(&self, profile: &ProfileName, issued_at: Option<Timestamp>) -> Result<bool, Error> {
        let given_up = move |_: &Self, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(false) };
            let is_meant = |pending: &mut PendingSignIn| issued_at.is_none_or(|at| at == pending.issued_at);
            let is_given_up = record.pending.take_if(is_meant).is_some();
            if is_given_up {
                held.commit(&mut record)?;
            }
            Ok(is_given_up)
        };
        self.holding(profile, given_up).await
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
        pending.provider == profile.provider
            && pending.client_id == profile.client_id
            && issuer.is_some_and(|issuer| issuer.as_str() == pending.issuer)
            && self.check_approved(profile, pending.endpoints.as_ref(), endpoints::TOKEN).is_ok()
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
            let pending = pending.filter(is_alive);
            return Ok(pending.map_or(TakenUp::Nothing, |pending| TakenUp::Pending(Box::new(pending))));
        }
        // Who asks later is told, and not the agent.
        match (pending, ended.filter(|ended| !ended.is_told && !options.for_agent), grant) {
            (Some(pending), _, _) if self.fits(profile, &pending) => {
                check_expected(profile, options, &pending)?;
                let pending = self.expecting(&profile.name, pending, options.expect_account.as_ref()).await?;
                Ok(TakenUp::Pending(Box::new(pending)))
            }
            (Some(_), _, _) => Err(nothing_pending(profile)
                .because("the one that is pending was begun for another client, provider or data center")),
            (None, Some(EndedSignIn { error, issued_at, .. }), grant) => {
                self.note_told(&profile.name, issued_at).await;
                match (error, grant) {
                    (Some(error), _) => Err(error),
                    (None, Some(grant)) => Ok(TakenUp::SignedIn(Box::new(grant))),
                    (None, None) => Err(nothing_pending(profile)),
                }
            }
            (None, None, _) => Err(nothing_pending(profile)),
        }
    }

    /// Has whoever asks keep to the account that is expected by now.
    async fn expecting(
        &self,
        profile: &ProfileName,
        pending: PendingSignIn,
        expected: Option<&String>,
    ) -> Result<PendingSignIn, Error> {
        let Some(expected) = expected.filter(|_| pending.expected.is_none()).cloned() else { return Ok(pending) };
        let pending = PendingSignIn { expected: Some(expected), ..pending };
        let noted = pending.clone();
        let note = move |_: &Self, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            if let Some(pending) = record.pending.as_mut().filter(|pending| pending.issued_at == noted.issued_at) {
                pending.expected = noted.expected;
                held.commit(&mut record)?;
            }
            Ok(())
        };
        self.holding(profile, note).await?;
        Ok(pending)
    }

    /// Notes that a person has heard how a sign-in ended. Who cannot note that tells it once more.
    async fn note_told(&self, profile: &ProfileName, issued_at: Timestamp) {
        let note = move |_: &Self, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            if record.ended.take_if(|ended| ended.issued_at == issued_at).is_some() {
                held.commit(&mut record)?;
            }
            Ok(())
        };
        let _ = self.holding(profile, note).await;
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
fn check_expected(profile: &Profile, options: &SignIn, pending: &PendingSignIn) -> Result<(), Error> {
    match (&options.expect_account, &pending.expected) {
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

/// The code as screens and scripts show it.
pub(super) fn issued_code(pending: &PendingSignIn, now: &Clocks<'_>) -> IssuedCode {
    let left = pending.left(now);
    // When the machine has started anew since, it was issued before this clock begins.
    let since_boot = (now.moment - Moment::default() + left).saturating_sub(pending.lifetime);
    IssuedCode {
        user_code: pending.user_code.clone(),
        verification_uri: pending.verification_uri.clone(),
        verification_uri_complete: pending.verification_uri_complete.clone(),
        interval: pending.interval,
        lifetime: pending.lifetime,
        issued_at: Moment::at(since_boot),
        expires_at: now.moment + left,
        expires_at_time: clock::later(now.wall, left),
    }
}

/// Where the flow of a pending sign-in stands.
pub(super) fn standing(pending: &PendingSignIn) -> Standing {
    Standing {
        code: DeviceCode {
            device_code: pending.device_code.clone(),
            user_code: pending.user_code.clone(),
            verification_uri: pending.verification_uri.clone(),
            verification_uri_complete: pending.verification_uri_complete.clone(),
            lifetime: pending.lifetime,
            interval: pending.interval,
        },
        slow_downs: pending.slow_downs,
        data_center: pending.data_center.clone(),
        authentication: pending.authentication.clone(),
        sends_json: pending.sends_json,
    }
}

/// The same sign-in, whose flow stands here by now.
fn moved_on(pending: PendingSignIn, standing: Standing) -> PendingSignIn {
    PendingSignIn {
        interval: standing.code.interval,
        slow_downs: standing.slow_downs,
        data_center: standing.data_center,
        authentication: standing.authentication,
        sends_json: standing.sends_json,
        ..pending
    }
}

impl Attempt {
    /// Asks for a code and keeps it, before anybody sees it.
    async fn issue(&self, presence: &Presence) -> Result<PendingSignIn, CodeEnded> {
        let mut flow = self.flow();
        let standing = loop {
            match flow.poll(clock::now()) {
                Step::Send(request) => {
                    let reply = self.service.http.send(request).await;
                    flow.handle(clock::now(), reply);
                }
                Step::Done(outcome) => {
                    return Err(CodeEnded::Otherwise {
                        outcome,
                        place: Place::DeviceAuthorization,
                        answer_lost: false,
                    });
                }
                Step::Wait(_) | Step::AwaitReply => match flow.standing() {
                    Some(standing) => break standing,
                    None => unreachable!("a flow that waits has a code"),
                },
            }
        };
        let now = Clocks::now();
        let home = self.service.aside(|service| service.store.poller_home()).await;
        let pending = self.pending_sign_in(standing, home, &now);
        let kept = pending.clone();
        let profile = self.profile.clone();
        let shown = presence.show(ShownCode { issued_at: pending.issued_at, is_new: true }).await;
        let keep = move |_: &Service, held: &mut Held| {
            let mut record = super::attempt::before(held)?.unwrap_or_else(|| empty_record(&profile));
            (record.pending, record.ended) = (Some(kept), None);
            held.commit(&mut record)?;
            // It goes on when nobody waits for it any more, and only now there is something to give up.
            drop(shown);
            Ok(())
        };
        match self.service.holding(&self.profile.name, keep).await {
            Ok(()) => Ok(pending),
            Err(error) => Err(CodeEnded::Unusable(error)),
        }
    }

    /// Shows the code that is pending or else a new one, once it is kept.
    pub(super) async fn show_code(
        &self,
        waiting: Option<PendingSignIn>,
        poller: Option<&Arc<Poller>>,
        is_renewal: bool,
        presence: &Presence,
        report: &mut (impl FnMut(SignInEvent) + Send),
    ) -> Result<PendingSignIn, CodeEnded> {
        let is_new = waiting.is_none();
        let pending = match waiting {
            Some(pending) => {
                drop(presence.show(ShownCode { issued_at: pending.issued_at, is_new }).await);
                pending
            }
            None => self.issue(presence).await?,
        };
        if let Err(error) = self.write_qr(&pending).await {
            if is_new {
                // Nobody has seen it. Where it cannot be forgotten, its end is near all the same.
                let _ = self.service.give_up(&self.profile.name, Some(pending.issued_at)).await;
            }
            return Err(CodeEnded::Unusable(error));
        }
        let rest = match poller {
            Some(poller) => self.rest(&pending, poller).await.left,
            None => standing(&pending).pace(),
        };
        let now = Clocks::now();
        let (code, next_poll_at) = (issued_code(&pending, &now), now.moment + rest);
        report(match (is_renewal, is_new) {
            (true, _) => SignInEvent::CodeRenewed { code, next_poll_at },
            (false, true) => SignInEvent::CodeIssued { code, next_poll_at },
            (false, false) => SignInEvent::CodeTakenUp { code, next_poll_at },
        });
        Ok(pending)
    }

    /// How long the server is to be left alone yet: as whoever asked last has noted; else a whole interval, which for a code that
    /// nobody on this machine has asked for counts from its issue.
    pub(super) async fn rest(&self, pending: &PendingSignIn, poller: &Arc<Poller>) -> Rest {
        let (poller, issued_at) = (Arc::clone(poller), pending.issued_at);
        let noted = aside(move || poller.rest(issued_at, &Clocks::now())).await;
        noted.unwrap_or_else(|| {
            let age = pending.booted.as_ref().and_then(|booted| booted.age(&Clocks::now())).unwrap_or_default();
            Rest { left: standing(pending).pace().saturating_sub(age), was_asking: false }
        })
    }

    /// Notes for whoever takes over that the server is to be left alone until then, and whether it is being asked.
    pub(super) async fn note_rest(
        &self,
        pending: &PendingSignIn,
        poller: &Arc<Poller>,
        until: Moment,
        is_asking: bool,
    ) {
        let (poller, issued_at) = (Arc::clone(poller), pending.issued_at);
        aside(move || poller.note(issued_at, until, is_asking, &Clocks::now())).await;
    }

    /// Has the provider describe itself for a new code, where what was known of it came with the one before.
    pub(super) async fn look_up_again(&mut self) -> Result<(), Error> {
        if self.home.endpoints.device_authorization.is_none() {
            self.provider = self.service.provider(&self.profile).await?;
            self.home = home_data_center(&self.profile, &self.provider)?.clone();
        }
        Ok(())
    }

    pub(super) fn flow(&self) -> DeviceFlow {
        let Self { provider, home, client, scopes, .. } = self;
        DeviceFlow::new(provider.clone(), home.clone(), client.clone(), scopes.clone())
    }

    fn pending_sign_in(&self, standing: Standing, home: Option<String>, now: &Clocks<'_>) -> PendingSignIn {
        let Standing { code, slow_downs, data_center, authentication, sends_json } = standing;
        let source = self.service.config.provider(&self.profile).ok();
        PendingSignIn {
            issued_at: now.wall,
            booted: now.booted(),
            lifetime: code.lifetime,
            interval: code.interval,
            slow_downs,
            device_code: code.device_code.clone(),
            user_code: code.user_code.clone(),
            verification_uri: code.verification_uri.clone(),
            verification_uri_complete: code.verification_uri_complete.clone(),
            provider: self.provider.name.clone(),
            client_id: self.profile.client_id.clone(),
            issuer: self.home.accounts_server.to_string(),
            data_center,
            endpoints: source.and_then(|source| discovery::to_remember(&self.provider, source)),
            authentication,
            sends_json,
            scopes: self.scopes.clone(),
            expected: self.expected.clone(),
            machine: host::name(),
            home,
        }
    }

    /// Becomes the one that asks, or waits until the sign-in is over without this process.
    pub(super) async fn turn(
        &self,
        pending: PendingSignIn,
        mut may_take: bool,
        is_once: bool,
        mut following: impl FnMut(Option<String>) + Send,
    ) -> Result<(Arc<Poller>, PendingSignIn), CodeEnded> {
        let end = clock::now() + pending.left(&Clocks::now()) + LAST_WORD;
        let mut is_told = false;
        loop {
            let looked = self.look(&pending, None, may_take).await;
            let is_late = clock::now() >= end;
            match looked {
                Ok(Look::Mine(poller, pending)) => return Ok((poller, *pending)),
                Ok(Look::Over(elsewhere)) => return Err(CodeEnded::Elsewhere(elsewhere)),
                Ok(Look::Theirs(_)) if is_once => return Err(CodeEnded::StillPending),
                Ok(Look::Theirs(_)) if is_late => {
                    let (outcome, place) = (Outcome::Expired, Place::Poll);
                    return Err(CodeEnded::Otherwise { outcome, place, answer_lost: false });
                }
                Ok(Look::Theirs(holder)) => {
                    if !std::mem::replace(&mut is_told, true) {
                        following(holder);
                    }
                }
                Err(error) if is_once || is_late || !error.code.is_retryable() => {
                    return Err(CodeEnded::Unusable(error));
                }
                // The store may be back before the code ends.
                Err(_) => {}
            }
            may_take = false;
            clock::sleep_until(clock::now() + LOOK_PACE).await;
        }
    }

    /// Looks how the sign-in stands. Who asks already says so by the `poller`; a person may take it over from another machine.
    pub(super) async fn look(
        &self,
        pending: &PendingSignIn,
        poller: Option<Arc<Poller>>,
        may_take: bool,
    ) -> Result<Look, Error> {
        let (store, name, pending) = (self.service.store.clone(), self.profile.name.clone(), pending.clone());
        let before = self.approved_before;
        aside(move || look(&store, &name, &pending, before, poller, may_take)).await
    }

    /// Keeps where the flow stands by now. Where that fails, whoever goes on begins with what was known before.
    pub(super) async fn keep_standing(&self, issued_at: Timestamp, standing: Standing) {
        let keep = move |_: &Service, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            if let Some(pending) = record.pending.take_if(|pending| pending.issued_at == issued_at) {
                record.pending = Some(moved_on(pending, standing));
                held.commit(&mut record)?;
            }
            Ok(())
        };
        let _ = self.service.holding(&self.profile.name, keep).await;
    }

    /// Notes how the sign-in ended that this process went on with, and gives the error back. Where that cannot be noted, the
    /// server tells it to whoever goes on with it.
    pub(super) async fn ended(&self, error: Error) -> Error {
        let Some(issued_at) = self.issued_at else { return error };
        let ended = EndedSignIn { issued_at, error: Some(error.clone()), is_told: !self.for_agent };
        let note = move |_: &Service, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            if record.pending.take_if(|pending| pending.issued_at == issued_at).is_some() {
                record.ended = Some(ended);
                held.commit(&mut record)?;
            }
            Ok(())
        };
        let _ = self.service.holding(&self.profile.name, note).await;
        error
    }

    /// Why a sign-in is over that somebody gave up.
    pub(super) fn given_up(&self) -> Error {
        let name = &self.profile.name;
        Error::new(Code::SignInNeeded, format!("the sign-in of profile `{name}` was given up"))
            .because("another process forgot its code, or changed, renamed or removed the profile")
            .advise(Advice::SignIn(name.clone()).and(" for a new code"))
    }
}

/// Looks at the record, and for the right to ask.
fn look(
    store: &Store,
    name: &ProfileName,
    known: &PendingSignIn,
    approved_before: Option<Timestamp>,
    poller: Option<Arc<Poller>>,
    may_take: bool,
) -> Result<Look, Error> {
    // Before the record is read: what the one before did under it shows there.
    let poller = match poller.map_or_else(|| store.poller(name).map(Arc::new), Ok) {
        Err(StoreError::Locked { holder, .. }) => Err(holder),
        poller => Ok(poller?),
    };
    let pending = match still_pending(store.load(name)?, known, approved_before) {
        Ok(pending) => pending,
        Err(over) => return Ok(Look::Over(over)),
    };
    let is_here = pending.is_of(store.poller_home().as_deref());
    match poller {
        Ok(poller) if is_here => Ok(Look::Mine(poller, Box::new(pending))),
        Ok(poller) if may_take => take_over(store, name, poller, &pending, approved_before),
        Err(holder) if is_here => Ok(Look::Theirs(holder)),
        _ => Ok(Look::Theirs(pending.machine)),
    }
}

/// The sign-in that is known, as it is kept by now; else how it ended.
fn still_pending(
    record: Option<Record>,
    known: &PendingSignIn,
    approved_before: Option<Timestamp>,
) -> Result<PendingSignIn, Elsewhere> {
    let record = record.filter(|record| record.moved.is_none());
    let Some(Record { pending, ended, grant, .. }) = record else { return Err(Elsewhere::GivenUp) };
    match pending {
        Some(pending) if pending.issued_at == known.issued_at => Ok(pending),
        Some(other) => Err(Elsewhere::Replaced(Box::new(other))),
        None => Err(over(known, ended, grant, approved_before)),
    }
}

fn over(
    known: &PendingSignIn,
    ended: Option<EndedSignIn>,
    grant: Option<Grant>,
    approved_before: Option<Timestamp>,
) -> Elsewhere {
    let ended = ended.filter(|ended| ended.issued_at == known.issued_at);
    match (ended.and_then(|ended| ended.error), grant) {
        (Some(error), _) => Elsewhere::Failed(error),
        (None, Some(grant)) if Some(grant.approved_at) != approved_before => Elsewhere::SignedIn(Box::new(grant)),
        _ => Elsewhere::GivenUp,
    }
}

/// Has this machine ask from now on. The one that did notices before it asks again; it may have done so just now, so a whole
/// interval is waited. Nobody here was shown another code that took its place meanwhile, so that one is left alone.
fn take_over(
    store: &Store,
    name: &ProfileName,
    poller: Arc<Poller>,
    known: &PendingSignIn,
    approved_before: Option<Timestamp>,
) -> Result<Look, Error> {
    let taken = store.holding(name, crate::storage::LOCK_PATIENCE, |held| {
        let mut record = held.load()?;
        let taken = still_pending(record.clone(), known, approved_before).map(|pending| PendingSignIn {
            machine: host::name(),
            home: store.poller_home(),
            ..pending
        });
        if let (Some(record), Ok(pending)) = (&mut record, &taken) {
            record.pending = Some(pending.clone());
            held.commit(record)?;
        }
        Ok::<_, StoreError>(taken)
    });
    Ok(match taken? {
        Ok(pending) => {
            let now = Clocks::now();
            poller.note(pending.issued_at, now.moment + standing(&pending).pace(), false, &now);
            Look::Mine(poller, Box::new(pending))
        }
        Err(over) => Look::Over(over),
    })
}
