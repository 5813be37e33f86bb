//! What each command does on the API panel.

use super::answer::{Exchange, Side};
use super::list::{RequestList, Row};
use super::request::Part;
use super::{ApiPanel, Content, Focus, RequestForm, Sent, resized};
use crate::api::{self, Call};
use crate::error::Error;
use crate::http::Method;
use crate::providers::Dialect;
use crate::tui::clipboard::{Clipboard, ToCopy};
use crate::tui::keymap::{Command, Key};
use crate::tui::message::Effect;
use crate::tui::model::{Confirmed, Model, Now, Overlay};
use crate::tui::panels::lines::sentence;
use crate::tui::panels::save_as::SaveAs;
use crate::tui::panels::{profiles, sent};
use crate::tui::text::width;
use crate::tui::theme::Mark;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::json_view::{GUTTER, JsonView};
use crate::untrusted::visible;

/// Bytes beyond which a text is not sent to the clipboard: terminals drop longer ones, most without a word.
const LONGEST_COPY: usize = 100_000;
/// Bytes up to which a text is searched between two keys.
const SHORT_TEXT: usize = 256 * 1024;
/// Columns by which the answer scrolls sideways.
const SIDEWAYS: isize = 8;

/// Sends the request that has the cursor, has an own one without an address typed first, or folds a product.
pub(super) fn send_or_edit(model: &mut Model) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    match panel.list.row() {
        Some(Row::Product(_)) => fold(panel, None),
        Some(Row::OwnRequest) if panel.selected_call().is_none() => edit(panel),
        _ => send(model),
    }
}

/// Sends the request that has the cursor; asks first where it may change something at the provider.
pub(super) fn send(model: &mut Model) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    match panel.selected_call() {
        Some(Ok(call)) if panel.is_own_request() && changes_something(&call) && !panel.confirmed.contains(&call) => {
            let host = call.url.host_str().unwrap_or_default();
            let address = visible(&format!("{} {host}{}", call.method, call.url.path()));
            let question = format!("Send {address}? It may change what is kept there.");
            model.overlay = Some(Overlay::Confirm { question, action: Confirmed::SendRequest });
            Vec::new()
        }
        Some(Ok(call)) => send_call(model, call),
        Some(Err(error)) => {
            panel.refused = None;
            panel.form.problem = Some(reason(&error));
            panel.focus = Focus::Form;
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Why a typed request cannot be sent. That it cannot, the form says by staying.
fn reason(error: &Error) -> String {
    let Some(cause) = &error.cause else { return sentence(error) };
    let is_word = cause.split(' ').next().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let (first, rest) = cause.split_at(usize::from(is_word && !cause.is_empty()));
    format!("{}{}.", first.to_uppercase(), rest.trim_end_matches('.'))
}

/// Sends the request that was typed. The form stays open where something is wrong with it.
pub(super) fn send_typed(model: &mut Model) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    if panel.form.is_blank() {
        panel.form.focus = Part::Address;
        panel.form.problem = Some("An address is needed.".to_owned());
        return Vec::new();
    }
    panel.focus = Focus::Answer;
    send(model)
}

/// Sends the request that has the cursor, which the person wants even if it changes something.
pub fn send_confirmed(model: &mut Model) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    let Some(Ok(call)) = panel.selected_call() else { return Vec::new() };
    panel.confirmed.push(call);
    let mut effects = send(model);
    effects.extend(resized(model));
    effects
}

/// Whether a call is of a method that may change something (RFC 9110 §9.2.1).
pub(super) fn changes_something(call: &Call) -> bool {
    !matches!(call.method, Method::Get | Method::Head)
}

/// Sends a call. Requests under way go on, for the history.
pub(super) fn send_call(model: &mut Model, call: Call) -> Vec<Effect> {
    match model.api.as_ref().and_then(ApiPanel::dialect) {
        Some(dialect) => send_with(model, call, dialect),
        None => Vec::new(),
    }
}

