//! Turns effects into tasks, and the ends of tasks into messages. Draws nothing.
//!
//! Work that changes nothing is cut short when nobody wants it any more; work that changes the store or gives a grant
//! back is waited for, also by the end of the app.

mod answers;
mod browser;
mod calls;
mod tmux;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use answers::Latest;

use crate::aside::aside;
use crate::clock;
use crate::config::{Config, Profile};
use crate::error::Error;
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::service::{EnvFile, Freshness, GivenUp, Presence, Service, SignIn, StandStill};
use crate::supervisor::Supervisor;
use crate::tui::Decide;
use crate::tui::clipboard::{Clipboard, ToCopy};
use crate::tui::message::{DemoDecision, Effect, Message, TaskId};
use crate::tui::text_job::TextJob;

/// How long quitting waits for work that must not be cut short.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a stop of the process waits for the same: nobody hears keys meanwhile.
const STOP: Duration = Duration::from_secs(1);
/// The least and the longest time between two readings of what somebody else has changed. An agent changes thousands of records,
/// and a store that does not answer takes its time as well.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// In between, the pause is so many times as long as a reading takes.
const PAUSE_BY_READING: u32 = 20;

/// Who is reached beside the provider.
#[derive(Default)]
pub(in crate::tui) struct Outside {
    /// The program that opens links.
    pub(in crate::tui) browser: Option<String>,
    pub(in crate::tui) clipboard: Clipboard,
    pub(in crate::tui) demo: Option<Decide>,
    pub(in crate::tui) supervisor: Option<Arc<Supervisor>>,
}

type Decisions = HashMap<TaskId, oneshot::Sender<bool>>;

/// The service by the configuration as the screens have it.
type Current = Arc<Mutex<Arc<Service>>>;

/// What is under way.
pub(super) struct Tasks {
    /// Whatever is under way keeps the one that it began with.
    service: Current,
    outside: Outside,
    sender: UnboundedSender<Message>,
    /// Somebody reads the statuses again when something changes, from the first profile on to the end.
    is_watching: bool,
    cancellable: HashMap<TaskId, JoinHandle<()>>,
    /// The ears of the sign-ins among them, and whose they are.
    presences: HashMap<TaskId, (ProfileName, Presence)>,
    /// Sign-ins whose grant could not be saved, waiting to hear whether to try again.
    decisions: Arc<Mutex<Decisions>>,
    /// An answer got lost about the code that was given up last.
    has_lost_answer: Arc<AtomicBool>,
    /// Work that changes the store or gives a grant back: quitting waits for it.
    must_finish: JoinSet<()>,
    last_search: Latest,
}

impl Tasks {
    pub(super) fn new(service: Arc<Service>, outside: Outside, sender: UnboundedSender<Message>) -> Self {
        Self {
            service: Arc::new(Mutex::new(service)),
            outside,
            sender,
            is_watching: false,
            cancellable: HashMap::new(),
            presences: HashMap::new(),
            decisions: Arc::default(),
            has_lost_answer: Arc::default(),
            must_finish: JoinSet::new(),
            last_search: Latest::default(),
        }
    }

