//! The environment: every variable that is read, by whom, and what becomes of a value that cannot be used.
//!
//! A variable that steers where tokens are kept or sent is used or refused by its name, never passed over; its value is
//! not told, since it may be secret. Those that only steer how things are drawn have something to fall back to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error};
use crate::files;
use crate::near;
use crate::registered::is_client_secret;
use crate::tables::Words;

/// The variables that steer the program, by name.
#[derive(Clone, Copy)]
pub struct Environment<'a>(pub &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// A variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(|path| files::expanded(Path::new(&path)))
    }
}

/// Variables of one meaning.
pub struct Variables {
    pub names: Words,
    pub means: &'static str,
    pub reader: Reader,
    /// What becomes of a value that cannot be used, where it is not refused.
    fallback: Option<&'static str>,
    value: Value,
}

/// What a value has to be, as far as that shows before it is used.
#[derive(Clone, Copy)]
enum Value {
    Text,
    Path,
    Store,
    Secret,
    Socket,
    Number,
    Seconds,
}

/// Who reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Everything,
    Network,
    Services,
    Agent,
    Screens,
    SignIn,
    Demo,
    Database,
    Kubernetes,
    Exec,
}

impl Reader {
    pub const ALL: [Reader; 10] = [
        Reader::Everything,
        Reader::Network,
        Reader::Services,
        Reader::Agent,
        Reader::Screens,
        Reader::SignIn,
        Reader::Demo,
        Reader::Database,
        Reader::Kubernetes,
        Reader::Exec,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Reader::Everything => "everything",
            Reader::Network => "what asks a server over `https`",
            Reader::Services => "`login --kiosk`, `agent`",
            Reader::Agent => "`agent`",
            Reader::Screens => "screens, lines",
            Reader::SignIn => "`login`",
            Reader::Demo => "`demo`",
            Reader::Database => "a store in PostgreSQL",
            Reader::Exec => "`exec`",
            Reader::Kubernetes => "`token --format exec-credential`",
        }
    }
}

const AS_UNSET: &str = "as unset";
const TEXT: &str = "none: any text will do";

