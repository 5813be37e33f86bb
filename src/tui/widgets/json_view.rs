//! What a person does with a JSON text: move, fold, search, copy.
//!
//! A frame looks at the visible lines only, and folding changes one flag: a hidden line is never visited, because its
//! container knows where it ends. So neither depends on the size of the text.

mod document;
mod pane;
mod scan;
mod search;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use document::JsonDocument;
pub use pane::{GUTTER, JsonPane};
use scan::Kind;
pub use search::Found;

/// A document on screen: the cursor, what is folded, what is searched for. The cursor is always on a visible line.
#[derive(Clone, Debug)]
pub struct JsonView {
    document: Arc<JsonDocument>,
    /// By line: the container that begins there is shown as one line.
    folded: Vec<bool>,
    cursor: usize,
    /// The line at the top of the pane.
    top: usize,
    /// Columns that are scrolled out to the left.
    left: usize,
    /// Rows of the pane.
    rows: usize,
    /// Columns of the pane that are for the text.
    columns: usize,
    search: Option<Found>,
    /// Containers from this depth on were folded last.
    fold_depth: u32,
    /// The line of the cursor, and the columns that were scrolled out to the left, before the search.
    origin: (usize, usize),
}

impl JsonView {
    pub fn new(document: Arc<JsonDocument>) -> Self {
        let folded = vec![false; document.line_count()];
        let fold_depth = document.deepest();
        let (rows, columns) = (1, usize::MAX);
        Self { document, folded, cursor: 0, top: 0, left: 0, rows, columns, search: None, fold_depth, origin: (0, 0) }
    }

    /// Shows the same text broken elsewhere, at the same place of it. What was found in the old lines is forgotten.
    pub fn rebroken(&mut self, document: Arc<JsonDocument>) {
        let byte_of = |line: usize| self.document.lines().get(line).map_or(0, |line| line.start as usize);
        let (cursor, top) = (document.line_of(byte_of(self.cursor)), document.line_of(byte_of(self.top)));
        *self = Self { cursor, top, rows: self.rows, columns: self.columns, ..Self::new(document) };
        self.settle();
    }

    pub fn document(&self) -> &Arc<JsonDocument> {
        &self.document
    }

    /// The cursor's line, counted from 0 over all lines, folded or not.
    pub fn line(&self) -> usize {
        self.cursor
    }

    /// The row of the pane on which the cursor is, for the terminal's own cursor.
    pub fn cursor_row(&self) -> usize {
        self.visible_from(self.top).take_while(|&line| line < self.cursor).take(self.rows).count()
    }

    /// Tells the view how many rows the pane has. To be called when the layout changes.
    pub fn set_rows(&mut self, rows: u16) {
        self.rows = usize::from(rows).max(1);
        self.follow();
    }

    /// The same for the columns, without the gutter. A longer line goes on to the right.
    pub fn set_columns(&mut self, columns: u16) {
        self.columns = usize::from(columns);
    }

    /// Moves the cursor down by so many visible lines, or up.
    pub fn move_by(&mut self, lines: isize) {
        for _ in 0..lines.unsigned_abs() {
            let next = if lines > 0 { self.below(self.cursor) } else { self.above(self.cursor) };
            let Some(next) = next else { break };
            self.cursor = next;
        }
        self.settle();
    }

    /// Moves the cursor down by so many pages, or up. One line stays in sight.
    pub fn page(&mut self, pages: isize) {
        let lines = isize::try_from(self.rows.saturating_sub(1).max(1)).unwrap_or(isize::MAX);
        self.move_by(pages.saturating_mul(lines));
    }

    /// Moves the cursor to the line at a row of the pane. Tells whether it was there already; `None` where no line is.
    pub fn point(&mut self, row: usize) -> Option<bool> {
        let line = self.visible_from(self.top).take(self.rows).nth(row)?;
        let was_there = self.cursor == line;
        self.cursor = line;
        self.settle();
        Some(was_there)
    }

    pub fn home(&mut self) {
        self.cursor = 0;
        self.left = 0;
        self.settle();
    }

