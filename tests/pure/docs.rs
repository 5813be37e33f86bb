//! Documents that are printed from the program say what it says. `UPDATE_DOCS=1 cargo test --test pure docs` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use device_login::api::{Diagnosis, known_words};
use device_login::cli::advice::said;
use device_login::config::KEY_TABLES;
use device_login::config::variables::VARIABLES;
use device_login::providers::answers::Word;
use device_login::providers::explained::{self, ErrorWord, Facts};
use device_login::providers::{Dialect, standard, zoho};
use device_login::tui::keymap::{BINDINGS, Command as Asked, Scope};
use toml::{Table, Value};

#[test]
fn the_list_of_keys_is_that_of_the_app() {
    let mut text =
        "# Keys\n\nLetters work in either case unless both are listed. `?` shows the keys of the screen, `:` finds what can be done, by \
         its name or another word for it. [`[screen.keys]`](configuration.md#the-screen) of the configuration gives other keys to the commands.\n"
            .to_owned();
    for scope in Scope::ALL {
        text.extend([format!("\n## {}\n\n| keys | what they do | command |\n| --- | --- | --- |\n", scope.title())]);
        for binding in BINDINGS.iter().filter(|binding| binding.scope == scope) {
            let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{}`", key.label())).collect();
            text.extend([format!("| {} | {} | {} |\n", keys.join(" "), binding.help, name_of(binding.command))]);
        }
    }
    assert_document("keys.md", &text);
}

#[test]
fn the_list_of_commands_is_that_of_the_program() {
    let mut text =
        "# Commands\n\nWhat `--help` says. Exit codes are in the [README](../README.md#for-scripts).\n".to_owned();
    let run = |arguments: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_device-login"));
        let ran = program.args(arguments).env_clear().env("COLUMNS", "80").output().expect("the program runs");
        assert!(ran.status.success(), "{arguments:?}");
        String::from_utf8(ran.stdout).expect("the program speaks UTF-8")
    };
    for command in commands(&run, &[]) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let help = run(&[&words[..], &["--help"]].concat());
        // The options that every command takes are said once.
        let own = if command.is_empty() { &help } else { help.split("\nGlobal options:").next().unwrap_or(&help) };
        let lines: Vec<&str> = own.trim_end().lines().map(str::trim_end).collect();
        let name = [&["device-login"], &words[..]].concat().join(" ");
        text.extend([format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n"))]);
    }
    assert_document("cli.md", &text);
}

/// A command and those below it, as the program completes them.
fn commands(run: &dyn Fn(&[&str]) -> String, above: &[String]) -> Vec<Vec<String>> {
    let named: Vec<&str> = above.iter().map(String::as_str).collect();
    let below = run(&[&["__complete", "--", "help"], &named[..], &[""]].concat());
    let below = below.lines().filter_map(|line| line.split('\t').next()).filter(|name| !name.starts_with('-'));
    let below = below.flat_map(|name| commands(run, &[above, &[name.to_owned()]].concat()));
    [above.to_vec()].into_iter().chain(below).collect()
}

#[test]
fn the_list_of_errors_is_that_of_the_table() {
    let mut text = include_str!("../fixtures/errors-head.md").to_owned();
    for (title, dialect, table) in [
        ("Zoho", &zoho::DIALECT, explained::ZOHO),
        ("RFCs and OpenID Connect", &standard::DIALECT, explained::RFC),
        ("Google", &standard::DIALECT, explained::GOOGLE),
        ("Microsoft", &standard::DIALECT, explained::MICROSOFT),
        ("GitHub", &standard::DIALECT, explained::GITHUB),
        ("GitHub alone", &standard::DIALECT, explained::GITHUB_ALONE),
        ("GitLab", &standard::DIALECT, explained::GITLAB),
    ] {
        text.extend([format!("\n## {title}\n")]);
        text.extend(table.entries().map(|entry| section(&entry, dialect)));
    }
    text += "\n## API calls\n\nWhat `api`, `whoami` and the API panel say of a call that failed.\n";
    for diagnosis in Diagnosis::ALL {
        let next = sentence(diagnosis.next());
        let causes = numbered(&diagnosis.causes(&zoho::DIALECT));
        text.extend([format!("\n### {}\n\n{causes}\n**Next:** {next}\n", capitalized(diagnosis.meaning()))]);
    }
    text +=
        "\n### Words of the products\n\n| product | word or number | meaning | source |\n| --- | --- | --- | --- |\n";
    let row = |(whose, word): (String, Word)| {
        format!("| {whose} | `{}` | {} | {} |\n", word.word, word.means.meaning(), word.source)
    };
    text.extend(known_words().into_iter().map(row));
    assert_document("errors.md", &text);
}

#[test]
fn the_tables_of_keys_are_in_the_documentation_of_the_configuration() {
    let text = include_str!("../../docs/configuration.md");
    let line = text.lines().find(|line| line.starts_with("[screen.keys.")).expect("an example");
    for table in KEY_TABLES {
        assert!(line.contains(&format!("`{table}`")) || line.contains(&format!(".{table}]")), "{table}: {line}");
    }
}

#[test]
fn the_list_of_dependencies_is_that_of_the_manifest() {
    let manifest: Table = toml::from_str(include_str!("../../Cargo.toml")).expect("it is valid");
    let of = |table: &Table| table.get("dependencies").and_then(Value::as_table).cloned().unwrap_or_default();
    let targets = manifest["target"].as_table().expect("there are some").values();
    let targets = targets.filter_map(Value::as_table).flat_map(of);
    let named: BTreeSet<String> = of(&manifest).into_iter().chain(targets).map(|(name, _)| name).collect();
    let text = include_str!("../../docs/security.md");
    let section = text.split("## What it is made of").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = section.expect("a section").lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let listed: Vec<String> =
        rows.flat_map(|row| row.split(' ')).map(|name| name.trim_matches('`').to_owned()).collect();
    assert_eq!(listed.len(), named.len(), "{listed:?}");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), named);
}

