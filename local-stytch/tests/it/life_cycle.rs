use std::time::Duration;

use local_stytch::{DEFAULT_PROJECT_ID, DEFAULT_SECRET, LocalStytch};
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{EMAIL, Stand, client};

async fn listens(address: std::net::SocketAddr) -> bool {
    TcpStream::connect(address).await.is_ok()
}

#[tokio::test]
async fn shutdown_succeeds_with_open_connections() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    let (address, other) = (stytch.address(), stytch.clone());
    // One idle connection that was used, and one that never was.
    let http = client();
    http.get(format!("{}/local/clock", stytch.base_url())).send().await.unwrap();
    let _silent = TcpStream::connect(address).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), stytch.shutdown())
        .await
        .expect("the shutdown hangs");
    assert!(!listens(address).await);
    tokio::time::timeout(Duration::from_secs(30), other.shutdown())
        .await
        .expect("the second shutdown hangs");
    assert!(other.messages().is_empty());
}

#[tokio::test]
async fn the_server_stops_with_its_last_handle() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    let (address, other) = (stytch.address(), stytch.clone());
    drop(stytch);
    assert!(listens(address).await, "one handle is left");
    drop(other);
    // The listener closes when its task next runs.
    let closed = async {
        while listens(address).await {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.expect("the server still listens");
}

#[tokio::test]
async fn address_and_credentials_can_be_set_and_have_defaults() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    assert_eq!((stytch.project_id(), stytch.secret()), (DEFAULT_PROJECT_ID, DEFAULT_SECRET));
    assert_eq!(stytch.base_url(), format!("http://{}", stytch.address()));
    assert_eq!(stytch.phone_url(), format!("{}/local/phone", stytch.base_url()));
    let builder = LocalStytch::builder()
        .address("[::1]:0".parse().unwrap())
        .credentials("project-test-1", "secret:1");
    // Not every machine has IPv6.
    if let Ok(stytch) = builder.start().await {
        assert!(stytch.base_url().starts_with("http://[::1]:"));
        let url = format!("{}/v1/users/u", stytch.base_url());
        let status = client()
            .get(url)
            .basic_auth("project-test-1", Some("secret:1"))
            .send()
            .await
            .unwrap()
            .status();
        assert_eq!(status, 404);
    }
}

#[tokio::test]
async fn a_failed_start_returns_the_reason() {
    let start = async |address: &str| {
        let error =
            LocalStytch::builder().address(address.parse().unwrap()).start().await.unwrap_err();
        error.to_string()
    };
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        assert!(start(address).await.contains("loopback only"), "{address}");
    }
    let stytch = LocalStytch::builder().start().await.unwrap();
    assert!(start(&stytch.address().to_string()).await.contains("the address is already in use"));
    for (id, secret) in [
        ("", "secret"),
        ("a:b", "secret"),
        ("a/b", "secret"),
        ("a b", "secret"),
        ("id", ""),
        ("secret-test-hidden", "project-test-1"),
        ("Secret-test-hidden", "project-test-1"),
        (" secret-test-hidden", "project-test-1"),
    ] {
        let builder = LocalStytch::builder().credentials(id, secret);
        let error = builder.clone().start().await.unwrap_err();
        assert!(error.to_string().contains("project id"), "{id:?} {secret:?}: {error}");
        let shown = format!("{builder:?} {error} {error:?}");
        assert!(!shown.contains("hidden"), "{shown}");
    }
}

#[tokio::test]
async fn a_clock_runs_unless_it_is_stopped() {
    let at = time::OffsetDateTime::UNIX_EPOCH;
    let stytch = LocalStytch::builder().stopped_clock(at).start().await.unwrap();
    stytch.advance(Duration::from_secs(1));
    assert_eq!(stytch.now(), at + Duration::from_secs(1));

    let before = time::OffsetDateTime::now_utc();
    let stytch = LocalStytch::builder().start().await.unwrap();
    assert!(stytch.now() >= before);
    for at in [at - Duration::from_secs(1), at.replace_year(3000).unwrap()] {
        let error = LocalStytch::builder().stopped_clock(at).start().await.unwrap_err().to_string();
        assert!(error.contains("1970 to 2999"), "{error}");
    }
}

#[tokio::test]
async fn debug_output_hides_secrets() {
    let builder = LocalStytch::builder().credentials("project-test-1", "secret-test-hidden");
    let shown = format!("{builder:?} {:?}", builder.clone().start().await.unwrap());
    assert!(shown.contains("project-test-1") && !shown.contains("hidden"), "{shown}");

    let stand = Stand::start().await;
    let ada = stand.ada().await;
    stand.ok("/v1/otps/email/send", json!({"email": EMAIL})).await;
    let code = stand.code();
    stand.ok("/v1/magic_links/email/send", json!({"email": EMAIL})).await;
    let messages = stand.stytch.messages();
    let link = messages[0].link.as_deref().unwrap();
    let shown = format!("{:?} {messages:?}", stand.stytch);
    assert!(
        shown.contains(&stand.stytch.address().to_string()) && shown.contains(EMAIL),
        "{shown}"
    );
    for secret in [
        ada["session_token"].as_str().unwrap(),
        &format!("is {code}."),
        &format!("\"{code}\""),
        token(link),
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

fn token(link: &str) -> &str {
    link.split_once("&token=").unwrap().1
}
