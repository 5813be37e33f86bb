//! Records as bytes: a line of JSON in clear, and under the seal that it goes with, a record or a profile's calls.
//!
//! This is the one place where secrets become bytes to be kept. It knows keys, but no files and no database: whoever hands
//! bytes in says where they were, for messages. How a sealed text looks is in `seal`.

use std::io::{self, ErrorKind};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::backend::Found;
use super::copies::Copied;
use super::key::{Key, Keyring, Pin};
use super::{Clocks, Grant, PastCall, Record, StoreError, seal};
use crate::clock;
use crate::profile::ProfileName;

/// Of whatever every version reads.
const FORMAT: u32 = 1;
/// Of a record that says where it has moved: a version that does not know that must not refresh it.
const MOVED: u32 = 2;
/// Bytes; longer ones are no records, and nobody would read them back.
pub(super) const LIMIT: u64 = 1024 * 1024;
/// The room that is set aside for a record before it is known, in bytes: that of the longest answer with tokens, and of what a
/// record has beside them. Most have some kilobytes.
pub(super) const ROOM: usize = (256 + 64) * 1024;
/// What a text takes at once, so that most need not move while they grow.
const USUAL_LENGTH: usize = 32 * 1024;
/// No first line is longer: the longest name of a profile, a number, and an id.
pub(super) const LONGEST_LINE: usize = 256;
/// Each list of calls replaces the one before, which nobody needs.
const GENERATION_OF_CALLS: u64 = 0;
/// So is each local copy.
const GENERATION_OF_COPIES: u64 = 0;

/// The line in clear before a record, which is also the associated data of its seal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstLine<'a> {
    format: u32,
    profile: &'a str,
    pub(super) generation: u64,
    key: &'a str,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    key_id: &'a str,
}

impl FirstLine<'_> {
    /// The key that the bytes are sealed with, as far as they say so.
    pub(super) fn pin(&self) -> Pin {
        Pin::new(self.key, self.key_id)
    }

    /// Reads the line at the start of `bytes`, where it is one. Whether it is true is seen when the whole is opened.
    pub(super) fn of(bytes: &[u8]) -> Option<FirstLine<'_>> {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        serde_json::from_slice(line).ok()
    }
}

/// What bytes turned out to hold.
pub(super) enum Opened<T> {
    Sound(T),
    Damaged(&'static str),
    Missing,
}

impl<T> Opened<T> {
    pub(super) fn sound(self) -> Option<T> {
        if let Opened::Sound(content) = self { Some(content) } else { None }
    }
}

impl Found {
    /// What it turns out to hold where `open` opens its bytes.
    pub(super) fn opened<T>(
        self,
        open: impl FnOnce(&mut [u8]) -> Result<Opened<T>, StoreError>,
    ) -> Result<Opened<T>, StoreError> {
        match self {
            Found::Missing => Ok(Opened::Missing),
            Found::Damaged(problem) => Ok(Opened::Damaged(problem)),
            Found::Bytes(mut bytes) => open(&mut bytes),
        }
    }
}

/// What is under the seal of a profile's calls.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    profile: ProfileName,
    calls: Vec<PastCall>,
}

/// The bytes of a record.
pub(super) fn seal_record(key: &Key, record: &Record) -> Result<Vec<u8>, StoreError> {
    let format = if record.moved.is_some() { MOVED } else { FORMAT };
    seal_text(key, format, &record.profile, record.generation, &text_of(record))
}

/// The bytes of a profile's calls.
pub(super) fn seal_calls(key: &Key, profile: &ProfileName, calls: &[PastCall]) -> Result<Vec<u8>, StoreError> {
    let calls = Calls { profile: profile.clone(), calls: calls.to_vec() };
    seal_text(key, FORMAT, profile, GENERATION_OF_CALLS, &text_of(&calls))
}

/// The bytes of a local copy under this key; `None` for the one that seals nothing.
pub(super) fn seal_copy(key: &Key, copied: &Copied) -> Option<Vec<u8>> {
    let first_line = first_line(key, FORMAT, &copied.profile, GENERATION_OF_COPIES);
    key.master.as_ref()?.seal(&first_line, &text_of(copied)).ok()
}

/// Reads the bytes of a local copy, if they are sealed with this key.
pub(super) fn open_copy(key: &Key, profile: &ProfileName, bytes: &mut [u8]) -> Option<Copied> {
    let (line, sealed) = seal::split_first_line(bytes)?;
    let text = key.master.as_ref()?.open(line, sealed).ok()?;
    let mut copied = serde_json::from_slice::<Copied>(text).ok().filter(|copied| copied.profile == *profile)?;
    notice_set_clock(&mut copied.grant);
    Some(copied)
}

fn notice_set_clock(grant: &mut Grant) {
    grant.notice_set_clock(clock::wall(), Clocks::now);
}

/// Reads the bytes that were found at `place` as a record.
pub(super) fn open_record(
    keyring: &Keyring,
    profile: &ProfileName,
    bytes: &mut [u8],
    place: &dyn Fn() -> String,
) -> Result<Opened<Box<Record>>, StoreError> {
    open(keyring, profile, bytes, place, |text, line| match serde_json::from_slice::<Record>(text) {
        Ok(record) if record.profile != *profile => Opened::Damaged("it holds another profile"),
        Ok(record) if record.moved.is_some() != (line.format == MOVED) => Opened::Damaged("it holds another format"),
        Ok(record) if record.generation != line.generation => Opened::Damaged("it holds another generation"),
        Ok(mut record) => {
            record.grant.as_mut().map(notice_set_clock);
            Opened::Sound(Box::new(record))
        }
        Err(_) => Opened::Damaged("its content is not a record"),
    })
}

