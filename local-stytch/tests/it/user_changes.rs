use serde_json::{Value, json};

use crate::support::{EMAIL, PASSWORD, PHONE, Stand, assert_refused, response_to};

impl Stand {
    /// Sends a DELETE and returns the response.
    async fn delete(&self, path: &str) -> Value {
        response_to(self.request("DELETE", path)).await
    }

    async fn put(&self, path: &str, body: Value) -> Value {
        response_to(self.request("PUT", path).json(&body)).await
    }
}

fn user_path(user: &Value) -> String {
    format!("/v1/users/{}", user["user_id"].as_str().unwrap())
}

#[tokio::test]
async fn an_update_changes_only_what_it_names() {
    let stand = Stand::start().await;
    let body = json!({"email": EMAIL, "name": {"first_name": "Ada", "last_name": "King"}, "roles": ["reader"],
        "trusted_metadata": {"plan": "gold", "since": 1843, "tags": {"a": 1}}, "external_id": "ada-1"});
    let ada = stand.ok("/v1/users", body).await;
    let path = user_path(&ada);

    // The Rust SDK sends the id in the body too, and null for what does not change.
    let body = json!({"user_id": ada["user_id"], "name": {"last_name": "Lovelace", "first_name": null},
        "trusted_metadata": {"plan": "silver", "since": null, "tags": {"b": 2}},
        "untrusted_metadata": null, "external_id": null, "roles": null, "attributes": null});
    let updated = stand.put(&path, body).await;
    assert_eq!(updated["status_code"], 200, "{updated}");
    assert_eq!(updated["user"]["name"]["first_name"], "Ada");
    assert_eq!(updated["user"]["name"]["last_name"], "Lovelace");
    assert_eq!(
        updated["user"]["trusted_metadata"],
        json!({"plan": "silver", "tags": {"b": 2}}),
        "merged at the top level only"
    );
    assert_eq!(updated["user"]["external_id"], "ada-1");
    assert_eq!(updated["user"]["roles"], json!(["stytch_user", "reader"]));
    assert_eq!(updated["emails"], updated["user"]["emails"]);

    let updated = stand.put(&path, json!({"roles": ["writer"], "external_id": "ada-2"})).await;
    assert_eq!(updated["user"]["roles"], json!(["stytch_user", "writer"]));
    assert_eq!(updated["user"]["external_id"], "ada-2");
    assert_eq!(updated["user"], stand.get(&path).await.without_envelope());
}

#[tokio::test]
async fn invalid_updates_change_nothing() {
    let stand = Stand::start().await;
    stand.ok("/v1/users", json!({"email": "bob@example.com", "external_id": "bob-1"})).await;
    let half = "m".repeat(2500);
    let body = json!({"email": EMAIL, "external_id": "ada-1", "untrusted_metadata": {"a": half}});
    let path = user_path(&stand.ok("/v1/users", body).await);
    let before = stand.get(&path).await.without_envelope();
    for (body, kind) in [
        (json!({"external_id": "bob-1"}), "duplicate_user_external_id"),
        (json!({"untrusted_metadata": {"b": half}}), "metadata_too_large"),
        (json!({"trusted_metadata": 5}), "metadata_too_large"),
        (json!({"name": {"first_name": "a".repeat(129)}}), "invalid_argument"),
        (json!({"roles": vec!["r"; 21]}), "invalid_argument"),
        (json!({"name": 5}), "invalid_request"),
    ] {
        let body = json!({"roles": ["admin"], "name": {"last_name": "X"}}).merged(body);
        assert_refused(&stand.put(&path, body).await, 400, kind, kind);
    }
    assert_eq!(stand.get(&path).await.without_envelope(), before);
    let unknown = stand.put("/v1/users/user-test-unknown", json!({})).await;
    assert_refused(&unknown, 404, "user_not_found", "an unknown user");
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_their_sessions_codes_and_links() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let bob =
        json!({"email": "bob@example.com", "password": PASSWORD, "session_duration_minutes": 60});
    let bob = stand.ok("/v1/passwords", bob).await;
    let sent = stand.ok("/v1/otps/email/send", json!({"email": EMAIL})).await;
    let code = stand.code();
    stand.ok("/v1/magic_links/email/send", json!({"email": EMAIL})).await;
    let link = stand.stytch.messages()[0].link.clone().unwrap();
    let token = link.split_once("token=").unwrap().1;

    let path = user_path(&ada);
    let deleted = stand.delete(&path).await;
    assert_eq!((&deleted["status_code"], &deleted["user_id"]), (&json!(200), &ada["user_id"]));
    assert_refused(&stand.get(&path).await, 404, "user_not_found", "after the deletion");
    assert_refused(&stand.delete(&path).await, 404, "user_not_found", "a second deletion");
    assert!(!stand.is_good(&ada["session_token"]).await);
    let attempt = json!({"method_id": sent["email_id"], "code": code});
    stand.refused("/v1/otps/authenticate", attempt, 404, "otp_code_not_found").await;
    stand
        .refused(
            "/v1/magic_links/authenticate",
            json!({"token": token}),
            404,
            "magic_link_not_found",
        )
        .await;
    let password = json!({"email": EMAIL, "password": PASSWORD});
    stand.refused("/v1/passwords/authenticate", password, 404, "email_not_found").await;

    assert!(stand.is_good(&bob["session_token"]).await, "another user is not affected");
    let again = stand.ada().await;
    assert_ne!(again["user_id"], ada["user_id"], "the address is free again");
}

