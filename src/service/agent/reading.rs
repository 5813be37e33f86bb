//! What the schedule needs of a record: some dozens of bytes, and no token.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;

use super::super::State;
use super::super::due::{self, Chance, agent_ahead, part};
use super::super::status::state_of;
use super::super::tokens::ends::{Ends, whole_life};
use super::super::tokens::pause;
use crate::clock::later;
use crate::error::Code;
use crate::profile::ProfileName;
use crate::providers::MintLimit;
use crate::storage::{ClientAt, Grant};

/// Over how long those refreshes are spread of whose tokens nobody knows the end, since the clock was set back.
const SPREAD_OF_UNKNOWN: Duration = Duration::from_secs(5 * 60);

/// Chance, the same for the same question: two agents of one store are given different dice, so that they seldom want the
/// same at the same moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(self, question: impl Hash) -> Chance {
        let mut hasher = DefaultHasher::new();
        (self.0, question).hash(&mut hasher);
        Chance::try_from(hasher.finish() >> 32).unwrap_or_default()
    }
}

/// What a record says, as the clock of the day reads it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) state: State,
    /// By which one token is told from the next.
    pub(super) minted_at: Option<Timestamp>,
    /// When a refresh is due; `None` where none can help.
    pub(super) due: Option<Timestamp>,
    /// From one refresh to the next.
    pub(super) every: Duration,
    /// When the token ends, where that is known.
    pub(super) ends: Option<Timestamp>,
    pub(super) paused_until: Option<Timestamp>,
    /// How the last refresh failed, if it did.
    pub(super) failure: Option<(Timestamp, Code)>,
    pub(super) client: Option<ClientAt>,
    pub(super) limit: Option<MintLimit>,
}

impl Reading {
    /// Of a profile that has no grant.
    pub(super) const SIGNED_OUT: Reading = Reading {
        state: State::SignedOut,
        minted_at: None,
        due: None,
        every: Duration::ZERO,
        ends: None,
        paused_until: None,
        failure: None,
        client: None,
        limit: None,
    };

    pub(super) fn of(
        name: &ProfileName,
        client_id: &str,
        grant: Option<&Grant>,
        limit: Option<MintLimit>,
        dice: Dice,
        now: Timestamp,
    ) -> Self {
        let Some(grant) = grant else { return Self::SIGNED_OUT };
        let minted_at = grant.minted_at();
        let chance = dice.roll((name, minted_at));
        let ahead = agent_ahead(grant, chance);
        let end = Ends::of(grant, now);
        let unknown = if end == Ends::Unknown { part(SPREAD_OF_UNKNOWN, chance) } else { Duration::ZERO };
        let due = due::due(grant, limit, ahead, now).map(|due| later(due, unknown));
        let last = grant.last_refresh.as_ref();
        Self {
            state: state_of(grant, now),
            minted_at: Some(minted_at),
            due,
            every: whole_life(grant).saturating_sub(ahead),
            ends: end.time().filter(|_| grant.refused.is_none()),
            paused_until: pause(grant.paused_until, now),
            failure: last.and_then(|last| Some((last.at, last.failure.as_ref()?.code))),
            client: Some(ClientAt { client_id: client_id.to_owned(), issuer: grant.issuer.clone() }),
            limit,
        }
    }
}
