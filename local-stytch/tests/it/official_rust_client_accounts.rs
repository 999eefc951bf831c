//! The unmodified `stytch` crate: changes of users, and password resets.

use std::time::Duration;

use stytch::consumer::{
    otp, otp_email, otp_sms, passwords, passwords_email, passwords_existing_password,
    passwords_session,
    sessions::{AuthenticationFactorDeliveryMethod as Delivery, AuthenticationFactorType as Type},
    totps, users,
};

use crate::{
    official_rust_client::{assert_error, authenticate, code, create_ada, pair, pairs, start},
    support::{EMAIL, PASSWORD, PHONE},
};

const NEW: &str = "eleven quiet barges below the lock";

#[tokio::test]
async fn the_rust_sdk_updates_a_user_and_deletes_factors_and_the_user() {
    let (stytch, client) = start().await;
    let ada = create_ada(&client).await;
    let request = users::UpdateRequest {
        user_id: ada.user_id.clone(),
        name: Some(users::Name { last_name: Some("Lovelace".into()), ..Default::default() }),
        untrusted_metadata: Some(serde_json::json!({"theme": "dark"})),
        ..Default::default()
    };
    let updated = client.users.update(request).await.unwrap();
    assert_eq!(updated.user.name.unwrap().last_name.as_deref(), Some("Lovelace"));
    assert_eq!(updated.emails[0].email, EMAIL);

    let request = otp_email::SendRequest { email: EMAIL.into(), ..Default::default() };
    let sent = client.otps.email.send(request).await.unwrap();
    let attempt = otp::AuthenticateRequest {
        method_id: sent.email_id.clone(),
        code: code(&stytch),
        ..Default::default()
    };
    client.otps.authenticate(attempt).await.unwrap();
    let request = users::DeleteEmailRequest { email_id: sent.email_id };
    let last = client.users.delete_email(request.clone()).await;
    assert_error(last, 400, "cannot_delete_last_primary_factor");
    let send = otp_sms::SendRequest {
        phone_number: PHONE.into(),
        user_id: Some(ada.user_id.clone()),
        ..Default::default()
    };
    let phone_id = client.otps.sms.send(send.clone()).await.unwrap().phone_id;
    let delete = users::DeletePhoneNumberRequest { phone_id };
    let deleted = client.users.delete_phone_number(delete).await.unwrap();
    assert!(deleted.user.phone_numbers.is_empty() && deleted.user_id == ada.user_id);
    client.otps.sms.send(send).await.unwrap();
    assert!(client.users.delete_email(request).await.unwrap().user.emails.is_empty());

    let request = totps::CreateRequest { user_id: ada.user_id.clone(), expiration_minutes: None };
    let totp_id = client.totps.create(request).await.unwrap().totp_id;
    let delete = users::DeleteTOTPRequest { totp_id };
    assert!(client.users.delete_totp(delete.clone()).await.unwrap().user.totps.is_empty());
    assert_error(client.users.delete_totp(delete).await, 404, "totp_not_found");
    let password_id = ada.user.password.unwrap().password_id;
    let delete = users::DeletePasswordRequest { password_id };
    assert!(client.users.delete_password(delete).await.unwrap().user.password.is_none());

    let request = users::DeleteRequest { user_id: ada.user_id.clone() };
    assert_eq!(client.users.delete(request).await.unwrap().user_id, ada.user_id);
    let request = users::GetRequest { user_id: ada.user_id };
    assert_error(client.users.get(request).await, 404, "user_not_found");
    assert_error(authenticate(&client, &ada.session_token).await, 404, "session_not_found");
}

#[tokio::test]
async fn the_rust_sdk_resets_a_password_in_all_three_ways() {
    let (stytch, client) = start().await;
    let ada = create_ada(&client).await;

    let request = passwords_email::ResetStartRequest { email: EMAIL.into(), ..Default::default() };
    let started = client.passwords.email.reset_start(request).await.unwrap();
    assert_eq!((started.user_id, started.email_id), (ada.user_id.clone(), ada.email_id));
    let link = stytch.messages()[0].link.clone().unwrap();
    let request = passwords_email::ResetRequest {
        token: link.split_once("token=").unwrap().1.into(),
        password: NEW.into(),
        session_duration_minutes: Some(60),
        ..Default::default()
    };
    let reset = client.passwords.email.reset(request.clone()).await.unwrap();
    assert_eq!(pairs(&reset.session.unwrap()), [pair(Type::Password, Delivery::Knowledge)]);
    let again = client.passwords.email.reset(request).await;
    assert_error(again, 401, "unable_to_auth_password_reset_token");
    assert_error(authenticate(&client, &ada.session_token).await, 404, "session_not_found");

    let request = passwords_existing_password::ResetRequest {
        email: EMAIL.into(),
        existing_password: NEW.into(),
        new_password: PASSWORD.into(),
        session_duration_minutes: Some(60),
        ..Default::default()
    };
    let reset = client.passwords.existing_password.reset(request.clone()).await.unwrap();
    let again = client.passwords.existing_password.reset(request).await;
    assert_error(again, 401, "unauthorized_credentials");

    let request = passwords_session::ResetRequest {
        password: NEW.into(),
        session_token: Some(reset.session_token),
        ..Default::default()
    };
    let kept = client.passwords.sessions.reset(request.clone()).await.unwrap();
    assert_eq!(kept.session.unwrap().session_id, reset.session.unwrap().session_id);
    stytch.advance(Duration::from_secs(301));
    let late = client.passwords.sessions.reset(request).await;
    assert_error(late, 401, "session_too_old_to_reset_password");
    let request = passwords::AuthenticateRequest {
        email: EMAIL.into(),
        password: NEW.into(),
        ..Default::default()
    };
    client.passwords.authenticate(request).await.unwrap();
}
