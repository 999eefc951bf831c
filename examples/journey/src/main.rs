//! A small bank: `cargo run -p journey`, and `cargo run -p journey 127.0.0.1:4000` on another
//! address.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use journey::{Journey, Settings, StartError};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main]
async fn main() -> ExitCode {
    // The guards' decisions. Not what Stytch's client logs: it has requests whole, with passwords
    // and tokens.
    let targets = Targets::new()
        .with_target("tower_step_up", LevelFilter::INFO)
        .with_target("journey", LevelFilter::WARN);
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(stderr))
        .with(targets)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads it, it is lost.
            let _ = writeln!(stderr(), "journey: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), StartError> {
    let arguments =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let settings = Settings::read(arguments, |name| std::env::var(name).ok())?;
    let journey = Journey::start(settings).await?;
    let _ = write!(stdout(), "{}", journey.announcement());
    journey.serve().await
}
