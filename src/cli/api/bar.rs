//! A line on stderr that shows how far a long call has come. It is drawn when something has moved, and at no other time.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use crate::cli::output::Output;
use crate::clock::{self, Moment};
use crate::http::progress::{Moved, Progress};
use crate::words;

/// Calls that are done sooner show nothing.
const FIRST: Duration = Duration::from_millis(500);
/// The shortest time between two pictures of it.
const PAUSE: Duration = Duration::from_millis(200);
/// Columns.
const WIDEST: usize = 30;
const NARROWEST: usize = 10;

pub(super) struct Bar<'a> {
    /// `None` where nobody would see it.
    output: Option<&'a Output>,
    progress: &'a Progress,
    started: Moment,
    is_drawn: Cell<bool>,
}

impl<'a> Bar<'a> {
    pub(super) fn new(output: Option<&'a Output>, progress: &'a Progress) -> Self {
        let output = output.filter(|output| output.can_redraw());
        Self { output, progress, started: clock::now(), is_drawn: Cell::new(false) }
    }

    /// Shows what moves while `future` runs.
    pub(super) async fn beside<T>(&self, future: impl Future<Output = T>) -> T {
        let Some(output) = self.output else { return future.await };
        tokio::select! {
            biased;
            result = future => result,
            never = self.draw(output) => match never {},
        }
    }

    /// Takes it away until something moves again.
    pub(super) fn clear(&self) {
        if let Some(output) = self.output.filter(|_| self.is_drawn.take()) {
            output.redraw("");
        }
    }

    async fn draw(&self, output: &Output) -> Infallible {
        let mut moved = self.progress.subscribe();
        // What moved before this began is drawn as well.
        moved.mark_changed();
        let mut next = self.started + FIRST;
        loop {
            if moved.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            clock::sleep_until(next).await;
            let state = *moved.borrow_and_update();
            output.redraw(&line(&state, clock::now() - self.started, output.columns()));
            self.is_drawn.set(true);
            next = clock::now() + PAUSE;
        }
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What is said after so much time, in fewer than so many columns.
fn line(moved: &Moved, took: Duration, columns: usize) -> String {
    let words = moved.in_words();
    if !moved.is_under_way() {
        return cut(words, columns);
    }
    let speed = u64::try_from(u128::from(moved.bytes()) * 1000 / took.as_millis().max(1)).unwrap_or(u64::MAX);
    let Some((bytes, whole)) = moved.share() else {
        return cut(format!("{words}, {}/s", words::bytes(speed)), columns);
    };
    let left = Duration::from_secs((whole - bytes) / speed.max(1));
    let text = format!("{words}, {}/s, {} left", words::bytes(speed), words::minutes_and_seconds(left));
    let room = columns.saturating_sub(text.len() + 4).min(WIDEST);
    if room < NARROWEST {
        return cut(text, columns);
    }
    let filled = usize::try_from(u128::from(bytes) * room as u128 / u128::from(whole)).unwrap_or(room);
    format!("{text} [{}{}]", "#".repeat(filled), "-".repeat(room - filled))
}

/// The last column stays free, or some terminals begin a new line.
fn cut(mut text: String, columns: usize) -> String {
    text.truncate(columns.saturating_sub(1));
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::line;
    use crate::http::progress::Moved;

    #[test]
    fn the_line_says_what_moved_and_fits() {
        let sent = Moved { sent: 41_000_000, to_send: Some(100_000_000), ..Moved::default() };
        let all = Moved { sent: 100_000_000, ..sent };
        let received = Moved { received: 1_500, to_receive: Some(3_000), has_answer: true, ..all };
        let open = Moved { to_receive: None, ..received };
        for (moved, columns, expected) in [
            (sent, 80, "Sent 41.0 MB of 100.0 MB, 41 %, 4.1 MB/s, 0:14 left [##########---------------]"),
            (sent, 60, "Sent 41.0 MB of 100.0 MB, 41 %, 4.1 MB/s, 0:14 left"),
            (sent, 20, "Sent 41.0 MB of 100"),
            (all, 80, "Sent 100.0 MB, waiting for the answer"),
            (received, 60, "Received 1.5 kB of 3.0 kB, 50 %, 150 B/s, 0:10 left"),
            (open, 80, "Received 1.5 kB, 150 B/s"),
            (Moved::default(), 80, "Waiting for the answer"),
            (sent, 0, ""),
        ] {
            let text = line(&moved, Duration::from_secs(10), columns);
            assert_eq!(text, expected, "{columns}");
            assert!(text.len() < columns.max(1));
        }
    }
}
