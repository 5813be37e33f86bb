//! Opens links in a browser of this machine. Never through a shell.

use std::process::Stdio;
use std::thread;

use url::Url;

use crate::child;
use crate::config::Config;

/// Starts `program` with the link. The link stays on the screen, so a browser that does not come is no loss.
pub(super) fn open(program: &str, url: &Url, config: &Config) {
    let mut command = child::command(program, config);
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut browser) = command.spawn() else { return };
    // Waited for in the background, since a process that nobody waits for stays as a zombie. Where there are no more
    // threads to be had, it does.
    let _ = thread::Builder::new().spawn(move || drop(browser.wait()));
}
