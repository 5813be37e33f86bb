//! Whom this machine trusts: the system's certificate authorities, or those that the environment names instead, and the
//! certificates that a person adds. Beside it, the words for why TLS failed.

pub(crate) mod certificates;
mod chain;
mod words;

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;

use self::certificates::Certificates;
#[cfg(feature = "postgres")]
pub(crate) use self::chain::trusted_only;
pub use self::chain::{Chain, Link};
pub(crate) use self::chain::{trusted, words_of_shown};
use crate::files;
use crate::mutex::locked;

/// By the name of a server, the certificates that it showed last, whether they were good or not.
pub(crate) type Shown = Arc<Mutex<BTreeMap<String, Certificates>>>;

/// TLS with whom the system trusts, and with whoever has a certificate in the file `added`. What servers show is noted in
/// `shown`. The error is a sentence.
pub(crate) fn trusting(
    added: Option<&Path>,
    shown: Option<Shown>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let added = added.map_or_else(|| Ok(Certificates::new()), in_file)?;
    let authorities: Arc<dyn ServerCertVerifier> = match instead_of_the_systems()? {
        Some(named) => verifier(named.into_iter().chain(added.iter().cloned()), NO_AUTHORITIES)?,
        None => Arc::new(Verifier::new_with_extra_roots(added.clone(), provider).map_err(|_| NO_AUTHORITIES)?),
    };
    builder(Trust { authorities, added, shown })
}

/// TLS with nobody but who has a certificate in this file, or whom one of those has signed. What servers show is noted.
#[cfg(feature = "postgres")]
pub(crate) fn trusting_only(file: &Path, shown: Shown) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let added = in_file(file)?;
    let authorities =
        verifier(added.iter().cloned(), "TLS could not be set up: the certificate authority cannot be used")?;
    builder(Trust { authorities, added, shown: Some(shown) })
}

pub(super) fn in_file(path: &Path) -> Result<Certificates, String> {
    certificates::in_file(path).map_err(|problem| format!("the certificate authority {} {problem}", path.display()))
}

fn verifier(
    roots: impl Iterator<Item = CertificateDer<'static>>,
    otherwise: &str,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(store.into(), provider).build().map_err(|_| otherwise.to_owned())
}

fn builder(trust: Trust) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|_| "TLS could not be set up".to_owned())?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)))
}

/// Why TLS failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A clause about the server.
    pub words: String,
    pub cause: Cause,
}

/// Where it is to be looked for what made TLS fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This machine's clock, or a certificate whose time is over.
    Clock,
    /// The name that was asked for.
    Address,
    /// Whom this machine trusts.
    Authority,
    /// What answers there speaks something else.
    Port,
    /// The server wants a certificate of this machine.
    OwnCertificate,
    /// How the server, or a proxy before it, is set up.
    Server,
    Connection,
}

/// Why TLS failed, if it is TLS that lies at the bottom of this error.
pub(crate) fn failure(error: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let inner = chain.filter_map(|source| match source.downcast_ref() {
        Some(tls) => Some(tls),
        None => innermost(source.downcast_ref()?).get_ref()?.downcast_ref(),
    });
    let failure = |error: &Error| Failure { words: words::words(error), cause: words::cause(error) };
    inner.map(failure).next()
}

/// I/O errors are wrapped in others, however many: `source` passes over what they hold themselves.
pub(crate) fn innermost(error: &io::Error) -> &io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(inner) => innermost(inner),
        None => error,
    }
}

const NO_AUTHORITIES: &str = "TLS could not be set up: this system has no certificate authorities; install \
                              `ca-certificates`, or name a file with some in `SSL_CERT_FILE`";

/// The authorities that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
fn instead_of_the_systems() -> Result<Option<Certificates>, String> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let (file, directories) = (set("SSL_CERT_FILE"), set("SSL_CERT_DIR"));
    if file.is_none() && directories.is_none() {
        // The libraries below would look for a file without a name.
        return Ok(env::var_os("SSL_CERT_FILE").map(|_empty| the_systems()));
    }
    let mut named = Certificates::new();
    if let Some(file) = file.map(|file| files::expanded(Path::new(&file))) {
        let refused =
            |problem| format!("TLS could not be set up: `SSL_CERT_FILE` names {}, which {problem}", file.display());
        named.extend(certificates::in_list(&file).map_err(refused)?);
    }
    if let Some(directories) = directories {
        let refused = |problem| format!("TLS could not be set up: `SSL_CERT_DIR` {problem}");
        named.extend(certificates::in_directories(&directories).map_err(refused)?);
    }
    Ok(Some(named))
}

/// The authorities of a system that keeps them in files.
fn the_systems() -> Certificates {
    let places = openssl_probe::probe();
    places.cert_file.and_then(|file| certificates::in_list(&file).ok()).unwrap_or_else(|| {
        let directories = env::join_paths(places.cert_dir).unwrap_or_default();
        certificates::in_directories(&directories).unwrap_or_default()
    })
}

/// Trusts what the authorities have signed, and a server's own certificate where a person has named exactly that.
#[derive(Debug)]
struct Trust {
    authorities: Arc<dyn ServerCertVerifier>,
    added: Certificates,
    shown: Option<Shown>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(shown) = &self.shown {
            let chain = std::iter::once(end_entity).chain(intermediates);
            let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
            let name = server_name.to_str().into_owned();
            locked(shown).insert(name, chain);
        }
        let judged = self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match judged {
            Err(error) if is_of_who_signed(&error) && self.added.iter().any(|added| added == end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Who signed a certificate does not matter where a person has named that very one. Its time was judged before.
fn is_of_who_signed(error: &Error) -> bool {
    let Error::InvalidCertificate(error) = error else { return false };
    match error {
        CertificateError::UnknownIssuer
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => true,
        // It may sign for others, as `openssl req -x509` has it.
        CertificateError::Other(other) => format!("{other:?}").contains("CaUsedAsEndEntity"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::{CertificateError, Error};

    use super::failure;

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
        let said = |error| failure(&wrapped(error)).map(|failure| failure.words).unwrap_or_default();
        assert!(said(CertificateError::Expired).contains("has ended"));
        assert!(said(CertificateError::UnknownIssuer).contains("trusts"));
        assert!(said(CertificateError::NotValidYet).contains("clock right?"));
        assert!(said(CertificateError::Revoked).contains("revoked"));
        assert_eq!(failure(&Wrapped(io::ErrorKind::ConnectionRefused.into())), None);
    }
}
