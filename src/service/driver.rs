//! Runs a flow of `oauth` against the real clock and network. The only sleep in the protocol is here.

use crate::clock::{self, Moment};
use crate::http::client::Client;
use crate::http::{Response, TransportFailure};
use crate::oauth::Step;
use crate::oauth::device::{self, DeviceFlow};
use crate::oauth::refresh::{self, RefreshFlow};

/// What the device flow and the refresh have in common.
pub(super) trait Flow {
    type Outcome;

    fn poll(&mut self, now: Moment) -> Step<Self::Outcome>;
    fn handle(&mut self, now: Moment, reply: Result<Response, TransportFailure>);
}

impl Flow for DeviceFlow {
    type Outcome = device::Outcome;

    fn poll(&mut self, now: Moment) -> Step<Self::Outcome> {
        self.poll(now)
    }

    fn handle(&mut self, now: Moment, reply: Result<Response, TransportFailure>) {
        self.handle(now, reply);
    }
}

impl Flow for RefreshFlow {
    type Outcome = refresh::Outcome;

    fn poll(&mut self, now: Moment) -> Step<Self::Outcome> {
        self.poll(now)
    }

    fn handle(&mut self, now: Moment, reply: Result<Response, TransportFailure>) {
        self.handle(now, reply);
    }
}

/// Runs `flow` to its end; `observe` is called after each step.
///
/// Dropping the future ends the flow: nothing is sent after that.
pub(super) async fn drive<F: Flow>(client: &Client, flow: &mut F, mut observe: impl FnMut(&mut F)) -> F::Outcome {
    loop {
        match flow.poll(clock::now()) {
            Step::Send(request) => {
                let reply = client.send(request).await;
                flow.handle(clock::now(), reply);
            }
            Step::Wait(until) => tokio::time::sleep(until - clock::now()).await,
            Step::AwaitReply => unreachable!("every request is answered before the next step"),
            Step::Done(outcome) => return outcome,
        }
        observe(flow);
    }
}
