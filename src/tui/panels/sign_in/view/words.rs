//! What a code that waits for approval is said to be doing: its state, the last answer, the next question, permissions.

use std::time::Duration;

use ratatui::style::Style;

use crate::config::Motion;
use crate::tui::panels::sign_in::{LastAnswer, Waiting};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{width, wrap};
use crate::tui::theme::Mark;
use crate::words::{minutes_and_seconds, ordinal};

/// From here on the end of a code is a warning.
pub(super) const LAST_MINUTE: Duration = Duration::from_secs(60);

/// What the code waits for and how long it is good for.
pub(super) fn state(around: &Surroundings, waiting: &Waiting, now: Now, columns: usize) -> (String, Style) {
    let left = now.moment.until(waiting.code.expires_at);
    let mark = around.theme.symbol(Mark::Attention);
    if left.is_zero() {
        return (
            format!("{mark} The code ran out. One last check {}.", until(around, waiting, now)),
            around.theme.attention,
        );
    }
    let time = around.time_left(left);
    if left > LAST_MINUTE {
        let wordings =
            [format!("Waiting for approval   code good for {time}"), format!("Waiting   code good for {time}")];
        return (first_that_fits(&wordings, columns), around.theme.text);
    }
    let wordings = [
        format!("{mark} Waiting   code good for {time}. If you are already approving, finish there."),
        format!("{mark} Waiting   code good for {time}"),
        format!("{mark} Waiting   {time} left"),
    ];
    (first_that_fits(&wordings, columns), around.theme.attention)
}

fn is_without_answer(waiting: &Waiting) -> bool {
    matches!(waiting.last_answer, LastAnswer::Missing { .. })
}

/// When the server is asked next.
fn until(around: &Surroundings, waiting: &Waiting, now: Now) -> String {
    let left = now.moment.until(waiting.next_poll_at);
    if left.is_zero() { "now".to_owned() } else { format!("in {}", around.time_left(left)) }
}

/// The last one where none does.
fn first_that_fits(wordings: &[String], columns: usize) -> String {
    let fitting = wordings.iter().find(|words| width(words) <= columns).or(wordings.last());
    fitting.cloned().unwrap_or_default()
}

/// How the last question ended, and when the next one comes: on one line, or on two where it is longer.
pub(super) fn last_and_next(
    around: &Surroundings,
    waiting: &Waiting,
    now: Now,
    columns: usize,
) -> (Vec<String>, Style) {
    let next = until(around, waiting, now);
    let every = waiting.interval.as_secs();
    let mark = around.theme.symbol(Mark::Attention);
    let theme = &around.theme;
    let joined = |last: &str, next: &str| format!("{last}{}{next}", theme.separator());
    let (last, next, style) = match &waiting.last_answer {
        LastAnswer::None => ("Not asked yet".to_owned(), format!("first {next}"), theme.text),
        LastAnswer::Pending { at } => {
            let next = format!("next {next}");
            let ago = minutes_and_seconds(now.moment - *at);
            let last = match around.motion {
                Motion::Full => format!("Last asked {ago} ago: not yet approved"),
                Motion::Reduced => "Last answer: not yet approved".to_owned(),
            };
            // The usual one does not move what stands below it.
            let brief = match around.motion {
                Motion::Full => joined(&format!("Asked {ago} ago: not yet"), &next),
                Motion::Reduced => joined("Not yet approved", &next),
            };
            if width(&joined(&last, &next)) > columns && width(&brief) <= columns {
                return (vec![brief], theme.text);
            }
            (last, next, theme.text)
        }
        LastAnswer::Theirs { holder } => {
            let holder = holder.as_ref().map_or_else(String::new, |holder| format!(" ({holder})"));
            (format!("Another process asks the server{holder}"), "its end shows here".to_owned(), theme.text)
        }
        LastAnswer::SlowedDown { .. } => (
            format!("{mark} The server asks us to wait longer: every {every} s now"),
            format!("next {next}"),
            theme.attention,
        ),
        LastAnswer::Relocated { data_center, accounts_host } => {
            let data_center = data_center.to_uppercase();
            let last = format!("Your account lives in {data_center}. Asking {accounts_host} from now on");
            (last, format!("next {next}"), theme.text)
        }
        LastAnswer::Missing { reason, attempt } => {
            let times = if *attempt > 1 { format!(" ({} time)", ordinal(*attempt)) } else { String::new() };
            (format!("{mark} {reason}"), format!("trying again {next}{times}"), theme.attention)
        }
    };
    let both = joined(&last, &next);
    (if width(&both) <= columns { vec![both] } else { vec![last, next] }, style)
}

