//! Proves that the screens' thread touches no disk: a store that stands still stops no key.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::tasks::{Outside, Tasks};
use crate::api::Call;
use crate::clock;
use crate::config::Config;
use crate::http::Method;
use crate::http::client::Client;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ConfigurationChange, Service, SignIn, remembered};
use crate::storage::{
    self, Attempt, Grant, KeyOptions, LockedRecord, PastCall, Protection, Record, Store, StoreAddress, StoreError,
    Version,
};
use crate::tui::message::{Effect, Message, TaskId};

#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(is_open, |is_open| !*is_open));
    }
}

/// A store whose disk stands still until the gate is opened. It tells of each call, and whether that was made on the thread
/// of the screens: there it does not wait, so that a test fails instead of standing still as well.
#[derive(Clone)]
struct Slow {
    inner: Arc<dyn Store>,
    gate: Arc<Gate>,
    screens: ThreadId,
    calls: UnboundedSender<(&'static str, bool)>,
}

impl Slow {
    fn wait(&self, call: &'static str) {
        let is_on_screens_thread = thread::current().id() == self.screens;
        // The test may have ended.
        let _ = self.calls.send((call, is_on_screens_thread));
        if !is_on_screens_thread {
            self.gate.pass();
        }
    }
}

impl Store for Slow {
    fn load(&self, profile: &ProfileName) -> Result<Option<Record>, StoreError> {
        self.wait("load");
        self.inner.load(profile)
    }

    fn lock(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn LockedRecord>, StoreError> {
        self.wait("lock");
        Ok(Box::new(SlowRecord { disk: self.clone(), inner: self.inner.lock(profile, patience)? }))
    }

    fn calls(&self, profile: &ProfileName) -> Result<Vec<PastCall>, StoreError> {
        self.wait("calls");
        self.inner.calls(profile)
    }

    fn profiles(&self) -> Result<Vec<ProfileName>, StoreError> {
        self.wait("profiles");
        self.inner.profiles()
    }

    fn probe(&self) -> Result<(), StoreError> {
        self.wait("probe");
        self.inner.probe()
    }

    fn damage(&self, profile: &ProfileName) -> Option<String> {
        self.wait("damage");
        self.inner.damage(profile)
    }

    fn all_damage(&self) -> BTreeMap<ProfileName, String> {
        self.wait("all_damage");
        self.inner.all_damage()
    }

    fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        self.wait("versions");
        self.inner.versions()
    }

    fn protection(&self) -> Result<Protection, StoreError> {
        self.wait("protection");
        self.inner.protection()
    }
}

struct SlowRecord {
    disk: Slow,
    inner: Box<dyn LockedRecord>,
}

impl LockedRecord for SlowRecord {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        self.disk.wait("load again");
        self.inner.load()
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        self.disk.wait("reserve");
        self.inner.reserve()
    }

    fn claim(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        self.disk.wait("claim");
        self.inner.claim(attempt)
    }

    fn commit(&mut self, record: &mut Record) -> Result<(), StoreError> {
        self.disk.wait("commit");
        self.inner.commit(record)
    }

    fn forget_previous(&mut self) -> Result<(), StoreError> {
        self.disk.wait("forget_previous");
        self.inner.forget_previous()
    }

    fn save_calls(&mut self, calls: &[PastCall]) -> Result<(), StoreError> {
        self.disk.wait("save_calls");
        self.inner.save_calls(calls)
    }

    fn forget(&mut self) -> Result<(), StoreError> {
        self.disk.wait("forget");
        self.inner.forget()
    }
}

/// A provider at which nobody listens: what matters here comes before and after it is asked.
const CONFIGURATION: &str = r#"
[profiles.work]
provider = "corp"
client_id = "client-1"
scopes = ["openid"]

[providers.corp]
kind = "standard"
device_authorization_endpoint = "http://127.0.0.1:9/device"
token_endpoint = "http://127.0.0.1:9/token"
revocation_endpoint = "http://127.0.0.1:9/revoke"
userinfo_endpoint = "http://127.0.0.1:9/userinfo"
api_domain = "http://127.0.0.1:9"
"#;

