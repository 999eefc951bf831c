//! Makes transfers. A large one needs its own proof.

use tower_step_up::{Action, Clock, Once, Unconfirmed};

use crate::bank::Bank;
use crate::ledger::Transfer;
use crate::order::Order;
use crate::refusal::Refusal;

/// What became of a transfer that the books do not refuse.
pub(crate) enum Payment {
    /// It is made.
    Made(Transfer),
    /// It needs its own proof, and was made before with the same idempotency key.
    Earlier(Transfer),
    /// Its own proof is missing, was used already or cannot be checked.
    Unconfirmed(Unconfirmed),
}

/// Makes a transfer. If it is large, the user must have proved a second factor since the bank asked
/// for it with this intent. Everything else is checked first, because a proof confirms one transfer
/// only.
pub(crate) async fn pay(
    bank: &Bank,
    once: &Once,
    intent: &str,
    order: Order,
) -> Result<Payment, Refusal> {
    let user_id = once.grant().session().user_id();
    if order.needs_own_proof() {
        if let Some(earlier) = bank.books.check(user_id, &order)? {
            return Ok(Payment::Earlier(earlier));
        }
        if let Err(refusal) = once.confirm(Some(intent), &action(&order)).await {
            return Ok(Payment::Unconfirmed(refusal));
        }
    }
    bank.books.transfer(user_id, order, bank.clock.now()).map(Payment::Made)
}

/// Returns what the user agrees to. The proof counts for nothing else.
fn action(order: &Order) -> Action {
    Action::new("transfer")
        .with("payee", &order.payee)
        .with("account", &order.account)
        .with("cents", order.amount.0)
        .with("currency", "EUR")
        .with("reference", &order.reference)
}
