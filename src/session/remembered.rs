//! Values that a session remembers, for those who worked them out.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

/// A few values of any type. They are whole and never change, so a panic cannot leave one half made.
#[derive(Default)]
pub(super) struct Remembered(AssertUnwindSafe<[OnceLock<Value>; MAX_VALUES]>);

type Value = Arc<dyn Any + Send + Sync>;

/// A route has two or three guards: those of the application, of its pages and of one action.
const MAX_VALUES: usize = 3;

impl Remembered {
    /// Roughly how many bytes the values take: each is a grant, with its policy, two instants and two
    /// counters.
    pub(super) const MAX_BYTES: usize = MAX_VALUES * 96;

    /// Returns a value of this type that is wanted, if there is one.
    #[inline]
    pub(super) fn find<T: Any + Send + Sync>(
        &self,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Option<Arc<T>> {
        let is_wanted = |one: &&Value| one.downcast_ref::<T>().is_some_and(&is_wanted);
        let known = self.0.iter().map_while(OnceLock::get).find(is_wanted)?;
        Arc::clone(known).downcast().ok()
    }

    /// Adds a value if there is room. It is never removed.
    pub(super) fn add(&self, value: Value) {
        let mut rest = Err(value);
        for place in self.0.iter() {
            rest = rest.or_else(|value| place.set(value));
        }
    }
}
