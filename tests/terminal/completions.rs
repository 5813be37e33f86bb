//! What shells make of a word and the Tab key, by the scripts that the program prints.

use std::path::Path;

use crate::support::program::{Home, set_mode};
use crate::support::pty::Terminal;

/// What is typed before Tab, and the line that it becomes.
const LINES: [(&str, &str); 15] = [
    ("prof", "profile"),
    ("profile li", "profile list"),
    ("token --form", "token --format"),
    ("token --format hea", "token --format header"),
    ("token --format=hea", "token --format=header"),
    ("-p lob", "-p lobby"),
    ("-plob", "-plobby"),
    ("--profile=lob", "--profile=lobby"),
    ("profile rename lob", "profile rename lobby"),
    ("scopes crea", "scopes creator"),
    ("login --scopes openid,AaaServer.profile.RE", "login --scopes openid,AaaServer.profile.READ"),
    ("--store mem", "--store memory:"),
    ("--store=mem", "--store=memory:"),
    ("--config conf", "--config config.toml"),
    ("--config=conf", "--config=config.toml"),
];

/// A home with two profiles, in the directory in which the shell begins.
fn home() -> Home {
    let home = Home::new();
    let profile = |name: &str| format!("[profiles.{name}]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\n");
    home.configure(&[profile("work"), profile("lobby")].concat());
    home
}

/// A shell on a terminal that knows the program's script.
fn start(home: &Home, shell: &str, prepare: &str) -> Terminal {
    let directory = Path::new(env!("CARGO_BIN_EXE_device-login")).parent().expect("a directory").display();
    let place = home.path("");
    let place = place.display();
    let terminal = Terminal::start_shell(
        &format!("export PATH={directory}:/usr/bin:/bin DEVICE_LOGIN_HOME={place}; cd {place}; exec {shell}"),
        100,
        30,
    );
    terminal.press(&format!("{prepare}; echo rea''dy\r"));
    terminal.wait_for("ready");
    terminal
}

fn completes(shell: &str, prepare: &str) {
    let home = home();
    // What is wrong with the configuration is not what was asked for.
    for odd in ["", "nonsense = 1\n"] {
        home.configure(&(odd.to_owned() + &home.configuration()));
        let terminal = start(&home, shell, prepare);
        for (typed, line) in LINES {
            terminal.press(&format!("device-login {typed}\t"));
            terminal.wait_for(&format!("device-login {line}"));
            // An empty line on an empty screen.
            terminal.press("\u{15}\u{c}");
            terminal.wait_until_gone("device-login");
        }
        // Where several words may follow, all are shown.
        terminal.press("device-login -p \t\t");
        terminal.wait_for("lobby");
        terminal.wait_for("work");
        assert!(!terminal.has_sent(b"error"));
    }
    assert!(!home.path("state").exists() && !home.path("key").exists());
}

/// The names of files: one that is offered everywhere, and those that would do something if they came upon the line as they are.
const NAMES: [&str; 9] = [
    "touched",
    "$(touch made)",
    "`touch made`",
    ";touch made;",
    "a\"$(touch made)\"",
    "a'$(touch made)'",
    "a\u{1}$(touch made)",
    "a\n$(touch made)",
    "&touch made&",
];

/// Whoever completes a name of a file, and presses Enter, runs nothing by that name's letters. The marks are those that may
/// have begun a quotation.
fn completes_names_as_names(shell: &str, prepare: &str, marks: &[&str]) {
    let home = home();
    let terminal = start(&home, shell, prepare);
    let wait_for_prompts = |count: usize| {
        terminal.wait_until(|screen| {
            let text: String = screen.content().iter().map(ratatui::buffer::Cell::symbol).collect();
            (text.matches('⟩').count() >= count).then_some(text)
        })
    };
    for (at, name) in NAMES.iter().enumerate() {
        let directory = home.path(&format!("names{at}"));
        let file = directory.join(name);
        std::fs::create_dir(&directory).expect("a directory");
        std::fs::File::create(&file).expect("a file");
        set_mode(&file, 0o755);
        terminal.press(&format!("cd {}; echo m''oved{at}\r", directory.display()));
        terminal.wait_for(&format!("moved{at}"));
        for (command, mark) in
            ["exec -- ", "version --config="].iter().flat_map(|command| marks.iter().map(move |mark| (command, mark)))
        {
            let typed = format!("{command}{mark}./");
            terminal.press("\u{c}");
            terminal.wait_until_gone("moved");
            terminal.wait_until_gone("device-login");
            terminal.press(&format!("device-login {typed}\t"));
            // Within quotation marks, by an old bash, and where no line can show it, an odd name may not be offered at all.
            let is_shown = mark.is_empty() && prepare != IN_OLD_BASH && !name.contains(char::is_control);
            if *name == NAMES[0] || is_shown {
                terminal.wait_for("touch");
            }
            terminal.press("\r");
            if wait_for_prompts(2).contains("more⟩") {
                terminal.press(&format!("{mark}\r"));
                wait_for_prompts(3);
            }
            let entries = std::fs::read_dir(&directory).expect("a directory").flatten();
            let made: Vec<_> = entries.map(|entry| entry.file_name()).filter(|entry| entry != *name).collect();
            assert!(made.is_empty(), "Tab after `{typed}` and Enter make {made:?} of {name:?}");
        }
    }
}

const BASH: &str = "bash --norc --noprofile -i";
const IN_BASH: &str = "PS1='⟩ ' PS2='more⟩ '; source <(device-login completions bash)";
/// As bash is before 4.0.
const IN_OLD_BASH: &str = "PS1='⟩ ' PS2='more⟩ '; enable -n compopt; source <(device-login completions bash)";
const ZSH: &str = "zsh -f -i";
const IN_ZSH: &str =
    "PS1='⟩ ' PS2='more⟩ '; autoload -Uz compinit; compinit -u -D; source <(device-login completions zsh)";
const FISH: &str = "fish --no-config --private -i";
/// Without suggestions, which show a name before Tab.
const IN_FISH: &str = "set -g fish_autosuggestion_enabled 0; function fish_prompt; echo '⟩ '; end; \
                       device-login completions fish | source";

#[test]
fn bash_completes() {
    completes(BASH, IN_BASH);
}

#[test]
fn zsh_completes() {
    completes(ZSH, IN_ZSH);
}

#[test]
fn fish_completes() {
    completes(FISH, IN_FISH);
}

#[test]
fn bash_completes_names_as_names() {
    completes_names_as_names(BASH, IN_BASH, &["", "\"", "'"]);
}

#[test]
fn old_bash_completes_names_as_names() {
    completes_names_as_names(BASH, IN_OLD_BASH, &["", "\"", "'"]);
}

#[test]
fn zsh_completes_names_as_names() {
    completes_names_as_names(ZSH, IN_ZSH, &["", "\"", "'"]);
}

#[test]
fn fish_completes_names_as_names() {
    completes_names_as_names(FISH, IN_FISH, &[""]);
}
