//! The form of a sealed file, and the key that seals it. `docs/store-format.md` shows how to open one without this
//! program.
//!
//! A sealed file is one line of JSON in clear, a newline, a 24-byte nonce, and the XChaCha20-Poly1305 ciphertext with
//! its 16-byte tag. The line without its newline is the associated data.

use std::io;

use chacha20::{R20, hchacha};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::random;
use crate::secret::Secret;

pub(super) const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;

/// The key that seals every record of a store, or another master key.
pub(super) struct MasterKey(Zeroizing<[u8; KEY_LENGTH]>);

/// The content of a sealed file does not fit its key and its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAuthentic;

impl MasterKey {
    pub(super) fn random() -> io::Result<Self> {
        random::bytes().map(Zeroizing::new).map(Self)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// Reads 64 hexadecimal digits; white space around them is let pass.
    pub(super) fn from_hex(text: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        from_hex(text.trim_ascii(), &mut *key)?;
        Some(Self(key))
    }

    /// 64 hexadecimal digits.
    pub(super) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&*self.0))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// A short name of the key that does not give it away: half of the tag of an empty text under a nonce of zeros.
    pub(super) fn id(&self) -> String {
        let (key, nonce) = self.for_one(&[0; NONCE_LENGTH]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(b"device-login key id"), &mut []);
        hex(&tag.expect("no text is not too long").as_ref()[..TAG_LENGTH / 2])
    }

    /// The file that holds `text` under `first_line`.
    pub(super) fn seal(&self, first_line: &str, text: &[u8]) -> io::Result<Vec<u8>> {
        let random_nonce = random::bytes::<NONCE_LENGTH>()?;
        let text_start = first_line.len() + 1 + NONCE_LENGTH;
        // Encrypted in place, so the buffer must not move while it holds the text.
        let mut file = Vec::with_capacity(text_start + text.len() + TAG_LENGTH);
        file.extend_from_slice(first_line.as_bytes());
        file.push(b'\n');
        file.extend_from_slice(&random_nonce);
        file.extend_from_slice(text);
        let (key, nonce) = self.for_one(&random_nonce);
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(first_line.as_bytes()), &mut file[text_start..])
            .map_err(|_| io::Error::other("the record is too long to be sealed"))?;
        file.extend_from_slice(tag.as_ref());
        Ok(file)
    }

    /// Opens what follows the first line, in place, and returns the text within `sealed`. What is not authentic is lost.
    pub(super) fn open<'a>(&self, first_line: &[u8], sealed: &'a mut [u8]) -> Result<&'a [u8], NotAuthentic> {
        let (nonce, sealed) = sealed.split_first_chunk_mut::<NONCE_LENGTH>().ok_or(NotAuthentic)?;
        let (key, nonce) = self.for_one(nonce);
        let opened = key.open_in_place(nonce, Aad::from(first_line), sealed);
        opened.map(|text| &*text).map_err(|_| NotAuthentic)
    }

    /// The key and the nonce of ChaCha20-Poly1305 for one long nonce (draft-irtf-cfrg-xchacha-03 §2.3): the key is made of the
    /// first two thirds, and the rest follows four zeros.
    fn for_one(&self, nonce: &[u8; NONCE_LENGTH]) -> (LessSafeKey, Nonce) {
        let (first, rest) = nonce.split_at(NONCE_LENGTH - 8);
        let first = first.try_into().expect("two thirds are sixteen bytes");
        let key: Zeroizing<[u8; KEY_LENGTH]> = Zeroizing::new(hchacha::<R20>((&*self.0).into(), first).into());
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).expect("a key has as many bytes as it needs");
        let mut short = [0; 12];
        short[4..].copy_from_slice(rest);
        (LessSafeKey::new(key), Nonce::assume_unique_for_key(short))
    }
}

/// Splits a file at its first newline into the line in clear and the rest.
pub(super) fn split_first_line(file: &mut [u8]) -> Option<(&[u8], &mut [u8])> {
    let end = file.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = file.split_at_mut(end);
    Some((line, &mut rest[1..]))
}

/// Whether JSON names a format above `known`, whatever else it holds.
pub(super) fn is_newer(json: &[u8], known: u32) -> bool {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    serde_json::from_slice::<Format>(json).is_ok_and(|line| line.format > known)
}

