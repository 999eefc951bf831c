//! The table of which compromises let an attacker present which factors.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compromise::Compromise;
use super::set::Compromises;
use super::table;
use crate::factor::Factor;

/// A table of which compromises let an attacker present which factors. A [`Compromise`] is one
/// thing that an attacker takes over, such as the mailbox. [`Policy::mfa`](crate::Policy::mfa)
/// depends on the table.
///
/// [The guide](crate::guide::factors) shows the default table and its limits.
///
/// ```
/// use tower_step_up::{Compromise, Factor, TrustModel};
///
/// let trust = TrustModel::default();
/// let password: Vec<_> = trust.presentable_by(&Factor::Password).expect("not anyone").collect();
/// assert!(password.contains(&Compromise::Mailbox)); // an attacker resets the password by email
/// assert!(trust.presentable_by(&Factor::Impersonated).is_none()); // anyone can present it
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustModel {
    /// The rows that differ from the default table.
    changed: Arc<BTreeMap<Factor, Compromises>>,
}

impl TrustModel {
    /// Returns the compromises, each of which alone lets an attacker present `factor`. Returns
    /// `None` if anyone can present it.
    #[must_use]
    pub fn presentable_by(
        &self,
        factor: &Factor,
    ) -> Option<impl Iterator<Item = Compromise> + use<>> {
        let row = self.row(factor);
        (!row.is_anyone()).then(|| row.members())
    }

