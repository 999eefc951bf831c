use serde_json::{Value, json};

use super::support::{Acme, text};
use crate::support::{EMAIL, PHONE, assert_refused};

#[tokio::test]
async fn a_member_is_created_found_changed_and_deleted() {
    let acme = Acme::start().await;
    let path = "/v1/b2b/organizations/acme";
    let body = json!({"email_address": "Bob@Example.com", "name": "Bob", "mfa_phone_number": PHONE,
        "mfa_enrolled": true, "roles": ["stytch_admin"], "external_id": "hr-2",
        "create_member_as_pending": true, "untrusted_metadata": {"theme": "dark"}});
    let created = acme.stand.ok(&format!("{path}/members"), body).await;
    let (id, member) = (text(&created["member_id"]), &created["member"]);
    assert!(id.starts_with("member-test-"));
    assert_eq!(member["email_address"], "bob@example.com");
    assert_eq!(member["status"], "pending");
    assert_eq!(member["mfa_phone_number"], PHONE);
    assert_eq!(member["mfa_phone_number_verified"], false);
    assert_eq!((&member["mfa_enrolled"], &member["is_admin"]), (&json!(true), &json!(true)));
    assert_eq!(member["roles"][0]["role_id"], "stytch_member");
    assert_eq!(created["organization"]["organization_slug"], "acme");

    for query in ["member_id=hr-2", "email_address=BOB@example.com"] {
        let got = acme.stand.get(&format!("{path}/member?{query}")).await;
        assert_eq!((&got["member_id"], &got["member"]), (&json!(id), member));
    }
    let changes = json!({"name": "Robert", "mfa_enrolled": false, "default_mfa_method": "sms_otp"});
    let changed = acme.put(&format!("{path}/members/{id}"), changes).await;
    let member = &changed["member"];
    assert_eq!((&member["name"], &member["mfa_enrolled"]), (&json!("Robert"), &json!(false)));
    assert_eq!(member["default_mfa_method"], "sms_otp");
    assert_eq!(member["untrusted_metadata"], json!({"theme": "dark"}));

    let deleted = acme.delete(&format!("{path}/members/hr-2")).await;
    assert_eq!(deleted["member_id"], *id);
    let gone = acme.stand.get(&format!("{path}/member?member_id={id}")).await;
    assert_refused(&gone, 404, "member_not_found", "a deleted member");
}

#[tokio::test]
async fn deleting_a_member_ends_their_sessions_and_frees_their_email() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    acme.delete(&acme.path()).await;
    assert!(!acme.is_good(&session["session_token"]).await);
    let body = json!({"email_address": EMAIL});
    acme.stand.ok("/v1/b2b/organizations/acme/members", body).await;
}

#[tokio::test]
async fn a_new_email_is_unverified_and_clears_the_password() {
    let acme = Acme::start().await;
    let member = acme.get().await;
    assert_eq!(member["email_address_verified"], true);
    assert!(text(&member["member_password_id"]).starts_with("member-password-test-"));
    let changed = acme.update(json!({"email_address": "ada@acme.example"})).await;
    let member = &changed["member"];
    assert_eq!(member["email_address"], "ada@acme.example");
    assert_eq!(member["email_address_verified"], false);
    assert_eq!(member["member_password_id"], "");
    let unchanged = acme.update(json!({"email_address": "ADA@acme.example"})).await;
    assert_eq!(unchanged["member"]["email_address"], "ada@acme.example");
}

#[tokio::test]
async fn the_phone_number_the_totp_and_the_password_are_deleted() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let with_phone = acme.add_phone(&session).await;
    acme.add_totp(&with_phone).await;
    let member = acme.get().await;
    assert_eq!(member["default_mfa_method"], "sms_otp", "the first method is the default");
    assert!(text(&member["totp_registration_id"]).starts_with("totp-test-"));

    let path = "/v1/b2b/organizations/acme/members";
    let (id, password_id) = (&acme.member_id, text(&member["member_password_id"]));
    for (path, missing) in [
        (format!("{path}/mfa_phone_numbers/{id}"), "member_phone_number_not_found"),
        (format!("{path}/{id}/totp"), "totp_not_found"),
        (format!("{path}/passwords/{password_id}"), "member_password_not_found"),
    ] {
        assert_eq!(acme.delete(&path).await["member_id"], **id, "{path}");
        assert_refused(&acme.delete(&path).await, 404, missing, &path);
    }
    let member = acme.get().await;
    for field in
        ["mfa_phone_number", "totp_registration_id", "member_password_id", "default_mfa_method"]
    {
        assert_eq!(member[field], "", "{field}");
    }
}

