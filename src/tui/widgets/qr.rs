//! Draws a QR code so that cameras read it: its own colours on every cell, dark on light, never clipped.
//!
//! One scale covers all forms: a module is `scale` columns wide and half as many rows tall. At an even scale every cell
//! is a blank on a background and needs no glyph; at an odd one, cells that two modules share are `▀` or `▄` in the
//! *light* colour on the dark one, and the rest stay blanks: text is drawn a little short of its line in many terminals,
//! and so the seams fall where they do the least harm.

use std::fmt;
use std::num::NonZeroU16;

use ratatui::buffer::{Buffer, Cell, CellDiffOption};
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Modifier};
use ratatui::widgets::Widget;

use crate::abilities::{QrAbilities, QrPalette};
use crate::qr::QrMatrix;

/// The largest scale on offer. 33 modules at 8 columns each fill a screen of 296x148.
const LARGEST_SCALE: u16 = 8;

/// The scale at which a module is two columns and one row, the smallest without half-blocks.
const BACKGROUND_SCALE: u16 = 2;

/// How the person wants QR codes to be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QrChoice {
    /// Whichever form fits best.
    #[default]
    Auto,
    /// Blanks on a background, no glyph at all.
    Full,
    /// Half-blocks, even where the terminal is not known to have them.
    Half,
    /// Not at all.
    None,
}

/// The ways in which modules may be made of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrForms {
    /// Blanks on a background, no glyph at all.
    Background,
    /// Half-blocks where two modules share a cell.
    HalfBlock,
    Both,
}

/// A way to draw a code of a given size that fits the box it was chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    size: u16,
    scale: u16,
    quiet_zone: u16,
}

/// No way to draw the code fits. Its text says so in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSmall {
    /// Columns and rows that the smallest way takes.
    pub needs: Size,
    /// Columns and rows that there are.
    pub has: Size,
}

impl QrChoice {
    /// The forms that the choice leaves on a terminal; `None` where no code is wanted.
    pub fn forms(self, abilities: QrAbilities) -> Option<QrForms> {
        match self {
            Self::Auto if abilities.half_blocks => Some(QrForms::Both),
            Self::Auto | Self::Full => Some(QrForms::Background),
            Self::Half => Some(QrForms::HalfBlock),
            Self::None => None,
        }
    }
}

impl QrForms {
    fn have(self, scale: u16) -> bool {
        match self {
            Self::Background => scale.is_multiple_of(2),
            Self::HalfBlock => !scale.is_multiple_of(2),
            Self::Both => true,
        }
    }
}

impl Fit {
    /// Chooses the best way to draw `size` modules in a box beside text: blanks alone before half-blocks, then the larger
    /// scale and the wider quiet zone. Goes `step` ways up (bigger) or down (smaller) from there, as far as there are any.
    pub fn choose_step(size: u16, width: u16, height: u16, forms: QrForms, step: i16) -> Result<Self, TooSmall> {
        let ladder = Self::ladder(size, width, height, forms);
        let is_usual = |fit: &Self| fit.needs_no_glyph() || fit.scale == 1;
        let usual = ladder.iter().position(is_usual).unwrap_or_default();
        let last = ladder.len().saturating_sub(1);
        let chosen = usual.saturating_add_signed(-isize::from(step)).min(last);
        ladder
            .get(chosen)
            .copied()
            .ok_or_else(|| TooSmall { needs: Self::smallest(size, forms).dimensions(), has: Size::new(width, height) })
    }

    /// Every way to draw `size` modules in the box, from the largest scale to the smallest and from the widest quiet zone
    /// to the narrowest.
    pub fn ladder(size: u16, width: u16, height: u16, forms: QrForms) -> Vec<Self> {
        let scales = (1..=LARGEST_SCALE).rev().filter(|scale| forms.have(*scale));
        let ways = scales.flat_map(|scale| {
            // Blanks with little light around them are read by more cameras than half-blocks with much.
            let quiet_zones: &[u16] = if scale <= BACKGROUND_SCALE { &[4, 2, 1] } else { &[4, 2] };
            quiet_zones.iter().map(move |&quiet_zone| Self { size, scale, quiet_zone })
        });
        ways.filter(|fit| fit.columns() <= width && fit.rows() <= height).collect()
    }

    /// The way that takes least room.
    pub fn smallest(size: u16, forms: QrForms) -> Self {
        match forms {
            QrForms::Background => Self { size, scale: BACKGROUND_SCALE, quiet_zone: 1 },
            QrForms::HalfBlock | QrForms::Both => Self { size, scale: 1, quiet_zone: 1 },
        }
    }

    /// The columns it takes, quiet zone included.
    pub fn columns(self) -> u16 {
        self.size.saturating_add(2 * self.quiet_zone).saturating_mul(self.scale)
    }

    /// The rows it takes, quiet zone included.
    pub fn rows(self) -> u16 {
        self.columns().div_ceil(2)
    }

    pub fn dimensions(self) -> Size {
        Size::new(self.columns(), self.rows())
    }

