//! Named policies under one trust model.

use super::error::UnknownPolicy;
use super::tree::excerpt;
use crate::policy::types::Policy;
use crate::trust::TrustModel;

/// Named policies and their trust model, read from a document (feature `documents`).
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::{Factor, Policies, Policy};
///
/// let policies = Policies::from_toml(r#"
///     [policy.account]
///     require = "mfa"
///
///     [policy.transfer]
///     all = ["mfa", { any = ["otp/sms", "totp", "webauthn"], within = "10m" }]
///
///     [policy.admin]
///     all = [{ require = "phishing_resistant", within = "5m" }, { session_within = "12h" }]
///
///     [policy.payout]
///     at_least = 2
///     of = ["password", "otp/sms", "totp"]
///     within = "1h"
/// "#)?;
/// let second = Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn]);
/// let transfer = Policy::all_of([Policy::mfa(), second.within(Duration::from_secs(600))]).named("transfer");
/// assert_eq!(policies.get("transfer")?, &transfer);
///
/// let error = Policies::from_toml("[policy.account]\nall = ['mfa', 'otp/smss']").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "line 2, policy.account.all[1]: unknown factor \"otp/smss\"; the nearest is \"otp/sms\""
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two values are equal if they have the same policies, in any order, and the same trust model.
///
/// # The format
///
/// A document has a table `policy` of named policies, each of which is a *clause*. It may also have
/// a table `trust`. JSON documents have the same members.
///
/// A clause is a string or a table. The strings are the keywords `session`, `mfa` and
/// `phishing_resistant`, the names of the [factors](crate::Factor), and `acr:VALUE` and `amr:NAME` for
/// the [word of an issuer](crate::Policy::acr). A table has one operator. It may also have a `within`, which limits the whole clause.
///
/// | operator | meaning |
/// | --- | --- |
/// | `require = clause` | the clause itself |
/// | `all = [clauses]` | [`all_of`](Policy::all_of) |
/// | `any = [clauses]` | [`any_of`](Policy::any_of) |
/// | `at_least = k`, `of = [clauses]` | [`at_least`](Policy::at_least) |
/// | `independent = n` | [`independent`](Policy::independent) |
/// | `session_within = "12h"` | [`session_within`](Policy::session_within) |
/// | `policy = "account"` | the policy of that name in this document |
/// | `within = "10m"`, with any operator | [`within`](Policy::within) |
///
/// A duration is a positive integer followed by `s`, `m`, `h` or `d`.
///
/// The table `trust` replaces or extends rows of the default [`TrustModel`]. The resulting model
/// applies to every policy of the document, as with
/// [`with_trust_model`](Policy::with_trust_model). It decides whether `mfa` and `independent` hold,
/// and which factors attackers can present in audits.
///
/// ```toml
/// [trust]
/// password = ["password", "phone_number"] # only with these: users reset passwords by SMS
/// "otp/sms" = { also = ["device"] }       # with these too: the handset may be unlocked
/// webauthn = "anyone"                     # anyone can present it: it does not count for `mfa`
/// ```
///
/// Parsing is strict. Each of these is an error that states the line and, if there is one, the key:
///
/// - an unknown key, factor, compromise or policy,
/// - a duplicate name, in JSON too,
/// - a policy with the name of a keyword or of a factor,
/// - a table with no operator, or with two,
/// - an empty list,
/// - an invalid duration,
/// - a policy that refers to itself,
/// - no policy at all.
///
/// A document is at most 64 KiB long. A policy, including everything that it refers to, has at most
/// 256 clauses, 64 clauses in one list, and 32 levels.
///
/// # In an application's own configuration
///
/// `Policies` also implements [`Deserialize`](serde::Deserialize), for any self-describing format.
/// The rules are the same, except that the length is not limited. An error has a line only if the
/// format adds one.
///
/// ```
/// use serde::Deserialize;
/// use tower_step_up::{Policies, Policy};
///
/// #[derive(Deserialize)]
/// struct Config {
///     port: u16,
///     policies: Policies,
/// }
///
/// let config: Config = toml::from_str(
///     r#"
///     port = 8080
///     policies.policy.account = "mfa"
/// "#,
/// )?;
/// assert_eq!(config.policies.get("account")?, &Policy::mfa().named("account"));
/// # assert_eq!(config.port, 8080);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policies {
    /// The policies. Each has a name, and no two have the same.
    pub(super) policies: Vec<Policy>,
    pub(super) trust: TrustModel,
}

impl Policies {
    /// Sets the [trust model](Policy::with_trust_model) of every policy.
    #[must_use]
    pub fn with_trust_model(self, trust: &TrustModel) -> Self {
        let policies =
            self.policies.into_iter().map(|policy| policy.with_trust_model(trust)).collect();
        Self { policies, trust: trust.clone() }
    }

    /// Returns the policy with this name.
    ///
    /// # Errors
    ///
    /// Returns [`UnknownPolicy`] if the document has no such policy.
    pub fn get(&self, name: &str) -> Result<&Policy, UnknownPolicy> {
        let named = |policy: &&Policy| policy.name() == Some(name);
        self.iter().find(named).ok_or_else(|| UnknownPolicy {
            name: excerpt(name),
            known: self.iter().filter_map(Policy::name).map(Into::into).collect(),
        })
    }

    /// Returns the policies, in the order of the document.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Policy> {
        self.policies.iter()
    }

    /// Returns the trust model of the policies.
    #[must_use]
    pub fn trust(&self) -> &TrustModel {
        &self.trust
    }
}

impl PartialEq for Policies {
    fn eq(&self, other: &Self) -> bool {
        let same =
            |policy: &Policy| policy.name().is_some_and(|name| other.get(name) == Ok(policy));
        self.policies.len() == other.policies.len()
            && self.trust == other.trust
            && self.iter().all(same)
    }
}

impl Eq for Policies {}

impl<'a> IntoIterator for &'a Policies {
    type Item = &'a Policy;
    type IntoIter = std::slice::Iter<'a, Policy>;

    fn into_iter(self) -> Self::IntoIter {
        self.policies.iter()
    }
}
