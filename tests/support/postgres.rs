//! Debian's PostgreSQL in a temporary folder: started, disturbed and promoted as the test says, and gone with the test's
//! process however that ends. `tests/run` installs it.
//!
//! Nothing is synced to the disk, since no test takes the machine's power away; what is committed outlives any process.

pub(crate) mod pooler;
pub(crate) mod process;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use device_login::clock;
use rustix::process::{Pid, Signal, kill_process};

use self::process::{Folder, Process, run};
use super::fleet::TEST;

const MISSING: &str = "this test needs PostgreSQL (Debian: apt install postgresql; `tests/run` installs it)";
const READY: &str = "ready to accept";
const SETTINGS: &str = "fsync = off\nfull_page_writes = off\nshared_buffers = 16MB\nmax_connections = 200\n\
                        max_wal_size = 32MB\nmin_wal_size = 2MB\nwal_keep_size = 8MB\nlog_checkpoints = off\n";
/// Over the socket everybody is let in but the role `guarded`, who shows a password; over TCP everybody shows one.
const WHO_MAY: &str = "local all guarded scram-sha-256\nlocal all all trust\nlocal replication all trust\n\
                       host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n";

/// A server with the role `postgres`, who may do everything.
pub(crate) struct Postgres {
    /// `None` where it was stopped.
    process: Mutex<Option<Process>>,
    folder: Folder,
    port: u16,
    listens: bool,
}

impl Postgres {
    /// The one of all tests of a program that leave it alone.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server on a socket in a folder of its own.
    pub(crate) fn start() -> Self {
        let server = Self::made(5432, false);
        server.proceed();
        server
    }

    /// The same with settings of its own, which listens at a port of 127.0.0.1, too, with this certificate and key where
    /// there are some, as PEM.
    pub(crate) fn listening(settings: &str, tls: Option<(&str, &str)>) -> Self {
        let server = Self::made(free_port(), true);
        server.append("data/postgresql.conf", settings);
        if let Some((certificate, key)) = tls {
            server.folder.write("data/server.crt", certificate);
            server.folder.write("data/server.key", key);
            server.append("data/postgresql.conf", "ssl = on\n");
        }
        server.proceed();
        server
    }

