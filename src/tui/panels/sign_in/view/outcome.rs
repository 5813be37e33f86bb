//! How a sign-in ended: signed in, not saved, failed.
//!
//! What is said is a head, a body that scrolls where it has more lines than there are rows, and a foot that always stays.

use ratatui::layout::Size;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::in_words;
use crate::clock::Moment;
use crate::config::Motion;
use crate::error::{Code, Error};
use crate::service::SignedIn;
use crate::tui::advice;
use crate::tui::chrome::between;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{capitalized, causes, sentence, shown};
use crate::tui::panels::sign_in::{SignInPanel, Stage};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::wrap;
use crate::tui::theme::Mark;
use crate::tui::time_left::told;
use crate::words::time_of_day;

/// Lines longer than this are hard to follow.
pub(super) const WIDEST: u16 = 90;
/// From here on names of fields have a column of their own.
const WITH_LABELS: u16 = 60;
/// From here on there is air around the text.
const AIRY_ROWS: u16 = 18;

/// The end of a sign-in, in lines.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) head: Vec<Line<'static>>,
    pub(super) body: Vec<Line<'static>>,
    pub(super) foot: Vec<Line<'static>>,
}

impl Outcome {
    /// What is said about the stage of a sign-in that has ended; nothing while it has not.
    pub(super) fn of(around: &Surroundings, panel: &SignInPanel, now: Now, window: Size) -> Self {
        let room = usize::from(window.width.saturating_sub(2 * margin(window)).min(WIDEST)).max(10);
        match &panel.stage {
            Stage::SignedIn { outcome, leaves_at } => signed_in(around, outcome, *leaves_at, now, room, window.width),
            Stage::Unsaved { error, .. } => unsaved(around, panel, error, room),
            Stage::Failed { error, user_code, at, .. } => {
                failed(around, panel, error, user_code.as_deref(), &time_of_day(at.time, now.time, &around.zone), room)
            }
            _ => Self::default(),
        }
    }

    /// The rows of the body in a window, and whether there is air around it.
    fn body_rows(&self, window: Size) -> (u16, bool) {
        let count = |lines: &[Line<'_>]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let fixed = count(&self.head).saturating_add(count(&self.foot));
        let rows = between(window).height.saturating_sub(fixed);
        // One above the head, one below it, one above the foot.
        let airy = window.height >= AIRY_ROWS && count(&self.body).saturating_add(3) <= rows;
        (rows, airy)
    }

    /// How far the body can be scrolled.
    pub(super) fn last_scroll(&self, window: Size) -> usize {
        let (rows, _) = self.body_rows(window);
        let rows = usize::from(rows);
        if self.body.len() <= rows { 0 } else { self.body.len() + 1 - rows.max(2) }
    }

    /// All of it in the rows of a window.
    pub(super) fn lines(mut self, around: &Surroundings, window: Size, scroll: usize) -> Vec<Line<'static>> {
        let (rows, airy) = self.body_rows(window);
        let scroll = scroll.min(self.last_scroll(window));
        let rows = usize::from(rows);
        let mut body = self.body.split_off(scroll);
        if body.len() > rows || scroll > 0 {
            let shown = rows.saturating_sub(1);
            let hidden = body.len().saturating_sub(shown);
            let (down, up) = (around.key(Scope::SignIn, Command::Down), around.key(Scope::SignIn, Command::Up));
            body.truncate(shown);
            let more = if hidden > 0 {
                format!("{down}: {hidden} more lines")
            } else {
                format!("{up}: back to the beginning")
            };
            body.push(Line::styled(more, around.theme.faint));
        }
        let air = || airy.then(Line::default);
        let parts = air().into_iter().chain(self.head).chain(air()).chain(body);
        parts.chain(air().filter(|_| !self.foot.is_empty())).chain(self.foot).collect()
    }
}

/// The columns left and right of the text.
pub(super) fn margin(window: Size) -> u16 {
    if window.width >= WITH_LABELS { 4 } else { 1 }
}

/// The fields of a result, each with its name where there is room for names in a column of their own.
struct Fields<'a> {
    around: &'a Surroundings,
    room: usize,
    has_labels: bool,
    lines: Vec<Line<'static>>,
}

