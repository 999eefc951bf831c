//! A `redis-server` of the test's own.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs, process, thread};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

/// A server with its own directory. Dropping it ends the process and deletes the directory.
pub(crate) struct Redis {
    program: PathBuf,
    port: u16,
    directory: PathBuf,
    options: Vec<String>,
    process: Child,
}

/// How long a server may take to start. A machine that runs other tests may be slow.
const START: Duration = Duration::from_secs(20);

impl Redis {
    /// Starts a server without options.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with("").await
    }

    /// Starts a server with these options, as on its command line. Without a program to start, this
    /// says that the test is skipped.
    pub(crate) async fn start_with(options: &str) -> Option<Self> {
        Self::start_on(free_port(), options).await
    }

    /// Starts a server like [`start_with`](Self::start_with) on this port.
    pub(crate) async fn start_on(port: u16, options: &str) -> Option<Self> {
        let program = program()?;
        let directory =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{}-{port}", process::id()));
        fs::create_dir_all(&directory).unwrap();
        let options: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
        let process = spawn(&program, port, &directory, &options);
        let mut redis = Self { program, port, directory, options, process };
        redis.wait_until_ready().await;
        Some(redis)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Ends the process at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts a killed server again, with what it had written to its disk.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(&self.program, self.port, &self.directory, &self.options);
        self.wait_until_ready().await;
    }

    /// Starts a killed server again, without its data.
    pub(crate) async fn restart_empty(&mut self) {
        fs::remove_dir_all(&self.directory).unwrap();
        fs::create_dir_all(&self.directory).unwrap();
        self.restart().await;
    }

    /// Stops the process. Its connections stay open, and the kernel still accepts new ones.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a stopped process go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Runs a command, whose words contain no spaces.
    pub(crate) async fn run<T: FromRedisValue>(&self, command: &str) -> T {
        self.try_run(command).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    pub(crate) async fn try_run<T: FromRedisValue>(&self, command: &str) -> RedisResult<T> {
        let mut words = command.split_whitespace();
        let mut command = redis::cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>());
        command.query_async(&mut self.connection().await?).await
    }

    pub(crate) async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(5)))
            .set_response_timeout(Some(Duration::from_secs(10)));
        Client::open(self.url())?.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Waits until this process, and no other on its port, answers.
    async fn wait_until_ready(&mut self) {
        let id = format!("process_id:{}\r\n", self.process.id());
        let ready = timeout(START, async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    panic!("redis-server ended with {status}:\n{}", self.log());
                }
                match self.try_run::<String>("INFO server").await {
                    Ok(info) if info.contains(&id) => return,
                    _ => sleep(Duration::from_millis(5)).await,
                }
            }
        });
        if ready.await.is_err() {
            panic!("redis-server did not start in {START:?}:\n{}", self.log());
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn spawn(program: &Path, port: u16, directory: &Path, options: &[String]) -> Child {
    // A sentinel needs a file that it can write to. Without a file, no server reads the machine's.
    let file = options.iter().any(|option| option == "--sentinel").then(|| {
        let file = directory.join("sentinel.conf");
        fs::write(&file, "").unwrap();
        file
    });
    Command::new(program)
        .args(file)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--dir".as_ref(), directory.as_os_str()])
        .args(["--logfile", "log"])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Returns a port that nobody listens on. It is below the ports that Linux gives to outgoing
/// connections, so nobody takes it while a server restarts.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Test programs that run at the same time begin in different places.
        let place = process::id() * 97 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + (place % 20_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Finds the program that `REDIS_SERVER` names, or `redis-server`. Without it, the test is skipped.
/// When `CI` is set, the test fails instead.
fn program() -> Option<PathBuf> {
    let name = env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).chain(["/usr/bin".into()]);
    let found = places.find_map(|place| Some(place.join(&name)).filter(|file| file.is_file()));
    if found.is_none() {
        let test = thread::current().name().unwrap_or("a test").to_owned();
        let line = format!("skipped: {test} needs redis-server (Debian: apt install redis-server)");
        assert!(env::var_os("CI").is_none(), "{line}, and when CI is set no test is skipped");
        // The test harness captures what `eprintln` prints.
        let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    }
    found
}
