//! Keeps access tokens fresh ahead of their end, for as long as the process lives.
//!
//! `schedule` decides, in a time that it is told; here its steps meet the store, the network and the clock. One loop owns all of
//! it. It sleeps until something is due, somebody changes a record or the configuration, or asks something of it.
//!
//! Several agents on one store share the work: each hears of what another one commits, and whoever comes to a record under its
//! lock looks first whether somebody has minted meanwhile (`service::tokens`).

mod clients;
mod event;
mod look;
mod reading;
mod schedule;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use self::event::{Command, Event, Happening, Health, Notice};
use self::look::{Landing, Look, Looks, TriedWith};
use self::reading::Dice;
use self::schedule::{Now, Schedule, Step};
use super::watch::Change;
use super::{PendingCode, Service};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::config::Config;
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::storage::{Store, StoreError, Version};

/// So many records are read by one thread, and so many threads read at once.
const BATCH: usize = 64;
const MOST_READERS: usize = 4;

/// Looks after the profiles of a configuration.
#[expect(clippy::struct_excessive_bools, reason = "each tells of another thing, and any may go with any")]
pub struct Agent {
    service: Arc<Service>,
    /// Those that were named; all where none was.
    only: BTreeSet<ProfileName>,
    dice: Dice,
    schedule: Schedule,
    /// Whose records have to be read, and whose are being read.
    unread: BTreeSet<ProfileName>,
    reading: BTreeSet<ProfileName>,
    readers: usize,
    /// Whose records were there and were found gone, without a sign-out.
    vanished: BTreeSet<ProfileName>,
    /// The versions of the records at the last look at all of them, where nobody tells of changes.
    versions: BTreeMap<ProfileName, Version>,
    /// Whose pending sign-in is gone along with, and whether once more where it comes to nothing; and which ones did.
    signing_in: BTreeMap<ProfileName, bool>,
    given_up: BTreeMap<ProfileName, TriedWith>,
    tasks: JoinSet<Done>,
    is_ready: bool,
    /// The store cannot be reached, which was told.
    is_store_away: bool,
    /// A look at all versions is under way.
    is_comparing: bool,
    /// The configuration is being looked at.
    is_rereading: bool,
    /// That it has to be once more, and how many orders for that there are.
    reread_again: Option<u32>,
    /// The store tells no versions at present: where one record can be read, all are.
    only_reading_tells: bool,
    /// Why the configuration in use is not that of the file.
    broken: Option<Error>,
}

/// What a task brings.
enum Done {
    Landed(Box<Landing>),
    SignIn { profile: ProfileName, pending: TriedWith, result: Box<Result<(), Error>> },
    Read { batch: Vec<ProfileName>, looks: Looks },
    Versions(Option<BTreeMap<ProfileName, Version>>),
    Configuration { result: Box<Result<Option<Config>, Error>>, orders: u32 },
}

impl Agent {
    /// Looks after those that are named, or after all where none is. One that is not configured is waited for.
    pub fn new(service: Arc<Service>, only: impl IntoIterator<Item = ProfileName>) -> Self {
        let dice = Dice(RandomState::new().hash_one(()));
        Self {
            service,
            only: only.into_iter().collect(),
            dice,
            schedule: Schedule::new(dice),
            unread: BTreeSet::new(),
            reading: BTreeSet::new(),
            readers: 0,
            vanished: BTreeSet::new(),
            versions: BTreeMap::new(),
            signing_in: BTreeMap::new(),
            given_up: BTreeMap::new(),
            tasks: JoinSet::new(),
            is_ready: false,
            is_store_away: false,
            is_comparing: false,
            is_rereading: false,
            reread_again: None,
            only_reading_tells: false,
            broken: None,
        }
    }

