//! What the certificates that a server showed say of themselves, for people who want to know whom its chain ends in. Nothing
//! is decided by it: whether a certificate is good was judged before.

use std::fmt;
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

/// How a server's chain goes, as far as this machine sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The server's own certificate, who signed that, and so on.
    pub links: Vec<Link>,
    /// Where this machine has the last one from, if it is one whom it trusts.
    pub root_from: Option<String>,
    /// Who signed the last one.
    pub signer: String,
}

/// A certificate of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub until: Option<Timestamp>,
}

/// Certificates that are trusted, and where they are from.
pub(crate) type Trusted = Vec<(String, Certificates)>;

impl Chain {
    /// The chain of the certificates that a server showed, its own one first, in what is trusted.
    pub(crate) fn of(shown: &[CertificateDer<'static>], trusted: &Trusted) -> Self {
        let mut rest: Vec<Parsed> = shown.iter().filter_map(|certificate| parse(certificate)).collect();
        let mut links = Vec::new();
        let Some(mut last) = (!rest.is_empty()).then(|| rest.remove(0)) else {
            return Self { links, root_from: None, signer: String::new() };
        };
        let holds = |(_, roots): &&(String, Certificates)| shown.first().is_some_and(|own| roots.contains(own));
        let mut root_from = trusted.iter().find(holds).map(|(place, _)| place.clone());
        while root_from.is_none() {
            if let Some((place, root)) = root_of(&last, trusted) {
                links.push(std::mem::replace(&mut last, root).link());
                root_from = Some(place.to_owned());
            } else if let Some(next) = rest.iter().position(|other| other.subject == last.issuer) {
                links.push(std::mem::replace(&mut last, rest.remove(next)).link());
            } else {
                break;
            }
        }
        let signer = name(&last.issuer);
        links.push(last.link());
        Self { links, root_from, signer }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.root_from, self.links.last()) {
            (Some(place), Some(root)) => write!(f, "its chain ends in {}, from {place}", root.name)?,
            _ => write!(f, "signed by {}, whom this system trusts", self.signer)?,
        }
        for (number, link) in self.links.iter().enumerate() {
            let Some(until) = link.until.map(|until| until.strftime("%Y-%m-%d")) else { continue };
            match number {
                0 => write!(f, "; its certificate ends on {until}")?,
                _ => write!(f, ", {} on {until}", link.name)?,
            }
        }
        Ok(())
    }
}

/// The certificate of who signed this one, if that one is trusted. Of several with that name the last to end is meant.
fn root_of<'a>(certificate: &Parsed, trusted: &'a Trusted) -> Option<(&'a str, Parsed)> {
    let of_place = |(place, roots): &'a (String, Certificates)| {
        let named = roots.iter().filter_map(|root| parse(root)).filter(|root| root.subject == certificate.issuer);
        Some((place.as_str(), named.max_by_key(|root| root.until)?))
    };
    trusted.iter().find_map(of_place)
}

