//! Every command of the program, and where its secrets may be: nowhere but where they were asked for.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use serde_json::json;

use crate::interrupts::send;
use crate::support::authority::{Asked, Authority};
use crate::support::canaries::{
    Canaries, DEVICE_CODE, GRANT_CODE, ID_TOKEN, IMPORTED, NEW_ACCESS_TOKEN, NEW_REFRESH_TOKEN, PASSPHRASE,
};
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, Ran, configuration, ran};

/// What seals the records of these tests.
pub(super) const KEY: &str = "5e9711e10123456789abcdef0123456789abcdef0123456789abcdef01234567";

/// A command as somebody gives it.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// With `{given}` for the directory of what the person keeps elsewhere, and `{home}` for the program's own.
    pub(super) line: &'static str,
    input: &'static str,
    /// How it ends where nothing fails.
    code: i32,
    /// Prints the access token once on stdout, as it was asked to.
    shows_token: bool,
    /// At which paths it asks the provider or the API.
    pub(super) asks: &'static [&'static str],
    /// Goes on until it is told to end, which is when it has said this.
    pub(super) until: Option<&'static str>,
}

impl Row {
    /// The same without much patience.
    pub(super) fn in_a_hurry(&self) -> Self {
        let line = self.line.replace("20s", "2s");
        Self { line: Box::leak(line.into_boxed_str()), ..*self }
    }
}

/// Where it is the machine that decides how a command ends.
const THE_MACHINES: i32 = -1;
/// At which paths a sign-in asks.
const BY_CODE: &[&str] = &["/device", "/token", "/userinfo", "/revoke"];
const BY_TOKEN: &[&str] = &["/token", "/userinfo", "/revoke"];

const fn row(line: &'static str, code: i32) -> Row {
    Row { line, input: "", code, shows_token: false, asks: &[], until: None }
}

const fn reading(line: &'static str, input: &'static str, code: i32) -> Row {
    Row { input, ..row(line, code) }
}

