//! Models of the profiles and the API panel in each state, made by the messages that the app gets.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use device_login::abilities::{Abilities, ColorChoice, Glyphs, QrAbilities, QrPalette};
use device_login::api::{self, Call, Diagnosis, Finding};
use device_login::cli::advice::said;
use device_login::clock::Moment;
use device_login::config::Config;
use device_login::error::{Code, Error};
use device_login::http::{Method, Response};
use device_login::profile::ProfileName;
use device_login::providers::zoho;
use device_login::secret::Known;
use device_login::service::{Answer, Budget, Explained, Machine, ProfileStatus, State, TestCalls, remembered};
use device_login::storage::{Account, Event, Happened, KeySource, LastRefresh, PastCall, Protection, StoreKind};
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, Pointing, TaskId};
use device_login::tui::model::Model;
use device_login::tui::panel::Outcome;
use device_login::tui::received::Received;
use device_login::tui::surroundings::{CommandLine, Now};
use device_login::tui::update::update;
use device_login::tui::{Start, start};
use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Position;

use crate::support::screen::screen_text;

pub(crate) const HOSTILE: &str = "\u{1b}[31mred\u{7}\u{202e}evil\u{200b}\n日本語テキスト\t❤️";

pub(crate) fn now() -> Now {
    later(0)
}

pub(crate) fn later(seconds: u64) -> Now {
    let start: Timestamp = "2026-03-14T14:03:00Z".parse().expect("a time");
    let time = start + SignedDuration::from_secs(i64::try_from(seconds).expect("a short time"));
    Now { moment: Moment::at(Duration::from_secs(1000 + seconds)), time }
}

pub(crate) fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

pub(crate) fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn seconds_after(seconds: i64) -> Timestamp {
    now().time + SignedDuration::from_secs(seconds)
}

pub(crate) fn status(profile: &str, state: State, left: i64) -> ProfileStatus {
    let has_grant = !matches!(state, State::SignedOut | State::Unknown);
    ProfileStatus {
        name: name(profile),
        provider: "zoho".to_owned(),
        data_center: Some("eu".to_owned()),
        issuer: has_grant.then(|| "https://accounts.zoho.eu".to_owned()),
        account: has_grant.then(|| Account {
            id: "1029384756".to_owned(),
            email: Some(format!("{profile}@example.com")),
            name: Some("Dana Reyes".to_owned()),
        }),
        state,
        access_token_expires_at: has_grant.then(|| seconds_after(left)),
        access_token_life: has_grant.then(|| Duration::from_secs(3600)),
        access_token_hint: has_grant.then(|| "****8c1e".to_owned()),
        api_domain: has_grant.then(|| "https://www.zohoapis.eu".to_owned()),
        is_other_environment: false,
        scopes: if has_grant { texts(&["ZohoCRM.users.READ", "ZohoCRM.org.READ"]) } else { Vec::new() },
        missing_scopes: Vec::new(),
        refreshable: has_grant && state != State::NeedsLogin,
        stores_secret: (state != State::Unknown).then_some(true),
        budget: has_grant.then(|| Budget {
            limit: 10,
            window: Duration::from_secs(600),
            mints: vec![seconds_after(-420)],
        }),
        paused_until: None,
        last_refresh: has_grant.then(|| LastRefresh::new(seconds_after(-430), None)),
        over: None,
        protection: Some(Arc::new(Protection {
            kind: StoreKind::File,
            place: Some("/home/dana/.local/state/device-login".to_owned()),
            key: KeySource::KeyFile(PathBuf::from("/home/dana/.config/device-login/key")),
            is_made: true,
            has_key: true,
            exposed: None,
        })),
        problem: None,
        away: None,
        warnings: Vec::new(),
        is_unrevoked: false,
        events: Arc::from([]),
        pending: None,
    }
}

pub(crate) fn statuses() -> Vec<ProfileStatus> {
    let mut archive = status("archive", State::NeedsLogin, -100);
    archive.last_refresh =
        Some(LastRefresh::new(seconds_after(-9 * 86_400), Some("the refresh token was revoked".to_owned())));
    let mut work = status("work", State::Valid, 3130);
    work.missing_scopes = texts(&["AaaServer.profile.READ"]);
    work.events = history();
    let mut broken = status("broken", State::Unknown, 0);
    broken.problem = Some(
        Error::new(Code::Store, "the store cannot be used")
            .because("the record /home/dana/x cannot be opened: its seal is broken")
            .advise("restore the file from a backup, or move it away and sign in again"),
    );
    let profiles = [archive, broken, status("lobby-2", State::Expiring, 200), status("new", State::SignedOut, 0), work];
    profiles.into_iter().collect()
}

