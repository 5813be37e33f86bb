//! What things look like: a dozen roles as styles, the words of states, and the characters that boxes and bars are made of.
//!
//! Colours are ANSI names, so that the terminal's own theme applies, and never carry a meaning alone: each state has a
//! symbol and a word of its own. One accent leads the eye to what is copied, pressed or in focus; green, yellow and red
//! belong to states. On the Linux console, characters are those that every font of it has.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::text::Span;

use crate::abilities::{Abilities, ColorChoice, Glyphs, QrPalette};
use crate::config::ThemeName;

/// Marks the cells of an address for the terminal's painter, which makes a link of them. Nothing here blinks.
pub const LINK: Modifier = Modifier::RAPID_BLINK;

/// A state that is shown by a symbol, beside its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Good,
    Working,
    /// Nothing is there, and nobody has to care.
    Off,
    Attention,
    NeedsSignIn,
    Declined,
}

/// The styles of all roles, and the characters that may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub text: Style,
    pub title: Style,
    /// Names of fields and columns.
    pub label: Style,
    /// What can be missed: hints, punctuation, the server's own words.
    pub faint: Style,
    /// A key in the footer or the help.
    pub shortcut: Style,
    /// The user code, an address: what people copy.
    pub code: Style,
    /// An address that is to be opened: a [`LINK`] where the terminal can.
    pub link: Style,
    /// The band in which the user code stands.
    pub band: Style,
    /// The filled part of a bar, and what marks the focus.
    pub accent: Style,
    /// Names of JSON members.
    pub member: Style,
    /// Texts in JSON.
    pub string: Style,
    /// Numbers, `true`, `false` and `null` in JSON.
    pub literal: Style,
    pub good: Style,
    pub attention: Style,
    /// Failed, declined, revoked.
    pub failed: Style,
    /// A row under the cursor.
    pub selected: Style,
    /// Text that a search has found.
    pub found: Style,
    pub border: Style,
    /// The border of the pane that has the focus.
    pub focus: Style,
    name: ThemeName,
    glyphs: Glyphs,
}

