//! What becomes of variables whose values cannot be used. `pure` holds that none is left out of the table in the docs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, Home, Ran, ran};

/// In every value that has to stay untold.
const WORD: &str = "sesam";

fn run(home: &Home, arguments: &[&str], name: &str, value: &OsStr) -> Ran {
    ran(home.command(arguments).env(name, value).spawn().expect("the program starts"))
}

fn signed_in() -> (Authority, Home) {
    let authority = Authority::start(|_| (503, String::new()));
    let home = Home::signed_in(&authority);
    (authority, home)
}

#[test]
fn a_value_that_cannot_be_used_is_refused_by_name_and_not_told() {
    let (_authority, home) = signed_in();
    let paths = [
        "DEVICE_LOGIN_HOME",
        "DEVICE_LOGIN_CONFIG",
        "DEVICE_LOGIN_KEY_FILE",
        "DEVICE_LOGIN_PASSPHRASE_FILE",
        "CREDENTIALS_DIRECTORY",
    ];
    let no_paths: [&[u8]; 3] = [b"/sesam\n", b"\"/sesam\"", b"/sesam\xff"];
    let rows = paths.iter().flat_map(|name| no_paths.map(|value| ("token", *name, value)));
    let rows = rows.chain([
        ("token", "DEVICE_LOGIN_PROFILE", b"two sesam".as_slice()),
        ("token", "DEVICE_LOGIN_PROFILE", b"sesam\xff"),
        ("token", "DEVICE_LOGIN_STORE", b"sesam"),
        ("token", "DEVICE_LOGIN_STORE", b"redis:sesam"),
        ("token", "DEVICE_LOGIN_STORE", b"file:"),
        ("token", "DEVICE_LOGIN_STORE", b"file:'/sesam'"),
        ("token", "DEVICE_LOGIN_CLIENT_SECRET", b"sesam\xff"),
        ("token", "DEVICE_LOGIN_CLIENT_SECRET", b"sesam\nsesam"),
        ("refresh", "DEVICE_LOGIN_CLIENT_SECRET", b"ses\x1bsesam"),
    ]);
    for (command, name, value) in rows {
        let value = OsStr::from_bytes(value);
        let ran = run(&home, &[command], name, value);
        ran.failed(2, &[&format!("`{name}`")]);
        assert!(!ran.stderr.contains(WORD), "{name}={value:?}: {ran:?}");
    }
    let refused = run(&home, &["status", "--json"], "DEVICE_LOGIN_STORE", OsStr::new("redis:sesam"));
    assert_eq!((refused.code, refused.json()["error"]["code"].as_str()), (2, Some("config")), "{refused:?}");
}

#[test]
fn a_key_or_passphrase_file_that_is_missing_is_named_with_its_variable() {
    let (_authority, home) = signed_in();
    let empty = Home::at(&Authority::start(|_| (503, String::new())));
    for (name, path) in [("DEVICE_LOGIN_KEY_FILE", "/nope/key"), ("DEVICE_LOGIN_PASSPHRASE_FILE", "/nope/passphrase")] {
        let named = format!("{path} (named by `{name}`)");
        for command in ["token", "refresh", "whoami"] {
            run(&home, &[command], name, OsStr::new(path)).failed(9, &[&named, "missing"]);
        }
        let secret = ["profile", "edit", "work", "--client-secret-stdin"];
        let mut child =
            empty.command(&secret).env(name, path).stdin(std::process::Stdio::piped()).spawn().expect("it starts");
        std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"sesam").expect("it reads");
        ran(child).failed(9, &[&named, "missing"]);
    }
}

#[test]
fn the_variable_of_a_profiles_secret_is_refused_in_the_same_way() {
    let (_authority, home) = signed_in();
    home.configure(&home.configuration().replace("client_id", "client_secret_env = \"WORK_SECRET\"\nclient_id"));
    for value in [b"sesam\nsesam".as_slice(), b"sesam\xff", b""] {
        let ran = run(&home, &["refresh"], "WORK_SECRET", OsStr::from_bytes(value));
        ran.failed(2, &["`WORK_SECRET`"]);
        assert!(!ran.stderr.contains(WORD), "{ran:?}");
    }
}

#[test]
fn places_below_a_home_that_is_none_are_refused() {
    let (_authority, home) = signed_in();
    let absolute = home.path("elsewhere");
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        let mut command = home.command(&["token"]);
        command.env_remove("DEVICE_LOGIN_HOME").env("HOME", &absolute).env(name, "sesam/relative");
        let refused = ran(command.spawn().expect("the program starts"));
        refused.failed(2, &[&format!("`{name}`"), "no absolute path"]);
        assert!(!refused.stderr.contains(WORD), "{refused:?}");
        // Where it is not read, it does not matter.
        run(&home, &["token"], name, OsStr::new("sesam")).worked(&format!("{ACCESS_TOKEN}\n"));
    }
}

#[test]
fn what_only_steers_how_things_are_drawn_falls_back() {
    let (_authority, home) = signed_in();
    let values = [OsString::new(), OsString::from("no such thing"), OsStr::from_bytes(b"\xff\x1b").to_owned()];
    let names = [
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "TERM",
        "COLORTERM",
        "COLORFGBG",
        "LC_ALL",
        "LANG",
        "ACCESSIBLE",
        "COLUMNS",
        "LINES",
        "TMUX",
        "STY",
        "TZ",
        "TMPDIR",
        "BROWSER",
        "DISPLAY",
        "SSH_CONNECTION",
        "USER",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
    ];
    for name in names {
        for value in &values {
            run(&home, &["token"], name, value).worked(&format!("{ACCESS_TOKEN}\n"));
            let status = run(&home, &["status"], name, value);
            assert!(status.code == 0 && status.stdout.contains("work"), "{name}={value:?}: {status:?}");
        }
    }
}

#[test]
fn a_misspelt_variable_is_warned_of() {
    let (_authority, home) = signed_in();
    let ran = run(&home, &["token"], "DEVICE_LOGIN_PROFLIE", OsStr::new("sesam"));
    assert!(
        ran.stderr.contains("warning: the variable `DEVICE_LOGIN_PROFLIE` is not read; `DEVICE_LOGIN_PROFILE`"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains(WORD), "{ran:?}");
    ran.worked(&format!("{ACCESS_TOKEN}\n"));
    let other = run(&home, &["token"], "DEVICE_LOGIN_SERVICE_HOST", OsStr::new("10.0.0.1"));
    assert_eq!(other.stderr, "");
}
