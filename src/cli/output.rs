//! The only file that prints. Data goes to stdout, talk to stderr; each call writes one whole buffer.
//!
//! Text from servers has been made safe where it came in. This is the second guard: on a terminal and in talk, which ends up on
//! one from any log, control characters become visible whatever they came from. Data that goes elsewhere has every byte as it
//! is. A reader that went away is no error.

mod body;
mod json;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, IsTerminal, Write};
#[cfg(unix)]
use std::os::fd::AsFd as AsHandle;
#[cfg(windows)]
use std::os::windows::io::AsHandle;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use clap::builder::StyledStr;
use serde::Serialize;

pub(super) use self::body::{Body, Page};
use super::advice::Program;
use super::colors::{BOLD, BOLD_RED, RESET};
use super::table::{Room, Table, folded};
use super::{ColorWhen, terminal};
use crate::error::{Code, Error};
use crate::files;
use crate::mutex::locked;
#[cfg(unix)]
use crate::process::Process;
use crate::untrusted::visible;

/// How often it is looked whether somebody still reads stdout: no system tells that by itself.
#[cfg(unix)]
const READER_LOOKED_FOR: std::time::Duration = std::time::Duration::from_millis(250);

/// Where and how a command speaks.
pub(super) struct Output {
    /// How commands are said.
    pub(super) program: Program,
    color: ColorWhen,
    quiet: bool,
    /// Errors are JSON on stdout.
    json: AtomicBool,
    /// Each event is a line; so is a failure.
    events: AtomicBool,
    /// Warnings are told once.
    told: Mutex<BTreeSet<String>>,
    stdout: Stream<io::Stdout>,
    stderr: Stream<io::Stderr>,
}

/// A standard stream, and whether a person looks at it.
struct Stream<S> {
    stream: S,
    is_terminal: OnceLock<bool>,
}

impl<S: IsTerminal> Stream<S> {
    fn new(stream: S) -> Self {
        Self { stream, is_terminal: OnceLock::new() }
    }

    fn is_terminal(&self) -> bool {
        *self.is_terminal.get_or_init(|| self.stream.is_terminal())
    }
}

/// The output did not take what there was to say.
pub(super) fn unwritten(error: &io::Error) -> Error {
    Error::new(Code::Other, "the output could not be written").because(error).advise(files::advice(error))
}

