//! Server conversations from `tests/fixtures/flows/*.toml`, run against the state machines in virtual time.
//!
//! A file states who signs in where, each request with its time, address and form parameters, each reply, the events it
//! causes, and the outcome. [`Scenario::run`] compares all of them; what it complains of names the file and the step.
//! Nothing here sleeps or opens a connection.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use device_login::clock::Moment;
use device_login::http::{Method, ProxyVariables, Request, Response, TlsCause, TlsFailure, TransportFailure};
use device_login::oauth::device::DeviceFlow;
use device_login::oauth::token::TokenFlow;
use device_login::oauth::wire::Approval;
use device_login::oauth::{Client, Step};
use device_login::providers::standard::{self, StandardEndpoints, StandardServer};
use device_login::providers::{ClientAuthentication, DataCenter, Provider, zoho};
use device_login::secret::Secret;
use serde::Deserialize;
use url::Url;

use self::words::{device_event, device_outcome, refresh_outcome};

mod words;

/// Virtual time does not begin at zero, so that a mix-up of points in time and durations shows.
pub(crate) const START: Moment = Moment::at(Duration::from_secs(1_000));

/// One conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The file's name without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// What it shows, in one sentence.
    pub(crate) about: String,
    pub(crate) provider: ProviderSpec,
    pub(crate) client: ClientSpec,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Its presence makes this a refresh instead of a sign-in.
    pub(crate) refresh_token: Option<String>,
    /// The expected requests, by the name that exchanges call them.
    pub(crate) request: BTreeMap<String, RequestSpec>,
    pub(crate) exchange: Vec<Exchange>,
    /// When the person says that it is approved.
    #[serde(default)]
    pub(crate) ask_now: Vec<Asking>,
    /// When its process dies, and another one goes on with what was kept.
    #[serde(default)]
    pub(crate) resumed: Vec<Resumption>,
    /// In the words of [`words`].
    pub(crate) outcome: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub(crate) enum ProviderSpec {
    /// Zoho itself.
    Zoho { data_center: String },
    /// Zoho's dialect at addresses of our own.
    Lab { data_center: String, data_centers: BTreeMap<String, LabSpec> },
    /// The dialect of the RFCs.
    Standard(Box<StandardSpec>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandardSpec {
    pub(crate) issuer: Url,
    pub(crate) device_authorization: Url,
    pub(crate) token: Url,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabSpec {
    pub(crate) accounts_server: Url,
    pub(crate) api_domain: Url,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientSpec {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    #[serde(default)]
    pub(crate) data_center_secrets: BTreeMap<String, String>,
    /// Instead of the provider's ways.
    pub(crate) authentication: Option<Vec<ClientAuthentication>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestSpec {
    pub(crate) to: Url,
    /// All parameters; one more or less is a failure.
    #[serde(default)]
    pub(crate) form: BTreeMap<String, String>,
    /// The same, where they are to be an object.
    pub(crate) json: Option<BTreeMap<String, String>>,
    /// The client's id and secret, joined by a colon, if they are to be in the header.
    pub(crate) basic: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    /// Seconds from the beginning.
    pub(crate) at: f64,
    /// The name of a request.
    pub(crate) send: String,
    pub(crate) reply: Reply,
    /// In the words of [`words`].
    #[serde(default)]
    pub(crate) events: Vec<String>,
}

/// A person who wants the server to be asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asking {
    /// Seconds from the beginning.
    pub(crate) at: f64,
    /// In the words of [`words`].
    pub(crate) events: Vec<String>,
}

/// A process that dies while a code waits, and the one that goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resumption {
    /// When the other one begins, in seconds from the beginning.
    pub(crate) at: f64,
    /// It finds a note of when the next poll was due; else it waits a whole interval.
    #[serde(default)]
    pub(crate) knows_rest: bool,
}

/// Exactly one of `json`, `body` and `failure`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    /// Seconds until it comes.
    #[serde(default)]
    pub(crate) latency: f64,
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) json: Option<toml::Table>,
    pub(crate) body: Option<String>,
    pub(crate) failure: Option<FailureSpec>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailureSpec {
    Closed,
    Connect,
    ConnectTimeout,
    Dns,
    Garbled,
    Proxy,
    Refused,
    Setup,
    Slow,
    Timeout,
    Tls,
    TooLarge,
    Truncated,
}

impl Scenario {
    /// Every scenario there is, by name.
    ///
    /// # Panics
    ///
    /// When a file cannot be read or says something that no scenario can say.
    pub(crate) fn load_all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flows");
        let entries = std::fs::read_dir(&directory).expect("the directory of scenarios is there");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        let load = |path: &PathBuf| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy();
            let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
            Self::parse(&name, &text).unwrap_or_else(|error| panic!("{error}"))
        };
        paths.iter().map(load).collect()
    }

    /// Reads a scenario; a name that the format does not know is an error.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let scenario = Self { name: name.to_owned(), ..scenario };
        for (index, exchange) in scenario.exchange.iter().enumerate() {
            let problem = if scenario.request.contains_key(&exchange.send) {
                exchange.reply.check().err()
            } else {
                Some(format!("no request is called `{}`", exchange.send))
            };
            if let Some(problem) = problem {
                return Err(scenario.complaint(index, &problem));
            }
        }
        Ok(scenario)
    }

    /// Plays the server's part against the state machine and compares what that does; the error says where they part.
    pub(crate) fn run(&self) -> Result<(), String> {
        let mut flow = self.flow();
        let mut now = START;
        let mut exchanges = self.exchange.iter().enumerate();
        let mut asking = self.ask_now.iter().peekable();
        let mut resumed = self.resumed.iter().peekable();
        let mut issued_at = START;
        let mut index = 0;
        loop {
            match flow.poll(now) {
                Step::Send(request) => {
                    let Some((next, exchange)) = exchanges.next() else {
                        return Err(self.complaint(index, &format!("then asks once more: {request:?}")));
                    };
                    index = next;
                    self.check_request(exchange, now, &request).map_err(|problem| self.complaint(index, &problem))?;
                    let Step::AwaitReply = flow.poll(now) else {
                        return Err(self.complaint(index, "does not wait for the reply"));
                    };
                    now = now + seconds(exchange.reply.latency);
                    flow.handle(now, exchange.reply.make(request.url.host_str().unwrap_or_default()));
                    issued_at = if index == 0 { now } else { issued_at };
                    let events = flow.events();
                    if events != exchange.events {
                        let problem =
                            format!("events differ\n  expected {:#?}\n  got      {events:#?}", exchange.events);
                        return Err(self.complaint(index, &problem));
                    }
                }
                Step::AwaitReply => return Err(self.complaint(index, "waits for a reply to nothing")),
                Step::Wait(until) if until <= now => return Err(self.complaint(index, "waits for the past")),
                Step::Wait(until) => {
                    let just_before = Moment::at(until - Moment::at(Duration::from_millis(1)));
                    if !matches!(flow.poll(just_before), Step::Wait(again) if again == until) {
                        return Err(self.complaint(index, "does not keep waiting until the time that it named"));
                    }
                    // It may be long until somebody goes on.
                    let upcoming = exchanges.clone().next().map_or(f64::INFINITY, |(_, one)| one.at);
                    let dies_first = |next: &&Resumption| next.at < upcoming;
                    if let Some(next) = resumed.next_if(dies_first) {
                        now = START + seconds(next.at);
                        flow = self.resume(&flow, issued_at, next.knows_rest, now);
                        continue;
                    }
                    match asking.next_if(|asking| START + seconds(asking.at) <= until) {
                        Some(asking) => {
                            now = START + seconds(asking.at);
                            let events = flow.ask_now(now);
                            if events != asking.events {
                                let problem = format!("asked at {}, it says {events:#?}", asking.at);
                                return Err(self.complaint(index, &problem));
                            }
                        }
                        None => now = until,
                    }
                }
                Step::Done(_) if asking.peek().is_some() => {
                    return Err(self.complaint(index, "ends before the person asks"));
                }
                Step::Done(outcome) => {
                    if let Some((next, exchange)) = exchanges.next() {
                        let problem = format!("never comes (`{}`): the flow ended with\n  {outcome}", exchange.send);
                        return Err(self.complaint(next, &problem));
                    }
                    return if outcome == self.outcome {
                        Ok(())
                    } else {
                        let problem = format!("outcome differs\n  expected {}\n  got      {outcome}", self.outcome);
                        Err(self.complaint(index, &problem))
                    };
                }
            }
        }
    }

    pub(crate) fn provider(&self) -> Provider {
        match &self.provider {
            ProviderSpec::Zoho { .. } => zoho::provider(),
            ProviderSpec::Lab { data_centers, .. } => {
                let data_center =
                    |(code, lab): (&String, &LabSpec)| zoho::data_center(code, &lab.accounts_server, &lab.api_domain);
                zoho::provider_at("lab", data_centers.iter().map(data_center).collect())
            }
            ProviderSpec::Standard(spec) => {
                let endpoints = StandardEndpoints {
                    device_authorization: Some(spec.device_authorization.clone()),
                    token: Some(spec.token.clone()),
                    ..StandardEndpoints::default()
                };
                let server = StandardServer {
                    issuer: Some(spec.issuer.to_string()),
                    endpoints,
                    parameters: spec.parameters.clone().into_iter().collect(),
                    ..StandardServer::new("standard", &standard::DIALECT)
                };
                server.provider(StandardEndpoints::default()).expect("it has a token endpoint")
            }
        }
    }

    /// Where the conversation begins.
    pub(crate) fn data_center(&self) -> DataCenter {
        let provider = self.provider();
        let code = match &self.provider {
            ProviderSpec::Zoho { data_center } | ProviderSpec::Lab { data_center, .. } => data_center,
            ProviderSpec::Standard(_) => "",
        };
        let data_center = provider.data_center(code);
        data_center.unwrap_or_else(|| panic!("{}: no data center is called `{code}`", self.name)).clone()
    }

    pub(crate) fn client(&self) -> Client {
        let secrets = self.client.data_center_secrets.iter();
        Client {
            secret_variable: None,
            id: self.client.id.clone(),
            secret: self.client.secret.as_deref().map(Secret::new),
            data_center_secrets: secrets.map(|(code, secret)| (code.clone(), Secret::new(secret))).collect(),
            tokens: Vec::new(),
            authentication: self.client.authentication.clone().unwrap_or(self.provider().client_authentication),
            sends_json: false,
        }
    }

    fn flow(&self) -> Flow {
        let provider = self.provider();
        match &self.refresh_token {
            Some(token) => {
                let token = Secret::new(token);
                Flow::Refresh(TokenFlow::new(
                    provider.dialect,
                    self.data_center(),
                    self.client(),
                    Approval::RefreshToken(token),
                ))
            }
            None => Flow::Device(DeviceFlow::new(provider, self.data_center(), self.client(), self.scopes.clone())),
        }
    }

    /// What another process makes of a flow that waits.
    fn resume(&self, flow: &Flow, issued_at: Moment, knows_rest: bool, now: Moment) -> Flow {
        let Flow::Device(died) = flow else { panic!("{}: only sign-ins are resumed", self.name) };
        let (standing, due) = died.standing().zip(died.next_poll_at()).expect("a code waits");
        let left = standing.code.lifetime.saturating_sub(now - issued_at);
        let rest = if knows_rest { now.until(due) } else { standing.pace() };
        let anew = DeviceFlow::new(self.provider(), self.data_center(), self.client(), self.scopes.clone());
        Flow::Device(anew.resuming(standing, left, rest, now))
    }

    fn check_request(&self, exchange: &Exchange, now: Moment, request: &Request) -> Result<(), String> {
        let expected = &self.request[&exchange.send];
        let at = START + seconds(exchange.at);
        if now != at {
            return Err(format!("comes at {:?}, expected at {:?}", now - START, at - START));
        }
        // Also compares the query, which must not carry anything (RFC 6749 §2.3.1).
        if (request.method, &request.url) != (Method::Post, &expected.to) {
            return Err(format!("goes to {:?} {}, expected POST {}", request.method, request.url, expected.to));
        }
        let authorization = request.headers.iter().find(|(name, _)| name == "authorization");
        let basic = authorization.map(|(_, value)| value.expose().to_owned());
        let expected_basic = expected.basic.as_ref().map(|pair| format!("Basic {}", BASE64_STANDARD.encode(pair)));
        if basic != expected_basic {
            return Err(format!("has the header {basic:?}, expected {expected_basic:?}"));
        }
        if let Some(expected) = &expected.json {
            let sent: Option<BTreeMap<String, String>> = serde_json::from_slice(&request.body).ok();
            let is_as_expected = sent.as_ref() == Some(expected);
            return if is_as_expected { Ok(()) } else { Err(format!("sends {sent:#?}, expected {expected:#?}")) };
        }
        let sent: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let form: BTreeMap<String, String> = sent.iter().cloned().collect();
        if form != expected.form || form.len() != sent.len() {
            return Err(format!("sends {sent:#?}, expected {:#?}", expected.form));
        }
        Ok(())
    }

    fn complaint(&self, index: usize, problem: &str) -> String {
        let (name, about, count) = (&self.name, &self.about, self.exchange.len());
        format!("{name} ({about}), exchange {} of {count}: {problem}", index + 1)
    }
}

