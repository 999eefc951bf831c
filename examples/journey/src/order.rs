//! A transfer, as it was typed and as the bank understands it.

use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::text;

/// A transfer as a form or a program sent it, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) payee: String,
    pub(crate) account: String,
    pub(crate) amount: String,
    pub(crate) reference: String,
    /// The idempotency key. Sending a form twice makes one transfer.
    pub(crate) form: String,
    /// The id of the intent with which the bank asked for a proof of this transfer. It is empty if the
    /// bank has not.
    pub(crate) intent: String,
}

impl Draft {
    /// Returns the names and values of the fields, except for the intent.
    pub(crate) fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("payee", &self.payee),
            ("account", &self.account),
            ("amount", &self.amount),
            ("reference", &self.reference),
            ("form", &self.form),
        ]
    }
}

/// A transfer that the bank can make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) payee: String,
    pub(crate) account: String,
    pub(crate) amount: Money,
    pub(crate) reference: String,
    pub(crate) form: String,
}

/// The faults of a draft, by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Faults {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The idempotency key is too long. This is not shown, because nobody typed the key of a form.
    #[serde(skip)]
    pub(crate) form: bool,
}

/// The maximum length of an idempotency key, in bytes. Its prefix counts too.
pub(crate) const MAX_FORM: usize = 64;
/// A transfer of more than this needs its own proof.
pub(crate) const OWN_PROOF_ABOVE: Money = Money(100_000);

impl Order {
    pub(crate) fn read(draft: &Draft) -> Result<Self, Faults> {
        let (payee, reference) = (draft.payee.trim(), draft.reference.trim());
        let account: String =
            draft.account.split_whitespace().collect::<String>().to_ascii_uppercase();
        let amount = Money::parse(draft.amount.trim().trim_matches('€').trim());
        let faults = Faults {
            payee: if payee.is_empty() {
                Some("Enter the name of the payee.".into())
            } else {
                text::fault(payee, 70)
            },
            account: account_fault(&account).map(str::to_owned),
            amount: amount.err().map(str::to_owned),
            reference: text::fault(reference, 140),
            form: draft.form.len() > MAX_FORM,
        };
        match amount {
            Ok(amount) if faults == Faults::default() => Ok(Self {
                payee: payee.to_owned(),
                account,
                amount,
                reference: reference.to_owned(),
                form: draft.form.clone(),
            }),
            _ => Err(faults),
        }
    }

    /// Returns whether a proof of the last ten minutes is not enough for this transfer.
    pub(crate) fn needs_own_proof(&self) -> bool {
        self.amount > OWN_PROOF_ABOVE
    }

    /// Returns the names of the details in which this transfer differs from another.
    pub(crate) fn changes_from(&self, other: &Self) -> Vec<&'static str> {
        let details = [
            ("the amount", self.amount != other.amount),
            ("the payee", self.payee != other.payee),
            ("the account number", self.account != other.account),
            ("the reference", self.reference != other.reference),
        ];
        details.into_iter().filter(|it| it.1).map(|it| it.0).collect()
    }
}

/// Returns what is wrong with an account number, for the user.
fn account_fault(account: &str) -> Option<&'static str> {
    if account.is_empty() {
        Some("Enter the account number of the payee.")
    } else if !account.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Some("An account number has only letters from A to Z and digits.")
    } else if !(4..=34).contains(&account.len()) {
        Some("An account number has 4 to 34 letters and digits.")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(account: &str, amount: &str) -> Draft {
        Draft {
            payee: " Ada ".into(),
            account: account.into(),
            amount: amount.into(),
            ..Draft::default()
        }
    }

    #[test]
    fn a_valid_draft_becomes_an_order_and_an_invalid_one_lists_its_faults() {
        let order = Order::read(&draft("de02 1203 0000", " € 12.50")).unwrap();
        assert_eq!(
            (&*order.payee, &*order.account, order.amount),
            ("Ada", "DE0212030000", Money(1_250))
        );
        let faults = Order::read(&draft("a-b", "much")).unwrap_err();
        assert!(faults.account.is_some() && faults.amount.is_some() && faults.payee.is_none());
        let long =
            Draft { payee: "x".repeat(71), reference: "x\n".repeat(3), ..draft("HB0001", "1") };
        let faults = Order::read(&long).unwrap_err();
        assert!(faults.payee.is_some() && faults.reference.is_some() && !faults.form);
        let key = Draft { form: "x".repeat(MAX_FORM + 1), ..draft("HB0001", "1") };
        assert!(Order::read(&key).unwrap_err().form);
    }

    #[test]
    fn a_transfer_over_the_limit_needs_its_own_proof() {
        for (amount, want) in [("1000", false), ("1000.00", false), ("1000.01", true)] {
            let order = Order::read(&draft("HB0001", amount)).unwrap();
            assert_eq!(order.needs_own_proof(), want, "{amount}");
        }
    }

    #[test]
    fn what_has_changed_is_named_whatever_the_spelling() {
        let order = Order::read(&draft("HB0001", "1200")).unwrap();
        for (draft, want) in [
            (draft("hb 0001", "€ 1,200.00"), vec![]),
            (draft("HB0002", "1200.01"), vec!["the amount", "the account number"]),
            (
                Draft { payee: "Ben".into(), reference: "x".into(), ..draft("HB0001", "1200") },
                vec!["the payee", "the reference"],
            ),
        ] {
            assert_eq!(Order::read(&draft).unwrap().changes_from(&order), want);
        }
    }
}
