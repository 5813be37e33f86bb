//! The panels, one folder each. A panel's file holds its state and what changes it; how it looks is in the `view` below it.

pub mod api;
pub mod profile_form;
pub mod profiles;
pub mod sign_in;
pub mod welcome;
