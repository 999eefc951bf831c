//! Starts chromedriver, which starts Chromium. Both end with the test, even if the test fails. The tests
//! of `examples/relying-party` include this file too.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use thirtyfour::error::WebDriverError;
use thirtyfour::extensions::query::ElementPollerWithTimeout;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, WebDriver};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long to wait for anything. The machine may be busy.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait between two attempts.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);
const START: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// Opens a browser, and closes it after the story or when it fails.
pub(crate) async fn drive(scripts: Scripts, story: impl AsyncFnOnce(WebDriver)) {
    let mut chromedriver = Chromedriver::start().await;
    let poller = ElementPollerWithTimeout::new(TIMEOUT, PAUSE);
    let driver = WebDriver::builder(&chromedriver.url, capabilities(scripts))
        .poller(Arc::new(poller))
        .request_timeout(2 * TIMEOUT)
        .connect();
    let driver = driver.await.expect("a session with Chromium");
    let browser = |driver| async {
        story(driver).await;
        Ok::<_, WebDriverError>(())
    };
    driver.run_and_quit(browser).await.unwrap();
    chromedriver.process.kill().await.unwrap();
}

fn capabilities(scripts: Scripts) -> ChromeCapabilities {
    let mut capabilities = ChromeCapabilities::new();
    let arguments = [
        "--headless=new",
        // The browser visits only this test's pages, and Chromium has no sandbox as root.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1280,900",
        // With this pipe, Chromium ends with chromedriver, even if chromedriver is killed.
        "--remote-debugging-pipe",
    ];
    for argument in arguments {
        capabilities.add_arg(argument).unwrap();
    }
    if scripts == Scripts::Off {
        let preferences = json!({ "profile.managed_default_content_settings.javascript": 2 });
        capabilities.add_experimental_option("prefs", preferences).unwrap();
    }
    capabilities
}

struct Chromedriver {
    process: Child,
    url: String,
}

impl Chromedriver {
    /// Starts chromedriver on a free port, which it chooses and prints.
    async fn start() -> Self {
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut process = command.spawn().expect("chromedriver is installed");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("chromedriver prints its port");
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    break port.trim_end_matches('.').to_owned();
                }
            }
        };
        let port = tokio::time::timeout(START, port).await.expect("chromedriver starts");
        // Reads the rest of its output, so that chromedriver never blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }
}
