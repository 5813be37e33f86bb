//! The screen with a code on it: the largest QR code that leaves room for address, code and time, beside or above them.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::column::{Column, Keep};
use super::top;
use crate::clock::Moment;
use crate::tui::panels::sign_in::view::urgency;
use crate::tui::panels::sign_in::{SignInPanel, Waiting};
use crate::tui::surroundings::Surroundings;
use crate::tui::text::width as columns;
use crate::tui::theme::Mark;
use crate::tui::time_left::told;
use crate::tui::widgets::big_text::BigText;
use crate::tui::widgets::qr::{Fit, QrCode};

/// Between text and QR code. The light around the code is its own.
const GAP: u16 = 2;
/// How long a new code comes with a word about the one before it.
const NOTICE_TIME: Duration = Duration::from_secs(60);
/// Fewer rows hold the code alone.
const LEAST_ROWS: u16 = 4;

/// Where the QR code stands and where the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    fit: Fit,
    qr: Rect,
    text: Rect,
}

/// What is to be shown, and to whom.
pub(super) struct Screen<'a> {
    pub(super) around: &'a Surroundings,
    pub(super) panel: &'a SignInPanel,
    pub(super) waiting: &'a Waiting,
    pub(super) now: Moment,
}

impl Screen<'_> {
    pub(super) fn draw(&self, area: Rect, frame: &mut Frame<'_>) {
        let layout = self.layout(area);
        if let (Some(Layout { fit, qr, .. }), Some(matrix)) = (layout, &self.waiting.matrix) {
            let palette = self.around.abilities.qr.palette;
            QrCode { matrix, fit, palette, inverted: false }.render(qr, frame.buffer_mut());
        }
        let room = layout.map_or(area, |layout| layout.text);
        let column = if layout.is_none() && (room.height < LEAST_ROWS || room.width < self.code_columns()) {
            let mut column = Column::new(room.width);
            column.wrapped(Keep::Always, &self.waiting.code.user_code, self.around.theme.code);
            column
        } else {
            self.column(room, layout.is_some())
        };
        column.draw_centered(&self.around.theme, room, frame);
    }

    /// The way whose QR code is of blanks alone, which every terminal and font shows as they are; then one with all words,
    /// then the largest code, then a quiet zone that every camera likes, then large letters.
    fn layout(&self, area: Rect) -> Option<Layout> {
        let matrix = self.waiting.matrix.as_ref()?;
        let forms = self.around.qr.forms(self.around.abilities.qr)?;
        let is_swapped = self.panel.codes.is_multiple_of(2);
        let ways = Fit::ladder(matrix.size(), area.width, area.height, forms).into_iter().rev();
        let ways = ways.flat_map(|fit| [above(fit, area, is_swapped), beside(fit, area, is_swapped)]).flatten();
        let has_room = |layout: &Layout| {
            let wanted = self.column(layout.text, true).rows(Keep::Wanted);
            layout.text.width >= self.least_columns(area) && layout.text.height >= wanted
        };
        ways.filter(has_room).max_by_key(|layout| {
            let has_large_letters = self.large_code(layout.text, true).is_some();
            let fit = layout.fit;
            let has_all_words = layout.text.height >= self.column(layout.text, true).rows(Keep::Telling);
            (
                fit.needs_no_glyph(),
                has_all_words,
                fit.scale(),
                fit.quiet_zone() >= 2,
                has_large_letters,
                fit.quiet_zone(),
            )
        })
    }

    /// The columns that the text must have: those of the address, as far as the screen has them.
    fn least_columns(&self, area: Rect) -> u16 {
        let address = u16::try_from(columns(self.address())).unwrap_or(u16::MAX);
        address.min(area.width).max(self.code_columns())
    }

    fn code_columns(&self) -> u16 {
        u16::try_from(columns(&self.waiting.code.user_code) + 2).unwrap_or(u16::MAX)
    }

    /// Nobody types the scheme on a phone.
    fn address(&self) -> &str {
        let address = self.waiting.code.verification_uri.as_str();
        address.split_once("://").map_or(address, |(_, rest)| rest)
    }

    /// The code in the largest letters that leave the rest its room, or else just large ones if they leave what is wanted.
    fn large_code(&self, room: Rect, has_qr: bool) -> Option<BigText> {
        let plain = self.column_with(room.width, has_qr, None);
        let beside = |rows: u16| room.height.saturating_sub(rows);
        let fitting = |rows| BigText::fitting(&self.waiting.code.user_code, self.around.theme.accent, room.width, rows);
        let (roomy, tight) = (beside(plain.lasting_rows() + 2), beside(plain.rows(Keep::Wanted)));
        fitting(roomy).or_else(|| fitting(tight.min(BigText::ROWS)))
    }

    fn column(&self, room: Rect, has_qr: bool) -> Column {
        self.column_with(room.width, has_qr, self.large_code(room, has_qr))
    }

    fn column_with(&self, width: u16, has_qr: bool, large_code: Option<BigText>) -> Column {
        let Self { around, panel, waiting, .. } = self;
        let theme = &around.theme;
        let mut column = top(around, panel, width, Keep::Telling);
        let own = format!("Open on {}; no phone can reach it", around.machine.host);
        let (open, compare) = match (waiting.code.own_host(), has_qr) {
            (Some(_), _) => (own.as_str(), "and enter this code"),
            (None, true) => ("Scan the QR code with your phone, or open", "Check that your phone shows this code"),
            (None, false) => ("On your phone or computer open", "and enter this code"),
        };
        column.wrapped(Keep::Telling, open, theme.text);
        column.wrapped(Keep::Always, self.address(), theme.code);
        column.gap();
        column.wrapped(Keep::Telling, compare, theme.text);
        let code = format!(" {} ", waiting.code.user_code);
        column.line(Keep::Always, Line::styled(code, theme.band));
        if let Some(large_code) = large_code {
            column.gap();
            column.big(large_code);
            column.gap();
        }
        self.push_time(&mut column);
        column.gap();
        column.wrapped(Keep::Wanted, "Approve only what you started here.", theme.title);
        column
    }

    fn push_time(&self, column: &mut Column) {
        let Self { around, panel, waiting, now } = self;
        let theme = &around.theme;
        column.gap();
        let left = now.until(waiting.code.expires_at);
        let mark = urgency(left);
        column.gauge(told(left, around.motion), waiting.code.lifetime, mark);
        if left.is_zero() {
            column.wrapped(Keep::Always, "Asking for a new code ...", theme.text);
        } else if mark != Mark::Good {
            let time = format!("{} Code good for {}", theme.symbol(Mark::Attention), around.time_left(left));
            column.wrapped(Keep::Always, &time, theme.mark_style(mark));
            column.wrapped(Keep::Passing, "If you are approving already, finish there.", theme.text);
        } else {
            column.wrapped(Keep::Always, &format!("Code good for {}", around.time_left(left)), theme.text);
        }
        if let Some(reason) = waiting.trouble() {
            let wait = around.time_left(now.until(waiting.next_poll_at));
            let mark = theme.symbol(Mark::Attention);
            column.wrapped(Keep::Passing, &format!("{mark} {reason}. Asking again in {wait}."), theme.attention);
        }
        let is_new = *now < waiting.code.issued_at + NOTICE_TIME;
        if let Some(previous) = panel.previous.as_ref().filter(|_| is_new) {
            column.wrapped(Keep::Passing, &format!("Code {}. Use the new one.", previous.end()), theme.attention);
        }
    }
}

/// Side by side; the sides change with each code.
fn beside(fit: Fit, area: Rect, is_swapped: bool) -> Option<Layout> {
    let width = area.width.checked_sub(fit.columns() + GAP)?;
    let (qr_at, text_at) = if is_swapped { (0, fit.columns() + GAP) } else { (width + GAP, 0) };
    let qr = Rect { x: area.x + qr_at, width: fit.columns(), ..area };
    Some(Layout { fit, qr: fit.centered_in(qr)?, text: Rect { x: area.x + text_at, width, ..area } })
}

/// One above the other, for narrow and for tall screens.
fn above(fit: Fit, area: Rect, is_swapped: bool) -> Option<Layout> {
    let height = area.height.checked_sub(fit.rows() + 1)?;
    let (qr_at, text_at) = if is_swapped { (height + 1, 0) } else { (0, fit.rows() + 1) };
    let qr = Rect { y: area.y + qr_at, height: fit.rows(), ..area };
    Some(Layout { fit, qr: fit.centered_in(qr)?, text: Rect { y: area.y + text_at, height, ..area } })
}
