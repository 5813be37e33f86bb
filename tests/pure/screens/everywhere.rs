//! What lies over every screen: the help, the palette, the log; and the themes.

use std::time::Duration;

use device_login::config::ThemeName;
use device_login::error::{Code, Error};
use device_login::http::Method;
use device_login::http::client::Exchange;
use device_login::tui::keymap::{BINDINGS, Command, Key, Keymap, Scope};
use device_login::tui::message::{Effect, Message, Pointing};
use device_login::tui::model::Model;
use device_login::tui::mouse;
use device_login::tui::next_wakeup;
use device_login::tui::overlay::Overlay;
use device_login::tui::panels::profiles::ProfilesPanel;
use device_login::tui::surroundings::Mouse;
use device_login::tui::theme::Mark;
use device_login::tui::update::update;
use jiff::SignedDuration;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::Color;

use super::panels::*;
use super::{SIZES, assert_no_control, profile_form, sign_in};
use crate::support::screen::{draw, screen, screen_text, text};

#[test]
fn the_help_of_a_small_window_scrolls_to_all_of_it_and_closes_by_any_other_key() {
    assert_screens!("help", typed(profiles_at("work"), "?"), now());
    let mut model = typed(answered(Ok(answer(200, ORGANIZATION, None))), "?");
    resize(&mut model, 40, 12);
    let mut seen = String::new();
    for _ in 0..120 {
        seen += &screen_text(&model, now());
        press(&mut model, &[Key::Down]);
    }
    for binding in BINDINGS.iter().filter(|binding| [Scope::Api, Scope::Everywhere].contains(&binding.scope)) {
        for key in &binding.keys {
            assert!(seen.split_whitespace().any(|word| word == key.label()), "{:?}", key.label());
        }
    }
    assert!(!seen.contains('…'), "nothing is cut off:\n{seen}");
    press(&mut model, &[Key::Char('x')]);
    assert_eq!(model.around.overlay, None);
}

/// Every place where text is typed, and the keys that lead there.
fn places_for_typing() -> Vec<(&'static str, Model, Vec<Key>)> {
    let keys = |text: &str| text.chars().map(Key::Char).collect::<Vec<_>>();
    let answered = || answered(Ok(answer(200, ORGANIZATION, None)));
    vec![
        ("the palette", profiles_at("work"), keys(":")),
        ("the name of a file", answered(), keys("w")),
        ("the filter of the profiles", profiles_at("work"), keys("/")),
        ("the name of a profile", profiles_at("work"), keys("p")),
        ("the scopes of a profile", profiles_at("work"), [keys("e"), vec![Key::End, Key::Enter]].concat()),
        ("a request", api_panel(), keys("e")),
        ("the search in the requests", api_panel(), keys("/")),
        ("the search in an answer", answered(), [vec![Key::Tab], keys("/")].concat()),
    ]
}

#[test]
fn a_key_that_is_bound_anew_works_also_where_text_is_typed() {
    let bound = toml::from_str("[typing]\nback = [\"Ctrl-G\"]").expect("keys by scope and command");
    for (place, mut model, keys) in places_for_typing() {
        model.around.keymap = Keymap::configured(&bound).expect("valid");
        press(&mut model, &keys);
        let before = screen_text(&model, now());
        assert!(before.contains("Ctrl-G"), "{place} tells the key:\n{before}");
        press(&mut model, &[Key::Esc]);
        assert_eq!(screen_text(&model, now()), before, "{place}: the old key does nothing");
        press(&mut model, &[Key::Ctrl('g')]);
        assert_ne!(screen_text(&model, now()), before, "{place}: the new key leads out");
    }
}