impl Reply {
    fn check(&self) -> Result<(), String> {
        let is_failure = self.failure.is_some();
        let given = [self.json.is_some(), self.body.is_some(), is_failure];
        if given.into_iter().filter(|given| *given).count() != 1 {
            return Err("a reply has exactly one of `json`, `body` and `failure`".to_owned());
        }
        if is_failure == self.status.is_some() || is_failure && !self.headers.is_empty() {
            return Err("a reply has a `status`, and a failure has neither that nor `headers`".to_owned());
        }
        Ok(())
    }

    /// The reply as the transport would bring it from `host`.
    pub(crate) fn make(&self, host: &str) -> Result<Response, TransportFailure> {
        if let Some(failure) = self.failure {
            return Err(failure.make(host));
        }
        let json = || serde_json::to_vec(&self.json).expect("a table is an object");
        Ok(Response {
            status: self.status.unwrap_or_default(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            body: self.body.as_ref().map_or_else(json, |body| body.clone().into_bytes()),
        })
    }
}

impl FailureSpec {
    fn make(self, host: &str) -> TransportFailure {
        let host = host.to_owned();
        match self {
            Self::Closed => TransportFailure::Closed(host),
            Self::Connect => TransportFailure::Connect(host),
            Self::ConnectTimeout => TransportFailure::ConnectTimeout(host),
            Self::Dns => TransportFailure::Dns(host),
            Self::Garbled => TransportFailure::Garbled(host),
            Self::Proxy => TransportFailure::Proxy(
                "proxy.example:3128".to_owned(),
                "refused the connection".to_owned(),
                ProxyVariables { named_by: "HTTPS_PROXY", exempted_by: "NO_PROXY" },
            ),
            Self::Refused => TransportFailure::Refused(host),
            Self::Setup => TransportFailure::Setup("no certificates".to_owned()),
            Self::Slow => TransportFailure::Slow(host),
            Self::Timeout => TransportFailure::Timeout(host),
            Self::Tls => TransportFailure::Tls(
                host,
                TlsFailure { words: "certificate expired".to_owned(), cause: TlsCause::Clock },
            ),
            Self::TooLarge => TransportFailure::TooLarge(host, 262_144),
            Self::Truncated => TransportFailure::Truncated(host),
        }
    }
}

/// Either state machine, with its answers in words.
enum Flow {
    Device(DeviceFlow),
    Refresh(TokenFlow),
}

impl Flow {
    fn poll(&mut self, now: Moment) -> Step<String> {
        match self {
            Self::Device(flow) => in_words(flow.poll(now), |outcome| device_outcome(&outcome)),
            Self::Refresh(flow) => in_words(flow.poll(now), |outcome| refresh_outcome(&outcome)),
        }
    }

    fn handle(&mut self, now: Moment, reply: Result<Response, TransportFailure>) {
        match self {
            Self::Device(flow) => flow.handle(now, reply),
            Self::Refresh(flow) => flow.handle(now, reply),
        }
    }

    fn ask_now(&mut self, now: Moment) -> Vec<String> {
        if let Self::Device(flow) = self {
            flow.ask_now(now);
        }
        self.events()
    }

    fn events(&mut self) -> Vec<String> {
        match self {
            Self::Device(flow) => flow.events().map(|event| device_event(&event)).collect(),
            Self::Refresh(_) => Vec::new(),
        }
    }
}

fn in_words<Outcome>(step: Step<Outcome>, words: impl FnOnce(Outcome) -> String) -> Step<String> {
    match step {
        Step::Send(request) => Step::Send(request),
        Step::AwaitReply => Step::AwaitReply,
        Step::Wait(until) => Step::Wait(until),
        Step::Done(outcome) => Step::Done(words(outcome)),
    }
}

/// Rounds to milliseconds, so that sums of decimal fractions compare equal.
fn seconds(seconds: f64) -> Duration {
    Duration::from_millis(Duration::from_secs_f64(seconds + 0.0005).as_millis().try_into().expect("a small number"))
}
