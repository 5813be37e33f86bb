//! How the sign-in looks in each state, at three sizes: what an honest request shows is always there, the QR code decodes
//! from the screen, and no size and no key breaks it.

use std::path::Path;
use std::time::Duration;

use device_login::abilities::{Environment, QrPalette};
use device_login::cli::advice::said;
use device_login::clock::Moment;
use device_login::config::{Config, Motion};
use device_login::error::{Code, Error};
use device_login::http::trouble::Trouble;
use device_login::profile::ProfileName;
use device_login::providers::explained::{Explanation, Facts, Place, look_up};
use device_login::providers::zoho;
use device_login::service::{IssuedCode, Machine, SignIn, SignInEvent, SignedIn};
use device_login::storage::{Account, Asker};
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, TaskId};
use device_login::tui::model::Model;
use device_login::tui::panel::Go;
use device_login::tui::surroundings::{CommandLine, Now};
use device_login::tui::theme::{LINK, Theme};
use device_login::tui::update::update;
use device_login::tui::widgets::qr::QrChoice;
use jiff::Timestamp;
use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Margin, Rect, Size};
use ratatui::style::{Color, Modifier};

use super::SIZES;
use crate::support::camera;
use crate::support::screen::{changes, draw, screen, screen_text};

pub(crate) const COMPLETE: &str = "https://accounts.zoho.com/oauth/v3/device/setCode?devcode=abcdefgh";

pub(crate) fn at(seconds: u64) -> Now {
    let start: Timestamp = "2026-11-22T14:00:00Z".parse().expect("a time");
    let passed = Duration::from_secs(seconds);
    Now { moment: Moment::at(Duration::from_secs(1000) + passed), time: start + passed }
}

fn work() -> ProfileName {
    "work".parse().expect("a name")
}

/// A sign-in on a terminal that can do everything, and its task.
pub(crate) fn asking() -> (Model, TaskId) {
    let environment = Environment { term: Some("xterm-256color"), lang: Some("C.UTF-8"), ..Environment::default() };
    let machine =
        Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: Some("10.0.0.7".to_owned()) };
    let toml = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\nscopes = [\"ZohoCRM.users.READ\", \"AaaServer.profile.READ\"]\n";
    let config = Config::parse(toml, Path::new("config.toml")).expect("valid");
    let mut model = Model::new(environment.abilities(), machine, config);
    model.around.command_line = CommandLine::wording(said);
    let effects = model.go(Go::SignIn { profile: work(), options: SignIn::default() }, at(0));
    let [Effect::StartSignIn { task, .. }] = effects[..] else { panic!("one sign-in starts: {effects:?}") };
    (model, task)
}

pub(crate) fn code(user_code: &str, issued: Now) -> IssuedCode {
    const LIFETIME: Duration = Duration::from_secs(300);

    IssuedCode {
        user_code: user_code.to_owned(),
        verification_uri: "https://accounts.zoho.com/oauth/v3/device".parse().expect("an address"),
        verification_uri_complete: COMPLETE.parse().ok(),
        interval: Duration::from_secs(30),
        lifetime: LIFETIME,
        issued_at: issued.moment,
        expires_at: issued.moment + LIFETIME,
        expires_at_time: issued.time + LIFETIME,
        scopes: ["ZohoCRM.users.READ", "AaaServer.profile.READ"].map(str::to_owned).into(),
    }
}

/// The same with a code, and with what happened to it since.
fn waiting(events: Vec<SignInEvent>) -> Model {
    let (mut model, task) = asking();
    let issued = SignInEvent::CodeIssued { code: code("WLKU-4502", at(0)), next_poll_at: at(30).moment };
    update(&mut model, Message::SignIn { task, event: issued }, at(0));
    for event in events {
        update(&mut model, Message::SignIn { task, event }, at(30));
    }
    model
}

pub(crate) fn pending() -> Model {
    waiting(vec![SignInEvent::Pending { next_poll_at: at(60).moment }])
}

pub(crate) fn ended(result: Result<SignedIn, Error>) -> Model {
    let (mut model, task) = asking();
    let issued = SignInEvent::CodeIssued { code: code("WLKU-4502", at(0)), next_poll_at: at(30).moment };
    update(&mut model, Message::SignIn { task, event: issued }, at(0));
    update(&mut model, Message::SignInEnded { task, result: Box::new(result) }, at(40));
    model
}