const fn asking(line: &'static str, asks: &'static [&'static str]) -> Row {
    Row { asks, ..row(line, 0) }
}

const fn token(line: &'static str) -> Row {
    Row { shows_token: true, ..asking(line, &["/token"]) }
}

const fn staying(line: &'static str, until: &'static str) -> Row {
    Row { until: Some(until), ..row(line, 0) }
}

/// Each command of the program at least once.
pub(super) const ROWS: &[Row] = &[
    row("", 2),
    asking("login --plain --timeout 20s", BY_CODE),
    asking("login --json --timeout 20s", BY_CODE),
    Row { code: 1, ..asking("login --plain --timeout 20s --expect-account somebody@example.com", BY_CODE) },
    Row { asks: BY_TOKEN, ..reading("login --import", IMPORTED, 0) },
    reading("login --import --env-file {given}/env", "", 2),
    Row { asks: BY_TOKEN, ..reading("login --grant-code", GRANT_CODE, 0) },
    reading("login --web", "https://app.example.com/callback?state=another&code=sentinel-grant-code-0123456789", 2),
    Row { shows_token: true, ..row("token", 0) },
    token("token --format header"),
    token("token --format env"),
    token("token --format fish"),
    token("token --format powershell"),
    token("token --format exec-credential"),
    token("token --format json --force"),
    token("token --force"),
    row("status", 0),
    row("status --json", 0),
    row("status --check", 0),
    asking("refresh", &["/token"]),
    asking("whoami", &["/userinfo"]),
    asking("whoami --json", &["/userinfo"]),
    asking("logout", &["/revoke"]),
    row("logout --local", 0),
    asking("api -i /x", &["/x"]),
    asking("api --fail -F a=b /x", &["/x"]),
    asking("api -o {home}/answer POST /x -f a=b", &["/x"]),
    row("api --curl /x", 0),
    asking("api --paginate --slurp /x", &["/x"]),
    asking("api --silent -i /x", &["/x"]),
    row("api https://elsewhere.example/x", 2),
    row("exec -- true", 0),
    reading("git-credential get", "protocol=https\nhost=git.example.com\n", 0),
    reading("git-credential store", "protocol=https\nhost=git.example.com\npassword=sentinel-access-1-0123456789\n", 0),
    reading("git-credential erase", "protocol=https\nhost=git.example.com\npassword=sentinel-access-1-0123456789\n", 0),
    row("doctor", THE_MACHINES),
    row("doctor --json", THE_MACHINES),
    row("completions bash", 0),
    row("man", 0),
    row("help token", 0),
    row("version", 0),
    staying("agent", " ready: "),
    staying("agent --log json --token-file work={given}/token --on-event {given}/hears", "\"event\":\"ready\""),
    reading("profile add other --provider corp --client-id other --client-secret-stdin", CLIENT_SECRET, 0),
    row("profile add other --provider corp --client-id other --client-secret-file {given}/client-secret", 0),
    row("profile list", 0),
    row("profile list --json", 0),
    row("profile show", 0),
    row("profile show --json", 0),
    row("profile use work", 0),
    row("config path --json", 0),
    row("config check", 0),
    row("config check --json", 0),
    row("config schema", 0),
    row("profile export work --env-file {given}/exported --yes", 2),
    reading("profile edit work --client-secret-stdin", CLIENT_SECRET, 0),
    row("profile rename work lobby", 0),
    row("profile remove work --force", 0),
    row("config path", 0),
    row("config check", 0),
    row("config schema", 0),
    row("scopes", 0),
    // The provider of these tests gives a token to whoever asks, which is warned of.
    Row { code: 1, ..asking("doctor", &["/token"]) },
    Row { code: 1, ..asking("doctor work --json", &["/token"]) },
    row("store info", 0),
    row("store info --json", 0),
    row("store init", 0),
    row("store init --print", 2),
    row("store check", 0),
    row("store check --repair --json", 0),
    row("store rekey", 0),
    row("store rekey --to passphrase --passphrase-file {given}/new-passphrase", 0),
    row("store copy file:{home}/copied", 0),
    row("store copy postgres://u@127.0.0.1:1/x", 9),
    row("store copy --to-file {given}/store.url --json", 9),
    #[cfg(feature = "demo")]
    Row { code: 143, ..staying("demo --serve", "client_id") },
];

/// What a provider answers with, which has a secret in each answer; `odd` comes first.
pub(super) fn talkative(odd: impl Fn(&Asked) -> Option<(u16, String)> + Send + 'static) -> Authority {
    Authority::start(move |asked: &Asked| {
        odd(asked).unwrap_or_else(|| {
            let body = match asked.path.split('?').next().unwrap_or_default() {
                "/device" => json!({
                    "device_code": DEVICE_CODE, "user_code": "ABCD-1234", "interval": 1, "expires_in": 300,
                    "verification_uri": format!("{}/page", asked.origin()),
                }),
                "/token" => json!({
                    "access_token": NEW_ACCESS_TOKEN, "refresh_token": NEW_REFRESH_TOKEN, "id_token": ID_TOKEN,
                    "token_type": "Bearer", "expires_in": 3600,
                }),
                "/userinfo" => json!({"sub": "77", "email": "dana@example.com"}),
                _ => json!({}),
            };
            (200, body.to_string())
        })
    })
}

/// Where the key comes from and where the records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    KeyFile,
    Passphrase,
    KeyCommand,
    #[cfg(feature = "postgres")]
    Database,
}

impl Place {
    fn grade(self) -> &'static str {
        match self {
            Self::KeyFile => "L1",
            Self::KeyCommand => "L2",
            Self::Passphrase => "L3",
            #[cfg(feature = "postgres")]
            Self::Database => "L1",
        }
    }
}

/// A home that is signed in, and all that it is given.
pub(super) struct Lab {
    pub(super) home: Home,
    /// What the person keeps elsewhere, secrets among it.
    pub(super) given: Home,
    pub(super) provider: Arc<Authority>,
    pub(super) variables: Vec<(&'static str, String)>,
    /// A file in which somebody has put a secret that does not belong there.
    pub(super) misused: PathBuf,
}

impl Lab {
    pub(super) fn new(place: Place, provider: Authority, database: &str) -> Self {
        let lab = Self::signed_out(place, Arc::new(provider), database);
        if place == Place::KeyFile {
            lab.home.sign_in(&lab.provider, |_| ());
            return lab;
        }
        let said = lab.run(&reading("login --import", IMPORTED, 0));
        assert_eq!(said.code, 0, "{place:?} {database}: {said:?}");
        lab
    }

