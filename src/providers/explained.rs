//! What the error words of authorization servers mean: likely causes in order, and what to do next.
//!
//! One table for each speaker, as a text beside this file; the command line, the screens and `docs/errors.md` all take their
//! texts from there. The same word can mean different things by where it was said, so entries name their [`Place`]s. What an
//! API says about a token is in `api::diagnosis`.

use crate::error::{Advice, Code, Value};
use crate::profile::ProfileName;
use crate::tables::{self, Entry};

/// Stands for any answer by which a server asks for fewer requests (RFC 6585 §4), also one whose words are localised.
pub const THROTTLED: &str = "HTTP 429";
/// Stands for an answer by which a server asks who the client is, without a word (RFC 9110 §15.5.2).
pub const UNAUTHENTICATED: &str = "HTTP 401";
/// Stands for an answer that is none: HTML of a portal, half a body, an error page.
pub const UNREADABLE: &str = "no readable answer";
/// Stands for a sign-in that brought no refresh token.
pub const NO_REFRESH_TOKEN: &str = "no refresh token";

/// What stands for a status without a word.
pub fn status(status: u16) -> String {
    format!("HTTP {status}")
}

/// The words of one speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(&'static str);

pub const ZOHO: Table = Table(include_str!("explained/zoho.txt"));
pub const RFC: Table = Table(include_str!("explained/rfc.txt"));
pub const GOOGLE: Table = Table(include_str!("explained/google.txt"));
pub const MICROSOFT: Table = Table(include_str!("explained/microsoft.txt"));
pub const GITHUB: Table = Table(include_str!("explained/github.txt"));
/// What GitHub alone means by words that others have for something else.
pub const GITHUB_ALONE: Table = Table(include_str!("explained/github-alone.txt"));
pub const GITLAB: Table = Table(include_str!("explained/gitlab.txt"));

impl Table {
    pub fn entries(self) -> impl Iterator<Item = ErrorWord> {
        tables::entries(self.0).filter_map(|entry| ErrorWord::read(&entry))
    }
}

/// Where a word was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The request for a code (RFC 8628 §3.1).
    DeviceAuthorization,
    /// The poll for tokens (RFC 8628 §3.4).
    Poll,
    /// A poll at the data center of the account, which is another one than the client's.
    PollAfterMove,
    /// The exchange of an authorization code (RFC 6749 §4.1.3).
    CodeExchange,
    /// RFC 6749 §6.
    Refresh,
    /// The page on which a person approves, or the address to which it leads back (RFC 6749 §4.1.2.1).
    Authorization,
    /// RFC 7009.
    Revocation,
}

impl Place {
    const ALL: [Place; 7] = [
        Place::DeviceAuthorization,
        Place::Poll,
        Place::PollAfterMove,
        Place::CodeExchange,
        Place::Refresh,
        Place::Authorization,
        Place::Revocation,
    ];

    pub fn in_words(self) -> &'static str {
        match self {
            Place::DeviceAuthorization => "asking for a code",
            Place::Poll => "waiting for approval",
            Place::PollAfterMove => "waiting for approval in the account's data center",
            Place::CodeExchange => "exchanging a code",
            Place::Refresh => "refreshing",
            Place::Authorization => "approving in the browser",
            Place::Revocation => "revoking",
        }
    }
}

/// What one or more words mean at some places. Texts hold placeholders, which [`Facts`] fill.
#[derive(Debug, PartialEq)]
pub struct ErrorWord {
    /// Compared without case.
    pub words: Vec<&'static str>,
    pub places: Vec<Place>,
    /// `None` where the program goes on by itself.
    pub code: Option<Code>,
    /// A clause that can follow what failed and a colon.
    pub meaning: &'static str,
    /// Come before the others where a secret was sent, and are no causes where there was none.
    pub causes_with_secret: Vec<&'static str>,
    /// Comes before the others where one was to be sent, and none is known. Where there is such a cause, giving it is what helps.
    pub cause_without_secret: Option<&'static str>,
    /// The likeliest first.
    pub causes: Vec<&'static str>,
    /// What to do, beginning with a verb; `{sign_in}` and `{list_scopes}` in it are what this program does.
    pub next: &'static str,
    /// Where this is known from.
    pub source: &'static str,
}

