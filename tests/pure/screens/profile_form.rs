//! How the form of a profile looks at each step.

use std::path::Path;

use device_login::config::Config;
use device_login::error::{Code, Error};
use device_login::service::State;
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, TaskId};
use device_login::tui::model::Model;
use device_login::tui::update::update;

use super::panels::*;
use super::{SIZES, assert_no_control};
use crate::support::screen::{changes, screen_text};

const SECRET: &str = "sentinel-client-secret-0123456789";
const WORK: &str = "[profiles.work]\nprovider = \"zoho\"\ndata_center = \"eu\"\nclient_id = \"1000.ABC\"\n\
                    scopes = [\"ZohoCRM.users.READ\", \"ZohoCRM.org.READ\"]\n";

fn configured(model: &mut Model, text: &str) {
    let config = Config::parse(text, Path::new("/home/dana/.config/device-login/config.toml")).expect("valid");
    let was = Box::new(model.around.config.clone());
    update(model, Message::ConfigurationReread { was, result: Box::new(Ok(config)) }, now());
}

/// The form as a newcomer gets it.
fn new_form() -> Model {
    let mut model = empty_model();
    configured(&mut model, "");
    update(&mut model, Message::StatusesLoaded(Vec::new()), now());
    press(&mut model, &[Key::Enter]);
    model
}

fn answer(model: &mut Model, text: &str) {
    press(model, &[Key::Ctrl('u')]);
    type_text(model, text);
    press(model, &[Key::Enter]);
}

/// A form for Zoho in Europe with so many steps answered.
pub(crate) fn after(steps: usize) -> Model {
    let mut model = new_form();
    let answers: [&dyn Fn(&mut Model); 7] = [
        &|model| answer(model, "shop"),
        &|model| drop(press(model, &[Key::Enter])),
        &|model| drop(press(model, &[Key::Down, Key::Enter])),
        &|model| drop(press(model, &[Key::Enter])),
        &|model| answer(model, "1000.ABCDEFGHIJKLMNOPQRSTUVWXYZ012"),
        &|model| answer(model, SECRET),
        &|model| drop(press(model, &[Key::Enter])),
    ];
    answers[..steps].iter().for_each(|answer| answer(&mut model));
    model
}

/// Asked whether what was typed is to be thrown away.
pub(crate) fn thrown_away() -> Model {
    with_keys(typed(after(0), "x"), &[Key::Esc])
}

pub(crate) fn reviewing() -> Model {
    after(7)
}

/// The scopes that a word finds, one of them ticked.
pub(crate) fn choosing_scopes() -> Model {
    with_keys(typed(after(6), "crm"), &[Key::Down, Key::Char(' '), Key::Down])
}

/// The import of a token at the step after so many.
fn importing(steps: usize) -> Model {
    let mut model = new_form();
    press(&mut model, &[Key::Esc, Key::Char('i')]);
    let answers: [&dyn Fn(&mut Model); 7] = [
        &|model| answer(model, "shop"),
        &|model| answer(model, SECRET),
        &|model| drop(press(model, &[Key::Enter])),
        &|model| drop(press(model, &[Key::Down, Key::Enter])),
        &|model| answer(model, "1000.ABCDEFGHIJKLMNOPQRSTUVWXYZ012"),
        &|model| answer(model, SECRET),
        &|model| drop(press(model, &[Key::Enter])),
    ];
    answers[..steps].iter().for_each(|answer| answer(&mut model));
    model
}

fn task_of_change(effects: &[Effect]) -> TaskId {
    match effects {
        [Effect::ChangeConfiguration { task, .. }] => *task,
        other => panic!("{other:?}"),
    }
}

fn finished(mut model: Model, result: Result<Config, Error>) -> Model {
    let task = task_of_change(&press(&mut model, &[Key::Enter]));
    update(&mut model, Message::ConfigurationChanged { task, result: Box::new(result) }, now());
    model
}

/// The profiles with `work` under the cursor and in the configuration.
fn at_work(state: State) -> Model {
    let mut model = empty_model();
    configured(&mut model, WORK);
    update(&mut model, Message::StatusesLoaded(vec![status("work", state, 3130)]), now());
    model
}

#[test]
fn each_step_asks_for_one_thing() {
    assert_screens!("name", after(0), now());
    assert_screens!("provider", after(1), now());
    assert_screens!("data_center", after(2), now());
    assert_screens!("client_type", after(3), now());
    assert_screens!("client_id", after(4), now());
    assert_screens!("client_secret", typed(after(5), SECRET), now());
    assert_screens!("scopes", after(6), now());
    assert_screens!("review", after(7), now());
}

