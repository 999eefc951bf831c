//! Logout at the provider, which sends its logout tokens to the service over loopback.

use serde_json::json;
use tower_step_up::issuers::Issuer;
use tower_step_up::keys::Algorithm;

use super::client::{Provider, claims};
use super::{API, NONE, api};
use crate::logout::Server;

/// Starts a service with this issuer's tokens, at which the client has registered the address for
/// its logout tokens.
async fn service(provider: &Provider, issuer: Issuer, client: &str) -> Server {
    let server = Server::start(issuer.verifier().unwrap()).await;
    let address = server.logout_address();
    let client = json!({"client_id": client, "backchannel_logout_uri": address});
    provider.control("client", Some(client)).await;
    server
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_user_who_signs_out_at_the_provider_is_signed_out_of_the_service() {
    let provider = Provider::start().await;
    let server = service(&provider, api(&provider).require_present("sid"), "web").await;
    let (mut phone, mut laptop) = (provider.browser(), provider.browser());
    let web = phone.sign_in("web", API, "gold", NONE).await;
    let other = phone.sign_in("other", API, "gold", NONE).await;
    let on_laptop = laptop.sign_in("web", API, "gold", NONE).await;
    let tokens = [&web.access, &other.access, &on_laptop.access];
    for token in tokens {
        assert_eq!(server.account(token).await, 200);
    }

    phone.sign_out(&web).await;
    let mut statuses = Vec::new();
    for token in tokens {
        statuses.push(server.account(token).await);
    }
    // The provider gives each client another `sid`, and `other` has registered another address.
    assert_eq!(statuses, [401, 200, 200]);
    let sent = provider.control("logout-tokens", None).await;
    let sent: Vec<_> = sent.as_array().unwrap().iter().collect();
    assert_eq!(sent.len(), 1);
    let for_other = sent[0]["logout_token"].as_str().unwrap();
    assert_eq!(claims(for_other)["sid"], claims(&other.access)["sid"]);
    assert_eq!(server.log_out(for_other).await, 400); // the audience is another client
    assert_eq!(server.account(&other.access).await, 200);

    laptop.sign_out(&on_laptop).await;
    assert_eq!(server.account(&on_laptop.access).await, 401);
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn all_sessions_of_the_user_end_if_tokens_may_lack_their_session() {
    let provider = Provider::start().await;
    let server = service(&provider, api(&provider), "web").await;
    let (mut phone, mut laptop) = (provider.browser(), provider.browser());
    let on_phone = phone.sign_in("web", API, "gold", NONE).await;
    let on_laptop = laptop.sign_in("web", API, "gold", NONE).await;
    assert_eq!(server.account(&on_laptop.access).await, 200);
    phone.sign_out(&on_phone).await;
    assert_eq!(server.account(&on_phone.access).await, 401);
    assert_eq!(server.account(&on_laptop.access).await, 401);
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_logout_token_may_have_another_algorithm_if_the_application_says_so() {
    let provider = Provider::start().await;
    // The client's ID tokens and logout tokens are signed with ES256, the access tokens with RS256.
    for (algorithms, status) in
        [(vec![Algorithm::Rs256], 200), (vec![Algorithm::Rs256, Algorithm::Es256], 401)]
    {
        let issuer = api(&provider).require_present("sid").algorithms(algorithms);
        let server = service(&provider, issuer, "es256").await;
        let mut browser = provider.browser();
        let tokens = browser.sign_in("es256", API, "gold", NONE).await;
        assert_eq!(server.account(&tokens.access).await, 200);
        browser.sign_out(&tokens).await;
        assert_eq!(server.account(&tokens.access).await, status);
    }
}
