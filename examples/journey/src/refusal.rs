//! The reasons why the bank refuses a request.

use crate::ledger::Closing;
use crate::money::Money;
use crate::order::Faults;

/// The reason why the bank refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The account has only this much.
    NotEnough(Money),
    /// The account number is one of this bank's, but no open account has it.
    UnknownAccount,
    /// The money would go to the account that it comes from.
    OwnAccount,
    /// The bank accepts no new customers.
    Full,
    /// The user has closed the account.
    Closed(Closing),
    /// The form's idempotency key was already used for a different transfer.
    OtherOrder,
}

impl Refusal {
    /// Returns the text for the pages.
    pub(crate) fn text(&self) -> String {
        let text = match self {
            Self::NotEnough(balance) => {
                return format!("This is more than your account has: {balance}.");
            }
            Self::UnknownAccount => "Harbour Bank has no account with this number. Check it.",
            Self::OwnAccount => "This is your own account. Enter the account of someone else.",
            Self::Full => "The bank is not accepting new customers at the moment.",
            Self::Closed(_) => "Your account is closed.",
            Self::OtherOrder => {
                "You have already used this form for a different transfer. To make this one as well, send it again."
            }
        };
        text.to_owned()
    }

    /// Returns the refusal as the fault of a field, if it is about one.
    pub(crate) fn fault(&self) -> Option<Faults> {
        let (text, none) = (Some(self.text()), Faults::default());
        match self {
            Self::NotEnough(_) => Some(Faults { amount: text, ..none }),
            Self::UnknownAccount | Self::OwnAccount => Some(Faults { account: text, ..none }),
            Self::Full | Self::Closed(_) | Self::OtherOrder => None,
        }
    }
}