/// The name that the configuration has for a command.
fn name_of(command: Asked) -> String {
    serde_json::to_string(&command).expect("a word").replace('"', "`")
}

/// One entry of the table, its placeholders filled with words in capitals.
fn section(entry: &ErrorWord, dialect: &Dialect) -> String {
    let facts = Facts {
        profile: &"PROFILE".parse().expect("a name"),
        provider: dialect.display_name,
        endpoint: "ENDPOINT",
        data_center: if dialect.removal_by_hand.is_some() { "DC" } else { "" },
        scopes: "SCOPES",
        registration: dialect.registration,
        later: &"try again at the time that the message names".into(),
        by_hand: "remove the access by hand in the settings of the account",
        sends_secret: Some(true),
        secret_place: "where profile `PROFILE` has it",
    };
    let explained = entry.explain(&facts);
    let words: Vec<String> = entry.words.iter().map(|word| format!("`{word}`")).collect();
    let places: Vec<&str> = entry.places.iter().map(|place| place.in_words()).collect();
    let ends = explained
        .code
        .map_or("No failure".to_owned(), |code| format!("Code `{}`, exit code {}", code.word(), code.exit_code()));
    let without = entry.cause_without_secret.map(|cause| format!("\nFirst where no secret is known: {cause}.\n"));
    format!(
        "\n### {}\n\n{}\n\nWhen {}. {ends}. Source: {}.\n\n{}{}\n**Next:** {}\n",
        words.join(", "),
        sentence(&explained.meaning),
        places.join(", "),
        entry.source,
        numbered(&explained.causes),
        without.unwrap_or_default(),
        sentence(&said(&explained.next)),
    )
}

fn numbered(causes: &[String]) -> String {
    let lines: Vec<String> =
        causes.iter().enumerate().map(|(index, cause)| format!("{}. {cause}\n", index + 1)).collect();
    lines.concat()
}

fn sentence(clause: &str) -> String {
    format!("{}.", capitalized(clause))
}

fn capitalized(clause: &str) -> String {
    let mut characters = clause.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
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
        "docs/{name} is not what the program says; `UPDATE_DOCS=1 cargo test --test pure docs` writes it anew"
    );
}

#[test]
fn the_table_of_variables_is_that_of_the_program() {
    let mut table =
        "| variable | means | read by | a value that cannot be used |\n| --- | --- | --- | --- |\n".to_owned();
    for row in &VARIABLES {
        let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
        let (names, reader) = (names.join(", "), row.reader.words());
        table.extend([format!("| {names} | {} | {reader} | {} |\n", row.means, row.unusable())]);
    }
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).expect("it is there");
    let begins = text.find("| variable | means |").expect("the document has the table");
    let ends = begins + text[begins..].find("\n\n").expect("text follows the table") + 1;
    assert_document("configuration.md", &[&text[..begins], &table, &text[ends..]].concat());
}

#[test]
fn every_variable_that_is_read_is_in_the_table() {
    let known: Vec<&str> = VARIABLES.iter().flat_map(|row| row.names).collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let ways = ["env::var", "variable(", ".map(variable)", "environment.var(", "environment.path("];
    let mut files: Vec<String> = ways.iter().flat_map(|way| files_with(way, &source)).collect();
    files.sort();
    files.dedup();
    // What cargo tells the build is nothing that the program reads.
    files.retain(|file| !file.ends_with("config/variables.rs") && !file.ends_with("src/build.rs"));
    assert!(files.len() > 5, "{files:?}");
    let mut read = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("it can be read");
        // Tests make up variables of their own.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        // Neither is what a program that is started is given.
        let others = ["value_name", "env!(", "command.env("];
        let is_code =
            |line: &&str| !line.trim_start().starts_with("//") && !others.iter().any(|other| line.contains(other));
        let literals = code.lines().filter(is_code).flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_name = |text: &&str| {
            text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
                || text.ends_with("_proxy")
        };
        for name in literals.filter(is_name).filter(|name| !name.ends_with('_')) {
            assert!(known.contains(&name), "{file} reads `{name}`, which src/config/variables.rs does not list");
            read += 1;
        }
    }
    assert!(read > 20, "only {read} were found");
}

/// The files below a directory whose text has `part`.
fn files_with(part: &str, directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(files_with(part, &path));
        } else if fs::read_to_string(&path).expect("it is text").contains(part) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn the_two_front_ends_meet_in_one_place() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let bridges = |path: &String| path.ends_with("cli/full_screen.rs") || path.ends_with("cli/demo.rs");
    let mut found = files_with("crate::tui", &source.join("cli"));
    found.retain(|path| !bridges(path));
    found.extend(files_with("crate::cli", &source.join("tui")));
    assert!(found.is_empty(), "{found:?}");
}
