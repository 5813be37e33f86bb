//! `exec`: what its command is given and is not, how long the token file lasts, which signals arrive, and how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::channel;

use device_login::clock;
use jiff::SignedDuration;
use serde_json::json;

use crate::interrupts::{Strict, send};
use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, Home, Ran, ended, ran, set_mode};

const NEW_TOKEN: &str = "sentinel-access-2-0123456789";

/// A provider that mints one new token after the other, each for so many seconds.
fn provider(life: u32) -> Authority {
    Authority::start(move |_| (200, json!({"access_token": NEW_TOKEN, "expires_in": life}).to_string()))
}

/// A run with a runtime directory of its own.
fn command(home: &Home, arguments: &[&str]) -> Command {
    let runtime = home.path("runtime");
    fs::create_dir_all(&runtime).expect("the home can be written");
    set_mode(&runtime, 0o700);
    let mut command = home.command(&[&["exec"], arguments].concat());
    command.env("XDG_RUNTIME_DIR", runtime).env("PATH", std::env::var_os("PATH").expect("a path"));
    command
}

fn run(home: &Home, arguments: &[&str]) -> Ran {
    ran(command(home, arguments).spawn().expect("the program starts"))
}

/// What is left in the runtime directory.
fn left(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.path("runtime")).expect("it is there");
    entries.map(|entry| entry.expect("it can be read").path()).collect()
}

/// A command that runs and that the test talks with.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(home: &Home, script: &str) -> Self {
        let mut child = command(home, &["--", "sh", "-c", script]).stdin(Stdio::piped()).spawn().expect("it starts");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Self { child, stdin, lines: BufReader::new(stdout) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it speaks");
        line.trim_end().to_owned()
    }

    fn say(&mut self, text: &str) {
        writeln!(self.stdin.as_mut().expect("it is open"), "{text}").expect("it listens");
    }

    fn ended(mut self) -> (i32, String) {
        drop(self.stdin.take());
        let ran = ran(self.child);
        (ran.code, ran.stderr)
    }
}

#[test]
fn a_command_gets_the_token_and_its_end_is_told() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    let words = format!("{ACCESS_TOKEN} {}\n", authority.origin());
    let print = "echo $DEVICE_LOGIN_ACCESS_TOKEN $DEVICE_LOGIN_API_DOMAIN";
    for arguments in [&["--", "sh", "-c", print][..], &["sh", "-c", print], &["-p", "work", "sh", "-c", print]] {
        run(&home, arguments).worked(&words);
    }
    run(&home, &["echo", "-p", "x", "--json", "--", "-v"]).worked("-p x --json -- -v\n");
    let script = home.program("script", "echo \"$0 has no interpreter: $1\"\n");
    let script = script.to_str().expect("a path");
    run(&home, &[script, "it works"]).worked(&format!("{script} has no interpreter: it works\n"));
    for (script, code) in [("exit 7", 7), ("kill -TERM $$", 143), ("kill -XFSZ $$", 153), ("kill -INT $$", 130)] {
        assert_eq!(run(&home, &["sh", "-c", script]).code, code, "{script}");
    }
    run(&home, &["no-such-program"]).failed(127, &["`no-such-program` cannot be run", "no directory of `PATH`"]);
    run(&home, &["work", "--", "true"])
        .failed(127, &["`work` cannot be run", "`device-login exec -p work -- COMMAND`"]);
    run(&home, &["/no/such/program"]).failed(127, &["there is no such program"]);
    let config = home.path("config.toml");
    run(&home, &[config.to_str().expect("a path")]).failed(126, &["cannot be run", "ermission denied"]);
    run(&home, &["/"]).failed(126, &["cannot be run"]);
    run(&home, &[]).failed(2, &["<CMD>"]);
    run(&home, &["--no-such-flag", "true"]).failed(2, &["--no-such-flag"]);
    assert_eq!((authority.log().len(), left(&home)), (0, Vec::<PathBuf>::new()));
}

