//! What the program advises works when it is copied, and says what is there in the place of what somebody tried.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::program::{Home, Ran, configuration, ran, set_mode};

/// A provider that nobody reaches.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A home with a configuration beside its own, whose name a shell takes apart.
fn home() -> Home {
    let home = Home::new();
    home.configure("");
    home.write("it's x.toml", &configuration(NOWHERE));
    home.write("broken.toml", "[profiles.work]\nprovider = 7\n");
    home
}

/// Runs it where the files are.
fn run_in(home: &Home, arguments: &[&str]) -> Ran {
    ran(home.command(arguments).current_dir(home.path("")).spawn().expect("the program starts"))
}

/// Gives a shell the first command that was advised, with `more` behind it.
fn copied(home: &Home, advised: &str, more: &str) -> Ran {
    let command = advised.split('`').find(|part| part.starts_with("device-login ")).expect("a command is advised");
    let program = Path::new(env!("CARGO_BIN_EXE_device-login"));
    let path = format!("{}:/usr/bin:/bin", program.parent().expect("a directory").display());
    let mut shell = Command::new("sh");
    shell.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("PATH", path).current_dir(home.path(""));
    shell.args(["-c", &format!("{command} {more}")]).stdin(Stdio::null());
    ran(shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell starts"))
}

#[test]
fn a_command_that_is_advised_acts_on_the_files_that_were_named() {
    const X: &str = r"device-login --config 'it'\''s x.toml'";
    let home = home();
    let file = ["--config", "it's x.toml"];
    let both = [&file[..], &["--store", "file:other place"]].concat();
    let broken = ["--config", "broken.toml"];
    let with = |flags: &[&'static str], arguments: &[&'static str]| [flags, arguments].concat();
    for (arguments, command) in [
        (with(&file, &["token"]), format!("{X} login work`")),
        (with(&both, &["token"]), format!("{X} --store 'file:other place' login work`")),
        (with(&file, &["token", "--format", "json"]), format!("{X} login work`")),
        (with(&file, &["login", "--json", "wrk"]), "did you mean `work`?".to_owned()),
        (with(&file, &["token", "other"]), format!("{X} profile add other`")),
        (with(&broken, &["token"]), "device-login --config broken.toml config check`".to_owned()),
        (with(&broken, &["status", "--check"]), "device-login --config broken.toml config check`".to_owned()),
        (with(&broken, &["status", "--json"]), "device-login --config broken.toml config check`".to_owned()),
        (with(&broken, &["doctor"]), "device-login --config broken.toml config check`".to_owned()),
        (with(&broken, &["doctor", "--json"]), "device-login --config broken.toml config check`".to_owned()),
        (vec!["token", "other"], "device-login profile add other`".to_owned()),
        (
            vec!["--config", "new.toml", "profile", "add", "w4", "--provider", "github", "--client-id", "i"],
            "next, run `device-login --config new.toml login w4`".to_owned(),
        ),
    ] {
        let told = run_in(&home, &arguments);
        let said = format!("{}{}", told.stdout, told.stderr).replace(r"\\", r"\");
        assert!(said.contains(&command), "{arguments:?} without {command}: {told:?}");
    }
    let advised = run_in(&home, &both[..].iter().copied().chain(["token"]).collect::<Vec<_>>()).stderr;
    let signing_in = copied(&home, &advised, "--plain");
    assert_eq!(signing_in.code, 7, "nobody is there, but the profile is: {signing_in:?}");
    let advised = run_in(&home, &["--config", "broken.toml", "token"]).stderr;
    assert!(copied(&home, &advised, "").stdout.contains("broken.toml"));
}

#[cfg(unix)]
#[test]
fn a_command_on_a_file_that_is_advised_works_whatever_the_files_name_has_in_it() {
    use std::fs::{DirBuilder, create_dir};
    use std::os::unix::fs::DirBuilderExt;

    let outside = Home::new();
    let odd = outside.path("it's a $(touch ran); touch ran");
    DirBuilder::new().mode(0o700).create(&odd).expect("a directory");
    let run =
        |arguments: &[&str]| ran(outside.command(arguments).env("DEVICE_LOGIN_HOME", &odd).spawn().expect("it starts"));
    let secret = outside.write("secret", "hush-hush");
    std::fs::rename(secret, odd.join("secret file")).expect("it is written");
    let text =
        configuration(NOWHERE).replace("[profiles.work]\n", "[profiles.work]\nclient_secret_file = \"secret file\"\n");
    std::fs::rename(outside.write("config", &text), odd.join("config.toml")).expect("it is written");
    create_dir(odd.join("state")).expect("a directory");
    for (file, mode, arguments) in [
        ("config.toml", 0o666, &["profile", "list"][..]),
        ("state", 0o755, &["token"]),
        ("secret file", 0o644, &["login", "--plain"]),
    ] {
        set_mode(odd.join(file), mode);
        let refused = run(arguments);
        let command = refused.stderr.split('`').find(|part| part.starts_with("chmod ")).expect(&refused.stderr);
        let changed = Command::new("sh").args(["-c", command]).current_dir(outside.path("")).status();
        assert!(changed.is_ok_and(|status| status.success()), "{command}");
        let again = run(arguments);
        assert!(!again.stderr.contains("chmod") && !outside.path("ran").exists(), "{command}: {again:?}");
    }
}

#[test]
fn an_address_with_a_password_is_in_no_command() {
    let home = home();
    for broken in [&["--config", "broken.toml"][..], &[]] {
        let refused = run_in(&home, &[broken, &["--store", "postgres://u:hush-hush@h/db", "token"]].concat());
        let is_told = refused.stdout.contains("hush-hush") || refused.stderr.contains("hush-hush");
        assert!(refused.code == 2 && !is_told, "{refused:?}");
        assert_eq!(refused.stderr.contains("broken.toml config check`"), !broken.is_empty(), "{refused:?}");
    }
}

#[test]
fn a_sign_in_that_would_be_gone_with_its_process_is_not_advised() {
    let home = home();
    for flags in [&["--store", "memory:"][..], &[]] {
        let mut command = home.command(&[flags, &["--config", "it's x.toml", "token"]].concat());
        let told =
            ran(command.env("DEVICE_LOGIN_STORE", "memory:").current_dir(home.path("")).spawn().expect("it starts"));
        assert_eq!(told.code, 4, "{told:?}");
        for part in ["--store file:DIR login work`", "what is in memory is gone with its process"] {
            assert!(told.stderr.contains(part), "{part:?} is missing: {told:?}");
        }
    }
}

#[test]
fn what_others_call_otherwise_is_told_by_its_place_here() {
    let home = Home::new();
    home.configure(&configuration(NOWHERE));
    home.sign_in_at(NOWHERE, |_| ());
    for (arguments, parts) in [
        (&["api", "-d", "x=1", "/x"][..], &["a field is `-f key=value`", "`--input FILE`"][..]),
        (&["api", "/x", "-dx=1"], &["a field is `-f key=value`"]),
        (&["api", "--data=x=1", "/x"], &["a field is `-f key=value`"]),
        (&["api", "/x", "--jq", ".users"], &["pipe the answer to `jq`"]),
        (&["api", "/x", "-f", "=1"], &["it has no key before its `=`"]),
        (&["login", "--no-browser"], &["a code is shown for one on another device"]),
        (&["login", "--force"], &["a sign-in is always made anew", "`--new-code`"]),
        (&["logout", "--all"], &["device-login logout NAME"]),
        (&["refresh", "--all"], &["device-login refresh NAME", "the agent refreshes all of them"]),
        (&["api", "-u", "a:b", "/x"], &["the profile's token goes along by itself"]),
        (&["api", "-sS", "/x"], &["`-q` says less"]),
        (&["api", "-L", "/x"], &["a token is sent to no other address"]),
        (&["api", "--insecure", "/x"], &["`--ca-cert FILE`"]),
        (&["api", "--method", "POST", "/x"], &["`device-login api POST PATH`"]),
        (&["api", "GET"], &["give the path behind the method, such as `GET /crm/v8/org`"]),
        (&["api", "post"], &["such as `POST /crm/v8/org`"]),
        (&["api", ""], &["give a path such as `/crm/v8/org`"]),
        (&["profile", "edit", "work", "--provider", "github"], &["stays as it was added", "profile add NAME"]),
        (
            &["profile", "add", "work", "--provider", "github", "--client-id", "i"],
            &["run `device-login profile edit work`"],
        ),
        (&["login", "imp", "--import"], &["there is no profile `imp`", "run `device-login profile add imp`"]),
        (&["login", "Xk3", "--import"], &["may be a token or a code"]),
        (&["login", "--client-id", "x"], &["`device-login profile add NAME --provider PROVIDER --client-id ID`"]),
        (&["login", "--nothing-known"], &["unexpected argument '--nothing-known'"]),
        (&["agent", "--nothing-known"], &["unexpected argument '--nothing-known'"]),
        (&["status", "-o", "json"], &["`--json` prints JSON"]),
        (&["status", "--output", "json"], &["`--json` prints JSON"]),
        (&["status", "--output=json"], &["`--json` prints JSON"]),
        (&["status", "--format", "json"], &["`--json` prints JSON"]),
        (&["whoami", "-ojson"], &["`--json` prints JSON"]),
        (&["whoami", "--output=json"], &["`--json` prints JSON"]),
        (&["profile", "list", "-o", "json"], &["`--json` prints JSON"]),
        (&["token", "-o", "json"], &["`--format json` prints JSON"]),
        (&["auth", "status"], &["`auth status` is `device-login status` here"]),
        (&["auth", "token"], &["`auth token` is `device-login token` here"]),
        (&["auth", "list"], &["`auth list` is `device-login profile list` here"]),
        (&["auth", "print-access-token"], &["`auth print-access-token` is `device-login token` here"]),
        (&["auth"], &["`auth` is `device-login login` here"]),
        (&["auth", "work"], &["`auth` is `device-login login` here"]),
        (&["sso", "login"], &["`sso login` is `device-login login` here"]),
        (&["configure"], &["`configure` is `device-login profile add` here"]),
        (&["config", "list"], &["`list` is `device-login profile list` here"]),
        (&["config", "get", "x"], &["`get` is `device-login profile show` here"]),
        (&["show", "wrong-name"], &["`show` is `device-login profile show` here"]),
        (&["token", "other"], &["there is `work`"]),
        (&["status", "w\u{f6}rk"], &["letters (a to z, A to Z)"]),
        (&["profile", "add", "\u{c4}"], &["letters (a to z, A to Z)"]),
    ] {
        let ran = home.run(arguments);
        assert!(ran.code == 2 && ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{arguments:?} without {part:?}: {ran:?}");
        }
        assert!(!ran.stderr.contains("to pass '"), "{arguments:?}: {ran:?}");
    }
    let first = home.run(&["profile", "add", "work", "--provider", "github", "--client-id", "i"]).stderr;
    assert!(first.find("profile edit work") < first.find("profile remove work"), "{first}");
}

#[test]
fn a_flag_is_offered_for_one_that_is_written_almost_so() {
    let home = Home::new();
    for (arguments, offered) in [
        (&["login", "--force"][..], None),
        (&["logout", "--force"], None),
        (&["status", "--force"], None),
        (&["login", "--timout", "5m"], Some("'--timeout")),
        (&["token", "--frce"], Some("'--force'")),
        (&["profile", "add", "w", "--scope", "A"], Some("'--scopes")),
        (&["login", "--expect", "a"], Some("'--expect-account")),
    ] {
        let ran = home.run(arguments);
        let tip = ran.stderr.lines().find(|line| line.contains("a similar argument exists"));
        assert_eq!(tip.is_some(), offered.is_some(), "{arguments:?}: {ran:?}");
        assert!(offered.is_none_or(|offered| ran.stderr.contains(offered)), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_token_in_a_wrong_place_is_neither_kept_nor_repeated() {
    const DIGITS: &str = "d97364950696bef4e2641e919ea8a1372d0ede59a9";
    const PERSONAL: &str = "ghp_abcdef0123456789abcdef0123456789abcd";
    let home = Home::new();
    home.configure(&configuration(NOWHERE));
    let before = home.configuration();
    let client = ["--provider", "github", "--client-id", "i"];
    for token in [DIGITS, PERSONAL] {
        for arguments in [
            &[&["profile", "add", token], &client[..]].concat()[..],
            &["profile", "rename", "work", token],
            &["profile", "use", token],
            &["profile", "edit", token, "--scopes", "A"],
            &["profile", "remove", token],
            &["profile", "add", "w2", "--provider", token, "--client-id", "i"],
            &[&["profile", "add", "w2", "--data-center", token], &client[..]].concat(),
            &[&["profile", "add", "w2", "--client-type", token], &client[..]].concat(),
            &["api", token, "/x"],
            &["api", token],
            &["api", "/x", "--product", token],
            &["scopes", token],
            &["scopes", "--data-center", token],
            &["--store", token, "status"],
            &["--config", token, "status"],
            &["--ca-cert", token, "refresh"],
            &["store", "copy", token],
            &["store", "copy", "--to-file", token],
            &["store", "rekey", "--passphrase-file", token],
            &["login", "--import", "--env-file", token],
            &[&["profile", "add", "w2", "--client-secret-file", token], &client[..]].concat(),
            &["profile", "edit", "work", "--client-secret-file", token],
            &["agent", "--on-event", token],
            &["help", token],
            &["help", "profile", token],
            &["auth", token],
            &["config", token],
        ] {
            let ran = home.run(arguments);
            assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(token), "{arguments:?}: {ran:?}");
            assert_eq!(home.configuration(), before, "{arguments:?}");
        }
    }
    // Whoever has such a name already keeps it.
    home.configure(&before.replace("profiles.work", &format!("profiles.{DIGITS}")));
    home.run(&["profile", "show", DIGITS, "--json"]).json();
    let renamed = home.run(&["profile", "rename", DIGITS, "production-crm-europe-2026"]);
    assert_eq!(renamed.code, 0, "{renamed:?}");
}

#[test]
fn mistakes_of_the_arguments_are_told_as_the_command_would_tell_them() {
    let home = Home::new();
    for (arguments, event) in [
        (&["login", "--json", "work", "--timeout", "x"][..], json!("failed")),
        (&["login", "--json", "--bad"], json!("failed")),
        (&["status", "--json", "--sort", "foo"], Value::Null),
        (&["token", "--format", "json", "--min-ttl", "x"], Value::Null),
        (&["token", "--min-ttl", "x", "--format=json"], Value::Null),
        (&["token", "--format", "json", "a", "b"], Value::Null),
        (&["token", "--format", "json", "--bad"], Value::Null),
    ] {
        let ran = home.run(arguments);
        assert!(ran.code == 2 && ran.stderr.is_empty(), "{arguments:?}: {ran:?}");
        let told: Value = serde_json::from_str(&ran.stdout).expect("one JSON object");
        assert_eq!((&told["event"], &told["error"]["code"]), (&event, &json!("usage")), "{arguments:?}: {told}");
    }
    for arguments in [&["token", "--format", "raw", "--bad"][..], &["login", "--bad"]] {
        let ran = home.run(arguments);
        assert!(ran.code == 2 && ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn files_that_were_written_are_told_of() {
    let home = Home::new();
    for (command, count) in [("completions", "4 files"), ("man", "files")] {
        let into = home.path(command).display().to_string();
        let ran = home.run(&[command, "--all", &into]);
        assert!(ran.code == 0 && ran.stdout.is_empty(), "{ran:?}");
        assert!(ran.stderr.contains(count) && ran.stderr.contains(&format!("into {into}.")), "{ran:?}");
    }
}

#[test]
fn scopes_are_written_once() {
    let home = Home::new();
    home.configure(&configuration(NOWHERE));
    home.run(&["profile", "edit", "work", "--scopes", "email openid email,,X"]).worked("Changed profile work.\n");
    assert!(home.configuration().contains(r#"scopes = ["email", "openid", "X"]"#), "{}", home.configuration());
}

#[test]
fn a_client_signs_in_in_its_own_way_only() {
    for (kind, flag, way) in [
        ("server-based", "--grant-code", "--web"),
        ("mobile", "--grant-code", "--web"),
        ("self-client", "--web", "--grant-code"),
        ("self-client", "--no-wait", "--grant-code"),
    ] {
        let home = Home::new();
        let typed = format!("client_id = \"client-1\"\nclient_type = \"{kind}\"");
        home.configure(&configuration(NOWHERE).replace("client_id = \"client-1\"", &typed));
        let ran = home.run_with(&["login", flag], "1000.ab.cd");
        assert!(
            ran.code == 2 && ran.stderr.contains(&format!("run `device-login login work {way}`")),
            "{kind}: {ran:?}"
        );
    }
}

#[test]
fn an_interrupt_says_what_becomes_of_the_code() {
    let authority = Authority::start(|asked| match asked.path.as_str() {
        "/device" => {
            let page = format!("{}/page", asked.origin());
            let code = json!({"device_code": "sentinel-device-code", "user_code": "ABCD-1234", "interval": 5,
                "expires_in": 300, "verification_uri": page});
            (200, code.to_string())
        }
        _ => (400, json!({"error": "authorization_pending"}).to_string()),
    });
    for (signal, way, parts) in [
        ("-INT", "--plain", &["cancelled; the code is worth nothing now"][..]),
        ("-QUIT", "--plain", &["cancelled; the code is worth nothing now"]),
        ("-TERM", "--plain", &["the code still waits: run `device-login login work --resume` to go on with it"]),
        ("-INT", "--json", &["the code is worth nothing now: run `device-login login work` for a new one"]),
        ("-TERM", "--json", &["the code still waits: run `device-login login work --resume` to go on with it"]),
    ] {
        let home = Home::at(&authority);
        let mut child = home.spawn(&["login", way]);
        read_until(&mut child, way == "--json", "ABCD-1234");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let ran = ran(child);
        for part in parts {
            let said = if way == "--json" { &ran.stdout } else { &ran.stderr };
            assert!(said.contains(part), "{signal} {way} without {part:?}: {ran:?}");
        }
        let is_pending = home.record("work").pending.is_some();
        assert_eq!(is_pending, signal == "-TERM", "{signal} {way}");
    }
}

/// Reads what the program says, and leaves the rest.
fn read_until(child: &mut std::process::Child, is_stdout: bool, end: &str) {
    use std::io::Read as _;

    let mut said = String::new();
    let mut byte = [0];
    let mut next = || match (is_stdout, &mut child.stdout, &mut child.stderr) {
        (true, Some(stdout), _) => stdout.read(&mut byte).map(|read| (read, byte[0])),
        (_, _, Some(stderr)) => stderr.read(&mut byte).map(|read| (read, byte[0])),
        _ => Ok((0, 0)),
    };
    while !said.contains(end)
        && let (1, byte) = next().expect("it speaks")
    {
        said.push(char::from(byte));
    }
    assert!(said.contains(end), "{said}");
}
