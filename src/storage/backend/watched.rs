//! A backend whose every call is told to somebody first, who may count it, keep it waiting or have it fail. Tests prove by
//! that who comes to the store, and when.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Backend, Clear, DatabaseDetails, Found, Health, Hold, Listing, Part, StoreKind, Stray};
use crate::clock::Moment;
use crate::files::access::Holds;
use crate::profile::ProfileName;
use crate::storage::reservation::Reservation;
use crate::storage::{Attempt, ClientAt, StoreError, Throttled, Version};

/// Hears the name of a method before it is called; an error takes the place of its result, where it has one.
pub type Watcher = Arc<dyn Fn(&'static str) -> Result<(), StoreError> + Send + Sync>;

/// A backend that is watched.
pub struct Watched {
    inner: Arc<dyn Backend>,
    watcher: Watcher,
    is_shared: bool,
}

impl Watched {
    /// Has `watcher` hear of everything that is asked of `inner`.
    pub fn new(inner: Arc<dyn Backend>, watcher: Watcher) -> Self {
        Self { inner, watcher, is_shared: false }
    }

    /// The same as if several machines kept their records there.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }
}

impl Backend for Watched {
    fn kind(&self) -> StoreKind {
        self.inner.kind()
    }

    fn place(&self) -> String {
        self.inner.place()
    }

    fn identity(&self) -> Result<String, StoreError> {
        (self.watcher)("identity")?;
        self.inner.identity()
    }

    fn place_of(&self, profile: &ProfileName, part: Part) -> String {
        self.inner.place_of(profile, part)
    }

    fn directory(&self) -> Option<PathBuf> {
        self.inner.directory()
    }

    fn read(&self, profile: &ProfileName, part: Part) -> Result<Found, StoreError> {
        let call = match part {
            Part::Current => "read",
            Part::Previous => "read previous",
            Part::Spare => "read spare",
            Part::Calls => "read calls",
        };
        (self.watcher)(call)?;
        self.inner.read(profile, part)
    }

    fn first_line(&self, profile: &ProfileName, part: Part) -> Option<Vec<u8>> {
        (self.watcher)("first_line").ok()?;
        self.inner.first_line(profile, part)
    }

    fn hold(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn Hold>, StoreError> {
        (self.watcher)("hold")?;
        let (inner, watcher) = (self.inner.hold(profile, patience)?, Arc::clone(&self.watcher));
        Ok(Box::new(WatchedHold { inner, watcher }))
    }

    fn poller_path(&self, profile: &ProfileName) -> Result<Option<PathBuf>, StoreError> {
        (self.watcher)("poller_path")?;
        self.inner.poller_path(profile)
    }

    fn room(&self, profile: &ProfileName) -> Result<Option<Reservation>, StoreError> {
        (self.watcher)("room")?;
        self.inner.room(profile)
    }

    fn keep_spare(&self, profile: &ProfileName, bytes: &[u8]) -> Result<Option<String>, StoreError> {
        (self.watcher)("keep_spare")?;
        self.inner.keep_spare(profile, bytes)
    }

    fn poller_home(&self) -> Option<String> {
        self.inner.poller_home()
    }

    fn listing(&self) -> Result<Listing, StoreError> {
        (self.watcher)("listing")?;
        self.inner.listing()
    }

    fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        (self.watcher)("versions").ok()?;
        self.inner.versions()
    }

    fn set_aside(&self) -> BTreeMap<ProfileName, String> {
        if (self.watcher)("set_aside").is_ok() { self.inner.set_aside() } else { BTreeMap::new() }
    }

    fn set_aside_of(&self, profile: &ProfileName) -> Option<String> {
        (self.watcher)("set_aside_of").ok().and_then(|()| self.inner.set_aside_of(profile))
    }

    fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        (self.watcher)("throttled")?;
        self.inner.throttled(client)
    }

    fn note_throttled(&self, client: &ClientAt, throttled: Throttled) -> Result<(), StoreError> {
        (self.watcher)("note_throttled")?;
        self.inner.note_throttled(client, throttled)
    }

    fn is_shared(&self) -> bool {
        self.is_shared || self.inner.is_shared()
    }

    fn probe(&self, bytes: &[u8]) -> Result<Found, StoreError> {
        (self.watcher)("probe")?;
        self.inner.probe(bytes)
    }

    fn pin(&self) -> Result<Option<Vec<u8>>, StoreError> {
        (self.watcher)("pin")?;
        self.inner.pin()
    }

    fn bind(&self, pin: &[u8]) -> Result<(), StoreError> {
        (self.watcher)("bind")?;
        self.inner.bind(pin)
    }

    fn rebind(&self, before: &[u8], pin: &[u8]) -> Result<bool, StoreError> {
        (self.watcher)("rebind")?;
        self.inner.rebind(before, pin)
    }

    fn init(&self) -> Result<(), StoreError> {
        (self.watcher)("init")?;
        self.inner.init()
    }

    fn script(&self, role: Option<&str>) -> Option<String> {
        self.inner.script(role)
    }

    fn changed(&self, patience: Duration) -> Option<Vec<ProfileName>> {
        (self.watcher)("changed").ok()?;
        self.inner.changed(patience)
    }

    fn details(&self) -> Result<Option<DatabaseDetails>, StoreError> {
        (self.watcher)("details")?;
        self.inner.details()
    }

    fn holders(&self) -> Result<Vec<(ProfileName, String)>, StoreError> {
        (self.watcher)("holders")?;
        self.inner.holders()
    }

    fn check_room(&self) -> Result<(), StoreError> {
        self.inner.check_room()
    }

    fn health(&self) -> Result<Option<Health>, StoreError> {
        (self.watcher)("health")?;
        self.inner.health()
    }

    fn files(&self) -> Vec<(PathBuf, Holds)> {
        self.inner.files()
    }

    fn strays(&self) -> Result<Vec<Stray>, StoreError> {
        (self.watcher)("strays")?;
        self.inner.strays()
    }
}

