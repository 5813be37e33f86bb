//! What a failed API call failed of, in words and likely causes.
//!
//! Which words an API has, and how its answers tell of a failure, is data: [`crate::providers::answers`]. Providers that
//! keep to RFC 6750 say it in a header.

use serde_json::Value;

use crate::http::{JUDGED_BYTES, Response, decode};
use crate::providers::Dialect;
use crate::providers::answers::{self, Answers, Diagnosis, Failure, Organization, Word};
use crate::providers::catalog::{PRODUCTS, Product};
use crate::secret::Known;
use crate::tables::Words;
use crate::untrusted::Untrusted;

impl Diagnosis {
    pub const ALL: [Diagnosis; 14] = [
        Diagnosis::BadToken,
        Diagnosis::WrongDataCenter,
        Diagnosis::NotAuthorized,
        Diagnosis::MissingScope,
        Diagnosis::NoPermission,
        Diagnosis::WrongOrganization,
        Diagnosis::WrongScheme,
        Diagnosis::WrongAddress,
        Diagnosis::ApiAccessOff,
        Diagnosis::RateLimited,
        Diagnosis::MissingOrganization,
        Diagnosis::ProviderFault,
        Diagnosis::Redirected,
        Diagnosis::Unclear,
    ];

    /// What happened.
    pub fn meaning(self) -> &'static str {
        match self {
            Diagnosis::BadToken => "the API does not take this token",
            Diagnosis::WrongDataCenter => {
                "the API refuses a token that was just refreshed: the address is probably one of another data center"
            }
            Diagnosis::NotAuthorized => {
                "the API does not let this call in, and does not say that the token is to blame"
            }
            Diagnosis::MissingScope => "the token lacks a scope that this call needs",
            Diagnosis::NoPermission => "the account itself may not do this",
            Diagnosis::WrongOrganization => "the token was approved for another organization",
            Diagnosis::WrongScheme => "no token reached the API",
            Diagnosis::WrongAddress => "the API knows no such address",
            Diagnosis::ApiAccessOff => "API access is off for this user's role",
            Diagnosis::RateLimited => "too many calls",
            Diagnosis::MissingOrganization => "this call needs an organization of the account",
            Diagnosis::ProviderFault => "the provider has a fault of its own",
            Diagnosis::Redirected => "the API leads to another address, where the token was not taken",
            Diagnosis::Unclear => "the API refused the call",
        }
    }

    /// What may lie behind it at any provider, the likeliest first.
    fn common_causes(self) -> &'static [&'static str] {
        match self {
            Diagnosis::BadToken => &["the token ended or was revoked since it was refreshed"],
            Diagnosis::WrongDataCenter => &["the host belongs to another data center than the account"],
            Diagnosis::NotAuthorized => {
                &["the request lacks something that this API wants", "the account may not call this API"]
            }
            Diagnosis::MissingScope => &["the scope was added to the profile after the last sign-in"],
            Diagnosis::NoPermission => &[
                "the person's role lacks the permission in the product itself",
                "the record or file belongs to somebody else",
            ],
            Diagnosis::WrongOrganization => &[
                "another organization or portal was chosen when the sign-in was approved",
                "the id of the organization in the call is that of another one",
            ],
            Diagnosis::WrongScheme => &[
                "the word before the token in the header is not the one that this API wants",
                "a proxy took the header out",
            ],
            Diagnosis::WrongAddress => &["the path is misspelt or of another version of the API"],
            Diagnosis::ApiAccessOff => &["the person's profile in the product has \"API access\" switched off"],
            Diagnosis::RateLimited => &[
                "the calls of this minute, or of this day, are used up",
                "too many calls run at the same time",
                "another program calls for the same organization",
            ],
            Diagnosis::MissingOrganization => &[
                "the account has several organizations, so each call has to name one",
                "the id is that of an organization that the account does not belong to",
            ],
            Diagnosis::ProviderFault => &["a passing fault or maintenance at the provider"],
            Diagnosis::Redirected => &["the address has moved", "a proxy or captive portal wants the person first"],
            Diagnosis::Unclear => &["the request itself is not what the API wants"],
        }
    }

    /// What may lie behind it at a provider of this dialect.
    pub fn causes(self, dialect: &Dialect) -> Vec<String> {
        let own = dialect.api.causes.iter().filter(|(diagnosis, _)| *diagnosis == self).map(|(_, cause)| *cause);
        self.common_causes().iter().copied().chain(own).map(str::to_owned).collect()
    }

    /// What to do.
    pub fn next(self) -> &'static str {
        match self {
            Diagnosis::BadToken => "refresh the token, and check the host",
            Diagnosis::WrongDataCenter => "use the host of the account's data center, or `--product` to have it chosen",
            Diagnosis::MissingScope => "add it to the profile and sign in again",
            Diagnosis::NoPermission => "ask an administrator of the product",
            Diagnosis::WrongOrganization => "sign in again and choose this one",
            Diagnosis::WrongScheme => "check the word before it in the header",
            Diagnosis::WrongAddress => "check the path and the host",
            Diagnosis::ApiAccessOff => "ask an administrator to allow it",
            Diagnosis::RateLimited => "wait before the next one",
            Diagnosis::MissingOrganization => "name one as the product wants it",
            Diagnosis::ProviderFault => "try again later",
            Diagnosis::Redirected => "read its `location` header, which says where",
            Diagnosis::NotAuthorized | Diagnosis::Unclear => "read its answer, which says why",
        }
    }
}

