//! Drawing without the app: each widget borrows what it shows and knows no model, no effect and no configuration.
//!
//! None of them panics on any area, and none draws outside the buffer.

pub mod big_text;
pub mod field;
pub mod gauge;
pub mod json_view;
pub mod list;
pub mod qr;
