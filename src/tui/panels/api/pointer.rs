//! What the mouse does on the API panel. It never sends what may change something: that takes a key.

use ratatui::layout::Position;

use super::actions::{changes_something, in_list, in_text};
use super::earlier::move_in_history;
use super::view::{Place, place_at};
use super::{ApiPanel, Focus, command, resized};
use crate::tui::keymap::Command;
use crate::tui::message::Effect;
use crate::tui::model::{Model, Now};

/// Puts the cursor where the mouse was pressed, and gives that pane the keys. A second press does what Enter does: it
/// sends a request that only reads, and folds a value.
pub fn point(model: &mut Model, at: Position, now: Now) -> Vec<Effect> {
    let mut effects = match place_at(model, at) {
        Some(Place::List(row)) => point_in_list(model, row, now),
        Some(Place::History(row)) => point_in_history(model, row, now),
        Some(Place::Answer(row)) => {
            point_in_answer(model, row);
            Vec::new()
        }
        None => Vec::new(),
    };
    effects.extend(resized(model));
    effects
}

/// Moves in the pane under the mouse, whichever has the keys.
pub fn turn(model: &mut Model, at: Position, command: Command) -> Vec<Effect> {
    let place = place_at(model, at);
    if let Some(Place::List(_)) = place {
        in_list(model, command);
    } else if let Some(panel) = &mut model.api {
        match place {
            Some(Place::History(_)) => drop(move_in_history(panel, command)),
            Some(Place::Answer(_)) => drop(in_text(panel, command)),
            _ => {}
        }
    }
    resized(model)
}

fn point_in_list(model: &mut Model, row: Option<usize>, now: Now) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    let had_focus = matches!(panel.focus, Focus::Requests | Focus::Filter);
    panel.focus = Focus::Requests;
    let Some(row) = row else { return Vec::new() };
    if row != panel.list.cursor() {
        panel.list.move_to(row);
        panel.refused = None;
        return Vec::new();
    }
    if !had_focus || may_change_something(panel) {
        return Vec::new();
    }
    command(model, Command::Choose, now)
}

fn may_change_something(panel: &ApiPanel) -> bool {
    matches!(panel.selected_call(), Some(Ok(call)) if changes_something(&call))
}

fn point_in_history(model: &mut Model, row: Option<usize>, now: Now) -> Vec<Effect> {
    let Some((panel, row)) = model.api.as_mut().zip(row) else { return Vec::new() };
    if row == panel.history_row {
        return command(model, Command::Choose, now);
    }
    panel.history_row = row;
    Vec::new()
}

fn point_in_answer(model: &mut Model, row: Option<usize>) {
    let Some(panel) = &mut model.api else { return };
    let had_focus = matches!(panel.focus, Focus::Answer | Focus::Query);
    panel.focus = Focus::Answer;
    if let Some((text, row)) = panel.text_mut().zip(row)
        && text.point(row) == Some(true)
        && had_focus
    {
        text.toggle_fold();
    }
}
