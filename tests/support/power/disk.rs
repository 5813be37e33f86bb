//! A disk that forgets: what a file system may have kept of operations when the power fails.
//!
//! What was synced is there. Of everything else any subset may be there, whatever the order: a name without its data, data
//! without its name, a part of a write, a length without what belongs into it. That is more than any real file system does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Files by their path below the home, directories with `None`.
pub(crate) type Files = BTreeMap<String, Option<Arc<Vec<u8>>>>;

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Make {
        directory: String,
    },
    /// A new file gets its first name, or any file another one.
    Name {
        file: usize,
        name: String,
    },
    Rename {
        file: usize,
        from: String,
        to: String,
    },
    Unlink {
        name: String,
    },
    Write {
        file: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    Resize {
        file: usize,
        length: usize,
    },
    /// Room for so many bytes, which read as zeros.
    Allocate {
        file: usize,
        length: usize,
    },
    Sync {
        file: usize,
    },
    SyncDirectory {
        directory: String,
    },
    /// A request went out whose answer may come only once.
    Sent,
    /// Whoever asked was told that it is done.
    Acknowledged,
}

/// How far a program had come when the power failed, and what is left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crash {
    pub(crate) sent: bool,
    pub(crate) acknowledged: bool,
    pub(crate) files: Files,
}

/// More states than these for one moment are sampled.
const MOST: u64 = 4096;
/// Samples differ from moment to moment, and are the same in each run.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// Everything that may be left when the power fails after any of `operations`, which began with `before`. The files of
/// `before` have the numbers of their order.
pub(crate) fn crashes(before: &Files, operations: &[Operation]) -> BTreeSet<Crash> {
    let mut crashes = BTreeSet::new();
    // What may be left earlier may also be left right before the next thing that is certain.
    let is_certain = |operation: &Operation| operation.directory().is_none() && operation.file().is_none();
    let moments = (0..operations.len()).filter(|moment| is_certain(&operations[*moment])).chain([operations.len()]);
    for moment in moments {
        let done = &operations[..moment];
        let sent = done.contains(&Operation::Sent);
        let acknowledged = done.contains(&Operation::Acknowledged);
        let states = states(before, done);
        crashes.extend(states.into_iter().map(|files| Crash { sent, acknowledged, files }));
    }
    crashes
}

