//! Proofs for one action, in handlers.

mod cause;
mod check;
mod confirm;
mod mark;
mod missing;
mod unconfirmed;

pub use self::cause::Cause;
pub use self::check::OnceError;
pub use self::confirm::Once;
pub use self::missing::MissingOnce;
pub use self::unconfirmed::Unconfirmed;

pub(super) use self::check::check;
pub(super) use self::mark::OnceMark;

use crate::intent::Intents;
use crate::policy::Policy;

/// The settings of a guard's [`once`](crate::StepUpLayer::once).
pub(super) struct OnceSettings {
    pub(super) intents: Intents,
    /// The policy for the proofs that are made for one action.
    pub(super) policy: Policy,
}
