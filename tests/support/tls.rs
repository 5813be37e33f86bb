//! A certificate authority of the test's own, and TLS servers with whatever certificate it signs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;
use url::Url;

use super::authority::{Asked, read_head};

/// What every server answers: a refusal that no transport could have made up.
const ANSWER: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\
                      connection: close\r\n\r\n{\"error\":\"invalid_client\"}";

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
    home: TempDir,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::of(authority_params(name))
    }

    /// An authority that may sign for one domain only.
    pub(crate) fn bounded(name: &str, domain: &str) -> Self {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(domain.to_owned())];
        let bounds = NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() };
        let mut params = authority_params(name);
        params.name_constraints = Some(bounds);
        Self::of(params)
    }

    fn of(params: CertificateParams) -> Self {
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { issuer: Issuer::new(params, key), certificate, home: tempfile::tempdir().expect("a directory") }
    }

    /// The certificate in a file, for whoever is to trust it.
    pub(crate) fn file(&self) -> PathBuf {
        let path = self.home.path().join("ca.pem");
        let mut file = std::fs::File::create(&path).expect("the directory can be written");
        file.write_all(self.certificate.pem().as_bytes()).expect("the disk has room");
        path
    }

    /// A server for `localhost` whose certificate is changed by `change` before it is signed.
    pub(crate) fn serve(&self, change: impl FnOnce(&mut CertificateParams)) -> Url {
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        change(&mut params);
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        serve(certificate.der().clone(), &key, refusing)
    }

    /// A server for `localhost` that answers each request as `answer` says.
    pub(crate) fn serve_answering(&self, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Url {
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        serve(certificate.der().clone(), &key, answer)
    }

    /// A server for `name` that answers each request with the text that `answer` makes.
    pub(crate) fn answer(&self, name: &str, answer: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Url {
        let key = key();
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let answer = move |text: &str| read_head(&mut text.as_bytes()).map(|asked| answer(&asked).into_bytes());
        serve(certificate.der().clone(), &key, move |text| answer(text).unwrap_or_default())
    }

    /// A certificate for these names or addresses and its key, as PEM, for a server that is a program of its own.
    pub(crate) fn certificate(&self, names: &[&str]) -> (String, String) {
        let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let key = key();
        let params = CertificateParams::new(names).expect("names");
        (params.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }

    /// A server with a certificate whose bytes are not those that were signed: each `before` in them is an `after`.
    pub(crate) fn serve_altered(&self, before: &[u8], after: &[u8]) -> Url {
        let key = key();
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        serve(altered(certificate.der(), before, after), &key, refusing)
    }
}

/// A certificate with other bytes, where nothing gets longer or shorter.
fn altered(certificate: &[u8], before: &[u8], after: &[u8]) -> CertificateDer<'static> {
    let mut bytes = certificate.to_vec();
    for at in 0..=bytes.len() - before.len() {
        if bytes[at..].starts_with(before) {
            bytes[at..at + after.len()].copy_from_slice(after);
        }
    }
    assert_ne!(bytes, certificate, "it holds {before:?}");
    CertificateDer::from(bytes)
}

/// A server whose certificate nobody but itself has signed.
pub(crate) fn serve_self_signed() -> Url {
    serve_own(|_| ()).0
}

/// A server that has signed its own certificate, changed by `change`; with that as PEM.
pub(crate) fn serve_own(change: impl FnOnce(&mut CertificateParams)) -> (Url, String) {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    change(&mut params);
    let key = key();
    let certificate = params.self_signed(&key).expect("a certificate");
    (serve(certificate.der().clone(), &key, refusing), certificate.pem())
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn refusing(_: &str) -> Vec<u8> {
    ANSWER.into()
}

fn serve(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> Url {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = provider.key_provider.load_private_key(key).expect("a key that signs");
    // Whether it is a good certificate is for the client to find out.
    let certified = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certified));
    let config = Arc::new(config);
    listen(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        // Clients that refuse the certificate never send anything.
        let mut request = [0; 4096];
        if let Ok(length @ 1..) = stream.read(&mut request) {
            let _ = stream.write_all(&answer(&String::from_utf8_lossy(&request[..length])));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

/// A listener whose connections `answer` gets, as an `https` address.
pub(crate) fn listen(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let port = listener.local_addr().expect("it listens").port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || answer(stream));
        }
    });
    Url::parse(&format!("https://localhost:{port}/device")).expect("an address")
}
