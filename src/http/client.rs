//! Carries requests over the network, by reqwest.
//!
//! Redirects are never followed, since they could carry a token or secret to another host; nothing that was sent is sent
//! again, since the flows decide that; bodies are read up to their limit only; addresses are kept out of error texts. TLS
//! is set up when the first `https` request is made, so that everything else goes without it, and on a thread of its own,
//! since certificates are on disks.

mod failure;
mod incoming;
mod outgoing;
mod proxy;
mod resolver;

use std::env;
use std::fmt;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::redirect;
use rustls::pki_types::CertificateDer;
use tokio::sync::OnceCell;
use url::Url;

use self::incoming::Answering;
use self::outgoing::{Sent, outgoing};
use self::proxy::Proxies;
use self::resolver::Resolver;
use super::progress::Progress;
use super::upload::{Measured, Upload};
use super::{Method, ProxyVariables, Request, Response, TransportFailure, date, header_in, tls};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::files;
use crate::mutex::locked;
use crate::untrusted::check_address;

/// Connecting, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Lines, for each of which room is made with every answer; how many bytes they are together is limited below, to some 400 KiB.
const MOST_HEADERS: usize = 1024;

pub use self::incoming::Incoming;

/// A client for accounts servers and APIs. Connections are kept and shared by all requests.
#[derive(Default)]
pub struct Client {
    /// A certificate authority beside those of the system, as PEM.
    ca_certificate: Option<PathBuf>,
    /// For `https`.
    secure: OnceCell<reqwest::Client>,
    /// For `http` on loopback, where loading certificates would be wasted.
    loopback: OnceLock<reqwest::Client>,
    resolver: Resolver,
    proxies: OnceLock<Arc<Proxies>>,
    /// What servers show of themselves, where that is noted.
    shown: Option<tls::Shown>,
    observer: OnceLock<Observer>,
    /// A connection may be one that was used before.
    has_answered: AtomicBool,
}

/// Whether a proxy stands before a server, as the variables have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyChoice {
    /// Who stands in between, without a password.
    pub proxy: Option<Url>,
    /// The variable that names a proxy.
    pub named_by: Option<&'static str>,
    /// The variable that exempts the server from that.
    pub exempted_by: Option<&'static str>,
}

/// Is told of every exchange when it has ended.
pub type Observer = Box<dyn Fn(&Exchange) + Send + Sync>;

/// What may be told of an exchange: nothing of it is secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    pub method: Method,
    pub host: String,
    /// Without the query.
    pub path: String,
    /// The status of the answer, or why there is none.
    pub outcome: Result<u16, TransportFailure>,
    pub took: Duration,
    /// When the answer was made, by the server's clock.
    pub server_time: Option<Timestamp>,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, host, path, outcome, took, server_time: _ } = self;
        write!(f, "{method} {host} {path} ")?;
        match outcome {
            Ok(status) => write!(f, "{status}")?,
            Err(failure) => write!(f, "{failure}")?,
        }
        write!(f, " {} ms", took.as_millis())
    }
}

/// Why a file with certificates of authorities cannot be used, as a sentence.
pub fn check_authority(file: &Path) -> Result<(), String> {
    tls::in_file(&files::expanded(file)).map(drop)
}

impl Client {
    pub fn new(ca_certificate: Option<PathBuf>) -> Self {
        Self { ca_certificate: ca_certificate.map(|path| files::expanded(&path)), ..Self::default() }
    }

    /// The same, which notes the certificates that servers show.
    #[must_use]
    pub fn noting_certificates(self) -> Self {
        Self { shown: Some(tls::Shown::default()), ..self }
    }

