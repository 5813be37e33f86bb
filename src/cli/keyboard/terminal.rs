//! Reads stdin on a thread, with the terminal's keys handed on one by one while this process is in front.

use std::io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::SignalKind;
use tokio::sync::mpsc;

use super::line::{Line, Wish};
use super::{Asked, Entry};
use crate::cli::output;
use crate::process::Process;

/// What follows a line's end sooner was pasted with it.
const PASTE_GAP: Duration = Duration::from_millis(50);
/// How often it is looked whether the process came to the front, of which no signal tells.
const TURN_LOOKED_FOR: Duration = Duration::from_millis(300);

/// Entries as they come. The terminal is as it was when this is dropped.
pub(in crate::cli) struct Keyboard {
    entries: mpsc::Receiver<Entry>,
    /// A byte tells the thread that the process was continued, its end that nobody waits any more.
    tell: Option<PipeWriter>,
    continued: tokio::signal::unix::Signal,
    thread: Option<JoinHandle<()>>,
}

impl Keyboard {
    pub(in crate::cli) fn listen(asked: Asked) -> io::Result<Self> {
        let (told, tell) = io::pipe()?;
        let continued = tokio::signal::unix::signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let (sender, entries) = mpsc::channel(1);
        let (begin, taken) = channel();
        let thread = std::thread::Builder::new().spawn(move || read(asked, &told, &sender, &begin))?;
        // Before anything is asked, so that not even an answer that comes at once is shown.
        let _ = taken.recv();
        Ok(Self { entries, tell: Some(tell), continued, thread: Some(thread) })
    }

    /// The next entry; `None` when there will be none.
    pub(in crate::cli) async fn next(&mut self) -> Option<Entry> {
        loop {
            tokio::select! {
                biased;
                entry = self.entries.recv() => return entry,
                _ = self.continued.recv() => {
                    // A thread that has ended needs no word.
                    let _ = self.tell.as_mut().map(|tell| tell.write_all(&[1]));
                }
            }
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        // A thread that waits for its entry to be taken is told by this.
        self.entries.close();
        self.tell = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it has been told already, and nothing depends on it any more.
            let _ = thread.join();
        }
    }
}

/// Waits until there is something to read, and this process is the one to read it.
pub(in crate::cli) fn wait_for_turn() {
    let stdin = io::stdin();
    loop {
        let is_told = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None);
        if is_told.is_err_and(|error| error != rustix::io::Errno::INTR) || is_in_front() {
            return;
        }
        // No signal tells that the process has come to the front, so it looks again after a while.
        let _ = poll(&mut [], Timespec::try_from(TURN_LOOKED_FOR).ok().as_ref());
    }
}

/// Tells whether a terminal would let this process read, instead of stopping it.
pub(in crate::cli) fn is_in_front() -> bool {
    let stdin = io::stdin();
    // A terminal that does not control this process stops nobody.
    !stdin.is_terminal() || Process::own().and_then(|own| own.is_in_front(&stdin)) != Some(false)
}

/// What there was to hear.
enum Heard {
    Byte(u8),
    /// The process was continued.
    Continued,
    /// A signal came in between.
    Interrupted,
    /// The time is over.
    Nothing,
    /// The input has ended.
    End,
    /// Nobody waits any more.
    Dropped,
}

