//! Notices that somebody changes records or the configuration: by the kernel's word (`inotify(7)`), by the word of a database,
//! and by looking every half a minute where there is none: on other systems, and on file systems that machines share.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;

use self::kernel::Inotify;
use super::Service;
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::profile::ProfileName;
use crate::storage::Store;

/// How often is looked where nobody tells, and where a database may have told without being heard.
const LOOKS_EVERY: Duration = Duration::from_secs(30);
/// A database that cannot be listened to is not asked more often.
const ASKS_EVERY: Duration = Duration::from_secs(5);

/// A file system that takes longer to answer is looked at like those that do not tell.
const LONGEST_BEGINNING: Duration = Duration::from_secs(2);

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These records, the configuration or not, and whether any other file beside it: that may be a secret.
    Told { records: BTreeSet<ProfileName>, configuration: bool, beside: bool },
    /// Whatever there is.
    Anything,
}

impl Change {
    /// Whether a status may be another one. No file beside the configuration makes it one.
    pub fn is_of_statuses(&self) -> bool {
        !matches!(self, Self::Told { records, configuration: false, .. } if records.is_empty())
    }
}

/// What a store tells of changes: the profiles; none where the time is over; `None` where it never tells.
type Told = Option<Vec<ProfileName>>;

/// Watches a store and the file of the configuration.
pub struct Watch {
    store: Store,
    /// Where the store's records are files.
    directory: Option<PathBuf>,
    configuration: PathBuf,
    kernel: Option<Inotify>,
    /// The store is listened to, and will be again from then on.
    listening: Option<(JoinHandle<Told>, Moment)>,
    next_look: Moment,
    /// The look that has begun, which a file system may take its time for.
    look: Option<JoinHandle<Option<Inotify>>>,
}

impl Service {
    /// Watches the store and the file of the configuration, from now on. Needs a runtime.
    pub async fn watch(&self) -> Watch {
        Watch::new(self.store.clone(), self.config.file.clone()).await
    }
}

impl Watch {
    /// From now on, so that nothing escapes who reads after it.
    async fn new(store: Store, configuration: PathBuf) -> Self {
        let now = clock::now();
        let directory = store.directory();
        let kernel = watched(directory.clone(), configuration.clone()).await;
        let listening = directory.is_none().then(|| listen(&store, now));
        Self { store, directory, configuration, kernel, listening, next_look: now + LOOKS_EVERY, look: None }
    }

    /// Waits for a change. Whoever stops waiting misses none.
    pub async fn changed(&mut self) -> Change {
        loop {
            // A store without a directory that never tells is nobody else's.
            let has_to_look = self.kernel.as_ref().is_none_or(Inotify::awaits_store);
            tokio::select! {
                change = kernel_tells(&mut self.kernel) => {
                    if self.kernel.is_none() {
                        // What it was about may be elsewhere.
                        self.next_look = clock::now();
                    }
                    return change;
                }
                told = store_tells(&mut self.listening) => {
                    if let Some(change) = self.heard(told) {
                        return change;
                    }
                }
                () = clock::sleep_until(self.next_look), if has_to_look && self.look.is_none() => {
                    self.next_look = clock::now() + LOOKS_EVERY;
                    // What could not be watched a while ago may be there now.
                    self.look = Some(tokio::spawn(watched(self.directory.clone(), self.configuration.clone())));
                }
                kernel = looked(&mut self.look) => {
                    self.kernel = kernel;
                    return Change::Anything;
                }
            }
        }
    }

    fn heard(&mut self, told: Told) -> Option<Change> {
        let (_, again) = self.listening.take()?;
        let records = told?;
        self.listening = Some(listen(&self.store, again));
        // Something may have been missed while nobody listened.
        if records.is_empty() {
            return Some(Change::Anything);
        }
        Some(Change::Told { records: records.into_iter().collect(), configuration: false, beside: false })
    }
}

/// Has the kernel tell of the two, where it does. A mount that hangs keeps a thread aside waiting, and not the loop for long.
async fn watched(store: Option<PathBuf>, configuration: PathBuf) -> Option<Inotify> {
    let begun = aside(move || kernel::begin(store.as_deref(), &configuration).ok());
    let begun = tokio::time::timeout(LONGEST_BEGINNING, begun).await.ok().flatten()?;
    Inotify::new(begun).ok()
}

async fn kernel_tells(kernel: &mut Option<Inotify>) -> Change {
    let Some(notices) = kernel else { return std::future::pending().await };
    if let Some(change) = notices.next().await {
        return change;
    }
    *kernel = None;
    Change::Anything
}

