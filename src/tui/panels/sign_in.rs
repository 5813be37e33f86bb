//! The sign-in: a code that waits for approval, and how it ended.
//!
//! The panel follows the events of `service::login`; it never polls and never counts down anything that the events did
//! not bring. How it looks is in [`view`].

#[cfg(test)]
mod tests;
pub mod view;

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::oauth::qr::QrMatrix;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ATTENDED_RENEWALS, IssuedCode, QrFormat, SignIn, SignInEvent, SignedIn};
use crate::tui::Ended;
use crate::tui::keymap::Command;
use crate::tui::message::{DemoDecision, Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay, Screen};
use crate::tui::panels::api::Content;
use crate::tui::panels::lines::moved;
use crate::tui::panels::profile_form::{self, Step};
use crate::tui::panels::profiles;
use crate::tui::theme::Mark;
use crate::tui::time_left;

/// A code shown for longer than this is not cancelled without asking.
const CANCEL_TIME: Duration = Duration::from_secs(10);
/// Answers keys for what is not there.
const NO_QR: &str = "No QR code is in sight.";
/// Columns below which a notice has to be short.
const NARROW: u16 = 60;
/// How long the screen of a sign-in that worked stays by itself.
const SUCCESS_TIME: Duration = Duration::from_secs(5);

/// One sign-in on the screen.
#[derive(Debug)]
pub struct SignInPanel {
    pub profile: ProfileName,
    pub options: SignIn,
    task: TaskId,
    pub stage: Stage,
    /// The code before this one, and when it ran out.
    pub previous: Option<(String, Timestamp)>,
    /// A sign-in that was begun for a code in the place of this one, which stays until that has come.
    successor: Option<TaskId>,
    pub qr: QrView,
    pub is_link_bare: bool,
    /// Codes were replaced since a key was pressed.
    is_left_alone: bool,
    /// How far the text about the end is scrolled.
    pub scroll: usize,
}

/// How far the sign-in is.
#[derive(Debug)]
pub enum Stage {
    /// No code yet. `host` is known once it is asked.
    Asking {
        host: Option<String>,
    },
    Waiting(Waiting),
    /// Approved, but the store did not take the grant, which is kept in memory until the person decides.
    Unsaved {
        error: Error,
    },
    /// The person gave the grant up; it goes back to the provider, which nothing may cut short.
    GivingBack,
    /// Approved and saved; the account is being asked for.
    Approved,
    SignedIn {
        outcome: SignedIn,
        /// `None` where there is something to read: then it stays until a key.
        leaves_at: Option<Moment>,
    },
    /// `user_code` is the code that it was about, if there was one.
    Failed {
        error: Error,
        user_code: Option<String>,
        at: Timestamp,
    },
}

/// A code that waits for approval.
#[derive(Debug)]
pub struct Waiting {
    pub code: IssuedCode,
    /// The address as a QR code, made once; `None` where it is too long for one.
    pub matrix: Option<QrMatrix>,
    pub interval: Duration,
    pub next_poll_at: Moment,
    pub last_answer: LastAnswer,
    /// The data center that is asked since the server said that the account lives there.
    pub relocated_to: Option<String>,
    /// It was copied, saved or shown large, so it may be elsewhere by now.
    is_handed_on: bool,
}

/// How the last question to the server ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastAnswer {
    /// Nothing was asked yet.
    None,
    Pending {
        at: Moment,
    },
    SlowedDown {
        at: Moment,
    },
    Relocated {
        data_center: String,
        accounts_host: String,
    },
    /// There was none.
    Missing {
        reason: String,
        attempt: u32,
    },
}

/// How the person wants the QR code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QrView {
    pub is_full_screen: bool,
    pub is_inverted: bool,
    /// Steps up (bigger) or down from the usual size.
    pub step: i16,
}

/// What a sign-in asks for that was begun on the screen itself.
pub fn attended() -> SignIn {
    SignIn { renewals: ATTENDED_RENEWALS, ..SignIn::default() }
}

/// Opens the panel and starts a sign-in.
pub fn start(model: &mut Model, profile: ProfileName, options: SignIn) -> Vec<Effect> {
    let task = model.new_task();
    let qr = model.sign_in.as_ref().map(|panel| panel.qr).unwrap_or_default();
    model.sign_in = Some(SignInPanel {
        profile: profile.clone(),
        options: options.clone(),
        task,
        stage: Stage::Asking { host: None },
        previous: None,
        successor: None,
        qr,
        is_link_bare: false,
        is_left_alone: false,
        scroll: 0,
    });
    model.screen = Screen::SignIn;
    model.notice = None;
    vec![Effect::StartSignIn { task, profile, options }]
}

