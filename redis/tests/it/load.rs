//! Two processes under load while their server fails in every way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Instant;

use tokio::task::JoinSet;
use tower_step_up::SystemClock;
use tower_step_up::testing::TestIssuer;

use crate::process::{LIMIT, Process};
use crate::proxy::Proxy;
use crate::server::Redis;
use crate::support::{issuer, session, within};

/// Two processes, the requests that run against them, and what they were told.
struct Load {
    processes: [Process; 2],
    issuer: TestIssuer,
    /// When each write of a revocation began and, if it succeeded, ended, and at which process.
    revoked: RwLock<BTreeMap<String, Write>>,
    ends: AtomicBool,
    granted: AtomicUsize,
    refused: AtomicUsize,
    /// Requests of valid sessions that were answered with 503, which `/strict` promises.
    unavailable: [AtomicUsize; 2],
}

#[derive(Clone)]
struct Write {
    process: usize,
    /// When the process had it, whatever it told.
    held_at: Instant,
    /// When the process told that the others will know it.
    shared_at: Option<Instant>,
    token: String,
}

const PATHS: [&str; 3] = ["/strict", "/", "/news"];

impl Load {
    /// Sends requests to one process until the load ends.
    async fn run(self: Arc<Self>, process: usize, seed: usize) {
        let valid = self.issuer.mint(&session(&format!("valid-{process}-{seed}")));
        for round in seed.. {
            if self.ends.load(Ordering::Relaxed) {
                return;
            }
            let path = PATHS[round % PATHS.len()];
            self.check_valid(process, path, &valid).await;
            let some = {
                let revoked = self.revoked.read().unwrap();
                let count = revoked.len().max(1);
                revoked.iter().nth(round * 7_919 % count).map(|(id, it)| (id.clone(), it.clone()))
            };
            if let Some((id, write)) = some {
                self.check_revoked(process, path, &id, &write).await;
            }
        }
    }

    /// A valid session is granted, or refused with 503 if the replica is too old.
    async fn check_valid(&self, process: usize, path: &str, token: &str) {
        match self.processes[process].status(path, token).await {
            200 => self.granted.fetch_add(1, Ordering::Relaxed),
            503 if path == "/strict" => self.unavailable[process].fetch_add(1, Ordering::Relaxed),
            status => panic!("{path} answered a valid session with {status}"),
        };
    }

    /// A revoked session is refused by the process that was told, and by the other once it has
    /// learned it or its replica is too old.
    async fn check_revoked(&self, process: usize, path: &str, id: &str, write: &Write) {
        let sent = Instant::now();
        let status = self.processes[process].status(path, &write.token).await;
        let is_late = match write.shared_at {
            _ if process == write.process => sent > write.held_at,
            Some(shared_at) => path == "/strict" && sent > shared_at + LIMIT,
            None => false,
        };
        assert!(!is_late || status != 200, "{id} was granted too late at {process}, {path}");
        self.refused.fetch_add(usize::from(status == 401), Ordering::Relaxed);
    }

    /// Revokes new sessions at both processes, and returns how many writes succeeded.
    async fn revoke(&self, phase: &str, count: usize) -> usize {
        let mut succeeded = 0;
        for place in 0..count {
            let (id, process) = (format!("{phase}-{place}"), place % 2);
            let token = self.issuer.mint(&session(&id));
            let is_shared = self.processes[process].revoke(&id).await;
            succeeded += usize::from(is_shared);
            let held_at = Instant::now();
            let shared_at = is_shared.then_some(held_at);
            let write = Write { process, held_at, shared_at, token };
            self.revoked.write().unwrap().insert(id, write);
        }
        succeeded
    }

    /// Waits until both processes refuse every session that was revoked.
    async fn agree(&self) {
        let all: Vec<_> = self.revoked.read().unwrap().values().cloned().collect();
        for process in &self.processes {
            for write in &all {
                self.until(process, "/news", &write.token, 401).await;
            }
        }
    }

