//! The B2B module of the unmodified `stytch` crate: organizations, members, and its typed errors.

use std::time::Duration;

use serde_json::json;
use stytch::b2b::{organizations, organizations_members as members, otp_sms, passwords};

use super::official_rust_client::{client, create, set_password, sign_in};
use crate::{
    official_rust_client::assert_error,
    support::{EMAIL, PASSWORD, PHONE, builder},
};

#[tokio::test]
async fn the_rust_sdk_manages_organizations_and_members() {
    let stytch = builder().start().await.unwrap();
    let client = client(&stytch);
    let (organization_id, member_id) = create(&client, "OPTIONAL").await;
    let request = organizations::UpdateRequest {
        organization_id: "acme".into(),
        mfa_policy: Some("REQUIRED_FOR_ALL".into()),
        ..Default::default()
    };
    let updated = client.organizations.update(request).await.unwrap();
    assert_eq!(updated.organization.mfa_policy, "REQUIRED_FOR_ALL");
    let request = organizations::GetRequest { organization_id: organization_id.clone() };
    let got = client.organizations.get(request).await.unwrap().organization;
    assert_eq!(got.organization_slug, "acme");
    let query = |name: &str, value: &str| organizations::SearchQuery {
        operator: organizations::SearchQueryOperator::AND,
        operands: vec![json!({"filter_name": name, "filter_value": [value]})],
    };
    let request = organizations::SearchRequest {
        query: Some(query("organization_slugs", "acme")),
        ..Default::default()
    };
    let found = client.organizations.search(request).await.unwrap();
    assert_eq!((found.organizations.len(), found.results_metadata.total), (1, 1));

    let api = &client.organizations.members;
    let request = members::UpdateRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
        mfa_phone_number: Some(PHONE.into()),
        roles: Some(vec!["editor".into()]),
        ..Default::default()
    };
    let updated = api.update(request).await.unwrap().member;
    assert_eq!((&*updated.mfa_phone_number, &*updated.roles[1].role_id), (PHONE, "editor"));
    let by_email = members::GetRequest {
        organization_id: organization_id.clone(),
        email_address: Some(EMAIL.into()),
        member_id: None,
    };
    assert_eq!(api.get(by_email).await.unwrap().member_id, member_id);
    let request = members::SearchRequest {
        organization_ids: vec![organization_id.clone()],
        query: Some(query("member_emails", EMAIL)),
        ..Default::default()
    };
    let found = api.search(request).await.unwrap();
    assert_eq!((found.members.len(), found.organizations.len()), (1, 1));
    let request = members::DeleteMFAPhoneNumberRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
    };
    let without = api.delete_mfa_phone_number(request).await.unwrap();
    assert_eq!(without.member.mfa_phone_number, "");

    let request = members::DeleteRequest {
        organization_id: organization_id.clone(),
        member_id: member_id.clone(),
    };
    api.delete(request.clone()).await.unwrap();
    assert_error(api.delete(request).await, 404, "member_not_found");
    let request = organizations::DeleteRequest { organization_id: organization_id.clone() };
    client.organizations.delete(request).await.unwrap();
    let request = organizations::GetRequest { organization_id };
    let gone = client.organizations.get(request).await;
    assert_error(gone, 404, "organization_not_found");
}

#[tokio::test]
async fn the_rust_sdk_returns_typed_errors_of_the_b2b_api() {
    let stytch = builder().start().await.unwrap();
    let client = client(&stytch);
    create(&client, "REQUIRED_FOR_ALL").await;
    let request = organizations::CreateRequest {
        organization_name: "Acme".into(),
        organization_slug: Some("acme".into()),
        ..Default::default()
    };
    let taken = client.organizations.create(request).await;
    assert_error(taken, 400, "organization_slug_already_used");
    let request = passwords::AuthenticateRequest {
        organization_id: "acme".into(),
        email_address: EMAIL.into(),
        password: PASSWORD.into(),
        ..Default::default()
    };
    let without = client.passwords.authenticate(request).await;
    assert_error(without, 404, "member_password_not_found");
    let weak = passwords::StrengthCheckRequest { password: "password".into(), email_address: None };
    let checked = client.passwords.strength_check(weak).await.unwrap();
    assert!(!checked.valid_password && checked.zxcvbn_feedback.is_some());

    set_password(&stytch, &client).await;
    let pending = sign_in(&client).await;
    stytch.advance(Duration::from_secs(600));
    let request = otp_sms::AuthenticateRequest {
        organization_id: "acme".into(),
        member_id: pending.member_id,
        code: "123456".into(),
        intermediate_session_token: Some(pending.intermediate_session_token),
        ..Default::default()
    };
    let late = client.otps.sms.authenticate(request).await;
    assert_error(late, 404, "intermediate_session_not_found");
}
