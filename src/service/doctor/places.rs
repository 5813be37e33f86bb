//! Files and directories: who else could get at them, and what they lie on.

use std::path::{Path, PathBuf};

use super::{Check, MOST, Patient, Subject, limited};
use crate::aside::aside;
use crate::config::SecretSource;
use crate::files::access::{self, Holds};
use crate::files::{FileSystem, Trouble, check_room, directory_of, expanded, nearest, own};
use crate::sorted;

/// Bytes. A commit takes some ten thousand.
const LEAST_ROOM: u64 = 1024 * 1024;
const LITTLE_ROOM: u64 = 64 * LEAST_ROOM;
const FEW_FILES: u64 = 64;

/// A file that is judged.
struct Judged {
    path: PathBuf,
    holds: Holds,
    /// One that is not there is none to judge, and none is missed.
    may_be_absent: bool,
}

impl Patient {
    pub(super) async fn check_files(&self) -> Vec<Check> {
        let (files, own) = (self.files(), self.directories());
        let variable = |name: &str| (self.service.variables)(name).filter(|value| !value.is_empty());
        let lists = variable("SSL_CERT_DIR").map(|directories| std::env::split_paths(&directories).collect());
        let lists: Vec<PathBuf> = lists.unwrap_or_default();
        let store = self.service.store().directory();
        let config_file = self.places.as_ref().ok().map(|places| places.config_file.clone());
        let (mut checks, seen, absent) = aside(move || {
            let all = files.iter().map(|file| &file.path).chain(&lists);
            let (seen, absent): (Vec<&PathBuf>, Vec<&PathBuf>) =
                all.partition(|path| !matches!(path.try_exists(), Ok(false)));
            let [seen, absent] =
                [seen, absent].map(|paths| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
            let of_files = files.iter().filter_map(judge);
            let of_lists = lists.iter().map(|directory| (directory, access::check_directory(directory).map(drop)));
            let of_own = own.iter().map(|directory| {
                let judged = access::check_directory(directory).map(drop);
                (directory, judged.and_then(|()| access::check_private_directory(directory)))
            });
            let of_directories = of_lists.chain(of_own).filter_map(|(directory, judged)| {
                judged.err().filter(|trouble| !trouble.is_absence()).map(|trouble| refused(directory, &trouble))
            });
            let unwritable = unwritable(store.as_deref(), &own, config_file.as_deref());
            (of_files.chain(of_directories).chain(unwritable).collect::<Vec<Check>>(), seen, absent)
        })
        .await;
        if checks.is_empty() {
            let listed = |words: &str, paths: &[String]| {
                let (first, rest) = paths.split_at(paths.len().min(MOST));
                let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                (!paths.is_empty()).then(|| format!("{words}: {}{more}", first.join(", ")))
            };
            let told = [listed("nobody else can change them", &seen), listed("not there yet", &absent)];
            let told = told.into_iter().flatten().collect::<Vec<_>>().join("; ");
            let told = if told.is_empty() { "none is looked at".to_owned() } else { told };
            return vec![Check::ok(Subject::Files, "", told)];
        }
        let more = limited(&mut checks, Subject::Files, "file", "mend these, and look again");
        checks.extend(more);
        checks
    }

    fn files(&self) -> Vec<Judged> {
        let mut files = Vec::new();
        let mut add = |path: PathBuf, holds: Holds, may_be_absent: bool| {
            files.push(Judged { path, holds, may_be_absent });
        };
        if let Ok(places) = &self.places {
            let variable = |name: &str| (self.service.variables)(name);
            let keys = places.key_options(crate::config::Environment(&variable));
            add(places.config_file.clone(), Holds::Settings, true);
            let credential = keys.credential();
            match keys.key_file {
                Some(file) => add(file, Holds::Secrets, false),
                None => add(keys.default_key_file, Holds::Secrets, true),
            }
            if let Some(file) = credential {
                add(file, Holds::Credential, true);
            }
            if let Some(file) = keys.passphrase_file {
                add(file, Holds::Secrets, false);
            }
        }
        if let Some(file) = &self.service.config.store.url_file {
            add(file.clone(), Holds::Secrets, false);
        }
        for profile in self.profiles() {
            if let SecretSource::File(file) = &profile.client_secret {
                add(file.clone(), Holds::Secrets, false);
            }
            for file in profile.client_secret_files.values() {
                add(file.clone(), Holds::Secrets, false);
            }
        }
        let authorities = (self.service.variables)("SSL_CERT_FILE").filter(|file| !file.is_empty());
        for file in self.ca_certificate.clone().into_iter().chain(authorities.map(PathBuf::from)) {
            add(expanded(&file), Holds::Settings, false);
        }
        for (file, holds) in self.service.store().files() {
            add(file, holds, true);
        }
        sorted::by(&mut files, |one, other| one.path.cmp(&other.path));
        files.dedup_by(|one, other| one.path == other.path);
        files
    }

    /// Those in which this program writes, that of the store first.
    fn directories(&self) -> Vec<PathBuf> {
        let store = self.service.store().directory();
        let others = self.places.iter().flat_map(|places| [places.state_dir.clone(), places.spare_dir.clone()]);
        let mut directories: Vec<PathBuf> = Vec::new();
        for directory in store.into_iter().chain(others) {
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories
    }

    pub(super) async fn check_file_systems(&self) -> Vec<Check> {
        let store = self.service.store().directory();
        let directories = self.directories();
        aside(move || {
            let mut seen: Vec<(FileSystem, PathBuf)> = Vec::new();
            let mut checks = Vec::new();
            for directory in directories {
                let there = nearest(&directory);
                match FileSystem::of(there) {
                    // One line for all that lie on the same.
                    Ok(system) if seen.iter().any(|(other, _)| other.mount == system.mount) => {}
                    Ok(system) => {
                        let is_store = store.as_deref() == Some(directory.as_path());
                        checks.push(of_file_system(&system, &directory, is_store));
                        seen.push((system, directory));
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
                        let seen = "not looked at: this system does not tell what directories lie on";
                        checks.push(Check::ok(Subject::FileSystem, directory.display().to_string(), seen));
                    }
                    Err(error) => {
                        let trouble = Trouble::from(error);
                        let check =
                            Check::error(Subject::FileSystem, directory.display().to_string(), trouble.cause(there));
                        checks.push(check.advise(trouble.advice()));
                    }
                }
            }
            checks
        })
        .await
    }
}

/// Where this user cannot write beside the store, which has a line of its own: each place once. A configuration that
/// somebody else has made is theirs to change.
fn unwritable(store: Option<&Path>, own: &[PathBuf], config_file: Option<&Path>) -> Vec<Check> {
    let of_config = config_file.filter(|file| !is_of_another(file));
    let of_config = of_config.map(|file| (directory_of(file), "no profile can be added or changed there"));
    let beside = own.iter().map(|directory| (directory.as_path(), "nothing can be kept there"));
    let mut told: Vec<&Path> = store.map(nearest).into_iter().collect();
    let mut checks = Vec::new();
    for (directory, consequence) in of_config.into_iter().chain(beside) {
        let there = nearest(directory);
        // What is no directory is refused already, and file systems have their lines.
        if told.contains(&there) || !there.is_dir() {
            continue;
        }
        told.push(there);
        let Err(error) = check_room(there, 1) else { continue };
        if error.kind() != std::io::ErrorKind::ReadOnlyFilesystem {
            let seen = format!("{consequence}: {error}");
            let advice = Trouble::from(error).advice();
            checks.push(Check::warning(Subject::Files, there.display().to_string(), seen).advise(advice));
        }
    }
    checks
}

fn is_of_another(file: &Path) -> bool {
    #[cfg(unix)]
    let is_of_another = file
        .metadata()
        .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) != rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    let is_of_another = false;
    is_of_another
}

fn judge(file: &Judged) -> Option<Check> {
    match access::open(&file.path, file.holds) {
        Ok(opened) if opened.is_exposed => {
            let (path, advice) = (file.path.display().to_string(), own::have_closed(&file.path));
            Some(Check::warning(Subject::Files, path, "others on this machine can read it").advise(advice))
        }
        Ok(_) => None,
        Err(trouble) if trouble.is_absence() && file.may_be_absent => None,
        Err(trouble) => Some(refused(&file.path, &trouble)),
    }
}

fn refused(path: &Path, trouble: &Trouble) -> Check {
    Check::error(Subject::Files, path.display().to_string(), trouble.cause(path)).advise(trouble.advice_on(path))
}

fn of_file_system(system: &FileSystem, directory: &Path, is_store: bool) -> Check {
    let about = directory.display().to_string();
    let (kind, place) = system.mount.clone().unwrap_or_default();
    let on = if kind.is_empty() { String::new() } else { format!("{kind} at {place}, ") };
    let files = system.free_files.map(|files| format!(", {files} files")).unwrap_or_default();
    let programs = if system.is_without_programs { ", no programs" } else { "" };
    let seen = format!("{on}room for {}{files}{programs}", crate::words::bytes(system.free));
    let is_shared = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"].contains(&&*kind);
    let is_full = system.free < LEAST_ROOM || system.free_files.is_some_and(|files| files < 2);
    let is_nearly_full = system.free < LITTLE_ROOM || system.free_files.is_some_and(|files| files < FEW_FILES);
    if system.is_read_only {
        Check::error(Subject::FileSystem, about, format!("{seen}, read-only"))
            .advise("name another place by `DEVICE_LOGIN_HOME` or `store`, or mount it for writing")
    } else if is_full {
        Check::error(Subject::FileSystem, about, format!("{seen}: it is full")).advise("make room on the disk")
    } else if is_nearly_full {
        Check::warning(Subject::FileSystem, about, format!("{seen}: it is nearly full")).advise("make room on the disk")
    } else if is_shared && is_store {
        Check::warning(Subject::FileSystem, about, seen)
            .advise("keep records on a disk of this machine; several machines share them in PostgreSQL")
    } else if ["tmpfs", "ramfs"].contains(&&*kind) {
        Check::warning(Subject::FileSystem, about, seen)
            .advise("what is there is gone after a restart: name a place on a disk")
    } else if kind == "overlay" {
        Check::warning(Subject::FileSystem, about, seen)
            .advise("what is there is gone with the container: mount a volume, and name it by `DEVICE_LOGIN_HOME`")
    } else {
        Check::ok(Subject::FileSystem, about, seen)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Verdict;
    use super::{FileSystem, LEAST_ROOM, LITTLE_ROOM, of_file_system};

    #[test]
    fn file_systems_are_judged_by_what_becomes_of_records_on_them() {
        let good = FileSystem {
            mount: Some(("ext4".to_owned(), "/".to_owned())),
            is_read_only: false,
            is_without_programs: false,
            free: 1 << 40,
            free_files: Some(1 << 20),
        };
        let kind = |kind: &str| FileSystem { mount: Some((kind.to_owned(), "/data".to_owned())), ..good.clone() };
        for (system, is_store, verdict, words) in [
            (good.clone(), true, Verdict::Ok, "ext4 at /, room for"),
            (FileSystem { is_without_programs: true, ..good.clone() }, true, Verdict::Ok, "no programs"),
            (FileSystem { free_files: None, mount: None, ..good.clone() }, true, Verdict::Ok, "room for"),
            (FileSystem { is_read_only: true, ..good.clone() }, false, Verdict::Error, "read-only"),
            (FileSystem { free: LEAST_ROOM - 1, ..good.clone() }, true, Verdict::Error, "it is full"),
            (FileSystem { free_files: Some(1), ..good.clone() }, true, Verdict::Error, "it is full"),
            (FileSystem { free: LITTLE_ROOM - 1, ..good.clone() }, true, Verdict::Warning, "nearly full"),
            (FileSystem { free_files: Some(63), ..good.clone() }, true, Verdict::Warning, "nearly full"),
            (kind("nfs4"), true, Verdict::Warning, "nfs4 at /data"),
            (kind("nfs4"), false, Verdict::Ok, "nfs4 at /data"),
            (kind("tmpfs"), false, Verdict::Warning, "tmpfs at /data"),
            (kind("overlay"), true, Verdict::Warning, "overlay at /data"),
        ] {
            let check = of_file_system(&system, Path::new("/data/state"), is_store);
            assert!(check.verdict == verdict && check.seen.contains(words), "{check:?}");
            assert_eq!(check.advice.is_empty(), verdict == Verdict::Ok, "{check:?}");
        }
    }
}
