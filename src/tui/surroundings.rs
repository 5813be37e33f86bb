//! What surrounds every panel: how the terminal is, what the person wants, what is configured, and what was said last.
//! It knows no panel.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Size;

use super::clipboard::{Clipboard, Reached, ToCopy};
use super::keymap::{Command, Keymap, Scope};
use super::log::Log;
use super::message::{Effect, TaskId};
use super::overlay::Overlay;
use super::panel::Panel;
use super::text::{longest_that_fits, width};
use super::theme::{Mark, Theme};
use super::time_left;
use super::tour::Tour;
use super::widgets::qr::QrChoice;
use crate::abilities::{Abilities, ColorChoice, Glyphs};
use crate::clock::{Moment, until};
use crate::config::{Config, Motion, ThemeName};
use crate::error::{Advice, Way};
use crate::profile::ProfileName;
use crate::service::Machine;

/// How long a notice stays.
const NOTICE_TIME: Duration = Duration::from_secs(5);

/// So many commands stay on top of the palette.
const RECENT: usize = 5;

/// One point in time on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Orders what happens and counts down.
    pub moment: Moment,
    /// Is shown, and compared with what is stored.
    pub time: Timestamp,
}

impl Now {
    /// The time from now to `time`, zero when that is over.
    pub fn until(self, time: Timestamp) -> Duration {
        until(self.time, time)
    }

    /// The time from `time` to now, zero when that is yet to come.
    pub fn since(self, time: Timestamp) -> Duration {
        until(time, self.time)
    }
}

/// What every panel is given.
#[derive(Debug)]
pub struct Surroundings {
    pub abilities: Abilities,
    pub theme: Theme,
    pub keymap: Keymap,
    /// How the person wants QR codes to be drawn.
    pub qr: QrChoice,
    pub clipboard: Clipboard,
    pub window: Size,
    pub machine: Machine,
    /// The configuration that the app goes by.
    pub config: Config,
    /// Covers the whole body while it is there, or is a box beside a QR code, so that no half of one invites a camera.
    pub overlay: Option<Overlay>,
    pub notice: Option<Notice>,
    /// What was asked for by the palette, the last one first.
    pub recent: Vec<Command>,
    pub log: Log,
    /// What the person wants; where text is to be selected the terminal has it anyway.
    pub mouse: Mouse,
    pub motion: Motion,
    /// In which times are shown.
    pub zone: TimeZone,
    pub command_line: CommandLine,
    /// The built-in server is there, and its demo person can be asked.
    pub is_demo: bool,
    /// How far somebody has come in the demo.
    pub tour: Tour,
    /// A browser could be opened on this machine for the person who looks at this screen.
    pub has_browser: bool,
    /// It was said that this machine's clock and a server's are far apart.
    pub has_told_clock_error: bool,
    last_task: TaskId,
}

/// The words of the command line for what no screen does: with the command, which acts on the files that the screens show.
#[derive(Clone)]
pub struct CommandLine(Arc<dyn Fn(&Advice) -> String + Send + Sync>);

impl CommandLine {
    pub fn wording(said: impl Fn(&Advice) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(said))
    }

    pub fn said(&self, advice: &Advice) -> String {
        (self.0)(advice)
    }
}

/// Of a screen that nothing is known of: what is advised, by its name in the code.
impl Default for CommandLine {
    fn default() -> Self {
        Self::wording(|advice| format!("{advice:?}"))
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommandLine")
    }
}

/// Who is told what the mouse does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    App,
    /// So that it selects text.
    Terminal,
}

/// One line that tells the outcome of something, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `None` where nobody knows whether it worked.
    pub mark: Option<Mark>,
    pub text: String,
    /// The same in fewer words, ever shorter, for where it has no room.
    pub shorter: Vec<String>,
    pub until: Moment,
}

impl Notice {
    /// The longest wording that fits, or else the shortest.
    pub fn in_room(&self, columns: usize) -> &str {
        longest_that_fits(std::iter::once(&self.text).chain(&self.shorter), columns)
    }

    /// The same for a line that is all there is: of what is still too long, the sentences that fit.
    pub fn in_line(&self, columns: usize) -> &str {
        let said = self.in_room(columns);
        let begun = said.match_indices(". ").map(|(end, _)| &said[..=end]);
        let fitting = std::iter::once(said).chain(begun).filter(|said| width(said) <= columns);
        fitting.max_by_key(|said| said.len()).unwrap_or(said)
    }
}

