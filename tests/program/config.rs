//! `config` and what `profile` tells scripts: where things are, whether they are sound, and the schema of the file.

use std::process::{Command, Stdio};
use std::{fs, io::Write};

use device_login::storage::{Record, RevocationNote};
use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::faults::{Act, Fault, Point, points, strike};
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, ran, set_mode};

const SOUND: &str = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\nscopes = [\"ZohoCRM.users.READ\"]\n";

#[test]
fn the_configuration_is_found_with_the_reason_why_there() {
    let home = Home::new();
    let path = |name: &str| home.path(name).display().to_string();
    let told = home.run(&["config", "path"]);
    assert_eq!((told.code, told.stdout.trim_end()), (0, path("config.toml").as_str()), "{told:?}");
    for part in ["is not there", "`DEVICE_LOGIN_HOME` is", "by default", &path("key"), &path("state")] {
        assert!(told.stderr.contains(part), "{part:?} is missing: {told:?}");
    }
    home.configure(&format!("store = \"plain:records\"\n{SOUND}"));
    let json = home.run(&["config", "path", "--json"]).json();
    let expected = json!({
        "schema_version": 1, "configuration": path("config.toml"), "named_by": "DEVICE_LOGIN_HOME", "exists": true,
        "store": format!("plain:{}", path("records")), "store_named_by": "store", "key": path("key"),
        "state": path("state"), "spare": path("spare"),
    });
    assert_eq!(json, expected);
    let named = home.run(&["--config", "/nowhere.toml", "--store", "memory:", "config", "path", "--json"]).json();
    assert_eq!((&named["named_by"], &named["exists"]), (&json!("--config"), &json!(false)));
    assert_eq!((&named["store"], &named["store_named_by"]), (&json!("memory:"), &json!("--store")));
    // What is wrong in it keeps nobody from finding it.
    home.configure("colour = 1\n");
    let broken = home.run(&["config", "path"]);
    assert!(broken.code == 0 && broken.stderr.contains("cannot be told"), "{broken:?}");
    assert_eq!(home.run(&["config", "path", "--json"]).json().get("store"), None);
    let quiet = home.run(&["-q", "config", "path"]);
    assert!(quiet.stderr.is_empty() && !quiet.stdout.is_empty(), "{quiet:?}");
}

/// What is sound in its parts, and could not work.
#[test]
fn a_check_warns_of_what_would_not_work() {
    let home = Home::new();
    let sound = |text: &str| SOUND.replace("scopes = [\"ZohoCRM.users.READ\"]\n", text);
    let plain = home.write("plain.txt", "").display().to_string();
    let program = |name: &str| format!("key_command = [\"{name}\"]\n{SOUND}");
    let names = "`key_command` names ";
    let scopes = "scopes = [\"ZohoCRM.users.READ\"]\n";
    let web = |more: &str| sound(&format!("{scopes}client_type = \"server-based\"\n{more}"));
    for (text, warning) in [
        (sound(""), "`profiles.work`: asks for no scope, and Zoho approves nothing without one"),
        (sound("scopes = []\n"), "`profiles.work`: asks for no scope"),
        (SOUND.replace("zoho", "github").replace("ZohoCRM.users.READ", "repo"), ""),
        (web(""), "`profiles.work`: signs in through a browser, and has no `redirect_uri`"),
        (web("redirect_uri = \"https://x.example/cb\"\n"), ""),
        (program("/nonexist"), names),
        (program("no-such-program-anywhere"), names),
        (program(&plain), names),
        (program("/bin"), names),
        (program("/bin/cat"), ""),
        (program("cat"), ""),
    ] {
        home.configure(&text);
        let child = home.command(&["config", "check"]).env("PATH", "/usr/bin:/bin").spawn().expect("it starts");
        let ran = ran(child);
        assert!(ran.code == 0 && ran.stdout.contains("is sound: 1 profile."), "{text}: {ran:?}");
        assert_eq!(ran.stdout.contains(": warning: "), !warning.is_empty(), "{text}: {ran:?}");
        assert!(ran.stdout.contains(warning), "{text}: {ran:?}");
    }
}

#[test]
fn what_is_there_twice_is_told_once_with_its_first_line() {
    let home = Home::new();
    for (text, told) in [
        (format!("{SOUND}\n{SOUND}"), &[(6, "duplicate key `profiles.work`: line 1 has it already")][..]),
        (format!("{SOUND}\n{SOUND}{SOUND}"), &[(6, "`profiles.work`: line 1"), (10, "`profiles.work`: line 1")]),
        (format!("{SOUND}scopes = []\n"), &[(5, "duplicate key `scopes`: line 4 has it already")]),
        (format!("store = \"file:a\"\nstore = \"file:b\"\n{SOUND}"), &[(2, "duplicate key `store`: line 1")]),
        (format!("{SOUND}\n{SOUND}scopes = []\n"), &[(6, "`profiles.work`: line 1"), (10, "`scopes`: line 9")]),
        ("[screen]\nkeys = {a = 1, a = 2}\n".to_owned(), &[(2, "duplicate key `a`")]),
    ] {
        home.configure(&text);
        let json = home.run(&["config", "check", "--json"]).json();
        let mistakes = json["mistakes"].as_array().expect("a list");
        assert_eq!(mistakes.len(), told.len(), "{text}: {json}");
        for (mistake, (line, message)) in mistakes.iter().zip(told) {
            assert_eq!(mistake["line"], *line, "{text}: {json}");
            assert!(mistake["message"].as_str().is_some_and(|said| said.contains(message)), "{text}: {json}");
        }
    }
}

#[test]
fn a_check_tells_all_mistakes_and_what_is_odd() {
    let home = Home::new();
    let file = home.path("config.toml").display().to_string();
    let nothing = home.run(&["config", "check"]);
    nothing.worked(&format!("{file} is not there, which is as good as an empty one.\n"));
    home.run(&["--config", "/nowhere.toml", "config", "check"]).failed(2, &["there is no configuration /nowhere.toml"]);
    home.configure(SOUND);
    home.run(&["config", "check"]).worked(&format!("{file} is sound: 1 profile.\n"));

    home.configure(&format!("{SOUND}client_secret_file = \"secret\"\n[providers.corp]\nkind = \"standard\"\nissuer = \"https://x.example\"\n"));
    let odd = home.run(&["config", "check"]);
    assert_eq!(odd.code, 0, "{odd:?}");
    for line in
        [":5:1: warning: `profiles.work`: `client_secret_file` names ", ":6:12: warning: `providers.corp`: no profile"]
    {
        assert!(odd.stdout.contains(&format!("{file}{line}")), "{line:?} is missing: {odd:?}");
    }
    let json = home.run(&["config", "check", "--json"]).json();
    assert_eq!((&json["sound"], json["warnings"].as_array().map(Vec::len)), (&json!(true), Some(2)));

    home.configure(
        "colour = 1\n[profiles.a]\nprovider = \"zoho\"\nscope = 1\n[screen.keys.profiles]\nrefresh = [\"F99\"]\n",
    );
    let broken = home.run(&["config", "check"]);
    assert_eq!((broken.code, broken.stderr.as_str()), (2, ""), "{broken:?}");
    for line in [
        ":1:1: mistake: unknown key `colour`",
        ":2:11: mistake: `profiles.a`: `client_id` is missing",
        ":4:1: mistake: unknown key `scope`",
        ":6:1: mistake: `screen.keys.profiles.refresh`: \"F99\" is no key",
        " has 4 mistakes",
    ] {
        assert!(broken.stdout.contains(&format!("{file}{line}")), "{line:?} is missing: {broken:?}");
    }
    let json = home.run(&["config", "check", "--json"]);
    assert_eq!(
        (json.code, &json.json()["sound"], json.json()["mistakes"].as_array().map(Vec::len)),
        (2, &json!(false), Some(4))
    );
    home.configure("a = [\nb = \"");
    assert!(home.run(&["config", "check"]).stdout.contains(&format!("{file}:2:")));
}

#[test]
fn a_mistake_in_another_profile_stops_no_script_and_is_told_by_everything_else() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::signed_in(&authority);
    let sound = home.configuration();
    let token = format!("{ACCESS_TOKEN}\n");
    let exec = ["exec", "-p", "work", "sh", "-c", "echo $DEVICE_LOGIN_ACCESS_TOKEN"];
    for mistake in
        ["[profiles.other]\nprovider = \n", "[profiles.other]\nscope = []\n", "[providers.other]\nkind = 1\n"]
    {
        home.configure(&format!("{sound}{mistake}"));
        for arguments in [&["token", "work"][..], &["token", "-p", "work"], &exec] {
            home.run(arguments).worked(&token);
        }
        for arguments in [&["config", "check"][..], &["status"], &["status", "work"], &["refresh", "work"]] {
            let told = home.run(arguments);
            assert!(told.code == 2 && (told.stdout + &told.stderr).contains("config.toml"), "{arguments:?}: {mistake}");
        }
    }
    // What concerns it stops it.
    for mistake in ["colour = 1\n", "store = 5\n", "[screen]\nmouse = 1\n"] {
        let (above, below) = if mistake.starts_with('[') { ("", mistake) } else { (mistake, "") };
        home.configure(&format!("{above}{sound}{below}"));
        home.run(&["token", "work"]).failed(2, &["config.toml is not valid", "line "]);
    }
    home.configure(&sound);
    home.run(&["token", "wrok"]).failed(2, &["there is no profile `wrok`", "work"]);
}

