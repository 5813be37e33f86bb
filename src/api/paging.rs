//! Where a list goes on that an API gives in pages, by the tables of [`crate::providers::answers::paging`].
//!
//! A page is read as it comes; of it stay the few members that the table names.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use url::Url;

use crate::json::{Event, Reader, Token};
use crate::providers::answers::paging::{Lead, Paging, Place};

/// Bytes of a member at most that leads on; a longer one leads nowhere.
const LONGEST: usize = 16 * 1024;
/// No name that is looked for is longer.
const LONGEST_NAME: usize = 64;
/// How deep members lie that lead on.
const DEEPEST: usize = 4;

/// What one page says of the next.
pub struct Page {
    paging: &'static Paging,
    /// To what comes next.
    link: Option<String>,
    reader: Reader,
    found: Found,
}

impl Page {
    /// A page whose answer has these headers.
    pub fn new(paging: &'static Paging, headers: &[(String, String)]) -> Self {
        let lead = |lead: &Lead| match lead {
            Lead::Token { place, .. } | Lead::Address { place } => Some(*place),
            Lead::Number { .. } | Lead::Offset { .. } | Lead::Link => None,
        };
        let wanted = paging.more.into_iter().chain(paging.leads.iter().filter_map(lead));
        let list = paging.leads.iter().find_map(|lead| match lead {
            Lead::Offset { list, .. } => Some(*list),
            _ => None,
        });
        let texts = wanted.map(|place| (place, Vec::new())).collect();
        let found = Found { texts, list, ..Found::default() };
        Self { paging, link: next_link(headers), reader: Reader::default(), found }
    }

    /// Takes the next piece of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        let found = &mut self.found;
        self.reader.push(bytes, &mut |event| found.hear(event));
    }

    /// Whether what has come is one JSON value or the beginning of it.
    pub fn is_json(&self) -> bool {
        self.reader.is_sound() && self.reader.documents() <= 1
    }

    /// Ends the body. Tells whether it was exactly one JSON value.
    pub fn end(&mut self) -> bool {
        let found = &mut self.found;
        self.reader.finish(&mut |event| found.hear(event));
        self.reader.is_complete() && self.reader.documents() == 1
    }

    /// Whether the body may tell where the list goes on.
    pub fn reads_body(&self) -> bool {
        self.paging.leads.iter().any(|lead| *lead != Lead::Link)
    }

    /// Whether the body alone tells where the list goes on.
    pub fn is_in_body(&self) -> bool {
        self.paging.leads.iter().all(|lead| *lead != Lead::Link)
    }

    /// Where the list goes on after this page, which came from `url`; `None` at its end. The error says what is wrong with
    /// what the page says of that, as a clause.
    pub fn next(&self, url: &Url) -> Result<Option<Url>, String> {
        if self.found.is_too_long {
            return Err(format!("what it names is longer than {LONGEST} bytes"));
        }
        let says_more = |place| self.found.text(place).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        if self.paging.more.is_some_and(|place| !says_more(place)) {
            return Ok(None);
        }
        let next = self.paging.leads.iter().find_map(|lead| self.follow(lead, url)).transpose()?;
        match next {
            Some(next) if next.scheme() != url.scheme() => {
                Err(format!("it leads from `{}:` to `{}:`", url.scheme(), next.scheme()))
            }
            next => Ok(next),
        }
    }

    fn follow(&self, lead: &Lead, url: &Url) -> Option<Result<Url, String>> {
        match lead {
            Lead::Token { place, parameter, instead_of } => {
                let token = self.found.text(place).filter(|token| !token.is_empty())?;
                Some(Ok(with(url, parameter, &token, *instead_of)))
            }
            Lead::Number { parameter } => {
                let number = number(url, parameter).unwrap_or(1).saturating_add(1);
                Some(Ok(with(url, parameter, &number.to_string(), None)))
            }
            Lead::Offset { parameter, first, .. } => {
                let count = Some(self.found.elements).filter(|count| *count > 0)?;
                let next = number(url, parameter).unwrap_or(*first).saturating_add(count);
                Some(Ok(with(url, parameter, &next.to_string(), None)))
            }
            Lead::Address { place } => Some(joined(url, &self.found.text(place).filter(|text| !text.is_empty())?)),
            Lead::Link => Some(joined(url, self.link.as_deref()?)),
        }
    }
}

/// The address with this parameter, and without the one that it takes the place of. Others stay as they are, byte for byte.
fn with(url: &Url, name: &str, value: &str, instead_of: Option<&str>) -> Url {
    let is_other = |pair: &&str| {
        let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
        decoded.is_some_and(|(key, _)| key != name && Some(key.as_ref()) != instead_of)
    };
    let mut pairs: Vec<&str> = url.query().unwrap_or_default().split('&').filter(is_other).collect();
    let own = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    pairs.push(&own);
    let mut url = url.clone();
    url.set_query(Some(&pairs.join("&")));
    url
}

fn number(url: &Url, name: &str) -> Option<u64> {
    url.query_pairs().filter(|(key, _)| key == name).last()?.1.parse().ok()
}

/// An address that an answer names, seen from its own. What comes after `#` names no other page.
fn joined(url: &Url, text: &str) -> Result<Url, String> {
    let mut next = url.join(text).map_err(|_| "what it names is no address".to_owned())?;
    next.set_fragment(None);
    Ok(next)
}