pub(crate) fn pressed(mut model: Model, keys: &[Key]) -> Model {
    for key in keys {
        update(&mut model, Message::Key(*key), at(42));
    }
    model
}

pub(crate) fn sized(mut model: Model, columns: u16, rows: u16) -> Model {
    update(&mut model, Message::Resized { columns, rows }, at(42));
    model
}

#[test]
fn the_address_is_a_link_alone_on_its_row_above_the_code() {
    let address = "https://accounts.zoho.com/oauth/v3/device";
    for model in [pending, || pressed(pending(), &[Key::Char('f')]), || pressed(pending(), &[Key::Char('p')])] {
        for (columns, rows) in [(40, 12), (60, 20), (60, 50), (80, 24), (100, 30), (120, 40), (200, 60)] {
            let buffer = draw(&sized(model(), columns, rows), at(42)).0;
            let cells = buffer.content.iter().filter(|cell| cell.modifier.contains(LINK));
            let link: String = cells.map(Cell::symbol).collect();
            // Where rows are few, the code has them.
            let is_there = screen_text(&sized(model(), columns, rows), at(42)).contains("zoho.com/oauth");
            let is_whole = link == address || link == format!("{address}{COMPLETE}");
            let is_wide_enough = usize::from(columns) > address.len() + 1;
            assert!(is_whole == (is_there && is_wide_enough) || !is_wide_enough, "{columns}x{rows}: {link}");
            assert!(!is_there || link.contains(&address["https://".len()..]), "{columns}x{rows}: {link}");
        }
    }
    let screen = screen_text(&sized(pending(), 80, 24), at(42));
    assert!(screen.lines().any(|line| line.trim() == address), "{screen}");
    // Terminals of few abilities may print what makes a link.
    let environment = Environment { term: Some("linux"), lang: Some("C.UTF-8"), ..Environment::default() };
    assert!(!Theme::new(environment.abilities()).link.add_modifier.contains(LINK));
}

pub(crate) fn signed_in() -> SignedIn {
    let email = Some("d.reyes@example.com".to_owned());
    SignedIn {
        profile: work(),
        account: Some(Account { id: "7".to_owned(), email, name: Some("Dana Reyes".to_owned()) }),
        data_center: Some("eu".to_owned()),
        relocated: true,
        scopes: vec!["ZohoCRM.users.READ".to_owned()],
        wanted_scopes: ["ZohoCRM.users.READ", "AaaServer.profile.READ"].map(str::to_owned).into(),
        missing_scopes: vec!["AaaServer.profile.READ".to_owned()],
        api_domain: Some("https://www.zohoapis.eu".to_owned()),
        access_token_expires_at: Some(at(3640).time),
        refreshable: true,
        warnings: Vec::new(),
        left_out: Vec::new(),
        replaced: None,
        protection: None,
    }
}

/// All that was asked for was granted, at home.
pub(crate) fn signed_in_whole() -> SignedIn {
    let scopes = vec!["ZohoCRM.users.READ".to_owned(), "AaaServer.profile.READ".to_owned()];
    let data_center = Some("us".to_owned());
    SignedIn { scopes, missing_scopes: Vec::new(), data_center, relocated: false, ..signed_in() }
}

/// The same in the place of somebody else, with few grants left.
fn signed_in_with_care() -> SignedIn {
    let warning = "16 unrevoked grants of account 7 for client 1000.X are known here, and those made on other machines are \
                   not seen. Zoho keeps 20 for each person and silently ends the oldest of more: a logout before the \
                   next sign-in revokes its grant.";
    SignedIn { warnings: vec![warning.to_owned()], replaced: Some("The profile was signed in as j.keller@example.com before; that grant stays valid at the provider until it is revoked there.".to_owned()), ..signed_in() }
}

fn failure(code: Code) -> Error {
    Error::new(code, "profile `work` could not be signed in")
        .because("Zoho does not know this client in data center US (invalid_client)")
        .said_as("invalid_client")
        .advise("check `client_id`, its secret and `data_center` of profile `work`")
}

