//! Work that is done for a profile, one piece at a time for each: how it begins, and what its answer changes.

use std::time::Duration;

use super::{ProfilesPanel, Revealed};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::service::{ConfigurationChange, SignedOut};
use crate::tui::clipboard::ToCopy;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::reason;
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::overlay::Overlay;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::untrusted::Untrusted;

/// How long a token that somebody asked to see stays on the screen.
const REVEAL_TIME: Duration = Duration::from_secs(10);

/// What is being done for a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Refresh,
    Whoami,
    Logout,
    Use,
    RevealToken,
    CopyToken,
}

/// What went wrong, for which profile, and which command tries that again.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) profile: ProfileName,
    /// What came of it nevertheless, with the reason for the rest, in place of the error's own words.
    pub(super) outcome: Option<String>,
    pub(super) error: Error,
    pub(super) again: Command,
}

impl Work {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Work::Refresh => "refreshing",
            Work::Whoami => "asking whoami",
            Work::Logout => "logging out",
            Work::Use => "saving",
            Work::RevealToken | Work::CopyToken => "reading token",
        }
    }

    /// The command that asks for it.
    fn command(self) -> Command {
        match self {
            Work::Refresh => Command::Refresh,
            Work::Whoami => Command::Whoami,
            Work::Logout => Command::Logout,
            Work::Use => Command::UseProfile,
            Work::RevealToken => Command::RevealToken,
            Work::CopyToken => Command::CopyToken,
        }
    }
}

impl ProfilesPanel {
    /// Takes the work that `task` names off the list; `None` for an answer that nobody waits for.
    pub(super) fn end(&mut self, profile: &ProfileName, task: TaskId) -> Option<Work> {
        let (under_way, work) = *self.under_way.get(profile)?;
        (under_way == task).then(|| self.under_way.remove(profile))?;
        Some(work)
    }

    /// The profile for which `task` changes the configuration.
    pub(super) fn changed_for(&self, task: TaskId) -> Option<ProfileName> {
        let mut changes = self.under_way.iter().filter(|(_, under_way)| **under_way == (task, Work::Use));
        changes.next().map(|(profile, _)| profile.clone())
    }

    fn failed(&mut self, profile: &ProfileName, error: Error, work: Work) {
        self.problem = Some(Problem { profile: profile.clone(), outcome: None, error, again: work.command() });
    }

    /// Takes in what came of a piece of work.
    pub(super) fn done(
        &mut self,
        profile: &ProfileName,
        work: Work,
        message: Message,
        is_covered: bool,
        around: &mut Surroundings,
        now: Now,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        match message {
            Message::Refreshed { result: Ok(()), .. } => {
                around.say(Mark::Good, format!("{profile}: refreshed."), now);
            }
            Message::Verified { result: Ok(account), .. } => {
                let label = Untrusted::new(account.label()).line();
                around.say(Mark::Good, format!("{profile}: the provider knows the token as {label}."), now);
            }
            Message::SignedOut { result: Ok(out), .. } => {
                let (mark, text) = in_words(profile, &out);
                if let Some(Err(error)) = out.revoked.filter(|_| !out.is_unknown) {
                    let (profile, again) = (profile.clone(), work.command());
                    self.problem = Some(Problem { profile, outcome: Some(text), error, again });
                } else {
                    around.say(mark, text, now);
                }
            }
            Message::ConfigurationChanged { result, .. } => match *result {
                Ok(_) => around.say(Mark::Good, format!("{profile} is the default profile now."), now),
                Err(error) => self.failed(profile, error, work),
            },
            Message::TokenRead { result: Ok(token), .. } if work == Work::CopyToken => {
                effects = around.copy(ToCopy::secret(token, "the access token"), Scope::Profiles, now);
            }
            // A person who has gone on in the meantime does not get to see it.
            Message::TokenRead { result: Ok(token), .. } => {
                let is_looked_at = !is_covered && self.selected().is_some_and(|status| status.name == *profile);
                let revealed = Revealed { profile: profile.clone(), token, until: now.moment + REVEAL_TIME };
                self.revealed = is_looked_at.then_some(revealed);
            }
            Message::Refreshed { result: Err(error), .. }
            | Message::Verified { result: Err(error), .. }
            | Message::SignedOut { result: Err(error), .. }
            | Message::TokenRead { result: Err(error), .. } => self.failed(profile, error, work),
            _ => {}
        }
        // Reading a token may have minted a new one.
        effects.push(self.reload());
        effects
    }

