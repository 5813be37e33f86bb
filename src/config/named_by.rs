//! What names a setting that may come from several places.

use std::fmt;

use serde::{Serialize, Serializer};

/// What names a setting: a place that beats the others, or none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The name stands beside the command.
    Argument,
    Flag(&'static str),
    Variable(&'static str),
    /// A key of the configuration.
    Key(&'static str),
    Default,
    /// There is no other.
    Only,
}

impl NamedBy {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            NamedBy::Argument => "named",
            NamedBy::Flag(name) | NamedBy::Variable(name) | NamedBy::Key(name) => name,
            NamedBy::Default => "default",
            NamedBy::Only => "only",
        }
    }
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamedBy::Argument => f.write_str("named"),
            NamedBy::Flag(name) | NamedBy::Variable(name) | NamedBy::Key(name) => write!(f, "by `{name}`"),
            NamedBy::Default => f.write_str("by default"),
            NamedBy::Only => f.write_str("the only one"),
        }
    }
}

impl Serialize for NamedBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
