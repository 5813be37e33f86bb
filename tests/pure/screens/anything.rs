//! No size and no key breaks the panels.

use std::path::{Path, PathBuf};

use device_login::config::Config;
use device_login::error::{Code, Error};
use device_login::secret::Secret;
use device_login::service::{ConfigurationChange, SignedOut};
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, Pointing};
use device_login::tui::model::Model;
use device_login::tui::received::Received;
use device_login::tui::surroundings::Now;
use device_login::tui::update::update;
use proptest::prelude::*;
use ratatui::layout::Position;

use super::assert_no_control;
use super::panels::*;
use crate::support::screen::screen_text;

fn any_key() -> impl Strategy<Value = Key> {
    let named: Vec<Key> = Key::NAMED.into_iter().chain([Key::Ctrl('s'), Key::Ctrl('t')]).collect();
    prop_oneof![
        3 => prop::sample::select(named),
        3 => prop::sample::select("aexvnrtcysSuzZhl/? qNgG!f+-pwjk:Lmd".chars().collect::<Vec<_>>()).prop_map(Key::Char),
        1 => prop::sample::select("日é{\u{301}\u{202e}".chars().collect::<Vec<_>>()).prop_map(Key::Char),
    ]
}

#[derive(Clone, Debug)]
enum Happening {
    Key(Key),
    Resized(u16, u16),
    Paste,
    Pointed(u16, u16, Pointing),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => any_key().prop_map(Happening::Key),
        3 => (0..300_u16, 0..300_u16).prop_map(|(columns, rows)| Happening::Resized(columns, rows)),
        2 => (0..45_u16, 0..14_u16).prop_map(|(columns, rows)| Happening::Resized(columns, rows)),
        1 => Just(Happening::Paste),
        4 => (0..130_u16, 0..45_u16, any_pointing()).prop_map(|(x, y, what)| Happening::Pointed(x, y, what)),
    ]
}

/// A configuration with the profiles of the panel, one of them with odd values.
fn configured() -> Config {
    let profile = |name: &str, provider: &str| {
        format!("[profiles.{name}]\nprovider = \"{provider}\"\nclient_id = \"1000.ABC\"\nscopes = [\"openid\"]\n")
    };
    let text = [profile("work", "zoho"), profile("new", "github"), profile("archive", "nowhere")].concat();
    Config::parse(&text, Path::new("/home/dana/config.toml")).expect("valid")
}

fn any_pointing() -> impl Strategy<Value = Pointing> {
    prop::sample::select(vec![Pointing::Press, Pointing::Press, Pointing::WheelUp, Pointing::WheelDown])
}

/// An answer that is too long to be searched or broken into lines between two keys.
fn long() -> String {
    format!("[{}\"{}\"]", r#"{"name":"x","n":[1]},"#.repeat(15_000), "日本語é".repeat(2_000))
}

/// Answers what was asked for, at once.
fn answer_effects(model: &mut Model, effects: Vec<Effect>, now: Now) {
    for effect in effects {
        let message = match effect {
            Effect::LoadStatuses => Message::StatusesLoaded(statuses()),
            Effect::LoadTestCalls { task, .. } => Message::TestCallsLoaded { task, result: Box::new(Ok(test_calls())) },
            Effect::Call { task, .. } => {
                let long = if task.0 % 10 == 0 { long() } else { String::new() };
                let body = match task.0 % 5 {
                    0 => &long,
                    1 | 2 => HOSTILE,
                    _ => ORGANIZATION,
                };
                let answer = answer(200 + u16::try_from(task.0 % 300).unwrap_or(0), body, Some(explanation(HOSTILE)));
                Message::Answered { task, result: Box::new(Ok(Received::new(answer))) }
            }
            Effect::ReadToken { task, profile } => {
                Message::TokenRead { task, profile, result: Ok(Secret::new(HOSTILE)) }
            }
            Effect::Refresh { task, profile, .. } => Message::Refreshed {
                task,
                profile,
                result: Err(Error::new(Code::Provider, HOSTILE).because(HOSTILE).advise(HOSTILE)),
            },
            Effect::ChangeConfiguration { task, change } => {
                let config = match change {
                    ConfigurationChange::Rename { .. } => Err(Error::new(Code::Store, HOSTILE).advise(HOSTILE)),
                    _ => Ok(configured()),
                };
                Message::ConfigurationChanged { task, result: Box::new(config) }
            }
            Effect::SignOut { task, profile, .. } => Message::SignedOut {
                task,
                profile,
                result: Ok(SignedOut { revoked: Some(Ok(())), forgotten: true, ..SignedOut::default() }),
            },
            Effect::LoadPastCalls { profile } => Message::PastCallsLoaded { profile, result: Ok(past_calls()) },
            Effect::KeepCall { profile, .. } => {
                Message::CallKept { profile, result: Err(Error::new(Code::Store, HOSTILE)) }
            }
            Effect::WorkOnText { task, job } => Message::TextDone { task, done: job.run(&|| true) },
            Effect::Save(save_as) if save_as.name().len() % 2 == 0 => Message::Saved(Ok(PathBuf::from(save_as.name()))),
            Effect::Save(save_as) => Message::Saved(Err(Box::new((save_as, Error::new(Code::Other, HOSTILE))))),
            _ => continue,
        };
        let more = update(model, message, now);
        let is_expected = |effect: &Effect| {
            use Effect::{Copy, KeepCall, LoadStatuses, StartSignIn, UseConfiguration, WorkOnText};
            matches!(
                effect,
                LoadStatuses | Copy(_) | WorkOnText { .. } | KeepCall { .. } | StartSignIn { .. } | UseConfiguration(_)
            )
        };
        assert!(more.iter().all(is_expected), "{more:?}");
    }
}

/// Few, since it runs with every change; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn no_size_and_no_key_breaks_the_panels(
        happenings in prop::collection::vec(any_happening(), 1..40),
        begins_at in 0..4_u8,
    ) {
        let mut model = match begins_at {
            0 => answered(Ok(answer(200, ORGANIZATION, None))),
            1 => profiles_at("work"),
            _ => profiles_at("new"),
        };
        model.around.config = configured();
        match begins_at {
            2 => drop(press(&mut model, &[Key::Char('p'), Key::Char('x'), Key::Enter])),
            3 => drop(press(&mut model, &[Key::Char('e')])),
            _ => {}
        }
        for (number, happening) in happenings.into_iter().enumerate() {
            let now = later(u64::try_from(number).expect("few") * 7);
            let effects = match happening {
                Happening::Key(key) => update(&mut model, Message::Key(key), now),
                Happening::Resized(columns, rows) => update(&mut model, Message::Resized { columns, rows }, now),
                Happening::Pointed(x, y, what) => {
                    update(&mut model, Message::Pointed { at: Position::new(x, y), what }, now)
                }
                Happening::Paste => update(&mut model, Message::Pasted(HOSTILE.to_owned()), now),
            };
            answer_effects(&mut model, effects, now);
            assert_no_control(&screen_text(&model, now));
            let woken = update(&mut model, Message::Woken, now);
            answer_effects(&mut model, woken, now);
            let wakeup = device_login::tui::next_wakeup(&model, now);
            prop_assert!(wakeup.is_none_or(|at| at > now.moment), "it would wake again and again");
        }
    }
}
