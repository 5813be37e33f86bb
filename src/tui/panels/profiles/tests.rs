use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ProfilesPanel;
use super::words::state_in_words;
use crate::abilities::Environment;
use crate::clock::Moment;
use crate::config::Config;
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{Budget, ConfigurationChange, Machine, PendingCode, ProfileStatus, SignIn, SignedOut, State};
use crate::storage::{Account, Event, Happened, LastRefresh};
use crate::tui::clipboard::ToCopy;
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::panel::{Go, Outcome};
use crate::tui::panels::sign_in::SignInPanel;
use crate::tui::surroundings::Now;
use crate::tui::theme::Mark;
use crate::tui::update::update;
use crate::tui::{Ended, Start, next_wakeup, start};

pub(super) fn at(milliseconds: u64) -> Now {
    let start: Timestamp = "2026-03-14T14:03:00Z".parse().expect("a time");
    let passed = SignedDuration::from_millis(i64::try_from(milliseconds).expect("a short time"));
    Now { moment: Moment::at(Duration::from_millis(5_000 + milliseconds)), time: start + passed }
}

pub(super) fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

pub(super) fn status(profile: &str, state: State, left: u64) -> ProfileStatus {
    ProfileStatus {
        state,
        access_token_expires_at: (left > 0).then(|| at(left * 1000).time),
        access_token_hint: (left > 0).then(|| "****8c1e".to_owned()),
        refreshable: true,
        ..ProfileStatus::unread(name(profile), "zoho".to_owned(), None)
    }
}

/// The panel with profiles `a`, `b` and `c`, the cursor on the first.
fn panel() -> Model {
    let mut model = empty();
    load(&mut model, &["a", "b", "c"]);
    model
}

pub(super) fn empty() -> Model {
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    let mut model = Model::new(Environment::default().abilities(), machine, Config::default());
    model.resume(Outcome::Nothing, at(0));
    model
}

fn load(model: &mut Model, profiles: &[&str]) {
    let statuses = profiles.iter().map(|profile| status(profile, State::Valid, 3000)).collect();
    assert_eq!(update(model, Message::StatusesLoaded(statuses), at(0)), []);
}

pub(super) fn press(model: &mut Model, key: char) -> Vec<Effect> {
    update(model, Message::Key(Key::Char(key)), at(0))
}

pub(super) fn profiles(model: &Model) -> &ProfilesPanel {
    model.find::<ProfilesPanel>().expect("the panel is there")
}

pub(super) fn profiles_mut(model: &mut Model) -> &mut ProfilesPanel {
    model.find_mut::<ProfilesPanel>().expect("the panel is there")
}

pub(super) fn selected(model: &Model) -> &str {
    profiles(model).selected().expect("a profile").name.as_str()
}

pub(super) fn notice(model: &Model) -> (Mark, &str) {
    let notice = model.around.notice.as_ref().expect("a notice");
    (notice.mark.expect("a mark"), notice.text.as_str())
}

fn problem(model: &Model) -> Option<(ProfileName, Error)> {
    profiles(model).problem.as_ref().map(|problem| (problem.profile.clone(), problem.error.clone()))
}

fn failure() -> Error {
    Error::new(Code::Network, "no answer")
}

#[test]
fn opening_the_panel_reads_the_store() {
    let mut model = empty();
    assert_eq!(model.resume(Outcome::Nothing, at(0)), [Effect::LoadStatuses]);
    assert_eq!(model.scope(), Scope::Profiles);
}

#[test]
fn the_cursor_begins_on_the_profile_that_is_named_or_meant() {
    for (named, default, expected) in [
        (None, None, "a"),
        (None, Some("b"), "b"),
        (None, Some("gone"), "a"),
        (Some("a"), Some("b"), "a"),
        (Some("c"), None, "c"),
    ] {
        let mut model = empty();
        model.around.config = Config { default_profile: default.map(name), ..config(&["a", "b", "c"]) };
        start(&mut model, Start::Profiles(named.map(name)), None, at(0));
        assert_eq!(selected(&model), expected, "before the store is read");
        load(&mut model, &["a", "b", "c"]);
        assert_eq!(selected(&model), expected);
    }
}

#[test]
fn refreshing_always_asks_for_a_new_token() {
    let mut model = panel();
    let expected = Effect::Refresh { task: TaskId(1), profile: name("a") };
    assert_eq!(press(&mut model, 'r'), [expected]);
}

