//! TLS to a database, by rustls: the server is always verified whole, its name included.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client;

use super::address::Address;
use crate::files::access::Holds;
use crate::files::{self, Trouble};
use crate::http::tls::{certificates, trusting, trusting_only};

/// Bytes; keys have some thousand.
const LONGEST_KEY: u32 = 64 * 1024;

/// Speaks TLS to one server.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// To the server of this name, as the address says. Files are read each time, since certificates are renewed. The error
    /// is a clause or a sentence.
    pub(super) fn to(address: &Address, name: &str) -> Result<Self, String> {
        let builder = match address.root_certificate() {
            Some(file) => trusting_only(file)?,
            None => trusting(None)?,
        };
        let config = match (&address.certificate, &address.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates::in_file(certificate);
                let chain = chain.map_err(|problem| format!("the certificate {} {problem}", certificate.display()))?;
                let unfit = |_| format!("the key {} is not that of {}", key.display(), certificate.display());
                builder.with_client_auth_cert(chain, private_key(key)?).map_err(unfit)?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err("a certificate of this machine (`sslcert`) and its key (`sslkey`) go together".to_owned()),
        };
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| "no certificate can be made for a name like this")?;
        Ok(Self { config: Arc::new(config), name })
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let refused = |trouble: Trouble| {
        format!("the key {} cannot be used: {}; {}", path.display(), trouble.cause(path), trouble.advice())
    };
    let (content, _) = files::read_own(path, Holds::Secrets, LONGEST_KEY).map_err(refused)?;
    PrivateKeyDer::from_pem_slice(&content).map_err(|_| {
        format!("{} holds no private key in PEM that is not encrypted; `openssl pkey` writes one", path.display())
    })
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> TlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>>>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { TlsConnector::from(self.config).connect(self.name, stream).await.map(Encrypted) })
    }
}

/// A stream under TLS.
pub(super) struct Encrypted<S>(client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    /// The certificate was verified, name included, so there is nobody in between whom a binding would find.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
