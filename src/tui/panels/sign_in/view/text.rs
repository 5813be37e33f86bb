//! The text column of a code that waits for approval: steps, address, code, time left, what is asked for, the warning.
//!
//! It is written in the first of several [`ways`](super::ways) that fits.

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::scene::Scene;
use super::ways::{BRIEF, CodeForm, LEAST, WITH_QR, WITHOUT_QR, Way};
use super::words::{last_and_next, notice_is_of_loopback, permissions, time, urgency};
use super::{in_columns, title_names_machine, who};
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{width as columns, wrap};
use crate::tui::theme::Mark;
use crate::tui::time_left::told;
use crate::tui::widgets::big_text::BigText;
use crate::tui::widgets::gauge::Gauge;

/// Left of the text.
const MARGIN: u16 = 1;
/// Where what belongs to a numbered step begins.
const INDENT: u16 = 4;
/// Between large letters and the light around the QR code.
const AIR: u16 = 1;
/// Left and right of the code in its band.
const PADDING: u16 = 4;
/// Between the end of the bar and that of the column.
const AFTER_BAR: u16 = 4;

/// The text column, line by line, with what is not plain text.
#[derive(Default)]
pub(super) struct Text<'a> {
    lines: Vec<Line<'a>>,
    code_at: Position,
    /// Where the last row of the address begins.
    address_at: Position,
    /// Where the bar begins.
    bar: Position,
    big: Option<(Position, BigText)>,
    /// Where air may come, before which line.
    gaps: Vec<u16>,
}

impl<'a> Text<'a> {
    /// The first row below the address in a column of that height.
    pub(super) fn below_address(&self, height: u16) -> u16 {
        super::lead(height, self.rows()).saturating_add(self.address_at.y + 1)
    }

    /// The column in the richest way that fits; in the barest, cut off below, where none does.
    pub(super) fn in_room(scene: Scene<'a>, room: Size) -> Self {
        let ways: &[Way] = if scene.lack.is_none() { &WITH_QR } else { &WITHOUT_QR };
        let written = ways.iter().find_map(|way| Self::written(scene, room, *way));
        written.unwrap_or_else(|| Self::written_anyhow(scene, room.width))
    }

    /// The rows below which nothing that belongs there has to go.
    pub(super) fn comfortable_rows(scene: Scene<'a>, width: u16) -> u16 {
        Self::written(scene, Size::new(width, u16::MAX), BRIEF).map_or(u16::MAX, |text| text.rows())
    }

