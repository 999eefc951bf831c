//! Authentication factors: their kinds, and the proofs of them in a session.

mod assertion;
mod choice;
pub(crate) mod kind;
mod pair;
mod proof;

pub use self::assertion::Assertion;
pub use self::kind::UnknownFactor;
pub use self::pair::UnlistedFactor;
pub use self::proof::AuthenticationFactor;

pub(crate) use self::choice::Choice;
pub(crate) use self::kind::Factor;
pub(crate) use self::proof::{ProofDate, dated_after};
