//! Guards under hyper, without axum, over real HTTP on loopback.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_step_up::{Factor, Grant, Policy};

use crate::support::{TestResponse, bearer, issuer, proved};

async fn transfer(
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let user =
        request.extensions().get::<Grant>().map(|grant| grant.session().user_id().to_owned());
    Ok(Response::new(user.unwrap_or_default().into()))
}

async fn serve() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service =
        issuer().guard().require(Policy::mfa().named("transfer")).layer(service_fn(transfer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

#[tokio::test]
async fn requests_over_a_socket_are_granted_or_challenged() {
    let address = serve().await;
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .build_http::<Full<Bytes>>();
    let get = async |header: &str, value: String| {
        let request = Request::get(format!("http://{address}/"))
            .header(header, value)
            .body(Full::default())
            .unwrap();
        TestResponse::of(client.request(request).await.unwrap()).await
    };
    let mfa = issuer().mint(&proved(&[Factor::Password, Factor::OtpSms]));
    let password = issuer().mint(&proved(&[Factor::Password]));

    let granted = get("authorization", bearer(&mfa)).await;
    assert_eq!(
        (granted.status.as_u16(), granted.body.as_str()),
        (200, "user-test-00000000-0000-4000-8000-000000000000")
    );
    assert_eq!(
        get("cookie", format!("stytch_session_jwt={mfa}")).await.header("cache-control"),
        "private"
    );

    let refused = get("authorization", bearer(&password)).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
         error_description=\"authenticate with a second, independent factor\""
    );
    assert_eq!(refused.header("content-length"), refused.body.len().to_string());
    assert_eq!(
        get("x-nothing", "here".into()).await.header("www-authenticate"),
        "Bearer realm=\"api\""
    );
}

/// A refusal leaves the body unread, so the server closes the connection. The client must know this
/// before it sends its next request.
#[tokio::test]
async fn a_refusal_that_leaves_a_body_unread_says_that_the_connection_closes() {
    let address = serve().await;
    let response_to = async |lines: &str, body: &str| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("POST / HTTP/1.1\r\nhost: app.example\r\n{lines}\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        while !String::from_utf8_lossy(&response).contains("\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut response).await.unwrap(), 0, "{lines}");
        }
        String::from_utf8(response).unwrap()
    };
    for (lines, body, closes) in [
        ("", "", false),
        ("content-length: 0\r\n", "", false),
        ("content-length: 4\r\n", "body", true),
        // Most of the body is still to come.
        ("content-length: 1000000\r\n", "body", true),
        ("content-length: 4\r\nexpect: 100-continue\r\n", "", true),
        ("transfer-encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n", true),
        ("transfer-encoding: chunked\r\n", "0\r\n\r\n", true),
    ] {
        let response = response_to(lines, body).await;
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
        assert_eq!(response.contains("\r\nconnection: close\r\n"), closes, "{lines}: {response}");
        // The same holds if there is a session that does not meet the policy.
        let token = issuer().mint(&proved(&[Factor::Password]));
        let lines = format!("authorization: Bearer {token}\r\n{lines}");
        let response = response_to(&lines, body).await;
        assert_eq!(response.contains("\r\nconnection: close\r\n"), closes, "{lines}: {response}");
    }
    // The connection is kept if the service behind the guard reads the body.
    let token = issuer().mint(&proved(&[Factor::Password, Factor::OtpSms]));
    let lines = format!("authorization: Bearer {token}\r\ncontent-length: 4\r\n");
    let granted = response_to(&lines, "body").await;
    assert!(granted.starts_with("HTTP/1.1 200 OK"), "{granted}");
    assert!(!granted.contains("connection: close"), "{granted}");
}

#[tokio::test]
async fn only_a_refusal_over_http_1_says_that_the_connection_closes() {
    let service = issuer().guard().layer(service_fn(crate::support::inner::<Full<Bytes>>));
    for (version, want) in [
        (http::Version::HTTP_10, "close"),
        (http::Version::HTTP_11, "close"),
        (http::Version::HTTP_2, ""),
        (http::Version::HTTP_3, ""),
    ] {
        let request = Request::post("/").version(version).header("content-length", "4");
        let response = crate::support::send(&service, request.body(Full::default()).unwrap()).await;
        assert_eq!((response.status.as_u16(), response.header("connection")), (401, want));
    }
}
