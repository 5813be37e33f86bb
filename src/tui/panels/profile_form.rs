//! The form that adds a profile, changes one, gives it another name or removes it; one step at a time, then all of it for
//! a look.
//!
//! Nothing is written before the last step says so. What was typed stays until it is saved or thrown away on purpose. The
//! steps and their checks are in `steps`, the way from one to the next is in `path`, the end in `saving`, and how they look in `view`.

mod hidden;
mod offers;
mod path;
mod saving;
mod scopes;
mod steps;
#[cfg(test)]
mod tests;
mod view;

use hidden::Hidden;
use offers::{Blank, Offer};
use scopes::{Picker, Pressed};

use crate::config::{ClientType, Config, Profile};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::registered::RedirectUri;
use crate::service::{ProfileStatus, State};
use crate::tui::keymap::{Command, Key};
use crate::tui::message::{Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay, Screen};
use crate::tui::panels::lines::moved;
use crate::tui::panels::{profiles, sign_in};
use crate::tui::widgets::field::Field;

pub use saving::{leave_if_gone, saved};
pub use steps::Step;
pub use view::{title, view};

/// A page of a list, for moving by one.
const PAGE: usize = 6;

/// What was typed and chosen so far.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is true or false for itself")]
pub struct ProfileForm {
    purpose: Purpose,
    /// The configuration as it was when the form was opened. Saving reads the file again.
    config: Config,
    offers: Vec<Offer>,
    draft: Draft,
    pub(in crate::tui::panels) step: Step,
    /// Enter goes back to the review, from where this step was chosen.
    is_from_review: bool,
    /// The row that has the cursor on the pages without fields of their own.
    row: usize,
    /// The name is one that nobody typed: the first letter takes its place.
    is_name_proposed: bool,
    /// Somebody tried to leave the step as it is, so an empty field is wrong now.
    was_refused: bool,
    is_touched: bool,
    saving: Option<TaskId>,
    failure: Option<Error>,
}

#[derive(Debug)]
enum Purpose {
    Add,
    Edit { before: Box<Profile>, granted: Option<Vec<String>> },
    Rename { old: ProfileName, state: State },
    Remove { name: ProfileName, state: State, is_unrevoked: bool },
}

#[derive(Debug)]
struct Draft {
    name: Field,
    /// Rows of their lists.
    offer: usize,
    data_center: usize,
    client_type: usize,
    blanks: Vec<(Blank, Field)>,
    /// The blank that has the cursor.
    focus: usize,
    redirect_uri: Field,
    client_id: Field,
    secret: Hidden,
    picker: Picker,
}

impl ProfileForm {
    fn new(purpose: Purpose, config: &Config, step: Step) -> Self {
        let offers = offers::offers(config);
        let dialect = offers[0].dialect(config);
        let mut picker = Picker::new(Vec::new(), dialect);
        picker.change_provider(dialect);
        let draft = Draft {
            name: Field::new(""),
            offer: 0,
            data_center: 0,
            client_type: 0,
            blanks: Vec::new(),
            focus: 0,
            redirect_uri: Field::new(""),
            client_id: Field::new(""),
            secret: Hidden::new(),
            picker,
        };
        let config = config.clone();
        Self {
            purpose,
            config,
            offers,
            draft,
            step,
            is_from_review: false,
            row: 0,
            is_name_proposed: false,
            was_refused: false,
            is_touched: false,
            saving: None,
            failure: None,
        }
    }