#[cfg(unix)]
#[test]
fn a_check_looks_at_who_else_may_write() {
    let home = Home::new();
    home.configure(SOUND);
    set_mode(home.path("config.toml"), 0o666);
    home.run(&["config", "check"]).failed(2, &["config.toml cannot be read", "chmod"]);
}

/// Reads TOML from stdin, a text for each line of JSON, and tells which of them the schema refuses.
const VALIDATOR: &str = "
import json, sys, tomllib, jsonschema
schema, texts = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print(json.dumps([[error.message for error in validator.iter_errors(tomllib.loads(text))] for text in texts]))
";

/// What the schema has against each text.
fn refused(texts: &[String]) -> Vec<Vec<String>> {
    let schema = Home::new().run(&["config", "schema"]).json();
    // What Debian has for Python is seen by Debian's Python alone.
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", VALIDATOR])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tests/run installs python3");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(json!([schema, texts]).to_string().as_bytes()).expect("it reads");
    drop(stdin);
    let ran = ran(child);
    assert_eq!(ran.code, 0, "tests/run installs python3-jsonschema: {ran:?}");
    serde_json::from_str(&ran.stdout).expect("lists")
}

#[test]
fn the_schema_takes_what_the_documents_show_and_refuses_what_the_program_does() {
    let mut examples = vec![String::new(), SOUND.to_owned()];
    let documents = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).expect("documents").flatten();
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md").into();
    for path in documents.map(|entry| entry.path()).chain([readme]) {
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).expect("a document");
            let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
            examples.extend(blocks.map(str::to_owned));
        }
    }
    assert!(examples.len() >= 6, "{examples:#?}");
    for (text, errors) in examples.iter().zip(refused(&examples)) {
        assert!(errors.is_empty(), "{errors:?}:\n{text}");
    }
    let wrong: Vec<String> = [
        "colour = 1",
        "default_profile = \"../x\"",
        "store_cache = 3601",
        "store = \"redis:x\"",
        "key_command = \"x\"",
        "[profiles.a]\nprovider = \"zoho\"",
        "[profiles.a]\nprovider = \"zoho\"\nclient_id = \"x\"\nscope = []",
        "[profiles.a]\nprovider = \"zoho\"\nclient_id = \"x\"\nscopes = \"a\"",
        "[profiles.a]\nprovider = \"zoho\"\nclient_id = \"x\"\nclient_type = \"browser\"",
        "[profiles.\"../x\"]\nprovider = \"zoho\"\nclient_id = \"x\"",
        "[providers.p]\nissuer = \"https://x.example\"",
        "[providers.p]\nkind = \"other\"",
        "[providers.p]\nkind = \"standard\"\nissuer = \"https://x.example\"\nclient_authentication = \"jwt\"",
        "[screen]\ntheme = \"pink\"",
        "[screen.keys.profiles]\nrefresh = \"R\"",
    ]
    .map(str::to_owned)
    .to_vec();
    let home = Home::new();
    for (text, errors) in wrong.iter().zip(refused(&wrong)) {
        assert!(!errors.is_empty(), "the schema takes:\n{text}");
        home.configure(text);
        assert_eq!(home.run(&["config", "check"]).code, 2, "the program takes:\n{text}");
    }
}

