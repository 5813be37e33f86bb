//! A text that a server sent, and where the lines of its indented form begin in it.
//!
//! Lines are put together when somebody looks at them; nothing is parsed into values, so numbers are shown and copied exactly
//! as sent. Letters that JSON has as escapes are letters in it, unless they could hide or steer something. What is not JSON is
//! shown line by line, as it was sent.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::scan::{self, Kind, Line, MOST_LINES, NoLines, closing};
use super::search::{Found, Pattern};
use crate::tui::text::{drawn, width};
use crate::words;

/// Text beyond this many bytes is left out, so that every position fits 32 bits.
const LONGEST_TEXT: usize = 1 << 30;

/// Columns of a line that is shown as it was sent: where one ends is looked for letter by letter, each time that it is drawn.
const LONGEST_LINE: usize = 64 * 1024;

/// Columns that one level of nesting is indented by.
pub(super) const INDENT: usize = 2;

/// A JSON text, or any other, ready to be shown.
#[derive(Clone, PartialEq)]
pub struct JsonDocument {
    text: Arc<str>,
    lines: Vec<Line>,
    is_json: bool,
    /// It is JSON as far as it was read, with more lines than the indented form may have.
    has_too_many_lines: bool,
    /// The depth of the innermost line.
    deepest: u32,
    /// Its text is not the one that was sent.
    is_decoded: bool,
}

/// The part of a line that has one style, as it was sent: to be [`drawn`] before it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) role: Role,
    pub(super) text: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Name,
    Text,
    Literal,
    Punctuation,
}

impl JsonDocument {
    /// Finds the lines of a text, those of its indented form if it is JSON. Takes time and memory in proportion to it,
    /// whatever it holds.
    pub fn parse(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        if text.len() > LONGEST_TEXT {
            return Self::plain(prefix(&text, LONGEST_TEXT - 4));
        }
        let lines = match scan::scan(&text) {
            Ok(lines) => lines,
            Err(why) => return Self { has_too_many_lines: why == NoLines::TooMany, ..Self::plain(text) },
        };
        let decoded = with_letters(&text).and_then(|decoded| Some((scan::scan(&decoded).ok()?, decoded)));
        let is_decoded = decoded.is_some();
        let (lines, text) = decoded.map_or((lines, text), |(lines, decoded)| (lines, decoded.into()));
        let deepest = lines.iter().map(|line| line.depth).max().unwrap_or_default();
        Self { text, lines, is_json: true, has_too_many_lines: false, deepest, is_decoded }
    }

    /// Shows a text line by line, JSON or not. A very long line goes on in the next one.
    pub fn plain(text: impl Into<Arc<str>>) -> Self {
        Self::wrapped(text, LONGEST_LINE)
    }

    /// Shows a text exactly as it is, its lines broken after so many columns.
    pub fn wrapped(text: impl Into<Arc<str>>, columns: usize) -> Self {
        let text = text.into();
        let lines = plain_lines(&text, columns.max(1));
        Self { text, lines, is_json: false, has_too_many_lines: false, deepest: 0, is_decoded: false }
    }

    /// Looks for `query` as it was sent; `None` for an empty one. Takes time in proportion to the text.
    pub fn find(&self, query: &str) -> Option<Found> {
        self.find_while(query, &|| true)
    }

    /// The same, which asks again and again whether it is wanted still; `None` if not.
    pub fn find_while(&self, query: &str, is_wanted: &dyn Fn() -> bool) -> Option<Found> {
        Found::new(Pattern::new(query)?, &self.text, &self.lines, is_wanted)
    }

    /// The beginning of `text`, at most about `limit` bytes, broken after so many columns.
    pub fn beginning(text: &str, limit: usize, columns: usize) -> Self {
        Self::wrapped(prefix(text, limit), columns)
    }

    /// The line that has a byte of the text.
    pub(super) fn line_of(&self, byte: usize) -> usize {
        self.lines.partition_point(|line| line.start as usize <= byte).saturating_sub(1)
    }

