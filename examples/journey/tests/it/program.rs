//! The program, run as a process.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::start::program;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The running program, killed when dropped.
pub(crate) struct Program {
    pub(crate) url: String,
    /// The page with the messages, if local-stytch stands in for Stytch.
    pub(crate) phone_url: Option<String>,
    child: Child,
    stderr: Option<ChildStderr>,
    /// Kept open, so that the program can keep printing.
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts the program, and returns when it listens.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = program(&["127.0.0.1:0"], variables).spawn().unwrap();
        let stderr = child.stderr.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut url, mut phone_url) = (None, None);
        loop {
            let line = tokio::time::timeout(TIMEOUT, lines.next_line())
                .await
                .expect("the program did not start within 30 s");
            let line = line.unwrap().expect("the program ended early");
            let words: Vec<_> = line.split_whitespace().collect();
            match *words {
                ["Harbour", "Bank", .., last] => url = Some(last.to_owned()),
                ["messages", address, ..] => phone_url = Some(address.to_owned()),
                ["policies", ..] => break,
                _ => {}
            }
        }
        Self { url: url.unwrap(), phone_url, child, stderr, _stdout: lines }
    }

    #[cfg(unix)]
    pub(crate) async fn send_signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id().unwrap());
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
    }

    pub(crate) fn close_stderr(&mut self) {
        self.stderr = None;
    }

    /// Waits until the program ends by itself. Returns the exit code and the log.
    #[cfg(unix)]
    pub(crate) async fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        let read = self.stderr.as_mut().unwrap().read_to_string(&mut log);
        tokio::time::timeout(TIMEOUT, read)
            .await
            .expect("the program did not exit within 30 s")
            .unwrap();
        (self.child.wait().await.unwrap().code(), log)
    }
}
