//! What the terminal can do, as far as it can be known without asking it.

use std::io::{IsTerminal, stderr, stdin, stdout};

use crate::cli::context::{Context, variable};
use crate::cli::{full_screen, terminal};
use crate::service::doctor::{Check, Subject};

/// The smallest window on which the screens show all.
const COLUMNS: usize = 80;

pub(super) fn checks(context: &Context) -> Vec<Check> {
    let streams =
        [("stdin", stdin().is_terminal()), ("stdout", stdout().is_terminal()), ("stderr", stderr().is_terminal())];
    let missing: Vec<&str> =
        streams.into_iter().filter(|(_, is_terminal)| !is_terminal).map(|(name, _)| name).collect();
    if missing.len() == streams.len() {
        return vec![Check::ok(Subject::Terminal, "", "there is none: commands print lines, sign-ins plain text")];
    }
    let term = variable("TERM").unwrap_or_default();
    let able = full_screen::terminal(context);
    let mut checks = Vec::new();
    if let Some(lack) = terminal::lack() {
        let check = Check::ok(Subject::Terminal, "", format!("no screens: {lack}"));
        checks.push(match term.as_str() {
            "" => Check::warning(Subject::Terminal, "", "`TERM` is not set, so nothing can be drawn")
                .advise("set it: `TERM=xterm-256color` fits most"),
            _ => check,
        });
    }
    let columns = context.output.columns();
    let colors = if able.has_color { "with colours" } else { "without colours" };
    let seen = format!("`TERM` is {term}, {columns} columns, {colors}");
    checks.push(if columns < COLUMNS {
        Check::warning(Subject::Terminal, "", seen).advise("the screens show all from 80 columns and 24 lines on")
    } else {
        Check::ok(Subject::Terminal, "", seen)
    });
    checks.push(if able.is_utf8 {
        Check::ok(Subject::Terminal, "", "UTF-8")
    } else {
        Check::warning(Subject::Terminal, "", "no UTF-8 by `LC_ALL`, `LC_CTYPE` and `LANG`, so only ASCII is drawn")
            .advise("set `LANG=C.UTF-8` if the terminal shows UTF-8; over SSH, `SendEnv LANG` brings it along")
    });
    checks.push(match able.multiplexer {
        Some(name) => Check::ok(Subject::Terminal, "", format!("inside {name}, through which what is copied goes")),
        None => Check::ok(Subject::Terminal, "", "what is copied goes by OSC 52, to which no terminal answers"),
    });
    checks
}
