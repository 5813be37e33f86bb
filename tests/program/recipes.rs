//! What the documents show for a shell, run in one: where `token` fails, the line fails and calls nobody.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, Home, Ran, ran};

/// Every line of the documents that calls somebody with what `token` prints; `tests/servers/recipes.rs` has the recipes.
fn recipes() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = fs::read_dir(root.join("docs")).expect("it is there").map(|entry| entry.expect("an entry").path());
    let documents = documents.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let documents = documents.filter(|path| !path.ends_with("recipes.md"));
    let mut recipes = Vec::new();
    for path in documents.chain([root.join("README.md")]) {
        let text = fs::read_to_string(path).expect("documents are readable");
        let mut is_code = false;
        for line in text.lines() {
            is_code ^= line.starts_with("```");
            let line = line.trim().trim_start_matches("$ ");
            let is_used = line.contains(" | ") || line.contains("$(");
            if is_code && is_used && line.contains("device-login token") && line.contains("curl ") {
                recipes.push(line.to_owned());
            }
        }
    }
    recipes
}

/// Runs a line in a shell whose `curl` keeps its arguments and its input in files of the home.
fn run(home: &Home, shell: &str, line: &str) -> Ran {
    let curl =
        "#!/bin/sh\nprintf '%s\\n' \"$*\" > \"$DEVICE_LOGIN_HOME/arguments\"\ncat > \"$DEVICE_LOGIN_HOME/input\"\n";
    home.program("curl", curl);
    let program = Path::new(env!("CARGO_BIN_EXE_device-login")).parent().expect("a directory").display();
    let home = home.path("");
    let mut command = Command::new(shell);
    command.args(["-c", line]).env_clear().env("DEVICE_LOGIN_HOME", &home).env("USER", "ops");
    command.env("PATH", format!("{}:{program}:/usr/bin:/bin", home.display()));
    ran(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the shell starts"))
}

#[test]
fn a_recipe_calls_with_the_token_or_not_at_all() {
    let recipes = recipes();
    assert!(!recipes.is_empty());
    let authority = Authority::start(|_| (400, r#"{"error":"invalid_grant"}"#.to_owned()));
    for recipe in &recipes {
        for shell in ["sh", "bash"] {
            let home = Home::at(&authority);
            let failed = run(&home, shell, recipe);
            assert!(failed.code != 0 && failed.stderr.contains("error"), "{shell}: {recipe}: {failed:?}");
            assert!(!home.path("arguments").exists(), "{shell}: {recipe}");
            home.sign_in(&authority, |_| {});
            let worked = run(&home, shell, recipe);
            assert_eq!(worked.code, 0, "{shell}: {recipe}: {worked:?}");
            let read = |name: &str| fs::read_to_string(home.path(name)).expect("curl was called");
            assert!(read("input").contains(&format!("Authorization: Bearer {ACCESS_TOKEN}")), "{}", read("input"));
            assert!(!read("arguments").contains(ACCESS_TOKEN), "{}", read("arguments"));
        }
    }
}
