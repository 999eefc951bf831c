use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    authenticator::Passkey,
    support::{Stand, assert_refused, factors, response_to},
};

const REGISTER: &str = "/v1/webauthn/register";
const AUTHENTICATE: &str = "/v1/webauthn/authenticate";
const ORIGIN: &str = "http://localhost:3000";
const DOMAIN: &str = "localhost";

impl Stand {
    /// Starts a registration of Ada's. Returns the options for the browser.
    async fn register_start(&self, ada: &Value) -> String {
        let body = json!({"user_id": ada["user_id"], "domain": DOMAIN, "user_agent": "a browser",
            "authenticator_type": "platform", "return_passkey_credential_options": true,
            "use_base64_url_encoding": true});
        let started = self.ok("/v1/webauthn/register/start", body).await;
        assert_eq!(started["user_id"], ada["user_id"]);
        started["public_key_credential_creation_options"].as_str().unwrap().to_owned()
    }

    /// Starts an authentication of Ada's, or of anyone's. Returns the options for the browser.
    async fn authenticate_start(&self, user_id: &Value) -> String {
        let body = json!({"user_id": user_id, "domain": DOMAIN, "use_base64_url_encoding": true,
            "return_passkey_credential_options": true});
        let started = self.ok("/v1/webauthn/authenticate/start", body).await;
        started["public_key_credential_request_options"].as_str().unwrap().to_owned()
    }

    /// Registers a passkey in Ada's session. Returns it, and the response to the call.
    async fn passkey(&self, ada: &Value) -> (Passkey, Value) {
        let options = self.register_start(ada).await;
        let (passkey, created) = Passkey::create(ORIGIN, DOMAIN, &options);
        let body = json!({"user_id": ada["user_id"], "public_key_credential": text(&created),
            "session_token": ada["session_token"]});
        (passkey, self.ok(REGISTER, body).await)
    }
}

fn text(credential: &Value) -> String {
    credential.to_string()
}

#[tokio::test]
async fn a_passkey_is_registered_and_adds_a_factor_to_a_session() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (mut passkey, registered) = stand.passkey(&ada).await;
    let id = &registered["webauthn_registration_id"];
    assert!(id.as_str().unwrap().starts_with("webauthn-registration-test-"), "{id}");
    assert_eq!(factors(&registered), ["password/knowledge", "webauthn/webauthn_registration"]);
    assert_eq!(
        registered["user"]["webauthn_registrations"],
        json!([{"webauthn_registration_id": id, "domain": DOMAIN, "user_agent": "a browser",
            "verified": true, "authenticator_type": "platform", "name": ""}])
    );

    stand.advance(600);
    let options = stand.authenticate_start(&ada["user_id"]).await;
    let body = json!({"public_key_credential": text(&passkey.sign(&options)),
        "session_token": registered["session_token"]});
    let stepped = stand.ok(AUTHENTICATE, body.clone()).await;
    assert_eq!(stepped["webauthn_registration_id"], *id);
    assert_eq!(stepped["user_id"], ada["user_id"]);
    assert_eq!(factors(&stepped), ["password/knowledge", "webauthn/webauthn_registration"]);
    let of = |response: &Value| {
        response["session"]["authentication_factors"][1].as_object().unwrap().clone()
    };
    assert_eq!(
        of(&stepped)["webauthn_factor"],
        json!({"webauthn_registration_id": id, "domain": DOMAIN, "user_agent": "a browser"})
    );
    assert_ne!(of(&stepped)["last_authenticated_at"], of(&registered)["last_authenticated_at"]);

    // Each challenge works once.
    stand.refused(AUTHENTICATE, body, 401, "unable_to_auth_webauthn_registration").await;
}

#[tokio::test]
async fn a_passkey_signs_in_without_a_user_id() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (mut passkey, _) = stand.passkey(&ada).await;
    let options = stand.authenticate_start(&Value::Null).await;
    assert_eq!(serde_json::from_str::<Value>(&options).unwrap()["allowCredentials"], json!([]));
    let body = json!({"public_key_credential": text(&passkey.sign(&options)),
        "session_duration_minutes": 60});
    let signed_in = stand.ok(AUTHENTICATE, body).await;
    assert_eq!(signed_in["user_id"], ada["user_id"]);
    assert_eq!(factors(&signed_in), ["webauthn/webauthn_registration"]);

    // The device must say whose passkey it is.
    let options = stand.authenticate_start(&Value::Null).await;
    passkey.user_handle = None;
    let body = json!({"public_key_credential": text(&passkey.sign(&options))});
    stand.refused(AUTHENTICATE, body, 401, "unable_to_auth_webauthn_registration").await;
}

