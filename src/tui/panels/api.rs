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
mod received;
mod request;
#[cfg(test)]
mod tests;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actions::{
    back, copy_curl, copy_path, copy_value, edit, in_list, in_text, leave, next_view, save, search, send_or_edit,
    send_typed, start_filter, start_query, type_filter, type_query,
};
use answer::{Exchange, History, Side};
use earlier::{choose_earlier, move_in_history, toggle_history};
use fix::Waiting;
use list::{RequestList, Row};
use request::{Pressed, RequestForm};

use crate::api::Call;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::providers::Dialect;
use crate::service::{TestCallEntry, TestCalls};
use crate::storage::PastCall;
use crate::tui::keymap::{Command, Key};
use crate::tui::message::{Effect, TaskId};
use crate::tui::model::{Model, Now, Screen};
use crate::tui::panels::profiles;
use crate::tui::theme::Mark;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::json_view::{Found, GUTTER, JsonDocument, JsonView};
use crate::untrusted::visible;

pub use actions::send_confirmed;
pub use earlier::past_calls_loaded;
pub use fix::{after_sign_in, next_wakeup, refreshed, scopes_added, waits_for_scopes, waits_for_token, wake};
pub use grants::{loaded, statuses_loaded};
pub use pointer::{point, turn};
pub use received::{Content, Received};
pub use view::{title, view};

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
    /// Requests that may change something at the provider and that the person wanted sent.
    confirmed: Vec<Call>,
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
            confirmed: Vec::new(),
            history,
            past: Vec::new(),
            shown: None,
            side: Side::Body,
            query: None,
            searching: None,
            wrapping: None,
            history_row: 0,
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
    fn selected_call(&self) -> Option<Result<Call, Error>> {
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

    fn forget_query(&mut self) {
        self.query = None;
        self.searching = None;
    }

    fn text_mut(&mut self) -> Option<&mut JsonView> {
        self.history.find_mut(self.shown.filter(|_| self.refused.is_none())?)?.side_mut(self.side)
    }
}

/// Opens the panel for a profile. Answers of this session stay, also those of other profiles.
pub fn open(model: &mut Model, profile: ProfileName) -> Vec<Effect> {
    model.screen = Screen::Api;
    let task = model.new_task();
    let mut effects = Vec::new();
    match &mut model.api {
        // Grants change, so the calls are found out anew.
        Some(panel) if panel.profile == profile => {
            panel.catalogue = Catalogue::Loading(task);
            panel.reading_again = None;
            panel.past.clear();
        }
        other => {
            let (history, under_way) = other.take().map(|panel| (panel.history, panel.under_way)).unwrap_or_default();
            effects.extend(under_way.into_iter().map(|sent| Effect::Cancel(sent.task)));
            *other = Some(ApiPanel::new(profile.clone(), task, history));
        }
    }
    effects.push(Effect::LoadPastCalls { profile: profile.clone() });
    effects.push(Effect::LoadTestCalls { task, profile });
    effects
}

/// What a key does now, for the footer, where that is not what it does elsewhere.
pub fn label(model: &Model, command: Command) -> Option<&'static str> {
    let panel = model.api.as_ref()?;
    match (command, panel.focus) {
        (Command::Fix, _) => fix::fix(model).map(|fix| fix.label()),
        (Command::NextPane, Focus::Form) => Some("next field"),
        (Command::Choose, Focus::Filter | Focus::Query) => Some("keep"),
        (Command::Back, Focus::Filter) => Some("show all"),
        (Command::Back, Focus::Query) => Some("forget"),
        (Command::Back, Focus::Requests | Focus::Answer) if panel.is_searched() => Some("end search"),
        _ => None,
    }
}

/// Whether the key that mends signs this profile in.
pub(in crate::tui) fn can_sign_in(model: &Model, profile: &ProfileName) -> bool {
    let is_shown = model.api.as_ref().is_some_and(|panel| panel.profile == *profile);
    is_shown && matches!(fix::fix(model), Some(fix::Fix::SignIn(_)))
}

