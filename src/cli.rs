//! The command line: what may be said to the program, and which part of it answers.
//!
//! One file per command holds its arguments and its `run`, `commands` is the table of them. All of them get a `Context` and return an
//! exit code or the one [`Error`]; `output` alone prints. Nothing here starts a runtime, an HTTP
//! client or a terminal before a command needs it.

pub mod advice;
mod agent;
mod api;
mod colors;
mod commands;
mod complete;
mod completions;
mod config;
mod context;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod exec;
mod full_screen;
mod git_credential;
mod given_tokens;
mod help;
mod keyboard;
mod limits;
mod login;
mod logout;
mod man;
mod named_file;
mod other_words;
mod output;
mod overview;
mod own_places;
mod profile;
mod prompt;
mod refresh;
mod runtime;
mod scopes;
mod status;
mod store;
mod table;
mod terminal;
mod token;
mod version;
mod whoami;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, ValueEnum};

use self::commands::{Asked, AskedCommand};
use self::context::{Context, variable};
use self::output::Output;
use crate::config::variables;
use crate::config::{Environment, Places};
use crate::error::{Advice, Code, Error};
use crate::near;
use crate::profile::ProfileName;
use crate::signals;
use crate::sorted;
use crate::untrusted::visible;

const EXAMPLES: &str = "\
Examples:
  device-login demo
  device-login profile add work --provider zoho --client-id 1000.ABC \\
      --scopes ZohoCRM.users.READ
  device-login login work
  device-login token work";

/// Signs a machine without a browser in to Zoho or any RFC 8628 provider, and keeps its tokens safe and fresh.
///
/// Without a command, opens the full-screen app.
#[derive(Parser)]
#[command(name = "device-login", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_long_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    global: Global,
}

/// What every command takes.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug))]
#[command(next_help_heading = "Global options")]
struct Global {
    /// The profile to use [env: `DEVICE_LOGIN_PROFILE`]
    #[arg(short, long, value_name = "NAME", global = true)]
    profile: Option<ProfileName>,
    /// Where tokens are kept: `file:DIR`, `postgres://HOST/DB`, `plain:DIR` or `memory:` [env: `DEVICE_LOGIN_STORE`]
    #[arg(long, value_name = "STORE", global = true)]
    store: Option<String>,
    /// The configuration file [env: `DEVICE_LOGIN_CONFIG`]
    #[arg(long, value_name = "FILE", value_parser = words::file_to_read(), global = true)]
    config: Option<PathBuf>,
    /// A certificate authority to trust beside the system's, as PEM
    #[arg(long, value_name = "FILE", value_parser = words::file_to_read(), global = true)]
    ca_cert: Option<PathBuf>,
    /// Say on stderr which HTTP requests are made
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Say less on stderr: no progress, no notes
    #[arg(short, long, global = true)]
    quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true, global = true)]
    color: ColorWhen,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

impl Global {
    /// Where this program looks for its files.
    fn places(&self) -> Result<Places, Error> {
        Places::from_environment(Environment(&variable), self.config.clone())
    }

    /// The same options with files for a store.
    fn in_files(&self) -> Self {
        Self { store: Some("file:DIR".to_owned()), ..self.clone() }
    }
}

/// A profile named without `-p`.
#[derive(Args, Default)]
#[cfg_attr(test, derive(Debug))]
struct Positional {
    /// The profile, if there are several
    #[arg(value_name = "PROFILE")]
    name: Option<ProfileName>,
}

/// Runs the program with these arguments, the program's own name first.
pub fn run(arguments: &[OsString]) -> ExitCode {
    keep_memory_private();
    signals::outlive_file_limit();
    let output = output_before_parsing(arguments);
    if let [_, flag] = arguments
        && (flag == "--version" || flag == "-V")
    {
        return ExitCode::from(told(&output, output.text(version::VERSION)));
    }
    match commands::parse(arguments) {
        Ok(Asked { global, command }) => {
            let context = Context::new(global, command.as_ref());
            if command.as_ref().is_none_or(|command| command.name != complete::NAME) {
                context.output.warn(&variables::misspelt(std::env::vars_os().map(|(name, _)| name)));
            }
            let tells_itself = |command: &AskedCommand| [complete::NAME, "doctor"].contains(&command.name);
            let checked = if command.as_ref().is_some_and(tells_itself) { Ok(()) } else { context.check_ca_cert() };
            let result = checked.and_then(|()| match command {
                Some(command) => (command.action)(&context),
                None => without_command(&context),
            });
            ExitCode::from(context.exit_code(result))
        }
        Err(error) => ExitCode::from(mistaken(error, arguments, &output)),
    }
}

/// Has the kernel write no core dump, which would hold tokens.
fn keep_memory_private() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // A kernel that refuses leaves things as they were.
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
    #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
        let _ = setrlimit(Resource::Core, limit);
    }
}

/// Without a command: the screens, or lines where the terminal or the person wants those.
#[cold]
fn without_command(context: &Context) -> Result<u8, Error> {
    match terminal::lack() {
        _ if terminal::wants_lines() => overview::run(context),
        None => full_screen::run_app(context),
        Some(lack) => {
            context.output.usage(&commands::definition().render_help());
            context.output.note(&format!("The screens need a terminal: {lack}."));
            Ok(Code::Usage.exit_code())
        }
    }
}

