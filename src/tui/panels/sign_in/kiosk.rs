//! How the kiosk looks at every size: the code, the QR code, the address and the time, as large as they fit. Nothing else
//! is on it, and nobody's name.

mod code;
mod column;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use self::column::{Column, Keep};
use super::view::{asking, heading, profile_and_place};
use super::{SignInPanel, Stage};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::service::{Rest, RestReason, SignedIn};
use crate::storage::Account;
use crate::tui::advice::hint;
use crate::tui::lines::{sentence, shown};
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
    let mut message = |column: Column<'_>| column.draw_centered(&around.theme, area, frame);
    match &panel.stage {
        Stage::Waiting(waiting) | Stage::Asking { old: Some(waiting) } => {
            code::Screen { around, panel, waiting, now }.draw(area, frame);
        }
        Stage::Asking { old: None } => message(headed(around, panel, Mark::Working, &asking(panel), area)),
        Stage::Failed { rest, error, at, .. } => {
            let rest = rest.unwrap_or(Rest { reason: RestReason::Refused, until: at.moment });
            message(resting(around, panel, rest, error, now, area));
        }
        Stage::Unsaved { error, again_at } => {
            message(unsaved(around, panel, error, again_at.map(|at| now.until(at)).unwrap_or_default(), area));
        }
        Stage::Approved | Stage::GivingBack => {
            message(headed(around, panel, Mark::Working, "Approved. One moment.", area));
        }
        Stage::SignedIn { outcome, .. } => {
            message(signed_in(around, panel, outcome, area));
            fill(&around.theme, frame);
        }
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

/// What is left of a window inside the frame, moved a little once a minute.
fn framed(area: Rect, now: Moment) -> Rect {
    if area.width < LEAST_FRAMED.0 || area.height < LEAST_FRAMED.1 {
        return area;
    }
    let (side, top) = (area.width.div_ceil(FRAME_SHARE), area.height.div_ceil(FRAME_SHARE));
    let (right, down) = DRIFT[usize::try_from(steps(now)).unwrap_or(0) % DRIFT.len()];
    Rect {
        x: area.x + side - 1 + right,
        y: area.y + top - 1 + down,
        width: area.width - 2 * side,
        height: area.height - 2 * top,
    }
}

/// `lobby-2 · US · web-01`
fn place(around: &Surroundings, panel: &SignInPanel) -> String {
    let profile = profile_and_place(around, panel, None);
    [profile.as_str(), &around.machine.host].join(around.theme.separator())
}

/// A message below its heading.
fn headed<'a>(around: &Surroundings, panel: &SignInPanel, mark: Mark, text: &str, area: Rect) -> Column<'a> {
    let width = area.width.min(MESSAGE_COLUMNS);
    let mut column = Column::new(width);
    column.line(Keep::Wanted, Line::styled(heading(around, panel), around.theme.title));
    column.wrapped(Keep::Least, &place(around, panel), around.theme.text);
    column.gap();
    column.gap();
    marked(&mut column, &around.theme, mark, text);
    column
}

/// A sentence with the word of a state before it.
fn marked(column: &mut Column<'_>, theme: &Theme, mark: Mark, text: &str) {
    let word = theme.symbol(mark);
    let lines = column.wrap(&format!("{word} {text}")).into_iter().enumerate();
    let style = theme.title;
    let line = |(index, line): (usize, String)| match line.strip_prefix(word) {
        Some(rest) if index == 0 => Line::from(vec![theme.mark(mark), Span::styled(rest.to_owned(), style)]),
        _ => Line::styled(line, style),
    };
    lines.map(line).for_each(|line| column.line(Keep::Always, line));
}

fn resting<'a>(
    around: &Surroundings,
    panel: &SignInPanel,
    rest: Rest,
    error: &Error,
    now: Moment,
    area: Rect,
) -> Column<'a> {
    let left = now.until(rest.until);
    let (mark, text) = words(rest.reason, error);
    let mut column = headed(around, panel, mark, text, area);
    let theme = &around.theme;
    column.gap();
    let times = |failures| if failures > 1 { format!(" ({failures} times so far)") } else { String::new() };
    match rest.reason {
        RestReason::Idle => {
            let minutes = left.as_secs().div_ceil(60).max(1);
            column.wrapped(Keep::Always, &format!("A new code comes by itself within {minutes} min."), theme.text);
        }
        RestReason::Declined | RestReason::RanOut => {
            column.wrapped(Keep::Always, &format!("New code in {}.", around.time_left(left)), theme.text);
        }
        RestReason::Trouble { failures } => {
            let again = format!("Trying again in {}{}.", around.time_left(left), times(failures));
            column.wrapped(Keep::Always, &again, theme.text);
            column.gap();
            column.wrapped(Keep::Least, &reason(error), theme.faint);
        }
        RestReason::Refused => {
            column.wrapped(Keep::Always, &format!("Trying again in {}.", around.time_left(left)), theme.text);
            column.gap();
            column.wrapped(Keep::Wanted, &sentence(error), theme.text);
            let hint = hint(around, panel, error).map(|hint| format!("What to do: {}.", shown(&hint)));
            column.wrapped(Keep::Wanted, &hint.unwrap_or_default(), theme.text);
        }
    }
    column
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
fn reason(error: &Error) -> String {
    let cause = error.reason();
    format!("{}.", shown(&cause).trim_end_matches('.'))
}

fn unsaved<'a>(around: &Surroundings, panel: &SignInPanel, error: &Error, left: Duration, area: Rect) -> Column<'a> {
    let mut column = headed(around, panel, Mark::Attention, "Approved, but it could not be saved.", area);
    column.gap();
    column.wrapped(Keep::Always, &format!("Trying again in {}.", around.time_left(left)), around.theme.text);
    column.gap();
    column.wrapped(Keep::Wanted, &reason(error), around.theme.faint);
    column
}

/// No token, no full address: anybody may look.
fn signed_in<'a>(around: &Surroundings, panel: &SignInPanel, outcome: &SignedIn, area: Rect) -> Column<'a> {
    let account = outcome.account.as_ref().and_then(masked);
    let text = account.map_or_else(|| "Signed in.".to_owned(), |account| format!("Signed in as {account}."));
    let mut column = Column::new(area.width);
    column.line(Keep::Wanted, Line::styled(heading(around, panel), around.theme.title));
    column.wrapped(Keep::Least, &place(around, panel), around.theme.text);
    column.gap();
    let rows = area.height.saturating_sub(AROUND_LETTERS);
    if let Some(large) = BigText::fitting("SIGNED IN", Style::new(), area.width, rows) {
        column.gap();
        column.big(large);
        column.gap();
    }
    marked(&mut column, &around.theme, Mark::Good, &text);
    column
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
