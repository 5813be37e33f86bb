//! How the sign-in looks at every size: address, code, QR, time left, who asks and for what.
//!
//! Text keeps to the left, the QR code to the right where it fits whole. What an honest request shows is never dropped:
//! address, code, time, who asks, for what, and the warning.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{LastAnswer, QrView, SignInPanel, Stage, Waiting, complete_address};
use crate::error::{Code, Error};
use crate::oauth::qr::QrMatrix;
use crate::providers::catalog;
use crate::service::SignedIn;
use crate::tui::chrome::{footer, title_line};
use crate::tui::model::{ConfiguredProfile, Model, Now};
use crate::tui::text::{clip, clock, countdown, wrap};
use crate::tui::theme::Mark;
use crate::tui::widgets::big_text::BigText;
use crate::tui::widgets::gauge::Gauge;
use crate::tui::widgets::qr::{Fit, QrCode, QrForms, TooSmall};

/// The columns that text beside a QR code needs: Zoho's longest usual address, and a margin.
const TEXT_COLUMNS: u16 = 43;
/// Less will do where the address can go without its scheme.
const NARROW_TEXT_COLUMNS: u16 = 38;
/// Rows from which on the steps are numbered and a QR code has its place.
const ROOMY_ROWS: u16 = 20;
/// Below this there is a code and no frame.
const LEAST: Size = Size::new(40, 12);

