//! The cost of a request to a server, with a guard and without: `cargo bench --bench http`.
//!
//! Each server is axum in a separate thread, reached over loopback. The benchmark measures the CPU
//! time of that thread. If the system allows it, the servers share one core and the client has
//! another. The servers take short turns, and each ratio is the median of the ratios within a turn.
//! The ratios therefore stay stable if the machine slows down or speeds up during the run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing benchmark should panic at once"
)]

mod support;

#[cfg(unix)]
use measure::main;

#[cfg(not(unix))]
fn main() {
    println!("this benchmark needs a Unix clock for the CPU time of a thread");
}

#[cfg(unix)]
mod measure {
    use std::net::SocketAddr;
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::{Duration, Instant};

    use axum::Router;
    use axum::response::Response;
    use axum::routing::get;
    use rustix::time::{ClockId, clock_gettime};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::task::{JoinSet, yield_now};
    use tower::util::MapResponseLayer;
    use tower_step_up::StepUpLayer;

    use super::support::{median, tokens, transfer, verifier};

    const CONNECTIONS: usize = 32;
    const TURN: Duration = Duration::from_millis(40);
    const TURNS: usize = 151;
    const TOKENS: usize = 512;

    struct Server {
        name: &'static str,
        address: SocketAddr,
        /// Asks the server's thread for its CPU time.
        clock: UnboundedSender<mpsc::Sender<Duration>>,
        requests: Arc<Vec<Vec<u8>>>,
    }

    pub(super) fn main() {
        pin_to(1);
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
        let nothing = MapResponseLayer::new(|response: Response| response);
        let servers = [
            Server::start("a layer that does nothing", app().layer(nothing), &repeats),
            Server::start("no layer", app(), &repeats),
            Server::start("guarded, 32 tokens that repeat", app().layer(guard(16 << 20)), &repeats),
            Server::start(
                "guarded, 512 tokens that repeat",
                app().layer(guard(16 << 20)),
                &distinct,
            ),
            Server::start("guarded, without a cache", app().layer(guard(0)), &distinct),
        ];
        let client = runtime();
        // A client that slept would have to be woken, at the cost of the server that responds.
        client.spawn(async {
            loop {
                yield_now().await;
            }
        });
        let mut servers = servers.map(|server| (client.block_on(server.connect()), server));
        let turns: Vec<Vec<f64>> = (0..TURNS)
            .map(|_| {
                let costs = servers.iter_mut().map(|(connections, server)| {
                    client.block_on(server.microseconds_per_request(connections))
                });
                costs.collect()
            })
            .collect();
        println!("{:34} {:>17} {:>7}", "server", "µs of CPU time", "ratio");
        for (index, (_, server)) in servers.iter().enumerate() {
            let cost = median(turns.iter().map(|costs| costs[index]));
            let ratio = median(turns.iter().map(|costs| costs[index] / costs[0]));
            println!("{:34} {cost:>17.2} {ratio:>7.3}", server.name);
        }
    }

    impl Server {
        fn start(name: &'static str, app: Router, requests: &Arc<Vec<Vec<u8>>>) -> Self {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let address = listener.local_addr().unwrap();
            let (clock, time_requests) = unbounded_channel();
            let server = move || {
                pin_to(0);
                runtime().block_on(async {
                    tokio::spawn(tell_time(time_requests));
                    axum::serve(TcpListener::from_std(listener).unwrap(), app).await.unwrap()
                });
            };
            // A profile tells the servers apart by the names of their threads.
            thread::Builder::new().name(name.into()).spawn(server).unwrap();
            Self { name, address, clock, requests: Arc::clone(requests) }
        }

        async fn connect(&self) -> Vec<Connection> {
            let mut connections = Vec::new();
            for first in 0..CONNECTIONS {
                let stream = TcpStream::connect(self.address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                connections.push(Connection { stream, next: first });
            }
            connections
        }

        /// Loads the server for one turn. Returns the CPU time of one request.
        async fn microseconds_per_request(&self, connections: &mut Vec<Connection>) -> f64 {
            let before = self.time_on_a_processor();
            let end = Instant::now() + TURN;
            let under_load: JoinSet<_> = connections
                .drain(..)
                .map(|connection| connection.load(Arc::clone(&self.requests), end))
                .collect();
            let mut answered = 0;
            for (connection, requests) in under_load.join_all().await {
                connections.push(connection);
                answered += requests;
            }
            (self.time_on_a_processor() - before).as_secs_f64() * 1e6 / answered as f64
        }

        fn time_on_a_processor(&self) -> Duration {
            let (response, received) = mpsc::channel();
            self.clock.send(response).unwrap();
            received.recv().unwrap()
        }
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    async fn tell_time(mut time_requests: UnboundedReceiver<mpsc::Sender<Duration>>) {
        while let Some(response) = time_requests.recv().await {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            response.send(Duration::try_from(time).unwrap()).unwrap();
        }
    }

    struct Connection {
        stream: TcpStream,
        /// The index of the next request.
        next: usize,
    }

    impl Connection {
        async fn load(mut self, requests: Arc<Vec<Vec<u8>>>, end: Instant) -> (Self, usize) {
            let (mut response, mut answered) = (vec![0; 4_096], 0);
            while Instant::now() < end {
                let request = &requests[self.next % requests.len()];
                self.next += CONNECTIONS;
                self.stream.write_all(request).await.unwrap();
                let length = self.stream.read(&mut response).await.unwrap();
                let response = &response[..length];
                assert!(
                    response.starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(response)
                );
                answered += 1;
            }
            (self, answered)
        }
    }

    #[cfg(target_os = "linux")]
    fn pin_to(core: usize) {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        // This fails if the machine has only one core, and then it does not matter.
        let _ = rustix::thread::sched_setaffinity(None, &cores);
    }

    #[cfg(not(target_os = "linux"))]
    fn pin_to(_core: usize) {}
}
