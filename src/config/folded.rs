//! A text that may have thousands of profiles, short enough to be read as a document that keeps comments: profiles that a change
//! leaves alone are left out, with one line in the place of each row of them.

use std::collections::BTreeSet;

use super::heads::{About, Table, above, tables};
use crate::profile::ProfileName;

/// How a line begins that stands for profiles. No profile is called so, since its name would have to be.
const FOLD: &str = "[profiles.\"\u{fffc}";

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// A text, and what its folds stand for.
pub(super) struct Folded<'a> {
    pub(super) text: String,
    folds: Vec<&'a str>,
}

impl<'a> Folded<'a> {
    /// Of a text that is valid, with these profiles as they are. One that is not plain has no folds.
    pub(super) fn of(text: &'a str, but: &[&ProfileName]) -> Self {
        Self::plain(text, but).unwrap_or_else(|| Self { text: text.to_owned(), folds: Vec::new() })
    }

    fn plain(text: &'a str, but: &[&ProfileName]) -> Option<Self> {
        let mut folded = Self { text: above(text)?.0.to_owned(), folds: Vec::new() };
        let tables: Vec<Table<'_>> = tables(text)?.collect();
        let mut within = BTreeSet::new();
        for table in &tables {
            if let About::WithinProfile(name) = table.about? {
                within.insert(name);
            }
        }
        // Where the row of profiles begins that is to be left out next, and how long it is.
        let (mut at, mut row) = (folded.text.len(), 0);
        for table in tables {
            let is_left_out = match table.about? {
                About::Profile(name) => !within.contains(name) && but.iter().all(|but| but.as_str() != name),
                _ => false,
            };
            if is_left_out {
                row += table.text.len();
                continue;
            }
            folded.leave_out(&text[at..at + row]);
            folded.text.push_str(table.text);
            (at, row) = (at + row + table.text.len(), 0);
        }
        folded.leave_out(&text[at..]);
        Some(folded)
    }

    /// Lines at the end of the row that say nothing belong to what follows.
    fn leave_out(&mut self, row: &'a str) {
        let mut said = row.trim_end_matches(BLANK);
        while let Some((before, line)) = said.rsplit_once('\n') {
            if !line.trim_start_matches(BLANK).starts_with('#') {
                break;
            }
            said = before.trim_end_matches(BLANK);
        }
        if !said.is_empty() {
            self.text.extend([FOLD, &self.folds.len().to_string(), "\"]"]);
            self.folds.push(said);
        }
        self.text.push_str(&row[said.len()..]);
    }

    /// The whole text, where the one with the folds has been changed to this.
    pub(super) fn unfolded(&self, changed: &str) -> String {
        if self.folds.is_empty() {
            return changed.to_owned();
        }
        let mut text = String::with_capacity(changed.len() + self.folds.iter().map(|fold| fold.len()).sum::<usize>());
        let mut folds = self.folds.iter();
        for line in changed.split_inclusive('\n') {
            match line.strip_prefix(FOLD).and_then(|rest| rest.split_once("\"]")) {
                Some((_, rest)) => {
                    text.push_str(folds.next().unwrap_or(&""));
                    text.push_str(rest);
                }
                None => text.push_str(line),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
