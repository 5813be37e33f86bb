//! Real browsers and other people's authorization servers. `tests/run` installs what they need.

#[cfg(feature = "demo")]
mod browser;
#[cfg(target_os = "linux")]
mod cluster;
#[cfg(target_os = "linux")]
mod postgres;
#[cfg(target_os = "linux")]
mod recipes;
#[cfg(target_os = "linux")]
mod store;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;
mod third_party;
