//! What is offered at the cursor, for lines that end there.

use clap::{Arg, ValueHint};

use super::values::by_name;
use super::{Candidate, Line, candidates};
use crate::cli::commands;
use crate::cli::commands::tests::visit;

/// Values that are any text.
const FREE: &[&str] =
    &["ADDRESS", "EMAIL-OR-ID", "ID", "KEY=VALUE", "N", "NAME: VALUE", "NAME=@FILE", "PORT", "ROLE", "TIME"];

/// The words of a line; the last one is at the cursor.
fn offered(line: &str) -> Vec<String> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let word = |candidate: &Candidate| match candidate {
        Candidate::Word { word, .. } => word.clone(),
        Candidate::Files(before) => format!("files {before}").trim_end().to_owned(),
        Candidate::Directories(before) => format!("directories {before}").trim_end().to_owned(),
        Candidate::Commands(before) => format!("commands {before}").trim_end().to_owned(),
    };
    candidates(&words).iter().map(word).collect()
}

#[test]
fn words_are_offered_by_where_the_line_has_led() {
    for (line, has, has_not) in [
        ("", &["login", "token", "profile"][..], &["add", "--json", "__complete"][..]),
        ("-", &["--profile", "--help", "--version"], &["login", "--min-ttl"]),
        ("tok", &["token"], &["--format"]),
        ("token --", &["--format", "--min-ttl", "--profile"], &["--json", "--qr"]),
        ("token --force --", &["--format"], &["--force", "--min-ttl"]),
        ("token --format ", &["raw", "header", "json"], &["--force", "token"]),
        ("token --format=", &["--format=raw", "--format=json"], &["raw"]),
        ("token --format=json --", &["--min-ttl"], &["--format"]),
        ("-v -v --color ", &["auto", "always", "never"], &["login"]),
        ("git-credential ", &["get", "store", "erase"], &["--json"]),
        ("git-credential -p work ", &["erase"], &[]),
        ("git-credential get ", &["--profile"], &["get", "store"]),
        ("profile ", &["add", "list", "edit"], &["login"]),
        ("profile add x --provider ", &["zoho", "github"], &["add"]),
        ("profile add x --data-center ", &["us", "eu"], &[]),
        ("profile add x --client-type ", &["non-browser", "self-client"], &[]),
        ("profile add x --client-secret-file ", &["files"], &["zoho"]),
        ("profile add x --client-secret-file=", &["files --client-secret-file="], &[]),
        ("login --scopes ZohoCRM.users.READ,", &["ZohoCRM.users.READ,ZohoCRM.modules.ALL"], &[]),
        ("login --scopes ", &["ZohoCRM.users.READ", "ZohoCRM.org.READ"], &[]),
        ("login --qr", &["--qr"], &["half"]),
        ("login --qr=", &["--qr=half", "--qr=none"], &[]),
        ("login --qr --", &["--plain"], &["half"]),
        ("login --json --", &["--timeout"], &["--plain", "--kiosk"]),
        ("login --qr-file ", &["files"], &[]),
        ("login work --kiosk -- ", &["commands"], &["work"]),
        ("login work --kiosk -- sh ", &["files"], &[]),
        ("scopes ", &["crm", "desk"], &["eu"]),
        ("scopes crm --data-center ", &["us", "eu"], &["crm"]),
        ("api ", &["GET", "POST"], &["crm"]),
        ("api --product ", &["crm", "desk"], &["GET"]),
        ("api --input ", &["files"], &[]),
        ("store rekey --to ", &["key-file", "passphrase"], &[]),
        ("store copy ", &["file:", "postgres://"], &[]),
        ("--store ", &["file:", "memory:"], &[]),
        ("help profile ", &["add", "remove"], &["profile"]),
        ("man ", &["token", "profile"], &["add"]),
        ("completions ", &["bash", "zsh", "fish", "powershell"], &[]),
        ("completions --all ", &["directories"], &[]),
        ("nonsense ", &["--profile"], &["add"]),
        ("-- ", &[], &["--profile"]),
        ("profile add ", &["--client-id"], &["zoho"]),
        ("--config", &["--config"], &["login"]),
        ("token é -é --é=é ", &[], &[]),
    ] {
        let offered = offered(line);
        for word in has {
            assert!(offered.iter().any(|offered| offered == word), "{line:?} lacks {word}: {offered:?}");
        }
        for word in has_not {
            assert!(!offered.iter().any(|offered| offered == word), "{line:?} has {word}: {offered:?}");
        }
    }
}

#[test]
fn each_word_says_what_it_is() {
    for candidate in candidates(&[String::new()]).iter().chain(&candidates(&["login".to_owned(), "--".to_owned()])) {
        assert!(matches!(candidate, Candidate::Word { about, .. } if !about.is_empty()), "{candidate:?}");
    }
}

#[test]
fn nothing_becomes_another_line() {
    assert_eq!(Candidate::word(":files", "").line(), None);
    assert_eq!(Candidate::word("a\nb", "").line(), None);
    assert_eq!(Candidate::word("a", "b\tc\nd").line().as_deref(), Some("a\tb c d"));
}

/// Each argument has values that are offered, or is one of which the list says that nobody can know them.
#[test]
fn each_value_is_offered_or_known_to_be_free() {
    let mut definition = commands::definition();
    definition.build();
    let mut free = Vec::new();
    visit(&definition, &mut |command| {
        let line = Line { command, awaited: None, placed: Vec::new(), is_literal: false, given: Vec::new() };
        for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            if !is_offered(&line, argument) {
                free.extend(argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string));
            }
        }
    });
    free.sort_unstable();
    free.dedup();
    let unknown: Vec<&String> = free.iter().filter(|name| !FREE.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "offer values for these in `values`, or list them in FREE: {unknown:?}");
    assert!(FREE.iter().all(|name| free.iter().any(|free| free == name)), "FREE has more than there are: {free:?}");
}

fn is_offered(line: &Line, argument: &Arg) -> bool {
    let is_profile = argument.get_value_parser().type_id() == std::any::TypeId::of::<crate::profile::ProfileName>();
    let name = argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    !argument.get_possible_values().is_empty()
        || argument.get_value_hint() != ValueHint::Unknown
        || is_profile
        || argument.is_hide_set()
        || by_name(line, name, "", "").is_some()
}
