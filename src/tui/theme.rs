//! What things look like: a dozen roles as styles, the words of states, and the characters that boxes and bars are made
//! of. Also decides, from given values, what the terminal can do.
//!
//! Colours are ANSI names, so that the terminal's own theme applies, and never carry a meaning alone. Cyan and yellow
//! stay apart for people who confuse red and green. Characters are those that every console font has.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::text::Span;

use crate::config::ThemeName;

/// Whether styles carry colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorChoice {
    Always,
    Never,
}

/// A state that is shown as a word in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Good,
    Working,
    Attention,
    NeedsSignIn,
    Declined,
}

/// The styles of all roles, and whether characters beyond ASCII may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub text: Style,
    pub title: Style,
    /// Names of fields, also those of JSON members.
    pub label: Style,
    /// What can be missed: hints, punctuation, the server's own words.
    pub faint: Style,
    /// A key in the footer or the help.
    pub shortcut: Style,
    /// The user code, an address: what people copy.
    pub code: Style,
    /// Numbers, `true`, `false` and `null` in JSON.
    pub literal: Style,
    pub good: Style,
    pub attention: Style,
    /// Failed, declined, revoked.
    pub failed: Style,
    pub selected: Style,
    /// Text that a search has found.
    pub found: Style,
    pub border: Style,
    /// The border of the pane that has the focus.
    pub focus: Style,
    name: ThemeName,
    unicode: bool,
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
    /// The theme for a terminal with or without colours and characters beyond ASCII.
    pub fn new(color: ColorChoice, unicode: bool) -> Self {
        Self::named(ThemeName::default(), color, unicode)
    }

    /// A theme by its name. Without colours, bold, reverse and underline stay.
    pub fn named(name: ThemeName, color: ColorChoice, unicode: bool) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let reversed = bold.add_modifier(Modifier::REVERSED);
        let (good, attention) = match (color, name) {
            (ColorChoice::Never, _) | (_, ThemeName::Plain) => (bold, bold),
            (_, ThemeName::Dark) => (bold.fg(Color::Cyan), bold.fg(Color::Yellow)),
            (_, ThemeName::Light) => (bold.fg(Color::Blue), bold.fg(Color::Magenta)),
            // Reverse video has the contrast of the terminal's own text, whatever its colours.
            (_, ThemeName::HighContrast) => (bold, reversed),
        };
        let faint = if name == ThemeName::HighContrast { plain } else { plain.add_modifier(Modifier::DIM) };
        Self {
            name,
            text: plain,
            title: bold,
            label: bold,
            faint,
            shortcut: bold,
            code: bold,
            literal: good.remove_modifier(Modifier::BOLD),
            good,
            attention,
            failed: reversed,
            selected: plain.add_modifier(Modifier::REVERSED),
            found: attention.add_modifier(Modifier::UNDERLINED),
            border: plain,
            focus: good,
            unicode,
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
            Mark::Attention => self.attention,
            Mark::NeedsSignIn | Mark::Declined => self.failed,
        }
    }

    /// Shows that a row is the selected one. What is reversed already is turned back, so that a mark in reverse video stands
    /// out of a selected row as it does of any other.
    pub fn select(&self, row: Rect, buffer: &mut Buffer) {
        for position in row.intersection(buffer.area).positions() {
            let cell = &mut buffer[position];
            let is_reversed = cell.modifier.contains(Modifier::REVERSED);
            cell.set_style(self.selected);
            cell.modifier.set(Modifier::REVERSED, !is_reversed);
        }
    }

    /// The word of a state in its style.
    pub fn mark(&self, mark: Mark) -> Span<'static> {
        Span::styled(mark.word(), self.mark_style(mark))
    }

    pub fn border_set(&self) -> border::Set<'static> {
        if self.unicode { border::PLAIN } else { ASCII_BORDER }
    }

    /// The full and the empty cell of a gauge.
    pub fn gauge_symbols(&self) -> (&'static str, &'static str) {
        if self.unicode { ("█", "░") } else { ("#", "-") }
    }

    /// Stands for each character of a secret that is typed.
    pub fn hidden_character(&self) -> &'static str {
        if self.unicode { "·" } else { "*" }
    }

    /// What stands between two items of one line, with its spaces.
    pub fn separator(&self) -> &'static str {
        if self.unicode { " · " } else { " - " }
    }
}

