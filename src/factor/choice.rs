//! Statements that can mean several things.

use super::{AuthenticationFactor, dated_after};
use crate::moment::Moment;

/// An ambiguous statement of a token. One of its alternatives is true, but the token does not say
/// which.
///
/// For example, the name `otp` can mean a code by SMS or by email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The name that the token uses, such as `otp`.
    pub(crate) name: Box<str>,
    /// At least one alternative, each a list of proofs. A decision refuses a choice without any.
    pub(crate) alternatives: Box<[Box<[AuthenticationFactor]>]>,
}

impl Choice {
    pub(crate) fn new(
        name: &str,
        alternatives: impl IntoIterator<Item = Vec<AuthenticationFactor>>,
    ) -> Self {
        let alternatives = alternatives.into_iter().map(Into::into).collect();
        Self { name: name.into(), alternatives }
    }

    /// Returns every proof of every alternative.
    pub(crate) fn proofs(&self) -> impl Iterator<Item = &AuthenticationFactor> {
        self.alternatives.iter().flatten()
    }

    /// Returns the choice with only those proofs that are dated later than this. The number of its
    /// alternatives stays the same.
    pub(crate) fn dated_after(&self, after: Moment) -> Self {
        Self::new(&self.name, self.alternatives.iter().map(|one| dated_after(one, after)))
    }

    /// Returns roughly how many bytes the choice has on the heap.
    pub(crate) fn own_bytes(&self) -> usize {
        let proofs = self.proofs().map(|proof| size_of_val(proof) + proof.factor().own_bytes());
        self.name.len() + size_of_val(&*self.alternatives) + proofs.sum::<usize>()
    }
}