/// What fills the placeholders of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// `{profile}`; `{sign_in}` signs it in.
    pub profile: &'a ProfileName,
    /// `{provider}`: what people call it.
    pub provider: &'a str,
    /// `{endpoint}`: the address that was asked.
    pub endpoint: &'a str,
    /// `{data_center}`: the code of the one that answered; `{there}` makes a phrase of it. Empty where there are none.
    pub data_center: &'a str,
    /// `{scopes}`: those that were asked for.
    pub scopes: &'a str,
    /// `{registration}`: which client to register, and where.
    pub registration: &'a str,
    /// `{later}`: when to try again, beginning with a verb.
    pub later: &'a Advice,
    /// `{by_hand}`: how a person takes the access back, beginning with a verb.
    pub by_hand: &'a str,
    /// Whether the client's secret was sent, which may have been a wrong one; `None` where nobody is asked for one.
    pub sends_secret: Option<bool>,
    /// `{secret_place}`: where the secret is to be, with the preposition.
    pub secret_place: &'a str,
}

/// An [`ErrorWord`] in the light of the [`Facts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub code: Option<Code>,
    pub meaning: String,
    pub causes: Vec<String>,
    pub next: Advice,
    /// The client's secret may be what is missing.
    pub wants_secret: bool,
}

/// What `word` means at `place`, according to the first of the tables that knows it there.
pub fn look_up(tables: &[Table], place: Place, word: &str) -> Option<ErrorWord> {
    all(tables).find(|entry| entry.places.contains(&place) && entry.is(word))
}

/// The same of an answer: Microsoft has a few words for everything, and begins its sentence with a finer one.
pub fn look_up_answer(tables: &[Table], place: Place, word: &str, description: Option<&str>) -> Option<ErrorWord> {
    let finer = description.and_then(|description| description.split([':', ' ']).next());
    let finer = finer.filter(|finer| finer.starts_with("AADSTS"));
    finer.and_then(|finer| look_up(tables, place, finer)).or_else(|| look_up(tables, place, word))
}

/// Whether one of the tables knows `word`, at any place, as one that speaks of the request and not of the moment.
pub fn is_final(tables: &[Table], word: &str) -> bool {
    let is_passing = |code| matches!(code, None | Some(Code::Provider | Code::RateLimited));
    all(tables).any(|entry| !is_passing(entry.code) && entry.is(word))
}

/// Whether one of the tables knows `word`, at any place, as one that asks for fewer requests.
pub fn is_throttle(tables: &[Table], word: &str) -> bool {
    all(tables).any(|entry| entry.code == Some(Code::RateLimited) && entry.is(word))
}

fn all(tables: &[Table]) -> impl Iterator<Item = ErrorWord> {
    tables.iter().flat_map(|table| table.entries())
}

impl ErrorWord {
    /// `None` where a name or a word is unknown, which no entry of the tables has.
    fn read(entry: &Entry) -> Option<Self> {
        let place = |words: &str| Place::ALL.into_iter().find(|place| place.in_words() == words);
        let code = |word: &str| Code::ALL.into_iter().find(|code| code.word() == word);
        Some(Self {
            words: entry.one("words")?.split(", ").collect(),
            places: entry.one("when")?.split(", ").map(place).collect::<Option<_>>()?,
            code: entry.one("code").and_then(code),
            meaning: entry.one("meaning")?,
            causes_with_secret: entry.all("cause with a secret").collect(),
            cause_without_secret: entry.one("cause without a secret"),
            causes: entry.all("cause").collect(),
            next: entry.one("next")?,
            source: entry.one("source")?,
        })
    }

    fn is(&self, word: &str) -> bool {
        self.words.iter().any(|known| known.eq_ignore_ascii_case(word))
    }

    pub fn explain(&self, facts: &Facts<'_>) -> Explanation {
        let with = self.causes_with_secret.iter().filter(|_| facts.sends_secret == Some(true));
        let without = self.cause_without_secret.filter(|_| facts.sends_secret == Some(false));
        let causes = with.chain(&without).chain(&self.causes).map(|cause| facts.fill(cause));
        Explanation {
            code: self.code,
            meaning: facts.fill(self.meaning),
            causes: causes.collect(),
            next: facts.advice(self.next),
            wants_secret: without.is_some(),
        }
    }
}