pub(super) fn send_with(model: &mut Model, call: Call, dialect: &'static Dialect) -> Vec<Effect> {
    let task = model.new_task();
    let has_one_pane = super::view::has_one_pane(model);
    let Some(panel) = &mut model.api else { return Vec::new() };
    if has_one_pane && panel.focus == Focus::Requests {
        panel.focus = Focus::Answer;
    }
    panel.refused = None;
    panel.waiting = None;
    panel.forget_query();
    panel.under_way.push(Sent { task, call: call.clone(), dialect });
    vec![Effect::Call { task, profile: panel.profile.clone(), call }]
}

/// Opens the form: for a test call with what it sends, as a request of one's own.
pub(super) fn edit(panel: &mut ApiPanel) -> Vec<Effect> {
    if panel.test_calls().is_none() {
        return Vec::new();
    }
    if !panel.is_own_request() {
        if let (Some(Ok(call)), Some(known)) = (panel.selected_call(), panel.test_calls()) {
            panel.form = RequestForm::of(&call).at(&known.data_center);
        }
        panel.list.filter = None;
        panel.with_list(RequestList::fill);
        panel.list.select(Row::OwnRequest);
    }
    panel.focus = Focus::Form;
    panel.form.problem = None;
    panel.refused = None;
    Vec::new()
}

/// Goes one step back: out of the list of answers, of the request under way or waiting, of the error, of the search, of
/// the panel.
pub(super) fn back(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return profiles::open(model) };
    if panel.focus == Focus::History {
        panel.focus = Focus::Answer;
        return Vec::new();
    }
    if let Some(sent) = panel.under_way.pop() {
        model.say(Mark::Attention, "Cancelled: its answer will not be shown.", now);
        return vec![Effect::Cancel(sent.task)];
    }
    if panel.waiting.take().is_some() || panel.refused.take().is_some() {
        return Vec::new();
    }
    if panel.query.is_some() {
        end_query(model);
        return Vec::new();
    }
    if panel.list.filter.take().is_some() {
        panel.with_list(RequestList::fill);
        return Vec::new();
    }
    leave(model)
}

/// Forgets what was looked for in the answer, and shows it without marks.
fn end_query(model: &mut Model) {
    let Some(panel) = &mut model.api else { return };
    panel.query = Some(Field::new(""));
    search(model);
    if let Some(panel) = &mut model.api {
        panel.forget_query();
        panel.focus = Focus::Answer;
    }
}

/// Goes back to the profiles. Requests under way go on, for the history.
pub(super) fn leave(model: &mut Model) -> Vec<Effect> {
    if let Some(panel) = &mut model.api {
        panel.focus = Focus::Requests;
        panel.waiting = None;
        model.profiles.select(Some(panel.profile.clone()));
    }
    profiles::open(model)
}

/// Moves and folds in the list.
pub(super) fn in_list(model: &mut Model, command: Command) -> Vec<Effect> {
    let page = super::view::list_rows(model).max(1);
    let Some(panel) = &mut model.api else { return Vec::new() };
    match command {
        Command::Fold => return fold(panel, None),
        Command::ScrollLeft => return fold(panel, Some(true)),
        Command::ScrollRight => return fold(panel, Some(false)),
        Command::FoldAll | Command::UnfoldAll => {
            panel.with_list(|list, known| list.fold_all(known, command == Command::FoldAll));
        }
        command if command.is_move() => {
            panel.list.step(command, page);
            panel.refused = None;
        }
        _ => {}
    }
    Vec::new()
}

fn fold(panel: &mut ApiPanel, folds: Option<bool>) -> Vec<Effect> {
    panel.with_list(|list, known| list.fold(known, folds));
    Vec::new()
}

/// Begins to look for something in the list, from what was looked for last.
pub(super) fn start_filter(panel: &mut ApiPanel) -> Vec<Effect> {
    if panel.test_calls().is_some() {
        let before = panel.list.filter.as_ref().map(Field::text).unwrap_or_default();
        panel.list.filter = Some(Field::new(&before));
        panel.focus = Focus::Filter;
    }
    Vec::new()
}

