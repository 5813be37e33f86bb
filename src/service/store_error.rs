//! What a person is told where the store could not be used, and what helps.

use crate::error::{Advice, Code, Error};
use crate::files;
use crate::shell;
use crate::storage::StoreError;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let (code, advice) = match &error {
            StoreError::Locked { .. } => (Code::StoreLocked, "wait for that process, or end it".into()),
            StoreError::Address { .. } => {
                (Code::Usage, "use `file:DIR`, `plain:DIR`, `postgres://USER@HOST/DATABASE` or `memory:`".into())
            }
            StoreError::Io { source, advice, .. } => {
                let is_passing = files::is_out_of_descriptors(source);
                (if is_passing { Code::StoreUnavailable } else { Code::Store }, advice.clone())
            }
            StoreError::KeyUnavailable(_) => (
                Code::Store,
                "bring the key back, or set or correct what says where it is: `DEVICE_LOGIN_KEY_FILE`, \
                 `DEVICE_LOGIN_PASSPHRASE_FILE` or `key_command`; the records stay as they are until then"
                    .into(),
            ),
            StoreError::KeyNotMade { .. } => (
                Code::Store,
                "make one elsewhere, `(umask 077; openssl rand -hex 32 > FILE)`, and name it by `DEVICE_LOGIN_KEY_FILE`".into(),
            ),
            StoreError::Moved { profile, to, on } => {
                let variable = shell::word(to);
                let named = format!("`store = {to:?}` in the configuration, or `DEVICE_LOGIN_STORE={variable}`");
                let advice = match on {
                    Some(machine) => format!("use that store on {machine}; it is a directory of that machine"),
                    None if to.starts_with("postgres") => {
                        format!("use that store: {named}, with its password where it wants one")
                    }
                    None => format!("use that store: {named}"),
                };
                let lost = Advice::Forget(profile.clone()).after(format!("{advice}; where it is lost for good, "));
                (Code::Store, lost.and(" and sign in anew"))
            }
            StoreError::Spent { profile, .. } => {
                let sign_in = Advice::SignIn(profile.clone());
                return Error::new(Code::SignInNeeded, error.to_string()).advise(sign_in);
            }
            StoreError::Corrupt { profile: Some(profile), .. } => (
                Code::Store,
                Advice::RemoveAnyway(profile.clone())
                    .after("restore it from a backup; or sign in again, which sets it aside; or "),
            ),
            StoreError::Corrupt { profile: None, .. } => (Code::Store, "restore it from a backup".into()),
            StoreError::Newer { .. } => (Code::Store, "update this program; the record stays as it is".into()),
            StoreError::Database { advice, is_away: true, .. } => (Code::StoreUnavailable, advice.clone()),
            StoreError::Unsafe { advice, .. }
            | StoreError::NotPossible { advice, .. }
            | StoreError::Database { advice, .. } => (Code::Store, advice.clone()),
        };
        Error { sources: error.sources(), ..Error::new(code, "the store cannot be used") }.advise(advice)
    }
}
