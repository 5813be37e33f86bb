//! What each command does on the API panel.

use super::answer::{Exchange, Side};
use super::earlier::lacking;
use super::list::{RequestList, Row};
use super::request::{Part, Pressed, Refused};
use super::{ApiPanel, Focus, RequestForm, Sent};
use crate::api::{self, Call};
use crate::error::Error;
use crate::http::Method;
use crate::providers::Dialect;
use crate::service::{TypedBody, call_again};
use crate::tui::advice::hint;
use crate::tui::clipboard::{Clipboard, ToCopy};
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{capitalized, sentence};
use crate::tui::message::{Effect, TaskId};
use crate::tui::overlay::{self, Overlay, SaveAs};
use crate::tui::panel::{Outcome, Then};
use crate::tui::received::Content;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::width;
use crate::tui::text_job::TextJob;
use crate::tui::theme::Mark;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::json_view::{GUTTER, JsonView};
use crate::untrusted::visible;

/// Bytes beyond which a text is not sent to the clipboard: terminals drop longer ones, most without a word.
const LONGEST_COPY: usize = 100_000;
/// Bytes up to which a text is searched between two keys.
const SHORT_TEXT: usize = 256 * 1024;
/// The question before another request takes the place of the typed one.
pub(super) const THROW_AWAY: &str = "Throw away what you typed as your own request?";
/// Columns by which the answer scrolls sideways.
const SIDEWAYS: isize = 8;

impl ApiPanel {
    /// Does what leads nowhere else.
    pub(super) fn act(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        match (command, self.focus) {
            (Command::History, _) => self.toggle_history(),
            (Command::Choose, Focus::History) => self.choose_earlier(around, now),
            (_, Focus::History) => self.move_in_history(command),
            (Command::NextPane | Command::PreviousPane, _) => {
                self.focus = if self.focus == Focus::Requests { Focus::Answer } else { Focus::Requests };
            }
            (Command::Choose, Focus::Requests) if self.is_own_request() => self.open_form(),
            (Command::Send, _) | (Command::Choose, Focus::Requests) => {
                return self.send_or_edit(around);
            }
            (Command::Edit, _) => self.ask_or_edit(around, now),
            (Command::CopyCurl, _) => return self.copy_curl(around, now),
            (Command::CopyAnswer, _) => return self.copy_value(around, now),
            (Command::CopyPath, _) => return self.copy_path(around, now),
            (Command::SaveAnswer, _) => self.save(around, now),
            (Command::NextView, _) => self.next_view(),
            (Command::Find, Focus::Requests) => self.start_filter(),
            (Command::Find, _) => self.start_query(),
            (_, Focus::Requests) => self.in_list(command, around),
            _ => self.in_text(command),
        }
        Vec::new()
    }

    /// Sends the request that has the cursor, has an own one without an address typed first, or folds a product.
    fn send_or_edit(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        match self.list.row() {
            Some(Row::Product(_)) => self.fold(None),
            Some(Row::OwnRequest) if self.selected_call().is_none() => self.open_form(),
            _ => return self.send(around),
        }
        Vec::new()
    }

    /// Sends the request that has the cursor; asks first, each time, where it may change something at the provider.
    pub(super) fn send(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        match self.selected_call() {
            Some(Ok(call)) if changes_something(&call) => {
                let question = self.form.warning().into_iter().chain([sends(&call)]).collect::<Vec<_>>().join(" ");
                around.overlay = Some(Overlay::Confirm { question, command: Command::Send });
            }
            Some(Ok(call)) => return self.send_call(call, around),
            Some(Err(Refused { part, why })) => {
                self.refused = None;
                self.form.problem = Some(reason(&why));
                self.form.focus = part;
                self.focus = Focus::Form;
            }
            None => {}
        }
        Vec::new()
    }

    /// Sends the request that was typed. The form stays open where something is wrong with it.
    fn send_typed(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        if self.form.is_blank() {
            self.form.focus = Part::Address;
            self.form.problem = Some("An address is needed.".to_owned());
            return Vec::new();
        }
        self.focus = Focus::Answer;
        self.send(around)
    }

    /// Sends a call. Requests under way go on, for the history.
    pub(super) fn send_call(&mut self, call: Call, around: &mut Surroundings) -> Vec<Effect> {
        match self.dialect() {
            Some(dialect) => self.send_with(call, dialect, around),
            None => Vec::new(),
        }
    }

