//! Policies as values, and the functions that build and inspect them.

mod clauses;
mod extent;
mod into_policy;
mod limit;
mod list;
mod name;
mod policy;
mod trust;
mod walk;

pub use self::into_policy::{IntoPolicy, PolicyError};
pub(in crate::policy) use self::limit::{Limit, tighter};
pub(in crate::policy) use self::list::MAX_LIST_LENGTH;
pub use self::list::{ListError, NonEmpty};
#[cfg(feature = "documents")]
pub(in crate::policy) use self::name::is_name;
pub use self::policy::{Clause, Policy};
#[cfg(feature = "documents")]
pub(in crate::policy) use self::walk::NOT_PROVABLE_BY_USER;
pub(in crate::policy) use self::walk::distinct;
