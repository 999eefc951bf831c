//! Where an example listens, and how it says what goes wrong.

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;

use tokio::net::TcpListener;

const NAME: &str = env!("CARGO_BIN_NAME");

/// Listens on the address of the first argument; with it comes the start of every URL. What goes
/// wrong is told in one line.
pub(crate) async fn listen() -> Result<(TcpListener, String), String> {
    let wanted = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener =
        TcpListener::bind(&wanted).await.map_err(|error| cannot_listen(&wanted, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(&wanted, &error))?;
    Ok((listener, format!("http://{address}")))
}

/// Prints it at once.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

/// The exit code, and on stderr the line of a failure.
pub(crate) fn exit_code(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("{NAME}: {line}");
            ExitCode::FAILURE
        }
    }
}

fn cannot_listen(address: &str, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => format!("{address} is in use"),
        _ => format!("cannot listen on {address:?}: {error}"),
    };
    format!("{why}; give another address, or any free port: cargo run --example {NAME} 127.0.0.1:0")
}
