//! Whose sessions a project has.

/// Whose sessions a project has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tenancy {
    /// Sessions of users.
    Consumer,
    /// Sessions of members of organizations.
    B2b,
}
