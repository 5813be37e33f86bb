//! Which stores have a key of a file: a list beside it, one address a line as a JSON string, since a rekey of one of them must not take the key of
//! another.
//!
//! A line with an object names a key that a rekey left in the file, since another store might have it: the next rekey takes it out, once none has.
//! Or it names a store that was made anew at its place, as below a mount point: what was there before may have any key, until a person takes
//! the line out.
//!
//! Each store enters itself when it gets its key, and again when something is sealed where it is not on the list, as after a key file
//! was copied to another place. A list that cannot be written is left: then the file beside it can hardly be changed, either.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::LIMIT;
use crate::files;
use crate::files::access;

/// The address of a store that was listed and got a key as one that has none: the one that was there may come back, as with its medium.
#[derive(Deserialize, Serialize)]
struct MadeAnew {
    made_anew: String,
}

/// The id of a key that stayed in the file although the store that is sealed anew has it no more.
#[derive(Deserialize, Serialize)]
struct Left {
    left: String,
}

/// Enters the store at this address as one that has a key of the file.
pub(super) fn enter(key_file: &Path, address: &str) {
    // A list that is full, or cannot be read, is one that a rekey trusts no more.
    if of(key_file).is_ok_and(|addresses| addresses.iter().all(|known| known != address)) {
        append(key_file, &address);
    }
}

/// Enters the store at this address as one that gets its first key.
pub(super) fn enter_new(key_file: &Path, address: &str) {
    let has = |list: io::Result<Vec<String>>| list.is_ok_and(|known| known.iter().any(|known| known == address));
    if !has(of(key_file)) {
        enter(key_file, address);
    } else if !has(made_anew(key_file)) {
        append(key_file, &MadeAnew { made_anew: address.to_owned() });
    }
}

/// Notes that the key of this id stays in the file.
pub(super) fn leave(key_file: &Path, key_id: &str) {
    if left(key_file).iter().all(|known| known != key_id) {
        append(key_file, &Left { left: key_id.to_owned() });
    }
}

fn append(key_file: &Path, line: &impl Serialize) {
    let Ok(line) = serde_json::to_string(line) else { return };
    let list = access::options().read(true).append(true).create(true).open(list(key_file));
    if let Ok(mut list) = list.and_then(files::with_owners_rights) {
        // A line that was cut short takes no other one with it.
        let mut end = [b'\n'];
        let _ = list.seek(SeekFrom::End(-1)).and_then(|_| list.read(&mut end));
        let begin = if end == [b'\n'] { "" } else { "\n" };
        let _ = list.write_all(format!("{begin}{line}\n").as_bytes());
    }
}

/// The addresses of the stores that have a key of the file, or had one.
pub(super) fn of(key_file: &Path) -> io::Result<Vec<String>> {
    lines(key_file)
}

/// The addresses at which a store was made anew that had been there before.
pub(super) fn made_anew(key_file: &Path) -> io::Result<Vec<String>> {
    Ok(lines(key_file)?.into_iter().map(|line: MadeAnew| line.made_anew).collect())
}

/// The keys that earlier rekeys left in the file, as far as that is known.
pub(super) fn left(key_file: &Path) -> Vec<String> {
    lines(key_file).unwrap_or_default().into_iter().map(|line: Left| line.left).collect()
}

/// What is of this kind.
fn lines<T: for<'a> Deserialize<'a>>(key_file: &Path) -> io::Result<Vec<T>> {
    let mut text = Vec::new();
    match access::options().read(true).open(list(key_file)) {
        Ok(list) => list.take(LIMIT + 1).read_to_end(&mut text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    if text.len() as u64 > LIMIT {
        return Err(io::Error::other("it is too long"));
    }
    // A line that was cut short is none.
    Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

/// Beside the file itself, by whatever name it is known.
pub(super) fn list(key_file: &Path) -> PathBuf {
    let file = key_file.canonicalize().unwrap_or_else(|_| key_file.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.stores"))
}
