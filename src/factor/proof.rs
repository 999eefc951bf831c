//! A factor that a user proved.

use time::OffsetDateTime;

use super::Factor;
use crate::moment::Moment;

/// A factor that the user proved, and the time of the last proof. In a Stytch session, it is one entry
/// of `authentication_factors`.
///
/// The phone numbers, addresses and ids in Stytch's entry are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationFactor {
    factor: Factor,
    date: ProofDate,
}

/// The date of a proof. In Stytch's entry, it is `last_authenticated_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofDate {
    At(Moment),
    /// No date. The proof can be of any age.
    Absent,
    /// A date that cannot be read, such as an empty string. The entry proves nothing.
    Unreadable,
}

/// Returns those of these proofs that the user made and that are dated later than this. Somebody else makes
/// an impersonation.
pub(crate) fn dated_after(
    proofs: &[AuthenticationFactor],
    after: Moment,
) -> Vec<AuthenticationFactor> {
    let counts = |proof: &&AuthenticationFactor| {
        proof.date.moment().is_some_and(|date| date > after) && !proof.factor.is_impersonation()
    };
    proofs.iter().filter(counts).cloned().collect()
}

impl ProofDate {
    /// Returns the date, or `None` if there is none that can be read. `None` sorts before every
    /// date.
    pub(crate) fn moment(self) -> Option<Moment> {
        match self {
            Self::At(moment) => Some(moment),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

impl AuthenticationFactor {
    pub(crate) fn new(factor: Factor, date: ProofDate) -> Self {
        Self { factor, date }
    }

    /// Returns the kind of factor.
    #[must_use]
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// Returns when the user last proved the factor, or `None` if the token has no date or one that
    /// cannot be read.
    #[must_use]
    pub fn last_authenticated_at(&self) -> Option<OffsetDateTime> {
        self.date.moment().and_then(Moment::date)
    }

    pub(crate) fn date(&self) -> ProofDate {
        self.date
    }
}
