//! Percent signs of addresses.

use super::Problem;

/// The text behind percent signs. Unlike in a form, a `+` is one.
pub(super) fn decoded(text: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let byte = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(
            byte.filter(|byte| *byte != 0).ok_or("behind a `%` two hexadecimal digits have to stand; `%25` is one")?,
        );
    }
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8 behind its percent signs".to_owned())
}

pub(super) fn encoded(text: &str) -> String {
    encoded_but(text, b"")
}

/// The same, where some characters more stand for themselves.
pub(super) fn encoded_but(text: &str, plain: &[u8]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
