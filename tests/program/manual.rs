//! The manual pages and the completion scripts as packages take them, looked at by Debian's own programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::program::{Home, set_mode};

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("it was made");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn each_command_has_a_page_that_is_sound() {
    let home = Home::new();
    let directory = home.path("man");
    home.run(&["man", "--all", directory.to_str().expect("a path")]).worked("");
    let names = names(&directory);
    for page in ["device-login.1", "device-login-token.1", "device-login-profile-add.1", "device-login-version.1"] {
        assert!(names.iter().any(|name| name == page), "{page} is missing: {names:?}");
    }
    assert!(names.iter().all(|name| !name.contains("__")), "{names:?}");
    for name in &names {
        // The day would make every build another one.
        let linted = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).arg(directory.join(name)).output();
        let said = String::from_utf8_lossy(&linted.expect("mandoc is installed").stdout).into_owned();
        let unsound: Vec<&str> = said.lines().filter(|line| !line.contains("missing date")).collect();
        assert!(unsound.is_empty(), "{name}: {unsound:?}");
        let page = fs::read_to_string(directory.join(name)).expect("it was written");
        for section in
            ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"]
        {
            assert!(page.contains(&format!("\n.SH \"{section}\"\n")), "{name} lacks {section}");
        }
    }
    home.run(&["man"]).worked(&fs::read_to_string(directory.join("device-login.1")).expect("it was written"));
    for named in [&["profile", "add"][..], &["profile-add"], &["device-login-profile-add"]] {
        let one = home.run(&[&["man"], named].concat());
        one.worked(&fs::read_to_string(directory.join("device-login-profile-add.1")).expect("it was written"));
    }
    home.run(&["man", "profile-ad"]).failed(2, &[]);
    assert_eq!(home.run(&["man", "--all", "/dev/null/x"]).code, 2);
}

#[test]
fn a_page_reads_as_the_help_does() {
    let home = Home::new();
    let page = home.write("page", &home.run(&["man", "token"]).stdout);
    let shown = Command::new("mandoc").args(["-Tutf8", "-Owidth=78"]).arg(page).output().expect("mandoc is installed");
    // Bold is a letter printed twice.
    let text = String::from_utf8(shown.stdout).expect("it is text");
    let mut plain = String::new();
    for character in text.chars() {
        if character == '\u{8}' {
            plain.pop();
        } else {
            plain.push(character);
        }
    }
    for part in [
        "device-login-token - Print a valid access token",
        "--min-ttl TIME",
        "Possible values: raw,",
        "--format header",
    ] {
        assert!(plain.contains(part), "{part:?} is missing:\n{plain}");
    }
}

#[test]
fn each_shell_has_a_script_that_it_can_read() {
    let home = Home::new();
    let directory = home.path("shells");
    home.run(&["completions", "--all", directory.to_str().expect("a path")]).worked("");
    assert_eq!(names(&directory), ["_device-login", "device-login", "device-login.fish", "device-login.ps1"]);
    for (shell, name, file) in
        [("bash", "bash", "device-login"), ("zsh", "zsh", "_device-login"), ("fish", "fish", "device-login.fish")]
    {
        let file = directory.join(file);
        let checked = Command::new(shell).arg("-n").arg(&file).output().expect("the shell is installed");
        assert!(checked.status.success() && checked.stderr.is_empty(), "{shell}: {checked:?}");
        home.run(&["completions", name]).worked(&fs::read_to_string(file).expect("it was written"));
    }
    home.run(&["completions"]).failed(2, &["<SHELL>"]);
}