/// What the table says about a word of Zoho's during a sign-in.
fn explained(place: Place, word: &str) -> Error {
    let entry = look_up(zoho::DIALECT.error_words, place, word).expect("Zoho's words are known");
    let facts = Facts {
        profile: &work(),
        provider: "Zoho",
        endpoint: "https://accounts.example/token",
        data_center: "us",
        scopes: "ZohoCRM.users.READ",
        registration: zoho::DIALECT.registration,
        later: &"try again in ten minutes".into(),
        by_hand: "remove the access by hand",
        sends_secret: Some(true),
        secret_place: "where the profile has it",
    };
    let Explanation { code, meaning, causes, next, .. } = entry.explain(&facts);
    Error::new(code.expect("a word that ends a sign-in"), "profile `work` could not be signed in")
        .because(format!("{meaning} ({word})"))
        .said_as(word)
        .likely(causes)
        .advise(next)
}

fn demo() -> Model {
    let mut model = pending();
    model.around.is_demo = true;
    model
}

fn unsaved() -> Model {
    let (mut model, task) = asking();
    update(&mut model, Message::Unsaved { task, error: failure(Code::Store) }, at(40));
    model
}

/// A new code was asked for, and none came.
fn no_new_code() -> Model {
    let (mut model, task) = asking();
    let issued = SignInEvent::CodeIssued { code: code("WLKU-4502", at(0)), next_poll_at: at(30).moment };
    update(&mut model, Message::SignIn { task, event: issued }, at(0));
    let mut model = pressed(model, &[Key::Char('n'), Key::Char('y')]);
    let error = Error::new(Code::Network, "profile `work` could not be signed in")
        .because("accounts.zoho.com cannot be reached")
        .advise("check the network and try again; nothing was lost");
    let new = TaskId(task.0 + 1);
    update(&mut model, Message::SignInEnded { task: new, result: Box::new(Err(error)) }, at(42));
    model
}

fn after(event: impl FnOnce(Moment) -> SignInEvent) -> Model {
    waiting(vec![event(at(60).moment)])
}

fn renewed() -> Model {
    let (mut model, task) = asking();
    let [old, new] = ["WLKU-4502", "WXYZ-7788"].map(|user_code| code(user_code, at(0)));
    let issued = SignInEvent::CodeIssued { code: old, next_poll_at: at(30).moment };
    update(&mut model, Message::SignIn { task, event: issued }, at(0));
    let renewed = SignInEvent::CodeRenewed { code: new, next_poll_at: at(60).moment };
    update(&mut model, Message::SignIn { task, event: renewed }, at(300));
    model
}

/// Another process asks, or was stopped and does not.
fn asked_elsewhere(is_stopped: bool) -> Model {
    let asker = Asker { who: Some("pid 4711".to_owned()), is_stopped, last_asked: Some(at(30).time) };
    after(|_| SignInEvent::Following { asker })
}

