//! The command line: what may be said to the program, and which part of it answers.
//!
//! One file per command holds its arguments and its `run`. All of them get a `Context` and return an
//! exit code or the one [`Error`]; `output` alone prints. Nothing here starts a runtime, an HTTP
//! client or a terminal before a command needs it.

mod advice;
mod agent;
mod api;
mod context;
#[cfg(feature = "demo")]
mod demo;
mod full_screen;
mod keyboard;
mod login;
mod logout;
mod output;
mod overview;
mod profile;
mod prompt;
mod refresh;
mod runtime;
mod scopes;
mod status;
mod store;
mod token;
mod whoami;
mod words;

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use self::context::Context;
use self::output::Output;
use crate::config::variables;
use crate::error::{Code, Error};
use crate::profile::ProfileName;

/// Signs a machine without a browser in to Zoho or any RFC 8628 provider, and keeps its tokens safe and fresh.
///
/// Without a command, opens the full-screen app.
#[derive(Parser)]
#[command(name = "device-login", version, max_term_width = 100, disable_help_subcommand = true)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// The profile to use [env: `DEVICE_LOGIN_PROFILE`]
    #[arg(short, long, value_name = "NAME", global = true)]
    profile: Option<ProfileName>,
    /// Where tokens are kept: `file:DIR`, `postgres://HOST/DB`, `plain:DIR` or `memory:` [env: `DEVICE_LOGIN_STORE`]
    #[arg(long, value_name = "ADDRESS", global = true)]
    store: Option<String>,
    /// The configuration file [env: `DEVICE_LOGIN_CONFIG`]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// A certificate authority to trust beside the system's, as PEM
    #[arg(long, value_name = "FILE", global = true)]
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

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    Login(login::Login),
    Token(token::Token),
    Status(status::Status),
    Refresh(refresh::Refresh),
    Whoami(whoami::Whoami),
    Logout(logout::Logout),
    Api(api::Api),
    Agent(agent::AgentCommand),
    Profile(profile::ProfileCommand),
    Scopes(scopes::Scopes),
    Store(store::StoreCommand),
    #[cfg(feature = "demo")]
    Demo(demo::DemoCommand),
}

impl Command {
    /// Whether the command writes the configuration where there is none.
    fn makes_config(&self) -> bool {
        match self {
            Command::Login(_) => true,
            Command::Profile(command) => command.is_add(),
            _ => false,
        }
    }
}

/// A profile named without `-p`.
#[derive(Args)]
struct Positional {
    /// The profile, if there are several
    #[arg(value_name = "PROFILE")]
    name: Option<ProfileName>,
}

/// Runs the program with these arguments, the program's own name first.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    keep_memory_private();
    let wants_json = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    match parse(arguments) {
        Ok((Arguments { global, command }, name)) => {
            let context = Context::new(global, command.as_ref().is_some_and(Command::makes_config), name);
            context.output.warn(&variables::misspelt(std::env::vars_os().map(|(name, _)| name)));
            let result = dispatch(command, &context);
            ExitCode::from(context.exit_code(result))
        }
        Err(error) => ExitCode::from(usage(&error, wants_json)),
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

/// Takes the arguments apart; the name of the command with them.
fn parse(arguments: Vec<OsString>) -> Result<(Arguments, Option<String>), clap::Error> {
    // Taking the definition apart again would cost `token` a twelfth of its work, and the process ends soon.
    let mut definition = ManuallyDrop::new(Arguments::command());
    let matches = definition.try_get_matches_from_mut(arguments)?;
    let name = matches.subcommand_name().map(str::to_owned);
    let arguments = Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut definition))?;
    Ok((arguments, name))
}

fn dispatch(command: Option<Command>, context: &Context) -> Result<u8, Error> {
    let done = |()| 0;
    match command {
        None => match full_screen::lack() {
            _ if full_screen::wants_lines() => overview::run(context),
            None => full_screen::run_app(context),
            Some(lack) => {
                context.output.usage(&Arguments::command().render_help());
                context.output.note(&format!("The screens need a terminal: {lack}."));
                Ok(Code::Usage.exit_code())
            }
        },
        Some(Command::Login(command)) => command.run(context),
        Some(Command::Token(command)) => command.run(context).map(done),
        Some(Command::Status(command)) => command.run(context),
        Some(Command::Refresh(command)) => command.run(context).map(done),
        Some(Command::Whoami(command)) => command.run(context).map(done),
        Some(Command::Logout(command)) => command.run(context).map(done),
        Some(Command::Api(command)) => command.run(context).map(done),
        Some(Command::Agent(command)) => command.run(context).map(done),
        Some(Command::Profile(command)) => command.run(context).map(done),
        Some(Command::Scopes(command)) => command.run(context).map(done),
        Some(Command::Store(command)) => command.run(context),
        #[cfg(feature = "demo")]
        Some(Command::Demo(command)) => command.run(context).map(done),
    }
}

/// Help and version go to stdout, everything else that clap has to say is a mistake of the caller.
fn usage(error: &clap::Error, wants_json: bool) -> u8 {
    let output = Output::new(ColorWhen::Auto, false, wants_json);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let shown = output.help(&error.render());
            shown.map_or_else(
                |error| {
                    output.error(&error);
                    error.code.exit_code()
                },
                |()| 0,
            )
        }
        _ if wants_json => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let error = Error::new(Code::Usage, first);
            output.error(&error);
            error.code.exit_code()
        }
        _ => {
            output.usage(&error.render());
            Code::Usage.exit_code()
        }
    }
}
