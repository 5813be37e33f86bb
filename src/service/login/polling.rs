//! A code that waits for its approval: of the processes of one machine one asks the server ([`Poller`]), and keeps what an approval
//! brings. The others look at the record until it is over, and one of them takes over if that one dies.
//!
//! A poll and everything that its approval calls for, up to the record that holds the grant, is unbroken.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::attempt::Attempt;
use super::code::standing;
use super::kept::{Kept, NotKept, Room};
use super::pending::Until;
use super::{Presence, SignInEvent, sign_in_event};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::error::Error;
use crate::host;
use crate::oauth::Step;
use crate::oauth::device::{DeviceEvent, DeviceFlow, Failure, Outcome, Standing};
use crate::oauth::wire::Unreadable;
use crate::profile::ProfileName;
use crate::providers::explained::Place;
use crate::service::unbroken::{Counted, Unbroken};
use crate::service::{Service, left_out};
use crate::storage::{
    Asker, Clocks, EndedSignIn, Grant, Held, LOCK_PATIENCE, LastPoll, PendingId, PendingSignIn, Poller, Record, Rest,
    Store, StoreError,
};

/// How often those who go along with a sign-in look whether it is over.
const LOOK_PACE: Duration = Duration::from_millis(500);
/// How long after a code's end they wait for word of that: the last poll and the commit take their time.
const LAST_WORD: Duration = Duration::from_secs(60);

/// Who goes along with a code, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Company<'a> {
    pub(super) presence: &'a Presence,
    pub(super) until: Until,
}

/// The right to ask, which lasts over the codes of a sign-in. It counts as one that others wait for.
pub(super) struct Asking {
    pub(super) poller: Arc<Poller>,
    _right: Counted,
}

impl Asking {
    /// Does what comes between two polls. Where the process is to stand still meanwhile, somebody else may ask.
    pub(super) async fn meanwhile<T>(
        asking: &mut Option<Self>,
        unbroken: &Unbroken,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            () = unbroken.is_to_stand_still(), if asking.is_some() => *asking = None,
            done = &mut work => return done,
        }
        work.await
    }
}

/// How one code ended.
pub(super) enum CodeEnded {
    /// The grant is saved, or why it is not; and what is to be said of the answer.
    Approved(Box<Result<Kept, Error>>, Vec<String>),
    /// The code cannot be kept, or whoever wanted it from a file would wait for nothing.
    Unusable(Error),
    /// It waits, and nobody wants to go along with it any further.
    StillPending,
    /// Nobody has told how, and who had to ask the server did not by its end.
    Unheard(Asker),
    /// Another process went on with it.
    Elsewhere(Elsewhere),
    Otherwise {
        outcome: Outcome,
        /// Of which kind the last request was.
        place: Place,
        /// What became of the polls before.
        last: LastPoll,
    },
}

impl CodeEnded {
    /// Of a flow that asks no further, and has no approval.
    pub(super) fn of(flow: &DeviceFlow, place: Place, last: LastPoll) -> Self {
        Self::Otherwise { outcome: flow.outcome().cloned().unwrap_or(Outcome::Expired), place, last }
    }
}

/// How a sign-in ended that another process went on with.
#[derive(Debug)]
pub(super) enum Elsewhere {
    SignedIn(Box<Grant>),
    Failed(Error),
    /// Another code took its place.
    Replaced,
    /// Nobody goes on with it.
    GivenUp,
}

/// A note of a poll, which is waited for before the next one: whoever waits for an approval is not woken for it.
type Noting = Option<BoxFuture<'static, ()>>;

/// What a look at a pending sign-in tells.
enum Look {
    /// It is this process that asks.
    Mine(Arc<Poller>, Box<PendingSignIn>),
    /// Somebody else asks.
    Theirs(Asker),
    Over(Elsewhere),
}

impl Attempt {
    /// Polls until a code is approved or ends, sooner where the person asks for it; or goes along while another process does.
    pub(super) async fn follow_code(
        &self,
        mut pending: PendingSignIn,
        asking: &mut Option<Asking>,
        company: &Company<'_>,
        mut report: impl FnMut(SignInEvent) + Send,
    ) -> CodeEnded {
        let mut may_take = self.may_take;
        loop {
            let mine = if let Some(mine) = asking.take() {
                mine
            } else {
                let following = |asker| {
                    company.presence.set_follows(true);
                    report(SignInEvent::Following { asker });
                };
                let (takes, is_once) = (std::mem::take(&mut may_take), company.until == Until::OneAnswer);
                match self.turn(pending, takes, is_once, following).await {
                    Ok((mine, now)) => {
                        pending = now;
                        mine
                    }
                    Err(ended) => return ended,
                }
            };
            company.presence.set_follows(false);
            let mut noting = None;
            let ended = self.poll_code(&pending, &mine.poller, &mut noting, company, &mut report).await;
            // A note holds the right as well, until it is written.
            noted(&mut noting).await;
            if let Some(ended) = ended {
                *asking = Some(mine);
                return ended;
            }
            // Another machine has taken it over, or others here are to ask while this process stands still.
            drop(mine);
        }
    }

