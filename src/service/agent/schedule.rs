//! Decides which profile is refreshed or looked at when, and what is to be told of it. Owns no clock, no store and no network.
//!
//! [`Schedule::poll`] says what to do now or until when to wait; [`Schedule::seen`], [`Schedule::landed`] and
//! [`Schedule::unreadable`] take what came of it. Waits are counted on the boot clock: a token lives on while the wall clock is
//! set back or forward, so its refresh stays due when it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::clients::{ClientId, ClientNews, Clients, Heard, Rate, Released, rate};
use super::event::{Happening, Health};
use super::reading::{Dice, Reading};
use crate::clock::{Moment, earlier, later, until};
use crate::error::Code;
use crate::profile::ProfileName;
use crate::service::due::{back_off, least_rest, part};
use crate::service::{DEFAULT_MIN_TTL, State};

/// So many refreshes are under way at once.
pub(super) const MOST_FLIGHTS: usize = 64;

/// How long a server that does not answer is left alone from one profile's try to the next.
const BETWEEN_PROBES: Duration = Duration::from_secs(2);
/// A store that is away is looked at as after so many failures in a row.
const LOOKS_WHILE_AWAY: u32 = 3;
/// Over how long the refreshes of a client are spread whose pause has ended.
const SPREAD_AFTER_PAUSE: Duration = Duration::from_secs(30);

/// The two clocks, read together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) moment: Moment,
    pub(super) wall: Timestamp,
}

impl Now {
    /// The moment at which the wall clock says `time`, if nobody sets it.
    fn moment_of(self, time: Timestamp) -> Moment {
        self.moment + until(self.wall, time)
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Mint in the place of the token that was minted then.
    Refresh { profile: ProfileName, minted_at: Timestamp },
    /// Read the record: something about it changes by itself.
    Look(ProfileName),
    /// Nothing, until then or until something comes in.
    Wait(Option<Moment>),
}

pub(super) struct Schedule {
    dice: Dice,
    entries: BTreeMap<ProfileName, Entry>,
    /// Who wants something when. Each name is in it once at most.
    queue: BTreeSet<(Moment, ProfileName)>,
    clients: Clients,
    flights: usize,
    /// How many profiles stand how.
    health: Health,
}

#[derive(Debug, Default)]
struct Entry {
    standing: Standing,
    /// How it stood when its record could be read last, where that is not now.
    stood: Option<Standing>,
    wants: Wants,
    /// When; it stands in the queue then.
    at: Option<Moment>,
    is_flying: bool,
    /// It counts among those that ask the server of this client, from before it takes off.
    place: Option<ClientId>,
    /// It is due, and its server does not answer others.
    is_waiting: bool,
    /// Its client's turn is at the time that it stands in the queue for.
    has_slot: bool,
    /// In a row.
    failures: u32,
    minted_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    paused_until: Option<Timestamp>,
    client: Option<(ClientId, Rate)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Unseen,
    Well,
    Expiring,
    Failing,
    Throttled,
    NeedsLogin,
    SignedOut,
}

impl Standing {
    fn count(self, health: &mut Health, change: impl FnOnce(&mut usize)) {
        match self {
            Standing::Unseen | Standing::Well | Standing::Expiring => {}
            Standing::Failing | Standing::Throttled => change(&mut health.failing),
            Standing::NeedsLogin => change(&mut health.needs_login),
            Standing::SignedOut => change(&mut health.signed_out),
        }
    }
}

impl Entry {
    fn stand(&mut self, standing: Standing, health: &mut Health) {
        self.standing.count(health, |count| *count -= 1);
        standing.count(health, |count| *count += 1);
        self.standing = standing;
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wants {
    #[default]
    Look,
    Refresh,
}

impl Schedule {
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            dice,
            entries: BTreeMap::new(),
            queue: BTreeSet::new(),
            clients: Clients::default(),
            flights: 0,
            health: Health::default(),
        }
    }

    /// Looks after a profile from now on; its record has to be read.
    pub(super) fn add(&mut self, profile: &ProfileName) {
        self.entries.entry(profile.clone()).or_insert_with(|| {
            self.health.profiles += 1;
            Entry::default()
        });
    }

    /// Forgets a profile; what is under way for it is not heard of any more.
    pub(super) fn remove(&mut self, profile: &ProfileName, now: Now) {
        self.ended(profile, Heard::Unknown, now);
        let Some(entry) = self.entries.remove(profile) else { return };
        self.health.profiles -= 1;
        entry.standing.count(&mut self.health, |count| *count -= 1);
        if let Some(at) = entry.at {
            self.queue.remove(&(at, profile.clone()));
        }
        if let Some((client, rate)) = entry.client {
            self.clients.change(client, rate, 0);
        }
    }