    /// Asks first where this refresh is the last one for a while.
    pub(super) fn ask_or_refresh(&mut self, profile: ProfileName, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        let budget = self.selected().and_then(|status| status.budget.as_ref());
        let last = budget.filter(|budget| budget.used(now.time) + 1 == budget.limit).and_then(|budget| {
            let frees = around.time_left(now.until(budget.frees_at(now.time)?));
            Some(format!(
                "This is the last of {} refreshes that the provider allows profile {profile} in {} minutes. The next one is \
                 possible in {frees}. Refresh now?",
                budget.limit,
                budget.window.as_secs() / 60
            ))
        });
        match last {
            Some(question) => {
                around.overlay = Some(Overlay::Confirm { question, command: Command::Refresh });
                self.asked_about = Some(profile);
                Vec::new()
            }
            None => self.begin(profile, Work::Refresh, around, now),
        }
    }

    /// Starts one piece of work for a profile, unless another is under way for it.
    pub(super) fn begin(
        &mut self,
        profile: ProfileName,
        work: Work,
        around: &mut Surroundings,
        now: Now,
    ) -> Vec<Effect> {
        if let Some((_, under_way)) = self.under_way.get(&profile) {
            around.say(Mark::Working, format!("{profile}: still {}.", under_way.in_words()), now);
            return Vec::new();
        }
        let task = around.new_task();
        self.under_way.insert(profile.clone(), (task, work));
        vec![match work {
            Work::Refresh => Effect::Refresh { task, profile },
            Work::Whoami => Effect::Verify { task, profile },
            Work::Logout => Effect::SignOut { task, profile },
            Work::Use => Effect::ChangeConfiguration { task, change: ConfigurationChange::Use(profile) },
            Work::RevealToken | Work::CopyToken => Effect::ReadToken { task, profile },
        }]
    }
}

/// Which of the two halves of a logout worked.
fn in_words(profile: &ProfileName, out: &SignedOut) -> (Mark, String) {
    let SignedOut { revoked, forgotten, gave_up, is_noted, left_alive, is_unknown, also_ended, ended } = out;
    let (mark, at_provider) = match revoked {
        Some(Err(_)) if *is_unknown => (Mark::Good, Some("the provider knew no such token any more")),
        Some(Ok(())) => (Mark::Good, Some("revoked at the provider")),
        Some(Err(error)) => {
            let here = if *forgotten { "forgotten here, but " } else { "" };
            let yet = if *is_noted { " yet" } else { "" };
            let text = format!("{here}NOT revoked at the provider{yet}: {}", reason(error));
            return (Mark::Attention, format!("{profile}: {text}.{}", others(also_ended, *left_alive)));
        }
        None if ended.is_some() => (Mark::Good, Some("the grant had ended already")),
        None if *forgotten => (Mark::Good, Some("the provider was not asked")),
        None => (Mark::Good, None),
    };
    let here = match at_provider {
        _ if *forgotten => Some("forgotten here"),
        // The grant was forgotten by the logout that could not revoke it.
        Some(_) => None,
        None if *gave_up => Some("the pending sign-in was given up"),
        None => Some("there was nothing to forget here"),
    };
    let outcome: Vec<&str> = at_provider.into_iter().chain(here).collect();
    let mark = if *left_alive > 0 || !also_ended.is_empty() { Mark::Attention } else { mark };
    (mark, format!("{profile}: {}.{}", outcome.join(", "), others(also_ended, *left_alive)))
}

/// What became of other grants.
fn others(also_ended: &[ProfileName], left_alive: usize) -> String {
    let names: Vec<&str> = also_ended.iter().map(ProfileName::as_str).collect();
    let ended = if names.is_empty() { String::new() } else { format!(" Ended with it: {}.", names.join(", ")) };
    let left = match left_alive {
        0 => String::new(),
        1 => " A grant of an earlier sign-in is not revoked.".to_owned(),
        count => format!(" {count} grants of earlier sign-ins are not revoked."),
    };
    ended + &left
}
