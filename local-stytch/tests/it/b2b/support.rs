//! An organization with a member, and helpers to sign the member in.

use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use crate::support::{EMAIL, PASSWORD, PHONE, Stand, assert_refused, response_to};

pub(super) const AUTHENTICATE: &str = "/v1/b2b/passwords/authenticate";
pub(super) const SMS_SEND: &str = "/v1/b2b/otps/sms/send";
pub(super) const SMS: &str = "/v1/b2b/otps/sms/authenticate";
pub(super) const TOTP: &str = "/v1/b2b/totp/authenticate";

/// A stand-in with an organization, whose member Ada has a password.
pub(super) struct Acme {
    pub(super) stand: Stand,
    pub(super) organization_id: String,
    pub(super) member_id: String,
}

impl Acme {
    pub(super) async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// Starts with these settings of the organization.
    pub(super) async fn with(settings: Value) -> Self {
        let stand = Stand::start().await;
        let mut body = json!({"organization_name": "Acme", "organization_slug": "acme"});
        let members = body.as_object_mut().unwrap();
        members.extend(settings.as_object().unwrap().clone());
        let created = stand.ok("/v1/b2b/organizations", body).await;
        let organization_id = text(&created["organization"]["organization_id"]);
        let body = json!({"email_address": EMAIL, "name": "Ada"});
        let path = format!("/v1/b2b/organizations/{organization_id}/members");
        let member_id = text(&stand.ok(&path, body).await["member_id"]);
        let acme = Self { stand, organization_id, member_id };
        acme.set_password().await;
        acme
    }

    /// Sets Ada's password with the link that she gets. Returns the response.
    pub(super) async fn set_password(&self) -> Value {
        let token = self.reset_token(json!({})).await;
        let body = json!({"password_reset_token": token, "password": PASSWORD});
        self.stand.ok("/v1/b2b/passwords/email/reset", body).await
    }

    /// Asks for a link with which Ada sets her password. Returns its token.
    pub(super) async fn reset_token(&self, more: Value) -> String {
        let mut body = json!({"organization_id": self.organization_id, "email_address": EMAIL});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.stand.ok("/v1/b2b/passwords/email/reset/start", body).await;
        let link = self.stand.stytch.messages()[0].link.clone().unwrap();
        link.split_once("token=").unwrap().1.to_owned()
    }

    pub(super) fn password(&self) -> Value {
        json!({"organization_id": self.organization_id, "email_address": EMAIL, "password": PASSWORD})
    }

    /// Returns the body of a call about Ada with these further fields.
    pub(super) fn of_ada(&self, more: Value) -> Value {
        let mut body =
            json!({"organization_id": self.organization_id, "member_id": self.member_id});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// Signs Ada in with her password. Returns the response.
    pub(super) async fn sign_in(&self) -> Value {
        self.stand.ok(AUTHENTICATE, self.password()).await
    }

    /// Changes Ada.
    pub(super) async fn update(&self, changes: Value) -> Value {
        let response = self.put(&self.path(), changes.clone()).await;
        assert_eq!(response["status_code"], 200, "{changes}: {response}");
        response
    }

    pub(super) fn put(&self, path: &str, body: Value) -> impl Future<Output = Value> {
        response_to(self.stand.request("PUT", path).json(&body))
    }

    pub(super) fn delete(&self, path: &str) -> impl Future<Output = Value> {
        response_to(self.stand.request("DELETE", path))
    }

    pub(super) async fn get(&self) -> Value {
        let (organization, member) = (&self.organization_id, &self.member_id);
        let path = format!("/v1/b2b/organizations/{organization}/member?member_id={member}");
        self.stand.get(&path).await["member"].clone()
    }

    /// Returns the path of Ada.
    pub(super) fn path(&self) -> String {
        format!("/v1/b2b/organizations/{}/members/{}", self.organization_id, self.member_id)
    }

    /// Gives Ada a phone, verified by a code in the session.
    pub(super) async fn add_phone(&self, session: &Value) -> Value {
        let body = self.of_ada(json!({"mfa_phone_number": PHONE}));
        self.stand.ok(SMS_SEND, body).await;
        let token = &session["session_token"];
        let body = self.of_ada(json!({"code": self.stand.code(), "session_token": token}));
        self.stand.ok(SMS, body).await
    }

    /// Gives Ada a TOTP, verified by a code in the session. Returns her app and the responses.
    pub(super) async fn add_totp(&self, session: &Value) -> (Totp, Value, Value) {
        let token = &session["session_token"];
        let body = self.of_ada(json!({"session_token": token}));
        let created = self.stand.ok("/v1/b2b/totp", body).await;
        let app = app(&created);
        let code = code(&self.stand, &app);
        let body = self.of_ada(json!({"code": code, "session_token": token}));
        (app, created, self.stand.ok(TOTP, body).await)
    }

    /// Returns whether a session token is still valid.
    pub(super) async fn is_good(&self, token: &Value) -> bool {
        let body = json!({"session_token": token});
        let response = self.stand.post("/v1/b2b/sessions/authenticate", body).await;
        if response["status_code"] != 200 {
            assert_refused(&response, 404, "session_not_found", "an ended session");
        }
        response["status_code"] == 200
    }
}

/// Returns the authenticator app with the secret of the response.
pub(super) fn app(created: &Value) -> Totp {
    let secret = Secret::try_from_base32(created["secret"].as_str().unwrap()).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

pub(super) fn code(stand: &Stand, app: &Totp) -> String {
    app.generate(stand.stytch.now().unix_timestamp().try_into().unwrap()).to_string()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Returns `type/delivery_method` of each factor in a response's session.
pub(super) fn factors(response: &Value) -> Vec<String> {
    crate::support::factors(&json!({"session": response["member_session"]}))
}
