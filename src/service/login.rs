//! The sign-in, from the proof that the store works to the record that holds the grant.

mod attempt;
mod code;
pub(super) mod exchange;
mod kept;
mod pending;
mod polling;
mod presence;
mod renewal;
mod web;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::{Host, Url};

pub use self::attempt::LOST_ANSWER;
pub use self::pending::{Begin, GivenUp, Pending, Until};
pub use self::presence::Presence;
use self::presence::ShownCode;
pub use self::renewal::{ATTENDED_RENEWALS, IDLE_TIME, Renewal, Rest, RestReason, UNATTENDED_RENEWALS};
pub use self::web::{Callback, CameBack, WebSignIn};

use self::attempt::Attempt;
use self::kept::Kept;
use self::pending::TakenUp;
use self::polling::{Asking, CodeEnded, Company, Elsewhere};
use super::failure::host;
use super::{QrFile, Service};
use crate::clock::{self, Moment};
use crate::config::{ClientType, Profile};
use crate::error::{Advice, Code, Error, Way};
use crate::http::trouble::Trouble;
use crate::oauth::device::{DeviceEvent, Failure, Outcome, backoff};
use crate::oauth::wire::Unreadable;
use crate::profile::ProfileName;
use crate::providers::explained::Place;
use crate::providers::{DataCenter, Provider};
use crate::storage::{Account, Asker, Clocks, Grant, LastPoll, PendingSignIn, Protection, Record};

/// How often a code that is to follow another is asked for while nobody answers: for about ten minutes.
const MOST_TRIES: u32 = 13;

/// How one sign-in is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIn {
    /// Instead of the profile's own.
    pub scopes: Option<Vec<String>>,
    /// How many new codes may follow one that ran out.
    pub renewals: u32,
    /// Email address or id of the only account that may approve.
    pub expect_account: Option<String>,
    /// Gets the QR code of each code.
    pub qr_file: Option<QrFile>,
    /// What becomes of a sign-in that is pending.
    pub begin: Begin,
    pub until: Until,
    /// Nobody is told how it ends, who asks later is.
    pub for_agent: bool,
}

impl SignIn {
    /// With new codes for somebody who sits before the screen.
    pub fn attended() -> Self {
        Self { renewals: ATTENDED_RENEWALS, ..Self::default() }
    }
}

/// A code that waits for approval, as screens and scripts show it.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuedCode {
    pub user_code: String,
    pub verification_uri: Url,
    pub verification_uri_complete: Option<Url>,
    pub interval: Duration,
    pub lifetime: Duration,
    pub issued_at: Moment,
    pub expires_at: Moment,
    /// The same end on the wall clock.
    pub expires_at_time: Timestamp,
    /// What it asks for.
    pub scopes: Vec<String>,
}

impl IssuedCode {
    /// Where it is approved: the address with the code in it, or the plain one where the provider sends none.
    pub fn address(&self) -> &Url {
        self.verification_uri_complete.as_ref().unwrap_or(&self.verification_uri)
    }

    /// The host, where only this machine can open the address.
    pub fn own_host(&self) -> Option<&str> {
        let is_own = match self.verification_uri.host()? {
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        };
        self.verification_uri.host_str().filter(|_| is_own)
    }
}

/// What happened during a sign-in.
#[derive(Clone, Debug, PartialEq)]
pub enum SignInEvent {
    /// The accounts server with this host is asked for a code.
    Asking {
        host: String,
    },
    CodeIssued {
        code: IssuedCode,
        next_poll_at: Moment,
    },
    /// It was pending already.
    CodeTakenUp {
        code: IssuedCode,
        next_poll_at: Moment,
    },
    /// A new code took the place of one that ran out.
    CodeRenewed {
        code: IssuedCode,
        next_poll_at: Moment,
    },
    /// Somebody asked for a new code in the place of one that was good still.
    CodeReplaced {
        code: IssuedCode,
        next_poll_at: Moment,
    },
    /// Another process asks the server already.
    Following {
        asker: Asker,
    },
    /// It is this process that asks, and not before then.
    Resting {
        next_poll_at: Moment,
    },
    /// Nobody was asked, since an approval could not be kept.
    HeldBack {
        error: Error,
        next_poll_at: Moment,
    },
    Pending {
        next_poll_at: Moment,
    },
    SlowedDown {
        interval: Duration,
        next_poll_at: Moment,
    },
    Relocated {
        data_center: String,
        accounts_host: String,
        next_poll_at: Moment,
    },
    /// The server is asked as soon as it allows, since the person wanted to know.
    Hastened {
        next_poll_at: Moment,
    },
    Retrying {
        trouble: Trouble,
        /// The sentence for people.
        reason: String,
        attempt: u32,
        next_poll_at: Moment,
    },
    /// Approved and saved; the account is being asked for.
    Approved,
}

