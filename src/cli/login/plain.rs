//! The sign-in in lines of text: for terminals that cannot be drawn on, for screen readers, for logs.
//!
//! One line for each event, nothing rewritten. Everything but the result goes to stderr.

use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::super::context::{Context, variable};
use super::super::words;
use super::super::{keyboard, terminal};
use super::qr::{self, Form};
use super::{Mode, PENDING, Qr, ask_to_save_again, tell_signed_in, wanted_scopes};
use crate::clock::{self, Moment};
use crate::config::{Environment, Profile};
use crate::error::{Advice, Error, Way};
use crate::providers::catalog;
use crate::qr::QrMatrix;
use crate::service::{Begin, IssuedCode, Machine, Presence, Service, SignIn, SignInEvent, Until};
use crate::words::{minutes_and_seconds, ordinal};

/// A code that is younger is not replaced: Enter was probably pressed twice.
const YOUNG: Duration = Duration::from_secs(10);

/// The lines that a person types. Each clone waits for itself.
#[derive(Clone)]
pub(super) struct Lines(Option<watch::Receiver<String>>);

/// Answers for the code as a person would on another device; tells whether the server knows the code still.
pub(super) type Decide = dyn Fn(&str, bool) -> bool + Send + Sync;

impl Lines {
    fn from_terminal() -> Self {
        if !std::io::stdin().is_terminal() {
            return Self(None);
        }
        let (sender, receiver) = watch::channel(String::new());
        // Reading cannot be interrupted, so the thread stays until the process ends.
        let reading = std::thread::Builder::new().spawn(move || {
            let mut stdin = std::io::stdin().lock();
            loop {
                keyboard::wait_for_turn();
                let mut line = String::new();
                if !stdin.read_line(&mut line).is_ok_and(|read| read > 0) {
                    return;
                }
                sender.send_replace(line);
            }
        });
        // Where there are no more threads to be had, nobody is heard.
        Self(reading.is_ok().then_some(receiver))
    }

    /// The last line since one was heard or forgotten; `None` when there will be none.
    pub(super) async fn next(&mut self) -> Option<String> {
        let receiver = self.0.as_mut()?;
        receiver.changed().await.ok()?;
        Some(receiver.borrow_and_update().trim().to_owned())
    }

    /// What was typed up to now was meant for something else.
    pub(super) fn forget(&mut self) {
        if let Some(receiver) = &mut self.0 {
            receiver.mark_unchanged();
        }
    }

    fn may_come(&self) -> bool {
        self.0.is_some()
    }
}

/// Signs in. The `scopes` are those of a sign-in that is pending and goes on.
pub(super) async fn sign_in(
    context: &Context,
    service: &Service,
    profile: &Profile,
    (mut options, scopes): (SignIn, Option<Vec<String>>),
    qr: Qr,
    presence: &Presence,
    decide: Option<&Decide>,
) -> Result<u8, Error> {
    let waits = options.until == Until::End;
    let lines = if waits { Lines::from_terminal() } else { Lines(None) };
    let mut heard = lines.clone();
    let can_renew = lines.may_come();
    let until = options.until;
    let mut talk = Talk { context, qr, can_renew, decide, until, follows: false, held_back: None, code: None };
    if options.begin != Begin::Resume || scopes.is_some() {
        introduce(context, service, profile, scopes.as_deref().unwrap_or(wanted_scopes(profile, &options)))?;
    }
    loop {
        let (sender, mut events) = mpsc::unbounded_channel();
        let report = move |event| drop(sender.send(event));
        let (asker, mut questions) = mpsc::unbounded_channel();
        let presence = presence.asked_to_save(move |error, answer| drop(asker.send((error, answer))));
        let signing_in = service.sign_in(profile, options.clone(), report, &presence);
        let mut signing_in = std::pin::pin!(signing_in);
        let mut is_approved = false;
        let mut wants_new_code = false;
        let signed_in = loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => {
                    if talk.code.is_none() {
                        heard.forget();
                    }
                    talk.tell(event)?;
                }
                result = &mut signing_in => break Some(result),
                Some((error, answer)) = questions.recv() => {
                    is_approved = true;
                    let again = ask_to_save_again(context, error, lines.clone()).await;
                    // A sign-in that does not wait any more needs no answer.
                    let _ = answer.send(again);
                }
                // Once somebody has approved, Enter answers whether to save again.
                Some(line) = heard.next(), if talk.code.is_some() && !is_approved => {
                    wants_new_code |= !talk.decides(&line) && talk.may_replace(&line);
                }
                // The old code goes when no poll is under way that may bring its approval.
                () = service.unbroken().settled(), if wants_new_code => break None,
                () = talk.next_minute() => talk.tell_minutes(),
            }
        };
        // What was told just before its end is still to be said.
        let told = std::iter::from_fn(|| events.try_recv().ok()).try_for_each(|event| talk.tell(event));
        match signed_in.transpose()? {
            Some(Some(signed_in)) => {
                tell_signed_in(context, &signed_in, Mode::Plain);
                return Ok(0);
            }
            Some(None) => {
                told?;
                talk.tell_pending(profile);
                return Ok(PENDING);
            }
            None => {
                told?;
                options.begin = Begin::Anew;
                talk.code = None;
            }
        }
    }
}