/// Takes in a key of the search in the list: Enter keeps it, Esc forgets it.
pub(super) fn type_filter(panel: &mut ApiPanel, key: Key) {
    match key {
        Key::Up => panel.list.step(Command::Up, 1),
        Key::Down => panel.list.step(Command::Down, 1),
        Key::Enter => panel.focus = Focus::Requests,
        Key::Esc => {
            panel.list.filter = None;
            panel.focus = Focus::Requests;
            panel.with_list(RequestList::fill);
        }
        key => {
            if panel.list.filter.as_mut().is_some_and(|filter| filter.press(key)) {
                panel.with_list(RequestList::fill);
            }
        }
    }
}

/// Moves, folds and searches in the answer's text.
pub(super) fn in_text(panel: &mut ApiPanel, command: Command) -> Vec<Effect> {
    let Some(text) = panel.text_mut() else { return Vec::new() };
    match command {
        Command::Up => text.move_by(-1),
        Command::Down => text.move_by(1),
        Command::PageUp => text.page(-1),
        Command::PageDown => text.page(1),
        Command::Home => text.home(),
        Command::End => text.end(),
        Command::ScrollLeft => text.scroll_sideways(-SIDEWAYS),
        Command::ScrollRight => text.scroll_sideways(SIDEWAYS),
        Command::Fold | Command::Choose => text.toggle_fold(),
        Command::FoldAll => text.fold_all(),
        Command::FoldMore => text.fold_more(),
        Command::FoldLess => text.fold_less(),
        Command::UnfoldAll => text.unfold_all(),
        Command::FindNext => drop(text.next_match()),
        Command::FindPrevious => drop(text.previous_match()),
        _ => {}
    }
    Vec::new()
}

/// Shows another side of the answer that is shown.
pub(super) fn next_view(panel: &mut ApiPanel) -> Vec<Effect> {
    if panel.exchange().is_some() {
        panel.side = panel.side.next();
        panel.forget_query();
    }
    Vec::new()
}

/// Begins to look for something in the answer's text.
pub(super) fn start_query(panel: &mut ApiPanel) -> Vec<Effect> {
    if let Some(text) = panel.text_mut() {
        text.start_search();
        panel.query = Some(Field::new(""));
        panel.focus = Focus::Query;
    }
    Vec::new()
}

/// Takes in a key of the query: Enter keeps what was found, Esc forgets it.
pub(super) fn type_query(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    match key {
        Key::Enter => panel.focus = Focus::Answer,
        Key::Esc => end_query(model),
        key => {
            if panel.query.as_mut().is_some_and(|query| query.press(key)) {
                return search(model);
            }
        }
    }
    Vec::new()
}

/// Looks for what is typed: at once in a short text, elsewhere in a long one.
pub(super) fn search(model: &mut Model) -> Vec<Effect> {
    let task = model.new_task();
    let Some(panel) = &mut model.api else { return Vec::new() };
    let query = panel.query.as_ref().map(Field::text).unwrap_or_default();
    panel.searching = None;
    let Some(text) = panel.text_mut() else { return Vec::new() };
    if query.is_empty() || text.document().text().len() <= SHORT_TEXT {
        text.search(&query);
        return Vec::new();
    }
    let document = text.document().clone();
    panel.searching = Some(task);
    vec![Effect::Find { task, document, query }]
}

/// Copies the value at the cursor; of the raw side, the whole body.
pub(super) fn copy_value(model: &mut Model, now: Now) -> Vec<Effect> {
    let pane = super::view::text_size(model);
    let Some(panel) = &model.api else { return Vec::new() };
    let body = panel.exchange().and_then(|exchange| exchange.outcome.as_ref().ok()).map(|reply| &reply.content);
    match body {
        Some(Content::Text(body)) if panel.side == Side::Raw => {
            let body = body.to_string();
            copy(model, Some(body), "the body", now, Told::Overlay)
        }
        _ => {
            let columns = usize::from(pane.width.saturating_sub(GUTTER));
            let is_in_sight = pane.height > 0 && panel.text().is_some_and(|text| text.shows_value(columns));
            let value = panel.text().map(JsonView::value_at_cursor);
            copy(model, value, "the value", now, if is_in_sight { Told::Notice } else { Told::Overlay })
        }
    }
}

