//! The report on the bank's policies, for reviewers. `policy_check --html` writes the same page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse};

use crate::bank::Bank;
use crate::report;

pub(crate) async fn show(State(bank): State<Arc<Bank>>) -> impl IntoResponse {
    // The page has its own stylesheet, which the bank's own policy would not allow.
    let allowed = format!("{}; frame-ancestors 'none'", report::CONTENT_SECURITY_POLICY);
    ([(CONTENT_SECURITY_POLICY, allowed)], Html(bank.report.clone()))
}