#[tokio::test]
async fn options_have_stytchs_fields() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (_, _) = stand.passkey(&ada).await;
    let options = async |path: &str, field: &str, more: Value| -> Value {
        let mut body = json!({"user_id": ada["user_id"], "domain": DOMAIN});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let started = stand.ok(path, body).await;
        serde_json::from_str(started[field].as_str().unwrap()).unwrap()
    };
    let register = async |more| {
        let field = "public_key_credential_creation_options";
        options("/v1/webauthn/register/start", field, more).await
    };
    let authenticate = async |more| {
        let field = "public_key_credential_request_options";
        options("/v1/webauthn/authenticate/start", field, more).await
    };

    let second_factor = register(json!({"authenticator_type": "cross-platform"})).await;
    assert_eq!(second_factor["rp"], json!({"id": DOMAIN, "name": DOMAIN}));
    assert_eq!(second_factor["user"]["name"], "ada@example.com");
    assert_eq!(second_factor["timeout"], 300_000);
    let selection = &second_factor["authenticatorSelection"];
    assert_eq!(selection["authenticatorAttachment"], "cross-platform");
    assert_eq!(selection["residentKey"], "discouraged");
    assert_eq!(selection["userVerification"], "discouraged");
    assert_eq!(second_factor["excludeCredentials"].as_array().unwrap().len(), 1);
    let names = json!({"return_passkey_credential_options": true, "override_name": "ada",
        "override_display_name": "Ada Lovelace"});
    let passkey = register(names).await;
    assert_eq!(passkey["user"]["name"], "ada");
    assert_eq!(passkey["user"]["displayName"], "Ada Lovelace");
    assert_eq!(passkey["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(passkey["authenticatorSelection"]["userVerification"], "preferred");

    let second_factor = authenticate(json!({})).await;
    assert_eq!(second_factor["rpId"], DOMAIN);
    assert_eq!(second_factor["userVerification"], "discouraged");
    // Ids are in base64, unless the caller asked for base64url.
    let id = |options: &Value| options["allowCredentials"][0]["id"].as_str().unwrap().to_owned();
    let url = authenticate(json!({"use_base64_url_encoding": true})).await;
    assert!(id(&second_factor).ends_with("=="));
    assert_eq!(id(&second_factor).replace('+', "-").replace('/', "_"), format!("{}==", id(&url)));
}

#[tokio::test]
async fn a_start_that_could_not_work_is_refused() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let start = "/v1/webauthn/register/start";
    let body = |field: &str, value: &str| {
        let mut body = json!({"user_id": ada["user_id"], "domain": DOMAIN});
        body[field] = json!(value);
        body
    };
    stand.refused(start, body("user_id", "user-test-unknown"), 404, "user_not_found").await;
    stand.refused(start, body("domain", "127.0.0.1"), 400, "invalid_domain").await;
    stand.refused(start, body("domain", "https://example.com"), 400, "invalid_domain").await;
    let unknown = body("authenticator_type", "phone");
    stand.refused(start, unknown, 400, "invalid_authenticator_type").await;
    stand.refused(start, body("user_agent", &"x".repeat(513)), 400, "invalid_argument").await;
    stand.refused(start, body("override_name", &"x".repeat(129)), 400, "invalid_argument").await;

    let start = "/v1/webauthn/authenticate/start";
    stand.refused(start, body("user_id", "user-test-unknown"), 404, "user_not_found").await;
    stand.refused(start, body("domain", "127.0.0.1"), 400, "invalid_domain").await;
    // Ada has no passkey yet, and later none for another domain.
    let kind = "no_active_webauthn_registrations";
    stand.refused(start, body("domain", DOMAIN), 400, kind).await;
    stand.passkey(&ada).await;
    stand.ok(start, body("domain", DOMAIN)).await;
    stand.refused(start, body("domain", "example.com"), 400, kind).await;
}

