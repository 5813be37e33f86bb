//! What helps, in the words of the command line: the one place where commands are written.

use jiff::Timestamp;

use super::words::time_of_day;
use crate::error::{Advice, Error};

/// What to do about an error, as one line.
pub(super) fn hint(error: &Error) -> String {
    in_line(&error.what_helps())
}

/// Several things to do, as one line.
pub(super) fn in_line(advice: &[Advice]) -> String {
    advice.iter().map(said).collect::<Vec<_>>().join("; ")
}

fn said(advice: &Advice) -> String {
    let run = |arguments: &str| format!("run `device-login {arguments}`");
    match advice {
        Advice::Words(words) => words.to_string(),
        Advice::Phrase(parts) => parts.iter().map(said).collect(),
        Advice::SignIn(profile) => run(&format!("login {profile}")),
        Advice::SignOut(profile) => run(&format!("logout {profile}")),
        Advice::Refresh(profile) => run(&format!("refresh {profile}")),
        Advice::AddProfile(Some(profile)) => run(&format!("profile add {profile}")),
        Advice::AddProfile(None) => run("profile add"),
        Advice::ListProfiles => "`device-login profile list` names the profiles that are there".to_owned(),
        Advice::ShowProfile => {
            "`device-login profile show` tells what is configured, `docs/configuration.md` what can be".to_owned()
        }
        Advice::GiveSecret(profile) => {
            let profile = profile.as_ref().map_or("NAME", |profile| profile.as_str());
            format!("`device-login profile edit {profile} --client-secret-stdin` takes the client's secret")
        }
        Advice::Help => "`device-login --help` and `COMMAND --help` tell more".to_owned(),
        Advice::WaitUntil(time) => until(*time),
        Advice::Run(arguments) => run(arguments),
    }
}

fn until(time: Timestamp) -> String {
    format!("try again after {}", time_of_day(time))
}
