//! Tells the service manager that started this process how it is, by the protocol of systemd's `sd_notify`.
//!
//! Without a service manager, and where one cannot be reached, nothing is told: nothing here fails.

use std::time::Duration;

use crate::clock;
use crate::config::Environment;

/// Characters of a status; systemd shows one line of it.
const LONGEST_STATUS: usize = 400;

/// A service manager that listens.
#[derive(Debug)]
pub struct Supervisor {
    #[cfg(unix)]
    socket: std::os::unix::net::UnixDatagram,
    /// Within which time it wants to hear that the process is alive, if it wants that.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that `NOTIFY_SOCKET` names.
    #[cfg(unix)]
    pub fn from_environment(environment: Environment<'_>) -> Option<Self> {
        let socket = connect(&environment.var("NOTIFY_SOCKET")?).ok()?;
        Some(Self { socket, watchdog: watchdog(environment) })
    }

    #[cfg(not(unix))]
    pub fn from_environment(_environment: Environment<'_>) -> Option<Self> {
        None
    }

    /// How often it is to be told: twice as often as it has to be.
    pub fn pulse(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog / 2)
    }

    /// Tells that the process is ready, and alive.
    pub fn alive(&self) {
        self.tell("READY=1\nWATCHDOG=1");
    }

    /// Tells that the loop still turns.
    pub fn pulsed(&self) {
        if self.watchdog.is_some() {
            self.tell("WATCHDOG=1");
        }
    }

    /// Tells that the process does what it is there for, at the start and after it has read its configuration anew.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\n{}", status_line(status)));
    }

    /// Tells in a line how things are.
    pub fn status(&self, status: &str) {
        self.tell(&status_line(status));
    }

    /// Tells that the configuration is read anew, until [`ready`](Self::ready). The time ties it to the signal that asked
    /// for it.
    pub fn reloading(&self) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", clock::monotonic().as_micros()));
    }

    /// Tells that the process is about to end.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Tells that starting or ending takes up to so long from now on.
    pub fn needs(&self, time: Duration) {
        self.tell(&format!("EXTEND_TIMEOUT_USEC={}", time.as_micros()));
    }

    /// Tells that nobody will speak of being alive any more.
    pub fn stop_watching(&self) {
        if self.watchdog.is_some() {
            self.tell("WATCHDOG_USEC=0");
        }
    }

    #[cfg(unix)]
    fn tell(&self, state: &str) {
        // A manager that does not listen now is told again soon.
        let _ = self.socket.send(state.as_bytes());
    }

    #[cfg(not(unix))]
    fn tell(&self, _state: &str) {}
}

/// One line whatever the status says: each further one would be a statement of its own.
fn status_line(status: &str) -> String {
    let one_line = status.chars().map(|character| if character.is_control() { ' ' } else { character });
    format!("STATUS={}", one_line.take(LONGEST_STATUS).collect::<String>())
}

#[cfg(unix)]
fn connect(address: &str) -> std::io::Result<std::os::unix::net::UnixDatagram> {
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match address.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;

            socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)?;
        }
        _ => socket.connect(address)?,
    }
    Ok(socket)
}

/// The time that is meant for this process and no other.
#[cfg(unix)]
fn watchdog(environment: Environment<'_>) -> Option<Duration> {
    let is_other = environment.var("WATCHDOG_PID").is_some_and(|id| id != std::process::id().to_string());
    let microseconds = environment.var("WATCHDOG_USEC")?.parse().ok().filter(|&microseconds| microseconds > 0)?;
    (!is_other).then(|| Duration::from_micros(microseconds))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use super::Supervisor;
    use crate::config::Environment;

    fn supervisor(variables: &[(&str, &str)]) -> Option<Supervisor> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Supervisor::from_environment(Environment(&variable))
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut message = [0; 1000];
        let length = socket.recv(&mut message).expect("something was told");
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    #[test]
    fn the_manager_hears_on_a_socket_in_the_file_system() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let path = path.to_str().expect("a path in UTF-8");
        let supervisor = supervisor(&[("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "30000000")]).expect("it listens");
        assert_eq!(supervisor.pulse(), Some(Duration::from_secs(15)));
        supervisor.alive();
        assert_eq!(heard(&socket), "READY=1\nWATCHDOG=1");
        supervisor.stop_watching();
        assert_eq!(heard(&socket), "WATCHDOG_USEC=0");
        supervisor.pulsed();
        assert_eq!(heard(&socket), "WATCHDOG=1");
        supervisor.ready("3 valid\nWATCHDOG_USEC=0");
        assert_eq!(heard(&socket), "READY=1\nSTATUS=3 valid WATCHDOG_USEC=0");
        supervisor.status(&"ä".repeat(500));
        assert_eq!(heard(&socket), format!("STATUS={}", "ä".repeat(400)));
        supervisor.needs(Duration::from_secs(25));
        assert_eq!(heard(&socket), "EXTEND_TIMEOUT_USEC=25000000");
        supervisor.stopping();
        assert_eq!(heard(&socket), "STOPPING=1");
        supervisor.reloading();
        let told = heard(&socket);
        let since = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("that, and when");
        assert!(since.parse::<u64>().is_ok_and(|since| since > 0), "{told}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_manager_hears_on_a_socket_without_a_file() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;

        let name = format!("device-login-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket");
        let supervisor = supervisor(&[("NOTIFY_SOCKET", &format!("@{name}"))]).expect("it listens");
        assert_eq!(supervisor.pulse(), None);
        supervisor.alive();
        assert_eq!(heard(&socket), "READY=1\nWATCHDOG=1");
    }

    #[test]
    fn without_a_manager_nothing_is_told() {
        assert!(supervisor(&[]).is_none());
        assert!(supervisor(&[("NOTIFY_SOCKET", "/nowhere/notify")]).is_none());
        assert!(supervisor(&[("NOTIFY_SOCKET", "")]).is_none());
    }

    #[test]
    fn a_watchdog_for_another_process_or_without_a_time_is_none() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("notify");
        let _socket = UnixDatagram::bind(&path).expect("a socket");
        let path = path.to_str().expect("a path in UTF-8");
        let own = std::process::id().to_string();
        let pulse = |time: &str, id: &str| {
            let variables = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", time), ("WATCHDOG_PID", id)];
            supervisor(&variables).expect("it listens").pulse()
        };
        assert_eq!(pulse("2000000", &own), Some(Duration::from_secs(1)));
        assert_eq!([pulse("2000000", "1"), pulse("0", &own), pulse("soon", &own)], [None; 3]);
    }
}
