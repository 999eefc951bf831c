//! Requests through a company's proxy, with real TLS and a real CONNECT proxy on loopback.
//!
//! Environment variables belong to a process, so the client is a separate process. The test starts
//! itself again in that process, and an environment variable makes it the client.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use base64_simd::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tower_step_up::keys::RemoteKeys;
use tower_step_up::sessions::PresentedToken;
use tower_step_up::stytch::{Project, SessionsApi};
use tracing::Level;

use crate::events::logged;
use crate::key_server::{serve_over_tls_as, tls_of, within_seconds};
use crate::support::issuer;

const THIS: &str = "proxies::keys_and_sessions_use_the_environments_proxy_if_that_is_switched_on";
const SERVER: &str = "TEST_SERVER";
const ROOT: &str = "TEST_ROOT";
/// The variable that tells the client to use the proxy.
const SWITCHED_ON: &str = "TEST_PROXY_SWITCHED_ON";
const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

const SECRET: &str = "secret-test-QbJ4y2fNhrcNjVeKXUGQ";
const TOKEN: &str = "opaque-mZAYn5aLEqKUlZ";
const PASSWORD: &str = "w0rd-of-the-proxy";

/// Fetches keys in two ways and authenticates a session. Prints the results, the log, and the debug
/// output of everything involved.
fn client(server: &str) {
    let pem = std::env::var(ROOT).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let act = || {
        let mut keys = RemoteKeys::new(&format!("{server}/jwks")).unwrap();
        let mut project = Project::new("project-test-a").unwrap();
        if std::env::var_os(SWITCHED_ON).is_some() {
            keys = keys.proxy_from_env().unwrap();
            project = project.proxy_from_env().unwrap();
        }
        let keys = keys.trust_roots(pem.as_bytes()).unwrap();
        // A domain that is set later is reached through the proxy too.
        let project = project.custom_domain(server).unwrap();
        let of_project = project.remote_keys().trust_roots(pem.as_bytes()).unwrap();
        let api: SessionsApi = project.sessions_api(SECRET).trust_roots(pem.as_bytes()).unwrap();
        println!("{keys:?} {project:?} {api:?} {:?}", project.guard());
        runtime.block_on(within_seconds(async {
            for keys in [keys, of_project] {
                let verifier = project.verifier_with(keys);
                let fetched = verifier.warm_up().await;
                println!("RESULT {} {:?}", fetched.is_ok(), verifier.health());
            }
            let asked = api.authenticate(&PresentedToken::SessionToken(TOKEN.into())).await;
            println!("RESULT {} {asked:?}", asked.is_ok());
        }));
    };
    let ((), log) = logged(Level::TRACE, act);
    println!("{}", log.join("\n"));
}

/// A proxy that connects every tunnel to one server.
#[derive(Clone)]
struct Proxy {
    server: u16,
    tls: TlsAcceptor,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    /// The bytes that clients sent through the tunnels.
    sent: Vec<Vec<u8>>,
}

