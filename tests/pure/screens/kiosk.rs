//! How the kiosk looks in each state, from a small window to a television: code, QR code, address and time as large as
//! they fit, nothing about anybody, and no key that leads elsewhere.

use std::path::Path;
use std::time::Duration;

use device_login::abilities::Environment;
use device_login::clock::Moment;
use device_login::config::{Config, Motion};
use device_login::error::{Code, Error};
use device_login::http::trouble::Trouble;
use device_login::profile::ProfileName;
use device_login::service::{IssuedCode, Machine, SignIn, SignInEvent, SignedIn};
use device_login::storage::Account;
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, TaskId};
use device_login::tui::model::Model;
use device_login::tui::panels::sign_in::SignInPanel;
use device_login::tui::surroundings::Now;
use device_login::tui::update::update;
use device_login::tui::widgets::qr::QrChoice;
use device_login::tui::{Ended, Start, start};
use jiff::Timestamp;
use proptest::prelude::*;
use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::sign_in::{COMPLETE, code, sized};
use crate::support::camera;
use crate::support::screen::{changes, draw, screen, screen_text};

const USER_CODE: &str = "WLKU-4502";
const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 33), (240, 67)];

pub(crate) fn at(seconds: u64) -> Now {
    let start: Timestamp = "2026-11-22T14:00:00Z".parse().expect("a time");
    let passed = Duration::from_secs(seconds);
    Now { moment: Moment::at(Duration::from_secs(1200) + passed), time: start + passed }
}

fn lobby() -> ProfileName {
    "lobby-2".parse().expect("a name")
}

/// A kiosk on a terminal of this kind that asks for its first code.
fn asking_on(term: &str) -> (Model, TaskId) {
    let environment = Environment { term: Some(term), lang: Some("C.UTF-8"), ..Environment::default() };
    let machine = Machine { user: "kiosk".to_owned(), host: "display-7".to_owned(), over_ssh_from: None };
    let toml = "[profiles.lobby-2]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\nscopes = [\"ZohoCRM.users.READ\"]\n";
    let config = Config::parse(toml, Path::new("config.toml")).expect("valid");
    let mut model = Model::new(environment.abilities(), machine, config);
    let options = SignIn { renewals: 1, ..SignIn::default() };
    let task = started(&start(&mut model, Start::Kiosk { profile: lobby(), options }, None, at(0)));
    (model, task)
}

fn started(effects: &[Effect]) -> TaskId {
    let [Effect::StartSignIn { task, .. }] = effects else { panic!("one sign-in starts: {effects:?}") };
    *task
}

fn happens(model: &mut Model, task: TaskId, event: SignInEvent, seconds: u64) {
    update(model, Message::SignIn { task, event }, at(seconds));
}

fn issue(model: &mut Model, task: TaskId, user_code: &str, seconds: u64) {
    let event = SignInEvent::CodeIssued { code: code(user_code, at(seconds)), next_poll_at: at(seconds + 30).moment };
    happens(model, task, event, seconds);
}

fn ends(model: &mut Model, task: TaskId, result: Result<SignedIn, Error>, seconds: u64) -> Vec<Effect> {
    update(model, Message::SignInEnded { task, result: Box::new(result) }, at(seconds))
}

fn asking() -> (Model, TaskId) {
    let (mut model, task) = asking_on("xterm-256color");
    happens(&mut model, task, SignInEvent::Asking { host: "accounts.zoho.com".to_owned() }, 0);
    (model, task)
}

pub(crate) fn waiting() -> (Model, TaskId) {
    let (mut model, task) = asking();
    issue(&mut model, task, USER_CODE, 0);
    (model, task)
}

fn failed(code: Code) -> Model {
    let (mut model, task) = asking();
    ends(&mut model, task, Err(error(code)), 38);
    model
}

fn error(code: Code) -> Error {
    Error::new(code, "profile `lobby-2` could not be signed in")
        .because("accounts.zoho.com has no address (DNS)")
        .advise("check `client_id` and `data_center` of profile `lobby-2`")
}

fn ran_out() -> Error {
    Error::new(Code::CodeExpired, "the code ran out before anyone approved it")
}