fn work() -> ProfileName {
    "work".parse().expect("a name")
}

/// A store in which `work` is signed in with a token that ends in `left`.
fn store(left: SignedDuration) -> Arc<dyn Store> {
    let store = storage::open(&StoreAddress::Memory, KeyOptions::default());
    let now = clock::wall();
    let grant = Grant {
        refresh_token: Some(Secret::new("RT1")),
        ..Grant::new("http://127.0.0.1:9/token", vec!["openid".to_owned()], Secret::new("AT1"), now, now + left)
    };
    let mut record = Record { grant: Some(grant), ..Record::empty(work(), "corp", "client-1") };
    store.lock(&work(), Duration::ZERO).and_then(|mut locked| locked.commit(&mut record)).expect("memory has room");
    store
}

fn call() -> Call {
    let url = "http://127.0.0.1:9/userinfo".parse().expect("an address");
    Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() }
}

/// Whatever the screens ask for that may come to a disk.
fn effects() -> Vec<Effect> {
    let (task, profile) = (TaskId(1), work());
    let past = remembered(&call(), Timestamp::UNIX_EPOCH, None).expect("nothing secret");
    let scopes = vec!["email".to_owned()];
    vec![
        Effect::LoadStatuses,
        Effect::Refresh { task, profile: profile.clone() },
        Effect::Verify { task, profile: profile.clone() },
        Effect::ReadToken { task, profile: profile.clone() },
        Effect::LoadTestCalls { task, profile: profile.clone() },
        Effect::Call { task, profile: profile.clone(), call: call() },
        Effect::LoadPastCalls { profile: profile.clone() },
        Effect::KeepCall { profile: profile.clone(), call: Box::new(past) },
        Effect::StartSignIn { task, profile: profile.clone(), options: SignIn::default() },
        Effect::SignOut { task, profile: profile.clone() },
        Effect::ChangeConfiguration { task, change: ConfigurationChange::AddScopes { profile, scopes } },
    ]
}

/// Waits for the message with which a piece of work ends.
async fn end(messages: &mut UnboundedReceiver<Message>) {
    loop {
        match messages.recv().await.expect("the work ends with a message") {
            Message::SignIn { .. } => {}
            _ => return,
        }
    }
}

#[tokio::test]
async fn a_store_that_stands_still_stops_no_key() {
    for left in [SignedDuration::from_hours(1), SignedDuration::from_secs(-1)] {
        for effect in effects() {
            let directory = tempfile::tempdir().expect("a directory");
            let file = directory.path().join("config.toml");
            crate::files::replace(&file, CONFIGURATION.as_bytes()).expect("it is written");
            let config = Config::parse(CONFIGURATION, Path::new(&file)).expect("valid");
            let (calls, mut called) = unbounded_channel();
            let gate = Arc::new(Gate::default());
            let slow = Slow { inner: store(left), gate: gate.clone(), screens: thread::current().id(), calls };
            let service = Service::new(config, Arc::new(slow), Client::new(None), Box::new(|_| None));
            let (sender, mut messages) = unbounded_channel();
            let mut tasks = Tasks::new(Arc::new(service), Outside::default(), sender);
            let is_configuration = matches!(effect, Effect::ChangeConfiguration { .. });
            let shown = format!("{effect:?}, token left {left}");
            tasks.begin(effect);
            if !is_configuration {
                // The store stands still in its first call, and here goes on what takes in keys.
                let (_, is_on_screens_thread) = called.recv().await.expect("the store is asked");
                assert!(!is_on_screens_thread, "{shown}");
                assert!(messages.try_recv().is_err(), "{shown}");
            }
            gate.open();
            end(&mut messages).await;
            while let Ok((call, is_on_screens_thread)) = called.try_recv() {
                assert!(!is_on_screens_thread, "{shown}: {call}");
            }
        }
    }
}
