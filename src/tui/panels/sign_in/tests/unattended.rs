//! What the sign-in does where nobody attends it.

use std::time::Duration;

use super::{at, end, failure, happen, panel, panel_mut, press, shown, signed_in, work};
use crate::error::{Code, Error};
use crate::service::{IDLE_TIME, RestReason, SignIn, SignInEvent};
use crate::tui::keymap::Key;
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::model::Model;
use crate::tui::panels::sign_in::policy::Policy;
use crate::tui::panels::sign_in::{Previous, SignInPanel, Stage};
use crate::tui::update::update;
use crate::tui::{Ended, Start, next_wakeup};

/// A kiosk that asks for its first code, with so many after it.
fn kiosk(renewals: u32) -> (Model, TaskId) {
    let mut model = super::empty();
    let options = SignIn { renewals, expect_account: Some("dana@example.com".to_owned()), ..SignIn::default() };
    let effects = crate::tui::start(&mut model, Start::Kiosk { profile: work(), options }, None, at(0));
    let [Effect::StartSignIn { task, options, .. }] = &effects[..] else { panic!("one sign-in starts: {effects:?}") };
    assert_eq!((options.renewals, options.expect_account.as_deref()), (0, Some("dana@example.com")));
    (model, *task)
}

fn stage(model: &Model) -> &Stage {
    &panel(model).stage
}

fn issue(model: &mut Model, task: TaskId, user_code: &str, seconds: u32) {
    assert_eq!(super::issue(model, task, user_code, seconds), []);
}

fn fails(model: &mut Model, task: TaskId, code: Code, seconds: u32) -> Vec<Effect> {
    end(model, task, Err(failure(code)), seconds)
}

fn wake(model: &mut Model, seconds: u32) -> Vec<Effect> {
    update(model, Message::Woken, at(seconds))
}

#[track_caller]
fn started(effects: &[Effect]) -> TaskId {
    let [Effect::StartSignIn { task, .. }] = effects else { panic!("one sign-in starts: {effects:?}") };
    *task
}

#[test]
fn a_code_that_ran_out_stays_until_the_new_one_comes_and_is_named_then() {
    let (mut model, task) = kiosk(1);
    issue(&mut model, task, "OLD", 0);
    let next = started(&fails(&mut model, task, Code::CodeExpired, 300));
    assert_ne!(next, task);
    assert!(matches!(stage(&model), Stage::Asking { old: Some(old) } if old.code.user_code == "OLD"));
    issue(&mut model, next, "NEW", 301);
    assert_eq!(shown(&model).code.user_code, "NEW");
    let previous = Previous { user_code: "OLD".to_owned(), ran_out_at: Some(at(300).time) };
    assert_eq!(panel(&model).previous, Some(previous));
}

#[test]
fn a_dead_code_goes_when_no_new_one_can_be_had() {
    let (mut model, task) = kiosk(1);
    issue(&mut model, task, "OLD", 0);
    let next = started(&fails(&mut model, task, Code::CodeExpired, 300));
    assert_eq!(fails(&mut model, next, Code::Network, 301), []);
    assert!(matches!(stage(&model), Stage::Failed { rest: Some(_), .. }));
}

#[test]
fn after_the_last_code_it_waits_for_ok_or_for_half_an_hour() {
    let idle = || {
        let (mut model, task) = kiosk(0);
        issue(&mut model, task, "ONE", 0);
        assert_eq!(fails(&mut model, task, Code::CodeExpired, 300), []);
        let Stage::Failed { rest: Some(rest), .. } = stage(&model) else { panic!("it rests") };
        assert_eq!((rest.reason, rest.until), (RestReason::Idle, at(300).moment + IDLE_TIME));
        model
    };
    let mut model = idle();
    assert_eq!(wake(&mut model, 2099), []);
    started(&wake(&mut model, 2100));
    started(&press(&mut idle(), Key::Enter, 400));
}

#[test]
fn a_wait_is_not_cut_short_in_its_first_seconds_so_that_a_stuck_key_asks_nobody() {
    let (mut model, task) = kiosk(3);
    assert_eq!(fails(&mut model, task, Code::InvalidClient, 10), []);
    assert_eq!(press(&mut model, Key::Enter, 14), []);
    started(&press(&mut model, Key::Enter, 15));
    assert_eq!(press(&mut model, Key::Enter, 99), []);
}

#[test]
fn trouble_and_refusals_are_tried_again_by_themselves() {
    for (code, wait) in [(Code::Network, 5), (Code::Provider, 5), (Code::Denied, 10), (Code::InvalidClient, 600)] {
        let (mut model, task) = kiosk(3);
        assert_eq!(fails(&mut model, task, code, 0), []);
        assert_eq!(wake(&mut model, wait - 1), []);
        let next = started(&wake(&mut model, wait));
        issue(&mut model, next, "NEW", wait + 1);
        assert_eq!(shown(&model).code.user_code, "NEW", "{code:?}");
    }
}

#[test]
fn an_answer_takes_the_word_about_trouble_away() {
    let (mut model, task) = kiosk(3);
    issue(&mut model, task, "ONE", 0);
    let next_poll_at = at(20).moment;
    let retrying = SignInEvent::Retrying {
        trouble: crate::http::trouble::Trouble::Timeout,
        reason: "no answer".to_owned(),
        attempt: 1,
        next_poll_at,
    };
    happen(&mut model, task, retrying, 10);
    assert!(shown(&model).trouble().is_some());
    happen(&mut model, task, SignInEvent::Pending { next_poll_at }, 20);
    assert!(shown(&model).trouble().is_none());
}

