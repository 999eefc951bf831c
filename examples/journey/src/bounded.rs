//! A map with a maximum size.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A map of at most `capacity` entries. A new key pushes out the one that was added first.
pub(crate) struct Bounded<T> {
    capacity: usize,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    values: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T: Clone> Bounded<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            inner: Mutex::new(Inner { values: HashMap::new(), order: VecDeque::new() }),
        }
    }

    pub(crate) fn put(&self, key: &str, value: T) {
        let mut inner = self.lock();
        if inner.values.insert(key.to_owned(), value).is_none() {
            inner.order.push_back(key.to_owned());
        }
        while inner.order.len() > self.capacity {
            if let Some(oldest) = inner.order.pop_front() {
                inner.values.remove(&oldest);
            }
        }
    }

    pub(crate) fn find(&self, key: &str) -> Option<T> {
        self.lock().values.get(key).cloned()
    }

    pub(crate) fn take(&self, key: &str) -> Option<T> {
        let mut inner = self.lock();
        inner.order.retain(|known| known != key);
        inner.values.remove(key)
    }

    /// Moves the value of a key to a new one, if it has any.
    pub(crate) fn rename(&self, old: &str, new: &str) {
        self.take(old).into_iter().for_each(|value| self.put(new, value));
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_drops_its_oldest_entry() {
        let bounded = Bounded::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            bounded.put(key, value);
        }
        assert_eq!(
            [bounded.find("a"), bounded.find("b"), bounded.find("c")],
            [None, Some(2), Some(4)]
        );
        bounded.rename("c", "c2");
        bounded.rename("x", "y");
        assert_eq!(
            [bounded.find("c"), bounded.find("c2"), bounded.find("y")],
            [None, Some(4), None]
        );
        bounded.rename("c2", "c");
        assert_eq!((bounded.take("b"), bounded.take("b")), (Some(2), None));
        bounded.put("d", 5);
        assert_eq!([bounded.find("c"), bounded.find("d")], [Some(4), Some(5)]);
    }
}
