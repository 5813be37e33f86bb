use crate::error::{Code, Error};
use crate::service::{ProfileStatus, State};
use crate::storage::{Account, LastRefresh};
use crate::tui::keymap::Key;
use crate::tui::message::{Effect, Message};
use crate::tui::model::Model;
use crate::tui::panel::Outcome;
use crate::tui::panels::profiles::tests::{
    at, config, empty, name, notice, press, profiles, profiles_mut, selected, status,
};
use crate::tui::update::update;
use crate::tui::widgets::field::Field;

/// One profile in each state.
fn each() -> Vec<ProfileStatus> {
    let mut archive = status("archive", State::NeedsLogin, 0);
    archive.account =
        Some(Account {
            id: "7".to_owned(), email: Some("old@example.com".to_owned()), name: Some("Ödön".to_owned())
        });
    let mut lobby = status("lobby", State::Expiring, 200);
    lobby.last_refresh = Some(LastRefresh::new(at(0).time, None));
    let mut work = status("work", State::Valid, 3_000);
    work.data_center = Some("eu".to_owned());
    work.last_refresh = Some(LastRefresh::new(at(5_000).time, None));
    vec![archive, lobby, status("new", State::SignedOut, 0), work]
}

fn panel() -> Model {
    let mut model = empty();
    update(&mut model, Message::StatusesLoaded(each()), at(0));
    model
}

fn type_text(model: &mut Model, text: &str) {
    text.chars().for_each(|character| assert_eq!(press(model, character), []));
}

fn press_key(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Message::Key(key), at(0))
}

fn listed(model: &Model) -> Vec<&str> {
    let table = &profiles(model).table;
    table.order().iter().map(|position| profiles(model).statuses[*position].name.as_str()).collect()
}

#[test]
fn a_filter_finds_names_accounts_places_and_states_in_any_case() {
    for (typed, expected) in [
        ("WORK", &["work"][..]),
        ("old@", &["archive"]),
        ("ödön", &["archive"]),
        ("zoho", &["archive", "new", "lobby", "work"]),
        ("eu", &["work"]),
        ("ends soon", &["lobby"]),
        ("expiring", &["lobby"]),
        ("needs_login", &["archive"]),
        ("zoho out", &["new"]),
        ("zoho nobody", &[]),
        ("   ", &["archive", "new", "lobby", "work"]),
    ] {
        let mut model = panel();
        press(&mut model, '/');
        type_text(&mut model, typed);
        assert_eq!(listed(&model), expected, "{typed}");
    }
}

#[test]
fn the_state_that_is_found_is_that_of_the_moment() {
    let mut model = panel();
    press(&mut model, '/');
    for character in "expired".chars() {
        update(&mut model, Message::Key(Key::Char(character)), at(201_000));
    }
    assert_eq!(listed(&model), ["lobby"]);
}

#[test]
fn while_a_filter_is_typed_letters_are_letters_and_arrows_move() {
    let mut model = panel();
    press(&mut model, '/');
    type_text(&mut model, "qnrx?");
    assert_eq!(listed(&model), [""; 0]);
    for _ in 0..5 {
        press_key(&mut model, Key::Backspace);
    }
    press_key(&mut model, Key::Down);
    press_key(&mut model, Key::Down);
    press_key(&mut model, Key::Enter);
    assert_eq!((selected(&model), profiles(&model).table.filter().is_none()), ("lobby", true));
    assert!(
        matches!(press(&mut model, 'r').as_slice(), [Effect::Refresh { profile, .. }] if *profile == name("lobby"))
    );
}

#[test]
fn escape_shows_all_with_the_cursor_where_it_was() {
    let mut model = panel();
    profiles_mut(&mut model).select(name("new"));
    press(&mut model, '/');
    type_text(&mut model, "work");
    assert_eq!(selected(&model), "work");
    press_key(&mut model, Key::Esc);
    assert_eq!((listed(&model).len(), selected(&model)), (4, "new"));
}

#[test]
fn what_enter_keeps_stays_selected_when_all_are_shown_again() {
    let mut model = panel();
    press(&mut model, '/');
    type_text(&mut model, "work");
    press_key(&mut model, Key::Enter);
    assert_eq!(listed(&model), ["work"]);
    press_key(&mut model, Key::Esc);
    assert_eq!((listed(&model).len(), selected(&model)), (4, "work"));
}

