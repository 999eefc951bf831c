//! The guide for authors of clients: its transcripts are what the server answers, and its scripts
//! run.

use std::collections::BTreeMap;

use axum::Router;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_step_up::testing::NOW;
use tower_step_up::{Factor, StepUpLayer};

use super::node::run;
use super::rows::{guarded, keyless, openid, recent_gold};
use super::serve;
use crate::support::{issuer, proved, transfer};

const GUIDE: &str = include_str!("../../../docs/guide/clients.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let fences = GUIDE.split("\n```").skip(1).step_by(2);
    fences.filter_map(|fence| fence.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// The service of the guide.
fn app() -> Router {
    let payments = openid().guard().require(recent_gold()).require_scopes(["payments:write"]);
    Router::new()
        .route("/payments", guarded(payments))
        .route("/transfers", guarded(issuer().guard().require(transfer())))
        .route("/reports", guarded(StepUpLayer::new(keyless())))
}

/// Returns a token of a user who signed in at this level, this many seconds ago.
fn payer(acr: &str, age: i64, scope: &str) -> String {
    let claims = json!({"acr": acr, "auth_time": NOW.unix_timestamp() - age, "scope": scope});
    openid().mint_with(&claims)
}

fn customer(factors: &[Factor]) -> String {
    issuer().mint(&proved(factors))
}

/// An answer: the first line, the headers and the body. Headers of the connection are left out.
#[derive(Debug, PartialEq)]
struct Answer<'a> {
    line: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    body: Value,
}

impl<'a> Answer<'a> {
    fn parse(text: &'a str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap();
        let (line, headers) = head.split_once('\n').unwrap();
        let headers = headers.lines().map(|line| line.split_once(": ").unwrap());
        let is_own =
            |(name, _): &(&str, &str)| !["connection", "content-length", "date"].contains(name);
        let body = serde_json::from_str(body).unwrap();
        Self { line, headers: headers.filter(is_own).collect(), body }
    }
}

/// Sends a request, and returns every byte of the answer.
async fn get(url: &str, path: &str, token: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.replace("\r\n", "\n")
}

#[tokio::test]
async fn the_guide_shows_what_the_server_answers() {
    let url = serve(app()).await;
    let requests = [
        ("/payments", payer("silver", 1_000, "")),
        ("/payments", payer("gold", 0, "")),
        ("/transfers", customer(&[Factor::Password])),
        ("/reports", customer(&[Factor::Password])),
    ];
    let transcripts = blocks("http");
    assert_eq!(transcripts.len(), requests.len());
    for (transcript, (path, token)) in transcripts.into_iter().zip(requests) {
        let answer = get(&url, path, &token).await;
        assert_eq!(Answer::parse(transcript), Answer::parse(&answer), "{path}");
    }
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients"]
async fn the_scripts_of_the_guide_do_what_each_answer_asks_for_once() {
    let [silver, gold, paying] =
        [payer("silver", 1_000, ""), payer("gold", 0, ""), payer("gold", 0, "payments:write")];
    let [password, both] =
        [&[Factor::Password][..], &[Factor::Password, Factor::Totp]].map(customer);
    let authorize = |parameters: Value| json!({"action": "authorize", "parameters": parameters});
    let level = json!({"acr_values": "gold", "max_age": 240, "scope": "payments:write"});
    let prompts = ["otp/sms", "totp", "webauthn"]
        .map(|factor| json!([{"factor": factor, "reason": "missing", "max_age": 600}]));
    let [sign_in, refresh] = ["signIn", "refresh"].map(|action| json!({"action": action}));
    let wait = json!({"action": "wait", "seconds": 7});
    let level_again = "authenticate with acr:gold and any factor again";
    // A path, the tokens that the actions yield, the actions, and the outcome.
    let cases = [
        ("/payments", vec![&*paying], json!([]), json!(200)),
        ("/payments", vec![&silver, &paying], json!([authorize(level.clone())]), json!(200)),
        (
            "/payments",
            vec!["", &silver, &gold, &paying],
            json!([sign_in, authorize(level.clone()), authorize(level.clone())]),
            json!(200),
        ),
        // The issuer gives nothing of what it is asked for.
        ("/payments", vec![&silver, &silver], json!([authorize(level)]), json!(level_again)),
        ("/transfers", vec!["x.y.z", &both], json!([refresh]), json!(200)),
        ("/transfers", vec!["x.y.z", "x.y.z"], json!([refresh]), json!("the token is invalid")),
        (
            "/transfers",
            vec![&password, &both],
            json!([{"action": "prompt", "alternatives": prompts}]),
            json!(200),
        ),
        (
            "/reports",
            vec![&both, &both],
            json!([wait]),
            json!("the keys for verifying the token are unavailable"),
        ),
        ("/elsewhere", vec![&both], json!([]), json!("status 404")),
    ];
    let plays: Vec<_> =
        cases.iter().map(|(path, tokens, ..)| json!({"path": path, "tokens": tokens})).collect();
    let input = json!({"url": serve(app()).await, "scripts": blocks("js"), "plays": plays,
        "challenged": {"path": "/payments", "token": silver}});
    let output = run("guide.mjs", &input).await;
    for (index, (path, _, actions, outcome)) in cases.iter().enumerate() {
        let play = &output["plays"][index];
        assert_eq!((&play["actions"], &play["outcome"]), (actions, outcome), "{path}");
    }
    let challenged = &output["challenged"];
    assert_eq!(challenged["status"], 401);
    assert_eq!(
        challenged["parameters"],
        json!({"acr_values": "gold", "max_age": "240", "scope": "payments:write"})
    );
    assert_eq!(
        challenged["address"],
        "https://login.example.com/authorize?response_type=code&client_id=shop\
         &scope=openid+payments%3Awrite&acr_values=gold&max_age=240"
    );
}
