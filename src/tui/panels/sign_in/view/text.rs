//! The text column of a code that waits for approval: steps, address, code, time left, who asks, and the warning.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{effective_scopes, in_words, subject, subject_line, time_of_day, without_scheme};
use crate::tui::model::{Model, Now};
use crate::tui::panels::sign_in::{LastAnswer, SignInPanel, Waiting};
use crate::tui::text::{clock, countdown, width as columns, wrap};
use crate::tui::theme::Mark;
use crate::tui::widgets::big_text::BigText;
use crate::tui::widgets::gauge::Gauge;

/// The text column, line by line, with the rows that are not plain text.
#[derive(Default)]
pub(super) struct Text<'a> {
    lines: Vec<Line<'a>>,
    code_at: Option<Position>,
    gauge: Option<(u16, Duration, Duration)>,
    big: Option<(u16, BigText)>,
}

/// How much a small window shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tight {
    /// Also who asks at which provider, and how the last question ended.
    Whole,
    /// Also which code ran out.
    WithNotice,
    Least,
}

impl<'a> Text<'a> {
    /// The numbered steps, with space between them as far as there is any.
    pub(super) fn roomy(
        model: &'a Model,
        panel: &'a SignInPanel,
        waiting: &'a Waiting,
        now: Now,
        room: Size,
        lack: Option<String>,
    ) -> Self {
        let Size { width, height } = room;
        let lacks_qr = lack.is_some();
        let theme = &model.theme;
        let mut text = Self::default();
        let inner = usize::from(width.saturating_sub(2));
        let steps =
            [Self::notice(model, panel, inner), vec![Line::styled(" Sign in on another device", theme.title)]].concat();
        text.lines.extend(steps);
        if let (Some(subject), Some(line)) = (subject(model, panel), text.lines.last_mut()) {
            *line = Line::styled(format!(" Sign in to {} on another device", subject.provider), theme.title);
        }
        text.blank();
        let open = if lacks_qr { " 1  On your phone or computer open" } else { " 1  Scan the QR code, or open" };
        text.lines.push(Line::raw(open));
        text.push_address(model, waiting, inner);
        text.blank();
        text.lines.push(Line::raw(if lacks_qr {
            " 2  Type this code there"
        } else {
            " 2  Check it shows this code, or type it"
        }));
        text.push_code(model, waiting, width, height);
        text.lines.push(Line::raw(" 3  Approve there, then look back here."));
        text.blank();
        text.push_state(model, waiting, now, inner);
        text.blank();
        text.push_facts(model, panel, inner, true);
        text.push_lack(model, lack, inner);
        text.shrink_to(usize::from(height));
        text
    }

    /// What has to be there, and as much of the rest as there are rows for.
    pub(super) fn tight(
        model: &'a Model,
        panel: &'a SignInPanel,
        waiting: &'a Waiting,
        now: Now,
        room: Size,
        lack: Option<String>,
    ) -> Self {
        let inner = usize::from(room.width.saturating_sub(2));
        let notice = Self::notice(model, panel, inner);
        let ways = [Tight::Whole, Tight::WithNotice, Tight::Least];
        let mut texts = ways.map(|way| Self::tight_way(model, panel, waiting, now, inner, &notice, way)).into_iter();
        let fits = |text: &Self| text.lines.len() <= usize::from(room.height);
        let mut text = texts
            .find(fits)
            .unwrap_or_else(|| Self::tight_way(model, panel, waiting, now, inner, &notice, Tight::Least));
        let least = text.lines.len();
        text.push_lack(model, lack, inner);
        if !fits(&text) {
            // Half a sentence would be worse than none.
            text.lines.truncate(least);
        }
        text
    }

