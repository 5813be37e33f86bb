//! The end of the form: what saving means, the one effect that asks for it, and what became of that.

use super::steps::Step;
use super::{ProfileForm, Purpose, leave};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::service::{Consequence, consequences};
use crate::tui::keymap::Command;
use crate::tui::message::{Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay};
use crate::tui::panels::{profiles, sign_in};
use crate::tui::theme::Mark;

impl ProfileForm {
    /// What a change means for somebody who is signed in, in words.
    pub(super) fn consequences(&self) -> Vec<&'static str> {
        let Purpose::Edit { before, granted: Some(granted) } = &self.purpose else { return Vec::new() };
        let Ok(draft) = self.profile_draft() else { return Vec::new() };
        consequences(&self.config, before, &draft.profile, granted).into_iter().map(in_words).collect()
    }
}

fn in_words(consequence: Consequence) -> &'static str {
    match consequence {
        Consequence::OtherProvider => {
            "Saving signs the profile out: its access belongs to the old provider and is revoked there first. Sign in again afterwards."
        }
        Consequence::OtherClient => {
            "Saving signs the profile out: its access belongs to the old client and is revoked there first. Sign in again afterwards."
        }
        Consequence::NewScopes => "New scopes are granted by the next sign-in: sign in again afterwards.",
        Consequence::OtherDataCenter => "The data center counts from the next sign-in on: sign in again afterwards.",
    }
}

/// Asks for what was typed to be written, or goes to the step that does not allow it.
pub(super) fn save(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(form) = &mut model.profile_form else { return Vec::new() };
    let change = form.change();
    form.failure = None;
    if let Purpose::Edit { before, .. } = &form.purpose {
        let is_same = form.profile_draft().is_ok_and(|draft| draft.secret.is_none() && draft.profile == **before);
        if is_same {
            let name = form.name();
            model.say(Mark::Good, format!("{name}: nothing was changed."), now);
            return leave(model);
        }
    }
    match change {
        Ok(change) => {
            let task = model.new_task();
            if let Some(form) = &mut model.profile_form {
                form.saving = Some(task);
            }
            vec![Effect::ChangeConfiguration { task, change }]
        }
        Err(step) => {
            let is_from_review = form.step == Step::Review;
            form.go_to(step);
            form.is_from_review = is_from_review;
            form.was_refused = true;
            Vec::new()
        }
    }
}

/// Takes in that what was typed is written, or why it is not.
pub fn saved(model: &mut Model, task: TaskId, result: Result<(), Error>, now: Now) -> Vec<Effect> {
    let Some(form) = model.profile_form.as_mut().filter(|form| form.saving == Some(task)) else {
        return Vec::new();
    };
    form.saving = None;
    if let Err(error) = result {
        if let Some(name) = form.existing().filter(|_| error.code == Code::UnknownProfile).cloned() {
            profiles::is_gone(model, &name, error, Command::EditProfile);
            return leave(model);
        }
        form.failure = Some(error);
        if form.step == Step::Remove {
            // What there is to choose has changed, and keeping it is the safe answer.
            form.row = 0;
        }
        return Vec::new();
    }
    let name: Option<ProfileName> = form.name().parse().ok();
    let wants_sign_in = match &form.purpose {
        Purpose::Add => true,
        Purpose::Edit { granted, .. } => granted.is_some() && !form.consequences().is_empty(),
        Purpose::Rename { .. } | Purpose::Remove { .. } => false,
    };
    model.profiles.select(name.clone());
    if model.sign_in.is_some() {
        // What it failed for may be mended now.
        model.profile_form = None;
        return sign_in::new_code(model, now);
    }
    if wants_sign_in {
        form.go_to(Step::Saved);
        return Vec::new();
    }
    let name = name.map(|name| name.to_string()).unwrap_or_default();
    let done = match &form.purpose {
        Purpose::Rename { old, .. } => format!("{old} is called {name} now."),
        Purpose::Remove { name, .. } => format!("{name} is removed."),
        _ => format!("{name}: saved."),
    };
    model.say(Mark::Good, done, now);
    leave(model)
}

/// Leaves the form of a profile that somebody else has removed or given another name.
pub fn leave_if_gone(model: &mut Model, now: Now) {
    let form = model.profile_form.as_ref().filter(|form| form.saving.is_none() && form.step != Step::Saved);
    let Some(name) = form.and_then(ProfileForm::existing).filter(|name| !model.config.profiles.contains_key(*name))
    else {
        return;
    };
    model.say(Mark::Attention, format!("Profile {name} is not configured any more."), now);
    model.overlay.take_if(|overlay| matches!(overlay, Overlay::Confirm { action: Confirmed::LeaveForm, .. }));
    // The profiles are read again anyway.
    drop(leave(model));
}
