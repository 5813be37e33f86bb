//! Dates as HTTP has them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads a date in one of the three forms that answers may have (RFC 9110 §5.6.7).
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let date = forms.into_iter().find_map(|form| DateTime::strptime(form, text.trim()).ok())?;
    date.to_zoned(TimeZone::UTC).ok().map(|date| date.timestamp())
}
