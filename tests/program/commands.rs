//! Every command by table, where streams, words, locales and terminals are odd. A command without a row fails.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Stdio};
use std::thread;

use device_login::providers::catalog::PRODUCTS;
use serde_json::json;

use crate::support::authority::{Asked, Authority};
use crate::support::program::{Home, REFRESH_TOKEN, Ran, ran};
use crate::support::pty::Terminal;

/// Each command, with arguments by which it ends by itself.
const COMMANDS: &[(&str, &str)] = &[
    ("login", "--json"),
    ("token", ""),
    ("status", ""),
    ("refresh", ""),
    ("whoami", ""),
    ("logout", ""),
    ("api", "/hello"),
    ("exec", "true"),
    // It would go on for ever.
    ("agent", "nobody-of-this-name --log nonsense"),
    ("profile add", "new --provider corp --client-id c --scopes openid"),
    ("profile list", ""),
    ("profile show", ""),
    ("profile use", "work"),
    ("profile edit", "work --scopes a"),
    ("profile rename", "work office"),
    ("profile remove", "work --force"),
    ("profile export", "--env-file zoho.env --yes"),
    ("git-credential", "get"),
    ("config path", ""),
    ("config check", ""),
    ("config schema", ""),
    ("scopes", ""),
    ("store info", ""),
    ("store init", ""),
    ("store check", ""),
    ("store rekey", ""),
    ("store copy", "file:other"),
    ("doctor", ""),
    // It wants a terminal.
    #[cfg(feature = "demo")]
    ("demo", ""),
    ("completions", "bash"),
    ("man", "token"),
    ("help", "profile add"),
    ("version", "--json"),
];

/// A provider that approves at the first poll and answers whatever is asked.
fn friendly() -> Authority {
    Authority::start(|asked: &Asked| {
        let page = format!("{}/page", asked.origin());
        let body = match asked.path.as_str() {
            "/device" => json!({
                "device_code": "d", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300, "verification_uri": page,
            }),
            "/token" => json!({
                "access_token": "a", "token_type": "Bearer", "refresh_token": REFRESH_TOKEN, "expires_in": 3600,
            }),
            _ => json!({"sub": "77", "email": "dana@example.com"}),
        };
        (200, body.to_string())
    })
}

fn words(command: &str, arguments: &str) -> Vec<String> {
    command.split(' ').chain(arguments.split_whitespace()).map(str::to_owned).collect()
}

/// Runs a command in a home of its own, changed by the test before it starts.
fn run(authority: &Authority, command: &str, arguments: &str, change: impl FnOnce(&mut Command)) -> Ran {
    let home = Home::signed_in(authority);
    let words = words(command, arguments);
    let mut command = home.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    command.current_dir(home.path(""));
    change(&mut command);
    let ran = ran(command.spawn().expect("the program starts"));
    assert!(!ran.stderr.contains("panicked") && (0..=130).contains(&ran.code), "{words:?}: {ran:?}");
    ran
}

/// Does something with each command; several at once, since most of it is waiting.
fn with_each(look: impl Fn(&Authority, &str, &str) + Sync) {
    thread::scope(|scope| {
        let looks: Vec<_> = COMMANDS
            .iter()
            .map(|(command, arguments)| {
                let look = &look;
                scope.spawn(move || look(&friendly(), command, arguments))
            })
            .collect();
        for (look, (command, _)) in looks.into_iter().zip(COMMANDS) {
            look.join().unwrap_or_else(|_| panic!("`{command}` does not do what is expected"));
        }
    });
}

/// The commands that the program names, those below others by their whole name.
fn known(above: &str) -> Vec<String> {
    let words = words("__complete", &format!("-- help {above}"));
    let words: Vec<&str> = words.iter().map(String::as_str).chain([""]).collect();
    let ran = Home::new().run(&words);
    let names = ran.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned());
    let names = names.filter(|name| !name.starts_with('-')).map(|name| format!("{above} {name}").trim().to_owned());
    names
        .flat_map(|name| {
            let below = known(&name);
            if below.is_empty() { vec![name] } else { below }
        })
        .collect()
}

