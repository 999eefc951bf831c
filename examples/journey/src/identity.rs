//! Calls Stytch's API with its official client.

mod passkeys;

use std::time::Duration;

use stytch::client::{Client as HttpClient, Vertical};
use stytch::consumer::client::Client;
use stytch::consumer::users::{GetRequest, GetResponse, Name};
use stytch::consumer::{otp, otp_email, otp_sms, passwords, totps, users};
use tower_step_up::SessionTokens;

use crate::enrolment::Enrolment;
use crate::problem::Problem;

/// How long a session lives after each authentication, in minutes.
pub(crate) const SESSION_MINUTES: i32 = 60;
/// How long a code is valid, in minutes.
const CODE_MINUTES: i32 = 5;
/// The maximum length of a password, in bytes. No user has a longer one.
pub(crate) const MAX_PASSWORD: usize = 256;
/// How long to wait for a response.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client of Stytch's API for one project.
pub(crate) struct Identity(Client);

/// The result of an authentication call.
pub(crate) struct Step {
    pub(crate) tokens: SessionTokens,
    pub(crate) user: users::User,
}

impl Identity {
    pub(crate) fn new(
        project_id: &str,
        secret: &str,
        base_url: Option<&str>,
    ) -> Result<Self, stytch::Error> {
        let client = match base_url {
            Some(domain) => {
                let url = if domain.contains("://") {
                    domain.to_owned()
                } else {
                    format!("https://{domain}")
                };
                HttpClient::new_with_base_url(
                    project_id,
                    secret,
                    url::Url::parse(&url)?,
                    Vertical::Consumer,
                )?
            }
            None => HttpClient::new(project_id, secret)?,
        };
        // The second client is for fraud detection, which this application does not use.
        Ok(Self(Client::new_with_http_client(client.clone(), client)))
    }

