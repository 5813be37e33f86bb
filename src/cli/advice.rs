//! What helps, in the words of the command line: the one place where commands are written.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::Global;
use super::words::{rfc3339, time_of_day};
use crate::config;
use crate::error::{Advice, Error, Value, Way};
use crate::near;
use crate::shell;
use crate::storage::{Store, StoreKind};

/// This program as it was called: a command that is said acts on the same files when it is copied.
#[derive(Clone, Default)]
pub struct Program {
    global: Option<Arc<Global>>,
    store: Option<Arc<OnceLock<Store>>>,
}

impl Program {
    /// With these options, and the store that it comes to open.
    pub(super) fn called(global: Arc<Global>, store: Arc<OnceLock<Store>>) -> Self {
        Self { global: Some(global), store: Some(store) }
    }

    /// What to do about an error, as one line.
    pub(super) fn hint(&self, error: &Error) -> String {
        self.in_line(&error.what_helps())
    }

    /// Several things to do, as one line.
    pub fn in_line(&self, advice: &[Advice]) -> String {
        self.joined(advice, time_of_day)
    }

    /// The same for programs: times are RFC 3339 in UTC.
    pub(super) fn for_programs(&self, advice: &[Advice]) -> String {
        self.joined(advice, rfc3339)
    }

    /// One thing to do.
    pub fn said(&self, advice: &Advice) -> String {
        self.said_with(advice, time_of_day)
    }

    /// The words for a command of this program with these arguments.
    pub(super) fn run(&self, arguments: &str) -> String {
        format!("run {}", self.command(arguments))
    }

    /// The command alone, between backticks.
    fn command(&self, arguments: &str) -> String {
        format!("`{}`", self.typed(arguments))
    }

    /// The command as it is typed.
    pub(super) fn typed(&self, arguments: &str) -> String {
        format!("device-login{} {arguments}", self.options())
    }

    /// The options that say which files it acts on, as a shell reads them.
    fn options(&self) -> String {
        let Some(global) = &self.global else { return String::new() };
        // One that is refused helps no other command, and may have a password in it.
        let store = global.store.as_deref().filter(|store| config::store_in_argument("", store).is_ok());
        let options = [
            ("--config", global.config.as_ref().map(|file| file.to_string_lossy())),
            ("--store", store.map(Into::into)),
            ("--ca-cert", global.ca_cert.as_ref().map(|file| file.to_string_lossy())),
        ];
        let given = options.into_iter().filter_map(|(option, value)| Some((option, value?)));
        given.map(|(option, value)| format!(" {option} {}", shell::word(&value))).collect::<Vec<_>>().concat()
    }

    /// A sign-in that the next process needs.
    fn sign_in(&self, arguments: &str) -> String {
        let is_in_memory = |store: &Store| store.kind() == StoreKind::Memory;
        if !self.store.as_ref().and_then(|store| store.get()).is_some_and(is_in_memory) {
            return self.run(arguments);
        }
        let elsewhere = Self { global: self.global.as_deref().map(|global| Arc::new(global.in_files())), store: None };
        format!(
            "{} and then this command with that store: what is in memory is gone with its process",
            elsewhere.run(arguments)
        )
    }

    fn joined(&self, advice: &[Advice], time: fn(Timestamp) -> String) -> String {
        advice.iter().map(|advice| self.said_with(advice, time)).collect::<Vec<_>>().join("; ")
    }

