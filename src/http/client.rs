//! Carries requests over the network, by reqwest.
//!
//! Redirects are never followed, since they could carry a token or secret to another host; nothing that was sent is sent
//! again, since the flows decide that; bodies are read up to their limit only; addresses are kept out of error texts. TLS
//! is set up when the first `https` request is made, so that everything else starts without it.

mod failure;
mod resolver;

use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use reqwest::redirect;
use url::Url;

use self::failure::innermost;
use self::resolver::Resolver;
use super::decode::unpack::{Unpackable, Unpacking};
use super::{Method, Request, Response, TransportFailure};
use crate::clock;
use crate::files;
use crate::untrusted::check_address;

/// Connecting, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Lines; how many bytes they are together is limited below, to some 400 KiB.
const MOST_HEADERS: usize = 4096;

/// Bytes; the lists of whole systems have some hundred thousand.
const LONGEST_CERTIFICATES: u32 = 16 * 1024 * 1024;

/// A client for accounts servers and APIs. Connections are kept and shared by all requests.
#[derive(Default)]
pub struct Client {
    /// A certificate authority beside those of the system, as PEM.
    ca_certificate: Option<PathBuf>,
    /// For `https`.
    secure: OnceLock<reqwest::Client>,
    /// For `http` on loopback, where loading certificates would be wasted.
    loopback: OnceLock<reqwest::Client>,
    resolver: Resolver,
    proxies: OnceLock<Matcher>,
    observer: OnceLock<Observer>,
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

impl Client {
    pub fn new(ca_certificate: Option<PathBuf>) -> Self {
        Self { ca_certificate, ..Self::default() }
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

    /// Sends one request and reads the whole answer within its limits, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Response, TransportFailure> {
        let Some(observer) = self.observer.get() else { return self.send_unobserved(request).await };
        let (method, host, path) = (request.method, host(&request.url), request.url.path().to_owned());
        let started = clock::now();
        let reply = self.send_unobserved(request).await;
        let outcome = reply.as_ref().map(|response| response.status).map_err(Clone::clone);
        // What a cache has kept was made earlier (RFC 9111 §5.1).
        let fresh = reply.as_ref().ok().filter(|response| response.header("age").is_none());
        let server_time = fresh.and_then(Response::date);
        observer(&Exchange { method, host, path, outcome, took: clock::now() - started, server_time });
        reply
    }

    async fn send_unobserved(&self, request: Request) -> Result<Response, TransportFailure> {
        let host = host(&request.url);
        check_address(&request.url)
            .map_err(|problem| TransportFailure::Setup(format!("the address of {host} {problem}")))?;
        let route = self.route(host, &request.url);
        let (deadline, body_limit, started) = (request.deadline, request.body_limit, clock::now());
        let asked = tokio::time::timeout(deadline, self.ask(request, &route));
        let incoming = asked.await.unwrap_or_else(|_| Err(TransportFailure::Timeout(route.host.clone())))?;
        let left = deadline.saturating_sub(clock::now() - started);
        let read = tokio::time::timeout(left, read(incoming, body_limit, &route));
        read.await.unwrap_or_else(|_| Err(TransportFailure::Slow(route.host.clone())))
    }

    /// Sends the request and waits for the answer to begin.
    async fn ask(&self, request: Request, route: &Route) -> Result<reqwest::Response, TransportFailure> {
        let client = if request.url.scheme() == "https" { self.secure()? } else { self.loopback()? };
        let outgoing = outgoing(request)?;
        let again = outgoing.try_clone();
        let mut reply = client.execute(outgoing).await;
        // Without a connection nothing was sent.
        if let (Err(error), Some(again)) = (&reply, again)
            && error.is_connect()
            && error.is_timeout()
            && self.resolver.has_another_way(&route.name, clock::now())
        {
            reply = client.execute(again).await;
            if reply.as_ref().is_err_and(reqwest::Error::is_connect) {
                self.resolver.forget_the_way(&route.name);
            }
        }
        reply.map_err(|error| failure::of_sending(route, &error, self.resolver.is_looking_up(&route.name)))
    }

    fn route(&self, host: String, url: &Url) -> Route {
        // As the layer below: proxies are for `https`, and the environment names them.
        let proxies = || self.proxies.get_or_init(Matcher::from_system);
        let proxy = (url.scheme() == "https").then(proxies).and_then(|proxies| {
            let proxy = proxies.intercept(&url.as_str().parse().ok()?)?;
            // A user name and password may stand before the host.
            let proxy = proxy.uri().authority()?;
            let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
            Some((proxy.host().to_owned(), port))
        });
        match proxy {
            Some((name, port)) => Route { host, proxy: Some(format!("{name}{port}")), name },
            None => Route { host, proxy: None, name: url.host_str().unwrap_or_default().to_owned() },
        }
    }

