//! The full screen: sign-in, profiles, API panel.
//!
//! ```text
//! key, answer, time → Message → update(&mut Model) → Effects → runtime does them → Message → …
//!                                      └→ view(&Model) draws
//! ```
//!
//! `update` is pure and the only writer of the model; the runtime does what it returns and never waits for it inside the
//! loop. Nothing wakes an idle screen: [`next_wakeup`] names the next moment at which something on it changes by itself.

mod advice;
mod background;
pub mod chrome;
pub mod clipboard;
mod job_control;
pub mod keymap;
pub mod lines;
pub mod log;
pub mod message;
pub mod model;
pub mod mouse;
pub mod overlay;
pub mod panel;
pub mod panels;
pub mod received;
mod runtime;
pub mod surroundings;
mod terminal;
pub mod text;
pub mod text_job;
pub mod theme;
pub mod time_left;
pub mod tour;
pub mod update;
pub mod view;
pub mod widgets;

use std::sync::Arc;
use std::time::Duration;

use crate::abilities::Abilities;
use crate::clock::{self, Moment};
use crate::config::{Config, ThemeName};
use crate::error::{Code, Error};
use crate::http::client::Observer;
use crate::profile::ProfileName;
use crate::service::{Machine, Service, SignIn};
use crate::supervisor::Supervisor;

use clipboard::Clipboard;
use keymap::Keymap;
use message::Effect;
pub use message::{DemoDecision, Ended};
use model::Model;
use panel::{FormFor, Go, Outcome};
use panels::profile_form::ProfileForm;
use panels::sign_in::SignInPanel;
use runtime::Outside;
use surroundings::{CommandLine, Mouse, Now};
use widgets::qr::QrChoice;

/// Where the app begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The list, with the cursor on this one, which has to be there, else on the one that is meant where none is named.
    Profiles(Option<ProfileName>),
    /// The form of a profile. Leaving it without saving leaves the app.
    Form(FormFor),
    /// One sign-in, with whose end the app ends.
    SignIn { profile: ProfileName, options: SignIn },
    /// One sign-in on a screen that nobody attends, with whose end the app ends.
    Kiosk { profile: ProfileName, options: SignIn },
    /// A sign-in from which the person goes on to the profiles.
    SignInThenProfiles { profile: ProfileName },
}

/// Lets the demo person decide about a user code; tells whether there is such a code.
pub type Decide = Box<dyn Fn(&str, DemoDecision) -> bool + Send + Sync>;

/// What the app is started with.
pub struct Options {
    pub start: Start,
    pub abilities: Abilities,
    /// The theme, unless the configuration names one.
    pub theme: ThemeName,
    /// How the person wants QR codes to be drawn.
    pub qr: QrChoice,
    pub machine: Machine,
    /// The way to the clipboard of whoever looks at the terminal.
    pub clipboard: Clipboard,
    /// The program that opens a link for the person who looks at this screen, if there is one.
    pub browser: Option<String>,
    pub command_line: CommandLine,
    pub demo: Option<Decide>,
    /// Who wants to hear that the kiosk still draws.
    pub supervisor: Option<Arc<Supervisor>>,
}

/// What the loop is given.
struct Setting {
    service: Arc<Service>,
    model: Model,
    effects: Vec<Effect>,
    outside: Outside,
}

/// Takes the terminal, has `load` read what the app works with, and runs the app until it ends, or `stop` does.
pub async fn run(
    load: impl FnOnce(Observer) -> Result<Service, Error> + Send + 'static,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<Ended, Error> {
    runtime::run(move |observer| set_up(load(observer)?, options), stop).await
}

fn set_up(service: Service, options: Options) -> Result<Setting, Error> {
    if let Start::Profiles(Some(named)) = &options.start {
        service.config.profile(Some(named))?;
    }
    let mut model = Model::new(options.abilities, options.machine, Config::clone(&service.config));
    let around = &mut model.around;
    let settings = &service.config.screen;
    around.keymap = Keymap::configured(&settings.keys).map_err(|odd| {
        Error::new(Code::Config, format!("{} is not valid", service.config.file.display()))
            .because(odd.into_iter().map(|odd| odd.problem).collect::<Vec<_>>().join("; "))
            .advise("mend the file; `docs/configuration.md` lists every key")
    })?;
    around.set_theme(settings.theme.unwrap_or(options.theme));
    around.mouse = if settings.mouse { Mouse::App } else { Mouse::Terminal };
    around.motion = settings.motion;
    around.zone = (service.zone)();
    around.qr = options.qr;
    around.clipboard = options.clipboard;
    around.command_line = options.command_line;
    around.is_demo = options.demo.is_some();
    around.has_browser = options.browser.is_some();
    let pulse = options.supervisor.as_ref().and_then(|supervisor| supervisor.pulse());
    let mut effects = start(&mut model, options.start, pulse, Now { moment: clock::now(), time: clock::wall() });
    effects.extend(options.supervisor.is_some().then_some(Effect::Alive));
    let outside = Outside {
        browser: options.browser,
        clipboard: options.clipboard,
        demo: options.demo,
        supervisor: options.supervisor,
    };
    Ok(Setting { service: Arc::new(service), model, effects, outside })
}

/// Opens what the app begins with. Whoever supervises a kiosk hears of it at every `pulse`.
pub fn start(model: &mut Model, start: Start, pulse: Option<Duration>, now: Now) -> Vec<Effect> {
    match start {
        Start::Profiles(named) => {
            let named = named.or_else(|| model.around.config.profile(None).ok().map(|profile| profile.name.clone()));
            let effects = model.resume(named.map_or(Outcome::Nothing, Outcome::About), now);
            model.welcome();
            effects
        }
        Start::Form(purpose) => {
            let effects = model.resume(Outcome::Nothing, now);
            if let Some(form) = ProfileForm::open(purpose, &[], &model.around) {
                model.open(form.alone());
            }
            effects
        }
        Start::SignIn { profile, options } => {
            let (panel, effects) = SignInPanel::start(profile, options, &mut model.around);
            model.open(panel.alone());
            effects
        }
        Start::Kiosk { profile, options } => {
            let (panel, effects) = SignInPanel::unattended(profile, options, pulse, &mut model.around);
            model.open(panel.alone());
            effects
        }
        Start::SignInThenProfiles { profile } => model.go(Go::SignIn { profile, options: SignIn::attended() }, now),
    }
}

/// The next moment at which the screen has to be drawn although nothing happened; `None` while nothing on it moves.
pub fn next_wakeup(model: &Model, now: Now) -> Option<Moment> {
    let behind = model.behind().map(|(panel, _)| panel);
    let panels = std::iter::once(&*model.top).chain(behind);
    let notice = model.around.notice.as_ref().map(|notice| notice.until);
    panels.filter_map(|panel| panel.next_wakeup(&model.around, now)).chain(notice).min()
}
