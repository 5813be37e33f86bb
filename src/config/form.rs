//! The form of a text that is changed: its byte order mark and its ends of lines, which TOML does not mean and whose file
//! belongs to somebody.

const MARK: char = '\u{feff}';

/// The text without its mark.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// `changed` in the form of the text that it was made of: a line that stayed ends as it did, a new one as most do, and the
/// last one not at all where it did not.
pub(super) fn kept(before: &str, changed: &str) -> String {
    let mut text = if before.starts_with(MARK) { MARK.to_string() } else { String::new() };
    if before.contains('\r') || changed.contains('\r') {
        ended(&mut text, without_mark(before), changed);
    } else {
        text.push_str(changed);
    }
    if !before.is_empty() && !before.ends_with('\n') {
        let bare = text.trim_end_matches('\n').trim_end_matches('\r').len();
        text.truncate(bare);
    }
    text
}

/// Adds the lines of `changed` with the ends that they had before.
fn ended(text: &mut String, before: &str, changed: &str) {
    let old: Vec<(&str, &str)> = before.split_inclusive('\n').map(parted).collect();
    let of_windows = old.iter().filter(|(_, end)| *end == "\r\n").count();
    let usual = if of_windows * 2 > old.len() { "\r\n" } else { "\n" };
    let is_mixed = of_windows > 0 && old.iter().any(|(_, end)| *end == "\n");
    let mut ahead = &old[..];
    for line in changed.split_inclusive('\n') {
        let (line, end) = parted(line);
        text.push_str(line);
        if end.is_empty() {
            continue;
        }
        // Where all lines end alike, no old line need be looked for.
        let found = match line {
            _ if !is_mixed => None,
            // Any other one would be of somewhere else.
            "" => ahead.first().filter(|(old, _)| old.is_empty()).map(|_| 0),
            line => ahead.iter().position(|(old, _)| *old == line),
        };
        match found {
            Some(index) => {
                let (_, end) = ahead[index];
                ahead = &ahead[index + 1..];
                text.push_str(if end.is_empty() { usual } else { end });
            }
            None => text.push_str(usual),
        }
    }
}

/// A line and its end.
fn parted(line: &str) -> (&str, &str) {
    let bare = line.strip_suffix('\n').unwrap_or(line);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    line.split_at(bare.len())
}
