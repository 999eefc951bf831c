//! The same transfer for programs: JSON, by Bearer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower_step_up::{Clock, Grant};

use crate::bank::Bank;
use crate::order::{Draft, Order};

pub(crate) async fn transfer(
    State(bank): State<Arc<Bank>>,
    grant: Grant,
    headers: HeaderMap,
    Json(draft): Json<Draft>,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let form = key.map(|key| format!("key-{key}")).unwrap_or_default();
    let order = match Order::read(&Draft { form, ..draft }) {
        Ok(order) => order,
        Err(faults) => return problem("These members cannot be understood", json!({ "invalid": faults })),
    };
    match bank.books.transfer(grant.session().user_id(), order, bank.clock.now()) {
        Ok(transfer) => Json(json!({
            "number": transfer.number,
            "payee": transfer.order.payee,
            "account": transfer.order.account,
            "amount": transfer.order.amount.to_string(),
            "reference": transfer.order.reference,
        }))
        .into_response(),
        Err(refusal) => problem(refusal.text(), json!({})),
    }
}

/// Problem details, as the guard's refusals have them.
fn problem(title: &str, mut body: serde_json::Value) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(members) = body.as_object_mut() {
        members.insert("title".into(), title.into());
        members.insert("status".into(), status.as_u16().into());
    }
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
