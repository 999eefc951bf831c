//! An instance in a separate process, which is this test program, started again.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use time::OffsetDateTime;
use tower_step_up::keys::StaticKeys;
use tower_step_up::{StepUpLayer, Verifier};
use tower_step_up_redis::{RedisRevocations, Settings};

use crate::support::{ISSUER, issuer, revoked, routes, server, within};

/// How old the replica may be for the route `/strict` of a process.
pub(crate) const LIMIT: Duration = Duration::from_secs(1);
/// How long the writes of a process may take.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);
const PROJECT: &str = "project-test-00000000-0000-4000-8000-000000000000";
const ADDRESS: &str = "listening on ";

/// A running instance. Dropping it ends the process.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    client: Client<HttpConnector, Empty<bytes::Bytes>>,
}

impl Process {
    /// Starts an instance that uses the Redis with this address.
    pub(crate) fn start(redis: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["process::an_instance_in_a_separate_process", "--exact", "--ignored"])
            .args(["--nocapture", "--test-threads=1"])
            .env("INSTANCE_REDIS", redis)
            .env("INSTANCE_JWKS", issuer().jwks())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            line.split_once(ADDRESS).map(|(_, address)| address.parse().unwrap())
        });
        let address = address.expect("the process prints its address");
        // Otherwise the process could not print any more.
        thread::spawn(move || lines.for_each(drop));
        Self { child, address, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Returns the status of the response to this token.
    pub(crate) async fn status(&self, path: &str, token: &str) -> u16 {
        let request = Request::get(format!("http://{}{path}", self.address));
        self.send(request.header("authorization", format!("Bearer {token}"))).await.0
    }

    /// Revokes a session, and returns whether the instance says that the others will know it.
    pub(crate) async fn revoke(&self, id: &str) -> bool {
        let request = Request::post(format!("http://{}/revoke/{id}", self.address));
        match self.send(request).await.0 {
            200 => true,
            503 => false,
            status => panic!("{status}"),
        }
    }

    /// Returns the number of unwritten revocations, and the number of tokio tasks.
    pub(crate) async fn state(&self) -> (usize, usize) {
        let (_, body) = self.send(Request::get(format!("http://{}/state", self.address))).await;
        let (unwritten, tasks) = body.split_once(' ').unwrap();
        (unwritten.parse().unwrap(), tasks.parse().unwrap())
    }

    async fn send(&self, request: http::request::Builder) -> (u16, String) {
        let response = self.client.request(request.body(Empty::new()).unwrap());
        let response = within(response).await.unwrap();
        let status = response.status().as_u16();
        let body = within(response.into_body().collect()).await.unwrap().to_bytes();
        (status, String::from_utf8(body.into()).unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves one instance until its standard input ends, which it does with the parent.
#[test]
#[ignore = "other tests start it as a separate process"]
fn an_instance_in_a_separate_process() {
    let (Ok(redis), Ok(jwks)) = (env::var("INSTANCE_REDIS"), env::var("INSTANCE_JWKS")) else {
        return;
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap();
    runtime.spawn(serve(redis, jwks));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    runtime.shutdown_background();
}

async fn serve(redis: String, jwks: String) {
    let settings = Settings::new().write_timeout(WRITE_TIMEOUT);
    let revocations = RedisRevocations::start_with(server(&redis), settings);
    let keys = StaticKeys::from_jwks(jwks.as_bytes()).unwrap();
    let verifier = Verifier::new(keys, [ISSUER], PROJECT).revocations(revocations.clone());
    let strict = StepUpLayer::new(verifier.clone()).max_replica_age(LIMIT);
    let app = routes(&verifier)
        .route("/strict", get(|| async { "granted" }).layer(strict))
        .route("/revoke/{id}", post(revoke))
        .route("/state", get(state))
        .with_state(revocations);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{ADDRESS}{}", listener.local_addr().unwrap());
    axum::serve(listener, app).await.unwrap();
}

async fn revoke(State(all): State<RedisRevocations>, Path(id): Path<String>) -> StatusCode {
    match all.write(revoked(&id), OffsetDateTime::now_utc()).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn state(State(all): State<RedisRevocations>) -> String {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    format!("{} {tasks}", all.health().unwritten)
}
