//! Where records are and what guards them, for people and for JSON.

use std::fmt;
use std::path::PathBuf;

use super::backend::StoreKind;
use crate::files::own;

/// Where records are and what guards them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    pub kind: StoreKind,
    /// A directory, or a database without its password; nothing for `memory`.
    pub place: Option<String>,
    pub key: KeySource,
    /// The key is there, or not in a file; else the first record makes it.
    pub is_made: bool,
    /// Whether the key can be had; else no record can be read.
    pub has_key: bool,
    /// The file that others on this machine can read, although it opens the key.
    pub exposed: Option<PathBuf>,
}

impl Protection {
    pub fn grade(&self) -> Grade {
        if self.exposed.is_some() { Grade::L0 } else { self.key.grade() }
    }

    /// What this guards against, in words.
    pub fn in_words(&self) -> &'static str {
        match (&self.exposed, self.is_made) {
            (Some(_), _) => "encrypted, but others can read the key",
            (None, true) => self.key.in_words(),
            (None, false) => "encrypted, by a key file that the first record makes, readable by this user only",
        }
    }

    /// What whoever sees to this machine should mend.
    pub fn warning(&self) -> Option<String> {
        let path = self.exposed.as_ref()?;
        let (shown, advice) = (path.display(), own::have_closed(path));
        Some(format!("Others on this machine can read {shown}, which opens the records: {advice}."))
    }
}

/// What a seal withstands: nothing, up to a stolen disk. `docs/security.md` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    L0,
    L1,
    L2,
    L3,
}

impl Grade {
    /// The word for people and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Grade::L0 => "L0",
            Grade::L1 => "L1",
            Grade::L2 => "L2",
            Grade::L3 => "L3",
        }
    }
}

/// What a key can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    KeyFile,
    Credential,
    Passphrase,
    Command,
}

impl KeyKind {
    pub const ALL: [Self; 4] = [Self::KeyFile, Self::Credential, Self::Passphrase, Self::Command];

    /// The word for people, in JSON and in the store itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::KeyFile => "key-file",
            Self::Credential => "credential",
            Self::Passphrase => "passphrase",
            Self::Command => "command",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Where the key comes from that seals the records, and so what the seal is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Records are not sealed: `--store plain:` was asked for by name.
    None,
    /// A random key in a file that only this user can read.
    KeyFile(PathBuf),
    /// A systemd credential.
    Credential,
    /// A key that a passphrase opens.
    Passphrase,
    /// A key that a program prints.
    Command,
    /// Records never leave memory.
    Memory,
}

impl KeySource {
    /// The word that goes into JSON and into the store itself.
    pub fn word(&self) -> &'static str {
        match self {
            KeySource::None => "none",
            KeySource::KeyFile(_) => KeyKind::KeyFile.word(),
            KeySource::Credential => KeyKind::Credential.word(),
            KeySource::Passphrase => KeyKind::Passphrase.word(),
            KeySource::Command => KeyKind::Command.word(),
            KeySource::Memory => "memory",
        }
    }

    pub fn grade(&self) -> Grade {
        match self {
            KeySource::None => Grade::L0,
            KeySource::KeyFile(_) => Grade::L1,
            // What is behind a command cannot be known.
            KeySource::Credential | KeySource::Command => Grade::L2,
            KeySource::Passphrase | KeySource::Memory => Grade::L3,
        }
    }

    fn in_words(&self) -> &'static str {
        match self {
            KeySource::None => "not encrypted",
            KeySource::KeyFile(_) => "encrypted, key file readable by this user only",
            KeySource::Credential => "encrypted, key from a systemd credential",
            KeySource::Passphrase => "encrypted, key behind a passphrase",
            KeySource::Command => "encrypted, key from a command",
            KeySource::Memory => "kept in memory only",
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.has_key {
            return write!(f, "encrypted, but the key cannot be had ({})", self.key.word());
        }
        write!(f, "{} ({})", self.in_words(), self.grade().word())
    }
}