#[test]
fn a_refresh_that_worked_is_told_and_the_store_read_again() {
    let mut model = panel();
    press(&mut model, 'r');
    let message = Message::Refreshed { task: TaskId(1), profile: name("a"), result: Ok(()) };
    assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
    assert_eq!(notice(&model), (Mark::Good, "a: refreshed."));
}

#[test]
fn a_refresh_that_failed_is_told_until_the_next_key() {
    let mut model = panel();
    press(&mut model, 'r');
    let message = Message::Refreshed { task: TaskId(1), profile: name("a"), result: Err(failure()) };
    assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
    load(&mut model, &["a", "b"]);
    assert_eq!(problem(&model), Some((name("a"), failure())));
    press(&mut model, 'j');
    assert_eq!(problem(&model), None);
}

#[test]
fn one_profile_has_one_piece_of_work_at_a_time() {
    let mut model = panel();
    press(&mut model, 'r');
    for key in ['r', 'v', 't', 'c'] {
        assert_eq!(press(&mut model, key), []);
        assert_eq!(notice(&model), (Mark::Working, "a: still refreshing."));
    }
}

#[test]
fn profiles_are_worked_on_side_by_side() {
    let mut model = panel();
    press(&mut model, 'r');
    press(&mut model, 'j');
    assert_eq!(press(&mut model, 'v'), [Effect::Verify { task: TaskId(2), profile: name("b") }]);
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut model = panel();
    press(&mut model, 'r');
    for (task, profile) in [(TaskId(9), "a"), (TaskId(1), "b")] {
        let message = Message::Refreshed { task, profile: name(profile), result: Err(failure()) };
        assert_eq!(update(&mut model, message, at(0)), []);
    }
    assert_eq!((profiles(&model).problem.is_none(), profiles(&model).under_way.len()), (true, 1));
}

#[test]
fn verifying_names_the_account_with_hostile_letters_made_visible() {
    let mut model = panel();
    press(&mut model, 'v');
    let account = Account { id: "7".to_owned(), email: Some("d\u{1b}[2J@example.com".to_owned()), name: None };
    let message = Message::Verified { task: TaskId(1), profile: name("a"), result: Ok(account) };
    assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
    assert_eq!(notice(&model), (Mark::Good, "a: the provider knows the token as d<U+001B>[2J@example.com."));
}

#[test]
fn signing_out_asks_first_and_only_the_keys_of_the_question_answer() {
    let mut model = panel();
    assert_eq!(press(&mut model, 'x'), []);
    assert!(model.around.overlay.as_ref().is_some_and(|overlay| overlay.asks_about(Command::Logout)));
    for other in [Key::Enter, Key::Char('r'), Key::Down] {
        assert_eq!(update(&mut model, Message::Key(other), at(0)), []);
        assert!(model.around.overlay.is_some(), "{other:?}");
    }
    assert_eq!(press(&mut model, 'n'), []);
    assert_eq!((model.around.overlay.is_none(), profiles(&model).under_way.len()), (true, 0));
}

#[test]
fn a_confirmed_sign_out_revokes_and_forgets() {
    let mut model = panel();
    press(&mut model, 'x');
    assert_eq!(press(&mut model, 'y'), [Effect::SignOut { task: TaskId(1), profile: name("a") }]);
}

