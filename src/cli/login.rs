//! `login`: the device sign-in, full screen, in lines of text, or as events for scripts; and the other ways to sign in.

mod code;
mod events;
mod import;
mod kiosk;
mod plain;
mod qr;
mod web;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::context::Context;
use super::profile::tell_of_added;
use super::{Positional, full_screen, prompt, terminal, words};
use crate::clock;
use crate::config::Profile;
use crate::error::{Advice, Code, Error, Way};
use crate::profile::ProfileName;
use crate::secret::reads_as_token;
use crate::service::{
    ATTENDED_RENEWALS, Begin, GivenUp, LOST_ANSWER, Pending, Presence, QrFile, Service, SignIn, SignedIn, Unbroken,
    Until,
};
use crate::words::minutes_and_seconds;

/// The exit code while a sign-in is pending.
const PENDING: u8 = 8;

/// How long `--web` without a terminal waits for a browser where nobody says.
const UNATTENDED_WEB: Duration = Duration::from_secs(600);

const EXAMPLES: &str = "\
Examples:
  device-login login work
  device-login login work --plain --qr=half --timeout 10m
  device-login login work --no-wait  # later: device-login login work --resume
  device-login login lobby --kiosk -- chromium --kiosk https://example.com";

/// Sign in by approving a code on another device
///
/// A client of another type signs in in its own way: a self client by `--grant-code`, a server-based, mobile or desktop one by
/// `--web`. A refresh token from elsewhere comes in by `--import`.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Login {
    #[command(flatten)]
    profile: Positional,
    #[command(flatten)]
    way: WayFlags,
    /// Import from a file with `ZOHO_CLIENT_ID`, `ZOHO_CLIENT_SECRET`, `ZOHO_REFRESH_TOKEN` and `ZOHO_API_DOMAIN`
    #[arg(long, value_name = "PATH", value_parser = words::file_to_read(), requires = "import")]
    #[arg(help_heading = "Other ways to sign in")]
    env_file: Option<PathBuf>,
    /// Lines of text that are never rewritten, instead of the full screen
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// Events as JSON lines on stdout
    #[arg(long)]
    json: bool,
    /// For a screen that nobody attends: code and QR code as large as they fit, a new code by itself, no keys needed
    #[arg(long, conflicts_with_all = ["plain", "json", "WayFlags"])]
    kiosk: bool,
    /// How to draw the QR code; `--plain` draws one only with this
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    qr: Option<Qr>,
    /// Also write the QR code of each new code to this file, which nobody else may read
    #[arg(long, value_name = "OUT.png|OUT.svg", value_parser = qr_file)]
    #[arg(conflicts_with_all = ["grant_code", "web", "import"])]
    qr_file: Option<QrFile>,
    /// Print the code and end with 8; `--resume` goes on, and so does the agent. With `--resume`: ask the server once
    #[arg(long, conflicts_with_all = ["kiosk", "timeout", "renew", "WayFlags"], help_heading = "Pending sign-ins")]
    no_wait: bool,
    /// Go on with the sign-in that is pending; 4 where there is none
    #[arg(long, conflicts_with_all = ["kiosk", "scopes", "WayFlags"], help_heading = "Pending sign-ins")]
    resume: bool,
    /// Ask for a new code although a sign-in is pending, which is given up
    #[arg(long, conflicts_with_all = ["kiosk", "resume", "WayFlags"], help_heading = "Pending sign-ins")]
    new_code: bool,
    /// Give up after this time; with `--resume`, wait no longer [default: 10m for `--web` without a terminal, else none]
    #[arg(long, value_name = "TIME", value_parser = words::parse_limit, allow_hyphen_values = true)]
    timeout: Option<Duration>,
    /// Ask for these scopes instead of the profile's, separated by commas
    #[arg(long, value_name = "A,B")]
    scopes: Option<words::Scopes>,
    /// The only account that may approve
    #[arg(long, value_name = "EMAIL-OR-ID", value_parser = words::parse_account)]
    expect_account: Option<String>,
    /// How many new codes may follow one that ran out [default: 6 full screen, 11 with `--kiosk`, else 0]
    #[arg(long, value_name = "N", value_parser = words::parse_count, allow_negative_numbers = true)]
    renew: Option<u32>,
    /// With `--kiosk`: what to run in its place once signed in; it gets no token, but can ask `device-login token`
    #[arg(last = true, requires = "kiosk", value_name = "COMMAND", value_hint = ValueHint::CommandName)]
    command: Vec<OsString>,
}