    /// The form with the values that a profile has.
    fn of(profile: &Profile, granted: Option<Vec<String>>, config: &Config) -> Self {
        let before = Box::new(profile.clone());
        let mut form = Self::new(Purpose::Edit { before, granted }, config, Step::Review);
        form.draft.name = Field::new(profile.name.as_str());
        form.draft.offer = offers::position(&form.offers, &profile.provider).unwrap_or(0);
        let code = profile.data_center.as_deref().unwrap_or_default();
        let data_centers = form.data_centers();
        form.draft.data_center =
            data_centers.iter().position(|data_center| data_center.code.eq_ignore_ascii_case(code)).unwrap_or(0);
        form.draft.client_type = ClientType::ALL.iter().position(|kind| *kind == profile.client_type).unwrap_or(0);
        form.draft.redirect_uri = Field::new(profile.redirect_uri.as_ref().map_or("", RedirectUri::as_str));
        form.draft.client_id = Field::new(&profile.client_id);
        form.draft.picker = Picker::new(profile.scopes.clone(), form.dialect());
        // On the first value rather than on saving, since nothing is changed yet.
        form.row = 1;
        form
    }

    /// The profile that it is about, which has to be there.
    fn existing(&self) -> Option<&ProfileName> {
        match &self.purpose {
            Purpose::Add => None,
            Purpose::Edit { before, .. } => Some(&before.name),
            Purpose::Rename { old: name, .. } | Purpose::Remove { name, .. } => Some(name),
        }
    }

    fn name(&self) -> String {
        self.draft.name.text().trim().to_owned()
    }

    /// The field that has the cursor, where a step is one for typing.
    fn field_mut(&mut self) -> Option<&mut Field> {
        match self.step {
            Step::Name => Some(&mut self.draft.name),
            Step::Server => self.draft.blanks.get_mut(self.draft.focus).map(|(_, field)| field),
            Step::RedirectUri => Some(&mut self.draft.redirect_uri),
            Step::ClientId => Some(&mut self.draft.client_id),
            _ => None,
        }
    }

    /// Leaves a proposed name to be edited, or takes it away for what is typed in its place.
    fn end_proposal(&mut self, is_text: bool) {
        if self.step == Step::Name && std::mem::take(&mut self.is_name_proposed) && is_text {
            self.draft.name = Field::new("");
        }
    }

    /// The type of client has a sign-in that the screen can show.
    fn signs_in_here(&self) -> bool {
        self.client_type() == ClientType::NonBrowser
    }
}

/// Opens the form for a new profile.
fn add(model: &mut Model) -> Vec<Effect> {
    let mut form = ProfileForm::new(Purpose::Add, &model.config, Step::Name);
    if model.config.profiles.is_empty() {
        // Whoever has one only need not think about its name.
        form.draft.name = Field::new("work");
        form.is_name_proposed = true;
    }
    open(model, form)
}

/// The same with a name that was given before.
pub fn add_named(model: &mut Model, name: Option<&ProfileName>) -> Vec<Effect> {
    let effects = add(model);
    if let (Some(name), Some(form)) = (name, model.profile_form.as_mut()) {
        form.draft.name = Field::new(name.as_str());
        form.is_name_proposed = true;
    }
    effects
}

/// Opens the form for the values of a profile.
pub fn edit(model: &mut Model, name: &ProfileName) -> Vec<Effect> {
    let Some(profile) = model.config.profiles.get(name) else { return Vec::new() };
    let status = model.profiles.statuses.iter().find(|status| status.name == *name);
    let status = status.filter(|status| status.state != State::SignedOut);
    let granted = status.map(|status| status.scopes.clone());
    let form = ProfileForm::of(profile, granted, &model.config);
    open(model, form)
}

/// Opens it at the value of one step, such as the one that a sign-in failed for. A step that the profile does not have
/// leaves it at the whole.
///
/// Where a sign-in led here, saving goes on with that sign-in.
pub fn edit_at(model: &mut Model, name: &ProfileName, step: Step) -> Vec<Effect> {
    let effects = edit(model, name);
    if let Some(form) = model.profile_form.as_mut().filter(|form| form.steps().contains(&step)) {
        form.go_to(step);
        form.is_from_review = step != Step::Review;
    }
    effects
}

/// Opens the form for the name of a profile.
fn rename(model: &mut Model, status: &ProfileStatus) -> Vec<Effect> {
    let purpose = Purpose::Rename { old: status.name.clone(), state: status.state };
    let mut form = ProfileForm::new(purpose, &model.config, Step::Name);
    form.draft.name = Field::new(status.name.as_str());
    open(model, form)
}

