//! How large a policy is.

/// The most clauses of a policy. A clause that stands in it twice counts twice.
pub(in crate::policy) const MAX_CLAUSES: usize = 1_024;
/// The most levels, so that everything that is done with a policy can be done by recursion.
pub(in crate::policy) const MAX_LEVELS: usize = 128;

/// How many clauses and levels a policy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Extent {
    pub(in crate::policy) clauses: usize,
    pub(in crate::policy) levels: usize,
}

impl Extent {
    /// Returns the extent of a clause of clauses with these extents.
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
