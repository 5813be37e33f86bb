use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{ApiPanel, Catalogue, Focus, Received, Side};
use crate::abilities::Environment;
use crate::api::{Call, Diagnosis, Finding};
use crate::clock::Moment;
use crate::config::Config;
use crate::error::{Advice, Code, Error, Way};
use crate::http::{Method, Response};
use crate::profile::ProfileName;
use crate::providers::zoho;
use crate::service::{
    Answer, ConfigurationChange, Explained, Long, Machine, ProfileStatus, State, TestCalls, remembered,
};
use crate::storage::PastCall;
use crate::tui::clipboard::{Clipboard, ToCopy};
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::panel::{Go, Outcome};
use crate::tui::received::Content;
use crate::tui::surroundings::Now;
use crate::tui::text_job::TextJob;
use crate::tui::theme::Mark;
use crate::tui::update::update;

fn now() -> Now {
    let time: Timestamp = "2026-03-14T14:03:00Z".parse().expect("a time");
    Now { moment: Moment::at(Duration::from_secs(5)), time }
}

fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

fn empty() -> Model {
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    Model::new(Environment::default().abilities(), machine, Config::default())
}

/// The panel of profile `work` with its calls.
fn panel() -> Model {
    let mut model = empty();
    model.go(Go::Api(name("work")), now());
    load(&mut model, TaskId(1));
    model
}

fn load(model: &mut Model, task: TaskId) {
    load_granted(model, task, &["AaaServer.profile.READ", "ZohoCRM.org.READ"]);
}

fn load_granted(model: &mut Model, task: TaskId, scopes: &[&str]) {
    let provider = zoho::provider();
    let eu = provider.data_center("eu").expect("eu").clone();
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let calls = TestCalls::new(eu, provider.dialect, &scopes);
    let message = Message::TestCallsLoaded { task, result: Box::new(Ok(calls)) };
    assert_eq!(update(model, message, now()), []);
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Message::Key(key), now())
}

fn type_text(model: &mut Model, text: &str) {
    for character in text.chars() {
        assert_eq!(press(model, Key::Char(character)), []);
    }
}

fn api(model: &Model) -> &super::ApiPanel {
    model.find::<ApiPanel>().expect("the panel is open")
}

fn who_am_i() -> Call {
    let url = "https://accounts.zoho.eu/oauth/user/info".parse().expect("an address");
    Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() }
}

fn call_effect(task: u64, call: Call) -> Effect {
    Effect::Call { task: TaskId(task), profile: name("work"), call }
}

fn answer(body: &str) -> Answer {
    let response = Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
    Answer { response, took: Duration::from_millis(5), explained: None, long: None }
}

fn answered(model: &mut Model, task: u64, result: Result<Answer, Error>) -> Vec<Effect> {
    let result = Box::new(result.map(Received::new));
    let effects = update(model, Message::Answered { task: TaskId(task), result }, now());
    effects.into_iter().filter(|effect| !matches!(effect, Effect::KeepCall { .. })).collect()
}

fn past_calls(profile: &str) -> Effect {
    Effect::LoadPastCalls { profile: name(profile) }
}

/// What is remembered of a call that was made so long ago.
fn past(url: &str, hours: i64) -> PastCall {
    let call = Call { method: Method::Post, url: url.parse().expect("an address"), ..who_am_i() };
    let at = now().time - jiff::SignedDuration::from_hours(hours);
    remembered(&call, at, Some((200, Duration::from_millis(5), 1234))).expect("it may be kept")
}

fn recall(model: &mut Model, calls: Vec<PastCall>) {
    let message = Message::PastCallsLoaded { profile: name("work"), result: Ok(calls) };
    assert_eq!(update(model, message, now()), []);
}

/// The panel with an answer to the first call.
fn with_answer(body: &str) -> Model {
    let mut model = panel();
    press(&mut model, Key::Enter);
    assert_eq!(answered(&mut model, 2, Ok(answer(body))), []);
    model
}

#[test]
fn opening_the_panel_finds_out_what_can_be_tried() {
    let mut model = empty();
    let effects = model.go(Go::Api(name("work")), now());
    assert_eq!(effects, [past_calls("work"), Effect::LoadTestCalls { task: TaskId(1), profile: name("work") }]);
    assert_eq!(model.scope(), Scope::Api);
}

#[test]
fn calls_of_an_earlier_opening_are_dropped() {
    let mut model = empty();
    model.go(Go::Api(name("work")), now());
    model.go(Go::Api(name("other")), now());
    load(&mut model, TaskId(1));
    assert!(matches!(api(&model).catalogue, Catalogue::Loading(TaskId(2))));
    load(&mut model, TaskId(2));
    assert!(matches!(api(&model).catalogue, Catalogue::Ready(_)));
}

/// The status of profile `work`, good for so long with these scopes.
fn status(scopes: &[&str]) -> ProfileStatus {
    ProfileStatus {
        state: if scopes.is_empty() { State::SignedOut } else { State::Valid },
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        refreshable: true,
        ..ProfileStatus::unread(name("work"), "zoho".to_owned(), Some("eu".to_owned()))
    }
}

fn read_again(task: u64) -> Effect {
    Effect::LoadTestCalls { task: TaskId(task), profile: name("work") }
}

#[test]
fn a_sign_in_elsewhere_has_the_grants_read_anew_with_cursor_and_folds_where_they_were() {
    let mut model = panel();
    press(&mut model, Key::Up);
    press(&mut model, Key::Char(' '));
    press(&mut model, Key::Down);
    press(&mut model, Key::Down);
    let place = |model: &Model| (api(model).list.row(), api(model).list.rows().len());
    let before = place(&model);
    let granted = ["AaaServer.profile.READ", "ZohoCRM.org.READ"];
    assert_eq!(update(&mut model, Message::StatusesLoaded(vec![status(&granted)]), now()), []);
    let more = ["AaaServer.profile.READ", "ZohoCRM.org.READ", "ZohoCRM.users.READ"];
    assert_eq!(update(&mut model, Message::StatusesLoaded(vec![status(&more)]), now()), [read_again(2)]);
    // What is known can be used meanwhile.
    assert!(matches!(api(&model).catalogue, Catalogue::Ready(_)));
    load_granted(&mut model, TaskId(2), &more);
    assert_eq!(place(&model), before);
    assert!(api(&model).selected_entry().is_some_and(|entry| entry.is_granted));
    assert_eq!(update(&mut model, Message::StatusesLoaded(vec![status(&more)]), now()), []);
}

#[test]
fn a_profile_that_was_signed_out_elsewhere_is_told_so_and_one_that_was_signed_in_has_its_calls() {
    let mut model = panel();
    assert_eq!(update(&mut model, Message::StatusesLoaded(vec![status(&[])]), now()), [read_again(2)]);
    let failed = |code| Box::new(Err(Error::new(code, "no")));
    update(&mut model, Message::TestCallsLoaded { task: TaskId(2), result: failed(Code::SignInNeeded) }, now());
    assert!(matches!(api(&model).catalogue, Catalogue::Failed(_)));
    let granted = ["AaaServer.profile.READ"];
    assert_eq!(update(&mut model, Message::StatusesLoaded(vec![status(&granted)]), now()), [read_again(3)]);
    load_granted(&mut model, TaskId(3), &granted);
    // What cannot be read for a while takes nothing away.
    assert_eq!(update(&mut model, Message::StatusesLoaded(vec![status(&[])]), now()), [read_again(4)]);
    update(&mut model, Message::TestCallsLoaded { task: TaskId(4), result: failed(Code::Network) }, now());
    assert!(matches!(api(&model).catalogue, Catalogue::Ready(_)));
}

/// Puts the cursor on a call without its scope, below the one of its product that has it.
fn to_users(model: &mut Model) {
    for _ in 0..3 {
        press(model, Key::Down);
    }
}

#[test]
fn where_the_missing_scope_is_known_nothing_is_guessed() {
    let names_it = |lacks_it: bool, body: &str| {
        let mut model = panel();
        if lacks_it {
            to_users(&mut model);
        }
        press(&mut model, Key::Enter);
        answered(&mut model, 2, Ok(refusal(401, &[], body, Diagnosis::MissingScope)));
        let exchange = api(&model).exchange().expect("an answer");
        api(&model).names_missing_scope(exchange, exchange.outcome.as_ref().expect("an answer"))
    };
    assert_eq!((names_it(true, "{}"), names_it(false, "{}")), (true, false));
}

