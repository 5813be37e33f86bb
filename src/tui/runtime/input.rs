//! What crossterm read, as messages.
//!
//! Of an escape and the sequence of an arrow in one piece, `ESC ESC [ A`, crossterm makes an escape and two letters, which come one by
//! one like typed ones, so the escape alone is heard.

use crossterm::event::{Event, KeyCode, KeyModifiers, MouseButton, MouseEventKind};
use ratatui::layout::{Position, Size};

use crate::tui::keymap::Key;
use crate::tui::message::{Message, Pointing};
use crate::tui::terminal;

/// What an event means here, if anything.
pub(super) fn message(event: &Event) -> Option<Message> {
    match event {
        // A key with a sequence of its own says in it that Alt was held, so nobody has pressed escape.
        Event::Key(key) if cfg!(unix) && key.modifiers.contains(KeyModifiers::ALT) && has_no_sequence(key.code) => {
            Key::from_event(*key).map(Message::EscapeThen)
        }
        Event::Key(key) => Key::from_event(*key).map(Message::Key),
        Event::Paste(text) => Some(Message::Pasted(text.clone())),
        Event::Resize(columns, rows) => {
            let Size { width, height } = terminal::usable(*columns, *rows);
            Some(Message::Resized { columns: width, rows: height })
        }
        Event::Mouse(mouse) => {
            let what = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Pointing::Press,
                MouseEventKind::ScrollUp => Pointing::WheelUp,
                MouseEventKind::ScrollDown => Pointing::WheelDown,
                _ => return None,
            };
            Some(Message::Pointed { at: Position::new(mouse.column, mouse.row), what })
        }
        Event::FocusGained | Event::FocusLost => None,
    }
}

fn has_no_sequence(code: KeyCode) -> bool {
    matches!(code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace | KeyCode::Esc)
}

#[cfg(all(test, unix))]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn alt_is_an_escape_only_before_keys_without_a_sequence() {
        for (code, expected) in [
            (KeyCode::Char('b'), Message::EscapeThen(Key::Char('b'))),
            (KeyCode::Enter, Message::EscapeThen(Key::Enter)),
            (KeyCode::Backspace, Message::EscapeThen(Key::Backspace)),
            (KeyCode::Up, Message::Key(Key::Up)),
            (KeyCode::PageDown, Message::Key(Key::PageDown)),
            (KeyCode::Delete, Message::Key(Key::Delete)),
        ] {
            assert_eq!(message(&Event::Key(KeyEvent::new(code, KeyModifiers::ALT))), Some(expected));
        }
    }
}