    /// The certificates that the server of this name showed last, where that is noted.
    pub(crate) fn certificates_of(&self, host: &str) -> Option<Vec<CertificateDer<'static>>> {
        locked(self.shown.as_ref()?).get(host).cloned()
    }

    /// Which proxy a request to `url` goes through. Asks nobody.
    pub fn proxy_for(&self, url: &Url) -> Result<ProxyChoice, TransportFailure> {
        let proxies = self.proxies()?;
        let proxy = proxies.between(url).map(|proxy| proxy.address.clone());
        let is_exempt = proxy.is_none() && url.scheme() == "https" && proxies.proxy().is_some();
        let named_by = proxies.proxy().map(|proxy| proxy.named_by);
        Ok(ProxyChoice { proxy, named_by, exempted_by: proxies.exempted_by().filter(|_| is_exempt) })
    }

    #[must_use]
    pub fn observed_by(self, observer: Observer) -> Self {
        self.observe(observer);
        self
    }

    /// Tells `observer` of every exchange from now on, unless there is one already.
    pub fn observe(&self, observer: Observer) {
        // Who was there first stays.
        let _ = self.observer.set(observer);
    }

    /// Reads from the disk what the first request would read: the certificates. What is wrong with them is told by that.
    pub async fn prepare(&self) {
        let _ = self.secure().await;
    }

    /// Sends one request and reads the whole answer within its limits, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Response, TransportFailure> {
        let observation = Observation::begin(self.observer.get(), &request);
        let reply = self.send_unobserved(request).await;
        match &reply {
            Ok(response) => observation.end(Ok(response.status), &response.headers),
            Err(failure) => observation.end(Err(failure), &[]),
        }
        reply
    }

    async fn send_unobserved(&self, request: Request) -> Result<Response, TransportFailure> {
        let route = self.route(&request.url)?;
        let (deadline, body_limit, enough, started) =
            (request.deadline, request.body_limit, request.enough, clock::now());
        let asked = clock::within(deadline, self.ask(request, None, &route)).await;
        let answer = asked.unwrap_or_else(|| Err(TransportFailure::Timeout(route.host.clone())))?;
        let left = deadline.saturating_sub(clock::now() - started);
        Answering::new(answer, route, body_limit, Progress::default()).whole(left, enough).await
    }

    /// Sends one request, with the body in `upload` where there is one, and hands out the answer as soon as it begins. The
    /// exchange may take any time, and ends after a silence as long as the request's deadline.
    pub async fn open(
        &self,
        request: Request,
        upload: Option<&Upload>,
        progress: &Progress,
    ) -> Result<Incoming<'_>, TransportFailure> {
        let observation = Observation::begin(self.observer.get(), &request);
        let silence = request.deadline;
        match self.open_unobserved(request, upload, progress).await {
            Ok(answer) => Ok(Incoming::new(answer, silence, observation)),
            Err(failure) => {
                observation.end(Err(&failure), &[]);
                Err(failure)
            }
        }
    }

    async fn open_unobserved(
        &self,
        request: Request,
        upload: Option<&Upload>,
        progress: &Progress,
    ) -> Result<Answering, TransportFailure> {
        let route = self.route(&request.url)?;
        let body = upload.cloned().map(Upload::measured).transpose();
        let body = body.map_err(|error| TransportFailure::Body(error.to_string()))?;
        progress.begin(body.as_ref().and_then(Measured::length));
        let sent = body.map(|body| Sent { body, progress: progress.clone(), problem: Arc::default() });
        let silence = request.deadline;
        let (host, is_long) = (route.host.clone(), sent.is_some());
        let asked = progress.unless_silent(silence, self.ask(request, sent.as_ref(), &route)).await;
        let problem = sent.as_ref().and_then(|sent| sent.problem.get());
        let silent = if is_long { TransportFailure::Stalled(host, silence) } else { TransportFailure::Timeout(host) };
        match asked.unwrap_or(Err(silent)) {
            Ok(answer) => Ok(Answering::new(answer, route, usize::MAX, progress.clone())),
            Err(failure) => Err(problem.map_or(failure, |problem| TransportFailure::Body(problem.clone()))),
        }
    }

    /// Sends the request and waits for the answer to begin.
    async fn ask(
        &self,
        mut request: Request,
        sent: Option<&Sent>,
        route: &Route,
    ) -> Result<reqwest::Response, TransportFailure> {
        let client = self.client(&request.url).await?;
        let body = Bytes::from(mem::take(&mut request.body));
        let missed = Arc::new(AtomicBool::new(false));
        let outgoing = || outgoing(&request, &body, sent, &missed);
        let mut reply = client.execute(outgoing()?).await;
        // Without a connection nothing was sent.
        if let Err(error) = &reply
            && error.is_connect()
            && error.is_timeout()
            && self.resolver.has_another_way(&route.name, clock::now())
        {
            reply = client.execute(outgoing()?).await;
            if reply.as_ref().is_err_and(reqwest::Error::is_connect) {
                self.resolver.forget_the_way(&route.name);
            }
        }
        // A server may have closed a connection that was kept, of which the next request is the first to hear. One that changes nothing
        // is sent again (RFC 9110 §9.2.2).
        if reply.as_ref().is_err_and(failure::is_closed)
            && (sent.is_none() && matches!(request.method, Method::Get | Method::Head))
            && self.has_answered.load(Ordering::Relaxed)
        {
            reply = client.execute(outgoing()?).await;
        }
        if missed.load(Ordering::Relaxed) {
            return Err(TransportFailure::TooLate(route.host.clone()));
        }
        self.has_answered.fetch_or(reply.is_ok(), Ordering::Relaxed);
        reply.map_err(|error| failure::of_sending(route, &error, self.resolver.is_looking_up(&route.name)))
    }

    fn route(&self, url: &Url) -> Result<Route, TransportFailure> {
        let host = host(url);
        check_address(url).map_err(|problem| TransportFailure::Setup(format!("the address of {host} {problem}")))?;
        let proxy = if url.scheme() == "https" { self.proxies()?.through(url) } else { None };
        Ok(match proxy {
            Some((proxy, variables)) => {
                let name = proxy.address.host_str().unwrap_or_default().to_owned();
                Route { host, proxy: Some((self::host(&proxy.address), variables)), name }
            }
            None => Route { host, proxy: None, name: url.host_str().unwrap_or_default().to_owned() },
        })
    }

    /// Read when they are needed first, which handing out a stored token is not.
    fn proxies(&self) -> Result<&Arc<Proxies>, TransportFailure> {
        if let Some(proxies) = self.proxies.get() {
            return Ok(proxies);
        }
        let proxies = Proxies::from_variables(&|name| env::var_os(name)).map_err(TransportFailure::Setup)?;
        Ok(self.proxies.get_or_init(|| Arc::new(proxies)))
    }

    async fn client(&self, url: &Url) -> Result<&reqwest::Client, TransportFailure> {
        if url.scheme() == "https" { self.secure().await } else { self.loopback() }
    }

    async fn secure(&self) -> Result<&reqwest::Client, TransportFailure> {
        let made = async || {
            let builder = self.common().https_only(true);
            let proxies = Arc::clone(self.proxies()?);
            let (added, shown) = (self.ca_certificate.clone(), self.shown.clone());
            aside(move || secure(builder, proxies, added.as_deref(), shown)).await
        };
        self.secure.get_or_try_init(made).await
    }

    fn loopback(&self) -> Result<&reqwest::Client, TransportFailure> {
        if let Some(client) = self.loopback.get() {
            return Ok(client);
        }
        install_crypto();
        let no_roots = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = self.common().no_proxy().tls_backend_preconfigured(no_roots).build().map_err(|_| no_client())?;
        Ok(self.loopback.get_or_init(|| client))
    }

    fn common(&self) -> reqwest::ClientBuilder {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("device-login/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .http1_max_headers(MOST_HEADERS)
            // A line that nobody can read takes nothing from an answer that comes once.
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .dns_resolver(self.resolver.clone());
        // A server that reads slowly is waited for as one that answers slowly is.
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let builder = builder.tcp_user_timeout(None);
        builder
    }
}

