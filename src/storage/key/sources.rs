//! The places from which a key may come, and reading them.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeyCommand, LIMIT, passphrase};
use crate::files::access::{self, Holds, Judged};
use crate::files::{self, Look};
use crate::storage::seal::{KEY_LENGTH, MasterKey};
use crate::storage::{KeyKind, KeySource, StoreError, private};

const CREDENTIAL: &str = "device-login.key";
/// The variable that names [`KeyOptions::key_file`].
pub const KEY_FILE_VARIABLE: &str = "DEVICE_LOGIN_KEY_FILE";
/// The variable that names [`KeyOptions::passphrase_file`].
pub const PASSPHRASE_FILE_VARIABLE: &str = "DEVICE_LOGIN_PASSPHRASE_FILE";

/// What may hold the key, as the caller found it in the environment and the configuration.
#[derive(Clone, Debug, Default)]
pub struct KeyOptions {
    /// A key file named by the person. It is never created where a store needs its key.
    pub key_file: Option<PathBuf>,
    /// A file with the passphrase that opens the store's `master.key`.
    pub passphrase_file: Option<PathBuf>,
    /// A program that prints the key.
    pub command: Option<KeyCommand>,
    /// systemd's `$CREDENTIALS_DIRECTORY`, used where it holds a `device-login.key`.
    pub credentials_directory: Option<PathBuf>,
    /// The key file that is made on first write where nothing else is named.
    pub default_key_file: PathBuf,
    /// Directories that were judged for the configuration, which the store and its key may have in common with it.
    pub judged: Judged,
}

impl KeyOptions {
    /// The credential that may be the key.
    pub fn credential(&self) -> Option<PathBuf> {
        self.credentials_directory.as_ref().map(|directory| directory.join(CREDENTIAL))
    }
}

/// Where a sealed store may have its key from.
#[derive(Clone)]
pub(in crate::storage) struct Sources {
    pub(in crate::storage) options: KeyOptions,
    /// The directory of this machine where a key lies that a passphrase opens.
    pub(in crate::storage) home: PathBuf,
    /// By which the store is opened.
    pub(in crate::storage) address: String,
    /// What names the files: their variables, and not a flag of the command.
    pub(in crate::storage) by_variables: bool,
}

/// The file with the passphrase.
pub(super) struct PassphraseFile<'a> {
    pub(super) path: &'a Path,
    pub(super) in_words: String,
}

impl Sources {
    /// The source that is offered. Reads no key.
    pub(super) fn offered(&self) -> Result<KeySource, StoreError> {
        let KeyOptions { key_file, passphrase_file, command, default_key_file, .. } = &self.options;
        let configured = [
            ("a key file", key_file.clone().map(KeySource::KeyFile)),
            ("a passphrase file", passphrase_file.as_ref().map(|_| KeySource::Passphrase)),
            ("a key command", command.as_ref().map(|_| KeySource::Command)),
        ];
        let mut configured = configured.into_iter().filter_map(|(name, source)| Some((name, source?)));
        match (configured.next(), configured.next()) {
            (Some((one, _)), Some((other, _))) => Err(StoreError::KeyUnavailable(format!(
                "both {one} and {other} are configured; keep the one that the store uses"
            ))),
            (Some((_, source)), None) => Ok(source),
            (None, _) => match self.options.credential() {
                // One that cannot be looked at is no reason to make another key.
                Some(path) if path.try_exists().unwrap_or(true) => Ok(KeySource::Credential),
                _ => Ok(KeySource::KeyFile(default_key_file.clone())),
            },
        }
    }

    /// The source that a store calls so, as far as it is known here where that is.
    pub(super) fn of_word(&self, word: &str) -> Option<KeySource> {
        self.of_kind(KeyKind::of_word(word)?)
    }