#[test]
fn signing_out_says_which_of_revoking_and_forgetting_worked() {
    for (result, expected) in [
        (
            SignedOut { revoked: Some(Ok(())), forgotten: true, ..SignedOut::default() },
            (Mark::Good, "a: revoked at the provider, forgotten here."),
        ),
        (
            SignedOut { revoked: Some(Err(failure())), forgotten: true, ..SignedOut::default() },
            (Mark::Attention, "a: forgotten here, but NOT revoked at the provider: no answer."),
        ),
        (
            SignedOut { revoked: Some(Err(failure())), forgotten: true, is_noted: true, ..SignedOut::default() },
            (Mark::Attention, "a: forgotten here, but NOT revoked at the provider yet: no answer."),
        ),
        (
            SignedOut { forgotten: true, ..SignedOut::default() },
            (Mark::Good, "a: the provider was not asked, forgotten here."),
        ),
        (
            SignedOut { forgotten: true, ended: Some("it was revoked".to_owned()), ..SignedOut::default() },
            (Mark::Good, "a: the grant had ended already, forgotten here."),
        ),
        (SignedOut::default(), (Mark::Good, "a: there was nothing to forget here.")),
        (SignedOut { revoked: Some(Ok(())), ..SignedOut::default() }, (Mark::Good, "a: revoked at the provider.")),
        (
            SignedOut { revoked: Some(Err(failure())), forgotten: true, is_unknown: true, ..SignedOut::default() },
            (Mark::Good, "a: the provider knew no such token any more, forgotten here."),
        ),
        (
            SignedOut { revoked: Some(Ok(())), forgotten: true, also_ended: vec![name("b")], ..SignedOut::default() },
            (Mark::Attention, "a: revoked at the provider, forgotten here. Ended with it: b."),
        ),
    ] {
        let mut model = panel();
        press(&mut model, 'x');
        press(&mut model, 'y');
        let refused = result.revoked.clone().and_then(Result::err).filter(|_| !result.is_unknown);
        let message = Message::SignedOut { task: TaskId(1), profile: name("a"), result: Ok(result) };
        assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
        // It is told once: as a notice, or above what helps.
        match refused {
            None => assert_eq!((notice(&model), problem(&model)), (expected, None)),
            Some(error) => {
                let outcome = profiles(&model).problem.as_ref().and_then(|problem| problem.outcome.as_deref());
                assert_eq!((outcome, problem(&model)), (Some(expected.1), Some((name("a"), error))));
                assert!(model.around.notice.is_none());
            }
        }
    }
}

#[test]
fn the_profile_that_is_used_where_none_is_named_is_chosen_by_a_key() {
    let mut model = panel();
    let change = |task, name| vec![Effect::ChangeConfiguration { task, change: ConfigurationChange::Use(name) }];
    assert_eq!(press(&mut model, 'u'), change(TaskId(1), name("a")));
    assert_eq!((press(&mut model, 'u'), notice(&model).1), (Vec::new(), "a: still saving."));
    let refused = Box::new(Err(failure()));
    let effects = update(&mut model, Message::ConfigurationChanged { task: TaskId(1), result: refused }, at(0));
    assert_eq!((effects, problem(&model)), (vec![Effect::LoadStatuses], Some((name("a"), failure()))));
    assert_eq!(press(&mut model, 'u'), change(TaskId(2), name("a")));
    let config = Config { default_profile: Some(name("a")), ..Config::default() };
    let result = Box::new(Ok(config.clone()));
    let effects = update(&mut model, Message::ConfigurationChanged { task: TaskId(2), result }, at(0));
    assert_eq!(effects, [Effect::UseConfiguration(Box::new(config)), Effect::LoadStatuses]);
    assert_eq!(notice(&model), (Mark::Good, "a is the default profile now."));
    assert_eq!((press(&mut model, 'u'), notice(&model).0), (Vec::new(), Mark::Attention));
}

#[test]
fn signing_out_from_the_screen_of_a_sign_in_goes_on_to_the_profiles() {
    let mut model = panel();
    let alone = Start::SignIn { profile: name("b"), options: SignIn::default() };
    start(&mut model, alone, None, at(0));
    let effects = model.go(Outcome::SignOut(name("b")), at(0));
    let sign_out = Effect::SignOut { task: TaskId(2), profile: name("b") };
    assert_eq!(effects, [sign_out, Effect::LoadStatuses]);
    assert_eq!((model.scope(), selected(&model)), (Scope::Profiles, "b"));
    assert!(model.find::<SignInPanel>().is_none());
}

#[test]
fn a_token_is_shown_for_ten_seconds_with_one_wake_up() {
    let mut model = panel();
    profiles_mut(&mut model).statuses.clear();
    load(&mut model, &["a"]);
    assert_eq!(press(&mut model, 't'), [Effect::ReadToken { task: TaskId(1), profile: name("a") }]);
    let message = Message::TokenRead { task: TaskId(1), profile: name("a"), result: Ok(Secret::new("1000.abc")) };
    assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
    profiles_mut(&mut model).statuses[0].access_token_expires_at = None;
    assert_eq!(next_wakeup(&model, at(0)), Some(at(10_000).moment));
    assert_eq!(update(&mut model, Message::Woken, at(9_999)), []);
    assert!(profiles(&model).revealed.is_some());
    assert_eq!(update(&mut model, Message::Woken, at(10_000)), []);
    assert!(profiles(&model).revealed.is_none());
}