/// Takes in an event of the sign-in under way.
pub fn happened(model: &mut Model, task: TaskId, event: SignInEvent, now: Now) -> Vec<Effect> {
    if model.sign_in.as_ref().is_some_and(|panel| panel.successor == Some(task)) {
        return succeed(model, task, event, now);
    }
    let Some(panel) = model.sign_in.as_mut().filter(|panel| panel.task == task) else {
        return Vec::new();
    };
    // What it waited for is here.
    model.notice.take_if(|notice| notice.mark == Mark::Working);
    match (event, &mut panel.stage) {
        (SignInEvent::Asking { host }, _) => panel.stage = Stage::Asking { host: Some(host) },
        (SignInEvent::CodeIssued { code, next_poll_at }, _) => panel.stage = waiting(code, next_poll_at),
        (SignInEvent::CodeRenewed { code, next_poll_at }, stage) => {
            if let Stage::Waiting(old) = stage {
                panel.previous = Some((old.code.user_code.clone(), old.code.expires_at_time));
            }
            panel.stage = waiting(code, next_poll_at);
            panel.is_left_alone = true;
            forget_question(model);
        }
        (SignInEvent::Hastened { next_poll_at }, Stage::Waiting(waiting)) => {
            waiting.next_poll_at = next_poll_at;
            say_when_asked(model, now);
        }
        (SignInEvent::Approved, _) => {
            panel.stage = Stage::Approved;
            return panel.successor.take().map(Effect::Cancel).into_iter().collect();
        }
        (event, Stage::Waiting(waiting)) => waiting.take(event, now),
        _ => {}
    }
    Vec::new()
}

/// Puts the new code in the place of the old one, which is given up only now.
fn succeed(model: &mut Model, task: TaskId, event: SignInEvent, now: Now) -> Vec<Effect> {
    let (Some(panel), SignInEvent::CodeIssued { code, next_poll_at }) = (model.sign_in.as_mut(), event) else {
        return Vec::new();
    };
    let old_task = std::mem::replace(&mut panel.task, task);
    let old_stage = std::mem::replace(&mut panel.stage, waiting(code, next_poll_at));
    (panel.successor, panel.previous) = (None, None);
    forget_question(model);
    if let Stage::Waiting(old) = old_stage {
        let text = match model.window.width {
            0..NARROW => "The code changed. Use this one.".to_owned(),
            _ => format!("Code {} was given up. Use the new one.", old.code.user_code),
        };
        model.say(Mark::Attention, text, now);
    }
    vec![Effect::Cancel(old_task)]
}

/// Takes back the question whether a code is to be given up that is not there any more.
fn forget_question(model: &mut Model) {
    let is_it = |overlay: &mut Overlay| matches!(overlay, Overlay::Confirm { action: Confirmed::NewCode, .. });
    model.overlay.take_if(is_it);
}

/// Takes in that a key was pressed, whichever: somebody is there, so that codes go on being replaced.
pub fn attended_by_key(model: &mut Model) -> Option<Effect> {
    let panel = model.sign_in.as_mut()?;
    std::mem::take(&mut panel.is_left_alone).then_some(Effect::Attend(panel.task))
}

/// Says at once what the demo person did, since the server is asked only later.
pub fn decided(model: &mut Model, decision: DemoDecision, is_done: bool, now: Now) {
    let text = match decision {
        _ if !is_done => "The demo server does not know this code any more.",
        DemoDecision::Decline => "Declined on the other device. We hear of it when we ask next.",
        _ => "Approved on the other device. We hear of it when we ask next.",
    };
    let mark = if is_done { Mark::Working } else { Mark::Attention };
    if model.screen == Screen::SignIn {
        model.say(mark, text, now);
    }
}

/// Takes in that the grant could not be saved.
pub fn unsaved(model: &mut Model, task: TaskId, error: Error) -> Vec<Effect> {
    if let Some(panel) = model.sign_in.as_mut().filter(|panel| panel.task == task) {
        panel.stage = Stage::Unsaved { error };
        model.overlay = None;
        return Vec::new();
    }
    // Nobody looks at this sign-in any more.
    vec![Effect::TrySaving { task, again: false }]
}

