//! `local-stytch [ADDRESS]`: the stand-in as a program.

use std::{
    ffi::OsStr,
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
};

use local_stytch::LocalStytch;

const DEFAULT_ADDRESS: &str = "127.0.0.1:3030";
const USAGE: &str =
    "usage: local-stytch [ADDRESS], a numeric one of loopback and a port, such as 127.0.0.1:4000";

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
    let mut arguments = std::env::args_os().skip(1);
    let address = arguments.next().unwrap_or_else(|| DEFAULT_ADDRESS.into());
    if arguments.next().is_some() {
        return Err(USAGE.to_owned());
    }
    if address == "--help" || address == "-h" {
        return say(&format!("{USAGE}; {DEFAULT_ADDRESS} unless given"));
    }
    let parsed = address.to_str().and_then(|address| address.parse::<SocketAddr>().ok());
    let address = parsed.ok_or_else(|| format!("{} is no address; {USAGE}", shown(&address)))?;
    let stytch =
        LocalStytch::builder().address(address).start().await.map_err(|error| error.to_string())?;

    say(&introduction(&stytch))?;
    tokio::signal::ctrl_c().await.map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    stytch.shutdown().await;
    Ok(())
}

/// An argument as it is shown: not if someone has put a secret in its place.
fn shown(argument: &OsStr) -> String {
    let is_secret = argument.to_string_lossy().to_ascii_lowercase().contains("secret-");
    if is_secret { "\"secret-...\"".into() } else { format!("{argument:?}") }
}

fn say(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let told = writeln!(out, "{text}").and_then(|()| out.flush());
    told.map_err(|error| format!("cannot write to standard output: {error}"))
}

fn introduction(stytch: &LocalStytch) -> String {
    let url = stytch.base_url();
    let id = stytch.project_id();
    let secret = stytch.secret();
    format!(
        r#"local-stytch: a stand-in for Stytch's API, for development: in memory, on loopback, no part of Stytch.

  base URL    {url}
  project id  {id}
  secret      {secret}
  messages    {phone}  (as JSON: {url}/local/messages)
  clock       curl {url}/local/clock -d '{{"advance_seconds": 600}}'

The official SDKs:
  Rust    stytch::client::Client::new_with_base_url(id, secret, "{url}".parse()?,
      Vertical::Consumer)
  Python  stytch.Client(project_id, secret, environment="{url}/")
  Node    new stytch.Client({{ project_id, secret, env: "{url}/" }})

Ctrl-C ends it, and forgets everything."#,
        phone = stytch.phone_url(),
    )
}
