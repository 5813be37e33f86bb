//! Writes frames in few bytes: over a slow line each second of a clock costs what its digits do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

use crate::sorted;
use crate::tui::text::{is_disputed, width};
use crate::tui::theme::LINK;

/// What crossterm's backend does, but for what it sends with every frame whether it changes anything or not.
pub(super) struct Painter<W: Write> {
    rest: CrosstermBackend<W>,
    /// Whether the cursor shows, once that was said.
    has_cursor: Option<bool>,
    /// The cells of links that are on the screen, by row and column.
    linked: BTreeMap<(u16, u16), Cell>,
    /// Where the last frame has left the cursor, where that is sure.
    left_at: Option<Position>,
    /// So many frames in a row began where the one before had left it.
    followed: u8,
    /// What a row has.
    columns: u16,
}

/// The most of them. Whatever else writes to a terminal, as a kernel does to its console, moves the cursor between two frames, and has
/// the clock stand in the wrong place until it is said again where it is.
const MOST_FOLLOWED: u8 = 4;
/// So far back it is a backspace for each column.
const NEAR: u16 = 3;

/// By how many cells what is on the screen moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) struct Shift {
    pub(in crate::tui) right: i16,
    pub(in crate::tui) down: i16,
}

/// The cells of one address, from its beginning on, which may go on at the begin of the next row.
type Link<'a> = Vec<(u16, u16, &'a Cell)>;

/// How a cell looks.
type Look = (Color, Color, Modifier);

const PLAIN: Look = (Color::Reset, Color::Reset, Modifier::empty());

impl<W: Write> Painter<W> {
    pub(super) fn new(writer: W, columns: u16) -> Self {
        let rest = CrosstermBackend::new(writer);
        Self { rest, has_cursor: None, linked: BTreeMap::new(), left_at: None, followed: 0, columns }
    }

    /// The window has so many columns from now on.
    pub(super) fn resized(&mut self, columns: u16) {
        (self.columns, self.left_at) = (columns, None);
    }

    /// Where the cursor is as the next frame begins.
    fn cursor_now(&mut self) -> Option<Position> {
        let left_at = self.left_at.take().filter(|at| at.x < self.columns && self.followed < MOST_FOLLOWED);
        self.followed = if left_at.is_some() { self.followed + 1 } else { 0 };
        left_at
    }

    /// Has the terminal move all that it shows in a window by a cell at a time. What comes in from outside is blank.
    pub(super) fn shift(&mut self, window: Size, by: Shift) -> io::Result<()> {
        let lines = if by.down < 0 { "\x1b[M" } else { "\x1b[L" }.repeat(by.down.unsigned_abs().into());
        let cells = if by.right < 0 { "\x1b[P" } else { "\x1b[@" }.repeat(by.right.unsigned_abs().into());
        let columns = if cells.is_empty() { cells } else { vec![cells; window.height.into()].join("\n") };
        let moved = |(y, x): (u16, u16)| Some((y.checked_add_signed(by.down)?, x.checked_add_signed(by.right)?));
        let linked = std::mem::take(&mut self.linked).into_iter();
        self.linked = sorted::map(linked.filter_map(|(place, cell)| Some((moved(place)?, cell))));
        self.left_at = None;
        write!(self.rest, "\x1b[H{lines}{columns}")
    }

    /// Shows or hides the cursor where it is not so already.
    fn cursor(&mut self, shows: bool) -> io::Result<()> {
        if self.has_cursor.replace(shows) == Some(shows) {
            return Ok(());
        }
        if shows { self.rest.show_cursor() } else { self.rest.hide_cursor() }
    }
}

