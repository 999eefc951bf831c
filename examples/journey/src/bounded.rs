//! A map with a maximum size.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values by key. With more than `most` of them, the key that was added first is removed.
pub(crate) struct Bounded<T> {
    most: usize,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    values: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T: Clone> Bounded<T> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, kept: Mutex::new(Kept { values: HashMap::new(), order: VecDeque::new() }) }
    }

    pub(crate) fn put(&self, key: &str, value: T) {
        let mut kept = self.lock();
        if kept.values.insert(key.to_owned(), value).is_none() {
            kept.order.push_back(key.to_owned());
        }
        while kept.order.len() > self.most {
            if let Some(oldest) = kept.order.pop_front() {
                kept.values.remove(&oldest);
            }
        }
    }

    pub(crate) fn find(&self, key: &str) -> Option<T> {
        self.lock().values.get(key).cloned()
    }

    pub(crate) fn take(&self, key: &str) -> Option<T> {
        let mut kept = self.lock();
        kept.order.retain(|known| known != key);
        kept.values.remove(key)
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_where_there_is_no_room() {
        let bounded = Bounded::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            bounded.put(key, value);
        }
        assert_eq!(
            [bounded.find("a"), bounded.find("b"), bounded.find("c")],
            [None, Some(2), Some(4)]
        );
        assert_eq!((bounded.take("b"), bounded.take("b")), (Some(2), None));
        bounded.put("d", 5);
        assert_eq!([bounded.find("c"), bounded.find("d")], [Some(4), Some(5)]);
    }
}
