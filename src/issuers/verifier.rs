//! The verifier and the guard of an issuer.

use std::sync::Arc;

use super::error::IssuerError;
use super::issuer::{Issuer, Keys};
use crate::excerpt::Excerpt;
use crate::keys::KeySource;
#[cfg(feature = "remote")]
use crate::keys::{EndpointError, RemoteKeys};
use crate::layer::StepUpLayer;
use crate::token::{ClaimRule, ProfiledTokens, Verifier};

impl Issuer {
    /// Returns a guard for the issuer's tokens. It demands that a user signed in, until you
    /// [require](StepUpLayer::require) more. It reads the token from the `Authorization` header, and
    /// then from the [cookie](Self::cookie), if there is one.
    ///
    /// # Errors
    ///
    /// Returns [`IssuerError`] if a setting breaks a rule.
    pub fn guard(&self) -> Result<StepUpLayer, IssuerError> {
        let guard = StepUpLayer::new(self.verifier()?);
        Ok(guard.default_credentials(self.sources.iter().cloned()))
    }

    /// Returns a verifier of the issuer's tokens. Each call returns another verifier, with its own
    /// cache, and with its own revocations unless [`revocations`](Self::revocations) has set a store.
    /// [`Verifier::any_of`] combines the verifiers of several issuers.
    ///
    /// # Errors
    ///
    /// Returns [`IssuerError`] if a setting breaks a rule.
    pub fn verifier(&self) -> Result<Verifier, IssuerError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        self.tokens.terms.names.check()?;
        let is_audience = |rule: &ClaimRule| {
            matches!(
                rule,
                ClaimRule::Audience(_) | ClaimRule::ClientAudience(_) | ClaimRule::Client { .. }
            )
        };
        if !self.any_audience && !self.tokens.rules.iter().any(is_audience) {
            return Err(IssuerError::NoAudience(Excerpt::of(Some(&self.name))));
        }
        let verifier = Verifier::profiled(
            &self.name,
            self.other_names.clone(),
            self.key_source()?,
            self.algorithms.clone(),
            ProfiledTokens { rules: self.effective_rules(), ..self.tokens.clone() },
        );
        let verifier = match &self.revocations {
            Some(revocations) => verifier.with_shared_revocations(Arc::clone(revocations)),
            None => verifier,
        };
        Ok(if self.refuse_impersonation { verifier.refuse_impersonation() } else { verifier })
    }

    /// Returns the configured URL of the key set, or `None` if discovery finds it.
    #[cfg(all(test, feature = "remote"))]
    pub(crate) fn key_set_url(&self) -> Option<&str> {
        match &self.keys {
            Keys::Url(url) => Some(url),
            _ => None,
        }
    }

    fn key_source(&self) -> Result<Arc<dyn KeySource>, IssuerError> {
        match &self.keys {
            Keys::Source(source) => Ok(Arc::clone(source)),
            Keys::Discovery => self.remote_keys(None),
            Keys::Url(url) => self.remote_keys(Some(url)),
        }
    }

    #[cfg(feature = "remote")]
    fn remote_keys(&self, url: Option<&str>) -> Result<Arc<dyn KeySource>, IssuerError> {
        let keys = match url {
            Some(url) => RemoteKeys::new(url),
            None => RemoteKeys::discovered(&self.name),
        };
        let failed = |source: EndpointError| IssuerError::Keys {
            issuer: Excerpt::of(Some(&self.name)),
            source,
        };
        Ok(Arc::new(keys.map_err(failed)?))
    }

    #[cfg(not(feature = "remote"))]
    fn remote_keys(&self, _: Option<&str>) -> Result<Arc<dyn KeySource>, IssuerError> {
        Err(IssuerError::NoKeys(Excerpt::of(Some(&self.name))))
    }
}
