//! The log of the agent: a line for each event, on stderr, as text or as JSON. Where stderr is the journal, that knows the
//! time by itself, and hears of the level in its own way (`sd-daemon(3)`).
//!
//! A thread writes, so that a terminal that stands still or a full pipe never makes a refresh wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use super::super::ColorWhen;
use super::super::advice::Program;
use super::super::limits::refused;
use super::super::output::Output;
use super::super::words;
use crate::config::Environment;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::service::agent::{Event, Happening};

/// So many lines wait for a stderr that takes none; later ones are counted and left out.
const MOST_WAITING: usize = 1000;
/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    Text,
    Json,
}

/// How much somebody should care, by the numbers of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    schema_version: u8,
    /// `None` for what programs get.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(serialize_with = "to_the_second")]
    at: Timestamp,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The same for people, with times in the machine's zone.
    #[serde(skip)]
    said: Option<String>,
}

fn to_the_second<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&words::rfc3339(*at))
}

impl Entry {
    /// What happened at the edges of the agent: to files, programs, signals.
    pub(super) fn new(level: Level, event: &'static str, message: impl Into<String>, at: Timestamp) -> Self {
        let (level, message) = (Some(level), message.into());
        Self { schema_version: 1, level, event, profile: None, state: None, at, message, hint: None, said: None }
    }

    pub(super) fn of(self, profile: &ProfileName) -> Self {
        Self { profile: Some(profile.clone()), ..self }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into());
        Self { said: hint.clone(), hint, ..self }
    }

    /// What programs get of an event: one object.
    pub(super) fn for_programs(event: &Event, program: &Program) -> Vec<u8> {
        serde_json::to_vec(&Self { level: None, ..Self::about(event, program) }).unwrap_or_default()
    }

    /// One line, without its end.
    fn line(&self, style: Style) -> String {
        let text = match style.format {
            Format::Json => serde_json::to_string(self).unwrap_or_default(),
            Format::Text => self.text(style.is_journal),
        };
        match self.level {
            Some(level) if style.is_journal => format!("<{}>{text}", level as u8),
            _ => text,
        }
    }

    /// Time, profile, what, why, what to do.
    fn text(&self, is_journal: bool) -> String {
        let time = if is_journal { String::new() } else { words::date_and_time(self.at) + " " };
        let whose = self.profile.as_ref().map(|profile| format!("{profile} ")).unwrap_or_default();
        let hint = self.said.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        let line = format!("{time}{whose}{}: {}{hint}", self.event, self.message);
        line.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
    }
}

impl Entry {
    pub(super) fn about(event: &Event, program: &Program) -> Self {
        Self {
            schema_version: 1,
            level: Some(level(event.happening)),
            event: event.happening.word(),
            profile: event.profile.clone(),
            state: event.state.map(crate::service::State::word),
            at: event.at,
            message: event.message.clone(),
            hint: (!event.advice.is_empty()).then(|| program.for_programs(&event.advice)),
            said: (!event.advice.is_empty()).then(|| program.in_line(&event.advice)),
        }
    }
}

fn level(happening: Happening) -> Level {
    match happening {
        Happening::NeedsLogin | Happening::NotReloaded | Happening::StoreFailing => Level::Error,
        Happening::RefreshFailing | Happening::Throttled | Happening::Expiring | Happening::NotSignedIn => {
            Level::Warning
        }
        Happening::Recovered
        | Happening::SignedOut
        | Happening::Removed
        | Happening::SigningIn
        | Happening::Spread
        | Happening::Ready
        | Happening::Reloaded => Level::Notice,
        Happening::Refreshed | Happening::Watching => Level::Info,
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Style {
    format: Format,
    is_journal: bool,
}

/// Takes lines from anywhere. Clones are one log.
#[derive(Clone)]
pub(super) struct Log {
    /// How commands are said.
    pub(super) program: Program,
    style: Style,
    quiet: bool,
    written: SyncSender<Written>,
    left_out: Arc<AtomicUsize>,
}

pub(super) enum Written {
    Line(String),
    /// All before it was written.
    End(SyncSender<()>),
}

impl Log {
    pub(super) fn begin(
        format: Format,
        quiet: bool,
        program: Program,
        environment: Environment<'_>,
    ) -> Result<Self, Error> {
        let style = Style { format, is_journal: is_journal(environment) };
        let (written, lines) = sync_channel(MOST_WAITING);
        let output = Output::new(ColorWhen::Never, quiet, false);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&output, &lines))
            .map_err(|error| refused("the program could not start", &error))?;
        Ok(Self { program, style, quiet, written, left_out: Arc::default() })
    }

    /// One whose lines a test reads.
    #[cfg(test)]
    pub(super) fn to_channel(format: Format) -> (Self, Receiver<Written>) {
        let style = Style { format, is_journal: false };
        let (written, lines) = sync_channel(MOST_WAITING);
        (Self { program: Program::default(), style, quiet: false, written, left_out: Arc::default() }, lines)
    }

    pub(super) fn write(&self, entry: &Entry) {
        if self.quiet && entry.level > Some(Level::Warning) {
            return;
        }
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            let message = format!("{left_out} lines are not in this log, since nothing took them");
            let told = Entry::new(Level::Warning, "lines_left_out", message, entry.at);
            self.send(&told, left_out);
        }
        self.send(entry, 1);
    }

    fn send(&self, entry: &Entry, stands_for: usize) {
        if self.written.try_send(Written::Line(entry.line(self.style))).is_err() {
            self.left_out.fetch_add(stands_for, Ordering::Relaxed);
        }
    }

    /// Waits a little until all is written.
    pub(super) fn finish(&self) {
        let (ended, end) = sync_channel(1);
        if self.written.try_send(Written::End(ended)).is_ok() {
            // A stderr that takes nothing is not waited for.
            let _ = end.recv_timeout(LAST_LINES);
        }
    }
}

