//! Holders that stand still for longer than their lease, in real time.

use std::thread;
use std::time::Duration;

use device_login::clock;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::cluster::holders::halted_at;
use crate::support::cluster::{Lab, StartProvider, is_sound};
use crate::support::fleet::Provider;
use crate::support::postgres::Postgres;
use crate::support::program::ran;

/// How long a lease runs, and a little.
const LEASE: Duration = Duration::from_secs(65);

/// Lets the holder stand still for longer than its lease at each message, while the other machine wants a token all the
/// time: it gets one if nothing was sent, and the holder sends nothing when it wakes. All at once, since it takes a minute.
pub(crate) fn outlive_leases(provider: StartProvider, step: usize) -> String {
    let server = Postgres::listening("max_connections = 400\n", None);
    let messages = {
        let mut lab = Lab::new(&server, provider());
        lab.end_token();
        lab.wires[0].open();
        lab.recovers("undisturbed");
        lab.wires[0].passed().messages
    };
    let messages: Vec<usize> = (1..=messages).step_by(step).collect();
    let taken_over = thread::scope(|scope| {
        let proofs: Vec<_> = messages
            .iter()
            .map(|message| {
                scope.spawn({
                    let server = &server;
                    move || outlive_lease(server, provider(), *message)
                })
            })
            .collect();
        proofs.into_iter().map(|proof| proof.join().expect("it holds")).filter(|taken_over| *taken_over).count()
    });
    format!(
        "stood still at {} messages, {taken_over} taken over by the other machine, 0 presented twice, 0 lost",
        messages.len()
    )
}

/// Tells whether the other machine had a token before the holder went on.
fn outlive_lease(server: &Postgres, provider: Provider, message: usize) -> bool {
    let mut lab = Lab::new(server, provider);
    lab.end_token();
    let Ok(holder) = halted_at(&lab, message) else { return false };
    let signal = |signal| kill_process(Pid::from_child(&holder), signal).expect("it is a child");
    signal(Signal::STOP);
    lab.wires[0].open();
    let until = clock::now() + LEASE;
    let mut is_taken_over = false;
    while clock::now() < until && !is_taken_over {
        let asked = clock::now();
        let ran = lab.fleet.run(1, &["token"]);
        is_taken_over = ran.code == 0;
        let waited = (clock::now() - asked).as_secs();
        assert!(is_taken_over || (ran.code == 9 && (29..33).contains(&waited)), "after {waited} s: {ran:?}");
    }
    lab.wires[1].wait_for_statements(usize::MAX, || clock::now() >= until);
    signal(Signal::CONT);
    let what = format!("stood still at message {message}");
    is_sound(&ran(holder), &what);
    lab.recovers(&what);
    is_taken_over
}
