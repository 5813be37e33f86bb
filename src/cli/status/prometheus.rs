//! The status in the text format of Prometheus, for the textfile collector of its node exporter.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::super::named_file::Unwritten;
use super::Seen;
use crate::error::{Code, Error};
use crate::files::{self, Readers, Replacement, expanded};
use crate::service::State;

/// The exporter runs as another user.
const READERS: Readers = Readers { mode: 0o644, group: None };

/// The metrics of these profiles.
pub(super) fn text(seen: &[Seen], now: Timestamp) -> String {
    let mut text = String::new();
    let states = seen.iter().flat_map(|seen| {
        let status = &seen.status;
        State::ALL.map(|state| {
            (vec![("profile", status.name.as_str()), ("state", state.word())], i64::from(status.state == state))
        })
    });
    family(&mut text, "profile_state", "Whether the profile is in this state, 1 or 0.", states);
    let of_profile = |value: fn(&Seen, Timestamp) -> Option<i64>| {
        seen.iter().filter_map(move |seen| Some((vec![("profile", seen.status.name.as_str())], value(seen, now)?)))
    };
    family(
        &mut text,
        "access_token_expires_timestamp_seconds",
        "When the access token ends, in Unix time.",
        of_profile(|seen, _| seen.status.access_token_expires_at.map(Timestamp::as_second)),
    );
    family(
        &mut text,
        "refresh_budget_used",
        "Refreshes in the provider's running window.",
        of_profile(|seen, now| i64::try_from(seen.status.budget.as_ref()?.used(now)).ok()),
    );
    family(
        &mut text,
        "refresh_budget_limit",
        "Refreshes that the provider allows in one window.",
        of_profile(|seen, _| i64::try_from(seen.status.budget.as_ref()?.limit).ok()),
    );
    family(
        &mut text,
        "refresh_not_before_timestamp_seconds",
        "Until when no new access token can be had, in Unix time; left out where one can be.",
        of_profile(|seen, _| seen.waits_until.map(Timestamp::as_second)),
    );
    family(
        &mut text,
        "last_refresh_timestamp_seconds",
        "When a new access token was last asked for, in Unix time.",
        of_profile(|seen, _| Some(seen.status.last_refresh.as_ref()?.at.as_second())),
    );
    family(
        &mut text,
        "last_refresh_success",
        "Whether that brought one, 1 or 0.",
        of_profile(|seen, _| Some(seen.status.last_refresh.as_ref()?.error.is_none().into())),
    );
    let is_read = seen.iter().all(|seen| seen.status.problem.is_none() && seen.status.away.is_none());
    success(&mut text, is_read);
    text
}

/// The metrics for when nothing is known: those of earlier are not left to be taken for new ones.
pub(super) fn failed() -> String {
    let mut text = String::new();
    success(&mut text, false);
    text
}

fn success(text: &mut String, is_read: bool) {
    let help = "Whether the configuration and every record could be read, 1 or 0.";
    family(text, "status_success", help, std::iter::once((Vec::new(), is_read.into())));
}

/// All samples of one metric, behind what it means. A metric without samples is left out.
fn family<'a>(
    text: &mut String,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (Vec<(&'static str, &'a str)>, i64)>,
) {
    let mut samples = samples.peekable();
    if samples.peek().is_none() {
        return;
    }
    // Writing into a text cannot fail.
    let _ = writeln!(text, "# HELP device_login_{name} {help}\n# TYPE device_login_{name} gauge");
    for (labels, value) in samples {
        let labels: Vec<String> =
            labels.into_iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(text, "device_login_{name}{labels} {value}");
    }
}

/// The value of a label (Prometheus' text format 0.0.4).
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Of metrics that were written before: those of 10,000 profiles have a quarter of it.
const MOST: u32 = 64 << 20;

/// Puts the metrics into a file that is replaced whole, and may be read by everybody.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let path = expanded(path);
    // A slip of the hand would cost a key or a record.
    let are_metrics = |text: &str| text.is_empty() || text.starts_with("# HELP device_login_");
    if path.is_file() && !files::read_text(&path, MOST).is_ok_and(|text| are_metrics(&text)) {
        return Err(Error::new(Code::Usage, format!("the metrics cannot be written to {}", path.display()))
            .because("it is there, and holds something else")
            .advise("name another file"));
    }
    let unwritten = Unwritten { what: format!("the metrics cannot be written to {}", path.display()), file: &path };
    unwritten.unless_written(Replacement::for_readers(&path, READERS), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{escaped, family};

    #[test]
    fn values_of_labels_are_escaped_and_metrics_without_samples_left_out() {
        assert_eq!(escaped("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
        let mut text = String::new();
        family(&mut text, "none", "Nothing.", std::iter::empty());
        assert_eq!(text, "");
    }
}
