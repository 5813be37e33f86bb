//! Waits on the boot clock, which goes on while the machine is suspended. The runtime's own timers stand still then, and
//! wake the process twice for most waits.

use std::time::Duration;

use super::{Moment, now};

/// How late a wait may end after the machine was suspended, where nothing counts the time meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Long enough to read what lies there already.
const LAST_LOOK: Duration = Duration::from_millis(250);

/// Waits for `future` within a limit. What lies there at its end still counts: a process that was stopped wakes when its
/// time is over, and finds an answer that may be given only once.
pub async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match tokio::time::timeout(limit, &mut future).await {
        Ok(result) => Some(result),
        Err(_) => tokio::time::timeout(LAST_LOOK, future).await.ok(),
    }
}

/// Waits until the moment has come; at once where it has passed. A wait that a suspend outlasts ends when the machine is
/// back.
pub async fn sleep_until(until: Moment) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if until > now() && kernel::sleep_until(until).await.is_ok() {
        return;
    }
    sleep_by(now, until).await;
}

/// The same for a thread that has nothing else to do.
pub fn block_until(until: Moment) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if until > now() && kernel::block_until(until).is_ok() {
        return;
    }
    loop {
        let left = until - now();
        if left.is_zero() {
            return;
        }
        wait(left.min(LONGEST_SLEEP));
    }
}

#[expect(clippy::disallowed_methods, reason = "this module owns the clocks")]
fn wait(duration: Duration) {
    std::thread::sleep(duration);
}

/// Looks at the clock again and again.
async fn sleep_by(now: impl Fn() -> Moment, until: Moment) {
    loop {
        let left = until - now();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod kernel {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::Moment;

    /// Waits by a timer of the kernel on the boot clock (`timerfd_create(2)`).
    pub(super) async fn sleep_until(until: Moment) -> io::Result<()> {
        let timer = timer(until, TimerfdFlags::NONBLOCK)?;
        #[expect(deprecated, reason = "sound for a descriptor that is owned; what takes its place is unsafe to call")]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        timer.readable().await.map(drop)
    }

    pub(super) fn block_until(until: Moment) -> io::Result<()> {
        let timer = timer(until, TimerfdFlags::empty())?;
        // How often it has rung.
        let mut rings = [0; 8];
        rustix::io::retry_on_intr(|| rustix::io::read(&timer, &mut rings))?;
        Ok(())
    }

    fn timer(until: Moment, flags: TimerfdFlags) -> io::Result<OwnedFd> {
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | flags)?;
        let end = Timespec::try_from(until.0).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let once = Itimerspec { it_interval: Timespec::default(), it_value: end };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::{Moment, block_until, now, sleep_by, sleep_until, within};

    #[tokio::test(start_paused = true)]
    async fn what_lies_there_when_the_time_is_over_is_taken() {
        let there = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            7
        };
        assert_eq!(within(Duration::ZERO, there).await, Some(7));
        assert_eq!(within(Duration::ZERO, std::future::pending::<()>()).await, None);
    }

    fn block_on(future: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future);
    }

    #[test]
    fn a_wait_ends_soon_after_the_machine_was_suspended() {
        let moment = |seconds| Moment::at(Duration::from_secs(seconds));
        let looks = Cell::new(0);
        // An hour passes between the first look at the clock and the second, while the runtime's timer counts a second.
        let now = || {
            looks.set(looks.get() + 1);
            if looks.get() == 1 { moment(100) } else { moment(3_700) }
        };
        block_on(sleep_by(now, moment(3_600)));
        assert_eq!(looks.get(), 2);
    }

    #[test]
    fn a_wait_ends_when_its_moment_has_come_and_not_before() {
        for wait in [|end| block_on(sleep_until(end)), block_until] {
            let end = now() + Duration::from_millis(20);
            wait(end);
            assert!(now() >= end);
            wait(Moment::at(Duration::ZERO));
        }
    }
}
