//! `doctor`: what may stand between this machine and a token, a line each.

mod terminal;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::table::{Room, folded};
use super::{Positional, advice};
use crate::error::Error;
use crate::service::doctor::{Check, Verdict};

const EXAMPLES: &str = "Examples:
  device-login doctor
  device-login doctor work
  device-login doctor --json";

/// Look at clock, network, certificates, store, files, terminal and environment, and say what helps
///
/// Changes nothing and needs no configuration. Servers are sent one request without a token; the token endpoint is asked to
/// refresh with a token that is nobody's, which tells whether it knows the client. Takes ten seconds at most. Ends with 0
/// where all is well, with 1 after warnings, with 2 after errors.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Doctor {
    #[command(flatten)]
    profile: Positional,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct DoctorJson<'a> {
    schema_version: u32,
    verdict: &'static str,
    checks: Vec<CheckJson<'a>>,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    about: &'a str,
    verdict: &'static str,
    seen: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Where what was seen begins, behind the verdict and the subject.
const INDENT: usize = 23;

/// On fewer columns it has a line of its own.
const NARROW: usize = 60;

const COLORS: [(Verdict, &str); 3] =
    [(Verdict::Ok, "\u{1b}[36m"), (Verdict::Warning, "\u{1b}[33m"), (Verdict::Error, "\u{1b}[1;31m")];
const RESET: &str = "\u{1b}[0m";

impl Doctor {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        if self.json {
            context.output.use_json();
        }
        let patient = context.patient(&self.profile);
        let mut checks = context.interrupts.block_on(async { Ok(patient.examine().await) })?;
        checks.extend(terminal::checks(context));
        let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok);
        if self.json {
            let checks = checks.iter().map(check_json).collect();
            context.output.json(&DoctorJson { schema_version: 1, verdict: verdict.word(), checks })?;
        } else {
            context.output.fitted(|room, guarded| lines(&checks, room, guarded))?;
        }
        Ok(verdict as u8)
    }
}

fn check_json(check: &Check) -> CheckJson<'_> {
    let hint = (!check.advice.is_empty()).then(|| advice::in_line(&check.advice));
    let Check { subject, about, verdict, seen, .. } = check;
    CheckJson { subject, about, verdict: verdict.word(), seen, hint }
}

fn lines(checks: &[Check], room: Room, guarded: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut lines: Vec<String> = checks.iter().flat_map(|check| of_check(check, room, guarded)).collect();
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    lines.push(match (count(Verdict::Error), count(Verdict::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (errors, warnings) => format!("Errors: {errors}, warnings: {warnings}."),
    });
    lines
}

/// `ok       clock        what was seen`, and what helps below it.
fn of_check(check: &Check, room: Room, guarded: &dyn Fn(&str) -> String) -> Vec<String> {
    let seen = match check.about.as_str() {
        "" => check.seen.clone(),
        about => format!("{about}: {}", check.seen),
    };
    let hint = (!check.advice.is_empty()).then(|| format!("hint: {}", advice::in_line(&check.advice)));
    let (seen, hint) = (guarded(&seen), hint.map(|hint| guarded(&hint)));
    let word = check.verdict.word();
    let color = COLORS.iter().find(|(verdict, _)| *verdict == check.verdict).map_or("", |(_, color)| color);
    let head = format!("{word:<9}{:<14}", check.subject);
    let is_narrow = room.columns.is_some_and(|columns| columns < NARROW);
    let indent = if is_narrow { "  ".to_owned() } else { " ".repeat(INDENT) };
    let fit = |begin: &str, text: &str| match room.columns {
        Some(columns) => folded(begin, text, columns, &indent),
        None => vec![format!("{begin}{text}")],
    };
    let mut lines = if is_narrow { vec![head.trim_end().to_owned()] } else { Vec::new() };
    lines.extend(fit(if is_narrow { &indent } else { &head }, &seen));
    lines.extend(hint.into_iter().flat_map(|hint| fit(&indent, &hint)));
    if room.has_color
        && let Some(first) = lines.first_mut()
    {
        first.replace_range(..word.len(), &format!("{color}{word}{RESET}"));
    }
    lines
}
