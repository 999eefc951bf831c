//! The reasons why the tokens of an issuer cannot meet a policy.

use std::time::Duration;

use crate::policy::Span;

/// The reason why no token of an issuer can meet a guard's policy or have its scopes, or why hardly
/// any can. Each message names the remedy.
///
/// A guard compares its policy with the best token that the issuer could mint. A Stytch token can
/// state every factor that Stytch has, with its time. A guard for a Stytch project therefore has
/// findings only if its policy demands `acr`, `amr`, or a factor that Stytch does not have, or if it
/// requires scopes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFinding {
    /// The policy names a value of `acr` that no issuer declares, so it never counts.
    #[error(
        "the policy demands acr:{value}, which is not declared for {issuer}; declare it with \
         `acr_values` or `acr`, or correct the value"
    )]
    UndeclaredAcr {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The value.
        value: Box<str>,
    },
    /// A limit applies to something that the issuer's tokens state without a time.
    #[error(
        "the tokens of {issuer} state no time for {clause}, so its `within` never holds; {remedy}"
    )]
    Undated {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The requirement of the clause.
        clause: Box<str>,
        /// What to write instead.
        remedy: Box<str>,
    },
    /// The policy limits the age of the session, and the issuer's tokens do not say when it began.
    #[error(
        "the tokens of {issuer} do not say when the session began, so `session_within` never holds; \
         {remedy}"
    )]
    NoStart {
        /// The name of the issuer.
        issuer: Box<str>,
        /// What to write instead.
        remedy: Box<str>,
    },
    /// Tokens can meet each clause of the policy, but not all of them in one token, which has one value
    /// of `acr`.
    #[error(
        "no token of {issuer} meets all clauses of the policy at once, although each can be met alone; \
         accept one or the other with `or`, or declare with `acr_includes` which value includes which"
    )]
    NeverTogether {
        /// The name of the issuer.
        issuer: Box<str>,
    },
    /// The policy demands independent factors, and the issuer's tokens cannot state them.
    #[error(
        "the tokens of {issuer} cannot state the independent factors for {clause}; declare with `amr`, \
         `narrow` or `acr` on its `Issuer` which factors a name guarantees, or demand the issuer's word with \
         `Policy::acr` or `Policy::amr`"
    )]
    NotIndependent {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The requirement of the clause.
        clause: Box<str>,
    },
    /// The policy demands something that the issuer's tokens never state.
    #[error(
        "the tokens of {issuer} never state {clause} for certain; demand something else, or declare \
         with `amr`, `narrow` or `acr` on its `Issuer` which name states it"
    )]
    NeverStated {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The requirement of the clause.
        clause: Box<str>,
    },
    /// The guard requires scopes, and the issuer's accepted tokens have none: those of Stytch's
    /// sessions, and those of an issuer for which the claim `scope` marks another kind of token.
    #[error(
        "the accepted tokens of {issuer} never have scopes; remove `require_scopes`, or accept \
         access tokens of an issuer that grants scopes, as with `oidc::access_tokens`"
    )]
    NoScopes {
        /// The name of the issuer.
        issuer: Box<str>,
    },
    /// The shortest limit leaves no time for a round trip to the issuer, or is close to the unit of
    /// the issuer's times.
    #[error(
        "a limit of {} is too short for {issuer}; choose at least {}", Span(*.limit), Span(*.minimum)
    )]
    ShortLimit {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The limit.
        limit: Duration,
        /// The shortest limit that leaves enough time.
        minimum: Duration,
    },
}
