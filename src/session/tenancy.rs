//! Consumer and B2B projects.

/// The kind of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tenancy {
    /// A consumer project, whose sessions belong to users.
    Consumer,
    /// A B2B project, whose sessions belong to members of organizations.
    B2b,
}