/// A second code in the place of one that was good for 10 seconds.
fn second() -> (Model, TaskId) {
    let (mut model, task) = asking();
    let code = IssuedCode { expires_at: at(10).moment, ..code(USER_CODE, at(0)) };
    happens(&mut model, task, SignInEvent::CodeIssued { code, next_poll_at: at(10).moment }, 0);
    let task = started(&ends(&mut model, task, Err(ran_out()), 10));
    issue(&mut model, task, "WXYZ-7788", 12);
    (model, task)
}

fn renewed() -> Model {
    second().0
}

fn idle() -> Model {
    let (mut model, task) = second();
    ends(&mut model, task, Err(ran_out()), 20);
    model
}

fn signed_in() -> Model {
    let (mut model, task) = waiting();
    happens(&mut model, task, SignInEvent::Approved, 30);
    let email = Some("dana.reyes@example.com".to_owned());
    let outcome = SignedIn {
        left_out: Vec::new(),
        profile: lobby(),
        account: Some(Account { id: "7".to_owned(), email, name: Some("Dana Reyes".to_owned()) }),
        data_center: Some("us".to_owned()),
        relocated: false,
        scopes: vec!["ZohoCRM.users.READ".to_owned()],
        wanted_scopes: Vec::new(),
        missing_scopes: Vec::new(),
        api_domain: None,
        access_token_expires_at: Some(at(3600).time),
        refreshable: true,
        warnings: Vec::new(),
        protection: None,
        replaced: Some("The profile was signed in as j.keller@example.com before; that grant stays valid at the provider until it is revoked there.".to_owned()),
    };
    ends(&mut model, task, Ok(outcome), 38);
    model
}

fn lost() -> Model {
    let (mut model, task) = waiting();
    let (reason, next_poll_at) = ("accounts.zoho.com did not answer in time".to_owned(), at(50).moment);
    happens(
        &mut model,
        task,
        SignInEvent::Retrying { trouble: Trouble::Timeout, reason, attempt: 3, next_poll_at },
        35,
    );
    model
}

fn unsaved() -> Model {
    let (mut model, task) = waiting();
    let full = Error::new(Code::Store, "the store cannot be used").because("the disk is full");
    update(&mut model, Message::Unsaved { task, error: full }, at(30));
    model
}

type State = (&'static str, fn() -> Model);

/// Every state, by the name of its snapshots.
const STATES: [State; 13] = [
    ("asking", || asking().0),
    ("waiting", || waiting().0),
    ("lost", lost),
    ("renewed", renewed),
    ("idle", idle),
    ("no_network", || failed(Code::Network)),
    ("provider_down", || failed(Code::Provider)),
    ("refused", || failed(Code::InvalidClient)),
    ("declined", || failed(Code::Denied)),
    ("wrong_account", || failed(Code::WrongAccount)),
    ("unsaved", unsaved),
    ("signed_in", signed_in),
    ("console", || {
        let (mut model, task) = asking_on("linux");
        issue(&mut model, task, USER_CODE, 0);
        model
    }),
];

#[test]
fn nobody_takes_a_phone_to_an_address_that_none_can_reach() {
    let (mut model, task) = asking();
    let verification_uri = "http://127.0.0.1:9101/device".parse().expect("an address");
    let code = IssuedCode { verification_uri, ..code(USER_CODE, at(0)) };
    happens(&mut model, task, SignInEvent::CodeIssued { code, next_poll_at: at(30).moment }, 0);
    for (columns, rows) in SIZES {
        model.around.window = (columns, rows).into();
        let screen = screen_text(&model, at(1));
        assert!(!screen.contains("your phone"), "{screen}");
        assert!(columns < 80 || screen.contains("Open on display-7;"), "{screen}");
    }
}

#[test]
fn every_state_looks_as_accepted_from_a_small_window_to_a_television() {
    for (name, state) in STATES {
        for (columns, rows) in SIZES {
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen(&sized(state(), columns, rows), at(42)));
        }
    }
}

#[test]
fn the_code_decodes_from_every_screen_that_holds_it_wherever_it_has_moved_to() {
    let decodes = |model: Model, columns, rows, seconds| {
        let (buffer, _) = draw(&sized(model, columns, rows), at(seconds));
        assert_eq!(camera::DARK.decode(&buffer, 4).as_deref(), Some(COMPLETE), "{columns}x{rows} at {seconds}");
    };
    for (columns, rows) in [(81, 25), (60, 40), (120, 33), (120, 39), (120, 40), (128, 48), (160, 50), (240, 67)] {
        decodes(waiting().0, columns, rows, 42);
        let has_half_blocks = screen_text(&sized(waiting().0, columns, rows), at(42)).contains(['▀', '▄']);
        assert_eq!(has_half_blocks, rows < 39 || columns < 120, "{columns}x{rows}: blanks are read with every font");
    }
    (0..6).for_each(|minute| decodes(renewed(), 80, 24, 12 + 60 * minute));
    decodes(lost(), 80, 24, 42);
}

