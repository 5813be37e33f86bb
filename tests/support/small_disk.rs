//! A disk of one mebibyte that really gets full: a file system in memory, in a mount namespace of its own.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::program::{Ran, ran};

const FILLER: &str = "filler";

/// The disk, as long as somebody holds its namespace.
pub(crate) struct SmallDisk {
    holder: Child,
    place: TempDir,
}

impl SmallDisk {
    /// `None` where this user may not mount anything.
    pub(crate) fn mount() -> Option<Self> {
        let place = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        let script = "mount -t tmpfs -o size=1m,mode=700 none \"$0\" && echo mounted && read _";
        command.args(["--mount", "sh", "-c", script]).arg(place.path());
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
        let disk = Self { holder, place };
        (line == "mounted\n").then_some(disk)
    }

    /// Where it lies for whoever is not in its namespace.
    pub(crate) fn seen_from_outside(&self) -> PathBuf {
        let inside = self.place.path().strip_prefix("/").expect("an absolute path");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside)
    }

    /// Gives the home there its configuration.
    pub(crate) fn configure(&self, text: &str) {
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
        let mut file = options.open(self.seen_from_outside().join("config.toml")).expect("it has room");
        file.write_all(text.as_bytes()).expect("it has room");
    }

    /// The program with a home there.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.spawn(arguments);
        let mut stdin = child.stdin.take().expect("a pipe");
        // A program that needs no input reads none.
        let _ = writeln!(stdin, "{input}");
        drop(stdin);
        ran(child)
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg(env!("CARGO_BIN_EXE_device-login")).args(arguments);
        command.env_clear().env("DEVICE_LOGIN_HOME", self.place.path()).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("util-linux is there")
    }

    pub(crate) fn empty(&self) {
        let _ = std::fs::remove_file(self.seen_from_outside().join(FILLER));
    }
}

/// Takes all the room that is left on the disk at this place.
pub(crate) fn fill(disk: &Path) {
    let mut filler = OpenOptions::new().append(true).create(true).open(disk.join(FILLER)).expect("a name has room");
    let full = loop {
        if let Err(error) = filler.write_all(&[0; 4096]) {
            break error.kind();
        }
    };
    assert_eq!(full, ErrorKind::StorageFull);
}

/// Takes it all but for so many bytes.
pub(crate) fn fill_but(disk: &Path, bytes: u64) {
    fill(disk);
    let filler = OpenOptions::new().write(true).open(disk.join(FILLER)).expect("it is there");
    let length = filler.metadata().expect("it has a length").len();
    filler.set_len(length - bytes).expect("it gets shorter");
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // Unmounted with the last process in it.
        let _ = self.holder.wait();
    }
}

/// What came of refreshes whose disk was filled when the request was out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) runs: usize,
    pub(crate) kept: usize,
    /// Refreshes on the full disk, none of which may ask.
    pub(crate) refused: usize,
    pub(crate) asked_without_room: usize,
}

/// A token of the largest kind that is taken, and of the usual one, in turns.
fn token(kind: &str, number: usize) -> String {
    let rest = if number.is_multiple_of(2) { 0 } else { 60_000 };
    format!("{kind}{number}{}", "x".repeat(rest))
}

/// Refreshes so often on a disk that gets full in the middle; `None` where there is no such disk.
pub(crate) fn refresh_in_vain(runs: usize) -> Option<Tally> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let disk = SmallDisk::mount()?;
    let fills = Arc::new(AtomicBool::new(false));
    let (filling, place) = (Arc::clone(&fills), disk.seen_from_outside());
    let mut count = 0;
    let answer = std::sync::Mutex::new(move |asked: &super::authority::Asked| {
        if asked.path != "/token" {
            return (200, r#"{"sub":"77"}"#.to_owned());
        }
        let body = asked.body.clone() + "&";
        if !body.contains(&format!("refresh_token={}&", token("RT", count))) {
            return (400, r#"{"error":"invalid_grant"}"#.to_owned());
        }
        count += 1;
        if filling.load(Ordering::SeqCst) {
            fill(&place);
        }
        let [access, refresh] = ["AT", "RT"].map(|kind| token(kind, count));
        (200, format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":3600}}"#))
    });
    let provider = super::authority::Authority::start(move |asked| answer.lock().expect("no answer panics")(asked));
    disk.configure(&super::program::configuration(&provider.origin()));
    let signed_in = disk.run(&["login", "work", "--import"], &token("RT", 0));
    assert_eq!(signed_in.code, 0, "{signed_in:?}");
    fills.store(true, Ordering::SeqCst);
    let mut tally = Tally { runs, ..Tally::default() };
    for run in 0..runs {
        disk.empty();
        let refreshed = disk.run(&["token", "--force"], "");
        let expected = token("AT", run + 2) + "\n";
        let again = disk.run(&["token"], "");
        tally.kept += usize::from(refreshed.stdout == expected && again.stdout == expected);
        if run % 10 == 0 {
            // What had been reserved for it is free again.
            fill(&disk.seen_from_outside());
            let before = provider.count("/token");
            let refused = disk.run(&["refresh"], "");
            tally.refused += usize::from(refused.code == 9 && refused.stderr.contains("nothing was sent"));
            tally.asked_without_room += provider.count("/token") - before;
        }
    }
    Some(tally)
}
