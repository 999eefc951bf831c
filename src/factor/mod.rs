//! Authentication factors: their kinds, and the proofs of them in a session.

pub(crate) mod kind;
mod pair;
mod proof;

pub use self::kind::UnknownFactor;
pub use self::pair::UnlistedFactor;
pub use self::proof::AuthenticationFactor;

pub(crate) use self::kind::Factor;
pub(crate) use self::proof::ProofDate;
