//! Moves the clock by ten minutes, with local-stytch only.

use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;
use tower_step_up::ReturnTo;

use crate::bank::Bank;

/// One second more, because a proof that is exactly ten minutes old is still fresh enough.
const TEN_MINUTES: Duration = Duration::from_secs(601);

#[derive(Deserialize)]
pub(crate) struct FormData {
    #[serde(default)]
    return_to: String,
}

pub(crate) async fn send(State(bank): State<Arc<Bank>>, Form(form): Form<FormData>) -> Redirect {
    if let Some(stytch) = &bank.local {
        stytch.advance(TEN_MINUTES);
    }
    Redirect::to(ReturnTo::parse(&form.return_to).unwrap_or_default().as_str())
}
