//! What a store says of its key.

use serde::{Deserialize, Serialize};

use crate::storage::StoreError;
use crate::storage::seal;
use crate::untrusted::Untrusted;

/// Of a pin with one key. Every version reads it.
const ONE_KEY: u32 = 1;
/// Of a pin with two, while records are sealed anew. Versions that know one key only refuse such a store.
const TWO_KEYS: u32 = 2;

/// Which key a store uses, and which one it used while there are still records under that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::storage) struct Pin {
    format: u32,
    /// The word of its source.
    pub(in crate::storage) key: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::storage) key_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old_key_id: Option<String>,
}

impl Pin {
    /// With one key.
    pub(in crate::storage) fn new(key: &str, key_id: &str) -> Self {
        Self { format: ONE_KEY, key: visible(key), key_id: visible(key_id), old_key: None, old_key_id: None }
    }

    /// The same, where what is sealed with the key of `old` is sealed anew one by one.
    pub(in crate::storage) fn taking_over_from(self, old: &Pin) -> Self {
        Self { format: TWO_KEYS, old_key: Some(old.key.clone()), old_key_id: Some(old.key_id.clone()), ..self }
    }

    /// The key that gives way, while it does.
    pub(in crate::storage) fn old(&self) -> Option<Pin> {
        Some(Self::new(self.old_key.as_deref()?, self.old_key_id.as_deref()?))
    }

    /// Whether the key of this id gives way.
    pub(in crate::storage) fn old_is(&self, key_id: &str) -> bool {
        self.old_key_id.as_deref() == Some(key_id)
    }

    /// The key that the others give way to.
    pub(in crate::storage) fn without_old(&self) -> Pin {
        Self::new(&self.key, &self.key_id)
    }

    /// Whether this store has something sealed with the key of this id.
    pub(in crate::storage) fn names(&self, key_id: &str) -> bool {
        self.key_id == key_id || self.old_key_id.as_deref() == Some(key_id)
    }

    /// As a store keeps it.
    pub(in crate::storage) fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("strings and numbers become JSON");
        line.push(b'\n');
        line
    }

    /// Reads what a store has. One that is damaged is none, since the records name their key too.
    pub(in crate::storage) fn read(line: &[u8], place: impl FnOnce() -> String) -> Result<Option<Pin>, StoreError> {
        if seal::is_newer(line, TWO_KEYS) {
            return Err(StoreError::Newer { place: place() });
        }
        let is_whole = |pin: &Pin| (pin.format == TWO_KEYS) == (pin.old_key.is_some() && pin.old_key_id.is_some());
        let read: Option<Pin> = serde_json::from_slice(line).ok().filter(is_whole);
        Ok(read.map(|pin| Pin {
            key: visible(&pin.key),
            key_id: visible(&pin.key_id),
            old_key: pin.old_key.as_deref().map(visible),
            old_key_id: pin.old_key_id.as_deref().map(visible),
            ..pin
        }))
    }

    pub(in crate::storage) fn describe(&self) -> String {
        if self.key_id.is_empty() { "no key".to_owned() } else { format!("the {} {}", self.key, self.key_id) }
    }
}

/// Words that somebody else may have written, and that people are shown.
fn visible(text: &str) -> String {
    Untrusted::new(text).line()
}

#[cfg(test)]
mod tests {
    use super::Pin;
    use crate::storage::StoreError;

    #[test]
    fn two_keys_have_a_format_that_versions_with_one_key_refuse() {
        let old = Pin::new("key-file", "0123456789abcdef");
        let under_way = Pin::new("passphrase", "fedcba9876543210").taking_over_from(&old);
        let line = String::from_utf8(under_way.to_line()).expect("JSON is UTF-8");
        assert_eq!(
            line,
            "{\"format\":2,\"key\":\"passphrase\",\"key_id\":\"fedcba9876543210\",\"old_key\":\"key-file\",\
             \"old_key_id\":\"0123456789abcdef\"}\n"
        );
        let read = Pin::read(line.as_bytes(), String::new).expect("known").expect("whole");
        assert_eq!((read.old(), read.without_old().old()), (Some(old.clone()), None));
        assert!(read.names("fedcba9876543210") && read.names("0123456789abcdef") && !read.names(""));
        assert_eq!(old.to_line(), b"{\"format\":1,\"key\":\"key-file\",\"key_id\":\"0123456789abcdef\"}\n");
    }

    #[test]
    fn what_is_no_pin_is_none_and_what_is_newer_is_refused() {
        let half = "{\"format\":2,\"key\":\"key-file\",\"key_id\":\"a\"}";
        for damaged in [
            "",
            "{",
            "{\"format\":1}",
            half,
            "{\"format\":1,\"key\":\"key-file\",\"old_key\":\"x\",\"old_key_id\":\"y\"}",
        ] {
            assert!(matches!(Pin::read(damaged.as_bytes(), String::new), Ok(None)), "{damaged}");
        }
        assert!(matches!(Pin::read(b"{\"format\":3}", String::new), Err(StoreError::Newer { .. })));
    }
}
