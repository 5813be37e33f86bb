//! What needs no process and no time: flows and screens as data, in virtual time.

mod advice;
mod docs;
mod flows;
mod hostile;
mod kiosk;
mod qr;
mod screens;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;
