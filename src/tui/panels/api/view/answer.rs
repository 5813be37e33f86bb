//! The answer: what became of a request, why, what would help, and its text.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::super::answer::{Exchange, Reply, Side};
use super::super::fix::Fix;
use super::super::{ApiPanel, Focus};
use super::{draw_position, draw_search, framed};
use crate::clock::Moment;
use crate::error::Error;
use crate::http::progress::Moved;
use crate::http::reason;
use crate::tui::advice::{hint, said};
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{causes, draw_lines, end_of_sentence, numbered, sentence, shown, whole};
use crate::tui::received::Content;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{at_most, cut, width, wrap};
use crate::tui::theme::Mark;
use crate::tui::widgets::json_view::{JsonPane, JsonView};
use crate::untrusted::visible;
use crate::words;

/// Columns.
const WIDEST_BAR: usize = 40;
/// Rows of the text and of the line below it, at least.
const LEAST_TEXT: usize = 3;
/// Columns of the border above the text that are not for the names of the texts: the title, corners, lines beside them.
const BESIDE_SIDES: u16 = 13;
/// Below the mark of what goes on.
const INDENT: usize = 4;

/// The lines above the answer's text, the text, and the line below it.
pub(super) struct Pane {
    head: Vec<Line<'static>>,
    pub(super) text: Rect,
    foot: Option<Rect>,
}

impl Pane {
    pub(super) fn of(around: &Surroundings, panel: &ApiPanel, now: Moment, inner: Rect) -> Self {
        let room = usize::from(inner.width);
        let mut head = Head::default();
        let state = &mut head.state;
        if let Some(sent) = panel.under_way.last() {
            let (address, back) = (visible(sent.call.url.path()), around.key(Scope::Api, Command::Back));
            let words = format!(" {} {address} ... {back} cancels", sent.call.method);
            state.push(Line::from(vec![
                around.theme.mark(Mark::Working),
                Span::raw(cut(&words, room.saturating_sub(4), around.theme.cut())),
            ]));
        }
        if let Some(moved) = panel.under_way.last().and_then(|sent| sent.moved)
            && (moved.is_under_way() || moved.bytes() > 0)
        {
            state.extend(bar(around, &moved, room));
        }
        if let Some(waiting) = &panel.waiting {
            state.extend(marked(around, Mark::Working, &waiting.in_words(around, now), room));
        }
        // What helps with the call at the cursor is no word about the answer to another one.
        let is_of_other = panel.exchange().is_some() && panel.lacking_entry().is_some();
        let fix = panel.fix(around).filter(|_| !is_of_other);
        head.help = fix.map(|fix| help_lines(around, &fix, now, room)).unwrap_or_default();
        match (&panel.refused, panel.exchange()) {
            (Some((_, error)), _) => head.tell(around, panel, error, room),
            (None, Some(exchange)) => {
                head.tell_of(around, panel, exchange, room);
                let reply = exchange.outcome.as_ref().ok();
                let long = reply.filter(|_| matches!(panel.side, Side::Body | Side::Raw));
                let note = long.and_then(|reply| note_of_long(around, panel, reply));
                let note = note.or(reply.filter(|_| panel.side == Side::Body).and_then(|reply| note_of(around, reply)));
                head.note = note.map(|note| wrap(&note, room)).unwrap_or_default();
            }
            (None, None) if panel.under_way.is_empty() && panel.test_calls().is_some() => {
                let sends = if panel.is_own_request() { Command::Send } else { Command::Choose };
                let words =
                    format!("No answer yet. {} sends the request at the cursor.", around.key(Scope::Api, sends));
                head.state.extend(wrap(&words, room).into_iter().map(Line::raw));
            }
            // The list tells of it.
            (None, None) => head.help.clear(),
        }
        let has_text = panel.text().is_some();
        let foot_rows = u16::from(has_text && panel.query.is_some() && inner.height > 2);
        let rows = usize::from(inner.height);
        // Most of the pane is for the text, but for what is to be known of it.
        let above_text = head.wanted(room).min(rows.saturating_sub(LEAST_TEXT)).max(rows / 2);
        let most = if has_text { above_text } else { rows };
        let mut head = head.lines(around, room, most);
        let causes = whole(likely_causes(panel, room), most.saturating_sub(head.len() + 1));
        if !causes.is_empty() {
            head.push(Line::styled("Likely causes:", around.theme.label));
        }
        head.extend(causes.into_iter().map(|line| Line::styled(line, around.theme.faint)));
        let head_rows = u16::try_from(head.len()).unwrap_or(0);
        let height = if has_text { inner.height.saturating_sub(head_rows + foot_rows) } else { 0 };
        let text = Rect { y: inner.y + head_rows, height, ..inner };
        let foot = (foot_rows > 0).then_some(Rect { y: text.bottom(), height: foot_rows, ..inner });
        Self { head, text, foot }
    }
}

