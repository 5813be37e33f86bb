//! Signs a machine without a browser in to Zoho, or to any other provider that speaks RFC 8628, keeps its tokens safe
//! and fresh, and lets people and scripts use them.
//!
//! Dependencies point one way:
//!
//! ```text
//! main → cli, tui → service → oauth, api, storage, http, providers
//! ```
//!
//! `oauth` is sans-IO: it knows no runtime, no sockets, no terminal and no clock. `tui` does not know `cli`, and of `cli` only
//! the commands that open the screens and the demo know `tui`; what both need lives in `service`. `docs/architecture.md` tells the rest.
//!
//! This library exists for the binary and its tests. It is not a stable interface.

pub mod abilities;
pub mod api;
mod aside;
pub mod child;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod error;
pub mod files;
mod host;
pub mod http;
pub mod json;
mod mutex;
pub mod near;
pub mod oauth;
mod process;
pub mod profile;
pub mod providers;
pub mod qr;
pub mod random;
pub mod registered;
pub mod secret;
pub mod service;
mod shell;
pub mod signals;
pub mod sorted;
pub mod storage;
pub mod supervisor;
pub mod tables;
pub mod tui;
pub mod untrusted;
pub mod words;
