//! The examples, run as processes: every curl line that they print is sent, and must be answered as
//! the line before says.

use std::env;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{Answer, send};

const PROJECT_ID: &str = "STYTCH_PROJECT_ID";
const PEOPLE: [&str; 5] = [
    "password only",
    "password + fresh SMS",
    "password + stale SMS",
    "password + email code",
    "passkey",
];

#[tokio::test]
async fn axum_routes_answers_as_it_prints() {
    let server = answers_as_it_prints("axum_routes").await;

    let preflight = Request::options(server.url("/transfer"))
        .header("origin", "http://localhost:5173")
        .header("access-control-request-method", "POST");
    let answer = server.ask(preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:5173");

    let from_a_page =
        Request::post(server.url("/transfer")).header("origin", "http://localhost:5173");
    let answer = server.ask(from_a_page).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-expose-headers"), "www-authenticate");
}

#[tokio::test]
async fn hyper_service_answers_as_it_prints() {
    answers_as_it_prints("hyper_service").await;
}

#[tokio::test]
async fn a_taken_port_gets_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["axum_routes", "hyper_service", "renewal"] {
        let line = failure(example(name).arg(&address)).await;
        assert!(line.contains(&format!("{name}: {address} is in use")), "{line}");
    }
}

#[tokio::test]
async fn a_malformed_project_id_gets_one_line() {
    for name in ["axum_routes", "hyper_service"] {
        let line = failure(example(name).arg("127.0.0.1:0").env(PROJECT_ID, "nonsense")).await;
        assert!(line.contains("STYTCH_PROJECT_ID: \"nonsense\""), "{line}");
        assert!(line.contains("expected project-live-"), "{line}");
    }
}

#[tokio::test]
async fn a_real_project_is_guarded_for_and_nothing_is_published() {
    for name in ["axum_routes", "hyper_service"] {
        let mut command = example(name);
        command.env(PROJECT_ID, "project-test-1");
        let (server, printed) = Server::start(command, "<session JWT>").await;
        assert!(printed.contains("guarding for project-test-1"), "{printed}");
        for (path, status) in [
            ("/healthz", 200),
            ("/profile", 401),
            ("/people", 401),
            ("/v1/sessions/jwks/project-test-1", 401),
        ] {
            let answer = server.ask(Request::get(server.url(path))).await;
            assert_eq!(answer.status, status, "{name} {path}");
        }
    }
}

async fn answers_as_it_prints(name: &str) -> Server {
    let (server, printed) = Server::start(example(name), "/people").await;
    let fresh = server.ask(Request::get(server.url("/people"))).await;
    assert_eq!(fresh.status, 200);
    for printed in [&printed, &fresh.body] {
        for person in PEOPLE {
            let heading = format!(": {person}");
            assert!(printed.lines().any(|line| line.contains(&heading)), "{person} in {printed}");
        }
        let asks = server.check(printed).await;
        let carrying = |what| asks.iter().filter(|curl| curl.contains(what)).count();
        assert!(asks.len() >= 24, "{} requests in {printed}", asks.len());
        assert!(carrying("Authorization: Bearer ey") >= 20, "{printed}");
        assert!(carrying("stytch_session_jwt=ey") >= 1, "{printed}");
        assert!(carrying("/no-such-page") >= 2, "{printed}");
    }
    server
}

#[tokio::test]
async fn renewal_answers_as_it_prints() {
    let (server, printed) = Server::start(example("renewal"), "/people").await;
    let fresh = server.ask(Request::get(server.url("/people"))).await;
    for printed in [&printed, &fresh.body] {
        assert_eq!(server.check(printed).await.len(), 14, "{printed}");
        for story in
            ["200, new cookies", "303 to /second-factor", "cookies removed", "401 invalid_token"]
        {
            assert!(printed.contains(story), "{story} in {printed}");
        }
    }
}

/// An example that runs; killed when dropped.
struct Server {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Read no further, but kept so that the process can go on printing.
    _stdout: BufReader<ChildStdout>,
    _child: Child,
}

