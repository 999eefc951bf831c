//! The service at the address to which issuers send logout tokens.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::form;
use super::future::LogoutFuture;
use super::receiver::Receiver;
use crate::token::Verifier;

/// A service that receives the logout tokens of issuers and revokes what they name. Cheap to clone.
///
/// Give it the verifier of the guards. If other verifiers share its
/// [revocations](crate::Verifier::revocations), in this process or another, configure their issuers alike:
/// a revocation names the issuer and an id, and both follow from the issuer's settings. Also name the clients whose logout tokens it
/// accepts: the audience of a logout token is a client id, not the audience of the service's access
/// tokens. Then mount it without a guard, at the address that the clients have registered:
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use http::{Request, StatusCode};
/// use tower::ServiceExt;
/// use tower_step_up::issuers::keycloak;
/// use tower_step_up::logout::BackChannelLogout;
/// use tower_step_up::testing::{self, TestIssuer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let realm = keycloak("https://login.example.com/realms/shop", "https://api.example.com");
/// let issuer = TestIssuer::standing_in_for(realm.require_present("sid"))?;
/// let guard = issuer.guard(); // in an application: realm.guard()?
/// let logout = BackChannelLogout::new(guard.verifier().clone(), ["web"]);
/// let app = Router::new()
///     .route("/account", get("your account").layer(guard))
///     .route_service("/backchannel-logout", logout);
///
/// let session = testing::session();
/// let account = || {
///     let token = format!("Bearer {}", issuer.mint(&session));
///     Request::get("/account").header("authorization", token).body(Body::empty())
/// };
/// assert_eq!(app.clone().oneshot(account()?).await?.status(), StatusCode::OK);
///
/// let sign_out = Request::post("/backchannel-logout")
///     .header("content-type", "application/x-www-form-urlencoded")
///     .body(format!("logout_token={}", issuer.logout_token("web", &session)))?;
/// assert_eq!(app.clone().oneshot(sign_out).await?.status(), StatusCode::OK);
/// assert_eq!(app.oneshot(account()?).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
///
/// # What ends
///
/// Tokens of an issuer may lack `sid`. Then a `sid` does not tell which tokens to refuse, and all
/// sessions of the user end. If all tokens of your issuer have `sid`, call
/// [`require_present("sid")`](crate::issuers::Issuer::require_present). Do not set another
/// [source](crate::issuers::Issuer::session_id) of the session's id.
///
/// | the logout token has | what ends | and if `sid` is required |
/// | --- | --- | --- |
/// | `sub` | the user's sessions that began before the token was issued | the same |
/// | `sub` and `sid` | the same | that session |
/// | `sid` | nothing: the answer is 400, and an error is logged | that session |
///
/// A `sub` has to be the [user's id](crate::Session::user_id) in the tokens that the guards accept.
/// If the issuer gives each client another subject (`pairwise`), require `sid`.
///
/// A revocation is dated at the token's `iat`, not at its later arrival. A replayed logout token therefore
/// ends nothing more: a session that the user began after the logout goes on. This is how each `jti`
/// counts only once, without a memory of them. A user who signs in again within the verifier's
/// [leeway](crate::Verifier::leeway) after a logout of all sessions is still refused.
///
/// # What is checked
///
/// The issuer is one of the verifier's, and the token is signed with one of its keys and algorithms.
/// Logout tokens are signed as ID tokens are, which may be with another algorithm than access tokens:
/// let the issuer accept [both](crate::issuers::Issuer::algorithms). `typ` is `logout+jwt`, `JWT` or
/// absent. `aud` contains one of the clients, and `events` the logout event. The token has `jti`, `iat`
/// and `exp`, and its times are right, within the leeway. It has no `nonce`. The
/// [maximum age](crate::Verifier::max_token_age) of tokens applies here too, because an older logout
/// concerns no token that could still be accepted.
///
/// Stytch sends no logout tokens. One that names a Stytch project as its issuer is refused.
///
/// # Responses
///
/// | situation | status |
/// | --- | --- |
/// | the logout is recorded, or there was no such session | 200 |
/// | the request or the logout token is not valid | 400, or 413 if the body has more than 64 KiB |
/// | the method is not POST | 405 |
/// | keys are unavailable, or the store did not record the revocation | 503 with `Retry-After` |
///
/// Each response has `Cache-Control: no-store`. Each logout and each refusal is logged with the
/// target `tower_step_up::logout`. The service limits the size of a body but not the time for it,
/// which is the server's task. It needs a tokio runtime with a timer.
#[derive(Clone, Debug)]
pub struct BackChannelLogout(Arc<Receiver>);

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const MIN_TIMEOUT: Duration = Duration::from_millis(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

impl BackChannelLogout {
    /// Creates a service that accepts the logout tokens of this verifier's issuers for these clients.
    /// Without a client, it refuses every logout token.
    #[must_use]
    pub fn new<C: Into<Box<str>>>(
        verifier: Verifier,
        clients: impl IntoIterator<Item = C>,
    ) -> Self {
        let clients = clients.into_iter().map(Into::into).collect();
        Self(Arc::new(Receiver { verifier, clients, timeout: DEFAULT_TIMEOUT }))
    }

    /// Sets how long the store may take to record a revocation. The default is 5 s, and the limits
    /// are 10 ms and 60 s. The write continues if the issuer goes away.
    #[must_use]
    pub fn timeout(mut self, duration: Duration) -> Self {
        Arc::make_mut(&mut self.0).timeout = duration.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
        self
    }
}

impl<B: Body> Service<Request<B>> for BackChannelLogout {
    /// A response with a text as its body, which axum and hyper accept.
    type Response = Response<String>;
    type Error = Infallible;
    type Future = LogoutFuture<B>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, body) = request.into_parts();
        LogoutFuture::new(Arc::clone(&self.0), form::check_head(&head), body)
    }
}
