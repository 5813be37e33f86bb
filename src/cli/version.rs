//! `version`: what this program is, for people and for scripts.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use crate::error::Error;
use crate::service::doctor::features;

/// What `--version` prints.
pub(super) const VERSION: &str = concat!("device-login ", env!("CARGO_PKG_VERSION"));

const EXAMPLES: &str = "\
Examples:
  device-login version
  device-login version --json";

/// Print the version
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Version {
    /// Print one JSON object, with the parts that were built in
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct VersionJson {
    schema_version: u32,
    version: &'static str,
    /// Of the sources, where whoever built it has said so in `DEVICE_LOGIN_COMMIT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
    features: Vec<&'static str>,
    os: &'static str,
    arch: &'static str,
}

impl Version {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        if !self.json {
            return context.output.text(VERSION);
        }
        context.output.use_json(true);
        context.output.json(&VersionJson {
            schema_version: 1,
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("DEVICE_LOGIN_COMMIT"),
            features: features(),
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
        })
    }
}