/// By which one secret is told from another.
pub(crate) fn digest_of(secret: &Secret) -> u64 {
    u64::from_be_bytes(digest(secret.expose().as_bytes()))
}

/// The first bytes of the SHA-256 of `bytes`: enough to tell a few things apart, and nothing of what they are.
pub(super) fn digest<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let whole = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut first = [0; N];
    first.iter_mut().zip(whole.as_ref()).for_each(|(to, from)| *to = *from);
    first
}

/// A short name for what these bytes say, enough to tell the stores or the clients of one user apart.
pub(super) fn id(bytes: &[u8]) -> String {
    hex(&digest::<8>(bytes))
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
    text
}

/// Fills `bytes` from exactly as many pairs of hexadecimal digits.
pub(super) fn from_hex(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(char::from(*high).to_digit(16)? << 4 | char::from(*low).to_digit(16)?).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{MasterKey, NotAuthentic, from_hex, hex, split_first_line};

    const KEY: &[u8] = b"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

    fn key() -> MasterKey {
        MasterKey::from_hex(KEY).unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_shows_only_the_first_line() {
        let mut file = key().seal("{\"format\":1}", b"a token").unwrap();
        assert!(file.starts_with(b"{\"format\":1}\n"));
        assert!(!file.windows(7).any(|bytes| bytes == b"a token"));
        let (line, sealed) = split_first_line(&mut file).unwrap();
        assert_eq!(key().open(line, sealed), Ok(&b"a token"[..]));
    }

    /// Draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn opens_what_others_have_sealed() {
        let key = MasterKey::from_bytes(&(0x80..0xa0).collect::<Vec<u8>>()).unwrap();
        let first_line = unhex("50515253c0c1c2c3c4c5c6c7");
        let mut sealed = unhex(concat!(
            "404142434445464748494a4b4c4d4e4f5051525354555657",
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39",
            "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52e",
            "c0875924c1c7987947deafd8780acf49",
        ));
        let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would \
                    be it.";
        assert_eq!(key.open(&first_line, &mut sealed), Ok(text.as_bytes()));
    }

    fn unhex(digits: &str) -> Vec<u8> {
        let mut bytes = vec![0; digits.len() / 2];
        from_hex(digits.as_bytes(), &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        let file = key().seal("line", b"text").unwrap();
        for position in 0..file.len() {
            for changed in [changed_at(&file, position), file[..position].to_vec()] {
                let mut changed = changed;
                let opened = split_first_line(&mut changed).map(|(line, sealed)| key().open(line, sealed).is_ok());
                assert_ne!(opened, Some(true), "byte {position}");
            }
        }
    }

    fn changed_at(file: &[u8], position: usize) -> Vec<u8> {
        let mut file = file.to_vec();
        file[position] ^= 1;
        file
    }

    #[test]
    fn another_key_opens_nothing() {
        let mut file = key().seal("line", b"text").unwrap();
        let (line, sealed) = split_first_line(&mut file).unwrap();
        assert_eq!(MasterKey::random().unwrap().open(line, sealed), Err(NotAuthentic));
    }

    #[test]
    fn two_seals_of_one_text_share_no_nonce() {
        assert_ne!(key().seal("line", b"text").unwrap(), key().seal("line", b"text").unwrap());
    }

    #[test]
    fn the_id_of_a_key_stays_as_it_was_released() {
        assert_eq!(key().id(), "d5efb1544c895177");
    }

    #[test]
    fn keys_are_sixty_four_hexadecimal_digits() {
        assert_eq!(key().to_hex().as_bytes(), KEY.trim_ascii());
        for wrong in [&KEY[..63], b"", &[b'g'; 64], &[b'0'; 65], &[b'0'; 66]] {
            assert!(MasterKey::from_hex(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn hexadecimal_digits_come_back_as_bytes() {
        let mut bytes = [0; 4];
        assert!(from_hex(hex(&[0, 15, 16, 255]).as_bytes(), &mut bytes).is_some());
        assert_eq!(bytes, [0, 15, 16, 255]);
        assert!(from_hex(b"abc", &mut bytes).is_none());
        assert!(from_hex(b"zzzzzzzz", &mut bytes).is_none());
    }
}
