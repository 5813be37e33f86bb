//! What is done with answers beside the screen: saving one to a file, and knowing which search is still wanted.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Code, Error};
use crate::files;
use crate::tui::message::TaskId;
use crate::tui::received::Content;

/// How many files of one name there may be.
const MOST_NAMESAKES: u32 = 100;

/// Work of which only the last that was begun is wanted.
#[derive(Debug, Default)]
pub(super) struct Latest(Arc<AtomicU64>);

impl Latest {
    /// Begins with a piece of work, and gives what tells it whether it is wanted still.
    pub(super) fn begin(&self, task: TaskId) -> impl Fn() -> bool + Send + use<> {
        self.0.store(task.0, Ordering::Relaxed);
        let latest = self.0.clone();
        move || latest.load(Ordering::Relaxed) == task.0
    }
}

/// Writes to a new file, below the current directory where the name tells no other, which only this user may read.
pub(super) fn save(name: &str, content: &Content) -> Result<PathBuf, Error> {
    let path = std::env::current_dir().unwrap_or_default().join(files::expanded(Path::new(name)));
    save_at(&path, |file| content.write_to(file)).map_err(|error| {
        let hint = files::advice(&error);
        Error::new(Code::Other, format!("{} could not be written", path.display())).because(error).advise(hint)
    })
}

/// Takes another name where there is such a file already.
fn save_at(wanted: &Path, write: impl Fn(&mut File) -> io::Result<()>) -> io::Result<PathBuf> {
    if wanted.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory"));
    }
    for number in 1..=MOST_NAMESAKES {
        let path = if number == 1 { wanted.to_owned() } else { numbered(wanted, number) };
        match files::create_private(&path) {
            Ok(mut file) => {
                let written = write(&mut file);
                if written.is_err() {
                    // Half an answer would pass for a whole one; the first error is the one to report.
                    let _ = std::fs::remove_file(&path);
                }
                return written.map(|()| path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, format!("there are {MOST_NAMESAKES} files of that name")))
}

/// `a.png` as `a-2.png`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::{Latest, numbered, save, save_at};
    use crate::tui::message::TaskId;
    use crate::tui::received::Content;

    #[test]
    fn only_the_last_piece_of_work_is_wanted() {
        let latest = Latest::default();
        let first = latest.begin(TaskId(1));
        assert!(first());
        let second = latest.begin(TaskId(2));
        assert!(!first() && second());
    }

    #[test]
    fn a_file_that_is_there_stays_and_the_new_one_is_private() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = save_at(&directory.path().join("org.json"), |file| file.write_all(b"1")).expect("it is saved");
        let second = save_at(&directory.path().join("org.json"), |file| file.write_all(b"2")).expect("it is saved");
        assert_eq!(second.file_name().and_then(|name| name.to_str()), Some("org-2.json"));
        assert_eq!(
            (std::fs::read(&first).ok(), std::fs::read(&second).ok()),
            (Some(b"1".to_vec()), Some(b"2".to_vec()))
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(first).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    #[test]
    fn a_namesake_keeps_its_directory_and_its_kind() {
        for (wanted, other) in
            [("a.png", "a-2.png"), ("/b.d/x", "/b.d/x-2"), ("~/q.tar.gz", "~/q.tar-2.gz"), (".env", ".env-2")]
        {
            assert_eq!(numbered(Path::new(wanted), 2), Path::new(other), "{wanted}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_told_with_its_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let directory = directory.path().to_str().expect("a name");
        for (name, cause) in
            [(directory.to_owned(), "it is a directory"), (format!("{directory}/none/x.png"), "No such file")]
        {
            let error = save(&name, &Content::Binary(vec![1].into())).expect_err("it is not written");
            let told = error.to_string();
            assert!(
                told.starts_with(&format!("{name} could not be written: {cause}")) && !error.advice.is_empty(),
                "{told}"
            );
        }
    }
}
