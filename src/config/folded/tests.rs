//! A change through a text with folds writes the same bytes as one of the whole text.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::super::texts::{ABOVE, profile};
use super::super::{Config, Profile, change_profile, remove_profile, rename_profile, set_default_profile, set_scopes};
use super::Folded;
use crate::error::Error;
use crate::files;
use crate::profile::ProfileName;

/// What is in a text beside profiles.
const OTHERS: &[&str] = &[
    "\n# of the lab\n[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.eu]\naccounts_server = \"http://127.0.0.1:1\"\n\
     api_domain = \"http://127.0.0.1:1\"\n# end\n",
    "[screen]\ntheme = \"light\" # by day\n\n\n",
    "# rest\n\n",
];

fn text() -> impl Strategy<Value = String> {
    let table = prop_oneof![8 => profile(), 1 => select(OTHERS).prop_map(str::to_owned)];
    (select(&ABOVE[..7]), prop::collection::vec(table, 1..7), any::<bool>()).prop_map(|(above, tables, has_end)| {
        let text = above.to_owned() + &tables.concat();
        if has_end { text } else { text.trim_end().to_owned() }
    })
}

type Change = fn(&Config, &ProfileName) -> Result<Config, Error>;

const CHANGES: [Change; 6] = [
    |config, _| super::super::add_profile(config, &Profile::new(name("new"), "zoho", "1000.N"), None),
    |config, name| {
        let before = config.profile(Some(name))?;
        let (client_id, scopes) = ("other".to_owned(), vec!["A.b".to_owned()]);
        change_profile(
            config,
            &Profile { client_id, scopes, data_center: Some("eu".to_owned()), ..before.clone() },
            None,
        )
    },
    |config, old| rename_profile(config, old, &name("new")),
    remove_profile,
    set_default_profile,
    |config, name| set_scopes(config, name, &["X.y".to_owned()]),
];

fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

/// A configuration in memory, where that can be had: changes are written durably.
fn home() -> (TempDir, PathBuf) {
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let home = home.expect("a directory");
    let file = home.path().join("config.toml");
    (home, file)
}

/// The text that the change of the profile leaves.
fn changed(file: &Path, text: &str, change: Change, name: &ProfileName) -> Option<String> {
    files::replace(file, text.as_bytes()).expect("it is written");
    let config = Config::load(file).ok()?;
    change(&config, name).ok()?;
    fs::read_to_string(file).ok()
}

#[test]
fn a_change_writes_the_same_with_folds_and_without() {
    let with_folds = Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(400));
    let ran = runner.run(&text(), |text| {
        let (_home, file) = home();
        files::replace(&file, text.as_bytes()).expect("it is written");
        let Ok(config) = Config::load(&file) else { return Ok(()) };
        // A backslash is not plain.
        let (plain, other) = ("zoho", "\\u007aoho");
        if !text.contains(plain) {
            return Ok(());
        }
        with_folds.set(with_folds.get() + usize::from(!Folded::of(&text, &[]).folds.is_empty()));
        for (which, change) in CHANGES.iter().enumerate() {
            for name in config.profiles.keys() {
                let folded = changed(&file, &text, *change, name);
                let whole = changed(&file, &text.replacen(plain, other, 1), *change, name);
                let whole = whole.map(|whole| whole.replacen(other, plain, 1));
                prop_assert_eq!(folded, whole, "change {} of {} in\n{}", which, name, text);
            }
        }
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
    assert!(with_folds.get() > 12, "{} texts had folds", with_folds.get());
}

#[test]
fn rows_of_profiles_that_stay_are_one_line_each() {
    let profile = |name: &str| format!("[profiles.{name}]\nprovider = \"zoho\"\nclient_id = \"x\"\n");
    let [first, second, mine, scattered, last] = ["a", "b", "c", "d", "e"].map(profile);
    let text = format!(
        "store = \"memory:\"\n# all\n{first}\n{second} # end\n\n# mine\n{mine}# after\n[screen]\n{scattered}[profiles.d.client_secret_files]\n{last}"
    );
    let folded = Folded::of(&text, &[&name("c"), &name("new")]);
    let fold = |number| format!("{FOLD}{number}\"]", FOLD = super::FOLD);
    assert_eq!(
        folded.text,
        format!(
            "store = \"memory:\"\n# all\n{}\n # end\n\n# mine\n{mine}# after\n[screen]\n{scattered}[profiles.d.client_secret_files]\n{}\n",
            fold(0),
            fold(1)
        )
    );
    assert_eq!(folded.unfolded(&folded.text), text);
    for text in ["", "x = 1", "[profiles]\n", "profiles.a.provider = 1\n[profiles.b]\n", "# \\\n[profiles.b]\n"] {
        assert_eq!(Folded::of(text, &[]).text, text);
    }
}
