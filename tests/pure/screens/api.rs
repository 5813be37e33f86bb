//! How the API panel looks in each state.

use device_login::error::{Advice, Code, Error};
use device_login::http::progress::Moved;
use device_login::providers::{standard, zoho};
use device_login::service::{Long, TestCalls};
use device_login::tui::keymap::Key;
use device_login::tui::message::{Effect, Message, Pointing};
use device_login::tui::model::Model;
use device_login::tui::received::Received;
use device_login::tui::update::update;

use super::panels::*;
use super::{SIZES, assert_no_control};
use crate::support::screen::screen_text;

#[test]
fn the_calls_are_listed_with_those_that_lack_a_scope_marked() {
    assert_screens!("requests", api_panel(), now());
}

#[test]
fn before_the_calls_are_known_it_says_so() {
    assert_screens!("loading", with_keys(profiles_at("work"), &[Key::Char('a')]), now());
}

#[test]
fn a_profile_without_a_grant_is_told_what_to_run() {
    let failed = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('a')]));
        let error = Error::new(Code::SignInNeeded, "profile `work` is not signed in")
            .advise(Advice::SignIn("work".parse().expect("a name")));
        update(&mut model, Message::TestCallsLoaded { task, result: Box::new(Err(error)) }, now());
        model
    };
    assert_screens!("not_signed_in", failed(), now());
}

#[test]
fn a_request_under_way_says_how_to_cancel_it() {
    assert_screens!("waiting", with_keys(api_panel(), &[Key::Enter, Key::Tab]), now());
}

#[test]
fn a_long_body_that_moves_has_a_bar() {
    let moving = || {
        let mut model = api_panel();
        let task = task_of(&press(&mut model, &[Key::Enter, Key::Tab]));
        let mut moved = Moved::default();
        (moved.has_answer, moved.received, moved.to_receive) = (true, 41_000_000, Some(100_000_000));
        update(&mut model, Message::Moved { task, moved }, now());
        model
    };
    assert_screens!("moving", moving(), now());
}

#[test]
fn of_a_long_answer_the_beginning_is_shown_and_how_long_it_is() {
    let answered_with = |long: Long| {
        let mut answer = answer(200, ORGANIZATION, None);
        answer.long = Some(long);
        with_keys(answered(Ok(answer)), &[Key::Tab])
    };
    let kept = || answered_with(Long::kept(tempfile::tempfile().expect("a file"), 1_250_000_000));
    assert_screens!("long", kept(), now());
    let lost = || answered_with(Long::lost(71_303_168, &std::io::ErrorKind::StorageFull.into()));
    assert_screens!("lost", lost(), now());
}

#[test]
fn an_answer_has_its_status_time_size_and_rate_headers() {
    assert_screens!("answer", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &[Key::Tab]), now());
}

#[test]
fn headers_and_the_request_can_be_looked_at_without_the_token() {
    let keys = [Key::Tab, Key::Char('v'), Key::Char('v')];
    assert_screens!("headers", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &keys), now());
    let keys = [Key::Tab, Key::Char('v'), Key::Char('v'), Key::Char('v')];
    assert_screens!("request", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &keys), now());
}

/// A call lacked its scope.
fn lacking() -> Model {
    let body = r#"{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"invalid scope","status":"error"}"#;
    let mut answer = answer(401, body, None);
    answer.explained = Some(explained(&answer.response));
    with_keys(answered(Ok(answer)), &[Key::Tab])
}

#[test]
fn a_failed_call_is_explained() {
    assert_screens!("explained", lacking(), now());
}

#[test]
fn the_key_that_mends_a_failed_call_is_told_in_the_smallest_window_and_during_a_search() {
    let searched = [Key::Char('/'), Key::Char('c'), Key::Enter];
    for mut model in [lacking(), with_keys(lacking(), &searched), with_keys(lacking(), &[Key::Tab])] {
        for columns in 40..=120 {
            resize(&mut model, columns, 12);
            let screen = screen_text(&model, now());
            let footer = screen.lines().last().unwrap_or_default();
            assert!(footer.contains("f add scope") && footer.contains("? help"), "{screen}");
            // Where the answer is in sight, so is what is to be known of it.
            if screen.contains("401") {
                let why = screen.split("It failed: ").nth(1).and_then(|rest| rest.split("f adds").next());
                assert!(why.is_some_and(|why| why.contains("scope).") || why.contains('…')), "{screen}");
                assert!(screen.contains("f adds ZohoCRM") && screen.contains("follows."), "{screen}");
            }
        }
    }
}

