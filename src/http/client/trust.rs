//! Whom this machine trusts: the system's certificate authorities, or those that the environment names instead, and the
//! certificates that a person adds.

use std::env;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::certificates::{self, Certificates};
use crate::files;

/// How TLS is spoken, and to whom. The error is a sentence.
pub(super) fn config(ca_certificate: Option<&Path>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let added = match ca_certificate {
        Some(path) => certificates::in_file(path)
            .map_err(|problem| format!("the certificate authority {} {problem}", path.display()))?,
        None => Certificates::new(),
    };
    let authorities: Arc<dyn ServerCertVerifier> = match instead_of_the_systems()? {
        Some(named) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(named.into_iter().chain(added.iter().cloned()));
            let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build();
            verifier.map_err(|_| NO_AUTHORITIES)?
        }
        None => Arc::new(Verifier::new_with_extra_roots(added.clone(), provider.clone()).map_err(|_| NO_AUTHORITIES)?),
    };
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let verifier = Arc::new(Trust { authorities, added });
    let builder = versions.map_err(|_| "TLS could not be set up".to_owned())?;
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
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
