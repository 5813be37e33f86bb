//! `store rekey`: another key, and everything sealed anew with it.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::words;
use crate::error::{Code, Error};
use crate::files;
use crate::storage::{KeyKind, NewKey, PASSPHRASE_FILE_VARIABLE};
use crate::words::counted;

/// Give the store another key, and seal everything anew with it
///
/// Whatever uses the store meanwhile goes on. Where this is cut short, the same command goes on with it.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login store rekey
  device-login store rekey --to key-file:/media/stick/key
  device-login store rekey --to passphrase --passphrase-file new")]
pub(super) struct Rekey {
    /// Where the key comes from: `key-file`, `key-file:PATH`, `credential`, `passphrase` or `command`
    ///
    /// Without it, from where the old one comes.
    #[arg(long, value_name = "SOURCE", value_parser = parse_source)]
    to: Option<Source>,
    /// The file with the new passphrase
    ///
    /// Without `--to`, only the passphrase changes: the key stays, and no record is written.
    #[arg(long, value_name = "FILE", value_parser = words::file_to_read())]
    passphrase_file: Option<PathBuf>,
}

#[derive(Clone)]
struct Source {
    kind: KeyKind,
    path: Option<PathBuf>,
}

fn parse_source(text: &str) -> Result<Source, String> {
    let (word, path) = match text.split_once(':') {
        Some((word, path)) if !path.is_empty() => (word, Some(files::expanded(path.as_ref()))),
        Some(_) => return Err("a path has to follow the colon, such as `key-file:/etc/device-login.key`".to_owned()),
        None => (text, None),
    };
    match KeyKind::of_word(word) {
        Some(kind) if path.is_none() || kind == KeyKind::KeyFile => Ok(Source { kind, path }),
        Some(_) => Err("only `key-file` has a path, such as `key-file:/etc/device-login.key`".to_owned()),
        None => Err("possible are `key-file`, `key-file:PATH`, `credential`, `passphrase` and `command`".to_owned()),
    }
}

impl Rekey {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let is_passphrase = self.to.as_ref().is_some_and(|source| source.kind == KeyKind::Passphrase);
        let is_set = || std::env::var_os(PASSPHRASE_FILE_VARIABLE).is_some_and(|value| !value.is_empty());
        if is_passphrase && self.passphrase_file.is_none() && !is_set() {
            return Err(Error::new(Code::Usage, "the store is not sealed anew")
                .because("no file with a passphrase is named")
                .advise(format!("name one by `--passphrase-file` or `{PASSPHRASE_FILE_VARIABLE}`")));
        }
        if !is_passphrase && self.to.is_some() && self.passphrase_file.is_some() {
            return Err(Error::new(Code::Usage, "the store is not sealed anew")
                .because("a key that comes from elsewhere has no passphrase")
                .advise("leave `--passphrase-file` out, or give `--to passphrase`"));
        }
        // Another process may start elsewhere.
        let to = NewKey {
            source: self.to.as_ref().map(|source| source.kind),
            key_file: self.to.and_then(|source| source.path).map(|path| files::absolute(&path)),
            passphrase_file: self.passphrase_file.map(|path| files::absolute(&files::expanded(&path))),
        };
        let rekeyed = context.interrupts.block_on(service.rekey_store(to))?;
        let (key, profiles) = (&rekeyed.key_id, counted(rekeyed.profiles as u64, "profile"));
        let what = match &rekeyed.old_key_id {
            Some(old) => {
                format!("Sealed anew with key {key}: {profiles}. Key {old} opens nothing here any more.")
            }
            None => format!("The key stays {key}: no record had to be sealed anew."),
        };
        context.output.text(&[vec![what], rekeyed.notes].concat().join("\n"))
    }
}