    pub(crate) async fn sign_up(
        &self,
        name: &str,
        email: &str,
        password: &str,
    ) -> Result<Step, Problem> {
        let request = passwords::CreateRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            name: Some(Name { first_name: Some(name.to_owned()), ..Name::default() }),
            session_duration_minutes: Some(SESSION_MINUTES),
            ..Default::default()
        };
        let response = within_timeout(self.0.passwords.create(request)).await?;
        Ok(step(response.session_token, response.session_jwt, response.user))
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<Step, Problem> {
        if password.len() > MAX_PASSWORD {
            return Err(Problem::WrongPassword);
        }
        let request = passwords::AuthenticateRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            session_duration_minutes: Some(SESSION_MINUTES),
            ..Default::default()
        };
        let response = within_timeout(self.0.passwords.authenticate(request)).await?;
        Ok(step(response.session_token, response.session_jwt, response.user))
    }

    pub(crate) async fn user(&self, user_id: &str) -> Result<GetResponse, Problem> {
        within_timeout(self.0.users.get(GetRequest { user_id: user_id.to_owned() })).await
    }

    /// Sends a code to an email address of the session's user.
    pub(crate) async fn send_email(&self, email: &str, session_jwt: &str) -> Result<(), Problem> {
        let request = otp_email::SendRequest {
            email: email.to_owned(),
            expiration_minutes: Some(CODE_MINUTES),
            session_jwt: Some(session_jwt.to_owned()),
            ..Default::default()
        };
        within_timeout(self.0.otps.email.send(request)).await.map(drop)
    }

    /// Sends a code to a phone. Stytch adds a number that no user has to the session's user.
    pub(crate) async fn send_sms(
        &self,
        phone_number: &str,
        session_jwt: &str,
    ) -> Result<(), Problem> {
        let request = otp_sms::SendRequest {
            phone_number: phone_number.to_owned(),
            expiration_minutes: Some(CODE_MINUTES),
            session_jwt: Some(session_jwt.to_owned()),
            ..Default::default()
        };
        within_timeout(self.0.otps.sms.send(request)).await.map(drop)
    }

    /// Authenticates a code that was sent to this email address or phone, for this session.
    pub(crate) async fn authenticate_code(
        &self,
        method_id: &str,
        code: &str,
        session_jwt: &str,
    ) -> Result<Step, Problem> {
        let request = otp::AuthenticateRequest {
            method_id: method_id.to_owned(),
            code: digits(code)?,
            session_jwt: Some(session_jwt.to_owned()),
            session_duration_minutes: Some(SESSION_MINUTES),
            ..Default::default()
        };
        let response = within_timeout(self.0.otps.authenticate(request)).await?;
        Ok(step(response.session_token, response.session_jwt, response.user))
    }

    /// Authenticates a code from the user's authenticator app, for this session.
    pub(crate) async fn authenticate_totp(
        &self,
        user_id: &str,
        code: &str,
        session_jwt: &str,
    ) -> Result<Step, Problem> {
        let request = totps::AuthenticateRequest {
            user_id: user_id.to_owned(),
            totp_code: digits(code)?,
            session_jwt: Some(session_jwt.to_owned()),
            session_duration_minutes: Some(SESSION_MINUTES),
            ..Default::default()
        };
        let response = within_timeout(self.0.totps.authenticate(request)).await?;
        Ok(step(response.session_token, response.session_jwt, response.user))
    }

    /// Begins enrolling an authenticator app. It becomes a factor once a code from it has been
    /// authenticated.
    pub(crate) async fn begin_totp(&self, user_id: &str) -> Result<Enrolment, Problem> {
        let request = totps::CreateRequest { user_id: user_id.to_owned(), ..Default::default() };
        let response = within_timeout(self.0.totps.create(request)).await?;
        Ok(Enrolment {
            totp_id: response.totp_id,
            key: response.secret,
            recovery_codes: response.recovery_codes,
        })
    }

    /// Uses up a recovery code of the user's authenticator app, for this session.
    pub(crate) async fn recover(
        &self,
        user_id: &str,
        recovery_code: &str,
        session_jwt: &str,
    ) -> Result<Step, Problem> {
        if recovery_code.trim().is_empty() {
            return Err(Problem::NoRecoveryCode);
        }
        let request = totps::RecoverRequest {
            user_id: user_id.to_owned(),
            recovery_code: recovery_code.trim().to_owned(),
            session_jwt: Some(session_jwt.to_owned()),
            session_duration_minutes: Some(SESSION_MINUTES),
            ..Default::default()
        };
        let response = within_timeout(self.0.totps.recover(request)).await?;
        Ok(step(response.session_token, response.session_jwt, response.user))
    }
}

/// Returns the six digits of a typed code, which may contain spaces.
fn digits(typed: &str) -> Result<String, Problem> {
    let code: String = typed.split_whitespace().collect();
    let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    match &*code {
        "" => Err(Problem::NoCode("Enter the code.")),
        _ if is_code => Ok(code),
        _ => Err(Problem::NoCode("A code has six digits. Enter them without letters.")),
    }
}

fn step(session_token: String, session_jwt: String, user: users::User) -> Step {
    Step { tokens: SessionTokens { session_token, session_jwt }, user }
}

/// Limits a call to [`TIMEOUT`]. The client itself waits forever.
async fn within_timeout<T>(call: impl Future<Output = stytch::Result<T>>) -> Result<T, Problem> {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(response) => response.map_err(Problem::from),
        Err(_) => {
            tracing::warn!("Stytch's API did not respond within {TIMEOUT:?}");
            Err(Problem::Unavailable)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_accepts_every_base_url_that_custom_domain_accepts() {
        for base_url in ["login.example.com", "https://login.example.com", "http://127.0.0.1:3030"]
        {
            let id = "project-test-a";
            assert!(
                tower_step_up::stytch::Project::new(id).unwrap().custom_domain(base_url).is_ok(),
                "{base_url}"
            );
            assert!(Identity::new(id, "secret-test-a", Some(base_url)).is_ok(), "{base_url}");
        }
    }
}
