//! The OpenID provider of `tests/provider` in its own process, and a clock that moves with it.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use relying_party::ProviderSettings;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tower_step_up::{Clock, SystemClock};

use crate::chromedriver::TIMEOUT;

/// A running provider. Dropping it ends the process.
pub(crate) struct Provider {
    issuer: String,
    pub(crate) clock: MovedClock,
    _process: Child,
}

/// The system's clock, moved by as many seconds as the provider's.
#[derive(Clone, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl Clock for MovedClock {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() + Duration::seconds(self.0.load(Ordering::Relaxed))
    }
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let directory = std::env::var("OPENID_PROVIDER").unwrap_or_else(|_| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/provider").to_owned()
        });
        let mut process = Command::new("node")
            .arg("provider.mjs")
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(TIMEOUT, lines.next_line()).await.unwrap().unwrap();
        let line = line.expect("the provider starts, if `npm ci` has run in its directory");
        let issuer = line.strip_prefix("issuer ").unwrap().to_owned();
        Self { issuer, clock: MovedClock::default(), _process: process }
    }

    pub(crate) fn settings(&self) -> ProviderSettings {
        ProviderSettings {
            issuer: self.issuer.clone(),
            client_id: "web".to_owned(),
            client_secret: None,
            audience: "https://api.example".to_owned(),
            levels: ["silver", "gold"].map(str::to_owned).to_vec(),
        }
    }

    /// Registers the site's redirect URI.
    pub(crate) async fn register(&self, site: &str) {
        let redirect_uris = [format!("{site}/callback")];
        self.control("client", json!({"client_id": "web", "redirect_uris": redirect_uris})).await;
    }

    /// Sets both clocks to the real time plus this many seconds.
    pub(crate) async fn move_clocks(&self, offset: i64) {
        self.control("clock", json!({"offset": offset})).await;
        self.clock.0.store(offset, Ordering::Relaxed);
    }

    /// Lets users prove a lower level than the one that was asked for.
    pub(crate) async fn accept_lower_levels(&self) {
        self.control("levels", json!({"voluntary": true})).await;
    }

    /// Returns what the provider was asked for, whenever it asked the user.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        let url = format!("{}/control/requests", self.issuer);
        reqwest::get(url).await.unwrap().json().await.unwrap()
    }

    async fn control(&self, name: &str, body: Value) {
        let url = format!("{}/control/{name}", self.issuer);
        let response = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
    }
}