    /// Polls for as long as it is this process that does. Whoever has another one take over asks nothing any more.
    async fn poll_code(
        &self,
        pending: &PendingSignIn,
        poller: &Arc<Poller>,
        noting: &mut Noting,
        company: &Company<'_>,
        report: &mut (impl FnMut(SignInEvent) + Send),
    ) -> Option<CodeEnded> {
        let Self { service, provider, .. } = self;
        let Rest { left: rest, last: before } = self.rest(pending, poller).await;
        let mut kept = standing(pending);
        let now = Clocks::now();
        let flow = self.flow().resuming(kept.clone(), pending.left(&now), rest, now.moment);
        let mut flow = flow.after_lost_answer(before == LastPoll::Out);
        company.presence.set_lost_answer(flow.has_lost_answer());
        let last_poll = |flow: &DeviceFlow| match before {
            LastPoll::NotKept => LastPoll::NotKept,
            _ if flow.has_lost_answer() => LastPoll::Out,
            _ => LastPoll::Answered,
        };
        let end = now.moment + pending.left(&now);
        report(SignInEvent::Resting { next_poll_at: now.moment + rest });
        let mut expected = pending.expected.clone();
        // Before then nothing is asked although it is due, since the answer could not be kept.
        let mut held_back = now.moment;
        while let Some(due) = flow.next_poll_at().map(|due| due.max(held_back)) {
            if service.unbroken.stands_still() {
                return None;
            }
            if clock::now() < due {
                tokio::select! {
                    biased;
                    () = service.unbroken.is_to_stand_still() => return None,
                    () = clock::sleep_until(due) => {}
                    () = company.presence.asked() => {
                        flow.ask_now(clock::now());
                        held_back = clock::now();
                    }
                }
            } else {
                noted(noting).await;
                match self.about_to_ask(&pending.id, poller, kept.pace()).await {
                    // Somebody has given it up, or taken it over.
                    Ok(Some(Look::Over(elsewhere))) => return Some(CodeEnded::Elsewhere(elsewhere)),
                    Ok(Some(Look::Theirs(_))) => return None,
                    Ok(Some(Look::Mine(_, now))) => expected = now.expected,
                    Ok(None) => {}
                    Err(error) if company.until == Until::OneAnswer || due >= end => {
                        return Some(CodeEnded::Unusable(error.adding("the server was not asked")));
                    }
                    Err(error) => {
                        held_back = clock::now() + kept.pace();
                        report(SignInEvent::HeldBack { error, next_poll_at: held_back });
                        continue;
                    }
                }
                let asking = Self { expected: expected.clone(), ..self.clone() };
                let polling = Box::pin(asking.poll(flow, Arc::clone(poller), company.presence.clone()));
                let (asked, grant) = service.unbroken.run(polling).await;
                match grant {
                    Some(Err(NotKept::Over(elsewhere))) => return Some(CodeEnded::Elsewhere(elsewhere)),
                    Some(kept) => {
                        let kept = kept.map_err(|not_kept| self.error_of(not_kept));
                        return Some(CodeEnded::Approved(Box::new(kept), self.said_of(asked.outcome())));
                    }
                    None => {}
                }
                flow = asked;
                let (next, last) = (flow.next_poll_at(), last_poll(&flow));
                *noting = Some(Box::pin(note_rest(
                    &service.unbroken,
                    &pending.id,
                    poller,
                    next.unwrap_or_else(clock::now),
                    last,
                )));
                if let Some((_, standing)) = next.zip(flow.standing()).filter(|(_, standing)| *standing != kept) {
                    self.keep_standing(pending.id.clone(), standing.clone()).await;
                    kept = standing;
                }
            }
            let mut has_answer = false;
            for event in flow.events() {
                // The others say nothing of an approval, or that the next answer says more.
                use DeviceEvent::{Hastened, Relocated, Resting};
                has_answer |= !matches!(event, Hastened { .. } | Relocated { .. } | Resting { .. });
                report(sign_in_event(event, &pending.scopes, provider, clock::now(), clock::wall()));
            }
            if has_answer && company.until == Until::OneAnswer {
                return Some(CodeEnded::StillPending);
            }
        }
        Some(CodeEnded::of(&flow, Place::Poll, last_poll(&flow)))
    }

