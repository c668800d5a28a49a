//! Putting short lists in order with one sort for all of them, where the slice's own would be compiled anew for each
//! type and each way to compare: a few kilobytes each in the panel. What is sorted as events are made has its own.

use std::cmp::Ordering;

/// As [`slice::sort`].
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// As [`slice::sort_by_key`].
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// As [`slice::sort_by`].
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    for (one, other) in swaps(items.len(), &|one, other| compare(&items[one], &items[other])) {
        items.swap(one, other);
    }
}

/// The swaps that bring so many items in order, one after the other.
fn swaps(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|one, other| compare(*one, *other));
    let mut swaps = Vec::new();
    for start in 0..count {
        // Along a circle of places, each of which gets what the next one has.
        let mut place = start;
        while order[place] != start && order[place] != place {
            let from = order[place];
            swaps.push((place, from));
            order[place] = place;
            place = from;
        }
        order[place] = place;
    }
    swaps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_a_stable_sort(items in prop::collection::vec((0_u8..12, any::<u8>()), 0..80)) {
            let (mut expected, mut found) = (items.clone(), items);
            expected.sort_by_key(|item| item.0);
            sort_by_key(&mut found, |item| item.0);
            prop_assert_eq!(&found, &expected);
            expected.sort_by(|one, other| other.cmp(one));
            sort_by(&mut found, |one, other| other.cmp(one));
            prop_assert_eq!(&found, &expected);
            expected.sort();
            sort(&mut found);
            prop_assert_eq!(found, expected);
        }
    }
}
