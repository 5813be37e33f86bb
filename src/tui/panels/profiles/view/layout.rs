//! What goes where, at every size: the filter above, the list, the details beside or below it, and under all what went
//! wrong.

use std::ops::Range;

use jiff::Timestamp;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::below::below;
use super::details::told_refresh;
use super::list::tells_refreshes;
use crate::config::Motion;
use crate::service::ProfileStatus;
use crate::storage::LastRefresh;
use crate::tui::chrome::{body, has_room};
use crate::tui::panels::profiles::ProfilesPanel;
use crate::tui::panels::profiles::view;
use crate::tui::panels::profiles::words::LONG;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::ago_holds_for;
use crate::tui::time_left::holds_for;
use crate::tui::widgets::list::List;

/// From here on the details stand beside the list.
const BESIDE: (u16, u16) = (160, 16);
/// From here on they stand below it. In less the list has all the room, and the details when they are asked for.
const BELOW: (u16, u16) = (56, 14);
/// The same on a window that is narrow and tall.
const BELOW_TALL: (u16, u16) = (40, 30);
/// Columns of the list beside the details.
const LIST: Range<u16> = 110..130;
/// Rows that the details keep below a list that is longer than its room: in low windows, and in tall ones.
const DETAILS: Range<u16> = 8..16;

/// Rows that a list keeps beside what went wrong.
const LISTED: usize = 2;

/// Where the parts of the panel are.
pub(in crate::tui::panels::profiles) struct Layout {
    pub(super) filter: Option<Rect>,
    /// With the names of the columns; `None` where the details have the whole body.
    pub(super) list: Option<Rect>,
    pub(super) details: Option<Rect>,
    /// A row for keys that the last line of a narrow window has no room for, where the list does not need it.
    pub(super) keys: Option<Rect>,
    pub(super) below: Rect,
    pub(super) below_lines: Vec<Line<'static>>,
}

impl Layout {
    pub(in crate::tui::panels::profiles) fn of(around: &Surroundings, panel: &ProfilesPanel, now: Now) -> Self {
        let whole = body(around.window);
        // A list without details keeps its head and a few rows, and what went wrong gets the others.
        let is_list_alone = Self::is_list_only(around, panel) && panel.detail_scroll.is_none();
        let listed = 1 + panel.statuses.len().min(LISTED);
        let spare = usize::from(whole.height).saturating_sub(listed);
        let most = usize::from(whole.height / 2).max(if is_list_alone { spare } else { 0 });
        let mut below_lines = below(around, panel, now, usize::from(whole.width.saturating_sub(2)), most);
        below_lines.truncate(most);
        if !is_list_alone && !below_lines.is_empty() && below_lines.len() < most {
            below_lines.insert(0, Line::default());
        }
        let taken = u16::try_from(below_lines.len()).unwrap_or(0);
        let above = Rect { height: whole.height - taken, ..whole };
        let below = Rect { y: above.bottom(), height: taken, ..whole };
        let mut layout = Self { filter: None, list: None, details: None, keys: None, below, below_lines };
        if panel.detail_scroll.is_some() {
            layout.details = Some(above);
            return layout;
        }
        let mut rest = above;
        if panel.table.filter().is_some() && above.height > 2 {
            layout.filter = Some(Rect { height: 1, ..above });
            rest = Rect { y: above.y + 1, height: above.height - 1, ..above };
        }
        let profiles = panel.statuses.len();
        let needed = |columns| view::rows_of_details(around, panel, now, columns);
        (layout.list, layout.details) = split(rest, profiles, needed);
        if let Some(list) = layout.list.as_mut().filter(|list| usize::from(list.height) > profiles + 1)
            && layout.details.is_none()
            // Else they would be far from the others.
            && layout.below_lines.is_empty()
            && has_room(around.window)
        {
            list.height -= 1;
            layout.keys = Some(Rect { y: list.bottom(), height: 1, ..*list });
        }
        layout
    }

