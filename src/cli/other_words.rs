//! The words by which people look for a command that has another name here.

use std::ffi::OsString;

use super::commands;
use crate::tables::Words;

/// Behind a command, the words for one below it, and what it is; the first rows are behind none.
const KNOWN: &str = "\
            | sign-in signin sign auth sso authorize authenticate   | login
            | import                                                | login --import
            | resume continue                                       | login --resume
            | kiosk                                                 | login --kiosk
            | revoke sign-out signout disconnect                    | logout
            | forget                                                | logout --local
            | mint access-token print-token get-token               | token
            | print-access-token get-access-token                   | token
            | renew rotate                                          | refresh
            | verify validate                                       | status --verify
            | list ls profiles                                      | profile list
            | add new create configure setup                        | profile add
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
    config  | validate verify                                       | config check
    config  | list ls                                               | profile list
    config  | get view                                              | profile show
    config  | set edit                                              | profile edit";

/// Words below which other programs keep what are commands of their own here.
const GROUPS: Words = Words("auth sso oauth account");

/// Flags by which other programs are asked for JSON, and what is there in their place.
const FORMATS: Words = Words("-o --output --format");
pub(super) const JSON: &str = "`--json` prints JSON";

/// Behind a command, flags that other programs have for it, and what is there in their place.
const FLAGS: &str = "\
    api          | -d --data --data-raw --data-ascii --data-binary --data-urlencode --raw --body | a field is `-f key=value`, a whole body `--input FILE` or `--input -`
    api          | --json                        | `-f key=value` makes a JSON body, `--input FILE` sends one; the answer is printed as it comes
    api          | --jq                          | pipe the answer to `jq`: `device-login api PATH | jq FILTER`
    api          | -t --template                 | pipe the answer to a program that makes text of it, such as `jq -r`
    api          | -u --user -a --auth --oauth2-bearer --bearer --token | the profile's token goes along by itself; `-p NAME` chooses the profile
    api          | -k --insecure --verify --no-check-certificate | certificates are always checked; `--ca-cert FILE` trusts another authority as well
    api          | --cacert                      | `--ca-cert FILE` trusts another authority as well
    api          | -L --location --follow        | a token is sent to no other address: `-i` prints the header `location`, which says where to call next
    api          | -s -S --show-error --no-progress-meter | `-q` says less on stderr, `--silent` prints no body
    api          | -m --max-time --connect-timeout --timeout --retry | a call ends when no byte has moved for a minute; `timeout 10 device-login api PATH` ends it sooner
    api          | --method                      | write the method before the path: `device-login api POST PATH`
    api          | -I --head                     | write the method before the path: `device-login api HEAD PATH`
    api          | -G --get                      | write the method before the path, and fields become the query: `device-login api GET PATH -f key=value`
    api          | -x --proxy                    | `HTTPS_PROXY` names a proxy, and `NO_PROXY` what goes without
    api          | -A --user-agent -e --referer -b --cookie | `-H 'NAME: VALUE'` sends a header
    api          | -T --upload-file              | `--input FILE` sends a file as the body, `--form name=@FILE` as a part of a form
    api          | -O --remote-name --download   | `-o FILE` writes the answer to a file
    api          | -w --write-out -D --dump-header | `-i` prints the status and the headers before the body
    api          | --compressed                  | compressed answers are asked for and unpacked without it
    api          | --fail-with-body              | `--fail` prints the body as well
    api          | --url --hostname              | a path is taken from the profile's API domain, with `--product PRODUCT` from that product's host
    token        | --json -o --output            | `--format json` prints JSON
    login        | --no-browser --no-launch-browser --no-localhost --headless --device --device-code --use-device-code --remote | no browser is opened here: a code is shown for one on another device
    login        | --force --reauth --reauthenticate --re-auth | a sign-in is always made anew; `--new-code` asks for a new code although one is pending
    logout       | --all                         | each profile is named by itself: `device-login logout NAME`
    refresh      | --force -f                    | a new token is always asked for
    refresh      | --all                         | each profile is named by itself: `device-login refresh NAME`; the agent refreshes all of them
    login        | --client-id --provider --data-center --client-type --redirect-uri | these belong to the profile: `device-login profile add NAME --provider PROVIDER --client-id ID` makes one, `device-login profile edit NAME` changes it
    profile edit | --provider                    | the provider of a profile stays as it was added: `device-login profile add NAME --provider PROVIDER` makes another profile
    profile edit | --name                        | `device-login profile rename OLD NEW` gives it another name";

