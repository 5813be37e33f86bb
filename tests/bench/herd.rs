//! Many processes and one sign-in at a provider that takes each refresh token once: `cargo bench --bench herd`, `-- herds`,
//! `-- kills` or `-- stop` for a part.
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

    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    // Processes, rounds, how many holders are killed in each.
    for (processes, rounds, kills) in [(64, 200, 0), (500, 5, 0), (16, 100, 3)] {
        if !wants(if kills > 0 { "kills" } else { "herds" }) {
            continue;
        }
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
    if !wants("stop") {
        return;
    }
    let mut herd = Herd::new(Home::new(), Duration::ZERO);
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
    println!("measured on Linux");
}
