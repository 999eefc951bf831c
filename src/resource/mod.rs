//! The resource that guards protect, as OAuth clients know it: the scopes that a request needs
//! (RFC 6750).

mod scopes;

pub use self::scopes::InsufficientScope;

pub(crate) use self::scopes::{is_scope, joined, missing};
