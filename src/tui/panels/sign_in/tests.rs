//! What the sign-in does with each message and key: whole effect lists, one sentence a test.

mod unattended;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Size;

use super::{LastAnswer, Previous, SignInPanel, Stage, Waiting};
use crate::abilities::Environment;
use crate::clock::Moment;
use crate::config::{ClientType, Config};
use crate::error::{Advice, Code, Error, Way};
use crate::http::trouble::Trouble;
use crate::profile::ProfileName;
use crate::service::{Begin, IssuedCode, LOST_ANSWER, Machine, SignIn, SignInEvent, SignedIn, check_way};
use crate::storage::Asker;
use crate::tui::clipboard::{Reached, ToCopy};
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::message::{DemoDecision, Effect, Message, TaskId};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::panel::Go;
use crate::tui::panels::profile_form::ProfileForm;
use crate::tui::surroundings::Now;
use crate::tui::theme::Mark;
use crate::tui::update::update;
use crate::tui::{Ended, next_wakeup};

fn at(seconds: impl Into<f64>) -> Now {
    let passed = Duration::from_secs_f64(seconds.into());
    let start: Timestamp = "2026-11-22T14:00:00Z".parse().expect("a time");
    Now { moment: Moment::at(Duration::from_secs(6000) + passed), time: start + passed }
}

fn work() -> ProfileName {
    "work".parse().expect("a name")
}

fn code(user_code: &str, seconds: impl Into<f64>) -> IssuedCode {
    let seconds = seconds.into();
    IssuedCode {
        user_code: user_code.to_owned(),
        verification_uri: "https://accounts.zoho.com/oauth/v3/device".parse().expect("an address"),
        verification_uri_complete: "https://accounts.zoho.com/oauth/v3/device/setCode?devcode=x".parse().ok(),
        interval: Duration::from_secs(30),
        lifetime: Duration::from_secs(300),
        issued_at: at(seconds).moment,
        expires_at: at(seconds + 300.0).moment,
        expires_at_time: at(seconds + 300.0).time,
        scopes: vec!["ZohoCRM.users.READ".to_owned()],
    }
}