impl Facts<'_> {
    /// Fills the placeholders of `text`, once: what they are filled with is not looked at again.
    fn fill(&self, text: &str) -> String {
        let part = |(words, name): (&str, Option<&str>)| {
            words.to_owned() + &name.map_or_else(String::new, |name| self.value(name))
        };
        parts(text).map(part).collect()
    }

    /// The same, where a placeholder may stand for something that this program does.
    fn advice(&self, text: &'static str) -> Advice {
        let act = |name: &str| match name {
            "sign_in" => Advice::SignIn(self.profile.clone()),
            "edit_client_id" => Advice::EditValue(self.profile.clone(), Value::ClientId),
            "edit_redirect_uri" => Advice::EditValue(self.profile.clone(), Value::RedirectUri),
            "edit_scopes" => Advice::EditValue(self.profile.clone(), Value::Scopes),
            "list_scopes" => Advice::ListScopes,
            "later" => self.later.clone(),
            words => self.value(words).into(),
        };
        let part = |(words, name): (&'static str, Option<&str>)| [Some(words.into()), name.map(act)];
        Advice::of(parts(text).flat_map(part).flatten().collect())
    }

    fn value(&self, placeholder: &str) -> String {
        match placeholder {
            "profile" => self.profile.to_string(),
            "provider" => self.provider.to_owned(),
            "endpoint" => self.endpoint.to_owned(),
            "data_center" => self.data_center.to_owned(),
            "there" if self.data_center.is_empty() => String::new(),
            "there" => format!(" in data center {}", self.data_center.to_uppercase()),
            "scopes" => self.scopes.to_owned(),
            "registration" => self.registration.to_owned(),
            "by_hand" => self.by_hand.to_owned(),
            "secret_place" => self.secret_place.to_owned(),
            unknown => format!("{{{unknown}}}"),
        }
    }
}