#[test]
fn the_console_gets_no_half_blocks_but_a_code_where_it_fits() {
    for (columns, rows, has_code) in [(80, 25, false), (128, 48, true), (240, 67, true)] {
        let (mut model, task) = asking_on("linux");
        issue(&mut model, task, USER_CODE, 0);
        let model = sized(model, columns, rows);
        assert!(!screen_text(&model, at(42)).contains(['▀', '▄']), "{columns}x{rows}");
        let decoded = camera::DARK.decode(&draw(&model, at(42)).0, 4);
        assert_eq!(decoded.is_some(), has_code, "{columns}x{rows}");
    }
}

#[test]
fn the_form_that_is_asked_for_is_drawn() {
    for (choice, has_code) in [(QrChoice::Half, true), (QrChoice::Full, false), (QrChoice::None, false)] {
        let mut model = sized(waiting().0, 120, 33);
        model.around.qr = choice;
        let decoded = camera::DARK.decode(&draw(&model, at(42)).0, 4);
        assert_eq!(decoded.is_some(), has_code, "{choice:?}");
    }
}

#[test]
fn address_code_and_time_are_on_every_screen_that_holds_them() {
    for (columns, rows) in [(40, 12), (40, 8), (60, 20), (80, 24), (60, 40)] {
        for state in [|| waiting().0, renewed, lost] {
            let text = screen_text(&sized(state(), columns, rows), at(42));
            for part in ["accounts.zoho.com/oauth/v3/device", "Code good for 4:"] {
                assert!(text.contains(part), "{columns}x{rows} lacks {part}:\n{text}");
            }
            let shows = [USER_CODE, "WXYZ-7788"].into_iter().any(|code| text.contains(code));
            assert!(shows, "{columns}x{rows}:\n{text}");
        }
    }
    assert_eq!(screen_text(&sized(waiting().0, 12, 3), at(42)).trim(), USER_CODE);
}

#[test]
fn beside_a_large_qr_code_the_code_goes_on_two_lines_in_large_letters_and_once_as_text() {
    let (buffer, _) = draw(&sized(waiting().0, 120, 40), at(42));
    let is_ink = |cell: &Cell| cell.modifier.contains(Modifier::REVERSED) && cell.fg == Color::Cyan;
    let inked = buffer.content.chunks(120).enumerate().filter(|(_, row)| row.iter().any(is_ink)).map(|(row, _)| row);
    let inked: Vec<usize> = inked.collect();
    assert_eq!((inked.len(), inked.last().map(|last| last - inked[0])), (14, Some(14)), "two lines of seven rows");
    assert_eq!(screen_text(&sized(waiting().0, 120, 40), at(42)).matches(USER_CODE).count(), 1);
}

#[test]
fn the_end_fills_the_whole_screen() {
    for (columns, rows) in SIZES {
        let (buffer, _) = draw(&sized(signed_in(), columns, rows), at(42));
        let is_filled = |cell: &&Cell| cell.modifier.contains(Modifier::REVERSED) && cell.fg == Color::Green;
        let letters = buffer.content.iter().filter(|cell| !is_filled(cell)).count();
        assert!(letters * 4 < buffer.content.len(), "{letters} cells of {columns}x{rows} are not filled");
        assert_eq!(letters > 100, columns >= 80, "large letters at {columns}x{rows}");
    }
}

#[test]
fn everything_moves_by_a_cell_each_minute_and_comes_back() {
    let model = sized(idle(), 80, 24);
    let place = |minute: u64| {
        let text = screen_text(&model, at(60 * minute));
        let row = text.lines().position(|line| line.contains("Sign in to Zoho")).expect("it is there");
        (text.lines().nth(row).and_then(|line| line.find("Sign")).expect("it is there"), row)
    };
    let places: Vec<(usize, usize)> = (0..7).map(place).collect();
    assert_eq!(places[0], places[6]);
    for (one, other) in places.iter().zip(&places[1..]) {
        assert_eq!(one.0.abs_diff(other.0) + one.1.abs_diff(other.1), 1, "{places:?}");
    }
    let distinct: std::collections::BTreeSet<_> = places.iter().collect();
    assert_eq!(distinct.len(), 6);
}

