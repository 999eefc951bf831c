//! What a request costs a server with a guard and without: `cargo bench --bench http`.
//!
//! Each server is axum on a thread of its own, reached over loopback, and the time is what that
//! thread spent on a processor: its own clock says, whoever else is busy. The servers share one
//! core and the client has another, where the system lets threads choose. The rounds take turns,
//! and the ratios are of the medians.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on should say where"
)]

mod support;

#[cfg(unix)]
use measure::main;

#[cfg(not(unix))]
fn main() {
    println!("this system has no clock that is known here for the time of one thread");
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
    use tokio::task::JoinSet;
    use tower::util::MapResponseLayer;
    use tower_step_up::StepUpLayer;

    use super::support::{tokens, transfer, verifier};

    const CONNECTIONS: usize = 32;
    const ROUND: Duration = Duration::from_millis(250);
    const ROUNDS: usize = 21;
    const TOKENS: usize = 512;

    struct Server {
        name: &'static str,
        address: SocketAddr,
        /// Asks the server's thread how long it has been on a processor.
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
            Server::start("guarded, nothing remembered", app().layer(guard(0)), &distinct),
        ];
        let mut rounds: [Vec<f64>; 5] = Default::default();
        for _ in 0..ROUNDS {
            for (server, costs) in servers.iter().zip(&mut rounds) {
                costs.push(server.microseconds_per_request());
            }
        }
        let medians = rounds.map(|mut costs| {
            costs.sort_by(f64::total_cmp);
            costs[ROUNDS / 2]
        });
        println!("{:34} {:>17} {:>7}", "behind the server", "µs on a processor", "ratio");
        for (server, median) in servers.iter().zip(medians) {
            println!("{:34} {median:>17.2} {:>7.3}", server.name, median / medians[0]);
        }
    }

    impl Server {
        fn start(name: &'static str, app: Router, requests: &Arc<Vec<Vec<u8>>>) -> Self {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let address = listener.local_addr().unwrap();
            let (clock, asked) = unbounded_channel();
            thread::spawn(move || {
                pin_to(0);
                runtime().block_on(async {
                    tokio::spawn(tell_time(asked));
                    axum::serve(TcpListener::from_std(listener).unwrap(), app).await.unwrap()
                });
            });
            Self { name, address, clock, requests: Arc::clone(requests) }
        }

        /// One round, over connections that stay open as long as it lasts.
        fn microseconds_per_request(&self) -> f64 {
            let before = self.time_on_a_processor();
            let end = Instant::now() + ROUND;
            let answered: usize = runtime().block_on(async {
                let connections: JoinSet<_> = (0..CONNECTIONS)
                    .map(|first| connection(self.address, Arc::clone(&self.requests), first, end))
                    .collect();
                connections.join_all().await.into_iter().sum()
            });
            (self.time_on_a_processor() - before).as_secs_f64() * 1e6 / answered as f64
        }

        fn time_on_a_processor(&self) -> Duration {
            let (answer, answered) = mpsc::channel();
            self.clock.send(answer).unwrap();
            answered.recv().unwrap()
        }
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    async fn tell_time(mut asked: UnboundedReceiver<mpsc::Sender<Duration>>) {
        while let Some(answer) = asked.recv().await {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            answer.send(Duration::try_from(time).unwrap()).unwrap();
        }
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
            let request = &requests[(first + answered * CONNECTIONS) % requests.len()];
            stream.write_all(request).await.unwrap();
            let length = stream.read(&mut answer).await.unwrap();
            let answer = &answer[..length];
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
            answered += 1;
        }
        answered
    }

    #[cfg(target_os = "linux")]
    fn pin_to(core: usize) {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        // A machine may have one core only.
        let _ = rustix::thread::sched_setaffinity(None, &cores);
    }

    #[cfg(not(target_os = "linux"))]
    fn pin_to(_core: usize) {}
}
