//! The accounts, and the rules for transfers between them.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::money::Money;
use crate::order::Order;
use crate::refusal::Refusal;

/// The maximum number of accounts.
const MAX_ACCOUNTS: usize = 10_000;
/// The maximum number of transfers in each list of an account.
pub(crate) const MAX_TRANSFERS: usize = 50;
/// The account numbers of this bank begin with it.
const PREFIX: &str = "HB41";
/// The balance of a new account.
pub(crate) const WELCOME: Money = Money(250_000);

/// All accounts.
#[derive(Default)]
pub(crate) struct Ledger {
    /// By user id. A closed account stays, so that its user gets no second one.
    pub(crate) accounts: HashMap<String, Entry>,
    /// The user ids by account number, in the order in which the accounts were opened.
    holders: Vec<String>,
}

pub(crate) enum Entry {
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

/// The effect of a transfer that the books do not refuse.
pub(crate) enum Check {
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
    pub(crate) fn account(&mut self, user_id: &str) -> Result<&mut Account, Refusal> {
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
    pub(crate) fn payee(&self, user_id: &str, order: &Order) -> Result<Option<String>, Refusal> {
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
    pub(crate) fn check(&mut self, user_id: &str, order: &Order) -> Result<Check, Refusal> {
        let account = self.account(user_id)?;
        let (made, balance) = (account.made(order)?, account.balance);
        if let Some(made) = made {
            return Ok(Check::Made(made));
        }
        self.payee(user_id, order)?;
        balance.checked_sub(order.amount).map(Check::Leaves).ok_or(Refusal::NotEnough(balance))
    }
}
