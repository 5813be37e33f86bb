use jiff::SignedDuration;

use super::*;
use crate::providers::MintLimit;
use crate::secret::Secret;
use crate::service::agent::clients::ClientNews;
use crate::storage::{Grant, LastRefresh, Record};

const START: Timestamp = Timestamp::constant(1_800_000_000, 0);
const BOOT: Moment = Moment::at(Duration::from_secs(1_000));
const ANSWER_TIME: Duration = Duration::from_millis(300);
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const ZOHO: MintLimit = MintLimit { tokens: 10, window: Duration::from_secs(600) };

/// What the provider says.
#[derive(Clone, Copy)]
enum Answer {
    /// A token that lives for so many seconds.
    Token(u64),
    Throttled(u64),
    Refused,
    NoNetwork,
}

type Chosen<T> = dyn Fn(&ProfileName, Now) -> T;

/// Agents on one store, with a provider that mostly answers in 300 ms, in a time of their own.
struct World {
    moment: Moment,
    /// How far the wall clock is from what it was at the start.
    wall_is_off_by: SignedDuration,
    agents: Vec<Schedule>,
    records: BTreeMap<ProfileName, Record>,
    limit: Option<MintLimit>,
    answers: Box<Chosen<Answer>>,
    answer_time: Box<Chosen<Duration>>,
    landings: BTreeSet<(Moment, usize, ProfileName, Timestamp)>,
    /// Who was asked for when, and how long the token still lasted for real.
    sent: Vec<(u64, ProfileName)>,
    told: Vec<(u64, ProfileName, Happening)>,
    news: Vec<ClientNews>,
    most_flights: usize,
    wakeups: usize,
}

impl World {
    fn new(agents: usize, limit: Option<MintLimit>) -> Self {
        Self {
            moment: BOOT,
            wall_is_off_by: SignedDuration::ZERO,
            agents: (0..agents).map(|number| Schedule::new(Dice(number as u64 + 7))).collect(),
            records: BTreeMap::new(),
            limit,
            answers: Box::new(|_, _| Answer::Token(HOUR)),
            answer_time: Box::new(|_, _| ANSWER_TIME),
            landings: BTreeSet::new(),
            sent: Vec::new(),
            told: Vec::new(),
            news: Vec::new(),
            most_flights: 0,
            wakeups: 0,
        }
    }

    fn now(&self) -> Now {
        Now { moment: self.moment, wall: later(START, self.moment - BOOT) + self.wall_is_off_by }
    }

    fn seconds(&self) -> u64 {
        (self.moment - BOOT).as_secs()
    }

    /// A sign-in by somebody, as all agents notice it.
    fn sign_in(&mut self, profile: &str, client: &str, life: u64) {
        let (name, now) = (name(profile), self.now().wall);
        let mut record = Record::empty(name.clone(), "zoho", client);
        record.grant = Some(Grant {
            refresh_token: Some(Secret::new("refresh")),
            mints: vec![now],
            ..Grant::new("https://a.test", Vec::new(), Secret::new("x"), now, later(now, Duration::from_secs(life)))
        });
        self.records.insert(name.clone(), record);
        self.notice(&name);
    }

    /// All agents read the record, as after a change on the disk.
    fn notice(&mut self, profile: &ProfileName) {
        for agent in 0..self.agents.len() {
            self.agents[agent].add(profile);
            if !self.agents[agent].is_flying(profile) {
                let (reading, now) = (self.reading(agent, profile), self.now());
                let told = self.agents[agent].seen(profile, &reading, now);
                self.tell(agent, profile, told);
            }
        }
    }

    fn change(&mut self, profile: &str, change: impl FnOnce(&mut Record)) {
        let name = name(profile);
        change(self.records.get_mut(&name).expect("a record"));
        self.notice(&name);
    }

    fn reading(&self, agent: usize, profile: &ProfileName) -> Reading {
        let record = self.records.get(profile);
        let client_id = record.map_or("", |record| record.client_id.as_str());
        let grant = record.and_then(|record| record.grant.as_ref());
        Reading::of(profile, client_id, grant, self.limit, self.agents[agent].dice, self.now().wall)
    }

    fn tell(&mut self, agent: usize, profile: &ProfileName, told: Vec<Happening>) {
        self.news.extend(self.agents[agent].client_news());
        let at = self.seconds();
        if agent == 0 {
            self.told.extend(told.into_iter().map(|happening| (at, profile.clone(), happening)));
        }
    }

