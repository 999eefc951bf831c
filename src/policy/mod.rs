//! What a route demands of a session.
//!
//! A [`Policy`] is a value of a small algebra. [`Policy::evaluate`] holds it against a session at
//! an instant and returns a [`Grant`], the proof that it held, or a [`Shortfall`], why it did not.
//! It is pure: no clock, no I/O.
//!
//! # What counts
//!
//! At the instant `now`, with the verifier's leeway L (5 s by default):
//!
//! - An entry dated later than `now` + L is no proof, and neither is one whose date is there and
//!   cannot be read.
//! - Otherwise an entry's age is `now` less its `last_authenticated_at`, and not below zero.
//! - An entry without a date counts only outside every [`within`](Policy::within).
//! - Of several entries of one factor the freshest decides. Their order, their number and their ids
//!   do not matter.
//!
//! Instants are compared exactly, to the nanosecond. Exactly at the limit is fresh.
//!
//! # When a policy holds
//!
//! d is the tightest enclosing `within`, and without one any age will do.
//!
//! | policy | holds when |
//! | --- | --- |
//! | [`session()`](Policy::session) | some factor, of whatever kind, has age ≤ d |
//! | [`factor(f)`](Policy::factor) | factor `f` has age ≤ d |
//! | [`all_of`](Policy::all_of), [`and`](Policy::and) | every clause holds |
//! | [`any_of`](Policy::any_of), [`or`](Policy::or) | one clause holds |
//! | [`at_least(k, …)`](Policy::at_least) | k of the clauses hold; one factor may serve several |
//! | [`mfa()`](Policy::mfa) | the factors with age ≤ d cannot all be presented by one compromise of the [`TrustModel`](crate::TrustModel) |
//! | [`independent(n)`](Policy::independent) | the same, by fewer than `n` compromises |
//! | [`phishing_resistant()`](Policy::phishing_resistant) | a WebAuthn factor has age ≤ d |
//! | [`session_within(s)`](Policy::session_within) | the session began at most min(s, d) ago, the token says when, and some factor counts |
//! | [`p.within(d)`](Policy::within) | `p` holds, counting only what happened at most d ago; nested, the tighter wins |
//! | [`p.named(…)`](Policy::named) | `p` holds |
//!
//! A policy has at most 1,024 clauses and 128 levels. A clause that stands in it twice counts
//! twice. What would be larger is refused when it is built: by a panic, or by an error of
//! [`try_all_of`](Policy::try_all_of) and its like. So no stack overflows, however a policy is
//! built.
//!
//! There is no negation. A policy is monotone: a further factor, or a fresher one, never loses a
//! grant.
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
//! # Until when
//!
//! A policy that holds, holds until an instant, and at that instant still: [`Grant::expires_at`]
//! and [`Grant::holds_at`].
//!
//! | policy | holds until |
//! | --- | --- |
//! | `session()`, `factor(f)`, `phishing_resistant()` | the freshest such factor's `last_authenticated_at` + d; without a d for ever |
//! | `all_of`, `any_of`, `at_least(k, …)` | the first, the last, the k-th last of the clauses' ends |
//! | `independent(n)` | the first instant at which what is still fresh enough takes fewer than n compromises |
//! | `session_within(s)` | `started_at` + min(s, d) |
//!
//! # Idioms
//!
//! - A passkey alone is one device, so `mfa()` refuses it. To accept it:
//!   `Policy::phishing_resistant().or(Policy::mfa())`.
//! - `mfa().within(d)` asks that *both* factors be fresh;
//!   `mfa().and(Policy::any_of(second).within(d))` that the second be.
//! - A stale second factor still counts for bare `mfa()`.
//! - Stytch's own rule for its resources names no password: factors of two of three groups, and one
//!   under an hour old. As a policy it is `Policy::at_least(2,
//!   [Policy::any_of(email_and_providers), Policy::any_of(phone), Policy::any_of(device)])
//!   .and(Policy::session().within(hour))`.
//! - Single sign-on alone is one factor: what the identity provider asked for is invisible here.
//!
//! # Why, and what to ask for
//!
//! [`Policy::explain`] and [`Shortfall::explanation`] give the decision clause by clause, with the
//! proofs, their ages, the limit and the verdict. [`Shortfall::prompts`] gives the smallest sets of
//! factors whose authentication would do.
//!
//! # What a reviewer asks
//!
//! [`Policy::audit`] says which compromises open a policy, *cold* or in a *hijacked* session, and
//! what should be known of it. [`Policy::implies`] says whether one policy is at least as strict as
//! another, and if not, by which session.
//!
//! ```
//! use tower_step_up::{Compromise, Factor, Policy};
//! use tower_step_up::policy::{Implication, Severity};
//!
//! let weak = Policy::all_of([Factor::Password, Factor::OtpEmail]);
//! assert!(weak.audit().cold.contains(&vec![Compromise::Mailbox])); // who reads the mailbox has both
//! assert_eq!(weak.audit().severity(), Some(Severity::Warning));
//! assert!(matches!(weak.implies(&Policy::mfa()), Implication::Fails(_)));
//!
//! let strong = Policy::all_of([Factor::Password, Factor::OtpSms]);
//! assert!(strong.audit().cold.iter().all(|set| set.len() == 2));
//! assert_eq!(strong.implies(&Policy::mfa()), Implication::Holds);
//! ```
//!
//! With the feature `documents`, `Policies` reads policies from TOML and JSON. The example
//! `policy_check` prints their audits, and what a change makes weaker.

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