/// Instead of a device code.
#[derive(Args)]
#[group(multiple = false)]
struct WayFlags {
    /// Read a code made in the console for a self client, and exchange it
    #[arg(long, help_heading = "Other ways to sign in")]
    grant_code: bool,
    /// Open an address in a browser, and bring back where it ends
    #[arg(long, help_heading = "Other ways to sign in")]
    web: bool,
    /// Read a refresh token that exists already
    #[arg(long, help_heading = "Other ways to sign in")]
    import: bool,
}

impl WayFlags {
    fn is_given(&self) -> bool {
        self.grant_code || self.web || self.import
    }
}

/// How a QR code is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Qr {
    Auto,
    /// Two columns for each module, blanks only.
    Full,
    /// Half-blocks: a quarter of the area.
    Half,
    None,
}

/// How a sign-in speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    FullScreen,
    Plain,
    Events,
}

impl Login {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        if self.kiosk {
            return kiosk::sign_in(context, &self);
        }
        let mode = self.mode();
        if mode == Mode::Events {
            context.output.use_events();
        }
        if let Some(file) = &self.qr_file {
            file.check()?;
        }
        if self.way.import {
            return import::sign_in(context, &self, mode).map(|()| 0);
        }
        let service = match mode {
            Mode::FullScreen => context.silent_service()?,
            Mode::Plain | Mode::Events => context.service()?,
        };
        let name = context.profile_name(&self.profile)?;
        let can_ask = mode != Mode::Events && prompt::is_possible();
        self.check_name(&service, name.as_ref(), can_ask)?;
        if service.config.profiles.is_empty() && can_ask && mode == Mode::FullScreen {
            return full_screen::sign_in_anew(context, name);
        }
        let service = if service.config.profiles.is_empty() && can_ask {
            add_first_profile(context, service, name.as_ref())?
        } else {
            service
        };
        let profile = service.config.profile(name.as_ref())?.clone();
        self.warn_of_scopes(context, &service, &profile);
        self.sign_in(context, &service, &profile, mode)
    }

    /// Signs a profile in by its way, on the screens only where these have something to show.
    fn sign_in(&self, context: &Context, service: &Service, profile: &Profile, mode: Mode) -> Result<u8, Error> {
        let way = self.other_way(profile);
        let mode = if way.is_some() { mode.in_lines() } else { mode };
        let pending = service.pending(profile)?;
        // Without a pending code `--resume` only prints an error.
        let mode = if self.resume && pending.is_none() { mode.in_lines() } else { mode };
        let begin = self.begin(context, profile, pending.as_ref(), mode)?;
        let renewals = if mode == Mode::FullScreen { ATTENDED_RENEWALS } else { 0 };
        let options = SignIn { begin, until: self.until(), ..self.options(renewals) };
        let warnings = if mode == Mode::FullScreen { Vec::new() } else { service.sign_in_warnings(profile) };
        context.output.warn(&warnings);
        if way == Some(Way::GrantCode) {
            return code::sign_in(context, service, profile, options, mode).map(|()| 0);
        }
        // Whoever can paste nothing waits for a browser that may never come.
        let is_unattended = way == Some(Way::Web) && !prompt::is_possible();
        let (timeout, qr) = (self.timeout.or(is_unattended.then_some(UNATTENDED_WEB)), self.qr);
        let (unbroken, presence) = (context.interrupts.unbroken(), Presence::default());
        let ended = context.interrupts.block_on_telling(within(
            timeout,
            self.after_timeout(&profile.name, way),
            unbroken,
            while_read(context, mode, async {
                match mode {
                    _ if way == Some(Way::Web) => {
                        Box::pin(web::sign_in(context, service, profile, options, mode, &presence)).await.map(|()| 0)
                    }
                    Mode::FullScreen => {
                        let (service, name) = (service.clone(), profile.name.clone());
                        full_screen::sign_in(context, service, name, options, qr.unwrap_or(Qr::Auto)).await
                    }
                    Mode::Plain => {
                        let qr = qr.unwrap_or(Qr::None);
                        let scopes = pending.filter(|_| begin != Begin::Anew).map(|pending| pending.code.scopes);
                        Box::pin(plain::sign_in(context, service, profile, (options, scopes), qr, &presence, None))
                            .await
                    }
                    Mode::Events => Box::pin(events::sign_in(context, service, profile, options, &presence)).await,
                }
            }),
        ));
        ended.map_err(|error| {
            let shown = (mode != Mode::FullScreen).then_some(&presence);
            let error = self.told_of_time(error, service, profile, shown);
            let fate = self.give_up_after(&error, context, service, profile, shown);
            told_of_code(error, fate, context, &profile.name, mode)
        })
    }

    /// Refuses a name that nothing has, where a code or token is to come and may have been given in its place. Questions that
    /// `can_ask` for a first profile take the name, unless it reads as a token.
    fn check_name(&self, service: &Service, name: Option<&ProfileName>, can_ask: bool) -> Result<(), Error> {
        let brings_own = self.way.grant_code || self.way.import && self.env_file.is_none();
        let asks = can_ask && service.config.profiles.is_empty();
        match name {
            Some(name) if asks && !reads_as_token(name.as_str()) => Ok(()),
            Some(name) if brings_own && !service.config.profiles.contains_key(name) => {
                Err(service.config.unknown_profile_or_token(name))
            }
            _ => Ok(()),
        }
    }

    /// Gives the code up where this end is one that a person wants for it as well. Who loses the terminal or the machine can go on.
    /// The screens report no code, so whichever the profile has is given up.
    fn give_up_after(
        &self,
        error: &Error,
        context: &Context,
        service: &Service,
        profile: &Profile,
        shown: Option<&Presence>,
    ) -> Option<Fate> {
        let is_wanted = match error.code {
            Code::Timeout => true,
            Code::Interrupted => context.interrupts.is_by_hand(),
            _ => false,
        };
        // Who only goes on with a code that another command asked for stops waiting for it.
        if self.resume || !is_wanted {
            let is_cut_short = error.code == Code::Interrupted && context.interrupts.signal().is_some();
            let waits = || context.interrupts.block_on(async { Ok(service.is_pending(profile).await) });
            return (is_cut_short && waits().unwrap_or_default()).then_some(Fate::Waits);
        }
        let which = match shown.cloned() {
            None => GivenUp::Any,
            // It may have told only of one that was there before.
            Some(presence) if self.no_wait => GivenUp::New(presence),
            Some(presence) => GivenUp::Shown(presence),
        };
        let looking = async { Ok(service.has_lost_answer(profile).await) };
        let looked = || context.interrupts.block_on(looking).unwrap_or_default();
        let has_lost_answer = shown.map_or_else(looked, Presence::has_lost_answer);
        // Where it cannot be forgotten, its end is near all the same.
        let is_given_up = context.interrupts.block_on(service.give_up(&profile.name, which)).unwrap_or_default();
        if shown.map_or_else(|| service.is_asked_for_elsewhere(&profile.name).unwrap_or_default(), Presence::follows) {
            context.output.say("The code is left to the process that asks the server: the sign-in goes on there.");
        }
        is_given_up.then_some(Fate::GivenUp { has_lost_answer })
    }

    /// The same error, unless the time was up before there was anything to approve. The screens report no code, but keep it.
    fn told_of_time(&self, error: Error, service: &Service, profile: &Profile, shown: Option<&Presence>) -> Error {
        let had_code = || shown.map_or_else(|| service.has_had_code(profile), Presence::can_approve);
        match self.timeout {
            Some(timeout) if error.code == Code::Timeout && !had_code() => without_code(timeout),
            _ => error,
        }
    }

    /// What to do once the time is up: the code stays where another command asked for it.
    fn after_timeout(&self, profile: &ProfileName, way: Option<Way>) -> Advice {
        match way {
            _ if self.resume => Advice::SignInBy(profile.clone(), Way::Resume).and(" to go on with it"),
            Some(Way::Web) => "run it again for a new address".into(),
            _ => "run it again for a new code".into(),
        }
    }

    fn until(&self) -> Until {
        match (self.no_wait, self.resume) {
            (false, _) => Until::End,
            (true, true) => Until::OneAnswer,
            (true, false) => Until::Code,
        }
    }

    /// What becomes of a sign-in that is pending: as the flags say, else as a person does, else it goes on.
    fn begin(
        &self,
        context: &Context,
        profile: &Profile,
        pending: Option<&Pending>,
        mode: Mode,
    ) -> Result<Begin, Error> {
        if self.resume || self.new_code {
            return Ok(if self.resume { Begin::Resume } else { Begin::Anew });
        }
        let Some(pending) = pending.filter(|_| self.other_way(profile).is_none()) else {
            return Ok(Begin::GoOn);
        };
        let (wanted, expected) =
            (self.scopes.as_ref().map_or(&profile.scopes, |scopes| &scopes.0), &self.expect_account);
        let is_same = pending.asks_for(wanted, expected.as_deref());
        // Nobody hears what the server says of it, so it is told to nobody as one that waits.
        if let Some(lost) = pending.lost_approval.filter(|_| self.no_wait && is_same) {
            context.output.warn(&[format!("Profile `{}` {lost}.", profile.name)]);
            return Ok(Begin::Anew);
        }
        // The screen shows it, and has a key for a new code.
        let is_shown = mode == Mode::FullScreen && is_same;
        let can_ask = mode != Mode::Events && !self.no_wait && prompt::is_possible();
        if can_ask && !is_shown {
            let left = minutes_and_seconds(pending.code.expires_at - clock::now());
            let for_what = if is_same { String::new() } else { format!(", for {}", pending.for_what()) };
            context.output.say(&format!(
                "A sign-in of profile {} is pending: code {}, {left} left{for_what}.",
                profile.name, pending.code.user_code
            ));
            let goes_on = prompt::yes_or_no(context, "Go on with it? No asks for a new code", true)?;
            return Ok(match (goes_on, is_same) {
                (false, _) => Begin::Anew,
                // It may be used up, and then another one will do.
                (true, true) => Begin::GoOn,
                (true, false) => Begin::Resume,
            });
        }
        if is_same {
            return Ok(Begin::GoOn);
        }
        let message = format!("another sign-in of profile `{}` is pending", profile.name);
        Err(Error::new(Code::Usage, message)
            .because(pending.difference_from(wanted))
            .advise(Advice::SignInBy(profile.name.clone(), Way::Resume).and(" to go on with it"))
            .advise(
                Advice::SignInBy(profile.name.clone(), Way::NewCode)
                    .after("or ")
                    .and(" with what you want, which gives it up"),
            ))
    }

    /// How else than by a device code: as the flag says, or as the client is registered where no flag says anything.
    fn other_way(&self, profile: &Profile) -> Option<Way> {
        match &self.way {
            WayFlags { grant_code: true, .. } => Some(Way::GrantCode),
            WayFlags { web: true, .. } => Some(Way::Web),
            _ if self.is_of_code() => None,
            _ => profile.client_type.way(),
        }
    }

    /// Whether a flag says what only a device code has.
    fn is_of_code(&self) -> bool {
        self.no_wait || self.resume || self.new_code
    }

    fn mode(&self) -> Mode {
        if self.json {
            Mode::Events
        } else if self.plain
            || self.no_wait
            || self.way.is_given()
            || terminal::is_accessible()
            || terminal::lack().is_some()
        {
            Mode::Plain
        } else {
            Mode::FullScreen
        }
    }

    /// Says what is probably wrong with scopes that a flag names, as for those of a profile that is added.
    fn warn_of_scopes(&self, context: &Context, service: &Service, profile: &Profile) {
        if let Some(words::Scopes(scopes)) = &self.scopes {
            context.output.warn(&service.advice_on_scopes(profile, scopes));
        }
    }

    /// The `renewals` are those that no flag says.
    fn options(&self, renewals: u32) -> SignIn {
        SignIn {
            scopes: self.scopes.clone().map(|scopes| scopes.0),
            renewals: self.renew.unwrap_or(renewals),
            expect_account: self.expect_account.clone(),
            qr_file: self.qr_file.clone(),
            ..SignIn::default()
        }
    }
}

