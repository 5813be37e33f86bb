//! Files that people name for something to be written into: one rule for those that cannot be written. Where nothing can be
//! begun, it is a mistake of whoever has named the file, as any other in the arguments; what goes wrong later is none.

use std::io;
use std::path::Path;

use crate::error::{Code, Error};
use crate::files::{Replacement, Trouble};

/// Why a file is not there: the sentence without its cause, and the file.
pub(super) struct Unwritten<'a> {
    pub(super) what: String,
    pub(super) file: &'a Path,
}

impl Unwritten<'_> {
    pub(super) fn not_begun(&self, trouble: impl Into<Trouble>) -> Error {
        self.error(Code::Usage, &trouble.into())
    }

    /// Writes a file that has begun, if it has.
    pub(super) fn unless_written(&self, begun: io::Result<Replacement>, bytes: &[u8]) -> Result<(), Error> {
        let begun = begun.map_err(|error| self.not_begun(error))?;
        begun.finish_with(bytes).map_err(|error| self.error(Code::Other, &error.into()))
    }

    fn error(&self, code: Code, trouble: &Trouble) -> Error {
        Error::new(code, &self.what).because(trouble.cause(self.file)).advise(trouble.advice())
    }
}
