//! The `id_token` of a grant: who approved, as the provider signed it, for services that want that and no access token.

use std::time::Duration;

use jiff::Timestamp;

use super::FreshToken;
use crate::clock::earlier;
use crate::oauth::wire::IdToken;
use crate::secret::Secret;

/// Tells whether so much is left of the token, or half its life where such tokens do not live so long. One that names no
/// end lasts.
pub(super) fn lasts(id_token: &Secret, wanted: Duration, now: Timestamp) -> bool {
    let Some((end, life)) = IdToken::parse(id_token.expose()).and_then(|token| token.end()) else { return true };
    let wanted = life.filter(|life| *life <= wanted).map_or(wanted, |life| life / 2);
    now <= earlier(end, wanted)
}

impl FreshToken {
    /// Tells whether its `id_token` lasts so long. Where it has none, no refresh would bring one.
    pub fn has_lasting_id_token(&self, wanted: Duration, now: Timestamp) -> bool {
        self.id_token.as_ref().is_none_or(|token| lasts(token, wanted, now))
    }

    /// When its `id_token` ends, where that is said.
    pub fn id_token_expires_at(&self) -> Option<Timestamp> {
        Some(IdToken::parse(self.id_token.as_ref()?.expose())?.end()?.0)
    }
}
