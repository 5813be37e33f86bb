//! The program on a terminal of its own: types keys, waits for what the screen shows, decodes it, sees the process end.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use pty_process::blocking::{Command, Pty};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use rustix::process::{Pid, Signal};
use rustix::termios::{Termios, tcgetattr};

/// Far beyond what any step takes. Nothing waits this long unless it is broken.
const DEADLINE: Duration = Duration::from_secs(30);

/// A running program and its terminal.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    pid: Pid,
    seen: Arc<Seen>,
    before: Termios,
}

struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    screen: vt100::Parser,
    /// Every byte that came, for what an emulator hides.
    bytes: Vec<u8>,
    /// Nobody has the other end any more, so that no more bytes come.
    is_closed: bool,
    end: Option<ExitStatus>,
}

impl Terminal {
    /// Starts the program with these arguments and nothing of this machine's environment.
    pub(crate) fn start(arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_command(env!("CARGO_BIN_EXE_device-login"), arguments, columns, rows)
    }

    /// Starts a shell with job control on a script in which `$program` is the program.
    pub(crate) fn start_shell(script: &str, columns: u16, rows: u16) -> Self {
        let script = script.replace("$program", env!("CARGO_BIN_EXE_device-login"));
        Self::start_command("/bin/sh", &["-mc", &script], columns, rows)
    }

    fn start_command(program: &str, arguments: &[&str], columns: u16, rows: u16) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a pty can be opened");
        pty.resize(pty_process::Size::new(rows, columns)).expect("a pty can be resized");
        let before = tcgetattr(&pty).expect("a pty has settings");
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("USER", "dana")
            .env("HOME", std::env::temp_dir())
            .spawn(pts)
            .expect("the program starts");
        let pty = Arc::new(pty);
        let screen = vt100::Parser::new(cells(rows), cells(columns), 0);
        let state = State { screen, bytes: Vec::new(), is_closed: false, end: None };
        let seen = Arc::new(Seen { state: Mutex::new(state), changed: Condvar::new() });
        let (reader, writer) = (Arc::clone(&pty), Arc::clone(&seen));
        thread::spawn(move || follow(&reader, &writer));
        let (pid, watcher) = (Pid::from_child(&child), Arc::clone(&seen));
        thread::spawn(move || watch(child, &watcher));
        Self { pty, pid, seen, before }
    }

    pub(crate) fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("the program reads");
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.seen.state.lock().expect("nobody panicked").screen.screen_mut().set_size(cells(rows), cells(columns));
        self.pty.resize(pty_process::Size::new(rows, columns)).expect("a pty can be resized");
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(|state| Some(state.screen.screen().contents()).filter(|contents| contents.contains(text)))
            .unwrap_or_else(|contents| panic!("{text:?} did not come:\n{contents}"))
    }

    /// Waits until the screen does not show `text` any more.
    #[track_caller]
    pub(crate) fn wait_until_gone(&self, text: &str) {
        self.wait(|state| (!state.screen.screen().contents().contains(text)).then_some(()))
            .unwrap_or_else(|contents| panic!("{text:?} does not go:\n{contents}"));
    }

    /// Waits until these bytes came, wherever they went.
    #[track_caller]
    pub(crate) fn wait_for_bytes(&self, bytes: &[u8]) {
        let found = self.wait(|state| state.bytes.windows(bytes.len()).any(|window| window == bytes).then_some(()));
        found.unwrap_or_else(|contents| panic!("{:?} did not come:\n{contents}", String::from_utf8_lossy(bytes)));
    }

    /// Tells whether these bytes came so far.
    pub(crate) fn has_sent(&self, bytes: &[u8]) -> bool {
        let state = self.seen.state.lock().expect("nobody panicked");
        state.bytes.windows(bytes.len()).any(|window| window == bytes)
    }

    fn wait<T>(&self, mut look: impl FnMut(&State) -> Option<T>) -> Result<T, String> {
        let state = self.seen.state.lock().expect("nobody panicked");
        let mut found = None;
        let (state, _) = self
            .seen
            .changed
            .wait_timeout_while(state, DEADLINE, |state| {
                found = look(state);
                found.is_none()
            })
            .expect("nobody panicked");
        found.ok_or_else(|| state.screen.screen().contents())
    }

    /// Waits until a look at the cells of the screen finds something.
    #[track_caller]
    pub(crate) fn wait_until<T>(&self, mut look: impl FnMut(&Buffer) -> Option<T>) -> T {
        let found = self.wait(|state| look(&buffer(state.screen.screen())));
        found.unwrap_or_else(|contents| panic!("what was looked for did not come:\n{contents}"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid, signal).expect("the program runs");
    }

    /// Sends a signal to whatever has the terminal, which the shell may have started.
    pub(crate) fn signal_foreground(&self, signal: Signal) {
        let group = rustix::termios::tcgetpgrp(&*self.pty).expect("somebody has the terminal");
        rustix::process::kill_process(group, signal).expect("the program runs");
    }

    /// The same, and all that stays of it: on the screen and in the scrollback, and on a console that has no other screen.
    #[track_caller]
    pub(crate) fn ends_and_leaves(self) -> (i32, String) {
        let seen = Arc::clone(&self.seen);
        // What it wrote last may be read later than its end is known.
        self.wait(|state| state.is_closed.then_some(())).unwrap_or_else(|contents| panic!("it stays:\n{contents}"));
        let code = self.ends();
        let state = seen.state.lock().expect("nobody panicked");
        let (rows, columns) = state.screen.screen().size();
        let left = |bytes: &[u8]| {
            let mut screen = vt100::Parser::new(rows, columns, 1000);
            screen.process(bytes);
            screen.screen_mut().set_scrollback(usize::MAX);
            let scrollback = screen.screen().contents();
            screen.screen_mut().set_scrollback(0);
            scrollback + &screen.screen().contents()
        };
        let text = String::from_utf8_lossy(&state.bytes).replace("\x1b[?1049h", "").replace("\x1b[?1049l", "");
        (code, left(&state.bytes) + &left(text.as_bytes()))
    }

    /// Waits for the end of something that leaves the terminal in its own way.
    #[track_caller]
    pub(crate) fn wait_for_end(self) {
        self.wait(|state| state.end).unwrap_or_else(|contents| panic!("it does not end:\n{contents}"));
    }

    /// Waits for the end and tells the exit code. The terminal must be as it was: settings, screen, cursor.
    #[track_caller]
    pub(crate) fn ends(self) -> i32 {
        let status = self.wait(|state| state.end).unwrap_or_else(|contents| panic!("it does not end:\n{contents}"));
        let after = tcgetattr(&*self.pty).expect("a pty has settings");
        assert_eq!(settings(&self.before), settings(&after), "the terminal's settings");
        let state = self.seen.state.lock().expect("nobody panicked");
        let state = self
            .seen
            .changed
            .wait_timeout_while(state, DEADLINE, |state| state.screen.screen().alternate_screen())
            .expect("nobody panicked")
            .0;
        assert!(!state.screen.screen().alternate_screen(), "the alternate screen is left");
        assert!(!state.screen.screen().hide_cursor(), "the cursor shows");
        status.code().unwrap_or_else(|| panic!("it ended by a signal: {status:?}"))
    }
}

