//! Says in words why TLS failed, and what to ask an authority for. Every kind of error has its words here, since those of
//! the libraries are for programmers.

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use super::Cause;
use crate::tables::Pairs;

const CLOCK: &str = "this machine's clock";

/// What is asked of an authority whose algorithm cannot be checked.
const ASK_FOR_ANOTHER_SIGNATURE: &str = "ask its authority for one that is signed with RSA and SHA-256, P-256 and SHA-256, \
                                         or P-384 and SHA-384";

pub(super) fn cause(error: &Error) -> Cause {
    use CertificateError as Certificate;
    match error {
        Error::InvalidCertificate(
            Certificate::ExpiredContext { .. }
            | Certificate::NotValidYetContext { .. }
            | Certificate::Expired
            | Certificate::NotValidYet,
        ) => Cause::Clock,
        Error::InvalidCertificate(Certificate::NotValidForName | Certificate::NotValidForNameContext { .. })
        | Error::AlertReceived(AlertDescription::UnrecognisedName)
        | Error::UnsupportedNameType => Cause::Address,
        Error::InvalidCertificate(Certificate::UnknownIssuer | Certificate::BadSignature) => Cause::Authority,
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Cause::Port,
        Error::AlertReceived(alert) if wants_certificate(*alert) => Cause::OwnCertificate,
        Error::InvalidCertificate(_) | Error::AlertReceived(_) | Error::PeerIncompatible(_) => Cause::Server,
        _ => Cause::Connection,
    }
}

pub(super) fn words(error: &Error) -> String {
    let words = match error {
        Error::InvalidCertificate(problem) => return of_certificate(problem),
        Error::AlertReceived(alert) => return of_alert(*alert),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "what answers there does not speak TLS",
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "what answers there does not speak TLS as it is meant to be"
        }
        Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            "it speaks neither TLS 1.2 nor TLS 1.3"
        }
        Error::PeerIncompatible(_) => NOTHING_IN_COMMON,
        Error::PeerMisbehaved(_) => "it does not keep to the rules of TLS",
        Error::NoCertificatesPresented => "it sent no certificate",
        Error::UnsupportedNameType => "no certificate can be made for a name like this",
        Error::DecryptError | Error::PeerSentOversizedRecord => "what it sent was changed on the way, or is no TLS",
        Error::InvalidCertRevocationList(_) => "the list of revoked certificates cannot be used",
        Error::NoApplicationProtocol => "it does not speak HTTP/1.1",
        Error::FailedToGetCurrentTime => "this machine does not know the time",
        Error::FailedToGetRandomBytes => "this machine has no random numbers",
        _ => "TLS came to no agreement",
    };
    words.to_owned()
}

const NOTHING_IN_COMMON: &str = "it has no version or algorithm of TLS that can be used here; TLS 1.2 or 1.3 is wanted, with a \
                                 certificate for RSA, P-256, P-384 or Ed25519";

fn of_certificate(problem: &CertificateError) -> String {
    let words = match problem {
        CertificateError::ExpiredContext { time, not_after } => {
            return format!("the certificate ended {}; {CLOCK} says {}", at(*not_after), at(*time));
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let (begins, now) = (at(*not_before), at(*time));
            return format!("the certificate is not valid before {begins}; {CLOCK} says {now}, is it right?");
        }
        CertificateError::Expired => return format!("the certificate has ended, if {CLOCK} is right"),
        CertificateError::NotValidYet => return format!("the certificate is not valid yet; is {CLOCK} right?"),
        CertificateError::UnsupportedSignatureAlgorithmContext { signature_algorithm_id: signature, .. } => {
            let signature = algorithm(signature);
            return format!(
                "the certificate, or one above it, is signed with {signature}, which cannot be checked here; \
                 {ASK_FOR_ANOTHER_SIGNATURE}"
            );
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: signature,
            public_key_algorithm_id: key,
        } => {
            let (signature, key) = (algorithm(signature), algorithm(key));
            return format!(
                "the certificate, or one above it, is signed with {signature} by a key for {key}, which cannot be checked \
                 here; {ASK_FOR_ANOTHER_SIGNATURE}"
            );
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is one for other names"
        }
        CertificateError::UnknownIssuer => "nobody whom this machine trusts has signed the certificate",
        CertificateError::Revoked => "the certificate was revoked",
        CertificateError::BadSignature => {
            "the signature of the certificate is wrong: another authority of the same name made it, or its key for RSA is \
             shorter than 2048 bits"
        }
        CertificateError::BadEncoding => "the certificate is not encoded as certificates are",
        CertificateError::UnhandledCriticalExtension => {
            "the certificate has a critical extension that is not known here; ask its authority for one without"
        }
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. }
        | CertificateError::InvalidOcspResponse => "whether the certificate was revoked cannot be told",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => of_other("Eku"),
        CertificateError::Other(other) => of_other(&format!("{other:?}")),
        _ => "the certificate was refused",
    };
    words.to_owned()
}

