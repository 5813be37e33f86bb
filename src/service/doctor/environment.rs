//! This program, its settings, the variables that decide on them, and the agents of it that run.

use std::env;
#[cfg(target_os = "linux")]
use std::ffi::{OsStr, OsString};
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;
#[cfg(target_os = "linux")]
use std::path::Path;

#[cfg(target_os = "linux")]
use super::{Check, Patient, Setting, Subject};
use crate::aside::aside;
use crate::config::variables::{self, Reader};
use crate::sorted;

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
    /// What was decided, but for the store, whose own line tells that.
    pub(super) fn check_settings(&self) -> Vec<Check> {
        let told = |setting: &Setting| Check::ok(setting.what, "", format!("{}, {}", setting.value, setting.by));
        self.settings.iter().filter(|setting| setting.what != Subject::Store).map(told).collect()
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
            let pids = |is_others: bool| -> Vec<&str> {
                let wanted = |whose: Whose| (whose == Whose::Other) == is_others;
                agents.iter().filter(|(_, whose)| wanted(*whose)).map(|(id, _)| id.as_str()).collect()
            };
            // One that cannot be told apart is taken for its own: most people have one store.
            let (own, others) = (pids(false), pids(true));
            let others = if others.is_empty() {
                String::new()
            } else {
                format!(" ({}: another user, store or configuration)", others.join(", "))
            };
            vec![Check::ok(
                Subject::Agent,
                "",
                match own.as_slice() {
                    [] => {
                        format!("none runs as far as can be seen{others}: tokens are refreshed when they are asked for")
                    }
                    [one] => format!("{one} runs{others}"),
                    several => format!("{} run{others}", several.join(", ")),
                },
            )]
        }
        #[cfg(not(target_os = "linux"))]
        vec![Check::ok(Subject::Agent, "", "not looked for: this system shows no processes in files")]
    }
}

/// Whom an agent serves, next to this process.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    Other,
    /// It is of the same user, and its variables cannot be read.
    Unseen,
}

/// The processes whose arguments say that they are one, and whose they are. An agent holds no lock while it waits.
#[cfg(target_os = "linux")]
fn agents(is_agent: fn(&[OsString]) -> bool) -> Vec<(String, Whose)> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = Named::own();
    let mut agents: Vec<(String, Whose)> = processes
        .flatten()
        .filter_map(|process| {
            let id: u32 = process.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(process.path().join("cmdline")).ok()?;
            let arguments = line.strip_suffix(b"\0")?.split(|byte| *byte == 0);
            let arguments: Vec<OsString> = arguments.map(|argument| OsStr::from_bytes(argument).to_owned()).collect();
            let is_this_program = Path::new(arguments.first()?).file_name()? == "device-login";
            if !is_this_program || !is_agent(&arguments) {
                return None;
            }
            let user = process.path().metadata().ok()?.uid();
            let variables = std::fs::read(process.path().join("environ")).ok();
            Some((format!("pid {id}"), own.whose(user, &line, variables.as_deref())))
        })
        .collect();
    sorted::by(&mut agents, |one, other| one.0.cmp(&other.0));
    agents
}

/// By what a process of this program finds its store, as its arguments and variables have it.
#[cfg(target_os = "linux")]
struct Named {
    user: u32,
    store: Option<Vec<u8>>,
    places: Vec<Option<Vec<u8>>>,
}

#[cfg(target_os = "linux")]
impl Named {
    /// Of this process. Its files below `/proc` are root's, as those of every process that keeps its memory private.
    fn own() -> Self {
        let arguments: Vec<OsString> = env::args_os().collect();
        let variables: Vec<OsString> =
            env::vars_os().map(|(name, value)| [name, value].join(OsStr::new("="))).collect();
        let user = rustix::process::geteuid().as_raw();
        let listed = |parts: &[OsString]| parts.join(OsStr::new("\0"));
        Self::of(user, listed(&arguments).as_bytes(), listed(&variables).as_bytes())
    }

