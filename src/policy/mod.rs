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
//! | [`mfa()`](Policy::mfa) | the factors with age ≤ d cannot all be presented by one compromise of the [`TrustModel`] |
//! | [`independent(n)`](Policy::independent) | the same, by fewer than `n` compromises |
//! | [`phishing_resistant()`](Policy::phishing_resistant) | a WebAuthn factor has age ≤ d |
//! | [`session_within(s)`](Policy::session_within) | the session began at most min(s, d) ago, the token says when, and some factor counts |
//! | [`p.within(d)`](Policy::within) | `p` holds, counting only what happened at most d ago; nested, the tighter wins |
//! | [`p.named(…)`](Policy::named) | `p` holds |
//!
//! Policies nest as deep as a program builds them. They are judged by recursion: hundreds of levels
//! are fine, many thousands overflow the stack.
//!
//! There is no negation. A policy is monotone: a further factor, or a fresher one, never loses a
//! grant.
//!
//! ```
//! use std::time::Duration;
//! use tower_step_up::{Factor, Policy, testing};
//!
//! let transfer = Policy::mfa()
//!     .and(Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn]).within(Duration::from_secs(600)))
//!     .named("transfer");
//!
//! let fresh = testing::session().proved(Factor::Password).proved_ago(Factor::OtpSms, Duration::from_secs(600)).build();
//! assert!(transfer.evaluate(&fresh, testing::NOW).is_ok());
//!
//! let stale = testing::session().proved(Factor::Password).proved_ago(Factor::OtpSms, Duration::from_secs(601)).build();
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
//! evidence, its age, the limit and the verdict. [`Shortfall::prompts`] gives the smallest sets of
//! factors whose authentication would do.
//!
//! # What a reviewer asks
//!
//! [`Policy::audit`] says which compromises open a policy, *cold* or in a *hijacked* session, and
//! what should be known of it. [`Policy::implies`] says whether one policy is at least as strict as
//! another, and if not, by which session.
//!
//! ```
//! use tower_step_up::{Compromise, Factor, Implication, Severity, Policy};
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
mod clauses;
#[cfg(feature = "documents")]
mod document;
mod evaluate;
mod explanation;
mod grant;
mod implies;
mod list;
mod name;
mod prompts;
mod requirement;
mod search;
mod shortfall;
mod text;
mod tree;
mod walk;
mod words;

pub use self::audit::{Audit, Finding, Severity};
#[cfg(feature = "documents")]
pub use self::document::{DocumentError, DocumentFault, Inexpressible, Policies, UnknownPolicy};
pub use self::explanation::{Demand, Evidence, Explanation, Verdict};
pub use self::grant::Grant;
pub use self::implies::{Counterexample, Implication};
pub use self::list::{ListError, NonEmpty};
pub use self::prompts::{Prompt, Prompts};
pub use self::requirement::{Reason, Requirement};
pub use self::shortfall::{Shortfall, Unmet};

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::factor::Factor;
use crate::session::Session;
use crate::trust::TrustModel;

use self::evaluate::Facts;

/// What a route demands of a session; cheap to clone. The [module](crate::policy) says exactly what
/// each clause means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(Arc<Node>);

#[derive(Debug, PartialEq, Eq)]
struct Node {
    name: Option<Box<str>>,
    /// The trust model that the policy as a whole was put under, where that is not the default one.
    trust: Option<TrustModel>,
    clause: Clause,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Clause {
    Session,
    Factor(Factor),
    PhishingResistant,
    Independent { needed: usize, trust: TrustModel },
    SessionWithin(Duration),
    AllOf(Vec<Policy>),
    AnyOf(Vec<Policy>),
    AtLeast(usize, Vec<Policy>),
    Within(Duration, Policy),
}

impl Policy {
    /// The policy under another trust model, which decides what [`mfa`](Self::mfa) and
    /// [`independent`](Self::independent) take for independent, and what attackers can present in
    /// an [audit](Self::audit). It takes the place of the model that they had.
    ///
    /// ```
    /// use tower_step_up::{Factor, Policy, TrustModel, testing};
    ///
    /// let session = testing::session().proved(Factor::OtpSms).proved(Factor::Totp).build();
    /// assert!(Policy::mfa().evaluate(&session, testing::NOW).is_ok());
    /// let careful = Policy::mfa().under(&TrustModel::default().unlocked_handset());
    /// assert!(careful.evaluate(&session, testing::NOW).is_err()); // both are on one handset
    /// ```
    #[must_use]
    pub fn under(&self, trust: &TrustModel) -> Self {
        let node = Node {
            name: self.0.name.clone(),
            trust: (*trust != TrustModel::default()).then(|| trust.clone()),
            clause: self.clause().under(trust),
        };
        Self(Arc::new(node))
    }

    /// Names the policy: for challenges (`acr_values`, the `policy` of the body) and logs. The name
    /// of the outermost policy counts.
    ///
    /// # Panics
    ///
    /// Where the name does not match `[a-z][a-z0-9_.-]{0,63}`: an error in the program, found at
    /// construction.
    #[must_use]
    #[track_caller]
    pub fn named(self, name: &str) -> Self {
        assert!(
            name::is_name(name),
            "the policy name {name:?} does not match [a-z][a-z0-9_.-]{{0,63}}"
        );
        let Node { trust, clause, .. } = &*self.0;
        Self(Arc::new(Node {
            name: Some(name.into()),
            trust: trust.clone(),
            clause: clause.clone(),
        }))
    }

    /// The policy's name, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The smallest [`within`](Self::within) anywhere in the policy: the `max_age` of its
    /// challenge.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.limits().first().copied()
    }

    /// Holds the policy against a session at an instant.
    ///
    /// Judged is the policy alone. That the session and its token have not expired is the
    /// verifier's business, and [`Grant::holds_at`] knows their end.
    ///
    /// # Errors
    ///
    /// The [`Shortfall`] says what is missing or stale.
    pub fn evaluate(&self, session: &Session, now: OffsetDateTime) -> Result<Grant, Shortfall> {
        let moment = now.into();
        let until = evaluate::until(self, &Facts::new(session, moment), None);
        if !until.reaches(moment) {
            return Err(Shortfall::new(session.clone(), self.clone(), now));
        }
        Ok(Grant::new(session.clone(), self.clone(), until.limit()))
    }

    fn clause(&self) -> &Clause {
        &self.0.clause
    }
}

impl Clause {
    fn under(&self, trust: &TrustModel) -> Self {
        let one = |policy: &Policy| {
            let node = Node {
                name: policy.0.name.clone(),
                trust: None,
                clause: policy.clause().under(trust),
            };
            Policy(Arc::new(node))
        };
        let all = |clauses: &[Policy]| clauses.iter().map(one).collect();
        match self {
            Self::Independent { needed, .. } => {
                Self::Independent { needed: *needed, trust: trust.clone() }
            }
            Self::AllOf(clauses) => Self::AllOf(all(clauses)),
            Self::AnyOf(clauses) => Self::AnyOf(all(clauses)),
            Self::AtLeast(needed, clauses) => Self::AtLeast(*needed, all(clauses)),
            Self::Within(max_age, inner) => Self::Within(*max_age, one(inner)),
            Self::Session | Self::Factor(_) | Self::PhishingResistant | Self::SessionWithin(_) => {
                self.clone()
            }
        }
    }
}

impl From<Clause> for Policy {
    fn from(clause: Clause) -> Self {
        Self(Arc::new(Node { name: None, trust: None, clause }))
    }
}
