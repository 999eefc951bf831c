//! The methods that an issuer can be asked for, as sets of what each would prove.

use time::OffsetDateTime;

use crate::factor::{Assertion, AuthenticationFactor, Factor};
use crate::moment::Moment;
use crate::policy::types::Policy;
use crate::profile::Terms;

/// The maximum number of factors or methods on offer that are considered.
pub(super) const MAX_OFFERED: usize = 24;

/// A method that an issuer can be asked for, by the name that its tokens use.
pub(super) struct Method {
    pub(super) name: Box<str>,
    /// The factor that the name stands for. If it stands for several, it is the first one.
    pub(super) factor: Factor,
    /// The sets of what the issuer may say that the user proved. Usually there is one. Each is a bit
    /// set over the proofs of [`Methods`].
    pub(super) alternatives: Vec<u32>,
}

impl Method {
    /// Returns the issuer's assertion that the method was used.
    pub(super) fn amr(&self) -> Factor {
        Factor::Asserted(Assertion::amr(&self.name))
    }
}

/// The methods on offer, and everything that they may prove.
pub(super) struct Methods {
    pub(super) proofs: Vec<(Factor, Moment)>,
    pub(super) all: Vec<Method>,
    /// Whether a proof counts only if it has a date.
    are_new: bool,
    /// Whether a method was left out because there are too many.
    pub(super) truncated: bool,
}

impl Methods {
    /// Returns the methods with these names. If factors are `offered`, only the methods that may prove
    /// one of them are left. If the proofs `are_new`, one without a date is left out,
    /// because it may be an old one.
    pub(super) fn new<'n>(
        terms: &Terms,
        names: impl IntoIterator<Item = &'n str>,
        offered: Option<&[Factor]>,
        policy: &Policy,
        at: OffsetDateTime,
        are_new: bool,
    ) -> Self {
        let mut methods = Self { proofs: Vec::new(), all: Vec::new(), are_new, truncated: false };
        let named = policy.named_factors();
        for name in names {
            if offered.is_some_and(|offered| !is_offered(terms, name, offered)) {
                continue;
            }
            let is_full = methods.all.len() == MAX_OFFERED;
            let method = (!is_full).then(|| methods.method(terms, name, &named, at)).flatten();
            match method {
                Some(method) => methods.all.push(method),
                None => methods.truncated = true,
            }
        }
        methods
    }

    /// Returns a method, or `None` if its proofs do not fit into a bit set.
    fn method(
        &mut self,
        terms: &Terms,
        name: &str,
        named: &[Factor],
        at: OffsetDateTime,
    ) -> Option<Method> {
        let evidence = terms.after_methods([name], at);
        // A name or a level as such matters only if the policy mentions it.
        let sign_in = Factor::Asserted(Assertion::SIGN_IN);
        let matters = |proof: &&AuthenticationFactor| {
            let factor = proof.factor();
            !factor.is_assertion() || *factor == sign_in || named.contains(factor)
        };
        let certain = self.set(evidence.proofs.iter().filter(matters))?;
        let choices = evidence.choices.iter().flat_map(|choice| &choice.alternatives);
        let mut alternatives = Vec::new();
        for alternative in choices {
            alternatives.push(certain | self.set(alternative.iter())?);
        }
        if alternatives.is_empty() {
            alternatives.push(certain);
        }
        Some(Method { name: name.into(), factor: first_factor(terms, name), alternatives })
    }

    /// Returns the bit set of these proofs.
    fn set<'p>(&mut self, proofs: impl Iterator<Item = &'p AuthenticationFactor>) -> Option<u32> {
        let mut set = 0;
        for proof in proofs.filter(|proof| !self.are_new || proof.date().moment().is_some()) {
            let at = proof.date().moment().unwrap_or(Moment::DISTANT_PAST);
            let proof = (proof.factor().clone(), at);
            let place = self.proofs.iter().position(|known| *known == proof);
            let place = place.unwrap_or(self.proofs.len());
            if place == self.proofs.len() {
                self.proofs.push(proof);
            }
            set |= 1_u32.checked_shl(u32::try_from(place).ok()?)?;
        }
        Some(set)
    }
}

/// Returns the first factor that a name stands for, or the issuer's assertion of the name.
pub(super) fn first_factor(terms: &Terms, name: &str) -> Factor {
    let first = terms.names.candidates(name).first().cloned();
    first.unwrap_or_else(|| Factor::Asserted(Assertion::amr(name)))
}

/// Returns whether a method may prove one of these factors. A name without a known factor counts as
/// offered.
pub(super) fn is_offered(terms: &Terms, name: &str, offered: &[Factor]) -> bool {
    let candidates = terms.names.candidates(name);
    candidates.is_empty() || candidates.iter().any(|factor| offered.contains(factor))
}
