//! JSON as it comes, in pieces of any size (RFC 8259): what each byte of it belongs to. Builds no values, so that a text of
//! any length needs no room.

mod check;

pub use self::check::Check;

/// Nesting beyond any that people read or programs send. What is nested deeper counts as no JSON.
const DEEPEST: usize = 128;
/// The longest of `true`, `false` and `null`.
const LONGEST_LITERAL: usize = 5;

/// The bytes of a byte order mark, which is no part of the text.
pub const MARK: [u8; 3] = *b"\xef\xbb\xbf";

/// What was found, in the order of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An object or a list begins, with this bracket.
    Open(u8),
    /// It ends, with this one.
    Close(u8),
    Comma,
    Colon,
    /// A name, a text, a number or a word begins.
    Begin(Token),
    /// A part of it as it stands in the text, quotes included.
    Part(&'a [u8]),
    End(Token),
    /// A whole value has come, in nothing else. Others may follow.
    Document,
    /// From here on it is no JSON.
    Rest(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The name of a member.
    Key,
    String,
    Number,
    /// `true`, `false` or `null`.
    Literal,
}

/// What may come next outside of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first value, after which others may follow.
    Document,
    Value,
    /// The first element of a list or member of an object, or its end.
    FirstInside,
    Key,
    Colon,
    /// A comma or the closing bracket.
    After,
}

/// Reads a text from its beginning.
pub struct Reader {
    /// The brackets that will close what is open.
    open: Vec<u8>,
    next: Next,
    /// The token that has begun.
    token: Option<Token>,
    is_escaped: bool,
    /// The letters of a literal so far.
    literal: Vec<u8>,
    is_broken: bool,
    documents: usize,
    /// Bytes before it broke, or so far.
    sound: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            next: Next::Document,
            token: None,
            is_escaped: false,
            literal: Vec::new(),
            is_broken: false,
            documents: 0,
            sound: 0,
        }
    }
}

impl Reader {
    /// Takes the next piece, and tells what is in it.
    pub fn push(&mut self, bytes: &[u8], tell: &mut impl FnMut(Event<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.is_broken {
                return tell(Event::Rest(rest));
            }
            let taken = match self.token {
                None => self.between(rest, tell),
                Some(Token::Key | Token::String) => self.string(rest, tell),
                Some(Token::Number | Token::Literal) => self.word(rest, tell),
            };
            if !self.is_broken {
                self.sound += taken as u64;
            }
            rest = &rest[taken..];
        }
    }

