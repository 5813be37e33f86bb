//! `login --kiosk`: the sign-in on a screen that nobody attends, and the program that takes the screen over after it.

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal};
use std::process::Command;
use std::sync::Arc;

use super::super::context::{Context, variable};
use super::super::{full_screen, terminal};
use super::{Login, Mode, Qr, kept_line, reservations, signed_in_line, told_of_code, within};
use crate::child;
use crate::config::variables::{self, Reader};
use crate::config::{Config, Environment};
use crate::error::{Code, Error};
use crate::service::{SignedIn, UNATTENDED_RENEWALS};
use crate::supervisor::Supervisor;

/// Signs in on the whole screen, then runs the command, if there is one.
pub(super) fn sign_in(context: &Context, login: &Login) -> Result<u8, Error> {
    if let Some(lack) = terminal::lack_of_drawing() {
        return Err(Error::new(Code::Usage, "`--kiosk` needs a terminal")
            .because(lack)
            .advise("in a systemd unit, set `StandardInput=tty`, `StandardOutput=tty` and `TTYPath=`"));
    }
    let service = context.silent_service()?;
    let name = context.profile_name(&login.profile)?;
    let profile = service.config.profile(name.as_ref())?;
    login.warn_of_scopes(context, &service, profile);
    let (asked, profile) = (profile.clone(), profile.name.clone());
    let config = service.config.clone();
    let options = login.options(UNATTENDED_RENEWALS);
    let unbroken = context.interrupts.unbroken();
    variables::check(Reader::Services, &|name| std::env::var_os(name))?;
    let supervisor = Supervisor::from_environment(Environment(&variable)).map(Arc::new);
    let (advice, qr) = (login.after_timeout(&profile, None), login.qr.unwrap_or(Qr::Auto));
    let signing_in = full_screen::kiosk(context, service.clone(), profile.clone(), options, qr, supervisor.clone());
    let signed_in = context
        .interrupts
        .block_on(within(login.timeout, advice, unbroken, signing_in))
        .map_err(|error| match service.config.profile(Some(&profile)) {
            Ok(profile) => login.told_of_time(error, &service, profile, None),
            Err(_) => error,
        })
        .map_err(|error| {
            let fate = login.give_up_after(&error, context, &service, &asked, None);
            told_of_code(error, fate, context, &profile, Mode::FullScreen)
        })?;
    report(context, &signed_in, login.command.is_empty())?;
    if let Some(supervisor) = supervisor {
        supervisor.stop_watching();
    }
    forget_typed_keys();
    let code = login.command.split_first().map(|(program, arguments)| hand_over(context, &config, program, arguments));
    Ok(code.unwrap_or(0))
}

/// Says what came of it. Who signed in is for the log only: anybody may look at the screen.
fn report(context: &Context, signed_in: &SignedIn, is_end: bool) -> Result<(), Error> {
    if !io::stderr().is_terminal() {
        context.output.say(&signed_in_line(signed_in));
        for line in kept_line(signed_in).into_iter().chain(reservations(signed_in)) {
            context.output.say(&line);
        }
        context.output.warn(&signed_in.warnings);
        context.output.warn(&signed_in.left_out);
    }
    if is_end { context.output.text(&format!("Signed in, profile {}.", signed_in.profile)) } else { Ok(()) }
}

/// What somebody typed at the sign-in was for nobody, and is not to work the command.
#[cfg(unix)]
fn forget_typed_keys() {
    // Where that cannot be done, there is no terminal to type at.
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

#[cfg(not(unix))]
fn forget_typed_keys() {}

/// Lets the command take this process's place, and comes back only if it cannot.
fn hand_over(context: &Context, config: &Config, program: &OsString, arguments: &[OsString]) -> u8 {
    let mut command = child::command(program, config);
    // systemd watches this program, not the one that takes its place.
    command.args(arguments).env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
    match run(&mut command) {
        Ok(code) => code,
        Err(error) => {
            let message = format!("`{}` cannot be run", program.display());
            context.output.error(&Error::new(Code::Other, message).because(&error).advise("the sign-in is kept"));
            // As a shell does.
            if error.kind() == ErrorKind::NotFound { 127 } else { 126 }
        }
    }
}

#[cfg(unix)]
fn run(command: &mut Command) -> io::Result<u8> {
    use std::os::unix::process::CommandExt;

    Err(command.exec())
}

#[cfg(not(unix))]
fn run(command: &mut Command) -> io::Result<u8> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
