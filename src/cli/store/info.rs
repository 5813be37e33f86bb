//! `store info`: where the records are, and what guards them.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::advice::Program;
use crate::cli::context::Context;
use crate::cli::output::ErrorJson;
use crate::cli::words;
use crate::error::{Advice, Code, Error};
use crate::sorted;
use crate::storage::{DatabaseDetails, StoreInfo};

/// Say where the records are, what guards them, and what is under way
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login store info
  device-login store info --json")]
pub(super) struct Info {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct InfoJson<'a> {
    schema_version: u32,
    kind: &'a str,
    place: &'a str,
    key: KeyJson<'a>,
    /// How many the configuration has.
    profiles: usize,
    /// How many the store has.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<usize>,
    in_spare: BTreeMap<&'a str, &'a str>,
    moved: BTreeMap<&'a str, &'a str>,
    /// When the store said what this machine knows of an access token.
    copies: BTreeMap<&'a str, Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_written: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
    #[serde(flatten)]
    details: Option<&'a DatabaseDetails>,
}

#[derive(Serialize)]
struct KeyJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// While records are sealed anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Info {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        context.output.use_json(self.json);
        let service = context.service()?;
        let mut info = context.interrupts.block_on(service.store_info())?;
        let is_away = info.trouble.is_some();
        let trouble = info.trouble.take().map(Error::from);
        let profiles = service.config.profiles.len();
        if self.json {
            context.output.json(&json(&info, profiles, is_away, trouble.as_ref(), &context.output.program))?;
        } else {
            context.output.text(&lines(&info, profiles, is_away, &context.output.program).join("\n"))?;
        }
        match trouble {
            Some(error) if self.json => return Ok(error.code.exit_code()),
            Some(error) => return Err(error),
            None => {}
        }
        Ok(info.protection.as_ref().map_or(Code::Store.exit_code(), |_| 0))
    }
}

fn json<'a>(
    info: &'a StoreInfo,
    profiles: usize,
    is_away: bool,
    trouble: Option<&Error>,
    program: &Program,
) -> InfoJson<'a> {
    let (protection, problem) = match &info.protection {
        Ok(protection) => (Some(protection), None),
        Err(error) => (None, Some(error.to_string())),
    };
    InfoJson {
        schema_version: 1,
        kind: info.kind.word(),
        place: &info.place,
        key: KeyJson {
            source: protection.map(|protection| protection.key.word()),
            grade: protection.map(|protection| protection.grade().word()),
            id: info.key_id.as_deref(),
            old_id: info.old_key_id.as_deref(),
            problem,
        },
        profiles,
        records: (!is_away).then_some(info.profiles.len()),
        in_spare: sorted::map(info.in_spare.iter().map(|(profile, place)| (profile.as_str(), place.as_str()))),
        moved: sorted::map(info.moved.iter().map(|(profile, to)| (profile.as_str(), to.as_str()))),
        copies: sorted::map(info.copies.iter().map(|(profile, as_of)| (profile.as_str(), *as_of))),
        last_written: info.last_written,
        error: trouble.map(|error| ErrorJson::of(error, program)),
        details: info.details.as_ref(),
    }
}

fn lines(info: &StoreInfo, profiles: usize, is_away: bool, program: &Program) -> Vec<String> {
    let line = |name: &str, value: &str| format!("{name:<15} {value}");
    let mut lines = vec![line("store", &format!("{}: {}", info.kind.word(), info.place))];
    if let Some(details) = &info.details {
        lines.extend([
            line("database", &details.database),
            line("role", &details.role),
            line("server version", &details.server_version),
            line("tables version", &details.tables_version.to_string()),
            line("standby", &details.standby.to_string()),
            line("read-only", &details.read_only.to_string()),
            line("synchronous commit", &details.synchronous_commit),
        ]);
    }
    let id = info.key_id.as_ref().map(|id| format!(", {id}")).unwrap_or_default();
    match &info.protection {
        Ok(protection) => {
            lines.push(line("key", &format!("{}{id}", protection.key.word())));
            lines.push(line("protection", &protection.to_string()));
            lines.extend(protection.warning().map(|warning| line("", &warning)));
        }
        Err(error) => lines.push(line("key", &format!("cannot be had{id}: {error}"))),
    }
    if let Some(old) = &info.old_key_id {
        let rekey = program.said(&Advice::RekeyStore.and(" to go on with that"));
        let old = format!("records are being sealed anew, in place of {old}; {rekey}");
        lines.push(line("", &old));
    }
    let records = if is_away { String::new() } else { format!(", {} with a record", info.profiles.len()) };
    lines.push(line("profiles", &format!("{profiles} configured{records}")));
    let in_spare = info.in_spare.iter().map(|(profile, place)| line("spare place", &format!("{profile}: {place}")));
    lines.extend(in_spare);
    lines.extend(
        info.copies
            .iter()
            .map(|(profile, as_of)| line("copy", &format!("{profile}: of {}", words::date_and_time(*as_of)))),
    );
    lines.extend(
        info.last_written.map(|at| line("last written", &format!("{}, by this machine", words::date_and_time(at)))),
    );
    lines.extend(info.moved.iter().map(|(profile, to)| line("moved", &format!("{profile}: {to}"))));
    lines
}
