//! `store copy`: records go to another store, one profile after the other.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::words;
use crate::config;
use crate::error::Error;
use crate::service::CopiedProfiles;
use crate::shell;
use crate::storage::CopyOutcome;

/// Copy every record to another store, which alone refreshes it from then on
///
/// Nothing is deleted. The records that stay serve their access token to its end, and name the new place. Where this is cut
/// short, the same command goes on with it. Both stores have the same key.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login store copy file:/srv/device-login
  device-login store copy --to-file /etc/device-login/store-url
  device-login store copy postgres://db.example.com/app --keep-both")]
pub(super) struct Copy {
    /// The other store: `file:DIR` or `postgres://HOST/DB`, without a password
    #[arg(value_name = "TO", required_unless_present = "to_file")]
    to: Option<String>,
    /// The file that has the address of the other store, with its password
    #[arg(long, value_name = "FILE", value_parser = words::file_to_read(), conflicts_with = "to")]
    to_file: Option<PathBuf>,
    /// Let both places refresh: only where the provider never replaces refresh tokens
    #[arg(long)]
    keep_both: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct CopyJson<'a> {
    schema_version: u32,
    to: &'a str,
    profiles: Vec<ProfileJson<'a>>,
}

#[derive(Serialize)]
struct ProfileJson<'a> {
    profile: &'a str,
    /// `copied`, `already_there` or `refused`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

impl Copy {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        context.output.use_json(self.json);
        let service = context.service()?;
        let named = match &self.to_file {
            Some(file) => config::store_in_file(file),
            None => config::store_in_argument("`TO`", self.to.as_deref().unwrap_or_default()),
        };
        let (store, address) = context.other_store(named?)?;
        let copied = context.interrupts.block_on(service.copy_store(store, address, self.keep_both))?;
        let is_refused = |outcome: &CopyOutcome| !matches!(outcome, CopyOutcome::Done | CopyOutcome::Already);
        let refused = copied.profiles.iter().filter(|(_, outcome)| is_refused(outcome)).count();
        if self.json {
            context.output.json(&json(&copied))?;
        } else {
            context.output.text(&lines(&copied, refused, self.keep_both).join("\n"))?;
        }
        Ok(u8::from(refused > 0))
    }
}

fn json(copied: &CopiedProfiles) -> CopyJson<'_> {
    let profile = |(profile, outcome)| {
        let (outcome, problem) = match outcome {
            &CopyOutcome::Done => ("copied", None),
            &CopyOutcome::Already => ("already_there", None),
            CopyOutcome::Refused(why) | CopyOutcome::Older(why) | CopyOutcome::Elsewhere(why) => {
                ("refused", Some(why.as_str()))
            }
        };
        ProfileJson { profile, outcome, problem }
    };
    let profiles = copied.profiles.iter().map(|(name, outcome)| profile((name.as_str(), outcome))).collect();
    CopyJson { schema_version: 1, to: &copied.to, profiles }
}

fn lines(copied: &CopiedProfiles, refused: usize, keeps_both: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (profile, outcome) in &copied.profiles {
        lines.push(match outcome {
            CopyOutcome::Done => format!("{profile}: copied"),
            CopyOutcome::Already => format!("{profile}: there already"),
            CopyOutcome::Refused(why) | CopyOutcome::Older(why) | CopyOutcome::Elsewhere(why) => {
                format!("{profile}: not copied: {why}")
            }
        });
    }
    let (there, to) = (copied.profiles.len() - refused, &copied.to);
    lines.push(format!("{there} of {} profiles are in {to} now.", copied.profiles.len()));
    let of = |is_meant: fn(&CopyOutcome) -> bool| {
        let meant = copied.profiles.iter().filter(|(_, outcome)| is_meant(outcome));
        let names: Vec<String> = meant.map(|(profile, _)| format!("`{profile}`")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(elsewhere) = of(|outcome| matches!(outcome, CopyOutcome::Elsewhere(_))) {
        lines.push(format!(
            "Not copied: {elsewhere}. Here nothing is refreshed of that: use the store that it has moved to; where that is lost for good, \
             `logout NAME --local` forgets what is here, and `login NAME` signs in anew."
        ));
    }
    if let Some(older) = of(|outcome| matches!(outcome, CopyOutcome::Older(_))) {
        let store = shell::word(to);
        lines.push(format!(
            "Not copied: {older}, and refreshed here still. Where what is here is the one to keep, `--store {store} logout NAME --local` forgets the one there, and the \
             same command copies it."
        ));
    }
    if let Some(stay) = of(|outcome| matches!(outcome, CopyOutcome::Refused(_))).filter(|_| !keeps_both) {
        let others = if there > 0 {
            " The others are refreshed there only; here they serve their token to its end."
        } else {
            ""
        };
        lines.push(format!(
            "Not copied: {stay}. This store stays in use for them: mend what is named above, and run the same command again.{others}"
        ));
    } else if there > 0 && !keeps_both {
        lines.push(format!(
            "Let `store = {to:?}` in the configuration, or `DEVICE_LOGIN_STORE`, name that store: here nothing is refreshed \
             any more."
        ));
    }
    lines
}
