//! What a person may paste for the address on which the browser ended, from the whole of it to the code alone. Lenient:
//! the state decides whether it belongs to the request, not how it was copied.

use url::Url;
use url::form_urlencoded;

use crate::registered::RedirectUri;
use crate::sorted;
use crate::untrusted::Untrusted;

/// One reading of a pasted text.
pub(super) enum Reading {
    Parameters(Parameters),
    /// A code without anything that tells whose it is.
    CodeAlone(String),
    Nothing,
}

/// The parameters of a way back, in their order.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of a parameter that is there once.
    pub(super) fn one(&self, name: &str) -> Option<Untrusted> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        values.next().filter(|_| values.next().is_none()).map(|(_, value)| Untrusted::new(value.as_str()))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A parameter that comes twice could mean one thing here and another elsewhere (RFC 6749 §3.1).
    pub(super) fn has_twice(&self) -> bool {
        let mut names: Vec<_> = self.0.iter().map(|(name, _)| name).collect();
        sorted::by(&mut names, Ord::cmp);
        names.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// Those of a query or a form, also with `&` as pages write it.
    fn of(query: &str) -> Self {
        Self(form_urlencoded::parse(query.replace("&amp;", "&").as_bytes()).into_owned().collect())
    }

    fn are_an_answer(&self) -> bool {
        ["state", "code", "error"].into_iter().any(|name| self.has(name))
    }
}

/// All readings of what was pasted, in their order: each word, without what is written around it.
pub(super) fn readings(text: &str, redirect_uri: &RedirectUri) -> Vec<Reading> {
    let words: Vec<&str> = text.split_whitespace().map(unwrapped).collect();
    let is_one = words.len() == 1;
    let read = |word| match read(word, redirect_uri) {
        // One word of many is no code.
        Reading::CodeAlone(_) if !is_one => Reading::Nothing,
        reading => reading,
    };
    words.into_iter().map(read).collect()
}

/// Without the quotes or brackets around it.
fn unwrapped(word: &str) -> &str {
    const PAIRS: [(char, char); 8] =
        [('<', '>'), ('"', '"'), ('\'', '\''), ('`', '`'), ('(', ')'), ('[', ']'), ('“', '”'), ('«', '»')];
    PAIRS.into_iter().fold(word, |word, (open, close)| match word.strip_prefix(open) {
        Some(inner) => inner.trim_end_matches([close, ',', '.', ';']),
        None => word.trim_end_matches(close),
    })
}

fn read(word: &str, redirect_uri: &RedirectUri) -> Reading {
    let own_scheme = format!("{}:", redirect_uri.url().scheme());
    let parameters = if word.contains("://") || word.starts_with(&own_scheme) {
        of_address(word, redirect_uri)
    } else if word.contains(['?', '&', '#']) || is_parameter(word) {
        of_part(word, redirect_uri)
    } else {
        return code_alone(word);
    };
    parameters.filter(Parameters::are_an_answer).map_or(Reading::Nothing, Reading::Parameters)
}

fn of_address(word: &str, redirect_uri: &RedirectUri) -> Option<Parameters> {
    let address = Url::parse(word).ok().filter(|address| redirect_uri.leads_to(address))?;
    let of_query = Parameters::of(address.query().unwrap_or_default());
    // Some providers answer behind the `#`, which a browser sends to nobody.
    let of_fragment = || Parameters::of(address.fragment().unwrap_or_default());
    Some(if of_query.are_an_answer() { of_query } else { of_fragment() })
}

/// The end of an address, as far as it was copied: `host/path?query`, `/path?query`, `?query`, `query`.
fn of_part(word: &str, redirect_uri: &RedirectUri) -> Option<Parameters> {
    let (before, query) = word.split_once(['?', '#']).unwrap_or(("", word));
    let own = redirect_uri.as_str().split('?').next().unwrap_or_default().trim_end_matches('/');
    let is_end = own.to_ascii_lowercase().ends_with(&before.trim_end_matches('/').to_ascii_lowercase());
    let query = query.split('#').next().unwrap_or_default();
    is_end.then(|| Parameters::of(query))
}

/// Tells `code=…` from a code that ends in padding.
fn is_parameter(word: &str) -> bool {
    word.split_once('=').is_some_and(|(_, value)| !value.trim_matches('=').is_empty())
}

fn code_alone(word: &str) -> Reading {
    // As it is in the address, where it may be encoded.
    let decoded = form_urlencoded::parse(format!("code={}", word.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, code)| code.into_owned())
        .unwrap_or_default();
    match Untrusted::new(decoded.as_str()).token("an authorization code") {
        Ok(_) => Reading::CodeAlone(decoded),
        Err(_) => Reading::Nothing,
    }
}
