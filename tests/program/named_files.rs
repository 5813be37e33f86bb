//! Files that people name and that are not what they seem.

use crate::support::authority::Authority;
use crate::support::program::{CLIENT_SECRET, Home, configuration, ran};

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
    let home = Home::at(&authority);
    home.sign_in(&authority, |_| {});
    home.run(&["--config", "/dev/zero", "status"]).failed(2, &["/dev/zero cannot be read: it is larger than"]);
    home.run(&["api", "/x", "-F", "a=@/dev/zero"])
        .failed(2, &["the file `/dev/zero` cannot be read: it is larger than"]);
    let add = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1", "--scopes", "a"];
    home.run(&[&add[..], &["--client-secret-file", "/dev/zero"]].concat()).failed(2, &["it is larger than"]);
    assert_eq!(authority.log().len(), 0);
}
