//! Runs the examples as processes and sends every curl line that they print. Each response must be
//! the one that the line before it states.

use std::collections::HashMap;
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
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::support::{TestResponse, send};

const PROJECT_ID: &str = "STYTCH_PROJECT_ID";
const BASE_URL: &str = "STYTCH_BASE_URL";
/// The variables of the example `issuer`.
const ISSUER: [&str; 3] = ["ISSUER", "AUDIENCE", "ACR_VALUES"];
/// Those of the example `protected_resource`, which has `ISSUER` too.
const RESOURCE: [&str; 2] = ["RESOURCE", "SCOPES"];
/// The examples that are servers.
const SERVERS: [&str; 5] =
    ["axum_routes", "hyper_service", "renewal", "issuer", "protected_resource"];
const PEOPLE: [&str; 5] = [
    "password only",
    "password + fresh SMS",
    "password + stale SMS",
    "password + email code",
    "passkey",
];

#[tokio::test]
async fn axum_routes_sends_the_responses_that_it_prints() {
    let server = responds_as_it_prints("axum_routes").await;

    let preflight = Request::options(server.url("/transfer"))
        .header("origin", "http://localhost:5173")
        .header("access-control-request-method", "POST");
    let response = server.ask(preflight).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("access-control-allow-origin"), "http://localhost:5173");

    let from_a_page =
        Request::post(server.url("/transfer")).header("origin", "http://localhost:5173");
    let response = server.ask(from_a_page).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.header("access-control-expose-headers"), "www-authenticate");
}

#[tokio::test]
async fn hyper_service_sends_the_responses_that_it_prints() {
    responds_as_it_prints("hyper_service").await;
}

#[tokio::test]
async fn a_port_in_use_is_reported_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in SERVERS {
        let line = failure(example(name).arg(&address)).await;
        assert!(line.contains(&format!("{name}: {address} is in use")), "{line}");
    }
}

#[tokio::test]
async fn a_malformed_project_id_is_reported_in_one_line() {
    for name in ["axum_routes", "hyper_service"] {
        let line = failure(example(name).arg("127.0.0.1:0").env(PROJECT_ID, "nonsense")).await;
        assert!(line.contains("STYTCH_PROJECT_ID: \"nonsense\""), "{line}");
        assert!(line.contains("expected project-live-"), "{line}");
    }
}

#[tokio::test]
async fn with_a_real_project_an_example_publishes_no_keys_and_no_tokens() {
    // No server listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for name in ["axum_routes", "hyper_service"] {
        let mut command = example(name);
        command.env(PROJECT_ID, "project-test-1").env(BASE_URL, format!("http://{closed}"));
        let (server, printed) = Server::start(command).await;
        assert!(
            printed.contains(&format!(
                "accepting sessions of project-test-1, verified with the keys from http://{closed}/v1/sessions/jwks/project-test-1"
            )),
            "{printed}"
        );
        for (path, status) in [
            ("/healthz", 503),
            ("/profile", 401),
            ("/tokens", 401),
            ("/v1/sessions/jwks/project-test-1", 401),
        ] {
            let response = server.ask(Request::get(server.url(path))).await;
            assert_eq!(response.status, status, "{name} {path}");
            if path == "/healthz" {
                assert!(
                    response.body.starts_with(r#"{"keys":0,"last_error":""#),
                    "{}",
                    response.body
                );
            }
        }
    }
}

