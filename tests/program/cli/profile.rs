//! `profile use`, `edit` and `rename`, and what is left of a rename that is cut short.

use std::fs;
use std::io::Write;

use device_login::storage::{Grant, Record, RevocationNote};
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, set_mode};

fn provider() -> Authority {
    Authority::start(|asked| match asked.path.as_str() {
        "/revoke" => (200, json!({}).to_string()),
        _ => (200, json!({"access_token": "another", "token_type": "Bearer", "expires_in": 3600}).to_string()),
    })
}

/// A home whose profile `work` is signed in and the default one.
fn signed_in(authority: &Authority) -> Home {
    let home = Home::at(authority);
    let configuration = home.configuration();
    home.configure(&format!("# ours\ndefault_profile = \"work\" # for now\n\n# the main one\n{configuration}"));
    home.sign_in(authority, |_| {});
    home
}

fn has_token(home: &Home, profile: &str) {
    home.run(&["token", profile]).worked(&format!("{ACCESS_TOKEN}\n"));
}

#[test]
fn what_is_left_of_a_removal_that_was_cut_short_is_told_where_the_profile_is_added_again() {
    type Leaves = fn(&mut Record);
    let cases: [(&str, Leaves, &str); 4] = [
        ("a sign-in", |_| (), "to end the sign-in that it has, run `device-login logout work`"),
        ("one that is over", |record| grant(record).refused = Some("the provider refused it".to_owned()), "login work"),
        (
            "one that has ended",
            |record| {
                let grant = grant(record);
                (grant.refresh_token, grant.access_token_expires_at) = (None, Some(grant.approved_at));
            },
            "login work",
        ),
        (
            "one that is to be revoked",
            |record| {
                let note = RevocationNote::of(grant(record), "client-1");
                (record.grant, record.to_revoke) = (None, vec![note]);
            },
            "to revoke the grant that it had, run `device-login logout work`",
        ),
    ];
    let authority = provider();
    let add = ["profile", "add", "work", "--provider", "corp", "--client-id", "client-1", "--scopes", "openid"];
    for (left, leaves, next) in cases {
        let home = Home::signed_in(&authority);
        home.change("work", leaves);
        home.configure(&home.configuration().replace("[profiles.work]", "[profiles.ops]"));
        let added = home.run(&add);
        assert!(added.code == 0 && added.stdout.contains(next), "{left}: {added:?}");
        let goes_on = " of a profile work of the same client, since ";
        assert_eq!(added.stderr.contains(goes_on), left == "a sign-in", "{left}: {added:?}");
        assert!(
            !home.run(&["profile", "add", "new", "--provider", "corp", "--client-id", "2"]).stderr.contains("had a")
        );
    }
}

fn grant(record: &mut Record) -> &mut Grant {
    record.grant.as_mut().expect("it is signed in")
}

#[test]
fn the_default_profile_is_chosen_by_name() {
    let authority = provider();
    let home = signed_in(&authority);
    let add = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1", "--scopes", "a"];
    assert_eq!(home.run(&add).code, 0);
    home.run(&["profile", "use", "nobody"]).failed(2, &["there is no profile `nobody`"]);
    home.run(&["profile", "use", "ops"]).worked("Profile ops is used where none is named.\n");
    home.run(&["profile", "list"]).worked("ops\tzoho\tdefault\nwork\tcorp\n");
    assert!(home.configuration().contains("default_profile = \"ops\" # for now\n"), "{}", home.configuration());
    home.run(&["profile", "use"]).failed(2, &["<NAME>"]);
}

#[test]
fn a_default_that_is_no_profile_can_be_changed_and_is_not_needed_where_one_is_named() {
    let authority = provider();
    let home = signed_in(&authority);
    let missing = "default_profile = \"gone\" # for now\n";
    for rest in ["", "# \\\n[screen]\n"] {
        let text =
            [missing, &home.configuration().replace("default_profile = \"work\" # for now\n", ""), rest].concat();
        home.configure(&text);
        for (arguments, code, said) in [
            (&["token"][..], 2, "`default_profile` names `gone`, which is not among the profiles"),
            (&["profile", "list"], 2, "`default_profile` names `gone`"),
            (&["profile", "use", "gone"], 2, "there is no profile `gone`"),
        ] {
            home.run(arguments).failed(code, &[said]);
            assert_eq!(home.configuration(), text, "{arguments:?}");
        }
        if rest.is_empty() {
            has_token(&home, "work");
        }
        home.run(&["profile", "use", "work"]).worked("Profile work is used where none is named.\n");
        assert_eq!(home.configuration(), text.replace("\"gone\"", "\"work\""));
        assert_eq!(home.run(&["token"]).code, 0);
    }
    // Any other mistake stays one.
    home.configure(&[missing, "colour = 1\n", &home.configuration()].concat());
    home.run(&["profile", "use", "work"]).failed(2, &["is not valid"]);
}

