//! What a code that waits for approval is said to be doing: the last answer, the next question, what is out of the
//! ordinary, permissions.

use std::time::Duration;

use ratatui::style::Style;

use super::configured;
use super::scene::Scene;
use crate::config::Motion;
use crate::tui::keymap::{Command, Scope};
use crate::tui::panels::sign_in::LastAnswer;
use crate::tui::text::{cut, longest_that_fits, wrap};
use crate::tui::theme::Mark;
use crate::words::{minutes_and_seconds, ordinal, time_of_day};

/// From here on the end of a code is a warning.
const LAST_MINUTE: Duration = Duration::from_secs(60);
/// From here on there is no time to begin with it.
const LAST_SECONDS: Duration = Duration::from_secs(10);

/// How much a time that is left wants attention; the words and the bar go by it.
pub(in super::super) fn urgency(left: Duration) -> Mark {
    match left {
        _ if left <= LAST_SECONDS => Mark::Declined,
        _ if left <= LAST_MINUTE => Mark::Attention,
        _ => Mark::Good,
    }
}

/// The time that a code is good for.
pub(super) fn time(scene: Scene<'_>) -> (String, Style) {
    let (around, left) = (scene.around, scene.left());
    let time = around.time_left(left);
    match urgency(left) {
        Mark::Good => (time, around.theme.title),
        mark => (format!("{} {time}", around.theme.symbol(Mark::Attention)), around.theme.mark_style(mark)),
    }
}

/// When the server is asked next.
fn until(scene: Scene<'_>) -> String {
    let left = scene.now.moment.until(scene.waiting.next_poll_at);
    if left.is_zero() { "now".to_owned() } else { format!("in {}", scene.around.time_left(left)) }
}

/// How the last question ended, and when the next one comes, on one line of 39 columns.
pub(super) fn last_and_next(scene: Scene<'_>) -> (String, Style) {
    let Scene { around, waiting, now, .. } = scene;
    let theme = &around.theme;
    let (next, is_over) = (until(scene), scene.left().is_zero());
    let last = match &waiting.last_answer {
        LastAnswer::Missing { .. } => "no answer".to_owned(),
        LastAnswer::HeldBack { .. } => "not asked".to_owned(),
        _ if is_over => "it ran out".to_owned(),
        LastAnswer::None => "not asked yet".to_owned(),
        LastAnswer::Pending { at } if around.motion == Motion::Full => {
            format!("asked {} ago: not yet", minutes_and_seconds(now.moment - *at))
        }
        LastAnswer::Pending { .. } => "not yet approved".to_owned(),
        LastAnswer::Theirs { asker } if asker.is_stopped => {
            let who = asker.who.as_deref().unwrap_or("another process");
            let words = format!("{} nobody asks: {who} is stopped", theme.symbol(Mark::Attention));
            return (words, theme.attention);
        }
        LastAnswer::Theirs { .. } => return ("another process asks the server".to_owned(), theme.text),
        LastAnswer::SlowedDown { .. } => format!("slower: every {} s", waiting.interval.as_secs()),
        LastAnswer::Relocated { data_center, .. } => format!("account in {}", data_center.to_uppercase()),
    };
    let next = match &waiting.last_answer {
        LastAnswer::Missing { .. } | LastAnswer::HeldBack { .. } => format!("trying again {next}"),
        _ if is_over => format!("one last check {next}"),
        LastAnswer::None => format!("first {next}"),
        _ => format!("next {next}"),
    };
    let words = [last, next].join(theme.separator());
    let is_trouble = matches!(
        waiting.last_answer,
        LastAnswer::Missing { .. } | LastAnswer::HeldBack { .. } | LastAnswer::SlowedDown { .. }
    );
    if is_over || is_trouble {
        return (format!("{} {words}", theme.symbol(Mark::Attention)), theme.attention);
    }
    (words, theme.text)
}

