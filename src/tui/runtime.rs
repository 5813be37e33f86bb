//! The loop: takes in messages, draws once for each batch of them, and turns effects into tasks.
//!
//! Nothing is awaited inside the loop except the next message, so a slow provider never makes a key wait.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use super::keymap::Key;
use super::message::{Effect, Message, Task};
use super::model::{Model, Now};
use super::terminal::Terminal;
use super::update::update;
use super::view::view;
use super::{Decide, Ended, next_wakeup};
use crate::clock;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::service::{Freshness, Service};

/// How long quitting waits for work that must not be cut short.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs until an effect quits.
pub(super) async fn run(
    service: Arc<Service>,
    mut model: Model,
    effects: Vec<Effect>,
    decide: Option<Decide>,
    stop: impl Future<Output = ()>,
) -> Result<Ended, Error> {
    let mut terminal = Terminal::take().map_err(|error| terminal_error(&error))?;
    let (sender, receiver) = unbounded_channel();
    let mut runtime = Runtime {
        service,
        decide,
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

struct Runtime {
    service: Arc<Service>,
    decide: Option<Decide>,
    sender: UnboundedSender<Message>,
    cancellable: HashMap<Task, AbortHandle>,
    /// Sign-ins whose grant could not be saved, waiting to hear whether to try again.
    decisions: Arc<Mutex<HashMap<Task, oneshot::Sender<bool>>>>,
    /// Work that changes the store: quitting waits for it.
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
                suspend_process(terminal)?;
                input = EventStream::new();
                let size = terminal.size();
                update(model, Message::Resized { columns: size.width, rows: size.height }, now());
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>, terminal: &mut Terminal) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::StartSignIn { task, profile, options } => {
                    let (events, unsaved) = (self.sender.clone(), self.sender.clone());
                    let decisions = self.decisions.clone();
                    self.spawn_cancellable(task, &profile.clone(), move |service, profile| async move {
                        let report = move |event| drop(events.send(Message::SignIn { task, event }));
                        let try_again = move |error| {
                            let (decide, decision) = oneshot::channel();
                            // Where no screen is left to ask on, the answer is No.
                            if unsaved.send(Message::Unsaved { task, error }).is_ok() {
                                decisions.lock().unwrap_or_else(PoisonError::into_inner).insert(task, decide);
                            }
                            async { decision.await.unwrap_or(false) }
                        };
                        let result = match profile {
                            Ok(profile) => service.sign_in_patiently(&profile, options, report, try_again).await,
                            Err(error) => Err(error),
                        };
                        Message::SignInEnded { task, result: Box::new(result) }
                    });
                }
                Effect::TrySaving { task, again } => {
                    let decision = self.decisions.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
                    // A sign-in that does not wait any more needs no decision.
                    decision.map(|decision| decision.send(again));
                }
                Effect::Cancel(task) => {
                    if let Some(work) = self.cancellable.remove(&task) {
                        work.abort();
                    }
                }
                Effect::LoadStatuses => self.load_statuses(),
                Effect::Refresh { task, profile, freshness } => {
                    self.spawn_to_finish(&profile.clone(), move |service, configured| async move {
                        let result = match configured {
                            Ok(configured) => service.token(&configured, freshness).await.map(drop),
                            Err(error) => Err(error),
                        };
                        Message::Refreshed { task, profile, result }
                    });
                }
                Effect::Verify { task, profile } => {
                    self.spawn_to_finish(&profile.clone(), move |service, configured| async move {
                        let result = match configured {
                            Ok(configured) => service.whoami(&configured).await,
                            Err(error) => Err(error),
                        };
                        Message::Verified { task, profile, result }
                    });
                }
                Effect::SignOut { task, profile, local } => {
                    self.spawn_to_finish(&profile.clone(), move |service, configured| async move {
                        let result = match configured {
                            Ok(configured) => service.sign_out(&configured, local).await,
                            Err(error) => Err(error),
                        };
                        Message::SignedOut { task, profile, result }
                    });
                }
                Effect::ReadToken { task, profile } => {
                    self.spawn_to_finish(&profile.clone(), move |service, configured| async move {
                        let result = match configured {
                            Ok(configured) => {
                                service.token(&configured, Freshness::Default).await.map(|token| token.access_token)
                            }
                            Err(error) => Err(error),
                        };
                        Message::TokenRead { task, profile, result }
                    });
                }
                Effect::LoadTestCalls { task, profile } => {
                    self.spawn_cancellable(task, &profile, move |service, profile| async move {
                        let result = match profile {
                            Ok(profile) => service.test_calls(&profile).await,
                            Err(error) => Err(error),
                        };
                        Message::TestCallsLoaded { task, result: Box::new(result) }
                    });
                }
                Effect::Call { task, profile, call } => {
                    self.spawn_cancellable(task, &profile, move |service, profile| async move {
                        let result = match profile {
                            Ok(profile) => service.call(&profile, &call).await,
                            Err(error) => Err(error),
                        };
                        Message::Answered { task, result: Box::new(result) }
                    });
                }
                Effect::Copy(text) => terminal.copy(text.expose())?,
                Effect::OpenBrowser(url) => open_browser(&url),
                Effect::Decide { user_code, decision } => {
                    if let Some(decide) = &self.decide {
                        decide(&user_code, decision);
                    }
                }
                Effect::ClearScreen => terminal.clear()?,
                // The loop does this one itself, since it owns the input.
                Effect::Suspend => {}
                Effect::Quit(ended) => self.ended = Some(ended),
            }
        }
        Ok(())
    }

    fn load_statuses(&mut self) {
        let (service, sender) = (self.service.clone(), self.sender.clone());
        self.must_finish.spawn_blocking(move || {
            let statuses = service.statuses(clock::wall());
            // Nobody listens any more when the app has ended.
            let _ = sender.send(Message::StatusesLoaded(statuses));
        });
    }

    fn spawn_cancellable<F, W>(&mut self, task: Task, profile: &ProfileName, work: F)
    where
        F: FnOnce(Arc<Service>, Result<Profile, Error>) -> W,
        W: Future<Output = Message> + Send + 'static,
    {
        let (work, sender) = (self.prepare(profile, work), self.sender.clone());
        let handle = tokio::spawn(async move { drop(sender.send(work.await)) }).abort_handle();
        self.cancellable.retain(|_, handle| !handle.is_finished());
        self.cancellable.insert(task, handle);
    }

    fn spawn_to_finish<F, W>(&mut self, profile: &ProfileName, work: F)
    where
        F: FnOnce(Arc<Service>, Result<Profile, Error>) -> W,
        W: Future<Output = Message> + Send + 'static,
    {
        let (work, sender) = (self.prepare(profile, work), self.sender.clone());
        while self.must_finish.try_join_next().is_some() {}
        self.must_finish.spawn(async move { drop(sender.send(work.await)) });
    }

    fn prepare<F, W>(&self, profile: &ProfileName, work: F) -> W
    where
        F: FnOnce(Arc<Service>, Result<Profile, Error>) -> W,
    {
        let configured = self.service.config.profile(Some(profile)).cloned();
        work(self.service.clone(), configured)
    }

    /// Cancels what may be cancelled and waits, not for ever, for the rest.
    async fn finish(mut self) {
        for handle in self.cancellable.values() {
            handle.abort();
        }
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).clear();
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

/// Never through a shell, and only addresses that passed their check.
fn open_browser(url: &url::Url) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let null = std::process::Stdio::null;
    let opened =
        std::process::Command::new(program).arg(url.as_str()).stdin(null()).stdout(null()).stderr(null()).spawn();
    // The link stays on the screen, so a browser that does not come is no loss.
    drop(opened);
}

fn terminal_error(error: &io::Error) -> Error {
    Error::new(Code::Other, "the terminal cannot be used").because(error).hint("try `device-login login --plain`")
}

/// Stops the process as Ctrl-Z does in a shell; comes back when it is continued.
#[cfg(unix)]
fn suspend_process(terminal: &mut Terminal) -> io::Result<()> {
    terminal.pause()?;
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    terminal.resume()
}

#[cfg(not(unix))]
fn suspend_process(_terminal: &mut Terminal) -> io::Result<()> {
    Ok(())
}
