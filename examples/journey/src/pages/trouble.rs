//! The page for a problem that belongs to no form.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

use crate::frame::{Frame, Page};
use crate::guards::SIGN_IN;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble {
    frame: Frame,
    problem: Problem,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self == Self::NoSession {
            return Redirect::to(SIGN_IN).into_response();
        }
        (
            self.status(),
            Page(Trouble {
                frame: Frame { has_no_request: true, ..Frame::default() },
                problem: self,
            }),
        )
            .into_response()
    }
}
