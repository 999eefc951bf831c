use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
};

use crate::support::client;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-stytch"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ends the program whatever becomes of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn it_says_what_it_is_and_answers_there() {
    let mut running = Running(program(&["127.0.0.1:0"]).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(first.starts_with("local-stytch: a stand-in for Stytch's API, for development"), "{first}");
    let line = lines.find(|line| line.contains("base URL")).unwrap();
    let url = line.split_whitespace().last().unwrap();
    assert_eq!(client().get(format!("{url}/local/clock")).send().await.unwrap().status(), 200);

    let taken = url.strip_prefix("http://").unwrap();
    assert_fails(program(&[taken]).output().unwrap(), "something else does already");
}

#[test]
fn it_fails_in_one_line() {
    assert_fails(program(&["0.0.0.0:0"]).output().unwrap(), "loopback only");
    assert_fails(program(&["3030"]).output().unwrap(), "usage: local-stytch [ADDRESS]");
    assert_fails(program(&["127.0.0.1:0", "more"]).output().unwrap(), "usage: local-stytch [ADDRESS]");
}

#[track_caller]
fn assert_fails(output: Output, why: &str) {
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(why) && error.lines().count() == 1, "{error}");
    assert!(output.stdout.is_empty());
}
