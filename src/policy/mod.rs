//! Policies, which state what a route requires of a session.
//!
//! A [`Policy`] is a small expression, built from clauses. [`Policy::evaluate`] checks a session
//! against it at an instant, and returns a [`Grant`] if it holds or a [`Shortfall`] if it does not.
//! Evaluation is pure: it reads no clock and does no I/O.
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
//! assert_eq!(shortfall.to_string(), "authenticate with otp/sms again, totp or webauthn");
//! ```
//!
//! This page defines exactly when a policy holds, and for how long. To choose, store and review
//! policies, read the [guide](crate::guide::policies).
//!
//! # Which proofs count
//!
//! A *proof* is something that the token states about the sign-in, and usually its date. It is one of
//! these:
//!
//! - a [`Factor`](crate::Factor) that the user proved. In a Stytch session, each entry of
//!   `authentication_factors` is one, dated by its `last_authenticated_at`.
//! - an *assertion*: the issuer's word for a level (`acr:gold`) or for the name of a method
//!   (`amr:mfa`). Only tokens of other issuers have assertions.
//! - a *sign-in*: the issuer's word that this person signed in. No policy can name it. Every token of
//!   another issuer has one, except for the two kinds of token below.
//!
//! At the instant `now`, with the verifier's leeway L (5 s by default):
//!
//! - A proof does not count if its date is later than `now` + L or cannot be read.
//! - The age of any other dated proof is `now` minus its date, and at least zero.
//! - A proof without a date counts, but its age is unknown.
//! - If several proofs have the same factor, or are the same assertion, the freshest decides. Their
//!   order, number and ids do not matter.
//!
//! [`p.within(d)`](Policy::within) limits the ages in the policy `p`. Let D be the smallest limit
//! of all the `within`s around a clause. A proof is *fresh* for that clause if it counts and its
//! age is known and at most D. If there is no `within` around the clause, every proof that counts
//! is fresh.
//!
//! Instants are compared to the nanosecond. An age equal to the limit is fresh.
//!
//! # What the tokens of other issuers prove
//!
//! The [`Profile`](crate::profile::Profile) of an issuer other than Stytch reads a token's claims. Its
//! [`Names`](crate::profile::Names), with what the application
//! [declares](crate::issuers::Issuer), say which proofs they are:
//!
//! | the token states | proofs | date |
//! | --- | --- | --- |
//! | anything | a sign-in | none |
//! | `auth_time` | a sign-in | `auth_time` |
//! | a name in `amr` | the assertion `amr:name` and a sign-in; and the factor that the name means, or a *choice* between several | that of the entry, if it has one |
//! | a value of `acr` that is declared | the assertion `acr:value`, and one for each value that it includes; and the factors that it guarantees, or a choice between several lists | none |
//! | a factor that the profile itself states | the factor and a sign-in | its own, if it has one |
//! | a value of `acr` that is not declared, `0`, a name that proves nothing | none | |
//! | `iat` | none | |
//! | that no user signed in | none at all, so no policy holds | |
//! | that another party acts as the user (`act`) | the factor `impersonated` and nothing else, unless [`insecure_keep_delegated`](crate::issuers::Issuer::insecure_keep_delegated) | none |
//!
//! `auth_time` dates nothing but the sign-in. If the application declares that it
//! [covers](crate::issuers::Issuer::auth_time_covers) some factors, proofs of these without a date of
//! their own are dated `auth_time`.
//! [`auth_time_covers_all`](crate::issuers::Issuer::auth_time_covers_all) dates assertions too.
//! What `amr` and `acr` prove is added up.
//!
//! # Readings
//!
//! A choice is a list of *alternatives*, each a list of proofs. One alternative is true, and the token
//! does not say which. A *reading* of a session has the proofs that are certain, and those of one
//! alternative of every choice. A session without a choice, such as every Stytch session, has one
//! reading.
//!
//! A policy holds for a session if and only if it holds in every reading, as the next section defines
//! it. It then holds until the earliest of the readings' ends. For example, `mfa()` holds for a
//! password and "a code from an app or by SMS", and does not if the code may also have come by email.
//!
//! At most 64 readings are judged. If there are more, the choice with the most alternatives (of
//! several such choices, the first) is replaced with what its alternatives have in common, until
//! few enough readings are left. Alternatives have a factor or an assertion in common if a proof
//! of it counts in each of them. The freshest proof in each alternative counts, and of these the
//! oldest. One without a date is the oldest. This never makes a policy hold that does not hold in
//! every reading.
//!
//! # When a policy holds
//!
//! A [`Compromise`](crate::Compromise) is one thing that an attacker takes over, such as the
//! mailbox. The [`TrustModel`](crate::TrustModel) of the policy states which factors it lets the
//! attacker *present*. For example, the mailbox lets an attacker present a code by email, and also
//! the password, which can be reset by email.
//!
//! | policy | holds if |
//! | --- | --- |
//! | [`session()`](Policy::session) | any proof is fresh: of a factor, an assertion or a sign-in |
//! | [`factor(f)`](Policy::factor) | a proof of `f` is fresh |
//! | [`acr(v)`](Policy::acr), [`amr(n)`](Policy::amr) | the assertion `acr:v` or `amr:n` is fresh |
//! | [`phishing_resistant()`](Policy::phishing_resistant) | a proof of WebAuthn or of a [phishing-resistant key](crate::Factor::PhishingResistantKey) is fresh |
//! | [`mfa()`](Policy::mfa) | no single compromise lets an attacker present all factors with a fresh proof |
//! | [`independent(n)`](Policy::independent) | no set of fewer than n compromises lets an attacker present all factors with a fresh proof |
//! | [`session_within(s)`](Policy::session_within) | the token states when the session began; that is at most s ago (D, if D is less) and not later than `now` + L; and at least one proof counts, whatever its age |
//! | [`all_of`](Policy::all_of), [`and`](Policy::and) | every clause holds |
//! | [`any_of`](Policy::any_of), [`or`](Policy::or) | at least one clause holds |
//! | [`at_least(k, …)`](Policy::at_least) | at least k clauses hold; one proof may serve several |
//! | [`p.within(d)`](Policy::within) | `p` holds on the proofs that are fresh under this limit |
//! | [`p.named(…)`](Policy::named) | `p` holds |
//!
//! Anyone can present an assertion or a sign-in, so they never count for `mfa()` and `independent(n)`.
//!
//! Policies have no negation, so they are monotone: a policy that holds still holds after the user
//! proves another factor, or the same one again. A further choice is an exception if there are then
//! more than 64 readings.
//!
//! # How long a policy holds
//!
//! If no further factor is proved, a policy that holds keeps holding up to and including an
//! instant. This table states that instant.
//!
//! | policy | holds until |
//! | --- | --- |
//! | `session()`, `factor(f)`, `acr(v)`, `amr(n)`, `phishing_resistant()` | the date of the freshest such proof + D; forever without a `within` |
//! | `mfa()`, `independent(n)` | the last instant at which no set of fewer than n compromises (two for `mfa`) lets an attacker present all factors with a fresh proof |
//! | `session_within(s)` | the session's start + s, or + D if that is less |
//! | `all_of`, `and` | the earliest of the clauses' ends |
//! | `any_of`, `or` | the latest of the clauses' ends |
//! | `at_least(k, …)` | the k-th latest of the clauses' ends |
//!
//! This is for one reading. With several, the earliest of their ends counts. A [`Grant`] also ends with
//! the session, and with the grant of an outer guard. A session of an issuer other than Stytch ends
//! when its token expires.
//!
//! # How large a policy can be
//!
//! A policy has at most 1,024 clauses and 128 levels. A clause that occurs twice counts twice.
//! [`all_of`](Policy::all_of), `any_of` and `at_least` take an array of 1 to 16 clauses, and an
//! array of another length does not compile. [`try_all_of`](Policy::try_all_of), `try_any_of` and
//! `try_at_least` take a list of 1 to 64 clauses that is known only at run time. If a policy would
//! be too large, these three return an error, and the other functions panic. The limits keep
//! evaluation from overflowing the stack.
//!
//! # Explanations
//!
//! [`Policy::explain`] and [`Shortfall::explanation`] return the decision clause by clause, with
//! the proofs, their ages, the limit and the verdict. If there are choices, they show the reading that
//! decides and what the token does not say. [`Shortfall::prompts`] returns the smallest
//! sets of factors with which the session would meet the policy. [`Policy::audit`] and
//! [`Policy::implies`] review a policy without a session.

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
    Ambiguity, AuthenticationRequest, Demand, Explanation, Prompt, Prompts, ProofAge, Reason,
    Requirement, Unmet, Verdict,
};
pub use self::types::{Clause, IntoPolicy, ListError, NonEmpty, PolicyError};

pub(crate) use self::decision::Grant;
#[cfg(feature = "documents")]
pub(crate) use self::document::Policies;
pub(crate) use self::explanation::Shortfall;
pub(crate) use self::types::Policy;
pub(crate) use self::words::{Independent, Span};
