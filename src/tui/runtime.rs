//! The loop: takes in messages, draws once for each batch of them, and turns effects into tasks.
//!
//! Nothing is awaited inside the loop except the next message, so a slow provider never makes a key wait.

mod browser;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use super::keymap::Key;
use super::message::{DemoDecision, Effect, Message, TaskId};
use super::model::{Model, Now};
use super::terminal::Terminal;
use super::update::update;
use super::view::view;
use super::{Decide, Ended, next_wakeup};
use crate::clock;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::service::{Freshness, Service, SignIn};

/// How long quitting waits for work that must not be cut short.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a stop takes to arrive at most.
#[cfg(unix)]
const NOT_STOPPED: Duration = Duration::from_secs(1);

/// Who is reached beside the provider.
pub(super) struct Outside {
    /// The program that opens links.
    pub(super) browser: Option<String>,
    pub(super) demo: Option<Decide>,
}

/// Runs until an effect quits.
pub(super) async fn run(
    service: Arc<Service>,
    mut model: Model,
    effects: Vec<Effect>,
    outside: Outside,
    stop: impl Future<Output = ()>,
) -> Result<Ended, Error> {
    let mut terminal = Terminal::take().map_err(|error| terminal_error(&error))?;
    let (sender, receiver) = unbounded_channel();
    let mut runtime = Runtime {
        service,
        outside,
        sender,
        cancellable: HashMap::new(),
        decisions: Arc::default(),
        must_finish: JoinSet::new(),
        ended: None,
    };
    let window = terminal.size();
    update(&mut model, Message::Resized { columns: window.width, rows: window.height }, now());
    runtime.perform(effects, &mut terminal).map_err(|error| terminal_error(&error))?;
    let ended = runtime.turn(&mut model, &mut terminal, receiver, stop).await;
    drop(terminal);
    runtime.finish().await;
    ended.map_err(|error| terminal_error(&error))
}

type Decisions = HashMap<TaskId, oneshot::Sender<bool>>;

struct Runtime {
    service: Arc<Service>,
    outside: Outside,
    sender: UnboundedSender<Message>,
    cancellable: HashMap<TaskId, JoinHandle<()>>,
    /// Sign-ins whose grant could not be saved, waiting to hear whether to try again.
    decisions: Arc<Mutex<Decisions>>,
    /// Work that changes the store or gives a grant back: quitting waits for it.
    must_finish: JoinSet<()>,
    ended: Option<Ended>,
}

impl Runtime {
    async fn turn(
        &mut self,
        model: &mut Model,
        terminal: &mut Terminal,
        mut receiver: UnboundedReceiver<Message>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<Ended> {
        let mut stop = std::pin::pin!(stop);
        // Read anew after a suspension: a stream that is kept goes on reading the shell's keys.
        let mut input = EventStream::new();
        loop {
            let drawn_at = now();
            terminal.draw(|frame| view(model, drawn_at, frame))?;
            let wakeup = next_wakeup(model, drawn_at);
            let first = tokio::select! {
                biased;
                () = &mut stop => return Ok(Ended::Interrupted),
                message = receiver.recv() => message,
                event = input.next() => match event {
                    Some(Ok(event)) => message(&event),
                    // The terminal is gone.
                    Some(Err(_)) | None => return Ok(Ended::Interrupted),
                },
                () = sleep_until(wakeup) => Some(Message::Woken),
            };
            let mut messages: Vec<Message> = first.into_iter().collect();
            while let Ok(message) = receiver.try_recv() {
                messages.push(message);
            }
            let mut suspend = false;
            for message in messages {
                let effects = update(model, message, now());
                suspend |= effects.contains(&Effect::Suspend);
                self.perform(effects, terminal)?;
            }
            if let Some(ended) = self.ended.take() {
                return Ok(ended);
            }
            if suspend {
                drop(input);
                suspend_process(terminal).await?;
                input = EventStream::new();
                let size = terminal.size();
                update(model, Message::Resized { columns: size.width, rows: size.height }, now());
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>, terminal: &mut Terminal) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::StartSignIn { task, profile, options } => self.start_sign_in(task, profile, options),
                Effect::TrySaving { task, again } => self.try_saving(task, again),
                Effect::Cancel(task) => {
                    if let Some(work) = self.cancellable.remove(&task) {
                        work.abort();
                    }
                }
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
                Effect::LoadTestCalls { task, profile } => self.spawn_cancellable(
                    task,
                    profile,
                    |service, profile| async move { service.test_calls(&profile).await },
                    move |_, result| Message::TestCallsLoaded { task, result: Box::new(result) },
                ),
                Effect::Call { task, profile, call } => self.spawn_cancellable(
                    task,
                    profile,
                    |service, profile| async move { service.call(&profile, &call).await },
                    move |_, result| Message::Answered { task, result: Box::new(result) },
                ),
                Effect::Copy(text) => terminal.copy(text.expose())?,
                Effect::OpenBrowser(url) => self.open_browser(&url),
                Effect::Decide { user_code, decision } => self.decide(&user_code, decision),
                Effect::ClearScreen => terminal.clear()?,
                // The loop does this one itself, since it owns the input.
                Effect::Suspend => {}
                Effect::Quit(ended) => self.ended = Some(ended),
            }
        }
        Ok(())
    }

