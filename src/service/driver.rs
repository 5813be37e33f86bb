//! Runs requests for tokens against the real clock and network, and waits for all flows of `oauth`: the only sleep in the
//! protocol is here.

use std::time::Duration;

use crate::clock::{self, Moment};
use crate::http::client::Client;
use crate::oauth::Step;
use crate::oauth::token::{Outcome, TokenFlow};

/// How long a poll can be late after the machine was suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Runs a request to the token endpoint to its end.
pub(super) async fn token(client: &Client, flow: &mut TokenFlow) -> Outcome {
    loop {
        match flow.poll(clock::now()) {
            Step::Send(request) => {
                let reply = client.send(request).await;
                flow.handle(clock::now(), reply);
            }
            Step::Wait(until) => wait(until).await,
            Step::AwaitReply => unreachable!("every request is answered before the next step"),
            Step::Done(outcome) => return outcome,
        }
    }
}

/// Waits for the moment that a flow has named.
///
/// The runtime's timers stand still while the machine is suspended, the boot clock does not, so it is looked at again
/// and again: a poll that fell due in the meantime comes as soon as the machine is back.
pub(super) async fn wait(until: Moment) {
    wait_by(clock::now, until).await;
}

async fn wait_by(now: impl Fn() -> Moment, until: Moment) {
    loop {
        let left = until - now();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::{Moment, wait_by};

    #[test]
    fn a_wait_ends_soon_after_the_machine_was_suspended() {
        let moment = |seconds| Moment::at(Duration::from_secs(seconds));
        let looks = Cell::new(0);
        // An hour passes between the first look at the clock and the second, while the runtime's timer counts a second.
        let now = || {
            looks.set(looks.get() + 1);
            if looks.get() == 1 { moment(100) } else { moment(3_700) }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(wait_by(now, moment(3_600)));
        assert_eq!(looks.get(), 2);
    }
}