#[test]
fn the_schema_and_the_program_take_the_same_spellings() {
    let client_type = |word| format!("{SOUND}client_type = {word:?}\n");
    let words =
        ["Server-based Applications", "server_based", " Mobile ", "DESKTOP", "mobile based", "Self Client Application"];
    let others = ["server", "", "browser", "non--browser", "desktops", "applications", "mobile-applicationss"];
    let kind = |word| format!("[providers.p]\nkind = {word:?}\nhost = \"id.example.com\"\n");
    let above = |line: &str| line.to_owned();
    let texts: Vec<String> = words
        .into_iter()
        .chain(others)
        .map(client_type)
        .chain(["okta", "Okta", "zohoo", ""].map(kind))
        .chain(
            ["store_cache = 0", "store_cache = -1", "store_cache = 3600", "store_cache = 1.5", "store_cache = true"]
                .map(above),
        )
        .chain(["store = \"memory:\"", "store = \"Memory:\"", "store = \"x\"", "store = \"\"", "store = 5"].map(above))
        .chain(["key_command = [\"pass\"]", "key_command = []", "key_command = [5]"].map(above))
        .chain(["dark", "high-contrast", "Dark", "high_contrast"].map(|word| format!("[screen]\ntheme = {word:?}\n")))
        .chain(["full", "reduced", "none"].map(|word| format!("[screen]\nmotion = {word:?}\n")))
        .chain(["a", "A.b-c_d", "-a", "a b", ""].map(|name| SOUND.replace("work", &format!("{name:?}"))))
        .collect();
    let home = Home::new();
    let mut taken = 0;
    for (text, errors) in texts.iter().zip(refused(&texts)) {
        home.configure(text);
        let ran = home.run(&["config", "check"]);
        assert_eq!(ran.code == 0, errors.is_empty(), "{text}: {errors:?} {ran:?}");
        taken += usize::from(errors.is_empty());
    }
    assert!(taken > words.len() && taken < texts.len());
}

