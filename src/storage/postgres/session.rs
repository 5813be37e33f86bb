//! Connecting: hosts are tried in their order, and of one that takes no writes is said so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::{AbortHandle, spawn_local};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{NoTls, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Connection};

use super::address::{Address, Host};
use super::guarded::{Guarded, Refusal};
use super::notices::Notices;
use super::passwords;
use super::sql;
use super::tls::Tls;
use super::trouble::Trouble;
use crate::clock;
use crate::http::tls::Shown;
use crate::http::tls::certificates::Certificates;
use crate::mutex::locked;

/// Of the time for a host, what each of its addresses gets.
const SHARE: Duration = Duration::from_millis(1500);

/// A connection that works.
pub(super) struct Session {
    pub(super) client: Arc<Client>,
    driver: AbortHandle,
    notices: Arc<Notices>,
    /// The name of the server that TLS was spoken to, and the certificates that it showed.
    pub(super) shown: Option<(String, Certificates)>,
}

impl Drop for Session {
    /// What the server would still say is of no interest, and a server that hangs would never end it.
    fn drop(&mut self) {
        self.driver.abort();
        self.notices.end(None);
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

type AnyStream = Box<dyn Stream>;

/// Connects to the first of the hosts that will do.
pub(super) async fn connect(address: &Address, notices: &Arc<Notices>) -> Result<Session, Trouble> {
    let mut troubles = Vec::new();
    for host in &address.hosts {
        let connected = match connect_in_time(address, host, notices).await {
            // A server or a pooler that was about to end may have taken this one in before another one is there.
            Err(Trouble::Broken(_)) => connect_in_time(address, host, notices).await,
            connected => connected,
        };
        match connected {
            Ok(session) => return Ok(session),
            Err(trouble) => troubles.push((host, trouble)),
        }
    }
    Err(most_telling(troubles))
}

async fn connect_in_time(address: &Address, host: &Host, notices: &Arc<Notices>) -> Result<Session, Trouble> {
    let connected = clock::within(address.connect_limit(), Box::pin(connect_to(address, host, notices))).await;
    connected.unwrap_or_else(|| Err(unreachable("no answer in time")))
}

/// What one server says of itself tells more than that others are silent.
fn most_telling(troubles: Vec<(&Host, Trouble)>) -> Trouble {
    let is_telling =
        |trouble: &Trouble| !matches!(trouble, Trouble::Unreachable(_) | Trouble::Broken(_) | Trouble::Standby);
    if let Some((_, telling)) = troubles.iter().find(|(_, trouble)| is_telling(trouble)) {
        return telling.clone();
    }
    let each = troubles.into_iter().map(|(host, trouble)| match trouble {
        Trouble::Unreachable(why) => format!("{host}: {why}"),
        other => format!("{host} {other}"),
    });
    Trouble::Unreachable(each.collect::<Vec<_>>().join("; "))
}

async fn connect_to(address: &Address, host: &Host, notices: &Arc<Notices>) -> Result<Session, Trouble> {
    let (mut config, unusable_file) = config(address, host)?;
    let is_encrypted = address.is_encrypted(host);
    let stream = open(host, is_encrypted).await?;
    let session = match host {
        Host::Tcp { name, .. } if is_encrypted => {
            let shown = Shown::default();
            let tls = Tls::to(address, name, shown.clone()).map_err(Trouble::Tls)?;
            let session = sign_in(config.ssl_mode(SslMode::Require), stream, tls, address, notices).await;
            session.map(|mut session| {
                session.shown = locked(&shown).pop_first();
                session
            })
        }
        _ => {
            let stream: AnyStream = Box::new(Guarded::untrusted(stream));
            sign_in(config.ssl_mode(SslMode::Disable), stream, NoTls, address, notices).await
        }
    };
    session.map_err(|trouble| match trouble {
        Trouble::NoPassword(None) => Trouble::NoPassword(unusable_file),
        trouble => trouble,
    })
}

/// Who signs in, and what is wrong with the file that may have a password.
fn config(address: &Address, host: &Host) -> Result<(Config, Option<String>), Trouble> {
    let account =
        || whoami::username().map_err(|_| Trouble::Refused("this account has no name; add `user=`".to_owned()));
    let user = address.user.clone().map_or_else(account, Ok)?;
    let database = address.database.as_deref().unwrap_or(&user);
    let mut unusable_file = None;
    let password = match (&address.password, &address.password_file) {
        (Some(password), _) => Some(password.clone()),
        (None, None) => None,
        (None, Some(file)) => passwords::password_in(file, host, database, &user).unwrap_or_else(|trouble| {
            let (cause, advice) = (trouble.cause(file), trouble.advice());
            unusable_file = Some(format!("{} is not used: {cause}; {advice}", file.display()));
            None
        }),
    };
    let mut config = Config::new();
    config.user(&user).dbname(database).application_name(address.application());
    if let Some(password) = password {
        config.password(password.expose());
    }
    Ok((config, unusable_file))
}

async fn open(host: &Host, is_encrypted: bool) -> Result<AnyStream, Trouble> {
    match host {
        Host::Tcp { name, port } => {
            let found = lookup_host((name.as_str(), *port)).await;
            let found: Vec<SocketAddr> = found.map_err(|_| unreachable("its name could not be resolved"))?.collect();
            // Nothing leaves this machine in clear, whatever a name resolves to.
            let usable = found.into_iter().filter(|address| is_encrypted || address.ip().is_loopback());
            let stream = open_first(usable.collect()).await?;
            // A statement is one packet, which is not to wait for another one.
            let _ = stream.set_nodelay(true);
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Host::Socket { directory, port } => {
            let path = directory.join(format!(".s.PGSQL.{port}"));
            let stream = tokio::net::UnixStream::connect(path).await.map_err(|error| of_io(&error))?;
            Ok(Box::new(stream))
        }
        #[cfg(not(unix))]
        Host::Socket { .. } => Err(unreachable("this system has no such sockets")),
    }
}

/// Each address of the host gets its share of the time, so that one that swallows everything leaves some to the next.
async fn open_first(addresses: Vec<SocketAddr>) -> Result<TcpStream, Trouble> {
    let mut last = unreachable("its name stands for no address that may be used");
    let several = addresses.len() > 1;
    for address in addresses {
        let connecting = TcpStream::connect(address);
        let connected = if several { clock::within(SHARE, connecting).await } else { Some(connecting.await) };
        match connected {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => last = of_io(&error),
            None => last = unreachable("no answer in time"),
        }
    }
    Err(last)
}

fn unreachable(why: &str) -> Trouble {
    Trouble::Unreachable(why.to_owned())
}

fn of_io(error: &std::io::Error) -> Trouble {
    use std::io::ErrorKind;

    unreachable(match error.kind() {
        ErrorKind::ConnectionRefused => "the connection was refused",
        ErrorKind::NotFound => "there is no such socket",
        ErrorKind::PermissionDenied => "this user may not use the socket",
        ErrorKind::TimedOut => "no answer in time",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it",
        _ => "no connection could be made",
    })
}

async fn sign_in<T>(
    config: &Config,
    stream: AnyStream,
    tls: T,
    address: &Address,
    notices: &Arc<Notices>,
) -> Result<Session, Trouble>
where
    T: TlsConnect<AnyStream>,
    T::Stream: 'static,
{
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(|error| Trouble::of(&error))?;
    let is_writable = is_writable_as_told(&connection);
    let driver = spawn_local(drive(connection, Arc::clone(notices))).abort_handle();
    let session = Session { client: Arc::new(client), driver, notices: Arc::clone(notices), shown: None };
    if address.wants_writable {
        let is_writable = match is_writable {
            Some(is_writable) => is_writable,
            None => is_writable_as_asked(&session.client).await.map_err(|error| Trouble::of(&error))?,
        };
        if !is_writable {
            return Err(why_read_only(&session.client).await);
        }
    }
    Ok(session)
}

/// Newer servers say so unasked, and most poolers do not.
fn is_writable_as_told<S, T>(connection: &Connection<S, T>) -> Option<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let follows = connection.parameter("in_hot_standby")?;
    let refuses = connection.parameter("default_transaction_read_only")?;
    Some(follows == "off" && refuses == "off")
}

/// Why the server takes no writes.
pub(super) async fn why_read_only(client: &Client) -> Trouble {
    let asked = client.query_typed_one(sql::FOLLOWS, &[]).await.and_then(|row| row.try_get(0));
    match asked {
        Ok(true) => Trouble::Standby,
        Ok(false) => Trouble::ReadOnly,
        Err(error) => Trouble::of(&error),
    }
}

async fn is_writable_as_asked(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let row = client.query_typed_one("SHOW transaction_read_only", &[]).await?;
    Ok(row.try_get::<_, &str>(0)? == "off")
}

/// Carries what the connection carries until it ends. What listeners are told goes to `notices`.
async fn drive<S, T>(mut connection: Connection<S, T>, notices: Arc<Notices>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let failed = loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notification(notification))) => notices.add(notification.payload()),
            Some(Ok(_)) => {}
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    // Known before anybody sees that the connection has ended.
    notices.end(failed.as_ref().and_then(Refusal::behind));
}
