//! The pictures of `docs/pictures`, drawn from the buffers of real screens. `tests/draw-pictures` draws them anew.

use std::fs;
use std::io::Write;
use std::path::Path;

use device_login::config::ThemeName;
use device_login::tui::keymap::Key;
use device_login::tui::model::Model;
use device_login::tui::surroundings::Now;

use super::panels::*;
use super::svg::{DARK, LIGHT, film, svg};
use super::{kiosk, profile_form, sign_in, tour};
use crate::support::screen::draw;

/// One picture: its file, what is to be seen for those who cannot see it, the size of the screen, and what is on it when.
type Picture = (&'static str, &'static str, (u16, u16), fn() -> Model, Now);

fn pictures() -> Vec<Picture> {
    vec![
        (
            "sign-in",
            "The sign-in: address, code and QR code, the time left and when the server is asked next",
            (80, 24),
            sign_in::pending,
            sign_in::at(42),
        ),
        (
            "sign-in-large",
            "The sign-in on a large terminal, with a QR code of blanks only",
            (120, 40),
            sign_in::pending,
            sign_in::at(42),
        ),
        (
            "sign-in-small",
            "The sign-in on a small terminal, such as a phone's",
            (40, 12),
            sign_in::pending,
            sign_in::at(42),
        ),
        (
            "signed-in",
            "The end of a sign-in: who signed in, where, and for what",
            (80, 24),
            || sign_in::ended(Ok(sign_in::signed_in())),
            sign_in::at(42),
        ),
        (
            "welcome",
            "The welcome: add a profile, see a demo, import a token, or read the help",
            (80, 24),
            empty_model,
            now(),
        ),
        ("kiosk", "The kiosk: a large code and QR code", (120, 33), || kiosk::waiting().0, kiosk::at(42)),
        (
            "profiles",
            "The profiles with their tokens, and one of them in detail",
            (100, 30),
            || profiles_at("work"),
            now(),
        ),
        ("api", "The API panel with an answer", (100, 30), || answered(Ok(answer(200, ORGANIZATION, None))), now()),
        (
            "profile-form",
            "Adding a profile: the scopes, found by a word",
            (80, 24),
            profile_form::choosing_scopes,
            now(),
        ),
        ("commands", "The command palette", (80, 24), || typed(profiles_at("work"), ":tok"), now()),
        ("help", "The help", (80, 24), || typed(profiles_at("work"), "?"), now()),
    ]
}

fn typed(mut model: Model, keys: &str) -> Model {
    press(&mut model, &keys.chars().map(Key::Char).collect::<Vec<_>>());
    model
}

#[test]
fn the_pictures_show_what_the_screens_show() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let is_to_draw = std::env::var_os("UPDATE_DOCS").is_some();
    let mut drawn = Vec::new();
    for (name, title, (columns, rows), model, now) in pictures() {
        for (ending, theme, palette) in [("", ThemeName::Dark, &DARK), ("-light", ThemeName::Light, &LIGHT)] {
            let mut model = model();
            model.around.set_theme(theme);
            resize(&mut model, columns, rows);
            drawn.push((format!("{name}{ending}.svg"), svg(&draw(&model, now).0, title, palette)));
        }
    }
    for (name, theme, palette) in [("tour", ThemeName::Dark, &DARK), ("tour-light", ThemeName::Light, &LIGHT)] {
        drawn.push((format!("{name}.svg"), film(&tour::scenes(theme), tour::TITLE, palette)));
    }
    let mut expected = Vec::new();
    for (name, picture) in drawn {
        let file = folder.join(name);
        if is_to_draw {
            fs::create_dir_all(&folder).expect("the folder is made");
            let mut file = fs::File::create(&file).expect("the picture is made");
            file.write_all(picture.as_bytes()).expect("the picture is written");
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == picture, "{} is not what the screen shows: run tests/draw-pictures", file.display());
        expected.push(file);
    }
    let files = fs::read_dir(&folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let left_over: Vec<_> = files.filter(|file| !expected.contains(file)).collect();
    assert!(left_over.is_empty(), "nothing draws {left_over:?}");
}

#[test]
fn every_picture_is_shown_in_a_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents =
        fs::read_dir(root.join("docs")).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let documents = documents.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let texts: Vec<String> = documents
        .chain([root.join("README.md")])
        .map(|path| fs::read_to_string(path).expect("documents are readable"))
        .collect();
    for name in pictures().into_iter().map(|(name, ..)| name).chain(["tour"]) {
        assert!(texts.iter().any(|text| text.contains(&format!("pictures/{name}.svg"))), "{name}");
    }
}
