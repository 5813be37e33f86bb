//! How the profiles and the API panel look in each state, at three sizes; and that no size and no key breaks them.

#[path = "support/panels.rs"]
mod panels;
#[path = "support/screen.rs"]
mod support;

use device_login::error::{Code, Error};
use device_login::providers::{standard, zoho};
use device_login::secret::Secret;
use device_login::service::{Explained, SignedOut, State, TestCalls};
use device_login::storage::{Account, LastRefresh};
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message};
use device_login::tui::model::{Model, Now};
use device_login::tui::theme::{Abilities, ColorChoice, QrAbilities, QrPalette};
use device_login::tui::update::update;
use panels::*;
use proptest::prelude::*;
use support::{screen, screen_text};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];
/// Draws a state at the three sizes and compares with what was accepted before.
macro_rules! assert_screens {
    ($name:literal, $model:expr, $now:expr) => {
        for (columns, rows) in SIZES {
            let mut model = $model;
            resize(&mut model, columns, rows);
            insta::assert_snapshot!(format!("{}_{columns}x{rows}", $name), screen(&model, $now));
        }
    };
}

// The profiles.

#[test]
fn no_profile_is_an_honest_screen_that_says_what_to_run() {
    let empty = || {
        let mut model = empty_model();
        update(&mut model, Message::StatusesLoaded(Vec::new()), now());
        model
    };
    assert_screens!("profiles_none", empty(), now());
}

#[test]
fn every_state_has_its_words() {
    for (selected, snapshot) in [
        ("work", "profiles_valid"),
        ("archive", "profiles_needs_login"),
        ("broken", "profiles_unknown"),
        ("new", "profiles_signed_out"),
        ("lobby-2", "profiles_expiring"),
    ] {
        for (columns, rows) in SIZES {
            let mut model = profiles_at(selected);
            resize(&mut model, columns, rows);
            insta::assert_snapshot!(format!("{snapshot}_{columns}x{rows}"), screen(&model, now()));
        }
    }
}

#[test]
fn a_token_runs_out_on_the_screen_without_being_read_again() {
    assert_screens!("profiles_run_out", profiles_at("lobby-2"), later(201));
}

#[test]
fn work_under_way_has_its_mark_in_the_list() {
    let refreshing = || {
        let mut model = profiles_at("work");
        press(&mut model, &[Key::Char('r')]);
        model
    };
    assert_screens!("profiles_refreshing", refreshing(), now());
}

#[test]
fn a_refusal_is_told_with_its_cause_and_what_helps() {
    let refused = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('r')]));
        let error = Error::new(Code::RateLimited, "no new token can be had for profile `work`")
            .because("10 of 10 refreshes were used in 10 minutes")
            .hint("wait until 14:12, or use the token that is stored");
        update(&mut model, Message::Refreshed { task, profile: name("work"), result: Err(error) }, now());
        model
    };
    assert_screens!("profiles_budget_spent", refused(), now());
}

#[test]
fn likely_causes_are_listed_below_what_helps_and_give_way_first() {
    let refused = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('r')]));
        let causes = texts(&[
            "the access was taken back: under Connected Apps, by an administrator, or by signing out everywhere",
            "newer sign-ins pushed it out: Zoho keeps about 20 for each account and client and drops the oldest",
            "the client was deleted, or is another one than at the sign-in",
        ]);
        let error = Error::new(Code::SignInNeeded, "the access token of profile `work` could not be refreshed")
            .because("Zoho no longer takes the refresh token of this sign-in (invalid_code)")
            .likely(causes)
            .hint("run `device-login login work`");
        update(&mut model, Message::Refreshed { task, profile: name("work"), result: Err(error) }, now());
        model
    };
    assert_screens!("profiles_refused_with_causes", refused(), now());
}

