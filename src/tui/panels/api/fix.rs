//! What one key does about a call that failed: a new token, another scope, another host, or waiting.

use std::time::Duration;

use super::actions::{THROW_AWAY, changes_something, sends};
use super::answer::{Exchange, Reply};
use super::{ApiPanel, Catalogue, Focus, RequestForm};
use crate::api::{Call, Diagnosis};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::providers::Dialect;
use crate::providers::catalog::PRODUCTS;
use crate::service::{ConfigurationChange, SignIn, TestCallEntry};
use crate::tui::keymap::{Command, Scope};
use crate::tui::message::{Effect, TaskId};
use crate::tui::overlay::Overlay;
use crate::tui::panel::{Go, Then};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::time_left;

/// Scopes that are taken from an answer.
const MOST_NAMED: usize = 3;
/// A wakeup is always later than what was drawn.
const AT_ONCE: Duration = Duration::from_millis(1);

/// What would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// A new access token, and the call with it.
    Refresh(Call),
    /// Scopes that the profile does not ask for yet, a sign-in that grants them, and the call.
    AddScopes(Vec<String>, Call),
    /// A sign-in, and the call if there was one.
    SignIn(Option<Call>),
    /// The call at the host of the account's data center.
    MoveTo(Call),
    /// Another address, which only a person knows.
    Edit(Call),
    /// The call once the API takes calls again.
    SendLater(Call, Moment),
    SendAgain(Call),
}

/// What a call waits for before it is sent again.
#[derive(Debug)]
pub(super) enum Waiting {
    Token {
        task: TaskId,
        call: Call,
    },
    Scopes {
        task: TaskId,
        call: Call,
        dialect: &'static Dialect,
        added: Vec<String>,
    },
    /// Without a sign-in, the scopes that were added for it are taken back.
    SignIn {
        call: Option<(Call, &'static Dialect)>,
        added: Vec<String>,
    },
    Time {
        at: Moment,
        call: Call,
    },
}

impl Fix {
    /// What the footer says that the key does.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Fix::Refresh(_) => "refresh",
            Fix::AddScopes(..) => "add scope",
            Fix::SignIn(_) => "sign in",
            Fix::MoveTo(_) => "move call",
            Fix::Edit(_) => "edit address",
            Fix::SendLater(..) => "send later",
            Fix::SendAgain(_) => "resend",
        }
    }

    /// The same in a sentence about the key.
    pub(super) fn in_words(&self, key: &str, around: &Surroundings, now: Moment) -> String {
        match self {
            Fix::Refresh(_) => format!("{key} refreshes the access token and sends the call again."),
            Fix::AddScopes(scopes, _) => {
                format!("{key} adds {} to the profile and signs in again; then the call follows.", scopes.join(", "))
            }
            Fix::SignIn(Some(_)) => format!("{key} signs in again; then the call follows."),
            Fix::SignIn(None) => format!("{key} signs in."),
            Fix::MoveTo(call) => {
                let host = call.url.host_str().unwrap_or_default();
                format!("The account is in another data center: {key} sends the call to {host}.")
            }
            Fix::Edit(_) => format!("Use the address of a host in the account's data center: {key} edits it."),
            Fix::SendLater(_, at) if *at > now => {
                format!("Calls are taken again in {}; {key} sends it then.", around.time_left(now.until(*at)))
            }
            Fix::SendLater(..) | Fix::SendAgain(_) => format!("{key} sends the call again."),
        }
    }
}

impl Waiting {
    pub(super) fn in_words(&self, around: &Surroundings, now: Moment) -> String {
        match self {
            Waiting::Token { .. } => "Refreshing the access token ...".to_owned(),
            Waiting::Scopes { .. } => "Adding the scope to the profile ...".to_owned(),
            Waiting::SignIn { .. } => "Waiting for the sign-in ...".to_owned(),
            Waiting::Time { at, .. } => {
                let back = around.key(Scope::Api, Command::Back);
                format!("Sends the call in {}. {back} stops that.", around.time_left(now.until(*at)))
            }
        }
    }
}