impl<W: Write> Backend for Painter<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let (links, others): (Vec<_>, Vec<_>) = content.partition(|(.., cell)| cell.modifier.contains(LINK));
        let mut frame = String::new();
        let begins_at = self.cursor_now();
        self.left_at = write_cells(&mut frame, &others, begins_at);
        let is_over_a_link = |(x, y, _): &(u16, u16, &Cell)| self.linked.contains_key(&(*y, *x));
        if !links.is_empty() || others.iter().any(is_over_a_link) {
            let before = self.linked.clone();
            for (x, y, _) in others {
                self.linked.remove(&(y, x));
            }
            for (x, y, cell) in links {
                self.linked.insert((y, x), cell.clone());
            }
            // A terminal keeps the address with each cell, so that an address that grows or shrinks is written whole.
            let before = joined(&before);
            for link in joined(&self.linked).iter().filter(|link| !before.contains(link)) {
                write_link(&mut frame, link);
                self.left_at = None;
            }
        }
        self.rest.write_all(frame.as_bytes())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.cursor(false)
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.cursor(true)
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.rest.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.left_at = None;
        self.rest.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.rest.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        // Whoever had the terminal meanwhile may have left the cursor otherwise.
        (self.has_cursor, self.left_at) = (None, None);
        self.linked.clear();
        self.rest.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.rest.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.rest.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.rest)
    }
}

/// Writes cells that come row by row, and leaves the look plain. Takes and tells where the cursor surely is: terminals agree on the
/// width of ASCII alone.
fn write_cells(frame: &mut String, cells: &[(u16, u16, &Cell)], begins_at: Option<Position>) -> Option<Position> {
    let mut look = PLAIN;
    let mut at = begins_at;
    for (x, y, cell) in cells {
        let (x, y) = (*x, *y);
        match at.filter(|at| at.y == y).map(|at| (at.x, x.checked_sub(at.x))) {
            Some((_, Some(0))) => {}
            Some((_, Some(columns))) => write_to(frame, format_args!("\x1b[{columns}C")),
            Some((from, None)) if from - x <= NEAR => frame.extend(std::iter::repeat_n('\x08', (from - x).into())),
            _ => write_to(frame, format_args!("\x1b[{};{}H", y + 1, x + 1)),
        }
        let wanted = (cell.fg, cell.bg, cell.modifier - LINK);
        if wanted != look {
            turn(frame, look, wanted);
            look = wanted;
        }
        push(frame, cell.symbol());
        at = (cell.symbol().len() == 1).then(|| Position::new(x + 1, y));
    }
    if look != PLAIN {
        frame.push_str("\x1b[m");
    }
    at
}

/// The links among cells: neighbors, and the pieces of one that had to be broken, which begin below each other.
fn joined(cells: &BTreeMap<(u16, u16), Cell>) -> Vec<Link<'_>> {
    let mut links: Vec<Link<'_>> = Vec::new();
    for ((y, x), cell) in cells {
        let goes_on = |link: &Link<'_>| {
            let (first, last) = (link.first().map(|cell| cell.0), link.last().map(|cell| (cell.0, cell.1)));
            last.is_some_and(|(column, row)| (row, column + 1) == (*y, *x) || row + 1 == *y && first == Some(*x))
        };
        match links.last_mut().filter(|link| goes_on(link)) {
            Some(link) => link.push((*x, *y, cell)),
            None => links.push(vec![(*x, *y, cell)]),
        }
    }
    links
}

/// Writes an address as a link to itself (OSC 8), which lets terminals take it whole where it is broken or lacks its scheme.
fn write_link(frame: &mut String, link: &Link<'_>) {
    let text: String = link.iter().map(|(.., cell)| cell.symbol()).collect();
    let scheme = if text.contains("://") { "" } else { "https://" };
    write_to(frame, format_args!("\x1b]8;id=address;{scheme}{text}\x1b\\"));
    write_cells(frame, link, None);
    frame.push_str("\x1b]8;;\x1b\\");
}

/// Text takes everything.
fn write_to(frame: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = frame.write_fmt(text);
}

