//! Secrets that are known again wherever they turn up, and where a test looks for them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use super::program::{ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN};

pub(crate) const NEW_ACCESS_TOKEN: &str = "sentinel-access-new-0123456789";
pub(crate) const NEW_REFRESH_TOKEN: &str = "sentinel-refresh-new-0123456789";
pub(crate) const IMPORTED: &str = "sentinel-imported-0123456789";
pub(crate) const ID_TOKEN: &str = "sentinel-id-token-0123456789";
pub(crate) const DEVICE_CODE: &str = "sentinel-device-code-0123456789";
pub(crate) const GRANT_CODE: &str = "sentinel-grant-code-0123456789";
pub(crate) const PASSPHRASE: &str = "sentinel passphrase 0123456789";
pub(crate) const DATABASE_PASSWORD: &str = "sentinel-database-0123456789";

/// Every secret that the program is given.
pub(crate) const ALL: [&str; 11] = [
    ACCESS_TOKEN,
    NEW_ACCESS_TOKEN,
    REFRESH_TOKEN,
    NEW_REFRESH_TOKEN,
    IMPORTED,
    ID_TOKEN,
    CLIENT_SECRET,
    DEVICE_CODE,
    GRANT_CODE,
    PASSPHRASE,
    DATABASE_PASSWORD,
];

/// What every secret of the tests begins with.
const SENTINEL: &str = "sentinel";
/// Bytes of a form that are looked for, which is the longest text that is found fast.
const LONGEST: usize = 32;

/// Secrets in all the forms in which they may leak.
pub(crate) struct Canaries(Vec<String>);

impl Canaries {
    /// All that the program is given, and these.
    pub(crate) fn and(others: &[String]) -> Self {
        let secrets = std::iter::once(SENTINEL).chain(others.iter().map(String::as_str));
        Self(secrets.flat_map(forms).collect())
    }

    /// The first one that is there, and what comes after it.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        let found = self.0.iter().find(|form| text.contains(form.as_str()))?;
        let at = text.find(found.as_str())?;
        Some(text[at..].chars().take(40).collect())
    }

    /// The same for the names and contents of all files below a directory, but those at `except`.
    pub(crate) fn found_below(&self, directory: &Path, except: &[&Path]) -> Option<String> {
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
                let found = self.found_in(path.as_os_str().as_encoded_bytes());
                if path.is_dir() {
                    directories.push(path.clone());
                }
                let is_searched = path.is_file() && !except.contains(&path.as_path());
                let content = if is_searched { fs::read(&path).unwrap_or_default() } else { Vec::new() };
                if let Some(secret) = found.or_else(|| self.found_in(&content)) {
                    return Some(format!("{secret} in {}", path.display()));
                }
            }
        }
        None
    }
}

/// As it is, for forms and addresses, in hexadecimal digits, and in Base64 at each place in which it may stand there.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let encoded: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let hex = in_hex(bytes);
    let mut forms = vec![secret.to_owned(), encoded.replace('+', "%20"), encoded, hex.to_uppercase(), hex];
    for skipped in 0..3 {
        let part = &bytes[skipped..];
        let part = &part[..part.len() / 3 * 3];
        forms.extend([BASE64_STANDARD_NO_PAD.encode(part), BASE64_URL_SAFE_NO_PAD.encode(part)]);
    }
    for form in &mut forms {
        form.truncate(LONGEST);
    }
    forms.sort();
    forms.dedup();
    forms
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[test]
fn a_canary_is_found_in_every_form_and_place() {
    let key = "5e9711e1".repeat(8);
    let canaries = Canaries::and(std::slice::from_ref(&key));
    assert_eq!(canaries.found_in(b"nothing"), None);
    for secret in ALL.into_iter().chain([key.as_str()]) {
        for before in ["", "a", "ab:", "abc:"] {
            let text = format!("{before}{secret}!");
            let hex = in_hex(text.as_bytes());
            let encoded = [BASE64_STANDARD_NO_PAD.encode(&text), BASE64_URL_SAFE_NO_PAD.encode(&text)];
            for text in encoded.into_iter().chain([hex.to_uppercase(), hex, text]) {
                assert!(canaries.found_in(format!("x{text}").as_bytes()).is_some(), "{text}");
            }
        }
    }
}
