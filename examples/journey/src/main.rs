//! A small bank. `cargo run -p journey` starts it, and `cargo run -p journey 127.0.0.1:4000` starts
//! it on another address.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use journey::{Journey, Settings, StartError};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main]
async fn main() -> ExitCode {
    // Stytch's client is left out on purpose: it logs whole requests, with passwords and tokens.
    let targets = Targets::new()
        .with_target("tower_step_up", LevelFilter::INFO)
        .with_target("tower_http::trace", LevelFilter::INFO)
        .with_target("journey", LevelFilter::INFO);
    // A closed stderr must not end the program.
    let lines = fmt::layer().with_writer(stderr).log_internal_errors(false);
    tracing_subscriber::registry().with(lines).with(targets).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr must not change the exit code.
            let _ = writeln!(stderr(), "journey: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), StartError> {
    let arguments =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let arguments: Vec<_> = arguments.collect();
    if let [help] = &*arguments
        && matches!(&**help, "--help" | "-h")
    {
        let _ = writeln!(stdout(), "{}", Settings::USAGE);
        return Ok(());
    }
    let settings = Settings::read(arguments, |name| std::env::var(name).ok())?;
    let journey = Journey::start(settings).await?;
    let stop = stop_signal()?;
    let _ = write!(stdout(), "{}", journey.announcement());
    journey.serve_until(stop).await
}

/// Listens for SIGTERM and Ctrl-C from now on. The future completes at the first of them.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
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
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
