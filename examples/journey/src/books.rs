//! The bank's books, in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::money::Money;
use crate::order::Order;

/// The maximum number of accounts.
const MAX_ACCOUNTS: usize = 10_000;
const MAX_TRANSFERS: usize = 50;
/// The balance of a new account.
const WELCOME: Money = Money(250_000);

#[derive(Default)]
pub(crate) struct Books {
    /// By user id. A closed account stays, so that its user gets no second one.
    accounts: Mutex<HashMap<String, Entry>>,
    forms: AtomicU64,
    opened: AtomicU64,
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

/// The reason why the bank refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotEnough,
    /// The bank accepts no new customers.
    Full,
    /// The user has closed the account.
    Closed(Closing),
    /// The form's idempotency key was already used for a different transfer.
    OtherOrder,
}

impl Refusal {
    /// Returns the text for the pages.
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Self::NotEnough => "The account does not have enough money.",
            Self::Full => "The bank is not accepting new customers at the moment.",
            Self::Closed(_) => "Your account is closed.",
            Self::OtherOrder => {
                "You have already used this form for a different transfer. To make this one as well, send it again."
            }
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
    fn check(&self, order: &Order) -> Result<Check, Refusal> {
        let same = |done: &&Transfer| !order.form.is_empty() && done.order.form == order.form;
        match self.transfers.iter().find(same) {
            Some(done) if done.order == *order => Ok(Check::Made(done.clone())),
            Some(_) => Err(Refusal::OtherOrder),
            None => {
                self.balance.checked_sub(order.amount).map(Check::Leaves).ok_or(Refusal::NotEnough)
            }
        }
    }
}

impl Books {
    /// Returns an idempotency key for a form, so that a form that is sent twice makes one transfer.
    pub(crate) fn new_form(&self) -> String {
        format!("form-{}", self.forms.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the user's account. Opens one if the user has never had any.
    pub(crate) fn account(&self, user_id: &str) -> Result<Account, Refusal> {
        self.open(&mut self.lock(), user_id).cloned()
    }

    /// Makes a transfer, once for each idempotency key.
    pub(crate) fn transfer(
        &self,
        user_id: &str,
        order: Order,
        at: OffsetDateTime,
    ) -> Result<Transfer, Refusal> {
        let mut accounts = self.lock();
        let account = self.open(&mut accounts, user_id)?;
        account.balance = match account.check(&order)? {
            Check::Made(earlier) => return Ok(earlier),
            Check::Leaves(balance) => balance,
        };
        let number = account.transfers.first().map_or(1, |latest| latest.number + 1);
        let transfer = Transfer { number, order, at };
        account.transfers.insert(0, transfer.clone());
        account.transfers.truncate(MAX_TRANSFERS);
        // The amount, the payee and the reference stay out of the log.
        tracing::info!(user_id, number, "transferred");
        Ok(transfer)
    }

    /// Returns the transfer that was made with the idempotency key of this one, or `None` if this one
    /// can be made.
    pub(crate) fn check(&self, user_id: &str, order: &Order) -> Result<Option<Transfer>, Refusal> {
        let mut accounts = self.lock();
        Ok(match self.open(&mut accounts, user_id)?.check(order)? {
            Check::Made(earlier) => Some(earlier),
            Check::Leaves(_) => None,
        })
    }

    /// Closes the user's account, and forgets its history.
    pub(crate) fn close(&self, user_id: &str, at: OffsetDateTime) -> Result<Closing, Refusal> {
        let mut accounts = self.lock();
        let number = self.open(&mut accounts, user_id)?.number.clone();
        let closing = Closing { number, at };
        accounts.insert(user_id.to_owned(), Entry::Closed(closing.clone()));
        tracing::info!(user_id, "closed the account");
        Ok(closing)
    }

    fn open<'a>(
        &self,
        accounts: &'a mut HashMap<String, Entry>,
        user_id: &str,
    ) -> Result<&'a mut Account, Refusal> {
        if accounts.len() >= MAX_ACCOUNTS && !accounts.contains_key(user_id) {
            return Err(Refusal::Full);
        }
        let entry = accounts.entry(user_id.to_owned()).or_insert_with(|| {
            let number = format!("HB41 {:08}", self.opened.fetch_add(1, Ordering::Relaxed) + 1);
            Entry::Open(Account { number, balance: WELCOME, transfers: Vec::new() })
        });
        match entry {
            Entry::Open(account) => Ok(account),
            Entry::Closed(closing) => Err(Refusal::Closed(closing.clone())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Draft;

    fn order(amount: &str, form: &str) -> Order {
        let draft = Draft {
            payee: "Ada".into(),
            account: "HB0001".into(),
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
            Refusal::NotEnough
        );
        assert_eq!(books.transfer("ada", order("1500", "b"), at).unwrap().number, 2);
        assert_eq!(books.account("ada").unwrap().balance, Money(0));
        // A check changes nothing.
        let number = |order| books.check("ada", &order).map(|made| made.map(|made| made.number));
        assert_eq!(number(order("1500", "b")), Ok(Some(2)));
        assert_eq!(number(order("1", "b")), Err(Refusal::OtherOrder));
        assert_eq!(number(order("1", "c")), Err(Refusal::NotEnough));
        assert!(books.check("ben", &order("1", "c")).unwrap().is_none());
        assert_eq!(books.account("ben").unwrap().balance, WELCOME);
        // A closed account stays closed.
        let closing = books.close("ada", at).unwrap();
        let closed = Refusal::Closed(closing);
        assert_eq!(books.account("ada").unwrap_err(), closed);
        assert_eq!(books.transfer("ada", order("1", "d"), at).unwrap_err(), closed);
        assert_eq!(books.close("ada", at).unwrap_err(), closed);
    }
}
