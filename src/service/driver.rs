//! Runs requests for tokens against the real clock and network.

use crate::clock::{self, Moment};
use crate::http::client::Client;
use crate::http::{Request, TransportFailure};
use crate::oauth::Step;
use crate::oauth::token::{Outcome, TokenFlow};

/// Runs a request to the token endpoint to its end. After `may_send_until` nothing is sent any more.
pub(super) async fn token(client: &Client, flow: &mut TokenFlow, may_send_until: Option<Moment>) -> Outcome {
    loop {
        match flow.poll(clock::now()) {
            Step::Send(request) => {
                let reply = client.send(Request { send_until: may_send_until, ..request }).await;
                flow.handle(clock::now(), reply);
            }
            Step::Wait(until) => clock::sleep_until(until).await,
            // Whoever sent the last request has stopped waiting for its answer.
            Step::AwaitReply => {
                flow.handle(clock::now(), Err(TransportFailure::Closed("the token endpoint".to_owned())));
            }
            Step::Done(outcome) => return outcome,
        }
    }
}
