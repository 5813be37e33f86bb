//! Many machines on one PostgreSQL, in full: `cargo bench --bench cluster`, `-- herds` for a part of it, `-- cuts 16` for
//! each sixteenth place or round of it, `-- servers oidc-provider` at one of the providers only.
//!
//! Prints a line for each proof, and fails where one does; the tests of `tests/servers/cluster` play the same with smaller
//! numbers. `-- capacity` measures what one server carries. Needs what `tests/run` installs.

#![cfg_attr(target_os = "linux", expect(clippy::print_stdout, reason = "a benchmark prints"))]

#[cfg(target_os = "linux")]
#[path = "cluster/capacity.rs"]
mod capacity;
#[cfg(target_os = "linux")]
#[path = "cluster/leases.rs"]
mod leases;
#[cfg(target_os = "linux")]
#[path = "cluster/parts.rs"]
mod parts;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;

fn main() {
    #[cfg(target_os = "linux")]
    parts::run();
}
