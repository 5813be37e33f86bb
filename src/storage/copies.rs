//! Copies of access tokens that this machine keeps beside a store which it shares: a token that was seen a short while ago
//! costs no question, and the last one serves while the store is away.
//!
//! A copy is sealed with the store's key and has neither refresh token nor client secret. It is no record: nothing is
//! refreshed by it, and where it is missing, damaged, of another store or of another key, it simply is none. Nor is it an
//! error that none can be kept.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::backend::Found;
use super::key::Key;
use super::{Grant, Record, envelope, private};
use crate::files::{PRIVATE, Replacement};
use crate::profile::ProfileName;

const EXTENSION: &str = "copy";

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copied {
    store: String,
    pub(super) profile: ProfileName,
    pub provider: String,
    pub client_id: String,
    /// Without its refresh token.
    pub grant: Grant,
    /// Whether it had one.
    pub is_refreshable: bool,
    /// When the store was asked.
    pub as_of: Timestamp,
}

impl Copied {
    /// Of a record that the store had at this time. A token that can be refreshed and has no end is not copied, since it
    /// would look like one that lives for good.
    fn of(record: &Record, store: String, as_of: Timestamp) -> Option<Self> {
        let grant = record.grant.as_ref()?;
        let is_refreshable = grant.refresh_token.is_some();
        if is_refreshable && grant.access_token_expires_at.is_none() {
            return None;
        }
        Some(Self {
            store,
            profile: record.profile.clone(),
            provider: record.provider.clone(),
            client_id: record.client_id.clone(),
            grant: Grant { refresh_token: None, ..grant.clone() },
            is_refreshable,
            as_of,
        })
    }
}

/// Where this machine keeps copies of the tokens of one store.
pub(super) struct Copies {
    directory: PathBuf,
    /// So long a copy is as good as the store.
    lasts: Duration,
    /// The place of the store, which other stores' copies do not name.
    store: String,
}

impl Copies {
    pub(super) fn new(directory: PathBuf, lasts: Duration, store: String) -> Self {
        Self { directory, lasts, store }
    }

    /// The copy, if it is as good as the store at `now`.
    pub(super) fn recent(
        &self,
        profile: &ProfileName,
        key: impl FnOnce() -> Option<Arc<Key>>,
        now: Timestamp,
    ) -> Option<Copied> {
        let copied = self.last(profile, key, now)?;
        let age = Duration::try_from(now.duration_since(copied.as_of)).ok()?;
        (age < self.lasts).then_some(copied)
    }

    /// The copy, however old. One from the future was made by a clock that has been set back since: nobody knows its age.
    pub(super) fn last(
        &self,
        profile: &ProfileName,
        key: impl FnOnce() -> Option<Arc<Key>>,
        now: Timestamp,
    ) -> Option<Copied> {
        let path = self.path(profile);
        private::check_directory(&self.directory).ok()?;
        let Ok(Found::Bytes(mut bytes)) = private::read_bytes(&path) else { return None };
        let copied = envelope::open_copy(&*key()?, profile, &mut bytes)?;
        (copied.store == self.store && copied.as_of <= now).then_some(copied)
    }

    /// Keeps what the store had at this time in the place of an earlier copy; of what has no token nothing stays.
    pub(super) fn keep(&self, profile: &ProfileName, record: Option<&Record>, key: Option<&Key>, as_of: Timestamp) {
        let copied = record.and_then(|record| Copied::of(record, self.store.clone(), as_of));
        let sealed = copied.zip(key).and_then(|(copied, key)| envelope::seal_copy(key, &copied));
        let is_kept = sealed.is_some_and(|sealed| self.write(&self.path(profile), &sealed).is_ok());
        if !is_kept {
            self.remove(profile);
        }
    }

    pub(super) fn remove(&self, profile: &ProfileName) {
        // What cannot be removed ends by itself.
        let _ = fs::remove_file(self.path(profile));
    }

    /// Removes every copy, of whichever store, and what killed processes left of them.
    pub(super) fn remove_all(&self) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION || extension == "tmp") {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Replaces a file as a whole. It need not outlive the machine.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let refused = |_| ErrorKind::PermissionDenied;
        private::create_directory(&self.directory).map_err(refused)?;
        private::check_directory(&self.directory).map_err(refused)?;
        // Several processes may be at it.
        let replacement = Replacement::for_readers(path, PRIVATE)?;
        let mut file = replacement.file();
        file.write_all(bytes)?;
        replacement.finish()
    }

    fn path(&self, profile: &ProfileName) -> PathBuf {
        self.directory.join(format!("{profile}.{EXTENSION}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Copies, Key};
    use crate::secret::Secret;
    use crate::storage::seal::MasterKey;
    use crate::storage::{Grant, KeySource, Record};

    #[test]
    fn of_several_that_keep_a_copy_at_once_each_finds_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let copies = Copies::new(directory.path().join("copies"), Duration::from_secs(60), "here".to_owned());
        let key = || Key::new(KeySource::Credential, MasterKey::random().ok());
        let (key, name) = (std::sync::Arc::new(key()), "work".parse().expect("a name"));
        let mut record = Record::empty(name, "zoho", "client");
        let (now, end) = (Timestamp::UNIX_EPOCH, Timestamp::constant(3600, 0));
        record.grant = Some(Grant::new("https://a.test", Vec::new(), Secret::new("token"), now, end));
        let keep = || {
            for _ in 0..500 {
                copies.keep(&record.profile, Some(&record), Some(&key), now);
                assert!(copies.last(&record.profile, || Some(key.clone()), now).is_some());
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(keep))));
        assert_eq!(copies.directory.read_dir().expect("it is there").count(), 1);
        std::fs::File::create(copies.path(&record.profile).with_extension("copy.7.0.tmp")).expect("it is ours");
        copies.remove_all();
        assert_eq!(copies.directory.read_dir().expect("it is there").count(), 0);
    }
}
