//! Files without a name: gone with the last process that has them open, however that ends.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::access;

/// Names that others may have taken.
const MOST_TRIES: u32 = 100;
/// Gone when it is closed (`FILE_FLAG_DELETE_ON_CLOSE`).
#[cfg(windows)]
const DELETE_ON_CLOSE: u32 = 0x0400_0000;

/// Makes one in `directory`, for this user alone, to be written and read. It never has a name where the file system can do that.
pub fn nameless(directory: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    match unnamed(directory) {
        // Older file systems and systems have various words for that they cannot.
        Err(error) if !is_final(&error) => {}
        made => return made,
    }
    let mut options = access::options();
    options.read(true).write(true).create_new(true);
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, DELETE_ON_CLOSE);
    for number in 0..MOST_TRIES {
        let path = directory.join(format!(".device-login-{}-{number}", std::process::id()));
        match options.open(&path) {
            #[cfg(unix)]
            Ok(file) => return std::fs::remove_file(&path).map(|()| file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => return opened,
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(target_os = "linux")]
fn unnamed(directory: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;

    access::options().read(true).write(true).custom_flags(OFlags::TMPFILE.bits().cast_signed()).open(directory)
}

/// What a file with a name would end in as well.
#[cfg(target_os = "linux")]
fn is_final(error: &io::Error) -> bool {
    use ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};

    matches!(error.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Read, Seek, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::nameless;

    #[test]
    fn a_file_without_a_name_is_private_and_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut file = nameless(directory.path()).expect("it is made");
        assert_eq!(file.metadata().expect("it is open").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0);
        file.write_all(b"whole").expect("it is written");
        file.rewind().expect("it is a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("it is read");
        assert_eq!(text, "whole");
    }
}
