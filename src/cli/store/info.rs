//! `store info`: where the records are, and what guards them.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::error::{Code, Error};
use crate::storage::{Protection, StoreInfo};

/// Say where the records are, what guards them, and what is under way
#[derive(Args)]
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
    records: usize,
    in_spare: BTreeMap<&'a str, &'a str>,
    moved: BTreeMap<&'a str, &'a str>,
    #[serde(flatten)]
    details: BTreeMap<&'a str, &'a str>,
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
        if self.json {
            context.output.use_json();
        }
        let service = context.service()?;
        let info = context.interrupts.block_on(service.store_info())?;
        let profiles = service.config.profiles.len();
        if self.json {
            context.output.json(&json(&info, profiles))?;
        } else {
            context.output.text(&lines(&info, profiles).join("\n"))?;
        }
        Ok(info.protection.as_ref().map_or(Code::Store.exit_code(), |_| 0))
    }
}

fn json(info: &StoreInfo, profiles: usize) -> InfoJson<'_> {
    let (protection, problem) = match &info.protection {
        Ok(protection) => (Some(protection), None),
        Err(error) => (None, Some(error.to_string())),
    };
    InfoJson {
        schema_version: 1,
        kind: info.kind,
        place: &info.place,
        key: KeyJson {
            source: protection.map(|protection| protection.key.word()),
            grade: protection.map(Protection::grade),
            id: info.key_id.as_deref(),
            old_id: info.old_key_id.as_deref(),
            problem,
        },
        profiles,
        records: info.profiles.len(),
        in_spare: info.in_spare.iter().map(|(profile, place)| (profile.as_str(), place.as_str())).collect(),
        moved: info.moved.iter().map(|(profile, to)| (profile.as_str(), to.as_str())).collect(),
        details: info.details.iter().map(|(name, value)| (*name, value.as_str())).collect(),
    }
}

fn lines(info: &StoreInfo, profiles: usize) -> Vec<String> {
    let line = |name: &str, value: &str| format!("{name:<15} {value}");
    let mut lines = vec![line("store", &format!("{}: {}", info.kind, info.place))];
    lines.extend(info.details.iter().map(|(name, value)| line(&name.replace('_', " "), value)));
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
        let old =
            format!("records are being sealed anew, in place of {old}: `device-login store rekey` goes on with that");
        lines.push(line("", &old));
    }
    lines.push(line("profiles", &format!("{profiles} configured, {} with a record", info.profiles.len())));
    let in_spare = info.in_spare.iter().map(|(profile, place)| line("spare place", &format!("{profile}: {place}")));
    lines.extend(in_spare);
    lines.extend(info.moved.iter().map(|(profile, to)| line("moved", &format!("{profile}: {to}"))));
    lines
}
