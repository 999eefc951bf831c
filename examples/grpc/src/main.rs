//! Starts the bank's server on a free port, and lets a customer call it. `cargo run -p grpc`

use std::error::Error;
use std::io::{Write as _, stdout};

use grpc::proto::TransferOrder;
use grpc::{Account, Customer, Issuer, StepUp};
use tokio::net::TcpListener;
use tonic::transport::Endpoint;
use tower_step_up::Factor;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = Issuer::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(grpc::serve(listener, grpc::guard(&issuer.guard()), Account::with(100_000)));

    say("Ada signs in with her password.");
    let channel = Endpoint::from_shared(address)?.connect().await?;
    let mut ada = Customer::new(channel, issuer.sign_in(), async |needed| step_up(&issuer, needed));

    let balance = ada.balance().await?;
    say(&format!("GetBalance: {} has {} cents.", balance.customer, balance.cents));

    say("Transfer: 25000 cents to Bo.");
    let receipt = ada.transfer(TransferOrder { to: "Bo".to_owned(), cents: 25_000 }).await?;
    say(&format!("Transfer: receipt {}, {} cents left.", receipt.number, receipt.balance));

    let mut movements = ada.watch().await?;
    while let Some(movement) = movements.message().await? {
        say(&format!("Watch: {:+} cents, {}.", movement.cents, movement.text));
    }
    Ok(())
}

/// Adds the first factor that this program can ask for. A real client lets the user choose.
fn step_up(issuer: &Issuer, needed: &StepUp) -> Option<String> {
    say(&format!("Refused with UNAUTHENTICATED: {}.", needed.message));
    say(&format!("  challenge: {}", needed.challenge));
    say(&format!("  policy: {}", needed.policy.as_deref().unwrap_or("without a name")));
    say(&format!("  prompts: {}", alternatives(&needed.prompts)));
    let mut factors = needed.prompts.iter().filter_map(|set| match &**set {
        [factor @ (Factor::Totp | Factor::OtpSms)] => Some(factor),
        _ => None,
    });
    let factor = factors.next()?;
    say(&format!("Ada proves {factor}, and the client calls once more."));
    Some(issuer.step_up(factor.clone()))
}

fn alternatives(prompts: &[Vec<Factor>]) -> String {
    let names =
        |set: &Vec<Factor>| set.iter().map(Factor::to_string).collect::<Vec<_>>().join(" and ");
    prompts.iter().map(names).collect::<Vec<_>>().join(", or ")
}

/// Prints a line. If nobody reads it, the calls still run.
fn say(line: &str) {
    let _ = writeln!(stdout(), "{line}");
}