    pub(super) fn profiles(&self) -> impl Iterator<Item = &ProfileName> {
        self.entries.keys()
    }

    pub(super) fn is_watching(&self, profile: &ProfileName) -> bool {
        self.entries.contains_key(profile)
    }

    /// Whether a refresh of the profile is under way.
    pub(super) fn is_flying(&self, profile: &ProfileName) -> bool {
        self.entries.get(profile).is_some_and(|entry| entry.is_flying)
    }

    /// What to do next. A refresh or a look is under way from then on.
    pub(super) fn poll(&mut self, now: Now) -> Step {
        while let Some((at, _)) = self.queue.first() {
            if *at > now.moment || self.flights >= MOST_FLIGHTS {
                let at = *at;
                return Step::Wait((self.flights < MOST_FLIGHTS).then_some(at));
            }
            let Some((_, profile)) = self.queue.pop_first() else { break };
            let Some(entry) = self.entries.get_mut(&profile) else { continue };
            entry.at = None;
            if entry.wants == Wants::Look {
                return Step::Look(profile);
            }
            // Nothing is due without a token that was minted.
            let Some(minted_at) = entry.minted_at else { continue };
            let turn = turn(entry, &mut self.clients, self.dice, &profile, now);
            if turn > now.moment {
                entry.at = Some(turn);
                self.queue.insert((turn, profile));
                continue;
            }
            if entry.place.is_none() {
                entry.place = entry.client.map(|(client, _)| client);
                if entry.place.is_some_and(|client| !self.clients.takes_off(client, &profile)) {
                    (entry.is_waiting, entry.place) = (true, None);
                    continue;
                }
            }
            (entry.is_flying, entry.has_slot) = (true, false);
            self.flights += 1;
            return Step::Refresh { profile, minted_at };
        }
        Step::Wait(None)
    }

    /// A record was read, which somebody may have changed.
    pub(super) fn seen(&mut self, profile: &ProfileName, reading: &Reading, now: Now) -> Vec<Happening> {
        let Some(entry) = self.entries.get(profile) else { return Vec::new() };
        let failure = reading.failure.filter(|(at, _)| entry.failed_at != Some(*at)).map(|(_, code)| code);
        self.take_in(profile, reading, failure, false, now)
    }

    /// A refresh has ended, and the record was read after it.
    pub(super) fn landed(
        &mut self,
        profile: &ProfileName,
        result: Result<(), Code>,
        reading: &Reading,
        now: Now,
    ) -> Vec<Happening> {
        let heard = match result {
            Err(Code::Network | Code::Provider | Code::Timeout) => Heard::Nothing,
            Ok(()) | Err(Code::RateLimited | Code::SignInNeeded) => Heard::Answer,
            Err(_) => Heard::Unknown,
        };
        self.ended(profile, heard, now);
        self.take_in(profile, reading, result.err(), true, now)
    }

    /// Whether the profile had a grant when its record was read last.
    pub(super) fn was_signed_in(&self, profile: &ProfileName) -> bool {
        let standing = self.entries.get(profile).map(|entry| entry.standing);
        standing.is_some_and(|standing| !matches!(standing, Standing::Unseen | Standing::SignedOut))
    }

    /// The record cannot be read, before a refresh or at all. What was known of it stays.
    pub(super) fn unreadable(&mut self, profile: &ProfileName, now: Now) -> Vec<Happening> {
        self.ended(profile, Heard::Unknown, now);
        let Some(entry) = self.entries.get_mut(profile) else { return Vec::new() };
        let is_first = entry.standing == Standing::Unseen;
        entry.failures = entry.failures.saturating_add(1);
        entry.stood.get_or_insert(entry.standing);
        entry.stand(Standing::Failing, &mut self.health);
        let wait = back_off(entry.failures, true, self.dice.roll((profile, entry.failures, now.moment)));
        let told = is_first.then_some(Happening::Watching);
        let told = told.into_iter().chain(is_telling(entry.failures).then_some(Happening::RefreshFailing)).collect();
        self.put(profile, Wants::Look, Some(now.moment + wait));
        told
    }

    /// The whole store cannot be reached, which says nothing of the profile. It is looked at again in a minute or so.
    pub(super) fn away(&mut self, profile: &ProfileName, now: Now) {
        self.ended(profile, Heard::Unknown, now);
        let wait = back_off(LOOKS_WHILE_AWAY, true, self.dice.roll((profile, now.moment)));
        self.put(profile, Wants::Look, Some(now.moment + wait));
    }

    /// What is to be told of clients since this was asked last.
    pub(super) fn client_news(&mut self) -> Vec<ClientNews> {
        self.clients.take_news()
    }

