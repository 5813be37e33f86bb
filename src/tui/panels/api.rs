//! The API panel: harmless test calls, a request that can be edited, and its answer, explained when it failed.
//!
//! An answer is taken apart before it arrives and never again. Each request is a task: the answer of the last one is shown,
//! those of earlier ones go to the history only. How it looks is in `view`.

mod actions;
mod answer;
mod earlier;
mod fix;
mod grants;
mod list;
mod pointer;
mod request;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use answer::{Exchange, History, Side};
use fix::{Fix, Waiting};
use list::{RequestList, Row};
use request::{Refused, RequestForm};

use crate::api::Call;
use crate::clock::Moment;
use crate::error::{Advice, Error};
use crate::http::progress::Moved;
use crate::profile::ProfileName;
use crate::providers::Dialect;
use crate::service::{TestCallEntry, TestCalls};
use crate::storage::PastCall;
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::message::{Effect, Message, Pointing, TaskId};
use crate::tui::panel::{Heard, Outcome, Panel, Then, Title};
use crate::tui::received::Received;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text_job::{TextDone, TextJob};
use crate::tui::widgets::field::Field;
use crate::tui::widgets::json_view::{GUTTER, JsonDocument, JsonView};

/// What the panel shows for one profile.
#[derive(Debug)]
pub struct ApiPanel {
    pub profile: ProfileName,
    catalogue: Catalogue,
    /// The calls are found out again, since the grant may be another one by now.
    reading_again: Option<TaskId>,
    list: RequestList,
    form: RequestForm,
    focus: Focus,
    /// Requests without an answer yet; the last one is current.
    under_way: Vec<Sent>,
    /// Why the current request could not be sent at all.
    refused: Option<(Option<Call>, Error)>,
    /// What a call waits for before it is sent again.
    waiting: Option<Waiting>,
    history: History,
    /// Calls of the profile that are remembered, oldest first, those of this session among them.
    past: Vec<PastCall>,
    shown: Option<TaskId>,
    side: Side,
    /// The text that is being typed or was looked for.
    query: Option<Field>,
    /// The search that goes on in a long text.
    searching: Option<TaskId>,
    /// The raw text that is broken into lines elsewhere.
    wrapping: Option<Wrapping>,
    /// The row of the list of earlier answers that has the cursor.
    history_row: usize,
    /// Nobody looks at it any more; what is under way goes on.
    is_left: bool,
}

/// What is known of the calls that can be tried.
#[derive(Debug)]
enum Catalogue {
    Loading(TaskId),
    Ready(Box<TestCalls>),
    Failed(Error),
}

/// A request on its way.
#[derive(Debug)]
struct Sent {
    task: TaskId,
    call: Call,
    dialect: &'static Dialect,
    /// How far its bodies have come, once that takes a while.
    moved: Option<Moved>,
}

/// A raw text on its way to be broken into lines.
#[derive(Clone, Copy, Debug)]
struct Wrapping {
    task: TaskId,
    /// The request that was answered with it.
    answer: TaskId,
    columns: usize,
}

/// What the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Requests,
    Answer,
    /// The form has the keys.
    Form,
    /// The search in the list has the keys.
    Filter,
    /// The query has the keys.
    Query,
    History,
}

impl ApiPanel {
    fn new(profile: ProfileName, task: TaskId, history: History) -> Self {
        Self {
            profile,
            catalogue: Catalogue::Loading(task),
            reading_again: None,
            list: RequestList::default(),
            form: RequestForm::default(),
            focus: Focus::Requests,
            under_way: Vec::new(),
            refused: None,
            waiting: None,
            history,
            past: Vec::new(),
            shown: None,
            side: Side::Body,
            query: None,
            searching: None,
            wrapping: None,
            history_row: 0,
            is_left: false,
        }
    }

    fn test_calls(&self) -> Option<&TestCalls> {
        match &self.catalogue {
            Catalogue::Ready(calls) => Some(calls),
            Catalogue::Loading(_) | Catalogue::Failed(_) => None,
        }
    }

