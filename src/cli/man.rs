//! `man`: the manual pages, made of the definition of the arguments and of the tables that the documents are made of.

mod roff;

use std::iter;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{Arg, Args, ValueHint};

use self::roff::Page;
use super::context::Context;
use super::{commands, completions, help};
use crate::config::variables::{Reader, VARIABLES};
use crate::error::{Error, exit_codes};

/// Where files are, unless variables say otherwise.
const FILES: [(&str, &str); 5] = [
    ("~/.config/device-login/config.toml", "providers and profiles; no secrets"),
    ("~/.config/device-login/key", "the key that seals the store"),
    ("~/.local/state/device-login/", "the store: a sealed record for each profile"),
    ("~/.cache/device-login/", "takes a record whose own place fails in the middle of a refresh"),
    ("/etc/ssl/certs/", "certificate authorities that are trusted, beside those of `--ca-cert`"),
];

const EXAMPLES: &str = "\
Examples:
  device-login man token | man -l -
  device-login man profile add > device-login-profile-add.1
  device-login man --all /usr/local/share/man/man1";

/// Print a manual page
///
/// Without a command it is that of the whole program.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Man {
    /// The command, and the one below it
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands into a directory instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "command")]
    all: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let mut definition = commands::definition();
        definition.build();
        if let Some(directory) = &self.all {
            let mut pages = Vec::new();
            add_pages(&mut pages, &definition, &definition);
            return completions::write_all(context, directory, pages);
        }
        let command = match &self.command[..] {
            [title] => titled(&definition, title),
            _ => None,
        };
        let command = command.map_or_else(|| help::named(&definition, &self.command), Ok)?;
        context.output.text(page(command, &definition).trim_end())
    }
}

/// The pages of a command and of those below it, by the names of their files.
fn add_pages(pages: &mut Vec<(String, String)>, command: &clap::Command, program: &clap::Command) {
    pages.push((format!("{}.1", title(command)), page(command, program)));
    shown(command).for_each(|below| add_pages(pages, below, program));
}

fn shown(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set())
}

/// The command whose page has this title, with the program's name before it or without.
fn titled<'a>(program: &'a clap::Command, wanted: &str) -> Option<&'a clap::Command> {
    let whole = format!("{}-{wanted}", program.get_name());
    let all = shown(program).flat_map(|command| iter::once(command).chain(shown(command)));
    all.chain([program]).find(|command| [wanted, &whole].contains(&title(command).as_str()))
}

/// `device-login-profile-add`.
fn title(command: &clap::Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-")
}

fn page(command: &clap::Command, program: &clap::Command) -> String {
    let is_program = command.get_name() == program.get_name();
    let name = title(command);
    let about = text(command.get_about());
    let mut page = Page::new(&name, env!("CARGO_PKG_VERSION"));
    page.section("NAME");
    page.name(&name, &about);
    page.section("SYNOPSIS");
    page.synopsis(command.get_bin_name().unwrap_or(command.get_name()), &usage(command));
    page.section("DESCRIPTION");
    let long = text(command.get_long_about().or(command.get_about()));
    long.split("\n\n").for_each(|paragraph| page.paragraph(paragraph));
    if shown(command).next().is_some() {
        page.section("COMMANDS");
        shown(command).for_each(|below| page.entry(&format!("`{}`", below.get_name()), &text(below.get_about())));
    }
    options(&mut page, command);
    examples(&mut page, command);
    page.section("EXIT STATUS");
    for (code, meaning) in exit_codes() {
        page.entry(&format!("`{code}`"), meaning);
    }
    page.section("ENVIRONMENT");
    let is_told = |reader: Reader| is_program || reader == Reader::Everything;
    for row in VARIABLES.iter().filter(|row| is_told(row.reader)) {
        let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
        page.entry(&names.join(", "), row.means);
    }
    page.section("FILES");
    for (path, what) in FILES {
        page.entry(&format!("`{path}`"), what);
    }
    page.section("SEE ALSO");
    let mut others: Vec<String> = shown(command).map(title).collect();
    if !is_program {
        others.insert(0, program.get_name().to_owned());
    }
    page.references(&others);
    page.text
}

