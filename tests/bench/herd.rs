//! Many processes and one sign-in at a provider that takes each refresh token once: `cargo bench --bench herd`.
//!
//! Prints counts, and how long who waits behind a stopped process waits. Some minutes.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;

#[cfg(target_os = "linux")]
fn main() {
    use std::time::Duration;

    use device_login::clock;
    use support::herd::{Herd, Tally};
    use support::program::Home;

    // Processes, rounds, how many holders are killed in each.
    for (processes, rounds, kills) in [(64, 200, 0), (500, 5, 0), (64, 50, 3)] {
        let mut herd = Herd::new(Home::new(), Duration::from_millis(2));
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
    let mut herd = Herd::new(Home::new(), Duration::ZERO);
    let mut waited = herd.waits_behind_a_stopped_holder(16);
    waited.sort();
    let [first, last] = [waited.first(), waited.last()].map(|time| time.map_or(0.0, Duration::as_secs_f64));
    println!(
        "a stopped holder: {} waiters gave up after {first:.1} to {last:.1} s; it then kept its answer",
        waited.len()
    );
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("measured on Linux");
}