/// Errors of the layer below that have no name in this one: a part of that name, and the words. The verifier of the platform
/// hides `EkuError` and `EmptyEkuExtension` behind a type of its own.
const OTHERS: Pairs = Pairs(
    "Eku the certificate is not one for servers
    UnsupportedCertVersion the certificate, or one above it, is of an old version of X.509, which cannot be checked here; \
     ask its authority for one of version 3, with the server's name as subjectAltName
    CaUsedAsEndEntity the certificate is one of an authority, not of a server; ask for one without `CA:TRUE`, or name that \
     very certificate by `--ca-cert`
    EndEntityUsedAsCa a certificate above the server's is not one of an authority
    NameConstraintViolation its authority may not sign for this name
    PathLenConstraintViolated there are more authorities above the certificate than the first of them allows
    SignatureAlgorithmMismatch the certificate names two algorithms for its one signature
    Maximum there are more authorities above the certificate than anybody needs",
);

fn of_other(name: &str) -> &'static str {
    let known = OTHERS.iter().find(|(part, _)| name.contains(part)).map(|(_, words)| words);
    known.unwrap_or("the certificate is not made as certificates have to be")
}

/// Alerts of the server, with which it ends a connection (RFC 8446 §6).
fn of_alert(alert: AlertDescription) -> String {
    let words = match alert {
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity => NOTHING_IN_COMMON,
        _ if wants_certificate(alert) => "it wants a certificate of this machine, and there is no way to send one",
        AlertDescription::UnrecognisedName => "it knows no server of this name",
        AlertDescription::AccessDenied => "it does not let this machine in",
        AlertDescription::InternalError => "it has trouble of its own",
        AlertDescription::NoApplicationProtocol => "it does not speak HTTP/1.1",
        _ => return format!("it ended the connection with the alert {}", u8::from(alert)),
    };
    words.to_owned()
}

fn wants_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::NoCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::UnknownCA
    )
}

/// The names of algorithms by their object identifiers.
const ALGORITHMS: Pairs = Pairs(
    "1.2.840.10045.4.1      ecdsa-with-SHA1
    1.2.840.10045.4.3.1    ecdsa-with-SHA224
    1.2.840.10045.4.3.2    ecdsa-with-SHA256
    1.2.840.10045.4.3.3    ecdsa-with-SHA384
    1.2.840.10045.4.3.4    ecdsa-with-SHA512
    1.2.840.113549.1.1.1   RSA
    1.2.840.113549.1.1.4   md5WithRSAEncryption
    1.2.840.113549.1.1.5   sha1WithRSAEncryption
    1.2.840.113549.1.1.10  RSASSA-PSS
    1.2.840.113549.1.1.11  sha256WithRSAEncryption
    1.2.840.113549.1.1.12  sha384WithRSAEncryption
    1.2.840.113549.1.1.13  sha512WithRSAEncryption
    1.2.840.113549.1.1.14  sha224WithRSAEncryption
    1.3.101.112            Ed25519
    1.3.101.113            Ed448
    1.2.840.10040.4.1      DSA
    1.2.840.10045.3.1.7    P-256
    1.3.132.0.34           P-384
    1.3.132.0.35           P-521
    1.3.132.0.10           secp256k1
    1.3.36.3.3.2.8.1.1.7   brainpoolP256r1
    1.3.36.3.3.2.8.1.1.11  brainpoolP384r1",
);

/// `id-ecPublicKey`, behind which the curve stands that matters.
const CURVE_FOLLOWS: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The name of an algorithm, or its number where it has none here.
fn algorithm(identifier: &[u8]) -> String {
    let numbers = object_identifiers(identifier);
    let number = match numbers.as_slice() {
        [first, curve, ..] if *first == CURVE_FOLLOWS => curve,
        [first, ..] => first,
        [] => return "an algorithm without a name".to_owned(),
    };
    let number = dotted(number);
    ALGORITHMS.of(&number).map_or_else(|| format!("the algorithm {number}"), str::to_owned)
}

/// The object identifiers at the beginning.
fn object_identifiers(mut der: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let [0x06, length, rest @ ..] = der {
        let Some((number, behind)) = rest.split_at_checked(usize::from(*length)) else { break };
        found.push(number);
        der = behind;
    }
    found
}

fn dotted(number: &[u8]) -> String {
    let (mut arcs, mut arc) = (Vec::new(), 0_u64);
    for byte in number {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(std::mem::take(&mut arc));
        }
    }
    // The first two arcs share a number.
    let top = arcs.first().map_or(0, |first| first / 40).min(2);
    let second = arcs.first().map_or(0, |first| first - top * 40);
    let arcs = [top, second].into_iter().chain(arcs.into_iter().skip(1));
    arcs.map(|arc| arc.to_string()).collect::<Vec<_>>().join(".")
}

fn at(time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "far in the future".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests;
