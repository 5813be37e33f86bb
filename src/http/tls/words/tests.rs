use std::io;
use std::sync::Arc;

use rustls::{
    AlertDescription, CertRevocationListError, CertificateError, ContentType, EncryptedClientHelloError, Error,
    HandshakeType, InconsistentKeys, InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved,
};

use super::{Cause, cause, words};

fn other(name: &'static str) -> CertificateError {
    CertificateError::Other(OtherError(Arc::new(io::Error::other(name))))
}

fn signed(signature: &[u8], key: &[u8]) -> Error {
    let (signature_algorithm_id, public_key_algorithm_id) = (signature.to_vec(), key.to_vec());
    let context = CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
        signature_algorithm_id,
        public_key_algorithm_id,
    };
    Error::InvalidCertificate(context)
}

const SHA512: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
const P256: [u8; 19] =
    [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.6.1.4.1.311.60, which nobody signs with.
const ODD: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c];

#[test]
fn algorithms_are_told_by_name_and_strange_ones_by_number() {
    let said = words(&signed(&SHA512, &P256));
    assert!(said.contains("signed with ecdsa-with-SHA512 by a key for P-256"), "{said}");
    assert!(said.contains("ask its authority for one that is signed with"), "{said}");
    let said = words(&signed(&ODD, &[]));
    assert!(said.contains("the algorithm 1.3.6.1.4.1.311.60 by a key for an algorithm without a name"), "{said}");
    for cut in 0..SHA512.len() {
        words(&signed(&SHA512[..cut], &P256[..cut]));
    }
}

#[test]
fn no_error_shows_how_programmers_write_it() {
    let certificates = [
        CertificateError::BadEncoding,
        CertificateError::Expired,
        CertificateError::NotValidYet,
        CertificateError::Revoked,
        CertificateError::UnhandledCriticalExtension,
        CertificateError::UnknownIssuer,
        CertificateError::UnknownRevocationStatus,
        CertificateError::ExpiredRevocationList,
        CertificateError::BadSignature,
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: ODD.to_vec(),
            supported_algorithms: Vec::new(),
        },
        CertificateError::NotValidForName,
        CertificateError::InvalidPurpose,
        CertificateError::InvalidOcspResponse,
        CertificateError::ApplicationVerificationFailure,
        other("EkuError"),
        other("UnsupportedCertVersion"),
        other("CaUsedAsEndEntity"),
        other("SomethingNew { of: 1 }"),
    ];
    let alerts = (0..=255).map(|number| Error::AlertReceived(AlertDescription::from(number)));
    let errors = [
        Error::InappropriateMessage { expect_types: vec![ContentType::Handshake], got_type: ContentType::Alert },
        Error::InappropriateHandshakeMessage { expect_types: Vec::new(), got_type: HandshakeType::Finished },
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::InvalidConfigList),
        Error::InvalidMessage(InvalidMessage::InvalidContentType),
        Error::InvalidMessage(InvalidMessage::MessageTooLarge),
        Error::NoCertificatesPresented,
        Error::UnsupportedNameType,
        Error::DecryptError,
        Error::EncryptError,
        Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
        Error::PeerMisbehaved(PeerMisbehaved::SignedKxWithWrongAlgorithm),
        Error::InvalidCertRevocationList(CertRevocationListError::BadSignature),
        Error::General("Debug { text }".to_owned()),
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::PeerSentOversizedRecord,
        Error::NoApplicationProtocol,
        Error::BadMaxFragmentSize,
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
        Error::Other(OtherError(Arc::new(io::Error::other("Other(Debug)")))),
        signed(&SHA512, &P256),
    ];
    let errors = errors.into_iter().chain(certificates.map(Error::InvalidCertificate)).chain(alerts);
    for error in errors {
        let said = words(&error);
        let is_plain = !said.is_empty() && !said.contains(['{', '}', '(', ')', '[', ']', '"']);
        // Words of the libraries are joined without blanks: `BadEncoding`.
        let is_joined =
            |word: &str| word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
        let known = ["subjectAltName"];
        let joined = said.split([' ', ',', ';', '-']).find(|word| is_joined(word) && !known.contains(word));
        let is_algorithm = joined.is_some_and(|word| word.contains("SHA"));
        assert!(is_plain && (joined.is_none() || is_algorithm), "{error:?}: {said}");
    }
}

#[test]
fn each_failure_has_its_cause() {
    for (error, expected) in [
        (Error::InvalidCertificate(CertificateError::Expired), Cause::Clock),
        (Error::InvalidCertificate(CertificateError::NotValidYet), Cause::Clock),
        (Error::InvalidCertificate(CertificateError::NotValidForName), Cause::Address),
        (Error::InvalidCertificate(CertificateError::UnknownIssuer), Cause::Authority),
        (Error::InvalidCertificate(CertificateError::BadEncoding), Cause::Server),
        (Error::InvalidMessage(InvalidMessage::InvalidContentType), Cause::Port),
        (Error::AlertReceived(AlertDescription::CertificateRequired), Cause::OwnCertificate),
        (Error::AlertReceived(AlertDescription::UnrecognisedName), Cause::Address),
        (Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13), Cause::Server),
        (Error::DecryptError, Cause::Connection),
    ] {
        assert_eq!(cause(&error), expected, "{error:?}");
    }
}
