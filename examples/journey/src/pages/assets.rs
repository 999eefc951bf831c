//! The stylesheet, the icon and the only script.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

const FOR_TEN_MINUTES: &str = "public, max-age=600";

pub(crate) async fn style() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, FOR_TEN_MINUTES)];
    (headers, include_str!("../../assets/style.css"))
}

/// Serves the script of the pages that use a passkey.
pub(crate) async fn passkey() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/javascript"), (CACHE_CONTROL, FOR_TEN_MINUTES)];
    (headers, include_str!("../../assets/passkey.js"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, FOR_TEN_MINUTES)];
    (headers, include_str!("../../assets/icon.svg"))
}
