//! Forms with files (RFC 7578), written as curl's `-F` takes them.

use std::fmt;
use std::io;
use std::path::Path;

use super::source::{Source, Unreadable};
use super::upload::{Piece, Upload};
use crate::random;
use crate::tables::Pairs;

/// The media type of such a form; the boundary follows it.
pub const MULTIPART: &str = "multipart/form-data";
/// The media type of what is nothing but bytes.
pub const BYTES: &str = "application/octet-stream";

/// Media types by the ending of a file's name.
const MEDIA_TYPES: Pairs = Pairs(
    "csv    text/csv
    docx   application/vnd.openxmlformats-officedocument.wordprocessingml.document
    gif    image/gif
    gz     application/gzip
    htm    text/html
    html   text/html
    jpeg   image/jpeg
    jpg    image/jpeg
    json   application/json
    jsonl  application/x-ndjson
    md     text/markdown
    mp4    video/mp4
    ndjson application/x-ndjson
    pdf    application/pdf
    png    image/png
    pptx   application/vnd.openxmlformats-officedocument.presentationml.presentation
    svg    image/svg+xml
    tar    application/x-tar
    txt    text/plain
    xlsx   application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
    xml    application/xml
    yaml   application/yaml
    yml    application/yaml
    zip    application/zip",
);

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    name: String,
    value: Value,
    media_type: Option<String>,
    file_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    /// `@`: sent as a file, with a name of its own.
    File(Source),
    /// `<`: sent as if its content had been written there.
    Content(Source),
}

/// Why a text is no part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPart {
    NoName,
    NoType,
    NoFile,
    OpenQuote,
}

impl fmt::Display for NoPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoPart::NoName => "it has no `=` after its name",
            NoPart::NoType => "its type is none such as `text/csv`",
            NoPart::NoFile => "it names no file",
            NoPart::OpenQuote => "a quote in it is not closed",
        })
    }
}

impl Part {
    /// Reads `name=text`, `name=@FILE` or `name=<FILE`, with `;type=` and `;filename=` behind it.
    pub fn parse(text: &str) -> Result<Self, NoPart> {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or(NoPart::NoName)?;
        let (value, media_type, file_name) = attributes(value)?;
        let value = match value.as_bytes().first() {
            Some(b'@') => Value::File(source(&value)?),
            Some(b'<') => Value::Content(source(&value)?),
            _ => Value::Text(value),
        };
        let fits =
            |media_type: &String| media_type.contains('/') && media_type.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !media_type.as_ref().is_none_or(fits) {
            return Err(NoPart::NoType);
        }
        Ok(Self { name: name.to_owned(), value, media_type, file_name })
    }

    /// What is read for it.
    pub fn source(&self) -> Option<&Source> {
        match &self.value {
            Value::Text(_) => None,
            Value::File(source) | Value::Content(source) => Some(source),
        }
    }

    /// The option by which curl sends the same, and its value. Quotes keep curl from reading anything in a text or a name, and
    /// it knows fewer types.
    pub fn for_curl(&self) -> [String; 2] {
        let (name, media_type) = (&self.name, self.sent_type());
        let value = match &self.value {
            Value::Text(text) if media_type.is_none() && self.file_name.is_none() => {
                return ["--form-string".to_owned(), format!("{name}={text}")];
            }
            Value::Text(text) => in_quotes(text),
            Value::File(source) => format!("@{}", in_quotes(&source.for_curl())),
            // Behind `<` curl drops a name of a file; with a type given, `@` sends the same.
            Value::Content(source) => {
                let sign = if self.file_name.is_some() && media_type.is_some() { '@' } else { '<' };
                format!("{sign}{}", in_quotes(&source.for_curl()))
            }
        };
        let file_name = self.file_name.as_deref().map(|name| format!(";filename={}", in_quotes(name)));
        let media_type = media_type.map(|media_type| format!(";type={media_type}"));
        let (file_name, media_type) = (file_name.unwrap_or_default(), media_type.unwrap_or_default());
        ["--form".to_owned(), format!("{name}={value}{file_name}{media_type}")]
    }

