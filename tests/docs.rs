//! Documents that are printed from the program say what it says. `UPDATE_DOCS=1 cargo test --test docs` writes them anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use device_login::tui::keymap::{BINDINGS, Scope};

#[test]
fn the_list_of_keys_is_that_of_the_app() {
    let mut text =
        "# Keys\n\nLetters work in either case unless both are listed. `?` shows the keys of the screen.\n".to_owned();
    for scope in Scope::ALL {
        text.extend([format!("\n## {}\n\n| keys | what they do |\n| --- | --- |\n", scope.title())]);
        for binding in BINDINGS.iter().filter(|binding| binding.scope == scope) {
            let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{}`", key.label())).collect();
            text.extend([format!("| {} | {} |\n", keys.join(" "), binding.help)]);
        }
    }
    assert_document("keys.md", &text);
}

#[test]
fn the_list_of_commands_is_that_of_the_program() {
    let mut text =
        "# Commands\n\nWhat `--help` says. Exit codes are in the [README](../README.md#for-scripts).\n".to_owned();
    let commands: [&[&str]; 14] = [
        &[],
        &["login"],
        &["token"],
        &["status"],
        &["refresh"],
        &["whoami"],
        &["logout"],
        &["api"],
        &["profile"],
        &["profile", "add"],
        &["profile", "list"],
        &["profile", "show"],
        &["profile", "remove"],
        &["demo"],
    ];
    for command in commands {
        let help = Command::new(env!("CARGO_BIN_EXE_device-login"))
            .args(command)
            .arg("--help")
            .env_clear()
            .env("COLUMNS", "100")
            .output()
            .expect("the program runs");
        assert!(help.status.success(), "{command:?}");
        let help = String::from_utf8(help.stdout).expect("help is text");
        // The options that every command takes are said once.
        let own = if command.is_empty() { &help } else { help.split("\nGlobal options:").next().unwrap_or(&help) };
        let lines: Vec<&str> = own.trim_end().lines().map(str::trim_end).collect();
        let name = ["device-login"].iter().chain(command).copied().collect::<Vec<_>>().join(" ");
        text.extend([format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n"))]);
    }
    assert_document("cli.md", &text);
}

fn assert_document(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::File::create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .expect("docs can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/{name} is not what the program says; `UPDATE_DOCS=1 cargo test --test docs` writes it anew"
    );
}
