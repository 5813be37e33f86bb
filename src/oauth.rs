//! The OAuth protocols, sans-IO.

pub mod qr;
