//! The server.

use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower_step_up::StepUpLayer;

use crate::bank::Account;
use crate::proto::bank_server::BankServer;

/// Serves an account behind a guard.
///
/// # Errors
///
/// Returns an error if the listener fails.
pub async fn serve(
    listener: TcpListener,
    guard: StepUpLayer,
    account: Account,
) -> Result<(), tonic::transport::Error> {
    // The guard is outside the router, so it also refuses calls of methods that do not exist.
    let server = Server::builder().layer(guard).add_service(BankServer::new(account));
    server.serve_with_incoming(TcpIncoming::from(listener)).await
}
