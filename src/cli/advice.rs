//! What helps, in the words of the command line: the one place where commands are written.

use super::words::time_of_day;
use crate::error::{Advice, Error, Way};

/// What to do about an error, as one line.
pub(super) fn hint(error: &Error) -> String {
    in_line(&error.what_helps())
}

/// Several things to do, as one line.
pub fn in_line(advice: &[Advice]) -> String {
    advice.iter().map(said).collect::<Vec<_>>().join("; ")
}

/// One thing to do.
pub fn said(advice: &Advice) -> String {
    let run = |arguments: &str| format!("run `device-login {arguments}`");
    match advice {
        Advice::Words(words) => words.to_string(),
        Advice::Phrase(parts) => parts.iter().map(said).collect(),
        Advice::SignIn(profile) => run(&format!("login {profile}")),
        Advice::SignInBy(profile, Way::Web) => run(&format!("login {profile} --web")),
        Advice::SignInBy(profile, Way::GrantCode) => run(&format!("login {profile} --grant-code")),
        Advice::SignOut(profile) => run(&format!("logout {profile}")),
        Advice::Forget(profile) => run(&format!("logout {profile} --local")),
        Advice::Refresh(profile) => run(&format!("refresh {profile}")),
        Advice::AddProfile(Some(profile)) => run(&format!("profile add {profile}")),
        Advice::AddProfile(None) => run("profile add"),
        Advice::RemoveProfile(profile) => run(&format!("profile remove {profile}")),
        Advice::RemoveAnyway(profile) => run(&format!("profile remove {profile} --force")),
        Advice::ListProfiles => "`device-login profile list` names the profiles that are there".to_owned(),
        Advice::NameProfile => {
            "name one with `-p NAME`, or make one the default by `device-login profile use NAME`".to_owned()
        }
        Advice::ShowProfile => {
            "`device-login profile show` tells what is configured, `docs/configuration.md` what can be".to_owned()
        }
        Advice::GiveSecret(profile) => {
            let profile = profile.as_ref().map_or("NAME", |profile| profile.as_str());
            format!("`device-login profile edit {profile} --client-secret-stdin` takes the client's secret")
        }
        Advice::GiveRedirectUri(profile) => {
            run(&format!("profile edit {profile} --redirect-uri http://127.0.0.1:8123/callback"))
        }
        Advice::AcceptEndpoints(profile) => run(&format!("profile edit {profile} --accept-endpoints")),
        Advice::ListScopes => "`device-login scopes` lists those that are known".to_owned(),
        Advice::ListProducts => "`device-login scopes` lists the products and their hosts".to_owned(),
        Advice::InitStore => "have an admin of the database run `device-login store init`, or what \
                              `device-login store init --print` prints"
            .to_owned(),
        Advice::PlainSignIn => "try `device-login login --plain`".to_owned(),
        Advice::SaveAnswer => "`device-login api -o FILE` takes answers of any length".to_owned(),
        Advice::Demo => "try `device-login demo`".to_owned(),
        Advice::Help => "`device-login --help` and `COMMAND --help` tell more".to_owned(),
        Advice::WaitUntil(time) => format!("try again after {}", time_of_day(*time)),
        Advice::Run(arguments) => run(arguments),
    }
}
