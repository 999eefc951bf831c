//! The B2B module of the unmodified `stytch` crate: a member's whole story.

use local_stytch::LocalStytch;
use serde_json::json;
use stytch::{
    b2b::{
        client::Client, organizations, organizations_members as members, otp_sms, passwords,
        passwords_email, recovery_codes, sessions, totps,
    },
    client::Vertical,
    consumer::sessions::{
        AuthenticationFactor, AuthenticationFactorDeliveryMethod as Delivery,
        AuthenticationFactorType as Type,
    },
};
use totp_rs::{Builder, Secret};

use crate::{
    official_rust_client::assert_error,
    support::{EMAIL, PASSWORD, PHONE, builder},
};

pub(super) fn client(stytch: &LocalStytch) -> Client {
    let http = || {
        let url = stytch.base_url().parse().unwrap();
        let (id, secret) = (stytch.project_id(), stytch.secret());
        stytch::client::Client::new_with_base_url(id, secret, url, Vertical::B2B).unwrap()
    };
    Client::new_with_http_client(http(), http())
}

/// Creates Acme with this policy and its member Ada. Returns their ids.
pub(super) async fn create(client: &Client, mfa_policy: &str) -> (String, String) {
    let request = organizations::CreateRequest {
        organization_name: "Acme".into(),
        organization_slug: Some("acme".into()),
        mfa_policy: Some(mfa_policy.into()),
        ..Default::default()
    };
    let organization = client.organizations.create(request).await.unwrap().organization;
    assert_eq!(organization.mfa_policy, mfa_policy);
    let request = members::CreateRequest {
        organization_id: organization.organization_id.clone(),
        email_address: EMAIL.into(),
        ..Default::default()
    };
    let ada = client.organizations.members.create(request).await.unwrap();
    assert_eq!(ada.member.status, "active");
    (organization.organization_id, ada.member_id)
}

/// Sets Ada's password by email.
pub(super) async fn set_password(
    stytch: &LocalStytch,
    client: &Client,
) -> passwords_email::ResetResponse {
    let request = passwords_email::ResetStartRequest {
        organization_id: "acme".into(),
        email_address: EMAIL.into(),
        ..Default::default()
    };
    client.passwords.email.reset_start(request).await.unwrap();
    let link = stytch.messages()[0].link.clone().unwrap();
    let request = passwords_email::ResetRequest {
        password_reset_token: link.split_once("token=").unwrap().1.into(),
        password: PASSWORD.into(),
        ..Default::default()
    };
    client.passwords.email.reset(request).await.unwrap()
}

pub(super) async fn sign_in(client: &Client) -> passwords::AuthenticateResponse {
    let request = passwords::AuthenticateRequest {
        organization_id: "acme".into(),
        email_address: EMAIL.into(),
        password: PASSWORD.into(),
        session_duration_minutes: Some(30),
        ..Default::default()
    };
    client.passwords.authenticate(request).await.unwrap()
}

fn pairs(factors: &[AuthenticationFactor]) -> Vec<String> {
    factors.iter().map(|it| pair(&it.type_, &it.delivery_method)).collect()
}

fn pair(kind: &Type, delivery: &Delivery) -> String {
    format!("{kind:?}/{delivery:?}")
}

