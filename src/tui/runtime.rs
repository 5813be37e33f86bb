//! The loop: takes in messages, draws once for each batch of them, and has effects done.
//!
//! Nothing is awaited inside the loop except the next message, so a slow provider never makes a key wait. The loop knows the
//! terminal and the clock by [`Surface`] and a function only, so that tests run it on a buffer and in their own time.

mod input;
#[cfg(test)]
mod slow_disk;
mod tasks;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use crossterm::event::{Event, EventStream};
use futures_util::stream::select_all;
use futures_util::{Stream, StreamExt};
use ratatui::layout::Size;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::background::{Answer, Heard};
use super::job_control::Change;
use super::message::{Effect, Message};
use super::model::Model;
use super::mouse;
use super::surroundings::Now;
use super::terminal::{self, Surface, Terminal};
use super::update::update;
use super::view::{opening, view};
use super::{Ended, Setting, next_wakeup};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::error::{Advice, Code, Error};
use crate::http::client::Observer;
use input::message;
use tasks::Tasks;

pub(in crate::tui) use tasks::Outside;

/// The most events that are taken in before the next frame and the next look at who wants the app to end, so that a flood of
/// them hides neither.
const LARGEST_BATCH: usize = 256;

/// What the loop knows of time.
trait Clocks {
    fn now(&self) -> Now;
    /// Waits until the moment has come.
    async fn sleep_until(&self, moment: Moment);
}

/// Those of the machine.
struct System;

type Events = Pin<Box<dyn Stream<Item = io::Result<Event>>>>;

/// Takes the terminal, shows that it did, reads what the app needs by `load`, and runs until an effect quits.
pub(super) async fn run(
    load: impl FnOnce(Observer) -> Result<Setting, Error> + Send + 'static,
    stop: impl Future<Output = ()>,
) -> Result<Ended, Error> {
    let mut terminal = Terminal::take().map_err(|error| terminal_error(&error))?;
    let mut stop = std::pin::pin!(stop);
    // Nobody waits for a disk to see that the program has begun.
    terminal.draw(opening).map_err(|error| terminal_error(&error))?;
    let (sender, receiver) = unbounded_channel();
    let exchanges = sender.clone();
    let observer: Observer = Box::new(move |exchange| drop(exchanges.send(Message::Exchanged(exchange.clone()))));
    let loaded = tokio::select! {
        biased;
        () = &mut stop => return Ok(Ended::Interrupted),
        loaded = aside(|| load(observer)) => loaded,
    };
    let Setting { service, mut model, effects, outside } = loaded?;
    let mut turning = Loop {
        surface: terminal,
        tasks: Tasks::new(service, outside, sender),
        clocks: System,
        background: Answer::default(),
        // Polled only when it has something: looking costs a lock, for which it yields the processor several times.
        open_input: || Box::pin(select_all([EventStream::new()])) as Events,
        ended: None,
    };
    let ended = turning.run(&mut model, effects, receiver, stop).await;
    let Loop { surface, tasks, .. } = turning;
    drop(surface);
    let has_lost_answer = tasks.finish().await;
    match ended {
        Ok(Ended::Cancelled { .. }) => Ok(Ended::Cancelled { has_lost_answer }),
        Err(error) if terminal::is_gone(&error) => Ok(Ended::HungUp),
        ended => ended.map_err(|error| terminal_error(&error)),
    }
}

struct Loop<S, C, I> {
    surface: S,
    tasks: Tasks,
    clocks: C,
    background: Answer,
    /// Called anew after a suspension: a stream that is kept goes on reading the shell's keys.
    open_input: I,
    ended: Option<Ended>,
}

