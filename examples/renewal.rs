//! A session's whole life: tokens that are renewed, a second factor, and the end of it.
//!
//! ```sh
//! cargo run --example renewal                  # 127.0.0.1:3000
//! cargo run --example renewal 127.0.0.1:8080
//! ```
//!
//! needs no Stytch account: the process keeps the sessions itself, and prints curl lines with
//! tokens of several people to paste. `GET /people` prints them again with fresh tokens. Every line
//! works once or more often, but those of whoever has signed out or taken a step: these sessions
//! are over then.
//!
//! With Stytch, `TestSessions` gives way to `project.sessions_api(secret)`, and the step to a call
//! of its API.

#[path = "support/serving.rs"]
mod support;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use time::OffsetDateTime;
use tower_http::csrf::CsrfLayer;
use tower_step_up::testing::{self, SessionBuilder, TestIssuer, TestSessions};
use tower_step_up::{
    Clock, Factor, Grant, Negotiated, Policy, ReturnTo, Session, SessionTokens, Sessions,
    StepUpLayer, SystemClock,
};

#[tokio::main]
async fn main() -> ExitCode {
    support::exit_code(run().await)
}

async fn run() -> Result<(), String> {
    let (listener, base) = support::listen().await?;
    let bank = Bank::new(&base).map_err(|error| error.to_string())?;
    support::print(&format!("listening on {base}\n{}", bank.people().await))?;
    axum::serve(listener, bank.routes()).await.map_err(|error| error.to_string())
}

#[derive(Clone)]
struct Bank {
    base: String,
    issuer: TestIssuer,
    /// Stands in for Stytch's API.
    authority: TestSessions,
    sessions: Sessions,
    guard: StepUpLayer,
}

impl Bank {
    fn new(base: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let issuer = TestIssuer::new().clock(SystemClock);
        let authority = TestSessions::new(&issuer);
        let sessions = issuer.sessions(authority.clone()).answer_with_fresh_jwt();
        let guard = issuer
            .guard()
            .renew_with(&sessions)
            .respond_with(Negotiated::new().sign_in("/sign-in")?.step_up("/second-factor")?);
        Ok(Self { base: base.to_owned(), issuer, authority, sessions, guard })
    }

    fn routes(self) -> Router {
        let account = self.guard.require(Policy::mfa().named("account"));
        // Confirmed by whoever keeps the sessions, unless that happened within ten seconds.
        let closing = account.confirmed_within(Duration::from_secs(10));
        Router::new()
            .route("/profile", get(profile).layer(self.guard.clone()))
            .route("/account", get(show_account).layer(account))
            .route("/account/close", post("It is closed.\n").layer(closing))
            .route("/second-factor", get(ask_for_code).post(take_step).layer(self.guard.clone()))
            .route("/sign-out", post(sign_out).layer(self.guard.clone()))
            .route("/sign-in", get("Here people sign in.\n"))
            .route("/people", get(print_people))
            // Outside of every guard: cookies go with requests of other sites too.
            .layer(CsrfLayer::new())
            .with_state(self)
    }
}

async fn profile(session: Session) -> String {
    format!("You are {}.\n", session.user_id())
}

async fn show_account(session: Session) -> String {
    format!("{}, here is your account.\n", session.user_id())
}

#[derive(serde::Deserialize)]
struct Asked {
    #[serde(default)]
    return_to: String,
}

async fn ask_for_code(Query(asked): Query<Asked>) -> Html<String> {
    let return_to = ReturnTo::parse(&asked.return_to).unwrap_or_default();
    // What ReturnTo accepts has no quotes and no angle brackets.
    let return_to = return_to.as_str().replace('&', "&amp;");
    Html(format!(
        "<form method=post><input type=hidden name=return_to value=\"{return_to}\"><button>The code is right</button></form>\n"
    ))
}

/// What Stytch's API does with a code and the session's token: a new session, with two factors.
async fn take_step(
    State(bank): State<Bank>,
    session: Session,
    headers: HeaderMap,
    Form(asked): Form<Asked>,
) -> Result<Response, (StatusCode, String)> {
    let stronger = person(session.user_id()).proved(Factor::Password).proved(Factor::OtpSms);
    let tokens = bank.authority.begin(&stronger);
    let adopted = bank.sessions.adopt(&tokens, Some(&session), &headers).await;
    let adopted = adopted.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    let return_to = ReturnTo::parse(&asked.return_to).unwrap_or_default();
    Ok((adopted.cookies, Redirect::to(return_to.as_str())).into_response())
}

