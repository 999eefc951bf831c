//! `/v1/webauthn`

use axum::extract::State;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Body, Shared,
    reply::{Authenticated, HandlerResult, Reply},
    request::{SessionFields, given},
};
use crate::{
    error::Refusal,
    passkeys::{Authenticator, Domain},
    state::{RegistrationRequest, User},
};

/// The maximum length of a user agent, in bytes.
const USER_AGENT: usize = 512;
/// The maximum length of a user's name in the options, in bytes.
const NAME: usize = 128;

#[derive(Deserialize)]
pub(crate) struct RegisterStart {
    user_id: String,
    domain: String,
    user_agent: Option<String>,
    authenticator_type: Option<String>,
    return_passkey_credential_options: Option<bool>,
    override_name: Option<String>,
    override_display_name: Option<String>,
    use_base64_url_encoding: Option<bool>,
}

#[derive(Serialize)]
pub(crate) struct RegisterStarted {
    user_id: String,
    /// JSON text.
    public_key_credential_creation_options: String,
}

pub(crate) async fn register_start(
    State(app): Shared,
    Body(request): Body<RegisterStart>,
) -> HandlerResult<RegisterStarted> {
    let user_agent = request.user_agent.unwrap_or_default();
    if user_agent.len() > USER_AGENT {
        return Err(Refusal::InvalidField("user_agent is limited to 512 bytes."));
    }
    let authenticator = request.authenticator_type.unwrap_or_default();
    let registration = RegistrationRequest {
        domain: Domain::new(&request.domain).ok_or(Refusal::InvalidDomain)?,
        authenticator: Authenticator::new(&authenticator)
            .ok_or(Refusal::InvalidAuthenticatorType)?,
        user_agent,
        passkey: request.return_passkey_credential_options.unwrap_or_default(),
    };
    let (mut options, user) = {
        let mut state = app.state();
        let options = state.start_registration(&request.user_id, registration, app.now())?;
        (options, state.users.get(&request.user_id)?.clone())
    };
    let name = checked_name(request.override_name)?.unwrap_or_else(|| name_of(&user));
    let shown = checked_name(request.override_display_name)?.unwrap_or_else(|| name.clone());
    if let Some(shown_user) = options.get_mut("user").and_then(Value::as_object_mut) {
        shown_user.insert("name".into(), name.into());
        shown_user.insert("displayName".into(), shown.into());
    }
    Ok(Reply(RegisterStarted {
        user_id: request.user_id,
        public_key_credential_creation_options: text(options, request.use_base64_url_encoding),
    }))
}

#[derive(Deserialize)]
pub(crate) struct Register {
    user_id: String,
    public_key_credential: String,
    #[serde(flatten)]
    session: SessionFields,
}

#[derive(Serialize)]
pub(crate) struct WithRegistration {
    webauthn_registration_id: String,
    #[serde(flatten)]
    authenticated: Authenticated,
}

pub(crate) async fn register(
    State(app): Shared,
    Body(request): Body<Register>,
) -> HandlerResult<WithRegistration> {
    let Register { user_id, public_key_credential, session } = request;
    let session_request = session.check(&app)?;
    let now = app.now();
    let (user, webauthn_registration_id, session) = {
        let mut state = app.state();
        let (id, session) =
            state.register(&user_id, &public_key_credential, session_request, now)?;
        (state.users.get(&user_id)?.clone(), id, session)
    };
    let authenticated = Authenticated::new(&app, user, session, now)?;
    Ok(Reply(WithRegistration { webauthn_registration_id, authenticated }))
}

#[derive(Deserialize)]
pub(crate) struct AuthenticateStart {
    domain: String,
    user_id: Option<String>,
    return_passkey_credential_options: Option<bool>,
    use_base64_url_encoding: Option<bool>,
}

#[derive(Serialize)]
pub(crate) struct AuthenticateStarted {
    /// Empty if the request names no user.
    user_id: String,
    /// JSON text.
    public_key_credential_request_options: String,
}

pub(crate) async fn authenticate_start(
    State(app): Shared,
    Body(request): Body<AuthenticateStart>,
) -> HandlerResult<AuthenticateStarted> {
    let domain = Domain::new(&request.domain).ok_or(Refusal::InvalidDomain)?;
    let user_id = given(request.user_id);
    let passkey = request.return_passkey_credential_options.unwrap_or_default();
    let options =
        app.state().start_authentication(user_id.as_deref(), domain, passkey, app.now())?;
    Ok(Reply(AuthenticateStarted {
        user_id: user_id.unwrap_or_default(),
        public_key_credential_request_options: text(options, request.use_base64_url_encoding),
    }))
}

#[derive(Deserialize)]
pub(crate) struct Authenticate {
    public_key_credential: String,
    #[serde(flatten)]
    session: SessionFields,
}

pub(crate) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<WithRegistration> {
    let session_request = request.session.check(&app)?;
    let now = app.now();
    let (user, webauthn_registration_id, session) = {
        let mut state = app.state();
        let response = &request.public_key_credential;
        let (user_id, id, session) = state.authenticate_passkey(response, session_request, now)?;
        (state.users.get(&user_id)?.clone(), id, session)
    };
    let authenticated = Authenticated::new(&app, user, session, now)?;
    Ok(Reply(WithRegistration { webauthn_registration_id, authenticated }))
}

fn checked_name(name: Option<String>) -> Result<Option<String>, Refusal> {
    match given(name) {
        Some(name) if name.len() > NAME => {
            Err(Refusal::InvalidField("A name in the options is limited to 128 bytes."))
        }
        name => Ok(name),
    }
}

/// Returns the name under which a browser lists the passkey.
fn name_of(user: &User) -> String {
    let email = user.emails.first().map(|email| &email.email);
    let phone = user.phone_numbers.first().map(|phone| &phone.phone_number);
    email.or(phone).unwrap_or(&user.user_id).clone()
}

/// Returns the options as text. Their bytes are in base64url if the caller asked for it, and else
/// in base64, except for the challenge: it is always in base64url, as Stytch sends it.
fn text(mut options: Value, base64_url: Option<bool>) -> String {
    if base64_url != Some(true)
        && let Some(options) = options.as_object_mut()
    {
        options.get_mut("user").and_then(Value::as_object_mut).map(id_to_base64);
        for list in ["allowCredentials", "excludeCredentials"] {
            let listed = options.get_mut(list).and_then(Value::as_array_mut);
            listed.into_iter().flatten().filter_map(Value::as_object_mut).for_each(id_to_base64);
        }
    }
    options.to_string()
}

fn id_to_base64(object: &mut Map<String, Value>) {
    if let Some(id) = object.get_mut("id")
        && let Some(Ok(bytes)) = id.as_str().map(|id| URL_SAFE_NO_PAD.decode(id))
    {
        *id = STANDARD.encode(bytes).into();
    }
}
