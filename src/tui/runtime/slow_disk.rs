//! Proves that the screens' thread touches no disk: a store that stands still stops no key.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::tasks::{Outside, Tasks};
use crate::api::Call;
use crate::clock;
use crate::config::Config;
use crate::http::Method;
use crate::http::client::Client;
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ConfigurationChange, Service, SignIn, remembered};
use crate::storage::backend::watched::Watched;
use crate::storage::{self, Grant, KeyOptions, Record, Store, StoreAddress};
use crate::tui::message::{Effect, Message, TaskId};

#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *locked(&self.is_open) = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let is_open = locked(&self.is_open);
        drop(self.opened.wait_while(is_open, |is_open| !*is_open));
    }
}

/// A store whose disk stands still until the gate is opened. It tells of each call, and whether that was made on the thread
/// of the screens: there it does not wait, so that a test fails instead of standing still as well.
fn slow(left: SignedDuration, gate: Arc<Gate>, calls: UnboundedSender<(&'static str, bool)>) -> Store {
    let memory = storage::backend(&StoreAddress::Memory, None);
    sign_in(&storage::open_over(Arc::clone(&memory), &StoreAddress::Memory, KeyOptions::default()), left);
    let screens = thread::current().id();
    let watcher = move |call| {
        let is_on_screens_thread = thread::current().id() == screens;
        // The test may have ended.
        let _ = calls.send((call, is_on_screens_thread));
        if !is_on_screens_thread {
            gate.pass();
        }
        Ok(())
    };
    let slow = Watched::new(memory, Arc::new(watcher));
    storage::open_over(Arc::new(slow), &StoreAddress::Memory, KeyOptions::default())
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

/// Signs `work` in with a token that ends in `left`.
fn sign_in(store: &Store, left: SignedDuration) {
    let now = clock::wall();
    let grant = Grant {
        refresh_token: Some(Secret::new("RT1")),
        ..Grant::new("http://127.0.0.1:9/token", vec!["openid".to_owned()], Secret::new("AT1"), now, now + left)
    };
    let mut record = Record { grant: Some(grant), ..Record::empty(work(), "corp", "client-1") };
    store.holding(&work(), Duration::ZERO, |held| held.commit(&mut record)).expect("memory has room");
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
            let store = slow(left, gate.clone(), calls);
            let service = Service::new(config, store, Client::new(None), Box::new(|_| None));
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
