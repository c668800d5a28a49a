//! Components that decide what is there.

use leptos::prelude::*;

use super::{ChildrenFn, IntoView, View};

/// An item of a list: what it is known by, and how it is made.
pub(crate) struct Item {
    pub(super) key: Key,
    pub(super) make: Box<dyn FnOnce() -> View>,
}

/// What an item is known by as long as it is in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Key {
    Number(u64),
    Name(String),
    Numbered(u64, String),
}

impl From<u64> for Key {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<(usize, String)> for Key {
    fn from((number, name): (usize, String)) -> Self {
        Self::Numbered(number as u64, name)
    }
}

/// Where each key of a list stood before; none twice, and none where it is new.
pub(super) fn found<'key>(old: &[Key], keys: impl Iterator<Item = &'key Key>) -> Vec<Option<usize>> {
    let mut taken = vec![false; old.len()];
    // Most lists keep their order: the next one is looked for first behind the last one that was found.
    let mut expected = 0;
    let mut place = |key: &Key| {
        let is_it = |at: &usize| old.get(*at) == Some(key) && taken.get(*at) == Some(&false);
        let at = (expected..old.len()).find(is_it).or_else(|| (0..expected).find(is_it))?;
        if let Some(taken) = taken.get_mut(at) {
            *taken = true;
        }
        expected = at + 1;
        Some(at)
    };
    keys.map(&mut place).collect()
}

/// A list whose items keep their elements as long as their keys are there.
#[component]
pub(crate) fn For<T, Each, Items, Known, ByKey, Made, Child>(
    /// The items.
    each: Each,
    /// What an item is known by.
    key: ByKey,
    /// What is shown of it.
    children: Child,
) -> View
where
    Each: Fn() -> Items + 'static,
    Items: IntoIterator<Item = T>,
    ByKey: Fn(&T) -> Known + 'static,
    Known: Into<Key>,
    Child: Fn(T) -> Made + Clone + 'static,
    Made: IntoView,
    T: 'static,
{
    View::Keyed(Box::new(move || {
        let item = |item: T| {
            let (key, children) = (key(&item).into(), children.clone());
            Item { key, make: Box::new(move || children(item).into_view()) }
        };
        each().into_iter().map(item).collect()
    }))
}

/// What is there as long as a condition holds.
#[component]
pub(crate) fn Show(
    /// The condition.
    when: impl Fn() -> bool + Send + Sync + 'static,
    /// What is there then.
    children: ChildrenFn,
    /// What is there otherwise.
    #[prop(optional)]
    fallback: Option<fn() -> View>,
) -> View {
    show(Box::new(when), children, fallback)
}

fn show(when: Box<dyn Fn() -> bool + Send + Sync>, children: ChildrenFn, fallback: Option<fn() -> View>) -> View {
    let holds = Memo::new(move |_| when());
    View::Live(Box::new(move || match (holds.get(), fallback) {
        (true, _) => children(),
        (false, Some(fallback)) => fallback(),
        (false, None) => View::Nothing,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(numbers: &[u64]) -> Vec<Key> {
        numbers.iter().map(|number| Key::from(*number)).collect()
    }

    #[test]
    fn rows_are_found_where_they_were() {
        let places = |old: &[u64], new: &[u64]| found(&keys(old), keys(new).iter());
        assert_eq!(places(&[1, 2, 3], &[1, 2, 3]), [Some(0), Some(1), Some(2)]);
        assert_eq!(places(&[1, 2, 3], &[4, 3, 1]), [None, Some(2), Some(0)]);
        assert_eq!(places(&[], &[1]), [None]);
        assert_eq!(places(&[1], &[]), []);
    }

    #[test]
    fn no_row_is_taken_twice() {
        assert_eq!(found(&keys(&[7, 7]), keys(&[7, 7, 7]).iter()), [Some(0), Some(1), None]);
    }
}
