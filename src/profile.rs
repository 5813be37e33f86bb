//! Owns the name of a profile, which is also the name of its record in the store.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name of 1 to 64 ASCII letters, digits, `-`, `_` or `.`, that begins with a letter or digit: safe as a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

/// A profile's name has a character, a length or a beginning that names do not have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a profile's name has 1 to 64 letters (a to z, A to Z), digits, `-`, `_` or `.` and begins with a letter or digit, such as `work`"
)]
pub struct InvalidProfileName;

impl ProfileName {
    /// The name in the record by which a store proves itself. No profile's files are under it.
    pub(crate) fn of_probe() -> Self {
        Self("probe".to_owned())
    }

    /// What stands for a name that is refused, while the rest of its configuration is looked at: no configuration with one is given to
    /// anybody.
    pub(crate) fn of_refused(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Some file systems keep the records of both names in one file.
    pub fn is_alike(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl FromStr for ProfileName {
    type Err = InvalidProfileName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let characters_fit = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if characters_fit && begins_well && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidProfileName)
        }
    }
}

impl TryFrom<String> for ProfileName {
    type Error = InvalidProfileName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ProfileName;

    #[test]
    fn names_that_could_leave_the_store_are_refused() {
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\0", "ä", "-p", &"a".repeat(65)] {
            assert!(name.parse::<ProfileName>().is_err(), "{name:?}");
        }
        for name in ["work", "ops-bot", "lobby_2", "v1.2", "0"] {
            assert!(name.parse::<ProfileName>().is_ok(), "{name:?}");
        }
    }
}