/// The same in 39 columns.
pub(super) fn next_in_short(around: &Surroundings, waiting: &Waiting, now: Now) -> (String, Style) {
    let (mark, theme) = (around.theme.symbol(Mark::Attention), &around.theme);
    let next = until(around, waiting, now);
    let separator = theme.separator();
    if now.moment.until(waiting.code.expires_at).is_zero() {
        let what = if is_without_answer(waiting) { "trying again" } else { "one last check" };
        return (format!("{mark} It ran out{separator}{what} {next}"), theme.attention);
    }
    match &waiting.last_answer {
        LastAnswer::None => (format!("Waiting{separator}first check {next}"), theme.text),
        LastAnswer::Pending { .. } => (format!("Not yet approved{separator}next check {next}"), theme.text),
        LastAnswer::Theirs { .. } => ("Another process asks the server".to_owned(), theme.text),
        LastAnswer::SlowedDown { .. } => {
            (format!("Slower: every {} s{separator}next check {next}", waiting.interval.as_secs()), theme.attention)
        }
        LastAnswer::Relocated { data_center, .. } => {
            (format!("Account is in {}{separator}next check {next}", data_center.to_uppercase()), theme.text)
        }
        LastAnswer::Missing { .. } => (format!("{mark} No answer{separator}trying again {next}"), theme.attention),
    }
}

/// What is asked for, in at most `rows` lines: one a line if `lists`, else as one sentence, which counts what has no room.
/// `None` if that leaves too little.
pub(super) fn permissions(scopes: &[String], columns: usize, rows: usize, lists: bool) -> Option<Vec<String>> {
    if lists {
        let items = scopes.iter().flat_map(|scope| wrap(scope, columns.saturating_sub(2)));
        let lines: Vec<String> =
            ["Permissions asked for".to_owned()].into_iter().chain(items.map(|line| format!("  {line}"))).collect();
        return (lines.len() <= rows).then_some(lines);
    }
    let whole = wrap(&format!("Asks for {}", scopes.join("; ")), columns);
    if whole.len() <= rows {
        return Some(whole);
    }
    // Fewer rows would say next to nothing.
    if rows < 2 {
        return None;
    }
    (0..scopes.len()).rev().find_map(|shown| {
        let (named, more) = (scopes[..shown].join("; "), scopes.len() - shown);
        let text = if shown == 0 {
            format!("Asks for {more} permissions")
        } else {
            format!("Asks for {named}; and {more} more")
        };
        let lines = wrap(&text, columns);
        (lines.len() <= rows).then_some(lines)
    })
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn permissions_that_have_no_room_are_counted() {
        let scopes: Vec<String> = (1..=9).map(|number| format!("CRM: read area {number}")).collect();
        let sentence = permissions(&scopes, 38, 3, false).expect("there is room for some");
        assert!(sentence.len() == 3 && sentence.iter().all(|line| line.len() <= 38), "{sentence:?}");
        assert!(sentence.join(" ").ends_with("; and 4 more"), "{sentence:?}");
        assert_eq!(permissions(&scopes, 38, 10, true).map(|lines| lines.len()), Some(10));
        assert_eq!(permissions(&scopes, 38, 9, true), None);
        assert_eq!(permissions(&scopes, 38, 1, false), None);
        assert_eq!(permissions(&scopes[..1], 38, 1, false), Some(vec!["Asks for CRM: read area 1".to_owned()]));
    }
}
