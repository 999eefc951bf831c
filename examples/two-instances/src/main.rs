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

use tower_step_up::SystemClock;
use tower_step_up::testing::{TestIssuer, TestSessions};

use self::instance::Instance;
use self::redis::Redis;

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
    say(&format!("Redis: {redis}\nOne:   http://{}\nTwo:   http://{}\n", one.address, two.address));
    demonstration::run(&authority, &one, &two).await?;
    if once {
        return Ok(());
    }
    say(&demonstration::commands(&authority, &one, &two));
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// Prints a text. If nobody reads it, the servers still run.
fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}