#[test]
fn a_command_is_found_by_a_part_of_its_name_and_done() {
    assert_screens!("palette", typed(profiles_at("work"), ":"), now());
    assert_screens!("palette_found", typed(profiles_at("work"), ":tok"), now());
    let mut model = typed(profiles_at("work"), ":nothing");
    assert!(screen_text(&model, now()).contains("Nothing here is called so."));
    assert!(press(&mut model, &[Key::Enter]).is_empty());
    press(&mut model, &[Key::Ctrl('u')]);
    let effects = press(&mut typed(model, "mint"), &[Key::Enter]);
    assert!(matches!(effects[..], [Effect::Refresh { .. }]), "{effects:?}");
}

#[test]
fn the_palette_says_all_of_what_commands_do_whatever_it_lies_over() {
    for (model, longest) in [
        (profiles_at("work"), "show the token for a moment"),
        (api_panel(), "copy as curl, token hidden"),
        (sign_in::pending(), "invert the QR code"),
    ] {
        let mut model = typed(model, ":");
        resize(&mut model, 80, 24);
        let seen = screen_text(&model, now());
        assert!(seen.contains(longest), "{longest}:\n{seen}");
    }
}

#[test]
fn the_palette_opens_what_lies_over_the_screen_too() {
    let mut model = typed(profiles_at("work"), ":has happened");
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.around.overlay, Some(Overlay::Log { scroll: 0 }));
}

#[test]
fn the_log_tells_what_happened_and_why_not() {
    let logged = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('r')]));
        update(&mut model, Message::Refreshed { task, profile: name("work"), result: Ok(()) }, now());
        let task = task_of(&press(&mut model, &[Key::Char('v')]));
        let error = Error::new(Code::Network, "the provider was not reached").because(HOSTILE);
        update(&mut model, Message::Verified { task, profile: name("work"), result: Err(error) }, later(61));
        typed(model, "L")
    };
    assert_screens!("log", logged(), later(70));
    assert_no_control(&screen_text(&logged(), later(70)));
}

#[test]
fn a_clock_that_is_wrong_is_told_once_and_stays_in_the_log() {
    let exchange = |seconds: i64| {
        Message::Exchanged(Exchange {
            method: Method::Post,
            host: "accounts.zoho.com".to_owned(),
            path: "/oauth/v3/device/code".to_owned(),
            outcome: Ok(200),
            took: Duration::from_millis(80),
            server_time: Some(now().time + SignedDuration::from_secs(seconds)),
        })
    };
    for (seconds, told) in [
        (7 * 60 - 5, "clock is 7 min behind that of accounts.zoho.com; times here may be wrong."),
        (-3 * 3600, "clock is 3 h ahead of that of accounts.zoho.com; times here may be wrong."),
    ] {
        let mut model = profiles_at("work");
        resize(&mut model, 120, 40);
        update(&mut model, exchange(-100), now());
        assert_eq!(model.around.notice, None);
        update(&mut model, exchange(seconds), now());
        let notice = model.around.notice.take().expect("a notice");
        assert!(notice.mark == Some(Mark::Attention) && notice.text.contains(told), "{notice:?}");
        update(&mut model, exchange(seconds), now());
        assert_eq!(model.around.notice, None);
        assert!(screen_text(&typed(model, "L"), now()).contains("This machine's clock is"));
    }
}

#[test]
fn a_long_log_scrolls_and_keeps_its_last_entries() {
    let mut model = profiles_at("work");
    for second in 0..1500_u64 {
        let error = Error::new(Code::Network, format!("failure {second}"));
        let message = Message::SignInEnded { task: model.around.new_task(), result: Box::new(Err(error)) };
        update(&mut model, message, later(second));
    }
    assert_eq!(model.around.log.entries().len(), 1000);
    let mut model = typed(model, "L");
    assert!(screen_text(&model, now()).contains("failure 1499"));
    press(&mut model, &[Key::PageUp]);
    assert!(!screen_text(&model, now()).contains("failure 1499"));
    press(&mut model, &[Key::Home]);
    assert!(screen_text(&model, now()).contains("failure 500."), "{}", screen_text(&model, now()));
    press(&mut model, &[Key::Down]);
    assert!(!screen_text(&model, now()).contains("failure 500."));
    press(&mut model, &[Key::End]);
    assert!(screen_text(&model, now()).contains("failure 1499"));
}

