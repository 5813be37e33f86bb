//! Processes of two machines that find the token ended, all at once.

use crate::support::fleet::Fleet;

/// Rounds in each of which one process asks the provider and all of them have its token.
pub(crate) fn herd(fleet: &Fleet, processes: usize, rounds: usize) {
    let before = fleet.provider.counts();
    for round in 0..rounds {
        fleet.end_token();
        let said = fleet.herd(processes);
        let failed = said.iter().find(|ran| (ran.code, &ran.stdout) != (0, &said[0].stdout));
        assert!(failed.is_none(), "round {round}: {failed:?}, the first had {:?}", said[0]);
    }
    let counts = fleet.provider.counts();
    assert_eq!((counts.refreshes - before.refreshes, counts.presented_twice), (rounds, 0));
}
