//! Whether lines on a terminal have colours, and what turns them off and on.

use crate::support::pty::Terminal;

#[test]
fn colours_come_where_a_terminal_has_them_and_nobody_minds() {
    for (variables, flag, has_color) in [
        ("", "", true),
        ("TERM=dumb", "", false),
        ("TERM=dumb CLICOLOR_FORCE=1", "", true),
        ("NO_COLOR=1", "", false),
        ("NO_COLOR=1 CLICOLOR_FORCE=1", "", false),
        ("NO_COLOR=1", "--color always", true),
        ("CLICOLOR_FORCE=0", "", true),
        ("CLICOLOR_FORCE=1", "--color=never", false),
    ] {
        for (command, said) in
            [("help nonsense", "hint:"), ("token --nonsense", "Usage:"), ("token -h", "Global options:")]
        {
            let terminal =
                Terminal::start_shell(&format!("{variables} $program {command} {flag}; echo \"en\"ded"), 100, 50);
            terminal.wait_for(said);
            terminal.wait_for("ended");
            assert_eq!(terminal.has_sent(b"\x1b[1m"), has_color, "{variables} {command} {flag}");
            terminal.wait_for_end();
        }
    }
}
