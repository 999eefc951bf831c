//! The stand-in as a program: `local-stytch [ADDRESS]`.

use std::{
    ffi::OsStr,
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
};

use local_stytch::LocalStytch;

const DEFAULT_ADDRESS: &str = "127.0.0.1:3030";
const USAGE: &str =
    "usage: local-stytch [ADDRESS], a loopback IP address with a port, such as 127.0.0.1:4000";

#[tokio::main]
async fn main() -> ExitCode {
    // A closed standard error must not end the program.
    tracing_subscriber::fmt().with_writer(io::stderr).log_internal_errors(false).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            // A closed standard error must not change the exit code.
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
        return print(&format!("{USAGE}; the default is {DEFAULT_ADDRESS}"));
    }
    let parsed = address.to_str().and_then(|address| address.parse::<SocketAddr>().ok());
    let address =
        parsed.ok_or_else(|| format!("{} is not an address; {USAGE}", shown(&address)))?;
    let stytch =
        LocalStytch::builder().address(address).start().await.map_err(|error| error.to_string())?;
    let stop = stop_signal().map_err(|error| format!("cannot wait for a signal: {error}"))?;

    print(&introduction(&stytch))?;
    stop.await;
    stytch.shutdown().await;
    Ok(())
}

/// Returns the argument for display, with a secret replaced.
fn shown(argument: &OsStr) -> String {
    let is_secret = argument.to_string_lossy().to_ascii_lowercase().contains("secret-");
    if is_secret { "\"secret-...\"".into() } else { format!("{argument:?}") }
}

/// Listens for SIGTERM and Ctrl-C from now on. The future completes at the first of them.
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

fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| format!("cannot write to standard output: {error}"))
}

fn introduction(stytch: &LocalStytch) -> String {
    let url = stytch.base_url();
    let id = stytch.project_id();
    let secret = stytch.secret();
    format!(
        r#"local-stytch: a stand-in for Stytch's API, for development. In memory, on loopback, not affiliated with Stytch.

  base URL    {url}
  project id  {id}
  secret      {secret}
  messages    {phone}  (as JSON: {url}/local/messages)
  clock       curl {url}/local/clock -d '{{"advance_seconds": 600}}'
  requests    {url}/local/requests
  reset       curl -X POST {url}/local/reset

The official SDKs:
  Rust    stytch::client::Client::new_with_base_url(id, secret, "{url}".parse()?,
      Vertical::Consumer)
  Python  stytch.Client(project_id, secret, environment="{url}/")
  Node    new stytch.Client({{ project_id, secret, env: "{url}/" }})
  B2B     the same, with Vertical::B2B or B2BClient

Ctrl-C or SIGTERM stops it. It then forgets everything."#,
        phone = stytch.phone_url(),
    )
}
