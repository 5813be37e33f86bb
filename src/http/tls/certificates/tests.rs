use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{in_content, is_usable};

/// A certificate as DER, and the same as PEM.
fn certificate() -> (Vec<u8>, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let made =
        rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name").self_signed(&key).expect("made");
    (made.der().to_vec(), made.pem())
}

fn relabelled(pem: &str, label: &str) -> String {
    pem.replace("CERTIFICATE", label)
}

#[test]
fn certificates_are_found_in_every_dress() {
    let (der, pem) = certificate();
    // What OpenSSL says about trust stands behind the certificate.
    let trusted = BASE64_STANDARD.encode([der.as_slice(), &[0x30, 0x03, 0x0c, 0x01, 0x61]].concat());
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(pem.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let bytes = |text: String| text.into_bytes();
    for (what, content, count) in [
        ("PEM", bytes(pem.clone()), 1),
        ("DER", der.clone(), 1),
        ("a byte order mark", bytes(format!("\u{feff}{pem}")), 1),
        ("UTF-16, as PowerShell writes", utf16, 1),
        ("lines of Windows", bytes(pem.replace("\r\n", "\n").replace('\n', "\r\n")), 1),
        ("indented, as in YAML", bytes(format!("    {}", pem.replace('\n', "  \n    "))), 1),
        ("no last line end", bytes(pem.trim_end().to_owned()), 1),
        ("text around", bytes(format!("subject=CN=x\n\n{pem}\nissuer\n")), 1),
        ("several", bytes(format!("{pem}# the next one\n\u{feff}{pem}{pem}")), 3),
        ("an old label", bytes(relabelled(&pem, "X509 CERTIFICATE")), 1),
        (
            "with trust",
            bytes(format!("-----BEGIN TRUSTED CERTIFICATE-----\n{trusted}\n-----END TRUSTED CERTIFICATE-----\n")),
            1,
        ),
        ("beside a key", bytes(format!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n{pem}")), 1),
    ] {
        let found = in_content(&content).unwrap_or_else(|problem| panic!("{what}: {problem}"));
        assert!(found.len() == count && found.iter().all(|found| **found == *der && is_usable(found)), "{what}");
    }
}

#[test]
fn what_holds_no_certificate_is_told_by_what_it_is() {
    let (der, pem) = certificate();
    let section = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n").into_bytes();
    let signed_data = [&[0x30, 0x0f][..], &super::SIGNED_DATA, &[0xa0, 0x02, 0x30, 0x00]].concat();
    for (content, words) in [
        (Vec::new(), "is empty"),
        (b" \r\n\n".to_vec(), "is empty"),
        (b"hello".to_vec(), "holds no certificate"),
        (vec![0; 100], "holds no certificate"),
        (section("PRIVATE KEY"), "a private key and no certificate"),
        (section("EC PRIVATE KEY"), "a private key and no certificate"),
        (section("ENCRYPTED PRIVATE KEY"), "a private key and no certificate"),
        (section("OPENSSH PRIVATE KEY"), "a private key and no certificate"),
        (section("PUBLIC KEY"), "a public key and no certificate"),
        (section("CERTIFICATE REQUEST"), "nobody has signed yet"),
        (section("NEW CERTIFICATE REQUEST"), "nobody has signed yet"),
        (section("X509 CRL"), "revoked certificates"),
        (section("PKCS7"), "openssl pkcs7 -print_certs"),
        (section("SOMETHING"), "holds no certificate"),
        (section("CERTIFICATE"), "is damaged"),
        (b"-----BEGIN CERTIFICATE-----\n<html>\n-----END CERTIFICATE-----\n".to_vec(), "is damaged"),
        (pem.as_bytes()[..pem.len() / 2].to_vec(), "holds no certificate that is whole"),
        (der[..der.len() / 2].to_vec(), "holds no certificate"),
        (signed_data, "openssl pkcs7 -print_certs"),
        (vec![0x30, 0x05, 0x02, 0x01, 0x03, 0x30, 0x00], "openssl pkcs12 -nokeys"),
        (vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], "Java key store"),
    ] {
        let shown = String::from_utf8_lossy(&content[..content.len().min(40)]).into_owned();
        let problem = in_content(&content).err().unwrap_or_else(|| panic!("{shown:?} is taken"));
        assert!(problem.contains(words), "{shown:?}: {problem}");
    }
}