#[test]
fn a_call_that_was_refused_says_why() {
    let refused = || {
        let error = Error::new(Code::Usage, "GET /x could not be called")
            .because("https://evil.example is not among the places to which this profile's token may go")
            .advise("give a path, or the address of a product's own host")
            .advise(Advice::ListProducts);
        with_keys(answered(Err(error)), &[Key::Tab])
    };
    assert_screens!("refused", refused(), now());
}

#[test]
fn what_was_sent_to_the_clipboard_is_shown_without_frame_or_cut() {
    let curl = || {
        let mut model = with_keys(api_panel(), &[Key::Home, Key::Char('e')]);
        type_text(&mut model, "/crm/v8/Leads?fields=Last_Name%2CEmail&page=2");
        press(&mut model, &[Key::Esc, Key::Char('u')]);
        model
    };
    assert_screens!("curl", curl(), now());
}

#[test]
fn what_is_searched_for_is_found_and_counted() {
    let searched = || {
        let mut model = with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &[Key::Tab, Key::Char('/')]);
        type_text(&mut model, "paid");
        model
    };
    assert_screens!("search", searched(), now());
}

#[test]
fn a_folded_value_is_one_line() {
    let keys = [Key::Tab, Key::Char('z')];
    assert_screens!("folded", with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &keys), now());
}

#[test]
fn a_request_can_be_typed() {
    let typed = || {
        let mut model = with_keys(api_panel(), &[Key::Home, Key::Char('e')]);
        type_text(&mut model, "/crm/v8/Leads?fields=Last_Name%2CEmail&page=2");
        press(&mut model, &[Key::BackTab, Key::Char('p'), Key::Tab, Key::Tab, Key::Tab]);
        type_text(&mut model, "X-Trace: 1");
        press(&mut model, &[Key::Tab]);
        update(&mut model, Message::Pasted("{\n  \"data\": []\n}".to_owned()), now());
        model
    };
    assert_screens!("form", typed(), now());
    assert_screens!("own_request", with_keys(typed(), &[Key::Esc]), now());
    let wrong = || with_keys(typed(), &[Key::Up, Key::End, Key::Char(',')]);
    assert_screens!("no_json", wrong(), now());
    let asked = || with_keys(typed(), &[Key::Ctrl('s')]);
    let mut asked_first = with_keys(wrong(), &[Key::Up, Key::Up, Key::Up, Key::Up]);
    resize(&mut asked_first, 120, 40);
    press(&mut asked_first, &[Key::Ctrl('s')]);
    let screen = screen_text(&asked_first, now());
    for told in ["The body is no JSON", "www.zohoapis.eu/crm/v8/Leads?fields=", "may change what is kept there"] {
        assert!(
            screen.replace("│", "").split_whitespace().collect::<Vec<_>>().join(" ").contains(told),
            "{told}: {screen}"
        );
    }
    assert_screens!("asked", asked(), now());
    let empty = || with_keys(api_panel(), &[Key::Home, Key::Char('e'), Key::Ctrl('s')]);
    assert_screens!("address_needed", empty(), now());
}

#[test]
fn what_a_request_carries_is_cut_with_a_sign() {
    for (width, height) in SIZES {
        let mut model = with_keys(api_panel(), &[Key::Home, Key::Char('e')]);
        resize(&mut model, width, height);
        type_text(&mut model, "/crm/v8/Leads");
        press(&mut model, &[Key::Tab, Key::Tab, Key::Tab]);
        type_text(&mut model, &format!("@/srv/{}/lead.json", "much/longer".repeat(20)));
        press(&mut model, &[Key::Esc]);
        let screen = screen_text(&model, now());
        for row in screen.lines().filter(|row| row.contains("the body of /srv")) {
            assert!(row.trim_end_matches(['│', ' ']).ends_with('…'), "{width}x{height}: {row}");
        }
        assert!((width, height) != (80, 24) || screen.contains("the body of /srv"), "{screen}");
    }
}

#[test]
fn requests_are_looked_for_and_folded() {
    let looked_for = || {
        let mut model = with_keys(api_panel(), &[Key::Char('/')]);
        type_text(&mut model, "desk org");
        model
    };
    assert_screens!("filter", looked_for(), now());
    assert_screens!("products", with_keys(api_panel(), &[Key::Char('z')]), now());
}

/// What became of a call that was refused so.
fn failed(status: u16, headers: &[(&str, &str)], body: &str) -> Model {
    let mut answer = answer(status, body, None);
    answer.response.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    answer.explained = Some(explained(&answer.response));
    answered(Ok(answer))
}

