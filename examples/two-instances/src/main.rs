//! Two instances of one service that share revocations: `cargo run -p two-instances`
//!
//! It signs a user out at one instance and shows when the other refuses. Then both go on serving, so
//! that you can try it with curl. With `--once`, it ends instead.

mod demonstration;
mod instance;
mod redis;

use std::error::Error;
use std::io::{Write as _, stdout};
use std::process::ExitCode;
use std::time::Duration;

use tower_step_up::SystemClock;
use tower_step_up::testing::{TestIssuer, TestSessions};

use self::instance::Instance;
use self::redis::Redis;

/// How long Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let ended = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(false).await,
        ["--once"] => run(true).await,
        _ => Err("usage: cargo run -p two-instances [-- --once]".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, the error cannot be reported.
            let _ = writeln!(std::io::stderr(), "two-instances: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(once: bool) -> Result<(), Box<dyn Error>> {
    let redis = Redis::find().await?;
    let issuer = TestIssuer::new().clock(SystemClock);
    let authority = TestSessions::new(&issuer);
    let one = Instance::start(&issuer, &authority, redis.server()?).await?;
    let two = Instance::start(&issuer, &authority, redis.server()?).await?;
    for instance in [&one, &two] {
        let ready = instance.revocations.ready();
        if tokio::time::timeout(PATIENCE, ready).await.is_err() {
            let reason = instance.revocations.health().read_error.unwrap_or_default();
            return Err(format!("cannot read from Redis ({redis}): {reason}").into());
        }
    }
    say(&format!("Redis: {redis}\nOne:   http://{}\nTwo:   http://{}\n", one.address, two.address));
    demonstration::run(&authority, &one, &two).await?;
    if once {
        return Ok(());
    }
    say(&demonstration::commands(&authority, &redis, &one, &two));
    stopped().await?;
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM. Redis then ends with this program.
async fn stopped() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Prints a text. If nobody reads it, the servers still run.
fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}
