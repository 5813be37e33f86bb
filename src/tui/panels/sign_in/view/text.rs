//! The text column of a code that waits for approval: steps, address, code, time left, who asks for what, the warning.
//!
//! It is written in the first of several [`ways`](super::ways) that fits.

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::ways::{BRIEF, CodeForm, LEAST, WITH_QR, WITHOUT_QR, Way};
use super::words::{LAST_MINUTE, last_and_next, next_in_short, permissions, state};
use super::{configured, effective_scopes, fits_in_title, in_words, profile_and_place, subject_line, without_scheme};
use crate::tui::panels::sign_in::{SignInPanel, Waiting};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{width as columns, wrap};
use crate::tui::theme::Mark;
use crate::tui::time_left::told;
use crate::tui::widgets::big_text::BigText;
use crate::tui::widgets::gauge::Gauge;
use crate::words::time_of_day;

/// What the text is about.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) around: &'a Surroundings,
    pub(super) panel: &'a SignInPanel,
    pub(super) waiting: &'a Waiting,
    pub(super) now: Now,
    /// Why there is no code to scan beside the text.
    pub(super) lack: Option<&'a str>,
}

/// The text column, line by line, with the rows that are not plain text.
#[derive(Default)]
pub(super) struct Text<'a> {
    lines: Vec<Line<'a>>,
    code_at: Option<Position>,
    gauge: Option<u16>,
    big: Option<(u16, BigText)>,
    /// The lines that come and go while one code waits. They move nothing that stands above them.
    passing: u16,
    /// Where air may come, before which line.
    gaps: Vec<u16>,
    is_numbered: bool,
}

impl<'a> Text<'a> {
    /// The column in the richest way that fits; in the barest, cut off below, where none does.
    pub(super) fn in_room(scene: Scene<'a>, room: Size) -> Self {
        let ways: &[Way] = if scene.lack.is_none() { &WITH_QR } else { &WITHOUT_QR };
        let written = ways.iter().find_map(|way| Self::written(scene, room, *way));
        written.unwrap_or_else(|| Self::written_anyhow(scene, room))
    }

    /// The rows below which nothing that belongs there has to go.
    pub(super) fn comfortable_rows(scene: Scene<'a>, width: u16) -> u16 {
        Self::written(scene, Size::new(width, u16::MAX), BRIEF).map_or(u16::MAX, |text| text.rows())
    }

    /// Whether it stands below the title line of the app.
    pub(super) fn is_numbered(&self) -> bool {
        self.is_numbered
    }

