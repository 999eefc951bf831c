use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Stand, factors};

/// Runs the README's commands unchanged, except for the address.
#[tokio::test]
async fn the_readmes_curl_commands_work() {
    let Ok(curl) = Command::new("curl").arg("--version").stdout(Stdio::null()).status() else {
        println!("no curl on this machine: the README's commands were not run");
        return;
    };
    assert!(curl.success());
    let readme = include_str!("../../README.md");
    let commands = readme.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    let stand = Stand::start().await;
    let before = stand.stytch.now();
    let commands = commands.replace("http://127.0.0.1:3030", stand.stytch.base_url());
    assert!(
        commands.contains(stand.stytch.project_id()) && commands.contains(stand.stytch.secret())
    );

    let run = move || {
        Command::new("sh").args(["-euc", &commands]).env("NO_PROXY", "127.0.0.1").output().unwrap()
    };
    let again = run.clone();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && err.is_empty(), "{out}\n{err}");
    let stepped: Value =
        serde_json::Deserializer::from_str(&out).into_iter().next().unwrap().unwrap();
    assert_eq!(factors(&stepped), ["password/knowledge", "otp/sms"]);
    assert_eq!(stand.stytch.now() - before, time::Duration::minutes(10));

    let output = tokio::task::spawn_blocking(again).await.unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && err.contains("ada@example.com already exists"),
        "on the second run: {err}"
    );
}
