//! Guards behind a real nginx that caches everything that it is allowed to cache.

use std::fs;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::process::{Child, Command, Stdio};

use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderMap, HeaderName, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower_step_up::credentials::CredentialSource;
use tower_step_up::{Factor, Grant, SessionTokens};

use crate::caches::OVERRULING;
use crate::renewal::{Body, World, set_cookies};
use crate::support::{TestResponse, bearer, proved};

/// nginx on loopback. It caches every 200 for a minute unless a header overrules that.
struct Nginx {
    process: Child,
    address: SocketAddr,
    client: Client<HttpConnector, Body>,
}

impl Nginx {
    async fn before(app: SocketAddr) -> Self {
        let free = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let directory = format!("{}/nginx-{}", env!("CARGO_TARGET_TMPDIR"), free.port());
        fs::create_dir_all(&directory).unwrap();
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                proxy_cache_path cache keys_zone=pages:1m;
                server {{
                    listen {free};
                    location / {{
                        proxy_pass http://{app};
                        proxy_cache pages;
                        proxy_cache_valid 200 1m;
                        add_header x-cache $upstream_cache_status always;
                    }}
                }}
            }}"
        );
        fs::write(format!("{directory}/nginx.conf"), config).unwrap();
        let process = Command::new("nginx")
            .args(["-p", &directory, "-c", "nginx.conf", "-e", "stderr"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let nginx = Self { process, address: free, client };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(free).await.is_ok() {
                return nginx;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("nginx does not listen");
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> TestResponse {
        let request = Request::get(format!("http://{}{path}", self.address));
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        TestResponse::of(self.client.request(request.body(Full::default()).unwrap()).await.unwrap())
            .await
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts an application that shows each user their own id. The handler of `/{n}` sets the `n`th
/// header of [`OVERRULING`], and that of `/plain` sets none. `/public` has no guard.
async fn serve(world: &World) -> SocketAddr {
    let header = CredentialSource::SessionTokenHeader(HeaderName::from_static("x-session-token"));
    let sources = CredentialSource::defaults().into_iter().chain([header]);
    let page =
        |Extension(grant): Extension<Grant>| async move { grant.session().user_id().to_owned() };
    let with = |(name, value): (&'static str, &'static str)| {
        move |Extension(grant): Extension<Grant>| async move {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())]);
            (headers, grant.session().user_id().to_owned())
        }
    };
    let pages = OVERRULING
        .iter()
        .enumerate()
        .fold(Router::new().route("/plain", get(page)), |pages, (number, header)| {
            pages.route(&format!("/{number}"), get(with(*header)))
        });
    let app = pages
        .layer(world.guard().credentials(sources))
        .route("/public", get(async || "for everybody"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

const NOBODY: &[(&str, &str)] = &[];

#[tokio::test]
#[ignore = "needs nginx"]
async fn a_shared_cache_never_serves_another_users_page() {
    let world = World::new();
    let nginx = Nginx::before(serve(&world).await).await;
    // nginx does cache: it serves an unguarded page from its cache.
    assert_eq!(nginx.get("/public", NOBODY).await.header("x-cache"), "MISS");
    assert_eq!(nginx.get("/public", NOBODY).await.header("x-cache"), "HIT");
    let begin = |user: &str| world.sessions.begin(&proved(&[Factor::Password]).user(user));
    let (one, other) = (begin("user-test-1"), begin("user-test-2"));
    let bearer_of = |tokens: &SessionTokens| bearer(&tokens.session_jwt);
    let cookie_of = |tokens: &SessionTokens| format!("stytch_session_jwt={}", tokens.session_jwt);
    let token_of = |tokens: &SessionTokens| tokens.session_token.clone();
    type Value<'a> = &'a dyn Fn(&SessionTokens) -> String;
    let sources: [(&str, Value<'_>); 3] =
        [("authorization", &bearer_of), ("cookie", &cookie_of), ("x-session-token", &token_of)];
    // This leaves out the first header, a `Cache-Control` that offers the page to everyone.
    let numbers = (1..OVERRULING.len()).map(|number| format!("/{number}"));
    for path in ["/plain".to_owned()].into_iter().chain(numbers) {
        for (name, value) in sources {
            let first = nginx.get(&path, &[(name, &value(&one))]).await;
            assert_eq!((first.status.as_u16(), &*first.body), (200, "user-test-1"), "{path}");
            let second = nginx.get(&path, &[(name, &value(&other))]).await;
            assert_eq!((second.status.as_u16(), &*second.body), (200, "user-test-2"), "{path}");
            assert_eq!(nginx.get(&path, NOBODY).await.status, 401, "{path}");
        }
    }
}

#[tokio::test]
#[ignore = "needs nginx"]
async fn a_shared_cache_stores_no_fresh_tokens() {
    let world = World::new();
    let nginx = Nginx::before(serve(&world).await).await;
    let numbers = (0..OVERRULING.len()).map(|number| format!("/{number}"));
    for path in ["/plain".to_owned()].into_iter().chain(numbers) {
        let expired = world.expired(&proved(&[Factor::Password]));
        let cookie = format!("stytch_session={0}", expired.session_token);
        let renewed = nginx.get(&path, &[("cookie", &cookie)]).await;
        assert_eq!((renewed.status.as_u16(), set_cookies(&renewed).len()), (200, 2), "{path}");
        let nobody = nginx.get(&path, NOBODY).await;
        assert_eq!((nobody.status.as_u16(), set_cookies(&nobody).len()), (401, 0), "{path}");
    }
}
