//! Reviews of policies: which attackers can meet one, and whether it is as strict as another.

mod attack;
mod clauses;
mod finding;
mod implies;
mod leaves;
mod limits;
mod overlap;
mod report;
mod review;
mod sameness;
mod step_up;
mod text;

pub use self::finding::{Finding, Severity};
pub use self::implies::{Counterexample, Implication};
pub use self::report::Audit;
