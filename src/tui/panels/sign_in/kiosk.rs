//! How the kiosk looks at every size: the code, the QR code, the address and the time, as large as they fit. Nothing else
//! is on it, and nobody's name.

mod code;
mod column;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use self::column::{Column, Keep};
use super::view::{SIGNED_IN, asking, heading, profile_and_place};
use super::{SignInPanel, Stage};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::service::{Rest, RestReason, SignedIn};
use crate::storage::Account;
use crate::tui::advice::hint;
use crate::tui::lines::{reason, sentence, shown};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::{Mark, Theme};
use crate::tui::widgets::big_text::BigText;

/// Televisions cut off up to this share of each side.
const FRAME_SHARE: u16 = 20;
/// Smaller windows are no televisions and have no cell to spare.
const LEAST_FRAMED: (u16, u16) = (30, 8);
/// Nothing stays in its place for longer, for the sake of the screen.
const DRIFT_TIME: Duration = Duration::from_secs(60);
/// The steps by which everything moves, so that nothing burns in.
const DRIFT: [(u16, u16); 6] = [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)];
/// The rows of all that stands around large letters at the end.
const AROUND_LETTERS: u16 = 6;
/// Longer lines are hard to read from afar.
const MESSAGE_COLUMNS: u16 = 72;

/// Draws the kiosk.
pub(super) fn view(around: &Surroundings, panel: &SignInPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let now = now.moment;
    let area = framed(area, now);
    let text = Text { around, panel, area };
    let left = |until: Moment| around.time_left(now.until(until));
    let column = match &panel.stage {
        Stage::Waiting(waiting) | Stage::Asking { old: Some(waiting) } => {
            return code::Screen { around, panel, waiting, now }.draw(area, frame);
        }
        Stage::Asking { old: None } => text.headed(Mark::Working, &asking(panel)),
        Stage::Failed { error, rest, .. } => {
            let Rest { reason, until } = rest.unwrap_or(Rest { reason: RestReason::Refused, until: now });
            // Minutes will do for what takes half an hour.
            let minutes = now.until(until).as_secs().div_ceil(60).max(1);
            let left = if reason == RestReason::Idle { format!("{minutes} min") } else { left(until) };
            text.resting(reason, error, &left)
        }
        Stage::Unsaved { error, again_at } => text.unsaved(error, &left(again_at.unwrap_or(now))),
        Stage::Approved | Stage::GivingBack => text.headed(Mark::Working, "Approved. One moment."),
        Stage::SignedIn { outcome, .. } => text.signed_in(outcome),
    };
    column.draw_centered(&around.theme, area, frame);
    if matches!(panel.stage, Stage::SignedIn { .. }) {
        fill(&around.theme, frame);
    }
}

/// How often everything has moved by a cell since the machine's start.
fn steps(now: Moment) -> u32 {
    u32::try_from((now - Moment::default()).as_secs() / DRIFT_TIME.as_secs()).unwrap_or(u32::MAX - 1)
}

/// When it does so next.
pub(super) fn moves_at(now: Moment) -> Moment {
    Moment::default() + DRIFT_TIME * (steps(now) + 1)
}

fn is_framed(window: Size) -> bool {
    window.width >= LEAST_FRAMED.0 && window.height >= LEAST_FRAMED.1
}

/// How far everything has moved.
pub(super) fn drift(window: Size, now: Moment) -> Position {
    let step = usize::try_from(steps(now)).unwrap_or(0) % DRIFT.len();
    if is_framed(window) { DRIFT[step].into() } else { Position::ORIGIN }
}

/// What is left of a window inside the frame, moved a little once a minute.
fn framed(area: Rect, now: Moment) -> Rect {
    if !is_framed(area.as_size()) {
        return area;
    }
    let (side, top) = (area.width.div_ceil(FRAME_SHARE), area.height.div_ceil(FRAME_SHARE));
    let Position { x, y } = drift(area.as_size(), now);
    Rect {
        x: area.x + side - 1 + x,
        y: area.y + top - 1 + y,
        width: area.width - 2 * side,
        height: area.height - 2 * top,
    }
}

/// For what and where the sign-in is, above everything else.
fn top(around: &Surroundings, panel: &SignInPanel, width: u16, keep: Keep) -> Column {
    let mut column = Column::new(width);
    column.wrapped(keep, &heading(around, panel), around.theme.title);
    let profile = profile_and_place(around, panel, None);
    let place = [profile.as_str(), &around.machine.host].join(around.theme.separator());
    column.wrapped(Keep::Least, &place, around.theme.text);
    column.gap();
    column
}

/// What is said while there is no code.
struct Text<'a> {
    around: &'a Surroundings,
    panel: &'a SignInPanel,
    area: Rect,
}

