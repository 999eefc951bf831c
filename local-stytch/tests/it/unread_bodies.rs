//! A response that leaves a body unread ends the connection, and announces that. Otherwise the
//! client would lose its next request on that connection.

use crate::support::{Connection, Stand};

const CONTENT_LENGTH: &str = "Content-Length: 25\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_response_that_leaves_a_body_unread_announces_that_the_connection_closes() {
    let stand = Stand::start().await;
    for (request, status) in [
        ("POST /v1/users HTTP/1.1\r\nHost: localhost\r\n", 401),
        ("POST /local/clock HTTP/1.1\r\nHost: evil.example\r\n", 403),
        ("POST /v1/oauth HTTP/1.1\r\nHost: localhost\r\n", 404),
        ("DELETE /local/clock HTTP/1.1\r\nHost: localhost\r\n", 405),
        ("POST /local/keys/rotate HTTP/1.1\r\nHost: localhost\r\n", 200),
        ("GET /local/clock HTTP/1.1\r\nHost: localhost\r\n", 200),
    ] {
        for announced in [CONTENT_LENGTH, CHUNKED] {
            let mut connection = Connection::open(stand.stytch.address()).await;
            connection.send(&format!("{request}{announced}")).await;
            let response = connection.rest().await;
            assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{response}");
            assert!(announces_close(&response), "{request}{announced}{response}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_broken_closes_the_connection() {
    let stand = Stand::start().await;
    let head = "POST /local/clock HTTP/1.1\r\nHost: localhost\r\n";
    for (rest, status) in [
        (format!("Content-Length: 100000\r\n\r\n{}", " ".repeat(40_000)), 413),
        (format!("Transfer-Encoding: chunked\r\n\r\nffffff\r\n{}", " ".repeat(40_000)), 413),
        ("Transfer-Encoding: chunked\r\n\r\nno size\r\n".to_owned(), 400),
    ] {
        let mut connection = Connection::open(stand.stytch.address()).await;
        connection.send(&format!("{head}{rest}")).await;
        let response = connection.rest().await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
        assert!(announces_close(&response), "{response}");
    }
}

#[tokio::test]
async fn a_body_that_was_read_leaves_the_connection_open() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.stytch.address()).await;
    for (body, status) in
        [(r#"{"advance_seconds":3600}"#, 200), (r#"{"advance_seconds":-360}"#, 400)]
    {
        for framed in [
            format!("Content-Length: {}\r\n\r\n{body}", body.len()),
            format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        ] {
            connection
                .send(&format!("POST /local/clock HTTP/1.1\r\nHost: localhost\r\n{framed}"))
                .await;
            let response = connection.response().await;
            assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{framed}: {response}");
            assert!(!announces_close(&response), "{framed}: {response}");
        }
    }
    connection.send("GET /v1/oauth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").await;
    let response = connection.response().await;
    assert!(response.starts_with("HTTP/1.1 404 ") && !announces_close(&response), "{response}");
}

fn announces_close(response: &str) -> bool {
    let (head, _) = response.split_once("\r\n\r\n").expect("a complete head");
    head.to_ascii_lowercase().lines().any(|line| line == "connection: close")
}
