//! What `device-login agent` costs with ten thousand profiles, and how punctual it is: `cargo bench --bench agent`,
//! `-- 500 100 30` for 500 profiles of which 100 are due within 30 seconds.
//!
//! The program runs as it is, on records in memory, and refreshes at a provider that answers in 300 ms. Each record's budget
//! is spent until a moment that the provider knows, which is thus when its refresh is due. Prints figures; nothing here
//! passes or fails.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use device_login::clock::{self, Moment};
use device_login::profile::ProfileName;
use device_login::secret::Secret;
use device_login::storage::{Grant, KeyOptions, Record, Store, StoreAddress, open};
use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER_TIME: Duration = Duration::from_millis(300);
/// How long the provider counts, as `providers::zoho` has it, and how many tokens.
const WINDOW: i64 = 600;
const TOKENS: i64 = 10;
/// How long the agent has for reading everything before the first refresh is due.
const START: Duration = Duration::from_secs(15);
/// So many records are written into one directory before they are moved: a store looks through all of its own for each.
const PART: usize = 500;
/// So many records are written to see how long that takes.
const SAMPLE: usize = 100;
/// How long it is watched while nothing is due.
const IDLE: Duration = Duration::from_secs(10);

/// When each profile's refresh token came in.
type Arrivals = Arc<Mutex<BTreeMap<usize, Vec<Moment>>>>;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let mut number = |default| numbers.next().unwrap_or(default);
    let (count, refreshes, seconds): (usize, usize, usize) = (number(10_000), number(600), number(36));
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let home = home.expect("a temporary directory");
    let arrivals = Arrivals::default();
    let address = provider(arrivals.clone());
    let keys = KeyOptions { default_key_file: home.path().join("key"), ..KeyOptions::default() };
    // Writing takes a while, and gets slower the more there is, so what is due is reckoned from an end that is far enough.
    let part = |number: usize| home.path().join("parts").join((number / PART).to_string());
    let store = |number| open(&StoreAddress::File(part(number)), keys.clone());
    let begun = clock::now();
    (0..SAMPLE).for_each(|number| keep(&store(number), &address, number, clock::now()));
    let writing = (clock::now() - begun) * u32::try_from(count.div_ceil(SAMPLE)).unwrap_or(u32::MAX) * 2;
    let first_due = clock::now() + writing + START;
    let due = |number: usize| first_due + Duration::from_millis((number * seconds * 1000 / refreshes) as u64);
    let not_now = || clock::now() + Duration::from_secs(WINDOW.unsigned_abs());
    for first in (0..count).step_by(PART) {
        let store = store(first);
        let due = |number| if number < refreshes { due(number) } else { not_now() };
        (first..count.min(first + PART)).for_each(|number| keep(&store, &address, number, due(number)));
        gather(&part(first), &home.path().join("state"));
    }
    device_login::files::replace(&home.path().join("config.toml"), configuration(count, &address).as_bytes())
        .expect("it is written");
    println!("{count} profiles, {refreshes} of them due within {seconds} s");
    assert!(clock::now() + START < first_due + Duration::from_secs(5), "records were written too slowly");
    let begun = clock::now();
    let mut agent = start(home.path());
    println!("  all read: {:.1} s", (clock::now() - begun).as_secs_f64());
    println!("  resident: {}", resident(&agent));
    let idle_until = clock::now() + IDLE;
    if idle_until < first_due {
        let before = wakeups(&agent);
        wait_until(idle_until);
        println!("  wake-ups in {} s with nothing due: {}", IDLE.as_secs(), wakeups(&agent) - before);
    }
    wait_until(first_due);
    let (ticks, before) = (processor_time(&agent), wakeups(&agent));
    wait_until(due(refreshes) + Duration::from_secs(5));
    println!("  resident: {}; at most {} MB", resident(&agent), memory_of(&agent, "VmHWM") / 1000);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let each = |sum: f64| sum / refreshes as f64;
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let woken = (wakeups(&agent) - before) as f64;
    println!(
        "  for each refresh: {:.1} ms of the processor, {:.1} wake-ups",
        each((processor_time(&agent) - ticks) * 1000.0),
        each(woken)
    );
    punctuality(&arrivals.lock().expect("no thread panics with it"), refreshes, due);
    let _ = agent.kill();
    let _ = agent.wait();
}

/// How late requests came in, beside when they were due.
fn punctuality(arrivals: &BTreeMap<usize, Vec<Moment>>, count: usize, due: impl Fn(usize) -> Moment) {
    let once = arrivals.values().filter(|times| times.len() == 1).count();
    println!("  refreshed once: {once} of {count}, more than once: {}", arrivals.len() - once);
    let early = arrivals.iter().filter(|(number, times)| times[0] < due(**number)).count();
    let mut late: Vec<Duration> = arrivals.iter().map(|(number, times)| times[0] - due(*number)).collect();
    late.sort();
    let part = |percent: usize| late.get((late.len() * percent / 100).min(late.len().saturating_sub(1)));
    let ms = |percent| part(percent).map_or(0, Duration::as_millis);
    println!(
        "  late: {} ms for half of them, {} ms for 99 of 100, {} ms at most; early: {early}",
        ms(50),
        ms(99),
        ms(100)
    );
}