/// Draws the sign-in.
pub fn view(model: &Model, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let Some(panel) = &model.sign_in else { return };
    match &panel.stage {
        Stage::Waiting(waiting) if panel.qr.is_full_screen => {
            full_screen_qr(model, panel.qr, waiting, now, area, frame);
        }
        Stage::Waiting(waiting) if panel.is_link_bare => bare_link(waiting, area, frame),
        Stage::Waiting(waiting) => code_screen(model, panel, waiting, now, area, frame),
        Stage::Asking { host } => {
            let host = host.as_deref().unwrap_or("the accounts server");
            let lines = vec![Line::raw(format!("Asking {host} for a code ..."))];
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::Unsaved { error } => {
            let lines = unsaved(model, error, area.width);
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::GivingBack => {
            let lines = vec![Line::raw("Giving the approval back ...")];
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::Approved => {
            let lines = vec![Line::raw("Approved. Saving, and asking who approved ...")];
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::SignedIn { outcome, leaves_at } => {
            let lines = signed_in(model, outcome, now.moment.until(*leaves_at), now, area.width);
            message_screen(model, panel, "signed in", &lines, area, frame);
        }
        Stage::Failed { error, user_code, at } => {
            let lines = failed(model, error, user_code.as_deref(), &time_of_day(*at), area.width);
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
    }
}

/// Code and time left, for the title of whatever covers the code.
pub fn short_state(model: &Model, now: Now) -> String {
    match model.sign_in.as_ref().map(|panel| &panel.stage) {
        Some(Stage::Waiting(waiting)) => {
            format!("code {} good for {}", waiting.code.user_code, countdown(now.moment.until(waiting.code.expires_at)))
        }
        _ => String::new(),
    }
}

fn code_screen(model: &Model, panel: &SignInPanel, waiting: &Waiting, now: Now, area: Rect, frame: &mut Frame<'_>) {
    if area.width < LEAST.width || area.height < LEAST.height {
        return tiny(model, panel, waiting, now, area, frame);
    }
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let step = panel.qr.step;
    let drawn = drawable(model, waiting, area.as_size(), |matrix, forms| fit_beside_text(matrix, forms, step, body));
    let (drawn, lack) = match drawn {
        Ok(drawn) => (Some(drawn), None),
        Err(lack) => (None, Some(lack)),
    };
    let text_width = drawn.map_or(area.width, |(_, fit)| area.width - fit.columns());
    let is_roomy = area.width >= TEXT_COLUMNS && body.height >= ROOMY_ROWS;
    if is_roomy {
        title_line(model, "sign in", &subject_line(model, panel), frame);
        if let Some((matrix, fit)) = drawn {
            let place = Rect {
                x: area.right() - fit.columns(),
                y: body.y + (body.height - fit.rows()) / 2,
                width: fit.columns(),
                height: fit.rows(),
            };
            draw_qr(model, panel.qr, matrix, fit, place, frame);
        }
        let room = Rect { width: text_width, ..body };
        Text::roomy(model, panel, waiting, now, room.as_size(), lack).draw(model, room, frame);
    } else {
        let room = Rect { height: area.height - 1, ..area };
        Text::tight(model, panel, waiting, now, area.width, lack).draw(model, room, frame);
    }
    footer(model, &super::commands(model), frame);
}

/// The QR code and the way to draw it that `choose` finds, or why there is none to scan.
fn drawable<'a>(
    model: &Model,
    waiting: &'a Waiting,
    window: Size,
    choose: impl FnOnce(&QrMatrix, QrForms) -> Result<Fit, TooSmall>,
) -> Result<(&'a QrMatrix, Fit), String> {
    let Some(forms) = model.qr.forms(model.abilities.qr) else {
        return Err("QR code is off (--qr=none).".to_owned());
    };
    let Some(matrix) = &waiting.matrix else {
        return Err("The address is too long for a QR code.".to_owned());
    };
    let fit = choose(matrix, forms).map_err(|too_small| too_small.in_window(window).to_string())?;
    Ok((matrix, fit))
}

/// The way to draw the code that leaves the text its columns; the larger form only where it leaves them all.
fn fit_beside_text(matrix: &QrMatrix, forms: QrForms, step: i16, body: Rect) -> Result<Fit, TooSmall> {
    let beside = |columns: u16| {
        let width = body.width.saturating_sub(columns);
        Fit::choose_step(matrix.size(), width, body.height, forms, step)
    };
    beside(TEXT_COLUMNS).or_else(|_| beside(NARROW_TEXT_COLUMNS))
}

fn draw_qr(model: &Model, view: QrView, matrix: &QrMatrix, fit: Fit, area: Rect, frame: &mut Frame<'_>) {
    let code = QrCode { matrix, fit, palette: model.abilities.qr.palette, inverted: view.is_inverted };
    code.render(area, frame.buffer_mut());
}

fn full_screen_qr(model: &Model, view: QrView, waiting: &Waiting, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let code = &waiting.code;
    let below = [
        format!(
            "Code {}{}good for {}",
            code.user_code,
            model.theme.separator(),
            countdown(now.moment.until(code.expires_at))
        ),
        without_scheme(code.verification_uri.as_str()).to_owned(),
    ];
    let rows = u16::try_from(below.len()).unwrap_or(2);
    let for_code = Rect { height: area.height.saturating_sub(rows + 1), ..area };
    let drawn = drawable(model, waiting, area.as_size(), |matrix, forms| {
        Fit::choose_step(matrix.size(), for_code.width, for_code.height, forms, view.step)
    });
    let mut lines: Vec<String> = below.to_vec();
    match drawn {
        Ok((matrix, fit)) => {
            if let Some(place) = fit.centered_in(for_code) {
                draw_qr(model, view, matrix, fit, place, frame);
            }
        }
        Err(lack) => lines.insert(0, lack),
    }
    let lines: Vec<String> = lines.iter().flat_map(|line| wrap(line, usize::from(area.width))).collect();
    let height = u16::try_from(lines.len() + 1).unwrap_or(area.height);
    let top = area.bottom().saturating_sub(height).max(area.y);
    for (row, line) in (top..area.bottom()).zip(&lines) {
        let left = usize::from(area.width).saturating_sub(crate::tui::text::width(line)) / 2;
        frame.buffer_mut().set_string(
            area.x + u16::try_from(left).unwrap_or(0),
            row,
            clip(line, usize::from(area.width)),
            model.theme.text,
        );
    }
    footer(model, &super::commands(model), frame);
}

/// The link with nothing around it, broken only where the window ends, so that it can be selected and pasted.
fn bare_link(waiting: &Waiting, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width.max(1));
    let code = &waiting.code;
    let mut row = area.y;
    for text in [code.verification_uri.as_str(), complete_address(&waiting.code), code.user_code.as_str()] {
        let characters: Vec<char> = text.chars().collect();
        for part in characters.chunks(width) {
            if row < area.bottom() {
                frame.buffer_mut().set_string(area.x, row, part.iter().collect::<String>(), Style::reset());
            }
            row = row.saturating_add(1);
        }
        row = row.saturating_add(1);
    }
}

/// Three lines, or just the code.
fn tiny(model: &Model, panel: &SignInPanel, waiting: &Waiting, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width);
    let code = &waiting.code;
    let address = without_scheme(code.verification_uri.as_str());
    let left = countdown(now.moment.until(code.expires_at));
    let subject = subject(model, panel);
    let scopes = subject.map(|subject| in_words(&effective_scopes(panel, subject)).join("; ")).unwrap_or_default();
    let all = [
        address.to_owned(),
        code.user_code.clone(),
        format!("good for {left}"),
        format!("asked by {}", model.machine),
        scopes,
        "Approve only if you started this.".to_owned(),
    ];
    let lines: Vec<String> = if area.width < 20 || area.height < 3 {
        vec![code.user_code.clone()]
    } else {
        all.iter().flat_map(|line| wrap(line, width)).collect()
    };
    for (row, line) in (area.y..area.bottom()).zip(&lines) {
        frame.buffer_mut().set_string(area.x, row, clip(line, width), model.theme.text);
        if *line == code.user_code {
            frame.set_cursor_position(Position::new(area.x, row));
        }
    }
}

/// The text column, line by line, with the rows that are not plain text.
#[derive(Default)]
struct Text<'a> {
    lines: Vec<Line<'a>>,
    code_at: Option<Position>,
    gauge: Option<(u16, Duration, Duration)>,
    big: Option<(u16, BigText)>,
}

impl<'a> Text<'a> {
    /// The numbered steps, with space between them as far as there is any.
    fn roomy(
        model: &'a Model,
        panel: &'a SignInPanel,
        waiting: &'a Waiting,
        now: Now,
        room: Size,
        lack: Option<String>,
    ) -> Self {
        let Size { width, height } = room;
        let lacks_qr = lack.is_some();
        let theme = &model.theme;
        let mut text = Self::default();
        let inner = usize::from(width.saturating_sub(2));
        let steps =
            [Self::notice(model, panel, inner), vec![Line::styled(" Sign in on another device", theme.title)]].concat();
        text.lines.extend(steps);
        if let (Some(subject), Some(line)) = (subject(model, panel), text.lines.last_mut()) {
            *line = Line::styled(format!(" Sign in to {} on another device", subject.provider), theme.title);
        }
        text.blank();
        let open = if lacks_qr { " 1  On your phone or computer open" } else { " 1  Scan the QR code, or open" };
        text.lines.push(Line::raw(open));
        text.push_address(model, waiting, inner);
        text.blank();
        text.lines.push(Line::raw(if lacks_qr {
            " 2  Type this code there"
        } else {
            " 2  Check it shows this code, or type it"
        }));
        text.push_code(model, waiting, width, height);
        text.lines.push(Line::raw(" 3  Approve there, then look back here."));
        text.blank();
        text.push_state(model, waiting, now, inner);
        text.blank();
        text.push_facts(model, panel, inner, true);
        text.push_lack(model, lack, inner);
        text.shrink_to(usize::from(height));
        text
    }

    /// Everything that has to be there, nothing else.
    fn tight(
        model: &'a Model,
        panel: &'a SignInPanel,
        waiting: &'a Waiting,
        now: Now,
        width: u16,
        lack: Option<String>,
    ) -> Self {
        let theme = &model.theme;
        let mut text = Self::default();
        let inner = usize::from(width.saturating_sub(2));
        let provider = subject(model, panel).map_or("", |subject| subject.provider.as_str());
        let left = countdown(now.moment.until(waiting.code.expires_at));
        text.lines.push(Line::styled(format!("Sign in to {provider}{}{left} left", theme.separator()), theme.title));
        text.lines.extend(Self::notice(model, panel, inner));
        text.lines.push(Line::raw("On your phone or computer open"));
        text.push_address(model, waiting, inner);
        text.lines.push(Line::raw("and enter this code"));
        text.code_at = Some(Position::new(1, text.row()));
        text.lines.push(Line::styled(format!(" {}", waiting.code.user_code), theme.code));
        text.lines.push(Line::raw(state_line(model, waiting, now)));
        text.push_facts(model, panel, inner, false);
        text.push_lack(model, lack, inner);
        text
    }

    /// Says once more which code is dead, since it may stand on a note or in a chat.
    fn notice(model: &'a Model, panel: &'a SignInPanel, inner: usize) -> Vec<Line<'a>> {
        let Some((code, ended_at)) = &panel.previous else { return Vec::new() };
        let mark = Mark::Attention.word();
        let text = format!("{mark} Code {code} ran out at {}. Use the new one below.", time_of_day(*ended_at));
        let lines = wrap(&text, inner).into_iter();
        lines.map(|line| Line::styled(format!(" {line}"), model.theme.attention)).collect()
    }

    fn row(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX)
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// On a line of its own and never broken by us: without its scheme where it would not fit, in pieces as wide as the
    /// column only where nothing else helps.
    fn push_address(&mut self, model: &'a Model, waiting: &'a Waiting, inner: usize) {
        let address = waiting.code.verification_uri.as_str();
        let address = if address.len() > inner { without_scheme(address) } else { address };
        let characters: Vec<char> = address.chars().collect();
        for part in characters.chunks(inner.max(1)) {
            self.lines.push(Line::styled(format!(" {}", part.iter().collect::<String>()), model.theme.code));
        }
    }

    /// The code in a box, and large where there is room for both.
    fn push_code(&mut self, model: &'a Model, waiting: &'a Waiting, width: u16, height: u16) {
        let code = waiting.code.user_code.as_str();
        let border = model.theme.border_set();
        let inside = crate::tui::text::width(code) + 10;
        let edge = |left: &str, middle: &str, right: &str| format!("    {left}{}{right}", middle.repeat(inside));
        self.lines.push(Line::raw(edge(border.top_left, border.horizontal_top, border.top_right)));
        self.code_at = Some(Position::new(10, self.row()));
        self.lines.push(Line::from(vec![
            Span::raw(format!("    {}     ", border.vertical_left)),
            Span::styled(code, model.theme.code),
            Span::raw(format!("     {}", border.vertical_right)),
        ]));
        self.lines.push(Line::raw(edge(border.bottom_left, border.horizontal_bottom, border.bottom_right)));
        let big = BigText::new(code, model.theme.selected)
            .and_then(|big| big.scaled_to_fit(width.saturating_sub(5), height.saturating_sub(26)));
        if let Some(big) = big {
            self.blank();
            self.big = Some((self.row(), big));
            (0..=self.big.as_ref().map_or(0, |(_, big)| big.rows())).for_each(|_| self.blank());
        }
    }

    fn push_state(&mut self, model: &'a Model, waiting: &'a Waiting, now: Now, inner: usize) {
        let code = &waiting.code;
        let left = now.moment.until(code.expires_at);
        let warning = left <= Duration::from_secs(60);
        let style = if warning { model.theme.attention } else { model.theme.text };
        let waiting_for =
            if warning { format!("{} Waiting", Mark::Attention.word()) } else { "Waiting for approval".to_owned() };
        let text = if left.is_zero() {
            " The code ran out. Asking one last time ...".to_owned()
        } else {
            format!(" {waiting_for}   code good for {}", countdown(left))
        };
        self.lines.push(Line::styled(text, style));
        self.gauge = Some((self.row(), left, code.lifetime));
        self.blank();
        self.lines.extend(
            wrap(&last_and_next(model, waiting, now), inner).into_iter().map(|line| Line::raw(format!(" {line}"))),
        );
    }

    /// Who asks for what, and the warning.
    fn push_facts(&mut self, model: &'a Model, panel: &'a SignInPanel, inner: usize, has_space: bool) {
        if let Some(subject) = subject(model, panel) {
            let scopes = effective_scopes(panel, subject);
            let text = format!("Asks for {}", in_words(&scopes).join("; "));
            self.lines.extend(wrap(&text, inner).into_iter().map(|line| Line::raw(format!(" {line}"))));
            if has_space {
                self.blank();
            }
        }
        let warning = format!("Approve only if you, {}, started this. Nobody will send you a code.", model.machine);
        let style = model.theme.title;
        self.lines.extend(wrap(&warning, inner).into_iter().map(|line| Line::styled(format!(" {line}"), style)));
    }

    /// Why there is no code to scan.
    fn push_lack(&mut self, model: &Model, lack: Option<String>, inner: usize) {
        let lines = lack.map(|lack| wrap(&lack, inner)).unwrap_or_default();
        self.lines.extend(lines.into_iter().map(|line| Line::styled(format!(" {line}"), model.theme.faint)));
    }

    /// Takes blank lines out, from the last to the first, until the rest fits.
    fn shrink_to(&mut self, height: usize) {
        let keep = |text: &Self, row: usize| {
            let row = u16::try_from(row).unwrap_or(u16::MAX);
            let is_big = text.big.as_ref().is_some_and(|(top, big)| (*top..top + big.rows()).contains(&row));
            is_big || text.gauge.is_some_and(|(gauge, ..)| gauge == row)
        };
        for row in (0..self.lines.len()).rev() {
            if self.lines.len() <= height {
                return;
            }
            if self.lines[row].width() > 0 || keep(self, row) {
                continue;
            }
            self.lines.remove(row);
            let moved = u16::try_from(row).unwrap_or(u16::MAX);
            let up = |at: &mut u16| *at -= u16::from(*at > moved);
            self.code_at.iter_mut().for_each(|position| up(&mut position.y));
            self.gauge.iter_mut().for_each(|(at, ..)| up(at));
            self.big.iter_mut().for_each(|(at, _)| up(at));
        }
    }

    fn draw(self, model: &Model, area: Rect, frame: &mut Frame<'_>) {
        for (row, line) in (area.y..area.bottom()).zip(&self.lines) {
            frame.buffer_mut().set_line(area.x, row, line, area.width);
        }
        let at = |row: u16, height: u16| {
            let place = Rect {
                x: area.x + 1,
                y: area.y.saturating_add(row),
                width: area.width.saturating_sub(3).min(60),
                height,
            };
            place.intersection(area)
        };
        if let Some((row, remaining, total)) = self.gauge {
            (&Gauge { remaining, total, theme: &model.theme }).render(at(row, 1), frame.buffer_mut());
        }
        if let Some((row, big)) = self.big {
            let place = Rect { x: area.x + 4, width: big.columns(), ..at(row, big.rows()) };
            (&big).render(place.intersection(area), frame.buffer_mut());
        }
        if let Some(position) = self.code_at.filter(|position| position.y < area.height) {
            // Screen readers and braille displays follow the cursor.
            frame.set_cursor_position(Position::new(area.x + position.x, area.y + position.y));
        }
    }
}