fn empty() -> Model {
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    let environment = Environment { term: Some("xterm-256color"), lang: Some("C.UTF-8"), ..Environment::default() };
    let toml = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\nscopes = [\"ZohoCRM.users.READ\"]\n";
    let config = Config::parse(toml, Path::new("config.toml")).expect("valid");
    Model::new(environment.abilities(), machine, config)
}

/// A model whose sign-in was started at 0, and the task of that.
fn asking() -> (Model, TaskId) {
    asking_with(SignIn::default())
}

fn asking_with(options: SignIn) -> (Model, TaskId) {
    let mut model = empty();
    let effects = model.go(Go::SignIn { profile: work(), options }, at(0.0));
    let [Effect::StartSignIn { task, .. }] = effects[..] else { panic!("one sign-in starts: {effects:?}") };
    (model, task)
}

/// The same with a code that was issued at 0.
fn waiting() -> (Model, TaskId) {
    let (mut model, task) = asking();
    assert_eq!(issue(&mut model, task, "ABCD-1234", 0), []);
    (model, task)
}

fn happen(model: &mut Model, task: TaskId, event: SignInEvent, seconds: impl Into<f64>) {
    assert_eq!(answered(model, task, event, seconds), []);
}

fn answered(model: &mut Model, task: TaskId, event: SignInEvent, seconds: impl Into<f64>) -> Vec<Effect> {
    update(model, Message::SignIn { task, event }, at(seconds))
}

/// A code comes, and is good for five minutes.
fn issue(model: &mut Model, task: TaskId, user_code: &str, seconds: impl Into<f64>) -> Vec<Effect> {
    let seconds = seconds.into();
    let (code, next_poll_at) = (code(user_code, seconds), at(seconds + 30.0).moment);
    answered(model, task, SignInEvent::CodeIssued { code, next_poll_at }, seconds)
}

/// One comes in the place of another.
fn renew(model: &mut Model, task: TaskId, user_code: &str, seconds: f64) {
    let (code, next_poll_at) = (code(user_code, seconds), at(seconds + 30.0).moment);
    happen(model, task, SignInEvent::CodeRenewed { code, next_poll_at }, seconds);
}

fn end(model: &mut Model, task: TaskId, result: Result<SignedIn, Error>, seconds: impl Into<f64>) -> Vec<Effect> {
    update(model, Message::SignInEnded { task, result: Box::new(result) }, at(seconds))
}

fn press(model: &mut Model, key: Key, seconds: impl Into<f64>) -> Vec<Effect> {
    update(model, Message::Key(key), at(seconds))
}

fn panel(model: &Model) -> &SignInPanel {
    model.find::<SignInPanel>().expect("the panel is open")
}

/// The code that waits.
#[track_caller]
fn shown(model: &Model) -> &Waiting {
    let Stage::Waiting(waiting) = &panel(model).stage else { panic!("a code waits: {:?}", panel(model).stage) };
    waiting
}

fn shown_code(model: &Model) -> &str {
    &shown(model).code.user_code
}

fn panel_mut(model: &mut Model) -> &mut SignInPanel {
    model.find_mut::<SignInPanel>().expect("the panel is open")
}

fn signed_in() -> SignedIn {
    SignedIn {
        profile: work(),
        account: None,
        data_center: Some("us".to_owned()),
        relocated: false,
        scopes: vec!["ZohoCRM.users.READ".to_owned()],
        wanted_scopes: vec!["ZohoCRM.users.READ".to_owned()],
        missing_scopes: Vec::new(),
        api_domain: None,
        access_token_expires_at: Some(at(3600.0).time),
        refreshable: true,
        warnings: Vec::new(),
        left_out: Vec::new(),
        replaced: None,
        protection: None,
    }
}

fn failure(code: Code) -> Error {
    Error::new(code, "it failed")
}

#[test]
fn a_code_copies_as_the_server_sent_it() {
    let (mut model, _) = waiting();
    assert_eq!(press(&mut model, Key::Char('c'), 1.0), [Effect::Copy(ToCopy::text("ABCD-1234", "the code"))]);
    let notice = model.around.notice.expect("it says so");
    assert!(notice.mark.is_none() && notice.text.starts_with("Sent the code to your terminal."), "{}", notice.text);
}

#[test]
fn the_link_copies_with_the_code_in_it() {
    let (mut model, _) = waiting();
    let link = "https://accounts.zoho.com/oauth/v3/device/setCode?devcode=x";
    assert_eq!(press(&mut model, Key::Char('u'), 1.0), [Effect::Copy(ToCopy::text(link, "the link"))]);
}

#[test]
fn the_qr_code_is_saved_as_a_picture_of_either_kind() {
    let (mut model, _) = waiting();
    for (key, expected, start) in
        [('s', "device-login-qr.png", &b"\x89PNG"[..]), ('v', "device-login-qr.svg", &b"<svg "[..])]
    {
        // Nothing is written before its name was confirmed.
        assert_eq!(press(&mut model, Key::Char(key), 1.0), []);
        let effects = press(&mut model, Key::Enter, 1.0);
        let [Effect::Save(save_as)] = &effects[..] else { panic!("it is saved: {effects:?}") };
        assert_eq!((save_as.name().as_str(), model.around.overlay.is_none()), (expected, true));
        assert!(save_as.content.bytes().starts_with(start));
        assert_eq!(press(&mut model, Key::Char(key), 1.0), []);
        assert_eq!((press(&mut model, Key::Esc, 1.0), model.around.overlay.is_none()), (Vec::new(), true));
    }
}

#[test]
fn a_code_that_is_good_is_given_up_for_a_new_one_only_after_asking() {
    for seconds in [1.0, 30.0, 299.0] {
        let (mut model, _) = waiting();
        assert_eq!(press(&mut model, Key::Char('n'), seconds), []);
        let Some(Overlay::Confirm { question, command: Command::NewCode }) = &model.around.overlay else {
            panic!("it asks")
        };
        assert_eq!(question, "Somebody may be typing ABCD-1234 right now. A new code makes it worthless.");
        assert_eq!(press(&mut model, Key::Enter, seconds), []);
        assert!(matches!(panel(&model).stage, Stage::Waiting(_)));
    }
}

/// Asked for a new code 11 s after the first, which is still there; and the sign-in that the new one is to come from.
fn waiting_for_another() -> (Model, TaskId, TaskId) {
    let (mut model, task) = waiting();
    press(&mut model, Key::Char('n'), 11.0);
    press(&mut model, Key::Char('y'), 11.5);
    (model, task, TaskId(task.0 + 1))
}

#[test]
fn a_code_that_ran_out_is_replaced_without_asking() {
    let (mut model, _) = waiting();
    let effects = press(&mut model, Key::Char('n'), 300.0);
    assert!(matches!(&effects[..], [Effect::StartSignIn { .. }]), "{effects:?}");
}

#[test]
fn a_code_is_given_up_only_when_the_new_one_has_come() {
    let (mut model, task, new) = waiting_for_another();
    assert_eq!(shown_code(&model), "ABCD-1234");
    let asking = SignInEvent::Asking { host: "accounts.zoho.com".to_owned() };
    happen(&mut model, new, asking, 12.0);
    let pending = SignInEvent::Pending { next_poll_at: at(60.0).moment };
    happen(&mut model, task, pending, 12.5);
    assert_eq!(shown_code(&model), "ABCD-1234");
    assert_eq!(issue(&mut model, new, "WXYZ-7788", 13.0), [Effect::Cancel(task)]);
    assert_eq!(shown_code(&model), "WXYZ-7788");
    let notice = model.around.notice.as_ref().expect("it says so");
    assert_eq!(notice.text, "Code ABCD-1234 was given up. Use the new one.");
    // What still comes of the old one changes nothing.
    renew(&mut model, task, "LATE-0000", 14.0);
    assert_eq!(end(&mut model, task, Ok(signed_in()), 15.0), []);
    assert_eq!(shown_code(&model), "WXYZ-7788");
}

#[test]
fn a_code_stays_where_no_new_one_can_be_had() {
    let (mut model, task, new) = waiting_for_another();
    assert_eq!(end(&mut model, new, Err(failure(Code::Network)), 12.0), []);
    assert_eq!(shown_code(&model), "ABCD-1234");
    let notice = model.around.notice.as_ref().expect("it says so");
    assert!(notice.text.starts_with("ABCD-1234 is still good. No new one: "), "{}", notice.text);
    happen(&mut model, task, SignInEvent::Approved, 13.0);
    assert!(matches!(panel(&model).stage, Stage::Approved));
}

#[test]
fn an_approval_of_the_old_code_ends_the_wait_for_the_new_one() {
    let (mut model, task, new) = waiting_for_another();
    assert_eq!(answered(&mut model, task, SignInEvent::Approved, 12.0), [Effect::GiveUp(new)]);
    assert_eq!(end(&mut model, task, Ok(signed_in()), 13.0), [Effect::LoadStatuses]);
}

#[test]
fn the_end_of_the_old_code_leaves_the_new_one_to_come() {
    let (mut model, task, new) = waiting_for_another();
    assert_eq!(end(&mut model, task, Err(failure(Code::CodeExpired)), 12.0), []);
    assert!(matches!(panel(&model).stage, Stage::Asking { .. }));
    assert_eq!(issue(&mut model, new, "WXYZ-7788", 13.0), []);
    assert_eq!(shown_code(&model), "WXYZ-7788");
}

#[test]
fn a_question_about_a_code_goes_with_that_code() {
    let (mut model, _, new) = waiting_for_another();
    // Asked for already: said once more, and not asked.
    assert_eq!(press(&mut model, Key::Char('n'), 12.0), []);
    assert_eq!(model.around.overlay, None);
    issue(&mut model, new, "WXYZ-7788", 13.0);
    press(&mut model, Key::Char('n'), 14.0);
    assert!(matches!(model.around.overlay, Some(Overlay::Confirm { command: Command::NewCode, .. })));
    renew(&mut model, new, "LATE-0000", 313.0);
    assert_eq!(model.around.overlay, None);
}

#[test]
fn an_approval_takes_every_question_about_its_code_away() {
    for (key, command) in [(Key::Char('n'), Command::NewCode), (Key::Esc, Command::Back)] {
        let (mut model, task) = waiting();
        press(&mut model, key, 11.0);
        assert!(model.around.overlay.as_ref().is_some_and(|overlay| overlay.asks_about(command)), "{key:?}");
        happen(&mut model, task, SignInEvent::Approved, 12.0);
        assert_eq!((press(&mut model, Key::Char('y'), 12.5), &model.around.overlay), (Vec::new(), &None), "{key:?}");
        assert_eq!(end(&mut model, task, Ok(signed_in()), 13.0), [Effect::LoadStatuses]);
    }
}

#[test]
fn a_refusal_while_a_new_code_is_on_its_way_is_told() {
    let (mut model, task, _) = waiting_for_another();
    end(&mut model, task, Err(failure(Code::Denied)), 12.0);
    let notice = model.around.notice.as_ref().expect("it says so");
    assert_eq!(notice.text, "Code ABCD-1234 was declined. A new one is on its way.");
}

#[test]
fn what_came_below_a_question_can_be_read_after_it() {
    let (mut model, _, new) = waiting_for_another();
    press(&mut model, Key::Esc, 30.0);
    assert!(model.around.overlay.is_some());
    issue(&mut model, new, "WXYZ-7788", 31.0);
    press(&mut model, Key::Esc, 32.0);
    assert_eq!(model.around.overlay, None);
    assert!(model.around.notice.is_some_and(|notice| notice.text.contains("ABCD-1234 was given up")));
}

#[test]
fn leaving_gives_up_the_code_that_is_there_and_the_one_to_come() {
    let (mut model, task, new) = waiting_for_another();
    press(&mut model, Key::Esc, 30.0);
    let effects = press(&mut model, Key::Char('y'), 31.0);
    assert_eq!(effects[..2], [Effect::GiveUp(task), Effect::GiveUp(new)]);
}

#[test]
fn a_new_code_is_asked_for_once_and_renewed_as_often_as_was_asked() {
    let (mut model, task) = waiting();
    panel_mut(&mut model).options.renewals = 2;
    let options = SignIn { renewals: 2, begin: Begin::Anew, ..SignIn::default() };
    press(&mut model, Key::Char('n'), 11.0);
    let effects = press(&mut model, Key::Char('y'), 11.5);
    assert_eq!(effects, [Effect::StartSignIn { task: TaskId(task.0 + 1), profile: work(), options }]);
    assert_eq!(press(&mut model, Key::Char('n'), 12.0), []);
    assert_eq!(model.around.overlay, None);
}

#[test]
fn a_key_that_can_do_nothing_here_says_why() {
    let (mut model, _) = waiting();
    press(&mut model, Key::Char('o'), 1.0);
    assert_eq!(model.around.notice.take().expect("a word").text, "No browser can be opened here. u copies the link.");
    for (columns, lack) in [(100, "QR code needs 35x19, this window is 100x12."), (34, "No QR code fits this window.")]
    {
        model.around.window = Size::new(columns, 12);
        press(&mut model, Key::Char('f'), 1.0);
        let notice = model.around.notice.take().expect("a word");
        let text = notice.in_room(usize::from(columns));
        assert!(text.starts_with(lack), "{text}");
    }
    assert!(!panel(&model).qr.is_full_screen);
    model.around.window = Size::new(80, 24);
    for _ in 0..30 {
        press(&mut model, Key::Char('+'), 1.0);
    }
    assert_eq!(model.around.notice.take().expect("a word").text, "The QR code is as large as it gets in this window.");
    let largest = panel(&model).qr.step;
    press(&mut model, Key::Char('-'), 1.0);
    assert_eq!((model.around.notice.take(), panel(&model).qr.step), (None, largest - 1));
}

#[test]
fn a_renewed_code_names_the_one_that_ran_out() {
    let (mut model, task) = waiting();
    renew(&mut model, task, "WXYZ-7788", 301.0);
    let previous = Previous { user_code: "ABCD-1234".to_owned(), ran_out_at: Some(at(300.0).time) };
    assert_eq!(panel(&model).previous, Some(previous));
    let waiting = shown(&model);
    assert_eq!((waiting.code.user_code.as_str(), &waiting.last_answer), ("WXYZ-7788", &LastAnswer::None));
}

#[test]
fn each_answer_moves_the_next_question() {
    let (mut model, task) = waiting();
    let slowed = SignInEvent::SlowedDown { interval: Duration::from_secs(35), next_poll_at: at(65.0).moment };
    happen(&mut model, task, slowed, 30.0);
    let waiting = shown(&model);
    assert_eq!((waiting.interval, waiting.next_poll_at), (Duration::from_secs(35), at(65.0).moment));
    let (trouble, reason) = (Trouble::Closed, "no answer".to_owned());
    let retrying = SignInEvent::Retrying { trouble, reason, attempt: 2, next_poll_at: at(105.0).moment };
    happen(&mut model, task, retrying, 66.0);
    assert_eq!(shown(&model).last_answer, LastAnswer::Missing { reason: "no answer".to_owned(), attempt: 2 });
}

#[test]
fn cancelling_a_young_code_asks_nothing() {
    let (mut model, task) = waiting();
    assert_eq!(press(&mut model, Key::Esc, 5.0), [Effect::GiveUp(task), Effect::LoadStatuses]);
    assert_eq!((model.scope(), model.find::<SignInPanel>().is_none()), (Scope::Profiles, true));
}

#[test]
fn cancelling_a_code_that_was_seen_asks_first() {
    let (mut model, task) = waiting();
    assert_eq!(press(&mut model, Key::Esc, 11.0), []);
    assert!(matches!(model.around.overlay, Some(Overlay::Confirm { command: Command::Back, .. })));
    assert_eq!(press(&mut model, Key::Char('n'), 32.0), []);
    assert!(matches!(panel(&model).stage, Stage::Waiting(_)));
    press(&mut model, Key::Esc, 33.0);
    assert_eq!(press(&mut model, Key::Char('y'), 34.0), [Effect::GiveUp(task), Effect::LoadStatuses]);
}

#[test]
fn who_only_follows_leaves_without_a_question_and_hears_that_it_goes_on() {
    let (mut model, task) = waiting();
    happen(&mut model, task, SignInEvent::Following { asker: Asker::default() }, 30.0);
    assert_eq!(press(&mut model, Key::Esc, 60.0), [Effect::GiveUp(task), Effect::LoadStatuses]);
    let notice = model.around.notice.as_ref().expect("it says so");
    assert_eq!(notice.text, "The code is left to the process that asks: the sign-in goes on there.");
}

#[test]
fn cancelling_a_young_code_that_went_elsewhere_asks_first() {
    for key in ['c', 'u', 'f', 'p', 's', 'v'] {
        let (mut model, _) = waiting();
        press(&mut model, Key::Char(key), 1.0);
        press(&mut model, Key::Esc, 2.0);
        if matches!(key, 'f' | 'p' | 's' | 'v') {
            press(&mut model, Key::Esc, 3.0);
        }
        assert!(model.around.overlay.is_some_and(|overlay| overlay.asks_about(Command::Back)), "{key}");
    }
}

#[test]
fn a_failure_of_the_profile_leads_to_its_form_and_back() {
    let (mut model, task) = waiting();
    panel_mut(&mut model).is_alone = true;
    let error = failure(Code::InvalidClient);
    end(&mut model, task, Err(error.clone()), 1.0);
    assert_eq!(panel(&model).offered_as(Command::Choose), Some("edit profile"));
    assert_eq!(panel(&model).offered_as(Command::Back), Some("leave"));
    assert_eq!(press(&mut model, Key::Enter, 2.0), [Effect::LoadStatuses]);
    assert_eq!(model.scope(), Scope::ProfileForm);
    assert!(model.find::<ProfileForm>().is_some());
    // First from the value to the whole profile.
    assert_eq!(press(&mut model, Key::Esc, 3.0), []);
    assert_eq!(press(&mut model, Key::Esc, 3.0), []);
    assert_eq!(model.scope(), Scope::SignIn);
    assert_eq!(press(&mut model, Key::Esc, 4.0), [Effect::Quit(Ended::Failed(error))]);

    let (mut model, task) = waiting();
    end(&mut model, task, Err(failure(Code::Network)), 1.0);
    assert_eq!(panel(&model).offered_as(Command::Back), Some("back"));
    assert_eq!(press(&mut model, Key::Enter, 2.0), []);
    assert_eq!(model.scope(), Scope::SignIn);
}

#[test]
fn what_the_demo_person_did_is_said_at_once() {
    let (mut model, task) = waiting();
    model.around.is_demo = true;
    assert_eq!(panel(&model).offered(&model.around).first(), Some(&Command::DemoApprove));
    let mut said = |decision, is_done| {
        assert_eq!(update(&mut model, Message::Decided { decision, is_done }, at(1.0)), []);
        let notice = model.around.notice.take().expect("it says so");
        assert!(!is_done || notice.in_line(38).ends_with("on the other device."), "{notice:?}");
        assert_eq!(notice.in_line(10), notice.text, "what does not fit at all is cut where it is drawn");
        notice.text
    };
    assert!(said(DemoDecision::ApproveElsewhere, true).starts_with("Approved on the other device."));
    assert!(said(DemoDecision::Decline, true).starts_with("Declined on the other device."));
    assert!(said(DemoDecision::Approve, false).contains("does not know this code"));
    // It is over with the next answer.
    update(&mut model, Message::Decided { decision: DemoDecision::Approve, is_done: true }, at(1.0));
    happen(&mut model, task, SignInEvent::Approved, 5.0);
    assert_eq!(model.around.notice, None);
}

#[test]
fn a_screen_without_a_code_over_it_offers_no_keys_for_one() {
    let (mut model, _) = waiting();
    press(&mut model, Key::Char('f'), 1.0);
    model.around.window = ratatui::layout::Size::new(120, 60);
    assert!(panel(&model).offered(&model.around).contains(&Command::InvertQr));
    model.around.window = ratatui::layout::Size::new(20, 6);
    assert_eq!(panel(&model).offered(&model.around), [Command::FullScreenQr, Command::Back]);
    assert_eq!(panel(&model).offered_as(Command::Back), Some("back"));
    // The same where the text stands without a code.
    press(&mut model, Key::Char('f'), 1.0);
    for (columns, rows, is_drawn) in [(120, 60, true), (40, 12, false), (20, 6, false)] {
        model.around.window = ratatui::layout::Size::new(columns, rows);
        let offered = panel(&model).offered(&model.around);
        for command in [Command::FullScreenQr, Command::InvertQr, Command::BiggerQr, Command::SmallerQr] {
            assert_eq!(offered.contains(&command), is_drawn, "{columns}x{rows} {command:?}");
        }
        assert!(offered.contains(&Command::CopyCode) && offered.contains(&Command::CopyLink));
    }
}

#[test]
fn a_single_sign_in_ends_the_app_with_its_outcome() {
    let (mut model, task) = waiting();
    panel_mut(&mut model).is_alone = true;
    assert_eq!(end(&mut model, task, Ok(signed_in()), 40.0), [Effect::LoadStatuses]);
    assert_eq!(press(&mut model, Key::Enter, 41.0), [Effect::Quit(Ended::SignedIn(signed_in()))]);

    let (mut model, task) = waiting();
    panel_mut(&mut model).is_alone = true;
    end(&mut model, task, Err(failure(Code::Denied)), 40.0);
    assert_eq!(press(&mut model, Key::Esc, 41.0), [Effect::Quit(Ended::Failed(failure(Code::Denied)))]);

    let (mut model, task) = waiting();
    panel_mut(&mut model).is_alone = true;
    assert_eq!(
        press(&mut model, Key::Esc, 5.0),
        [Effect::GiveUp(task), Effect::Quit(Ended::Cancelled { has_lost_answer: false })]
    );
}

#[test]
fn each_code_says_itself_what_it_asks_for() {
    let options = SignIn { scopes: Some(vec!["ZohoCRM.org.READ".to_owned()]), ..SignIn::default() };
    let (mut model, task) = asking_with(options);
    let next_poll_at = at(30.0).moment;
    let code_for = |scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        IssuedCode { scopes, ..code("ABCD-1234", 0.0) }
    };
    for event in [
        SignInEvent::CodeIssued { code: code_for(&["ZohoCRM.users.READ"]), next_poll_at },
        SignInEvent::CodeReplaced { code: code_for(&[]), next_poll_at },
        SignInEvent::CodeTakenUp { code: code_for(&["ZohoCRM.org.READ"]), next_poll_at },
        SignInEvent::CodeRenewed { code: code_for(&["Desk.basic.READ", "openid"]), next_poll_at },
    ] {
        happen(&mut model, task, event, 0.0);
        assert_eq!(shown(&model).permissions, super::view::in_words(&shown(&model).code.scopes));
    }
}

