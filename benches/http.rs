//! Requests per second of an axum server over loopback, without a guard and with one: `cargo bench
//! --bench http`.
//!
//! The server has one thread and the client another. The rounds take turns, and the ratios are of
//! their medians.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on should say where"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tower::util::MapResponseLayer;
use tower_step_up::StepUpLayer;

use support::{tokens, transfer, verifier};

const CONNECTIONS: usize = 32;
const ROUND: Duration = Duration::from_millis(400);
const ROUNDS: usize = 9;
const TOKENS: usize = 512;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn serve(app: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        runtime().block_on(async {
            axum::serve(TcpListener::from_std(listener).unwrap(), app).await.unwrap()
        });
    });
    address
}

/// Requests answered in one round, over connections that stay open.
fn load(address: SocketAddr, requests: &Arc<Vec<Vec<u8>>>) -> f64 {
    let end = Instant::now() + ROUND;
    let answered: usize = runtime().block_on(async {
        let connections: JoinSet<_> = (0..CONNECTIONS)
            .map(|first| connection(address, Arc::clone(requests), first, end))
            .collect();
        connections.join_all().await.into_iter().sum()
    });
    answered as f64 / ROUND.as_secs_f64()
}

async fn connection(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    first: usize,
    end: Instant,
) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut answer, mut answered) = (vec![0; 4_096], 0);
    while Instant::now() < end {
        stream
            .write_all(&requests[(first + answered * CONNECTIONS) % requests.len()])
            .await
            .unwrap();
        let length = stream.read(&mut answer).await.unwrap();
        assert!(
            answer[..length].starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer[..length])
        );
        answered += 1;
    }
    answered
}

fn main() {
    let requests = |tokens: &[String]| {
        let request = |token: &String| {
            format!("GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")
        };
        Arc::new(tokens.iter().map(request).map(String::into_bytes).collect::<Vec<_>>())
    };
    let tokens = tokens(TOKENS);
    let (repeats, distinct) = (requests(&tokens[..CONNECTIONS]), requests(&tokens));
    let app = || Router::new().route("/", get(async || "hello"));
    let guard =
        |cache_bytes| StepUpLayer::new(verifier().cache_bytes(cache_bytes)).require(transfer());
    let servers = [
        ("unguarded", serve(app()), &repeats),
        (
            "with a layer that does nothing",
            serve(app().layer(MapResponseLayer::new(|response: Response| response))),
            &repeats,
        ),
        ("guarded, tokens that repeat", serve(app().layer(guard(16 << 20))), &repeats),
        ("guarded, nothing remembered", serve(app().layer(guard(0))), &distinct),
    ];
    let mut rates = servers.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, address, requests), rates) in servers.iter().zip(&mut rates) {
            rates.push(load(*address, requests));
        }
    }
    let medians = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    });
    for ((name, ..), median) in servers.iter().zip(medians) {
        println!(
            "{name:40} {median:>8.0} requests per second, {:.3} of unguarded",
            median / medians[0]
        );
    }
}
