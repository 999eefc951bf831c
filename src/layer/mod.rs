//! The guard: what it does with a request.
//!
//! 1. The guard looks for a credential. The first
//!    [`CredentialSource`](crate::credentials::CredentialSource) that finds one decides alone. Two
//!    different cookies of one name, or two such headers, are a 400.
//! 2. The guard's [`Verifier`](crate::Verifier) turns the token into a
//!    [`Session`](crate::Session). If the token's key is not known yet, the request waits for keys,
//!    with `RemoteKeys` for less than 6 s. A guard that
//!    [renews](crate::StepUpLayer::renew_with) exchanges an expired JWT or an opaque session token,
//!    and can have the session confirmed. The request waits for that too, for at most 5.5 s unless
//!    [`Sessions::timeout`](crate::Sessions::timeout) changes it.
//! 3. The guard evaluates its [`Policy`](crate::Policy) at the time of the verifier's clock, which
//!    it reads after any wait.
//! 4. The guard puts the [`Grant`](crate::Grant) into the request's extensions and calls the inner
//!    service.
//!
//! The guard answers every other request through its [`Respond`](crate::Respond) and drops the
//! request's body unread.
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
mod future;
pub(crate) mod guard;
mod renewal;
mod service;

pub use self::body::ResponseBody;
#[cfg(feature = "axum")]
pub(crate) use self::future::Anonymous;
pub use self::future::ResponseFuture;
pub(crate) use self::guard::StepUpLayer;
pub use self::service::StepUp;