/// All variables that this program and the libraries in it read.
pub static VARIABLES: [Variables; 42] = [
    row("DEVICE_LOGIN_HOME", "one directory for everything: `config.toml`, `key`, `state/`, `spare/`", Value::Path),
    row("DEVICE_LOGIN_CONFIG", "the configuration file", Value::Path),
    row("DEVICE_LOGIN_PROFILE", "the profile, where none is named", Value::Text),
    row("DEVICE_LOGIN_STORE", "the store: `file:DIR`, `plain:DIR`, `postgres://…` or `memory:`", Value::Store),
    row("DEVICE_LOGIN_KEY_FILE", "the store's key; a file that gives none: exit code 9", Value::Path),
    row(
        "DEVICE_LOGIN_PASSPHRASE_FILE",
        "a file with the passphrase that opens the store's key; one that does not: exit code 9",
        Value::Path,
    ),
    row("DEVICE_LOGIN_CLIENT_SECRET", "the client secret, instead of the profile's", Value::Secret),
    row(
        "HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME",
        "where files live, without `DEVICE_LOGIN_HOME`; absolute paths",
        Value::Text,
    ),
    row(
        "CREDENTIALS_DIRECTORY",
        "where systemd puts `device-login.key`; a directory without one is passed over",
        Value::Path,
    ),
    row("https_proxy HTTPS_PROXY all_proxy ALL_PROXY", "the proxy; the first that is set counts", Value::Text)
        .of(Reader::Network),
    row("no_proxy NO_PROXY", "who is asked without the proxy", Value::Text)
        .of(Reader::Network)
        .falls_back("an entry of another form exempts nobody; no UTF-8: refused, exit code 2"),
    row("SSL_CERT_FILE", "certificate authorities instead of the system's", Value::Text).of(Reader::Network),
    row("SSL_CERT_DIR", "directories with such files, by `:`", Value::Text).of(Reader::Network),
    row("PGPASSWORD", "the password, where the store's address has none", Value::Text).of(Reader::Database),
    row("PGPASSFILE", "the file with passwords; else `~/.pgpass`", Value::Path).of(Reader::Database),
    row("PGSSLROOTCERT", "the only certificate authorities that count; `system`: those of the system", Value::Path)
        .of(Reader::Database),
    row("PGSSLCERT PGSSLKEY", "this machine's certificate and its key", Value::Path).of(Reader::Database),
    row("PGAPPNAME", "what the server's list of sessions shows; else `device-login`", Value::Text).of(Reader::Database),
    row("PGCONNECT_TIMEOUT", "seconds for connecting to one host; else 5", Value::Seconds).of(Reader::Database),
    row("NOTIFY_SOCKET", "where systemd hears how the kiosk or the agent is", Value::Socket).of(Reader::Services),
    row("WATCHDOG_USEC WATCHDOG_PID", "how often it wants to hear that, and from whom", Value::Number)
        .of(Reader::Services),
    row("JOURNAL_STREAM", "whether stderr is the journal, which has times and levels of its own", Value::Text)
        .of(Reader::Agent)
        .falls_back("lines have their times in them"),
    row("BROWSER", "the program that opens links; a name or a path", Value::Text)
        .of(Reader::Screens)
        .falls_back("the desktop's program is taken"),
    row("DISPLAY WAYLAND_DISPLAY", "there is a desktop that can open links", Value::Text)
        .of(Reader::Screens)
        .falls_back(TEXT),
    row(
        "SSH_CONNECTION",
        "where the user came from, for the sign-in to tell; the desktop's browser is left alone",
        Value::Text,
    )
    .of(Reader::SignIn)
    .falls_back(TEXT),
    row("USER LOGNAME USERNAME", "who asks, for the sign-in to tell; else the account's name", Value::Text)
        .of(Reader::SignIn)
        .falls_back(TEXT),
    row("COMPUTERNAME", "the machine's name, where the system has none", Value::Text)
        .of(Reader::SignIn)
        .falls_back(TEXT),
    row("NO_COLOR", "no colours, with any value", Value::Text).of(Reader::Screens).falls_back(TEXT),
    row("CLICOLOR_FORCE", "colours, with any value but `0`", Value::Text).of(Reader::Screens).falls_back(TEXT),
    row("TERM", "what the terminal can do", Value::Text)
        .of(Reader::Screens)
        .falls_back("a terminal of the usual kind; `dumb` or empty: lines instead of screens"),
    row("COLORTERM", "`truecolor` or `24bit`: it has 256 colours", Value::Text)
        .of(Reader::Screens)
        .falls_back(AS_UNSET),
    row("COLORFGBG", "whether its background is light, until the terminal says it", Value::Text)
        .of(Reader::Screens)
        .falls_back("the dark theme"),
    row("LC_ALL LC_CTYPE LANG", "whether it shows more than ASCII; the first that is set counts", Value::Text)
        .of(Reader::Screens)
        .falls_back("ASCII"),
    row("ACCESSIBLE", "lines that are never rewritten instead of screens, with any value but `0`", Value::Text)
        .of(Reader::Screens)
        .falls_back(TEXT),
    row("COLUMNS LINES", "the window's size, where the terminal does not tell it", Value::Text)
        .of(Reader::Screens)
        .falls_back("80 columns, 24 lines"),
    row("TMUX TMUX_TMPDIR STY", "which multiplexer copies go through", Value::Text)
        .of(Reader::Screens)
        .falls_back("the copy does not arrive, which is said"),
    row("TZ", "the time zone of the times that are shown", Value::Text).of(Reader::Screens).falls_back("UTC"),
    row("TZDIR", "where the zones are that `TZ` names; else `/usr/share/zoneinfo`", Value::Text)
        .of(Reader::Screens)
        .falls_back("the usual place is taken"),
    row("PATH", "where the programs are that are started", Value::Text)
        .of(Reader::Screens)
        .falls_back("what is not found is said"),
    row(
        "XDG_RUNTIME_DIR",
        "where the token file is, if that is in memory; else in `/dev/shm` or `TMPDIR`",
        Value::Text,
    )
    .of(Reader::Exec)
    .falls_back("the next place is taken"),
    row("TMPDIR", "where the files of `demo` are; else `/tmp`", Value::Text)
        .of(Reader::Demo)
        .falls_back("what cannot be written is said"),
    row(EXEC_INFO, "which version of its credentials kubectl wants: `v1` or `v1beta1`", Value::Text)
        .of(Reader::Kubernetes),
];

