//! Values that are cached with a session.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

/// A few values of any type. Each is complete when it is added and never changes, so a panic cannot
/// leave one half built.
#[derive(Default)]
pub(super) struct Cached(AssertUnwindSafe<[OnceLock<Value>; MAX_VALUES]>);

type Value = Arc<dyn Any + Send + Sync>;

/// The number of values that fit. A route usually has two or three guards: for the application, for
/// its pages and for one action.
const MAX_VALUES: usize = 3;

impl Cached {
    /// Roughly how many bytes the values take: each is a policy that held, with two instants and
    /// two reference counts.
    pub(super) const MAX_BYTES: usize = MAX_VALUES * 96;

    /// Returns a value of this type that meets the condition, if there is one.
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