/// A state of the sign-in and how to get there.
type State = (&'static str, fn() -> Model);

/// Every state, by the name of its snapshots.
const STATES: [State; 30] = [
    ("asking", || asking().0),
    ("first", || waiting(Vec::new())),
    ("pending", pending),
    ("slowed", || after(|next_poll_at| SignInEvent::SlowedDown { interval: Duration::from_secs(35), next_poll_at })),
    ("relocated", || {
        let (data_center, accounts_host) = ("eu".to_owned(), "accounts.zoho.eu".to_owned());
        after(|next_poll_at| SignInEvent::Relocated { data_center, accounts_host, next_poll_at })
    }),
    ("retrying", || {
        let reason = "accounts.zoho.com did not answer in time".to_owned();
        after(|next_poll_at| SignInEvent::Retrying { trouble: Trouble::Timeout, reason, attempt: 3, next_poll_at })
    }),
    ("held_back", || {
        let full = "reserving room in /home/ops/.local/state/device-login/.work.room failed: No space left on device";
        let error = Error::new(Code::Store, "the store cannot be used").because(full);
        after(|next_poll_at| SignInEvent::HeldBack { error, next_poll_at })
    }),
    ("asked_elsewhere", || asked_elsewhere(false)),
    ("asked_by_nobody", || asked_elsewhere(true)),
    ("renewed", renewed),
    ("demo", demo),
    ("full_screen", || pressed(pending(), &[Key::Char('f')])),
    ("bare_link", || pressed(pending(), &[Key::Char('p')])),
    ("copied", || pressed(pending(), &[Key::Char('c')])),
    ("help", || pressed(pending(), &[Key::Char('?')])),
    ("cancel", || pressed(pending(), &[Key::Esc])),
    ("new_code", || pressed(pending(), &[Key::Char('n')])),
    ("no_new_code", no_new_code),
    ("approved", || waiting(vec![SignInEvent::Approved])),
    ("unsaved", unsaved),
    ("giving_back", || pressed(unsaved(), &[Key::Esc])),
    ("signed_in", || ended(Ok(signed_in()))),
    ("signed_in_whole", || ended(Ok(signed_in_whole()))),
    ("signed_in_scrolled", || pressed(sized(ended(Ok(signed_in())), 40, 12), &[Key::End])),
    ("signed_in_with_care", || ended(Ok(signed_in_with_care()))),
    ("declined", || ended(Err(Error::new(Code::Denied, "the request was declined")))),
    ("expired", || ended(Err(Error::new(Code::CodeExpired, "the code ran out before anyone approved it")))),
    ("failed", || ended(Err(failure(Code::InvalidClient)))),
    ("failed_with_causes", || ended(Err(explained(Place::DeviceAuthorization, "invalid_client")))),
    ("declined_with_causes", || ended(Err(explained(Place::Poll, "access_denied")))),
];

#[test]
fn every_state_looks_as_accepted_at_three_sizes() {
    for (name, state) in STATES {
        let mut model = state();
        for (columns, rows) in SIZES {
            model = sized(model, columns, rows);
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen(&model, at(42)));
        }
    }
}

#[test]
fn the_last_minute_and_the_last_seconds_are_marked_and_the_last_question_said() {
    let model = sized(pending(), 80, 24);
    let bar = |seconds| {
        let (buffer, _) = draw(&model, at(seconds));
        buffer.content.iter().find(|cell| cell.symbol() == "━").map(|cell| cell.fg)
    };
    for (seconds, words, color) in [
        (42, " 4:18 ━", Some(Color::Cyan)),
        (250, " ! 0:50 ━", Some(Color::Yellow)),
        (250, "3  Already approving? Finish it there.", Some(Color::Yellow)),
        (292, " ! 0:08 ━", Some(Color::Red)),
        (301, " ! it ran out · one last check now", None),
    ] {
        let text = screen_text(&model, at(seconds));
        assert!(text.contains(words) && bar(seconds) == color, "{words}, {color:?}:\n{text}");
    }
}

#[test]
fn only_what_need_not_be_read_is_dim() {
    for (name, state) in STATES.iter().filter(|(name, _)| *name != "help") {
        for (columns, rows) in SIZES {
            let (buffer, _) = draw(&sized(state(), columns, rows), at(42));
            let dim = |cell: &&Cell| cell.modifier.contains(Modifier::DIM);
            let dim: String = buffer.content.iter().filter(dim).map(Cell::symbol).collect();
            for part in ["asked", "4:18", "Did not", "Never", "!", "accounts."] {
                assert!(!dim.contains(part), "{name} has {part} dim: {dim}");
            }
        }
    }
}

#[test]
fn an_address_that_no_phone_can_reach_is_said_to_be_one() {
    let at_home = |ssh: Option<&str>, is_demo| {
        let mut model = asking();
        model.0.around.machine.over_ssh_from = ssh.map(str::to_owned);
        model.0.around.is_demo = is_demo;
        let mut code = code("WLKU-4502", at(0));
        code.verification_uri = "http://127.0.0.1:8080/oauth/v3/device".parse().expect("an address");
        let issued = SignInEvent::CodeIssued { code, next_poll_at: at(30).moment };
        update(&mut model.0, Message::SignIn { task: model.1, event: issued }, at(0));
        model.0
    };
    for (model, columns, rows, words) in [
        (at_home(None, false), 80, 24, "No phone can reach 127.0.0.1: open the address in a browser on web-01."),
        (at_home(None, false), 80, 24, "1  Open on web-01\n"),
        (at_home(None, false), 40, 12, "1  Open here; no phone can reach it"),
        (at_home(Some("10.0.0.7"), false), 80, 24, "No phone can reach 127.0.0.1: ssh -L 8080:127.0.0.1:8080 web-01"),
        (at_home(None, true), 80, 24, "No phone can reach 127.0.0.1: press y, and the demo's person approves."),
    ] {
        let text = screen_text(&sized(model, columns, rows), at(42));
        assert!(text.contains(words) && !text.contains("Scan"), "lacks {words}:\n{text}");
        assert_eq!(text.matches("o phone can reach").count(), 1, "{text}");
    }
    assert!(!screen_text(&sized(pending(), 80, 24), at(42)).contains("phone can"));
}