/// What can be asked for now, in the order of the footer.
pub fn commands(model: &Model) -> Vec<Command> {
    let Some(panel) = &model.api else { return vec![Command::Back] };
    let to_send =
        [Command::Send, Command::Edit, Command::CopyCurl].into_iter().filter(|_| panel.test_calls().is_some());
    let has_earlier = !panel.earlier().is_empty();
    let is_there = |command: &Command| {
        if *command == Command::History { has_earlier } else { panel.text().is_some() }
    };
    // What is most useful after an answer comes first, for narrow screens show the first few only.
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
    let mut commands = match panel.focus {
        Focus::Form => return vec![Command::SendForm, Command::NextPane, Command::Back],
        Focus::Filter | Focus::Query | Focus::History => return vec![Command::Choose, Command::Back],
        Focus::Requests => {
            let to_look = [Command::Find, Command::Fold].into_iter().filter(|_| panel.test_calls().is_some());
            let to_read = to_read.filter(|command| !matches!(command, Command::Find | Command::Fold));
            let (to_send, pane) = (to_send.chain(to_look), [Command::NextPane]);
            match panel.text() {
                Some(_) => to_read.chain(pane).chain(to_send).collect::<Vec<_>>(),
                None => to_send.chain(pane).chain(to_read).collect(),
            }
        }
        // Of what could not be sent there is nothing to read, and something to mend.
        Focus::Answer if panel.text().is_none() && panel.test_calls().is_some() => {
            let earlier = has_earlier.then_some(Command::History);
            let commands = [Command::Edit, Command::Send, Command::NextPane, Command::CopyCurl];
            commands.into_iter().chain(earlier).collect()
        }
        Focus::Answer => [Command::NextPane].into_iter().chain(to_read).chain(to_send).collect(),
    };
    if fix::fix(model).is_some() {
        commands.insert(0, Command::Fix);
    }
    commands.extend([Command::Help, Command::Back]);
    commands
}

/// Keys are text now.
pub fn captures_keys(model: &Model) -> bool {
    model.api.as_ref().is_some_and(|panel| matches!(panel.focus, Focus::Form | Focus::Filter | Focus::Query))
}

/// Takes in a key that is text.
pub fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    let mut effects = Vec::new();
    match panel.focus {
        Focus::Form => match panel.form.press(key) {
            Pressed::Edited => {}
            Pressed::Leave => panel.focus = Focus::Requests,
            Pressed::Send => effects = send_typed(model),
        },
        Focus::Filter => type_filter(panel, key),
        _ => effects = type_query(model, key),
    }
    effects.extend(resized(model));
    effects
}

/// Puts pasted text where the cursor is; elsewhere it means nothing.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    match &mut model.api {
        Some(panel) if panel.focus == Focus::Form => {
            panel.form.paste(text);
            Vec::new()
        }
        Some(panel) if panel.focus == Focus::Filter => {
            if let Some(filter) = &mut panel.list.filter {
                filter.paste(text, true);
            }
            panel.with_list(RequestList::fill);
            Vec::new()
        }
        Some(panel) if panel.focus == Focus::Query => {
            if let Some(query) = &mut panel.query {
                query.paste(text, true);
            }
            search(model)
        }
        _ => Vec::new(),
    }
}

/// Does what the person asked for.
pub fn command(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return profiles::open(model) };
    let mut effects = match (command, panel.focus) {
        (Command::Back, _) => back(model, now),
        (Command::Quit, _) => leave(model),
        (Command::History, _) => toggle_history(panel),
        (Command::Choose, Focus::History) => choose_earlier(model, now),
        (_, Focus::History) => move_in_history(panel, command),
        (Command::NextPane | Command::PreviousPane, _) => {
            panel.focus = if panel.focus == Focus::Requests { Focus::Answer } else { Focus::Requests };
            Vec::new()
        }
        (Command::Send | Command::SendForm, _) | (Command::Choose, Focus::Requests) => send_or_edit(model),
        (Command::Edit, _) => edit(panel),
        (Command::CopyCurl, _) => copy_curl(model, now),
        (Command::CopyAnswer, _) => copy_value(model, now),
        (Command::CopyPath, _) => copy_path(model, now),
        (Command::SaveAnswer, _) => save(model, now),
        (Command::NextView, _) => next_view(panel),
        (Command::Fix, _) => fix::perform(model, now),
        (Command::Find, Focus::Requests) => start_filter(panel),
        (Command::Find, _) => start_query(panel),
        (_, Focus::Requests) => in_list(model, command),
        _ => in_text(panel, command),
    };
    effects.extend(resized(model));
    effects
}