    pub(super) fn send_with(
        &mut self,
        call: Call,
        dialect: &'static Dialect,
        around: &mut Surroundings,
    ) -> Vec<Effect> {
        let task = around.new_task();
        if super::view::has_one_pane(around) && self.focus == Focus::Requests {
            self.focus = Focus::Answer;
        }
        self.refused = None;
        self.waiting = None;
        self.forget_query();
        self.under_way.push(Sent { task, call: call.clone(), dialect, moved: None });
        vec![Effect::Call { task, profile: self.profile.clone(), call }]
    }

    /// Takes in that a call was not sent, and why: the form says it where it is the one that is typed there.
    pub(super) fn not_sent(&mut self, task: TaskId, error: Error, around: &Surroundings) {
        let Some(index) = self.under_way.iter().position(|request| request.task == task) else { return };
        let Sent { call, .. } = self.under_way.remove(index);
        let is_typed = self.is_own_request() && self.selected_call().is_some_and(|typed| typed.as_ref() == Ok(&call));
        if is_typed && index == self.under_way.len() {
            let helps = hint(around, self, &error).map(|hint| format!(" What helps: {hint}.")).unwrap_or_default();
            self.form.problem = Some(format!("{}{helps}", sentence(&error)));
            self.form.focus = Part::Body;
            self.focus = Focus::Form;
        } else {
            self.refused = Some((Some(call), error));
        }
    }

    /// Opens the form. Asks first where another call would take the place of what was typed there.
    pub(super) fn ask_or_edit(&mut self, around: &mut Surroundings, now: Now) {
        let is_of_other = self.remembered_call().is_some() || self.selected_entry().is_some();
        if is_of_other && self.test_calls().is_some_and(|known| self.form.is_typed(known)) {
            let question = THROW_AWAY.to_owned();
            around.overlay = Some(Overlay::Confirm { question, command: Command::Edit });
        } else {
            self.edit(around, now);
        }
    }

    /// Opens the form: for an earlier call or a test call with what it sends, as a request of one's own.
    pub(super) fn edit(&mut self, around: &mut Surroundings, now: Now) {
        let Some(known) = self.test_calls() else { return };
        let earlier = self.remembered_call();
        let call = earlier.map(call_again).or_else(|| self.selected_entry().map(|entry| entry.call.clone()));
        let lacking = earlier.and_then(lacking);
        if let Some(call) = call {
            self.form = RequestForm::of(&call).at(&known.data_center);
        }
        self.open_form();
        if let Some(lacking) = lacking {
            around.say(Mark::Attention, lacking, now);
        }
    }

    pub(super) fn open_form(&mut self) {
        if !self.is_own_request() {
            self.list.filter = None;
            self.with_list(RequestList::fill);
            self.list.select(Row::OwnRequest);
        }
        self.focus = Focus::Form;
        self.form.problem = None;
        self.form.propose_address();
        self.refused = None;
    }

    /// Goes one step back: out of the list of answers, of the request under way or waiting, of the error, of the search, of
    /// the panel.
    pub(super) fn back(&mut self, around: &mut Surroundings, now: Now) -> Then {
        if self.focus == Focus::History {
            self.focus = Focus::Answer;
        } else if let Some(sent) = self.under_way.pop() {
            around.say(Mark::Attention, "Cancelled: its answer will not be shown.", now);
            return Effect::Cancel(sent.task).into();
        } else if self.waiting.take().is_some() || self.refused.take().is_some() {
            // What is below shows again.
        } else if self.query.is_some() {
            self.end_query(around);
        } else if self.list.filter.take().is_some() {
            self.with_list(RequestList::fill);
        } else {
            return self.leave();
        }
        Then::default()
    }

    /// Forgets what was looked for in the answer, and shows it without marks.
    fn end_query(&mut self, around: &mut Surroundings) {
        self.query = Some(Field::new(""));
        self.search(around);
        self.forget_query();
        self.focus = Focus::Answer;
    }

    /// Goes back to the profiles. Requests under way go on, for the history.
    pub(super) fn leave(&mut self) -> Then {
        self.focus = Focus::Requests;
        self.waiting = None;
        self.is_left = true;
        self.history.forget_files(None);
        Outcome::About(self.profile.clone()).into()
    }