    fn head(&self, boundary: &str) -> String {
        let file_name = self.sent_name().map(|name| format!("; filename=\"{}\"", escaped(&name))).unwrap_or_default();
        let media_type = self.sent_type().map(|media_type| format!("\r\nContent-Type: {media_type}"));
        let (name, media_type) = (escaped(&self.name), media_type.unwrap_or_default());
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}{media_type}\r\n\r\n")
    }

    /// The name of the file that the server is told.
    fn sent_name(&self) -> Option<String> {
        match (&self.file_name, &self.value) {
            (None, Value::File(source)) => Some(source.file_name()),
            (given, _) => given.clone(),
        }
    }

    /// The media type that was given, or that the name of the file promises.
    fn sent_type(&self) -> Option<&str> {
        let promised = || self.sent_name().and_then(|name| promised_type(&name));
        let of_a_file = matches!(self.value, Value::File(_)).then_some(BYTES);
        self.media_type.as_deref().or_else(promised).or(of_a_file)
    }
}

/// The body of a form, and its media type. Files and pipes are opened or read ahead here.
pub fn multipart(parts: &[Part]) -> Result<(Upload, String), Unreadable> {
    let boundary = boundary().map_err(|error| Unreadable { name: "the form".to_owned(), error })?;
    let mut pieces = Vec::new();
    let mut text = String::new();
    for part in parts {
        text += &part.head(&boundary);
        match &part.value {
            Value::Text(value) => text += value,
            Value::File(source) | Value::Content(source) => {
                pieces.extend([Piece::Bytes(std::mem::take(&mut text).into_bytes()), source.open()?]);
            }
        }
        text += "\r\n";
    }
    text.extend(["--", &boundary, "--\r\n"]);
    pieces.push(Piece::Bytes(text.into_bytes()));
    Ok((Upload::new(pieces), format!("{MULTIPART}; boundary={boundary}")))
}

/// Whether a content type asks for a form that is yet to be written.
pub fn is_bare_form(content_type: &str) -> bool {
    let (media_type, rest) = content_type.split_once(';').unwrap_or((content_type, ""));
    media_type.trim().eq_ignore_ascii_case(MULTIPART) && !rest.to_ascii_lowercase().contains("boundary")
}

/// Random, so that nothing that is sent has it.
fn boundary() -> io::Result<String> {
    random::bytes().map(|bytes| format!("device-login-{:032x}", u128::from_be_bytes(bytes)))
}

/// A name between quotes (WHATWG HTML, multipart/form-data encoding algorithm); other characters stay as they are.
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// The media type that the name of a file promises.
pub fn promised_type(file_name: &str) -> Option<&'static str> {
    let extension = Path::new(file_name).extension()?.to_str()?;
    MEDIA_TYPES.of(&extension.to_ascii_lowercase())
}

/// A text as curl reads it between quotes.
fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Takes `;type=` and `;filename=` off the end. Other semicolons belong to what stands before them.
fn attributes(text: &str) -> Result<(String, Option<String>, Option<String>), NoPart> {
    let (mut value, mut media_type, mut file_name) = (text, None, None);
    while let Some((before, name, attribute)) = last_attribute(value) {
        let attribute = unquoted(attribute)?;
        *(if name == "type" { &mut media_type } else { &mut file_name }) = Some(attribute);
        value = before;
    }
    Ok((value.to_owned(), media_type, file_name))
}

fn last_attribute(text: &str) -> Option<(&str, &str, &str)> {
    // A semicolon between quotes separates nothing. As in curl, quotes count where a value begins with one.
    let mut is_quoted = false;
    let mut is_escaped = false;
    let mut begin = 0;
    let mut last = None;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted && begins_value(&text[begin..at]),
            ';' if !is_quoted => {
                begin = at + 1;
                let attribute = attribute(&text[at + 1..]).map(|(name, value)| (&text[..at], name, value));
                last = attribute.or(last);
            }
            _ => {}
        }
    }
    last
}

/// Whether a value begins behind this part of a piece.
fn begins_value(before: &str) -> bool {
    matches!(before.trim(), "" | "@" | "<") || attribute(before).is_some_and(|(_, value)| value.trim().is_empty())
}

fn attribute(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    ["type", "filename"].contains(&name).then_some((name, value))
}

