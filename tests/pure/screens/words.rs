//! One word for each act, the command's: in the footer, the help, the palette, the pictures of the screens and the documents.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use device_login::tui::keymap::{BINDINGS, Binding, Command, Key, Scope};
use device_login::tui::model::Model;

use super::panels::*;
use super::{profile_form, sign_in};
use crate::support::screen::screen_text;

/// What acts are called, and other words by which they are found.
const ACTS: [(Command, &str, &[&str]); 10] = [
    (Command::SignIn, "sign in", &["login", "sign in again"]),
    (Command::Refresh, "refresh", &["mint", "renew"]),
    (Command::Whoami, "whoami", &["verify", "check"]),
    (Command::Logout, "logout", &["sign out", "revoke", "forget"]),
    (Command::Api, "api", &["call"]),
    (Command::AddProfile, "add", &["new"]),
    (Command::EditProfile, "edit", &["change"]),
    (Command::RenameProfile, "rename", &["move"]),
    (Command::RemoveProfile, "remove", &["delete"]),
    (Command::UseProfile, "use", &["default"]),
];

/// Words that have given way to those, each as a whole word.
const GONE: [&str; 12] = [
    "mint",
    "mints",
    "minted",
    "minting",
    "verify",
    "verifies",
    "verifying",
    "sign out",
    "signs out",
    "signing out",
    "sign-out",
    "sign-outs",
];

/// What the help of a command may begin with.
const VERBS: [&str; 42] = [
    "add", "answer", "api:", "approve", "ask", "cancel,", "change", "choose,", "copy", "decline", "draw", "edit",
    "filter", "find", "fix", "fold", "go", "import", "invert", "leave", "logout:", "make", "move", "open", "quit",
    "refresh", "remove", "rename", "save", "scroll", "send", "show", "sign", "sort", "suspend", "tick", "toggle",
    "turn", "unfold", "use:", "view", "whoami:",
];

