//! What a plugin of Nagios prints: a line with the verdict, the counts and the performance data, and the particulars below.

use jiff::Timestamp;

use super::{Seen, list};
use crate::cli::advice::Program;
use crate::error::Error;
use crate::service::{Alarm, State};
use crate::sorted;
use crate::words::{self, some_of};

/// So many profiles are named in the first line, which goes into messages.
const MOST_NAMES: usize = 5;

/// So many lines come below it: servers take some kilobytes.
const MOST_LINES: usize = 50;

/// The text for all that was seen.
pub(super) fn text(seen: &[Seen], now: Timestamp, program: &Program) -> String {
    let alarm = super::worst(seen);
    let concerned: Vec<&Seen> = seen.iter().filter(|seen| seen.alarm == alarm).collect();
    let of_all = format!("{} of {}", concerned.len(), seen.len());
    let (one, some) = (concerned.len() == 1, names(&concerned));
    let unopened: Vec<&Seen> = seen.iter().filter(|seen| seen.status.problem.is_some()).collect();
    let is_told = alarm == Alarm::CannotTell && unopened.len() == concerned.len();
    let unopened = (!unopened.is_empty() && !is_told)
        .then(|| format!("{} of {} cannot be opened: {}", unopened.len(), seen.len(), bare_names(&unopened)));
    let said = match alarm {
        Alarm::Ok => counted(seen),
        Alarm::Soon => format!("{of_all} {} a look: {some}", if one { "wants" } else { "want" }),
        Alarm::Bad => format!("{of_all} {} somebody: {some}", if one { "needs" } else { "need" }),
        Alarm::CannotTell if seen.is_empty() => "there is no profile".to_owned(),
        Alarm::CannotTell => format!("nobody can tell how {of_all} {}: {some}", if one { "is" } else { "are" }),
    };
    let performance: Vec<String> =
        State::ALL.iter().map(|state| format!("{}={}", state.word(), count(seen, *state))).collect();
    let said = unopened.into_iter().chain([said]).collect::<Vec<_>>().join("; ");
    let mut lines = vec![format!("DEVICE-LOGIN {} - {} | {}", word(alarm), safe(&said), performance.join(" "))];
    let mut particulars = particulars(seen, now);
    let more = particulars.len().saturating_sub(MOST_LINES);
    if more > 0 {
        particulars.truncate(MOST_LINES);
        let more = words::counted(more as u64, "more line");
        particulars.push(format!("... and {more}; {} for all", program.run("status")));
    }
    lines.extend(particulars);
    lines.join("\n")
}

/// The text for when nothing could be seen.
pub(super) fn failed(error: &Error, program: &Program) -> String {
    let first = format!("DEVICE-LOGIN UNKNOWN - {}", error.message);
    let lines = [Some(first), error.cause(), Some(program.hint(error))];
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

/// "lobby (signed out), hall (sign in again) and 3 more". Why a record cannot be opened is a long story, told once of several
/// profiles.
fn names(concerned: &[&Seen]) -> String {
    let named = &concerned[..concerned.len().min(MOST_NAMES)];
    let told: Vec<String> = named
        .chunk_by(|one, other| one.status.problem.is_some() && one.reason() == other.reason())
        .map(|alike| {
            let profiles: Vec<&str> = alike.iter().map(|seen| seen.status.name.as_str()).collect();
            let reason = alike.first().map(|seen| seen.reason()).unwrap_or_default();
            format!("{} ({reason})", profiles.join(", "))
        })
        .collect();
    and_more(&told, concerned.len() - named.len())
}

/// The same without why.
fn bare_names(concerned: &[&Seen]) -> String {
    let named: Vec<String> = concerned.iter().take(MOST_NAMES).map(|seen| seen.status.name.to_string()).collect();
    and_more(&named, concerned.len() - named.len())
}

fn and_more(told: &[String], more: usize) -> String {
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    told.join(", ") + &rest
}

/// A line for each profile and for what has to be said of it, the worst first; before them what keeps records from being
/// opened, once for all of which it is said.
fn particulars(seen: &[Seen], now: Timestamp) -> Vec<String> {
    let mut seen: Vec<&Seen> = seen.iter().collect();
    sorted::by_key(&mut seen, |seen| seen.status.badness(seen.verified.as_ref(), now));
    let problems = seen.iter().filter_map(|seen| Some((seen.status.problem.as_ref()?, seen.status.name.as_str())));
    let problems = list::by_what_is_said(problems);
    let problems: Vec<String> =
        problems.into_iter().map(|(problem, names)| format!("{}: {problem}", some_of(&names))).collect();
    let lines = seen.into_iter().flat_map(|one| {
        let status = &one.status;
        let is_to_come = status.access_token_expires_at.is_some_and(|end| end > now);
        let verb = if is_to_come { "ends " } else { "" };
        let ends = list::ends(status, now).map(|ends| format!(", {verb}{ends}")).unwrap_or_default();
        let head = format!("{}: {}{ends}", status.name, status.state.in_words());
        let said = list::remarks(one, now).into_iter().map(|said| format!("{}: {said}", status.name));
        std::iter::once(head).chain(said).collect::<Vec<_>>()
    });
    problems.into_iter().chain(lines).map(|line| safe(&line)).collect()
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
    use super::{Program, failed, safe};
    use crate::error::{Code, Error};

    #[test]
    fn nothing_that_a_server_said_breaks_the_line() {
        assert_eq!(safe("a|b\nc\r\n\u{85}d\u{2028}e\u{1b}[2J"), "a/b c   d e [2J");
        let error = Error::new(Code::Store, "it\nfailed").because("a | b=1").advise("mend it\nnow");
        assert_eq!(failed(&error, &Program::default()), "DEVICE-LOGIN UNKNOWN - it failed\na / b=1\nmend it now");
    }
}