impl Proxy {
    /// Starts a proxy that listens on two ports, without TLS and with it.
    async fn start(server: u16, tls: TlsAcceptor) -> (Self, [u16; 2]) {
        let proxy = Self { server, tls, seen: Arc::default() };
        let (plain, secure) = (proxy.clone(), proxy.clone());
        let ports = [
            listen(move |stream| plain.clone().serve(stream)).await,
            listen(move |stream| {
                let proxy = secure.clone();
                async move { proxy.clone().serve(proxy.tls.accept(stream).await.unwrap()).await }
            })
            .await,
        ];
        (proxy, ports)
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let mut client = BufReader::new(stream);
        let (mut head, mut line) = (Vec::new(), String::new());
        while line != "\r\n" {
            line.clear();
            client.read_line(&mut line).await.unwrap();
            head.push(line.trim().to_owned());
        }
        self.seen.lock().unwrap().requests.push(head[0].clone());
        let basic = format!("Basic {}", STANDARD.encode_to_string(format!("user:{PASSWORD}")));
        if !head.contains(&format!("Proxy-Authorization: {basic}")) {
            let response = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
            client.get_mut().write_all(response).await.unwrap();
            return;
        }
        let server = TcpStream::connect(("127.0.0.1", self.server)).await.unwrap();
        client.get_mut().write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let (mut from_server, mut to_server) = server.into_split();
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let back = tokio::spawn(async move {
            // Either side may hang up at any time.
            let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        });
        let (mut sent, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = from_client.read(&mut piece).await {
            sent.extend_from_slice(&piece[..length]);
            if to_server.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        back.abort();
        self.seen.lock().unwrap().sent.push(sent);
    }

    fn take(&self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// Runs a client. Returns whether each of its three calls succeeded, and its whole output.
async fn run(server: &str, root: &str, variables: &[(&str, &str)]) -> ([bool; 3], String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", THIS, "--nocapture", "--test-threads=1"])
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .env(SERVER, server)
        .env(ROOT, root);
    for name in PROXY_VARIABLES {
        command.env_remove(name);
    }
    let output = within_seconds(command.envs(variables.iter().copied()).output()).await.unwrap();
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let printed = printed.concat();
    assert!(output.status.success(), "{printed}");
    let results: Vec<_> = printed.lines().filter_map(|line| line.split("RESULT ").nth(1)).collect();
    let are_good: Vec<_> = results.iter().map(|result| result.starts_with("true")).collect();
    (are_good.try_into().unwrap(), printed)
}

#[test]
fn keys_and_sessions_use_the_environments_proxy_if_that_is_switched_on() {
    if let Ok(server) = std::env::var(SERVER) {
        return client(&server);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut json: serde_json::Value = serde_json::from_str(issuer().jwks()).unwrap();
        json["session_token"] = TOKEN.into();
        json["session_jwt"] = "a.b.c".into();
        // A client can reach the second name without a proxy. The third is this machine.
        let names = ["login.example", "0.0.0.0", "localhost"];
        let (port, root) = serve_over_tls_as(&names, json.to_string()).await;
        let (tls, root_of_proxy) = tls_of(&["localhost"]);
        let (proxy, [proxy_port, secure_port]) = Proxy::start(port, tls).await;
        let root = root + &root_of_proxy;
        let [far, near, here] = names.map(|name| format!("https://{name}:{port}"));
        let to_proxy = format!("http://user:{PASSWORD}@127.0.0.1:{proxy_port}");
        let wrong = format!("http://user:wrong-{PASSWORD}@127.0.0.1:{proxy_port}");
        let secure = format!("https://user:{PASSWORD}@localhost:{secure_port}");
        let on = (SWITCHED_ON, "1");
        let https = ("HTTPS_PROXY", to_proxy.as_str());
        let some_other = ("NO_PROXY", "example, other.example,10.0.0.0/8");
        let (through, direct, refused) = ((true, 3), (true, 0), (false, 4));
        for (server, variables, (is_good, requests)) in [
            (&far, &[on, https][..], through),
            (&far, &[on, ("HTTPS_PROXY", &secure)], through),
            (&far, &[on, ("https_proxy", &to_proxy)], through),
            (&far, &[on, ("ALL_PROXY", &to_proxy)], through),
            (&far, &[on, https, ("ALL_PROXY", "http://127.0.0.1:1")], through),
            (&near, &[on, https, some_other], through),
            // `NO_PROXY` names the server.
            (&near, &[on, https, ("NO_PROXY", "other.example, 0.0.0.0")], direct),
            (&near, &[on, https, ("no_proxy", "0.0.0.0/8")], direct),
            (&near, &[on, https, ("NO_PROXY", "*")], direct),
            (&here, &[on, https], direct),
            (&near, &[on], direct),
            (&near, &[on, ("HTTPS_PROXY", "")], direct),
            (&near, &[on, ("HTTP_PROXY", "http://127.0.0.1:1")], direct),
            // The client has not switched the proxy on.
            (&near, &[https, ("ALL_PROXY", &to_proxy)], direct),
            // The client asks the API a second time, so there are four requests.
            (&far, &[on, ("HTTPS_PROXY", &wrong)], refused),
        ] {
            let (are_good, printed) = run(server, &root, variables).await;
            let seen = proxy.take();
            assert_eq!(are_good, [is_good; 3], "{variables:?}: {printed}");
            let address = server.strip_prefix("https://").unwrap();
            let want = vec![format!("CONNECT {address} HTTP/1.1"); requests];
            assert_eq!(seen.requests, want, "{variables:?}: {printed}");
            assert_eq!(printed.contains("proxy authorization required"), !is_good, "{printed}");
            for sent in seen.sent {
                // The first byte is that of a TLS handshake record (RFC 8446, section 5.1).
                assert_eq!(sent.first(), Some(&22));
                assert!(!String::from_utf8_lossy(&sent).contains("HTTP"));
            }
            for (user, password) in [
                ("user", PASSWORD),
                ("user", &format!("wrong-{PASSWORD}")),
                ("project-test-a", SECRET),
            ] {
                let encoded = STANDARD.encode_to_string(format!("{user}:{password}"));
                assert!(!printed.contains(password) && !printed.contains(&encoded), "{printed}");
            }
        }
        // The server, or a proxy that poses as the server, has no trusted certificate.
        let (are_good, printed) = run(&far, &root_of_proxy, &[on, https]).await;
        assert_eq!((are_good, proxy.take().requests.len()), ([false; 3], 4), "{printed}");
        assert!(printed.contains("invalid peer certificate"), "{printed}");
    });
}