    /// One behind a passphrase, with the records of another one: deriving a key takes its share of a second.
    fn with_records_of(other: &Self) -> Self {
        let lab = Self::signed_out(Place::Passphrase, Arc::clone(&other.provider), "");
        fs::DirBuilder::new().mode(0o700).create(lab.home.path("state")).expect("it is new");
        for file in fs::read_dir(other.home.path("state")).expect("a store").flatten() {
            let name = format!("state/{}", file.file_name().to_string_lossy());
            lab.home.write_bytes(&name, &fs::read(file.path()).expect("a file"));
        }
        lab
    }

    fn signed_out(place: Place, provider: Arc<Authority>, database: &str) -> Self {
        let (home, given) = (Home::in_memory(), Home::in_memory());
        let redirect = "[profiles.work]\nredirect_uri = \"https://app.example.com/callback\"";
        let by_web = format!("authorization_endpoint = \"{}/go\"\ntoken_endpoint", provider.origin());
        let configured = configuration(&provider.origin()).replace("[profiles.work]", redirect);
        let mut configured = configured.replace("token_endpoint", &by_web);
        let mut variables = vec![("DEVICE_LOGIN_CLIENT_SECRET", CLIENT_SECRET.to_owned())];
        given.write("client-secret", CLIENT_SECRET);
        given.write(
            "env",
            &format!("ZOHO_CLIENT_ID=other\nZOHO_CLIENT_SECRET={CLIENT_SECRET}\nZOHO_REFRESH_TOKEN={IMPORTED}\n"),
        );
        given.write("new-passphrase", &format!("{PASSPHRASE} again\n"));
        given.write("passphrase", &format!("{PASSPHRASE}\n"));
        given.write("store.url", "postgres://u:sentinel-database-0123456789@127.0.0.1:1/x\n");
        // What others are shown of programs that this one starts, and what these hear.
        let sees = |and: &str| {
            format!("#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ >> '{}'\n{and}\n", seen(&given).display())
        };
        script(&given, "hears", &sees(&format!("cat >> '{}'", seen(&given).display())));
        script(&given, "key-command", &sees(&format!("echo {KEY}")));
        match place {
            Place::KeyFile => drop(home.write("key", &format!("{KEY}\n"))),
            Place::Passphrase => {
                variables.push(("DEVICE_LOGIN_PASSPHRASE_FILE", given.path("passphrase").display().to_string()));
            }
            Place::KeyCommand => {
                let command = given.path("key-command");
                configured = format!("key_command = [\"{}\"]\n{configured}", command.display());
            }
            #[cfg(feature = "postgres")]
            Place::Database => {
                home.write("key", &format!("{KEY}\n"));
                variables.push(("DEVICE_LOGIN_STORE", database.to_owned()));
            }
        }
        home.configure(&configured);
        Self { home, given, provider, variables, misused: PathBuf::new() }
    }

    /// The line with what stands for its places, behind `-v`.
    fn command(&self, row: &Row) -> Command {
        let place = |word: &str| {
            let word = word.replace("{given}", &self.given.path("").display().to_string());
            word.replace("{home}", &self.home.path("").display().to_string())
        };
        let words: Vec<String> = std::iter::once("-v").chain(row.line.split_whitespace()).map(place).collect();
        let mut command = self.home.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("PATH", "/usr/bin:/bin").envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped());
        command
    }

    pub(super) fn run(&self, row: &Row) -> Ran {
        finish(self.command(row).spawn().expect("the program starts"), row)
    }