impl Server {
    /// Returns with what the example printed, once it has printed a line with this end.
    async fn start(mut command: Command, end: &str) -> (Self, String) {
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.lines().last().is_some_and(|line| line.contains(end)) {
            let read = bounded("a line", stdout.read_line(&mut printed)).await.unwrap();
            assert_ne!(read, 0, "the example ended after: {printed}");
        }
        let first = printed.lines().next().unwrap();
        let base = first.strip_prefix("listening on ").expect(first).to_owned();
        let server = Self {
            base,
            client: Client::builder(TokioExecutor::new()).build_http(),
            _stdout: stdout,
            _child: child,
        };
        (server, printed)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn ask(&self, request: http::request::Builder) -> Answer {
        let request = request.body(Full::default()).unwrap();
        bounded("an answer", send(&self.client, request)).await
    }

    /// Sends every curl line and holds the answer against the line before it.
    async fn check(&self, printed: &str) -> Vec<String> {
        let lines: Vec<_> = printed.lines().map(str::trim).collect();
        let asks: Vec<_> = lines
            .windows(2)
            .filter_map(|pair| Some((pair[0], pair[1].strip_prefix("curl -i ")?)))
            .collect();
        let mut jar = String::new();
        for (expected, curl) in &asks {
            let (request, method_and_path) = self.parse(curl, &jar);
            let (asked, expected) = expected.split_once(": ").expect(expected);
            assert_eq!(
                asked.strip_suffix(" with the token in a cookie").unwrap_or(asked),
                method_and_path,
                "{curl}"
            );
            let answer = bounded("an answer", send(&self.client, request)).await;
            assert_eq!(in_words(&answer), expected, "{curl}");
            if curl.contains("-c ") {
                let set =
                    answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
                jar = set.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ");
            }
        }
        asks.into_iter().map(|(_, curl)| curl.to_owned()).collect()
    }

    /// What curl would do with these arguments, and its method and path. Any argument but these few
    /// is a failure.
    fn parse(&self, arguments: &str, jar: &str) -> (Request<Full<Bytes>>, String) {
        let mut method = Method::GET;
        let mut path = None;
        let mut request = Request::builder();
        let mut body = Full::default();
        let mut rest = arguments;
        while let Some(argument) = next_argument(&mut rest) {
            match argument {
                "-X" => method = next_argument(&mut rest).unwrap().parse().unwrap(),
                "-H" => {
                    let (name, value) = next_argument(&mut rest).unwrap().split_once(": ").unwrap();
                    request = request.header(name, value);
                }
                "-d" => {
                    body = Full::from(next_argument(&mut rest).unwrap().to_owned());
                    request = request.header("content-type", "application/x-www-form-urlencoded");
                }
                "-b" => {
                    let cookies = next_argument(&mut rest).unwrap();
                    request =
                        request.header("cookie", if cookies.contains('=') { cookies } else { jar });
                }
                "-c" => assert!(next_argument(&mut rest).unwrap().ends_with(".cookies")),
                url => path = Some(url.strip_prefix(&self.base).expect(url)),
            }
        }
        let path = path.expect(arguments);
        let method_and_path = format!("{method} {path}");
        (request.method(method).uri(self.url(path)).body(body).unwrap(), method_and_path)
    }
}

/// The next argument as a shell splits them, where quotes stand around a whole argument or nowhere.
fn next_argument<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let (argument, after) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').expect("a closing quote"),
        None => text.split_once(' ').unwrap_or((text, "")),
    };
    assert!(!argument.contains(['$', '`', '\\', '!', '"', '\'']), "{argument}");
    *rest = after;
    (!argument.is_empty()).then_some(argument)
}

/// The status, where a redirect leads, the error of the challenge, and what becomes of the tokens.
fn in_words(answer: &Answer) -> String {
    let challenge = answer.header("www-authenticate");
    let status = answer.status.as_u16();
    assert_eq!(status == 401, challenge.starts_with("Bearer realm="), "{challenge}");
    let to = answer.header("location").split('?').next().filter(|to| !to.is_empty());
    let error = challenge
        .split_once("error=\"")
        .map(|(_, error)| error.split('"').next().unwrap().to_owned());
    let cookies: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let tokens = match &*cookies {
        [] if answer.headers.contains_key("stytch-session-jwt") => {
            ", a fresh JWT in Stytch-Session-JWT"
        }
        [] => "",
        [one, other] if one.contains("Max-Age=0") && other.contains("Max-Age=0") => {
            ", cookies removed"
        }
        [one, other] if one.contains("_jwt=ey") && other.contains("=session-token-") => {
            ", new cookies"
        }
        _ => panic!("{cookies:?}"),
    };
    let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
    let error = error.map(|error| format!(" {error}")).unwrap_or_default();
    let why = if status == 403 { ", sent from another site" } else { "" };
    format!("{status}{to}{error}{why}{tokens}")
}

/// The one line on stderr of an example that cannot start.
async fn failure(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = bounded("the end", command.output()).await.unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

/// The example beside this test, as cargo lays them out.
pub(crate) fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let built: PathBuf = test.ancestors().nth(2).unwrap().join("examples").join(name);
    let built = built.with_extension(env::consts::EXE_EXTENSION);
    assert!(
        built.exists(),
        "the example {name} is not built: `cargo test` builds it, `cargo test --test it` does not"
    );
    let mut command = Command::new(built);
    command.env_remove(PROJECT_ID).kill_on_drop(true);
    command
}

async fn bounded<F: Future>(what: &str, wait: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come within 30 s"))
}
