//! The bank's books, in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::money::Money;
use crate::order::{Faults, Order};

/// The maximum number of accounts.
const MAX_ACCOUNTS: usize = 10_000;
/// The maximum number of transfers in each list of an account.
const MAX_TRANSFERS: usize = 50;
/// The account numbers of this bank begin with it.
const PREFIX: &str = "HB41";
/// The balance of a new account.
const WELCOME: Money = Money(250_000);

#[derive(Default)]
pub(crate) struct Books {
    ledger: Mutex<Ledger>,
    forms: AtomicU64,
}

#[derive(Default)]
struct Ledger {
    /// By user id. A closed account stays, so that its user gets no second one.
    accounts: HashMap<String, Entry>,
    /// The user ids by account number, in the order in which the accounts were opened.
    holders: Vec<String>,
}

enum Entry {
    Open(Account),
    Closed(Closing),
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) number: String,
    pub(crate) balance: Money,
    /// Newest first.
    pub(crate) transfers: Vec<Transfer>,
    /// Newest first. This is a list apart, because anyone can send money, and the transfers hold
    /// the idempotency keys.
    pub(crate) received: Vec<Receipt>,
}

/// A closed account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) number: String,
    pub(crate) at: OffsetDateTime,
}

#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) number: usize,
    pub(crate) order: Order,
    pub(crate) at: OffsetDateTime,
}

/// Money that another account of this bank sent.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    /// The number of the account that sent it.
    pub(crate) from: String,
    pub(crate) amount: Money,
    pub(crate) reference: String,
    pub(crate) at: OffsetDateTime,
}

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

/// The effect of a transfer that the books do not refuse.
enum Check {
    /// Nothing: this transfer was made before, with the same idempotency key.
    Made(Transfer),
    /// Leave this balance.
    Leaves(Money),
}

impl Account {
    /// Returns the transfer that was made with the idempotency key of this one.
    fn made(&self, order: &Order) -> Result<Option<Transfer>, Refusal> {
        let same = |done: &&Transfer| !order.form.is_empty() && done.order.form == order.form;
        match self.transfers.iter().find(same) {
            Some(done) if done.order != *order => Err(Refusal::OtherOrder),
            done => Ok(done.cloned()),
        }
    }
}

impl Ledger {
    /// Returns the user's account. Opens one if the user has never had any.
    fn account(&mut self, user_id: &str) -> Result<&mut Account, Refusal> {
        if self.accounts.len() >= MAX_ACCOUNTS && !self.accounts.contains_key(user_id) {
            return Err(Refusal::Full);
        }
        let entry = self.accounts.entry(user_id.to_owned()).or_insert_with(|| {
            self.holders.push(user_id.to_owned());
            let number = format!("{PREFIX} {:08}", self.holders.len());
            let (transfers, received) = Default::default();
            Entry::Open(Account { number, balance: WELCOME, transfers, received })
        });
        match entry {
            Entry::Open(account) => Ok(account),
            Entry::Closed(closing) => Err(Refusal::Closed(closing.clone())),
        }
    }

    /// Returns the user whose account gets the money, or `None` if it is at another bank.
    fn payee(&self, user_id: &str, order: &Order) -> Result<Option<String>, Refusal> {
        let Some(digits) = order.account.strip_prefix(PREFIX) else { return Ok(None) };
        let index = if digits.len() == 8 { digits.parse().ok() } else { None };
        let index = index.and_then(|number: usize| number.checked_sub(1));
        let holder = index.and_then(|index| self.holders.get(index));
        let holder = holder.ok_or(Refusal::UnknownAccount)?;
        match self.accounts.get(holder) {
            Some(Entry::Open(_)) if holder == user_id => Err(Refusal::OwnAccount),
            Some(Entry::Open(_)) => Ok(Some(holder.clone())),
            Some(Entry::Closed(_)) | None => Err(Refusal::UnknownAccount),
        }
    }

    /// Returns the effect of a transfer, without making it.
    fn check(&mut self, user_id: &str, order: &Order) -> Result<Check, Refusal> {
        let account = self.account(user_id)?;
        let (made, balance) = (account.made(order)?, account.balance);
        if let Some(made) = made {
            return Ok(Check::Made(made));
        }
        self.payee(user_id, order)?;
        balance.checked_sub(order.amount).map(Check::Leaves).ok_or(Refusal::NotEnough(balance))
    }
}