/// Takes in the answer of a request. One of a request that is not current any more goes to the history only.
pub fn answered(model: &mut Model, task: TaskId, result: Result<Received, Error>, now: Now) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    let is_current = panel.under_way.last().is_some_and(|last| last.task == task);
    let Some(index) = panel.under_way.iter().position(|request| request.task == task) else { return Vec::new() };
    let request = panel.under_way.remove(index);
    let exchange = Exchange::new(request, panel.profile.clone(), result, now);
    let kept = panel.remember(&exchange);
    let is_contrary = panel.is_contradicted_by(&exchange);
    if is_current {
        panel.shown = Some(task);
        panel.side = Side::Body;
        panel.forget_query();
    }
    panel.history.push(exchange, panel.shown);
    let mut effects: Vec<Effect> = kept.into_iter().collect();
    if is_contrary {
        effects.extend(grants::read_again(model));
    }
    effects.extend(resized(model));
    effects
}

/// Takes in what was found in a long text, unless something else is looked for by now.
pub fn found(model: &mut Model, task: TaskId, found: Option<Found>) -> Vec<Effect> {
    let Some(panel) = model.api.as_mut().filter(|panel| panel.searching == Some(task)) else { return Vec::new() };
    panel.searching = None;
    if let Some(text) = panel.text_mut() {
        text.show_found(found);
    }
    Vec::new()
}

/// Tells where an answer was saved.
pub fn saved(model: &mut Model, result: Result<PathBuf, Error>, now: Now) -> Vec<Effect> {
    match result {
        Ok(path) => {
            // Where there is little room, the name is what is new.
            let shown =
                if model.window.width < 60 { path.file_name().map_or(path.as_path(), Path::new) } else { &path };
            model.say(Mark::Good, format!("Saved as {}, for you alone.", visible(&shown.to_string_lossy())), now);
        }
        Err(error) => model.say(Mark::Declined, visible(&error.to_string()), now),
    }
    Vec::new()
}

/// Takes in a raw text in lines; shows it if it is looked at still.
pub fn wrapped(model: &mut Model, task: TaskId, document: Arc<JsonDocument>) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    let Some(done) = panel.wrapping.take_if(|wrapping| wrapping.task == task) else { return Vec::new() };
    if let Some(exchange) = panel.history.find_mut(done.answer) {
        exchange.show_raw(document, done.columns);
    }
    if panel.side == Side::Raw && panel.shown == Some(done.answer) {
        panel.forget_query();
        panel.focus = if panel.focus == Focus::Query { Focus::Answer } else { panel.focus };
    }
    // The window may have another width by now.
    resized(model)
}

/// Fits the answer's text to its pane, which the window and the lines above it settle.
pub fn resized(model: &mut Model) -> Vec<Effect> {
    let effects = wrap_raw(model).into_iter().collect();
    let rows = view::text_size(model).height;
    if let Some(text) = model.api.as_mut().and_then(ApiPanel::text_mut) {
        text.set_rows(rows);
    }
    effects
}

/// Breaks the raw text that is looked at to the width of its pane; a long one elsewhere, one width at a time.
fn wrap_raw(model: &mut Model) -> Option<Effect> {
    model.api.as_ref().filter(|panel| panel.side == Side::Raw)?;
    let columns = usize::from(view::text_size(model).width.saturating_sub(GUTTER)).max(1);
    let panel = model.api.as_mut()?;
    let answer = panel.shown?;
    let text = panel.history.find_mut(answer)?.wrap_raw(columns)?;
    if panel.wrapping.is_some() {
        return None;
    }
    let task = model.new_task();
    let panel = model.api.as_mut()?;
    panel.wrapping = Some(Wrapping { task, answer, columns });
    Some(Effect::Wrap { task, text, columns })
}