    fn told(&self, profile: &str) -> Vec<Happening> {
        let name = name(profile);
        self.told.iter().filter(|(_, told, _)| *told == name).map(|(_, _, happening)| *happening).collect()
    }

    /// Plays until so many seconds after the start.
    fn play(&mut self, until: u64) {
        let end = BOOT + Duration::from_secs(until);
        loop {
            self.wakeups += 1;
            let mut next = end;
            for agent in 0..self.agents.len() {
                if let Some(at) = self.act(agent) {
                    next = next.min(at);
                }
            }
            let landing = self.landings.first().map(|(at, ..)| *at);
            next = landing.map_or(next, |landing| next.min(landing));
            self.moment = self.moment.max(next);
            if self.moment >= end {
                return;
            }
            while self.landings.first().is_some_and(|(at, ..)| *at <= self.moment) {
                let (_, agent, profile, minted_at) = self.landings.pop_first().expect("one");
                self.land(agent, &profile, minted_at);
            }
        }
    }

    fn act(&mut self, agent: usize) -> Option<Moment> {
        loop {
            let now = self.now();
            match self.agents[agent].poll(now) {
                Step::Refresh { profile, minted_at } => {
                    let landing = now.moment + (self.answer_time)(&profile, now);
                    self.landings.insert((landing, agent, profile, minted_at));
                    self.most_flights = self.most_flights.max(self.agents[agent].flights);
                }
                Step::Look(profile) => self.notice(&profile),
                Step::Wait(until) => return until,
            }
        }
    }

    /// As `service::tokens` does it under the lock: not where somebody has minted meanwhile.
    fn land(&mut self, agent: usize, profile: &ProfileName, minted_at: Timestamp) {
        let now = self.now();
        let record = self.records.get_mut(profile).expect("a record");
        let grant = record.grant.as_mut().expect("a grant");
        if grant.mints.last() == Some(&minted_at) {
            self.sent.push(((now.moment - BOOT).as_secs(), profile.clone()));
            let failed = |code| Some(crate::error::Error::new(code, "it failed"));
            let failure = match (self.answers)(profile, now) {
                Answer::Token(life) => {
                    grant.mints.push(now.wall);
                    grant.mints.drain(..grant.mints.len().saturating_sub(20));
                    grant.access_token_expires_at = Some(later(now.wall, Duration::from_secs(life)));
                    grant.paused_until = None;
                    None
                }
                Answer::Throttled(seconds) => {
                    grant.paused_until = Some(later(now.wall, Duration::from_secs(seconds)));
                    failed(Code::RateLimited)
                }
                Answer::Refused => {
                    grant.refused = Some("it was revoked".to_owned());
                    failed(Code::SignInNeeded)
                }
                Answer::NoNetwork => failed(Code::Network),
            };
            grant.last_refresh = Some(LastRefresh { failure, ..LastRefresh::new(now.wall, None) });
        }
        let failure = grant.last_refresh.as_ref().and_then(|last| last.failure.as_ref()).map(|error| error.code);
        let reading = self.reading(agent, profile);
        let told = self.agents[agent].landed(profile, failure.map_or(Ok(()), Err), &reading, now);
        self.tell(agent, profile, told);
        self.notice(profile);
    }

    /// The times at which a profile was asked for.
    fn sent(&self, profile: &str) -> Vec<u64> {
        let name = name(profile);
        self.sent.iter().filter(|(_, sent)| *sent == name).map(|(at, _)| *at).collect()
    }
}

fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

/// Whether each refresh came when eight to ten minutes were left of an hour.
fn is_ahead_of_each_end(times: &[u64]) -> bool {
    let starts = std::iter::once(0).chain(times.iter().copied());
    starts.zip(times).all(|(minted, refreshed)| {
        let left = (minted + HOUR).saturating_sub(*refreshed);
        (8 * MINUTE - 1..=10 * MINUTE).contains(&left)
    })
}

#[test]
fn five_years_pass_with_one_refresh_for_each_life_and_nothing_in_between() {
    let mut world = World::new(1, Some(ZOHO));
    world.sign_in("lobby", "client", HOUR);
    world.play(5 * 365 * DAY);
    let times = world.sent("lobby");
    assert!(is_ahead_of_each_end(&times));
    assert!((50_000..57_000).contains(&times.len()), "{}", times.len());
    assert!(world.wakeups <= 2 * times.len() + 2, "{}", world.wakeups);
    assert!(world.told("lobby")[1..].iter().all(|told| *told == Happening::Refreshed));
}

