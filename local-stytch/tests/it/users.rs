use serde_json::{Value, json};

use crate::support::{PHONE, Stand, assert_refused};

#[tokio::test]
async fn users_are_created_and_returned() {
    let stand = Stand::start().await;
    let body = json!({
        "email": "Ada@Example.com", "phone_number": PHONE, "name": {"first_name": "Ada", "middle_name": null},
        "trusted_metadata": {"plan": "gold"}, "external_id": "ada-1", "roles": ["reader"], "attributes": null,
    });
    let created = stand.ok("/v1/users", body.clone()).await;
    assert_eq!(created["status"], "active");
    assert_eq!(created["user"]["roles"], json!(["stytch_user", "reader"]));
    let id = created["user_id"].as_str().unwrap();

    // The Rust SDK escapes the id, and sends it in the query too.
    let got = stand.get(&format!("/v1/users/{}?user_id={id}", id.replace('-', "%2D"))).await;
    assert_eq!(got["emails"][0]["email"], "ada@example.com");
    assert_eq!(got["emails"][0]["email_id"], created["email_id"]);
    assert_eq!(got["phone_numbers"][0]["phone_id"], created["phone_id"]);
    assert_eq!(got["trusted_metadata"], json!({"plan": "gold"}));
    for (name, empty) in [
        ("webauthn_registrations", json!([])),
        ("is_locked", json!(false)),
        ("password", Value::Null),
    ] {
        assert_eq!(got[name], empty, "{name}");
    }

    let with = |name: &str, value: Value| {
        let mut body = json!({"email": "new@example.com"});
        body[name] = value;
        body
    };
    stand.refused("/v1/users", json!({"email": "ada@example.com"}), 400, "duplicate_email").await;
    stand
        .refused("/v1/users", with("phone_number", json!(PHONE)), 400, "duplicate_phone_number")
        .await;
    stand
        .refused(
            "/v1/users",
            with("external_id", json!("ada-1")),
            400,
            "duplicate_user_external_id",
        )
        .await;
    stand
        .refused(
            "/v1/users",
            with("trusted_metadata", json!({"a": "b".repeat(4096)})),
            400,
            "metadata_too_large",
        )
        .await;
    stand
        .refused("/v1/users", with("untrusted_metadata", json!([])), 400, "metadata_too_large")
        .await;
    stand
        .refused(
            "/v1/users",
            with("name", json!({"last_name": "o".repeat(129)})),
            400,
            "invalid_argument",
        )
        .await;
    assert_refused(
        &stand.get("/v1/users/user-test-unknown").await,
        404,
        "user_not_found",
        "unknown",
    );
    assert_refused(&stand.get("/v1/users/%FF").await, 400, "invalid_request", "no UTF-8");
}

#[tokio::test]
async fn a_search_finds_by_address_and_continues_from_a_cursor() {
    let stand = Stand::start().await;
    for n in 0..5 {
        let body = json!({"email": format!("user{n}@example.com"), "phone_number": format!("+1202555010{n}")});
        stand.ok("/v1/users", body).await;
    }
    let path = "/v1/users/search";
    let by = |name: &str, values: Value| json!({"filter_name": name, "filter_value": values});
    let query = |operator: &str, operands: &[Value]| json!({"query": {"operator": operator, "operands": operands}});
    let emails = |found: &Value| -> Vec<String> {
        let of = |user: &Value| user["emails"][0]["email"].as_str().unwrap().to_owned();
        found["results"].as_array().unwrap().iter().map(of).collect()
    };

    let one = by("email_address", json!(["USER1@example.com", "nobody@example.com"]));
    let two = by("phone_number", json!(["+12025550102"]));
    let found = stand.ok(path, query("AND", std::slice::from_ref(&one))).await;
    assert_eq!(emails(&found), ["user1@example.com"]);
    assert_eq!(found["results_metadata"], json!({"total": 1, "next_cursor": null}));
    assert!(emails(&stand.ok(path, query("AND", &[one.clone(), two.clone()])).await).is_empty());
    assert_eq!(emails(&stand.ok(path, query("OR", &[one, two])).await).len(), 2);
    assert_eq!(emails(&stand.ok(path, query("OR", &[])).await).len(), 5);
    assert_eq!(
        emails(&stand.ok(path, query("AND", &[by("status", json!("active"))])).await).len(),
        5
    );

    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = stand.ok(path, json!({"limit": 2, "cursor": cursor, "query": null})).await;
        seen.extend(emails(&page));
        cursor = page["results_metadata"]["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, (0..5).map(|n| format!("user{n}@example.com")).collect::<Vec<_>>());

    stand.refused(path, json!({"cursor": "x"}), 400, "user_search_invalid_cursor").await;
    stand.refused(path, json!({"limit": 1001}), 400, "user_search_invalid_limit").await;
    let unknown = query("AND", &[by("shoe_size", json!([]))]);
    stand.refused(path, unknown, 400, "user_search_filter_name_not_recognized").await;
    let not_a_list = query("AND", &[by("phone_number", json!("+12025550102"))]);
    stand.refused(path, not_a_list, 400, "user_search_expected_array_of_string").await;
}