/// Draws the pane.
pub(super) fn draw_answer(around: &Surroundings, panel: &ApiPanel, now: Moment, area: Rect, frame: &mut Frame<'_>) {
    let has_focus = matches!(panel.focus, Focus::Answer | Focus::Query);
    let inner = framed(around, "Answer", has_focus, area, frame);
    let pane = Pane::of(around, panel, now, inner);
    draw_lines(&pane.head, Rect { height: pane.text.y - inner.y, ..inner }, frame);
    let Some(text) = panel.text() else { return };
    (&JsonPane { view: text, theme: &around.theme, focused: has_focus }).render(pane.text, frame.buffer_mut());
    if panel.focus == Focus::Answer && !pane.text.is_empty() {
        let row = u16::try_from(text.cursor_row()).unwrap_or(0).min(pane.text.height - 1);
        frame.set_cursor_position(Position::new(pane.text.x, pane.text.y + row));
    }
    draw_sides(around, panel.side, area, frame);
    draw_position(around, &position(around, panel, text), area, frame);
    if let (Some(foot), Some(query)) = (pane.foot, &panel.query) {
        draw_search(around, query, &found(panel, text), panel.focus == Focus::Query, foot, frame);
    }
}

/// How far the bodies of a call have come, in words, and as a bar below them where it is known how much there is.
fn bar(around: &Surroundings, moved: &Moved, room: usize) -> Vec<Line<'static>> {
    let indent = " ".repeat(INDENT);
    let words = Line::raw(cut(&format!("{indent}{}", moved.in_words()), room, around.theme.cut()));
    let columns = room.saturating_sub(INDENT).min(WIDEST_BAR);
    let Some((done, whole)) = moved.share() else { return vec![words] };
    let filled = usize::try_from(u128::from(done) * columns as u128 / u128::from(whole)).unwrap_or(columns);
    let (full, empty) = around.theme.gauge_symbols();
    let cells = [
        Span::raw(indent),
        Span::styled(full.repeat(filled), around.theme.accent),
        Span::styled(empty.repeat(columns - filled), around.theme.faint),
    ];
    vec![words, cells.into_iter().collect()]
}

/// What is said above the text, from top to bottom.
#[derive(Default)]
struct Head {
    /// What goes on, and what became of the request.
    state: Vec<Line<'static>>,
    /// Why it failed, behind a mark if it has one. It is cut for the sake of what comes after it.
    why: Option<(Option<Mark>, String)>,
    help: Vec<Line<'static>>,
    /// The address and the rate headers, as many as have room.
    about: Vec<Line<'static>>,
    note: Vec<String>,
}

impl Head {
    /// Takes in an error and what helps.
    fn tell(&mut self, around: &Surroundings, panel: &ApiPanel, error: &Error, room: usize) {
        self.why = Some((Some(Mark::Declined), visible(&sentence(error))));
        self.help.splice(..0, hint_lines(around, panel, error, room));
    }

    /// Takes in what became of a request: status, time, size and type, why it failed, the address, rate headers.
    fn tell_of(&mut self, around: &Surroundings, panel: &ApiPanel, exchange: &Exchange, room: usize) {
        let is_own = exchange.profile == panel.profile;
        let of_other = if is_own { String::new() } else { format!(" ({})", exchange.profile) };
        let address = format!("{} {}{of_other}", exchange.call.method, visible(exchange.call.url.as_str()));
        let address = cut(&address, room, around.theme.cut());
        let reply = match &exchange.outcome {
            Ok(reply) => reply,
            Err(error) => {
                self.state.push(Line::raw(address));
                return self.tell(around, panel, error, room);
            }
        };
        self.state.push(status_line(around, reply, room));
        self.why = reply.explained.as_ref().map(|explained| {
            // The line below says what to do where this program can do it.
            let next = if self.help.is_empty() {
                format!(": {}", said(around, panel, &explained.next))
            } else {
                String::new()
            };
            (None, visible(&format!("It failed: {}{next}.", explained.meaning)))
        });
        self.about.push(Line::styled(address, around.theme.label));
        if !reply.rates.is_empty() {
            let rates: Vec<String> = reply.rates.iter().map(|rate| shown(rate)).collect();
            let rates = cut(&rates.join(around.theme.separator()), room, around.theme.cut());
            self.about.push(Line::styled(rates, around.theme.faint));
        }
    }

