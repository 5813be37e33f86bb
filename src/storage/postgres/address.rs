//! Where a database is and how it is spoken to: `postgres://` addresses as libpq has them, as far as they are safe.
//!
//! A password is a [`Secret`], which neither `Display` nor `Debug` shows, and no error repeats any part of an address but the
//! names of its parameters.

mod percent;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use self::percent::{decoded, encoded, encoded_but};
use crate::files;
use crate::files::access::Holds;
use crate::secret::Secret;
use crate::storage::KeyOptions;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const DEFAULT_PORT: u16 = 5432;
/// Connecting to one host, TLS and password included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// As the server's list of sessions shows it.
const APPLICATION: &str = "device-login";

/// Where PostgreSQL's own programs of this system look for the socket of a server on the same machine.
pub(super) const SOCKET_DIRECTORY: &str = if cfg!(target_os = "linux") { "/var/run/postgresql" } else { "/tmp" };

/// Why an address cannot be used, as a clause about it.
type Problem = String;

/// The address of a database.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// In the order in which they are tried; never none.
    pub(super) hosts: Vec<Host>,
    /// Without one, the account's name counts.
    pub(super) user: Option<String>,
    /// Without one, the user's name counts.
    pub(super) database: Option<String>,
    pub(super) password: Option<Secret>,
    /// Where a password may be that stands nowhere else.
    pub(super) password_file: Option<PathBuf>,
    /// As `sslmode` says; else it depends on the host.
    encryption: Option<Encryption>,
    /// A server that takes no writes is passed over.
    pub(super) wants_writable: bool,
    pub(super) connect_limit: Option<Duration>,
    pub(super) application: Option<String>,
    pub(super) root_certificate: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    /// Where this machine keeps what goes with the store.
    pub(super) state_dir: Option<PathBuf>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Tcp { name: String, port: u16 },
    Socket { directory: PathBuf, port: u16 },
}

/// What `sslmode` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Disable,
    VerifyFull,
}

impl Address {
    /// Reads an address.
    pub fn parse(address: &str) -> Result<Self, Problem> {
        let rest = SCHEMES.iter().find_map(|scheme| address.strip_prefix(scheme));
        let rest = rest.ok_or("an address of a database begins with `postgres://`")?;
        let (before, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        let (credentials, hosts) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        if [hosts, database, parameters].iter().any(|part| part.contains('@')) {
            return Err(
                "in a name or a password `@`, `:`, `/`, `?`, `&` and `%` are to be percent-encoded, `%40` for `@`"
                    .into(),
            );
        }
        let mut parsed = Parsed::default();
        parsed.set("user", user)?;
        parsed.set("password", password)?;
        parsed.set("dbname", database)?;
        for host in hosts.split(',') {
            parsed.add_host(host)?;
        }
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or("a parameter is written `name=value`")?;
            parsed.set(&decoded(name)?, value)?;
        }
        parsed.finish()
    }

    /// Whether the address itself holds a password, which has no business in a list of arguments.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// As it was given, without its password only: with that others reach it likewise.
    pub fn in_full(&self) -> String {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| encoded_but(&path.to_string_lossy(), b"/"));
        let encryption = self.encryption.map(|encryption| match encryption {
            Encryption::Disable => "disable".to_owned(),
            Encryption::VerifyFull => "verify-full".to_owned(),
        });
        let mut address = self.to_string();
        for (name, value) in [
            ("sslmode", encryption),
            ("sslrootcert", path(&self.root_certificate)),
            ("sslcert", path(&self.certificate)),
            ("sslkey", path(&self.key)),
            ("connect_timeout", self.connect_limit.map(|limit| limit.as_secs().to_string())),
            ("application_name", self.application.as_deref().map(encoded)),
        ] {
            let Some(value) = value else { continue };
            let start = if address.contains('?') { "&" } else { "?" };
            address.extend([start, name, "=", &value]);
        }
        address
    }

    /// Fills in what the variables of libpq say and the address does not. Which of them cannot be used was told before.
    #[must_use]
    pub fn completed_by(mut self, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(|path| files::expanded(path.as_ref()));
        self.password = self.password.or_else(|| set("PGPASSWORD").map(Secret::new));
        self.password_file = path("PGPASSFILE").or_else(|| Some(files::expanded("~/.pgpass".as_ref())));
        self.application = self.application.or_else(|| set("PGAPPNAME"));
        let seconds = || set("PGCONNECT_TIMEOUT").and_then(|seconds| seconds_of(&seconds).ok());
        self.connect_limit = self.connect_limit.or_else(seconds);
        self.root_certificate = self.root_certificate.or_else(|| path("PGSSLROOTCERT"));
        self.certificate = self.certificate.or_else(|| path("PGSSLCERT"));
        self.key = self.key.or_else(|| path("PGSSLKEY"));
        self
    }

    /// With a directory of this machine for what it keeps of the store: locks, spare records.
    #[must_use]
    pub fn kept_in(mut self, state_dir: &Path) -> Self {
        self.state_dir = Some(state_dir.to_owned());
        self
    }

    /// Where a key lies that a passphrase opens: beside the key file where there is no better place.
    pub(in crate::storage) fn home(&self, keys: &KeyOptions) -> PathBuf {
        let beside = || files::directory_of(&keys.default_key_file).to_owned();
        self.state_dir.clone().unwrap_or_else(beside)
    }

    pub(super) fn connect_limit(&self) -> Duration {
        self.connect_limit.unwrap_or(CONNECT_LIMIT)
    }

    pub(super) fn application(&self) -> &str {
        self.application.as_deref().unwrap_or(APPLICATION)
    }

    /// The file with the only authorities that count; `system` stands for those of the system.
    pub(super) fn root_certificate(&self) -> Option<&PathBuf> {
        self.root_certificate.as_ref().filter(|path| path.as_os_str() != "system")
    }

    /// The files that are read where a connection is made, and what they hold.
    pub(super) fn files(&self) -> Vec<(PathBuf, Holds)> {
        let secrets = [&self.password_file, &self.key].into_iter().flatten().map(|path| (path, Holds::Secrets));
        let settings = [self.root_certificate(), self.certificate.as_ref()].into_iter().flatten();
        let files = secrets.chain(settings.map(|path| (path, Holds::Settings)));
        files.map(|(path, holds)| (path.clone(), holds)).collect()
    }

    /// Whether TLS is spoken to this host. It is without exception where the host is another machine.
    pub(super) fn is_encrypted(&self, host: &Host) -> bool {
        match (host, self.encryption) {
            (Host::Socket { .. }, _) | (_, Some(Encryption::Disable)) => false,
            (_, Some(Encryption::VerifyFull)) => true,
            (host, None) => !host.is_here(),
        }
    }

    /// The database by which a machine tells one store from another, however one signs in to it.
    pub(super) fn identity(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::to_string).collect();
        format!("{}/{}", hosts.join(","), self.database.as_deref().or(self.user.as_deref()).unwrap_or_default())
    }
}

