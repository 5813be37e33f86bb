//! `help`: the same as `--help` of the command that is named.

use clap::Args;

use super::context::Context;
use super::{commands, other_words};
use crate::error::{Advice, Code, Error};
use crate::secret::shown;

const EXAMPLES: &str = "\
Examples:
  device-login help token
  device-login help profile add";

/// Print the help of a command
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Help {
    /// The command, and the one below it; without any, the whole program
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl Help {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let mut definition = commands::definition();
        definition.build();
        context.output.help(&named(&definition, &self.command)?.clone().render_long_help())
    }
}

/// The command that these words name, in a definition that is built.
pub(super) fn named<'a>(definition: &'a clap::Command, words: &[String]) -> Result<&'a clap::Command, Error> {
    words.iter().try_fold(definition, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let above = command.get_bin_name().unwrap_or(command.get_name());
            let unknown = Error::new(Code::Usage, format!("`{above}` has no command `{}`", shown(word)));
            let known = command.get_subcommands().filter(|known| !known.is_hide_set()).map(clap::Command::get_name);
            let place = if std::ptr::eq(command, definition) { "" } else { command.get_name() };
            let other = other_words::meant(place, word, None).map(Advice::from);
            unknown.advise(other.or_else(|| Advice::near(word, known)).unwrap_or(Advice::Help))
        })
    })
}