#[test]
fn a_command_without_an_interpreter_is_the_one_in_the_path() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    let (first, meant, here) = (home.path("first"), home.path("meant"), home.path("here"));
    for directory in [&first, &meant, &here] {
        fs::create_dir(directory).expect("the home can be written");
    }
    for name in ["tool", "-tool"] {
        for (directory, mode) in [("first", 0o600), ("meant", 0o700), ("here", 0o700)] {
            set_mode(home.program(&format!("{directory}/{name}"), "echo \"$0 $1\"\n"), mode);
        }
    }
    let path = |directories: &[&Path]| std::env::join_paths(directories).expect("no colon in them");
    for (name, path, found) in [
        ("tool", path(&[&first, &meant]), meant.join("tool")),
        ("-tool", path(&[&first, &meant]), meant.join("-tool")),
        ("tool", path(&[&first, Path::new("")]), PathBuf::from("./tool")),
        ("tool", path(&[&first, Path::new("../meant")]), PathBuf::from("./../meant/tool")),
        ("./-tool", path(&[&meant]), PathBuf::from("./-tool")),
    ] {
        let mut command = command(&home, &["--", name, "-x"]);
        let ran = ran(command.current_dir(&here).env("PATH", path).spawn().expect("the program starts"));
        ran.worked(&format!("{} -x\n", found.display()));
    }
}

#[test]
fn no_command_runs_without_a_token() {
    let authority = Authority::start(|_| (400, json!({"error": "invalid_grant"}).to_string()));
    let home = Home::at(&authority);
    let made = home.path("made");
    let touch = ["touch", made.to_str().expect("a path")];
    run(&home, &touch).failed(4, &["not signed in", "device-login login work"]);
    home.sign_in(&authority, ended);
    run(&home, &touch).failed(4, &["device-login login work"]);
    run(&home, &[&["-p", "other"], &touch[..]].concat()).failed(2, &["there is no profile `other`"]);
    assert!(!made.exists());
}

#[test]
fn a_worn_token_is_refreshed_first_and_kept() {
    let authority = provider(3600);
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    run(&home, &["sh", "-c", "cat $DEVICE_LOGIN_TOKEN_FILE"]).worked(NEW_TOKEN);
    run(&home, &["--min-ttl", "30m", "sh", "-c", "cat $DEVICE_LOGIN_TOKEN_FILE"]).worked(NEW_TOKEN);
    assert_eq!(authority.count("/token"), 1);
}

#[test]
fn what_is_secret_here_or_was_given_by_another_run_is_not_handed_on() {
    let authority = provider(3600);
    let home = Home::at(&authority);
    home.sign_in(&authority, |grant| grant.api_domain = None);
    let key = home.path("key");
    let mut command = command(&home, &["env"]);
    let stays = [("DEVICE_LOGIN_PROFILE", "work"), ("OTHER", "x")];
    command.envs(stays).env("DEVICE_LOGIN_KEY_FILE", &key);
    for name in ["CLIENT_SECRET", "REFRESH_TOKEN", "ACCESS_TOKEN", "API_DOMAIN"] {
        command.env(format!("DEVICE_LOGIN_{name}"), "outer").env(format!("ZOHO_{name}"), "outer");
    }
    command.env("DEVICE_LOGIN_TOKEN_FILE", "outer");
    let ran = ran(command.spawn().expect("the program starts"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stdout.contains("outer") && !ran.stdout.contains("KEY_FILE"), "{ran:?}");
    for (name, value) in stays {
        assert!(ran.stdout.contains(&format!("{name}={value}\n")), "{ran:?}");
    }
}

#[test]
fn commands_for_zoho_get_the_variables_that_zohos_programs_read() {
    let authority = provider(3600);
    let home = Home::new();
    let origin = authority.origin();
    home.configure(&format!(
        "[profiles.work]\nprovider = \"lab\"\nclient_id = \"client-1\"\n[providers.lab]\nkind = \"zoho\"\n\
         [providers.lab.data_centers.us]\naccounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n"
    ));
    home.sign_in(&authority, |_| ());
    run(&home, &["sh", "-c", "echo $ZOHO_ACCESS_TOKEN $ZOHO_API_DOMAIN"]).worked(&format!("{ACCESS_TOKEN} {origin}\n"));
}

#[test]
fn the_token_file_is_private_and_goes_with_the_command() {
    let authority = provider(3600);
    let home = Home::in_memory();
    home.configure(&crate::support::program::configuration(&authority.origin()));
    home.sign_in(&authority, |_| ());
    let mut running = Running::start(&home, "echo $DEVICE_LOGIN_TOKEN_FILE; read end");
    let file = PathBuf::from(running.line());
    assert!(file.starts_with(home.path("runtime")), "{}", file.display());
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().expect("a directory"))), (0o600, 0o700));
    assert_eq!(fs::read_to_string(&file).expect("it is ours"), ACCESS_TOKEN);
    running.say("");
    assert_eq!(running.ended(), (0, String::new()));
    assert!(left(&home).is_empty());
    // One that was killed leaves its file, which nobody keeps fresh, and which the next one clears.
    let mut running = Running::start(&home, "echo $DEVICE_LOGIN_TOKEN_FILE; read end");
    let file = PathBuf::from(running.line());
    send("-KILL", &running.child);
    running.child.wait().expect("it was killed");
    assert!(file.exists());
    run(&home, &["sh", "-c", "test -e $DEVICE_LOGIN_TOKEN_FILE"]).worked("");
    assert!(left(&home).is_empty());
}