/// Turns one look into another (ECMA-48, SGR).
fn turn(frame: &mut String, from: Look, to: Look) {
    const MODIFIERS: [(Modifier, u8); 8] = [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::SLOW_BLINK, 5),
        (Modifier::REVERSED, 7),
        (Modifier::HIDDEN, 8),
        (Modifier::CROSSED_OUT, 9),
    ];
    let (foreground, background, modifier) = to;
    // What is only added or replaced needs no reset.
    let keeps = |from: Color, to: Color| from == Color::Reset || to != Color::Reset;
    let is_reset = !(modifier.contains(from.2) && keeps(from.0, foreground) && keeps(from.1, background));
    let from = if is_reset { PLAIN } else { from };
    let is_on = |(one, code): (Modifier, u8)| (modifier - from.2).contains(one).then(|| code.to_string());
    let reset = (is_reset && to != PLAIN).then(|| "0".to_owned());
    let new = |to: Color, from: Color, black| (to != from).then(|| color(to, black)).flatten();
    let colors = [new(foreground, from.0, 30), new(background, from.1, 40)];
    let codes = reset.into_iter().chain(MODIFIERS.into_iter().filter_map(is_on)).chain(colors.into_iter().flatten());
    write_to(frame, format_args!("\x1b[{}m", codes.collect::<Vec<_>>().join(";")));
}

