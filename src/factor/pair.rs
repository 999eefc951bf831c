//! Unlisted pairs of `type` and `delivery_method`.

use std::fmt;
use std::sync::Arc;

use super::Factor;

/// A `type` and `delivery_method` that [`Factor`] does not list. [`Factor::from_pair`] creates it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnlistedFactor(Arc<Pair>);

/// The two names. They are behind one pointer, so that a [`Factor`] stays small. Few tokens have
/// such a pair.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Pair {
    factor_type: Box<str>,
    delivery_method: Box<str>,
}

impl UnlistedFactor {
    pub(super) fn new(factor_type: &str, delivery_method: &str) -> Self {
        let (factor_type, delivery_method) = (factor_type.into(), delivery_method.into());
        Self(Arc::new(Pair { factor_type, delivery_method }))
    }

    pub(super) fn factor_type(&self) -> &str {
        &self.0.factor_type
    }

    pub(super) fn delivery_method(&self) -> &str {
        &self.0.delivery_method
    }
}

impl fmt::Display for UnlistedFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.factor_type(), self.delivery_method())
    }
}

/// Returns the listed factor with this `type/delivery_method`.
pub(super) fn from_full_name(name: &str) -> Option<Factor> {
    let (factor_type, delivery_method) = name.split_once('/')?;
    match Factor::from_pair(factor_type, delivery_method) {
        Factor::Unlisted(_) => None,
        listed => Some(listed),
    }
}
