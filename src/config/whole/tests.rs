//! What is read by parts is what the document says, and a text that is wrong is left to the document.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use super::super::file::File;
use super::super::texts::{ABOVE, HEADS, LINES, profile};
use super::super::{Config, Profile, SecretSource, document, form};
use super::parse;

/// Texts of tables that are right for the most part.
fn text() -> impl Strategy<Value = String> {
    let table = prop_oneof![
        8 => profile(),
        1 => (select(HEADS), prop::collection::vec(select(LINES), 0..4))
            .prop_map(|(head, lines)| [&[head][..], &lines].concat().join("\n") + "\n"),
    ];
    (select(ABOVE), prop::collection::vec(table, 1..5), any::<bool>()).prop_map(|(above, tables, has_end)| {
        let text = above.to_owned() + &tables.concat();
        if has_end { text } else { text.trim_end().to_owned() }
    })
}

#[test]
fn what_is_read_by_parts_is_what_the_document_says() {
    let file = Path::new("/etc/x/config.toml");
    let read_by_parts = Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(3000));
    let ran = runner.run(&text(), |text| {
        let text = form::without_mark(&text);
        let Some(by_parts) = parse(text, file, |_, _, _| true) else { return Ok(()) };
        read_by_parts.set(read_by_parts.get() + 1);
        let (whole, problems) = match document::parse::<File>(text) {
            Ok(whole) => whole.checked(file),
            Err(misfit) => return Err(TestCaseError::fail(format!("{misfit} in\n{text}"))),
        };
        prop_assert!(problems.is_empty(), "{:?} in\n{}", problems, text);
        prop_assert_eq!(&by_parts, &whole, "{}", text);
        let some = parse(text, file, |_, _, name| name == "work").expect("what is kept makes nothing wrong");
        let is_kept = |profile: &Profile| {
            profile.name.as_str() == "work" || matches!(profile.client_secret, SecretSource::Variable(_))
        };
        let profiles = whole.profiles.iter().filter(|(_, profile)| is_kept(profile));
        let profiles: BTreeMap<_, _> = profiles.map(|(name, profile)| (name.clone(), profile.clone())).collect();
        let is_part = profiles.len() < whole.profiles.len();
        prop_assert_eq!(some, Config { profiles, is_part, ..whole }, "{}", text);
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
    assert!(read_by_parts.get() > 150, "{} texts were read by parts", read_by_parts.get());
}

#[test]
fn profiles_are_read_by_themselves_however_they_are_written() {
    let work = "provider=\"zoho\"\n\n  client_id\t= \"1000.A\" # of [ours]\r\n# no more";
    for text in [
        format!("[profiles.work]\n{work}"),
        format!("\t[profiles.\"v1.2\"] # mine\r\n{work}\n[providers.lab]\nkind = \"google\"\n[profiles.lobby]\n{work}"),
        format!(
            "store = \"memory:\"\n[profiles.work]\nscopes = [\r\n  \"A.b.READ\",\n\t\"C\" , ]\ngit_hosts=[]\n{work}"
        ),
        format!("[profiles.work]\n{work}\n[profiles.work.client_secret_files]\neu = \"x\"\n[profiles.lobby]\n{work}"),
    ] {
        assert!(parse(&text, Path::new("config.toml"), |_, _, _| true).is_some(), "{text}");
    }
}
