//! Who else could read or replace a file that holds secrets, or that says where they go: one rule for all of them.
//!
//! The file, every directory above it and every link on the way belong to this user or to root, and nobody else can write
//! to them: a group only if it is this user's private one, everybody only to a sticky directory or where the file system
//! is mounted read-only. A secret is read by nobody else; one of root's by a group of this user's as well, and by everybody
//! at a price that [`Opened::is_exposed`] tells. So what was judged cannot be exchanged before it is opened.
//!
//! Nothing is waited for and nothing has its mode changed here. Systems without Unix modes check only what kind of file it is.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::{Trouble, own};

/// More links on one way are a circle.
const MOST_LINKS: usize = 40;

/// What a file holds, which decides who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// What steers the program: everybody may read it.
    Settings,
    Secrets,
    /// A secret that systemd hands over: its group bits are the mask of the access list by which the service's user reads it.
    Credential,
}

/// A file that nobody else could have written.
#[derive(Debug)]
pub struct Opened {
    pub file: File,
    pub metadata: Metadata,
    /// Others can read the secret in it.
    pub is_exposed: bool,
}

/// Why a file or directory is not used, and what whoever runs this can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub path: PathBuf,
    pub problem: String,
    pub advice: String,
}

/// A directory without links that was judged just now with those above it, which need not be judged again for what comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged(PathBuf);

impl Judged {
    /// Judges a directory as [`check_directory`] does. Gives it without links.
    pub fn check_directory(&self, directory: &Path) -> Result<PathBuf, Trouble> {
        walk(directory, self, Last::IsThere, |place, metadata, _| judge_step(place, metadata))
    }

    /// Opens a file as [`open`] does, and gives what was judged for that.
    pub fn open(&self, path: &Path, holds: Holds) -> Result<(Opened, Judged), Trouble> {
        match path.file_name().filter(|_| !super::names_directory(path)) {
            // Most files are no links: a look at their directories is enough to open them.
            Some(name) => {
                let directory = self.check_directory(super::directory_of(path))?;
                Ok((open_inside(&directory.join(name), holds)?, Judged(directory)))
            }
            None => Ok((open_followed(path, holds)?, self.clone())),
        }
    }

    /// The directories of it that are above a path, too.
    fn toward(&self, path: &Path) -> &Path {
        self.0.ancestors().find(|known| path.starts_with(known)).unwrap_or(Path::new(""))
    }
}

/// Opens a file for reading, wherever links lead on the way.
pub fn open(path: &Path, holds: Holds) -> Result<Opened, Trouble> {
    Judged::default().open(path, holds).map(|(opened, _)| opened)
}

fn open_followed(path: &Path, holds: Holds) -> Result<Opened, Trouble> {
    let place = follow(path)?;
    match options().read(true).open(&place) {
        Ok(file) => judged(&place, file, holds),
        Err(error) => Err(not_opened(path, error)),
    }
}

/// The same for a file in a directory that was judged already, which spares looking at every directory again.
pub fn open_inside(path: &Path, holds: Holds) -> Result<Opened, Trouble> {
    match options().read(true).open(path) {
        Ok(file) => judged(path, file, holds),
        Err(_) if path.is_symlink() => open_followed(path, holds),
        Err(error) => Err(not_opened(path, error)),
    }
}

/// Tells whether others can read a file that holds a secret; not so where it is not there or refused.
pub fn is_exposed(path: &Path, holds: Holds) -> bool {
    open(path, holds).is_ok_and(|opened| opened.is_exposed)
}

/// Judges a directory, those above it and every link on the way. Gives it without links.
pub fn check_directory(directory: &Path) -> Result<PathBuf, Trouble> {
    Judged::default().check_directory(directory)
}