    /// How the provider of the shown calls speaks.
    fn dialect(&self) -> Option<&'static Dialect> {
        self.test_calls().map(|known| known.dialect)
    }

    fn is_own_request(&self) -> bool {
        self.list.row() == Some(Row::OwnRequest)
    }

    /// The test call that has the cursor.
    fn selected_entry(&self) -> Option<&TestCallEntry> {
        match self.list.row()? {
            Row::Call(number) => self.test_calls()?.calls.get(number),
            Row::Product(_) | Row::OwnRequest => None,
        }
    }

    /// The request that has the cursor. `None` for a product and for an own request without an address.
    fn selected_call(&self) -> Option<Result<Call, Refused>> {
        let known = self.test_calls()?;
        match self.list.row()? {
            Row::Call(_) => self.selected_entry().map(|entry| Ok(entry.call.clone())),
            Row::OwnRequest if !self.form.is_blank() => Some(self.form.call_here(known)),
            Row::OwnRequest | Row::Product(_) => None,
        }
    }

    /// Changes the list in the light of the calls, once they are known.
    fn with_list<T>(&mut self, change: impl FnOnce(&mut RequestList, &TestCalls) -> T) -> Option<T> {
        match &self.catalogue {
            Catalogue::Ready(known) => Some(change(&mut self.list, known)),
            Catalogue::Loading(_) | Catalogue::Failed(_) => None,
        }
    }

    /// The request and its answer that are shown; why another could not be sent hides them.
    fn exchange(&self) -> Option<&Exchange> {
        self.history.find(self.shown.filter(|_| self.refused.is_none())?)
    }

    /// The text in the answer's pane.
    fn text(&self) -> Option<&JsonView> {
        self.exchange()?.side(self.side)
    }

    /// Whether a search in the list or in the answer still shows.
    fn is_searched(&self) -> bool {
        self.query.is_some() || self.list.filter.is_some()
    }

    /// Whether a call is under way, or waits for its time.
    fn is_awaited(&self) -> bool {
        !self.under_way.is_empty() || self.waiting.is_some()
    }

    fn forget_query(&mut self) {
        self.query = None;
        self.searching = None;
    }

    fn text_mut(&mut self) -> Option<&mut JsonView> {
        self.history.find_mut(self.shown.filter(|_| self.refused.is_none())?)?.side_mut(self.side)
    }
}

impl Panel for ApiPanel {
    fn scope(&self) -> Scope {
        Scope::Api
    }

    /// The profile and its data center.
    fn title(&self, around: &Surroundings, _now: Now) -> Option<Title> {
        let code = self.test_calls().map(|known| known.data_center.code.to_uppercase()).filter(|code| !code.is_empty());
        let parts: Vec<String> = std::iter::once(format!("profile {}", self.profile)).chain(code).collect();
        Some(Title::new("API", Span::styled(parts.join(around.theme.separator()), around.theme.label)))
    }