    pub(super) fn health(&self, now: Now) -> Health {
        let next = self.queue.first().map(|(at, _)| later(now.wall, now.moment.until(*at)));
        Health { next_refresh_at: next, ..self.health }
    }

    /// The profile's refresh has ended, if there was one.
    fn ended(&mut self, profile: &ProfileName, heard: Heard, now: Now) {
        let Some(entry) = self.entries.get_mut(profile) else { return };
        self.flights -= usize::from(std::mem::take(&mut entry.is_flying));
        if let Some(client) = entry.place.take() {
            self.give_up_place(client, heard, now);
        }
    }

    /// A refresh that had a place at its client's server has ended, or does not begin. Others may be waiting for it.
    fn give_up_place(&mut self, client: ClientId, heard: Heard, now: Now) {
        let mut heard = heard;
        loop {
            let (released, at) = match self.clients.landed(client, heard) {
                Released::All(all) => {
                    for profile in all {
                        if self.is_waiting(&profile) {
                            self.put(&profile, Wants::Refresh, Some(now.moment));
                        }
                    }
                    return;
                }
                Released::Next(next) => (next, now.moment + BETWEEN_PROBES),
            };
            if self.is_waiting(&released) {
                self.put(&released, Wants::Refresh, Some(at));
                if let Some(entry) = self.entries.get_mut(&released) {
                    entry.place = Some(client);
                }
                return;
            }
            // Something else has become of it meanwhile, so the next one has its place.
            heard = Heard::Unknown;
        }
    }

    fn is_waiting(&self, profile: &ProfileName) -> bool {
        self.entries.get(profile).is_some_and(|entry| entry.is_waiting)
    }

    fn take_in(
        &mut self,
        profile: &ProfileName,
        reading: &Reading,
        failure: Option<Code>,
        is_own: bool,
        now: Now,
    ) -> Vec<Happening> {
        self.count(profile, reading);
        let Some(entry) = self.entries.get_mut(profile) else { return Vec::new() };
        let before = (entry.standing, entry.minted_at, entry.paused_until);
        let (is_same_token, is_same_pause) = (before.1 == reading.minted_at, before.2 == reading.paused_until);
        // What failed was the reading, and that is over.
        let stood = entry.stood.take();
        entry.failures = match failure {
            Some(_) => entry.failures.saturating_add(1),
            None if is_own || !is_same_token || stood.is_some() => 0,
            None => entry.failures,
        };
        let stood = stood.unwrap_or(before.0);
        entry.stand(standing(stood, reading, failure, is_own || !is_same_token), &mut self.health);
        entry.minted_at = reading.minted_at;
        entry.failed_at = reading.failure.map(|(at, _)| at);
        entry.paused_until = reading.paused_until;
        let has_new_token = !is_same_token && reading.state != State::Expired;
        let told = happenings(before.0, entry, has_new_token, is_same_pause, failure.is_some());
        let (client, is_throttled) = (entry.client, entry.standing == Standing::Throttled);
        if let (Some((client, _)), Some(until), true) = (client, reading.paused_until, is_throttled && !is_same_pause) {
            self.clients.throttled(client, profile, now.moment_of(until), now.moment);
        }
        let is_nothing_new = failure.is_none() && !is_own && is_same_token && is_same_pause;
        let is_due_as_before = is_nothing_new && entry.wants == Wants::Refresh && entry.at.is_some();
        if !(is_due_as_before && reading.due.is_some()) {
            // The turn that it had at a server that is down is another one's.
            self.ended(profile, Heard::Unknown, now);
            let (wants, at) = self.next(profile, reading, failure, is_own, now);
            self.put(profile, wants, at);
        }
        told
    }

    /// Counts what the profile wants of its client.
    fn count(&mut self, profile: &ProfileName, reading: &Reading) {
        let Some(entry) = self.entries.get_mut(profile) else { return };
        let before = entry.client.take();
        entry.client = reading.client.as_ref().map(|client| {
            let rate = if reading.due.is_some() { rate(reading.every) } else { 0 };
            (self.clients.number(client, reading.limit), rate)
        });
        match (before, entry.client) {
            (Some((old, before)), Some((new, after))) if old == new => self.clients.change(new, before, after),
            (before, after) => {
                if let Some((client, rate)) = before {
                    self.clients.change(client, rate, 0);
                }
                if let Some((client, rate)) = after {
                    self.clients.change(client, 0, rate);
                }
            }
        }
    }

