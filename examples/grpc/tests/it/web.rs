//! Calls of gRPC-Web, with the layer of tonic-web outside the guard.

use bytes::Bytes;
use grpc::proto::bank_server::BankServer;
use grpc::{Account, Issuer};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;

/// Calls `GetBalance` over HTTP/1.1 as a page does.
async fn call(issuer: &Issuer, token: Option<String>) -> Response<Bytes> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/bank.Bank/GetBalance", listener.local_addr().unwrap());
    let server = Server::builder()
        .accept_http1(true)
        .layer(GrpcWebLayer::new())
        .layer(grpc::guard(&issuer.guard()))
        .add_service(BankServer::new(Account::with(100_000)));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

    let request = Request::post(uri).header("content-type", "application/grpc-web+proto");
    let request = token
        .into_iter()
        .fold(request, |request, token| request.header("authorization", format!("Bearer {token}")));
    // An empty message: no compression, and no bytes.
    let request = request.body(Full::new(Bytes::from_static(&[0; 5]))).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_call_is_granted_and_refused_as_any_other() {
    let issuer = Issuer::new();
    let granted = call(&issuer, Some(issuer.sign_in())).await;
    assert_eq!(granted.headers()["content-type"], "application/grpc-web+proto");
    assert!(granted.body().ends_with(b"grpc-status:0\r\n"), "{granted:?}");

    let refused = call(&issuer, None).await;
    assert_eq!(refused.status(), 200);
    assert_eq!(refused.headers()["content-type"], "application/grpc-web+proto");
    assert_eq!(refused.headers()["grpc-status"], "16");
    assert_eq!(refused.headers()["grpc-message"], "sign in");
    assert_eq!(refused.headers()["www-authenticate"], "Bearer realm=\"api\"");
    assert!(refused.headers().contains_key("grpc-status-details-bin"));
}
