//! Sets of compromises.

use std::sync::LazyLock;

use super::Compromise;

/// A set of compromises: those that an attacker holds, or the row of a factor in the table. Each
/// compromise in a row lets an attacker present the factor. The highest bit means *anyone*. It is
/// set in the row of a factor that anyone can present, and every attacker is assumed to hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compromises(u16);

impl Compromises {
    pub(super) const ANYONE: Self = Self(1 << Compromise::ALL.len());

    /// The largest number of sets of one size. Seven compromises have 35 sets of three, and 35 of
    /// four.
    pub(crate) const LARGEST_FAMILY: usize = 35;

    pub(super) const fn of(compromises: &[Compromise]) -> Self {
        let mut bits = 0;
        let mut rest = compromises;
        while let [first, tail @ ..] = rest {
            bits |= 1 << *first as u16;
            rest = tail;
        }
        Self(bits)
    }

    /// Returns whether an attacker who holds the other set can present the factor with this row.
    pub(crate) fn is_presentable_by(self, attacker: Self) -> bool {
        self.0 & (attacker.0 | Self::ANYONE.0) != 0
    }

    /// Returns whether this is the row of a factor that anyone can present.
    pub(crate) fn is_anyone(self) -> bool {
        self.0 & Self::ANYONE.0 != 0
    }

    pub(super) fn union(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn members(self) -> impl Iterator<Item = Compromise> {
        Compromise::ALL.into_iter().filter(move |one| self.0 & Self::of(&[*one]).0 != 0)
    }

    /// Returns the member of a set that has exactly one.
    pub(crate) fn only_member(self) -> Option<Compromise> {
        let mut members = self.members();
        members.next().filter(|_| members.next().is_none())
    }

    /// Returns whether this is a subset of `others`.
    pub(crate) fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Returns every set, smaller ones first.
    pub(crate) fn every_set() -> impl Iterator<Item = Self> {
        BY_SIZE.iter().flatten().copied()
    }

    /// Returns every set of `size` compromises. If there are fewer compromises, returns the set of
    /// them all.
    pub(crate) fn sets_of(size: usize) -> &'static [Self] {
        BY_SIZE.get(size.min(Compromise::ALL.len())).map_or(&[], Vec::as_slice)
    }
}

/// The sets of compromises by their size, from none to all.
static BY_SIZE: LazyLock<Vec<Vec<Compromises>>> = LazyLock::new(|| {
    let sets = || (0..Compromises::ANYONE.0).map(Compromises);
    (0..=Compromise::ALL.len())
        .map(|size| sets().filter(|set| set.members().count() == size).collect())
        .collect()
});

impl FromIterator<Compromise> for Compromises {
    fn from_iter<I: IntoIterator<Item = Compromise>>(compromises: I) -> Self {
        compromises.into_iter().fold(Self(0), |set, one| set.union(Self::of(&[one])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_the_right_number_of_sets() {
        let count = |size| Compromises::sets_of(size).len();
        assert_eq!([0, 1, 2, 7, 8, usize::MAX].map(count), [1, 7, 21, 1, 1, 1]);
        assert_eq!((0..=8).map(count).max(), Some(Compromises::LARGEST_FAMILY));
    }
}