/// A sign-in that worked.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedIn {
    pub profile: ProfileName,
    pub account: Option<Account>,
    pub data_center: Option<String>,
    /// The account lives in another data center than the client.
    pub relocated: bool,
    pub scopes: Vec<String>,
    pub wanted_scopes: Vec<String>,
    pub missing_scopes: Vec<String>,
    pub api_domain: Option<String>,
    /// `None` where the provider named no end.
    pub access_token_expires_at: Option<Timestamp>,
    pub refreshable: bool,
    /// As said by [`Service::sign_in_warnings`] before it began.
    pub warnings: Vec<String>,
    /// What of the answer could not be taken, in sentences.
    pub left_out: Vec<String>,
    /// What a person should know of the sign-in that this one took the place of: a sentence.
    pub replaced: Option<String>,
    /// Where it is kept and what guards it there, as far as that is known.
    pub protection: Option<Protection>,
}

impl Service {
    /// Signs `profile` in for as long as the options say, reporting each step; `None` where it is pending still. The person is
    /// heard by `presence`. Dropping the future cancels: nothing more is asked, and the code stays pending until
    /// [`Service::give_up`]. A poll that is under way then is [unbroken](super::Unbroken): an approval that it brings is kept
    /// all the same. A grant that cannot be saved is given back.
    pub async fn sign_in(
        &self,
        profile: &Profile,
        options: SignIn,
        mut report: impl FnMut(SignInEvent) + Send,
        presence: &Presence,
    ) -> Result<Option<SignedIn>, Error> {
        check_way(profile, None)?;
        let mut waiting = match self.take_up(profile, &options).await? {
            TakenUp::Pending(pending) => Some(*pending),
            TakenUp::SignedIn(grant) => {
                return Box::pin(self.signed_in_elsewhere(profile, options, *grant)).await.map(Some);
            }
            TakenUp::Nothing => {
                self.check_scopes(profile, &options)?;
                None
            }
        };
        let (renewals, until) = (options.renewals, options.until);
        let mut attempt = Box::pin(Attempt::begin(self, profile, options.clone(), waiting.as_mut())).await?;
        if waiting.is_none() {
            report(SignInEvent::Asking { host: host(&attempt.home) });
        }
        let company = Company { presence, until };
        let mut codes = Codes {
            waiting,
            end: clock::now(),
            asking: None,
            before: Before::Nothing,
            renewals_left: renewals,
            failures: 0,
            was_taken_up: false,
            has_lost_answer: false,
        };
        loop {
            let (waiting, unbroken) = (codes.waiting.take(), &self.unbroken);
            codes.was_taken_up = waiting.is_some() && options.begin == Begin::GoOn;
            let showing = Box::pin(attempt.show_code(waiting, codes.before, presence, &mut report));
            let ended = match Asking::meanwhile(&mut codes.asking, unbroken, showing).await {
                Ok(_) if until == Until::Code => return Ok(None),
                Ok(pending) => {
                    attempt.pending = Some(pending.id.clone());
                    codes.end = clock::now() + pending.left(&Clocks::now());
                    let ended = Box::pin(attempt.follow_code(pending, &mut codes.asking, &company, &mut report)).await;
                    attempt.may_take = false;
                    ended
                }
                Err(ended) => ended,
            };
            if presence.take_attended() {
                codes.renewals_left = renewals;
            }
            match Box::pin(codes.after(ended, &mut attempt, &mut report)).await? {
                Next::Code => presence.set_lost_answer_before(codes.has_lost_answer),
                Next::Pending => return Ok(None),
                Next::Replaced => {
                    let begin = if options.begin == Begin::Resume { Begin::Resume } else { Begin::GoOn };
                    let options = SignIn { begin, ..options.clone() };
                    // It may ask for other scopes, and another account.
                    let TakenUp::Pending(mut other) = self.take_up(profile, &options).await? else {
                        return Err(attempt.given_up());
                    };
                    let next = Box::pin(Attempt::begin(self, profile, options, Some(&mut other))).await?;
                    // Two machines would else take a code from each other for ever.
                    attempt = Attempt { may_take: false, ..next };
                    codes.waiting = Some(*other);
                }
                Next::Kept(kept, said) => {
                    let lost = codes.has_lost_answer.then(|| format!("{LOST_ANSWER}: if so, they are kept nowhere"));
                    // What follows may take its time, and others may begin anew.
                    drop(codes);
                    attempt.left_out = said.into_iter().chain(lost).collect();
                    report(SignInEvent::Approved);
                    return Ok(Some(Box::pin(attempt.signed_in(*kept)).await));
                }
            }
        }
    }