/// What kubectl tells a program that it asks for credentials.
pub const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

const fn row(names: &'static str, means: &'static str, value: Value) -> Variables {
    Variables { names: Words(names), means, reader: Reader::Everything, fallback: None, value }
}

impl Variables {
    const fn of(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    const fn falls_back(self, fallback: &'static str) -> Self {
        Self { fallback: Some(fallback), ..self }
    }

    /// What becomes of a value that cannot be used.
    pub fn unusable(&self) -> &'static str {
        self.fallback.unwrap_or("refused, exit code 2")
    }

    /// Of several that are set the first one counts.
    fn counts_once(&self) -> bool {
        let first = self.names.iter().next();
        first.is_some_and(|first| ["https_proxy", "no_proxy", "LC_ALL", "USER"].contains(&first))
    }

    fn is_refused(&self) -> bool {
        self.fallback.is_none()
    }
}

/// Refuses what is set for `reader` and cannot be used. Later readers find text where this finds nothing to refuse.
pub fn check(reader: Reader, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<(), Error> {
    problems(reader, variable).next().map_or(Ok(()), Err)
}

/// All that is set for `reader` and cannot be used.
pub fn problems(reader: Reader, variable: &dyn Fn(&str) -> Option<OsString>) -> impl Iterator<Item = Error> {
    let rows = VARIABLES.iter().filter(move |row| row.reader == reader && row.is_refused());
    rows.flat_map(|row| row.names.iter().map(move |name| (name, row.value))).filter_map(|(name, wanted)| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        Some(unusable(name, value.to_str().map_or(Some("it is no text in UTF-8"), |value| wanted.problem(value))?))
    })
}

/// The error of a variable whose value cannot be used.
pub fn unusable(name: &str, problem: &str) -> Error {
    Error::new(Code::Config, format!("the variable `{name}` cannot be used"))
        .because(problem)
        .advise(format!("correct `{name}`, or unset it; docs/configuration.md tells what it means"))
}

/// Refuses what the system's places would be made of, if it is not an absolute path: files would be where nobody looks.
pub(super) fn check_home(environment: Environment<'_>) -> Result<(), Error> {
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        if environment.var(name).is_some_and(|path| !Path::new(&path).is_absolute()) {
            return Err(unusable(name, "it is no absolute path"));
        }
    }
    Ok(())
}

/// What names the store, for whoever makes programs that inherit it.
pub fn store() -> Option<String> {
    std::env::var("DEVICE_LOGIN_STORE").ok()
}

/// Variables whose value may be secret, or a part of it.
const SECRET: Words =
    Words("DEVICE_LOGIN_CLIENT_SECRET DEVICE_LOGIN_STORE PGPASSWORD https_proxy HTTPS_PROXY all_proxy ALL_PROXY");

/// What libpq reads and this program does not.
const NOT_READ: Words = Words(
    "PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGSERVICE PGSERVICEFILE PGSYSCONFDIR \
     PGSSLMODE PGREQUIRESSL PGOPTIONS PGTARGETSESSIONATTRS",
);

/// A variable that is set.
pub struct Set {
    pub name: &'static str,
    /// `None` where it may be secret.
    pub value: Option<String>,
    pub reader: Reader,
    /// One of the same meaning that is set as well and counts in its place.
    pub shadowed_by: Option<&'static str>,
}