/// How to speak to whoever has made a mistake in the arguments, as far as those can be told.
fn output_before_parsing(arguments: &[OsString]) -> Output {
    let mut words = arguments.iter().take_while(|argument| *argument != "--").filter_map(|argument| argument.to_str());
    let command = commands::name_in(arguments);
    let (mut color, mut wants_json) = (ColorWhen::Auto, false);
    while let Some(word) = words.next() {
        let when = if word == "--color" { words.next() } else { word.strip_prefix("--color=") };
        let format = if word == "--format" { words.clone().next() } else { word.strip_prefix("--format=") };
        color = when.and_then(|when| ColorWhen::from_str(when, false).ok()).unwrap_or(color);
        if let Some(format) = format.filter(|_| command == Some("token")) {
            wants_json = format == "json";
        }
        wants_json |= word == "--json" && command != Some("token");
    }
    let output = Output::new(color, false, wants_json);
    if wants_json && command == Some("login") {
        output.use_events();
    }
    output
}

/// Tells what is wrong with the arguments. A part of its own, as all that is `cold` here: a frame as large as such a part needs
/// would be one of every short command.
#[cold]
fn mistaken(error: clap::Error, arguments: &[OsString], output: &Output) -> u8 {
    usage(&given_tokens::without_tokens(pointed(readable(error), arguments), arguments), output)
}

/// The same error without control characters in the words that it repeats, and without what nobody types in those that it
/// offers, of which the nearest comes first.
fn readable(mut error: clap::Error) -> clap::Error {
    let repeated = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg, ContextKind::InvalidValue];
    let wanted = repeated.iter().find_map(|kind| match error.get(*kind)? {
        ContextValue::String(word) => Some(word.clone()),
        _ => None,
    });
    let distance = |word: &String| near::distance(wanted.as_deref().unwrap_or_default(), word);
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(word) => ContextValue::String(visible(&word)),
            ContextValue::Strings(words) => {
                let shown = words.iter().filter(|word| *word != complete::NAME).map(|word| visible(word));
                let mut shown: Vec<String> = shown.collect();
                if kind == ContextKind::SuggestedSubcommand {
                    sorted::by_key(&mut shown, distance);
                }
                ContextValue::Strings(shown)
            }
            other => other,
        };
        error.insert(kind, value);
    }
    error
}

/// The same error with the command that has what another word was given for.
fn pointed(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let meant = match (error.get(ContextKind::InvalidSubcommand), error.get(ContextKind::InvalidArg)) {
        (Some(ContextValue::String(word)), _) => {
            other_words::meant(other_words::above(arguments, word), word, other_words::behind(arguments, word))
        }
        (None, Some(ContextValue::String(flag))) if error.kind() == ErrorKind::UnknownArgument => {
            other_words::in_place_of(&commands::path_in(arguments), flag).map(str::to_owned)
        }
        _ if error.kind() == ErrorKind::MissingRequiredArgument && other_words::takes_file_for_format(arguments) => {
            Some(other_words::JSON.to_owned())
        }
        _ => None,
    };
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested)
        && tips.iter().any(|tip| tip.to_string().starts_with("to pass '"))
    {
        // Nobody who mistook a flag wants its name as a value.
        error.remove(ContextKind::Suggested);
    }
    if let (Some(ContextValue::String(flag)), Some(ContextValue::String(other))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::SuggestedArg))
        && near::nearest(flag, [(other.as_str(), ())]).is_empty()
    {
        // By its letters alone `--force` is near to `--store`.
        error.remove(ContextKind::SuggestedArg);
    }
    if let Some(meant) = meant {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![meant.into()]));
    }
    if error.kind() == ErrorKind::UnknownArgument
        && error.get(ContextKind::SuggestedArg).is_none()
        && let Some(usage) = commands::usage_of(&commands::path_in(arguments))
    {
        // Else that of the flag that is near by its letters alone.
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    error
}

/// Help and version go to stdout, everything else that clap has to say is a mistake of the caller.
fn usage(error: &clap::Error, output: &Output) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return told(output, output.help(&error.render())),
        _ if output.is_json() => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let mistake = Error::new(Code::Usage, format!("{first} {}", several(error).join(", ")).trim_end());
            output.error(&[meant(error), possible(error)].into_iter().flatten().fold(mistake, Error::advise));
        }
        _ => output.usage(&error.render()),
    }
    Code::Usage.exit_code()
}

/// The arguments that are told in lines of their own: those that lack, or those that another one does not go with.
fn several(error: &clap::Error) -> &[String] {
    match error.get(ContextKind::PriorArg).or_else(|| error.get(ContextKind::InvalidArg)) {
        Some(ContextValue::Strings(arguments)) => arguments,
        _ => &[],
    }
}

/// What somebody probably meant who mistyped the name of a command, a flag or a value.
fn meant(error: &clap::Error) -> Option<Advice> {
    if let Some(ContextValue::StyledStrs(known)) = error.get(ContextKind::Suggested)
        && let [known] = known.as_slice()
        && (error.get(ContextKind::InvalidSubcommand).is_some()
            || given_tokens::is_tip(&known.to_string())
            || other_words::is_tip(&known.to_string()))
    {
        return Some(known.to_string().into());
    }
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let near = match kinds.iter().find_map(|kind| error.get(*kind))? {
        ContextValue::String(word) => vec![word.clone()],
        ContextValue::Strings(words) => words.clone(),
        _ => return None,
    };
    Advice::meant(near)
}

/// The values of which one has to be given.
fn possible(error: &clap::Error) -> Option<Advice> {
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(values) if !values.is_empty() => {
            Some(format!("possible are {}", values.join(", ")).into())
        }
        _ => None,
    }
}

/// The exit code of what only prints.
fn told(output: &Output, printed: Result<(), Error>) -> u8 {
    printed.map_or_else(
        |error| {
            output.error(&error);
            error.code.exit_code()
        },
        |()| 0,
    )
}