    /// Runs until nobody is left who could send a command. What is out by then is waited for and told.
    ///
    /// First comes [`Happening::Watching`] for each profile, with its token, then [`Happening::Ready`]. The loop waits
    /// where `notices` is full, so whoever receives them hands long work on; it goes on receiving until this returns.
    ///
    /// # Errors
    ///
    /// The store cannot be used at the start. Later that is told and waited out.
    pub async fn run(
        mut self,
        notices: mpsc::Sender<Notice>,
        mut commands: mpsc::Receiver<Command>,
    ) -> Result<(), Error> {
        let store = self.service.store.clone();
        let mut watch = self.service.watch().await;
        aside(move || check_store(&store)).await?;
        let wanted: Vec<ProfileName> = self.wanted().cloned().collect();
        self.watch_over(wanted);
        loop {
            let next = self.begin(&notices).await;
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(Command::Report(answer)) => drop(answer.send(self.schedule.health(now()))),
                    Some(Command::Reload) => self.reread(1),
                    None => break,
                },
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    self.take_in(finished(done), &notices).await;
                }
                change = watch.changed() => self.noticed(change),
                () = until(next) => {}
            }
        }
        self.end(&notices).await;
        Ok(())
    }

    /// Begins whatever is due, and tells when the next thing is.
    async fn begin(&mut self, notices: &mpsc::Sender<Notice>) -> Option<Moment> {
        let next = loop {
            match self.schedule.poll(now()) {
                Step::Refresh { profile, minted_at } => {
                    if let Some(profile) = self.service.config.profiles.get(&profile) {
                        let refresh = look::refresh(self.service.clone(), profile.clone(), minted_at, self.dice);
                        self.tasks.spawn(async move { Done::Landed(Box::new(refresh.await)) });
                    }
                }
                Step::Look(profile) => drop(self.unread.insert(profile)),
                Step::Wait(next) => break next,
            }
        };
        while self.readers < MOST_READERS {
            // One that is being refreshed is read when that has ended.
            let can_be_read = |name: &&ProfileName| !self.reading.contains(*name) && !self.schedule.is_flying(name);
            let batch: Vec<ProfileName> = self.unread.iter().filter(can_be_read).take(BATCH).cloned().collect();
            if batch.is_empty() {
                break;
            }
            for name in &batch {
                self.unread.remove(name);
                self.reading.insert(name.clone());
            }
            self.readers += 1;
            let (service, dice) = (self.service.clone(), self.dice);
            self.tasks.spawn(aside(move || Done::Read { looks: look::read(&service, &batch, dice), batch }));
        }
        if !self.is_ready && self.readers == 0 && self.unread.is_empty() {
            self.is_ready = true;
            let message = words::summary(&self.schedule.health(now()));
            self.send(notices, words::of_agent(Happening::Ready, message, clock::wall()), None).await;
        }
        next
    }

    async fn take_in(&mut self, done: Done, notices: &mpsc::Sender<Notice>) {
        match done {
            Done::Landed(landing) => self.landed(*landing, notices).await,
            Done::SignIn { profile, pending, result } => {
                let once_more = self.signing_in.remove(&profile).unwrap_or_default();
                if let Err(error) = *result {
                    self.given_up.extend((!once_more).then(|| (profile.clone(), pending)));
                    let event = words::of_profile(Happening::NotSignedIn, &profile, None, Some(&error), clock::wall());
                    self.send(notices, Event { state: None, ..event }, None).await;
                }
                // There may be a grant, or another code by now.
                self.unread.extend(Some(profile).filter(|profile| self.schedule.is_watching(profile)));
            }
            Done::Read { batch, looks } => {
                self.readers -= 1;
                for name in batch {
                    self.reading.remove(&name);
                }
                for (name, look) in looks {
                    self.seen(&name, look, notices).await;
                }
            }
            Done::Versions(versions) => {
                self.is_comparing = false;
                self.compare(versions);
            }
            Done::Configuration { result, orders } => {
                self.is_rereading = false;
                self.configured(*result, orders, notices).await;
                if let Some(orders) = self.reread_again.take() {
                    self.reread(orders);
                }
            }
        }
    }

    async fn landed(&mut self, landing: Landing, notices: &mpsc::Sender<Notice>) {
        let Landing { profile, result, look } = landing;
        if self.schedule.is_flying(&profile) {
            self.looked(&profile, look, Some(result), notices).await;
        }
    }

    async fn seen(&mut self, profile: &ProfileName, look: Result<Look, Error>, notices: &mpsc::Sender<Notice>) {
        if self.schedule.is_flying(profile) {
            self.unread.insert(profile.clone());
            return;
        }
        if let Ok(Look { pending: Some((pending, code)), .. }) = &look {
            self.go_along(profile, pending, code, notices).await;
        }
        self.looked(profile, look, None, notices).await;
    }

    /// Takes in what a look at a record told, whether or not it is the one after a refresh.
    async fn looked(
        &mut self,
        profile: &ProfileName,
        look: Result<Look, Error>,
        refresh: Option<Result<(), Error>>,
        notices: &mpsc::Sender<Notice>,
    ) {
        let (was_signed_in, lost) = (self.schedule.was_signed_in(profile), self.service.store.loss());
        let is_gone = |look: &Look| look.is_missing && (look.is_lost || was_signed_in);
        let look = match look {
            // Removing or renaming a profile takes its record away a moment before the configuration says so.
            Ok(look) if is_gone(&look) && self.vanished.insert(profile.clone()) && was_signed_in => {
                return self.schedule.away(profile, now());
            }
            // A database that answers has lost nothing: another machine has removed the profile.
            Ok(look) if is_gone(&look) && !lost.is_shared() => Err(words::vanished(profile, lost)),
            look => {
                self.vanished.remove(profile);
                look
            }
        };
        let (told, look, error) = match look {
            Ok(look) => {
                let told = match &refresh {
                    Some(result) => {
                        let code = result.as_ref().map_or_else(|error| Err(error.code), |()| Ok(()));
                        self.schedule.landed(profile, code, &look.reading, now())
                    }
                    None => self.schedule.seen(profile, &look.reading, now()),
                };
                (told, Some(look), refresh.and_then(Result::err))
            }
            Err(away) if away.code == Code::StoreUnavailable => {
                return self.store_is_away(profile, &away, notices).await;
            }
            Err(error) => (self.schedule.unreadable(profile, now()), None, Some(error)),
        };
        self.store_answers(look.is_some(), notices).await;
        self.tell(profile, told, look.as_ref(), error.as_ref(), notices).await;
    }

    /// Goes along with a sign-in that is pending, so that the machine is signed in whoever has left the terminal.
    async fn go_along(
        &mut self,
        profile: &ProfileName,
        pending: &TriedWith,
        code: &PendingCode,
        notices: &mpsc::Sender<Notice>,
    ) {
        let Some(configured) = self.service.config.profiles.get(profile).cloned() else { return };
        if self.given_up.get(profile) == Some(pending) || self.signing_in.contains_key(profile) {
            return;
        }
        self.signing_in.insert(profile.clone(), false);
        self.send(notices, words::of_sign_in(profile, code, clock::wall(), &(self.service.zone)()), None).await;
        let signing_in = look::sign_in(self.service.clone(), configured);
        let (profile, pending) = (profile.clone(), pending.clone());
        self.tasks.spawn(async move { Done::SignIn { profile, pending, result: Box::new(signing_in.await) } });
    }

    /// Goes along once more with sign-ins that came to nothing, or will: what is in their way may be put right.
    fn go_along_again(&mut self) {
        self.signing_in.values_mut().for_each(|once_more| *once_more = true);
        let given_up = std::mem::take(&mut self.given_up).into_keys();
        self.unread.extend(given_up.filter(|profile| self.schedule.is_watching(profile)));
    }

    /// Has those records read whose sign-ins came to nothing: what they went by may be another by now.
    fn look_at_given_up(&mut self) {
        self.unread.extend(self.given_up.keys().filter(|name| self.schedule.is_watching(name)).cloned());
    }

    /// Tells once that the store cannot be reached. What is known of the profiles stays.
    async fn store_is_away(&mut self, profile: &ProfileName, error: &Error, notices: &mpsc::Sender<Notice>) {
        self.schedule.away(profile, now());
        if !std::mem::replace(&mut self.is_store_away, true) {
            let event = words::of_failure(Happening::StoreFailing, error, clock::wall());
            self.send(notices, event, None).await;
        }
    }

    /// Has all records read again that may have changed while the store was away.
    async fn store_answers(&mut self, has_answered: bool, notices: &mpsc::Sender<Notice>) {
        if has_answered && std::mem::take(&mut self.only_reading_tells) {
            self.unread.extend(self.schedule.profiles().cloned());
        }
        if has_answered && std::mem::take(&mut self.is_store_away) {
            self.unread.extend(self.schedule.profiles().cloned());
            let message = format!("the store can be reached again: {}", words::summary(&self.schedule.health(now())));
            self.send(notices, words::of_agent(Happening::Ready, message, clock::wall()), None).await;
        }
    }

    async fn tell(
        &mut self,
        profile: &ProfileName,
        told: Vec<Happening>,
        look: Option<&Look>,
        error: Option<&Error>,
        notices: &mpsc::Sender<Notice>,
    ) {
        for happening in told {
            let event = words::of_profile(happening, profile, look, error, clock::wall());
            let brings_token = matches!(happening, Happening::Watching | Happening::Refreshed | Happening::Recovered);
            let token = look.filter(|_| brings_token).and_then(|look| look.token.clone());
            self.send(notices, event, token).await;
        }
        for news in self.schedule.client_news() {
            self.send(notices, words::of_client(&news, now(), &(self.service.zone)()), None).await;
        }
    }

    async fn send(&self, notices: &mpsc::Sender<Notice>, event: Event, token: Option<Secret>) {
        self.send_of(notices, event, token, 0).await;
    }

    async fn send_of(&self, notices: &mpsc::Sender<Notice>, event: Event, token: Option<Secret>, reloads: u32) {
        // Where nobody listens any more, the agent goes on with its work.
        let (health, config) = (self.schedule.health(now()), self.service.config.clone());
        let _ = notices.send(Notice { event, token, health, config, reloads }).await;
    }

    fn noticed(&mut self, change: Change) {
        match change {
            Change::Told { records, configuration, beside } => {
                self.unread.extend(records.into_iter().filter(|name| self.schedule.is_watching(name)));
                if beside {
                    self.look_at_given_up();
                }
                if configuration {
                    self.reread(0);
                }
            }
            Change::Anything => {
                self.look_at_given_up();
                if !std::mem::replace(&mut self.is_comparing, true) {
                    let store = self.service.store.clone();
                    self.tasks.spawn(aside(move || Done::Versions(store.versions())));
                }
                self.reread(0);
            }
        }
    }

    /// Has those records read that have changed since the last look at all of them.
    fn compare(&mut self, versions: Option<BTreeMap<ProfileName, Version>>) {
        let versions = match versions {
            // A store that could tell does not any more, and reading one record says why.
            None if !self.versions.is_empty() => {
                self.only_reading_tells = true;
                return self.unread.extend(self.schedule.profiles().next().cloned());
            }
            versions => versions.unwrap_or_default(),
        };
        if self.is_store_away {
            self.unread.extend(self.schedule.profiles().cloned());
        }
        let before = std::mem::replace(&mut self.versions, versions);
        let is_changed = |name: &&ProfileName| {
            let version = self.versions.get(*name);
            // Without a version, only reading tells.
            version.is_none() && before.is_empty() || version != before.get(*name)
        };
        self.unread.extend(self.schedule.profiles().filter(is_changed).cloned());
    }

    /// Looks whether the configuration has changed.
    fn reread(&mut self, orders: u32) {
        if self.is_rereading {
            // One at a time, since a disk that hangs would keep a thread for each.
            self.reread_again = Some(self.reread_again.unwrap_or_default().saturating_add(orders));
            return;
        }
        self.is_rereading = true;
        let (service, is_forced) = (self.service.clone(), orders > 0 || self.broken.is_some());
        if orders > 0 {
            self.unread.extend(self.schedule.profiles().cloned());
        }
        self.tasks.spawn(aside(move || {
            let result = service.newest_configuration(is_forced);
            Done::Configuration { result: Box::new(result), orders }
        }));
    }

    async fn configured(&mut self, result: Result<Option<Config>, Error>, orders: u32, notices: &mpsc::Sender<Notice>) {
        if orders > 0 || matches!(result, Ok(Some(_))) {
            self.go_along_again();
        }
        let config = match result {
            Ok(Some(config)) => config,
            Ok(None) if orders > 0 || self.broken.is_some() => {
                self.broken = None;
                let message = "the configuration is the same as before";
                let event = words::of_agent(Happening::Reloaded, message, clock::wall());
                return self.send_of(notices, event, None, orders).await;
            }
            Ok(None) => return,
            Err(error) => {
                let error = error.adding("the one before stays");
                if orders > 0 || self.broken.as_ref() != Some(&error) {
                    let event = words::of_failure(Happening::NotReloaded, &error, clock::wall());
                    self.send_of(notices, event, None, orders).await;
                }
                self.broken = Some(error);
                return;
            }
        };
        self.broken = None;
        let service = Arc::new(Service::clone(&self.service).with_config(config));
        let before = std::mem::replace(&mut self.service, service);
        let config = &self.service.config;
        let is_same = |name: &&ProfileName| {
            config.providers == before.config.providers
                && config.profiles.get(*name) == before.config.profiles.get(*name)
        };
        let wanted: BTreeSet<ProfileName> = self.wanted().cloned().collect();
        let changed = wanted.iter().filter(|name| !is_same(name)).cloned().collect();
        let gone: Vec<ProfileName> = self.schedule.profiles().filter(|name| !wanted.contains(*name)).cloned().collect();
        self.watch_over(changed);
        for profile in gone {
            self.schedule.remove(&profile, now());
            self.unread.remove(&profile);
            self.vanished.remove(&profile);
            let event = words::of_profile(Happening::Removed, &profile, None, None, clock::wall());
            self.send(notices, Event { state: None, ..event }, None).await;
        }
        let message = format!("the configuration was read again: {}", words::summary(&self.schedule.health(now())));
        self.send_of(notices, words::of_agent(Happening::Reloaded, message, clock::wall()), None, orders).await;
    }

    /// Those of the configuration that are to be looked after.
    fn wanted(&self) -> impl Iterator<Item = &ProfileName> {
        self.service.config.profiles.keys().filter(|name| self.only.is_empty() || self.only.contains(*name))
    }

    fn watch_over(&mut self, profiles: Vec<ProfileName>) {
        for profile in profiles {
            self.schedule.add(&profile);
            self.unread.insert(profile);
        }
    }

    /// Begins nothing more, and waits for what must not be cut short.
    async fn end(mut self, notices: &mpsc::Sender<Notice>) {
        let unbroken = self.service.unbroken().clone();
        let last = async {
            while let Some(done) = self.tasks.join_next().await {
                if let Done::Landed(landing) = finished(done) {
                    self.landed(*landing, notices).await;
                }
            }
        };
        unbroken.finish(pin!(last)).await;
    }
}

/// Whether the store can be used at all. Blocks.
fn check_store(store: &Store) -> Result<(), Error> {
    if let Some(first) = store.profiles()?.first()
        && let Err(error @ StoreError::KeyUnavailable(_)) = store.load(first)
    {
        return Err(error.into());
    }
    Ok(())
}

fn now() -> Now {
    Now { moment: clock::now(), wall: clock::wall() }
}

async fn until(moment: Option<Moment>) {
    match moment {
        Some(moment) => clock::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn finished(done: Result<Done, tokio::task::JoinError>) -> Done {
    match done {
        Ok(done) => done,
        Err(error) => resume_unwind(error.into_panic()),
    }
}
