//! What the profiles need of a person: a sign-in, and scopes that somebody knows.

use super::{Check, Patient, Subject, limited};
use crate::clock;
use crate::config::Profile;
use crate::error::{Advice, Value, Way};
use crate::providers::catalog;
use crate::service::status::{ProfileStatus, State};
use crate::sorted;

impl Patient {
    /// A line for each profile that only a person can bring back, the default one first.
    pub(super) async fn check_sign_ins(&self) -> Vec<Check> {
        if self.has_trouble(Subject::Configuration) || self.has_trouble(Subject::Store) {
            return Vec::new();
        }
        let now = clock::wall();
        let named = self.profile.clone();
        let read =
            self.service.aside(move |service| match named.map(|name| service.config.profile(Some(&name)).cloned()) {
                None => service.statuses(now),
                Some(profile) => profile.iter().map(|profile| service.status(profile, now)).collect(),
            });
        let mut statuses = read.await;
        sorted::by_key(&mut statuses, |status| self.service.config.default_profile.as_ref() != Some(&status.name));
        let mut checks: Vec<Check> = statuses.iter().filter_map(|status| of_status(status, now)).collect();
        let more = limited(&mut checks, Subject::SignIn, "profile", Advice::ListProfiles);
        checks.extend(more);
        checks
    }

    /// Scopes at which a provider would probably shake its head.
    pub(super) fn check_scopes(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = self.profiles().flat_map(|profile| self.odd_scopes(profile)).collect();
        let more = limited(&mut checks, Subject::Scopes, "scope", Advice::CheckConfig);
        checks.extend(more);
        checks
    }

    fn odd_scopes<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = Check> + 'a {
        let source = self.service.config.provider(profile).ok();
        let has_products = source.is_some_and(|source| source.dialect().has_products);
        let scopes = if has_products { &profile.scopes[..] } else { &[] };
        scopes.iter().filter_map(|scope| {
            let check = Check::warning(Subject::Scopes, profile.name.as_str(), catalog::advice(scope)?);
            Some(check.advise(Advice::EditValue(profile.name.clone(), Value::Scopes)))
        })
    }
}

fn of_status(status: &ProfileStatus, now: jiff::Timestamp) -> Option<Check> {
    let name = status.name.clone();
    let why = status.last_refresh.as_ref().and_then(|last| last.error.as_ref());
    let (seen, advice) = match status.state {
        State::SignedOut if status.waiting_code(now).is_some() => {
            ("a code waits for its approval".to_owned(), Advice::SignInBy(name, Way::Resume))
        }
        State::SignedOut if status.is_unrevoked => {
            ("signed out, but a grant of it is not revoked yet".to_owned(), Advice::SignOut(name))
        }
        State::SignedOut => ("signed out".to_owned(), Advice::SignIn(name)),
        State::NeedsLogin => {
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            (format!("it needs a new sign-in{why}"), Advice::SignIn(name))
        }
        State::Valid | State::Expiring | State::Expired | State::Unknown => return None,
    };
    Some(Check::warning(Subject::SignIn, status.name.as_str(), seen).advise(advice))
}