async fn sign_out(State(bank): State<Bank>, grant: Grant, headers: HeaderMap) -> impl IntoResponse {
    let out = bank.sessions.sign_out(&grant, &headers).await;
    let said = match out.revoked {
        Ok(()) => "Goodbye.\n".to_owned(),
        Err(error) => format!("You may still be signed in: {error}. Please try again.\n"),
    };
    (out.cookies, said)
}

async fn print_people(State(bank): State<Bank>) -> String {
    bank.people().await
}

fn person(user: &str) -> SessionBuilder {
    testing::session().user(user)
}

/// So long behind: the age of the JWTs that it dates.
struct Behind(Duration);

impl Clock for Behind {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() - self.0
    }
}

impl Bank {
    /// Requests to paste, each after the answer to expect.
    async fn people(&self) -> String {
        let mut lines = String::new();
        let mut ask = |who: &str, asks: &[(&str, String)]| {
            let _ = write!(lines, "\n{who}\n");
            for (expected, arguments) in asks {
                let path = expected.split([' ', ':']).nth(1).unwrap_or_default();
                let _ = write!(lines, "{expected}\n  curl -i {arguments} {}{path}\n", self.base);
            }
        };
        let navigation = "-H \"Sec-Fetch-Mode: navigate\" -H \"Accept: text/html\"";

        let ada = self.aged(Duration::from_secs(600), "user-test-ada", &[Factor::Password]).await;
        ask(
            "Ada: a password; her JWT has expired, and her session is alive",
            &[
                ("GET /profile: 200, new cookies", cookies(&ada)),
                ("GET /profile: 200, a fresh JWT in Stytch-Session-JWT", bearer(&ada)),
                (
                    "GET /account: 303 to /second-factor, new cookies",
                    format!("{navigation} {}", cookies(&ada)),
                ),
                ("GET /account: 401 insufficient_user_authentication, new cookies", cookies(&ada)),
                ("GET /profile: 303 to /sign-in", navigation.to_owned()),
            ],
        );
        let ben = self.authority.begin(&person("user-test-ben").proved(Factor::Password));
        ask(
            "Ben: a password, and then a second factor: his weaker session dies when the stronger one is born (in this order)",
            &[
                ("GET /account: 401 insufficient_user_authentication", cookies(&ben)),
                (
                    "POST /second-factor: 303 to /account, new cookies",
                    format!("-X POST -d return_to=/account -c ben.cookies {}", cookies(&ben)),
                ),
                ("GET /account: 200", "-b ben.cookies".to_owned()),
                ("GET /account: 401 invalid_token", cookies(&ben)),
            ],
        );
        let cleo = self
            .aged(Duration::from_secs(60), "user-test-cleo", &[Factor::Password, Factor::Totp])
            .await;
        ask(
            "Cleo: two factors; she signs out, and her tokens are worth nothing at once (in this order)",
            &[
                (
                    "POST /account/close: 200, a fresh JWT in Stytch-Session-JWT",
                    format!("-X POST {}", bearer(&cleo)),
                ),
                (
                    "POST /sign-out: 403, sent from another site",
                    format!("-X POST -H \"Sec-Fetch-Site: cross-site\" {}", cookies(&cleo)),
                ),
                ("POST /sign-out: 200, cookies removed", format!("-X POST {}", cookies(&cleo))),
                ("GET /account: 401 invalid_token", cookies(&cleo)),
                ("GET /account: 401 invalid_token", bearer(&cleo)),
            ],
        );
        lines
            + &format!(
                "\nThe tokens live five minutes. This prints fresh ones:\n  curl {}/people\n",
                self.base
            )
    }

    /// Tokens of a session that is alive, of which the JWT has this age.
    async fn aged(&self, age: Duration, user: &str, factors: &[Factor]) -> SessionTokens {
        let session =
            factors.iter().fold(person(user), |session, factor| session.proved(factor.clone()));
        let tokens = self.authority.begin(&session);
        let id =
            self.guard.verifier().verify(&tokens.session_jwt).await.map(|it| it.id().to_owned());
        let session = session.id(&id.unwrap_or_default());
        SessionTokens {
            session_jwt: self.issuer.clone().clock(Behind(age)).mint(&session),
            ..tokens
        }
    }
}

fn cookies(tokens: &SessionTokens) -> String {
    format!(
        "-b \"stytch_session_jwt={}; stytch_session={}\"",
        tokens.session_jwt, tokens.session_token
    )
}

fn bearer(tokens: &SessionTokens) -> String {
    format!("-H \"Authorization: Bearer {}\"", tokens.session_jwt)
}
