//! Looks names up, and keeps away from the address family that led nowhere.
//!
//! The layer below tries the second family 300 ms after the first, but only until one of them has a connection. Where
//! IPv6 connects and then stays silent, as behind broken tunnels, the first family is left out from the next try on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use reqwest::dns::{Addrs, Resolve, Resolving};

use crate::clock::{self, Moment};
use crate::mutex::locked;

/// How long a family is left out.
const MEMORY: Duration = Duration::from_secs(10 * 60);

#[derive(Clone, Default)]
pub(super) struct Resolver(Arc<Mutex<BTreeMap<String, Name>>>);

type Lookup = Shared<Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, String>> + Send>>>;

#[derive(Default)]
struct Name {
    /// Goes on when the connection that asked is given up, so that the next one need not begin anew: where the first name
    /// server is dead, an answer takes longer than a connection may.
    lookup: Option<Lookup>,
    /// Of the first address, where the name has addresses of both.
    first: Option<Family>,
    /// Until when a family is left out.
    avoided: Option<(Family, Moment)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Resolver {
    /// After a connection that took too long: whether another try may fare better, since the name is still being looked
    /// up, or since there is another family, which that try will use.
    pub(super) fn has_another_way(&self, name: &str, now: Moment) -> bool {
        self.names().get_mut(name).is_some_and(|name| name.has_another_way(now))
    }

    /// The other way led nowhere either.
    pub(super) fn forget_the_way(&self, name: &str) {
        if let Some(name) = self.names().get_mut(name) {
            name.avoided = None;
        }
    }

    /// Whether the last lookup has not come to an end.
    pub(super) fn is_looking_up(&self, name: &str) -> bool {
        self.names().get(name).is_some_and(|name| name.lookup.is_some())
    }

    async fn addresses(&self, name: String) -> Result<Vec<SocketAddr>, String> {
        let lookup = {
            let mut names = self.names();
            let known = names.entry(name.clone()).or_default();
            known.lookup.get_or_insert_with(|| look_up(name.clone()).boxed().shared()).clone()
        };
        let found = lookup.await;
        let mut names = self.names();
        let known = names.entry(name).or_default();
        known.lookup = None;
        found.map(|addresses| known.choose(addresses, clock::now()))
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, Name>> {
        locked(&self.0)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str().to_owned()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn look_up(name: String) -> Result<Vec<SocketAddr>, String> {
    // The connector puts the port in the place of 0.
    let found = tokio::net::lookup_host((name, 0)).await.map_err(|error| error.to_string())?;
    Ok(found.collect())
}

impl Name {
    fn has_another_way(&mut self, now: Moment) -> bool {
        if self.lookup.is_some() {
            return true;
        }
        let Some(first) = self.first else { return false };
        // When what was tried is what an earlier detour led to, the way back is the other way.
        self.avoided = match self.avoided {
            Some((_, until)) if now < until => None,
            _ => Some((first, now + MEMORY)),
        };
        true
    }

    /// Notes which families there are, and leaves out the one to avoid.
    fn choose(&mut self, addresses: Vec<SocketAddr>, now: Moment) -> Vec<SocketAddr> {
        let has = |family| addresses.iter().any(|address| family_of(address) == family);
        if !(has(Family::V4) && has(Family::V6)) {
            self.first = None;
            return addresses;
        }
        self.first = addresses.first().map(family_of);
        match self.avoided {
            Some((avoided, until)) if now < until => {
                addresses.into_iter().filter(|address| family_of(address) != avoided).collect()
            }
            _ => addresses,
        }
    }
}

fn family_of(address: &SocketAddr) -> Family {
    if address.is_ipv6() { Family::V6 } else { Family::V4 }
}

#[cfg(test)]
mod tests {
    use super::{Duration, FutureExt, MEMORY, Moment, Name, SocketAddr};

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    fn both() -> Vec<SocketAddr> {
        addresses(&["[2001:db8::1]:0", "[2001:db8::2]:0", "192.0.2.1:0"])
    }

    const NOW: Moment = Moment::at(Duration::from_secs(1_000));

    #[test]
    fn the_family_that_led_nowhere_is_left_out_for_a_while() {
        let mut name = Name::default();
        assert_eq!(name.choose(both(), NOW), both());
        assert!(name.has_another_way(NOW));
        assert_eq!(name.choose(both(), NOW), addresses(&["192.0.2.1:0"]));
        assert_eq!(name.choose(both(), NOW + MEMORY), both());
    }

    #[test]
    fn where_the_detour_fails_later_the_first_way_is_tried_again() {
        let mut name = Name::default();
        name.choose(both(), NOW);
        assert!(name.has_another_way(NOW));
        assert!(name.has_another_way(NOW));
        assert_eq!(name.choose(both(), NOW), both());
    }

    #[test]
    fn one_family_has_no_other_way_and_is_never_left_out() {
        let mut name = Name::default();
        name.choose(both(), NOW);
        assert!(name.has_another_way(NOW));
        let only = addresses(&["[2001:db8::1]:0"]);
        assert_eq!(name.choose(only.clone(), NOW), only);
        assert!(!name.has_another_way(NOW));
        assert!(!Name::default().has_another_way(NOW));
    }

    #[test]
    fn a_lookup_under_way_is_worth_another_try() {
        let lookup = std::future::pending().boxed().shared();
        let mut name = Name { lookup: Some(lookup), ..Name::default() };
        assert!(name.has_another_way(NOW));
        assert_eq!(name.avoided, None);
    }
}