/// Takes in the end of the sign-in under way.
pub fn ended(model: &mut Model, task: TaskId, result: Result<SignedIn, Error>, now: Now) -> Vec<Effect> {
    let Some(panel) = model.sign_in.as_mut() else { return Vec::new() };
    if panel.successor == Some(task) {
        panel.successor = None;
        return no_successor(model, &result, now);
    }
    if panel.task != task {
        return Vec::new();
    }
    let mut effects = vec![Effect::LoadStatuses];
    match panel.successor.take() {
        Some(successor) if result.is_ok() => effects.push(Effect::Cancel(successor)),
        Some(successor) => {
            // The new code is on its way, whatever became of the old one.
            let old_stage = std::mem::replace(&mut panel.stage, Stage::Asking { host: None });
            panel.task = successor;
            model.notice.take_if(|notice| notice.mark == Mark::Working);
            if let (Stage::Waiting(old), Err(error)) = (old_stage, &result)
                && error.code == Code::Denied
            {
                let text = format!("Code {} was declined. A new one is on its way.", old.code.user_code);
                model.say(Mark::Declined, text, now);
            }
            return Vec::new();
        }
        None => {}
    }
    panel.qr.is_full_screen = false;
    panel.is_link_bare = false;
    model.overlay = None;
    model.notice.take_if(|notice| notice.mark == Mark::Working);
    panel.stage = match result {
        Ok(outcome) => {
            let leaves_at = (!needs_reading(&outcome)).then_some(now.moment + SUCCESS_TIME);
            Stage::SignedIn { outcome, leaves_at }
        }
        Err(error) => {
            let user_code = match &panel.stage {
                Stage::Waiting(waiting) => Some(waiting.code.user_code.clone()),
                _ => None,
            };
            Stage::Failed { error, user_code, at: now.time }
        }
    };
    effects
}

/// Says that no new code came, and that the old one is as good as before.
fn no_successor(model: &mut Model, result: &Result<SignedIn, Error>, now: Now) -> Vec<Effect> {
    if let (Err(error), Some(SignInPanel { stage: Stage::Waiting(waiting), .. })) = (result, &model.sign_in) {
        let (code, why) = (&waiting.code.user_code, error.cause.as_ref().unwrap_or(&error.message));
        let text = if model.window.width < NARROW {
            format!("{code} is still good: no new one.")
        } else {
            format!("{code} is still good. No new one: {why}.")
        };
        model.say(Mark::Attention, text, now);
    }
    Vec::new()
}

/// Does what the person asked for.
pub fn command(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let is_offered = commands(model).contains(&command) || matches!(command, Command::Quit | Command::Back);
    let Some(panel) = model.sign_in.as_mut() else {
        return profiles::open(model);
    };
    if let Stage::Waiting(waiting) = &mut panel.stage {
        waiting.is_handed_on |= is_offered && hands_on(command);
    }
    match command {
        _ if command.is_move() => {
            scroll(model, command, now);
            Vec::new()
        }
        _ if !is_offered => {
            say_why_not(model, command, now);
            Vec::new()
        }
        Command::FullScreenQr => panel_qr(model, |qr| qr.is_full_screen = !qr.is_full_screen),
        Command::InvertQr => invert_qr(model, now),
        Command::BiggerQr => resize_qr(model, 1, now),
        Command::SmallerQr => resize_qr(model, -1, now),
        Command::NewCode | Command::SignIn => ask_for_new_code(model, now),
        Command::Choose => choose(model, now),
        Command::Back | Command::Quit => back(model, now),
        Command::OpenApi => open_api(model),
        Command::SignOut => {
            let profile = panel.profile.clone();
            let question = format!("Sign out of profile {profile} and take its access back?");
            model.overlay = Some(Overlay::Confirm { question, action: Confirmed::SignOut(profile) });
            Vec::new()
        }
        Command::BareLink => {
            panel.is_link_bare = !panel.is_link_bare;
            Vec::new()
        }
        _ => with_code(model, command, now),
    }
}