#[test]
fn each_theme_looks_as_accepted() {
    for theme in ThemeName::ALL {
        let mut model = profiles_at("archive");
        model.around.set_theme(theme);
        resize(&mut model, 80, 24);
        insta::assert_snapshot!(format!("theme_{theme}"), screen(&model, now()));
    }
}

#[test]
fn the_theme_changes_by_a_key_and_says_how_to_keep_it() {
    let mut model = profiles_at("work");
    press(&mut model, &[Key::Ctrl('t')]);
    assert_eq!(model.around.theme.name(), ThemeName::Light);
    assert!(screen_text(&model, now()).contains("theme = \"light\""));
}

#[test]
fn the_footer_and_the_help_show_the_keys_that_were_configured() {
    let mut model = profiles_at("work");
    let keys = [("profiles".to_owned(), [("refresh".to_owned(), vec!["W".to_owned()])].into())].into();
    model.around.keymap = Keymap::configured(&keys).expect("valid");
    assert!(screen_text(&model, now()).contains("W refresh"));
    assert!(matches!(press(&mut model, &[Key::Char('W')])[..], [Effect::Refresh { .. }]));
    let model = typed(model, "?");
    assert!(screen_text(&model, now()).contains("W      refresh the access token"));
}

/// A question over each screen that asks one.
fn questions() -> Vec<(&'static str, Model)> {
    let mut full_screen = sign_in::pressed(sign_in::pending(), &[Key::Char('f')]);
    let question = "Somebody may be typing it right now. A new code makes it worthless.".to_owned();
    full_screen.around.overlay = Some(Overlay::Confirm { question, command: Command::NewCode });
    vec![
        ("profiles", typed(profiles_at("work"), "x")),
        ("sign-in", sign_in::pressed(sign_in::pending(), &[Key::Char('n')])),
        ("QR code", full_screen),
        ("saving", sign_in::pressed(sign_in::pending(), &[Key::Char('s')])),
        ("saving again", saving_again()),
        ("form", profile_form::thrown_away()),
    ]
}

/// The QR code could not be saved under the first name.
fn saving_again() -> Model {
    let mut model = sign_in::pressed(sign_in::pending(), &[Key::Char('s')]);
    let mut effects = press(&mut model, &[Key::Enter]);
    let Some(Effect::Save(save_as)) = effects.pop() else { panic!("it is saved: {effects:?}") };
    let error = Error::new(Code::Other, "/srv/codes/qr.png could not be written").because("No such file or directory");
    update(&mut model, Message::Saved(Err(Box::new((save_as, error)))), sign_in::at(42));
    model
}

#[test]
fn a_question_is_whole_at_every_size_and_lies_over_no_part_of_a_qr_code() {
    let mut beside = 0;
    for (name, mut model) in questions() {
        for (columns, rows) in
            (40..=240).step_by(5).flat_map(|columns| (12..=60).step_by(3).map(move |rows| (columns, rows)))
        {
            model.around.window = (columns, rows).into();
            let asked = draw(&model, sign_in::at(42)).0;
            let overlay = model.around.overlay.take().expect("it asks");
            let question = match &overlay {
                Overlay::Confirm { question, .. } => question.clone(),
                _ if name == "saving" => "Save the QR code as a file that only you can read, called:".to_owned(),
                _ => {
                    "/srv/codes/qr.png could not be written: No such file or directory. Save the QR code as:".to_owned()
                }
            };
            let before = draw(&model, sign_in::at(42)).0;
            model.around.overlay = Some(overlay);
            let text = text(&asked);
            let answers = if name.starts_with("saving") { ["Enter saves", "Esc does not"] } else { ["y yes", "n no"] };
            let all = answers.iter().all(|answer| text.contains(answer));
            let is_whole = question.split(' ').all(|word| text.contains(word));
            assert!(all && is_whole, "{name} {columns}x{rows}:\n{text}");
            let (left, whole) = (qr_code(&asked), qr_code(&before));
            assert!(left.is_empty() || left == whole, "{name} {columns}x{rows}");
            beside += usize::from(!left.is_empty());
        }
    }
    assert!(beside > 300, "{beside}");
}

