//! The kiosk, its sign-ins and a provider in one virtual time: what `service` and the runtime do is done here without
//! sleeping and without a connection.

use std::collections::BTreeMap;
use std::time::Duration;

use device_login::abilities::Environment;
use device_login::clock::Moment;
use device_login::config::Config;
use device_login::error::{Code, Error};
use device_login::http::{Request, Response, TransportFailure};
use device_login::oauth::device::{DeviceEvent, DeviceFlow, Failure, Outcome};
use device_login::oauth::wire::Unreadable;
use device_login::oauth::{Client, Step};
use device_login::profile::ProfileName;
use device_login::providers::{self, zoho};
use device_login::service::{Machine, RestReason, SignIn, SignedIn, sign_in_event};
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, TaskId};
use device_login::tui::model::Model;
use device_login::tui::next_wakeup;
use device_login::tui::panels::sign_in::{SignInPanel, Stage};
use device_login::tui::surroundings::Now;
use device_login::tui::update::update;
use device_login::tui::view::view;
use device_login::tui::{Ended, Start, start};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const START: Duration = Duration::from_secs(100_000);

/// How the provider is at a time.
pub(crate) enum Provider {
    Works,
    Lost(TransportFailure),
    Answers(u16, String),
}

pub(crate) struct World {
    now: Moment,
    model: Model,
    flow: Option<(TaskId, DeviceFlow)>,
    zoho: providers::Provider,
    provider: Box<dyn Fn(u64) -> Provider>,
    codes: u32,
    polls: BTreeMap<String, u32>,
    /// When a code was asked for, in seconds from the beginning.
    pub(crate) codes_asked: Vec<u64>,
    pub(crate) approves_from: Option<u64>,
    pub(crate) declines_from: Option<u64>,
    pub(crate) last_error: Option<Code>,
    pub(crate) ended: Option<Ended>,
}

impl World {
    /// A kiosk that may ask for so many codes after its first one.
    pub(crate) fn new(renewals: u32, provider: impl Fn(u64) -> Provider + 'static) -> Self {
        let environment = Environment { term: Some("xterm"), lang: Some("C.UTF-8"), ..Environment::default() };
        let machine = Machine { user: "kiosk".to_owned(), host: "display-7".to_owned(), over_ssh_from: None };
        let mut model = Model::new(environment.abilities(), machine, Config::default());
        let options = SignIn { renewals, ..SignIn::default() };
        let now = Now { moment: Moment::at(START), time: Timestamp::UNIX_EPOCH };
        let effects = start(&mut model, Start::Kiosk { profile: profile(), options }, None, now);
        let mut world = Self {
            now: Moment::at(START),
            model,
            flow: None,
            zoho: zoho::provider(),
            provider: Box::new(provider),
            codes: 0,
            polls: BTreeMap::new(),
            codes_asked: Vec::new(),
            approves_from: None,
            declines_from: None,
            last_error: None,
            ended: None,
        };
        world.perform(effects);
        world
    }

    pub(crate) fn seconds(&self) -> u64 {
        (self.now - Moment::at(START)).as_secs()
    }

    /// Lets everything happen that does until then.
    pub(crate) fn run_until(&mut self, seconds: u64) {
        let end = Moment::at(START + Duration::from_secs(seconds));
        while self.ended.is_none() {
            let poll_at = self.exchange();
            let wakeup = next_wakeup(&self.model, self.both());
            let next = wakeup.into_iter().chain(poll_at).min().expect("a kiosk always wakes again");
            assert!(next > self.now || wakeup == Some(next), "it goes round in circles");
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            if wakeup.is_some_and(|wakeup| wakeup <= self.now) {
                self.tell(Message::Woken);
            }
        }
    }

