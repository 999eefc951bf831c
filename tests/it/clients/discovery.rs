//! An OAuth client finds the issuer from a 401, as MCP's authorization asks of clients and servers.

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tower_step_up::Policy;
use tower_step_up::issuers::oidc;
use tower_step_up::resource::ProtectedResource;

use super::node::run;
use crate::provider::client::Provider;

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients and tests/provider"]
async fn oauth4webapi_finds_a_real_provider_from_a_bare_401() {
    let provider = Provider::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let resource = ProtectedResource::new(&url).unwrap();
    let issuer = oidc::access_tokens(&provider.issuer, resource.identifier());
    let guard = issuer.acr_values(["silver", "gold"]).guard().unwrap();
    let guard = guard
        .require(Policy::acr("silver"))
        .require_scopes(["payments:read"])
        .protected_resource(&resource);
    let metadata = resource.metadata([&guard]);
    let app: Router = Router::new()
        .route("/mcp", get(async || "inner").layer(guard))
        .route_service(metadata.path(), metadata.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let found = run("discover.mjs", &json!({"url": url})).await;
    assert_eq!(found["status"], 401);
    assert_eq!(found["metadataUrl"], resource.metadata_url());
    // The library derives the same address from the resource.
    assert_eq!(found["askedFor"], resource.metadata_url());
    let want = json!({
        "resource": url,
        "authorization_servers": [provider.issuer],
        "scopes_supported": ["payments:read"],
        "bearer_methods_supported": ["header"],
        "acr_values_supported": ["silver", "gold"],
    });
    assert_eq!(found["metadata"], want);
    assert_eq!(found["server"]["issuer"], provider.issuer);
    assert!(found["server"]["authorization_endpoint"].is_string());
}