    async fn until(&self, process: &Process, path: &str, token: &str, status: u16) {
        let until = async {
            while process.status(path, token).await != status {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        within(until).await;
    }

    /// Waits until the strict route of both processes answers a valid session with this status.
    async fn until_strict_answers(&self, status: u16) {
        let valid = self.issuer.mint(&session("valid"));
        for process in &self.processes {
            self.until(process, "/strict", &valid, status).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_under_load_keep_their_promises_in_every_outage() {
    let Some(mut redis) = Redis::start_with("--maxmemory-policy noeviction").await else { return };
    let proxy = Proxy::to(redis.address()).await;
    // One process is behind a proxy, so that it can be cut off alone.
    let processes = [Process::start(&redis.url()), Process::start(&proxy.url())];
    let load = Arc::new(Load {
        processes,
        issuer: issuer().clone().clock(SystemClock),
        revoked: RwLock::default(),
        ends: AtomicBool::new(false),
        granted: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        unavailable: Default::default(),
    });
    load.until_strict_answers(200).await;
    let mut requests = JoinSet::new();
    for seed in 0..4 {
        requests.spawn(Arc::clone(&load).run(seed % 2, seed));
    }

    // Faults, while requests run. Each write that succeeds is in force within the limit.
    assert_eq!(load.revoke("calm", 20).await, 20);
    load.agree().await;

    redis.stop();
    assert_eq!(load.revoke("stopped", 4).await, 0);
    load.until_strict_answers(503).await;
    redis.go_on();
    load.until_strict_answers(200).await;
    load.agree().await;

    redis.run::<()>("CONFIG SET maxmemory 1").await;
    assert_eq!(load.revoke("full", 4).await, 0);
    redis.run::<()>("CONFIG SET maxmemory 0").await;
    load.agree().await;

    for round in 0..5 {
        proxy.cut_after(round * 40);
        load.revoke(&format!("cut-{round}"), 10).await;
        redis.run::<usize>("CLIENT KILL TYPE normal SKIPME yes").await;
        load.revoke(&format!("disconnected-{round}"), 10).await;
    }
    load.agree().await;

    // One process cannot read, and the other can.
    proxy.hold(true);
    load.revoke("held", 10).await;
    let valid = load.issuer.mint(&session("valid"));
    load.until(&load.processes[1], "/strict", &valid, 503).await;
    load.until(&load.processes[0], "/strict", &valid, 200).await;
    proxy.hold(false);
    load.until_strict_answers(200).await;
    load.agree().await;

    // Both processes have every entry when the server loses them.
    redis.run::<()>("FLUSHALL").await;
    load.revoke("flushed", 10).await;
    load.agree().await;
    redis.kill();
    assert_eq!(load.revoke("killed", 4).await, 0);
    load.until_strict_answers(503).await;
    redis.restart_empty().await;
    load.until_strict_answers(200).await;
    load.revoke("restarted", 10).await;
    load.agree().await;

    load.ends.store(true, Ordering::Relaxed);
    while let Some(ended) = within(requests.join_next()).await {
        ended.unwrap();
    }
    println!(
        "measured: under load {} requests granted, {} revoked sessions refused, {:?} times 503",
        load.granted.load(Ordering::Relaxed),
        load.refused.load(Ordering::Relaxed),
        load.unavailable,
    );
    leaves_nothing(&load, &redis).await;
}

/// Nothing is left of the outages: no unwritten entries, tasks or connections.
async fn leaves_nothing(load: &Load, redis: &Redis) {
    let quiet = async {
        loop {
            let mut tasks = 0;
            for process in &load.processes {
                let (unwritten, of_process) = process.state().await;
                tasks += unwritten + of_process;
            }
            let clients = redis.run::<String>("CLIENT LIST").await.lines().count();
            // Each process has a reader and a writer, and their two connections. The rest serves
            // the connections of this test, which also asks Redis.
            if clients <= 5 && tasks <= 30 {
                println!("measured: {tasks} tasks and {clients} connections are left");
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    within(quiet).await;
    // A process that starts now knows every revocation.
    let third = Process::start(&redis.url());
    let all: Vec<_> = load.revoked.read().unwrap().values().cloned().collect();
    for write in all {
        load.until(&third, "/news", &write.token, 401).await;
    }
}
