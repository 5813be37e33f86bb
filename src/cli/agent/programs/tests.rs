//! Programs that behave and programs that do not, as small scripts. What waits for a script waits for a pipe with a name, and
//! the limits pass in the runtime's virtual time, which stands still while anything waits so.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::super::log::{Entry, Format, Log, Written};
use super::{MOST_AT_ONCE, Programs};
use crate::cli::advice::Program;
use crate::config::Config;
use crate::service::agent::{Event, Happening};

/// Scripts run here.
struct Stage {
    place: TempDir,
    programs: Programs,
    lines: Receiver<Written>,
}

impl Stage {
    /// With one script, which finds this directory as its working directory by `$0`.
    fn with(script: &str) -> Self {
        Self::with_all(&[script])
    }

    fn with_all(scripts: &[&str]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let write = |(number, script): (usize, &&str)| {
            let path = place.path().join(format!("program-{number}"));
            let text = format!("#!/bin/sh\ncd \"${{0%/*}}\"\n{script}\n");
            // Had this process the file open, then a program that another test starts would have it open as well, and nobody can
            // run what somebody may write to.
            let mut install = std::process::Command::new("install");
            let install = install.args(["-m", "700", "/dev/stdin"]).arg(&path).stdin(std::process::Stdio::piped());
            let mut install = install.spawn().expect("it is there");
            let written = install.stdin.take().expect("stdin is a pipe").write_all(text.as_bytes());
            assert!(written.is_ok() && install.wait().is_ok_and(|status| status.success()));
            path
        };
        let paths: Vec<PathBuf> = scripts.iter().enumerate().map(write).collect();
        for pipe in ["ready", "gate", "alive"] {
            let made = std::process::Command::new("mkfifo").arg(place.path().join(pipe)).status();
            assert!(made.is_ok_and(|status| status.success()));
        }
        let (log, lines) = Log::to_channel(Format::Text);
        let config = Config::parse("", Path::new("config.toml")).expect("valid");
        Self { programs: Programs::new(paths, Arc::new(config), log), place, lines }
    }

    fn hear(&self, profile: &str, message: &str) {
        self.programs.hear(&event(profile, message));
    }

    /// Waits until a script has written to a pipe, and until nobody has it open any more.
    async fn pipe(&self, name: &str) -> String {
        let path = self.place.path().join(name);
        let read = move || {
            let mut said = String::new();
            fs::File::open(path).and_then(|mut pipe| pipe.read_to_string(&mut said)).expect("it is a pipe");
            said
        };
        tokio::task::spawn_blocking(read).await.expect("no panic")
    }

    /// The same on a thread of which the virtual time knows nothing.
    fn watch(&self, name: &str) -> oneshot::Receiver<()> {
        let path = self.place.path().join(name);
        let (gone, watched) = oneshot::channel();
        std::thread::spawn(move || {
            let read = fs::File::open(path).and_then(|mut pipe| pipe.read_to_end(&mut Vec::new()));
            read.expect("it is a pipe");
            gone.send(())
        });
        watched
    }

    /// Lets a script go on that reads from a pipe.
    async fn open(&self, name: &str) {
        let path = self.place.path().join(name);
        let write = move || fs::OpenOptions::new().write(true).open(path).map(drop).expect("it is a pipe");
        tokio::task::spawn_blocking(write).await.expect("no panic");
    }

    /// Waits until no event waits and no program runs.
    async fn settled(&self) {
        while !self.programs.0.waiting().is_empty() {
            tokio::task::yield_now().await;
            let all = u32::try_from(MOST_AT_ONCE).expect("small");
            drop(self.programs.0.permits.acquire_many(all).await.expect("it is not closed"));
        }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.place.path().join(name)).unwrap_or_default()
    }

    /// Waits for so many lines of the log. The virtual time stands still.
    async fn lines(&self, count: usize) -> Vec<String> {
        let mut log = self.log();
        while log.len() < count {
            tokio::task::yield_now().await;
            log.extend(self.log());
        }
        log
    }

    /// What the log says, without times and the place.
    fn log(&self) -> Vec<String> {
        let text = |written: Written| match written {
            Written::Line(line) => line.replace(&self.place.path().display().to_string(), "PLACE"),
            Written::End(_) => String::new(),
        };
        let lines = self.lines.try_iter().map(text);
        lines.map(|line| line.split_once("work ").map_or(line.clone(), |(_, rest)| rest.to_owned())).collect()
    }
}

