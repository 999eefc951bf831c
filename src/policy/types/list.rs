//! Policies made from lists of clauses, which cannot be empty.

use super::extent::{MAX_CLAUSES, MAX_LEVELS};
use super::policy::{Clause, Policy};

/// The maximum number of clauses in a list that is given at run time. Every `at_least` is within
/// it.
pub(in crate::policy) const MAX_LIST_LENGTH: usize = 64;

impl Policy {
    /// Requires every clause. One factor may meet several clauses. An empty list does not compile.
    ///
    /// ```
    /// use tower_step_up::{Factor, Policy};
    ///
    /// let both = Policy::all_of([Factor::Password, Factor::Totp]);
    /// let mixed = Policy::all_of([Policy::mfa(), Factor::Totp.into()]);
    /// assert_eq!(both.to_string(), "password and totp");
    /// assert_eq!(mixed.to_string(), "mfa and totp");
    /// ```
    ///
    /// ```compile_fail,E0277
    /// let nothing = tower_step_up::Policy::all_of([]);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the policy would have [more than 1,024 clauses or 128 levels](crate::policy).
    #[must_use]
    #[track_caller]
    pub fn all_of(clauses: impl NonEmpty) -> Self {
        Self::of(Clause::AllOf(clauses.into_policies()))
    }

    /// Requires at least one of the clauses. An empty list does not compile.
    ///
    /// # Panics
    ///
    /// Panics if the policy would have [more than 1,024 clauses or 128 levels](crate::policy).
    #[must_use]
    #[track_caller]
    pub fn any_of(clauses: impl NonEmpty) -> Self {
        Self::of(Clause::AnyOf(clauses.into_policies()))
    }

    /// Requires at least `needed` of the clauses. One factor may meet several clauses. An empty
    /// list does not compile.
    ///
    /// ```
    /// use tower_step_up::{Factor, Policy, testing};
    ///
    /// let payout = Policy::at_least(2, [Factor::Password, Factor::OtpSms, Factor::Totp]);
    /// let session = testing::session().proved(Factor::OtpSms).proved(Factor::Totp).build();
    /// assert!(payout.evaluate(&session, testing::NOW).is_ok());
    /// let session = testing::session().proved(Factor::OtpSms).proved(Factor::OtpSms).build();
    /// assert!(payout.evaluate(&session, testing::NOW).is_err());
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if `needed` is 0 or more than the number of clauses, or if the policy would have
    /// [more than 1,024 clauses or 128 levels](crate::policy).
    #[must_use]
    #[track_caller]
    pub fn at_least(needed: usize, clauses: impl NonEmpty) -> Self {
        let clauses = clauses.into_policies();
        assert!(
            (1..=clauses.len()).contains(&needed),
            "Policy::at_least: needed must be from 1 to the number of clauses ({}), not {needed}",
            clauses.len()
        );
        Self::of(Clause::AtLeast(needed, clauses))
    }

    /// Works like [`all_of`](Self::all_of), for a list that is known only at run time.
    ///
    /// # Errors
    ///
    /// Returns a [`ListError`] if the list is empty or has more than 64 clauses, or if the policy
    /// would have more than 1,024 clauses or 128 levels.
    pub fn try_all_of<I>(clauses: I) -> Result<Self, ListError>
    where
        I: IntoIterator<Item: Into<Self>>,
    {
        Self::try_of(Clause::AllOf(collect(clauses)?))
    }

    /// Works like [`any_of`](Self::any_of), for a list that is known only at run time.
    ///
    /// # Errors
    ///
    /// Returns a [`ListError`] if the list is empty or has more than 64 clauses, or if the policy
    /// would have more than 1,024 clauses or 128 levels.
    pub fn try_any_of<I>(clauses: I) -> Result<Self, ListError>
    where
        I: IntoIterator<Item: Into<Self>>,
    {
        Self::try_of(Clause::AnyOf(collect(clauses)?))
    }

    /// Works like [`at_least`](Self::at_least), for a list that is known only at run time.
    ///
    /// # Errors
    ///
    /// Returns a [`ListError`] if the list is empty or has more than 64 clauses, if `needed` is 0
    /// or more than the number of clauses, or if the policy would have more than 1,024 clauses or
    /// 128 levels.
    pub fn try_at_least<I>(needed: usize, clauses: I) -> Result<Self, ListError>
    where
        I: IntoIterator<Item: Into<Self>>,
    {
        let clauses = collect(clauses)?;
        if !(1..=clauses.len()).contains(&needed) {
            return Err(ListError::OutOfRange { needed, clauses: clauses.len() });
        }
        Self::try_of(Clause::AtLeast(needed, clauses))
    }
}

fn collect<I>(clauses: I) -> Result<Vec<Policy>, ListError>
where
    I: IntoIterator<Item: Into<Policy>>,
{
    let clauses: Vec<Policy> =
        clauses.into_iter().take(MAX_LIST_LENGTH + 1).map(Into::into).collect();
    match clauses.len() {
        0 => Err(ListError::Empty),
        1..=MAX_LIST_LENGTH => Ok(clauses),
        _ => Err(ListError::TooLong),
    }
}

impl Policy {
    /// # Panics
    ///
    /// Panics if the policy would be too large.
    #[track_caller]
    pub(super) fn of(clause: Clause) -> Self {
        let policy = Self::unbounded(clause);
        assert!(!policy.extent().is_too_large(), "{}", ListError::PolicyTooLarge);
        policy
    }

    pub(super) fn try_of(clause: Clause) -> Result<Self, ListError> {
        let policy = Self::unbounded(clause);
        if policy.extent().is_too_large() { Err(ListError::PolicyTooLarge) } else { Ok(policy) }
    }
}

/// An error building a policy from a list of clauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The list is empty: `all_of` would demand nothing, and `any_of` could never be met.
    #[error("a policy needs at least one clause")]
    Empty,
    /// The list has more than 64 clauses.
    #[error("the list has more than {MAX_LIST_LENGTH} clauses")]
    TooLong,
    /// The policy would have more than 1,024 clauses or 128 levels.
    #[error("the policy has more than {MAX_CLAUSES} clauses or {MAX_LEVELS} levels")]
    PolicyTooLarge,
    /// The number given to `at_least` is 0 or more than the number of clauses.
    #[error("at_least must be from 1 to the number of clauses ({clauses}), not {needed}")]
    OutOfRange {
        /// The number given to `at_least`.
        needed: usize,
        /// The number of clauses in the list.
        clauses: usize,
    },
}

/// An array of 1 to 16 clauses: either all [`Policy`] or all [`Factor`](crate::Factor). An empty
/// array does not compile.
#[diagnostic::on_unimplemented(
    message = "a policy needs an array of 1 to 16 clauses",
    label = "not an array of 1 to 16 policies or factors",
    note = "an empty list would demand nothing (`all_of`) or could never be met (`any_of`)",
    note = "for a longer list, or one known only at run time, use one of `try_all_of`, `try_any_of`, `try_at_least`"
)]
pub trait NonEmpty: sealed::Sealed {
    #[doc(hidden)]
    fn into_policies(self) -> Vec<Policy>;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: only this crate implements it")]
    pub trait Sealed {}
}

macro_rules! non_empty {
    ($($length:literal)*) => {$(
        impl<T: Into<Policy>> sealed::Sealed for [T; $length] {}

        impl<T: Into<Policy>> NonEmpty for [T; $length] {
            fn into_policies(self) -> Vec<Policy> {
                self.into_iter().map(Into::into).collect()
            }
        }
    )*};
}

non_empty!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
