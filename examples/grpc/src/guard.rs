//! The guard with a policy for each method.

use std::time::Duration;

use tower_step_up::{Factor, Policy, StepUpLayer};

/// Returns a guard that demands what the called method needs.
#[must_use]
pub fn guard(any_session: &StepUpLayer) -> StepUpLayer {
    let balance = Policy::session().named("balance");
    let watch = Policy::mfa().named("watch");
    let code = Policy::any_of([Factor::Totp, Factor::OtpSms]).within(Duration::from_secs(600));
    let transfer = Policy::mfa().and(code).named("transfer");
    any_session.require_with(move |request| match request.uri.path() {
        "/bank.Bank/GetBalance" => balance.clone(),
        "/bank.Bank/Watch" => watch.clone(),
        // A method that this function does not know needs what the strictest one needs.
        _ => transfer.clone(),
    })
}