fn event(profile: &str, message: &str) -> Event {
    Event {
        happening: Happening::NeedsLogin,
        profile: Some(profile.parse().expect("a name")),
        state: None,
        at: Timestamp::UNIX_EPOCH,
        message: message.to_owned(),
        advice: Vec::new(),
    }
}

#[tokio::test]
async fn a_program_gets_the_event_and_nothing_else() {
    let stage = Stage::with("cat > event; echo $# > arguments; env > environment; echo nowhere");
    stage.hear("work", "it was revoked");
    stage.settled().await;
    let expected = String::from_utf8(Entry::for_programs(&event("work", "it was revoked"), &Program::default()))
        .expect("JSON")
        + "\n";
    assert_eq!((stage.text("event"), stage.text("arguments")), (expected, "0\n".to_owned()));
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "DEVICE_LOGIN_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"] {
        assert!(!stage.text("environment").contains(name), "{name}");
    }
    assert!(stage.log().is_empty());
}

#[tokio::test]
async fn one_runs_at_a_time_for_a_profile_and_the_newest_event_of_each_kind_waits() {
    let stage = Stage::with_all(&["cat >> events; echo > ready; read x < gate; true", "cat >> others"]);
    stage.hear("work", "first");
    stage.pipe("ready").await;
    for message in ["second", "third", "fourth"] {
        stage.hear("work", message);
    }
    stage.open("gate").await;
    stage.pipe("ready").await;
    stage.open("gate").await;
    stage.settled().await;
    for file in ["events", "others"] {
        let text = stage.text(file);
        let messages: Vec<&str> =
            ["first", "second", "third", "fourth"].into_iter().filter(|m| text.contains(m)).collect();
        assert_eq!((messages, text.lines().count()), (vec!["first", "fourth"], 2), "{file}: {text}");
    }
}

