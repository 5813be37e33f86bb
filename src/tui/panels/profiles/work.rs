//! Work that is done for a profile, one piece at a time for each: how it begins, and what its answer changes.

use std::time::Duration;

use super::words::until;
use super::{ProfilesPanel, Revealed, open, reload};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::SignedOut;
use crate::storage::Account;
use crate::tui::clipboard::ToCopy;
use crate::tui::keymap::Command;
use crate::tui::message::{Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay, Screen};
use crate::tui::theme::Mark;
use crate::untrusted::Untrusted;

/// How long a token that somebody asked to see stays on the screen.
const REVEAL_TIME: Duration = Duration::from_secs(10);

/// What is being done for a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Refresh,
    Verify,
    SignOut,
    /// What an earlier sign-out could not do.
    Revoke,
    RevealToken,
    CopyToken,
}

/// What went wrong, for which profile, and which command tries that again.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) profile: ProfileName,
    pub(super) error: Error,
    pub(super) again: Command,
}

impl Work {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Work::Refresh => "refreshing",
            Work::Verify => "verifying",
            Work::SignOut => "signing out",
            Work::Revoke => "revoking",
            Work::RevealToken | Work::CopyToken => "reading token",
        }
    }

    /// The command that asks for it.
    fn command(self) -> Command {
        match self {
            Work::Refresh => Command::Refresh,
            Work::Verify => Command::Verify,
            Work::SignOut | Work::Revoke => Command::SignOut,
            Work::RevealToken => Command::RevealToken,
            Work::CopyToken => Command::CopyToken,
        }
    }
}

impl ProfilesPanel {
    /// Takes the work that `task` names off the list; `None` for an answer that nobody waits for.
    fn end(&mut self, profile: &ProfileName, task: TaskId) -> Option<Work> {
        let (under_way, work) = *self.under_way.get(profile)?;
        (under_way == task).then(|| self.under_way.remove(profile))?;
        Some(work)
    }

    fn failed(&mut self, profile: &ProfileName, error: Error, work: Work) {
        self.problem = Some(Problem { profile: profile.clone(), error, again: work.command() });
    }
}

/// Says that a profile is not there any more, of which something was wanted.
pub fn is_gone(model: &mut Model, profile: &ProfileName, error: Error, again: Command) {
    model.profiles.problem = Some(Problem { profile: profile.clone(), error, again });
}

pub fn refreshed(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<(), Error>,
    now: Now,
) -> Vec<Effect> {
    let Some(work) = model.profiles.end(profile, task) else { return Vec::new() };
    match result {
        Ok(()) => model.say(Mark::Good, format!("{profile}: refreshed."), now),
        Err(error) => model.profiles.failed(profile, error, work),
    }
    reload(model)
}

pub fn verified(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<Account, Error>,
    now: Now,
) -> Vec<Effect> {
    let Some(work) = model.profiles.end(profile, task) else { return Vec::new() };
    match result {
        Ok(account) => {
            let label = Untrusted::new(account.label()).line();
            model.say(Mark::Good, format!("{profile}: the provider knows the token as {label}."), now);
        }
        Err(error) => model.profiles.failed(profile, error, work),
    }
    reload(model)
}

/// Says which of the two halves of signing out worked.
pub fn signed_out(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<SignedOut, Error>,
    now: Now,
) -> Vec<Effect> {
    let Some(work) = model.profiles.end(profile, task) else { return Vec::new() };
    match result {
        Ok(SignedOut { revoked, forgotten, gave_up, is_noted, left_alive }) => {
            let (mark, at_provider) = match &revoked {
                Some(Ok(())) => (Mark::Good, Some("revoked at the provider")),
                Some(Err(_)) if is_noted => {
                    (Mark::Attention, Some("NOT revoked at the provider yet, to be tried again"))
                }
                Some(Err(_)) => (Mark::Attention, Some("NOT revoked at the provider")),
                None if forgotten => (Mark::Good, Some("the provider was not asked")),
                None => (Mark::Good, None),
            };
            let here = match at_provider {
                _ if forgotten => Some("forgotten here"),
                // The grant was forgotten by the sign-out that could not revoke it.
                Some(_) => None,
                None if gave_up => Some("the pending sign-in was given up"),
                None => Some("there was nothing to forget here"),
            };
            let outcome: Vec<&str> = at_provider.into_iter().chain(here).collect();
            let (mark, others) = match left_alive {
                0 => (mark, String::new()),
                1 => (Mark::Attention, " A grant of an earlier sign-in is not revoked.".to_owned()),
                count => (Mark::Attention, format!(" {count} grants of earlier sign-ins are not revoked.")),
            };
            model.say(mark, format!("{profile}: {}.{others}", outcome.join(", ")), now);
            if let Some(Err(error)) = revoked {
                model.profiles.failed(profile, error, work);
            }
        }
        Err(error) => model.profiles.failed(profile, error, work),
    }
    reload(model)
}

