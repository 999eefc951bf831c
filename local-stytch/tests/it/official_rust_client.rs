//! The unmodified `stytch` crate: the whole story, and its typed errors.

use std::time::Duration;

use local_stytch::LocalStytch;
use stytch::{
    Error, ErrorResponse,
    client::Vertical,
    consumer::{
        client::Client,
        magic_links, otp, otp_email, otp_sms, passwords,
        sessions::{
            self, AuthenticationFactorDeliveryMethod as Delivery, AuthenticationFactorType as Type,
            Session,
        },
        totps, users,
    },
};
use totp_rs::{Builder, Secret};

use crate::support::{EMAIL, PASSWORD, PHONE, builder};

fn client(stytch: &LocalStytch, secret: &str) -> Client {
    let http = || {
        let url = stytch.base_url().parse().unwrap();
        stytch::client::Client::new_with_base_url(
            stytch.project_id(),
            secret,
            url,
            Vertical::Consumer,
        )
        .unwrap()
    };
    Client::new_with_http_client(http(), http())
}

pub(crate) async fn start() -> (LocalStytch, Client) {
    let stytch = builder().start().await.unwrap();
    let client = client(&stytch, stytch.secret());
    (stytch, client)
}

pub(crate) async fn create_ada(client: &Client) -> passwords::CreateResponse {
    let request = passwords::CreateRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        session_duration_minutes: Some(60),
        ..Default::default()
    };
    client.passwords.create(request).await.unwrap()
}

pub(crate) fn code(stytch: &LocalStytch) -> String {
    stytch.messages()[0].code.clone().unwrap()
}

pub(crate) fn pairs(session: &Session) -> Vec<String> {
    session
        .authentication_factors
        .iter()
        .map(|it| format!("{:?}/{:?}", it.type_, it.delivery_method))
        .collect()
}

pub(crate) fn pair(kind: Type, delivery: Delivery) -> String {
    format!("{kind:?}/{delivery:?}")
}

pub(crate) async fn authenticate(
    client: &Client,
    token: &str,
) -> stytch::Result<sessions::AuthenticateResponse> {
    let request = sessions::AuthenticateRequest {
        session_token: Some(token.to_owned()),
        ..Default::default()
    };
    client.sessions.authenticate(request).await
}

#[tokio::test]
async fn the_rust_sdk_signs_in_steps_up_and_signs_out() {
    let (stytch, client) = start().await;
    let ada = create_ada(&client).await;
    assert_eq!(pairs(&ada.session.unwrap()), [pair(Type::Password, Delivery::Knowledge)]);

    // The email is verified first, because the user cannot add a phone before that.
    let request = otp_email::SendRequest { email: EMAIL.into(), ..Default::default() };
    let sent = client.otps.email.send(request).await.unwrap();
    let request = otp::AuthenticateRequest {
        method_id: sent.email_id,
        code: code(&stytch),
        ..Default::default()
    };
    let verified = client.otps.authenticate(request).await.unwrap();
    assert!(verified.user.emails[0].verified && verified.session.is_none());

    // The second factor.
    let request = otp_sms::SendRequest {
        phone_number: PHONE.into(),
        session_token: Some(ada.session_token.clone()),
        ..Default::default()
    };
    let sent = client.otps.sms.send(request).await.unwrap();
    let request = otp::AuthenticateRequest {
        method_id: sent.phone_id,
        code: code(&stytch),
        session_token: Some(ada.session_token.clone()),
        session_custom_claims: Some(serde_json::json!({"plan": "gold"})),
        ..Default::default()
    };
    let stepped = client.otps.authenticate(request).await.unwrap();
    let session = stepped.session.unwrap();
    assert_eq!(
        pairs(&session),
        [pair(Type::Password, Delivery::Knowledge), pair(Type::OTP, Delivery::Sms)]
    );
    assert_eq!(
        session.authentication_factors[1].phone_number_factor.as_ref().unwrap().phone_number,
        PHONE
    );

    // The original session stays valid for five more seconds.
    authenticate(&client, &ada.session_token).await.unwrap();
    stytch.advance(Duration::from_secs(5));
    assert_error(authenticate(&client, &ada.session_token).await, 404, "session_not_found");
    assert_eq!(
        authenticate(&client, &stepped.session_token).await.unwrap().session.session_id,
        session.session_id
    );

    let keys = sessions::GetJWKSRequest { project_id: stytch.project_id().into() };
    assert_eq!(client.sessions.get_jwks(keys).await.unwrap().keys.len(), 1);
    let list = async || {
        let request = sessions::GetRequest { user_id: ada.user_id.clone() };
        client.sessions.get(request).await.unwrap().sessions
    };
    assert_eq!(list().await.len(), 1);
    let request =
        sessions::RevokeRequest { session_id: Some(session.session_id), ..Default::default() };
    client.sessions.revoke(request).await.unwrap();
    assert!(list().await.is_empty());
    assert_error(authenticate(&client, &stepped.session_token).await, 404, "session_not_found");
}