    /// The same by another program, such as a shell.
    pub(super) fn run_by(&self, row: &Row, by: impl FnOnce(&Command) -> Command) -> Ran {
        let program = self.command(row);
        let mut command = by(&program);
        command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().expect("it starts"), row)
    }

    /// The first secret that is where it must not be.
    #[must_use]
    pub(super) fn leak(&self, row: &Row, ran: &Ran) -> Option<String> {
        let key_file = self.home.path("key");
        let keys: Vec<String> = fs::read_to_string(&key_file).unwrap_or_default().lines().map(str::to_owned).collect();
        let canaries = Canaries::and(&[&keys[..], &[KEY.to_owned()]].concat());
        let mut stdout = ran.stdout.clone();
        if row.shows_token && ran.code == 0 {
            let shown = [ACCESS_TOKEN, NEW_ACCESS_TOKEN].map(|token| stdout.matches(token).count());
            // A stdout that is closed takes everything.
            if shown.iter().sum::<usize>() != 1 && !stdout.is_empty() {
                return Some(format!("the token is shown {shown:?} times"));
            }
            stdout = stdout.replace(ACCESS_TOKEN, "").replace(NEW_ACCESS_TOKEN, "");
        }
        let found =
            |what: &str, text: &str| canaries.found_in(text.as_bytes()).map(|secret| format!("{secret} in {what}"));
        let addresses = self.provider.log().into_iter().map(|asked| asked.path).collect::<Vec<_>>().join("\n");
        found("stdout", &stdout)
            .or_else(|| found("stderr", &ran.stderr))
            .or_else(|| found("an address", &addresses))
            .or_else(|| canaries.found_below(&self.home.path(""), &[&key_file, &self.misused]))
            .or_else(|| {
                found("what others see of a program", &fs::read_to_string(seen(&self.given)).unwrap_or_default())
            })
    }
}

fn finish(mut child: Child, row: &Row) -> Ran {
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // A program that refuses its arguments reads nothing.
    let _ = writeln!(stdin, "{}", row.input);
    drop(stdin);
    match row.until {
        Some(part) => told_to_end(child, part),
        None => ran(child),
    }
}

/// Where programs that are started write what is seen of them.
fn seen(given: &Home) -> PathBuf {
    given.path("seen")
}

fn script(place: &Home, name: &str, text: &str) {
    place.program(name, text);
}

/// What a program said until a line had this in it and it was told to end, or until it ended by itself.
fn told_to_end(mut child: Child, part: &str) -> Ran {
    let (told, lines) = channel();
    let mut texts = [String::new(), String::new()];
    let streams: [Box<dyn std::io::Read + Send>; 2] =
        [Box::new(child.stdout.take().expect("a pipe")), Box::new(child.stderr.take().expect("a pipe"))];
    for (which, stream) in streams.into_iter().enumerate() {
        let told = told.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if told.send((which, line)).is_err() {
                    return;
                }
            }
        });
    }
    drop(told);
    let mut is_told = false;
    for (which, line) in lines {
        if !is_told && line.contains(part) {
            is_told = true;
            send("-TERM", &child);
        }
        texts[which].extend([line.as_str(), "\n"]);
    }
    let code = child.wait().expect("it ends").code().unwrap_or(-1);
    let [stdout, stderr] = texts;
    Ran { code, stdout, stderr }
}

/// The commands that `--help` names, each with those below it.
fn commands(above: &[String]) -> Vec<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_device-login")).args(above).arg("--help").env_clear().output();
    let help = String::from_utf8(help.expect("the program runs").stdout).expect("help is text");
    let is_heading = |line: &&str| ["Commands:", "Actions:"].contains(line);
    let list = help.lines().skip_while(|line| !is_heading(line)).skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = list.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let below = |name: &str| commands(&[above, &[name.to_owned()]].concat());
    match names.iter().filter(|name| !name.is_empty()).flat_map(|name| below(name)).collect::<Vec<_>>() {
        none if none.is_empty() => vec![above.join(" ")],
        all => all,
    }
}

#[test]
fn each_command_of_the_program_has_a_row() {
    let is_of = |command: &str, row: &Row| row.line == command || row.line.starts_with(&format!("{command} "));
    let all = commands(&[]);
    assert!(all.len() > 18, "{all:?}");
    let without: Vec<&String> = all.iter().filter(|command| !ROWS.iter().any(|row| is_of(command, row))).collect();
    assert!(without.is_empty(), "add rows for them: {without:?}");
}

