//! The table of commands, and how arguments become one of them.
//!
//! What a definition costs goes by its size, and `token` is run often: the plain forms of that need none, and the first one
//! that is made has the named command alone. What does not fit it is read again by the whole one, which alone says what is
//! wrong and prints help.

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::slice;

use clap::builder::StyledStr;
use clap::{ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches};

use super::context::Context;
use super::{Arguments, Global};
use super::{
    agent, api, complete, completions, config, doctor, exec, git_credential, help, login, logout, man, profile,
    refresh, scopes, status, store, token, version, whoami,
};
use crate::error::Error;

/// All commands, in the order of the help: what most people need first.
const COMMANDS: &[Command] = &[
    command!("login", login::Login, |_| true),
    command!("token", token::Token),
    command!("status", status::Status),
    command!("refresh", refresh::Refresh),
    command!("whoami", whoami::Whoami),
    command!("logout", logout::Logout),
    command!("api", api::Api),
    command!("exec", exec::Exec),
    command!("agent", agent::AgentCommand),
    command!("profile", profile::ProfileCommand, |subcommand| subcommand == Some("add")),
    command!("git-credential", git_credential::GitCredential),
    command!("config", config::ConfigCommand),
    command!("scopes", scopes::Scopes),
    command!("store", store::StoreCommand),
    command!("doctor", doctor::Doctor),
    #[cfg(feature = "demo")]
    command!("demo", super::demo::DemoCommand),
    command!("completions", completions::Completions),
    command!("man", man::Man),
    command!("help", help::Help),
    command!("version", version::Version),
    command!(complete::NAME, complete::Complete),
];

/// A command: its name, what may be said to it, and what it does.
struct Command {
    name: &'static str,
    /// Gives a definition its arguments and what the help says of it.
    define: fn(clap::Command) -> clap::Command,
    /// Takes the values of its arguments out.
    read: fn(&mut ArgMatches) -> Result<Action, clap::Error>,
    /// Whether it writes the configuration where there is none, by its subcommand.
    makes_config: fn(Option<&str>) -> bool,
}

/// What a command does with the arguments that were given; returns the exit code.
pub(super) type Action = Box<dyn FnOnce(&Context) -> Result<u8, Error>>;

/// A command whose arguments are a type with `run(self, &Context)`, which returns nothing or an exit code.
macro_rules! command {
    ($name:expr, $arguments:ty) => {
        command!($name, $arguments, |_| false)
    };
    ($name:expr, $arguments:ty, $makes_config:expr) => {
        Command {
            name: $name,
            define: <$arguments>::augment_args,
            read: |matches| {
                let arguments = <$arguments>::from_arg_matches_mut(matches)?;
                Ok(Box::new(|context| arguments.run(context).map(End::exit_code)))
            },
            makes_config: $makes_config,
        }
    };
}
use command;

/// What a command returns where it did not fail.
trait End {
    fn exit_code(self) -> u8;
}

impl End for () {
    fn exit_code(self) -> u8 {
        0
    }
}

impl End for u8 {
    fn exit_code(self) -> u8 {
        self
    }
}

/// What the arguments ask for.
pub(super) struct Asked {
    pub(super) global: Global,
    /// Without one it is the full screen.
    pub(super) command: Option<AskedCommand>,
}

pub(super) struct AskedCommand {
    pub(super) name: &'static str,
    /// Whether it writes the configuration where there is none.
    pub(super) makes_config: bool,
    pub(super) action: Action,
}

/// Takes the arguments apart, the program's own name first.
pub(super) fn parse(arguments: &[OsString]) -> Result<Asked, clap::Error> {
    if let Some(token) = plain_token(arguments) {
        let action: Action = Box::new(|context| token.run(context).map(End::exit_code));
        let command = Some(AskedCommand { name: "token", makes_config: false, action });
        return Ok(Asked { global: Global::default(), command });
    }
    match named(arguments).map(|command| read(slice::from_ref(command), arguments)) {
        Some(Ok(asked)) => Ok(asked),
        _ => read_by(definition(), COMMANDS, arguments),
    }
}

/// Tells whether the arguments, the program's own name first, run the agent.
pub(super) fn are_of_agent(arguments: &[OsString]) -> bool {
    let asked = parse(arguments).ok().and_then(|asked| asked.command);
    asked.is_some_and(|command| command.name == "agent")
}

