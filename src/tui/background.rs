//! Asks the terminal for the color of its background (OSC 11 of xterm), since a dark theme cannot be read on white.
//!
//! Nobody waits for the answer: it comes among the keys, where it is taken out, or never.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::config::ThemeName;

/// Terminals end their answer as the question ended.
pub(super) const QUESTION: &str = "\x1b]11;?\x07";

/// How answers begin, behind the escape that reads as Alt.
const BEGINNING: &str = "]11;rgb";

/// The longest answer: four components of four digits.
const LONGEST: usize = "]11;rgba:ffff/ffff/ffff/ffff".len();

/// The answer as it comes in.
#[derive(Default)]
pub(super) struct Answer {
    is_awaited: bool,
    /// Keys that may be the beginning of the answer.
    held: Vec<KeyEvent>,
}

/// What an event turned out to be.
pub(super) enum Heard {
    /// Events of the person, in their order, each key for itself.
    Events(Vec<Event>),
    Background(ThemeName),
}

impl Answer {
    /// The terminal has been asked.
    pub(super) fn awaited() -> Self {
        Self { is_awaited: true, ..Self::default() }
    }

    pub(super) fn hear(&mut self, event: Event) -> Heard {
        let Event::Key(key) = event else { return self.hand_on(event) };
        if !self.is_awaited {
            return Heard::Events(vec![event]);
        }
        if !self.held.is_empty() && ends_it(key) {
            let text = text(&self.held);
            return match background(&text) {
                Some(theme) => {
                    *self = Self::default();
                    Heard::Background(theme)
                }
                None => self.hand_on(event),
            };
        }
        self.held.push(key);
        if may_be_one(&self.held) {
            return Heard::Events(Vec::new());
        }
        self.held.pop();
        self.hand_on(event)
    }

    fn hand_on(&mut self, event: Event) -> Heard {
        Heard::Events(self.held.drain(..).map(Event::Key).chain([event]).collect())
    }
}

fn ends_it(key: KeyEvent) -> bool {
    let [bell, string_terminator] =
        [(KeyCode::Char('g'), KeyModifiers::CONTROL), (KeyCode::Char('\\'), KeyModifiers::ALT)];
    [bell, string_terminator].contains(&(key.code, key.modifiers))
}

fn may_be_one(keys: &[KeyEvent]) -> bool {
    let begins = keys.first().is_some_and(|key| key.modifiers == KeyModifiers::ALT);
    let text = text(keys);
    let is_number = |character: char| character.is_ascii_hexdigit() || ":/a".contains(character);
    let fits = match text.strip_prefix(BEGINNING) {
        Some(rest) => rest.chars().all(is_number),
        None => BEGINNING.starts_with(&text),
    };
    begins && fits && keys.len() <= LONGEST && text.chars().count() == keys.len()
}

fn text(keys: &[KeyEvent]) -> String {
    keys.iter().filter_map(|key| key.code.as_char()).collect()
}

/// The theme for what stands in an answer: `]11;rgb:ffff/ffff/ffff`, with one to four digits for each component.
fn background(answer: &str) -> Option<ThemeName> {
    let components = answer.strip_prefix(BEGINNING)?.trim_start_matches('a').strip_prefix(':')?;
    let share = |digits: &str| {
        let most = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)?.checked_sub(1).filter(|most| *most > 0)?;
        Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / f64::from(most))
    };
    let mut shares = components.split('/').map(share);
    let [red, green, blue] = [shares.next()??, shares.next()??, shares.next()??];
    // How bright each looks: ITU-R BT.601.
    let brightness = 0.299 * red + 0.587 * green + 0.114 * blue;
    Some(if brightness > 0.5 { ThemeName::Light } else { ThemeName::Dark })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(code), modifiers))
    }

    /// As crossterm reads them: an escape is Alt, the bell Ctrl-G.
    fn typed(text: &str) -> Vec<Event> {
        let mut is_escaped = false;
        text.chars()
            .filter_map(|character| match character {
                '\x1b' => {
                    is_escaped = true;
                    None
                }
                '\x07' => Some(key('g', KeyModifiers::CONTROL)),
                _ if std::mem::take(&mut is_escaped) => Some(key(character, KeyModifiers::ALT)),
                _ => Some(key(character, KeyModifiers::NONE)),
            })
            .collect()
    }

    fn heard(answer: &mut Answer, text: &str) -> (Vec<Event>, Option<ThemeName>) {
        let (mut events, mut theme) = (Vec::new(), None);
        for event in typed(text) {
            match answer.hear(event) {
                Heard::Events(more) => events.extend(more),
                Heard::Background(name) => theme = Some(name),
            }
        }
        (events, theme)
    }

    #[test]
    fn an_answer_names_the_theme_and_is_no_key() {
        for (text, expected) in [
            ("\x1b]11;rgb:ffff/ffff/ffff\x07", ThemeName::Light),
            ("\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\", ThemeName::Light),
            ("\x1b]11;rgb:0000/2b2b/3636\x07", ThemeName::Dark),
            ("\x1b]11;rgb:00/00/00\x1b\\", ThemeName::Dark),
            ("\x1b]11;rgb:f/f/f\x07", ThemeName::Light),
            ("\x1b]11;rgba:ffff/ffff/ffff/ffff\x07", ThemeName::Light),
            ("\x1b]11;rgb:0000/0000/ffff\x07", ThemeName::Dark),
        ] {
            let mut answer = Answer::awaited();
            assert_eq!(heard(&mut answer, &format!("j{text}k")), (typed("jk"), Some(expected)), "{text:?}");
            // There is one answer to one question.
            assert_eq!(heard(&mut answer, text), (typed(text), None), "{text:?}");
            // Also where it comes in pieces.
            for at in 2..text.len() {
                let (mut answer, (first, rest)) = (Answer::awaited(), text.split_at(at));
                if rest.starts_with('\\') {
                    continue;
                }
                assert_eq!(heard(&mut answer, first), (Vec::new(), None), "{text:?} {at}");
                assert_eq!(heard(&mut answer, rest), (Vec::new(), Some(expected)), "{text:?} {at}");
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_handed_on_as_it_came() {
        for text in [
            "]11;rgb:ffff/ffff/ffff\x07",
            "\x1b]x",
            "\x1b]11;rgb:ffff/ffff\x07",
            "\x1b]11;rgb:fffff/ffff/ffff/ffff/ffff/ffff",
            "\x1b]11;rgb:\x07",
            "\x1b]11;?\x07",
            "\x1b]12;rgb:ffff/ffff/ffff\x07",
            "\x1b]11;rgb:ffff/xyz",
        ] {
            assert_eq!(heard(&mut Answer::awaited(), text), (typed(text), None), "{text:?}");
        }
        let unasked = "\x1b]11;rgb:ffff/ffff/ffff\x07";
        assert_eq!(heard(&mut Answer::default(), unasked), (typed(unasked), None));
        let mut answer = Answer::awaited();
        for event in typed("\x1b]11;") {
            assert!(matches!(answer.hear(event), Heard::Events(events) if events.is_empty()));
        }
        let pasted = Event::Paste("x".to_owned());
        let Heard::Events(events) = answer.hear(pasted.clone()) else { panic!("no answer came") };
        assert_eq!(events, [typed("\x1b]11;"), vec![pasted]].concat());
    }
}