#[test]
fn ten_thousand_that_were_signed_in_at_once_are_all_refreshed_before_their_end_and_drift_apart() {
    let mut world = World::new(1, None);
    for number in 0..10_000 {
        world.sign_in(&format!("p{number}"), &format!("client{number}"), HOUR);
    }
    world.play(3 * HOUR);
    assert!((25..=MOST_FLIGHTS).contains(&world.most_flights), "{}", world.most_flights);
    let mut by_profile: BTreeMap<&ProfileName, Vec<u64>> = BTreeMap::new();
    for (at, profile) in &world.sent {
        by_profile.entry(profile).or_default().push(*at);
    }
    assert_eq!(by_profile.len(), 10_000);
    assert!(by_profile.values().all(|times| times.len() >= 3 && is_ahead_of_each_end(times)));
}

#[test]
fn an_outage_is_told_with_growing_distance_and_its_end_once() {
    let mut world = World::new(1, None);
    world.sign_in("lobby", "client", HOUR);
    world.answers =
        Box::new(
            |_, now| if now.moment < BOOT + Duration::from_secs(DAY) { Answer::NoNetwork } else { Answer::Token(HOUR) },
        );
    world.play(DAY + HOUR / 2);
    let tries = world.sent("lobby");
    let before_end = tries.iter().filter(|at| **at < HOUR).count();
    assert!((3..=12).contains(&before_end), "{tries:?}");
    assert!((100..600).contains(&tries.len()), "{}", tries.len());
    let told = world.told("lobby");
    let failing = told.iter().filter(|told| **told == Happening::RefreshFailing).count();
    assert!((7..=10).contains(&failing), "{failing}");
    assert_eq!(told[told.len() - 2..], [Happening::Recovered, Happening::Refreshed]);
    let recovered = world.told.iter().find(|(_, _, told)| *told == Happening::Recovered).expect("it did").0;
    assert!(recovered <= DAY + 10 * MINUTE + 1, "{recovered}");
}

#[test]
fn a_refusal_ends_all_tries_until_somebody_signs_in_again() {
    let mut world = World::new(1, Some(ZOHO));
    world.sign_in("lobby", "client", HOUR);
    world.answers =
        Box::new(
            |_, now| {
                if now.moment < BOOT + Duration::from_secs(2 * HOUR) { Answer::Refused } else { Answer::Token(HOUR) }
            },
        );
    world.play(30 * DAY);
    assert_eq!(world.sent("lobby").len(), 1);
    assert_eq!(world.told("lobby"), [Happening::Watching, Happening::NeedsLogin]);
    assert_eq!(world.agents[0].health(world.now()).needs_login, 1);
    world.sign_in("lobby", "client", HOUR);
    world.play(30 * DAY + HOUR);
    assert_eq!(world.told("lobby")[2..], [Happening::Recovered, Happening::Refreshed, Happening::Refreshed]);
    assert_eq!(world.sent("lobby").len(), 2);
}

#[test]
fn a_sign_out_is_told_once_and_a_sign_in_after_it_is_watched_again() {
    let mut world = World::new(1, None);
    world.sign_in("lobby", "client", HOUR);
    world.play(10);
    world.change("lobby", |record| record.grant = None);
    world.change("lobby", |_| ());
    world.play(DAY);
    assert_eq!(world.agents[0].health(world.now()).signed_out, 1);
    world.sign_in("lobby", "client", HOUR);
    assert_eq!(world.told("lobby"), [Happening::Watching, Happening::SignedOut, Happening::Watching]);
    assert!(world.sent.is_empty());
}

#[test]
fn a_token_that_nothing_can_refresh_is_told_before_its_end_and_at_it() {
    let mut world = World::new(1, None);
    world.sign_in("lobby", "client", HOUR);
    world.change("lobby", |record| record.grant.as_mut().expect("a grant").refresh_token = None);
    world.play(30 * DAY);
    let told: Vec<_> = world.told.iter().map(|(at, _, happening)| (*at, *happening)).collect();
    let expected =
        [(0, Happening::Watching), (HOUR - 5 * MINUTE + 1, Happening::Expiring), (HOUR + 1, Happening::NeedsLogin)];
    assert_eq!(told, expected);
    assert!(world.wakeups < 10, "{}", world.wakeups);
}