    /// The rows of all but the address and the rate headers.
    fn wanted(&self, room: usize) -> usize {
        let why = self.why.as_ref().map_or(0, |(_, words)| wrap(words, room).len());
        self.state.len() + why + self.help.len() + self.note.len()
    }

    fn lines(self, around: &Surroundings, room: usize, most: usize) -> Vec<Line<'static>> {
        let sign = around.theme.cut();
        let free = most.saturating_sub(self.state.len() + self.help.len());
        let note = at_most(self.note, free.saturating_sub(usize::from(self.why.is_some())), room, sign);
        let free = free.saturating_sub(note.len());
        let why = match self.why {
            Some((Some(mark), words)) => marked_at_most(around, mark, &words, room, free.max(1)),
            Some((None, words)) => {
                let lines = at_most(wrap(&words, room), free.max(1), room, sign).into_iter();
                lines.map(|line| Line::styled(line, around.theme.attention)).collect()
            }
            None => Vec::new(),
        };
        let about = self.about.into_iter().take(free.saturating_sub(why.len()));
        let note = note.into_iter().map(Line::raw);
        self.state.into_iter().chain(why).chain(self.help).chain(about).chain(note).take(most).collect()
    }
}

/// What there is to know of a body that is no text, not all of what is shown, or not what it calls itself.
fn note_of(around: &Surroundings, reply: &Reply) -> Option<String> {
    match &reply.content {
        Content::Text(text) if text.is_empty() => Some("The answer has no body.".to_owned()),
        Content::Binary(_) => {
            let (shows, saves) =
                (around.key(Scope::Api, Command::NextView), around.key(Scope::Api, Command::SaveAnswer));
            Some(format!("The body is no text: {shows} shows its bytes, {saves} saves them."))
        }
        Content::Text(_) | Content::Encoded(..) if reply.body.document().is_cut() => Some(format!(
            "It has more lines than are shown: {} saves all of it.",
            around.key(Scope::Api, Command::SaveAnswer)
        )),
        Content::Text(_) | Content::Encoded(..) | Content::Long(..) => {
            reply.fault.as_ref().map(|fault| format!("It calls itself JSON and is none: {fault}."))
        }
    }
}

/// How much there is of an answer of which only the beginning is shown.
fn note_of_long(around: &Surroundings, panel: &ApiPanel, reply: &Reply) -> Option<String> {
    let Content::Long(beginning, long) = &reply.content else { return None };
    let (shown, whole) = (words::bytes(beginning.bytes().len() as u64), words::bytes(long.length));
    let save = around.key(Scope::Api, Command::SaveAnswer);
    Some(match long.loss() {
        Some(error) => {
            let helps = hint(around, panel, error).map(|hint| format!(" What helps: {hint}.")).unwrap_or_default();
            format!("The first {shown}. The call ended after {whole}: {}{helps}", end_of_sentence(error))
        }
        None if long.is_kept() => format!("The first {shown} of {whole}: {save} saves all of it."),
        None => format!("The first {shown} of {whole}. The rest is gone: send it again to save it."),
    })
}

/// What may lie behind the failure that is shown.
fn likely_causes(panel: &ApiPanel, room: usize) -> Vec<String> {
    let exchange = panel.exchange();
    match (&panel.refused, exchange.map(|exchange| &exchange.outcome)) {
        (Some((_, error)), _) | (None, Some(Err(error))) => causes(error, room),
        // Where it is known which scope is missing, there is nothing to guess.
        (None, Some(Ok(reply))) if exchange.is_some_and(|exchange| panel.names_missing_scope(exchange, reply)) => {
            Vec::new()
        }
        (None, Some(Ok(reply))) => {
            let explained = reply.explained.iter();
            numbered(explained.flat_map(|explained| &explained.causes).map(String::as_str), room)
        }
        (None, None) => Vec::new(),
    }
}

/// What the key for help does.
fn help_lines(around: &Surroundings, fix: &Fix, now: Moment, room: usize) -> Vec<Line<'static>> {
    wrap(&visible(&fix.in_words(&around.key(Scope::Api, Command::Fix), around, now)), room)
        .into_iter()
        .map(|line| Line::styled(line, around.theme.title))
        .collect()
}

/// Words behind a mark, wrapped beside it.
pub(super) fn marked(around: &Surroundings, mark: Mark, words: &str, room: usize) -> Vec<Line<'static>> {
    marked_at_most(around, mark, words, room, usize::MAX)
}

