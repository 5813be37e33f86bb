//! Hands a text to tmux by its own command, which also sends it on to the terminal.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

use crate::tui::clipboard::{Reached, ToCopy};

/// The variables that tmux needs to find its server; no other is handed on.
const VARIABLES: [&str; 5] = ["PATH", "TMUX", "TMUX_TMPDIR", "LANG", "LC_ALL"];

/// The buffer of a secret, deleted as soon as tmux has sent it on.
const PASSING: &str = "device-login";

/// Waits for tmux. The error is its own sentence.
pub(super) fn take(copy: &ToCopy) -> Result<Reached, String> {
    let text = copy.text.expose();
    if copy.is_secret {
        let sent = load(&["-w", "-b", PASSING], text);
        // Whatever became of the rest, nothing may stay.
        let deleted = run(&["delete-buffer", "-b", PASSING], "");
        sent.and(deleted).map(|()| Reached::Terminal)
    } else {
        // Before version 3.2 tmux cannot send a text on.
        load(&["-w"], text).map(|()| Reached::BufferAndTerminal).or_else(|_| load(&[], text).map(|()| Reached::Buffer))
    }
}

fn load(flags: &[&str], text: &str) -> Result<(), String> {
    run(&[&["load-buffer"], flags, &["-"]].concat(), text)
}

fn run(arguments: &[&str], input: &str) -> Result<(), String> {
    let mut command = Command::new("tmux");
    command.env_clear().envs(VARIABLES.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.spawn().and_then(|child| feed(child, input)).map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().map_or_else(|| output.status.to_string(), str::to_owned))
}

fn feed(mut child: Child, input: &str) -> std::io::Result<Output> {
    if let Some(mut stdin) = child.stdin.take() {
        // A tmux that refuses its arguments reads nothing, and says why when it ends.
        drop(stdin.write_all(input.as_bytes()));
    }
    child.wait_with_output()
}
