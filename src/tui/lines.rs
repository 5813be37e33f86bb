//! What panels share: lines in an area, and texts of others in one line.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::error::Error;
use crate::tui::text::wrap;
use crate::untrusted::Untrusted;

/// Draws as many lines as the area has rows.
pub fn draw_lines(lines: &[Line<'_>], area: Rect, frame: &mut Frame<'_>) {
    for (row, line) in (area.y..area.bottom()).zip(lines) {
        frame.buffer_mut().set_line(area.x, row, line, area.width);
    }
}

/// An error as a sentence, with a capital and its full stop. A name at its beginning stays as it is.
pub fn sentence(error: &Error) -> String {
    let text = end_of_sentence(error);
    let is_word = |word: &str| word.chars().all(char::is_alphabetic);
    if text.split_whitespace().next().is_some_and(is_word) { capitalized(&text) } else { text }
}

/// The same behind the beginning of a sentence.
pub fn end_of_sentence(error: &Error) -> String {
    let text = error.to_string();
    if text.ends_with('?') { text } else { format!("{}.", text.trim_end_matches('.')) }
}

/// The same with a capital at its beginning.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Why something failed, where that it did is said already.
pub fn reason(error: &Error) -> String {
    error.reason().trim_end_matches('.').to_owned()
}

/// The likely causes of an error, numbered, wrapped beside their numbers.
pub fn causes(error: &Error, room: usize) -> Vec<String> {
    numbered(error.causes.iter().map(String::as_str), room)
}

/// Texts in a numbered list, each wrapped beside its number.
pub fn numbered<'a>(texts: impl Iterator<Item = &'a str>, room: usize) -> Vec<String> {
    let lines = |(index, text): (usize, &str)| {
        let lines = wrap(&shown(text), room.saturating_sub(3).max(1)).into_iter().enumerate();
        let beside = move |(row, line)| if row == 0 { format!("{}. {line}", index + 1) } else { format!("   {line}") };
        lines.map(beside).collect::<Vec<_>>()
    };
    texts.enumerate().flat_map(lines).collect()
}

/// The first of the numbered texts, as many as fit whole.
pub fn whole(mut lines: Vec<String>, rows: usize) -> Vec<String> {
    let mut kept = rows.min(lines.len());
    while lines.get(kept).is_some_and(|next| next.starts_with(' ')) && kept > 0 {
        kept -= 1;
    }
    lines.truncate(kept);
    lines
}

/// What a server sent, on one line and without anything that could hide.
pub fn shown(text: &str) -> String {
    Untrusted::new(text).line()
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use crate::error::{Code, Error};

    #[test]
    fn a_sentence_begins_with_a_capital_unless_a_name_does() {
        for (text, expected) in [
            ("profile `work` could not be signed in", "Profile `work` could not be signed in."),
            ("no answer.", "No answer."),
            ("did you mean `work`?", "Did you mean `work`?"),
            ("`store = x` is wrong", "`store = x` is wrong."),
            ("accounts.zoho.com did not answer", "accounts.zoho.com did not answer."),
            ("config.toml is not valid", "config.toml is not valid."),
        ] {
            assert_eq!(sentence(&Error::new(Code::Other, text)), expected);
        }
    }
}
