//! Owns the one type that holds tokens, client secrets and device codes.
//!
//! A [`Secret`] can be neither printed nor serialized; `storage` alone turns it into bytes, which it seals before they
//! leave memory. Text that only names a secret (its last four characters) comes from [`Secret::hint`]. [`Known`] keeps
//! secrets out of what servers say.

mod known;

use std::fmt;

use zeroize::Zeroize;

use crate::tables::Words;

pub use self::known::Known;
pub(crate) use self::known::in_form;

/// A token, client secret or device code. Wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the request body, the header or the seal that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `****` and the last four characters, for people who compare two tokens. Short secrets show nothing.
    pub fn hint(&self) -> String {
        let characters = self.0.chars().count();
        if characters < 16 {
            return "****".to_owned();
        }
        let tail: String = self.0.chars().skip(characters - 4).filter(char::is_ascii_alphanumeric).collect();
        format!("****{tail}")
    }
}

/// Tells whether a word reads as a token or code of a provider, and not as a name that a person chose.
pub fn reads_as_token(word: &str) -> bool {
    /// Of GitHub, GitLab, Google, and of signed tokens (RFC 7519).
    const BEGINNINGS: Words = Words("ghr_ ghu_ gho_ ghp_ ghs_ github_pat_ glpat- gloas- ya29. 1// eyJ");
    const LONGEST_NAME: usize = 64;
    /// Without a sign between them. Zoho's have 32.
    const RUN: usize = 20;

    let is_run = |run: &str| {
        let has = |is_it: fn(&u8) -> bool| run.bytes().any(|byte| is_it(&byte));
        run.len() >= RUN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    let is_long =
        word.len() > LONGEST_NAME && !word.contains(|sign: char| sign.is_whitespace() || "/,:".contains(sign));
    let begins = BEGINNINGS.iter().any(|beginning| word.starts_with(beginning));
    is_long || begins || word.split(|sign: char| !sign.is_ascii_alphanumeric()).any(is_run)
}

/// The same where the path of a file was to come, whose names are a program's at times. Google's tokens have the sign of paths in them.
pub fn reads_as_token_and_no_path(word: &str) -> bool {
    word.starts_with("1//") || !word.contains('/') && reads_as_token(word)
}

/// A word as it may be repeated to whoever gave it in a wrong place.
pub fn shown(word: &str) -> &str {
    if reads_as_token(word) { "****" } else { word }
}

/// Tells whether a word is a name even where a token was to come, which may look like nothing that is known: a short one of
/// small letters, with few digits.
pub fn reads_as_name(word: &str) -> bool {
    const LONGEST: usize = 8;
    const MOST_DIGITS: usize = 2;

    let is_letter = |byte: u8| byte.is_ascii_lowercase() || b"-_.".contains(&byte);
    let others: Vec<u8> = word.bytes().filter(|byte| !is_letter(*byte)).collect();
    word.len() <= LONGEST && others.len() <= MOST_DIGITS && others.iter().all(u8::is_ascii_digit)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, reads_as_name, reads_as_token};

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        assert_eq!(format!("{:?}", Some(Secret::new("1000.abcdef"))), "Some(****)");
    }

    #[test]
    fn tokens_are_told_from_names() {
        for token in [
            "1000.8278aabbccddeeff00112233445566778.c99aabbccddeeff0011223344556677",
            "1000.8278aabbccddeeff00112233",
            "ghr_1B4a2e77838347a7E420",
            "1//0gLu8aBcDeFg",
            "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
            "b7c1f0a2d3e4958677f1",
            &"x".repeat(65),
        ] {
            assert!(reads_as_token(token), "{token}");
        }
        for name in [
            "work",
            "zoho-crm-production-eu-2",
            "customer_12345678_support.desk",
            "v1.2",
            "administrationoberbayern",
            "20261201023247000000000",
            "/crm/v8/settings/modules?a=1&fields=Last_Name,First_Name,Email,Phone,Account_Name",
        ] {
            assert!(!reads_as_token(name), "{name}");
        }
    }

    #[test]
    fn short_names_of_small_letters_are_names_wherever_they_stand() {
        for name in ["imp", "work", "zoho-eu", "lobby_26", "v1.2"] {
            assert!(reads_as_name(name), "{name}");
        }
        for other in ["Xk3", "1000.ab12cd", "a1b2c3d4e5", "123", "plainword", "ABCD-1234", "4/0Ab"] {
            assert!(!reads_as_name(other), "{other}");
        }
    }

    #[test]
    fn hint_shows_four_characters_of_a_long_secret_only() {
        assert_eq!(Secret::new("1000.0123456789abcdef").hint(), "****cdef");
        assert_eq!(Secret::new("short").hint(), "****");
    }
}
