//! Carries out the order of a logout token.

use std::sync::Arc;
use std::time::Duration;

use http::Response;

use super::error::LogoutError;
use super::{event, form};
use crate::cache_control;
use crate::detached::detached_within;
use crate::token::{Logout, RevocationError, Revoked, Verifier};

/// The settings of the service.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) verifier: Verifier,
    pub(super) clients: Vec<Box<str>>,
    pub(super) timeout: Duration,
}

impl Receiver {
    /// Answers a request with this body, or one that was refused already.
    pub(super) async fn answer(
        self: Arc<Self>,
        body: Result<Vec<u8>, LogoutError>,
    ) -> Response<String> {
        let outcome = match body {
            Ok(body) => self.log_out(&body).await,
            Err(why) => Err(why),
        };
        event::record(&outcome);
        match outcome {
            Ok(_) => {
                let mut response = Response::new(String::new());
                cache_control::forbid_storing(response.headers_mut());
                response
            }
            Err(why) => why.into_response(),
        }
    }

    async fn log_out(&self, body: &[u8]) -> Result<Revoked, LogoutError> {
        let Self { verifier, clients, timeout } = self;
        let token = form::token(body)?;
        let Logout { revoked, at } = verifier.verify_logout(&token, clients).await?;
        let (verifier, target) = (verifier.clone(), revoked.clone());
        let write = async move { verifier.revoke(target, at).await };
        let recorded = detached_within(*timeout, write).await;
        recorded.unwrap_or_else(|cause| Err(RevocationError::Failed(cause)))?;
        Ok(revoked)
    }
}