/// The same, cut to so many lines.
pub(super) fn marked_at_most(
    around: &Surroundings,
    mark: Mark,
    words: &str,
    room: usize,
    most: usize,
) -> Vec<Line<'static>> {
    let indent = width(around.theme.symbol(mark));
    let room = room.saturating_sub(indent + 1).max(1);
    let lines = at_most(wrap(words, room), most, room, around.theme.cut()).into_iter().enumerate();
    let begin = |row| if row == 0 { around.theme.mark(mark) } else { Span::raw(" ".repeat(indent)) };
    lines.map(|(row, line)| Line::from(vec![begin(row), Span::raw(format!(" {line}"))])).collect()
}

fn status_line(around: &Surroundings, reply: &Reply, room: usize) -> Line<'static> {
    let mark = if reply.explained.is_none() && reply.status < 400 { Mark::Good } else { Mark::Declined };
    let status = format!(" {} {}", reply.status, reason(reply.status));
    let (time, size) = (format!("{} ms", reply.took.as_millis()), words::bytes(reply.content.length()));
    let content_type = reply.content_type.as_deref().map(shown).unwrap_or_default();
    let words = [status.trim_end(), &time, &size, &content_type].join("  ");
    Line::from(vec![
        around.theme.mark(mark),
        Span::raw(cut(&words, room.saturating_sub(width(around.theme.symbol(mark))), around.theme.cut())),
    ])
}

/// Draws into the border above which texts there are, with a mark before the one that is shown.
fn draw_sides(around: &Surroundings, shown: Side, area: Rect, frame: &mut Frame<'_>) {
    let theme = &around.theme;
    let names = Side::ALL.into_iter().flat_map(|side| {
        let (mark, style) = if side == shown { (theme.cursor(), theme.focus) } else { (" ", theme.label) };
        [Span::styled(mark, style), Span::styled(side.name(), style)]
    });
    let line: Line<'_> = names.chain([Span::raw(" ")]).collect();
    let columns = u16::try_from(line.width()).unwrap_or(u16::MAX);
    if let Some(x) = area.width.checked_sub(columns.saturating_add(BESIDE_SIDES)) {
        frame.buffer_mut().set_line(area.x + x + BESIDE_SIDES - 2, area.y, &line, columns);
    }
}

/// What was found of what is looked for.
fn found(panel: &ApiPanel, text: &JsonView) -> String {
    match text.matches() {
        _ if panel.searching.is_some() => "searching ...".to_owned(),
        None => String::new(),
        Some((at, all)) => matches_in_words(at, all),
    }
}

/// How many there are, and at which of them the cursor is, if at one.
fn matches_in_words(at: Option<usize>, all: usize) -> String {
    match (at, all) {
        (_, 0) => "not found".to_owned(),
        (Some(at), all) => format!("match {at} of {all}"),
        (None, 1) => "1 match".to_owned(),
        (None, all) => format!("{all} matches"),
    }
}

/// Where the cursor is in the text, and what there is to know of it.
fn position(around: &Surroundings, panel: &ApiPanel, text: &JsonView) -> String {
    let lines = text.document().line_count();
    let mut parts = vec![format!("line {} of {lines}", (text.line() + 1).min(lines))];
    if text.document().has_too_many_lines() {
        parts.push("too many lines for the tree".to_owned());
    }
    if panel.side == Side::Raw && panel.wrapping.is_some() {
        parts.push("more is coming ...".to_owned());
    }
    let path = Some(text.path_at_cursor()).filter(|path| text.document().is_json() && path != ".");
    parts.extend(path.map(|path| visible(&path)));
    parts.join(around.theme.separator())
}

/// What failed, why, and what helps, in so many lines.
pub(super) fn error_lines(
    around: &Surroundings,
    panel: &ApiPanel,
    error: &Error,
    room: usize,
    most: usize,
) -> Vec<Line<'static>> {
    let mut head = Head::default();
    head.tell(around, panel, error, room);
    head.lines(around, room, most)
}

fn hint_lines(around: &Surroundings, panel: &ApiPanel, error: &Error, room: usize) -> Vec<Line<'static>> {
    let hint = hint(around, panel, error).map(|hint| wrap(&visible(&format!("What helps: {hint}.")), room));
    hint.into_iter().flatten().map(Line::raw).collect()
}

#[cfg(test)]
mod tests {
    use super::matches_in_words;

    #[test]
    fn what_was_found_is_counted() {
        let told = [(None, 0), (None, 1), (None, 2), (Some(1), 1)].map(|(at, all)| matches_in_words(at, all));
        assert_eq!(told, ["not found", "1 match", "2 matches", "match 1 of 1"]);
    }
}
