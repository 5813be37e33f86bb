//! Notices that somebody changes records or the configuration: by the kernel's word (`inotify(7)`), and by looking every half a
//! minute where there is none: on other systems, on file systems that several machines share, on stores that are no files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{self, Moment};
use crate::profile::ProfileName;

/// How often is looked where nobody tells.
const LOOKS_EVERY: Duration = Duration::from_secs(30);

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// These records, and the configuration or not.
    Told { records: BTreeSet<ProfileName>, configuration: bool },
    /// Whatever there is.
    Anything,
}

/// Watches a store's directory, where it has one, and the file of the configuration.
pub(super) struct Watch {
    store: Option<PathBuf>,
    configuration: PathBuf,
    #[cfg(target_os = "linux")]
    kernel: Option<kernel::Notices>,
    next_look: Moment,
}

impl Watch {
    /// From now on, so that nothing escapes who reads after it.
    pub(super) fn new(store: Option<PathBuf>, configuration: PathBuf) -> Self {
        let mut watch = Self {
            store,
            configuration,
            #[cfg(target_os = "linux")]
            kernel: None,
            next_look: clock::now() + LOOKS_EVERY,
        };
        watch.is_told();
        watch
    }

    /// Waits for a change. Whoever stops waiting misses none.
    pub(super) async fn changed(&mut self) -> Change {
        #[cfg(target_os = "linux")]
        if let Some(kernel) = &mut self.kernel {
            if let Some(change) = kernel.next().await {
                return change;
            }
            self.kernel = None;
            self.next_look = clock::now() + LOOKS_EVERY;
            return Change::Anything;
        }
        clock::sleep_until(self.next_look).await;
        self.next_look = clock::now() + LOOKS_EVERY;
        // What could not be watched a while ago may be there now.
        self.is_told();
        Change::Anything
    }

    /// Has the kernel tell, where it can.
    #[cfg(target_os = "linux")]
    fn is_told(&mut self) {
        self.kernel = self.store.as_ref().and_then(|store| kernel::Notices::new(store, &self.configuration).ok());
    }

    #[cfg(not(target_os = "linux"))]
    fn is_told(&mut self) {
        let _ = (&self.store, &self.configuration);
    }
}