#[test]
fn with_reduced_motion_a_code_changes_a_few_times_until_its_end_and_wakes_the_screen_for_each() {
    let reduced = |mut model: Model, (columns, rows)| {
        model.around.motion = Motion::Reduced;
        sized(model, columns, rows)
    };
    for size in SIZES {
        assert_screen_of(&reduced(pending(), size), "reduced", 45);
        let seconds = changes(&reduced(pending(), size), at, 43..330);
        let of_the_code = [60, 120, 180, 240, 270, 290, 300];
        let of_the_question = [50, 60];
        let expected = |second: &u64| of_the_code.contains(second) || of_the_question.contains(second);
        assert!(
            seconds.iter().all(expected) && of_the_code.iter().all(|second| seconds.contains(second)),
            "{seconds:?}"
        );
        assert!(changes(&reduced(ended(Ok(signed_in_whole())), size), at, 40..45).is_empty());
    }
}

fn assert_screen_of(model: &Model, name: &str, seconds: u64) {
    let Size { width, height } = model.around.window;
    insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen(model, at(seconds)));
}

#[test]
fn a_code_over_the_whole_screen_has_a_way_out_in_sight() {
    let mut hidden = Vec::new();
    for columns in [60, 80, 120] {
        for rows in 18..=40 {
            let text = screen_text(&sized(pressed(pending(), &[Key::Char('f')]), columns, rows), at(42));
            if !text.contains("Esc back") {
                hidden.push((columns, rows));
            }
        }
    }
    assert_eq!(hidden, []);
}

#[test]
fn the_code_decodes_from_the_screen_with_everything_around_it() {
    for (columns, rows) in [(80, 24), (81, 30), (120, 40), (160, 50), (200, 60)] {
        let model = sized(pending(), columns, rows);
        let (buffer, _) = draw(&model, at(42));
        assert_eq!(camera::DARK.decode(&buffer, 4).as_deref(), Some(COMPLETE), "{columns}x{rows}");
    }
    let model = sized(pressed(pending(), &[Key::Char('f')]), 80, 24);
    assert_eq!(camera::LIGHT.decode(&draw(&model, at(42)).0, 4).as_deref(), Some(COMPLETE));
}

/// What different terminals say of themselves, and how their QR codes look.
fn terminals() -> [Environment<'static>; 6] {
    let plain = Environment { term: Some("xterm-256color"), lang: Some("C.UTF-8"), ..Environment::default() };
    [
        plain,
        Environment { term: Some("xterm"), ..plain },
        Environment { no_color: Some("1"), ..plain },
        Environment { term: Some("linux"), ..plain },
        Environment { lang: Some("C"), ..plain },
        Environment { term: Some("vt220"), ..plain },
    ]
}

#[test]
fn the_variable_that_decides_on_the_characters_is_the_one_to_set() {
    let (c, utf8) = (Some("C"), Some("C.UTF-8"));
    for (lc_all, lc_ctype, lang, named) in [
        (None, None, None, "LANG"),
        (None, None, c, "LANG"),
        (None, c, utf8, "LC_CTYPE"),
        (c, utf8, utf8, "LC_ALL"),
        (Some(""), c, None, "LC_CTYPE"),
    ] {
        let environment = Environment { term: Some("xterm"), lc_all, lc_ctype, lang, ..Environment::default() };
        let screen = screen_text(&sized(on(environment, pending()), 80, 24), at(42));
        assert!(screen.contains(&format!(" {named}=C.UTF-8 or")), "{named}: {screen}");
    }
}

