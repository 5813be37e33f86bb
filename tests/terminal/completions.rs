//! What shells make of a word and the Tab key, by the scripts that the program prints.

use std::path::Path;

use crate::support::program::Home;
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

#[test]
fn bash_completes() {
    completes("bash --norc --noprofile -i", "PS1='> '; source <(device-login completions bash)");
}

#[test]
fn zsh_completes() {
    completes("zsh -f -i", "PS1='> '; autoload -Uz compinit; compinit -u -D; source <(device-login completions zsh)");
}

#[test]
fn fish_completes() {
    completes("fish --no-config --private -i", "device-login completions fish | source");
}