#[test]
fn what_is_to_be_mended_is_shown_and_nothing_is_said_of_saving_it() {
    let editing = |client_id: &str| {
        let mut model = with_keys(at_work(State::Valid), &[Key::Char('e')]);
        press(&mut model, &[Key::Home, Key::Down, Key::Down, Key::Down, Key::Down, Key::Enter]);
        answer(&mut model, client_id);
        press(&mut model, &[Key::Esc]);
        screen_text(&model, now())
    };
    let screen = editing("1000.NEW");
    assert!(screen.contains("1000.NEW") && screen.contains("Saving logs the profile out"), "{screen}");
    let screen = editing("1000 bad");
    assert!(screen.contains("! to be mended: 1000 bad") && !screen.contains("Saving logs"), "{screen}");
}

#[test]
fn a_token_from_elsewhere_is_asked_for_tried_and_asked_for_again() {
    assert_screens!("import_name", importing(0), now());
    assert_screens!("import_token", typed(importing(1), SECRET), now());
    assert_screens!("import_token_none", with_keys(importing(1), &[Key::Enter, Key::Enter]), now());
    assert_screens!("import_scopes", importing(6), now());
    assert_screens!("import_review", importing(7), now());
    assert_screens!("import_under_way", with_keys(importing(7), &[Key::Enter]), now());
    let refused = || {
        let mut model = importing(7);
        let effects = press(&mut model, &[Key::Enter]);
        let [Effect::Import { task, .. }] = effects[..] else { panic!("{effects:?}") };
        let error = Error::new(Code::SignInNeeded, "profile `shop` could not be signed in")
            .because("Zoho says that the refresh token is not one of this client (invalid_code)")
            .advise("copy the token whole, see that it belongs to this client and data center, and import it again");
        update(&mut model, Message::Imported { task, result: Box::new(Err(error)) }, now());
        model
    };
    assert_screens!("import_refused", refused(), now());
    let no_file = || {
        let mut model = typed(with_keys(importing(1), &[Key::Enter]), "~/old/.env");
        let effects = press(&mut model, &[Key::Enter]);
        let [Effect::ReadEnvFile { task, .. }] = effects[..] else { panic!("{effects:?}") };
        let error = Error::new(Code::Config, "~/old/.env cannot be imported").because("it names no ZOHO_REFRESH_TOKEN");
        update(&mut model, Message::EnvFileRead { task, result: Box::new(Err(error)) }, now());
        model
    };
    assert_screens!("import_file_refused", no_file(), now());
    let replacing = || {
        let mut model = with_keys(at_work(State::Valid), &[Key::Char('i'), Key::Enter]);
        answer(&mut model, SECRET);
        with_keys(model, &[Key::Enter])
    };
    assert_screens!("import_replaces", replacing(), now());
}

#[test]
fn what_is_wrong_stands_below_the_field() {
    assert_screens!("name_wrong", typed(with_keys(after(0), &[Key::Ctrl('u')]), "my work"), now());
    assert_screens!("client_id_wrong", typed(after(4), "1000.A B"), now());
    let keycloak = || {
        let mut model = after(1);
        press(&mut model, &[Key::End, Key::Up, Key::Enter]);
        answer(&mut model, "http://id.example.com");
        typed(model, "main")
    };
    assert_screens!("server_wrong", keycloak(), now());
    assert_screens!("client_type_wrong", with_keys(after(3), &[Key::End, Key::Enter]), now());
    let redirect = || typed(with_keys(after(3), &[Key::Down, Key::Down, Key::Enter]), "example.com/callback");
    assert_screens!("redirect_uri_wrong", redirect(), now());
}

#[test]
fn scopes_are_found_by_product_and_by_word() {
    assert_screens!("scopes_found", with_keys(typed(after(6), "desk"), &[Key::Down, Key::Char(' ')]), now());
    assert_screens!("scopes_misspelt", typed(after(6), "ZohoCRM.user.READ"), now());
    assert_screens!("scopes_of_a_product", with_keys(after(6), &[Key::Down, Key::Down, Key::Down, Key::Enter]), now());
    assert_screens!("scopes_nothing_found", typed(after(6), "nothing"), now());
}

#[test]
fn saving_ends_in_a_sign_in_or_says_why_not() {
    let saving = || with_keys(after(7), &[Key::Enter]);
    assert_screens!("saving", saving(), now());
    let refused = || {
        let error = Error::new(Code::Store, "the store cannot be used")
            .because("writing /home/dana/.local/state/device-login/shop.record failed: No space left on device")
            .advise("check the disk and the permissions; nothing was lost");
        finished(after(7), Err(error))
    };
    assert_screens!("not_saved", refused(), now());
    let mut smallest = refused();
    resize(&mut smallest, 40, 12);
    let screen = screen_text(&smallest, now());
    assert!(screen.contains("▌ Save the profile") && screen.contains("nothing was"), "what helps is seen:\n{screen}");
    let config = Config::parse(WORK, Path::new("/home/dana/.config/device-login/config.toml")).expect("valid");
    assert_screens!("saved", finished(after(7), Ok(config.clone())), now());
}