#[tokio::test]
async fn a_registration_that_does_not_verify_is_refused() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let invalid = "invalid_public_key_credential";
    let body =
        |credential: &str| json!({"user_id": ada["user_id"], "public_key_credential": credential});
    for credential in ["", "{}", "[]", "no JSON"] {
        stand.refused(REGISTER, body(credential), 400, invalid).await;
    }

    for (origin, domain) in [
        ("https://attacker.test", DOMAIN),
        ("http://127.0.0.1:3000", DOMAIN),
        (ORIGIN, "attacker.test"),
    ] {
        let options = stand.register_start(&ada).await;
        let (mut passkey, created) = Passkey::create(origin, domain, &options);
        stand.refused(REGISTER, body(&text(&created)), 400, invalid).await;
        // The challenge is used up, even for a correct response.
        passkey.origin = ORIGIN.into();
        passkey.rp_id = DOMAIN.into();
        let again = passkey.created(&serde_json::from_str(&options).unwrap());
        let kind = "no_pending_webauthn_registration";
        stand.refused(REGISTER, body(&text(&again)), 404, kind).await;
    }
}

#[tokio::test]
async fn a_registration_is_the_users_and_ends_after_five_minutes() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let eve = stand.ok("/v1/users", json!({"email": "eve@example.com"})).await;
    let options = stand.register_start(&ada).await;
    let (passkey, created) = Passkey::create(ORIGIN, DOMAIN, &options);
    let body =
        |user: &Value| json!({"user_id": user["user_id"], "public_key_credential": text(&created)});
    let none = "no_pending_webauthn_registration";
    stand.refused(REGISTER, body(&eve), 404, none).await;
    // A call that is refused because of its session uses nothing up.
    let mut of_no_session = body(&ada);
    of_no_session["session_token"] = json!("unknown");
    stand.refused(REGISTER, of_no_session, 404, "session_not_found").await;
    stand.ok(REGISTER, body(&ada)).await;

    // The same passkey again, for another user.
    let body_of_eve = async || {
        let options: Value = serde_json::from_str(&stand.register_start(&eve).await).unwrap();
        json!({"user_id": eve["user_id"],
            "public_key_credential": text(&passkey.created(&options))})
    };
    let duplicate = "duplicate_webauthn_registration";
    stand.refused(REGISTER, body_of_eve().await, 400, duplicate).await;
    let late = body_of_eve().await;
    stand.advance(300);
    stand.refused(REGISTER, late, 404, none).await;
}

#[tokio::test]
async fn an_authentication_that_does_not_verify_is_refused() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (mut passkey, _) = stand.passkey(&ada).await;
    let unable = "unable_to_auth_webauthn_registration";
    let body = |credential: &Value| json!({"public_key_credential": text(credential)});
    let (invalid, not_found) = ("invalid_public_key_credential", "webauthn_registration_not_found");
    stand.refused(AUTHENTICATE, body(&json!({})), 400, invalid).await;

    type Mistake = fn(&mut Passkey);
    let mistakes: [(&str, Mistake); 4] = [
        ("a page of another site", |it| it.origin = "https://attacker.test".into()),
        ("another domain", |it| it.rp_id = "attacker.test".into()),
        ("another user", |it| it.user_handle = Some("A".repeat(86))),
        ("a counter that a copy of the passkey has overtaken", |it| it.counter = 0),
    ];
    for (mistake, make) in mistakes {
        let options = stand.authenticate_start(&ada["user_id"]).await;
        let right = (passkey.origin.clone(), passkey.user_handle.clone(), passkey.counter);
        make(&mut passkey);
        let signed = passkey.sign(&options);
        (passkey.origin, passkey.user_handle, passkey.counter) = right;
        passkey.rp_id = DOMAIN.into();
        let response = stand.post(AUTHENTICATE, body(&signed)).await;
        assert_eq!(response["error_type"], unable, "{mistake}: {response}");
    }

    let options = stand.authenticate_start(&ada["user_id"]).await;
    let (mut other, _) = Passkey::create(ORIGIN, DOMAIN, r#"{"user": {}}"#);
    stand.refused(AUTHENTICATE, body(&other.sign(&options)), 404, not_found).await;
    // The other key's signature, under the id of Ada's.
    other.id.clone_from(&passkey.id);
    stand.refused(AUTHENTICATE, body(&other.sign(&options)), 401, unable).await;

    let options = stand.authenticate_start(&ada["user_id"]).await;
    let late = body(&passkey.sign(&options));
    stand.advance(300);
    stand.refused(AUTHENTICATE, late, 401, unable).await;
    let options = stand.authenticate_start(&ada["user_id"]).await;
    stand.ok(AUTHENTICATE, body(&passkey.sign(&options))).await;
}

