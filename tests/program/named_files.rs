//! Files that people name and that are not what they seem.

use crate::meaning::at_zoho;
use crate::support::authority::Authority;
use crate::support::program::{CLIENT_SECRET, Home, configuration, ran, set_mode};

#[test]
fn a_client_secret_in_the_configuration_is_in_a_regular_file() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::at(&authority);
    let text = configuration(&authority.origin());
    home.configure(&text.replace("[profiles.work]\n", "[profiles.work]\nclient_secret_file = \"/dev/null\"\n"));
    home.run(&["login", "--plain"]).failed(2, &["/dev/null cannot be used: it is not a regular file"]);
}

#[test]
fn a_client_secret_that_is_stored_may_come_through_a_pipe() {
    let home = Home::new();
    let arguments = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1", "--scopes", "a"];
    let added = home.run_with(&[&arguments[..], &["--client-secret-file", "/dev/stdin"]].concat(), CLIENT_SECRET);
    assert_eq!(added.code, 0, "{added:?}");
    let shown = home.run(&["profile", "show"]);
    assert!(shown.stdout.contains("in the store"), "{shown:?}");
}

#[test]
fn profiles_that_are_added_at_once_are_all_added() {
    let home = Home::new();
    let add =
        |name: &str| home.spawn(&["profile", "add", name, "--provider", "zoho", "--client-id", "1", "--scopes", "a"]);
    let names: Vec<String> = (0..12).map(|number| format!("p{number:02}")).collect();
    let adding: Vec<_> = names.iter().map(|name| add(name)).collect();
    for added in adding.into_iter().map(ran) {
        assert_eq!(added.code, 0, "{added:?}");
    }
    let listed = home.run(&["profile", "list"]).stdout;
    let listed: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(listed, names);
}

#[test]
fn a_name_that_is_added_twice_at_once_is_taken_once() {
    let home = Home::new();
    let add = || home.spawn(&["profile", "add", "p", "--provider", "zoho", "--client-id", "1", "--scopes", "a"]);
    let adding: Vec<_> = (0..8).map(|_| add()).collect();
    let added = adding.into_iter().map(ran).filter(|added| added.code == 0).count();
    assert_eq!(added, 1);
}

#[test]
fn files_without_an_end_are_refused() {
    let authority = Authority::start(|_| (200, String::new()));
    let home = Home::signed_in(&authority);
    home.run(&["--config", "/dev/zero", "status"]).failed(2, &["/dev/zero cannot be read: it is larger than"]);
    home.run(&["api", "/x", "-F", "a=@/dev/zero"])
        .failed(2, &["the file `/dev/zero` cannot be read: it is larger than"]);
    let add = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1", "--scopes", "a"];
    home.run(&[&add[..], &["--client-secret-file", "/dev/zero"]].concat()).failed(2, &["it is larger than"]);
    assert_eq!(authority.log().len(), 0);
}

/// A home with a sign-in that can be handed out.
pub(crate) fn signed_in(authority: &Authority) -> Home {
    let (home, origin) = (Home::new(), authority.origin());
    home.write("secret", CLIENT_SECRET);
    home.configure(&at_zoho(&origin, ""));
    home.sign_in(authority, |grant| {
        grant.issuer = format!("{origin}/");
        "us".clone_into(&mut grant.data_center);
    });
    home
}

/// Every command that writes a file that is named, up to its name, and what is said where that is not written.
const WRITERS: &[(&[&str], &str)] = &[
    (&["api", "/x", "-o"], ""),
    (&["api", "/x", "--paginate", "--slurp", "-o"], ""),
    (&["status", "--prometheus", "--output"], ".prom"),
    (&["profile", "export", "--yes", "--env-file"], ""),
    (&["login", "--plain", "--qr-file"], ".png"),
    (&["completions", "--all"], ""),
    (&["man", "--all"], ""),
];

#[test]
fn a_file_that_cannot_be_begun_is_a_mistake_of_the_arguments_whichever_command_it_is_for() {
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    for (command, extension) in WRITERS {
        let home = signed_in(&authority);
        let takes_directory = command.contains(&"--all");
        let elsewhere = tempfile::tempdir().expect("a directory");
        let at = |name: &str| format!("{}/{name}", elsewhere.path().display());
        std::fs::create_dir(at(&format!("directory{extension}"))).expect("it can be made");
        std::fs::File::create(at("file")).expect("it can be made");
        let places = ["directory", "new/", "new/.", "directory/", "nothing/new", "file/new"];
        for place in places.map(|place| match place.strip_suffix('/') {
            Some(place) => format!("{place}{extension}/"),
            None => format!("{place}{extension}"),
        }) {
            // Directories are made where they are missing.
            if takes_directory && !place.starts_with("file") {
                continue;
            }
            let ran = home.run(&[command, &[at(&place).as_str()][..]].concat());
            assert!(ran.code == 2 && ran.stdout.is_empty(), "{command:?} {place}: {ran:?}");
            assert!(ran.stderr.contains(" written") && ran.stderr.contains("hint: "), "{command:?} {place}: {ran:?}");
        }
        let left = elsewhere.path().read_dir().expect("it is there").count();
        assert_eq!(left, 2, "{command:?}");
        assert!(home.path("").join("state").exists());
    }
    assert!(authority.log().is_empty(), "{:?}", authority.log());
}

