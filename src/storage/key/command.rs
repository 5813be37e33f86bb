//! A key that a program of the person's choice prints: `pass`, `op`, `secret-tool`, `systemd-creds decrypt`.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use zeroize::{Zeroize, Zeroizing};

use crate::clock::{self, Moment};
use crate::mutex::locked;
use crate::untrusted::Untrusted;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long after SIGTERM it is killed.
const GRACE: Duration = Duration::from_secs(1);
/// How long after its end something is still waited for that others hold open.
const REST: Duration = Duration::from_millis(250);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes that are kept of each stream; keys have some hundred.
const LONGEST_OUTPUT: usize = 16 * 1024;

/// A program and its arguments, which get no shell, no terminal and none of the secrets in this process's environment.
#[derive(Clone, Debug)]
pub struct KeyCommand {
    command: Arc<Mutex<Command>>,
    name: String,
}

impl KeyCommand {
    /// `command` is one of `child::command`, so that it inherits no secrets.
    pub fn new(command: Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        Self { command: Arc::new(Mutex::new(command)), name }
    }

    /// For messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it prints on stdout; the error is a clause about the program.
    pub(super) fn run(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut running = self.start().map_err(|error| format!("cannot be started: {error}"))?;
        let ended = running.wait(clock::now());
        let said = Untrusted::new(String::from_utf8_lossy(&running.streams[1]).trim()).line();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        match ended {
            Ok(status) if status.success() => Ok(std::mem::take(&mut running.streams[0])),
            Ok(status) => Err(format!("failed ({status}){said}")),
            Err(problem) => Err(format!("{problem}{said}")),
        }
    }

    fn start(&self) -> io::Result<Running> {
        let mut command = locked(&self.command);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let ((sender, receiver), heard) = (channel(), Arc::new(()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (to, still) = (sender.clone(), Arc::downgrade(&heard));
        let mut running =
            Running { child, receiver, _sender: sender, _heard: heard, streams: Default::default(), open: 2 };
        let stdout = stdout.map_or(Ok(()), |stdout| pass_on(0, stdout, to.clone(), still.clone()));
        let read = stdout.and_then(|()| stderr.map_or(Ok(()), |stderr| pass_on(1, stderr, to, still)));
        // Nobody would read what it prints.
        read.inspect_err(|_| running.stop())?;
        Ok(running)
    }
}

/// Which stream, and what came; nothing at its end.
type Piece = (usize, Zeroizing<Vec<u8>>);

/// Reads a stream on a thread of its own, which may outlive the program where another one holds it open. What is too long to
/// be of use is read all the same, as long as somebody listens, so that the program can go on.
fn pass_on(
    number: usize,
    mut stream: impl Read + Send + 'static,
    to: Sender<Piece>,
    heard: Weak<()>,
) -> io::Result<()> {
    let reading = thread::Builder::new().spawn(move || {
        let mut buffer = Zeroizing::new([0; 8 * 1024]);
        // One more tells that it was too long.
        let mut room = LONGEST_OUTPUT + 1;
        while heard.strong_count() > 0 {
            let length = stream.read(&mut *buffer).unwrap_or(0);
            let kept = length.min(room);
            room -= kept;
            let is_told = kept > 0 || length == 0;
            if is_told && to.send((number, Zeroizing::new(buffer[..kept].to_vec()))).is_err() || length == 0 {
                return;
            }
        }
    });
    reading.map(drop)
}

struct Running {
    child: Child,
    receiver: Receiver<Piece>,
    /// The end of all others is not the end of what is waited for.
    _sender: Sender<Piece>,
    /// Those who read stop when this is gone.
    _heard: Arc<()>,
    /// What came of stdout and of stderr.
    streams: [Zeroizing<Vec<u8>>; 2],
    /// How many of them have not ended.
    open: u8,
}

impl Running {
    /// Waits for its end and for what it prints.
    fn wait(&mut self, start: Moment) -> Result<ExitStatus, String> {
        let mut ended: Option<(ExitStatus, Moment)> = None;
        loop {
            self.hear();
            let now = clock::now();
            if self.streams[0].len() > LONGEST_OUTPUT {
                self.stop();
                return Err("prints more than a key".to_owned());
            }
            match ended {
                Some((status, at)) if self.open == 0 || at.until(now) > REST => return Ok(status),
                Some(_) => {}
                None if start.until(now) > PATIENCE => {
                    self.stop();
                    return Err(format!("did not end within {} s", PATIENCE.as_secs()));
                }
                None => {
                    let status = self.child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))?;
                    ended = status.map(|status| (status, now));
                }
            }
        }
    }

    /// Takes what comes within a moment.
    fn hear(&mut self) {
        match self.receiver.recv_timeout(LOOK) {
            Ok((_, piece)) if piece.is_empty() => self.open = self.open.saturating_sub(1),
            Ok((number, mut piece)) => {
                let stream = &mut self.streams[number];
                let mut whole = Zeroizing::new(Vec::with_capacity(stream.len() + piece.len()));
                whole.extend_from_slice(stream);
                whole.extend_from_slice(&piece);
                *stream = whole;
                piece.zeroize();
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    /// Ends it, gently first.
    fn stop(&mut self) {
        let asked = clock::now();
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process};
            // It may have ended just now.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            while asked.until(clock::now()) < GRACE {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                self.hear();
            }
        }
        let _ = (asked, self.child.kill(), self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, repeat};
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use super::{LONGEST_OUTPUT, pass_on};

    #[test]
    fn of_a_long_stream_the_beginning_is_kept_and_of_an_endless_one_nobody_reads_on() {
        let (heard, (sender, receiver)) = (Arc::new(()), channel());
        pass_on(1, repeat(b'x').take(1 << 26), sender, Arc::downgrade(&heard)).expect("a thread");
        assert_eq!(receiver.iter().map(|(_, piece)| piece.len()).sum::<usize>(), LONGEST_OUTPUT + 1);
        let (sender, receiver) = channel();
        pass_on(1, repeat(b'x'), sender, Arc::downgrade(&heard)).expect("a thread");
        drop(heard);
        assert!(receiver.iter().map(|(_, piece)| piece.len()).sum::<usize>() <= LONGEST_OUTPUT + 1);
    }
}