#[test]
fn signing_out_says_which_half_did_not_work() {
    let signed_out = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('x'), Key::Char('y')]));
        let error = Error::new(Code::Network, "the grant could not be revoked")
            .because("no connection to accounts.zoho.eu")
            .hint("remove the access in the account's settings");
        let result = Ok(SignedOut { revoked: Some(Err(error)), forgotten: true, is_noted: false });
        update(&mut model, Message::SignedOut { task, profile: name("work"), result }, now());
        model
    };
    assert_screens!("profiles_half_signed_out", signed_out(), now());
}

#[test]
fn a_token_is_on_the_screen_for_ten_seconds_only() {
    let token = "1000.0123456789abcdef0123456789abcdef.fedcba9876543210fedcba9876543210";
    let revealed = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('t')]));
        let result = Ok(Secret::new(token));
        update(&mut model, Message::TokenRead { task, profile: name("work"), result }, now());
        model
    };
    assert_screens!("profiles_token", revealed(), now());
    assert!(screen_text(&revealed(), later(9)).contains(token));
    assert!(!screen_text(&revealed(), later(10)).contains("0123456789"));
}

#[test]
fn the_details_can_have_the_whole_body() {
    let whole = || {
        let mut model = profiles_at("work");
        press(&mut model, &[Key::Enter]);
        model
    };
    assert_screens!("profiles_details", whole(), now());
}

#[test]
fn the_question_before_signing_out_covers_the_panel() {
    let asked = || {
        let mut model = profiles_at("work");
        press(&mut model, &[Key::Char('x')]);
        model
    };
    assert_screens!("profiles_really", asked(), now());
}

#[test]
fn names_from_a_server_cannot_steer_the_terminal() {
    let mut hostile = status("work", State::Valid, 3000);
    hostile.account =
        Some(Account { id: HOSTILE.to_owned(), email: Some(HOSTILE.to_owned()), name: Some(HOSTILE.to_owned()) });
    hostile.scopes = texts(&[HOSTILE]);
    hostile.issuer = Some(HOSTILE.to_owned());
    hostile.last_refresh = Some(LastRefresh::new(seconds_after(-5), Some(HOSTILE.to_owned())));
    for (columns, rows) in SIZES {
        let mut model = profiles_of(vec![hostile.clone()], "work");
        resize(&mut model, columns, rows);
        assert_no_control(&screen_text(&model, now()));
        press(&mut model, &[Key::Enter]);
        assert_no_control(&screen_text(&model, now()));
    }
}

#[test]
fn without_colours_and_box_characters_the_words_stay() {
    let plain = Abilities {
        color: ColorChoice::Never,
        unicode: false,
        qr: QrAbilities { half_blocks: false, palette: QrPalette::Reverse },
    };
    let mut model = model_with(plain, &statuses());
    update(&mut model, Message::StatusesLoaded(statuses()), now());
    let printed = screen(&model, now());
    assert!(printed.is_ascii(), "{printed}");
    assert!(!printed.contains("cyan") && !printed.contains("yellow"));
    insta::assert_snapshot!("profiles_plain_80x24", printed);
}

// The API panel.

#[test]
fn the_calls_are_listed_with_those_that_lack_a_scope_marked() {
    assert_screens!("api_requests", api_panel(), now());
}

#[test]
fn before_the_calls_are_known_it_says_so() {
    assert_screens!("api_loading", with_keys(profiles_at("work"), &[Key::Char('a')]), now());
}

#[test]
fn a_profile_without_a_grant_is_told_what_to_run() {
    let failed = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('a')]));
        let error =
            Error::new(Code::SignInNeeded, "profile `work` is not signed in").hint("run `device-login login work`");
        update(&mut model, Message::TestCallsLoaded { task, result: Box::new(Err(error)) }, now());
        model
    };
    assert_screens!("api_not_signed_in", failed(), now());
}

#[test]
fn a_request_under_way_says_how_to_cancel_it() {
    assert_screens!("api_waiting", with_keys(api_panel(), &[Key::Enter, Key::Tab]), now());
}

#[test]
fn an_answer_has_its_status_time_size_and_rate_headers() {
    assert_screens!("api_answer", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &[Key::Tab]), now());
}

