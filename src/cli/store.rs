//! `store`: what keeps the records, whether it is sound, another key for it, another store.

mod check;
mod copy;
mod info;
mod rekey;

use clap::{Args, Subcommand};

use super::context::Context;
use crate::error::{Code, Error};
use crate::storage::StoreKind;

/// Look after the place where tokens are kept
///
/// What it is, whether it is sound, another key for it, another place.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login store info
  device-login store check
  device-login store rekey --to credential")]
pub(super) struct StoreCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Info(info::Info),
    Init(Init),
    Check(check::Check),
    Rekey(rekey::Rekey),
    Copy(copy::Copy),
}

/// Make what the store needs: directory and key, or the tables of a database
///
/// The first sign-in does that by itself, where it may. For a database it is of use where an admin has to make the tables.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login store init
  device-login --store postgres://db.example.com/app store init --print \\
      --role app | psql")]
struct Init {
    /// Print SQL for an admin instead, who runs it with `psql`
    #[arg(long)]
    print: bool,
    /// Whom the SQL lets in: the role that device-login connects as
    #[arg(long, value_name = "ROLE", requires = "print")]
    role: Option<String>,
}

impl StoreCommand {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        match self.action {
            Action::Info(info) => info.run(context),
            Action::Init(init) => init.run(context).map(|()| 0),
            Action::Check(check) => check.run(context),
            Action::Rekey(rekey) => rekey.run(context).map(|()| 0),
            Action::Copy(copy) => copy.run(context),
        }
    }
}

impl Init {
    fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        if self.print {
            let script = service.store().script(self.role.as_deref()).ok_or_else(|| {
                Error::new(Code::Usage, "only a database has something to print")
                    .advise("name a database by `--store`")
                    .advise(format!(
                        "for files, {} for the directory and the key",
                        context.output.program.run("store init")
                    ))
            })?;
            return context.output.text(script.trim_end());
        }
        context.interrupts.block_on(service.init_store())?;
        let info = context.interrupts.block_on(service.store_info())?;
        let place =
            if info.kind == StoreKind::File { format!("The directory {}", info.place) } else { capital(&info.place) };
        context.output.text(&format!("{place} is ready to keep records."))
    }
}

/// The beginning of a sentence.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