/// What follows the name of the program in the usage.
fn usage(command: &clap::Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let bin = command.get_bin_name().unwrap_or(command.get_name());
    usage
        .trim_start_matches("Usage:")
        .trim()
        .strip_prefix(bin)
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Arguments and options, in the sections of the help; those that every command takes come last.
fn options(page: &mut Page, command: &clap::Command) {
    let all = || command.get_arguments().filter(|argument| !argument.is_hide_set());
    let heading = |argument: &Arg| match argument.get_help_heading() {
        Some(heading) => heading.to_uppercase(),
        None if argument.is_positional() => "ARGUMENTS".to_owned(),
        None => "OPTIONS".to_owned(),
    };
    let mut headings = vec!["ARGUMENTS".to_owned(), "OPTIONS".to_owned()];
    headings.extend(all().map(heading).filter(|heading| heading != "GLOBAL OPTIONS"));
    headings.push("GLOBAL OPTIONS".to_owned());
    let mut told: Vec<&String> = Vec::new();
    for title in &headings {
        let here: Vec<&Arg> = all().filter(|argument| heading(argument) == *title).collect();
        if here.is_empty() || told.contains(&title) {
            continue;
        }
        told.push(title);
        page.section(title);
        for argument in here {
            option(page, argument);
        }
    }
}

fn option(page: &mut Page, argument: &Arg) {
    let values = argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>"));
    let values = values.collect::<Vec<_>>().join(" ");
    let values = if argument.get_action().takes_values() { values } else { String::new() };
    let title = if argument.is_positional() {
        values
    } else {
        let short = argument.get_short().map(|short| format!("`-{short}`"));
        let long = argument.get_long().map(|long| format!("`--{long}`"));
        let names = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
        let is_optional = argument.get_num_args().is_some_and(|range| range.min_values() == 0);
        match (values.is_empty(), is_optional && argument.is_require_equals_set()) {
            (true, _) => names,
            (false, true) => format!("{names}[={values}]"),
            (false, false) => format!("{names} {values}"),
        }
    };
    let help = text(argument.get_long_help().or(argument.get_help()));
    let mut paragraphs = help.split("\n\n");
    page.entry(&title, paragraphs.next().unwrap_or_default());
    paragraphs.for_each(|paragraph| page.more(paragraph));
    let possible: Vec<String> = if argument.get_action().takes_values() && !argument.is_hide_possible_values_set() {
        let shown = argument.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
        shown.map(|value| format!("`{}`", value.get_name())).collect()
    } else {
        Vec::new()
    };
    if !possible.is_empty() {
        page.more(&format!("Possible values: {}.", possible.join(", ")));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !defaults.is_empty() && argument.get_action().takes_values() && !argument.is_hide_default_value_set() {
        page.more(&format!("Default: `{}`.", defaults.join(" ")));
    }
}

/// The examples of the help, and what is said below them.
fn examples(page: &mut Page, command: &clap::Command) {
    let text = text(command.get_after_long_help().or(command.get_after_help()));
    let Some(examples) = text.split_once('\n').map(|(_, examples)| examples) else { return };
    page.section("EXAMPLES");
    for block in examples.split("\n\n") {
        if block.starts_with("  ") { page.example(block) } else { page.paragraph(block) }
    }
}

fn text(styled: Option<&StyledStr>) -> String {
    styled.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Page, exit_codes};

    #[test]
    fn text_cannot_become_a_request() {
        let mut page = Page::new("x", "1");
        page.paragraph(".so /etc/passwd\n'br\nback\\slash and `code-word`");
        let lines: Vec<&str> = page.text.lines().skip(1).collect();
        assert_eq!(lines, [".PP", r"\&.so /etc/passwd", r"\&'br", r"back\eslash and \fBcode\-word\fR"]);
    }

    #[test]
    fn each_exit_code_of_an_error_has_a_meaning() {
        for code in crate::error::Code::ALL {
            assert!(exit_codes().any(|(known, _)| known == code.exit_code().to_string()), "{code:?}");
        }
    }
}