#[test]
fn success_goes_on_by_itself_after_five_seconds() {
    let (mut model, task) = waiting();
    end(&mut model, task, Ok(signed_in()), 40.0);
    assert_eq!(update(&mut model, Message::Woken, at(44.9)), []);
    assert_eq!(update(&mut model, Message::Woken, at(45.0)), [Effect::LoadStatuses]);
    assert_eq!(model.scope(), Scope::Profiles);
}

#[test]
fn what_nobody_should_miss_stays_until_a_key() {
    let missing = vec!["ZohoCRM.modules.READ".to_owned()];
    let to_read = [
        SignedIn { missing_scopes: missing, ..signed_in() },
        SignedIn { warnings: vec!["few grants are left".to_owned()], ..signed_in() },
        SignedIn { replaced: Some("The profile was signed in as j.keller@example.com before; that grant stays valid at the provider until it is revoked there.".to_owned()), ..signed_in() },
        SignedIn { refreshable: false, ..signed_in() },
    ];
    for outcome in to_read {
        let (mut model, task) = waiting();
        end(&mut model, task, Ok(outcome), 40.0);
        assert_eq!(next_wakeup(&model, at(41.0)), None);
        assert_eq!(update(&mut model, Message::Woken, at(400.0)), []);
        assert_eq!(press(&mut model, Key::Enter, 401.0), [Effect::LoadStatuses]);
    }
}

