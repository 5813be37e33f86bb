//! Who has the mouse.
//!
//! The terminal gives the mouse away only where nobody wants to select text with it: never on a sign-in, never beside a
//! token that is shown, never when the person wants it so.

use super::model::Model;
use super::overlay::Overlay;
use super::surroundings::Mouse;

/// Tells whether the app is to have the mouse.
pub fn is_wanted(model: &Model) -> bool {
    model.around.mouse == Mouse::App
        && model.top.wants_mouse()
        && !matches!(model.around.overlay, Some(Overlay::Confirm { .. } | Overlay::Sent(_) | Overlay::SaveAs(_)))
}
