//! Where nothing secret may be: the database as its administrator takes it away, its log and its files, and what the system
//! shows of a process.

use std::fs;
use std::path::Path;

use crate::support::postgres::Postgres;

/// Every token of the tests begins so.
const CANARIES: [&str; 3] = ["sentinel-access", "sentinel-refresh", "canary-password"];

/// Tells where a canary is below a directory, whatever the files are.
fn found_below(directory: &Path) -> Option<String> {
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if let Some(canary) = fs::read(&path).ok().and_then(|bytes| found(&bytes)) {
                return Some(format!("{canary} in {}", path.display()));
            }
        }
    }
    None
}

pub(crate) fn found(bytes: &[u8]) -> Option<&'static str> {
    CANARIES.into_iter().find(|canary| bytes.windows(canary.len()).any(|window| window == canary.as_bytes()))
}

/// Asserts that neither the server nor anything it keeps knows a secret.
pub(crate) fn assert_none(server: &Postgres) {
    let dump = server.dump();
    assert!(dump.contains("device_login"), "the dump has the store in it");
    assert_eq!(found(dump.as_bytes()), None, "dump");
    assert_eq!(found(server.log().as_bytes()), None, "log");
    server.sql("postgres", "CHECKPOINT");
    assert_eq!(found_below(&server.data()), None);
}

/// What the system shows others of a process: the command line, and to its own user the environment.
pub(crate) fn shown(process: u32) -> Vec<u8> {
    let read = |what| fs::read(format!("/proc/{process}/{what}")).expect("it runs");
    ["cmdline", "environ"].into_iter().flat_map(read).collect()
}
