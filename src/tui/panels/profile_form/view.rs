//! How the form looks: where the person is, the page of one step, and what is wrong with it.
//!
//! Beside the page stand the steps where there is room; else the title tells which one it is. A page says first what it
//! wants, and gives way from below: help, then introduction, and never the field or the row that has the cursor.

mod ends;
mod pages;
mod scopes;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::steps::Step;
use super::{Hidden, ProfileForm, Purpose};
use crate::tui::lines::draw_lines;
use crate::tui::panel::Title;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{at_most, cut, width, wrap};
use crate::tui::theme::{Mark, Theme};
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::List;
use crate::untrusted::visible;

/// From here on the steps stand beside the page.
const WIDE: u16 = 72;
/// Columns of the steps.
const STEPS: u16 = 22;
/// Rows that a list keeps before anything is explained, and however much there is that went wrong.
const LEAST_ROWS: usize = 4;
const FEWEST_ROWS: usize = 2;
/// From here on a page has blank rows between its parts.
const AIRY: usize = 16;
/// Columns in which half of a detail still says something.
const ENOUGH: usize = 20;

/// What a step shows.
#[derive(Default)]
struct Page<'a> {
    heading: String,
    /// What is asked for.
    intro: Vec<String>,
    fields: Vec<Entry<'a>>,
    rows: Vec<Choice>,
    selected: Option<usize>,
    /// The rows matter more than what is said about them.
    has_rows_first: bool,
    /// What is wrong, or what to think of.
    notes: Vec<(Option<Mark>, String)>,
    /// What helps with the answer.
    help: Vec<String>,
}

impl Page<'_> {
    /// The columns that the rows take before their details.
    fn columns(&self) -> usize {
        self.rows.iter().map(|row| width(&visible(&row.text))).max().unwrap_or(0) + 4
    }

    /// Details of a few letters say nothing, unless that is all of them.
    fn details_fit(&self, room: usize) -> bool {
        let left = room.saturating_sub(self.columns());
        left >= ENOUGH || self.rows.iter().all(|row| width(&visible(&row.detail)) <= left)
    }

    /// What is said below the list where it has no room beside. Where something is typed, the notes say it anyway.
    fn detail_of_selected(&self) -> Option<String> {
        let row = self.rows.get(self.selected?).filter(|_| self.fields.is_empty())?;
        Some(row.detail.clone()).filter(|detail| !detail.is_empty())
    }
}

/// A line for typing.
struct Entry<'a> {
    label: String,
    typed: Typed<'a>,
    is_focused: bool,
    /// Stands in the field while it is empty.
    placeholder: &'static str,
}

impl Entry<'_> {
    fn is_empty(&self) -> bool {
        match &self.typed {
            Typed::Shown(field) => field.text().is_empty(),
            Typed::Hidden(hidden) => hidden.is_empty(),
        }
    }
}

