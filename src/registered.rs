//! What a person registered with a provider: client ids, secrets, scopes, redirect URIs. Providers compare them byte for
//! byte, so they are checked here and never rewritten.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::near;
use crate::untrusted::{Untrusted, check_address, is_loopback, visible};

/// Where a client is registered to send browsers (RFC 6749 §3.1.2): the text as it was registered, and a parsed copy that
/// is only for comparing and listening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    url: Url,
}

impl RedirectUri {
    /// The text that goes out.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Tells whether this machine itself is heard there.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Tells whether only a program that the system knows for the scheme would be sent there (RFC 8252 §7.1).
    pub fn has_own_scheme(&self) -> bool {
        !["http", "https"].contains(&self.url.scheme())
    }

    /// The scheme that seems to be meant, where the one that is there is neither `https` nor `http` and near to one.
    pub fn meant_scheme(&self) -> Option<&'static str> {
        let near = || near::nearest(self.url.scheme(), ["https", "http"].map(|known| (known, known)));
        if self.has_own_scheme() { near().first().copied() } else { None }
    }

    /// Tells whether a browser that was sent here may have ended at `address`: browsers write hosts in their own way, and
    /// servers may add a slash.
    pub fn leads_to(&self, address: &Url) -> bool {
        fn place(url: &Url) -> (&str, Option<String>, Option<u16>, &str) {
            let host = url.host_str().map(|host| host.trim_end_matches('.').to_ascii_lowercase());
            (url.scheme(), host, url.port_or_known_default(), url.path().trim_end_matches('/'))
        }
        place(&self.url) == place(address)
    }

    /// The same with the port at which somebody listens, where port 0 stands for any.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        if self.url.port() != Some(0) {
            return self.clone();
        }
        let start = self.text.find("://").map_or(0, |at| at + 3);
        let end = self.text[start..].find(['/', '?']).map_or(self.text.len(), |at| start + at);
        let host = self.text[..end].trim_end_matches('0').trim_end_matches(':');
        format!("{host}:{port}{}", &self.text[end..]).parse().unwrap_or_else(|_| self.clone())
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RedirectUri {
    type Err = String;

    /// A problem is a clause: "is no address".
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SCRIPTS_AND_FILES: [&str; 7] = ["about", "blob", "data", "file", "javascript", "vbscript", "view-source"];
        let text = text.trim();
        let has_odd = text.chars().any(char::is_whitespace) || !is_shown(text) || text.contains('\\');
        let url = Url::parse(text).map_err(|_| "is no address: one begins with `https://` or `http://127.0.0.1`")?;
        if has_odd {
            return Err("has characters that no address has".to_owned());
        }
        if url.fragment().is_some() {
            return Err("has a fragment (`#`), which a redirect URI cannot have".to_owned());
        }
        match url.scheme() {
            "http" | "https" => check_address(&url)?,
            scheme if SCRIPTS_AND_FILES.contains(&scheme) => return Err("is neither https nor http".to_owned()),
            _ => {}
        }
        Ok(Self { text: text.to_owned(), url })
    }
}

/// Tells whether text can be a client id (RFC 6749 appendix A.1, and what else servers give out).
pub fn is_client_id(text: &str) -> bool {
    is_shown(text) && text.trim() == text
}

/// Tells whether text can be a client secret. The same characters: forms and headers carry it encoded (appendix B).
pub fn is_client_secret(text: &str) -> bool {
    is_client_id(text)
}

/// Tells whether text can be a scope (RFC 6749 §3.3), whether or not any server knows it. The comma separates scopes here.
pub fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\'))
}

/// What is wrong with a text that is no scope, with what hides in it.
pub fn no_scope(text: &str) -> String {
    let shown = Untrusted::new(text).line();
    format!(
        "`{shown}` is no scope: one has plain letters, digits and signs, and no blank, comma, quotation mark or backslash"
    )
}

