//! What a person copies into a shell, or a shell evaluates: quoted so that nothing in it means anything else there.

use std::borrow::Cow;
use std::path::Path;

/// A word of a command as a POSIX shell reads it.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "%+,-./:=@_".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) { Cow::Borrowed(text) } else { Cow::Owned(quoted(text)) }
}

/// The same in quotes, whether it needs them or not: nothing is special between these but the quote that ends them.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command that acts on a file or directory.
pub(crate) fn on(command: &str, path: &Path) -> String {
    let path = path.to_string_lossy();
    // No command takes it for an option.
    let here = if path.starts_with('-') { "./" } else { "" };
    format!("{command} {}", word(&format!("{here}{path}")))
}

/// A family of shells.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::enum_variant_names, reason = "that is its name")]
pub(crate) enum Shell {
    /// `sh` and those that understand its language: bash, zsh, dash, ksh.
    Posix,
    Fish,
    PowerShell,
}

impl Shell {
    /// The line that sets a variable for the programs that it starts, whatever is in its value.
    pub(crate) fn set(self, name: &str, value: &str) -> String {
        match self {
            Shell::Posix => format!("export {name}={}", quoted(value)),
            // Between these quotes a backslash stands for itself only before anything but a backslash or a quote.
            Shell::Fish => format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'")),
            Shell::PowerShell => format!("$env:{name} = '{}'", doubled(value)),
        }
    }
}

/// The value with each quote twice, which PowerShell takes for one. It takes the curly ones for quotes as well
/// (`about_Quoting_Rules`, and `IsSingleQuote` of its tokenizer).
fn doubled(value: &str) -> String {
    const QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    let twice = |character| std::iter::repeat_n(character, if QUOTES.contains(&character) { 2 } else { 1 });
    value.chars().flat_map(twice).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Shell, on, word};

    #[test]
    fn a_word_has_quotes_where_a_shell_would_take_it_for_anything_else() {
        for (text, expected) in [
            ("/srv/it_is-1.d/a,b%c+d@e:f=g", "/srv/it_is-1.d/a,b%c+d@e:f=g"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(id)", "'$(id)'"),
            ("~dana", "'~dana'"),
            ("it's", r"'it'\''s'"),
            ("é", "'é'"),
        ] {
            assert_eq!(word(text), expected);
        }
        for (path, expected) in [("/a b", "rm '/a b'"), ("-x", "rm ./-x"), ("-x y", "rm './-x y'"), ("./x", "rm ./x")] {
            assert_eq!(on("rm", Path::new(path)), expected);
        }
    }

    #[test]
    fn every_value_stands_in_quotes_that_nothing_in_it_ends() {
        for (value, posix, fish, powershell) in [
            ("1000.ab-c_d", "'1000.ab-c_d'", "'1000.ab-c_d'", "'1000.ab-c_d'"),
            ("", "''", "''", "''"),
            ("$HOME `x` \"y\" %z%", "'$HOME `x` \"y\" %z%'", "'$HOME `x` \"y\" %z%'", "'$HOME `x` \"y\" %z%'"),
            ("it's", r"'it'\''s'", r"'it\'s'", "'it''s'"),
            (r"a\b\'c", r"'a\b\'\''c'", r"'a\\b\\\'c'", r"'a\b\''c'"),
            ("‘’‚‛", "'‘’‚‛'", "'‘’‚‛'", "'‘‘’’‚‚‛‛'"),
            ("a\nb", "'a\nb'", "'a\nb'", "'a\nb'"),
        ] {
            assert_eq!(Shell::Posix.set("X", value), format!("export X={posix}"));
            assert_eq!(Shell::Fish.set("X", value), format!("set -gx X {fish}"));
            assert_eq!(Shell::PowerShell.set("X", value), format!("$env:X = {powershell}"));
        }
    }

    /// What a shell makes of the line, byte for byte.
    #[cfg(unix)]
    #[test]
    fn shells_read_what_was_written() {
        use std::process::Command;

        let values = ["1000.ab-c_d", "it's", r"\", r"\\'\n\x41'\", "$HOME `id` $(id) \"%s\" *?[a] ~ # ; & | <", "é‘’"];
        for (shell, program) in [(Shell::Posix, "sh"), (Shell::Fish, "fish")] {
            for value in values {
                let script = format!("{}\nprintf %s \"$X\"", shell.set("X", value));
                let mut command = Command::new(program);
                let output = command.args(["-c", &script]).env("LC_ALL", "C.UTF-8").output().expect("the shell runs");
                assert_eq!(String::from_utf8_lossy(&output.stdout), value, "{program}: {output:?}");
            }
        }
        for value in values.into_iter().chain(["", "~", "a b", "*", "-n"]) {
            let output = Command::new("sh").args(["-c", &format!("printf %s {}", word(value))]).output();
            assert_eq!(String::from_utf8_lossy(&output.expect("the shell runs").stdout), value);
        }
    }
}
