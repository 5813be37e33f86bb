//! How each screen looks in each state, at several sizes; and that no size and no key breaks any.

/// Draws a state at the three sizes and compares with what was accepted before.
macro_rules! assert_screens {
    ($name:literal, $model:expr, $now:expr) => {
        for (columns, rows) in crate::screens::SIZES {
            let mut model = $model;
            crate::screens::panels::resize(&mut model, columns, rows);
            insta::assert_snapshot!(
                format!("{}_{columns}x{rows}", $name),
                crate::support::screen::screen(&model, $now)
            );
        }
    };
}

mod anything;
mod api;
mod everywhere;
mod kiosk;
mod panels;
mod pictures;
mod profile_form;
mod profiles;
mod sign_in;
mod svg;
mod tour;
mod welcome;
mod words;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];

fn assert_no_control(text: &str) {
    let steers = |character: char| {
        character != '\n' && (character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{200b}'))
    };
    assert!(!text.chars().any(steers), "{text:?}");
}
