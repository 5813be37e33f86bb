//! Checks that a text is JSON (RFC 8259) and notes where each line of its indented form begins.
//!
//! Builds no values: numbers, escapes and repeated names stay as they were sent. Keeps its own stack, so that nesting is
//! bounded by memory alone.

/// What a line of the indented form shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string, number, literal or empty container.
    Scalar,
    /// The opening bracket of a container that has lines of its own.
    Open,
    /// The closing bracket.
    Close,
    /// A line of a text that is not JSON.
    Text,
}

/// One line of the indented form, by its place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The byte at which the member's name begins, or else the value or the closing bracket.
    pub(super) start: u32,
    /// For [`Kind::Open`] the line of the closing bracket, for [`Kind::Close`] that of the opening one, else the line
    /// itself.
    pub(super) partner: u32,
    pub(super) depth: u32,
    /// The line of the container around it, and how many elements stand before it there. Of the outermost and of closing
    /// brackets they mean nothing.
    pub(super) parent: u32,
    pub(super) index: u32,
    pub(super) kind: Kind,
    /// A name stands before the value.
    pub(super) is_member: bool,
}

/// Lines that are noted at most: a server could send a bracket in every byte, and each line takes more than its text.
pub(super) const MOST_LINES: usize = 1_000_000;

/// Why a text has no lines of an indented form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoLines {
    /// It is not exactly one JSON value.
    NoJson,
    /// It has more than [`MOST_LINES`], as far as it was read.
    TooMany,
}

/// Lists the lines of `text`, which is at most 4 GiB long.
pub(super) fn scan(text: &str) -> Result<Vec<Line>, NoLines> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0, lines: Vec::new(), open: Vec::new() };
    match scanner.value() {
        Some(()) => Ok(scanner.lines),
        None if scanner.lines.len() >= MOST_LINES => Err(NoLines::TooMany),
        None => Err(NoLines::NoJson),
    }
}

/// The byte after the token that begins at `start`, which is known to be a valid one; or `None` if it is not within
/// `limit` bytes.
pub(super) fn token_end(text: &str, start: usize, limit: usize) -> Option<usize> {
    let within = &text.as_bytes()[start..text.len().min(start.saturating_add(limit))];
    if within.first() == Some(&b'"') {
        let mut at = 1;
        while let Some(byte) = within.get(at) {
            match byte {
                b'"' => return Some(start + at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        return None;
    }
    let length = within.iter().position(|byte| b",]} \t\r\n".contains(byte));
    length.map(|length| start + length).or((start + within.len() == text.len()).then_some(text.len()))
}

#[derive(PartialEq, Eq)]
enum Element {
    Complete,
    Opened,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    lines: Vec<Line>,
    open: Vec<Container>,
}

/// A container that is open.
struct Container {
    line: u32,
    /// The bracket that will close it.
    closing: u8,
    /// The elements read so far.
    elements: u32,
}

impl Scanner<'_> {
    /// Reads one value to the end of the text.
    fn value(&mut self) -> Option<()> {
        loop {
            if self.element()? == Element::Opened {
                continue;
            }
            while !self.comma()? {
                if self.open.is_empty() {
                    return Some(());
                }
                self.close()?;
            }
        }
    }

    /// Reads a value, with its name inside an object. A container that is not empty is only opened.
    fn element(&mut self) -> Option<Element> {
        self.skip_whitespace();
        let start = self.at;
        let is_member = self.open.last().is_some_and(|container| container.closing == b'}');
        if is_member {
            self.string()?;
            self.skip_whitespace();
            self.expect(b':')?;
            self.skip_whitespace();
        }
        let first = self.peek()?;
        let kind = match first {
            b'{' | b'[' => self.opening(closing(first))?,
            b'"' => self.string().map(|()| Kind::Scalar)?,
            b'-' | b'0'..=b'9' => self.number().map(|()| Kind::Scalar)?,
            _ => self.literal().map(|()| Kind::Scalar)?,
        };
        let line = self.push(start, kind, is_member)?;
        if kind != Kind::Open {
            return Some(Element::Complete);
        }
        self.open.push(Container { line, closing: closing(first), elements: 0 });
        Some(Element::Opened)
    }

    /// Reads an opening bracket, and the closing one if nothing stands between them.
    fn opening(&mut self, closing: u8) -> Option<Kind> {
        self.at += 1;
        self.skip_whitespace();
        let is_empty = self.peek()? == closing;
        self.at += usize::from(is_empty);
        Some(if is_empty { Kind::Scalar } else { Kind::Open })
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            let ends = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < b' ';
            self.at += self.bytes[self.at..].iter().position(ends)?;
            match self.bytes[self.at] {
                b'"' => return self.expect(b'"'),
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let digits = match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 0,
            b'u' => 4,
            _ => return None,
        };
        let hexadecimal = self.bytes.get(self.at + 2..self.at + 2 + digits)?;
        self.at += 2 + digits;
        hexadecimal.iter().all(u8::is_ascii_hexdigit).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.peek() == Some(b'-'));
        let starts_with_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && starts_with_zero {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Option<usize> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(count)
    }

    fn literal(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let literal = ["true", "false", "null"].into_iter().find(|literal| rest.starts_with(literal.as_bytes()))?;
        self.at += literal.len();
        Some(())
    }

    /// Reads the comma after a value, if there is one. At the end of the text there is none and must be none.
    fn comma(&mut self) -> Option<bool> {
        self.skip_whitespace();
        if self.open.is_empty() {
            return (self.at == self.bytes.len()).then_some(false);
        }
        let is_comma = self.peek()? == b',';
        self.at += usize::from(is_comma);
        Some(is_comma)
    }

    fn close(&mut self) -> Option<()> {
        let start = self.at;
        let Container { line: opening, closing, .. } = self.open.pop()?;
        self.expect(closing)?;
        let line = self.push(start, Kind::Close, false)?;
        self.lines[line as usize].partner = opening;
        self.lines[opening as usize].partner = line;
        Some(())
    }

    fn push(&mut self, start: usize, kind: Kind, is_member: bool) -> Option<u32> {
        let line = u32::try_from(self.lines.len()).ok().filter(|_| self.lines.len() < MOST_LINES)?;
        let depth = u32::try_from(self.open.len()).ok()?;
        let (mut parent, mut index) = (line, 0);
        if let Some(container) = self.open.last_mut().filter(|_| kind != Kind::Close) {
            (parent, index) = (container.line, container.elements);
            container.elements += 1;
        }
        let start = u32::try_from(start).ok()?;
        self.lines.push(Line { start, partner: line, depth, parent, index, kind, is_member });
        Some(line)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }
}

/// The bracket that closes what `opening` opens.
pub(super) fn closing(opening: u8) -> u8 {
    if opening == b'{' { b'}' } else { b']' }
}