/// The variables of the table that are set.
pub fn set(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<Set> {
    let is_set = |name: &&'static str| variable(name).is_some_and(|value| !value.is_empty());
    let of_row = |row: &'static Variables| {
        let names = || row.names.iter().filter(is_set);
        let first = if row.counts_once() { names().next() } else { None };
        names().map(move |name| Set {
            name,
            value: variable(name).filter(|_| !SECRET.contains(name)).map(|value| value.to_string_lossy().into_owned()),
            reader: row.reader,
            shadowed_by: first.filter(|first| *first != name),
        })
    };
    VARIABLES.iter().flat_map(of_row).collect()
}

/// Variables that libpq would connect by and this program passes over.
pub fn not_read(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<&'static str> {
    NOT_READ.into_iter().filter(|name| variable(name).is_some_and(|value| !value.is_empty())).collect()
}

/// Warnings of names that look like those of this program's variables and are none.
pub fn misspelt(names: impl Iterator<Item = OsString>) -> Vec<String> {
    const PREFIX: &str = "DEVICE_LOGIN_";
    /// What programs are given by this one.
    const GIVEN: [&str; 3] = ["DEVICE_LOGIN_ACCESS_TOKEN", "DEVICE_LOGIN_API_DOMAIN", "DEVICE_LOGIN_TOKEN_FILE"];
    let known = || VARIABLES.iter().flat_map(|row| row.names).filter(|name| name.starts_with(PREFIX));
    let own = names.filter(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    let strange = own
        .filter_map(|name| name.into_string().ok())
        .filter(|name| !known().any(|known| known == name) && !GIVEN.contains(&name.as_str()));
    let warning = |name: String| {
        let meant = known().find(|known| near::distance(&name, known) <= 2)?;
        Some(format!("the variable `{name}` is not read; `{meant}` is probably meant"))
    };
    strange.filter_map(warning).collect()
}

impl Value {
    /// Tells, as a clause, why a value cannot be used.
    fn problem(self, value: &str) -> Option<&'static str> {
        match self {
            Value::Text => None,
            Value::Path => path_problem(value),
            Value::Store => path_problem(value).or_else(|| path_problem(value.split_once(':')?.1)),
            Value::Secret => secret_problem(value),
            Value::Socket => {
                let is_address = Path::new(value).is_absolute() || value.starts_with(['@', 'v']);
                (!is_address).then_some("it is no absolute path and no abstract name")
            }
            Value::Number => value.parse::<u64>().is_err().then_some("it is no number"),
            Value::Seconds => {
                let is_number = value.trim().parse::<u16>().is_ok_and(|seconds| seconds > 0);
                (!is_number).then_some("it is no number of seconds from 1 on")
            }
        }
    }
}

fn path_problem(value: &str) -> Option<&'static str> {
    const QUOTES: [char; 2] = ['"', '\''];
    if value.contains(char::is_control) {
        Some("it holds a line end or another control character")
    } else if value.trim() != value {
        Some("it begins or ends with a blank")
    } else if value.starts_with(QUOTES) && value.ends_with(QUOTES) {
        Some("it stands in quotation marks")
    } else {
        None
    }
}