fn qr_file(path: &str) -> Result<QrFile, &'static str> {
    QrFile::at(Path::new(path)).ok_or("it has to end in .png or .svg, such as `code.png`")
}

impl Mode {
    /// What has no screen is said in lines.
    fn in_lines(self) -> Self {
        if self == Mode::FullScreen { Mode::Plain } else { self }
    }
}

/// What became of the code of a sign-in that was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// After a lost answer the tokens may have come all the same.
    GivenUp {
        has_lost_answer: bool,
    },
    Waits,
}

/// The same error with what became of the code, which is told in lines as well: an interrupt has no other words there.
fn told_of_code(error: Error, fate: Option<Fate>, context: &Context, profile: &ProfileName, mode: Mode) -> Error {
    let error = match fate {
        Some(Fate::GivenUp { has_lost_answer: true }) => error.adding(LOST_ANSWER),
        _ => error,
    };
    let Some(fate) = fate.filter(|_| error.code == Code::Interrupted) else { return error };
    let advice = match fate {
        Fate::GivenUp { has_lost_answer: false } => {
            Advice::SignIn(profile.clone()).and(" for a new one").after("the code is worth nothing now: ")
        }
        Fate::GivenUp { has_lost_answer: true } => Advice::SignIn(profile.clone()).and(" for a new one"),
        Fate::Waits => {
            Advice::SignInBy(profile.clone(), Way::Resume).and(" to go on with it").after("the code still waits: ")
        }
    };
    if mode != Mode::Events {
        context.output.note(&match fate {
            Fate::GivenUp { has_lost_answer } => full_screen::cancelled(has_lost_answer),
            Fate::Waits => context.output.program.said(&advice),
        });
    }
    error.advise_only(advice)
}