#[test]
fn text_and_qr_code_change_sides_with_each_code() {
    let side = |model| {
        let text = screen_text(&sized(model, 120, 33), at(42));
        let line = text.lines().find(|line| line.contains("Sign in to Zoho")).expect("it is there").to_owned();
        line.find("Sign").expect("it is there") < 30
    };
    assert!(side(waiting().0));
    assert!(!side(renewed()));
}

#[test]
fn a_code_that_is_gone_is_told_with_what_became_of_it() {
    let renewed: fn(_, _) -> _ = |code, next_poll_at| SignInEvent::CodeRenewed { code, next_poll_at };
    let replaced: fn(_, _) -> _ = |code, next_poll_at| SignInEvent::CodeReplaced { code, next_poll_at };
    for (event, seconds, end) in [
        (renewed, 300, "ran out"),
        (renewed, 30, "ran out"),
        (replaced, 300, "was replaced"),
        (replaced, 30, "was replaced"),
    ] {
        let (mut model, task) = waiting();
        happens(&mut model, task, event(code("WXYZ-7788", at(seconds)), at(seconds + 30).moment), seconds);
        let text = screen_text(&sized(model, 80, 24), at(seconds + 1));
        assert!(text.contains(&format!("Code {USER_CODE} {end}.")), "{seconds}: {end}\n{text}");
    }
}

#[test]
fn nothing_says_who_signed_in_and_no_code_stays_once_it_is_used() {
    let (mut approved, task) = waiting();
    happens(&mut approved, task, SignInEvent::Approved, 30);
    let mut wrong = waiting();
    let told = Error::new(Code::WrongAccount, "`eve@example.com` approved instead of `dana.reyes@example.com`");
    ends(&mut wrong.0, wrong.1, Err(told), 40);
    for mut model in [approved, unsaved(), signed_in(), wrong.0] {
        for (columns, rows) in SIZES {
            model = sized(model, columns, rows);
            let text = screen_text(&model, at(42));
            for part in [USER_CODE, "dana", "Dana", "reyes", "keller", "eve@", "devcode"] {
                assert!(!text.contains(part), "it shows {part}:\n{text}");
            }
            if columns == 80 {
                assert_eq!(camera::DARK.decode(&draw(&model, at(42)).0, 4), None, "{text}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_size_breaks_the_kiosk_and_no_key_leads_out_of_it(
        steps in proptest::collection::vec((0u16..300, 0u16..120, 0u64..4000, 0usize..30), 1..8),
        state in 0..STATES.len(),
    ) {
        let letters = "acdefiknopqruvxyz/?+- :";
        let named = [Key::Esc, Key::Enter, Key::Tab, Key::Backspace, Key::Ctrl('z'), Key::Ctrl('p'), Key::Ctrl('l')];
        let keys: Vec<Key> = letters.chars().map(Key::Char).chain(named).collect();
        let mut model = STATES[state].1();
        for (columns, rows, seconds, key) in steps {
            model = sized(model, columns, rows);
            let effects = update(&mut model, Message::Key(keys[key]), at(seconds));
            prop_assert!(model.find::<SignInPanel>().is_some());
            prop_assert!(model.around.overlay.is_none() && model.around.notice.is_none());
            for effect in effects {
                let is_harmless = matches!(effect, Effect::StartSignIn { .. } | Effect::ClearScreen);
                prop_assert!(is_harmless || matches!(effect, Effect::Quit(Ended::SignedIn(_))), "{:?}", effect);
            }
            draw(&model, at(seconds));
        }
    }
}

#[test]
fn with_reduced_motion_nothing_moves_each_second() {
    let reduced = |mut model: Model| {
        model.around.motion = Motion::Reduced;
        model
    };
    // Everything moves by a cell once a minute.
    assert_eq!(changes(&reduced(waiting().0), at, 0..330), [60, 120, 180, 240, 270, 290, 300]);
    for model in [failed(Code::Network), failed(Code::Denied)] {
        let seconds = changes(&reduced(model), at, 38..70);
        assert!(seconds.len() <= 4, "{seconds:?}");
    }
}
