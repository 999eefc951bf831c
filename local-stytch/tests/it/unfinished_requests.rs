use std::time::Duration;

use crate::support::{Connection, Stand};

/// The head of a request that advances the clock by an hour, and the halves of its body.
const HEAD: &str = "POST /local/clock HTTP/1.1\r\nHost: localhost\r\nContent-Length: 25";
const HALVES: [&str; 2] = [r#"{"advance_"#, r#"seconds": 3600}"#];

#[tokio::test]
async fn a_half_sent_request_is_refused_at_the_shutdown() {
    let stand = Stand::start().await;
    let before = stand.stytch.now();
    let mut connection = Connection::open(stand.stytch.address()).await;
    connection.send_head(HEAD).await;
    connection.send(HALVES[0]).await;

    // While tokio's time is paused, it advances whenever the runtime is idle.
    tokio::time::pause();
    let other = stand.stytch.clone();
    tokio::join!(stand.stytch.shutdown(), other.shutdown());
    tokio::time::resume();
    let response = connection.rest().await;
    assert!(
        response.starts_with("HTTP/1.1 503 ") && response.contains("stand_in_stopped"),
        "{response}"
    );
    assert_eq!(stand.stytch.now(), before);
}

#[tokio::test]
async fn a_request_that_is_finished_in_time_is_answered_during_the_shutdown() {
    let stand = Stand::start().await;
    let before = stand.stytch.now();
    let mut connection = Connection::open(stand.stytch.address()).await;
    connection.send_head(HEAD).await;
    connection.send(HALVES[0]).await;

    let finish = async {
        connection.send(HALVES[1]).await;
        connection.rest().await
    };
    let ((), (), response) = tokio::join!(stand.stytch.shutdown(), stand.stytch.shutdown(), finish);
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert_eq!(stand.stytch.now() - before, Duration::from_secs(3600));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_times_out_after_five_seconds() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.stytch.address()).await;
    connection.send_head(HEAD).await;
    connection.send(HALVES[0]).await;

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    let response = connection.rest().await;
    assert!(
        response.starts_with("HTTP/1.1 408 ") && response.contains("request_timeout"),
        "{response}"
    );
}