/// What happened to a profile over a few days.
pub(crate) fn history() -> Arc<[Event]> {
    let event = |at: i64, what, detail: &str, by: &str| Event {
        at: seconds_after(at),
        what,
        detail: detail.to_owned(),
        by: by.to_owned(),
        repeated: 0,
        since: None,
    };
    let refreshed = Event {
        repeated: 30,
        since: Some(seconds_after(-2 * 86_400)),
        ..event(-4_000, Happened::Refreshed, "", "agent")
    };
    Arc::from([
        event(-3 * 86_400, Happened::SignedIn, "work@example.com", "login"),
        event(-3 * 86_400, Happened::Relocated, "US to EU", "login"),
        refreshed,
        event(-1_000, Happened::RefreshFailed, "no connection to accounts.zoho.eu", "agent"),
        event(-430, Happened::Refreshed, "", "full screen"),
    ])
}

/// So many profiles, each seventh signed out, each thirteenth in want of a person.
pub(crate) fn many(count: usize) -> Vec<ProfileStatus> {
    let one = |number: usize| {
        let name = format!("p{number:05}");
        let left = i64::try_from(number * 37 % 3600).expect("an hour");
        match number {
            _ if number % 7 == 3 => status(&name, State::SignedOut, 0),
            _ if number % 13 == 5 => status(&name, State::NeedsLogin, -100),
            _ if left < 300 => status(&name, State::Expiring, left),
            _ => status(&name, State::Valid, left),
        }
    };
    (0..count).map(one).collect()
}

pub(crate) fn empty_model() -> Model {
    let abilities = Abilities {
        color: ColorChoice::Always,
        glyphs: Glyphs::Unicode,
        locale_variable: "LANG",
        qr: QrAbilities { half_blocks: true, palette: QrPalette::Indexed256 },
    };
    model_with(abilities, &[])
}

pub(crate) fn model_with(abilities: Abilities, profiles: &[ProfileStatus]) -> Model {
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    let configured = |status: &ProfileStatus| {
        format!(
            "[profiles.\"{}\"]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\n\
             scopes = [\"ZohoCRM.users.READ\", \"ZohoCRM.org.READ\", \"AaaServer.profile.READ\"]\n",
            status.name
        )
    };
    let text: String = profiles.iter().map(configured).collect();
    let config = Config::parse(&text, Path::new("/home/dana/.config/device-login/config.toml")).expect("valid");
    let mut model = Model::new(abilities, machine, config);
    model.around.command_line = CommandLine::wording(said);
    start(&mut model, Start::Profiles(None), None, now());
    model
}

/// The panel with the cursor on one of the profiles.
pub(crate) fn profiles_at(selected: &str) -> Model {
    profiles_of(statuses(), selected)
}

pub(crate) fn profiles_of(statuses: Vec<ProfileStatus>, selected: &str) -> Model {
    let mut model = model_with(empty_model().around.abilities, &statuses);
    model.go(Outcome::About(name(selected)), now());
    update(&mut model, Message::StatusesLoaded(statuses), now());
    model
}

pub(crate) fn resize(model: &mut Model, columns: u16, rows: u16) {
    update(model, Message::Resized { columns, rows }, now());
}

pub(crate) fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    keys.iter().flat_map(|key| update(model, Message::Key(*key), now())).collect()
}

pub(crate) fn type_text(model: &mut Model, text: &str) {
    text.chars().for_each(|character| drop(press(model, &[Key::Char(character)])));
}

pub(crate) fn typed(mut model: Model, text: &str) -> Model {
    type_text(&mut model, text);
    model
}

/// Where a text begins on the screen.
pub(crate) fn place_of(model: &Model, text: &str) -> Position {
    let screen = screen_text(model, now());
    let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).expect(text);
    let column = line[..line.find(text).expect("it is there")].chars().count();
    Position::new(u16::try_from(column).expect("a column"), u16::try_from(row).expect("a row"))
}