#[test]
fn a_runtime_directory_that_is_not_in_memory_or_that_others_can_write_to_is_passed_over() {
    let authority = provider(3600);
    let home = Home::in_memory();
    home.configure(&crate::support::program::configuration(&authority.origin()));
    home.sign_in(&authority, |_| ());
    let open = home.path("open");
    fs::create_dir(&open).expect("the home can be written");
    set_mode(&open, 0o777);
    for runtime in ["/proc", "relative", open.to_str().expect("a path")] {
        let mut command = command(&home, &["sh", "-c", "echo $DEVICE_LOGIN_TOKEN_FILE"]);
        let ran = ran(command.env("XDG_RUNTIME_DIR", runtime).spawn().expect("the program starts"));
        assert!(ran.code == 0 && ran.stdout.starts_with("/dev/shm/device-login-exec-"), "{ran:?}");
    }
}

/// A home whose token is to be replaced when half its life is over.
fn with_a_short_token(authority: &Authority) -> Home {
    let home = Home::at(authority);
    home.sign_in(authority, |grant| {
        grant.mints = vec![clock::wall()];
        grant.access_token_expires_at = Some(clock::wall() + SignedDuration::from_secs(24));
    });
    home
}

/// Prints what is in the token file each time that it is another file.
const FOLLOW: &str = "last=; while :; do now=$(cat $DEVICE_LOGIN_TOKEN_FILE 2>/dev/null || echo gone); \
                      [ \"$now\" = \"$last\" ] || { echo $now; last=$now; }; [ $now != \"$1\" ] || exit 5; done";

#[test]
fn the_token_file_is_kept_fresh_and_the_environment_is_what_it_was() {
    let authority = provider(3600);
    let home = with_a_short_token(&authority);
    let script = format!("set -- {NEW_TOKEN}; {FOLLOW}");
    let mut running = Running::start(&home, &script);
    assert_eq!((running.line(), running.line()), (ACCESS_TOKEN.to_owned(), NEW_TOKEN.to_owned()));
    assert_eq!(running.ended(), (5, String::new()));
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    assert_eq!(authority.count("/token"), 1);
}

#[test]
fn where_no_new_token_can_be_had_the_command_goes_on_and_it_is_said_why() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = with_a_short_token(&authority);
    let mut running = Running::start(&home, "echo begun; read end; cat $DEVICE_LOGIN_TOKEN_FILE; exit 3");
    assert_eq!(running.line(), "begun");
    let mut stderr = BufReader::new(running.child.stderr.take().expect("a pipe"));
    let mut warning = String::new();
    stderr.read_line(&mut warning).expect("it speaks");
    assert!(
        warning.starts_with("warning: the command's token is not kept fresh: ") && warning.contains("500"),
        "{warning}"
    );
    running.say("");
    assert_eq!(running.line(), ACCESS_TOKEN);
    assert_eq!(running.ended().0, 3);
}

