//! An answer as it comes from the network, taken apart before it reaches the screen: that takes long for a long one.

use std::fmt;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::str;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::http::charset::Charset;
use crate::http::pause::retry_after;
use crate::http::{Response, decode};
use crate::json::Check;
use crate::service::{Answer, Explained, Long};
use crate::tui::widgets::json_view::JsonDocument;

/// Errors are short; a longer body is not looked into for what it says of scopes.
const LONGEST_ERROR: usize = 64 * 1024;
/// Bytes of a binary body that are shown.
const MOST_HEXADECIMAL: usize = 64 * 1024;
/// Bytes in a line of hexadecimal digits, as many as fit the narrowest screen.
const BYTES_A_LINE: usize = 8;

/// An answer with its body taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub took: Duration,
    pub explained: Option<Explained>,
    pub content: Content,
    /// The body for people; of a binary one there is nothing.
    pub document: Arc<JsonDocument>,
    /// What is wrong with a body that calls itself JSON.
    pub fault: Option<String>,
    /// How long the API wants to be left alone.
    pub pause: Option<Duration>,
    /// The scopes that the answer says are needed.
    pub named_scopes: Vec<String>,
}

/// The body of an answer, byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    Text(Arc<str>),
    /// A text in another encoding than UTF-8, and its bytes.
    Encoded(Arc<str>, Arc<[u8]>),
    Binary(Arc<[u8]>),
    /// The beginning of a longer one, which is elsewhere.
    Long(Box<Content>, Long),
}

impl Received {
    /// Takes the body apart. Takes time in proportion to it.
    pub fn new(answer: Answer) -> Self {
        let Answer { mut response, took, explained, long } = answer;
        let pause = retry_after(&response);
        let named_scopes = explained.as_ref().map(|_| named_scopes(&response)).unwrap_or_default();
        if long.is_some() {
            cut_between_letters(&mut response.body);
        }
        let check = Some(Check::default()).filter(|_| response.is_whole_json() && long.is_none());
        let fault = check.and_then(|mut check| {
            check.push(&response.in_utf8());
            check.fault()
        });
        let headers = response.sent_headers().cloned().collect();
        let charset = Charset::of(&response).unwrap_or_default();
        let beginning = Content::new(response.body, charset);
        let document = match &beginning {
            Content::Text(text) | Content::Encoded(text, _) if long.is_some() => {
                let tree = completed(text).map(JsonDocument::parse);
                let tree = tree.filter(|tree| tree.is_json() || tree.has_too_many_lines());
                tree.unwrap_or_else(|| JsonDocument::plain(text.clone()))
            }
            Content::Text(text) | Content::Encoded(text, _) => JsonDocument::parse(text.clone()),
            Content::Binary(_) | Content::Long(..) => JsonDocument::plain(""),
        };
        let content = match long {
            None => beginning,
            Some(long) => Content::Long(Box::new(beginning), long),
        };
        Self {
            status: response.status,
            headers,
            took,
            explained,
            content,
            document: Arc::new(document),
            fault,
            pause,
            named_scopes,
        }
    }
}

impl Content {
    /// What has no NUL in it is text, unless it were UTF-8 and is none.
    fn new(body: Vec<u8>, charset: Charset) -> Self {
        if charset != Charset::Utf8 {
            let text = charset.decode(&body);
            return if text.contains('\0') {
                Content::Binary(body.into())
            } else {
                Content::Encoded(text.into(), body.into())
            };
        }
        match String::from_utf8(body) {
            Ok(text) if !text.contains('\0') => Content::Text(text.into()),
            Ok(text) => Content::Binary(text.into_bytes().into()),
            Err(error) => Content::Binary(error.into_bytes().into()),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Content::Text(text) => text.as_bytes(),
            Content::Encoded(_, bytes) | Content::Binary(bytes) => bytes,
            Content::Long(beginning, _) => beginning.bytes(),
        }
    }

    /// What of it can be shown.
    pub fn beginning(&self) -> &Content {
        if let Content::Long(beginning, _) = self { beginning } else { self }
    }

    /// How many bytes came.
    pub fn length(&self) -> u64 {
        if let Content::Long(_, long) = self { long.length } else { self.bytes().len() as u64 }
    }

    /// Writes all of it. Blocks the thread.
    pub fn write_to(&self, file: &mut File) -> io::Result<()> {
        if let Content::Long(_, long) = self { long.write_to(file) } else { file.write_all(self.bytes()) }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies hold people's data and are long.
        write!(f, "Content({} bytes)", self.bytes().len())
    }
}

/// Takes off the bytes of a letter that goes on beyond the end.
fn cut_between_letters(bytes: &mut Vec<u8>) {
    if let Err(error) = str::from_utf8(bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
}

/// The beginning of a JSON text, up to the last element that is whole, with the brackets closed that are open there; `None`
/// where there is no such element.
fn completed(text: &str) -> Option<String> {
    let (mut open, mut is_quoted, mut is_escaped) = (Vec::new(), false, false);
    let mut last = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'{' => open.push('}'),
            b'[' => open.push(']'),
            b'}' | b']' => {
                open.pop()?;
                last = Some((at + 1, open.len()));
            }
            b',' => last = Some((at, open.len())),
            _ => {}
        }
    }
    let (end, depth) = last?;
    // What was opened behind that is not in it.
    let closing: String = open.iter().take(depth).rev().collect();
    Some(format!("{}{closing}", &text[..end]))
}