    /// The same to its end, whatever the options say.
    pub async fn sign_in_to_its_end(
        &self,
        profile: &Profile,
        options: SignIn,
        mut report: impl FnMut(SignInEvent) + Send,
        presence: &Presence,
    ) -> Result<SignedIn, Error> {
        let options = SignIn { until: Until::End, ..options };
        loop {
            if let Some(signed_in) = self.sign_in(profile, options.clone(), &mut report, presence).await? {
                return Ok(signed_in);
            }
        }
    }

    /// Tells what another process has come to.
    async fn signed_in_elsewhere(&self, profile: &Profile, options: SignIn, grant: Grant) -> Result<SignedIn, Error> {
        let attempt = Attempt::begin(self, profile, options, None).await?;
        let kept = attempt.kept_elsewhere(grant).await?;
        Ok(Box::pin(attempt.signed_in(kept)).await)
    }
}

/// The codes of one sign-in, each of which takes the place of the one before.
struct Codes {
    /// One that is there already.
    waiting: Option<PendingSignIn>,
    /// When the one that was shown last runs out.
    end: Moment,
    /// Where it is this process that asks.
    asking: Option<Asking>,
    before: Before,
    renewals_left: u32,
    /// How often the next one could not be had.
    failures: u32,
    /// A plain `login` took it up, and any other code would do as well.
    was_taken_up: bool,
    /// An answer about one before it got lost.
    has_lost_answer: bool,
}

/// What became of the code before this one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    RanOut,
    Replaced,
}

/// What follows a code.
enum Next {
    Code,
    /// It waits still.
    Pending,
    /// Another sign-in of the profile is pending instead.
    Replaced,
    Kept(Box<Kept>, Vec<String>),
}

impl Codes {
    async fn after(
        &mut self,
        ended: CodeEnded,
        attempt: &mut Attempt,
        report: &mut (impl FnMut(SignInEvent) + Send),
    ) -> Result<Next, Error> {
        let (outcome, place, last) = match ended {
            CodeEnded::Approved(kept, said) => {
                return kept.map(|kept| Next::Kept(Box::new(kept), said));
            }
            CodeEnded::StillPending => return Ok(Next::Pending),
            CodeEnded::Unheard(asker) => return Err(attempt.unheard(&asker)),
            CodeEnded::Elsewhere(Elsewhere::SignedIn(grant)) => {
                return Ok(Next::Kept(Box::new(attempt.kept_elsewhere(*grant).await?), Vec::new()));
            }
            CodeEnded::Elsewhere(Elsewhere::Replaced) => {
                // Whoever asked for the other one may have done so for that reason.
                let has_run_out = clock::now() >= self.end;
                (self.before, self.asking) = (if has_run_out { Before::RanOut } else { Before::Replaced }, None);
                return Ok(Next::Replaced);
            }
            CodeEnded::Elsewhere(Elsewhere::GivenUp) => return Err(attempt.given_up()),
            CodeEnded::Elsewhere(Elsewhere::Failed(error))
                if error.code == Code::CodeExpired && self.renewals_left > 0 =>
            {
                self.renewals_left -= 1;
                return self.renew(Before::RanOut, attempt).await;
            }
            CodeEnded::Unusable(error) | CodeEnded::Elsewhere(Elsewhere::Failed(error)) => return Err(error),
            // Whatever the provider calls a code that is used up, this one has not run out by the clock.
            CodeEnded::Otherwise { outcome, place, last }
                if self.was_taken_up
                    && last != LastPoll::Answered
                    && clock::now() < self.end
                    && attempt.error(outcome.clone(), place, last).code == Code::CodeExpired =>
            {
                self.has_lost_answer |= last == LastPoll::Out;
                return self.renew(Before::Replaced, attempt).await;
            }
            CodeEnded::Otherwise { outcome: Outcome::Expired, last, .. } if self.renewals_left > 0 => {
                self.has_lost_answer |= last == LastPoll::Out;
                self.renewals_left -= 1;
                return self.renew(Before::RanOut, attempt).await;
            }
            CodeEnded::Otherwise { outcome, place, last: LastPoll::Answered } if self.has_lost_answer => {
                (outcome, place, LastPoll::Out)
            }
            CodeEnded::Otherwise { outcome, place, last } => (outcome, place, last),
        };
        // Somebody waits for the new code, who may have gone for a while.
        let waits = self.before != Before::Nothing && place == Place::DeviceAuthorization && self.failures < MOST_TRIES;
        let Some((trouble, reason)) = passing(&outcome, &attempt.home).filter(|_| waits) else {
            let error = attempt.error(outcome, place, last);
            // The code is as good as before once the client's id or secret is put right.
            if place == Place::Poll && matches!(error.code, Code::InvalidClient | Code::InvalidClientSecret) {
                return Err(error);
            }
            let poller = self.asking.as_ref().map(|asking| Arc::clone(&asking.poller));
            return Err(attempt.ended(error, poller).await);
        };
        let next_poll_at = clock::now() + backoff(self.failures);
        self.failures += 1;
        report(SignInEvent::Retrying { trouble, reason, attempt: self.failures, next_poll_at });
        Asking::meanwhile(&mut self.asking, &attempt.service.unbroken, clock::sleep_until(next_poll_at)).await;
        Ok(Next::Code)
    }