    fn open_browser(&self, url: &Url) {
        if let Some(program) = &self.outside.browser {
            browser::open(program, url);
        }
    }

    fn decide(&self, user_code: &str, decision: DemoDecision) {
        if let Some(decide) = &self.outside.demo {
            decide(user_code, decision);
        }
    }

    fn start_sign_in(&mut self, task: TaskId, profile: ProfileName, options: SignIn) {
        let (events, unsaved) = (self.sender.clone(), self.sender.clone());
        // Once the app has ended nobody decides, and what cannot be saved is given back.
        let decisions = Arc::downgrade(&self.decisions);
        let report = move |event| drop(events.send(Message::SignIn { task, event }));
        let try_again = move |error| {
            let (decide, decision) = oneshot::channel();
            if let Some(decisions) = decisions.upgrade() {
                decisions.lock().unwrap_or_else(PoisonError::into_inner).insert(task, decide);
            }
            drop(unsaved.send(Message::Unsaved { task, error }));
            async { decision.await.unwrap_or(false) }
        };
        self.spawn_cancellable(
            task,
            profile,
            |service, profile| async move { service.sign_in_patiently(&profile, options, report, try_again).await },
            move |_, result| Message::SignInEnded { task, result: Box::new(result) },
        );
    }

    fn try_saving(&mut self, task: TaskId, again: bool) {
        let decide = self.decisions.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
        // A sign-in that does not wait any more needs no decision.
        if let Some(decide) = decide {
            self.decide_saving(task, decide, again);
        }
    }

