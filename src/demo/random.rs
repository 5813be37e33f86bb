//! Random identifiers in the shapes that Zoho gives them.

/// No vowels, so that no code spells a word (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const DIGITS: &[u8; 10] = b"0123456789";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A token or device code: the prefix and twice 32 hexadecimal digits.
pub(super) fn token(prefix: &str) -> String {
    format!("{prefix}.{}.{}", hex(), hex())
}

/// 32 hexadecimal digits.
pub(super) fn hex() -> String {
    pick::<32>(HEX)
}

/// A client id like those of Zoho's console.
pub(super) fn client_id() -> String {
    format!("1000.{}", pick::<30>(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
}

/// Four letters, a dash, four digits.
pub(super) fn user_code() -> String {
    format!("{}-{}", pick::<4>(LETTERS), pick::<4>(DIGITS))
}

/// The eight letters that stand for a user code in an address.
pub(super) fn link_code() -> String {
    pick::<8>(LETTERS)
}

fn pick<const LENGTH: usize>(alphabet: &[u8]) -> String {
    // Sixteen bits for each character make the bias of the remainder too small to matter. The demo does not start where there are none.
    let numbers: [[u8; 2]; LENGTH] = std::array::from_fn(|_| crate::random::bytes().unwrap_or_default());
    numbers.iter().map(|pair| char::from(alphabet[usize::from(u16::from_le_bytes(*pair)) % alphabet.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::{client_id, link_code, token, user_code};

    #[test]
    fn shapes_are_those_of_zoho() {
        let code = user_code();
        let (letters, digits) = code.split_once('-').expect("a dash stands between them");
        assert!(letters.len() == 4 && letters.bytes().all(|byte| byte.is_ascii_uppercase()), "{code}");
        assert!(!letters.contains(['A', 'E', 'I', 'O', 'U']), "{code}");
        assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        assert_eq!(link_code().len(), 8);
        assert_eq!(token("1000").len(), "1000.".len() + 32 + 1 + 32);
        assert_ne!(token("1000"), token("1000"));
        assert!(client_id().starts_with("1000."));
    }
}
