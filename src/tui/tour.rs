//! What to press next in the demo, from the sign-in to the call that lacked its scope.

use super::keymap::{Command, Scope};
use super::message::Message;
use super::surroundings::Surroundings;
use crate::api::Diagnosis;

/// How far somebody has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tour {
    /// Nobody has approved yet.
    #[default]
    Begun,
    SignedIn,
    /// A call lacked its scope.
    Refused,
    /// It was answered since.
    Mended,
}

impl Tour {
    /// Goes on by what happened.
    pub fn note(&mut self, message: &Message) {
        *self = match message {
            Message::SignInEnded { result, .. } if *self == Tour::Begun && result.is_ok() => Tour::SignedIn,
            Message::Answered { result, .. } => match (*self, result.as_ref()) {
                (_, Ok(answer))
                    if answer.explained.as_ref().is_some_and(|why| why.diagnosis == Diagnosis::MissingScope) =>
                {
                    Tour::Refused
                }
                (Tour::Refused, Ok(answer)) if answer.explained.is_none() => Tour::Mended,
                (as_it_was, _) => as_it_was,
            },
            _ => *self,
        };
    }

    /// What to press next on a screen that offers these commands, in ever fewer words.
    pub fn next(self, around: &Surroundings, scope: Scope, offered: &[Command]) -> Option<[String; 2]> {
        let key = |command| around.key(scope, command);
        let is_offered = |command| offered.contains(&command);
        let [long, short] = match (self, scope) {
            (Tour::SignedIn, Scope::Profiles) if is_offered(Command::Api) => {
                let api = key(Command::Api);
                [format!("{api} opens the API. One of its calls lacks its scope."), format!("{api} opens the API.")]
            }
            (Tour::Refused, Scope::Profiles) if is_offered(Command::Api) => {
                let api = key(Command::Api);
                [format!("{api} goes back to the call, where a key mends it."), format!("{api} goes back to the call.")]
            }
            (Tour::Mended, Scope::Profiles) => {
                let [refresh, quit] = [Command::Refresh, Command::Quit].map(key);
                [
                    format!("that was all. {refresh} refreshes a profile that ended, {quit} leaves."),
                    format!("that was all. {quit} leaves."),
                ]
            }
            // Nobody has signed in yet, or the profile at the cursor is not.
            (_, Scope::Profiles) if is_offered(Command::SignIn) => {
                let sign_in = key(Command::SignIn);
                [format!("{sign_in} signs the profile at the cursor in."), format!("{sign_in} signs this profile in.")]
            }
            (Tour::Refused, Scope::Api) if is_offered(Command::Fix) => {
                let fix = key(Command::Fix);
                [format!("{fix} asks for the missing scope; then the call follows."), format!("{fix} mends that.")]
            }
            (Tour::SignedIn | Tour::Refused, Scope::Api) if is_offered(Command::Send) => {
                let send = key(Command::Choose);
                [
                    format!("choose Organization, which has no scope, and press {send}."),
                    format!("Organization, then {send}."),
                ]
            }
            (Tour::Mended, Scope::Api) => {
                let back = key(Command::Back);
                [format!("that was all. {back} goes back to the profiles."), format!("{back} goes back.")]
            }
            _ => return None,
        };
        Some([format!("Next: {long}"), format!("Next: {short}")])
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Tour;
    use crate::abilities::Environment;
    use crate::config::Config;
    use crate::service::Machine;
    use crate::tui::keymap::{Command, Scope};
    use crate::tui::surroundings::Surroundings;
    use crate::tui::text::width;

    #[test]
    fn each_step_says_what_is_next_by_keys_that_fit() {
        use Command::{Api, Choose, Fix, Send, SignIn};
        let environment = Environment { term: Some("xterm-256color"), ..Environment::default() };
        let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
        let config = Config::parse("", Path::new("config.toml")).expect("an empty configuration");
        let around = Surroundings::new(environment.abilities(), machine, config);
        let (profiles, api, form) = (Scope::Profiles, Scope::Api, Scope::ProfileForm);
        for (tour, scope, offered, part) in [
            (Tour::Begun, profiles, &[SignIn][..], Some("n signs the profile at the cursor in")),
            (Tour::Begun, profiles, &[], None),
            (Tour::SignedIn, profiles, &[SignIn, Api], Some("a opens the API")),
            // What is signed out since, or another one.
            (Tour::SignedIn, profiles, &[SignIn], Some("n signs the profile at the cursor in")),
            (Tour::Refused, profiles, &[SignIn], Some("n signs the profile at the cursor in")),
            (Tour::SignedIn, api, &[Send], Some("press Enter")),
            (Tour::SignedIn, api, &[], None),
            (Tour::Refused, api, &[Send, Fix], Some("f asks for the missing scope")),
            (Tour::Refused, api, &[Send], Some("press Enter")),
            (Tour::Refused, profiles, &[SignIn, Api], Some("a goes back to the call")),
            (Tour::Mended, api, &[Send], Some("Esc goes back")),
            (Tour::Mended, profiles, &[SignIn, Api], Some("q leaves")),
            (Tour::Begun, Scope::SignIn, &[SignIn], None),
            (Tour::SignedIn, form, &[Choose], None),
        ] {
            let next = tour.next(&around, scope, offered);
            let said = next.as_ref().map(|next| part.is_some_and(|part| next[0].contains(part)));
            assert_eq!(said, part.map(|_| true), "{tour:?} {scope:?}");
            let fits = next.is_none_or(|[long, short]| width(&long) <= 76 && width(&short) <= 36);
            assert!(fits, "{tour:?} {scope:?}");
        }
    }
}