    /// Moves and folds in the list.
    pub(super) fn in_list(&mut self, command: Command, around: &Surroundings) {
        match command {
            Command::Fold => self.fold(None),
            Command::ScrollLeft => self.fold(Some(true)),
            Command::ScrollRight => self.fold(Some(false)),
            Command::FoldAll | Command::UnfoldAll => {
                self.with_list(|list, known| list.fold_all(known, command == Command::FoldAll));
            }
            command if command.is_move() => {
                self.list.step(command, super::view::list_rows(around, self).max(1));
                self.refused = None;
            }
            _ => {}
        }
    }

    fn fold(&mut self, folds: Option<bool>) {
        self.with_list(|list, known| list.fold(known, folds));
    }

    /// Begins to look for something in the list, from what was looked for last.
    fn start_filter(&mut self) {
        if self.test_calls().is_some() {
            let before = self.list.filter.as_ref().map(Field::text).unwrap_or_default();
            self.list.filter = Some(Field::new(&before));
            self.focus = Focus::Filter;
        }
    }

    /// Moves, folds and searches in the answer's text.
    pub(super) fn in_text(&mut self, command: Command) {
        let Some(text) = self.text_mut() else { return };
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
    }

    /// Shows another side of the answer that is shown.
    fn next_view(&mut self) {
        if self.exchange().is_some() {
            self.side = self.side.next();
            self.forget_query();
        }
    }

    /// Begins to look for something in the answer's text.
    fn start_query(&mut self) {
        if let Some(text) = self.text_mut() {
            text.start_search();
            self.query = Some(Field::new(""));
            self.focus = Focus::Query;
        }
    }

    /// Does what the person asked for where text is typed: what was looked for is kept or forgotten.
    pub(super) fn run_while_typing(&mut self, command: Command, around: &mut Surroundings) -> Vec<Effect> {
        match (self.focus, command) {
            (Focus::Form, _) => match self.form.run(command) {
                Pressed::Edited => {}
                Pressed::Leave => self.focus = Focus::Requests,
                Pressed::Send => return self.send_typed(around),
            },
            (Focus::Filter, Command::Up | Command::Down) => self.list.step(command, 1),
            (Focus::Filter, Command::Choose) => self.focus = Focus::Requests,
            (Focus::Filter, Command::Back) => {
                self.list.filter = None;
                self.focus = Focus::Requests;
                self.with_list(RequestList::fill);
            }
            (Focus::Query, Command::Choose) => self.focus = Focus::Answer,
            (Focus::Query, Command::Back) => self.end_query(around),
            _ => {}
        }
        Vec::new()
    }

    /// Looks for what is typed: at once in a short text, elsewhere in a long one.
    pub(super) fn search(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        let query = self.query.as_ref().map(Field::text).unwrap_or_default();
        self.searching = None;
        let Some(text) = self.text_mut() else { return Vec::new() };
        if query.is_empty() || text.document().text().len() <= SHORT_TEXT {
            text.search(&query);
            return Vec::new();
        }
        let document = text.document().clone();
        let task = around.new_task();
        self.searching = Some(task);
        vec![Effect::WorkOnText { task, job: TextJob::Find { document, query } }]
    }

    /// Copies the value at the cursor; of the raw side, the whole body.
    fn copy_value(&self, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        let pane = super::view::text_size(around, self);
        let body =
            self.exchange().and_then(|exchange| exchange.outcome.as_ref().ok()).map(|reply| reply.content.beginning());
        match body {
            Some(Content::Text(body) | Content::Encoded(body, _)) if self.side == Side::Raw => {
                copy(around, Some(body.to_string()), "the body", now, Told::Overlay)
            }
            _ => {
                let columns = usize::from(pane.width.saturating_sub(GUTTER));
                let is_in_sight = pane.height > 0 && self.text().is_some_and(|text| text.shows_value(columns));
                let value = self.text().map(JsonView::value_at_cursor);
                copy(around, value, "the value", now, if is_in_sight { Told::Notice } else { Told::Overlay })
            }
        }
    }

    /// Copies the way to the value at the cursor, as jq writes it.
    fn copy_path(&self, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        let path = self.text().filter(|text| text.document().is_json()).map(JsonView::path_at_cursor);
        copy(around, path, "the path", now, Told::NoticeWithText)
    }

