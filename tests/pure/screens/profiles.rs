//! How the profiles look in each state.

use device_login::abilities::{Abilities, ColorChoice, Glyphs, QrAbilities, QrPalette};
use device_login::config::Motion;
use device_login::error::{Advice, Code, Error};
use device_login::secret::Secret;
use device_login::service::{Budget, PendingCode, SignedOut, State};
use device_login::storage::{Account, Event, Happened, LastRefresh};
use device_login::tui::keymap::Key;
use device_login::tui::message::Message;
use device_login::tui::update::update;

use super::panels::*;
use super::{SIZES, assert_no_control};
use crate::support::screen::{changes, screen, screen_text};

#[test]
fn the_profile_that_is_used_where_none_is_named_is_marked_in_the_list() {
    let mut model = profiles_at("work");
    assert!(!screen_text(&model, now()).contains("work *"));
    model.around.config.default_profile = Some(name("work"));
    update(&mut model, Message::StatusesLoaded(statuses()), now());
    for (columns, rows) in SIZES {
        resize(&mut model, columns, rows);
        let screen = screen_text(&model, now());
        assert!(screen.contains("work * "), "{screen}");
    }
}

#[test]
fn every_state_has_its_words() {
    for (selected, snapshot) in [
        ("work", "valid"),
        ("archive", "needs_login"),
        ("broken", "unknown"),
        ("new", "signed_out"),
        ("lobby-2", "expiring"),
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
    assert_screens!("run_out", profiles_at("lobby-2"), later(201));
}

#[test]
fn work_under_way_has_its_mark_in_the_list() {
    let refreshing = || {
        let mut model = profiles_at("work");
        press(&mut model, &[Key::Char('r')]);
        model
    };
    assert_screens!("refreshing", refreshing(), now());
}

#[test]
fn a_refusal_is_told_with_its_cause_and_what_helps() {
    let refused = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('r')]));
        let error = Error::new(Code::RateLimited, "no new token can be had for profile `work`")
            .because("10 of 10 refreshes were used in 10 minutes")
            .advise("wait until 14:12, or use the token that is stored");
        update(&mut model, Message::Refreshed { task, profile: name("work"), result: Err(error) }, now());
        model
    };
    assert_screens!("budget_spent", refused(), now());
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
            .because("Zoho does not take the refresh token of this sign-in (invalid_code)")
            .likely(causes)
            .advise(Advice::SignIn("work".parse().expect("a name")));
        update(&mut model, Message::Refreshed { task, profile: name("work"), result: Err(error) }, now());
        model
    };
    assert_screens!("refused_with_causes", refused(), now());
}

#[test]
fn signing_out_says_which_half_did_not_work() {
    let signed_out = || {
        let mut model = profiles_at("work");
        let task = task_of(&press(&mut model, &[Key::Char('x'), Key::Char('y')]));
        let error = Error::new(Code::Network, "the grant could not be revoked")
            .because("no connection to accounts.zoho.eu")
            .advise("remove the access in the account's settings");
        let result = Ok(SignedOut { revoked: Some(Err(error)), forgotten: true, ..SignedOut::default() });
        update(&mut model, Message::SignedOut { task, profile: name("work"), result }, now());
        model
    };
    assert_screens!("half_signed_out", signed_out(), now());
    // Told once, whole, and with what helps, in any window.
    for (columns, rows) in SIZES {
        let mut model = signed_out();
        resize(&mut model, columns, rows);
        let screen = screen_text(&model, now());
        let told: Vec<&str> = screen.split_whitespace().collect();
        let told = told.join(" ");
        for text in [
            "work: forgotten here, but NOT revoked at the provider: no connection to accounts.zoho.eu.",
            "Here: x tries again.",
            "remove the access in the account's settings.",
        ] {
            assert!(told.contains(text), "{columns}x{rows} tells {text:?}:\n{screen}");
        }
        assert_eq!(told.matches("revoked").count(), 1, "{told}");
    }
}

