//! What a change of profiles leaves of the rest of the file.

use std::fs;

use super::super::{
    Config, Profile, add_profile, change_profile, remove_profile, rename_profile, set_default_profile, set_scopes,
};
use crate::error::Error;
use crate::files;
use crate::profile::ProfileName;

type Change = fn(&Config) -> Result<Config, Error>;

fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

/// The text that the change leaves, made profile by profile and with the others folded.
fn changed(before: &str, change: Change) -> [String; 2] {
    // A backslash is not plain, so that nothing is folded.
    let (plain, other) = ("\"zoho\"", "\"\\u007aoho\"");
    [before.to_owned(), before.replace(plain, other)].map(|text| {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("config.toml");
        files::replace(&file, text.as_bytes()).expect("it is written");
        let config = Config::load(&file).expect("it is valid");
        change(&config).expect("it is changed");
        fs::read_to_string(&file).expect("it is there").replace(other, plain)
    })
}

#[test]
fn what_the_profile_does_not_have_any_more_is_named_nowhere() {
    const PROFILE: &str = "[profiles.a]\nprovider = \"zoho\"\nclient_id = \"1\"\n";
    const OTHERS: &str = "[profiles.a.client_secret_files]\neu = \"/run/eu\"\n";
    let keep: Change = |config| change_profile(config, &Profile { data_center: None, ..of_a(config) }, None);
    let move_away: Change = |config| {
        let before = of_a(config);
        let after = Profile::new(before.name.clone(), "zoho", before.client_id.clone());
        change_profile(config, &Profile { scopes: before.scopes, ..after }, None)
    };
    for named in [
        "",
        "client_secret_file = \"/run/secret\"\n",
        "client_secret_env = \"SECRET\"\n",
        "git_hosts = [\"git.example.com\"]\nallowed_origins = [\"https://api.example.com\"]\n",
    ] {
        let before = format!("{PROFILE}{named}\n{OTHERS}");
        for (change, after) in [(keep, before.clone()), (move_away, PROFILE.to_owned())] {
            assert_eq!(changed(&before, change), [after.clone(), after], "{named}");
        }
    }
}

fn of_a(config: &Config) -> Profile {
    config.profile(Some(&name("a"))).expect("it is there").clone()
}

#[test]
fn comments_stay_where_they_are() {
    const HEAD: &str = "#:schema ./config.schema.json\n# Owned by ops.\n\n";
    const A: &str = "[profiles.a]\nprovider = \"zoho\"\nclient_id = \"1\"\n";
    const B: &str = "[profiles.b]\nprovider = \"zoho\"\nclient_id = \"2\"\n";
    const NEW: &str = "[profiles.new]\nprovider = \"zoho\"\nclient_id = \"3\"\nscopes = []\n";
    const DEFAULT: &str = "default_profile = \"a\"\n";
    const SCHEMA: &str = "#:schema ./config.schema.json\n";

    let add: Change = |config| add_profile(config, &Profile::new(name("new"), "zoho", "3"), None);
    let default: Change = |config| set_default_profile(config, &name("a"));
    let rename: Change = |config| rename_profile(config, &name("a"), &name("c"));
    let remove_a: Change = |config| remove_profile(config, &name("a"));
    let remove_b: Change = |config| remove_profile(config, &name("b"));
    let scopes: Change = |config| set_scopes(config, &name("b"), &["X.y".to_owned()]);
    let renamed = A.replace(".a]", ".c]");
    let cases: &[(Change, String, String)] = &[
        // The head is about the whole file.
        (default, format!("{HEAD}{A}\n{B}"), format!("{HEAD}{DEFAULT}\n{A}\n{B}")),
        (default, format!("{SCHEMA}{A}"), format!("{SCHEMA}{DEFAULT}\n{A}")),
        (default, format!("{SCHEMA}# mine\n{A}"), format!("{SCHEMA}{DEFAULT}\n# mine\n{A}")),
        (default, format!("{HEAD}store = \"memory:\"\n\n{A}"), format!("{HEAD}store = \"memory:\"\n{DEFAULT}\n{A}")),
        (rename, format!("{HEAD}{A}\n{B}"), format!("{HEAD}{renamed}\n{B}")),
        (remove_a, format!("{HEAD}{A}\n{B}"), format!("{HEAD}{B}")),
        (remove_a, format!("{HEAD}{DEFAULT}\n{A}\n{B}"), format!("{HEAD}{B}")),
        (remove_a, format!("{SCHEMA}{DEFAULT}{A}{B}"), format!("{SCHEMA}{B}")),
        (remove_a, format!("{HEAD}{A}"), HEAD.to_owned()),
        (add, SCHEMA.to_owned(), format!("{SCHEMA}\n{NEW}")),
        (add, HEAD.to_owned(), format!("{HEAD}{NEW}")),
        (add, SCHEMA.trim_end().to_owned(), format!("{SCHEMA}\n{}", NEW.trim_end())),
        (add, String::new(), NEW.to_owned()),
        // What stands right above a profile is of that profile, and goes with it; the rest stays.
        (remove_a, format!("{HEAD}# mine\n# all\n{A}\n# other\n{B}"), format!("{HEAD}# other\n{B}")),
        (remove_b, format!("{A}# of a\n\n# Europe\n\n# mine\n{B}# end\n"), format!("{A}# of a\n\n# Europe\n\n# end\n")),
        (remove_b, format!("{A}\n# Europe\n\n{B}"), format!("{A}\n# Europe\n")),
        (remove_b, format!("{A}{B}\n[screen]\n# end\n"), format!("{A}\n[screen]\n# end\n")),
        (
            remove_a,
            format!("store = \"memory:\"\n\n# one of them\n\n# by hand\n{DEFAULT}key_command = [\"x\"]\n\n{B}\n{A}"),
            format!("store = \"memory:\"\n\n# one of them\n\nkey_command = [\"x\"]\n\n{B}"),
        ),
        // So does what stands below the last one.
        (add, format!("{A}\n{B}\n# vim: et\n"), format!("{A}\n{B}\n# vim: et\n\n{NEW}")),
        (add, format!("{A}# region = 1\n"), format!("{A}# region = 1\n\n{NEW}")),
        (add, format!("{A}# region = 1"), format!("{A}# region = 1\n\n{}", NEW.trim_end())),
        (add, format!("{A}\n[screen]\n# end\n"), format!("{A}\n{NEW}\n[screen]\n# end\n")),
        (scopes, format!("{A}{B}# end\n"), format!("{A}{B}scopes = [\"X.y\"]\n# end\n")),
    ];
    let mut wrong = Vec::new();
    for (row, (change, before, after)) in cases.iter().enumerate() {
        for text in changed(before, *change) {
            if text != *after {
                wrong.push(format!("row {row}:\n{before}-----\n{text}----- is not\n{after}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
