//! What a route requires of a session.
//!
//! A [`Policy`] is a small expression. [`Policy::evaluate`] checks a session against it at an
//! instant, and returns a [`Grant`] if it holds or a [`Shortfall`] if it does not. Evaluation is
//! pure: it reads no clock and does no I/O.
//!
//! ```
//! use std::time::Duration;
//! use tower_step_up::{Factor, Policy, testing};
//!
//! let transfer = Policy::mfa()
//!     .and(
//!         Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn])
//!             .within(Duration::from_secs(600)),
//!     )
//!     .named("transfer");
//!
//! let fresh = testing::session()
//!     .proved(Factor::Password)
//!     .proved_ago(Factor::OtpSms, Duration::from_secs(600))
//!     .build();
//! assert!(transfer.evaluate(&fresh, testing::NOW).is_ok());
//!
//! let stale = testing::session()
//!     .proved(Factor::Password)
//!     .proved_ago(Factor::OtpSms, Duration::from_secs(601))
//!     .build();
//! let shortfall = transfer.evaluate(&stale, testing::NOW).unwrap_err();
//! assert_eq!(shortfall.to_string(), "authenticate otp/sms again, totp or webauthn");
//! ```
//!
//! The [guide](crate::guide::policies) shows how to choose, store and review policies. This page
//! defines them.
//!
//! # Which factors count
//!
//! A token lists the factors that the user proved, each in an entry that may have a date. At the
//! instant `now`, with the verifier's leeway L (5 s by default):
//!
//! - An entry does not count if its date is later than `now` + L or cannot be read.
//! - The age of any other dated entry is `now` minus its `last_authenticated_at`, and at least zero.
//! - An entry without a date counts only outside every [`within`](Policy::within).
//! - If several entries have the same factor, the freshest decides. Their order, number and ids do
//!   not matter.
//!
//! Instants are compared to the nanosecond. An age equal to the limit is fresh.
//!
//! # When a policy holds
//!
//! In this table, d is the tightest enclosing `within`. Without one, every age is accepted.
//!
//! | policy | holds if |
//! | --- | --- |
//! | [`session()`](Policy::session) | some factor of any kind has age ≤ d |
//! | [`factor(f)`](Policy::factor) | factor `f` has age ≤ d |
//! | [`all_of`](Policy::all_of), [`and`](Policy::and) | every clause holds |
//! | [`any_of`](Policy::any_of), [`or`](Policy::or) | at least one clause holds |
//! | [`at_least(k, …)`](Policy::at_least) | at least k clauses hold; one factor may serve several |
//! | [`mfa()`](Policy::mfa) | no single compromise of the [`TrustModel`](crate::TrustModel) can present all factors with age ≤ d |
//! | [`independent(n)`](Policy::independent) | no set of fewer than `n` compromises can present them |
//! | [`phishing_resistant()`](Policy::phishing_resistant) | a WebAuthn factor has age ≤ d |
//! | [`session_within(s)`](Policy::session_within) | the token states when the session began, that was at most min(s, d) ago, and some factor counts |
//! | [`p.within(d)`](Policy::within) | `p` holds, counting only what happened at most d ago; if nested, the tighter limit applies |
//! | [`p.named(…)`](Policy::named) | `p` holds |
//!
//! A policy has at most 1,024 clauses and 128 levels. A clause that occurs twice counts twice.
//! Building a larger policy panics, or returns an error from [`try_all_of`](Policy::try_all_of) and
//! its siblings. The limits keep evaluation from overflowing the stack.
//!
//! There is no negation. A policy is monotone: an additional or fresher factor never loses a grant.
//!
//! # How long a policy holds
//!
//! A policy that holds keeps holding up to and including an instant, if no further factor is proved:
//! [`Grant::expires_at`] and [`Grant::holds_at`].
//!
//! | policy | holds until |
//! | --- | --- |
//! | `session()`, `factor(f)`, `phishing_resistant()` | the freshest such factor's `last_authenticated_at` + d; without d, forever |
//! | `all_of`, `any_of`, `at_least(k, …)` | the first, the last, the k-th last of the clauses' ends |
//! | `independent(n)` | the first instant at which fewer than n compromises can present the factors that are still fresh |
//! | `session_within(s)` | `started_at` + min(s, d) |
//!
//! # Explanations
//!
//! [`Policy::explain`] and [`Shortfall::explanation`] return the decision clause by clause, with the
//! proofs, their ages, the limit and the verdict. [`Shortfall::prompts`] returns the smallest sets of
//! factors that would satisfy the policy. [`Policy::audit`] and [`Policy::implies`] review a policy
//! without a session.

mod audit;
pub(crate) mod decision;
#[cfg(feature = "documents")]
pub(crate) mod document;
mod evaluate;
pub(crate) mod explanation;
pub(crate) mod types;
mod words;

pub use self::audit::{Audit, Counterexample, Finding, Implication, Severity};
#[cfg(feature = "documents")]
pub use self::document::{DocumentError, DocumentFault, UnknownPolicy};
pub use self::explanation::{
    Demand, Explanation, Prompt, Prompts, ProofAge, Reason, Requirement, Unmet, Verdict,
};
pub use self::types::{ListError, NonEmpty};

pub(crate) use self::decision::Grant;
#[cfg(feature = "documents")]
pub(crate) use self::document::Policies;
pub(crate) use self::explanation::Shortfall;
pub(crate) use self::types::Policy;
