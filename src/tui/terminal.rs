//! Takes the terminal and gives it back: raw mode, the alternate screen, the cursor.
//!
//! It is given back when [`Terminal`] is dropped, and by the panic hook before a panic's text is printed.

mod painter;

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Once;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::{Attribute, Print, ResetColor, SetAttribute};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command, cursor, execute, queue};
use ratatui::layout::{Position, Rect, Size};
use ratatui::{Frame, TerminalOptions, Viewport};

use self::painter::Painter;
use super::background;
use super::job_control::{Change, JobControl};

/// Bytes up to which terminals show a frame at once anyway.
const SHORT: usize = 256;

/// Has the terminal keep the title of its window, and put it back: window operations 22 and 23 of xterm.
const PUSH_TITLE: &str = "\x1b[22;2t";
const POP_TITLE: &str = "\x1b[23;2t";

/// What the loop draws on.
pub(super) trait Surface {
    fn size(&self) -> Size;
    /// Takes the window to be of this size, and forgets what is on it. A frame is as large as the model's window, whatever
    /// has become of the real one meanwhile.
    fn resize(&mut self, window: Size) -> io::Result<()>;
    /// Draws one frame.
    fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()>;
    /// Forgets what is on the screen, so that the next frame draws every cell.
    fn clear(&mut self) -> io::Result<()>;
    /// Tells what the mouse does, or leaves it to selecting text.
    fn listen_to_mouse(&mut self, listens: bool) -> io::Result<()>;
    /// Asks for the color of its background. The [answer](super::background::Answer) comes among the keys.
    fn ask_for_background(&mut self) -> io::Result<()>;
    /// Sends a [sequence](super::clipboard::Clipboard::sequence) for the clipboard of whoever looks at it.
    fn copy(&mut self, sequence: &str) -> io::Result<()>;
    /// Asks the job to stop, which comes back as a [`Change`].
    fn ask_to_stop(&mut self) -> io::Result<()>;
    /// Waits for the next change of the job.
    async fn change(&mut self) -> Change;
    /// Gives the terminal back and stops the process until it is continued; where nobody would do that, goes on.
    async fn stop(&mut self) -> io::Result<()>;
    /// Takes the terminal again from whoever had it meanwhile.
    fn resume(&mut self) -> io::Result<()>;
}

/// The terminal, taken.
pub(super) struct Terminal {
    screen: ratatui::Terminal<Painter<Outgoing>>,
    outgoing: Outgoing,
    /// What a frame covers.
    window: Size,
    listens_to_mouse: bool,
    job: JobControl,
}

impl Terminal {
    pub(super) fn take() -> io::Result<Self> {
        restore_on_panic();
        // The theme decides on colours; `NO_COLOR` must not take them out of a QR code on the way.
        crossterm::style::force_color_output(true);
        let job = JobControl::listen()?;
        enter()?;
        // The window tells when its size changes, so that no frame has to ask for it.
        let window = window();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::from((Position::ORIGIN, window))) };
        let outgoing = Outgoing::default();
        match ratatui::Terminal::with_options(Painter::new(outgoing.clone()), options) {
            Ok(screen) => Ok(Self { screen, outgoing, window, listens_to_mouse: false, job }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }
}

impl Surface for Terminal {
    fn size(&self) -> Size {
        window()
    }

    /// Shown at once by terminals that can.
    fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.screen.draw(draw)?;
        let mut frame = self.outgoing.0.borrow_mut();
        let mut stdout = io::stdout();
        if frame.len() > SHORT {
            queue!(stdout, BeginSynchronizedUpdate)?;
            queue!(frame, EndSynchronizedUpdate)?;
        }
        stdout.write_all(&frame)?;
        frame.clear();
        stdout.flush()
    }

    fn listen_to_mouse(&mut self, listens: bool) -> io::Result<()> {
        self.listens_to_mouse = listens;
        if listens { execute!(io::stdout(), ListenToMouse) } else { execute!(io::stdout(), DisableMouseCapture) }
    }

    fn resize(&mut self, window: Size) -> io::Result<()> {
        self.window = window;
        self.clear()
    }

    fn clear(&mut self) -> io::Result<()> {
        queue!(self.outgoing, Clear(ClearType::All))?;
        // `clear` would ask the terminal where its cursor is, and wait for terminals that do not answer.
        self.screen.resize(Rect::from((Position::ORIGIN, self.window)))
    }

    fn ask_for_background(&mut self) -> io::Result<()> {
        self.copy(background::QUESTION)
    }

    fn copy(&mut self, sequence: &str) -> io::Result<()> {
        let mut stdout = io::stdout();
        stdout.write_all(sequence.as_bytes())?;
        stdout.flush()
    }

    fn ask_to_stop(&mut self) -> io::Result<()> {
        JobControl::ask_to_stop()
    }

    async fn change(&mut self) -> Change {
        self.job.next().await
    }

    async fn stop(&mut self) -> io::Result<()> {
        if !JobControl::can_be_continued() {
            return Ok(());
        }
        leave();
        self.job.stop().await?;
        self.resume()
    }

    fn resume(&mut self) -> io::Result<()> {
        // What is on now may be another's mode, and the one to come back to as well.
        disable_raw_mode()?;
        enter()?;
        self.listen_to_mouse(self.listens_to_mouse)?;
        self.clear()
    }
}

/// What is on its way to the screen: a frame goes there in one piece.
#[derive(Clone, Default)]
struct Outgoing(Rc<RefCell<Vec<u8>>>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    /// Waits for the end of the frame.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// The window as it is now.
fn window() -> Size {
    let (columns, rows) = crossterm::terminal::size().unwrap_or_default();
    usable(columns, rows)
}

/// A pty that has no size counts as 80x24.
pub(super) fn usable(columns: u16, rows: u16) -> Size {
    if columns > 0 && rows > 0 { Size::new(columns, rows) } else { Size::new(80, 24) }
}

/// Whether an error says that there is no terminal any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
    // `/dev/tty` is no device any more, either.
    #[cfg(unix)]
    let is_hung_up = [rustix::io::Errno::IO, rustix::io::Errno::NXIO]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
    #[cfg(not(unix))]
    let is_hung_up = false;
    is_hung_up || error.kind() == io::ErrorKind::BrokenPipe
}

/// Buttons and the wheel, but no movements: a mouse that only passes by must not wake the app.
struct ListenToMouse;

impl Command for ListenToMouse {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str("\x1b[?1000h\x1b[?1006h")
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        crossterm::event::EnableMouseCapture.execute_winapi()
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    let entered = execute!(
        io::stdout(),
        EnterAlternateScreen,
        Print(PUSH_TITLE),
        SetTitle("device-login"),
        EnableBracketedPaste,
        cursor::Hide
    );
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
        DisableMouseCapture,
        SetAttribute(Attribute::Reset),
        ResetColor,
        // Consoles without an alternate screen would keep what is on it, codes with it.
        Clear(ClearType::All),
        LeaveAlternateScreen,
        Print(POP_TITLE),
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
