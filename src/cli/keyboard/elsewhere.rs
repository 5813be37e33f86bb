//! Reads stdin by lines, where terminals do not cut them.

use std::io::{self, BufRead, IsTerminal, Read};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{Asked, Entry, LONGEST};
use crate::secret::Secret;

/// Entries as they come.
pub(in crate::cli) struct Keyboard(mpsc::Receiver<Entry>);

impl Keyboard {
    pub(in crate::cli) fn listen(asked: Asked) -> io::Result<Self> {
        let (sender, entries) = mpsc::channel(1);
        // Reading cannot be interrupted, so the thread stays until the process ends.
        std::thread::Builder::new().spawn(move || {
            while let Some(entry) = if asked == Asked::Hidden && io::stdin().is_terminal() { hidden() } else { line() }
            {
                // One that is hidden is asked for once.
                if sender.blocking_send(entry).is_err() || asked == Asked::Hidden {
                    return;
                }
            }
        })?;
        Ok(Self(entries))
    }

    /// The next entry; `None` when there will be none.
    pub(in crate::cli) async fn next(&mut self) -> Option<Entry> {
        self.0.recv().await
    }
}

fn line() -> Option<Entry> {
    let mut text = Zeroizing::new(Vec::new());
    let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX) + 2;
    let read = io::stdin().lock().take(limit).read_until(b'\n', &mut text);
    match read {
        Ok(read) if read > 0 => Some(entry(&String::from_utf8_lossy(&text))),
        _ => None,
    }
}

fn entry(text: &str) -> Entry {
    if text.len() > LONGEST { Entry::TooLong } else { Entry::Text(Secret::new(text.trim_matches(['\r', '\n']))) }
}

fn hidden() -> Option<Entry> {
    terminal::enable_raw_mode().ok()?;
    let mut typed = Zeroizing::new(String::with_capacity(4096));
    let result = loop {
        let Ok(event) = event::read() else { break None };
        let Event::Key(key) = event else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => break Some(entry(&typed)),
            KeyCode::Char('c' | 'd') if is_control => break None,
            KeyCode::Char('u') if is_control => typed.clear(),
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Char(character) if !is_control => typed.push(character),
            _ => {}
        }
    };
    // There is nothing else to try.
    let _ = terminal::disable_raw_mode();
    result
}
