//! Servers that refuse to be run by root, in folders of the user that they run as.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// How long a server may take to start, with everything else that this machine has to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends what runs in the folder and removes that, as soon as nobody can write to its stdin any more.
const KEEPER: &str = r#"
trap '' INT TERM HUP
cat
for file in "$0/data/postmaster.pid" "$0/pgbouncer.pid"; do
    pid=$(head -n 1 "$file") || continue
    kill -CONT "$pid" $(cat "/proc/$pid/task/$pid/children")
    kill -QUIT "$pid"
    tries=100
    while [ $tries -gt 0 ] && kill -0 "$pid"; do sleep 0.05; tries=$((tries - 1)); done
done
rm -rf "$0"
"#;

/// A temporary folder of the user that servers run as.
pub(crate) struct Folder {
    root: PathBuf,
    keeper: Child,
}

impl Folder {
    pub(crate) fn new() -> Self {
        // The path of a socket has to be short, and root's own place for such folders may be closed to others.
        let given = std::env::temp_dir();
        let is_open = fs::metadata(&given).is_ok_and(|found| found.mode() & 0o1777 == 0o1777);
        let place = if is_open { given } else { PathBuf::from("/tmp") };
        let made = run(unprivileged("mktemp").arg("-d").arg(place.join("device-login-server.XXXXXX")), "");
        let root = PathBuf::from(made.trim_end());
        run(unprivileged("chmod").arg("755").arg(&root), "");
        let mut keeper = unprivileged("setsid");
        keeper.args(["sh", "-c", KEEPER]).arg(&root).stdin(Stdio::piped());
        let keeper = keeper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell starts");
        Self { root, keeper }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file that only the user of the folder can read.
    pub(crate) fn write(&self, name: &str, text: &str) {
        run(unprivileged("sh").args(["-c", "umask 077; cat >\"$0\""]).arg(self.path(name)), text);
    }

    /// A program that runs as the user of the folder, and in it.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = unprivileged(program);
        command.current_dir(&self.root);
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A program that does not run as root, and knows nothing of this machine's environment.
fn unprivileged(program: impl AsRef<OsStr>) -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" };
        let mut setpriv = Command::new("setpriv");
        setpriv.args([format!("--reuid={user}"), "--regid=nogroup".to_owned(), "--clear-groups".to_owned()]);
        setpriv.arg("--").arg(program);
        setpriv
    } else {
        Command::new(program)
    };
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C").env("TZ", "UTC");
    command.current_dir("/");
    command
}

/// Runs a program to its end with `input`, and gives what it printed.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // A program that fails reads nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {said}");
    String::from_utf8(output.stdout).expect("the program speaks UTF-8")
}

/// A server under way, and what it says.
pub(crate) struct Process {
    child: Child,
    said: Arc<(Mutex<String>, Condvar)>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let log = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let said = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let heard = Arc::clone(&said);
        thread::spawn(move || {
            for line in log.split(b'\n').map_while(Result::ok) {
                let mut text = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
                heard.1.notify_all();
            }
        });
        Self { child, said }
    }

    pub(crate) fn log(&self) -> String {
        self.said.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let said = self.said.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.said.1.wait_timeout_while(said, PATIENCE, |said| !said.contains(text));
        let (said, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "the server has not said {text:?}: {said}");
    }

    pub(crate) fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The processes that it has started.
    pub(crate) fn children(&self) -> Vec<Backend> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.expect("the kernel tells children (CONFIG_PROC_CHILDREN)");
        let pids = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        pids.filter_map(|pid| Some(Backend { pid, handle: pidfd_open(pid, PidfdFlags::empty()).ok()? })).collect()
    }

    pub(crate) fn end(mut self, signal: Signal) {
        // One that has ended by itself is as good.
        let _ = kill_process(self.id(), signal);
        let _ = self.child.wait();
    }
}

/// A process of somebody else's, which cannot be mistaken for another one.
pub(crate) struct Backend {
    pid: Pid,
    handle: OwnedFd,
}

impl Backend {
    pub(crate) fn id(&self) -> Pid {
        self.pid
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&self) {
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], None).expect("its end can be waited for");
    }
}
