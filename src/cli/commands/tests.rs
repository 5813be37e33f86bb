//! The short way to read arguments is the long one, for whatever is written.

use std::ffi::OsString;

use clap::{ArgMatches, FromArgMatches};

use super::super::{Arguments, Global, token};
use super::{COMMANDS, are_of_agent, definition_of, named, parse, plain_token, read_by};

/// Arguments without the program's name.
const TABLE: &[&str] = &[
    "",
    "token",
    "token work",
    "token -- work",
    "token -- -work",
    "-- token",
    "token work more",
    "-p work token",
    "-pwork token",
    "-p=work token",
    "--profile work token",
    "--profile=work token",
    "--profile token",
    "--profile= token",
    "-p token token",
    "-p token status",
    "-p status token",
    "-ptoken status",
    "--store token status",
    "--config status --color never token",
    "token -p work",
    "token -pwork",
    "token --profile=work",
    "token work -p work -p work",
    "-p work token -p work",
    "-p work token -p lobby",
    "-v token",
    "-vq token -vq",
    "-qv token",
    "-qvp work token",
    "-vv token",
    "-v -v token -qq",
    "status --json --json",
    "-vpwork token",
    "token -vpwork",
    "--color=always token",
    "token --color always",
    "token --color",
    "token --color=never=",
    "token --color purple",
    "--color purple token",
    "token --format json",
    "token --format jsn",
    "token --min-ttl 5m --format=raw",
    "token --min-ttl soon",
    "token --force --min-ttl 5m",
    "token --frce",
    "token --nonsense",
    "--nonsense token",
    "--format raw token",
    "tok",
    "tokn",
    "toke status",
    "Token",
    "token token",
    "token status",
    "status token",
    "status --json --check",
    "status --sort state --verify",
    "status --prometheus --output x.prom",
    "status --output x.prom",
    "doctor",
    "doctor work --json",
    "doctor --jsn",
    "status --js",
    "stat --json",
    "login",
    "login work --plain",
    "login --plain --json",
    "login --kiosk -- token status",
    "login -- token",
    "login --qr",
    "login --qr=half work",
    "login --qr half work",
    "api /users",
    "api GET /users -H token -F a=b -f c=d",
    "api GET /users more",
    "api token",
    "api --paginate --slurp /users",
    "api /users --paginate --silent --include",
    "config",
    "config path --json",
    "config check --json",
    "config schema --json",
    "--config x config check",
    "profile list --json",
    "profile show --json work",
    "profile add work --provider zoho",
    "api",
    "exec",
    "exec token",
    "exec -- token -p work",
    "exec -p work status --json -p token",
    "-p exec exec exec",
    "-p exec token",
    "exec --min-ttl 5m -v true -v",
    "exec -x token",
    "git-credential get",
    "git-credential -p token get",
    "git-credential",
    "profile export work --env-file token --yes",
    "profile export",
    "token --format exec-credential --id-token --show-expiry",
    "agent token status --log json",
    "profile",
    "profile list",
    "profile add",
    "profile add work --provider zoho --client-id 1000.X",
    "-p work profile show",
    "profile -p work show",
    "profile show -p work",
    "profile shw",
    "profile token",
    "profile show token",
    "profile edit work",
    "profile rename a b",
    "store",
    "store check --repair",
    "store --store memory: check",
    "store token",
    "scopes crm --data-center eu",
    "refresh -",
    "whoami --json",
    "logout --local work",
    "../x",
    "token ../x",
    "token -p ../x",
    "-p ../x token",
    "token é",
    "-h",
    "--help",
    "-V",
    "--version",
    "-h token",
    "--help token",
    "token -h",
    "token --help",
    "token --version",
    "token -V",
    "token work --help",
    "token --nonsense --help",
    "profile --help",
    "profile add --help",
    "profile nonsense --help",
    "-v",
    "-p work",
    "-p",
    "--",
    "-",
];