/// What is out of the ordinary, on a line of its own above everything.
pub(super) fn notice(scene: Scene<'_>, columns: usize) -> Option<(String, Style)> {
    let Scene { around, panel, waiting, .. } = scene;
    let theme = &around.theme;
    let mark = theme.symbol(Mark::Attention);
    let (wordings, style) = match (&waiting.last_answer, &panel.previous) {
        (LastAnswer::Missing { reason, attempt }, _) => {
            let times = if *attempt > 1 { format!(" ({} time)", ordinal(*attempt)) } else { String::new() };
            ([format!("{mark} {reason}{times}."), format!("{mark} {reason}.")].to_vec(), theme.attention)
        }
        (LastAnswer::SlowedDown { .. }, _) => {
            let provider =
                configured(around, panel).map_or("The server", |profile| around.config.provider_label(profile));
            let every = waiting.interval.as_secs();
            let long = format!("{mark} {provider} asks us to wait longer: checking every {every} s now.");
            ([long, format!("{mark} Checking every {every} s now.")].to_vec(), theme.attention)
        }
        (LastAnswer::Relocated { data_center, accounts_host }, _) => {
            let lives = format!("Your account lives in {}.", data_center.to_uppercase());
            ([format!("{lives} Asking {accounts_host} from now on."), lives].to_vec(), theme.text)
        }
        (LastAnswer::HeldBack { error }, _) => {
            let long = format!("{mark} Not asked, since an approval could not be kept: {error}.");
            ([long, format!("{mark} Not asked: {}.", error.message)].to_vec(), theme.attention)
        }
        (LastAnswer::Theirs { asker }, _) if asker.is_stopped => {
            let who = asker.words(scene.now.time, &around.zone).unwrap_or_default();
            let long = format!("{mark} Nobody asks the server: {who}. Continue or end it.");
            let who = asker.who.as_deref().unwrap_or_default();
            ([long, format!("{mark} Nobody asks: {who} is stopped.")].to_vec(), theme.attention)
        }
        (LastAnswer::Theirs { asker }, _) => {
            let who = asker.words(scene.now.time, &around.zone).map_or_else(String::new, |words| format!(" ({words})"));
            let long = format!("Another process asks the server{who}; its end shows here.");
            ([long, "Another process asks; its end shows here.".to_owned()].to_vec(), theme.text)
        }
        (_, Some(previous)) => {
            let at = previous.ran_out_at.map(|at| format!(" at {}", time_of_day(at, scene.now.time, &around.zone)));
            let (end, at) = (previous.end(), at.unwrap_or_default());
            let long = format!("{mark} Code {end}{at}. Use the new one below.");
            ([long, format!("{mark} Code {end}.")].to_vec(), theme.attention)
        }
        (_, None) => (way_to_loopback(scene)?, theme.attention),
    };
    Some((cut(longest_that_fits(&wordings, columns), columns, theme.cut()), style))
}

/// Tells whether the line above says it of an address that only this machine can open: nothing else is out of the ordinary.
pub(super) fn notice_is_of_loopback(scene: Scene<'_>) -> bool {
    let Scene { panel, waiting, has_notice, .. } = scene;
    let is_calm = matches!(waiting.last_answer, LastAnswer::None | LastAnswer::Pending { .. });
    has_notice && is_calm && panel.previous.is_none() && waiting.code.own_host().is_some()
}

/// What to do with an address that only this machine can open.
fn way_to_loopback(scene: Scene<'_>) -> Option<Vec<String>> {
    let Scene { around, waiting, .. } = scene;
    let address = &waiting.code.verification_uri;
    let host = waiting.code.own_host()?;
    let mark = around.theme.symbol(Mark::Attention);
    let machine = &around.machine.host;
    let told = format!("{mark} No phone can reach {host}");
    let approve = around.key(Scope::SignIn, Command::DemoApprove);
    let what = if around.is_demo {
        vec![format!("{told}: press {approve}, and the demo's person approves.")]
    } else if around.machine.over_ssh_from.is_some() {
        let port = address.port_or_known_default().unwrap_or(80);
        let forward = format!("ssh -L {port}:{host}:{port} {machine}");
        vec![format!("{told}. From your machine: {forward}"), format!("{told}: {forward}")]
    } else {
        vec![format!("{told}: open the address in a browser on {machine}."), format!("{told}: open it on {machine}.")]
    };
    Some(what.into_iter().chain([format!("{told}.")]).collect())
}

/// The lead of a list of permissions.
const ABLE: &str = "It will be able to";

/// What is asked for, in at most `rows` lines: one a line below a heading if `lists`, else as one sentence, which counts
/// what has no room. `None` if that leaves too little.
pub(super) fn permissions(scopes: &[String], columns: usize, rows: usize, lists: bool) -> Option<Vec<String>> {
    if lists {
        let items = scopes.iter().flat_map(|scope| wrap(scope, columns.saturating_sub(2)));
        let lines: Vec<String> = [ABLE.to_owned()].into_iter().chain(items.map(|line| format!("  {line}"))).collect();
        return (lines.len() <= rows).then_some(lines);
    }
    (0..=scopes.len()).rev().find_map(|shown| {
        let (named, more) = (scopes[..shown].join("; "), scopes.len() - shown);
        let what = match (shown, more) {
            (0, more) => format!("do {more} things"),
            (_, 0) => named,
            (_, more) => format!("{named}; and {more} more"),
        };
        let wordings = [format!("{ABLE} {what}"), format!("Can {what}")];
        wordings.iter().map(|words| wrap(words, columns)).find(|lines| lines.len() <= rows)
    })
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn permissions_that_have_no_room_are_counted() {
        let scopes: Vec<String> = (1..=9).map(|number| format!("read CRM area {number}")).collect();
        let sentence = permissions(&scopes, 38, 3, false).expect("there is room for some");
        assert!(sentence.len() == 3 && sentence.iter().all(|line| line.len() <= 38), "{sentence:?}");
        assert!(sentence.join(" ").ends_with("; and 4 more"), "{sentence:?}");
        assert_eq!(permissions(&scopes, 38, 10, true).map(|lines| lines.len()), Some(10));
        assert_eq!(permissions(&scopes, 38, 9, true), None);
        assert_eq!(permissions(&scopes, 38, 1, false), Some(vec!["Can read CRM area 1; and 8 more".to_owned()]));
        assert_eq!(permissions(&scopes, 38, 0, false), None);
        assert_eq!(
            permissions(&scopes[..1], 38, 1, false),
            Some(vec!["It will be able to read CRM area 1".to_owned()])
        );
    }
}
