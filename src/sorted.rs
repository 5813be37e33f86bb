//! Lists and maps in order. The standard library sorts by four kilobytes of the program for each type and order, which pays for
//! lists that are as long as the program is; here one sorting of numbers serves all.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Puts a list in order; what is alike stays as it was.
pub fn by<T>(list: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places = places(list.len(), &|one, other| compare(&list[one], &list[other]));
    for at in 0..list.len() {
        while places[at] != at {
            let place = places[at];
            list.swap(at, place);
            places.swap(at, place);
        }
    }
}

/// The same by a part of each.
pub fn by_key<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    by(list, |one, other| key(one).cmp(&key(other)));
}

/// A map of few entries.
pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

/// A set of few.
pub fn set<T: Ord>(members: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(members);
    set
}

/// Where each of so many comes.
fn places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|one, other| compare(*one, *other));
    let mut places = vec![0; count];
    for (place, one) in order.into_iter().enumerate() {
        places[one] = place;
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{by, by_key};

    proptest! {
        #[test]
        fn it_is_the_order_of_the_standard_library(list: Vec<(u8, u16)>) {
            let (mut own, mut other) = (list.clone(), list);
            by(&mut own, Ord::cmp);
            other.sort_unstable();
            prop_assert_eq!(&own, &other);
            by_key(&mut own, |(first, second)| (second % 4, std::cmp::Reverse(*first)));
            other.sort_by_key(|(first, second)| (second % 4, std::cmp::Reverse(*first)));
            prop_assert_eq!(own, other);
        }
    }
}