fn arguments(line: &str) -> Vec<OsString> {
    ["device-login"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect()
}

fn long_way(arguments: &[OsString]) -> Result<super::Asked, clap::Error> {
    read_by(super::definition(), COMMANDS, arguments)
}

/// All that was given, with where it came from, of a command and those below it.
fn given(matches: &ArgMatches) -> String {
    let mut ids: Vec<&str> = matches.ids().map(clap::Id::as_str).collect();
    ids.sort_unstable();
    let values = ids.iter().map(|id| {
        let raw = matches.get_raw(id).map(std::iter::Iterator::collect::<Vec<_>>);
        format!("{id} {raw:?} {:?} {:?}", matches.value_source(id), matches.indices_of(id).map(Vec::from_iter))
    });
    let below = matches.subcommand().map(|(name, matches)| format!("{name}: {}", given(matches)));
    values.chain(below).collect::<Vec<_>>().join("\n")
}

/// What a definition makes of arguments: all that was given, or what is wrong and the exit code.
fn outcome(mut definition: clap::Command, arguments: &[OsString]) -> Result<String, (String, i32)> {
    let matches = definition.try_get_matches_from_mut(arguments);
    matches.map(|matches| given(&matches)).map_err(|error| (error.render().ansi().to_string(), error.exit_code()))
}

#[test]
fn the_definition_of_one_command_gives_what_the_whole_one_gives_or_nothing() {
    let mut short_ways = 0;
    for line in TABLE {
        let arguments = arguments(line);
        let long = outcome(definition_of(COMMANDS), &arguments);
        let short = named(&arguments).map(|command| outcome(definition_of(std::slice::from_ref(command)), &arguments));
        if let Some(Ok(short)) = short {
            assert_eq!(Ok(short), long, "{line}");
            short_ways += 1;
        }
        match (parse(&arguments), long_way(&arguments)) {
            (Ok(short), Ok(long)) => {
                let name = |asked: super::Asked| asked.command.map(|command| (command.name, command.makes_config));
                assert_eq!(format!("{:?}", short.global), format!("{:?}", long.global), "{line}");
                assert_eq!(name(short), name(long), "{line}");
                assert!(outcome(super::definition(), &arguments).is_ok(), "{line}");
            }
            (Err(short), Err(long)) => {
                let told = |error: clap::Error| (error.kind(), error.render().ansi().to_string(), error.exit_code());
                assert_eq!(told(short), told(long), "{line}");
            }
            (short, long) => panic!("{line}: {:?} and {:?}", short.is_ok(), long.is_ok()),
        }
    }
    assert!(short_ways > 30, "only {short_ways} lines went the short way");
}

#[test]
fn a_plain_token_is_what_the_definition_makes_of_it() {
    let mut plain_ones = 0;
    for line in TABLE {
        let arguments = arguments(line);
        let Some(plain) = plain_token(&arguments) else { continue };
        let mut matches = definition_of(COMMANDS).try_get_matches_from(&arguments).expect(line);
        let Arguments { global } = Arguments::from_arg_matches_mut(&mut matches).expect(line);
        let (_, mut below) = matches.remove_subcommand().expect(line);
        let defined = token::Token::from_arg_matches_mut(&mut below).expect(line);
        assert_eq!(format!("{plain:?} {:?}", Global::default()), format!("{defined:?} {global:?}"), "{line}");
        plain_ones += 1;
    }
    assert_eq!(plain_ones, 4, "`token`, and that with one of three names");
}

#[test]
fn each_command_is_read_the_short_way() {
    for command in COMMANDS {
        let arguments = arguments(command.name);
        assert!(named(&arguments).is_some_and(|found| found.name == command.name), "{}", command.name);
    }
}

#[test]
fn the_definition_is_sound() {
    definition_of(COMMANDS).debug_assert();
    for command in COMMANDS {
        definition_of(std::slice::from_ref(command)).debug_assert();
    }
}

#[test]
#[cfg(unix)]
fn arguments_that_are_no_text_are_read_alike() {
    use std::os::unix::ffi::OsStringExt;

    let strange = || OsString::from_vec(b"a\xffb".to_vec());
    for line in ["token", "api", "-p", "--config", "token --config", "login --kiosk --", "agent --on-event", "nonsense"]
    {
        let mut arguments = arguments(line);
        arguments.push(strange());
        let told = |asked: Result<super::Asked, clap::Error>| {
            asked.map(|asked| asked.command.map(|command| command.name)).map_err(|error| error.render().to_string())
        };
        assert_eq!(told(parse(&arguments)), told(long_way(&arguments)), "{line}");
    }
}

/// All commands and those below them, with the words that name them.
pub(in crate::cli) fn visit(command: &clap::Command, look: &mut dyn FnMut(&clap::Command)) {
    look(command);
    command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| visit(below, look));
}

fn built() -> clap::Command {
    let mut definition = super::definition();
    definition.build();
    definition
}

