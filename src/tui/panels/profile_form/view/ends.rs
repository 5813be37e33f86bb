//! The words at the end: all of it for a look, what a removal means, and what comes after saving.

use super::super::steps::Step;
use super::super::{ProfileForm, Purpose};
use super::pages::{described, host, signing_in_elsewhere};
use super::{Choice, Page, scopes};
use crate::service::State;
use crate::tui::keymap::{Command, Scope};
use crate::tui::surroundings::Surroundings;
use crate::tui::theme::Mark;

pub(super) fn review<'a>(around: &Surroundings, form: &ProfileForm) -> Page<'a> {
    let (heading, save) = match &form.purpose {
        Purpose::Edit { .. } if form.is_for_sign_in => {
            (format!("Profile {}", form.name()), "Save the changes and sign in")
        }
        Purpose::Edit { .. } => (format!("Profile {}", form.name()), "Save the changes"),
        Purpose::Import => (format!("Profile {}: is all of it right?", form.name()), "Import the token"),
        _ if form.goes_on_to_sign_in() => {
            (format!("Profile {}: is all of it right?", form.name()), "Save the profile and sign in")
        }
        _ => (format!("Profile {}: is all of it right?", form.name()), "Save the profile"),
    };
    let mut rows = vec![Choice { text: save.to_owned(), detail: String::new() }];
    let steps = form.steps().into_iter().filter(|step| *step != Step::Review);
    rows.extend(steps.map(|step| Choice {
        text: format!("{:14} {}", step.title(), marked_value(form, step)),
        detail: String::new(),
    }));
    let mut notes = Vec::new();
    // What cannot be saved has none.
    if form.unready().is_none() {
        let secret = "A client secret that the profile has is the old client's and goes with it.";
        let hosts = "The hosts for git and other APIs that the profile names are of the old server and go with it.";
        let lost = form.loses_secret().then_some(secret).into_iter().chain(form.loses_hosts().then_some(hosts));
        let told = form.consequences().into_iter().chain(lost);
        notes.extend(told.map(|told| (Some(Mark::Attention), told.to_owned())));
    }
    notes.extend(form.lack_of_secret().map(|lack| (Some(Mark::Attention), lack)));
    notes.extend(scopes::advice_on(&form.draft.picker));
    let file = around.config.file.display();
    let picker = &form.draft.picker;
    let words: Vec<String> = picker.chosen.iter().map(|scope| picker.in_words(scope)).collect();
    let asks = (!words.is_empty() && !form.is_import()).then(|| format!("It asks for: {}.", words.join("; ")));
    let enter = around.key(Scope::ProfileForm, Command::Choose);
    let where_to = if form.is_import() {
        format!("{enter} on a line changes it. The token is tried at the provider first, and kept if it is good.")
    } else {
        format!("{enter} on a line changes it. Saved to {file}, whose comments stay.")
    };
    Page {
        heading,
        rows,
        selected: Some(form.row),
        notes,
        has_rows_first: true,
        help: asks.into_iter().chain([where_to]).collect(),
        ..Page::default()
    }
}

/// The value of a step in a few words, and before it whether it can be saved.
fn marked_value(form: &ProfileForm, step: Step) -> String {
    let value = Some(value(form, step)).filter(|value| !value.is_empty());
    match (form.check(step), value) {
        (Ok(()), value) => value.unwrap_or_default(),
        (Err(_), Some(value)) if !matches!(step, Step::Token | Step::ClientSecret) => {
            format!("! to be mended: {value}")
        }
        (Err(_), _) => "! to be mended".to_owned(),
    }
}