#[test]
fn it_ends_by_itself_ten_seconds_after_the_sign_in() {
    let (mut model, task) = kiosk(0);
    issue(&mut model, task, "ONE", 0);
    happen(&mut model, task, SignInEvent::Approved, 20);
    assert_eq!(end(&mut model, task, Ok(signed_in()), 21), []);
    assert_eq!(wake(&mut model, 30), []);
    assert_eq!(wake(&mut model, 31), [Effect::Quit(Ended::SignedIn(signed_in()))]);
}

#[test]
fn what_cannot_be_saved_is_tried_for_ten_minutes_and_then_given_back() {
    let (mut model, task) = kiosk(0);
    issue(&mut model, task, "ONE", 0);
    let mut seconds = 20;
    for attempt in 1..=20 {
        let error = Error::new(Code::Store, "the disk is full");
        assert_eq!(update(&mut model, Message::Unsaved { task, error }, at(seconds)), []);
        assert_eq!(wake(&mut model, seconds + 29), []);
        seconds += 30;
        assert_eq!(wake(&mut model, seconds), [Effect::TrySaving { task, again: attempt < 20 }]);
    }
    assert_eq!(fails(&mut model, task, Code::Store, seconds), []);
    assert!(matches!(stage(&model), Stage::Failed { rest: Some(rest), .. } if rest.reason == RestReason::Refused));
}

#[test]
fn keys_lead_nowhere_and_ctrl_c_ends() {
    let (mut model, task) = kiosk(0);
    issue(&mut model, task, "ONE", 0);
    for key in "?qnpfcuy/:aex".chars().map(Key::Char).chain([Key::Ctrl('z'), Key::Esc, Key::Enter, Key::Tab]) {
        assert_eq!(press(&mut model, key, 60), [], "{key:?}");
        assert!(model.around.overlay.is_none() && model.find::<SignInPanel>().is_some(), "{key:?}");
    }
    assert_eq!(update(&mut model, Message::Pasted("q".to_owned()), at(60)), []);
    assert_eq!(press(&mut model, Key::Ctrl('l'), 60), [Effect::ClearScreen]);
    assert_eq!(
        press(&mut model, Key::Ctrl('c'), 60),
        [Effect::GiveUp(task), Effect::Quit(Ended::Cancelled { has_lost_answer: false })]
    );
}

#[test]
fn an_approval_that_waits_to_be_saved_is_left_to_the_end_of_the_app_which_gives_it_back() {
    let (mut model, task) = kiosk(0);
    issue(&mut model, task, "ONE", 0);
    update(&mut model, Message::Unsaved { task, error: failure(Code::Store) }, at(20));
    assert_eq!(press(&mut model, Key::Ctrl('c'), 21), [Effect::Quit(Ended::Interrupted)]);
}

#[test]
fn what_an_older_sign_in_says_changes_nothing() {
    let (mut model, task) = kiosk(3);
    issue(&mut model, task, "OLD", 0);
    let next = started(&fails(&mut model, task, Code::CodeExpired, 300));
    issue(&mut model, next, "NEW", 301);
    assert_eq!(end(&mut model, task, Ok(signed_in()), 302), []);
    assert!(matches!(stage(&model), Stage::Waiting(_)));
    let unsaved = Message::Unsaved { task, error: Error::new(Code::Store, "full") };
    assert_eq!(update(&mut model, unsaved, at(303)), [Effect::TrySaving { task, again: false }]);
}

#[test]
fn it_wakes_each_second_while_something_counts_and_else_once_a_minute() {
    let (mut model, task) = kiosk(0);
    let wait =
        |model: &Model, seconds| next_wakeup(model, at(seconds)).map(|moment| (moment - at(seconds).moment).as_secs());
    assert_eq!(wait(&model, 20), Some(40));
    issue(&mut model, task, "ONE", 0);
    assert_eq!(wait(&model, 20), Some(1));
    // After its end nothing counts down until the server has been asked.
    assert_eq!(wait(&model, 301), Some(59));
    fails(&mut model, task, Code::CodeExpired, 310);
    assert_eq!(wait(&model, 310), Some(50));
    assert_eq!(wait(&model, 2109), Some(1));
}

#[test]
fn a_supervisor_hears_at_every_pulse_whatever_else_moves() {
    let (mut model, task) = kiosk(0);
    panel_mut(&mut model).policy = Policy::unattended(0, Some(Duration::from_secs(15)));
    fails(&mut model, task, Code::CodeExpired, 0);
    for seconds in [0, 15, 30] {
        assert_eq!(next_wakeup(&model, at(seconds)), Some(at(seconds).moment));
        assert_eq!(wake(&mut model, seconds), [Effect::Alive]);
        assert_eq!(next_wakeup(&model, at(seconds)), Some(at(seconds + 15).moment));
        assert_eq!(wake(&mut model, seconds + 14), []);
    }
}

#[test]
fn what_a_terminal_has_to_move_is_a_cell_each_minute_and_nothing_in_between_or_where_somebody_attends() {
    let (mut model, task) = kiosk(0);
    issue(&mut model, task, "ONE", 0);
    let minutes = [0, 60, 120, 180, 240, 300];
    let steps = minutes.map(|second| model.shift(at(second), at(second + 60)).expect("it moves"));
    assert!(steps.iter().all(|by| (by.right.abs(), by.down.abs()) == (1, 0) || (by.right, by.down.abs()) == (0, 1)));
    let sum = steps.iter().fold((0, 0), |(right, down), by| (right + by.right, down + by.down));
    assert_eq!(sum, (0, 0), "it comes back");
    assert_eq!(model.shift(at(61), at(119)), None);
    assert_eq!(super::empty().shift(at(0), at(60)), None);
}
