use serde_json::json;

use crate::support::{EMAIL, Stand};

#[tokio::test]
async fn the_page_shows_messages_and_runs_no_scripts() {
    let stand = Stand::start().await;
    let page = async |url: String| {
        let response = stand.http.get(url).header("sec-fetch-site", "none").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        response.text().await.unwrap()
    };
    let url = stand.stytch.phone_url();
    assert!(page(url.clone()).await.contains("No messages yet"));

    stand.ada().await;
    stand.ok("/v1/otps/email/send", json!({"email": EMAIL})).await;
    let code = stand.code();
    let link = json!({"email": EMAIL, "login_magic_link_url": "http://127.0.0.1:3000/?a=1&b=2"});
    stand.ok("/v1/magic_links/email/send", link).await;
    let text = page(url.clone()).await;
    assert!(text.contains(&format!(r#"<strong class="code">{code}</strong>"#)), "{text}");
    assert!(
        text.contains(
            r#"href="http://127.0.0.1:3000/?a=1&#38;b=2&#38;stytch_token_type=magic_links"#
        ),
        "{text}"
    );
    assert!(!text.contains("<script") && !text.contains("http-equiv"), "{text}");
    assert!(page(url + "?refresh=on").await.contains(r#"<meta http-equiv="refresh" content="5">"#));
}