#[test]
fn after_a_sign_out_the_token_file_is_gone() {
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = with_a_short_token(&authority);
    let mut running = Running::start(&home, &format!("set -- gone; {FOLLOW}"));
    assert_eq!(running.line(), ACCESS_TOKEN);
    assert_eq!(home.run(&["logout"]).code, 0);
    assert_eq!(running.line(), "gone");
    let (code, stderr) = running.ended();
    assert!(code == 5 && stderr.contains("device-login login work"), "{stderr}");
}

#[test]
fn a_token_file_that_cannot_be_written_is_tried_again_and_one_that_cannot_be_removed_is_told() {
    let authority = provider(3600);
    let home = with_a_short_token(&authority);
    let blocked = "file=$DEVICE_LOGIN_TOKEN_FILE; rm $file; mkdir $file; echo blocked; read go";
    let wait = "rmdir $file; for _ in $(seq 600); do [ ! -f $file ] || break; sleep 0.1; done; cat $file";
    let tells = |running: &mut Running, text: &str| {
        let mut lines = BufReader::new(running.child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(text)), "{text}");
    };
    let mut running = Running::start(&home, &format!("{blocked}; {wait}"));
    assert_eq!(running.line(), "blocked");
    tells(&mut running, ": the token file cannot be written: ");
    running.say("");
    assert_eq!(running.line(), NEW_TOKEN);
    assert_eq!(authority.count("/token"), 1);

    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = with_a_short_token(&authority);
    let mut running = Running::start(&home, &format!("{blocked}; rmdir $file"));
    assert_eq!(running.line(), "blocked");
    assert_eq!(home.run(&["logout"]).code, 0);
    tells(&mut running, ": the token file cannot be removed: ");
    running.say("");
}

#[test]
fn an_answer_that_is_out_when_the_command_ends_is_kept() {
    let strict = Strict::start();
    let home = with_a_short_token(&strict.authority);
    let mut running = Running::start(&home, "read end; exit 6");
    strict.wait_until_asked();
    running.say("");
    strict.answer.send(()).expect("the provider still waits");
    assert_eq!(running.ended().0, 6);
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    assert_eq!(strict.authority.count("/token"), 1);
}

#[test]
fn signals_reach_the_command_and_what_was_ignored_stays_ignored() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    for signal in
        ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "WINCH", "TSTP", "TTIN", "URG", "PROF", "34", "37", "64"]
    {
        let script = format!("trap 'echo got {signal}; exit 9' {signal}; echo ready; while :; do read x || :; done");
        let mut running = Running::start(&home, &script);
        assert_eq!(running.line(), "ready");
        send(&format!("-{signal}"), &running.child);
        assert_eq!((running.line(), running.ended().0), (format!("got {signal}"), 9));
    }
    let mut running = Running::start(&home, "echo ready; read x; exit 4");
    assert_eq!(running.line(), "ready");
    send("-TERM", &running.child);
    assert_eq!(running.child.wait().expect("it ends").code(), Some(143));
    for signal in ["HUP", "XFSZ"] {
        let program = env!("CARGO_BIN_EXE_device-login");
        let script = format!("trap '' {signal}; exec {program} exec sh -c 'kill -{signal} $$ && echo alive'");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).env("DEVICE_LOGIN_HOME", home.path(""));
        ran(shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell")).worked("alive\n");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_end_of_a_command_is_seen_where_no_signal_of_it_arrives() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    let start = |signals: &str, script: &str| {
        let exec = [env!("CARGO_BIN_EXE_device-login"), "exec", "sh", "-c", script];
        let mut blocking = Command::new("env");
        blocking.arg(format!("--block-signal={signals}")).args(exec).env("DEVICE_LOGIN_HOME", home.path(""));
        blocking.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    for (signals, code) in [("CHLD", 0), ("CHLD", 3), ("CHLD,TERM,INT,HUP,USR1", 4)] {
        assert_eq!(ran(start(signals, &format!("exit {code}"))).code, code, "{signals}");
    }
    let mut child = start("CHLD", "trap 'echo got it; exit 9' TERM; echo ready; while :; do read x || :; done");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert_eq!(lines.next().expect("it speaks").expect("text"), "ready");
    send("-TERM", &child);
    assert_eq!(lines.next().expect("it speaks").expect("text"), "got it");
    assert_eq!(child.wait().expect("it ends").code(), Some(9));
}

