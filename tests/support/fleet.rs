//! Machines that share one sign-in: homes with a store and a key in common, whose profile `work` belongs to a provider that
//! takes each refresh token once.

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use device_login::clock;
use device_login::profile::ProfileName;
use device_login::secret::Secret;
use device_login::storage::{Grant, Record, Store, StoreAddress, StoreError, open};
use jiff::SignedDuration;

use super::http;
use super::program::{self, Home, Ran, ended, key_options, ran};
use super::rotating::{Counts, Rotating};
use super::servers::Server;

/// Under this name a database knows the connection of the test itself.
pub(crate) const TEST: &str = "test";
const KEY_FILE: &str = "key";
const PATIENCE: Duration = Duration::from_secs(30);
/// Each call asks the store, as a machine does that has not asked it for a while.
pub(crate) const NO_COPIES: &str = "store_cache = 0\n";

/// Who gives tokens out and counts them.
pub(crate) enum Provider {
    Rotating(Rotating),
    OidcProvider(Server),
}

impl Provider {
    /// What the homes know of it.
    fn configuration(&self) -> String {
        match self {
            Provider::Rotating(rotating) => program::configuration(rotating.origin()),
            Provider::OidcProvider(server) => format!(
                "[profiles.work]\nprovider = \"corp\"\nclient_id = \"public\"\nscopes = [\"openid\", \"offline_access\"]\n\
                 [providers.corp]\nkind = \"standard\"\ndevice_authorization_endpoint = \"{}\"\ntoken_endpoint = \"{}\"\n",
                server.at("/device/auth"),
                server.at("/token")
            ),
        }
    }

    /// A sign-in that was approved just now, and whose access token has ended already.
    fn grant(&self) -> Grant {
        let now = clock::wall();
        let new = |token_endpoint: String| {
            Grant::new(
                token_endpoint,
                vec!["openid".to_owned()],
                Secret::new("old"),
                now,
                now - SignedDuration::from_secs(1),
            )
        };
        match self {
            Provider::Rotating(rotating) => {
                let mut grant = new(format!("{}/token", rotating.origin()));
                rotating.grant("work", &mut grant);
                grant
            }
            Provider::OidcProvider(server) => {
                let approved = http::send("GET", &server.at("/test/approve"), &[], "").json();
                let token = approved["refresh_token"].as_str().expect("a token").to_owned();
                Grant { refresh_token: Some(Secret::new(token)), ..new(server.at("/token")) }
            }
        }
    }

    pub(crate) fn rotating(&self) -> &Rotating {
        match self {
            Provider::Rotating(rotating) => rotating,
            Provider::OidcProvider(_) => panic!("it answers as it likes"),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        match self {
            Provider::Rotating(rotating) => rotating.counts(),
            Provider::OidcProvider(server) => {
                let counts = http::send("GET", &server.at("/test/counts"), &[], "").json();
                let count = |name| counts[name].as_u64().and_then(|count| count.try_into().ok()).expect("a number");
                let [refreshes, presented_twice] = ["refreshes", "presented_twice"].map(count);
                Counts {
                    asked: refreshes + presented_twice,
                    refreshes,
                    presented_twice,
                    ended: presented_twice.min(1),
                    ..Counts::default()
                }
            }
        }
    }
}

/// The homes, each with the address under which it finds the store.
pub(crate) struct Fleet {
    pub(crate) provider: Provider,
    /// The store as the test itself reaches it, over a connection that stays.
    store: Store,
    homes: Vec<(Home, String)>,
}

impl Fleet {
    /// Signs in, with a home for each address. All of them are the same store.
    pub(crate) fn new(provider: Provider, direct: &str, addresses: &[String]) -> Self {
        let homes: Vec<_> = addresses.iter().map(|address| (Home::new(), address.clone())).collect();
        let address = StoreAddress::parse(&format!("{direct}&application_name={TEST}")).expect("an address");
        let store = open(&address, key_options(&homes[0].0));
        let fleet = Self { provider, store, homes };
        fleet.configure(NO_COPIES);
        fleet.sign_in();
        let key = fs::read_to_string(fleet.homes[0].0.path(KEY_FILE)).expect("the first record made it");
        fleet.homes[1..].iter().for_each(|(home, _)| drop(home.write(KEY_FILE, &key)));
        fleet
    }

    pub(crate) fn home(&self, number: usize) -> &Home {
        &self.homes[number % self.homes.len()].0
    }

    /// The access token that whoever asks the store finds there.
    pub(crate) fn stored_token(&self) -> String {
        let record = self.store.load(&"work".parse().expect("a name")).expect("the store works");
        record.and_then(|record| record.grant).expect("it is signed in").access_token.expose().to_owned()
    }

    /// Puts something before what the homes know of the provider.
    pub(crate) fn configure(&self, first: &str) {
        let text = format!("{first}{}", self.provider.configuration());
        self.homes.iter().for_each(|(home, _)| home.configure(&text));
    }

    /// Keeps a new grant of the provider's.
    pub(crate) fn sign_in(&self) {
        let done = self.change(PATIENCE, |grant| *grant = Some(self.provider.grant()));
        done.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Changes what is kept of the sign-in, unless somebody else has the right to write.
    fn change(&self, patience: Duration, change: impl FnOnce(&mut Option<Grant>)) -> Result<(), StoreError> {
        let name: ProfileName = "work".parse().expect("a name");
        self.store.holding(&name.clone(), patience, |held| {
            let mut record = held.load()?.unwrap_or_else(|| Box::new(Record::empty(name, "corp", "client-1")));
            change(&mut record.grant);
            held.commit(&mut record)
        })
    }

    /// Lets the access token have ended, unless somebody else has the right to write.
    pub(crate) fn try_to_end_token(&self) -> Result<(), StoreError> {
        self.change(Duration::ZERO, |grant| ended(grant.as_mut().expect("it is signed in")))
    }

    /// Lets the access token have ended.
    pub(crate) fn end_token(&self) {
        let done = self.change(PATIENCE, |grant| ended(grant.as_mut().expect("it is signed in")));
        done.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The program in one of the homes.
    pub(crate) fn command(&self, home: usize, arguments: &[&str]) -> Command {
        let (home, address) = &self.homes[home % self.homes.len()];
        let mut command = home.command(arguments);
        command.env("DEVICE_LOGIN_STORE", address);
        command
    }

    pub(crate) fn spawn(&self, home: usize, arguments: &[&str]) -> Child {
        self.command(home, arguments).spawn().expect("the program starts")
    }

    pub(crate) fn run(&self, home: usize, arguments: &[&str]) -> Ran {
        ran(self.spawn(home, arguments))
    }

    /// So many processes that want a token at once, spread over the homes.
    pub(crate) fn herd(&self, processes: usize) -> Vec<Ran> {
        let herd: Vec<_> = (0..processes).map(|number| self.spawn(number, &["token"])).collect();
        herd.into_iter().map(ran).collect()
    }
}
