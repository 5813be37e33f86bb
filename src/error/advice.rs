//! What helps, as data: the command line words it as commands (`cli::advice`), the screens as keys (`tui::advice`).

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::near;
use crate::profile::ProfileName;
use crate::secret::Known;

/// One thing to do, a clause that begins with a verb. What is no [`Words`](Advice::Words) is an act of this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Something that people do elsewhere: no command, key or time of this program is in it.
    Words(Cow<'static, str>),
    /// Take one of these for the word that nobody has.
    Meant(Vec<String>),
    /// Parts of one sentence, which follow one another as they are.
    Phrase(Vec<Advice>),
    SignIn(ProfileName),
    /// As the client's type wants it, or as a sign-in that is pending.
    SignInBy(ProfileName, Way),
    SignOut(ProfileName),
    /// Sign out without asking the provider.
    Forget(ProfileName),
    Refresh(ProfileName),
    AddProfile(Option<ProfileName>),
    EditProfile(ProfileName),
    RemoveProfile(ProfileName),
    /// Also where that leaves a grant valid at the provider.
    RemoveAnyway(ProfileName),
    ListProfiles,
    /// Say which profile is meant, now or from now on.
    NameProfile,
    ShowProfile,
    /// Make another profile the default.
    UseProfile,
    /// The client's secret of the profile, or of one that is not known here.
    GiveSecret(Option<ProfileName>),
    /// Correct a value of the profile.
    EditValue(ProfileName, Value),
    /// Have the profile ask for more scopes than those that it has: first those, then the new ones.
    AddScopes(ProfileName, Box<[String]>, Box<[String]>),
    /// Take the provider's endpoints as they are now.
    AcceptEndpoints(ProfileName),
    ListScopes,
    /// Those of one product, by its key.
    ListScopesOf(String),
    /// The products and their hosts.
    ListProducts,
    /// Have the tables of the store made.
    InitStore,
    /// Sign in without the screens.
    PlainSignIn,
    /// Write the answer to a file.
    SaveAnswer,
    Demo,
    /// Arguments and their help.
    Help,
    /// See all that is wrong with the configuration.
    CheckConfig,
    /// The hosts and addresses of one data center.
    ListHosts,
    /// Go on with a change of the store's key.
    RekeyStore,
    /// See what is wrong with the store, or mend that.
    CheckStore {
        repair: bool,
    },
    /// Copy the store's records to another one.
    CopyStore(String),
    /// See what an admin of the database has to run.
    PrintStoreSetup,
    /// Not before this time.
    WaitUntil(Timestamp),
}

/// What of a profile a person may have to correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    ClientId,
    RedirectUri,
    Scopes,
}

/// How else than by a device code that it asks for a profile signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// In a browser that comes back with a code.
    Web,
    /// By a code that the provider's console makes.
    GrantCode,
    /// By the code that is pending.
    Resume,
    /// By a new code in the place of the one that is pending.
    NewCode,
}

impl Advice {
    /// The words that are near to one that nobody has, if there are any.
    pub fn meant<T: Into<String>>(near: impl IntoIterator<Item = T>) -> Option<Self> {
        let near: Vec<String> = near.into_iter().map(Into::into).collect();
        (!near.is_empty()).then_some(Advice::Meant(near))
    }

    /// What to do about a profile that is there already.
    pub fn for_taken(name: &ProfileName) -> [Self; 3] {
        let change = Advice::EditProfile(name.clone()).and(" to change that one");
        let make_room = Advice::RemoveProfile(name.clone()).after("or ").and(" to make room");
        [change, "choose another name".into(), make_room]
    }

    /// Whether it is to add a profile of this name, or has that in it.
    pub fn adds_profile(&self) -> bool {
        match self {
            Advice::AddProfile(name) => name.is_some(),
            Advice::Phrase(parts) => parts.iter().any(Advice::adds_profile),
            _ => false,
        }
    }

    /// Those of the known words that are near to one that is not among them, if there are any.
    pub fn near<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        Self::meant(near::nearest(wanted, known.into_iter().map(|word| (word, word))))
    }

    /// Parts of one sentence; words alone, and what stands alone, stay so.
    pub fn of(parts: Vec<Advice>) -> Self {
        let mut joined: Vec<Advice> = Vec::new();
        for part in parts {
            match (joined.last_mut(), part) {
                (Some(Advice::Words(before)), Advice::Words(words)) => before.to_mut().push_str(&words),
                (_, part) => joined.push(part),
            }
        }
        if joined.len() == 1 { joined.remove(0) } else { Advice::Phrase(joined) }
    }

    /// The same without these secrets.
    pub(super) fn without(self, known: &Known) -> Self {
        match self {
            Advice::Words(words) => known.blot(&words).into(),
            Advice::Phrase(parts) => Advice::Phrase(parts.into_iter().map(|part| part.without(known)).collect()),
            act => act,
        }
    }

    /// The same where the profile has another name by now.
    pub(super) fn renamed(mut self, old: &ProfileName, new: &ProfileName) -> Self {
        match &mut self {
            Advice::Words(words) => *words = super::renamed(words, old, new).into(),
            Advice::Phrase(parts) => {
                let parts = std::mem::take(parts).into_iter();
                return Advice::Phrase(parts.map(|part| part.renamed(old, new)).collect());
            }
            Advice::SignIn(name)
            | Advice::SignInBy(name, _)
            | Advice::SignOut(name)
            | Advice::Forget(name)
            | Advice::Refresh(name)
            | Advice::AddProfile(Some(name))
            | Advice::EditProfile(name)
            | Advice::RemoveProfile(name)
            | Advice::RemoveAnyway(name)
            | Advice::GiveSecret(Some(name))
            | Advice::EditValue(name, _)
            | Advice::AddScopes(name, ..)
            | Advice::AcceptEndpoints(name)
                if name == old =>
            {
                name.clone_from(new);
            }
            _ => {}
        }
        self
    }

    /// The same with words before it, and whatever parts them.
    #[must_use]
    pub fn after(self, words: impl Into<Cow<'static, str>>) -> Self {
        Self::of(vec![Advice::Words(words.into()), self])
    }

    /// The same with words after it, and whatever parts them.
    #[must_use]
    pub fn and(self, words: impl Into<Cow<'static, str>>) -> Self {
        Self::of(vec![self, Advice::Words(words.into())])
    }
}

