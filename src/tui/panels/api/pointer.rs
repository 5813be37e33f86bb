//! What the mouse does on the API panel. It never sends what may change something: that takes a key.

use ratatui::layout::Position;

use super::view::{Place, place_at};
use super::{ApiPanel, Focus};
use crate::tui::keymap::Command;
use crate::tui::message::Pointing;
use crate::tui::panel::{Panel, Then};
use crate::tui::surroundings::{Now, Surroundings};

impl ApiPanel {
    /// Puts the cursor where the mouse was pressed, and gives that pane the keys. A second press does what Enter does: it
    /// sends a test call, opens the own request, and folds a value. The wheel moves in the pane below it, whichever has the keys.
    pub(super) fn pointed(&mut self, at: Position, what: Pointing, around: &mut Surroundings, now: Now) -> Then {
        let Some(place) = place_at(around, self, at) else { return Then::default() };
        let command = match what {
            Pointing::Press => return self.pressed(place, around, now),
            Pointing::WheelUp => Command::Up,
            Pointing::WheelDown => Command::Down,
        };
        match place {
            Place::List(_) => self.in_list(command, around),
            Place::History(_) => self.move_in_history(command),
            Place::Answer(_) => self.in_text(command),
        }
        Then::default()
    }

    fn pressed(&mut self, place: Place, around: &mut Surroundings, now: Now) -> Then {
        match place {
            Place::List(row) => {
                let had_focus = matches!(self.focus, Focus::Requests | Focus::Filter);
                self.focus = Focus::Requests;
                match row {
                    Some(row) if row != self.list.cursor() => {
                        self.list.move_to(row);
                        self.refused = None;
                    }
                    Some(_) if had_focus => return self.run(Command::Choose, around, now),
                    _ => {}
                }
            }
            Place::History(Some(row)) if row == self.history_row => return self.run(Command::Choose, around, now),
            Place::History(row) => self.history_row = row.unwrap_or(self.history_row),
            Place::Answer(row) => {
                let had_focus = matches!(self.focus, Focus::Answer | Focus::Query);
                self.focus = Focus::Answer;
                if let Some((text, row)) = self.text_mut().zip(row)
                    && text.point(row) == Some(true)
                    && had_focus
                {
                    text.toggle_fold();
                }
            }
        }
        Then::default()
    }
}
