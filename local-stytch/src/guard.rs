//! Keeps other sites' pages away: they can make a browser send requests to loopback.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header::HOST, header::ORIGIN},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::error::Refusal;

/// Answers only requests to a loopback host (a page whose name was rebound to loopback names another) that no other
/// site's page made.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    if is_at_home(request.method(), request.headers()) {
        next.run(request).await
    } else {
        Refusal::ForeignRequest.into_response()
    }
}

fn is_at_home(method: &Method, headers: &HeaderMap) -> bool {
    let Some(host) = only(headers, HOST.as_str()) else { return false };
    is_loopback(host) && origin_is_own(headers, host) && !is_from_elsewhere(method, headers)
}

/// Whether `host`, with or without a port, is `localhost` or a loopback address.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _port)) => v6,
        None => host.split_once(':').map_or(host, |(name, _port)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn origin_is_own(headers: &HeaderMap, host: &str) -> bool {
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    only(headers, ORIGIN.as_str()).is_some_and(|origin| origin.strip_prefix("http://") == Some(host))
}

/// Browsers say where a request comes from. To follow a link hither is harmless.
fn is_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name, value| only(headers, name) == Some(value);
    let own =
        !headers.contains_key("sec-fetch-site") || is("sec-fetch-site", "same-origin") || is("sec-fetch-site", "none");
    let link = *method == Method::GET && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    !own && !link
}

/// The header's value, if it is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
