//! The API's error responses, in Stytch's format. They have Stytch's types and statuses, if Stytch
//! has such an error. Otherwise the type and the status are the stand-in's own.

use axum::{
    Extension, Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{b2b::B2bRefusal, random};

/// A refusal of the API. [`Refusal::response_fields`] lists its status, type and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    ActiveTotpExists,
    AttributeMismatch,
    AuthorizationCheck,
    /// A refusal of the B2B API, which the consumer API does not have.
    B2b(B2bRefusal),
    ClaimsNotAnObject,
    ClaimsReserved,
    ClaimsStytch,
    ClaimsTooLarge,
    CodeNotFound,
    CodeNotUsable,
    DuplicateEmail,
    DuplicateExternalId,
    DuplicatePhoneNumber,
    DuplicateRegistration,
    EmailNotFound,
    ForeignRequest,
    Full(&'static str),
    Internal,
    InvalidAuthenticatorType,
    InvalidCodeExpiration,
    InvalidDomain,
    InvalidEmail,
    InvalidExpiration,
    InvalidField(&'static str),
    InvalidMagicLinkUrl,
    InvalidPasswordResetUrl,
    InvalidPhoneNumber,
    InvalidPublicKeyCredential,
    InvalidRequest(String),
    InvalidSessionDuration,
    InvalidTotpCode,
    LastPrimaryFactor,
    MagicLinkNotFound,
    MagicLinkNotUsable,
    MetadataTooLarge,
    MethodNotAllowed(String),
    NoActiveRegistrations,
    NoPendingRegistration,
    NoSessionArguments,
    NoSessionRevokeArguments,
    NoUserPassword,
    PasswordNotFound,
    PasswordResetNotUsable,
    PhoneNumberNotFound,
    PkceExpectedVerifier,
    PkceMismatch,
    PkceUnexpectedVerifier,
    /// A failure with this status that a test asked for.
    Planned(u16),
    ProjectNotFound,
    RecoveryCodeNotUsable,
    RegistrationNotFound,
    RegistrationNotUsable,
    RequestTimeout,
    RequestTooLarge,
    RouteNotFound(String),
    SearchFilter,
    SearchFilterValue,
    SearchCursor,
    SearchLimit,
    SessionNotFound,
    SessionTooOld,
    Stopped,
    TooManyRequests,
    TooManySessionArguments,
    TooManySessionRevokeArguments,
    TooManyUnverifiedFactors,
    TotpExpired,
    TotpIdNotFound,
    TotpNotFound,
    TotpNotUsable,
    TotpUsed,
    UnauthorizedCredentials,
    UnparsableSessionJwt,
    UserIdMismatch,
    UserNotFound,
    WeakPassword,
}

impl Refusal {
    /// Returns the status, the `error_type` and the `error_message`.
    fn response_fields(&self) -> (u16, &'static str, &str) {
        match self {
            Self::ActiveTotpExists => {
                (400, "active_totp_exists", "The user already has an active TOTP.")
            }
            Self::AttributeMismatch => {
                (401, "attribute_mismatch", "The attributes differ from those of the send call.")
            }
            Self::AuthorizationCheck => (
                403,
                "consumer_session_authorization_error",
                "This stand-in has no RBAC policy, so it grants nothing.",
            ),
            Self::B2b(refusal) => refusal.response_fields(),
            Self::ClaimsNotAnObject => (
                400,
                "unable_to_represent_custom_claims_json",
                "Custom claims must be a JSON object.",
            ),
            Self::ClaimsReserved => (
                400,
                "reserved_claims_in_custom_claims",
                "Custom claims must not contain a reserved claim.",
            ),
            Self::ClaimsStytch => (
                400,
                "stytch_claims_in_custom_claims",
                "Custom claims must not have names that begin with https://stytch.com/.",
            ),
            Self::ClaimsTooLarge => {
                (400, "custom_claims_too_large", "Custom claims are limited to 4 KB.")
            }
            Self::CodeNotFound => (404, "otp_code_not_found", "The passcode could not be found."),
            Self::CodeNotUsable => (
                401,
                "unable_to_auth_otp_code",
                "The passcode was already used, has expired or was tried too often.",
            ),
            Self::DuplicateEmail => {
                (400, "duplicate_email", "A user with this email already exists.")
            }
            Self::DuplicateExternalId => {
                (400, "duplicate_user_external_id", "A user with this external id already exists.")
            }
            Self::DuplicatePhoneNumber => {
                (400, "duplicate_phone_number", "A user with this phone number already exists.")
            }
            Self::DuplicateRegistration => {
                (400, "duplicate_webauthn_registration", "The passkey is already registered.")
            }
            Self::EmailNotFound => (404, "email_not_found", "Email could not be found."),
            Self::ForeignRequest => (
                403,
                "foreign_request",
                "Only requests to a loopback host are allowed, and none from other sites.",
            ),
            Self::Full(message) => (507, "stand_in_full", message),
            Self::Internal => (500, "internal_server_error", "The stand-in failed."),
            Self::InvalidAuthenticatorType => (
                400,
                "invalid_authenticator_type",
                "authenticator_type must be platform or cross-platform.",
            ),
            Self::InvalidCodeExpiration => {
                (400, "invalid_expiration_otp", "expiration_minutes must be from 1 to 10.")
            }
            Self::InvalidDomain => (
                400,
                "invalid_domain",
                "The domain must be a domain name in lower case, such as localhost. \
                 Browsers have no passkeys for IP addresses.",
            ),
            Self::InvalidEmail => (400, "invalid_email", "Email format is invalid."),
            Self::InvalidExpiration => {
                (400, "invalid_expiration", "The expiration is out of range.")
            }
            Self::InvalidField(message) => (400, "invalid_argument", message),
            Self::InvalidMagicLinkUrl => {
                (400, "invalid_magic_link_url", "The URL must be an http or https URL.")
            }
            Self::InvalidPasswordResetUrl => (
                400,
                "invalid_password_reset_redirect_url",
                "The URL must be an http or https URL.",
            ),
            Self::InvalidPhoneNumber => (
                400,
                "invalid_phone_number",
                "Phone number format is invalid: expected E.164, such as +12025550162.",
            ),
            Self::InvalidPublicKeyCredential => (
                400,
                "invalid_public_key_credential",
                "The public key credential could not be read or verified.",
            ),
            Self::InvalidRequest(message) => (400, "invalid_request", message),
            Self::InvalidSessionDuration => (
                400,
                "invalid_session_duration_minutes",
                "session_duration_minutes must be from 5 to 527040.",
            ),
            Self::InvalidTotpCode => {
                (400, "invalid_totp_code", "A TOTP code must have six digits.")
            }
            Self::LastPrimaryFactor => (
                400,
                "cannot_delete_last_primary_factor",
                "The user's last email or phone number cannot be deleted.",
            ),
            Self::MagicLinkNotFound => {
                (404, "magic_link_not_found", "The magic link could not be found.")
            }
            Self::MagicLinkNotUsable => (
                401,
                "unable_to_auth_magic_link",
                "The magic link was already used or has expired.",
            ),
            Self::MetadataTooLarge => {
                (400, "metadata_too_large", "Metadata must be a JSON object of at most 4 KB.")
            }
            Self::MethodNotAllowed(message) => (405, "method_not_allowed", message),
            Self::NoActiveRegistrations => (
                400,
                "no_active_webauthn_registrations",
                "The user has no passkey for this domain.",
            ),
            Self::NoPendingRegistration => (
                404,
                "no_pending_webauthn_registration",
                "No registration was started with this challenge, or it has expired.",
            ),
            Self::NoSessionArguments => {
                (400, "no_session_arguments", "session_token or session_jwt is required.")
            }
            Self::NoSessionRevokeArguments => (
                400,
                "no_session_revoke_arguments",
                "session_id, session_token or session_jwt is required.",
            ),
            Self::NoUserPassword => (400, "no_user_password", "The user has no password."),
            Self::PasswordNotFound => (404, "password_not_found", "Password could not be found."),
            Self::PasswordResetNotUsable => (
                401,
                "unable_to_auth_password_reset_token",
                "The password reset token was already used or has expired.",
            ),
            Self::PhoneNumberNotFound => {
                (404, "phone_number_not_found", "Phone number could not be found.")
            }
            Self::PkceExpectedVerifier => {
                (400, "pkce_expected_code_verifier", "A code_verifier is required.")
            }
            Self::PkceMismatch => {
                (401, "pkce_mismatch", "The code_verifier does not match the code_challenge.")
            }
            Self::PkceUnexpectedVerifier => (
                400,
                "pkce_did_not_expect_code_verifier",
                "The link was sent without a code_challenge.",
            ),
            Self::Planned(status) => {
                let error_type = match status {
                    429 => "too_many_requests",
                    500 => "internal_server_error",
                    503 => "server_unavailable",
                    _ => "planned_failure",
                };
                (*status, error_type, "A test asked for this failure.")
            }
            Self::ProjectNotFound => (404, "project_not_found", "Project could not be found."),
            Self::RecoveryCodeNotUsable => (
                401,
                "unable_to_authenticate_recovery_code",
                "The recovery code could not be authenticated.",
            ),
            Self::RegistrationNotFound => (
                404,
                "webauthn_registration_not_found",
                "The WebAuthn registration could not be found.",
            ),
            Self::RegistrationNotUsable => (
                401,
                "unable_to_auth_webauthn_registration",
                "The WebAuthn registration could not be authenticated.",
            ),
            Self::RequestTimeout => {
                (408, "request_timeout", "The request's body did not arrive within 5 seconds.")
            }
            Self::RequestTooLarge => {
                (413, "request_too_large", "A request body is limited to 32 KiB.")
            }
            Self::RouteNotFound(message) => (404, "route_not_found", message),
            Self::SearchFilter => (
                400,
                "user_search_filter_name_not_recognized",
                "This stand-in does not know the filter_name.",
            ),
            Self::SearchFilterValue => (
                400,
                "user_search_expected_array_of_string",
                "filter_value must be a list of 1 to 100 strings.",
            ),
            Self::SearchCursor => (400, "user_search_invalid_cursor", "The cursor is invalid."),
            Self::SearchLimit => {
                (400, "user_search_invalid_limit", "limit must be from 1 to 1000.")
            }
            Self::SessionNotFound => (404, "session_not_found", "Session could not be found."),
            Self::SessionTooOld => (
                401,
                "session_too_old_to_reset_password",
                "The session has no password and no email that was proved in the last 5 minutes.",
            ),
            Self::Stopped => (503, "stand_in_stopped", "This stand-in was stopped."),
            Self::TooManyRequests => {
                (429, "too_many_requests", "Too many requests have been made.")
            }
            Self::TooManySessionArguments => (
                400,
                "too_many_session_arguments",
                "Only one of session_token and session_jwt may be given.",
            ),
            Self::TooManySessionRevokeArguments => (
                400,
                "too_many_session_revoke_arguments",
                "Only one of session_id, session_token and session_jwt may be given.",
            ),
            Self::TooManyUnverifiedFactors => (
                400,
                "too_many_unverified_factors",
                "The user must verify an email or phone number before adding another.",
            ),
            Self::TotpExpired => {
                (401, "expired_totp", "The TOTP was not verified in time. Create a new one.")
            }
            Self::TotpIdNotFound => (404, "totp_not_found", "TOTP could not be found."),
            Self::TotpNotFound => (404, "totps_not_found_for_user", "The user has no TOTP."),
            Self::TotpNotUsable => {
                (401, "unable_to_authenticate_totp", "The TOTP code could not be authenticated.")
            }
            Self::TotpUsed => {
                (401, "totp_code_already_authenticated", "The TOTP code has already been used.")
            }
            Self::UnauthorizedCredentials => {
                (401, "unauthorized_credentials", "Unauthorized credentials.")
            }
            Self::UnparsableSessionJwt => (
                400,
                "unable_to_parse_session_jwt",
                "The session JWT could not be parsed or verified.",
            ),
            Self::UserIdMismatch => {
                (400, "user_id_mismatch", "The session belongs to another user.")
            }
            Self::UserNotFound => (404, "user_not_found", "User could not be found."),
            Self::WeakPassword => (
                400,
                "weak_password",
                "The password is too easy to guess: its zxcvbn score is below 3 of 4.",
            ),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (_, error_type, error_message) = self.response_fields();
        write!(f, "{error_type}: {error_message}")
    }
}

/// The type of a refusal, in the extensions of its response for the log.
#[derive(Clone, Copy)]
pub(crate) struct ErrorType(pub(crate) &'static str);

#[derive(Serialize)]
struct Body<'a> {
    status_code: u16,
    request_id: String,
    error_type: &'a str,
    error_message: &'a str,
    error_url: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status_code, error_type, error_message) = self.response_fields();
        let request_id = random::id("request-id");
        let error_url = format!("https://stytch.com/docs/api/errors/{status_code}");
        let status = StatusCode::from_u16(status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Json(Body { status_code, request_id, error_type, error_message, error_url });
        (status, Extension(ErrorType(error_type)), body).into_response()
    }
}