/// Reads certificates, which may take as long as their disk does.
fn secure(
    builder: reqwest::ClientBuilder,
    proxies: Arc<Proxies>,
    added: Option<&Path>,
    shown: Option<tls::Shown>,
) -> Result<reqwest::Client, TransportFailure> {
    install_crypto();
    let mut tls = tls::trusting(added, shown).map_err(TransportFailure::Setup)?.with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let builder = match proxies.proxy() {
        None => builder.no_proxy(),
        Some(proxy) => {
            let authorization = proxy.authorization.clone();
            let between = move |url: &Url| proxies.between(url).map(|proxy| proxy.address.clone());
            let between = reqwest::Proxy::custom(between);
            builder.proxy(match authorization {
                Some(authorization) => between.custom_http_auth(authorization),
                None => between,
            })
        }
    };
    builder.tls_backend_preconfigured(tls).build().map_err(|_| no_client())
}

/// Chooses who computes for TLS, which reqwest leaves to the process.
fn install_crypto() {
    // Fails only where another part of this process chose first, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn no_client() -> TransportFailure {
    TransportFailure::Setup("no HTTP client could be made".to_owned())
}

/// Which way a request takes.
struct Route {
    /// Who is asked, with a port that is not the usual one.
    host: String,
    /// Host and port of the proxy in between, and which variables say so.
    proxy: Option<(String, ProxyVariables)>,
    /// Whose address is looked up.
    name: String,
}

/// One exchange while it lasts, for the observer to hear of when it ends.
struct Observation<'a> {
    observer: Option<&'a Observer>,
    method: Method,
    host: String,
    path: String,
    started: Moment,
}

impl<'a> Observation<'a> {
    fn begin(observer: Option<&'a Observer>, request: &Request) -> Self {
        let (host, path) = (host(&request.url), request.url.path().to_owned());
        Self { observer, method: request.method, host, path, started: clock::now() }
    }

    fn end(self, outcome: Result<u16, &TransportFailure>, headers: &[(String, String)]) {
        let Self { observer: Some(observer), method, host, path, started } = self else { return };
        // What a cache has kept was made earlier (RFC 9111 §5.1).
        let fresh = header_in(headers, "age").is_none();
        let server_time = header_in(headers, "date").filter(|_| fresh).and_then(date::parse);
        let (outcome, took) = (outcome.map_err(Clone::clone), clock::now() - started);
        observer(&Exchange { method, host, path, outcome, took, server_time });
    }
}

fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "nowhere".to_owned(),
    }
}
