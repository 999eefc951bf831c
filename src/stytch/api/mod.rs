//! Stytch's session API.

mod error;
mod response;
mod user;

pub use self::error::ApiError;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};

use crate::endpoint::{self, EndpointError};
use crate::excerpt::without_secrets;
use crate::http_client::{Bounds, HttpClient};
use crate::session::Tenancy;
use crate::sessions::authority::{
    self, AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority, SessionTokens,
};

/// A client of Stytch's session API. It checks whether a session is alive, fetches fresh tokens for
/// it, and ends it. It is cheap to clone.
///
/// ```no_run
/// use tower_step_up::sessions::PresentedToken;
/// use tower_step_up::stytch;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let project = stytch::Project::new("project-live-185e9a9f-8bab-42f2-a924-953a59e8ff94")?;
/// let sessions = project.sessions_api(&std::env::var("STYTCH_SECRET")?);
///
/// let token = PresentedToken::SessionToken("the value of the cookie stytch_session".into());
/// match sessions.authenticate(&token).await {
///     Ok(tokens) => println!("{} bytes of a fresh JWT", tokens.session_jwt.len()),
///     Err(error) if error.error_type() == Some("session_not_found") => {
///         println!("the session has ended")
///     }
///     Err(error) => println!("the session could not be checked: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// - The client calls `https://api.stytch.com` if the project's id begins with `project-live-`, and
///   `https://test.stytch.com` otherwise. A custom domain of the project or a [base
///   URL](Self::base_url) takes precedence.
/// - A call takes at most 5 s, including a second attempt, unless you set another
///   [timeout](Self::timeout). A response body may have at most 256 KiB. Redirects are not
///   followed. The client keeps up to 16 idle connections for 30 s, and clones share them.
/// - If the client cannot connect, or the connection is lost before a response begins, it tries
///   once more, immediately. That is harmless: authenticating a session twice has the same result
///   as once, and revoking it twice ends it all the same. The client does not try again after a
///   timeout, or after a response with any status.
/// - Authenticating a session does not change when it ends, unless you [prolong](Self::prolong) it.
/// - `Debug`, errors and logs show neither the secret nor a token.
///
/// # As an authority
///
/// As a [`SessionAuthority`], the client returns the results below. Only `UnknownSession` makes a
/// guard refuse the user's session. After any other failure the guard responds with 503.
///
/// | the API | `authenticate` | `revoke` | `revoke_by_token` |
/// | --- | --- | --- | --- |
/// | 200 with both tokens | the tokens | | |
/// | 200 whose body has `status_code` 200 | | done | done |
/// | 4xx `session_not_found` | `UnknownSession` | done | `UnknownSession` |
/// | 4xx `invalid_session_token`, `unable_to_parse_session_jwt` | `UnknownSession` | `Unavailable` | `UnknownSession` |
/// | 401 `unauthorized_credentials`, and all other statuses | `Unavailable` | `Unavailable` | `Unavailable` |
/// | 429 and 503 with `Retry-After` | `Unavailable` with that time | the same | the same |
/// | no response, or an invalid one | `Unavailable` | `Unavailable` | `Unavailable` |
///
/// `revoke_user` is done if the user has no live session left, or if the API responds with 4xx
/// `user_not_found` or `member_not_found`. Every other result is `Unavailable`.
///
/// If a token is empty, is longer than 16 KiB or has characters that no cookie can carry, the
/// result is `UnknownSession` without a call.
///
/// Calls need a tokio runtime with time and I/O (`enable_all`). Constructing the client does not.
#[derive(Clone)]
pub struct SessionsApi(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    project_id: Box<str>,
    tenancy: Tenancy,
    base_url: Box<str>,
    authorization: HeaderValue,
    client: HttpClient,
    timeout: Duration,
    prolong: Option<u64>,
}

