//! How the app looks where no profile is configured yet.

use device_login::abilities::{Abilities, ColorChoice, Glyphs, QrAbilities, QrPalette};
use device_login::tui::keymap::Key;
use device_login::tui::message::Message;
use device_login::tui::update::update;

use super::panels::*;
use crate::support::screen::screen_text;

#[test]
fn the_four_ways_on_look_as_accepted() {
    assert_screens!("welcome", empty_model(), now());
}

#[test]
fn the_cursor_is_told_from_the_others_without_colors_and_without_utf_8() {
    let abilities = Abilities {
        color: ColorChoice::Never,
        glyphs: Glyphs::Ascii,
        locale_variable: "LANG",
        qr: QrAbilities { half_blocks: false, palette: QrPalette::Reverse },
    };
    let down = || {
        let mut model = model_with(abilities, &[]);
        update(&mut model, Message::Key(Key::Down), now());
        model
    };
    assert_screens!("welcome_plain", down(), now());
}

#[test]
fn each_way_has_its_key_at_every_size_with_room_for_keys() {
    for (columns, rows) in [(40, 12), (56, 14), (60, 40), (80, 16), (80, 24), (240, 67)] {
        let mut model = empty_model();
        resize(&mut model, columns, rows);
        let text = screen_text(&model, now());
        for part in ["p  Add a profile", "i  Import a token", "?  Help"] {
            assert!(text.contains(part), "{columns}x{rows} lacks {part}:\n{text}");
        }
        assert_eq!(text.contains("d  See a demo here"), cfg!(feature = "demo"), "{columns}x{rows}");
    }
}