fn follow(mut pty: &Pty, seen: &Seen) {
    let mut chunk = [0; 4096];
    loop {
        // A pty whose other end is closed fails to read.
        let read = pty.read(&mut chunk).unwrap_or(0);
        let mut state = seen.state.lock().expect("nobody panicked");
        state.screen.process(&chunk[..read]);
        state.bytes.extend_from_slice(&chunk[..read]);
        state.is_closed = read == 0;
        seen.changed.notify_all();
        if read == 0 {
            return;
        }
    }
}

fn watch(mut child: Child, seen: &Seen) {
    let status = child.wait().expect("a child can be waited for");
    seen.state.lock().expect("nobody panicked").end = Some(status);
    seen.changed.notify_all();
}

fn buffer(screen: &vt100::Screen) -> Buffer {
    let (rows, columns) = screen.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns.get(), rows.get()));
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            let Some(cell) = screen.cell(row, column) else { continue };
            let drawn = &mut buffer[(column, row)];
            drawn.set_symbol(if cell.has_contents() { cell.contents() } else { " " });
            (drawn.fg, drawn.bg) = (color(cell.fgcolor()), color(cell.bgcolor()));
            drawn.modifier.set(Modifier::REVERSED, cell.inverse());
        }
    }
    buffer
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

fn color(color: vt100::Color) -> Color {
    match color {
        vt100::Color::Idx(0) => Color::Black,
        vt100::Color::Idx(7) => Color::Gray,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Default | vt100::Color::Rgb(..) => Color::Reset,
    }
}

/// What a shell would miss if it had changed.
fn settings(termios: &Termios) -> String {
    format!("{:?} {:?} {:?}", termios.input_modes, termios.output_modes, termios.local_modes)
}
