//! The sign-in: a code that waits for approval, and how it ended.
//!
//! The panel follows the events of `service::login`; it never polls and never counts down anything that the events did
//! not bring. What becomes of it is in `events`, its keys are in `offer`, how it looks is in [`view`].

mod events;
mod offer;
#[cfg(test)]
mod tests;
pub mod view;

use std::time::Duration;

use jiff::Timestamp;

pub use self::events::{decided, ended, happened, unsaved};
pub use self::offer::{commands, label};

use self::offer::{hands_on, is_of_profile};

use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::oauth::qr::QrMatrix;
use crate::profile::ProfileName;
use crate::service::{ATTENDED_RENEWALS, Begin, IssuedCode, QrFormat, SignIn, SignedIn};
use crate::tui::Ended;
use crate::tui::clipboard::ToCopy;
use crate::tui::keymap::Command;
use crate::tui::message::{DemoDecision, Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay, Screen};
use crate::tui::panels::api::Content;
use crate::tui::panels::lines::moved;
use crate::tui::panels::profile_form::{self, Step};
use crate::tui::panels::profiles;
use crate::tui::panels::save_as::SaveAs;
use crate::tui::theme::Mark;
use crate::tui::time_left;

/// A code shown for longer than this is not cancelled without asking.
const CANCEL_TIME: Duration = Duration::from_secs(10);
/// Answers keys for what is not there.
const NO_QR: &str = "No QR code is in sight.";
/// Columns below which a notice has to be short.
const NARROW: u16 = 60;

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

impl SignInPanel {
    /// Whoever leaves it gives it up: nothing more is asked, and the code is forgotten.
    fn given_up(&self) -> impl Iterator<Item = Effect> + use<> {
        [self.task].into_iter().chain(self.successor).map(Effect::GiveUp)
    }
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
    /// Another process asks.
    Theirs {
        /// In words, where it is known.
        holder: Option<String>,
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

/// Takes in that a key was pressed, whichever: somebody is there, so that codes go on being replaced.
pub fn attended_by_key(model: &mut Model) -> Option<Effect> {
    let panel = model.sign_in.as_mut()?;
    std::mem::take(&mut panel.is_left_alone).then_some(Effect::Attend(panel.task))
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
        Stage::Asking { .. } | Stage::Waiting(_) | Stage::Approved => panel.given_up().collect(),
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

/// The same for whoever leaves the app.
pub fn give_up(model: &Model) -> Vec<Effect> {
    let waiting = |panel: &&SignInPanel| matches!(panel.stage, Stage::Asking { .. } | Stage::Waiting(_));
    model.sign_in.as_ref().filter(waiting).into_iter().flat_map(SignInPanel::given_up).collect()
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

/// Tries to save the grant again, or gives it back; either way the end follows as a message.
fn decide_saving(model: &mut Model, again: bool) -> Vec<Effect> {
    let Some(panel) = model.sign_in.as_mut() else { return Vec::new() };
    panel.stage = if again { Stage::Approved } else { Stage::GivingBack };
    vec![Effect::TrySaving { task: panel.task, again }]
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
    let (profile, options) = (panel.profile.clone(), SignIn { begin: Begin::Anew, ..panel.options.clone() });
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

/// Asks where to save the QR code as a picture, which also works where the screen has no room for it.
fn save_qr(model: &mut Model, format: QrFormat) -> Vec<Effect> {
    let Some(SignInPanel { stage: Stage::Waiting(waiting), .. }) = &model.sign_in else { return Vec::new() };
    let Some(matrix) = &waiting.matrix else { return Vec::new() };
    let (name, content) = (format!("device-login-qr.{}", format.extension()), format.picture(matrix).into());
    model.overlay = Some(Overlay::SaveAs(SaveAs::new(&name, "the QR code", Content::Binary(content))));
    Vec::new()
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
        Command::CopyCode => model.copy(ToCopy::text(user_code, "the code"), now),
        Command::CopyLink => model.copy(ToCopy::text(link, "the link"), now),
        Command::OpenBrowser => vec![Effect::OpenBrowser(link)],
        Command::SaveQrPng => save_qr(model, QrFormat::Png),
        Command::SaveQrSvg => save_qr(model, QrFormat::Svg),
        Command::DemoApprove => decide(DemoDecision::Approve),
        Command::DemoApproveElsewhere => decide(DemoDecision::ApproveElsewhere),
        Command::DemoDecline => decide(DemoDecision::Decline),
        _ => Vec::new(),
    }
}
