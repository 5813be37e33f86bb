//! Dates as HTTP has them.

use jiff::Timestamp;

/// Reads a date in one of the three forms that answers may have (RFC 9110 §5.6.7). The day of the week, which servers get wrong
/// and which adds nothing, is passed over, and the zone may stand in digits.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let date = match text.split_once(',') {
        Some((_, date)) => date.trim_start().to_owned(),
        None => format!("{} GMT", text.split_once(' ')?.1.trim_start()),
    };
    let local = ["GMT", "UTC"].iter().find_map(|zone| date.strip_suffix(zone));
    let date = local.map_or_else(|| date.clone(), |local| format!("{local}+0000"));
    let forms = ["%d %b %Y %H:%M:%S %z", "%d-%b-%y %H:%M:%S %z", "%b %e %H:%M:%S %Y %z"];
    forms.into_iter().find_map(|form| Timestamp::strptime(form, &date).ok())
}