/// One line for narrow screens.
fn state_line(model: &Model, waiting: &Waiting, now: Now) -> String {
    let next = countdown(now.moment.until(waiting.next_poll_at));
    let separator = model.theme.separator();
    match &waiting.last_answer {
        LastAnswer::Missing { .. } => format!("No answer{separator}trying again in {next}"),
        _ => format!("Waiting{separator}next check in {next}"),
    }
}

/// How the last question ended and when the next one comes.
fn last_and_next(model: &Model, waiting: &Waiting, now: Now) -> String {
    let next = countdown(now.moment.until(waiting.next_poll_at));
    let separator = model.theme.separator();
    let every = waiting.interval.as_secs();
    match &waiting.last_answer {
        LastAnswer::None => format!("We ask the server every {every} s{separator}first in {next}"),
        LastAnswer::Pending { at } => {
            format!("Last asked {} ago: not yet approved{separator}next in {next}", clock(now.moment - *at))
        }
        LastAnswer::SlowedDown { .. } => {
            format!("The server asks us to wait longer: every {every} s{separator}next in {next}")
        }
        LastAnswer::Relocated { data_center, accounts_host } => {
            format!("The account lives in {}. Asking {accounts_host} in {next}", data_center.to_uppercase())
        }
        LastAnswer::Missing { reason, attempt } => {
            let times = if *attempt > 1 { format!(" ({attempt} times)") } else { String::new() };
            format!("{} {reason}{times}{separator}trying again in {next}", Mark::Attention.word())
        }
    }
}

