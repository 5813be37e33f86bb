//! The service manager: what it hears on its socket, and what the journal gets.

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use super::{PATIENCE, Running, provider, run};
use crate::support::program::{Home, configuration};

/// Listens as systemd does.
struct Manager {
    socket: UnixDatagram,
    place: Home,
}

impl Manager {
    fn new() -> Self {
        let place = Home::new();
        let socket = UnixDatagram::bind(place.path("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        Self { socket, place }
    }

    fn start(&self, home: &Home, change: impl FnOnce(&mut Command) -> &mut Command) -> Running {
        let mut command = home.command(&["agent"]);
        Running::spawn(change(command.env("NOTIFY_SOCKET", self.place.path("notify"))))
    }

    fn next(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("something is told in time");
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    /// Waits for a message that has this in it.
    fn hears(&self, part: &str) -> String {
        std::iter::repeat_with(|| self.next()).find(|message| message.contains(part)).expect("it goes on")
    }
}

#[test]
fn the_manager_hears_when_it_is_ready_and_how_things_are_and_when_it_ends() {
    let provider = provider();
    let (manager, home) = (Manager::new(), Home::signed_in(&provider));
    let agent = manager.start(&home, |command| command);
    let ready = manager.next();
    assert!(ready.starts_with("READY=1\nSTATUS=1 fresh; next refresh "), "{ready}");
    run(&home, &["logout", "--local"]);
    manager.hears("STATUS=1 signed out");
    agent.signal("-TERM");
    assert_eq!(manager.hears("STOPPING=1"), "STOPPING=1");
    assert_eq!(manager.next(), "EXTEND_TIMEOUT_USEC=30000000");
    assert_eq!(agent.ended().0, 0);
}

#[test]
fn a_reload_is_told_from_its_beginning_to_its_end_also_where_the_file_is_broken() {
    let provider = provider();
    let (manager, home) = (Manager::new(), Home::signed_in(&provider));
    let agent = manager.start(&home, |command| command);
    manager.hears("READY=1");
    agent.signal("-HUP");
    let reloading = manager.hears("RELOADING=1");
    let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("since when");
    assert!(since.parse::<u64>().is_ok_and(|since| since > 0), "{reloading}");
    assert!(manager.hears("READY=1").contains("STATUS=1 fresh"));

    home.configure("profiles = 1");
    agent.signal("-HUP");
    manager.hears("RELOADING=1");
    let broken = manager.hears("READY=1");
    assert!(broken.contains("STATUS=1 fresh") && broken.contains("CONFIGURATION NOT READ: "), "{broken}");
    agent.says(&["not_reloaded: ", "config.toml"]);

    home.configure(&configuration(&provider.origin()));
    agent.signal("-HUP");
    manager.hears("RELOADING=1");
    let mended = manager.hears("READY=1");
    assert!(!mended.contains("NOT READ"), "{mended}");
    agent.stop();
}

#[test]
fn the_watchdog_is_fed_at_half_its_time_as_long_as_the_loop_turns() {
    let (manager, home) = (Manager::new(), Home::new());
    let agent = manager.start(&home, |command| command.env("WATCHDOG_USEC", "200000"));
    manager.hears("READY=1");
    for _ in 0..3 {
        assert_eq!(manager.hears("WATCHDOG=1"), "WATCHDOG=1");
    }
    agent.stop();
    // Another process's watchdog is none.
    let agent = manager.start(&home, |command| command.env("WATCHDOG_USEC", "20000").env("WATCHDOG_PID", "1"));
    manager.hears("READY=1");
    agent.signal("-TERM");
    let rest = std::iter::repeat_with(|| manager.next()).take_while(|message| message != "STOPPING=1");
    assert!(rest.into_iter().all(|message| !message.contains("WATCHDOG")));
    agent.ended();
}

#[test]
fn variables_of_the_manager_that_cannot_be_used_are_refused() {
    let home = Home::new();
    for (name, value) in [("WATCHDOG_USEC", "soon"), ("NOTIFY_SOCKET", "sesam")] {
        let refused = home.command(&["agent"]).env(name, value).output().expect("it runs");
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(name));
    }
}

#[test]
fn the_journal_gets_levels_and_no_times() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let file = std::fs::File::from(std::os::fd::OwnedFd::from(writer));
    let metadata = file.metadata().expect("it is open");
    let stream = format!("{}:{}", metadata.dev(), metadata.ino());
    let home = Home::new();
    let mut command = home.command(&["agent", "absent"]);
    let mut child = command.env("JOURNAL_STREAM", stream).stderr(Stdio::from(file)).spawn().expect("it starts");
    drop(command);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(reader)).map_while(Result::ok);
    assert!(lines.next().is_some_and(|line| line.starts_with("<4>absent unknown_profile: ")));
    assert!(lines.next().is_some_and(|line| line.starts_with("<5>ready: ")));
    crate::interrupts::send("-TERM", &child);
    let rest: Vec<String> = lines.collect();
    assert_eq!(rest.iter().map(|line| &line[..3]).collect::<Vec<_>>(), ["<5>", "<5>"], "{rest:?}");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