    pub fn end(&mut self) {
        self.cursor = self.above(self.document.line_count()).unwrap_or_default();
        self.settle();
    }

    /// Scrolls right by so many columns, or left; not beyond the longest line in sight.
    pub fn scroll_sideways(&mut self, columns: isize) {
        let wanted = self.left.saturating_add_signed(columns);
        // What lies further to the right need not be looked at.
        let lines = self.visible_from(self.top).take(self.rows);
        let longest = lines.map(|line| self.document.columns(line, wanted)).max().unwrap_or_default();
        self.left = wanted.min(longest.saturating_sub(1));
        self.settle();
    }

    /// Folds or unfolds the container at the cursor. On any other line, folds the one around it and moves there.
    pub fn toggle_fold(&mut self) {
        let opening = self.document.opening(self.cursor);
        let is_container = self.document.closing(opening) != opening;
        let container = if is_container { Some(opening) } else { self.document.parent(opening).map(|(line, _)| line) };
        if let Some(container) = container {
            self.folded[container] = !self.folded[container];
            self.cursor = container;
            self.top = self.visible(self.top);
            self.settle();
        }
    }

    /// Folds every container but the outermost.
    pub fn fold_all(&mut self) {
        self.fold_from(1);
    }

    /// Shows one level of nesting less than at the last time, at least the outermost.
    pub fn fold_more(&mut self) {
        self.fold_from(self.fold_depth.saturating_sub(1).max(1));
    }

    /// Shows one level of nesting more.
    pub fn fold_less(&mut self) {
        self.fold_from(self.fold_depth.saturating_add(1).min(self.document.deepest()));
    }

    fn fold_from(&mut self, depth: u32) {
        let lines = self.document.lines();
        self.folded = lines.iter().map(|line| line.kind == Kind::Open && line.depth >= depth).collect();
        self.fold_depth = depth;
        self.cursor = self.visible(self.cursor);
        self.top = 0;
        self.settle();
    }

    pub fn unfold_all(&mut self) {
        self.folded.fill(false);
        self.fold_depth = self.document.deepest();
        self.settle();
    }

    /// Looks for `query` and moves to the first line that has it, from where the cursor was before the search. To be
    /// called for every letter typed; an empty query moves back. Finds text as it was sent, also inside what is folded,
    /// and tells whether there is any.
    pub fn search(&mut self, query: &str) -> bool {
        self.show_found(self.document.find(query))
    }

    /// The same with what [`JsonDocument::find`] has found already.
    pub fn show_found(&mut self, found: Option<Found>) -> bool {
        self.search = found;
        let found = self.search.as_ref().and_then(|search| {
            let next = search.lines.partition_point(|&line| line < self.origin.0);
            search.lines.get(next).or(search.lines.first()).copied()
        });
        let origin = self.origin;
        self.left = origin.1;
        self.reveal(found.unwrap_or(origin.0));
        self.origin = origin;
        found.is_some()
    }

    /// Makes the cursor's line the one from which the next search starts, and forgets the last search.
    pub fn start_search(&mut self) {
        self.search = None;
        self.origin = (self.cursor, self.left);
    }

    /// Moves to the next line that has what was searched for, from the last on to the first.
    pub fn next_match(&mut self) -> bool {
        self.go_to_match(|lines, cursor| {
            let next = lines.partition_point(|&line| line <= cursor);
            lines.get(next).or(lines.first()).copied()
        })
    }

    pub fn previous_match(&mut self) -> bool {
        self.go_to_match(|lines, cursor| {
            let next = lines.partition_point(|&line| line < cursor);
            next.checked_sub(1).map(|previous| lines[previous]).or(lines.last().copied())
        })
    }

    /// How many lines have what was searched for, and which of them is the cursor's, counted from 1.
    pub fn matches(&self) -> Option<(Option<usize>, usize)> {
        let lines = &self.search.as_ref()?.lines;
        Some((lines.binary_search(&self.cursor).ok().map(|index| index + 1), lines.len()))
    }

