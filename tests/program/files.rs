//! How the configuration is found, read, changed and replaced, on machines and disks that are not as they should be.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::named_files::signed_in;
use crate::support::authority::Authority;
use crate::support::program::{CLIENT_SECRET, Home, Ran, ran, set_mode};

const WORK: &str = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1\"\nscopes = [\"A.b.READ\"]\n";

/// Every command that changes the configuration.
const CHANGES: [&[&str]; 5] = [
    &["profile", "edit", "work", "--scopes", "A.c.READ"],
    &["profile", "add", "new", "--provider", "zoho", "--client-id", "1", "--scopes", "A.b.READ"],
    &["profile", "rename", "work", "office"],
    &["profile", "use", "work"],
    &["profile", "remove", "work"],
];

/// Runs the program where no file can get longer, as on a disk that is full.
fn run_without_room(home: &Home, arguments: &[&str], blocks: u32) -> Ran {
    let program = home.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]).arg(program.get_program()).args(arguments);
    shell.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(shell.spawn().expect("a shell starts"))
}

#[test]
fn a_full_disk_changes_nothing_and_says_so() {
    let commented = format!("[screen]\nmouse = true\n{WORK}");
    for change in CHANGES {
        let home = Home::new();
        home.configure(&commented);
        assert_eq!(home.run_with(&["profile", "edit", "work", "--client-secret-stdin"], CLIENT_SECRET).code, 0);
        let ran = run_without_room(&home, change, 0);
        assert!(ran.code == 9 && ran.stderr.contains("hint: "), "{change:?}: {ran:?}");
        assert!(
            !ran.stderr.contains("left over") && !ran.stderr.contains("could not be taken back"),
            "{change:?}: {ran:?}"
        );
        assert_eq!(home.configuration(), commented, "{change:?}");
        assert!(home.run(&["profile", "show"]).stdout.contains("client secret  in the store"), "{change:?}");
        let names = home.path("").read_dir().expect("it is there").map(|entry| entry.expect("an entry").file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{change:?}");
    }
    // Only the configuration does not fit.
    let home = Home::new();
    let long = format!("{WORK}# {}\n", "x".repeat(100 * 1024));
    home.configure(&long);
    for (change, said) in [
        (CHANGES[0], "the profile stays as it was"),
        (CHANGES[1], "the profile was not added"),
        (CHANGES[2], "the profile keeps its name"),
        (CHANGES[4], "the profile and its record stay as they were"),
    ] {
        let ran = run_without_room(&home, change, 128);
        assert!(ran.code == 9 && ran.stderr.contains(said), "{change:?}: {ran:?}");
        assert_eq!(home.configuration(), long, "{change:?}");
    }
}

#[test]
fn no_command_that_writes_dies_where_no_file_may_grow_and_none_leaves_anything_behind() {
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = signed_in(&authority);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let at = |name: &str| format!("{}/{name}", elsewhere.path().display());
    for (arguments, code) in [
        (&["exec", "-p", "work", "--", "true"][..], 1),
        (&["status", "--prometheus", "--output", &at("metrics.prom")], 1),
        (&["profile", "use", "work"], 9),
        (&["profile", "export", "work", "--yes", "--env-file", &at("env")], 9),
        (&["api", "-p", "work", "/x", "-o", &at("answer")], 1),
        (&["completions", "--all", &at("")], 1),
        (&["man", "--all", &at("")], 1),
    ] {
        let ran = run_without_room(&home, arguments, 0);
        assert!(ran.code == code && ran.stderr.contains("hint: "), "{arguments:?}: {ran:?}");
        assert_eq!(elsewhere.path().read_dir().expect("it is there").count(), 0, "{arguments:?}");
    }
}

#[test]
fn what_killed_changes_left_behind_goes_with_the_next_one() {
    for change in CHANGES {
        let home = Home::new();
        home.configure(WORK);
        let stays = ["config.toml.tmp", "config.toml.old.0.tmp", "other.toml.1.0.tmp", "config.toml.1.tmp"];
        for name in stays.iter().chain(&["config.toml.4242.0.tmp", "config.toml.7.12.tmp"]) {
            home.write(name, "left");
        }
        assert_eq!(home.run(change).code, 0, "{change:?}");
        let left = |name: &str| home.path(name).exists();
        assert!(!left("config.toml.4242.0.tmp") && !left("config.toml.7.12.tmp"), "{change:?}");
        assert!(stays.iter().all(|name| left(name)), "{change:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_new_name_is_made_durable() {
    let home = Home::new();
    home.configure(WORK);
    let log = home.path("calls");
    let program = home.command(&[]);
    let traced = Command::new("strace")
        .args(["-f", "-y", "-o", log.to_str().expect("a path"), "-e", "trace=rename,renameat,renameat2,fsync"])
        .arg(program.get_program())
        .args(CHANGES[0])
        .env("DEVICE_LOGIN_HOME", home.path(""))
        .output();
    assert!(traced.expect("strace runs").status.success());
    let calls = fs::read_to_string(log).expect("what the program called");
    let renamed = calls.rfind("config.toml\"").expect("the file is replaced");
    let directory = home.path("");
    let directory = directory.to_str().expect("a path").trim_end_matches('/');
    assert!(calls[renamed..].contains(&format!("{directory}>)")), "{calls}");
}

#[test]
fn a_changed_file_keeps_its_form() {
    let crlf = WORK.replace('\n', "\r\n");
    let bare = WORK.trim_end();
    let mixed = WORK.replacen('\n', "\r\n", 1);
    for (name, before) in [
        ("CRLF and a mark", format!("\u{feff}{crlf}")),
        ("CRLF", crlf.clone()),
        ("a mark", format!("\u{feff}{WORK}")),
        ("no last end", bare.to_owned()),
        ("CRLF, no last end", crlf.trim_end().to_owned()),
        ("both ends", mixed),
        ("tabs", WORK.replace("client_id =", "\tclient_id\t=\t")),
        ("a comment with CRLF", format!("# one\r\n# two\r\n{crlf}\r\n# last\r\n")),
    ] {
        for change in CHANGES {
            let home = Home::new();
            home.configure(&before);
            let ran = home.run(change);
            assert_eq!(ran.code, 0, "{name}, {change:?}: {ran:?}");
            let after = home.configuration();
            assert_eq!(after.starts_with('\u{feff}'), before.starts_with('\u{feff}'), "{name}, {change:?}: {after:?}");
            if name.contains("both") {
                // The first line is still as it was.
                let first = after.contains("[profiles.work]\r\n") || !after.contains("[profiles.work]\n");
                assert!(first && after.contains("provider = \"zoho\"\n") != change.contains(&"remove"), "{after:?}");
                continue;
            }
            let ends = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
            let (windows, all) = ends(&after);
            assert_eq!(windows, if before.contains("\r\n") { all } else { 0 }, "{name}, {change:?}: {after:?}");
            if change[1] == "edit" {
                assert_eq!(after, before.replace("A.b.READ", "A.c.READ"), "{name}");
            }
        }
    }
}

#[test]
fn an_unknown_profile_tells_which_file_was_read_and_why() {
    let home = Home::new();
    home.configure(WORK);
    let at = |variable: &str, value: &Path, arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env_remove("DEVICE_LOGIN_HOME").env("HOME", "/nonexistent").env(variable, value);
        ran(command.spawn().expect("the program starts"))
    };
    let file = home.path("config.toml");
    let empty = home.path("empty");
    for (variable, value, read) in [
        ("DEVICE_LOGIN_HOME", home.path(""), "config.toml was read"),
        ("DEVICE_LOGIN_CONFIG", file.clone(), "config.toml was read"),
        ("HOME", empty.clone(), "config.toml is not there"),
        #[cfg(target_os = "linux")]
        ("XDG_CONFIG_HOME", empty.clone(), "config.toml is not there"),
    ] {
        let because = format!("since `{variable}` is {}", value.display());
        for command in
            [&["token", "office"][..], &["login", "office", "--plain"], &["refresh", "office"], &["logout", "office"]]
        {
            at(variable, &value, command).failed(2, &["there is no profile `office`", read, &because, "for user id "]);
        }
    }
    let named = home.run(&["token", "office", "--config", file.to_str().expect("a path")]);
    named.failed(2, &["config.toml was read", "since `--config` says so"]);
    let none = at("HOME", &empty, &["token"]);
    none.failed(2, &["there is no profile yet", "config.toml is not there", "since `HOME` is "]);
}

#[test]
fn a_tilde_is_the_home_directory_wherever_a_path_is_written() {
    let authority = Authority::start(|_| (400, r#"{"error":"invalid_client"}"#.to_owned()));
    let home = Home::signed_in(&authority);
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = home.command(arguments);
        command.env_remove("DEVICE_LOGIN_HOME").env("HOME", home.path("")).env("DEVICE_LOGIN_CONFIG", "~/config.toml");
        command.env("DEVICE_LOGIN_STORE", "file:~/state").env("DEVICE_LOGIN_KEY_FILE", "~/key");
        command.envs(variables.iter().copied());
        ran(command.spawn().expect("the program starts"))
    };
    assert_eq!(run(&["token"], &[]).code, 0);
    assert_eq!(run(&["token", "--config", "~/config.toml", "--store", "file:~/state"], &[]).code, 0);
    assert_eq!(run(&["token"], &[("DEVICE_LOGIN_HOME", "~")]).code, 0);
    home.write("secret", CLIENT_SECRET);
    let secret = ["profile", "edit", "work", "--client-secret-file", "~/secret"];
    assert_eq!(run(&secret, &[]).code, 0);
    let text = home.configuration();
    home.configure(&text.replace("[profiles.work]\n", "[profiles.work]\nclient_secret_file = \"~/secret\"\n"));
    let shown = run(&["profile", "show"], &[]).stdout;
    assert!(shown.contains(home.path("secret").to_str().expect("a path")), "{shown}");
    // Another user's home is nothing that is looked up.
    home.configure(&text.replace("[profiles.work]\n", "[profiles.work]\nclient_secret_file = \"~dana/secret\"\n"));
    run(&["refresh"], &[]).failed(2, &["~dana/secret cannot be used", "`~` stands for this user's home only where"]);
    run(&["login", "--import", "--env-file", "~dana/.env"], &[])
        .failed(2, &["~dana/.env cannot be imported", "`~` stands"]);
    let elsewhere = run(&["login", "--import", "--env-file", "/nowhere/.env"], &[]);
    elsewhere.failed(2, &["hint: check the path"]);
    assert!(!elsewhere.stderr.contains('~'), "{elsewhere:?}");
}

#[test]
fn a_file_that_is_given_once_may_be_a_pipe_of_the_shell_and_no_pipe_with_a_name() {
    let home = Home::new();
    home.configure(WORK);
    let bash = |script: &str| {
        let program = home.command(&[]);
        let mut shell = Command::new("bash");
        shell.args(["-c", script]).arg(program.get_program()).env("DEVICE_LOGIN_HOME", home.path(""));
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ran(shell.spawn().expect("bash starts"))
    };
    bash("\"$0\" profile edit work --client-secret-file <(echo sentinel)").worked("Changed profile work.\n");
    bash("echo sentinel | \"$0\" profile edit work --client-secret-file /dev/fd/0").worked("Changed profile work.\n");
    bash("\"$0\" profile edit work --client-secret-file /dev/fd/3 3<<<sentinel").worked("Changed profile work.\n");
    let pipe = home.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let pipe = pipe.to_str().expect("a path");
    for command in
        [&["profile", "edit", "work", "--client-secret-file", pipe][..], &["login", "--import", "--env-file", pipe]]
    {
        home.run(command).failed(2, &["it is a named pipe", "<(COMMAND)"]);
    }
    // What is read more than once is a file.
    bash("\"$0\" token --config <(echo)").failed(2, &["it is not a regular file"]);
    bash("DEVICE_LOGIN_KEY_FILE=<(echo) \"$0\" profile edit work --client-secret-file <(echo sentinel)")
        .failed(9, &["it is not a regular file"]);
}

#[test]
fn a_given_file_that_others_can_read_is_taken_with_a_warning_and_one_that_they_can_write_is_not() {
    let home = Home::new();
    home.configure(WORK);
    let file = home.write("secret", "sentinel");
    let edit = || home.run(&["profile", "edit", "work", "--client-secret-file", file.to_str().expect("a path")]);
    for (mode, code, warning) in [(0o600, 0, None), (0o644, 0, Some("chmod 600")), (0o666, 2, Some("chmod go-w"))] {
        set_mode(&file, mode);
        let ran = edit();
        assert_eq!(ran.code, code, "{mode:o}: {ran:?}");
        assert!(warning.map_or(ran.stderr.is_empty(), |part| ran.stderr.contains(part)), "{mode:o}: {ran:?}");
    }
}

#[test]
fn a_key_that_cannot_be_made_where_it_belongs_names_the_variable_for_another_place() {
    use std::os::unix::process::CommandExt;

    if !rustix::process::geteuid().is_root() {
        println!("not tried: only root can give files away");
        return;
    }
    let home = Home::new();
    home.configure(WORK);
    for path in [home.path(""), home.path("config.toml")] {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        set_mode(path, mode);
    }
    let store = home.path("store");
    fs::create_dir(&store).expect("a directory");
    std::os::unix::fs::chown(&store, Some(4242), Some(4242)).expect("root may");
    set_mode(&store, 0o700);
    let mut command = home.command(&["profile", "edit", "work", "--client-secret-stdin"]);
    command.env("DEVICE_LOGIN_STORE", format!("file:{}", store.display())).uid(4242).gid(4242).stdin(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"sentinel").expect("it reads");
    ran(child).failed(9, &["no key can be made at", "DEVICE_LOGIN_KEY_FILE", "openssl rand -hex 32"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_locks_is_named() {
    let home = Home::new();
    home.configure(WORK);
    let program = home.command(&[]);
    let traced = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"])
        .arg(program.get_program())
        .args(["profile", "edit", "work", "--client-secret-file", "/dev/stdin"])
        .env("DEVICE_LOGIN_HOME", home.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = traced.expect("strace runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"sentinel").expect("it reads");
    ran(child).failed(9, &["the file system there", "mounted at /", "gives no locks", "--store file:DIR"]);
}
