//! Takes the terminal and gives it back: raw mode, the alternate screen, the cursor.
//!
//! It is given back when [`Terminal`] is dropped, and by the panic hook before a panic's text is printed. The mouse is
//! never captured, so that text can be selected.

use std::io::{self, Stdout, Write};
use std::sync::Once;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Attribute, ResetColor, SetAttribute};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Rect, Size};

/// The terminal, taken.
pub(super) struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Terminal {
    pub(super) fn take() -> io::Result<Self> {
        restore_on_panic();
        enter()?;
        match ratatui::Terminal::new(CrosstermBackend::new(io::stdout())) {
            Ok(screen) => Ok(Self { screen }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }

    /// The window's size. A pty that has none counts as 80x24.
    pub(super) fn size(&self) -> Size {
        self.screen.size().ok().filter(|size| size.width > 0 && size.height > 0).unwrap_or(Size::new(80, 24))
    }

    /// Draws one frame, shown at once by terminals that can.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        self.screen.draw(draw)?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    /// Forgets what is on the screen, so that the next frame draws every cell.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        // `clear` would ask the terminal where its cursor is, and wait for terminals that do not answer.
        let size = self.screen.size()?;
        self.screen.resize(Rect::from(size))
    }

    /// Sends text to the terminal's clipboard (OSC 52), without tmux's wrapping, which breaks `set-clipboard on`.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.screen.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Gives the terminal back until [`Terminal::resume`].
    pub(super) fn pause(&mut self) -> io::Result<()> {
        self.screen.show_cursor()?;
        leave();
        Ok(())
    }

    pub(super) fn resume(&mut self) -> io::Result<()> {
        enter()?;
        self.clear()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    let entered =
        execute!(io::stdout(), EnterAlternateScreen, SetTitle("device-login"), EnableBracketedPaste, cursor::Hide);
    if entered.is_err() {
        leave();
    }
    entered
}

/// Errors are of no use here: the terminal may be gone.
fn leave() {
    let mut stdout = io::stdout();
    let _ = execute!(
        stdout,
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        SetAttribute(Attribute::Reset),
        ResetColor,
        // Consoles without an alternate screen would keep what is on it, codes with it.
        Clear(ClearType::All),
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = stdout.flush();
}

fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            hook(panic);
        }));
    });
}