/// What can be asked for now, in the order of the footer.
pub fn commands(model: &Model) -> Vec<Command> {
    let Some(panel) = &model.sign_in else { return vec![Command::Back] };
    match &panel.stage {
        Stage::Asking { .. } | Stage::Approved => vec![Command::Help, Command::Back],
        Stage::GivingBack => vec![Command::Help],
        Stage::Unsaved { .. } => vec![Command::Choose, Command::Help, Command::Back],
        Stage::Waiting(waiting) if panel.qr.is_full_screen && !view::has_full_screen_qr(model, waiting) => {
            vec![Command::FullScreenQr, Command::Back]
        }
        Stage::Waiting(_) if panel.qr.is_full_screen => {
            vec![Command::FullScreenQr, Command::InvertQr, Command::BiggerQr, Command::SmallerQr, Command::Back]
        }
        Stage::Waiting(_) if panel.is_link_bare => {
            vec![Command::BareLink, Command::CopyLink, Command::CopyCode, Command::Back]
        }
        Stage::Waiting(waiting) => {
            // In the demo nothing else goes on.
            let mut commands = if model.is_demo { vec![Command::DemoApprove] } else { Vec::new() };
            commands.extend([Command::CopyCode, Command::CopyLink]);
            if view::has_full_screen_qr(model, waiting) {
                commands.push(Command::FullScreenQr);
            }
            commands.push(Command::NewCode);
            if model.is_demo {
                commands.extend([Command::DemoApproveElsewhere, Command::DemoDecline]);
            }
            if model.has_browser {
                commands.push(Command::OpenBrowser);
            }
            commands.extend([Command::Help, Command::Back, Command::BareLink, Command::InvertQr]);
            commands.extend([Command::BiggerQr, Command::SmallerQr, Command::SaveQrPng, Command::SaveQrSvg]);
            commands.push(Command::Choose);
            commands
        }
        Stage::SignedIn { .. } => {
            vec![Command::Choose, Command::OpenApi, Command::SignOut, Command::Help]
        }
        Stage::Failed { error, .. } if error.code == Code::CodeExpired => {
            vec![Command::Choose, Command::NewCode, Command::Help, Command::Back]
        }
        Stage::Failed { error, .. } if is_of_profile(error) => {
            vec![Command::Choose, Command::NewCode, Command::Help, Command::Back]
        }
        Stage::Failed { .. } => vec![Command::NewCode, Command::Help, Command::Back],
    }
}

/// What a key does at this stage, where the footer has no room for all that it may do.
pub fn label(model: &Model, command: Command) -> Option<&'static str> {
    let panel = model.sign_in.as_ref()?;
    let is_covered = panel.qr.is_full_screen || panel.is_link_bare;
    match (command, &panel.stage) {
        (Command::Choose, Stage::Waiting(_)) => Some("ask now"),
        (Command::Choose, Stage::Unsaved { .. }) => Some("try again"),
        (Command::Choose, Stage::Failed { error, .. }) if error.code == Code::CodeExpired => Some("new code"),
        (Command::Choose, Stage::Failed { .. }) => Some("edit profile"),
        (Command::NewCode, Stage::Failed { error, user_code, .. }) if is_of_profile(error) || user_code.is_none() => {
            Some("try again")
        }
        (Command::FullScreenQr | Command::BareLink | Command::Back, Stage::Waiting(_)) if is_covered => Some("back"),
        (Command::Back, Stage::Failed { .. }) if !model.is_single_sign_in => Some("back"),
        (Command::Back, Stage::Failed { .. }) => Some("leave"),
        _ => None,
    }
}

/// Leaves the success screen when its time is over.
pub fn wake(model: &mut Model, now: Now) -> Vec<Effect> {
    match &model.sign_in {
        Some(SignInPanel { stage: Stage::SignedIn { leaves_at: Some(at), .. }, .. }) if *at <= now.moment => {
            go_on(model)
        }
        _ => Vec::new(),
    }
}

/// When the screen has to change by itself: as its clocks do.
pub fn next_wakeup(model: &Model, now: Now) -> Option<Moment> {
    match &model.sign_in.as_ref()?.stage {
        Stage::Waiting(waiting) => {
            time_left::next_change([waiting.code.expires_at, waiting.next_poll_at], now.moment, model.motion)
        }
        Stage::SignedIn { leaves_at, .. } => time_left::next_change(*leaves_at, now.moment, model.motion),
        Stage::Asking { .. } | Stage::Unsaved { .. } | Stage::GivingBack | Stage::Approved | Stage::Failed { .. } => {
            None
        }
    }
}