    /// Polls once, and keeps the grant if that brings one.
    async fn poll(
        self,
        mut flow: DeviceFlow,
        poller: Arc<Poller>,
        presence: Presence,
    ) -> (DeviceFlow, Option<Result<Kept, NotKept>>) {
        if let Step::Send(request) = flow.poll(clock::now()) {
            let reply = self.service.http.send(request).await;
            flow.handle(clock::now(), reply);
            presence.set_lost_answer(flow.has_lost_answer());
        }
        let kept = match flow.outcome().cloned() {
            Some(Outcome::Authorized { token, data_center, client_authentication }) => {
                let data_center = self.provider.data_center(&data_center).unwrap_or(&self.home);
                let grant = self.new_grant(*token, data_center, client_authentication);
                let room = Room::Beside(Arc::clone(&poller));
                Some(Box::pin(self.keep(grant, data_center, room, &presence)).await)
            }
            Some(Outcome::Failed(Failure::Unreadable(Unreadable::RefreshTokenAlone { refresh_token, rejected }))) => {
                let data_center = flow.data_center();
                Some(Err(Box::pin(self.without_access_token(refresh_token, rejected, data_center, None)).await.into()))
            }
            _ => None,
        };
        if let Some(Err(NotKept::Failed(error))) = &kept {
            // The code is used up, also for who hears nothing of it any more.
            if let Some(id) = &self.pending {
                note_rest(&self.service.unbroken, id, &poller, clock::now(), LastPoll::NotKept).await;
            }
            self.ended(error.clone(), Some(poller)).await;
        }
        (flow, kept)
    }

    /// How long the server is to be left alone yet: as whoever asked last has noted; else a whole interval, which for a code that
    /// nobody on this machine has asked for counts from its issue.
    async fn rest(&self, pending: &PendingSignIn, poller: &Arc<Poller>) -> Rest {
        let (poller, id) = (Arc::clone(poller), pending.id.clone());
        let noted = aside(move || poller.rest(&id, &Clocks::now())).await;
        noted.unwrap_or_else(|| {
            let age = pending.booted.as_ref().and_then(|booted| booted.age(&Clocks::now())).unwrap_or_default();
            Rest { left: standing(pending).pace().saturating_sub(age), last: LastPoll::default() }
        })
    }

    /// Becomes the one that asks, or waits until the sign-in is over without this process.
    async fn turn(
        &self,
        pending: PendingSignIn,
        mut may_take: bool,
        is_once: bool,
        mut following: impl FnMut(Asker) + Send,
    ) -> Result<(Asking, PendingSignIn), CodeEnded> {
        let end = clock::now() + pending.left(&Clocks::now());
        let mut told = None;
        loop {
            self.service.unbroken.goes_on().await;
            let right = self.service.unbroken.right();
            let looked = self.look(&pending.id, may_take).await;
            let (is_late, has_ended) = (clock::now() >= end + LAST_WORD, clock::now() >= end);
            match looked {
                Ok(Look::Mine(poller, pending)) => return Ok((Asking { poller, _right: right }, *pending)),
                Ok(Look::Over(elsewhere)) => return Err(CodeEnded::Elsewhere(elsewhere)),
                Ok(Look::Theirs(asker)) if is_once => {
                    following(asker);
                    return Err(CodeEnded::StillPending);
                }
                Ok(Look::Theirs(asker)) if is_late || asker.is_stopped && has_ended => {
                    return Err(CodeEnded::Unheard(asker));
                }
                // It may have been stopped since.
                Ok(Look::Theirs(asker)) if told.as_ref() != Some(&(asker.who.clone(), asker.is_stopped)) => {
                    told = Some((asker.who.clone(), asker.is_stopped));
                    following(asker);
                }
                Err(error) if is_once || is_late || !error.code.is_retryable() => {
                    return Err(CodeEnded::Unusable(error));
                }
                // The store may be back before the code ends.
                Ok(Look::Theirs(_)) | Err(_) => {}
            }
            drop(right);
            may_take = false;
            clock::sleep_until(clock::now() + LOOK_PACE).await;
        }
    }

