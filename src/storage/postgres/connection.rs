//! One connection to a database, which all threads of the process share: a thread of its own drives it, statements follow
//! one another without waiting, and it is made anew where it broke.
//!
//! Each statement is a transaction of its own, unnamed and with its parameters beside it, and nothing is left behind in the
//! session: so it may as well go through a pooler.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, LocalSet};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::address::Address;
use super::notices::Notices;
use super::session::{Session, connect, why_read_only};
use super::trouble::Trouble;
use crate::clock::{self, Moment};
use crate::http::tls::certificates::Certificates;
use crate::mutex::locked;

/// How long a server may take for a statement. Whether one that took longer was done is not known.
const STATEMENT_LIMIT: Duration = Duration::from_secs(5);

/// After a try to connect that took long, all others fail at once for as long as this.
const SLOW_TRY: Duration = Duration::from_secs(1);
const PAUSE_AFTER_SLOW_TRY: Duration = Duration::from_secs(2);

/// A statement and its parameters.
#[derive(Clone)]
pub(super) struct Statement {
    sql: &'static str,
    parameters: Vec<(Arc<dyn ToSql + Send + Sync>, Type)>,
    /// It does no harm where it is done twice.
    may_repeat: bool,
}

impl Statement {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new(), may_repeat: true }
    }

    /// The same as one that is never sent again.
    pub(super) fn once(self) -> Self {
        Self { may_repeat: false, ..self }
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.with(text.to_owned(), Type::TEXT)
    }

    pub(super) fn number(self, number: u64) -> Self {
        self.with(i64::try_from(number).unwrap_or(i64::MAX), Type::INT8)
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        self.with(bytes.to_owned(), Type::BYTEA)
    }

    pub(super) fn time(self, time: Option<Timestamp>) -> Self {
        self.with(time.map(SystemTime::from), Type::TIMESTAMPTZ)
    }

    pub(super) fn flag(self, flag: bool) -> Self {
        self.with(flag, Type::BOOL)
    }

    fn with(mut self, value: impl ToSql + Send + Sync + 'static, kind: Type) -> Self {
        self.parameters.push((Arc::new(value), kind));
        self
    }
}

/// Who is at the other end: the server, or a pooler.
#[derive(Clone)]
pub(super) struct Peer {
    /// The connection was not begun before.
    pub(super) since: Moment,
    /// The name that TLS was spoken to, and the certificates that it showed.
    pub(super) shown: Option<(String, Certificates)>,
}

/// What one statement came to.
type Answer = Result<Vec<Row>, Trouble>;

/// What the thread is asked for.
enum Job {
    Do(Task, SyncSender<Answer>),
    /// The connection is given to others, unless somebody needs it here.
    Part,
}

enum Task {
    Ask(Statement),
    /// Several statements in one transaction.
    Run(String),
}

/// The connection as its callers see it. They wait; the thread begins with the first of them.
pub(super) struct Connection {
    address: Arc<Address>,
    pub(super) notices: Arc<Notices>,
    peer: Arc<Mutex<Option<Peer>>>,
    jobs: Mutex<Option<UnboundedSender<Job>>>,
}

