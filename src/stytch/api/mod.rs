//! Stytch's API of sessions.

mod answer;
mod error;

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

/// Stytch's API of sessions: which of them are alive, fresh tokens for these, and their end. A
/// handle, cheap to clone.
///
/// ```no_run
/// use tower_step_up::sessions::PresentedToken;
/// use tower_step_up::stytch;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let project = stytch::Project::new("project-live-185e9a9f-8bab-42f2-a924-953a59e8ff94")?;
/// let sessions = project.sessions_api(&std::env::var("STYTCH_SECRET")?);
///
/// let token = PresentedToken::SessionToken("what the cookie stytch_session holds".into());
/// match sessions.authenticate(&token).await {
///     Ok(tokens) => println!("{} bytes of a fresh JWT", tokens.session_jwt.len()),
///     Err(error) if error.error_type() == Some("session_not_found") => {
///         println!("it has ended")
///     }
///     Err(error) => println!("nobody can say: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// - It is asked at `https://api.stytch.com` where the project's id begins with `project-live-`,
///   else at `https://test.stytch.com`; at the project's custom domain where one is set, or at a
///   [base URL](Self::base_url).
/// - A question takes at most 5 s, a second try included, and 256 KiB; redirects are not followed.
///   Up to 16 idle connections are kept for 30 s, and clones share them.
/// - Where there is no connection, or it is gone before an answer begins, it is asked a second
///   time, once and at once. That is harmless: to authenticate a session twice leaves what once
///   leaves, and one that is revoked twice has ended. After a timeout or a status it is not asked
///   again.
/// - A session is authenticated as it is: it ends when it would have ended, unless it is to be
///   [prolonged](Self::prolong).
/// - `Debug`, errors and logs show neither the secret nor a token.
///
/// # As an authority
///
/// What it answers, as a [`SessionAuthority`]; only where no session is alive is somebody signed
/// out for it:
///
/// | the API | `authenticate` | `revoke` | `revoke_by_token` |
/// | --- | --- | --- | --- |
/// | 200 with both tokens | the tokens | | |
/// | 200 that says `status_code` 200 | | done | done |
/// | 4xx `session_not_found` | `UnknownSession` | done | `UnknownSession` |
/// | 4xx `invalid_session_token`, `unable_to_parse_session_jwt` | `UnknownSession` | `Unavailable` | `UnknownSession` |
/// | 401 `unauthorized_credentials`, and all other statuses | `Unavailable` | `Unavailable` | `Unavailable` |
/// | 429 and 503 with `Retry-After` | `Unavailable` with that time | the same | the same |
/// | no answer, or one that makes no sense | `Unavailable` | `Unavailable` | `Unavailable` |
///
/// A token that is empty, longer than 16 KiB or has characters that no cookie can carry is unknown
/// without a question.
///
/// Needs a tokio runtime with time and I/O (`enable_all`) once it is asked; to construct it takes
/// none.
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

pub(super) const KEPT_CONNECTIONS: usize = 16;
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
        // Base64 can always be a value; without credentials the API would refuse.
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

    /// Asks at this URL, which the paths of the API are added to (`http://127.0.0.1:8080`,
    /// `https://gateway.example/stytch`): HTTPS, or plain HTTP to this machine.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL cannot be read, has a query, or is plain HTTP to another
    /// machine.
    pub fn base_url(self, url: &str) -> Result<Self, EndpointError> {
        let url = endpoint::parse(url)?;
        if url.query().is_some() {
            return Err(EndpointError::InvalidUrl);
        }
        let base_url = format!("{}{}", endpoint::origin(&url), url.path().trim_end_matches('/'));
        Ok(self.with(|settings| settings.base_url = base_url.into()))
    }

    /// Trusts these certificate authorities too, given in PEM, beside those of Mozilla's programme.
    /// Its connections are no longer shared with others of the project.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointError::InvalidRoots`] if the text holds no certificate, and
    /// [`EndpointError::InvalidRoot`] if one of them cannot be a root.
    pub fn trust_roots(self, pem: &[u8]) -> Result<Self, EndpointError> {
        let client = self.0.client.trusting(pem)?;
        Ok(self.with(|settings| settings.client = client))
    }

    /// How long a question may take, a second try included; 5 s by default, at least 10 ms and at
    /// most 1 minute.
    #[must_use]
    pub fn timeout(self, duration: Duration) -> Self {
        self.with(|settings| settings.timeout = duration.clamp(MIN_TIMEOUT, MAX_TIMEOUT))
    }

    /// Lets each authentication set the end of the session to this time from then on, as Stytch's
    /// `session_duration_minutes` does: in whole minutes, at least 5 and at most 527,040 (366
    /// days). By default none does.
    #[must_use]
    pub fn prolong(self, time: Duration) -> Self {
        self.with(|settings| {
            settings.prolong = Some((time.as_secs() / 60).clamp(MIN_MINUTES, MAX_MINUTES))
        })
    }

    /// The live session of this token, with fresh tokens (`POST /v1/sessions/authenticate`, or its
    /// B2B sibling).
    ///
    /// The JWT may have expired. The fresh one is not verified here.
    ///
    /// # Errors
    ///
    /// Returns an error if the API does not say that the session is alive, whatever the reason.
    pub async fn authenticate(&self, token: &PresentedToken) -> Result<SessionTokens, ApiError> {
        let (name, text) = kind_and_text(token);
        let mut question = json!({ name: text });
        if let (Some(minutes), Some(members)) = (self.0.prolong, question.as_object_mut()) {
            members.insert("session_duration_minutes".into(), minutes.into());
        }
        answer::tokens(&self.ask("authenticate", &question).await?)
    }

    /// Ends the session of this id (`POST /v1/sessions/revoke`, or its B2B sibling).
    ///
    /// # Errors
    ///
    /// Returns an error if the API does not say that it has ended it. One that is not there any
    /// more is an error of the type `session_not_found`; the [`SessionAuthority`] takes that for
    /// done.
    pub async fn revoke(&self, session_id: &str) -> Result<(), ApiError> {
        let name = match self.0.tenancy {
            Tenancy::Consumer => "session_id",
            Tenancy::B2b => "member_session_id",
        };
        self.revoke_named(name, session_id).await
    }

    /// Ends the session of this token, by the same endpoint as [`revoke`](Self::revoke).
    ///
    /// # Errors
    ///
    /// Returns an error if the API does not say that it has ended it.
    pub async fn revoke_by_token(&self, token: &PresentedToken) -> Result<(), ApiError> {
        let (name, text) = kind_and_text(token);
        self.revoke_named(name, text).await
    }

    async fn revoke_named(&self, name: &str, value: &str) -> Result<(), ApiError> {
        answer::confirmation(&self.ask("revoke", &json!({ name: value })).await?)
    }

    /// The JSON of a 200.
    async fn ask(&self, endpoint: &str, question: &Value) -> Result<Bytes, ApiError> {
        let Settings { tenancy, base_url, authorization, client, timeout, .. } = &*self.0;
        let path = match tenancy {
            Tenancy::Consumer => "v1/sessions",
            Tenancy::B2b => "v1/b2b/sessions",
        };
        let url = format!("{base_url}/{path}/{endpoint}");
        let bounds = Bounds { timeout: *timeout, body_bytes: BODY_BYTES };
        let (head, body) =
            client.post_json(&url, authorization, question.to_string(), bounds).await?;
        answer::json(&head, body)
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
