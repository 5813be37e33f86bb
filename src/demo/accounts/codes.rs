//! Device codes: their life, how often they may be polled, and guesses at them.

use std::collections::VecDeque;
use std::time::Duration;

use super::access::AccessRequest;
use super::people::{DataCenter, Person};
use crate::clock::Moment;
use crate::demo::random;

/// Room for this many device codes.
pub(super) const CAPACITY: usize = 1_000;
/// So many wrong guesses are forgiven in [`GUESS_WINDOW`] (RFC 8628 §5.1).
pub(super) const GUESSES: usize = 10;
pub(super) const GUESS_WINDOW: Duration = Duration::from_secs(60);
/// How much earlier than its interval a poll may come: clocks and sockets are not exact.
const TOLERANCE: Duration = Duration::from_millis(20);

/// A device code with its user code, from its issue until its tokens are fetched.
#[expect(clippy::struct_field_names, reason = "`device_code` and `user_code` are RFC 8628's own words")]
pub(in crate::demo) struct DeviceCode {
    pub(in crate::demo) device_code: String,
    pub(in crate::demo) user_code: String,
    /// Stands for the user code in the complete verification address.
    pub(in crate::demo) link_code: String,
    /// Proves that a decision comes from this code's own page.
    pub(in crate::demo) form_token: String,
    pub(in crate::demo) access: AccessRequest,
    pub(super) state: State,
    issued_at: Moment,
    expires_at: Moment,
    /// By data center: each has its own servers and counts for itself.
    polled_at: [Option<Moment>; 2],
}

/// What became of a device code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Approved(Person),
    Declined,
}

impl DeviceCode {
    pub(super) fn new(access: AccessRequest, issued_at: Moment, expires_at: Moment) -> Self {
        Self {
            device_code: random::token("1004"),
            user_code: random::user_code(),
            link_code: random::link_code(),
            form_token: random::hex(),
            access,
            state: State::Waiting,
            issued_at,
            expires_at,
            polled_at: [None; 2],
        }
    }

    pub(super) fn has_expired(&self, now: Moment) -> bool {
        now >= self.expires_at
    }

    pub(super) fn approved_by(&self) -> Option<Person> {
        match self.state {
            State::Approved(person) => Some(person),
            State::Waiting | State::Declined => None,
        }
    }

    /// Tells whether a poll at `now` comes before its time, and remembers it.
    pub(super) fn is_polled_too_early(&mut self, data_center: DataCenter, interval: Duration, now: Moment) -> bool {
        let last = self.polled_at[data_center as usize].replace(now).unwrap_or(self.issued_at);
        now - last + TOLERANCE < interval
    }
}

/// What is known about a code that a person has brought.
pub(in crate::demo) enum Lookup<'a> {
    Found(&'a DeviceCode),
    Expired,
    /// Somebody has approved or declined it.
    Answered,
    Unknown,
    /// Too many wrong guesses: nothing is looked up for a while.
    Locked,
}

/// All device codes, in the order in which they were issued.
#[derive(Default)]
pub(super) struct Codes {
    codes: VecDeque<DeviceCode>,
    wrong_guesses: VecDeque<Moment>,
}

impl Codes {
    /// Keeps `code`; the oldest expired one makes room for it. `None` when all are in use.
    pub(super) fn add(&mut self, code: DeviceCode, now: Moment) -> Option<&DeviceCode> {
        if self.codes.len() >= CAPACITY {
            let oldest = self.codes.iter().position(|code| code.has_expired(now))?;
            self.codes.remove(oldest);
        }
        self.codes.push_back(code);
        self.codes.back()
    }

    pub(super) fn by_device_code(&mut self, device_code: &str) -> Option<&mut DeviceCode> {
        self.codes.iter_mut().find(|code| code.device_code == device_code)
    }

    pub(super) fn waiting(&mut self, user_code: &str, now: Moment) -> Option<&mut DeviceCode> {
        let code = self.codes.iter_mut().find(|code| code.user_code == user_code)?;
        (code.state == State::Waiting && !code.has_expired(now)).then_some(code)
    }

    pub(super) fn take(&mut self, device_code: &str) -> Option<DeviceCode> {
        let index = self.codes.iter().position(|code| code.device_code == device_code)?;
        self.codes.remove(index)
    }

    /// The code that `is_meant`. While there were too many wrong guesses, right ones are not answered either.
    pub(super) fn look_up(&mut self, now: Moment, is_meant: impl Fn(&DeviceCode) -> bool) -> Lookup<'_> {
        self.wrong_guesses.retain(|&at| now - at < GUESS_WINDOW);
        if self.wrong_guesses.len() >= GUESSES {
            return Lookup::Locked;
        }
        match self.codes.iter().find(|code| is_meant(code)) {
            None => {
                self.wrong_guesses.push_back(now);
                Lookup::Unknown
            }
            Some(code) if code.state != State::Waiting => Lookup::Answered,
            Some(code) if code.has_expired(now) => Lookup::Expired,
            Some(code) => Lookup::Found(code),
        }
    }
}