fn read(asked: Asked, told: &PipeReader, sender: &mpsc::Sender<Entry>, begin: &Sender<()>) {
    let mut line = Line::new(asked, io::stdin().is_terminal());
    let mut keys = Keys::new();
    let mut is_ended = false;
    loop {
        let is_mine = is_in_front();
        if is_mine {
            keys.take();
        } else {
            keys.forget();
        }
        // `listen` waits for the first of these only.
        let _ = begin.send(());
        let patience = match (is_ended, is_mine) {
            (true, _) => Some(PASTE_GAP),
            (_, false) => Some(TURN_LOOKED_FOR),
            (false, true) => None,
        };
        let byte = match hear(told, is_mine, patience) {
            Heard::Byte(byte) => byte,
            Heard::Interrupted => continue,
            // Whoever had the terminal meanwhile may have left it otherwise.
            Heard::Continued => {
                keys.is_stale = true;
                continue;
            }
            Heard::Nothing => {
                if std::mem::take(&mut is_ended)
                    && (sender.blocking_send(line.finish()).is_err() || asked == Asked::Hidden)
                {
                    return;
                }
                continue;
            }
            // What was typed before it is an entry too.
            Heard::End => {
                if !line.is_empty() {
                    let _ = sender.blocking_send(line.finish());
                }
                return;
            }
            Heard::Dropped => return,
        };
        let mut echo = String::new();
        let wish = line.take(byte, &mut echo);
        output::echo(&echo);
        match wish {
            // More of the same line is still to come.
            Wish::Nothing => is_ended = false,
            Wish::Enter if asked == Asked::Pasted || asked == Asked::Hidden && !line.is_blank() => is_ended = true,
            // What was typed ahead is for the next question.
            Wish::Enter => {
                let _ = sender.blocking_send(line.finish());
                return;
            }
            Wish::End => return,
            Wish::Interrupt => signal(Signal::INT),
            Wish::Quit => signal(Signal::QUIT),
            Wish::Stop => {
                keys.give_back();
                signal(Signal::TSTP);
                // The stop may reach this thread late. Without a shell that could continue the process there is none.
                let most = Timespec { tv_sec: 1, tv_nsec: 0 };
                let _ = poll(&mut [PollFd::new(told, PollFlags::IN)], Some(&most));
            }
        }
    }
}

/// Waits for a byte of stdin, where that is this process's to read, and for a word of whoever waits for the entries.
fn hear(mut told: &PipeReader, is_mine: bool, patience: Option<Duration>) -> Heard {
    let stdin = io::stdin();
    let of_stdin = if is_mine { PollFlags::IN } else { PollFlags::empty() };
    let mut each = [PollFd::new(told, PollFlags::IN), PollFd::new(&stdin, of_stdin)];
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    // In the background only the first is waited for: the terminal's hang-up would be told again and again.
    let count = if is_mine { 2 } else { 1 };
    match poll(&mut each[..count], patience.as_ref()) {
        Err(rustix::io::Errno::INTR) => return Heard::Interrupted,
        Err(_) => return Heard::Dropped,
        Ok(_) => {}
    }
    if !each[0].revents().is_empty() {
        return if matches!(told.read(&mut [0]), Ok(1)) { Heard::Continued } else { Heard::Dropped };
    }
    if each[1].revents().is_empty() {
        return Heard::Nothing;
    }
    let mut byte = [0];
    match rustix::io::read(&stdin, &mut byte) {
        Err(rustix::io::Errno::INTR) => Heard::Interrupted,
        Ok(1) => Heard::Byte(byte[0]),
        _ => Heard::End,
    }
}

/// As the terminal would do with this key: to all that run in front.
fn signal(signal: Signal) {
    // Nothing else can be tried.
    let _ = kill_current_process_group(signal);
}

/// The terminal's keys, one by one and not shown, until dropped.
struct Keys {
    /// As it was, while it is otherwise.
    before: Option<Termios>,
    /// Somebody else may have had the terminal since.
    is_stale: bool,
}

impl Keys {
    fn new() -> Self {
        Self { before: None, is_stale: false }
    }

    fn take(&mut self) {
        let stdin = io::stdin();
        let is_taken = self.before.is_some() && !std::mem::take(&mut self.is_stale);
        if is_taken || !stdin.is_terminal() {
            return;
        }
        let Ok(now) = tcgetattr(&stdin) else { return };
        let mut keys = now.clone();
        keys.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
        keys.input_modes &= !(InputModes::IXON | InputModes::INLCR | InputModes::IGNCR);
        keys.special_codes[SpecialCodeIndex::VMIN] = 1;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed before stays to be read.
        let is_set = tcsetattr(&stdin, OptionalActions::Now, &keys).is_ok();
        // Settings that were made here before are not the ones to give back.
        if is_set && (self.before.is_none() || now.local_modes.contains(LocalModes::ICANON)) {
            self.before = Some(now);
        }
    }

    /// Whoever is in front now has the terminal as they want it.
    fn forget(&mut self) {
        self.before = None;
    }

    fn give_back(&mut self) {
        if let Some(before) = self.before.take() {
            // Nothing else can be tried.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // From the background this would stop the process.
        if is_in_front() {
            self.give_back();
        }
    }
}