    fn commands(&self, around: &Surroundings) -> Vec<Command> {
        let is_product = self.focus == Focus::Requests && matches!(self.list.row(), Some(Row::Product(_)));
        // A product is not sent.
        let to_send: &[Command] = if is_product {
            &[Command::Fold, Command::Edit]
        } else {
            &[Command::Send, Command::Edit, Command::CopyCurl]
        };
        let knows_calls = self.test_calls().is_some();
        let to_send = to_send.iter().copied().filter(|_| knows_calls);
        let has_earlier = !self.earlier().is_empty();
        let is_there = |command: &Command| {
            match command {
                Command::History => has_earlier,
                // Lines of headers have no path to them.
                Command::CopyPath => self.text().is_some_and(|text| text.document().is_json()),
                _ => self.text().is_some(),
            }
        };
        // What is most useful comes first, for narrow screens show the first few only: what is done in the pane with the keys.
        let to_read = [
            Command::NextView,
            Command::CopyAnswer,
            Command::History,
            Command::SaveAnswer,
            Command::Find,
            Command::Fold,
            Command::CopyPath,
        ];
        let to_read = to_read.into_iter().filter(is_there);
        let mut commands = match self.focus {
            Focus::Form => return vec![Command::SendForm, Command::NextPane, Command::Back],
            Focus::Filter | Focus::Query | Focus::History => return vec![Command::Choose, Command::Back],
            Focus::Requests => {
                let to_look: &[Command] = if is_product { &[Command::Find] } else { &[Command::Find, Command::Fold] };
                let to_look = to_look.iter().copied().filter(|_| knows_calls);
                let to_read = to_read.filter(|command| !matches!(command, Command::Find | Command::Fold));
                to_send.chain([Command::NextPane]).chain(to_look).chain(to_read).collect::<Vec<_>>()
            }
            // Of what could not be sent there is nothing to read, and something to mend.
            Focus::Answer if self.text().is_none() && knows_calls => {
                let earlier = has_earlier.then_some(Command::History);
                let commands = [Command::Edit, Command::Send, Command::NextPane, Command::CopyCurl];
                commands.into_iter().chain(earlier).collect()
            }
            Focus::Answer => [Command::NextPane].into_iter().chain(to_read).chain(to_send).collect(),
        };
        if self.fix(around).is_some() {
            commands.insert(0, Command::Fix);
        }
        commands.extend([Command::Help, Command::Back]);
        commands
    }