#[test]
fn headers_and_the_request_can_be_looked_at_without_the_token() {
    let keys = [Key::Tab, Key::Char('v')];
    assert_screens!("api_headers", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &keys), now());
    let keys = [Key::Tab, Key::Char('v'), Key::Char('v')];
    assert_screens!("api_request", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &keys), now());
}

#[test]
fn a_failed_call_is_explained() {
    let explained = || {
        let body = r#"{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"invalid scope","status":"error"}"#;
        let mut answer = answer(401, body, None);
        let diagnosis =
            device_login::api::diagnose(&device_login::providers::zoho::DIALECT, &answer.response).expect("it failed");
        answer.explained = Some(Explained { diagnosis, text: diagnosis.in_words() });
        with_keys(answered(Ok(answer)), &[Key::Tab])
    };
    assert_screens!("api_explained", explained(), now());
}

#[test]
fn a_call_that_was_refused_says_why() {
    let refused = || {
        let error = Error::new(Code::Usage, "GET /x could not be called")
            .because("https://evil.example is not among the places to which this profile's token may go")
            .hint("give a path, or `--product` for a product's own host");
        with_keys(answered(Err(error)), &[Key::Tab])
    };
    assert_screens!("api_refused", refused(), now());
}

#[test]
fn what_is_searched_for_is_found_and_counted() {
    let searched = || {
        let mut model = with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &[Key::Char('/')]);
        type_text(&mut model, "paid");
        model
    };
    assert_screens!("api_search", searched(), now());
}

#[test]
fn a_folded_value_is_one_line() {
    let keys = [Key::Tab, Key::Char('z')];
    assert_screens!("api_folded", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &keys), now());
}

#[test]
fn a_request_can_be_typed() {
    let typed = || {
        let mut model = with_keys(api_panel(), &[Key::End, Key::Char('e')]);
        type_text(&mut model, "/crm/v8/Leads");
        press(&mut model, &[Key::Tab]);
        type_text(&mut model, "X-Trace: 1");
        press(&mut model, &[Key::Tab]);
        update(&mut model, Message::Pasted("{\n  \"data\": []\n}".to_owned()), now());
        model
    };
    assert_screens!("api_form", typed(), now());
    let wrong = || with_keys(typed(), &[Key::BackTab, Key::Home, Key::Delete, Key::Esc]);
    assert_screens!("api_own_request", wrong(), now());
}

#[test]
fn a_request_that_makes_no_sense_is_not_sent() {
    let wrong = || {
        let mut model = with_keys(api_panel(), &[Key::End, Key::Char('e')]);
        type_text(&mut model, "crm");
        press(&mut model, &[Key::Esc, Key::Char('s'), Key::Tab]);
        model
    };
    assert_screens!("api_no_address", wrong(), now());
}

#[test]
fn earlier_answers_can_be_listed() {
    let listed = || {
        let mut model = answered(Ok(answer(200, ORGANIZATION, None)));
        let task = task_of(&press(&mut model, &[Key::Home, Key::Enter]));
        let error = Error::new(Code::Network, "no answer");
        update(&mut model, Message::Answered { task, result: Box::new(Err(error)) }, later(70));
        with_keys(model, &[Key::Char('r'), Key::Down])
    };
    assert_screens!("api_history", listed(), later(200));
}

#[test]
fn a_hostile_answer_cannot_steer_the_terminal() {
    let mut hostile = answer(200, HOSTILE, Some(explanation(HOSTILE)));
    hostile.response.headers.push(("content-type".to_owned(), HOSTILE.to_owned()));
    hostile.response.headers.push(("x-ratelimit-\u{1b}[2J".to_owned(), HOSTILE.to_owned()));
    for (columns, rows) in SIZES {
        let mut model = answered(Ok(hostile.clone()));
        resize(&mut model, columns, rows);
        press(&mut model, &[Key::Tab]);
        for _ in 0..3 {
            assert_no_control(&screen_text(&model, now()));
            press(&mut model, &[Key::Char('v')]);
        }
        press(&mut model, &[Key::Tab, Key::End, Key::Char('e')]);
        update(&mut model, Message::Pasted(HOSTILE.to_owned()), now());
        assert_no_control(&screen_text(&model, now()));
    }
}