/// Opens the question whether a profile is to go.
fn remove(model: &mut Model, status: &ProfileStatus) -> Vec<Effect> {
    let ProfileStatus { name, state, is_unrevoked, .. } = status;
    let purpose = Purpose::Remove { name: name.clone(), state: *state, is_unrevoked: *is_unrevoked };
    let form = ProfileForm::new(purpose, &model.config, Step::Remove);
    open(model, form)
}

/// Opens the form that a command of the profiles asks for; `None` for the other commands.
pub fn open_by(model: &mut Model, command: Command) -> Option<Vec<Effect>> {
    let has_none = model.config.profiles.is_empty() && model.profiles.statuses.is_empty();
    let is_first = has_none && command == Command::Choose;
    if is_first || command == Command::AddProfile {
        return Some(add(model));
    }
    let mut status = model.profiles.selected().cloned();
    if let Some(status) = status.as_mut().filter(|_| !model.profiles.is_loaded()) {
        // So far it is no more than a name.
        status.state = State::Unknown;
    } else if let Some(status) =
        status.as_mut().filter(|status| status.is_signed_in() && status.state == State::Unknown)
    {
        // When its token ends is all that is not known.
        status.state = State::Valid;
    }
    let mut effects = match command {
        Command::EditProfile => edit(model, &status?.name),
        Command::RenameProfile => rename(model, &status?),
        Command::RemoveProfile => remove(model, &status?),
        _ => return None,
    };
    // Somebody else may have removed it meanwhile.
    effects.push(Effect::LoadStatuses);
    Some(effects)
}

fn open(model: &mut Model, form: ProfileForm) -> Vec<Effect> {
    // It would stand where the keys are told.
    model.notice = None;
    model.profile_form = Some(form);
    model.screen = Screen::ProfileForm;
    Vec::new()
}

/// What can be asked for now, in the order of the footer.
pub fn commands(model: &Model) -> Vec<Command> {
    let Some(form) = &model.profile_form else { return vec![Command::Back] };
    match form.step {
        Step::Scopes => {
            let toggle = form.draft.picker.ticks_by_space().then_some(Command::Toggle);
            toggle.into_iter().chain([Command::Choose, Command::Back]).collect()
        }
        Step::Server if form.draft.blanks.len() > 1 => vec![Command::Choose, Command::NextPane, Command::Back],
        step if step.is_typed() => vec![Command::Choose, Command::Back],
        _ => vec![Command::Choose, Command::Help, Command::Back],
    }
}

/// What Enter and Space do with the row of a list of scopes.
pub fn label(model: &Model, command: Command) -> Option<&'static str> {
    let form = model.profile_form.as_ref().filter(|form| form.step == Step::Scopes)?;
    match command {
        Command::Choose => form.draft.picker.enter_label(),
        Command::Toggle => form.draft.picker.space_label(),
        _ => None,
    }
}

/// Keys are text now.
pub fn captures_keys(model: &Model) -> bool {
    model.profile_form.as_ref().is_some_and(|form| form.step.is_typed())
}

/// Takes in a key that is text.
pub fn press(model: &mut Model, key: Key, now: Now) -> Vec<Effect> {
    let Some(form) = &mut model.profile_form else { return Vec::new() };
    if form.saving.is_some() {
        return Vec::new();
    }
    if form.step == Step::Scopes {
        let before = form.draft.picker.chosen.clone();
        let pressed = form.draft.picker.press(key);
        form.is_touched |= before != form.draft.picker.chosen;
        return match pressed {
            Pressed::Taken => Vec::new(),
            Pressed::GoOn => choose(model, now),
            Pressed::Leave => back(model),
        };
    }
    let fields = form.draft.blanks.len();
    match key {
        Key::Enter if form.step == Step::Server && form.draft.focus + 1 < fields => form.draft.focus += 1,
        Key::Enter => return choose(model, now),
        Key::Esc => return back(model),
        Key::Tab | Key::Down if form.step == Step::Server => form.draft.focus = (form.draft.focus + 1) % fields.max(1),
        Key::BackTab | Key::Up if form.step == Step::Server => {
            form.draft.focus = form.draft.focus.checked_sub(1).unwrap_or(fields.saturating_sub(1));
        }
        key if form.step == Step::ClientSecret => form.is_touched |= form.draft.secret.press(key),
        key => {
            form.end_proposal(matches!(key, Key::Char(_)));
            let field = form.field_mut();
            let before = field.as_ref().map(|field| field.text());
            let after = field.map(|field| {
                field.press(key);
                field.text()
            });
            form.is_touched |= before != after;
        }
    }
    Vec::new()
}

