//! The guard: what it does with a request.
//!
//! 1. The guard looks for a credential in its [sources](crate::credentials::CredentialSource), in
//!    order. It uses the first that it finds and ignores the others. If a source is ambiguous, such
//!    as two cookies of one name with different values, the response is a 400.
//!    [`CredentialError`](crate::credentials::CredentialError) lists these cases.
//! 2. The guard's [`Verifier`](crate::Verifier) turns the token into a [`Session`](crate::Session).
//!    If the token's key is not known yet, the request waits for keys: less than 6 s with
//!    `RemoteKeys`, unless its `timeout` changes that. A guard that
//!    [renews](crate::StepUpLayer::renew_with) exchanges an expired JWT or an opaque session token
//!    at the authority. With [`confirmed_within`](crate::StepUpLayer::confirmed_within) it also
//!    asks the authority to confirm the session. The request waits for that too, for at most 5.5 s
//!    unless [`Sessions::timeout`](crate::Sessions::timeout) changes it.
//! 3. The guard evaluates its [`Policy`](crate::Policy) at the time of the verifier's clock, which
//!    it reads after any wait. A guard with [`require_with`](crate::StepUpLayer::require_with) adds
//!    the policy for this request. A guard with
//!    [`require_scopes`](crate::StepUpLayer::require_scopes) then checks the scopes of the token.
//! 4. The guard puts the [`Grant`](crate::Grant) into the request's extensions and calls the inner
//!    service. An optional guard that found no credential calls it without a grant.
//! 5. If the client receives fresh tokens, the guard adds them to the response, with
//!    `Cache-Control: no-store`. Otherwise it adds `Cache-Control: private` to the response for a
//!    session, unless the handler has set `Cache-Control`.
//!
//! The guard refuses any other request. Its [`Respond`](crate::Respond) builds the response, and
//! the request's body is dropped unread.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_step_up::{Factor, Grant, Policy, testing};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let issuer = testing::TestIssuer::new();
//! let guard = issuer.guard().require(Policy::mfa());
//! let service = guard.layer(service_fn(|request: Request<Full<Bytes>>| async move {
//!     let grant = request.extensions().get::<Grant>().expect("a guard stands in front");
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(
//!         grant.session().user_id().to_owned(),
//!     )))
//! }));
//!
//! let with_factors = |factors: &[Factor]| {
//!     let session = factors
//!         .iter()
//!         .fold(testing::session(), |session, factor| session.proved(factor.clone()));
//!     Request::get("/")
//!         .header("authorization", format!("Bearer {}", issuer.mint(&session)))
//!         .body(Full::default())
//! };
//! let accepted =
//!     service.clone().oneshot(with_factors(&[Factor::Password, Factor::OtpSms])?).await?;
//! assert_eq!(accepted.status(), StatusCode::OK);
//!
//! let refused = service.oneshot(with_factors(&[Factor::Password])?).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The guide says [where to put a guard](crate::guide::placing_the_guard) and
//! [what it logs](crate::guide::operating#logs).

mod additions;
mod body;
mod decide;
mod decision;
mod event;
mod findings;
mod future;
pub(crate) mod guard;
mod issuer_finding;
pub(crate) mod once;
mod remedy;
mod renewal;
mod service;

pub use self::body::ResponseBody;
#[cfg(feature = "axum")]
pub(crate) use self::future::Anonymous;
pub use self::future::ResponseFuture;
pub(crate) use self::guard::StepUpLayer;
pub use self::issuer_finding::IssuerFinding;
pub use self::once::{Cause, MissingOnce, OnceError};
pub use self::service::StepUp;