/// What a failed call failed of, and what its answer said of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub diagnosis: Diagnosis,
    /// The API's own word, and its sentence where it has one, as they came.
    said: Option<String>,
    organizations: &'static [Organization],
    pause: Option<&'static str>,
    /// The scopes that the call needs, as they came.
    scopes: Option<String>,
}

impl Finding {
    /// A failure of which an answer of this product says no more.
    pub fn new(diagnosis: Diagnosis, product: Option<&'static Product>) -> Self {
        let organizations = product.map_or(&[][..], |product| &product.organizations);
        let pause = product.and_then(|product| product.answers.pause);
        Self { diagnosis, said: None, organizations, pause, scopes: None }
    }

    /// What the API called it, made safe to show and without what is `known` as a secret.
    pub fn said(&self, known: &Known) -> Option<String> {
        let said = known.blot(self.said.as_ref()?);
        let shown = Untrusted::new(said.chars().take(LONGEST_SAID).collect::<String>()).line();
        Some(if said.chars().nth(LONGEST_SAID).is_some() { shown + "…" } else { shown })
    }

    /// The scopes that the call lacks, where the API names them.
    pub fn missing(&self, known: &Known) -> Option<String> {
        let scopes = Untrusted::new(known.blot(self.scopes.as_ref()?)).scopes().join(" ");
        let is_it = self.diagnosis == Diagnosis::MissingScope && (1..=LONGEST_SAID).contains(&scopes.len());
        is_it.then_some(scopes)
    }

    /// What happened, with what the API called it.
    pub fn meaning(&self, known: &Known) -> String {
        match self.said(known) {
            Some(said) => format!("{} ({said})", self.diagnosis.meaning()),
            None => self.diagnosis.meaning().to_owned(),
        }
    }

    /// What to do, at this product.
    pub fn next(&self) -> String {
        match (self.diagnosis, self.organizations, self.pause) {
            (Diagnosis::MissingOrganization, [_, ..], _) => {
                let ways: Vec<String> = self.organizations.iter().map(|way| way.in_words()).collect();
                format!("give {}", ways.join(" or "))
            }
            (Diagnosis::RateLimited, _, Some(pause)) => format!("{}: {pause}", self.diagnosis.next()),
            _ => self.diagnosis.next().to_owned(),
        }
    }
}

/// Reads what a failed call failed of; `None` for one that worked. `product` is whose answer it is, where that is known.
///
/// The body may be the beginning of one: it is judged by what it has.
pub fn diagnose(dialect: &Dialect, product: Option<&'static Product>, response: &Response) -> Option<Finding> {
    let answers = product.map_or(&dialect.api.answers, |product| product.answers);
    let reader = Reader { dialect, answers };
    // These lead elsewhere also where a header does not say so, or nobody can read it (RFC 9110 §15.4).
    let leads_away = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    if leads_away || (300..400).contains(&response.status) && response.header("location").is_some() {
        return Some(Finding::new(Diagnosis::Redirected, product));
    }
    let is_refused = response.status >= 400;
    if !is_refused && answers.failures.is_empty() {
        return None;
    }
    let body = response.in_utf8();
    let beginning = body.get(..JUDGED_BYTES).unwrap_or(&body);
    let body = decode::beginning(beginning).unwrap_or_default();
    let account = if is_refused { &body } else { reader.failed_part(&body)? };
    let mut said = Said::default();
    said.read(account, dialect);
    // RFC 6750 §3 puts its error words here.
    let challenge = response.header("www-authenticate");
    said.codes.extend(challenge.and_then(|header| parameter(header, "error")));
    let scopes = body.get("scope").and_then(Value::as_str).map(str::to_owned);
    let scopes = scopes.or_else(|| parameter(challenge?, "scope"));
    let is_silent = said.is_empty();
    if is_refused && body.is_null() {
        // Pages of gateways name the word as well.
        said.texts.push(decode::text(beginning).into_owned());
    }
    let known = said.first(reader.words()).map(|word| word.means);
    let names_organization = || {
        let mut names = product.into_iter().flat_map(|product| &product.organizations).map(|by| by.name());
        names.any(|name| said.texts.iter().any(|text| has_word(text, name)))
    };
    let diagnosis = match (known, response.status) {
        (_, 429) => Diagnosis::RateLimited,
        (Some(known), _) => known,
        (None, 403) if response.header("x-ratelimit-remaining") == Some("0") => Diagnosis::RateLimited,
        // By the time that it names. With 503 that is the end of an overload or of maintenance (RFC 9110 §15.6.4).
        (None, 403) if response.header("retry-after").is_some() => Diagnosis::RateLimited,
        (None, 408 | 425 | 500..) => Diagnosis::ProviderFault,
        (None, _) if names_organization() => Diagnosis::MissingOrganization,
        (None, 401) => Diagnosis::NotAuthorized,
        (None, 404) if is_silent => Diagnosis::WrongAddress,
        (None, _) => Diagnosis::Unclear,
    };
    let words = if body.is_null() { None } else { said.in_words() };
    Some(Finding { said: words, scopes, ..Finding::new(diagnosis, product) })
}

