//! Text in cells: clipping, wrapping, and the words for times. All pure.
//!
//! Widths count whole graphemes, as terminals draw them. Controls are left out; what a server sent passes
//! [`crate::untrusted`] before it comes here.

use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::untrusted::{code_point, visible};

/// The columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A body as [`visible`] makes it, in which also the characters are marks that join others to a cluster of which terminals
/// disagree how wide it is.
pub fn drawn(text: &str) -> String {
    let shown = visible(text);
    if shown.is_ascii() || !shown.contains(is_disputed) {
        return shown;
    }
    let marks = |character| if is_disputed(character) { code_point(character) } else { String::from(character) };
    shown.chars().map(marks).collect()
}

/// Joiners, letters of flags, keycaps, variants and shades of skin, which make one cluster of several characters.
pub fn is_disputed(character: char) -> bool {
    matches!(character,
        '\u{200d}' | '\u{20e3}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f1e6}'..='\u{1f1ff}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Cuts `text` to at most `columns`, with `sign` at its end if something was cut and the sign leaves room for some of it.
pub fn cut(text: &str, columns: usize, sign: &str) -> String {
    // Taken out first: characters on both sides of a control may join to a wider one.
    let text = text.replace(char::is_control, "");
    if text.width() <= columns {
        return text;
    }
    let (sign, columns) = if columns > sign.width() { (sign, columns - sign.width()) } else { ("", columns) };
    let mut clipped = String::new();
    let mut used = 0;
    for grapheme in Span::raw(&text).styled_graphemes(Style::new()) {
        used += grapheme.symbol.width();
        if used > columns {
            break;
        }
        clipped.push_str(grapheme.symbol);
    }
    clipped + sign
}

/// The first of several wordings, each shorter than the one before, that fits; the last one where none does.
pub fn longest_that_fits<'a>(wordings: impl IntoIterator<Item = &'a String>, columns: usize) -> &'a str {
    let mut shortest = "";
    for wording in wordings {
        shortest = wording;
        if width(wording) <= columns {
            break;
        }
    }
    shortest
}

/// Wraps `text` at spaces to lines of at most `columns`. Words that are longer are broken; line ends stay.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let gap = usize::from(!line.is_empty());
            if line.width() + gap + word.width() <= columns {
                line.push_str(&" "[..gap]);
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for grapheme in Span::raw(word).styled_graphemes(Style::new()) {
                if !line.is_empty() && line.width() + grapheme.symbol.width() > columns {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(grapheme.symbol);
            }
        }
        lines.push(line);
    }
    lines
}

/// At most so many lines, the last of which ends in the sign where there were more.
pub fn at_most(mut lines: Vec<String>, most: usize, columns: usize, sign: &str) -> Vec<String> {
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.extend((most > 0).then(|| cut(&rest, columns, sign)));
    }
    lines
}

/// A time from a minute up, in words: `7 min`, `1 h`, `9 days`. Parts of the unit are left out.
pub fn rough(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 60, minutes / (24 * 60)) {
        (0, _) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (_, 1) => "1 day".to_owned(),
        (_, days) => format!("{days} days"),
    }
}

/// How long ago something was, in words: `just now`, `7 min ago`, `1 h ago`, `9 days ago`.
pub fn ago(time: Duration) -> String {
    if time.as_secs() < 60 { "just now".to_owned() } else { format!("{} ago", rough(time)) }
}

/// For how long that is said of what was so long ago.
pub fn ago_holds_for(time: Duration) -> Duration {
    let unit = match time.as_secs() {
        0..3600 => 60,
        3600..86_400 => 3600,
        _ => 86_400,
    };
    Duration::from_secs((time.as_secs() / unit + 1) * unit).saturating_sub(time)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{ago, ago_holds_for, at_most, cut, width, wrap};

    #[test]
    fn text_that_fits_stays_and_longer_text_ends_in_the_sign_for_it() {
        let clip = |text, columns| cut(text, columns, "...");
        assert_eq!(clip("accounts.zoho.com", 17), "accounts.zoho.com");
        assert_eq!(clip("accounts.zoho.com", 16), "accounts.zoho...");
        assert_eq!(clip("accounts", 3), "acc");
        assert_eq!(clip("accounts", 0), "");
        assert_eq!(clip("日本語テキスト", 8), "日本...");
        assert_eq!(clip("e\u{301}❤\u{fe0f}❤\u{fe0f}", 3), "e\u{301}❤\u{fe0f}");
        assert_eq!(clip("a\x1b[2Jb", 9), "a[2Jb");
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("Approve only if you started this", 15), ["Approve only if", "you started", "this"]);
        assert_eq!(wrap("one\n\ntwo", 10), ["one", "", "two"]);
        assert_eq!(wrap("a https://accounts.zoho.com", 12), ["a", "https://acco", "unts.zoho.co", "m"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }

    #[test]
    fn lines_that_have_no_room_leave_a_sign_in_the_last_one() {
        let lines = |most| at_most(wrap("Approve only if you started this", 15), most, 15, "...");
        assert_eq!(lines(3), ["Approve only if", "you started", "this"]);
        assert_eq!(lines(2), ["Approve only if", "you started ..."]);
        assert_eq!(lines(1), ["Approve only..."]);
        assert_eq!(lines(0), [""; 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked_and_nothing_but_spaces_is_lost(text in "[ a-z日é\n]{0,60}", columns in 2..20_usize) {
            prop_assert!(width(&cut(&text, columns, "…")) <= columns);
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn what_is_past_is_told_alike_until_it_is_told_anew(milliseconds in 0..1_000_000_000_u64) {
            let time = Duration::from_millis(milliseconds);
            let next = time + ago_holds_for(time);
            prop_assert_eq!(ago(next.saturating_sub(Duration::from_millis(1))), ago(time));
            prop_assert_ne!(ago(next), ago(time));
        }
    }

    #[test]
    fn the_past_is_told_in_words() {
        let at = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!([at(59), at(60), at(3599)], ["just now", "1 min ago", "59 min ago"]);
        assert_eq!([at(3600), at(86399), at(86400)], ["1 h ago", "23 h ago", "1 day ago"]);
        assert_eq!(at(9 * 86400), "9 days ago");
    }
}
