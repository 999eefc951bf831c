//! The pair of `type` and `delivery_method`, where it is not one of the listed ones.

use std::fmt;
use std::sync::Arc;

use super::Factor;

/// A `type` and `delivery_method` that [`Factor`] does not list; made by [`Factor::from_pair`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnlistedFactor {
    kind: Arc<str>,
    delivery_method: Arc<str>,
}

impl UnlistedFactor {
    pub(super) fn new(kind: &str, delivery_method: &str) -> Self {
        Self { kind: kind.into(), delivery_method: delivery_method.into() }
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) fn delivery_method(&self) -> &str {
        &self.delivery_method
    }
}

impl fmt::Display for UnlistedFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.delivery_method)
    }
}

/// The listed factor with this `type/delivery_method`.
pub(super) fn from_full_name(name: &str) -> Option<Factor> {
    let (kind, delivery_method) = name.split_once('/')?;
    match Factor::from_pair(kind, delivery_method) {
        Factor::Unlisted(_) => None,
        listed => Some(listed),
    }
}
