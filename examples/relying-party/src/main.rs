//! A small site for people who sign in at an OpenID provider. `cargo run -p relying-party` starts it,
//! and `cargo run -p relying-party 127.0.0.1:4000` starts it on another address.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use relying_party::{Settings, Site};

#[tokio::main]
async fn main() -> ExitCode {
    // A closed stderr must not end the program.
    tracing_subscriber::fmt().with_writer(stderr).log_internal_errors(false).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr must not change the exit code.
            let _ = writeln!(stderr(), "relying-party: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let arguments =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let arguments: Vec<_> = arguments.collect();
    if let [help] = &*arguments
        && matches!(&**help, "--help" | "-h")
    {
        let _ = writeln!(stdout(), "{}", Settings::USAGE);
        return Ok(());
    }
    let settings = Settings::read(&arguments, |name| std::env::var(name).ok())?;
    let site = Site::start(settings).await?;
    let _ = write!(stdout(), "{}", site.announcement());
    site.serve(async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await
}
