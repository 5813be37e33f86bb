//! The one error that people and scripts see, the same in the command line and on the screens.
//!
//! It says what failed, then the cause, then what to do. Its [`Code`] is the steady word in JSON and settles the exit
//! code. `config` speaks it as well, `storage` keeps it in records, and both `storage` and `providers` say what to do as it does. The
//! errors of `oauth`, `http`, `api` and `storage` become this one in `service`.

mod advice;

use std::fmt;

pub use advice::{Advice, Value, Way};
use serde::{Deserialize, Serialize};

use crate::profile::ProfileName;
use crate::secret::Known;

/// What kind of failure this is. The words and the exit codes are part of the program's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    Usage,
    Config,
    UnknownProfile,
    InvalidClient,
    InvalidClientSecret,
    WrongDataCenter,
    InvalidScope,
    SignInNeeded,
    Denied,
    CodeExpired,
    Timeout,
    Network,
    Provider,
    UntrustedAnswer,
    WrongAccount,
    Store,
    StoreLocked,
    StoreUnavailable,
    RateLimited,
    ApiStatus,
    Interrupted,
    Other,
}

/// The exit codes of all commands but `status --check` and `doctor`, and what they mean.
pub fn exit_codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    const TEXT: &str = "\
        0: ok
        1: another error
        2: usage or configuration
        4: sign-in needed
        5: denied by the person
        6: code expired, or `--timeout`
        7: network or provider down
        8: still pending (`login --no-wait`)
        9: the store cannot be used or is locked
        10: refresh budget spent or rate-limited
        22: `api --fail`: the API answered 4xx or 5xx
        126, 127, 128+n: `exec`: as a shell; else the command's own code
        130: interrupted";
    TEXT.lines().filter_map(|line| line.trim_ascii().split_once(": "))
}

impl Code {
    /// All that there are, in their order.
    pub const ALL: [Code; 22] = [
        Code::Usage,
        Code::Config,
        Code::UnknownProfile,
        Code::InvalidClient,
        Code::InvalidClientSecret,
        Code::WrongDataCenter,
        Code::InvalidScope,
        Code::SignInNeeded,
        Code::Denied,
        Code::CodeExpired,
        Code::Timeout,
        Code::Network,
        Code::Provider,
        Code::UntrustedAnswer,
        Code::WrongAccount,
        Code::Store,
        Code::StoreLocked,
        Code::StoreUnavailable,
        Code::RateLimited,
        Code::ApiStatus,
        Code::Interrupted,
        Code::Other,
    ];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Code::Usage => "usage",
            Code::Config => "config",
            Code::UnknownProfile => "unknown_profile",
            Code::InvalidClient => "invalid_client",
            Code::InvalidClientSecret => "invalid_client_secret",
            Code::WrongDataCenter => "wrong_data_center",
            Code::InvalidScope => "invalid_scope",
            Code::SignInNeeded => "sign_in_needed",
            Code::Denied => "denied",
            Code::CodeExpired => "code_expired",
            Code::Timeout => "timeout",
            Code::Network => "network",
            Code::Provider => "provider",
            Code::UntrustedAnswer => "untrusted_answer",
            Code::WrongAccount => "wrong_account",
            Code::Store => "store",
            Code::StoreLocked => "store_locked",
            Code::StoreUnavailable => "store_unavailable",
            Code::RateLimited => "rate_limited",
            Code::ApiStatus => "api_status",
            Code::Interrupted => "interrupted",
            Code::Other => "other",
        }
    }

    pub fn exit_code(self) -> u8 {
        match self {
            Code::UntrustedAnswer | Code::WrongAccount | Code::Other => 1,
            Code::Usage
            | Code::Config
            | Code::UnknownProfile
            | Code::InvalidClient
            | Code::InvalidClientSecret
            | Code::WrongDataCenter
            | Code::InvalidScope => 2,
            Code::SignInNeeded => 4,
            Code::Denied => 5,
            Code::CodeExpired | Code::Timeout => 6,
            Code::Network | Code::Provider => 7,
            Code::Store | Code::StoreLocked | Code::StoreUnavailable => 9,
            Code::RateLimited => 10,
            Code::ApiStatus => 22,
            Code::Interrupted => 130,
        }
    }

    /// What to do where nothing more is known than the kind of failure.
    fn advice(self) -> Advice {
        match self {
            Code::Usage => Advice::Help,
            Code::Config => Advice::ShowProfile,
            Code::UnknownProfile => Advice::ListProfiles,
            Code::InvalidClient => "compare the client's id and type with the provider's console".into(),
            Code::InvalidClientSecret => Advice::GiveSecret(None),
            Code::WrongDataCenter => "name the data center in which the account lives".into(),
            Code::InvalidScope => "compare the scopes with the provider's documentation".into(),
            Code::SignInNeeded => "sign in".into(),
            Code::Denied => "sign in again if that was not meant".into(),
            Code::CodeExpired | Code::Timeout => "run the command again for a new code".into(),
            Code::Network => "check the network and try again".into(),
            Code::Provider => "try again later".into(),
            Code::UntrustedAnswer => {
                "check the addresses in the configuration; if they are right, tell the provider".into()
            }
            Code::WrongAccount => "sign in again with the account that is expected".into(),
            Code::Store => "check the disk and the permissions".into(),
            Code::StoreLocked => "try again when the other process is done".into(),
            Code::StoreUnavailable => "try again when the store is back".into(),
            Code::RateLimited => "try again in some minutes".into(),
            Code::ApiStatus => "the answer says what the API wants".into(),
            Code::Interrupted => "run the command again if that was not meant".into(),
            Code::Other => "run the command again with `-v`, which shows the requests".into(),
        }
    }

    /// Whether the same command may succeed later with nothing changed.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Code::CodeExpired
                | Code::Timeout
                | Code::Network
                | Code::Provider
                | Code::StoreLocked
                | Code::StoreUnavailable
                | Code::RateLimited
        )
    }
}