pub(super) const MAX_IDLE_CONNECTIONS: usize = 16;
const BODY_BYTES: usize = 256 << 10;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const MIN_TIMEOUT: Duration = Duration::from_millis(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
const MIN_MINUTES: u64 = 5;
const MAX_MINUTES: u64 = 527_040;

impl SessionsApi {
    pub(super) fn new(
        project_id: &str,
        tenancy: Tenancy,
        base_url: &str,
        client: HttpClient,
        secret: &str,
    ) -> Self {
        let credentials = base64_simd::STANDARD.encode_to_string(format!("{project_id}:{secret}"));
        // Base64 is always a valid header value. With the fallback, the API would refuse every
        // call.
        let mut authorization = HeaderValue::try_from(format!("Basic {credentials}"))
            .unwrap_or(HeaderValue::from_static("Basic"));
        authorization.set_sensitive(true);
        Self(Arc::new(Settings {
            project_id: project_id.into(),
            tenancy,
            base_url: base_url.into(),
            authorization,
            client,
            timeout: DEFAULT_TIMEOUT,
            prolong: None,
        }))
    }

    /// Sets the URL to which the client adds the paths of the API (`http://127.0.0.1:8080`,
    /// `https://gateway.example/stytch`). The URL must use HTTPS, or plain HTTP to this machine.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL cannot be read, has a query or a user name, or uses plain HTTP
    /// to another machine.
    pub fn base_url(self, url: &str) -> Result<Self, EndpointError> {
        let url = endpoint::parse(url)?;
        if url.query().is_some() {
            return Err(EndpointError::InvalidUrl);
        }
        let base_url = format!("{}{}", endpoint::origin(&url), url.path().trim_end_matches('/'));
        Ok(self.with(|settings| settings.base_url = base_url.into()))
    }

    /// Trusts these certificate authorities (PEM) in addition to those of Mozilla's root program.
    /// The client then no longer shares connections with the project's other clients.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointError::InvalidRoots`] if the text holds no certificate, and
    /// [`EndpointError::InvalidRoot`] if one of them cannot be a root.
    pub fn trust_roots(self, pem: &[u8]) -> Result<Self, EndpointError> {
        let client = self.0.client.trusting(pem)?;
        Ok(self.with(|settings| settings.client = client))
    }

    /// Sets how long a call may take, including a second attempt. The default is 5 s, and the
    /// limits are 10 ms and 1 minute.
    #[must_use]
    pub fn timeout(self, duration: Duration) -> Self {
        self.with(|settings| settings.timeout = duration.clamp(MIN_TIMEOUT, MAX_TIMEOUT))
    }

    /// Prolongs the session at each authentication, so that it ends this long after the call
    /// (Stytch's `session_duration_minutes`). The time is in whole minutes, at least 5 and at most
    /// 527,040 (366 days). By default, authentication does not change the end.
    #[must_use]
    pub fn prolong(self, time: Duration) -> Self {
        self.with(|settings| {
            settings.prolong = Some((time.as_secs() / 60).clamp(MIN_MINUTES, MAX_MINUTES))
        })
    }

    /// Returns fresh tokens for this token's session if it is alive.
    ///
    /// The endpoint is `POST /v1/sessions/authenticate`, or its B2B counterpart. A JWT may have
    /// expired. The fresh one is not verified here.
    ///
    /// # Errors
    ///
    /// Returns an error if the API does not confirm that the session is alive, whatever the reason.
    pub async fn authenticate(&self, token: &PresentedToken) -> Result<SessionTokens, ApiError> {
        let (name, text) = kind_and_text(token);
        let mut request = json!({ name: text });
        if let (Some(minutes), Some(members)) = (self.0.prolong, request.as_object_mut()) {
            members.insert("session_duration_minutes".into(), minutes.into());
        }
        response::tokens(&self.ask("/authenticate", &request).await?)
    }

    /// Ends the session with this id. The endpoint is `POST /v1/sessions/revoke`, or its B2B
    /// counterpart.
    ///
    /// # Errors
    ///
    /// Returns an error if the API does not confirm that it has ended the session. If the session
    /// no longer exists, the error's type is `session_not_found`, which the [`SessionAuthority`]
    /// treats as success.
    pub async fn revoke(&self, session_id: &str) -> Result<(), ApiError> {
        let name = match self.0.tenancy {
            Tenancy::Consumer => "session_id",
            Tenancy::B2b => "member_session_id",
        };
        self.revoke_named(name, session_id).await
    }

    /// Ends the session of this token, through the same endpoint as [`revoke`](Self::revoke).
    ///
    /// # Errors
    ///
    /// Returns an error if the API does not confirm that it has ended the session.
    pub async fn revoke_by_token(&self, token: &PresentedToken) -> Result<(), ApiError> {
        let (name, text) = kind_and_text(token);
        self.revoke_named(name, text).await
    }

    async fn revoke_named(&self, name: &str, value: &str) -> Result<(), ApiError> {
        response::confirmation(&self.ask("/revoke", &json!({ name: value })).await?)
    }

    /// Calls an endpoint and returns the body of a response with status 200 and JSON content.
    async fn ask(&self, endpoint: &str, request: &Value) -> Result<Bytes, ApiError> {
        let Settings { authorization, client, timeout, .. } = &*self.0;
        let bounds = Bounds { timeout: *timeout, body_bytes: BODY_BYTES };
        let (url, json) = (self.url(endpoint), request.to_string());
        let (head, body) = client.post_json(&url, authorization, json, bounds).await?;
        response::json(&head, body)
    }

    fn url(&self, endpoint: &str) -> String {
        let path = match self.0.tenancy {
            Tenancy::Consumer => "v1/sessions",
            Tenancy::B2b => "v1/b2b/sessions",
        };
        format!("{}/{path}{endpoint}", self.0.base_url)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

fn kind_and_text(token: &PresentedToken) -> (&'static str, &str) {
    match token {
        PresentedToken::SessionJwt(jwt) => ("session_jwt", jwt),
        PresentedToken::SessionToken(token) => ("session_token", token),
    }
}

impl SessionAuthority for SessionsApi {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        let api = self.clone();
        Box::pin(async move {
            if !authority::can_be_a_cookie(kind_and_text(&token).1) {
                return Err(AuthorityError::UnknownSession);
            }
            api.authenticate(&token).await.map_err(ApiError::into_authority_error)
        })
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        let api = self.clone();
        Box::pin(async move {
            match api.revoke(&session_id).await {
                Err(error) if !error.is_of_an_ended_session() => Err(error.into_unavailable()),
                _ => Ok(()),
            }
        })
    }

    fn revoke_user(&self, user_id: String) -> AuthorityFuture<()> {
        let api = self.clone();
        Box::pin(async move {
            match api.revoke_user(&user_id).await {
                Err(error) if !error.is_of_no_user() => Err(error.into_unavailable()),
                _ => Ok(()),
            }
        })
    }

    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        let api = self.clone();
        Box::pin(async move {
            if !authority::can_be_a_cookie(kind_and_text(&token).1) {
                return Err(AuthorityError::UnknownSession);
            }
            api.revoke_by_token(&token).await.map_err(ApiError::into_authority_error)
        })
    }
}

impl fmt::Debug for SessionsApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsApi")
            .field("project_id", &self.0.project_id)
            .field("base_url", &without_secrets(&self.0.base_url))
            .finish_non_exhaustive()
    }
}
