//! What several tests need. Helpers of one test alone lie beside it.

pub(crate) mod authority;
pub(crate) mod camera;
pub(crate) mod canaries;
#[cfg(target_os = "linux")]
pub(crate) mod cluster;
#[cfg(feature = "demo")]
pub(crate) mod demo_server;
#[cfg(target_os = "linux")]
pub(crate) mod faults;
pub(crate) mod fleet;
#[cfg(target_os = "linux")]
pub(crate) mod herd;
pub(crate) mod hostile;
pub(crate) mod http;
pub(crate) mod many;
#[cfg(target_os = "linux")]
pub(crate) mod matrix;
#[cfg(target_os = "linux")]
pub(crate) mod postgres;
#[cfg(target_os = "linux")]
pub(crate) mod power;
pub(crate) mod program;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod rotating;
pub(crate) mod screen;
pub(crate) mod servers;
#[cfg(target_os = "linux")]
pub(crate) mod small_disk;
pub(crate) mod socket;
pub(crate) mod tls;
pub(crate) mod watch;
pub(crate) mod webdriver;
#[cfg(unix)]
pub(crate) mod wire;

/// A runtime on the thread of a test.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}
