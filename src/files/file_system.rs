//! The file systems on which directories lie: what they are, and what fits into them.

use std::io;
use std::path::Path;

/// What a directory lies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// The kind and where it is mounted, where the system tells.
    pub mount: Option<(String, String)>,
    pub is_read_only: bool,
    /// Programs in it cannot be run.
    pub is_without_programs: bool,
    /// Bytes that this user may still write.
    pub free: u64,
    /// Files that may still be made; `None` where there is no limit.
    pub free_files: Option<u64>,
}

impl FileSystem {
    /// That of a directory which is there.
    #[cfg(unix)]
    pub fn of(directory: &Path) -> io::Result<Self> {
        use rustix::fs::StatVfsMountFlags;

        let told = rustix::fs::statvfs(directory)?;
        Ok(Self {
            mount: mount_of(directory),
            is_read_only: told.f_flag.contains(StatVfsMountFlags::RDONLY),
            is_without_programs: told.f_flag.contains(StatVfsMountFlags::NOEXEC),
            free: told.f_bavail.saturating_mul(told.f_frsize),
            free_files: (told.f_files > 0).then_some(told.f_favail),
        })
    }

    #[cfg(not(unix))]
    pub fn of(_directory: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The kind of the file system that has this directory, and where it is mounted.
pub(super) fn mount_of(directory: &Path) -> Option<(String, String)> {
    let path = directory.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|mount| {
        let mut fields = mount.split(' ');
        let (place, kind) = (fields.nth(1)?, fields.next()?);
        // Of those that lie on each other the last one is seen.
        path.starts_with(place).then(|| (place.len(), (kind.to_owned(), place.to_owned())))
    });
    mounts.max_by_key(|(length, _)| *length).map(|(_, mount)| mount)
}
