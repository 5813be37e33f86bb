//! A small box over the panel, which goes on below it: where it may be, and how it looks.

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Span;
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::chrome::between;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{cut, width};

/// Columns of its content, at most and at least.
const WIDEST: u16 = 56;
const NARROWEST: u16 = 22;
/// Columns and rows of the border, with a column of air inside of it on either side.
const BORDER: Size = Size::new(4, 2);

/// Where a box goes whose content takes so many rows at so many columns: in the middle, or beside what nothing may lie
/// over. `None` where it has no room.
pub fn place(window: Size, kept: Option<Rect>, rows: impl Fn(usize) -> usize) -> Option<Rect> {
    let area = between(window);
    let Some(kept) = kept.map(|kept| kept.intersection(area)).filter(|kept| !kept.is_empty()) else {
        return within(area, 2, &rows);
    };
    let left = Rect { width: kept.x - area.x, ..area };
    let right = Rect { x: kept.right(), width: area.right() - kept.right(), ..area };
    let above = Rect { height: kept.y - area.y, ..area };
    let below = Rect { y: kept.bottom(), height: area.bottom() - kept.bottom(), ..area };
    // At the end of a text that has what matters at its beginning.
    [left, right, above, below].into_iter().filter_map(|free| within(free, 1, &rows)).max_by_key(|place| place.width)
}

/// In the middle of an area, or at its end for a part of 1.
fn within(area: Rect, part: u16, rows: impl Fn(usize) -> usize) -> Option<Rect> {
    let content = area.width.checked_sub(BORDER.width)?.min(WIDEST);
    // Off the sides where there is room, but for a text that would look out of it.
    let margin = if part > 1 && content > NARROWEST + 2 { 2 } else { 0 };
    let content = content.min(area.width - BORDER.width - margin);
    let height = u16::try_from(rows(usize::from(content))).ok()?.checked_add(BORDER.height)?;
    if content < NARROWEST || height > area.height {
        return None;
    }
    let width = content + BORDER.width;
    let at = Position::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / part);
    Some(Rect::from((at, Size::new(width, height))))
}

/// Draws the box with its title and gives back the area of its content.
pub fn draw(around: &Surroundings, title: &str, place: Rect, frame: &mut Frame<'_>) -> Rect {
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
    let title = cut(title, usize::from(place.width).saturating_sub(6), theme.cut());
    let block = Block::bordered().border_set(theme.box_set()).border_style(theme.accent);
    let block = block.title(Span::styled(format!(" {title} "), theme.focus));
    let inner = block.inner(place);
    block.render(place, frame.buffer_mut());
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}
