//! Which servers are trusted, and how those are named that are not. There is no way to trust them all.

use std::io::{Read, Write};
use std::path::Path;

use crate::support::tls::{Authority, listen, serve_own, serve_self_signed};
use device_login::http::client::Client;
use device_login::http::{Request, Response, TlsFailure, TransportFailure};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, SanType, date_time_ymd};
use url::Url;

fn ask(authority: &Authority, url: Url) -> Result<Response, TransportFailure> {
    ask_trusting(&authority.file(), url)
}

fn ask_trusting(file: &Path, url: Url) -> Result<Response, TransportFailure> {
    crate::support::runtime()
        .block_on(Client::new(Some(file.to_owned())).send(Request::form(url, &[("client_id", "x")])))
}

#[expect(clippy::disallowed_methods, reason = "tests write what the program has to read")]
fn write(path: &std::path::Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).expect("the directory can be written");
}

#[test]
fn a_certificate_of_a_private_authority_is_trusted_where_its_file_is_named() {
    let authority = Authority::new("Test Authority");
    assert_eq!(ask(&authority, authority.serve(|_| ())).map(|response| response.status), Ok(401));
}

type Change = fn(&mut CertificateParams);

/// Certificates that the authority signs all the same, and what is said of them.
const BAD: [(&str, Change, &str); 7] = [
    (
        "expired",
        |params| params.not_after = date_time_ymd(2020, 1, 2),
        "the certificate ended 2020-01-02 00:00 UTC; this machine's clock says 20",
    ),
    (
        "not yet valid",
        |params| params.not_before = date_time_ymd(2090, 1, 2),
        "the certificate is not valid before 2090-01-02 00:00 UTC; this machine's clock says 20",
    ),
    ("another host", |params| params.subject_alt_names = vec![name("other.example")], "is one for other names"),
    ("a look-alike", |params| params.subject_alt_names = vec![name("localhost.example")], "is one for other names"),
    ("no host", |params| params.subject_alt_names = Vec::new(), "is one for other names"),
    (
        "for clients",
        |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        "is not one for servers",
    ),
    (
        "an authority's",
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        "is one of an authority, not of a server",
    ),
];

fn name(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("a name"))
}

#[track_caller]
fn is_refused(which: &str, reply: Result<Response, TransportFailure>, part: &str) {
    match reply {
        Err(TransportFailure::Tls(host, TlsFailure { words, .. })) => {
            assert!(host.starts_with("localhost:") && words.contains(part), "{which}: {words}");
        }
        other => panic!("{which}: {other:?}"),
    }
}

#[test]
fn every_bad_certificate_is_refused_in_words_of_its_own() {
    let authority = Authority::new("Test Authority");
    for (which, change, part) in BAD {
        is_refused(which, ask(&authority, authority.serve(change)), part);
    }
    is_refused("self-signed", ask(&authority, serve_self_signed()), "nobody whom this machine trusts");
    let stranger = Authority::new("Another Authority");
    is_refused("a stranger's", ask(&authority, stranger.serve(|_| ())), "nobody whom this machine trusts");
    let impostor = Authority::new("Test Authority");
    is_refused("an impostor's", ask(&authority, impostor.serve(|_| ())), "the signature of the certificate is wrong");
    let bounded = Authority::bounded("Bounded Authority", "example.com");
    is_refused("out of bounds", ask(&bounded, bounded.serve(|_| ())), "its authority may not sign for this name");
}

#[test]
fn algorithms_and_versions_that_cannot_be_checked_are_named_with_what_to_ask_for() {
    let authority = Authority::new("Test Authority");
    let (sha256, sha512) = ([0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4]);
    let sha512 = ask(&authority, authority.serve_altered(&sha256, &sha512));
    is_refused("SHA-512", sha512.clone(), "is signed with ecdsa-with-SHA512");
    is_refused("SHA-512", sha512, "ask its authority for one that is signed with");
    let old = ask(&authority, authority.serve_altered(&[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 0]));
    is_refused(
        "version 1",
        old,
        "of an old version of X.509, which cannot be checked here; ask its authority for one of version 3",
    );
}

#[test]
fn a_servers_own_certificate_is_trusted_where_a_person_names_it() {
    let home = tempfile::tempdir().expect("a directory");
    let stranger = serve_own(|_| ());
    for (which, change, refusal) in [
        ("its own", (|_| ()) as Change, None),
        ("one that may sign", |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained), None),
        (
            "another name",
            |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.subject_alt_names = vec![name("other.example")];
            },
            Some("is one for other names"),
        ),
        (
            "expired",
            |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.not_after = date_time_ymd(2020, 1, 2);
            },
            Some("the certificate ended"),
        ),
    ] {
        let (url, pem) = serve_own(change);
        let file = home.path().join("own.pem");
        write(&file, &pem);
        let reply = ask_trusting(&file, url.clone());
        match refusal {
            None => assert_eq!(reply.map(|response| response.status), Ok(401), "{which}"),
            Some(words) => is_refused(which, reply, words),
        }
        write(&file, &stranger.1);
        assert!(matches!(ask_trusting(&file, url), Err(TransportFailure::Tls(..))), "{which}, a stranger's named");
    }
}

#[test]
fn what_does_not_speak_tls_is_told_from_what_cannot_be_trusted() {
    let authority = Authority::new("Test Authority");
    let plain = listen(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    is_refused("plain http", ask(&authority, plain), "does not speak TLS");
    let gone = ask(&authority, listen(drop));
    assert!(matches!(gone, Err(TransportFailure::Closed(_))), "{gone:?}");
    // Until the client goes away: five seconds.
    let silent = ask(&authority, listen(|mut stream| while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}));
    assert!(matches!(silent, Err(TransportFailure::ConnectTimeout(_))), "{silent:?}");
    let nowhere = ask(&authority, Url::parse("https://255.255.255.255/").expect("an address"));
    assert!(matches!(nowhere, Err(TransportFailure::Connect(_))), "{nowhere:?}");
}