#[test]
fn an_answer_that_contradicts_the_list_has_the_grants_read_anew() {
    let mut model = panel();
    to_users(&mut model);
    press(&mut model, Key::Enter);
    assert_eq!(answered(&mut model, 2, Ok(answer("{}"))), [read_again(3)]);
    let granted = ["AaaServer.profile.READ", "ZohoCRM.users.READ"];
    load_granted(&mut model, TaskId(3), &granted);
    press(&mut model, Key::Enter);
    assert_eq!(answered(&mut model, 4, Ok(answer("{}"))), []);
    press(&mut model, Key::Enter);
    assert_eq!(answered(&mut model, 5, Ok(refusal(401, &[], "{}", Diagnosis::MissingScope))), [read_again(6)]);
}

#[test]
fn enter_sends_the_call_at_the_cursor() {
    let mut model = panel();
    assert_eq!(press(&mut model, Key::Enter), [call_effect(2, who_am_i())]);
}

#[test]
fn nothing_can_be_sent_before_the_calls_are_known() {
    let mut model = empty();
    model.go(Go::Api(name("work")), now());
    for key in [Key::Enter, Key::Char('s'), Key::Char('e'), Key::Down] {
        assert_eq!(press(&mut model, key), [], "{key:?}");
    }
    assert_eq!(model.top.commands(&model.around), [Command::NextPane, Command::Help, Command::Back]);
}

#[test]
fn a_call_that_lacks_its_scope_can_be_tried_all_the_same() {
    let mut model = panel();
    to_users(&mut model);
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Call { call, .. }] if call.url.path() == "/crm/v8/users"));
}

#[test]
fn the_answer_of_the_last_request_is_shown() {
    let mut model = panel();
    press(&mut model, Key::Enter);
    press(&mut model, Key::Enter);
    assert_eq!(answered(&mut model, 3, Ok(answer("{}"))), []);
    assert_eq!((api(&model).shown, api(&model).history.iter().count()), (Some(TaskId(3)), 1));
}

#[test]
fn the_answer_of_an_earlier_request_goes_to_the_history_only() {
    let mut model = panel();
    press(&mut model, Key::Enter);
    press(&mut model, Key::Enter);
    answered(&mut model, 2, Ok(answer("[1]")));
    assert_eq!((api(&model).shown, api(&model).history.iter().count()), (None, 1));
    answered(&mut model, 3, Ok(answer("[2]")));
    assert_eq!((api(&model).shown, api(&model).history.iter().count()), (Some(TaskId(3)), 2));
}

#[test]
fn an_answer_that_nobody_waits_for_is_dropped() {
    let mut model = panel();
    assert_eq!(answered(&mut model, 9, Ok(answer("{}"))), []);
    assert_eq!(api(&model).history.iter().count(), 0);
}

#[test]
fn esc_cancels_the_request_under_way_before_it_leaves() {
    let mut model = panel();
    press(&mut model, Key::Enter);
    assert_eq!(press(&mut model, Key::Esc), [Effect::Cancel(TaskId(2))]);
    assert_eq!(model.scope(), Scope::Api);
    answered(&mut model, 2, Ok(answer("{}")));
    assert_eq!(api(&model).history.iter().count(), 0);
    assert_eq!(press(&mut model, Key::Esc), [Effect::LoadStatuses]);
    assert_ne!(model.scope(), Scope::Api);
}

#[test]
fn leaving_and_coming_back_keeps_the_answers() {
    let mut model = with_answer("{}");
    assert_eq!(press(&mut model, Key::Char('q')), [Effect::LoadStatuses]);
    let effects = model.go(Go::Api(name("work")), now());
    assert_eq!(effects, [past_calls("work"), Effect::LoadTestCalls { task: TaskId(3), profile: name("work") }]);
    assert_eq!((api(&model).history.iter().count(), api(&model).shown), (1, Some(TaskId(2))));
}

#[test]
fn another_profile_keeps_the_answers_and_cancels_what_is_under_way() {
    let mut model = with_answer("{}");
    press(&mut model, Key::Enter);
    let effects = model.go(Go::Api(name("other")), now());
    let load = Effect::LoadTestCalls { task: TaskId(4), profile: name("other") };
    assert_eq!(effects, [Effect::Cancel(TaskId(3)), past_calls("other"), load]);
    assert_eq!((api(&model).history.iter().count(), api(&model).shown), (1, None));
}

#[test]
fn a_test_call_that_is_edited_becomes_the_own_request() {
    let mut model = panel();
    assert_eq!(press(&mut model, Key::Char('e')), []);
    assert!(api(&model).focus == Focus::Form && api(&model).is_own_request());
    press(&mut model, Key::End);
    type_text(&mut model, "?x=1");
    let url = "https://accounts.zoho.eu/oauth/user/info?x=1".parse().expect("an address");
    assert_eq!(press(&mut model, Key::Enter), [call_effect(2, Call { url, ..who_am_i() })]);
    assert_eq!(api(&model).focus, Focus::Answer);
}

