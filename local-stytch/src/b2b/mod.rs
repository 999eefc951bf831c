//! Stytch's B2B API: organizations, their members and the members' sessions.

mod members;
mod organizations;
mod otps;
mod passwords;
mod recovery_codes;
mod refusal;
mod reply;
mod request;
mod sessions;
mod state;
mod totps;

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete, get, post, put},
};

pub(crate) use self::{refusal::B2bRefusal, state::B2b};
use crate::app::App;

/// Returns the routes that require the project's secret.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/b2b/organizations", post(organizations::create))
        .route("/v1/b2b/organizations/search", post(organizations::search))
        .route(
            "/v1/b2b/organizations/{organization_id}",
            get(organizations::get).put(organizations::update).delete(organizations::delete),
        )
        .route("/v1/b2b/organizations/members/search", post(members::search))
        .route("/v1/b2b/organizations/{organization_id}/members", post(members::create))
        .route("/v1/b2b/organizations/{organization_id}/member", get(members::get))
        .route(
            "/v1/b2b/organizations/{organization_id}/members/{member_id}",
            put(members::update).delete(members::delete),
        )
        .route(
            "/v1/b2b/organizations/{organization_id}/members/{member_id}/totp",
            delete(members::delete_totp),
        )
        .route(
            "/v1/b2b/organizations/{organization_id}/members/mfa_phone_numbers/{member_id}",
            delete(members::delete_phone),
        )
        .route(
            "/v1/b2b/organizations/{organization_id}/members/passwords/{member_password_id}",
            delete(members::delete_password),
        )
        .route("/v1/b2b/passwords/authenticate", post(passwords::authenticate))
        .route("/v1/b2b/passwords/strength_check", post(passwords::strength_check))
        .route("/v1/b2b/passwords/email/reset/start", post(passwords::reset_start))
        .route("/v1/b2b/passwords/email/reset", post(passwords::reset))
        .route("/v1/b2b/otps/sms/send", post(otps::send))
        .route("/v1/b2b/otps/sms/authenticate", post(otps::authenticate))
        .route("/v1/b2b/totp", post(totps::create))
        .route("/v1/b2b/totp/authenticate", post(totps::authenticate))
        .route("/v1/b2b/recovery_codes/{organization_id}/{member_id}", get(recovery_codes::get))
        .route("/v1/b2b/recovery_codes/recover", post(recovery_codes::recover))
        .route("/v1/b2b/recovery_codes/rotate", post(recovery_codes::rotate))
        .route("/v1/b2b/sessions", get(sessions::get))
        .route("/v1/b2b/sessions/authenticate", post(sessions::authenticate))
        .route("/v1/b2b/sessions/revoke", post(sessions::revoke))
}