    /// Begins what an effect asks for. What the terminal or the loop does by themselves is not for here.
    pub(super) fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::StartSignIn { task, profile, options } => self.start_sign_in(task, profile, options),
            Effect::TrySaving { task, again } => self.try_saving(task, again),
            Effect::Cancel(task) => self.cancel(task),
            Effect::GiveUp(task) => self.give_up(task),
            Effect::AskNow(task) => self.presences.get(&task).iter().for_each(|(_, presence)| presence.ask_now()),
            Effect::Attend(task) => self.presences.get(&task).iter().for_each(|(_, presence)| presence.attend()),
            Effect::LoadStatuses => self.load_statuses(),
            Effect::Refresh { task, profile } => self.spawn_to_finish(
                profile,
                |service, profile| async move { service.token(&profile, Freshness::Forced).await.map(drop) },
                move |profile, result| Message::Refreshed { task, profile, result },
            ),
            Effect::Verify { task, profile } => self.spawn_to_finish(
                profile,
                |service, profile| async move { service.whoami(&profile).await },
                move |profile, result| Message::Verified { task, profile, result },
            ),
            Effect::SignOut { task, profile } => self.spawn_to_finish(
                profile,
                |service, profile| async move { service.sign_out(&profile, false).await },
                move |profile, result| Message::SignedOut { task, profile, result },
            ),
            Effect::ReadToken { task, profile } => self.spawn_to_finish(
                profile,
                |service, profile| async move {
                    service.token(&profile, Freshness::Default).await.map(|token| token.access_token)
                },
                move |profile, result| Message::TokenRead { task, profile, result },
            ),
            Effect::ChangeConfiguration { task, change } => self.change(
                move |service, runtime| runtime.block_on(service.change_configuration(change)),
                move |result| Message::ConfigurationChanged { task, result },
            ),
            Effect::Import { task, import } => self.change(
                move |service, runtime| runtime.block_on(service.import(*import, SignIn::default())),
                move |result| Message::Imported { task, result },
            ),
            Effect::ReadEnvFile { task, path } => {
                self.tell(move || Message::EnvFileRead { task, result: Box::new(EnvFile::read(&path)) });
            }
            Effect::UseConfiguration(config) => {
                let mut service = locked(&self.service);
                *service = Arc::new(Service::clone(&service).with_config(*config));
            }
            Effect::LoadTestCalls { task, profile } => self.spawn_cancellable(
                task,
                profile,
                |service, profile| async move { service.test_calls(&profile).await },
                move |_, result| Message::TestCallsLoaded { task, result: Box::new(result) },
            ),
            Effect::Call { task, profile, call } => self.call(task, profile, call),
            Effect::LoadPastCalls { profile } => {
                let service = self.service();
                self.tell(move || Message::PastCallsLoaded { result: service.past_calls(&profile), profile });
            }
            Effect::KeepCall { profile, call } => {
                let service = self.service();
                self.tell_to_finish(move || Message::CallKept { result: service.keep_call(&profile, *call), profile });
            }
            Effect::WorkOnText { task, job } => {
                let is_wanted: Box<dyn Fn() -> bool + Send> = match job {
                    TextJob::Find { .. } => Box::new(self.last_search.begin(task)),
                    TextJob::Wrap { .. } => Box::new(|| true),
                };
                self.tell(move || Message::TextDone { task, done: job.run(&*is_wanted) });
            }
            Effect::Save(save_as) => self.tell_to_finish(move || {
                let saved = answers::save(&save_as.name(), &save_as.content);
                Message::Saved(saved.map_err(|error| Box::new((save_as, error))))
            }),
            Effect::OpenBrowser(url) => self.open_browser(&url),
            Effect::Decide { user_code, decision } => self.decide(&user_code, decision),
            Effect::Alive => {
                if let Some(supervisor) = &self.outside.supervisor {
                    supervisor.alive();
                }
            }
            Effect::Copy(_) | Effect::ClearScreen | Effect::Suspend | Effect::Quit(_) => {}
        }
    }

    fn service(&self) -> Arc<Service> {
        locked(&self.service).clone()
    }

    /// Brings a text to the clipboard, or tells what the terminal has to be sent for that.
    pub(super) fn copy(&self, copy: ToCopy) -> Option<String> {
        if self.outside.clipboard != Clipboard::Tmux {
            return Some(self.outside.clipboard.sequence(copy.text.expose()));
        }
        self.tell(move || Message::Copied { result: tmux::take(&copy), what: copy.what });
        None
    }

    /// Has a message made aside.
    fn tell(&self, message: impl FnOnce() -> Message + Send + 'static) {
        drop(self.telling(message));
    }

    /// The same for what the end of the app waits for.
    fn tell_to_finish(&mut self, message: impl FnOnce() -> Message + Send + 'static) {
        let telling = self.telling(message);
        self.must_finish.spawn(telling);
    }

    fn telling<M>(&self, message: M) -> impl Future<Output = ()> + Send + use<M>
    where
        M: FnOnce() -> Message + Send + 'static,
    {
        let sender = self.sender.clone();
        // Nobody listens any more when the app has ended.
        aside(move || drop(sender.send(message())))
    }

    /// Changes the configuration, which others may hold.
    fn change<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Service, &Handle) -> Result<T, Error> + Send + 'static,
        message: impl FnOnce(Box<Result<T, Error>>) -> Message + Send + 'static,
    ) {
        let (service, runtime) = (self.service(), Handle::current());
        self.tell_to_finish(move || message(Box::new(work(&service, &runtime))));
    }

    fn open_browser(&self, url: &Url) {
        if let Some(program) = self.outside.browser.clone() {
            let (url, service) = (url.clone(), self.service());
            // The program comes from a disk.
            drop(aside(move || browser::open(&program, &url, &service.config)));
        }
    }

    fn decide(&self, user_code: &str, decision: DemoDecision) {
        if let Some(decide) = &self.outside.demo {
            let is_done = decide(user_code, decision);
            drop(self.sender.send(Message::Decided { decision, is_done }));
        }
    }

    fn start_sign_in(&mut self, task: TaskId, profile: ProfileName, options: SignIn) {
        let (events, unsaved) = (self.sender.clone(), self.sender.clone());
        // Once the app has ended nobody decides, and what cannot be saved is given back.
        let decisions = Arc::downgrade(&self.decisions);
        let report = move |event| drop(events.send(Message::SignIn { task, event }));
        let presence = Presence::default().asked_to_save(move |error, decide| {
            if let Some(decisions) = decisions.upgrade() {
                locked(&decisions).insert(task, decide);
            }
            drop(unsaved.send(Message::Unsaved { task, error }));
        });
        let (heard, owner) = (presence.clone(), profile.clone());
        self.spawn_cancellable(
            task,
            profile,
            |service, profile| async move { service.sign_in_to_its_end(&profile, options, report, &heard).await },
            move |_, result| Message::SignInEnded { task, result: Box::new(result) },
        );
        self.presences.retain(|task, _| self.cancellable.contains_key(task));
        self.presences.insert(task, (owner, presence));
    }

    fn cancel(&mut self, task: TaskId) {
        if let Some(work) = self.cancellable.remove(&task) {
            work.abort();
        }
    }

    /// Cancels a sign-in, whose code nobody is to go on with.
    fn give_up(&mut self, task: TaskId) {
        self.cancel(task);
        let Some((profile, presence)) = self.presences.remove(&task) else { return };
        let service = self.service();
        let sender = self.sender.clone();
        let lost = Arc::clone(&self.has_lost_answer);
        self.must_finish.spawn(async move {
            // Where it cannot be forgotten, its end is near all the same.
            let is_given_up = service.give_up(&profile, GivenUp::Shown(presence.clone())).await.unwrap_or_default();
            // Who quits does not wait for ever for a poll that is out: its answer counts as lost until it is there.
            lost.store(is_given_up, Ordering::Relaxed);
            service.unbroken().settled().await;
            let has_lost_answer = is_given_up && presence.has_lost_answer();
            lost.store(has_lost_answer, Ordering::Relaxed);
            drop(sender.send(Message::GivenUp { has_lost_answer }));
        });
    }

    fn try_saving(&mut self, task: TaskId, again: bool) {
        let decide = locked(&self.decisions).remove(&task);
        // A sign-in that does not wait any more needs no decision.
        if let Some(decide) = decide {
            self.decide_saving(task, decide, again);
        }
    }

    /// Has the statuses read, for the first time by who reads them again whenever somebody else changes a record or the
    /// configuration. Nothing wakes screens that have had no profile.
    fn load_statuses(&mut self) {
        let (service, sender) = (self.service.clone(), self.sender.clone());
        if self.is_watching || self.service().config.profiles.is_empty() {
            return drop(load_statuses(service, sender));
        }
        self.is_watching = true;
        drop(tokio::spawn(async move {
            let watched = locked(&service).clone();
            let mut watch = watched.watch().await;
            loop {
                let begun = clock::now();
                load_statuses(service.clone(), sender.clone()).await;
                let ended = clock::now();
                clock::sleep_until(ended + pause_after(ended - begun)).await;
                while !watch.changed().await.is_of_statuses() {}
            }
        }));
    }

    fn spawn_cancellable<T, F, W, M>(&mut self, task: TaskId, profile: ProfileName, work: F, message: M)
    where
        T: 'static,
        F: FnOnce(Arc<Service>, Profile) -> W + Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
        M: FnOnce(ProfileName, Result<T, Error>) -> Message + Send + 'static,
    {
        let handle = tokio::spawn(self.work(profile, work, message));
        self.cancellable.retain(|_, handle| !handle.is_finished());
        self.cancellable.insert(task, handle);
    }

    fn spawn_to_finish<T, F, W, M>(&mut self, profile: ProfileName, work: F, message: M)
    where
        T: 'static,
        F: FnOnce(Arc<Service>, Profile) -> W + Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
        M: FnOnce(ProfileName, Result<T, Error>) -> Message + Send + 'static,
    {
        let work = self.work(profile, work, message);
        while self.must_finish.try_join_next().is_some() {}
        self.must_finish.spawn(work);
    }

    /// What is done for a profile, as the configuration's file has it by now, and told by a message; a profile that is not
    /// configured fails. What is new in the file is told first, so that the screens go by the same.
    fn work<T, F, W, M>(&self, name: ProfileName, work: F, message: M) -> impl Future<Output = ()> + use<T, F, W, M>
    where
        F: FnOnce(Arc<Service>, Profile) -> W,
        W: Future<Output = Result<T, Error>>,
        M: FnOnce(ProfileName, Result<T, Error>) -> Message,
    {
        let (service, sender) = (self.service(), self.sender.clone());
        async move {
            let (asked, before) = (name.clone(), service.clone());
            let result = match aside(move || service.up_to_date(&asked)).await {
                Ok((service, profile)) => {
                    if !Arc::ptr_eq(&service, &before) {
                        let _ = sender.send(reread(&before.config, Ok(Config::clone(&service.config))));
                    }
                    work(service, profile).await
                }
                Err(error) => Err(error),
            };
            // Nobody listens any more when the app has ended.
            let _ = sender.send(message(name, result));
        }
    }

    /// Tells a sign-in what becomes of its unsaved grant. From then on nothing cuts it short, else the grant could be
    /// lost without a word.
    fn decide_saving(&mut self, task: TaskId, decide: oneshot::Sender<bool>, again: bool) {
        // Fails only if the sign-in has ended.
        let _ = decide.send(again);
        if let Some(work) = self.cancellable.remove(&task) {
            self.must_finish.spawn(async move { drop(work.await) });
        }
    }

    /// Has what is under way come to where the process may be stopped. It goes on there until what this gives is dropped.
    pub(super) async fn stand_still(&self) -> StandStill {
        let still = self.service().unbroken().stand_still();
        // Whoever stops the process does so in any case.
        let _ = tokio::time::timeout(STOP, still.reached()).await;
        still
    }

    /// Gives back the grants that wait for a decision, cancels what may be cancelled, and waits, not for ever, for the
    /// rest. Tells whether an answer got lost about the code that was given up last.
    pub(super) async fn finish(mut self) -> bool {
        let waiting = std::mem::take(&mut *locked(&self.decisions));
        self.decisions = Arc::default();
        for (task, decide) in waiting {
            self.decide_saving(task, decide, false);
        }
        for handle in self.cancellable.values() {
            handle.abort();
        }
        let rest = async { while self.must_finish.join_next().await.is_some() {} };
        // Whoever is still busy then holds the store's lock, which ends with the process.
        let _ = tokio::time::timeout(FAREWELL, rest).await;
        self.has_lost_answer.load(Ordering::Relaxed)
    }
}