    /// Tells whether the text is JSON. What is cut off or followed by anything is not.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Tells whether the text is shown as it was sent for the number of its lines alone.
    pub fn has_too_many_lines(&self) -> bool {
        self.has_too_many_lines
    }

    /// Tells whether the text has more lines than are shown.
    pub fn is_cut(&self) -> bool {
        self.lines.len() >= MOST_LINES
    }

    /// How many bytes it takes beside the text that was sent.
    pub fn memory(&self) -> usize {
        self.lines.len() * size_of::<Line>() + if self.is_decoded { self.text.len() } else { 0 }
    }

    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The text in which the lines are.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A whole line of the indented form as it is shown, or an empty text if there is no such line.
    pub fn line_text(&self, line: usize) -> String {
        let pieces = self.pieces(line, false, usize::MAX).into_iter().map(|piece| drawn(&piece.text));
        " ".repeat(self.indent(line)) + &pieces.collect::<String>()
    }

    /// From which column to which the first thing that was found in a line stands, as far as it is shown as it was sent.
    pub(super) fn columns_of(&self, found: &Found, line: usize) -> Option<(usize, usize)> {
        let text = self.line_text(line);
        let found = found.pattern.range_in(&text)?;
        Some((width(&text[..found.start]), width(&text[..found.end])))
    }

    /// About how many columns a line takes, counted to somewhat beyond `limit`.
    pub(super) fn columns(&self, line: usize, limit: usize) -> usize {
        let pieces = self.pieces(line, false, limit.saturating_add(64).saturating_mul(4));
        let columns = |text: &str| {
            let plain = plain_letters(text);
            plain + width(&drawn(&text[plain..]))
        };
        self.indent(line) + pieces.iter().map(|piece| columns(&piece.text)).sum::<usize>()
    }

    /// The value of a line for the clipboard: strings without quotes and escapes, all else as it stands in the text.
    pub fn value(&self, line: usize) -> String {
        let Some(&found) = self.lines.get(line) else { return String::new() };
        let (opening, end) = match found.kind {
            Kind::Text => return self.plain_line(line, usize::MAX).to_owned(),
            Kind::Close => (self.lines[found.partner as usize], found.start as usize + 1),
            Kind::Open => (found, self.lines[found.partner as usize].start as usize + 1),
            Kind::Scalar => (found, self.value_end(found)),
        };
        let value = &self.text[self.value_start(opening)..end];
        let text = serde_json::from_str::<String>(value).ok();
        // A control would act on the terminal into which the text is pasted; as sent, it is an escape.
        let is_harmless = |text: &String| !text.contains(|character: char| character.is_control() && character != '\n');
        text.filter(is_harmless).unwrap_or_else(|| value.to_owned())
    }

