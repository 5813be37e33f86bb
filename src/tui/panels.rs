//! The panels. Each file holds one panel's state, what changes it, and how it looks.

pub mod api;
pub mod help;
pub mod kiosk;
mod lines;
pub mod profiles;
pub mod sign_in;