    /// The light modules on each side.
    pub fn quiet_zone(self) -> u16 {
        self.quiet_zone
    }

    /// The columns of one module; it is half as many rows tall.
    pub fn scale(self) -> u16 {
        self.scale
    }

    /// Made of blanks alone.
    pub fn needs_no_glyph(self) -> bool {
        self.scale.is_multiple_of(2)
    }

    /// The middle of `area`, as large as the code, or `None` if it is larger than `area`.
    pub fn centered_in(self, area: Rect) -> Option<Rect> {
        let (columns, rows) = (self.columns(), self.rows());
        let x = area.x + area.width.checked_sub(columns)? / 2;
        let y = area.y + area.height.checked_sub(rows)? / 2;
        Some(Rect::new(x, y, columns, rows))
    }
}

impl TooSmall {
    /// The same in terms of the whole window, given that everything of `window` beside the box is taken by text that must
    /// stay.
    #[must_use]
    pub fn in_window(self, window: Size) -> Self {
        let needed = |need: u16, window: u16, has: u16| need.saturating_add(window.saturating_sub(has));
        let width = needed(self.needs.width, window.width, self.has.width);
        let height = needed(self.needs.height, window.height, self.has.height);
        Self { needs: Size::new(width, height), has: window }
    }
}

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needs, has } = self;
        write!(f, "QR code needs {}x{}, this window is {}x{}. ", needs.width, needs.height, has.width, has.height)?;
        f.write_str("The address and code do the same.")
    }
}

/// The widget. Draws at the top left of its area, or nothing if the area is smaller than the fit.
#[derive(Clone, Copy, Debug)]
pub struct QrCode<'a> {
    pub matrix: &'a QrMatrix,
    pub fit: Fit,
    pub palette: QrPalette,
    /// Swaps dark and light. Of use where the terminal's own colours are the other way round.
    pub inverted: bool,
}

impl Widget for &QrCode<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let (columns, rows) = (self.fit.columns(), self.fit.rows());
        let area = area.intersection(buffer.area);
        if self.fit.size != self.matrix.size() || area.width < columns || area.height < rows {
            return;
        }
        let quiet_zone = usize::from(self.fit.quiet_zone);
        // Once for all cells that look so: a code is drawn with each second that its clock shows.
        let cells = [false, true].map(|top| [false, true].map(|bottom| painted(self.palette, top, bottom)));
        // Before the first module it is beyond the last, where all is light.
        let module = |position: u16| usize::from(position / self.fit.scale).wrapping_sub(quiet_zone);
        for row in 0..rows {
            let halves = [2 * row, 2 * row + 1].map(|half_row| self.matrix.row(module(half_row)));
            let first = buffer.index_of(area.x, area.y + row);
            for (column, cell) in (0..columns).zip(&mut buffer.content[first..]) {
                let x = module(column);
                let is_light = halves.map(|modules| modules.get(x).is_some_and(|dark| *dark) == self.inverted);
                cell.clone_from(&cells[usize::from(is_light[0])][usize::from(is_light[1])]);
            }
        }
    }
}

/// A cell that takes nothing over from what it was: bold alone would turn black into grey in some terminals.
fn painted(palette: QrPalette, top_is_light: bool, bottom_is_light: bool) -> Cell {
    let mut cell = Cell::EMPTY;
    let (light, dark) = match palette {
        QrPalette::Indexed256 => (Color::Indexed(231), Color::Indexed(16)),
        QrPalette::Ansi16 => (Color::Gray, Color::Black),
        // The terminal's foreground is the light one: blanks show it in reverse video, half-blocks as they are.
        QrPalette::Reverse => (Color::Reset, Color::Reset),
    };
    let (symbol, background) = match (top_is_light, bottom_is_light) {
        (true, true) => (None, light),
        (false, false) => (None, dark),
        (true, false) => (Some("▀"), dark),
        (false, true) => (Some("▄"), dark),
    };
    cell.set_fg(light).set_bg(background);
    // It is blank already.
    if let Some(symbol) = symbol {
        // Told beforehand, since it is looked up with each frame otherwise.
        cell.set_symbol(symbol).set_diff_option(CellDiffOption::ForcedWidth(NonZeroU16::MIN));
    }
    if palette == QrPalette::Reverse && top_is_light && bottom_is_light {
        cell.modifier = Modifier::REVERSED;
    }
    cell
}

#[cfg(test)]
mod tests {
    use ratatui::layout::{Rect, Size};

    use super::{Fit, QrChoice, QrForms, TooSmall};
    use crate::abilities::{QrAbilities, QrPalette};

    fn choose(size: u16, width: u16, height: u16, forms: QrForms) -> Result<Fit, TooSmall> {
        Fit::choose_step(size, width, height, forms, 0)
    }

