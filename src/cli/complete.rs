//! `__complete`: what may stand at the cursor of an unfinished command line, for the scripts of `completions`.
//!
//! Flags and commands come from the definition of the arguments, values from the program and the configuration. No server
//! is asked and no store opened. Whoever presses Tab wants no message, so what cannot be read has no candidates.

mod values;

use std::any::TypeId;
use std::ffi::OsString;

use clap::{Arg, ArgAction, Args};

use self::values::values;
use super::commands;
use super::context::Context;
use crate::error::Error;

/// The name in the table of commands, which the scripts know.
pub(super) const NAME: &str = "__complete";

/// Print what may stand at the cursor, a line each: the word, a tab, what it means
///
/// A line `:files`, `:directories` or `:commands`, a tab and the beginning of the word that is no part of them asks the shell for
/// its own.
#[derive(Args)]
#[command(hide = true)]
pub(super) struct Complete {
    /// The word at the cursor is empty; for shells that hand over no empty words
    #[arg(long)]
    empty: bool,
    /// The words up to the cursor, without the program's name
    #[arg(last = true, value_name = "WORD")]
    words: Vec<OsString>,
}

impl Complete {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let mut words: Vec<String> = self.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        if self.empty {
            words.push(String::new());
        }
        let lines = candidates(&words).iter().filter_map(Candidate::line).collect::<Vec<_>>();
        if lines.is_empty() { Ok(()) } else { context.output.text(&lines.join("\n")) }
    }
}

/// What may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Candidate {
    Word {
        word: String,
        about: String,
    },
    /// What the shell knows, behind the beginning of the word.
    Files(String),
    Directories(String),
    Commands(String),
}

impl Candidate {
    fn word(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self::Word { word: word.into(), about: about.into() }
    }

    /// The line for the script; nothing for a word that would look like something else, or that a shell would do something
    /// with once it stands on the line.
    fn line(&self) -> Option<String> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.,:=/+@".contains(letter);
        match self {
            Self::Word { word, .. } if word.starts_with(':') || !word.chars().all(is_plain) => None,
            Self::Word { word, about } => Some(format!("{word}\t{}", about.replace(char::is_control, " "))),
            Self::Files(before) => Some(format!(":files\t{before}")),
            Self::Directories(before) => Some(format!(":directories\t{before}")),
            Self::Commands(before) => Some(format!(":commands\t{before}")),
        }
    }
}

/// Where the words before the cursor have led.
struct Line<'a> {
    command: &'a clap::Command,
    /// The option whose value comes next.
    awaited: Option<&'a Arg>,
    /// Words at places without a name.
    placed: Vec<String>,
    /// Whether flags are over.
    is_literal: bool,
    /// Options that were given, with their values.
    given: Vec<(&'a Arg, Option<String>)>,
}

/// What may stand in place of the last of the words.
fn candidates(words: &[String]) -> Vec<Candidate> {
    let mut definition = commands::definition();
    definition.build();
    let (current, before) = match words.split_last() {
        Some((current, before)) => (current.as_str(), before),
        None => ("", words),
    };
    let mut line =
        Line { command: &definition, awaited: None, placed: Vec::new(), is_literal: false, given: Vec::new() };
    for word in before {
        line.take(word);
    }
    line.candidates(current)
}

impl<'a> Line<'a> {
    fn take(&mut self, word: &str) {
        if self.awaited.take().is_some() {
            if let Some((_, value)) = self.given.last_mut() {
                *value = Some(word.to_owned());
            }
        } else if self.is_literal {
            self.placed.push(word.to_owned());
        } else if word == "--" {
            self.is_literal = true;
            if self.last().is_some() {
                self.placed.clear();
            }
        } else if let Some(name) = word.strip_prefix("--") {
            let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            if let Some(option) = self.long(name) {
                self.give(option, value);
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            self.take_letters(letters);
        } else if let Some(command) = self.command.find_subcommand(word).filter(|_| self.placed.is_empty()) {
            self.command = command;
        } else {
            self.is_literal = self.place().is_some_and(Arg::is_trailing_var_arg_set);
            self.placed.push(word.to_owned());
        }
    }

    /// `-vq`, `-pwork` or `-p`.
    fn take_letters(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let Some(option) = self.short(letter) else { return };
            let rest = &letters[at + letter.len_utf8()..];
            if option.get_action().takes_values() {
                self.give(option, Some(rest.strip_prefix('=').unwrap_or(rest)).filter(|rest| !rest.is_empty()));
                return;
            }
            self.give(option, None);
        }
    }

