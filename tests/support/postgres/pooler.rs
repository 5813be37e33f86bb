//! Debian's pgbouncer in front of a server, in transaction mode: each transaction may get another connection.

use std::path::Path;

use rustix::process::Signal;

use super::Postgres;
use super::process::{Folder, Process};

const PROGRAM: &str = "/usr/sbin/pgbouncer";
const MISSING: &str = "this test needs pgbouncer (Debian: apt install pgbouncer; `tests/run` installs it)";
const PORT: u16 = 6432;

pub(crate) struct Pooler {
    process: Option<Process>,
    folder: Folder,
}

impl Pooler {
    /// A pooler with so many connections to the server. Everything else is as Debian has it.
    pub(crate) fn start(server: &Postgres, connections: usize) -> Self {
        assert!(Path::new(PROGRAM).exists(), "{MISSING}");
        let folder = Folder::new();
        let (root, host, port) = (folder.root().display(), server.directory().display(), server.port());
        folder.write("users", "\"postgres\" \"\"\n");
        folder.write(
            "pgbouncer.ini",
            &format!(
                "[databases]\n* = host={host} port={port}\n[pgbouncer]\nunix_socket_dir = {root}\nlisten_addr =\n\
                 listen_port = {PORT}\npidfile = {root}/pgbouncer.pid\nauth_type = trust\nauth_file = {root}/users\n\
                 pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 1000\n"
            ),
        );
        let mut command = folder.command(PROGRAM);
        command.arg(folder.path("pgbouncer.ini"));
        let process = Process::start(command);
        process.wait_for("process up");
        Self { process: Some(process), folder }
    }

    /// The address of a database behind it.
    pub(crate) fn url(&self, database: &str) -> String {
        super::url(database, &[self.folder.root()], PORT)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end(Signal::QUIT);
        }
    }
}