/// Runs each row in a lab of its own, on so many threads.
#[track_caller]
pub(super) fn each_row<T: Sync>(threads: usize, rows: &[T], complain: impl Fn(&T) -> Option<String> + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let complaints = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
                    && let Some(row) = rows.get(number)
                {
                    if let Some(complaint) = complain(row) {
                        complaints.lock().expect("no thread panics with it").push(complaint);
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().expect("no thread panics with it");
    assert!(complaints.is_empty(), "{} of them:\n{}", complaints.len(), complaints.join("\n"));
}

/// Nor does any sign-in keep to itself what guards its tokens.
#[test]
fn no_command_shows_a_secret() {
    let places = [Place::KeyFile, Place::Passphrase, Place::KeyCommand];
    let all: Vec<(Place, &Row)> =
        places.into_iter().flat_map(|place| ROWS.iter().map(move |row| (place, row))).collect();
    let behind_a_passphrase = Lab::new(Place::Passphrase, talkative(|_| None), "");
    each_row(8, &all, |(place, row)| {
        let lab = match place {
            Place::Passphrase => Lab::with_records_of(&behind_a_passphrase),
            _ => Lab::new(*place, talkative(|_| None), ""),
        };
        let said = lab.run(row);
        // Where another source gives the key, what is asked of it may be refused.
        let ended = *place == Place::KeyFile
            && (![said.code, THE_MACHINES].contains(&row.code) || row.shows_token && said.stdout.is_empty());
        let is_graded = [&said.stdout, &said.stderr].iter().any(|said| said.contains(place.grade()));
        let hides_grade = row.line.starts_with("login") && said.code == 0 && !is_graded;
        let leaked = lab.leak(row, &said);
        (ended || hides_grade || leaked.is_some())
            .then(|| format!("{place:?} `{}`: {leaked:?}, no grade: {hides_grade}: {said:?}", row.line))
    });
    println!("{} commands: 0 secrets shown", all.len());
}

#[cfg(feature = "postgres")]
#[test]
fn no_command_shows_a_secret_to_a_database_or_of_it() {
    use crate::support::canaries::DATABASE_PASSWORD;
    use crate::support::postgres::Postgres;

    let server = Postgres::start();
    server.sql("postgres", &format!("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '{DATABASE_PASSWORD}'"));
    server.sql("postgres", "ALTER SYSTEM SET log_statement = 'all'");
    server.sql("postgres", "SELECT pg_reload_conf()");
    let asks_itself = |row: &&Row| row.until.is_none() && !row.line.contains("127.0.0.1:1");
    let rows: Vec<&Row> = ROWS.iter().filter(asks_itself).collect();
    each_row(2, &rows, |row| {
        let database = server.database();
        let address = database.url().replace("postgres@", &format!("guarded:{DATABASE_PASSWORD}@"));
        let lab = Lab::new(Place::Database, talkative(|_| None), &address);
        let said = lab.run(row);
        let leaked = lab.leak(row, &said);
        leaked.is_some().then(|| format!("`{}`: {leaked:?}: {said:?}", row.line))
    });
    let canaries = Canaries::and(&[KEY.to_owned()]);
    let database = server.database();
    let address = database.url().replace("postgres@", &format!("guarded:{DATABASE_PASSWORD}@"));
    let lab = Lab::new(Place::Database, talkative(|_| None), &address);
    assert_eq!(lab.run(&token("token --force")).code, 0);
    let dump = server.dump();
    assert!(dump.contains("device_login"), "the dump has the store in it");
    assert_eq!(canaries.found_in(dump.as_bytes()), None);
    let log = server.log();
    assert!(log.contains("UPDATE device_login.records"), "the log has its statements in it");
    assert_eq!(canaries.found_in(log.as_bytes()), None);
    server.sql("postgres", "CHECKPOINT");
    assert_eq!(canaries.found_below(&server.data(), &[]), None);
    println!("{} commands over a database: 0 secrets shown", rows.len());
}