    /// Looks before a poll how the sign-in stands, as far as that can be read. If it is still to be asked for, sees that an approval
    /// could be kept, since its answer comes only once, and notes that the question is out.
    async fn about_to_ask(&self, id: &PendingId, poller: &Arc<Poller>, pace: Duration) -> Result<Option<Look>, Error> {
        let (store, name, id) = (self.service.store.clone(), self.profile.name.clone(), id.clone());
        let (before, poller) = (self.approved_before, Arc::clone(poller));
        let ready = move || {
            let look = match look(&store, &name, &id, before, Some(Arc::clone(&poller)), false) {
                // An approval takes the place of a damaged record.
                Err(StoreError::Corrupt { .. }) => None,
                look => Some(look?),
            };
            if matches!(look, None | Some(Look::Mine(..))) {
                poller.reserve()?;
                let now = Clocks::now();
                poller.note(id, now.moment + pace, LastPoll::Out, &now);
            }
            Ok(look)
        };
        aside(ready).await
    }

    /// Looks how the sign-in stands, and becomes the one that asks where nobody does. A person may take it over from another machine.
    async fn look(&self, id: &PendingId, may_take: bool) -> Result<Look, Error> {
        let (store, name, id) = (self.service.store.clone(), self.profile.name.clone(), id.clone());
        let before = self.approved_before;
        aside(move || Ok(look(&store, &name, &id, before, None, may_take)?)).await
    }

    /// Keeps where the flow stands by now. Where that fails, whoever goes on begins with what was known before.
    async fn keep_standing(&self, id: PendingId, standing: Standing) {
        let keep = move |_: &Service, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            if let Some(pending) = record.pending.take_if(|pending| pending.id == id) {
                record.pending = Some(Box::new(moved_on(*pending, standing)));
                held.commit(&mut record)?;
            }
            Ok(())
        };
        let _ = self.service.holding(&self.profile.name, keep).await;
    }

    /// Notes how the sign-in ended that this process went on with, and gives the error back. The room is there that an approval
    /// would have taken; where it cannot be noted all the same, the server tells it to whoever goes on with it.
    pub(super) async fn ended(&self, error: Error, poller: Option<Arc<Poller>>) -> Error {
        let (attempt, why) = (self.clone(), error.clone());
        let note = move |_: &Service, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            if attempt.write_end(&mut record, &why, !attempt.for_agent) {
                if let Some(poller) = &poller {
                    held.use_room_of(poller);
                }
                held.commit(&mut record)?;
            }
            Ok(())
        };
        let (service, name) = (self.service.clone(), self.profile.name.clone());
        let _ = self.service.unbroken.run(async move { service.holding(&name, note).await }).await;
        error
    }

    /// What people are told of an answer with tokens of which not all could be taken.
    fn said_of(&self, outcome: Option<&Outcome>) -> Vec<String> {
        match outcome {
            Some(Outcome::Authorized { token, data_center, .. }) => {
                left_out::of_sign_in(token, self.provider.data_center(data_center).unwrap_or(&self.home))
            }
            _ => Vec::new(),
        }
    }
}

/// Notes for whoever takes over that the server is to be left alone until then, and what became of the last poll. A process
/// that ended before would leave the note that an answer is out.
fn note_rest(
    unbroken: &Unbroken,
    id: &PendingId,
    poller: &Arc<Poller>,
    until: Moment,
    last: LastPoll,
) -> impl Future<Output = ()> + use<> {
    let (poller, id, under_way) = (Arc::clone(poller), id.clone(), unbroken.under_way());
    aside(move || {
        poller.note(id, until, last, &Clocks::now());
        drop(under_way);
    })
}

