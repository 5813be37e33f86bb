//! The way of a token from elsewhere: typed, or by a file that has its client as well, into a profile that is there or is made for it.

use super::hidden::Hidden;
use super::steps::Step;
use super::{ProfileForm, Purpose};
use crate::config::Profile;
use crate::error::Error;
use crate::secret::reads_as_token_and_no_path;
use crate::service::{EnvFile, Import, ProfileStatus, SignedIn, State, reads_like_token};
use crate::tui::keymap::{Command, Scope};
use crate::tui::message::Effect;
use crate::tui::panel::{Outcome, Then};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::tui::widgets::field::Field;
use crate::untrusted::Untrusted;

impl ProfileForm {
    pub(super) fn is_import(&self) -> bool {
        matches!(self.purpose, Purpose::Import)
    }

    /// The profile that is there and gets the token.
    pub(super) fn target(&self) -> Option<&Profile> {
        let name = self.name().parse().ok().filter(|_| self.is_import())?;
        self.config.profiles.get(&name)
    }

    /// A client that was typed or read is not the one of a profile that is there.
    pub(super) fn check_target(&self) -> Result<(), String> {
        let id = self.draft.client_id.text();
        let is_other = |profile: &&Profile| !id.trim().is_empty() && profile.client_id != id.trim();
        match self.target().filter(is_other) {
            Some(profile) => Err(format!("Profile {} has another client id: choose another name.", profile.name)),
            None => Ok(()),
        }
    }

    pub(super) fn check_token(&self) -> Result<(), String> {
        if self.draft.refresh_token.is_empty() {
            return Err("A refresh token is needed: type or paste it, or name the file that has it.".to_owned());
        }
        let is_token = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        self.draft.refresh_token.problem(is_token).map_or(Ok(()), |problem| Err(problem.to_owned()))
    }

    /// What the file told of the place goes with the token that it had.
    pub(super) fn token_is_edited(&mut self) {
        if self.step == Step::Token {
            self.draft.api_domain = None;
        }
    }

    /// Takes what is formed like a token as one, though it was meant for the line of the file, where it would be shown.
    pub(super) fn take_for_token(&mut self, text: &str) -> bool {
        let is_token = self.step == Step::Token && (reads_like_token(text) || reads_as_token_and_no_path(text.trim()));
        if is_token {
            self.draft.refresh_token = Hidden::new();
            self.draft.refresh_token.paste(text);
            self.draft.focus = 0;
            self.token_is_edited();
        }
        is_token
    }

    /// Enter is for the file.
    pub(super) fn reads_file(&self) -> bool {
        self.draft.focus == 1 && !self.draft.env_file.text().trim().is_empty()
    }

    pub(super) fn read_file(&mut self, around: &mut Surroundings) -> Then {
        (self.failure, self.was_refused) = (None, false);
        let typed = self.draft.env_file.text();
        if self.take_for_token(&typed) {
            self.draft.env_file = Field::new("");
            return Then::default();
        }
        let task = around.new_task();
        self.saving = Some(task);
        Effect::ReadEnvFile { task, path: typed.trim().into() }.into()
    }

    /// Takes in what a file has, and goes on to what it lacks.
    pub(super) fn file_read(
        &mut self,
        read: Result<(EnvFile, Option<String>), Error>,
        around: &mut Surroundings,
        now: Now,
    ) {
        self.saving = None;
        let name = self.name().parse().ok();
        let read = read.and_then(|(file, warning)| Ok((file.import(&self.config, name.as_ref())?, warning)));
        let (import, warning) = match read {
            Ok(read) => read,
            Err(error) => {
                self.failure = Some(error);
                return;
            }
        };
        if let Some(warning) = warning {
            around.say(Mark::Attention, warning, now);
        }
        self.draft.refresh_token = Hidden::of(&import.refresh_token);
        self.draft.secret = import.client_secret.as_ref().map_or_else(Hidden::new, Hidden::of);
        self.draft.api_domain = import.api_domain;
        // Also where the profile has it: another one that is named later must not get what belongs to this client.
        self.draft.client_id = Field::new(&import.profile.client_id);
        if import.is_new {
            self.take_values(&import.profile);
        }
        if import.is_new && import.profile.data_center.is_none() {
            self.go_to(Step::DataCenter);
            self.is_from_review = true;
        } else {
            self.is_from_review = true;
            self.go_on();
        }
    }

    /// What is imported.
    pub(super) fn import(&self) -> Result<Import, Step> {
        let refresh_token = self.draft.refresh_token.secret().ok_or(Step::Token)?;
        let client_secret = self.draft.secret.secret();
        let (profile, is_new) = match self.target() {
            Some(profile) => (profile.clone(), false),
            None => (self.profile_draft()?.profile, true),
        };
        // The place of a new one may have been corrected since.
        let api_domain = self.draft.api_domain.clone().filter(|_| !is_new);
        Ok(Import { profile, is_new, refresh_token, client_secret, api_domain })
    }

    /// Asked before a sign-in is replaced, unless it is known that there is none.
    pub(super) fn question(&self) -> Option<String> {
        let name = &self.target().filter(|profile| !self.signed_out.contains(&profile.name))?.name;
        Some(format!("Replace the sign-in of profile {name} by the token?"))
    }

    pub(super) fn learn_signed_out(&mut self, statuses: &[ProfileStatus]) {
        let is_over = |status: &&ProfileStatus| matches!(status.state, State::SignedOut | State::NeedsLogin);
        self.signed_out = statuses.iter().filter(is_over).map(|status| status.name.clone()).collect();
    }

    /// Takes in that the profile is signed in, or why it is not.
    pub(super) fn imported(&mut self, result: Result<SignedIn, Error>, around: &mut Surroundings, now: Now) -> Then {
        self.saving = None;
        let signed_in = match result {
            Ok(signed_in) => signed_in,
            Err(error) => {
                let blamed = Step::blamed(error.code);
                self.row = self.steps().iter().position(|step| Some(*step) == blamed).map_or(0, |row| row + 1);
                self.failure = Some(error);
                return Then::default();
            }
        };
        let account = signed_in.account.as_ref();
        let account =
            account.map(|account| format!(", {}", Untrusted::new(account.label()).line())).unwrap_or_default();
        let done = format!("{}: the token is imported{account}.", signed_in.profile);
        let reservations: Vec<String> =
            signed_in.warnings.into_iter().chain(signed_in.left_out).chain(signed_in.replaced).collect();
        for reservation in &reservations {
            around.log.push(Mark::Attention, reservation, now.time);
        }
        let mark = if reservations.is_empty() { Mark::Good } else { Mark::Attention };
        let all = std::iter::once(done.clone()).chain(reservations).collect::<Vec<_>>().join(" ");
        let in_the_log = format!("{done} {} tells more.", around.key(Scope::Profiles, Command::Log));
        around.say_in_room(mark, [all, in_the_log, done], now);
        Outcome::About(signed_in.profile).into()
    }
}
