//! What the kernel of Linux tells of changes in directories (`inotify(7)`).

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
        #[expect(deprecated, reason = "sound for a descriptor that is owned; what takes its place is unsafe to call")]
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