/// Judges a directory that keeps secrets, so that others may not even look into it; not those above it. One that does not
/// exist is fine.
pub fn check_private_directory(directory: &Path) -> Result<(), Trouble> {
    match directory.metadata() {
        Ok(metadata) if !metadata.is_dir() => {
            let advice = own::change(directory, "name another one, or move it away".to_owned(), "name another one");
            Err(refusal(directory, "it is no directory", advice).into())
        }
        Ok(metadata) => Ok(judge_private_directory(directory, &metadata)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Options that follow no symbolic link, do not wait for the other end of a pipe, and create for this user alone.
pub fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "Unix systems set a mode"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;

        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options
}

/// The path of a file without links. Judges each link and each directory on the way, and not the file itself, which may
/// not be there.
pub fn follow(path: &Path) -> Result<PathBuf, Trouble> {
    refuse_directory(path)?;
    walk(path, &Judged::default(), Last::MayBeMissing, |place, metadata, is_last| {
        if is_last && !metadata.is_symlink() { Ok(()) } else { judge_step(place, metadata) }
    })
}

fn judge_step(place: &Path, metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.is_symlink() { judge_owner(place, metadata) } else { judge_directory(place, metadata) }
}

fn refuse_directory(path: &Path) -> Result<(), Trouble> {
    if super::names_directory(path) { Err(io::Error::from(ErrorKind::IsADirectory).into()) } else { Ok(()) }
}

/// The same for a file to be written that neither holds secrets nor steers the program. Where everybody can put something,
/// nothing that somebody else has put there is followed or replaced, as Linux has it where `fs.protected_symlinks` and
/// `fs.protected_regular` are on.
pub fn follow_to_write(path: &Path) -> Result<PathBuf, Trouble> {
    refuse_directory(path)?;
    walk(path, &Judged::default(), Last::MayBeMissing, |place, metadata, is_last| {
        if metadata.is_symlink() || is_last { judge_planted(place, metadata) } else { Ok(()) }
    })
}

/// What the last step of a path leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    IsThere,
    /// A file that is yet to be made.
    MayBeMissing,
}

/// Follows links up to a file or directory. Has each step judged that was not before, the last one as such.
fn walk(
    path: &Path,
    judged: &Judged,
    last: Last,
    judge: impl Fn(&Path, &Metadata, bool) -> Result<(), Refusal>,
) -> Result<PathBuf, Trouble> {
    let path = std::path::absolute(path)?;
    let mut place = judged.toward(&path).to_owned();
    let mut ahead: Vec<OsString> = Vec::new();
    let mut links = 0;
    put_before(&mut ahead, path.strip_prefix(&place).unwrap_or(&path));
    while let Some(name) = ahead.pop() {
        if name == ".." {
            place.pop();
            continue;
        }
        place.push(&name);
        let metadata = match place.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound && ahead.is_empty() && last == Last::MayBeMissing => {
                return Ok(place);
            }
            // A link may lead to a name under which nothing can be opened again.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(not_opened(&path, error)),
            Err(error) => return Err(error.into()),
        };
        judge(&place, &metadata, ahead.is_empty())?;
        if metadata.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(refusal(&path, "its symbolic links lead in a circle", "name the file itself").into());
            }
            let target = place.read_link()?;
            place.pop();
            if target.is_absolute() {
                place = PathBuf::new();
            }
            put_before(&mut ahead, &target);
        }
    }
    Ok(place)
}

/// Puts the steps of `path` before those that are `ahead`, the next one last.
fn put_before(ahead: &mut Vec<OsString>, path: &Path) {
    let steps = path.components().filter(|step| *step != Component::CurDir).map(|step| step.as_os_str().to_owned());
    let steps: Vec<OsString> = steps.collect();
    ahead.extend(steps.into_iter().rev());
}

/// A pipe or a device may have a name under which nothing can be opened again.
fn not_opened(path: &Path, error: io::Error) -> Trouble {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => not_regular(path, &metadata).into(),
        _ => Trouble::Io(error),
    }
}

