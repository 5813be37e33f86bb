//! Processes that die or stand still while they hold the right to refresh.

use std::process::Child;
use std::thread;
use std::time::Duration;

use device_login::clock;
use rustix::process::{Pid, Signal, kill_process};

use super::{Lab, end_leases, rotating};
use crate::support::postgres::Postgres;
use crate::support::program::{Ran, ran};
use crate::support::wire::{At, Fault};

/// More than a refresh exchanges.
const MOST_MESSAGES: usize = 110;

/// Starts a refresh and stops what it says to the database at a message. `None` where it ended before that.
pub(crate) fn halted_at(lab: &Lab<'_>, message: usize) -> Result<Child, Ran> {
    lab.wires[0].set(At::Message(message), Fault::Silent);
    let mut holder = lab.fleet.spawn(0, &["token"]);
    let is_there = lab.wires[0].wait(|| holder.try_wait().expect("it is a child").is_some());
    if is_there { Ok(holder) } else { Err(ran(holder)) }
}

pub(crate) fn kill(mut holder: Child) {
    holder.kill().expect("it is a child");
    holder.wait().expect("it is a child");
}

/// What the next process makes of a sign-in whose holder was killed. It is lost where a strict provider had answered already:
/// then the old refresh token is tried once, and nobody asks again.
#[track_caller]
pub(crate) fn is_lost(lab: &Lab<'_>, next: &Ran, what: &str) -> bool {
    let counts = lab.fleet.provider.counts();
    if next.code == 0 {
        assert_eq!(counts.presented_twice, lab.before.presented_twice, "{what}: {next:?}");
        return false;
    }
    next.failed(4, &[]);
    assert_eq!(counts.presented_twice, lab.before.presented_twice + 1, "{what}: {next:?}");
    assert_eq!([0, 1].map(|machine| lab.fleet.run(machine, &["token"]).code), [4, 4], "{what}");
    assert_eq!(lab.fleet.provider.counts(), counts, "{what}: nobody asks once it is known");
    lab.fleet.sign_in();
    true
}

/// Kills the holder at every `step`th message that it exchanges with the database. Its own machine goes on at once, and what
/// the holder had still to say is lost; or that arrives, and the other machine goes on when the lease is over. Returns how
/// often, and how many sign-ins that cost.
pub(crate) fn kill_everywhere(lab: &mut Lab<'_>, step: usize, successor: usize) -> (usize, usize) {
    let (mut count, mut lost) = (0, 0);
    for message in (1..).step_by(step) {
        lab.end_token();
        let Ok(holder) = halted_at(lab, message) else { break };
        kill(holder);
        let was_asked = lab.fleet.provider.counts().asked > lab.before.asked;
        if successor == 0 {
            lab.wires[0].now(Fault::Cut);
            lab.wires[0].open();
        } else {
            lab.wires[0].open();
            lab.database.wait_until_alone();
            end_leases(&lab.database);
        }
        let next = lab.fleet.run(successor, &["token"]);
        let what = format!("killed at message {message}, machine {successor} goes on");
        if was_asked && is_lost(lab, &next, &what) {
            lost += 1;
        } else {
            lab.recovers_on([successor, successor + 1], &what);
        }
        count += 1;
    }
    lab.wires[0].open();
    (count, lost)
}

/// Lets the holder stand still at every `step`th message while a process on the other machine wants a token, too.
pub(crate) fn stop_everywhere(lab: &mut Lab<'_>, step: usize) -> usize {
    let mut count = 0;
    for message in (1..).step_by(step) {
        lab.end_token();
        let holder = match halted_at(lab, message) {
            Ok(holder) => holder,
            Err(ended) => {
                assert_eq!(ended.code, 0, "{ended:?}");
                return count;
            }
        };
        let signal = |signal| kill_process(Pid::from_child(&holder), signal).expect("it is a child");
        signal(Signal::STOP);
        lab.wires[0].open();
        lab.wires[1].open();
        let mut waiter = lab.fleet.spawn(1, &["token"]);
        // It has its token, or has found that somebody else is about to get one and asked for that anew.
        lab.wires[1].wait_for_statements(7, || waiter.try_wait().expect("it is a child").is_some());
        signal(Signal::CONT);
        let what = format!("stopped at message {message}");
        for ran in [ran(holder), ran(waiter)] {
            assert_eq!(ran.code, 0, "{what}: {ran:?}");
        }
        lab.recovers(&what);
        count += 1;
    }
    count
}

/// Lets a holder stand still for so long at every `step`th message, all of them at once: what it waited for lies there when it
/// wakes. Returns how many there were.
pub(crate) fn stand_still_everywhere(server: &Postgres, time: Duration, step: usize) -> usize {
    let stand_still = |message: usize| {
        let mut lab = Lab::new(server, rotating());
        lab.end_token();
        let Ok(holder) = halted_at(&lab, message) else { return false };
        let signal = |signal| kill_process(Pid::from_child(&holder), signal).expect("it is a child");
        signal(Signal::STOP);
        lab.wires[0].open();
        let until = clock::now() + time;
        lab.wires[0].wait_for_statements(usize::MAX, || clock::now() >= until);
        signal(Signal::CONT);
        let (ran, what) = (ran(holder), format!("stood still for {time:?} at message {message}"));
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        lab.recovers(&what);
        true
    };
    thread::scope(|scope| {
        let messages = (1..=MOST_MESSAGES).step_by(step);
        let running: Vec<_> = messages.map(|message| scope.spawn(move || stand_still(message))).collect();
        running.into_iter().map(|one| one.join().expect("it holds")).filter(|held| *held).count()
    })
}
