//! Hostile text on the sign-in screen: whatever a server sends, the terminal does only what the screen's own drawing does.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use device_login::abilities::Environment;
use device_login::clock::Moment;
use device_login::config::Config;
use device_login::error::{Code, Error};
use device_login::http::Response;
use device_login::oauth::device::{DeviceFlow, Failure, Outcome};
use device_login::oauth::wire::Unreadable;
use device_login::oauth::{Client, Step};
use device_login::profile::ProfileName;
use device_login::providers::presets::Preset;
use device_login::providers::{Provider, zoho};
use device_login::service::{Machine, SignIn, SignInEvent, SignedIn, sign_in_event};
use device_login::storage::Account;
use device_login::tui::message::{Effect, Message, TaskId};
use device_login::tui::model::Model;
use device_login::tui::panel::Go;
use device_login::tui::surroundings::Now;
use device_login::tui::update::update;
use device_login::tui::view::view;
use jiff::Timestamp;
use proptest::prelude::*;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde_json::{Value, json};

use crate::support::hostile::values;
use crate::support::watch::{changes, plain_text, text};

pub(crate) fn now() -> Now {
    Now { moment: Moment::at(Duration::from_secs(1000)), time: Timestamp::UNIX_EPOCH }
}

fn work() -> ProfileName {
    "work".parse().expect("a name")
}