    fn load_statuses(&mut self) {
        let (service, sender) = (self.service.clone(), self.sender.clone());
        self.must_finish.spawn_blocking(move || {
            let statuses = service.statuses(clock::wall());
            // Nobody listens any more when the app has ended.
            let _ = sender.send(Message::StatusesLoaded(statuses));
        });
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

    /// What is done for a profile and told by a message; a profile that is not configured fails.
    fn work<T, F, W, M>(&self, name: ProfileName, work: F, message: M) -> impl Future<Output = ()> + use<T, F, W, M>
    where
        F: FnOnce(Arc<Service>, Profile) -> W,
        W: Future<Output = Result<T, Error>>,
        M: FnOnce(ProfileName, Result<T, Error>) -> Message,
    {
        let configured = self.service.config.profile(Some(&name)).cloned();
        let (service, sender) = (self.service.clone(), self.sender.clone());
        async move {
            let result = match configured {
                Ok(profile) => work(service, profile).await,
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

    /// Gives back the grants that wait for a decision, cancels what may be cancelled, and waits, not for ever, for the
    /// rest.
    async fn finish(mut self) {
        let waiting = std::mem::take(&mut *self.decisions.lock().unwrap_or_else(PoisonError::into_inner));
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
    }
}

fn now() -> Now {
    Now { moment: clock::now(), time: clock::wall() }
}

fn message(event: &Event) -> Option<Message> {
    match event {
        Event::Key(key) => Key::from_event(*key).map(Message::Key),
        Event::Paste(text) => Some(Message::Pasted(text.clone())),
        Event::Resize(columns, rows) => Some(Message::Resized { columns: *columns, rows: *rows }),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

async fn sleep_until(wakeup: Option<clock::Moment>) {
    match wakeup {
        Some(moment) => tokio::time::sleep(moment - clock::now()).await,
        None => std::future::pending().await,
    }
}

fn terminal_error(error: &io::Error) -> Error {
    Error::new(Code::Other, "the terminal cannot be used").because(error).hint("try `device-login login --plain`")
}

/// Stops the process as Ctrl-Z does in a shell; comes back when it is continued.
#[cfg(unix)]
async fn suspend_process(terminal: &mut Terminal) -> io::Result<()> {
    use rustix::process::{Signal, kill_current_process_group};
    use tokio::signal::unix::{SignalKind, signal};

    terminal.pause()?;
    let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    kill_current_process_group(Signal::TSTP)?;
    // The stop may reach this thread late, and nothing may be drawn before it. Where no shell would ever continue the
    // process, it is not stopped at all and goes on by itself.
    let _ = tokio::time::timeout(NOT_STOPPED, continued.recv()).await;
    terminal.resume()
}

#[cfg(not(unix))]
async fn suspend_process(_terminal: &mut Terminal) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::config::Config;
    use crate::http::client::Client;
    use crate::storage::{self, KeyOptions, StoreAddress};

    fn runtime() -> Runtime {
        let config = Config::parse("", Path::new("config.toml")).expect("an empty configuration");
        let store = storage::open(&StoreAddress::Memory, KeyOptions::default());
        Runtime {
            service: Arc::new(Service::new(config, store, Client::new(None), Box::new(|_| None))),
            outside: Outside { browser: None, demo: None },
            sender: unbounded_channel().0,
            cancellable: HashMap::new(),
            decisions: Arc::default(),
            must_finish: JoinSet::new(),
            ended: None,
        }
    }

    /// Begins work that asks what becomes of a grant and then takes a while to give it back.
    fn give_back_on_no(runtime: &mut Runtime, task: TaskId) -> Arc<AtomicBool> {
        let (decide, decision) = oneshot::channel::<bool>();
        let is_given_back = Arc::new(AtomicBool::new(false));
        let noted = is_given_back.clone();
        let work = tokio::spawn(async move {
            assert!(!decision.await.expect("somebody decides"));
            tokio::task::yield_now().await;
            noted.store(true, Ordering::SeqCst);
        });
        runtime.cancellable.insert(task, work);
        runtime.decisions.lock().expect("nobody panicked").insert(task, decide);
        is_given_back
    }

    #[tokio::test]
    async fn the_end_gives_back_each_grant_that_waits_for_a_decision() {
        let mut runtime = runtime();
        let grants = [TaskId(1), TaskId(2)].map(|task| give_back_on_no(&mut runtime, task));
        runtime.finish().await;
        assert!(grants.iter().all(|is_given_back| is_given_back.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn a_decision_once_made_is_not_cut_short() {
        let mut runtime = runtime();
        let is_given_back = give_back_on_no(&mut runtime, TaskId(1));
        runtime.try_saving(TaskId(1), false);
        assert!(runtime.cancellable.is_empty());
        runtime.finish().await;
        assert!(is_given_back.load(Ordering::SeqCst));
    }
}
