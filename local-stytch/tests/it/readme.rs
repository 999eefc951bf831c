use std::process::{Command, Output, Stdio};

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{Stand, factors};

/// Returns the README's commands unchanged, except for the address, or `None` without curl.
fn commands(stand: &Stand) -> Option<Vec<String>> {
    let Ok(curl) = Command::new("curl").arg("--version").stdout(Stdio::null()).status() else {
        println!("no curl on this machine: the README's commands were not run");
        return None;
    };
    assert!(curl.success());
    let blocks = include_str!("../../README.md").split("```sh\n").skip(1);
    let commands = blocks.map(|block| block.split_once("```").unwrap().0);
    let own = |commands: &str| commands.replace("http://127.0.0.1:3030", stand.stytch.base_url());
    Some(commands.map(own).collect())
}

async fn run(commands: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-euc", commands]).env("NO_PROXY", "127.0.0.1");
    tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_readmes_curl_commands_work() {
    let stand = Stand::start().await;
    let Some(commands) = commands(&stand) else { return };
    let commands = &commands[0];
    assert!(
        commands.contains(stand.stytch.project_id()) && commands.contains(stand.stytch.secret())
    );
    let output = run(commands).await;
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && err.is_empty(), "{out}\n{err}");
    let printed: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(&out).into_iter().collect();
    let [stepped, aged] = &printed.unwrap()[..] else { panic!("{out}") };
    assert_eq!(factors(stepped), ["password/knowledge", "otp/sms"]);
    let proved = |response: &Value| {
        let factor = &response["session"]["authentication_factors"][1];
        let date = factor["last_authenticated_at"].as_str().unwrap();
        OffsetDateTime::parse(date, &Rfc3339).unwrap()
    };
    assert_eq!(proved(stepped) - proved(aged), time::Duration::minutes(10));

    let output = run(commands).await;
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && err.contains("ada@example.com already exists"),
        "on the second run: {err}"
    );
}

#[tokio::test]
async fn the_readmes_other_commands_work() {
    let stand = Stand::start().await;
    let Some(commands) = commands(&stand) else { return };
    assert_eq!(commands.len(), 3);
    let start = stand.stytch.now();
    for (commands, moved) in [(&commands[1], 600), (&commands[2], 0)] {
        let output = run(commands).await;
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !out.contains("error_type"), "{commands}\n{out}");
        assert_eq!(stand.stytch.now(), start + time::Duration::seconds(moved));
    }
    assert_eq!(stand.get("/v1/otps/sms/send").await["status_code"], 503);
}
