//! What the certificates that a server showed say of themselves, for people who want to know whom its chain ends in. Nothing
//! is decided by it: whether a certificate is good was judged before.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;

use super::certificates::{self, Certificates, contents, first_structure};
use super::{instead_of_the_systems, the_systems};
use crate::untrusted::Untrusted;

const CONTEXT_0: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
/// 2.5.4.3 and 2.5.4.10.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x0a];

/// How a server's chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The name of the authority that it ends in, and where this machine has that from.
    pub(crate) root: Option<(String, String)>,
    /// Who signed the last certificate that was shown.
    pub(crate) signer: String,
    /// When the server's own certificate ends.
    pub(crate) until: Option<Timestamp>,
}

/// How the chain ends in what this machine trusts, with what is `added` by a file.
pub(crate) fn end_of(shown: &[CertificateDer<'static>], added: Option<&Path>) -> End {
    let parsed: Vec<Parsed> = shown.iter().filter_map(|certificate| parse(certificate)).collect();
    let ends_in = |root: &CertificateDer<'static>| {
        let subject = parse(root)?.subject;
        let is_issuer = parsed.iter().any(|certificate| certificate.issuer == subject);
        (is_issuer || shown.contains(root)).then(|| name(&subject))
    };
    let root = authorities(added).into_iter().find_map(|(place, roots)| Some((roots.iter().find_map(ends_in)?, place)));
    End {
        root,
        signer: parsed.last().map(|last| name(&last.issuer)).unwrap_or_default(),
        until: parsed.first().and_then(|first| first.until),
    }
}

/// Who signed the last certificate that was shown.
pub(crate) fn signer(shown: &[CertificateDer<'static>]) -> Option<String> {
    shown.last().and_then(|last| parse(last)).map(|last| name(&last.issuer))
}

/// Whom this machine trusts, and from where.
fn authorities(added: Option<&Path>) -> Vec<(String, Certificates)> {
    let added =
        added.and_then(|file| Some((format!("`--ca-cert` {}", file.display()), certificates::in_file(file).ok()?)));
    let others = match instead_of_the_systems() {
        Ok(Some(named)) => ("`SSL_CERT_FILE` or `SSL_CERT_DIR`".to_owned(), named),
        _ => ("the system's list".to_owned(), the_systems()),
    };
    added.into_iter().chain([others]).collect()
}

/// What is read of a certificate (RFC 5280 §4.1).
struct Parsed {
    /// Names as they are encoded.
    issuer: Vec<u8>,
    subject: Vec<u8>,
    until: Option<Timestamp>,
}

fn parse(certificate: &[u8]) -> Option<Parsed> {
    let mut fields = structures(contents(first_structure(contents(certificate)?)?)?);
    // The version may be left out; the serial number and the algorithm follow.
    let first = fields.next()?;
    let skipped = if first.first() == Some(&CONTEXT_0) { 2 } else { 1 };
    let issuer = fields.nth(skipped)?.to_vec();
    let until = structures(contents(fields.next()?)?).nth(1).and_then(time);
    Some(Parsed { issuer, subject: fields.next()?.to_vec(), until })
}

/// The structures that follow one another.
fn structures(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let structure = first_structure(rest)?;
        rest = &rest[structure.len()..];
        Some(structure)
    })
}

fn time(structure: &[u8]) -> Option<Timestamp> {
    let digits = std::str::from_utf8(contents(structure)?).ok()?;
    let digits = if structure.first() == Some(&UTC_TIME) {
        let century = if digits.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" };
        format!("{century}{digits}")
    } else {
        digits.to_owned()
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", &digits).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

/// The name for people: what it is called, else the organization.
fn name(encoded: &[u8]) -> String {
    let sets = || contents(encoded).into_iter().flat_map(structures).filter_map(contents);
    let pairs = || sets().flat_map(structures).filter_map(contents);
    let of = |kind: &[u8]| pairs().filter_map(|pair| contents(pair.strip_prefix(kind)?)).last();
    let bytes = of(&COMMON_NAME).or_else(|| of(&ORGANIZATION)).unwrap_or_default();
    let name = Untrusted::new(String::from_utf8_lossy(bytes)).line();
    if name.is_empty() { "an authority without a name".to_owned() } else { format!("\"{name}\"") }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::{end_of, name, parse, signer};

    #[test]
    fn a_chain_ends_in_the_authority_that_signed_it() {
        let key = || KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, "Lab");
        params.distinguished_name.push(DnType::CommonName, "Lab root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_key = key();
        let root = params.self_signed(&root_key).expect("a certificate");
        let issuer = Issuer::new(params, root_key);
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_after = date_time_ymd(2040, 2, 3);
        let leaf = params.signed_by(&key(), &issuer).expect("a certificate");
        let parsed = parse(leaf.der()).expect("it is one");
        assert_eq!(name(&parsed.issuer), "\"Lab root\"");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(root.pem().as_bytes()).expect("it can be written");
        let end = end_of(&[leaf.der().clone()], Some(file.path()));
        let (root_name, place) = end.root.expect("it is trusted");
        assert!(root_name == "\"Lab root\"" && place.starts_with("`--ca-cert`"), "{root_name} {place}");
        assert_eq!(end.until.map(|until| until.to_string()).as_deref(), Some("2040-02-03T00:00:00Z"));
        assert_eq!(end_of(&[leaf.der().clone()], None).root, None);
        assert_eq!(signer(&[leaf.der().clone()]).as_deref(), Some("\"Lab root\""));
        for cut in 0..leaf.der().len() {
            let _ = parse(&leaf.der()[..cut]).map(|parsed| name(&parsed.subject));
        }
    }
}
