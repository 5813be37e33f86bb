//! The clients behind the profiles, and the accounts servers behind those: how many tokens an hour they want, and who is to wait.
//!
//! A grant's own budget refuses and stands in its record; what is counted here paces the agent alone. A client is paced when
//! more tokens are due than its provider is said to give one app, and left alone while two of its grants are throttled. A server
//! that does not answer is asked by a few profiles only, so that no other server's have to wait for its silence.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::clock::Moment;
use crate::profile::ProfileName;
use crate::providers::MintLimit;
use crate::service::tokens::throttles::window;
use crate::storage::ClientAt;

const HOUR: Duration = Duration::from_secs(3600);
/// After so many failures in a row a server is taken to be down, and asked by so many profiles at once.
const DOWN_AFTER: usize = 3;
const PROBES: usize = 4;

/// A thousandth of a token an hour.
pub(super) type Rate = u64;

/// The tokens an hour of a profile that is refreshed so often.
pub(super) fn rate(every: Duration) -> Rate {
    u64::try_from(HOUR.as_millis() * 1000 / every.as_millis().max(1)).unwrap_or(Rate::MAX)
}

/// What is to be told of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClientNews {
    /// More tokens an hour are due than it is taken to be good for.
    Crowded { client: ClientAt, due: u64, allowed: u64 },
    /// Two of its grants were throttled, so none is refreshed until then.
    Paused { client: ClientAt, until: Moment },
}

/// The number of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientId(usize);

#[derive(Default)]
pub(super) struct Clients {
    numbers: HashMap<ClientAt, usize>,
    all: Vec<Client>,
    servers: HashMap<String, Server>,
    news: Vec<ClientNews>,
}

struct Client {
    name: ClientAt,
    limit: Option<MintLimit>,
    demand: Rate,
    is_crowded: bool,
    /// Before that no refresh begins while it is crowded.
    next_slot: Moment,
    /// Who was throttled, and when.
    throttled: Vec<(ProfileName, Moment)>,
    paused_until: Option<Moment>,
}

/// An accounts server.
#[derive(Default)]
struct Server {
    flights: usize,
    /// How often in a row it did not answer.
    silences: usize,
    /// Who is due and waits for an answer to somebody else.
    waiting: VecDeque<ProfileName>,
}

/// How a server took a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Answer,
    Nothing,
    /// It was not asked, or that is not known.
    Unknown,
}

/// Who may be refreshed after somebody else.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Released {
    All(Vec<ProfileName>),
    /// In the place of the one before, which counts on.
    Next(ProfileName),
}

impl Clients {
    /// The client's number, which it keeps.
    pub(super) fn number(&mut self, name: &ClientAt, limit: Option<MintLimit>) -> ClientId {
        let number = *self.numbers.entry(name.clone()).or_insert(self.all.len());
        match self.all.get_mut(number) {
            Some(client) => client.limit = limit,
            None => self.all.push(Client {
                name: name.clone(),
                limit,
                demand: 0,
                is_crowded: false,
                next_slot: Moment::default(),
                throttled: Vec::new(),
                paused_until: None,
            }),
        }
        ClientId(number)
    }

    /// A profile of the client wants so many tokens an hour from now on, instead of as many as before.
    pub(super) fn change(&mut self, id: ClientId, before: Rate, after: Rate) {
        let client = &mut self.all[id.0];
        client.demand = client.demand.saturating_sub(before).saturating_add(after);
        let Some(allowed) = client.allowed() else { return };
        if client.demand > allowed && !client.is_crowded {
            client.is_crowded = true;
            let (due, allowed) = (client.demand.div_ceil(1000), allowed / 1000);
            self.news.push(ClientNews::Crowded { client: client.name.clone(), due, allowed });
        }
        // A jitter in the lives of tokens is not told again and again.
        client.is_crowded &= client.demand > allowed / 10 * 9;
    }

    /// Notes that a profile of the client was throttled until then. The second one within the window pauses the client.
    pub(super) fn throttled(&mut self, id: ClientId, profile: &ProfileName, until: Moment, now: Moment) {
        let client = &mut self.all[id.0];
        let window = window(client.limit);
        client.throttled.retain(|(name, at)| now - *at < window && name != profile);
        let is_second = !client.throttled.is_empty();
        client.throttled.push((profile.clone(), now));
        if is_second && client.paused_until.is_none_or(|paused_until| paused_until < until) {
            client.paused_until = Some(until);
            self.news.push(ClientNews::Paused { client: client.name.clone(), until });
        }
    }

    /// Until when the client is to be left alone.
    pub(super) fn pause(&self, id: ClientId, now: Moment) -> Option<Moment> {
        self.all[id.0].paused_until.filter(|until| *until > now)
    }

    /// When the client's next refresh may begin, which is taken by that; now where it is not crowded.
    pub(super) fn take_slot(&mut self, id: ClientId, now: Moment) -> Moment {
        let client = &mut self.all[id.0];
        let Some(limit) = client.limit.filter(|_| client.is_crowded) else { return now };
        let slot = client.next_slot.max(now);
        client.next_slot = slot + limit.window / u32::try_from(limit.tokens.max(1)).unwrap_or(u32::MAX);
        slot
    }

    /// Whether a refresh of the client's profile may be sent to its server, which counts from then on. Else the profile waits
    /// until [`landed`](Self::landed) names it.
    pub(super) fn takes_off(&mut self, id: ClientId, profile: &ProfileName) -> bool {
        let server = self.servers.entry(self.all[id.0].name.issuer.clone()).or_default();
        let may = server.silences < DOWN_AFTER || server.flights < PROBES;
        if may {
            server.flights += 1;
        } else {
            server.waiting.push_back(profile.clone());
        }
        may
    }

    /// A refresh has ended, or was given up before it began. Tells who need not wait any more.
    pub(super) fn landed(&mut self, id: ClientId, heard: Heard) -> Released {
        let Some(server) = self.servers.get_mut(&self.all[id.0].name.issuer) else { return Released::All(Vec::new()) };
        match heard {
            Heard::Answer => server.silences = 0,
            Heard::Nothing => server.silences = server.silences.saturating_add(1),
            Heard::Unknown => {}
        }
        server.flights = server.flights.saturating_sub(1);
        if server.silences < DOWN_AFTER {
            return Released::All(std::mem::take(&mut server.waiting).into());
        }
        if server.flights < PROBES
            && let Some(next) = server.waiting.pop_front()
        {
            server.flights += 1;
            return Released::Next(next);
        }
        Released::All(Vec::new())
    }

    pub(super) fn take_news(&mut self) -> Vec<ClientNews> {
        std::mem::take(&mut self.news)
    }
}

impl Client {
    /// The tokens an hour that it is taken to be good for.
    fn allowed(&self) -> Option<Rate> {
        let limit = self.limit?;
        let windows = HOUR.as_millis() * 1000 / limit.window.as_millis().max(1);
        Some(u64::try_from(windows).unwrap_or(Rate::MAX).saturating_mul(limit.tokens as u64))
    }
}
