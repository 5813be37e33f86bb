//! What the profiles panel costs with ten thousand profiles: `cargo bench --bench profiles`, `-- 500` for fewer.
//!
//! Prints medians; nothing here passes or fails. A frame is timed into a buffer, without a terminal behind it.
//! `-- home DIRECTORY 10000` only makes a home with so many profiles, all of them signed in.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use device_login::abilities::Environment;
use device_login::clock;
use device_login::config::Config;
use device_login::http::client::Client;
use device_login::secret::Secret;
use device_login::service::{Machine, Service};
use device_login::storage::{Grant, Happened, KeyOptions, Record, Store, StoreAddress, open};
use device_login::tui::keymap::Key;
use device_login::tui::message::Message;
use device_login::tui::model::Model;
use device_login::tui::surroundings::Now;
use device_login::tui::update::update;
use device_login::tui::view::view;
use device_login::tui::{Start, next_wakeup, start};
use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const RUNS: usize = 51;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some([_, directory, count]) = words.iter().position(|word| word == "home").map(|at| &words[at..]) {
        drop(sign_in(Path::new(directory), count.parse().expect("a number of profiles")));
        return;
    }
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    // What is written durably would else take most of the time.
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let home = home.expect("a temporary directory");
    let store = sign_in(home.path(), count);
    let parsed = || Config::load(&home.path().join("config.toml")).expect("a good configuration");
    println!("{count} profiles");
    println!("  read the configuration: {}", once(|| drop(parsed())));
    let service = Service::new(parsed(), store.clone(), Client::new(None), Box::new(|_| None));
    let size = |name: &str| std::fs::metadata(home.path().join("state").join(name)).map_or(0, |file| file.len());
    println!("  one record: {} bytes", size("p00001.record"));
    println!("  read all statuses: {}", once(|| drop(service.statuses_by_now(clock::wall()))));
    println!("  read them again, nothing changed: {}", median(|| drop(service.statuses_by_now(clock::wall()))));
    keep(&store, 1, 40);
    println!("  one record with a full history: {} bytes", size("p00001.record"));
    println!("  read them again, one changed: {}", once(|| drop(service.statuses_by_now(clock::wall()))));
    panel(&service);
}

/// Makes a home with so many profiles, all of them signed in.
fn sign_in(home: &Path, count: usize) -> Store {
    device_login::files::replace(&home.join("config.toml"), configuration(count).as_bytes()).expect("it is written");
    let keys = KeyOptions { default_key_file: home.join("key"), ..KeyOptions::default() };
    let store = open(&StoreAddress::File(home.join("state")), keys);
    (0..count).for_each(|number| keep(&store, number, 1));
    store
}

/// The screen: keys, frames, and the question when to wake.
fn panel(service: &Service) {
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    let mut model = Model::new(Environment::default().abilities(), machine, Config::clone(&service.config));
    let now = || Now { moment: clock::now(), time: clock::wall() };
    println!(
        "  open the panel with names alone: {}",
        once(|| drop(start(&mut model, Start::Profiles(None), None, now())))
    );
    let loaded = || Message::StatusesLoaded(service.statuses_by_now(clock::wall()));
    let mut statuses = Some(loaded());
    let mut take_in = || drop(update(&mut model, statuses.take().expect("once"), now()));
    println!("  take the statuses in: {}", once(&mut take_in));
    for (columns, rows) in [(80, 24), (200, 60)] {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a buffer");
        update(&mut model, Message::Resized { columns, rows }, now());
        println!("  at {columns}x{rows}");
        let mut frame = |model: &Model| {
            let _ = terminal.draw(|frame| view(model, now(), frame));
        };
        println!("    a frame: {}", median(|| frame(&model)));
        println!(
            "    when to wake: {}",
            median(|| {
                std::hint::black_box(next_wakeup(&model, now()));
            })
        );
        for (name, key) in [("down", Key::Down), ("a page down", Key::PageDown), ("sort", Key::Char('s'))] {
            println!("    {name}, to the frame: {}", median(|| press(&mut model, key, now(), &mut frame)));
        }
        update(&mut model, Message::Key(Key::Char('/')), now());
        let mut typed = "user1exp".chars().cycle();
        let mut type_on = || press(&mut model, Key::Char(typed.next().expect("endless")), now(), &mut frame);
        println!("    a letter of a filter, to the frame: {}", median(&mut type_on));
        update(&mut model, Message::Key(Key::Esc), now());
    }
}

fn press(model: &mut Model, key: Key, now: Now, frame: &mut impl FnMut(&Model)) {
    update(model, Message::Key(key), now);
    frame(model);
}

fn once(work: impl FnOnce()) -> String {
    let started = clock::now();
    work();
    in_words(clock::now() - started)
}

fn median(mut work: impl FnMut()) -> String {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = clock::now();
            work();
            clock::now() - started
        })
        .collect();
    times.sort();
    in_words(times[RUNS / 2])
}

fn in_words(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn configuration(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let data_center = ["us", "eu", "in", "au"][number % 4];
        writeln!(
            text,
            "[profiles.p{number:05}]\nprovider = \"zoho\"\ndata_center = \"{data_center}\"\nclient_id = \"1000.C{}\"\n\
             scopes = [\"ZohoCRM.users.READ\", \"AaaServer.profile.READ\"]",
            number / 20
        )
        .expect("text grows");
        text
    })
}

/// Keeps a record with a grant whose token ends some time within the hour, and with so many events.
fn keep(store: &Store, number: usize, events: usize) {
    let name: device_login::profile::ProfileName = format!("p{number:05}").parse().expect("a name");
    let now = clock::wall();
    let mut locked = store.hold(&name, Duration::from_secs(5)).expect("nobody else writes");
    let grant = Grant {
        data_center: "us".to_owned(),
        api_domain: Some("https://www.zohoapis.com".to_owned()),
        account: Some(device_login::storage::Account {
            id: number.to_string(),
            email: Some(format!("user{number}@example.com")),
            name: Some("Dana Reyes".to_owned()),
        }),
        refresh_token: Some(Secret::new(format!("1000.{0}.{0}", "fedcba9876543210".repeat(2)))),
        mints: vec![now],
        ..Grant::new(
            "https://accounts.zoho.com/",
            vec!["ZohoCRM.users.READ".to_owned()],
            Secret::new(format!("1000.{0}.{0}", "0123456789abcdef".repeat(2))),
            now,
            now + SignedDuration::from_secs(i64::try_from(number * 37 % 3600).unwrap_or(0)),
        )
    };
    let mut record = Record { grant: Some(grant), ..Record::empty(name, "zoho", format!("1000.C{}", number / 20)) };
    for event in 0..events {
        let what = if event % 2 == 0 { Happened::Refreshed } else { Happened::RefreshFailed };
        record.note(what, "no connection to accounts.zoho.com", "agent", now);
    }
    locked.commit(&mut record).expect("the record is kept");
}
