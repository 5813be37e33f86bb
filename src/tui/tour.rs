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

    /// What to press next on a screen with these keys, in ever fewer words.
    pub fn next(self, around: &Surroundings, scope: Scope) -> Option<[String; 2]> {
        let key = |command| around.key(scope, command);
        let [long, short] = match (self, scope) {
            (Tour::Begun, Scope::Profiles) => {
                [format!("{} signs profile work in.", key(Command::SignIn)), String::new()]
            }
            (Tour::SignedIn, Scope::Profiles) => {
                let api = key(Command::Api);
                [format!("{api} opens the API. One of its calls lacks its scope."), format!("{api} opens the API.")]
            }
            (Tour::Refused, Scope::Profiles) => {
                let api = key(Command::Api);
                [format!("{api} goes back to the call, where a key mends it."), format!("{api} goes back to the call.")]
            }
            (Tour::SignedIn, Scope::Api) => {
                let send = key(Command::Choose);
                [
                    format!("choose Organization, which has no scope, and press {send}."),
                    format!("Organization, then {send}."),
                ]
            }
            (Tour::Refused, Scope::Api) => {
                let fix = key(Command::Fix);
                [format!("{fix} asks for the scope that lacks; then the call follows."), format!("{fix} mends that.")]
            }
            (Tour::Mended, Scope::Profiles) => {
                let [refresh, quit] = [Command::Refresh, Command::Quit].map(key);
                [
                    format!("that was all. {refresh} refreshes a profile that ended, {quit} leaves."),
                    format!("that was all. {quit} leaves."),
                ]
            }
            (Tour::Mended, Scope::Api) => {
                let back = key(Command::Back);
                [format!("that was all. {back} goes back to the profiles."), format!("{back} goes back.")]
            }
            _ => return None,
        };
        Some([format!("Next: {long}"), format!("Next: {}", if short.is_empty() { &long } else { &short })])
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Tour;
    use crate::config::Config;
    use crate::service::Machine;
    use crate::tui::keymap::Scope;
    use crate::tui::surroundings::Surroundings;
    use crate::tui::text::width;
    use crate::tui::theme::Environment;

    #[test]
    fn each_step_says_what_is_next_by_keys_that_fit() {
        let environment = Environment { term: Some("xterm-256color"), ..Environment::default() };
        let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
        let config = Config::parse("", Path::new("config.toml")).expect("an empty configuration");
        let around = Surroundings::new(environment.abilities(), machine, config);
        for (tour, scope, part) in [
            (Tour::Begun, Scope::Profiles, Some("n signs profile work in")),
            (Tour::SignedIn, Scope::Profiles, Some("a opens the API")),
            (Tour::SignedIn, Scope::Api, Some("press Enter")),
            (Tour::Refused, Scope::Api, Some("f asks for the scope")),
            (Tour::Refused, Scope::Profiles, Some("a goes back to the call")),
            (Tour::Mended, Scope::Api, Some("Esc goes back")),
            (Tour::Mended, Scope::Profiles, Some("q leaves")),
            (Tour::Begun, Scope::SignIn, None),
            (Tour::SignedIn, Scope::ProfileForm, None),
        ] {
            let next = tour.next(&around, scope);
            assert_eq!(
                next.as_ref().map(|next| next[0].contains(part.unwrap_or_default())),
                part.map(|_| true),
                "{tour:?} {scope:?}"
            );
            let fits = next.is_none_or(|[long, short]| width(&long) <= 76 && width(&short) <= 36);
            assert!(fits, "{tour:?} {scope:?}");
        }
    }
}
