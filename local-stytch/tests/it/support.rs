//! A stand-in, and helpers to talk to it.

use local_stytch::{Builder, LocalStytch};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) const PASSWORD: &str = "four bright lamps over the harbour";
pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PHONE: &str = "+12025550162";

/// A stand-in on a free port, and a client with its credentials.
pub(crate) struct Stand {
    pub(crate) stytch: LocalStytch,
    pub(crate) http: Client,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        Self { stytch: builder().start().await.unwrap(), http: client() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.stytch.base_url());
        self.http
            .request(method.parse().unwrap(), url)
            .basic_auth(self.stytch.project_id(), Some(self.stytch.secret()))
    }

    /// Sends a POST and returns the response. Its status must be the one in the body.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: Value) -> impl Future<Output = Value> {
        response_to(self.request("POST", path).json(&body))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> impl Future<Output = Value> {
        response_to(self.request("GET", path))
    }

    /// Sends a POST that must succeed.
    pub(crate) async fn ok(&self, path: &str, body: Value) -> Value {
        let response = self.post(path, body.clone()).await;
        assert_eq!(response["status_code"], 200, "{path} {body}: {response}");
        response
    }

    /// Sends a POST that must be refused with this status and type.
    pub(crate) async fn refused(&self, path: &str, body: Value, status: u16, kind: &str) {
        let response = self.post(path, body.clone()).await;
        assert_refused(&response, status, kind, &format!("{path} {body}"));
    }

    /// Creates Ada with a password and a session of an hour.
    pub(crate) async fn ada(&self) -> Value {
        let body = json!({"email": EMAIL, "password": PASSWORD, "session_duration_minutes": 60});
        self.ok("/v1/passwords", body).await
    }

    /// Creates Ada with a verified email, in a session with two factors: a password and a code by
    /// email.
    pub(crate) async fn verified_ada(&self) -> Value {
        let ada = self.ada().await;
        let sent = self.ok("/v1/otps/email/send", json!({"email": EMAIL})).await;
        let body = json!({"method_id": sent["email_id"], "code": self.code(),
            "session_token": ada["session_token"]});
        self.ok("/v1/otps/authenticate", body).await
    }

    /// Returns the code in the newest message.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.stytch.messages()[0].code.clone().unwrap()
    }

    /// Returns a code that differs from the one in the newest message.
    pub(crate) fn wrong_code(&self) -> String {
        let right = self.code();
        let first = if right.starts_with('9') { "0" } else { "9" };
        format!("{first}{}", &right[1..])
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.stytch.advance(std::time::Duration::from_secs(seconds));
    }

    /// Returns whether a session token is still valid.
    pub(crate) async fn is_good(&self, token: &Value) -> bool {
        let response =
            self.post("/v1/sessions/authenticate", json!({"session_token": token})).await;
        if response["status_code"] != 200 {
            assert_refused(&response, 404, "session_not_found", "an ended session");
        }
        response["status_code"] == 200
    }
}

/// A connection whose requests are written byte by byte, including malformed ones.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn open(address: std::net::SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends the head of a request, and returns when the server waits for its body.
    pub(crate) async fn send_head(&mut self, head: &str) {
        self.send(&format!("{head}\r\nExpect: 100-continue\r\n\r\n")).await;
        let want = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut received = [0; 25];
        self.0.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, want);
    }

    /// Reads one response by its `Content-Length`. The connection stays open.
    pub(crate) async fn response(&mut self) -> String {
        let read = async {
            let mut received = Vec::new();
            loop {
                received.push(
                    self.0.read_u8().await.expect("the connection ended before the response"),
                );
                let text = String::from_utf8_lossy(&received);
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if length.map_or(Ok(0), str::parse) == Ok(body.len()) {
                    return text.into_owned();
                }
            }
        };
        let read = tokio::time::timeout(std::time::Duration::from_secs(30), read);
        read.await.expect("the server did not respond in time")
    }

    /// Returns everything that the server sends until it closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut received = Vec::new();
        let end = tokio::time::timeout(
            std::time::Duration::from_secs(30),
            self.0.read_to_end(&mut received),
        )
        .await;
        // A reset ends the connection too.
        let _ = end.expect("the server did not close the connection");
        String::from_utf8(received).unwrap()
    }
}

/// Returns a builder with a stopped clock, so that a test's duration does not matter.
pub(crate) fn builder() -> Builder {
    LocalStytch::builder().stopped_clock(OffsetDateTime::now_utc())
}

/// Returns a client that ignores the environment's proxy, because loopback needs none.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

#[track_caller]
pub(crate) fn response_to(request: RequestBuilder) -> impl Future<Output = Value> {
    let caller = std::panic::Location::caller();
    async move {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/json", "{caller}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{caller}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status_code"], status, "{caller}: {body}");
        assert!(
            body["request_id"].as_str().unwrap().starts_with("request-id-test-"),
            "{caller}: {body}"
        );
        body
    }
}

/// Checks that a refusal has Stytch's five fields and no more.
#[track_caller]
pub(crate) fn assert_refused(response: &Value, status: u16, kind: &str, of: &str) {
    assert_eq!(
        (&response["status_code"], &response["error_type"]),
        (&json!(status), &json!(kind)),
        "{of}: {response}"
    );
    assert!(
        response["error_message"].as_str().is_some_and(|message| !message.is_empty()),
        "{response}"
    );
    assert!(
        response["error_url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://stytch.com/docs/")),
        "{response}"
    );
    assert_eq!(response.as_object().unwrap().len(), 5, "{response}");
}

/// Returns `type/delivery_method` of each factor in a response's session.
pub(crate) fn factors(response: &Value) -> Vec<String> {
    let of = |factor: &Value| {
        format!(
            "{}/{}",
            factor["type"].as_str().unwrap(),
            factor["delivery_method"].as_str().unwrap()
        )
    };
    response["session"]["authentication_factors"].as_array().unwrap().iter().map(of).collect()
}
