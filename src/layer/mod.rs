//! The guard.
//!
//! # The rule
//!
//! A request reaches the service behind a [`StepUpLayer`] only where a session JWT in it is genuine
//! and current and its session meets the guard's policy:
//!
//! 1. The first [`CredentialSource`](crate::credentials::CredentialSource) that is in the request
//!    decides, alone. Two cookies of one name that differ, or two such headers, are a 400.
//! 2. The guard's [`Verifier`](crate::Verifier) makes a [`Session`](crate::Session) of the token.
//!    Where its key is not known yet, the request waits for keys; with `RemoteKeys` under 6 s.
//!    A guard that [renews](crate::StepUpLayer::renew_with) can exchange a JWT that has expired, or
//!    an opaque session token, and have sessions confirmed. Then it waits for that too, 5.5 s at
//!    most unless [`Sessions::timeout`](crate::Sessions::timeout) changes it.
//! 3. The guard's [`Policy`](crate::Policy) is evaluated at the time of the verifier's clock, read
//!    after any wait.
//! 4. The [`Grant`](crate::Grant) goes into the request's extensions, and the request on.
//!
//! Every other request is answered by the guard's [`Respond`](crate::Respond), and its body is
//! dropped unread.
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
//! # Nested guards
//!
//! Guards only strengthen each other: a request must pass each. An inner guard with the same
//! verifier (a clone, or a guard made from the same guard) takes over the session that the outer
//! one verified; its grant ends no later than the outer's. Where the outer one has renewed the
//! session, the inner one has to be made from it, or has to renew too: what the request carries is
//! still the old token.
//!
//! # Gateways
//!
//! A gateway that forwards requests sends the token that the guard judged, since what the client
//! has sent may have expired and been renewed:
//!
//! ```
//! use http::{HeaderMap, HeaderValue, header};
//! use tower_step_up::Grant;
//!
//! /// Puts the session's token where the service behind the gateway looks for it, and nowhere else.
//! fn forward(grant: &Grant, headers: &mut HeaderMap) -> Result<(), header::InvalidHeaderValue> {
//!     let mut bearer =
//!         HeaderValue::try_from(format!("Bearer {}", grant.session().jwt().as_str()))?;
//!     bearer.set_sensitive(true);
//!     headers.insert(header::AUTHORIZATION, bearer);
//!     headers.remove(header::COOKIE);
//!     Ok(())
//! }
//! ```
//!
//! # Where to put it
//!
//! - `post(handler).layer(guard).get(other)` leaves `get` open: a layer covers only the methods
//!   added before it. Put it last.
//! - `Router::layer` covers unknown paths too, and health checks that are routes of that router:
//!   they get 401. `Router::route_layer` covers neither the fallback nor routes added later.
//! - The CORS layer belongs outside: it answers OPTIONS, which carries no credentials. Browsers see
//!   the challenge only with `expose_headers([WWW_AUTHENTICATE])`.
//! - HEAD runs through a GET route and is guarded like it.
//! - With other middleware on one axum route: a tuple in one call, `.layer((outside, guard,
//!   inside))`; several calls in a row may leave the compiler without a type.
//! - A concurrency limit belongs outside: a guard that refuses has taken the permit of the service
//!   behind it.
//! - Timeouts belong outside, so that they cover the wait for keys and sessions.
//!
//! # Logs
//!
//! One `tracing` event per decision, with the target `tower_step_up::guard` and these fields:
//! `decision` (`granted`, `anonymous` or `refused`), `policy`, `reason`, `detail`, `status`,
//! `session_id` and `user_id` if a session was granted or has to step up. The `detail` of a step-up
//! has each unmet clause with its limit and what was proved: `otp/sms within 10m: stale, otp/sms
//! (11m ago); totp within 10m: missing`. Method and path are not among them: a span around the
//! guard, such as tower-http's `TraceLayer` makes, has them. Grants are on the level DEBUG,
//! refusals on INFO, unavailable keys, revocations and sessions on WARN, and so are the warnings
//! about weak policies when guards are made. Tokens, addresses and phone numbers are never in them.

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
