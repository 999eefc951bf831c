//! Responses of a guard that a shared cache must not store.

use std::convert::Infallible;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_step_up::credentials::CredentialSource;
use tower_step_up::{Factor, Rejection, StepUpLayer};

use crate::renewal::{World, renewing_with, set_cookies, with_bearer, with_cookies, with_header};
use crate::support::{TestResponse, proved, send};

type Body = Full<Bytes>;

/// `Cache-Control`, and every header that a known cache obeys instead of it or in addition to it.
pub(crate) const OVERRULING: [(&str, &str); 9] = [
    ("cache-control", "public, max-age=600"),
    ("expires", "Thu, 31 Dec 2099 23:59:59 GMT"),
    ("x-accel-expires", "600"),
    ("edge-control", "max-age=600"),
    ("surrogate-control", "max-age=600"),
    ("cdn-cache-control", "max-age=600"),
    ("cloudflare-cdn-cache-control", "max-age=600"),
    ("akamai-cache-control", "max-age=600"),
    ("x-litespeed-cache-control", "public, max-age=600"),
];

/// Sends a request through the guard to a handler that sets these headers.
async fn respond(
    guard: &StepUpLayer,
    request: Request<Body>,
    handlers: &'static [(&'static str, &'static str)],
) -> TestResponse {
    let service = guard.layer(service_fn(async |_: Request<Body>| {
        let mut response = Response::new(Body::from("yours"));
        let lines = handlers.iter().map(|&(name, value)| (HeaderName::from_static(name), value));
        let lines = lines.map(|(name, value)| (name, value.parse().unwrap()));
        *response.headers_mut() = lines.collect::<HeaderMap>();
        Ok::<_, Infallible>(response)
    }));
    send(&service, request).await
}

#[tokio::test]
async fn a_response_to_a_session_is_private_whatever_carried_the_token() {
    let world = World::new();
    let header = CredentialSource::SessionTokenHeader(HeaderName::from_static("x-session-token"));
    let sources = CredentialSource::defaults().into_iter().chain([header]);
    let guard = world.guard().credentials(sources);
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let opaque = &*tokens.session_token;
    for request in [
        with_bearer(&tokens),
        with_cookies(&tokens),
        with_header("x-session-token", opaque),
        with_header("cookie", &format!("stytch_session_jwt={}", tokens.session_jwt)),
    ] {
        let source = format!("{:?}", request.headers().keys());
        let plain = respond(&guard, request.clone(), &[]).await;
        assert_eq!((plain.status.as_u16(), plain.header("cache-control")), (200, "private"));
        // The guard does not change the handler's own `Cache-Control`.
        let own = respond(&guard, request.clone(), &[("cache-control", "max-age=60")]).await;
        assert_eq!(own.header("cache-control"), "max-age=60", "{source}");
        // Otherwise the guard removes the headers that would overrule it in a shared cache.
        let targeted = respond(&guard, request.clone(), &OVERRULING[2..]).await;
        assert_eq!(targeted.header("cache-control"), "private");
        for (name, _) in &OVERRULING[2..] {
            assert_eq!(targeted.header(name), "", "{name}");
        }
        let expires = respond(&guard, request, &[("expires", "0")]).await;
        assert_eq!(expires.header("cache-control"), "private", "{source}");
        assert_eq!(expires.header("expires"), "0", "{source}");
    }
    let anonymous = respond(&guard.optional(), with_header("x-nothing", "here"), &[]).await;
    assert_eq!((anonymous.status.as_u16(), anonymous.header("cache-control")), (200, ""));
}

#[tokio::test]
async fn no_header_lets_a_cache_store_fresh_tokens() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let guard = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.send_fresh_jwt()
    });
    let check = |headers: &HeaderMap| {
        assert_eq!(headers["cache-control"], "no-store");
        for (name, _) in &OVERRULING[1..] {
            assert!(!headers.contains_key(*name), "{name}");
        }
    };
    let by_cookie = respond(&guard, with_cookies(&tokens), &OVERRULING).await;
    assert_eq!(set_cookies(&by_cookie).len(), 2);
    check(&by_cookie.headers);
    let by_header = respond(&guard, with_bearer(&tokens), &OVERRULING).await;
    assert!(!by_header.header("stytch-session-jwt").is_empty());
    check(&by_header.headers);
    // The same holds for a response that sets or clears cookies, and for a refusal.
    let mut response = with_overruling();
    guard.sessions().unwrap().clear_cookies(&HeaderMap::new()).append_to(&mut response);
    check(&response);
    let own = guard.respond_with(|_: &Rejection, _: &Parts| {
        let mut refusal = Response::new(Bytes::new());
        *refusal.headers_mut() = with_overruling();
        refusal.headers_mut().remove("cache-control");
        refusal
    });
    check(&respond(&own, with_header("x-nothing", "here"), &[]).await.headers);
}

fn with_overruling() -> HeaderMap {
    let lines = OVERRULING.iter().map(|&(name, value)| (HeaderName::from_static(name), value));
    lines.map(|(name, value)| (name, value.parse().unwrap())).collect()
}