/// The words that APIs are known to use, with whose they are, for people.
pub fn known_words() -> Vec<(String, Word)> {
    let shared = answers::zoho::DIALECT.answers.words.iter().map(|word| ("all of Zoho's".to_owned(), word));
    let mut known: Vec<_> = shared.collect();
    for (index, product) in PRODUCTS.iter().enumerate() {
        let answers_alike = |other: &&Product| std::ptr::eq(other.answers, product.answers);
        if !PRODUCTS[..index].iter().any(|other| answers_alike(&other)) {
            let names: Vec<&str> = PRODUCTS.iter().filter(answers_alike).map(|product| product.name).collect();
            known.extend(product.answers.words.iter().map(|word| (names.join(", "), word)));
        }
    }
    for (name, words) in [
        ("any API (RFC 6750)", answers::RFC_WORDS),
        ("GitHub", answers::GITHUB.answers.words),
        ("Google", answers::GOOGLE.answers.words),
        ("Microsoft", answers::MICROSOFT.answers.words),
    ] {
        known.extend(words.iter().map(|word| (name.to_owned(), word)));
    }
    known
}

/// A parameter of a challenge (RFC 6750 §3), quoted or not.
fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, rest) = header.split_once(&format!("{name}="))?;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([',', ' ']).next(),
    };
    value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The tables by which an answer is read.
struct Reader<'a> {
    dialect: &'a Dialect,
    answers: &'a Answers,
}

impl Reader<'_> {
    /// The product's words, then those that all products of the provider share, then those of any API.
    fn words(&self) -> impl Iterator<Item = Word> + Clone + use<> {
        self.answers.words.iter().chain(self.dialect.api.answers.words.iter()).chain(answers::RFC_WORDS.iter())
    }

    /// The part of a body with a status of success that tells of a failure.
    fn failed_part<'b>(&self, body: &'b Value) -> Option<&'b Value> {
        self.answers.failures.iter().find_map(|failure| match failure {
            Failure::Is(place, values) => at(body, place, &|found| is_among(found, *values)),
            Failure::Not(place, values) => {
                at(body, place, &|found| scalar(found).is_some() && !is_among(found, *values))
            }
            Failure::Has(place) => at(body, place, &|found| !decode::says_nothing(found)),
            Failure::Account => account(body, 0),
            Failure::OnlyWords => Some(body).filter(|body| self.is_only_words(body)),
        })
    }

    fn is_only_words(&self, body: &Value) -> bool {
        let mut said = Said::default();
        said.read(body, self.dialect);
        has_only_error_members(body, self.dialect, 0) && said.first(self.words()).is_some()
    }
}

/// What a member holds at most before it is no account of an error any more.
const MOST_MEMBERS: usize = 12;
/// How deep accounts of errors lie.
const DEEPEST: usize = 6;

fn has_only_error_members(value: &Value, dialect: &Dialect, depth: usize) -> bool {
    match value {
        Value::Object(members) => {
            let is_of_error = |name: &String| {
                let name = plain(name);
                let known = dialect.api.code_members.iter().chain(dialect.api.text_members);
                known.chain(Words("status statuscode requesturl instance")).any(|known| known == name)
            };
            depth < DEEPEST
                && members.len() <= MOST_MEMBERS
                && members.keys().all(is_of_error)
                && members.values().all(|value| has_only_error_members(value, dialect, depth + 1))
        }
        Value::Array(values) => {
            depth < DEEPEST
                && values.len() <= MOST_MEMBERS
                && values.iter().all(|value| has_only_error_members(value, dialect, depth + 1))
        }
        _ => true,
    }
}

