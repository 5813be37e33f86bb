//! A provider on loopback that gives another refresh token with each refresh. It takes each one once, ends the grant of
//! whoever shows one again, and counts that.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use device_login::secret::Secret;
use device_login::storage::Grant;
use url::Url;

use super::authority::read;
use super::socket;

const PATIENCE: Duration = Duration::from_secs(120);
const ACCESS: &str = "sentinel-access";
const REFRESH: &str = "sentinel-refresh";

/// What it was asked so far, over all grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests that came, answered or not.
    pub(crate) asked: usize,
    pub(crate) refreshes: usize,
    /// A refresh token that had been taken before.
    pub(crate) presented_twice: usize,
    /// Grants that were ended for it.
    pub(crate) ended: usize,
}

#[derive(Default)]
struct State {
    counts: Counts,
    /// The number of the refresh token that counts of each grant; `None` where the grant has ended.
    current: BTreeMap<String, Option<usize>>,
    /// Answers wait until this is taken back.
    holds: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The provider. Answers several at once.
pub(crate) struct Rotating {
    shared: Arc<Shared>,
    origin: String,
}

impl Rotating {
    /// A provider that thinks for so long about each answer.
    pub(crate) fn start(delay: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let answering = Arc::clone(&shared);
        let (url, _) = socket::serve(move |stream| {
            // A client that went away is the test's own doing.
            let _ = serve(&answering, delay, stream);
        });
        Self { shared, origin: url.origin().ascii_serialization() }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// Forgets what it was asked; grants stay.
    pub(crate) fn count_anew(&self) {
        self.shared.lock().counts = Counts::default();
    }

    /// Takes what is asked from now on and keeps the answers back, or gives them.
    pub(crate) fn hold(&self, holds: bool) {
        self.shared.lock().holds = holds;
        self.shared.changed.notify_all();
    }

    /// Waits until it was asked so often.
    #[track_caller]
    pub(crate) fn wait_for(&self, asked: usize) {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.counts.asked < asked);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "asked {} times, not {asked}", state.counts.asked);
    }

    /// Turns a grant into one of this provider, whose first refresh token is out.
    pub(crate) fn grant(&self, name: &str, grant: &mut Grant) {
        self.shared.lock().current.insert(name.to_owned(), Some(0));
        grant.access_token = Secret::new(format!("{ACCESS}-{name}-0"));
        grant.refresh_token = Some(Secret::new(format!("{REFRESH}-{name}-0")));
    }
}

fn serve(shared: &Shared, delay: Duration, stream: TcpStream) -> Option<()> {
    let (request, mut stream) = read(stream)?;
    let body = Url::parse(&format!("form:?{}", request.body)).ok()?;
    let presented =
        body.query_pairs().find(|(name, _)| name == "refresh_token").map(|(_, token)| token.into_owned())?;
    let (status, tokens) = refresh(&mut shared.lock(), &presented);
    shared.changed.notify_all();
    let given = shared.changed.wait_timeout_while(shared.lock(), PATIENCE, |state| state.holds);
    drop(given.unwrap_or_else(PoisonError::into_inner));
    if !delay.is_zero() {
        // Nobody notifies this one, so it is the time that ends it.
        let (alone, never) = (Mutex::new(()), Condvar::new());
        drop(never.wait_timeout_while(alone.lock().ok()?, delay, |()| true));
    }
    let head = "content-type: application/json\r\ncache-control: no-store\r\nconnection: close";
    write!(stream, "HTTP/1.1 {status} X\r\n{head}\r\ncontent-length: {}\r\n\r\n{tokens}", tokens.len()).ok()
}

/// What is decided the moment the request is read; the answer may still get lost.
fn refresh(state: &mut State, presented: &str) -> (u16, String) {
    state.counts.asked += 1;
    let parts = presented.strip_prefix(REFRESH).and_then(|rest| rest.strip_prefix('-')?.rsplit_once('-'));
    let refused = (400, r#"{"error":"invalid_grant"}"#.to_owned());
    let Some((name, number)) = parts.and_then(|(name, number)| Some((name, number.parse::<usize>().ok()?))) else {
        return refused;
    };
    let Some(current) = state.current.get_mut(name) else { return refused };
    if *current == Some(number) {
        *current = Some(number + 1);
        state.counts.refreshes += 1;
        let next = number + 1;
        let tokens = format!(r#""access_token":"{ACCESS}-{name}-{next}","refresh_token":"{REFRESH}-{name}-{next}""#);
        return (200, format!(r#"{{{tokens},"token_type":"Bearer","expires_in":3600}}"#));
    }
    state.counts.presented_twice += 1;
    state.counts.ended += usize::from(current.take().is_some());
    refused
}
