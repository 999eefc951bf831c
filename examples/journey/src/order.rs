//! A transfer, as it was typed and as the bank understands it.

use serde::{Deserialize, Serialize};

use crate::money::Money;

/// A transfer as a form or a program sent it, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) payee: String,
    pub(crate) account: String,
    pub(crate) amount: String,
    pub(crate) reference: String,
    /// The name of its form. One form makes one transfer, however often it is sent.
    pub(crate) form: String,
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
    pub(crate) payee: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<&'static str>,
    /// Left out of the response, because nobody typed this field.
    #[serde(skip)]
    pub(crate) form: Option<&'static str>,
}

/// The maximum length of a form's name, in bytes. The prefix of an idempotency key counts too.
pub(crate) const MAX_FORM: usize = 64;

impl Order {
    pub(crate) fn read(draft: &Draft) -> Result<Self, Faults> {
        let (payee, reference) = (draft.payee.trim(), draft.reference.trim());
        let account: String =
            draft.account.split_whitespace().collect::<String>().to_ascii_uppercase();
        let amount = Money::parse(draft.amount.trim().trim_start_matches('€').trim());
        let is_text =
            |text: &str, most| text.chars().count() <= most && !text.chars().any(char::is_control);
        let is_form = draft.form.len() <= MAX_FORM;
        let is_account = (4..=34).contains(&account.len())
            && account.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let faults = Faults {
            payee: (payee.is_empty() || !is_text(payee, 70))
                .then_some("Who gets the money? At most 70 characters."),
            account: (!is_account).then_some("An account number has 4 to 34 letters and digits."),
            amount: amount.is_none().then_some("Write the amount like 125 or 125.50."),
            reference: (!is_text(reference, 140))
                .then_some("A reference has at most 140 characters."),
            form: (!is_form).then_some("This form is not from this bank."),
        };
        match amount {
            Some(amount) if faults == Faults::default() => Ok(Self {
                payee: payee.to_owned(),
                account,
                amount,
                reference: reference.to_owned(),
                form: draft.form.clone(),
            }),
            _ => Err(faults),
        }
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
    fn a_draft_becomes_an_order_or_a_list_of_faults() {
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
        assert!(faults.payee.is_some() && faults.reference.is_some());
    }
}
