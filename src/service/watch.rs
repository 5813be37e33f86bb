//! Notices that somebody changes records or the configuration: by the kernel's word (`inotify(7)`), by the word of a database,
//! and by looking every half a minute where there is none: on other systems, and on file systems that machines share.

#[cfg(target_os = "linux")]
mod kernel;

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
