//! Declarations of an application about its issuer's names.

use std::mem;
use std::sync::Arc;

use super::issuer::Issuer;
use crate::factor::Factor;
use crate::profile::{Names, StepUpBy};

impl Issuer {
    /// Declares that a name in `amr` proves one of these factors. With several factors, the token
    /// does not say which of them it was.
    #[must_use]
    pub fn amr(self, name: &str, factors: impl IntoIterator<Item = Factor>) -> Self {
        self.declare(|names| names.amr(name, factors))
    }

    /// Narrows what a name in `amr` can mean to some of the factors that the profile lists for it,
    /// because the application has turned the others off.
    #[must_use]
    pub fn narrow(self, name: &str, factors: impl IntoIterator<Item = Factor>) -> Self {
        self.declare(|names| names.narrow(name, factors))
    }

    /// Declares values of `acr`, the least demanding first. Each includes those before it. A value
    /// that is not declared does not count.
    #[must_use]
    pub fn acr_values<'v>(self, values: impl IntoIterator<Item = &'v str>) -> Self {
        self.declare(|names| names.acr_values(values))
    }

    /// Declares a value of `acr`, and what the issuer guarantees for it: one of these lists of
    /// factors.
    #[must_use]
    pub fn acr<A: IntoIterator<Item = Factor>>(
        self,
        value: &str,
        alternatives: impl IntoIterator<Item = A>,
    ) -> Self {
        self.declare(|names| names.acr(value, alternatives))
    }

    /// Declares that a value of `acr` includes these, which are declared already. List every value
    /// that it includes.
    #[must_use]
    pub fn acr_includes<'v>(
        self,
        value: &str,
        included: impl IntoIterator<Item = &'v str>,
    ) -> Self {
        self.declare(|names| names.acr_includes(value, included))
    }

    /// Declares that the issuer has another name for a declared value of `acr`. The old name does not
    /// count any more.
    #[must_use]
    pub fn acr_renamed(self, value: &str, name: &str) -> Self {
        self.declare(|names| names.acr_renamed(value, name))
    }

    /// Declares that the issuer states this value of `acr` after the user has used one of these methods,
    /// for an issuer that is asked for [methods](StepUpBy::Methods).
    #[must_use]
    pub fn acr_after<'m>(self, value: &str, methods: impl IntoIterator<Item = &'m str>) -> Self {
        self.declare(|names| names.acr_after(value, methods))
    }

    /// Declares that a proof of these factors, if a token states one, was made at `auth_time` or
    /// later. Declare this only if the issuer asks for these factors whenever it moves `auth_time`.
    #[must_use]
    pub fn auth_time_covers(self, factors: impl IntoIterator<Item = Factor>) -> Self {
        self.declare(|names| names.auth_time_covers(factors))
    }

    /// Declares that every proof and assertion that a token states was made at `auth_time` or later.
    /// Declare this only if the issuer asks for everything again whenever it moves `auth_time`. Most
    /// issuers ask only for what is missing.
    #[must_use]
    pub fn auth_time_covers_all(self) -> Self {
        self.declare(Names::auth_time_covers_all)
    }

    /// Declares that the tokens state `auth_time`, for a profile that reads it although the issuer leaves it
    /// out by default, as [`entra`](super::entra) does. A policy can then limit the age of the sign-in.
    /// Look at a token first: if it lacks `auth_time`, clients are sent to sign in again and again.
    #[must_use]
    pub fn states_auth_time(mut self) -> Self {
        Arc::make_mut(&mut self.tokens.terms).capabilities.dates_sign_in = true;
        self
    }

    /// Sets what a client can ask the issuer for, if a session does not meet a policy.
    #[must_use]
    pub fn step_up_by(mut self, step_up_by: StepUpBy) -> Self {
        Arc::make_mut(&mut self.tokens.terms).step_up_by = step_up_by;
        self
    }

    fn declare(mut self, change: impl FnOnce(Names) -> Names) -> Self {
        let terms = Arc::make_mut(&mut self.tokens.terms);
        terms.names = change(mem::take(&mut terms.names));
        self
    }
}
