//! What `docs/store-format.md` promises: a record opens without this program.

use std::process::Command;

use device_login::storage::Record;

use super::{Home, commit};

const DOCUMENT: &str = include_str!("../../../docs/store-format.md");

fn open_with_python(key_file: &std::path::Path, record: &std::path::Path) -> std::process::Output {
    let script = DOCUMENT.split_once("```python\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let python = Command::new("python3").arg("-c").arg(script).arg(key_file).arg(record).output();
    python.expect("this test needs python3")
}

#[test]
fn the_documented_python_opens_a_record() {
    let home = Home::new();
    let committed = commit(&home.store(), "one");
    let output = open_with_python(&home.key_file(), &home.file("work.record"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(serde_json::from_slice::<Record>(&output.stdout).unwrap(), committed);
}

#[test]
fn the_documented_python_notices_another_key() {
    let home = Home::new();
    commit(&home.store(), "one");
    let other = home.write("other-key", "00".repeat(32).as_bytes());
    let output = open_with_python(&other, &home.file("work.record"));
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "wrong key, or the file was changed\n");
}

#[test]
fn the_document_names_every_file_and_word() {
    let home = Home::new();
    commit(&home.store(), "one");
    for word in ["NAME.record", "NAME.record.prev", "NAME.lock", "store.json", "master.key", "corrupt-1"] {
        assert!(DOCUMENT.contains(word), "{word}");
    }
    for name in home.names() {
        assert!(DOCUMENT.contains(&name.replace("work", "NAME")), "{name}");
    }
}