    /// What the profile wants next, and when.
    fn next(
        &self,
        profile: &ProfileName,
        reading: &Reading,
        failure: Option<Code>,
        is_own: bool,
        now: Now,
    ) -> (Wants, Option<Moment>) {
        let failures = self.entries.get(profile).map_or(0, |entry| entry.failures);
        if let Some(due) = reading.due {
            let chance = self.dice.roll((profile, failures, now.moment));
            let rest = match failure {
                Some(code) => back_off(failures, is_passing(code, reading.state), chance),
                None if !is_own => Duration::ZERO,
                None => least_rest(reading.every),
            };
            // Those that were told to wait until the same moment do not come back together.
            let after_pause = reading.paused_until.map_or(Duration::ZERO, |_| part(SPREAD_AFTER_PAUSE, chance));
            let due = now.moment_of(due) + after_pause;
            return (Wants::Refresh, Some(due.max(now.moment + rest)));
        }
        let changes = reading.ends.into_iter().flat_map(|end| [earlier(end, DEFAULT_MIN_TTL), end]);
        let next = changes.filter(|change| *change > now.wall).min();
        // The state counts from the second after it.
        (Wants::Look, next.map(|change| now.moment_of(change) + Duration::from_secs(1)))
    }

    /// Has the profile stand in the queue for this, and for nothing else. Whoever has given it a place gave it up.
    fn put(&mut self, profile: &ProfileName, wants: Wants, at: Option<Moment>) {
        let Some(entry) = self.entries.get_mut(profile) else { return };
        if let Some(before) = std::mem::replace(&mut entry.at, at) {
            self.queue.remove(&(before, profile.clone()));
        }
        (entry.wants, entry.has_slot, entry.is_waiting) = (wants, false, false);
        if let Some(at) = at {
            self.queue.insert((at, profile.clone()));
        }
    }
}

/// When the profile's client lets it refresh.
fn turn(entry: &mut Entry, clients: &mut Clients, dice: Dice, profile: &ProfileName, now: Now) -> Moment {
    let Some((client, _)) = entry.client else { return now.moment };
    if let Some(until) = clients.pause(client, now.moment) {
        return until + part(SPREAD_AFTER_PAUSE, dice.roll((profile, until)));
    }
    if entry.has_slot {
        return now.moment;
    }
    entry.has_slot = true;
    clients.take_slot(client, now.moment)
}

/// How the profile stands after a look at it. `is_anew` tells of a new token or a refresh that worked.
fn standing(before: Standing, reading: &Reading, failure: Option<Code>, is_anew: bool) -> Standing {
    match (reading.state, failure) {
        (State::SignedOut, _) => Standing::SignedOut,
        (State::NeedsLogin, _) => Standing::NeedsLogin,
        (State::Expiring, _) if reading.due.is_none() => Standing::Expiring,
        (_, Some(Code::RateLimited)) => Standing::Throttled,
        (_, Some(_)) => Standing::Failing,
        (_, None) if is_anew || !matches!(before, Standing::Failing | Standing::Throttled) => Standing::Well,
        (_, None) => before,
    }
}

/// What is to be told of a profile that stood like this before.
fn happenings(
    before: Standing,
    entry: &Entry,
    is_new_token: bool,
    is_same_pause: bool,
    has_failed: bool,
) -> Vec<Happening> {
    let (now, is_change) = (entry.standing, before != entry.standing);
    let is_first = before == Standing::Unseen;
    let was_ill = matches!(before, Standing::Failing | Standing::Throttled | Standing::NeedsLogin);
    let is_here = !matches!(now, Standing::SignedOut | Standing::NeedsLogin);
    let told = [
        (Happening::Watching, is_first || before == Standing::SignedOut && is_here),
        (Happening::Recovered, now == Standing::Well && was_ill),
        (Happening::Refreshed, is_new_token && is_here && !matches!(before, Standing::Unseen | Standing::SignedOut)),
        (Happening::SignedOut, now == Standing::SignedOut && is_change && !is_first),
        (Happening::NeedsLogin, now == Standing::NeedsLogin && is_change),
        (Happening::Expiring, now == Standing::Expiring && (is_change || is_new_token)),
        (Happening::Throttled, now == Standing::Throttled && (is_change || !is_same_pause)),
        (
            Happening::RefreshFailing,
            now == Standing::Failing && has_failed && (is_change || is_telling(entry.failures)),
        ),
    ];
    told.into_iter().filter_map(|(happening, is_so)| is_so.then_some(happening)).collect()
}

/// Whether this failure in a row is told.
fn is_telling(failures: u32) -> bool {
    failures.is_power_of_two()
}

/// Whether a failure may pass by itself, so that it is worth to be tried again soon.
fn is_passing(code: Code, state: State) -> bool {
    state != State::NeedsLogin && (code.is_retryable() || code == Code::Store)
}

#[cfg(test)]
mod tests;