    /// Ends the text, and the token that has no end of its own.
    pub fn finish(&mut self, tell: &mut impl FnMut(Event<'_>)) {
        self.is_broken |= match self.token {
            Some(Token::Key | Token::String) => true,
            Some(Token::Literal) => !is_literal(&self.literal, true),
            Some(Token::Number) | None => false,
        };
        self.end_token(tell);
    }

    /// Whether all so far is JSON, or the beginning of it.
    pub fn is_sound(&self) -> bool {
        !self.is_broken
    }

    /// How many bytes are JSON, or the beginning of it.
    pub fn sound(&self) -> u64 {
        self.sound
    }

    /// Whether the text may end here: nothing is open.
    pub fn is_complete(&self) -> bool {
        self.is_sound() && self.open.is_empty() && self.token.is_none()
    }

    /// Whole values so far that are in nothing else.
    pub fn documents(&self) -> usize {
        self.documents
    }

    /// Reads what stands between tokens, or begins one.
    fn between(&mut self, rest: &[u8], tell: &mut impl FnMut(Event<'_>)) -> usize {
        let byte = rest[0];
        match (self.next, byte) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => {}
            (Next::Document, byte) if MARK.contains(&byte) => {}
            (Next::FirstInside | Next::After, b'}' | b']') if self.open.last() == Some(&byte) => {
                self.open.pop();
                tell(Event::Close(byte));
                self.after_value(tell);
            }
            (Next::After, b',') => {
                tell(Event::Comma);
                self.next = if self.open.last() == Some(&b'}') { Next::Key } else { Next::Value };
            }
            (Next::Colon, b':') => {
                tell(Event::Colon);
                self.next = Next::Value;
            }
            (Next::Key, b'"') => self.begin(Token::Key, rest, tell),
            (Next::FirstInside, _) => {
                self.next = if self.open.last() == Some(&b'}') { Next::Key } else { Next::Value };
                return 0;
            }
            (Next::Document | Next::Value, b'{' | b'[') if self.open.len() < DEEPEST => {
                self.open.push(if byte == b'{' { b'}' } else { b']' });
                tell(Event::Open(byte));
                self.next = Next::FirstInside;
            }
            (Next::Document | Next::Value, b'"') => self.begin(Token::String, rest, tell),
            (Next::Document | Next::Value, b'-' | b'0'..=b'9') => {
                self.begin(Token::Number, b"", tell);
                return 0;
            }
            (Next::Document | Next::Value, b't' | b'f' | b'n') => {
                self.literal.clear();
                self.begin(Token::Literal, b"", tell);
                return 0;
            }
            _ => {
                self.is_broken = true;
                return 0;
            }
        }
        1
    }

    /// Begins a token, with the quote that `rest` begins with if it is one.
    fn begin(&mut self, token: Token, rest: &[u8], tell: &mut impl FnMut(Event<'_>)) {
        tell(Event::Begin(token));
        if let Some(quote) = rest.get(..1) {
            tell(Event::Part(quote));
        }
        self.token = Some(token);
    }

    fn string(&mut self, rest: &[u8], tell: &mut impl FnMut(Event<'_>)) -> usize {
        if std::mem::take(&mut self.is_escaped) {
            tell(Event::Part(&rest[..1]));
            return 1;
        }
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len());
        if plain > 0 {
            tell(Event::Part(&rest[..plain]));
            return plain;
        }
        self.is_escaped = rest[0] == b'\\';
        tell(Event::Part(&rest[..1]));
        if rest[0] == b'"' {
            self.end_token(tell);
        }
        1
    }

    fn word(&mut self, rest: &[u8], tell: &mut impl FnMut(Event<'_>)) -> usize {
        let end = rest.iter().position(|byte| b",]} \t\r\n".contains(byte));
        let word = &rest[..end.unwrap_or(rest.len())];
        let fits = if self.token == Some(Token::Literal) {
            self.literal.extend_from_slice(&word[..word.len().min(LONGEST_LITERAL + 1)]);
            is_literal(&self.literal, end.is_some())
        } else {
            word.iter().all(|byte| b"+-.eE0123456789".contains(byte))
        };
        tell(Event::Part(word));
        self.is_broken = !fits;
        if !fits || end.is_some() {
            self.end_token(tell);
        }
        word.len()
    }

    fn end_token(&mut self, tell: &mut impl FnMut(Event<'_>)) {
        let Some(token) = self.token.take() else { return };
        tell(Event::End(token));
        match token {
            Token::Key => self.next = Next::Colon,
            _ if self.is_broken => {}
            _ => self.after_value(tell),
        }
    }

    fn after_value(&mut self, tell: &mut impl FnMut(Event<'_>)) {
        self.next = if self.open.is_empty() { Next::Document } else { Next::After };
        if self.open.is_empty() {
            self.documents += 1;
            tell(Event::Document);
        }
    }
}

/// Whether these letters are a literal, or may become one.
fn is_literal(letters: &[u8], is_all: bool) -> bool {
    let literals: [&[u8]; 3] = [b"true", b"false", b"null"];
    literals.iter().any(|literal| if is_all { *literal == letters } else { literal.starts_with(letters) })
}

#[cfg(test)]
mod tests {
    use super::Reader;

    /// Whether all of it is sound, complete, and how many values it has.
    fn read(text: &[u8], piece: usize) -> (bool, bool, usize) {
        let mut reader = Reader::default();
        text.chunks(piece).for_each(|piece| reader.push(piece, &mut |_| {}));
        reader.finish(&mut |_| {});
        (reader.is_sound(), reader.is_complete(), reader.documents())
    }

    #[test]
    fn values_are_told_from_what_is_none() {
        for (text, expected) in [
            (&b""[..], (true, true, 0)),
            (b" \n", (true, true, 0)),
            (b"\xef\xbb\xbf{}", (true, true, 1)),
            (b"7", (true, true, 1)),
            (b"true", (true, true, 1)),
            (b"tru", (false, false, 0)),
            (b"{\"a\":[1,{\"b\":null}]}", (true, true, 1)),
            (b"[1][2]\n3", (true, true, 3)),
            (b"[1", (true, false, 0)),
            (b"\"a\\\"", (false, false, 0)),
            (b"[1,]", (false, false, 0)),
            (b"{\"a\" 1}", (false, false, 0)),
            (b"<html>", (false, false, 0)),
            (b"[1}", (false, false, 0)),
        ] {
            for piece in [1, 2, 3, 64] {
                assert_eq!(read(text, piece), expected, "{:?} in pieces of {piece}", String::from_utf8_lossy(text));
            }
        }
        assert_eq!(read(&b"[".repeat(200), 7), (false, false, 0));
    }
}
