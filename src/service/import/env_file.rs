//! Reads the `.env` files in which programs for Zoho keep their client and refresh token.
//!
//! Only what is needed is taken, and nothing is filled in from the environment. A problem names its line, never a value.

use std::path::{Path, PathBuf};

use crate::config;
use crate::error::{Code, Error};
use crate::files;
use crate::secret::Secret;

/// Bytes; a longer file is none.
const LONGEST_FILE: u32 = 64 * 1024;

/// What such a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvFile {
    pub(super) path: PathBuf,
    /// `ZOHO_CLIENT_ID`
    pub(super) client_id: Option<String>,
    /// `ZOHO_CLIENT_SECRET`
    pub(super) client_secret: Option<Secret>,
    /// `ZOHO_REFRESH_TOKEN`
    pub(super) refresh_token: Option<Secret>,
    /// `ZOHO_API_DOMAIN`
    pub(super) api_domain: Option<String>,
    /// `ZOHO_SCOPES` or `ZOHO_SCOPE`, separated by commas or blanks.
    pub(super) scopes: Vec<String>,
    /// It has a `ZOHO_ACCESS_TOKEN`, which cannot be refreshed.
    pub(super) has_access_token: bool,
}

/// What shells have before a name that they give a value.
const DECLARING: [&str; 4] = ["export", "declare", "typeset", "readonly"];

impl EnvFile {
    /// What the names begin with, as providers have it.
    pub(super) const PREFIX: &str = "ZOHO";

    /// What the file says, and what is to be said of the file. Blocks.
    pub fn read(path: &Path) -> Result<(Self, Option<String>), Error> {
        let what = format!("{} cannot be imported", path.display());
        let read = files::read_given_text(path, LONGEST_FILE);
        let (text, is_exposed) = read.map_err(|trouble| config::unusable_file(&what, path, &trouble))?;
        let file = Self::parse(&text).map_err(|problem| {
            Error::new(Code::Config, what)
                .because(problem)
                .advise("each line is NAME=VALUE, the value in quotes if need be")
        })?;
        Ok((Self { path: path.to_owned(), ..file }, is_exposed.then(|| config::exposure(path))))
    }

    /// Reads `NAME=VALUE` lines; a name that comes twice counts as it came last, as for shells.
    fn parse(text: &str) -> Result<Self, String> {
        let mut file = Self::default();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let problem = |problem: &str| format!("line {}: {problem}", index + 1);
            let (name, value) = line.split_once('=').ok_or_else(|| problem("has no `=`"))?;
            let is_of_shell = |word: &&str| word.starts_with('-') || DECLARING.contains(word);
            let name = name.split_whitespace().find(|word| !is_of_shell(word)).unwrap_or_default();
            if !name.starts_with("ZOHO_") {
                continue;
            }
            let value = unquoted(value.trim()).map_err(problem)?;
            if value.is_empty() {
                continue;
            }
            if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
                return Err(problem(&format!("`{name}` has characters that it cannot have")));
            }
            match name {
                "ZOHO_CLIENT_ID" => file.client_id = Some(value.to_owned()),
                "ZOHO_CLIENT_SECRET" => file.client_secret = Some(Secret::new(value)),
                "ZOHO_REFRESH_TOKEN" => file.refresh_token = Some(Secret::new(value)),
                "ZOHO_API_DOMAIN" => file.api_domain = Some(value.to_owned()),
                "ZOHO_SCOPE" | "ZOHO_SCOPES" => {
                    let scopes = value.split([',', ' ']).filter(|scope| !scope.is_empty());
                    file.scopes = scopes.map(str::to_owned).collect();
                }
                "ZOHO_ACCESS_TOKEN" => file.has_access_token = true,
                _ => {}
            }
        }
        Ok(file)
    }
}

/// The value without its quotes; outside of them, a `#` after a blank begins a comment.
fn unquoted(value: &str) -> Result<&str, &'static str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let (quoted, after) = rest.split_once(quote).ok_or("a quote is not closed")?;
            let after = after.trim_start();
            return if after.is_empty() || after.starts_with('#') {
                Ok(quoted)
            } else {
                Err("goes on after its quotes")
            };
        }
    }
    Ok(value.split_once(" #").map_or(value, |(value, _)| value).trim_end())
}

#[cfg(test)]
mod tests {
    use super::EnvFile;
    use crate::secret::Secret;

    #[test]
    fn usual_spellings_are_read() {
        let text = "\u{feff}# Zoho\r\nexport ZOHO_CLIENT_ID=1000.ABC\r\nZOHO_CLIENT_SECRET = 'se#cret'  # mine\r\n\
                    ZOHO_REFRESH_TOKEN=\"1000.r\"\nZOHO_API_DOMAIN=https://www.zohoapis.eu # EU\n\nOTHER='\ndeclare -x ZOHO_X=1\n\
                    declare -x ZOHO_SCOPE=A.b.READ, C.d.READ\n  typeset -rx  ZOHO_CLIENT_ID=1000.LAST\necho ZOHO_CLIENT_ID=no\n";
        let expected = EnvFile {
            client_id: Some("1000.LAST".to_owned()),
            client_secret: Some(Secret::new("se#cret")),
            refresh_token: Some(Secret::new("1000.r")),
            api_domain: Some("https://www.zohoapis.eu".to_owned()),
            scopes: vec!["A.b.READ".to_owned(), "C.d.READ".to_owned()],
            ..EnvFile::default()
        };
        assert_eq!(EnvFile::parse(text), Ok(expected));
    }

    #[test]
    fn problems_name_the_line_and_no_value() {
        for (text, problem) in [
            ("# x\nnonsense", "line 2: has no `=`"),
            ("ZOHO_CLIENT_SECRET=\"open", "line 1: a quote is not closed"),
            ("ZOHO_CLIENT_SECRET='a'b", "line 1: goes on after its quotes"),
            ("ZOHO_CLIENT_SECRET=a\u{1b}b", "line 1: `ZOHO_CLIENT_SECRET` has characters that it cannot have"),
        ] {
            assert_eq!(EnvFile::parse(text), Err(problem.to_owned()));
        }
        assert_eq!(EnvFile::parse("ZOHO_CLIENT_ID=\n"), Ok(EnvFile::default()));
    }
}
