//! Carries requests over the network, by reqwest.
//!
//! Redirects are never followed, since they could carry a token or secret to another host; nothing is retried, since the
//! flows decide that; bodies are read up to their limit only; addresses are kept out of error texts. TLS is set up when
//! the first `https` request is made, so that everything else starts without it.

use std::error::Error;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::redirect;
use url::Url;

use super::{Method, Request, Response, TransportFailure};
use crate::clock;
use crate::files;
use crate::untrusted::{Untrusted, check_address};

/// Connecting, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

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
    observer: Option<Observer>,
}

/// Is told of every exchange when it has ended.
pub type Observer = Box<dyn Fn(&Exchange) + Send + Sync>;

/// What may be told of an exchange: nothing of it is secret.
pub struct Exchange {
    pub method: Method,
    pub host: String,
    /// Without the query.
    pub path: String,
    /// The status of the answer, or why there is none.
    pub outcome: Result<u16, TransportFailure>,
    pub took: Duration,
}

impl Client {
    pub fn new(ca_certificate: Option<PathBuf>) -> Self {
        Self { ca_certificate, ..Self::default() }
    }

    #[must_use]
    pub fn observed_by(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Sends one request and reads the whole answer within its limits, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Response, TransportFailure> {
        let Some(observer) = &self.observer else { return self.send_unobserved(request).await };
        let (method, host, path) = (request.method, host(&request.url), request.url.path().to_owned());
        let started = clock::now();
        let reply = self.send_unobserved(request).await;
        let outcome = reply.as_ref().map(|response| response.status).map_err(Clone::clone);
        observer(&Exchange { method, host, path, outcome, took: clock::now() - started });
        reply
    }

    async fn send_unobserved(&self, request: Request) -> Result<Response, TransportFailure> {
        let host = host(&request.url);
        check_address(&request.url)
            .map_err(|problem| TransportFailure::Setup(format!("the address of {host} {problem}")))?;
        let deadline = request.deadline;
        let exchange = self.exchange(request, &host);
        tokio::time::timeout(deadline, exchange).await.unwrap_or(Err(TransportFailure::Timeout(host.clone())))
    }

    async fn exchange(&self, request: Request, host: &str) -> Result<Response, TransportFailure> {
        let client = if request.url.scheme() == "https" { self.secure()? } else { self.loopback()? };
        let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes())
            .expect("`http::Method` has the names of real methods only");
        let mut outgoing = client.request(method, request.url).body(request.body);
        for (name, value) in request.headers {
            let mut value = reqwest::header::HeaderValue::from_str(value.expose())
                .map_err(|_| TransportFailure::Setup(format!("the value of header `{name}` cannot be sent")))?;
            value.set_sensitive(true);
            outgoing = outgoing.header(name, value);
        }
        let mut incoming = outgoing.send().await.map_err(|error| failure(host, &error))?;
        let status = incoming.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = incoming.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let mut body = Vec::new();
        while let Some(chunk) = incoming.chunk().await.map_err(|error| failure(host, &error))? {
            if body.len() + chunk.len() > request.body_limit {
                return Err(TransportFailure::TooLarge(host.to_owned(), request.body_limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }

    fn secure(&self) -> Result<&reqwest::Client, TransportFailure> {
        if let Some(client) = self.secure.get() {
            return Ok(client);
        }
        // Fails only where another part of this process chose a provider first, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = common().https_only(true);
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
        let _ = rustls::crypto::ring::default_provider().install_default();
        let no_roots = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client =
            common().no_proxy().tls_backend_preconfigured(no_roots).build().map_err(|error| {
                TransportFailure::Setup(format!("no HTTP client could be made: {}", innermost(&error)))
            })?;
        Ok(self.loopback.get_or_init(|| client))
    }
}

fn common() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("device-login/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
}

fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "nowhere".to_owned(),
    }
}

/// Tells the kinds of failure apart, without the address, whose path or query could be private.
fn failure(host: &str, error: &reqwest::Error) -> TransportFailure {
    let host = host.to_owned();
    if let Some(tls) = find_tls(error) {
        return TransportFailure::Tls(host, tls);
    }
    if error.is_connect() {
        return match chain(error).any(|source| source.to_string().starts_with("dns error")) {
            true => TransportFailure::Dns(host),
            false if error.is_timeout() => TransportFailure::Timeout(host),
            false => TransportFailure::Connect(host),
        };
    }
    if error.is_timeout() { TransportFailure::Timeout(host) } else { TransportFailure::Truncated(host) }
}

fn find_tls(error: &(dyn Error + 'static)) -> Option<String> {
    chain(error).find_map(|source| {
        let tls = within_io(source).downcast_ref::<rustls::Error>()?;
        // A certificate's own names may be quoted in it.
        let text = Untrusted::new(tls.to_string()).line();
        Some(match tls {
            rustls::Error::InvalidCertificate(
                rustls::CertificateError::NotValidYet | rustls::CertificateError::NotValidYetContext { .. },
            ) => format!("{text}; is this machine's clock right?"),
            _ => text,
        })
    })
}

/// What I/O errors are wrapped around, however many: `source` passes over what they hold themselves.
fn within_io<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => within_io(inner),
        None => error,
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::{CertificateError, Error};

    use super::find_tls;

    /// As the layers below wrap it, one I/O error in another.
    #[derive(Debug, thiserror::Error)]
    #[error("connecting failed")]
    struct Wrapped(#[source] io::Error);

    fn wrapped(error: CertificateError) -> Wrapped {
        let tls = Error::InvalidCertificate(error);
        Wrapped(io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls)))
    }

    #[test]
    fn certificates_that_are_refused_are_told_from_connections_that_fail() {
        let said = |error| find_tls(&wrapped(error)).unwrap_or_default();
        assert!(said(CertificateError::Expired).contains("Expired"));
        assert!(said(CertificateError::UnknownIssuer).contains("UnknownIssuer"));
        assert!(said(CertificateError::NotValidYet).contains("is this machine's clock right?"));
        assert_eq!(find_tls(&Wrapped(io::ErrorKind::ConnectionRefused.into())), None);
    }
}
