//! What hostile servers cannot reach: the terminal, other hosts, the token, the eyes of the person who approves.

#![cfg(unix)]

#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../support/authority.rs"]
mod authority;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../support/camera.rs"]
mod camera;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../support/hostile.rs"]
mod hostile;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../support/program.rs"]
mod program;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../support/screen.rs"]
mod screen;

mod answers;
mod look_alikes;
mod origins;
mod screens;
mod watch;
