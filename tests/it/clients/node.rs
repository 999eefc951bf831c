//! Runs the programs in `tests/clients`.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::key_server::within_seconds;

/// Runs a program with this input, and returns its output.
pub(super) async fn run(program: &str, input: &Value) -> Value {
    let directory = std::env::var("TEST_CLIENTS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients").to_owned());
    let mut process = Command::new("node")
        .arg(program)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node runs");
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = within_seconds(process.wait_with_output()).await.unwrap();
    assert!(output.status.success(), "{program} needs `npm ci` in its directory");
    serde_json::from_slice(&output.stdout).unwrap()
}
