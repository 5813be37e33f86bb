//! A key as it is pressed, written and read.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key as the app tells keys apart. Letters come in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Char(char),
    Ctrl(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

impl Key {
    /// The keys that have names instead of characters.
    pub const NAMED: [Key; 15] = [
        Key::Char(' '),
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Backspace,
        Key::Delete,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::PageUp,
        Key::PageDown,
        Key::Home,
        Key::End,
    ];

    /// The key that was pressed or repeated; releases and keys without a meaning here are none.
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        Some(match event.code {
            KeyCode::Char(character) if event.modifiers.contains(KeyModifiers::CONTROL) => {
                Key::Ctrl(character.to_ascii_lowercase())
            }
            KeyCode::Char(character) => Key::Char(character),
            KeyCode::Enter => Key::Enter,
            KeyCode::Esc => Key::Esc,
            KeyCode::Tab => Key::Tab,
            KeyCode::BackTab => Key::BackTab,
            KeyCode::Backspace => Key::Backspace,
            KeyCode::Delete => Key::Delete,
            KeyCode::Up => Key::Up,
            KeyCode::Down => Key::Down,
            KeyCode::Left => Key::Left,
            KeyCode::Right => Key::Right,
            KeyCode::PageUp => Key::PageUp,
            KeyCode::PageDown => Key::PageDown,
            KeyCode::Home => Key::Home,
            KeyCode::End => Key::End,
            _ => return None,
        })
    }

    /// How the footer and the help write it.
    pub fn label(self) -> String {
        match self {
            Key::Char(' ') => "Space".to_owned(),
            Key::Char(character) => character.to_string(),
            Key::Ctrl(character) => format!("Ctrl-{}", character.to_ascii_uppercase()),
            Key::Enter => "Enter".to_owned(),
            Key::Esc => "Esc".to_owned(),
            Key::Tab => "Tab".to_owned(),
            Key::BackTab => "Shift-Tab".to_owned(),
            Key::Backspace => "Backspace".to_owned(),
            Key::Delete => "Del".to_owned(),
            Key::Up => "Up".to_owned(),
            Key::Down => "Down".to_owned(),
            Key::Left => "Left".to_owned(),
            Key::Right => "Right".to_owned(),
            Key::PageUp => "PgUp".to_owned(),
            Key::PageDown => "PgDn".to_owned(),
            Key::Home => "Home".to_owned(),
            Key::End => "End".to_owned(),
        }
    }

    /// Reads what [`Key::label`] writes, in any case but for single letters.
    pub fn from_label(label: &str) -> Option<Self> {
        let mut characters = label.chars();
        if let (Some(character), None) = (characters.next(), characters.next()) {
            return (!character.is_control()).then_some(Key::Char(character));
        }
        let named = label.to_ascii_lowercase();
        if let Some(control) = named.strip_prefix("ctrl-") {
            let mut characters = control.chars();
            let letter = characters.next().filter(char::is_ascii_lowercase);
            return letter.filter(|_| characters.next().is_none()).map(Key::Ctrl);
        }
        Key::NAMED.into_iter().find(|key| key.label().eq_ignore_ascii_case(label))
    }

    /// Tells whether a key that was pressed counts as this one.
    pub(super) fn matches(self, pressed: Key) -> bool {
        match (self, pressed) {
            (Key::Char(bound), Key::Char(pressed)) if bound.is_ascii_lowercase() => {
                // `N` goes back where `n` goes on, so an upper-case letter means itself only where it is bound.
                bound == pressed.to_ascii_lowercase()
            }
            _ => self == pressed,
        }
    }
}