/// `"a \"quoted\" name"` without its quotes. A backslash before anything else means itself, as in curl.
fn unquoted(text: &str) -> Result<String, NoPart> {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('"') else { return Ok(text.to_owned()) };
    let inner = rest.strip_suffix('"').ok_or(NoPart::OpenQuote)?;
    let mut characters = inner.chars().peekable();
    let mut unquoted = String::new();
    while let Some(character) = characters.next() {
        let is_escape = character == '\\' && matches!(characters.peek(), Some('\\' | '"'));
        unquoted.extend(if is_escape { characters.next() } else { Some(character) });
    }
    Ok(unquoted)
}

fn source(value: &str) -> Result<Source, NoPart> {
    let name = unquoted(&value[1..])?;
    if name.is_empty() { Err(NoPart::NoFile) } else { Ok(Source::named(&name)) }
}

#[cfg(test)]
mod tests {
    use super::{Part, boundary};

    fn head(text: &str) -> String {
        Part::parse(text).expect(text).head("B")
    }

    #[test]
    fn parts_are_written_as_curl_takes_them() {
        for (text, expected) in [
            ("a=b", "name=\"a\""),
            ("a=b;c=d", "name=\"a\""),
            ("a=@x/report.CSV", "name=\"a\"; filename=\"report.CSV\"\r\nContent-Type: text/csv"),
            ("a=@x", "name=\"a\"; filename=\"x\"\r\nContent-Type: application/octet-stream"),
            ("a=@x;type=image/png", "name=\"a\"; filename=\"x\"\r\nContent-Type: image/png"),
            ("a=@x;type=image/png;filename=y.txt", "name=\"a\"; filename=\"y.txt\"\r\nContent-Type: image/png"),
            (
                "a=@x;filename=\"y;type=z.pdf\"",
                "name=\"a\"; filename=\"y;type=z.pdf\"\r\nContent-Type: application/pdf",
            ),
            ("a=b;filename=y.txt", "name=\"a\"; filename=\"y.txt\"\r\nContent-Type: text/plain"),
            ("a=b;filename=y", "name=\"a\"; filename=\"y\""),
            ("a=@x;type=a/b; charset=c;filename=d;e", "name=\"a\"; filename=\"d;e\"\r\nContent-Type: a/b; charset=c"),
            (r#"a=b;filename="C:\x\\y\"z""#, r#"name="a"; filename="C:\x\y%22z""#),
            ("a=@\"x;y.txt\"", "name=\"a\"; filename=\"x;y.txt\"\r\nContent-Type: text/plain"),
            ("a=@d\"x.json;type=text/plain", "name=\"a\"; filename=\"d%22x.json\"\r\nContent-Type: text/plain"),
            ("a=@x;filename=y\"z;type=a/b", "name=\"a\"; filename=\"y%22z\"\r\nContent-Type: a/b"),
            ("a=@\"d\\\"x;y\";type=a/b", "name=\"a\"; filename=\"d%22x;y\"\r\nContent-Type: a/b"),
            ("a=@x;y", "name=\"a\"; filename=\"x;y\"\r\nContent-Type: application/octet-stream"),
            ("a=@-", "name=\"a\"; filename=\"-\"\r\nContent-Type: application/octet-stream"),
            ("a=@-;filename=b.zip", "name=\"a\"; filename=\"b.zip\"\r\nContent-Type: application/zip"),
            ("a=<x", "name=\"a\""),
            ("a={\"b\":1};type=application/json", "name=\"a\"\r\nContent-Type: application/json"),
            ("a\"\r\nb=c", "name=\"a%22%0D%0Ab\""),
            ("naïve=@日本 \"語\".txt", "name=\"naïve\"; filename=\"日本 %22語%22.txt\"\r\nContent-Type: text/plain"),
        ] {
            assert_eq!(head(text), format!("--B\r\nContent-Disposition: form-data; {expected}\r\n\r\n"), "{text}");
        }
        for text in ["", "a", "=b", "a=@", "a=@x;type=png", "a=@x;type=a/b\r\nc: d", "a=@\"x"] {
            assert!(Part::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_two_forms_have_one_boundary() {
        let [one, other] = [(); 2].map(|()| boundary().expect("the system has random numbers"));
        assert_ne!(one, other);
    }
}
