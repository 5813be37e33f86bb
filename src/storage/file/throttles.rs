//! What was noted of throttled clients: `ID.throttled`, one small file of JSON lines for each client.
//!
//! What cannot be read tells nothing: a client that is asked too often is told so again by its provider.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use crate::files::{self, Locked};
use crate::storage::{StoreError, Throttled, private};

/// Bytes; sixteen lines are shorter.
const LIMIT: u64 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn read(path: &Path) -> Vec<Throttled> {
    files::access::options().read(true).open(path).map(lines).unwrap_or_default()
}

pub(super) fn note(path: &Path, throttled: Throttled) -> Result<(), StoreError> {
    let file = private::open_lock(path)?;
    Locked::after(PATIENCE, file).and_then(|file| add(&file, throttled)).map_err(StoreError::io("writing", path))
}

fn add(mut file: &File, throttled: Throttled) -> io::Result<()> {
    let mut all = lines(file);
    throttled.note_in(&mut all);
    let mut text = Vec::new();
    for throttled in &all {
        serde_json::to_writer(&mut text, throttled)?;
        text.push(b'\n');
    }
    file.rewind()?;
    file.write_all(&text)?;
    file.set_len(text.len() as u64)
}

fn lines(file: impl Read) -> Vec<Throttled> {
    let mut text = Vec::new();
    if file.take(LIMIT).read_to_end(&mut text).is_err() {
        return Vec::new();
    }
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}
