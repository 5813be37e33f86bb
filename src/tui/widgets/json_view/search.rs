//! Finds a few letters in a long text, fast enough for every key that is typed.

use std::ops::Range;

use super::scan::Line;

/// Bytes that are searched before it is asked whether that is wanted still.
const SLICE: usize = 64 * 1024;

/// What is looked for. Ignores the case of ASCII letters unless it has a capital one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    letters: Vec<u8>,
    ignores_case: bool,
}

/// What was looked for, and the lines that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub(super) pattern: Pattern,
    pub(super) lines: Vec<usize>,
}

impl Found {
    /// `None` if it was not wanted any more before it was there.
    pub(super) fn new(pattern: Pattern, text: &str, lines: &[Line], is_wanted: &dyn Fn() -> bool) -> Option<Self> {
        let lines = pattern.lines_in(text, lines, is_wanted)?;
        Some(Self { pattern, lines })
    }
}

impl Pattern {
    /// `None` for an empty query, which is everywhere.
    pub(super) fn new(query: &str) -> Option<Self> {
        let ignores_case = !query.chars().any(char::is_uppercase);
        (!query.is_empty()).then(|| Self { letters: query.as_bytes().to_vec(), ignores_case })
    }

    /// The first place at or after `from`. It lies between characters, as both texts are UTF-8.
    fn find_in(&self, text: &str, from: usize) -> Option<usize> {
        self.find_in_bytes(text.as_bytes(), from)
    }

    fn find_in_bytes(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let (first, rest) = self.letters.split_first()?;
        let capital = if self.ignores_case { first.to_ascii_uppercase() } else { *first };
        let mut at = from;
        loop {
            at += bytes.get(at..)?.iter().position(|byte| byte == first || *byte == capital)?;
            let following = bytes.get(at + 1..at + 1 + rest.len())?;
            if following == rest || self.ignores_case && following.eq_ignore_ascii_case(rest) {
                return Some(at);
            }
            at += 1;
        }
    }

    /// The lines of `text` on which it begins, each once. Asks after each slice whether that is wanted still.
    fn lines_in(&self, text: &str, lines: &[Line], is_wanted: &dyn Fn() -> bool) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let (mut from, mut line) = (0, 0);
        let mut slice_end = SLICE;
        while from < text.len() {
            // What begins in the slice may end behind it.
            let end = (slice_end + self.letters.len() - 1).min(text.len());
            let Some(at) = self.find_in_bytes(&text.as_bytes()[..end], from) else {
                if !is_wanted() {
                    return None;
                }
                from = from.max(slice_end);
                slice_end = from + SLICE;
                continue;
            };
            line += lines[line..].partition_point(|line| line.start as usize <= at);
            found.extend(line.checked_sub(1));
            let Some(next) = lines.get(line) else { break };
            from = next.start as usize;
        }
        Some(found)
    }

    /// In bytes.
    pub(super) fn length(&self) -> usize {
        self.letters.len()
    }

    /// Where it stands in a line for the first time.
    pub(super) fn range_in(&self, line: &str) -> Option<Range<usize>> {
        let start = self.find_in(line, 0)?;
        Some(start..start + self.letters.len())
    }

    /// For each byte of a line, whether it is part of what was found.
    pub(super) fn hits_in(&self, line: &str) -> Vec<bool> {
        let mut hits = vec![false; line.len()];
        let mut from = 0;
        while let Some(at) = self.find_in(line, from) {
            from = at + self.letters.len();
            hits[at..from].fill(true);
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use crate::tui::widgets::json_view::JsonDocument;

    fn find(query: &str, text: &str) -> Option<usize> {
        Pattern::new(query).expect("not empty").find_in(text, 0)
    }

    #[test]
    fn small_letters_match_both_cases_and_capitals_only_themselves() {
        assert_eq!(find("owner", "the Owner"), Some(4));
        assert_eq!(find("Owner", "the owner"), None);
        assert_eq!(find("OWNER", "the OWNER"), Some(4));
        assert_eq!(find("éa", "xéA"), Some(1));
    }

    #[test]
    fn what_lies_across_two_slices_is_found_and_an_unwanted_search_stops() {
        let text = format!("{}needle{}needle", "x".repeat(super::SLICE - 3), "y".repeat(3 * super::SLICE));
        let document = JsonDocument::wrapped(text, 1000);
        let found = document.find("needle").expect("something is looked for");
        assert_eq!(found.lines, [(super::SLICE - 3) / 1000, document.line_count() - 1]);
        let asked = std::cell::Cell::new(0);
        let is_wanted = || {
            asked.set(asked.get() + 1);
            asked.get() < 2
        };
        assert_eq!(document.find_while("absent", &is_wanted), None);
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn a_match_may_end_with_the_text_and_none_goes_beyond_it() {
        assert_eq!(find("ab", "aab"), Some(1));
        assert_eq!(find("abc", "ab"), None);
        assert_eq!(find("a", ""), None);
        assert!(Pattern::new("").is_none());
    }
}
