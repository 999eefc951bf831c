//! The size of a policy.

/// The maximum number of clauses in a policy. A clause that occurs twice counts twice.
pub(in crate::policy) const MAX_CLAUSES: usize = 1_024;
/// The maximum number of nested levels, which makes recursion over a policy safe.
pub(in crate::policy) const MAX_LEVELS: usize = 128;

/// The number of clauses and levels in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Extent {
    pub(in crate::policy) clauses: usize,
    pub(in crate::policy) levels: usize,
}

impl Extent {
    /// Returns the extent of a clause that contains clauses of these extents.
    pub(super) fn around(clauses: impl Iterator<Item = Self>) -> Self {
        clauses.fold(Self { clauses: 1, levels: 1 }, |all, inner| Self {
            clauses: all.clauses.saturating_add(inner.clauses),
            levels: all.levels.max(inner.levels + 1),
        })
    }

    pub(super) fn is_too_large(self) -> bool {
        self.clauses > MAX_CLAUSES || self.levels > MAX_LEVELS
    }
}
