//! Sets of compromises.

use std::sync::LazyLock;

use super::Compromise;

/// A set of compromises, and in a row of the table those that present the factor. The highest bit
/// is *anyone*: it is in every row that anyone can present and taken as held by every attacker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compromises(u16);

impl Compromises {
    pub(super) const ANYONE: Self = Self(1 << Compromise::ALL.len());

    /// The most sets of one size: of three, or four, of seven.
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

    /// Whether an attacker with those can present what has this row.
    pub(crate) fn meets(self, attacker: Self) -> bool {
        self.0 & (attacker.0 | Self::ANYONE.0) != 0
    }

    /// Whether it is the row of something that anyone can present.
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

    /// The member of a set that has one.
    pub(crate) fn only_member(self) -> Option<Compromise> {
        let mut members = self.members();
        members.next().filter(|_| members.next().is_none())
    }

    /// Whether all of these are among those.
    pub(crate) fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Every set, the smaller first.
    pub(crate) fn every_set() -> impl Iterator<Item = Self> {
        BY_SIZE.iter().flatten().copied()
    }

    /// Every set of `size` compromises, or the one set of all where there are fewer.
    pub(crate) fn sets_of(size: usize) -> &'static [Self] {
        BY_SIZE.get(size.min(Compromise::ALL.len())).map_or(&[], Vec::as_slice)
    }
}

/// The sets of no compromise, of one, of two, to that of all.
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
    fn sets_of_compromises_are_counted_and_end_with_the_set_of_all() {
        let count = |size| Compromises::sets_of(size).len();
        assert_eq!([0, 1, 2, 7, 8, usize::MAX].map(count), [1, 7, 21, 1, 1, 1]);
        assert_eq!((0..=8).map(count).max(), Some(Compromises::LARGEST_FAMILY));
    }
}