#[test]
fn the_table_has_every_command() {
    let known: BTreeSet<String> = known("").into_iter().collect();
    let rows: BTreeSet<String> = COMMANDS.iter().map(|(command, _)| (*command).to_owned()).collect();
    assert_eq!(rows, known, "give a new command a row");
}

/// Each command that changes a record, or what goes with it.
const CHANGES: &[(&str, &str)] = &[
    ("login", "--json"),
    ("login", "--import"),
    ("refresh", ""),
    ("token", "--force"),
    ("logout", ""),
    ("profile edit", "work --scopes a"),
    ("profile edit", "work --client-id another"),
    ("profile edit", "work --client-secret-stdin"),
    ("profile edit", "work --accept-endpoints"),
    ("profile rename", "work office"),
    ("profile remove", "work"),
    ("profile remove", "work --force"),
];

#[test]
fn a_record_that_has_moved_is_left_alone_by_every_command() {
    let others = COMMANDS.iter().filter(|row| !CHANGES.contains(row));
    for (row, (command, arguments)) in CHANGES.iter().chain(others).enumerate() {
        let authority = friendly();
        let home = Home::signed_in(&authority);
        let to = format!("file:{}", home.path("other").display());
        assert_eq!(home.run(&["store", "copy", &to]).code, 0);
        let before = home.configuration();
        let words = words(command, arguments);
        let mut started = home.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let (input, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(b"secret\n").expect("a pipe has room for that");
        drop(writer);
        let ran = ran(started.current_dir(home.path("")).stdin(input).spawn().expect("the program starts"));
        if row < CHANGES.len() {
            assert!(ran.code == 9 && ran.stderr.contains(&format!("has moved to {to}")), "{words:?}: {ran:?}");
            assert_eq!(home.configuration(), before, "{words:?}: {ran:?}");
        }
        let asked = ["/device", "/token", "/revoke"].map(|path| authority.count(path));
        assert!(asked == [0; 3] || *command == "doctor", "{words:?}: {ran:?}");
        assert_eq!(home.run(&["store", "info", "--json"]).json()["moved"]["work"], to.as_str(), "{words:?}: {ran:?}");
        home.run(&["refresh", "work"]).failed(9, &[&to]);
        assert_eq!(home.run(&["--store", &to, "refresh", "work"]).code, 0, "{words:?}: {ran:?}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    with_each(|authority, command, arguments| {
        let read = run(authority, command, arguments, |_| {});
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let unread = run(authority, command, arguments, |command| _ = command.stdout(writer));
        // Whose events nobody reads, that has nobody to sign in for.
        let expected = if command == "login" { 1 } else { read.code };
        assert_eq!(
            (unread.code, unread.stderr.contains("error: ")),
            (expected, read.stderr.contains("error: ")),
            "{unread:?}"
        );
    });
}

#[test]
fn streams_that_are_closed_change_nothing() {
    with_each(|authority, command, arguments| {
        let open = run(authority, command, arguments, |_| {});
        for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
            let ran = run(authority, command, arguments, |command| {
                let script = format!("exec \"$0\" \"$@\" {closed}");
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
                shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
                shell.current_dir(command.get_current_dir().expect("it has one"));
                shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
                *command = shell;
            });
            assert_eq!(ran.code, open.code, "{command} {closed}: {ran:?}");
        }
    });
}

#[test]
fn no_locale_changes_what_is_printed() {
    with_each(|authority, command, arguments| {
        let usual = run(authority, command, arguments, |_| {});
        for locale in ["C", "POSIX", "de_DE.ISO-8859-1", "xx_XX.nonsense"] {
            let ran = run(authority, command, arguments, |command| _ = command.env("LC_ALL", locale));
            assert_eq!(ran.code, usual.code, "{locale}: {ran:?}");
            if command == "doctor" {
                // The locale is among what it tells.
                continue;
            }
            let lines = |ran: &Ran| ran.stdout.lines().count();
            // What a terminal can show goes by the locale, and `doctor` says so.
            assert!(lines(&ran) == lines(&usual) || command == "doctor", "{locale}: {ran:?}");
        }
    });
}

