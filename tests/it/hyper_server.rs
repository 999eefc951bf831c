//! Guards under hyper, without axum, over real HTTP on loopback.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_step_up::{Factor, Grant, Policy};

use crate::support::{Answer, bearer, issuer, proved};

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
        Answer::of(client.request(request).await.unwrap()).await
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
         error_description=\"authenticate a second, independent factor\""
    );
    assert_eq!(refused.header("content-length"), refused.body.len().to_string());
    assert_eq!(
        get("x-nothing", "here".into()).await.header("www-authenticate"),
        "Bearer realm=\"api\""
    );
}
