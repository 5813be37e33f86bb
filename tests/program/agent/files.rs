//! Token files: what is in them, who may read them, when they come and go, and what is refused.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use device_login::clock;
use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

use super::{PATIENCE, Running, has_all, provider, run, token};
use crate::support::program::{ACCESS_TOKEN, Home, ended, set_mode};

/// A directory whose files are watched.
struct Place {
    home: Home,
    watch: OwnedFd,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC).expect("the system has it");
        let names = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::DELETE;
        inotify::add_watch(&watch, home.path(""), names).expect("the directory is there");
        Self { home, watch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    /// The value of `--token-file` for `work`.
    fn argument(&self, name: &str, more: &str) -> String {
        format!("work={}{more}", self.path(name).display())
    }

    /// Waits until a file says this, or is gone.
    #[track_caller]
    fn becomes(&self, name: &str, content: Option<&str>) {
        while fs::read_to_string(self.path(name)).ok().as_deref() != content {
            let mut fds = [PollFd::new(&self.watch, PollFlags::IN)];
            let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
            let changed = poll(&mut fds, Some(&patience)).expect("it is watched");
            assert_eq!(changed, 1, "{name} never is {content:?}");
            rustix::io::read(&self.watch, &mut [0; 4096]).expect("something happened");
        }
    }
}

#[test]
fn a_file_has_the_token_alone_and_follows_whatever_happens_to_it() {
    let provider = provider();
    let (home, outside) = (Home::signed_in(&provider), Place::new());
    let path = outside.path("token");
    let argument = outside.argument("token", "");
    let agent = Running::start(&home, &["--token-file", &argument]);
    outside.becomes("token", Some(ACCESS_TOKEN));
    assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o7777, 0o600);
    agent.says(&["ready: "]);

    // Somebody else mints.
    run(&home, &["refresh"]);
    outside.becomes("token", Some(&token(2)));
    // What somebody else has done to it ends with the next SIGHUP at the latest.
    fs::remove_file(&path).expect("it is there");
    agent.signal("-HUP");
    outside.becomes("token", Some(&token(2)));
    run(&home, &["logout", "--local"]);
    outside.becomes("token", None);
    home.sign_in(&provider, |_| ());
    outside.becomes("token", Some(ACCESS_TOKEN));
    run(&home, &["profile", "remove", "work", "--force"]);
    outside.becomes("token", None);
    agent.says(&["work removed: "]);
    agent.stop();
    assert_eq!(outside.path("").read_dir().expect("it is there").count(), 0);
}

#[test]
fn a_file_stays_at_the_end_and_goes_at_the_next_beginning_where_its_profile_is_signed_out() {
    let provider = provider();
    let (home, outside) = (Home::signed_in(&provider), Place::new());
    let path = outside.path("token");
    let argument = outside.argument("token", "");
    let agent = Running::start(&home, &["--token-file", &argument]);
    agent.says(&["ready: "]);
    agent.stop();
    assert_eq!(fs::read_to_string(&path).expect("it stays"), ACCESS_TOKEN);
    let before = path.metadata().expect("it is there").ino();
    Running::start(&home, &["--token-file", &argument]).stop_when_ready();
    assert_eq!(path.metadata().expect("it is there").ino(), before, "it was right already");
    run(&home, &["logout", "--local"]);
    Running::start(&home, &["--token-file", &argument]).stop_when_ready();
    assert!(!path.exists());
}

