use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use crate::support::client;

fn program<A: AsRef<OsStr>>(arguments: &[A]) -> Command {
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
    assert!(
        first.starts_with("local-stytch: a stand-in for Stytch's API, for development"),
        "{first}"
    );
    let line = lines.find(|line| line.contains("base URL")).unwrap();
    let url = line.split_whitespace().last().unwrap();
    assert_eq!(client().get(format!("{url}/local/clock")).send().await.unwrap().status(), 200);

    let taken = url.strip_prefix("http://").unwrap();
    assert_fails(&[taken], "something else does already");
}

#[test]
fn it_fails_in_one_line() {
    assert_fails(&["0.0.0.0:0"], "loopback only");
    assert_fails(&["3030"], "usage: local-stytch [ADDRESS]");
    assert_fails(&["3030"], "\"3030\" is no address");
    assert_fails(&[" Secret-test-a"], "local-stytch: \"secret-...\" is no address");
    assert_fails(&["127.0.0.1:0", "more"], "usage: local-stytch [ADDRESS]");
    assert_fails(&["localhost:3030"], "usage: local-stytch [ADDRESS]");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_refused_too() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    assert_fails(&[OsString::from_vec(vec![0xFF])], "usage: local-stytch [ADDRESS]");
}

#[test]
fn it_says_how_it_is_called() {
    for argument in ["--help", "-h"] {
        let output = program(&[argument]).output().unwrap();
        let usage = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{argument}: {}",
            output.status
        );
        assert!(
            usage.starts_with("usage: local-stytch [ADDRESS]") && usage.contains("127.0.0.1:4000"),
            "{usage}"
        );
    }
}

#[track_caller]
fn assert_fails<A: AsRef<OsStr>>(arguments: &[A], why: &str) {
    let mut running = Running(program(arguments).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "", "it started");
    let mut error = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(1), "{error}");
    assert!(error.contains(why) && error.lines().count() == 1, "{error}");
}