impl<S: Surface, C: Clocks, I: Fn() -> Events> Loop<S, C, I> {
    async fn run(
        &mut self,
        model: &mut Model,
        effects: Vec<Effect>,
        mut receiver: UnboundedReceiver<Message>,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> io::Result<Ended> {
        self.fit(model)?;
        self.perform(effects)?;
        if model.around.wants_background() {
            self.surface.ask_for_background()?;
            self.background = Answer::awaited();
        }
        let mut input = (self.open_input)();
        let mut listens = false;
        let mut drawn_at = self.clocks.now();
        loop {
            if listens != mouse::is_wanted(model) {
                listens = !listens;
                self.surface.listen_to_mouse(listens)?;
            }
            let before = std::mem::replace(&mut drawn_at, self.clocks.now());
            if let Some(by) = model.shift(before, drawn_at) {
                self.surface.shift(by, |frame| view(model, before, frame))?;
            }
            self.surface.draw(|frame| view(model, drawn_at, frame))?;
            let wakeup = next_wakeup(model, drawn_at);
            let mut messages = Vec::new();
            tokio::select! {
                biased;
                () = &mut stop => return Ok(Ended::Interrupted),
                message = receiver.recv() => messages.extend(message),
                event = input.next() => match event {
                    Some(Ok(event)) => {
                        self.hear(event, &mut messages);
                        // A window that is pulled larger sends many sizes, and only the last is worth a frame.
                        poll_fn(|context| self.take_what_is_there(&mut input, &mut messages, context)).await;
                    }
                    Some(Err(_)) | None => return Ok(Ended::HungUp),
                },
                () = wake(&self.clocks, wakeup) => messages.push(Message::Woken),
                change = self.surface.change() => {
                    match change {
                        Change::Stop => {
                            drop(input);
                            let still = self.tasks.stand_still().await;
                            self.surface.stop().await?;
                            drop(still);
                            input = (self.open_input)();
                        }
                        Change::Continued => self.surface.resume()?,
                        Change::HungUp => return Ok(Ended::HungUp),
                    }
                    self.fit(model)?;
                }
            }
            // Keys that never end must not keep the tasks from their work: they share this thread.
            tokio::task::yield_now().await;
            while let Ok(message) = receiver.try_recv() {
                messages.push(message);
            }
            let is_resized = messages.iter().any(|message| matches!(message, Message::Resized { .. }));
            for message in messages {
                let effects = update(model, message, self.clocks.now());
                self.perform(effects)?;
            }
            if is_resized {
                // Also where it went through other sizes and back: it has lost what it showed.
                self.surface.resize(model.around.window)?;
            }
            if let Some(ended) = self.ended.take() {
                return Ok(ended);
            }
        }
    }

    fn hear(&mut self, event: Event, messages: &mut Vec<Message>) {
        match self.background.hear(event) {
            Heard::Events(events) => messages.extend(events.iter().filter_map(message)),
            Heard::Background(theme) => messages.push(Message::Background(theme)),
        }
    }

    /// Takes in the events that have come already. The stream keeps the first waker that it is polled with, so it is never
    /// polled with another task's.
    fn take_what_is_there(
        &mut self,
        input: &mut Events,
        messages: &mut Vec<Message>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        while messages.len() < LARGEST_BATCH
            && let Poll::Ready(Some(Ok(event))) = input.poll_next_unpin(context)
        {
            self.hear(event, messages);
        }
        Poll::Ready(())
    }

    fn fit(&mut self, model: &mut Model) -> io::Result<()> {
        let Size { width, height } = self.surface.size();
        let effects = update(model, Message::Resized { columns: width, rows: height }, self.clocks.now());
        self.perform(effects)?;
        self.surface.resize(model.around.window)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Copy(copy) => {
                    if let Some(sequence) = self.tasks.copy(copy) {
                        self.surface.copy(&sequence)?;
                    }
                }
                Effect::ClearScreen => self.surface.clear()?,
                Effect::Suspend => self.surface.ask_to_stop()?,
                Effect::Quit(ended) => self.ended = Some(ended),
                effect => self.tasks.begin(effect),
            }
        }
        Ok(())
    }
}