/// The theme for what `COLORFGBG` says, which rxvt, Konsole and others set to `foreground;background`.
pub fn for_background(colorfgbg: Option<&str>) -> ThemeName {
    match colorfgbg.and_then(|colors| colors.rsplit(';').next()) {
        Some("7" | "15") => ThemeName::Light,
        _ => ThemeName::Dark,
    }
}

impl Mark {
    /// The word, which says all that the colour does.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "[ok]",
            Self::Working => "[..]",
            Self::Attention => "[!]",
            Self::NeedsSignIn => "[!!]",
            Self::Declined => "[no]",
        }
    }
}

/// Values that tell what a terminal can do: the choice on the command line, if any, and environment variables.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment<'a> {
    pub flag: Option<ColorChoice>,
    pub no_color: Option<&'a str>,
    pub clicolor_force: Option<&'a str>,
    pub term: Option<&'a str>,
    pub colorterm: Option<&'a str>,
    pub lc_all: Option<&'a str>,
    pub lc_ctype: Option<&'a str>,
    pub lang: Option<&'a str>,
}

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    pub color: ColorChoice,
    /// Characters beyond ASCII arrive as what they are.
    pub unicode: bool,
    pub qr: QrAbilities,
}

/// How dark and light modules are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrPalette {
    /// 16 on 231 of the 256 colours, which multiplexers pass on unchanged; GNU screen mangles 24-bit colours.
    Indexed256,
    /// Black on gray of the 8 colours that every terminal with colours has.
    Ansi16,
    /// Reverse video in the terminal's own colours, for terminals that have no others. Right on dark ones, on light ones
    /// once inverted.
    Reverse,
}

/// What the terminal can show of a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QrAbilities {
    /// The font has `▀` and `▄`. Usual fonts of the Linux console do not.
    pub half_blocks: bool,
    pub palette: QrPalette,
}

/// How the names of terminals without colours end (terminfo's naming rules).
const MONOCHROME: [&str; 4] = ["dumb", "-m", "-mono", "-nc"];

/// Terminals with 256 colours whose `TERM` does not say so.
const WITH_256_COLORS: [&str; 7] = ["256col", "direct", "kitty", "alacritty", "foot", "ghostty", "wezterm"];

impl Environment<'_> {
    /// Decides what the terminal can do. The flag beats `NO_COLOR` (no-color.org), which beats `CLICOLOR_FORCE`, which
    /// beats `TERM`.
    pub fn abilities(&self) -> Abilities {
        let term = self.term.unwrap_or_default();
        let color = self.color(term);
        let unicode = self.is_utf8();
        let half_blocks = unicode && !is_linux_console(term) && term != "dumb";
        // A QR code is a picture: who wants text without colours still wants it black on white, the only way that
        // cameras read on terminals of every theme.
        let palette = if self.has_256_colors(term) {
            QrPalette::Indexed256
        } else if is_monochrome(term) && color == ColorChoice::Never {
            QrPalette::Reverse
        } else {
            QrPalette::Ansi16
        };
        Abilities { color, unicode, qr: QrAbilities { half_blocks, palette } }
    }

    fn color(&self, term: &str) -> ColorChoice {
        let is_set = |value: Option<&str>| value.is_some_and(|value| !value.is_empty());
        match self.flag {
            Some(choice) => choice,
            None if is_set(self.no_color) => ColorChoice::Never,
            None if is_set(self.clicolor_force) && self.clicolor_force != Some("0") => ColorChoice::Always,
            None if is_monochrome(term) => ColorChoice::Never,
            None => ColorChoice::Always,
        }
    }

    fn has_256_colors(&self, term: &str) -> bool {
        let says_so = WITH_256_COLORS.iter().any(|part| term.contains(part));
        let is_rich = matches!(self.colorterm, Some("truecolor" | "24bit"));
        !is_linux_console(term) && !is_monochrome(term) && (says_so || is_rich)
    }

    /// The first of the variables that is set decides (POSIX, "Environment Variables").
    fn is_utf8(&self) -> bool {
        let locales = [self.lc_all, self.lc_ctype, self.lang];
        let locale = locales.into_iter().flatten().find(|locale| !locale.is_empty()).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    }
}