    /// Returns the compromises, each of which alone lets an attacker present all of these factors.
    /// If there are any, these factors together do not meet [`mfa`](crate::Policy::mfa).
    ///
    /// Factors that anyone can present are ignored. If there are no others, this returns every
    /// compromise.
    ///
    /// ```
    /// use tower_step_up::{Compromise, Factor, TrustModel};
    ///
    /// let trust = TrustModel::default();
    /// let shared = trust.shared_by([&Factor::Password, &Factor::OtpEmail]);
    /// assert_eq!(shared, [Compromise::Mailbox, Compromise::IdentityProvider]);
    /// assert!(trust.shared_by([&Factor::Password, &Factor::OtpSms]).is_empty());
    /// ```
    #[must_use]
    pub fn shared_by<'a>(&self, factors: impl IntoIterator<Item = &'a Factor>) -> Vec<Compromise> {
        let rows: Vec<_> = factors.into_iter().map(|factor| self.row(factor)).collect();
        let presents_all = |one: &Compromise| {
            rows.iter().all(|row| row.is_presentable_by(Compromises::of(&[*one])))
        };
        Compromise::ALL.into_iter().filter(presents_all).collect()
    }

    /// Lets an attacker present `factor` with any of these compromises, *instead of* those in its
    /// row.
    ///
    /// # Panics
    ///
    /// Panics if there are no compromises. No attacker could then present the factor, so it would
    /// count as independent of everything. Also panics if `factor` is an
    /// [`Assertion`](crate::factor::Assertion), which is not a factor.
    #[must_use]
    #[track_caller]
    pub fn presentable_only_by(
        self,
        factor: Factor,
        compromises: impl IntoIterator<Item = Compromise>,
    ) -> Self {
        let row = Compromises::from_iter(compromises);
        assert!(
            !row.is_empty(),
            "TrustModel::presentable_only_by: at least one compromise must let an attacker \
             present {factor}"
        );
        assert!(
            !factor.is_assertion(),
            "TrustModel::presentable_only_by: {factor} is the issuer's word, not a factor"
        );
        self.with(factor, row)
    }

    /// Lets an attacker present `factor` with any of these compromises, *as well as* those in its
    /// row. A factor that anyone can present stays presentable by anyone.
    #[must_use]
    pub fn presentable_also_by(
        self,
        factor: Factor,
        compromises: impl IntoIterator<Item = Compromise>,
    ) -> Self {
        let row = self.row(&factor).union(Compromises::from_iter(compromises));
        self.with(factor, row)
    }

    /// Lets anyone present `factor`, so that it does not count for [`mfa`](crate::Policy::mfa).
    #[must_use]
    pub fn presentable_by_anyone(self, factor: Factor) -> Self {
        self.with(factor, Compromises::ANYONE)
    }

    /// Lets an attacker with the device also present codes by SMS, WhatsApp and call. These codes
    /// arrive on the handset that has the authenticator app and the passkeys, and it may be
    /// unlocked.
    #[must_use]
    pub fn unlocked_handset(self) -> Self {
        let device = [Compromise::Device];
        self.presentable_also_by(Factor::OtpSms, device)
            .presentable_also_by(Factor::OtpWhatsapp, device)
            .presentable_also_by(Factor::OtpCall, device)
    }

    /// Returns the compromises that let an attacker present `factor`.
    #[inline]
    pub(crate) fn row(&self, factor: &Factor) -> Compromises {
        let changed = if self.changed.is_empty() { None } else { self.changed.get(factor) };
        changed.copied().unwrap_or_else(|| table::row(factor))
    }

    /// Merges two models: a compromise lets an attacker present a factor if it does in either.
    #[must_use]
    pub(crate) fn merged(self, other: &Self) -> Self {
        let changed: Vec<_> = self.changed.keys().chain(other.changed.keys()).cloned().collect();
        changed.into_iter().fold(self, |merged, factor| {
            let row = merged.row(&factor).union(other.row(&factor));
            merged.with(factor, row)
        })
    }

    /// Returns the factors whose rows differ from the default table.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &Factor> {
        self.changed.keys()
    }

    /// Sets the row of a factor. A row that equals the default one is not stored, so that models
    /// with the same rows compare equal.
    fn with(mut self, factor: Factor, row: Compromises) -> Self {
        let row = if row.is_anyone() { Compromises::ANYONE } else { row };
        let changed = Arc::make_mut(&mut self.changed);
        if row == table::row(&factor) {
            changed.remove(&factor);
        } else {
            changed.insert(factor, row);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_can_be_replaced_extended_or_opened_to_anyone() {
        let row = |trust: &TrustModel, factor| {
            trust.presentable_by(&factor).map(Iterator::collect::<Vec<_>>)
        };
        let trust = TrustModel::default()
            .presentable_only_by(Factor::Password, [Compromise::PhoneNumber])
            .presentable_also_by(Factor::OtpSms, [Compromise::Device])
            .presentable_by_anyone(Factor::Totp)
            .presentable_also_by(Factor::Totp, [Compromise::Wallet]);
        assert_eq!(row(&trust, Factor::Password), Some(vec![Compromise::PhoneNumber]));
        assert_eq!(
            row(&trust, Factor::OtpSms),
            Some(vec![Compromise::PhoneNumber, Compromise::Device])
        );
        assert_eq!(row(&trust, Factor::Totp), None);
        assert_eq!(row(&trust, Factor::WebAuthn), Some(vec![Compromise::Device]));
    }

    #[test]
    fn factors_share_the_compromises_that_present_each_of_them() {
        let trust = TrustModel::default();
        let shared = |factors: &[Factor]| trust.shared_by(factors);
        assert_eq!(shared(&[Factor::Totp, Factor::WebAuthn]), [Compromise::Device]);
        assert_eq!(shared(&[Factor::Password, Factor::OtpEmail, Factor::OtpSms]), []);
        assert_eq!(shared(&[Factor::OtpSms, Factor::Impersonated]), [Compromise::PhoneNumber]);
        assert_eq!(shared(&[Factor::Impersonated]), Compromise::ALL);
        assert_eq!(shared(&[]), Compromise::ALL);
    }

    #[test]
    fn an_unlisted_pair_can_be_trusted_by_name() {
        let own = Factor::from_pair("trusted_auth_token", "card_reader");
        let trust = TrustModel::default().presentable_only_by(own.clone(), [Compromise::Device]);
        assert!(trust.presentable_by(&own).is_some());
        assert!(trust.presentable_by(&Factor::TrustedAuthToken).is_none());
    }

    #[test]
    fn setting_a_row_to_its_default_changes_nothing() {
        let device = [Compromise::Device];
        assert_eq!(
            TrustModel::default().presentable_only_by(Factor::WebAuthn, device),
            TrustModel::default()
        );
        let back = TrustModel::default().presentable_by_anyone(Factor::WebAuthn);
        assert_eq!(back.presentable_only_by(Factor::WebAuthn, device), TrustModel::default());
        let anyones = TrustModel::default().presentable_also_by(Factor::Impersonated, device);
        assert_eq!(anyones, TrustModel::default());
    }

    #[test]
    #[should_panic(expected = "acr:gold is the issuer's word, not a factor")]
    fn an_assertion_gets_no_row() {
        let gold = Factor::Asserted(crate::factor::Assertion::acr("gold"));
        let _ = TrustModel::default().presentable_only_by(gold, [Compromise::Device]);
    }

    #[test]
    #[should_panic(expected = "at least one compromise must let an attacker present totp")]
    fn an_empty_row_is_refused() {
        let _ = TrustModel::default().presentable_only_by(Factor::Totp, []);
    }
}