/// The words of `text` that are gone. Names in backticks and options are names, not words.
fn gone_in(text: &str) -> Vec<&'static str> {
    let mut words = String::with_capacity(text.len());
    for (number, part) in text.to_lowercase().split('`').enumerate() {
        words += if number % 2 == 0 { part } else { "`" };
    }
    // Leaving an account everywhere is an act at the provider.
    let words = words.replace("signing out everywhere", "");
    let is_part = |character: char| character.is_alphanumeric() || character == '-';
    let stands = |word: &&str| {
        words.match_indices(*word).any(|(at, _)| {
            let (before, after) = (words[..at].chars().next_back(), words[at + word.len()..].chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    GONE.into_iter().filter(stands).collect()
}

/// A screen for each scope on which commands are asked for.
fn screens() -> Vec<(Scope, Model)> {
    let mut many = profiles_at("work");
    resize(&mut many, 200, 50);
    vec![
        (Scope::Profiles, many),
        (Scope::SignIn, sign_in::ended(Ok(sign_in::signed_in()))),
        (Scope::SignIn, sign_in::pending()),
        (Scope::Api, answered(Ok(answer(200, ORGANIZATION, None)))),
        (Scope::ProfileForm, profile_form::reviewing()),
        (Scope::Welcome, empty_model()),
    ]
}

#[test]
fn every_command_has_words_that_stand_and_a_help_that_begins_with_a_verb() {
    for Binding { command, label, help, .. } in BINDINGS.iter() {
        assert!(!label.is_empty() && gone_in(&format!("{label}\n{help}")).is_empty(), "{command:?}: {label}, {help}");
        let first = help.split(' ').next().unwrap_or_default();
        assert!(VERBS.contains(&first), "{command:?}: {help:?} begins with no verb");
        for word in command.synonyms() {
            assert_eq!(*word, word.to_lowercase(), "{command:?}");
        }
    }
}

#[test]
fn each_act_is_called_by_the_name_of_its_command_wherever_it_is_offered() {
    for (command, name, _) in ACTS {
        let bindings: Vec<&Binding> = BINDINGS.iter().filter(|binding| binding.command == command).collect();
        assert!(!bindings.is_empty());
        for Binding { scope, label, help, keys, .. } in bindings {
            assert_eq!(*label, name, "{scope:?}");
            let says = help.rsplit(": ").next().unwrap_or(help);
            let begins = help.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', ',', ':']));
            assert!(begins, "{help:?} begins with {name:?}");
            let offering: Vec<Model> = screens()
                .into_iter()
                .filter(|(there, model)| {
                    there == scope && screen_text(model, now()).contains(&format!("{} {name}", keys[0].label()))
                })
                .map(|(_, model)| model)
                .collect();
            assert!(!offering.is_empty(), "the footer of {scope:?} offers {name}");
            for model in offering {
                let palette = screen_text(&typed(model, ":"), now());
                assert!(palette.lines().any(|line| line.contains(name) && line.contains(says)), "{name}:\n{palette}");
            }
        }
    }
}

#[test]
fn the_palette_finds_each_act_first_by_its_name_and_by_the_others() {
    for (command, name, synonyms) in ACTS {
        for word in synonyms.iter().copied().chain([name]) {
            let model = typed(profiles_at("work"), &format!(":{word}"));
            let screen = screen_text(&model, now());
            let first = screen.lines().find(|line| line.contains("│ ▌")).unwrap_or_default();
            assert!(first.contains(name), "{command:?} by {word:?}:\n{screen}");
        }
    }
}

#[test]
fn no_screen_and_no_document_has_a_word_that_has_given_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |folder: &str, ending: &str| -> Vec<PathBuf> {
        let files = fs::read_dir(root.join(folder)).expect("the folder is there");
        let files = files.map(|entry| entry.expect("an entry").path());
        files.filter(|path| path.extension().is_some_and(|ext| ext == ending)).collect()
    };
    let mut documents = read("docs", "md");
    // What it tells of earlier releases is told in their words.
    documents.retain(|path| !path.ends_with("changelog.md"));
    documents.push(root.join("README.md"));
    let snapshots = read("tests/pure/screens/snapshots", "snap");
    assert!(documents.len() > 10 && snapshots.len() > 100);
    for path in documents.into_iter().chain(snapshots) {
        let text = fs::read_to_string(&path).expect("it is text");
        for (number, line) in text.lines().enumerate() {
            assert!(gone_in(line).is_empty(), "{}:{}: {:?}: {line}", path.display(), number + 1, gone_in(line));
        }
    }
}

/// What is shown as it is, to be selected or read byte for byte.
const NO_PROSE: [&str; 5] = ["curl", "bare_link", "token", "bytes", "raw"];

/// The words of a text, each of letters alone.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// A known word of which one half stands at the end of a row and the other at the beginning of the one below, in one pane.
fn split_word(row: &str, below: &str, known: &HashSet<String>) -> Option<String> {
    let is_border = |character: &char| "│|╭╰╮╯".contains(*character);
    let (row, below): (Vec<char>, Vec<char>) = (row.chars().collect(), below.chars().collect());
    let mut ends = (0..row.len()).filter(|at| row.get(at + 1).is_none_or(is_border));
    ends.find_map(|end| {
        let begin = row[..end].iter().rposition(is_border).map_or(0, |border| border + 1);
        let pane: String = row[begin..=end].iter().collect();
        let pane_below: String = below.get(begin..).unwrap_or_default().iter().take_while(|c| !is_border(c)).collect();
        let is_letter = |character: char| character.is_alphabetic();
        let first = pane.trim_end().rsplit(|character| !is_letter(character)).next()?.to_lowercase();
        let second = pane_below.trim_start().split(|character| !is_letter(character)).next()?.to_lowercase();
        let whole = format!("{first}{second}");
        let is_full = pane.len() - pane.trim_end().len() <= 1;
        let are_words = [&first, &second].into_iter().all(|half| known.contains(half));
        let are_halves = !(first.is_empty() || second.is_empty() || are_words);
        (is_full && are_halves && known.contains(&whole)).then_some(whole)
    })
}

#[test]
fn no_word_of_prose_is_split_at_the_end_of_a_row() {
    let known: HashSet<String> = ["token", "lacks", "a", "scope"].map(str::to_owned).into();
    assert_eq!(split_word("│ It failed: the tok│x │", "│ en lacks a scope. │y │", &known).as_deref(), Some("token"));
    assert_eq!(split_word("│ It failed: the    │x │", "│ token lacks a     │y │", &known), None);

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pure/screens/snapshots");
    let mut screens: Vec<(String, String)> = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let text = fs::read_to_string(&path).expect("it is text");
        let screen = text.split("--- styles").next().unwrap_or_default().splitn(3, "---\n").last().unwrap_or_default();
        if !NO_PROSE.iter().any(|part| name.contains(part)) {
            screens.push((name, screen.to_owned()));
        }
    }
    // In wide windows hardly anything is broken.
    let wide = screens.iter().filter(|(name, _)| name.contains("_120x") || name.contains("_200x"));
    let known: HashSet<String> = wide.flat_map(|(_, screen)| words(screen)).collect();
    assert!(screens.len() > 400 && known.len() > 500, "{} {}", screens.len(), known.len());
    for (name, screen) in &screens {
        let rows: Vec<&str> = screen.lines().collect();
        for pair in rows.windows(2) {
            assert_eq!(split_word(pair[0], pair[1], &known), None, "{name}:\n{screen}");
        }
    }
}

#[test]
fn what_was_asked_for_last_comes_first_in_the_palette() {
    let mut model = profiles_at("work");
    let mut first_after = |asked: &str, query: &str| {
        press(&mut model, &[Key::Char(':')]);
        type_text(&mut model, asked);
        press(&mut model, &[Key::Enter, Key::Char(':')]);
        type_text(&mut model, query);
        let screen = screen_text(&model, now());
        press(&mut model, &[Key::Esc]);
        screen.lines().find(|line| line.contains('▌')).map(str::to_owned).expect("a row")
    };
    for asked in ["theme", "sort", "theme"] {
        assert!(first_after(asked, "").contains(asked), "{asked}");
    }
    assert!(first_after("sort", "s").contains("sort"));
    assert!(first_after("theme", "e").contains("edit"), "a better match is one all the same");
}

#[test]
fn the_help_is_whole_at_80x24_on_every_screen() {
    for is_demo in [false, true] {
        for (scope, mut model) in screens() {
            resize(&mut model, 80, 24);
            (model.around.is_demo, model.around.has_browser) = (is_demo, true);
            let mut model = typed(model, "?");
            let screen = screen_text(&model, now());
            assert!(screen.contains("Any key closes this"), "{scope:?} {is_demo}:\n{screen}");
            let is_shown = |binding: &&Binding| {
                [scope, Scope::Everywhere].contains(&binding.scope) && (is_demo || !binding.help.contains("(demo)"))
            };
            for binding in BINDINGS.iter().filter(is_shown) {
                for key in &binding.keys {
                    let is_there = screen.split_whitespace().any(|word| word == key.label());
                    assert!(is_there, "{scope:?}: {} of {:?} is told:\n{screen}", key.label(), binding.command);
                }
            }
            press(&mut model, &[Key::Down]);
            assert_eq!(model.around.overlay, None, "any key closes it");
        }
    }
}