/// Copies the way to the value at the cursor, as jq writes it.
pub(super) fn copy_path(model: &mut Model, now: Now) -> Vec<Effect> {
    let text = model.api.as_ref().and_then(ApiPanel::text).filter(|text| text.document().is_json());
    let path = text.map(JsonView::path_at_cursor);
    copy(model, path, "the path", now, Told::NoticeWithText)
}

/// Asks where to save the body of the answer, named after what was called and when.
pub(super) fn save(model: &mut Model, now: Now) -> Vec<Effect> {
    let exchange = model.api.as_ref().and_then(ApiPanel::exchange);
    let Some((exchange, reply)) = exchange.and_then(|exchange| Some((exchange, exchange.outcome.as_ref().ok()?)))
    else {
        model.say(Mark::Attention, "There is no answer to save yet.", now);
        return Vec::new();
    };
    let kind = match (&reply.content, exchange.side(Side::Body)) {
        (Content::Binary(_), _) => "bin",
        (_, Some(body)) if body.document().is_json() => "json",
        _ => "txt",
    };
    let word = |step: &str| step.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>();
    let steps = exchange.call.url.path_segments().into_iter().flatten().map(word);
    let steps: Vec<String> = steps.filter(|step| !step.is_empty()).take(5).collect();
    let name = format!("{}-{}.{kind}", steps.join("-"), exchange.at.strftime("%Y%m%d-%H%M%S"));
    let content = reply.content.clone();
    model.overlay = Some(Overlay::SaveAs(SaveAs::new(name.trim_start_matches('-'), "the answer", content)));
    Vec::new()
}

/// Copies the curl command of the answer that is looked at, or of the request that has the cursor.
pub(super) fn copy_curl(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(panel) = &model.api else { return Vec::new() };
    let of_answer = panel.exchange().filter(|_| panel.focus == Focus::Answer);
    let curl = match of_answer {
        Some(Exchange { call, dialect, .. }) => Some(api::as_curl(call, &[], dialect)),
        None => panel
            .test_calls()
            .zip(panel.selected_call().and_then(Result::ok))
            .map(|(known, call)| api::as_curl(&call, &[], known.dialect)),
    };
    copy(model, curl, "the curl command, token hidden,", now, Told::Overlay)
}

/// How a person learns of what was sent to the clipboard, which the terminal may have dropped.
#[derive(Clone, Copy)]
enum Told {
    /// It is in sight as it is.
    Notice,
    /// The notice holds it if it is short.
    NoticeWithText,
    Overlay,
}

fn copy(model: &mut Model, text: Option<String>, what: &'static str, now: Now, told: Told) -> Vec<Effect> {
    let Some(text) = text else {
        model.say(Mark::Attention, "There is nothing to copy yet.", now);
        return Vec::new();
    };
    if text.len() > LONGEST_COPY {
        model.say(Mark::Attention, "That is too long for a terminal's clipboard: call it on the command line.", now);
        return Vec::new();
    }
    let copied = ToCopy::text(text.as_str(), what);
    // Tmux tells itself what became of it.
    if model.clipboard == Clipboard::Tmux {
        return model.copy(copied, now);
    }
    let sentence = format!("Sent {} to your terminal.", visible(&text));
    match told {
        Told::Notice => return model.copy(copied, now),
        Told::NoticeWithText if notice_has_room(model, &sentence) => model.say(None, sentence, now),
        Told::NoticeWithText | Told::Overlay => {
            model.overlay = Some(Overlay::Sent(sent::Sent { text, what, scroll: 0 }));
        }
    }
    vec![Effect::Copy(copied)]
}

/// Tells whether a sentence fits into the last line, with the gaps beside it.
fn notice_has_room(model: &Model, sentence: &str) -> bool {
    width(sentence) + 2 <= usize::from(model.window.width)
}
