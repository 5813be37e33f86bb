//! A store of which something cannot be written, deleted or made as it is meant.

#![expect(clippy::print_stdout, reason = "tells what was not looked at")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use device_login::secret::Secret;
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::faults::{Act, Fault, Point, strike};
use crate::support::program::{Home, REFRESH_TOKEN, Ran, configuration, is_root, ran, set_mode};
use crate::support::small_disk::{SmallDisk, fill};

/// A user for whom modes count.
const NOBODY: u32 = 65534;

/// A provider that revokes everything.
fn provider() -> Authority {
    Authority::start(|asked| match asked.path.as_str() {
        "/device" => {
            let code = json!({"device_code": "D", "user_code": "ABCD", "verification_uri": "http://127.0.0.1/", "interval": 1});
            (200, code.to_string())
        }
        "/revoke" => (200, String::new()),
        "/token" if asked.body.contains("grant_type=refresh_token") => {
            (200, json!({"access_token": "AT", "expires_in": 3600}).to_string())
        }
        "/token" => (400, json!({"error": "authorization_pending"}).to_string()),
        _ => (200, json!({"sub": "77"}).to_string()),
    })
}

/// Gives a home and all that is in it to somebody who is not root.
fn give_away(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            give_away(&entry.path());
        }
        chown(entry.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
}

fn as_nobody(home: &Home, arguments: &[&str]) -> Ran {
    let mut command = home.command(arguments);
    command.uid(NOBODY).gid(NOBODY).current_dir("/");
    ran(command.spawn().expect("the program starts"))
}

type Break = fn(&Home);

#[test]
fn a_logout_revokes_whatever_cannot_be_deleted_and_says_which_of_both_worked() {
    if !is_root() {
        return;
    }
    let cases: [(&str, Break, i32); 8] = [
        ("nobody may look into the spare place", |home| set_mode(home.path("spare"), 0), 0),
        ("the spare place is root's", |home| chown(home.path("spare"), Some(0), Some(0)).expect("root may"), 0),
        (
            "the spare place is root's, and can be searched",
            |home| {
                chown(home.path("spare"), Some(0), Some(0)).expect("root may");
                set_mode(home.path("spare"), 0o711);
            },
            0,
        ),
        (
            "the spare place is a link to itself",
            |home| {
                fs::remove_dir(home.path("spare")).expect("it is empty");
                symlink("spare", home.path("spare")).expect("it is free");
            },
            0,
        ),
        (
            "the spare place is a file",
            |home| {
                fs::remove_dir(home.path("spare")).expect("it is empty");
                home.write("spare", "");
            },
            0,
        ),
        ("nothing can be written beside the record", |home| set_mode(home.path("state"), 0o500), 9),
        (
            "nothing can be written at all",
            |home| {
                set_mode(home.path("state"), 0o500);
                set_mode(home.path("spare"), 0o500);
            },
            9,
        ),
        (
            "a damaged record that was set aside is a directory",
            |home| fs::create_dir(home.path("state/work.record.corrupt-1")).expect("it is free"),
            0,
        ),
    ];
    for (case, spoil, code) in cases {
        let authority = provider();
        let home = Home::signed_in(&authority);
        fs::create_dir_all(home.path("spare")).expect("a directory");
        set_mode(home.path("spare"), 0o700);
        set_mode(home.path(""), 0o700);
        give_away(&home.path(""));
        spoil(&home);
        let logout = as_nobody(&home, &["logout"]);
        assert_eq!((logout.code, authority.count("/revoke")), (code, 1), "{case}: {logout:?}");
        let says_so = logout.stdout.contains("Revoked: ") || logout.stderr.contains("the grant was revoked");
        assert!(says_so, "{case}: {logout:?}");
        assert_eq!(logout.stdout.contains("Forgotten: "), code == 0, "{case}: {logout:?}");
        set_mode(home.path("state"), 0o700);
        if code != 0 {
            // The next one ends it.
            let _ = fs::remove_file(home.path("spare"));
            let _ = as_nobody(&home, &["logout"]);
        }
        assert_eq!(as_nobody(&home, &["token"]).code, 4, "{case}");
    }
}

/// A disk of its own with a profile that is signed in; `None` where this user may not mount one.
fn signed_in_on_small_disk(authority: &Authority) -> Option<SmallDisk> {
    let Some(disk) = SmallDisk::mount() else {
        println!("not looked at: this user may not mount a disk of its own");
        return None;
    };
    disk.configure(&configuration(&authority.origin()));
    let signed_in = disk.run(&["login", "work", "--import"], REFRESH_TOKEN);
    assert_eq!(signed_in.code, 0, "{signed_in:?}");
    Some(disk)
}

