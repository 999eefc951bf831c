//! Drives the client against the server over HTTP/2 on loopback.
#![expect(clippy::unwrap_used, reason = "a failing test should panic at once")]

mod calls;
mod refusals;
mod transcript;
mod web;

use grpc::proto::TransferOrder;
use grpc::{Account, Customer, StepUp};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tower_step_up::StepUpLayer;

/// Starts a bank behind this guard, and connects to it.
async fn connect(guard: StepUpLayer) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(grpc::serve(listener, guard, Account::with(100_000)));
    Endpoint::from_shared(address).unwrap().connect().await.unwrap()
}

/// Returns a customer who never steps up.
fn without_step_up(
    channel: Channel,
    token: String,
) -> Customer<impl AsyncFnMut(&StepUp) -> Option<String>> {
    Customer::new(channel, token, async |_: &StepUp| None)
}

fn order() -> TransferOrder {
    TransferOrder { to: "Bo".to_owned(), cents: 25_000 }
}
