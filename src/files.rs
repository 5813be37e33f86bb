//! Files that people name. They may turn out to be anything, so they are read within a limit, that none fills the memory;
//! and they are replaced whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The whole content, of `limit` bytes at most. It may be secret, so it is wiped when dropped.
pub fn read(path: &Path, limit: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::new());
    File::open(path)?.take(u64::from(limit) + 1).read_to_end(&mut content)?;
    if content.len() > limit as usize {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(content)
}

/// As [`read`], for text.
pub fn read_text(path: &Path, limit: u32) -> io::Result<Zeroizing<String>> {
    let mut content = read(path, limit)?;
    match String::from_utf8(std::mem::take(&mut *content)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
        }
    }
}

/// Replaces a file whole or not at all. The new one is readable by this user alone.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{read, read_text};

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b"four").expect("it can be written");
        assert_eq!(read_text(file.path(), 4).expect("short enough").as_str(), "four");
        assert!(read(file.path(), 3).is_err());
        file.write_all(&[0xff]).expect("it can be written");
        assert!(read_text(file.path(), 5).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_refused() {
        assert!(read("/dev/zero".as_ref(), 1000).is_err());
    }
}
