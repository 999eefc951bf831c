//! The front page: what this is, and where to begin.

use askama::Template;
use axum::body::Bytes;
use axum::http::Response;
use axum::http::request::Parts;
use axum::response::IntoResponse;

use crate::bank::Bank;
use crate::demo;
use crate::frame::{Frame, Page};
use crate::order::OWN_PROOF_ABOVE;

#[derive(Template)]
#[template(path = "front.html")]
struct Front {
    frame: Frame,
    email: &'static str,
    password: &'static str,
}

pub(crate) async fn show(frame: Frame) -> impl IntoResponse {
    Page(Front::new(frame))
}

/// Returns the front page in place of a refusal.
pub(crate) fn for_visitors(bank: &Bank, request: &Parts) -> Response<Bytes> {
    Page(Front::new(Frame::of(bank, request))).into_refusal()
}

impl Front {
    fn new(frame: Frame) -> Self {
        Self { frame, email: demo::EMAIL, password: demo::PASSWORD }
    }
}