/// Without the password, so that it can be shown. Sockets stand where people type them.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEMES[0])?;
        if let Some(user) = &self.user {
            write!(f, "{}@", encoded(user))?;
        }
        let is_socket = |host: &Host| matches!(host, Host::Socket { .. });
        let (names, ports): (Vec<String>, Vec<String>) =
            self.hosts.iter().map(|host| (host.name(), host.port().to_string())).unzip();
        let mut parameters = Vec::new();
        if self.hosts.iter().any(is_socket) {
            parameters.push(format!("host={}", encoded_but(&names.join(","), b"/,:")));
            if self.hosts.iter().any(|host| host.port() != DEFAULT_PORT) {
                let is_one = ports.iter().all(|port| *port == ports[0]);
                parameters.push(format!("port={}", if is_one { ports[0].clone() } else { ports.join(",") }));
            }
        } else {
            f.write_str(&self.hosts.iter().map(Host::to_string).collect::<Vec<_>>().join(","))?;
        }
        if let Some(database) = &self.database {
            write!(f, "/{}", encoded(database))?;
        } else if !parameters.is_empty() {
            f.write_str("/")?;
        }
        match (self.wants_writable, self.hosts.len()) {
            (true, 1) => parameters.push("target_session_attrs=read-write".to_owned()),
            (false, 2..) => parameters.push("target_session_attrs=any".to_owned()),
            _ => {}
        }
        let start = if parameters.is_empty() { "" } else { "?" };
        write!(f, "{start}{}", parameters.join("&"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl Host {
    fn new(name: &str, port: u16) -> Result<Self, Problem> {
        if name.is_empty() || name.starts_with('/') {
            let directory = if name.is_empty() { SOCKET_DIRECTORY } else { name };
            return Ok(Self::Socket { directory: directory.into(), port });
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if name.parse::<IpAddr>().is_err() && !name.bytes().all(is_name) {
            return Err(
                "a host is a name, an address (one of IPv6 in brackets) or the directory of a socket".to_owned()
            );
        }
        Ok(Self::Tcp { name: name.to_ascii_lowercase(), port })
    }

    fn name(&self) -> String {
        match self {
            Host::Tcp { name, .. } => name.clone(),
            Host::Socket { directory, .. } => directory.to_string_lossy().into_owned(),
        }
    }

    fn port(&self) -> u16 {
        let (Host::Tcp { port, .. } | Host::Socket { port, .. }) = self;
        *port
    }

    /// On this machine, where nobody else listens on the way.
    fn is_here(&self) -> bool {
        match self {
            Host::Socket { .. } => true,
            Host::Tcp { name, .. } => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// As it stands in an address, or as a path.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        if name.contains(':') && !name.starts_with('/') {
            write!(f, "[{name}]")?;
        } else {
            f.write_str(&name)?;
        }
        if self.port() == DEFAULT_PORT { Ok(()) } else { write!(f, ":{}", self.port()) }
    }
}

/// An address while it is read: parameters behind the `?` count more than what stands before it.
#[derive(Default)]
struct Parsed {
    address: Address,
    host: Option<String>,
    port: Option<String>,
    is_any_enough: Option<bool>,
}

impl Parsed {
    fn add_host(&mut self, text: &str) -> Result<(), Problem> {
        let (name, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((name, rest))) => (name, rest.strip_prefix(':').or(rest.is_empty().then_some(""))),
            Some(None) => return Err("a `[` before an address of IPv6 wants a `]` behind it".to_owned()),
            None => text.split_once(':').map_or((text, Some("")), |(name, port)| (name, Some(port))),
        };
        let port = port.ok_or("behind the `]` of an address of IPv6 only a port can follow")?;
        let port = if port.is_empty() { DEFAULT_PORT } else { port_of(port)? };
        self.address.hosts.push(Host::new(&decoded(name)?, port)?);
        Ok(())
    }

    /// Takes a parameter by the name that libpq gives it. An empty one is none.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let value = Zeroizing::new(decoded(value)?);
        let value = value.as_str();
        let text = || Some(value.to_owned());
        let path = || Some(files::expanded(value.as_ref()));
        let address = &mut self.address;
        match name {
            _ if value.is_empty() => {}
            "host" => self.host = text(),
            "port" => self.port = text(),
            "user" => address.user = text(),
            "password" => address.password = Some(Secret::new(value)),
            "dbname" => address.database = text(),
            "application_name" => address.application = text(),
            "sslrootcert" => address.root_certificate = path(),
            "sslcert" => address.certificate = path(),
            "sslkey" => address.key = path(),
            "connect_timeout" => address.connect_limit = Some(seconds_of(value)?),
            "sslmode" => address.encryption = Some(encryption_of(value)?),
            "target_session_attrs" => self.is_any_enough = Some(is_any_enough(value)?),
            "options" => return Err("`options` is not taken: poolers refuse it, and nothing here needs it".to_owned()),
            // Anything else may be a piece of a password in which a `?` or a `&` was not encoded.
            name if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && name.len() <= 32 => {
                return Err(format!("its parameter `{name}` is not known here"));
            }
            _ => return Err("one of its parameters is not known here".to_owned()),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Address, Problem> {
        self.choose_hosts()?;
        let mut address = self.address;
        // Of several servers most are standbys, and a store is written to.
        address.wants_writable = !self.is_any_enough.unwrap_or(address.hosts.len() == 1);
        if address.encryption == Some(Encryption::Disable) && !address.hosts.iter().all(Host::is_here) {
            return Err(
                "`sslmode=disable` is for sockets and loopback; another machine wants `sslmode=verify-full`".into()
            );
        }
        Ok(address)
    }

    /// As libpq: `host` counts instead of the hosts before the `?`, and one port may stand for all.
    fn choose_hosts(&mut self) -> Result<(), Problem> {
        let hosts = &mut self.address.hosts;
        if let Some(names) = &self.host {
            *hosts = names.split(',').map(|name| Host::new(name, DEFAULT_PORT)).collect::<Result<_, _>>()?;
        }
        let Some(ports) = &self.port else { return Ok(()) };
        let ports: Vec<u16> = ports.split(',').map(port_of).collect::<Result<_, _>>()?;
        if ![1, hosts.len()].contains(&ports.len()) {
            return Err("`port` names one port for all hosts, or one for each".to_owned());
        }
        for (host, given) in hosts.iter_mut().zip(ports.iter().cycle()) {
            let (Host::Tcp { port, .. } | Host::Socket { port, .. }) = host;
            *port = *given;
        }
        Ok(())
    }
}

fn encryption_of(mode: &str) -> Result<Encryption, Problem> {
    match mode {
        "disable" => Ok(Encryption::Disable),
        "verify-full" => Ok(Encryption::VerifyFull),
        "allow" | "prefer" | "require" | "verify-ca" => Err(format!(
            "`sslmode={mode}` lets others read along or stand in for the server; `sslmode=verify-full` does not"
        )),
        _ => Err("its `sslmode` is none; there are `verify-full`, and `disable` for sockets and loopback".to_owned()),
    }
}

fn is_any_enough(attributes: &str) -> Result<bool, Problem> {
    match attributes {
        "any" => Ok(true),
        "read-write" => Ok(false),
        _ => Err("its `target_session_attrs` is neither `any` nor `read-write`, and a store is written to".to_owned()),
    }
}

/// The value of `connect_timeout` and of its variable.
fn seconds_of(text: &str) -> Result<Duration, Problem> {
    let seconds = text.trim().parse::<u16>().ok().filter(|seconds| *seconds > 0);
    seconds
        .map(|seconds| Duration::from_secs(seconds.into()))
        .ok_or_else(|| "a limit for connecting is a number of seconds from 1 on".to_owned())
}

fn port_of(text: &str) -> Result<u16, Problem> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| "a port is a number from 1 to 65535".to_owned())
}

#[cfg(test)]
mod tests;
