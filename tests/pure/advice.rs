//! Commands are for those who type commands: what is said below the command line, and on the screens, names none. And what
//! is said of providers' error words, once the command line has worded it.

use std::fs;
use std::path::{Path, PathBuf};

use device_login::cli::advice::said;
use device_login::error::Advice;
use device_login::profile::ProfileName;
use device_login::providers::explained::{
    Explanation, Facts, GITHUB, GITHUB_ALONE, GITLAB, GOOGLE, MICROSOFT, RFC, Table, ZOHO,
};
use device_login::providers::{presets, standard};

const TABLES: [Table; 7] = [ZOHO, RFC, GOOGLE, MICROSOFT, GITHUB, GITHUB_ALONE, GITLAB];

/// Files that name commands or flags all the same, and how many lines do, in the order of their names. May only shrink.
const LEFT: &[(&str, usize)] = &[
    ("api/diagnosis.rs", 1),
    ("config/variables.rs", 7),
    ("error.rs", 5),
    ("files/trouble.rs", 1),
    ("http/tls/chain.rs", 1),
    ("http/tls/words.rs", 1),
    ("service.rs", 1),
    ("service/api.rs", 1),
    ("service/doctor.rs", 1),
    ("service/doctor/store.rs", 1),
    ("service/export.rs", 1),
    ("service/profiles.rs", 1),
    ("service/qr_file.rs", 1),
    ("storage/key.rs", 1),
    ("storage/key/change.rs", 3),
    ("storage/postgres/trouble.rs", 1),
    ("tui/panels/profile_form/view/pages.rs", 1),
];

/// Keys of the configuration that are called like a command.
const KEYS: [&str; 3] = ["profile", "scopes", "store"];

/// What acts on the files that are named to it.
const ON_FILES: [&str; 8] = ["chmod", "chown", "cp", "install", "ls", "mkdir", "mv", "rm"];

#[test]
fn no_command_is_written_outside_the_command_line() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 100);
    let commands = commands();
    let (mut counted, mut lines) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| !file.starts_with(src.join("cli")) && **file != src.join("cli.rs")) {
        let text = fs::read_to_string(file).expect("it is text");
        let name = file.strip_prefix(&src).expect("it is below").display().to_string();
        let found = code(&text).filter(|(_, line)| names_a_command(line, &commands));
        let found: Vec<String> = found.map(|(number, line)| format!("{name}:{}: {line}", number + 1)).collect();
        if !found.is_empty() {
            counted.push((name, found.len()));
            lines.extend(found);
        }
    }
    counted.sort();
    let counted: Vec<_> = counted.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(counted, LEFT, "{}", lines.join("\n"));
}

#[test]
fn no_command_on_a_file_is_put_together_without_quotes() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("it is text");
        let found: Vec<_> = code(&text).filter(|(_, line)| has_bare_path(line)).collect();
        assert!(found.is_empty(), "`shell::on` quotes a path: {}: {found:?}", file.display());
    }
    assert!(
        has_bare_path("run `chmod 600 {}`") && has_bare_path("`rm -r {path}`") && !has_bare_path("`chmod 600 FILE`")
    );
}

/// Whether a command that acts on files has a placeholder behind it.
fn has_bare_path(line: &str) -> bool {
    let is_command = |part: &&str| part.split_once(' ').is_some_and(|(word, _)| ON_FILES.contains(&word));
    line.split('`').skip(1).filter(is_command).any(|part| part.contains('{'))
}

#[test]
fn a_command_is_known_from_a_key_and_a_word() {
    let commands = commands();
    assert!(commands.len() > 15 && commands.contains(&"git-credential"), "{commands:?}");
    for line in [
        "run `device-login login`",
        "`login {name} --web`",
        "by `--ca-cert`",
        "with `-v`",
        "ask `token`",
        "`store rekey`",
    ] {
        assert!(names_a_command(line, &commands), "{line}");
    }
    for line in ["check `scopes`", "`store = \"{to}\"`", "`tokens`", "profile `{profile}`", "a token", "`-1`"] {
        assert!(!names_a_command(line, &commands), "{line}");
    }
}

/// Whether a command or a flag of this program stands behind a backtick.
fn names_a_command(line: &str, commands: &[&str]) -> bool {
    line.split('`').skip(1).any(|part| {
        let (word, rest) = part.split_once(' ').map_or((part, None), |(word, rest)| (word, Some(rest)));
        let is_flag = word.starts_with("--") || ["-v", "-p"].contains(&word);
        let is_key = KEYS.contains(&word) && rest.is_none_or(|rest| rest.starts_with('='));
        is_flag || (word == "device-login" && rest.is_some()) || (commands.contains(&word) && !is_key)
    })
}

/// All commands, by the reference.
fn commands() -> Vec<&'static str> {
    let headings = include_str!("../../docs/cli.md").lines().filter_map(|line| line.strip_prefix("## `device-login "));
    headings.filter_map(|heading| heading.split(['`', ' ']).next()).collect()
}

/// The lines of a file that are neither comments nor tests, and their places.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("\nmod tests {").next().unwrap_or_default().lines().enumerate();
    code.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("it is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "txt") {
            into.push(path);
        }
    }
}

fn facts<'a>(profile: &'a ProfileName, later: &'a Advice) -> Facts<'a> {
    Facts {
        profile,
        provider: "Zoho",
        endpoint: "https://accounts.example/token",
        data_center: "eu",
        scopes: "{profile}",
        registration: "register a client",
        later,
        by_hand: "remove it",
        sends_secret: Some(true),
        secret_place: "where the profile has it",
    }
}

#[test]
fn texts_are_complete_short_and_fit_their_places() {
    let (work, wait) = ("work".parse().expect("a name"), "wait".into());
    for entry in TABLES.into_iter().flat_map(Table::entries) {
        let explained = entry.explain(&facts(&work, &wait));
        let next = said(&explained.next);
        let texts = [&explained.meaning, &next].into_iter().chain(&explained.causes);
        for text in texts {
            let is_clause = !text.is_empty() && !text.ends_with('.') && text.trim() == text && text.len() < 220;
            // Scopes are filled with what looks like a placeholder, and stay as they are.
            assert!(is_clause && !text.replace("{profile}", "").contains(['{', '}']), "{:?}: {text}", entry.words);
        }
        assert!((1..=4).contains(&entry.causes.len()), "{:?}", entry.words);
        assert!(!entry.places.is_empty() && !entry.source.is_empty(), "{:?}", entry.words);
    }
}

#[test]
fn only_zoho_is_spoken_of_in_zohos_words() {
    let (work, wait) = ("work".parse().expect("a name"), "wait".into());
    let of_presets = presets::PRESETS.iter().map(|preset| preset.dialect);
    for dialect in of_presets.chain([&standard::DIALECT]) {
        let facts = Facts {
            provider: dialect.display_name,
            data_center: "",
            registration: dialect.registration,
            ..facts(&work, &wait)
        };
        let mut texts = vec![dialect.registration.to_owned(), dialect.web_registration.to_owned()];
        texts.push(dialect.code_by_hand.to_owned());
        for entry in dialect.error_words.iter().flat_map(|table| table.entries()) {
            let Explanation { meaning, causes, next, .. } = entry.explain(&facts);
            texts.extend([meaning, said(&next)].into_iter().chain(causes));
        }
        for text in texts {
            let own = ["Zoho", "data center", "API console", "Connected Apps", "Multi-DC", "self client"];
            assert!(!own.iter().any(|word| text.contains(word)), "{}: {text}", dialect.display_name);
        }
    }
}