#[test]
fn who_scrolls_reads_and_is_not_sent_on() {
    let (mut model, task) = waiting();
    end(&mut model, task, Ok(signed_in()), 40.0);
    model.around.window = ratatui::layout::Size::new(40, 12);
    press(&mut model, Key::Down, 41.0);
    assert_eq!(panel(&model).scroll, 1);
    assert_eq!(update(&mut model, Message::Woken, at(400.0)), []);
    press(&mut model, Key::End, 401.0);
    let last = panel(&model).scroll;
    press(&mut model, Key::Down, 402.0);
    assert_eq!(panel(&model).scroll, last);
    press(&mut model, Key::Home, 403.0);
    assert_eq!(panel(&model).scroll, 0);
}

#[test]
fn the_end_closes_what_lay_over_the_code() {
    let (mut model, task) = waiting();
    press(&mut model, Key::Char('f'), 1.0);
    press(&mut model, Key::Char('?'), 2.0);
    end(&mut model, task, Err(failure(Code::Denied)), 3.0);
    assert_eq!((model.around.overlay.as_ref(), panel(&model).qr.is_full_screen), (None, false));
}

#[test]
fn enter_says_that_it_is_approved_and_the_answer_is_when_the_server_is_asked() {
    let (mut model, task) = waiting();
    assert_eq!(press(&mut model, Key::Enter, 12.0), [Effect::AskNow(task)]);
    assert_eq!(model.around.notice, None, "the flow knows what the server allows");
    happen(&mut model, task, SignInEvent::Hastened { next_poll_at: at(27.0).moment }, 12.0);
    let said = |model: &Model| model.around.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert_eq!(said(&model), "Asked at the time above: the server allows no sooner.");
    assert_eq!(shown(&model).next_poll_at, at(27.0).moment);
    happen(&mut model, task, SignInEvent::Hastened { next_poll_at: at(26.0).moment }, 26.0);
    assert_eq!(said(&model), "Asking the server now ...");
    let (reason, trouble) = ("no answer".to_owned(), Trouble::Timeout);
    let next_poll_at = at(105.0).moment;
    happen(&mut model, task, SignInEvent::Retrying { trouble, reason, attempt: 2, next_poll_at }, 66.0);
    happen(&mut model, task, SignInEvent::Hastened { next_poll_at: at(96.0).moment }, 67.0);
    assert_eq!(said(&model), "There was no answer; we try again at the time above.");
}