impl Text<'_> {
    /// A message below its heading.
    fn headed(&self, mark: Mark, text: &str) -> Column {
        let mut column = top(self.around, self.panel, self.area.width.min(MESSAGE_COLUMNS), Keep::Wanted);
        column.gap();
        self.push_marked(&mut column, mark, text);
        column
    }

    /// A sentence with the word of a state before it.
    fn push_marked(&self, column: &mut Column, mark: Mark, text: &str) {
        let theme = &self.around.theme;
        let word = theme.symbol(mark);
        for (index, line) in column.wrap(&format!("{word} {text}")).into_iter().enumerate() {
            let line = match line.strip_prefix(word) {
                Some(rest) if index == 0 => {
                    Line::from(vec![theme.mark(mark), Span::styled(rest.to_owned(), theme.title)])
                }
                _ => Line::styled(line, theme.title),
            };
            column.line(Keep::Always, line);
        }
    }

    fn resting(&self, reason: RestReason, error: &Error, left: &str) -> Column {
        let theme = &self.around.theme;
        let (mark, text) = words(reason, error);
        let mut column = self.headed(mark, text);
        column.gap();
        let next = match reason {
            RestReason::Idle => format!("A new code comes by itself within {left}."),
            RestReason::Declined | RestReason::RanOut => format!("New code in {left}."),
            RestReason::Trouble { failures } if failures > 1 => {
                format!("Trying again in {left} ({failures} times so far).")
            }
            RestReason::Trouble { .. } | RestReason::Refused => format!("Trying again in {left}."),
        };
        column.wrapped(Keep::Always, &next, theme.text);
        match reason {
            RestReason::Trouble { .. } => {
                column.gap();
                column.wrapped(Keep::Least, &cause(error), theme.faint);
            }
            RestReason::Refused => {
                column.gap();
                column.wrapped(Keep::Wanted, &sentence(error), theme.text);
                let hint = hint(self.around, self.panel, error);
                let hint = hint.map(|hint| format!("What to do: {}.", shown(&hint))).unwrap_or_default();
                column.wrapped(Keep::Wanted, &hint, theme.text);
            }
            RestReason::Idle | RestReason::Declined | RestReason::RanOut => {}
        }
        column
    }

    fn unsaved(&self, error: &Error, left: &str) -> Column {
        let theme = &self.around.theme;
        let mut column = self.headed(Mark::Attention, "Approved, but it could not be saved.");
        column.gap();
        column.wrapped(Keep::Always, &format!("Trying again in {left}."), theme.text);
        column.gap();
        column.wrapped(Keep::Wanted, &cause(error), theme.faint);
        column
    }

    /// No token, no full address: anybody may look.
    fn signed_in(&self, outcome: &SignedIn) -> Column {
        let account = outcome.account.as_ref().and_then(masked);
        let text = account.map_or_else(|| "Signed in.".to_owned(), |account| format!("Signed in as {account}."));
        let mut column = top(self.around, self.panel, self.area.width, Keep::Wanted);
        let rows = self.area.height.saturating_sub(AROUND_LETTERS);
        if let Some(large) = BigText::fitting(SIGNED_IN, Style::new(), self.area.width, rows) {
            column.gap();
            column.big(large);
            column.gap();
        }
        self.push_marked(&mut column, Mark::Good, &text);
        column
    }
}

/// What a passer-by is told.
fn words(reason: RestReason, error: &Error) -> (Mark, &'static str) {
    match reason {
        RestReason::Idle => (Mark::Working, "Press OK to sign in."),
        RestReason::RanOut => (Mark::Working, "The code ran out."),
        // Who that was is nobody's business here.
        RestReason::Declined if error.code == Code::WrongAccount => {
            (Mark::Declined, "That account is not the one this screen is for. Nothing was kept.")
        }
        RestReason::Declined => (Mark::Declined, "The request was declined. Nothing was kept."),
        RestReason::Trouble { .. } => match error.code {
            Code::Network => (Mark::Attention, "No network, or no answer."),
            Code::RateLimited => (Mark::Attention, "The provider asks us to wait."),
            Code::StoreLocked => (Mark::Attention, "Another program is signing in here."),
            _ => (Mark::Attention, "The provider cannot answer now."),
        },
        RestReason::Refused => (Mark::NeedsSignIn, "Signing in does not work. Somebody has to look after this."),
    }
}

/// The cause as a sentence, without the profile, which stands above.
fn cause(error: &Error) -> String {
    format!("{}.", shown(&reason(error)))
}

/// Fills the whole screen with the color of what is good, so that the end is seen from anywhere: what was drawn on the
/// background stands out of it in that of the terminal.
fn fill(theme: &Theme, frame: &mut Frame<'_>) {
    for cell in &mut frame.buffer_mut().content {
        let is_ink = cell.modifier.contains(Modifier::REVERSED);
        cell.set_fg(theme.good.fg.unwrap_or_default());
        cell.modifier.set(Modifier::REVERSED, !is_ink);
    }
}

/// `d***@example.com`: enough for the person to know it again.
fn masked(account: &Account) -> Option<String> {
    let email = shown(account.email.as_deref()?);
    let (name, domain) = email.rsplit_once('@')?;
    Some(format!("{}***@{domain}", name.chars().next()?))
}
