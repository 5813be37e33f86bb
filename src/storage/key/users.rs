//! Which stores have a key of a file: a list beside it, one address a line as a JSON string, since a rekey of one of them must not take the key of
//! another.
//!
//! Each store enters itself when it gets its key, and again when something is sealed where it is not on the list, as after a key file
//! was copied to another place. A list that cannot be written is left: then the file beside it can hardly be changed, either.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::LIMIT;
use crate::files;
use crate::files::access;

/// Enters the store at this address as one that has a key of the file.
pub(super) fn enter(key_file: &Path, address: &str) {
    // A list that is full, or cannot be read, is one that a rekey trusts no more.
    let is_new = of(key_file).is_ok_and(|addresses| addresses.iter().all(|known| known != address));
    let Some(line) = is_new.then(|| serde_json::to_string(address).ok()).flatten() else { return };
    let list = access::options().append(true).create(true).open(list(key_file));
    if let Ok(mut list) = list.and_then(files::with_owners_rights) {
        let _ = list.write_all(format!("{line}\n").as_bytes());
    }
}

/// The addresses of the stores that have a key of the file, or had one.
pub(super) fn of(key_file: &Path) -> io::Result<Vec<String>> {
    let mut text = Vec::new();
    match access::options().read(true).open(list(key_file)) {
        Ok(list) => list.take(LIMIT + 1).read_to_end(&mut text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    if text.len() as u64 > LIMIT {
        return Err(io::Error::other("it is too long"));
    }
    // A line that was cut short is no address.
    Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

/// Beside the file itself, by whatever name it is known.
fn list(key_file: &Path) -> PathBuf {
    let file = key_file.canonicalize().unwrap_or_else(|_| key_file.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.stores"))
}