    fn tight_way(
        model: &'a Model,
        panel: &'a SignInPanel,
        waiting: &'a Waiting,
        now: Now,
        inner: usize,
        notice: &[Line<'a>],
        way: Tight,
    ) -> Self {
        let theme = &model.theme;
        let mut text = Self::default();
        let provider = subject(model, panel).map_or("", |subject| subject.provider.as_str());
        let left = countdown(now.moment.until(waiting.code.expires_at));
        text.lines.push(Line::styled(format!("Sign in to {provider}{}{left} left", theme.separator()), theme.title));
        if way == Tight::Whole {
            let subject = wrap(&subject_line(model, panel), inner).into_iter();
            text.lines.extend(subject.map(|line| Line::raw(format!(" {line}"))));
        }
        if way != Tight::Least {
            text.lines.extend(notice.iter().cloned());
        }
        text.lines.push(Line::raw("On your phone or computer open"));
        text.push_address(model, waiting, inner);
        text.lines.push(Line::raw("and enter this code"));
        text.code_at = Some(Position::new(1, text.row()));
        text.lines.push(Line::styled(format!(" {}", waiting.code.user_code), theme.code));
        if way == Tight::Whole {
            let last = wrap(&last_and_next(model, waiting, now), inner).into_iter();
            text.lines.extend(last.map(|line| Line::raw(format!(" {line}"))));
        } else {
            text.lines.push(Line::raw(state_line(model, waiting, now)));
        }
        text.push_facts(model, panel, inner, false);
        text
    }

    /// Says once more which code is dead, since it may stand on a note or in a chat.
    fn notice(model: &'a Model, panel: &'a SignInPanel, inner: usize) -> Vec<Line<'a>> {
        let Some((code, ended_at)) = &panel.previous else { return Vec::new() };
        let mark = Mark::Attention.word();
        let text = format!("{mark} Code {code} ran out at {}. Use the new one below.", time_of_day(*ended_at));
        let lines = wrap(&text, inner).into_iter();
        lines.map(|line| Line::styled(format!(" {line}"), model.theme.attention)).collect()
    }

    fn row(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX)
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// On a line of its own and never broken by us: without its scheme where it would not fit, in pieces as wide as the
    /// column only where nothing else helps.
    fn push_address(&mut self, model: &'a Model, waiting: &'a Waiting, inner: usize) {
        let address = waiting.code.verification_uri.as_str();
        let address = if address.len() > inner { without_scheme(address) } else { address };
        let characters: Vec<char> = address.chars().collect();
        for part in characters.chunks(inner.max(1)) {
            self.lines.push(Line::styled(format!(" {}", part.iter().collect::<String>()), model.theme.code));
        }
    }

    /// The code in a box, and large where there is room for both.
    fn push_code(&mut self, model: &'a Model, waiting: &'a Waiting, width: u16, height: u16) {
        let code = waiting.code.user_code.as_str();
        let border = model.theme.border_set();
        let inside = columns(code) + 10;
        let edge = |left: &str, middle: &str, right: &str| format!("    {left}{}{right}", middle.repeat(inside));
        self.lines.push(Line::raw(edge(border.top_left, border.horizontal_top, border.top_right)));
        self.code_at = Some(Position::new(10, self.row()));
        self.lines.push(Line::from(vec![
            Span::raw(format!("    {}     ", border.vertical_left)),
            Span::styled(code, model.theme.code),
            Span::raw(format!("     {}", border.vertical_right)),
        ]));
        self.lines.push(Line::raw(edge(border.bottom_left, border.horizontal_bottom, border.bottom_right)));
        let big = BigText::new(code, model.theme.selected)
            .and_then(|big| big.scaled_to_fit(width.saturating_sub(5), height.saturating_sub(26)));
        if let Some(big) = big {
            self.blank();
            self.big = Some((self.row(), big));
            (0..=self.big.as_ref().map_or(0, |(_, big)| big.rows())).for_each(|_| self.blank());
        }
    }

    fn push_state(&mut self, model: &'a Model, waiting: &'a Waiting, now: Now, inner: usize) {
        let code = &waiting.code;
        let left = now.moment.until(code.expires_at);
        let warning = left <= Duration::from_secs(60);
        let style = if warning { model.theme.attention } else { model.theme.text };
        let waiting_for =
            if warning { format!("{} Waiting", Mark::Attention.word()) } else { "Waiting for approval".to_owned() };
        let text = if left.is_zero() {
            " The code ran out. Asking one last time ...".to_owned()
        } else {
            format!(" {waiting_for}   code good for {}", countdown(left))
        };
        self.lines.push(Line::styled(text, style));
        self.gauge = Some((self.row(), left, code.lifetime));
        self.blank();
        self.lines.extend(
            wrap(&last_and_next(model, waiting, now), inner).into_iter().map(|line| Line::raw(format!(" {line}"))),
        );
    }

