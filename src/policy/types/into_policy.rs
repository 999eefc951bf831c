//! The results of functions that return a policy for a request.

use std::error::Error;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use super::list::ListError;
use super::policy::Policy;
use crate::factor::Factor;

/// The result of a function that returns a policy for a request: a [`Policy`], a [`Factor`], or a
/// `Result` with one of them. See [`StepUpLayer::require_with`](crate::StepUpLayer::require_with).
///
/// This is a trait because most such functions cannot fail, and then they should return a plain
/// [`Policy`]. The error of a `Result` can be of any type that converts into a boxed error, also a
/// text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "expected a `Policy`, a `Factor`, or a `Result` with one of them",
    note = "the error of the `Result` must be `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait IntoPolicy {
    /// Returns the policy.
    ///
    /// # Errors
    ///
    /// Returns the error of the function.
    fn into_policy(self) -> Result<Policy, Box<dyn Error + Send + Sync>>;
}

impl IntoPolicy for Policy {
    fn into_policy(self) -> Result<Policy, Box<dyn Error + Send + Sync>> {
        Ok(self)
    }
}

impl IntoPolicy for Factor {
    fn into_policy(self) -> Result<Policy, Box<dyn Error + Send + Sync>> {
        Ok(self.into())
    }
}

impl<P, E> IntoPolicy for Result<P, E>
where
    P: Into<Policy>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn into_policy(self) -> Result<Policy, Box<dyn Error + Send + Sync>> {
        self.map(Into::into).map_err(Into::into)
    }
}

/// The reason why a guard has no policy for a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// The function of [`require_with`](crate::StepUpLayer::require_with) returned this error. The
    /// log shows its text and those of its sources, so they must not contain tokens.
    Failed(Arc<dyn Error + Send + Sync>),
    /// The function of [`require_with`](crate::StepUpLayer::require_with) panicked. The crate does
    /// not log the message of the panic. The panic hook may print it.
    Panicked,
    /// The guard's policy and those of the functions would be too large together.
    TooLarge(ListError),
}

/// A guard only reads the error of a function, whatever its type.
impl UnwindSafe for PolicyError {}
impl RefUnwindSafe for PolicyError {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the function for the request's policy failed",
            Self::Panicked => "the function for the request's policy panicked",
            Self::TooLarge(_) => "the policies for the request are too large together",
        })
    }
}

/// Implemented manually, because `thiserror` would return the `Arc`, which cannot be downcast to
/// the cause.
impl Error for PolicyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(cause) => Some(&**cause),
            Self::Panicked => None,
            Self::TooLarge(cause) => Some(cause),
        }
    }
}
