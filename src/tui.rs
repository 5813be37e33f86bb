//! The full screen.

pub mod text;
pub mod theme;
pub mod widgets;