#[test]
fn any_command_hides_a_token_and_the_same_key_only_hides_it() {
    let reread = vec![Effect::LoadStatuses];
    for (key, effects) in [
        ('j', vec![]),
        ('t', vec![]),
        ('p', vec![]),
        ('e', reread.clone()),
        ('w', reread.clone()),
        ('d', reread),
        ('q', vec![Effect::Quit(Ended::Quit)]),
    ] {
        let mut model = panel();
        press(&mut model, 't');
        let message = Message::TokenRead { task: TaskId(1), profile: name("a"), result: Ok(Secret::new("1000.abc")) };
        update(&mut model, message, at(0));
        assert_eq!(press(&mut model, key), effects);
        assert!(profiles(&model).revealed.is_none(), "{key}");
    }
}

#[test]
fn a_token_that_comes_when_the_person_has_gone_on_is_not_shown() {
    for key in ['j', 'a'] {
        let mut model = panel();
        press(&mut model, 't');
        press(&mut model, key);
        let message = Message::TokenRead { task: TaskId(1), profile: name("a"), result: Ok(Secret::new("1000.abc")) };
        assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
        assert!(profiles(&model).revealed.is_none());
    }
}

#[test]
fn a_token_goes_to_the_clipboard_by_its_key_only() {
    let mut model = panel();
    assert_eq!(press(&mut model, 'c'), [Effect::ReadToken { task: TaskId(1), profile: name("a") }]);
    let message = Message::TokenRead { task: TaskId(1), profile: name("a"), result: Ok(Secret::new("1000.abc")) };
    let effects = update(&mut model, message, at(0));
    assert_eq!(
        effects,
        [Effect::Copy(ToCopy::secret(Secret::new("1000.abc"), "the access token")), Effect::LoadStatuses]
    );
    assert!(profiles(&model).revealed.is_none());
}

#[test]
fn a_token_that_cannot_be_read_is_an_error_on_the_screen() {
    let mut model = panel();
    press(&mut model, 't');
    let message = Message::TokenRead { task: TaskId(1), profile: name("a"), result: Err(failure()) };
    assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
    assert_eq!(problem(&model), Some((name("a"), failure())));
}

#[test]
fn signing_in_again_starts_a_sign_in_of_the_selected_profile() {
    let mut model = panel();
    press(&mut model, 'j');
    let effects = press(&mut model, 'n');
    assert!(
        matches!(effects.as_slice(), [Effect::StartSignIn { task: TaskId(1), profile, options }]
            if *profile == name("b") && options.renewals == 6),
        "{effects:?}"
    );
    assert_eq!(model.scope(), Scope::SignIn);
}

#[test]
fn the_api_panel_opens_for_the_selected_profile() {
    let mut model = panel();
    press(&mut model, 'G');
    let past_calls = Effect::LoadPastCalls { profile: name("c") };
    let test_calls = Effect::LoadTestCalls { task: TaskId(1), profile: name("c") };
    assert_eq!(press(&mut model, 'a'), [past_calls, test_calls]);
    assert_eq!(model.scope(), Scope::Api);
}

#[test]
fn a_profile_that_is_signed_out_can_only_sign_in() {
    let mut model = empty();
    update(&mut model, Message::StatusesLoaded(vec![status("a", State::SignedOut, 0)]), at(0));
    for key in ['r', 'v', 'a', 'x', 't', 'c'] {
        // Another process may have signed it in since.
        assert_eq!(press(&mut model, key), [Effect::LoadStatuses], "{key}");
        let why_not = match key {
            'x' => "a is not signed in: there is nothing to log out.",
            _ => "a: press n to sign in first.",
        };
        assert_eq!(notice(&model), (Mark::Attention, why_not));
        assert_eq!(press(&mut model, key), [], "{key}: it is being read");
        update(&mut model, Message::StatusesLoaded(vec![status("a", State::SignedOut, 0)]), at(0));
    }
    update(&mut model, Message::StatusesLoaded(vec![status("a", State::Valid, 0)]), at(0));
    assert_eq!(press(&mut model, 'r'), [Effect::Refresh { task: TaskId(1), profile: name("a") }]);
}

