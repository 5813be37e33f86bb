//! A home with many profiles that are signed in at a server where nobody answers.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use device_login::clock;
use device_login::profile::ProfileName;
use device_login::secret::Secret;
use device_login::storage::{Grant, KeyOptions, Record, StoreAddress, open};
use jiff::SignedDuration;

/// A port that is reserved and never listened at.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Writes `config.toml`, and a plain store in `state`.
pub(crate) fn profiles(home: &Path, count: usize) {
    let mut config = format!(
        "[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\naccounts_server = \"{NOWHERE}\"\n\
         api_domain = \"{NOWHERE}\"\n"
    );
    let store = open(&StoreAddress::Plain(home.join("state")), KeyOptions::default());
    for number in 0..count {
        let name: ProfileName = format!("p{number:04}").parse().expect("a name");
        writeln!(config, "[profiles.{name}]\nprovider = \"lab\"\nclient_id = \"1000.X\"").expect("text grows");
        let mut record = Record { grant: Some(grant()), ..Record::empty(name.clone(), "lab", "1000.X") };
        let mut locked = store.hold(&name, Duration::from_secs(5)).expect("nobody else writes");
        locked.commit(&mut record).expect("the record is kept");
    }
    let written = File::create(home.join("config.toml")).and_then(|mut file| file.write_all(config.as_bytes()));
    written.expect("the home can be written");
}

fn grant() -> Grant {
    let now = clock::wall();
    Grant {
        data_center: "us".to_owned(),
        api_domain: Some(NOWHERE.to_owned()),
        refresh_token: Some(Secret::new("1000.refresh")),
        ..Grant::new(
            format!("{NOWHERE}/"),
            Vec::new(),
            Secret::new("1000.access"),
            now,
            now + SignedDuration::from_hours(1),
        )
    }
}