    pub(super) fn rows(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX)
    }

    /// The rows without what comes and goes.
    fn steady_rows(&self) -> u16 {
        self.rows() - self.passing
    }

    fn written(scene: Scene<'a>, room: Size, way: Way) -> Option<Self> {
        // The title line takes a row of its own.
        let height = room.height - u16::from(way.numbered && room.height > 0);
        let mut text = Self { is_numbered: way.numbered, ..Self::default() };
        let inner = usize::from(room.width.saturating_sub(2));
        text.push_steps(scene, room.width, way)?;
        text.push_state(scene, inner, way);
        text.gap();
        let permissions_at = text.lines.len();
        text.gap();
        text.push_warning(scene, inner, way);
        if let Some(lack) = scene.lack.filter(|_| way.lack) {
            text.push_wrapped(lack, inner, scene.around.theme.faint);
        }
        let rows_left = usize::from(height).checked_sub(text.lines.len())?;
        let scopes =
            configured(scene.around, scene.panel).map(|profile| in_words(effective_scopes(scene.panel, profile)));
        let least_air = text.gaps.len() * usize::from(way.gap);
        let rows_left = rows_left.checked_sub(least_air)?;
        let permissions = permissions(&scopes.unwrap_or_default(), inner, rows_left, way.lists)?;
        let added = permissions.len();
        let lines = permissions.into_iter().map(|line| Line::raw(format!(" {line}")));
        text.lines.splice(permissions_at..permissions_at, lines);
        if let Some(before_warning) = text.gaps.last_mut() {
            *before_warning += u16::try_from(added).unwrap_or(0);
        }
        text.spread(rows_left - added + least_air, way)?;
        Some(text)
    }

    /// The barest way without what has no room. Half a sentence would be worse than none.
    fn written_anyhow(scene: Scene<'a>, room: Size) -> Self {
        let inner = usize::from(room.width.saturating_sub(2));
        let mut text = Self::default();
        // Fails only for want of letters, which the barest way does not draw.
        let _ = text.push_steps(scene, room.width, LEAST);
        text.push_state(scene, inner, LEAST);
        text.push_warning(scene, inner, LEAST);
        text
    }

    fn push_heading(&mut self, scene: Scene<'a>, inner: usize, way: Way) {
        let Scene { around, panel, waiting, now, .. } = scene;
        if way.whole {
            self.push_notice(around, panel, inner);
        }
        let provider =
            configured(around, panel).map_or("the provider", |profile| around.config.provider_label(profile));
        let left = now.moment.until(waiting.code.expires_at);
        let (heading, style) = match (way.numbered, way.gauge) {
            (true, _) => (format!(" Sign in to {provider} on another device"), around.theme.title),
            (false, true) => (format!(" Sign in to {provider}"), around.theme.title),
            (false, false) => {
                let (mark, style) = if left <= LAST_MINUTE {
                    (format!("{} ", around.theme.symbol(Mark::Attention)), around.theme.attention)
                } else {
                    (String::new(), around.theme.title)
                };
                let left = format!("{mark}{} left", around.time_left(left));
                let room = (inner + 1).saturating_sub(columns(&left));
                (format!("{:<room$}{left}", format!(" Sign in to {provider}")), style)
            }
        };
        self.lines.push(Line::styled(heading, style));
        if way.who || (way.numbered && !fits_in_title(around, panel)) {
            // The warning names the machine once more.
            let who = if way.whole { subject_line(around, panel) } else { profile_and_place(around, panel) };
            self.push_wrapped(&who, inner, Style::new());
        }
    }

    /// What to do, from the address to the look back. `None` where the code cannot be drawn in this way.
    fn push_steps(&mut self, scene: Scene<'a>, width: u16, way: Way) -> Option<()> {
        let Scene { around, panel, waiting, now, lack } = scene;
        let inner = usize::from(width.saturating_sub(2));
        let scans = lack.is_none();
        self.push_heading(scene, inner, way);
        self.gap();
        self.push_first(
            inner,
            match (way.numbered, scans) {
                (true, true) if way.explains => {
                    &["1  Scan the QR code with your phone, or open", "1  Scan the QR code, or open"]
                }
                (true, true) => &["1  Scan the QR code, or open"],
                (true, false) => &["1  On your phone or computer open"],
                (false, true) => &["Scan the QR code, or open"],
                (false, false) => &["On your phone or computer open"],
            },
        );
        self.push_address(around, waiting, inner);
        self.gap();
        let check: &[&str] = match (way.numbered, scans) {
            (true, true) if way.explains => &["2  Check that it shows this code", "2  Check this code"],
            (true, true) => &["2  Check it shows this code, or type it", "2  Check or type this code"],
            (true, false) => &["2  Type this code there"],
            (false, true) => &["Check it shows this code, or type it", "Check or type this code"],
            (false, false) => &["and enter this code"],
        };
        match &panel.previous {
            Some((dead, _)) if !way.whole => self.push_dead(around, dead, inner),
            _ => self.push_first(inner, check),
        }
        if way.explains && scans {
            self.lines.push(Line::raw("    (type it if you opened the address)"));
        }
        self.push_code(around, waiting, width, way)?;
        self.gap();
        if way.numbered {
            let is_ending = now.moment.until(waiting.code.expires_at) <= LAST_MINUTE;
            let approve = if is_ending {
                " 3  Already approving? Finish it there."
            } else {
                " 3  Approve there, then look back here."
            };
            self.lines.push(Line::raw(approve));
            if way.explains {
                self.lines.push(Line::raw(format!("    We ask the server every {} s.", waiting.interval.as_secs())));
            }
            self.gap();
        }
        Some(())
    }

    /// Says once more which code is dead, since it may stand on a note or in a chat.
    fn push_notice(&mut self, around: &'a Surroundings, panel: &'a SignInPanel, inner: usize) {
        let Some((code, ended_at)) = &panel.previous else { return };
        let mark = around.theme.symbol(Mark::Attention);
        let ended_at = time_of_day(*ended_at, &around.zone);
        let text = format!("{mark} Code {code} ran out at {ended_at}. Use the new one below.");
        self.push_wrapped(&text, inner, around.theme.attention);
    }

    /// The same in the place of the step that names the new code.
    fn push_dead(&mut self, around: &'a Surroundings, code: &str, inner: usize) {
        let mark = around.theme.symbol(Mark::Attention);
        let named = format!("{mark} {code} ran out. Use this code:");
        let text = if columns(&named) <= inner { named } else { format!("{mark} The code changed. Use this one:") };
        self.lines.push(Line::styled(format!(" {text}"), around.theme.attention));
    }

    fn push_wrapped(&mut self, text: &str, inner: usize, style: Style) {
        self.lines.extend(wrap(text, inner).into_iter().map(|line| Line::styled(format!(" {line}"), style)));
    }

    /// The first wording that fits.
    fn push_first(&mut self, inner: usize, wordings: &[&'static str]) {
        let chosen = wordings.iter().find(|words| words.len() <= inner).or(wordings.last());
        self.lines.extend(chosen.map(|words| Line::raw(format!(" {words}"))));
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    fn gap(&mut self) {
        self.gaps.push(self.rows());
    }

    /// Puts air between what belongs together. Where it cannot be everywhere it goes first to where it helps most, last
    /// to where lines come and go above it.
    fn spread(&mut self, rows_left: usize, way: Way) -> Option<()> {
        let mut gaps = std::mem::take(&mut self.gaps);
        let wanted = gaps.len() * usize::from(way.gap);
        if wanted > rows_left {
            return None;
        }
        if way.gap == 0 {
            // The last but one stands below what was answered last, the last above the warning.
            let after_state = gaps.len().checked_sub(2).map(|index| gaps.remove(index));
            gaps.reverse();
            gaps.extend(after_state);
            gaps.truncate(rows_left);
        }
        gaps.sort_unstable();
        for at in gaps.into_iter().rev() {
            (0..way.gap.max(1)).for_each(|_| self.insert_blank(at));
        }
        Some(())
    }

    fn insert_blank(&mut self, at: u16) {
        self.lines.insert(usize::from(at), Line::default());
        let down = |row: &mut u16| *row += u16::from(*row >= at);
        self.code_at.iter_mut().for_each(|position| down(&mut position.y));
        self.gauge.iter_mut().for_each(down);
        self.big.iter_mut().for_each(|(row, _)| down(row));
    }

    /// On a line of its own and never broken by us: without its scheme where it would not fit, in pieces as wide as the
    /// column only where nothing else helps.
    fn push_address(&mut self, around: &'a Surroundings, waiting: &'a Waiting, inner: usize) {
        let address = waiting.code.verification_uri.as_str();
        let address = if address.len() > inner { without_scheme(address) } else { address };
        let characters: Vec<char> = address.chars().collect();
        for part in characters.chunks(inner.max(1)) {
            self.lines.push(Line::styled(format!(" {}", part.iter().collect::<String>()), around.theme.code));
        }
    }

    /// The code as text, and also large or in a box. `None` where it has no large letters or they do not fit.
    fn push_code(&mut self, around: &'a Surroundings, waiting: &'a Waiting, width: u16, way: Way) -> Option<()> {
        let code = waiting.code.user_code.as_str();
        let indent = if way.numbered { 4 } else { 1 };
        let plain = |text: &mut Self, indent: u16| {
            text.code_at = Some(Position::new(indent, text.rows()));
            text.lines.push(Line::styled(format!("{:1$}{code}", "", usize::from(indent)), around.theme.code));
        };
        match way.code {
            CodeForm::Plain => plain(self, indent),
            CodeForm::Boxed => {
                let border = around.theme.border_set();
                let inside = (columns(code) + 10).min(usize::from(width.saturating_sub(indent + 4)));
                let before = inside.checked_sub(columns(code))? / 2;
                let after = inside - before - columns(code);
                let margin = " ".repeat(usize::from(indent));
                let edge =
                    |left: &str, middle: &str, right: &str| format!("{margin}{left}{}{right}", middle.repeat(inside));
                self.lines.push(Line::raw(edge(border.top_left, border.horizontal_top, border.top_right)));
                let column = indent + 1 + u16::try_from(before).unwrap_or(0);
                self.code_at = Some(Position::new(column, self.rows()));
                let (left, right) = (border.vertical_left, border.vertical_right);
                self.lines.push(Line::from(vec![
                    format!("{margin}{left}{:before$}", "").into(),
                    ratatui::text::Span::styled(code, around.theme.code),
                    format!("{:after$}{right}", "").into(),
                ]));
                self.lines.push(Line::raw(edge(border.bottom_left, border.horizontal_bottom, border.bottom_right)));
            }
            CodeForm::Large => {
                let big = BigText::new(code, Style::new())?;
                let big = big.scaled_to_fit(width.saturating_sub(indent + 1), BigText::ROWS)?;
                plain(self, indent);
                self.blank();
                self.big = Some((self.rows(), big));
                (0..BigText::ROWS).for_each(|_| self.blank());
            }
        }
        Some(())
    }

    fn push_state(&mut self, scene: Scene<'a>, inner: usize, way: Way) {
        let Scene { around, waiting, now, .. } = scene;
        if way.gauge {
            let (words, style) = state(around, waiting, now, inner);
            self.lines.push(Line::styled(format!(" {words}"), style));
            self.gauge = Some(self.rows());
            self.blank();
        }
        if !way.whole {
            let (words, style) = next_in_short(around, waiting, now);
            self.lines.push(Line::styled(format!(" {words}"), style));
            return;
        }
        let (lines, style) = last_and_next(around, waiting, now, inner);
        let before = self.rows();
        for line in &lines {
            self.push_wrapped(line, inner, style);
        }
        self.passing = self.rows() - before - 1;
    }

    fn push_warning(&mut self, scene: Scene<'a>, inner: usize, way: Way) {
        let mut warning = format!("Approve only if you, {}, started this.", scene.around.machine);
        if way.whole {
            warning += " Nobody will send you a code.";
        }
        self.push_wrapped(&warning, inner, scene.around.theme.title);
    }

    /// Draws in the middle of the area's height.
    pub(super) fn draw(self, scene: Scene<'a>, area: Rect, frame: &mut Frame<'_>) {
        let free = area.height.saturating_sub(self.steady_rows()) / 2;
        let down = free.min(area.height.saturating_sub(self.rows()));
        let area = Rect { y: area.y + down, height: area.height - down, ..area };
        for (row, line) in (area.y..area.bottom()).zip(&self.lines) {
            frame.buffer_mut().set_line(area.x, row, line, area.width);
        }
        let at = |row: u16, indent: u16, width: u16, height: u16| {
            let place = Rect { x: area.x + indent, y: area.y.saturating_add(row), width, height };
            place.intersection(area)
        };
        if let Some(row) = self.gauge {
            let code = &scene.waiting.code;
            let remaining = told(scene.now.moment.until(code.expires_at), scene.around.motion);
            let mark = if remaining <= LAST_MINUTE { Mark::Attention } else { Mark::Good };
            let gauge = Gauge { remaining, total: code.lifetime, mark, theme: &scene.around.theme };
            (&gauge).render(at(row, 1, area.width.saturating_sub(2), 1), frame.buffer_mut());
        }
        if let Some((row, big)) = self.big {
            let indent = self.code_at.map_or(1, |position| position.x);
            (&big).render(at(row, indent, big.columns(), big.rows()), frame.buffer_mut());
        }
        if let Some(position) = self.code_at.filter(|position| position.y < area.height) {
            // Screen readers and braille displays follow the cursor.
            frame.set_cursor_position(Position::new(area.x + position.x, area.y + position.y));
        }
    }
}