#[test]
fn a_renamed_profile_stays_signed_in_and_the_default_one() {
    let authority = provider();
    let home = signed_in(&authority);
    home.run(&["profile", "rename", "work", "office"]).worked("Renamed profile work to office.\n");
    let configuration = home.configuration();
    for part in ["# ours\n", "default_profile = \"office\" # for now\n", "# the main one\n[profiles.office]\n"] {
        assert!(configuration.contains(part), "{part:?} is missing:\n{configuration}");
    }
    assert!(!configuration.contains("work"), "{configuration}");
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    assert!(home.run(&["profile", "show"]).stdout.contains("in the store"));
    home.run(&["token", "work"]).failed(2, &["there is no profile `work`"]);
    for left in ["state/work.record", "state/work.record.prev"] {
        assert!(!home.path(left).exists(), "{left}");
    }
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn a_name_that_cannot_be_had_changes_nothing() {
    let authority = provider();
    let home = signed_in(&authority);
    let add = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1", "--scopes", "a"];
    assert_eq!(home.run(&add).code, 0);
    let before = home.configuration();
    for (old, new, part) in [
        ("work", "ops", "there is already one with this name"),
        ("work", "work", "that is its name already"),
        ("work", "Work", "differ in case only"),
        ("work", "a/b", "a profile's name has 1 to 64 letters"),
        ("nobody", "x", "there is no profile `nobody`"),
    ] {
        home.run(&["profile", "rename", old, new]).failed(2, &[part]);
    }
    for (new, parts) in [
        ("ops", ["there is already one with this name", "profile edit ops"]),
        ("Ops", ["there is already `ops`, and names that differ in case only are one file", "profile edit ops"]),
    ] {
        let add = ["profile", "add", new, "--provider", "zoho", "--client-id", "1", "--scopes", "a"];
        home.run(&add).failed(2, &parts);
        home.run(&["profile", "rename", "work", new]).failed(2, &parts[..1]);
    }
    assert_eq!(home.configuration(), before);
    has_token(&home, "work");
}

#[cfg(unix)]
#[test]
fn a_rename_that_dies_before_the_configuration_changes_can_be_done_again() {
    let authority = provider();
    let home = signed_in(&authority);
    // Whoever changes the configuration waits for this lock; the new record is written by then.
    let held = fs::File::create(home.path("config.toml.lock")).expect("the home can be written");
    held.lock().expect("nobody else writes");
    let mut renaming = home.spawn(&["profile", "rename", "work", "office"]);
    while !home.path("state/office.record").exists() {
        assert!(renaming.try_wait().expect("it can be asked").is_none(), "it ended early");
        std::thread::yield_now();
    }
    renaming.kill().expect("it still waits");
    renaming.wait().expect("it has died");
    drop(held);
    has_token(&home, "work");
    home.run(&["token", "office"]).failed(2, &["there is no profile `office`"]);
    home.run(&["profile", "rename", "work", "office"]).worked("Renamed profile work to office.\n");
    has_token(&home, "office");
    assert!(!home.path("state/work.record").exists());
}

#[test]
fn every_command_tells_which_profile_was_probably_meant() {
    let authority = provider();
    let home = signed_in(&authority);
    for command in [
        &["token", "wrok"][..],
        &["-p", "wrok", "token"],
        &["login", "wrok"],
        &["logout", "wrok"],
        &["refresh", "wrok"],
        &["whoami", "wrok"],
        &["status", "wrok"],
        &["api", "-p", "wrok", "/x"],
        &["profile", "show", "wrok"],
        &["profile", "use", "wrok"],
        &["profile", "edit", "wrok", "--scopes", "a"],
        &["profile", "rename", "wrok", "office"],
        &["profile", "remove", "wrok"],
    ] {
        home.run(command).failed(2, &["there is no profile `wrok`\n", "did you mean `work`?\n"]);
    }
    for command in [
        &["logout", "office"][..],
        &["refresh", "office"],
        &["profile", "show", "office"],
        &["profile", "use", "office"],
        &["profile", "edit", "office", "--scopes", "a"],
        &["profile", "rename", "office", "bureau"],
        &["profile", "remove", "office"],
    ] {
        let ran = home.run(command);
        ran.failed(2, &["there is no profile `office`", "there is `work`"]);
        assert!(!ran.stderr.contains("profile add"), "{ran:?}");
        let ran = Home::new().run(command);
        ran.failed(
            2,
            &["there is no profile `office`", "there is none yet: to make one, run `device-login profile add`"],
        );
    }
    home.run(&["profile", "rename", "work", "work"]).failed(2, &["that is its name already", "give another name"]);
    home.run(&["token", "office"]).failed(2, &["there is no profile `office`: ", "profile add office` to add it"]);
}

#[test]
fn a_change_that_another_process_holds_up_ends_with_a_reason() {
    let authority = provider();
    let home = signed_in(&authority);
    let held = fs::File::create(home.path("config.toml.lock")).expect("the home can be written");
    held.lock().expect("nobody else writes");
    let refused = home.run(&["profile", "rename", "work", "office"]);
    refused.failed(9, &["config.toml cannot be changed", "another process", "try again"]);
    drop(held);
    has_token(&home, "work");
    home.run(&["profile", "rename", "work", "office"]).worked("Renamed profile work to office.\n");
}

#[test]
fn what_a_rename_leaves_that_dies_before_its_end_is_nobodys_sign_in() {
    let authority = provider();
    let home = signed_in(&authority);
    let old = home.path("state/work.record");
    let copy = fs::read(&old).expect("a record");
    assert_eq!(home.run(&["profile", "rename", "work", "office"]).code, 0);
    private_file(&home, "state/work.record", &copy);
    has_token(&home, "office");
    // The old name can be had again, by a new profile of the same client and by a rename.
    let add = ["profile", "add", "work", "--provider", "corp", "--client-id", "client-1", "--scopes", "openid"];
    assert_eq!(home.run(&add).code, 0);
    home.run(&["token", "work"]).failed(4, &["is not signed in"]);
    home.run(&["profile", "remove", "work"]).worked("Removed profile work.\n");
    private_file(&home, "state/work.record", &copy);
    home.run(&["profile", "rename", "office", "work"]).worked("Renamed profile office to work.\n");
    has_token(&home, "work");
}

#[test]
fn a_copy_that_a_rename_left_ends_with_its_sign_in() {
    let endings: [&[&str]; 4] = [
        &["logout", "office"],
        &["logout", "office", "--local"],
        &["profile", "remove", "office", "--force"],
        &["login", "office", "--plain"],
    ];
    for ending in endings {
        let authority = Authority::start(super::friendly);
        let home = signed_in(&authority);
        let old = home.path("state/work.record");
        let copy = fs::read(&old).expect("a record");
        assert_eq!(home.run(&["profile", "rename", "work", "office"]).code, 0);
        private_file(&home, "state/work.record", &copy);
        let ended = home.run(ending);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(!old.exists(), "{ending:?}");
    }
}

#[test]
fn a_copy_that_a_rename_left_is_told_as_one_and_can_be_deleted() {
    let authority = Authority::start(super::friendly);
    let home = signed_in(&authority);
    let old = home.path("state/work.record");
    let copy = fs::read(&old).expect("a record");
    assert_eq!(home.run(&["profile", "rename", "work", "office"]).code, 0);
    for deleted_by in [&["store", "check", "--repair"][..], &["profile", "remove", "work", "--force"]] {
        private_file(&home, "state/work.record", &copy);
        // The copy is of the sign-in, whatever tokens that has by now.
        assert_eq!(home.run(&["refresh", "office"]).code, 0);
        let check = home.run(&["store", "check"]);
        let helps = "`device-login profile remove work --force` to delete it: another profile has its sign-in\n";
        assert!(check.code == 0 && check.stdout.contains(helps), "{check:?}");
        let told = "the store still has its record, a copy of another profile's sign-in";
        home.run(&["logout", "work"]).failed(2, &[told]);
        let deleted = home.run(deleted_by);
        assert!(deleted.code == 0 && !old.exists(), "{deleted_by:?}: {deleted:?}");
        assert!(!format!("{deleted:?}").contains("not revoked"), "{deleted:?}");
        assert_eq!(home.run(&["refresh", "office"]).code, 0);
    }
    // What no other profile has stays.
    home.configure(&home.configuration().replace("office", "other"));
    let check = home.run(&["store", "check", "--repair"]);
    assert!(check.code == 0 && home.path("state/office.record").exists(), "{check:?}");
}

#[test]
fn the_sign_in_of_somebody_else_is_not_written_over() {
    let authority = provider();
    let home = signed_in(&authority);
    let configuration = home.configuration();
    let office =
        configuration.replace("default_profile = \"work\"", "").replace("[profiles.work]", "[profiles.office]");
    // Taken out by hand, so that the record stays.
    home.configure(&office);
    let told = [
        "still holds a grant of another profile `work`",
        "or run `device-login profile remove work --force` to forget that grant",
    ];
    home.run(&["profile", "rename", "office", "work"]).failed(2, &told);
    home.run(&["profile", "add", "work", "--provider", "corp", "--client-id", "other"]).failed(2, &told);
    assert_eq!(home.configuration(), office);
    home.configure(&configuration);
    has_token(&home, "work");
}

#[test]
fn each_flag_of_edit_changes_one_value_and_nothing_else() {
    let home = Home::new();
    let add = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1000.A", "--scopes", "a"];
    assert_eq!(home.run(&add).code, 0);
    home.configure(&home.configuration().replace("\"1000.A\"", "\"1000.A\" # of Dana"));
    home.run(&["profile", "edit", "ops"]).failed(2, &["--client-id", "--scopes", "--client-secret-stdin"]);
    home.run(&["profile", "edit", "--client-id", "x", "nobody"]).failed(2, &["there is no profile `nobody`"]);
    home.run(&["profile", "edit", "ops", "--data-center", "mars"]).failed(2, &["data center `mars`"]);
    home.run(&["profile", "edit", "ops", "--scopes", "a\"b"]).failed(2, &["is no scope"]);
    home.run(&["profile", "edit", "ops", "--scopes", "b,a\u{200b}"]).failed(2, &["`a<U+200B>` is no scope"]);
    home.run(&["profile", "edit", "ops", "--client-type", "client-based"]).failed(2, &["in a web page only"]);
    let changes = ["--client-id", "1000.B", "--data-center", "EU", "--scopes", "ZohoCRM.users.READ"];
    home.run(&[&["profile", "edit", "ops"][..], &changes].concat()).worked("Changed profile ops.\n");
    let web = ["--client-type", "server-based", "--redirect-uri", "http://127.0.0.1:8123/callback"];
    home.run(&[&["profile", "edit", "ops"][..], &web].concat()).worked("Changed profile ops.\n");
    let configuration = home.configuration();
    for part in [
        "client_id = \"1000.B\" # of Dana\n",
        "data_center = \"eu\"\n",
        "scopes = [\"ZohoCRM.users.READ\"]",
        "client_type = \"server-based\"\n",
        "redirect_uri = \"http://127.0.0.1:8123/callback\"\n",
    ] {
        assert!(configuration.contains(part), "{part:?} is missing:\n{configuration}");
    }
    let server_based = ["--provider", "zoho", "--client-id", "1000.W", "--client-type", "server-based"];
    let scopes = ["--scopes", "ZohoCRM.users.READ"];
    let added = home.run(&[&["profile", "add", "web"][..], &server_based, &scopes].concat());
    assert!(added.code == 0 && added.stdout.contains("profile edit web --redirect-uri"), "{added:?}");
    assert!(!added.stdout.contains(" login web"), "{added:?}");
    let misspelt = home.run(&["profile", "edit", "ops", "--scopes", "ZohoCRM.user.READ"]);
    assert!(misspelt.code == 0 && misspelt.stderr.contains("near to it is `ZohoCRM.users.READ`"), "{misspelt:?}");
}

#[test]
fn a_new_secret_takes_the_place_of_the_one_in_the_store() {
    let home = Home::new();
    let add = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1000.A", "--scopes", "a"];
    assert_eq!(home.run(&add).code, 0);
    home.configure(&home.configuration().replace("scopes", "client_secret_env = \"NOWHERE\"\nscopes"));
    let edited = home.run_with(&["profile", "edit", "ops", "--client-secret-stdin"], CLIENT_SECRET);
    edited.worked("Changed profile ops.\n");
    assert!(!home.configuration().contains("NOWHERE") && !home.configuration().contains(CLIENT_SECRET));
    assert!(home.run(&["profile", "show"]).stdout.contains("client secret  in the store"));
}

#[test]
fn a_secret_from_stdin_may_be_whatever_one_from_a_file_may_be() {
    let home = Home::new();
    let add = ["profile", "add", "ops", "--provider", "zoho", "--client-id", "1000.A", "--scopes", "a"];
    assert_eq!(home.run(&add).code, 0);
    for (secret, code) in
        [("with a blank", 0), ("\u{feff}marked\r\n", 0), ("caf\u{e9} ", 0), ("", 2), ("two\nlines", 2), ("\u{1b}", 2)]
    {
        let from_stdin = home.run_with(&["profile", "edit", "ops", "--client-secret-stdin"], secret);
        assert_eq!(from_stdin.code, code, "{secret:?}: {from_stdin:?}");
        let file = home.write("secret", secret);
        let file = file.to_str().expect("a path of the tests");
        let from_file = home.run(&["profile", "edit", "ops", "--client-secret-file", file]);
        assert_eq!(from_file.code, code, "{secret:?}: {from_file:?}");
    }
    let long = "x".repeat(64 * 1024);
    assert_eq!(home.run_with(&["profile", "edit", "ops", "--client-secret-stdin"], &long).code, 0);
    home.run_with(&["profile", "edit", "ops", "--client-secret-stdin"], &(long + "x"))
        .failed(2, &["it is larger than 64 KiB"]);
}

#[test]
fn a_profile_without_a_secret_hears_how_to_give_one_once_it_is_there() {
    let home = Home::new();
    let add = |provider: &str| home.run(&["profile", "add", "hub", "--provider", provider, "--client-id", "1"]);
    let refused = add("githb");
    refused.failed(2, &["did you mean `github`?"]);
    assert!(!refused.stderr.contains("No client secret"), "{refused:?}");
    let added = add("github");
    assert!(added.code == 0 && added.stderr.contains("profile edit hub --client-secret-stdin"), "{added:?}");
}

#[test]
fn a_grant_keeps_its_client_until_it_is_signed_out() {
    let authority = provider();
    let home = signed_in(&authority);
    let before = home.configuration();
    let refused = home.run(&["profile", "edit", "work", "--client-id", "client-2"]);
    refused.failed(2, &["cannot get another client", "device-login logout work"]);
    assert_eq!(home.configuration(), before);
    has_token(&home, "work");
    let more = home.run(&["profile", "edit", "work", "--scopes", "openid,email"]);
    assert!(more.code == 0 && more.stderr.contains("device-login login work"), "{more:?}");
    has_token(&home, "work");
    assert_eq!(home.run(&["logout", "work"]).code, 0);
    home.run(&["profile", "edit", "work", "--client-id", "client-2", "--no-client-secret"])
        .worked("Changed profile work.\n");
    // The secret was the other client's.
    assert!(home.run(&["profile", "show"]).stdout.contains("client secret  none"));
}

#[test]
fn a_stored_secret_goes_with_its_client_only_when_somebody_said_so() {
    let home = Home::at(&provider());
    let edit = |more: &[&str], stdin: &str| home.run_with(&[&["profile", "edit", "work"], more].concat(), stdin);
    let shown = |part: &str| {
        let shown = home.run(&["profile", "show"]);
        assert!(shown.stdout.contains(part), "{part:?} is missing: {shown:?}");
    };
    assert_eq!(edit(&["--client-secret-stdin"], "sentinel-one").code, 0);
    let before = home.configuration();
    edit(&["--client-id", "client-2"], "")
        .failed(2, &["belongs to the client client-1", "--client-secret-stdin", "--no-client-secret"]);
    assert_eq!(home.configuration(), before);
    shown("client secret  in the store");
    // What leaves the client as it is leaves its secret.
    for (flag, value) in [
        ("--client-id", "client-1"),
        ("--scopes", "openid,email"),
        ("--redirect-uri", "http://127.0.0.1/cb"),
        ("--client-type", "server-based"),
    ] {
        assert_eq!(edit(&[flag, value], "").code, 0, "{flag}");
        shown("client secret  in the store");
    }
    edit(&["--client-id", "client-2", "--client-secret-stdin"], "sentinel-two").worked("Changed profile work.\n");
    shown("client secret  in the store");
    edit(&["--client-id", "client-3", "--no-client-secret"], "").worked("Changed profile work.\n");
    shown("client secret  none");
    // There is nothing to lose.
    edit(&["--client-id", "client-4"], "").worked("Changed profile work.\n");
}

fn private_file(home: &Home, name: &str, bytes: &[u8]) {
    let path = home.path(name);
    let mut file = fs::File::create(&path).expect("the home can be written");
    file.write_all(bytes).expect("the disk has room");
    #[cfg(unix)]
    set_mode(&path, 0o600);
}

#[test]
fn a_provider_without_data_centers_has_none_in_what_is_shown() {
    let home = Home::new();
    home.configure(&crate::support::program::configuration("http://127.0.0.1:9"));
    let shown = home.run(&["profile", "show", "work"]);
    assert!(shown.code == 0 && !shown.stdout.contains("data center"), "{shown:?}");
}
