//! The one bridge from the command line to the screens: opens them, and says how they ended.

use std::sync::Arc;

use super::context::{Context, variable};
use super::login::Qr;
use super::terminal::abilities;
use crate::abilities::{ColorChoice, Glyphs};
use crate::config::{Config, Environment};
use crate::error::{Code, Error};
use crate::http::client::Observer;
use crate::profile::ProfileName;
use crate::service::{LOST_ANSWER, Machine, Service, SignIn, SignedIn};
use crate::supervisor::Supervisor;
use crate::tui::clipboard::Clipboard;
use crate::tui::keymap::Keymap;
use crate::tui::panel::FormFor;
use crate::tui::surroundings::CommandLine;
use crate::tui::theme;
use crate::tui::widgets::qr::QrChoice;
use crate::tui::{self, Ended, Options, Start};

/// What keeps the keys of a configuration from being used: each by the keys of the configuration that lead there, and a sentence.
pub(super) fn odd_keys(config: &Config) -> Vec<(Vec<String>, String)> {
    let odd = Keymap::configured(&config.screen.keys).err().unwrap_or_default();
    odd.into_iter().map(|odd| (odd.path, odd.problem)).collect()
}

/// Opens the app on its profiles, with the cursor on the one that is named; again after what it was left for.
pub(super) fn run_app(context: &Context) -> Result<u8, Error> {
    let service = context.silent_service_later();
    let start = Start::Profiles(context.flagged_profile()?);
    match context.interrupts.block_on(open(context, service, options(context, start)))? {
        #[cfg(feature = "demo")]
        Ended::Demo => super::demo::run_here(context).and_then(|()| run_app(context)),
        ended => told(context, ended),
    }
}

/// Opens the app on the form for a new profile.
pub(super) fn add_profile(context: &Context, name: Option<ProfileName>) -> Result<u8, Error> {
    form(context, FormFor::Add(name))
}

/// The same as the first step of a sign-in.
pub(super) fn sign_in_anew(context: &Context, name: Option<ProfileName>) -> Result<u8, Error> {
    form(context, FormFor::SignIn(name))
}

/// Opens the app on the form of a profile.
pub(super) fn edit_profile(context: &Context, name: ProfileName) -> Result<u8, Error> {
    form(context, FormFor::Edit(name))
}

fn form(context: &Context, purpose: FormFor) -> Result<u8, Error> {
    let service = context.silent_service_later();
    context.interrupts.block_on(show(context, service, options(context, Start::Form(purpose))))
}

/// Opens the app on the sign-in of one profile.
pub(super) async fn sign_in(
    context: &Context,
    service: Service,
    profile: ProfileName,
    sign_in: SignIn,
    qr: Qr,
) -> Result<u8, Error> {
    let start = Start::SignIn { profile, options: sign_in };
    show(context, |observer| Ok(service.observed_by(observer)), Options { qr: choice(qr), ..options(context, start) })
        .await
}

/// Signs one profile in on a screen that nobody attends, and says nothing of it.
pub(super) async fn kiosk(
    context: &Context,
    service: Service,
    profile: ProfileName,
    sign_in: SignIn,
    qr: Qr,
    supervisor: Option<Arc<Supervisor>>,
) -> Result<SignedIn, Error> {
    let options =
        Options { qr: choice(qr), supervisor, ..options(context, Start::Kiosk { profile, options: sign_in }) };
    match open(context, |observer| Ok(service.observed_by(observer)), options).await? {
        Ended::SignedIn(signed_in) => Ok(signed_in),
        Ended::Failed(error) => Err(error),
        Ended::HungUp => Err(context.interrupts.hung_up()),
        Ended::Quit | Ended::Demo | Ended::Cancelled { .. } | Ended::Interrupted => {
            Err(Error::new(Code::Interrupted, "interrupted"))
        }
    }
}

/// How a person wants QR codes, in the screens' terms.
fn choice(qr: Qr) -> QrChoice {
    match qr {
        Qr::Auto => QrChoice::Auto,
        Qr::Full => QrChoice::Full,
        Qr::Half => QrChoice::Half,
        Qr::None => QrChoice::None,
    }
}