/// What failed, why, what may lie behind that, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub code: Code,
    pub message: String,
    /// Why it failed, the nearest first; each is why the one before it came.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What may lie behind it, the likeliest first.
    pub causes: Vec<String>,
    /// The server's own word for it, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_word: Option<Box<str>>,
    /// What to do, the likeliest to help first.
    #[serde(default, deserialize_with = "advice::stored")]
    pub advice: Vec<Advice>,
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            sources: Vec::new(),
            causes: Vec::new(),
            server_word: None,
            advice: Vec::new(),
        }
    }

    #[must_use]
    pub fn because(self, cause: impl fmt::Display) -> Self {
        Self { sources: vec![cause.to_string()], ..self }
    }

    /// Says what failed in other words; those that stood there become the nearest cause.
    #[must_use]
    pub fn within(mut self, message: impl Into<String>) -> Self {
        let cause = std::mem::replace(&mut self.message, message.into());
        self.sources.insert(0, cause);
        self
    }

    /// Adds what came of it, or what else is known, to the last cause.
    #[must_use]
    pub fn adding(mut self, more: impl fmt::Display) -> Self {
        match self.sources.last_mut() {
            Some(cause) => *cause = format!("{cause}; {more}"),
            None => self.sources.push(more.to_string()),
        }
        self
    }

    /// Why it failed, without what failed, as one text.
    pub fn cause(&self) -> Option<String> {
        (!self.sources.is_empty()).then(|| self.sources.join(": "))
    }

    /// Why it failed, or what failed where nobody knows why.
    pub fn reason(&self) -> String {
        self.cause().unwrap_or_else(|| self.message.clone())
    }

    #[must_use]
    pub fn likely(self, causes: Vec<String>) -> Self {
        Self { causes, ..self }
    }

    /// The server has a word of its own for it.
    #[must_use]
    pub fn said_as(self, word: &str) -> Self {
        Self { server_word: Some(word.into()), ..self }
    }

    /// Adds something that helps.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<Advice>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Has only this help.
    #[must_use]
    pub fn advise_only(self, advice: impl Into<Advice>) -> Self {
        Self { advice: vec![advice.into()], ..self }
    }

    /// Adds several things that help.
    #[must_use]
    pub fn advise_all(mut self, advice: impl IntoIterator<Item = Advice>) -> Self {
        self.advice.extend(advice);
        self
    }

    /// The same without these secrets, where words of a server are in it.
    #[must_use]
    pub fn without(self, known: &Known) -> Self {
        let blotted = |text: String| known.blot(&text);
        Self {
            message: blotted(self.message),
            sources: self.sources.into_iter().map(blotted).collect(),
            causes: self.causes.into_iter().map(blotted).collect(),
            server_word: self.server_word.map(|word| known.blot(&word).into()),
            advice: self.advice.into_iter().map(|advice| advice.without(known)).collect(),
            ..self
        }
    }

    /// The same where its profile has another name by now.
    #[must_use]
    pub fn renamed(self, old: &ProfileName, new: &ProfileName) -> Self {
        let named_anew = |text: String| renamed(&text, old, new);
        Self {
            message: named_anew(self.message),
            sources: self.sources.into_iter().map(named_anew).collect(),
            causes: self.causes.into_iter().map(named_anew).collect(),
            advice: self.advice.into_iter().map(|advice| advice.renamed(old, new)).collect(),
            ..self
        }
    }

    /// What to do, or what helps with all failures of the kind.
    pub fn what_helps(&self) -> Vec<Advice> {
        if self.advice.is_empty() { vec![self.code.advice()] } else { self.advice.clone() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.sources.iter().try_for_each(|source| write!(f, ": {source}"))
    }
}