/// Says who asks for what, before anything is asked.
pub(super) fn introduce(
    context: &Context,
    service: &Service,
    profile: &Profile,
    scopes: &[String],
) -> Result<(), Error> {
    let say = |text: String| context.output.say(&text);
    let source = service.config.provider(profile)?;
    let data_center = service.config.data_center_code(profile);
    let provider = source.label(&profile.provider);
    let place = data_center.map_or_else(String::new, |code| format!(", data center {}", words::data_center(code)));
    say(format!("Sign in to {provider}, profile {}{place}.", profile.name));
    if !scopes.is_empty() {
        let scopes: Vec<String> = scopes.iter().map(|scope| catalog::scope_in_words(scope)).collect();
        say(format!("It asks for: {}.", scopes.join("; ")));
    }
    Ok(())
}

/// What has been said, and what is to be said next.
struct Talk<'a> {
    context: &'a Context,
    qr: Qr,
    can_renew: bool,
    /// The demo has nobody else who would approve.
    decide: Option<&'a Decide>,
    until: Until,
    /// Another process does that.
    follows: bool,
    /// Why nobody was asked, as was said last.
    held_back: Option<String>,
    code: Option<CurrentCode>,
}

struct CurrentCode {
    issued: IssuedCode,
    /// The minutes that are said next, counted from the end.
    next_minutes: u32,
}