/// The cells of the QR code that are in sight.
fn qr_code(buffer: &Buffer) -> Vec<(Position, Cell)> {
    let cells = buffer.area.positions().map(|at| (at, &buffer[at]));
    let cells = cells.filter(|(_, cell)| matches!(cell.bg, Color::Indexed(16 | 231)));
    cells.map(|(at, cell)| (at, cell.clone())).collect()
}

#[test]
fn the_help_and_the_commands_lie_over_no_part_of_a_qr_code_and_stay_where_they_are() {
    let (mut beside, mut alone) = (0, 0);
    for (columns, rows) in
        (40..=240).step_by(10).flat_map(|columns| (12..=60).step_by(6).map(move |rows| (columns, rows)))
    {
        let drawn = |keys: &str| {
            let mut model = typed(sign_in::pending(), keys);
            resize(&mut model, columns, rows);
            draw(&model, sign_in::at(42)).0
        };
        let whole = qr_code(&drawn(""));
        for keys in ["?", ":", ":co"] {
            let left = qr_code(&drawn(keys));
            assert!(left.is_empty() || left == whole, "{keys} {columns}x{rows}");
            let is_beside = !left.is_empty();
            (beside, alone) = (beside + usize::from(is_beside), alone + usize::from(!is_beside));
        }
        let corners = |buffer: &Buffer| -> Vec<Position> {
            buffer.area.positions().filter(|at| "┌┐└┘".contains(buffer[*at].symbol())).collect()
        };
        assert_eq!(corners(&drawn(":")), corners(&drawn(":co")), "{columns}x{rows}");
    }
    assert!(beside > 100 && alone > 100, "{beside} {alone}");
}

#[test]
fn a_question_hears_the_keys_of_the_configuration_and_no_others() {
    let asked = || {
        let mut model = profiles_at("work");
        let keys = toml::from_str("[question]\nyes = [\"J\"]\nno = [\"x\"]").expect("keys by scope and command");
        model.around.keymap = Keymap::configured(&keys).expect("valid");
        typed(model, "x")
    };
    assert!(screen_text(&asked(), now()).contains("J yes    x no"));
    for (key, is_yes, stays) in [
        (Key::Char('J'), true, false),
        (Key::Char('x'), false, false),
        // A way out is one from a question as well.
        (Key::Esc, false, false),
        (Key::Char('y'), false, true),
        (Key::Char('r'), false, true),
        (Key::Char(' '), false, true),
        (Key::Enter, false, true),
    ] {
        let mut model = asked();
        let effects = press(&mut model, &[key]);
        assert_eq!((effects.len(), model.around.overlay.is_some()), (usize::from(is_yes), stays), "{key:?}");
    }
}

#[test]
fn what_goes_on_below_a_question_is_seen() {
    let mut model = typed(profiles_at("work"), "x");
    resize(&mut model, 80, 24);
    let screen = |seconds| screen_text(&model, later(seconds));
    assert!(screen(0).contains("52:10") && screen(1).contains("52:09"), "{}", screen(1));
    assert!(next_wakeup(&model, now()).is_some_and(|at| at <= later(1).moment));
}

#[test]
fn no_overlay_breaks_at_any_size() {
    for keys in ["?", ":", ":tok", "L"] {
        for (columns, rows) in (0..60).map(|size| (size * 4, size)).chain(SIZES) {
            let mut model = typed(profiles_at("work"), keys);
            resize(&mut model, columns, rows);
            press(&mut model, &[Key::Down, Key::PageDown, Key::End, Key::Home]);
            drop(draw(&model, now()));
        }
    }
}