/// Something, and nothing that cannot be seen or stands for bytes that were no text.
fn is_shown(text: &str) -> bool {
    let is_odd = |character: char| character.is_control() || character == char::REPLACEMENT_CHARACTER;
    // What there may be thousands of is plain.
    let is_plain = || text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    !text.is_empty() && (is_plain() || (!text.contains(is_odd) && visible(text) == text))
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{RedirectUri, is_client_id};

    /// With and without all that an address parser would rewrite.
    const REGISTERED: [&str; 16] = [
        "https://localhost",
        "https://localhost/",
        "http://127.0.0.1:8080",
        "http://LOCALHOST:8080/cb",
        "https://App.Example.COM/CallBack",
        "https://app.example.com./cb",
        "https://app.example.com:443/cb",
        "https://app.example.com/a/../b/./c",
        "https://app.example.com/%7euser/%2f",
        "https://app.example.com/cb?tenant=1&x=a+b%20c",
        "https://app.example.com?x",
        "https://bücher.example/cb",
        "https://app.example.com/a|b",
        "http://[0:0:0:0:0:0:0:1]:8123/",
        "myapp://cb",
        "com.example:/cb",
    ];

    fn parsed(text: &str) -> RedirectUri {
        text.parse().unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn what_was_registered_stays_to_the_byte() {
        for text in REGISTERED {
            assert_eq!(parsed(text).as_str(), text);
            assert_eq!(parsed(&format!(" {text}\n")).as_str(), text);
        }
    }

    #[test]
    fn what_no_browser_may_be_sent_to_is_refused_in_words() {
        for (text, part) in [
            ("", "no address"),
            ("localhost", "no address"),
            ("/cb", "no address"),
            ("https://", "no address"),
            ("https://a b", "no address"),
            ("https://app.example.com/a b", "characters"),
            ("https://app.example.com/\u{200b}", "characters"),
            ("https://app.example.com\\cb", "characters"),
            ("https://app.example.com/cb#x", "fragment"),
            ("https://me:pw@app.example.com/cb", "user name"),
            ("http://app.example.com/cb", "plain http"),
            ("http://0.0.0.0/cb", "plain http"),
            ("javascript:alert(1)", "neither https nor http"),
            ("file:///tmp/x", "neither https nor http"),
        ] {
            let problem = text.parse::<RedirectUri>().expect_err(text);
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn a_browser_may_end_with_or_without_a_slash_and_write_the_host_its_own_way() {
        for (registered, ended, is_ours) in [
            ("https://www.zylker.com/oauthredirect", "https://www.zylker.com/oauthredirect/?code=c", true),
            ("https://www.zylker.com/oauthredirect/", "https://www.zylker.com/oauthredirect?code=c", true),
            ("https://localhost", "https://localhost/?code=c", true),
            ("https://App.Example.COM:443/Cb", "https://app.example.com/Cb?code=c", true),
            ("https://app.example.com./cb", "https://app.example.com/cb", true),
            ("https://app.example.com/cb?t=1", "https://app.example.com/cb?t=1&code=c", true),
            ("myapp://cb", "myapp://cb?code=c", true),
            ("myapp://CB", "myapp://cb/?code=c", true),
            ("com.example:/cb", "com.example:/cb?code=c", true),
            ("https://app.example.com/cb", "http://app.example.com/cb", false),
            ("https://app.example.com/cb", "https://app.example.com/Cb", false),
            ("https://app.example.com/cb", "https://app.example.com:8443/cb", false),
            ("https://app.example.com/cb", "https://app.example.com.evil.example/cb", false),
            ("myapp://cb", "myapp2://cb", false),
            ("com.example:/cb", "com.example:/other", false),
        ] {
            let ended = Url::parse(ended).expect("an address");
            assert_eq!(parsed(registered).leads_to(&ended), is_ours, "{registered} {ended}");
        }
    }

    #[test]
    fn port_0_gives_way_to_the_one_that_is_heard_and_no_other_does() {
        for (registered, heard) in [
            ("http://127.0.0.1:0", "http://127.0.0.1:8123"),
            ("http://[::1]:0/cb?x=:0", "http://[::1]:8123/cb?x=:0"),
            ("http://LocalHost:00?x", "http://LocalHost:8123?x"),
            ("http://127.0.0.1:80/:0", "http://127.0.0.1:80/:0"),
            ("http://127.0.0.1", "http://127.0.0.1"),
        ] {
            assert_eq!(parsed(registered).with_port(8123).as_str(), heard);
        }
    }

    #[test]
    fn client_ids_have_blanks_and_letters_of_all_languages_but_nothing_that_is_not_seen() {
        for id in ["1000.ABC", "my app", "caf\u{e9}", "a%20b+c:d", "x"] {
            assert!(is_client_id(id), "{id:?}");
        }
        for id in ["", " ", " a", "a ", "a\tb", "a\nb", "a\u{0}", "a\u{200b}b", "a\u{1b}[2J", "a\u{fffd}"] {
            assert!(!is_client_id(id), "{id:?}");
        }
    }
}
