//! Hostile values in every field that an answer can carry: each is refused or defused, as `tests/fixtures/hostile/` says,
//! and nothing goes to a host outside the provider's table.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::authority::Authority;
use crate::support::hostile::{Case, Must, cases, is_hidden, values};
use device_login::api;
use device_login::clock::{self, Moment};
use device_login::config::Config;
use device_login::http::{Request, Response, client};
use device_login::oauth::authorization::{AuthorizationRequest, CallbackProblem};
use device_login::oauth::device::{self, DeviceEvent, DeviceFlow, Failure};
use device_login::oauth::token::{self, TokenFlow};
use device_login::oauth::wire::{Approval, LONGEST_TOKEN_LIFE, LeftOut, TokenAnswer, Unreadable};
use device_login::oauth::{Client, Step};
use device_login::providers::standard::{self, Metadata, StandardEndpoints, StandardServer};
use device_login::providers::{Provider, zoho};
use device_login::secret::{Known, Secret};
use device_login::service::Service;
use device_login::storage::{Grant, KeyOptions, Record, StoreAddress, open};
use device_login::untrusted::{Untrusted, visible};
use jiff::SignedDuration;
use serde_json::{Value, json};
use url::{Origin, Url};

/// What became of an answer.
#[derive(Default)]
struct End {
    /// The answer was accepted: a grant, endpoints or an account came of it.
    is_taken: bool,
    /// Everything of it that is shown, kept or sent on.
    told: Vec<String>,
}

#[test]
fn every_hostile_value_in_every_field_is_refused_or_defused() {
    let cases = cases();
    let people = People::new();
    let (mut fields, mut numbers, mut complaints) = (BTreeMap::<_, usize>::new(), [0, 0], Vec::new());
    for case in &cases {
        *fields.entry((case.answer.as_str(), case.field.as_str())).or_default() += 1;
        numbers[usize::from(case.must == Must::BeDefused)] += 1;
        let end = play(case, &people);
        let is_as_said = match case.must {
            Must::BeRefused => !end.is_taken,
            Must::BeDefused => end.is_taken || !end.told.is_empty(),
        };
        let steers = end.told.iter().find(|text| text.contains(is_hidden));
        if !is_as_said || steers.is_some() {
            let Case { answer, field, value, must } = case;
            let value: String = value.to_string().chars().take(80).collect();
            complaints.push(format!("{answer}, {field}: {value} was to {must:?}; told: {steers:?}"));
        }
    }
    let [refused, defused] = numbers;
    println!("{} cases in {} fields: {refused} refused, {defused} defused", cases.len(), fields.len());
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
    assert!(cases.len() >= 300 && fields.len() >= 12, "{} cases in {} fields", cases.len(), fields.len());
    for (field, count) in fields {
        assert!(count >= 8, "{field:?} has only {count} values");
    }
    for kind in ["token", "prose", "address", "location", "number"] {
        assert!(values(kind).len() >= 25, "there are only {} values of the kind {kind}", values(kind).len());
    }
}

#[test]
fn the_same_answers_are_taken_without_the_hostile_value() {
    for (provider, code) in [(zoho::provider(), code()), (standard_provider(), standard_code())] {
        assert!(sign_in(&provider, &[reply(&code), reply(&token())]).is_taken);
    }
    assert!(refresh(&token()).is_taken);
    assert!(metadata(&document()).is_taken);
    assert!(callback("accounts-server", "https://accounts.zoho.eu/").is_taken);
    let end = People::new().ask(&json!({"sub": "7", "name": "Dana"}));
    assert_eq!((end.is_taken, end.told.join(" ")), (true, "7 Dana".to_owned()));
}

