//! Keys that are found with OpenID Connect Discovery, over real HTTP on loopback.

use std::time::Duration;

use serde_json::json;
use tower_step_up::keys::{KeyHealth, KeySource, RemoteKeys};
use tower_step_up::testing::{FixedClock, NOW, TestIssuer};
use tower_step_up::{Factor, Verifier};

use crate::key_server::{Behaviour, KeyServer, misbehaviours, serve_over_tls, within_seconds};
use crate::support::{issuer, proved, reason, seconds};

/// A source, its clock, the server of the discovery document and the server of the keys.
struct Discovered {
    documents: KeyServer,
    keys: KeyServer,
    clock: FixedClock,
    verifier: Verifier,
}

impl Discovered {
    async fn start() -> Self {
        Self::start_with(seconds(5)).await
    }

    async fn start_with(timeout: Duration) -> Self {
        let keys = KeyServer::start(Behaviour::Serve(issuer().jwks().to_owned())).await;
        let documents = KeyServer::start(Behaviour::Silent).await;
        documents.behave(document(&documents.issuer(), &keys.url()));
        let clock = FixedClock::new();
        let source = RemoteKeys::discovered(&documents.issuer()).unwrap();
        let source = source.clock(clock.clone()).timeout(timeout);
        let verifier =
            Verifier::new(source, [issuer().name()], issuer().audience()).clock(clock.clone());
        Self { documents, keys, clock, verifier }
    }

