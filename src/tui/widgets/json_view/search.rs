//! Finds a few letters in a long text, fast enough for every key that is typed.

use super::scan::Line;

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
    pub(super) fn new(pattern: Pattern, text: &str, lines: &[Line]) -> Self {
        Self { lines: pattern.lines_in(text, lines), pattern }
    }
}

impl Pattern {
    /// `None` for an empty query, which is everywhere.
    pub(super) fn new(query: &str) -> Option<Self> {
        let ignores_case = !query.chars().any(char::is_uppercase);
        (!query.is_empty()).then(|| Self { letters: query.as_bytes().to_vec(), ignores_case })
    }

    /// The first place at or after `from`. It lies between characters, as both texts are UTF-8.
    pub(super) fn find_in(&self, text: &str, from: usize) -> Option<usize> {
        let (first, rest) = self.letters.split_first()?;
        let capital = if self.ignores_case { first.to_ascii_uppercase() } else { *first };
        let bytes = text.as_bytes();
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

    /// The lines of `text` on which it begins, each once.
    fn lines_in(&self, text: &str, lines: &[Line]) -> Vec<usize> {
        let mut found = Vec::new();
        let (mut from, mut line) = (0, 0);
        while let Some(at) = self.find_in(text, from) {
            line += lines[line..].partition_point(|line| line.start as usize <= at);
            found.extend(line.checked_sub(1));
            let Some(next) = lines.get(line) else { break };
            from = next.start as usize;
        }
        found
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
    fn a_match_may_end_with_the_text_and_none_goes_beyond_it() {
        assert_eq!(find("ab", "aab"), Some(1));
        assert_eq!(find("abc", "ab"), None);
        assert_eq!(find("a", ""), None);
        assert!(Pattern::new("").is_none());
    }
}