struct WatchedHold {
    inner: Box<dyn Hold>,
    watcher: Watcher,
}

impl Hold for WatchedHold {
    fn read(&mut self, part: Part) -> Result<Found, StoreError> {
        (self.watcher)("held read")?;
        self.inner.read(part)
    }

    fn attempt(&mut self) -> Result<Option<Attempt>, StoreError> {
        (self.watcher)("attempt")?;
        self.inner.attempt()
    }

    fn may_send_until(&self) -> Option<Moment> {
        self.inner.may_send_until()
    }

    fn left_over(&mut self) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        (self.watcher)("left_over")?;
        self.inner.left_over()
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        (self.watcher)("sweep")?;
        self.inner.sweep()
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        (self.watcher)("reserve")?;
        self.inner.reserve()
    }

    fn use_room(&mut self, room: Reservation) {
        self.inner.use_room(room);
    }

    fn note(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        (self.watcher)("note")?;
        self.inner.note(attempt)
    }

    fn replace(&mut self, clear: &Clear, bytes: &[u8]) -> Result<(), StoreError> {
        (self.watcher)("replace")?;
        self.inner.replace(clear, bytes)
    }

    fn keep_spare(&mut self, bytes: &[u8]) -> Result<Option<String>, StoreError> {
        (self.watcher)("keep_spare")?;
        self.inner.keep_spare(bytes)
    }

    fn save_calls(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        (self.watcher)("save_calls")?;
        self.inner.save_calls(bytes)
    }

    fn reseal(&mut self, part: Part, key_id: &str, bytes: &[u8]) -> Result<(), StoreError> {
        (self.watcher)("reseal")?;
        self.inner.reseal(part, key_id, bytes)
    }

    fn set_aside(&mut self, part: Part) -> Result<(), StoreError> {
        (self.watcher)("held set_aside")?;
        self.inner.set_aside(part)
    }

    fn remove(&mut self, part: Part) -> Result<(), StoreError> {
        (self.watcher)("remove")?;
        self.inner.remove(part)
    }

    fn remove_set_aside(&mut self) -> Result<(), StoreError> {
        (self.watcher)("remove_set_aside")?;
        self.inner.remove_set_aside()
    }

    fn release(self: Box<Self>) {
        // Whoever waits for it need not wait for its end.
        let _ = (self.watcher)("release");
        self.inner.release();
    }
}