/// Blanks around a secret do no harm.
pub fn secret_problem(value: &str) -> Option<&'static str> {
    let is_usable = value.trim().is_empty() || is_client_secret(value.trim());
    (!is_usable).then_some("it is not one line of printable characters")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Reader, VARIABLES, check, misspelt};

    #[test]
    fn what_cannot_be_used_is_refused_by_name_and_never_told() {
        let paths = [
            "DEVICE_LOGIN_HOME",
            "DEVICE_LOGIN_CONFIG",
            "DEVICE_LOGIN_KEY_FILE",
            "DEVICE_LOGIN_PASSPHRASE_FILE",
            "CREDENTIALS_DIRECTORY",
        ];
        let bad_paths = ["/sesam\n", " /sesam", "/sesam ", "\"/sesam\"", "'/sesam'"];
        let rows = paths.iter().flat_map(|name| bad_paths.map(|value| (Reader::Everything, *name, value)));
        let rows = rows.chain([
            (Reader::Everything, "DEVICE_LOGIN_STORE", "file:\"/sesam\""),
            (Reader::Everything, "DEVICE_LOGIN_STORE", "file:/sesam\r"),
            (Reader::Everything, "DEVICE_LOGIN_CLIENT_SECRET", "sesam\nsesam"),
            (Reader::Everything, "DEVICE_LOGIN_CLIENT_SECRET", "\u{1b}sesam"),
            (Reader::Database, "PGPASSFILE", "\"/sesam\""),
            (Reader::Database, "PGSSLKEY", "/sesam\n"),
            (Reader::Database, "PGCONNECT_TIMEOUT", "sesam"),
            (Reader::Database, "PGCONNECT_TIMEOUT", "0"),
            (Reader::Services, "NOTIFY_SOCKET", "sesam"),
            (Reader::Services, "WATCHDOG_USEC", "sesam"),
            (Reader::Services, "WATCHDOG_USEC", "-1"),
            (Reader::Services, "WATCHDOG_PID", "1 sesam"),
        ]);
        for (reader, name, value) in rows {
            let variable = |asked: &str| (asked == name).then(|| OsString::from(value));
            let error = check(reader, &variable).expect_err(name);
            let said = format!("{error:?}");
            assert!(said.contains(&format!("`{name}`")) && !said.contains("sesam"), "{said}");
        }
    }

    #[test]
    fn what_can_be_used_or_is_empty_is_taken() {
        for (name, value) in [
            ("DEVICE_LOGIN_HOME", "relative/path with blanks"),
            ("DEVICE_LOGIN_HOME", "/home/~dana/ü"),
            ("DEVICE_LOGIN_STORE", "memory:"),
            ("DEVICE_LOGIN_CLIENT_SECRET", " a b\r\n"),
            ("NOTIFY_SOCKET", "@abstract"),
            ("NOTIFY_SOCKET", "/run/systemd/notify"),
            ("WATCHDOG_USEC", "30000000"),
        ] {
            for reader in [Reader::Everything, Reader::Services] {
                for value in ["", value] {
                    let variable = |asked: &str| (asked == name).then(|| OsString::from(value));
                    assert!(check(reader, &variable).is_ok(), "{name}={value}");
                }
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn whatever_is_refused_at_all_is_refused_where_it_is_no_text() {
        use std::os::unix::ffi::OsStringExt;

        for row in VARIABLES.iter().filter(|row| row.is_refused()) {
            for name in row.names {
                let variable = |asked: &str| (asked == name).then(|| OsString::from_vec(b"/\xff".to_vec()));
                assert!(check(row.reader, &variable).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_misspelt_ones_are_told_from_others() {
        let mut names: Vec<&str> = VARIABLES.iter().flat_map(|row| row.names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let warned = |name: &str| misspelt([OsString::from(name)].into_iter());
        for (name, meant) in [
            ("DEVICE_LOGIN_PROFLIE", "DEVICE_LOGIN_PROFILE"),
            ("DEVICE_LOGIN_KEYFILE", "DEVICE_LOGIN_KEY_FILE"),
            ("DEVICE_LOGIN_CONFIGS", "DEVICE_LOGIN_CONFIG"),
            ("DEVICE_LOGIN_CLIENT_SECERT", "DEVICE_LOGIN_CLIENT_SECRET"),
        ] {
            let warnings = warned(name);
            assert!(warnings.len() == 1 && warnings[0].contains(meant), "{name}: {warnings:?}");
        }
        // Those of a container platform, of a shell that keeps a token, of a configuration.
        for name in [
            "DEVICE_LOGIN_PORT",
            "DEVICE_LOGIN_SERVICE_HOST",
            "DEVICE_LOGIN_ACCESS_TOKEN",
            "DEVICE_LOGIN_API_DOMAIN",
            "DEVICE_LOGIN_WORK_SECRET",
            "DEVICE_LOGIN_HOME",
            "ZOHO_HOME",
        ] {
            assert_eq!(warned(name), Vec::<String>::new(), "{name}");
        }
    }
}