/// Gives the sign-in up. Nothing more is asked, and the code is forgotten.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let Some(panel) = model.sign_in.take() else { return profiles::open(model) };
    let mut effects = match &panel.stage {
        Stage::Asking { .. } | Stage::Waiting(_) | Stage::Approved => {
            [panel.task].into_iter().chain(panel.successor).map(Effect::Cancel).collect()
        }
        Stage::Unsaved { .. } => vec![Effect::TrySaving { task: panel.task, again: false }],
        Stage::GivingBack | Stage::SignedIn { .. } | Stage::Failed { .. } => Vec::new(),
    };
    if model.is_single_sign_in {
        effects.push(Effect::Quit(match panel.stage {
            Stage::SignedIn { outcome, .. } => Ended::SignedIn(outcome),
            Stage::Failed { error, .. } => Ended::Failed(error),
            Stage::Waiting(_) => Ended::Cancelled,
            Stage::Asking { .. } | Stage::Unsaved { .. } | Stage::GivingBack | Stage::Approved => Ended::Interrupted,
        }));
    } else {
        effects.extend(super::api::after_sign_in(model, &panel.profile, false));
    }
    effects
}

impl Waiting {
    fn take(&mut self, event: SignInEvent, now: Now) {
        let at = now.moment;
        let (answer, next) = match event {
            SignInEvent::Pending { next_poll_at } => (LastAnswer::Pending { at }, next_poll_at),
            SignInEvent::SlowedDown { interval, next_poll_at } => {
                self.interval = interval;
                (LastAnswer::SlowedDown { at }, next_poll_at)
            }
            SignInEvent::Relocated { data_center, accounts_host, next_poll_at } => {
                self.relocated_to = Some(data_center.clone());
                (LastAnswer::Relocated { data_center, accounts_host }, next_poll_at)
            }
            SignInEvent::Retrying { reason, attempt, next_poll_at, .. } => {
                (LastAnswer::Missing { reason, attempt }, next_poll_at)
            }
            SignInEvent::Asking { .. }
            | SignInEvent::CodeIssued { .. }
            | SignInEvent::CodeRenewed { .. }
            | SignInEvent::Hastened { .. }
            | SignInEvent::Approved => return,
        };
        self.last_answer = answer;
        self.next_poll_at = next;
    }
}

fn waiting(code: IssuedCode, next_poll_at: Moment) -> Stage {
    let matrix = QrMatrix::encode(complete_address(&code));
    let (interval, last_answer) = (code.interval, LastAnswer::None);
    Stage::Waiting(Waiting {
        interval,
        code,
        matrix,
        next_poll_at,
        last_answer,
        relocated_to: None,
        is_handed_on: false,
    })
}

/// What the QR code holds: the address with the code in it, or the plain one where the provider sends none.
fn complete_address(code: &IssuedCode) -> &str {
    code.verification_uri_complete.as_ref().unwrap_or(&code.verification_uri).as_str()
}

fn panel_qr(model: &mut Model, change: impl FnOnce(&mut QrView)) -> Vec<Effect> {
    if let Some(panel) = model.sign_in.as_mut() {
        change(&mut panel.qr);
    }
    Vec::new()
}

fn invert_qr(model: &mut Model, now: Now) -> Vec<Effect> {
    if view::shown_qr(model, now).is_none() {
        model.say(Mark::Attention, NO_QR, now);
        return Vec::new();
    }
    panel_qr(model, |qr| qr.is_inverted = !qr.is_inverted)
}

/// Another size of the QR code, if the window has one.
fn resize_qr(model: &mut Model, step: i16, now: Now) -> Vec<Effect> {
    let before = view::shown_qr(model, now);
    if before.is_none() {
        model.say(Mark::Attention, NO_QR, now);
        return Vec::new();
    }
    panel_qr(model, |qr| qr.step += step);
    if view::shown_qr(model, now) == before {
        panel_qr(model, |qr| qr.step -= step);
        let most = if step > 0 { "large" } else { "small" };
        model.say(Mark::Attention, format!("The QR code is as {most} as it gets in this window."), now);
    }
    Vec::new()
}

/// Answers a key that could be expected to do something here.
fn say_why_not(model: &mut Model, command: Command, now: Now) {
    let Some(SignInPanel { stage: Stage::Waiting(waiting), .. }) = &model.sign_in else { return };
    let text = match command {
        Command::FullScreenQr => match view::lack_of_full_screen_qr(model, waiting) {
            Some(_) if model.window.width < NARROW => "No QR code fits this window.".to_owned(),
            Some(lack) => lack,
            None => return,
        },
        Command::OpenBrowser if model.window.width < NARROW => "No browser can be opened here.".to_owned(),
        Command::OpenBrowser => {
            format!("No browser can be opened here. {} copies the link.", model.key(Command::CopyLink))
        }
        _ => return,
    };
    model.say(Mark::Attention, text, now);
}

