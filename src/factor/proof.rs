//! One thing that a user proved.

use time::OffsetDateTime;

use super::Factor;
use crate::moment::Moment;

/// One entry of a session's `authentication_factors`: what the user proved, and when last.
///
/// The phone numbers, addresses and ids that Stytch puts beside it are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationFactor {
    factor: Factor,
    dated: Dated,
}

/// What an entry's `last_authenticated_at` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dated {
    At(Moment),
    /// No date: an age without bound.
    Absent,
    /// A date that cannot be read, the empty string included: no proof at all.
    Unreadable,
}

impl Dated {
    /// `None` without a readable date, and before every one.
    pub(crate) fn moment(self) -> Option<Moment> {
        match self {
            Self::At(moment) => Some(moment),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

impl AuthenticationFactor {
    pub(crate) fn new(factor: Factor, dated: Dated) -> Self {
        Self { factor, dated }
    }

    /// The kind of factor.
    #[must_use]
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// When the user last proved it; `None` where the token has no date or one that cannot be read.
    #[must_use]
    pub fn last_authenticated_at(&self) -> Option<OffsetDateTime> {
        self.dated.moment().and_then(Moment::date)
    }

    pub(crate) fn dated(&self) -> Dated {
        self.dated
    }
}
