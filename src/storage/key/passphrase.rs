//! A random master key behind a passphrase: the store's `master.key`.
//!
//! Argon2id turns the passphrase into a key that seals the master key alone, so that its cost is paid once in a process
//! and not with every record. The file has the form of `seal`; its first line holds the salt and the costs.

use std::path::Path;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::LIMIT;
use super::sources::PassphraseFile;
use crate::files::access::{Holds, Judged};
use crate::random;
use crate::storage::StoreError;
use crate::storage::private;
use crate::storage::seal::{self, KEY_LENGTH, MasterKey};

pub(super) const FILE: &str = "master.key";

/// Of a file with one key. Every version reads it.
const ONE_KEY: u32 = 1;
/// Of one with two, the one to seal with first. Versions that know one key only refuse it.
const TWO_KEYS: u32 = 2;
const SALT_LENGTH: usize = 16;
/// The costs are the second recommended choice of RFC 9106 section 4, for places where memory is scarce.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What a damaged or foreign file may ask of this machine at most.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 64;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    format: u32,
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    /// Hexadecimal.
    salt: String,
}

/// The master keys of the store in `directory`, the one to seal with first; `None` where it has no `master.key`.
pub(super) fn read(
    directory: &Path,
    passphrase_file: &PassphraseFile<'_>,
) -> Result<Option<Vec<MasterKey>>, StoreError> {
    let path = directory.join(FILE);
    let Some(mut file) = private::read(&path, LIMIT)? else { return Ok(None) };
    let shown = path.display();
    let damaged = || StoreError::KeyUnavailable(format!("{shown} is damaged"));
    let (first_line, sealed) = seal::split_first_line(&mut file).ok_or_else(damaged)?;
    if seal::is_newer(first_line, TWO_KEYS) {
        return Err(StoreError::Newer { place: shown.to_string() });
    }
    let parsed: FirstLine = serde_json::from_slice(first_line).map_err(|_| damaged())?;
    let passphrase = read_passphrase(passphrase_file)?;
    let wrapping = derive(&passphrase, &parsed)?.ok_or_else(damaged)?;
    let text = wrapping
        .open(first_line, sealed)
        .map_err(|_| StoreError::KeyUnavailable(format!("{} does not open {shown}", passphrase_file.in_words)))?;
    let keys: Option<Vec<_>> = text.chunks(KEY_LENGTH).map(MasterKey::from_bytes).collect();
    keys.filter(|keys| keys.len() == parsed.format as usize).ok_or_else(damaged).map(Some)
}

/// Fails where no passphrase can be had.
pub(super) fn check(passphrase_file: &PassphraseFile<'_>) -> Result<(), StoreError> {
    read_passphrase(passphrase_file).map(drop)
}

/// Makes a master key for a store that has none; `None` where another process was faster and its key counts.
pub(super) fn make(directory: &Path, passphrase_file: &PassphraseFile<'_>) -> Result<Option<MasterKey>, StoreError> {
    let path = directory.join(FILE);
    private::create_directory(directory)?;
    let master = MasterKey::random().map_err(StoreError::io("making", &path))?;
    let file = sealed(&[&master], &path, passphrase_file)?;
    Ok(private::create_once(&path, &file)?.then_some(master))
}

/// What `master.key` is at `path` with one key or two, the one to seal with first.
pub(super) fn sealed(
    keys: &[&MasterKey],
    path: &Path,
    passphrase_file: &PassphraseFile<'_>,
) -> Result<Vec<u8>, StoreError> {
    let failed = StoreError::io("making", path);
    let passphrase = read_passphrase(passphrase_file)?;
    let first_line = FirstLine {
        format: if keys.len() > 1 { TWO_KEYS } else { ONE_KEY },
        kdf: "argon2id".to_owned(),
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt: seal::hex(&random::bytes::<SALT_LENGTH>().map_err(&failed)?),
    };
    let wrapping = derive(&passphrase, &first_line)?.expect("the costs are within Argon2's limits");
    let first_line = serde_json::to_string(&first_line).expect("strings and numbers become JSON");
    let mut text = Zeroizing::new(Vec::with_capacity(2 * KEY_LENGTH));
    keys.iter().take(2).for_each(|key| text.extend_from_slice(key.bytes()));
    wrapping.seal(&first_line, &text).map_err(&failed)
}

/// The key that seals the master key; `None` where the costs or the salt are not what this module writes.
fn derive(passphrase: &[u8], line: &FirstLine) -> Result<Option<MasterKey>, StoreError> {
    let mut salt = [0; SALT_LENGTH];
    let is_known = line.kdf == "argon2id" && line.memory_kib <= MOST_MEMORY_KIB && line.passes <= MOST_PASSES;
    let params = Params::new(line.memory_kib, line.passes, line.lanes, None).ok().filter(|_| is_known);
    let (Some(params), Some(())) = (params, seal::from_hex(line.salt.as_bytes(), &mut salt)) else { return Ok(None) };
    let (mut memory, count) = (Vec::new(), params.block_count());
    // Where there is too little, this says so, and the program does not end by it.
    memory.try_reserve_exact(count).map_err(|_| {
        let needed = line.memory_kib / 1024;
        StoreError::KeyUnavailable(format!(
            "opening the key with the passphrase takes {needed} MiB of memory, which the system does not give"
        ))
    })?;
    memory.resize(count, Block::default());
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let derived = argon2.hash_password_into_with_memory(passphrase, &salt, &mut *key, &mut memory);
    Ok(derived.ok().and_then(|()| MasterKey::from_bytes(&*key)))
}

fn read_passphrase(file: &PassphraseFile<'_>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let unavailable = |problem| StoreError::KeyUnavailable(format!("{} {problem}", file.in_words));
    let found = private::read_named(file.path, Holds::Secrets, LIMIT, &Judged::default())?;
    let mut passphrase = found.ok_or_else(|| unavailable("is missing"))?;
    while let Some(b'\n' | b'\r') = passphrase.last() {
        passphrase.pop();
    }
    if passphrase.is_empty() { Err(unavailable("is empty")) } else { Ok(passphrase) }
}
