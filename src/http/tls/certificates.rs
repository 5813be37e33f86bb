//! Reads certificates out of files as people have them: PEM with whatever stands around it, and DER.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::files::access::{self, Holds};
use crate::files::{self, Trouble};
use crate::http::decode;
use crate::sorted;

/// Bytes; the lists of whole systems have some hundred thousand.
const LONGEST_FILE: u32 = 16 * 1024 * 1024;

/// What comes before the tag and the length of every structure that a certificate could be in.
const SEQUENCE: u8 = 0x30;
/// 1.2.840.113549.1.7.2, `signedData`: what a PKCS#7 file begins with behind two lengths.
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const JAVA_KEY_STORE: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) type Certificates = Vec<CertificateDer<'static>>;

/// All certificates in a file; each of them has to be one. The error is a clause about the file.
pub(crate) fn in_file(path: &Path) -> Result<Certificates, String> {
    let certificates = in_content(&content(path)?)?;
    if certificates.iter().all(is_usable) { Ok(certificates) } else { Err(DAMAGED.to_owned()) }
}

/// The same, where others find out whether they can be used.
#[cfg(feature = "postgres")]
pub(crate) fn in_any(path: &Path) -> Result<Certificates, String> {
    in_content(&content(path)?)
}

/// The certificates in a list of a whole system, where one that cannot be used disturbs nobody.
pub(super) fn in_list(path: &Path) -> Result<Certificates, String> {
    let usable: Certificates = in_content(&content(path)?)?.into_iter().filter(is_usable).collect();
    if usable.is_empty() { Err(DAMAGED.to_owned()) } else { Ok(usable) }
}

/// The certificates in the directories of a variable; files of other kinds may lie beside them.
pub(super) fn in_directories(directories: &OsStr) -> Result<Certificates, String> {
    let mut certificates = Certificates::new();
    for directory in env::split_paths(directories) {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        access::check_directory(&directory).map_err(|trouble| {
            let (cause, advice) = (trouble.cause(&directory), trouble.advice());
            format!("names {}, which cannot be used: {cause}; {advice}", directory.display())
        })?;
        let mut paths: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        sorted::by(&mut paths, Ord::cmp);
        certificates.extend(paths.iter().filter_map(|path| in_list(path).ok()).flatten());
    }
    // Most have a second name there, the hash of their subject.
    sorted::by(&mut certificates, |one, other| one.as_ref().cmp(other.as_ref()));
    certificates.dedup();
    if certificates.is_empty() { Err("names no directory with certificates".to_owned()) } else { Ok(certificates) }
}

const DAMAGED: &str = "holds a certificate that is damaged";

fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// Whoever could write the file could read what is sent.
fn content(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let read = files::read_own(path, Holds::Settings, LONGEST_FILE);
    let refused = |trouble: Trouble| format!("cannot be used: {}; {}", trouble.cause(path), trouble.advice());
    read.map(|(content, _)| content).map_err(refused)
}

fn in_content(content: &[u8]) -> Result<Certificates, String> {
    if content.is_empty() {
        return Err("is empty".to_owned());
    }
    if content.starts_with(&JAVA_KEY_STORE) {
        return Err("is a Java key store; `keytool -exportcert -rfc` writes a certificate of it as PEM".to_owned());
    }
    if content.starts_with(&[SEQUENCE]) && first_structure(content).is_some() {
        return in_der(content).map(|certificate| vec![certificate]);
    }
    let text = decode::text(content);
    let mut certificates = Certificates::new();
    let mut other = None;
    for (label, body) in sections(&text) {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                let der = BASE64.decode(body.trim_end_matches('=')).map_err(|_| DAMAGED)?;
                certificates.push(in_der(&der)?);
            }
            _ => other = Some(label.to_owned()),
        }
    }
    if !certificates.is_empty() {
        return Ok(certificates);
    }
    let is = match other.as_deref() {
        None if text.trim().is_empty() => "is empty",
        None if text.contains("-----BEGIN CERTIFICATE") => "holds no certificate that is whole",
        Some(label) if label.ends_with("PRIVATE KEY") => {
            "holds a private key and no certificate; name the file with the certificate"
        }
        Some(label) if label.ends_with("PUBLIC KEY") => "holds a public key and no certificate",
        Some(label) if label.ends_with("REQUEST") => "holds a request for a certificate, which nobody has signed yet",
        Some("X509 CRL") => "holds a list of revoked certificates and no certificate",
        Some("PKCS7" | "CMS" | "PKCS #7 SIGNED DATA") => PKCS7,
        _ => "holds no certificate in PEM or DER",
    };
    Err(is.to_owned())
}

const PKCS7: &str = "is a PKCS#7 file; `openssl pkcs7 -print_certs` writes the certificates in it as PEM";

/// The sections between `-----BEGIN LABEL-----` and its end, whatever stands around them: as label and base64.
fn sections(text: &str) -> Vec<(&str, String)> {
    let is_edge = |line: &str, word: &str| line.starts_with(word) && line.ends_with("-----");
    let (mut sections, mut open) = (Vec::new(), None);
    for line in text.lines().map(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')) {
        if is_edge(line, "-----BEGIN ") {
            open = Some((line.trim_start_matches("-----BEGIN ").trim_end_matches('-').trim(), String::new()));
        } else if is_edge(line, "-----END ") {
            sections.extend(open.take());
        } else if let Some((_, body)) = &mut open {
            body.extend(line.chars().filter(|c| !c.is_whitespace()));
        }
    }
    sections
}

/// The first structure in `der`, which has to be a certificate. What OpenSSL says about trust may stand behind it.
fn in_der(der: &[u8]) -> Result<CertificateDer<'static>, String> {
    let structure = first_structure(der).filter(|structure| structure.starts_with(&[SEQUENCE])).ok_or(DAMAGED)?;
    if der[..der.len().min(40)].windows(SIGNED_DATA.len()).any(|part| part == SIGNED_DATA) {
        return Err(PKCS7.to_owned());
    }
    // The version of PKCS#12, 3, where a certificate has what is signed.
    if contents(structure).is_some_and(|contents| contents.starts_with(&[0x02, 0x01, 0x03])) {
        return Err("is a PKCS#12 file; `openssl pkcs12 -nokeys` writes the certificates in it as PEM".to_owned());
    }
    Ok(CertificateDer::from(structure.to_vec()))
}

/// The first structure with its tag and length, if it is whole.
pub(super) fn first_structure(der: &[u8]) -> Option<&[u8]> {
    let (head, length) = head_and_length(der)?;
    der.get(..head.checked_add(length)?)
}

pub(super) fn contents(structure: &[u8]) -> Option<&[u8]> {
    structure.get(head_and_length(structure)?.0..)
}

fn head_and_length(der: &[u8]) -> Option<(usize, usize)> {
    let first = *der.get(1)?;
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    let digits = usize::from(first & 0x7f);
    let length = der.get(2..2 + digits).filter(|_| (1..=4).contains(&digits))?;
    Some((2 + digits, length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))))
}

#[cfg(test)]
mod tests;
