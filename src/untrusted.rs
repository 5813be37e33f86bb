//! The border between text that a server sent and text that this program shows, stores or sends on.
//!
//! [`Untrusted`] has no `Display`: each way out is a grammar for one kind of field. Bodies, which have no grammar, go
//! through [`visible`] before a person sees them.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use url::{Host, Origin, Url};

/// The longest text that is shown from one field, in characters.
const LONGEST_FIELD: usize = 300;

/// Bytes.
const LONGEST_TOKEN: usize = 64 * 1024;
/// Bytes.
const LONGEST_ADDRESS: usize = 2048;

/// Text as a server sent it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

/// A field did not pass its check. Says which field and what was expected, never what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent {field} that {problem}")]
pub struct Rejected {
    pub field: &'static str,
    pub problem: &'static str,
}

impl Untrusted {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The same without white space around it, which no field means.
    #[must_use]
    pub fn trimmed(self) -> Self {
        Self(self.0.trim().to_owned())
    }

    /// A user code: 1 to 32 printable ASCII characters, shown exactly as sent (RFC 8628 §6.1).
    pub fn user_code(&self) -> Result<String, Rejected> {
        let fits =
            (1..=32).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if fits && self.0.trim() == self.0 {
            Ok(self.0.clone())
        } else {
            Err(Rejected { field: "a user code", problem: "is not 1 to 32 printable ASCII characters" })
        }
    }

    /// An access token: up to 64 KiB of visible ASCII, so that it fits a header (RFC 6750 §2.1).
    pub fn token(&self, field: &'static str) -> Result<&str, Rejected> {
        self.printable(field, u8::is_ascii_graphic)
    }

    /// A refresh token or a code, which travel in forms and may have blanks (RFC 6749 appendices A.11 and A.17).
    pub fn token_of_forms(&self, field: &'static str) -> Result<&str, Rejected> {
        self.printable(field, |byte| matches!(byte, b' '..=b'~'))
    }

    fn printable(&self, field: &'static str, fits: fn(&u8) -> bool) -> Result<&str, Rejected> {
        let token = self.0.as_str();
        if token.len() > LONGEST_TOKEN {
            return Err(Rejected { field, problem: "is too long: at most 64 KiB are taken" });
        }
        let fits = !token.is_empty() && token.bytes().all(|byte| fits(&byte));
        if fits { Ok(token) } else { Err(Rejected { field, problem: "is empty or not printable ASCII" }) }
    }

    /// An address that people open or this program calls: `https`, or `http` on loopback, without user info.
    pub fn url(&self, field: &'static str) -> Result<Url, Rejected> {
        self.url_among(field, &[])
    }

    /// As [`Untrusted::url`], but takes plain `http` at origins that were known before the server spoke.
    pub fn url_among(&self, field: &'static str, known: &[Origin]) -> Result<Url, Rejected> {
        let rejected = |problem| Rejected { field, problem };
        if self.0.len() > LONGEST_ADDRESS {
            return Err(rejected("is too long: at most 2048 characters are taken"));
        }
        if self.0.contains('\\') || !self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(rejected("has characters that no address has"));
        }
        let url = Url::parse(&self.0).map_err(|_| rejected("is no address"))?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        // `blob:` addresses have the origin of the address in them, and no host.
        let is_known = url.has_host() && known.contains(&url.origin());
        if has_user || !is_known {
            check_address(&url).map_err(rejected)?;
        }
        Ok(url)
    }

    /// A word such as `error` or `user_location`: letters, digits and `_-. `, at most 64.
    pub fn word(&self) -> Option<&str> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte);
        ((1..=64).contains(&self.0.len()) && self.0.bytes().all(fits)).then_some(self.0.as_str())
    }

    /// One line for people: an `error_description`, a person's name, a header. Controls, bidi and zero-width characters
    /// become visible, length is capped.
    pub fn line(&self) -> String {
        // Nearly every one is plain, and a list shows tens of thousands.
        if self.0.len() <= LONGEST_FIELD && self.0.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return self.0.clone();
        }
        let mut line = String::new();
        self.0.chars().take(LONGEST_FIELD).for_each(|character| push_visible(&mut line, character));
        if self.0.chars().nth(LONGEST_FIELD).is_some() { line + "…" } else { line }
    }

    /// The scopes of a token answer, separated by spaces or commas; those with odd characters are left out
    /// (RFC 6749 §3.3).
    pub fn scopes(&self) -> Vec<String> {
        let is_scope = |scope: &&str| {
            (1..=200).contains(&scope.len()) && scope.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\,".contains(&b))
        };
        self.0.split([' ', ',']).filter(is_scope).take(500).map(str::to_owned).collect()
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // May hold a token, so no part of it is shown.
        write!(f, "Untrusted({} bytes)", self.0.len())
    }
}

