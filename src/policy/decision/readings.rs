//! The readings of a session: every combination of what its ambiguous statements can mean.

use std::borrow::Cow;

use crate::factor::{AuthenticationFactor, Choice, ProofDate};
use crate::moment::Moment;
use crate::session::Session;

/// The readings of a session. Each consists of the certain proofs and one alternative of every
/// choice. A Stytch session has no choice, so it has one reading.
pub(in crate::policy) struct Readings<'a> {
    certain: Cow<'a, [AuthenticationFactor]>,
    choices: Cow<'a, [Choice]>,
}

/// The maximum number of readings. If there are more, the choice with the most alternatives is
/// replaced by what its alternatives have in common, until few enough are left. This never grants
/// more than all the readings would.
const MAX_READINGS: usize = 64;

impl<'a> Readings<'a> {
    /// Returns the readings of a session. A proof dated later than `latest` does not count.
    pub(in crate::policy) fn of(session: &'a Session, latest: Moment) -> Self {
        Self::new(session.proofs(), session.choices(), latest)
    }

    /// Returns the readings of these certain proofs and choices.
    pub(in crate::policy) fn new(
        certain: &'a [AuthenticationFactor],
        choices: &'a [Choice],
        latest: Moment,
    ) -> Self {
        let mut readings = Self { certain: certain.into(), choices: choices.into() };
        while readings.count() > MAX_READINGS && readings.replace_longest(latest) {}
        readings
    }

    /// Returns how many readings there are. If a choice has no alternative, there are none, and
    /// nothing holds.
    pub(in crate::policy) fn count(&self) -> usize {
        let lengths = self.choices.iter().map(|choice| choice.alternatives.len());
        lengths.fold(1, usize::saturating_mul)
    }

    /// Returns the proofs of each reading.
    pub(in crate::policy) fn iter(&self) -> impl Iterator<Item = Cow<'_, [AuthenticationFactor]>> {
        (0..self.count()).map(|index| self.proofs(index))
    }

    /// Returns the proofs that all readings have.
    pub(in crate::policy) fn certain(&self) -> &[AuthenticationFactor] {
        &self.certain
    }

    /// Returns each choice, and the alternative of it that a reading has.
    pub(in crate::policy) fn chosen(
        &self,
        index: usize,
    ) -> impl Iterator<Item = (&Choice, &[AuthenticationFactor])> {
        let mut rest = index;
        self.choices.iter().map(move |choice| {
            let count = choice.alternatives.len().max(1);
            let alternative = choice.alternatives.get(rest % count);
            rest /= count;
            (choice, alternative.map_or(&[][..], |proofs| proofs))
        })
    }

    /// Returns the proofs of one reading. The index counts through the alternatives, those of the
    /// first choice fastest.
    pub(in crate::policy) fn proofs(&self, index: usize) -> Cow<'_, [AuthenticationFactor]> {
        if self.choices.is_empty() {
            return Cow::Borrowed(&self.certain);
        }
        let mut proofs = self.certain.to_vec();
        self.chosen(index).for_each(|(_, alternative)| proofs.extend_from_slice(alternative));
        proofs.into()
    }

    /// Replaces the first of the longest choices by what its alternatives have in common. Returns
    /// whether there was one.
    fn replace_longest(&mut self, latest: Moment) -> bool {
        let lengths = self.choices.iter().enumerate().rev();
        let longest = lengths.max_by_key(|(_, choice)| choice.alternatives.len());
        let Some((place, _)) = longest else { return false };
        let choice = self.choices.to_mut().remove(place);
        self.certain.to_mut().extend(common(&choice, latest));
        true
    }
}

/// Returns the proofs that all alternatives have in common, factor by factor. Within an alternative,
/// the freshest proof of the factor counts. Across the alternatives, the oldest of these counts, and
/// one without a date is the oldest.
fn common(choice: &Choice, latest: Moment) -> Vec<AuthenticationFactor> {
    let [first, others @ ..] = &*choice.alternatives else { return Vec::new() };
    let mut common: Vec<AuthenticationFactor> = Vec::new();
    for proof in first {
        let factor = proof.factor();
        let dates = [first].into_iter().chain(others).map(|one| freshest(one, proof, latest));
        let oldest = dates.min().flatten();
        if let Some(moment) = oldest.filter(|_| common.iter().all(|known| known.factor() != factor))
        {
            let date = moment.map_or(ProofDate::Absent, ProofDate::At);
            common.push(AuthenticationFactor::new(factor.clone(), date));
        }
    }
    common
}

