//! Reviews of policies: who can open one, and whether it is as strict as another.

mod attack;
mod finding;
mod implies;
mod report;
mod review;

pub use self::finding::{Finding, Severity};
pub use self::implies::{Counterexample, Implication};
pub use self::report::Audit;
