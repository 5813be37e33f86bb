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
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::{Frame, TerminalOptions, Viewport};

use self::painter::Painter;
pub(super) use self::painter::Shift;
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
    /// Moves what is on the screen, which `draw` draws.
    fn shift(&mut self, by: Shift, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()>;
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
        match ratatui::Terminal::with_options(Painter::new(outgoing.clone(), window.width), options) {
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

    fn shift(&mut self, by: Shift, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        shift(&mut self.screen, by, draw)
    }

    fn clear(&mut self) -> io::Result<()> {
        queue!(self.outgoing, Clear(ClearType::All))?;
        // `clear` would ask the terminal where its cursor is, and wait for terminals that do not answer.
        self.screen.backend_mut().resized(self.window.width);
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

/// Moves what is on the screen, which `draw` draws: it is told by a frame alone. The next frame writes what is otherwise then.
fn shift<W: Write>(
    screen: &mut ratatui::Terminal<Painter<W>>,
    by: Shift,
    draw: impl FnOnce(&mut Frame<'_>),
) -> io::Result<()> {
    let shown = screen.draw(draw)?.buffer.clone();
    screen.backend_mut().shift(shown.area.as_size(), by)?;
    let mut moved = Buffer::empty(shown.area);
    for place in shown.area.positions() {
        let from = (place.x.checked_add_signed(-by.right), place.y.checked_add_signed(-by.down));
        if let (Some(x), Some(y)) = from
            && let Some(cell) = shown.cell((x, y))
        {
            moved[place] = cell.clone();
        }
    }
    *screen.current_buffer_mut() = moved;
    screen.swap_buffers();
    Ok(())
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

/// More than any window has, since a pty may claim any size: beyond it nothing is drawn.
const LARGEST: Size = Size::new(1000, 500);

/// A pty that has no size counts as 80x24.
pub(super) fn usable(columns: u16, rows: u16) -> Size {
    if columns == 0 || rows == 0 {
        return Size::new(80, 24);
    }
    Size::new(columns.min(LARGEST.width), rows.min(LARGEST.height))
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use ratatui::layout::{Rect, Size};
    use ratatui::style::{Color, Style};
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::{Outgoing, Painter, Shift, shift};

    #[test]
    fn a_window_of_any_size_is_drawn_within_reason() {
        for (claimed, drawn) in [
            ((0, 0), (80, 24)),
            ((0, 24), (80, 24)),
            ((120, 40), (120, 40)),
            ((1, 65535), (1, 500)),
            ((65535, 1), (1000, 1)),
            ((65535, 65535), (1000, 500)),
        ] {
            let size = super::usable(claimed.0, claimed.1);
            assert_eq!((size.width, size.height), drawn, "{claimed:?}");
        }
    }

    #[test]
    fn what_moves_as_a_whole_is_moved_by_the_terminal() {
        let window = Size::new(40, 12);
        let outgoing = Outgoing::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::from(((0, 0).into(), window))) };
        let mut screen =
            Terminal::with_options(Painter::new(outgoing.clone(), window.width), options).expect("a screen");
        let sides = [window.height, window.width].map(|side| NonZeroU16::new(side).expect("a window"));
        let mut emulator = vt100::Parser::new(sides[0], sides[1], 0);
        let draw = |(right, down): (u16, u16), seconds: u32| {
            move |frame: &mut ratatui::Frame<'_>| {
                let picture = Style::new().fg(Color::White).bg(Color::Black);
                for row in 0..8 {
                    let modules = if row % 2 == 0 { " \u{2580} \u{2584}  " } else { "\u{2584}  \u{2580} " };
                    frame.buffer_mut().set_string(3 + right, 2 + down + row, modules.repeat(2), picture);
                }
                frame.buffer_mut().set_string(
                    20 + right,
                    4 + down,
                    format!("Code good for 4:{seconds:02}"),
                    Style::new(),
                );
            }
        };
        screen.draw(draw((0, 0), 59)).expect("it is drawn");
        let mut place: (u16, u16) = (0, 0);
        for (second, by) in (0..).zip([(1, 0), (1, 0), (0, 1), (-1, 0), (-1, 0), (0, -1)]) {
            emulator.process(&std::mem::take(&mut *outgoing.0.borrow_mut()));
            let now = (place.0.saturating_add_signed(by.0), place.1.saturating_add_signed(by.1));
            let by = Shift { right: by.0, down: by.1 };
            shift(&mut screen, by, draw(place, 59 - second)).expect("it is moved");
            let shown = screen.draw(draw(now, 58 - second)).expect("it is drawn").buffer.clone();
            let sent = std::mem::take(&mut *outgoing.0.borrow_mut());
            assert!(sent.len() < 80, "{by:?}: {:?}", String::from_utf8_lossy(&sent));
            emulator.process(&sent);
            for at in shown.area.positions() {
                let cell = emulator.screen().cell(at.y, at.x).expect("a cell");
                let symbol = if cell.has_contents() { cell.contents() } else { " " };
                let is_picture = cell.bgcolor() == vt100::Color::Idx(0);
                let wanted = &shown[at];
                assert_eq!((symbol, is_picture), (wanted.symbol(), wanted.bg == Color::Black), "{by:?} {at}");
            }
            place = now;
        }
        assert_eq!(place, (0, 0));
    }
}