#[tokio::test]
async fn a_passkey_adds_no_factor_to_the_session_of_another_user() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (mut passkey, _) = stand.passkey(&ada).await;
    let new = json!({"email": "eve@example.com", "password": "a quiet corner of the wide meadow",
        "session_duration_minutes": 60});
    let eve = stand.ok("/v1/passwords", new).await;
    let options = stand.authenticate_start(&Value::Null).await;
    let body = json!({"public_key_credential": text(&passkey.sign(&options)),
        "session_token": eve["session_token"]});
    stand.refused(AUTHENTICATE, body, 400, "user_id_mismatch").await;
}

#[tokio::test]
async fn a_user_has_at_most_ten_passkeys() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let eleventh = {
        let options = stand.register_start(&ada).await;
        let (_, created) = Passkey::create(ORIGIN, DOMAIN, &options);
        json!({"user_id": ada["user_id"], "public_key_credential": text(&created)})
    };
    for _ in 0..10 {
        let options = stand.register_start(&ada).await;
        let (_, created) = Passkey::create(ORIGIN, DOMAIN, &options);
        let body = json!({"user_id": ada["user_id"], "public_key_credential": text(&created)});
        stand.ok(REGISTER, body).await;
    }
    let start = json!({"user_id": ada["user_id"], "domain": DOMAIN});
    stand.refused("/v1/webauthn/register/start", start, 507, "stand_in_full").await;
    stand.refused(REGISTER, eleventh, 507, "stand_in_full").await;
}

#[tokio::test]
async fn a_deleted_passkey_signs_in_no_more() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (mut passkey, registered) = stand.passkey(&ada).await;
    let options = stand.authenticate_start(&ada["user_id"]).await;
    let proofs = json!([{"kind": "webauthn/webauthn_registration", "age_seconds": 60}]);
    let aged =
        json!({"user_id": ada["user_id"], "factors": proofs, "session_duration_minutes": 60});
    let made = stand.request("POST", "/local/sessions").json(&aged).send().await.unwrap();
    let session: Value = made.json().await.unwrap();
    assert_eq!(factors(&session), ["webauthn/webauthn_registration"]);

    let id = registered["webauthn_registration_id"].as_str().unwrap();
    let path = format!("/v1/users/webauthn_registrations/{id}");
    let deleted = response_to(stand.request("DELETE", &path)).await;
    assert_eq!(deleted["user"]["webauthn_registrations"], json!([]));
    let kind = "webauthn_registration_not_found";
    assert_refused(&response_to(stand.request("DELETE", &path)).await, 404, kind, "again");
    let body = json!({"public_key_credential": text(&passkey.sign(&options))});
    stand.refused(AUTHENTICATE, body, 404, kind).await;
}

#[tokio::test]
async fn damaged_responses_are_refused() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (mut passkey, _) = stand.passkey(&ada).await;
    for at in (0..240).step_by(7) {
        let options = stand.register_start(&ada).await;
        let (_, mut created) = Passkey::create(ORIGIN, DOMAIN, &options);
        let field = &mut created["response"]["attestationObject"];
        *field = json!(if at % 2 == 0 { truncated(field, at) } else { changed(field, at) });
        let body = json!({"user_id": ada["user_id"], "public_key_credential": text(&created)});
        // A changed counter or AAGUID is not damage.
        let response = stand.post(REGISTER, body).await;
        let kind = response["error_type"].as_str().unwrap_or("none");
        assert!(["invalid_public_key_credential", "none"].contains(&kind), "{at}: {response}");

        for field in ["authenticatorData", "signature", "clientDataJSON"] {
            let options = stand.authenticate_start(&ada["user_id"]).await;
            let mut signed = passkey.sign(&options);
            let field = &mut signed["response"][field];
            *field = json!(if at % 2 == 0 { truncated(field, at) } else { changed(field, at) });
            let body = json!({"public_key_credential": text(&signed)});
            let response = stand.post(AUTHENTICATE, body).await;
            let status = response["status_code"].as_u64().unwrap();
            assert!(status == 400 || status == 401, "{at}: {response}");
        }
    }
}

fn bytes(field: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(field.as_str().unwrap()).unwrap()
}

fn truncated(field: &Value, at: usize) -> String {
    let bytes = bytes(field);
    URL_SAFE_NO_PAD.encode(&bytes[..at % bytes.len()])
}

fn changed(field: &Value, at: usize) -> String {
    let mut bytes = bytes(field);
    let at = at % bytes.len();
    bytes[at] ^= 0x80;
    URL_SAFE_NO_PAD.encode(bytes)
}