fn choose(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.sign_in.as_ref().map(|panel| &panel.stage) {
        Some(Stage::SignedIn { .. }) => go_on(model),
        Some(Stage::Unsaved { .. }) => decide_saving(model, true),
        Some(Stage::Failed { error, .. }) if error.code == Code::CodeExpired => new_code(model, now),
        Some(Stage::Failed { error, .. }) if is_of_profile(error) => edit_profile(model),
        Some(Stage::Waiting(_)) => model.sign_in.iter().map(|panel| Effect::AskNow(panel.task)).collect(),
        _ => Vec::new(),
    }
}

/// Answers who said that it is approved: the server is asked now, or when it allows that.
fn say_when_asked(model: &mut Model, now: Now) {
    let Some(SignInPanel { stage: Stage::Waiting(waiting), .. }) = &model.sign_in else { return };
    let left = now.moment.until(waiting.next_poll_at);
    let text = match &waiting.last_answer {
        _ if left.is_zero() => "Asking the server now ...",
        // The clock on the screen says when, and goes on while this stands.
        LastAnswer::Missing { .. } => "There was no answer; we try again at the time above.",
        _ => "Asked at the time above: the server allows no sooner.",
    };
    model.say(Mark::Working, text, now);
}

/// Tries to save the grant again, or gives it back; either way the end follows as a message.
fn decide_saving(model: &mut Model, again: bool) -> Vec<Effect> {
    let Some(panel) = model.sign_in.as_mut() else { return Vec::new() };
    panel.stage = if again { Stage::Approved } else { Stage::GivingBack };
    vec![Effect::TrySaving { task: panel.task, again }]
}

/// Whether a sign-in that worked has something to tell that nobody should miss.
fn needs_reading(outcome: &SignedIn) -> bool {
    let is_whole = outcome.missing_scopes.is_empty() && outcome.refreshable;
    !is_whole || !outcome.warnings.is_empty() || outcome.replaced.is_some()
}

/// Scrolls what is said about the end. Who scrolls reads, so the screen no longer goes by itself.
fn scroll(model: &mut Model, command: Command, now: Now) {
    let last = view::last_scroll(model, now);
    let page = usize::from(model.window.height / 2).max(1);
    let Some(panel) = model.sign_in.as_mut() else { return };
    panel.scroll = moved(panel.scroll.min(last), command, page).min(last);
    if let Stage::SignedIn { leaves_at, .. } = &mut panel.stage {
        *leaves_at = None;
    }
}

/// Where a sign-in that worked leads.
fn go_on(model: &mut Model) -> Vec<Effect> {
    if model.is_single_sign_in {
        return leave(model);
    }
    let Some(profile) = model.sign_in.take().map(|panel| panel.profile) else { return profiles::open(model) };
    model.profiles.select(Some(profile.clone()));
    super::api::after_sign_in(model, &profile, true)
}

fn open_api(model: &mut Model) -> Vec<Effect> {
    let Some(profile) = model.sign_in.take().map(|panel| panel.profile) else { return Vec::new() };
    // Who goes on to the API wants more than the one sign-in.
    model.is_single_sign_in = false;
    model.profiles.select(Some(profile.clone()));
    super::api::open(model, profile)
}

/// Asks first while there is a code that is still good.
fn ask_for_new_code(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.sign_in.as_ref().is_some_and(|panel| panel.successor.is_some()) {
        // It was asked for already, which is said once more.
        return new_code(model, now);
    }
    let code = match model.sign_in.as_ref().map(|panel| &panel.stage) {
        Some(Stage::Waiting(waiting)) if now.moment < waiting.code.expires_at => &waiting.code.user_code,
        _ => return new_code(model, now),
    };
    let question = format!("Somebody may be typing {code} right now. A new code makes it worthless.");
    model.overlay = Some(Overlay::Confirm { question, action: Confirmed::NewCode });
    Vec::new()
}