    /// Who asks for what, and the warning.
    fn push_facts(&mut self, model: &'a Model, panel: &'a SignInPanel, inner: usize, has_space: bool) {
        if let Some(subject) = subject(model, panel) {
            let scopes = effective_scopes(panel, subject);
            let text = format!("Asks for {}", in_words(&scopes).join("; "));
            self.lines.extend(wrap(&text, inner).into_iter().map(|line| Line::raw(format!(" {line}"))));
            if has_space {
                self.blank();
            }
        }
        let warning = format!("Approve only if you, {}, started this. Nobody will send you a code.", model.machine);
        let style = model.theme.title;
        self.lines.extend(wrap(&warning, inner).into_iter().map(|line| Line::styled(format!(" {line}"), style)));
    }

    /// Why there is no code to scan.
    fn push_lack(&mut self, model: &Model, lack: Option<String>, inner: usize) {
        let lines = lack.map(|lack| wrap(&lack, inner)).unwrap_or_default();
        self.lines.extend(lines.into_iter().map(|line| Line::styled(format!(" {line}"), model.theme.faint)));
    }

    /// Takes blank lines out, from the last to the first, until the rest fits.
    fn shrink_to(&mut self, height: usize) {
        let keep = |text: &Self, row: usize| {
            let row = u16::try_from(row).unwrap_or(u16::MAX);
            let is_big = text.big.as_ref().is_some_and(|(top, big)| (*top..top + big.rows()).contains(&row));
            is_big || text.gauge.is_some_and(|(gauge, ..)| gauge == row)
        };
        for row in (0..self.lines.len()).rev() {
            if self.lines.len() <= height {
                return;
            }
            if self.lines[row].width() > 0 || keep(self, row) {
                continue;
            }
            self.lines.remove(row);
            let moved = u16::try_from(row).unwrap_or(u16::MAX);
            let up = |at: &mut u16| *at -= u16::from(*at > moved);
            self.code_at.iter_mut().for_each(|position| up(&mut position.y));
            self.gauge.iter_mut().for_each(|(at, ..)| up(at));
            self.big.iter_mut().for_each(|(at, _)| up(at));
        }
    }

    pub(super) fn draw(self, model: &Model, area: Rect, frame: &mut Frame<'_>) {
        for (row, line) in (area.y..area.bottom()).zip(&self.lines) {
            frame.buffer_mut().set_line(area.x, row, line, area.width);
        }
        let at = |row: u16, height: u16| {
            let place = Rect {
                x: area.x + 1,
                y: area.y.saturating_add(row),
                width: area.width.saturating_sub(3).min(60),
                height,
            };
            place.intersection(area)
        };
        if let Some((row, remaining, total)) = self.gauge {
            (&Gauge { remaining, total, theme: &model.theme }).render(at(row, 1), frame.buffer_mut());
        }
        if let Some((row, big)) = self.big {
            let place = Rect { x: area.x + 4, width: big.columns(), ..at(row, big.rows()) };
            (&big).render(place.intersection(area), frame.buffer_mut());
        }
        if let Some(position) = self.code_at.filter(|position| position.y < area.height) {
            // Screen readers and braille displays follow the cursor.
            frame.set_cursor_position(Position::new(area.x + position.x, area.y + position.y));
        }
    }
}

/// One line for narrow screens.
fn state_line(model: &Model, waiting: &Waiting, now: Now) -> String {
    let next = countdown(now.moment.until(waiting.next_poll_at));
    let separator = model.theme.separator();
    match &waiting.last_answer {
        LastAnswer::Missing { .. } => format!("No answer{separator}trying again in {next}"),
        _ => format!("Waiting{separator}next check in {next}"),
    }
}

/// How the last question ended and when the next one comes.
fn last_and_next(model: &Model, waiting: &Waiting, now: Now) -> String {
    let next = countdown(now.moment.until(waiting.next_poll_at));
    let separator = model.theme.separator();
    let every = waiting.interval.as_secs();
    match &waiting.last_answer {
        LastAnswer::None => format!("We ask the server every {every} s{separator}first in {next}"),
        LastAnswer::Pending { at } => {
            format!("Last asked {} ago: not yet approved{separator}next in {next}", clock(now.moment - *at))
        }
        LastAnswer::SlowedDown { .. } => {
            format!("The server asks us to wait longer: every {every} s{separator}next in {next}")
        }
        LastAnswer::Relocated { data_center, accounts_host } => {
            format!("The account lives in {}. Asking {accounts_host} in {next}", data_center.to_uppercase())
        }
        LastAnswer::Missing { reason, attempt } => {
            let times = if *attempt > 1 { format!(" ({attempt} times)") } else { String::new() };
            format!("{} {reason}{times}{separator}trying again in {next}", Mark::Attention.word())
        }
    }
}
