//! A key server on loopback whose behaviour each test chooses.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tower_step_up::keys::RemoteKeys;

/// The server's reaction to the next requests.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    Serve(String),
    /// Serves with this `Cache-Control`.
    ServeFor(String, &'static str),
    /// Serves with this `Content-Encoding`.
    ServeEncoded(String, &'static str),
    /// Serves once [`KeyServer::release`] is called.
    ServeHeldBack(String),
    Status(u16),
    RedirectTo(String),
    /// States a greater length than it sends.
    Truncated,
    /// Sends megabytes after stating their length.
    Huge,
    /// Sends megabytes without stating their length.
    HugeWithoutLength,
    /// Sends one byte every 20 ms.
    Drip,
    /// Sends nothing.
    Silent,
    NotHttp,
    CloseAtOnce,
}

/// Returns every behaviour that yields no keys.
pub(crate) fn misbehaviours() -> Vec<Behaviour> {
    use Behaviour::*;
    vec![
        Status(404),
        Status(500),
        Status(204),
        RedirectTo("http://127.0.0.1:1/".into()),
        Serve(String::new()),
        Serve("<html>".into()),
        Serve("{}".into()),
        Serve(r#"{"keys":[]}"#.into()),
        Serve(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a"}]}"#.into()),
        Serve("[".repeat(100_000)),
        ServeEncoded("\u{1f}\u{8b}\u{8}".into(), "gzip"),
        Truncated,
        Huge,
        HugeWithoutLength,
        Drip,
        Silent,
        NotHttp,
        CloseAtOnce,
    ]
}

#[derive(Clone)]
pub(crate) struct KeyServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    requests: AtomicUsize,
    last_path: Mutex<String>,
    hung_up: AtomicUsize,
    arrived: Notify,
    gate: Notify,
}

impl KeyServer {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            requests: AtomicUsize::new(0),
            last_path: Mutex::default(),
            hung_up: AtomicUsize::new(0),
            arrived: Notify::new(),
            gate: Notify::new(),
        });
        let server = Self { address: listener.local_addr().unwrap(), shared };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().respond(stream));
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/sessions/jwks/project", self.address)
    }

    /// Returns the name of an issuer whose discovery document this server serves.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}/v1/issuer", self.address)
    }

    pub(crate) fn keys(&self) -> RemoteKeys {
        RemoteKeys::new(&self.url()).unwrap()
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Returns the path of the last request.
    pub(crate) fn last_path(&self) -> String {
        self.shared.last_path.lock().unwrap().clone()
    }

    /// Waits until this many requests have arrived.
    pub(crate) async fn until_requests(&self, count: usize) {
        within_seconds(async {
            while self.requests() < count {
                self.shared.arrived.notified().await;
            }
        })
        .await;
    }

    /// Releases a response that is held back.
    pub(crate) fn release(&self) {
        self.shared.gate.notify_one();
    }

    /// Waits until a client has hung up on a silent server.
    pub(crate) async fn until_hung_up(&self) {
        within_seconds(async {
            while self.shared.hung_up.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn respond(self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return,
            }
        }
        let request = String::from_utf8(request).unwrap();
        assert!(request.starts_with("GET /v1/"), "{request}");
        *self.shared.last_path.lock().unwrap() = request.split(' ').nth(1).unwrap().to_owned();
        assert!(request.contains("\r\naccept-encoding: identity\r\n"), "{request}");
        self.shared.requests.fetch_add(1, Ordering::SeqCst);
        self.shared.arrived.notify_waiters();
        self.shared.arrived.notify_one();
        let behaviour = self.shared.behaviour.lock().unwrap().clone();
        // The client may hang up at any time.
        let _ = self.behave_on(&mut stream, behaviour).await;
    }

    async fn behave_on(&self, stream: &mut TcpStream, behaviour: Behaviour) -> std::io::Result<()> {
        let ok = |length: usize| {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes()
        };
        match behaviour {
            Behaviour::Serve(document) => {
                stream.write_all(&[ok(document.len()), document.into_bytes()].concat()).await
            }
            Behaviour::ServeFor(document, cache_control) => {
                stream.write_all(&with_header("cache-control", cache_control, &document)).await
            }
            Behaviour::ServeEncoded(document, encoding) => {
                stream.write_all(&with_header("content-encoding", encoding, &document)).await
            }
            Behaviour::ServeHeldBack(document) => {
                self.shared.gate.notified().await;
                stream.write_all(&[ok(document.len()), document.into_bytes()].concat()).await
            }
            Behaviour::Status(status) => {
                stream
                    .write_all(
                        format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes(),
                    )
                    .await
            }
            Behaviour::RedirectTo(url) => {
                let head =
                    format!("HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(head.as_bytes()).await
            }
            Behaviour::Truncated => {
                stream.write_all(&[ok(1_000), b"{\"keys\":[".to_vec()].concat()).await
            }
            Behaviour::Huge => {
                stream.write_all(&ok(64 << 20)).await?;
                write_megabytes(stream).await
            }
            Behaviour::HugeWithoutLength => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
                write_megabytes(stream).await
            }
            Behaviour::Drip => {
                stream.write_all(&ok(1_000)).await?;
                for _ in 0..1_000 {
                    stream.write_all(b" ").await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok(())
            }
            Behaviour::Silent => {
                let _ = stream.read_u8().await;
                self.shared.hung_up.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
            Behaviour::NotHttp => stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await,
            Behaviour::CloseAtOnce => Ok(()),
        }
    }
}

fn with_header(name: &str, value: &str, document: &str) -> Vec<u8> {
    let length = document.len();
    format!("HTTP/1.1 200 OK\r\n{name}: {value}\r\ncontent-length: {length}\r\n\r\n{document}")
        .into_bytes()
}

/// Responds to every request with this JSON, over TLS. Returns the server's URL and its certificate
/// in PEM.
pub(crate) async fn serve_over_tls(json: String) -> (String, String) {
    let (port, pem) = serve_over_tls_as(&["localhost"], json).await;
    (format!("https://localhost:{port}"), pem)
}

/// Responds to every request with this JSON, over TLS under these host names. Returns the port and
/// the certificate in PEM.
pub(crate) async fn serve_over_tls_as(names: &[&str], json: String) -> (u16, String) {
    let (acceptor, pem) = tls_of(names);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let json = json.clone();
            let service = hyper::service::service_fn(move |_| {
                let response = Response::builder().header("content-type", "application/json");
                std::future::ready(response.body(Full::<Bytes>::from(json.clone())))
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (port, pem)
}

/// Returns a TLS acceptor for these host names, and its certificate in PEM.
pub(crate) fn tls_of(names: &[&str]) -> (TlsAcceptor, String) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let pem = certified.cert.pem();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], certified.signing_key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(tls)), pem)
}

async fn write_megabytes(stream: &mut TcpStream) -> std::io::Result<()> {
    for _ in 0..64 {
        stream.write_all(&vec![b' '; 1 << 20]).await?;
    }
    Ok(())
}

pub(crate) async fn within_seconds<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("not done within 20 s")
}
