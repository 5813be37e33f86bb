//! Servers that restart, die, stand still and change their roles while tokens are refreshed.

use std::time::Duration;

use device_login::clock;

use super::{Lab, StartProvider, is_sound};
use crate::support::fleet::Fleet;
use crate::support::postgres::{Postgres, url};
use crate::support::program::ran;
use crate::support::wire::{At, Fault};

/// Less long than a statement may take.
const STANDSTILL: Duration = Duration::from_millis(300);

/// What happens to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Restart,
    Kill,
    Pause,
}

/// Lets it happen to the server at every `step`th message of a refresh. Returns at how many.
pub(crate) fn trouble_everywhere(provider: StartProvider, trouble: Trouble, step: usize) -> usize {
    let server = Postgres::start();
    let mut lab = Lab::new(&server, provider());
    let mut count = 0;
    for message in (1..).step_by(step) {
        lab.end_token();
        lab.wires[0].set(At::Message(message), Fault::Silent);
        let mut holder = lab.fleet.spawn(0, &["token"]);
        let is_there = lab.wires[0].wait(|| holder.try_wait().expect("it is a child").is_some());
        let paused = match trouble {
            _ if !is_there => None,
            Trouble::Restart => {
                server.restart();
                None
            }
            Trouble::Kill => {
                server.kill();
                server.proceed();
                None
            }
            Trouble::Pause => Some(server.pause()),
        };
        lab.wires[0].open();
        if paused.is_some() {
            let until = clock::now() + STANDSTILL;
            lab.wires[0].wait_for_statements(usize::MAX, || clock::now() >= until);
        }
        drop(paused);
        let ran = ran(holder);
        let what = format!("{trouble:?} at message {message}: {ran:?}");
        is_sound(&ran, &what);
        lab.recovers(&what);
        if !is_there {
            break;
        }
        count += 1;
    }
    count
}

/// Promotes the standby twice while herds of `processes` refresh, and tells how many rounds there were.
pub(crate) fn promote_twice(provider: StartProvider, processes: usize) -> usize {
    let first = Postgres::start();
    let second = first.standby();
    let database = first.database();
    let address = url(database.name(), &[first.directory(), second.directory()], first.port());
    let fleet = Fleet::new(provider(), &address, &[address.clone(), address.clone()]);
    let mut rounds = 0;
    for (leader, follower) in [(&first, &second), (&second, &first)] {
        fleet.end_token();
        let herd: Vec<_> = (0..processes).map(|number| fleet.spawn(number, &["token"])).collect();
        leader.kill();
        follower.promote();
        let said: Vec<_> = herd.into_iter().map(ran).collect();
        for ran in &said {
            is_sound(ran, "promoted");
        }
        rounds += 1;
        // Both at once: an answer that was kept on one of the machines is committed when that one asks.
        let next = fleet.herd(2);
        assert_eq!((next[0].code, next[1].code, &next[0].stdout), (0, 0, &next[1].stdout), "{next:?}");
        let counts = fleet.provider.counts();
        assert_eq!((counts.refreshes, counts.presented_twice), (rounds, 0), "{said:?}");
        leader.follow(follower);
    }
    rounds
}
