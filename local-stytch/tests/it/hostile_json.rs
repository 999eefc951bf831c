use serde_json::{Value, json};

use crate::support::{Stand, assert_refused, response_to};

/// serde_json's marker for raw JSON in a string.
const RAW: &str = "$serde_json::private::RawValue";

#[tokio::test]
async fn the_marker_for_raw_json_is_refused() {
    let stand = Stand::start().await;
    let with = |metadata: Value| json!({"email": "ada@example.com", "trusted_metadata": metadata});
    stand.refused("/v1/users", with(json!({"a": {RAW: "[1, 2]"}})), 400, "invalid_request").await;
    let escaped = r#"{"email": "ada@example.com", "trusted_metadata": {"\u0024serde_json::private::RawValue": "[1]"}}"#;
    let escaped = response_to(stand.request("POST", "/v1/users").body(escaped)).await;
    assert_refused(&escaped, 400, "invalid_request", "an escaped name");
    let plain = stand.ok("/v1/users", with(json!({"$serde": RAW}))).await;
    assert_eq!(plain["user"]["trusted_metadata"], json!({"$serde": RAW}));
}

/// Nests JSON in strings. Each string has an allowed depth, but together they are deeper than any
/// stack can hold.
#[tokio::test]
async fn raw_json_nested_in_strings_does_not_crash_the_program() {
    let stand = Stand::start().await;
    let mut nested = "1".to_owned();
    loop {
        let arrays = format!("{}{nested}{}", "[".repeat(110), "]".repeat(110));
        let next = json!({RAW: arrays}).to_string();
        if next.len() > 31 * 1024 {
            break;
        }
        nested = next;
    }
    let body = format!(r#"{{"email": "ada@example.com", "trusted_metadata": {{"a": {nested}}}}}"#);
    let refused = response_to(stand.request("POST", "/v1/users").body(body)).await;
    assert_refused(&refused, 400, "invalid_request", "nested strings");
}

#[tokio::test]
async fn sixty_four_levels_are_accepted_and_returned() {
    let stand = Stand::start().await;
    // Two of the levels are the body and its metadata.
    let create = async |email: &str, arrays: usize| {
        let (open, close) = ("[".repeat(arrays), "]".repeat(arrays));
        let body =
            format!(r#"{{"email": "{email}", "trusted_metadata": {{"a": {open}1{close}}}}}"#);
        response_to(stand.request("POST", "/v1/users").body(body)).await
    };
    assert_eq!(create("ada@example.com", 62).await["status_code"], 200);
    for arrays in [63, 125, 15_000] {
        let refused = create("deep@example.com", arrays).await;
        assert_refused(&refused, 400, "invalid_request", "too deep");
    }
    let found = stand.ok("/v1/users/search", json!({})).await;
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
}
