//! What stands under the list for a moment: what went wrong and which key helps, or a token that somebody asked to see.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::error::Code;
use crate::tui::advice;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{causes, end_of_sentence, sentence, whole};
use crate::tui::panel::Panel;
use crate::tui::panels::profiles::ProfilesPanel;
use crate::tui::panels::profiles::{Problem, Revealed};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{at_most, cut, wrap};
use crate::tui::theme::Mark;
use crate::untrusted::visible;

/// Lines of so many columns, and about so many of them at most.
pub(super) fn below(
    around: &Surroundings,
    panel: &ProfilesPanel,
    now: Now,
    room: usize,
    most: usize,
) -> Vec<Line<'static>> {
    if let Some(problem) = &panel.problem {
        return went_wrong(around, panel, problem, room, most);
    }
    match &panel.revealed {
        Some(revealed) if revealed.until > now.moment => revealed_in(around, revealed, room, most),
        _ => Vec::new(),
    }
}

/// A token as a whole, and as much about it as has room beside it; or that there is no room for it.
fn revealed_in(around: &Surroundings, revealed: &Revealed, room: usize, most: usize) -> Vec<Line<'static>> {
    let (theme, profile) = (&around.theme, &revealed.profile);
    let token = said_in(revealed.token.expose(), theme.code, room);
    let about = format!("Access token of {profile}, hidden again in a few seconds:");
    let about = said_in(&about, theme.label, room);
    if about.len() + token.len() <= most {
        return [about, token].concat();
    }
    if token.len() < most {
        let about = cut(&format!("Access token of {profile}"), room.saturating_sub(1), theme.cut()) + ":";
        return [said_in(&about, theme.label, room), token].concat();
    }
    let key = around.key(Scope::Profiles, Command::CopyToken);
    said_in(&format!("The token does not fit on this screen: {key} copies it."), theme.text, room)
}

/// The sentence, what helps, then what may lie behind it. Where there is little room the last goes first, and the sentence,
/// which the log has as well, is cut before what helps.
fn went_wrong(
    around: &Surroundings,
    panel: &ProfilesPanel,
    problem: &Problem,
    room: usize,
    most: usize,
) -> Vec<Line<'static>> {
    let (theme, Problem { profile, outcome, error, .. }) = (&around.theme, problem);
    let names_it = error.to_string().contains(profile.as_str());
    let said = || if names_it { sentence(error) } else { format!("{profile}: {}", end_of_sentence(error)) };
    let told = outcome.clone().unwrap_or_else(said);
    let told = wrap(&visible(&format!("{} {told}", theme.symbol(Mark::NeedsSignIn))), room);
    let helps = what_helps(around, panel, problem, room);
    let told = at_most(told, most.saturating_sub(helps.len()).max(1), room, theme.cut());
    let mut lines: Vec<Line<'_>> = told.into_iter().map(|line| Line::styled(format!(" {line}"), theme.text)).collect();
    if let Some(line) = lines.first_mut() {
        *line = marked(around, Mark::NeedsSignIn, line);
    }
    lines.extend(helps);
    let causes = whole(causes(error, room), most.saturating_sub(lines.len() + 1));
    if !causes.is_empty() {
        lines.extend(said_in("Likely causes:", theme.label, room));
        lines.extend(causes.into_iter().map(|line| Line::styled(format!(" {line}"), theme.text)));
    }
    lines
}

/// The key that goes on from here, and what else helps.
fn what_helps(around: &Surroundings, panel: &ProfilesPanel, problem: &Problem, room: usize) -> Vec<Line<'static>> {
    let text = around.theme.text;
    let key = key_that_helps(around, panel, problem);
    // Once is enough.
    let hint = advice::hint(around, panel, &problem.error);
    let hint = hint.filter(|hint| key.as_ref().is_none_or(|(key, _)| *hint != advice::press(key)));
    let is_in_hint = hint.is_some() && advice::names_a_key(around, panel, &problem.error.advice);
    let here = key.filter(|_| !is_in_hint).map(|(key, does)| said_in(&format!("Here: {key} {does}."), text, room));
    let hint = hint.map(|hint| said_in(&format!("What helps: {hint}."), text, room));
    here.into_iter().chain(hint).flatten().collect()
}

/// The key of this screen that goes on from here, where there is one and the profile is the selected one.
fn key_that_helps(around: &Surroundings, panel: &ProfilesPanel, problem: &Problem) -> Option<(String, &'static str)> {
    let (command, does) = match problem.error.code {
        Code::SignInNeeded | Code::WrongAccount if around.other_way(&problem.profile).is_some() => return None,
        Code::SignInNeeded | Code::WrongAccount => (Command::SignIn, "signs in again"),
        Code::Network | Code::Provider | Code::Timeout | Code::StoreLocked | Code::StoreUnavailable => {
            (problem.again, "tries again")
        }
        _ if problem.again == Command::Logout => (problem.again, "tries again"),
        _ => return None,
    };
    let is_selected = panel.selected().is_some_and(|status| status.name == problem.profile);
    if !is_selected || !panel.commands(around).contains(&command) {
        return None;
    }
    Some((around.key(Scope::Profiles, command), does))
}

fn said_in(text: &str, style: Style, room: usize) -> Vec<Line<'static>> {
    wrap(&visible(text), room).into_iter().map(|line| Line::styled(format!(" {line}"), style)).collect()
}

/// The same line with the word at its beginning in its style.
fn marked(around: &Surroundings, mark: Mark, line: &Line<'_>) -> Line<'static> {
    let text = line.to_string();
    let rest = text.trim_start().strip_prefix(around.theme.symbol(mark)).unwrap_or_default().to_owned();
    Line::from(vec![Span::raw(" "), around.theme.mark(mark), Span::raw(rest)])
}
