//! Work on a long text that takes too long to be done between two keys.

use std::sync::Arc;

use super::widgets::json_view::{Found, JsonDocument};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum TextJob {
    /// Looks for something.
    Find { document: Arc<JsonDocument>, query: String },
    /// Breaks it into lines of so many columns.
    Wrap { text: Arc<str>, columns: usize },
}

/// What came of it.
#[derive(Debug, PartialEq)]
pub enum TextDone {
    Found(Option<Found>),
    Wrapped(Arc<JsonDocument>),
}

impl TextJob {
    /// Does it. A search ends early once it is not wanted any more.
    pub fn run(self, is_wanted: &dyn Fn() -> bool) -> TextDone {
        match self {
            TextJob::Find { document, query } => TextDone::Found(document.find_while(&query, is_wanted)),
            TextJob::Wrap { text, columns } => TextDone::Wrapped(Arc::new(JsonDocument::wrapped(text, columns))),
        }
    }
}
