//! The form that adds a profile, changes one, gives it another name or removes it, or brings it a token from elsewhere; one
//! step at a time, then all of it for a look.
//!
//! Nothing is written before the last step says so. What was typed stays until it is saved or thrown away on purpose. The
//! beginning is in `opening`, the steps and their checks are in `steps`, the way from one to the next is in `path`, the end in
//! `saving` and `importing`, and how they look in `view`.

mod hidden;
mod importing;
mod offers;
mod opening;
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

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::config::{ClientType, Config, Profile};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::providers::Dialect;
use crate::service::State;
use crate::storage::Protection;
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::message::Ended;
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::overlay::{Overlay, boxed};
use crate::tui::panel::{Heard, Outcome, Panel, Then, Title};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::moved;

use steps::Step;

/// A page of a list, for moving by one.
const PAGE: usize = 6;

/// What was typed and chosen so far.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is true or false for itself")]
pub struct ProfileForm {
    purpose: Purpose,
    /// A sign-in led here, and goes on once this is saved.
    is_for_sign_in: bool,
    /// Where secrets are kept, as far as that is known.
    kept: Option<Protection>,
    /// The configuration as it was when the form was opened. Saving reads the file again.
    config: Config,
    offers: Vec<Offer>,
    draft: Draft,
    step: Step,
    /// Enter goes back to the review, from where this step was chosen.
    is_from_review: bool,
    /// The row that has the cursor on the pages without fields of their own.
    row: usize,
    /// Somebody tried to leave the step as it is, so an empty field is wrong now.
    was_refused: bool,
    is_touched: bool,
    /// What stood in it when it was opened.
    begun: Vec<String>,
    /// The app was started for it: leaving it without saving leaves the app.
    is_alone: bool,
    saving: Option<TaskId>,
    failure: Option<Error>,
    /// Profiles of which the store says that they have no sign-in that could be replaced.
    signed_out: Vec<ProfileName>,
}

#[derive(Debug)]
enum Purpose {
    Add,
    /// Of a refresh token, into a profile that is there or is made for it.
    Import,
    Edit {
        before: Box<Profile>,
        granted: Option<Vec<String>>,
        /// Whether the store has a secret of its client, as far as that is known.
        stores_secret: Option<bool>,
    },
    Rename {
        old: ProfileName,
        state: State,
    },
    Remove {
        name: ProfileName,
        state: State,
        is_unrevoked: bool,
    },
}

#[derive(Debug)]
struct Draft {
    name: Field,
    /// Rows of their lists.
    offer: usize,
    data_center: usize,
    client_type: usize,
    blanks: Vec<(Blank, Field)>,
    /// The field that has the cursor, where there are several.
    focus: usize,
    redirect_uri: Field,
    /// The server that the client below is registered at, once one was chosen.
    server: Option<String>,
    client_id: Field,
    secret: Hidden,
    refresh_token: Hidden,
    /// The path of the file that has the token.
    env_file: Field,
    /// As the file tells it.
    api_domain: Option<String>,
    picker: Picker,
}

impl Purpose {
    /// A new profile begins with the dialect's first scopes; what a token allows is not asked for.
    fn picker(&self, dialect: &'static Dialect) -> Picker {
        let scopes = if matches!(self, Purpose::Import) { Vec::new() } else { dialect.first_scopes() };
        Picker::new(scopes.into_iter().map(str::to_owned).collect(), dialect)
    }
}

impl ProfileForm {
    /// The profile that it is about, which has to be there.
    fn existing(&self) -> Option<&ProfileName> {
        match &self.purpose {
            Purpose::Add | Purpose::Import => None,
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
            Step::Token => Some(&mut self.draft.env_file),
            _ => None,
        }
    }

    /// The same where what is typed is not shown.
    fn hidden_mut(&mut self) -> Option<&mut Hidden> {
        match self.step {
            Step::ClientSecret => Some(&mut self.draft.secret),
            Step::Token if self.draft.focus == 0 => Some(&mut self.draft.refresh_token),
            _ => None,
        }
    }

    fn fields(&self) -> usize {
        match self.step {
            Step::Server => self.draft.blanks.len(),
            Step::Token => 2,
            _ => 1,
        }
    }

    /// Takes in whether something of the draft was changed: what was wrong with it before is not said of it as it is now.
    fn note_change(&mut self, is_changed: bool) {
        if is_changed {
            self.is_touched = true;
            self.failure = None;
        }
    }

