//! Starting the program: what is printed, and what is said where it cannot start.

use std::process::{Output, Stdio};
use std::time::Duration;

use local_stytch::LocalStytch;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

fn program(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_journey"));
    command
        .args(arguments)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["STYTCH_PROJECT_ID", "STYTCH_SECRET", "STYTCH_BASE_URL"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = program(arguments, variables).output();
    tokio::time::timeout(Duration::from_secs(60), output).await.expect("it ends by itself").unwrap()
}

/// One line on stderr, nothing on stdout, and exit code 1.
async fn check(arguments: &[&str], variables: &[(&str, &str)], want: &str) {
    let output = run(arguments, variables).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("journey: ") && said.contains(want), "{said}");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().to_string();
    check(&[&port], &[], &format!("{port}: Address already in use")).await;
    check(&["here"], &[], "\"here\" is no address").await;
    let any = &["127.0.0.1:0"];
    let (id, secret) =
        (("STYTCH_PROJECT_ID", "project-test-a"), ("STYTCH_SECRET", "secret-test-a"));
    check(any, &[id], "STYTCH_SECRET is not set").await;
    check(any, &[secret], "STYTCH_PROJECT_ID is not set").await;
    check(
        any,
        &[("STYTCH_PROJECT_ID", "my-project"), secret],
        "\"my-project\" is not a project id",
    )
    .await;
    let swapped = [("STYTCH_PROJECT_ID", secret.1), ("STYTCH_SECRET", id.1)];
    check(any, &swapped, "\"secret-...\" is not a project id").await;
    check(
        any,
        &[id, secret, ("STYTCH_BASE_URL", "http://elsewhere.example")],
        "is not a custom domain",
    )
    .await;
    let nobody = format!("http://{}", unused_address().await);
    check(any, &[id, secret, ("STYTCH_BASE_URL", &nobody)], "does not answer as it should").await;
}

#[tokio::test]
async fn a_wrong_secret_is_found_at_once_and_the_right_one_will_do() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    let (id, url) = (stytch.project_id().to_owned(), stytch.base_url().to_owned());
    let project = [("STYTCH_PROJECT_ID", &*id), ("STYTCH_BASE_URL", &*url)];
    let with = |secret| [project[0], project[1], ("STYTCH_SECRET", secret)];
    check(&["127.0.0.1:0"], &with("secret-test-wrong"), "does not take STYTCH_SECRET").await;

    let mut child = program(&["127.0.0.1:0"], &with(stytch.secret())).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let url = first.strip_prefix("Harbour Bank is open at ").expect("its address");
    let front = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert!(!front.contains("Demonstration") && !front.contains("id=\"demo\""), "{front}");
    let clock = reqwest::Client::new().post(format!("{url}/local/clock")).send().await.unwrap();
    assert_eq!(clock.status(), 404, "nobody moves the clock of a project");
    child.kill().await.unwrap();
}

#[tokio::test]
async fn it_prints_where_to_go_and_what_the_policies_are_worth() {
    let mut child = program(&["127.0.0.1:0"], &[]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    while printed.len() < 7 {
        printed.push(lines.next_line().await.unwrap().expect("a line"));
    }
    assert!(printed[0].starts_with("Harbour Bank is open at http://127.0.0.1:"), "{printed:?}");
    assert!(printed[1].contains("ada@harbour.example"));
    assert!(printed[2].contains("/local/phone"));
    assert_eq!(printed[4].trim(), "account        2, 0   mfa");
    assert_eq!(printed[5].trim(), "transfer       2, 1   mfa and (otp/sms or totp) within 10m");
    child.kill().await.unwrap();
}

async fn unused_address() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn the_demonstration_is_for_this_machine() {
    let mut child = program(&["0.0.0.0:0"], &[]).spawn().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    child.kill().await.ok();
    assert!(
        ended.is_ok_and(|status| !status.unwrap().success()),
        "a public password, on every interface"
    );
}