    fn label(&self, around: &Surroundings, command: Command) -> Option<&'static str> {
        match (command, self.focus) {
            (Command::Fix, _) => self.fix(around).map(|fix| fix.label()),
            (Command::Choose, Focus::Filter | Focus::Query) => Some("keep"),
            (Command::Back, Focus::Filter) => Some("show all"),
            (Command::Back, Focus::Query) => Some("forget"),
            (Command::Back, Focus::Requests | Focus::Answer) if self.is_awaited() => Some("cancel"),
            (Command::Back, Focus::Requests | Focus::Answer) if self.is_searched() => Some("end search"),
            _ => None,
        }
    }

    fn helps(&self, around: &Surroundings, advice: &Advice) -> Option<Command> {
        let signs_in = || matches!(self.fix(around), Some(Fix::SignIn(_)));
        let is_mine = matches!(advice, Advice::SignIn(profile) if *profile == self.profile);
        (is_mine && signs_in()).then_some(Command::Fix)
    }

    fn run(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        let then = match (command, self.focus) {
            (_, Focus::Form | Focus::Filter | Focus::Query) => self.run_while_typing(command, around).into(),
            (Command::Back, _) => self.back(around, now),
            (Command::Quit, _) => self.leave(),
            (Command::Fix, _) => self.mend(around, now),
            _ => self.act(command, around, now).into(),
        };
        then.and(self.fit(around))
    }

    /// Edits the request that has the cursor, whatever is lost by it; or sends one, even if it changes something.
    fn confirmed(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        let then = match (command, self.fix(around), self.selected_call()) {
            (Command::Edit, ..) => {
                self.edit(around, now);
                Then::default()
            }
            (Command::Fix, Some(fix), _) => self.mend_by(fix, around, now),
            (Command::Send, _, Some(Ok(call))) => self.send_call(call, around).into(),
            _ => Then::default(),
        };
        then.and(self.fit(around))
    }

    fn is_typing(&self) -> bool {
        matches!(self.focus, Focus::Form | Focus::Filter | Focus::Query)
    }

    fn typed(&mut self, key: Key, around: &mut Surroundings, _now: Now) -> Then {
        match self.focus {
            Focus::Form => self.form.typed(key),
            Focus::Filter => {
                if self.list.filter.as_mut().is_some_and(|filter| filter.press(key)) {
                    self.with_list(RequestList::fill);
                }
            }
            Focus::Query => {
                if self.query.as_mut().is_some_and(|query| query.press(key)) {
                    return Then::from(self.search(around)).and(self.fit(around));
                }
            }
            Focus::Requests | Focus::Answer | Focus::History => {}
        }
        self.fit(around).into()
    }

    fn paste(&mut self, text: &str, around: &mut Surroundings, _now: Now) -> Then {
        match self.focus {
            Focus::Form => self.form.paste(text),
            Focus::Filter => {
                if let Some(filter) = &mut self.list.filter {
                    filter.paste(text, true);
                }
                self.with_list(RequestList::fill);
            }
            Focus::Query => {
                if let Some(query) = &mut self.query {
                    query.paste(text, true);
                }
                return self.search(around).into();
            }
            Focus::Requests | Focus::Answer | Focus::History => {}
        }
        Then::default()
    }

    fn wants_mouse(&self) -> bool {
        true
    }

    fn point(&mut self, at: Position, what: Pointing, around: &mut Surroundings, now: Now) -> Then {
        let then = self.pointed(at, what, around, now);
        then.and(self.fit(around))
    }

    fn hear(&mut self, message: Message, is_covered: bool, around: &mut Surroundings, now: Now) -> Heard {
        let then = match message {
            Message::TestCallsLoaded { task, result } => {
                self.calls_loaded(task, *result);
                Then::default()
            }
            Message::Answered { task, result } => self.answered(task, *result, around, now).into(),
            Message::Moved { task, moved } => {
                if let Some(sent) = self.under_way.iter_mut().find(|sent| sent.task == task) {
                    sent.moved = Some(moved);
                }
                Then::default()
            }
            Message::NotSent { task, error } => {
                self.not_sent(task, error, around);
                Then::default()
            }
            Message::PastCallsLoaded { ref profile, .. } if *profile != self.profile => {
                return (Then::default(), Some(message));
            }
            Message::PastCallsLoaded { result, .. } => {
                // Why they could not be read is for the log.
                if let Ok(past) = result {
                    self.recall(past);
                }
                Then::default()
            }
            Message::TextDone { task, done: TextDone::Found(found) } => {
                let is_wanted = self.searching.take_if(|searching| *searching == task).is_some();
                if let Some(text) = self.text_mut().filter(|_| is_wanted) {
                    text.show_found(found);
                }
                Then::default()
            }
            Message::TextDone { task, done: TextDone::Wrapped(document) } => {
                self.wrapped(task, document);
                Then::default()
            }
            Message::Refreshed { task, result, .. } if self.waits_for_token(task) => {
                self.refreshed(result, around).into()
            }
            Message::ConfigurationChanged { task, result } if self.waits_for_scopes(task) => {
                self.scopes_added((*result).map(drop), is_covered, around)
            }
            message => {
                let is_other = match &message {
                    Message::StatusesLoaded(statuses) => self.is_other_by(statuses),
                    // Why there are no calls may have been that a code waits.
                    Message::GivenUp { .. } => matches!(self.catalogue, Catalogue::Failed(_)),
                    _ => false,
                };
                let effects = if is_other && !is_covered { self.read_again(around) } else { Vec::new() };
                return (effects.into(), Some(message));
            }
        };
        (then.and(self.fit(around)), None)
    }

    fn resume(&mut self, outcome: Outcome, around: &mut Surroundings, _now: Now) -> Then {
        let then = match outcome {
            // There is nothing left to call with.
            Outcome::SignOut(_) => {
                self.leave();
                return outcome.into();
            }
            Outcome::SignedIn(_) => self.signed_in(true, around),
            _ => self.signed_in(false, around),
        };
        Then::from(then).and(self.fit(around))
    }

    fn resized(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        self.fit(around)
    }

    /// Sends the call whose time has come.
    fn wake(&mut self, around: &mut Surroundings, now: Now) -> Then {
        let is_due = |waiting: &mut Waiting| matches!(waiting, Waiting::Time { at, .. } if *at <= now.moment);
        match self.waiting.take_if(is_due) {
            Some(Waiting::Time { call, .. }) => self.send_call(call, around).into(),
            _ => Then::default(),
        }
    }

    fn next_wakeup(&self, around: &Surroundings, now: Now) -> Option<Moment> {
        self.next_change(around, now)
    }

    /// So that answers stay, also those of other profiles.
    fn outlives(&self) -> bool {
        true
    }

    fn view(&self, around: &Surroundings, now: Now, area: Rect, frame: &mut Frame<'_>) {
        view::view(around, self, now, area, frame);
    }
}