/// Shows or copies the token, whichever was asked for. A person who has gone on in the meantime does not get to see it.
pub fn token_read(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<Secret, Error>,
    now: Now,
) -> Vec<Effect> {
    let Some(work) = model.profiles.end(profile, task) else { return Vec::new() };
    let mut effects = Vec::new();
    match result {
        Ok(token) if work == Work::CopyToken => {
            effects.extend(model.copy(ToCopy::secret(token, "the access token"), now));
        }
        Ok(token) => {
            let is_looked_at = model.screen == Screen::Profiles
                && model.profiles.selected().is_some_and(|status| status.name == *profile);
            let revealed = Revealed { profile: profile.clone(), token, until: now.moment + REVEAL_TIME };
            model.profiles.revealed = is_looked_at.then_some(revealed);
        }
        Err(error) => model.profiles.failed(profile, error, work),
    }
    // Reading may have minted a new one.
    effects.extend(reload(model));
    effects
}

/// Signs out, which the person has confirmed here or on the screen of a sign-in that has just worked.
pub fn sign_out(model: &mut Model, profile: ProfileName, now: Now) -> Vec<Effect> {
    let mut effects = begin(model, profile.clone(), Work::SignOut, now);
    if model.screen != Screen::Profiles {
        model.sign_in = None;
        model.is_single_sign_in = false;
        model.profiles.select(Some(profile));
        effects.extend(open(model));
    }
    effects
}

/// Refreshes, which the person has confirmed where little of the budget is left.
pub fn refresh(model: &mut Model, profile: ProfileName, now: Now) -> Vec<Effect> {
    begin(model, profile, Work::Refresh, now)
}

/// Asks first where this refresh is the last one for a while.
pub(super) fn ask_or_refresh(model: &mut Model, profile: ProfileName, now: Now) -> Vec<Effect> {
    let budget = model.profiles.selected().and_then(|status| status.budget.as_ref());
    let last = budget.filter(|budget| budget.used(now.time) + 1 == budget.limit).and_then(|budget| {
        let frees = model.time_left(until(budget.resets_at(now.time)?, now));
        Some(format!(
            "This is the last of {} refreshes that the provider allows profile {profile} in {} minutes. The next one is \
             possible in {frees}. Refresh now?",
            budget.limit,
            budget.window.as_secs() / 60
        ))
    });
    match last {
        Some(question) => {
            model.overlay = Some(Overlay::Confirm { question, action: Confirmed::Refresh(profile) });
            Vec::new()
        }
        None => begin(model, profile, Work::Refresh, now),
    }
}

/// Starts one piece of work for a profile, unless another is under way for it.
pub(super) fn begin(model: &mut Model, profile: ProfileName, work: Work, now: Now) -> Vec<Effect> {
    if let Some((_, under_way)) = model.profiles.under_way.get(&profile) {
        let text = format!("{profile}: still {}.", under_way.in_words());
        model.say(Mark::Working, text, now);
        return Vec::new();
    }
    let task = model.new_task();
    model.profiles.under_way.insert(profile.clone(), (task, work));
    vec![match work {
        Work::Refresh => Effect::Refresh { task, profile },
        Work::Verify => Effect::Verify { task, profile },
        Work::SignOut | Work::Revoke => Effect::SignOut { task, profile },
        Work::RevealToken | Work::CopyToken => Effect::ReadToken { task, profile },
    }]
}
