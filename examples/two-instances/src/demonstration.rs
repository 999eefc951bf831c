//! A user who signs out at one instance and is refused at the other.

use std::error::Error;
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use tower_step_up::Factor;
use tower_step_up::testing::{self, TestSessions};

use crate::instance::Instance;
use crate::redis::Redis;
use crate::say;

/// How long the other instance may take before the demonstration gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Signs out at one instance, and asks the other until it refuses.
pub(crate) async fn run(
    authority: &TestSessions,
    one: &Instance,
    two: &Instance,
) -> Result<(), Box<dyn Error>> {
    let (client, token) = (Client::new(), sign_in(authority));
    for (name, instance) in [("one", one), ("two", two)] {
        let status = account(&client, instance, &token).await?;
        say(&format!("GET /account at {name}: {status}"));
    }
    let began = Instant::now();
    let url = format!("http://{}/sign-out", one.address);
    let signed_out = client.post(url).bearer_auth(&token).send().await?;
    let took = began.elapsed();
    say(&format!("POST /sign-out at one: {}, after {took:.1?}", signed_out.status()));

    let (answered, mut accepted) = (Instant::now(), 0);
    loop {
        let status = account(&client, two, &token).await?;
        if status == StatusCode::UNAUTHORIZED {
            let took = answered.elapsed();
            say(&format!("GET /account at two: {status}, {took:.1?} after that answer"));
            say(&format!("Two accepted {accepted} requests in between.\n"));
            return Ok(());
        }
        accepted += 1;
        if answered.elapsed() > PATIENCE {
            return Err(format!("two still answers with {status} after {PATIENCE:?}").into());
        }
    }
}

async fn account(client: &Client, instance: &Instance, token: &str) -> reqwest::Result<StatusCode> {
    let url = format!("http://{}/account", instance.address);
    Ok(client.get(url).bearer_auth(token).send().await?.status())
}

/// Returns the token of a new session with two factors.
fn sign_in(authority: &TestSessions) -> String {
    let ada =
        testing::session().user("user-test-ada").proved(Factor::Password).proved(Factor::Totp);
    authority.begin(&ada).session_jwt
}

/// Returns the commands to try it in a shell.
pub(crate) fn commands(
    authority: &TestSessions,
    redis: &Redis,
    one: &Instance,
    two: &Instance,
) -> String {
    let (ada, ben, one, two) = (sign_in(authority), sign_in(authority), one.address, two.address);
    let stop = match redis.process() {
        Some(process) => format!("kill {process}"),
        None => "# stop Redis".to_owned(),
    };
    format!(
        "Try it. The tokens live for five minutes.\n\n\
         ada='Authorization: Bearer {ada}'\n\
         ben='Authorization: Bearer {ben}'\n\
         curl -H \"$ada\" http://{two}/account\n\
         curl -H \"$ada\" -X POST http://{one}/sign-out\n\
         curl -H \"$ada\" -i http://{two}/account\n\n\
         Without Redis, /account answers with 503 after five seconds, and /news goes on.\n\n\
         {stop}; sleep 6\n\
         curl -H \"$ben\" -i http://{two}/account\n\
         curl -H \"$ben\" http://{two}/news\n\
         curl http://{two}/healthz\n\n\
         Press Ctrl-C to end."
    )
}