#[tokio::test]
async fn the_rust_sdk_completes_mfa_and_keeps_a_members_session() {
    let stytch = builder().start().await.unwrap();
    let client = client(&stytch);
    let (organization_id, member_id) = create(&client, "REQUIRED_FOR_ALL").await;
    let reset = set_password(&stytch, &client).await;
    assert!(!reset.member_authenticated && reset.member.email_address_verified);
    let pending = sign_in(&client).await;
    assert!(!pending.member_authenticated && pending.member_session.is_none());
    let required = pending.mfa_required.unwrap();
    assert!(required.member_options.is_none() && required.secondary_auth_initiated.is_none());

    let request = otp_sms::SendRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
        mfa_phone_number: Some(PHONE.into()),
        intermediate_session_token: Some(pending.intermediate_session_token.clone()),
        ..Default::default()
    };
    client.otps.sms.send(request).await.unwrap();
    let request = |code: &str| otp_sms::AuthenticateRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
        code: code.into(),
        intermediate_session_token: Some(pending.intermediate_session_token.clone()),
        session_duration_minutes: Some(60),
        session_custom_claims: Some(json!({"plan": "gold"})),
        ..Default::default()
    };
    let right = stytch.messages()[0].code.clone().unwrap();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let refused = client.otps.sms.authenticate(request(wrong)).await;
    assert_error(refused, 404, "otp_code_not_found");
    let stepped = client.otps.sms.authenticate(request(&right)).await.unwrap();
    let session = stepped.member_session.unwrap();
    let expected = [pair(&Type::Password, &Delivery::Knowledge), pair(&Type::OTP, &Delivery::Sms)];
    assert_eq!(pairs(&session.authentication_factors), expected);
    assert_eq!(session.organization_slug, "acme");
    assert!(stepped.member.mfa_enrolled);

    // The next sign-in sends a code at once.
    let again = sign_in(&client).await.mfa_required.unwrap();
    assert_eq!(again.secondary_auth_initiated.as_deref(), Some("sms_otp"));
    assert_eq!(again.member_options.unwrap().mfa_phone_number, PHONE);

    let authenticate = async || {
        let request = sessions::AuthenticateRequest {
            session_token: Some(stepped.session_token.clone()),
            ..Default::default()
        };
        client.sessions.authenticate(request).await
    };
    let renewed = authenticate().await.unwrap();
    assert_eq!(renewed.member_session.member_session_id, session.member_session_id);
    assert_eq!(renewed.member_session.custom_claims, Some(json!({"plan": "gold"})));
    let keys = sessions::GetJWKSRequest { project_id: stytch.project_id().into() };
    assert_eq!(client.sessions.get_jwks(keys).await.unwrap().keys.len(), 1);
    let of_ada = sessions::GetRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
    };
    assert_eq!(client.sessions.get(of_ada).await.unwrap().member_sessions.len(), 1);
    let request = sessions::RevokeRequest { member_id: Some(member_id), ..Default::default() };
    client.sessions.revoke(request).await.unwrap();
    assert_error(authenticate().await, 404, "session_not_found");

    let member_password_id = reset.member.member_password_id;
    let request = members::DeletePasswordRequest { organization_id, member_password_id };
    let without = client.organizations.members.delete_password(request).await.unwrap();
    assert_eq!(without.member.member_password_id, "");
}

#[tokio::test]
async fn the_rust_sdk_uses_an_app_and_recovery_codes() {
    let stytch = builder().start().await.unwrap();
    let client = client(&stytch);
    let (organization_id, member_id) = create(&client, "OPTIONAL").await;
    let reset = set_password(&stytch, &client).await;
    assert!(reset.member_authenticated);
    let request = totps::CreateRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
        ..Default::default()
    };
    let created = client.totps.create(request).await.unwrap();
    let secret = Secret::try_from_base32(&created.secret).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    let code = || app.generate(stytch.now().unix_timestamp().try_into().unwrap()).to_string();
    let request = totps::AuthenticateRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
        code: code(),
        session_jwt: Some(reset.session_jwt),
        set_mfa_enrollment: Some("enroll".into()),
        ..Default::default()
    };
    let stepped = client.totps.authenticate(request).await.unwrap();
    assert_eq!(stepped.member.totp_registration_id, created.totp_registration_id);
    let expected = [
        pair(&Type::Password, &Delivery::Knowledge),
        pair(&Type::TOTP, &Delivery::AuthenticatorApp),
    ];
    assert_eq!(pairs(&stepped.member_session.unwrap().authentication_factors), expected);

    let pending = sign_in(&client).await;
    assert!(!pending.member_authenticated);
    let request = recovery_codes::RecoverRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
        recovery_code: created.recovery_codes[0].clone(),
        intermediate_session_token: Some(pending.intermediate_session_token),
        ..Default::default()
    };
    let recovered = client.recovery_codes.recover(request).await.unwrap();
    assert_eq!(recovered.recovery_codes_remaining, 9);
    let expected = [
        pair(&Type::Password, &Delivery::Knowledge),
        pair(&Type::RecoveryCodes, &Delivery::RecoveryCode),
    ];
    assert_eq!(pairs(&recovered.member_session.unwrap().authentication_factors), expected);
    let request = recovery_codes::RotateRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
    };
    let rotated = client.recovery_codes.rotate(request).await.unwrap();
    let request = recovery_codes::GetRequest { organization_id, member_id };
    let got = client.recovery_codes.get(request).await.unwrap();
    assert_eq!(got.recovery_codes, rotated.recovery_codes);
}