    /// Lets a new code take the place of one that is over.
    async fn renew(&mut self, before: Before, attempt: &mut Attempt) -> Result<Next, Error> {
        (self.before, self.failures) = (before, 0);
        let unbroken = attempt.service.unbroken.clone();
        Asking::meanwhile(&mut self.asking, &unbroken, attempt.look_up_again()).await?;
        Ok(Next::Code)
    }
}

impl Service {
    /// Asks nobody for an approval of nothing.
    fn check_scopes(&self, profile: &Profile, options: &SignIn) -> Result<(), Error> {
        let dialect = self.config.provider(profile)?.dialect();
        if !dialect.needs_scope || !options.scopes.as_ref().unwrap_or(&profile.scopes).is_empty() {
            return Ok(());
        }
        Err(Error::new(Code::InvalidScope, format!("profile `{}` cannot sign in", profile.name))
            .because(format!("it asks for no scope, and {} approves nothing without one", dialect.display_name))
            .advise(format!("give it `scopes`, such as `{}`", dialect.default_scope)))
    }
}

/// Why no code could be had, where that may pass.
fn passing(outcome: &Outcome, data_center: &DataCenter) -> Option<(Trouble, String)> {
    match outcome {
        Outcome::Failed(Failure::Transport(failure)) => Some((failure.trouble(), failure.to_string())),
        Outcome::Failed(Failure::Unreadable(Unreadable::Garbled { status, trouble })) => {
            Some((*trouble, trouble.of_answer(&host(data_center), *status)))
        }
        _ => None,
    }
}

/// Each type of client has one way to sign in. One of which nothing was said may be of any type, and is taken for what is
/// asked for; `None` is by a device code.
pub fn check_way(profile: &Profile, wanted: Option<Way>) -> Result<(), Error> {
    let (kind, way) = match profile.client_type {
        ClientType::NonBrowser | ClientType::ClientBased => return Ok(()),
        ClientType::SelfClient => ("a self client", Way::GrantCode),
        ClientType::ServerBased => ("a server-based application", Way::Web),
        ClientType::Mobile => ("a mobile or desktop application", Way::Web),
    };
    if wanted == Some(way) {
        return Ok(());
    }
    let by = match wanted {
        Some(Way::Web) => "through a browser",
        Some(Way::GrantCode) => "by a code of the console",
        _ => "by a device code",
    };
    Err(Error::new(Code::Config, format!("profile `{}` cannot sign in {by}", profile.name))
        .because(format!("its client is {kind}"))
        .advise(Advice::SignInBy(profile.name.clone(), way)))
}

/// A record that has nothing yet.
pub(super) fn empty_record(profile: &Profile) -> Record {
    Record::empty(profile.name.clone(), profile.provider.clone(), profile.client_id.clone())
}

/// What the device flow told at that time, as screens and scripts show it; its code asks for these scopes.
pub fn sign_in_event(
    event: DeviceEvent,
    scopes: &[String],
    provider: &Provider,
    now: Moment,
    time: Timestamp,
) -> SignInEvent {
    match event {
        DeviceEvent::CodeIssued { code, expires_at, next_poll_at } => {
            let (user_code, verification_uri) = (code.user_code, code.verification_uri);
            let code = IssuedCode {
                user_code,
                verification_uri,
                verification_uri_complete: code.verification_uri_complete,
                interval: code.interval,
                lifetime: code.lifetime,
                issued_at: now,
                expires_at,
                expires_at_time: clock::later(time, expires_at - now),
                scopes: scopes.to_vec(),
            };
            SignInEvent::CodeIssued { code, next_poll_at }
        }
        DeviceEvent::Pending { next_poll_at } => SignInEvent::Pending { next_poll_at },
        DeviceEvent::SlowedDown { interval, next_poll_at } => SignInEvent::SlowedDown { interval, next_poll_at },
        DeviceEvent::Relocated { data_center, next_poll_at } => {
            let accounts_host = provider.data_center(&data_center).map_or_else(String::new, host);
            SignInEvent::Relocated { data_center, accounts_host, next_poll_at }
        }
        DeviceEvent::Resting { next_poll_at } => SignInEvent::Resting { next_poll_at },
        DeviceEvent::Hastened { next_poll_at } => SignInEvent::Hastened { next_poll_at },
        DeviceEvent::Retrying { trouble, reason, attempt, next_poll_at } => {
            SignInEvent::Retrying { trouble, reason, attempt, next_poll_at }
        }
    }
}