/// Tells whether credentials may travel to `url` and people may be sent there; else the reason why not.
///
/// Plain `http` is for loopback only, where the built-in server and test servers live.
pub fn check_address(url: &Url) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("carries a user name or password");
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err("is plain http outside this machine"),
        _ => Err("is neither https nor http"),
    }
}

/// Tells whether `url` is `https` on a host that the whole Internet may know: a name with a dot that is not reserved for
/// private networks, and no IP address.
fn is_public(url: &Url) -> bool {
    let Some(Host::Domain(name)) = url.host() else { return false };
    let name = name.trim_end_matches('.');
    let is_private = PRIVATE_DOMAINS.iter().any(|domain| is_below(name, domain));
    url.scheme() == "https" && name.contains('.') && !is_private
}

/// Tells whether `url`, which the server at `base` named, leads no deeper into a private network than `base` does: it is on
/// the same host and port, public, or in the same kind of network.
pub fn is_near(url: &Url, base: &Url) -> bool {
    let is_same_network = match (ends_here(base), ends_here(url)) {
        (true, true) => true,
        (false, false) => url.scheme() == "https" && !is_public(base) && !is_link_local(url),
        _ => false,
    };
    url.origin() == base.origin() || is_public(url) || is_same_network
}

/// RFC 6761 §6.3, RFC 6762 §3, RFC 8375; `internal` is ICANN's.
const PRIVATE_DOMAINS: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Tells whether a connection to `url` may end at this machine, however that is written: wider than [`is_loopback`], since
/// it keeps others out.
fn ends_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_below(name.trim_end_matches('.'), "localhost"),
        _ => address(url).is_some_and(|address| address.is_loopback() || address.is_unspecified()),
    }
}

fn is_link_local(url: &Url) -> bool {
    address(url).is_some_and(|address| match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    })
}

/// The IP address in `url`; one of IPv4 that is written as IPv6 (RFC 4291 §2.5.5.2) as what it is.
fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.to_canonical()),
        Host::Domain(_) => None,
    }
}

/// Tells whether `url` leads to this machine itself.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Makes a body safe for a terminal: every character that could steer it or hide text becomes visible, lines stay lines.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    push_lines(&mut shown, text);
    shown
}

/// As [`visible`], for a body that comes in pieces, which may end within a character. What is no text becomes U+FFFD.
#[derive(Default)]
pub struct VisibleStream {
    /// The beginning of a character.
    begun: Vec<u8>,
}