#[test]
fn an_address_that_was_typed_gives_way_to_the_next_one_as_that_of_a_test_call_does() {
    type Does<'a> = &'a dyn Fn(&mut Model);
    let whole = "https://www.zohoapis.eu/b?c=d";
    let at = |path: &str| format!("https://www.zohoapis.eu{path}");
    let paste = |model: &mut Model, text: &str| drop(update(model, Message::Pasted(text.to_owned()), now()));
    let cases: [(&str, Does<'_>, String); 7] = [
        ("typed", &|model| type_text(model, "/b"), at("/b")),
        ("pasted", &|model| paste(model, "/b"), at("/b")),
        ("edited", &|model| drop((press(model, Key::Right), type_text(model, "b"))), at("/ab")),
        ("pasted whole", &|model| paste(model, whole), whole.to_owned()),
        (
            "pasted behind another address in its path",
            &|model| drop((press(model, Key::Right), type_text(model, "/https://a.example/"), paste(model, "b"))),
            at("/a/https://a.example/b"),
        ),
        ("pasted whole into it", &|model| drop((press(model, Key::Right), paste(model, whole))), whole.to_owned()),
        (
            "pasted whole into its query",
            &|model| drop((press(model, Key::Right), type_text(model, "?c="), paste(model, "https://a.example/b"))),
            at("/a?c=https://a.example/b"),
        ),
    ];
    for (case, does, sent) in cases {
        for known in [false, true] {
            let mut model = panel();
            if known {
                load_at(&mut model, "/a");
            } else {
                press(&mut model, Key::Home);
                press(&mut model, Key::Char('e'));
                type_text(&mut model, "/a");
                press(&mut model, Key::Esc);
                assert_eq!(api(&model).form.address.text(), "/a", "what is typed stays");
                press(&mut model, Key::Char('e'));
            }
            assert_eq!(api(&model).form.hint(), "Typing replaces the address, Right edits it.");
            does(&mut model);
            let effects = press(&mut model, Key::Enter);
            let url = |effect: &Effect| matches!(effect, Effect::Call { call, .. } if call.url.as_str() == sent);
            assert!(effects.iter().any(url), "{case}: {effects:?}");
        }
    }
}

/// Opens the form as for a call of the catalogue with this path.
fn load_at(model: &mut Model, path: &str) {
    let panel = model.find_mut::<ApiPanel>().expect("the panel is open");
    let url = format!("https://www.zohoapis.eu{path}").parse().expect("an address");
    let call = Call { url, ..who_am_i() };
    let form = super::RequestForm::of(&call).at(&panel.test_calls().expect("they are known").data_center);
    panel.form = form;
    panel.open_form();
}

#[test]
fn the_way_out_says_that_it_cancels_while_a_call_is_under_way() {
    let label = |model: &Model| model.top.label(&model.around, Command::Back);
    let mut model = panel();
    assert_eq!(label(&model), None);
    press(&mut model, Key::Enter);
    assert_eq!(label(&model), Some("cancel"));
    answered(&mut model, 2, Ok(answer("{}")));
    assert_eq!(label(&model), None);
}

#[test]
fn method_headers_and_body_are_sent_as_typed() {
    let mut model = panel();
    press(&mut model, Key::Home);
    press(&mut model, Key::Enter);
    type_text(&mut model, "/crm/v8/Leads");
    press(&mut model, Key::BackTab);
    press(&mut model, Key::Char('p'));
    for _ in 0..3 {
        press(&mut model, Key::Tab);
    }
    type_text(&mut model, "X-Trace:  q?/s");
    press(&mut model, Key::Enter);
    press(&mut model, Key::Tab);
    assert_eq!(update(&mut model, Message::Pasted("{\"data\":\n[]}".to_owned()), now()), []);
    let call = Call {
        method: Method::Post,
        url: "https://www.zohoapis.eu/crm/v8/Leads".parse().expect("an address"),
        headers: vec![
            ("X-Trace".to_owned(), "q?/s".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: b"{\"data\":\n[]}".to_vec(),
    };
    assert_eq!(press(&mut model, Key::Ctrl('s')), []);
    assert!(matches!(&model.around.overlay, Some(Overlay::Confirm { command: Command::Send, .. })));
    assert_eq!(press(&mut model, Key::Char('n')), []);
    press(&mut model, Key::Char('s'));
    assert_eq!(press(&mut model, Key::Char('y')), [call_effect(2, call)]);
}

#[test]
fn what_may_change_something_is_asked_about_each_time_and_enter_opens_the_form() {
    let is_asked = |model: &Model| matches!(model.around.overlay, Some(Overlay::Confirm { .. }));
    for (letter, asks) in [('p', true), ('u', true), ('a', true), ('d', true), ('g', false)] {
        for (way, leaves, changes) in
            [("at once", false, false), ("after leaving", true, false), ("changed", false, true)]
        {
            let case = format!("{letter}, {way}");
            let mut model = with_typed("/x", "");
            for key in [Key::BackTab, Key::BackTab, Key::BackTab, Key::Char(letter), Key::Ctrl('s')] {
                press(&mut model, key);
            }
            assert_eq!(is_asked(&model), asks, "{case}");
            press(&mut model, Key::Char('y'));
            answered(&mut model, 2, Ok(answer("{}")));
            if leaves {
                press(&mut model, Key::Esc);
                model.go(Go::Api(name("work")), now());
                load(&mut model, TaskId(3));
            }
            if changes {
                press(&mut model, Key::Char('e'));
                press(&mut model, Key::Tab);
                press(&mut model, Key::Right);
                update(&mut model, Message::Pasted("y".to_owned()), now());
                press(&mut model, Key::Esc);
            }
            press(&mut model, Key::Char('s'));
            assert_eq!(is_asked(&model), asks, "{case}");
            // Esc cancels what was sent unasked.
            press(&mut model, if asks { Key::Char('n') } else { Key::Esc });
            if api(&model).focus == Focus::Answer {
                press(&mut model, Key::BackTab);
            }
            assert_eq!(press(&mut model, Key::Enter), [], "{case}");
            assert_eq!((api(&model).focus, is_asked(&model)), (Focus::Form, false), "{case}");
        }
    }
}

#[test]
fn a_call_that_may_have_been_acted_on_is_asked_about_before_f_sends_it_again() {
    for (letter, asks) in [('p', true), ('d', true), ('g', false), ('h', false)] {
        let mut model = with_typed("/x", "");
        for key in [Key::BackTab, Key::BackTab, Key::BackTab, Key::Char(letter), Key::Ctrl('s'), Key::Char('y')] {
            press(&mut model, key);
        }
        answered(&mut model, 2, Err(Error::new(Code::Network, "the answer did not come whole")));
        let mut sent = press(&mut model, Key::Char('f'));
        assert_eq!(sent.is_empty(), asks, "{letter}");
        if asks {
            sent = press(&mut model, Key::Char('y'));
        }
        assert!(matches!(&sent[..], [Effect::Call { .. }]), "{letter}: {sent:?}");
    }
}

#[test]
fn what_cannot_be_sent_as_typed_is_told_in_the_form() {
    let mut model = with_answer("{}");
    press(&mut model, Key::Home);
    press(&mut model, Key::Char('e'));
    let problem = |model: &Model| (api(model).focus, api(model).form.problem.clone());
    for key in [Key::Ctrl('s'), Key::Enter] {
        assert_eq!(press(&mut model, key), []);
        assert_eq!(problem(&model), (Focus::Form, Some("An address is needed.".to_owned())));
    }
    type_text(&mut model, "/crm/v8/org");
    assert_eq!(problem(&model), (Focus::Form, None));
    press(&mut model, Key::Tab);
    press(&mut model, Key::Tab);
    type_text(&mut model, "no header");
    assert_eq!(press(&mut model, Key::Ctrl('s')), []);
    let (focus, told) = problem(&model);
    assert!(focus == Focus::Form && told.is_some_and(|told| told.contains("no header")));
    press(&mut model, Key::Esc);
    assert_eq!(press(&mut model, Key::Char('s')), []);
    assert_eq!(api(&model).focus, Focus::Form);
}

/// A request of one's own whose body is to be read from a file, sent as task 2.
fn with_file() -> Model {
    let mut model = with_typed("/x", "");
    press(&mut model, Key::Tab);
    type_text(&mut model, "@/none/lead.json");
    assert!(matches!(&press(&mut model, Key::Ctrl('s'))[..], [Effect::Call { .. }]));
    model
}

fn not_sent(model: &mut Model) {
    let error = Error::new(Code::Usage, "the body could not be read from /none/lead.json")
        .because("it is not there")
        .advise("check the path");
    assert_eq!(update(model, Message::NotSent { task: TaskId(2), error }, now()), []);
}

#[test]
fn a_body_that_cannot_be_read_is_told_in_the_form_where_nothing_is_lost() {
    let mut model = with_file();
    not_sent(&mut model);
    let panel = api(&model);
    let told = "The body could not be read from /none/lead.json: it is not there. What helps: check the path.";
    assert_eq!(panel.form.problem.as_deref().map(str::to_lowercase), Some(told.to_lowercase()));
    assert_eq!((panel.focus, panel.form.body.text().as_str()), (Focus::Form, "@/none/lead.json"));
    assert!(panel.under_way.is_empty() && panel.earlier().is_empty());
}

#[test]
fn a_body_that_cannot_be_read_is_told_with_the_answer_where_the_form_has_another_one_by_now() {
    let mut model = with_file();
    press(&mut model, Key::Char('e'));
    type_text(&mut model, "2");
    not_sent(&mut model);
    let panel = api(&model);
    assert_eq!((panel.form.problem.clone(), panel.form.body.text().as_str()), (None, "@/none/lead.json2"));
    assert!(panel.refused.as_ref().is_some_and(|(_, error)| error.to_string().contains("not there")));
}

#[test]
fn what_could_not_be_sent_leaves_nothing_to_read_and_can_be_edited() {
    let mut model = refused(refusal(401, &[], "{}", Diagnosis::BadToken));
    let Effect::Refresh { task, .. } = press(&mut model, Key::Char('f')).remove(0) else { panic!("a refresh") };
    let result = Err(Error::new(Code::Provider, "no"));
    update(&mut model, Message::Refreshed { task, profile: name("work"), result }, now());
    press(&mut model, Key::Tab);
    let (view, offered) = (api(&model).side, model.top.commands(&model.around));
    for (key, command) in [
        ('y', Command::CopyAnswer),
        ('w', Command::SaveAnswer),
        ('v', Command::NextView),
        ('p', Command::CopyPath),
        (' ', Command::Fold),
        ('/', Command::Find),
    ] {
        assert_eq!(press(&mut model, Key::Char(key)), [], "{key}");
        assert!(!offered.contains(&command), "{command:?}");
    }
    assert_eq!((api(&model).side, api(&model).focus), (view, Focus::Answer));
    assert!(offered.contains(&Command::Edit) && offered.contains(&Command::Send));
    press(&mut model, Key::Esc);
    assert!(model.top.commands(&model.around).contains(&Command::CopyAnswer));
}

#[test]
fn the_footer_begins_with_what_is_done_in_the_pane_that_has_the_keys() {
    let first = |model: &Model| model.top.commands(&model.around)[..3].to_vec();
    let to_send = [Command::Send, Command::Edit, Command::CopyCurl];
    let mut model = with_answer("{}");
    assert_eq!((first(&panel()), first(&model)), (to_send.to_vec(), to_send.to_vec()));
    press(&mut model, Key::Tab);
    assert_eq!(first(&model), [Command::NextPane, Command::NextView, Command::CopyAnswer]);
}

#[test]
fn what_was_typed_gives_way_to_another_request_only_where_a_person_says_so() {
    let mut model = with_typed("/crm/v8/org", "");
    press(&mut model, Key::Tab);
    type_text(&mut model, "{\"precious\":1}");
    press(&mut model, Key::Esc);
    let typed = |model: &Model| (api(model).form.address.text(), api(model).form.body.text());
    let before = typed(&model);
    assert_eq!(before.1, "{\"precious\":1}");
    press(&mut model, Key::Down);
    press(&mut model, Key::Down);
    for (answer, is_kept) in [('n', true), ('y', false)] {
        assert_eq!(press(&mut model, Key::Char('e')), []);
        assert!(matches!(&model.around.overlay, Some(Overlay::Confirm { command: Command::Edit, .. })));
        assert_eq!(press(&mut model, Key::Char(answer)), []);
        assert_eq!((typed(&model) == before, api(&model).focus == Focus::Form), (is_kept, !is_kept), "{answer}");
    }
    // Nobody typed what stands there now, until somebody adds to it.
    let to_earlier = |model: &mut Model| {
        for key in [Key::Esc, Key::Char('r'), Key::Enter] {
            press(model, key);
        }
    };
    recall(&mut model, vec![past("https://www.zohoapis.eu/crm/v8/Leads", 3)]);
    to_earlier(&mut model);
    assert_eq!((model.around.overlay.clone(), typed(&model).0.as_str()), (None, "/crm/v8/Leads"));
    type_text(&mut model, "x");
    to_earlier(&mut model);
    assert!(matches!(&model.around.overlay, Some(Overlay::Confirm { command: Command::Edit, .. })));
    assert_eq!(typed(&model).0, "x");
    press(&mut model, Key::Char('y'));
    assert_eq!(typed(&model).0, "/crm/v8/Leads");
}

#[test]
fn what_was_typed_is_there_for_another_profile_too() {
    let mut model = with_typed("/crm/v8/org", "X-Trace: 1");
    press(&mut model, Key::Esc);
    model.go(Go::Api(name("other")), now());
    assert_eq!(
        (api(&model).form.address.text(), api(&model).form.headers.text()),
        ("/crm/v8/org".to_owned(), "X-Trace: 1".to_owned())
    );
}

#[test]
fn esc_leaves_the_form_and_keeps_what_was_typed() {
    let mut model = panel();
    press(&mut model, Key::Home);
    press(&mut model, Key::Char('e'));
    type_text(&mut model, "/x");
    assert_eq!(press(&mut model, Key::Esc), []);
    let url = "https://www.zohoapis.eu/x".parse().expect("an address");
    assert_eq!(press(&mut model, Key::Char('s')), [call_effect(2, Call { url, ..who_am_i() })]);
}

/// A request of one's own with this address, header, and after a tab this body in its form.
fn with_typed(address: &str, header: &str) -> Model {
    let mut model = panel();
    press(&mut model, Key::Home);
    press(&mut model, Key::Char('e'));
    type_text(&mut model, address);
    press(&mut model, Key::Tab);
    press(&mut model, Key::Tab);
    for (number, part) in header.split('\t').enumerate() {
        if number > 0 {
            press(&mut model, Key::Tab);
        }
        type_text(&mut model, part);
    }
    model
}

#[test]
fn an_address_or_a_header_that_is_none_is_refused_before_anything_is_sent() {
    for (address, header) in [("crm", ""), ("//evil.example", ""), ("/x", "no colon")] {
        let mut model = with_typed(address, header);
        assert_eq!(press(&mut model, Key::Ctrl('s')), [], "{address} {header}");
        assert!(api(&model).form.problem.is_some() && api(&model).focus == Focus::Form);
        assert_eq!(press(&mut model, Key::Esc), []);
        assert_eq!((api(&model).focus, model.scope()), (Focus::Requests, Scope::Api));
    }
}

#[test]
fn what_would_be_refused_anyway_is_told_in_the_form_before_it_is_sent() {
    for (address, header, reason) in [
        ("https://evil.example/x", "", "https://evil.example is not among the places"),
        ("https://dana:pw@www.zohoapis.eu/x", "", "The address has a user name"),
        ("//foo.bar/x", "", "has no `https:` before it"),
        ("ftp://www.zohoapis.eu/x", "", "begin with `ftp:` are not called"),
        ("/x", "Authorization: mine", "cannot be set"),
        ("/x", "Content-Type: multipart/form-data\t@", "`name=text` or `name=@FILE`"),
        ("/x", "\t@", "`@` is followed by no file"),
    ] {
        let mut model = with_typed(address, header);
        assert_eq!(press(&mut model, Key::Ctrl('s')), [], "{address} {header}");
        let problem = api(&model).form.problem.clone();
        assert!(problem.as_ref().is_some_and(|problem| problem.contains(reason)), "{problem:?}");
        assert_eq!(api(&model).focus, Focus::Form);
    }
}

#[test]
fn a_host_of_another_data_center_is_tried_since_a_key_mends_that() {
    let mut model = panel();
    if let Some(Catalogue::Ready(known)) = model.find_mut::<ApiPanel>().map(|panel| &mut panel.catalogue) {
        known.others = zoho::provider().data_centers;
    }
    press(&mut model, Key::Home);
    press(&mut model, Key::Char('e'));
    type_text(&mut model, "https://www.zohoapis.com/crm/v8/org");
    assert!(matches!(press(&mut model, Key::Enter).as_slice(), [Effect::Call { .. }]));
    // What is typed by then stays.
    answered(&mut model, 2, Ok(refusal(400, &[], "{}", Diagnosis::WrongDataCenter)));
    for key in [Key::Char('e'), Key::Right, Key::Char('s'), Key::Esc] {
        assert_eq!(press(&mut model, key), []);
    }
    let sent = press(&mut model, Key::Char('f'));
    assert!(
        matches!(&sent[..], [Effect::Call { call, .. }] if call.url.host_str() == Some("www.zohoapis.eu")),
        "{sent:?}"
    );
    assert_eq!(api(&model).form.address.text(), "https://www.zohoapis.com/crm/v8/orgs");
}

#[test]
fn pasted_text_means_nothing_outside_a_field() {
    let mut model = with_answer("{}");
    assert_eq!(update(&mut model, Message::Pasted("/x".to_owned()), now()), []);
    assert!(api(&model).form.is_blank() && api(&model).query.is_none());
}

#[test]
fn v_shows_body_raw_headers_and_request_in_turn() {
    let mut model = with_answer("{}");
    for side in [Side::Raw, Side::Headers, Side::Request, Side::Body] {
        assert_eq!(press(&mut model, Key::Char('v')), []);
        assert_eq!(api(&model).side, side);
    }
}

#[test]
fn the_request_as_sent_never_has_a_token() {
    let model = with_answer("{}");
    let exchange = api(&model).exchange().expect("an answer");
    let sent = exchange.request.document().text();
    assert_eq!(sent, "GET https://accounts.zoho.eu/oauth/user/info\nauthorization: Zoho-oauthtoken ****\naccept: */*");
}

#[test]
fn y_copies_the_value_at_the_cursor() {
    let mut model = with_answer(r#"{"email":"d@example.com"}"#);
    press(&mut model, Key::Tab);
    press(&mut model, Key::Down);
    assert_eq!(press(&mut model, Key::Char('y')), [Effect::Copy(ToCopy::text("d@example.com", "the value"))]);
}

#[test]
fn what_is_too_long_for_a_clipboard_is_not_sent_there() {
    let mut model = with_answer(&format!("\"{}\"", "x".repeat(100_001)));
    assert_eq!(press(&mut model, Key::Char('y')), []);
    assert_eq!(model.around.notice.as_ref().and_then(|notice| notice.mark), Some(Mark::Attention));
}

#[test]
fn u_copies_a_curl_command_with_the_token_hidden() {
    let mut model = panel();
    let curl = "curl --globoff -H \"Authorization: Zoho-oauthtoken $DEVICE_LOGIN_ACCESS_TOKEN\" 'https://accounts.zoho.eu/oauth/user/info'";
    assert_eq!(
        press(&mut model, Key::Char('u')),
        [Effect::Copy(ToCopy::text(curl, "the curl command, token hidden,"))]
    );
}

/// The text that lies over the panel after it was sent to the clipboard.
fn overlay_text(model: &Model) -> Option<&str> {
    match &model.around.overlay {
        Some(Overlay::Sent(sent)) => Some(&sent.text),
        _ => None,
    }
}

#[test]
fn inside_tmux_its_own_word_comes_and_nothing_lies_over_the_panel() {
    let mut model = with_answer(r#"{"a":[1,2]}"#);
    model.around.clipboard = Clipboard::Tmux;
    assert!(matches!(press(&mut model, Key::Char('u')).as_slice(), [Effect::Copy(_)]));
    press(&mut model, Key::Tab);
    for key in ['y', 'p'] {
        assert!(matches!(press(&mut model, Key::Char(key)).as_slice(), [Effect::Copy(_)]), "{key}");
        assert!(model.around.overlay.is_none() && model.around.notice.is_none(), "{key}");
    }
}

#[test]
fn what_was_sent_and_is_not_in_sight_is_shown_whole_for_the_mouse_until_a_key_comes() {
    let mut model = panel();
    press(&mut model, Key::Char('u'));
    assert!(overlay_text(&model).is_some_and(|text| text.starts_with("curl --globoff")));
    assert!(!crate::tui::mouse::is_wanted(&model));
    assert_eq!(press(&mut model, Key::Down), []);
    assert!(model.around.overlay.is_none() && crate::tui::mouse::is_wanted(&model));
}

#[test]
fn a_value_is_shown_whole_only_where_the_pane_does_not() {
    let long = "x".repeat(100);
    let mut model = with_answer(&format!(r#"{{"short":"abc","long":"{long}","list":[1,2],"escaped":"a\"b"}}"#));
    press(&mut model, Key::Tab);
    let mut told = |downs: usize| {
        (0..downs).for_each(|_| drop(press(&mut model, Key::Down)));
        press(&mut model, Key::Char('y'));
        let text = overlay_text(&model).map(str::to_owned);
        model.around.overlay = None;
        text
    };
    assert_eq!(told(1), None);
    assert_eq!(told(1), Some(long));
    assert_eq!(told(1).as_deref(), Some("[1,2]"));
    assert_eq!(told(4).as_deref(), Some("a\"b"));
}

#[test]
fn the_notice_holds_a_short_path_and_the_screen_a_long_one() {
    let mut model = with_answer(&format!(r#"{{"a":1,"{}":2}}"#, "n".repeat(60)));
    press(&mut model, Key::Tab);
    press(&mut model, Key::Down);
    press(&mut model, Key::Char('p'));
    let said = model.around.notice.as_ref().map(|notice| notice.text.as_str());
    assert_eq!((said, overlay_text(&model)), (Some("Sent .a to your terminal."), None));
    press(&mut model, Key::Down);
    press(&mut model, Key::Char('p'));
    assert!(overlay_text(&model).is_some_and(|text| text.starts_with(".nnn")));
}

#[test]
fn a_long_text_that_was_sent_scrolls_and_any_other_key_closes_it() {
    let lines: Vec<String> = (0..500).map(|line| line.to_string()).collect();
    let mut model = with_answer(&lines.join("\n"));
    press(&mut model, Key::Char('v'));
    press(&mut model, Key::Char('y'));
    press(&mut model, Key::End);
    assert!(matches!(&model.around.overlay, Some(Overlay::Sent(sent)) if sent.scroll > 400));
    press(&mut model, Key::Char('x'));
    assert!(model.around.overlay.is_none());
}

#[test]
fn u_means_the_answer_where_the_answer_has_the_keys() {
    let mut model = with_answer("{}");
    press(&mut model, Key::Down);
    press(&mut model, Key::Tab);
    let effects = press(&mut model, Key::Char('u'));
    assert!(matches!(effects.as_slice(), [Effect::Copy(curl)] if curl.text.expose().contains("/oauth/user/info")));
}

#[test]
fn searching_moves_to_what_is_found_and_esc_moves_back() {
    let mut model = with_answer(r#"{"a":1,"name":2,"b":[{"name":3}]}"#);
    press(&mut model, Key::Tab);
    press(&mut model, Key::Char('/'));
    type_text(&mut model, "name");
    let line = |model: &Model| api(model).text().expect("a text").line();
    assert_eq!(line(&model), 2);
    press(&mut model, Key::Enter);
    press(&mut model, Key::Char('n'));
    assert_eq!(line(&model), 5);
    press(&mut model, Key::Char('N'));
    assert_eq!(line(&model), 2);
    press(&mut model, Key::Char('/'));
    type_text(&mut model, "b");
    assert_eq!(line(&model), 3);
    assert_eq!(press(&mut model, Key::Esc), []);
    assert_eq!((line(&model), api(&model).query.is_none()), (2, true));
}

#[test]
fn an_earlier_answer_can_be_shown_again() {
    let mut model = with_answer("[1]");
    press(&mut model, Key::Enter);
    answered(&mut model, 3, Ok(answer("[2]")));
    for key in [Key::Char('r'), Key::Down, Key::Enter] {
        assert_eq!(press(&mut model, key), []);
    }
    assert_eq!((api(&model).shown, api(&model).focus), (Some(TaskId(2)), Focus::Answer));
}

#[test]
fn twenty_answers_are_kept_and_the_one_on_the_screen_whatever_its_age() {
    let mut model = with_answer("[1]");
    (3..=60).for_each(|_| drop(press(&mut model, Key::Enter)));
    // The last request stays without an answer, so the first answer stays on the screen.
    for task in 3..60 {
        answered(&mut model, task, Ok(answer("[2]")));
    }
    assert_eq!((api(&model).history.iter().count(), api(&model).shown), (20, Some(TaskId(2))));
}

#[test]
fn long_answers_make_room_for_new_ones() {
    let mut model = panel();
    let long = "x".repeat(30 * 1024 * 1024);
    for task in 2..6 {
        press(&mut model, Key::Enter);
        answered(&mut model, task, Ok(answer(&long)));
    }
    let kept: Vec<TaskId> = api(&model).history.iter().map(|exchange| exchange.task).collect();
    assert_eq!(kept, [TaskId(5), TaskId(4)]);
}

#[test]
fn a_call_that_failed_without_an_answer_is_kept_with_its_error() {
    let mut model = panel();
    press(&mut model, Key::Enter);
    let error = Error::new(Code::Network, "no answer");
    assert_eq!(answered(&mut model, 2, Err(error.clone())), []);
    let exchange = api(&model).exchange().expect("an exchange");
    assert_eq!(exchange.outcome.as_ref().err(), Some(&error));
    for key in ['v', 'y', '/', 'z', 'n', 'p', 'w'] {
        press(&mut model, Key::Char(key));
        press(&mut model, Key::Esc);
        model.go(Go::Api(name("work")), now());
    }
}

#[test]
fn a_page_is_as_long_as_the_pane_after_every_change_of_the_window() {
    let lines: Vec<String> = (0..500).map(|line| line.to_string()).collect();
    let mut model = with_answer(&format!("[{}]", lines.join(",")));
    press(&mut model, Key::Tab);
    for (rows, expected) in [(24, 12), (40, 28), (12, 5)] {
        update(&mut model, Message::Resized { columns: 80, rows }, now());
        press(&mut model, Key::Home);
        press(&mut model, Key::PageDown);
        assert_eq!(api(&model).text().expect("a text").line(), expected, "{rows}");
    }
}

#[test]
fn nothing_wakes_the_panel() {
    assert_eq!(crate::tui::next_wakeup(&with_answer("{}"), now()), None);
}

#[test]
fn a_long_text_is_searched_elsewhere_and_only_for_what_is_typed_last() {
    let mut model = with_answer(&format!("[{}\"needle\"]", "\"hay\",".repeat(60_000)));
    press(&mut model, Key::Tab);
    press(&mut model, Key::Char('/'));
    let first = press(&mut model, Key::Char('h'));
    let second = press(&mut model, Key::Backspace);
    let third = press(&mut model, Key::Char('n'));
    let find = |effects: &[Effect]| match effects {
        [Effect::WorkOnText { task, job }] => (*task, job.clone().run(&|| true)),
        other => panic!("{other:?}"),
    };
    let line = |model: &Model| api(model).text().expect("a text").line();
    assert_eq!(second, []);
    let (task, done) = find(&first);
    assert_eq!(update(&mut model, Message::TextDone { task, done }, now()), []);
    assert_eq!(line(&model), 0);
    let (task, done) = find(&third);
    update(&mut model, Message::TextDone { task, done }, now());
    assert_eq!(line(&model), 60_001);
}

#[test]
fn p_copies_the_path_to_the_value() {
    let mut model = with_answer(r#"{"users":[{"email":"d@example.com"}]}"#);
    press(&mut model, Key::Tab);
    for _ in 0..3 {
        press(&mut model, Key::Down);
    }
    assert_eq!(press(&mut model, Key::Char('p')), [Effect::Copy(ToCopy::text(".users[0].email", "the path"))]);
}

#[test]
fn w_saves_the_body_as_it_was_sent_and_says_where() {
    let mut model = with_answer("{\"a\": 1.50}");
    assert_eq!(press(&mut model, Key::Char('w')), []);
    let mut typed = model.around.overlay.clone();
    let effects = press(&mut model, Key::Enter);
    let [Effect::Save(save_as)] = effects.as_slice() else { panic!("{effects:?}") };
    let (name, content) = (save_as.name(), &save_as.content);
    assert_eq!((name.as_str(), content.bytes()), ("oauth-user-info-20260314-140300.json", &b"{\"a\": 1.50}"[..]));
    // The name is the person's, and without one nothing is saved.
    std::mem::swap(&mut model.around.overlay, &mut typed);
    press(&mut model, Key::Ctrl('u'));
    assert_eq!(press(&mut model, Key::Enter), []);
    for key in "../b".chars() {
        press(&mut model, Key::Char(key));
    }
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Save(save_as)] if save_as.name() == "../b"), "{effects:?}");
    update(&mut model, Message::Saved(Ok("/home/dana/org\u{1b}.json".into())), now());
    let said = model.around.notice.as_ref().map(|notice| notice.text.as_str());
    assert_eq!(said, Some("Saved as /home/dana/org<U+001B>.json, for you alone."));
}

#[test]
fn a_name_under_which_nothing_can_be_saved_is_asked_about_again_as_it_was_typed() {
    let mut model = with_answer("{}");
    press(&mut model, Key::Char('w'));
    let mut typed = "/none/x.json".to_owned();
    for key in typed.chars() {
        press(&mut model, Key::Char(key));
    }
    for added in ['5', '6'] {
        let mut effects = press(&mut model, Key::Enter);
        let Some(Effect::Save(save_as)) = effects.pop() else { panic!("{effects:?}") };
        assert_eq!((save_as.name(), &model.around.overlay), (typed.clone(), &None));
        let error = Error::new(Code::Other, "it could not be written");
        update(&mut model, Message::Saved(Err(Box::new((save_as, error)))), now());
        let Some(Overlay::SaveAs(_)) = &model.around.overlay else { panic!("it asks again") };
        press(&mut model, Key::Char(added));
        typed.push(added);
    }
}

/// The panel with the beginning of a long answer.
fn with_long(long: Long) -> Model {
    let mut model = panel();
    press(&mut model, Key::Enter);
    let answer = Answer { long: Some(long), ..answer(r#"{"data":[{"id":1},{"id":2},{"i"#) };
    answered(&mut model, 2, Ok(answer));
    model
}

fn is_kept(model: &Model) -> bool {
    let newest_last = api(model).history.iter().last().expect("an answer");
    let reply = newest_last.outcome.as_ref().expect("it came");
    matches!(&reply.content, Content::Long(_, long) if long.is_kept())
}

#[test]
fn a_long_answer_is_shown_as_json_and_its_file_is_kept_while_it_is_shown() {
    let long = || Long::kept(tempfile::tempfile().expect("a file"), 104_857_600);
    let mut model = with_long(long());
    let text = api(&model).text().expect("a text");
    assert!(text.document().is_json() && text.document().text() == r#"{"data":[{"id":1},{"id":2}]}"#);
    press(&mut model, Key::Char('w'));
    assert!(matches!(&model.around.overlay, Some(Overlay::SaveAs(_))));
    assert!(
        matches!(&press(&mut model, Key::Enter)[..], [Effect::Save(save_as)] if matches!(save_as.content, Content::Long(..)))
    );
    assert!(is_kept(&model));
    // A new answer replaces it.
    press(&mut model, Key::Enter);
    answered(&mut model, 3, Ok(answer("{}")));
    assert!(!is_kept(&model));
    // So does leaving.
    let mut model = with_long(long());
    press(&mut model, Key::Esc);
    assert!(!is_kept(&model));
    // What comes after that is kept no longer.
    let mut model = panel();
    press(&mut model, Key::Enter);
    press(&mut model, Key::Char('q'));
    answered(&mut model, 2, Ok(Answer { long: Some(long()), ..answer("[1,2") }));
    assert!(!is_kept(&model));
}

#[test]
fn of_a_long_answer_that_was_not_kept_nothing_is_saved() {
    let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let mut model = with_long(Long::lost(64_000_001, &error));
    assert_eq!(press(&mut model, Key::Char('w')), []);
    assert!(model.around.overlay.is_none());
}

#[test]
fn escape_ends_a_search_before_it_leaves() {
    let mut model = with_answer(r#"{"name":"Dana","other":"Dana"}"#);
    let find = |model: &mut Model, word: &str| {
        press(model, Key::Char('/'));
        for key in word.chars() {
            press(model, Key::Char(key));
        }
        press(model, Key::Enter);
    };
    // Of the list and of the answer, whichever has the keys.
    for pane in [Key::Tab, Key::BackTab] {
        find(&mut model, "a");
        press(&mut model, Key::Tab);
        find(&mut model, "Dana");
        press(&mut model, pane);
        assert_eq!(model.top.label(&model.around, Command::Back), Some("end search"));
        assert_eq!((press(&mut model, Key::Esc), model.scope()), (Vec::new(), Scope::Api));
        assert!(api(&model).query.is_none() && api(&model).list.filter.is_some());
        assert_eq!((press(&mut model, Key::Esc), model.scope()), (Vec::new(), Scope::Api));
        assert!(api(&model).list.filter.is_none());
        model.find_mut::<ApiPanel>().expect("the panel").focus = super::Focus::Requests;
    }
    assert_eq!(model.top.label(&model.around, Command::Back), None);
    assert_eq!(press(&mut model, Key::Esc), [Effect::LoadStatuses]);
    assert_ne!(model.scope(), Scope::Api);
}

#[test]
fn the_raw_side_is_what_was_sent_broken_to_the_width_of_the_pane() {
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
    let mut model = with_answer(&body);
    press(&mut model, Key::Char('v'));
    let raw = |model: &Model| api(model).text().expect("a text").document().clone();
    assert_eq!((raw(&model).line_count(), raw(&model).text()), (3, body.as_str()));
    update(&mut model, Message::Resized { columns: 200, rows: 60 }, now());
    assert_eq!(raw(&model).line_count(), 2);
    assert_eq!(press(&mut model, Key::Char('y')), [Effect::Copy(ToCopy::text(body, "the body"))]);
}

/// An answer that the API refused so.
fn refusal(status: u16, headers: &[(&str, &str)], body: &str, diagnosis: Diagnosis) -> Answer {
    let mut answer = answer(body);
    answer.response.status = status;
    answer.response.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    answer.explained =
        Some(Explained::of(&Finding::new(diagnosis, None), &zoho::DIALECT, None, &crate::secret::Known::default()));
    answer
}

/// The panel after the call at the cursor was refused.
fn refused(answer: Answer) -> Model {
    let mut model = panel();
    press(&mut model, Key::Enter);
    answered(&mut model, 2, Ok(answer));
    model
}

fn fixes(model: &Model) -> bool {
    model.top.commands(&model.around).contains(&Command::Fix)
}

#[test]
fn f_refreshes_an_expired_token_and_sends_the_call_again() {
    let mut model = refused(refusal(401, &[], "{}", Diagnosis::BadToken));
    assert_eq!(model.top.label(&model.around, Command::Fix), Some("refresh"));
    let refresh = Effect::Refresh { task: TaskId(3), profile: name("work") };
    assert_eq!(press(&mut model, Key::Char('f')), [refresh]);
    let done = Message::Refreshed { task: TaskId(3), profile: name("work"), result: Ok(()) };
    assert_eq!(update(&mut model, done, now()), [call_effect(4, who_am_i())]);
}

#[test]
fn a_refresh_that_fails_for_good_offers_a_sign_in() {
    let mut model = refused(refusal(401, &[], "{}", Diagnosis::BadToken));
    press(&mut model, Key::Char('f'));
    let error = Error::new(Code::SignInNeeded, "the refresh token was revoked");
    let failed = Message::Refreshed { task: TaskId(3), profile: name("work"), result: Err(error) };
    assert_eq!(update(&mut model, failed, now()), []);
    assert_eq!(model.top.label(&model.around, Command::Fix), Some("sign in"));
    let effects = press(&mut model, Key::Char('f'));
    assert!(matches!(effects.as_slice(), [Effect::StartSignIn { .. }]) && model.scope() == Scope::SignIn);
}

#[test]
fn f_adds_the_scope_that_a_call_lacks_signs_in_and_comes_back_to_the_call() {
    let mut model = panel();
    to_users(&mut model);
    assert_eq!(model.top.label(&model.around, Command::Fix), Some("add scope"));
    let scopes = vec!["ZohoCRM.users.READ".to_owned()];
    let effects = press(&mut model, Key::Char('f'));
    let change = ConfigurationChange::AddScopes { profile: name("work"), scopes };
    assert_eq!(effects, [Effect::ChangeConfiguration { task: TaskId(2), change }]);
    let text = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\nscopes = [\"ZohoCRM.users.READ\"]";
    let config = Config::parse(text, Path::new("config.toml")).expect("valid");
    let written = Message::ConfigurationChanged { task: TaskId(2), result: Box::new(Ok(config)) };
    let effects = update(&mut model, written, now());
    let [Effect::UseConfiguration(_), Effect::StartSignIn { .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((model.around.config.profiles[&name("work")].scopes.len(), model.scope()), (1, Scope::SignIn));
    let effects = model.go(Outcome::SignedIn(name("work")), now());
    let [Effect::LoadPastCalls { .. }, Effect::LoadTestCalls { .. }, Effect::Call { call, .. }] = effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((call.url.path(), model.scope()), ("/crm/v8/users", Scope::Api));
}

#[test]
fn a_scope_that_was_added_for_a_sign_in_that_did_not_happen_is_taken_back() {
    let written = |scopes: &str| {
        let text = format!("[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\nscopes = [{scopes}]");
        Box::new(Ok(Config::parse(&text, Path::new("config.toml")).expect("valid")))
    };
    let mut model = panel();
    to_users(&mut model);
    press(&mut model, Key::Char('f'));
    let result = written("\"ZohoCRM.users.READ\"");
    update(&mut model, Message::ConfigurationChanged { task: TaskId(2), result }, now());
    assert_eq!((model.around.config.profiles[&name("work")].scopes.len(), model.scope()), (1, Scope::SignIn));
    let effects = press(&mut model, Key::Esc);
    let Some(Effect::ChangeConfiguration { task, change }) = effects.last() else { panic!("{effects:?}") };
    let scopes = vec!["ZohoCRM.users.READ".to_owned()];
    assert_eq!(*change, ConfigurationChange::TakeBackScopes { profile: name("work"), scopes });
    update(&mut model, Message::ConfigurationChanged { task: *task, result: written("") }, now());
    assert_eq!((model.around.config.profiles[&name("work")].scopes.len(), model.scope()), (0, Scope::Api));
}

#[test]
fn a_sign_in_that_was_given_up_leads_back_and_sends_nothing() {
    let mut model = refused(refusal(401, &[], "{}", Diagnosis::WrongOrganization));
    press(&mut model, Key::Char('f'));
    assert_eq!(model.scope(), Scope::SignIn);
    let effects = press(&mut model, Key::Esc);
    assert!(matches!(effects.as_slice(), [Effect::GiveUp(_), Effect::LoadStatuses]), "{effects:?}");
    assert_eq!(model.scope(), Scope::Api);
    assert!(api(&model).test_calls().is_some(), "the requests are still there");
    assert_eq!(update(&mut model, Message::GivenUp { has_lost_answer: false }, now()), [Effect::LoadStatuses]);
}

#[test]
fn why_nothing_can_be_called_is_found_out_once_a_code_is_gone() {
    let not_signed_in = |task| {
        let error = Error::new(Code::SignInNeeded, "profile `work` is not signed in");
        Message::TestCallsLoaded { task, result: Box::new(Err(error)) }
    };
    let mut model = empty();
    model.go(Go::Api(name("work")), now());
    update(&mut model, not_signed_in(TaskId(1)), now());
    assert_eq!(model.top.label(&model.around, Command::Fix), Some("sign in"));
    press(&mut model, Key::Char('f'));
    let effects = press(&mut model, Key::Esc);
    // The record has the code still.
    assert!(matches!(effects[..], [Effect::GiveUp(_), Effect::LoadStatuses]), "{effects:?}");
    let effects = update(&mut model, Message::GivenUp { has_lost_answer: false }, now());
    let [Effect::LoadTestCalls { task, .. }, Effect::LoadStatuses] = effects[..] else { panic!("{effects:?}") };
    assert_eq!(update(&mut model, not_signed_in(task), now()), []);
}

#[test]
fn what_a_code_that_waits_wants_is_a_key_here() {
    let mut model = empty();
    model.go(Go::Api(name("work")), now());
    for way in [None, Some(Way::Resume), Some(Way::NewCode), Some(Way::Web), Some(Way::GrantCode)] {
        let advice = match way {
            None => Advice::SignIn(name("work")),
            Some(way) => Advice::SignInBy(name("work"), way),
        };
        let error = Error::new(Code::SignInNeeded, "profile `work` is not signed in").advise(advice);
        model.find_mut::<ApiPanel>().expect("it is open").catalogue = Catalogue::Failed(error.clone());
        let told = crate::tui::advice::hint(&model.around, &*model.top, &error).expect("it is known");
        let expected = match way {
            Some(way @ (Way::Web | Way::GrantCode)) => {
                model.around.command_line.said(&Advice::SignInBy(name("work"), way))
            }
            _ => "press f".to_owned(),
        };
        assert_eq!(told, expected, "{way:?}");
    }
}

#[test]
fn a_scope_that_only_a_hostile_answer_knows_is_not_taken() {
    let body = r#"{"details":{"permissions":["Evil.scope.ALL"]}}"#;
    let mut model = panel();
    press(&mut model, Key::Home);
    press(&mut model, Key::Char('e'));
    type_text(&mut model, "/crm/v8/x");
    press(&mut model, Key::Enter);
    answered(&mut model, 2, Ok(refusal(403, &[], body, Diagnosis::MissingScope)));
    assert!(!fixes(&model));
    press(&mut model, Key::Char('s'));
    let body = r#"{"details":{"permissions":["ZohoCRM.users.READ"]}}"#;
    answered(&mut model, 3, Ok(refusal(403, &[], body, Diagnosis::MissingScope)));
    assert!(fixes(&model));
}

#[test]
fn a_call_waits_for_the_time_that_the_api_named() {
    let mut model = refused(refusal(429, &[("retry-after", "42")], "{}", Diagnosis::RateLimited));
    let later = |seconds| Now { moment: now().moment + Duration::from_secs(seconds), ..now() };
    assert_eq!(crate::tui::next_wakeup(&model, now()), Some(later(1).moment));
    assert_eq!(press(&mut model, Key::Char('f')), []);
    assert_eq!(update(&mut model, Message::Woken, later(41)), []);
    assert_eq!(crate::tui::next_wakeup(&model, later(41)), Some(later(42).moment));
    assert_eq!(update(&mut model, Message::Woken, later(42)), [call_effect(3, who_am_i())]);
}

#[test]
fn esc_stops_the_waiting() {
    let mut model = refused(refusal(429, &[("retry-after", "42")], "{}", Diagnosis::RateLimited));
    press(&mut model, Key::Char('f'));
    assert_eq!(press(&mut model, Key::Esc), []);
    let later = Now { moment: now().moment + Duration::from_secs(60), ..now() };
    assert_eq!((update(&mut model, Message::Woken, later), model.scope()), (Vec::new(), Scope::Api));
    // Its time has come, so it is sent at once.
    assert_eq!(update(&mut model, Message::Key(Key::Char('f')), later), [call_effect(3, who_am_i())]);
}

#[test]
fn a_call_to_another_data_center_is_sent_to_that_of_the_account() {
    let mut model = empty();
    model.go(Go::Api(name("work")), now());
    let provider = zoho::provider();
    let eu = provider.data_center("eu").expect("eu").clone();
    let calls = TestCalls { others: provider.data_centers.clone(), ..TestCalls::new(eu, provider.dialect, &[]) };
    update(&mut model, Message::TestCallsLoaded { task: TaskId(1), result: Box::new(Ok(calls)) }, now());
    press(&mut model, Key::Home);
    press(&mut model, Key::Char('e'));
    type_text(&mut model, "https://desk.zoho.com/api/v1/tickets");
    press(&mut model, Key::Enter);
    answered(&mut model, 2, Err(Error::new(Code::Usage, "it is not among the places to which the token may go")));
    let url = "https://desk.zoho.eu/api/v1/tickets".parse().expect("an address");
    assert_eq!(press(&mut model, Key::Char('f')), [call_effect(3, Call { url, ..who_am_i() })]);
    assert_eq!(api(&model).form.address.text(), "https://desk.zoho.eu/api/v1/tickets");
}

#[test]
fn a_refused_address_is_edited_where_nothing_else_is_known_to_help() {
    for (typed, asks) in [("", false), ("/typed", true)] {
        let mut model = panel();
        if !typed.is_empty() {
            model = with_typed(typed, "");
            for key in [Key::Esc, Key::Down, Key::Down] {
                press(&mut model, key);
            }
        }
        press(&mut model, Key::Enter);
        answered(&mut model, 2, Ok(refusal(401, &[], "{}", Diagnosis::WrongDataCenter)));
        assert_eq!(model.top.label(&model.around, Command::Fix), Some("edit address"));
        assert_eq!(press(&mut model, Key::Char('f')), []);
        assert_eq!(model.around.overlay.is_some(), asks);
        if asks {
            press(&mut model, Key::Char('y'));
        }
        assert_eq!((model.scope(), api(&model).focus), (Scope::Api, Focus::Form));
        assert_eq!(api(&model).form.address.text(), "https://accounts.zoho.eu/oauth/user/info");
    }
}

#[test]
fn what_somebody_else_has_to_do_has_no_key() {
    for diagnosis in [Diagnosis::ApiAccessOff, Diagnosis::NoPermission, Diagnosis::WrongScheme, Diagnosis::Unclear] {
        let mut model = refused(refusal(403, &[], "{}", diagnosis));
        assert!(!fixes(&model));
        assert_eq!(press(&mut model, Key::Char('f')), []);
    }
}

#[test]
fn products_fold_and_the_list_is_searched() {
    let mut model = panel();
    press(&mut model, Key::Char(' '));
    assert_eq!(press(&mut model, Key::Enter), []);
    press(&mut model, Key::Char('/'));
    type_text(&mut model, "desk org");
    assert_eq!(api(&model).focus, Focus::Filter);
    press(&mut model, Key::Home);
    press(&mut model, Key::Enter);
    press(&mut model, Key::Home);
    press(&mut model, Key::Down);
    press(&mut model, Key::Down);
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Call { call, .. }] if call.url.path() == "/api/v1/organizations"));
    press(&mut model, Key::Esc);
    assert_eq!(press(&mut model, Key::Esc), []);
    assert!(api(&model).list.filter.is_none() && model.scope() == Scope::Api);
}

#[test]
fn a_long_raw_text_is_there_at_once_and_broken_to_the_end_elsewhere_one_width_at_a_time() {
    let body = "0123456789".repeat(100_000);
    let mut model = with_answer(&body);
    let effects = press(&mut model, Key::Char('v'));
    let [Effect::WorkOnText { task, job: job @ TextJob::Wrap { text, columns } }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let lines = |model: &Model| api(model).text().expect("a text").document().line_count();
    assert_eq!((text.len(), lines(&model) < body.len() / columns / 2), (body.len(), true));
    // The window changes meanwhile, again and again.
    for columns in 81..90 {
        assert_eq!(update(&mut model, Message::Resized { columns, rows: 24 }, now()), []);
    }
    let effects = update(&mut model, Message::TextDone { task: *task, done: job.clone().run(&|| true) }, now());
    assert_eq!(lines(&model), body.len().div_ceil(*columns));
    press(&mut model, Key::Tab);
    press(&mut model, Key::End);
    let cursor = (lines(&model) - 1) * columns;
    let [Effect::WorkOnText { task, job: job @ TextJob::Wrap { columns, .. } }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let done = job.clone().run(&|| true);
    assert_eq!(update(&mut model, Message::TextDone { task: *task, done }, now()), []);
    let view = api(&model).text().expect("a text");
    let wanted = (cursor / columns, body.len().div_ceil(*columns));
    assert_eq!((view.line(), view.document().line_count()), wanted);
}

#[test]
fn a_call_is_remembered_without_what_is_secret_and_without_its_answer() {
    let mut model = panel();
    press(&mut model, Key::End);
    press(&mut model, Key::Char('e'));
    type_text(&mut model, "/x?token=hush&page=2");
    press(&mut model, Key::Enter);
    let result = Box::new(Ok(Received::new(answer("{\"private\":1}"))));
    let effects = update(&mut model, Message::Answered { task: TaskId(2), result }, now());
    let [Effect::KeepCall { profile, call }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((profile, call.url.query()), (&name("work"), Some("token=&page=2")));
    assert_eq!(call.answer.map(|answer| (answer.status, answer.took_ms, answer.bytes)), Some((200, 5, 13)));
    // What was never sent is not remembered.
    press(&mut model, Key::Char('s'));
    let refused = Box::new(Err(Error::new(Code::Usage, "it is not among the places to which the token may go")));
    assert_eq!(update(&mut model, Message::Answered { task: TaskId(3), result: refused }, now()), []);
}

#[test]
fn a_call_of_an_earlier_run_opens_in_the_form_and_a_post_asks_before_it_is_sent() {
    let mut model = panel();
    assert!(!model.top.commands(&model.around).contains(&Command::History));
    let mut lacking = past("https://www.zohoapis.eu/crm/v8/Leads?page=2", 3);
    lacking.lacks_body = true;
    recall(&mut model, vec![past("https://www.zohoapis.eu/crm/v8/old", 5), lacking]);
    for key in [Key::Char('r'), Key::Enter] {
        assert_eq!(press(&mut model, key), []);
    }
    assert!(api(&model).focus == Focus::Form && api(&model).is_own_request());
    assert_eq!(
        (api(&model).form.address.text(), api(&model).form.query.text()),
        ("/crm/v8/Leads".to_owned(), "page=2".to_owned(),)
    );
    assert_eq!(model.around.notice.as_ref().map(|notice| notice.text.as_str()), Some("Its body was not kept."));
    assert_eq!(press(&mut model, Key::Ctrl('s')), []);
    assert!(matches!(model.around.overlay, Some(Overlay::Confirm { .. })));
}

#[test]
fn calls_of_this_session_are_listed_once_with_those_of_earlier_runs_below() {
    let mut model = with_answer("{}");
    let kept = api(&model).past.clone();
    // The store had it already when it was read.
    recall(&mut model, [vec![past("https://www.zohoapis.eu/old", 5)], kept].concat());
    assert_eq!((api(&model).earlier().len(), api(&model).past.len()), (2, 2));
    for key in [Key::Char('r'), Key::Enter] {
        press(&mut model, key);
    }
    assert_eq!((api(&model).shown, api(&model).focus), (Some(TaskId(2)), Focus::Answer));
    for key in [Key::Char('r'), Key::End, Key::Enter] {
        press(&mut model, key);
    }
    assert_eq!(api(&model).form.address.text(), "/old");
}

#[test]
fn calls_of_another_profile_are_not_listed_and_a_failure_is_for_the_log_only() {
    let mut model = panel();
    let calls = Ok(vec![past("https://www.zohoapis.eu/old", 5)]);
    update(&mut model, Message::PastCallsLoaded { profile: name("other"), result: calls }, now());
    let error = || Error::new(Code::Store, "the store cannot be used");
    update(&mut model, Message::PastCallsLoaded { profile: name("work"), result: Err(error()) }, now());
    update(&mut model, Message::CallKept { profile: name("work"), result: Err(error()) }, now());
    assert_eq!((api(&model).earlier().len(), model.around.log.entries().len()), (0, 2));
    assert!(model.around.notice.is_none() && model.around.overlay.is_none() && api(&model).refused.is_none());
}
