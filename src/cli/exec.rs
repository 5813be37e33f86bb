//! `exec`: runs a program with a token in its environment, and keeps one fresh in a private file until the program ends.
//!
//! The program belongs to the same job as this process, so a terminal treats both alike: its signals reach the program
//! once, and what has the terminal keeps it. Signals that somebody sends to this process are passed on (`attendant`), and its
//! end is that of the program. Meanwhile neither configuration nor record nor token stays here; they are read when the next
//! token is due (`keeper`).

#[cfg(unix)]
mod attendant;
#[cfg(not(unix))]
mod elsewhere;
mod keeper;
mod place;

#[cfg(unix)]
use std::ffi::OsStr;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use clap::{Args, ValueHint};

#[cfg(unix)]
use self::attendant::Attendant;
#[cfg(not(unix))]
use self::elsewhere::Attendant;
use self::keeper::Keeper;
use self::place::Place;
use super::context::Context;
use super::limits::{met_limit, refused};
use super::{token, words};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::providers::Dialect;
use crate::service::{FreshToken, Freshness, Keeping, Service};
use crate::{child, clock};

/// What shells end with where a command is not found, and where it cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

const EXAMPLES: &str = "\
Examples:
  device-login exec -- ./import.sh
  device-login exec -p work -- python3 report.py --month 11
  device-login exec sh -c 'echo $DEVICE_LOGIN_API_DOMAIN'";

/// Run a command with a valid access token, kept fresh in a file until it ends
///
/// The command gets `DEVICE_LOGIN_ACCESS_TOKEN` and `DEVICE_LOGIN_API_DOMAIN`, for Zoho also `ZOHO_ACCESS_TOKEN` and
/// `ZOHO_API_DOMAIN`. These stay as they are while it runs; `DEVICE_LOGIN_TOKEN_FILE` names a private file with the token
/// alone, which is replaced before the token ends. Where this is killed (SIGKILL), the command goes on with a file that nobody keeps
/// fresh, which the next `exec` removes. Never starts a sign-in: without a grant it ends with 4. Otherwise it ends
/// as the command does: with its exit code, 128 and the signal's number, 126 or 127.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Exec {
    /// How long the token must last at least when the command starts [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = words::parse_duration, allow_hyphen_values = true)]
    min_ttl: Option<Duration>,
    /// The command and its arguments
    #[arg(value_name = "CMD", trailing_var_arg = true, required = true, value_hint = ValueHint::CommandWithArguments)]
    command: Vec<OsString>,
}

/// All that is needed to run the command, while nothing of the configuration is.
struct Prepared {
    profile: ProfileName,
    keeping: Keeping,
    place: Place,
    command: Command,
}

impl Exec {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        let services = context.passing_services();
        let name = context.flagged_profile()?;
        let Prepared { profile, keeping, place, command } =
            self.prepare(&services(name.as_ref())?, name.as_ref(), context)?;
        let attendant = Attendant::begin().map_err(|error| refused("signals cannot be received", &error))?;
        let mut child = match start(command, &self.command) {
            Ok(child) => child,
            Err(error) => return Ok(self.not_run(&error, context)),
        };
        let (unbroken, program) = (context.interrupts.unbroken().clone(), context.output.program.clone());
        let keeper = Keeper::begin(profile, keeping, place, services, unbroken, program);
        let ended = attendant.attend(&mut child, || keeper.rest(context), || keeper.alone());
        keeper.end(context);
        match ended {
            Ok(ended) => Ok(ended.code()),
            Err(error) => Err(refused("how the command ended is not known", &error)),
        }
    }

    fn prepare(&self, service: &Service, name: Option<&ProfileName>, context: &Context) -> Result<Prepared, Error> {
        let profile = service.config.profile(name)?;
        let freshness = self.min_ttl.map_or(Freshness::Default, Freshness::AtLeast);
        let (token, keeping) = match service.stored_token_to_keep(profile, freshness, clock::wall())? {
            Some(kept) => kept,
            None => context.interrupts.block_on(service.token_to_keep(profile, freshness))?,
        };
        context.output.warn(token.warning.as_slice());
        context.output.warn(&service.store().found_damaged());
        let place = Place::with(&token.access_token)?;
        let mut command = child::command_with_token(&self.command[0], &service.config);
        hand_over(&mut command, &token, &place, service.config.provider(profile)?.dialect());
        Ok(Prepared { profile: profile.name.clone(), keeping, place, command })
    }

    fn not_run(&self, error: &io::Error, context: &Context) -> u8 {
        let program = self.command[0].to_string_lossy();
        let failed = Error::new(Code::Other, format!("`{program}` cannot be run"));
        if error.kind() == ErrorKind::NotFound {
            let why = if program.contains('/') {
                "there is no such program, or not what it is written for"
            } else {
                "it is in no directory of `PATH`"
            };
            let failed = failed.because(why);
            context.output.error(&match profile_called(&program, context) {
                Some(name) => {
                    let exec = context.output.program.run(&format!("exec -p {name} -- COMMAND"));
                    failed.adding("it is the name of a profile").advise(exec + " to run one with its token")
                }
                None => failed.advise("check how it is written"),
            });
            return NOT_FOUND;
        }
        let helps = met_limit(error).unwrap_or_else(|| "name a program that this user may run".to_owned());
        context.output.error(&failed.because(error).advise(helps));
        NOT_RUNNABLE
    }
}

/// The profile that somebody named without `-p`.
fn profile_called(program: &str, context: &Context) -> Option<ProfileName> {
    let name = program.parse().ok()?;
    context.service().ok()?.config.profiles.contains_key(&name).then_some(name)
}

fn hand_over(command: &mut Command, token: &FreshToken, place: &Place, dialect: &Dialect) {
    for (name, value) in token::variables(token, dialect) {
        command.env(name, value.expose());
    }
    command.env("DEVICE_LOGIN_TOKEN_FILE", place.file());
}

/// Starts the command, one that names no interpreter by the shell.
fn start(mut command: Command, words: &[OsString]) -> io::Result<Child> {
    command.args(&words[1..]);
    let started = command.spawn();
    #[cfg(unix)]
    if started.as_ref().is_err_and(|error| error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error())) {
        let mut shell = Command::new("/bin/sh");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        return shell.arg(script(&words[0])).args(&words[1..]).spawn();
    }
    started
}

/// The file that was found by a name: a shell would first look for it in the working directory, and take one that begins
/// with `-` for options.
#[cfg(unix)]
fn script(name: &OsStr) -> PathBuf {
    use rustix::fs::{Access, access};

    let here = Path::new(".");
    if name.as_encoded_bytes().contains(&b'/') {
        return if name.as_encoded_bytes().starts_with(b"-") { here.join(name) } else { name.into() };
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&path)
        // An empty one is the working directory.
        .map(
            |directory| if directory.starts_with("/") { directory.join(name) } else { here.join(directory).join(name) },
        )
        .find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
        .unwrap_or_else(|| here.join(name))
}
