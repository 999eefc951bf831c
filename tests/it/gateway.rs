//! A gateway that renews sessions, in front of a service that only verifies their tokens.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower_step_up::{Factor, Grant};

use crate::renewal::{World, with_bearer, with_cookies, with_header};
use crate::support::{proved, send};

#[derive(Clone)]
struct Upstream {
    client: Client<HttpConnector, Body>,
    address: SocketAddr,
    /// If true, the gateway forwards the token that the guard verified. If false, it forwards the
    /// client's headers unchanged.
    forwards_verified_token: bool,
}

async fn forward(
    State(upstream): State<Upstream>,
    grant: Grant,
    mut request: Request,
) -> impl IntoResponse {
    if upstream.forwards_verified_token {
        let bearer = format!("Bearer {}", grant.session().jwt().as_str());
        let mut bearer = HeaderValue::try_from(bearer).unwrap();
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        request.headers_mut().remove(header::COOKIE);
    }
    *request.uri_mut() = Uri::try_from(format!("http://{}/", upstream.address)).unwrap();
    upstream.client.request(request).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

/// Starts the service behind the gateway. It responds with the user and the number of
/// `Authorization` headers.
async fn serve(world: &World) -> SocketAddr {
    let account = async |grant: Grant, headers: HeaderMap| {
        assert!(!headers.contains_key(header::COOKIE));
        format!("{} {}", grant.session().user_id(), headers.get_all("authorization").iter().count())
    };
    let app = Router::new().route("/", get(account).layer(world.issuer.guard()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn the_service_behind_a_gateway_gets_a_token_that_is_still_valid() {
    let world = World::new();
    let (client, address) =
        (Client::builder(TokioExecutor::new()).build_http(), serve(&world).await);
    let gateway = |forwards_verified_token| {
        let upstream = Upstream { client: client.clone(), address, forwards_verified_token };
        Router::new().route("/", get(forward).layer(world.guard())).with_state(upstream)
    };
    let expired = world.expired(&proved(&[Factor::Password]));
    let current = world.sessions.begin(&proved(&[Factor::Password]));
    let opaque = with_header("cookie", &format!("stytch_session={}", expired.session_token));
    for request in [
        with_bearer(&current),
        with_cookies(&current),
        with_bearer(&expired),
        with_cookies(&expired),
        opaque,
    ] {
        let response = send(&gateway(true), request.map(Body::new)).await;
        let user = "user-test-00000000-0000-4000-8000-000000000000";
        assert_eq!((response.status.as_u16(), response.body), (200, format!("{user} 1")));
    }
    // The service refuses the token that the client sent, which has expired.
    let response = send(&gateway(false), with_bearer(&expired).map(Body::new)).await;
    assert_eq!(response.status, 401);
    assert!(response.header("www-authenticate").contains("the token has expired"));
}
