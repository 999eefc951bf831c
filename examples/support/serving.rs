//! How an example starts and stops: its log, its argument, its port, and the signal to stop.

use std::env;
use std::io::{self, Write as _};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::Level;

const NAME: &str = env!("CARGO_BIN_NAME");
const DEFAULT_ADDRESS: &str = "127.0.0.1:3000";
/// The time that pending requests may take after a signal.
const GRACE: Duration = Duration::from_secs(10);

/// A future that completes when the example must stop accepting requests. The example then finishes
/// those in flight.
pub(crate) type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves on the address in the only argument until SIGTERM or Ctrl-C. `serve` also receives the
/// base URL, such as `http://127.0.0.1:3000`. Prints an error as one line on stderr.
pub(crate) async fn run(
    serve: impl AsyncFnOnce(TcpListener, String, Stop) -> Result<(), String>,
) -> ExitCode {
    // The log shows every decision of a guard. A closed stderr must not end the example.
    tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .init();
    let usage =
        format!("usage: cargo run --example {NAME} [ADDRESS]   (default {DEFAULT_ADDRESS})");
    let arguments: Vec<_> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments {
        ["--help" | "-h"] => print(&format!("{usage}\n")),
        [] => serve_on(DEFAULT_ADDRESS, serve).await,
        [address] => serve_on(address, serve).await,
        _ => Err(usage),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            // If stderr is closed, the error cannot be reported.
            let _ = writeln!(io::stderr(), "{NAME}: {line}");
            ExitCode::FAILURE
        }
    }
}

async fn serve_on(
    address: &str,
    serve: impl AsyncFnOnce(TcpListener, String, Stop) -> Result<(), String>,
) -> Result<(), String> {
    let listener =
        TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    let bound = listener.local_addr().map_err(|error| cannot_listen(address, &error))?;
    let signal = stop_signal().map_err(|error| format!("cannot wait for a signal: {error}"))?;

    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = Box::pin(async move { stopped.await.unwrap_or_default() });
    let mut serving = pin!(serve(listener, format!("http://{bound}"), stopped));
    tokio::select! {
        ended = &mut serving => return ended,
        () = signal => drop(stop),
    }
    let ended = tokio::time::timeout(GRACE, serving).await;
    ended.unwrap_or_else(|_| Err(format!("gave up on requests that took longer than {GRACE:?}")))
}

/// Listens for SIGTERM and Ctrl-C from now on. The future completes when the first one arrives.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// Prints the text at once.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

fn cannot_listen(address: &str, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => format!("{address} is in use"),
        // The argument may be a secret that was put in the wrong place.
        _ if address.to_ascii_lowercase().contains("secret-") => {
            format!("cannot listen on \"secret-...\": {error}")
        }
        _ => format!("cannot listen on {address:?}: {error}"),
    };
    format!(
        "{why}; choose another address, or let the system choose a port: cargo run --example {NAME} 127.0.0.1:0"
    )
}