#[test]
fn what_a_sign_out_could_not_revoke_is_tried_again_by_the_same_key() {
    let mut model = empty();
    let mut left = status("a", State::SignedOut, 0);
    left.is_unrevoked = true;
    update(&mut model, Message::StatusesLoaded(vec![left]), at(0));
    assert_eq!(model.top.label(&model.around, Command::Logout), None);
    assert_eq!(press(&mut model, 'x'), [Effect::SignOut { task: TaskId(1), profile: name("a") }]);
    assert_eq!(press(&mut model, 'x'), []);
    assert_eq!(notice(&model), (Mark::Working, "a: still logging out."));
}

#[test]
fn the_cursor_stays_on_its_profile_when_others_come_and_go() {
    let mut model = panel();
    press(&mut model, 'j');
    load(&mut model, &["aa", "ab", "b", "c"]);
    assert_eq!(selected(&model), "b");
    load(&mut model, &["b"]);
    assert_eq!(selected(&model), "b");
}

#[test]
fn the_cursor_goes_to_a_neighbor_when_its_profile_is_gone() {
    let mut model = panel();
    press(&mut model, 'G');
    load(&mut model, &["a", "b"]);
    assert_eq!(selected(&model), "b");
    load(&mut model, &[]);
    assert!(profiles(&model).selected().is_none());
    load(&mut model, &["a"]);
    assert_eq!(selected(&model), "a");
}

#[test]
fn a_profile_selected_before_the_first_reading_keeps_the_cursor() {
    let mut model = empty();
    profiles_mut(&mut model).select(name("b"));
    load(&mut model, &["a", "b"]);
    assert_eq!(selected(&model), "b");
}

#[test]
fn the_cursor_stops_at_both_ends() {
    let mut model = panel();
    assert_eq!(press(&mut model, 'k'), []);
    assert_eq!(selected(&model), "a");
    for _ in 0..5 {
        press(&mut model, 'j');
    }
    assert_eq!(selected(&model), "c");
    update(&mut model, Message::Key(Key::PageUp), at(0));
    assert_eq!(selected(&model), "a");
}

#[test]
fn all_clocks_in_sight_move_at_once_every_second() {
    let mut model = panel();
    for (position, end) in [10_250, 20_500, 30_750].into_iter().enumerate() {
        profiles_mut(&mut model).statuses[position].access_token_expires_at = Some(at(end).time);
    }
    assert_eq!(next_wakeup(&model, at(0)), Some(at(1_000).moment));
    assert_eq!(next_wakeup(&model, at(400)), Some(at(1_000).moment));
    // The end of a token is told when it comes.
    assert_eq!(next_wakeup(&model, at(10_000)), Some(at(10_250).moment));
}

#[test]
fn only_what_is_in_sight_wakes_the_screen() {
    let mut model = empty();
    let mut statuses: Vec<ProfileStatus> =
        (0..10_000).map(|number| status(&format!("p{number:05}"), State::SignedOut, 0)).collect();
    statuses[5_000] = status("p05000", State::Valid, 3_000);
    update(&mut model, Message::StatusesLoaded(statuses), at(0));
    assert_eq!(next_wakeup(&model, at(0)), None);
    profiles_mut(&mut model).select(name("p05003"));
    assert_eq!(next_wakeup(&model, at(0)), Some(at(1_000).moment));
    press(&mut model, '?');
    assert_eq!(next_wakeup(&model, at(0)), None);
}

#[test]
fn a_time_since_the_last_refresh_wakes_the_screen_where_it_is_told() {
    let event = Event {
        at: at(0).time,
        what: Happened::Refreshed,
        detail: String::new(),
        by: String::new(),
        repeated: 0,
        since: None,
    };
    for (columns, rows, failed, history, wakes) in [
        (120, 30, false, true, true),
        (44, 14, false, true, false),
        (44, 14, true, false, false),
        // Below the list are the details.
        (60, 30, false, true, false),
        (60, 30, false, false, true),
        (60, 30, true, true, true),
    ] {
        let mut model = empty();
        update(&mut model, Message::Resized { columns, rows }, at(0));
        let refreshed = |name: &str| ProfileStatus {
            last_refresh: Some(LastRefresh::new(at(0).time, failed.then(|| "no answer".to_owned()))),
            events: history.then(|| event.clone()).into_iter().collect(),
            ..status(name, State::Valid, 0)
        };
        update(
            &mut model,
            Message::StatusesLoaded(vec![refreshed("lobby-on-the-ground-floor-at-home"), refreshed("work")]),
            at(0),
        );
        let next = next_wakeup(&model, at(0));
        assert_eq!(next, wakes.then(|| at(60_000).moment), "{columns}x{rows}, failed {failed}, history {history}");
    }
}

