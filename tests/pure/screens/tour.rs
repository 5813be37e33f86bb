//! The film that the README opens with: one sign-in and one call, from the code to the answer.

use device_login::config::{Config, ThemeName};
use device_login::providers::zoho;
use device_login::service::{IssuedCode, SignInEvent, SignedIn, TestCalls};
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, TaskId};
use device_login::tui::model::Model;
use device_login::tui::received::Received;
use device_login::tui::surroundings::Now;
use device_login::tui::update::update;
use ratatui::buffer::Buffer;

use super::panels::{ORGANIZATION, answer, task_of, texts};
use super::sign_in::{asking, at, code, signed_in_whole};
use crate::support::screen::draw;

pub(crate) const SIZE: (u16, u16) = (100, 30);

/// What a person sees of it, and hears if they cannot see it.
pub(crate) const TITLE: &str =
    "A sign-in: the code and its QR code, the approval, a call that lacks a scope, the key that adds it, the answer";

/// The screens, each with the tenths of a second for which it stays: 20 seconds in all.
pub(crate) fn scenes(theme: ThemeName) -> Vec<(Buffer, u32)> {
    let (mut model, task) = asking();
    model.around.set_theme(theme);
    let (columns, rows) = SIZE;
    update(&mut model, Message::Resized { columns, rows }, at(0));
    let mut film = Film { model, scenes: Vec::new() };

    film.issue(task, "WLKU-4502", 0);
    film.clock(24..29);
    film.sign_in(task, signed_in_whole(), 29);
    film.show(at(29), 25);

    let task = task_of(&film.press(Key::Char('a'), 32));
    film.load_calls(task, &["ZohoCRM.users.READ", "AaaServer.profile.READ"], 32);
    film.show(at(32), 10);
    for _ in 0..3 {
        film.press(Key::Down, 33);
        film.show(at(33), 3);
    }
    film.show(at(34), 21);

    let task = task_of(&film.press(Key::Char('f'), 37));
    let text = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\n\
                scopes = [\"ZohoCRM.users.READ\", \"AaaServer.profile.READ\", \"ZohoCRM.org.READ\"]\n";
    let config = Config::parse(text, std::path::Path::new("config.toml")).expect("valid");
    let task = task_of(&film.tell(Message::ConfigurationChanged { task, result: Box::new(Ok(config)) }, 37));
    film.issue(task, "HQZT-7093", 38);
    film.clock(40..43);
    let signed_in = SignedIn { scopes: granted(), wanted_scopes: granted(), ..signed_in_whole() };
    film.sign_in(task, signed_in, 43);

    let effects = film.press(Key::Enter, 44);
    let load = effects.iter().find_map(|effect| match effect {
        Effect::LoadTestCalls { task, .. } => Some(*task),
        _ => None,
    });
    let call = task_of(&effects);
    film.load_calls(
        load.expect("the calls are read again"),
        &granted().iter().map(String::as_str).collect::<Vec<_>>(),
        44,
    );
    let result = Box::new(Ok(Received::new(answer(200, ORGANIZATION, None))));
    film.tell(Message::Answered { task: call, result }, 44);
    film.show(at(45), 55);
    film.scenes
}

fn granted() -> Vec<String> {
    texts(&["ZohoCRM.users.READ", "AaaServer.profile.READ", "ZohoCRM.org.READ"])
}

struct Film {
    model: Model,
    scenes: Vec<(Buffer, u32)>,
}

impl Film {
    fn tell(&mut self, message: Message, second: u64) -> Vec<Effect> {
        update(&mut self.model, message, at(second))
    }

    fn press(&mut self, key: Key, second: u64) -> Vec<Effect> {
        self.tell(Message::Key(key), second)
    }

    fn show(&mut self, now: Now, tenths: u32) {
        self.scenes.push((draw(&self.model, now).0, tenths));
    }

    /// Each of these seconds for itself.
    fn clock(&mut self, seconds: std::ops::Range<u64>) {
        seconds.for_each(|second| self.show(at(second), 10));
    }

    fn issue(&mut self, task: TaskId, user_code: &str, second: u64) {
        let scopes = self.model.around.config.profiles.values().next().expect("there is one").scopes.clone();
        let code = IssuedCode { scopes, ..code(user_code, at(second)) };
        let event = SignInEvent::CodeIssued { code, next_poll_at: at(second + 30).moment };
        self.tell(Message::SignIn { task, event }, second);
    }

    fn sign_in(&mut self, task: TaskId, signed_in: SignedIn, second: u64) {
        self.tell(Message::SignInEnded { task, result: Box::new(Ok(signed_in)) }, second);
    }

    fn load_calls(&mut self, task: TaskId, scopes: &[&str], second: u64) {
        let provider = zoho::provider();
        let us = provider.data_center("us").expect("us").clone();
        let calls = TestCalls::new(us, provider.dialect, &texts(scopes));
        self.tell(Message::TestCallsLoaded { task, result: Box::new(Ok(calls)) }, second);
    }
}

#[test]
fn the_film_tells_the_whole_story_in_twenty_seconds() {
    let scenes = scenes(ThemeName::Dark);
    assert_eq!(scenes.iter().map(|(_, tenths)| tenths).sum::<u32>(), 200);
    let texts: Vec<String> = scenes.iter().map(|(buffer, _)| crate::support::screen::text(buffer)).collect();
    let story = ["WLKU-4502", "Signed in", "Organization", "add scope", "HQZT-7093", "Example GmbH"];
    let mut rest = texts.iter();
    for word in story {
        assert!(rest.any(|text| text.contains(word)), "{word}");
    }
}