#[test]
fn a_store_that_is_not_mounted_any_more_signs_nobody_out() {
    let provider = provider();
    // It is noticed by a look at the record, or only when a refresh is due.
    for due_after in [None, Some(Duration::from_secs(6))] {
        let (home, outside) = (Home::at(&provider), Place::new());
        let mut due = clock::wall();
        home.sign_in(&provider, |grant| {
            // A token that does not live for long is replaced before half of its life is left, less a fifth of that.
            if let Some(half) = due_after {
                grant.access_token_expires_at = Some(grant.approved_at + 2 * half);
                due = grant.approved_at + half * 6 / 5;
            }
        });
        let agent = Running::start(&home, &["--token-file", &outside.argument("token", "")]);
        agent.says(&["ready: "]);
        outside.becomes("token", Some(ACCESS_TOKEN));
        agent.signal("-STOP");
        // What a mount point looks like with nothing mounted.
        fs::rename(home.path("state"), home.path("away")).expect("it is there");
        fs::DirBuilder::new().mode(0o700).create(home.path("state")).expect("its place is free");
        wait_until(due);
        agent.signal("-CONT");
        // It has to be missing at two looks, of which one may have begun before.
        let mut lines: Vec<String> = Vec::new();
        while !lines.iter().any(|line| has_all(line, &["work refresh_failing: ", "its record is gone"])) {
            assert!(!lines.iter().any(|line| line.contains("signed_out")), "{due_after:?}: {lines:#?}");
            agent.signal("-HUP");
            lines.extend(agent.says_until(&["reloaded: "]));
        }
        assert_eq!(fs::read_to_string(outside.path("token")).expect("it stays"), ACCESS_TOKEN);
        fs::remove_dir(home.path("state")).expect("it is empty");
        fs::rename(home.path("away"), home.path("state")).expect("its place is free");
        agent.signal("-HUP");
        agent.says(&["work recovered: "]);
        agent.stop();
        assert!(outside.path("token").exists(), "{due_after:?}");
    }
}

#[test]
fn who_begins_without_a_record_leaves_the_file_where_nobody_has_signed_out() {
    let provider = provider();
    let none: &[&str] = &[];
    for (meanwhile, stays) in
        [(none, true), (&["logout", "--local"], false), (&["profile", "remove", "work", "--force"], false)]
    {
        let (home, outside) = (Home::signed_in(&provider), Place::new());
        let argument = outside.argument("token", "");
        run(&home, &["refresh"]);
        Running::start(&home, &["--token-file", &argument]).stop_when_ready();
        let configuration = home.configuration();
        assert!(meanwhile.is_empty() || home.run(meanwhile).code == 0, "{meanwhile:?}");
        home.configure(&configuration);
        fs::rename(home.path("state"), home.path("away")).expect("it is there");
        fs::DirBuilder::new().mode(0o700).create(home.path("state")).expect("its place is free");
        let agent = Running::start(&home, &["--token-file", &argument]);
        let lines = agent.says_until(&["ready: "]);
        let is_told = |line: &String| has_all(line, &["work refresh_failing: ", "its record is gone"]);
        assert_eq!(lines.iter().any(is_told), stays, "{meanwhile:?}: {lines:#?}");
        agent.stop();
        assert_eq!(outside.path("token").exists(), stays, "{meanwhile:?}");
    }
}

/// A database that answers has lost nothing.
#[cfg(all(target_os = "linux", feature = "postgres"))]
#[test]
fn what_another_machine_removes_from_a_shared_store_is_signed_out_and_told_once() {
    use device_login::storage::{StoreAddress, open};

    use crate::support::postgres::Postgres;
    use crate::support::program::{key_options, sign_in_into};

    let database = Postgres::shared().database();
    let provider = provider();
    let (home, outside) = (Home::at(&provider), Place::new());
    let url = database.url();
    let store = open(&StoreAddress::parse(&url).expect("an address"), key_options(&home));
    sign_in_into(&store, "work", &provider.origin(), |_| ());
    home.configure(&format!("store = \"{url}\"\n{}", home.configuration()));
    let argument = outside.argument("token", "");
    let agent = Running::start(&home, &["--token-file", &argument]);
    agent.says(&["ready: "]);
    run(&home, &["refresh"]);
    outside.becomes("token", Some(&token(2)));
    database.sql("DELETE FROM device_login.records");
    let mut lines: Vec<String> = Vec::new();
    while !lines.iter().any(|line| line.contains("work signed_out: ")) {
        assert!(!lines.iter().any(|line| line.contains("failing")), "{lines:#?}");
        agent.signal("-HUP");
        lines.extend(agent.says_until(&["reloaded: "]));
    }
    outside.becomes("token", None);
    agent.stop();
    let lines = Running::start(&home, &["--token-file", &argument]).stop_when_ready();
    assert!(!lines.iter().any(|line| line.contains("failing")), "{lines:#?}");
}

#[expect(clippy::disallowed_methods, reason = "an agent that is stopped does not say what is due")]
fn wait_until(time: Timestamp) {
    thread::sleep(clock::until(clock::wall(), time));
}

