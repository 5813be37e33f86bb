//! This program, its settings, the variables that decide on them, and the agents of it that run.

use std::env;
#[cfg(target_os = "linux")]
use std::ffi::{OsStr, OsString};
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
#[cfg(target_os = "linux")]
use std::path::Path;

#[cfg(target_os = "linux")]
use super::super::aside::aside;
use super::{Check, Patient, Setting, Subject};
use crate::config::variables::{self, Reader};

/// Letters of a value that are shown: lists of directories are long.
const LONGEST_VALUE: usize = 60;

fn shortened(value: &str) -> String {
    let end = value.char_indices().nth(LONGEST_VALUE).map(|(end, _)| end);
    end.map_or_else(|| value.to_owned(), |end| format!("{}...", &value[..end]))
}

/// Parts that may be left out when the program is built, as far as they are there.
pub fn features() -> Vec<&'static str> {
    let parts = [("demo", cfg!(feature = "demo")), ("postgres", cfg!(feature = "postgres"))];
    parts.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

/// What this build is.
pub(super) fn version() -> Check {
    let features = features();
    let features = if features.is_empty() { "no features".to_owned() } else { format!("with {}", features.join(", ")) };
    let build = if cfg!(debug_assertions) { ", a debug build" } else { "" };
    let (system, machine) = (env::consts::OS, env::consts::ARCH);
    Check::ok(
        Subject::Version,
        "",
        format!("{} for {system} on {machine}, {features}{build}", env!("CARGO_PKG_VERSION")),
    )
}

impl Patient {
    pub(super) fn check_settings(&self) -> Vec<Check> {
        let told = |setting: &Setting| Check::ok(setting.what, "", format!("{}, {}", setting.value, setting.by));
        self.settings.iter().map(told).collect()
    }

    /// What the environment says, what of it counts, and what is wrong with it.
    pub(super) fn check_variables(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let variable = |name: &str| env::var_os(name);
        for set in variables::set(&variable) {
            let value = set.value.map_or_else(|| "set".to_owned(), |value| shortened(&value));
            let seen = match set.shadowed_by {
                Some(other) => format!("not read, since `{other}` counts"),
                None => format!("{value}; read by {}", set.reader.words()),
            };
            checks.push(Check::ok(Subject::Variable, set.name, seen));
        }
        for reader in Reader::ALL {
            let is_of_nobody = reader == Reader::Database && !self.service.store().is_shared();
            let errors = variables::problems(reader, &variable).filter(|_| !is_of_nobody);
            // Told already where nothing works without it.
            let errors = errors.filter(|error| !self.problems.iter().any(|(_, known)| known == error));
            checks.extend(errors.map(|error| Check::failed(Subject::Variable, "", &error)));
        }
        let names = env::vars_os().map(|(name, _)| name);
        checks.extend(
            variables::misspelt(names)
                .into_iter()
                .map(|warning| Check::warning(Subject::Variable, "", warning).advise("correct its name, or unset it")),
        );
        if self.service.store().is_shared() {
            checks.extend(variables::not_read(&variable).into_iter().map(|name| {
                Check::warning(Subject::Variable, name, "not read: the address of the store says where the database is")
                    .advise("put it into that address, or unset it for this program")
            }));
        }
        checks
    }

    /// Looks for processes that are agents of this program's.
    pub(super) async fn check_agent(&self) -> Vec<Check> {
        #[cfg(target_os = "linux")]
        {
            let is_agent = self.is_agent;
            let agents = aside(move || agents(is_agent)).await;
            vec![match agents.as_slice() {
                [] => {
                    let seen = "none runs as far as can be seen: tokens are refreshed when they are asked for";
                    Check::ok(Subject::Agent, "", seen)
                }
                [one] => Check::ok(Subject::Agent, "", format!("{one} runs")),
                several => Check::ok(Subject::Agent, "", format!("{} run", several.join(", "))),
            }]
        }
        #[cfg(not(target_os = "linux"))]
        vec![Check::ok(Subject::Agent, "", "not looked for: this system shows no processes in files")]
    }
}

/// The processes whose arguments say that they are one. An agent holds no lock while it waits.
#[cfg(target_os = "linux")]
fn agents(is_agent: fn(&[OsString]) -> bool) -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut agents: Vec<String> = processes
        .flatten()
        .filter_map(|process| {
            let id: u32 = process.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(process.path().join("cmdline")).ok()?;
            let arguments = line.strip_suffix(b"\0")?.split(|byte| *byte == 0);
            let arguments: Vec<OsString> = arguments.map(|argument| OsStr::from_bytes(argument).to_owned()).collect();
            let is_this_program = Path::new(arguments.first()?).file_name()? == "device-login";
            (is_this_program && is_agent(&arguments)).then(|| format!("pid {id}"))
        })
        .collect();
    agents.sort();
    agents
}
