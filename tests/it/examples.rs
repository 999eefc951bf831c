//! The examples, started as they are and driven over HTTP by the curl lines that they print.

use std::process::Stdio;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::key_server::within_seconds;
use crate::support::Answer;

const PEOPLE: [&str; 5] =
    ["password only", "password + fresh SMS", "password + stale SMS", "password + email code", "passkey"];

/// `cargo test` builds the examples beside the tests.
fn example(name: &str) -> Command {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.extend(["examples", name]);
    assert!(path.exists(), "{} is not there: plain `cargo test` builds it", path.display());
    let mut command = Command::new(path);
    command.env_remove("STYTCH_PROJECT_ID").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

struct Running {
    base: String,
    printed: Vec<String>,
    _process: Child,
}

async fn start(name: &str) -> Running {
    let mut process = example(name).arg("127.0.0.1:0").spawn().unwrap();
    let mut lines: Lines<BufReader<ChildStdout>> = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    within_seconds(async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let last = line.contains("/people");
            printed.push(line);
            if last {
                break;
            }
        }
    })
    .await;
    let base = printed[0].strip_prefix("listening on ").expect("the address").to_owned();
    Running { base, printed, _process: process }
}

async fn send(request: Request<Full<Bytes>>) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    Answer::of(within_seconds(client.request(request)).await.unwrap()).await
}

async fn get(url: String) -> Answer {
    send(Request::get(url).body(Full::default()).unwrap()).await
}

/// The request of a line such as `curl -i -X POST URL -H "Authorization: …"`.
fn request(curl: &str) -> Request<Full<Bytes>> {
    let mut words = curl.trim().split('"').enumerate().flat_map(|(index, text)| match index % 2 {
        0 => text.split_whitespace().collect(),
        _ => vec![text],
    });
    assert_eq!(words.next(), Some("curl"));
    let mut builder = Request::builder();
    while let Some(word) = words.next() {
        builder = match word {
            "-i" => builder,
            "-X" => builder.method(words.next().unwrap()),
            "-H" => {
                let (name, value) = words.next().unwrap().split_once(": ").unwrap();
                builder.header(name, value)
            }
            "-b" => builder.header("cookie", words.next().unwrap()),
            url => builder.uri(url),
        };
    }
    builder.body(Full::default()).unwrap()
}

/// Sends every printed request and holds the answer against the one printed before it. Gives their number.
async fn check_lines(lines: &[String]) -> usize {
    let mut checked = 0;
    for pair in lines.windows(2) {
        let [expected, curl] = pair else { continue };
        if !curl.trim().starts_with("curl -i") {
            continue;
        }
        let (_, expected) = expected.rsplit_once(": ").expect("an answer to expect");
        let answer = send(request(curl)).await;
        let error = answer.header("www-authenticate").split("error=\"").nth(1).and_then(|rest| rest.split('"').next());
        let got = [Some(answer.status.as_str()), error].into_iter().flatten().collect::<Vec<_>>().join(" ");
        assert_eq!(got, expected, "{curl}");
        checked += 1;
    }
    checked
}

async fn drive(name: &str) -> Running {
    let running = start(name).await;
    let text = running.printed.join("\n");
    for person in PEOPLE {
        assert!(text.contains(person), "{person} in {text}");
    }
    let checked = check_lines(&running.printed).await;
    assert!(checked >= 20, "{checked} lines");
    let again = get(format!("{}/people", running.base)).await;
    let lines: Vec<_> = again.body.lines().map(str::to_owned).collect();
    assert_eq!(check_lines(&lines).await, checked);
    running
}

#[tokio::test]
async fn axum_routes_answers_as_it_prints() {
    let running = drive("axum_routes").await;
    let preflight = Request::options(format!("{}/transfer", running.base))
        .header("origin", "http://localhost:5173")
        .header("access-control-request-method", "POST");
    let answer = send(preflight.body(Full::default()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, "http://localhost:5173"));
    let refused = Request::get(format!("{}/profile", running.base)).header("origin", "http://localhost:5173");
    let refused = send(refused.body(Full::default()).unwrap()).await;
    assert_eq!((refused.status.as_u16(), refused.header("access-control-expose-headers")), (401, "www-authenticate"));
}

#[tokio::test]
async fn hyper_service_answers_as_it_prints() {
    drive("hyper_service").await;
}

/// What an example that cannot start says.
async fn last_words(name: &str, address: &str, project: Option<&str>) -> (Option<i32>, String) {
    let mut command = example(name);
    command.arg(address).stderr(Stdio::piped());
    if let Some(project) = project {
        command.env("STYTCH_PROJECT_ID", project);
    }
    let output = within_seconds(command.output()).await.unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_taken_port_and_a_malformed_id_get_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["axum_routes", "hyper_service"] {
        let (code, words) = last_words(name, &address, None).await;
        assert_eq!((code, words.lines().count()), (Some(1), 1), "{words}");
        assert!(words.starts_with(&format!("{name}: {address} is in use")), "{words}");

        let (code, words) = last_words(name, "127.0.0.1:0", Some("nonsense")).await;
        assert_eq!((code, words.lines().count()), (Some(1), 1), "{words}");
        assert!(
            words.contains("STYTCH_PROJECT_ID: \"nonsense\" is not a project id: expected project-live-"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn with_a_project_of_ones_own_they_guard_for_it() {
    for name in ["axum_routes", "hyper_service"] {
        let mut command = example(name);
        command.env("STYTCH_PROJECT_ID", "project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94").arg("127.0.0.1:0");
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = within_seconds(lines.next_line()).await.unwrap().unwrap();
        let base = first.strip_prefix("listening on ").unwrap();
        let second = within_seconds(lines.next_line()).await.unwrap().unwrap();
        assert!(second.contains("https://test.stytch.com/v1/sessions/jwks/project-test-185e"), "{second}");
        assert_eq!(get(format!("{base}/healthz")).await.status, 200);
        assert_eq!(get(format!("{base}/profile")).await.status, 401);
        // Nobody's tokens are handed out.
        assert_eq!(get(format!("{base}/people")).await.status, 401);
    }
}