/// The first object that is nothing but the account of a failure.
fn account(value: &Value, depth: usize) -> Option<&Value> {
    const NEEDED: [&str; 4] = ["code", "details", "message", "status"];
    const ALLOWED: [&str; 3] = ["action", "duplicate_field", "info"];
    match value {
        Value::Object(members) => {
            let is_account = NEEDED.iter().all(|name| members.contains_key(*name))
                && members.keys().all(|name| NEEDED.contains(&name.as_str()) || ALLOWED.contains(&name.as_str()))
                && members.get("details").is_some_and(|details| details.is_object() || details.is_array());
            if is_account {
                return Some(value)
                    .filter(|_| members.get("status").is_some_and(|status| is_among(status, Words("error"))));
            }
            members.values().filter(|_| depth < DEEPEST).find_map(|value| account(value, depth + 1))
        }
        Value::Array(values) => values.iter().filter(|_| depth < DEEPEST).find_map(|value| account(value, depth + 1)),
        _ => None,
    }
}

/// The account of a failure whose member at `place` is as wanted: the element of the list, where the place names one, else
/// all that there is.
fn at<'b>(body: &'b Value, place: &str, is_wanted: &dyn Fn(&Value) -> bool) -> Option<&'b Value> {
    match place.split_once("[]") {
        Some((list, rest)) => {
            let list = follow(body, list)?.as_array()?;
            list.iter().find(|element| at(element, rest.trim_start_matches('.'), is_wanted).is_some())
        }
        None => Some(body).filter(|body| follow(body, place).is_some_and(is_wanted)),
    }
}

fn follow<'b>(body: &'b Value, place: &str) -> Option<&'b Value> {
    place.split('.').filter(|name| !name.is_empty()).try_fold(body, |value, name| {
        let mut members = value.as_object()?.iter();
        members.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

fn is_among(value: &Value, values: Words) -> bool {
    scalar(value).is_some_and(|text| values.iter().any(|known| known.eq_ignore_ascii_case(&text)))
}

/// A word, a number or a truth as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The name of a member as the tables write it.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect()
}

/// What an account of an error says, wherever in it: in the order of depth, as what is said first is said of the whole.
#[derive(Default)]
struct Said {
    codes: Vec<String>,
    texts: Vec<String>,
}

impl Said {
    fn read(&mut self, account: &Value, dialect: &Dialect) {
        let mut level = vec![account];
        for _ in 0..=DEEPEST {
            let mut below = Vec::new();
            for value in level {
                match value {
                    Value::Object(members) => {
                        for (name, value) in members {
                            self.read_member(name, value, dialect);
                            below.push(value);
                        }
                    }
                    Value::Array(values) => below.extend(values),
                    _ => {}
                }
            }
            level = below;
        }
    }

    fn read_member(&mut self, name: &str, value: &Value, dialect: &Dialect) {
        let name = plain(name);
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let values = values.iter().filter(|value| !value.is_boolean()).filter_map(scalar);
        if dialect.api.code_members.contains(&name) {
            self.codes.extend(values.filter(|value| !value.is_empty()));
        } else if dialect.api.text_members.contains(&name) {
            self.texts.extend(values.filter(|value| !value.is_empty()));
        }
    }

    fn is_empty(&self) -> bool {
        self.codes.is_empty() && self.texts.is_empty()
    }

    /// Tells whether a word stands in its place, or amid others where it can stand for nothing else.
    fn has(&self, word: Word) -> bool {
        let mut all = self.codes.iter().chain(&self.texts);
        self.codes.iter().any(|code| code.eq_ignore_ascii_case(word.word))
            || is_distinct(word) && all.any(|text| has_word(text, word.word))
    }

    /// Tells whether a sentence is this word alone. A number there is no code.
    fn tells(&self, word: Word) -> bool {
        let is_number = word.word.bytes().all(|byte| byte.is_ascii_digit());
        !is_number && self.texts.iter().any(|text| text.eq_ignore_ascii_case(word.word))
    }

    /// The word that decides.
    fn first(&self, mut words: impl Iterator<Item = Word> + Clone) -> Option<Word> {
        words.clone().find(|word| self.has(*word)).or_else(|| words.find(|word| self.tells(*word)))
    }

    /// The word and the sentence that say it best.
    fn in_words(&self) -> Option<String> {
        match (self.codes.first(), self.texts.first()) {
            (Some(code), Some(text)) if !text.eq_ignore_ascii_case(code) => Some(format!("{code}: {text}")),
            (Some(one), _) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        }
    }
}

/// Tells whether a word of an API stands for nothing else, so that it counts wherever it is.
fn is_distinct(word: Word) -> bool {
    word.word.contains(['_', ' '])
}

/// Characters of what an API said that go into one line.
const LONGEST_SAID: usize = 120;

/// Tells whether a text has this word in it, not as a part of another one.
fn has_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    text.match_indices(&word).any(|(start, _)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

#[cfg(test)]
mod tests;