enum Typed<'a> {
    Shown(&'a Field),
    Hidden(&'a Hidden),
}

/// A row that can be chosen.
#[derive(Default)]
struct Choice {
    text: String,
    detail: String,
}

/// All that the page of the step at hand says.
#[cfg(test)]
pub(super) fn words_of(around: &Surroundings, form: &ProfileForm) -> String {
    let page = pages::page(around, form);
    let rows = page.rows.into_iter().map(|row| row.text);
    let notes = page.notes.into_iter().map(|(_, text)| text);
    let all = std::iter::once(page.heading).chain(page.intro).chain(rows).chain(notes).chain(page.help);
    all.collect::<Vec<_>>().join("\n")
}

/// What is done here, and on the right to which profile or in which step.
pub(super) fn title(around: &Surroundings, form: &ProfileForm) -> Title {
    let name = form.name();
    let (name, about) = match &form.purpose {
        Purpose::Rename { old, .. } => ("Rename a profile", old.to_string()),
        Purpose::Remove { name, .. } => ("Remove a profile", name.to_string()),
        Purpose::Edit { .. } => ("Edit a profile", name),
        Purpose::Add | Purpose::Import => {
            let steps = form.steps();
            let at = steps.iter().position(|step| *step == form.step);
            let step = at.map_or_else(|| form.step.title().to_owned(), |at| format!("{} of {}", at + 1, steps.len()));
            (if form.is_import() { "Import a token" } else { "Add a profile" }, step)
        }
    };
    Title::new(name, Span::styled(about, around.theme.label))
}

/// Draws the form.
pub(super) fn view(around: &Surroundings, form: &ProfileForm, area: Rect, frame: &mut Frame<'_>) {
    let has_steps = area.width >= WIDE && !matches!(form.purpose, Purpose::Rename { .. } | Purpose::Remove { .. });
    let page_area = if has_steps {
        draw_steps(around, form, Rect { width: STEPS, ..area }, frame);
        Rect { x: area.x + STEPS, width: area.width - STEPS, ..area }
    } else {
        area
    };
    // A margin where there is room for one.
    let margin = u16::from(page_area.width > 2);
    let top = u16::from(area.height > 12 && form.step != Step::Remove);
    let page_area = Rect {
        x: page_area.x + margin,
        y: page_area.y + top,
        width: page_area.width - 2 * margin,
        height: page_area.height - top,
    };
    draw_page(around, &pages::page(around, form), page_area, frame);
}

fn draw_steps(around: &Surroundings, form: &ProfileForm, area: Rect, frame: &mut Frame<'_>) {
    let steps = form.steps();
    let at = steps.iter().position(|step| *step == form.step);
    let theme = &around.theme;
    // A word in brackets would have no room.
    let done = Some(theme.symbol(Mark::Good)).filter(|mark| width(mark) == 1).unwrap_or("*");
    let line = |(index, step): (usize, &Step)| {
        let (marker, style) = match at {
            Some(at) if at == index => (Span::styled(theme.cursor(), theme.accent), theme.title),
            Some(at) if at < index => (Span::raw(" "), theme.text),
            _ => (Span::styled(done, theme.label), theme.label),
        };
        let words = format!(" {:>2} {}", index + 1, step.title());
        Line::from(vec![Span::raw(" "), marker, Span::styled(words, style)])
    };
    let lines: Vec<Line<'_>> = steps.iter().enumerate().map(line).collect();
    draw_lines(
        &lines,
        Rect { y: area.y + u16::from(area.height > 12), height: area.height - u16::from(area.height > 12), ..area },
        frame,
    );
    let border = around.theme.border_set().vertical_left;
    for row in area.y..area.bottom() {
        frame.buffer_mut().set_stringn(area.right().saturating_sub(1), row, border, 1, around.theme.border);
    }
}

/// The rows that all of a page without fields and help takes.
pub(super) fn rows(around: &Surroundings, form: &ProfileForm, columns: usize) -> usize {
    let page = pages::page(around, form);
    let notes = noted(&around.theme, &page.notes, columns).len();
    let parts = [wrapped(&page.intro, columns).len(), page.rows.len(), notes];
    1 + parts.into_iter().filter(|rows| *rows > 0).map(|rows| rows + 1).sum::<usize>()
}

/// The rows that each part of a page gets, from what all of them want.
struct Rooms {
    intro: usize,
    list: usize,
    notes: usize,
    help: usize,
}

impl Rooms {
    /// What must be seen first, then what explains it; blanks between them where some is left.
    fn of(height: usize, page: &Page<'_>, intro: usize, notes: usize, help: usize) -> Self {
        // Where there is room, the parts stand apart.
        let parts = [intro, page.fields.len(), page.rows.len(), notes, help];
        let gaps = if height >= AIRY { parts.into_iter().filter(|rows| *rows > 0).count() } else { 0 };
        let mut left = height.saturating_sub(1 + gaps + page.fields.len());
        let lacking = (page.rows.len().min(LEAST_ROWS) + notes).saturating_sub(left);
        let least = page.rows.len().min(LEAST_ROWS.saturating_sub(lacking).max(FEWEST_ROWS));
        let mut take = |wanted: usize| {
            let taken = wanted.min(left);
            left -= taken;
            taken
        };
        let least = take(least);
        let notes = take(notes);
        let rest = page.rows.len() - least;
        let more = if page.has_rows_first { take(rest) } else { 0 };
        let intro = take(intro);
        let help = take(help);
        let list = least + more + take(rest - more);
        Self { intro, list, notes, help }
    }
}

fn draw_page(around: &Surroundings, page: &Page<'_>, area: Rect, frame: &mut Frame<'_>) {
    if area.is_empty() {
        return;
    }
    let theme = &around.theme;
    let room = usize::from(area.width);
    let intro = wrapped(&page.intro, room);
    let notes = noted(theme, &page.notes, room);
    let shows_details = page.details_fit(room);
    let detail = page.detail_of_selected().filter(|_| !shows_details);
    let help = wrapped(&detail.into_iter().chain(page.help.iter().cloned()).collect::<Vec<_>>(), room);
    let height = usize::from(area.height);
    let rooms = Rooms::of(height, page, intro.len(), notes.len(), help.len());
    let used = 1 + page.fields.len() + rooms.intro + rooms.list + rooms.notes + rooms.help;
    let mut spare = height.saturating_sub(used);
    let mut pen = Pen { area, row: area.y, frame };
    pen.lines(&[Line::styled(headed(page, rooms.list, room, theme.cut()), theme.title)]);
    pen.gap(&mut spare, true);
    let cut_to = |lines: Vec<String>, rows: usize| {
        let lines = at_most(lines, rows, room, theme.cut()).into_iter();
        lines.map(|line| Line::styled(line, theme.text)).collect::<Vec<_>>()
    };
    pen.lines(&cut_to(intro, rooms.intro));
    pen.gap(&mut spare, rooms.intro > 0);
    pen.fields(theme, page);
    pen.gap(&mut spare, !page.fields.is_empty() && !page.rows.is_empty());
    pen.list(theme, page, rooms.list, shows_details);
    pen.gap(&mut spare, rooms.notes > 0 && !(page.fields.is_empty() && page.rows.is_empty()));
    pen.lines(&notes_at_most(notes, rooms.notes, room, theme.cut()));
    pen.gap(&mut spare, rooms.help > 0);
    pen.lines(&cut_to(help, rooms.help));
}

/// The heading, and which row of how many has the cursor where not all of them are seen.
fn headed(page: &Page<'_>, shown: usize, room: usize, sign: &str) -> String {
    let Some(selected) = page.selected.filter(|_| shown < page.rows.len()) else {
        return cut(&page.heading, room, sign);
    };
    let (at, all) = (selected + 1, page.rows.len());
    let fits = |place: &String| width(&page.heading) + 1 + width(place) <= room;
    let place = Some(format!("{at} of {all}")).filter(fits).unwrap_or_else(|| format!("{at}/{all}"));
    let left = room.saturating_sub(width(&place) + 1);
    let heading = cut(&page.heading, left, sign);
    let gap = left.saturating_sub(width(&heading));
    cut(&format!("{heading}{:gap$} {place}", ""), room, sign)
}

fn wrapped(paragraphs: &[String], room: usize) -> Vec<String> {
    paragraphs.iter().flat_map(|paragraph| wrap(&visible(paragraph), room)).collect()
}

/// Notes with their marks, wrapped beside them.
fn noted(theme: &Theme, notes: &[(Option<Mark>, String)], room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (mark, text) in notes {
        let indent = mark.map_or(0, |mark| width(theme.symbol(mark)) + 1);
        for (row, line) in wrap(&visible(text), room.saturating_sub(indent).max(1)).into_iter().enumerate() {
            let first = match mark {
                Some(mark) if row == 0 => vec![theme.mark(*mark), Span::raw(" ")],
                _ => vec![Span::raw(" ".repeat(indent))],
            };
            lines.push(Line::from([first, vec![Span::styled(line, theme.text)]].concat()));
        }
    }
    lines
}

/// As many of their lines, the last of which ends in the sign where there were more.
fn notes_at_most(mut notes: Vec<Line<'static>>, most: usize, room: usize, sign: &str) -> Vec<Line<'static>> {
    let rest = notes.split_off(most.min(notes.len()));
    if let Some(last) = notes.last_mut().filter(|_| !rest.is_empty()) {
        let texts = rest.iter().filter_map(|line| line.spans.last()).map(|text| text.content.as_ref());
        let columns = last.width();
        if let Some(text) = last.spans.last_mut() {
            let indent = columns - text.width();
            let all: Vec<&str> = std::iter::once(text.content.as_ref()).chain(texts).collect();
            text.content = cut(&all.join(" "), room.saturating_sub(indent), sign).into();
        }
    }
    notes
}

/// Draws from above to below.
struct Pen<'a, 'b> {
    area: Rect,
    row: u16,
    frame: &'a mut Frame<'b>,
}

impl Pen<'_, '_> {
    fn lines(&mut self, lines: &[Line<'_>]) {
        let place = self.rest();
        draw_lines(lines, place, self.frame);
        self.row += u16::try_from(lines.len()).unwrap_or(place.height).min(place.height);
    }

    /// An empty row, while there are rows to spare.
    fn gap(&mut self, spare: &mut usize, is_wanted: bool) {
        if is_wanted && *spare > 0 {
            *spare -= 1;
            self.row += 1;
        }
    }

    fn rest(&self) -> Rect {
        Rect { y: self.row, height: self.area.bottom().saturating_sub(self.row), ..self.area }
    }

    fn fields(&mut self, theme: &Theme, page: &Page<'_>) {
        let fields = &page.fields;
        // Of a field above a list the marker says where Enter goes, which is a row of the list; the cursor says where
        // typing goes.
        let has_list = !page.rows.is_empty();
        let label = fields.iter().map(|entry| width(&entry.label)).max().unwrap_or(0) + 3;
        for entry in fields {
            let place = self.rest();
            if place.is_empty() {
                return;
            }
            let marker = if entry.is_focused && !has_list { theme.cursor() } else { " " };
            let style = if entry.is_focused { theme.title } else { theme.label };
            let marker = Span::styled(marker, theme.accent);
            let line = Line::from(vec![marker, Span::raw(" "), Span::styled(&entry.label, style)]);
            self.frame.buffer_mut().set_line(place.x, place.y, &line, place.width);
            let indent = u16::try_from(label).unwrap_or(place.width).min(place.width);
            let field = Rect { x: place.x + indent, width: place.width - indent, height: 1, ..place };
            if entry.is_empty() {
                let room = usize::from(field.width);
                self.frame.buffer_mut().set_stringn(field.x, field.y, entry.placeholder, room, theme.faint);
            }
            self.field(theme, entry, field);
            self.row += 1;
        }
    }

    fn field(&mut self, theme: &Theme, entry: &Entry<'_>, place: Rect) {
        match &entry.typed {
            Typed::Shown(field) => field.draw(theme, theme.code, entry.is_focused, place, self.frame),
            Typed::Hidden(hidden) => {
                let dots = hidden.length().min(usize::from(place.width.saturating_sub(1)));
                Field::new(&theme.hidden_character().repeat(dots)).draw(
                    theme,
                    theme.code,
                    entry.is_focused,
                    place,
                    self.frame,
                );
            }
        }
    }

    fn list(&mut self, theme: &Theme, page: &Page<'_>, height: usize, shows_details: bool) {
        let height = u16::try_from(height).unwrap_or(u16::MAX);
        let area = Rect { height: self.rest().height.min(height), ..self.rest() };
        let cursor = page.selected.unwrap_or(0).min(page.rows.len().saturating_sub(1));
        let left = page.columns();
        let details = page.rows.iter().filter(|_| shows_details).map(|row| width(&visible(&row.detail)));
        let needs = u16::try_from(left + details.max().unwrap_or(0) + 1).unwrap_or(u16::MAX);
        let area = Rect { width: area.width.min(needs), ..area };
        let list = List { area, cursor, all: page.rows.len() };
        let columns = usize::from(area.width);
        for (index, place) in list.rows() {
            let choice = &page.rows[index];
            let marker = Span::styled(if index == cursor { theme.cursor() } else { " " }, theme.accent);
            let text = cut(&format!(" {}", visible(&choice.text)), columns.saturating_sub(1), theme.cut());
            let line = Line::from(vec![marker, Span::styled(text, theme.text)]);
            self.frame.buffer_mut().set_line(place.x, place.y, &line, place.width);
            let room = columns.saturating_sub(left);
            if shows_details {
                let x = place.x + u16::try_from(left).unwrap_or(0);
                let detail = cut(&visible(&choice.detail), room, theme.cut());
                self.frame.buffer_mut().set_stringn(x, place.y, detail, room, theme.text);
            }
        }
        list.mark(theme, !page.fields.iter().any(|entry| entry.is_focused), self.frame);
        self.row += u16::try_from(list.in_sight().len()).unwrap_or(area.height);
    }
}

fn field<'a>(label: &str, field: &'a Field, is_focused: bool) -> Entry<'a> {
    Entry { label: label.to_owned(), typed: Typed::Shown(field), is_focused, placeholder: "" }
}

fn hidden<'a>(label: &str, hidden: &'a Hidden, is_focused: bool) -> Entry<'a> {
    Entry { label: label.to_owned(), typed: Typed::Hidden(hidden), is_focused, placeholder: "" }
}
