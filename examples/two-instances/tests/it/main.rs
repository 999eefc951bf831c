//! Runs the program as a user would.
#![expect(clippy::unwrap_used, reason = "a failing test should panic at once")]

use std::io::Write as _;
use std::process::{Command, Output};

/// Runs the program with these arguments. `path` is where it looks for Redis, if it is not the usual one.
fn run(arguments: &[&str], path: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_two-instances"));
    command.args(arguments).env_remove("REDIS_URL");
    command.envs(path.map(|path| ("PATH", path)));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_redis_it_says_how_to_get_it() {
    let output = run(&["--once"], Some(""));
    assert!(!output.status.success());
    let error = text(&output.stderr);
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("apt install redis-server"), "{error}");
}

#[test]
fn the_other_instance_refuses_after_a_sign_out() {
    let output = run(&["--once"], None);
    let error = text(&output.stderr);
    if error.contains("no Redis on this machine") && std::env::var_os("CI").is_none() {
        // The test harness captures what `eprintln` prints.
        let _ =
            writeln!(std::io::stderr(), "skipped: the other instance refuses; needs redis-server");
        return;
    }
    assert!(output.status.success(), "{error}");
    let printed = text(&output.stdout);
    for want in [
        "GET /account at one: 200 OK",
        "GET /account at two: 200 OK",
        "POST /sign-out at one: 200 OK, after ",
        "GET /account at two: 401 Unauthorized, ",
    ] {
        assert!(printed.contains(want), "{want} in\n{printed}");
    }
}

#[test]
fn without_an_answer_from_redis_it_says_why() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_two-instances"));
    // Nobody listens on the port of the discard service.
    let output = command.arg("--once").env("REDIS_URL", "redis://127.0.0.1:9").output().unwrap();
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("cannot read from Redis"), "{error}");
    assert!(error.contains("redis://127.0.0.1:9"), "{error}");
}

#[test]
fn a_wrong_argument_is_answered_with_the_usage() {
    let output = run(&["--twice"], None);
    assert!(text(&output.stderr).contains("usage: "));
    assert!(!output.status.success());
}