#[test]
fn a_flag_that_is_given_again_says_no_more_than_once() {
    for (line, once) in [("-vv status", "-v status"), ("-v -q status -q -v", "-vq status"), ("-q -q", "-q")] {
        let asked = [line, once].map(|line| parse(&arguments(line)).map(|asked| format!("{:?}", asked.global)));
        let [Ok(asked), Ok(once)] = asked else { panic!("{line} is refused") };
        assert_eq!(asked, once, "{line}");
    }
    let mut flags = 0;
    visit(&built(), &mut |command| {
        let above = command.get_bin_name().unwrap_or_default();
        for argument in command.get_arguments().filter(|it| matches!(it.get_action(), clap::ArgAction::SetTrue)) {
            let flag = format!("--{}", argument.get_long().expect("a flag has a long form"));
            let line = format!("{above} {flag} {flag}");
            let line: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let problem = parse(&line).err().map(|problem| problem.kind());
            assert_ne!(problem, Some(clap::error::ErrorKind::ArgumentConflict), "{line:?}");
            flags += 1;
        }
    });
    assert!(flags > 60, "only {flags} flags were seen");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the directory is this test's own")]
#[cfg(unix)]
fn each_command_has_examples_that_are_understood() {
    // A shell takes each line apart, as it would for whoever copies it; what it would run writes down its arguments.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let told = directory.path().join("told");
    let programs = ["device-login", "cut", "psql", "man", "curl", "source", "bash", "chromium"];
    for program in programs {
        let path = directory.path().join(program);
        let text = if program == "device-login" {
            "for word; do printf '%s\\0' \"$word\"; done >> told; printf '\\n' >> told"
        } else {
            ""
        };
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("it is ours");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("it is ours");
    }
    std::fs::write(directory.path().join("secret"), "").expect("it is ours");
    visit(&built(), &mut |command| {
        let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
        let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let text = text.strip_prefix("Examples:\n").unwrap_or_else(|| panic!("`{name}` has no examples"));
        let shown = text.split("\n\n").next().unwrap_or_default();
        let lines: Vec<String> = shown.replace("\\\n", "").lines().map(|line| line.trim().to_owned()).collect();
        assert!((2..=4).contains(&lines.len()), "`{name}` has {} examples", lines.len());
        for line in lines.iter().filter(|line| !line.starts_with("source ")) {
            let _ = std::fs::remove_file(&told);
            // Only what a line leads to is of interest, not where it writes.
            let line_here = line.replace(" > ~/", " > ./").replace('/', "_");
            let mut shell = std::process::Command::new("/bin/sh");
            shell.args(["-c", &line_here]).current_dir(directory.path()).env("PATH", directory.path());
            let status = shell.stdin(std::process::Stdio::null()).status().expect("a shell starts");
            assert!(status.success(), "{line}");
            let ran = std::fs::read_to_string(&told).unwrap_or_default();
            assert!(!ran.is_empty(), "`{line}` runs no device-login");
            for words in ran.lines() {
                let words = words.split_terminator('\0').map(OsString::from);
                let arguments: Vec<OsString> = [OsString::from("device-login")].into_iter().chain(words).collect();
                if let Err(error) = parse(&arguments) {
                    panic!("`{line}` is not understood: {}", error.render());
                }
            }
        }
    });
}

#[test]
fn all_that_is_said_of_commands_fits_80_columns() {
    visit(&built(), &mut |command| {
        let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
        let mut command = command.clone().term_width(80);
        for help in [command.render_help(), command.render_long_help()] {
            let help = help.to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
            assert!(
                help.find("Usage:").is_some_and(|usage| help.find("Options:").is_none_or(|at| usage < at)),
                "{name}"
            );
        }
        let (short, long) = (command.render_help().to_string(), command.render_long_help().to_string());
        assert!(long.contains("\nExamples:\n") && !short.contains("Examples:"), "{name}");
        assert!(long.find("Examples:") < long.find("Options:"), "{name}: {long}");
    });
}

#[test]
fn an_agent_is_told_from_whatever_else_is_called_so() {
    for (arguments, is_agent) in [
        ("agent", true),
        ("agent work lobby --log json", true),
        ("--config agent agent", true),
        ("-p agent -v agent", true),
        ("", false),
        ("login agent --kiosk", false),
        ("-p agent login", false),
        ("profile show agent", false),
        ("exec -- agent", false),
        ("help agent", false),
        ("agent --nonsense", false),
    ] {
        let words = ["device-login"].into_iter().chain(arguments.split(' ').filter(|word| !word.is_empty()));
        let words: Vec<OsString> = words.map(OsString::from).collect();
        assert_eq!(are_of_agent(&words), is_agent, "{arguments}");
    }
}

#[test]
fn a_value_that_is_refused_is_told_with_a_right_one() {
    use clap::error::{ContextKind, ErrorKind};

    let mut refused = std::collections::BTreeSet::new();
    let places = |command: &clap::Command| {
        command.get_arguments().filter(|argument| argument.get_action().takes_values()).cloned().collect::<Vec<_>>()
    };
    visit(&built(), &mut |command| {
        for argument in places(command) {
            for value in
                ["@ x\\", "x", "-1", "\u{1}", "70000000000", "a=", "key-file:", "credential:x", "a=b,c", "a=b,mode=9"]
            {
                let word = argument.get_long().map_or(value.to_owned(), |flag| format!("--{flag}={value}"));
                let above = command.get_bin_name().unwrap_or_default().split(' ').map(str::to_owned);
                let line: Vec<OsString> = above.chain([word.clone()]).map(OsString::from).collect();
                let Err(error) = parse(&line) else { continue };
                // Whatever else is wrong is told at its own place.
                let is_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
                let blamed = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
                if !is_value || argument.get_long().is_some_and(|flag| !blamed.contains(&format!("--{flag}"))) {
                    continue;
                }
                let told = error.render().to_string();
                let names_a_right_one = ["such as", "possible", "there are"].iter().any(|words| told.contains(words));
                assert!(names_a_right_one, "{line:?}: {told}");
                refused.insert(argument.get_id().to_string());
            }
        }
    });
    for flag in
        ["renew", "timeout", "listen", "port", "scopes", "to", "token_file", "color", "profile", "min_ttl", "client_id"]
    {
        assert!(refused.contains(flag), "`{flag}` takes anything: {refused:?}");
    }
}
