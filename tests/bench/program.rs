//! What the program costs beside a hello-world of the same compiler: `cargo bench --bench program`.
//!
//! Prints ratios and counts, which hold on busy machines; nothing here passes or fails. System calls need `strace`,
//! instructions `valgrind`; what is missing is left out. `-- home DIRECTORY 10000` only makes a home with so many profiles, of
//! which `work` is signed in.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use device_login::clock;
use device_login::secret::Secret;
use device_login::storage::{Grant, KeyOptions, Record, StoreAddress, open};
use jiff::SignedDuration;

/// Pairs of runs for each figure.
const PAIRS: usize = 101;

/// Programs that scripts start as often, measured by what each does least, where they are installed.
const PEERS: [&str; 4] = ["curl", "gh", "jq", "ortie"];

/// Profiles in the configuration.
const SIZES: [usize; 3] = [1, 100, 10_000];

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some([_, directory, profiles]) = words.iter().position(|word| word == "home").map(|at| &words[at..]) {
        return sign_in(Path::new(directory), profiles.parse().expect("a number of profiles"));
    }
    let homes = SIZES.map(|profiles| {
        let home = tempfile::tempdir().expect("a temporary directory");
        sign_in(home.path(), profiles);
        (profiles, home)
    });
    let hello = hello_world(homes[0].1.path());
    let program = Path::new(env!("CARGO_BIN_EXE_device-login"));
    let size = std::fs::metadata(program).map(|metadata| metadata.len()).unwrap_or_default();
    println!("size of the program: {} kB", size / 1000);
    for peer in PEERS.map(Path::new) {
        let home = homes[0].1.path();
        let (run, hello) =
            (Run { program: peer, arguments: &["--version"], home }, Run { program: &hello, arguments: &[], home });
        if run.command(&[]).status().is_ok_and(|status| status.success()) {
            println!("{} --version", peer.display());
            run.print_beside(&hello);
        }
    }
    for (profiles, home) in &homes {
        let hello = Run { program: &hello, arguments: &[], home: home.path() };
        for arguments in [&["--version"][..], &["token"], &["token", "-v"], &["status"]] {
            if *profiles > 1 && arguments[0] == "--version" {
                continue;
            }
            let run = Run { program, arguments, home: home.path() };
            println!("{} of {profiles}", arguments.join(" "));
            run.print_beside(&hello);
        }
    }
}

fn print_counts(what: &str, own: Option<u64>, least: Option<u64>) {
    if let (Some(own), Some(least)) = (own, least) {
        println!("  {what}: {own} (hello-world: {least})");
    }
}

/// A program to be run with a home of its own.
struct Run<'a> {
    program: &'a Path,
    arguments: &'a [&'a str],
    home: &'a Path,
}

impl Run<'_> {
    fn print_beside(&self, hello: &Run) {
        println!("  wall time over hello-world: {:.2} (median of {PAIRS} pairs)", ratio(self, hello));
        print_counts("system calls", self.system_calls(), hello.system_calls());
        print_counts("instructions", self.instructions(), hello.instructions());
    }

    fn command(&self, tool: &[&str]) -> Command {
        let mut words = tool.iter().map(PathBuf::from).chain([self.program.to_owned()]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).args(self.arguments).env_clear().env("DEVICE_LOGIN_HOME", self.home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn wall(&self) -> Duration {
        let started = clock::now();
        let status = self.command(&[]).status().expect("it runs");
        assert!(status.success(), "{:?}", self.arguments);
        clock::now() - started
    }

    fn system_calls(&self) -> Option<u64> {
        let log = self.home.join("strace.log");
        self.command(&["strace", "-f", "-o", log.to_str()?]).status().ok()?;
        let log = std::fs::read_to_string(log).ok()?;
        u64::try_from(log.lines().filter(|line| line.contains('(')).count()).ok()
    }

    fn instructions(&self) -> Option<u64> {
        let out = format!("--callgrind-out-file={}", self.home.join("callgrind.out").display());
        let output = self.command(&["valgrind", "--tool=callgrind", &out]).stderr(Stdio::piped()).output().ok()?;
        let text = String::from_utf8(output.stderr).ok()?;
        text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
    }
}

/// The median of the ratios of runs taken in turn, so that a machine that slows down slows both.
fn ratio(run: &Run, hello: &Run) -> f64 {
    let mut ratios: Vec<f64> = (0..PAIRS).map(|_| run.wall().as_secs_f64() / hello.wall().as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[PAIRS / 2]
}

fn hello_world(directory: &Path) -> PathBuf {
    let (source, program) = (directory.join("hello.rs"), directory.join("hello"));
    let written = File::create(&source).and_then(|mut file| file.write_all(b"fn main() { println!(\"hello\"); }\n"));
    written.expect("the temporary directory can be written");
    let status = Command::new("rustc").arg("-O").arg("-o").args([&program, &source]).status();
    assert!(status.is_ok_and(|status| status.success()), "rustc builds a hello-world");
    program
}

/// So many profiles, one with a token that is good for an hour.
fn sign_in(home: &Path, profiles: usize) {
    let above = "default_profile = \"work\"\n[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\n".to_owned();
    let configuration = (1..profiles).fold(above, |text, number| {
        let scopes = "scopes = [\"ZohoCRM.users.READ\", \"AaaServer.profile.READ\"]";
        let client = format!("data_center = \"eu\"\nclient_id = \"1000.C{}\"", number / 20);
        text + &format!("[profiles.p{number:05}]\nprovider = \"zoho\"\n{client}\n{scopes}\n")
    });
    let written = File::create(home.join("config.toml")).and_then(|mut file| file.write_all(configuration.as_bytes()));
    written.expect("the temporary directory can be written");
    let keys = KeyOptions { default_key_file: home.join("key"), ..KeyOptions::default() };
    let store = open(&StoreAddress::File(home.join("state")), keys);
    let (name, now) = ("work".parse().expect("a name"), clock::wall());
    let mut locked = store.hold(&name, Duration::from_secs(5)).expect("nobody else writes");
    let grant = Grant {
        data_center: "us".to_owned(),
        api_domain: Some("https://www.zohoapis.com".to_owned()),
        refresh_token: Some(Secret::new(format!("1000.{0}.{0}", "fedcba9876543210".repeat(2)))),
        ..Grant::new(
            "https://accounts.zoho.com/",
            vec!["ZohoCRM.users.READ".to_owned()],
            Secret::new(format!("1000.{0}.{0}", "0123456789abcdef".repeat(2))),
            now,
            now + SignedDuration::from_hours(1),
        )
    };
    let mut record = Record { grant: Some(grant), ..Record::empty(name, "zoho", "1000.X") };
    locked.commit(&mut record).expect("the record is kept");
}