#[test]
fn pasted_text_goes_into_the_filter_and_nowhere_else() {
    let mut model = panel();
    update(&mut model, Message::Pasted("work".to_owned()), at(0));
    assert_eq!(listed(&model).len(), 4);
    press(&mut model, '/');
    update(&mut model, Message::Pasted("wo\nrk".to_owned()), at(0));
    assert_eq!(profiles(&model).table.filter().map(Field::text), Some("wo rk".to_owned()));
}

#[test]
fn sorting_goes_round_and_can_be_turned_and_the_cursor_stays_on_its_profile() {
    let mut model = panel();
    profiles_mut(&mut model).select(name("lobby"));
    for (key, expected, said) in [
        ('S', ["work", "lobby", "new", "archive"], "best first"),
        ('s', ["lobby", "work", "archive", "new"], "soonest end first"),
        ('S', ["work", "lobby", "archive", "new"], "latest end first"),
        ('s', ["work", "lobby", "archive", "new"], "last refreshed first"),
        ('S', ["lobby", "work", "archive", "new"], "longest not refreshed first"),
        ('s', ["archive", "lobby", "new", "work"], "by name"),
        ('S', ["work", "new", "lobby", "archive"], "by name, Z first"),
        ('s', ["archive", "new", "lobby", "work"], "worst first"),
    ] {
        press(&mut model, key);
        assert_eq!((listed(&model).as_slice(), selected(&model)), (&expected[..], "lobby"), "{said}");
        assert!(notice(&model).1.contains(said));
    }
}

#[test]
fn the_worst_is_what_monitoring_calls_so() {
    let failed = |mut status: ProfileStatus| {
        status.last_refresh = Some(LastRefresh::new(at(0).time, Some("no answer".to_owned())));
        status
    };
    let unopened =
        ProfileStatus { problem: Some(Error::new(Code::Store, "damaged")), ..status("i", State::Unknown, 0) };
    let worst_last = [
        status("a", State::Valid, 4000),
        status("b", State::Expired, 1),
        status("c", State::Expiring, 200),
        failed(status("d", State::Expired, 1)),
        failed(status("e", State::Expiring, 200)),
        status("f", State::Unknown, 0),
        status("g", State::SignedOut, 0),
        status("h", State::NeedsLogin, 0),
        unopened,
    ];
    let mut model = empty();
    update(&mut model, Message::StatusesLoaded(worst_last.into()), at(10_000));
    assert_eq!(listed(&model), ["i", "h", "g", "f", "e", "d", "c", "b", "a"]);
}

#[test]
fn the_worst_come_first_while_a_profile_wants_a_person_and_until_somebody_sorts() {
    let mut model = empty();
    let healthy: Vec<_> = each().into_iter().skip(1).collect();
    update(&mut model, Message::StatusesLoaded(healthy.clone()), at(0));
    assert_eq!((listed(&model).as_slice(), selected(&model)), (&["lobby", "new", "work"][..], "lobby"));
    update(&mut model, Message::StatusesLoaded(each()), at(0));
    assert_eq!((listed(&model).as_slice(), selected(&model)), (&["archive", "new", "lobby", "work"][..], "lobby"));
    for _ in 0..3 {
        press(&mut model, 's');
    }
    let sorted = ["archive", "lobby", "new", "work"];
    assert_eq!(listed(&model), sorted);
    update(&mut model, Message::StatusesLoaded(each()), at(0));
    assert_eq!(listed(&model), sorted);
}

#[test]
fn the_cursor_keeps_its_row_when_its_profile_no_longer_matches() {
    let mut model = panel();
    press(&mut model, '/');
    type_text(&mut model, "zoho");
    press_key(&mut model, Key::Down);
    press_key(&mut model, Key::Enter);
    assert_eq!(selected(&model), "new");
    press(&mut model, '/');
    type_text(&mut model, " sign");
    assert_eq!((listed(&model).as_slice(), selected(&model)), (&["archive", "new"][..], "new"));
    let mut statuses = each();
    statuses[2] = status("new", State::Valid, 3_000);
    update(&mut model, Message::StatusesLoaded(statuses), at(0));
    assert_eq!((listed(&model).as_slice(), selected(&model)), (&["archive"][..], "archive"));
}

#[test]
fn names_are_there_before_the_store_is_read_and_can_be_worked_with() {
    let mut model = empty();
    model.around.config = config(&["a", "b"]);
    model.resume(Outcome::Nothing, at(0));
    assert_eq!(listed(&model), ["a", "b"]);
    press(&mut model, 'j');
    assert!(matches!(press(&mut model, 'r').as_slice(), [Effect::Refresh { profile, .. }] if *profile == name("b")));
    update(&mut model, Message::StatusesLoaded(each()), at(0));
    assert_eq!(listed(&model).len(), 4);
}
