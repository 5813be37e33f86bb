//! Authorization servers of other people on loopback, each a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

const MISSING: &str = "its packages are needed (`tests/run` installs them)";

/// A running server. It ends when dropped, and with the test's process however that ends.
pub(crate) struct Server {
    process: Child,
    origin: String,
    /// What it says later is read by nobody, but a closed pipe would end it.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// npm's oidc-provider, which describes itself.
    pub(crate) fn oidc_provider() -> Self {
        Self::start("oidc-provider", "node", "server.mjs")
    }

    /// Authlib, which has endpoints only.
    pub(crate) fn authlib() -> Self {
        Self::start("authlib", "bin/python", "server.py")
    }

    fn start(name: &str, interpreter: &str, program: &str) -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target directory");
        let installed = target.join("test-servers").join(name);
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/servers").join(name).join(program);
        // A name without a directory is looked for in `PATH`.
        let interpreter = if interpreter.contains('/') { installed.join(interpreter) } else { interpreter.into() };
        let mut process = Command::new(interpreter)
            .arg(program)
            .current_dir(&installed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}; {MISSING}"));
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("it speaks UTF-8");
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{name} ended at once; {MISSING}"));
        let origin = told["origin"].as_str().expect("it tells its origin").to_owned();
        Self { process, origin, _output: output }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