#[test]
fn a_logout_forgets_on_a_full_disk() {
    for (arguments, revocations) in [(&["logout"][..], 1), (&["logout", "--local"], 0)] {
        let authority = provider();
        let Some(disk) = signed_in_on_small_disk(&authority) else { return };
        fill(&disk.seen_from_outside());
        let logout = disk.run(arguments, "");
        assert_eq!((logout.code, authority.count("/revoke")), (0, revocations), "{logout:?}");
        assert!(logout.stdout.contains("Forgotten: "), "{logout:?}");
        assert_eq!(disk.run(&["token"], "").code, 4, "{logout:?}");
    }
}

#[test]
fn a_logout_on_a_full_disk_deletes_no_older_record_that_is_all_there_is() {
    let authority = provider();
    let Some(disk) = signed_in_on_small_disk(&authority) else { return };
    let record = fs::File::options().write(true).open(disk.seen_from_outside().join("state/work.record"));
    record.and_then(|record| record.set_len(9)).expect("it is there");
    fill(&disk.seen_from_outside());
    disk.run(&["logout"], "").failed(9, &["the grant was revoked at the provider, but is still here"]);
    disk.empty();
    let logout = disk.run(&["logout"], "");
    assert!(logout.code == 0 && logout.stdout.contains("Forgotten: "), "{logout:?}");
}

#[test]
fn a_logout_ends_the_sign_ins_of_other_profiles_that_live_on_the_same_grant() {
    let authority = provider();
    let home = Home::at(&authority);
    let profile = |name: &str| {
        format!("[profiles.{name}]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n")
    };
    home.configure(&format!("{}{}{}", profile("copy"), profile("other"), configuration(&authority.origin())));
    home.sign_in(&authority, |_| {});
    home.sign_in_as("copy", &authority.origin(), |grant| grant.access_token = Secret::new("AT2"));
    home.sign_in_as("other", &authority.origin(), |grant| {
        grant.access_token = Secret::new("AT3");
        grant.refresh_token = Some(Secret::new("RT3"));
    });
    let logout = home.run(&["logout", "work"]);
    assert_eq!(logout.code, 0, "{logout:?}");
    assert!(logout.stdout.contains("the sign-in of profile copy"), "{logout:?}");
    assert!(!logout.stdout.contains("other"), "{logout:?}");
    home.run(&["token", "copy"]).failed(4, &["the logout of profile `work`"]);
    home.run(&["token", "other"]).worked("AT3\n");
    let status = home.run(&["status", "--json"]).json();
    let told: Vec<_> = status["profiles"].as_array().into_iter().flatten().map(|profile| &profile["state"]).collect();
    assert_eq!(told, ["needs_login", "valid", "signed_out"]);
    let why = "the logout of profile `work` ended this sign-in as well";
    assert_eq!(status["profiles"][0]["last_error"], why);
    let said = home.run(&["status", "copy"]).stdout;
    assert_eq!(said.matches(why).count(), 1, "{said}");
}

#[test]
fn what_is_made_can_be_opened_again_whatever_the_umask() {
    if !is_root() {
        return;
    }
    for mask in ["000", "022", "077", "177", "277", "377", "777"] {
        let authority = provider();
        let home = Home::at(&authority);
        give_away(&home.path(""));
        set_mode(home.path(""), 0o700);
        let run = |arguments: &[&str]| {
            let program = home.command(&[]);
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("umask {mask}; exec \"$0\" \"$@\"")]).arg(program.get_program()).args(arguments);
            shell.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("PATH", "/usr/bin:/bin").current_dir("/");
            shell.uid(NOBODY).gid(NOBODY).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            ran(shell.spawn().expect("sh starts"))
        };
        let issued = run(&["login", "--no-wait"]);
        assert_eq!(issued.code, 8, "{mask}: {issued:?}");
        let pending = run(&["login", "--resume", "--no-wait"]);
        assert_eq!(pending.code, 8, "{mask}: {pending:?}");
        let edited = run(&["profile", "edit", "work", "--scopes", "profile"]);
        assert_eq!(edited.code, 0, "{mask}: {edited:?}");
        let mut places = vec![home.path("")];
        while let Some(place) = places.pop() {
            let metadata = place.symlink_metadata().expect("it is there");
            let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(metadata.permissions().mode() & 0o777, wanted, "{mask}: {}", place.display());
            places.extend(fs::read_dir(&place).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
}

#[test]
fn a_working_directory_that_was_closed_is_told() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    fs::create_dir(home.path("closed")).expect("a directory");
    set_mode(home.path(""), 0o700);
    give_away(&home.path(""));
    let program = home.command(&[]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "cd closed && chmod 0 . && exec \"$0\" store init --store file:store"])
        .arg(program.get_program());
    shell.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("PATH", "/usr/bin:/bin").current_dir(home.path(""));
    shell.uid(NOBODY).gid(NOBODY).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(shell.spawn().expect("sh starts")).failed(9, &["Permission denied"]);
}