impl std::error::Error for Error {}

/// A text that may name a profile, where that has another name by now.
pub fn renamed(text: &str, old: &ProfileName, new: &ProfileName) -> String {
    text.replace(&format!("profile `{old}`"), &format!("profile `{new}`"))
}

#[cfg(test)]
mod tests {
    use super::{Advice, Code, Error};

    #[test]
    fn every_error_says_what_to_do() {
        assert_eq!(Code::ALL.len(), Code::Other as usize + 1, "`Other` is the last one");
        for code in Code::ALL {
            assert_eq!(Error::new(code, "it failed").what_helps().len(), 1, "{code:?}");
        }
        let two = Error::new(Code::Other, "it failed").advise("mend it").advise(Advice::Help);
        assert_eq!(two.what_helps(), [Advice::from("mend it"), Advice::Help]);
    }

    #[test]
    fn an_error_names_a_profile_by_the_name_that_it_has_now() {
        let [old, new] = ["work", "hall"].map(|name| name.parse().expect("a name"));
        for advice in Advice::one_of_each() {
            // What is near to a word that was typed is no profile of the error.
            let is_meant = matches!(advice, Advice::Meant(_));
            let within = Advice::of(vec![Advice::from("or "), advice.clone()]);
            let error = Error::new(Code::Other, "profile `work` failed")
                .because("the sign-in of profile `work` ended")
                .likely(vec!["profile `work` is old".to_owned()])
                .advise(advice)
                .advise(within)
                .advise("sign in with profile `work`");
            let told = serde_json::to_string(&error.clone().renamed(&old, &new)).expect("JSON");
            assert!(is_meant || !told.contains("work"), "{told}");
            assert_eq!(error.clone().renamed(&new, &old), error);
        }
    }

    #[test]
    fn what_earlier_and_later_versions_stored_is_read() {
        let stored = |more| format!(r#"{{"code":"network","message":"it failed","causes":[]{more}}}"#);
        let error = |more| serde_json::from_str::<Error>(&stored(more)).expect("it is read");
        let read = |more| error(more).what_helps();
        assert_eq!(read(""), [Code::Network.advice()]);
        let later =
            r#","advice":["list_profiles",{"sign_in":"work"},{"words":"mend it"},{"fly":{"to":"the moon"}},"rest"]"#;
        let work = Advice::SignIn("work".parse().expect("a name"));
        assert_eq!(read(later), [Advice::ListProfiles, work, Advice::from("mend it")]);
        let chain = Error::new(Code::Network, "it failed").because("the disk is full").within("nothing is kept");
        let written = serde_json::to_value(&chain).expect("JSON");
        assert_eq!(serde_json::from_value::<Error>(written).expect("it is read"), chain);
        for (more, whole) in [
            ("", "it failed"),
            (r#","sources":["it ended","the disk is full"]"#, "it failed: it ended: the disk is full"),
        ] {
            assert_eq!(error(more).to_string(), whole);
        }
    }
}
