//! A stand-in for Stytch's API on loopback, which sends scripted replies and records its requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// The server's reaction to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes and keeps the connection open.
    Raw(Vec<u8>),
    /// Sends these bytes and closes the connection without announcing it.
    RawAndClose(Vec<u8>),
    /// Sends these bytes, then nothing more, and leaves the connection open.
    RawAndHold(Vec<u8>),
    /// Holds this reply back until [`ApiServer::release`] is called.
    HeldBack(Box<Reply>),
    /// Closes the connection in an orderly way.
    Close,
    /// Resets the connection.
    Reset,
    /// Sends this head and then a body without end.
    Endless(&'static str),
    /// Sends one byte at a time, without end.
    Drip,
    /// Sends nothing.
    Silent,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::with(status, "content-type: application/json; charset=utf-8\r\n", body)
    }

    /// Returns a reply with these header lines.
    pub(crate) fn with(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Raw(
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}")
                .into_bytes(),
        )
    }
}

/// A request that the server received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    /// Returns the values of the header with this lowercase name.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

#[derive(Clone)]
pub(crate) struct ApiServer {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

type Otherwise = dyn Fn(&Received) -> Reply + Send + Sync;

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    otherwise: Box<Otherwise>,
    received: Mutex<Vec<Received>>,
    connections: Mutex<usize>,
    gate: Notify,
}

impl ApiServer {
    /// Starts a server that sends these replies, one per request. It closes the connection of every
    /// later request.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(replies, |_| Reply::Close).await
    }

    /// Starts a server that sends these replies, one per request. `otherwise` chooses the replies
    /// to all later requests.
    pub(crate) async fn start_with(
        replies: impl IntoIterator<Item = Reply>,
        otherwise: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            otherwise: Box::new(otherwise),
            received: Mutex::default(),
            connections: Mutex::default(),
            gate: Notify::new(),
        };
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, shared: Arc::new(shared) };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *accepting.shared.connections.lock().unwrap() += 1;
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        server
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Returns the number of requests and the number of connections.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.shared.received.lock().unwrap().len(), *self.shared.connections.lock().unwrap())
    }

    /// Releases a reply that is held back.
    pub(crate) fn release(&self) {
        self.shared.gate.notify_one();
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(received) = read(&mut stream).await {
            self.shared.received.lock().unwrap().push(received.clone());
            let reply = self.shared.replies.lock().unwrap().pop_front();
            let mut reply = reply.unwrap_or_else(|| (self.shared.otherwise)(&received));
            while let Reply::HeldBack(held_back) = reply {
                self.shared.gate.notified().await;
                reply = *held_back;
            }
            // The client may hang up at any time.
            let Ok(true) = give(stream.get_mut(), reply).await else { return };
        }
    }
}

/// Sends the reply and returns whether the connection stays open.
async fn give(stream: &mut TcpStream, reply: Reply) -> std::io::Result<bool> {
    match reply {
        Reply::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            return Ok(true);
        }
        Reply::RawAndClose(bytes) => stream.write_all(&bytes).await?,
        Reply::RawAndHold(bytes) => {
            stream.write_all(&bytes).await?;
            drop(stream.read_u8().await);
        }
        Reply::Reset => stream.set_zero_linger()?,
        Reply::Endless(head) => {
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(&vec![b' '; 1 << 20]).await?;
            }
        }
        Reply::Drip => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Reply::Silent => drop(stream.read_u8().await),
        Reply::Close | Reply::HeldBack(_) => {}
    }
    Ok(false)
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let line = read_line(stream).await?;
    let mut headers = Vec::new();
    loop {
        let header = read_line(stream).await?;
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut received = Received { line, headers, body: String::new() };
    let length = match received.header("content-length")[..] {
        [] => 0,
        [length] => length.parse().unwrap(),
        _ => panic!("several lengths"),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    received.body = String::from_utf8(body).unwrap();
    Some(received)
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.strip_suffix("\r\n").map(str::to_owned)
}