#[test]
fn a_token_that_lasts_for_days_wakes_nobody_every_second() {
    let mut model = empty();
    update(&mut model, Message::StatusesLoaded(vec![status("a", State::Valid, 20 * 3600)]), at(0));
    let next = next_wakeup(&model, at(0)).expect("hours are told by the minute");
    assert!(next > at(30_000).moment, "{next:?}");
}

#[test]
fn as_many_rows_are_looked_at_as_are_in_sight() {
    let mut model = empty();
    let statuses = (0..10_000).map(|number| status(&format!("p{number:05}"), State::Valid, 3_000)).collect();
    update(&mut model, Message::StatusesLoaded(statuses), at(0));
    for (key, rows) in [(Key::Home, 0..15), (Key::End, 9_985..10_000), (Key::PageUp, 9_977..9_992)] {
        update(&mut model, Message::Key(key), at(0));
        assert_eq!(
            super::Layout::of(&model.around, profiles(&model), at(0)).table(profiles(&model)).in_sight(),
            rows,
            "{key:?}"
        );
    }
}

#[test]
fn nothing_wakes_a_screen_without_profiles() {
    let mut model = empty();
    load(&mut model, &[]);
    assert_eq!(next_wakeup(&model, at(0)), None);
    assert_eq!(press(&mut model, 'r'), []);
    assert_eq!(press(&mut model, 'q'), [Effect::Quit(Ended::Quit)]);
}

#[test]
fn the_details_open_scroll_and_close() {
    let mut model = panel();
    profiles_mut(&mut model).statuses[0].scopes = vec!["ZohoCRM.modules.READ".to_owned(); 30];
    update(&mut model, Message::Resized { columns: 40, rows: 12 }, at(0));
    for (key, scroll) in [(Key::Enter, 0), (Key::Up, 0), (Key::Down, 1), (Key::PageDown, 9), (Key::Home, 0)] {
        assert_eq!(update(&mut model, Message::Key(key), at(0)), []);
        assert_eq!((profiles(&model).detail_scroll, selected(&model)), (Some(scroll), "a"), "{key:?}");
    }
    update(&mut model, Message::Key(Key::End), at(0));
    let end = profiles(&model).detail_scroll;
    update(&mut model, Message::Key(Key::Down), at(0));
    assert!(end > Some(20) && profiles(&model).detail_scroll == end, "{end:?}");
    assert_eq!(update(&mut model, Message::Key(Key::Esc), at(0)), []);
    assert_eq!(profiles(&model).detail_scroll, None);
}

#[test]
fn the_last_refresh_of_a_window_asks_first() {
    let mut model = panel();
    let mints = |count: u64| {
        Some(Budget {
            limit: 10,
            window: Duration::from_secs(600),
            mints: (0..count).map(|number| at(number * 1000).time).collect(),
        })
    };
    profiles_mut(&mut model).statuses[0].budget = mints(8);
    assert_eq!(update(&mut model, Message::Key(Key::Char('r')), at(20_000)).len(), 1);
    profiles_mut(&mut model).under_way.clear();
    profiles_mut(&mut model).statuses[0].budget = mints(9);
    assert_eq!(update(&mut model, Message::Key(Key::Char('r')), at(20_000)), []);
    let Some(Overlay::Confirm { question, command }) = &model.around.overlay else { panic!("it asks") };
    assert!(question.contains("last of 10 refreshes") && question.contains("possible in 9:40"), "{question}");
    assert_eq!(*command, Command::Refresh);
    assert!(matches!(press(&mut model, 'y').as_slice(), [Effect::Refresh { .. }]));
}

#[test]
fn a_budget_is_told_as_it_stands_and_wakes_the_screen_when_it_changes() {
    let mut model = empty();
    let mut spent = status("a", State::SignedOut, 0);
    let mints = (0..10).map(|number| at(number * 1000).time).collect();
    let window = Duration::from_secs(600);
    spent.budget = Some(Budget { limit: 10, window, mints });
    update(&mut model, Message::StatusesLoaded(vec![spent]), at(10_000));
    let status = profiles(&model).statuses[0].clone();
    let budget = status.budget.as_ref().expect("a budget");
    assert_eq!((budget.used(at(10_000).time), status.waits_until(at(10_000).time)), (10, Some(at(600_000).time)));
    assert_eq!((budget.used(at(600_000).time), status.waits_until(at(600_000).time)), (9, None));
    assert_eq!(next_wakeup(&model, at(10_300)), Some(at(11_000).moment));
}