/// Signs in by a device code, told in lines.
#[cfg(feature = "demo")]
pub(super) async fn in_lines(
    context: &Context,
    service: &Service,
    profile: &Profile,
    decide: &plain::Decide,
) -> Result<(), Error> {
    let (options, nobody) = ((SignIn::default(), None), Presence::default());
    plain::sign_in(context, service, profile, options, Qr::None, &nobody, Some(decide)).await.map(drop)
}

/// Tells the end of a sign-in. Tokens that are kept are no failure, whoever hears of it: by one that ends with an error, scripts
/// would have a person approve again.
fn tell_signed_in(context: &Context, signed_in: &SignedIn, mode: Mode) {
    if mode != Mode::Events {
        return tell_in_lines(context, signed_in);
    }
    if let Err(error) = events::tell_signed_in(context, signed_in) {
        warn_of_untold(context, signed_in, &error);
    }
}

/// Says in lines how a sign-in ended, and what it is less than whole in.
pub(super) fn tell_in_lines(context: &Context, signed_in: &SignedIn) {
    if let Err(error) = context.output.text(&signed_in_line(signed_in)) {
        warn_of_untold(context, signed_in, &error);
    }
    for line in kept_line(signed_in).into_iter().chain(reservations(signed_in)) {
        context.output.note(&line);
    }
}