impl ApiPanel {
    /// What would help against what the panel shows, if anything that this program can do would.
    pub(super) fn fix(&self, around: &Surroundings) -> Option<Fix> {
        if self.is_awaited() {
            return None;
        }
        let profile = around.config.profiles.get(&self.profile);
        let wanted = profile.map(|profile| profile.scopes.as_slice()).unwrap_or_default();
        if let Catalogue::Failed(error) = &self.catalogue {
            return (error.code == Code::SignInNeeded).then_some(Fix::SignIn(None));
        }
        if let Some((call, error)) = &self.refused {
            return self.fix_of_error(error, call.as_ref());
        }
        if let Some(entry) = self.lacking_entry() {
            return for_scopes(entry.scope.map(str::to_owned).into_iter().collect(), wanted, &entry.call);
        }
        let exchange = self.own_exchange()?;
        let call = &exchange.call;
        let reply = match &exchange.outcome {
            Ok(reply) => reply,
            Err(error) => return self.fix_of_error(error, Some(call)),
        };
        match reply.explained.as_ref()?.diagnosis {
            Diagnosis::BadToken => Some(Fix::Refresh(call.clone())),
            Diagnosis::MissingScope => for_scopes(self.scopes_of(call, reply), wanted, call),
            Diagnosis::WrongDataCenter => Some(self.moved(call).map_or_else(|| Fix::Edit(call.clone()), Fix::MoveTo)),
            Diagnosis::WrongAddress => self.moved(call).map(Fix::MoveTo),
            Diagnosis::WrongOrganization => Some(Fix::SignIn(Some(call.clone()))),
            Diagnosis::RateLimited | Diagnosis::ProviderFault => Some(match reply.retry_at {
                Some(at) => Fix::SendLater(call.clone(), at),
                None => Fix::SendAgain(call.clone()),
            }),
            // Somebody else has to do something about these.
            Diagnosis::NoPermission
            | Diagnosis::NotAuthorized
            | Diagnosis::WrongScheme
            | Diagnosis::ApiAccessOff
            | Diagnosis::MissingOrganization
            | Diagnosis::Redirected
            | Diagnosis::Unclear => None,
        }
    }

    /// The call at the cursor where that lacks its scope, which need not fail first; `None` where the answer shown is its own.
    pub(super) fn lacking_entry(&self) -> Option<&TestCallEntry> {
        let entry = self.selected_entry().filter(|entry| self.focus == Focus::Requests && !entry.is_granted)?;
        self.own_exchange().is_none_or(|exchange| exchange.call != entry.call).then_some(entry)
    }

    /// What is shown, where it was called for this profile.
    fn own_exchange(&self) -> Option<&Exchange> {
        self.exchange().filter(|exchange| exchange.profile == self.profile)
    }

    fn fix_of_error(&self, error: &Error, call: Option<&Call>) -> Option<Fix> {
        match (error.code, call) {
            (Code::SignInNeeded, call) => Some(Fix::SignIn(call.cloned())),
            (Code::Usage, Some(call)) => self.moved(call).map(Fix::MoveTo),
            (Code::Network, Some(call)) => Some(Fix::SendAgain(call.clone())),
            _ => None,
        }
    }

    /// The call at the account's data center, if its address is one of another.
    fn moved(&self, call: &Call) -> Option<Call> {
        let url = self.test_calls()?.moved_here(&call.url)?;
        Some(Call { url, ..call.clone() })
    }

    /// Tells whether a call failed for want of scopes that are known, and that the grant does not have.
    pub(super) fn names_missing_scope(&self, exchange: &Exchange, reply: &Reply) -> bool {
        let is_missing = reply.explained.as_ref().is_some_and(|why| why.diagnosis == Diagnosis::MissingScope);
        let entries = self.test_calls().into_iter().flat_map(|known| &known.calls);
        let mut same = entries.filter(|entry| entry.call == exchange.call);
        is_missing && !self.scopes_of(&exchange.call, reply).is_empty() && !same.any(|entry| entry.is_granted)
    }