#[test]
fn a_sign_in_that_is_pending_is_told_until_its_code_ends() {
    let mut model = empty();
    let mut pending = status("a", State::SignedOut, 0);
    let verification_uri = "https://login.example/device".parse().expect("an address");
    let expires_at = at(30_000).time;
    let user_code = "ABCD-EFGH".to_owned();
    pending.pending = Some(PendingCode { user_code, verification_uri, verification_uri_complete: None, expires_at });
    update(&mut model, Message::StatusesLoaded(vec![pending]), at(10_000));
    let told = |model: &Model, now: Now| state_in_words(&profiles(model).statuses[0], now.time).1;
    assert_eq!((told(&model, at(29_000)), told(&model, at(30_000))), ("pending", "signed out"));
    assert_eq!(next_wakeup(&model, at(10_300)), Some(at(30_000).moment));
    profiles_mut(&mut model).statuses[0].state = State::Valid;
    assert_eq!(told(&model, at(29_000)), "valid");
}

pub(super) fn config(profiles: &[&str]) -> Config {
    let profile = |name: &&str| {
        format!(
            "[profiles.{name}]
provider = \"zoho\"
client_id = \"1\"
"
        )
    };
    let text = profiles.iter().map(profile).collect::<String>();
    Config::parse(&text, std::path::Path::new("config.toml")).expect("valid")
}

fn reread(model: &mut Model, was: Config, result: Result<Config, Error>) -> Vec<Effect> {
    let message = Message::ConfigurationReread { was: Box::new(was), result: Box::new(result) };
    update(model, message, at(0))
}

#[test]
fn what_somebody_else_changed_in_the_configuration_is_gone_by_and_the_store_read_again() {
    let mut model = panel();
    model.around.config = config(&["a"]);
    let now = config(&["b"]);
    let expected = [Effect::UseConfiguration(Box::new(now.clone())), Effect::LoadStatuses];
    assert_eq!(reread(&mut model, config(&["a"]), Ok(now.clone())), expected);
    assert!(model.around.config == now);
    // What was read before this app changed the file itself is old.
    assert_eq!(reread(&mut model, config(&["a"]), Ok(config(&["a"]))), [Effect::LoadStatuses]);
    assert!(model.around.config == now);
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_and_changes_nothing() {
    let mut model = panel();
    model.around.config = config(&["a"]);
    let error = Error::new(Code::Config, "config.toml is not valid").because("line 3 is none");
    assert_eq!(reread(&mut model, config(&["a"]), Err(error)), []);
    assert_eq!(
        notice(&model),
        (Mark::Attention, "config.toml is not valid: line 3 is none. What it said before still holds.")
    );
    assert!(model.around.config == config(&["a"]));
}

#[test]
fn a_sign_in_of_a_profile_that_is_gone_ends_in_the_list_with_a_word() {
    let mut model = panel();
    press(&mut model, 'n');
    let gone = Error::new(Code::UnknownProfile, "profile `a` is not configured any more");
    let result = Box::new(Err(gone.clone()));
    let message = Message::SignInEnded { task: TaskId(1), result };
    assert_eq!(update(&mut model, message, at(0)), [Effect::LoadStatuses]);
    assert_eq!((model.scope(), model.find::<SignInPanel>().is_none()), (Scope::Profiles, true));
    assert_eq!(problem(&model), Some((name("a"), gone)));
}

#[test]
fn whoever_leaves_a_sign_in_is_back_at_its_profile() {
    for key in [Key::Esc, Key::Char('q')] {
        for has_failed in [false, true] {
            let mut model = empty();
            model.around.config = config(&["archive", "work"]);
            let effects = model.go(Go::SignIn { profile: name("work"), options: SignIn::default() }, at(0));
            let [Effect::StartSignIn { task, .. }] = effects[..] else { panic!("one sign-in starts: {effects:?}") };
            if has_failed {
                update(&mut model, Message::SignInEnded { task, result: Box::new(Err(failure())) }, at(0));
            }
            update(&mut model, Message::Key(key), at(0));
            load(&mut model, &["archive", "work"]);
            assert_eq!(selected(&model), "work", "{key:?} {has_failed}");
        }
    }
}