pub(crate) fn point(model: &mut Model, text: &str, what: Pointing) -> Vec<Effect> {
    let at = place_of(model, text);
    update(model, Message::Pointed { at, what }, now())
}

/// The task of the only effect that has one.
pub(crate) fn task_of(effects: &[Effect]) -> TaskId {
    let tasks = effects.iter().filter_map(|effect| match effect {
        Effect::Refresh { task, .. }
        | Effect::Verify { task, .. }
        | Effect::SignOut { task, .. }
        | Effect::ReadToken { task, .. }
        | Effect::LoadTestCalls { task, .. }
        | Effect::ChangeConfiguration { task, .. }
        | Effect::StartSignIn { task, .. }
        | Effect::Call { task, .. } => Some(*task),
        _ => None,
    });
    tasks.max().expect("an effect with a task")
}

pub(crate) fn test_calls() -> TestCalls {
    let provider = zoho::provider();
    let eu = provider.data_center("eu").expect("eu").clone();
    TestCalls::new(eu, provider.dialect, &texts(&["ZohoCRM.users.READ", "ZohoCRM.org.READ"]))
}

pub(crate) fn api_panel() -> Model {
    let mut model = profiles_at("work");
    let task = task_of(&press(&mut model, &[Key::Char('a')]));
    update(&mut model, Message::TestCallsLoaded { task, result: Box::new(Ok(test_calls())) }, now());
    model
}

/// Calls of earlier runs, one of them without its body and one that was not answered.
pub(crate) fn past_calls() -> Vec<PastCall> {
    let past = |hours: i64, method: Method, path: &str, body: &[u8], status: Option<u16>| {
        let url = format!("https://www.zohoapis.eu{path}").parse().expect("an address");
        let call = Call { method, url, headers: Vec::new(), body: body.to_vec() };
        let answer = status.map(|status| (status, Duration::from_millis(142), 1834));
        remembered(&call, seconds_after(-hours * 3600), answer).expect("it may be kept")
    };
    vec![
        past(50, Method::Get, "/crm/v8/Leads?fields=Last_Name", b"", None),
        past(26, Method::Post, "/crm/v8/Leads", b"\xff\xd8", Some(201)),
        past(3, Method::Put, "/crm/v8/Leads/7?token=hush", b"{\"data\":[]}", Some(404)),
    ]
}

pub(crate) fn answer(status: u16, body: &str, explained: Option<Explained>) -> Answer {
    let headers = [
        ("content-type", "application/json;charset=UTF-8"),
        ("x-ratelimit-remaining", "9"),
        ("x-api-credits-remaining", "4993"),
        ("set-cookie", "a=\u{1b}[2J"),
    ];
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer {
        response: Response { status, headers, body: body.as_bytes().to_vec() },
        took: Duration::from_millis(142),
        explained,
        long: None,
    }
}

pub(crate) const ORGANIZATION: &str = r#"{"org":[{"company_name":"Example GmbH","country_code":"DE","currency":"EUR",
    "id":"20098765000000012345","license_details":{"paid":true,"paid_type":"enterprise","users":[1,2,3]},
    "time_zone":"Europe/Berlin","note":"a\u001b[31mb"}]}"#;

pub(crate) fn answered(result: Result<Answer, Error>) -> Model {
    let mut model = api_panel();
    let task = task_of(&press(&mut model, &[Key::Down, Key::Down, Key::Down, Key::Enter]));
    update(&mut model, Message::Answered { task, result: Box::new(result.map(Received::new)) }, now());
    model
}

pub(crate) fn with_keys(mut model: Model, keys: &[Key]) -> Model {
    press(&mut model, keys);
    model
}

/// What an answer of Zoho's is said to have failed of.
pub(crate) fn explained(response: &Response) -> Explained {
    let finding = api::diagnose(&zoho::DIALECT, None, response).expect("it failed");
    Explained::of(&finding, &zoho::DIALECT, None, &Known::default())
}

pub(crate) fn explanation(text: &str) -> Explained {
    let unclear = Finding::new(Diagnosis::Unclear, None);
    let mut explained = Explained::of(&unclear, &zoho::DIALECT, None, &Known::default());
    text.clone_into(&mut explained.meaning);
    explained
}