fn value(form: &ProfileForm, step: Step) -> String {
    match step {
        Step::Name => form.name(),
        Step::Token => "goes into the store".to_owned(),
        Step::Provider => form.offer().label.clone(),
        Step::Server => {
            let values: Vec<String> = form.draft.blanks.iter().map(|(_, field)| field.text()).collect();
            values.join(", ")
        }
        Step::DataCenter => form.data_center().map_or_else(String::new, |data_center| {
            format!("{}, {}", data_center.code.to_ascii_uppercase(), host(&data_center))
        }),
        Step::ClientType => described(form.client_type()).0.to_owned(),
        Step::RedirectUri => form.draft.redirect_uri.text(),
        Step::ClientId => form.draft.client_id.text(),
        Step::ClientSecret => match (&form.purpose, form.draft.secret.is_empty()) {
            (Purpose::Import, false) => "goes into the store".to_owned(),
            (_, false) => "typed, goes into the store".to_owned(),
            (Purpose::Edit { .. }, true) if form.may_have_secret() => "as it is".to_owned(),
            (_, true) => "none".to_owned(),
        },
        Step::Scopes => match form.draft.picker.chosen.as_slice() {
            [] if form.is_import() => "those of the token".to_owned(),
            [] => "none".to_owned(),
            [only] => only.clone(),
            all => format!("{}: {}", all.len(), all.join(", ")),
        },
        Step::Review | Step::Remove | Step::Saved => String::new(),
    }
}

pub(super) fn remove<'a>(form: &ProfileForm) -> Page<'a> {
    let Purpose::Remove { name, state, is_unrevoked } = &form.purpose else { return Page::default() };
    let becomes = match state {
        _ if form.may_remove_unrevoked() => {
            "Without revoking, what it takes to revoke the access is forgotten here, and the access stays valid at the provider until somebody removes it there by hand."
        }
        State::SignedOut if *is_unrevoked => {
            "It is signed out here, but its access at the provider is not revoked yet. That is tried first; if it does not work, the profile stays."
        }
        State::SignedOut => {
            "It is not signed in, so there is no access to revoke. What the store keeps for it, such as its client secret, is forgotten."
        }
        State::Unknown => {
            "Whether it is signed in cannot be told. Its access is revoked at the provider first; if that does not work, the profile stays."
        }
        State::NeedsLogin => {
            "Its sign-in is over: it has to sign in again. What is left of its access is revoked at the provider first; then its tokens and its client secret are forgotten. If it cannot be revoked, the profile stays."
        }
        _ => {
            "It is signed in. Its access is revoked at the provider first; then its tokens and its client secret are forgotten. If it cannot be revoked, the profile stays."
        }
    };
    let answers = if form.may_remove_unrevoked() {
        &["Keep it", "Try again: revoke, then remove it", "Remove it; its access stays valid"][..]
    } else if *is_unrevoked || *state != State::SignedOut {
        &["Keep it", "Revoke its access, then remove it"]
    } else {
        &["Keep it", "Remove it"]
    };
    let rows = answers.iter().map(|text| Choice { text: (*text).to_owned(), detail: String::new() });
    Page {
        heading: format!("Remove profile {name}?"),
        intro: vec![becomes.to_owned()],
        rows: rows.collect(),
        selected: Some(form.row),
        ..Page::default()
    }
}

pub(super) fn saved<'a>(around: &Surroundings, form: &ProfileForm) -> Page<'a> {
    let name = form.name();
    let rows = if form.signs_in_here() { &["Sign in now", "To the profiles"][..] } else { &["To the profiles"] };
    let rows = rows.iter().map(|text| Choice { text: (*text).to_owned(), detail: String::new() });
    let way = signing_in_elsewhere(around, form, form.client_type());
    let way = way.unwrap_or_else(|| "Signing in shows a code that a phone or another computer approves.".to_owned());
    let mut intro = vec![format!("It is in {}. {way}", around.config.file.display())];
    let added = name.parse().ok().filter(|_| matches!(form.purpose, Purpose::Add));
    if let Some(other) = added.and_then(|added| around.config.meant_before(&added)) {
        let key = around.key(Scope::Profiles, Command::UseProfile);
        intro.push(format!("{other} was used where no profile is named: {key} on it keeps that."));
    }
    Page {
        heading: format!("Profile {name} is saved"),
        intro,
        rows: rows.collect(),
        selected: Some(form.row),
        ..Page::default()
    }
}
