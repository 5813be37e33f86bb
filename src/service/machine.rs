//! Who asks: the machine and the user that a sign-in names, so that people approve only what they started.

use std::fmt;

use crate::config::Environment;
use crate::host;
use crate::untrusted::Untrusted;

/// The machine and the user at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub user: String,
    pub host: String,
    /// The address from which the user is connected by SSH.
    pub over_ssh_from: Option<String>,
}

impl Machine {
    /// Reads the host's name from the system, the rest from the environment.
    pub fn here(environment: Environment<'_>) -> Self {
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| environment.var(name));
        let ssh = environment.var("SSH_CONNECTION");
        let over_ssh_from = ssh.and_then(|connection| connection.split(' ').next().map(printable));
        Self {
            user: printable(&user.or_else(account_name).unwrap_or_else(|| "unknown user".to_owned())),
            host: printable(
                &host::name().or_else(|| environment.var("COMPUTERNAME")).unwrap_or_else(|| "this machine".to_owned()),
            ),
            over_ssh_from,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

/// The name that belongs to this process's user, for services that start without `USER`.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "has the shape of its counterpart")]
fn account_name() -> Option<String> {
    let id = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = accounts.lines().find_map(|account| {
        let mut fields = account.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    Some(named.unwrap_or_else(|| format!("user {id}")))
}

#[cfg(not(unix))]
fn account_name() -> Option<String> {
    None
}

/// The environment is text from outside, too.
fn printable(text: &str) -> String {
    Untrusted::new(text).line()
}

#[cfg(test)]
mod tests {
    use super::Machine;
    use crate::config::Environment;

    #[test]
    fn the_user_and_the_way_in_come_from_the_environment() {
        let variables = |name: &str| match name {
            "USER" => Some("dana\u{1b}[2J".to_owned()),
            "SSH_CONNECTION" => Some("10.0.0.7 51000 10.0.0.1 22".to_owned()),
            _ => None,
        };
        let machine = Machine::here(Environment(&variables));
        assert_eq!(machine.user, "dana<U+001B>[2J");
        assert_eq!(machine.over_ssh_from.as_deref(), Some("10.0.0.7"));
        assert!(!machine.host.is_empty());
    }
}