    /// The source of this kind, as far as it is known here where that is.
    pub(super) fn of_kind(&self, kind: KeyKind) -> Option<KeySource> {
        let KeyOptions { key_file, passphrase_file, command, default_key_file, .. } = &self.options;
        match kind {
            KeyKind::KeyFile => Some(KeySource::KeyFile(key_file.as_ref().unwrap_or(default_key_file).clone())),
            KeyKind::Credential => self.options.credential().map(|_| KeySource::Credential),
            KeyKind::Passphrase => passphrase_file.as_ref().map(|_| KeySource::Passphrase),
            KeyKind::Command => command.as_ref().map(|_| KeySource::Command),
        }
    }

    /// The keys that a source has, the one to seal with first; `None` where the source is not there.
    pub(super) fn read(&self, source: &KeySource) -> Result<Option<Vec<MasterKey>>, StoreError> {
        match source {
            KeySource::None | KeySource::Memory => Ok(None),
            KeySource::KeyFile(path) => read_key_file(path, Holds::Secrets, &self.options.judged),
            KeySource::Credential => {
                let read = |path: PathBuf| read_key_file(&path, Holds::Credential, &self.options.judged);
                self.options.credential().map_or(Ok(None), read)
            }
            KeySource::Passphrase => passphrase::read(&self.home, &self.passphrase_file()),
            KeySource::Command => self.options.command.as_ref().map(run).transpose(),
        }
    }

    /// Makes a key for a store that has none; `None` where another process was faster, and its key counts.
    pub(super) fn make(&self, source: &KeySource) -> Result<Option<MasterKey>, StoreError> {
        self.check_made(source)?;
        match source {
            KeySource::Passphrase => passphrase::make(&self.home, &self.passphrase_file()),
            KeySource::KeyFile(path) => make_key_file(path),
            _ => Ok(None),
        }
    }

    /// Fails where a source that is not there is none that this program makes.
    pub(super) fn check_made(&self, source: &KeySource) -> Result<(), StoreError> {
        match source {
            KeySource::Passphrase => passphrase::check(&self.passphrase_file()),
            KeySource::KeyFile(path) if *path != self.options.default_key_file => {
                let (file, path) = (self.in_words(source), path.display());
                Err(StoreError::KeyUnavailable(format!(
                    "{file} is missing; `(umask 077; openssl rand -hex 32 > {path})` makes one"
                )))
            }
            _ => Ok(()),
        }
    }

    /// The file that a source is, and what it holds.
    pub(super) fn file(&self, source: &KeySource) -> Option<(PathBuf, Holds)> {
        match source {
            KeySource::KeyFile(path) => Some((path.clone(), Holds::Secrets)),
            KeySource::Passphrase => Some((self.passphrase_file().path.to_owned(), Holds::Secrets)),
            KeySource::Credential => Some((self.options.credential()?, Holds::Credential)),
            KeySource::None | KeySource::Memory | KeySource::Command => None,
        }
    }

    /// The file that the keys of a source are in, where this program writes it.
    pub(super) fn key_file(&self, source: &KeySource) -> Option<PathBuf> {
        match source {
            KeySource::KeyFile(path) => Some(path.clone()),
            KeySource::Passphrase => Some(self.home.join(passphrase::FILE)),
            KeySource::None | KeySource::Memory | KeySource::Credential | KeySource::Command => None,
        }
    }

    /// The file that opens the store, if others can read it.
    pub(super) fn exposed(&self, source: &KeySource) -> Option<PathBuf> {
        let (path, holds) = self.file(source)?;
        access::is_exposed(&path, holds).then_some(path)
    }

    /// How the file looks in which the keys of a source are.
    pub(super) fn look(&self, source: &KeySource) -> Look {
        let path = self.key_file(source).or_else(|| Some(self.file(source)?.0))?;
        files::look(&path)
    }