    /// The scopes that a call needs: as the catalogue knows them, or as the answer names them. A name that the catalogue
    /// does not have is not taken from an answer.
    pub(super) fn scopes_of(&self, call: &Call, reply: &Reply) -> Vec<String> {
        let entries = self.test_calls().into_iter().flat_map(|known| &known.calls);
        let mut same =
            entries.filter(|entry| entry.call.method == call.method && entry.call.url.path() == call.url.path());
        if let Some(scope) = same.find_map(|entry| entry.scope) {
            return vec![scope.to_owned()];
        }
        let is_known = |scope: &&String| PRODUCTS.iter().any(|product| product.scopes.contains(scope));
        let named: Vec<String> = reply.named_scopes().iter().filter(is_known).cloned().collect();
        // No call needs more than a few, and nobody reads a long list before asking for all of it.
        if named.len() <= MOST_NAMED { named } else { Vec::new() }
    }

    /// Does what would help.
    pub(super) fn mend(&mut self, around: &mut Surroundings, now: Now) -> Then {
        let Some(fix) = self.fix(around) else {
            around.say(None, "There is nothing to fix here.", now);
            return Then::default();
        };
        let question = match &fix {
            // It may have been acted on.
            Fix::SendAgain(call) if changes_something(call) => Some(sends(call)),
            Fix::Edit(call) if self.would_lose_typed(call) => Some(THROW_AWAY.to_owned()),
            _ => None,
        };
        match question {
            Some(question) => {
                around.overlay = Some(Overlay::Confirm { question, command: Command::Fix });
                Then::default()
            }
            None => self.mend_by(fix, around, now),
        }
    }

    /// Whether editing this call throws away another one that was typed.
    fn would_lose_typed(&self, call: &Call) -> bool {
        let Some(known) = self.test_calls() else { return false };
        self.form.is_typed(known) && self.form.call_here(known).as_ref() != Ok(call)
    }

    /// Does this, whatever it changes.
    pub(super) fn mend_by(&mut self, fix: Fix, around: &mut Surroundings, now: Now) -> Then {
        let (profile, dialect) = (self.profile.clone(), self.dialect());
        match fix {
            Fix::Refresh(call) => {
                let task = around.new_task();
                self.waiting = Some(Waiting::Token { task, call });
                Effect::Refresh { task, profile }.into()
            }
            Fix::AddScopes(scopes, call) => {
                let Some(dialect) = dialect else { return Then::default() };
                let task = around.new_task();
                self.waiting = Some(Waiting::Scopes { task, call, dialect, added: scopes.clone() });
                Effect::ChangeConfiguration { task, change: ConfigurationChange::AddScopes { profile, scopes } }.into()
            }
            Fix::SignIn(call) => self.begin_sign_in(call.zip(dialect), Vec::new()),
            Fix::Edit(call) => {
                let Some(known) = self.test_calls() else { return Then::default() };
                self.form = RequestForm::of(&call).at(&known.data_center);
                self.open_form();
                Then::default()
            }
            Fix::MoveTo(call) => {
                // Not where the form has another call by now.
                let typed = self.selected_call().and_then(Result::ok);
                if self.is_own_request() && typed.and_then(|typed| self.moved(&typed)).as_ref() == Some(&call) {
                    self.form = RequestForm::of(&call);
                }
                self.send_call(call, around).into()
            }
            Fix::SendLater(call, at) if at > now.moment => {
                self.waiting = Some(Waiting::Time { at, call });
                Then::default()
            }
            Fix::SendLater(call, _) | Fix::SendAgain(call) => self.send_call(call, around).into(),
        }
    }