    #[test]
    fn every_way_takes_the_columns_and_rows_of_the_table() {
        let table = [
            (25, [(27, 14), (29, 15), (33, 17), (54, 27), (58, 29), (66, 33)]),
            (29, [(31, 16), (33, 17), (37, 19), (62, 31), (66, 33), (74, 37)]),
            (33, [(35, 18), (37, 19), (41, 21), (70, 35), (74, 37), (82, 41)]),
            (37, [(39, 20), (41, 21), (45, 23), (78, 39), (82, 41), (90, 45)]),
            (41, [(43, 22), (45, 23), (49, 25), (86, 43), (90, 45), (98, 49)]),
            (45, [(47, 24), (49, 25), (53, 27), (94, 47), (98, 49), (106, 53)]),
        ];
        for (size, expected) in table {
            let ladder = Fit::ladder(size, 200, 60, QrForms::Both);
            let usual = ladder.iter().rev().take(6).map(|fit| (fit.columns(), fit.rows()));
            assert_eq!(usual.collect::<Vec<_>>(), expected, "{size} modules");
            for (columns, rows) in expected {
                let fit = choose(size, columns, rows, QrForms::Both).expect("fits exactly");
                assert_eq!((fit.columns(), fit.rows()), (columns, rows), "{size} modules");
                for (columns, rows) in [(columns - 1, rows), (columns, rows - 1)] {
                    let smaller = choose(size, columns, rows, QrForms::Both);
                    assert!(smaller.is_err() || smaller.is_ok_and(|smaller| smaller.rows() < fit.rows()));
                }
            }
        }
    }

    #[test]
    fn blanks_come_before_half_blocks_and_wide_quiet_zones_before_narrow_ones() {
        let way = |fit: Fit| (fit.scale(), fit.quiet_zone());
        let choose = |width, height| choose(33, width, height, QrForms::Both).map(way);
        assert_eq!(choose(240, 67), Ok((2, 4)));
        assert_eq!(choose(82, 40), Ok((2, 2)));
        assert_eq!(choose(74, 36), Ok((2, 1)));
        assert_eq!(choose(74, 34), Ok((1, 4)));
        assert_eq!(choose(39, 24), Ok((1, 2)));
        assert_eq!(choose(36, 18), Ok((1, 1)));
        assert_eq!(choose(34, 18), Err(TooSmall { needs: Size::new(35, 18), has: Size::new(34, 18) }));
    }

    #[test]
    fn without_half_blocks_only_even_scales_are_offered() {
        assert!(Fit::ladder(33, 400, 200, QrForms::Background).iter().all(|fit| fit.scale() % 2 == 0));
        assert_eq!(choose(33, 69, 37, QrForms::Background).map_err(|small| small.needs), Err(Size::new(70, 35)));
    }

    #[test]
    fn steps_go_up_and_down_the_ladder_and_stop_at_its_ends() {
        let step = |step| Fit::choose_step(33, 130, 70, QrForms::Both, step).map(|fit| (fit.scale(), fit.quiet_zone()));
        let all = [(3, 4), (3, 2), (2, 4), (2, 2), (2, 1), (1, 4), (1, 2), (1, 1)].map(Ok);
        assert_eq!([3, 2, 1, 0, -1, -2, -3, -4, -5, -6].map(step)[1..9], all);
        assert_eq!([i16::MAX, 9].map(step), [Ok((3, 4)); 2]);
        assert_eq!([i16::MIN, -9].map(step), [Ok((1, 1)); 2]);
    }

    #[test]
    fn the_sentence_counts_the_rows_that_the_layout_takes_around_the_code() {
        let small = choose(33, 36, 17, QrForms::Both).expect_err("one row short");
        assert_eq!(
            small.in_window(Size::new(36, 18)).to_string(),
            "QR code needs 35x19, this window is 36x18. The address and code do the same."
        );
        let huge = choose(u16::MAX, 80, 24, QrForms::Both).expect_err("no window is so large");
        assert_eq!(huge.in_window(Size::new(100, 30)).needs.width, u16::MAX);
    }

    #[test]
    fn a_fit_is_centered_or_not_placed_at_all() {
        let fit = choose(33, 37, 19, QrForms::Both).expect("fits");
        assert_eq!(fit.centered_in(Rect::new(10, 5, 41, 21)), Some(Rect::new(12, 6, 37, 19)));
        assert_eq!(fit.centered_in(Rect::new(0, 0, 36, 40)), None);
    }

    #[test]
    fn the_choice_beats_what_the_terminal_is_known_to_show() {
        let abilities = |half_blocks| QrAbilities { half_blocks, palette: QrPalette::Ansi16 };
        let forms = |choice: QrChoice| [true, false].map(|half_blocks| choice.forms(abilities(half_blocks)));
        assert_eq!(forms(QrChoice::Auto), [Some(QrForms::Both), Some(QrForms::Background)]);
        assert_eq!(forms(QrChoice::Full), [Some(QrForms::Background); 2]);
        assert_eq!(forms(QrChoice::Half), [Some(QrForms::HalfBlock); 2]);
        assert_eq!(forms(QrChoice::None), [None; 2]);
        assert_eq!(choose(33, 240, 67, QrForms::HalfBlock).map(Fit::scale), Ok(1));
    }
}