/// Waits until what is being noted is.
async fn noted(noting: &mut Noting) {
    if let Some(noting) = noting.take() {
        noting.await;
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

/// Looks at the record, and for the right to ask.
fn look(
    store: &Store,
    name: &ProfileName,
    known: &PendingId,
    approved_before: Option<Timestamp>,
    poller: Option<Arc<Poller>>,
    may_take: bool,
) -> Result<Look, StoreError> {
    // Before the record is read: what the one before did under it shows there.
    let poller = match poller.map_or_else(|| store.poller(name).map(Arc::new), Ok) {
        Err(StoreError::Locked { .. }) => Err(store.asker(name, known)),
        poller => Ok(poller?),
    };
    let record = store.load(name)?;
    if let (Ok(poller), Some(record)) = (&poller, &record) {
        poller.remember(record);
    }
    let pending = match still_pending(record, known, approved_before) {
        // Whoever has the right to the record may yet find out that it did not.
        Err(Elsewhere::Failed(_)) => {
            still_pending(store.holding(name, LOCK_PATIENCE, Held::load)?, known, approved_before)
        }
        pending => pending,
    };
    let pending = match pending {
        Ok(pending) => pending,
        Err(over) => {
            // What was moved away with all that is in it tells nothing.
            poller.as_ref().map_or(Ok(()), |poller| poller.check_in_place())?;
            return Ok(Look::Over(over));
        }
    };
    let is_here = pending.is_of(store.poller_home().as_deref());
    match poller {
        Ok(poller) if is_here => Ok(Look::Mine(poller, Box::new(pending))),
        Ok(poller) if may_take => take_over(store, name, poller, known, approved_before),
        Err(asker) if is_here => Ok(Look::Theirs(asker)),
        _ => Ok(Look::Theirs(Asker { who: pending.machine, ..Asker::default() })),
    }
}

/// The sign-in that is known, as it is kept by now; else how it ended.
pub(super) fn still_pending(
    record: Option<Box<Record>>,
    known: &PendingId,
    approved_before: Option<Timestamp>,
) -> Result<PendingSignIn, Elsewhere> {
    let record = record.filter(|record| record.moved.is_none());
    let Some(Record { pending, ended, grant, .. }) = record.map(|record| *record) else {
        return Err(Elsewhere::GivenUp);
    };
    match pending {
        Some(pending) if pending.id == *known => Ok(*pending),
        Some(_) => Err(Elsewhere::Replaced),
        None => Err(over(known, ended, grant, approved_before)),
    }
}

fn over(
    known: &PendingId,
    ended: Option<EndedSignIn>,
    grant: Option<Grant>,
    approved_before: Option<Timestamp>,
) -> Elsewhere {
    let ended = ended.filter(|ended| ended.id == *known);
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
    known: &PendingId,
    approved_before: Option<Timestamp>,
) -> Result<Look, StoreError> {
    let taken = store.holding(name, LOCK_PATIENCE, |held| {
        let mut record = held.look()?;
        let taken = still_pending(record.clone(), known, approved_before).map(|pending| PendingSignIn {
            machine: host::name(),
            home: store.poller_home(),
            ..pending
        });
        if let (Some(record), Ok(pending)) = (&mut record, &taken) {
            record.pending = Some(Box::new(pending.clone()));
            held.commit(record)?;
        }
        Ok::<_, StoreError>(taken)
    });
    Ok(match taken? {
        Ok(pending) => {
            let now = Clocks::now();
            poller.note(pending.id.clone(), now.moment + standing(&pending).pace(), LastPoll::default(), &now);
            Look::Mine(poller, Box::new(pending))
        }
        Err(over) => Look::Over(over),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::{Elsewhere, Look, take_over};
    use crate::profile::ProfileName;
    use crate::storage::{self, KeyOptions, LOCK_PATIENCE, PendingId, PendingSignIn, Record, StoreAddress};

    /// One of those that only their ids tell apart.
    fn pending() -> PendingSignIn {
        let kept = json!({
            "id": PendingId::generate().expect("the system has random numbers"), "issued_at": "2027-01-15T08:00:00Z", "lifetime_ms": 600_000, "interval_ms": 5000,
            "device_code": "device", "user_code": "ABCD", "verification_uri": "https://corp.example/device",
            "provider": "corp", "client_id": "client", "issuer": "https://corp.example/token", "home": "elsewhere",
        });
        serde_json::from_value(kept).expect("a pending sign-in")
    }

    #[test]
    fn who_takes_a_sign_in_over_leaves_another_one_alone_that_came_meanwhile() {
        let name: ProfileName = "work".parse().expect("a name");
        let (known, other) = (pending(), pending());
        for (there, is_taken) in [(Some(&known), true), (Some(&other), false), (None, false)] {
            let store = storage::open(&StoreAddress::Memory, KeyOptions::default());
            let mut record = Record::empty(name.clone(), "corp".to_owned(), "client".to_owned());
            record.pending = there.cloned().map(Box::new);
            let kept = store.holding(&name, LOCK_PATIENCE, |held| held.commit(&mut record));
            kept.expect("memory has room");
            let poller = Arc::new(store.poller(&name).expect("nobody asks"));
            let look = take_over(&store, &name, poller, &known.id, None).expect("memory can be read");
            let is_right = match (&look, there) {
                (Look::Mine(_, pending), _) => is_taken && pending.id == known.id,
                (Look::Over(Elsewhere::Replaced), there) => there == Some(&other),
                (Look::Over(Elsewhere::GivenUp), there) => there.is_none(),
                _ => false,
            };
            assert!(is_right, "{there:?}");
            let left = store.load(&name).expect("memory can be read").and_then(|record| record.pending);
            let home = if is_taken { store.poller_home() } else { Some("elsewhere".to_owned()) };
            assert_eq!(left.as_ref().map(|left| &left.id), there.map(|there| &there.id));
            assert_eq!(left.and_then(|left| left.home), home.filter(|_| there.is_some()), "{there:?}");
        }
    }
}