/// Starts anew. A code that still waits goes on until the new one has come.
pub fn new_code(model: &mut Model, now: Now) -> Vec<Effect> {
    let successor = model.new_task();
    let Some(panel) = &mut model.sign_in else { return Vec::new() };
    let (profile, options) = (panel.profile.clone(), panel.options.clone());
    let Stage::Waiting(waiting) = &panel.stage else { return start(model, profile, options) };
    let text = match model.window.width {
        0..NARROW => "Asking for a new code ...".to_owned(),
        _ => format!("Asking for a new code. {} stays good until it comes.", waiting.code.user_code),
    };
    let is_first = panel.successor.is_none();
    panel.successor.get_or_insert(successor);
    model.say(Mark::Working, text, now);
    if is_first { vec![Effect::StartSignIn { task: successor, profile, options }] } else { Vec::new() }
}

/// What went wrong is in the profile, so that another try would go the same way.
fn is_of_profile(error: &Error) -> bool {
    matches!(
        error.code,
        Code::Config | Code::InvalidClient | Code::InvalidClientSecret | Code::WrongDataCenter | Code::InvalidScope
    )
}

/// Opens the form of the profile at what went wrong; leaving it leads back here.
fn edit_profile(model: &mut Model) -> Vec<Effect> {
    let Some(SignInPanel { profile, stage: Stage::Failed { error, .. }, .. }) = &model.sign_in else {
        return Vec::new();
    };
    let step = match error.code {
        Code::InvalidClient => Step::ClientId,
        Code::InvalidClientSecret => Step::ClientSecret,
        Code::WrongDataCenter => Step::DataCenter,
        Code::InvalidScope => Step::Scopes,
        _ => Step::Review,
    };
    let profile = profile.clone();
    profile_form::edit_at(model, &profile, step)
}

/// Takes the code, or the address with the code in it, away from this screen.
fn hands_on(command: Command) -> bool {
    use Command::{BareLink, CopyCode, CopyLink, FullScreenQr, OpenBrowser, SaveQrPng, SaveQrSvg};
    matches!(command, CopyCode | CopyLink | BareLink | OpenBrowser | FullScreenQr | SaveQrPng | SaveQrSvg)
}

fn back(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(panel) = model.sign_in.as_mut() else { return profiles::open(model) };
    if panel.qr.is_full_screen || panel.is_link_bare {
        panel.qr.is_full_screen = false;
        panel.is_link_bare = false;
        return Vec::new();
    }
    match &panel.stage {
        Stage::Waiting(waiting) if waiting.is_handed_on || now.moment - waiting.code.issued_at > CANCEL_TIME => {
            let question = "Cancel this sign-in? The code will be worth nothing.".to_owned();
            model.overlay = Some(Overlay::Confirm { question, action: Confirmed::CancelSignIn });
            Vec::new()
        }
        Stage::SignedIn { .. } => go_on(model),
        Stage::Unsaved { .. } => decide_saving(model, false),
        Stage::GivingBack => Vec::new(),
        _ => leave(model),
    }
}

/// Saves the QR code as a picture, which also works where the screen has no room for it.
fn save_qr(waiting: &Waiting, format: QrFormat) -> Vec<Effect> {
    let Some(matrix) = &waiting.matrix else { return Vec::new() };
    let name = format!("device-login-qr.{}", format.extension());
    vec![Effect::Save { name, content: Content::Binary(format.picture(matrix).into()) }]
}

/// Commands about the code on the screen.
fn with_code(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let Some(SignInPanel { stage: Stage::Waiting(waiting), .. }) = &model.sign_in else {
        return Vec::new();
    };
    let code = &waiting.code;
    let user_code = code.user_code.clone();
    let link = code.verification_uri_complete.as_ref().unwrap_or(&code.verification_uri).clone();
    let decide = |decision| vec![Effect::Decide { user_code: user_code.clone(), decision }];
    match command {
        Command::CopyCode => {
            model.say_copied("the code", now);
            vec![Effect::Copy(Secret::new(user_code))]
        }
        Command::CopyLink => {
            model.say_copied("the link", now);
            vec![Effect::Copy(Secret::new(link.as_str()))]
        }
        Command::OpenBrowser => vec![Effect::OpenBrowser(link)],
        Command::SaveQrPng => save_qr(waiting, QrFormat::Png),
        Command::SaveQrSvg => save_qr(waiting, QrFormat::Svg),
        Command::DemoApprove => decide(DemoDecision::Approve),
        Command::DemoApproveElsewhere => decide(DemoDecision::ApproveElsewhere),
        Command::DemoDecline => decide(DemoDecision::Decline),
        _ => Vec::new(),
    }
}
