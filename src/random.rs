//! Random numbers from the system.

use std::io;

use ring::rand::{SecureRandom, SystemRandom};

/// Random bytes.
///
/// # Errors
///
/// A sandbox may keep the system's from the program.
pub fn try_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(bytes)
}

/// The same where nothing sensible could be done without them.
///
/// # Panics
///
/// Where the system gives none.
pub fn bytes<const N: usize>() -> [u8; N] {
    try_bytes().expect("the system gives random numbers")
}