    /// Asks where to save the body of the answer, named after what was called and when.
    fn save(&self, around: &mut Surroundings, now: Now) {
        let exchange = self.exchange();
        let Some((exchange, reply)) = exchange.and_then(|exchange| Some((exchange, exchange.outcome.as_ref().ok()?)))
        else {
            return around.say(Mark::Attention, "There is no answer to save yet.", now);
        };
        if let Content::Long(_, long) = &reply.content
            && !long.is_kept()
        {
            return around.say(Mark::Attention, "Only its beginning is there: send it again to save it.", now);
        }
        let kind = match (reply.content.beginning(), exchange.side(Side::Body)) {
            (Content::Binary(_), _) => "bin",
            (_, Some(body)) if body.document().is_json() => "json",
            _ => "txt",
        };
        let word = |step: &str| step.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>();
        let steps = exchange.call.url.path_segments().into_iter().flatten().map(word);
        let steps: Vec<String> = steps.filter(|step| !step.is_empty()).take(5).collect();
        let name =
            format!("{}-{}.{kind}", steps.join("-"), around.zone.to_datetime(exchange.at).strftime("%Y%m%d-%H%M%S"));
        let content = reply.content.clone();
        around.overlay = Some(Overlay::SaveAs(SaveAs::new(name.trim_start_matches('-'), "the answer", content)));
    }

    /// Copies the curl command of the answer that is looked at, or of the request that has the cursor.
    fn copy_curl(&self, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        let of_answer = self.exchange().filter(|_| self.focus == Focus::Answer);
        let curl = match of_answer {
            Some(Exchange { call, dialect, .. }) => Some(as_curl(call, dialect)),
            None => self
                .test_calls()
                .zip(self.selected_call().and_then(Result::ok))
                .map(|(known, call)| as_curl(&call, known.dialect)),
        };
        copy(around, curl, "the curl command, token hidden,", now, Told::Overlay)
    }
}

fn as_curl(call: &Call, dialect: &Dialect) -> String {
    let (call, body) = TypedBody::of(call).unwrap_or(TypedBody::AsItStands).for_curl(call);
    api::as_curl(&call, &body, dialect)
}

/// Why a typed request cannot be sent. That it cannot, the form says by staying.
fn reason(why: &str) -> String {
    let why = why.trim_end_matches('.');
    let is_word = why.split(' ').next().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if is_word { format!("{}.", capitalized(why)) } else { format!("{why}.") }
}

/// The question before a call that may change something.
pub(super) fn sends(call: &Call) -> String {
    let address = &call.url[url::Position::BeforeHost..url::Position::AfterQuery];
    visible(&format!("Send this? {} {address} may change what is kept there.", call.method))
}

/// Whether a call is of a method that may change something (RFC 9110 §9.2.1).
pub(super) fn changes_something(call: &Call) -> bool {
    !matches!(call.method, Method::Get | Method::Head)
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

fn copy(around: &mut Surroundings, text: Option<String>, what: &'static str, now: Now, told: Told) -> Vec<Effect> {
    let Some(text) = text else {
        around.say(Mark::Attention, "There is nothing to copy yet.", now);
        return Vec::new();
    };
    if text.len() > LONGEST_COPY {
        around.say(Mark::Attention, "That is too long for a terminal's clipboard: call it on the command line.", now);
        return Vec::new();
    }
    let copied = ToCopy::text(text.as_str(), what);
    // Tmux tells itself what became of it.
    if around.clipboard == Clipboard::Tmux {
        return around.copy(copied, Scope::Api, now);
    }
    let sentence = format!("Sent {} to your terminal.", visible(&text));
    match told {
        Told::Notice => return around.copy(copied, Scope::Api, now),
        Told::NoticeWithText if notice_has_room(around, &sentence) => around.say(None, sentence, now),
        Told::NoticeWithText | Told::Overlay => {
            around.overlay = Some(Overlay::Sent(overlay::Sent { text, what, scroll: 0 }));
        }
    }
    vec![Effect::Copy(copied)]
}

/// Tells whether a sentence fits into the last line, with the gaps beside it.
fn notice_has_room(around: &Surroundings, sentence: &str) -> bool {
    width(sentence) + 2 <= usize::from(around.window.width)
}
