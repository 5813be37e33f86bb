//! TLS to a database, by rustls: the server is always verified whole, its name included.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Error, InconsistentKeys};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client;

use super::address::Address;
use super::guarded::Guarded;
use crate::files::access::Holds;
use crate::files::{self, Trouble};
use crate::http::tls::{Shown, certificates, trusting, trusting_only};

/// Bytes; keys have some thousand.
const LONGEST_KEY: u32 = 64 * 1024;

/// Speaks TLS to one server.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// To the server of this name, as the address says. Files are read each time, since certificates are renewed. The error
    /// is a clause or a sentence. What the server shows is noted in `shown`.
    pub(super) fn to(address: &Address, name: &str, shown: Shown) -> Result<Self, String> {
        let builder = match address.root_certificate() {
            Some(file) => trusting_only(file, shown)?,
            None => trusting(None, Some(shown))?,
        };
        let config = match (&address.certificate, &address.key) {
            (Some(certificate), Some(key)) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified(certificate, key)?)))
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err("a certificate of this machine (`sslcert`) and its key (`sslkey`) go together".to_owned()),
        };
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| "no certificate can be made for a name like this")?;
        Ok(Self { config: Arc::new(config), name })
    }
}

/// What this machine shows of itself. Whether it is a good certificate is for the server to find out.
fn certified(certificate: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let chain = certificates::in_any(certificate);
    let chain = chain.map_err(|problem| format!("the certificate {} {problem}", certificate.display()))?;
    let provider = rustls::crypto::ring::default_provider();
    let loaded = provider.key_provider.load_private_key(private_key(key)?);
    let loaded = loaded.map_err(|_| format!("the key {} is of a kind that cannot be used", key.display()))?;
    let certified = CertifiedKey::new(chain, loaded);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(format!("the key {} is not that of {}", key.display(), certificate.display()))
        }
        _ => Ok(certified),
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
        Box::pin(async move {
            TlsConnector::from(self.config).connect(self.name, stream).await.map(Guarded::trusted).map(Encrypted)
        })
    }
}

/// A stream under TLS.
pub(super) struct Encrypted<S>(Guarded<client::TlsStream<S>>);

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

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{File, Permissions};
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::{Address, Shown, Tls};

    #[test]
    fn a_certificate_of_this_machine_goes_with_its_own_key_in_a_file_of_its_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str, mode: u32| {
            let path = directory.path().join(name);
            let mut file = File::create(&path).expect("it can be written");
            file.write_all(text.as_bytes()).expect("it can be written");
            file.set_permissions(Permissions::from_mode(mode)).expect("it is ours");
            path.display().to_string()
        };
        let made = || {
            let key = rcgen::KeyPair::generate().expect("a key");
            let params = rcgen::CertificateParams::new(["dana".to_owned()]).expect("a name");
            (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
        };
        let ((certificate, key), (_, other)) = (made(), made());
        let certificate = write("c.pem", &certificate, 0o644);
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
        for (key, problem) in [
            (write("key", &key, 0o600), None),
            (write("other", &other, 0o600), Some("is not that of")),
            (write("open", &key, 0o644), Some("600 ")),
            (write("encrypted", encrypted, 0o600), Some("openssl pkey")),
            (certificate.clone(), Some("600 ")),
            (String::new(), Some("go together")),
        ] {
            let address = format!("postgres://h/x?sslrootcert={certificate}&sslcert={certificate}&sslkey={key}");
            let address = Address::parse(&address).expect("an address");
            match (Tls::to(&address, "h", Shown::default()), problem) {
                (Ok(_), None) => {}
                (Err(said), Some(problem)) => assert!(said.contains(problem), "{said}"),
                (made, _) => panic!("{key}: {:?} {problem:?}", made.err()),
            }
        }
    }
}
