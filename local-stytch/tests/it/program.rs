use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
};

use crate::support::{Connection, client};

fn program<A: AsRef<OsStr>>(arguments: &[A]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-stytch"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Kills the program when the test ends, even if it fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts the program, and returns its address after it has printed its whole introduction.
    fn start() -> (Self, SocketAddr) {
        let mut running = Self(program(&["127.0.0.1:0"]).spawn().unwrap());
        let mut lines =
            BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        assert!(
            first.starts_with("local-stytch: a stand-in for Stytch's API, for development"),
            "{first}"
        );
        let line = lines.find(|line| line.contains("base URL")).unwrap();
        let url = line.split_whitespace().last().unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        assert!(lines.any(|line| line.contains("stops it")));
        (running, address)
    }

    /// Waits until the program ends by itself. Returns the exit code and the standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.0.wait().unwrap().code();
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }
}

#[tokio::test]
async fn the_program_prints_its_address_and_responds_there() {
    let (_running, address) = Running::start();
    let health = client().get(format!("http://{address}/healthz")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    assert_eq!(health.text().await.unwrap(), r#"{"keys":1}"#);
    assert_fails(&[address.to_string()], "the address is already in use");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_lets_a_pending_request_finish() {
    for signal in ["TERM", "INT"] {
        let (running, address) = Running::start();
        let mut connection = Connection::open(address).await;
        let head = "POST /local/clock HTTP/1.1\r\nHost: localhost\r\nContent-Length: 21";
        connection.send_head(head).await;
        send_signal(signal, &running.0);
        while TcpStream::connect(address).is_ok() {
            tokio::task::yield_now().await;
        }
        connection.send(r#"{"advance_seconds":1}"#).await;
        let response = connection.rest().await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{signal}: {response}");
        assert_eq!(running.end().0, Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_has_a_line_for_each_request_and_no_query() {
    let (running, address) = Running::start();
    for path in ["/local/clock?code=123456", "/v1/users/user-test-1"] {
        client().get(format!("http://{address}{path}")).send().await.unwrap();
    }
    send_signal("TERM", &running.0);
    let (_, log) = running.end();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("responded")).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains(r#"method=GET path="/local/clock" status=200"#), "{log}");
    assert!(lines[1].contains(r#"status=401 error_type="unauthorized_credentials""#), "{log}");
    assert!(!log.contains("123456"), "{log}");
}

#[cfg(unix)]
fn send_signal(name: &str, to: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", to.id())]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn a_closed_standard_error_does_not_end_the_program() {
    let (mut running, address) = Running::start();
    drop(running.0.stderr.take());
    for _ in 0..2 {
        let response = client().get(format!("http://{address}/local/clock")).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

#[test]
fn each_error_is_one_line() {
    assert_fails(&["0.0.0.0:0"], "loopback only");
    assert_fails(&["3030"], "usage: local-stytch [ADDRESS]");
    assert_fails(&["3030"], "\"3030\" is not an address");
    assert_fails(&[" Secret-test-a"], "local-stytch: \"secret-...\" is not an address");
    assert_fails(&["127.0.0.1:0", "more"], "usage: local-stytch [ADDRESS]");
    assert_fails(&["localhost:3030"], "usage: local-stytch [ADDRESS]");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_unicode_is_refused() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    assert_fails(&[OsString::from_vec(vec![0xFF])], "usage: local-stytch [ADDRESS]");
}

#[test]
fn help_prints_the_usage() {
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
    assert_eq!(line, "", "the program started");
    let mut error = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(1), "{error}");
    assert!(error.contains(why) && error.lines().count() == 1, "{error}");
}
