//! Reads files that people name, which may turn out to be anything: within a limit, so that none fills the memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

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