impl Talk<'_> {
    /// Fails where nobody can get the code. It stays pending.
    fn tell(&mut self, event: SignInEvent) -> Result<(), Error> {
        let output = &self.context.output;
        let wait = |until: Moment| minutes_and_seconds(until - clock::now());
        match event {
            SignInEvent::Asking { host } => output.note(&format!("Asking {host} for a code ...")),
            SignInEvent::CodeIssued { code, .. } => {
                let good_for = words::duration(code.lifetime);
                self.show_code(code, &good_for)?;
            }
            SignInEvent::CodeTakenUp { code, .. } => {
                let good_for = format!("another {}", wait(code.expires_at));
                self.show_code(code, &good_for)?;
            }
            SignInEvent::CodeRenewed { code, .. } => self.show_next_code(code, "ran out")?,
            SignInEvent::CodeReplaced { code, .. } => self.show_next_code(code, "was replaced")?,
            SignInEvent::Pending { .. } | SignInEvent::Hastened { .. } => self.held_back = None,
            SignInEvent::Following { asker } => {
                self.follows = true;
                let who =
                    asker.words(clock::wall(), &clock::zone()).map_or_else(String::new, |words| format!(" ({words})"));
                output.note(&if asker.is_stopped {
                    format!("Another process is to ask the server{who}: continue or end it.")
                } else {
                    format!("Another process asks the server already{who}; what it hears counts here as well.")
                });
            }
            SignInEvent::Resting { next_poll_at } => {
                if self.until == Until::OneAnswer && next_poll_at > clock::now() {
                    output.note(&format!("Asking the server in {}: it allows no sooner.", wait(next_poll_at)));
                }
            }
            SignInEvent::HeldBack { error, next_poll_at } => {
                let why = error.to_string();
                if self.held_back.as_ref() != Some(&why) {
                    let wait = wait(next_poll_at);
                    output.note(&format!(
                        "Not asked, since an approval could not be kept: {why}. Trying again every {wait}."
                    ));
                    self.held_back = Some(why);
                }
            }
            SignInEvent::SlowedDown { interval, .. } => {
                let interval = interval.as_secs();
                output.note(&format!("The server asks us to wait longer: checking every {interval} s now."));
            }
            SignInEvent::Relocated { data_center, accounts_host, .. } => {
                let data_center = words::data_center(&data_center);
                output.note(&format!("Your account lives in {data_center}. Asking {accounts_host} from now on."));
            }
            SignInEvent::Retrying { reason, attempt, next_poll_at, .. } => {
                let (wait, count) = (wait(next_poll_at), ordinal(attempt));
                output.note(&format!("No answer: {reason}. Trying again in {wait} ({count} time)."));
            }
            SignInEvent::Approved => {
                self.code = None;
                output.note("Approved.");
            }
        }
        Ok(())
    }

    fn show_code(&mut self, code: IssuedCode, good_for: &str) -> Result<(), Error> {
        let output = &self.context.output;
        let say = |text: &str| output.say(text);
        let Machine { user, host, over_ssh_from } = Machine::here(Environment(&variable));
        let over_ssh = over_ssh_from.map_or_else(String::new, |address| format!(", over SSH from {address}"));
        let on_which =
            code.own_host().map_or_else(|| "On another device".to_owned(), |_| format!("In a browser on {host}"));
        output.show(&format!("1. {on_which} open: {}", code.verification_uri))?;
        output.show(&format!("2. Enter this code: {}", code.user_code))?;
        say(&format!("   Spelled: {}.", words::spelled(&code.user_code)));
        if let Some(complete) = &code.verification_uri_complete {
            say(&format!("   With the code in it already: {complete}"));
        }
        say(&format!("3. Approve there. Approve only if you started this yourself, as {user} on {host}{over_ssh}."));
        self.draw_qr(&code);
        let until = words::hour_and_minute(code.expires_at_time);
        let pace = if self.until == Until::End {
            format!(" We ask every {}.", words::duration(code.interval))
        } else {
            String::new()
        };
        say(&format!("The code is good for {good_for}, until {until}.{pace}"));
        if self.can_renew && keyboard::is_in_front() {
            if self.decide.is_some() {
                say("Here you can answer for the other device: y and Enter approves, d and Enter declines.");
            }
            say("Press Enter for a new code, Ctrl-C to cancel.");
        }
        self.keep(code);
        Ok(())
    }

    /// Says how a sign-in goes on that this command does not wait for.
    fn tell_pending(&self, profile: &Profile) {
        let resume = self.context.output.program.said(&Advice::SignInBy(profile.name.clone(), Way::Resume));
        let asked = if self.until == Until::OneAnswer && !self.follows { "Not approved yet" } else { "Pending" };
        self.context
            .output
            .say(&format!("{asked}: {resume} to go on with it; an agent that keeps the profile does so as well."));
    }

    fn show_next_code(&mut self, code: IssuedCode, was: &str) -> Result<(), Error> {
        let until = words::hour_and_minute(code.expires_at_time);
        let old = self.code.take().map_or_else(String::new, |old| format!("Code {} {was}. ", old.issued.user_code));
        self.context.output.show(&format!("{old}New code: {}, good until {until}.", code.user_code))?;
        self.context.output.say(&format!("   Spelled: {}.", words::spelled(&code.user_code)));
        if let Some(complete) = &code.verification_uri_complete {
            self.context.output.say(&format!("   With the code in it already: {complete}"));
        }
        self.draw_qr(&code);
        self.keep(code);
        Ok(())
    }

    /// Counts down from two minutes, or from as many as the code has left.
    fn keep(&mut self, code: IssuedCode) {
        let left = (code.expires_at - clock::now()).as_secs().saturating_sub(1);
        let whole_minutes = u32::try_from(left / 60).unwrap_or(u32::MAX);
        self.code = Some(CurrentCode { issued: code, next_minutes: whole_minutes.min(2) });
    }

    fn draw_qr(&self, code: &IssuedCode) {
        let form = match self.qr {
            Qr::Auto if terminal::has_half_blocks(self.context) => Form::Half,
            Qr::Auto | Qr::Full => Form::Full,
            Qr::Half => Form::Half,
            Qr::None => return,
        };
        match QrMatrix::encode(code.address().as_str()) {
            Some(matrix) => {
                let rows = qr::rows(&matrix, form, terminal::has_picture_colors(self.context));
                self.context.output.picture(&rows);
            }
            None => self.context.output.say("The address is too long for a QR code."),
        }
    }

    /// Waits until the next line about the time left is due.
    async fn next_minute(&self) {
        match &self.code {
            Some(code) if code.next_minutes > 0 => {
                let left = Duration::from_secs(60 * u64::from(code.next_minutes));
                let until_end = code.issued.expires_at - clock::now();
                tokio::time::sleep(until_end.saturating_sub(left)).await;
            }
            _ => std::future::pending().await,
        }
    }

    fn tell_minutes(&mut self) {
        let Some(code) = &mut self.code else { return };
        let minutes = code.next_minutes;
        code.next_minutes -= 1;
        self.context.output.note(&format!("{} left.", words::counted(minutes.into(), "minute")));
    }

    /// Answers in the place of the person with the other device, if that is what was typed.
    fn decides(&self, line: &str) -> bool {
        let Some((decide, code)) = self.decide.zip(self.code.as_ref()) else { return false };
        let approves = match line.to_ascii_lowercase().as_str() {
            "y" => true,
            "d" => false,
            _ => return false,
        };
        let is_known = decide(&code.issued.user_code, approves);
        self.context.output.say(match (is_known, approves) {
            (false, _) => "The demo server does not know this code any more.",
            (true, true) => "Approved on the other device. We hear of it when we ask next.",
            (true, false) => "Declined on the other device. We hear of it when we ask next.",
        });
        true
    }

    /// A new code is given on request, by Enter alone, unless the one at hand is as good as new.
    fn may_replace(&self, line: &str) -> bool {
        if !line.trim().is_empty() {
            self.context.output.say("Enter alone asks for another code, and Ctrl-C gives this one up.");
            return false;
        }
        let age = self.code.as_ref().map(|code| clock::now() - code.issued.issued_at);
        let left = age.map(|age| YOUNG.saturating_sub(age)).filter(|left| !left.is_zero());
        if let Some(left) = left {
            // Whoever waits for as long as is said waits long enough.
            let seconds = words::counted(left.as_secs() + u64::from(left.subsec_nanos() > 0), "second");
            self.context.output.say(&format!("This code is new. Press Enter again in {seconds} for another one."));
        }
        left.is_none()
    }
}
