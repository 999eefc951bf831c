//! Why a policy holds or does not, and which factors to ask the user for.

mod explain;
mod methods;
mod minimal;
mod need;
mod prompts;
mod request;
mod requirement;
mod search;
mod shortfall;
mod text;
mod tree;
mod types;
mod ways;

pub use self::prompts::{Prompt, Prompts};
pub use self::request::AuthenticationRequest;
pub use self::requirement::{Reason, Requirement};
pub use self::shortfall::{Shortfall, Unmet};
pub use self::types::{Ambiguity, Demand, Explanation, ProofAge, Verdict};

#[cfg(test)]
pub(crate) use self::search::SEARCHES;