impl VisibleStream {
    pub fn push(&mut self, piece: &[u8], shown: &mut String) {
        let mut joined = std::mem::take(&mut self.begun);
        let bytes = if joined.is_empty() {
            piece
        } else {
            joined.extend_from_slice(piece);
            joined.as_slice()
        };
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            push_lines(shown, chunk.valid());
            let invalid = chunk.invalid();
            let may_go_on = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if may_go_on && chunks.peek().is_none() {
                self.begun = invalid.to_vec();
            } else if !invalid.is_empty() {
                shown.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// Nothing follows.
    pub fn finish(self, shown: &mut String) {
        if !self.begun.is_empty() {
            shown.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn push_lines(shown: &mut String, text: &str) {
    // As most texts are.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return shown.push_str(text);
    }
    for character in text.chars() {
        if character == '\n' { shown.push('\n') } else { push_visible(shown, character) }
    }
}

/// What stands for a character that is not shown.
pub fn code_point(character: char) -> String {
    format!("<U+{:04X}>", u32::from(character))
}

fn push_visible(shown: &mut String, character: char) {
    let steers = matches!(character,
        '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}' // C0 but tab and line feed, DEL, C1
        | '\u{ad}' | '\u{34f}' | '\u{61c}' // soft hyphen, grapheme joiner, Arabic letter mark
        | '\u{115f}'..='\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' // letters and a pattern that look like nothing
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' // Khmer and Mongolian characters without a glyph
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' // zero width, separators, bidi
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' // byte order mark, hieroglyphs' joiners
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' // of shorthand and music
        | '\u{e0000}'..='\u{e0fff}');
    match character {
        '\n' | '\t' => shown.push(' '),
        _ if steers => shown.push_str(&code_point(character)),
        _ => shown.push(character),
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Untrusted, VisibleStream, is_near, visible};

    #[test]
    fn controls_and_bidi_become_visible() {
        assert_eq!(visible("a\x1b]52;c;x\x07\r\n\u{202e}b"), "a<U+001B>]52;c;x<U+0007><U+000D>\n<U+202E>b");
        assert_eq!(Untrusted::new("one\ntwo\u{200b}").line(), "one two<U+200B>");
        assert!(Untrusted::new("x".repeat(5000)).line().chars().count() <= 301);
    }

    #[test]
    fn a_body_in_pieces_is_shown_as_the_whole_would_be() {
        let body = b"a\x1b[2J\xff\xf0\x9f\xa6\x80\xe2\x80\xae\xf0\x9f\n\xc3\xa9\xe2\x82";
        let whole = visible(&String::from_utf8_lossy(body));
        for size in 1..=body.len() {
            let (mut stream, mut shown) = (VisibleStream::default(), String::new());
            body.chunks(size).for_each(|piece| stream.push(piece, &mut shown));
            stream.finish(&mut shown);
            assert_eq!(shown, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn user_codes_with_escapes_spaces_at_the_ends_or_no_text_are_refused() {
        for code in ["", "AB\x1b[31m", " ABCD", "ABCD ", "ÄBCD", "AB\nCD", &"A".repeat(33)] {
            assert!(Untrusted::new(code).user_code().is_err(), "{code:?}");
        }
        assert_eq!(Untrusted::new("WLKU-4502").user_code().as_deref(), Ok("WLKU-4502"));
    }

    #[test]
    fn addresses_that_are_not_https_or_carry_a_user_are_refused() {
        for address in [
            "http://accounts.example.com/",
            "javascript:alert(1)",
            "blob:https://accounts.zoho.com/x",
            "file:///etc/passwd",
            "https://accounts.zoho.com@evil.example/",
            "https://evil.example\\@accounts.zoho.com/",
            "https://evil.example/\x1b[2J",
            "http://127.0.0.1.evil.example/",
            "//evil.example/",
            "",
        ] {
            assert!(Untrusted::new(address).url("an address").is_err(), "{address:?}");
        }
        for address in ["https://accounts.zoho.eu/oauth/v3/device", "http://127.0.0.1:9101/", "http://[::1]:1/"] {
            assert!(Untrusted::new(address).url("an address").is_ok(), "{address:?}");
        }
    }

    #[test]
    fn nothing_leads_deeper_into_a_private_network_however_it_is_written() {
        let address = |text: &str| Url::parse(text).expect("an address");
        let (public, private, own) = ("https://id.example.com/", "https://10.0.0.5/", "http://127.0.0.1:9101/");
        for (base, near) in [
            (public, "https://token.example.net/"),
            (private, "https://id.example.com/"),
            (private, "https://router/"),
            (private, "https://[::ffff:10.0.0.6]/"),
            (own, "http://localhost:9102/"),
            (own, "https://id.example.com/"),
        ] {
            assert!(is_near(&address(near), &address(base)), "{near} from {base}");
        }
        for (base, far) in [
            (public, "https://10.0.0.5/"),
            (public, "https://home.arpa/"),
            (public, "https://id.internal./"),
            (private, "https://localhost./"),
            (private, "https://a.localhost/"),
            (private, "https://0.0.0.0/"),
            (private, "https://[::]/"),
            (private, "https://[::1]/"),
            (private, "https://[::ffff:127.0.0.1]/"),
            (private, "https://[::ffff:169.254.169.254]/"),
            (private, "https://169.254.169.254/"),
            (private, "https://[fe80::1]/"),
            (own, "https://10.0.0.5/"),
            (own, "https://[::ffff:169.254.169.254]/"),
        ] {
            assert!(!is_near(&address(far), &address(base)), "{far} from {base}");
        }
    }

    #[test]
    fn scopes_split_at_spaces_and_commas() {
        assert_eq!(Untrusted::new("a.b c,d  \"e\" ").scopes(), ["a.b", "c", "d"]);
    }
}
