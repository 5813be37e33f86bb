//! Draws the model: a title line, one panel or overlay, a line of keys.

use ratatui::Frame;
use ratatui::style::{Modifier, Style};

use super::chrome::{body, has_room, long_notice, title_line, with_chrome};
use super::keymap::{Command, Scope};
use super::model::Model;
use super::overlay::{Overlay, help, log};
use super::surroundings::{Now, Surroundings};
use super::text;

/// The first frame, before anything is read: only that the program has begun.
pub fn opening(frame: &mut Frame<'_>) {
    let area = frame.area();
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.buffer_mut().set_stringn(0, 0, " device-login", usize::from(area.width), bold);
}

/// Draws everything. Any size will do.
pub fn view(model: &Model, now: Now, frame: &mut Frame<'_>) {
    let (around, panel) = (&model.around, &*model.top);
    if let Some(overlay) = &around.overlay {
        return overlay_view(model, overlay, now, frame);
    }
    match panel.title(around, now) {
        Some((title, right)) => {
            let body = with_chrome(around, title, right, panel, now, frame);
            panel.view(around, now, body, frame);
            long_notice(around, frame);
        }
        None => panel.view(around, now, frame.area(), frame),
    }
}

fn overlay_view(model: &Model, overlay: &Overlay, now: Now, frame: &mut Frame<'_>) {
    let (around, panel) = (&model.around, &*model.top);
    let area = frame.area();
    let body = body(area.as_size());
    let key = |scope, command| around.key(scope, command);
    let scrolls = || {
        let (up, down) = (key(panel.scope(), Command::Up), key(panel.scope(), Command::Down));
        format!(" {up} and {down} scroll, other keys close")
    };
    let closes = || " Any key closes this".to_owned();
    let (enter, esc) = (key(Scope::Typing, Command::Choose), key(Scope::Typing, Command::Back));
    let (title, keys) = match overlay {
        Overlay::Help { .. } if help::longest_scroll(around, panel.scope(), body) == 0 => ("Help", closes()),
        Overlay::Help { .. } => ("Help", scrolls()),
        Overlay::Log { .. } => ("Log", scrolls()),
        Overlay::Palette(_) => ("Commands", format!(" Type to find, {enter} does it, {esc} closes")),
        Overlay::Sent(sent) if sent.longest_scroll(body) == 0 => ("Copied", closes()),
        Overlay::Sent(_) => ("Copied", scrolls()),
        Overlay::SaveAs(_) => ("Save", format!(" {enter} saves, {esc} does not")),
        Overlay::Confirm { .. } => ("Really?", String::new()),
    };
    if has_room(area.as_size()) {
        title_line(around, title, panel.standing(around, now), frame);
        frame.buffer_mut().set_string(0, area.height - 1, keys, around.theme.faint);
    }
    match overlay {
        Overlay::Help { scroll } => help::view(around, panel.scope(), *scroll, body, frame),
        Overlay::Log { scroll } => log::view(around, *scroll, body, frame),
        Overlay::Palette(palette) => palette.view(around, panel, body, frame),
        Overlay::Sent(sent) => sent.view(body, frame),
        Overlay::SaveAs(save_as) => save_as.view(around, body, frame),
        Overlay::Confirm { question, .. } => {
            let width = usize::from(body.width.saturating_sub(4)).max(1);
            let lines = asked(around, question, width, usize::from(body.height));
            let top = body.y + body.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(body.height)) / 3;
            for ((line, style), row) in lines.into_iter().zip(top..body.bottom()) {
                let clipped = text::clip(&line, width);
                frame.buffer_mut().set_string(body.x + 2.min(body.width), row, clipped, style);
            }
        }
    }
}

/// A question and its answers, which stay whole in any window: the question is cut before them.
fn asked(around: &Surroundings, question: &str, width: usize, height: usize) -> Vec<(String, Style)> {
    let answers: [&[&str]; 3] =
        [&["y  yes        any other key  no"], &["y  yes", "any other key  no"], &["y yes,", "else no"]];
    let fits = |lines: &&[&str]| lines.iter().all(|line| line.len() <= width);
    let answers = answers.into_iter().find(fits).unwrap_or(answers[2]);
    let mut question = text::wrap(question, width);
    let room = height.saturating_sub(answers.len());
    if question.len() > room {
        let rest = question.split_off(room.saturating_sub(1)).join(" ");
        question.extend((room > 0).then(|| text::clip(&rest, width)));
    }
    let gap = (question.len() < room).then(|| (String::new(), Style::new()));
    let question = question.into_iter().map(|line| (line, around.theme.title));
    question.chain(gap).chain(answers.iter().map(|line| ((*line).to_owned(), around.theme.text))).collect()
}
