//! `exec` on a terminal: its command is part of the same job.

use crate::support::authority::Authority;
use crate::support::program::Home;
use crate::support::pty::Terminal;

fn home() -> (Authority, Home) {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::signed_in(&authority);
    (authority, home)
}

/// A shell's script in which `$program` is the program, whose home this is.
fn start(home: &Home, script: &str) -> Terminal {
    Terminal::start_shell(&format!("export DEVICE_LOGIN_HOME={}; {script}", home.path("").display()), 80, 24)
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let (_authority, home) = home();
    // A signal may end `read`.
    let script = "n=0; trap 'n=$((n+1)); echo interrupted $n' INT; echo ready; \
                  while [ -z $x ] || [ $x != end ]; do read x && echo read $x $n; done";
    let terminal = start(&home, &format!("exec $program exec sh -c \"{}\"", script.replace('$', "\\$")));
    terminal.wait_for("ready");
    terminal.press("\u{3}");
    terminal.wait_for("interrupted 1");
    terminal.press("a\r");
    terminal.wait_for("read a 1");
    terminal.press("\u{3}");
    terminal.wait_for("interrupted 2");
    terminal.press("end\r");
    terminal.wait_for("read end 2");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn ctrl_c_ends_a_script_as_it_does_without_us() {
    let (_authority, home) = home();
    let script = "sh -c '$program exec sh -c \"echo ready; exec sleep 100\"; echo not reached'";
    let terminal = start(&home, &format!("trap 'echo outer interrupted' INT; {script}; echo code $?"));
    terminal.wait_for("ready");
    terminal.press("\u{3}");
    terminal.wait_for("outer interrupted");
    terminal.wait_for("code 130");
    assert!(!terminal.has_sent(b"not reached"));
    terminal.wait_for_end();
}

#[test]
fn ctrl_z_stops_both_and_fg_brings_the_terminal_back() {
    let (_authority, home) = home();
    let read = "sh -c 'echo ready; while read x; do echo read $x; done; exit 4'";
    let terminal = start(&home, &format!("$program exec {read}; echo stopped $?; fg >/dev/null; echo code $?"));
    terminal.wait_for("ready");
    for round in ["a", "b"] {
        terminal.press(&format!("{round}\r"));
        terminal.wait_for(&format!("read {round}"));
    }
    terminal.press("\u{1a}");
    terminal.wait_for("stopped 14");
    terminal.press("c\r\u{4}");
    terminal.wait_for("read c");
    terminal.wait_for("code 4");
    terminal.wait_for_end();
}

#[test]
fn a_command_that_stops_its_job_by_itself_stops_once() {
    let (_authority, home) = home();
    let script = "sh -c 'echo ready; read x; kill -TSTP 0; echo back; read y; echo read $y; exit 4'";
    let terminal = start(&home, &format!("$program exec {script}; echo stopped $?; fg >/dev/null; echo code $?"));
    terminal.wait_for("ready");
    terminal.press("a\r");
    terminal.wait_for("stopped 14");
    terminal.wait_for("back");
    terminal.press("b\r");
    terminal.wait_for("read b");
    terminal.wait_for("code 4");
    terminal.wait_for_end();
}

#[test]
fn a_command_with_jobs_of_its_own_has_the_terminal_and_stops_with_us() {
    let (_authority, home) = home();
    let terminal =
        start(&home, "$program exec bash --norc --noprofile -i; echo stopped $?; fg >/dev/null; echo code $?");
    terminal.press("echo in$((1+1))side\r");
    terminal.wait_for("in2side");
    // A job of the command, which stops alone.
    terminal.press("echo g$((1+1))o; cat\r");
    terminal.wait_for("g2o");
    terminal.press("echoed\r");
    terminal.wait_for("echoed\nechoed");
    terminal.press("\u{1a}");
    terminal.wait_for("Stopped");
    terminal.press("kill %1; fg; suspend -f\r");
    terminal.wait_for("stopped 14");
    terminal.press("echo ba$((1+1))ck; exit 5\r");
    terminal.wait_for("ba2ck");
    terminal.wait_for("code 5");
    terminal.wait_for_end();
}