#[tokio::test]
async fn what_happens_together_is_all_heard_in_its_order() {
    use Happening::{Recovered, RefreshFailing, Refreshed, Throttled};

    let stage = Stage::with("cat >> events");
    for (happening, message) in [
        (Throttled, "1"),
        (Recovered, "2"),
        (Refreshed, "3"),
        (RefreshFailing, "4"),
        (Recovered, "5"),
        (Refreshed, "6"),
    ] {
        stage.programs.hear(&Event { happening, ..event("work", message) });
    }
    stage.settled().await;
    let events = stage.text("events");
    let heard: Vec<&str> =
        events.lines().map(|line| line.split_once(r#""message":""#).map_or(line, |(_, rest)| &rest[..1])).collect();
    assert_eq!(heard, ["1", "4", "5", "6"], "{events}");
}

#[tokio::test]
async fn only_so_many_run_at_once() {
    let stage = Stage::with("mkdir -p run; mkdir run/$$; ls run | wc -l >> counts; cat > /dev/null; rmdir run/$$");
    for number in 0..3 * MOST_AT_ONCE {
        stage.hear(&format!("profile-{number}"), "all at once");
    }
    stage.settled().await;
    let counts: Vec<usize> = stage.text("counts").lines().map(|line| line.trim().parse().expect("a number")).collect();
    assert_eq!(counts.len(), 3 * MOST_AT_ONCE);
    assert!(counts.iter().all(|count| *count <= MOST_AT_ONCE), "{counts:?}");
    assert!(stage.log().is_empty());
}

#[tokio::test]
async fn how_a_program_failed_and_what_it_said_is_in_the_log() {
    for (script, expected) in [
        ("exit 3", "program_failed: `PLACE/program-0` ended with exit code 3"),
        ("kill -9 $$", "program_failed: `PLACE/program-0` ended with signal 9"),
        ("exec <&-; echo no stdin >&2", "program_said: `PLACE/program-0` says: no stdin"),
        ("printf 'two\\033[2Jlines' >&2", "program_said: `PLACE/program-0` says: two<U+001B>[2Jlines"),
    ] {
        let stage = Stage::with(script);
        stage.hear("work", &"a long message ".repeat(10_000));
        stage.settled().await;
        assert_eq!(stage.log(), [expected], "{script}");
    }
    let stage = Stage::with("true");
    fs::remove_file(stage.place.path().join("program-0")).expect("it was there");
    stage.hear("work", "it is gone");
    stage.settled().await;
    let log = stage.log();
    assert!(log.len() == 1 && log[0].starts_with("program_failed: `PLACE/program-0` cannot be run: "), "{log:?}");
}

#[tokio::test]
async fn a_program_that_talks_without_an_end_is_listened_to() {
    let stage = Stage::with("yes 0123456789 | head -c 20000000 >&2; head -c 20000000 /dev/zero");
    stage.hear("work", "say something");
    stage.settled().await;
    let log = stage.log();
    assert_eq!((log.len(), log[0].as_str()), (21, "program_said: `PLACE/program-0` says: 0123456789"));
    assert!(log[20].ends_with("more lines)"), "{}", log[20]);
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_not_waited_for() {
    // It keeps stderr open for as long as the test.
    let stage = Stage::with("read x < gate & cat >> events");
    for message in ["first", "second"] {
        stage.hear("work", message);
        stage.settled().await;
    }
    assert_eq!(stage.text("events").lines().count(), 2);
    stage.open("gate").await;
}

/// Two processes that hear no TERM, and hold a pipe open for as long as they live.
const STUBBORN: &str = "trap '' TERM; exec 3> alive; sleep 1000 & echo > ready; sleep 1000; sleep 1000";

#[tokio::test(start_paused = true)]
async fn a_program_that_does_not_end_is_ended_with_all_that_it_started() {
    let stage = Stage::with(STUBBORN);
    let alive = stage.watch("alive");
    stage.hear("work", "take your time");
    stage.pipe("ready").await;
    stage.settled().await;
    alive.await.expect("both are gone");
    assert_eq!(
        stage.log(),
        [
            "program_ended: `PLACE/program-0` is ended, since it has run for 60 s",
            "program_failed: `PLACE/program-0` ended with signal 9",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_program_started_has_as_long_to_end_as_the_program() {
    let slow =
        "(exec 3> alive; trap 'sleep 0.3; echo told >&3; exit' TERM; echo > ready; while :; do sleep 0.05; done)";
    let stage = Stage::with(&format!("{slow} & sleep 1000"));
    stage.hear("work", "take your time");
    // Virtual time stands still while somebody reads.
    let (said, ()) = tokio::join!(stage.pipe("alive"), async {
        stage.pipe("ready").await;
        stage.programs.stop().await;
    });
    assert_eq!(said, "told\n");
}

#[tokio::test(start_paused = true)]
async fn the_agent_leaves_no_program_behind() {
    let stage = Stage::with(STUBBORN);
    let alive = stage.watch("alive");
    stage.hear("work", "take your time");
    stage.pipe("ready").await;
    stage.programs.stop().await;
    alive.await.expect("both are gone");
    // The system may tell of the end only after the virtual time for it.
    let log = stage.lines(2).await;
    assert_eq!(log[0], "program_ended: `PLACE/program-0` is ended, since the agent ends");
    assert!(log[1].ends_with("signal 9"), "{log:?}");
    stage.hear("work", "too late");
    tokio::task::yield_now().await;
    assert_eq!(stage.log(), [""; 0]);
}
