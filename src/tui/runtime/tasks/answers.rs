//! What is done with answers beside the screen: taking a long one apart, and saving one to a file.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Code, Error};
use crate::files;
use crate::service::Answer;
use crate::tui::message::TaskId;
use crate::tui::panels::api::{Content, Received};

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

/// Takes an answer apart on a thread of its own, so that no key waits.
pub(super) async fn received(answer: Answer) -> Result<Received, Error> {
    let read = tokio::task::spawn_blocking(move || Received::new(answer)).await;
    read.map_err(|_| Error::new(Code::Other, "reading the answer was cut short"))
}

/// Writes an answer to a new file in the current directory, which only this user may read.
pub(super) fn save(name: &str, content: &Content) -> Result<PathBuf, Error> {
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    save_in(&directory, name, content.bytes()).map_err(|error| {
        let message = format!("the answer could not be saved in {}", directory.display());
        Error::new(Code::Other, message).because(error)
    })
}

/// Takes another name where there is such a file already.
fn save_in(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "txt"));
    for number in 1..=MOST_NAMESAKES {
        let name = if number == 1 { name.to_owned() } else { format!("{stem}-{number}.{extension}") };
        let path = directory.join(name);
        match files::create_private(&path) {
            Ok(mut file) => {
                let written = file.write_all(bytes);
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

#[cfg(test)]
mod tests {
    use super::{Latest, save_in};
    use crate::tui::message::TaskId;

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
        let first = save_in(directory.path(), "org.json", b"1").expect("it is saved");
        let second = save_in(directory.path(), "org.json", b"2").expect("it is saved");
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
}
