//! What helps, in the words of the command line: the one place where commands are written.

use jiff::Timestamp;

use super::words::{rfc3339, time_of_day};
use crate::error::{Advice, Error, Value, Way};
use crate::near;

/// What to do about an error, as one line.
pub(super) fn hint(error: &Error) -> String {
    in_line(&error.what_helps())
}

/// Several things to do, as one line.
pub fn in_line(advice: &[Advice]) -> String {
    joined(advice, time_of_day)
}

/// The same for programs: times are RFC 3339 in UTC.
pub(super) fn for_programs(advice: &[Advice]) -> String {
    joined(advice, rfc3339)
}

fn joined(advice: &[Advice], time: fn(Timestamp) -> String) -> String {
    advice.iter().map(|advice| said_with(advice, time)).collect::<Vec<_>>().join("; ")
}

/// The words for a command of this program with these arguments.
pub(super) fn run(arguments: &str) -> String {
    format!("run `device-login {arguments}`")
}

/// One thing to do.
pub fn said(advice: &Advice) -> String {
    said_with(advice, time_of_day)
}

fn said_with(advice: &Advice, time: fn(Timestamp) -> String) -> String {
    match advice {
        Advice::Words(words) => words.to_string(),
        Advice::Meant(near) => near::question(near),
        Advice::Phrase(parts) => parts.iter().map(|part| said_with(part, time)).collect(),
        Advice::SignIn(profile) => run(&format!("login {profile}")),
        Advice::SignInBy(profile, Way::Web) => run(&format!("login {profile} --web")),
        Advice::SignInBy(profile, Way::GrantCode) => run(&format!("login {profile} --grant-code")),
        Advice::SignInBy(profile, Way::Resume) => run(&format!("login {profile} --resume")),
        Advice::SignInBy(profile, Way::NewCode) => run(&format!("login {profile} --new-code")),
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
        Advice::EditValue(profile, Value::ClientId) => run(&format!("profile edit {profile} --client-id ID")),
        Advice::EditValue(profile, Value::RedirectUri) => {
            run(&format!("profile edit {profile} --redirect-uri http://127.0.0.1:8123/callback"))
        }
        Advice::EditValue(profile, Value::Scopes) => run(&format!("profile edit {profile} --scopes A,B")),
        Advice::AddScope(profile, scopes) => {
            let (new, all) = (scopes.last().map_or("", String::as_str), scopes.join(","));
            format!("add `{new}` to the scopes, {}", run(&format!("profile edit {profile} --scopes {all}")))
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
        Advice::CheckConfig => run("config check"),
        Advice::ListHosts => run("scopes --data-center CODE"),
        Advice::RekeyStore => run("store rekey"),
        Advice::CheckStore { repair: false } => run("store check"),
        Advice::CheckStore { repair: true } => run("store check --repair"),
        Advice::CopyStore(to) => run(&format!("store copy '{to}'")),
        Advice::PrintStoreSetup => run("store init --print"),
        Advice::WaitUntil(then) => format!("try again after {}", time(*then)),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{for_programs, in_line, said};
    use crate::cli::commands;
    use crate::error::Advice;

    #[test]
    fn every_command_that_is_said_is_one_of_this_program() {
        for act in Advice::one_of_each() {
            let count = match act {
                Advice::Words(_) | Advice::Meant(_) | Advice::WaitUntil(_) => 0,
                Advice::InitStore => 2,
                _ => 1,
            };
            let words = said(&act);
            let commands: Vec<&str> = words.split('`').filter_map(|part| part.strip_prefix("device-login ")).collect();
            assert_eq!(commands.len(), count, "{words}");
            for command in commands {
                let words = ["device-login"].into_iter().chain(command.split(' '));
                let arguments: Vec<OsString> = words.map(OsString::from).collect();
                let problem = commands::parse(&arguments).err().map(|problem| problem.kind());
                let is_taken = problem.is_none_or(|kind| {
                    // The rest is for whoever types it.
                    use clap::error::ErrorKind::{DisplayHelp, MissingRequiredArgument};
                    matches!(kind, DisplayHelp | MissingRequiredArgument)
                });
                assert!(is_taken, "{command}: {problem:?}");
            }
        }
    }

    #[test]
    fn parts_make_one_sentence_and_things_to_do_are_told_apart() {
        let sign_in = Advice::SignIn("work".parse().expect("a name"));
        let slip = sign_in.after("if that was a slip, ").and(" for a new code");
        assert_eq!(
            in_line(&[slip, "or wait".into()]),
            "if that was a slip, run `device-login login work` for a new code; or wait"
        );
        let wait = Advice::WaitUntil("2026-12-01T02:28:47.5Z".parse().expect("a time")).after("or ");
        assert_eq!(for_programs(&["mend it".into(), wait]), "mend it; or try again after 2026-12-01T02:28:47Z");
    }
}