#[test]
fn a_key_after_a_new_code_says_once_that_somebody_is_there() {
    let (mut model, task) = waiting();
    assert_eq!(press(&mut model, Key::Char('i'), 1.0), []);
    for renewal in [300.0, 600.0] {
        renew(&mut model, task, "WXYZ-7788", renewal);
        assert_eq!(press(&mut model, Key::Char('?'), renewal + 1.0), [Effect::Attend(task)]);
        assert_eq!(press(&mut model, Key::Char('?'), renewal + 2.0), []);
    }
}

#[test]
fn enter_asks_for_a_new_code_once_all_of_them_ran_out() {
    let (mut model, task) = waiting();
    end(&mut model, task, Err(failure(Code::CodeExpired)), 1801.0);
    let effects = press(&mut model, Key::Enter, 1900.0);
    assert!(matches!(effects[..], [Effect::StartSignIn { .. }]), "{effects:?}");
}

#[test]
fn the_demo_person_decides_in_the_demo_only() {
    let (mut model, _) = waiting();
    assert_eq!(press(&mut model, Key::Char('y'), 1.0), []);
    model.around.is_demo = true;
    let decided = |decision| [Effect::Decide { user_code: "ABCD-1234".to_owned(), decision }];
    assert_eq!(press(&mut model, Key::Char('y'), 1.0), decided(DemoDecision::Approve));
    assert_eq!(press(&mut model, Key::Char('e'), 1.0), decided(DemoDecision::ApproveElsewhere));
    assert_eq!(press(&mut model, Key::Char('d'), 1.0), decided(DemoDecision::Decline));
}

