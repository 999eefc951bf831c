//! Proofs for one action: a payment, a deletion, a key export.
//!
//! A policy with `within` says that a proof is recent. It counts for every request that follows in that
//! time. A handler that needs a proof *for this request* calls
//! [`Once::confirm`](crate::Once::confirm), behind a guard with
//! [`StepUpLayer::once`](crate::StepUpLayer::once):
//!
//! 1. The first request makes an *intent*: a record of the user, the [`Action`] and the time. The answer
//!    is the guard's challenge, with the id of the intent.
//! 2. The user proves a factor.
//! 3. The retry names the intent. It passes if the user and the action are the same, and if the proofs
//!    were made after the intent. The intent is then used.
//!
//! [The guide](crate::guide::one_action) has a handler, the answers, and what such a proof does not
//! prove.

pub(crate) mod action;
pub(crate) mod intents;
mod local;
mod record;
mod store;
mod value;

pub use self::local::LocalIntents;
pub use self::record::{Intent, IntentId, IntentIdError, IntentUser};
pub use self::store::{Found, IntentFuture, IntentStore, IntentsUnavailable, MAX_OPEN};
pub use self::value::ActionValue;

pub(crate) use self::action::Action;
pub(crate) use self::intents::Intents;

use http::HeaderName;

/// The header `Step-Up-Intent`. A challenge that asks for a proof for one action has the id of its
/// intent in it, and so has the refusal of a second use. The retry may name the intent in it too.
pub const STEP_UP_INTENT: HeaderName = HeaderName::from_static("step-up-intent");