/// The words of a text, each with the placeholder that follows them.
fn parts(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split('}').filter(|part| !part.is_empty()).map(|part| match part.split_once('{') {
        Some((words, placeholder)) => (words, Some(placeholder)),
        None => (part, None),
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::LazyLock;

    use super::{ErrorWord, Facts, GITHUB, GITHUB_ALONE, GITLAB, GOOGLE, MICROSOFT, Place, RFC, Table, ZOHO, look_up};
    use crate::error::{Advice, Code};
    use crate::profile::ProfileName;
    use crate::providers::{Dialect, standard, zoho};
    use crate::tables;
    use Place::{Authorization, CodeExchange, DeviceAuthorization, Poll, PollAfterMove, Refresh, Revocation};

    const TABLES: [Table; 7] = [ZOHO, RFC, GOOGLE, MICROSOFT, GITHUB, GITHUB_ALONE, GITLAB];
    static WORK: LazyLock<ProfileName> = LazyLock::new(|| "work".parse().expect("a name"));
    static FACTS: LazyLock<Facts<'_>> = LazyLock::new(|| Facts {
        profile: &WORK,
        provider: "Zoho",
        endpoint: "https://accounts.zoho.eu/oauth/v2/token",
        data_center: "eu",
        scopes: "{profile}",
        registration: "register a client",
        later: &WAIT,
        by_hand: "remove it",
        sends_secret: Some(true),
        secret_place: "where the profile has it",
    });
    const WAIT: Advice = Advice::Words(Cow::Borrowed("wait"));

    /// Every word that a page or RFC names, where it names it.
    const ZOHOS: &[(Place, &[&str])] = &[
        (DeviceAuthorization, &["invalid_client", "invalid_scope", "general_error", "Access Denied", "server_error"]),
        (Poll, &["authorization_pending", "slow_down", "other_dc", "access_denied", "expired", "expired_token"]),
        (Poll, &["invalid_client", "invalid_client_secret", "invalid_code", "general_error", "server_error"]),
        (PollAfterMove, &["invalid_client", "invalid_client_secret", "invalid_code", "access_denied", "expired"]),
        (Refresh, &["invalid_client", "invalid_client_secret", "invalid_code", "invalid_grant", "Access Denied"]),
        (Refresh, &["access_denied", "general_error", "server_error", "unauthorized_client"]),
        (CodeExchange, &["invalid_client", "invalid_client_secret", "invalid_code", "invalid_redirect_uri"]),
        (CodeExchange, &["redirect_uri_mismatch", "missing_org_info", "invalid_scope"]),
        (Authorization, &["access_denied", "client_not_granted", "prompt_required", "Invalid Client"]),
        (Authorization, &["Invalid response type", "Invalid OAuth scope", "Invalid Redirect Uri"]),
        (Authorization, &["redirect_uri_mismatch", "invalid_redirect_uri", "invalid_scope"]),
        (Revocation, &["invalid_client", "invalid_client_secret", "invalid_code", "invalid_token"]),
    ];
    /// RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5, RFC 7009 §2.2.1, OpenID Connect Core §3.1.2.6.
    const STANDARD: &[(Place, &[&str])] = &[
        (Authorization, &["invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type"]),
        (Authorization, &["invalid_scope", "server_error", "temporarily_unavailable"]),
        // What is one word at other places means the client where a code is asked for (Keycloak).
        (DeviceAuthorization, &["invalid_grant", "access_denied"]),
        (CodeExchange, &["access_denied"]),
        (Authorization, &["interaction_required", "login_required", "account_selection_required", "consent_required"]),
        (CodeExchange, &["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"]),
        (CodeExchange, &["unsupported_grant_type", "invalid_scope"]),
        (Refresh, &["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"]),
        (Refresh, &["unsupported_grant_type", "invalid_scope"]),
        (DeviceAuthorization, &["invalid_request", "invalid_client", "unauthorized_client", "invalid_scope"]),
        (Poll, &["authorization_pending", "slow_down", "access_denied", "expired_token"]),
        (Poll, &["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"]),
        (Poll, &["unsupported_grant_type", "invalid_scope"]),
        (Revocation, &["unsupported_token_type", "invalid_request", "invalid_client", "server_error"]),
        // Google's, Microsoft's and GitHub's own.
        (DeviceAuthorization, &["rate_limit_exceeded", "device_flow_disabled", "org_internal", "deleted_client"]),
        (Poll, &["authorization_declined", "bad_verification_code", "incorrect_device_code", "device_flow_disabled"]),
        (Poll, &["incorrect_client_credentials", "org_internal", "admin_policy_enforced", "rate_limit_exceeded"]),
        (Poll, &["interaction_required", "consent_required"]),
        (Authorization, &["admin_policy_enforced", "org_internal", "disallowed_useragent", "application_suspended"]),
        (CodeExchange, &["bad_verification_code", "incorrect_client_credentials", "redirect_uri_mismatch"]),
        (Refresh, &["bad_refresh_token", "incorrect_client_credentials", "interaction_required", "consent_required"]),
    ];

    fn known(dialect: &Dialect, place: Place, word: &str) -> Option<ErrorWord> {
        look_up(dialect.error_words, place, word)
    }

    #[test]
    fn every_word_of_the_rfcs_and_of_zohos_pages_is_explained() {
        for (dialect, list) in [(&zoho::DIALECT, ZOHOS), (&standard::DIALECT, STANDARD)] {
            for (place, words) in list {
                for word in *words {
                    assert!(known(dialect, *place, word).is_some(), "{word} when {}", place.in_words());
                }
            }
        }
        assert_eq!(known(&standard::DIALECT, Refresh, "made_up"), None);
    }

    #[test]
    fn the_same_word_means_another_thing_elsewhere() {
        let zoho = |place, word| known(&zoho::DIALECT, place, word).and_then(|entry| entry.code);
        assert_eq!(zoho(Poll, "access_denied"), Some(Code::Denied));
        assert_eq!(zoho(Refresh, "access_denied"), Some(Code::RateLimited));
        assert_eq!(zoho(Refresh, "invalid_code"), Some(Code::SignInNeeded));
        assert_eq!(zoho(CodeExchange, "invalid_code"), Some(Code::CodeExpired));
        assert_eq!(zoho(Poll, "invalid_client"), Some(Code::InvalidClient));
        assert_eq!(zoho(PollAfterMove, "invalid_client"), Some(Code::WrongDataCenter));
        assert_eq!(zoho(Refresh, "invalid_client_secret"), Some(Code::InvalidClientSecret));
    }

    #[test]
    fn every_entry_is_read_whole() {
        let secret = ["cause with a secret", "cause without a secret"];
        let names = [&["words", "when", "code", "meaning", "cause", "next", "source"][..], &secret].concat();
        for entry in TABLES.into_iter().flat_map(|table| tables::entries(table.0)) {
            let read = ErrorWord::read(&entry).expect("its words are known");
            assert_eq!(read.code.is_some(), entry.one("code").is_some(), "{read:?}");
            assert!(!read.causes.is_empty() && entry.names().all(|name| names.contains(&name)), "{entry:?}");
        }
    }

    #[test]
    fn no_two_entries_of_a_table_speak_of_one_word_at_one_place() {
        for table in TABLES {
            let mut seen: Vec<(Place, &str)> = Vec::new();
            for entry in table.entries() {
                for place in &entry.places {
                    for word in &entry.words {
                        assert!(!seen.contains(&(*place, word)), "{word} when {}", place.in_words());
                        seen.push((*place, word));
                    }
                }
            }
        }
    }

    #[test]
    fn placeholders_are_filled_once_and_data_centers_only_named_where_there_are_some() {
        assert_eq!(FACTS.fill("{provider}{there}: {scopes} of {profile}"), "Zoho in data center EU: {profile} of work");
        assert_eq!(Facts { data_center: "", ..*FACTS }.fill("known{there}"), "known");
    }
}