#[test]
fn ctrl_c_leaves_at_once_whatever_is_shown() {
    let (mut model, task) = waiting();
    press(&mut model, Key::Char('?'), 1.0);
    let left = press(&mut model, Key::Ctrl('c'), 2.0);
    assert_eq!(left, [Effect::GiveUp(task), Effect::Quit(Ended::Cancelled { has_lost_answer: false })]);
}

#[test]
fn the_screen_wakes_at_each_second_of_a_countdown_and_never_else() {
    let (mut model, task) = asking();
    assert_eq!(next_wakeup(&model, at(0.5)), None);
    assert_eq!(issue(&mut model, task, "ABCD-1234", 0.0), []);
    assert_eq!(next_wakeup(&model, at(0.25)), Some(at(1.0).moment));
    assert_eq!(next_wakeup(&model, at(1.0)), Some(at(2.0).moment));
    end(&mut model, task, Err(failure(Code::Denied)), 40.0);
    assert_eq!(next_wakeup(&model, at(41.0)), None);
}

#[test]
fn a_grant_that_cannot_be_saved_waits_for_the_person() {
    let (mut model, task) = waiting();
    let unsaved = || Message::Unsaved { task, error: failure(Code::Store) };
    assert_eq!(update(&mut model, unsaved(), at(40.0)), []);
    assert_eq!(press(&mut model, Key::Enter, 41.0), [Effect::TrySaving { task, again: true }]);
    assert_eq!(update(&mut model, unsaved(), at(42.0)), []);
    assert_eq!(press(&mut model, Key::Esc, 43.0), [Effect::TrySaving { task, again: false }]);
    assert!(matches!(panel(&model).stage, Stage::GivingBack));
    assert_eq!(end(&mut model, task, Err(failure(Code::Store)), 44.0), [Effect::LoadStatuses]);
}