fn judged(path: &Path, file: File, holds: Holds) -> Result<Opened, Trouble> {
    let metadata = file.metadata().map_err(|error| match error.kind() {
        // What is open is there, whatever its file system says.
        ErrorKind::NotFound => io::Error::other(error.to_string()),
        _ => error,
    })?;
    if holds == Holds::Settings && is_device_of_root(&metadata) {
        // Nobody else makes devices: `/dev/null` has no settings, and stands for that.
        return Ok(Opened { file, metadata, is_exposed: false });
    }
    if !metadata.is_file() {
        return Err(not_regular(path, &metadata).into());
    }
    let is_exposed = judge_file(path, &metadata, holds)?;
    Ok(Opened { file, metadata, is_exposed })
}

fn not_regular(path: &Path, metadata: &Metadata) -> Refusal {
    let advice = if metadata.is_dir() {
        "name a file in that directory"
    } else {
        "put what it says into a file: it is read more than once"
    };
    refusal(path, "it is not a regular file", advice)
}

fn refusal(path: &Path, problem: impl Into<String>, advice: impl Into<String>) -> Refusal {
    Refusal { path: path.to_owned(), problem: problem.into(), advice: advice.into() }
}

#[cfg(unix)]
pub use unix::is_read_by_others;
#[cfg(unix)]
use unix::{is_device_of_root, judge_directory, judge_file, judge_owner, judge_planted, judge_private_directory};

#[cfg(unix)]
mod unix {
    use std::fs::Metadata;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::Path;
    use std::sync::LazyLock;

    use super::{Holds, Refusal, own, refusal};
    use crate::shell;

    const ROOT: u32 = 0;
    const STICKY: u32 = 0o1000;
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    const GROUP_READS: u32 = 0o040;
    const OTHERS_READ: u32 = 0o004;

    pub(super) fn judge_owner(path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
        // Most directories are root's, and who runs this need not be asked for those.
        let owner = metadata.uid();
        if owner == ROOT {
            return Ok(());
        }
        let user = user();
        if owner == user {
            return Ok(());
        }
        let advice = if user == ROOT {
            let take = shell::on("chown -h root", path);
            let command = format!("run this as user id {owner}, or `{take}` if you trust what it says");
            own::change(path, command, format!("run this as user id {owner}, or name one of root's"))
        } else {
            "use one of your own; `HOME` and the variables of this program say where it is looked for".to_owned()
        };
        Err(refusal(path, format!("it belongs to user id {owner}, not to user id {user} who runs this"), advice))
    }

    /// Refuses what neither this user nor root nor the owner of the directory has put where everybody can.
    pub(super) fn judge_planted(path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
        let (owner, user) = (metadata.uid(), user());
        if owner == user || owner == ROOT {
            return Ok(());
        }
        let directory = path.parent().and_then(|directory| directory.metadata().ok());
        if directory.is_none_or(|directory| directory.mode() & OTHERS_WRITE == 0 || directory.uid() == owner) {
            return Ok(());
        }
        let problem = format!("user id {owner} has put {} where everybody can put something", path.display());
        Err(refusal(path, problem, "name a file in a directory of your own"))
    }

    pub(super) fn judge_directory(path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
        judge_owner(path, metadata)?;
        if !metadata.is_dir() {
            let advice = "name another place; `HOME` and the variables of this program say where it is looked for";
            return Err(refusal(path, "it is no directory", advice));
        }
        // In a sticky directory only the owner of a name can give it to something else.
        if metadata.mode() & STICKY != 0 || !can_others_write(path, metadata) {
            return Ok(());
        }
        let advice = if may_change(path, metadata) {
            format!("if nobody else needs to, {}", advice(path, metadata, "chmod go-w"))
        } else {
            "name a place in a directory that nobody else can write to".to_owned()
        };
        Err(refusal(path, "others can replace what is in it", advice))
    }