    fn made(port: u16, listens: bool) -> Self {
        // Copying takes less than making. All are known to themselves by one identifier, so no two of them are told apart by that.
        static MADE: OnceLock<Folder> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let folder = Folder::new();
            let mut initdb = folder.command(program("initdb"));
            initdb.args(["--no-sync", "--no-instructions", "--wal-segsize=1", "--auth=trust", "--encoding=UTF8"]);
            run(initdb.args(["--locale=C", "--username=postgres", "--pgdata"]).arg(folder.path("data")), "");
            folder
        });
        let folder = Folder::new();
        run(folder.command("cp").arg("-a").args([made.path("data"), folder.path("data")]), "");
        let server = Self { process: Mutex::new(None), folder, port, listens };
        server.append("data/postgresql.conf", SETTINGS);
        server.folder.write("data/pg_hba.conf", WHO_MAY);
        server
    }

    fn append(&self, file: &str, text: &str) {
        run(self.folder.command("tee").arg("-a").arg(self.folder.path(file)), text);
    }

    /// Starts it after it was stopped, killed or made.
    pub(crate) fn proceed(&self) {
        let mut command = self.folder.command(program("postgres"));
        command.arg("-D").arg(self.folder.path("data")).arg("-k").arg(self.directory());
        command.args(["-p", &self.port.to_string(), "-h", if self.listens { "127.0.0.1" } else { "" }]);
        let process = Process::start(command);
        process.wait_for(READY);
        let before = self.process().replace(process);
        assert!(before.is_none(), "it ran");
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, ask: impl FnOnce(&Process) -> T) -> T {
        ask(self.process().as_ref().expect("it runs"))
    }

    /// Stops it as `systemctl stop` does: what is under way is broken off in good order.
    pub(crate) fn stop(&self) {
        self.end(Signal::INT);
    }

    /// Stops it without any order: server and backends die where they are.
    pub(crate) fn kill(&self) {
        let backends = self.with(Process::children);
        self.end(Signal::KILL);
        for backend in backends {
            backend.kill();
        }
        // The server that is killed leaves it, and the next one would ask whether that process is still there.
        run(self.folder.command("rm").arg("-f").arg(self.folder.path("data/postmaster.pid")), "");
    }

    fn end(&self, signal: Signal) {
        let process = self.process().take();
        if let Some(process) = process {
            process.end(signal);
        }
    }

    pub(crate) fn restart(&self) {
        self.stop();
        self.proceed();
    }

    /// Stops server and backends where they are, until what is returned is dropped. Connections are taken by the kernel and
    /// never answered.
    pub(crate) fn pause(&self) -> Paused {
        let mut paused = vec![self.with(Process::id)];
        let signal = |pid: &Pid| kill_process(*pid, Signal::STOP).is_ok();
        assert!(signal(&paused[0]), "it runs");
        let backends = self.with(Process::children).into_iter().map(|child| child.id());
        paused.extend(backends.filter(signal));
        Paused(paused)
    }

    /// The folder of the socket, which libpq takes for a host.
    pub(crate) fn directory(&self) -> &Path {
        self.folder.root()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The file that is the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path(&format!(".s.PGSQL.{}", self.port))
    }

    /// How many processes it has, each connection being one.
    pub(crate) fn processes(&self) -> usize {
        self.with(Process::children).len()
    }

    /// The time that it has kept a core busy, backends that have ended included.
    pub(crate) fn busy(&self) -> Duration {
        let server = self.with(Process::id);
        let of = |pid: Pid, fields: &[usize]| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
            let fields_of = |field: &usize| stat.rsplit(')').next()?.split(' ').nth(*field)?.parse::<u64>().ok();
            fields.iter().filter_map(fields_of).sum::<u64>()
        };
        let backends = self.with(Process::children);
        let ticks = of(server, &[12, 13, 14, 15]) + backends.iter().map(|child| of(child.id(), &[12, 13])).sum::<u64>();
        // Linux shows hundredths of a second there, whatever it counts in itself.
        Duration::from_millis(ticks * 10)
    }

    /// Waits until it has said `text`, which may come later than what it tells a client.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        self.with(|process| process.wait_for(text));
    }

    /// Everything that it said since it was started last.
    pub(crate) fn log(&self) -> String {
        self.with(Process::log)
    }

    /// The files that hold what it was given.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path("data")
    }

    /// Runs SQL as `postgres`, and gives what it printed: a row a line, columns with `|` between.
    #[track_caller]
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        self.psql(&["-U", "postgres", "-d", database], sql)
    }

    #[track_caller]
    pub(crate) fn psql(&self, arguments: &[&str], sql: &str) -> String {
        let mut psql = self.client("psql");
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1"]).args(arguments);
        run(&mut psql, sql).trim_end().to_owned()
    }

    /// Everything that is in it, as an administrator takes it away.
    pub(crate) fn dump(&self) -> String {
        loop {
            let dumped = self.client("pg_dumpall").args(["-U", "postgres"]).output().expect("it starts");
            if dumped.status.success() {
                return String::from_utf8(dumped.stdout).expect("it speaks UTF-8");
            }
            // Another test drops its database while it is read, of which the server may have no time to tell.
            let said = String::from_utf8_lossy(&dumped.stderr);
            let failed = said.rsplit_once("pg_dump failed on database \"").and_then(|(_, rest)| rest.split_once('"'));
            let (name, _) = failed.unwrap_or_else(|| panic!("{said}"));
            let is_there = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
            let patience = clock::now() + Duration::from_secs(30);
            while !self.sql("postgres", &is_there).is_empty() {
                assert!(clock::now() < patience, "{said}");
            }
        }
    }

    fn client(&self, name: &str) -> std::process::Command {
        let mut command = self.folder.command(program(name));
        command.arg("-h").arg(self.directory()).args(["-p", &self.port.to_string()]);
        command
    }

    /// A database of the test's own.
    pub(crate) fn database(&self) -> Database<'_> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Database { server: self, name }
    }

    /// A server that follows this one. From now on nothing counts as committed here that is not written there as well.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self { process: Mutex::new(None), folder: Folder::new(), port: self.port, listens: false };
        standby.follow(self);
        standby
    }

    /// Makes a server that was stopped or killed the standby of another one, with nothing of what it had.
    pub(crate) fn follow(&self, leader: &Self) {
        run(self.folder.command("rm").arg("-rf").arg(self.data()), "");
        let mut copy = self.folder.command(program("pg_basebackup"));
        copy.arg("-h").arg(leader.directory()).args(["-p", &leader.port.to_string(), "-U", "postgres"]);
        run(copy.args(["--no-sync", "-R", "-c", "fast", "-X", "stream", "-D"]).arg(self.data()), "");
        self.proceed();
        leader.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        leader.sql("postgres", "SELECT pg_reload_conf()");
        leader.wait_until("EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')");
    }

    /// Makes a standby the one that is written to.
    pub(crate) fn promote(&self) {
        assert_eq!(self.sql("postgres", "SELECT pg_promote(true, 30)"), "t");
    }

    /// Waits within the server until a condition in SQL holds.
    pub(crate) fn wait_until(&self, condition: &str) {
        let wait = "PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot()";
        let sql = format!("DO $$ BEGIN WHILE NOT ({condition}) LOOP {wait}; END LOOP; END $$");
        self.sql("postgres", &format!("SET statement_timeout = '30s'; {sql}"));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

/// Processes that stand still until this is dropped.
pub(crate) struct Paused(Vec<Pid>);

impl Drop for Paused {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It may have been killed meanwhile.
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}

/// A database that is dropped with this.
pub(crate) struct Database<'a> {
    server: &'a Postgres,
    name: String,
}

impl Database<'_> {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its address over the socket.
    pub(crate) fn url(&self) -> String {
        url(&self.name, &[self.server.directory()], self.server.port)
    }

    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    /// Waits until nobody but the test is connected to it any more.
    pub(crate) fn wait_until_alone(&self) {
        let others =
            format!("datname = '{}' AND backend_type = 'client backend' AND application_name <> '{TEST}'", self.name);
        self.server.wait_until(&format!("NOT EXISTS (SELECT FROM pg_stat_activity WHERE {others})"));
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        if self.server.process().is_some() && !std::thread::panicking() {
            self.server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// The address of a database at one of several sockets, for the role `postgres`.
pub(crate) fn url(database: &str, directories: &[&Path], port: u16) -> String {
    let hosts: Vec<_> = directories.iter().map(|directory| directory.display().to_string()).collect();
    let several = if hosts.len() > 1 { "&target_session_attrs=read-write" } else { "" };
    format!("postgres://postgres@/{database}?host={}&port={port}{several}", hosts.join(","))
}

/// One of PostgreSQL's programs, in its newest version.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap_or_else(|_| panic!("{MISSING}")).flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest =
        versions.map(|entry| entry.path()).filter(|path| path.join("bin").join(name).exists()).max_by_key(number);
    newest.unwrap_or_else(|| panic!("{MISSING}; /usr/lib/postgresql has no `{name}`")).join("bin").join(name)
}

/// A port that nobody listens at, and that the system gives to nobody who asks for any: those begin above.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