fn warn_of_untold(context: &Context, signed_in: &SignedIn, error: &Error) {
    context.output.warn(&[format!("profile `{}` is signed in, but {error}", signed_in.profile)]);
}

/// How the end of a sign-in reads.
fn signed_in_line(signed_in: &SignedIn) -> String {
    let account = signed_in.account.as_ref().map_or_else(String::new, |account| format!(" as {}", account.label()));
    let data_center = signed_in.data_center.as_ref();
    let place = data_center.map_or_else(String::new, |code| format!(", data center {}", words::data_center(code)));
    format!("Signed in{account}{place}, profile {}.", signed_in.profile)
}

/// What guards the tokens where they are kept.
fn kept_line(signed_in: &SignedIn) -> Option<String> {
    signed_in.protection.as_ref().map(|protection| format!("Tokens: {protection}."))
}

/// What a person should know of a sign-in that worked less than wholly.
fn reservations(signed_in: &SignedIn) -> Vec<String> {
    let mut lines = Vec::new();
    if !signed_in.missing_scopes.is_empty() {
        lines.push(format!("Not granted: {}.", signed_in.missing_scopes.join(", ")));
    }
    if !signed_in.refreshable {
        let ends = match signed_in.access_token_expires_at {
            Some(end) => format!("ends at {}", words::hour_and_minute(end)),
            None => "lasts until the provider ends it, and it names no end".to_owned(),
        };
        lines.push(format!("The provider gave no refresh token: this sign-in {ends}."));
    }
    lines.extend(signed_in.left_out.iter().map(|left_out| format!("warning: {left_out}")));
    lines.extend(signed_in.replaced.clone());
    lines
}