async fn wake(clocks: &impl Clocks, moment: Option<Moment>) {
    match moment {
        Some(moment) => clocks.sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn terminal_error(error: &io::Error) -> Error {
    Error::new(Code::Other, "the terminal cannot be used").because(error).advise(Advice::PlainSignIn)
}

impl Clocks for System {
    fn now(&self) -> Now {
        Now { moment: clock::now(), time: clock::wall() }
    }

    async fn sleep_until(&self, moment: Moment) {
        clock::sleep_until(moment).await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use crossterm::event::{Event, KeyCode};
    use futures_util::{StreamExt, stream};
    use ratatui::backend::TestBackend;
    use ratatui::{Frame, Terminal};
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
    use tokio::time::Instant;

    use super::*;
    use crate::abilities::Environment;
    use crate::config::{Config, Motion};
    use crate::http::client::Client;
    use crate::profile::ProfileName;
    use crate::service::{IssuedCode, Machine, Service, SignIn, SignInEvent};
    use crate::storage::{self, KeyOptions, StoreAddress};
    use crate::tui::panel::{Go, Outcome};
    use crate::tui::terminal::Shift;

    /// A terminal that is a buffer and keeps when it was drawn on.
    struct Counted {
        terminal: Terminal<TestBackend>,
        frames: Vec<Duration>,
        start: Instant,
    }

    impl Surface for Counted {
        fn size(&self) -> Size {
            Size::new(80, 24)
        }

        fn resize(&mut self, _window: Size) -> io::Result<()> {
            Ok(())
        }

        fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
            self.frames.push(self.start.elapsed());
            self.terminal.draw(draw).map(drop).map_err(io::Error::other)
        }

        fn shift(&mut self, _by: Shift, _draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
            Ok(())
        }

        fn clear(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn listen_to_mouse(&mut self, _listens: bool) -> io::Result<()> {
            Ok(())
        }

        fn ask_for_background(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn copy(&mut self, _sequence: &str) -> io::Result<()> {
            Ok(())
        }

        fn ask_to_stop(&mut self) -> io::Result<()> {
            Ok(())
        }

        async fn change(&mut self) -> Change {
            std::future::pending().await
        }

        async fn stop(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn resume(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Stands still while there is work.
    struct Paused {
        start: Instant,
    }

    impl Clocks for Paused {
        fn now(&self) -> Now {
            now_at(self.start.elapsed())
        }

        async fn sleep_until(&self, moment: Moment) {
            tokio::time::sleep_until(self.start + (moment - Moment::at(Duration::ZERO))).await;
        }
    }

    /// Runs the app for so long on a clock that stands still while there is work, with these events and messages at their
    /// times, and tells when frames were drawn.
    async fn frames(
        mut model: Model,
        effects: Vec<Effect>,
        events: Vec<(Duration, Event)>,
        messages: Vec<(Duration, Message)>,
        length: Duration,
    ) -> Vec<Duration> {
        let start = Instant::now();
        let (sender, receiver) = unbounded_channel();
        let mut turning = turning(start, &sender, || typed(start, events.clone()));
        let sending = send_at(start, sender, messages);
        let stop = std::pin::pin!(tokio::time::sleep(length));
        let (ended, ()) = tokio::join!(turning.run(&mut model, effects, receiver, stop), sending);
        assert_eq!(ended.expect("a buffer can be drawn to"), Ended::Interrupted);
        turning.surface.frames
    }

    /// The loop on a buffer.
    fn turning<I: Fn() -> Events>(
        start: Instant,
        sender: &UnboundedSender<Message>,
        open_input: I,
    ) -> Loop<Counted, Paused, I> {
        let config = Config::parse("", Path::new("config.toml")).expect("an empty configuration");
        let store = storage::open(&StoreAddress::Memory, KeyOptions::default());
        let service = Arc::new(Service::new(config, store, Client::new(None), Box::new(|_| None)));
        let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer can be drawn to");
        Loop {
            surface: Counted { terminal, frames: Vec::new(), start },
            tasks: Tasks::new(service, Outside::default(), sender.clone()),
            clocks: Paused { start },
            background: Answer::default(),
            open_input,
            ended: None,
        }
    }

    fn now_at(passed: Duration) -> Now {
        let start: jiff::Timestamp = "2026-11-22T14:00:00Z".parse().expect("a time");
        Now { moment: Moment::at(passed), time: start + passed }
    }

    fn typed(start: Instant, events: Vec<(Duration, Event)>) -> Events {
        let typed = stream::iter(events).then(move |(at, event)| async move {
            tokio::time::sleep_until(start + at).await;
            Ok(event)
        });
        Box::pin(typed.chain(stream::pending()))
    }

    async fn send_at(start: Instant, sender: UnboundedSender<Message>, messages: Vec<(Duration, Message)>) {
        for (at, message) in messages {
            tokio::time::sleep_until(start + at).await;
            sender.send(message).expect("the app listens");
        }
    }

    fn model() -> Model {
        let environment = Environment { term: Some("xterm-256color"), ..Environment::default() };
        let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
        Model::new(environment.abilities(), machine, Config::default())
    }

    fn key(code: KeyCode) -> Event {
        Event::Key(code.into())
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn keys_without_end_keep_no_task_from_its_work_and_nobody_from_ending_the_app() {
        for character in ['f', ':'] {
            let (sender, receiver) = unbounded_channel();
            let keys = move || Box::pin(stream::repeat_with(move || Ok(key(KeyCode::Char(character))))) as Events;
            let mut turning = turning(Instant::now(), &sender, keys);
            let (end, ended) = tokio::sync::oneshot::channel();
            let at_work = tokio::spawn(async move {
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                end.send(()).expect("the app still runs");
            });
            let stop = std::pin::pin!(async { ended.await.expect("the task tells its end") });
            let ended = turning.run(&mut model(), Vec::new(), receiver, stop).await;
            assert_eq!(ended.expect("a buffer can be drawn to"), Ended::Interrupted);
            at_work.await.expect("the task ended");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_wakes_an_idle_screen() {
        let mut model = model();
        let effects = model.resume(Outcome::Nothing, now_at(Duration::ZERO));
        let frames = frames(model, effects, Vec::new(), Vec::new(), HOUR).await;
        assert!(frames.len() <= 2, "one at the start, one when the store is read: {frames:?}");
    }

    /// The frames of a code that is good for five minutes, whose first question comes after 30 s and has no answer.
    async fn frames_of_a_code(motion: Motion) -> Vec<Duration> {
        let mut model = model();
        model.around.motion = motion;
        let profile: ProfileName = "work".parse().expect("a name");
        let effects = model.go(Go::SignIn { profile, options: SignIn::default() }, now_at(Duration::ZERO));
        let [Effect::StartSignIn { task, .. }] = effects[..] else { panic!("one sign-in starts: {effects:?}") };
        let code = IssuedCode {
            user_code: "ABCD-1234".to_owned(),
            verification_uri: "https://accounts.zoho.com/oauth/v3/device".parse().expect("an address"),
            verification_uri_complete: None,
            lifetime: Duration::from_secs(300),
            interval: Duration::from_secs(30),
            issued_at: Moment::at(Duration::ZERO),
            expires_at: Moment::at(Duration::from_secs(300)),
            expires_at_time: now_at(Duration::from_secs(300)).time,
            scopes: Vec::new(),
        };
        let issued = SignInEvent::CodeIssued { code, next_poll_at: Moment::at(Duration::from_secs(30)) };
        let messages = vec![(Duration::ZERO, Message::SignIn { task, event: issued })];
        frames(model, Vec::new(), Vec::new(), messages, HOUR).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_countdown_draws_once_a_second_and_stops_at_its_end() {
        let frames = frames_of_a_code(Motion::Full).await;
        let in_the_first_minute = frames.iter().filter(|at| (1..=60).contains(&at.as_secs())).count();
        assert_eq!(in_the_first_minute, 60);
        assert!((300..=304).contains(&frames.len()), "{} frames", frames.len());
        assert!(frames.last().is_some_and(|last| last.as_secs() <= 301), "{:?}", frames.last());
    }

    #[tokio::test(start_paused = true)]
    async fn with_reduced_motion_a_code_draws_only_as_its_words_change() {
        let frames = frames_of_a_code(Motion::Reduced).await;
        let mut seconds: Vec<u64> = frames.iter().map(Duration::as_secs).collect();
        seconds.dedup();
        // The question's last 10 s and its end, then the code's minutes, its last 30 s and 10 s, and its end.
        assert_eq!(seconds, [0, 20, 30, 60, 120, 180, 240, 270, 290, 300]);
        assert!(frames.len() <= 12, "{frames:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_sizes_is_one_frame_and_each_key_has_its_own() {
        let storm = (40..140).map(|columns| (Duration::from_secs(1), Event::Resize(columns, 24)));
        let keys = [2, 3, 4].map(|second| (Duration::from_secs(second), key(KeyCode::Char('?'))));
        let frames = frames(model(), Vec::new(), storm.chain(keys).collect(), Vec::new(), HOUR).await;
        let seconds: Vec<u64> = frames.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [0, 1, 2, 3, 4]);
    }
}