    /// Verifies a fresh token of this issuer. Returns the broken rule, or "ok".
    async fn verify(&self, issuer: &TestIssuer) -> &'static str {
        let token = issuer
            .clone()
            .clock(self.clock.clone())
            .mint(&proved(&[Factor::Password]).ends_in(seconds(100_000)));
        reason(&within_seconds(self.verifier.verify(&token)).await)
    }

    fn error(&self) -> String {
        self.verifier.health().last_error.unwrap_or_default()
    }

    /// Returns the numbers of requests for the discovery document and for the key set.
    fn requests(&self) -> (usize, usize) {
        (self.documents.requests(), self.keys.requests())
    }

    /// Waits until a background fetch has brought the keys into this state.
    async fn until(&self, landed: impl Fn(&KeyHealth) -> bool) {
        within_seconds(async {
            while !landed(&self.verifier.health()) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Starts with this discovery document, and returns why the fetch failed. The key server must
    /// not have been asked.
    async fn failure(behaviour: impl FnOnce(&Self) -> Behaviour) -> String {
        let discovered = Self::start_with(seconds(1)).await;
        discovered.documents.behave(behaviour(&discovered));
        assert_eq!(discovered.verify(issuer()).await, "keys_unavailable");
        assert_eq!(discovered.requests(), (1, 0));
        discovered.error()
    }
}

fn document(issuer: &str, jwks_uri: &str) -> Behaviour {
    let document = json!({
        "issuer": issuer,
        "jwks_uri": jwks_uri,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "id_token_signing_alg_values_supported": ["none", "HS256"],
    });
    Behaviour::Serve(document.to_string())
}

#[tokio::test]
async fn the_key_set_is_found_through_the_discovery_document() {
    let discovered = Discovered::start().await;
    assert_eq!((discovered.verify(issuer()).await, discovered.requests()), ("ok", (1, 1)));
    assert_eq!(discovered.documents.last_path(), "/v1/issuer/.well-known/openid-configuration");
    assert_eq!(discovered.keys.last_path(), "/v1/sessions/jwks/project");
    assert_eq!((discovered.verifier.health().keys, discovered.error()), (1, String::new()));
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_issuer_belongs_to_its_name_but_not_to_the_path() {
    let keys = KeyServer::start(Behaviour::Serve(issuer().jwks().to_owned())).await;
    let documents = KeyServer::start(Behaviour::Silent).await;
    let name = format!("{}/", documents.issuer());
    let source = RemoteKeys::discovered(&name).unwrap().clock(FixedClock::new());
    documents.behave(document(&name, &keys.url()));
    within_seconds(source.refresh("a").unwrap()).await.unwrap();
    assert_eq!(documents.last_path(), "/v1/issuer/.well-known/openid-configuration");
    assert!(source.current().is_some());
}

#[tokio::test]
async fn a_hundred_verifications_at_once_cause_one_fetch() {
    let discovered = Discovered::start().await;
    let held_back = |behaviour| match behaviour {
        Behaviour::Serve(document) => Behaviour::ServeHeldBack(document),
        other => other,
    };
    let issuer_name = discovered.documents.issuer();
    discovered.documents.behave(held_back(document(&issuer_name, &discovered.keys.url())));
    let token = issuer().mint(&proved(&[Factor::Password]));
    let mut verifications = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (verifier, token) = (discovered.verifier.clone(), token.clone());
        verifications.spawn(async move { reason(&verifier.verify(&token).await) });
    }
    discovered.documents.until_requests(1).await;
    discovered.documents.release();
    let reasons = within_seconds(verifications.join_all()).await;
    assert!(reasons.iter().all(|reason| *reason == "ok"), "{reasons:?}");
    assert_eq!(discovered.requests(), (1, 1));
}

#[tokio::test]
async fn the_document_must_be_about_the_issuer() {
    for change in [
        |issuer: String| issuer + "/",
        |issuer: String| issuer.replace("issuer", "Issuer"),
        |_: String| "https://login.example.com".to_owned(),
    ] {
        let error = Discovered::failure(|discovered| {
            document(&change(discovered.documents.issuer()), &discovered.keys.url())
        })
        .await;
        assert!(error.starts_with("the issuer of the discovery document is \"http"), "{error}");
        assert!(error.contains(", expected \"http://127.0.0.1:"), "{error}");
    }
}

#[tokio::test]
async fn the_key_set_must_be_at_a_secure_url() {
    for url in ["http://keys.example.com/jwks", "https://user:hidden@keys.example.com/jwks"] {
        let error = Discovered::failure(|discovered| document(&discovered.documents.issuer(), url));
        assert_eq!(
            error.await,
            "the jwks_uri of the discovery document cannot be used: the URL is insecure: expected \
             https, or http to this machine, and no user name"
        );
    }
}

#[tokio::test]
async fn each_failure_of_the_document_is_named() {
    let hidden = {
        let nest = |inner: String| format!("{}{inner}{}", "[".repeat(120), "]".repeat(120));
        (0..14).fold("1".to_owned(), |inner, _| {
            nest(json!({ "$serde_json::private::RawValue": inner }).to_string())
        })
    };
    for (behaviour, want) in [
        (Behaviour::Serve("{}".into()), "the issuer of the discovery document is absent"),
        (Behaviour::Serve("<html>".into()), "the discovery document is not a JSON object"),
        (Behaviour::Serve(String::new()), "the discovery document is not a JSON object"),
        (
            Behaviour::Serve(format!(r#"{{"issuer":{hidden}}}"#)),
            "the discovery document has two members issuer or jwks_uri, or one is not a string",
        ),
        (Behaviour::Serve(hidden), "the discovery document is not a JSON object"),
        (Behaviour::Status(404), "the discovery document: the status is 404 instead of 200"),
        (Behaviour::Huge, "the discovery document: the response has more than 1048576 bytes"),
        (
            Behaviour::HugeWithoutLength,
            "the discovery document: the response has more than 1048576 bytes",
        ),
        (Behaviour::Truncated, "the discovery document: the response is incomplete"),
        (Behaviour::Silent, "the discovery document: no complete response within 1s"),
        (Behaviour::Drip, "the discovery document: no complete response within 1s"),
    ] {
        let error = Discovered::failure(|_| behaviour.clone()).await;
        assert!(error.starts_with(want), "{behaviour:?}: {error}");
    }
    let error = Discovered::failure(|discovered| {
        Behaviour::Serve(json!({"issuer": discovered.documents.issuer()}).to_string())
    });
    assert_eq!(error.await, "the discovery document has no jwks_uri");
}

#[tokio::test]
async fn neither_request_follows_a_redirect() {
    let error =
        Discovered::failure(|discovered| Behaviour::RedirectTo(discovered.keys.url())).await;
    assert_eq!(error, "the discovery document: the status is 302 instead of 200");

    let discovered = Discovered::start().await;
    let target = KeyServer::start(Behaviour::Serve(issuer().jwks().to_owned())).await;
    discovered.keys.behave(Behaviour::RedirectTo(target.url()));
    assert_eq!(discovered.verify(issuer()).await, "keys_unavailable");
    let want =
        format!("the key set at \"{}\": the status is 302 instead of 200", discovered.keys.url());
    assert_eq!((discovered.error(), target.requests()), (want, 0));
}

#[tokio::test]
async fn a_failure_of_the_key_set_is_named() {
    let discovered = Discovered::start().await;
    discovered.keys.behave(Behaviour::Serve(r#"{"keys":[]}"#.into()));
    assert_eq!(discovered.verify(issuer()).await, "keys_unavailable");
    let want = format!(
        "the key set at \"{}\": the JWKS has no usable key (keys in the JWKS: 0): let the issuer \
         sign with an asymmetric key such as RS256 or ES256, because a shared HS256 secret would \
         let this server mint tokens",
        discovered.keys.url()
    );
    assert_eq!(discovered.error(), want);
}

#[tokio::test]
async fn a_failing_discovery_leaves_the_known_keys_and_is_tried_again_after_a_pause() {
    for behaviour in misbehaviours() {
        let discovered = Discovered::start_with(seconds(1)).await;
        assert_eq!(discovered.verify(issuer()).await, "ok");
        discovered.documents.behave(behaviour.clone());
        discovered.clock.advance(seconds(600));
        assert_eq!(discovered.verify(issuer()).await, "ok", "{behaviour:?}");
        discovered.until(|health| health.last_error.is_some()).await;
        assert!(discovered.error().contains("discovery document"), "{}", discovered.error());
        assert_eq!((discovered.verify(issuer()).await, discovered.requests()), ("ok", (2, 1)));
        let good = document(&discovered.documents.issuer(), &discovered.keys.url());
        discovered.documents.behave(good);
        discovered.clock.advance(seconds(1));
        assert_eq!(discovered.verify(issuer()).await, "ok");
        discovered.until(|health| health.last_error.is_none()).await;
        assert_eq!(discovered.requests(), (3, 2), "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_is_dropped() {
    let discovered = Discovered::start().await;
    let next = TestIssuer::new();
    assert_eq!(discovered.verify(issuer()).await, "ok");
    discovered.keys.behave(Behaviour::Serve(next.jwks().to_owned()));
    assert_eq!(discovered.verify(&next).await, "token_unknown_key"); // cooling down
    discovered.clock.advance(seconds(30));
    assert_eq!((discovered.verify(&next).await, discovered.requests()), ("ok", (2, 2)));
    assert_eq!(discovered.verify(issuer()).await, "token_unknown_key");
}

#[tokio::test]
async fn a_key_set_that_moves_is_found_at_its_new_url() {
    let discovered = Discovered::start().await;
    let next = TestIssuer::new();
    assert_eq!(discovered.verify(issuer()).await, "ok");
    let moved = KeyServer::start(Behaviour::Serve(next.jwks().to_owned())).await;
    discovered.documents.behave(document(&discovered.documents.issuer(), &moved.url()));
    discovered.clock.advance(seconds(30));
    assert_eq!(discovered.verify(&next).await, "ok");
    assert_eq!((discovered.requests(), moved.requests()), ((2, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn both_requests_share_the_timeout_of_one_fetch() {
    let discovered = Discovered::start_with(seconds(10)).await;
    let (documents, keys) = (&discovered.documents, &discovered.keys);
    let Behaviour::Serve(served) = document(&documents.issuer(), &keys.url()) else { return };
    documents.behave(Behaviour::ServeHeldBack(served));
    keys.behave(Behaviour::Silent);
    let verifier = discovered.verifier.clone();
    let token = issuer().mint(&proved(&[Factor::Password]));
    let verification = tokio::spawn(async move { reason(&verifier.verify(&token).await) });
    // Nothing here waits for time, so the paused clock moves only when the test moves it.
    let yield_until = async |done: &dyn Fn() -> bool| {
        for _ in 0..1_000_000 {
            if done() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("not done after a million turns");
    };
    yield_until(&|| documents.requests() == 1).await;
    tokio::time::advance(seconds(6)).await;
    documents.release();
    yield_until(&|| keys.requests() == 1).await;
    tokio::time::advance(Duration::from_millis(3_990)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!verification.is_finished());
    tokio::time::advance(Duration::from_millis(20)).await;
    yield_until(&|| verification.is_finished()).await;
    assert_eq!(verification.await.unwrap(), "keys_unavailable");
    let want = format!("the key set at \"{}\": no complete response within 10s", keys.url());
    assert_eq!(discovered.error(), want);
}

#[tokio::test]
async fn the_document_comes_over_https_from_a_trusted_root_only() {
    let keys = KeyServer::start(Behaviour::Serve(issuer().jwks().to_owned())).await;
    let (url, pem) = serve_over_tls("{}".into()).await;
    let (untrusting, trusting) = (
        RemoteKeys::discovered(&url).unwrap(),
        RemoteKeys::discovered(&url).unwrap().trust_roots(pem.as_bytes()).unwrap(),
    );
    for (source, want) in [
        (untrusting, "the discovery document: "),
        (trusting, "the issuer of the discovery document is absent or not a string, expected"),
    ] {
        within_seconds(source.refresh("a").unwrap()).await.unwrap_err();
        let error = source.health().last_error.unwrap();
        assert!(error.starts_with(want), "{error}");
    }
    assert_eq!(keys.requests(), 0);
}

#[test]
fn a_source_shows_the_url_of_the_document() {
    let source = RemoteKeys::discovered("https://login.example.com/a/").unwrap();
    assert_eq!(
        format!("{source:?}"),
        "RemoteKeys { url: https://login.example.com/a/.well-known/openid-configuration, .. }"
    );
    let verifier = Verifier::new(source, [issuer().name()], issuer().audience());
    let token = issuer().mint(&proved(&[Factor::Password]));
    assert_eq!(reason(&verifier.verify_at(&token, NOW)), "keys_unavailable");
}