#[test]
fn arguments_that_are_no_text_are_refused_or_taken_as_paths() {
    let strange = || OsString::from_vec(b"a\xffb".to_vec());
    with_each(|authority, command, arguments| {
        let ran = run(authority, command, arguments, |command| _ = command.arg(strange()));
        assert!(ran.code == 2 || matches!(command, "api" | "exec" | "agent"), "{ran:?}");
        let ran = run(authority, command, arguments, |command| _ = command.arg("--config").arg(strange()));
        assert!(matches!(ran.code, 0 | 1 | 2 | 4), "{ran:?}");
    });
}

#[test]
fn colours_come_where_they_are_wanted() {
    type Variables = &'static [(&'static str, &'static str)];
    let cases: [(Variables, &str, bool); 10] = [
        (&[], "", false),
        (&[("CLICOLOR_FORCE", "1")], "", true),
        (&[("CLICOLOR_FORCE", "0")], "", false),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], "", false),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], "", true),
        (&[("CLICOLOR_FORCE", "")], "", false),
        (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], "", true),
        (&[("NO_COLOR", "1")], " --color always", true),
        (&[("NO_COLOR", "1")], " --color=always", true),
        (&[("CLICOLOR_FORCE", "1")], " --color never", false),
    ];
    with_each(|authority, command, _| {
        for (variables, flag, has_color) in cases {
            for mistake in ["--nonsense", "--help"] {
                let ran = run(authority, command, &format!("{mistake}{flag}"), |command| {
                    command.envs(variables.iter().copied());
                });
                let said = ran.stdout.clone() + &ran.stderr;
                assert_eq!(said.contains('\u{1b}'), has_color, "{variables:?}{flag}: {ran:?}");
            }
        }
    });
    // The same where the arguments are good and the command fails.
    let home = Home::new();
    for (variables, flag, has_color) in cases {
        let words = words("token", flag);
        let mut command = home.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let ran = ran(command.envs(variables.iter().copied()).spawn().expect("the program starts"));
        assert_eq!((ran.code, ran.stderr.contains('\u{1b}')), (2, has_color), "{variables:?}{flag}: {ran:?}");
    }
}

#[test]
fn help_fits_every_width() {
    with_each(|authority, command, _| {
        for width in [40, 60, 80, 100, 120, 200] {
            for flag in ["-h", "--help"] {
                let ran = run(authority, command, flag, |command| _ = command.env("COLUMNS", width.to_string()));
                assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{width}: {ran:?}");
                // Narrower than that, examples are broken by the terminal.
                let longest = ran.stdout.lines().map(|line| line.chars().count()).max().unwrap_or_default();
                assert!(longest <= width.clamp(80, 100), "{width}: {}", ran.stdout);
            }
        }
    });
}

#[test]
fn tables_fit_every_terminal() {
    let authority = friendly();
    let home = Home::signed_in(&authority);
    let profile =
        "[profiles.a-profile-with-quite-a-long-name-for-a-terminal]\nprovider = \"corp\"\nclient_id = \"x\"\n";
    home.configure(&(profile.to_owned() + &home.configuration()));
    let place = home.path("");
    for (command, lines) in [("scopes", PRODUCTS.len() + 1), ("profile list", 3)] {
        for columns in [40, 60, 80, 120, 200] {
            // The terminal itself is asked first.
            for variable in ["", "COLUMNS=0", "COLUMNS=1", "COLUMNS=65535"] {
                let script =
                    format!("DEVICE_LOGIN_HOME={} {variable} $program {command}; echo the end", place.display());
                let terminal = Terminal::start_shell(&script, columns, 60);
                let screen = terminal.wait_for("the end");
                // A line that is too long goes on in the next one.
                let shown = screen.lines().take_while(|line| !line.contains("the end")).count();
                assert_eq!(shown, lines, "{command} {columns} {variable}:\n{screen}");
            }
        }
    }
}