fn directory_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Operation {
    /// The directory in which it changes a name.
    fn directory(&self) -> Option<&str> {
        match self {
            Operation::Make { directory: name }
            | Operation::Name { name, .. }
            | Operation::Rename { to: name, .. }
            | Operation::Unlink { name } => Some(directory_of(name)),
            _ => None,
        }
    }

    /// The file whose content it changes.
    fn file(&self) -> Option<usize> {
        match self {
            Operation::Write { file, .. } | Operation::Resize { file, .. } | Operation::Allocate { file, .. } => {
                Some(*file)
            }
            _ => None,
        }
    }

    fn is_synced_by(&self, later: &Operation) -> bool {
        match later {
            Operation::Sync { file } => self.file() == Some(*file),
            Operation::SyncDirectory { directory } => self.directory() == Some(directory),
            _ => false,
        }
    }

    fn change(&self, content: &mut Vec<u8>) {
        match self {
            Operation::Write { at, bytes, .. } => {
                content.resize(content.len().max(at + bytes.len()), 0);
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Operation::Resize { length, .. } => content.resize(*length, 0),
            Operation::Allocate { length, .. } => content.resize(content.len().max(*length), 0),
            _ => {}
        }
    }
}

/// What may be left after `done`.
fn states(before: &Files, done: &[Operation]) -> BTreeSet<Files> {
    let is_pending = |number: usize| !done[number + 1..].iter().any(|later| done[number].is_synced_by(later));
    let names: Vec<usize> = (0..done.len()).filter(|number| done[*number].directory().is_some()).collect();
    let pending: Vec<usize> = names.iter().copied().filter(|number| is_pending(*number)).collect();
    let contents = contents(before, done, &is_pending);
    let subsets = 1_u64 << pending.len();
    let choices: Vec<(usize, u64)> = contents.iter().map(|(file, all)| (*file, all.len() as u64)).collect();
    let all = choices.iter().fold(subsets, |all, (_, count)| all.saturating_mul(*count));
    let mut random = SEED ^ done.len() as u64;
    let mut states = BTreeSet::new();
    for number in 0..all.min(MOST) {
        let mut choice = if all <= MOST { number } else { next(&mut random) % all };
        let subset = choice % subsets;
        choice /= subsets;
        let mut content_of = BTreeMap::new();
        for (file, count) in &choices {
            let index = usize::try_from(choice % count).expect("it was a length");
            content_of.insert(*file, &contents[file][index]);
            choice /= count;
        }
        let survives = |number: &&usize| {
            pending.iter().position(|pending| pending == *number).is_none_or(|bit| subset >> bit & 1 == 1)
        };
        states.insert(left(before, names.iter().filter(survives).map(|number| &done[*number]), &content_of));
    }
    states
}

/// Names as these operations leave them, with the contents that were chosen.
fn left<'a>(
    before: &Files,
    operations: impl Iterator<Item = &'a Operation>,
    content_of: &BTreeMap<usize, &Arc<Vec<u8>>>,
) -> Files {
    let mut names: BTreeMap<String, Option<usize>> = before
        .iter()
        .zip(0..)
        .map(|((name, content), file)| (name.clone(), content.is_some().then_some(file)))
        .collect();
    for operation in operations {
        match operation {
            Operation::Make { directory } => drop(names.insert(directory.clone(), None)),
            Operation::Name { file, name } => drop(names.insert(name.clone(), Some(*file))),
            Operation::Rename { file, from, to } => {
                if names.get(from) == Some(&Some(*file)) {
                    names.remove(from);
                }
                names.insert(to.clone(), Some(*file));
            }
            Operation::Unlink { name } => drop(names.remove(name)),
            _ => {}
        }
    }
    let is_there = |name: &str| directory_of(name).is_empty() || names.contains_key(directory_of(name));
    let of = |file: &Option<usize>| {
        file.map(|file| content_of.get(&file).map(|bytes| Arc::clone(bytes)).unwrap_or_default())
    };
    names.iter().filter(|(name, _)| is_there(name)).map(|(name, file)| (name.clone(), of(file))).collect()
}

/// What each file may hold.
fn contents(
    before: &Files,
    done: &[Operation],
    is_pending: &dyn Fn(usize) -> bool,
) -> BTreeMap<usize, Vec<Arc<Vec<u8>>>> {
    let mut files: BTreeMap<usize, Vec<u8>> =
        before.values().zip(0..).filter_map(|(content, file)| Some((file, content.as_deref()?.clone()))).collect();
    for file in done.iter().filter_map(Operation::file) {
        files.entry(file).or_default();
    }
    let mut contents = BTreeMap::new();
    for (file, mut durable) in files {
        let changes = || (0..done.len()).filter(move |number| done[*number].file() == Some(file));
        changes().filter(|number| !is_pending(*number)).for_each(|number| done[number].change(&mut durable));
        let pending: Vec<&Operation> =
            changes().filter(|number| is_pending(*number)).map(|number| &done[number]).collect();
        contents.insert(file, variants(&durable, &pending));
    }
    contents
}

/// Every subset of the changes, and with a part or zeros in the place of what one of them wrote.
fn variants(durable: &[u8], pending: &[&Operation]) -> Vec<Arc<Vec<u8>>> {
    let mut torn: Vec<Vec<Operation>> = vec![pending.iter().map(|&change| change.clone()).collect()];
    for (number, change) in pending.iter().enumerate() {
        let Operation::Write { file, at, bytes } = change else { continue };
        for bytes in [bytes[..bytes.len() / 2].to_vec(), vec![0; bytes.len()]] {
            let mut changes = torn[0].clone();
            changes[number] = Operation::Write { file: *file, at: *at, bytes };
            torn.push(changes);
        }
    }
    let mut variants = BTreeSet::new();
    for changes in &torn {
        for subset in 0..1_u32 << changes.len().min(6) {
            let mut content = durable.to_vec();
            let survivors = changes.iter().enumerate().filter(|(bit, _)| *bit >= 6 || subset >> bit & 1 == 1);
            survivors.for_each(|(_, change)| change.change(&mut content));
            variants.insert(content);
        }
    }
    variants.into_iter().map(Arc::new).collect()
}

/// An `xorshift` generator, so that every run samples the same states.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