    fn give(&mut self, option: &'a Arg, value: Option<&str>) {
        self.given.push((option, value.map(str::to_owned)));
        if value.is_none() && option.get_action().takes_values() && !option.is_require_equals_set() {
            self.awaited = Some(option);
        }
    }

    /// What an option was given last.
    fn value(&self, name: &str) -> Option<&str> {
        let mut given = self.given.iter().rev().filter(|(option, _)| option.get_id() == name);
        given.find_map(|(_, value)| value.as_deref())
    }

    /// The word in the place of an argument of this type.
    fn placed_as(&self, type_id: TypeId) -> Option<&str> {
        let mut places = self.command.get_positionals().zip(&self.placed);
        places.find(|(place, _)| place.get_value_parser().type_id() == type_id).map(|(_, word)| word.as_str())
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|option| option.get_long() == Some(name))
    }

    fn short(&self, letter: char) -> Option<&'a Arg> {
        self.command.get_arguments().find(|option| option.get_short() == Some(letter))
    }

    /// What the next word without a name is.
    fn place(&self) -> Option<&'a Arg> {
        if let Some(last) = self.last().filter(|_| self.is_literal) {
            return Some(last);
        }
        let places: Vec<&Arg> = self.command.get_positionals().filter(|place| !place.is_last_set()).collect();
        let next = places.get(self.placed.len()).or(places.last().filter(|last| takes_many(last)));
        next.copied()
    }

    /// What has `--` before it.
    fn last(&self) -> Option<&'a Arg> {
        self.command.get_positionals().find(|place| place.is_last_set())
    }

    fn candidates(&self, current: &str) -> Vec<Candidate> {
        if let Some(option) = self.awaited {
            return values(self, option, "", current);
        }
        if self.is_literal {
            return self.place().map_or_else(Vec::new, |place| values(self, place, "", current));
        }
        if let Some((name, value)) = current.strip_prefix("--").and_then(|word| word.split_once('=')) {
            let before = &current[..current.len() - value.len()];
            return self.long(name).map_or_else(Vec::new, |option| values(self, option, before, value));
        }
        if current.starts_with('-') {
            return self.attached(current).unwrap_or_else(|| self.flags());
        }
        let mut candidates = if self.placed.is_empty() { self.commands() } else { Vec::new() };
        candidates.extend(self.place().into_iter().flat_map(|place| values(self, place, "", current)));
        if candidates.is_empty() && current.is_empty() { self.flags() } else { candidates }
    }

    /// The value of `-pwork`.
    fn attached(&self, current: &str) -> Option<Vec<Candidate>> {
        let letters = current.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
        let (at, option) = letters.char_indices().find_map(|(at, letter)| {
            let option = self.short(letter)?;
            option.get_action().takes_values().then_some((at + letter.len_utf8(), option))
        })?;
        let value = &letters[at..];
        let before = &current[..current.len() - value.len()];
        (!value.is_empty()).then(|| values(self, option, before, value))
    }

    fn commands(&self) -> Vec<Candidate> {
        let shown = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        shown.map(|command| Candidate::word(command.get_name(), about(command.get_about()))).collect()
    }

    /// The options that may still be given.
    fn flags(&self) -> Vec<Candidate> {
        let is_open = |option: &&Arg| {
            let is_repeatable = matches!(option.get_action(), ArgAction::Append | ArgAction::Count);
            let is_given = self.given.iter().any(|(given, _)| given.get_id() == option.get_id());
            let excludes = |one: &Arg, other: &Arg| {
                self.command.get_arg_conflicts_with(one).iter().any(|refused| refused.get_id() == other.get_id())
            };
            let is_refused = self.given.iter().any(|(given, _)| excludes(given, option) || excludes(option, given));
            !option.is_positional() && !option.is_hide_set() && !is_refused && (is_repeatable || !is_given)
        };
        let word = |option: &Arg| match (option.get_long(), option.get_short()) {
            (Some(long), _) => Some(format!("--{long}")),
            (None, short) => short.map(|short| format!("-{short}")),
        };
        let flags = self.command.get_arguments().filter(is_open);
        flags.filter_map(|option| Some(Candidate::word(word(option)?, about(option.get_help())))).collect()
    }
}

fn takes_many(place: &Arg) -> bool {
    matches!(place.get_action(), ArgAction::Append) || place.get_num_args().is_some_and(|range| range.max_values() > 1)
}

/// The first line of the help, without marks.
fn about(help: Option<&clap::builder::StyledStr>) -> String {
    let help = help.map(ToString::to_string).unwrap_or_default();
    help.lines().next().unwrap_or_default().replace('`', "")
}

#[cfg(test)]
mod tests;
