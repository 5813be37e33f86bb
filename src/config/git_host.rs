//! Where git may be given a profile's access token: a server, and there a part of it where several profiles share one.

use std::fmt;
use std::str::FromStr;

/// `HOST[:PORT][/PATH]`, as git writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHost {
    /// With the port, where it has one.
    host: String,
    /// Without slashes at its ends; empty for the whole server.
    path: String,
}

impl GitHost {
    /// A whole server.
    pub fn server(host: impl Into<String>) -> Self {
        Self { host: host.into(), path: String::new() }
    }

    /// How closely this fits what git asks for: `None` where it does not, else the length of the path. The host is compared
    /// letter by letter, since whoever else answers to a similar name must not get the token.
    pub fn fit(&self, host: &str, path: &str) -> Option<usize> {
        let path = path.trim_start_matches('/');
        let rest = path.strip_prefix(&self.path)?;
        let is_below = self.path.is_empty() || rest.is_empty() || (rest.starts_with('/') && is_straight(path));
        (self.host == host && is_below).then_some(self.path.len())
    }
}

/// Whether servers take a path as it stands. What they may make another one of leads out of the part that is named: parts
/// such as `..`, also with parameters behind them (`..;x`), nothing between two slashes, and what is still escaped after git has read the
/// address once.
fn is_straight(path: &str) -> bool {
    let mut parts = path.trim_end_matches('/').split('/');
    !path.contains(['%', '\\', ';']) && parts.all(|part| !matches!(part, "" | "." | ".."))
}

impl fmt::Display for GitHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.path.is_empty() { "" } else { "/" };
        write!(f, "{}{slash}{}", self.host, self.path)
    }
}

impl FromStr for GitHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        let is_of =
            |part: &str, others: &[u8]| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte));
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let is_name = !name.is_empty() && !name.starts_with(['.', '-']) && is_of(name, b".-_");
        let is_address = name.starts_with('[') && name.ends_with(']') && is_of(name, b"[]:.");
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0) && is_of(port, b""));
        let path = path.trim_matches('/');
        if !((is_name || is_address) && is_port)
            || path.contains(char::is_whitespace)
            || path.contains(char::is_control)
            || !(path.is_empty() || is_straight(path))
        {
            return Err(
                "and takes hosts such as \"git.example.com\", \"git.example.com:8443\" or \"git.example.com/group\"",
            );
        }
        Ok(Self { host: host.to_owned(), path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::GitHost;

    #[test]
    fn a_host_is_taken_as_git_writes_it() {
        for text in [
            "git.example.com",
            "git.example.com:8443",
            "localhost:80",
            "[::1]:8443",
            "[::1]",
            "GIT.example.com",
            "a/b/c/",
        ] {
            assert!(text.parse::<GitHost>().is_ok(), "{text}");
        }
        for text in [
            "",
            "/",
            "/x",
            "https://git.example.com",
            "u@git.example.com",
            "git.example.com:",
            "git.example.com:0",
            "git.example.com:99999",
            "git.example.com:+80",
            "*.example.com",
            "a b",
            "a\nb",
            "a/b c",
            "-x",
            ".x",
            "[::1",
            "ä.example",
        ] {
            assert!(text.parse::<GitHost>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_fits_but_the_very_host_and_what_is_below_the_path() {
        let fit = |known: &str, host: &str, path: &str| known.parse::<GitHost>().expect("a host").fit(host, path);
        for (known, host, path, expected) in [
            ("git.example.com", "git.example.com", "", Some(0)),
            ("git.example.com", "git.example.com", "a/b.git", Some(0)),
            ("git.example.com", "GIT.example.com", "", None),
            ("git.example.com", "git.example.com.", "", None),
            ("git.example.com", "git.example.com:443", "", None),
            ("git.example.com:8443", "git.example.com:8443", "", Some(0)),
            ("git.example.com:8443", "git.example.com", "", None),
            ("git.example.com", "xgit.example.com", "", None),
            ("git.example.com", "u@git.example.com", "", None),
            ("git.example.com", "", "", None),
            ("git.example.com/acme", "git.example.com", "acme/x.git", Some(4)),
            ("git.example.com/acme", "git.example.com", "/acme", Some(4)),
            ("git.example.com/acme", "git.example.com", "acme2/x.git", None),
            ("git.example.com/acme", "git.example.com", "", None),
            ("git.example.com/acme", "git.example.com", "acme/", Some(4)),
            ("git.example.com/acme", "git.example.com", "acme/..x/.y/z...git/", Some(4)),
            ("git.example.com/acme", "git.example.com", "acme/../evil/x.git", None),
            ("git.example.com/acme", "git.example.com", "acme/x/../../evil", None),
            ("git.example.com/acme", "git.example.com", "acme/..", None),
            ("git.example.com/acme", "git.example.com", "acme/..;/evil", None),
            ("git.example.com/acme", "git.example.com", "acme/./x", None),
            ("git.example.com/acme", "git.example.com", "acme//../evil", None),
            ("git.example.com/acme", "git.example.com", "acme//evil", None),
            ("git.example.com/acme", "git.example.com", "acme/%2e%2e/evil", None),
            ("git.example.com/acme", "git.example.com", "acme/.%2E/evil", None),
            ("git.example.com/acme", "git.example.com", "acme/x%2f..%2f..%2fevil", None),
            ("git.example.com/acme", "git.example.com", "acme/x\\..\\..\\evil", None),
            ("git.example.com/acme", "git.example.com", "acme/%252e%252e/evil", None),
            ("git.example.com", "git.example.com", "acme/../evil", Some(0)),
        ] {
            assert_eq!(fit(known, host, path), expected, "{known} {host} {path}");
        }
    }
}
