//! `config`: where the configuration is, whether it is sound, and what it may have in it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::{Context, variable};
use super::full_screen;
use crate::config::check::{self, Checked, Remark};
use crate::config::{Config, NamedBy, schema};
use crate::error::{Code, Error};

/// Tell where the configuration is, whether it is sound, and what it may have in it
#[derive(Args)]
#[command(
    subcommand_value_name = "ACTION",
    subcommand_help_heading = "Actions",
    after_long_help = "Examples:
  device-login config path
  device-login config check
  device-login config schema"
)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Path(PathCommand),
    Check(CheckCommand),
    Schema(SchemaCommand),
}

/// Print where the configuration is; on stderr why there, and where the rest is
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login config path
  device-login config path --json")]
struct PathCommand {
    /// Print all places as one JSON object
    #[arg(long)]
    json: bool,
}

/// Check the configuration and the files that it names
///
/// Tells every mistake with its line and column, and ends with 2 if there is one. What is only odd is a warning: a provider that
/// no profile uses, a scope that nobody knows, a file with a secret that others can read. Asks no server, and opens no store.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login config check
  device-login config check --json
  device-login --config new.toml config check")]
struct CheckCommand {
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Print the JSON Schema (2020-12) of the configuration, for editors
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login config schema
  device-login config schema > config.schema.json")]
struct SchemaCommand {}

#[derive(Serialize)]
struct PathJson {
    schema_version: u32,
    configuration: PathBuf,
    /// A flag, a variable, or `HOME`.
    named_by: NamedBy,
    exists: bool,
    /// Without a password; left out where what names it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_named_by: Option<NamedBy>,
    key: PathBuf,
    state: PathBuf,
    spare: PathBuf,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    schema_version: u32,
    configuration: &'a Path,
    exists: bool,
    sound: bool,
    mistakes: Vec<RemarkJson<'a>>,
    warnings: Vec<RemarkJson<'a>>,
}

#[derive(Serialize)]
struct RemarkJson<'a> {
    line: usize,
    column: usize,
    path: &'a [String],
    message: &'a str,
}

impl<'a> From<&'a Remark> for RemarkJson<'a> {
    fn from(remark: &'a Remark) -> Self {
        Self { line: remark.line, column: remark.column, path: &remark.path, message: &remark.message }
    }
}

impl ConfigCommand {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        match self.action {
            Action::Path(command) => command.run(context).map(|()| 0),
            Action::Check(command) => command.run(context),
            Action::Schema(SchemaCommand {}) => context.output.text(schema::SCHEMA.trim_end()).map(|()| 0),
        }
    }
}

impl PathCommand {
    fn run(self, context: &Context) -> Result<(), Error> {
        context.output.use_json(self.json);
        let places = context.places()?;
        // A configuration that cannot be read keeps nobody from finding it.
        let store = Config::load(&places.config_file).and_then(|config| context.store_place(&config));
        let why = Context::why_there(&places);
        if self.json {
            let (store, store_named_by) = store.ok().unzip();
            return context.output.json(&PathJson {
                schema_version: 1,
                exists: places.config_file.exists(),
                named_by: places.config_named_by,
                configuration: places.config_file,
                store,
                store_named_by,
                key: places.default_key_file,
                state: places.state_dir,
                spare: places.spare_dir,
            });
        }
        context.output.note(&format!("{why}."));
        match store {
            Ok((store, named_by)) => context.output.note(&format!("The store is {store}, {named_by}.")),
            Err(error) => context.output.note(&format!("Where the store is cannot be told: {error}.")),
        }
        let [key, state] = [&places.default_key_file, &places.state_dir].map(|path| path.display());
        context.output.note(&format!("The key is {key} unless another is named; state is in {state}."));
        context.output.text(&places.config_file.display().to_string())
    }
}

impl CheckCommand {
    fn run(self, context: &Context) -> Result<u8, Error> {
        context.output.use_json(self.json);
        let places = context.places()?;
        let file = &places.config_file;
        let checked = check::check_file(file, variable("PATH").as_deref(), full_screen::odd_keys)?;
        let exists = checked.is_some();
        if !exists {
            context.check_config_is_there(&places)?;
        }
        let checked = checked.unwrap_or_default();
        let is_sound = checked.mistakes.is_empty();
        if self.json {
            let json = CheckJson {
                schema_version: 1,
                configuration: file,
                exists,
                sound: is_sound,
                mistakes: checked.mistakes.iter().map(RemarkJson::from).collect(),
                warnings: checked.warnings.iter().map(RemarkJson::from).collect(),
            };
            context.output.json(&json)?;
        } else {
            context.output.text(&said(file, exists, &checked))?;
        }
        Ok(if is_sound { 0 } else { Code::Config.exit_code() })
    }
}

/// One line for each remark, as compilers have them, and what comes of all.
fn said(file: &Path, exists: bool, checked: &Checked) -> String {
    let name = file.display();
    let line = |kind: &'static str| {
        move |remark: &Remark| {
            format!("{}:{}:{}: {kind}: {}", file.display(), remark.line, remark.column, remark.message)
        }
    };
    let mut lines: Vec<String> = checked.mistakes.iter().map(line("mistake")).collect();
    lines.extend(checked.warnings.iter().map(line("warning")));
    let count = |count: usize, noun| super::words::counted(count as u64, noun);
    lines.push(match (checked.mistakes.len(), &checked.config) {
        (0, _) if !exists => format!("{name} is not there, which is as good as an empty one."),
        (0, Some(config)) => format!("{name} is sound: {}.", count(config.profiles.len(), "profile")),
        (mistakes, _) => {
            format!("{name} has {}: nothing can be done with it until it is mended.", count(mistakes, "mistake"))
        }
    });
    lines.join("\n")
}