fn signed_in(model: &Model, outcome: &SignedIn, left: Duration, now: Now, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines =
        vec![Line::from(vec![theme.mark(Mark::Good), Span::styled(" Signed in", theme.title)]), Line::default()];
    let mut field = |name: &str, value: String| {
        let room = usize::from(width.saturating_sub(22)).max(10);
        for (number, part) in wrap(&value, room).into_iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            lines.push(Line::from(vec![Span::styled(format!("{name:<16}"), theme.label), Span::raw(part)]));
        }
    };
    match &outcome.account {
        Some(account) => {
            let name = account.name.clone().filter(|_| account.email.is_some());
            field("Account", name.map_or(account.label().to_owned(), |name| format!("{name} <{}>", account.label())));
        }
        None => field("Account", "not known: the scopes do not let us ask".to_owned()),
    }
    if let Some(data_center) = &outcome.data_center {
        let moved = if outcome.relocated { "  (the account lives there; we switched)" } else { "" };
        field("Data center", format!("{}{moved}", data_center.to_uppercase()));
    }
    field("Profile", format!("{}  saved{}", outcome.profile, protection(model)));
    field("Permissions", in_words(&outcome.scopes).join("; "));
    if !outcome.missing_scopes.is_empty() {
        field("Not granted", outcome.missing_scopes.join(", "));
    }
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

