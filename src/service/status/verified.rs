//! What the providers themselves say of tokens, for whoever does not want to go by what is kept here.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::super::account::Unanswered;
use super::super::{Freshness, Service};
use crate::api::Diagnosis;
use crate::config::Profile;
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;

/// So many providers are asked at a time.
const AT_ONCE: usize = 8;

/// A token that lasts as long will outlive the question about it.
const LASTING: Freshness = Freshness::AtLeast(Duration::from_secs(30));

/// What came of asking the provider of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The provider knows the token.
    Valid,
    /// Somebody is needed.
    Bad(Error),
    /// Nobody answered that question.
    CannotTell(Error),
}

impl Verified {
    /// The word in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Verified::Valid => "valid",
            Verified::Bad(_) => "bad",
            Verified::CannotTell(_) => "unknown",
        }
    }

    /// The same for people.
    pub fn in_words(&self) -> &'static str {
        match self {
            Verified::CannotTell(_) => "cannot tell",
            told => told.word(),
        }
    }

    /// Why it is not valid.
    pub fn problem(&self) -> Option<&Error> {
        match self {
            Verified::Valid => None,
            Verified::Bad(error) | Verified::CannotTell(error) => Some(error),
        }
    }
}

impl Service {
    /// Asks the providers of these profiles, several at a time. A token that has ended, or that a provider refuses, is
    /// refreshed once where that can be done. Nothing else is written.
    pub async fn verify(&self, profiles: &[&Profile]) -> BTreeMap<ProfileName, Verified> {
        // Nobody waits for a provider that is silent before the others are asked.
        let verified = stream::iter(profiles.iter().copied())
            .map(|profile| async move { (profile.name.clone(), self.verify_one(profile).await) });
        verified.buffer_unordered(AT_ONCE).collect().await
    }

    async fn verify_one(&self, profile: &Profile) -> Verified {
        match self.grant(profile).await {
            Ok(grant) if grant.wants_sign_in() => {
                let message = format!("the provider has refused to refresh profile `{}`", profile.name);
                Verified::Bad(Error::new(Code::SignInNeeded, message).advise(Advice::SignIn(profile.name.clone())))
            }
            Ok(_) => match self.ask_whose(profile, LASTING).await {
                Ok(_) => Verified::Valid,
                // Whoever says what a token lacks knows it.
                Err(Unanswered::Refused(explained, ..)) if explained.diagnosis == Diagnosis::MissingScope => {
                    Verified::Valid
                }
                Err(unanswered) => judged(unanswered.into()),
            },
            Err(error) => judged(error),
        }
    }
}

fn judged(error: Error) -> Verified {
    match error.code {
        Code::SignInNeeded
        | Code::Denied
        | Code::InvalidClient
        | Code::InvalidClientSecret
        | Code::InvalidScope
        | Code::WrongDataCenter
        | Code::WrongAccount => Verified::Bad(error),
        _ => Verified::CannotTell(error),
    }
}
