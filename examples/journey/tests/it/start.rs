//! Starting the program: what it prints, and how it reports that it cannot start.

use std::process::{Output, Stdio};
use std::time::Duration;

use local_stytch::LocalStytch;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::program::Program;

pub(crate) fn program(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_journey"));
    command
        .args(arguments)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["STYTCH_PROJECT_ID", "STYTCH_SECRET", "STYTCH_BASE_URL", "PUBLIC_URL"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = program(arguments, variables).output();
    tokio::time::timeout(Duration::from_secs(60), output)
        .await
        .expect("the program did not exit within 60 s")
        .unwrap()
}

/// Checks that the program prints one line on stderr, nothing on stdout, and exits with code 1.
async fn check(arguments: &[&str], variables: &[(&str, &str)], want: &str) {
    let output = run(arguments, variables).await;
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(output.stdout.is_empty());
    assert_eq!(printed.lines().count(), 1, "{printed}");
    assert!(printed.starts_with("journey: ") && printed.contains(want), "{printed}");
}

#[tokio::test]
async fn each_start_error_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().to_string();
    check(&[&port], &[], &format!("{port}: Address already in use")).await;
    for bad in ["here", "--port", "3000", "127.0.0.1:65536"] {
        check(&[bad], &[], &format!("{bad:?} is not an address")).await;
    }
    check(&["127.0.0.1:0", "more"], &[], "usage: journey [ADDRESS]").await;
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
    for public_url in ["http://bank.example", "bank.example", "https://bank.example/path"] {
        check(any, &[("PUBLIC_URL", public_url)], "PUBLIC_URL").await;
    }
    let nobody = format!("http://{}", unused_address().await);
    check(any, &[id, secret, ("STYTCH_BASE_URL", &nobody)], "did not respond as expected").await;
}

#[tokio::test]
async fn a_wrong_secret_is_reported_at_once_and_the_right_one_is_accepted() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    let (id, url) = (stytch.project_id().to_owned(), stytch.base_url().to_owned());
    let project = [("STYTCH_PROJECT_ID", &*id), ("STYTCH_BASE_URL", &*url)];
    let with = |secret| [project[0], project[1], ("STYTCH_SECRET", secret)];
    check(&["127.0.0.1:0"], &with("secret-test-wrong"), "does not accept STYTCH_SECRET").await;

    let mut child = program(&["127.0.0.1:0"], &with(stytch.secret())).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let url = first.strip_prefix("Harbour Bank is open at ").expect("the first line has no URL");
    let front = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert!(!front.contains("Demonstration") && !front.contains("id=\"demo\""), "{front}");
    let clock = reqwest::Client::new().post(format!("{url}/local/clock")).send().await.unwrap();
    assert_eq!(clock.status(), 404, "a project has no clock to move");
    child.kill().await.unwrap();
}