impl Surroundings {
    pub fn new(abilities: Abilities, machine: Machine, config: Config) -> Self {
        Self {
            theme: Theme::new(abilities),
            abilities,
            keymap: Keymap::default(),
            qr: QrChoice::default(),
            clipboard: Clipboard::default(),
            window: Size::new(80, 24),
            machine,
            config,
            overlay: None,
            notice: None,
            recent: Vec::new(),
            log: Log::default(),
            mouse: Mouse::App,
            motion: Motion::default(),
            zone: TimeZone::UTC,
            command_line: CommandLine::default(),
            is_demo: false,
            tour: Tour::default(),
            has_browser: false,
            has_told_clock_error: false,
            last_task: TaskId(0),
        }
    }

    /// Whether the theme is left to the terminal, and depends on its background.
    pub fn wants_background(&self) -> bool {
        let is_colored = self.abilities.color == ColorChoice::Always;
        is_colored && self.config.screen.theme.is_none() && self.abilities.glyphs != Glyphs::Console
    }

    /// Draws in another theme from now on.
    pub fn set_theme(&mut self, theme: ThemeName) {
        self.theme = Theme::named(theme, self.abilities);
    }

    /// Has the palette offer this first next time.
    pub fn remember(&mut self, command: Command) {
        self.recent.retain(|other| *other != command);
        self.recent.insert(0, command);
        self.recent.truncate(RECENT);
    }

    /// Whether the panel is in sight, if only around a box that has the keys.
    pub fn shows(&self, panel: &dyn Panel, now: Now) -> bool {
        self.overlay.as_ref().is_none_or(|overlay| overlay.place(self, panel, now).is_some())
    }

    /// A name for a new piece of work.
    pub fn new_task(&mut self) -> TaskId {
        self.last_task = TaskId(self.last_task.0 + 1);
        self.last_task
    }

    /// A time that is left, in words as still as the person wants them.
    pub fn time_left(&self, left: Duration) -> String {
        time_left::in_words(left, self.motion)
    }

    /// How else than by a device code the profile signs in, which no screen does.
    pub fn other_way(&self, profile: &ProfileName) -> Option<Way> {
        self.config.profiles.get(profile)?.client_type.way()
    }

    /// The first key that asks for a command in a scope, for sentences.
    pub fn key(&self, scope: Scope, command: Command) -> String {
        let bound = self.keymap.binding(scope, command).and_then(|bound| bound.keys.first());
        bound.map_or_else(|| "its key".to_owned(), |key| key.label())
    }

    pub fn say(&mut self, mark: impl Into<Option<Mark>>, text: impl Into<String>, now: Now) {
        self.say_in_room(mark, [text.into()], now);
    }

    /// Says it in the longest of these wordings that fits when it is drawn. The shortest comes last.
    pub fn say_in_room<const N: usize>(&mut self, mark: impl Into<Option<Mark>>, wordings: [String; N], now: Now) {
        let mut wordings = wordings.into_iter();
        let text = wordings.next().unwrap_or_default();
        let until = now.moment + NOTICE_TIME;
        self.notice = Some(Notice { mark: mark.into(), text, shorter: wordings.collect(), until });
    }

    /// Sends a text to the clipboard. Only tmux tells what became of it, and is waited for: [`told_copied`](Self::told_copied).
    pub fn copy(&mut self, copy: ToCopy, scope: Scope, now: Now) -> Vec<Effect> {
        if self.clipboard != Clipboard::Tmux {
            self.say_sent(copy.what, scope, now);
        }
        vec![Effect::Copy(copy)]
    }

    /// Says what tmux did with a text.
    pub fn told_copied(&mut self, what: &str, result: Result<Reached, String>, scope: Scope, now: Now) {
        let text = match result {
            Ok(Reached::Terminal) => return self.say_sent(what, scope, now),
            Ok(Reached::Buffer) => format!("tmux has {what} in its buffer: prefix ] pastes it."),
            Ok(Reached::BufferAndTerminal) => format!("tmux has {what} in its buffer and sent it to your terminal."),
            Err(problem) => return self.say(Mark::Attention, format!("tmux did not take {what}: {problem}"), now),
        };
        let shorter = ["It is in tmux's buffer: prefix ] pastes it.", "In tmux's buffer: prefix ] pastes"];
        let [middle, short] = shorter.map(str::to_owned);
        self.say_in_room(Mark::Good, [text, middle, short], now);
    }

    /// Says that a text went to the terminal, which may or may not have taken it.
    fn say_sent(&mut self, what: &str, scope: Scope, now: Now) {
        let shows_alone = match scope {
            Scope::SignIn => Some(Command::BareLink),
            Scope::Profiles => Some(Command::RevealToken),
            _ => None,
        };
        let shown = match shows_alone {
            Some(command) => format!("{} shows it", self.key(scope, command)),
            None => "Select it".to_owned(),
        };
        let long = format!("Sent {what} to your terminal. Nothing to paste? {shown}.");
        let middle = format!("Sent to your terminal. Nothing to paste? {shown}.");
        self.say_in_room(None, [long, middle, format!("Sent. Nothing to paste? {shown}.")], now);
    }
}