impl Fields<'_> {
    const LABEL: usize = 16;

    fn push(&mut self, name: &str, value: &str) {
        let label = self.around.theme.label;
        if self.has_labels {
            let parts = wrap(value, self.room.saturating_sub(Self::LABEL).max(10)).into_iter().enumerate();
            self.lines.extend(parts.map(|(number, part)| {
                let name = if number == 0 { name } else { "" };
                Line::from(vec![Span::styled(format!("{name:<0$}", Self::LABEL), label), Span::raw(part)])
            }));
            return;
        }
        let text = wrap(&format!("{name}: {value}"), self.room);
        for (number, part) in text.into_iter().enumerate() {
            let named = if number == 0 { part.split_at_checked(name.len() + 1) } else { None };
            self.lines.push(match named {
                Some((name, value)) => {
                    Line::from(vec![Span::styled(name.to_owned(), label), Span::raw(value.to_owned())])
                }
                None => Line::raw(part),
            });
        }
    }
}

fn signed_in(
    around: &Surroundings,
    outcome: &SignedIn,
    leaves_at: Option<Moment>,
    now: Now,
    room: usize,
    width: u16,
) -> Outcome {
    let theme = &around.theme;
    let mut fields = Fields { around, room, has_labels: width >= WITH_LABELS, lines: Vec::new() };
    fields.push("Account", &account(outcome));
    // Before what all sign-ins have in common, so that low windows show it.
    for warning in outcome.replaced.clone().into_iter().chain(outcome.left_out.iter().chain(&outcome.warnings).cloned())
    {
        fields.push("Take care", &warning);
    }
    let asked = outcome.wanted_scopes.len();
    let granted = in_words(&outcome.scopes).join("; ");
    if outcome.missing_scopes.is_empty() {
        fields.push("Permissions", &if asked > 0 { format!("{granted} (all that was asked for)") } else { granted });
    } else {
        let missing = in_words(&outcome.missing_scopes).join("; ");
        fields.push("Not granted", &format!("{missing}. Calls that need it will be refused."));
        fields.push(
            "Permissions",
            &format!("{granted} ({} of {asked} asked for)", asked.saturating_sub(outcome.missing_scopes.len())),
        );
    }
    if let Some(data_center) = &outcome.data_center {
        let data_center = data_center.to_uppercase();
        let moved = if outcome.relocated { " (your account lives there; we switched)" } else { "" };
        fields.push("Data center", &format!("{data_center}{moved}"));
    }
    fields.push("Profile", &format!("{}, saved{}", outcome.profile, protection(outcome)));
    let good = outcome.access_token_expires_at.map_or_else(
        || "the provider names no end".to_owned(),
        |end| format!("good for {}", around.time_left(now.until(end))),
    );
    let renewed = if outcome.refreshable { ", refreshed by itself" } else { "" };
    fields.push("Access token", &(good + renewed));
    let refresh = if outcome.refreshable { "stored" } else { "none came: sign in again when the access token ends" };
    fields.push("Refresh token", refresh);
    let next = match leaves_at {
        Some(at) => match around.motion {
            Motion::Full => format!("Going on in {} s.", told(now.moment.until(at), Motion::Full).as_secs()),
            Motion::Reduced => "Going on in a few seconds.".to_owned(),
        },
        None => format!("Press {} to go on.", around.key(Scope::SignIn, Command::Choose)),
    };
    let not_you = format!("Not you? Press {} to log out", around.key(Scope::SignIn, Command::Logout));
    let more = " and take the access back";
    let more = if not_you.len() + more.len() < room { more } else { "" };
    Outcome {
        head: vec![Line::from(vec![theme.mark(Mark::Good), Span::styled(" Signed in", theme.title)])],
        body: fields.lines,
        foot: vec![Line::raw(format!("{not_you}{more}.")), Line::styled(next, theme.faint)],
    }
}

fn account(outcome: &SignedIn) -> String {
    let Some(account) = &outcome.account else { return "not known: the scopes do not let us ask".to_owned() };
    match account.name.as_ref().filter(|_| account.email.is_some()) {
        Some(name) => format!("{name} <{}>", account.label()),
        None => account.label().to_owned(),
    }
}

fn protection(outcome: &SignedIn) -> String {
    outcome.protection.as_ref().map(|protection| format!(", {protection}")).unwrap_or_default()
}