    /// All that can be typed and picked. What is hidden shows only whether it is there.
    fn values(&self) -> Vec<String> {
        let Draft { name, redirect_uri, client_id, env_file, .. } = &self.draft;
        let fields = [name, redirect_uri, client_id, env_file].into_iter();
        let shown =
            fields.chain(self.draft.blanks.iter().map(|(_, field)| field)).map(|field| field.text().trim().to_owned());
        let hidden = [&self.draft.secret, &self.draft.refresh_token]
            .map(|hidden| "typed".repeat(usize::from(!hidden.is_empty())));
        shown.chain(hidden).chain([self.draft.picker.chosen.join(" ")]).collect()
    }

    /// The type of client has a sign-in that the screen can show.
    fn signs_in_here(&self) -> bool {
        self.client_type() == ClientType::NonBrowser
    }

    /// Goes on: to the next step, to what the row is for, or to saving.
    fn choose(&mut self, around: &mut Surroundings, now: Now) -> Then {
        let is_for_saving = match self.step {
            Step::Review => self.row == 0,
            Step::Remove => self.row > 0,
            Step::Name => matches!(self.purpose, Purpose::Rename { .. }),
            _ => false,
        };
        if is_for_saving {
            return self.save(around, now);
        }
        match self.step {
            Step::Review => {
                if let Some(step) = self.steps().get(self.row - 1).copied().filter(|step| *step != Step::Review) {
                    self.go_to(step);
                    self.is_from_review = true;
                }
            }
            Step::Saved if self.row == 0 && self.signs_in_here() => return self.leave_for(Outcome::SignIn),
            Step::Saved => return self.leave_for(Outcome::About),
            Step::Remove => return Outcome::Nothing.into(),
            _ => self.go_on(),
        }
        Then::default()
    }

    /// One step back, or out.
    fn back(&mut self, around: &mut Surroundings) -> Then {
        match self.before() {
            Some(step) if self.step != Step::Saved => {
                self.failure = None;
                self.go_to(step);
                Then::default()
            }
            _ => self.ask_or_leave(around),
        }
    }

    fn ask_or_leave(&mut self, around: &mut Surroundings) -> Then {
        if self.step == Step::Saved {
            return self.leave_for(Outcome::About);
        }
        let is_lost = |value: &String| !value.is_empty() && !self.begun.contains(value);
        if !self.is_touched || !self.values().iter().any(is_lost) {
            return self.leave_unsaved();
        }
        let question = "Throw away what you typed? Nothing of it is saved.".to_owned();
        around.overlay = Some(Overlay::Confirm { question, command: Command::Back });
        Then::default()
    }

    /// What was typed is gone.
    fn leave_unsaved(&self) -> Then {
        if self.is_alone { Effect::Quit(Ended::Interrupted).into() } else { Outcome::Nothing.into() }
    }

    /// Goes back with the profile that it is about.
    fn leave_for(&self, outcome: impl Fn(ProfileName) -> Outcome) -> Then {
        self.name().parse().map_or(Outcome::Nothing, outcome).into()
    }
}

impl Panel for ProfileForm {
    fn scope(&self) -> Scope {
        Scope::ProfileForm
    }

    fn title(&self, around: &Surroundings, _now: Now) -> Option<Title> {
        Some(view::title(around, self))
    }

    fn commands(&self, _around: &Surroundings) -> Vec<Command> {
        match self.step {
            Step::Scopes => {
                let toggle = self.draft.picker.ticks_by_space().then_some(Command::Toggle);
                toggle.into_iter().chain([Command::Choose, Command::Back]).collect()
            }
            _ if self.fields() > 1 => vec![Command::Choose, Command::NextPane, Command::Back],
            step if step.is_typed() => vec![Command::Choose, Command::Back],
            _ => vec![Command::Choose, Command::Help, Command::Back],
        }
    }

