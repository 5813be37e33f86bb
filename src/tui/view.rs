//! Draws the model: a title line, one panel or overlay, a line of keys.

use ratatui::Frame;
use ratatui::style::{Modifier, Style};

use super::chrome::{body, has_room, long_notice, title_line, with_chrome};
use super::keymap::Command;
use super::model::{Model, Now, Overlay, Screen};
use super::panels::{api, help, kiosk, log, profile_form, profiles, sign_in};
use super::text;

/// The first frame, before anything is read: only that the program has begun.
pub fn opening(frame: &mut Frame<'_>) {
    let area = frame.area();
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.buffer_mut().set_stringn(0, 0, " device-login", usize::from(area.width), bold);
}

/// Draws everything. Any size will do.
pub fn view(model: &Model, now: Now, frame: &mut Frame<'_>) {
    let area = frame.area();
    let has_chrome = has_room(area.as_size());
    if let Some(overlay) = &model.overlay {
        return overlay_view(model, overlay, now, has_chrome, frame);
    }
    match model.screen {
        Screen::SignIn => sign_in::view::view(model, now, area, frame),
        Screen::Kiosk => kiosk::view::view(model, now, area, frame),
        Screen::Profiles => {
            let body = with_chrome(model, "profiles", &profiles::title(model, now), &profiles::commands(model), frame);
            profiles::view(model, now, body, frame);
            long_notice(model, frame);
        }
        Screen::ProfileForm => {
            let (title, right) = profile_form::title(model);
            let body = with_chrome(model, title, &right, &profile_form::commands(model), frame);
            profile_form::view(model, body, frame);
            long_notice(model, frame);
        }
        Screen::Api => {
            let body = with_chrome(model, "API", &api::title(model), &api::commands(model), frame);
            api::view(model, now, body, frame);
            long_notice(model, frame);
        }
    }
}

fn overlay_view(model: &Model, overlay: &Overlay, now: Now, has_chrome: bool, frame: &mut Frame<'_>) {
    let area = frame.area();
    let body = body(area.as_size());
    match overlay {
        Overlay::Help { scroll } => {
            if has_chrome {
                title_line(model, "help", &sign_in::view::short_state(model, now), frame);
                hint(model, &scrolls(model), frame);
            }
            help::view(model, *scroll, body, frame);
        }
        Overlay::Log { scroll } => {
            if has_chrome {
                title_line(model, "log", &sign_in::view::short_state(model, now), frame);
                hint(model, &scrolls(model), frame);
            }
            log::view(model, *scroll, body, frame);
        }
        Overlay::Palette(palette) => {
            if has_chrome {
                title_line(model, "commands", &sign_in::view::short_state(model, now), frame);
                hint(model, " Type to find, Enter does it, Esc closes", frame);
            }
            palette.view(model, body, frame);
        }
        Overlay::Sent(sent) => {
            if has_chrome {
                title_line(model, "copied", &sign_in::view::short_state(model, now), frame);
                let fits = sent.longest_scroll(body) == 0;
                hint(model, &if fits { " Any key closes this".to_owned() } else { scrolls(model) }, frame);
            }
            sent.view(body, frame);
        }
        Overlay::SaveAs(save_as) => {
            if has_chrome {
                title_line(model, "save", &sign_in::view::short_state(model, now), frame);
                hint(model, " Enter saves, Esc does not", frame);
            }
            save_as.view(model, body, frame);
        }
        Overlay::Confirm { question, .. } => {
            if has_chrome {
                title_line(model, "really?", &sign_in::view::short_state(model, now), frame);
            }
            let width = usize::from(body.width.saturating_sub(4)).max(1);
            let lines = asked(model, question, width, usize::from(body.height));
            let top = body.y + body.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(body.height)) / 3;
            for ((line, style), row) in lines.into_iter().zip(top..body.bottom()) {
                let clipped = text::clip(&line, width);
                frame.buffer_mut().set_string(body.x + 2.min(body.width), row, clipped, style);
            }
        }
    }
}

/// A question and its answers, which stay whole in any window: the question is cut before them.
fn asked(model: &Model, question: &str, width: usize, height: usize) -> Vec<(String, Style)> {
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
    let question = question.into_iter().map(|line| (line, model.theme.title));
    question.chain(gap).chain(answers.iter().map(|line| ((*line).to_owned(), model.theme.text))).collect()
}

fn hint(model: &Model, text: &str, frame: &mut Frame<'_>) {
    let Some(row) = frame.area().height.checked_sub(1) else { return };
    frame.buffer_mut().set_string(0, row, text, model.theme.faint);
}

fn scrolls(model: &Model) -> String {
    format!(" {} and {} scroll, other keys close", model.key(Command::Up), model.key(Command::Down))
}
