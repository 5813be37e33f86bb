use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;
use serde_json::Value;

use super::{JsonDocument, JsonPane, JsonView};
use crate::abilities::Environment;
use crate::tui::text::drawn;
use crate::tui::theme::Theme;

const ANSWER: &str = r#"{"data":[{"id":20098765000000012345,"Owner":{"first name":"Dana"},"tags":[]},
    {"id":1.50,"Owner":null,"tags":["a\/b","\u00e9"]}],"info":{"more":false}}"#;

fn view(text: &str) -> JsonView {
    JsonView::new(Arc::new(JsonDocument::parse(text)))
}

fn lines(document: &JsonDocument) -> Vec<String> {
    (0..document.line_count()).map(|line| document.line_text(line)).collect()
}

fn draw_in(view: &JsonView, area: Rect) -> Buffer {
    let theme = Theme::new(
        Environment {
            term: Some("xterm-256color"),
            lang: Some("C.UTF-8"),
            no_color: Some("1"),
            ..Environment::default()
        }
        .abilities(),
    );
    let mut buffer = Buffer::empty(Rect::new(0, 0, area.right(), area.bottom()));
    JsonPane { view, theme: &theme, focused: true }.render(area, &mut buffer);
    buffer
}

fn draw(view: &JsonView, width: u16, height: u16) -> Vec<String> {
    let buffer = draw_in(view, Rect::new(0, 0, width, height));
    let rows = buffer.content.chunks(usize::from(width));
    rows.map(|row| row.iter().map(Cell::symbol).collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn a_document_is_indented_and_numbers_and_escapes_stay_as_sent() {
    let expected = [
        r"{",
        r#"  "data": ["#,
        r"    {",
        r#"      "id": 20098765000000012345,"#,
        r#"      "Owner": {"#,
        r#"        "first name": "Dana""#,
        r"      },",
        r#"      "tags": []"#,
        r"    },",
        r"    {",
        r#"      "id": 1.50,"#,
        r#"      "Owner": null,"#,
        r#"      "tags": ["#,
        r#"        "a\/b","#,
        r#"        "é""#,
        r"      ]",
        r"    }",
        r"  ],",
        r#"  "info": {"#,
        r#"    "more": false"#,
        r"  }",
        r"}",
    ];
    assert_eq!(lines(view(ANSWER).document()), expected);
}

#[test]
fn what_is_not_json_is_shown_line_by_line() {
    let page = JsonDocument::parse("<html>\r\n\x1b[2J\n\n</html>\n");
    assert!(!page.is_json());
    assert_eq!(lines(&page), ["<html>", "<U+001B>[2J", "", "</html>"]);
    let broken = [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "[1 2]",
        "{\"a\" 1}",
        "{1:2}",
        "01",
        "1.",
        "-",
        "1e",
        ".5",
        "tru",
        "nul",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"",
        "{}{}",
        "[}",
        "{]",
        "]",
        "1]",
        "[1",
        "'a'",
        "NaN",
        "\u{feff}1",
        "\"\\",
        "\"\\u1",
    ];
    for text in broken {
        assert!(serde_json::from_str::<Value>(text).is_err() && !view(text).document().is_json(), "{text:?}");
    }
}

#[test]
fn values_and_paths_are_those_at_the_cursor() {
    let at = |line: isize| {
        let mut view = view(ANSWER);
        view.move_by(line);
        (view.path_at_cursor(), view.value_at_cursor())
    };
    let expect = |path: &str, value: &str| (path.to_owned(), value.to_owned());
    assert_eq!(at(3), expect(".data[0].id", "20098765000000012345"));
    assert_eq!(at(5), expect(r#".data[0].Owner["first name"]"#, "Dana"));
    assert_eq!(at(6), expect(".data[0].Owner", r#"{"first name":"Dana"}"#));
    assert_eq!(at(7), expect(".data[0].tags", "[]"));
    assert_eq!(at(13), expect(".data[1].tags[0]", "a/b"));
    assert_eq!(at(14), expect(".data[1].tags[1]", "é"));
    assert_eq!(at(21), expect(".", &ANSWER.replace(r"\u00e9", "é")));
    let nothing = view("");
    assert_eq!((nothing.path_at_cursor(), nothing.value_at_cursor()), expect(".", ""));
    assert_eq!((view("a\r\nb").value_at_cursor(), view("[7]").path_at_cursor()), expect("a", "."));
}

#[test]
fn a_text_of_nothing_has_no_lines_and_answers_all_questions() {
    for text in ["", "\n"] {
        let mut view = view(text);
        assert!(lines(view.document()).iter().all(String::is_empty), "{text:?}");
        assert!(view.shows_value(80), "{text:?}");
        assert_eq!((view.value_at_cursor(), view.path_at_cursor()), (String::new(), ".".to_owned()), "{text:?}");
        for line in [0, 1, usize::MAX] {
            assert_eq!(view.document().line_text(line), "", "{text:?}");
            assert_eq!(view.document().value(line), "", "{text:?}");
        }
        draw(&view, 20, 3);
        let moves = [Move::By(1), Move::Page(-1), Move::Fold, Move::FoldAll, Move::UnfoldAll, Move::Sideways(3)];
        for next in moves.into_iter().chain([Move::Search("a".to_owned()), Move::Next, Move::Previous, Move::Rows(2)]) {
            make(&mut view, &next);
            draw(&view, 20, 3);
        }
    }
}

#[test]
fn a_folded_container_is_one_line() {
    let mut view = view(ANSWER);
    view.set_rows(8);
    view.fold_all();
    let expected = ["▌ {", r#"    "data": [...], 2 items"#, r#"    "info": {...} 1 member"#, "  }", ""];
    assert_eq!(draw(&view, 60, 5), expected);
    view.move_by(1);
    view.toggle_fold();
    assert_eq!(draw(&view, 60, 4)[1..], [r#"▌   "data": ["#, "      {...}, 3 members", "      {...} 3 members"]);
    view.move_by(2);
    view.toggle_fold();
    view.move_by(1);
    assert_eq!(view.path_at_cursor(), ".data[1].id");
    view.toggle_fold();
    assert_eq!((view.path_at_cursor(), view.cursor_row()), (".data[1]".to_owned(), 3));
    view.end();
    assert_eq!(view.line(), 21);
}

#[test]
fn a_search_moves_while_it_is_typed_and_wraps_around() {
    let mut view = view(ANSWER);
    view.fold_all();
    assert!(view.search("o") && view.search("owner"));
    assert_eq!((view.line(), view.matches()), (4, Some((Some(1), 2))));
    assert!(view.next_match());
    assert_eq!(view.line(), 11);
    assert!(view.next_match());
    assert_eq!(view.line(), 4);
    assert!(view.previous_match());
    assert_eq!(view.line(), 11);
    assert!(!view.search("nowhere"));
    assert_eq!((view.line(), view.matches()), (11, Some((None, 0))));
    assert!(!view.next_match() && !view.search("") && view.matches().is_none());
    view.start_search();
    assert!(view.search("first name"));
    assert_eq!(view.line(), 5);
}

#[test]
fn what_was_found_and_the_cursor_are_marked_without_colors_too() {
    let mut view = view(r#"["one","two"]"#);
    view.set_rows(4);
    view.search("wo");
    let buffer = draw_in(&view, Rect::new(0, 0, 20, 4));
    let underlined = buffer.content.iter().filter(|cell| cell.modifier.contains(Modifier::UNDERLINED));
    assert_eq!(underlined.map(Cell::symbol).collect::<String>(), "wo");
    assert_eq!(buffer[(0, 2)].symbol(), "▌");
    assert!((0..20).all(|x| buffer[(x, 2)].modifier.contains(Modifier::REVERSED)));
}

#[test]
fn long_lines_are_clipped_and_scroll_sideways() {
    let mut view = view(r#"{"name":"日本語 abc"}"#);
    view.set_rows(2);
    assert_eq!(draw(&view, 16, 2)[1], r#"    "name": "日 >"#);
    // Half of a wide character does not stay.
    assert_eq!(draw(&view, 19, 2)[1], r#"    "name": "日 本  >"#);
    assert_eq!(draw(&view, 26, 2)[1], r#"    "name": "日 本 語  abc""#);
    view.scroll_sideways(5);
    assert_eq!(draw(&view, 11, 2)[1], r#"  me": "日 >"#);
    view.scroll_sideways(isize::MAX);
    assert_eq!(view.left, 21);
    view.scroll_sideways(isize::MIN);
    assert_eq!(view.left, 0);
}

#[test]
fn the_cursor_stays_in_sight() {
    let mut view = view(&format!("[{}1]", "1,".repeat(98)));
    view.set_rows(10);
    view.page(1);
    assert_eq!((view.line(), view.cursor_row(), view.top), (9, 9, 0));
    view.page(1);
    assert_eq!((view.line(), view.cursor_row()), (18, 9));
    view.move_by(-1);
    assert_eq!(view.cursor_row(), 8);
    view.set_rows(3);
    assert_eq!(view.cursor_row(), 2);
    view.end();
    assert_eq!((view.line(), view.cursor_row()), (100, 2));
    view.page(-1000);
    assert_eq!((view.line(), view.top), (0, 0));
    view.move_by(isize::MAX);
    assert_eq!(view.line(), 100);
}

#[test]
fn what_a_server_sends_cannot_steer_the_terminal() {
    let view = view("[\"\u{202e}\u{9b}2J\u{7f}\"]");
    assert_eq!(draw(&view, 60, 2)[1], "    \"<U+202E><U+009B>2J<U+007F>\"");
}

#[test]
fn nesting_is_bounded_by_memory_alone() {
    const DEPTH: usize = 100_000;
    let mut view = view(&("[".repeat(DEPTH) + "{\"a\":1}" + &"]".repeat(DEPTH)));
    assert!(view.document().is_json());
    assert_eq!(view.document().line_count(), 2 * DEPTH + 3);
    view.set_rows(20);
    assert!(view.search("\"a\""));
    assert_eq!(view.line(), DEPTH + 1);
    assert_eq!(view.path_at_cursor().len(), 1 + 3 * DEPTH + 2);
    assert!(draw(&view, 80, 20).iter().all(|row| row.chars().count() <= 1), "all is far to the right");
    view.fold_all();
    assert_eq!(view.line(), 1);
    view.unfold_all();
    view.end();
    assert_eq!(view.line(), 2 * DEPTH + 2);
    assert!(!JsonDocument::parse("[".repeat(DEPTH)).is_json());
}

/// Records as an API answers them, in one line.
pub(super) fn long_answer(bytes: usize) -> String {
    let mut text = String::from("{\"data\":[");
    for record in 0.. {
        if text.len() > bytes {
            break;
        }
        let comma = if record == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"id":{id},"Owner":{{"name":"Dana Reyes","email":"d.reyes@example.com"}},"Amount":{record}.50,"#,
            id = 20_098_765_000_000_012_345_u128 + record,
        )
        .expect("a string takes any text");
        text.push_str(r#""Stage":"Negotiation\/Review","Tags":["north","renewal"],"Probability":null}"#);
    }
    text + "]}"
}

#[test]
fn ten_megabytes_are_shown_and_searched() {
    let text = long_answer(10_000_000);
    let mut view = view(&text);
    assert!(view.document().is_json());
    view.set_rows(40);
    view.end();
    assert_eq!(draw(&view, 80, 40)[39], "▌ }");
    assert!(view.search("20098765000000030000"));
    assert_eq!(view.path_at_cursor(), ".data[17655].id");
    view.fold_all();
    assert_eq!(view.path_at_cursor(), ".data");
    assert!(draw(&view, 80, 4)[1].starts_with("▌   \"data\": [...] "));
}

#[test]
fn levels_of_nesting_are_folded_one_by_one() {
    let mut view = view(ANSWER);
    view.fold_more();
    let text = draw(&view, 40, 30).join("\n");
    assert!(text.contains("\"Owner\": {...}") && text.contains("\"id\": 1.50"), "{text}");
    view.fold_more();
    assert!(draw(&view, 40, 30).join("\n").contains("    {...}, 3 members"));
    for _ in 0..4 {
        view.fold_more();
    }
    assert_eq!(draw(&view, 40, 30)[1], "    \"data\": [...], 2 items");
    for _ in 0..6 {
        view.fold_less();
    }
    assert_eq!(draw(&view, 40, 30)[3], "        \"id\": 20098765000000012345,");
}

#[test]
fn a_wrapped_text_is_as_it_was_sent() {
    let document = JsonDocument::wrapped("{\"name\":\"日本語\"}\r\n\nab\u{202e}c", 8);
    assert_eq!(lines(&document), ["{\"name\":", "\"日本語\"", "}", "", "ab", "<U+202E>", "c"]);
    assert!(!document.is_json());
    let long = JsonDocument::wrapped("a".repeat(10_000_000), 100);
    assert_eq!((long.line_count(), long.value(99_999)), (100_000, "a".repeat(100)));
}

#[test]
fn one_line_of_ten_megabytes_costs_no_more_than_what_is_seen_of_it() {
    let text = format!("\"{}\"", "a".repeat(9_999_998));
    let view = JsonView::new(Arc::new(JsonDocument::parse(text)));
    assert_eq!(draw(&view, 20, 1)[0], "▌ \"aaaaaaaaaaaaaaaa>");
    assert!(view.document.pieces(0, false, 100).iter().map(|piece| piece.text.len()).sum::<usize>() <= 100);
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

#[derive(Clone, Debug)]
enum Move {
    By(isize),
    Page(isize),
    Fold,
    FoldAll,
    UnfoldAll,
    Search(String),
    Next,
    Previous,
    Rows(u16),
    Sideways(isize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (-30..30_isize).prop_map(Move::By),
        1 => (-3..3_isize).prop_map(Move::Page),
        4 => Just(Move::Fold),
        1 => Just(Move::FoldAll),
        1 => Just(Move::UnfoldAll),
        1 => "[a-z\"]{0,1}".prop_map(Move::Search),
        1 => Just(Move::Next),
        1 => Just(Move::Previous),
        1 => (0..12_u16).prop_map(Move::Rows),
        1 => (-9..9_isize).prop_map(Move::Sideways),
    ];
    prop::collection::vec(one, 0..30)
}

fn make(view: &mut JsonView, next: &Move) {
    match next {
        Move::By(lines) => view.move_by(*lines),
        Move::Page(pages) => view.page(*pages),
        Move::Fold => view.toggle_fold(),
        Move::FoldAll => view.fold_all(),
        Move::UnfoldAll => view.unfold_all(),
        Move::Search(query) => drop(view.search(query)),
        Move::Next => drop(view.next_match()),
        Move::Previous => drop(view.previous_match()),
        Move::Rows(rows) => view.set_rows(*rows),
        Move::Sideways(columns) => view.scroll_sideways(*columns),
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            prop::collection::vec(prop::sample::select(&b"[]{},:\"\\ \n1e-.tfnu\xc3\xa9"[..]), 0..60),
        ],
        moves in moves(),
    ) {
        let document = JsonDocument::parse(String::from_utf8_lossy(&bytes));
        if serde_json::from_slice::<Value>(&bytes).is_ok() {
            prop_assert!(document.is_json());
        }
        let mut view = JsonView::new(Arc::new(document));
        for next in &moves {
            make(&mut view, next);
            draw(&view, 12, 5);
            view.value_at_cursor();
            view.path_at_cursor();
        }
    }

    #[test]
    fn what_is_shown_is_the_same_value(value in json(), is_indented in any::<bool>()) {
        let text = if is_indented { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.expect("a value is text");
        let document = JsonDocument::parse(text.clone());
        prop_assert!(document.is_json());
        // Hidden characters are shown by name, so those of the value are as well.
        let expected: Value = serde_json::from_str(&drawn(&text)).expect("names of characters are text");
        let shown: Value = serde_json::from_str(&lines(&document).join("\n")).expect("is JSON");
        prop_assert_eq!(shown, expected);
        prop_assert_eq!(JsonView::new(Arc::new(document)).value_at_cursor().is_empty(), value == "");
        if is_indented {
            prop_assert_eq!(lines(&JsonDocument::parse(text.clone())).join("\n"), drawn(&text));
        }
    }

    #[test]
    fn the_cursor_is_always_in_sight_and_folding_all_back_shows_all(value in json(), moves in moves()) {
        let text = serde_json::to_string(&value).expect("a value is text");
        let mut view = view(&text);
        let all = view.document().line_count();
        for next in &moves {
            make(&mut view, next);
            let seen = view.visible_from(0).collect::<Vec<_>>();
            prop_assert!(seen.contains(&view.cursor) && seen.contains(&view.top), "{:?} after {next:?}", (view.cursor, view.top));
            prop_assert!(view.visible_from(view.top).take(view.rows).any(|line| line == view.cursor));
            let upward = std::iter::successors(seen.last().copied(), |&line| view.above(line)).collect::<Vec<_>>();
            prop_assert!(upward.into_iter().rev().eq(seen));
        }
        view.unfold_all();
        prop_assert_eq!(view.visible_from(0).count(), all);
    }

    #[test]
    fn nothing_is_drawn_outside_the_area(
        (x, y, width, height) in (0..10_u16, 0..5_u16, 0..30_u16, 0..8_u16),
        left in 0..40_isize,
    ) {
        let mut view = view(ANSWER);
        view.scroll_sideways(left);
        let theme = Theme::new(Environment { term: Some("xterm-256color"), lang: Some("C.UTF-8"), no_color: Some("1"), ..Environment::default() }.abilities());
        let mut buffer = Buffer::filled(Rect::new(0, 0, 25, 10), Cell::new("~"));
        let area = Rect::new(x, y, width, height);
        JsonPane { view: &view, theme: &theme, focused: false }.render(area, &mut buffer);
        for position in buffer.area.positions().filter(|position| !area.contains(*position)) {
            prop_assert_eq!(buffer[position].symbol(), "~");
        }
    }
}

#[test]
fn an_answer_of_nothing_but_lines_takes_little_more_than_its_text() {
    let brackets = "[".repeat(3_000_000) + &"]".repeat(3_000_000);
    for text in [brackets, "\n".repeat(6_000_000), "[1,".repeat(2_000_000)] {
        let document = JsonDocument::parse(text.as_str());
        assert!(!document.is_json());
        assert_eq!(document.is_cut(), text.starts_with('\n'), "the others are one long line");
        assert!(document.memory() < 32_000_000, "{}", document.memory());
    }
    assert!(!JsonDocument::parse("[1,2]").is_cut());
    let many = JsonDocument::parse(format!("[{}1]", "1,".repeat(1_000_000)));
    assert_eq!((many.is_json(), many.has_too_many_lines()), (false, true));
    assert!(!JsonDocument::parse("[1,2").has_too_many_lines());
}

#[test]
fn a_value_with_controls_is_copied_as_it_was_sent() {
    let view = JsonView::new(Arc::new(JsonDocument::parse(r#""a\u001b[201~b""#)));
    assert_eq!(view.value_at_cursor(), r#""a\u001b[201~b""#);
    let view = JsonView::new(Arc::new(JsonDocument::parse(r#""a\nb""#)));
    assert_eq!(view.value_at_cursor(), "a\nb");
}

#[test]
fn letters_are_letters_however_they_were_sent_and_what_could_hide_or_steer_is_escaped() {
    for (sent, shown) in [
        (r#""\u65e5\u672c""#, "\"日本\""),
        (r#""\u003ca\u003e \ud83e\udd80""#, "\"<a> 🦀\""),
        (r#""C:\\u65e5 \\\u00e9""#, r#""C:\\u65e5 \\é""#),
        (r#""\u0022\u005c\n\u000a\u001b\u009b""#, r#""\u0022\u005c\n\u000a\u001b\u009b""#),
        (r#""\u202e\u200b\ufeff\u2028\udb40\udc41""#, r#""\u202e\u200b\ufeff\u2028\udb40\udc41""#),
        (r#""\ud83e \udd80 \ud83e\u0041""#, r#""\ud83e \udd80 \ud83eA""#),
    ] {
        let document = JsonDocument::parse(sent);
        assert_eq!((document.line_text(0).as_str(), document.is_json()), (shown, true), "{sent}");
        let value = serde_json::from_str::<serde_json::Value>;
        assert_eq!(value(document.text()).ok(), value(sent).ok(), "{sent}");
    }
    // What is no JSON is as it was sent.
    assert_eq!(JsonDocument::parse(r"caf\u00e9").line_text(0), r"caf\u00e9");
    let document = JsonDocument::parse(r#"{"\u540d":["\u65e5\u672c"]}"#);
    assert_eq!(
        (document.find("日本").map(|found| found.lines), document.path(2).as_str()),
        (Some(vec![2]), r#".["名"][0]"#)
    );
}

#[test]
fn what_was_found_is_scrolled_to_sideways_and_back() {
    let long =
        |before: &str, count: usize| format!("[\"{}needle{}\",\n\"needle\"]", before.repeat(count), "x".repeat(50));
    for (text, scrolled, moves) in [
        (long("x", 5), 0, false),
        (long("x", 100), 0, true),
        (long("\u{65e5}", 60), 0, true),
        (long("e\u{301}", 100), 0, true),
        (long("x", 5), 40, true),
        (long("x", 100_000), 0, true),
    ] {
        let case = format!("{} bytes, {scrolled} to the left", text.len());
        let mut view = view(&text);
        view.set_rows(4);
        view.set_columns(38);
        view.scroll_sideways(scrolled);
        view.start_search();
        let is_shown = |view: &JsonView| {
            let row = view.cursor_row();
            draw(view, 40, 4)[row].contains("needle")
        };
        let before = view.left;
        assert!(view.search("needle") && is_shown(&view), "{case}: {:?}", draw(&view, 40, 4));
        assert_eq!(view.left != before, moves, "{case}");
        for _ in 0..2 {
            assert!(view.next_match() && is_shown(&view), "{case}: {:?}", draw(&view, 40, 4));
        }
        for _ in 0..3 {
            assert!(view.previous_match() && is_shown(&view), "{case}: {:?}", draw(&view, 40, 4));
        }
        view.scroll_sideways(scrolled - isize::try_from(view.left).expect("few"));
        view.home();
        view.scroll_sideways(scrolled);
        view.start_search();
        view.search("needle");
        view.search("");
        assert_eq!(view.left, before, "{case}");
    }
}

#[test]
fn a_folded_container_tells_what_is_in_it() {
    let long = format!("[[{}]]", vec!["{\"a\":[1,2]}"; 30_000].join(","));
    for (text, told) in [
        ("[[1]]", "[...] 1 item"),
        ("[[1,[2,3]]]", "[...] 2 items"),
        ("[[[2,3],{}]]", "[...] 2 items"),
        (r#"[{"a":{"b":1,"c":2}}]"#, "{...} 1 member"),
        (r#"[{"a":1,"b":[1,2,3],"c":{"d":1}}]"#, "{...} 3 members"),
        (&long, "[...] 30,000 items"),
    ] {
        let mut view = view(text);
        view.set_rows(3);
        view.fold_all();
        assert_eq!(draw(&view, 40, 3)[1].trim(), told);
    }
}

#[test]
fn what_terminals_draw_differently_is_named() {
    for (sent, shown) in [
        ("\u{1f1e9}\u{1f1ea}", "<U+1F1E9><U+1F1EA>"),
        ("\u{2764}\u{fe0f}", "\u{2764}<U+FE0F>"),
        ("\u{270c}\u{1f3fd}", "\u{270c}<U+1F3FD>"),
        ("1\u{fe0f}\u{20e3}", "1<U+FE0F><U+20E3>"),
        ("\u{1f469}\u{200d}\u{1f4bb}", "\u{1f469}<U+200D>\u{1f4bb}"),
        ("\u{65e5}e\u{301}\u{1f980}", "\u{65e5}e\u{301}\u{1f980}"),
    ] {
        assert_eq!(JsonDocument::plain(sent).line_text(0), shown);
        assert_eq!(JsonDocument::parse(format!("\"{sent}\"")).line_text(0), format!("\"{shown}\""));
    }
}

/// What is far to the right is drawn as what is near, and so is what was found there.
#[test]
fn the_far_end_of_a_very_long_line_is_drawn_without_what_lies_before_it() {
    let filler = "abcdefghi ".repeat(30_000);
    for (text, is_json) in [
        (format!("{filler}needle{filler}"), false),
        (format!("[\"{filler}needle{filler}\"]"), true),
        (format!("{{\"name\":\"{filler}needle{filler}\"}}"), true),
        (format!("[\"\u{e4}{filler}needle{filler}\"]"), true),
    ] {
        let mut view = view(&text);
        assert_eq!(view.document().is_json(), is_json);
        view.set_columns(40);
        view.set_rows(3);
        assert!(view.search("needle"));
        let drawn = draw(&view, 42, 3);
        assert!(drawn.iter().any(|line| line.contains("ghi needleabc")), "{drawn:?}");
        let buffer = draw_in(&view, Rect::new(0, 0, 42, 3));
        let underlined = buffer.content.iter().filter(|cell| cell.modifier.contains(Modifier::UNDERLINED));
        assert_eq!(underlined.map(Cell::symbol).collect::<String>(), "needle");
    }
    let long = JsonDocument::plain("x".repeat(200_000));
    assert_eq!((long.line_count(), long.text().len()), (4, 200_000));
}