/// A sign-in on a terminal of this size that can do everything, and its task.
pub(crate) fn asking(columns: u16, rows: u16) -> (Model, TaskId) {
    let environment = Environment { term: Some("xterm-256color"), lang: Some("C.UTF-8"), ..Environment::default() };
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    let toml = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\nscopes = [\"ZohoCRM.users.READ\"]\n";
    let config = Config::parse(toml, Path::new("config.toml")).expect("valid");
    let mut model = Model::new(environment.abilities(), machine, config);
    let effects = model.go(Go::SignIn { profile: work(), options: SignIn::default() }, now());
    let [Effect::StartSignIn { task, .. }] = effects[..] else { panic!("one sign-in starts: {effects:?}") };
    update(&mut model, Message::Resized { columns, rows }, now());
    (model, task)
}

pub(crate) fn show(mut model: Model, task: TaskId, events: impl IntoIterator<Item = SignInEvent>) -> Model {
    for event in events {
        update(&mut model, Message::SignIn { task, event }, now());
    }
    model
}

/// A place to write to that can be looked at afterwards.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes with which a terminal is made to show the model.
fn drawn(model: &Model) -> Vec<u8> {
    let sink = Sink::default();
    let area = Rect::new(0, 0, model.around.window.width, model.around.window.height);
    let options = TerminalOptions { viewport: Viewport::Fixed(area) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(sink.clone()), options).expect("a fixed area");
    terminal.draw(|frame| view(model, now(), frame)).expect("a sink takes everything");
    sink.0.lock().expect("nobody panicked").clone()
}

/// Nothing but drawing reaches the terminal, and where `is_checked` nothing that hides either.
#[track_caller]
fn assert_harmless(model: &Model, is_checked: bool) {
    let bytes = drawn(model);
    let shown = if is_checked { plain_text(&bytes) } else { text(&bytes) };
    assert!(shown.is_ok(), "{shown:?}");
    assert_eq!(changes(&bytes, model.around.window.width, model.around.window.height), Vec::<String>::new());
}

/// Plays a sign-in with these answers, the last one for ever, and looks at the screen after each.
fn play(provider: &Provider, replies: &[Response], columns: u16, rows: u16) {
    let (mut model, task) = asking(columns, rows);
    let client = Client::new("client", None);
    let home = provider.default_data_center().clone();
    let mut flow = DeviceFlow::new(provider.clone(), home, client, Vec::new());
    let mut moment = now().moment;
    for sent in 0..6 {
        let outcome = loop {
            match flow.poll(moment) {
                Step::Send(_) => break None,
                Step::Wait(until) => moment = until,
                Step::AwaitReply => panic!("the reply was handed in"),
                Step::Done(outcome) => break Some(outcome),
            }
        };
        if let Some(outcome) = outcome {
            let result = Box::new(ended(outcome));
            update(&mut model, Message::SignInEnded { task, result }, now());
            assert_harmless(&model, true);
            return;
        }
        flow.handle(moment, Ok(replies[sent.min(replies.len() - 1)].clone()));
        let told = flow.events().map(|event| sign_in_event(event, &[], provider, moment, now().time));
        model = show(model, task, told.collect::<Vec<_>>());
        assert_harmless(&model, true);
    }
}

fn ended(outcome: Outcome) -> Result<SignedIn, Error> {
    let error = |code, cause: String| Err(Error::new(code, "profile `work` could not be signed in").because(cause));
    match outcome {
        Outcome::Authorized { token, data_center, .. } => Ok(SignedIn {
            scopes: token.scopes.unwrap_or_default(),
            api_domain: token.api_domain.map(String::from),
            data_center: Some(data_center),
            ..signed_in("Dana")
        }),
        Outcome::Denied(_) => error(Code::Denied, String::new()),
        Outcome::Expired => error(Code::CodeExpired, String::new()),
        Outcome::Failed(Failure::Server { error: said, .. }) => error(Code::Other, said.to_string()),
        Outcome::Failed(Failure::UnknownDataCenter(place)) => error(Code::UntrustedAnswer, place),
        Outcome::Failed(Failure::Unreadable(Unreadable::Rejected(rejected))) => {
            error(Code::UntrustedAnswer, rejected.to_string())
        }
        Outcome::Failed(failure) => error(Code::Provider, format!("{failure:?}")),
    }
}

fn signed_in(text: &str) -> SignedIn {
    let account = Account { id: text.to_owned(), email: Some(text.to_owned()), name: Some(text.to_owned()) };
    SignedIn {
        profile: work(),
        account: Some(account),
        data_center: Some(text.to_owned()),
        relocated: true,
        scopes: vec![text.to_owned()],
        wanted_scopes: vec![text.to_owned()],
        missing_scopes: vec![text.to_owned()],
        api_domain: Some(text.to_owned()),
        access_token_expires_at: Some(now().time),
        refreshable: false,
        warnings: Vec::new(),
        left_out: Vec::new(),
        replaced: None,
        protection: None,
    }
}

fn code() -> Value {
    json!({
        "user_code": "WLKU-4502", "device_code": "dc", "interval": 5, "expires_in": 300,
        "verification_uri": "https://accounts.zoho.com/oauth/v3/device",
        "verification_uri_complete": "https://accounts.zoho.com/oauth/v3/device?c=WLKU",
    })
}

fn provider(is_zoho: bool) -> Provider {
    let github = || Preset::of_kind("github").and_then(Preset::provider).expect("a preset without blanks");
    if is_zoho { zoho::provider() } else { github() }
}

fn reply(body: &Value) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// The values of the matrix that are meant for terminals, and random ones with what terminals trip over.
fn hostile() -> impl Strategy<Value = String> {
    let seeds: Vec<String> = values("prose").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let random = "([\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{202e}\u{2060}-\u{206f}\u{feff}]|\\x1b[\\[\\]P_^c=>(78]|[0-9;?]|[a-zA-Z ]){0,60}";
    prop_oneof![2 => proptest::sample::select(seeds), 2 => random, 1 => any::<String>()]
}

/// A value in a field, a text inside another one, or any answer at all.
fn answer() -> impl Strategy<Value = Value> {
    let field = "(user_code|device_code|verification_uri|verification_url|verification_uri_complete|error|\
                 error_description|access_token|refresh_token|scope|api_domain|user_location|expires_in|interval)";
    let base = prop_oneof![
        3 => Just(code()),
        1 => Just(json!({ "access_token": "at", "refresh_token": "rt", "scope": "a b", "expires_in": 3600 })),
        1 => Just(json!({ "error": "invalid_client", "error_description": "no" })),
        1 => Just(json!({ "error": "other_dc", "user_location": "eu" })),
        1 => Just(json!({ "error": "authorization_pending" })),
    ];
    (base, proptest::collection::vec((field, hostile(), any::<u8>(), any::<bool>()), 0..3)).prop_map(
        |(mut base, changes)| {
            for (field, text, at, is_whole) in changes {
                let old = base[&field].as_str().unwrap_or_default().to_owned();
                let at = (0..=old.len().min(at.into())).rfind(|&at| old.is_char_boundary(at)).unwrap_or_default();
                let text = if is_whole { text } else { format!("{}{text}{}", &old[..at], &old[at..]) };
                base[&field] = Value::from(text);
            }
            base
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_answer_does_more_to_the_terminal_than_the_screen_draws(
        first in answer(),
        replies in proptest::collection::vec(answer(), 1..4),
        is_zoho in any::<bool>(),
    ) {
        let polls: Vec<Response> = replies.iter().map(reply).collect();
        let provider = provider(is_zoho);
        play(&provider, &[&[reply(&first)][..], &polls].concat(), 80, 24);
        // The second half hears of its code.
        play(&provider, &[&[reply(&code())][..], &polls].concat(), 40, 12);
    }

    #[test]
    fn no_text_that_slipped_through_steers_the_terminal(text in hostile()) {
        let error = Error::new(Code::Other, text.as_str()).because(&text).likely(vec![text.clone()]).said_as(&text).advise(&text);
        for (columns, rows) in [(80, 24), (40, 12)] {
            for result in [Ok(signed_in(&text)), Err(error.clone())] {
                let (mut model, task) = asking(columns, rows);
                update(&mut model, Message::SignInEnded { task, result: Box::new(result) }, now());
                assert_harmless(&model, false);
            }
            let (mut model, task) = asking(columns, rows);
            update(&mut model, Message::Unsaved { task, error: error.clone() }, now());
            assert_harmless(&model, false);
        }
    }
}

#[test]
fn every_seed_in_every_field_leaves_the_terminal_alone() {
    let mut screens = 0;
    for seed in values("prose") {
        for field in ["user_code", "verification_uri", "error", "error_description"] {
            let mut first = code();
            first[field] = seed.clone();
            play(&zoho::provider(), &[reply(&first)], 80, 24);
            let later = json!({ "error": "some_error", field: seed });
            play(&zoho::provider(), &[reply(&code()), reply(&later)], 80, 24);
            screens += 2;
        }
    }
    assert!(screens >= 300, "only {screens}");
}