#[tokio::test]
async fn invalid_fields_of_a_member_are_refused() {
    let acme = Acme::start().await;
    acme.update(json!({"mfa_phone_number": PHONE, "external_id": "hr-1"})).await;
    let path = "/v1/b2b/organizations/acme/members";
    let check = async |fields: Value, kind: &str| {
        let mut body = json!({"email_address": "bob@example.com"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        acme.stand.refused(path, body, 400, kind).await;
    };
    check(json!({"email_address": "bob"}), "invalid_email").await;
    check(json!({"email_address": EMAIL}), "duplicate_member_email").await;
    check(json!({"external_id": "hr-1"}), "duplicate_member_external_id").await;
    check(json!({"external_id": "hr 2"}), "invalid_argument").await;
    check(json!({"mfa_phone_number": "12"}), "invalid_phone_number").await;
    check(json!({"name": "a".repeat(129)}), "invalid_argument").await;
    check(json!({"roles": vec!["role"; 21]}), "invalid_argument").await;
    check(json!({"default_mfa_method": "email"}), "invalid_mfa_default_method").await;
    check(json!({"default_mfa_method": "totp"}), "default_mfa_member_missing_factor").await;
    check(json!({"untrusted_metadata": {"a": "b".repeat(4096)}}), "metadata_too_large").await;

    let second = acme.put(&acme.path(), json!({"mfa_phone_number": "+12025550163"})).await;
    assert_refused(&second, 400, "duplicate_member_phone_number_for_member", "a second phone");
    let unknown = "/v1/b2b/organizations/unknown/members";
    let body = json!({"email_address": EMAIL});
    acme.stand.refused(unknown, body, 404, "organization_not_found").await;
    for query in ["", "?member_id=a&email_address=a@example.com"] {
        let got = acme.stand.get(&format!("/v1/b2b/organizations/acme/member{query}")).await;
        assert_refused(&got, 400, "invalid_member_get_fields", query);
    }
}

#[tokio::test]
async fn members_are_found_within_organizations() {
    let acme = Acme::start().await;
    let bolt = json!({"organization_name": "Bolt"});
    acme.stand.ok("/v1/b2b/organizations", bolt).await;
    for (organization, email) in [("acme", "bob@example.com"), ("bolt", "cy@example.com")] {
        let path = format!("/v1/b2b/organizations/{organization}/members");
        let body = json!({"email_address": email, "create_member_as_pending": true});
        acme.stand.ok(&path, body).await;
    }
    let path = "/v1/b2b/organizations/members/search";
    let body = |organizations: Value, name: &str, value: Value| {
        let operand = json!({"filter_name": name, "filter_value": value});
        json!({"organization_ids": organizations,
            "query": {"operator": "OR", "operands": [operand]}})
    };
    let search = async |body: Value| {
        let found = acme.stand.ok(path, body).await;
        let emails = found["members"].as_array().unwrap().iter();
        let emails: Vec<_> = emails.map(|it| text(&it["email_address"])).collect();
        (emails, found["organizations"].as_object().unwrap().len())
    };
    let pending = body(json!(["acme", "bolt"]), "statuses", json!(["pending"]));
    assert_eq!(search(pending).await, (vec!["bob@example.com".into(), "cy@example.com".into()], 2));
    let emails = json!(["CY@example.com", EMAIL]);
    let (found, _) = search(body(json!(["acme"]), "member_emails", emails)).await;
    assert_eq!(found, [EMAIL]);
    let by_id = body(json!(["acme"]), "member_ids", json!([acme.member_id]));
    assert_eq!(search(by_id).await.0, [EMAIL]);

    let refused = async |body: Value, status: u16, kind: &str| {
        acme.stand.refused(path, body, status, kind).await;
    };
    let none = json!({"organization_ids": []});
    refused(none, 400, "member_search_organization_ids_empty").await;
    refused(json!({"organization_ids": ["unknown"]}), 404, "organization_not_found").await;
    let unknown = body(json!(["acme"]), "shoe_size", json!(["44"]));
    refused(unknown, 400, "member_search_filter_name_not_recognized").await;
    let not_strings = body(json!(["acme"]), "member_emails", json!([1]));
    refused(not_strings, 400, "member_search_expected_array_of_strings").await;
}