/// The program, when it has read everything.
fn start(home: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_device-login"));
    command.arg("agent").env_clear().env("DEVICE_LOGIN_HOME", home);
    let mut agent = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut log = BufReader::new(agent.stderr.take().expect("stderr is a pipe"));
    let mut line = String::new();
    while !line.contains("ready: ") {
        line.clear();
        assert!(log.read_line(&mut line).is_ok_and(|length| length > 0), "the agent has ended");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    agent
}

/// Answers with a token after 300 ms, and notes who asked when.
fn provider(arrivals: Arrivals) -> String {
    let (told, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be listened at");
            told.send(listener.local_addr().expect("it listens")).expect("somebody waits");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, arrivals.clone()));
            }
        });
    });
    format!("http://{}", address.recv().expect("it listens"))
}

async fn answer(mut stream: TcpStream, arrivals: Arrivals) {
    let (mut asked, mut room) = (String::new(), [0; 4096]);
    let number = loop {
        let Ok(length @ 1..) = stream.read(&mut room).await else { return };
        asked.push_str(&String::from_utf8_lossy(&room[..length]));
        let number = asked.split_once("refresh_token=1000.").and_then(|(_, rest)| rest.get(..8));
        if let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) {
            break number;
        }
    };
    arrivals.lock().expect("no thread panics with it").entry(number).or_default().push(clock::now());
    tokio::time::sleep(ANSWER_TIME).await;
    let token = "0123456789abcdef".repeat(2);
    let body = format!(r#"{{"access_token":"1000.{token}.{token}","expires_in":3600,"token_type":"Bearer"}}"#);
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    // Whoever went away does not count.
    let _ = stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes()).await;
}

/// A record whose token has ended, and whose budget is spent until `due`.
fn keep(store: &Store, address: &str, number: usize, due: Moment) {
    let name: ProfileName = format!("p{number:05}").parse().expect("a name");
    let due = clock::wall() + SignedDuration::try_from(clock::now().until(due)).expect("not long");
    let first = due - SignedDuration::from_secs(WINDOW);
    let grant = Grant {
        data_center: "us".to_owned(),
        api_domain: Some(address.to_owned()),
        refresh_token: Some(Secret::new(format!("1000.{number:08}{0}.{0}", "fedcba98".repeat(3)))),
        mints: (0..TOKENS).map(|second| first + SignedDuration::from_millis(second)).collect(),
        ..Grant::new(
            format!("{address}/"),
            vec!["ZohoCRM.users.READ".to_owned()],
            Secret::new(format!("1000.{0}.{0}", "0123456789abcdef".repeat(2))),
            first,
            first + SignedDuration::from_secs(60),
        )
    };
    let record = Record {
        client_secret: Some(Secret::new("0123456789abcdef".repeat(3))),
        ..Record::empty(name.clone(), "lab", client(number))
    };
    let mut record = Record { grant: Some(grant), ..record };
    let mut held = store.hold(&name, Duration::from_secs(5)).expect("nobody else writes");
    held.commit(&mut record).expect("the record is kept");
    held.release();
}

/// Moves the records of one directory into another.
fn gather(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(to).expect("a directory");
    for file in fs::read_dir(from).expect("it is there").flatten() {
        if file.file_name().to_string_lossy().ends_with(".record") {
            fs::rename(file.path(), to.join(file.file_name())).expect("it is there");
        }
    }
}

/// Each profile has a client of its own, since Zoho's are paced.
fn client(number: usize) -> String {
    format!("1000.C{number}")
}

fn configuration(count: usize, address: &str) -> String {
    let mut text = format!(
        "[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\naccounts_server = \"{address}\"\n\
         api_domain = \"{address}\"\n"
    );
    for number in 0..count {
        writeln!(
            text,
            "[profiles.p{number:05}]\nprovider = \"lab\"\nclient_id = \"{}\"\n\
             scopes = [\"ZohoCRM.users.READ\", \"AaaServer.profile.READ\"]",
            client(number)
        )
        .expect("text grows");
    }
    text
}

fn wait_until(moment: Moment) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(clock::sleep_until(moment));
}

fn resident(agent: &Child) -> String {
    let (all, own) = (memory_of(agent, "VmRSS") / 1000, memory_of(agent, "RssAnon") / 1000);
    format!("{all} MB, {own} MB of it its own, the rest the program's file")
}

/// A figure of the process in kilobytes.
fn memory_of(agent: &Child, what: &str) -> u64 {
    number_after(&fs::read_to_string(format!("/proc/{}/status", agent.id())).unwrap_or_default(), what)
}

/// How often the process went to sleep and was woken, all threads together.
fn wakeups(agent: &Child) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", agent.id())).into_iter().flatten().flatten();
    let status = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    status.map(|status| number_after(&status, "voluntary_ctxt_switches")).sum()
}

/// Seconds of the processor, user and system.
fn processor_time(agent: &Child) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", agent.id())).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|part| part.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn number_after(text: &str, what: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