#[tokio::test]
async fn the_rust_sdk_proves_the_other_factors() {
    let (stytch, client) = start().await;
    let ada = create_ada(&client).await;

    let request = magic_links_email(EMAIL);
    client.magic_links.email.send(request).await.unwrap();
    let link = stytch.messages()[0].link.clone().unwrap();
    let request = magic_links::AuthenticateRequest {
        token: link.split_once("token=").unwrap().1.into(),
        session_token: Some(ada.session_token),
        ..Default::default()
    };
    let linked = client.magic_links.authenticate(request).await.unwrap();

    let request = totps::CreateRequest { user_id: ada.user_id.clone(), expiration_minutes: None };
    let created = client.totps.create(request).await.unwrap();
    let app = Builder::new()
        .with_secret(Secret::try_from_base32(&created.secret).unwrap())
        .build()
        .unwrap();
    let request = totps::AuthenticateRequest {
        user_id: ada.user_id.clone(),
        totp_code: app.generate(stytch.now().unix_timestamp().try_into().unwrap()).to_string(),
        session_jwt: Some(linked.session_jwt),
        ..Default::default()
    };
    let stepped = client.totps.authenticate(request).await.unwrap();
    let request = totps::RecoverRequest {
        user_id: ada.user_id.clone(),
        recovery_code: created.recovery_codes[0].clone(),
        session_token: Some(stepped.session_token),
        ..Default::default()
    };
    let recovered = client.totps.recover(request).await.unwrap();
    let expected = [
        pair(Type::Password, Delivery::Knowledge),
        pair(Type::MagicLink, Delivery::Email),
        pair(Type::TOTP, Delivery::AuthenticatorApp),
        pair(Type::RecoveryCodes, Delivery::RecoveryCode),
    ];
    assert_eq!(pairs(&recovered.session.unwrap()), expected);
    let request = totps::RecoveryCodesRequest { user_id: ada.user_id };
    assert_eq!(
        client.totps.recovery_codes(request).await.unwrap().totps[0].recovery_codes.len(),
        9
    );
}

fn magic_links_email(email: &str) -> stytch::consumer::magic_links_email::SendRequest {
    stytch::consumer::magic_links_email::SendRequest { email: email.into(), ..Default::default() }
}

#[tokio::test]
async fn the_rust_sdk_creates_and_finds_users() {
    let (_stytch, client) = start().await;
    let request = users::CreateRequest {
        email: Some(EMAIL.into()),
        name: Some(users::Name { first_name: Some("Ada".into()), ..Default::default() }),
        ..Default::default()
    };
    let created = client.users.create(request).await.unwrap();
    let got =
        client.users.get(users::GetRequest { user_id: created.user_id.clone() }).await.unwrap();
    assert_eq!(got.name.unwrap().first_name.as_deref(), Some("Ada"));
    let operand = serde_json::json!({"filter_name": "email_address", "filter_value": [EMAIL]});
    let query = users::SearchUsersQuery {
        operator: users::SearchUsersQueryOperator::AND,
        operands: vec![operand],
    };
    let request = users::SearchRequest { query: Some(query), ..Default::default() };
    let found = client.users.search(request).await.unwrap();
    assert_eq!((found.results_metadata.total, found.results_metadata.next_cursor), (1, None));
    assert_eq!(found.results[0].user_id, created.user_id);

    let request =
        otp_sms::LoginOrCreateRequest { phone_number: PHONE.into(), ..Default::default() };
    assert!(client.otps.sms.login_or_create(request).await.unwrap().user_created);
    let request = passwords::StrengthCheckRequest { password: PASSWORD.into(), email: None };
    assert!(client.passwords.strength_check(request).await.unwrap().valid_password);
}

#[tokio::test]
async fn the_rust_sdk_returns_typed_errors() {
    let (stytch, client) = start().await;
    let ada = create_ada(&client).await;
    let weak = |email: &str| passwords::CreateRequest {
        email: email.into(),
        password: "password".into(),
        ..Default::default()
    };
    assert_error(client.passwords.create(weak("bob@example.com")).await, 400, "weak_password");
    assert_error(client.passwords.create(weak(EMAIL)).await, 400, "duplicate_email");
    assert_error(authenticate(&client, "unknown").await, 404, "session_not_found");
    let request = otp_sms::SendRequest {
        phone_number: PHONE.into(),
        user_id: Some(ada.user_id),
        ..Default::default()
    };
    assert_error(client.otps.sms.send(request).await, 400, "too_many_unverified_factors");

    let request = otp_email::SendRequest { email: EMAIL.into(), ..Default::default() };
    client.otps.email.send(request).await.unwrap();
    let right = code(&stytch);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let attempt = |code: &str| otp::AuthenticateRequest {
        method_id: ada.email_id.clone(),
        code: code.into(),
        ..Default::default()
    };
    assert_error(client.otps.authenticate(attempt(wrong)).await, 404, "otp_code_not_found");
    client.otps.authenticate(attempt(&right)).await.unwrap();
    assert_error(client.otps.authenticate(attempt(&right)).await, 401, "unable_to_auth_otp_code");

    let stranger = self::client(&stytch, "secret-test-wrong");
    assert_error(authenticate(&stranger, "unknown").await, 401, "unauthorized_credentials");
}

#[track_caller]
pub(crate) fn assert_error<T: std::fmt::Debug>(result: stytch::Result<T>, status: u16, kind: &str) {
    match result {
        Err(Error::Response(ErrorResponse { status_code, error_type, request_id, .. })) => {
            assert_eq!((status_code.as_u16(), &*error_type), (status, kind));
            assert!(request_id.starts_with("request-id-test-"));
        }
        other => panic!("expected {kind}, got {other:?}"),
    }
}
