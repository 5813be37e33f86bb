//! What is lost by faults: `cargo bench --bench faults`, `-- calls`, `-- power`, `-- disk`, `-- herds`, `-- kills` or `-- stop`
//! for a part.
//!
//! `calls`: each call of seven commands on a file fails in every way, or is the last one. `refresh`, `copy` and so on are one
//! command of these, and `copy 3/8` the third of eight shares of it. `power`: every state that a loss of
//! power may leave. `disk`: a disk that gets full while the answer is out, a thousand times. `herds`,
//! `kills`, `stop`: many processes and one sign-in at a provider that takes each refresh token once. Ends with a panic where something
//! is lost; needs `strace`, and for `disk` the right to mount. Some minutes, of `calls` half an hour.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use device_login::clock;

#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;

#[cfg(target_os = "linux")]
fn main() {
    use support::faults::Extent;
    use support::{matrix, power, small_disk};

    let (shares, wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).partition(|word| word.contains('/'));
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    let extent = shares.first().map_or(Extent::Whole, |share| share_of(share).expect("a share such as 3/8"));
    println!("calls on files, each a kill and every error, once and from then on");
    for (word, command) in matrix::COMMANDS.into_iter().filter(|(word, _)| wants("calls") || wants(word)) {
        let matrix::Tally { points, faults, struck, killed_between } = matrix::survive(command, extent);
        println!(
            "  {word}: {points} calls, {faults} faults, {struck} took place; lost: 0; presented twice: 0; killed between \
             request and kept answer: {killed_between}"
        );
    }
    if wants("power") {
        println!("power lost");
        for keeping in power::ALL {
            let recorded = power::record(keeping);
            let tally = recorded.survives(&recorded.operations, Extent::Whole);
            let power::Tally { operations, states, opened, lost, gone, forgotten } = tally;
            println!(
                "  {keeping:?}: {operations} operations, {states} states, {opened} opened by the program; lost: {lost}; \
                 acknowledged but gone: {gone}; requests forgotten: {forgotten}"
            );
        }
    }
    if wants("disk") {
        match small_disk::refresh_in_vain(1000) {
            None => println!("disk full: not measured, this user may not mount"),
            Some(small_disk::Tally { runs, kept, refused, asked_without_room }) => println!(
                "disk full between reserving and keeping\n  {runs} refreshes, {kept} kept; then {refused} of {} refused \
                 before anything was sent, {asked_without_room} requests without room",
                runs.div_ceil(10)
            ),
        }
    }
    // Processes, ends of a token, how many holders are killed at each.
    for (processes, rounds, kills) in [(64, 200, 0), (500, 5, 0), (16, 100, 3)] {
        if wants(if kills > 0 { "kills" } else { "herds" }) {
            herd(processes, rounds, kills);
        }
    }
    if wants("stop") {
        stop();
    }
}

#[cfg(target_os = "linux")]
fn share_of(share: &str) -> Option<support::faults::Extent> {
    let (number, of) = share.split_once('/')?;
    let (number, of): (usize, usize) = (number.parse().ok()?, of.parse().ok()?);
    (1..=of).contains(&number).then(|| support::faults::Extent::Share(number - 1, of))
}

#[cfg(target_os = "linux")]
fn herd(processes: usize, rounds: usize, kills: usize) {
    use support::herd::{Herd, Tally};

    let mut herd = Herd::new(support::program::Home::new(), Duration::from_millis(20));
    let started = clock::now();
    let tally = herd.run(processes, rounds, kills);
    let Tally { refreshes, answered, failed, killed, killed_between, presented_twice, .. } = tally;
    println!(
        "{processes} processes x {rounds} ends of a token: {refreshes} refreshes, {answered} answered, {failed} failed, \
         {killed} killed, {killed_between} sign-ins ended by a kill between request and kept answer, {presented_twice} \
         tokens presented twice, {:.0} s",
        started.until(clock::now()).as_secs_f64()
    );
}

#[cfg(target_os = "linux")]
fn stop() {
    let mut herd = support::herd::Herd::new(support::program::Home::new(), Duration::ZERO);
    let mut times = herd.waits_behind_a_stopped_holder(16);
    times.sort();
    let [first, last] = [times.first(), times.last()].map(|time| time.map_or(0.0, Duration::as_secs_f64));
    println!(
        "a stopped holder: {} waiters gave up after {first:.1} to {last:.1} s; it then kept its answer",
        times.len()
    );
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("needs strace, which Linux has");
}
