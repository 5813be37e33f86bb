//! The end of the form: what saving means, the one effect that asks for it, and what became of that.

use super::steps::Step;
use super::{ProfileForm, Purpose};
use crate::error::{Code, Error};
use crate::service::{Consequence, consequences};
use crate::tui::keymap::Command;
use crate::tui::overlay::Overlay;
use crate::tui::panel::{Outcome, Then};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;

impl ProfileForm {
    /// What a change means for somebody who is signed in, in words.
    pub(super) fn consequences(&self) -> Vec<&'static str> {
        let Purpose::Edit { before, granted: Some(granted), .. } = &self.purpose else { return Vec::new() };
        let Ok(draft) = self.profile_draft() else { return Vec::new() };
        consequences(&self.config, before, &draft.profile, granted).into_iter().map(in_words).collect()
    }

    /// Asks for what was typed to be written, or goes to the step that does not allow it.
    pub(super) fn save(&mut self, around: &mut Surroundings, now: Now) -> Then {
        self.failure = None;
        if let Purpose::Edit { before, .. } = &self.purpose {
            let is_same = self.profile_draft().is_ok_and(|draft| draft.secret.is_none() && draft.profile == **before);
            if is_same {
                around.say(Mark::Good, format!("{}: nothing was changed.", self.name()), now);
                return Outcome::Nothing.into();
            }
        }
        if let Some(question) = self.question().filter(|_| self.unready().is_none()) {
            around.overlay = Some(Overlay::Confirm { question, command: Command::Import });
            return Then::default();
        }
        self.begin_saving(around)
    }

    /// The same without a question.
    pub(super) fn begin_saving(&mut self, around: &mut Surroundings) -> Then {
        let task = around.new_task();
        match self.effect(task) {
            Ok(effect) => {
                self.saving = Some(task);
                effect.into()
            }
            Err(step) => {
                let is_from_review = self.step == Step::Review;
                self.go_to(step);
                self.is_from_review = is_from_review;
                self.was_refused = true;
                Then::default()
            }
        }
    }

    /// Whether saving leads to the sign-in at once. One that no screen does is told first.
    pub(super) fn goes_on_to_sign_in(&self) -> bool {
        self.is_for_sign_in && (self.signs_in_here() || matches!(self.purpose, Purpose::Edit { .. }))
    }

    /// Takes in that what was typed is written, or why it is not.
    pub(super) fn saved(&mut self, result: Result<(), Error>, around: &mut Surroundings, now: Now) -> Then {
        self.saving = None;
        if let Err(error) = result {
            if let Some(profile) = self.existing().filter(|_| error.code == Code::UnknownProfile).cloned() {
                return Outcome::Gone { profile, error, wanted: Command::EditProfile }.into();
            }
            self.failure = Some(error);
            if self.step == Step::Remove {
                // What there is to choose has changed, and keeping it is the safe answer.
                self.row = 0;
            }
            return Then::default();
        }
        if self.goes_on_to_sign_in() {
            return self.leave_for(Outcome::SignIn);
        }
        let wants_sign_in = match &self.purpose {
            Purpose::Add => true,
            Purpose::Edit { granted, .. } => granted.is_some() && !self.consequences().is_empty(),
            Purpose::Import | Purpose::Rename { .. } | Purpose::Remove { .. } => false,
        };
        if wants_sign_in {
            self.go_to(Step::Saved);
            return Then::default();
        }
        let name = self.name();
        let done = match &self.purpose {
            Purpose::Rename { old, .. } => format!("{old} is called {name} now."),
            Purpose::Remove { name, .. } => format!("{name} is removed."),
            _ => format!("{name}: saved."),
        };
        around.say(Mark::Good, done, now);
        self.leave_for(Outcome::About)
    }
}

fn in_words(consequence: Consequence) -> &'static str {
    match consequence {
        Consequence::OtherProvider => {
            "Saving logs the profile out: its access belongs to the old provider and is revoked there first. Sign in again afterwards."
        }
        Consequence::OtherClient => {
            "Saving logs the profile out: its access belongs to the old client and is revoked there first. Sign in again afterwards."
        }
        Consequence::NewScopes => "New scopes are granted by the next sign-in: sign in again afterwards.",
        Consequence::OtherDataCenter => "The data center counts from the next sign-in on: sign in again afterwards.",
    }
}
