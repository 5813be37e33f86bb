//! The body of an answer on stdout, as it comes: byte for byte into a pipe, safe and readable on a terminal.

use std::io::{self, Write};

use super::json::Indenter;
use crate::http::charset::{Charset, Decoder};
use crate::untrusted::{VisibleStream, visible};

/// Bytes that are made readable at a time, since that makes them many times as long.
const PIECE: usize = 4 * 1024;

/// An answer, or a page of one, that begins.
pub(in crate::cli) struct Page {
    pub(in crate::cli) head: String,
    pub(in crate::cli) beginning: Vec<u8>,
    /// Whether the beginning is all of it.
    pub(in crate::cli) is_whole: bool,
    pub(in crate::cli) charset: Charset,
}

/// A body on its way to stdout, or several one after another.
pub(in crate::cli) struct Body {
    /// Whether a person looks at it, and with colours.
    terminal: Option<HasColor>,
    form: Form,
    /// Makes UTF-8 of it for a terminal.
    decoder: Decoder,
    /// Whether the cursor is at the beginning of a line.
    is_line_done: bool,
}

type HasColor = bool;

/// How a body is shown.
enum Form {
    Bytes,
    Text(VisibleStream),
    Json(Indenter),
}

impl Form {
    fn push(&mut self, piece: &[u8], shown: &mut String) {
        match self {
            Form::Bytes => {}
            Form::Text(text) => text.push(piece, shown),
            Form::Json(json) => json.push(piece, shown),
        }
    }
}

impl Body {
    pub(super) fn bytes() -> Self {
        Self { terminal: None, form: Form::Bytes, decoder: Decoder::default(), is_line_done: true }
    }

    pub(super) fn for_terminal(has_color: bool) -> Self {
        Self { terminal: Some(has_color), ..Self::bytes() }
    }

    /// Whether a person looks at it.
    pub(in crate::cli) fn is_for_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Begins a body after its head, on a line of its own. Its beginning, which may be all of it, settles how it is shown, and
    /// is still to be written.
    pub(in crate::cli) fn begin(&mut self, page: &Page) -> io::Result<()> {
        self.begin_on(&mut io::stdout().lock(), page)
    }