/// Lines of a box for terminals without box characters.
const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Theme {
    /// The usual theme for a terminal that can do this.
    pub fn new(abilities: Abilities) -> Self {
        Self::named(ThemeName::default(), abilities)
    }

    /// A theme by its name. Without colours, bold, dim, reverse and underline stay.
    pub fn named(name: ThemeName, abilities: Abilities) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        let is_colored = abilities.color == ColorChoice::Always && name != ThemeName::Plain;
        let colored = |color: Color| if is_colored { plain.fg(color) } else { plain };
        let is_strong = name == ThemeName::HighContrast;
        // Reverse video has the contrast of the terminal's own text, whatever its colours.
        let loud = |color: Color| if is_strong { reversed.patch(bold) } else { colored(color).patch(bold) };
        let (accent, on_accent) = match name {
            ThemeName::Light => (Color::Blue, Color::White),
            _ => (Color::Cyan, Color::Black),
        };
        // Of the eight colors many terminals have such light ones that they cannot be read on white.
        let has_many_colors = abilities.qr.palette == QrPalette::Indexed256;
        let faint = match name {
            _ if is_strong => plain,
            // Many terminals dim black to black.
            ThemeName::Light if is_colored && has_many_colors => plain.fg(Color::Indexed(240)),
            _ => plain.add_modifier(Modifier::DIM),
        };
        let (green, attention, red) = match name {
            ThemeName::Light if has_many_colors => (Color::Indexed(28), Color::Indexed(90), Color::Indexed(124)),
            ThemeName::Light => (Color::Green, Color::Magenta, Color::Red),
            _ => (Color::Green, Color::Yellow, Color::Red),
        };
        let accent_text = if is_strong { bold } else { colored(accent).patch(bold) };
        let has_bands = is_colored && !is_strong;
        let selected = match (has_bands && has_many_colors, name) {
            (true, ThemeName::Light) => plain.fg(Color::Indexed(16)).bg(Color::Indexed(252)),
            (true, _) => plain.fg(Color::Indexed(231)).bg(Color::Indexed(238)),
            (false, _) => reversed,
        };
        // Many terminals draw bold in the bright one of eight colors, and a gray code on a band is hard to read.
        let band = match (has_many_colors, name) {
            (true, ThemeName::Light) => bold.fg(Color::Indexed(231)),
            (true, _) => bold.fg(Color::Indexed(16)),
            (false, _) => plain.fg(on_accent),
        };
        Self {
            name,
            text: plain,
            title: bold,
            label: faint,
            faint,
            shortcut: accent_text,
            code: accent_text,
            link: if has_many_colors { accent_text.add_modifier(LINK) } else { accent_text },
            band: if has_bands { band.bg(accent) } else { reversed.patch(bold) },
            accent: if is_strong { plain } else { colored(accent) },
            member: if is_strong { bold } else { colored(accent) },
            string: if is_strong { plain } else { colored(green) },
            literal: if is_strong { plain } else { colored(attention) },
            good: if is_strong { bold } else { colored(green) },
            attention: loud(attention),
            failed: loud(red),
            selected,
            found: colored(attention).patch(bold).add_modifier(Modifier::UNDERLINED),
            border: faint,
            focus: accent_text,
            glyphs: abilities.glyphs,
        }
    }

    pub fn name(&self) -> ThemeName {
        self.name
    }

    /// The style of a state's word.
    pub fn mark_style(&self, mark: Mark) -> Style {
        match mark {
            Mark::Good => self.good,
            Mark::Working => self.text,
            Mark::Off => self.faint,
            Mark::Attention => self.attention,
            Mark::NeedsSignIn | Mark::Declined => self.failed,
        }
    }

    /// Shows that a row is the selected one. Its marks keep their colours. What is reversed already is turned back, so
    /// that a mark in reverse video stands out of a selected row as it does of any other.
    pub fn select(&self, row: Rect, buffer: &mut Buffer) {
        for position in row.intersection(buffer.area).positions() {
            let cell = &mut buffer[position];
            let is_reversed = cell.modifier.contains(Modifier::REVERSED);
            // Dim on a band is hard to read in many palettes.
            cell.modifier.remove(Modifier::DIM);
            let color = cell.fg;
            cell.set_style(self.selected);
            if color != Color::Reset {
                cell.set_fg(color);
            }
            if self.selected.bg.is_none() {
                cell.modifier.set(Modifier::REVERSED, !is_reversed);
            }
        }
    }

    /// The symbol of a state in its style.
    pub fn mark(&self, mark: Mark) -> Span<'static> {
        Span::styled(self.symbol(mark), self.mark_style(mark))
    }

    /// The symbol of a state: a word in brackets where characters are few.
    pub fn symbol(&self, mark: Mark) -> &'static str {
        match (self.glyphs, mark) {
            (Glyphs::Unicode, Mark::Good) => "✓",
            (Glyphs::Unicode, Mark::Working | Mark::Off) => "·",
            (Glyphs::Unicode, Mark::Attention) => "!",
            (Glyphs::Unicode, Mark::NeedsSignIn | Mark::Declined) => "✗",
            (_, Mark::Good) => "[ok]",
            (_, Mark::Working) => "[..]",
            (_, Mark::Off) => "[-]",
            (_, Mark::Attention) => "[!]",
            (_, Mark::NeedsSignIn) => "[!!]",
            (_, Mark::Declined) => "[no]",
        }
    }

    /// Stands before the row under the cursor.
    pub fn cursor(&self) -> &'static str {
        if self.glyphs == Glyphs::Unicode { "▌" } else { ">" }
    }

    /// Stands before what can be folded, and is or is not.
    pub fn fold(&self, is_folded: bool) -> &'static str {
        match (self.glyphs, is_folded) {
            (Glyphs::Unicode, true) => "▸",
            (Glyphs::Unicode, false) => "▾",
            (_, true) => "+",
            (_, false) => "-",
        }
    }

    /// Stands for what was cut.
    pub fn cut(&self) -> &'static str {
        if self.glyphs == Glyphs::Unicode { "…" } else { "~" }
    }

    /// One that is used and one that is left.
    pub fn dots(&self) -> (&'static str, &'static str) {
        if self.glyphs == Glyphs::Unicode { ("●", "○") } else { ("#", "-") }
    }

    pub fn border_set(&self) -> border::Set<'static> {
        // Round corners are not in the fonts of many terminals, where these are drawn without a font.
        if self.glyphs == Glyphs::Ascii { ASCII_BORDER } else { border::PLAIN }
    }

    /// The full and the empty cell of a gauge.
    pub fn gauge_symbols(&self) -> (&'static str, &'static str) {
        match self.glyphs {
            Glyphs::Ascii => ("=", "-"),
            Glyphs::Console => ("═", "─"),
            Glyphs::Unicode => ("━", "─"),
        }
    }

    /// Stands for each character of a secret that is typed.
    pub fn hidden_character(&self) -> &'static str {
        if self.glyphs == Glyphs::Ascii { "*" } else { "·" }
    }

    /// What stands between two items of one line, with its spaces.
    pub fn separator(&self) -> &'static str {
        if self.glyphs == Glyphs::Ascii { " - " } else { " · " }
    }
}