/// Ends a sign-in whose events nobody can read any more. Its code stays pending, and `--resume` goes on with it.
async fn while_read<T>(
    context: &Context,
    mode: Mode,
    signing_in: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    if mode != Mode::Events {
        return signing_in.await;
    }
    tokio::select! {
        biased;
        result = signing_in => result,
        () = context.output.reader_gone() => Err(Error::new(Code::Other, "nobody reads the events of the sign-in any more")),
    }
}

/// Ends a sign-in after `timeout`. A poll that is under way then may still bring the approval.
async fn within<T>(
    timeout: Option<Duration>,
    advice: Advice,
    unbroken: &Unbroken,
    signing_in: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(timeout) = timeout else { return signing_in.await };
    let mut signing_in = std::pin::pin!(signing_in);
    let end = clock::now() + timeout;
    tokio::select! {
        biased;
        result = signing_in.as_mut() => return result,
        () = clock::sleep_until(end) => {}
    }
    unbroken.finish(signing_in).await.unwrap_or_else(|| {
        let message = format!("no approval came within {}", words::duration(timeout));
        Err(Error::new(Code::Timeout, message).because("no more time was given (`--timeout`)").advise(advice))
    })
}

/// The time was up before there was anything to approve.
fn without_code(timeout: Duration) -> Error {
    Error::new(Code::Timeout, format!("nothing to approve came within {}", words::duration(timeout)))
        .because("the provider had not answered yet when `--timeout` ended the sign-in")
        .advise("check the network and try again, with more time if the provider is slow")
}

fn add_first_profile(context: &Context, service: Service, name: Option<&ProfileName>) -> Result<Service, Error> {
    context.output.say("There is no profile yet. A few questions make one; Ctrl-C ends them.");
    let (profile, secret) = prompt::new_profile(context, &service.config, name)?;
    let config = context.interrupts.block_on(service.add_profile(&profile, secret))?;
    tell_of_added(context, &profile.name, &config);
    Ok(service.with_config(config))
}

/// Asks whether an approved grant that could not be saved shall be saved again.
async fn ask_to_save_again(context: &Context, error: Error, mut lines: plain::Lines) -> bool {
    // Who has ended the command waits for no question.
    if !std::io::stdin().is_terminal() || context.interrupts.signal().is_some() {
        return false;
    }
    lines.forget();
    context.output.error(&error);
    context.output.say("Approved, but not saved. Press Enter to try again, or Ctrl-C to give the grant back.");
    let answer = context.interrupts.hold(async {
        tokio::select! {
            line = lines.next() => line.is_some(),
            () = context.interrupts.asked_to_stop() => false,
        }
    });
    answer.await
}

/// The scopes that will be asked for.
fn wanted_scopes<'a>(profile: &'a Profile, options: &'a SignIn) -> &'a [String] {
    options.scopes.as_deref().unwrap_or(&profile.scopes)
}