/// The scopes that an error names: in the header of RFC 6750 §3, or in the body as CRM does.
fn named_scopes(response: &Response) -> Vec<String> {
    let header = response.header("www-authenticate").and_then(|text| text.split_once("scope=\"")?.1.split('"').next());
    let body = Some(&response.body).filter(|body| body.len() <= LONGEST_ERROR);
    let body: Value = body.and_then(|body| decode::json(body).ok()).unwrap_or_default();
    let listed = body.pointer("/details/permissions").and_then(Value::as_array).into_iter().flatten();
    let words = header.into_iter().flat_map(|text| text.split([' ', ',']));
    words.chain(listed.filter_map(Value::as_str)).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// The beginning of `bytes` in hexadecimal digits and letters.
pub fn in_hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (number, line) in bytes[..bytes.len().min(MOST_HEXADECIMAL)].chunks(BYTES_A_LINE).enumerate() {
        let digits = |half: &[u8]| half.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let (first, second) = line.split_at(line.len().min(BYTES_A_LINE / 2));
        let letter = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' };
        let letters: String = line.iter().map(letter).collect();
        let at = number * BYTES_A_LINE;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{at:08x} {:<8} {:<8} {letters}", digits(first), digits(second));
    }
    if bytes.len() > MOST_HEXADECIMAL {
        let _ = writeln!(text, "... {} bytes more", bytes.len() - MOST_HEXADECIMAL);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Content, Received, completed, cut_between_letters, in_hexadecimal, named_scopes};
    use crate::http::Response;
    use crate::http::charset::Charset;
    use crate::service::Answer;

    #[test]
    fn text_is_what_can_be_read_without_nul() {
        let of = |body: &[u8], charset| Content::new(body.to_vec(), charset);
        assert!(matches!(of(b"{}", Charset::Utf8), Content::Text(_)));
        assert!(matches!(of(b"a\0", Charset::Utf8), Content::Binary(_)));
        assert!(matches!(of(b"\xff\xd8", Charset::Utf8), Content::Binary(_)));
        for (body, charset, expected) in [
            (&b"caf\xe9"[..], Charset::Windows1252, Some("café")),
            (b"\xff\xfea\0", Charset::Utf16Le, Some("a")),
            (b"a\0", Charset::Windows1252, None),
            (b"\0\0", Charset::Utf16Be, None),
        ] {
            let content = of(body, charset);
            assert_eq!(content.bytes(), body);
            let text = if let Content::Encoded(text, _) = &content { Some(&**text) } else { None };
            assert_eq!(text, expected, "{body:?}");
        }
    }

    #[test]
    fn json_is_taken_apart_in_the_encoding_that_it_is_in() {
        for (charset, body) in [
            ("iso-8859-1", &b"[\"\xe9\"]"[..]),
            ("iso-8859-1", "[\"é\"]".as_bytes()),
            ("utf-8", b"\xff\xfe[\0\"\0\xe9\0\"\0]\0"),
            ("utf-16", b"\0[\0\"\0\xe9\0\"\0]"),
        ] {
            let headers = vec![("content-type".to_owned(), format!("application/json; charset={charset}"))];
            let response = Response { status: 200, headers, body: body.to_vec() };
            let answer = Answer { response, took: Duration::ZERO, explained: None, long: None };
            let received = Received::new(answer);
            assert_eq!(received.fault, None, "{charset}");
            assert!(received.document.is_json() && received.document.text().contains("\"é\""), "{charset}");
            assert_eq!(received.content.bytes(), body, "{charset}");
        }
    }

    #[test]
    fn the_beginning_of_a_json_text_is_completed_after_its_last_whole_element() {
        for (text, expected) in [
            (r#"{"data":[{"a":1},{"b":"x,]"},{"c"#, Some(r#"{"data":[{"a":1},{"b":"x,]"}]}"#)),
            (r#"[1,[2,3],{"a":"\\","b":2"#, Some(r#"[1,[2,3],{"a":"\\"}]"#)),
            ("[[1,2],[3", Some("[[1,2]]")),
            ("[[1,2]", Some("[[1,2]]")),
            ("[1", None),
            ("plain, text", Some("plain")),
            ("a]", None),
        ] {
            assert_eq!(completed(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn no_letter_is_cut_in_two() {
        for (bytes, expected) in [("né".as_bytes(), "né"), (&"né".as_bytes()[..2], "n")] {
            let mut bytes = bytes.to_vec();
            cut_between_letters(&mut bytes);
            assert_eq!(bytes, expected.as_bytes());
        }
    }

    #[test]
    fn scopes_are_read_from_where_errors_name_them() {
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"ZohoCRM.org.READ ZohoCRM.users.READ\"";
        let response = Response {
            status: 403,
            headers: vec![("www-authenticate".to_owned(), challenge.to_owned())],
            body: br#"{"code":"OAUTH_SCOPE_MISMATCH","details":{"permissions":["ZohoCRM.coql.READ",7]}}"#.to_vec(),
        };
        assert_eq!(named_scopes(&response), ["ZohoCRM.org.READ", "ZohoCRM.users.READ", "ZohoCRM.coql.READ"]);
    }

    #[test]
    fn bytes_are_shown_eight_a_line_with_their_letters() {
        let text = in_hexadecimal(b"\x89PNG\r\n\x1a\n\0\0");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines, ["00000000 89504e47 0d0a1a0a .PNG....", "00000008 0000              .."]);
        let long = in_hexadecimal(&vec![b'a'; 70_000]);
        assert!(long.ends_with("... 4464 bytes more\n"));
    }
}
