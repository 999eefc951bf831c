//! The bank in its own process, whose clock is the system's.

use std::time::Duration;

use local_stytch::{FactorKind, LocalStytch, NewSession};
use reqwest::Client;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::program::Program;

const HOUR: Duration = Duration::from_secs(3600);

async fn open(stytch: &LocalStytch) -> Program {
    Program::start(&[
        ("STYTCH_PROJECT_ID", stytch.project_id()),
        ("STYTCH_SECRET", stytch.secret()),
        ("STYTCH_BASE_URL", stytch.base_url()),
    ])
    .await
}

async fn post(stytch: &LocalStytch, path: &str, body: Value) -> Value {
    let request = Client::new().post(format!("{}{path}", stytch.base_url()));
    let request = request.basic_auth(stytch.project_id(), Some(stytch.secret()));
    request.json(&body).send().await.unwrap().json().await.unwrap()
}

/// Creates a customer, in a session with an email code and a text message.
async fn sign_in(stytch: &LocalStytch) -> NewSession {
    let body = json!({"email": "ada@example.com", "phone_number": "+12025550162"});
    let user = post(stytch, "/v1/users", body).await;
    let proofs = [(FactorKind::EmailOtp, Duration::ZERO), (FactorKind::SmsOtp, Duration::ZERO)];
    stytch.create_session(user["user_id"].as_str().unwrap(), &proofs, HOUR).unwrap()
}

/// Returns a new JWT of the session.
async fn new_jwt(stytch: &LocalStytch, session: &NewSession) -> String {
    let body = json!({"session_token": session.session_token});
    let renewed = post(stytch, "/v1/sessions/authenticate", body).await;
    renewed["session_jwt"].as_str().unwrap().to_owned()
}

/// Returns the page to which the bank leads a browser that has only this JWT.
async fn path(bank: &Program, jwt: &str, to: &str) -> String {
    let browser = Browser::new(&bank.url);
    browser.tamper("stytch_session_jwt", jwt);
    browser.get(to).await.path().to_owned()
}

#[tokio::test]
async fn an_aged_session_must_step_up_in_another_process() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    let bank = open(&stytch).await;
    let session = sign_in(&stytch).await;
    assert_eq!(path(&bank, &session.session_jwt, "/account").await, "/account");
    assert_eq!(path(&bank, &session.session_jwt, "/transfer").await, "/transfer");

    stytch.age_session(&session.session_id, Duration::from_secs(601)).unwrap();
    let aged = new_jwt(&stytch, &session).await;
    assert_eq!(path(&bank, &aged, "/account").await, "/account");
    assert_eq!(path(&bank, &aged, "/transfer").await, "/second-factor");
    // The first JWT states what was true when it was issued.
    assert_eq!(path(&bank, &session.session_jwt, "/transfer").await, "/transfer");
}

#[tokio::test]
async fn another_process_refuses_tokens_of_a_moved_clock_until_the_reset() {
    let stytch = LocalStytch::builder().start().await.unwrap();
    let bank = open(&stytch).await;
    let session = sign_in(&stytch).await;
    assert_eq!(path(&bank, &session.session_jwt, "/account").await, "/account");

    stytch.advance(Duration::from_secs(601));
    let from_the_future = new_jwt(&stytch, &session).await;
    assert_eq!(path(&bank, &from_the_future, "/account").await, "/sign-in");
    stytch.reset();
    let session = sign_in(&stytch).await;
    assert_eq!(path(&bank, &session.session_jwt, "/account").await, "/account");
}