/// The sign-in as it looks on another terminal.
fn on(environment: Environment<'_>, mut model: Model) -> Model {
    model.around.abilities = environment.abilities();
    model.around.theme = Theme::new(model.around.abilities);
    model
}

/// What a camera reads that looks at the code and one cell around it. Modules of one column need more pixels a column
/// than larger ones.
fn scanned(camera: camera::Terminal, model: &Model) -> Option<String> {
    let (buffer, _) = draw(model, at(42));
    let is_half_block = |cell: &Cell| ["▀", "▄"].contains(&cell.symbol());
    // The band around the code to type is bold, as no module of a code is.
    let is_text = |cell: &Cell| cell.modifier.contains(Modifier::BOLD) || cell.bg == Color::Cyan;
    let is_code = |cell: &Cell| {
        is_half_block(cell)
            || (!is_text(cell) && (cell.bg != Color::Reset || cell.modifier.contains(Modifier::REVERSED)))
    };
    let cells = buffer.area.positions().filter(|position| is_code(&buffer[*position]));
    let seen = cells.map(|position| Rect::from((position, Size::new(1, 1)))).reduce(Rect::union)?;
    let seen = seen.outer(Margin::new(1, 1)).intersection(buffer.area);
    let mut photograph = Buffer::empty(Rect::new(0, 0, seen.width, seen.height));
    for position in photograph.area.positions() {
        photograph[position] = buffer[(position.x + seen.x, position.y + seen.y)].clone();
    }
    camera.decode(&photograph, if photograph.content.iter().any(is_half_block) { 4 } else { 2 })
}

#[test]
fn there_is_a_whole_code_or_the_reason_why_not_at_every_size_and_on_every_terminal() {
    for (number, environment) in terminals().into_iter().enumerate() {
        // Few sizes will do once it is known that sizes do not matter.
        let (across, down) = if number == 0 { (7, 5) } else { (33, 12) };
        let widths = (40..=200).step_by(across);
        let mut codes = 0;
        for (columns, rows) in widths.flat_map(|columns| (12..=60).step_by(down).map(move |rows| (columns, rows))) {
            let model = sized(on(environment, pending()), columns, rows);
            let text = screen_text(&model, at(42));
            let has_reason = text.contains("QR code needs") || text.contains("Press f for the QR code");
            // In so small a window the reason is told when the code is asked for.
            if has_reason || (rows < 16 && columns < 100) {
                continue;
            }
            assert_eq!(
                scanned(camera::DARK, &model).as_deref(),
                Some(COMPLETE),
                "{columns}x{rows}, {environment:?}:\n{text}"
            );
            codes += 1;
        }
        assert!(codes > 3, "{codes} on {environment:?}");
    }
}

#[test]
fn the_code_scans_on_light_terminals_too_once_inverted_where_it_has_no_colors_of_its_own() {
    for environment in terminals() {
        let has_own_colors = environment.abilities().qr.palette != QrPalette::Reverse;
        let keys: &[Key] = if has_own_colors { &[] } else { &[Key::Char('i')] };
        for (columns, rows) in [(80, 24), (120, 40), (60, 50), (200, 60)] {
            let model = sized(on(environment, pressed(pending(), keys)), columns, rows);
            let code = scanned(camera::LIGHT, &model);
            let text = screen_text(&model, at(42));
            assert!(code.as_deref() == Some(COMPLETE) || text.contains("QR code needs"), "{columns}x{rows}:\n{text}");
        }
    }
}

#[test]
fn where_no_code_fits_beside_the_text_it_has_the_whole_screen_or_says_what_it_needs() {
    let model = sized(pending(), 60, 20);
    assert!(screen_text(&model, at(42)).contains("Press f for the QR code on the whole screen."));
    assert_eq!(scanned(camera::DARK, &pressed(model, &[Key::Char('f')])).as_deref(), Some(COMPLETE));
    let text = screen_text(&sized(pressed(pending(), &[Key::Char('f')]), 36, 18), at(42));
    assert!(joined(&text).contains("QR code needs 35x19, this window is 36x18."), "{text}");
    let text = screen_text(&sized(pending(), 60, 16), at(42));
    assert!(joined(&text).contains("QR code needs 35x19, this window is 60x16."), "{text}");
}