impl Connection {
    pub(super) fn new(address: Address) -> Self {
        let (notices, peer) = (Arc::default(), Arc::default());
        Self { address: Arc::new(address), notices, peer, jobs: Mutex::default() }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// With whom one was connected last.
    pub(super) fn peer(&self) -> Option<Peer> {
        locked(&self.peer).clone()
    }

    /// Does a statement, and tells the rows that it gave. Where the connection broke it is done once more, on a new one.
    pub(super) fn ask(&self, statement: Statement) -> Answer {
        self.wait(Task::Ask(statement))
    }

    /// Does several statements, all of them or none.
    pub(super) fn run(&self, sql: String) -> Result<(), Trouble> {
        self.wait(Task::Run(sql)).map(drop)
    }

    /// Has a statement done some time, whatever it comes to.
    pub(super) fn leave(&self, statement: Statement) {
        let (answer, _) = sync_channel(1);
        // Where no thread can be had, nothing more can be done.
        let _ = self.begin(Job::Do(Task::Ask(statement), answer));
    }

    /// Lets others have the connection for now. The next statement makes a new one.
    pub(super) fn part(&self) {
        let _ = self.begin(Job::Part);
    }

    /// Does a statement, and waits no longer than `limit` for it. It may be done all the same.
    pub(super) fn ask_briefly(&self, statement: Statement, limit: Duration) {
        let (sender, answer): (_, Receiver<Answer>) = sync_channel(1);
        if self.begin(Job::Do(Task::Ask(statement), sender)).is_ok() {
            let _ = answer.recv_timeout(limit);
        }
    }

    fn wait(&self, task: Task) -> Answer {
        let (sender, answer): (_, Receiver<Answer>) = sync_channel(1);
        self.begin(Job::Do(task, sender))?;
        answer.recv().unwrap_or(Err(Trouble::Broken(None)))
    }

    fn begin(&self, job: Job) -> Result<(), Trouble> {
        let mut jobs = locked(&self.jobs);
        if jobs.is_none() {
            *jobs = Some(self.start()?);
        }
        match &*jobs {
            Some(jobs) => jobs.send(job).map_err(|_| Trouble::Broken(None)),
            None => Err(Trouble::Broken(None)),
        }
    }

    /// Starts the thread. It ends when nobody can ask any more and everything is done.
    fn start(&self) -> Result<UnboundedSender<Job>, Trouble> {
        let no_thread = |error: std::io::Error| Trouble::Other(format!("this machine has no thread for it ({error})"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        let (sender, jobs) = unbounded_channel();
        let (address, notices, peer) = (Arc::clone(&self.address), Arc::clone(&self.notices), Arc::clone(&self.peer));
        let state = tokio::sync::Mutex::new(State::Apart(None));
        let server = Server { address, notices, peer, tries: AtomicU64::new(0), state };
        let thread = std::thread::Builder::new().name("postgres".to_owned());
        thread.spawn(move || LocalSet::new().block_on(&runtime, serve(Rc::new(server), jobs))).map_err(no_thread)?;
        Ok(sender)
    }
}

async fn serve(server: Rc<Server>, mut jobs: UnboundedReceiver<Job>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            job = jobs.recv() => match job {
                Some(Job::Part) => {
                    while running.try_join_next().is_some() {}
                    if running.is_empty() {
                        *server.state.lock().await = State::Apart(None);
                    }
                }
                Some(Job::Do(task, answer)) => drop(running.spawn_local(Rc::clone(&server).work(task, answer))),
                None => break,
            },
            Some(_) = running.join_next() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

/// The other end, and the connection to it.
struct Server {
    address: Arc<Address>,
    notices: Arc<Notices>,
    peer: Arc<Mutex<Option<Peer>>>,
    /// How often connecting was tried.
    tries: AtomicU64,
    state: tokio::sync::Mutex<State>,
}

enum State {
    Connected(Session),
    /// Not yet, no more, or in vain: until when nobody tries again.
    Apart(Option<(Trouble, Moment)>),
}

impl Server {
    async fn work(self: Rc<Self>, task: Task, answer: SyncSender<Answer>) {
        let done = match task {
            Task::Ask(statement) => match self.ask(&statement).await {
                Err(trouble) if statement.may_repeat && trouble.is_worth_another_try() => self.ask(&statement).await,
                done => done,
            },
            Task::Run(sql) => self.run(&sql).await,
        };
        // Whoever asked may be gone.
        let _ = answer.send(done);
    }

    async fn ask(&self, statement: &Statement) -> Answer {
        let (client, number) = self.connected().await?;
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            statement.parameters.iter().map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect();
        let asked = Box::pin(client.query_typed(statement.sql, &parameters));
        self.judge(clock::within(STATEMENT_LIMIT, asked).await, &client, number).await
    }

    async fn run(&self, sql: &str) -> Answer {
        let (client, number) = self.connected().await?;
        let done = clock::within(STATEMENT_LIMIT, Box::pin(client.batch_execute(sql))).await;
        self.judge(done, &client, number).await.map(|()| Vec::new())
    }

    /// Drops the connection on which this came, where it is of no use any more.
    async fn judge<T>(
        &self,
        done: Option<Result<T, tokio_postgres::Error>>,
        client: &Client,
        number: u64,
    ) -> Result<T, Trouble> {
        let done = done.map_or(Err(Trouble::Slow), |done| done.map_err(|error| Trouble::of(&error)));
        let done = match done {
            Err(Trouble::Broken(why)) => {
                Err(self.notices.take_refusal().map_or(Trouble::Broken(why), Trouble::refusing))
            }
            Err(Trouble::ReadOnly) => {
                Err(clock::within(STATEMENT_LIMIT, why_read_only(client)).await.unwrap_or(Trouble::Slow))
            }
            done => done,
        };
        if done.as_ref().is_err_and(Trouble::ends_the_session) {
            let mut state = self.state.lock().await;
            if self.tries.load(Ordering::Relaxed) == number {
                *state = State::Apart(None);
            }
        }
        done
    }

    /// The connection and its number. Where it cannot be made, all who wait for it learn so from one try.
    async fn connected(&self) -> Result<(Arc<Client>, u64), Trouble> {
        let tries = self.tries.load(Ordering::Relaxed);
        let mut state = self.state.lock().await;
        match &*state {
            State::Connected(session) if !session.client.is_closed() => {
                return Ok((Arc::clone(&session.client), self.tries.load(Ordering::Relaxed)));
            }
            State::Apart(Some((trouble, until)))
                if self.tries.load(Ordering::Relaxed) > tries || clock::now() < *until =>
            {
                return Err(trouble.clone());
            }
            _ => {}
        }
        let start = clock::now();
        let number = self.tries.fetch_add(1, Ordering::Relaxed) + 1;
        match connect(&self.address, &self.notices).await {
            Ok(mut session) => {
                let peer = Peer { since: start, shown: session.shown.take() };
                *locked(&self.peer) = Some(peer);
                let client = Arc::clone(&session.client);
                *state = State::Connected(session);
                Ok((client, number))
            }
            Err(trouble) => {
                let now = clock::now();
                let until = if now - start < SLOW_TRY { now } else { now + PAUSE_AFTER_SLOW_TRY };
                *state = State::Apart(Some((trouble.clone(), until)));
                Err(trouble)
            }
        }
    }
}
