//! The reasons why a guard refuses requests.

use std::time::Duration;

use http::{Response, StatusCode};

use crate::credentials::CredentialError;
use crate::intent::{IntentId, IntentsUnavailable};
use crate::keys::KeysUnavailable;
use crate::policy::{PolicyError, Shortfall};
use crate::resource::InsufficientScope;
use crate::seconds::whole_seconds_up;
use crate::token::{RevocationsUnavailable, TokenError, VerifyError};

/// The reason why a guard refused a request.
///
/// A layer outside the guard reads it from the response with [`Rejection::of`]:
///
/// ```
/// use http::Response;
/// use tower_step_up::Rejection;
///
/// /// Returns a label for a metric, or `None` if no guard refused the request.
/// fn label<B>(response: &Response<B>) -> Option<&'static str> {
///     Rejection::of(response).map(Rejection::reason)
/// }
///
/// assert_eq!(label(&Response::new("from a handler")), None);
/// ```
///
/// Each kind of refusal is a variant:
///
/// ```
/// use tower_step_up::token::{SessionError, TimeError};
/// use tower_step_up::{Rejection, TokenError};
///
/// /// Returns whether the user only has to sign in again, since the token or session is over.
/// fn is_over(why: &Rejection) -> bool {
///     matches!(
///         why,
///         Rejection::InvalidToken(
///             TokenError::Time(TimeError::Expired { .. })
///                 | TokenError::Session(SessionError::Ended { .. })
///         )
///     )
/// }
///
/// assert!(!is_over(&Rejection::NoCredentials));
/// assert!(!is_over(&Rejection::InvalidToken(SessionError::Revoked.into())));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The request carries no credentials where the guard looks for them.
    #[error("the request carries no credentials")]
    NoCredentials,
    /// The guard cannot determine which token the request carries.
    #[error(transparent)]
    InvalidRequest(CredentialError),
    /// The token is not valid.
    #[error(transparent)]
    InvalidToken(TokenError),
    /// The session is genuine but does not meet the policy. The client has to step up.
    #[error(transparent)]
    StepUpRequired(Shortfall),
    /// The session meets the policy, but its token lacks [scopes](crate::StepUpLayer::require_scopes).
    /// The client has to ask the issuer for a token that has all of them.
    #[error(transparent)]
    InsufficientScope(InsufficientScope),
    /// The keys that verify the token are unavailable.
    #[error(transparent)]
    KeysUnavailable(KeysUnavailable),
    /// The session has to be renewed or confirmed, and the authority is unavailable.
    #[error("the session cannot be renewed or confirmed now")]
    AuthorityUnavailable {
        /// How long a client should wait before it tries again.
        retry_after: Duration,
    },
    /// The guard currently cannot tell whether the session was revoked.
    #[error(transparent)]
    RevocationsUnavailable(RevocationsUnavailable),
    /// The action was [confirmed](crate::Once::confirm) with this intent already.
    #[error("this action was confirmed already")]
    IntentUsed(IntentId),
    /// The store of [intents](crate::intent) is full or does not respond.
    #[error(transparent)]
    IntentsUnavailable(IntentsUnavailable),
    /// The guard cannot tell which policy the request has to meet, because a function of
    /// [`require_with`](crate::StepUpLayer::require_with) failed. This is an error of the server.
    #[error(transparent)]
    PolicyError(PolicyError),
}

/// A rejection in the extensions of a response.
#[derive(Clone)]
struct Refused(Rejection);

/// [`Rejection::NoCredentials`] in the extensions of a response. It has no size, so inserting it
/// allocates no memory. That keeps the refusal cheap, because anyone can cause it as often as they
/// like.
#[derive(Clone)]
struct WithoutCredentials;

impl Rejection {
    /// Returns the rejection that a guard attached to this response, or `None` if no guard refused
    /// the request. Call this in a layer outside the guard. With axum, that is a layer that a later
    /// call of `Router::layer` adds, or one before the guard in a tuple of layers. A layer in
    /// between that builds a new response loses the rejection.
    #[must_use]
    pub fn of<B>(response: &Response<B>) -> Option<&Self> {
        let extensions = response.extensions();
        let refused = extensions.get().map(|Refused(why)| why);
        refused.or_else(|| extensions.get().map(|WithoutCredentials| &Self::NoCredentials))
    }

