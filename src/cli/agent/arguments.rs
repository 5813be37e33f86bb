//! The values of `--token-file` and `--on-event`, and what is found wrong with them before the agent begins.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;

use crate::child;
use crate::config::Config;
use crate::error::{Code, Error};
use crate::files::{self, Readers, Trouble, program};
use crate::profile::ProfileName;
use crate::service::TokenFile;
use crate::shell;

use super::super::own_places::OwnPlaces;

/// For the owner alone.
const PRIVATE: u32 = 0o600;
/// What a token file's mode may have: others than its owner never change it, and nobody runs it.
const MODES: u32 = 0o644;
const OWNER_READS: u32 = 0o400;
const GROUP_READS: u32 = 0o040;
const OTHERS_READ: u32 = 0o004;

/// `PROFILE=PATH[,mode=MODE][,group=GROUP]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenFileArgument {
    pub(super) profile: ProfileName,
    path: PathBuf,
    mode: u32,
    /// Its name or number.
    group: Option<String>,
}

impl FromStr for TokenFileArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "write `PROFILE=PATH`, such as `work=/run/work.token`, and behind that `,mode=0640` or `,group=NAME` where you want";
        let (profile, rest) = text.split_once('=').ok_or(form)?;
        let profile = profile.parse().map_err(|error| format!("{error}"))?;
        let mut parts = rest.split(',');
        let path = parts.next().filter(|path| !path.is_empty()).ok_or(form)?;
        let mut argument = Self { profile, path: path.into(), mode: PRIVATE, group: None };
        for part in parts {
            match part.split_once('=') {
                Some(("mode", mode)) => argument.mode = parse_mode(mode)?,
                Some(("group", group)) if !group.is_empty() => argument.group = Some(group.to_owned()),
                _ => {
                    return Err(format!(
                        "`{part}` is neither `mode=…` nor `group=…`, and a path has no comma here; write such as `work=/run/work.token,mode=0640`"
                    ));
                }
            }
        }
        if cfg!(not(unix)) && (argument.mode != PRIVATE || argument.group.is_some()) {
            return Err("this system has no such modes and groups".to_owned());
        }
        Ok(argument)
    }
}

fn parse_mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    mode.filter(|mode| mode & !MODES == 0 && mode & OWNER_READS != 0).ok_or_else(|| {
        format!(
            "`{text}` is no mode for a token: write one such as 0600 or 0640, which lets nobody but its owner write"
        )
    })
}

/// A file of `--token-file` that can be kept.
pub(super) struct Kept {
    pub(super) profile: ProfileName,
    pub(super) file: TokenFile,
    /// What somebody should see to.
    pub(super) warning: Option<String>,
}

/// Makes files of what was asked for; none of them may be where this program keeps its own.
pub(super) fn token_files(
    arguments: &[TokenFileArgument],
    own: &OwnPlaces,
    config: &Config,
) -> Result<Vec<Kept>, Error> {
    let mut taken: BTreeMap<PathBuf, &ProfileName> = BTreeMap::new();
    let mut kept = Vec::new();
    for argument in arguments {
        let file = token_file(argument, own, config)?;
        if let Some(other) = taken.insert(file.place().to_owned(), &argument.profile) {
            let message = format!("two token files are at {}", file.place().display());
            return Err(Error::new(Code::Usage, message)
                .because(format!("`{other}` and `{}` cannot both be there", argument.profile))
                .advise("give each a path of its own"));
        }
        kept.push(Kept { profile: argument.profile.clone(), warning: warning(argument), file });
    }
    Ok(kept)
}

fn token_file(argument: &TokenFileArgument, own: &OwnPlaces, config: &Config) -> Result<TokenFile, Error> {
    let shown = argument.path.display();
    let refused =
        || Error::new(Code::Usage, format!("the token of profile `{}` cannot be kept in {shown}", argument.profile));
    let group = argument.group.as_ref().map(|name| group_number(name, config)).transpose();
    let group = group.map_err(|problem| {
        refused()
            .because(problem)
            .advise("make it, `groupadd --system NAME`, or name one that is there by name or number")
    })?;
    let place = |trouble: &Trouble| refused().because(trouble.cause(&argument.path)).advise(place_advice(trouble));
    let file =
        TokenFile::at(&argument.path, Readers { mode: argument.mode, group }).map_err(|trouble| place(&trouble))?;
    if let Some(directory) = own.directory_of(file.place()) {
        return Err(refused()
            .because(format!("{} is where this program keeps its own files", directory.display()))
            .advise("name a place elsewhere, such as one below /run/device-login"));
    }
    match file.check() {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && file.check_without_group().is_ok() => {
            let name = argument.group.as_deref().unwrap_or_default();
            let word = shell::word(name);
            Err(refused()
                .because(format!("this user is not in the group `{name}`: {error}"))
                .advise(format!("add it, `usermod -aG {word} USER`; in a unit, `SupplementaryGroups={name}`")))
        }
        Err(error) if !is_passing(&error) => Err(place(&error.into())),
        // The agent tells it, and tries again.
        _ => Ok(file),
    }
}

/// Whether a file can be written there by and by without anybody changing what was asked for.
fn is_passing(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
    )
}

