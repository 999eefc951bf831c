//! The issuer of the customer's tokens.

use tower_step_up::testing::{self, SessionBuilder, TestIssuer};
use tower_step_up::{Factor, StepUpLayer, SystemClock};

/// A stand-in for a Stytch project, with its own key. It knows one customer, Ada.
#[derive(Clone, Debug)]
pub struct Issuer(TestIssuer);

impl Issuer {
    /// Creates an issuer with a new key.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no randomness for a key.
    #[must_use]
    pub fn new() -> Self {
        Self(TestIssuer::new().clock(SystemClock))
    }

    /// Returns a guard that demands any session of this issuer.
    #[must_use]
    pub fn guard(&self) -> StepUpLayer {
        self.0.guard()
    }

    /// Signs Ada in with her password alone, and returns the token of her session.
    #[must_use]
    pub fn sign_in(&self) -> String {
        self.0.mint(&ada())
    }

    /// Adds a factor to Ada's session, and returns the new token. A real issuer first asks her for
    /// a code.
    #[must_use]
    pub fn step_up(&self, factor: Factor) -> String {
        self.0.mint(&ada().proved(factor))
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

fn ada() -> SessionBuilder {
    testing::session().user("ada").proved(Factor::Password)
}