impl ApiPanel {
    /// The panel for a profile, with what is `left` of the one before.
    pub fn open(left: Option<Box<Self>>, profile: ProfileName, around: &mut Surroundings) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        let mut panel = match left.map(|left| *left) {
            Some(left) if left.profile == profile => left,
            left => {
                let (history, under_way, form) =
                    left.map(|left| (left.history, left.under_way, left.form)).unwrap_or_default();
                effects.extend(under_way.into_iter().map(|sent| Effect::Cancel(sent.task)));
                Self { form, ..Self::new(profile, TaskId::default(), history) }
            }
        };
        panel.waiting = None;
        panel.is_left = false;
        effects.extend(panel.read_anew(around));
        effects.extend(panel.fit(around));
        (panel, effects)
    }

    /// Grants change, so the calls are found out anew.
    fn read_anew(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        let task = around.new_task();
        self.catalogue = Catalogue::Loading(task);
        self.reading_again = None;
        self.past.clear();
        let profile = self.profile.clone();
        vec![Effect::LoadPastCalls { profile: profile.clone() }, Effect::LoadTestCalls { task, profile }]
    }

    /// Takes in the answer of a request. One of a request that is not current any more goes to the history only.
    fn answered(
        &mut self,
        task: TaskId,
        result: Result<Received, Error>,
        around: &mut Surroundings,
        now: Now,
    ) -> Vec<Effect> {
        let is_current = self.under_way.last().is_some_and(|last| last.task == task);
        let Some(index) = self.under_way.iter().position(|request| request.task == task) else { return Vec::new() };
        let request = self.under_way.remove(index);
        let exchange = Exchange::new(request, self.profile.clone(), result, now);
        let kept = self.remember(&exchange);
        let is_contrary = self.is_contradicted_by(&exchange);
        if is_current {
            self.shown = Some(task);
            self.side = Side::Body;
            self.forget_query();
        }
        self.history.push(exchange, self.shown);
        self.history.forget_files(self.shown.filter(|_| !self.is_left));
        let mut effects: Vec<Effect> = kept.into_iter().collect();
        if is_contrary {
            effects.extend(self.read_again(around));
        }
        effects
    }

    /// Takes in a raw text in lines; shows it if it is looked at still.
    fn wrapped(&mut self, task: TaskId, document: Arc<JsonDocument>) {
        let Some(done) = self.wrapping.take_if(|wrapping| wrapping.task == task) else { return };
        if let Some(exchange) = self.history.find_mut(done.answer) {
            exchange.show_raw(document, done.columns);
        }
        if self.side == Side::Raw && self.shown == Some(done.answer) {
            self.forget_query();
            self.focus = if self.focus == Focus::Query { Focus::Answer } else { self.focus };
        }
    }

    /// Fits the answer's text to its pane, which the window and the lines above it settle.
    fn fit(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        let effects = self.wrap_raw(around).into_iter().collect();
        let size = view::text_size(around, self);
        if let Some(text) = self.text_mut() {
            text.set_columns(size.width.saturating_sub(GUTTER));
            text.set_rows(size.height);
        }
        effects
    }

    /// Breaks the raw text that is looked at to the width of its pane; a long one elsewhere, one width at a time.
    fn wrap_raw(&mut self, around: &mut Surroundings) -> Option<Effect> {
        let answer = self.shown.filter(|_| self.side == Side::Raw)?;
        let columns = usize::from(view::text_size(around, self).width.saturating_sub(GUTTER)).max(1);
        let text = self.history.find_mut(answer)?.wrap_raw(columns)?;
        if self.wrapping.is_some() {
            return None;
        }
        let task = around.new_task();
        self.wrapping = Some(Wrapping { task, answer, columns });
        Some(Effect::WorkOnText { task, job: TextJob::Wrap { text, columns } })
    }
}