#[test]
fn whoever_presses_tab_is_told_nothing_but_candidates() {
    let home = Home::new();
    let ask = |words: &[&str], variables: &[(&str, &str)]| {
        let arguments: Vec<&str> = ["__complete", "--"].into_iter().chain(words.iter().copied()).collect();
        let mut command = home.command(&arguments);
        let ran = crate::support::program::ran(command.envs(variables.iter().copied()).spawn().expect("it starts"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{words:?}: {ran:?}");
        ran.stdout
    };
    assert!(!ask(&["token", ""], &[]).contains("work"), "there is no configuration");
    let profile = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"x\"\n";
    for (text, has) in [
        (profile.to_owned(), true),
        (format!("colour = 1\n{profile}"), true),
        (format!("{profile}[profiles.\"odd one\"]\n[profiles.a\n[[["), true),
        ("\u{0}".to_owned(), false),
        (String::new(), false),
    ] {
        home.configure(&text);
        for words in [&["token", ""][..], &["-p", ""], &["profile", "show", ""]] {
            assert_eq!(ask(words, &[]).contains("work\t"), has, "{text}");
        }
    }
    home.configure(profile);
    ask(&["token", ""], &[("DEVICE_LOGIN_HOME", " no such place\n"), ("DEVICE_LOGIN_PROFLIE", "x")]);
    ask(&["token", ""], &[("DEVICE_LOGIN_CONFIG", "/dev/null/x")]);
    let elsewhere = home.write("other.toml", &profile.replace("work", "lobby"));
    let elsewhere = elsewhere.to_str().expect("a path");
    assert!(ask(&["--config", elsewhere, "token", ""], &[]).contains("lobby\tzoho"));
    assert!(ask(&["token", &format!("--config={elsewhere}"), "-p", ""], &[]).contains("lobby\tzoho"));
    home.run(&["__complete", "--empty", "--", "profile"]).worked(&ask(&["profile", ""], &[]));
    // Nothing was opened.
    assert!(!home.path("state").exists() && !home.path("key").exists());
}

#[test]
fn what_a_shell_would_run_is_not_offered() {
    let home = Home::new();
    let providers = ["$(touch x)", "`touch x`", "a b", "a;b", "good"];
    let provider = |name| format!("[providers.\"{name}\"]\nkind = \"standard\"\nissuer = \"https://x.example\"\n");
    home.configure(&providers.map(provider).concat());
    let told = home.run(&["__complete", "--", "profile", "add", "x", "--provider", ""]).stdout;
    assert!(told.contains("good\t") && told.contains("zoho\t"), "{told}");
    assert!(!told.contains("touch") && !told.contains("a b") && !told.contains("a;b"), "{told}");
}

#[test]
fn data_centers_are_those_of_the_provider_that_is_meant() {
    let home = Home::new();
    let place = "accounts_server = \"http://127.0.0.1:1\"\napi_domain = \"http://127.0.0.1:1\"\n";
    let profile = |name, provider| format!("[profiles.{name}]\nprovider = \"{provider}\"\nclient_id = \"x\"\n");
    let lab = format!("[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.mars]\n{place}");
    home.configure(&[profile("test", "lab"), profile("work", "zoho"), profile("code", "github"), lab].concat());
    for (line, codes) in [
        ("profile add x --data-center", "us eu"),
        ("profile add x --provider lab --data-center", "mars"),
        ("profile add x --provider=LAB --data-center", "mars"),
        ("profile add x --provider github --data-center", ""),
        ("profile edit work --data-center", "us eu"),
        ("profile edit test --data-center", "mars"),
        ("profile edit code --data-center", ""),
        ("profile edit nobody --data-center", "us eu"),
        ("scopes --data-center", "us eu"),
    ] {
        let words: Vec<&str> = ["__complete", "--"].into_iter().chain(line.split(' ')).chain([""]).collect();
        let told = home.run(&words).stdout;
        let offered: Vec<&str> = told.lines().filter_map(|line| line.split('\t').next()).take(2).collect();
        assert_eq!(offered.join(" "), codes, "{line}");
    }
}

#[cfg(unix)]
#[test]
fn tab_waits_for_no_pipe_and_reads_no_file_that_others_may_write() {
    let home = Home::new();
    let pipe = home.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let foreign = home.write("foreign.toml", "[profiles.foreign]\nprovider = \"zoho\"\nclient_id = \"x\"\n");
    set_mode(&foreign, 0o666);
    for file in [pipe, foreign] {
        for words in [&["token", ""][..], &["profile", "add", "x", "--provider", ""], &["scopes", "--data-center", ""]]
        {
            let file = file.to_str().expect("a path");
            let words: Vec<&str> =
                ["__complete", "--", "--config", file].into_iter().chain(words.iter().copied()).collect();
            let told = home.run(&words);
            assert!(told.code == 0 && told.stderr.is_empty() && !told.stdout.contains("foreign\t"), "{told:?}");
        }
    }
}