#[test]
fn every_key_of_the_schema_is_documented() {
    fn keys(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                if let Some(Value::Object(properties)) = members.get("properties") {
                    found.extend(properties.keys().cloned());
                }
                members.values().for_each(|value| keys(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }
    let document = include_str!("../../docs/configuration.md");
    let mut found = Vec::new();
    keys(&Home::new().run(&["config", "schema"]).json(), &mut found);
    assert!(found.len() > 35, "{found:?}");
    for key in found {
        assert!(document.contains(&key), "`{key}` is not in docs/configuration.md");
    }
}

#[test]
fn profiles_are_told_to_scripts_without_secrets() {
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = Home::signed_in(&authority);
    home.write("secret", CLIENT_SECRET);
    let add =
        ["profile", "add", "ops", "--provider", "zoho", "--data-center", "eu", "--client-id", "1", "--scopes", "a.b,c"];
    assert_eq!(home.run(&add).code, 0);
    let list = home.run(&["profile", "list", "--json"]).json();
    assert_eq!(list["schema_version"], 1);
    let expected = json!({
        "name": "ops", "default": false, "provider": "zoho", "data_center": "eu", "client_id": "1",
        "client_type": "non-browser", "client_secret": {"source": "none"}, "scopes": ["a.b", "c"], "allowed_origins": [],
        "git_hosts": [],
    });
    assert_eq!(list["profiles"][0], expected);
    assert_eq!(list["profiles"][1]["name"], "work");
    assert_eq!(list["profiles"][1]["client_secret"], json!({"source": "store"}));
    let empty = Home::new().run(&["profile", "list", "--json"]).json();
    assert_eq!(empty, json!({"schema_version": 1, "profiles": []}));

    let work = home.run(&["profile", "show", "work", "--json"]);
    let told = work.json();
    assert_eq!(
        (&told["profile"]["name"], &told["state"], &told["secret_in_store"]),
        (&json!("work"), &json!("valid"), &json!(true))
    );
    assert_eq!((&told["named_by"], &told["configuration"]["named_by"]), (&json!("named"), &json!("DEVICE_LOGIN_HOME")));
    assert_eq!(told["store"]["named_by"], "default");
    let flagged = home.run(&["-p", "work", "profile", "show", "--json"]).json();
    assert_eq!(flagged["named_by"], "--profile");
    assert!(!work.stdout.contains("sentinel"), "{work:?}");
    let nobody = home.run(&["profile", "show", "nobody", "--json"]);
    assert_eq!((nobody.code, &nobody.json()["error"]["code"]), (2, &json!("unknown_profile")));

    let mut command = home.command(&["profile", "show"]);
    command.env("DEVICE_LOGIN_PROFILE", "ops").env("DEVICE_LOGIN_CLIENT_SECRET", CLIENT_SECRET);
    let shown = ran(command.spawn().expect("the program starts")).stdout;
    for part in [
        "ops (by `DEVICE_LOGIN_PROFILE`)",
        "zoho (built in)",
        "in the variable DEVICE_LOGIN_CLIENT_SECRET, which beats the profile",
        "(by `DEVICE_LOGIN_HOME`)",
    ] {
        assert!(shown.contains(part), "{part:?} is missing: {shown}");
    }
}

#[test]
fn a_profile_that_nobody_can_be_asked_for_names_what_to_give() {
    let home = Home::new();
    for (arguments, missing) in [
        (&["profile", "add"][..], "NAME, --provider, --client-id are missing"),
        (&["profile", "add", "work"], "--provider, --client-id are missing"),
        (&["profile", "add", "work", "--provider", "zoho"], "--client-id is missing"),
    ] {
        home.run(arguments).failed(2, &["no profile was added", missing, "`NAME --provider PROVIDER --client-id ID`"]);
    }
    assert!(!home.path("config.toml").exists());
}

#[test]
fn a_profile_whose_configuration_is_away_is_told_with_where_it_was_looked_for_and_what_its_removal_leaves() {
    type Leaves = fn(&mut Record);
    let cases: [(Leaves, &str, &str); 3] = [
        (|_| (), "the profile is signed in", "It was signed in, and its grant was not revoked"),
        (
            |record| record.to_revoke.extend(record.grant.take().map(|grant| RevocationNote::of(&grant, "client-1"))),
            "with a grant that is not revoked yet",
            "The grant of an earlier sign-in was not revoked",
        ),
        (|record| record.grant = None, "the store still has its record", ""),
    ];
    for (leaves, said, told) in cases {
        let home = Home::new();
        home.sign_in_at("https://id.example", |_| ());
        home.change("work", leaves);
        for configuration in [None, Some("[profiles.other]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\n")] {
            let _ = std::fs::remove_file(home.path("config.toml"));
            if let Some(text) = configuration {
                home.configure(text);
            }
            let file = home.path("config.toml").display().to_string();
            let is_away = if configuration.is_none() { " is not there" } else { " was read" };
            let place = file + is_away;
            let checked = home.run(&["store", "check"]);
            assert!(checked.stdout.contains("no such profile is configured; "), "{checked:?}");
            for ran in [&["profile", "remove", "work"][..], &["logout", "work"]].map(|words| home.run(words)) {
                ran.failed(2, &["there is no profile `work`", &place, said]);
                for said in [&ran.stderr, &checked.stdout] {
                    assert!(said.contains("profile remove work --force"), "{said}");
                    assert_eq!(said.contains("bring the configuration back"), configuration.is_none(), "{said}");
                    assert_eq!(said.contains("which revokes nothing"), !told.is_empty(), "{said}");
                }
            }
        }
        let ran = home.run(&["profile", "remove", "work", "--force"]);
        assert!(ran.code == 0 && ran.stderr.contains(told) && ran.stderr.is_empty() == told.is_empty(), "{ran:?}");
        home.run(&["profile", "remove", "work", "--force"]).failed(2, &["there is no profile"]);
    }
}

#[test]
fn a_change_loses_nothing_of_a_file_that_is_not_found_for_a_moment() {
    let text = "[providers.corp]\nkind = \"standard\"\nissuer = \"https://id.example\"\n[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\n\
                [profiles.other]\nprovider = \"corp\"\nclient_id = \"B\"\nscopes = [\"a\"]\n";
    let mut struck = 0;
    for arguments in [
        &["profile", "remove", "work", "--force"][..],
        &["profile", "rename", "work", "new"],
        &["profile", "use", "other"],
        &["profile", "edit", "other", "--scopes", "b"],
    ] {
        let home = Home::new();
        home.configure(text);
        let reads = points(&home, &Act::new(arguments)).into_iter().filter(|point| {
            let is_look = matches!(point.call.as_str(), "openat" | "statx" | "newfstatat");
            is_look && format!("{point:?}").contains("\"config.toml\"")
        });
        for point in reads {
            home.configure(text);
            let fault = Fault { point, effect: "error=ENOENT".to_owned() };
            let (is_struck, ran) = strike(&home, &Act::new(arguments), &fault);
            let now = home.configuration();
            let is_kept = now.contains("[providers.corp]") && now.contains("[profiles.other]");
            assert!(is_kept, "{arguments:?}, {fault:?}: {ran:?}\n{now}");
            struck += usize::from(is_struck);
        }
    }
    assert!(struck > 9, "{struck}");
}

#[test]
fn a_change_without_its_lock_is_made_only_where_there_are_no_locks() {
    let home = Home::new();
    for (call, error, code) in [
        ("openat", "EMFILE", 9),
        ("openat", "ENFILE", 9),
        ("openat", "EACCES", 0),
        ("flock", "EINTR", 0),
        ("flock", "ENOLCK", 0),
        ("flock", "EOPNOTSUPP", 0),
    ] {
        home.configure("[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\n");
        let before = home.configuration();
        let fault = Fault { point: Point::first(call, "config.toml.lock"), effect: format!("error={error}") };
        let (is_struck, ran) = strike(&home, &Act::new(&["profile", "use", "work"]), &fault);
        assert_eq!((is_struck, ran.code, home.configuration() != before), (true, code, code == 0), "{error}: {ran:?}");
        assert!(code == 0 || ran.stderr.contains("`ulimit -n`"), "{ran:?}");
    }
}

#[test]
fn what_is_mistaken_is_not_told_as_missing_too() {
    let home = Home::new();
    let scopes = "scopes = [\"ZohoCRM.users.READ\"]\n";
    for (mistaken, said) in [
        ("scopes = \"a,b\"\n", "`scopes`"),
        ("scopes = 1\n", "`scopes`"),
        ("scops = [\"a\"]\n", "unknown key `scops`"),
        ("scopes = [\"AaaServer.profile.READ\", 1]\n", "`scopes`"),
        ("scopes = [\"a\\u200b\"]\n", "`scopes`: `a<U+200B>` is no scope"),
        ("scopes = [\"ZohoCRM.users.READ\"]\nclient_type = \"server-based\"\nredirect_uri = 1\n", "`redirect_uri`"),
    ] {
        home.configure(&SOUND.replace(scopes, mistaken));
        let ran = home.run(&["config", "check"]);
        assert!(ran.code == 2 && ran.stdout.contains(said), "{mistaken}: {ran:?}");
        assert!(!ran.stdout.contains("warning: "), "{mistaken}: {ran:?}");
    }
}

#[test]
fn a_default_that_is_not_there_is_told_with_the_command_that_mends_it() {
    let home = Home::new();
    let helps = "`device-login profile use NAME` makes another one the default";
    let work = "[profiles.work]\nprovider = \"github\"\nclient_id = \"x\"\n";
    for (text, is_mended) in [
        (format!("default_profile = \"gone\"\n{work}"), true),
        (format!("default_profile = \"../x\"\n{work}"), false),
        ("default_profile = \"gone\"\n".to_owned(), false),
    ] {
        home.configure(&text);
        for command in [&["status"][..], &["token"], &["profile", "list"]] {
            let ran = home.run(command);
            assert_eq!((ran.code, ran.stderr.contains(helps)), (2, is_mended), "{text}: {ran:?}");
        }
        assert_eq!(home.run(&["profile", "use", "work"]).code == 0, is_mended, "{text}");
        assert_eq!(home.run(&["profile", "list"]).code == 0, is_mended, "{text}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_device_that_stands_for_no_configuration_is_not_replaced_by_one() {
    use std::os::unix::fs::FileTypeExt;

    let home = Home::new();
    let (device, link) = (home.path("null"), home.path("link"));
    let made = Command::new("mknod").arg(&device).args(["c", "1", "3"]).output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!("not tried: this user may make no devices");
        return;
    }
    std::os::unix::fs::symlink(&device, &link).expect("a link");
    for named in [&device, &link] {
        let named = named.to_str().expect("a path");
        let add = ["--config", named, "profile", "add", "x", "--provider", "github", "--client-id", "c"];
        home.run(&add).failed(2, &[&format!("{named} cannot be written: it is not a regular file")]);
    }
    assert!(fs::metadata(&device).expect("it is there").file_type().is_char_device());
    assert!(!home.path("null.lock").exists());
}
