//! What a terminal can do, decided from given values.

/// Whether styles carry colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorChoice {
    Always,
    Never,
}

/// The characters that a terminal shows as what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    Ascii,
    /// Those that every font of the Linux console has.
    Console,
    Unicode,
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
    pub glyphs: Glyphs,
    /// The variable that says which characters there are, or would.
    pub locale_variable: &'static str,
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

/// What `TERM` has where there are 256 colours. xterm has had them for decades, and in a palette with light and dark the other
/// way round only these stay what they are.
const WITH_256_COLORS: [&str; 3] = ["256col", "direct", "xterm"];

/// Terminals that have 256 colours and show UTF-8 whatever the locale says.
const ALWAYS_RICH: [&str; 5] = ["kitty", "alacritty", "foot", "ghostty", "wezterm"];

impl Environment<'_> {
    /// Decides what the terminal can do. The flag beats `NO_COLOR` (no-color.org), which beats `CLICOLOR_FORCE`, which
    /// beats `TERM`.
    pub fn abilities(&self) -> Abilities {
        let term = self.term.unwrap_or_default();
        let color = self.color(term);
        let (locale_variable, locale) = self.locale();
        let locale = locale.to_ascii_lowercase();
        let glyphs = match locale.contains("utf-8") || locale.contains("utf8") {
            false => Glyphs::Ascii,
            true if is_linux_console(term) || term == "dumb" => Glyphs::Console,
            true => Glyphs::Unicode,
        };
        // A QR code is a picture: who wants text without colours still wants it black on white, the only way that
        // cameras read on terminals of every theme.
        let palette = if self.has_256_colors(term) {
            QrPalette::Indexed256
        } else if is_monochrome(term) && color == ColorChoice::Never {
            QrPalette::Reverse
        } else {
            QrPalette::Ansi16
        };
        let half_blocks = glyphs == Glyphs::Unicode || is_one_of(term, &ALWAYS_RICH);
        Abilities { color, glyphs, locale_variable, qr: QrAbilities { half_blocks, palette } }
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
        let says_so = is_one_of(term, &WITH_256_COLORS) || is_one_of(term, &ALWAYS_RICH);
        let is_rich = matches!(self.colorterm, Some("truecolor" | "24bit"));
        !is_linux_console(term) && !is_monochrome(term) && (says_so || is_rich)
    }

    /// The first of the variables that is set decides (POSIX, "Environment Variables").
    fn locale(&self) -> (&'static str, &str) {
        let [all, of_characters, lang] = [self.lc_all, self.lc_ctype, self.lang].map(Option::unwrap_or_default);
        if !all.is_empty() {
            ("LC_ALL", all)
        } else if !of_characters.is_empty() {
            ("LC_CTYPE", of_characters)
        } else {
            ("LANG", lang)
        }
    }
}

fn is_monochrome(term: &str) -> bool {
    MONOCHROME.iter().any(|end| term.ends_with(end)) || term.starts_with("vt")
}

fn is_one_of(term: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| term.contains(part))
}

/// The console of the Linux kernel: eight backgrounds, and usually a font without half-blocks.
fn is_linux_console(term: &str) -> bool {
    term == "linux" || term.starts_with("linux-")
}

#[cfg(test)]
mod tests {
    use super::{ColorChoice, Environment, Glyphs, QrPalette};

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
            ("xterm", None, QrPalette::Indexed256),
            ("xterm-16color", None, QrPalette::Indexed256),
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
            (abilities.glyphs, abilities.qr.half_blocks)
        };
        assert_eq!(abilities("xterm", None, None, Some("en_US.UTF-8")), (Glyphs::Unicode, true));
        assert_eq!(abilities("xterm", None, Some("C.utf8"), Some("C")), (Glyphs::Unicode, true));
        assert_eq!(abilities("xterm", Some("C"), None, Some("en_US.UTF-8")), (Glyphs::Ascii, false));
        assert_eq!(abilities("xterm", Some(""), None, Some("en_US.UTF-8")), (Glyphs::Unicode, true));
        assert_eq!(abilities("xterm", None, None, None), (Glyphs::Ascii, false));
        assert_eq!(abilities("xterm-kitty", None, None, None), (Glyphs::Ascii, true));
        assert_eq!(abilities("linux", None, None, Some("de_DE.UTF-8")), (Glyphs::Console, false));
    }
}
