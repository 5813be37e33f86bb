//! The program on real terminals.

#![cfg(all(unix, feature = "demo"))]

mod bodies;
mod colours;
mod completions;
mod exec;
mod journeys;
mod kiosk;
mod prompts;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;
