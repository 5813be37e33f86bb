//! Runs a flow of `oauth` against the real clock and network. The only sleep in the protocol is here.

use crate::clock::{self, Moment};
use crate::http::client::Client;
use crate::oauth::Step;
use crate::oauth::refresh::{Outcome, RefreshFlow};

/// Runs a refresh to its end.
pub(super) async fn refresh(client: &Client, mut flow: RefreshFlow) -> Outcome {
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
pub(super) async fn wait(until: Moment) {
    tokio::time::sleep(until - clock::now()).await;
}
