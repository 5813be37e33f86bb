//! What the commands that scripts run often may cost, in counts, which a busy machine does not change: as the difference to a
//! hello-world of the same compiler, linked as a development build is (`src/build.rs`). `cargo bench --bench program` measures a
//! release, and in time as well.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::program::{ACCESS_TOKEN, Home, configuration};

/// What each costs more than a hello-world where the tests have it: system calls, instructions. `UPDATE_COSTS=1` prints the figures of
/// today, which take the place of these where a change is worth its cost, or another compiler counts otherwise.
const KEPT: [(&[&str], u64, u64); 2] = [(&["--version"], 3, 84_200), (&["token"], 28, 1_260_000)];

/// The compiler of these figures, as `rustc --version` begins.
const COMPILER: &str = "rustc 1.95.0 ";

/// They may grow by so many percent, and at least by so many system calls and instructions, where there are few.
const SLACK: u64 = 5;
const LEAST: [u64; 2] = [2, 20_000];

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", feature = "demo", feature = "postgres")),
    ignore = "the figures are of another program"
)]
fn the_token_and_the_version_cost_no_more_than_they_did() {
    let is_updated = std::env::var_os("UPDATE_COSTS").is_some();
    let compiler = Command::new("rustc").arg("--version").output().expect("rustc is there");
    let compiler = String::from_utf8_lossy(&compiler.stdout);
    if !is_updated && !compiler.starts_with(COMPILER) {
        // Nobody's tests fail for a newer compiler.
        println!("not compared: the figures are those of {COMPILER}and this is {compiler}");
        return;
    }
    // At the same depth below the root everywhere.
    let home = Home::in_memory();
    home.configure(&configuration("http://127.0.0.1:9"));
    home.sign_in_at("http://127.0.0.1:9", |_| {});
    let program = Path::new(env!("CARGO_BIN_EXE_device-login"));
    let source = home.write("hello.rs", "fn main() { println!(\"hello\"); }\n");
    let hello = home.path("hello");
    let linked = ["-O", "-C", "link-arg=-no-pie", "-l", "static:-bundle=gcc_eh", "-o"];
    let built = Command::new("rustc").args(linked).args([&hello, &source]).status();
    assert!(built.is_ok_and(|status| status.success()), "rustc builds a hello-world");

    let least = (system_calls(&home, &hello, &[]), instructions(&home, &hello, &[]));
    for (arguments, calls, count) in KEPT {
        let own =
            (system_calls(&home, program, arguments) - least.0, instructions(&home, program, arguments) - least.1);
        if is_updated {
            println!("{arguments:?}: {own:?}");
            continue;
        }
        let most = [(calls, LEAST[0]), (count, LEAST[1])].map(|(kept, least)| kept + (kept * SLACK / 100).max(least));
        assert!(own.0 <= most[0], "{arguments:?}: {} system calls over a hello-world, where it had {calls}", own.0);
        assert!(own.1 <= most[1], "{arguments:?}: {} instructions over a hello-world, where it had {count}", own.1);
    }
}

/// Runs a program by a tool that counts, in the place of the test and nothing else of its environment.
fn by(tool: &[&str], home: &Home, program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(tool[0]);
    command.args(&tool[1..]).arg(program).args(arguments).env_clear().env("DEVICE_LOGIN_HOME", home.path(""));
    command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{} (Debian has it): {error}", tool[0]));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(arguments != ["token"] || said.trim() == ACCESS_TOKEN, "{output:?}");
    output
}

fn system_calls(home: &Home, program: &Path, arguments: &[&str]) -> u64 {
    let log = home.path("calls");
    by(&["strace", "-f", "-o", &log.display().to_string()], home, program, arguments);
    let log = fs::read_to_string(log).expect("strace has written it");
    assert!(!log.contains("socket("), "nobody is asked anything, not even where the home directory is: {log}");
    log.lines().filter(|line| line.contains('(')).count() as u64
}

fn instructions(home: &Home, program: &Path, arguments: &[&str]) -> u64 {
    let output = by(&["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"], home, program, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("callgrind has counted: {said}"))
}