fn unsaved(model: &Model, error: &Error, width: u16) -> Vec<Line<'static>> {
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

fn failed(model: &Model, error: &Error, user_code: Option<&str>, at: &str, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let room = usize::from(width.saturating_sub(6)).clamp(10, 90);
    let (mark, title) = match error.code {
        Code::Denied => (Mark::Declined, "The request was declined"),
        Code::CodeExpired => (Mark::Attention, "Still there? Press Enter for a new code."),
        _ => (Mark::NeedsSignIn, "The sign-in did not work"),
    };
    let mut title = wrap(title, room.saturating_sub(6)).into_iter();
    let first = Span::styled(format!(" {}", title.next().unwrap_or_default()), theme.title);
    let mut lines = vec![Line::from(vec![theme.mark(mark), first])];
    lines.extend(title.map(|line| Line::styled(line, theme.title)));
    lines.push(Line::default());
    let mut say = |text: &str, style: Style| {
        lines.extend(wrap(text, room).into_iter().map(|line| Line::styled(line, style)));
        lines.push(Line::default());
    };
    if error.code == Code::Denied {
        let code = user_code.unwrap_or("shown before");
        say(
            &format!(
                "Someone answered No to code {code} on the other device, or the account may not use this app. Nothing was saved."
            ),
            theme.text,
        );
        say(
            "If that was a slip, press n for a new code. If it was not you, tell your administrator: somebody saw the code.",
            theme.text,
        );
    } else {
        say(&error.to_string(), theme.text);
        if let Some(hint) = &error.hint {
            say(hint, theme.text);
        }
    }
    say(&format!("{}{}{at}", error.code.word(), theme.separator()), theme.faint);
    lines
}