/// The theme for what `COLORFGBG` says, which rxvt, Konsole and others set to `foreground;background`.
pub fn for_background(colorfgbg: Option<&str>) -> ThemeName {
    match colorfgbg.and_then(|colors| colors.rsplit(';').next()) {
        Some("7" | "15") => ThemeName::Light,
        _ => ThemeName::Dark,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier, Style};
    use ratatui::text::{Line, Span};

    use super::{Abilities, ColorChoice, Mark, Theme, ThemeName};
    use crate::abilities::Environment;

    const MARKS: [Mark; 6] = [Mark::Good, Mark::Working, Mark::Off, Mark::Attention, Mark::NeedsSignIn, Mark::Declined];
    const NAMES: [ThemeName; 4] = [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast, ThemeName::Plain];

    fn terminal(term: &str, flag: ColorChoice, lang: &str) -> Abilities {
        Environment { flag: Some(flag), term: Some(term), lang: Some(lang), ..Environment::default() }.abilities()
    }

    fn styles(theme: &Theme) -> Vec<Style> {
        let Theme { text, title, label, faint, shortcut, code, band, accent, member, string, .. } = *theme;
        let Theme { literal, good, attention, failed, selected, found, border, focus, .. } = *theme;
        let first = [text, title, label, faint, shortcut, code, band, accent, member];
        [&first[..], &[string, literal, good, attention, failed, selected, found, border, focus]].concat()
    }

    #[test]
    fn without_colors_no_style_has_one() {
        for name in NAMES {
            for style in styles(&Theme::named(name, terminal("xterm-256color", ColorChoice::Never, "C.UTF-8"))) {
                assert_eq!((style.fg, style.bg), (None, None), "{name:?}");
            }
        }
        let colored = styles(&Theme::new(terminal("xterm-256color", ColorChoice::Always, "C.UTF-8")));
        assert!(colored.iter().any(|style| style.fg.is_some()));
    }

    #[test]
    fn no_text_is_bright_black_and_what_is_dim_is_no_state() {
        for name in NAMES {
            let theme = Theme::named(name, terminal("xterm-256color", ColorChoice::Always, "C.UTF-8"));
            for style in styles(&theme) {
                assert!(!matches!(style.fg, Some(Color::DarkGray)), "{name:?} {style:?}");
            }
            for style in [theme.good, theme.attention, theme.failed, theme.code, theme.text, theme.title] {
                assert!(!style.add_modifier.contains(Modifier::DIM), "{name:?} {style:?}");
            }
        }
    }

    #[test]
    fn a_mark_stands_out_of_a_selected_row_as_of_any_other() {
        for name in NAMES {
            for color in [ColorChoice::Always, ColorChoice::Never] {
                for term in ["xterm-256color", "xterm"] {
                    let theme = Theme::named(name, terminal(term, color, "C.UTF-8"));
                    // What nobody has to care about is no brighter than its row.
                    for mark in MARKS.into_iter().filter(|mark| *mark != Mark::Off) {
                        let row = Rect::new(0, 0, 20, 1);
                        let mut buffer = Buffer::empty(row);
                        let line = Line::from(vec![Span::raw("> work "), theme.mark(mark), Span::raw(" x")]);
                        buffer.set_line(0, 0, &line, 20);
                        let before = buffer.clone();
                        theme.select(row, &mut buffer);
                        let differs = |buffer: &Buffer| buffer[(7, 0)].style() != buffer[(2, 0)].style();
                        assert_eq!(differs(&buffer), differs(&before), "{name:?} {color:?} {term} {mark:?}");
                        assert_ne!(buffer[(2, 0)].style(), before[(2, 0)].style());
                    }
                }
            }
        }
    }

    #[test]
    fn states_differ_in_their_symbols_or_their_modifiers() {
        let unicode = Theme::new(terminal("xterm-256color", ColorChoice::Always, "C.UTF-8"));
        assert_eq!(MARKS.map(|mark| unicode.symbol(mark)), ["✓", "·", "·", "!", "✗", "✗"]);
        for (term, lang) in [("linux", "C.UTF-8"), ("xterm", "C")] {
            let theme = Theme::new(terminal(term, ColorChoice::Always, lang));
            assert_eq!(MARKS.map(|mark| theme.symbol(mark)), ["[ok]", "[..]", "[-]", "[!]", "[!!]", "[no]"]);
        }
        assert_eq!(unicode.mark(Mark::Good).style, Style::new().fg(Color::Green));
    }

    #[test]
    fn characters_are_those_that_the_terminal_has() {
        let characters = |term, lang| {
            let theme = Theme::new(terminal(term, ColorChoice::Always, lang));
            let (full, empty) = theme.gauge_symbols();
            let (used, left) = theme.dots();
            let set = theme.border_set();
            let corners = [set.top_left, set.top_right, set.bottom_left, set.bottom_right];
            let lines = [set.vertical_left, set.vertical_right, set.horizontal_top, set.horizontal_bottom];
            let folds = [theme.fold(true), theme.fold(false)];
            let others = [full, empty, used, left, theme.separator(), theme.cursor(), theme.cut()];
            let marks = MARKS.map(|mark| theme.symbol(mark));
            [&corners[..], &lines[..], &folds, &others, &marks].concat().concat()
        };
        let console = characters("linux", "C.UTF-8");
        assert!(console.chars().all(|character| character.is_ascii() || "═─│┌┐└┘·".contains(character)), "{console}");
        assert!(characters("xterm-256color", "C").is_ascii());
    }

    #[test]
    fn colors_beyond_the_ansi_ones_appear_in_the_qr_code_and_on_the_selected_row_only() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let words = [["Color", "Indexed"].join("::"), ["Color", "Rgb"].join("::")];
        let mut users = files_below(&source);
        users.retain(|file| {
            let text = fs::read_to_string(file).expect("sources are readable");
            words.iter().any(|word| text.contains(word.as_str()))
        });
        users.sort();
        // What writes them to the terminal has to know them.
        let writer = "tui/terminal/painter.rs";
        assert_eq!(users, [writer, "tui/theme.rs", "tui/widgets/qr.rs"].map(|file| source.join(file)));
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("sources are readable").map(|entry| entry.expect("an entry").path());
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }
}
