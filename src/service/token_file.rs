//! A file that holds a profile's access token and nothing else, for programs that read a bearer token from one.
//!
//! It is replaced whole and never readable by anybody else than was asked for. Everything here waits for the disk.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::files::access;
use crate::files::{self, Readers, Replacement, Trouble};
use crate::secret::Secret;

/// Bytes; what is longer is no token.
const LONGEST: u32 = 64 * 1024;

/// Where the file is, and who may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile {
    place: PathBuf,
    readers: Readers,
}

impl TokenFile {
    /// The file at `path`, wherever links lead on the way.
    ///
    /// # Errors
    ///
    /// A directory on the way is not there, or others could put another file in its place.
    pub fn at(path: &Path, readers: Readers) -> Result<Self, Trouble> {
        let place = access::follow(&files::expanded(path))?;
        Ok(Self { place, readers })
    }

    /// Without links.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Tells whether the file could be written, and deletes what killed processes left beside it, which holds tokens.
    pub fn check(&self) -> io::Result<()> {
        files::remove_left_behind(&self.place);
        Replacement::for_readers(&self.place, self.readers).map(drop)
    }

    /// Tells whether the file could be written, whatever its group is to be.
    pub fn check_without_group(&self) -> io::Result<()> {
        Replacement::for_readers(&self.place, Readers { group: None, ..self.readers }).map(drop)
    }

    /// Puts a token there, durably, unless the file says so already.
    pub fn write(&self, token: &Secret) -> Result<(), Trouble> {
        // Whoever could write to the directory since could have put a link there.
        access::check_directory(files::directory_of(&self.place))?;
        if self.says(token) {
            return Ok(());
        }
        Ok(Replacement::for_readers(&self.place, self.readers)?.finish_with(token.expose().as_bytes())?)
    }

    /// Deletes it. One that is not there is fine.
    pub fn remove(&self) -> Result<(), Trouble> {
        match fs::remove_file(&self.place) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => {
                // The name is gone, and no longer so after a loss of power at worst.
                let _ = files::sync_directory(files::directory_of(&self.place));
                Ok(())
            }
        }
    }

    /// Programs that watch the file are not woken for nothing.
    fn says(&self, token: &Secret) -> bool {
        let is_same = |content: &[u8]| content == token.expose().as_bytes();
        self.has_readers() && files::read(&self.place, LONGEST).is_ok_and(|content| is_same(&content))
    }

    #[cfg(unix)]
    fn has_readers(&self) -> bool {
        use std::os::unix::fs::MetadataExt;

        let fits = |metadata: fs::Metadata| {
            let is_group = self.readers.group.is_none_or(|group| metadata.gid() == group);
            metadata.is_file() && metadata.mode() & 0o7777 == self.readers.mode && is_group && metadata.nlink() == 1
        };
        self.place.symlink_metadata().is_ok_and(fits)
    }

    #[cfg(not(unix))]
    fn has_readers(&self) -> bool {
        self.place.is_file()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::TokenFile;
    use crate::files::{PRIVATE, Readers};
    use crate::secret::Secret;

    #[test]
    fn a_token_is_there_alone_and_goes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        let file = TokenFile::at(&path, PRIVATE).expect("a safe place");
        file.check().expect("it can be written");
        assert!(!path.exists());
        for token in ["first", "second, longer", "third"] {
            file.write(&Secret::new(token)).expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), token);
        }
        file.remove().expect("it can be deleted");
        file.remove().expect("it is gone");
        assert_eq!(directory.path().read_dir().expect("it is there").count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_beside_it_goes_and_its_neighbours_stay() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["token.77.0.tmp", "token.77.tmp", "token.old", "other.77.0.tmp"] {
            fs::File::create(directory.path().join(name)).expect("it can be made");
        }
        TokenFile::at(&directory.path().join("token"), PRIVATE)
            .expect("a safe place")
            .check()
            .expect("it can be written");
        assert!(!directory.path().join("token.77.0.tmp").exists());
        assert_eq!(directory.path().read_dir().expect("it is there").count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_says_so_already_is_left_alone() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        let token = Secret::new("token");
        let written = |readers: Readers| {
            TokenFile::at(&path, readers).expect("a safe place").write(&token).expect("it can be written");
            let metadata = path.metadata().expect("it is there");
            (metadata.ino(), metadata.permissions().mode() & 0o777)
        };
        let first = written(PRIVATE);
        assert_eq!(written(PRIVATE), first);
        let (file, mode) = written(Readers { mode: 0o640, group: None });
        assert_ne!(file, first.0);
        assert_eq!(mode, 0o640);
        // A link is followed, and what it leads to is replaced.
        let link = directory.path().join("link");
        symlink("token", &link).expect("it can be made");
        TokenFile::at(&link, PRIVATE).expect("a safe place").write(&Secret::new("new")).expect("it can be written");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
    }

    #[cfg(unix)]
    #[test]
    fn a_place_in_which_others_could_put_another_file_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().expect("a directory");
        let open = directory.path().join("open");
        fs::create_dir(&open).expect("it can be made");
        let set = |mode| fs::set_permissions(&open, fs::Permissions::from_mode(mode)).expect("it is ours");
        let path = open.join("token");
        set(0o777);
        assert!(TokenFile::at(&path, PRIVATE).is_err());
        set(0o755);
        let file = TokenFile::at(&path, PRIVATE).expect("a safe place");
        set(0o777);
        assert!(file.write(&Secret::new("token")).is_err() && !path.exists());
        assert!(TokenFile::at(&directory.path().join("missing/token"), PRIVATE).is_err());
    }
}