    /// The way to a line's value, as jq writes it: `.data[0].Owner["first name"]`. The root is `.`.
    pub fn path(&self, line: usize) -> String {
        let mut steps = Vec::new();
        let mut line = self.opening(line);
        while let Some((parent, index)) = self.parent(line) {
            let found = self.lines[line];
            steps.push(if found.is_member { self.name_step(found) } else { format!("[{index}]") });
            line = parent;
        }
        let path = steps.into_iter().rev().collect::<String>();
        if path.starts_with('.') { path } else { format!(".{path}") }
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The line on which the container of a closing bracket begins; any other line is its own.
    pub(super) fn opening(&self, line: usize) -> usize {
        self.lines.get(line).filter(|line| line.kind == Kind::Close).map_or(line, |line| line.partner as usize)
    }

    /// The line on which a container ends; any other line is its own.
    pub(super) fn closing(&self, line: usize) -> usize {
        self.lines.get(line).filter(|line| line.kind == Kind::Open).map_or(line, |line| line.partner as usize)
    }

    /// The line of the container around a line, and how many elements stand before it there.
    pub(super) fn parent(&self, line: usize) -> Option<(usize, usize)> {
        let found = self.lines.get(self.opening(line)).filter(|found| found.depth > 0)?;
        Some((found.parent as usize, found.index as usize))
    }

    /// How many elements the container has that begins on a line.
    fn elements(&self, line: usize) -> u64 {
        let last = self.opening(self.closing(line).saturating_sub(1));
        self.parent(last).map_or(0, |(_, before)| before as u64 + 1)
    }

    /// The depth of the innermost line.
    pub(super) fn deepest(&self) -> u32 {
        self.deepest
    }

    pub(super) fn indent(&self, line: usize) -> usize {
        self.lines.get(line).map_or(0, |line| line.depth as usize * INDENT)
    }

    /// The parts of a line, of which one that is not there has none, as in an empty text. A folded container is one line. Of what
    /// is longer than `limit` bytes, the beginning.
    pub(super) fn pieces(&self, line: usize, is_folded: bool, limit: usize) -> Vec<Piece<'_>> {
        let Some(&found) = self.lines.get(line) else { return Vec::new() };
        let mut pieces = Vec::new();
        let mut push = |role, text| pieces.push(Piece { role, text });
        let mut limit = limit;
        if found.is_member {
            let name = self.token(found.start as usize, limit);
            push(Role::Name, Cow::Borrowed(name));
            limit = limit.saturating_sub(name.len());
            if limit == 0 {
                return pieces;
            }
            push(Role::Punctuation, Cow::Borrowed(": "));
        }
        let comma = if self.is_followed(self.closing(line)) { "," } else { "" };
        let start = self.value_start(found);
        match found.kind {
            Kind::Text => push(Role::Text, Cow::Borrowed(self.plain_line(line, limit))),
            Kind::Close => push(Role::Punctuation, Cow::Owned(format!("{}{comma}", &self.text[start..=start]))),
            Kind::Open if is_folded => {
                let (opening, closing) = self.brackets(start);
                let inside = words::counted(self.elements(line), if opening == '[' { "item" } else { "member" });
                push(Role::Punctuation, Cow::Owned(format!("{opening}...{closing}{comma} {inside}")));
            }
            Kind::Open => push(Role::Punctuation, Cow::Borrowed(&self.text[start..=start])),
            Kind::Scalar if self.text[start..].starts_with(['{', '[']) => {
                let (opening, closing) = self.brackets(start);
                push(Role::Punctuation, Cow::Owned(format!("{opening}{closing}{comma}")));
            }
            Kind::Scalar => {
                let token = self.token(start, limit);
                push(if token.starts_with('"') { Role::Text } else { Role::Literal }, Cow::Borrowed(token));
                if token.len() < limit {
                    push(Role::Punctuation, Cow::Borrowed(comma));
                }
            }
        }
        pieces
    }

    /// The token that begins at `start`, or about the first `limit` bytes of it.
    fn token(&self, start: usize, limit: usize) -> &str {
        match scan::token_end(&self.text, start, limit) {
            Some(end) => &self.text[start..end],
            None => prefix(&self.text[start..], limit),
        }
    }

    fn brackets(&self, start: usize) -> (char, char) {
        let opening = self.text.as_bytes()[start];
        (char::from(opening), char::from(closing(opening)))
    }

    /// Another element of the same container comes after the one that ends on this line.
    fn is_followed(&self, line: usize) -> bool {
        self.lines.get(line + 1).is_some_and(|next| next.kind != Kind::Close)
    }

    fn value_start(&self, line: Line) -> usize {
        let start = line.start as usize;
        if !line.is_member {
            return start;
        }
        let name_end = scan::token_end(&self.text, start, usize::MAX).unwrap_or(start);
        let between = self.text.as_bytes()[name_end..].iter();
        name_end + between.take_while(|byte| b" \t\r\n:".contains(byte)).count()
    }

    fn value_end(&self, line: Line) -> usize {
        let start = self.value_start(line);
        if self.text[start..].starts_with(['{', '[']) {
            let (_, closing) = self.brackets(start);
            return self.text[start..].find(closing).map_or(start, |length| start + length + 1);
        }
        scan::token_end(&self.text, start, usize::MAX).unwrap_or(start)
    }