#[test]
fn no_code_to_come_takes_the_place_of_an_approval_that_could_not_be_saved() {
    let (mut model, task, new) = waiting_for_another();
    let unsaved = Message::Unsaved { task, error: failure(Code::Store) };
    assert_eq!(update(&mut model, unsaved, at(12.0)), [Effect::GiveUp(new)]);
    press(&mut model, Key::Esc, 13.0);
    assert_eq!(end(&mut model, task, Err(failure(Code::Store)), 14.0), [Effect::LoadStatuses]);
    assert!(matches!(panel(&model).stage, Stage::Failed { .. }));
}

#[test]
fn nothing_but_leaving_the_app_cuts_a_give_back_short() {
    let (mut model, task) = waiting();
    panel_mut(&mut model).is_alone = true;
    update(&mut model, Message::Unsaved { task, error: failure(Code::Store) }, at(40.0));
    press(&mut model, Key::Esc, 41.0);
    for key in [Key::Esc, Key::Enter, Key::Backspace, Key::Char('q'), Key::Char('n')] {
        assert_eq!(press(&mut model, key, 42.0), [], "{key:?}");
    }
    assert!(matches!(panel(&model).stage, Stage::GivingBack));
    end(&mut model, task, Err(failure(Code::Store)), 44.0);
    assert_eq!(press(&mut model, Key::Esc, 45.0), [Effect::Quit(Ended::Failed(failure(Code::Store)))]);
}

#[test]
fn a_grant_that_nobody_waits_for_is_given_back() {
    let (mut model, task) = waiting();
    press(&mut model, Key::Esc, 5.0);
    let unsaved = Message::Unsaved { task, error: failure(Code::Store) };
    assert_eq!(update(&mut model, unsaved, at(6.0)), [Effect::TrySaving { task, again: false }]);
}

#[test]
fn what_tmux_took_is_told_in_whole_words_at_every_width() {
    for columns in [40, 59, 60, 79, 80, 120] {
        let (mut model, _) = waiting();
        update(&mut model, Message::Resized { columns, rows: 24 }, at(1.0));
        update(&mut model, Message::Copied { what: "the code", result: Ok(Reached::BufferAndTerminal) }, at(1.0));
        let notice = model.around.notice.as_ref().expect("a notice");
        let room = usize::from(columns) - 3;
        let text = notice.in_room(room);
        assert!(notice.mark == Some(Mark::Good) && text.len() <= room, "{columns}: {text}");
    }
}

#[test]
fn a_code_that_was_pending_is_gone_on_with_unless_somebody_gives_it_up() {
    for (key, is_given_up) in
        [(Key::Char('q'), false), (Key::Esc, false), (Key::Char('n'), false), (Key::Char('y'), true)]
    {
        let (mut model, task) = asking();
        let (old, next_poll_at) = (code("OLDE-1234", 12.0), at(105.0).moment);
        happen(&mut model, task, SignInEvent::CodeTakenUp { code: old, next_poll_at }, 100.0);
        let Some(Overlay::Confirm { question, .. }) = &model.around.overlay else { panic!("it asks") };
        assert_eq!(question, "A sign-in is pending: code OLDE-1234, 3:32 left. Give it up, and ask for a new code?");
        // It came by itself, while somebody may have been about to copy the code.
        for other in [Key::Char('c'), Key::Enter, Key::Down, Key::Char('?')] {
            let question = model.around.overlay.clone();
            assert_eq!((press(&mut model, other, 100.5), &model.around.overlay), (Vec::new(), &question), "{other:?}");
        }
        let effects = press(&mut model, key, 101.0);
        let is_new = matches!(&effects[..], [Effect::StartSignIn { options, .. }] if options.begin == Begin::Anew);
        assert_eq!((is_new, effects.len()), (is_given_up, usize::from(is_given_up)), "{key:?}");
        assert_eq!(shown_code(&model), "OLDE-1234", "it stays until a new one comes");
        assert_eq!(model.around.overlay, None);
    }
}