#[tokio::test]
async fn a_search_continues_although_users_were_deleted() {
    let stand = Stand::start().await;
    let mut users = Vec::new();
    for n in 0..5 {
        users.push(stand.ok("/v1/users", json!({"email": format!("user{n}@example.com")})).await);
    }
    let ids = |found: &Value| -> Vec<Value> {
        found["results"].as_array().unwrap().iter().map(|user| user["user_id"].clone()).collect()
    };
    let page = stand.ok("/v1/users/search", json!({"limit": 2})).await;
    assert_eq!(ids(&page), [users[0]["user_id"].clone(), users[1]["user_id"].clone()]);
    stand.delete(&user_path(&users[0])).await;
    stand.delete(&user_path(&users[2])).await;
    let cursor = &page["results_metadata"]["next_cursor"];
    let page = stand.ok("/v1/users/search", json!({"limit": 2, "cursor": cursor})).await;
    assert_eq!(ids(&page), [users[3]["user_id"].clone(), users[4]["user_id"].clone()]);
    assert_eq!(page["results_metadata"], json!({"total": 3, "next_cursor": null}));
}

#[tokio::test]
async fn emails_and_phone_numbers_are_deleted_except_for_the_last_one() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let email_path =
        format!("/v1/users/emails/{}", ada["user"]["emails"][0]["email_id"].as_str().unwrap());
    let last = stand.delete(&email_path).await;
    assert_refused(&last, 400, "cannot_delete_last_primary_factor", "the last email");

    let send = json!({"phone_number": PHONE, "user_id": ada["user_id"]});
    let sent = stand.ok("/v1/otps/sms/send", send).await;
    let (phone_id, code) = (sent["phone_id"].as_str().unwrap(), stand.code());
    let phone_path = format!("/v1/users/phone_numbers/{phone_id}");
    let wrong_kind = stand.delete(&format!("/v1/users/emails/{phone_id}")).await;
    assert_refused(&wrong_kind, 404, "email_not_found", "a phone number is not an email");

    let deleted = stand.delete(&phone_path).await;
    assert_eq!(deleted["user_id"], ada["user_id"], "{deleted}");
    assert_eq!(deleted["user"]["phone_numbers"], json!([]));
    assert_refused(&stand.delete(&phone_path).await, 404, "phone_number_not_found", "again");
    let attempt = json!({"method_id": phone_id, "code": code});
    stand.refused("/v1/otps/authenticate", attempt, 404, "otp_code_not_found").await;
    stand.ok("/v1/users", json!({"phone_number": PHONE})).await;

    stand
        .ok("/v1/otps/sms/send", json!({"phone_number": "+12025550163", "user_id": ada["user_id"]}))
        .await;
    let deleted = stand.delete(&email_path).await;
    assert_eq!(deleted["user"]["emails"], json!([]), "{deleted}");
    stand.refused("/v1/otps/email/send", json!({"email": EMAIL}), 404, "email_not_found").await;
    assert!(stand.is_good(&ada["session_token"]).await, "the sessions stay");
}

#[tokio::test]
async fn a_deleted_totp_or_password_no_longer_signs_in() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let created = stand.ok("/v1/totps", json!({"user_id": ada["user_id"]})).await;
    let path = format!("/v1/users/totps/{}", created["totp_id"].as_str().unwrap());
    let deleted = stand.delete(&path).await;
    assert_eq!(deleted["user"]["totps"], json!([]), "{deleted}");
    assert_refused(&stand.delete(&path).await, 404, "totp_not_found", "a second deletion");
    let attempt = json!({"user_id": ada["user_id"], "totp_code": "123456"});
    stand.refused("/v1/totps/authenticate", attempt, 404, "totps_not_found_for_user").await;

    let id = ada["user"]["password"]["password_id"].as_str().unwrap();
    let path = format!("/v1/users/passwords/{id}");
    let deleted = stand.delete(&path).await;
    assert!(deleted["user"]["password"].is_null(), "{deleted}");
    assert_refused(&stand.delete(&path).await, 404, "password_not_found", "a second deletion");
    let attempt = json!({"email": EMAIL, "password": PASSWORD});
    stand.refused("/v1/passwords/authenticate", attempt, 400, "no_user_password").await;
}

trait Json {
    /// Returns a response without `status_code` and `request_id`.
    fn without_envelope(self) -> Value;
    fn merged(self, other: Value) -> Value;
}

impl Json for Value {
    fn without_envelope(mut self) -> Value {
        let body = self.as_object_mut().unwrap();
        body.remove("status_code").unwrap();
        body.remove("request_id").unwrap();
        self
    }

    fn merged(mut self, other: Value) -> Value {
        self.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        self
    }
}
