//! The time, as the guards read it.

use local_stytch::LocalStytch;
use time::OffsetDateTime;
use tower_step_up::{Clock, SystemClock};

/// The system's clock, or with local-stytch that one's, so that moving it moves the whole story.
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
