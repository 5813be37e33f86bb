//! How a sign-in ended, in lines: signed in, not saved, failed.

use std::time::Duration;

use ratatui::layout::Size;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::in_words;
use crate::error::{Code, Error};
use crate::service::SignedIn;
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::causes;
use crate::tui::text::{clock, wrap};
use crate::tui::theme::Mark;

/// Rows of a screen that are not for what it says: title, footer, and air around the text.
const CHROME_ROWS: usize = 4;

pub(super) fn signed_in(model: &Model, outcome: &SignedIn, left: Duration, now: Now, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines =
        vec![Line::from(vec![theme.mark(Mark::Good), Span::styled(" Signed in", theme.title)]), Line::default()];
    let label = if width < 60 { 14 } else { 16 };
    let mut field = |name: &str, value: String| {
        let room = usize::from(width).saturating_sub(label + 6).max(10);
        for (number, part) in wrap(&value, room).into_iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            lines.push(Line::from(vec![Span::styled(format!("{name:<label$}"), theme.label), Span::raw(part)]));
        }
    };
    match &outcome.account {
        Some(account) => {
            let name = account.name.clone().filter(|_| account.email.is_some());
            field("Account", name.map_or(account.label().to_owned(), |name| format!("{name} <{}>", account.label())));
        }
        None => field("Account", "not known: the scopes do not let us ask".to_owned()),
    }
    // Before what all sign-ins have in common, so that low windows show it.
    for warning in outcome.replacement().into_iter().chain(outcome.warnings.iter().cloned()) {
        field("Take care", warning);
    }
    if !outcome.missing_scopes.is_empty() {
        field("Not granted", outcome.missing_scopes.join(", "));
    }
    if let Some(data_center) = &outcome.data_center {
        let moved = if outcome.relocated { "  (the account lives there; we switched)" } else { "" };
        field("Data center", format!("{}{moved}", data_center.to_uppercase()));
    }
    field("Profile", format!("{}  saved{}", outcome.profile, protection(model)));
    field("Permissions", in_words(&outcome.scopes).join("; "));
    let token_left = Duration::try_from(now.time.duration_until(outcome.access_token_expires_at)).unwrap_or_default();
    let renewed = if outcome.refreshable { ", refreshed by itself" } else { "" };
    field("Access token", format!("good for {}{renewed}", clock(token_left)));
    let refresh = if outcome.refreshable { "stored" } else { "none came: sign in again when the access token ends" };
    field("Refresh token", refresh.to_owned());
    lines.push(Line::default());
    lines.push(Line::raw("Not you? Press x to sign out and take the access back."));
    lines.push(Line::default());
    lines.push(Line::styled(
        format!("Going on in {} s", left.as_secs() + u64::from(left.subsec_nanos() > 0)),
        theme.faint,
    ));
    lines
}

fn protection(model: &Model) -> String {
    let status = model.profiles.statuses.iter().find_map(|status| status.protection.as_ref());
    status.map(|protection| format!(", {protection}")).unwrap_or_default()
}

pub(super) fn unsaved(model: &Model, error: &Error, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let room = usize::from(width.saturating_sub(6)).clamp(10, 90);
    let title = Span::styled(" Approved, but not saved", theme.title);
    let mut lines = vec![Line::from(vec![theme.mark(Mark::NeedsSignIn), title]), Line::default()];
    let advice = "Press Enter to try again. Esc gives the approval up and takes its access back.";
    let texts = [Some(error.to_string()), error.hint.clone(), Some(advice.to_owned())];
    for text in texts.into_iter().flatten() {
        lines.extend(wrap(&text, room).into_iter().map(Line::raw));
        lines.push(Line::default());
    }
    lines
}

/// Why a sign-in failed. Likely causes are listed where all of it fits.
pub(super) fn failed(
    model: &Model,
    error: &Error,
    user_code: Option<&str>,
    at: &str,
    area: Size,
) -> Vec<Line<'static>> {
    let room = usize::from(area.width.saturating_sub(6)).clamp(10, 90);
    let causes = causes(error, room);
    let lines = failed_with(model, error, user_code, at, room, &causes);
    if lines.len() + CHROME_ROWS <= usize::from(area.height) {
        lines
    } else {
        failed_with(model, error, user_code, at, room, &[])
    }
}

fn failed_with(
    model: &Model,
    error: &Error,
    user_code: Option<&str>,
    at: &str,
    room: usize,
    causes: &[String],
) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let (mark, title) = match error.code {
        Code::Denied => (Mark::Declined, "The request was declined"),
        Code::CodeExpired => (Mark::Attention, "Still there? Press Enter for a new code."),
        _ => (Mark::NeedsSignIn, "The sign-in did not work"),
    };
    let mut title = wrap(title, room.saturating_sub(6)).into_iter();
    let first = Span::styled(format!(" {}", title.next().unwrap_or_default()), theme.title);
    let mut lines = vec![Line::from(vec![theme.mark(mark), first])];
    lines.extend(title.map(|line| Line::styled(line, theme.title)));
    let mut say = |paragraph: Vec<String>, style: Style| {
        lines.push(Line::default());
        lines.extend(paragraph.into_iter().map(|line| Line::styled(line, style)));
    };
    let (what, helps) = if error.code == Code::Denied {
        let code = user_code.unwrap_or("shown before");
        let what = format!(
            "Someone answered No to code {code} on the other device, or the account may not use this app. Nothing was saved."
        );
        let helps = "If that was a slip, press n for a new code. If it was not you, tell your administrator: somebody saw the code.";
        (what, Some(helps.to_owned()))
    } else {
        (error.to_string(), error.hint.clone())
    };
    say(wrap(&what, room), theme.text);
    if !causes.is_empty() {
        say(["Likely causes:".to_owned()].into_iter().chain(causes.iter().cloned()).collect(), theme.text);
    }
    if let Some(helps) = helps {
        say(wrap(&helps, room), theme.text);
    }
    say(vec![format!("{}{}{at}", error.code.word(), theme.separator())], theme.faint);
    lines
}
