//! What helps, in the words of the screens: the key of the screen that is shown, where it has one for it.

use super::panel::Panel;
use super::surroundings::Surroundings;
use crate::error::{Advice, Error, Value, Way};
use crate::near;
use crate::words::date_and_time;

/// What to do about an error, as a clause, where that is known.
pub(super) fn hint(around: &Surroundings, panel: &dyn Panel, error: &Error) -> Option<String> {
    (!error.advice.is_empty()).then(|| in_line(around, panel, &error.advice))
}

/// Several things to do, as a clause.
pub(super) fn in_line(around: &Surroundings, panel: &dyn Panel, advice: &[Advice]) -> String {
    advice.iter().map(|advice| said(around, panel, advice)).collect::<Vec<_>>().join("; ")
}

/// Tells whether the words of it name a key.
pub(super) fn names_a_key(around: &Surroundings, panel: &dyn Panel, advice: &[Advice]) -> bool {
    advice.iter().any(|advice| match advice {
        Advice::Phrase(parts) => names_a_key(around, panel, parts),
        act => key(around, panel, act).is_some(),
    })
}

/// The words for a key that does what helps.
pub(super) fn press(key: &str) -> String {
    format!("press {key}")
}

/// One thing to do, as a clause.
pub(super) fn said(around: &Surroundings, panel: &dyn Panel, advice: &Advice) -> String {
    match (key(around, panel, advice), advice) {
        (Some(key), Advice::AddScopes(_, _, new)) => {
            return format!("{} and add `{}` to the scopes", press(&key), new.join(" "));
        }
        (Some(key), _) => return press(&key),
        (None, _) => {}
    }
    match advice {
        Advice::Words(words) => words.to_string(),
        Advice::Meant(near) => near::question(near),
        Advice::Phrase(parts) => parts.iter().map(|part| said(around, panel, part)).collect(),
        Advice::SignIn(profile) | Advice::SignInBy(profile, Way::Resume | Way::NewCode) => {
            format!("sign `{profile}` in")
        }
        Advice::SignInBy(profile, Way::Web) => signing_in(around, profile.as_str(), "--web"),
        Advice::SignInBy(profile, Way::GrantCode) => signing_in(around, profile.as_str(), "--grant-code"),
        Advice::SignOut(profile) => format!("log `{profile}` out"),
        Advice::Forget(profile) => format!("have the sign-in of `{profile}` forgotten here"),
        Advice::Refresh(profile) => format!("refresh the token of `{profile}`"),
        Advice::AddProfile(_) => "add a profile".to_owned(),
        Advice::EditProfile(profile) => format!("edit profile `{profile}`"),
        Advice::RemoveProfile(profile) | Advice::RemoveAnyway(profile) => format!("remove profile `{profile}`"),
        Advice::ListProfiles => "look through the profiles that are there".to_owned(),
        Advice::NameProfile => "choose a profile".to_owned(),
        Advice::ShowProfile => "compare the configuration with `docs/configuration.md`".to_owned(),
        Advice::GiveSecret(_) => "give the client's secret".to_owned(),
        Advice::EditValue(profile, Value::ClientId) => format!("correct the client's id of profile `{profile}`"),
        Advice::EditValue(profile, Value::RedirectUri) => format!("give profile `{profile}` its redirect URI"),
        Advice::EditValue(profile, Value::Scopes) => format!("change the scopes of profile `{profile}`"),
        Advice::AddScopes(profile, _, new) => {
            format!("add `{}` to the scopes of profile `{profile}`", new.join(" "))
        }
        Advice::AcceptEndpoints(profile) => format!("accept the endpoints of `{profile}` on the command line"),
        Advice::ListScopes | Advice::ListScopesOf(_) => "the form of a profile lists those that are known".to_owned(),
        Advice::ListProducts => "the list of requests has the products".to_owned(),
        Advice::InitStore => "have an admin of the database set the store up".to_owned(),
        Advice::PlainSignIn => "sign in on the command line".to_owned(),
        Advice::SaveAnswer => "write the answer to a file on the command line".to_owned(),
        Advice::Demo => "try the demo".to_owned(),
        Advice::Help => "look into the help".to_owned(),
        Advice::CheckConfig => "have the configuration checked on the command line".to_owned(),
        Advice::ListHosts => "list the hosts of the data centers on the command line".to_owned(),
        Advice::RekeyStore => "have the store's key changed on the command line".to_owned(),
        Advice::CheckStore { repair: false } => "check the store on the command line".to_owned(),
        Advice::CheckStore { repair: true } => "have the store repaired on the command line".to_owned(),
        Advice::CopyStore(to) => format!("copy the store to {to} on the command line"),
        Advice::PrintStoreSetup => "print what the database needs on the command line".to_owned(),
        Advice::WaitUntil(time) => format!("try again after {}", date_and_time(*time, &around.zone)),
    }
}

/// How to sign in by what no screen does.
pub(super) fn signing_in(around: &Surroundings, profile: &str, flag: &str) -> String {
    format!("sign in on the command line: `{}login {profile} {flag}`", around.called)
}

/// The key that does it now, on this screen and for the profile that the screen is about.
fn key(around: &Surroundings, panel: &dyn Panel, advice: &Advice) -> Option<String> {
    // The screen of a sign-in goes on with a code that waits, and asks whether another one is wanted.
    let pending = match advice {
        Advice::SignInBy(profile, Way::Resume | Way::NewCode) => Some(Advice::SignIn(profile.clone())),
        _ => None,
    };
    let advice = pending.as_ref().unwrap_or(advice);
    let command = panel.helps(around, advice).filter(|command| panel.commands(around).contains(command))?;
    Some(around.key(panel.scope(), command))
}
