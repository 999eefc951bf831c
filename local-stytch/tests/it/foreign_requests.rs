use serde_json::{Value, json};

use crate::support::{Connection, EMAIL, Stand, assert_refused, response_to};

#[tokio::test]
async fn requests_from_other_sites_are_refused() {
    let stand = Stand::start().await;
    let before = stand.stytch.now();
    let ada = stand.ada().await;
    let token = &ada["session_token"];
    for path in [
        "/local/messages",
        "/local/phone",
        "/local/clock",
        "/local/requests",
        "/v1/users/user-test-1",
    ] {
        let rebound = stand.request("GET", path).header("host", "evil.example");
        assert_refused(&response_to(rebound).await, 403, "foreign_request", path);
        let fetched = stand
            .request("GET", path)
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "no-cors");
        assert_refused(&response_to(fetched).await, 403, "foreign_request", path);
    }
    for (name, value) in
        [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "same-site")]
    {
        for (path, body) in [
            ("/local/clock", json!({"advance_seconds": 3600})),
            ("/local/keys/rotate", json!({})),
            (
                "/local/sessions",
                json!({"user_id": ada["user_id"],
                "factors": [{"kind": "password/knowledge"}], "session_duration_minutes": 60}),
            ),
            ("/local/sessions/age", json!({"session_token": token, "seconds": 3600})),
            ("/local/fail_next", json!({"status": 500})),
            ("/local/reset", json!({})),
            ("/v1/users", json!({})),
        ] {
            let forged = stand.request("POST", path).header(name, value).json(&body);
            assert_refused(&response_to(forged).await, 403, "foreign_request", path);
        }
    }
    assert_eq!(stand.stytch.now(), before);
    let path = format!("/v1/sessions?user_id={}", ada["user_id"].as_str().unwrap());
    let sessions = &stand.get(&path).await["sessions"];
    assert_eq!(*sessions, json!([ada["session"]]), "no request had an effect");
}

#[tokio::test]
async fn a_target_or_host_that_only_looks_like_loopback_is_refused() {
    let stand = Stand::start().await;
    let address = stand.stytch.address();
    for (target, host, want) in [
        ("/local/clock", "127.0.0.1", 200),
        ("http://127.0.0.1/local/clock", "127.0.0.1", 200),
        ("http://evil.example/local/clock", "127.0.0.1", 403),
        ("http://127.0.0.1/local/clock", "evil.example", 403),
        ("/local/clock", "[::1].evil.example", 403),
        ("/local/clock", "127.0.0.1:evil.example", 403),
        ("/local/clock", "localhost:80@evil.example", 403),
    ] {
        let mut connection = Connection::open(address).await;
        connection
            .send(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
            .await;
        let response = connection.rest().await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {want} ")),
            "{target} of {host}: {response}"
        );
    }
}

#[tokio::test]
async fn the_local_routes_move_the_clock_and_list_the_messages() {
    let stand = Stand::start().await;
    let local = async |request: reqwest::RequestBuilder| {
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let before = stand.stytch.now();
    let moved =
        local(stand.request("POST", "/local/clock").json(&json!({"advance_seconds": 7200}))).await;
    assert_eq!(stand.stytch.now(), before + time::Duration::hours(2));
    let shown = local(stand.http.get(format!("{}/local/clock", stand.stytch.base_url()))).await;
    assert_eq!(shown, moved);
    let back =
        response_to(stand.request("POST", "/local/clock").json(&json!({"advance_seconds": -1})))
            .await;
    assert_refused(&back, 400, "invalid_request", "the clock does not go back");

    stand.ada().await;
    stand.ok("/v1/otps/email/send", json!({"email": EMAIL})).await;
    stand.ok("/v1/magic_links/email/send", json!({"email": EMAIL})).await;
    let messages =
        local(stand.http.get(format!("{}/local/messages", stand.stytch.base_url()))).await;
    let [link, code] = [0, 1].map(|at| &messages["messages"][at]);
    assert!(link["link"].as_str().is_some() && link["code"].is_null(), "newest first: {messages}");
    assert_eq!((&code["to"], &code["channel"]), (&json!(EMAIL), &json!("email")));
    assert_eq!(code["code"].as_str(), stand.stytch.messages()[1].code.as_deref());
}