impl Books {
    /// Returns an idempotency key for a form, so that a form that is sent twice makes one transfer.
    pub(crate) fn new_form(&self) -> String {
        format!("form-{}", self.forms.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the user's account. Opens one if the user has never had any.
    pub(crate) fn account(&self, user_id: &str) -> Result<Account, Refusal> {
        self.lock().account(user_id).cloned()
    }

    /// Makes a transfer, once for each idempotency key. Money for an account of this bank arrives at
    /// once.
    pub(crate) fn transfer(
        &self,
        user_id: &str,
        order: Order,
        at: OffsetDateTime,
    ) -> Result<Transfer, Refusal> {
        let mut ledger = self.lock();
        let balance = match ledger.check(user_id, &order)? {
            Check::Made(earlier) => return Ok(earlier),
            Check::Leaves(balance) => balance,
        };
        let payee = ledger.payee(user_id, &order)?;
        let account = ledger.account(user_id)?;
        account.balance = balance;
        let number = account.transfers.first().map_or(1, |latest| latest.number + 1);
        let transfer = Transfer { number, order, at };
        account.transfers.insert(0, transfer.clone());
        account.transfers.truncate(MAX_TRANSFERS);
        let from = account.number.clone();
        if let Some(payee) = payee {
            let Order { amount, reference, .. } = transfer.order.clone();
            let account = ledger.account(&payee)?;
            account.balance = account.balance.saturating_add(amount);
            account.received.insert(0, Receipt { from, amount, reference, at });
            account.received.truncate(MAX_TRANSFERS);
        }
        // The amount, the payee and the reference stay out of the log.
        tracing::info!(user_id, number, "transferred");
        Ok(transfer)
    }

    /// Returns the transfer that was made with the idempotency key of this one, or `None` if this one
    /// can be made.
    pub(crate) fn check(&self, user_id: &str, order: &Order) -> Result<Option<Transfer>, Refusal> {
        Ok(match self.lock().check(user_id, order)? {
            Check::Made(earlier) => Some(earlier),
            Check::Leaves(_) => None,
        })
    }

    /// Closes the user's account, and forgets its history.
    pub(crate) fn close(&self, user_id: &str, at: OffsetDateTime) -> Result<Closing, Refusal> {
        let mut ledger = self.lock();
        let number = ledger.account(user_id)?.number.clone();
        let closing = Closing { number, at };
        ledger.accounts.insert(user_id.to_owned(), Entry::Closed(closing.clone()));
        tracing::info!(user_id, "closed the account");
        Ok(closing)
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Draft;

    fn order(amount: &str, form: &str) -> Order {
        order_to("DE0001", amount, form)
    }

    fn order_to(account: &str, amount: &str, form: &str) -> Order {
        let draft = Draft {
            payee: "Ada".into(),
            account: account.into(),
            amount: amount.into(),
            form: form.into(),
            ..Draft::default()
        };
        Order::read(&draft).unwrap()
    }

    #[test]
    fn a_form_makes_one_transfer_and_the_balance_cannot_be_exceeded() {
        let (books, at) = (Books::default(), OffsetDateTime::UNIX_EPOCH);
        let form = books.new_form();
        assert_ne!(form, books.new_form());
        for _ in 0..2 {
            assert_eq!(books.transfer("ada", order("1000", &form), at).unwrap().number, 1);
        }
        assert_eq!(books.transfer("ada", order("1", &form), at).unwrap_err(), Refusal::OtherOrder);
        assert_eq!(books.account("ada").unwrap().balance, Money(150_000));
        assert_eq!(
            books.transfer("ada", order("1500.01", "b"), at).unwrap_err(),
            Refusal::NotEnough(Money(150_000))
        );
        assert_eq!(books.transfer("ada", order("1500", "b"), at).unwrap().number, 2);
        assert_eq!(books.account("ada").unwrap().balance, Money(0));
        // A check changes nothing.
        let number = |order| books.check("ada", &order).map(|made| made.map(|made| made.number));
        assert_eq!(number(order("1500", "b")), Ok(Some(2)));
        assert_eq!(number(order("1", "b")), Err(Refusal::OtherOrder));
        assert_eq!(number(order("1", "c")), Err(Refusal::NotEnough(Money(0))));
        assert!(books.check("ben", &order("1", "c")).unwrap().is_none());
        assert_eq!(books.account("ben").unwrap().balance, WELCOME);
        // A closed account stays closed.
        let closing = books.close("ada", at).unwrap();
        let closed = Refusal::Closed(closing);
        assert_eq!(books.account("ada").unwrap_err(), closed);
        assert_eq!(books.transfer("ada", order("1", "d"), at).unwrap_err(), closed);
        assert_eq!(books.close("ada", at).unwrap_err(), closed);
    }
    #[test]
    fn money_for_an_account_of_this_bank_arrives_there_once() {
        let (books, at) = (Books::default(), OffsetDateTime::UNIX_EPOCH);
        let number = |user| books.account(user).unwrap().number;
        let (ada, ben) = (number("ada"), number("ben"));
        for _ in 0..2 {
            books.transfer("ada", order_to(&ben, "100", "a"), at).unwrap();
        }
        let account = books.account("ben").unwrap();
        assert_eq!(account.balance, Money(260_000));
        assert_eq!((account.transfers.len(), account.received.len()), (0, 1));
        assert_eq!((&account.received[0].from, account.received[0].amount), (&ada, Money(10_000)));
        assert_eq!(books.account("ada").unwrap().balance, Money(240_000));
        // Receiving money pushes out no idempotency key.
        for form in 0..MAX_TRANSFERS + 1 {
            books.transfer("ben", order_to(&ada, "1", &form.to_string()), at).unwrap();
        }
        assert_eq!(books.transfer("ada", order_to(&ben, "100", "a"), at).unwrap().number, 1);

        let refusal = |to: &str| books.check("ada", &order_to(to, "1", "b")).unwrap_err();
        assert_eq!(refusal(&ada), Refusal::OwnAccount);
        for unknown in ["HB41 00000003", "HB41 00000000", "HB41", "HB412", "HB41 000000002"] {
            assert_eq!(refusal(unknown), Refusal::UnknownAccount, "{unknown}");
        }
        books.close("ben", at).unwrap();
        assert_eq!(refusal(&ben), Refusal::UnknownAccount);
        // A transfer that was made stays made.
        assert_eq!(books.transfer("ada", order_to(&ben, "100", "a"), at).unwrap().number, 1);
    }
}
