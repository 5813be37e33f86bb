//! Commands are for those who type commands: what is said below the command line, and on the screens, names none.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn no_command_is_written_outside_the_command_line() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 100);
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !file.starts_with(src.join("cli")) && **file != src.join("cli.rs")) {
        let text = fs::read_to_string(file).expect("it is text");
        let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        let commands = code.filter(|(_, line)| line.contains("`device-login "));
        found.extend(commands.map(|(number, line)| format!("{}:{}: {line}", file.display(), number + 1)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("it is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}
