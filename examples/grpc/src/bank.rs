//! The service behind the guard.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::IntoIter;

use tokio_stream::Iter;
use tonic::{Request, Response, Status};
use tower_step_up::Grant;

use crate::proto::bank_server::Bank;
use crate::proto::{Balance, BalanceRequest, Movement, Receipt, TransferOrder, WatchRequest};

/// The maximum length of a payee's name, in characters.
const MAX_NAME: usize = 140;
/// How many movements the bank keeps. A further one pushes out the oldest.
const MAX_MOVEMENTS: usize = 100;

/// The account of one customer.
#[derive(Debug)]
pub struct Account(Mutex<Ledger>);

#[derive(Debug)]
struct Ledger {
    balance: i64,
    /// The number of the latest movement.
    number: u64,
    latest: VecDeque<Movement>,
}

impl Account {
    /// Opens an account with this many cents.
    #[must_use]
    pub fn with(cents: i64) -> Self {
        let mut ledger = Ledger { balance: 0, number: 0, latest: VecDeque::new() };
        ledger.record("opening balance".to_owned(), cents);
        Self(Mutex::new(ledger))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn record(&mut self, text: String, cents: i64) {
        self.balance += cents;
        self.number += 1;
        if self.latest.len() >= MAX_MOVEMENTS {
            self.latest.pop_front();
        }
        self.latest.push_back(Movement { text, cents });
    }
}

#[tonic::async_trait]
impl Bank for Account {
    async fn get_balance(
        &self,
        request: Request<BalanceRequest>,
    ) -> Result<Response<Balance>, Status> {
        let customer = grant(&request)?.session().user_id().to_owned();
        Ok(Response::new(Balance { customer, cents: self.ledger().balance }))
    }

    async fn transfer(&self, request: Request<TransferOrder>) -> Result<Response<Receipt>, Status> {
        grant(&request)?;
        let TransferOrder { to, cents } = request.into_inner();
        if to.chars().count() > MAX_NAME {
            let message = format!("the payee's name is longer than {MAX_NAME} characters");
            return Err(Status::invalid_argument(message));
        }
        let mut ledger = self.ledger();
        if cents <= 0 || cents > ledger.balance {
            return Err(Status::failed_precondition("the account does not have that amount"));
        }
        ledger.record(format!("to {to}"), -cents);
        Ok(Response::new(Receipt { number: ledger.number, balance: ledger.balance }))
    }

    type WatchStream = Iter<IntoIter<Result<Movement, Status>>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        grant(&request)?;
        let so_far: Vec<_> = self.ledger().latest.iter().cloned().map(Ok).collect();
        Ok(Response::new(tokio_stream::iter(so_far)))
    }
}

/// Returns the guard's grant. It is missing only if the server has no guard.
fn grant<T>(request: &Request<T>) -> Result<&Grant, Status> {
    request.extensions().get().ok_or_else(|| Status::internal("no guard stands in front"))
}
