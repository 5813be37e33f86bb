//! A record that is wholly gone, although a sign-in was kept in it that nobody has ended here.

use std::fmt;

use crate::error::Advice;
use crate::profile::ProfileName;

/// Why there may be no record where one was, by what keeps the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    pub(super) is_shared: bool,
}

impl Lost {
    pub fn is_shared(self) -> bool {
        self.is_shared
    }

    /// What to look at first.
    pub fn look(self) -> &'static str {
        if self.is_shared {
            "look whether another machine has removed the profile, or the database was brought back from a backup"
        } else {
            "look whether the place of the store is mounted, or was brought back from a backup"
        }
    }

    pub fn advice(self, profile: &ProfileName) -> Advice {
        Advice::SignIn(profile.clone()).after(format!("{}; else ", self.look()))
    }
}

/// As a clause about a profile.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its record is gone, and nobody has logged out here")
    }
}
