//! The part of the configuration that is about revocations which several processes share.

use std::time::Duration;

use super::{Guard, StepUpLayer};
use crate::token::RevocationsUnavailable;

/// How long a client should wait if the replica is too old. The replica tries to read about as often.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl StepUpLayer {
    /// Sets how old the verifier's knowledge of revocations may be, if processes share
    /// [them](crate::Verifier::revocations). If it is older, because the shared store does not respond,
    /// the guard answers with 503 and `Retry-After`. The default is 30 s.
    ///
    /// A store reads at intervals, so its replica is a little old even if all is well: with
    /// `tower-step-up-redis` up to about a second. Choose 2 s or more.
    ///
    /// With [`Duration::MAX`] the guard goes on for as long as the store does not respond. It then
    /// accepts the sessions that other processes have revoked meanwhile, until their tokens expire.
    /// Whatever the limit, a guard answers with 503 until the process has read the revocations once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_step_up::{Policy, testing};
    ///
    /// let guard = testing::TestIssuer::new().guard().max_replica_age(Duration::from_secs(10));
    /// let transfer = guard.require(Policy::mfa());
    /// // Reading the news matters more than a revocation.
    /// let news = guard.max_replica_age(Duration::MAX);
    /// ```
    #[must_use]
    pub fn max_replica_age(&self, age: Duration) -> Self {
        self.with(|guard| guard.max_replica_age = age)
    }
}

impl Guard {
    /// Checks that the replica of the revocations is young enough for this guard.
    #[inline]
    pub(in crate::layer) fn check_replica(&self) -> Result<(), RevocationsUnavailable> {
        match self.verifier.replica_age() <= self.max_replica_age {
            true => Ok(()),
            false => Err(RevocationsUnavailable { retry_after: RETRY_AFTER }),
        }
    }
}