fn write(output: &Output, lines: &Receiver<Written>) {
    for line in lines {
        match line {
            Written::Line(line) => output.say(&line),
            Written::End(ended) => drop(ended.send(())),
        }
    }
}

/// Whether stderr is the journal's socket, which systemd names by its device and its number.
#[cfg(unix)]
fn is_journal(environment: Environment<'_>) -> bool {
    let Some(named) = environment.var("JOURNAL_STREAM") else { return false };
    rustix::fs::fstat(std::io::stderr()).is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(not(unix))]
fn is_journal(_: Environment<'_>) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Entry, Format, Level, Program, Style};
    use crate::error::Advice;
    use crate::service::State;
    use crate::service::agent::{Event, Happening};

    const TEXT: Style = Style { format: Format::Text, is_journal: false };
    const JSON: Style = Style { format: Format::Json, is_journal: false };

    fn event() -> Event {
        Event {
            happening: Happening::NeedsLogin,
            profile: Some("lobby".parse().expect("a name")),
            state: Some(State::NeedsLogin),
            at: Timestamp::UNIX_EPOCH,
            message: "the grant is over:\nit was revoked".to_owned(),
            advice: vec![Advice::SignIn("lobby".parse().expect("a name"))],
        }
    }

    #[test]
    fn an_event_is_one_line_with_its_time_unless_the_journal_has_that() {
        let entry = Entry::about(&event(), &Program::default());
        let line = entry.line(TEXT);
        let (time, rest) = line.split_at(line.find("lobby").expect("whose it is"));
        assert!(time.starts_with("19") && time.ends_with(' ') && time.split(' ').count() == 4, "{time:?}");
        assert_eq!(rest, "lobby needs_login: the grant is over: it was revoked; run `device-login login lobby`");
        assert_eq!(entry.line(Style { is_journal: true, ..TEXT }), format!("<3>{rest}"));
        let own = Entry::new(Level::Notice, "stopped", "it was asked to", Timestamp::UNIX_EPOCH);
        assert_eq!(own.line(Style { is_journal: true, ..TEXT }), "<5>stopped: it was asked to");
    }

    #[test]
    fn json_has_the_level_and_what_programs_get() {
        let entry = Entry::about(&event(), &Program::default());
        let text = concat!(
            r#"{"schema_version":1,"level":"error","event":"needs_login","profile":"lobby","state":"needs_login","#,
            r#""at":"1970-01-01T00:00:00Z","message":"the grant is over:\nit was revoked","#,
            r#""hint":"run `device-login login lobby`"}"#
        );
        assert_eq!(entry.line(JSON), text);
        assert_eq!(entry.line(Style { is_journal: true, ..JSON }), format!("<3>{text}"));
        assert_eq!(
            String::from_utf8_lossy(&Entry::for_programs(&event(), &Program::default())),
            text.replace(r#""level":"error","#, "")
        );
        let wait = Event { advice: vec![Advice::WaitUntil(Timestamp::UNIX_EPOCH)], ..event() };
        let hint = r#""hint":"try again after 1970-01-01T00:00:00Z""#;
        assert!(Entry::about(&wait, &Program::default()).line(JSON).contains(hint));
        assert!(!Entry::about(&wait, &Program::default()).line(TEXT).contains("1970-01-01T"));
    }
}
