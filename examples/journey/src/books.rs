//! The bank's books, in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::ledger::{Account, Check, Closing, Entry, Ledger, MAX_TRANSFERS, Receipt, Transfer};
use crate::order::Order;
use crate::refusal::Refusal;

#[derive(Default)]
pub(crate) struct Books {
    ledger: Mutex<Ledger>,
    forms: AtomicU64,
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
    use crate::ledger::WELCOME;
    use crate::money::Money;
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
