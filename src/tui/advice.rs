//! What helps, in the words of the screens: the key of the screen that is shown, where it has one for it.

use std::borrow::Cow;

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
    let advice = &*here(around, advice);
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
        Advice::SignOut(profile) => format!("log `{profile}` out"),
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
        Advice::ListScopes | Advice::ListScopesOf(_) => "the form of a profile lists those that are known".to_owned(),
        Advice::ListProducts => "the list of requests has the products".to_owned(),
        Advice::Demo => "try the demo".to_owned(),
        Advice::Help => "look into the help".to_owned(),
        Advice::WaitUntil(time) => format!("try again after {}", date_and_time(*time, &around.zone)),
        Advice::SignInBy(_, Way::Web | Way::GrantCode)
        | Advice::Forget(_)
        | Advice::AcceptEndpoints(_)
        | Advice::InitStore
        | Advice::PlainSignIn
        | Advice::SaveAnswer
        | Advice::UseProfile
        | Advice::CheckConfig
        | Advice::ListHosts
        | Advice::RekeyStore
        | Advice::CheckStore { .. }
        | Advice::CopyStore(_)
        | Advice::PrintStoreSetup => around.command_line.said(advice),
    }
}

/// A sign-in as the screens know it: theirs goes on with a code that waits, and asks whether another one is wanted; what signs
/// in by no device code does so on the command line.
fn here<'a>(around: &Surroundings, advice: &'a Advice) -> Cow<'a, Advice> {
    let (Advice::SignIn(profile) | Advice::SignInBy(profile, Way::Resume | Way::NewCode)) = advice else {
        return Cow::Borrowed(advice);
    };
    Cow::Owned(match around.other_way(profile) {
        Some(way) => Advice::SignInBy(profile.clone(), way),
        None => Advice::SignIn(profile.clone()),
    })
}

/// The key that does it now, on this screen and for the profile that the screen is about.
fn key(around: &Surroundings, panel: &dyn Panel, advice: &Advice) -> Option<String> {
    let command =
        panel.helps(around, &here(around, advice)).filter(|command| panel.commands(around).contains(command))?;
    Some(around.key(panel.scope(), command))
}

#[cfg(test)]
mod tests {
    use super::said;
    use crate::abilities::Environment;
    use crate::config::Config;
    use crate::error::{Advice, Way};
    use crate::service::Machine;
    use crate::tui::panels::profiles::ProfilesPanel;
    use crate::tui::surroundings::Surroundings;

    #[test]
    fn nobody_is_sent_to_the_command_line_without_the_command() {
        let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
        let around = Surroundings::new(Environment::default().abilities(), machine, Config::default());
        let words = |advice: &Advice| said(&around, &ProfilesPanel::default(), advice);
        for advice in Advice::one_of_each() {
            assert!(!words(&advice).contains("command line"), "{}", words(&advice));
        }
        let work = || "work".parse().expect("a name");
        for advice in [
            Advice::Forget(work()),
            Advice::AcceptEndpoints(work()),
            Advice::SignInBy(work(), Way::GrantCode),
            Advice::SignInBy(work(), Way::Web),
        ] {
            assert_eq!(words(&advice), around.command_line.said(&advice));
        }
    }
}
