//! Owns the one type that holds tokens, client secrets and device codes.
//!
//! A [`Secret`] can be neither printed nor serialized; `storage` alone turns it into bytes, which it seals before they
//! leave memory. Text that only names a secret (its last four characters) comes from [`Secret::hint`]. [`Known`] keeps
//! secrets out of what servers say.

mod known;

use std::fmt;

use zeroize::Zeroize;

pub use self::known::Known;

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
    use super::Secret;

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        assert_eq!(format!("{:?}", Some(Secret::new("1000.abcdef"))), "Some(****)");
    }

    #[test]
    fn hint_shows_four_characters_of_a_long_secret_only() {
        assert_eq!(Secret::new("1000.0123456789abcdef").hint(), "****cdef");
        assert_eq!(Secret::new("short").hint(), "****");
    }
}
