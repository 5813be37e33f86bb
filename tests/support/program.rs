//! The real program in a home of its own: nothing of this machine's environment reaches it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use device_login::clock;
use device_login::profile::ProfileName;
use device_login::secret::Secret;
use device_login::storage::{Grant, KeyOptions, Record, Store, StoreAddress, open};
use jiff::SignedDuration;
use serde_json::Value;
use tempfile::TempDir;

use super::authority::Authority;

/// Where one test's configuration and store are.
pub(crate) struct Home(TempDir);

/// What one run of the program said.
#[derive(Clone, Debug)]
#[must_use = "a run that nobody looks at proves nothing"]
pub(crate) struct Ran {
    /// The exit code, or less than nothing by the signal that ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The one JSON object on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The JSON objects on stdout, one a line.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"));
        self.stdout.lines().map(parse).collect()
    }

    /// Ended with `code`, with this on stderr and nothing on stdout.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing: {self:?}");
        }
    }

    /// Ended with 0 and this on stdout.
    #[track_caller]
    pub(crate) fn worked(&self, stdout: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (0, stdout), "{self:?}");
    }
}

/// Tells whether this is root, who can make files of others and run the program as another user; says so where it is not.
#[cfg(unix)]
#[expect(clippy::print_stdout, reason = "tells what was not looked at")]
pub(crate) fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("not tried: only root can make files of others and run the program as another user");
    }
    is_root
}

/// Says who may do what with a file of this user's.
pub(crate) fn set_mode(path: impl AsRef<Path>, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("it is ours");
    #[cfg(not(unix))]
    let _ = (path.as_ref(), mode);
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// A home that costs no waiting for a disk, where the system has such a place.
    pub(crate) fn in_memory() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self(directory.expect("a temporary directory"))
    }

    /// A home whose profile `work` signs in at `authority`, a provider that keeps to the RFCs.
    pub(crate) fn at(authority: &Authority) -> Self {
        let home = Self::new();
        home.configure(&configuration(&authority.origin()));
        home
    }

    /// A home whose profile `work` has signed in there.
    pub(crate) fn signed_in(authority: &Authority) -> Self {
        let home = Self::at(authority);
        home.sign_in(authority, |_| {});
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that nobody else can read.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        self.write_bytes(name, text.as_bytes())
    }

    pub(crate) fn write_bytes(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).expect("the home can be written");
        file.write_all(bytes).expect("the disk has room");
        path
    }

    /// The store, opened as another process would.
    pub(crate) fn store(&self) -> Store {
        open(&StoreAddress::File(self.path("state")), key_options(self))
    }

    /// How many keys the key file has.
    pub(crate) fn keys(&self) -> usize {
        fs::read_to_string(self.path("key")).unwrap_or_default().lines().count()
    }

    /// The ids of the keys that the store's files name.
    pub(crate) fn key_ids(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("state")).expect("a store").flatten();
        let id = |bytes: Vec<u8>| {
            let line: Value = serde_json::from_slice(bytes.split(|byte| *byte == b'\n').next()?).ok()?;
            Some(line.get("key_id")?.as_str()?.to_owned())
        };
        let mut ids: Vec<String> = entries.filter_map(|entry| id(fs::read(entry.path()).ok()?)).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// Has another program write one. Had this process the file open, then one that another test starts meanwhile would have it
    /// open as well, and nobody can run what somebody may write to.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let mut command = Command::new("install");
        let mut child =
            command.args(["-m", "700", "/dev/stdin"]).arg(&path).stdin(Stdio::piped()).spawn().expect("it is there");
        let written = child.stdin.take().expect("stdin is a pipe").write_all(text.as_bytes());
        assert!(written.is_ok() && child.wait().is_ok_and(|status| status.success()), "{}", path.display());
        path
    }

    pub(crate) fn configure(&self, text: &str) {
        self.write("config.toml", text);
    }

    pub(crate) fn configuration(&self) -> String {
        fs::read_to_string(self.path("config.toml")).unwrap_or_default()
    }

    /// Keeps a grant for `work`, with some of it as the test wants it.
    pub(crate) fn sign_in(&self, authority: &Authority, change: impl FnOnce(&mut Grant)) {
        self.sign_in_at(&authority.origin(), change);
    }

    /// The same at another server.
    pub(crate) fn sign_in_at(&self, origin: &str, change: impl FnOnce(&mut Grant)) {
        self.sign_in_as("work", origin, change);
    }

    /// The same for another profile.
    pub(crate) fn sign_in_as(&self, profile: &str, origin: &str, change: impl FnOnce(&mut Grant)) {
        sign_in_into(&self.store(), profile, origin, change);
    }

    /// What the store keeps of a profile.
    pub(crate) fn record(&self, profile: &str) -> Record {
        *self.store().load(&profile.parse().expect("a name")).expect("it can be read").expect("it is there")
    }

    /// Has the store keep a changed record of a profile.
    pub(crate) fn change(&self, profile: &str, change: impl FnOnce(&mut Record)) {
        let (store, mut record) = (self.store(), self.record(profile));
        change(&mut record);
        // A program that another test starts has the lock until it is one.
        let mut held = store.hold(&record.profile, Duration::from_secs(5)).expect("nobody else writes");
        held.load().and_then(|_| held.commit(&mut record)).expect("it is kept");
        held.release();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-login"));
        command.env_clear().env("DEVICE_LOGIN_HOME", self.0.path()).env("TZ", "UTC").env("USER", "ops");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.spawn(arguments))
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("stdin is a pipe");
        // A program that refuses its arguments reads nothing.
        let _ = input.write_all(stdin.as_bytes());
        drop(input);
        ran(child)
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("the program starts")
    }
}