#[test]
fn a_token_that_has_ended_is_in_no_file_until_there_is_another() {
    let provider = provider();
    let (home, outside) = (Home::at(&provider), Place::new());
    home.sign_in(&provider, ended);
    let agent = Running::start(&home, &["--token-file", &outside.argument("token", "")]);
    outside.becomes("token", Some(&token(2)));
    agent.stop();
}

#[test]
fn who_may_read_a_file_is_as_asked_for() {
    let provider = provider();
    let (home, outside) = (Home::signed_in(&provider), Place::new());
    let own = rustix::process::getegid().as_raw();
    // Only root can give files to groups of which it is no member.
    let other = if rustix::process::geteuid().is_root() { 1 } else { own };
    let arguments: Vec<String> = [
        outside.argument("a", &format!(",mode=0640,group={other}")),
        outside.argument("b", ",mode=0400"),
        outside.argument("c", ",mode=0644"),
    ]
    .into();
    let flags: Vec<&str> = arguments.iter().flat_map(|argument| ["--token-file", argument.as_str()]).collect();
    let agent = Running::start(&home, &flags);
    agent.says(&["token_file_readers: every user of this machine can read the token in "]);
    agent.says(&["ready: "]);
    run(&home, &["refresh"]);
    for (name, mode, group) in [("a", 0o640, other), ("b", 0o400, own), ("c", 0o644, own)] {
        outside.becomes(name, Some(&token(2)));
        let metadata = outside.path(name).metadata().expect("it is there");
        assert_eq!((metadata.permissions().mode() & 0o7777, metadata.gid()), (mode, group), "{name}");
    }
    agent.stop();
}

#[test]
fn what_cannot_be_a_token_file_is_refused_at_the_start() {
    let provider = provider();
    let (home, outside) = (Home::signed_in(&provider), Place::new());
    let other = "[profiles.other]\nprovider = \"corp\"\nclient_id = \"x\"\n";
    home.configure(&(other.to_owned() + &home.configuration()));
    let open = outside.path("open");
    fs::create_dir(&open).expect("it can be made");
    fs::create_dir(outside.path("closed")).expect("it can be made");
    set_mode(&open, 0o777);
    let path = |name: &str| outside.path(name).display().to_string();
    for (arguments, part) in [
        (vec![format!("work={}", path("missing/token"))], "make the directory first"),
        (vec![format!("work={}", path("open/token"))], "others can replace what is in it"),
        (vec![format!("work={}", path("open"))], "name a file"),
        (vec!["work=/dev/null".to_owned()], "it is not a regular file"),
        (vec![format!("work={}", home.path("token").display())], "where this program keeps its own files"),
        (vec![format!("work={}", home.path("state/token").display())], "where this program keeps its own files"),
        (vec![format!("work={}", path("x")), format!("other={}", path("missing/../x"))], "No such file"),
        (vec![format!("work={}", path("x")), format!("other={}", path("closed/../x"))], "two token files are at"),
        (vec![format!("work={},mode=0666", path("x"))], "is no mode for a token"),
        (vec![format!("work={},group=no-such-group", path("x"))], "there is no group `no-such-group`"),
        (vec!["work".to_owned()], "PROFILE=PATH"),
    ] {
        let arguments: Vec<&str> = arguments.iter().flat_map(|argument| ["--token-file", argument.as_str()]).collect();
        let arguments: Vec<&str> = ["agent"].into_iter().chain(arguments).collect();
        home.run(&arguments).failed(2, &[part]);
    }
    let argument = format!("work={}", path("x"));
    home.run(&["agent", "other", "--token-file", &argument]).failed(2, &["`work`, which is not looked after"]);
    assert_eq!(outside.path("").read_dir().expect("it is there").count(), 2);
}

#[test]
fn a_place_that_fails_later_is_told_once_and_tried_again() {
    let provider = provider();
    let (home, outside) = (Home::signed_in(&provider), Place::new());
    let (place, away) = (outside.path("place"), outside.path("away"));
    fs::create_dir(&place).expect("it can be made");
    let path = place.join("token");
    let agent = Running::start(&home, &["--token-file", &outside.argument("place/token", "")]);
    agent.says(&["ready: "]);
    fs::rename(&place, &away).expect("it is ours");
    run(&home, &["refresh"]);
    agent.says(&["work token_file_failing: ", "No such file or directory", "it is tried again"]);
    fs::rename(&away, &place).expect("it is ours");
    agent.says(&["work token_file_recovered: "]);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), token(2));
    agent.stop();
}