    /// Tells whether a window has room for the list alone, so that the details have to be asked for.
    pub(in crate::tui::panels::profiles) fn is_list_only(around: &Surroundings, panel: &ProfilesPanel) -> bool {
        split(body(around.window), panel.statuses.len(), |_| 0).1.is_none()
    }

    /// The rows of the table below the names of its columns.
    pub(in crate::tui::panels::profiles) fn table(&self, panel: &ProfilesPanel) -> List {
        let area = self.list.unwrap_or_default();
        let area = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
        List { area, cursor: panel.table.cursor(), all: panel.table.order().len() }
    }

    /// When something in sight changes by itself next: with a clock that counts down, and where these tick each second, all
    /// at once.
    pub(in crate::tui::panels::profiles) fn next_change(
        &self,
        around: &Surroundings,
        panel: &ProfilesPanel,
        now: Now,
    ) -> Option<Timestamp> {
        let next_second = Timestamp::from_second(now.time.as_second() + 1).unwrap_or(Timestamp::MAX);
        let tick = |end: Timestamp| match (now.until(end), around.motion) {
            (left, _) if left >= LONG => end - LONG,
            (_, Motion::Full) => end.min(next_second),
            (left, Motion::Reduced) => holds_for(left, Motion::Reduced).map_or(end, |holds| now.time + holds),
        };
        let token = |status: &ProfileStatus| status.access_token_expires_at.map(tick);
        let refreshed = |last: Option<&LastRefresh>| last.map(|last| now.time + ago_holds_for(now.since(last.at)));
        let tells_refreshes = self.list.is_some_and(|list| tells_refreshes(around, panel, list.width));
        let rows = panel.table.order().get(self.table(panel).in_sight()).unwrap_or_default();
        let listed = rows.iter().filter_map(|position| panel.statuses.get(*position)).flat_map(|status| {
            let pending = status.waiting_code(now.time).map(|code| code.expires_at);
            let refreshed = refreshed(status.last_refresh.as_ref().filter(|_| tells_refreshes));
            [token(status), status.waits_until(now.time).map(tick), pending, refreshed]
        });
        let detailed = panel.selected().filter(|_| self.details.is_some());
        let detailed = detailed.into_iter().flat_map(|status| {
            let clocks = [status.resets_at(now.time), status.waits_until(now.time)].map(|end| end.map(tick));
            clocks.into_iter().chain([token(status), refreshed(told_refresh(status))])
        });
        listed.chain(detailed).flatten().filter(|change| *change > now.time).min()
    }
}

/// The list and the details, as far as both have room. What the details do not need, a long list has.
fn split(area: Rect, profiles: usize, needed: impl Fn(u16) -> u16) -> (Option<Rect>, Option<Rect>) {
    let fits = |(columns, rows): (u16, u16)| area.width >= columns && area.height >= rows;
    if fits(BESIDE) {
        let columns = (area.width / 5 * 3).clamp(LIST.start, LIST.end);
        let list = Rect { width: columns, ..area };
        let right = Rect { x: area.x + columns, width: area.width - columns, ..area };
        return (Some(list), Some(right));
    }
    if !fits(BELOW) && !fits(BELOW_TALL) {
        return (Some(area), None);
    }
    // The names of the columns come first.
    let wanted = u16::try_from(profiles).unwrap_or(u16::MAX).saturating_add(1);
    let mut kept = (area.height / 2 - 2).clamp(DETAILS.start, DETAILS.end);
    if wanted > area.height - kept {
        kept = kept.min(needed(area.width) + u16::from(kept > DETAILS.start));
    }
    let height = wanted.min(area.height - kept);
    let gap = u16::from(area.height - height > DETAILS.start);
    let top = area.y + height + gap;
    let details = Rect { y: top, height: area.bottom() - top, ..area };
    (Some(Rect { height, ..area }), Some(details))
}