/// What the screens have to know of the terminal and the machine.
pub(super) fn options(context: &Context, start: Start) -> Options {
    let machine = Machine::here(Environment(&variable));
    let browser = browser(&machine);
    let [tmux, sty, term] = ["TMUX", "STY", "TERM"].map(variable);
    let clipboard = Clipboard::behind(tmux.as_deref(), sty.as_deref(), term.as_deref());
    let program = context.output.program.clone();
    let theme = theme::for_background(variable("COLORFGBG").as_deref());
    Options {
        start,
        abilities: abilities(context.color()),
        theme,
        qr: QrChoice::default(),
        machine,
        clipboard,
        browser,
        command_line: CommandLine::wording(move |advice| program.said(advice)),
        demo: None,
        supervisor: None,
    }
}

/// Shows the screens until they end, and says on the plain terminal what came of them.
pub(super) async fn show(
    context: &Context,
    load: impl FnOnce(Observer) -> Result<Service, Error> + Send + 'static,
    options: Options,
) -> Result<u8, Error> {
    told(context, open(context, load, options).await?)
}

async fn open(
    context: &Context,
    load: impl FnOnce(Observer) -> Result<Service, Error> + Send + 'static,
    options: Options,
) -> Result<Ended, Error> {
    // The first signal ends the screens instead of cutting them short, so that the terminal is left in order.
    let stop = context.interrupts.asked_to_stop();
    // Whoever holds a future by value takes its room twice.
    context.interrupts.hold(Box::pin(tui::run(load, options, stop))).await
}

/// What is said of a code that a person gave up.
pub(super) fn cancelled(has_lost_answer: bool) -> String {
    format!("cancelled; {}", if has_lost_answer { LOST_ANSWER } else { "the code is worth nothing now" })
}

/// Says on the plain terminal how the screens ended.
fn told(context: &Context, ended: Ended) -> Result<u8, Error> {
    match ended {
        Ended::Quit | Ended::Demo => Ok(0),
        Ended::SignedIn(signed_in) => {
            super::login::tell_in_lines(context, &signed_in);
            context.output.warn(&signed_in.warnings);
            Ok(0)
        }
        Ended::Failed(error) => Err(error),
        Ended::Cancelled { has_lost_answer } => {
            context.output.note(&cancelled(has_lost_answer));
            Err(Error::new(Code::Interrupted, "cancelled"))
        }
        Ended::HungUp => Err(context.interrupts.hung_up()),
        Ended::Interrupted => Err(Error::new(Code::Interrupted, "interrupted")),
    }
}

/// The program that opens a link: `BROWSER`, else the desktop's. Whoever came over SSH looks at another machine's screen
/// than the one on which the desktop's would open.
fn browser(machine: &Machine) -> Option<String> {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let named = variable("BROWSER").filter(|named| is_program(named));
    let desktops = if cfg!(target_os = "macos") {
        Some("open")
    } else if cfg!(unix) && (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) {
        Some("xdg-open")
    } else {
        // What opens links on Windows is the shell's.
        None
    };
    named.or(desktops.filter(|_| machine.over_ssh_from.is_none()).map(str::to_owned))
}

/// Tells a plain name or path from a command line or a list, which would need a shell.
fn is_program(named: &str) -> bool {
    let is_list = cfg!(unix) && named.contains(':');
    !named.is_empty() && !is_list && !named.contains(|character: char| character.is_whitespace() || character == '%')
}

/// What is told of the terminal.
pub(super) struct Terminal {
    pub(super) has_color: bool,
    pub(super) is_utf8: bool,
    /// What stands between it and this program.
    pub(super) multiplexer: Option<&'static str>,
}

/// The terminal, as the screens take it to be.
pub(super) fn terminal(context: &Context) -> Terminal {
    let Options { abilities, clipboard, .. } = options(context, Start::Profiles(None));
    let multiplexer = match clipboard {
        Clipboard::Terminal => None,
        Clipboard::Tmux => Some("tmux"),
        Clipboard::Screen => Some("GNU screen"),
    };
    Terminal {
        has_color: abilities.color == ColorChoice::Always,
        is_utf8: abilities.glyphs != Glyphs::Ascii,
        multiplexer,
    }
}

#[cfg(test)]
mod tests {
    use super::is_program;

    #[test]
    fn only_a_plain_name_or_path_is_run_as_the_browser() {
        assert!(["firefox", "/usr/bin/w3m", "./my-browser"].into_iter().all(is_program));
        assert!(!["", "firefox %s", "w3m -o x", "open%s"].into_iter().any(is_program));
        assert_eq!(is_program("firefox:w3m"), !cfg!(unix));
    }
}