/// Puts pasted text where the cursor is; elsewhere it means nothing.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let Some(form) = model.profile_form.as_mut().filter(|form| form.saving.is_none()) else { return Vec::new() };
    form.is_touched |= form.step.is_typed();
    match form.step {
        Step::Scopes => form.draft.picker.paste(text),
        Step::ClientSecret => form.draft.secret.paste(text),
        _ => {
            form.end_proposal(true);
            if let Some(field) = form.field_mut() {
                field.paste(text, true);
            }
        }
    }
    Vec::new()
}

/// Does what the person asked for on a page that is a list.
pub fn command(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let Some(form) = model.profile_form.as_mut() else { return profiles::open(model) };
    if form.saving.is_some() {
        return Vec::new();
    }
    match command {
        _ if command.is_move() => {
            form.was_refused = false;
            form.row = moved(form.row, command, PAGE).min(form.rows().saturating_sub(1));
            Vec::new()
        }
        Command::Choose | Command::Toggle => choose(model, now),
        Command::Back => back(model),
        Command::Quit => ask_or_leave(model),
        _ => Vec::new(),
    }
}

/// Goes on: to the next step, to what the row is for, or to saving.
fn choose(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(form) = &mut model.profile_form else { return Vec::new() };
    let is_for_saving = match form.step {
        Step::Review => form.row == 0,
        Step::Remove => form.row > 0,
        Step::Name => matches!(form.purpose, Purpose::Rename { .. }),
        _ => false,
    };
    if is_for_saving {
        return saving::save(model, now);
    }
    match form.step {
        Step::Review => {
            if let Some(step) = form.steps().get(form.row - 1).copied().filter(|step| *step != Step::Review) {
                form.go_to(step);
                form.is_from_review = true;
            }
            Vec::new()
        }
        Step::Saved if form.row == 0 && form.signs_in_here() => match form.name().parse() {
            Ok(name) => {
                model.profile_form = None;
                sign_in::start(model, name, sign_in::attended())
            }
            Err(_) => leave(model),
        },
        Step::Saved | Step::Remove => leave(model),
        _ => {
            form.go_on();
            Vec::new()
        }
    }
}

/// One step back, or out.
fn back(model: &mut Model) -> Vec<Effect> {
    let Some(form) = &mut model.profile_form else { return Vec::new() };
    if form.step == Step::Saved {
        return leave(model);
    }
    match form.before() {
        Some(step) => {
            form.failure = None;
            form.go_to(step);
            Vec::new()
        }
        None => ask_or_leave(model),
    }
}

fn ask_or_leave(model: &mut Model) -> Vec<Effect> {
    let is_touched = model.profile_form.as_ref().is_some_and(|form| form.is_touched && form.step != Step::Saved);
    if !is_touched {
        return leave(model);
    }
    let question = "Throw away what you typed? Nothing of it is saved.".to_owned();
    model.overlay = Some(Overlay::Confirm { question, action: Confirmed::LeaveForm });
    Vec::new()
}

/// Goes back to the profiles, or to the sign-in that led here; what was typed is gone.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    model.profile_form = None;
    if model.sign_in.is_some() {
        model.screen = Screen::SignIn;
        return Vec::new();
    }
    profiles::open(model)
}