#[test]
fn a_throttled_grant_waits_and_a_second_one_makes_its_client_wait_but_no_other() {
    let mut world = World::new(1, Some(ZOHO));
    for number in 0..20 {
        world.sign_in(&format!("p{number}"), "client", HOUR);
    }
    world.sign_in("other", "other", HOUR);
    let until = Moment::at(Duration::from_secs(1_000 + 3000 + 30 * MINUTE));
    world.answers = Box::new(move |profile, now| {
        let is_throttled = now.moment < until && profile.as_str() != "other";
        if is_throttled { Answer::Throttled((until - now.moment).as_secs()) } else { Answer::Token(HOUR) }
    });
    world.play(6 * HOUR);
    let (before, after): (Vec<_>, Vec<_>) = world.sent.iter().partition(|(at, _)| *at < 3000 + 30 * MINUTE - 1);
    let of_client = before.iter().filter(|(_, profile)| profile.as_str() != "other").count();
    // Those whose requests were out when the second answer came.
    assert!((2..=4).contains(&of_client), "{of_client}");
    assert!(after.len() > 100);
    assert_eq!(world.sent("other").len(), 7);
    assert!(matches!(&world.news[..], [ClientNews::Paused { client, .. }, ..] if client.client_id == "client"));
    let told = world.told.iter().filter(|(_, _, told)| *told == Happening::Throttled).count();
    assert_eq!(told, of_client);
    let recovered = world.told.iter().filter(|(_, _, told)| *told == Happening::Recovered).count();
    assert_eq!(recovered, of_client);
}

#[test]
fn more_than_sixty_an_hour_are_spread_for_a_client_and_told_once() {
    let mut world = World::new(1, Some(ZOHO));
    for number in 0..200 {
        world.sign_in(&format!("p{number}"), "client", HOUR);
    }
    for number in 0..40 {
        world.sign_in(&format!("q{number}"), "other", HOUR);
    }
    world.play(12 * HOUR);
    let crowded = world.news.iter().filter(|news| matches!(news, ClientNews::Crowded { .. })).count();
    assert_eq!(crowded, 1, "{:?}", world.news);
    for hour in 0..12 {
        let hour = hour * HOUR..(hour + 1) * HOUR;
        let sent = world.sent.iter().filter(|(at, profile)| hour.contains(at) && profile.as_str().starts_with('p'));
        assert!(sent.count() <= 61);
    }
    // All have their turn.
    let turns: BTreeSet<_> = world.sent.iter().map(|(_, profile)| profile).collect();
    assert_eq!(turns.len(), 240);
    assert!((0..40).all(|number| is_ahead_of_each_end(&world.sent(&format!("q{number}")))));
}

#[test]
fn a_wall_clock_that_is_set_makes_no_refresh_early_late_or_double() {
    for off_by in [-10 * 365 * 24, -24, -1, 1, 24, 10 * 365 * 24] {
        let mut world = World::new(1, Some(ZOHO));
        for number in 0..30 {
            world.sign_in(&format!("p{number}"), "client", HOUR);
        }
        world.play(1_000);
        world.wall_is_off_by = SignedDuration::from_hours(off_by);
        // Something else about the records changes as well.
        for number in 0..30 {
            world.change(&format!("p{number}"), |_| ());
        }
        world.play(6 * HOUR);
        for number in 0..30 {
            let times = world.sent(&format!("p{number}"));
            assert!(is_ahead_of_each_end(&times), "{off_by} h: {times:?}");
        }
    }
}

#[test]
fn after_a_suspend_what_is_overdue_is_refreshed_once() {
    let mut world = World::new(1, None);
    for number in 0..1_000 {
        world.sign_in(&format!("p{number}"), "client", HOUR);
    }
    world.play(100);
    // Nothing runs for a night.
    world.moment = world.moment + Duration::from_secs(8 * HOUR);
    world.play(8 * HOUR + 100 + MINUTE);
    assert_eq!(world.sent.len(), 1_000);
    assert_eq!(world.most_flights, MOST_FLIGHTS);
}

#[test]
fn agents_on_one_store_mint_once() {
    let mut world = World::new(3, Some(ZOHO));
    for number in 0..30 {
        world.sign_in(&format!("p{number}"), &format!("client{}", number % 3), HOUR);
    }
    world.play(DAY);
    for number in 0..30 {
        let times = world.sent(&format!("p{number}"));
        assert!(is_ahead_of_each_end(&times), "{times:?}");
        // Each agent has dice of its own, and the earliest one acts.
        assert!((28..=30).contains(&times.len()), "{times:?}");
    }
}

