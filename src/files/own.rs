//! Whether a file or directory is this program's own. What else is on a machine may have to be as it is, so that advice
//! changes only what is, and has another one named in the place of all else.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::access;
use crate::shell;

/// What directories and files of this program's have in their names.
const NAME: &str = "device-login";
/// So many names tell whether a directory is a store.
const MOST: usize = 1000;
/// What its records, and what pins their key, begin with.
const BEGINNING: [u8; 10] = *b"{\"format\":";

/// Whether it has the program's name in its path, lies below `DEVICE_LOGIN_HOME`, or is a store or in one.
pub fn is_own(path: &Path) -> bool {
    path.components().any(|step| step.as_os_str().to_string_lossy().contains(NAME))
        || is_below(path, std::env::var_os("DEVICE_LOGIN_HOME").map(PathBuf::from))
        || [Some(path), path.parent()].into_iter().flatten().any(is_store)
}

/// Whether it is this program's own, or lies below this user's home directory.
pub fn is_users(path: &Path) -> bool {
    is_below(path, std::env::home_dir()) || is_own(path)
}

/// A command that changes it, or `otherwise` where it is not this program's own.
pub fn change(path: &Path, command: String, otherwise: impl Into<String>) -> String {
    if is_own(path) { command } else { otherwise.into() }
}

/// What to do about a secret of root's that others can read.
pub fn have_closed(path: &Path) -> String {
    let command = format!("have root run `{}`", shell::on("chmod o-r", path));
    change(path, command, "keep it in a file that others cannot read, and name that one")
}

fn is_below(path: &Path, directory: Option<PathBuf>) -> bool {
    let Some(directory) = directory.filter(|directory| directory.is_absolute()) else { return false };
    let directory = directory.canonicalize().unwrap_or(directory);
    directory.parent().is_some() && path != directory && path.starts_with(&directory)
}

fn is_store(directory: &Path) -> bool {
    let Ok(names) = directory.read_dir() else { return false };
    let is_named_so =
        |path: &PathBuf| path.ends_with("store.json") || path.extension().is_some_and(|ending| ending == "record");
    names.take(MOST).flatten().map(|entry| entry.path()).filter(is_named_so).any(|path| begins_as_ours(&path))
}

/// Others have files of these names, too.
fn begins_as_ours(path: &Path) -> bool {
    let mut bytes = [0; BEGINNING.len()];
    let opened = access::options().read(true).open(path);
    opened.and_then(|mut file| file.read_exact(&mut bytes)).is_ok_and(|()| bytes == BEGINNING)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::is_own;

    #[test]
    fn what_has_the_programs_name_or_holds_a_store_is_its_own_and_no_part_of_the_system() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        for (name, file, content) in [
            ("store", "work.record", "{\"format\":1,\"profile\":\"work\"}"),
            ("pinned", "store.json", "{\"format\":1,\"key\":\"key-file\"}"),
            ("shop", "store.json", "{\"items\":[]}"),
            ("else", "notes.txt", "{\"format\":1}"),
        ] {
            std::fs::create_dir(at(name)).expect("a directory");
            let mut file = std::fs::File::create(at(name).join(file)).expect("a file");
            file.write_all(content.as_bytes()).expect("it is written");
        }
        for (path, own) in [
            (Path::new("/etc/device-login/config.toml"), true),
            (Path::new("/home/dana/.config/device-login"), true),
            (&at("store"), true),
            (&at("pinned/store.json"), true),
            (&at("store/work.record"), true),
            (&at("shop"), false),
            (&at("else"), false),
            (&at("else/notes.txt"), false),
            (&at("missing"), false),
            (directory.path(), false),
            (Path::new("/"), false),
            (Path::new("/etc"), false),
            (Path::new("/etc/passwd"), false),
            (Path::new("/dev/null"), false),
        ] {
            assert_eq!(is_own(path), own, "{}", path.display());
        }
    }
}