/// Reads the bytes that were found at `place` as a profile's calls.
pub(super) fn open_calls(
    keyring: &Keyring,
    profile: &ProfileName,
    bytes: &mut [u8],
    place: &dyn Fn() -> String,
) -> Result<Opened<Vec<PastCall>>, StoreError> {
    open(keyring, profile, bytes, place, |text, line| match serde_json::from_slice::<Calls>(text) {
        Ok(kept) if kept.profile == *profile && line.generation == GENERATION_OF_CALLS => Opened::Sound(kept.calls),
        _ => Opened::Damaged("its content is no list of calls of this profile"),
    })
}

/// The same content under the seal of another key; `None` for what that has sealed already.
pub(super) fn reseal(
    keyring: &Keyring,
    key: &Key,
    profile: &ProfileName,
    bytes: &mut [u8],
    place: &dyn Fn() -> String,
) -> Result<Opened<Option<Vec<u8>>>, StoreError> {
    if FirstLine::of(bytes).is_some_and(|line| line.key_id == key.id()) {
        return Ok(Opened::Sound(None));
    }
    let sealed = open(keyring, profile, bytes, place, |text, line| {
        Opened::Sound(seal_text(key, line.format, profile, line.generation, text))
    })?;
    Ok(match sealed {
        Opened::Sound(sealed) => Opened::Sound(Some(sealed?)),
        Opened::Damaged(problem) => Opened::Damaged(problem),
        Opened::Missing => Opened::Missing,
    })
}

fn seal_text(
    key: &Key,
    format: u32,
    profile: &ProfileName,
    generation: u64,
    text: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let first_line = first_line(key, format, profile, generation);
    let failed = |action| StoreError::io_on(action, format!("the record of `{profile}`"));
    let bytes = match &key.master {
        Some(master) => master.seal(&first_line, text).map_err(failed("sealing"))?,
        None => [first_line.as_bytes(), b"\n", text, b"\n"].concat(),
    };
    if bytes.len() as u64 > LIMIT {
        let problem = format!("it would be longer than {LIMIT} bytes");
        return Err(failed("writing")(io::Error::new(ErrorKind::FileTooLarge, problem)));
    }
    Ok(bytes)
}

fn first_line(key: &Key, format: u32, profile: &ProfileName, generation: u64) -> String {
    let (profile, source) = (profile.as_str(), key.source.word());
    let first_line = FirstLine { format, profile, generation, key: source, key_id: key.id() };
    serde_json::to_string(&first_line).expect("strings and numbers become JSON")
}

fn text_of(content: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // Roomy enough not to move while it grows, which would leave copies of secrets behind.
    let mut text = Zeroizing::new(Vec::with_capacity(USUAL_LENGTH));
    serde_json::to_writer(&mut *text, content).expect("records, calls and copies become JSON");
    text
}

fn open<T>(
    keyring: &Keyring,
    profile: &ProfileName,
    bytes: &mut [u8],
    place: &dyn Fn() -> String,
    parse: impl FnOnce(&[u8], &FirstLine) -> Opened<T>,
) -> Result<Opened<T>, StoreError> {
    let Some((line, sealed)) = seal::split_first_line(bytes) else {
        return Ok(Opened::Damaged("it does not begin with a line of JSON"));
    };
    let first_line = match serde_json::from_slice::<FirstLine>(line) {
        Ok(first_line) if (FORMAT..=MOVED).contains(&first_line.format) => first_line,
        _ if seal::is_newer(line, MOVED) => return Err(StoreError::Newer { place: place() }),
        _ => return Ok(Opened::Damaged("its first line is not understood")),
    };
    if first_line.profile != profile.as_str() {
        if first_line.profile.eq_ignore_ascii_case(profile.as_str()) {
            let problem = format!("it belongs to profile `{}`, whose name differs in case only", first_line.profile);
            let advice = "give the profile a name that differs in more".into();
            return Err(StoreError::Unsafe { place: place(), problem, advice });
        }
        return Ok(Opened::Damaged("its first line names another profile"));
    }
    match unseal(keyring, line, &first_line, sealed)? {
        Some(text) => Ok(parse(text, &first_line)),
        None => Ok(Opened::Damaged("its content does not fit its key and first line")),
    }
}

/// The text under the seal; `None` where it is damaged. Bytes that belong to another key are an error.
fn unseal<'a>(
    keyring: &Keyring,
    line: &[u8],
    first_line: &FirstLine,
    sealed: &'a mut [u8],
) -> Result<Option<&'a [u8]>, StoreError> {
    let key = keyring.for_reading(&first_line.pin())?;
    let opened = match &key.master {
        Some(master) => master.open(line, sealed).ok(),
        None if first_line.key == key.source.word() => Some(&*sealed),
        None => None,
    };
    // Where the first line names another key, either it is damaged or the key is the wrong one.
    if opened.is_none() && !keyring.is_confirmed(&key) {
        keyring.check(&key, Some(&first_line.pin()))?;
    }
    Ok(opened)
}
