//! The routes of Stytch's consumer API, and the authorization of both APIs.

pub(crate) mod magic_links;
mod otps;
pub(crate) mod passwords;
mod plain_json;
pub(crate) mod reply;
pub(crate) mod request;
mod resets;
pub(crate) mod sessions;
pub(crate) mod totps;
pub(crate) mod users;
mod webauthn;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};

pub(crate) use self::{
    reply::mint,
    request::{BODY, Body, NewSessionFields, one_session},
};
use crate::{app::App, b2b, error::Refusal};

/// The shared application, as handlers extract it.
pub(crate) type Shared = State<Arc<App>>;

pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/v1/passwords", post(passwords::create))
        .route("/v1/passwords/authenticate", post(passwords::authenticate))
        .route("/v1/passwords/strength_check", post(passwords::strength_check))
        .route("/v1/passwords/email/reset/start", post(resets::start))
        .route("/v1/passwords/email/reset", post(resets::by_email))
        .route("/v1/passwords/existing_password/reset", post(resets::by_password))
        .route("/v1/passwords/session/reset", post(resets::by_session))
        .route("/v1/otps/sms/send", post(otps::sms_send))
        .route("/v1/otps/sms/login_or_create", post(otps::sms_login_or_create))
        .route("/v1/otps/email/send", post(otps::email_send))
        .route("/v1/otps/email/login_or_create", post(otps::email_login_or_create))
        .route("/v1/otps/authenticate", post(otps::authenticate))
        .route("/v1/magic_links/email/send", post(magic_links::send))
        .route("/v1/magic_links/email/login_or_create", post(magic_links::login_or_create))
        .route("/v1/magic_links/authenticate", post(magic_links::authenticate))
        .route("/v1/totps", post(totps::create))
        .route("/v1/totps/authenticate", post(totps::authenticate))
        .route("/v1/totps/recovery_codes", post(totps::recovery_codes))
        .route("/v1/totps/recover", post(totps::recover))
        .route("/v1/webauthn/register/start", post(webauthn::register_start))
        .route("/v1/webauthn/register", post(webauthn::register))
        .route("/v1/webauthn/authenticate/start", post(webauthn::authenticate_start))
        .route("/v1/webauthn/authenticate", post(webauthn::authenticate))
        .route("/v1/users", post(users::create))
        .route("/v1/users/search", post(users::search))
        .route("/v1/users/{user_id}", get(users::get).put(users::update).delete(users::delete))
        .route("/v1/users/emails/{email_id}", delete(users::delete_email))
        .route("/v1/users/phone_numbers/{phone_id}", delete(users::delete_phone_number))
        .route("/v1/users/totps/{totp_id}", delete(users::delete_totp))
        .route("/v1/users/webauthn_registrations/{id}", delete(users::delete_webauthn_registration))
        .route("/v1/users/passwords/{password_id}", delete(users::delete_password))
        .route("/v1/sessions", get(sessions::get))
        .route("/v1/sessions/authenticate", post(sessions::authenticate))
        .route("/v1/sessions/revoke", post(sessions::revoke))
        .merge(b2b::routes())
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), authorize))
        // Added after the layer, because the public keys need no authentication.
        .route("/v1/sessions/jwks/{project_id}", get(sessions::jwks))
        .route("/v1/b2b/sessions/jwks/{project_id}", get(sessions::jwks))
}

/// Checks the project's HTTP Basic authentication.
async fn authorize(State(app): Shared, request: Request, next: Next) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if authorization.is_some_and(|value| app.credentials.admit(value)) {
        next.run(request).await
    } else {
        Refusal::UnauthorizedCredentials.into_response()
    }
}