#[test]
fn a_file_of_ones_own_without_rights_names_the_command_that_gives_them() {
    if !is_root() {
        return;
    }
    for (closed, mode) in [("state", 0o600), ("state", 0), ("state/work.record", 0), ("key", 0), ("config.toml", 0)] {
        let authority = provider();
        let home = Home::signed_in(&authority);
        set_mode(home.path(""), 0o700);
        give_away(&home.path(""));
        set_mode(home.path(closed), mode);
        let token = as_nobody(&home, &["token"]);
        let advice = format!("chmod u+rwX {}", home.path(closed).display());
        assert!(token.stderr.contains(&advice), "{closed} {mode:o}: {token:?}");
    }
}

#[test]
fn a_configuration_that_is_a_link_to_nothing_says_where_it_leads_and_makes_no_directory_there() {
    let home = Home::new();
    symlink("dotfiles/config.toml", home.path("config.toml")).expect("it is free");
    home.run(&["token"]).failed(2, &["config.toml is a link to dotfiles/config.toml, which is not there"]);
    let add = ["profile", "add", "work", "--provider", "zoho", "--client-id", "1000.A", "--scopes", "Desk.basic.READ"];
    home.run(&add).failed(2, &["it is a link to", "dotfiles/config.toml", "that directory is not there"]);
    assert!(!home.path("dotfiles").exists());
    fs::create_dir(home.path("dotfiles")).expect("it is free");
    assert_eq!(home.run(&add).code, 0);
    assert!(home.path("dotfiles/config.toml").is_file() && home.path("config.toml").is_symlink());
}

#[test]
fn a_directory_that_cannot_be_looked_at_is_not_told_as_a_file_of_another_kind() {
    for error in ["EIO", "EACCES", "ESTALE"] {
        let home = Home::new();
        home.configure("");
        fs::create_dir_all(home.path("above/state")).expect("a directory");
        set_mode(home.path("above/state"), 0o700);
        let store = format!("file:{}", home.path("above/state").display());
        let act = Act::new(&["store", "init", "--store", &store]);
        let fault = Fault { point: Point::first("statx", "above"), effect: format!("error={error}") };
        let (is_struck, ran) = strike(&home, &act, &fault);
        assert!(is_struck, "{error}: {ran:?}");
        assert!(ran.code == 9 && ran.stderr.contains("(os error"), "{error}: {ran:?}");
        assert!(!ran.stderr.contains("regular file"), "{error}: {ran:?}");
    }
}

#[test]
fn what_is_no_file_in_the_place_of_the_stores_own_is_to_be_moved_away() {
    let authority = provider();
    let home = Home::signed_in(&authority);
    let path = home.path("state/store.json");
    fs::remove_file(&path).expect("it is there");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
    home.run(&["store", "check"]).failed(9, &["it is not a regular file", "move it away"]);
}

#[test]
fn nobody_is_asked_to_approve_what_could_not_be_asked_for_or_kept() {
    let cases: [(&str, Break); 5] = [
        ("work.poller", |home| fs::create_dir(home.path("state/work.poller")).expect("it is free")),
        ("work.poller", |home| symlink("elsewhere", home.path("state/work.poller")).expect("it is free")),
        ("work.poller", |home| {
            let made = Command::new("mkfifo").arg(home.path("state/work.poller")).status();
            assert!(made.expect("mkfifo runs").success());
        }),
        ("work.room", |home| fs::create_dir(home.path("state/.work.room")).expect("it is free")),
        ("work.lock", |home| fs::create_dir(home.path("state/work.lock")).expect("it is free")),
    ];
    for (name, spoil) in cases {
        let authority = provider();
        let home = Home::at(&authority);
        fs::create_dir(home.path("state")).expect("a directory");
        set_mode(home.path("state"), 0o700);
        spoil(&home);
        let login = home.run(&["login", "--plain", "--timeout", "60s"]);
        login.failed(9, &[name]);
        assert!(!login.stderr.contains("ABCD"), "{name}: {login:?}");
        assert_eq!(authority.count("/token"), 0, "{name}");
    }
}