#[test]
fn an_access_that_could_not_be_revoked_stands_out_and_has_its_key() {
    let left = || {
        let mut left = status("work", State::SignedOut, 0);
        left.is_unrevoked = true;
        left.warnings = texts(&["An earlier logout could not revoke its grant. The next logout tries again."]);
        profiles_of(vec![left, status("zoo", State::Valid, 3000)], "work")
    };
    assert_screens!("unrevoked", left(), now());
    let tried = || {
        let mut model = left();
        let task = task_of(&press(&mut model, &[Key::Char('x')]));
        let error = Error::new(Code::Network, "the grant could not be revoked")
            .because("no connection to accounts.zoho.eu")
            .advise("remove the access by hand at https://accounts.zoho.eu (Connected Apps)");
        let result = Ok(SignedOut { revoked: Some(Err(error)), is_noted: true, ..SignedOut::default() });
        update(&mut model, Message::SignedOut { task, profile: name("work"), result }, now());
        model
    };
    assert_screens!("still_unrevoked", tried(), now());
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
    assert_screens!("token", revealed(), now());
    let in_less = |profile: &str, token: &str| {
        let mut model = profiles_of(vec![status(profile, State::Valid, 3000)], profile);
        resize(&mut model, 40, 12);
        let task = task_of(&press(&mut model, &[Key::Char('t')]));
        let result = Ok(Secret::new(token));
        update(&mut model, Message::TokenRead { task, profile: name(profile), result }, now());
        screen_text(&model, now())
    };
    insta::assert_snapshot!("token_of_long_name_40x12", in_less(&"n".repeat(61), token));
    insta::assert_snapshot!("long_token_40x12", in_less("work", &"t".repeat(400)));
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
    assert_screens!("details", whole(), now());
}

#[test]
fn the_details_say_which_server_is_which() {
    let mut one = status("work", State::Valid, 3000);
    assert!(screen_text(&profiles_of(vec![one.clone()], "work"), now()).contains("accounts.zoho.eu (accounts)"));
    one.issuer = Some("http://127.0.0.1:9101/".to_owned());
    one.api_domain = Some("http://127.0.0.1:9101".to_owned());
    let text = screen_text(&profiles_of(vec![one], "work"), now());
    assert!(text.contains("http://127.0.0.1:9101 (accounts and API)"), "{text}");
}

#[test]
fn the_details_tell_of_a_code_that_waits_until_its_end() {
    let mut one = status("work", State::SignedOut, 0);
    one.pending = Some(PendingCode {
        user_code: "WLKU-4502".to_owned(),
        verification_uri: "https://accounts.zoho.eu/device".parse().expect("an address"),
        verification_uri_complete: None,
        expires_at: later(60).time,
    });
    let told =
        |now| screen_text(&profiles_of(vec![one.clone()], "work"), now).contains("the code WLKU-4502 waits until");
    assert!(told(now()) && !told(later(60)));
}

#[test]
fn the_details_tell_once_why_a_grant_is_over() {
    let by_logout = "the logout of profile `b` ended this sign-in as well";
    for last_error in [None, Some("HTTP 503".to_owned()), Some(by_logout.to_owned())] {
        let mut one = status("work", State::NeedsLogin, -100);
        one.over = Some(by_logout.to_owned());
        one.last_refresh = Some(LastRefresh::new(seconds_after(-430), last_error));
        let text = screen_text(&profiles_of(vec![one], "work"), now());
        assert_eq!(text.matches("the logout of profile `b`").count(), 1, "{text}");
    }
}

#[test]
fn narrow_details_cut_nothing_of_the_state() {
    let mut model = with_keys(profiles_at("lobby-2"), &[Key::Enter]);
    resize(&mut model, 40, 12);
    insta::assert_snapshot!("details_expiring_40x12", screen_text(&model, now()));
}

#[test]
fn of_ten_thousand_profiles_those_around_the_cursor_are_in_sight() {
    let middle = || profiles_of(many(10_000), "p05000");
    assert_screens!("many", middle(), now());
    let mut model = middle();
    resize(&mut model, 200, 60);
    insta::assert_snapshot!("many_200x60", screen(&model, now()));
    resize(&mut model, 60, 20);
    insta::assert_snapshot!("many_60x20", screen(&model, now()));
    let mut model = profiles_of(many(30), "p00015");
    for (columns, rows) in [(40, 12), (40, 60)] {
        resize(&mut model, columns, rows);
        insta::assert_snapshot!(format!("thirty_{columns}x{rows}"), screen(&model, now()));
    }
}

#[test]
fn a_filter_says_how_many_it_leaves_and_what_it_is() {
    let typed = |text: &str| {
        let mut model = profiles_of(many(10_000), "p00000");
        press(&mut model, &[Key::Char('/')]);
        type_text(&mut model, text);
        model
    };
    assert_screens!("filter", typed("p0012 valid"), now());
    assert_screens!("no_match", typed("nobody"), now());
    let mut alone = profiles_of(many(1), "p00000");
    press(&mut alone, &[Key::Char('/')]);
    let title = screen_text(&alone, now()).lines().next().map(|line| line.trim_end().to_owned()).unwrap_or_default();
    assert!(title.ends_with("1 of 1"), "{title}");
    let kept = || with_keys(typed("!!"), &[Key::Enter]);
    assert_screens!("filter_kept", kept(), now());
}

#[test]
fn the_worst_come_first_when_sorted_by_state() {
    let sorted = || with_keys(profiles_of(many(10_000), "p00000"), &[Key::Char('s'), Key::Home]);
    assert_screens!("sorted", sorted(), later(6));
}