#[cfg(unix)]
#[test]
fn an_answer_goes_to_nothing_that_somebody_else_has_put_where_everybody_can() {
    use std::fs::{self};
    use std::os::unix::fs::{lchown, symlink};

    if !rustix::process::geteuid().is_root() {
        println!("not tried: only root can give files away");
        return;
    }
    let other = Some(4242);
    let authority = Authority::start(|_| (200, "new".to_owned()));
    let home = Home::signed_in(&authority);
    let place = tempfile::tempdir().expect("a directory");
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("mine")).expect("it can be made");
    let write =
        |name: &str| fs::File::create(at(name)).and_then(|mut file| std::io::Write::write_all(&mut file, b"old"));
    // Mode of the directory, whose it is, what is in it and whose that is, and whether it is used.
    for (mode, directory, kind, owner, is_used) in [
        (0o1777, None, "link", other, false),
        (0o777, None, "link", other, false),
        (0o1777, None, "way", other, false),
        (0o1777, None, "file", other, false),
        (0o1777, None, "pipe", other, false),
        (0o1777, None, "device", other, false),
        (0o1777, None, "link", None, true),
        (0o1777, None, "way", None, true),
        (0o1777, None, "file", None, true),
        (0o1777, None, "nothing", None, true),
        (0o1777, other, "link", other, true),
        (0o755, None, "link", other, true),
        (0o755, None, "file", other, true),
    ] {
        let row = format!("{mode:o} {directory:?} {kind} {owner:?}");
        let _ = fs::remove_dir_all(at("open"));
        fs::create_dir(at("open")).expect("it can be made");
        set_mode(at("open"), mode);
        write("mine/kept").expect("it can be written");
        let planted = at("open/planted");
        let (named, target) = match kind {
            "link" => (planted.clone(), at("mine/kept")),
            "way" => (planted.join("kept"), at("mine/kept")),
            _ => (planted.clone(), planted.clone()),
        };
        match kind {
            "link" => symlink(at("mine/kept"), &planted).expect("it can be made"),
            "way" => symlink(at("mine"), &planted).expect("it can be made"),
            "device" => symlink("/dev/null", &planted).expect("it can be made"),
            "file" => write("open/planted").expect("it can be written"),
            "pipe" => {
                let made = std::process::Command::new("mkfifo").arg(&planted).status();
                assert!(made.expect("mkfifo runs").success());
            }
            _ => {}
        }
        if kind != "nothing" {
            lchown(&planted, owner, None).expect("root may");
        }
        lchown(at("open"), directory, None).expect("root may");
        let asked = authority.log().len();
        let ran = home.run(&["api", "/x", "-o", named.to_str().expect("a path")]);
        if is_used {
            ran.worked("");
            assert_eq!(fs::read_to_string(&target).expect("it is there"), "new", "{row}");
        } else {
            ran.failed(2, &["the answer cannot be written to", "user id 4242 has put", "nothing was sent"]);
            assert_eq!(fs::read_to_string(at("mine/kept")).expect("it is there"), "old", "{row}");
        }
        assert_eq!(authority.log().len() > asked, is_used, "{row}");
        assert_eq!(planted.is_symlink(), ["link", "way", "device"].contains(&kind), "{row}");
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_put_in_the_place_of_what_somebody_else_has_put_where_everybody_can() {
    use std::fs::{self};
    use std::os::unix::fs::chown;

    if !rustix::process::geteuid().is_root() {
        println!("not tried: only root can give files away");
        return;
    }
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = signed_in(&authority);
    let open = tempfile::tempdir().expect("a directory");
    set_mode(open.path(), 0o1777);
    for (command, extension) in WRITERS.iter().filter(|(command, _)| !command.contains(&"--all")) {
        let planted = open.path().join(format!("planted{extension}"));
        fs::File::create(&planted).expect("it can be made");
        chown(&planted, Some(4242), None).expect("root may");
        let ran = home.run(&[command, &[planted.to_str().expect("a path")][..]].concat());
        ran.failed(2, &[" written", "user id 4242 has put"]);
        let metadata = planted.metadata().expect("it is there");
        assert_eq!((metadata.len(), std::os::unix::fs::MetadataExt::uid(&metadata)), (0, 4242), "{command:?}");
    }
    assert!(authority.log().is_empty(), "{:?}", authority.log());
}