#[test]
fn what_is_meant_is_told_for_commands_flags_and_values() {
    let home = Home::new();
    for (arguments, meant) in [
        ("tokne", "token"),
        ("profile shwo", "show"),
        ("token --frmat json", "--format"),
        ("token --format jsn", "json"),
        ("help tokne", "token"),
        ("help profile shwo", "show"),
        ("man scpes", "scopes"),
    ] {
        let words = words(arguments, "");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = home.run(&words);
        assert!(ran.code == 2 && ran.stdout.is_empty(), "{ran:?}");
        assert!(
            ran.stderr.contains(&format!("'{meant}'")) || ran.stderr.contains(&format!("did you mean `{meant}`?")),
            "{ran:?}"
        );
    }
    for (arguments, message, hint) in [
        ("status --jsn --json", "'--jsn'", "did you mean `--json`?"),
        ("status --json --sort nme", "'nme'", "did you mean `name`?; possible are name, state, left, account"),
        ("status --json --color x", "'x'", "possible are auto, always, never"),
        ("profile show --json --color", "'--color <WHEN>'", "possible are auto, always, never"),
        ("config chek --json", "'chek'", "did you mean `check`"),
        ("login --json --plain --kiosk", "cannot be used with: --plain, --kiosk", "`device-login --help`"),
    ] {
        let error = &home.run(&words(arguments, "").iter().map(String::as_str).collect::<Vec<_>>()).json()["error"];
        let part = |name: &str| error[name].as_str().unwrap_or_default();
        assert!(part("message").contains(message) && part("hint").contains(hint), "{arguments}: {error}");
    }
    for (arguments, usage) in [
        ("refresh --force", "refresh [OPTIONS] [PROFILE]"),
        ("status --format json", "status [OPTIONS] [PROFILE]"),
        ("login --provider github", "login [OPTIONS] [PROFILE] [-- <COMMAND>...]"),
        ("logout --all", "logout [OPTIONS] [PROFILE]"),
        ("profile edit work --provider x", "profile edit <NAME> [OPTIONS]"),
        ("token --frmat json", "token --format <FORMAT> [PROFILE]"),
        ("--force", "[OPTIONS] [COMMAND]"),
    ] {
        let ran = home.run(&words(arguments, "").iter().map(String::as_str).collect::<Vec<_>>());
        ran.failed(2, &[&format!("Usage: device-login {usage}\n")]);
    }
    home.run(&["help", "token", "more"]).failed(2, &["`device-login token` has no command `more`"]);
}