/// The codes of a color above those of black.
fn color(color: Color, black: u8) -> Option<String> {
    let dark = |number: u8| Some((black + number).to_string());
    let bright = |number: u8| Some((black + 60 + number).to_string());
    match color {
        Color::Reset => None,
        Color::Black => dark(0),
        Color::Red => dark(1),
        Color::Green => dark(2),
        Color::Yellow => dark(3),
        Color::Blue => dark(4),
        Color::Magenta => dark(5),
        Color::Cyan => dark(6),
        Color::Gray => dark(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(number) => Some(format!("{};5;{number}", black + 8)),
        Color::Rgb(red, green, blue) => Some(format!("{};2;{red};{green};{blue}", black + 8)),
    }
}

/// Writes what a cell shows. Where terminals disagree about how wide that is, half of it would stay on the next screen: a
/// mark stands for it.
fn push(frame: &mut String, symbol: &str) {
    if symbol.len() > 4 && symbol.chars().any(is_disputed) {
        frame.push('\u{fffd}');
        frame.extend(std::iter::repeat_n(' ', width(symbol).saturating_sub(1)));
    } else {
        frame.push_str(symbol);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::{Position, Rect};
    use ratatui::style::{Color, Modifier, Style};
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::{Painter, Shift};
    use crate::tui::terminal::{Outgoing, shift};
    use crate::tui::theme::LINK;

    fn screen(columns: u16, rows: u16) -> (Terminal<Painter<Outgoing>>, Outgoing) {
        let outgoing = Outgoing::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, columns, rows)) };
        (Terminal::with_options(Painter::new(outgoing.clone(), columns), options).expect("a screen"), outgoing)
    }

    /// What was sent to a screen since the last look.
    fn taken(outgoing: &Outgoing) -> String {
        String::from_utf8(std::mem::take(&mut *outgoing.0.borrow_mut())).expect("text")
    }

    #[test]
    fn a_mark_stands_for_what_terminals_take_to_be_of_different_widths() {
        for (text, written) in [
            ("A🇯🇵B", "A\u{fffd} \x1b[1;4HB"),
            ("❤\u{fe0f}", "\u{fffd} "),
            ("👩\u{200d}💻", "\u{fffd} "),
            ("👍🏽", "\u{fffd} "),
            ("日本", "日\x1b[1;3H本"),
            ("e\u{301}", "e\u{301}"),
            ("🦀", "🦀"),
        ] {
            let (mut screen, outgoing) = screen(80, 24);
            screen.draw(|frame| frame.buffer_mut().set_string(0, 0, text, Style::new())).expect("it is drawn");
            let sent = taken(&outgoing);
            assert!(sent.contains(&format!("\x1b[1;1H{written}")), "{text}: {sent:?}");
        }
    }

    #[test]
    fn an_address_is_a_link_to_itself_also_in_pieces_and_without_its_scheme() {
        const END: &str = "\x1b]8;;\x1b\\";
        let (mut screen, outgoing) = screen(80, 24);
        let mut sent = |rows: &[&str]| {
            let link = Style::new().add_modifier(LINK);
            let draw = |frame: &mut ratatui::Frame<'_>| {
                for (row, text) in (2..).zip(rows) {
                    frame.buffer_mut().set_string(1, row, text, link);
                }
            };
            screen.draw(draw).expect("it is drawn");
            taken(&outgoing)
        };
        let link = |address: &str| format!("\x1b]8;id=address;{address}\x1b\\");
        let whole = sent(&["https://a.example/x"]);
        let expected = format!("{}\x1b[3;2Hhttps://a.example/x{END}", link("https://a.example/x"));
        assert!(whole.contains(&expected), "{whole:?}");
        assert!(!sent(&["https://a.example/x"]).contains("]8;"), "it is there already");
        // What is the same on the screen leads elsewhere now.
        let longer = sent(&["https://a.example/xyz"]);
        let expected = format!("{}\x1b[3;2Hhttps://a.example/xyz{END}", link("https://a.example/xyz"));
        assert!(longer.contains(&expected), "{longer:?}");
        let shorter = sent(&["https://a.example/x"]);
        let expected = format!("{}\x1b[3;2Hhttps://a.example/x{END}", link("https://a.example/x"));
        assert!(shorter.contains(&expected), "{shorter:?}");
        let pieces = sent(&["a.example/", "abc"]);
        let expected = format!("{}\x1b[3;2Ha.example/\x1b[4;2Habc{END}", link("https://a.example/abc"));
        assert!(pieces.contains(&expected), "{pieces:?}");
        let first = sent(&["a.example/"]);
        assert!(first.contains(&link("https://a.example/")), "{first:?}");
        assert!(!sent(&[]).contains("https"), "nothing is a link any more");
        let again = sent(&["a.example/"]);
        assert!(again.contains(&link("https://a.example/")), "{again:?}");
    }

    #[test]
    fn links_move_with_what_is_on_the_screen_and_end_at_its_edge() {
        let (mut screen, outgoing) = screen(80, 24);
        let sent = || taken(&outgoing);
        let at = |x: u16, y: u16, text: &'static str| {
            let link = Style::new().add_modifier(LINK);
            move |frame: &mut ratatui::Frame<'_>| frame.buffer_mut().set_string(x, y, text, link)
        };
        let written =
            |row: u16, address: &str| format!("\x1b]8;id=address;{address}\x1b\\\x1b[{row};4H{address}\x1b]8;;\x1b\\");
        shift(&mut screen, Shift { right: 2, down: 1 }, at(1, 2, "https://a.example/x")).expect("it is moved");
        let first = sent();
        assert!(first.contains("\x1b]8;id=address;https://a.example/x"), "{first:?}");
        screen.draw(at(3, 3, "https://a.example/x")).expect("it is drawn");
        assert!(!sent().contains("]8;"), "it came along");
        screen.draw(at(3, 3, "https://a.example/xyz")).expect("it is drawn");
        let longer = sent();
        assert!(longer.contains(&written(4, "https://a.example/xyz")), "it goes on where it came to: {longer:?}");
        shift(&mut screen, Shift { right: 0, down: -4 }, at(3, 3, "https://a.example/xyz")).expect("it is moved");
        drop(sent());
        screen.draw(at(3, 9, "a.example/")).expect("it is drawn");
        let other = sent();
        assert!(other.contains("\x1b]8;id=address;https://a.example/\x1b\\\x1b[10;4Ha.example/"), "{other:?}");
    }

    #[test]
    fn a_second_of_a_clock_costs_its_digit_where_no_cursor_shows_and_a_color_what_is_new_of_it() {
        let (mut screen, outgoing) = screen(12, 3);
        let mut sent = |x: u16, time: &str, colors: [Color; 2]| {
            let draw = |frame: &mut ratatui::Frame<'_>| {
                let style = |color| Style::new().fg(Color::Indexed(231)).bg(color);
                frame.buffer_mut().set_string(x, 1, time, Style::new());
                frame.buffer_mut().set_string(0, 0, " ", style(colors[0]));
                frame.buffer_mut().set_string(1, 0, " ", style(colors[1]));
            };
            screen.draw(draw).expect("it is drawn");
            taken(&outgoing)
        };
        let (light, dark) = (Color::Indexed(231), Color::Indexed(16));
        assert_eq!(
            sent(1, "4:18", [light, dark]),
            "\x1b[1;1H\x1b[38;5;231;48;5;231m \x1b[48;5;16m \x1b[2;2H\x1b[m4:18\x1b[?25l"
        );
        assert_eq!(sent(1, "4:17", [light, dark]), "\x087");
        assert_eq!(sent(1, "4:09", [light, dark]), "\x08\x0809");
        assert_eq!(sent(1, "4:09", [light, light]), "\x1b[1;2H\x1b[38;5;231;48;5;231m \x1b[m");
    }

    #[test]
    fn what_else_moves_the_cursor_disturbs_a_clock_for_a_few_seconds_at_most() {
        let (mut screen, outgoing) = screen(12, 3);
        let mut sent = |x: u16, time: &str| {
            screen.draw(|frame| frame.buffer_mut().set_string(x, 1, time, Style::new())).expect("it is drawn");
            taken(&outgoing)
        };
        drop(sent(1, "4:19"));
        let seconds: Vec<String> = (10..19).rev().map(|second| sent(1, &format!("4:{second}"))).collect();
        let digits: Vec<&str> = seconds.iter().map(String::as_str).collect();
        assert_eq!(digits, ["\x088", "\x087", "\x086", "\x085", "\x1b[2;5H4", "\x083", "\x082", "\x081", "\x080"]);
        // Behind the last column a terminal has its cursor in either of two places.
        drop(sent(8, "4:19"));
        assert_eq!(sent(8, "4:18"), "\x1b[2;12H8");
    }

    #[test]
    fn a_second_of_two_clocks_costs_their_digits_and_a_frame_begins_and_ends_plain() {
        let (mut screen, outgoing) = screen(80, 24);
        let mut sent = |time: &str, last: &str, style: Style| {
            let draw = |frame: &mut ratatui::Frame<'_>| {
                frame.buffer_mut().set_string(1, 12, time, style);
                frame.buffer_mut().set_string(1, 13, last, Style::new());
                frame.set_cursor_position(Position::new(8, 7));
            };
            screen.draw(draw).expect("it is drawn");
            taken(&outgoing)
        };
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let first = sent("4:18", "asked 0:12 ago: next in 0:18", bold);
        assert!(
            first.contains("\x1b[13;2H\x1b[1m4:18\x1b[14;2H\x1b[masked") && first.contains("\x1b[?25h"),
            "{first:?}"
        );
        let second = sent("4:17", "asked 0:13 ago: next in 0:17", bold);
        assert_eq!(second, "\x1b[13;5H\x1b[1m7\x1b[14;11H\x1b[m3\x1b[17C7\x1b[8;9H");
        let loud = Style::new().fg(Color::Cyan).bg(Color::Indexed(16)).add_modifier(Modifier::REVERSED);
        let third = sent("4:17", "asked 0:13 ago: next in 0:17", loud);
        assert_eq!(third, "\x1b[13;2H\x1b[7;36;48;5;16m4:17\x1b[m\x1b[8;9H");
    }
}