fn place_advice(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Io(error) if error.kind() == ErrorKind::NotFound => {
            "make the directory first; in a unit, `RuntimeDirectory=` makes one below /run".to_owned()
        }
        Trouble::Io(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            format!("{}; in a unit with `ProtectSystem=strict`, `ReadWritePaths=` does that", files::advice(error))
        }
        Trouble::Io(error) if error.kind() == ErrorKind::InvalidInput => {
            "name a file, or one that is yet to be".to_owned()
        }
        trouble => trouble.advice(),
    }
}

fn warning(argument: &TokenFileArgument) -> Option<String> {
    let shown = argument.path.display();
    match &argument.group {
        Some(group) if argument.mode & GROUP_READS == 0 => {
            Some(format!("the group `{group}` cannot read {shown}; add `,mode=0640`"))
        }
        _ if argument.mode & OTHERS_READ != 0 => {
            Some(format!("every user of this machine can read the token in {shown}"))
        }
        _ => None,
    }
}

/// The number of a group: itself, from this machine's file, or as other sources know it, which `getent` asks.
fn group_number(name: &str, config: &Config) -> Result<u32, String> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let local = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let elsewhere = || {
        let mut command = child::command("getent", config);
        command.args(["group", "--", name]).stdin(Stdio::null()).stderr(Stdio::null());
        let said = command.output().ok()?.stdout;
        number_in(&String::from_utf8_lossy(&said), name)
    };
    number_in(&local, name).or_else(elsewhere).ok_or_else(|| format!("there is no group `{name}`"))
}

/// Reads lines as `group(5)` has them.
fn number_in(lines: &str, name: &str) -> Option<u32> {
    lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        fields.next().filter(|found| *found == name)?;
        fields.nth(1)?.trim().parse().ok()
    })
}

/// Sees that the programs of `--on-event` are there, which would else show at the first event only.
pub(super) fn check_programs(programs: &[PathBuf], path: Option<&str>) -> Result<(), Error> {
    match programs.iter().find(|program| !program::is_runnable(program, path)) {
        None => Ok(()),
        Some(program) => Err(Error::new(Code::Usage, format!("`{}` cannot be run", program.display()))
            .because("it is no program that this user may run")
            .advise(format!("{}; arguments and a shell need a script of their own", program::ADVICE))),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{TokenFileArgument, check_programs, number_in, warning};

    #[test]
    fn a_token_file_is_a_profile_a_path_and_who_may_read_it() {
        let argument = |path: &str, mode, group: Option<&str>| TokenFileArgument {
            profile: "work".parse().expect("a name"),
            path: PathBuf::from(path),
            mode,
            group: group.map(str::to_owned),
        };
        for (text, expected) in [
            ("work=/run/token", argument("/run/token", 0o600, None)),
            ("work=token", argument("token", 0o600, None)),
            ("work=/run/a=b", argument("/run/a=b", 0o600, None)),
            ("work=/run/token,mode=0640,group=app", argument("/run/token", 0o640, Some("app"))),
            ("work=/run/token,group=33,mode=440", argument("/run/token", 0o440, Some("33"))),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "work",
            "work=",
            "=/run/token",
            "a b=/run/token",
            "work=/run/token,",
            "work=/run/token,mod=0640",
            "work=/run/token,mode=",
            "work=/run/token,mode=0660",
            "work=/run/token,mode=0602",
            "work=/run/token,mode=0700",
            "work=/run/token,mode=4600",
            "work=/run/token,mode=0040",
            "work=/run/token,mode=+600",
            "work=/run/token,mode=0o600",
            "work=/run/token,group=",
        ] {
            assert!(text.parse::<TokenFileArgument>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_hardly_meant_is_warned_of() {
        for (text, part) in [
            ("work=/t,group=app", Some("cannot read")),
            ("work=/t,mode=0644", Some("every user")),
            ("work=/t,mode=0640,group=app", None),
            ("work=/t", None),
        ] {
            let warning = warning(&text.parse().expect("valid"));
            assert_eq!(warning.is_some(), part.is_some(), "{text}: {warning:?}");
            assert!(part.is_none_or(|part| warning.is_some_and(|warning| warning.contains(part))), "{text}");
        }
    }

    #[test]
    fn the_number_of_a_group_stands_in_its_line() {
        let lines = "root:x:0:\napp:x:990:dana,eve\nbroken\napp2:x:991:\nodd:x:none:\n";
        for (name, number) in [("app", Some(990)), ("app2", Some(991)), ("ap", None), ("odd", None), ("x", None)] {
            assert_eq!(number_in(lines, name), number, "{name}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_found_out_at_once() {
        let check = |program: &str| check_programs(&[program.into()], Some("/nowhere:/bin:/usr/bin"));
        for program in ["/bin/sh", "sh"] {
            assert_eq!(check(program), Ok(()), "{program}");
        }
        for program in ["/bin/no-such-program", "no-such-program", "/etc/passwd", "/bin", "bin/sh"] {
            assert!(check(program).is_err(), "{program}");
        }
        assert!(Path::new("/etc/passwd").is_file());
    }
}