fn play(case: &Case, people: &People) -> End {
    let Case { answer, field, value, .. } = case;
    let (zoho, text) = (zoho::provider(), || value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let error = || with(json!({ "error": "some_error" }), field, value);
    match answer.as_str() {
        "zoho code" => sign_in(&zoho, &[reply(&with(code(), field, value)), reply(&token())]),
        "standard code" => {
            sign_in(&standard_provider(), &[reply(&with(standard_code(), field, value)), reply(&token())])
        }
        "poll" => sign_in(&zoho, &[reply(&code()), reply(&with(token(), field, value))]),
        "relocation" => {
            let moved = with(json!({ "error": "other_dc" }), field, value);
            sign_in(&zoho, &[reply(&code()), reply(&moved)])
        }
        "error while polling" => sign_in(&zoho, &[reply(&code()), reply(&error())]),
        "error instead of a code" => sign_in(&zoho, &[reply(&error()), reply(&error())]),
        "header while polling" => sign_in(&zoho, &[reply(&code()), with_header(field, text())]),
        "refresh" => refresh(&with(token(), field, value)),
        "error while refreshing" => refresh(&error()),
        "metadata" => metadata(&with(document(), field, value)),
        "userinfo" => people.ask(&with(json!({ "sub": "7" }), field, value)),
        "callback" => callback(field, &text()),
        "header of an API" => header_of_an_api(field, text()),
        "body of an API" => End { is_taken: true, told: visible(&text()).split('\n').map(str::to_owned).collect() },
        other => panic!("fields.toml names an answer that nobody gives: {other}"),
    }
}

fn with(mut answer: Value, field: &str, value: &Value) -> Value {
    answer[field] = value.clone();
    answer
}

fn code() -> Value {
    json!({ "user_code": "WLKU-4502", "device_code": "1004.device.code", "interval": 5000, "expires_in": 300_000 })
}

fn standard_code() -> Value {
    with(code(), "verification_uri", &json!("https://id.example.com/device"))
}

fn token() -> Value {
    json!({ "access_token": "1000.access", "refresh_token": "1000.refresh", "expires_in": 3600 })
}

const ISSUER: &str = "https://id.example.com/";

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "device_authorization_endpoint": "https://id.example.com/code",
        "token_endpoint": "https://id.example.com/token",
    })
}

fn reply(body: &Value) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// An answer to a poll that says something in a header.
fn with_header(name: &str, value: String) -> Response {
    let (status, body) = match name {
        "location" => (307, ""),
        "content-type" => (200, "<html>"),
        _ => (429, ""),
    };
    Response { status, headers: vec![(name.to_owned(), value)], body: body.into() }
}

fn standard_provider() -> Provider {
    let at = |path| Url::parse(ISSUER).and_then(|issuer| issuer.join(path)).expect("an address");
    let endpoints = StandardEndpoints {
        device_authorization: Some(at("code")),
        token: Some(at("token")),
        ..StandardEndpoints::default()
    };
    let server = StandardServer {
        issuer: Some(ISSUER.to_owned()),
        endpoints,
        ..StandardServer::new("standard", &standard::DIALECT)
    };
    server.provider(StandardEndpoints::default()).expect("it has a token endpoint")
}

fn client() -> Client {
    Client::new("client", Some(Secret::new("secret")))
}

/// A sign-in with these answers, the last one for ever. Every request on the way must go to the provider's own table.
fn sign_in(provider: &Provider, replies: &[Response; 2]) -> End {
    let data_center = provider.default_data_center().clone();
    let mut flow = DeviceFlow::new(provider.clone(), data_center, client(), vec!["scope".to_owned()]);
    let mut now = Moment::at(Duration::from_secs(1));
    let mut end = End::default();
    let mut code_ends = None;
    for sent in 0..1000 {
        match flow.poll(now) {
            Step::Send(request) => {
                check_host(provider, &request);
                flow.handle(now, Ok(replies[sent.min(1)].clone()));
            }
            Step::Wait(until) => {
                // However long a server would have us wait, the last question comes within another life of the code.
                assert!(until <= code_ends.expect("a code"), "the next poll is far away");
                now = until;
            }
            Step::AwaitReply => panic!("the reply was handed in"),
            Step::Done(outcome) => {
                tell_outcome(&mut end, outcome);
                return end;
            }
        }
        for event in flow.events() {
            match event {
                DeviceEvent::CodeIssued { code, expires_at, .. } => {
                    let times = &provider.dialect.intervals;
                    assert!(code.lifetime <= times.longest_lifetime && code.interval <= times.longest);
                    assert!(code.interval >= times.shortest, "polls come too often");
                    code_ends = Some(expires_at + code.lifetime + Duration::from_secs(3 * 60));
                    end.told.extend([code.user_code, code.verification_uri.into()]);
                    end.told.extend(code.verification_uri_complete.map(String::from));
                    end.told.push(code.device_code.expose().to_owned());
                }
                DeviceEvent::Relocated { data_center, .. } => end.told.push(data_center),
                DeviceEvent::Retrying { reason, .. } => end.told.push(reason),
                DeviceEvent::Pending { .. }
                | DeviceEvent::Resting { .. }
                | DeviceEvent::Hastened { .. }
                | DeviceEvent::SlowedDown { .. } => {}
            }
        }
    }
    panic!("a sign-in has an end");
}