fn is_monochrome(term: &str) -> bool {
    MONOCHROME.iter().any(|end| term.ends_with(end)) || term.starts_with("vt")
}

/// The console of the Linux kernel: eight backgrounds, and usually a font without half-blocks.
fn is_linux_console(term: &str) -> bool {
    term == "linux" || term.starts_with("linux-")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier, Style};
    use ratatui::text::{Line, Span};

    use super::{ColorChoice, Environment, Mark, QrPalette, Theme, ThemeName};

    const MARKS: [Mark; 5] = [Mark::Good, Mark::Working, Mark::Attention, Mark::NeedsSignIn, Mark::Declined];

    fn styles(theme: &Theme) -> [Style; 14] {
        let Theme { text, title, label, faint, shortcut, code, literal, good, .. } = *theme;
        let Theme { attention, failed, selected, found, border, focus, .. } = *theme;
        [text, title, label, faint, shortcut, code, literal, good, attention, failed, selected, found, border, focus]
    }

    #[test]
    fn without_colors_no_style_has_one_and_all_else_stays() {
        let colored = styles(&Theme::new(ColorChoice::Always, true));
        let plain = styles(&Theme::new(ColorChoice::Never, true));
        for (colored, plain) in colored.into_iter().zip(plain) {
            assert_eq!((plain.fg, plain.bg), (None, None));
            assert_eq!(plain.add_modifier, colored.add_modifier);
        }
        assert!(colored.iter().any(|style| style.fg.is_some()));
    }

    #[test]
    fn no_color_is_red_green_or_blue_and_none_is_a_background() {
        for style in styles(&Theme::new(ColorChoice::Always, true)) {
            assert!(matches!(style.fg, None | Some(Color::Cyan | Color::Yellow)), "{style:?}");
            assert_eq!(style.bg, None);
        }
    }

    #[test]
    fn a_mark_stands_out_of_a_selected_row_as_of_any_other() {
        for name in [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast, ThemeName::Plain] {
            for color in [ColorChoice::Always, ColorChoice::Never] {
                let theme = Theme::named(name, color, true);
                for mark in MARKS {
                    let row = Rect::new(0, 0, 20, 1);
                    let mut buffer = Buffer::empty(row);
                    let line = Line::from(vec![Span::raw("> work "), theme.mark(mark), Span::raw(" x")]);
                    buffer.set_line(0, 0, &line, 20);
                    let before = buffer.clone();
                    theme.select(row, &mut buffer);
                    let differs = |buffer: &Buffer| buffer[(7, 0)].style() != buffer[(2, 0)].style();
                    assert_eq!(differs(&buffer), differs(&before), "{name:?} {color:?} {mark:?}");
                    assert!(buffer[(2, 0)].modifier.contains(Modifier::REVERSED));
                }
            }
        }
    }

    #[test]
    fn states_differ_in_their_words() {
        assert_eq!(MARKS.map(Mark::word), ["[ok]", "[..]", "[!]", "[!!]", "[no]"]);
        let theme = Theme::new(ColorChoice::Always, true);
        assert_eq!(theme.mark(Mark::Good).style, Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD));
        assert!(theme.mark(Mark::Declined).style.add_modifier.contains(Modifier::REVERSED | Modifier::BOLD));
    }

    #[test]
    fn characters_are_those_of_every_console_font_or_ascii() {
        let characters = |unicode| {
            let theme = Theme::new(ColorChoice::Always, unicode);
            let (full, empty) = theme.gauge_symbols();
            let set = theme.border_set();
            let corners = [set.top_left, set.top_right, set.bottom_left, set.bottom_right];
            let lines = [set.vertical_left, set.vertical_right, set.horizontal_top, set.horizontal_bottom];
            [&corners[..], &lines[..], &[full, empty, theme.separator()]].concat().concat()
        };
        assert!(characters(true).chars().all(|character| "█░─│┌┐└┘· ".contains(character)));
        assert!(characters(false).is_ascii());
    }

    #[test]
    fn the_flag_beats_no_color_which_beats_clicolor_force_which_beats_the_terminal() {
        let dumb = Environment { term: Some("dumb"), ..Environment::default() };
        assert_eq!(dumb.abilities().color, ColorChoice::Never);
        let forced = Environment { clicolor_force: Some("1"), ..dumb };
        assert_eq!(forced.abilities().color, ColorChoice::Always);
        assert_eq!(Environment { clicolor_force: Some("0"), ..dumb }.abilities().color, ColorChoice::Never);
        let refused = Environment { no_color: Some("1"), ..forced };
        assert_eq!(refused.abilities().color, ColorChoice::Never);
        assert_eq!(Environment { no_color: Some(""), ..forced }.abilities().color, ColorChoice::Always);
        let flagged = Environment { flag: Some(ColorChoice::Always), ..refused };
        assert_eq!(flagged.abilities().color, ColorChoice::Always);
    }

    #[test]
    fn the_palette_follows_the_terminal_and_nothing_that_is_said_about_colors_of_text() {
        let plain = Environment::default();
        let wishes = [
            plain,
            Environment { no_color: Some("1"), ..plain },
            Environment { flag: Some(ColorChoice::Never), ..plain },
            Environment { flag: Some(ColorChoice::Always), no_color: Some("1"), ..plain },
            Environment { clicolor_force: Some("1"), ..plain },
            Environment { clicolor_force: Some("0"), ..plain },
        ];
        let terminals = [
            ("xterm-256color", None, QrPalette::Indexed256),
            ("screen-256color", None, QrPalette::Indexed256),
            ("tmux-256color", None, QrPalette::Indexed256),
            ("xterm-kitty", None, QrPalette::Indexed256),
            ("foot", None, QrPalette::Indexed256),
            ("rxvt-unicode-256color", None, QrPalette::Indexed256),
            ("xterm", Some("truecolor"), QrPalette::Indexed256),
            ("xterm", None, QrPalette::Ansi16),
            ("screen", None, QrPalette::Ansi16),
            ("linux", None, QrPalette::Ansi16),
            ("linux", Some("truecolor"), QrPalette::Ansi16),
            ("ansi", None, QrPalette::Ansi16),
            ("rxvt", None, QrPalette::Ansi16),
            ("", None, QrPalette::Ansi16),
        ];
        for wish in wishes {
            for (term, colorterm, palette) in terminals {
                let abilities = Environment { term: Some(term), colorterm, ..wish }.abilities();
                assert_eq!(abilities.qr.palette, palette, "{term} {colorterm:?} {wish:?}");
            }
        }
    }

    #[test]
    fn a_terminal_without_colors_shows_the_code_in_reverse_video_unless_colors_are_asked_for() {
        for term in ["vt100", "vt220", "xterm-mono", "screen-m"] {
            let asked = |flag| Environment { term: Some(term), flag, ..Environment::default() }.abilities().qr.palette;
            assert_eq!(asked(None), QrPalette::Reverse, "{term}");
            assert_eq!(asked(Some(ColorChoice::Always)), QrPalette::Ansi16, "{term}");
        }
    }

    #[test]
    fn half_blocks_need_a_utf8_locale_and_no_linux_console() {
        let abilities = |term, lc_all, lc_ctype, lang| {
            let abilities =
                Environment { term: Some(term), lc_all, lc_ctype, lang, ..Environment::default() }.abilities();
            (abilities.unicode, abilities.qr.half_blocks)
        };
        assert_eq!(abilities("xterm", None, None, Some("en_US.UTF-8")), (true, true));
        assert_eq!(abilities("xterm", None, Some("C.utf8"), Some("C")), (true, true));
        assert_eq!(abilities("xterm", Some("C"), None, Some("en_US.UTF-8")), (false, false));
        assert_eq!(abilities("xterm", Some(""), None, Some("en_US.UTF-8")), (true, true));
        assert_eq!(abilities("xterm", None, None, None), (false, false));
        assert_eq!(abilities("linux", None, None, Some("de_DE.UTF-8")), (true, false));
    }

    #[test]
    fn colors_beyond_the_ansi_ones_appear_in_the_qr_code_only() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let words = [["Color", "Indexed"].join("::"), ["Color", "Rgb"].join("::")];
        let mut users = files_below(&source);
        users.retain(|file| {
            let text = fs::read_to_string(file).expect("sources are readable");
            words.iter().any(|word| text.contains(word.as_str()))
        });
        assert_eq!(users, [source.join("tui/widgets/qr.rs")]);
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("sources are readable").map(|entry| entry.expect("an entry").path());
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }
}