#[test]
fn names_are_on_the_screen_while_the_store_is_read() {
    let reading = || model_with(empty_model().around.abilities, &many(10_000));
    assert_screens!("reading", reading(), now());
}

#[test]
fn a_budget_that_is_spent_has_its_clock() {
    let spent = || {
        let mut spent = status("work", State::Valid, 3130);
        let mints = (0..10).map(|number| seconds_after(number * 20 - 400)).collect();
        spent.budget = spent.budget.map(|budget| Budget { mints, ..budget });
        profiles_of(vec![spent], "work")
    };
    assert_screens!("spent", spent(), now());
}

#[test]
fn the_last_refresh_for_a_while_asks_first() {
    let asked = || {
        let mut nearly = status("work", State::Valid, 3130);
        let mints = (0..9).map(|number| seconds_after(number * 20 - 400)).collect();
        nearly.budget = nearly.budget.map(|budget| Budget { mints, ..budget });
        with_keys(profiles_of(vec![nearly], "work"), &[Key::Char('r')])
    };
    assert_screens!("last_refresh", asked(), now());
}

#[test]
fn the_question_before_signing_out_covers_the_panel() {
    let asked = || {
        let mut model = profiles_at("work");
        press(&mut model, &[Key::Char('x')]);
        model
    };
    assert_screens!("really", asked(), now());
}

#[test]
fn small_windows_keep_the_name_and_the_answers() {
    let drawn = |(columns, rows), keys: &[Key]| {
        let mut model = with_keys(profiles_at("work"), keys);
        resize(&mut model, columns, rows);
        screen_text(&model, now())
    };
    insta::assert_snapshot!("list_10x3", drawn((10, 3), &[]));
    insta::assert_snapshot!("list_20x5", drawn((20, 5), &[]));
    insta::assert_snapshot!("list_30x8", drawn((30, 8), &[]));
    insta::assert_snapshot!("really_30x8", drawn((30, 8), &[Key::Char('x')]));
    for size in [(30, 8), (20, 5), (10, 3), (12, 4)] {
        let text = drawn(size, &[Key::Char('x')]);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert!(words.contains(&"no") && words.contains(&"Log") || size.1 < 4, "{size:?}: {text}");
    }
}

#[test]
fn names_from_a_server_cannot_steer_the_terminal() {
    let mut hostile = status("work", State::Valid, 3000);
    hostile.account =
        Some(Account { id: HOSTILE.to_owned(), email: Some(HOSTILE.to_owned()), name: Some(HOSTILE.to_owned()) });
    hostile.scopes = texts(&[HOSTILE]);
    hostile.issuer = Some(HOSTILE.to_owned());
    hostile.events = std::sync::Arc::from([Event {
        at: seconds_after(-5),
        what: Happened::SignedIn,
        detail: HOSTILE.to_owned(),
        by: HOSTILE.to_owned(),
        repeated: 0,
        since: None,
    }]);
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
        glyphs: Glyphs::Ascii,
        locale_variable: "LANG",
        qr: QrAbilities { half_blocks: false, palette: QrPalette::Reverse },
    };
    let mut model = model_with(plain, &statuses());
    update(&mut model, Message::StatusesLoaded(statuses()), now());
    let printed = screen(&model, now());
    assert!(printed.is_ascii(), "{printed}");
    assert!(!printed.contains("cyan") && !printed.contains("yellow"));
    insta::assert_snapshot!("plain_80x24", printed);
}

#[test]
fn with_reduced_motion_times_are_rounded_and_change_once_a_minute() {
    let reduced = || {
        let mut model = profiles_at("work");
        model.around.motion = Motion::Reduced;
        model
    };
    assert_screens!("reduced", reduced(), now());
    for (columns, rows) in SIZES {
        let mut model = reduced();
        resize(&mut model, columns, rows);
        let seconds = changes(&model, later, 0..300);
        assert!(seconds.len() <= 30, "{seconds:?}");
    }
}

#[test]
fn the_demo_says_what_is_next_wherever_a_row_is_free() {
    for (columns, rows) in [(40, 12), (60, 13), (60, 15), (80, 19), (80, 20), (80, 24), (120, 40)] {
        let mut model =
            profiles_of(vec![status("archive", State::NeedsLogin, 0), status("work", State::SignedOut, 0)], "work");
        model.around.is_demo = true;
        resize(&mut model, columns, rows);
        let screen = screen_text(&model, now());
        assert!(screen.contains("Next: n signs "), "{columns}x{rows}:\n{screen}");
    }
    // It covers nothing.
    let many: Vec<_> = (0..9).map(|number| status(&format!("p{number}"), State::Valid, 3000)).collect();
    let mut model = profiles_of(many, "p0");
    model.around.is_demo = true;
    resize(&mut model, 40, 12);
    assert!(!screen_text(&model, now()).contains("Next:"));
}
