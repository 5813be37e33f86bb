//! JSON for people, in the order and spelling in which it came: white space and colours are all that is added, and white space
//! all that is taken away. Builds no values, so that an answer of any length needs no room.

use crate::untrusted::VisibleStream;

/// Nesting beyond any that people read. What is nested deeper is shown as it came.
const DEEPEST: usize = 128;
/// The longest of `true`, `false` and `null`.
const LONGEST_LITERAL: usize = 5;

/// The bytes of a byte order mark, which is no part of the text.
const MARK: [u8; 3] = *b"\xef\xbb\xbf";

const KEY: &str = "\u{1b}[1;34m";
const STRING: &str = "\u{1b}[32m";
const NUMBER: &str = "\u{1b}[36m";
const LITERAL: &str = "\u{1b}[35m";
const RESET: &str = "\u{1b}[0m";

/// Puts each value on a line of its own.
pub(in crate::cli) struct Indenter {
    has_color: bool,
    /// The brackets that will close what is open.
    open: Vec<u8>,
    next: Next,
    token: Token,
    /// From where on it is no JSON, it is shown as it came.
    is_broken: bool,
    text: VisibleStream,
}

/// What may come next outside of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first value, after which others may follow on lines of their own.
    Document,
    Value,
    /// The first element of a list or member of an object, or its end.
    FirstInside,
    Key,
    Colon,
    /// A comma or the closing bracket.
    After,
}

/// The token that has begun.
enum Token {
    None,
    String {
        is_key: bool,
        is_escaped: bool,
    },
    Number,
    /// Its letters so far.
    Literal(Vec<u8>),
}

impl Indenter {
    pub(super) fn new(has_color: bool) -> Self {
        Self {
            has_color,
            open: Vec::new(),
            next: Next::Document,
            token: Token::None,
            is_broken: false,
            text: VisibleStream::default(),
        }
    }

    /// Whether a body that begins so is JSON as far as that can be seen. Scalars have nothing to be put on lines.
    pub(super) fn fits(beginning: &[u8], is_whole: bool) -> bool {
        let mut trial = Self::new(false);
        trial.push(beginning, &mut String::new());
        let first = beginning.iter().find(|byte| !MARK.contains(byte) && !byte.is_ascii_whitespace());
        let is_complete = trial.open.is_empty() && matches!(trial.token, Token::None);
        matches!(first, Some(b'{' | b'[')) && !trial.is_broken && (!is_whole || is_complete)
    }

    pub(super) fn push(&mut self, bytes: &[u8], shown: &mut String) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.token {
                _ if self.is_broken => self.show(rest, shown),
                Token::None => self.between(rest, shown),
                Token::String { .. } => self.string(rest, shown),
                Token::Number | Token::Literal(_) => self.word(rest, shown),
            };
            rest = &rest[taken..];
        }
    }

    pub(super) fn finish(mut self, shown: &mut String) {
        if !matches!(self.token, Token::None) {
            self.end_token(shown);
        }
        self.text.finish(shown);
    }

    /// Reads what stands between tokens, or begins one.
    fn between(&mut self, rest: &[u8], shown: &mut String) -> usize {
        let byte = rest[0];
        match (self.next, byte) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => {}
            (Next::Document, byte) if MARK.contains(&byte) => {}
            (Next::FirstInside | Next::After, b'}' | b']') if self.open.last() == Some(&byte) => {
                self.open.pop();
                if self.next == Next::After {
                    self.new_line(shown);
                }
                shown.push(char::from(byte));
                self.next = if self.open.is_empty() { Next::Document } else { Next::After };
                if self.open.is_empty() {
                    shown.push('\n');
                }
            }
            (Next::After, b',') => {
                shown.push(',');
                self.new_line(shown);
                self.next = if self.open.last() == Some(&b'}') { Next::Key } else { Next::Value };
            }
            (Next::Colon, b':') => {
                shown.push_str(": ");
                self.next = Next::Value;
            }
            (Next::Key, b'"') => self.begin(Token::String { is_key: true, is_escaped: false }, KEY, shown),
            (Next::FirstInside, _) => {
                let is_object = self.open.last() == Some(&b'}');
                self.new_line(shown);
                self.next = if is_object { Next::Key } else { Next::Value };
                return 0;
            }
            (Next::Document | Next::Value, b'{' | b'[') if self.open.len() < DEEPEST => {
                self.open.push(if byte == b'{' { b'}' } else { b']' });
                shown.push(char::from(byte));
                self.next = Next::FirstInside;
            }
            (Next::Document | Next::Value, b'"') => {
                self.begin(Token::String { is_key: false, is_escaped: false }, STRING, shown);
            }
            (Next::Document | Next::Value, b'-' | b'0'..=b'9') => {
                self.begin(Token::Number, NUMBER, shown);
                return 0;
            }
            (Next::Document | Next::Value, b't' | b'f' | b'n') => {
                self.begin(Token::Literal(Vec::new()), LITERAL, shown);
                return 0;
            }
            _ => {
                self.is_broken = true;
                return 0;
            }
        }
        1
    }

    fn string(&mut self, rest: &[u8], shown: &mut String) -> usize {
        let Token::String { is_escaped, .. } = &mut self.token else { return 0 };
        if *is_escaped {
            *is_escaped = false;
            return self.show(&rest[..1], shown);
        }
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len());
        if plain > 0 {
            return self.show(&rest[..plain], shown);
        }
        *is_escaped = rest[0] == b'\\';
        let is_end = rest[0] == b'"';
        self.show(&rest[..1], shown);
        if is_end {
            self.end_token(shown);
        }
        1
    }

    fn word(&mut self, rest: &[u8], shown: &mut String) -> usize {
        let end = rest.iter().position(|byte| b",]} \t\r\n".contains(byte));
        let word = &rest[..end.unwrap_or(rest.len())];
        let fits = match &mut self.token {
            Token::Literal(begun) => {
                begun.extend_from_slice(&word[..word.len().min(LONGEST_LITERAL + 1)]);
                let literals: [&[u8]; 3] = [b"true", b"false", b"null"];
                literals.iter().any(|literal| {
                    if end.is_some() { *literal == begun.as_slice() } else { literal.starts_with(begun) }
                })
            }
            _ => word.iter().all(|byte| b"+-.eE0123456789".contains(byte)),
        };
        self.show(word, shown);
        self.is_broken = !fits;
        if !fits || end.is_some() {
            self.end_token(shown);
        }
        word.len()
    }

    fn begin(&mut self, token: Token, color: &str, shown: &mut String) {
        if self.has_color {
            shown.push_str(color);
        }
        if matches!(token, Token::String { .. }) {
            shown.push('"');
        }
        self.token = token;
    }

    fn end_token(&mut self, shown: &mut String) {
        // What was cut off within a character must not be completed by what comes after the colour.
        std::mem::take(&mut self.text).finish(shown);
        if self.has_color {
            shown.push_str(RESET);
        }
        let is_key = matches!(self.token, Token::String { is_key: true, .. });
        self.token = Token::None;
        self.next = match () {
            () if is_key => Next::Colon,
            () if self.open.is_empty() => Next::Document,
            () => Next::After,
        };
        if self.next == Next::Document && !self.is_broken {
            shown.push('\n');
        }
    }

    fn show(&mut self, bytes: &[u8], shown: &mut String) -> usize {
        self.text.push(bytes, shown);
        bytes.len()
    }

    fn new_line(&self, shown: &mut String) {
        shown.push('\n');
        shown.extend(std::iter::repeat_n("  ", self.open.len()));
    }
}
