//! What helps, as data: the command line words it as commands (`cli::advice`), the screens as keys (`tui::advice`).

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::profile::ProfileName;

/// One thing to do, a clause that begins with a verb. What is no [`Words`](Advice::Words) is an act of this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Something that people do elsewhere: no command, key or time of this program is in it.
    Words(Cow<'static, str>),
    /// Parts of one sentence, which follow one another as they are.
    Phrase(Vec<Advice>),
    SignIn(ProfileName),
    SignOut(ProfileName),
    Refresh(ProfileName),
    AddProfile(Option<ProfileName>),
    ListProfiles,
    ShowProfile,
    /// The client's secret of the profile, or of one that is not known here.
    GiveSecret(Option<ProfileName>),
    /// Arguments and their help.
    Help,
    /// Not before this time.
    WaitUntil(Timestamp),
    /// Arguments of this program, for what has no variant of its own and no key.
    Run(Cow<'static, str>),
}

impl Advice {
    /// The same with words before it, and whatever parts them.
    #[must_use]
    pub fn after(self, words: impl Into<Cow<'static, str>>) -> Self {
        Advice::Phrase(vec![Advice::Words(words.into()), self])
    }

    /// The same with words after it, and whatever parts them.
    #[must_use]
    pub fn and(self, words: impl Into<Cow<'static, str>>) -> Self {
        Advice::Phrase(vec![self, Advice::Words(words.into())])
    }
}

impl From<&'static str> for Advice {
    fn from(words: &'static str) -> Self {
        Advice::Words(words.into())
    }
}

impl From<String> for Advice {
    fn from(words: String) -> Self {
        Advice::Words(words.into())
    }
}

/// Reads what is stored and leaves out what a later version may have put there.
pub(super) fn known<'de, D: Deserializer<'de>>(stored: D) -> Result<Vec<Advice>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Known(Advice),
        Unknown(IgnoredAny),
    }
    let known = |advice| match advice {
        Stored::Known(advice) => Some(advice),
        Stored::Unknown(_) => None,
    };
    Ok(Vec::<Stored>::deserialize(stored)?.into_iter().filter_map(known).collect())
}