    fn rows(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX)
    }

    fn written(scene: Scene<'a>, room: Size, way: Way) -> Option<Self> {
        let theme = &scene.around.theme;
        let mut text = Self::default();
        let inner = usize::from(room.width.saturating_sub(MARGIN));
        text.push_steps(scene, room.width, way)?;
        text.push_state(scene);
        text.gap();
        let permissions_at = text.rows();
        text.gap();
        text.push_warning(scene, inner, way);
        if let Some(lack) = scene.lack.filter(|_| way.lack) {
            text.push_wrapped(lack, inner, theme.text);
        }
        let least_air = text.gaps.len() * usize::from(way.gap);
        let rows_left = usize::from(room.height).checked_sub(text.lines.len() + least_air)?;
        let permissions = permissions(&scene.waiting.permissions, inner, rows_left, way.lists)?;
        let added = permissions.len();
        let style = |number| if way.lists && number == 0 { theme.label } else { theme.text };
        let lines = permissions.into_iter().enumerate();
        let lines = lines.map(|(number, line)| Line::styled(format!(" {line}"), style(number)));
        text.lines.splice(usize::from(permissions_at)..usize::from(permissions_at), lines);
        if let Some(before_warning) = text.gaps.last_mut() {
            *before_warning += u16::try_from(added).unwrap_or(0);
        }
        text.spread(rows_left - added, way.gap);
        Some(text)
    }

    /// The barest way without what has no room. Half a sentence would be worse than none.
    fn written_anyhow(scene: Scene<'a>, width: u16) -> Self {
        let mut text = Self::default();
        // Fails only for want of letters, which the barest way does not draw.
        let _ = text.push_steps(scene, width, LEAST);
        text.push_state(scene);
        text.push_warning(scene, usize::from(width.saturating_sub(MARGIN)), LEAST);
        text
    }

    /// What to do, from the address to the approval. `None` where the code cannot be drawn in this way.
    fn push_steps(&mut self, scene: Scene<'a>, width: u16, way: Way) -> Option<()> {
        let Scene { around, panel, .. } = scene;
        let inner = usize::from(width.saturating_sub(MARGIN));
        if way.who && !title_names_machine(around, panel) {
            self.push_wrapped(&who(around), inner, around.theme.label);
        }
        self.push_first_step(scene, inner);
        self.push_address(scene, inner);
        self.gap();
        match &panel.previous {
            // It may stand on a note or in a chat.
            Some(previous) if !scene.has_notice => {
                let mark = around.theme.symbol(Mark::Attention);
                let named = format!("{mark} {}. Type this one", previous.end());
                let short = format!("{mark} It changed. Type this code");
                let fits = columns(&named) + usize::from(INDENT) <= inner;
                self.push_step(around, 2, if fits { named } else { short }, around.theme.attention);
            }
            _ if scene.lack.is_some() => self.push_step(around, 2, "Type this code there", around.theme.text),
            _ => self.push_step(around, 2, "Compare or type this code", around.theme.text),
        }
        self.push_code(scene, width, way)?;
        self.gap();
        if way.third_step {
            let is_ending = urgency(scene.left()) != Mark::Good;
            let approve =
                if is_ending { "Already approving? Finish it there." } else { "Approve there; this screen goes on." };
            self.push_step(around, 3, approve, around.theme.text);
            self.gap();
        }
        Some(())
    }

    fn push_first_step(&mut self, scene: Scene<'a>, inner: usize) {
        let Scene { around, waiting, lack, .. } = scene;
        let words = match lack {
            _ if notice_is_of_loopback(scene) => format!("Open on {}", around.machine.host),
            _ if waiting.code.own_host().is_some() => {
                let machine = &around.machine.host;
                let long = format!("Open on {machine}; no phone can reach it");
                let fits = columns(&long) + usize::from(INDENT) <= inner;
                if fits { long } else { "Open here; no phone can reach it".to_owned() }
            }
            Some(_) => "On your phone or computer open".to_owned(),
            None => "Scan, or open".to_owned(),
        };
        self.push_step(around, 1, words, around.theme.text);
    }

    fn push_step(&mut self, around: &Surroundings, number: u8, words: impl Into<String>, style: Style) {
        let number = Span::styled(format!(" {number}  "), around.theme.label);
        self.lines.push(Line::from(vec![number, Span::styled(words.into(), style)]));
    }

    fn push_wrapped(&mut self, text: &str, inner: usize, style: Style) {
        self.lines.extend(wrap(text, inner).into_iter().map(|line| Line::styled(format!(" {line}"), style)));
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    fn gap(&mut self) {
        self.gaps.push(self.rows());
    }

    /// Puts air between what belongs together; where it cannot be everywhere, first below.
    fn spread(&mut self, rows_left: usize, gap: u16) {
        let mut gaps = std::mem::take(&mut self.gaps);
        let spared = if gap == 0 { gaps.len().saturating_sub(rows_left) } else { 0 };
        for at in gaps.drain(spared..).rev() {
            (0..gap.max(1)).for_each(|_| self.insert_blank(at));
        }
    }

    fn insert_blank(&mut self, at: u16) {
        self.lines.insert(usize::from(at), Line::default());
        let big = self.big.iter_mut().map(|(position, _)| position);
        for position in [&mut self.code_at, &mut self.address_at, &mut self.bar].into_iter().chain(big) {
            position.y += u16::from(position.y >= at);
        }
    }

    /// On a line of its own and never broken by us: without its scheme where it would not fit, in pieces as wide as the
    /// column only where nothing else helps.
    fn push_address(&mut self, scene: Scene<'a>, inner: usize) {
        let address = in_columns(&scene.waiting.code.verification_uri, inner);
        self.push_pieces(address, inner, scene.around.theme.link);
        self.address_at = Position::new(MARGIN, self.rows().saturating_sub(1));
    }

    fn push_pieces(&mut self, text: &str, inner: usize, style: Style) {
        let characters: Vec<char> = text.chars().collect();
        for part in characters.chunks(inner.max(1)) {
            let part: String = part.iter().collect();
            self.lines.push(Line::from(vec![Span::raw(" "), Span::styled(part, style)]));
        }
    }

    /// The code as text, and also large or in a band. `None` where it has no large letters or they do not fit.
    fn push_code(&mut self, scene: Scene<'a>, width: u16, way: Way) -> Option<()> {
        let theme = &scene.around.theme;
        let code = scene.waiting.code.user_code.as_str();
        let inside = u16::try_from(columns(code)).unwrap_or(u16::MAX);
        let indent = if inside.saturating_add(INDENT) < width { INDENT } else { MARGIN };
        let margin = " ".repeat(usize::from(indent));
        match way.code {
            CodeForm::Line => {
                self.code_at = Position::new(indent, self.rows());
                if inside >= width.saturating_sub(MARGIN) {
                    self.push_pieces(code, usize::from(width.saturating_sub(MARGIN)), theme.code);
                } else {
                    self.lines.push(Line::from(vec![Span::raw(margin), Span::styled(code, theme.code)]));
                }
            }
            CodeForm::Band => {
                if inside.saturating_add(indent + 2 * PADDING) >= width {
                    return None;
                }
                let padding = " ".repeat(usize::from(PADDING));
                let band = |text: &str| {
                    let text = format!("{padding}{text}{padding}");
                    Line::from(vec![Span::raw(margin.clone()), Span::styled(text, theme.band)])
                };
                let blank = band(&" ".repeat(usize::from(inside)));
                self.code_at = Position::new(indent + PADDING, self.rows() + 1);
                self.lines.extend([blank.clone(), band(code), blank]);
            }
            CodeForm::Large => {
                // Where there is no air, lower letters will do.
                let height = BigText::ROWS - u16::from(way.gap == 0);
                let width = width.saturating_sub(AIR);
                let big = BigText::fitting(code, theme.accent, width, height)?;
                self.code_at = Position::new(indent, self.rows());
                self.lines.push(Line::from(vec![Span::raw(margin), Span::styled(code, theme.code)]));
                (0..way.gap.min(1)).for_each(|_| self.blank());
                let room = width.saturating_sub(big.columns());
                let indent = if room > INDENT { INDENT } else { room.min(MARGIN) };
                let rows = big.rows();
                self.big = Some((Position::new(indent, self.rows()), big));
                (0..rows).for_each(|_| self.blank());
            }
        }
        Some(())
    }

    fn push_state(&mut self, scene: Scene<'a>) {
        let (left, style) = time(scene);
        self.bar = Position::new(MARGIN + u16::try_from(columns(&left)).unwrap_or(0) + 1, self.rows());
        self.lines.push(Line::from(vec![Span::raw(" "), Span::styled(left, style)]));
        let (words, style) = last_and_next(scene);
        self.lines.push(Line::from(vec![Span::raw(" "), Span::styled(words, style)]));
    }

    fn push_warning(&mut self, scene: Scene<'a>, inner: usize, way: Way) {
        let around = scene.around;
        let first = format!("Did not start this yourself? Press {}.", around.key(Scope::SignIn, Command::Back));
        let second = "Never approve a code that was sent to you.";
        let both = format!("{first} {second}");
        let style = around.theme.attention;
        match way.warns_twice {
            true if columns(&both) <= inner => self.push_wrapped(&both, inner, style),
            true => [first.as_str(), second].iter().for_each(|half| self.push_wrapped(half, inner, style)),
            false => self.push_wrapped(&first, inner, style),
        }
    }

    /// Draws a little above the middle of the area's height.
    pub(super) fn draw(self, scene: Scene<'a>, area: Rect, frame: &mut Frame<'_>) {
        let down = super::lead(area.height, self.rows());
        let area = Rect { y: area.y + down, height: area.height - down, ..area };
        draw_lines(&self.lines, area, frame);
        let at = |position: Position, width: u16, height: u16| {
            let place = Rect { x: area.x + position.x, y: area.y.saturating_add(position.y), width, height };
            place.intersection(area)
        };
        let (remaining, total) = (told(scene.left(), scene.around.motion), scene.waiting.code.lifetime);
        let gauge = Gauge { remaining, total, mark: urgency(remaining), theme: &scene.around.theme };
        (&gauge).render(at(self.bar, area.width.saturating_sub(self.bar.x + AFTER_BAR), 1), frame.buffer_mut());
        if let Some((position, big)) = self.big {
            (&big).render(at(position, big.columns(), big.rows()), frame.buffer_mut());
        }
        if self.code_at.y < area.height {
            // Screen readers and braille displays follow the cursor.
            frame.set_cursor_position(Position::new(area.x + self.code_at.x, area.y + self.code_at.y));
        }
    }
}