    /// The value at the cursor for the clipboard: see [`JsonDocument::value`].
    pub fn value_at_cursor(&self) -> String {
        self.document.value(self.cursor)
    }

    /// Tells whether the value at the cursor is in sight from its first character to its last, in so many columns.
    pub fn shows_value(&self, columns: usize) -> bool {
        let value = self.document.value(self.cursor);
        let fits = self.left == 0 && self.document.columns(self.cursor, columns) <= columns;
        fits && self.document.line_text(self.cursor).contains(&value)
    }

    /// The way to the value at the cursor: see [`JsonDocument::path`].
    pub fn path_at_cursor(&self) -> String {
        self.document.path(self.cursor)
    }

    fn go_to_match(&mut self, choose: impl Fn(&[usize], usize) -> Option<usize>) -> bool {
        let found = self.search.as_ref().and_then(|search| choose(&search.lines, self.cursor));
        if let Some(line) = found {
            self.reveal(line);
        }
        found.is_some()
    }

    /// Scrolls sideways to what was found in the cursor's line, unless that is in sight.
    fn follow_match(&mut self) {
        let Some((start, end)) = self.search.as_ref().and_then(|found| self.document.columns_of(found, self.cursor))
        else {
            return;
        };
        // The last column tells that a line goes on.
        let columns = self.columns.saturating_sub(1);
        if start < self.left || end > self.left.saturating_add(columns) {
            let in_the_middle = start.saturating_sub(columns.saturating_sub(end - start) / 2);
            self.left = if end <= columns { 0 } else { in_the_middle };
        }
    }

    /// Moves the cursor to a line, unfolds all that hides it, and has what was found there in sight.
    fn reveal(&mut self, line: usize) {
        let mut inner = line;
        while let Some((parent, _)) = self.document.parent(inner) {
            self.folded[parent] = false;
            inner = parent;
        }
        let opening = self.document.opening(line);
        if opening != line {
            self.folded[opening] = false;
        }
        self.cursor = line;
        self.follow_match();
        self.settle();
    }

    /// The line on which a line is to be seen: its own, or that of the outermost folded container around it.
    fn visible(&self, line: usize) -> usize {
        let opening = self.document.opening(line);
        let mut seen = if self.is_folded(opening) { opening } else { line };
        let mut inner = opening;
        while let Some((parent, _)) = self.document.parent(inner) {
            if self.is_folded(parent) {
                seen = parent;
            }
            inner = parent;
        }
        seen
    }

    fn is_folded(&self, line: usize) -> bool {
        self.folded.get(line).copied().unwrap_or_default()
    }

    /// The visible line after a visible one.
    fn below(&self, line: usize) -> Option<usize> {
        let last = if self.is_folded(line) { self.document.closing(line) } else { line };
        Some(last + 1).filter(|&next| next < self.document.line_count())
    }

    /// The visible line before a visible one.
    fn above(&self, line: usize) -> Option<usize> {
        let previous = line.checked_sub(1)?;
        let opening = self.document.opening(previous);
        Some(if self.is_folded(opening) { opening } else { previous })
    }

    fn visible_from(&self, line: usize) -> impl Iterator<Item = usize> {
        let first = Some(line).filter(|&line| line < self.document.line_count());
        std::iter::successors(first, |&line| self.below(line))
    }

    /// Ends a move: the cursor is in sight, and the next search starts from it.
    fn settle(&mut self) {
        self.origin = (self.cursor, self.left);
        self.follow();
    }

    /// Scrolls as little as it takes to have the cursor in sight.
    fn follow(&mut self) {
        let is_in_sight = self.visible_from(self.top).take(self.rows).any(|line| line == self.cursor);
        if !is_in_sight {
            let rows_above = if self.cursor < self.top { 0 } else { self.rows - 1 };
            let upward = std::iter::successors(Some(self.cursor), |&line| self.above(line));
            self.top = upward.take(rows_above + 1).last().unwrap_or(self.cursor);
        }
    }
}