#[test]
fn a_provider_without_products_has_one_call_and_the_own_request() {
    let mut model = profiles_at("work");
    let task = task_of(&press(&mut model, &[Key::Char('a')]));
    let place = zoho::provider().default_data_center().clone();
    let calls = TestCalls::new(place, &standard::DIALECT, &[]);
    update(&mut model, Message::TestCallsLoaded { task, result: Box::new(Ok(calls)) }, now());
    let text = screen_text(&model, now());
    assert!(text.contains("> Accounts: Who am I") && text.contains("Own request") && !text.contains("CRM"), "{text}");
}

fn assert_no_control(text: &str) {
    let steers = |character: char| {
        character != '\n' && (character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{200b}'))
    };
    assert!(!text.chars().any(steers), "{text:?}");
}

// Anything.

fn any_key() -> impl Strategy<Value = Key> {
    let named = vec![
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Backspace,
        Key::Delete,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::PageUp,
        Key::PageDown,
        Key::Home,
        Key::End,
    ];
    prop_oneof![
        3 => prop::sample::select(named),
        3 => prop::sample::select("aexvnrtcysuzZhl/? qNgG".chars().collect::<Vec<_>>()).prop_map(Key::Char),
        1 => prop::sample::select("日é{\u{301}\u{202e}".chars().collect::<Vec<_>>()).prop_map(Key::Char),
    ]
}

#[derive(Clone, Debug)]
enum Happening {
    Key(Key),
    Resized(u16, u16),
    Paste,
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => any_key().prop_map(Happening::Key),
        3 => (0..300_u16, 0..300_u16).prop_map(|(columns, rows)| Happening::Resized(columns, rows)),
        2 => (0..45_u16, 0..14_u16).prop_map(|(columns, rows)| Happening::Resized(columns, rows)),
        1 => Just(Happening::Paste),
    ]
}

/// Answers what was asked for, at once.
fn answer_effects(model: &mut Model, effects: Vec<Effect>, now: Now) {
    for effect in effects {
        let message = match effect {
            Effect::LoadStatuses => Message::StatusesLoaded(statuses()),
            Effect::LoadTestCalls { task, .. } => Message::TestCallsLoaded { task, result: Box::new(Ok(test_calls())) },
            Effect::Call { task, .. } => {
                let body = if task.0 % 2 == 0 { HOSTILE } else { ORGANIZATION };
                let answer = answer(200 + u16::try_from(task.0 % 300).unwrap_or(0), body, Some(explanation(HOSTILE)));
                Message::Answered { task, result: Box::new(Ok(answer)) }
            }
            Effect::ReadToken { task, profile } => {
                Message::TokenRead { task, profile, result: Ok(Secret::new(HOSTILE)) }
            }
            Effect::Refresh { task, profile, .. } => Message::Refreshed {
                task,
                profile,
                result: Err(Error::new(Code::Provider, HOSTILE).because(HOSTILE).hint(HOSTILE)),
            },
            Effect::SignOut { task, profile, .. } => Message::SignedOut {
                task,
                profile,
                result: Ok(SignedOut { revoked: Some(Ok(())), forgotten: true, is_noted: false }),
            },
            _ => continue,
        };
        let more = update(model, message, now);
        assert!(more.iter().all(|effect| *effect == Effect::LoadStatuses || matches!(effect, Effect::Copy(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_size_and_no_key_breaks_the_panels(
        happenings in prop::collection::vec(any_happening(), 1..40),
        begins_at_api in any::<bool>(),
    ) {
        let mut model = if begins_at_api { answered(Ok(answer(200, ORGANIZATION, None))) } else { profiles_at("work") };
        for (number, happening) in happenings.into_iter().enumerate() {
            let now = later(u64::try_from(number).expect("few") * 7);
            let effects = match happening {
                Happening::Key(key) => update(&mut model, Message::Key(key), now),
                Happening::Resized(columns, rows) => update(&mut model, Message::Resized { columns, rows }, now),
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