/// The target of the first link to what comes next (RFC 8288 §3).
fn next_link(headers: &[(String, String)]) -> Option<String> {
    let lines = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    lines
        .flat_map(|(_, value)| links(value))
        .find(|(_, relations)| relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next")))
        .map(|(target, _)| target)
}

/// The targets in a `Link`, each with its relations. Of several `rel` the first counts.
fn links(value: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((_, begun)) = rest.split_once('<') {
        let Some((target, after)) = begun.split_once('>') else { break };
        let mut relations = None;
        rest = after;
        // The parameters, up to the comma before the next link.
        while let Some(parameter) = rest.trim_start().strip_prefix(';') {
            let end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
            let (name, after) = parameter.split_at(end);
            let (value, after) = match after.strip_prefix('=') {
                Some(value) => parameter_value(value),
                None => (String::new(), after),
            };
            if name.trim().eq_ignore_ascii_case("rel") {
                relations.get_or_insert(value);
            }
            rest = after;
        }
        links.push((target.trim().to_owned(), relations.unwrap_or_default()));
    }
    links
}

/// A token or a quoted text, and what follows it.
fn parameter_value(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            '"' if !is_escaped => return (value, &quoted[at + 1..]),
            '\\' if !is_escaped => is_escaped = true,
            _ => {
                value.push(character);
                is_escaped = false;
            }
        }
    }
    (value, "")
}

/// The members that lead on, as far as they have come.
#[derive(Default)]
struct Found {
    /// As they stand in the text.
    texts: Vec<(Place, Vec<u8>)>,
    is_too_long: bool,
    list: Option<Place>,
    elements: u64,
    /// What is open, from the top: the name of the member that is read of an object, `None` of a list.
    open: Vec<Option<Vec<u8>>>,
    /// How many are open below those that are told apart.
    deeper: usize,
    coming: Coming,
}

/// What the parts of a token are kept for.
#[derive(Clone, Copy, Default)]
enum Coming {
    #[default]
    Nothing,
    Name,
    /// The index of the text.
    Text(usize),
}

impl Found {
    fn text(&self, place: Place) -> Option<String> {
        let (_, text) = self.texts.iter().find(|(known, _)| *known == place)?;
        match serde_json::from_slice(text).ok()? {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            serde_json::Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Open(bracket) => {
                self.count();
                if self.open.len() < DEEPEST {
                    self.open.push((bracket == b'{').then(Vec::new));
                } else {
                    self.deeper += 1;
                }
            }
            Event::Close(_) if self.deeper > 0 => self.deeper -= 1,
            Event::Close(_) => drop(self.open.pop()),
            Event::Begin(Token::Key) => {
                if let Some(Some(name)) = self.open.last_mut().filter(|_| self.deeper == 0) {
                    name.clear();
                    self.coming = Coming::Name;
                }
            }
            Event::Begin(_) => {
                self.count();
                if let Some(at) = self.texts.iter().position(|(place, _)| self.is_at(place, place.len())) {
                    self.texts[at].1.clear();
                    self.coming = Coming::Text(at);
                }
            }
            Event::Part(bytes) => self.keep(bytes),
            Event::End(_) => self.coming = Coming::Nothing,
            Event::Comma | Event::Colon | Event::Document | Event::Rest(_) => {}
        }
    }

    /// Keeps a part of the token that comes, and of a longer one no more than shows that it is too long.
    fn keep(&mut self, bytes: &[u8]) {
        let (kept, most) = match self.coming {
            Coming::Nothing => return,
            Coming::Name => (self.open.last_mut().and_then(Option::as_mut), LONGEST_NAME),
            Coming::Text(at) => (self.texts.get_mut(at).map(|(_, text)| text), LONGEST),
        };
        let Some(kept) = kept else { return };
        kept.extend_from_slice(&bytes[..bytes.len().min((most + 1).saturating_sub(kept.len()))]);
        self.is_too_long |= kept.len() > LONGEST;
    }

    /// Counts the element of the list that begins here.
    fn count(&mut self) {
        let is_element = self.list.is_some_and(|list| self.is_at(list, list.len() + 1))
            && self.open.last().is_some_and(Option::is_none);
        self.elements += u64::from(is_element);
    }

    /// Whether what begins here is at this place, with so much open around it.
    fn is_at(&self, place: Place, depth: usize) -> bool {
        let is_named = |(open, name): (&Option<Vec<u8>>, &&str)| {
            let open = open.as_deref().and_then(|open| open.strip_prefix(b"\"")?.strip_suffix(b"\""));
            open == Some(name.as_bytes())
        };
        self.deeper == 0 && self.open.len() == depth && self.open.iter().zip(place).all(is_named)
    }
}

/// The trail from page to page, which must not lead in a circle. Needs no more room the longer it gets.
#[derive(Default)]
pub struct Trail {
    /// How many addresses there were.
    count: u64,
    /// One of them, which the later ones are compared with; it is taken anew whenever their number has doubled, so that a
    /// circle of any length is found.
    mark: Option<u64>,
    /// How the last page began.
    last: Option<u64>,
}

impl Trail {
    /// Goes to an address. Tells whether that is new.
    pub fn go_to(&mut self, url: &Url) -> bool {
        let place = hash(url.as_str().as_bytes());
        let is_new = self.mark != Some(place);
        self.count += 1;
        if self.count.is_power_of_two() {
            self.mark = Some(place);
        }
        is_new
    }

    /// Takes the beginning of a page. Tells whether it is another one than the last.
    pub fn arrive(&mut self, beginning: &[u8]) -> bool {
        let page = hash(beginning);
        self.last.replace(page) != Some(page)
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
