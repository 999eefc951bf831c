//! Transfers for programs: JSON, with a Bearer token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower_step_up::Once;

use crate::bank::Bank;
use crate::order::{Draft, MAX_FORM, Order};
use crate::pay::{Payment, pay};
use crate::refusal::Refusal;

pub(crate) async fn transfer(
    State(bank): State<Arc<Bank>>,
    once: Once,
    headers: HeaderMap,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Response {
    let Some(form) = form(&headers) else {
        return problem(
            StatusCode::BAD_REQUEST,
            "Idempotency-Key must be sent once and have 1 to 60 visible ASCII characters",
            json!({}),
        );
    };
    let Ok(Json(draft)) = draft else {
        return problem(
            StatusCode::BAD_REQUEST,
            "The body is not a valid transfer in JSON",
            json!({}),
        );
    };
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let draft = Draft { form, ..draft };
    let order = match Order::read(&draft) {
        Ok(order) => order,
        Err(faults) => {
            return problem(
                unprocessable,
                "Some members of the transfer are invalid",
                json!({ "invalid": faults }),
            );
        }
    };
    match pay(&bank, &once, &draft.intent, order).await {
        // A request with the same Idempotency-Key gets the same receipt.
        Ok(Payment::Made(transfer) | Payment::Earlier(transfer)) => Json(json!({
            "number": transfer.number,
            "payee": transfer.order.payee,
            "account": transfer.order.account,
            "amount": transfer.order.amount.to_string(),
            "reference": transfer.order.reference,
        }))
        .into_response(),
        Ok(Payment::Unconfirmed(refusal)) => refusal.into_response(),
        Err(Refusal::OtherOrder) => problem(
            unprocessable,
            "This Idempotency-Key was already used for a different transfer. Use a new one.",
            json!({}),
        ),
        Err(refusal) => {
            let invalid = refusal.fault().map_or(json!({}), |faults| json!({ "invalid": faults }));
            problem(unprocessable, &refusal.text(), invalid)
        }
    }
}

/// Returns the idempotency key with a prefix, or an empty string if the client sent none. Returns
/// `None` if the key is invalid, because ignoring it could make the transfer twice.
fn form(headers: &HeaderMap) -> Option<String> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Some(String::new()) };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && keys.next().is_none())?;
    let form = format!("key-{key}");
    (form.len() <= MAX_FORM).then_some(form)
}

/// Returns problem details, like the guard's refusals.
fn problem(status: StatusCode, title: &str, mut body: serde_json::Value) -> Response {
    if let Some(members) = body.as_object_mut() {
        members.insert("title".into(), title.into());
        members.insert("status".into(), status.as_u16().into());
    }
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