/// How long nothing is read after a reading that took so long.
fn pause_after(reading: Duration) -> Duration {
    reading.saturating_mul(PAUSE_BY_READING).clamp(LEAST_PAUSE, LONGEST_PAUSE)
}

/// Looks first whether somebody else has changed the configuration.
///
/// On a thread of its own, for which nobody waits at the end: thousands of records take their time, and reading them
/// changes nothing.
fn load_statuses(current: Current, sender: UnboundedSender<Message>) -> impl Future<Output = ()> {
    aside(move || {
        // Nobody listens any more when the app has ended.
        let send = |message| drop(sender.send(message));
        loop {
            let service = locked(&current).clone();
            match service.changed_configuration() {
                // Its profiles are asked for when the app goes by it.
                Ok(Some(config)) => return send(reread(&service.config, Ok(config))),
                Ok(None) => {}
                Err(error) => send(reread(&service.config, Err(error))),
            }
            let statuses = service.statuses_by_now(clock::wall());
            let by_now = locked(&current);
            // What was read by a configuration of before would hide what is read by this one.
            if Arc::ptr_eq(&service, &by_now) {
                return send(Message::StatusesLoaded(statuses));
            }
        }
    })
}

fn reread(was: &Config, result: Result<Config, Error>) -> Message {
    Message::ConfigurationReread { was: Box::new(was.clone()), result: Box::new(result) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::http::client::Client;
    use crate::service::ConfigurationChange;
    use crate::storage::backend::watched::Watched;
    use crate::storage::{self, KeyOptions, Store, StoreAddress};

    fn tasks() -> Tasks {
        tasks_with(Config::parse("", Path::new("config.toml")).expect("an empty configuration")).0
    }

    fn tasks_with(config: Config) -> (Tasks, UnboundedReceiver<Message>) {
        tasks_over(config, storage::open(&StoreAddress::Memory, KeyOptions::default()))
    }

    fn tasks_over(config: Config, store: Store) -> (Tasks, UnboundedReceiver<Message>) {
        let service = Service::new(config, store, Client::new(None), Box::new(|_| None));
        let (sender, receiver) = unbounded_channel();
        (Tasks::new(Arc::new(service), Outside::default(), sender), receiver)
    }

    /// Begins work that asks what becomes of a grant and then takes a while to give it back.
    fn give_back_on_no(tasks: &mut Tasks, task: TaskId) -> Arc<AtomicBool> {
        let (decide, decision) = oneshot::channel::<bool>();
        let is_given_back = Arc::new(AtomicBool::new(false));
        let noted = is_given_back.clone();
        let work = tokio::spawn(async move {
            assert!(!decision.await.expect("somebody decides"));
            tokio::task::yield_now().await;
            noted.store(true, Ordering::SeqCst);
        });
        tasks.cancellable.insert(task, work);
        tasks.decisions.lock().expect("nobody panicked").insert(task, decide);
        is_given_back
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_loop_goes_on_while_another_process_holds_the_configuration() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.toml");
        let text = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\nscopes = [\"A.b.READ\"]\n";
        crate::files::replace(&file, text.as_bytes()).expect("it is written");
        let other = crate::files::open_lock(&directory.path().join("config.toml.lock")).expect("it can be made");
        other.lock().expect("nobody else has it");
        let (mut tasks, mut messages) = tasks_with(Config::parse(text, &file).expect("valid"));
        let profile: ProfileName = "work".parse().expect("a name");
        let change = ConfigurationChange::AddScopes { profile: profile.clone(), scopes: vec!["A.c.READ".to_owned()] };
        tasks.begin(Effect::ChangeConfiguration { task: TaskId(1), change });
        tokio::task::yield_now().await;
        assert!(messages.try_recv().is_err());
        drop(other);
        let Some(Message::ConfigurationChanged { result, .. }) = messages.recv().await else { panic!("it is changed") };
        let config = result.expect("it is written");
        assert_eq!(config.profiles[&profile].scopes, ["A.b.READ", "A.c.READ"]);
    }

    #[test]
    fn what_others_change_is_read_neither_all_the_time_nor_only_after_minutes() {
        let pause = |milliseconds| pause_after(Duration::from_millis(milliseconds)).as_millis();
        // A database that does not answer takes its time at each of its hosts.
        assert_eq!([0, 20, 60, 300, 5_000, 45_000].map(pause), [1_000, 1_000, 1_200, 6_000, 30_000, 30_000]);
    }

    #[tokio::test]
    async fn a_store_is_watched_once_and_read_once_by_each_configuration() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.toml");
        let text = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\nscopes = [\"A.b.READ\"]\n";
        crate::files::replace(&file, text.as_bytes()).expect("it is written");
        let config = Config::parse(text, &file).expect("valid");
        let listeners = Arc::new(AtomicUsize::new(0));
        let counted = listeners.clone();
        let count = move |call| {
            counted.fetch_add(usize::from(call == "changed"), Ordering::SeqCst);
            Ok(())
        };
        let store = Watched::new(storage::backend(&StoreAddress::Memory, None), Arc::new(count));
        let store = storage::open_over(Arc::new(store), &StoreAddress::Memory, KeyOptions::default());
        let (mut tasks, mut messages) = tasks_over(config.clone(), store);
        for _ in 0..3 {
            tasks.begin(Effect::UseConfiguration(Box::new(config.clone())));
            tasks.begin(Effect::LoadStatuses);
            assert!(matches!(messages.recv().await, Some(Message::StatusesLoaded(_))));
        }
        let more = tokio::time::timeout(Duration::from_millis(300), messages.recv()).await;
        assert!(more.is_err(), "read once more: {more:?}");
        assert_eq!(listeners.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_is_done_by_a_changed_profile_is_told_to_the_screens_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.toml");
        let text = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\nscopes = [\"A.b.READ\"]\n";
        crate::files::replace(&file, text.replace("A.b", "A.c").as_bytes()).expect("it is written");
        let before = Config::parse(text, &file).expect("valid");
        let profile: ProfileName = "work".parse().expect("a name");
        let options = SignIn::default();
        for effect in [
            Effect::StartSignIn { task: TaskId(1), profile: profile.clone(), options },
            Effect::Refresh { task: TaskId(3), profile: profile.clone() },
            Effect::LoadTestCalls { task: TaskId(2), profile: profile.clone() },
        ] {
            let (mut tasks, mut messages) = tasks_with(before.clone());
            tasks.begin(effect);
            let Some(Message::ConfigurationReread { was, result }) = messages.recv().await else {
                panic!("it is told")
            };
            assert_eq!(*was, before);
            assert_eq!(result.expect("it can be read").profiles[&profile].scopes, ["A.c.READ"]);
            assert!(messages.recv().await.is_some(), "it is done as well");
        }
    }

    #[tokio::test]
    async fn the_end_gives_back_each_grant_that_waits_for_a_decision() {
        let mut tasks = tasks();
        let grants = [TaskId(1), TaskId(2)].map(|task| give_back_on_no(&mut tasks, task));
        tasks.finish().await;
        assert!(grants.iter().all(|is_given_back| is_given_back.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn a_decision_once_made_is_not_cut_short() {
        let mut tasks = tasks();
        let is_given_back = give_back_on_no(&mut tasks, TaskId(1));
        tasks.try_saving(TaskId(1), false);
        assert!(tasks.cancellable.is_empty());
        tasks.finish().await;
        assert!(is_given_back.load(Ordering::SeqCst));
    }
}