/// Of certificates that were refused: from when until when the first one is good, and who signed the last one.
pub(crate) fn words_of_shown(shown: &[CertificateDer<'static>]) -> Option<String> {
    let parsed = |certificate: &CertificateDer<'static>| parse(certificate);
    let (first, last) = (shown.first().and_then(parsed)?, shown.last().and_then(parsed)?);
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let times = first.since.zip(first.until);
    let good = times.map(|(since, until)| format!("good from {} to {} and ", day(since), day(until)));
    Some(format!("its certificate is {}signed by {}", good.unwrap_or_default(), name(&last.issuer)))
}

/// Whom this machine trusts, with what is `added` by a file.
pub(crate) fn trusted(added: Option<&Path>) -> Trusted {
    let added =
        added.and_then(|file| Some((format!("`--ca-cert` {}", file.display()), certificates::in_file(file).ok()?)));
    let others = match instead_of_the_systems() {
        Ok(Some(named)) => ("`SSL_CERT_FILE` or `SSL_CERT_DIR`".to_owned(), named),
        _ => ("the system's list".to_owned(), the_systems()),
    };
    added.into_iter().chain([others]).collect()
}

/// The same where the certificates of one file alone are.
#[cfg(feature = "postgres")]
pub(crate) fn trusted_only(file: &Path) -> Trusted {
    vec![(file.display().to_string(), certificates::in_file(file).unwrap_or_default())]
}

/// What is read of a certificate (RFC 5280 §4.1).
struct Parsed {
    /// Names as they are encoded.
    issuer: Vec<u8>,
    subject: Vec<u8>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Parsed {
    fn link(self) -> Link {
        Link { name: name(&self.subject), until: self.until }
    }
}

fn parse(certificate: &[u8]) -> Option<Parsed> {
    let mut fields = structures(contents(first_structure(contents(certificate)?)?)?);
    // The version may be left out; the serial number and the algorithm follow.
    let first = fields.next()?;
    let skipped = if first.first() == Some(&CONTEXT_0) { 2 } else { 1 };
    let issuer = fields.nth(skipped)?.to_vec();
    let mut times = structures(contents(fields.next()?)?).map(time);
    let (since, until) = (times.next().flatten(), times.next().flatten());
    Some(Parsed { issuer, subject: fields.next()?.to_vec(), since, until })
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
    use rustls::pki_types::CertificateDer;

    use super::{Chain, parse, trusted, words_of_shown};

    type Signed = (CertificateDer<'static>, Issuer<'static, KeyPair>);

    /// A certificate of this name that ends in this year, signed by `issuer` or by itself.
    fn certificate(name: &str, year: i32, issuer: Option<&Signed>) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, "Lab");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(year, 2, 3));
        let signed = match issuer {
            Some((_, issuer)) => params.signed_by(&key, issuer),
            None => params.self_signed(&key),
        };
        (signed.expect("a certificate").der().clone(), Issuer::new(params, key))
    }

    #[test]
    fn a_chain_is_followed_to_whom_this_machine_trusts() {
        let root = certificate("root", 2040, None);
        let older = certificate("root", 2030, None);
        let middle = certificate("middle", 2035, Some(&root));
        let own = certificate("own", 2028, Some(&middle));
        let stranger = certificate("stranger", 2050, None);
        // Signed crosswise: one goes round for ever by the names alone.
        let round = (certificate("middle", 2036, Some(&own)), certificate("own", 2029, Some(&middle)));
        let trusted = [&older, &root].map(|(certificate, _)| certificate.clone()).to_vec();
        let ends = "its certificate ends on 2028-02-03";
        for (shown, trusts, words) in [
            (vec![&own, &middle], true, format!("its chain ends in \"root\", from here; {ends}, \"middle\" on 2035-02-03, \"root\" on 2040-02-03")),
            (vec![&own, &stranger, &middle, &root], true, format!("its chain ends in \"root\", from here; {ends}, \"middle\" on 2035-02-03, \"root\" on 2040-02-03")),
            (vec![&own, &middle], false, format!("signed by \"root\", whom this system trusts; {ends}, \"middle\" on 2035-02-03")),
            (vec![&own], true, format!("signed by \"middle\", whom this system trusts; {ends}")),
            (vec![&root], true, "its chain ends in \"root\", from here; its certificate ends on 2040-02-03".to_owned()),
            (vec![&round.1, &round.0], true, "signed by \"own\", whom this system trusts; its certificate ends on 2029-02-03, \"middle\" on 2036-02-03".to_owned()),
        ] {
            let shown: Vec<_> = shown.into_iter().map(|(certificate, _)| certificate.clone()).collect();
            let trusted = if trusts { vec![("here".to_owned(), trusted.clone())] } else { Vec::new() };
            let chain = Chain::of(&shown, &trusted);
            assert_eq!(chain.to_string(), words);
            assert_eq!(chain.root_from.is_some(), words.contains("from here"), "{words}");
        }
        assert!(Chain::of(&[], &Vec::new()).links.is_empty());
        assert_eq!(
            words_of_shown(&[own.0.clone(), middle.0.clone()]).as_deref(),
            Some("its certificate is good from 2020-01-01 to 2028-02-03 and signed by \"root\"")
        );
    }

    #[test]
    fn certificates_of_a_file_are_told_by_the_flag_that_names_it() {
        let key = KeyPair::generate().expect("a key");
        let root = CertificateParams::default().self_signed(&key).expect("a certificate");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(root.pem().as_bytes()).expect("it can be written");
        let chain = Chain::of(&[root.der().clone()], &trusted(Some(file.path())));
        assert_eq!(chain.root_from, Some(format!("`--ca-cert` {}", file.path().display())));
        assert_eq!(Chain::of(&[root.der().clone()], &trusted(None)).root_from, None);
    }

    #[test]
    fn what_is_cut_off_is_no_certificate() {
        let (whole, _) = certificate("own", 2028, None);
        for cut in 0..whole.len() {
            let cut = CertificateDer::from(whole[..cut].to_vec());
            let chain = Chain::of(std::slice::from_ref(&cut), &Vec::new());
            assert!(chain.links.len() <= 1 && words_of_shown(&[cut]).is_none_or(|words| words.contains("signed by")));
        }
        assert!(parse(&whole).is_some());
    }
}
