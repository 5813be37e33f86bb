//! A box over the panel, which goes on below it: where it may be, and how it looks.

use std::ops::RangeInclusive;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::chrome::between;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{cut, width};

/// Columns of a question, at least and at most.
pub const QUESTION: RangeInclusive<u16> = 22..=56;
/// Columns and rows of the border, with a column of air inside of it on either side.
const BORDER: Size = Size::new(4, 2);

/// Where a box goes whose content has so many columns, and takes so many rows at a number of them: in the middle, or beside
/// what nothing may lie over. `None` where it has no room.
pub fn place(
    window: Size,
    kept: Option<Rect>,
    columns: &RangeInclusive<u16>,
    rows: impl Fn(usize) -> usize,
) -> Option<Rect> {
    let area = between(window);
    let Some(kept) = kept.map(|kept| kept.intersection(area)).filter(|kept| !kept.is_empty()) else {
        return within(area, 2, columns, &rows);
    };
    let left = Rect { width: kept.x - area.x, ..area };
    let right = Rect { x: kept.right(), width: area.right() - kept.right(), ..area };
    let above = Rect { height: kept.y - area.y, ..area };
    let below = Rect { y: kept.bottom(), height: area.bottom() - kept.bottom(), ..area };
    // At the end of a text that has what matters at its beginning.
    let places = [left, right, above, below].into_iter().filter_map(|free| within(free, 1, columns, &rows));
    places.max_by_key(|place| place.width)
}

/// In the middle of an area, or at its end for a part of 1.
fn within(area: Rect, part: u16, columns: &RangeInclusive<u16>, rows: impl Fn(usize) -> usize) -> Option<Rect> {
    let (narrowest, widest) = (*columns.start(), *columns.end());
    let content = area.width.checked_sub(BORDER.width)?.min(widest);
    // Off the sides where there is room, but for a text that would look out of it.
    let margin = if part > 1 && content > narrowest + 2 { 2 } else { 0 };
    let content = content.min(area.width - BORDER.width - margin);
    let height = u16::try_from(rows(usize::from(content))).ok()?.checked_add(BORDER.height)?;
    if content < narrowest || height > area.height {
        return None;
    }
    let width = content + BORDER.width;
    let at = Position::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / part);
    Some(Rect::from((at, Size::new(width, height))))
}

/// Draws the box with its title above and what keys do in it below, and gives back what is within its border.
pub fn draw(around: &Surroundings, title: &str, keys: &str, place: Rect, frame: &mut Frame<'_>) -> Rect {
    let theme = &around.theme;
    for row in place.rows() {
        // Half of a wide character before the border would take its place.
        let before = row.x.checked_sub(1).map(|x| Position::new(x, row.y));
        if let Some(cell) = before.and_then(|before| frame.buffer_mut().cell_mut(before))
            && width(cell.symbol()) > 1
        {
            cell.set_symbol(" ");
        }
    }
    Clear.render(place, frame.buffer_mut());
    let label = |text: &str, style| match cut(text, usize::from(place.width).saturating_sub(6), theme.cut()) {
        text if text.is_empty() => Line::default(),
        text => Line::from(Span::styled(format!(" {text} "), style)),
    };
    let block = Block::bordered().border_set(theme.border_set()).border_style(theme.accent);
    let block = block.title(label(title, theme.focus)).title_bottom(label(keys, theme.label));
    let inner = block.inner(place);
    block.render(place, frame.buffer_mut());
    inner
}
