//! `doctor`: what may stand between this machine and a token, a line each.

mod terminal;

use clap::Args;
use serde::Serialize;

use super::Positional;
use super::advice::Program;
use super::colors::{BOLD_RED, CYAN, RESET, YELLOW};
use super::context::Context;
use super::table::{Room, folded};
use crate::error::Error;
use crate::service::doctor::{Check, Verdict};

const EXAMPLES: &str = "Examples:
  device-login doctor
  device-login doctor work
  device-login doctor --json";

/// Look at clock, network, certificates, store, files, terminal and environment, and say what helps
///
/// Changes nothing and needs no configuration. Servers are sent one request without a token; the token endpoint is asked to
/// refresh with a token that is nobody's, which tells whether it knows the client, or, before a first sign-in at one of
/// several data centers, for a code with a scope that is nobody's. Takes ten seconds at most. Ends with 0
/// where all is well, with 1 after warnings, with 2 after errors.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Doctor {
    #[command(flatten)]
    profile: Positional,
    /// Print one JSON object: the worst `verdict`, and `checks` with `subject`, `about`, `verdict`, `seen` and `hint`, of which
    /// `about` and `hint` may be missing
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
    subject: &'static str,
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

impl Doctor {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        context.output.use_json(self.json);
        let patient = context.patient(&self.profile);
        let mut checks = context.interrupts.block_on(async { Ok(patient.examine().await) })?;
        checks.extend(terminal::checks(context));
        let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok);
        if self.json {
            let checks = checks.iter().map(|check| check_json(check, &context.output.program)).collect();
            context.output.json(&DoctorJson { schema_version: 1, verdict: verdict.word(), checks })?;
        } else {
            context.output.fitted(|room, guarded| lines(&checks, &context.output.program, room, guarded))?;
        }
        Ok(verdict as u8)
    }
}

fn check_json<'a>(check: &'a Check, program: &Program) -> CheckJson<'a> {
    let hint = (!check.advice.is_empty()).then(|| program.for_programs(&check.advice));
    let Check { subject, about, verdict, seen, .. } = check;
    CheckJson { subject: subject.word(), about, verdict: verdict.word(), seen, hint }
}

fn lines(checks: &[Check], program: &Program, room: Room, guarded: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut lines: Vec<String> = checks.iter().flat_map(|check| of_check(check, program, room, guarded)).collect();
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    lines.push(match (count(Verdict::Error), count(Verdict::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (errors, warnings) => format!("Errors: {errors}, warnings: {warnings}."),
    });
    lines
}

/// `ok       clock        what was seen`, and what helps below it.
fn of_check(check: &Check, program: &Program, room: Room, guarded: &dyn Fn(&str) -> String) -> Vec<String> {
    let seen = match check.about.as_str() {
        "" => check.seen.clone(),
        about if check.seen.starts_with(about) => check.seen.clone(),
        about => format!("{about}: {}", check.seen),
    };
    let hint = (!check.advice.is_empty()).then(|| format!("hint: {}", program.in_line(&check.advice)));
    let (seen, hint) = (guarded(&seen), hint.map(|hint| guarded(&hint)));
    let word = check.verdict.word();
    let color = match check.verdict {
        Verdict::Ok => CYAN,
        Verdict::Warning => YELLOW,
        Verdict::Error => BOLD_RED,
    };
    let head = format!("{word:<9}{:<14}", check.subject.word());
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

#[cfg(test)]
mod tests {
    use crate::service::doctor::Subject;

    use super::{BOLD_RED, CYAN, Check, Program, RESET, Room, YELLOW, lines};

    #[test]
    fn lines_fit_every_width_and_lose_no_word() {
        let long = "a clause of many words that goes on for longer than a narrow window has columns for it";
        let mend =
            || Check::warning(Subject::Configuration, "web-01.example.com", long).advise(long).advise("and that");
        let checks = [
            Check::ok(Subject::Tls, "", "well"),
            mend(),
            Check::error(Subject::FileSystem, "", long).advise("mend it"),
        ];
        for columns in [None, Some(40), Some(59), Some(60), Some(80), Some(120), Some(200)] {
            for has_color in [false, true] {
                let lines = lines(&checks, &Program::default(), Room { columns, cut: "", has_color }, &str::to_owned);
                let plain: Vec<String> =
                    lines.iter().map(|line| strip(line, &[CYAN, YELLOW, BOLD_RED, RESET])).collect();
                let widest = plain.iter().map(String::len).max().unwrap_or_default();
                assert!(columns.is_none_or(|columns| widest <= columns), "{columns:?}: {plain:#?}");
                assert_eq!(lines != plain, has_color, "{lines:#?}");
                let words = plain.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
                for part in [
                    "ok TLS well",
                    &format!("warning configuration web-01.example.com: {long} hint: {long}; and that"),
                    &format!("error file system {long} hint: mend it"),
                    "Errors: 1, warnings: 1.",
                ] {
                    assert!(words.contains(part), "{columns:?}: {part}\n{words}");
                }
            }
        }
        let well =
            lines(&checks[..1], &Program::default(), Room { columns: None, cut: "", has_color: false }, &str::to_owned);
        assert_eq!(well, ["ok       TLS           well", "All is well."]);
    }

    fn strip(line: &str, colors: &[&str]) -> String {
        colors.iter().fold(line.to_owned(), |line, color| line.replace(color, ""))
    }
}
