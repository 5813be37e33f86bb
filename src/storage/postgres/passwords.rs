//! The password file of libpq, `~/.pgpass` or what `PGPASSFILE` names: a password for each server, database and user.

use std::path::Path;

use zeroize::Zeroizing;

use super::address::{Host, SOCKET_DIRECTORY};
use crate::files::access::{Holds, Refusal};
use crate::files::{self, Trouble, own};
use crate::secret::Secret;
use crate::shell;

/// Bytes.
const LONGEST_FILE: u32 = 1024 * 1024;

/// The password that the file has for this user of this database. A file that is not there has none.
pub(super) fn password_in(path: &Path, host: &Host, database: &str, user: &str) -> Result<Option<Secret>, Trouble> {
    let text = match files::read_own_text(path, Holds::Secrets, LONGEST_FILE) {
        Ok((text, false)) => text,
        // As libpq has it, whoever the file belongs to.
        Ok((_, true)) => return Err(exposed(path).into()),
        Err(trouble) if trouble.is_absence() => return Ok(None),
        Err(trouble) => return Err(trouble),
    };
    Ok(password_among(&text, host, database, user))
}

fn exposed(path: &Path) -> Refusal {
    let advice = if own::is_users(path) {
        format!("have its owner run `{}`", shell::on("chmod 600", path))
    } else {
        "name a file that nobody else can read by `passfile` or `PGPASSFILE`".to_owned()
    };
    Refusal { path: path.to_owned(), problem: "others can read the passwords in it".to_owned(), advice }
}

/// Of the lines `host:port:database:user:password`, the first one that fits counts.
fn password_among(text: &str, host: &Host, database: &str, user: &str) -> Option<Secret> {
    let (names, port) = match host {
        Host::Tcp { name, port } => ([name.clone(), name.clone()], port),
        Host::Socket { directory, port } => {
            let directory = directory.to_string_lossy().into_owned();
            let is_default = directory == SOCKET_DIRECTORY;
            ([directory.clone(), if is_default { "localhost".to_owned() } else { directory }], port)
        }
    };
    let port = port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line.strip_suffix('\r').unwrap_or(line));
        let [name, number, base, who, password] = fields.as_slice() else { return None };
        let fits = names.iter().any(|known| name.fits(known)) && number.fits(&port) && base.fits(database);
        (fits && who.fits(user) && !password.text.is_empty()).then(|| Secret::new(password.text.as_str()))
    })
}

/// One field of a line.
#[derive(Default)]
struct Field {
    text: Zeroizing<String>,
    /// A backslash stands in it, so that a star is none that stands for everything.
    is_escaped: bool,
}

impl Field {
    fn fits(&self, value: &str) -> bool {
        self.text.as_str() == value || (self.text.as_str() == "*" && !self.is_escaped)
    }
}

/// The five fields, of which the last one may have colons in it.
fn fields(line: &str) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let is_last = fields.len() == 5;
        let Some(field) = fields.last_mut() else { break };
        match character {
            '\\' => {
                field.is_escaped = true;
                field.text.extend(characters.next());
            }
            ':' if !is_last => fields.push(Field::default()),
            other => field.text.push(other),
        }
    }
    fields
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::Permissions;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::{Host, SOCKET_DIRECTORY, password_among, password_in};

    fn tcp(name: &str, port: u16) -> Host {
        Host::Tcp { name: name.to_owned(), port }
    }

    fn socket(directory: &str) -> Host {
        Host::Socket { directory: directory.into(), port: 5432 }
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# db:5432:x:dana:comment\n\
                    db:5432:x:dana:one\n\
                    db:5432:*:dana:two:with\\:colons\\\\ and blanks \r\n\
                    *:5433:x:*:three\n\
                    \\*:*:*:*:a star that is a name\n\
                    /run/pg:*:*:*:four\n\
                    localhost:*:*:*:five\n\
                    2001\\:db8\\:\\:1:*:*:*:six\n\
                    db:*:*:empty:\n\
                    db:*:x:too few\n\
                    \n";
        for (host, database, user, expected) in [
            (tcp("db", 5432), "x", "dana", Some("one")),
            (tcp("db", 5432), "y", "dana", Some("two:with:colons\\ and blanks ")),
            (tcp("other", 5433), "x", "eve", Some("three")),
            (tcp("*", 1), "x", "eve", Some("a star that is a name")),
            (socket("/run/pg"), "x", "eve", Some("four")),
            (socket(SOCKET_DIRECTORY), "x", "eve", Some("five")),
            (tcp("localhost", 1), "x", "eve", Some("five")),
            (socket("/elsewhere"), "x", "eve", None),
            (tcp("2001:db8::1", 1), "x", "eve", Some("six")),
            (tcp("db", 1), "x", "empty", None),
            (tcp("db", 1), "x", "eve", None),
        ] {
            let found = password_among(text, &host, database, user);
            assert_eq!(found.as_ref().map(crate::secret::Secret::expose), expected, "{host} {database} {user}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_one_that_is_not_there_has_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pgpass");
        let found = || password_in(&path, &tcp("db", 1), "x", "dana");
        assert!(found().is_ok_and(|found| found.is_none()));
        let mut file = std::fs::File::create(&path).expect("it can be written");
        file.write_all(b"*:*:*:*:sesam\n").expect("it can be written");
        for (mode, usable) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            file.set_permissions(Permissions::from_mode(mode)).expect("it is ours");
            assert_eq!(found().is_ok(), usable, "{mode:o}");
        }
    }
}