fn tell_outcome(end: &mut End, outcome: device::Outcome) {
    match outcome {
        device::Outcome::Authorized { token, data_center, .. } => {
            end.told.push(data_center);
            tell_token(end, *token);
        }
        device::Outcome::Failed(Failure::Server { error, .. }) | device::Outcome::Denied(error) => {
            end.told.push(error.to_string());
        }
        device::Outcome::Failed(Failure::UnknownDataCenter(place)) => end.told.push(place),
        device::Outcome::Failed(Failure::Unreadable(Unreadable::Rejected(rejected))) => {
            end.told.push(rejected.to_string());
        }
        device::Outcome::Failed(_) | device::Outcome::Expired => {}
    }
}

fn tell_token(end: &mut End, token: TokenAnswer) {
    // The tokens are taken without an address that is not one of the data center's.
    end.is_taken = !token.left_out.iter().any(|left_out| matches!(left_out, LeftOut::ApiDomain(_)));
    assert!(token.expires_in.is_none_or(|life| life <= LONGEST_TOKEN_LIFE), "a token lives too long");
    end.told.push(token.access_token.expose().to_owned());
    end.told.extend(token.refresh_token.map(|token| token.expose().to_owned()));
    end.told.extend(token.scopes.unwrap_or_default());
    end.told.extend(token.api_domain.map(String::from));
    end.told.extend(token.left_out.into_iter().map(|left_out| match left_out {
        LeftOut::Field(rejected) => rejected.to_string(),
        LeftOut::ApiDomain(named) => named,
    }));
}

fn refresh(body: &Value) -> End {
    let provider = zoho::provider();
    let data_center = provider.default_data_center().clone();
    let mut flow =
        TokenFlow::new(provider.dialect, data_center, client(), Approval::RefreshToken(Secret::new("1000.refresh")));
    let (mut now, mut end) = (Moment::default(), End::default());
    loop {
        match flow.poll(now) {
            Step::Send(request) => {
                check_host(&provider, &request);
                flow.handle(now, Ok(reply(body)));
            }
            Step::Wait(until) => now = until,
            Step::AwaitReply => panic!("the reply was handed in"),
            Step::Done(outcome) => {
                match outcome {
                    Ok(token::Minted { token, .. }) => tell_token(&mut end, *token),
                    Err(token::NoToken::Refused(error) | token::NoToken::Error(error)) => {
                        end.told.push(error.to_string());
                    }
                    Err(token::NoToken::Unreadable(Unreadable::Rejected(rejected))) => {
                        end.told.push(rejected.to_string());
                    }
                    Err(token::NoToken::Unreadable(_) | token::NoToken::Transport(_)) => {}
                }
                return end;
            }
        }
    }
}

fn check_host(provider: &Provider, request: &Request) {
    let own: Vec<Origin> = provider.data_centers.iter().map(|place| place.accounts_server.origin()).collect();
    assert!(own.contains(&request.url.origin()), "a request goes to {}", request.url);
}

fn metadata(document: &Value) -> End {
    let read = Metadata::parse(document.to_string().as_bytes()).map(|metadata| metadata.endpoints(ISSUER));
    match read {
        // What is odd is left out, and told where it is missed.
        Some(Ok(found)) => {
            End { is_taken: found.odd.is_empty(), told: found.odd.iter().map(ToString::to_string).collect() }
        }
        Some(Err(rejected)) => End { is_taken: false, told: vec![rejected.to_string()] },
        None => End::default(),
    }
}