/// The definition with all commands, as help, manual and completions tell it.
pub(super) fn definition() -> clap::Command {
    with_examples_first(with_flags_again(definition_of(COMMANDS)))
}

/// Lets each flag be given more than once, as `-vv`, which says no more than once. The definition of a command alone does without
/// this, since whatever does not fit it comes here.
fn with_flags_again(command: clap::Command) -> clap::Command {
    let again = |argument: clap::Arg| match argument.get_action() {
        ArgAction::SetTrue => {
            let id = argument.get_id().clone();
            argument.overrides_with(id)
        }
        _ => argument,
    };
    command.mut_args(again).mut_subcommands(with_flags_again)
}

/// Puts the examples behind the usage, before what can be looked up.
fn with_examples_first(command: clap::Command) -> clap::Command {
    const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}";
    let header = command.get_styles().get_header();
    let examples = command.get_after_long_help().map(|examples| {
        let title = "Examples:";
        examples.to_string().replacen(title, &format!("{header}{title}{header:#}"), 1)
    });
    let command = command.help_template(TEMPLATE).mut_subcommands(with_examples_first);
    match examples {
        Some(examples) => command.after_long_help(examples),
        None => command,
    }
}

/// `token` and `token NAME`, as scripts have it most: what any definition makes of that is known.
fn plain_token(arguments: &[OsString]) -> Option<token::Token> {
    let (command, name) = match arguments {
        [_, command] => (command, None),
        [_, command, name] => (command, Some(name.to_str()?.parse().ok()?)),
        _ => return None,
    };
    (command == "token").then(|| token::Token::plain(name))
}

/// The command that is probably meant: a value of an option may have the name of one, too. Then another one follows, which
/// a definition of this one alone refuses.
fn named(arguments: &[OsString]) -> Option<&'static Command> {
    arguments.iter().skip(1).find_map(|argument| COMMANDS.iter().find(|command| argument == command.name))
}

/// The name of the command that is probably meant.
pub(super) fn name_in(arguments: &[OsString]) -> Option<&'static str> {
    named(arguments).map(|command| command.name)
}

/// The command that is meant and the one below it, as `profile edit`.
pub(super) fn path_in(arguments: &[OsString]) -> String {
    let mut at = &definition();
    let mut path = Vec::new();
    for word in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(below) = at.find_subcommand(word) {
            path.push(below.get_name());
            at = below;
        }
    }
    path.join(" ")
}

/// How a command is used, by its path as `path_in` gives it.
pub(super) fn usage_of(path: &str) -> Option<StyledStr> {
    let mut definition = definition();
    definition.build();
    let below = path.split_whitespace().try_fold(&mut definition, |above, word| above.find_subcommand_mut(word));
    below.map(clap::Command::render_usage)
}

fn definition_of(commands: &[Command]) -> clap::Command {
    let defined = |command: &Command| (command.define)(clap::Command::new(command.name));
    Arguments::command().subcommands(commands.iter().map(defined))
}

fn read(commands: &'static [Command], arguments: &[OsString]) -> Result<Asked, clap::Error> {
    read_by(definition_of(commands), commands, arguments)
}

fn read_by(
    definition: clap::Command,
    commands: &'static [Command],
    arguments: &[OsString],
) -> Result<Asked, clap::Error> {
    // Taking the definition apart again would cost `token` a twelfth of its work, and the process ends soon.
    let mut definition = ManuallyDrop::new(definition);
    let mut matches = definition.try_get_matches_from_mut(arguments)?;
    asked(commands, &mut matches).map_err(|error| error.format(&mut definition))
}

fn asked(commands: &'static [Command], matches: &mut ArgMatches) -> Result<Asked, clap::Error> {
    let Arguments { global } = Arguments::from_arg_matches_mut(matches)?;
    let Some((name, mut matches)) = matches.remove_subcommand() else {
        return Ok(Asked { global, command: None });
    };
    let command = commands.iter().find(|command| command.name == name);
    let asked = command.map(|command| {
        let makes_config = (command.makes_config)(matches.subcommand_name());
        (command.read)(&mut matches).map(|action| AskedCommand { name: command.name, makes_config, action })
    });
    Ok(Asked { global, command: asked.transpose()? })
}

#[cfg(test)]
pub(super) mod tests;
