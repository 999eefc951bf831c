//! Stytch's calls for passkeys (WebAuthn). Their options and responses are JSON text, which the
//! bank passes between Stytch and the browser unread.

use stytch::consumer::webauthn::{
    AuthenticateRequest, AuthenticateStartRequest, RegisterRequest, RegisterStartRequest,
};

use super::{Identity, SESSION_MINUTES, Step, step, within_timeout};
use crate::problem::Problem;

impl Identity {
    /// Begins adding a passkey. Returns the options for `navigator.credentials.create()`.
    pub(crate) async fn begin_passkey(
        &self,
        user_id: &str,
        domain: &str,
    ) -> Result<String, Problem> {
        let request = RegisterStartRequest {
            user_id: user_id.to_owned(),
            domain: domain.to_owned(),
            return_passkey_credential_options: Some(true),
            use_base64_url_encoding: Some(true),
            ..Default::default()
        };
        let response = within_timeout(self.0.webauthn.register_start(request)).await?;
        Ok(response.public_key_credential_creation_options)
    }

    /// Adds the passkey that a browser created. It counts as proved in this session.
    pub(crate) async fn add_passkey(
        &self,
        user_id: &str,
        credential: &str,
        session_jwt: &str,
    ) -> Result<Step, Problem> {
        let request = RegisterRequest {
            user_id: user_id.to_owned(),
            public_key_credential: credential.to_owned(),
            session_jwt: Some(session_jwt.to_owned()),
            session_duration_minutes: Some(SESSION_MINUTES),
            ..Default::default()
        };
        let response = within_timeout(self.0.webauthn.register(request)).await?;
        Ok(step(response.session_token, response.session_jwt, response.user))
    }

    /// Asks for one of the user's passkeys. Returns the options for `navigator.credentials.get()`.
    pub(crate) async fn ask_for_passkey(
        &self,
        user_id: &str,
        domain: &str,
    ) -> Result<String, Problem> {
        let request = AuthenticateStartRequest {
            domain: domain.to_owned(),
            user_id: Some(user_id.to_owned()),
            return_passkey_credential_options: Some(true),
            use_base64_url_encoding: Some(true),
        };
        let response = within_timeout(self.0.webauthn.authenticate_start(request)).await?;
        Ok(response.public_key_credential_request_options)
    }

    /// Authenticates what a passkey signed, for this session. Stytch refuses the passkey of another
    /// user.
    pub(crate) async fn authenticate_passkey(
        &self,
        credential: &str,
        session_jwt: &str,
    ) -> Result<Step, Problem> {
        let request = AuthenticateRequest {
            public_key_credential: credential.to_owned(),
            session_jwt: Some(session_jwt.to_owned()),
            session_duration_minutes: Some(SESSION_MINUTES),
            ..Default::default()
        };
        let response = within_timeout(self.0.webauthn.authenticate(request)).await?;
        Ok(step(response.session_token, response.session_jwt, response.user))
    }
}
