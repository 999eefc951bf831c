//! A map with a maximum size. A new entry replaces the oldest if the map is full.

use std::collections::{HashMap, VecDeque};

pub(crate) struct Bounded<V> {
    capacity: usize,
    entries: HashMap<String, V>,
    /// The keys, oldest first. Each key of `entries` is in it once.
    order: VecDeque<String>,
}

impl<V> Bounded<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new(), order: VecDeque::new() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.order.len() >= self.capacity
    }

    /// Returns the values, oldest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.order.iter().filter_map(|key| self.entries.get(key))
    }

    /// Inserts `value` under `key` as the newest. Returns the oldest value if it was evicted.
    pub(crate) fn insert(&mut self, key: String, value: V) -> Option<V> {
        self.remove(&key);
        let evicted = if self.is_full() { self.order.pop_front() } else { None };
        self.order.push_back(key.clone());
        self.entries.insert(key, value);
        evicted.and_then(|oldest| self.entries.remove(&oldest))
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        let value = self.entries.remove(key)?;
        self.order.retain(|held| held != key);
        Some(value)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, value| keep(value));
        self.order.retain(|key| self.entries.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_drops_its_oldest_entry_and_a_replaced_one_is_the_newest() {
        let mut map = Bounded::new(2);
        assert_eq!(map.insert("a".into(), 1), None);
        assert_eq!(map.insert("b".into(), 2), None);
        assert_eq!(map.insert("a".into(), 3), None, "a replacement takes no room");
        assert_eq!(map.insert("c".into(), 4), Some(2));
        assert_eq!(map.values().copied().collect::<Vec<_>>(), [3, 4]);
        map.retain(|&value| value == 4);
        assert_eq!((map.get("a"), map.get("c")), (None, Some(&4)));
        assert_eq!(map.order.len(), 1);
    }
}