/// What is there in the place of a flag of other programs, as a clause.
pub(super) fn in_place_of(command: &str, flag: &str) -> Option<&'static str> {
    let name = flag.split('=').next().unwrap_or_default();
    let mut known = flags().filter(|(place, words, _)| *place == command && words.contains(name));
    let known = known.next().map(|(.., what)| what);
    known.or_else(|| (FORMATS.contains(name) && has_json(command)).then_some(JSON))
}

/// Whether somebody wants `status` to print JSON by its flag for a file of metrics.
pub(super) fn takes_file_for_format(arguments: &[OsString]) -> bool {
    let mut from_flag = arguments.iter().skip_while(|argument| *argument != "--output");
    let is_json = from_flag.nth(1).is_some_and(|format| format == "json");
    commands::path_in(arguments) == "status"
        && (is_json || arguments.iter().any(|argument| argument == "--output=json"))
}

/// Whether the command takes `--json`.
fn has_json(command: &str) -> bool {
    let definition = commands::definition();
    let mut words = command.split_whitespace();
    let found = words.try_fold(&definition, |above, word| above.find_subcommand(word));
    found.is_some_and(|found| found.get_arguments().any(|argument| argument.get_id() == "json"))
}

/// Whether this is what was said of a flag.
pub(super) fn is_tip(text: &str) -> bool {
    text == JSON || flags().any(|(.., what)| what == text)
}

fn flags() -> impl Iterator<Item = (&'static str, Words, &'static str)> {
    FLAGS.lines().filter_map(|line| {
        let mut columns = line.splitn(3, '|').map(str::trim_ascii);
        Some((columns.next()?, Words(columns.next()?), columns.next()?))
    })
}

fn known() -> impl Iterator<Item = (&'static str, Words, &'static str)> {
    KNOWN.lines().filter_map(|line| {
        let (above, rest) = line.split_once('|')?;
        let (words, command) = rest.split_once('|')?;
        Some((above.trim_ascii(), Words(words), command.trim_ascii()))
    })
}

/// What somebody meant who gave this word in the place of a command, and `next` behind it, as a sentence without its end.
pub(super) fn meant(above: &str, word: &str, next: Option<&str>) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    if above.is_empty()
        && GROUPS.contains(&lower)
        && let Some(next) = next
        && let Some(command) = command_called(next)
    {
        return Some(format!("`{word} {next}` is `device-login {command}` here"));
    }
    let command = known_as(above, &lower)?;
    Some(format!("`{word}` is `device-login {command}` here"))
}

fn known_as(above: &str, word: &str) -> Option<&'static str> {
    known().find(|(place, words, _)| *place == above && words.contains(word)).map(|(.., command)| command)
}

/// The command that has this name, or another one elsewhere.
fn command_called(word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let own = commands::definition().find_subcommand(&lower).map(|command| command.get_name().to_owned());
    own.or_else(|| known_as("", &lower).map(str::to_owned))
}

/// What follows this word in the arguments.
pub(super) fn behind<'a>(arguments: &'a [OsString], word: &str) -> Option<&'a str> {
    arguments.iter().skip(1).skip_while(|argument| *argument != word).nth(1)?.to_str()
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

    use super::{FLAGS, KNOWN, above, commands, flags, known};

    fn arguments(line: &str) -> Vec<OsString> {
        ["device-login"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn every_flag_of_other_programs_is_told_of_and_is_none_itself() {
        use clap::error::ErrorKind;

        assert_eq!(flags().count(), FLAGS.lines().count());
        for (place, words, what) in flags() {
            assert!(!words.iter().collect::<Vec<_>>().is_empty() && !what.ends_with('.'), "{what}");
            for word in words {
                let line = arguments(&format!("{place} {word}"));
                let problem = commands::parse(&line).err().map(|problem| problem.kind());
                assert_eq!(problem, Some(ErrorKind::UnknownArgument), "{place} {word}");
                assert_eq!(commands::path_in(&line), place);
            }
        }
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
