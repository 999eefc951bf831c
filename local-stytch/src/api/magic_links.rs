//! `/v1/magic_links`

use axum::extract::State;
use serde::Deserialize;
use url::Url;

use super::{
    Body, Shared,
    otps::{EmailSent, MethodAuthenticated, OrCreated, Recipient},
    reply::{Authenticated, HandlerResult, Reply},
    request::{Options, SessionFields, check_attributes, given, minutes},
};
use crate::{
    error::Refusal,
    state::{Attributes, Contact, LinkRequest},
};

/// The target of a link that was sent without a URL, as in a fresh test project.
pub(crate) const DEFAULT_URL: &str = "http://localhost:3000/authenticate";

#[derive(Deserialize)]
pub(crate) struct Send {
    email: String,
    #[serde(flatten)]
    link: Link,
    #[serde(flatten)]
    recipient: Recipient,
}

#[derive(Deserialize)]
pub(crate) struct LoginOrCreate {
    email: String,
    create_user_as_pending: Option<bool>,
    #[serde(flatten)]
    link: Link,
}

#[derive(Deserialize)]
struct Link {
    login_magic_link_url: Option<String>,
    signup_magic_link_url: Option<String>,
    login_expiration_minutes: Option<i64>,
    signup_expiration_minutes: Option<i64>,
    attributes: Option<Attributes>,
    code_challenge: Option<String>,
}

impl Link {
    /// Checks the fields for a login or a signup link. By default, a login link is valid for 60
    /// minutes and a signup link for a week.
    fn check(self, signup: bool) -> Result<LinkRequest, Refusal> {
        let (url, expiration, default) = if signup {
            (self.signup_magic_link_url, self.signup_expiration_minutes, 10_080)
        } else {
            (self.login_magic_link_url, self.login_expiration_minutes, 60)
        };
        let url = given(url);
        Ok(LinkRequest {
            url: parse_url(url.as_deref().unwrap_or(DEFAULT_URL))
                .ok_or(Refusal::InvalidMagicLinkUrl)?,
            life: minutes(expiration, default, 5..=10_080, Refusal::InvalidExpiration)?,
            attributes: check_attributes(self.attributes)?.unwrap_or_default(),
            code_challenge: check_challenge(self.code_challenge)?,
        })
    }
}

/// Returns the URL of a link, if it is an http or https URL of at most 2048 bytes.
pub(crate) fn parse_url(url: &str) -> Option<Url> {
    let parsed = if url.len() <= 2048 { Url::parse(url).ok()? } else { return None };
    matches!(parsed.scheme(), "http" | "https").then_some(parsed)
}

/// Returns the PKCE challenge, if the call has one.
pub(crate) fn check_challenge(challenge: Option<String>) -> Result<Option<String>, Refusal> {
    let challenge = given(challenge);
    if challenge.as_ref().is_some_and(|challenge| challenge.len() > 128) {
        return Err(Refusal::InvalidField(
            "code_challenge must be the base64url of a SHA-256 hash.",
        ));
    }
    Ok(challenge)
}

pub(crate) async fn send(
    State(app): Shared,
    Body(request): Body<Send>,
) -> HandlerResult<EmailSent> {
    let email = Contact::email(&request.email)?;
    let link = request.link.check(false)?;
    let user_id = request.recipient.user_id(&app)?;
    Ok(Reply(app.state().send_link(email, user_id.as_deref(), link, app.now())?.into()))
}

pub(crate) async fn login_or_create(
    State(app): Shared,
    Body(request): Body<LoginOrCreate>,
) -> HandlerResult<OrCreated<EmailSent>> {
    let email = Contact::email(&request.email)?;
    let pending = request.create_user_as_pending.unwrap_or_default();
    let link = |signup| request.link.check(signup);
    Ok(Reply(app.state().send_link_or_create(email, pending, link, app.now())?.into()))
}

#[derive(Deserialize)]
pub(crate) struct Authenticate {
    token: String,
    code_verifier: Option<String>,
    options: Option<Options>,
    #[serde(flatten)]
    session: SessionFields,
}

pub(crate) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<MethodAuthenticated> {
    let session_request = request.session.check(&app)?;
    let required = Options::require(request.options, &session_request);
    let verifier = given(request.code_verifier);
    let now = app.now();
    let (user, method_id, session) = {
        let mut state = app.state();
        let (user_id, email_id, session) = state.authenticate_link(
            &request.token,
            verifier.as_deref(),
            &required,
            session_request,
            now,
        )?;
        (state.users.get(&user_id)?.clone(), email_id, session)
    };
    let authenticated = Authenticated::new(&app, user, session, now)?;
    Ok(Reply(MethodAuthenticated { method_id, reset_sessions: false, authenticated }))
}