    fn said_with(&self, advice: &Advice, time: fn(Timestamp) -> String) -> String {
        match advice {
            Advice::Words(words) => words.to_string(),
            Advice::Meant(near) => near::question(near),
            Advice::Phrase(parts) => parts.iter().map(|part| self.said_with(part, time)).collect(),
            Advice::SignIn(profile) => self.sign_in(&format!("login {profile}")),
            Advice::SignInBy(profile, Way::Web) => self.sign_in(&format!("login {profile} --web")),
            Advice::SignInBy(profile, Way::GrantCode) => self.sign_in(&format!("login {profile} --grant-code")),
            Advice::SignInBy(profile, Way::Resume) => self.run(&format!("login {profile} --resume")),
            Advice::SignInBy(profile, Way::NewCode) => self.run(&format!("login {profile} --new-code")),
            Advice::SignOut(profile) => self.run(&format!("logout {profile}")),
            Advice::Forget(profile) => self.run(&format!("logout {profile} --local")),
            Advice::Refresh(profile) => self.run(&format!("refresh {profile}")),
            Advice::AddProfile(Some(profile)) => self.run(&format!("profile add {profile}")),
            Advice::AddProfile(None) => self.run("profile add"),
            Advice::EditProfile(profile) => self.run(&format!("profile edit {profile}")),
            Advice::RemoveProfile(profile) => self.run(&format!("profile remove {profile}")),
            Advice::RemoveAnyway(profile) => self.run(&format!("profile remove {profile} --force")),
            Advice::ListProfiles => format!("{} names the profiles that are there", self.command("profile list")),
            Advice::NameProfile => {
                format!("name one with `-p NAME`, or make one the default by {}", self.command("profile use NAME"))
            }
            Advice::UseProfile => format!("{} makes another one the default", self.command("profile use NAME")),
            Advice::ShowProfile => {
                format!(
                    "{} tells what is configured, `docs/configuration.md` what can be",
                    self.command("profile show")
                )
            }
            Advice::GiveSecret(profile) => {
                let profile = profile.as_ref().map_or("NAME", |profile| profile.as_str());
                let edit = self.command(&format!("profile edit {profile} --client-secret-stdin"));
                format!("{edit} takes the client's secret")
            }
            Advice::EditValue(profile, Value::ClientId) => self.run(&format!("profile edit {profile} --client-id ID")),
            Advice::EditValue(profile, Value::RedirectUri) => {
                self.run(&format!("profile edit {profile} --redirect-uri http://127.0.0.1:8123/callback"))
            }
            Advice::EditValue(profile, Value::Scopes) => self.run(&format!("profile edit {profile} --scopes A,B")),
            Advice::AddScopes(profile, old, new) => {
                let all: Vec<&str> = old.iter().chain(new).map(String::as_str).collect();
                let edit = self.run(&format!("profile edit {profile} --scopes {}", shell::word(&all.join(","))));
                format!("add `{}` to the scopes, {edit}", new.join(" "))
            }
            Advice::AcceptEndpoints(profile) => self.run(&format!("profile edit {profile} --accept-endpoints")),
            Advice::ListScopes => format!("{} lists those that are known", self.command("scopes")),
            Advice::ListScopesOf(product) => {
                format!("{} lists those that are known", self.command(&format!("scopes {product}")))
            }
            Advice::ListProducts => format!("{} lists the products and their hosts", self.command("scopes")),
            Advice::InitStore => format!(
                "have an admin of the database run {}, or what {} prints",
                self.command("store init"),
                self.command("store init --print")
            ),
            Advice::PlainSignIn => format!("try {}", self.command("login --plain")),
            Advice::SaveAnswer => format!("{} takes answers of any length", self.command("api -o FILE")),
            Advice::Demo => "try `device-login demo`".to_owned(),
            Advice::Help => "`device-login --help` and `COMMAND --help` tell more".to_owned(),
            Advice::CheckConfig => self.run("config check"),
            Advice::ListHosts => self.run("scopes --data-center CODE"),
            Advice::RekeyStore => self.run("store rekey"),
            Advice::CheckStore { repair: false } => self.run("store check"),
            Advice::CheckStore { repair: true } => self.run("store check --repair"),
            Advice::CopyStore(to) => self.run(&format!("store copy {}", shell::word(to))),
            Advice::PrintStoreSetup => self.run("store init --print"),
            Advice::WaitUntil(then) => format!("try again after {}", time(*then)),
        }
    }
}

/// One thing to do, where nothing is known of how this program was called.
pub fn said(advice: &Advice) -> String {
    Program::default().said(advice)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::Program;
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
            let words = Program::default().said(&act);
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
            Program::default().in_line(&[slip, "or wait".into()]),
            "if that was a slip, run `device-login login work` for a new code; or wait"
        );
        let wait = Advice::WaitUntil("2026-12-01T02:28:47.5Z".parse().expect("a time")).after("or ");
        assert_eq!(
            Program::default().for_programs(&["mend it".into(), wait]),
            "mend it; or try again after 2026-12-01T02:28:47Z"
        );
    }
}