/// Where the program looks for the key of a home's store.
pub(crate) fn key_options(home: &Home) -> KeyOptions {
    KeyOptions { default_key_file: home.path("key"), ..KeyOptions::default() }
}

/// Keeps a grant in a store.
pub(crate) fn sign_in_into(store: &Store, profile: &str, origin: &str, change: impl FnOnce(&mut Grant)) {
    let name: ProfileName = profile.parse().expect("a name");
    let mut locked = store.hold(&name, Duration::from_secs(5)).expect("nobody else writes");
    let mut grant = grant(origin);
    change(&mut grant);
    let mut record = Record {
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        client_secret_for: None,
        grant: Some(grant),
        ..Record::empty(name, "corp", "client-1")
    };
    locked.commit(&mut record).expect("the record is kept");
    locked.release();
}

pub(crate) fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program speaks UTF-8");
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    #[cfg(not(unix))]
    let signal = None;
    let code = output.status.code().or(signal.map(|signal: i32| -signal)).unwrap_or(i32::MIN);
    Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub(crate) const ACCESS_TOKEN: &str = "sentinel-access-1-0123456789";
pub(crate) const REFRESH_TOKEN: &str = "sentinel-refresh-0123456789";
pub(crate) const CLIENT_SECRET: &str = "sentinel-client-secret-0123456789";

/// A grant that is good for an hour.
fn grant(origin: &str) -> Grant {
    let now = clock::wall();
    Grant {
        api_domain: Some(origin.to_owned()),
        refresh_token: Some(Secret::new(REFRESH_TOKEN)),
        ..Grant::new(
            format!("{origin}/token"),
            vec!["openid".to_owned()],
            Secret::new(ACCESS_TOKEN),
            now,
            now + SignedDuration::from_hours(1),
        )
    }
}

/// Lets the access token of a grant have ended a moment ago.
pub(crate) fn ended(grant: &mut Grant) {
    grant.access_token_expires_at = Some(clock::wall() - SignedDuration::from_secs(1));
}

/// One profile at a provider that keeps to the RFCs, below one origin.
pub(crate) fn configuration(origin: &str) -> String {
    format!(
        r#"[profiles.work]
provider = "corp"
client_id = "client-1"
scopes = ["openid"]

[providers.corp]
kind = "standard"
device_authorization_endpoint = "{origin}/device"
token_endpoint = "{origin}/token"
revocation_endpoint = "{origin}/revoke"
userinfo_endpoint = "{origin}/userinfo"
api_domain = "{origin}"
"#
    )
}
