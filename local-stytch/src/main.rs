//! `local-stytch [ADDRESS]`: the stand-in as a program.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
};

use local_stytch::LocalStytch;

const DEFAULT_ADDRESS: &str = "127.0.0.1:3030";
const USAGE: &str = "usage: local-stytch [ADDRESS], for example local-stytch 127.0.0.1:3030";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(io::stderr(), "local-stytch: {line}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
    if arguments.next().is_some() {
        return Err(USAGE.to_owned());
    }
    let address = address.parse::<SocketAddr>().map_err(|error| format!("{address:?}: {error}; {USAGE}"))?;
    let stytch = LocalStytch::builder().address(address).start().await.map_err(|error| error.to_string())?;

    let mut out = io::stdout().lock();
    let told = writeln!(out, "{}", introduction(&stytch)).and_then(|()| out.flush());
    drop(out);
    told.map_err(|error| format!("cannot write to standard output: {error}"))?;

    tokio::signal::ctrl_c().await.map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    stytch.shutdown().await;
    Ok(())
}

fn introduction(stytch: &LocalStytch) -> String {
    let (url, id, secret) = (stytch.base_url(), stytch.project_id(), stytch.secret());
    format!(
        r#"local-stytch: a stand-in for Stytch's API, for development: in memory, on loopback, no part of Stytch.

  base URL    {url}
  project id  {id}
  secret      {secret}
  messages    {phone}  (as JSON: {url}/local/messages)
  clock       curl {url}/local/clock -d '{{"advance_seconds": 600}}'

The official SDKs:
  Rust    stytch::client::Client::new_with_base_url(id, secret, "{url}".parse()?, Vertical::Consumer)
  Python  stytch.Client(project_id, secret, environment="{url}/")
  Node    new stytch.Client({{ project_id, secret, env: "{url}/" }})

Ctrl-C ends it, and forgets everything."#,
        phone = stytch.phone_url(),
    )
}
