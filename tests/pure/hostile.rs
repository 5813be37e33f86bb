//! What hostile servers cannot reach: the terminal, other hosts, the token, the eyes of the person who approves.

mod look_alikes;
mod origins;
mod screens;

use crate::support::watch::{changes, plain_text, text};

#[test]
fn the_watch_notices_what_it_is_there_for() {
    for hostile in [
        "\u{1b}]0;x\u{7}",
        "\u{1b}]52;c;eA==\u{7}",
        "\u{1b}[?1049h",
        "\u{1b}[?2004h",
        "\u{1b}[?1000h",
        "\u{1b}=",
        "\u{7}",
        "\u{1b}[8;1;1t",
        "\u{1b}[6n",
    ] {
        assert!(!changes(hostile.as_bytes(), 20, 5).is_empty(), "{hostile:?}");
        assert!(text(hostile.as_bytes()).is_err(), "{hostile:?}");
    }
    for hostile in ["\u{9b}2J", "\u{1b}[1;2r", "\u{1b}c", "\u{1b}P+q\u{1b}\\", "\t", "\u{8}", "\u{1b}"] {
        assert!(text(hostile.as_bytes()).is_err(), "{hostile:?}");
    }
    assert!(plain_text("a\u{202e}b".as_bytes()).is_err());
    assert_eq!(plain_text(b"\x1b[1;31mred\x1b[0m\x1b[2;3H\x1b[?25l").as_deref(), Ok("red"));
    assert_eq!(changes(b"\x1b[1;31mred\x1b[0m\x1b[2;3H\x1b[?25l", 20, 5), Vec::<String>::new());
}
