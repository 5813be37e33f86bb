//! How shells are told to set a variable for the programs that they start, whatever is in its value.

/// A family of shells.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::enum_variant_names, reason = "that is its name")]
pub(super) enum Shell {
    /// `sh` and those that understand its language: bash, zsh, dash, ksh.
    Posix,
    Fish,
    PowerShell,
}

impl Shell {
    /// The line that sets a variable.
    pub(super) fn set(self, name: &str, value: &str) -> String {
        match self {
            // Nothing is special between these quotes but the quote that ends them.
            Shell::Posix => format!("export {name}='{}'", value.replace('\'', r"'\''")),
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
    use super::Shell;

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
    }
}