fn message_screen(
    model: &Model,
    panel: &SignInPanel,
    title: &str,
    lines: &[Line<'_>],
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let has_chrome = area.width >= LEAST.width && area.height >= LEAST.height;
    let (margin, top) = if has_chrome {
        (4, (area.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(0)) / 3).clamp(1, 3))
    } else {
        (0, 0)
    };
    let bottom = area.bottom().saturating_sub(u16::from(has_chrome));
    if has_chrome {
        title_line(model, title, &subject_line(model, panel), frame);
        footer(model, &super::commands(model), frame);
    }
    for (row, line) in (area.y + top.min(area.height)..bottom).zip(lines) {
        frame.buffer_mut().set_line(area.x + margin, row, line, area.width.saturating_sub(margin));
    }
}

fn subject<'a>(model: &'a Model, panel: &SignInPanel) -> Option<&'a ConfiguredProfile> {
    model.subjects.get(&panel.profile)
}

fn effective_scopes(panel: &SignInPanel, subject: &ConfiguredProfile) -> Vec<String> {
    panel.options.scopes.clone().unwrap_or_else(|| subject.scopes.clone())
}

/// `profile work · US · dana@web-01 over SSH from 10.0.0.7`
fn subject_line(model: &Model, panel: &SignInPanel) -> String {
    let mut parts = vec![format!("profile {}", panel.profile)];
    parts
        .extend(subject(model, panel).and_then(|subject| subject.data_center.as_ref()).map(|code| code.to_uppercase()));
    parts.push(match &model.machine.over_ssh_from {
        Some(address) => format!("{} over SSH from {address}", model.machine),
        None => model.machine.to_string(),
    });
    parts.join(model.theme.separator())
}

fn in_words(scopes: &[String]) -> Vec<String> {
    if scopes.is_empty() {
        return vec!["what the provider grants without scopes".to_owned()];
    }
    scopes.iter().map(|scope| catalog::scope_in_words(scope)).collect()
}

fn without_scheme(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest)
}

fn time_of_day(time: jiff::Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}