    /// What Enter and Space do with the row of a list of scopes.
    fn label(&self, _around: &Surroundings, command: Command) -> Option<&'static str> {
        match command {
            Command::Choose if self.step == Step::Scopes => self.draft.picker.enter_label(),
            Command::Toggle if self.step == Step::Scopes => self.draft.picker.space_label(),
            _ => None,
        }
    }

    fn run(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        let fields = self.fields();
        match (command, self.step) {
            _ if self.saving.is_some() => {}
            (_, Step::Scopes) => {
                let before = self.draft.picker.chosen.clone();
                let pressed = self.draft.picker.run(command);
                self.note_change(before != self.draft.picker.chosen);
                match pressed {
                    Pressed::Taken => {}
                    Pressed::GoOn => return self.choose(around, now),
                    Pressed::Leave => return self.back(around),
                }
            }
            (Command::Choose, Step::Server) if self.draft.focus + 1 < fields => self.draft.focus += 1,
            (Command::Choose, Step::Token) if self.reads_file() => return self.read_file(around),
            (Command::Choose, Step::Token) if self.draft.focus == 0 && self.draft.refresh_token.is_empty() => {
                self.draft.focus = 1;
            }
            (Command::NextPane | Command::Down, step) if step.is_typed() => {
                self.draft.focus = (self.draft.focus + 1) % fields.max(1);
            }
            (Command::PreviousPane | Command::Up, step) if step.is_typed() => {
                self.draft.focus = self.draft.focus.checked_sub(1).unwrap_or(fields.saturating_sub(1));
            }
            (Command::Choose | Command::Toggle, _) => return self.choose(around, now),
            (Command::Back, _) => return self.back(around),
            (Command::Quit, _) => return self.ask_or_leave(around),
            (_, step) if command.is_move() && !step.is_typed() => {
                self.was_refused = false;
                self.row = moved(self.row, command, PAGE, self.rows().saturating_sub(1));
            }
            _ => {}
        }
        Then::default()
    }

    fn confirmed(&mut self, command: Command, around: &mut Surroundings, _now: Now) -> Then {
        if command == Command::Import { self.begin_saving(around) } else { self.leave_unsaved() }
    }

    fn is_typing(&self) -> bool {
        self.step.is_typed()
    }

    fn typed(&mut self, key: Key, around: &mut Surroundings, now: Now) -> Then {
        match self.step {
            _ if self.saving.is_some() => {}
            Step::Scopes => {
                // A key that is text where it does nothing else.
                let ticks = around.keymap.command(Scope::ProfileForm, key) == Some(Command::Toggle);
                if ticks && self.draft.picker.ticks_by_space() {
                    return self.run(Command::Toggle, around, now);
                }
                if self.draft.picker.typed(key) == Pressed::Leave {
                    return self.back(around);
                }
            }
            _ => {
                if let Some(hidden) = self.hidden_mut() {
                    if hidden.press(key) {
                        self.note_change(true);
                        self.token_is_edited();
                    }
                } else if let Some(field) = self.field_mut() {
                    let before = field.text();
                    field.press(key);
                    let is_changed = before != field.text();
                    self.note_change(is_changed);
                }
            }
        }
        Then::default()
    }

    fn paste(&mut self, text: &str, _around: &mut Surroundings, _now: Now) -> Then {
        if self.saving.is_some() {
            return Then::default();
        }
        self.note_change(self.step.is_typed());
        if self.step == Step::Scopes {
            self.draft.picker.paste(text);
        } else if let Some(hidden) = self.hidden_mut() {
            hidden.paste(text);
            self.token_is_edited();
        } else if !self.take_for_token(text)
            && let Some(field) = self.field_mut()
        {
            field.paste(text, true);
        }
        Then::default()
    }

    fn hear(&mut self, message: Message, _is_covered: bool, around: &mut Surroundings, now: Now) -> Heard {
        match message {
            Message::ConfigurationChanged { task, result } if self.saving == Some(task) => {
                (self.saved((*result).map(drop), around, now), None)
            }
            Message::EnvFileRead { task, result } if self.saving == Some(task) => {
                self.file_read(*result, around, now);
                (Then::default(), None)
            }
            Message::Imported { task, result } if self.saving == Some(task) => {
                (self.imported((*result).map(|(_, signed_in)| signed_in), around, now), None)
            }
            message => {
                if let Message::StatusesLoaded(statuses) = &message {
                    self.learn(statuses);
                    self.learn_signed_out(statuses);
                }
                (Then::default(), Some(message))
            }
        }
    }

    /// Leaves the form of a profile that somebody else has removed or given another name.
    fn reconfigured(&mut self, around: &mut Surroundings, now: Now) -> Then {
        let name = self.existing().filter(|_| self.saving.is_none() && self.step != Step::Saved);
        let Some(name) = name.filter(|name| !around.config.profiles.contains_key(*name)) else {
            return Then::default();
        };
        around.say(Mark::Attention, format!("Profile {name} is not configured any more."), now);
        around.overlay.take_if(|overlay| overlay.asks_about(Command::Back));
        Outcome::Nothing.into()
    }

    /// A removal is a question, as any other over the profiles.
    fn place(&self, around: &Surroundings) -> Option<Rect> {
        let is_question = self.step == Step::Remove;
        let rows = |columns| view::rows(around, self, columns);
        is_question.then(|| boxed::place(around.window, None, &boxed::QUESTION, rows)).flatten()
    }

    fn view(&self, around: &Surroundings, _now: Now, area: Rect, frame: &mut Frame<'_>) {
        view::view(around, self, area, frame);
    }
}
