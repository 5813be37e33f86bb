//! The words by which people look for a command that has another name here.

use std::ffi::OsString;

use super::commands;
use crate::tables::Words;

/// Behind a command, the words for one below it, and what it is; the first rows are behind none.
const KNOWN: &str = "\
            | sign-in signin sign auth authorize authenticate       | login
            | import                                                | login --import
            | resume continue                                       | login --resume
            | kiosk                                                 | login --kiosk
            | revoke sign-out signout disconnect                    | logout
            | forget                                                | logout --local
            | mint access-token print-token get-token               | token
            | renew rotate                                          | refresh
            | verify validate                                       | status --verify
            | list ls profiles                                      | profile list
            | add new create                                        | profile add
            | show info                                             | profile show
            | use switch                                            | profile use
            | edit                                                  | profile edit
            | rename mv                                             | profile rename
            | remove rm delete                                      | profile remove
            | export                                                | profile export
            | call request curl get                                 | api
            | run                                                   | exec
            | daemon watch                                          | agent
            | check diagnose health                                 | doctor
            | scope products hosts                                  | scopes
            | settings                                              | config
            | rekey                                                 | store rekey
    profile | ls                                                    | profile list
    profile | new create                                            | profile add
    profile | rm delete                                             | profile remove
    profile | mv                                                    | profile rename
    profile | change set                                            | profile edit
    profile | default switch                                        | profile use
    store   | verify repair                                         | store check
    store   | rotate                                                | store rekey
    store   | migrate move                                          | store copy
    config  | validate verify                                       | config check";

fn known() -> impl Iterator<Item = (&'static str, Words, &'static str)> {
    KNOWN.lines().filter_map(|line| {
        let (above, rest) = line.split_once('|')?;
        let (words, command) = rest.split_once('|')?;
        Some((above.trim_ascii(), Words(words), command.trim_ascii()))
    })
}

/// What somebody meant who gave this word in the place of a command, as a sentence without its end.
pub(super) fn meant(above: &str, word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let mut known = known().filter(|(place, words, _)| *place == above && words.contains(&lower));
    known.next().map(|(.., command)| format!("`{word}` is `device-login {command}` here"))
}

/// The command behind which this word stands in the arguments.
pub(super) fn above<'a>(arguments: &'a [OsString], word: &str) -> &'a str {
    let definition = commands::definition();
    let before =
        arguments.iter().skip(1).take_while(|argument| *argument != word).filter_map(|argument| argument.to_str());
    before.filter(|argument| definition.find_subcommand(argument).is_some()).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{KNOWN, above, commands, known};

    fn arguments(line: &str) -> Vec<OsString> {
        ["device-login"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn every_other_word_leads_to_a_command_and_is_none_itself() {
        use clap::error::ErrorKind;

        assert_eq!(known().count(), KNOWN.lines().count());
        for (place, words, command) in known() {
            let problem = commands::parse(&arguments(command)).err().map(|problem| problem.kind());
            let is_command = problem.is_none_or(|kind| {
                use ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument};
                matches!(kind, DisplayHelpOnMissingArgumentOrSubcommand | MissingRequiredArgument)
            });
            assert!(is_command, "{command}: {problem:?}");
            for word in words {
                let line = arguments(&format!("{place} {word}"));
                let problem = commands::parse(&line).err().map(|problem| problem.kind());
                assert_eq!(problem, Some(ErrorKind::InvalidSubcommand), "{place} {word}");
                assert_eq!(above(&line, word), place);
            }
        }
    }
}
