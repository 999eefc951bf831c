//! The statements that only tokens of issuers other than Stytch make: sign-ins, assertions and
//! choices.

use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Proof, SessionBuilder, before};
use crate::factor::{Assertion, AuthenticationFactor, Choice, Factor};
use crate::session::BeyondStytch;
use crate::testing::NOW;

/// The sign-in, the assertions and the choices of a session.
#[derive(Clone, Default)]
pub(super) struct Statements {
    /// When the user signed in. The inner `None` is an unknown time.
    signed_in: Option<Option<Duration>>,
    assertions: Vec<(Assertion, Proof)>,
    choices: Vec<(String, Vec<Factor>, Proof)>,
}

impl SessionBuilder {
    /// Adds the issuer's word that the user signed in, at a time that the token does not state.
    #[must_use]
    pub fn signed_in(mut self) -> Self {
        self.statements.signed_in = Some(None);
        self
    }

    /// Adds the issuer's word that the user signed in this long ago (`auth_time`).
    #[must_use]
    pub fn signed_in_ago(mut self, age: Duration) -> Self {
        self.statements.signed_in = Some(Some(age));
        self
    }

    /// Adds the issuer's assertion of an authentication context class. It has no date.
    #[must_use]
    pub fn acr(self, value: &str) -> Self {
        self.asserted(Assertion::acr(value), Proof::Undated)
    }

    /// Adds the issuer's assertion of a method's name. It has no date.
    #[must_use]
    pub fn amr(self, name: &str) -> Self {
        self.asserted(Assertion::amr(name), Proof::Undated)
    }

    /// Adds the issuer's assertion of a method's name, which was used this long ago.
    #[must_use]
    pub fn amr_ago(self, name: &str, age: Duration) -> Self {
        self.asserted(Assertion::amr(name), Proof::Ago(age))
    }

    /// Adds one of these factors, without a date. The token does not say which of them it was, only
    /// this name.
    #[must_use]
    pub fn one_of(self, name: &str, factors: impl IntoIterator<Item = Factor>) -> Self {
        self.choice(name, factors, Proof::Undated)
    }

    /// Adds one of these factors, which was proved this long ago. The token does not say which of
    /// them it was, only this name.
    #[must_use]
    pub fn one_of_ago(
        self,
        name: &str,
        factors: impl IntoIterator<Item = Factor>,
        age: Duration,
    ) -> Self {
        self.choice(name, factors, Proof::Ago(age))
    }

    fn asserted(mut self, assertion: Assertion, proof: Proof) -> Self {
        self.statements.assertions.push((assertion, proof));
        self
    }

    fn choice(
        mut self,
        name: &str,
        factors: impl IntoIterator<Item = Factor>,
        proof: Proof,
    ) -> Self {
        self.statements.choices.push((name.into(), factors.into_iter().collect(), proof));
        self
    }
}

impl Statements {
    pub(super) fn is_empty(&self) -> bool {
        self.signed_in.is_none() && self.assertions.is_empty() && self.choices.is_empty()
    }

    /// Returns the assertions and the sign-in as proofs.
    pub(super) fn assertions(&self) -> impl Iterator<Item = AuthenticationFactor> {
        let sign_in =
            self.signed_in.map(|age| (Assertion::SIGN_IN, age.map_or(Proof::Undated, Proof::Ago)));
        let undated = self.signed_in.map(|_| (Assertion::SIGN_IN, Proof::Undated));
        let all = sign_in.into_iter().chain(undated).chain(self.assertions.iter().cloned());
        all.map(|(assertion, proof)| {
            AuthenticationFactor::new(Factor::Asserted(assertion), proof.date(NOW))
        })
    }

    pub(super) fn beyond_stytch(
        &self,
        factors: usize,
        started: Option<Duration>,
    ) -> Option<BeyondStytch> {
        if self.is_empty() {
            return None;
        }
        let choices = self.choices.iter().map(|(name, factors, proof)| {
            let one =
                |factor: &Factor| vec![AuthenticationFactor::new(factor.clone(), proof.date(NOW))];
            Choice::new(name, factors.iter().map(one))
        });
        let began = started.or(self.signed_in.flatten()).unwrap_or_default();
        let began_at = before(NOW, began).to_utc();
        Some(BeyondStytch { factors, choices: choices.collect(), began_at, terms: None })
    }

    /// Returns the claims of OpenID Connect for the sign-in and the assertions. A choice is its name
    /// in `amr`.
    pub(super) fn claims(&self, now: OffsetDateTime) -> Map<String, Value> {
        let mut claims = Map::new();
        if let Some(age) = self.signed_in.flatten() {
            claims.insert("auth_time".into(), before(now, age).unix_timestamp().into());
        }
        let acr = self.assertions.iter().find_map(|(assertion, _)| assertion.acr_value());
        claims.extend(acr.map(|acr| ("acr".into(), acr.into())));
        let asserted = self.assertions.iter().filter_map(|(assertion, _)| assertion.amr_name());
        let named = self.choices.iter().map(|(name, ..)| &**name);
        let amr: Vec<_> = asserted.chain(named).map(Value::from).collect();
        if !amr.is_empty() {
            claims.insert("amr".into(), amr.into());
        }
        claims
    }
}
