//! The file that holds the QR code of a sign-in, for whoever cannot scan it from a screen.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error};
use crate::files::{PRIVATE, Replacement};
use crate::qr::{QrMatrix, image};

/// Where the QR code of each new code is written, as a picture of the kind that the name ends in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrFile {
    path: PathBuf,
    format: QrFormat,
}

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrFormat {
    Png,
    Svg,
}

impl QrFormat {
    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
        }
    }

    /// The picture of a code.
    pub fn picture(self, matrix: &QrMatrix) -> Vec<u8> {
        match self {
            Self::Png => image::png(matrix),
            Self::Svg => image::svg(matrix).into_bytes(),
        }
    }
}

impl QrFile {
    /// Takes the kind of picture from the name; `None` if that ends in neither `.png` nor `.svg`.
    pub fn at(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        let format = [QrFormat::Png, QrFormat::Svg]
            .into_iter()
            .find(|format| extension.eq_ignore_ascii_case(format.extension()))?;
        Some(Self { path: path.to_owned(), format })
    }

    /// Fails where nothing could be written, before there is anything to write.
    pub fn check(&self) -> Result<(), Error> {
        let refused = |error: io::Error| {
            let message = format!("the QR code cannot be written to {}", self.path.display());
            Error::new(Code::Usage, message).because(error).advise("name a file in a directory that you can write to")
        };
        self.begin().map(drop).map_err(refused)
    }

    /// Writes the address as a QR code that only this user may read, in the place of the one before it. Waits for the disk.
    pub fn write(&self, address: &str) -> Result<(), Error> {
        let failed = || Error::new(Code::Other, format!("the QR code could not be written to {}", self.path.display()));
        let matrix = QrMatrix::encode(address)
            .ok_or_else(|| failed().because("the address is too long for one").advise("sign in without `--qr-file`"))?;
        self.begin()
            .and_then(|begun| begun.finish_with(&self.format.picture(&matrix)))
            .map_err(|error| failed().because(error).advise("name a file in a directory that you can write to"))
    }

    fn begin(&self) -> io::Result<Replacement> {
        Replacement::for_readers(&self.path, PRIVATE)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::QrFile;
    use crate::error::Code;

    #[test]
    fn the_name_says_which_picture_it_is() {
        for (name, is_one) in [("a.png", true), ("A.SVG", true), ("a.jpg", false), ("png", false), ("a.png/b", false)] {
            assert_eq!(QrFile::at(Path::new(name)).is_some(), is_one, "{name}");
        }
    }

    #[test]
    fn a_new_code_takes_the_place_of_the_one_before_and_nobody_else_reads_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("code.svg");
        let file = QrFile::at(&path).expect("a picture");
        file.write("https://example.com/1").expect("it is written");
        let first = std::fs::read(&path).expect("it is there");
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("it is ours");
        file.write("https://example.com/2").expect("it is written");
        assert_ne!(std::fs::read(&path).expect("it is there"), first);
        assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let file = QrFile::at(Path::new("/nowhere/at/all/code.png")).expect("a picture");
        let error = file.write("https://example.com").expect_err("there is no such directory");
        assert!(error.to_string().contains("/nowhere/at/all/code.png"), "{error}");
        assert_eq!(file.check().expect_err("the same").code, Code::Usage);
    }

    #[test]
    fn what_can_be_written_is_told_before_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, can_be) in [("new.png", true), ("old.svg", true), ("directory.png", false), ("old.svg/a.png", false)]
        {
            std::fs::File::create(directory.path().join("old.svg")).expect("it is made");
            std::fs::create_dir_all(directory.path().join("directory.png")).expect("it is made");
            let file = QrFile::at(&directory.path().join(name)).expect("a picture");
            assert_eq!(file.check().is_ok(), can_be, "{name}");
            assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 2, "{name}");
        }
    }
}
