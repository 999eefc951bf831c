//! The clock that the guards read.

use local_stytch::LocalStytch;
use time::OffsetDateTime;
use tower_step_up::{Clock, SystemClock};

/// The system's clock or, with local-stytch, the stand-in's. Advancing the stand-in's clock
/// therefore advances time for the guards too.
#[derive(Clone)]
pub(crate) enum BankClock {
    System,
    Local(LocalStytch),
}

impl Clock for BankClock {
    fn now(&self) -> OffsetDateTime {
        match self {
            Self::System => SystemClock.now(),
            Self::Local(stytch) => stytch.now(),
        }
    }
}