/// A reader that went away is no error.
fn written(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

impl Stream<io::Stdout> {
    /// The text, safe for a terminal if it is one.
    fn guarded(&self, text: &str) -> String {
        if self.is_terminal() { visible(text) } else { text.to_owned() }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut stdout = self.stream.lock();
        written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }
}

impl Stream<io::Stderr> {
    fn try_write(&self, text: &str) -> io::Result<()> {
        self.stream.lock().write_all(text.as_bytes())
    }

    fn write(&self, text: &str) {
        // A failure of stderr has nowhere to be reported.
        let _ = self.try_write(text);
    }
}

/// An error as scripts see it.
#[derive(Serialize)]
pub(super) struct ErrorJson {
    code: &'static str,
    message: String,
    /// What may lie behind it, the likeliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    hint: String,
    retryable: bool,
}

impl ErrorJson {
    pub(super) fn of(error: &Error, program: &Program) -> Self {
        Self {
            code: error.code.word(),
            message: error.to_string(),
            causes: error.causes.clone(),
            hint: program.for_programs(&error.what_helps()),
            retryable: error.code.is_retryable(),
        }
    }
}

impl Output {
    pub(super) fn new(color: ColorWhen, quiet: bool, json: bool) -> Self {
        Self {
            program: Program::default(),
            color,
            quiet,
            json: AtomicBool::new(json),
            events: AtomicBool::new(false),
            told: Mutex::default(),
            stdout: Stream::new(io::stdout()),
            stderr: Stream::new(io::stderr()),
        }
    }

    /// The same for this program as it was called.
    pub(super) fn of(self, program: Program) -> Self {
        Self { program, ..self }
    }

    /// From here on, errors are JSON on stdout, where that is wanted.
    pub(super) fn use_json(&self, is_wanted: bool) {
        self.json.fetch_or(is_wanted, Ordering::Relaxed);
    }

    /// Tells whether errors are JSON on stdout.
    pub(super) fn is_json(&self) -> bool {
        self.json.load(Ordering::Relaxed)
    }

    /// From here on, errors are an event on stdout.
    pub(super) fn use_events(&self) {
        self.json.store(true, Ordering::Relaxed);
        self.events.store(true, Ordering::Relaxed);
    }

    /// Lines of text as data.
    pub(super) fn text(&self, text: &str) -> Result<(), Error> {
        let text = self.stdout.guarded(text) + "\n";
        self.stdout.write(text.as_bytes())
    }

    /// Bodies that are printed as they come: byte for byte, or safe and readable on a terminal.
    pub(super) fn body(&self) -> Body {
        if self.stdout.is_terminal() { Body::for_terminal(self.has_color(true)) } else { Body::bytes() }
    }

    /// One JSON object, on many lines where a person reads it.
    pub(super) fn json(&self, value: &impl Serialize) -> Result<(), Error> {
        let text =
            if self.stdout.is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
        self.text(&json_text(text)?)
    }

    /// One JSON object on one line.
    pub(super) fn json_line(&self, value: &impl Serialize) -> Result<(), Error> {
        self.text(&json_text(serde_json::to_string(value))?)
    }

    /// What a person has to see, quiet or not.
    pub(super) fn say(&self, text: &str) {
        self.stderr.write(&(visible(text) + "\n"));
    }

    /// The same of what there is no going on without: a code, an address.
    pub(super) fn show(&self, text: &str) -> Result<(), Error> {
        written(self.stderr.try_write(&(visible(text) + "\n")))
    }

    /// What a person should see to, a line each.
    pub(super) fn warn(&self, warnings: &[String]) {
        for warning in warnings {
            if self.told().insert(warning.clone()) {
                self.say(&format!("warning: {warning}"));
            }
        }
    }

    /// Takes warnings that are part of a result for told, so that they are not told beside it.
    pub(super) fn take_as_told(&self, warnings: &[String]) {
        self.told().extend(warnings.iter().cloned());
    }

    fn told(&self) -> MutexGuard<'_, BTreeSet<String>> {
        locked(&self.told)
    }

    /// What a person may like to know.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// What a person may like to know, and no script.
    pub(super) fn note_to_person(&self, text: &str) {
        if self.stderr.is_terminal() {
            self.note(text);
        }
    }

    /// Whether a line on stderr may be drawn again and again. Nobody looks at a job in the background.
    pub(super) fn can_redraw(&self) -> bool {
        let wants_lines = terminal::is_dumb() || terminal::is_accessible();
        self.stderr.is_terminal() && !self.quiet && !wants_lines && is_in_foreground()
    }

    /// Puts a line in the place of the last one that was put there, without a line's end.
    pub(super) fn redraw(&self, line: &str) {
        self.stderr.write(&format!("\r{line}\u{1b}[K"));
    }

    /// Columns of the terminal behind stderr.
    pub(super) fn columns(&self) -> usize {
        columns_of(&self.stderr.stream)
    }

    /// A table as data, and what is to be said below it, each of which begins a line: fit for a terminal, whole elsewhere.
    pub(super) fn table(&self, table: Table<'_>, below: &[String]) -> Result<(), Error> {
        self.fitted(|room, guarded| {
            let mut lines = table.lines(room, guarded);
            for text in below {
                let text = guarded(text);
                match room.columns {
                    Some(columns) => lines.extend(text.lines().flat_map(|line| folded("", line, columns, "  "))),
                    None => lines.push(text),
                }
            }
            lines
        })
    }

    /// Lines as data that are made for the room there is, and may have colours of their own. Whatever is in them passes what
    /// `lines` is given.
    pub(super) fn fitted(&self, lines: impl FnOnce(Room, &dyn Fn(&str) -> String) -> Vec<String>) -> Result<(), Error> {
        let lines = lines(self.room(), &|text| self.stdout.guarded(text));
        self.stdout.write((lines.join("\n") + "\n").as_bytes())
    }

    /// Where lines of data go.
    fn room(&self) -> Room {
        let is_terminal = self.stdout.is_terminal();
        // Fonts without half blocks have no ellipsis either.
        let cut = if terminal::abilities(self.color).qr.half_blocks { "…" } else { "..." };
        let columns = is_terminal.then(|| columns_of(&self.stdout.stream));
        Room { columns, cut, has_color: self.has_color(is_terminal) }
    }

    /// Columns of the terminal behind stdout; `None` where it is none.
    pub(super) fn stdout_columns(&self) -> Option<usize> {
        self.stdout.is_terminal().then(|| columns_of(&self.stdout.stream))
    }

    /// A question, without a line's end.
    pub(super) fn ask(&self, text: &str) {
        self.stderr.write(&visible(text));
    }

    /// Rows of text that hold colours on purpose.
    pub(super) fn picture(&self, rows: &str) {
        self.stderr.write(rows);
    }

    pub(super) fn error(&self, error: &Error) {
        #[derive(Serialize)]
        struct Failure {
            schema_version: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            event: Option<&'static str>,
            error: ErrorJson,
        }

        if self.is_json() {
            let event = self.events.load(Ordering::Relaxed).then_some("failed");
            // Where stdout takes nothing, it is said where it can be.
            if self.json_line(&Failure { schema_version: 1, event, error: ErrorJson::of(error, &self.program) }).is_ok()
            {
                return;
            }
        }
        if error.code == Code::Interrupted {
            // The person who pressed Ctrl-C needs no message.
            return;
        }
        let (red, bold, reset) = if self.stderr_has_color() { (BOLD_RED, BOLD, RESET) } else { ("", "", "") };
        let message = visible(&error.to_string());
        let mut text = format!("{red}error:{reset} {message}\n");
        if !error.causes.is_empty() {
            text.extend([format!("  {bold}likely causes:{reset}\n")]);
            let causes = error.causes.iter().enumerate();
            text.extend(causes.map(|(index, cause)| format!("    {}. {}\n", index + 1, visible(cause))));
        }
        text.extend([format!("  {bold}hint:{reset} {}\n", visible(&self.program.hint(error)))]);
        self.stderr.write(&text);
    }

    /// Waits until nobody can read stdout any more; for ever where that cannot be told.
    pub(super) async fn reader_gone(&self) {
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};

            loop {
                let mut stdout = [PollFd::new(&self.stdout.stream, PollFlags::empty())];
                let told = poll(&mut stdout, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
                if told.is_ok() && stdout[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
                    return;
                }
                tokio::time::sleep(READER_LOOKED_FOR).await;
            }
        }
        #[cfg(not(unix))]
        std::future::pending().await
    }

    /// Help that was asked for.
    pub(super) fn help(&self, text: &StyledStr) -> Result<(), Error> {
        let color = self.has_color(self.stdout.is_terminal());
        let text = if color { text.ansi().to_string() } else { text.to_string() };
        self.stdout.write(text.as_bytes())
    }

    /// Help that was not asked for.
    pub(super) fn usage(&self, text: &StyledStr) {
        let text = if self.stderr_has_color() { text.ansi().to_string() } else { text.to_string() };
        self.stderr.write(&text);
    }

    /// Tells whether talk may have colours.
    pub(super) fn stderr_has_color(&self) -> bool {
        self.has_color(self.stderr.is_terminal())
    }

    pub(super) fn stderr_is_terminal(&self) -> bool {
        self.stderr.is_terminal()
    }

    fn has_color(&self, is_terminal: bool) -> bool {
        terminal::has_color(self.color, is_terminal)
    }
}

/// Columns of the terminal behind a stream; where it does not tell them, those of `COLUMNS`, or 80.
#[cfg_attr(not(unix), expect(unused_variables, reason = "Unix systems tell"))]
fn columns_of<S: AsHandle>(stream: &S) -> usize {
    #[cfg(unix)]
    let columns = rustix::termios::tcgetwinsize(stream).map_or(0, |size| usize::from(size.ws_col));
    #[cfg(not(unix))]
    let columns = 0;
    let named = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
    if columns == 0 { named().unwrap_or(80) } else { columns }
}

fn is_in_foreground() -> bool {
    #[cfg(unix)]
    let in_front = Process::own().and_then(|own| own.is_in_front(io::stderr())) == Some(true);
    #[cfg(not(unix))]
    let in_front = true;
    in_front
}

/// Shows what a person types, where the terminal does not.
#[cfg(unix)]
pub(super) fn echo(text: &str) {
    if !text.is_empty() {
        Stream::new(io::stderr()).write(text);
    }
}

fn json_text(text: serde_json::Result<String>) -> Result<String, Error> {
    text.map_err(|error| Error::new(Code::Other, "the answer cannot be put into JSON").because(error))
}
