//! Files that hold secrets or steer where they go, as somebody else may have left them: each kind of file in each situation,
//! for a user who is not root.

use std::fs;
use std::os::unix::fs::{chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, Ran, configuration, is_root, ran, set_mode};

/// Who runs the program.
const USER: u32 = 4242;
/// Somebody else, and a group that the user is not in.
const OTHER: u32 = 65_534;

/// A file by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Configuration,
    Key,
    ClientSecret,
    DataCenterSecret,
    Record,
    Authorities,
}

const KINDS: [Kind; 6] =
    [Kind::Configuration, Kind::Key, Kind::ClientSecret, Kind::DataCenterSecret, Kind::Record, Kind::Authorities];

impl Kind {
    fn is_secret(self) -> bool {
        !matches!(self, Kind::Configuration | Kind::Authorities)
    }

    /// Where the program does not write it itself, a file of root's may stand for it.
    fn is_handed_over(self) -> bool {
        self != Kind::Record
    }
}

/// A world in which one file of this kind is all that may be wrong, in a directory of its own.
struct World {
    kind: Kind,
    home: Home,
    authority: Authority,
}

impl World {
    fn new(kind: Kind) -> Self {
        let authority = Authority::start(|asked| match asked.path.as_str() {
            "/token" => (200, r#"{"access_token":"new-token","token_type":"Bearer","expires_in":3600}"#.to_owned()),
            _ => (500, String::new()),
        });
        let home = Home::signed_in(&authority);
        let world = Self { kind, home, authority };
        world.place();
        let given = Command::new("chown").arg("-R").arg(format!("{USER}:{USER}")).arg(world.home.path("")).status();
        assert!(given.expect("chown runs").success());
        world
    }

    fn directory(&self) -> PathBuf {
        self.home.path("kept")
    }

    /// The file that the situation is about.
    fn file(&self) -> PathBuf {
        match self.kind {
            Kind::Record => self.home.path("state/work.record"),
            _ => self.directory().join("file"),
        }
    }

    fn place(&self) {
        fs::create_dir(self.directory()).expect("a directory");
        set_mode(self.directory(), 0o755);
        let text = configuration(&self.authority.origin());
        let secret =
            |line: &str| self.home.configure(&text.replace("[profiles.work]\n", &format!("[profiles.work]\n{line}\n")));
        match self.kind {
            Kind::Configuration => fs::rename(self.home.path("config.toml"), self.file()).expect("it is there"),
            Kind::Key => fs::rename(self.home.path("key"), self.file()).expect("it is there"),
            Kind::ClientSecret => {
                write(&self.file(), CLIENT_SECRET);
                secret("client_secret_file = \"kept/file\"");
            }
            Kind::DataCenterSecret => {
                write(&self.file(), CLIENT_SECRET);
                secret("client_secret_files = { eu = \"kept/file\" }");
            }
            Kind::Authorities => {
                write(&self.file(), "-----BEGIN CERTIFICATE-----\n");
                self.home.configure(&text.replace("http://127.0.0.1", "https://127.0.0.1"));
            }
            Kind::Record => {}
        }
        set_mode(self.file(), 0o600);
    }

    /// Runs what uses the file.
    fn used(&self) -> Ran {
        let file = self.file();
        let file = file.to_str().expect("a path");
        let command = match self.kind {
            Kind::Configuration => self.home.command(&["token", "--config", file]),
            Kind::Authorities => self.home.command(&["login", "--plain", "--ca-cert", file]),
            // For the stored token no client's secret is needed.
            Kind::ClientSecret | Kind::DataCenterSecret => self.home.command(&["token", "--force"]),
            Kind::Key | Kind::Record => self.home.command(&["token"]),
        };
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Ran {
        if self.kind == Kind::Key {
            command.env("DEVICE_LOGIN_KEY_FILE", self.file());
        }
        ran(command.uid(USER).gid(USER).spawn().expect("the program starts"))
    }

    fn assert_taken(&self, situation: &str) {
        let ran = self.used();
        let taken = match self.kind {
            // What is in it is no certificate, which is found after it was opened.
            Kind::Authorities => ran.stderr.contains("holds no certificate") || ran.stderr.contains("is no PEM file"),
            _ => ran.code == 0 && (ran.stdout.contains(ACCESS_TOKEN) || ran.stdout.contains("new-token")),
        };
        assert!(taken, "{:?}, {situation}: {ran:?}", self.kind);
        // Whoever runs it every minute would be told by mail.
        assert!(self.kind == Kind::Authorities || ran.stderr.is_empty(), "{:?}, {situation}: {ran:?}", self.kind);
    }

    #[track_caller]
    fn assert_refused(&self, situation: &str, parts: &[&str]) {
        let asked = self.authority.log().len();
        let ran = self.used();
        let code = if matches!(self.kind, Kind::Key | Kind::Record) { 9 } else { 2 };
        assert_eq!(ran.code, code, "{:?}, {situation}: {ran:?}", self.kind);
        for part in parts {
            assert!(ran.stderr.contains(part), "{:?}, {situation}: {part:?} is missing: {ran:?}", self.kind);
        }
        assert!(
            !ran.stdout.contains("token") && self.authority.log().len() == asked,
            "{:?}, {situation}: {ran:?}",
            self.kind
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "tests write what the program has to judge")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("it can be written");
}

fn give(path: &Path, user: u32, group: u32, mode: u32) {
    chown(path, Some(user), Some(group)).expect("root may");
    set_mode(path, mode);
}

#[test]
fn a_file_is_used_by_whose_it_is_and_who_may_write_or_read_it() {
    if !is_root() {
        return;
    }
    for kind in KINDS {
        let world = World::new(kind);
        let file = world.file();
        let in_secret = |advice: &'static str| if kind.is_secret() { "run `chmod 600 " } else { advice };
        world.assert_taken("own, for itself");
        give(&file, USER, OTHER, 0o666);
        world.assert_refused("own, writable by all", &[in_secret("run `chmod go-w ")]);
        give(&file, USER, OTHER, 0o664);
        world.assert_refused("own, writable by another group", &[in_secret("run `chmod go-w ")]);
        for (group, mode) in [(USER, 0o664), (OTHER, 0o644)] {
            give(&file, USER, group, mode);
            if kind.is_secret() {
                world.assert_refused("own, readable by others", &["others can get at it", "run `chmod 600 "]);
            } else {
                world.assert_taken("own, readable by others");
            }
        }
        give(&file, OTHER, USER, 0o644);
        world.assert_refused("another user's", &["belongs to user id 65534"]);
        for (group, mode) in [(USER, 0o440), (0, 0o444), (0, 0o644), (USER, 0o660)] {
            give(&file, 0, group, mode);
            if kind.is_handed_over() {
                world.assert_taken(&format!("root's with {mode:o}"));
            }
        }
        for (group, mode) in [(0, 0o666), (OTHER, 0o664), (0, 0o664)] {
            give(&file, 0, group, mode);
            let situation = format!("root's, writable by others with {mode:o}");
            world.assert_refused(&situation, &["others can change it", "have root run `chmod go-w "]);
        }
    }
}

#[test]
fn links_are_followed_where_nobody_else_made_them() {
    if !is_root() {
        return;
    }
    for kind in KINDS {
        let world = World::new(kind);
        let (file, elsewhere) = (world.file(), world.home.path("elsewhere"));
        fs::rename(&file, &elsewhere).expect("it is there");
        symlink(&elsewhere, &file).expect("a link");
        for (owner, is_taken) in [(0, true), (USER, true), (OTHER, false)] {
            lchown(&file, Some(owner), Some(owner)).expect("root may");
            let situation = format!("a link of user {owner}");
            if is_taken {
                world.assert_taken(&situation);
            } else {
                world.assert_refused(&situation, &["belongs to user id 65534"]);
            }
        }
    }
}

#[test]
fn every_directory_above_is_judged_where_links_lead_as_well() {
    if !is_root() {
        return;
    }
    for kind in KINDS.into_iter().filter(|kind| *kind != Kind::Record) {
        let world = World::new(kind);
        let directory = world.directory();
        let shown = format!("`chmod go-w {}`", directory.display());
        for (user, group, mode, refusal) in [
            (USER, OTHER, 0o777, Some(shown.as_str())),
            (USER, OTHER, 0o775, Some(&shown)),
            (0, 0, 0o775, Some(&shown)),
            (OTHER, USER, 0o755, Some("belongs to user id 65534")),
            (USER, USER, 0o775, None),
            (0, USER, 0o1777, None),
            (0, 0, 0o755, None),
        ] {
            give(&directory, user, group, mode);
            let situation = format!("in a directory of {user}:{group} with {mode:o}");
            match refusal {
                Some(part) => world.assert_refused(&situation, &[part]),
                None => world.assert_taken(&situation),
            }
        }
        // A link leads past a directory that others can write to.
        let open = world.home.path("open");
        fs::create_dir(&open).expect("a directory");
        give(&open, USER, USER, 0o777);
        fs::rename(world.file(), open.join("file")).expect("it is there");
        symlink(open.join("file"), world.file()).expect("a link");
        world.assert_refused("by a link into an open directory", &["others can replace what is in it"]);
    }
}

#[test]
fn what_kubernetes_projects_is_taken() {
    if !is_root() {
        return;
    }
    for kind in KINDS.into_iter().filter(|kind| kind.is_handed_over()) {
        let world = World::new(kind);
        let (file, directory) = (world.file(), world.directory());
        let dated = directory.join("..2026_11_29_18_00_00.1");
        fs::create_dir(&dated).expect("a directory");
        fs::rename(&file, dated.join("file")).expect("it is there");
        symlink("..2026_11_29_18_00_00.1", directory.join("..data")).expect("a link");
        symlink("..data/file", &file).expect("a link");
        give(&dated.join("file"), 0, USER, 0o440);
        give(&dated, 0, USER, 0o755);
        give(&directory, 0, USER, 0o1777);
        world.assert_taken("a projected volume");
    }
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    if !is_root() {
        return;
    }
    for kind in KINDS {
        let world = World::new(kind);
        let file = world.file();
        fs::remove_file(&file).expect("it is there");
        let made = Command::new("mkfifo").arg("-m600").arg(&file).status();
        assert!(made.expect("mkfifo runs").success());
        give(&file, USER, USER, 0o600);
        world.assert_refused("a named pipe", &["it is not a regular file"]);
        fs::remove_file(&file).expect("it is there");
        fs::create_dir(&file).expect("a directory");
        give(&file, USER, USER, 0o700);
        world.assert_refused("a directory", &["it is not a regular file"]);
        fs::remove_dir(&file).expect("it is there");
        symlink("/dev/null", &file).expect("a link");
        if kind.is_secret() {
            world.assert_refused("a device", &["it is not a regular file"]);
        }
    }
}

#[test]
fn a_secret_of_roots_that_all_can_read_is_told_by_status_alone() {
    if !is_root() {
        return;
    }
    for kind in [Kind::Key, Kind::ClientSecret, Kind::DataCenterSecret] {
        let world = World::new(kind);
        let file = world.file();
        let advice = format!("have root run `chmod o-r {}`", file.display());
        let told = || world.run(world.home.command(&["status"]));
        give(&file, 0, USER, 0o440);
        let ran = told();
        assert!(ran.code == 0 && !ran.stdout.contains(&advice), "{ran:?}");
        give(&file, 0, 0, 0o444);
        let ran = told();
        assert!(ran.code == 0 && ran.stdout.matches(&advice).count() == 1, "{ran:?}");
        assert_eq!(kind == Kind::Key, ran.stdout.contains("others can read the key (L0)"), "{ran:?}");
        let json = world.run(world.home.command(&["status", "--json"])).json();
        assert!(json["profiles"][0]["warnings"].to_string().contains("chmod o-r"), "{json}");
    }
}

#[test]
fn authorities_in_place_of_the_systems_are_judged_as_well() {
    if !is_root() {
        return;
    }
    let world = World::new(Kind::Authorities);
    let login = |variable: &str, path: &Path| {
        let mut command = world.home.command(&["login", "--plain"]);
        command.env(variable, path);
        world.run(command)
    };
    for (variable, path, mode) in [
        ("SSL_CERT_FILE", world.file(), 0o666),
        ("SSL_CERT_FILE", world.home.path("nothing"), 0),
        ("SSL_CERT_DIR", world.directory(), 0o777),
    ] {
        if mode > 0 {
            set_mode(&path, mode);
        }
        login(variable, &path).failed(2, &[&format!("`{variable}` names {}", path.display())]);
        assert!(world.authority.log().is_empty());
        if mode > 0 {
            set_mode(&path, mode & 0o755);
        }
    }
}

#[test]
fn advice_changes_nothing_that_is_not_this_programs_own() {
    let home = Home::new();
    let key = home.write("key", &"7".repeat(64));
    set_mode(&key, 0o644);
    let key = key.display().to_string();
    for (variable, place, advice) in [
        ("DEVICE_LOGIN_STORE", "file:/etc", "name a directory that is for this alone"),
        ("DEVICE_LOGIN_STORE", "file:/", "name a directory that is for this alone"),
        ("DEVICE_LOGIN_STORE", "file:/tmp", "name a directory that is for this alone"),
        ("DEVICE_LOGIN_STORE", "plain:/usr/lib", "name a directory that is for this alone"),
        ("DEVICE_LOGIN_STORE", "file:/dev/null", "name another"),
        ("DEVICE_LOGIN_STORE", "file:/dev/null/below", "in a directory that is one"),
        ("DEVICE_LOGIN_KEY_FILE", "/etc/passwd", ""),
        ("DEVICE_LOGIN_KEY_FILE", &key, "run `chmod 600 "),
    ] {
        home.configure("[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\n");
        let mut command = home.command(&["store", "init"]);
        command.env(variable, place);
        let ran = ran(command.spawn().expect("it starts"));
        assert!(ran.code == 9 && ran.stderr.contains(advice), "{variable}={place}: {ran:?}");
        let is_own = place.starts_with(&home.path("").display().to_string());
        assert_eq!(ran.stderr.contains("chmod"), is_own, "{variable}={place}: {ran:?}");
    }
}