    /// Passes time in which nothing runs.
    pub(crate) fn sleep(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    pub(crate) fn press(&mut self, key: Key) {
        self.tell(Message::Key(key));
    }

    /// The user code on the screen.
    pub(crate) fn shown(&self) -> Option<String> {
        match self.stage()? {
            Stage::Waiting(shown) => Some(shown.code.user_code.clone()),
            _ => None,
        }
    }

    /// The last user code that was given out.
    pub(crate) fn user_code(&self) -> String {
        format!("CODE-{}", self.codes)
    }

    pub(crate) fn polls_of(&self, user_code: &str) -> u32 {
        self.polls.get(user_code).copied().unwrap_or(0)
    }

    pub(crate) fn rest(&self) -> Option<RestReason> {
        match self.stage()? {
            Stage::Failed { rest: Some(rest), .. } => Some(rest.reason),
            _ => None,
        }
    }

    pub(crate) fn screen(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer can be drawn to");
        terminal.draw(|frame| view(&self.model, self.both(), frame)).expect("a buffer can be drawn to");
        terminal.backend().to_string()
    }

    fn stage(&self) -> Option<&Stage> {
        self.model.find::<SignInPanel>().map(|kiosk| &kiosk.stage)
    }

    fn both(&self) -> Now {
        Now { moment: self.now, time: Timestamp::UNIX_EPOCH }
    }

    fn tell(&mut self, message: Message) {
        let now = self.both();
        let effects = update(&mut self.model, message, now);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::StartSignIn { task, options, .. } => {
                    assert_eq!(options.renewals, 0, "the kiosk renews by itself");
                    assert!(self.flow.is_none(), "one sign-in at a time");
                    self.flow = Some((task, flow(&self.zoho)));
                }
                Effect::Quit(ended) => self.ended = Some(ended),
                effect => panic!("a kiosk does not want {effect:?}"),
            }
        }
    }

    /// Sends what the sign-in wants to send now, and tells when it wants to send again.
    fn exchange(&mut self) -> Option<Moment> {
        loop {
            let (task, mut flow) = self.flow.take()?;
            match flow.poll(self.now) {
                Step::Send(request) => {
                    let reply = self.reply(&request);
                    flow.handle(self.now, reply);
                    let events: Vec<DeviceEvent> = flow.events().collect();
                    self.flow = Some((task, flow));
                    for event in events {
                        let Now { moment, time } = self.both();
                        let event = sign_in_event(event, &[], &self.zoho, moment, time);
                        self.tell(Message::SignIn { task, event });
                    }
                }
                Step::Wait(until) => {
                    self.flow = Some((task, flow));
                    return Some(until);
                }
                Step::Done(outcome) => {
                    let result = outcome_of(&outcome);
                    self.last_error = result.as_ref().err().map(|error| error.code);
                    self.tell(Message::SignInEnded { task, result: Box::new(result) });
                }
                Step::AwaitReply => unreachable!("every request is answered at once"),
            }
        }
    }

    fn reply(&mut self, request: &Request) -> Result<Response, TransportFailure> {
        let seconds = self.seconds();
        let is_poll = request.url.path().ends_with("/token");
        if !is_poll {
            self.codes_asked.push(seconds);
        }
        let has_come = |from: Option<u64>| from.is_some_and(|from| from <= seconds);
        let body = match (self.provider)(seconds) {
            Provider::Lost(failure) => return Err(failure),
            Provider::Answers(status, body) => return Ok(response(status, &body)),
            Provider::Works if !is_poll => {
                self.codes += 1;
                let page = "https://accounts.zoho.com/oauth/v3/device";
                format!(
                    r#"{{"user_code":"{}","device_code":"dev","verification_url":"{page}","interval":30000,"expires_in":300000}}"#,
                    self.user_code()
                )
            }
            Provider::Works => {
                *self.polls.entry(self.user_code()).or_default() += 1;
                if has_come(self.approves_from) {
                    r#"{"access_token":"1000.a","refresh_token":"1000.r","expires_in":3600}"#.to_owned()
                } else if has_come(self.declines_from) {
                    r#"{"error":"access_denied"}"#.to_owned()
                } else {
                    r#"{"error":"authorization_pending"}"#.to_owned()
                }
            }
        };
        Ok(response(200, &body))
    }
}

fn profile() -> ProfileName {
    "lobby".parse().expect("a name")
}

fn flow(provider: &providers::Provider) -> DeviceFlow {
    let data_center = provider.data_center("us").expect("it is built in").clone();
    let client = Client {
        secret_variable: None,
        id: "1000.CLIENT".to_owned(),
        secret: None,
        data_center_secrets: BTreeMap::new(),
        tokens: Vec::new(),
        authentication: provider.client_authentication.clone(),
        sends_json: false,
    };
    DeviceFlow::new(provider.clone(), data_center, client, vec!["ZohoCRM.users.READ".to_owned()])
}

fn response(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

/// As `service` tells it.
fn outcome_of(outcome: &Outcome) -> Result<SignedIn, Error> {
    let code = match outcome {
        Outcome::Authorized { .. } => return Ok(signed_in()),
        Outcome::Denied(_) => Code::Denied,
        Outcome::Expired => Code::CodeExpired,
        Outcome::Failed(Failure::Transport(_)) => Code::Network,
        Outcome::Failed(Failure::Unreadable(Unreadable::Garbled { .. })) => Code::Provider,
        Outcome::Failed(Failure::Unreadable(Unreadable::Throttled(_))) => Code::RateLimited,
        Outcome::Failed(_) => Code::InvalidClient,
    };
    Err(Error::new(code, "profile `lobby` could not be signed in").because("as the test says"))
}

fn signed_in() -> SignedIn {
    SignedIn {
        profile: profile(),
        account: None,
        data_center: Some("us".to_owned()),
        relocated: false,
        scopes: Vec::new(),
        wanted_scopes: Vec::new(),
        missing_scopes: Vec::new(),
        api_domain: None,
        access_token_expires_at: Some(Timestamp::UNIX_EPOCH),
        refreshable: true,
        warnings: Vec::new(),
        left_out: Vec::new(),
        replaced: None,
        protection: None,
    }
}
