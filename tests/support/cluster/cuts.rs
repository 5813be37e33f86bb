//! Connections that end at every message and byte of a refresh, and a database that is away from there on.

use std::fmt;
use std::thread;

use super::{Lab, StartProvider, is_sound};
use crate::support::postgres::Postgres;
use crate::support::wire::{At, Fault};

/// Lets `fault` happen at each place in turn, until a refresh ends without coming there. Returns how many places there were,
/// and at how many the process itself had no token.
pub(crate) fn survive(lab: &mut Lab<'_>, places: impl Iterator<Item = At>, fault: Fault) -> (usize, usize) {
    let (mut count, mut without) = (0, 0);
    for at in places {
        lab.end_token();
        let wire = &lab.wires[0];
        wire.set(at, fault);
        let ran = lab.fleet.run(0, &["token"]);
        let has_happened = wire.has_happened();
        wire.open();
        let what = format!("{fault:?} at {at:?}: {ran:?}");
        is_sound(&ran, &what);
        count += usize::from(has_happened);
        without += usize::from(ran.code != 0);
        // A token that was kept here, since the database was away, is known elsewhere once this machine asks again.
        let is_stored = ran.code == 0 && ran.stderr.is_empty();
        let next = if is_stored { ran } else { lab.fleet.run(0, &["token"]) };
        lab.is_stored(&next, &what);
        if !has_happened {
            break;
        }
    }
    (count, without)
}

/// At which places the connection ends, and in how many labs that share them.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    /// Every so many messages, then every so many bytes in both directions.
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    /// More than there are cores, since each waits for its processes most of the time.
    pub(crate) labs: usize,
}

/// What became of processes whose connection ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Survived {
    fault: Fault,
    messages: usize,
    bytes_to_server: usize,
    bytes_to_client: usize,
    /// Processes that had no token themselves, nor lost one.
    pub(crate) without: usize,
}

impl fmt::Display for Survived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, messages, bytes_to_server, bytes_to_client, without } = self;
        write!(
            f,
            "{fault:?} at {messages} messages, {bytes_to_server} bytes to the server and {bytes_to_client} to the "
        )?;
        write!(f, "client: {without} times without a token, 0 sign-ins lost")
    }
}

/// Has all labs go through their places, and adds up what they came to.
pub(crate) fn survive_everywhere(provider: StartProvider, fault: Fault, places: Places) -> Survived {
    let Places { messages, bytes, labs } = places;
    let in_turn = |lab: usize| {
        let mut here = Lab::new(Postgres::shared(), provider());
        let places = |first: usize, step: usize| (first + lab * step..).step_by(labs * step);
        [
            survive(&mut here, places(1, messages).map(At::Message), fault),
            survive(&mut here, places(0, bytes).map(At::ToServer), fault),
            survive(&mut here, places(0, bytes).map(At::ToClient), fault),
        ]
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..labs).map(|lab| scope.spawn(move || in_turn(lab))).collect();
        running.into_iter().map(|lab| lab.join().expect("it holds")).collect()
    });
    let [messages, bytes_to_server, bytes_to_client] =
        [0, 1, 2].map(|kind| ended.iter().map(|places| places[kind].0).sum::<usize>());
    assert!(messages > 0, "there are some");
    let without = ended.iter().flatten().map(|(_, without)| without).sum();
    Survived { fault, messages, bytes_to_server, bytes_to_client, without }
}