#[test]
fn a_token_that_never_lasts_is_not_asked_for_again_and_again() {
    for (life, most) in [(0, 2 * 60), (1, 2 * 60), (2, 2 * 3600), (60, 2 * 121)] {
        let mut world = World::new(1, None);
        world.sign_in("lobby", "client", life);
        world.answers = Box::new(move |_, _| Answer::Token(life));
        world.play(2 * HOUR);
        assert!(world.sent.len() <= most + 1, "{life}: {}", world.sent.len());
        assert!(world.sent.len() > 60);
    }
}

#[test]
fn a_record_that_cannot_be_read_is_looked_at_again_and_keeps_nobody_up() {
    let mut world = World::new(1, None);
    let (name, now) = (name("lobby"), world.now());
    world.agents[0].add(&name);
    assert_eq!(world.agents[0].unreadable(&name, now), [Happening::Watching, Happening::RefreshFailing]);
    let Step::Wait(Some(at)) = world.agents[0].poll(now) else { panic!("a wait") };
    assert!(at > now.moment && at <= now.moment + Duration::from_secs(30));
    world.sign_in("lobby", "client", HOUR);
    assert_eq!(world.told("lobby"), [Happening::Recovered, Happening::Refreshed]);
    // It is well as soon as it can be read, also with the token of before.
    let now = world.now();
    assert_eq!(world.agents[0].unreadable(&name, now), [Happening::RefreshFailing]);
    world.notice(&name);
    assert_eq!(world.told("lobby"), [Happening::Recovered, Happening::Refreshed, Happening::Recovered]);
}

#[test]
fn what_is_removed_is_not_heard_of_any_more() {
    let mut world = World::new(1, Some(ZOHO));
    world.sign_in("lobby", "client", HOUR);
    world.play(3050);
    let name = name("lobby");
    let now = world.now();
    world.agents[0].remove(&name, now);
    assert_eq!(world.agents[0].flights, 0);
    assert!(world.agents[0].queue.is_empty());
    let reading = world.reading(0, &name);
    assert!(world.agents[0].landed(&name, Ok(()), &reading, now).is_empty());
    assert_eq!(world.agents[0].poll(now), Step::Wait(None));
}

#[test]
fn a_server_that_is_silent_keeps_no_other_waiting_and_is_asked_by_all_when_it_answers_again() {
    let mut world = World::new(1, None);
    for number in 0..2_000 {
        world.sign_in(&format!("down{number}"), "client", HOUR);
        world.change(&format!("down{number}"), |record| {
            record.grant.as_mut().expect("a grant").issuer = "https://down.test".to_owned();
        });
    }
    for number in 0..500 {
        world.sign_in(&format!("up{number}"), "client", HOUR);
    }
    let is_back = BOOT + Duration::from_secs(3 * HOUR);
    let is_down = move |profile: &ProfileName, now: Now| profile.as_str().starts_with("down") && now.moment < is_back;
    world.answers =
        Box::new(move |profile, now| if is_down(profile, now) { Answer::NoNetwork } else { Answer::Token(HOUR) });
    let silence = Duration::from_secs(20);
    world.answer_time = Box::new(move |profile, now| if is_down(profile, now) { silence } else { ANSWER_TIME });
    world.play(3 * HOUR);
    assert!((0..500).all(|number| is_ahead_of_each_end(&world.sent(&format!("up{number}")))));
    let heard: Vec<u64> =
        world.sent.iter().filter(|(_, profile)| profile.as_str().starts_with("down")).map(|(at, _)| *at).collect();
    // As many as may be are out when it falls silent; after that four each 22 seconds: a silence and the pause after it.
    assert_eq!(world.most_flights, MOST_FLIGHTS);
    let after: Vec<u64> = heard.iter().copied().filter(|at| *at > heard[0] + 2 * silence.as_secs()).collect();
    let rounds = (3 * HOUR - after[0]).div_ceil(22);
    assert!((4 * rounds - 8..=4 * rounds).contains(&(after.len() as u64)), "{} in {rounds}", after.len());
    world.play(3 * HOUR + 11 * MINUTE);
    let back = world.sent.iter().filter(|(at, profile)| *at >= 3 * HOUR && profile.as_str().starts_with("down"));
    assert_eq!(back.map(|(_, profile)| profile).collect::<BTreeSet<_>>().len(), 2_000);
}