/// The directory of a file.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is watched elsewhere"))]
fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::collections::BTreeSet;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    use rustix::fs::statfs;
    use rustix::io::Errno;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Change, directory};
    use crate::profile::ProfileName;

    /// Bytes of events that are read at once.
    const ROOM: usize = 4096;

    /// File systems on which other machines write without a word of this one's kernel: NFS, SMB, 9P, Ceph, FUSE (`statfs(2)`).
    const SHARED: &[u64] = &[0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x00c3_6400, 0x6573_5546];

    /// What the kernel tells of the two directories.
    pub(super) struct Notices {
        events: AsyncFd<OwnedFd>,
        store: i32,
    }

    impl Notices {
        /// Fails where not all can be watched.
        pub(super) fn new(store: &Path, configuration: &Path) -> io::Result<Self> {
            let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            // A record takes its place by a rename. Other programs write a configuration in place as well.
            let renamed = WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE;
            let gone = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR | WatchFlags::MASK_ADD;
            let watch = |directory: &Path, flags: WatchFlags| {
                let kind = u64::try_from(statfs(directory)?.f_type).unwrap_or_default() & 0xffff_ffff;
                if SHARED.contains(&kind) {
                    return Err(io::Error::from(io::ErrorKind::Unsupported));
                }
                Ok(add_watch(&events, directory, flags | gone)?)
            };
            let store = watch(store, renamed)?;
            watch(directory(configuration), renamed | WatchFlags::CLOSE_WRITE)?;
            if let Ok(target) = configuration.canonicalize() {
                watch(directory(&target), renamed | WatchFlags::CLOSE_WRITE)?;
            }
            #[expect(
                deprecated,
                reason = "sound for a descriptor that is owned; what takes its place is unsafe to call"
            )]
            let events = AsyncFd::with_interest(events, Interest::READABLE)?;
            Ok(Self { events, store })
        }

        /// Waits for a change that counts; `None` where the kernel does not tell any more.
        pub(super) async fn next(&mut self) -> Option<Change> {
            loop {
                let mut ready = self.events.readable().await.ok()?;
                let change = read(self.events.get_ref(), self.store);
                ready.clear_ready();
                drop(ready);
                match change? {
                    Change::Told { records, configuration: false } if records.is_empty() => {}
                    change => return Some(change),
                }
            }
        }
    }

    /// All that is there to be read.
    fn read(events: &OwnedFd, store: i32) -> Option<Change> {
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut reader = Reader::new(events, &mut room);
        let (mut records, mut configuration, mut is_missed) = (BTreeSet::new(), false, false);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => break,
                Err(_) => return None,
            };
            let gone = ReadFlags::IGNORED | ReadFlags::UNMOUNT | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF;
            if event.events().intersects(gone) {
                return None;
            }
            is_missed |= event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            let name = event.file_name().and_then(|name| name.to_str().ok());
            let record = name.filter(|_| event.wd() == store).and_then(profile_of);
            // The store may be in the directory of the configuration.
            configuration |=
                record.is_none() && (event.wd() != store || event.events().contains(ReadFlags::CLOSE_WRITE));
            records.extend(record);
        }
        Some(if is_missed { Change::Anything } else { Change::Told { records, configuration } })
    }

    /// The profile whose record has this file name.
    fn profile_of(name: &str) -> Option<ProfileName> {
        name.strip_suffix(".record")?.parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Change, Watch};

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
    }

    fn write(path: &Path) {
        crate::files::replace(path, b"text").expect("it is written");
    }

    fn told(names: &[&str], configuration: bool) -> Change {
        Change::Told { records: names.iter().map(|name| name.parse().expect("a name")).collect(), configuration }
    }

    #[test]
    fn records_and_the_configuration_are_told_apart_and_other_files_are_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let (store, config) = (home.path().join("state"), home.path().join("config.toml"));
        fs::create_dir(&store).expect("a directory");
        block_on(async {
            let mut watch = Watch::new(Some(store.clone()), config.clone());
            fs::File::create(store.join("lobby.lock")).expect("a file");
            write(&store.join("lobby.record.prev"));
            write(&store.join("lobby.record"));
            write(&store.join("hall.record"));
            assert_eq!(watch.changed().await, told(&["hall", "lobby"], false));
            fs::remove_file(store.join("hall.record")).expect("it was there");
            assert_eq!(watch.changed().await, told(&["hall"], false));
            write(&config);
            assert_eq!(watch.changed().await, told(&[], true));
            // As `echo … > config.toml` does it.
            fs::File::create(&config).expect("a file");
            assert_eq!(watch.changed().await, told(&[], true));
        });
    }

    #[test]
    fn a_link_is_watched_where_it_is_and_where_it_leads() {
        let home = tempfile::tempdir().expect("a directory");
        let path = |name: &str| home.path().join(name);
        for name in ["state", "etc", "one", "two"] {
            fs::create_dir(path(name)).expect("a directory");
        }
        let link = |target: &str| {
            std::os::unix::fs::symlink(path(target).join("config.toml"), path("etc/.new")).expect("a link");
            fs::rename(path("etc/.new"), path("etc/config.toml")).expect("it was there");
        };
        write(&path("one/config.toml"));
        link("one");
        block_on(async {
            let mut watch = Watch::new(Some(path("state")), path("etc/config.toml"));
            write(&path("one/config.toml"));
            assert_eq!(watch.changed().await, told(&[], true));
            link("two");
            assert_eq!(watch.changed().await, told(&[], true));
        });
    }

    #[test]
    fn a_directory_that_goes_away_may_have_changed_in_any_way() {
        let home = tempfile::tempdir().expect("a directory");
        let store = home.path().join("state");
        fs::create_dir(&store).expect("a directory");
        block_on(async {
            let mut watch = Watch::new(Some(store.clone()), home.path().join("config.toml"));
            fs::remove_dir(&store).expect("it was there");
            assert_eq!(watch.changed().await, Change::Anything);
            assert!(watch.kernel.is_none());
        });
    }
}
