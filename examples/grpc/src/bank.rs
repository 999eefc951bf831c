//! The service behind the guard.

use std::sync::{Mutex, PoisonError};

use tokio_stream::Iter;
use tonic::{Request, Response, Status};
use tower_step_up::Grant;

use crate::proto::bank_server::Bank;
use crate::proto::{Balance, BalanceRequest, Movement, Receipt, TransferOrder, WatchRequest};

/// The account of one customer.
#[derive(Debug)]
pub struct Account {
    movements: Mutex<Vec<Movement>>,
}

impl Account {
    /// Opens an account with this many cents.
    #[must_use]
    pub fn with(cents: i64) -> Self {
        let opening = Movement { text: "opening balance".to_owned(), cents };
        Self { movements: Mutex::new(vec![opening]) }
    }
}

#[tonic::async_trait]
impl Bank for Account {
    async fn get_balance(
        &self,
        request: Request<BalanceRequest>,
    ) -> Result<Response<Balance>, Status> {
        let customer = grant(&request)?.session().user_id().to_owned();
        let movements = self.movements.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Response::new(Balance { customer, cents: balance(&movements) }))
    }

    async fn transfer(&self, request: Request<TransferOrder>) -> Result<Response<Receipt>, Status> {
        grant(&request)?;
        let TransferOrder { to, cents } = request.into_inner();
        let mut movements = self.movements.lock().unwrap_or_else(PoisonError::into_inner);
        if cents <= 0 || cents > balance(&movements) {
            return Err(Status::failed_precondition("the account does not have that amount"));
        }
        movements.push(Movement { text: format!("to {to}"), cents: -cents });
        let number = movements.len() as u64;
        Ok(Response::new(Receipt { number, balance: balance(&movements) }))
    }

    type WatchStream = Iter<std::vec::IntoIter<Result<Movement, Status>>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        grant(&request)?;
        let movements = self.movements.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far: Vec<_> = movements.iter().cloned().map(Ok).collect();
        Ok(Response::new(tokio_stream::iter(so_far)))
    }
}

/// Returns the guard's grant. It is missing only if the server has no guard.
fn grant<T>(request: &Request<T>) -> Result<&Grant, Status> {
    request.extensions().get().ok_or_else(|| Status::internal("no guard stands in front"))
}

fn balance(movements: &[Movement]) -> i64 {
    movements.iter().map(|movement| movement.cents).sum()
}