    fn name_step(&self, line: Line) -> String {
        let name = self.token(line.start as usize, usize::MAX);
        let bare = name.trim_matches('"');
        let is_word = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_word && bare.starts_with(|first: char| !first.is_ascii_digit()) {
            format!(".{bare}")
        } else {
            format!("[{name}]")
        }
    }

    /// About the first `limit` bytes of a line of plain text.
    fn plain_line(&self, line: usize, limit: usize) -> &str {
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next.start as usize);
        let rest = prefix(&self.text[self.lines[line].start as usize..end], limit);
        rest.trim_end_matches('\n').trim_end_matches('\r')
    }
}

impl fmt::Debug for JsonDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies hold people's data and are long.
        write!(f, "JsonDocument({} bytes, {} lines)", self.text.len(), self.lines.len())
    }
}

/// A JSON text with letters in the place of their escapes (RFC 8259 §7); `None` where it has none. What would have to be
/// escaped, and what nobody would see as a letter, stays an escape.
fn with_letters(text: &str) -> Option<String> {
    let mut decoded = String::new();
    let (mut done, mut at) = (0, 0);
    while let Some(escape) = text[at..].find('\\').map(|before| at + before) {
        // The one behind it may be a backslash too.
        at = escape + 2;
        let Some((letter, length)) = letter_at(&text[escape..]) else { continue };
        decoded.push_str(&text[done..escape]);
        decoded.push(letter);
        (done, at) = (escape + length, escape + length);
    }
    (done > 0).then(|| decoded + &text[done..])
}

/// The letter whose escape a text begins with, and the bytes that the escape takes: one, or a pair of surrogates.
fn letter_at(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let first = unit(text)?;
    let second = text.get(6..).and_then(unit);
    let letter = char::decode_utf16(std::iter::once(first).chain(second)).next()?.ok()?;
    let is_plain = !letter.is_control() && !matches!(letter, '"' | '\\');
    let is_seen = is_plain && drawn(letter.encode_utf8(&mut [0; 4])).chars().eq([letter]);
    is_seen.then(|| (letter, 6 * letter.len_utf16()))
}

/// How many letters a text begins with that are drawn as they are, each of one byte in one column.
pub(super) fn plain_letters(text: &str) -> usize {
    text.bytes().take_while(|byte| matches!(byte, b' '..=b'~')).count()
}

/// The beginning of `text`: at most `limit` bytes, or one character more than fits.
pub(super) fn prefix(text: &str, limit: usize) -> &str {
    let end = (limit.min(text.len())..=text.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(text.len());
    &text[..end]
}

/// The lines of a text, each broken after so many columns.
fn plain_lines(text: &str, columns: usize) -> Vec<Line> {
    let mut starts = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if starts.len() >= MOST_LINES {
            break;
        }
        starts.push(start);
        break_line(line.trim_end_matches(['\n', '\r']), start, columns, &mut starts);
        start += line.len();
    }
    let line = |(line, start): (usize, usize)| {
        let (start, line) = (u32::try_from(start).ok()?, u32::try_from(line).ok()?);
        Some(Line { start, partner: line, depth: 0, parent: line, index: 0, kind: Kind::Text, is_member: false })
    };
    starts.into_iter().take(MOST_LINES).enumerate().map_while(line).collect()
}

/// Adds where the rows after the first one begin of a line that begins at `start`.
fn break_line(line: &str, start: usize, columns: usize, starts: &mut Vec<usize>) {
    if line.len() <= columns && line.is_ascii() {
        return;
    }
    let mut used = 0;
    for (at, character) in line.char_indices() {
        let columns_of_it = match character {
            ' '..='~' => 1,
            other => width(&drawn(other.encode_utf8(&mut [0; 4]))),
        };
        if used > 0 && used + columns_of_it > columns {
            if starts.len() >= MOST_LINES {
                return;
            }
            starts.push(start + at);
            used = 0;
        }
        used += columns_of_it;
    }
}
