//! Connections that end at every message and byte of a refresh, and a database that is away from there on.

use std::thread;

use super::{Lab, is_sound, rotating};
use crate::support::postgres::Postgres;
use crate::support::wire::{At, Fault};

/// More than there are cores, since each waits for its processes most of the time.
const LABS: usize = 4;

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
        // A token that was kept here, since the database was away, is known elsewhere once this machine asks again.
        if ran.code == 0 && fault != Fault::Gone {
            lab.has_spread(1, &ran, &what);
        } else {
            lab.recovers(&what);
        }
        if !has_happened {
            break;
        }
        count += 1;
        without += usize::from(ran.code != 0);
    }
    (count, without)
}

/// Every so many messages, then every so many bytes in both directions; several labs share the places.
pub(crate) fn survive_everywhere(fault: Fault, messages: usize, bytes: usize) -> String {
    let in_turns = |first: usize, step: usize, at: fn(usize) -> At| {
        let in_turn = |lab: usize| {
            let places = (first + lab * step..).step_by(LABS * step).map(at);
            survive(&mut Lab::new(Postgres::shared(), rotating()), places, fault)
        };
        thread::scope(|scope| {
            let running: Vec<_> = (0..LABS).map(|lab| scope.spawn(move || in_turn(lab))).collect();
            let ended = running.into_iter().map(|lab| lab.join().expect("it holds"));
            ended.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
        })
    };
    let at_messages = in_turns(1, messages, At::Message);
    let forth = in_turns(0, bytes, At::ToServer);
    let back = in_turns(0, bytes, At::ToClient);
    let without = at_messages.1 + forth.1 + back.1;
    let (at_messages, at_bytes) = (at_messages.0, forth.0 + back.0);
    assert!(at_messages > 5, "{at_messages}");
    format!(
        "{fault:?} at {at_messages} messages and {at_bytes} bytes: {without} times without a token, 0 sign-ins lost"
    )
}
