//! What helps, in the words of the screens: the key of the screen that is shown, where it has one for it.

use super::keymap::Command;
use super::model::{Model, Screen};
use super::panels::{self, api};
use crate::error::{Advice, Error};
use crate::profile::ProfileName;
use crate::words::utc_time_of_day;

/// What to do about an error, as a clause, where that is known.
pub(super) fn hint(model: &Model, error: &Error) -> Option<String> {
    (!error.advice.is_empty()).then(|| in_line(model, &error.advice))
}

/// Several things to do, as a clause.
pub(super) fn in_line(model: &Model, advice: &[Advice]) -> String {
    advice.iter().map(|advice| said(model, advice)).collect::<Vec<_>>().join("; ")
}

/// Tells whether the words of it name a key.
pub(super) fn names_a_key(model: &Model, advice: &[Advice]) -> bool {
    advice.iter().any(|advice| match advice {
        Advice::Phrase(parts) => names_a_key(model, parts),
        act => key(model, act).is_some(),
    })
}

/// The words for a key that does what helps.
pub(super) fn press(key: &str) -> String {
    format!("press {key}")
}

/// One thing to do, as a clause.
pub(super) fn said(model: &Model, advice: &Advice) -> String {
    if let Some(key) = key(model, advice) {
        return press(&key);
    }
    match advice {
        Advice::Words(words) => words.to_string(),
        Advice::Phrase(parts) => parts.iter().map(|part| said(model, part)).collect(),
        Advice::SignIn(profile) => format!("sign `{profile}` in"),
        Advice::SignInBy(profile, _) => format!("sign `{profile}` in on the command line"),
        Advice::SignOut(profile) => format!("sign `{profile}` out"),
        Advice::Forget(profile) => format!("have the sign-in of `{profile}` forgotten here"),
        Advice::Refresh(profile) => format!("refresh the token of `{profile}`"),
        Advice::AddProfile(_) => "add a profile".to_owned(),
        Advice::RemoveProfile(profile) | Advice::RemoveAnyway(profile) => format!("remove profile `{profile}`"),
        Advice::ListProfiles => "look through the profiles that are there".to_owned(),
        Advice::NameProfile => "choose a profile".to_owned(),
        Advice::ShowProfile => "compare the configuration with `docs/configuration.md`".to_owned(),
        Advice::GiveSecret(_) => "give the client's secret".to_owned(),
        Advice::GiveRedirectUri(profile) => format!("give profile `{profile}` its redirect URI"),
        Advice::AcceptEndpoints(profile) => format!("accept the endpoints of `{profile}` on the command line"),
        Advice::ListScopes => "the form of a profile lists those that are known".to_owned(),
        Advice::ListProducts => "the list of requests has the products".to_owned(),
        Advice::InitStore => "have an admin of the database set the store up".to_owned(),
        Advice::PlainSignIn => "sign in on the command line".to_owned(),
        Advice::SaveAnswer => "write the answer to a file on the command line".to_owned(),
        Advice::Demo => "try the demo".to_owned(),
        Advice::Help => "look into the help".to_owned(),
        Advice::WaitUntil(time) => format!("try again after {}", utc_time_of_day(*time)),
        Advice::Run(arguments) => format!("use the command line: `{arguments}`"),
    }
}

/// The key that does it now, on this screen and for the profile that the screen is about.
fn key(model: &Model, advice: &Advice) -> Option<String> {
    let (command, profile) = match advice {
        Advice::SignIn(profile) if model.screen == Screen::Api => (Command::Fix, Some(profile)),
        Advice::SignIn(profile) => (Command::SignIn, Some(profile)),
        Advice::SignOut(profile) => (Command::SignOut, Some(profile)),
        Advice::Refresh(profile) => (Command::Refresh, Some(profile)),
        Advice::GiveSecret(Some(profile)) | Advice::GiveRedirectUri(profile) => (Command::EditProfile, Some(profile)),
        Advice::RemoveProfile(profile) => (Command::RemoveProfile, Some(profile)),
        Advice::AddProfile(_) => (Command::AddProfile, None),
        _ => return None,
    };
    let is_there = profile.is_none_or(|profile| is_about(model, profile)) && panels::commands(model).contains(&command);
    is_there.then(|| model.key(command))
}

/// Whether that profile is the one for which the keys of this screen do something.
fn is_about(model: &Model, profile: &ProfileName) -> bool {
    match model.screen {
        Screen::Profiles => model.profiles.selected().is_some_and(|status| status.name == *profile),
        Screen::Api => api::can_sign_in(model, profile),
        Screen::SignIn | Screen::ProfileForm | Screen::Kiosk => false,
    }
}