fn paragraphs(texts: impl IntoIterator<Item = (Vec<String>, Style)>) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (text, style) in texts {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(text.into_iter().map(|line| Line::styled(line, style)));
    }
    lines
}

fn unsaved(around: &Surroundings, panel: &SignInPanel, error: &Error, room: usize) -> Outcome {
    let theme = &around.theme;
    let title = Span::styled(" Approved, but not saved", theme.title);
    let texts = [Some(sentence(error)), what_helps(around, panel, error)].into_iter().flatten();
    let (again, back) = (around.key(Scope::SignIn, Command::Choose), around.key(Scope::SignIn, Command::Back));
    let advice = format!("Press {again} to try again. {back} gives the approval up and takes its access back.");
    Outcome {
        head: vec![Line::from(vec![theme.mark(Mark::NeedsSignIn), title])],
        body: paragraphs(texts.map(|text| (wrap(&text, room), theme.text))),
        foot: wrap(&advice, room).into_iter().map(Line::raw).collect(),
    }
}

/// What to do, as a sentence.
fn what_helps(around: &Surroundings, panel: &SignInPanel, error: &Error) -> Option<String> {
    let hint = shown(&advice::hint(around, panel, error)?);
    Some(format!("{}.", capitalized(hint.trim_end_matches('.'))))
}

/// Why a sign-in failed, its likely causes, and last the word for it.
fn failed(
    around: &Surroundings,
    panel: &SignInPanel,
    error: &Error,
    user_code: Option<&str>,
    at: &str,
    room: usize,
) -> Outcome {
    let theme = &around.theme;
    let again = format!("Still there? Press {} for a new code.", around.key(Scope::SignIn, Command::Choose));
    let (mark, title) = match error.code {
        Code::Denied => (Mark::Declined, "The request was declined"),
        Code::CodeExpired => (Mark::Attention, &*again),
        _ => (Mark::NeedsSignIn, "The sign-in did not work"),
    };
    let mut title = wrap(title, room.saturating_sub(5)).into_iter();
    let first = Span::styled(format!(" {}", title.next().unwrap_or_default()), theme.title);
    let mut head = vec![Line::from(vec![theme.mark(mark), first])];
    head.extend(title.map(|line| Line::styled(format!("    {line}"), theme.title)));
    let causes = causes(error, room);
    let causes = (!causes.is_empty()).then(|| ["Likely causes:".to_owned()].into_iter().chain(causes).collect());
    let say = |text: String| wrap(&text, room);
    let texts: Vec<Vec<String>> = match error.code {
        Code::Denied => {
            let [what, helps] = declined(around, user_code);
            [Some(say(what)), causes, Some(say(helps))].into_iter().flatten().collect()
        }
        Code::CodeExpired => vec![say(ran_out(user_code))],
        _ => [Some(say(sentence(error))), causes, what_helps(around, panel, error).map(say)]
            .into_iter()
            .flatten()
            .collect(),
    };
    let word = error
        .server_word
        .as_ref()
        .map_or_else(|| error.code.word().to_owned(), |word| format!("Server said: {}", shown(word)));
    let word = format!("{word}{}{at}", theme.separator());
    let last = [(vec![word], theme.faint)];
    let body = paragraphs(texts.into_iter().map(|text| (text, theme.text)).chain(last));
    Outcome { head, body, foot: Vec::new() }
}

fn declined(around: &Surroundings, user_code: Option<&str>) -> [String; 2] {
    let code = user_code.map_or_else(|| "the code".to_owned(), |code| format!("code {code}"));
    [
        format!(
            "Someone answered No to {code} on the other device, or the account may not use this app. Nothing was saved."
        ),
        format!(
            "If that was on purpose, press {}. If it was a slip, press {} for a new code. If it was not you, tell your \
             administrator: somebody saw the code.",
            around.key(Scope::SignIn, Command::Back),
            around.key(Scope::SignIn, Command::NewCode)
        ),
    ]
}

fn ran_out(user_code: Option<&str>) -> String {
    let code = user_code.map_or_else(|| "The last code".to_owned(), |code| format!("Code {code}"));
    format!(
        "{code} ran out before anyone approved it, and no other is asked for until somebody wants one. Nothing was saved."
    )
}