#[test]
fn a_profile_that_is_signed_in_is_changed_renamed_and_removed_with_care() {
    assert_screens!("edit", with_keys(at_work(State::Valid), &[Key::Char('e')]), now());
    let other_client = || {
        let mut model =
            with_keys(at_work(State::Valid), &[Key::Char('e'), Key::Down, Key::Down, Key::Down, Key::Enter]);
        answer(&mut model, "1000.NEW");
        // The new client has no secret.
        answer(&mut model, "");
        model
    };
    assert_screens!("edit_signs_out", other_client(), now());
    assert_screens!("rename", with_keys(at_work(State::Valid), &[Key::Char('w')]), now());
    assert_screens!("rename_signed_out", with_keys(at_work(State::SignedOut), &[Key::Char('w')]), now());
    assert_screens!("remove_signed_in", with_keys(at_work(State::Valid), &[Key::Char('d')]), now());
    assert_screens!("remove_signed_out", with_keys(at_work(State::SignedOut), &[Key::Char('d'), Key::Down]), now());
    let unrevoked = || {
        let mut model = empty_model();
        configured(&mut model, WORK);
        let mut left = status("work", State::SignedOut, 0);
        left.is_unrevoked = true;
        update(&mut model, Message::StatusesLoaded(vec![left]), now());
        with_keys(model, &[Key::Char('d')])
    };
    assert_screens!("remove_unrevoked", unrevoked(), now());
    let not_removed = || {
        let error = Error::new(Code::Network, "the grant could not be revoked")
            .because("no connection to accounts.zoho.eu")
            .advise("remove the access by hand at https://accounts.zoho.eu (Connected Apps)");
        finished(with_keys(unrevoked(), &[Key::Down]), Err(error))
    };
    assert_screens!("not_removed", not_removed(), now());
    assert_screens!("throw_away", thrown_away(), now());
}

#[test]
fn a_removal_is_asked_over_the_profiles_whose_times_go_on() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
        let mut model = with_keys(profiles_at("work"), &[Key::Char('d')]);
        resize(&mut model, columns, rows);
        let text = screen_text(&model, now());
        let shown = |words: &str| text.contains(words);
        assert!(
            ["Profiles", "archive@example.com", "Remove profile work?", "Keep it"].into_iter().all(shown),
            "{text}"
        );
        assert!(!changes(&model, later, 0..90).is_empty());
    }
}

#[test]
fn the_secret_is_on_no_screen() {
    for (columns, rows) in SIZES.into_iter().chain([(200, 60), (20, 5)]) {
        let mut model = after(5);
        resize(&mut model, columns, rows);
        type_text(&mut model, SECRET);
        update(&mut model, Message::Pasted(SECRET.to_owned()), now());
        let mut looked = screen_text(&model, now());
        for key in [Key::Enter, Key::Enter, Key::Home, Key::Enter] {
            press(&mut model, &[key]);
            looked.push_str(&screen_text(&model, now()));
        }
        assert!(!looked.contains("sentinel") && !looked.contains("0123456789"), "{looked}");
    }
}

#[test]
fn hostile_text_of_a_configuration_cannot_steer_the_terminal() {
    for (columns, rows) in SIZES {
        let mut model = after(7);
        resize(&mut model, columns, rows);
        let error = Error::new(Code::Config, HOSTILE).because(HOSTILE).advise(HOSTILE);
        assert_no_control(&screen_text(&finished(model, Err(error)), now()));
        let mut model = after(6);
        resize(&mut model, columns, rows);
        update(&mut model, Message::Pasted(HOSTILE.to_owned()), now());
        assert_no_control(&screen_text(&model, now()));
    }
}

#[test]
fn escape_and_a_key_at_once_answer_no_question_and_leave_no_text() {
    let both = |model: &mut Model, key| update(model, Message::EscapeThen(key), now());
    let mut asked = with_keys(at_work(State::Valid), &[Key::Char('x')]);
    assert!(screen_text(&asked, now()).contains("Log profile work out?"));
    let effects = both(&mut asked, Key::Char('y'));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::SignOut { .. })), "{effects:?}");
    assert!(!screen_text(&asked, now()).contains("Log profile work out?"));

    let mut form = typed(new_form(), "half a na");
    let before = screen_text(&form, now());
    assert!(before.contains("half a na"), "{before}");
    assert!(both(&mut form, Key::Char('b')).is_empty());
    assert_eq!(screen_text(&form, now()), before);
}