/// Returns the date of the freshest proof of the same factor that counts. The outer `None` means that
/// no such proof exists, and the inner one that it has no date.
fn freshest(
    alternative: &[AuthenticationFactor],
    like: &AuthenticationFactor,
    latest: Moment,
) -> Option<Option<Moment>> {
    let same = alternative.iter().filter(|proof| proof.factor() == like.factor());
    let counting = same.filter_map(|proof| match proof.date() {
        ProofDate::At(moment) => (moment <= latest).then_some(Some(moment)),
        ProofDate::Absent => Some(None),
        ProofDate::Unreadable => None,
    });
    counting.max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::Factor;

    fn at(seconds: i128) -> Moment {
        let seconds = i64::try_from(seconds).expect("a small number");
        time::OffsetDateTime::from_unix_timestamp(seconds).expect("a date").into()
    }

    fn proof(factor: Factor, seconds: Option<i128>) -> AuthenticationFactor {
        let date = seconds.map_or(ProofDate::Absent, |seconds| ProofDate::At(at(seconds)));
        AuthenticationFactor::new(factor, date)
    }

    fn choice(alternatives: &[&[&AuthenticationFactor]]) -> Choice {
        let proofs = |one: &&[&AuthenticationFactor]| one.iter().copied().cloned().collect();
        Choice::new("otp", alternatives.iter().map(proofs))
    }

    fn readings(certain: &[AuthenticationFactor], choices: &[Choice]) -> Readings<'static> {
        Readings { certain: certain.to_vec().into(), choices: choices.to_vec().into() }
    }

    #[test]
    fn readings_are_the_product_of_the_choices() {
        let [password, sms, totp, mail] =
            [Factor::Password, Factor::OtpSms, Factor::Totp, Factor::OtpEmail]
                .map(|factor| proof(factor, None));
        let two = choice(&[&[&sms], &[&totp]]);
        let three = choice(&[&[], &[&mail], &[&mail, &totp]]);
        let readings = readings(std::slice::from_ref(&password), &[two, three]);
        let all: Vec<Vec<_>> = readings.iter().map(Cow::into_owned).collect();
        let sizes: Vec<_> = all.iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 3, 3, 4, 4]);
        assert_eq!(all.get(1).expect("six readings"), &[password.clone(), totp.clone()]);
        assert_eq!(all.last().expect("six readings"), &[password, totp.clone(), mail, totp]);
    }

    #[test]
    fn a_choice_without_alternatives_has_no_reading() {
        let readings = readings(&[proof(Factor::Password, None)], &[choice(&[])]);
        assert_eq!(readings.count(), 0);
        assert_eq!(readings.iter().count(), 0);
    }

    #[test]
    fn alternatives_have_in_common_what_each_of_them_proves() {
        let totp = |date| proof(Factor::Totp, date);
        let sms = || proof(Factor::OtpSms, Some(50));
        for (alternatives, want) in [
            (vec![vec![totp(Some(10))], vec![totp(Some(20)), sms()]], vec![totp(Some(10))]),
            (
                vec![vec![totp(Some(10)), totp(Some(30))], vec![totp(Some(20))]],
                vec![totp(Some(20))],
            ),
            (vec![vec![totp(None)], vec![totp(Some(20))]], vec![totp(None)]),
            (vec![vec![totp(None), totp(Some(10))], vec![totp(Some(20))]], vec![totp(Some(10))]),
            (vec![vec![totp(Some(10))], vec![sms()]], vec![]),
            // A proof in the future does not count.
            (vec![vec![totp(Some(101))], vec![totp(Some(20))]], vec![]),
            (vec![vec![totp(Some(101)), totp(Some(9))], vec![totp(Some(20))]], vec![totp(Some(9))]),
        ] {
            assert_eq!(
                common(&Choice::new("otp", alternatives.clone()), at(100)),
                want,
                "{alternatives:?}"
            );
        }
    }

    #[test]
    fn at_most_64_readings_are_judged() {
        let two = || choice(&[&[&proof(Factor::OtpSms, None)], &[&proof(Factor::Totp, None)]]);
        let three = choice(&[&[], &[], &[&proof(Factor::OtpEmail, None)]]);
        let mut readings = readings(&[], &[two(), two(), three, two(), two(), two()]);
        assert_eq!(readings.count(), 96);
        assert!(readings.replace_longest(at(0)));
        assert_eq!((readings.count(), readings.choices.len()), (32, 5));
    }
}