    /// Whether others can read the secret in it, where that is let pass.
    pub(super) fn judge_file(path: &Path, metadata: &Metadata, holds: Holds) -> Result<bool, Refusal> {
        judge_owner(path, metadata)?;
        let mode = metadata.mode();
        if holds != Holds::Settings && metadata.uid() == user() {
            let others = if holds == Holds::Credential { 0o037 } else { 0o077 };
            if mode & others != 0 {
                return Err(open_to_others(path, metadata, "get at it", "chmod 600"));
            }
            return Ok(false);
        }
        if can_others_write(path, metadata) {
            return Err(open_to_others(path, metadata, "change it", "chmod go-w"));
        }
        let may_group_read = holds == Holds::Credential || is_own_group(metadata.gid());
        let is_read = mode & OTHERS_READ != 0 || (mode & GROUP_READS != 0 && !may_group_read);
        Ok(holds != Holds::Settings && is_read)
    }

    pub(super) fn is_device_of_root(metadata: &Metadata) -> bool {
        metadata.file_type().is_char_device() && metadata.uid() == ROOT
    }

    /// Refuses a directory into which others can look.
    pub(super) fn judge_private_directory(path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
        judge_owner(path, metadata)?;
        let others = 0o077;
        if metadata.mode() & others == 0 {
            return Ok(());
        }
        let mode = metadata.mode() & 0o777;
        let alone = "name a directory that is for this alone, or one that is not there yet: it is made private";
        let advice = own::change(path, advice(path, metadata, "chmod 700"), alone);
        Err(refusal(path, format!("others can get at it (mode {mode:03o})"), advice))
    }

    /// Whether anybody but the owner may read it.
    pub fn is_read_by_others(metadata: &Metadata) -> bool {
        metadata.mode() & (GROUP_READS | OTHERS_READ) != 0
    }

    fn open_to_others(path: &Path, metadata: &Metadata, can: &str, command: &str) -> Refusal {
        let mode = metadata.mode() & 0o777;
        let advice = if may_change(path, metadata) {
            advice(path, metadata, command)
        } else {
            let copy = shell::on("install -m 600", path);
            format!("name another one: `{copy} NEW` makes a copy that only you can get at")
        };
        refusal(path, format!("others can {can} (mode {mode:03o})"), advice)
    }

    /// Whether its mode is the affair of whoever runs this: root's files and directories are those of all programs.
    fn may_change(path: &Path, metadata: &Metadata) -> bool {
        let is_of_this_user = metadata.uid() == user();
        (is_of_this_user && (user() != ROOT || own::is_users(path))) || own::is_own(path)
    }

    /// Who has to run a command on it for that to work.
    fn advice(path: &Path, metadata: &Metadata, command: &str) -> String {
        let who = if metadata.uid() == user() { "run" } else { "have root run" };
        format!("{who} `{}`", shell::on(command, path))
    }

    fn can_others_write(path: &Path, metadata: &Metadata) -> bool {
        // Many systems give everybody a group of the same number, and a umask that lets it write.
        let is_private_group = || metadata.gid() != ROOT && metadata.gid() == user();
        let mode = metadata.mode();
        let is_writable = mode & OTHERS_WRITE != 0 || (mode & GROUP_WRITES != 0 && !is_private_group());
        is_writable && !is_read_only(path)
    }

    fn is_read_only(path: &Path) -> bool {
        rustix::fs::statvfs(path).is_ok_and(|system| system.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
    }

    fn is_own_group(group: u32) -> bool {
        let is_own = |own: rustix::process::Gid| own.as_raw() == group;
        group == ROOT
            || is_own(rustix::process::getegid())
            || rustix::process::getgroups().is_ok_and(|groups| groups.into_iter().any(is_own))
    }

    /// The user id of this process, which never changes it.
    fn user() -> u32 {
        static USER: LazyLock<u32> = LazyLock::new(|| rustix::process::geteuid().as_raw());
        *USER
    }
}

#[cfg(not(unix))]
pub use elsewhere::is_read_by_others;
#[cfg(not(unix))]
use elsewhere::{is_device_of_root, judge_directory, judge_file, judge_owner, judge_planted, judge_private_directory};

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "Unix systems check")]
mod elsewhere {
    use std::fs::Metadata;
    use std::path::Path;

