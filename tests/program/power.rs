//! The power fails while something is kept. What the disk may have then is in `support::power`.

use crate::support::faults::Extent;
use crate::support::power::disk::Operation;
use crate::support::power::{Keeping, Tally, record};

/// Some of the states are looked at here; all of them: `cargo bench --bench faults`.
fn nothing_is_lost(keeping: Keeping) {
    let recorded = record(keeping);
    let tally = recorded.survives(&recorded.operations, Extent::Part);
    assert_eq!((tally.lost, tally.gone, tally.forgotten), (0, 0, 0), "{tally:?}");
    assert!(tally.states > 20 && tally.opened > 0, "{tally:?}");
}

#[test]
fn no_first_sign_in_is_lost() {
    nothing_is_lost(Keeping::FirstSignIn);
}

#[test]
fn no_later_sign_in_is_lost() {
    nothing_is_lost(Keeping::LaterSignIn);
}

#[test]
fn no_refresh_is_lost_or_forgotten() {
    nothing_is_lost(Keeping::Refresh);
}

#[test]
fn a_store_that_came_without_lock_files_forgets_no_refresh() {
    nothing_is_lost(Keeping::RefreshWithoutLockFile);
}

#[test]
fn the_model_notices_what_is_not_synced() {
    let recorded = record(Keeping::Refresh);
    let without = |is_left_out: &dyn Fn(&Operation) -> bool| {
        let operations: Vec<Operation> =
            recorded.operations.iter().filter(|operation| !is_left_out(operation)).cloned().collect();
        recorded.survives(&operations, Extent::Part)
    };
    let directory = without(&|operation| matches!(operation, Operation::SyncDirectory { .. }));
    assert!(directory.gone > 0, "{directory:?}");
    let Tally { lost, gone, forgotten, .. } = without(&|operation| matches!(operation, Operation::Sync { .. }));
    assert!(lost + gone > 0 && forgotten > 0, "{lost} {gone} {forgotten}");
}
