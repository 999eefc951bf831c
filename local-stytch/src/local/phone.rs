//! `GET /local/phone`: the messages, on a page that looks like a phone.

use axum::{extract::State, response::Html};

use crate::api::Shared;

pub(super) async fn page(State(_app): Shared) -> Html<&'static str> {
    Html("<!doctype html><title>Phone</title>")
}
