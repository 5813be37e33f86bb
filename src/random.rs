//! Random numbers from the system.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io;

use ring::rand::{SecureRandom, SystemRandom};

/// The system keeps its random numbers from this program, as a sandbox may have it.
#[derive(Debug)]
pub struct NoRandomNumbers;

impl Display for NoRandomNumbers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the system gives no random numbers")
    }
}

impl Error for NoRandomNumbers {}

/// Random bytes.
///
/// # Errors
///
/// There are none: [`NoRandomNumbers`].
pub fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other(NoRandomNumbers))?;
    Ok(bytes)
}