#[test]
fn the_layouts_are_those_that_were_thought_out() {
    for (columns, rows) in [(60, 20), (60, 50), (100, 30), (160, 50), (200, 60), (200, 14), (79, 23), (39, 11)] {
        insta::assert_snapshot!(format!("layout_{columns}x{rows}"), screen(&sized(pending(), columns, rows), at(42)));
    }
    // A module of two columns and one row needs no glyph of the font.
    let (buffer, _) = draw(&sized(pending(), 120, 40), at(42));
    let code = buffer.content.iter().filter(|cell| matches!(cell.bg, Color::Indexed(16 | 231))).count();
    assert_eq!(code, 74 * 37);
}

#[test]
fn a_window_without_room_for_a_code_to_scan_has_large_letters() {
    for (columns, rows) in [(60, 24), (100, 19), (140, 20)] {
        let model = on(terminals()[3], sized(pending(), columns, rows));
        let (buffer, _) = draw(&model, at(42));
        let inked = |cell: &&Cell| cell.modifier.contains(Modifier::REVERSED) && cell.symbol() == " ";
        assert!(buffer.content.iter().filter(inked).count() > 60, "{columns}x{rows}");
        assert!(screen_text(&model, at(42)).contains("WLKU-4502"));
    }
}

#[test]
fn no_large_letter_touches_the_light_around_the_code_to_scan() {
    for user_code in ["WLKU-4502", "VLMX-8895"] {
        let issued = SignInEvent::CodeIssued { code: code(user_code, at(0)), next_poll_at: at(30).moment };
        let mut model = waiting(vec![issued]);
        for (columns, rows) in [(80, 24), (100, 30), (120, 40), (160, 50), (200, 60)] {
            model = sized(model, columns, rows);
            let (buffer, _) = draw(&model, at(42));
            let light = |position: &(u16, u16)| buffer[*position].bg == Color::Indexed(231);
            let edges: Vec<_> =
                (1..rows).filter_map(|row| (0..columns).map(|column| (column, row)).find(light)).collect();
            assert!(edges.len() > 15, "{columns}x{rows}");
            for (column, row) in edges {
                let before = &buffer[(column - 1, row)];
                let is_free = !"█▀▄".contains(before.symbol()) && !before.modifier.contains(Modifier::REVERSED);
                assert!(is_free, "{user_code} at {columns}x{rows}: row {row}");
            }
        }
    }
}

#[test]
fn the_end_has_large_letters_in_the_middle_of_a_large_window() {
    for ((columns, rows), has_letters) in [((80, 24), false), ((120, 40), true), ((200, 60), true)] {
        let model = sized(ended(Ok(signed_in())), columns, rows);
        let (buffer, _) = draw(&model, at(42));
        let ink = buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED));
        assert_eq!(ink, has_letters, "{columns}x{rows}");
        assert!(screen_text(&model, at(42)).contains("✓ Signed in"), "{columns}x{rows}");
    }
}

#[test]
fn a_part_of_a_code_is_never_shown() {
    for (columns, rows) in (1..=45).flat_map(|columns| (1..=14).map(move |rows| (columns, rows))) {
        let text = screen_text(&sized(pending(), columns, rows), at(42)).replace('\n', "");
        assert!(text.contains("WLKU-4502") || ["", "…"].contains(&text.as_str()), "{columns}x{rows}: {text}");
    }
}

#[test]
fn the_form_that_the_person_wants_is_drawn_or_its_lack_explained() {
    let wanting = |choice, columns, rows, keys: &[Key]| {
        let mut model = pressed(pending(), keys);
        model.around.qr = choice;
        sized(model, columns, rows)
    };
    let has_half_blocks = |model: &Model| screen_text(model, at(42)).contains(['▀', '▄']);
    for keys in [&[][..], &[Key::Char('f')]] {
        for (choice, halves) in [(QrChoice::Full, false), (QrChoice::Half, true)] {
            let model = wanting(choice, 160, 60, keys);
            assert_eq!(camera::DARK.decode(&draw(&model, at(42)).0, 4).as_deref(), Some(COMPLETE), "{choice:?}");
            assert_eq!(has_half_blocks(&model), halves, "{choice:?}");
        }
        let model = wanting(QrChoice::Full, 80, 24, keys);
        assert!(screen_text(&model, at(42)).contains("QR code needs"), "{}", screen_text(&model, at(42)));
        for (columns, rows) in [(60, 20), (80, 24), (120, 40)] {
            let model = wanting(QrChoice::None, columns, rows, keys);
            assert!(!has_half_blocks(&model) && camera::DARK.decode(&draw(&model, at(42)).0, 4).is_none());
            let text = screen_text(&model, at(42));
            assert!(text.contains("QR code is off (--qr=none)."), "{columns}x{rows}:\n{text}");
        }
    }
}