#[tokio::test]
async fn the_program_prints_its_url_and_the_audit_of_its_policies() {
    let mut child = program(&["127.0.0.1:0"], &[]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    while printed.len() < 7 {
        printed.push(lines.next_line().await.unwrap().expect("the program ended early"));
    }
    assert!(printed[0].starts_with("Harbour Bank is open at http://127.0.0.1:"), "{printed:?}");
    assert!(printed[1].contains("ada@harbour.example"));
    assert!(printed[2].contains("/local/phone"));
    assert!(printed[3].contains("an attacker must take over"), "{printed:?}");
    assert_eq!(printed[4].trim(), "account        2, 0   mfa");
    assert_eq!(
        printed[5].trim(),
        "transfer       2, 1   mfa and (otp/sms or totp or webauthn) within 10m"
    );
    child.kill().await.unwrap();
}

async fn unused_address() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn the_demonstration_listens_on_loopback_only() {
    let mut child = program(&["0.0.0.0:0"], &[]).spawn().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    child.kill().await.ok();
    assert!(
        ended.is_ok_and(|status| !status.unwrap().success()),
        "the public password must not be served on every interface"
    );
}

#[tokio::test]
async fn help_prints_the_usage() {
    for help in ["--help", "-h"] {
        let output = run(&[help], &[]).await;
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{help}");
        assert!(
            printed.starts_with("usage: journey [ADDRESS]") && printed.lines().count() == 1,
            "{printed}"
        );
    }
}

#[tokio::test]
async fn the_health_check_succeeds_if_keys_are_available() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    let id = stytch.project_id().to_owned();
    let variables = [
        ("STYTCH_PROJECT_ID", &*id),
        ("STYTCH_SECRET", stytch.secret()),
        ("STYTCH_BASE_URL", stytch.base_url()),
    ];
    let program = Program::start(&variables).await;
    let health = || async {
        let response = reqwest::get(format!("{}/healthz", program.url)).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, body) = health().await;
    assert!(status == 200 && body.starts_with("{\"keys\":1"), "{status} {body}");

    let other = Program::start(&variables).await;
    stytch.shutdown().await;
    let response = reqwest::get(format!("{}/healthz", other.url)).await.unwrap();
    assert_eq!(response.status(), 503, "the program has no keys and cannot fetch any");
    assert!(response.text().await.unwrap().starts_with("{\"keys\":0,\"last_error\""));
    assert_eq!(health().await.0, 200, "keys that were fetched stay valid for a while");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_lets_a_pending_request_finish() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    const FORM: &str = "email=ada%40harbour.example&password=lantern-tide-42-anchor";
    for signal in ["TERM", "INT"] {
        let program = Program::start(&[]).await;
        let address = program.url.strip_prefix("http://").unwrap().to_owned();
        let mut connection = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /sign-in HTTP/1.1\r\nHost: {address}\r\nExpect: 100-continue\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            FORM.len()
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut interim = [0; 25];
        connection.read_exact(&mut interim).await.unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "the handler waits for the form");

        program.send_signal(signal).await;
        while TcpStream::connect(&address).await.is_ok() {}
        connection.write_all(FORM.as_bytes()).await.unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).await.unwrap();
        assert!(
            response.starts_with("HTTP/1.1 303 ") && response.contains("session"),
            "{response}"
        );
        assert_eq!(program.end().await.0, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_closed_standard_error_does_not_end_the_program() {
    let mut program = Program::start(&[]).await;
    program.close_stderr();
    for _ in 0..2 {
        assert_eq!(reqwest::get(format!("{}/sign-in", program.url)).await.unwrap().status(), 200);
    }
}

/// The crate's guide shows local-stytch's own id and secret. A guard that is built as the guide
/// says accepts a token of local-stytch.
#[tokio::test]
async fn a_guard_built_as_in_the_guide_accepts_local_stytch() {
    let guide = include_str!("../../../../docs/guide/getting-started.md");
    for value in [local_stytch::DEFAULT_PROJECT_ID, local_stytch::DEFAULT_SECRET] {
        assert!(guide.contains(&format!("(\"{value}\")")), "{value}");
    }
    let stytch = LocalStytch::builder().start().await.unwrap();
    let project = tower_step_up::stytch::Project::new(stytch.project_id()).unwrap();
    let project = project.custom_domain(stytch.base_url()).unwrap();
    let request = reqwest::Client::new().post(format!("{}/v1/passwords", stytch.base_url()));
    let request = request.basic_auth(stytch.project_id(), Some(stytch.secret()));
    let body = serde_json::json!({ "email": "grace@harbour.example",
        "password": "correct-pontoon-17-gannet", "session_duration_minutes": 60 });
    let response: serde_json::Value =
        request.json(&body).send().await.unwrap().json().await.unwrap();
    let guard = project.guard();
    let session = guard.verifier().verify(response["session_jwt"].as_str().unwrap()).await.unwrap();
    assert_eq!(session.user_id(), response["user_id"]);
}