    pub(in crate::cli) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_to(&mut io::stdout().lock(), bytes)
    }

    pub(in crate::cli) fn finish(mut self) -> io::Result<()> {
        self.end_on(&mut io::stdout().lock())
    }

    fn begin_on(&mut self, out: &mut impl Write, page: &Page) -> io::Result<()> {
        let Page { head, beginning, is_whole, charset } = page;
        self.end_on(out)?;
        if !self.is_line_done {
            out.write_all(b"\n")?;
        }
        self.is_line_done = true;
        let Some(has_color) = self.terminal else { return out.write_all(head.as_bytes()).and_then(|()| out.flush()) };
        self.decoder = Decoder::new(*charset);
        self.form = if Indenter::fits(&Decoder::new(*charset).push(beginning), *is_whole) {
            Form::Json(Indenter::new(has_color))
        } else {
            Form::Text(VisibleStream::default())
        };
        out.write_all(visible(head).as_bytes()).and_then(|()| out.flush())
    }

    fn write_to(&mut self, out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        if let Form::Bytes = self.form {
            self.is_line_done = bytes.last().map_or(self.is_line_done, |byte| *byte == b'\n');
            out.write_all(bytes)?;
            return out.flush();
        }
        let mut shown = String::new();
        for piece in bytes.chunks(PIECE) {
            let piece = self.decoder.push(piece);
            self.form.push(&piece, &mut shown);
            out.write_all(shown.as_bytes())?;
            self.is_line_done = if shown.is_empty() { self.is_line_done } else { shown.ends_with('\n') };
            shown.clear();
        }
        out.flush()
    }

    /// Ends the body that has begun; a terminal's last line as well.
    fn end_on(&mut self, out: &mut impl Write) -> io::Result<()> {
        let mut shown = String::new();
        self.form.push(std::mem::take(&mut self.decoder).finish().as_bytes(), &mut shown);
        match std::mem::replace(&mut self.form, Form::Bytes) {
            Form::Bytes => return out.flush(),
            Form::Text(text) => text.finish(&mut shown),
            Form::Json(json) => json.finish(&mut shown),
        }
        let is_line_done = if shown.is_empty() { self.is_line_done } else { shown.ends_with('\n') };
        if !is_line_done {
            shown.push('\n');
        }
        self.is_line_done = true;
        out.write_all(shown.as_bytes())?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, Page};
    use crate::http::charset::Charset;

    fn page(head: &str, beginning: &[u8], is_whole: bool) -> Page {
        Page { head: head.to_owned(), beginning: beginning.to_vec(), is_whole, charset: Charset::default() }
    }

    /// What a terminal gets, the same in pieces of any size.
    #[track_caller]
    fn shown(body: &[u8], has_color: bool) -> String {
        let of_size = |size: usize| {
            let mut out = Vec::new();
            let mut shown = Body::for_terminal(has_color);
            shown.begin_on(&mut out, &page("", body, true)).expect("memory takes all");
            body.chunks(size).for_each(|piece| shown.write_to(&mut out, piece).expect("memory takes all"));
            shown.end_on(&mut out).expect("memory takes all");
            String::from_utf8(out).expect("text")
        };
        let whole = of_size(body.len().max(1));
        for size in [1, 2, 3, 7] {
            assert_eq!(of_size(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn json_is_put_on_lines_and_nothing_of_it_changes() {
        for (body, expected) in [
            (
                &br#"{"a":1,"b":[],"c":{},"a":[1,{"d":null}]}"#[..],
                "{\n  \"a\": 1,\n  \"b\": [],\n  \"c\": {},\n  \"a\": [\n    1,\n    {\n      \"d\": null\n    }\n  ]\n}\n",
            ),
            (b"[ 12345678901234567890123, 1.0, -0, 1E5 ]", "[\n  12345678901234567890123,\n  1.0,\n  -0,\n  1E5\n]\n"),
            (br#"["\u001b[2J \" \\ \/",true ,false]"#, "[\n  \"\\u001b[2J \\\" \\\\ \\/\",\n  true,\n  false\n]\n"),
            (b"\xef\xbb\xbf [ ]\r\n", "[]\n"),
            (b"{\"a\":1}\n{\"a\":2}\n", "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n"),
            ("[\"\u{202e}é\u{1b}[2J\"]".as_bytes(), "[\n  \"<U+202E>é<U+001B>[2J\"\n]\n"),
            (b"[\"\xe2\x82\"]", "[\n  \"\u{fffd}\"\n]\n"),
        ] {
            assert_eq!(shown(body, false), expected);
        }
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_came() {
        for (body, expected) in [
            (&b"[INFO] started"[..], "[INFO] started\n"),
            (b"{\"a\":1", "{\"a\":1\n"),
            (b"{\"a\" 1}", "{\"a\" 1}\n"),
            (b"{'a':1}", "{'a':1}\n"),
            (b"[1,]", "[1,]\n"),
            (b"[truely]", "[truely]\n"),
            (b"[1}", "[1}\n"),
            (b"<p>\x1b]52;c;x\x07</p>\n", "<p><U+001B>]52;c;x<U+0007></p>\n"),
            (b"7", "7\n"),
            (b"", ""),
        ] {
            assert_eq!(shown(body, true), expected);
        }
    }

    #[test]
    fn keys_texts_numbers_and_words_have_colours() {
        let expected = "{\n  \u{1b}[1m\"a\"\u{1b}[0m: \u{1b}[32m\"b\"\u{1b}[0m,\n  \u{1b}[1m\"c\"\u{1b}[0m: [\n    \
            \u{1b}[36m-1\u{1b}[0m,\n    \u{1b}[35mnull\u{1b}[0m\n  ]\n}\n";
        assert_eq!(shown(br#"{"a":"b","c":[-1,null]}"#, true), expected);
    }

    #[test]
    fn long_json_that_breaks_off_or_nests_without_end_goes_on_as_it_came() {
        let long = |body: &[u8], rest: &[u8]| {
            let mut out = Vec::new();
            let mut shown = Body::for_terminal(false);
            shown.begin_on(&mut out, &page("HTTP 200\n\n", body, false)).expect("memory takes all");
            shown.write_to(&mut out, body).expect("memory takes all");
            shown.write_to(&mut out, rest).expect("memory takes all");
            shown.end_on(&mut out).expect("memory takes all");
            String::from_utf8(out).expect("text")
        };
        assert_eq!(long(b"[1,", b"2,oops \x07]"), "HTTP 200\n\n[\n  1,\n  2,\n  oops <U+0007>]\n");
        let deep = long(b"[[", &b"[".repeat(100_000));
        assert!(deep.ends_with(&"[".repeat(99_000)) || deep.trim_end().ends_with(&"[".repeat(99_000)));
        assert!(deep.len() < 150_000, "{}", deep.len());
    }

    #[test]
    fn another_encoding_is_shown_as_what_it_means() {
        for (charset, body, expected) in [
            (Charset::Windows1252, &b"caf\xe9 \x9b2J \x80"[..], "café ›2J €\n"),
            (Charset::Windows1252, b"[\"\xe9\"]", "[\n  \"é\"\n]\n"),
            (Charset::Utf16Le, b"\xff\xfe[\0\"\0\xe9\0\"\0]\0", "[\n  \"é\"\n]\n"),
            (Charset::Utf16Be, b"\0[\0\"\0\xe9\0\"\0]", "[\n  \"é\"\n]\n"),
            (Charset::Utf16Le, b"\xff\xfe\x1b\0\xe9\0\n\0x", "<U+001B>é\n\u{fffd}\n"),
        ] {
            let (mut out, mut shown) = (Vec::new(), Body::for_terminal(false));
            shown.begin_on(&mut out, &Page { charset, ..page("", body, true) }).expect("memory takes all");
            body.chunks(3).for_each(|piece| shown.write_to(&mut out, piece).expect("memory takes all"));
            shown.end_on(&mut out).expect("memory takes all");
            assert_eq!(String::from_utf8(out).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn bodies_that_follow_one_another_begin_on_lines_of_their_own() {
        for (mut shown, expected) in [
            (Body::bytes(), "A\n\n[1]\nB\n\nx\nC\n\n[2]"),
            (Body::for_terminal(false), "A\n\n[\n  1\n]\nB\n\nx\nC\n\n[\n  2\n]\n"),
        ] {
            let mut out = Vec::new();
            for (head, body) in [("A\n\n", &b"[1]"[..]), ("B\n\n", b"x\n"), ("C\n\n", b"[2]")] {
                shown.begin_on(&mut out, &page(head, body, true)).expect("memory takes all");
                shown.write_to(&mut out, body).expect("memory takes all");
            }
            shown.end_on(&mut out).expect("memory takes all");
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }
}
