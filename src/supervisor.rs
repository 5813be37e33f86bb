//! Tells the service manager that started this process how it is, by the protocol of systemd's `sd_notify`.
//!
//! Without a service manager, and where one cannot be reached, nothing is told: nothing here fails.

use std::time::Duration;

use crate::config::Environment;

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
        let mut message = [0; 100];
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