#[test]
fn what_the_command_sends_is_for_it_but_for_what_stops_its_job() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    // It waits for its stdin, so that it is there when its signals are looked at.
    let script = |signal: &str| {
        format!("trap 'echo got {signal}; exit 9' {signal}; kill -{signal} $PPID; while read x; do :; done; exit 4")
    };
    for signal in ["HUP", "INT", "QUIT", "TERM", "USR1", "34"] {
        let mut running = Running::start(&home, &script(signal));
        assert_eq!((running.line(), running.ended().0), (format!("got {signal}"), 9));
    }
    for signal in ["TSTP", "TTIN", "TTOU"] {
        let running = Running::start(&home, &script(signal));
        assert_eq!(running.ended().0, 4, "{signal}");
    }
}

#[test]
fn where_there_is_no_place_for_the_token_all_are_named_that_were_tried() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    let file = home.write("file", "");
    let program = home.command(&["exec", "--", "true"]);
    let mut shell = Command::new("sh");
    // Nothing can be written in memory, either.
    shell.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    shell.env("DEVICE_LOGIN_HOME", home.path("")).env("TMPDIR", &file).env_remove("XDG_RUNTIME_DIR");
    let ran = ran(shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell"));
    ran.failed(1, &[&format!("{}: ", file.display()), "`ulimit -f`"]);
    #[cfg(target_os = "linux")]
    assert!(ran.stderr.contains("/dev/shm: "), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_first_process_of_a_container_lets_orphans_go_and_ends_as_its_command_does() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    // It ends after its parent.
    let orphan = "mkfifo pipe; (read x <pipe & echo $! >pid); echo go >pipe; ";
    let buried =
        "n=0; while [ -e /proc/$(cat pid) ]; do n=$((n+1)); [ $n -lt 100000 ] || exit 99; done; rm pipe; echo gone; ";
    for (end, code) in [("exit 6", 6), ("kill -KILL $$", 137), ("kill -INT $$", 130)] {
        let program = command(&home, &["--", "sh", "-c", &format!("{orphan}{buried}{end}")]);
        let mut container = Command::new("unshare");
        container.args(["--pid", "--fork", "--mount-proc"]).arg(program.get_program()).args(program.get_args());
        container.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        container.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir(home.path(""));
        let ran = ran(container.spawn().expect("unshare runs"));
        if ran.stderr.contains("Operation not permitted") {
            println!("not tried: this user makes no namespaces");
            return;
        }
        assert_eq!((ran.code, ran.stdout.as_str()), (code, "gone\n"), "{end}: {ran:?}");
    }
}

#[test]
fn whoever_reads_or_feeds_the_command_hears_when_it_closes_its_streams() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    let mut running = Running::start(&home, "exec 3<&0 </dev/null; echo open; exec >&-; read end <&3");
    let mut text = String::new();
    running.lines.read_to_string(&mut text).expect("it ends while the command runs");
    assert_eq!(text, "open\n");
    assert!(running.child.try_wait().expect("it is ours").is_none());
    running.say("");
    assert_eq!(running.ended().0, 0);
}

#[test]
fn commands_that_run_at_once_have_files_of_their_own() {
    let authority = provider(3600);
    let home = Home::signed_in(&authority);
    let (told, files) = channel();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (told, home) = (told.clone(), &home);
            scope.spawn(move || {
                let ran = run(home, &["sh", "-c", "cat $DEVICE_LOGIN_TOKEN_FILE; echo; echo $DEVICE_LOGIN_TOKEN_FILE"]);
                assert!(ran.stdout.starts_with(ACCESS_TOKEN), "{ran:?}");
                told.send(ran.stdout).expect("the test waits");
            });
        }
    });
    drop(told);
    let mut files: Vec<String> = files.iter().collect();
    files.sort();
    files.dedup();
    assert_eq!((files.len(), left(&home)), (8, Vec::new()));
}