#[test]
fn what_helps_against_a_failure_is_told() {
    let scope = || with_keys(api_panel(), &[Key::Down, Key::Down]);
    assert_screens!("lacks_scope", scope(), now());
    let limited = || failed(429, &[("retry-after", "42")], r#"{"code":"TOO_MANY_REQUESTS","details":{}}"#);
    assert_screens!("rate_limit", with_keys(limited(), &[Key::Tab]), later(2));
    assert_screens!("waits", with_keys(limited(), &[Key::Tab, Key::Char('f')]), later(2));
    let expired = || failed(401, &[], r#"{"code":"INVALID_TOKEN","details":{}}"#);
    assert_screens!("expired", with_keys(expired(), &[Key::Tab]), now());
    let off = || failed(403, &[], r#"{"code":"NO_PERMISSION","details":{"permissions":["Crm_Implied_Api_Access"]}}"#);
    assert_screens!("access_off", with_keys(off(), &[Key::Tab]), now());
}

#[test]
fn below_an_answer_nothing_is_said_of_another_call() {
    let mut model = with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &[Key::Up]);
    for (columns, rows) in SIZES {
        resize(&mut model, columns, rows);
        let screen = screen_text(&model, now());
        assert!(screen.contains("f add scope") && !screen.contains("f adds"), "{screen}");
    }
    press(&mut model, &[Key::Tab]);
    assert!(!screen_text(&model, now()).contains("f add"), "{}", screen_text(&model, now()));
}

#[test]
fn a_body_that_is_not_what_it_calls_itself_is_told() {
    for (body, told) in [
        ("{\"a\":1}", None),
        ("", None),
        ("{\"a\":1", Some("It calls itself JSON and is none: it breaks off after 6 bytes.")),
        ("<html>", Some("It calls itself JSON and is none: `<` is at byte 1.")),
    ] {
        let mut model = answered(Ok(answer(200, body, None)));
        resize(&mut model, 120, 40);
        let screen = screen_text(&model, now());
        assert_eq!(screen.contains("calls itself"), told.is_some(), "{body}: {screen}");
        assert!(screen.contains(told.unwrap_or_default()), "{body}: {screen}");
    }
}

#[test]
fn a_body_that_is_no_text_is_shown_as_bytes() {
    let mut binary = answer(200, "", None);
    binary.response.body = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    assert_screens!("binary", with_keys(answered(Ok(binary.clone())), &[Key::Tab]), now());
    assert_screens!("bytes", with_keys(answered(Ok(binary.clone())), &[Key::Tab, Key::Char('v')]), now());
    assert_screens!("empty", with_keys(answered(Ok(answer(204, "", None))), &[Key::Tab]), now());
}

#[test]
fn a_wide_screen_shows_list_request_and_answer_side_by_side() {
    let mut model = with_keys(answered(Ok(answer(200, ORGANIZATION, None))), &[Key::Tab]);
    resize(&mut model, 200, 60);
    insta::assert_snapshot!("three_columns_200x60", screen_text(&model, now()));
    press(&mut model, &[Key::Char('e')]);
    insta::assert_snapshot!("form_200x60", screen_text(&model, now()));
    resize(&mut model, 60, 20);
    insta::assert_snapshot!("form_60x20", screen_text(&model, now()));
    press(&mut model, &[Key::Esc]);
    insta::assert_snapshot!("list_60x20", screen_text(&model, now()));
}

#[test]
fn a_request_that_makes_no_sense_is_not_sent() {
    let wrong = || {
        let mut model = with_keys(api_panel(), &[Key::Home, Key::Char('e')]);
        type_text(&mut model, "crm");
        press(&mut model, &[Key::Esc, Key::Char('s'), Key::Tab]);
        model
    };
    assert_screens!("no_address", wrong(), now());
}

#[test]
fn earlier_answers_can_be_listed() {
    let listed = || {
        let mut model = answered(Ok(answer(200, ORGANIZATION, None)));
        let task = task_of(&press(&mut model, &[Key::Home, Key::Down, Key::Down, Key::Enter]));
        let error = Error::new(Code::Network, "no answer");
        update(&mut model, Message::Answered { task, result: Box::new(Err(error)) }, later(70));
        with_keys(model, &[Key::Char('r'), Key::Down])
    };
    assert_screens!("history", listed(), later(200));
}

#[test]
fn calls_of_earlier_runs_are_listed_and_open_in_the_form() {
    let listed = || {
        let mut model = answered(Ok(answer(200, ORGANIZATION, None)));
        let message = Message::PastCallsLoaded { profile: name("work"), result: Ok(past_calls()) };
        update(&mut model, message, now());
        with_keys(model, &[Key::Char('r'), Key::Down])
    };
    assert_screens!("earlier", listed(), later(200));
    assert_screens!("earlier_opened", with_keys(listed(), &[Key::Enter]), now());
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
        for _ in 0..4 {
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
    assert!(text.contains("▌   Who am I") && text.contains("Own request") && !text.contains("CRM"), "{text}");
}

#[test]
fn the_mouse_picks_a_request_and_a_second_press_sends_it() {
    let mut model = api_panel();
    assert_eq!(point(&mut model, "Organization", Pointing::Press), []);
    let effects = point(&mut model, "Organization", Pointing::Press);
    assert!(matches!(&effects[..], [Effect::Call { call, .. }] if call.url.path() == "/crm/v8/org"), "{effects:?}");
    let task = task_of(&effects);
    let result = Box::new(Ok(Received::new(answer(200, ORGANIZATION, None))));
    update(&mut model, Message::Answered { task, result }, now());
    // The answer has the keys after a press on it, so that the first press on the list only takes them back.
    point(&mut model, "currency", Pointing::Press);
    assert_eq!(point(&mut model, "Organization", Pointing::Press), []);
}

#[test]
fn the_mouse_never_sends_what_may_change_something() {
    let mut model = with_keys(api_panel(), &[Key::Home, Key::Char('e')]);
    type_text(&mut model, "/crm/v8/Leads");
    press(&mut model, &[Key::BackTab, Key::Char('p'), Key::Esc]);
    for _ in 0..3 {
        assert_eq!(point(&mut model, "Own request", Pointing::Press), []);
        assert_eq!(model.around.overlay, None);
    }
    // Nor when the person has wanted it once.
    let sent = press(&mut model, &[Key::Esc, Key::Char('s'), Key::Char('y')]);
    assert!(matches!(sent[..], [Effect::Call { .. }]), "{sent:?}");
    assert_eq!(point(&mut model, "Own request", Pointing::Press), []);
}

#[test]
fn the_mouse_points_at_lines_of_the_answer_and_folds_them() {
    let mut model = answered(Ok(answer(200, ORGANIZATION, None)));
    resize(&mut model, 120, 40);
    point(&mut model, "license_details", Pointing::Press);
    assert!(screen_text(&model, now()).contains("▌ "), "{}", screen_text(&model, now()));
    assert!(screen_text(&model, now()).contains("paid_type"));
    point(&mut model, "license_details", Pointing::Press);
    assert!(!screen_text(&model, now()).contains("paid_type"));
    point(&mut model, "license_details", Pointing::Press);
    assert!(screen_text(&model, now()).contains("paid_type"));
}

#[test]
fn the_wheel_moves_what_is_under_the_mouse() {
    let mut model = answered(Ok(answer(200, ORGANIZATION, None)));
    resize(&mut model, 120, 40);
    let line = |model: &Model| {
        let text = screen_text(model, now());
        text.lines().find_map(|line| Some(line.split_once("line ")?.1[..2].trim().to_owned())).expect("a line")
    };
    let list = place_of(&model, "Organization");
    assert_eq!(line(&model), "1");
    point(&mut model, "currency", Pointing::WheelDown);
    assert_eq!(line(&model), "4");
    assert!(screen_text(&model, now()).contains("▌Requests"), "the list still has the keys");
    point(&mut model, "currency", Pointing::WheelUp);
    assert_eq!(line(&model), "1");
    press(&mut model, &[Key::Tab]);
    update(&mut model, Message::Pointed { at: list, what: Pointing::WheelDown }, now());
    assert!(!screen_text(&model, now()).contains("▌   Organization"));
}

#[test]
fn the_mouse_picks_an_earlier_answer() {
    let mut model = answered(Ok(answer(200, ORGANIZATION, None)));
    let task = task_of(&press(&mut model, &[Key::Enter]));
    let result = Box::new(Ok(Received::new(answer(404, "{}", None))));
    update(&mut model, Message::Answered { task, result }, later(5));
    press(&mut model, &[Key::Char('r')]);
    point(&mut model, "200  ", Pointing::Press);
    point(&mut model, "200  ", Pointing::Press);
    assert!(screen_text(&model, later(5)).contains("Example GmbH"));
}
