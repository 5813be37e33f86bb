//! Stands beside a program until it ends, on systems that have no signals.

use std::io;
use std::process::Child;

pub(super) struct Attendant;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended(u8);

impl Ended {
    pub(super) fn code(self) -> u8 {
        self.0
    }
}

impl Attendant {
    #[expect(clippy::unnecessary_wraps, reason = "has the shape of its counterpart")]
    pub(super) fn begin() -> io::Result<Self> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "has the shape of its counterpart")]
    pub(super) fn attend<A>(
        self,
        child: &mut Child,
        _rest: impl Fn(),
        _alone: impl Fn() -> Option<A>,
    ) -> io::Result<Ended> {
        let code = child.wait()?.code().unwrap_or(1);
        Ok(Ended(u8::try_from(code).unwrap_or(u8::MAX)))
    }
}
