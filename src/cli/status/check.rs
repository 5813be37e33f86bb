//! What a plugin of Nagios prints: a line with the verdict, the counts and the performance data, and the particulars below.

use jiff::Timestamp;

use super::{Alarm, Seen, list};
use crate::cli::advice::{self, hint};
use crate::error::Error;
use crate::service::State;

/// So many profiles are named in the first line, which goes into messages.
const MOST_NAMES: usize = 5;

/// So many lines come below it: servers take some kilobytes.
const MOST_LINES: usize = 50;

/// The text for all that was seen.
pub(super) fn text(seen: &[Seen], now: Timestamp) -> String {
    let alarm = super::worst(seen);
    let concerned: Vec<&Seen> = seen.iter().filter(|seen| seen.alarm() == alarm).collect();
    let of_all = format!("{} of {}", concerned.len(), seen.len());
    let (one, some) = (concerned.len() == 1, names(&concerned));
    let said = match alarm {
        Alarm::Ok => counted(seen),
        Alarm::Soon => format!("{of_all} {} a look: {some}", if one { "wants" } else { "want" }),
        Alarm::Bad => format!("{of_all} {} somebody: {some}", if one { "needs" } else { "need" }),
        Alarm::CannotTell if seen.is_empty() => "there is no profile".to_owned(),
        Alarm::CannotTell => format!("nobody can tell how {of_all} {}: {some}", if one { "is" } else { "are" }),
    };
    let performance: Vec<String> =
        State::ALL.iter().map(|state| format!("{}={}", state.word(), count(seen, *state))).collect();
    let mut lines = vec![format!("DEVICE-LOGIN {} - {} | {}", word(alarm), safe(&said), performance.join(" "))];
    let mut particulars = particulars(seen, now);
    let more = particulars.len().saturating_sub(MOST_LINES);
    if more > 0 {
        particulars.truncate(MOST_LINES);
        particulars.push(format!("... and {more} more lines; {} for all", advice::run("status")));
    }
    lines.extend(particulars);
    lines.join("\n")
}

/// The text for when nothing could be seen.
pub(super) fn failed(error: &Error) -> String {
    let first = format!("DEVICE-LOGIN UNKNOWN - {}", error.message);
    let lines = [Some(first), error.cause(), Some(hint(error))];
    lines.into_iter().flatten().map(|line| safe(&line)).collect::<Vec<_>>().join("\n")
}

fn word(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Ok => "OK",
        Alarm::Soon => "WARNING",
        Alarm::Bad => "CRITICAL",
        Alarm::CannotTell => "UNKNOWN",
    }
}

fn count(seen: &[Seen], state: State) -> usize {
    seen.iter().filter(|seen| seen.status.state == state).count()
}

/// "12 valid, 1 ends soon".
fn counted(seen: &[Seen]) -> String {
    let words = |state: State, count: usize| match (state, count) {
        (State::Expiring, 2..) => "end soon",
        (State::Expired, 2..) => "ended (refresh themselves)",
        _ => state.in_words(),
    };
    let counts = State::ALL.iter().map(|state| (*state, count(seen, *state))).filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(state, count)| format!("{count} {}", words(state, count))).collect();
    counts.join(", ")
}

/// "lobby (signed out), hall (sign in again) and 3 more".
fn names(concerned: &[&Seen]) -> String {
    let named: Vec<String> =
        concerned.iter().take(MOST_NAMES).map(|seen| format!("{} ({})", seen.status.name, seen.reason())).collect();
    let more = concerned.len() - named.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join(", ") + &rest
}

/// A line for each profile and for what has to be said of it, the worst first.
fn particulars(seen: &[Seen], now: Timestamp) -> Vec<String> {
    let mut seen: Vec<&Seen> = seen.iter().collect();
    seen.sort_by_key(|seen| super::badness(seen));
    let lines = seen.into_iter().flat_map(|one| {
        let status = &one.status;
        let ends = list::ends(status, now).map(|ends| format!(", {ends}")).unwrap_or_default();
        let head = format!("{}: {}{ends}", status.name, status.state.in_words());
        let problem = status.problem.as_ref().map(ToString::to_string);
        let said = problem.into_iter().chain(list::remarks(one, now));
        std::iter::once(head).chain(said.map(|said| format!("{}: {said}", status.name))).collect::<Vec<_>>()
    });
    lines.map(|line| safe(&line)).collect()
}

/// The same where nothing can be taken for the end of a line or for performance data.
fn safe(text: &str) -> String {
    let safe = |character: char| match character {
        '|' => '/',
        '\u{2028}' | '\u{2029}' => ' ',
        character if character.is_control() => ' ',
        character => character,
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::{failed, safe};
    use crate::error::{Code, Error};

    #[test]
    fn nothing_that_a_server_said_breaks_the_line() {
        assert_eq!(safe("a|b\nc\r\n\u{85}d\u{2028}e\u{1b}[2J"), "a/b c   d e [2J");
        let error = Error::new(Code::Store, "it\nfailed").because("a | b=1").advise("mend it\nnow");
        assert_eq!(failed(&error), "DEVICE-LOGIN UNKNOWN - it failed\na / b=1\nmend it now");
    }
}
