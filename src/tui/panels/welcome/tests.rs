use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Position;

use super::places;
use crate::abilities::Environment;
use crate::clock::Moment;
use crate::config::Config;
use crate::service::Machine;
use crate::tui::keymap::{Key, Scope};
use crate::tui::message::{Effect, Ended, Message, Pointing};
use crate::tui::model::Model;
use crate::tui::panels::profile_form::ProfileForm;
use crate::tui::surroundings::Now;
use crate::tui::update::update;
use crate::tui::{Start, start};

const NOW: Now = Now { moment: Moment::at(Duration::ZERO), time: Timestamp::UNIX_EPOCH };

fn config(text: &str) -> Config {
    Config::parse(text, Path::new("config.toml")).expect("valid")
}

fn welcome() -> Model {
    let environment = Environment { term: Some("xterm-256color"), ..Environment::default() };
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    let mut model = Model::new(environment.abilities(), machine, config(""));
    start(&mut model, Start::Profiles(None), None, NOW);
    model
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Message::Key(key), NOW)
}

fn has_profile() -> Config {
    config("[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\nscopes = [\"ZohoCRM.users.READ\"]\n")
}

#[test]
fn each_choice_has_a_key_and_a_row() {
    type Check = fn(&Model, &[Effect]) -> bool;
    let checks: [(char, Check); 4] = [
        ('p', |model, _| model.find::<ProfileForm>().is_some()),
        ('d', |_, effects| effects == [Effect::Quit(Ended::Demo)]),
        ('i', |model, _| model.find::<ProfileForm>().is_some()),
        ('?', |model, _| model.around.overlay.is_some()),
    ];
    for (row, (key, check)) in checks.into_iter().enumerate() {
        let mut by_key = welcome();
        let effects = press(&mut by_key, Key::Char(key));
        assert!(check(&by_key, &effects), "{key}: {effects:?}");
        let mut by_row = welcome();
        (0..row).for_each(|_| drop(press(&mut by_row, Key::Down)));
        let effects = press(&mut by_row, Key::Enter);
        assert!(check(&by_row, &effects), "row {row}: {effects:?}");
        let mut by_mouse = welcome();
        let place = places(&by_mouse.around)[row];
        let at = Position::new(place.x + 5, place.bottom() - 1);
        let mut effects = Vec::new();
        // The first press puts the cursor there, unless it is there already.
        for _ in 0..2.min(row + 1) {
            effects = update(&mut by_mouse, Message::Pointed { at, what: Pointing::Press }, NOW);
        }
        assert!(check(&by_mouse, &effects), "mouse on {row}: {effects:?}");
    }
}

#[test]
fn other_keys_lead_nowhere_and_the_form_comes_back_to_it() {
    let mut model = welcome();
    for key in "xzny/s".chars().map(Key::Char).chain([Key::Esc, Key::Backspace, Key::Left]) {
        press(&mut model, key);
        assert_eq!(model.scope(), Scope::Welcome, "{key:?}");
    }
    press(&mut model, Key::Char('p'));
    assert_eq!(model.scope(), Scope::ProfileForm);
    press(&mut model, Key::Esc);
    assert_eq!(model.scope(), Scope::Welcome);
    assert_eq!(press(&mut model, Key::Char('q')), [Effect::Quit(Ended::Quit)]);
}

#[test]
fn a_profile_from_elsewhere_opens_the_list_and_the_last_one_that_goes_the_welcome() {
    let mut model = welcome();
    let reread = |model: &mut Model, config| {
        let was = Box::new(model.around.config.clone());
        update(model, Message::ConfigurationReread { was, result: Box::new(Ok(config)) }, NOW)
    };
    assert!(press(&mut model, Key::Down).contains(&Effect::LoadStatuses), "a key looks for one");
    reread(&mut model, has_profile());
    assert_eq!(model.scope(), Scope::Profiles);
    reread(&mut model, config(""));
    update(&mut model, Message::StatusesLoaded(Vec::new()), NOW);
    assert_eq!(model.scope(), Scope::Welcome);
}
