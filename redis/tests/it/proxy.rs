//! A proxy between an instance and its server, which breaks connections as a test demands.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A proxy on loopback. Dropping it closes its connections.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    target: SocketAddr,
    /// After how many bytes of replies to cut each of the next connections.
    cuts: Mutex<VecDeque<usize>>,
    /// What holds for the connections that are open.
    orders: watch::Sender<Orders>,
    accepted: AtomicUsize,
    cut: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
struct Orders {
    /// Replies are held back.
    hold: bool,
    /// Counts the calls of [`Proxy::cut_after`], and how many further bytes of replies the
    /// connections that were open then may carry.
    cut: (usize, usize),
}

impl Proxy {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target,
            cuts: Mutex::default(),
            orders: watch::Sender::default(),
            accepted: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
        });
        let of_task = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                of_task.accepted.fetch_add(1, Ordering::Relaxed);
                while connections.try_join_next().is_some() {}
                connections.spawn(Arc::clone(&of_task).carry(client));
            }
        });
        Self { address, shared, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Resets every open connection once it has carried this many further bytes of replies.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.shared.orders.send_modify(|orders| orders.cut = (orders.cut.0 + 1, bytes));
    }

    /// Resets each of the next connections after this many bytes of replies, one number for each.
    pub(crate) fn cut_next_after(&self, bytes: impl IntoIterator<Item = usize>) {
        self.shared.cuts.lock().unwrap().extend(bytes);
    }

    /// Holds back all replies, as a network that loses packets does.
    pub(crate) fn hold(&self, hold: bool) {
        self.shared.orders.send_modify(|orders| orders.hold = hold);
    }

    /// Returns how many connections were accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many connections were reset.
    pub(crate) fn cut(&self) -> usize {
        self.shared.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    async fn carry(self: Arc<Self>, client: TcpStream) {
        let budget = self.cuts.lock().unwrap().pop_front();
        let Ok(server) = TcpStream::connect(self.target).await else { return };
        let (mut from_client, mut to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let requests = tokio::io::copy(&mut from_client, &mut to_server);
        let replies = self.carry_replies(from_server, &mut to_client, budget);
        // The other direction ends with the one that ends first.
        let is_cut = tokio::select! {
            _ = requests => false,
            is_cut = replies => is_cut,
        };
        if is_cut {
            self.cut.fetch_add(1, Ordering::Relaxed);
            // Without a linger time, closing a connection resets it.
            to_client.as_ref().set_zero_linger().unwrap();
        }
    }

    /// Carries replies until the connection ends, and returns whether it is to be reset.
    async fn carry_replies(
        &self,
        mut from_server: OwnedReadHalf,
        to_client: &mut (impl AsyncWriteExt + Unpin),
        budget: Option<usize>,
    ) -> bool {
        let mut budget = budget.unwrap_or(usize::MAX);
        let mut orders = self.orders.subscribe();
        let (mut cuts, _) = orders.borrow().cut;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let now = *orders.borrow_and_update();
            if now.cut.0 != cuts {
                (cuts, budget) = now.cut;
            }
            if budget == 0 {
                return true;
            }
            tokio::select! {
                changed = orders.changed() => changed.unwrap(),
                read = from_server.read(&mut buffer), if !now.hold => {
                    let Ok(read @ 1..) = read else { return false };
                    let carried = read.min(budget);
                    budget -= carried;
                    if to_client.write_all(&buffer[..carried]).await.is_err() {
                        return false;
                    }
                }
            }
        }
    }
}
