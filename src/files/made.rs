//! What is made for this user alone, with the rights of its owner whatever the umask takes: without them nobody could open it again.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::path::Path;

use super::access;

pub(super) const FILE: u32 = 0o600;
pub(super) const DIRECTORY: u32 = 0o700;

/// Creates a file that must not exist yet, for this user alone.
pub fn create_private(path: &Path) -> io::Result<File> {
    with_owners_rights(access::options().write(true).create_new(true).open(path)?)
}

/// Opens the file that processes lock before they do something that only one may do at a time. It is never deleted: two
/// of them would then hold locks on two files of one name.
pub fn open_lock(path: &Path) -> io::Result<File> {
    with_owners_rights(access::options().write(true).create(true).truncate(false).open(path)?)
}

/// The same file with the rights of its owner.
pub fn with_owners_rights(file: File) -> io::Result<File> {
    if let Some(permissions) = with_rights(&file.metadata()?, FILE) {
        file.set_permissions(permissions)?;
    }
    Ok(file)
}

/// Creates a directory that must not exist yet, for this user alone.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "Unix systems set a mode"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, DIRECTORY);
    builder.create(path)?;
    match with_rights(&path.symlink_metadata()?, DIRECTORY) {
        Some(permissions) => fs::set_permissions(path, permissions),
        None => Ok(()),
    }
}

/// The same for one that may exist, and with its missing parents.
pub fn create_private_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_directories(parent)?;
    }
    match create_private_directory(path) {
        Err(_) if path.is_dir() => Ok(()),
        created => created,
    }
}

/// The permissions with these rights of the owner; `None` where that has them, or is not who runs this.
#[cfg(unix)]
pub(super) fn with_rights(metadata: &Metadata, rights: u32) -> Option<Permissions> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let mut permissions = metadata.permissions();
    if permissions.mode() & rights == rights || metadata.uid() != rustix::process::geteuid().as_raw() {
        return None;
    }
    permissions.set_mode(permissions.mode() | rights);
    Some(permissions)
}

#[cfg(not(unix))]
pub(super) fn with_rights(_: &Metadata, _: u32) -> Option<Permissions> {
    None
}
