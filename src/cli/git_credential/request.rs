//! What git asks for: lines of `key=value` up to a blank one. What could be meant to pass for another line is refused.

use crate::secret::Secret;

/// The keys that count. Git writes others as well (`capability[]`, `wwwauth[]`, `password_expiry_utc`, `state[]`), and may
/// write more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) protocol: String,
    /// With the port, where the address has one.
    pub(super) host: String,
    pub(super) path: String,
    pub(super) username: String,
    pub(super) password: Option<Secret>,
}

impl Request {
    /// # Errors
    ///
    /// A clause: why nothing is answered. No value is in it.
    pub(super) fn parse(input: &[u8]) -> Result<Self, &'static str> {
        let mut request = Self::default();
        let mut has_host = false;
        for line in input.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()) {
            if line.contains(&b'\0') || line.contains(&b'\r') {
                return Err("a line of it has a NUL or a carriage return in it");
            }
            let line = str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
            let (key, value) = line.split_once('=').ok_or("a line of it has no `=`")?;
            match key {
                "protocol" => value.clone_into(&mut request.protocol),
                "host" => {
                    has_host = true;
                    value.clone_into(&mut request.host);
                }
                "path" => value.clone_into(&mut request.path),
                "username" => value.clone_into(&mut request.username),
                "password" => request.password = Some(Secret::new(value)),
                _ => {}
            }
        }
        match (has_host, request.host.trim().is_empty()) {
            (false, _) => Err("it names no host"),
            (true, true) => Err("its host is blank"),
            (true, false) => Ok(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Request;
    use crate::secret::Secret;

    #[test]
    fn what_git_writes_is_read_and_the_rest_passed_over() {
        let input = b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example.com:8443\npath=a/b=c.git\n\
                      username=dana\npassword=p=w\npassword_expiry_utc=1800000000\nwwwauth[]=Basic realm=\"x\"\n\nhost=other\n";
        let expected = Request {
            protocol: "https".to_owned(),
            host: "git.example.com:8443".to_owned(),
            path: "a/b=c.git".to_owned(),
            username: "dana".to_owned(),
            password: Some(Secret::new("p=w")),
        };
        assert_eq!(Request::parse(input), Ok(expected));
        assert!(Request::parse(b"protocol=https\nhost=x").is_ok_and(|request| request.host == "x"));
    }

    #[test]
    fn what_could_pass_for_something_else_is_refused() {
        for (input, problem) in [
            (&b"protocol=https\r\nhost=github.com\r\n"[..], "carriage return"),
            (b"protocol=https\nhost=github.com\rx\n", "carriage return"),
            (b"protocol=https\nhost=github.com\0.example.com\n", "NUL"),
            (b"protocol=https\nhost=\n", "its host is blank"),
            (b"protocol=https\nhost=   \n", "its host is blank"),
            (b"protocol=https\n", "it names no host"),
            (b"", "it names no host"),
            (b"\nprotocol=https\nhost=github.com\n", "it names no host"),
            (b"protocol=https\nhost\n", "no `=`"),
            (b"protocol=https\nhost=\xff\n", "not UTF-8"),
        ] {
            let refused = Request::parse(input).expect_err("it is refused");
            assert!(refused.contains(problem), "{refused}");
        }
    }
}