    fn secure(&self) -> Result<&reqwest::Client, TransportFailure> {
        if let Some(client) = self.secure.get() {
            return Ok(client);
        }
        install_crypto();
        let mut builder = self.common().https_only(true);
        if let Some(path) = &self.ca_certificate {
            let setup = |problem: String| {
                TransportFailure::Setup(format!("the certificate authority {} {problem}", path.display()))
            };
            let pem =
                files::read(path, LONGEST_CERTIFICATES).map_err(|error| setup(format!("cannot be read: {error}")))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| setup("is no PEM file".to_owned()))?;
            if certificates.is_empty() {
                return Err(setup("holds no certificate".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| {
            let cause = innermost(&error);
            TransportFailure::Setup(format!("TLS could not be set up ({cause}); is `ca-certificates` installed?"))
        })?;
        Ok(self.secure.get_or_init(|| client))
    }

    fn loopback(&self) -> Result<&reqwest::Client, TransportFailure> {
        if let Some(client) = self.loopback.get() {
            return Ok(client);
        }
        install_crypto();
        let no_roots = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client =
            self.common().no_proxy().tls_backend_preconfigured(no_roots).build().map_err(|error| {
                TransportFailure::Setup(format!("no HTTP client could be made: {}", innermost(&error)))
            })?;
        Ok(self.loopback.get_or_init(|| client))
    }

    fn common(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(concat!("device-login/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .http1_max_headers(MOST_HEADERS)
            .dns_resolver(self.resolver.clone())
    }
}

/// Chooses who computes for TLS, which reqwest leaves to the process.
fn install_crypto() {
    // Fails only where another part of this process chose first, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Which way a request takes.
struct Route {
    /// Who is asked, with a port that is not the usual one.
    host: String,
    /// Host and port of the proxy in between.
    proxy: Option<String>,
    /// Whose address is looked up.
    name: String,
}

fn outgoing(request: Request) -> Result<reqwest::Request, TransportFailure> {
    let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes())
        .expect("`http::Method` has the names of real methods only");
    let mut outgoing = reqwest::Request::new(method, request.url);
    *outgoing.body_mut() = Some(request.body.into());
    for (name, value) in request.headers {
        let unfit = |_| TransportFailure::Setup(format!("the value of header `{name}` cannot be sent"));
        let mut value = reqwest::header::HeaderValue::from_str(value.expose()).map_err(unfit)?;
        value.set_sensitive(true);
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| TransportFailure::Setup(format!("a header cannot be called `{name}`")))?;
        outgoing.headers_mut().append(name, value);
    }
    // What is packed all the same is unpacked.
    let identity = reqwest::header::HeaderValue::from_static("identity");
    outgoing.headers_mut().entry("accept-encoding").or_insert(identity);
    Ok(outgoing)
}

/// Reads an answer to its end or limit.
async fn read(mut incoming: reqwest::Response, body_limit: usize, route: &Route) -> Result<Response, TransportFailure> {
    let status = incoming.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut headers: Vec<(String, String)> =
        incoming.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    if !incoming.headers().contains_key("date") {
        // What other dates in the answer are measured by (RFC 9110 §6.6.1).
        headers.extend(
            DateTimePrinter::new().timestamp_to_rfc9110_string(&clock::wall()).map(|date| ("date".to_owned(), date)),
        );
    }
    let encodings = headers.iter().filter(|(name, _)| name == "content-encoding").map(|(_, value)| value.as_str());
    let mut unpacking = Unpacking::new(encodings, body_limit);
    if unpacking.is_labelled() {
        // They are about what was packed (RFC 9110 §8.4 and §8.6).
        headers.retain(|(name, _)| !["content-encoding", "content-length"].contains(&name.as_str()));
    }
    let unfit = |unpackable| of_unpacking(unpackable, &route.host, body_limit);
    let mut body = Vec::new();
    while let Some(chunk) = incoming.chunk().await.map_err(|error| failure::of_reading(route, &error))? {
        body.extend(unpacking.feed(&chunk).map_err(unfit)?);
    }
    body.extend(unpacking.finish().map_err(unfit)?);
    Ok(Response { status, headers, body })
}

fn of_unpacking(unpackable: Unpackable, host: &str, body_limit: usize) -> TransportFailure {
    let host = host.to_owned();
    match unpackable {
        Unpackable::Encoding(encoding) => TransportFailure::Encoded(host, encoding),
        Unpackable::TooLarge => TransportFailure::TooLarge(host, body_limit),
        Unpackable::Truncated => TransportFailure::Truncated(host),
        Unpackable::Damaged => TransportFailure::Garbled(host),
    }
}

fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "nowhere".to_owned(),
    }
}