    fn begin_sign_in(&mut self, call: Option<(Call, &'static Dialect)>, added: Vec<String>) -> Then {
        self.waiting = Some(Waiting::SignIn { call, added });
        Go::SignIn { profile: self.profile.clone(), options: SignIn::attended() }.into()
    }

    /// Whether the panel asked for this refresh.
    pub(super) fn waits_for_token(&self, asked: TaskId) -> bool {
        matches!(self.waiting, Some(Waiting::Token { task, .. }) if task == asked)
    }

    /// Takes in the end of the refresh that a call waits for.
    pub(super) fn refreshed(&mut self, result: Result<(), Error>, around: &mut Surroundings) -> Vec<Effect> {
        let Some(Waiting::Token { call, .. }) = self.waiting.take() else { return Vec::new() };
        match result {
            Ok(()) => self.send_call(call, around),
            Err(error) => {
                self.refused = Some((Some(call), error));
                Vec::new()
            }
        }
    }

    /// Whether the panel asked for this change of the configuration.
    pub(super) fn waits_for_scopes(&self, asked: TaskId) -> bool {
        matches!(self.waiting, Some(Waiting::Scopes { task, .. }) if task == asked)
    }

    /// Takes in that the profile asks for the scopes that a call waits for, or why not.
    pub(super) fn scopes_added(
        &mut self,
        result: Result<(), Error>,
        is_covered: bool,
        around: &mut Surroundings,
    ) -> Then {
        let Some(Waiting::Scopes { call, dialect, added, .. }) = self.waiting.take() else { return Then::default() };
        match result {
            Ok(()) if !is_covered => self.begin_sign_in(Some((call, dialect)), added),
            // Whoever left meanwhile does not sign in.
            Ok(()) => self.take_back(added, around).into(),
            Err(error) => {
                self.refused = Some((None, error));
                Then::default()
            }
        }
    }

    /// Goes on with the call that waits for a sign-in, or takes back what was done for one that did not happen.
    pub(super) fn signed_in(&mut self, is_signed_in: bool, around: &mut Surroundings) -> Vec<Effect> {
        let Some(Waiting::SignIn { call, added }) = self.waiting.take() else { return Vec::new() };
        if !is_signed_in {
            // What can be called is as before, unless the statuses say otherwise once the code is gone.
            return std::iter::once(Effect::LoadStatuses).chain(self.take_back(added, around)).collect();
        }
        let mut effects = self.read_anew(around);
        if let Some((call, dialect)) = call {
            effects.extend(self.send_with(call, dialect, around));
        }
        effects
    }

    /// Takes back the scopes that were added for a sign-in that did not happen.
    fn take_back(&self, scopes: Vec<String>, around: &mut Surroundings) -> Vec<Effect> {
        if scopes.is_empty() {
            return Vec::new();
        }
        let change = ConfigurationChange::TakeBackScopes { profile: self.profile.clone(), scopes };
        vec![Effect::ChangeConfiguration { task: around.new_task(), change }]
    }

    /// When a clock on the panel tells something else, or the call that waits for its time is due.
    pub(super) fn next_change(&self, around: &Surroundings, now: Now) -> Option<Moment> {
        let tick = |at| time_left::next_change([at], now.moment, around.motion);
        if let Some(Waiting::Time { at, .. }) = self.waiting {
            return Some(tick(at).unwrap_or(now.moment + AT_ONCE));
        }
        match self.fix(around) {
            Some(Fix::SendLater(_, at)) => tick(at),
            _ => None,
        }
    }
}

/// Scopes that the profile wants already are missing since the last sign-in only.
fn for_scopes(scopes: Vec<String>, wanted: &[String], call: &Call) -> Option<Fix> {
    let is_new = |scope: &String| !wanted.iter().any(|known| known.eq_ignore_ascii_case(scope));
    if scopes.is_empty() {
        return None;
    }
    let lacking: Vec<String> = scopes.into_iter().filter(is_new).collect();
    Some(if lacking.is_empty() { Fix::SignIn(Some(call.clone())) } else { Fix::AddScopes(lacking, call.clone()) })
}