async fn looked(look: &mut Option<JoinHandle<Option<Inotify>>>) -> Option<Inotify> {
    let Some(task) = look else { return std::future::pending().await };
    let kernel = task.await.unwrap_or(None);
    *look = None;
    kernel
}

async fn store_tells(listening: &mut Option<(JoinHandle<Told>, Moment)>) -> Told {
    match listening {
        // A task that has failed tells nothing any more.
        Some((task, _)) => task.await.unwrap_or(None),
        None => std::future::pending().await,
    }
}

/// Listens to the store from that moment on, and tells when it may be listened to anew.
fn listen(store: &Store, from: Moment) -> (JoinHandle<Told>, Moment) {
    let store = store.clone();
    let listening = async move {
        clock::sleep_until(from).await;
        aside(move || store.changed(LOOKS_EVERY)).await
    };
    (tokio::spawn(listening), from.max(clock::now()) + ASKS_EVERY)
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;
    use std::path::Path;

    use super::Change;

    /// What the kernel tells: nothing.
    pub(super) struct Inotify;

    pub(super) fn begin(_store: Option<&Path>, _configuration: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    impl Inotify {
        pub(super) fn new((): ()) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn awaits_store(&self) -> bool {
            true
        }

        #[expect(clippy::unused_async, reason = "has the shape of its counterpart")]
        pub(super) async fn next(&mut self) -> Option<Change> {
            None
        }
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::collections::BTreeSet;
    use std::ffi::OsString;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    use rustix::fs::statfs;
    use rustix::io::Errno;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::Change;
    use crate::profile::ProfileName;

    /// So many links are followed.
    const MOST_LINKS: usize = 40;

    /// Bytes of events that are read at once.
    const ROOM: usize = 4096;

    /// File systems on which other machines write without a word of this one's kernel: NFS, SMB, 9P, Ceph, FUSE (`statfs(2)`).
    const SHARED: &[u64] = &[0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x00c3_6400, 0x6573_5546];

    /// Where the store's directory is watched.
    #[derive(Debug)]
    pub(super) enum WatchedAt {
        Itself(i32),
        /// A directory above it, since it is not there yet, and the name in that one that leads to it.
        Above(i32, Vec<u8>),
    }

    /// The directories that are watched for the configuration, with the names in them that lead to it.
    pub(super) type Places = Vec<(i32, OsString)>;

    /// What is watched, and where.
    pub(super) type Begun = (OwnedFd, Option<WatchedAt>, Places);

    /// Begins to watch the two directories. Fails where not all can be watched. Blocks.
    pub(super) fn begin(store: Option<&Path>, configuration: &Path) -> io::Result<Begun> {
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
        let nearest = |store: &Path| {
            let mut missing: Option<&Path> = None;
            for directory in store.ancestors() {
                let made = WatchFlags::CREATE | WatchFlags::MOVED_TO;
                match (watch(directory, missing.map_or(renamed, |_| made)), missing) {
                    (Err(error), _) if error.kind() == io::ErrorKind::NotFound => missing = Some(directory),
                    (watched, None) => return watched.map(WatchedAt::Itself),
                    // Somebody has made it meanwhile, or it is a link that leads nowhere yet.
                    (Ok(_), Some(missing)) if missing.symlink_metadata().is_ok() => break,
                    (watched, Some(missing)) => {
                        let name = missing.file_name().unwrap_or_default().as_bytes().to_owned();
                        return watched.map(|above| WatchedAt::Above(above, name));
                    }
                }
            }
            Err(io::Error::from(io::ErrorKind::NotFound))
        };
        let store = store.map(nearest).transpose()?;
        let mut places = Places::new();
        for place in ways_to(configuration) {
            match watch(directory(&place), renamed | WatchFlags::CLOSE_WRITE) {
                // A link that leads nowhere is watched itself.
                Err(error) if error.kind() == io::ErrorKind::NotFound && place != configuration => {}
                watched => places.push((watched?, place.file_name().unwrap_or_default().to_owned())),
            }
        }
        Ok((events, store, places))
    }

    /// A file, and what leads to it: the links, and those among the directories that they name, as a volume of Kubernetes has them.
    fn ways_to(file: &Path) -> Vec<PathBuf> {
        let mut ways = vec![file.to_owned()];
        let mut seen = 0;
        while let Some(way) = ways.get(seen).filter(|_| seen < MOST_LINKS) {
            seen += 1;
            let Ok(target) = way.read_link() else { continue };
            let target = directory(way).join(target);
            let links = target.ancestors().skip(1).filter(|directory| directory.is_symlink());
            let links: Vec<PathBuf> = links.map(Path::to_owned).collect();
            ways.push(target);
            ways.extend(links);
        }
        ways
    }

    /// What the kernel tells of the two directories.
    pub(super) struct Inotify {
        events: AsyncFd<OwnedFd>,
        store: Option<WatchedAt>,
        configuration: Places,
    }

    impl Inotify {
        /// Needs a runtime.
        pub(super) fn new((events, store, configuration): Begun) -> io::Result<Self> {
            #[expect(
                deprecated,
                reason = "sound for a descriptor that is owned; what takes its place is unsafe to call"
            )]
            let events = AsyncFd::with_interest(events, Interest::READABLE)?;
            Ok(Self { events, store, configuration })
        }

        /// Whether the store is not there yet. A file system that is mounted above it is not told of.
        pub(super) fn awaits_store(&self) -> bool {
            matches!(self.store, Some(WatchedAt::Above(..)))
        }

        /// Waits for a change that counts; `None` where the kernel does not tell any more.
        pub(super) async fn next(&mut self) -> Option<Change> {
            loop {
                let mut ready = self.events.readable().await.ok()?;
                let change = read(self.events.get_ref(), self.store.as_ref(), &self.configuration);
                ready.clear_ready();
                drop(ready);
                match change? {
                    Change::Told { records, configuration: false, beside: false } if records.is_empty() => {}
                    change => return Some(change),
                }
            }
        }
    }

    /// All that is there to be read; `None` where something else is to be watched from now on.
    fn read(events: &OwnedFd, store: Option<&WatchedAt>, places: &Places) -> Option<Change> {
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut reader = Reader::new(events, &mut room);
        let (mut records, mut configuration, mut beside, mut is_missed) = (BTreeSet::new(), false, false, false);
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
            let name = event.file_name();
            if let Some(WatchedAt::Above(above, leads_there)) = store
                && event.wd() == *above
                && name.is_some_and(|name| name.to_bytes() == leads_there)
            {
                return None;
            }
            if event.events().contains(ReadFlags::CREATE) {
                continue;
            }
            let is_in_store = matches!(store, Some(WatchedAt::Itself(store)) if *store == event.wd());
            let record = name.and_then(|name| name.to_str().ok()).filter(|_| is_in_store).and_then(profile_of);
            let is_here = |(watched, _): &&(i32, OsString)| *watched == event.wd();
            let leads_there = |(_, own): &(i32, OsString)| name.is_some_and(|name| name.to_bytes() == own.as_bytes());
            let mut here = places.iter().filter(is_here).peekable();
            // The store may be in the directory of the configuration.
            let is_beside = record.is_none() && !is_in_store && here.peek().is_some();
            let is_configuration = here.any(leads_there);
            configuration |= is_configuration;
            beside |= is_beside && !is_configuration;
            records.extend(record);
        }
        Some(if is_missed { Change::Anything } else { Change::Told { records, configuration, beside } })
    }

    /// The directory of a file.
    fn directory(file: &Path) -> &Path {
        match file.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        }
    }

    /// The profile whose record has this file name.
    fn profile_of(name: &str) -> Option<ProfileName> {
        name.strip_suffix(".record")?.parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::future::poll_fn;
    use std::path::Path;
    use std::task::Poll;
    use std::time::Duration;

    use super::{Change, Watch};
    use crate::clock;
    use crate::storage::{KeyOptions, Store, StoreAddress, open};

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
    }

    fn files(directory: &Path) -> Store {
        open(&StoreAddress::File(directory.to_owned()), KeyOptions::default())
    }

    fn write(path: &Path) {
        crate::files::replace(path, b"text").expect("it is written");
    }

    fn told(names: &[&str], configuration: bool) -> Change {
        let records = names.iter().map(|name| name.parse().expect("a name")).collect();
        Change::Told { records, configuration, beside: false }
    }

    /// What is told but for files beside the configuration, as which one comes that is about to take its place.
    async fn heard(watch: &mut Watch) -> Change {
        match watch.changed().await {
            Change::Told { records, configuration, .. } => Change::Told { records, configuration, beside: false },
            Change::Anything => Change::Anything,
        }
    }

    #[test]
    fn records_and_the_configuration_are_told_apart_and_other_files_are_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let (store, config) = (home.path().join("state"), home.path().join("config.toml"));
        fs::create_dir(&store).expect("a directory");
        block_on(async {
            let mut watch = Watch::new(files(&store), config.clone()).await;
            fs::File::create(store.join("lobby.lock")).expect("a file");
            write(&store.join("lobby.record.prev"));
            write(&store.join("lobby.record"));
            write(&store.join("hall.record"));
            assert_eq!(heard(&mut watch).await, told(&["hall", "lobby"], false));
            fs::remove_file(store.join("hall.record")).expect("it was there");
            assert_eq!(heard(&mut watch).await, told(&["hall"], false));
            write(&config);
            assert_eq!(heard(&mut watch).await, told(&[], true));
            // As `echo … > config.toml` does it.
            fs::File::create(&config).expect("a file");
            assert_eq!(heard(&mut watch).await, told(&[], true));
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
            let mut watch = Watch::new(files(&path("state")), path("etc/config.toml")).await;
            write(&path("one/config.toml"));
            assert_eq!(heard(&mut watch).await, told(&[], true));
            link("two");
            assert_eq!(heard(&mut watch).await, told(&[], true));
        });
    }

    #[test]
    fn a_file_beside_the_configuration_is_not_taken_for_it() {
        let home = tempfile::tempdir().expect("a directory");
        let path = |name: &str| home.path().join(name);
        fs::create_dir(path("..1")).expect("a directory");
        write(&path("..1/config.toml"));
        // As a volume of Kubernetes has it.
        std::os::unix::fs::symlink("..1", path("..data")).expect("a link");
        std::os::unix::fs::symlink("..data/config.toml", path("config.toml")).expect("a link");
        let beside = Change::Told { records: [].into(), configuration: false, beside: true };
        block_on(async {
            // While the store is not there, the same directory is watched for it.
            let mut watch = Watch::new(files(&path("state")), path("config.toml")).await;
            fs::File::create(path("secret")).expect("a file");
            assert_eq!(watch.changed().await, beside);
            fs::rename(path("secret"), path("other")).expect("it was there");
            assert_eq!(watch.changed().await, beside);
            std::os::unix::fs::symlink("..1", path(".new")).expect("a link");
            fs::rename(path(".new"), path("..data")).expect("it was there");
            let Change::Told { configuration, .. } = watch.changed().await else { panic!("it is told which") };
            assert!(configuration);
        });
    }

    #[test]
    fn a_store_that_is_nobody_elses_is_not_looked_for() {
        let home = tempfile::tempdir().expect("a directory");
        block_on(async {
            let store = open(&StoreAddress::Memory, KeyOptions::default());
            let mut watch = Watch::new(store, home.path().join("config.toml")).await;
            watch.next_look = clock::now();
            let looked = clock::within(Duration::from_millis(300), watch.changed()).await;
            assert_eq!(looked, None);
        });
    }

    #[test]
    fn a_store_is_watched_as_soon_as_somebody_makes_it() {
        let home = tempfile::tempdir().expect("a directory");
        let store = home.path().join("local/state");
        block_on(async {
            let mut watch = Watch::new(files(&store), home.path().join("config.toml")).await;
            fs::File::create(home.path().join("config.toml.lock")).expect("a file");
            fs::create_dir(home.path().join("local")).expect("a directory");
            assert_eq!(watch.changed().await, Change::Anything);
            assert_eq!(watch.changed().await, Change::Anything);
            fs::create_dir(&store).expect("a directory");
            assert_eq!(watch.changed().await, Change::Anything);
            assert_eq!(watch.changed().await, Change::Anything);
            write(&store.join("lobby.record"));
            assert_eq!(watch.changed().await, told(&["lobby"], false));
        });
    }

    #[test]
    fn a_directory_that_goes_away_may_have_changed_in_any_way() {
        let home = tempfile::tempdir().expect("a directory");
        let store = home.path().join("state");
        fs::create_dir(&store).expect("a directory");
        block_on(async {
            let mut watch = Watch::new(files(&store), home.path().join("config.toml")).await;
            fs::remove_dir(&store).expect("it was there");
            assert_eq!(watch.changed().await, Change::Anything);
            assert!(watch.kernel.is_none());
        });
    }

    #[test]
    fn a_look_goes_on_when_nobody_waits_for_it() {
        let home = tempfile::tempdir().expect("a directory");
        block_on(async {
            let mut watch = Watch::new(files(&home.path().join("missing")), home.path().join("config.toml")).await;
            watch.kernel = None;
            watch.next_look = clock::now();
            let mut changed = Box::pin(watch.changed());
            assert!(poll_fn(|context| Poll::Ready(changed.as_mut().poll(context).is_pending())).await);
            drop(changed);
            let looked = clock::within(Duration::from_secs(5), watch.changed()).await;
            assert_eq!(looked, Some(Change::Anything));
        });
    }
}