/// What other programs take, or what is nearly right, is answered with what this one takes; nothing that was typed reaches a
/// terminal raw, and no secret is repeated.
#[test]
fn what_people_try_is_answered_with_what_there_is() {
    let authority = friendly();
    let home = Home::signed_in(&authority);
    let secret = "sentinel-typed-secret";
    let (empty, absent) = (home.write("empty.pem", ""), home.path("absent.pem"));
    let (empty, absent) = (empty.to_str().expect("a path of letters"), absent.to_str().expect("a path of letters"));
    for (arguments, parts) in [
        (&["completes"][..], &["'completions'"][..]),
        (&["logn"], &["'login', 'logout'"]),
        (&["tok\u{1b}[31men"], &["tok"]),
        (&["token", "a\u{1b}[31mX"], &["a<U+001B>[31mX"]),
        (&["api", "-X", "POST", "/hello"], &["`-X` is an option of curl's", "`device-login api POST PATH`"]),
        (&["api", "GTE", "/hello"], &["did you mean `GET`?"]),
        (&["api", "what", "/hello"], &["the method comes before the path"]),
        (&["api", "crm/v8/users"], &["write a `/` before it: `/crm/v8/users`"]),
        (&["api", "mailto:a"], &["give a path such as"]),
        (&["api", "/x\r\nHost: evil"], &["a control character"]),
        (&["api", "https://127.0.0.1/\u{1b}[2J"], &["a control character"]),
        (
            &["profile", "add", "a", "--client-secret", secret],
            &["never taken from the command line", "--client-secret-stdin"],
        ),
        (&["profile", "add", "a", "--client-secret"], &["never taken from the command line"]),
        (&["profile", "edit", "work", "--client-secret", secret], &["never taken from the command line"]),
        (&["profile", "add", "a"], &["--provider, --client-id are missing"]),
        (&["profile", "add", "a", "--provider", "zoho"], &["--client-id is missing"]),
        (&["profile", "edit", "work"], &["profile `work` was not changed", "`--scopes A,B`"]),
        (&["--ca-cert", absent, "api", "/hello", "--silent"], &["`--ca-cert` cannot be used", absent]),
        (&["--ca-cert", empty, "status"], &["`--ca-cert` cannot be used", empty]),
    ] {
        let ran = home.run(arguments);
        assert!(ran.code == 2 && ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{arguments:?} without {part:?}: {ran:?}");
        }
        for never in [secret, "\u{1b}", "__complete"] {
            assert!(!ran.stderr.contains(never), "{arguments:?} with {never:?}: {ran:?}");
        }
    }
    assert!(home.run(&["completion", "bash"]).stdout.contains("complete -F _device_login"));
    let doctor = home.run(&["--ca-cert", absent, "doctor", "--json"]);
    assert!(doctor.stdout.contains(absent) && doctor.json()["checks"].is_array(), "{doctor:?}");
    assert_eq!(authority.log().iter().filter(|asked| asked.path == "/hello").count(), 0);
}

#[test]
fn a_profile_that_nobody_has_is_told_with_the_one_that_was_meant() {
    let authority = friendly();
    let home = Home::signed_in(&authority);
    for line in [
        "login wrok --plain",
        "login wrok --json",
        "login wrok --no-wait",
        "login wrok --resume",
        "login wrok --import",
        "token wrok",
        "token -p wrok",
        "status wrok",
        "status wrok --check",
        "refresh wrok",
        "whoami wrok",
        "logout wrok",
        "logout wrok --local",
        "api -p wrok /hello",
        "exec -p wrok true",
        "agent wrok",
        "agent work wrok",
        "agent -p wrok",
        "agent --token-file wrok=token",
        "profile show wrok",
        "profile use wrok",
        "profile edit wrok --scopes a",
        "profile rename wrok office",
        "profile remove wrok",
        "profile remove wrok --force",
        "profile export wrok --env-file zoho.env --yes",
        "doctor wrok",
    ] {
        let ran = home.run(&line.split(' ').collect::<Vec<_>>());
        let told = ran.stdout.clone() + &ran.stderr;
        let expected = if line == "status wrok --check" { 3 } else { 2 };
        assert_eq!(ran.code, expected, "{line}: {ran:?}");
        assert!(told.contains("did you mean `work`?"), "{line}: {ran:?}");
    }
}

#[test]
fn help_is_the_help_of_the_command() {
    let home = Home::new();
    for command in ["", "token", "profile", "profile add", "help"] {
        let mut with_flag: Vec<&str> = command.split_whitespace().collect();
        let mut named = vec!["help"];
        named.extend(&with_flag);
        with_flag.push("--help");
        let (named, flagged) = (home.run(&named), home.run(&with_flag));
        assert_eq!((named.code, named.stdout), (0, flagged.stdout), "{command}");
    }
    home.run(&["version"]).worked(concat!("device-login ", env!("CARGO_PKG_VERSION"), "\n"));
    let version = home.run(&["version", "--json"]).json();
    assert_eq!((&version["schema_version"], &version["version"]), (&json!(1), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(version["features"].to_string().contains("postgres"), cfg!(feature = "postgres"));
}