    fn of(user: u32, arguments: &[u8], variables: &[u8]) -> Self {
        let parts = |text: &[u8]| -> Vec<Vec<u8>> { text.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect() };
        let (arguments, variables) = (parts(arguments), parts(variables));
        let behind = |part: &[u8], name: &str| Some(part.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec());
        let variable =
            |name: &str| variables.iter().find_map(|variable| behind(variable, name)).filter(|value| !value.is_empty());
        let flag = |name: &str| {
            let next = arguments.iter().skip_while(|argument| *argument != name.as_bytes()).nth(1).cloned();
            arguments.iter().find_map(|argument| behind(argument, name)).or(next)
        };
        let home = variable("DEVICE_LOGIN_HOME");
        let config = flag("--config").or_else(|| variable("DEVICE_LOGIN_CONFIG"));
        let systems = ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];
        let systems = if home.is_some() { Vec::new() } else { systems.map(variable).to_vec() };
        let store = flag("--store").or_else(|| variable("DEVICE_LOGIN_STORE"));
        Self { user, store, places: [vec![home, config], systems].concat() }
    }

    /// Whose an agent is, by its user, arguments and, where they can be read, variables.
    fn whose(&self, user: u32, arguments: &[u8], variables: Option<&[u8]>) -> Whose {
        let its = Self::of(user, arguments, variables.unwrap_or_default());
        // A store in its arguments counts whatever its variables are.
        let is_told = user != self.user || variables.is_some() || its.store.is_some();
        match (is_told, self.is_same(&its)) {
            (false, _) => Whose::Unseen,
            (true, true) => Whose::Own,
            (true, false) => Whose::Other,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_named = self.store.is_some();
        self.user == other.user && self.store == other.store && (is_named || self.places == other.places)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Named, Whose};

    #[test]
    fn processes_have_the_same_store_where_the_same_things_name_it() {
        let own = |arguments: &str, variables: &str| Named::of(0, arguments.as_bytes(), variables.as_bytes());
        let plain = own("device-login\0doctor\0", "HOME=/h\0PATH=/bin\0");
        let named = own("device-login\0doctor\0", "DEVICE_LOGIN_STORE=file:/s\0HOME=/h\0");
        for (doctors, arguments, variables, whose) in [
            (&plain, "device-login\0agent\0", "PATH=/sbin\0HOME=/h\0", Whose::Own),
            (&plain, "device-login\0agent\0", "HOME=/other\0", Whose::Other),
            (&plain, "device-login\0agent\0", "HOME=/h\0DEVICE_LOGIN_HOME=/d\0", Whose::Other),
            (&plain, "device-login\0agent\0", "HOME=/h\0XDG_STATE_HOME=/d\0", Whose::Other),
            (&plain, "device-login\0--config=/c\0agent\0", "HOME=/h\0", Whose::Other),
            (&plain, "device-login\0--store\0file:/s\0agent\0", "HOME=/h\0", Whose::Other),
            (&named, "device-login\0--store\0file:/s\0agent\0", "HOME=/other\0", Whose::Own),
            (&named, "device-login\0--store=file:/s\0agent\0", "HOME=/h\0", Whose::Own),
            (&named, "device-login\0--store=file:/t\0agent\0", "DEVICE_LOGIN_STORE=file:/s\0", Whose::Other),
            (&named, "device-login\0agent\0", "HOME=/h\0", Whose::Other),
        ] {
            let seen = doctors.whose(0, arguments.as_bytes(), Some(variables.as_bytes()));
            assert_eq!(seen, whose, "{arguments:?} {variables:?}");
        }
        let agent = "device-login\0agent\0".as_bytes();
        assert_eq!(plain.whose(1, agent, Some(b"HOME=/h\0")), Whose::Other);
    }

    #[test]
    fn an_agent_of_this_user_is_no_strangers_where_its_variables_cannot_be_read() {
        let own = |variables: &str| Named::of(1000, b"device-login\0doctor\0", variables.as_bytes());
        let plain = own("HOME=/h\0");
        let named = own("DEVICE_LOGIN_STORE=file:/s\0");
        for (doctors, user, arguments, whose) in [
            (&plain, 1000, "device-login\0agent\0", Whose::Unseen),
            (&named, 1000, "device-login\0agent\0", Whose::Unseen),
            (&named, 1000, "device-login\0--store=file:/s\0agent\0", Whose::Own),
            (&named, 1000, "device-login\0--store=file:/t\0agent\0", Whose::Other),
            (&plain, 1000, "device-login\0--store=file:/t\0agent\0", Whose::Other),
            (&plain, 1001, "device-login\0agent\0", Whose::Other),
            (&plain, 1001, "device-login\0--store=file:/s\0agent\0", Whose::Other),
        ] {
            assert_eq!(doctors.whose(user, arguments.as_bytes(), None), whose, "{user} {arguments:?}");
        }
    }
}