async fn responds_as_it_prints(name: &str) -> Server {
    let (server, printed) = Server::start(example(name)).await;
    for person in PEOPLE {
        let heading = format!(": {person}");
        assert!(printed.lines().any(|line| line.contains(&heading)), "{person} in {printed}");
    }
    // The second round fetches fresh tokens of the same people.
    for _ in 0..2 {
        let requests = server.check(&printed).await;
        let carrying = |what| requests.iter().filter(|curl| curl.contains(what)).count();
        assert!(requests.len() >= 24, "{} requests in {printed}", requests.len());
        assert!(carrying("Authorization: Bearer ey") >= 20, "{requests:?}");
        assert!(carrying("stytch_session_jwt=ey") >= 1, "{requests:?}");
        assert!(carrying("/no-such-page") >= 2, "{requests:?}");
    }
    let health = server.ask(Request::get(server.url("/healthz"))).await;
    assert!(health.body.starts_with(r#"{"keys":1"#), "{}", health.body);
    server
}

#[tokio::test]
async fn renewal_sends_the_responses_that_it_prints() {
    let (server, printed) = Server::start(example("renewal")).await;
    for _ in 0..2 {
        assert_eq!(server.check(&printed).await.len(), 15, "{printed}");
    }
    for story in
        ["200, new cookies", "303 to /second-factor", "cookies removed", "401 invalid_token"]
    {
        assert!(printed.contains(story), "{story} in {printed}");
    }
    let health = server.ask(Request::get(server.url("/healthz"))).await;
    assert_eq!(health.body, r#"{"keys":1}"#);
}

#[tokio::test]
async fn issuer_sends_the_responses_that_it_prints() {
    let (server, printed) = Server::start(example("issuer")).await;
    for _ in 0..2 {
        assert_eq!(server.check(&printed).await.len(), 19, "{printed}");
    }
    assert!(
        printed.contains("levels: silver < gold (password + totp)\nfindings: none"),
        "{printed}"
    );
    let health = server.ask(Request::get(server.url("/healthz"))).await;
    assert!(health.body.starts_with(r#"{"keys":1"#), "{}", health.body);
}

#[tokio::test]
async fn issuer_accepts_the_tokens_of_the_issuer_that_the_environment_names() {
    // One process is the issuer, and another one accepts its tokens.
    let (issuer, _) = Server::start(example("issuer")).await;
    let tokens = issuer.ask(Request::get(issuer.url("/tokens"))).await.body;
    let tokens: HashMap<_, _> = tokens.lines().map(assignment).collect();
    for (levels, account, transfer) in [
        (Some("silver gold=password+totp|webauthn+otp/sms"), [401, 401, 200], [401, 401, 200]),
        // These levels guarantee no two factors, so the example has no route that demands them.
        (Some("silver gold=password+otp/email"), [404, 404, 404], [401, 401, 200]),
        (Some("silver"), [404, 404, 404], [401, 200, 401]),
        (None, [404, 404, 404], [200, 200, 200]),
    ] {
        let mut command = example("issuer");
        command.env("ISSUER", &issuer.base).env("AUDIENCE", "https://api.example.com");
        command.envs(levels.map(|levels| ("ACR_VALUES", levels)));
        let (server, printed) = Server::start(command).await;
        assert!(printed.contains("findings: none"), "{printed}");
        assert_eq!(printed.contains("/account"), account != [404; 3], "{printed}");
        let status = async |request: http::request::Builder, token: &str| {
            let bearer = format!("Bearer {token}");
            server.ask(request.header("authorization", bearer)).await.status.as_u16()
        };
        for (place, name) in ["ada", "ben", "cleo"].into_iter().enumerate() {
            let get = |path| Request::get(server.url(path));
            assert_eq!(status(get("/profile"), tokens[name]).await, 200, "{name}");
            assert_eq!(status(get("/account"), tokens[name]).await, account[place], "{name}");
            let post = Request::post(server.url("/transfer"));
            assert_eq!(status(post, tokens[name]).await, transfer[place], "{levels:?} {name}");
            assert_eq!(status(get("/tokens"), tokens[name]).await, 404, "{name}");
        }
    }
}

#[tokio::test]
async fn issuer_reports_a_bad_environment_in_one_line() {
    let [issuer, audience, levels] = ISSUER;
    for (variables, want) in [
        (&[(issuer, "https://a.example")][..], "ISSUER is set, but AUDIENCE is not"),
        (&[(audience, "api")], "AUDIENCE is set, but ISSUER is not"),
        (&[(levels, "gold")], "ACR_VALUES is set, but ISSUER is not"),
        (&[(issuer, "http://a.example"), (audience, "api")], "is not an https address"),
        (
            &[(issuer, "https://a.example"), (audience, "api"), (levels, "gold=totpp")],
            "ACR_VALUES: gold=totpp: unknown factor \"totpp\"",
        ),
        (
            &[(issuer, "https://a.example"), (audience, "api"), (levels, "0")],
            "\"0\" cannot be a value of acr",
        ),
    ] {
        let mut command = example("issuer");
        let line = failure(command.arg("127.0.0.1:0").envs(variables.iter().copied())).await;
        assert!(line.starts_with("issuer: ") && line.contains(want), "{line}");
    }
}

#[tokio::test]
async fn protected_resource_sends_the_responses_that_it_prints() {
    let (server, printed) = Server::start(example("protected_resource")).await;
    for _ in 0..2 {
        assert_eq!(server.check(&printed).await.len(), 15, "{printed}");
    }
    // A page of any site can read the challenge and the metadata.
    let page = || Request::get(server.url("/mcp")).header("origin", "https://client.example");
    let challenge = server.ask(page()).await;
    assert_eq!(challenge.header("access-control-expose-headers"), "www-authenticate");
    let metadata = server.url("/.well-known/oauth-protected-resource/mcp");
    assert_eq!(
        challenge.header("www-authenticate"),
        format!("Bearer realm=\"api\", scope=\"mcp:read\", resource_metadata=\"{metadata}\"")
    );
    let page = Request::get(&metadata).header("origin", "https://client.example");
    let document = server.ask(page).await;
    assert_eq!(document.header("access-control-allow-origin"), "*");
    assert_eq!(
        document.body,
        format!(
            "{{\"resource\":\"{0}/mcp\",\"authorization_servers\":[\"{0}\"],\
             \"scopes_supported\":[\"mcp:read\",\"mcp:tools\"],\
             \"bearer_methods_supported\":[\"header\"],\"resource_name\":\"Example tools\"}}",
            server.base
        )
    );
}

#[tokio::test]
async fn protected_resource_accepts_the_tokens_of_the_issuer_that_the_environment_names() {
    let (issuer, _) = Server::start(example("protected_resource")).await;
    let tokens = issuer.ask(Request::get(issuer.url("/tokens"))).await.body;
    let tokens: HashMap<_, _> = tokens.lines().map(assignment).collect();
    let mut command = example("protected_resource");
    command.env("ISSUER", &issuer.base).env("RESOURCE", issuer.url("/mcp"));
    command.env("SCOPES", "mcp:read mcp:tools mcp:more");
    let (server, printed) = Server::start(command).await;
    assert!(printed.contains("scopes: mcp:read mcp:tools mcp:more\n"), "{printed}");
    let ask = async |request: http::request::Builder| {
        server.ask(request.header("authorization", format!("Bearer {}", tokens["ada"]))).await
    };
    assert_eq!(ask(Request::get(server.url("/mcp"))).await.status, 200);
    let refused = ask(Request::post(server.url("/mcp"))).await;
    assert_eq!(described(&refused), "403 insufficient_scope");
    assert!(refused.body.contains(r#""missing_scopes":["mcp:more"]"#), "{}", refused.body);
    assert_eq!(server.ask(Request::get(server.url("/tokens"))).await.status, 404);
}

#[tokio::test]
async fn protected_resource_reports_a_bad_environment_in_one_line() {
    let ([issuer, ..], [resource, scopes]) = (ISSUER, RESOURCE);
    for (variables, want) in [
        (&[(resource, "https://a.example/mcp")][..], "RESOURCE is set, but ISSUER is not"),
        (&[(scopes, "a")], "SCOPES is set, but ISSUER is not"),
        (&[(issuer, "https://a.example"), (scopes, " ")], "SCOPES has no scope"),
        (&[(issuer, "https://a.example"), (scopes, "a\"b")], "character that no scope has"),
        (&[(issuer, "http://a.example")], "is not an https address"),
        (&[(issuer, "https://a.example"), (resource, "a#b")], "has a fragment"),
    ] {
        let mut command = example("protected_resource");
        let line = failure(command.arg("127.0.0.1:0").envs(variables.iter().copied())).await;
        assert!(line.starts_with("protected_resource: ") && line.contains(want), "{line}");
    }
}

#[tokio::test]
async fn more_issuers_prints_what_becomes_of_the_tokens_of_each_issuer() {
    let output = bounded("the end", example("more_issuers").output()).await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{printed}");
    let section = |name: &str| {
        let (_, section) = printed.split_once(&format!("{name}\n")).expect(name);
        section.lines().take_while(|line| line.starts_with(' ')).collect::<Vec<_>>().join("\n")
    };
    for (name, answers) in [
        (
            "Zitadel",
            &["granted", "cannot be asked for it", "{\"max_age\":240}", "refused: ", "never"][..],
        ),
        ("Zitadel without codes by email", &["mfa and session within 5m: granted"]),
        ("authentik", &["granted", "cannot be asked for it", "{\"max_age\":240}", "refused: "]),
        ("authentik, whose flow accepts codes from an app and passkeys", &["mfa: granted"]),
        ("Logto", &["granted", "cannot be asked for it", "{\"acr_values\":", "refused: ", "never"]),
    ] {
        for answer in answers {
            assert!(section(name).contains(answer), "{name}: {answer} in {printed}");
        }
    }
}

#[tokio::test]
async fn the_examples_print_short_lines_and_no_tokens() {
    for name in SERVERS {
        let (_server, printed) = Server::start(example(name)).await;
        assert!(printed.len() < 6_000, "{name} prints {} bytes", printed.len());
        for line in printed.lines() {
            assert!(line.len() <= 130 && !line.contains("eyJ"), "{name}: {line}");
        }
    }
}

#[tokio::test]
#[ignore = "needs curl and a POSIX shell"]
async fn a_shell_takes_the_printed_lines_as_commands() {
    for name in SERVERS {
        let (_server, printed) = Server::start(example(name)).await;
        let lines: Vec<_> = printed.lines().map(str::trim).collect();
        let is_command = |line: &&&str| line.starts_with("eval ") || line.starts_with("curl ");
        let commands: Vec<_> = lines.iter().filter(is_command).copied().collect();
        let expected: Vec<_> = lines
            .windows(2)
            .filter(|pair| pair[1].starts_with("curl "))
            .map(|pair| pair[0].split_once(": ").unwrap().1.get(..3).unwrap())
            .collect();

        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-euc", &commands.join("\n")]).current_dir(directory);
        let output = shell.env("NO_PROXY", "127.0.0.1").kill_on_drop(true).output();
        let output = bounded("the end of the shell", output).await.unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        // Some bodies end without a line break.
        let statuses: Vec<_> =
            printed.match_indices("HTTP/1.1 ").map(|(at, _)| &printed[at + 9..at + 12]).collect();
        assert_eq!(statuses, expected, "{name}: {printed}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_lets_a_pending_request_finish() {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    for name in SERVERS {
        for signal in ["TERM", "INT"] {
            let (mut server, _) = Server::start(example(name)).await;
            let address = server.base.strip_prefix("http://").unwrap().to_owned();
            let mut connection = TcpStream::connect(&address).await.unwrap();
            // The server has half of the request's head and waits for the rest.
            connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
            server.ask(Request::get(server.url("/healthz"))).await;
            server.send_signal(signal).await;
            let closing = async { while TcpStream::connect(&address).await.is_ok() {} };
            bounded("the end of new connections", closing).await;
            connection.write_all(b"\r\n").await.unwrap();
            let mut response = String::new();
            bounded("a response", connection.read_to_string(&mut response)).await.unwrap();
            assert!(response.starts_with("HTTP/1.1 200 "), "{name} {signal}: {response}");
            assert_eq!(server.end().await.0, Some(0), "{name} {signal}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_shows_each_decision_and_no_token() {
    for name in SERVERS {
        let (mut server, printed) = Server::start(example(name)).await;
        server.check(&printed).await;
        server.send_signal("TERM").await;
        let (_, log) = server.end().await;
        for decision in ["decision=\"granted\"", "decision=\"refused\""] {
            assert!(log.contains(decision), "{name}: {log}");
        }
        assert!(!log.contains("eyJ") && !log.contains("session-token-"), "{name}: {log}");
    }
}

#[tokio::test]
async fn an_example_prints_its_usage() {
    for name in SERVERS {
        for help in ["--help", "-h"] {
            let output = bounded("the end", example(name).arg(help).output()).await.unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{name} {help}");
            assert!(
                printed.starts_with(&format!("usage: cargo run --example {name} ")),
                "{printed}"
            );
            assert_eq!(printed.lines().count(), 1, "{printed}");
        }
        let line = failure(example(name).args(["127.0.0.1:0", "more"])).await;
        assert!(line.starts_with(&format!("{name}: usage: cargo run --example {name} ")), "{line}");
        for bad in ["--port", "3000", "", "127.0.0.1:65536"] {
            let line = failure(example(name).arg(bad)).await;
            assert!(line.contains(&format!("{name}: cannot listen on {bad:?}: ")), "{line}");
        }
        let line = failure(example(name).arg("Secret-test-hidden")).await;
        assert!(!line.contains("hidden"), "{line}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_argument_that_is_not_unicode_is_refused() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    for name in SERVERS {
        let line = failure(example(name).arg(OsString::from_vec(vec![0xFF]))).await;
        assert!(line.contains("cannot listen on"), "{line}");
    }
}

/// A running example, which is killed when this is dropped.
struct Server {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Not read any further, but kept so that the process can go on printing.
    _stdout: BufReader<ChildStdout>,
    /// Collected, so that the process can go on logging.
    log: JoinHandle<String>,
    child: Child,
}

impl Server {
    /// Starts an example and waits until it has printed everything. Also returns what it printed.
    async fn start(mut command: Command) -> (Self, String) {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.arg("127.0.0.1:0").spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while printed.lines().last() != Some("Press Ctrl-C to stop.") {
            let read = bounded("a line", stdout.read_line(&mut printed)).await.unwrap();
            assert_ne!(read, 0, "the example ended after: {printed}");
        }
        let first = printed.lines().next().unwrap();
        let base = first.strip_prefix("listening on ").expect(first).to_owned();
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut log = String::new();
            stderr.read_to_string(&mut log).await.unwrap();
            log
        });
        let server = Self {
            base,
            client: Client::builder(TokioExecutor::new()).build_http(),
            _stdout: stdout,
            log,
            child,
        };
        (server, printed)
    }

    #[cfg(unix)]
    async fn send_signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id().unwrap());
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
    }

    /// Waits until the example has ended by itself, and returns its exit code and its log.
    #[cfg(unix)]
    async fn end(&mut self) -> (Option<i32>, String) {
        let code = bounded("the end", self.child.wait()).await.unwrap().code();
        (code, bounded("the log", &mut self.log).await.unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn ask(&self, request: http::request::Builder) -> TestResponse {
        let request = request.body(Full::default()).unwrap();
        bounded("a response", send(&self.client, request)).await
    }

    /// Fetches the tokens, sends every curl line, and compares each response with the line before
    /// it. Returns the curl lines.
    async fn check(&self, printed: &str) -> Vec<String> {
        assert!(printed.contains(&format!("eval \"$(curl -s {}/tokens)\"\n", self.base)));
        let variables = self.ask(Request::get(self.url("/tokens"))).await.body;
        let variables: HashMap<_, _> = variables.lines().map(assignment).collect();
        let lines: Vec<_> = printed.lines().map(str::trim).collect();
        let requests: Vec<_> = lines
            .windows(2)
            .filter_map(|pair| Some((pair[0], pair[1].strip_prefix("curl -i ")?)))
            .collect();
        let requests: Vec<_> =
            requests.iter().map(|(expected, curl)| (expected, set(curl, &variables))).collect();
        let mut jar = String::new();
        for (expected, curl) in &requests {
            let (request, method_and_path) = self.parse(curl, &jar);
            let (described_request, expected) = expected.split_once(": ").expect(expected);
            assert_eq!(
                described_request
                    .strip_suffix(" with the token in a cookie")
                    .unwrap_or(described_request),
                method_and_path,
                "{curl}"
            );
            let response = bounded("a response", send(&self.client, request)).await;
            assert_eq!(described(&response), expected, "{curl}");
            if curl.contains("-c ") {
                let set = response
                    .headers
                    .get_all("set-cookie")
                    .iter()
                    .map(|line| line.to_str().unwrap());
                jar = set.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ");
            }
        }
        requests.into_iter().map(|(_, curl)| curl).collect()
    }

    /// Returns the request that curl would send for these arguments, and its method and path.
    /// Panics if an argument is not one of those that the examples use.
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

/// Parses a line of shell, which must do nothing but set a variable.
fn assignment(line: &str) -> (&str, &str) {
    let (name, value) = line.split_once("='").expect(line);
    let value = value.strip_suffix('\'').expect(line);
    assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=; ".contains(&byte);
    assert!(value.bytes().all(is_plain), "{line}");
    (name, value)
}

/// Replaces the variables in a line, as a shell does.
fn set(curl: &str, variables: &HashMap<&str, &str>) -> String {
    let mut parts = curl.split('$');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |line, part| {
        let end = part.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
        let (name, rest) = part.split_at(end.unwrap());
        line + variables[name] + rest
    })
}

/// Takes the next argument off the line, as a shell does. Quotes may only enclose a whole argument.
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

/// Describes a response as the examples print it: its status, the target of a redirect, the error
/// of the challenge, and what happens to the tokens.
fn described(response: &TestResponse) -> String {
    let challenge = response.header("www-authenticate");
    let status = response.status.as_u16();
    let is_of_scopes = challenge.contains("error=\"insufficient_scope\"");
    let has_challenge = challenge.starts_with("Bearer realm=");
    assert_eq!(status == 401 || is_of_scopes, has_challenge, "{challenge}");
    let to = response.header("location").split('?').next().filter(|to| !to.is_empty());
    let error = challenge
        .split_once("error=\"")
        .map(|(_, error)| error.split('"').next().unwrap().to_owned());
    let cookies: Vec<_> =
        response.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let tokens = match &*cookies {
        [] if response.headers.contains_key("stytch-session-jwt") => {
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
    let why = if status == 403 && !is_of_scopes { ", sent from another site" } else { "" };
    format!("{status}{to}{error}{why}{tokens}")
}

/// Runs an example that cannot start, and returns its one line on stderr.
async fn failure(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = bounded("the end", command.output()).await.unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

/// Returns a command for an example, which cargo builds in a directory near this test.
pub(crate) fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let built: PathBuf = test.ancestors().nth(2).unwrap().join("examples").join(name);
    let built = built.with_extension(env::consts::EXE_EXTENSION);
    assert!(
        built.exists(),
        "the example {name} is not built: `cargo test` builds it, `cargo test --test it` does not"
    );
    let mut command = Command::new(built);
    for name in [PROJECT_ID, BASE_URL].iter().chain(&ISSUER).chain(&RESOURCE) {
        command.env_remove(name);
    }
    command.kill_on_drop(true);
    command
}

async fn bounded<F: Future>(what: &str, wait: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap_or_else(|_| panic!("timed out after 30 s while waiting for {what}"))
}