    pub(super) fn in_words(&self, source: &KeySource) -> String {
        let is_named = |path: &Path| self.options.key_file.as_deref() == Some(path);
        match source {
            KeySource::None | KeySource::Memory => "no key".to_owned(),
            KeySource::KeyFile(path) if is_named(path) => self.named("key", path, KEY_FILE_VARIABLE),
            KeySource::KeyFile(path) => format!("the key file {}", path.display()),
            KeySource::Credential => format!("the credential {CREDENTIAL}"),
            KeySource::Passphrase => self.passphrase_file().in_words,
            KeySource::Command => {
                let name = self.options.command.as_ref().map(KeyCommand::name).unwrap_or_default();
                format!("the key command `{name}`")
            }
        }
    }

    pub(super) fn passphrase_file(&self) -> PassphraseFile<'_> {
        let path = self.options.passphrase_file.as_deref().unwrap_or(Path::new(""));
        PassphraseFile { path, in_words: self.named("passphrase", path, PASSPHRASE_FILE_VARIABLE) }
    }

    /// A file of this kind that is named.
    fn named(&self, kind: &str, path: &Path, variable: &str) -> String {
        let by = if self.by_variables { format!(" (named by `{variable}`)") } else { String::new() };
        format!("the {kind} file {}{by}", path.display())
    }
}

/// The keys in a text, one a line; `None` where it is anything else.
fn parse(text: &[u8]) -> Option<Vec<MasterKey>> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let keys = lines.map(MasterKey::from_hex).collect::<Option<Vec<_>>>()?;
    (!keys.is_empty()).then_some(keys)
}

/// The keys in a file.
pub(super) fn read_key_file(path: &Path, holds: Holds, judged: &Judged) -> Result<Option<Vec<MasterKey>>, StoreError> {
    let Some(content) = private::read_named(path, holds, LIMIT, judged)? else { return Ok(None) };
    let keys = parse(&content).ok_or_else(|| {
        let path = path.display();
        StoreError::KeyUnavailable(format!(
            "{path} holds no key: it needs 64 hexadecimal digits, as `openssl rand -hex 32` prints"
        ))
    });
    keys.map(Some)
}

/// Makes these the keys in a file, one a line.
pub(super) fn write_key_file(path: &Path, keys: &[&MasterKey]) -> Result<(), StoreError> {
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * (2 * KEY_LENGTH + 1)));
    for key in keys {
        text.push_str(&key.to_hex());
        text.push('\n');
    }
    private::replace(path, text.as_bytes())
}

fn run(command: &KeyCommand) -> Result<Vec<MasterKey>, StoreError> {
    let printed = command.run().and_then(|printed| {
        parse(&printed)
            .ok_or_else(|| "prints no key: it has to print 64 hexadecimal digits, and nothing else".to_owned())
    });
    printed.map_err(|problem| StoreError::KeyUnavailable(format!("the key command `{}` {problem}", command.name())))
}

/// The new key; `None` where another process was faster and its key counts.
fn make_key_file(path: &Path) -> Result<Option<MasterKey>, StoreError> {
    let directory = private::directory_of(path);
    let made = || {
        private::create_directory(directory)?;
        private::check_ancestors(directory)?;
        let master = MasterKey::random().map_err(StoreError::io("making", path))?;
        Ok(private::create_once(path, master.to_hex().as_bytes())?.then_some(master))
    };
    made().map_err(|error| match error {
        StoreError::Io { source, .. } if is_about_place(&source) => {
            StoreError::KeyNotMade { place: path.display().to_string(), source }
        }
        error => error,
    })
}

/// Another place for the file would do.
fn is_about_place(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn keys_are_lines_of_sixty_four_digits() {
        let (one, two) = ("0f".repeat(32), "f0".repeat(32));
        for (text, count) in [
            (one.clone(), 1),
            (format!("{one}\n"), 1),
            (format!("\r\n {one} \r\n\r\n{two}\n"), 2),
            (format!("{one}{two}"), 0),
            (format!("{one}\nkey"), 0),
            (String::new(), 0),
            (" \n".to_owned(), 0),
        ] {
            assert_eq!(parse(text.as_bytes()).map_or(0, |keys| keys.len()), count, "{text:?}");
        }
    }
}
