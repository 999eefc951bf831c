//! The unmodified `stytch` crate with a passkey.

use stytch::consumer::{
    sessions::{AuthenticationFactorDeliveryMethod as Delivery, AuthenticationFactorType as Type},
    users,
    webauthn::{
        AuthenticateRequest, AuthenticateStartRequest, RegisterRequest, RegisterStartRequest,
    },
};

use crate::{
    authenticator::Passkey,
    official_rust_client::{create_ada, pair, pairs, start},
};

#[tokio::test]
async fn the_rust_sdk_registers_a_passkey_steps_up_with_it_and_deletes_it() {
    let (_stytch, client) = start().await;
    let ada = create_ada(&client).await;

    let request = RegisterStartRequest {
        user_id: ada.user_id.clone(),
        domain: "example.com".into(),
        return_passkey_credential_options: Some(true),
        use_base64_url_encoding: Some(true),
        ..Default::default()
    };
    let started = client.webauthn.register_start(request).await.unwrap();
    let (mut passkey, created) = Passkey::create(
        "https://login.example.com",
        "example.com",
        &started.public_key_credential_creation_options,
    );
    let request = RegisterRequest {
        user_id: ada.user_id.clone(),
        public_key_credential: created.to_string(),
        ..Default::default()
    };
    let registered = client.webauthn.register(request).await.unwrap();
    assert!(registered.session.is_none(), "the call named no session");
    let request = users::GetRequest { user_id: ada.user_id.clone() };
    let user = client.users.get(request).await.unwrap();
    let registration = &user.webauthn_registrations[0];
    assert_eq!(registration.webauthn_registration_id, registered.webauthn_registration_id);
    assert!(registration.verified);

    let request = AuthenticateStartRequest {
        domain: "example.com".into(),
        user_id: Some(ada.user_id.clone()),
        use_base64_url_encoding: Some(true),
        ..Default::default()
    };
    let started = client.webauthn.authenticate_start(request).await.unwrap();
    let signed = passkey.sign(&started.public_key_credential_request_options);
    let request = AuthenticateRequest {
        public_key_credential: signed.to_string(),
        session_token: Some(ada.session_token),
        ..Default::default()
    };
    let stepped = client.webauthn.authenticate(request).await.unwrap();
    let session = stepped.session.unwrap();
    assert_eq!(
        pairs(&session),
        [
            pair(Type::Password, Delivery::Knowledge),
            pair(Type::WebAuthn, Delivery::WebAuthnRegistration)
        ]
    );
    let factor = session.authentication_factors[1].webauthn_factor.clone().unwrap();
    assert_eq!(factor.webauthn_registration_id, registered.webauthn_registration_id);
    assert_eq!(factor.domain, "example.com");

    let request = users::DeleteWebAuthnRegistrationRequest {
        webauthn_registration_id: registered.webauthn_registration_id,
    };
    let deleted = client.users.delete_webauthn_registration(request).await.unwrap();
    assert!(deleted.user.webauthn_registrations.is_empty());
}
