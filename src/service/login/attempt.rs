//! One sign-in, in whatever way: what it takes, and why it fails.

use std::io;

use jiff::Timestamp;

use crate::clock;
use crate::config::Profile;
use crate::error::{Advice, Code, Error, Way};
use crate::files;
use crate::oauth::Client;
use crate::oauth::device::{Failure, Outcome};
use crate::providers::explained::Place;
use crate::providers::{DataCenter, Provider, standard};
use crate::secret::Secret;
use crate::service::failure::Asked;
use crate::service::{QrFile, Service, transport_error};
use crate::storage::{Asker, LastPoll, PendingId};
use crate::words::time_of_day;

/// What is said where nobody is known to have approved, and somebody may have.
pub const LOST_ANSWER: &str = "an answer of the provider got lost before that, and may have had the tokens";

/// Who signs in where. Owned, since a poll may outlive whoever asked for it.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) service: Service,
    pub(super) profile: Profile,
    pub(super) provider: Provider,
    /// Where the client is registered.
    pub(super) home: DataCenter,
    pub(super) client: Client,
    /// A secret of the client that the record gets with the grant, since nothing else proves it.
    pub(super) secret_to_keep: Option<Secret>,
    pub(super) scopes: Vec<String>,
    /// Email address or id of the only account that may approve.
    pub(super) expected: Option<String>,
    /// Gets the QR code of each code.
    pub(super) qr_file: Option<QrFile>,
    /// The refresh token that came from elsewhere: others live on the same grant, so it is never given back.
    pub(super) imported: Option<Secret>,
    /// What was to be said before it began.
    pub(super) warnings: Vec<String>,
    /// What of the answer with the tokens was not taken.
    pub(super) left_out: Vec<String>,
    /// No person hears how it ends.
    pub(super) for_agent: bool,
    /// It may take a sign-in over from another machine, since a person here wants to go on with it.
    pub(super) may_take: bool,
    /// When the grant was approved that there was before.
    pub(super) approved_before: Option<Timestamp>,
    /// The pending sign-in that an approval belongs to; other ways to sign in have none.
    pub(super) pending: Option<PendingId>,
}

impl Attempt {
    /// Why a code that was not approved ended the sign-in.
    pub(super) fn error(&self, outcome: Outcome, place: Place, last: LastPoll) -> Error {
        let what = format!("profile `{}` could not be signed in", self.profile.name);
        let asked = self.asked(&what, place, &self.home);
        let telling = |error: Error| match last {
            LastPoll::Answered => error,
            LastPoll::Out => error.adding(LOST_ANSWER),
            LastPoll::NotKept => error.adding("the approval had come before that, and could not be kept"),
        };
        match outcome {
            // An approval is kept, and nobody asks why there is none.
            Outcome::Expired | Outcome::Authorized { .. } => match last {
                LastPoll::Answered => asked.expired(),
                LastPoll::Out | LastPoll::NotKept => telling(asked.ran_out()),
            },
            Outcome::Denied(answer) => asked.denied(&answer),
            Outcome::Failed(failure) => telling(self.failure(failure, &asked)),
        }
    }

    /// The system gave no random id for the sign-in, so no code was asked for.
    pub(super) fn without_random_numbers(&self, error: &io::Error) -> Error {
        Error::new(Code::Other, format!("profile `{}` could not be signed in", self.profile.name))
            .because(error)
            .advise(files::advice(error))
    }

    fn failure(&self, failure: Failure, asked: &Asked<'_>) -> Error {
        let what = asked.what;
        match failure {
            Failure::Transport(failure) => transport_error(what, &failure),
            Failure::Server { error, data_center } => {
                let data_center = self.provider.data_center(&data_center).unwrap_or(&self.home);
                let has_moved = data_center.code != self.home.code;
                let place = if has_moved { Place::PollAfterMove } else { asked.place };
                self.asked(what, place, data_center).refused(&error)
            }
            Failure::Unreadable(answer) => {
                let nothing = "nothing was saved; check that the accounts server of this profile is the real one";
                let mut advice = vec![nothing.into()];
                if asked.place != Place::DeviceAuthorization {
                    // An answer to a poll that is refused may have had tokens in it.
                    advice.push(format!("if the approval was given, {}", asked.removal_by_hand()).into());
                }
                asked.unreadable(answer, advice)
            }
            Failure::NoDeviceSignIn => {
                let error = Error::new(Code::Config, what).because(
                    match standard::oddity(&self.home.endpoints.odd, standard::DEVICE_AUTHORIZATION) {
                        Some(odd) => odd.to_string(),
                        None => format!("{} is not known to offer device sign-in", self.provider.dialect.display_name),
                    },
                );
                let error = error.advise("give `device_authorization_endpoint` for the provider");
                if self.home.endpoints.authorization.is_none() {
                    return error.advise("or its `issuer`, whose metadata may name one");
                }
                error.advise(Advice::SignInBy(self.profile.name.clone(), Way::Web).after("or "))
            }
            Failure::UnknownDataCenter(code) => self.unknown_data_center(&code),
        }
    }

    /// The account lives where nobody here has heard of.
    pub(super) fn unknown_data_center(&self, code: &str) -> Error {
        Error::new(Code::UntrustedAnswer, format!("profile `{}` could not be signed in", self.profile.name))
            .because(format!("the account lives in data center `{code}`, which is not known here"))
            .advise("nothing was saved; update this program, or add the data center to the provider")
    }

    pub(super) fn asked<'a>(&'a self, what: &'a str, place: Place, data_center: &'a DataCenter) -> Asked<'a> {
        let Self { provider, profile, scopes, client, .. } = self;
        Asked { what, place, provider, data_center, profile, scopes, client }
    }

    /// Why nobody knows how a sign-in ended whose code ran out while another process had to ask for it.
    pub(super) fn unheard(&self, asker: &Asker) -> Error {
        let who = asker.who.as_deref().unwrap_or("another process");
        let stopped = if asker.is_stopped { " is stopped and" } else { "" };
        let since =
            asker.last_asked.map(|at| format!(" since {}", time_of_day(at, clock::wall(), &(self.service.zone)())));
        let since = since.unwrap_or_default();
        Error::new(Code::CodeExpired, format!("profile `{}` could not be signed in", self.profile.name))
            .because(format!(
                "the code ran out, and whether it was approved is not known: {who}{stopped} has not asked the server{since}"
            ))
            .advise("continue or end that process")
            .advise(Advice::SignIn(self.profile.name.clone()).and(" for a new code"))
    }

    /// Why a sign-in is over that somebody gave up.
    pub(super) fn given_up(&self) -> Error {
        let name = &self.profile.name;
        Error::new(Code::SignInNeeded, format!("the sign-in of profile `{name}` was given up"))
            .because("another process forgot or replaced its code, or changed, renamed or removed the profile")
            .advise(Advice::SignIn(name.clone()).and(" for a new code"))
    }
}
