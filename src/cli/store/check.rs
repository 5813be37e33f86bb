//! `store check`: reads everything, and mends what can be mended.

use clap::Args;
use serde::Serialize;

use crate::cli::advice::Program;
use crate::cli::context::Context;
use crate::cli::output::ErrorJson;
use crate::cli::profile::advice_on_left_over;
use crate::error::Error;
use crate::service::Service;
use crate::storage::{Checked, Finding, FindingKind};
use crate::words::counted;

/// Read everything that the store has, and say what is damaged, too old or of nobody
///
/// Asks no provider. Ends with 0 where all is well, with 1 where something is damaged, with 9 where the store cannot be used or a
/// profile cannot be mended.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login store check
  device-login store check --repair
  device-login store check --json")]
pub(super) struct Check {
    /// Set aside what is damaged, bring back what can be brought back, and delete what dead writers left over
    #[arg(long)]
    repair: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    schema_version: u32,
    sound: bool,
    records: usize,
    read: usize,
    findings: Vec<FindingJson<'a>>,
    /// What `--repair` did.
    repaired: &'a [String],
    /// What it could not do first.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    profile: &'a str,
    kind: &'static str,
    damage: bool,
    place: &'a str,
    problem: &'a str,
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        context.output.use_json(self.json);
        let service = context.service()?;
        let mut checked = context.interrupts.block_on(service.check_store())?;
        let (mut repaired, mut failed) = (Vec::new(), None);
        if self.repair {
            (repaired, failed) = context.interrupts.block_on(async { Ok(service.repair_store(checked).await) })?;
            // What was done is told, whatever the store does next.
            if !self.json && !repaired.is_empty() {
                context.output.text(&repaired.join("\n"))?;
            }
            checked = context.interrupts.block_on(service.check_store())?;
        }
        let is_sound = !checked.findings.iter().any(|finding| finding.kind.is_damage());
        if self.json {
            context.output.json(&CheckJson {
                schema_version: 1,
                sound: is_sound,
                records: checked.profiles,
                read: checked.read,
                findings: checked.findings.iter().map(finding_json).collect(),
                repaired: &repaired,
                error: failed.as_ref().map(|error| ErrorJson::of(error, &context.output.program)),
            })?;
        } else {
            let verdict = if is_sound { "all is well" } else { "something is damaged" };
            context.output.text(&lines(&checked, verdict, &service, &context.output.program).join("\n"))?;
        }
        match failed {
            Some(error) if self.json => Ok(error.code.exit_code()),
            Some(error) => Err(error),
            None => Ok(u8::from(!is_sound)),
        }
    }
}

fn finding_json(finding: &Finding) -> FindingJson<'_> {
    let Finding { profile, kind, place, problem } = finding;
    FindingJson { profile: profile.as_str(), kind: kind.word(), damage: kind.is_damage(), place, problem }
}

fn lines(checked: &Checked, verdict: &str, service: &Service, program: &Program) -> Vec<String> {
    let mut lines = Vec::new();
    for Finding { profile, kind, place, problem } in &checked.findings {
        let word = if kind.is_damage() { "damage" } else { "note" };
        let left =
            Some(kind).filter(|kind| **kind == FindingKind::Unconfigured).and_then(|_| service.left_over(profile));
        let helps = left.map(|left| advice_on_left_over(service, profile, left));
        let helps = helps.map(|helps| format!("; {}", program.in_line(&helps))).unwrap_or_default();
        lines.push(format!("{word}: {profile}: {place}: {problem}{helps}"));
    }
    let (records, read) = (counted(checked.profiles as u64, "profile"), counted(checked.read as u64, "thing"));
    lines.push(format!("{records} with a record, {read} read: {verdict}."));
    lines
}