    /// Attaches this rejection to a response and removes any other.
    pub(crate) fn attach_to<B>(self, response: &mut Response<B>) {
        let extensions = response.extensions_mut();
        match self {
            Self::NoCredentials => {
                extensions.remove::<Refused>();
                extensions.insert(WithoutCredentials);
            }
            why => {
                extensions.remove::<WithoutCredentials>();
                extensions.insert(Refused(why));
            }
        }
    }

    /// Returns the status of this refusal.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::InvalidToken(_) | Self::StepUpRequired(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Self::KeysUnavailable(_)
            | Self::AuthorityUnavailable { .. }
            | Self::RevocationsUnavailable(_)
            | Self::IntentsUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::IntentUsed(_) => StatusCode::CONFLICT,
            Self::PolicyError(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the stable name of the reason, for logs and metrics: `no_credentials`,
    /// `step_up_required`, `insufficient_scope`, `keys_unavailable`, `authority_unavailable`,
    /// `revocations_unavailable`, `intent_used`, `intents_unavailable`, `policy_error`, or the name that
    /// [`CredentialError::reason`] or [`TokenError::reason`] returns, such as `several_cookies`,
    /// `token_expired` and `session_revoked`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::InvalidRequest(error) => error.reason(),
            Self::InvalidToken(error) => error.reason(),
            Self::StepUpRequired(_) => "step_up_required",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::KeysUnavailable(_) => "keys_unavailable",
            Self::AuthorityUnavailable { .. } => "authority_unavailable",
            Self::RevocationsUnavailable(_) => "revocations_unavailable",
            Self::IntentUsed(_) => "intent_used",
            Self::IntentsUnavailable(_) => "intents_unavailable",
            Self::PolicyError(_) => "policy_error",
        }
    }

    /// Returns how many whole seconds a client should wait before it tries again, at least 1, or
    /// `None` if the status is not 503.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::KeysUnavailable(KeysUnavailable { retry_after })
            | Self::AuthorityUnavailable { retry_after }
            | Self::RevocationsUnavailable(RevocationsUnavailable { retry_after })
            | Self::IntentsUnavailable(IntentsUnavailable { retry_after, .. }) => {
                Some(whole_seconds_up(*retry_after).max(1))
            }
            Self::NoCredentials
            | Self::InvalidRequest(_)
            | Self::InvalidToken(_)
            | Self::StepUpRequired(_)
            | Self::InsufficientScope(_)
            | Self::IntentUsed(_)
            | Self::PolicyError(_) => None,
        }
    }

    /// Returns the id of the [intent](crate::intent) that the answer is about: the one that the retry has
    /// to name, or the one that is used. It is `None` for every refusal of a guard itself.
    #[must_use]
    pub fn intent(&self) -> Option<&str> {
        match self {
            Self::StepUpRequired(shortfall) => shortfall.intent(),
            Self::IntentUsed(intent) => Some(intent.as_str()),
            Self::NoCredentials
            | Self::InvalidRequest(_)
            | Self::InvalidToken(_)
            | Self::InsufficientScope(_)
            | Self::KeysUnavailable(_)
            | Self::AuthorityUnavailable { .. }
            | Self::RevocationsUnavailable(_)
            | Self::IntentsUnavailable(_)
            | Self::PolicyError(_) => None,
        }
    }
}

impl From<VerifyError> for Rejection {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Token(error) => Self::InvalidToken(error),
            VerifyError::KeysUnavailable(error) => Self::KeysUnavailable(error),
            VerifyError::RevocationsUnavailable(error) => Self::RevocationsUnavailable(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::SessionError;

    #[test]
    fn a_response_has_only_its_last_rejection() {
        let revoked = || Rejection::InvalidToken(SessionError::Revoked.into());
        let mut response = Response::new(());
        for (why, want) in [
            (Rejection::NoCredentials, "no_credentials"),
            (revoked(), "session_revoked"),
            (Rejection::NoCredentials, "no_credentials"),
        ] {
            why.attach_to(&mut response);
            assert_eq!(Rejection::of(&response).map(Rejection::reason), Some(want));
        }
        assert_eq!(response.extensions().len(), 1);
    }
}
