//! Policies as values: trees of clauses.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::extent::Extent;
use super::name::is_name;
use crate::factor::Factor;
use crate::trust::TrustModel;

/// A route's requirements for a session. Cheap to clone. The [module](crate::policy) defines
/// exactly what each clause means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(pub(super) Arc<Node>);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: Option<Box<str>>,
    /// The trust model that was set for the whole policy, unless it is the default one.
    pub(super) trust: Option<TrustModel>,
    pub(super) extent: Extent,
    pub(super) clause: Clause,
}

/// The outermost clause of a policy, with the policies inside it. [`Policy::clause`] returns it.
/// Use it to describe policies to your users. The [module](crate::policy) defines when each clause
/// holds.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::policy::Clause;
/// use tower_step_up::{Factor, Policy};
///
/// fn in_words(policy: &Policy) -> String {
///     match policy.clause() {
///         Clause::Factor(Factor::OtpSms) => "a code by SMS".into(),
///         Clause::Within(max_age, inner) => {
///             format!("{}, at most {} s old", in_words(inner), max_age.as_secs())
///         }
///         _ => policy.to_string(),
///     }
/// }
///
/// let policy = Policy::from(Factor::OtpSms).within(Duration::from_secs(600));
/// assert_eq!(in_words(&policy), "a code by SMS, at most 600 s old");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clause {
    /// Any proof: [`Policy::session`].
    Session,
    /// This factor, or this assertion of the issuer: [`Policy::factor`], [`Policy::acr`],
    /// [`Policy::amr`].
    Factor(Factor),
    /// A factor that is cryptographically bound to the origin: [`Policy::phishing_resistant`].
    PhishingResistant,
    /// Factors that an attacker can all present only with at least `needed`
    /// [compromises](crate::Compromise): [`Policy::mfa`], [`Policy::independent`].
    Independent {
        /// The number of compromises that an attacker must need.
        needed: usize,
        /// The trust model that decides which factors are independent.
        trust: TrustModel,
    },
    /// A session that began at most this long ago: [`Policy::session_within`].
    SessionWithin(Duration),
    /// All of these policies: [`Policy::all_of`].
    AllOf(Vec<Policy>),
    /// At least one of these policies: [`Policy::any_of`].
    AnyOf(Vec<Policy>),
    /// At least so many of these policies: [`Policy::at_least`].
    AtLeast(usize, Vec<Policy>),
    /// This policy, on proofs that are at most so old: [`Policy::within`]. The limit applies to
    /// every clause inside. If several limits apply to a clause, the tightest counts.
    Within(Duration, Policy),
}

impl Policy {
    /// Names the policy. Logs, redirects and the `policy` member of a refusal's body show the name
    /// of the outermost policy. [Explanations](Self::explain) and the alternate
    /// [`Display`](std::fmt::Display) (`{:#}`) also show the names of the policies inside it.
    ///
    /// # Panics
    ///
    /// Panics if the name does not match `[a-z][a-z0-9_.-]{0,63}`.
    #[must_use]
    #[track_caller]
    pub fn named(self, name: &str) -> Self {
        assert!(is_name(name), "the policy name {name:?} does not match [a-z][a-z0-9_.-]{{0,63}}");
        let Node { trust, extent, clause, .. } = &*self.0;
        Self(Arc::new(Node {
            name: Some(name.into()),
            trust: trust.clone(),
            extent: *extent,
            clause: clause.clone(),
        }))
    }

    /// Returns the policy's name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Returns whether both are clones of one policy. Equal policies that were built separately are
    /// not.
    pub(in crate::policy) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the policy's outermost clause.
    #[must_use]
    pub fn clause(&self) -> &Clause {
        &self.0.clause
    }

    pub(in crate::policy) fn extent(&self) -> Extent {
        self.0.extent
    }

    /// Returns a policy without checking its size. Use it for parts of an existing policy, which
    /// cannot be larger than the whole.
    pub(in crate::policy) fn unbounded(clause: Clause) -> Self {
        let extent = Extent::around(clause.clauses().iter().map(Self::extent));
        Self(Arc::new(Node { name: None, trust: None, extent, clause }))
    }
}

impl Clause {
    /// Returns the clauses directly inside this one.
    pub(super) fn clauses(&self) -> &[Policy] {
        match self {
            Self::AllOf(clauses) | Self::AnyOf(clauses) | Self::AtLeast(_, clauses) => clauses,
            Self::Within(_, inner) => slice::from_ref(inner),
            _ => &[],
        }
    }
}