#[test]
fn the_mouse_picks_rows_and_presses_the_keys_of_the_footer() {
    let mut model = profiles_at("work");
    point(&mut model, "archive", Pointing::Press);
    assert_eq!(
        model.find::<ProfilesPanel>().expect("it is there").selected().expect("a profile").name,
        name("archive")
    );
    point(&mut model, "work", Pointing::Press);
    assert_eq!(model.find::<ProfilesPanel>().expect("it is there").selected().expect("a profile").name, name("work"));
    let effects = point(&mut model, "r refresh", Pointing::Press);
    assert!(matches!(effects[..], [Effect::Refresh { .. }]), "{effects:?}");
    point(&mut model, "? help", Pointing::Press);
    assert_eq!(model.around.overlay, Some(Overlay::Help { scroll: 0 }));
    resize(&mut model, 40, 12);
    let at = Position::new(3, 3);
    update(&mut model, Message::Pointed { at, what: Pointing::WheelDown }, now());
    assert_eq!(model.around.overlay, Some(Overlay::Help { scroll: 3 }));
}

#[test]
fn the_wheel_scrolls_the_help_whatever_the_arrow_keys_are_for() {
    let mut model = typed(profiles_at("work"), "?");
    resize(&mut model, 40, 12);
    let keys = [("everywhere".to_owned(), [("down".to_owned(), vec!["J".to_owned()])].into())].into();
    model.around.keymap = Keymap::configured(&keys).expect("valid");
    update(&mut model, Message::Pointed { at: Position::new(3, 3), what: Pointing::WheelDown }, now());
    assert!(matches!(model.around.overlay, Some(Overlay::Help { scroll: 1.. })), "{:?}", model.around.overlay);
    assert!(screen_text(&model, now()).contains("Up and J scroll"));
}

#[test]
fn what_is_pasted_into_the_palette_is_looked_for() {
    let mut model = typed(profiles_at("work"), ":");
    update(&mut model, Message::Pasted("mint\n".to_owned()), now());
    let effects = press(&mut model, &[Key::Enter]);
    assert!(matches!(effects[..], [Effect::Refresh { .. }]), "{effects:?}");
}

#[test]
fn the_wheel_turns_the_list() {
    let mut model = profiles_at("archive");
    let at = place_of(&model, "archive");
    update(&mut model, Message::Pointed { at, what: Pointing::WheelDown }, now());
    assert_ne!(
        model.find::<ProfilesPanel>().expect("it is there").selected().expect("a profile").name,
        name("archive")
    );
    update(&mut model, Message::Pointed { at, what: Pointing::WheelUp }, now());
    assert_eq!(
        model.find::<ProfilesPanel>().expect("it is there").selected().expect("a profile").name,
        name("archive")
    );
}

#[test]
fn the_mouse_is_left_alone_where_text_is_selected() {
    let mut model = profiles_at("work");
    assert!(mouse::is_wanted(&model));
    let task = task_of(&press(&mut model, &[Key::Char('t')]));
    let token = device_login::secret::Secret::new("1000.abc");
    update(&mut model, Message::TokenRead { task, profile: name("work"), result: Ok(token) }, now());
    assert!(!mouse::is_wanted(&model), "a token is shown to be selected");
    press(&mut model, &[Key::Down, Key::Char('m')]);
    assert_eq!(model.around.mouse, Mouse::Terminal);
    assert!(!mouse::is_wanted(&model));
    press(&mut model, &[Key::Char('m')]);
    assert!(mouse::is_wanted(&model));
    press(&mut model, &[Key::Up, Key::Char('n')]);
    assert!(!mouse::is_wanted(&model), "a sign-in is for selecting");
}