#[test]
fn no_key_gives_up_a_code_that_was_not_in_sight() {
    let ended = |code| {
        let (mut model, task) = waiting();
        // A first code was replaced by this one.
        panel_mut(&mut model).options.begin = Begin::Anew;
        end(&mut model, task, Err(failure(code)), 40.0);
        model
    };
    for (code, key) in [
        (Code::Denied, Key::Char('n')),
        (Code::CodeExpired, Key::Char('n')),
        (Code::CodeExpired, Key::Enter),
        (Code::Network, Key::Char('n')),
        (Code::InvalidClient, Key::Char('n')),
        (Code::SignInNeeded, Key::Char('n')),
    ] {
        let effects = press(&mut ended(code), key, 41.0);
        let [Effect::StartSignIn { options, .. }] = &effects[..] else { panic!("{code:?}: {effects:?}") };
        assert_eq!(options.begin, Begin::GoOn, "{code:?} {key:?}");
    }
    let mut mended = ended(Code::InvalidClient);
    let effects = mended.resume(crate::tui::panel::Outcome::SignIn(work()), at(42.0));
    let [Effect::StartSignIn { options, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(options.begin, Begin::GoOn);
}

#[test]
fn a_client_that_signs_in_by_no_code_is_told_the_command_and_no_key_that_would_fail_again() {
    for (kind, way) in
        [(ClientType::SelfClient, Way::GrantCode), (ClientType::ServerBased, Way::Web), (ClientType::Mobile, Way::Web)]
    {
        let (mut model, task) = asking();
        let mut profile = model.around.config.profiles[&work()].clone();
        profile.client_type = kind;
        let error = check_way(&profile, None).expect_err("another way");
        end(&mut model, task, Err(error.clone()), 1.0);
        let hint = crate::tui::advice::hint(&model.around, &*model.top, &error).expect("it is known");
        assert_eq!(hint, model.around.command_line.said(&Advice::SignInBy(work(), way)));
        assert_eq!(error.code, Code::Config, "the server was not asked");
        assert_eq!(model.top.commands(&model.around), [Command::Choose, Command::Help, Command::Back]);
        assert_eq!(press(&mut model, Key::Char('n'), 2.0), []);
    }
}

#[test]
fn nobody_is_asked_who_said_so_before_or_looks_at_something_else() {
    for (begin, overlay) in [(Begin::Resume, None), (Begin::GoOn, Some(Overlay::Help { scroll: 0 }))] {
        let (mut model, task) = asking_with(SignIn { begin, ..SignIn::default() });
        model.around.overlay.clone_from(&overlay);
        let (old, next_poll_at) = (code("OLDE-1234", 12.0), at(105.0).moment);
        happen(&mut model, task, SignInEvent::CodeTakenUp { code: old, next_poll_at }, 100.0);
        let notice = model.around.notice.as_ref().expect("it says so");
        assert_eq!(notice.text, "This sign-in was pending already. n asks for a new code.");
        assert_eq!(model.around.overlay, overlay);
    }
}

#[test]
fn a_code_that_was_pending_is_shown_with_the_time_that_is_left_and_may_be_asked_for_elsewhere() {
    let (mut model, task) = waiting();
    let (old, next_poll_at) = (code("OLDE-1234", 12.0), at(105.0).moment);
    happen(&mut model, task, SignInEvent::CodeTakenUp { code: old, next_poll_at }, 100.0);
    assert_eq!(shown_code(&model), "OLDE-1234");
    let asker = Asker { who: Some("pid 7".to_owned()), ..Asker::default() };
    let theirs = SignInEvent::Following { asker: asker.clone() };
    happen(&mut model, task, theirs, 101.0);
    assert_eq!(shown(&model).last_answer, LastAnswer::Theirs { asker });
    happen(&mut model, task, SignInEvent::Pending { next_poll_at: at(110.0).moment }, 105.0);
    assert_eq!(shown(&model).last_answer, LastAnswer::Pending { at: at(105.0).moment });
}

#[test]
fn the_statuses_are_read_again_when_a_sign_in_has_been_given_up() {
    let (mut model, task) = waiting();
    assert_eq!(press(&mut model, Key::Esc, 1.0), [Effect::GiveUp(task), Effect::LoadStatuses]);
    assert_eq!(update(&mut model, Message::GivenUp { has_lost_answer: false }, at(1.5)), [Effect::LoadStatuses]);
}

#[test]
fn what_was_given_up_after_an_answer_got_lost_says_so() {
    for has_lost_answer in [false, true] {
        let (mut model, task) = waiting();
        assert_eq!(press(&mut model, Key::Esc, 1.0), [Effect::GiveUp(task), Effect::LoadStatuses]);
        assert_eq!(update(&mut model, Message::GivenUp { has_lost_answer }, at(1.5)), [Effect::LoadStatuses]);
        let told = model.around.notice.as_ref().is_some_and(|notice| notice.text.contains(LOST_ANSWER));
        assert_eq!(told, has_lost_answer);
    }
}

#[test]
fn the_title_names_the_data_center_in_which_the_account_lives_from_then_on() {
    let title = |model: &Model| {
        let panel = panel(model);
        super::view::subject(&model.around, panel)
    };
    let (mut model, task) = waiting();
    assert_eq!(title(&model), "work · US");
    let relocated = SignInEvent::Relocated {
        data_center: "eu".to_owned(),
        accounts_host: "accounts.zoho.eu".to_owned(),
        next_poll_at: at(60.0).moment,
    };
    happen(&mut model, task, relocated, 30.0);
    assert_eq!(title(&model), "work · EU");
    happen(&mut model, task, SignInEvent::Approved, 60.0);
    assert_eq!(title(&model), "work · EU");
    end(&mut model, task, Ok(SignedIn { data_center: Some("eu".to_owned()), ..signed_in() }), 61.0);
    assert_eq!(title(&model), "work · EU");
    // The next code is asked about at home.
    let (mut model, task) = waiting();
    panel_mut(&mut model).relocated_to = Some("eu".to_owned());
    renew(&mut model, task, "WXYZ-1234", 300.0);
    assert_eq!(title(&model), "work · US");
}
