//! Secrets in files: client secrets and the store's address, as the configuration names them, and what a person gives once.

use std::path::Path;

use zeroize::Zeroizing;

use super::unusable_file;
use crate::error::{Code, Error};
use crate::files::access::Holds;
use crate::files::{self, Trouble, own};
use crate::registered::is_client_secret;
use crate::secret::Secret;
use crate::shell;

/// Bytes; longer text is no client secret.
pub const LONGEST_SECRET: u32 = 64 * 1024;

/// Reads the client secret that the configuration names. Only a file holds it still: a pipe would be waited for, and
/// be empty the next time.
pub fn read_secret_file(path: &Path) -> Result<Secret, Error> {
    read_secret(path, files::read_own_text(path, Holds::Secrets, LONGEST_SECRET)).map(|(secret, _)| secret)
}

/// Reads a client secret once, from a file or from a pipe that a shell has put in its place. Gives as well what is to be
/// said of the file.
pub fn read_given_secret(path: &Path) -> Result<(Secret, Option<String>), Error> {
    let (secret, is_exposed) = read_secret(path, files::read_given_text(path, LONGEST_SECRET))?;
    Ok((secret, is_exposed.then(|| exposure(path))))
}

/// Reads the address of the store, which may have a password in it, from the file that the configuration names.
pub(super) fn read_store_url(path: &Path) -> Result<Secret, Error> {
    let read = files::read_own_text(path, Holds::Secrets, LONGEST_SECRET);
    let what = || format!("the address of the store in {} cannot be used", path.display());
    let (text, _) = read.map_err(|trouble| unusable_file(what(), path, &trouble))?;
    Ok(Secret::new(text.trim_start_matches('\u{feff}').trim()))
}

/// What is to be said of a file that others can read, although a secret was taken from it.
pub fn exposure(path: &Path) -> String {
    let advice = if own::is_users(path) {
        format!("delete it, or run `{}`", shell::on("chmod 600", path))
    } else {
        "give secrets by a file that only you can read, or by stdin".to_owned()
    };
    format!("others on this machine can read {}: {advice}", path.display())
}

/// One line, without blanks around it.
fn read_secret(path: &Path, read: Result<(Zeroizing<String>, bool), Trouble>) -> Result<(Secret, bool), Error> {
    let what = || format!("the client secret in {} cannot be used", path.display());
    let (text, is_exposed) = read.map_err(|trouble| unusable_file(what(), path, &trouble))?;
    let secret = Secret::new(text.trim_start_matches('\u{feff}').trim());
    if !is_client_secret(secret.expose()) {
        return Err(Error::new(Code::Config, what())
            .because("it is empty or not one line of printable characters")
            .advise("put the secret into it, on one line, and nothing else"));
    }
    Ok((secret, is_exposed))
}
