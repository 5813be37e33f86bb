//! `[screen]`: how the full screen looks, and what it takes from keyboard and mouse.
//!
//! The names of keys and commands are the screens' own and checked there.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The tables below `[screen.keys]`: the screens, and where else keys are given to commands. The screens hold theirs to it by a test.
pub const KEY_TABLES: [&str; 8] =
    ["sign-in", "profiles", "profile-form", "api", "welcome", "typing", "question", "everywhere"];

/// The same in words.
pub fn key_tables() -> String {
    KEY_TABLES.map(|table| format!("`{table}`")).join(", ")
}

/// What the person wants of the screens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ScreenSettings {
    /// What the terminal seems to need, if left out.
    pub theme: Option<ThemeName>,
    pub motion: Motion,
    /// Lists are moved with the mouse, except where text is to be selected.
    pub mouse: bool,
    /// Keys by the scope and the command that they are for.
    pub keys: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Default for ScreenSettings {
    fn default() -> Self {
        Self { theme: None, motion: Motion::default(), mouse: true, keys: BTreeMap::new() }
    }
}

/// A set of styles. All of them are made of the terminal's own colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ThemeName {
    /// Cyan and yellow, for dark backgrounds.
    #[default]
    Dark,
    /// Blue and magenta, for light backgrounds.
    Light,
    /// Nothing faint, and all states in reverse video.
    HighContrast,
    /// No colours.
    Plain,
}

impl ThemeName {
    pub const ALL: [ThemeName; 4] = [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast, ThemeName::Plain];

    /// The theme after this one, from the last to the first.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|name| *name == self).unwrap_or_default();
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

impl fmt::Display for ThemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::Plain => "plain",
        })
    }
}

/// How often a clock on the screen moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Motion {
    /// Each second.
    #[default]
    Full,
    /// Each minute, and at the last 30 and 10 seconds.
    Reduced,
}