    use super::{Holds, Refusal};

    pub(super) fn judge_owner(_: &Path, _: &Metadata) -> Result<(), Refusal> {
        Ok(())
    }

    pub(super) fn judge_planted(_: &Path, _: &Metadata) -> Result<(), Refusal> {
        Ok(())
    }

    pub(super) fn judge_directory(_: &Path, _: &Metadata) -> Result<(), Refusal> {
        Ok(())
    }

    pub(super) fn judge_file(_: &Path, _: &Metadata, _: Holds) -> Result<bool, Refusal> {
        Ok(false)
    }

    pub(super) fn judge_private_directory(_: &Path, _: &Metadata) -> Result<(), Refusal> {
        Ok(())
    }

    pub fn is_read_by_others(_: &Metadata) -> bool {
        false
    }

    pub(super) fn is_device_of_root(_: &Metadata) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_directory_is_found_under_every_name_that_it_has() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let inner = home.join("inner");
        fs::create_dir(&inner).unwrap();
        drop(File::create_new(home.join("file")).unwrap());
        for (link, target) in [("dot", "."), ("up", "inner/.."), ("inner/above", ".."), ("on", "inner"), ("lost", "no")]
        {
            symlink(target, home.join(link)).unwrap();
        }
        for name in [".", "inner/..", "inner/../", "inner/.././.", "dot", "up", "inner/above", "dot/up/on/above"] {
            let found = check_directory(&home.join(name)).unwrap_or_else(|trouble| panic!("{name}: {trouble:?}"));
            assert_eq!(found, home, "{name}");
            open(&home.join(name).join("file"), Holds::Settings)
                .unwrap_or_else(|trouble| panic!("{name}: {trouble:?}"));
        }
        assert_eq!(check_directory(&home.join("dot/on")).unwrap(), inner);
        for name in ["no", "no/..", "lost", "inner/no"] {
            let trouble = check_directory(&home.join(name)).expect_err(name);
            assert!(trouble.is_absence(), "{name}: {trouble:?}");
        }
        for name in ["file", "file/..", "file/x"] {
            let trouble = check_directory(&home.join(name)).expect_err(name);
            assert!(
                matches!(&trouble, Trouble::Refused(refusal) if refusal.problem == "it is no directory"),
                "{name}: {trouble:?}"
            );
        }
    }

    #[test]
    fn what_was_judged_is_not_judged_again_and_all_else_is() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let (config, state, other) = (home.join("config"), home.join("state"), home.join("other"));
        for directory in [&config, &state, &other] {
            fs::create_dir(directory).unwrap();
        }
        drop(File::create_new(config.join("config.toml")).unwrap());
        for (link, target) in [("config/state", "../state"), ("config/other", "../other"), ("link", "config")] {
            symlink(target, home.join(link)).unwrap();
        }
        let (_, judged) = Judged::default().open(&config.join("config.toml"), Holds::Settings).unwrap();
        assert_eq!(judged, Judged(config.clone()));
        let let_in = |directory: &Path| fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
        let_in(&config);
        let_in(&other);
        for (name, found) in [
            ("config", Some(&config)),
            ("config/.", Some(&config)),
            ("config/../state", Some(&state)),
            ("config/state", Some(&state)),
            ("config/state/../config", None),
            ("config/other", None),
            ("link", None),
            ("other", None),
        ] {
            let place = judged.check_directory(&home.join(name));
            assert_eq!(place.as_ref().ok(), found, "{name}: {place:?}");
        }
        assert!(check_directory(&config).is_err());
    }
}
