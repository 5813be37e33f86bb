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
pub(crate) const ACCESS: &str = "sentinel-access";
const REFRESH: &str = "sentinel-refresh";

/// What becomes of a refresh token that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// There is a new one, and the grant of whoever shows the old one again ends.
    #[default]
    Strict,
    /// There is a new one, and the one before it is answered once more.
    Grace,
    /// It stays.
    Never,
}

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
    pub(crate) revocations: usize,
}

#[derive(Default)]
struct State {
    counts: Counts,
    /// The same of each grant.
    of: BTreeMap<String, Counts>,
    /// The number of the refresh token that counts of each grant; `None` where the grant has ended.
    current: BTreeMap<String, Option<usize>>,
    rotation: Rotation,
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

    pub(crate) fn rotate(&self, rotation: Rotation) {
        self.shared.lock().rotation = rotation;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// What it was asked about one grant.
    pub(crate) fn counts_of(&self, name: &str) -> Counts {
        self.shared.lock().of.get(name).copied().unwrap_or_default()
    }

    /// Forgets what it was asked; grants stay.
    pub(crate) fn count_anew(&self) {
        let mut state = self.shared.lock();
        (state.counts, state.of) = Default::default();
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

    /// Approves a grant, and gives its first refresh token out.
    pub(crate) fn approve(&self, name: &str) -> String {
        self.shared.lock().current.insert(name.to_owned(), Some(0));
        format!("{REFRESH}-{name}-0")
    }

    /// Turns a grant into one of this provider, whose first refresh token is out.
    pub(crate) fn grant(&self, name: &str, grant: &mut Grant) {
        grant.refresh_token = Some(Secret::new(self.approve(name)));
        grant.access_token = Secret::new(format!("{ACCESS}-{name}-0"));
    }
}

fn serve(shared: &Shared, delay: Duration, stream: TcpStream) -> Option<()> {
    let (request, mut stream) = read(stream)?;
    let body = Url::parse(&format!("form:?{}", request.body)).ok()?;
    let field = |wanted| body.query_pairs().find(|(name, _)| name == wanted).map(|(_, token)| token.into_owned());
    let (status, answer) = if let Some(presented) = field("refresh_token") {
        let answer = refresh(&mut shared.lock(), &presented);
        shared.changed.notify_all();
        wait(shared, delay)?;
        answer
    } else if let Some(token) = field("token") {
        shared.lock().count(&token, |counts| counts.revocations += 1);
        (200, String::new())
    } else {
        (200, r#"{"sub":"77"}"#.to_owned())
    };
    let head = "content-type: application/json\r\ncache-control: no-store\r\nconnection: close";
    write!(stream, "HTTP/1.1 {status} X\r\n{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).ok()
}

/// As long as answers are kept back, and then for the time that each takes.
fn wait(shared: &Shared, delay: Duration) -> Option<()> {
    let given = shared.changed.wait_timeout_while(shared.lock(), PATIENCE, |state| state.holds);
    drop(given.unwrap_or_else(PoisonError::into_inner));
    if !delay.is_zero() {
        // Nobody notifies this one, so it is the time that ends it.
        let (alone, never) = (Mutex::new(()), Condvar::new());
        drop(never.wait_timeout_while(alone.lock().ok()?, delay, |()| true));
    }
    Some(())
}

/// The grant that a token belongs to, and its number there.
fn parts(token: &str) -> Option<(&str, usize)> {
    let rest = token.strip_prefix(REFRESH).or_else(|| token.strip_prefix(ACCESS))?;
    let (name, number) = rest.strip_prefix('-')?.rsplit_once('-')?;
    Some((name, number.parse().ok()?))
}

impl State {
    /// Counts in all and for the grant of `token`.
    fn count(&mut self, token: &str, count: impl Fn(&mut Counts)) {
        count(&mut self.counts);
        if let Some((name, _)) = parts(token) {
            count(self.of.entry(name.to_owned()).or_default());
        }
    }
}

/// What is decided the moment the request is read; the answer may still get lost.
fn refresh(state: &mut State, presented: &str) -> (u16, String) {
    state.count(presented, |counts| counts.asked += 1);
    let refused = (400, r#"{"error":"invalid_grant"}"#.to_owned());
    let Some((name, number)) = parts(presented) else { return refused };
    let rotation = state.rotation;
    let Some(current) = state.current.get_mut(name) else { return refused };
    let is_in_grace = rotation == Rotation::Grace && *current == Some(number + 1);
    if *current == Some(number) || is_in_grace {
        let next = if rotation == Rotation::Never { number } else { number + 1 };
        *current = Some(next);
        state.count(presented, |counts| counts.refreshes += 1);
        let tokens = format!(r#""access_token":"{ACCESS}-{name}-{next}","refresh_token":"{REFRESH}-{name}-{next}""#);
        return (200, format!(r#"{{{tokens},"token_type":"Bearer","expires_in":3600}}"#));
    }
    let ended = usize::from(current.take().is_some());
    state.count(presented, |counts| {
        counts.presented_twice += 1;
        counts.ended += ended;
    });
    refused
}