/// Every line of the screen in one, so that nothing is missed where a line ends.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_an_honest_request_shows_is_there_at_every_size_and_in_every_state_that_waits() {
    let (mut wordy, task) = asking();
    let scopes = (0..40).map(|number| format!("ZohoCRM.area_{number}.READ")).collect();
    let code = IssuedCode { scopes, ..code("WLKU-4502", at(0)) };
    let issued = SignInEvent::CodeIssued { code, next_poll_at: at(60).moment };
    update(&mut wordy, Message::SignIn { task, event: issued }, at(0));
    let states = STATES
        .iter()
        .filter(|(name, _)| ["first", "pending", "slowed", "relocated", "retrying", "renewed", "demo"].contains(name));
    let models = states.map(|(_, state)| (state(), "read CRM users")).chain([(wordy, "read CRM area 0")]);
    for (model, scope) in models.map(|(model, scope)| (std::cell::RefCell::new(Some(model)), scope)) {
        for (columns, rows) in
            [(80, 24), (120, 40), (40, 12), (60, 20), (200, 60), (40, 24), (79, 23), (60, 50), (200, 12)]
        {
            let sized = sized(model.take().expect("it is put back"), columns, rows);
            let text = joined(&screen_text(&sized, at(42)));
            let code = if text.contains("WXYZ") { "WXYZ-7788" } else { "WLKU-4502" };
            let next = if text.contains(" in 0:") { " in 0:" } else { "first check now" };
            let next = if text.contains("first now") { "first now" } else { next };
            let scope = if text.contains("do 40 things") { "do 40 things" } else { scope };
            for part in ["accounts.zoho.com/oauth/v3/device", code, "4:18", scope, "dana@web-01", next] {
                assert!(text.contains(part), "{columns}x{rows} lacks {part}:\n{}", screen_text(&sized, at(42)));
            }
            for part in ["Sign in to Zoho", "work", "Did not start this yourself? Press Esc."] {
                assert!(text.contains(part), "{columns}x{rows} lacks {part}:\n{}", screen_text(&sized, at(42)));
            }
            model.replace(Some(sized));
        }
    }
}

#[test]
fn the_cursor_rests_on_the_code() {
    for (columns, rows) in SIZES {
        let (buffer, cursor) = draw(&sized(pending(), columns, rows), at(42));
        let (column, row) = cursor.expect("the cursor shows");
        let at_cursor: String = (column..column + 9).map(|column| buffer[(column, row)].symbol()).collect();
        assert_eq!(at_cursor, "WLKU-4502", "{columns}x{rows}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_size_and_no_key_breaks_the_sign_in(
        steps in proptest::collection::vec((0u16..300, 0u16..120, 0usize..24, 0u64..400), 1..8),
        state in 0..STATES.len(),
    ) {
        let keys = [
            Key::Char('f'), Key::Char('+'), Key::Char('-'), Key::Char('i'), Key::Char('p'), Key::Char('n'), Key::Char('?'),
            Key::Char('c'), Key::Char('u'), Key::Char('y'), Key::Char('x'), Key::Char('a'), Key::Char('q'), Key::Esc,
            Key::Enter, Key::Up, Key::Down, Key::Tab, Key::Home, Key::End, Key::PageDown, Key::Left, Key::Right,
            Key::Backspace,
        ];
        let mut model = STATES[state].1();
        for (columns, rows, key, seconds) in steps {
            model = sized(model, columns, rows);
            update(&mut model, Message::Key(keys[key]), at(seconds));
            draw(&model, at(seconds));
        }
    }
}