#[cfg(test)]
impl Advice {
    /// One of each. The compiler sees to that: whoever adds one has to say here which it follows.
    pub(crate) fn one_of_each() -> Vec<Advice> {
        let work = || "work".parse().expect("a name");
        let next = |advice: &Advice| {
            Some(match advice {
                Advice::Words(_) => Advice::Meant(vec!["work".to_owned(), "lobby".to_owned()]),
                Advice::Meant(_) => Advice::Phrase(vec![Advice::Help, Advice::from(" now")]),
                Advice::Phrase(_) => Advice::SignIn(work()),
                Advice::SignIn(_) => Advice::SignInBy(work(), Way::Web),
                Advice::SignInBy(_, Way::Web) => Advice::SignInBy(work(), Way::GrantCode),
                Advice::SignInBy(_, Way::GrantCode) => Advice::SignInBy(work(), Way::Resume),
                Advice::SignInBy(_, Way::Resume) => Advice::SignInBy(work(), Way::NewCode),
                Advice::SignInBy(_, Way::NewCode) => Advice::SignOut(work()),
                Advice::SignOut(_) => Advice::Forget(work()),
                Advice::Forget(_) => Advice::Refresh(work()),
                Advice::Refresh(_) => Advice::AddProfile(Some(work())),
                Advice::AddProfile(Some(_)) => Advice::AddProfile(None),
                Advice::AddProfile(None) => Advice::EditProfile(work()),
                Advice::EditProfile(_) => Advice::RemoveProfile(work()),
                Advice::RemoveProfile(_) => Advice::RemoveAnyway(work()),
                Advice::RemoveAnyway(_) => Advice::ListProfiles,
                Advice::ListProfiles => Advice::NameProfile,
                Advice::NameProfile => Advice::UseProfile,
                Advice::UseProfile => Advice::ShowProfile,
                Advice::ShowProfile => Advice::GiveSecret(Some(work())),
                Advice::GiveSecret(Some(_)) => Advice::GiveSecret(None),
                Advice::GiveSecret(None) => Advice::EditValue(work(), Value::ClientId),
                Advice::EditValue(_, Value::ClientId) => Advice::EditValue(work(), Value::RedirectUri),
                Advice::EditValue(_, Value::RedirectUri) => Advice::EditValue(work(), Value::Scopes),
                Advice::EditValue(_, Value::Scopes) => {
                    Advice::AddScopes(work(), ["email".to_owned()].into(), ["openid".to_owned()].into())
                }
                Advice::AddScopes(..) => Advice::AcceptEndpoints(work()),
                Advice::AcceptEndpoints(_) => Advice::ListScopes,
                Advice::ListScopes => Advice::ListScopesOf("desk".to_owned()),
                Advice::ListScopesOf(_) => Advice::ListProducts,
                Advice::ListProducts => Advice::InitStore,
                Advice::InitStore => Advice::PlainSignIn,
                Advice::PlainSignIn => Advice::SaveAnswer,
                Advice::SaveAnswer => Advice::Demo,
                Advice::Demo => Advice::Help,
                Advice::Help => Advice::CheckConfig,
                Advice::CheckConfig => Advice::ListHosts,
                Advice::ListHosts => Advice::RekeyStore,
                Advice::RekeyStore => Advice::CheckStore { repair: false },
                Advice::CheckStore { repair: false } => Advice::CheckStore { repair: true },
                Advice::CheckStore { repair: true } => Advice::CopyStore("file:/srv/device-login".to_owned()),
                Advice::CopyStore(_) => Advice::PrintStoreSetup,
                Advice::PrintStoreSetup => Advice::WaitUntil(Timestamp::UNIX_EPOCH),
                Advice::WaitUntil(_) => return None,
            })
        };
        std::iter::successors(Some(Advice::from("mend it")), next).collect()
    }
}

impl From<&'static str> for Advice {
    fn from(words: &'static str) -> Self {
        Advice::Words(words.into())
    }
}

impl From<&String> for Advice {
    fn from(words: &String) -> Self {
        words.clone().into()
    }
}

impl From<String> for Advice {
    fn from(words: String) -> Self {
        Advice::Words(words.into())
    }
}

/// Reads what is stored: of later versions what this one knows.
pub(super) fn stored<'de, D: Deserializer<'de>>(stored: D) -> Result<Vec<Advice>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum One {
        Known(Advice),
        Unknown(IgnoredAny),
    }
    let known = |advice| match advice {
        One::Known(advice) => Some(advice),
        One::Unknown(_) => None,
    };
    Ok(Vec::deserialize(stored)?.into_iter().filter_map(known).collect())
}