/// The browser comes back to a sign-in at Zoho, with one parameter beside those that have to be there.
fn callback(field: &str, value: &str) -> End {
    let (zoho, redirect) = (zoho::provider(), Url::parse("http://127.0.0.1:8123/callback").expect("an address"));
    let home = zoho.default_data_center();
    let request = AuthorizationRequest::new(redirect.as_str().parse().expect("an address"), [1; 32], [2; 32]);
    let uri = request.uri(&redirect, &zoho, &client(), &[]);
    let state = uri.query_pairs().find_map(|(name, state)| (name == "state").then_some(state)).expect("a state");
    let mut parameters = BTreeMap::from([("code", "1000.code"), ("state", state.as_ref())]);
    if field == "error_description" {
        parameters.insert("error", "some_error");
    }
    parameters.insert(field, value);
    let mut address = redirect;
    address.query_pairs_mut().extend_pairs(parameters);
    let told = match request.read_callback(&zoho, home, address.as_str()) {
        Ok(callback) => {
            return End { is_taken: true, told: vec![callback.code.expose().to_owned(), callback.data_center] };
        }
        Err(CallbackProblem::Refused(error) | CallbackProblem::RefusedWithoutState(error)) => vec![error.to_string()],
        Err(CallbackProblem::UnknownDataCenter(place) | CallbackProblem::OtherAddress(place)) => vec![place],
        Err(CallbackProblem::Rejected(rejected)) => vec![rejected.to_string()],
        Err(
            CallbackProblem::OtherState
            | CallbackProblem::NoState
            | CallbackProblem::NoCode
            | CallbackProblem::CodeAlone(_),
        ) => Vec::new(),
    };
    End { is_taken: false, told }
}

/// What is said of an API's answer, whose headers are shown line by line.
fn header_of_an_api(name: &str, value: String) -> End {
    let line = Untrusted::new(value.as_str()).line();
    assert!(line.chars().count() <= 301 * "<U+001B>".len(), "{name} is too long to be shown");
    let response = Response { status: 302, headers: vec![(name.to_owned(), value)], body: Vec::new() };
    let finding = api::diagnose(&zoho::DIALECT, None, &response).map(|finding| finding.meaning(&Known::default()));
    End { is_taken: true, told: finding.into_iter().chain([line]).collect() }
}

/// A signed-in profile at a server that says who approved.
struct People {
    service: Service,
    says: Arc<Mutex<String>>,
    runtime: tokio::runtime::Runtime,
    _server: Authority,
}

impl People {
    fn new() -> Self {
        let says = Arc::new(Mutex::new(String::new()));
        let spoken = Arc::clone(&says);
        let server = Authority::start(move |_| (200, spoken.lock().expect("nobody panicked").clone()));
        let origin = server.origin();
        let text = format!(
            "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\n[providers.corp]\nkind = \"standard\"\n\
             token_endpoint = \"{origin}/token\"\ndevice_authorization_endpoint = \"{origin}/device\"\n\
             userinfo_endpoint = \"{origin}/userinfo\"\n"
        );
        let config = Config::parse(&text, Path::new("config.toml")).expect("a configuration");
        let store = open(&StoreAddress::Memory, KeyOptions::default());
        let mut record = record(&origin);
        let mut locked = store.hold(&record.profile, Duration::ZERO).expect("nobody else writes");
        locked.commit(&mut record).expect("memory has room");
        drop(locked);
        let runtime = crate::support::runtime();
        let service = Service::new(config, store, client::Client::default(), Box::new(|_| None));
        Self { service, says, runtime, _server: server }
    }

    /// Who is behind the profile, when the server says this.
    fn ask(&self, body: &Value) -> End {
        *self.says.lock().expect("nobody panicked") = body.to_string();
        let profile = self.service.config.profile(None).expect("there is one");
        match self.runtime.block_on(self.service.whoami(profile)) {
            Ok(account) => {
                let kept =
                    self.service.store().load(&profile.name).expect("it can be read").and_then(|kept| kept.grant);
                assert_eq!(kept.and_then(|grant| grant.account).as_ref(), Some(&account), "what is shown is kept");
                let told = [Some(account.id), account.email, account.name];
                End { is_taken: true, told: told.into_iter().flatten().collect() }
            }
            Err(error) => End { is_taken: false, told: vec![error.to_string()] },
        }
    }
}

fn record(origin: &str) -> Record {
    let now = clock::wall();
    let grant = Grant::new(
        format!("{origin}/token"),
        Vec::new(),
        Secret::new("1000.access"),
        now,
        now + SignedDuration::from_hours(1),
    );
    Record {
        profile: "work".parse().expect("a name"),
        provider: "corp".to_owned(),
        client_id: "client-1".to_owned(),
        client_secret: None,
        client_secret_for: None,
        client_endpoints: std::collections::BTreeMap::new(),
        generation: 0,
        grant: Some(grant),
        moved: None,
        pending: None,
        ended: None,
        unrevoked: Vec::new(),
        to_revoke: Vec::new(),
        used_up: None,
        events: Vec::new(),
    }
}
